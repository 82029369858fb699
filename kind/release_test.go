package kind

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// github serves files of releases and remembers what it was asked for.
type github struct {
	mu    sync.Mutex
	asked []string
	files map[string]string // by path, without the first slash
}

func (g *github) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/")
	g.asked = append(g.asked, path)
	switch text, ok := g.files[path]; {
	case !ok:
		http.NotFound(w, r)
	case text == "":
		w.WriteHeader(http.StatusBadGateway)
	default:
		w.Write([]byte(text))
	}
}

// newGithub has releases of the version, each file with a ConfigMap of its name.
func newGithub(t *testing.T, version string) (*github, *releases) {
	t.Helper()
	g := &github{files: map[string]string{}}
	for _, path := range releaseFiles(version, true) {
		g.files[path] = "{apiVersion: v1, kind: ConfigMap, metadata: {name: " + strings.TrimSuffix(filepath.Base(path), ".yaml") + "}}\n"
	}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return g, &releases{base: server.URL + "/", dir: t.TempDir(), client: server.Client()}
}

func releasePlan(r *releases, version string, serving bool) *plan {
	return &plan{serving: serving, releases: r, parts: []part{{release: releaseFiles(version, serving)}}}
}

func TestAReleaseIsDownloadedOnce(t *testing.T) {
	g, r := newGithub(t, "v1.23.0")
	p := releasePlan(r, "1.23.0", false)
	if n := p.missing(); n != 4 {
		t.Errorf("%d files are missing, want 4", n)
	}
	for range 2 {
		if err := p.fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(g.asked)
	want := slices.Sorted(slices.Values(releaseFiles("v1.23.0", false)))
	if !slices.Equal(g.asked, want) {
		t.Errorf("asked for %q, want each file of Eventing once: %q", g.asked, want)
	}
	all, err := p.objects()
	if err != nil {
		t.Fatal(err)
	}
	if got := described(all); !slices.Equal(got, []string{
		"ConfigMap eventing-crds", "ConfigMap eventing-core", "ConfigMap in-memory-channel", "ConfigMap mt-channel-broker"}) {
		t.Errorf("got %q, want the four files in their order", got)
	}
}

func TestServingComesWithItsIngress(t *testing.T) {
	g, r := newGithub(t, "v1.23.0")
	core := "knative/serving/releases/download/knative-v1.23.0/serving-core.yaml"
	g.files[core] = "{apiVersion: v1, kind: ConfigMap, metadata: {name: config-network, namespace: knative-serving}, data: {a: b}}"
	p := releasePlan(r, "v1.23.0", true)
	if err := p.fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := p.objects()
	if err != nil {
		t.Fatal(err)
	}
	if !all.has("ConfigMap", "kourier") || !all.has("ConfigMap", "serving-crds") {
		t.Errorf("got %q, want Serving and kourier", described(all))
	}
	class, _, _ := unstructured.NestedString(all.find("ConfigMap", "config-network").Object, "data", "ingress-class")
	if class != "kourier.ingress.networking.knative.dev" {
		t.Errorf("the class of ingress is %q, want that of kourier", class)
	}
}

func TestAFileThatHasChangedIsRefused(t *testing.T) {
	_, r := newGithub(t, "v1.23.0")
	p := releasePlan(r, "v1.23.0", false)
	if err := p.fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	file := r.local(releaseFiles("v1.23.0", false)[1])
	if err := os.WriteFile(file, []byte("{apiVersion: v1, kind: Secret, metadata: {name: other}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.objects(); err == nil || !strings.Contains(err.Error(), file+" is not what was downloaded") {
		t.Errorf("got error %v, want that %s has changed", err, file)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := p.objects(); err == nil || !strings.Contains(err.Error(), "remove "+sumFile(file)) {
		t.Errorf("got error %v, want what to do about %s", err, file)
	}
}

func TestDownloadsThatFail(t *testing.T) {
	path := releaseFiles("v1.23.0", false)[0]
	for name, test := range map[string]struct {
		change func(*github, *releases)
		says   string
	}{
		"no such release": {func(g *github, _ *releases) { delete(g.files, path) }, "there is no http"},
		"server's error":  {func(g *github, _ *releases) { g.files[path] = "" }, "expected 200, got 502"},
		"some page":       {func(g *github, _ *releases) { g.files[path] = "<html><body>Sign in</body></html>" }, "expected an object of Kubernetes"},
		"too much":        {func(g *github, _ *releases) { g.files[path] = strings.Repeat("#", manifestLimit+1) }, "more than 32 MiB"},
		"no network":      {func(_ *github, r *releases) { r.base = "http://127.0.0.1:1/" }, "give files by --knative FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			g, r := newGithub(t, "v1.23.0")
			test.change(g, r)
			p := releasePlan(r, "v1.23.0", false)
			if err := p.fetch(t.Context()); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got error %v, want one that says %q", err, test.says)
			}
			if r.cached(path) {
				t.Error("what could not be used was kept")
			}
		})
	}
}

func TestAnInterruptedDownloadIsNotKept(t *testing.T) {
	begun := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte("{apiVersion: v1,"))
		w.(http.Flusher).Flush()
		close(begun)
		<-r.Context().Done()
	}))
	defer server.Close()
	r := &releases{base: server.URL + "/", dir: t.TempDir(), client: server.Client()}
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-begun
		cancel(errTimeout)
	}()
	if err := r.fetch(ctx, []string{"a/b.yaml"}); err != errTimeout { //nolint:errorlint // it must be the bare cause
		t.Errorf("got error %v, want the cause of the end", err)
	}
	if r.cached("a/b.yaml") {
		t.Error("half a file was kept")
	}
}
