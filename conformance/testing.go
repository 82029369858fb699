package conformance

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/reports"
)

// Test judges a target under `go test`: a subtest for each scenario, and in it one for each requirement. It drives what
// options select, fails on what does not conform and if nothing is judged, skips with the reason what the target does not support, logs what
// is told without being judged, closes the target, and returns the report. `go test -run` chooses among the subtests; Options.Focus chooses what is driven.
func Test(t *testing.T, tgt target.Target, o Options) *reports.Report {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := tgt.Close(ctx); err != nil {
			t.Errorf("closing the target: %v", err)
		}
	})
	if o.Command == "" {
		o.Command = "go test -run '" + t.Name() + "'"
	}
	s, err := New(tgt, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Drive(t.Context()); err != nil {
		t.Fatalf("the harness could not work: %v", err)
	}
	report := s.Report()
	byScenario := map[string][]reports.Result{}
	var order []string
	for _, r := range report.Results {
		if r.Scenario == "" {
			continue
		}
		if _, ok := byScenario[r.Scenario]; !ok {
			order = append(order, r.Scenario)
		}
		byScenario[r.Scenario] = append(byScenario[r.Scenario], r)
	}
	for _, scenario := range order {
		t.Run(scenario, func(t *testing.T) {
			for _, r := range byScenario[scenario] {
				t.Run(r.Requirement, func(t *testing.T) { tell(t, r, report.Unexpected(r)) })
			}
		})
	}
	if !slices.ContainsFunc(report.Results, counted) {
		t.Error("nothing was judged: all that is selected was skipped, for the reasons told")
	}
	for _, r := range report.Readings {
		t.Logf("reading of %s, not judged: %s %s (%s)", r.Requirement, r.Question, cmp.Or(r.Answer, "not seen"), r.Seen)
	}
	return report
}

// counted tells whether a result says anything of the target.
func counted(r reports.Result) bool {
	return r.Verdict == verdict.Passed || r.Verdict > verdict.Untested
}

// tell turns a verdict into the outcome of a subtest. Nothing that did not pass looks as if it had.
func tell(t *testing.T, r reports.Result, unexpected bool) {
	t.Helper()
	switch {
	case unexpected:
		t.Errorf("unexpected pass: it is listed as known to fail (%s)", r.Reason)
	case r.Verdict == verdict.Passed:
	case r.KnownFailing && r.Verdict != verdict.HarnessError:
		t.Skipf("known to fail: %s", r.Reason)
	case r.Provisional && r.Verdict != verdict.Passed:
		t.Skipf("provisional: %s", r.Message)
	case r.Verdict == verdict.NotSupported, r.Verdict == verdict.Untested:
		t.Skipf("%v: %s", r.Verdict, r.Reason)
	default:
		t.Error("\n" + reports.Describe(r))
	}
}
