package kind

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// manifest has the kinds of an installation in an order that could not be applied.
const manifest = `# an installation
apiVersion: sources.example.com/v1
kind: Source
metadata: {name: own, namespace: knative-eventing}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: judge}
webhooks: []
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: controller, namespace: knative-eventing, creationTimestamp: null}
status: {replicas: 7}
---

# nothing here
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: one, namespace: knative-eventing}}
- {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: two}}
--- # definitions
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: sources.sources.example.com}
---
apiVersion: v1
kind: Namespace
metadata: {name: knative-eventing, labels: {app.kubernetes.io/version: 1.2.3}}
`

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func described(l objects) []string {
	var names []string
	for _, o := range l {
		names = append(names, describe(o))
	}
	return names
}

func TestObjectsComeInTheOrderToApplyThem(t *testing.T) {
	p, err := newPlan([]string{write(t, "all.yaml", manifest)}, false)
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.objects()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Namespace knative-eventing",
		"CustomResourceDefinition sources.sources.example.com",
		"ConfigMap knative-eventing/one",
		"ClusterRole two",
		"Service knative-eventing/sequitur-imc-dispatcher",
		"Service knative-eventing/sequitur-broker-ingress",
		"Deployment knative-eventing/controller",
		"ValidatingWebhookConfiguration judge",
		"Source knative-eventing/own",
	}
	if got := described(all); !slices.Equal(got, want) {
		t.Errorf("got the order\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := all.version(); got != "1.2.3" {
		t.Errorf("version %q, want 1.2.3", got)
	}
	d := all.find("Deployment", "controller")
	if _, found, _ := unstructured.NestedFieldNoCopy(d.Object, "status"); found {
		t.Error("the status of a manifest would be applied")
	}
	if _, found, _ := unstructured.NestedFieldNoCopy(d.Object, "metadata", "creationTimestamp"); found {
		t.Error("the time of creation of a manifest would be applied")
	}
}

func TestWaysInComeOnlyWithKnativeEventing(t *testing.T) {
	p, err := newPlan([]string{write(t, "other.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")}, false)
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.objects()
	if err != nil {
		t.Fatal(err)
	}
	if got := described(all); !slices.Equal(got, []string{"ConfigMap a"}) {
		t.Errorf("got %q, want the ConfigMap alone", got)
	}
}

func TestBadManifestsAreNamed(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		says []string
	}{
		"syntax":      {"a: b\nkind: x\n---\n\nkind: [\n", []string{"bad.yaml, document 1, from line 1 on"}},
		"later":       {"{apiVersion: v1, kind: A, metadata: {name: a}}\n---\n\nkind: b\nc: d: e\n", []string{"document 2, from line 4 on", "line 5"}},
		"duplicate":   {"kind: a\nkind: b\n", []string{`"kind"`, "line 2"}},
		"no kind":     {"just: data\n", []string{"document 1", "Kind"}},
		"no name":     {"apiVersion: v1\nkind: Pod\n", []string{"expected apiVersion, kind and metadata.name"}},
		"nameless in": {"apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod}]\n", []string{"Pod", "metadata.name"}},
		"no object":   {"text\n", []string{"expected an object of Kubernetes"}},
		"nothing":     {"# only words\n---\n", []string{"expected Kubernetes manifests, found none"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newPlan([]string{write(t, "bad.yaml", test.text)}, false)
			if !errors.Is(err, ErrInput) {
				t.Fatalf("got error %v, want bad input", err)
			}
			for _, s := range test.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
}

func TestWhatToInstall(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"b.yml", "a.yaml", "c.json", "notes.txt"} {
		text := `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "` + name + `"}}`
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := newPlan([]string{folder}, false)
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.objects()
	if got := described(all); err != nil || !slices.Equal(got, []string{"ConfigMap a.yaml", "ConfigMap b.yml", "ConfigMap c.json"}) {
		t.Errorf("a folder gives %q and error %v, want its three manifests by name", got, err)
	}
	if p, err := newPlan([]string{"none"}, false); err != nil || len(p.parts) > 0 {
		t.Errorf("none gives %v and error %v, want nothing", p, err)
	}
	own := write(t, "own.yaml", manifest)
	for name, test := range map[string]struct {
		knative []string
		serving bool
		says    string
	}{
		"no such file":       {[]string{"nowhere.yaml"}, false, "no such file"},
		"half a release":     {[]string{"v1.23"}, false, "a release such as v1.23.0"},
		"empty folder":       {[]string{t.TempDir()}, false, "expected manifests"},
		"nothing and more":   {[]string{own, "none"}, false, "none alone"},
		"nothing to serve":   {[]string{"none"}, true, "without any Knative"},
		"files lack serving": {[]string{own}, true, "Namespace knative-serving"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := newPlan(test.knative, test.serving); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got error %v, want bad input that says %q", err, test.says)
			}
		})
	}
}

func TestRequestLimits(t *testing.T) {
	const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: %s, namespace: %s}
spec: {template: {spec: {containers: [{name: a%s}, {name: b}]}}}
---`
	file := write(t, "limits.yaml", fmt.Sprintf(deployment, "bare", "knative-eventing", "")+
		fmt.Sprintf(deployment, "own", "knative-eventing", `, env: [{name: KUBE_API_QPS, value: "7"}]`)+
		fmt.Sprintf(deployment, "foreign", "elsewhere", ""))
	p, err := newPlan([]string{file}, false)
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.objects()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"bare": "[500 1000] [500 1000]", "own": "[7] [500 1000]", "foreign": "[] []"} {
		containers, _, err := unstructured.NestedSlice(all.find("Deployment", name).Object, "spec", "template", "spec", "containers")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range containers {
			values := []string{}
			env, _, _ := unstructured.NestedSlice(c.(map[string]any), "env")
			for _, e := range env {
				values = append(values, e.(map[string]any)["value"].(string))
			}
			got = append(got, fmt.Sprint(values))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s: limits %s, want %s", name, got, want)
		}
	}
}
