package reports

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/reports/terminal"
)

// The elements of JUnit's XML that CI systems agree on.
type (
	junitSuites struct {
		XMLName xml.Name `xml:"testsuites"`
		Name    string   `xml:"name,attr"`
		junitCounts
		Suites []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string `xml:"name,attr"`
		Timestamp string `xml:"timestamp,attr,omitempty"`
		junitCounts
		Cases []junitCase `xml:"testcase"`
	}
	junitCounts struct {
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Skipped  int    `xml:"skipped,attr"`
		Time     string `xml:"time,attr"`
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		Classname string        `xml:"classname,attr"`
		Time      string        `xml:"time,attr"`
		Failure   *junitOutcome `xml:"failure"`
		Error     *junitOutcome `xml:"error"`
		Skipped   *junitOutcome `xml:"skipped"`
		Out       *junitText    `xml:"system-out"`
	}
	junitOutcome struct {
		Type    string `xml:"type,attr,omitempty"`
		Message string `xml:"message,attr"`
		Body    string `xml:",cdata"` // must be clean: encoding/xml does not escape it
	}
	junitText struct {
		Text string `xml:",cdata"` // as above
	}
)

// WriteJUnit writes a finished report as JUnit XML: a testsuite for each chapter, a testcase for each result. Nothing that
// is not a pass looks like one:
//
//	passed                        a plain testcase
//	failed                        <failure type="failed">
//	inconclusive, flaky           <failure> of that type: a gate on the file stays closed, as on the exit code
//	harness-error                 <error>
//	not-supported, untested       <skipped> with the reason
//	not counted, but no pass      <skipped> with what happened, and all of it in <system-out>: provisional requirements
//	                              and known failures must not close a gate
//	passed, but listed as failing <failure type="unexpected-pass">
func WriteJUnit(w io.Writer, r *Report) error {
	out := junitSuites{Name: "sequitur"}
	out.Time = junitSeconds(r.Run.Seconds)
	seconds := 0.0 // of the suite at the end of the list
	for _, result := range r.Results {
		chapter, _, _ := strings.Cut(result.Requirement, "-")
		if n := len(out.Suites); n == 0 || out.Suites[n-1].Name != chapter {
			out.Suites = append(out.Suites, junitSuite{Name: chapter})
			seconds = 0
			if !r.Run.Started.IsZero() {
				out.Suites[n].Timestamp = r.Run.Started.UTC().Format(time.RFC3339)
			}
		}
		suite := &out.Suites[len(out.Suites)-1]
		suite.Cases = append(suite.Cases, junitCaseOf(result, r.Unexpected(result)))
		seconds += result.Seconds
		suite.Time = junitSeconds(seconds)
		for _, counts := range []*junitCounts{&suite.junitCounts, &out.junitCounts} {
			counts.add(suite.Cases[len(suite.Cases)-1])
		}
	}
	data, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	if _, err := io.WriteString(w, xml.Header+string(data)+"\n"); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	return nil
}

func (c *junitCounts) add(k junitCase) {
	c.Tests++
	switch {
	case k.Failure != nil:
		c.Failures++
	case k.Error != nil:
		c.Errors++
	case k.Skipped != nil:
		c.Skipped++
	}
}

func junitCaseOf(r Result, unexpected bool) junitCase {
	k := junitCase{
		Name:      r.Requirement,
		Classname: strings.Join(slices.DeleteFunc([]string{"sequitur", r.Level, r.Feature}, func(s string) bool { return s == "" }), "."),
		Time:      junitSeconds(r.Seconds),
	}
	if r.Scenario != "" {
		k.Name += " " + r.Scenario
	}
	found := cmp.Or(terminal.OneLine(r.Message), terminal.OneLine(r.Seen), terminal.OneLine(r.Reason), r.Verdict.String())
	outcome := &junitOutcome{Type: r.Verdict.String(), Message: found, Body: evidence(r)}
	switch {
	case unexpected:
		outcome.Type = "unexpected-pass"
		outcome.Message = "passed, but is listed as failing: take it off the list"
		k.Failure = outcome
	case r.Verdict == verdict.Passed:
	case r.Verdict == verdict.NotSupported, r.Verdict == verdict.Untested:
		k.Skipped = &junitOutcome{Message: r.Verdict.String() + ": " + cmp.Or(terminal.OneLine(r.Reason), terminal.OneLine(r.Message), "no reason given")}
	case !counts(r):
		k.Skipped = &junitOutcome{Message: fmt.Sprintf("%s, not counted (%s): %s", r.Verdict, uncountedBecause(r), found)}
		k.Out = &junitText{outcome.Body}
	case r.Verdict == verdict.HarnessError:
		k.Error = outcome
	default:
		k.Failure = outcome
	}
	return k
}

// uncountedBecause says why a result is not counted.
func uncountedBecause(r Result) string {
	if r.Provisional {
		return "provisional"
	}
	if reason := terminal.OneLine(r.Reason); reason != "" {
		return "known to fail: " + reason
	}
	return "known to fail"
}

// evidence is the plain text of all that a result says.
func evidence(r Result) string {
	var b strings.Builder
	b.WriteByte('\n')
	for _, row := range rows(r) {
		for i, line := range strings.Split(row.text, "\n") {
			fmt.Fprintf(&b, "%-10s%s\n", onFirst(i, row.label), line)
		}
	}
	for i, line := range timeline(r.Timeline, 0) {
		fmt.Fprintf(&b, "%-10s%s\n", onFirst(i, "timeline"), line)
	}
	if r.Repro != "" {
		fmt.Fprintf(&b, "%-10s%s\n", "rerun", terminal.OneLine(r.Repro))
	}
	return b.String()
}

func junitSeconds(s float64) string { return fmt.Sprintf("%.3f", s) }
