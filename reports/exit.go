package reports

import (
	"slices"

	"github.com/sequitur-dev/sequitur/conformance/verdict"
)

// The exit codes of the sequitur command. Only main exits.
const (
	ExitConforms     = 0   // conforms
	ExitFailed       = 1   // does not conform, or a regression, or a missed objective
	ExitInconclusive = 2   // inconclusive or flaky
	ExitUsage        = 64  // unknown id, empty selection, bad file
	ExitHarness      = 70  // the harness or its environment failed
	ExitInterrupted  = 130 // stopped by the user; reports are valid
)

// ExitCode is the exit code for a verdict. Not-supported and untested are inconclusive here, as nothing was judged.
func ExitCode(v verdict.Verdict) int {
	switch v {
	case verdict.Passed:
		return ExitConforms
	case verdict.Failed:
		return ExitFailed
	case verdict.NotSupported, verdict.Untested, verdict.Flaky, verdict.Inconclusive:
		return ExitInconclusive
	}
	return ExitHarness
}

// WorstExit is the exit code of several runs, 0 if there is none: that of the one that says least, but a failure is told before
// anything that is only doubtful.
func WorstExit(codes ...int) int {
	order := []int{ExitConforms, ExitInconclusive, ExitFailed, ExitHarness, ExitUsage, ExitInterrupted}
	worst := 0
	for _, c := range codes {
		worst = max(worst, slices.Index(order, c))
	}
	return order[worst]
}
