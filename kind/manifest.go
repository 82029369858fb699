package kind

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// The namespaces of Knative.
const (
	eventingNamespace = "knative-eventing"
	servingNamespace  = "knative-serving"
)

// servicesYAML are the ways into the data plane from outside.
//
//go:embed services.yaml
var servicesYAML []byte

// plan is what is to be installed: manifests of files, read, and of releases, which may have to be fetched.
type plan struct {
	serving  bool
	releases *releases
	parts    []part
}

// part is a release's files, or the objects of a file.
type part struct {
	release []string
	objects objects
}

// newPlan reads the files. Serving must be in them, or be of a release.
func newPlan(knative []string, serving bool) (*plan, error) {
	p := &plan{serving: serving}
	if slices.Equal(knative, []string{"none"}) {
		if serving {
			return nil, input("Knative Serving without any Knative: expected one or the other")
		}
		return p, nil
	}
	if slices.Contains(knative, "none") {
		return nil, input("Knative from %s: expected none alone, or what to install", strings.Join(knative, ", "))
	}
	released := false
	for _, source := range knative {
		if files := releaseFiles(source, serving); files != nil {
			released = true
			p.parts = append(p.parts, part{release: files})
			continue
		}
		files, err := manifestFiles(source)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, input("manifest: %w", err)
			}
			list, err := parseManifest(file, text)
			if err != nil {
				return nil, input("%w", err)
			}
			p.parts = append(p.parts, part{objects: list})
		}
	}
	if released {
		var err error
		if p.releases, err = newReleases(); err != nil {
			return nil, err
		}
		return p, nil
	}
	all, err := p.objects()
	if err == nil && serving && !all.has("Namespace", servingNamespace) {
		return nil, input("none of the files %s has Knative Serving (the Namespace %s): expected one that does, or no demand for it",
			strings.Join(knative, ", "), servingNamespace)
	}
	return p, err
}

// manifestFiles are the files of a path: itself, or those of a folder by name, not of folders in it.
func manifestFiles(source string) ([]string, error) {
	info, err := os.Stat(source)
	if err != nil {
		return nil, input("Knative from %q: expected a release such as %s, a file or a folder of manifests, or none (%w)", source, DefaultKnative, err)
	}
	if !info.IsDir() {
		return []string{source}, nil
	}
	entries, err := os.ReadDir(source)
	if err != nil {
		return nil, input("%w", err)
	}
	var files []string
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".yaml", ".yml", ".json":
			files = append(files, filepath.Join(source, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, input("folder %s: expected manifests, *.yaml, *.yml or *.json", source)
	}
	return files, nil
}

// missing counts the files that have to be fetched.
func (p *plan) missing() int {
	n := 0
	for _, part := range p.parts {
		for _, path := range part.release {
			if !p.releases.cached(path) {
				n++
			}
		}
	}
	return n
}

func (p *plan) fetch(ctx context.Context) error {
	for _, part := range p.parts {
		if err := p.releases.fetch(ctx, part.release); err != nil {
			return err
		}
	}
	return nil
}

// objects are all objects of the plan in the order to apply them. Releases must have been fetched.
func (p *plan) objects() (objects, error) {
	var all objects
	for _, part := range p.parts {
		all = append(all, part.objects...)
		for _, path := range part.release {
			text, err := p.releases.read(path)
			if err != nil {
				return nil, err
			}
			list, err := parseManifest(p.releases.local(path), text)
			if err != nil {
				return nil, err
			}
			if p.serving {
				list.chooseKourier()
			}
			all = append(all, list...)
		}
	}
	if all.has("Namespace", eventingNamespace) {
		services, err := parseManifest("services.yaml", servicesYAML)
		if err != nil {
			return nil, err
		}
		all = append(all, services...)
	}
	all.hasten()
	all.sort()
	return all, nil
}

// objects are what manifests declare.
type objects []*unstructured.Unstructured

var (
	documentLine = regexp.MustCompile(`(?m)^---([ \t].*)?\r?$`)
	yamlLine     = regexp.MustCompile(`\bline ([0-9]+)\b`)
)

// parseManifest reads the documents of a YAML or JSON file. Errors name the file, the line and the document.
func parseManifest(file string, text []byte) (objects, error) {
	var list objects
	line, start := 1, 0
	ends := append(documentLine.FindAllIndex(text, -1), []int{len(text), len(text)})
	for i, end := range ends {
		doc := text[start:end[0]]
		found, err := parseDocument(doc)
		if err != nil {
			// the parser counts the lines of the document
			said := yamlLine.ReplaceAllStringFunc(err.Error(), func(s string) string {
				n, _ := strconv.Atoi(s[len("line "):])
				return fmt.Sprintf("line %d", line+n-1)
			})
			return nil, fmt.Errorf("%s, document %d, from line %d on: %s", file, i+1, firstLine(doc, line), said)
		}
		list = append(list, found...)
		line += bytes.Count(text[start:end[1]], []byte("\n"))
		start = end[1]
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: expected Kubernetes manifests, found none", file)
	}
	return list, nil
}

// firstLine is the number of the first line with text.
func firstLine(doc []byte, line int) int {
	blank := doc[:len(doc)-len(bytes.TrimLeft(doc, " \t\r\n"))]
	return line + bytes.Count(blank, []byte("\n"))
}

func parseDocument(doc []byte) (objects, error) {
	json, err := yaml.YAMLToJSONStrict(doc)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(json, []byte("null")) {
		return nil, nil
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(json); err != nil {
		return nil, fmt.Errorf("expected an object of Kubernetes: %w", err)
	}
	if o.IsList() {
		var list objects
		err := o.EachListItem(func(item runtime.Object) error {
			u := item.(*unstructured.Unstructured)
			list = append(list, u)
			return declared(u)
		})
		return list, err
	}
	return objects{o}, declared(o)
}

// declared makes an object what its author declares: without what only the cluster has to say.
func declared(o *unstructured.Unstructured) error {
	if o.GetAPIVersion() == "" || o.GetName() == "" {
		return fmt.Errorf("%s %q: expected apiVersion, kind and metadata.name", o.GetKind(), o.GetName())
	}
	unstructured.RemoveNestedField(o.Object, "status")
	unstructured.RemoveNestedField(o.Object, "metadata", "creationTimestamp")
	return nil
}

// rank is the place of a kind in the order of applying: what others stand in, need or are watched by comes first, and objects
// of kinds that Kubernetes does not have last, as webhooks judge them.
func rank(o *unstructured.Unstructured) int {
	switch group := o.GroupVersionKind().Group; {
	case o.GetKind() == "Namespace":
		return 0
	case o.GetKind() == "CustomResourceDefinition":
		return 1
	case group == "admissionregistration.k8s.io":
		return 4
	case group == "apps" || group == "batch":
		return 3
	case strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io"):
		return 5
	}
	return 2
}

// sort keeps the order of the files within a rank.
func (l objects) sort() {
	slices.SortStableFunc(l, func(a, b *unstructured.Unstructured) int { return rank(a) - rank(b) })
}

func (l objects) find(kind, name string) *unstructured.Unstructured {
	for _, o := range l {
		if o.GetKind() == kind && o.GetName() == name {
			return o
		}
	}
	return nil
}

func (l objects) has(kind, name string) bool { return l.find(kind, name) != nil }

// version is that of Knative Eventing, as its namespace says; empty if it says none.
func (l objects) version() string {
	if o := l.find("Namespace", eventingNamespace); o != nil {
		return o.GetLabels()[versionLabel]
	}
	return ""
}

const versionLabel = "app.kubernetes.io/version"

// chooseKourier has Knative Serving use the ingress that Up installs with a release.
func (l objects) chooseKourier() {
	if o := l.find("ConfigMap", "config-network"); o != nil && o.GetNamespace() == servingNamespace {
		_ = unstructured.SetNestedField(o.Object, "kourier.ingress.networking.knative.dev", "data", "ingress-class") // data is a map, or the object is refused anyhow
	}
}

// requestLimits are those that the controllers of Knative Eventing set themselves (knative.dev/pkg environment/client_config.go).
// By default it is ten requests a second for some, which is what tests would wait for.
var requestLimits = []any{
	map[string]any{"name": "KUBE_API_QPS", "value": "500"},
	map[string]any{"name": "KUBE_API_BURST", "value": "1000"},
}

// hasten raises the request limits of the controllers of Knative Eventing, unless the manifests set some.
func (l objects) hasten() {
	for _, o := range l {
		if o.GetKind() != "Deployment" || o.GetNamespace() != eventingNamespace {
			continue
		}
		containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
		for _, c := range containers {
			container, ok := c.(map[string]any)
			if !ok {
				return // it is refused when it is applied
			}
			env, _, _ := unstructured.NestedSlice(container, "env")
			if set := slices.ContainsFunc(env, func(e any) bool {
				v, _ := e.(map[string]any)
				return v["name"] == "KUBE_API_QPS"
			}); !set {
				container["env"] = append(env, requestLimits...)
			}
		}
		_ = unstructured.SetNestedSlice(o.Object, containers, "spec", "template", "spec", "containers") // as they were read
	}
}

// observable are the objects that show whether they are ready.
func (l objects) observable() objects {
	var list objects
	for _, o := range l {
		if _, known := readiness[groupKind(o)]; known {
			list = append(list, o)
		}
	}
	return list
}

// namespaces are those that objects stand in.
func (l objects) namespaces() map[string]bool {
	all := map[string]bool{}
	for _, o := range l {
		if o.GetNamespace() != "" {
			all[o.GetNamespace()] = true
		}
	}
	return all
}

func groupKind(o *unstructured.Unstructured) schema.GroupKind {
	return o.GroupVersionKind().GroupKind()
}
