package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/sequitur-dev/sequitur/fixtures/target/kube"
	"github.com/sequitur-dev/sequitur/reports"
)

// serveAPI runs `sequitur serve` and returns the URL of its API, and what ends it.
func serveAPI(t *testing.T) (string, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	done := make(chan int, 1)
	go func() {
		code := run(ctx, []string{"serve", "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0"}, io.Discard, w)
		_ = w.Close() // a pipe's never fails
		done <- code
	}()
	api, told := make(chan string, 1), make(chan struct{})
	go func() { // to the end: nobody may wait for a reader
		defer close(told)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			if _, after, found := strings.Cut(lines.Text(), "kubectl --server "); found && len(api) == 0 {
				api <- strings.Fields(after)[0]
			}
		}
	}()
	end := sync.OnceFunc(func() {
		cancel()
		if code := <-done; code != reports.ExitConforms {
			t.Errorf("serve ended with exit code %d", code)
		}
		<-told
	})
	t.Cleanup(end)
	return <-api, end
}

func readReport(t *testing.T, dir string) *reports.Report {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := reports.ReadJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTheWholeSuiteThroughTheKubeDriver: the reference behind the REST subset conforms, and nothing is left of the run.
func TestTheWholeSuiteThroughTheKubeDriver(t *testing.T) {
	api, _ := serveAPI(t)
	dir := t.TempDir()
	var out, errOut bytes.Buffer
	code := run(t.Context(), []string{"conform", "--server", api, "--out", dir}, &out, &errOut)
	if code != reports.ExitConforms {
		t.Fatalf("exit code %d\n%s%s", code, &out, &errOut)
	}
	r := readReport(t, dir)
	if r.Target.Driver != "kube" || r.Target.Name != "reference" || r.Run.Interrupted {
		t.Errorf("the report is of %+v, %+v", r.Target, r.Run)
	}
	if s := r.Summary; s.Counts["passed"] < 300 || s.Counts["failed"]+s.Counts["flaky"]+s.Counts["inconclusive"]+s.Counts["harness-error"] > 0 {
		t.Errorf("the verdicts are %v, want that nearly all requirements pass", s.Counts)
	}
	out.Reset()
	if code := run(t.Context(), []string{"clean", "--server", api}, &out, &errOut); code != reports.ExitConforms || out.String() != "there is nothing to remove\n" {
		t.Errorf("clean: exit code %d\n%s%s", code, &out, &errOut)
	}
}

// TestAClusterThatIsGoneMidRun: one sentence, exit code 70, and a report of what was seen before.
func TestAClusterThatIsGoneMidRun(t *testing.T) {
	api, end := serveAPI(t)
	dir := t.TempDir()
	r, w := io.Pipe()
	var said []string
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			said = append(said, lines.Text())
			if len(said) == 1 { // some scenarios have been driven
				end()
			}
		}
	}()
	code := run(t.Context(), []string{"conform", "--server", api, "--out", dir, "--parallel", "4"}, io.Discard, w)
	_ = w.Close() // a pipe's never fails
	<-read
	last := said[len(said)-1]
	want := "sequitur: the Kubernetes API at " + api + " has not answered for 10s: "
	if code != reports.ExitHarness || !strings.HasPrefix(last, want) {
		t.Errorf("exit code %d, want %d, and the last line %q, want %q", code, reports.ExitHarness, last, want)
	}
	if n := len(slices.DeleteFunc(said, func(s string) bool { return !strings.HasPrefix(s, "sequitur: ") })); n != 1 {
		t.Errorf("%d errors are told, want one", n)
	}
	report := readReport(t, dir)
	if report.Summary.Verdict.String() == "passed" || len(report.Results) == 0 {
		t.Errorf("the report says %v of %d requirements, want that it is not complete", report.Summary.Verdict, len(report.Results))
	}
	if _, err := os.Stat(filepath.Join(dir, "junit.xml")); err != nil {
		t.Error(err)
	}
}

// TestCleanRemovesFromAnAPI what a run has left there that was killed.
func TestCleanRemovesFromAnAPI(t *testing.T) {
	api, _ := serveAPI(t)
	for _, namespace := range []string{
		`{"metadata":{"name":"sequitur-x-one","labels":{"` + kube.LabelManaged + `":"` + kube.Manager + `","` + kube.LabelRun + `":"x"}}}`,
		`{"metadata":{"name":"theirs"}}`,
	} {
		resp, err := http.Post(api+"/api/v1/namespaces", "application/json", strings.NewReader(namespace))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			t.Fatalf("POST: %s", resp.Status)
		}
	}
	for _, want := range []string{"removed Namespace/sequitur-x-one\n", "there is nothing to remove\n"} {
		var out, errOut bytes.Buffer
		if code := run(t.Context(), []string{"clean", "--server", api}, &out, &errOut); code != reports.ExitConforms || out.String() != want {
			t.Errorf("clean: exit code %d, printed %q, want %q\n%s", code, &out, want, &errOut)
		}
	}
	resp, err := http.Get(api + "/api/v1/namespaces/theirs")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("what is somebody else's: %s", resp.Status)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestTroublesOfAClusterAreToldInALine: exit code 70 for what the environment lacks, 64 for what the caller can mend.
func TestTroublesOfAClusterAreToldInALine(t *testing.T) {
	nothing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path != "/version" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, `{}`) // a client that has gone misses nothing
	}))
	defer nothing.Close()
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"conform --server http://127.0.0.1:1", reports.ExitHarness, "the Kubernetes API at http://127.0.0.1:1 does not answer: "},
		{"conform --server " + nothing.URL, reports.ExitHarness, "has no Channel, Broker, Sequence or Parallel: install an implementation"},
		{"clean --server http://127.0.0.1:1", reports.ExitHarness, "does not answer"},
		{"conform --server nowhere", reports.ExitUsage, `"nowhere" is no URL`},
		{"clean --server nowhere", reports.ExitUsage, `"nowhere" is no URL`},
		{"conform --kubeconfig nowhere", reports.ExitUsage, "no cluster to talk to: "},
		{"conform --in-cluster --kubeconfig nowhere --image i", reports.ExitUsage, "no cluster to talk to: "},
		{"conform --in-cluster", reports.ExitUsage, "--in-cluster needs --image"},
		{"conform --image i", reports.ExitUsage, "--image is for --in-cluster"},
		{"conform --in-cluster --image i --server http://h", reports.ExitUsage, "--in-cluster needs a cluster"},
		{"conform --channel x --server http://127.0.0.1:1", reports.ExitUsage, "expected apiVersion/Kind"},
		{"conform --target kube --patience ready=soon --server http://127.0.0.1:1", reports.ExitUsage, "expected a duration"},
		{"conform --broker-class x", reports.ExitUsage, "need --target kube"},
		{"rbac --namespace UPPER", reports.ExitUsage, `--namespace "UPPER": `},
		{"cluster up --name UPPER", reports.ExitUsage, `cluster name "UPPER"`},
		{"cluster up --knative nowhere", reports.ExitUsage, `Knative from "nowhere"`},
		{"cluster up --knative none --images nowhere.tar", reports.ExitUsage, "archive of images: "},
		{"cluster up --nodes 0", reports.ExitUsage, "--nodes 0"},
		{"cluster load-image", reports.ExitUsage, "expected sequitur cluster load-image IMAGE|ARCHIVE... [flags], got no argument"},
	} {
		var out, errOut bytes.Buffer
		args := strings.Fields(c.args)
		if args[0] == "conform" {
			args = append(args, "--out", filepath.Join(t.TempDir(), "out"))
		}
		code := run(t.Context(), args, &out, &errOut)
		said := strings.TrimSuffix(errOut.String(), "\n")
		if code != c.code || !strings.HasPrefix(said, "sequitur: ") || !strings.Contains(said, c.want) || strings.Contains(said, "\n") {
			t.Errorf("%s: exit code %d, want %d, and one line with %q:\n%s", c.args, code, c.code, c.want, said)
		}
	}
}

// TestRights: what is printed is what a run needs, in manifests that fit together.
func TestRights(t *testing.T) {
	for namespace, kinds := range map[string][]string{
		"tests":   {"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"},
		"default": {"ServiceAccount", "ClusterRole", "ClusterRoleBinding"},
	} {
		var out, errOut bytes.Buffer
		if code := run(t.Context(), []string{"rbac", "--namespace", namespace, "--service-account", "harness"}, &out, &errOut); code != reports.ExitConforms {
			t.Fatalf("exit code %d\n%s", code, &errOut)
		}
		var got []string
		for doc := range strings.SplitSeq(out.String(), "---\n") {
			var o struct {
				Kind, APIVersion string
				Metadata         struct{ Name, Namespace string }
				Rules            []rbacv1.PolicyRule
				RoleRef          rbacv1.RoleRef
				Subjects         []rbacv1.Subject
			}
			if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
				t.Fatal(err)
			}
			got = append(got, o.Kind)
			switch o.Kind {
			case "Namespace":
				if o.Metadata.Name != namespace {
					t.Errorf("the namespace is %s", o.Metadata.Name)
				}
			case "ServiceAccount":
				if o.Metadata.Name != "harness" || o.Metadata.Namespace != namespace {
					t.Errorf("the account is %s/%s", o.Metadata.Namespace, o.Metadata.Name)
				}
			case "ClusterRole":
				if len(o.Rules) != len(kube.Rules()) || o.Metadata.Name != "harness" {
					t.Errorf("the role %s has %d rules, want %d", o.Metadata.Name, len(o.Rules), len(kube.Rules()))
				}
			case "ClusterRoleBinding":
				if o.RoleRef.Name != "harness" || len(o.Subjects) != 1 || o.Subjects[0].Name != "harness" || o.Subjects[0].Namespace != namespace {
					t.Errorf("bound are %v to %v", o.Subjects, o.RoleRef)
				}
			}
		}
		if !slices.Equal(got, kinds) {
			t.Errorf("for %s there are %v, want %v", namespace, got, kinds)
		}
	}
}

// TestSubjectsHaveDirectoriesOfTheirOwn: channels of one kind, of two versions or named twice, do not write over one another.
func TestSubjectsHaveDirectoriesOfTheirOwn(t *testing.T) {
	at := targetFlags{server: "http://127.0.0.1:1", channels: []string{"a.example/v1/C", "a.example/v2/C", "a.example/v1/C", "a.example/v1/D"}}
	subjects, err := at.subjects()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range subjects {
		names = append(names, s.name)
	}
	if got := strings.Join(names, " "); got != "C C-2 C-3 D" {
		t.Errorf("directories: %s", got)
	}
}
