package reports

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sequitur-dev/sequitur/conformance/verdict"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample has a result of each kind. Its order is not the final one, so that Finish has something to do.
func sample() *Report {
	sequence, delivery := []string{"sequence", "full"}, []string{"delivery", "full"}
	return &Report{
		Tool: Tool{Name: "sequitur", Version: "v0.4.0", Commit: "0123abcd", Go: "go1.26"},
		Run: Run{
			Started: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC), Seconds: 12.345, Seed: 42, Parallel: 8, Repeat: 1,
		},
		Target: Target{
			Name: "acme-eventing", Driver: "kube", Version: "1.2.3", Claims: []string{"Sequence", "DeadLetterExtensions"},
			Patience: map[string]string{"ready": "30s", "quiet": "2s"},
		},
		Results: []Result{
			{
				Requirement: "SEQ-013", Level: "DE-FACTO", Feature: "Sequence", Profiles: sequence, Scenario: "sequence/dead-letter",
				Verdict: verdict.Failed, Seconds: 1.24, Message: "the dead letter is the event that was posted",
				Statement: "steps[i].delivery.deadLetterSink receives the event that step i was given (the answer of step i-1), not the event first posted to the Sequence.",
				Source:    "pkg/kncloudevents/event_dispatcher.go send; docs eventing/event-delivery.md",
				Expected:  "an event with id e-1 and type step.0.done at the dead-letter sink",
				Seen:      "an event with id e-1 and type posted\nthen nothing for 2 s",
				Timeline: []Moment{
					{At: 0, Who: "sender", What: "sent", Event: "e-1"},
					{At: 0.0121, Who: "sender", What: "acknowledged", Event: "e-1", Status: "202"},
					{At: 0.013, Who: "step-0", What: "received", Event: "e-1", Attempt: "1"},
					{At: 0.0135, Who: "step-0", What: "answered", Event: "e-1", Status: "200"},
					{At: 0.02, Who: "step-1", What: "received", Event: "e-1", Attempt: "1"},
					{At: 0.0204, Who: "step-1", What: "answered", Event: "e-1", Status: "503"},
					{At: 10.02, Who: "dead-letter sink", What: "received", Event: "e-1", Attempt: "1"},
				},
				Repro: "sequitur conform --target kube --focus SEQ-013 --seed 42",
			},
			{
				Requirement: "SEQ-001", Level: "DE-FACTO", Feature: "Sequence", Profiles: sequence, Scenario: "sequence/three-steps",
				Verdict: verdict.Passed, Seconds: 0.5, Message: "3 calls in order",
			},
			{
				Requirement: "SEQ-013", Level: "DE-FACTO", Feature: "Sequence", Profiles: sequence, Scenario: "sequence/another",
				Verdict: verdict.Passed, Seconds: 0.3,
			},
			{
				Requirement: "SEQ-041", Level: "DE-FACTO", Feature: "Sequence", Profiles: sequence,
				Verdict: verdict.Untested, Excused: true, Reason: "informational: no outcome is a deviation",
			},
			{
				Requirement: "SEQ-044", Level: "DE-FACTO", Feature: "Sequence", Profiles: sequence,
				Verdict: verdict.Untested, Reason: "no check judged it",
			},
			{
				Requirement: "SEQ-045", Level: "DE-FACTO", Feature: "Sequence", Profiles: sequence, Scenario: "sequence/modes",
				Verdict: verdict.Failed, Seconds: 0.2, Provisional: true, Message: "a structured answer is dropped",
			},
			{
				Requirement: "DLV-018", Level: "MUST", Feature: "core", Profiles: delivery, Scenario: "delivery/exponential",
				Verdict: verdict.Inconclusive, Seconds: 3, Message: "one retry seen: too few to judge", Statement: "The waits double.",
				Source: "specs/eventing/control-plane.md #deliveryspec", Repro: "sequitur conform --focus DLV-018 --seed 42",
			},
			{
				Requirement: "DLV-023", Level: "DE-FACTO", Feature: "RetryAfter", Profiles: delivery,
				Verdict: verdict.NotSupported, Reason: "the target does not claim RetryAfter",
			},
			{
				Requirement: "DLV-036", Level: "SHOULD", Feature: "core", Profiles: delivery, Scenario: "delivery/dead-letter-retry",
				Verdict: verdict.Failed, Seconds: 0.7, KnownFailing: true, Reason: "tracked as acme#12", Message: "the sink was called once",
			},
			{
				Requirement: "DLV-058", Level: "DE-FACTO", Feature: "core", Profiles: delivery, Scenario: "delivery/load",
				Verdict: verdict.Flaky, Seconds: 9, Message: "passed 9 of 10 times",
			},
		},
		Readings: []Reading{
			{
				Requirement: "SEQ-041", Scenario: "sequence/loop-through-a-broker", Question: "When does the loop end?",
				Known: []string{"after 255 rounds (Knative's own default)", "not by itself"}, Answer: "not by itself", Seen: "301 deliveries, then the harness ended it",
			},
			{
				Requirement: "DLV-043", Scenario: "answers/reply-fails", Question: "What is tried again when the reply destination fails in a way that may pass?",
				Known:  []string{"the whole delivery, beginning with the subscriber (public text)", "the reply alone (Knative's own code)"},
				Answer: "the reply alone (Knative's own code)", Seen: "1 delivery of e1 at a, 3 deliveries of the answer at r",
			},
			{
				Requirement: "DLV-018", Scenario: "backoff/exponential", Question: "How long is the first wait?",
				Known: []string{"the delay (public text)", "twice the delay"}, Seen: "1 delivery of e1 at a",
			},
		},
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (run with -update if that is right). Got:\n%s", file, got)
	}
}

func render(t *testing.T, r *Report, write func(io.Writer, *Report) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func text(o TextOptions) func(io.Writer, *Report) error {
	return func(w io.Writer, r *Report) error { return WriteText(w, r, o) }
}

func TestGolden(t *testing.T) {
	passed := sample()
	passed.Results = slices.DeleteFunc(passed.Results, func(r Result) bool { return counts(r) && r.Verdict != verdict.Passed })
	broken := sample()
	broken.Run.Interrupted = true
	broken.Results = append(broken.Results, Result{
		Requirement: "STA-001", Level: "MUST", Feature: "core", Scenario: "status/watch", Verdict: verdict.HarnessError,
		Message: "canary 7 of receiver step-0 is lost",
	})
	for _, r := range []struct {
		name   string
		report *Report
	}{{"failed", sample()}, {"passed", passed}, {"broken", broken}} {
		t.Run(r.name, func(t *testing.T) {
			r.report.Finish()
			golden(t, r.name+".json", render(t, r.report, WriteJSON))
			golden(t, r.name+".xml", render(t, r.report, WriteJUnit))
			golden(t, r.name+".txt", render(t, r.report, text(TextOptions{})))
			golden(t, r.name+"-narrow.ansi", render(t, r.report, text(TextOptions{Color: true, Width: 70})))
		})
	}
}

// The order in which results came must not show in any report.
func TestFinishIsDeterministic(t *testing.T) {
	a, b := sample(), sample()
	slices.Reverse(b.Results)
	for _, r := range []*Report{a, b, b} { // b twice: Finish is idempotent
		r.Finish()
	}
	if !reflect.DeepEqual(a, b) {
		t.Error("reports differ by the order of their results")
	}
}

func TestSummaryVerdict(t *testing.T) {
	result := func(id string, v verdict.Verdict) Result { return Result{Requirement: id, Level: "MUST", Verdict: v} }
	known := func(id string, v verdict.Verdict) Result { r := result(id, v); r.KnownFailing = true; return r }
	provisional := func(id string, v verdict.Verdict) Result { r := result(id, v); r.Provisional = true; return r }
	passed := result("SEQ-001", verdict.Passed)
	for _, c := range []struct {
		name        string
		results     []Result
		interrupted bool
		verdict     verdict.Verdict
		exit        int
	}{
		{"nothing", nil, false, verdict.Inconclusive, 2},
		{"only untested", []Result{result("SEQ-001", verdict.Untested)}, false, verdict.Inconclusive, 2},
		{"only not claimed", []Result{result("SEQ-001", verdict.NotSupported)}, false, verdict.Inconclusive, 2},
		{"passed", []Result{passed}, false, verdict.Passed, 0},
		{"passed, rest untested", []Result{passed, result("SEQ-002", verdict.Untested)}, false, verdict.Passed, 0},
		{"flaky", []Result{passed, result("SEQ-002", verdict.Flaky)}, false, verdict.Flaky, 2},
		{"failed", []Result{passed, result("SEQ-002", verdict.Failed)}, false, verdict.Failed, 1},
		{"harness error outweighs", []Result{result("SEQ-001", verdict.HarnessError), result("SEQ-002", verdict.Failed)}, false, verdict.HarnessError, 70},
		{"provisional failure", []Result{passed, provisional("SEQ-002", verdict.Failed)}, false, verdict.Passed, 0},
		{"only provisional", []Result{provisional("SEQ-002", verdict.Passed)}, false, verdict.Inconclusive, 2},
		{"known failure", []Result{passed, known("SEQ-002", verdict.Failed)}, false, verdict.Passed, 0},
		{"known failure, harness error", []Result{passed, known("SEQ-002", verdict.HarnessError)}, false, verdict.HarnessError, 70},
		{"known failure passes", []Result{passed, known("SEQ-002", verdict.Passed)}, false, verdict.Failed, 1},
		{"known failure passes in one scenario", []Result{passed, known("SEQ-002", verdict.Passed), known("SEQ-002", verdict.Failed)}, false, verdict.Passed, 0},
		{"interrupted", []Result{passed}, true, verdict.Inconclusive, 130},
		{"interrupted after a failure", []Result{result("SEQ-001", verdict.Failed)}, true, verdict.Failed, 130},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &Report{Results: c.results, Run: Run{Interrupted: c.interrupted}}
			r.Finish()
			if r.Summary.Verdict != c.verdict || r.Summary.ExitCode != c.exit {
				t.Errorf("%v, exit %d: expected %v, exit %d", r.Summary.Verdict, r.Summary.ExitCode, c.verdict, c.exit)
			}
		})
	}
}

func TestCoverage(t *testing.T) {
	r := sample()
	r.Finish()
	want := Coverage{Requirements: 9, Judged: 5, Unclear: 1, Excused: 2, Untested: 1, Ratio: 0.5556}
	if r.Summary.Coverage != want {
		t.Errorf("coverage %+v: expected %+v", r.Summary.Coverage, want)
	}
	sum := 0
	for _, n := range r.Summary.Counts {
		sum += n
	}
	if sum != want.Requirements {
		t.Errorf("counts add up to %d: expected %d", sum, want.Requirements)
	}
}

func TestJSONRoundTrip(t *testing.T) {
	r := sample()
	r.Finish()
	data := render(t, r, WriteJSON)
	back, err := ReadJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r, back) {
		t.Error("the report changed on its way")
	}
	if again := render(t, back, WriteJSON); !bytes.Equal(data, again) {
		t.Error("written again it differs")
	}
}

func TestReadJSONRefuses(t *testing.T) {
	r := sample()
	r.Finish()
	good := string(render(t, r, WriteJSON))
	for _, c := range []struct{ name, old, new, want string }{
		{"another version", `"schemaVersion": 1`, `"schemaVersion": 2`, "version 2: expected"},
		{"another schema", SchemaID, "https://example.com/x", `schema "https://example.com/x"`},
		{"result without verdict", `"verdict": "flaky",` + "\n      \"seconds\"", `"seconds"`, `result of "DLV-058": verdict is missing`},
		{"summary without verdict", `"summary": {` + "\n    \"verdict\": \"failed\",", `"summary": {`, "summary: verdict is missing"},
		{"profile without verdict", `"name": "sequence",` + "\n        \"verdict\": \"failed\",", `"name": "sequence",`, `profile "sequence": verdict is missing`},
		{"no summary", `"summary"`, `"summery"`, "summary is missing"},
		{"null summary", `"summary": {`, `"summary": null, "was": {`, "summary: verdict is missing"},
		{"null result", `"results": [`, `"results": [null, `, "verdict is missing"},
		{"unknown verdict", `"verdict": "flaky"`, `"verdict": "fine"`, `unknown verdict "fine"`},
		{"more after it", "\n}\n", "\n}\n{}", "after top-level value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := strings.ReplaceAll(good, c.old, c.new)
			if bad == good {
				t.Fatal("nothing was replaced")
			}
			if _, err := ReadJSON(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v: expected one with %q", err, c.want)
			}
		})
	}
}

func TestWriteJSONRefusesNaN(t *testing.T) {
	if err := WriteJSON(io.Discard, &Report{Run: Run{Seconds: math.NaN()}}); err == nil {
		t.Error("expected an error")
	}
}

// hostile is text as a broken or malicious target may send it.
const hostile = "\x1b[31mred\x00\x07 <b>&\"' ]]>\r\n\xff\xfe\u202eevil\ufffe\x7f\u009b"

func TestHostileText(t *testing.T) {
	r := sample()
	for i := range r.Results {
		x := &r.Results[i]
		x.Message, x.Seen, x.Expected, x.Reason, x.Repro, x.Scenario = hostile, hostile, hostile, hostile, hostile, hostile
		x.Statement, x.Source = hostile, hostile
		x.Timeline = []Moment{{Who: hostile, What: hostile, Event: hostile, Status: hostile, Attempt: hostile}}
	}
	r.Target.Name = hostile
	r.Readings = []Reading{
		{Requirement: hostile, Scenario: hostile, Question: hostile, Answer: hostile, Seen: hostile}, {Requirement: hostile, Seen: hostile},
	}
	r.Finish()
	var suites junitSuites
	if err := xml.Unmarshal(render(t, r, WriteJUnit), &suites); err != nil {
		t.Errorf("JUnit is no XML: %v", err)
	}
	for _, c := range string(render(t, r, text(TextOptions{}))) {
		if c != '\n' && c < ' ' || c == 0x7f || c == 0x9b || c == 0x202e {
			t.Errorf("%q reached the terminal", c)
		}
	}
	if _, err := ReadJSON(bytes.NewReader(render(t, r, WriteJSON))); err != nil {
		t.Error(err)
	}
}

// Nothing that is not a pass may look like one, and a failure that counts must be one.
func TestJUnitIsTruthful(t *testing.T) {
	for _, v := range verdict.All() {
		for _, flags := range []Result{{}, {Provisional: true}, {KnownFailing: true}} {
			r := &Report{Results: []Result{{
				Requirement: "SEQ-001", Level: "MUST", Feature: "core", Verdict: v, Message: "found", Reason: "because",
				Provisional: flags.Provisional, KnownFailing: flags.KnownFailing,
			}}}
			r.Finish()
			var got junitSuites
			if err := xml.Unmarshal(render(t, r, WriteJUnit), &got); err != nil {
				t.Fatal(err)
			}
			k := got.Suites[0].Cases[0]
			plain := k.Failure == nil && k.Error == nil && k.Skipped == nil
			if want := v == verdict.Passed && !flags.KnownFailing; plain != want {
				t.Errorf("%v %+v looks passed: %v, expected %v", v, flags, plain, want)
			}
			closed := got.Failures+got.Errors > 0
			if want := len(judge(r.Results).counted) > 0 && r.Summary.ExitCode != ExitConforms; closed != want {
				t.Errorf("%v %+v closes a gate: %v, expected %v (%v)", v, flags, closed, want, r.Summary.Verdict)
			}
			for _, outcome := range []*junitOutcome{k.Failure, k.Error, k.Skipped} {
				if outcome != nil && outcome.Message == "" {
					t.Errorf("%v %+v has no message", v, flags)
				}
			}
		}
	}
}

func TestJUnitCounts(t *testing.T) {
	r := sample()
	r.Finish()
	var got junitSuites
	if err := xml.Unmarshal(render(t, r, WriteJUnit), &got); err != nil {
		t.Fatal(err)
	}
	if want := (junitCounts{Tests: 10, Failures: 3, Skipped: 5, Time: "12.345"}); got.junitCounts != want {
		t.Errorf("totals %+v: expected %+v", got.junitCounts, want)
	}
	var sum junitCounts
	for _, suite := range got.Suites {
		if suite.Tests != len(suite.Cases) {
			t.Errorf("suite %s says %d tests, has %d", suite.Name, suite.Tests, len(suite.Cases))
		}
		for _, k := range suite.Cases {
			sum.add(k)
		}
	}
	sum.Time = got.Time
	if sum != got.junitCounts {
		t.Errorf("cases add up to %+v, totals say %+v", sum, got.junitCounts)
	}
}

func TestNoColourUnlessAsked(t *testing.T) {
	r := sample()
	r.Finish()
	if out := render(t, r, text(TextOptions{Width: 80})); bytes.ContainsRune(out, '\x1b') {
		t.Error("escape sequences without Color")
	}
}

func TestLongTimelineIsCut(t *testing.T) {
	moments := make([]Moment, 100)
	for i := range moments {
		moments[i] = Moment{At: float64(i), Who: "step", What: "received"}
	}
	lines := timeline(moments, maxTimeline)
	if len(lines) != maxTimeline+1 || lines[maxTimeline/3] != "… 76 more in report.json" {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
	if !strings.Contains(lines[len(lines)-1], "99.000 s") {
		t.Error("the end is lost")
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchema(t *testing.T) {
	s := compile(t)
	r := sample()
	r.Finish()
	empty := &Report{}
	empty.Finish()
	for _, report := range []*Report{r, empty} {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(render(t, report, WriteJSON)))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(*Report)
	}{
		{"level", func(r *Report) { r.Results[0].Level = "PERHAPS" }},
		{"id", func(r *Report) { r.Results[0].Requirement = "1" }},
		{"version", func(r *Report) { r.SchemaVersion = 2 }},
		{"untested without a reason", func(r *Report) { r.Results[0].Verdict, r.Results[0].Reason = verdict.Untested, "" }},
		{"missing count", func(r *Report) { delete(r.Summary.Counts, "passed") }},
		{"negative time", func(r *Report) { r.Run.Seconds = -1 }},
		{"null results", func(r *Report) { r.Results = nil }},
		{"a reading without known answers", func(r *Report) { r.Readings[0].Known = nil }},
	} {
		bad := sample()
		bad.Finish()
		c.spoil(bad)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(render(t, bad, WriteJSON)))
		if err != nil {
			t.Fatal(err)
		}
		if s.Validate(doc) == nil {
			t.Errorf("%s: valid, expected an error", c.name)
		}
	}
}

// The schema and the Go types must not drift apart: every field is described, and nothing else.
func TestSchemaDescribesEveryField(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	defs := root["$defs"].(map[string]any)
	properties := func(path ...string) map[string]any {
		at := root
		for _, p := range path {
			at = at[p].(map[string]any)
		}
		return at["properties"].(map[string]any)
	}
	for _, c := range []struct {
		value any
		props map[string]any
	}{
		{Report{}, properties()},
		{Tool{}, properties("properties", "tool")},
		{Run{}, properties("properties", "run")},
		{Selection{}, properties("properties", "run", "properties", "selection")},
		{Target{}, properties("properties", "target")},
		{Summary{}, properties("properties", "summary")},
		{Coverage{}, properties("properties", "summary", "properties", "coverage")},
		{ProfileSummary{}, properties("properties", "summary", "properties", "profiles", "items")},
		{Result{}, properties("$defs", "result")},
		{Moment{}, properties("$defs", "moment")},
		{Reading{}, properties("$defs", "reading")},
	} {
		typ := reflect.TypeOf(c.value)
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			prop, ok := c.props[name].(map[string]any)
			if !ok {
				t.Errorf("%v.%s (%q) is not in the schema", typ, typ.Field(i).Name, name)
				continue
			}
			ref, _ := prop["$ref"].(string)
			def, _ := defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
			if prop["description"] == nil && (def == nil || def["description"] == nil) {
				t.Errorf("%v: %q has no description", typ, name)
			}
			delete(c.props, name)
		}
		for name := range c.props {
			t.Errorf("%v has no field for %q of the schema", typ, name)
		}
	}
}

// TestUnexpected: a requirement known to fail may pass in some scenarios, as long as it fails in another.
func TestUnexpected(t *testing.T) {
	row := func(scenario string, v verdict.Verdict, known bool) Result {
		return Result{Requirement: "DLV-001", Level: "MUST", Scenario: scenario, Verdict: v, KnownFailing: known}
	}
	for _, c := range []struct {
		name    string
		results []Result
		want    bool // of the first
	}{
		{"passes", []Result{row("a", verdict.Passed, true)}, true},
		{"passes everywhere", []Result{row("a", verdict.Passed, true), row("b", verdict.Passed, true)}, true},
		{"fails elsewhere", []Result{row("a", verdict.Passed, true), row("b", verdict.Failed, true)}, false},
		{"fails", []Result{row("a", verdict.Failed, true)}, false},
		{"is not listed", []Result{row("a", verdict.Passed, false)}, false},
	} {
		r := &Report{Results: c.results}
		r.Finish()
		if got := r.Unexpected(r.Results[0]); got != c.want {
			t.Errorf("%s: unexpected %v, want %v", c.name, got, c.want)
		}
	}
}
