// Package reports tells what a run found: the report model and its renderers. It knows verdicts and text, and nothing of
// how a verdict came about.
package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/verdict"
)

// The identity of the format. Fields may be added within a version; a change of meaning takes a new one.
const (
	SchemaID      = "https://sequitur.dev/schema/report/v1"
	SchemaVersion = 1
)

// Report is the whole of what a conformance run found. Fill it, call Finish, then render it.
type Report struct {
	Schema        string   `json:"schema"`        // SchemaID; set by Finish
	SchemaVersion int      `json:"schemaVersion"` // SchemaVersion; set by Finish
	Tool          Tool     `json:"tool"`
	Run           Run      `json:"run"`
	Target        Target   `json:"target"`
	Summary       Summary  `json:"summary"` // computed by Finish
	Results       []Result `json:"results"`
	// Readings tell what the target does where texts differ or are silent. None of them is judged or counted.
	Readings []Reading `json:"readings,omitempty"`
}

// Tool says what made the report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go,omitempty"`
}

// Run says how the report came about.
type Run struct {
	Started     time.Time `json:"started"`
	Seconds     float64   `json:"seconds"` // wall clock
	Seed        int64     `json:"seed"`
	Selection   Selection `json:"selection"`
	Parallel    int       `json:"parallel"`    // scenarios driven at a time
	Repeat      int       `json:"repeat"`      // times each scenario was driven
	Interrupted bool      `json:"interrupted"` // stopped before all that was selected had run
}

// Selection is what the user asked for; all empty means everything.
type Selection struct {
	Focus       []string `json:"focus,omitempty"`       // patterns of requirement ids
	Scenarios   []string `json:"scenarios,omitempty"`   // patterns of scenario names
	LabelFilter string   `json:"labelFilter,omitempty"` // expression over labels
	Profile     string   `json:"profile,omitempty"`
}

// Target says what was judged.
type Target struct {
	Name     string            `json:"name"`
	Driver   string            `json:"driver,omitempty"`
	Version  string            `json:"version,omitempty"`
	Claims   []string          `json:"claims"`             // features
	Patience map[string]string `json:"patience,omitempty"` // how long was waited for what
}

// Result is the verdict of one requirement in one scenario. A requirement that nothing judged has one result too, with
// the verdict not-supported or untested, no scenario and a reason.
type Result struct {
	Requirement string          `json:"requirement"`
	Level       string          `json:"level"`
	Feature     string          `json:"feature"`
	Profiles    []string        `json:"profiles,omitempty"` // those the requirement belongs to
	Scenario    string          `json:"scenario"`           // empty if none ran
	Verdict     verdict.Verdict `json:"verdict"`
	Seconds     float64         `json:"seconds"` // of the scenario
	Message     string          `json:"message"` // one sentence on what was found

	// Reason says why there is no judgement: the feature is not claimed, a black box cannot see it, not selected.
	Reason string `json:"reason,omitempty"`
	// Excused marks an untested result that no check could have judged. Reason says why.
	Excused bool `json:"excused,omitempty"`
	// Provisional marks a new requirement: judged and reported, not counted.
	Provisional bool `json:"provisional,omitempty"`
	// KnownFailing marks a result that the user listed as failing. Verdict stays what was judged: Finish does not count
	// it, and counts its passing as a failure of the run. Reason is the reason from the list.
	KnownFailing bool `json:"knownFailing,omitempty"`

	Statement string   `json:"statement,omitempty"` // the requirement's text
	Source    string   `json:"source,omitempty"`    // where it comes from
	Expected  string   `json:"expected,omitempty"`
	Seen      string   `json:"seen,omitempty"`
	Timeline  []Moment `json:"timeline,omitempty"` // of the events concerned, in order
	Repro     string   `json:"repro,omitempty"`    // the command that runs just this again
}

// Reading is the target's answer to a question that the public text leaves open, or that implementations answer in several
// ways. It is no verdict: no answer is better than another, and none counts.
type Reading struct {
	Requirement string   `json:"requirement"` // that the question is about
	Scenario    string   `json:"scenario"`    // whose history shows the answer
	Question    string   `json:"question"`
	Known       []string `json:"known"`            // the answers known; some say whose they are
	Answer      string   `json:"answer,omitempty"` // the one that was seen; empty if none was
	Seen        string   `json:"seen"`             // the evidence, or why there is none
}

// Moment is one line of a timeline. Empty fields do not apply.
type Moment struct {
	At      float64 `json:"at"`                // seconds since the scenario began
	Who     string  `json:"who"`               // sender, receiver, object
	What    string  `json:"what"`              // sent, received, answered, Ready
	Event   string  `json:"event,omitempty"`   // id of the event
	Status  string  `json:"status,omitempty"`  // HTTP status or how the exchange ended
	Attempt string  `json:"attempt,omitempty"` // which try, from 1
}

// Summary is computed by Report.Finish from the results.
type Summary struct {
	Verdict  verdict.Verdict `json:"verdict"`
	ExitCode int             `json:"exitCode"`
	// Counts is the number of requirements by verdict. Every verdict has an entry, and the sum is the number of
	// requirements, uncounted ones included.
	Counts   map[string]int   `json:"counts"`
	Coverage Coverage         `json:"coverage"`
	Profiles []ProfileSummary `json:"profiles"`
	// Levels is as Counts, for each level.
	Levels map[string]map[string]int `json:"levels"`
	// Uncounted lists requirements that did not pass without harm to the verdict: provisional or known to fail.
	Uncounted []string `json:"uncounted,omitempty"`
	// UnexpectedPasses lists requirements that are listed as failing and passed; each fails the run.
	UnexpectedPasses []string `json:"unexpectedPasses,omitempty"`
}

// Coverage tells how much of the catalogue a run judged. Requirements is the sum of the four numbers after it.
type Coverage struct {
	Requirements int     `json:"requirements"`
	Judged       int     `json:"judged"`   // passed, failed or flaky
	Unclear      int     `json:"unclear"`  // inconclusive or harness-error: tried without a result
	Excused      int     `json:"excused"`  // not claimed by the target, or not observable from outside
	Untested     int     `json:"untested"` // the rest
	Ratio        float64 `json:"ratio"`    // Judged / Requirements, 0 to 1, rounded to four places
}

// ProfileSummary is the summary of the requirements of one profile.
type ProfileSummary struct {
	Name    string          `json:"name"`
	Verdict verdict.Verdict `json:"verdict"` // see Report.Finish
	Counts  map[string]int  `json:"counts"`
}

// WriteJSON writes the canonical form: indented, keys in a fixed order, byte for byte the same for the same report.
func WriteJSON(w io.Writer, r *Report) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// ReadJSON reads what WriteJSON wrote. A report of another schema or version, a missing or unknown verdict, and anything
// after the report are errors. Unknown fields are ignored, as a version may gain some.
func ReadJSON(r io.Reader) (*Report, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	// The identity comes first: the fields of another version might not even decode.
	var id struct {
		Schema        string          `json:"schema"`
		SchemaVersion int             `json:"schemaVersion"`
		Summary       json.RawMessage `json:"summary"`
	}
	if err := json.Unmarshal(data, &id); err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	if id.Schema != SchemaID || id.SchemaVersion != SchemaVersion {
		return nil, fmt.Errorf("read report: schema %q version %d: expected %q version %d",
			id.Schema, id.SchemaVersion, SchemaID, SchemaVersion)
	}
	if id.Summary == nil { // the zero value would say passed
		return nil, errors.New("read report: summary is missing")
	}
	var report Report
	if err := json.Unmarshal(data, &report); err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	return &report, nil
}

// UnmarshalJSON refuses a result without a verdict, which would else read as passed.
func (r *Result) UnmarshalJSON(data []byte) error {
	type plain Result
	if err := json.Unmarshal(data, (*plain)(r)); err != nil {
		return err
	}
	return needVerdict(data, fmt.Sprintf("result of %q", r.Requirement))
}

// UnmarshalJSON refuses a summary without a verdict, which would else read as passed.
func (s *Summary) UnmarshalJSON(data []byte) error {
	type plain Summary
	if err := json.Unmarshal(data, (*plain)(s)); err != nil {
		return err
	}
	return needVerdict(data, "summary")
}

// UnmarshalJSON refuses a profile without a verdict, which would else read as passed.
func (s *ProfileSummary) UnmarshalJSON(data []byte) error {
	type plain ProfileSummary
	if err := json.Unmarshal(data, (*plain)(s)); err != nil {
		return err
	}
	return needVerdict(data, fmt.Sprintf("profile %q", s.Name))
}

func needVerdict(data []byte, what string) error {
	var v struct {
		Verdict *verdict.Verdict `json:"verdict"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	if v.Verdict == nil {
		return fmt.Errorf("%s: verdict is missing", what)
	}
	return nil
}
