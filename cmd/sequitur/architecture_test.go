package main

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sequitur-dev/sequitur/"

// arrows says which packages of the project each may import. What is missing here is not allowed: dependencies point one
// way, from the command to the core.
var arrows = map[string][]string{
	"conformance/verdict":      {},
	"conformance/requirement":  {},
	"fixtures/event":           {},
	"fixtures/api":             {},
	"fixtures/certificate":     {},
	"fixtures/manifests":       {},
	"fixtures/wire":            {},
	"fixtures/steps":           {"fixtures/event"},
	"fixtures/receiver":        {"fixtures/event"},
	"fixtures/filter":          {"fixtures/api", "fixtures/event"},
	"fixtures/reference":       {"fixtures/api", "fixtures/certificate", "fixtures/event", "fixtures/filter", "fixtures/wire"},
	"fixtures/apiserver":       {"fixtures/api", "fixtures/reference"},
	"fixtures/local":           {"fixtures/api", "fixtures/apiserver", "fixtures/reference", "fixtures/steps"},
	"fixtures/target":          {"fixtures/api", "fixtures/reference"},
	"fixtures/target/kube":     {"fixtures/api", "fixtures/target"},
	"fixtures/target/kube/job": {"fixtures/target/kube"},
	"reports/terminal":         {},
	"reports":                  {"conformance/verdict", "reports/terminal"},
	"reports/load":             {"reports/terminal"},
	"loadgen/account":          {},
	"loadgen/scenario":         {"fixtures/api", "fixtures/event"},
	"loadgen": {"conformance/history", "fixtures/api", "fixtures/event", "fixtures/target", "loadgen/account", "loadgen/scenario",
		"reports/load"},
	"conformance/history":             {"fixtures/event"},
	"conformance/history/historytest": {"conformance/history"},
	"conformance/check":               {"conformance/history", "conformance/verdict"},
	"conformance/drive":               {"conformance/history", "fixtures/api", "fixtures/certificate", "fixtures/event", "fixtures/receiver", "fixtures/target"},
	"conformance/suites":              {"conformance/check", "conformance/verdict", "conformance/drive", "conformance/history", "fixtures/api", "fixtures/event", "fixtures/receiver"},
	"conformance": {"conformance/check", "conformance/drive", "conformance/history", "conformance/requirement",
		"conformance/suites", "conformance/verdict", "fixtures/api", "fixtures/target", "reports"},
	"conformance/specs/example": {},
	"conformance/specs":         {"conformance", "conformance/verdict", "fixtures/target", "reports"},
	"kind":                      {},
	"cmd/sequitur": {"conformance", "conformance/requirement", "conformance/specs", "conformance/verdict", "fixtures/local", "fixtures/reference",
		"fixtures/api", "fixtures/steps", "fixtures/target", "fixtures/target/kube", "fixtures/target/kube/job", "kind", "loadgen", "loadgen/scenario", "reports", "reports/load",
		"reports/terminal"},
}

// core packages stand on the standard library and small format libraries alone.
var core = map[string][]string{
	"conformance/verdict":     {},
	"conformance/requirement": {"go.yaml.in/yaml/v3"},
	"conformance/history":     {},
	"conformance/check":       {},
	"reports":                 {},
}

func TestDependenciesPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "../../...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p struct {
			ImportPath    string
			Imports, Deps []string
		}
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, known := arrows[name]
		if !known {
			t.Errorf("package %s has no place in the picture: add it to arrows", name)
			continue
		}
		seen[name] = true
		for _, i := range p.Imports {
			if to, ours := strings.CutPrefix(i, module); ours && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s: that arrow points the wrong way", name, to)
			}
		}
		if small, ok := core[name]; ok {
			for _, dep := range p.Deps {
				first, _, _ := strings.Cut(dep, "/")
				if strings.Contains(first, ".") && !strings.HasPrefix(dep, module) && !slices.Contains(small, dep) {
					t.Errorf("%s is core and depends on %s", name, dep)
				}
			}
		}
	}
	for name := range arrows {
		if !seen[name] {
			t.Errorf("arrows names the package %s, which is not there", name)
		}
	}
}
