package suites

import (
	"context"
	"flag"
	"path"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/conformance/history/historytest"
	"github.com/sequitur-dev/sequitur/conformance/requirement"
	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/fixtures/reference"
	"github.com/sequitur-dev/sequitur/fixtures/target"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// example shows for one verification that its judge can pass and can fail: histories written by hand. Claims are the
// features claimed beside core, Sequence if it is nil; view, where text cannot say it, makes the histories instead.
type example struct {
	scenario, requirement string
	claims                []string
	good, bad             []string
	goodViews, badViews   []func() *history.View
}

func examples() []example {
	return slices.Concat(sequenceExamples, sequenceUpdatesExamples, parallelExamples, parallelUpdatesExamples, channelExamples, subscriptionExamples, deliveryExamples,
		backoffExamples, deadLetterExamples, triggerExamples, filtersExamples, answersExamples, cloudEventsExamples, orderingExamples, everywhereExamples, securityExamples,
		statusExamples, observabilityExamples, legacyExamples,
		sourcesExamples,
		brokerExamples)
}

// TestJudgesCanFail feeds every judge of the table a history that satisfies its requirement and one that breaks it.
func TestJudgesCanFail(t *testing.T) {
	byKey := map[string][]example{}
	for _, e := range examples() {
		key := e.scenario + " " + e.requirement
		byKey[key] = append(byKey[key], e)
	}
	try := func(scenario string, v Verification) {
		key := scenario + " " + v.Requirement
		t.Run(key, func(t *testing.T) {
			list := byKey[key]
			delete(byKey, key)
			good, bad := 0, 0
			for _, e := range list {
				if e.claims == nil {
					e.claims = []string{"Sequence"}
				}
				for i, text := range e.good {
					if f := v.Judge(historytest.View(t, text, e.claims...)); f.Verdict != verdict.Passed {
						t.Errorf("good history %d: %v: expected %q, seen %q", i, f.Verdict, f.Expected, f.Seen)
					}
					good++
				}
				for i, text := range e.bad {
					f := v.Judge(historytest.View(t, text, e.claims...))
					wantFailure(t, i, f)
					bad++
				}
				for i, view := range e.goodViews {
					if f := v.Judge(view()); f.Verdict != verdict.Passed {
						t.Errorf("good view %d: %v: expected %q, seen %q", i, f.Verdict, f.Expected, f.Seen)
					}
					good++
				}
				for i, view := range e.badViews {
					wantFailure(t, i, v.Judge(view()))
					bad++
				}
			}
			if good == 0 || bad == 0 {
				t.Errorf("no example shows that this judge can pass (%d) and fail (%d)", good, bad)
			}
			if f := v.Judge(history.NewView("empty", map[string]bool{"core": true}, nil)); f.Verdict == verdict.Passed {
				t.Errorf("the empty history passes: %q", f.Seen)
			}
		})
	}
	for _, s := range All() {
		for _, v := range s.Verify {
			try(s.Name, v)
		}
	}
	for _, v := range Everywhere() {
		try("everywhere", v)
	}
	for key := range byKey {
		t.Errorf("examples for %q, which is not in the table", key)
	}
}

func wantFailure(t *testing.T, i int, f check.Finding) {
	t.Helper()
	switch {
	case f.Verdict != verdict.Failed:
		t.Errorf("bad history %d: %v: %q", i, f.Verdict, f.Seen)
	case f.Expected == "" || f.Seen == "":
		t.Errorf("bad history %d: the finding does not say what was expected (%q) and seen (%q)", i, f.Expected, f.Seen)
	}
}

// TestTable holds the table together: names, ids, no double entry.
func TestTable(t *testing.T) {
	catalogue := requirement.Load()
	seen := map[string]bool{}
	for _, s := range All() {
		if !nameSyntax.MatchString(s.Name) {
			t.Errorf("scenario name %q: expected chapter/what-happens in lower case", s.Name)
		}
		if seen[s.Name] {
			t.Errorf("scenario %q occurs twice", s.Name)
		}
		seen[s.Name] = true
		if s.Drive == nil || len(s.Verify)+len(s.Read) == 0 {
			t.Errorf("scenario %q drives, or verifies and reads, nothing", s.Name)
		}
		for _, v := range s.Verify {
			key := s.Name + " " + v.Requirement
			if seen[key] {
				t.Errorf("%s is verified twice", key)
			}
			seen[key] = true
			if _, ok := catalogue.Lookup(v.Requirement); !ok {
				t.Errorf("%s: no such requirement", key)
			}
		}
	}
}

var only = flag.String("scenario", "*/*", "drive only the scenarios that match this glob")

// TestReference drives every scenario against the embedded reference; every judge must pass.
func TestReference(t *testing.T) { conforms(t, reference.Options{}) }

// TestReferenceWithEveryFeature drives them with all that is off by default: https, tokens, policies, …
func TestReferenceWithEveryFeature(t *testing.T) {
	var o reference.Options
	for _, f := range reference.OptionalFeatures() {
		if err := o.Enable(f.Name); err != nil {
			t.Fatal(err)
		}
	}
	conforms(t, o)
}

func conforms(t *testing.T, o reference.Options) {
	ctx := context.Background()
	tgt, err := target.NewEmbedded(o)
	if err != nil {
		t.Fatal(err)
	}
	bench, err := drive.Open(ctx, tgt, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if err := bench.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := tgt.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	claims := map[string]bool{}
	for _, c := range tgt.About().Claims {
		claims[c] = true
	}
	t.Run("scenarios", func(t *testing.T) {
		for _, s := range All() {
			if ok, err := path.Match(*only, s.Name); err != nil || !ok {
				continue
			}
			t.Run(s.Name, func(t *testing.T) {
				t.Parallel()
				for _, f := range s.Needs {
					if !claims[f] {
						t.Skipf("the reference does not claim %s here", f)
					}
				}
				began := time.Now()
				ops, err := bench.Drive(ctx, s.Name, s.Drive)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("driven in %v", time.Since(began).Round(time.Millisecond))
				view := history.NewView(s.Name, claims, ops)
				if stop := view.Stop(); stop != nil {
					t.Errorf("ended early (%s): %s", stop.Error, stop.Note)
				}
				for _, w := range view.Waits() {
					if !w.OK {
						t.Logf("waited in vain: %s", w.Note)
					}
				}
				for _, v := range slices.Concat(s.Verify, Everywhere()) {
					if f := v.Judge(view); f.Verdict != verdict.Passed && f.Verdict != verdict.NotSupported && (f.Verdict != verdict.Inconclusive || slices.ContainsFunc(s.Verify, func(x Verification) bool { return x.Requirement == v.Requirement })) {
						t.Errorf("%s: %v: expected %s; seen %s %v", v.Requirement, f.Verdict, f.Expected, f.Seen, f.Events)
					}
				}
			})
		}
	})
}
