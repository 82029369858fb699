package conformance

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.uber.org/goleak"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/conformance/history/historytest"
	"github.com/sequitur-dev/sequitur/conformance/requirement"
	"github.com/sequitur-dev/sequitur/conformance/suites"
	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/fixtures/reference"
	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/reports"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func embedded(t *testing.T, change func(*reference.Rules), with ...string) *target.Embedded {
	t.Helper()
	rules := reference.DefaultRules()
	if change != nil {
		change(&rules)
	}
	o := reference.Options{Rules: &rules}
	if err := o.Enable(with...); err != nil {
		t.Fatal(err)
	}
	tgt, err := target.NewEmbedded(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tgt.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tgt
}

func mustRun(t *testing.T, tgt target.Target, o Options) *reports.Report {
	t.Helper()
	r, err := Run(t.Context(), tgt, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func find(t *testing.T, r *reports.Report, id string) reports.Result {
	t.Helper()
	worst := -1
	for i := range r.Results {
		if r.Results[i].Requirement == id && (worst < 0 || r.Results[i].Verdict > r.Results[worst].Verdict) {
			worst = i
		}
	}
	if worst < 0 {
		t.Fatalf("%s is not in the report", id)
	}
	return r.Results[worst]
}

// TestReferenceConforms is the main job as a library call, and the same judged again from the saved history.
func TestReferenceConforms(t *testing.T) {
	var file bytes.Buffer
	live := mustRun(t, embedded(t, nil), Options{History: &file})
	for _, r := range live.Results {
		if r.Verdict > verdict.Untested {
			t.Errorf("\n%s", reports.Describe(r))
		}
	}
	if live.Summary.Verdict != verdict.Passed || live.Summary.ExitCode != 0 {
		t.Errorf("verdict %v, exit code %d", live.Summary.Verdict, live.Summary.ExitCode)
	}
	validate(t, live)
	again, unknown, err := Replay("history.jsonl", &file, Options{})
	if err != nil || len(unknown) > 0 {
		t.Fatalf("judged again: %v, unknown %v", err, unknown)
	}
	sameVerdicts(t, live, again)
}

// validate holds a real report against the published schema, and reads it back.
func validate(t *testing.T, r *reports.Report) {
	t.Helper()
	var text bytes.Buffer
	if err := reports.WriteJSON(&text, r); err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(reports.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(reports.SchemaID, schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(reports.SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(doc); err != nil {
		t.Errorf("the report does not fit its schema: %v", err)
	}
	if back, err := reports.ReadJSON(&text); err != nil || len(back.Results) != len(r.Results) {
		t.Errorf("the report cannot be read back: %v", err)
	}
}

func sameVerdicts(t *testing.T, live, again *reports.Report) {
	t.Helper()
	plain := func(r *reports.Report) []string {
		var out []string
		for _, x := range r.Results {
			out = append(out, x.Requirement+" "+x.Scenario+" "+x.Verdict.String()+" "+x.Message)
		}
		for _, x := range r.Readings {
			out = append(out, x.Requirement+" "+x.Scenario+" "+x.Question+" "+x.Answer+" "+x.Seen)
		}
		return out
	}
	if d := cmp.Diff(plain(live), plain(again)); d != "" {
		t.Errorf("the saved history is judged otherwise (-live +again):\n%s", d)
	}
}

// TestEveryRequirementIsJudgedOrExcused holds for the chapters that are complete.
func TestEveryRequirementIsJudgedOrExcused(t *testing.T) {
	s, err := New(embedded(t, nil), Options{})
	if err != nil {
		t.Fatal(err)
	}
	judged := map[string]bool{}
	for _, e := range s.Entries() {
		judged[e.Requirement.ID] = true
	}
	for _, r := range s.plan.catalogue.Requirements {
		if !slices.Contains([]string{"SEQ", "PAR", "BRK", "TRG", "CHN", "SUB", "DLV", "CE", "ORD", "FLT", "STA", "OBS", "LEG", "SRC"}, r.Chapter()) {
			continue
		}
		switch {
		case judged[r.ID] && r.Unobservable != "":
			t.Errorf("%s is judged, and excused as well", r.ID)
		case !judged[r.ID] && r.Unobservable == "":
			t.Errorf("%s is neither judged nor excused", r.ID)
		}
	}
}

func TestFailureTellsEverything(t *testing.T) {
	tgt := embedded(t, func(r *reference.Rules) { r.Routed = func(int) bool { return true } })
	var file bytes.Buffer
	r := mustRun(t, tgt, Options{Focus: []string{"DLV-041"}, History: &file})
	got := find(t, r, "DLV-041")
	if got.Verdict != verdict.Failed || got.Expected == "" || got.Seen == "" || got.Statement == "" || got.Source == "" || len(got.Timeline) == 0 ||
		!strings.Contains(got.Repro, "--focus DLV-041 --scenario "+got.Scenario) {
		t.Errorf("the failure does not tell everything: %+v", got)
	}
	if r.Summary.ExitCode != reports.ExitFailed {
		t.Errorf("exit code %d, want %d", r.Summary.ExitCode, reports.ExitFailed)
	}
	again, _, err := Replay("history.jsonl", &file, Options{Focus: []string{"DLV-041"}})
	if err != nil {
		t.Fatal(err)
	}
	sameVerdicts(t, r, again)
}

func TestUsage(t *testing.T) {
	tgt := embedded(t, nil)
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"unknown id":       {Options{Focus: []string{"SEQ-0001"}}, "did you mean"},
		"unknown scenario": {Options{Scenarios: []string{"nowhere/*"}}, "no scenario fits"},
		"bad pattern":      {Options{Scenarios: []string{"[a"}}, "scenario pattern"},
		"unknown profile":  {Options{Profile: "nonsense"}, "expected one of"},
		"nothing selected": {Options{Labels: func([]string) bool { return false }}, "nothing is selected"},
		"empty overlap":    {Options{Focus: []string{"SEQ-001"}, Profile: "sources"}, "nothing is selected"},
		"stale known":      {Options{Known: []Known{{Pattern: "XYZ-*", Reason: "gone"}}}, "fits no requirement"},
	} {
		var usage *UsageError
		if _, err := Run(t.Context(), tgt, c.o); !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a usage error with %q", name, err, c.want)
		}
	}
}

func TestKnownFailuresAreARatchet(t *testing.T) {
	broken := func(r *reference.Rules) { r.Routed = func(int) bool { return true } } // an event in a 202 is routed
	known := []Known{{Pattern: "DLV-041", Reason: "see issue 7"}}
	r := mustRun(t, embedded(t, broken), Options{Focus: []string{"DLV-041", "DLV-040"}, Known: known})
	if got := find(t, r, "DLV-041"); got.Verdict != verdict.Failed || !got.KnownFailing || got.Reason != "see issue 7" {
		t.Errorf("known failure: %v, known %v, reason %q", got.Verdict, got.KnownFailing, got.Reason)
	}
	if r.Summary.Verdict != verdict.Passed {
		t.Errorf("with its failure known the run is %v, want passed", r.Summary.Verdict)
	}
	r = mustRun(t, embedded(t, nil), Options{Focus: []string{"DLV-041"}, Known: known})
	if r.Summary.Verdict != verdict.Failed {
		t.Errorf("an unexpected pass gives %v, want failed", r.Summary.Verdict)
	}
	known[0].Sometimes = true
	r = mustRun(t, embedded(t, nil), Options{Focus: []string{"DLV-041"}, Known: known})
	if got := find(t, r, "DLV-041"); r.Summary.Verdict != verdict.Passed || got.KnownFailing {
		t.Errorf("a pass of what fails sometimes gives %v, known %v, want passed", r.Summary.Verdict, got.KnownFailing)
	}
	r = mustRun(t, embedded(t, broken), Options{Focus: []string{"DLV-041", "DLV-040"}, Known: known})
	if got := find(t, r, "DLV-041"); r.Summary.Verdict != verdict.Passed || !got.KnownFailing {
		t.Errorf("a failure of what fails sometimes gives %v, known %v, want passed", r.Summary.Verdict, got.KnownFailing)
	}
}

// counter counts the scenarios begun.
type counter struct{ atomic.Int32 }

func (c *counter) Begin(string)               { c.Add(1) }
func (*counter) Step(string, verdict.Verdict) {}

func TestDifferingRoundsAreFlaky(t *testing.T) {
	var rounds counter
	tgt := embedded(t, func(r *reference.Rules) {
		r.Routed = func(code int) bool { return code != 202 || rounds.Load() > 1 } // right in the first round only
	})
	var file bytes.Buffer
	o := Options{Focus: []string{"DLV-041"}, Repeat: 3, Parallel: 1, Progress: func(int) Progress { return &rounds }, History: &file}
	r := mustRun(t, tgt, o)
	got := find(t, r, "DLV-041")
	if got.Verdict != verdict.Flaky || !strings.Contains(got.Message, "2 of 3") {
		t.Errorf("%v: %s, want flaky, 2 of 3", got.Verdict, got.Message)
	}
	if r.Summary.ExitCode != reports.ExitInconclusive {
		t.Errorf("exit code %d, want %d", r.Summary.ExitCode, reports.ExitInconclusive)
	}
	again, _, err := Replay("history.jsonl", &file, Options{Focus: o.Focus})
	if err != nil {
		t.Fatal(err)
	}
	sameVerdicts(t, r, again)
}

// claims is a target that claims something else.
type claims struct {
	target.Target
	list []string
}

func (c claims) About() target.About {
	a := c.Target.About()
	a.Claims = c.list
	return a
}

func TestUnclaimedFeatures(t *testing.T) {
	tgt := embedded(t, func(r *reference.Rules) {
		r.RetryAfter = func(_ reference.Policy, _ reference.Failure, wait time.Duration, _ time.Time) time.Duration {
			return wait
		}
	})
	o := Options{Focus: []string{"DLV-023", "SEQ-016"}}
	r := mustRun(t, claims{tgt, []string{"core", "Sequence"}}, o)
	if got := find(t, r, "DLV-023"); got.Verdict != verdict.NotSupported || !strings.Contains(got.Reason, "RetryAfter") {
		t.Errorf("unclaimed and broken: %v, %q, want not-supported with the feature", got.Verdict, got.Reason)
	}
	if got := find(t, r, "SEQ-016"); got.Verdict != verdict.Passed || !strings.Contains(got.Message, "though the target does not claim") {
		t.Errorf("unclaimed and working: %v, %q", got.Verdict, got.Message)
	}
	if r := mustRun(t, tgt, o); find(t, r, "DLV-023").Verdict != verdict.Failed {
		t.Errorf("claimed and broken: %v, want failed", find(t, r, "DLV-023").Verdict)
	}
	var usage *UsageError
	if _, err := New(claims{tgt, []string{"Telepathy"}}, Options{}); !errors.As(err, &usage) {
		t.Errorf("an unknown claim: %v, want a usage error", err)
	}
}

// deaf is a target at which no receiver can listen.
type deaf struct{ target.Target }

func (deaf) Listen(context.Context) (net.Listener, string, error) {
	return nil, "", errors.New("no port is free")
}

func TestHarnessErrorIsNoVerdict(t *testing.T) {
	r, err := Run(t.Context(), deaf{embedded(t, nil)}, Options{Focus: []string{"SEQ-001"}})
	var usage *UsageError
	if err == nil || errors.As(err, &usage) || !strings.Contains(err.Error(), "no port is free") {
		t.Errorf("error %v, want the cause and no usage error", err)
	}
	if r.Summary.Verdict == verdict.Passed {
		t.Error("a run that could not start passed")
	}
}

// stopper interrupts the run as soon as a scenario is over.
type stopper struct{ cancel context.CancelFunc }

func (stopper) Begin(string)                   {}
func (s stopper) Step(string, verdict.Verdict) { s.cancel() }

func TestInterruptedRunIsReported(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var file bytes.Buffer
	r, err := Run(ctx, embedded(t, nil), Options{Parallel: 2, Progress: func(int) Progress { return stopper{cancel} }, History: &file})
	if err != nil {
		t.Fatal(err)
	}
	validate(t, r)
	if !r.Run.Interrupted || r.Summary.ExitCode != reports.ExitInterrupted || r.Summary.Verdict == verdict.Passed {
		t.Errorf("interrupted %v, exit code %d, verdict %v", r.Run.Interrupted, r.Summary.ExitCode, r.Summary.Verdict)
	}
	passed := 0
	for _, x := range r.Results {
		if x.Verdict > verdict.Untested {
			t.Errorf("the interruption makes %s %v: %s", x.Requirement, x.Verdict, x.Message)
		}
		if x.Verdict == verdict.Passed {
			passed++
		}
	}
	if passed == 0 {
		t.Error("what was over before the interruption is not judged")
	}
	again, _, err := Replay("history.jsonl", &file, Options{})
	if err != nil {
		t.Fatalf("what was saved cannot be judged: %v", err)
	}
	sameVerdicts(t, r, again)
}

func TestReplayRefusesWhatIsNoHistory(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":    "",
		"no history": "{}\n",
		"no ops":     `{"format":"sequitur-history","version":1,"claims":["core"]}` + "\n",
	} {
		var usage *UsageError
		if _, _, err := Replay("file", strings.NewReader(text), Options{}); !errors.As(err, &usage) || !strings.Contains(err.Error(), "file") {
			t.Errorf("%s: %v, want a usage error that names the file", name, err)
		}
	}
}

// TestTheObserverIsObserved: a gap in a receiver's own count or a lost canary is the harness's fault.
func TestTheObserverIsObserved(t *testing.T) {
	text := `1ms send s e1 -> 202
		2ms recv a e1
		3ms recv a e2`
	v := historytest.View(t, text)
	v.Ops = append(v.Ops, history.Op{Kind: history.End})
	if p := observer(v); p != "" {
		t.Errorf("a whole history: %s", p)
	}
	v = historytest.View(t, text)
	v.Ops = append(v.Ops, history.Op{Kind: history.Stopped, Error: "harness", Note: "canary of receiver a: it was not recorded"}, history.Op{Kind: history.End})
	if p := observer(v); !strings.Contains(p, "canary") {
		t.Errorf("with a lost canary: %q", p)
	}
	v = historytest.View(t, text)
	v.Ops = append(v.Ops, history.Op{Kind: history.End})
	for i := range v.Ops {
		if v.Ops[i].Kind == history.Received && v.Ops[i].Number == 1 {
			v.Ops[i].Number = 5
		}
	}
	if p := observer(v); !strings.Contains(p, "did not record") {
		t.Errorf("with a gap: %q", p)
	}
}

// TestOneViewServesManyEntries: the same requirement may be judged by one judge beside a scenario and by another on every
// history.
func TestOneViewServesManyEntries(t *testing.T) {
	at := &seen{view: historytest.View(t, "1ms send s e1 -> 202"), findings: map[entryKey]check.Finding{}}
	entry := func(scenario string, f check.Finding) Entry {
		return Entry{Requirement: requirement.Requirement{ID: "DLV-047"}, Scenario: scenario,
			verify: suites.Verification{Judge: func(*history.View) check.Finding { return f }}}
	}
	if f := at.judge(entry("delivery/x", check.Pass("seen"))); f.Verdict != verdict.Passed {
		t.Errorf("beside the scenario: %v", f.Verdict)
	}
	if f := at.judge(entry(Everywhere, check.Fail("this", "that"))); f.Verdict != verdict.Failed {
		t.Errorf("on every history: %v, want the other judge's word", f.Verdict)
	}
}

// TestReplayOfAnAbsurdRound: a file may name any repetition; it costs no more than what is there.
func TestReplayOfAnAbsurdRound(t *testing.T) {
	text := `{"format":"sequitur-history","version":1,"claims":["core","Sequence"]}
{"n":1,"t":1,"s":"sequence/one-step@999999999","k":"begin"}
{"n":2,"t":2,"s":"sequence/one-step@999999999","k":"end"}
{"n":1,"t":3,"s":"sequence/one-step@nonsense","k":"end"}
`
	r, unknown, err := Replay("file", strings.NewReader(text), Options{})
	if err != nil || r.Run.Repeat != 1 || len(unknown) != 1 {
		t.Errorf("repeat %d, unknown %v, %v; want 1, the nonsense one, and no error", r.Run.Repeat, unknown, err)
	}
}
