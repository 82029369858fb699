// Package specs shows a conformance session as Ginkgo specs: a container for each scenario, an It for each requirement
// judged on it, labelled with the requirement's id, level, feature, chapter and profiles. Specs only judge; the session
// drives, once and concurrently, when the first spec runs.
//
// In a suite of one's own, to be run by `go test` or the ginkgo CLI:
//
//	var _ = specs.Declare(func() (target.Target, conformance.Options) { … })
//
// Inside a plain binary, Judge runs the specs of a session that has been driven.
package specs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/extensions/globals"
	"github.com/onsi/ginkgo/v2/formatter"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/sequitur-dev/sequitur/conformance"
	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/reports"
)

// Filter turns a Ginkgo label filter, such as "MUST && !Autoscale", into a predicate over labels.
func Filter(expression string) (func(labels []string) bool, error) {
	if expression == "" {
		return nil, nil
	}
	f, err := types.ParseLabelFilter(expression)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Declare adds the specs of a session to the Ginkgo suite of the calling package. open is called when the tree is built;
// what Ginkgo's own label filter leaves out is not driven. The target is closed after the suite. The result is always
// true, so that Declare can initialise a package variable.
func Declare(open func() (target.Target, conformance.Options)) bool {
	return ginkgo.Describe("conformance", func() {
		t, o := open()
		if o.Labels == nil {
			f, err := Filter(ginkgo.GinkgoLabelFilter())
			if err != nil {
				ginkgo.Fail("label filter: " + err.Error())
			}
			o.Labels, o.LabelFilter = f, ginkgo.GinkgoLabelFilter()
		}
		s, err := conformance.New(t, o)
		if err != nil {
			ginkgo.It("is selected", func() { ginkgo.Fail(err.Error()) })
			return
		}
		declare(s)
		ginkgo.AfterAll(func(ctx context.Context) {
			if err := t.Close(ctx); err != nil {
				ginkgo.Fail("closing the target: " + err.Error())
			}
		})
	}, ginkgo.Ordered, ginkgo.ContinueOnFailure)
}

func declare(s *conformance.Session) {
	var order []string
	byScenario := map[string][]conformance.Entry{}
	for _, e := range s.Entries() {
		if _, ok := byScenario[e.Scenario]; !ok {
			order = append(order, e.Scenario)
		}
		byScenario[e.Scenario] = append(byScenario[e.Scenario], e)
	}
	for _, scenario := range order {
		ginkgo.Describe(scenario, func() {
			for _, e := range byScenario[scenario] {
				ginkgo.It(e.Requirement.ID+" "+e.Requirement.Statement, ginkgo.Label(e.Labels...), func(ctx ginkgo.SpecContext) {
					if err := s.Drive(ctx); err != nil {
						ginkgo.Fail("the harness could not work: " + err.Error())
					}
					r := s.Result(e)
					tell(r, r.KnownFailing && r.Verdict == verdict.Passed && s.Report().Unexpected(r))
				})
			}
		})
	}
}

// tell turns a verdict into the outcome of the spec under way. Nothing that did not pass looks as if it had.
func tell(r reports.Result, unexpected bool) {
	if len(r.Timeline) > 0 {
		ginkgo.AddReportEntry("evidence", ginkgo.ReportEntryVisibilityFailureOrVerbose, reports.Describe(r))
	}
	switch {
	case unexpected:
		ginkgo.Fail("unexpected pass: it is listed as known to fail (" + r.Reason + ")")
	case r.Verdict == verdict.Passed:
	case r.KnownFailing && r.Verdict != verdict.HarnessError:
		ginkgo.Skip("known to fail: " + r.Reason)
	case r.Provisional && r.Verdict != verdict.Passed:
		ginkgo.Skip("provisional: " + r.Message)
	case r.Verdict == verdict.NotSupported, r.Verdict == verdict.Untested:
		ginkgo.Skip(r.Verdict.String() + ": " + r.Reason)
	default:
		ginkgo.Fail(fmt.Sprintf("%v: %s", r.Verdict, r.Message))
	}
}

var requirementID = regexp.MustCompile(`^[A-Z]+-[0-9]{3}$`)

// outcome is Ginkgo's view of a testing.T in a plain binary.
type outcome struct{ failed bool }

func (o *outcome) Fail() { o.failed = true }

// Judge runs the specs of a driven session in this process and tells whether all passed or were skipped. Ginkgo's own
// report goes to w. Ginkgo keeps its state in globals, so that Judge is not for concurrent use and not for use inside
// another Ginkgo suite.
func Judge(s *conformance.Session, w io.Writer) bool {
	globals.Reset()
	defer globals.Reset()
	// A spec that judges no requirement would count as evidence for nothing.
	remove := ginkgo.AddTreeConstructionNodeArgsTransformer(func(kind types.NodeType, _ ginkgo.Offset, text string, args []any) (string, []any, []error) {
		if !kind.Is(types.NodeTypeIt) {
			return text, args, nil
		}
		for _, a := range args {
			if labels, ok := a.(ginkgo.Labels); ok {
				for _, l := range labels {
					if requirementID.MatchString(l) {
						return text, args, nil
					}
				}
			}
		}
		return text, args, []error{errors.New("the spec " + text + " has no requirement id among its labels")}
	})
	defer remove()
	stdout := formatter.ColorableStdOut
	formatter.ColorableStdOut = w // standard output is for results
	defer func() { formatter.ColorableStdOut = stdout }()
	declare(s)
	suite, reporter := ginkgo.GinkgoConfiguration()
	suite.FailOnEmpty = true
	suite.LabelFilter, suite.FocusStrings, suite.SkipStrings = "", nil, nil // the session has selected
	reporter.NoColor = true
	var o outcome
	passed := ginkgo.RunSpecs(&o, "conformance", suite, reporter)
	return passed && !o.failed
}
