package reports

import (
	"cmp"
	"math"
	"slices"

	"github.com/sequitur-dev/sequitur/conformance/verdict"
)

// Finish sorts the results and readings by requirement and scenario and computes the summary from the results. It is
// idempotent.
//
// The verdict of a requirement is the maximum over its results. Requirements are counted by it.
//
// Summary.Verdict is the maximum over all results, with these exceptions:
//   - not-supported and untested results are left out: they limit what was judged, which Coverage tells, not how it went;
//   - provisional results are left out;
//   - results known to fail are left out, unless they are harness errors, which are no property of the target;
//   - a requirement listed as failing whose listed results all passed makes the verdict failed: the list is out of date.
//
// If no result is left, the verdict is inconclusive: nothing observed is not success. An interrupted run that would have
// passed is inconclusive too, and its exit code is ExitInterrupted in any case.
//
// A profile is a claim that others rely on, so it is judged as the run is, but more strictly: one that would have passed
// is untested if any of its requirements is untested without excuse, and one of which nothing was judged is untested or
// not-supported.
func (r *Report) Finish() {
	r.Schema, r.SchemaVersion = SchemaID, SchemaVersion
	if r.Results == nil {
		r.Results = []Result{}
	}
	if r.Target.Claims == nil {
		r.Target.Claims = []string{}
	}
	slices.SortStableFunc(r.Results, func(a, b Result) int {
		return cmp.Or(cmp.Compare(a.Requirement, b.Requirement), cmp.Compare(a.Scenario, b.Scenario))
	})
	slices.SortStableFunc(r.Readings, func(a, b Reading) int {
		return cmp.Or(cmp.Compare(a.Requirement, b.Requirement), cmp.Compare(a.Scenario, b.Scenario))
	})

	all := newTally()
	levels := map[string]map[string]int{}
	profiles := map[string]*tally{}
	var order []string // of profiles, by first sight; sorted below
	s := Summary{Profiles: []ProfileSummary{}, Levels: levels}
	for results := range byRequirement(r.Results) {
		o := judge(results)
		all.add(o)
		first := results[0]
		if levels[first.Level] == nil {
			levels[first.Level] = newCounts()
		}
		levels[first.Level][o.verdict.String()]++
		for _, p := range first.Profiles {
			if profiles[p] == nil {
				profiles[p] = newTally()
				order = append(order, p)
			}
			profiles[p].add(o)
		}
		if o.uncounted {
			s.Uncounted = append(s.Uncounted, first.Requirement)
		}
		if o.unexpected {
			s.UnexpectedPasses = append(s.UnexpectedPasses, first.Requirement)
		}
		s.Coverage.add(o)
	}
	if n := s.Coverage.Requirements; n > 0 {
		s.Coverage.Ratio = math.Round(float64(s.Coverage.Judged)/float64(n)*1e4) / 1e4
	}
	s.Counts = all.counts
	s.Verdict = all.verdict(r.Run.Interrupted)
	s.ExitCode = ExitCode(s.Verdict)
	if r.Run.Interrupted {
		s.ExitCode = ExitInterrupted
	}
	slices.SortFunc(order, compareProfiles)
	for _, name := range order {
		p := profiles[name]
		s.Profiles = append(s.Profiles, ProfileSummary{Name: name, Verdict: p.profileVerdict(r.Run.Interrupted), Counts: p.counts})
	}
	r.Summary = s
}

// compareProfiles puts profiles into the order in which people know them, others after them by name, "full" last.
func compareProfiles(a, b string) int {
	known := []string{"sequence", "parallel", "broker", "channel", "delivery", "sources", "autoscale"}
	rank := func(name string) int {
		if i := slices.Index(known, name); i >= 0 {
			return i
		}
		if name == "full" {
			return len(known) + 1
		}
		return len(known)
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}

// byRequirement yields the results of one requirement after the other. The results must be sorted.
func byRequirement(results []Result) func(yield func([]Result) bool) {
	return func(yield func([]Result) bool) {
		for i := 0; i < len(results); {
			j := i + 1
			for j < len(results) && results[j].Requirement == results[i].Requirement {
				j++
			}
			if !yield(results[i:j:j]) {
				return
			}
			i = j
		}
	}
}

// Unexpected tells whether a result of a finished report is a pass that fails the run: its requirement is listed as failing, and
// passed in every scenario. One that fails in some other is as expected.
func (r *Report) Unexpected(result Result) bool {
	return result.KnownFailing && result.Verdict == verdict.Passed && slices.Contains(r.Summary.UnexpectedPasses, result.Requirement)
}

// outcome is what the results of one requirement come to.
type outcome struct {
	verdict    verdict.Verdict
	counted    []verdict.Verdict // what goes into the verdict of the run
	excused    bool
	uncounted  bool // did not pass, and that is not counted
	unexpected bool // listed as failing, passed
}

func judge(results []Result) outcome {
	var o outcome
	listed, listedPassed := 0, 0
	o.excused = true
	var all []verdict.Verdict
	for _, r := range results {
		all = append(all, r.Verdict)
		if r.Verdict == verdict.Untested && !r.Excused {
			o.excused = false
		}
		if r.KnownFailing && !r.Provisional && r.Verdict != verdict.NotSupported && r.Verdict != verdict.Untested {
			listed++
			if r.Verdict == verdict.Passed {
				listedPassed++
			}
		}
		switch {
		case counts(r):
			o.counted = append(o.counted, r.Verdict)
		case isProblem(r.Verdict):
			o.uncounted = true
		}
	}
	o.verdict = verdict.Max(all...)
	if listed > 0 && listed == listedPassed {
		o.unexpected = true
		o.counted = append(o.counted, verdict.Failed)
	}
	return o
}

// counts reports whether a result goes into the verdict of the run.
func counts(r Result) bool {
	switch {
	case r.Verdict == verdict.NotSupported, r.Verdict == verdict.Untested, r.Provisional:
		return false
	case r.KnownFailing:
		return r.Verdict == verdict.HarnessError
	}
	return true
}

// isProblem reports whether somebody has to look at a verdict.
func isProblem(v verdict.Verdict) bool { return v > verdict.Untested }

func (c *Coverage) add(o outcome) {
	c.Requirements++
	switch o.verdict {
	case verdict.Passed, verdict.Flaky, verdict.Failed:
		c.Judged++
	case verdict.NotSupported:
		c.Excused++
	case verdict.Untested:
		if o.excused {
			c.Excused++
		} else {
			c.Untested++
		}
	default:
		c.Unclear++
	}
}

// tally sums outcomes.
type tally struct {
	counts  map[string]int
	counted []verdict.Verdict
	gaps    int // requirements that are untested without excuse
}

func newTally() *tally { return &tally{counts: newCounts()} }

func newCounts() map[string]int {
	counts := map[string]int{}
	for _, v := range verdict.All() {
		counts[v.String()] = 0
	}
	return counts
}

func (t *tally) add(o outcome) {
	t.counts[o.verdict.String()]++
	t.counted = append(t.counted, o.counted...)
	if o.verdict == verdict.Untested && !o.excused {
		t.gaps++
	}
}

func (t *tally) verdict(interrupted bool) verdict.Verdict {
	v := verdict.Max(t.counted...)
	if interrupted && v == verdict.Passed {
		return verdict.Inconclusive
	}
	return v
}

func (t *tally) profileVerdict(interrupted bool) verdict.Verdict {
	v := t.verdict(interrupted)
	switch nothing := len(t.counted) == 0; {
	case t.gaps > 0 && (nothing || v == verdict.Passed):
		return verdict.Untested
	case nothing && t.counts[verdict.NotSupported.String()] > 0:
		return verdict.NotSupported
	}
	return v
}
