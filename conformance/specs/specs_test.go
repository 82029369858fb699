package specs

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/extensions/globals"
	"github.com/onsi/ginkgo/v2/formatter"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/sequitur-dev/sequitur/conformance"
	"github.com/sequitur-dev/sequitur/fixtures/reference"
	"github.com/sequitur-dev/sequitur/fixtures/target"
)

func embedded(t *testing.T, change func(*reference.Rules)) *target.Embedded {
	t.Helper()
	rules := reference.DefaultRules()
	if change != nil {
		change(&rules)
	}
	tgt, err := target.NewEmbedded(reference.Options{Rules: &rules})
	if err != nil {
		t.Fatal(err)
	}
	return tgt
}

func broken(r *reference.Rules) { r.Routed = func(int) bool { return true } }

// judge drives a session and runs its specs as the binary does.
func judge(t *testing.T, change func(*reference.Rules), o conformance.Options) (bool, string) {
	t.Helper()
	tgt := embedded(t, change)
	defer tgt.Close(context.Background())
	s, err := conformance.New(tgt, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Drive(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	return Judge(s, &out), out.String()
}

func TestJudgeInABinary(t *testing.T) {
	o := conformance.Options{Focus: []string{"DLV-040", "DLV-041"}}
	if ok, out := judge(t, nil, o); !ok || !strings.Contains(out, "0 Failed") {
		t.Errorf("the reference: passed %v\n%s", ok, out)
	}
	ok, out := judge(t, broken, o)
	if ok || !strings.Contains(out, "1 Failed") || !strings.Contains(out, "DLV-041") || !strings.Contains(out, "rerun") {
		t.Errorf("a broken one: passed %v\n%s", ok, out)
	}
}

// suite runs a vendor's suite with its own options and Ginkgo's label filter, and returns Ginkgo's report.
func suite(t *testing.T, change func(*reference.Rules), filter string) types.Report {
	t.Helper()
	globals.Reset()
	defer globals.Reset()
	stdout := formatter.ColorableStdOut
	formatter.ColorableStdOut = &bytes.Buffer{}
	defer func() { formatter.ColorableStdOut = stdout }()
	config, reporter := ginkgo.GinkgoConfiguration()
	config.LabelFilter = filter
	// Ginkgo takes its configuration from RunSpecs' arguments only after the tree was built by Declare's container.
	var report types.Report
	ginkgo.ReportAfterSuite("keep", func(r types.Report) { report = r })
	Declare(func() (target.Target, conformance.Options) {
		return embedded(t, change), conformance.Options{Scenarios: []string{"answers/*"}}
	})
	ginkgo.RunSpecs(&outcome{}, "vendor", config, reporter)
	return report
}

func TestDeclareInAVendorsSuite(t *testing.T) {
	r := suite(t, broken, "DLV-041 || DLV-040")
	states := map[string]types.SpecState{}
	for _, s := range r.SpecReports {
		if !s.LeafNodeType.Is(types.NodeTypeIt) {
			continue
		}
		if id, _, _ := strings.Cut(s.LeafNodeText, " "); !slices.Contains(s.Labels(), id) {
			t.Errorf("%q does not have its id among the labels %v", s.LeafNodeText, s.Labels())
		} else if s.State != types.SpecStateSkipped {
			states[id] = s.State
		}
	}
	if len(states) != 2 || states["DLV-040"] != types.SpecStatePassed || states["DLV-041"] != types.SpecStateFailed {
		t.Errorf("states %v, want DLV-040 passed and DLV-041 failed, no other run", states)
	}
}

func TestLabelFilter(t *testing.T) {
	f, err := Filter("MUST && profile:sequence && !DLV")
	if err != nil {
		t.Fatal(err)
	}
	if !f([]string{"SEQ-016", "MUST", "SEQ", "profile:sequence"}) || f([]string{"DLV-001", "MUST", "DLV", "profile:sequence"}) || f([]string{"X", "MUST"}) {
		t.Error("the filter does not select by label")
	}
	if _, err := Filter("MUST &&"); err == nil {
		t.Error("a broken filter is accepted")
	}
	if f, err := Filter(""); f != nil || err != nil {
		t.Error("no filter must select everything")
	}
}
