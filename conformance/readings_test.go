package conformance

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/conformance/history/historytest"
	"github.com/sequitur-dev/sequitur/conformance/suites"
	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/fixtures/reference"
	"github.com/sequitur-dev/sequitur/reports"
)

// TestReadingsAreToldAndNotCounted: what no text decides is in the report, with what was seen, and in no verdict.
func TestReadingsAreToldAndNotCounted(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*reference.Rules)
		want   string
	}{
		{"the reference", nil, "yes"},
		{"another implementation", mutant(t, "foreign-answers-fail"), "no"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var file bytes.Buffer
			o := Options{Focus: []string{"BRK-025"}, History: &file}
			r := mustRun(t, embedded(t, c.change), o)
			validate(t, r)
			if len(r.Readings) != 2 {
				t.Fatalf("%d readings, want one of a Trigger and one of a Subscription", len(r.Readings))
			}
			for _, x := range r.Readings {
				if !strings.HasPrefix(x.Answer, c.want) || !slices.Contains(x.Known, x.Answer) || x.Seen == "" {
					t.Errorf("%+v, want %s", x, c.want)
				}
			}
			if got := find(t, r, "BRK-025"); got.Verdict != verdict.Untested || !got.Excused {
				t.Errorf("%v, want no verdict", got.Verdict)
			}
			if r.Summary.ExitCode != reports.ExitInconclusive {
				t.Errorf("exit code %d: nothing was judged, and that is no success", r.Summary.ExitCode)
			}
			again, unknown, err := Replay("history.jsonl", &file, Options{Focus: o.Focus})
			if err != nil || len(unknown) > 0 {
				t.Fatalf("judged again: %v, unknown %v", err, unknown)
			}
			sameVerdicts(t, r, again)
		})
	}
}

func mutant(t *testing.T, name string) func(*reference.Rules) {
	t.Helper()
	for _, m := range reference.Mutants() {
		if m.Name == name {
			return m.Break
		}
	}
	t.Fatalf("there is no mutant %s", name)
	return nil
}

func TestReadingsOfWhatIsNotDriven(t *testing.T) {
	r := mustRun(t, claims{embedded(t, nil), []string{"core"}}, Options{Focus: []string{"SEQ-041"}})
	if len(r.Readings) != 1 || r.Readings[0].Answer != "" || !strings.Contains(r.Readings[0].Seen, "does not claim") {
		t.Errorf("%+v, want one without an answer that says what is not claimed", r.Readings)
	}
	s, err := New(embedded(t, nil), Options{Focus: []string{"ORD-002"}})
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Report(); len(r.Readings) != 1 || r.Readings[0].Answer != "" || r.Readings[0].Seen == "" {
		t.Errorf("before driving: %+v, want one without an answer", r.Readings)
	}
}

// TestReadingsOfRounds: repetitions that agree give one answer, others all of theirs; one that shows nothing takes none away.
func TestReadingsOfRounds(t *testing.T) {
	round := func(text string) *seen { return &seen{view: historytest.View(t, text)} }
	yes, no, nothing := "1ms mark yes", "1ms mark no", "1ms mark maybe"
	q := suites.Reading{Question: check.Question{See: func(v *history.View) check.Observed {
		if mark := v.Ops[0].Note; mark != "maybe" {
			return check.Observed{Answer: mark, Seen: "marked"}
		}
		return check.Observed{Seen: "no mark"}
	}}}
	for _, c := range []struct {
		rounds []*seen
		want   [2]string
	}{
		{nil, [2]string{"", "the run ended before the scenario was over"}},
		{[]*seen{round(yes), round(yes)}, [2]string{"yes", "marked"}},
		{[]*seen{round(nothing), round(yes)}, [2]string{"yes", "marked"}},
		{[]*seen{round(nothing)}, [2]string{"", "no mark"}},
		{[]*seen{round(yes), round(no), round(yes)}, [2]string{"no (1 of 3 runs); yes (2 of 3 runs)", "the runs differ"}},
		{[]*seen{{view: historytest.View(t, yes), problem: "a canary is lost"}}, [2]string{"", "a canary is lost"}},
		{[]*seen{round("1ms mark maybe\n2ms stop target \"never Ready\"")}, [2]string{"", "never Ready"}},
		{[]*seen{{view: history.NewView("empty", nil, nil)}}, [2]string{"", "the reading panicked: runtime error: index out of range [0] with length 0"}},
	} {
		s := &Session{seen: map[string]map[int]*seen{"x/y": {}}}
		for i, at := range c.rounds {
			s.seen["x/y"][i] = at
		}
		answer, why := s.reading(asked{Reading: q, scenario: "x/y"})
		if got := [2]string{answer, why}; got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
