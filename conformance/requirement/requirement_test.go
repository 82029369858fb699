package requirement

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestEmbedded(t *testing.T) {
	c, err := Parse("requirements.yaml", embedded)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(c.Requirements); n < 300 {
		t.Errorf("%d requirements: the catalogue has shrunk", n)
	}
	chapters, features := map[string]int{}, map[string]int{}
	previous, seen := "", []string{}
	for _, r := range c.Requirements {
		chapters[r.Chapter()]++
		features[r.Feature]++
		// New ids go to the end of a chapter, so ids ascend by one and a chapter stands in one piece.
		if r.Chapter() != previous {
			if slices.Contains(seen, r.Chapter()) {
				t.Errorf("%s: chapter %s stands in two places", r.ID, r.Chapter())
			}
			seen, previous = append(seen, r.Chapter()), r.Chapter()
		}
		if want := r.Chapter() + "-" + pad(chapters[r.Chapter()]); r.ID != want {
			t.Errorf("%s: expected %s here", r.ID, want)
		}
		if !strings.HasSuffix(r.Statement, ".") {
			t.Errorf("%s: the statement is no sentence: %s", r.ID, r.Statement)
		}
		if len(r.Statement) > 320 {
			t.Errorf("%s: the statement has %d characters: split it", r.ID, len(r.Statement))
		}
		if !strings.Contains(r.How, "Mutant: ") {
			t.Errorf("%s: names no mutant (or none)", r.ID)
		}
		if r.Mutant() == "" && r.Level == Must {
			t.Errorf("%s: a MUST without a mutant", r.ID)
		}
	}
	for id := range c.Chapters {
		if chapters[id] == 0 {
			t.Errorf("chapter %s is empty", id)
		}
	}
	for name := range c.Features {
		if features[name] == 0 && name != "KnativeService" { // which stands in the way of scenarios, not of requirements
			t.Errorf("feature %s has no requirement", name)
		}
	}
}

const small = `version: 1
basis: {knative/specs: abc}
features: {core: always}
chapters: {SEQ: Sequence}
requirements:
  - id: SEQ-001
    level: MUST
    feature: core
    statement: "A."
    source: "specs/x.md #y"
    how: "B. Mutant: C."
`

func TestParseRefuses(t *testing.T) {
	if _, err := Parse("f.yaml", []byte(small)); err != nil {
		t.Fatal(err)
	}
	row := small[strings.Index(small, "  - id"):]
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown field", "level: MUST", "level: MUST\n    colour: red", "line 8: field colour not found"},
		{"unknown top field", "version: 1", "version: 1\ncolour: red", "line 2: field colour not found"},
		{"repeated field", "level: MUST", "level: MUST\n    level: MAY", "line 8: mapping key \"level\" already defined"},
		{"repeated id", row, row + row, "f.yaml:12: SEQ-001 occurs twice: first in line 6"},
		{"level", "MUST", "must", `f.yaml:7: SEQ-001: unknown level "must"`},
		{"feature", "feature: core", "feature: Core", `f.yaml:8: SEQ-001: feature "Core" is not in features`},
		{"no feature", "    feature: core\n", "", `f.yaml:6: SEQ-001: feature "" is not in features`},
		{"id syntax", "SEQ-001", "SEQ-1", `f.yaml:6: id "SEQ-1": expected`},
		{"chapter", "SEQ-001", "PAR-001", "f.yaml:6: PAR-001: chapter PAR is not in chapters"},
		{"statement", `"A."`, `" "`, "f.yaml:9: SEQ-001: statement is empty"},
		{"issue", `how:`, "issues: ['#12']\n    how:", `f.yaml:11: SEQ-001: issue "#12"`},
		{"version", "version: 1", "version: 2", "f.yaml:1: version is 2"},
		{"no core", "core: always", "x: y", `features lacks "core"`},
		{"no rows", row, "  []\n", "no requirements"},
		{"two documents", row, row + "---\n{}\n", "expected one YAML document"},
		{"empty", small, "", "f.yaml: empty"},
		{"no YAML", small, "a: [", "f.yaml: yaml:"},
		{"a list", small, "[]", "f.yaml: yaml:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := strings.Replace(small, c.old, c.new, 1)
			if bad == small {
				t.Fatal("nothing was replaced")
			}
			if _, err := Parse("f.yaml", []byte(bad)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v: expected one with %q", err, c.want)
			}
		})
	}
}

// Whoever edits the catalogue sees all that is wrong at once, and no input makes the reader panic.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("version: 1\nrequirements: [null, {id: 3}]\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("<<: {requirements: [{id: SEQ-001}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("f.yaml", data)
		if (c == nil) == (err == nil) {
			t.Errorf("catalogue %v, error %v", c, err)
		}
	})
}

func TestLookup(t *testing.T) {
	c := Load()
	for _, id := range []string{"DLV-012", "dlv-012"} {
		if r, ok := c.Lookup(id); !ok || r.ID != "DLV-012" || r.Chapter() != "DLV" {
			t.Errorf("Lookup(%q) = %v, %v", id, r.ID, ok)
		}
	}
	if _, ok := c.Lookup("DLV-999"); ok {
		t.Error("found what is not there")
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, first string
		count          int
	}{
		{"SEQ-013", "SEQ-013", 1},
		{"seq-00*", "SEQ-001", 9},
		{"DLV-01[12]", "DLV-011", 2},
		{"*-001", "SEQ-001", len(Load().Chapters)},
		{"SEQ", "", 0},
		{"NO-*", "", 0},
		{"SEQ-[", "", 0},
		{"", "", 0},
	} {
		got := Load().Match(c.pattern)
		if len(got) != c.count || c.count > 0 && got[0].ID != c.first {
			t.Errorf("Match(%q): %d results, expected %d beginning with %s", c.pattern, len(got), c.count, c.first)
		}
	}
}

func TestSuggest(t *testing.T) {
	for _, c := range []struct{ id, want string }{
		{"SEQ-1", "SEQ-001"}, {"seq_001", "SEQ-001"}, {"seq13", "SEQ-013"}, {"SQE-013", "SEQ-013"}, {"DVL-018", "DLV-018"},
		{"SEQ-0013", "SEQ-013"}, {" brk 25 ", "BRK-025"}, {"dlv", "DLV-*"},
	} {
		if got := Load().suggest(c.id); !slices.Contains(got, c.want) {
			t.Errorf("suggest(%q) = %v: expected %s among them", c.id, got, c.want)
		}
	}
	if got, want := Load().DidYouMean("SEQ1"), "; did you mean SEQ-001?"; got != want {
		t.Errorf("DidYouMean = %q: expected %q", got, want)
	}
	if got := Load().DidYouMean("something else"); got != "" {
		t.Errorf("DidYouMean = %q: expected nothing", got)
	}
	if got := Load().suggest("something else"); got != nil {
		t.Errorf("suggested %v for nothing alike", got)
	}
	if got := Load().suggest("SEQ-999"); len(got) > 3 {
		t.Errorf("%d suggestions", len(got))
	}
}

func TestProfiles(t *testing.T) {
	c := Load()
	pattern := regexp.MustCompile(`^[A-Z*]`)
	for _, p := range Profiles() {
		n := 0
		for _, r := range c.Requirements {
			if p.Contains(r) {
				n++
			}
		}
		if n == 0 {
			t.Errorf("profile %s is empty", p.Name)
		}
		for _, chapter := range p.Chapters {
			if _, ok := c.Chapters[chapter]; !ok {
				t.Errorf("profile %s: unknown chapter %s", p.Name, chapter)
			}
		}
		for _, feature := range p.Features {
			if _, ok := c.Features[feature]; !ok {
				t.Errorf("profile %s: unknown feature %s", p.Name, feature)
			}
		}
		for _, id := range slices.Concat(p.With, p.Without) {
			if !pattern.MatchString(id) || len(c.Match(id)) == 0 {
				t.Errorf("profile %s: %s fits no requirement", p.Name, id)
			}
		}
	}
	for _, r := range c.Requirements {
		got := r.Profiles()
		if got[len(got)-1] != "full" {
			t.Errorf("%s is in %v, not in full", r.ID, got)
		}
		// Security and what cannot be converted belong to no part; all else must, or nobody would select it.
		if len(got) == 1 && r.Chapter() != "SEC" && r.ID != "LEG-005" {
			t.Errorf("%s is in no profile but full", r.ID)
		}
	}
	for id, want := range map[string]string{
		"SEQ-001": "sequence full", "STA-012": "parallel full", "STA-010": "sequence full", "STA-007": "sequence full",
		"STA-013": "parallel full", "STA-001": "sequence parallel broker channel full", "STA-016": "sequence full",
		"STA-014": "sequence parallel broker channel full", "CE-007": "sequence parallel broker channel full",
		"DLV-011": "delivery full", "SEC-007": "delivery full", "SEC-001": "full", "LEG-002": "sources full",
		"ORD-006": "sequence delivery full", "CHN-014": "channel full", "AUT-008": "autoscale full",
	} {
		r, _ := c.Lookup(id)
		if got := strings.Join(r.Profiles(), " "); got != want {
			t.Errorf("%s is in %s: expected %s", id, got, want)
		}
	}
}

// Nearly every source leads somewhere; a new one that does not is likely a typing error.
func TestLinks(t *testing.T) {
	var without []string
	for _, r := range Load().Requirements {
		if len(links(Load().Basis, r.Source)) == 0 {
			without = append(without, r.ID)
		}
	}
	if want := []string{"CE-007", "CE-021", "STA-020"}; !slices.Equal(without, want) {
		t.Errorf("no address for the sources of %v: expected %v", without, want)
	}
	for place, want := range map[string]string{
		"specs/eventing/data-plane.md #http-verbs":                              "https://github.com/knative/specs/blob/22d54f84/specs/eventing/data-plane.md#http-verbs",
		"docs eventing/flows/parallel.md":                                       "https://github.com/knative/docs/blob/de125bfd/docs/versioned/eventing/flows/parallel.md",
		"docs eventing/channels":                                                "https://github.com/knative/docs/tree/de125bfd/docs/versioned/eventing/channels",
		"cesql/spec.md #evaluation":                                             "https://github.com/cloudevents/spec/blob/c2845a49/cesql/spec.md#evaluation",
		"cloudevents/spec subscriptions/spec.md §3":                             "https://github.com/cloudevents/spec/blob/97caeace/subscriptions/spec.md",
		"knative.dev/pkg apis/duck/v1/destination.go":                           "https://github.com/knative/pkg/blob/main/apis/duck/v1/destination.go",
		"knative/eventing release-0.13 pkg/x.go":                                "https://github.com/knative/eventing/blob/release-0.13/pkg/x.go",
		"PR #5764":                                                              "https://github.com/knative/eventing/pull/5764",
		"issue knative-extensions/eventing-natss#381":                           "https://github.com/knative-extensions/eventing-natss/issues/381",
		"RFC 9110 §15.2":                                                        "https://www.rfc-editor.org/rfc/rfc9110#section-15.2",
		"knative-extensions/eventing-kafka-broker test/e2e_new/ordered_test.go": "https://github.com/knative-extensions/eventing-kafka-broker/blob/7d8fe89f/test/e2e_new/ordered_test.go",
	} {
		if got := links(Load().Basis, place); !slices.Equal(got, []string{want}) {
			t.Errorf("links(%q) = %v: expected %s", place, got, want)
		}
	}
}

func TestExplain(t *testing.T) {
	for _, id := range []string{"SEQ-013", "DLV-031", "BRK-002", "TRG-022"} {
		r, _ := Load().Lookup(id)
		file := filepath.Join("testdata", id+".txt")
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(r.Explain()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Explain(); got != string(want) {
			t.Errorf("%s differs (run with -update if that is right). Got:\n%s", file, got)
		}
	}
	for _, r := range Load().Requirements {
		if page := r.Explain(); !strings.Contains(page, r.ID) || strings.Contains(page, "%!") {
			t.Errorf("%s: %s", r.ID, page)
		}
	}
	if page := (Requirement{ID: "X-1"}).Explain(); !strings.Contains(page, "X-1") {
		t.Error(page)
	}
}
