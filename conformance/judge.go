package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/reports"
)

// Result judges an entry on what was driven, once; later calls return the same.
func (s *Session) Result(e Entry) reports.Result {
	s.mu.Lock()
	r, ok := s.results[e.key()]
	s.mu.Unlock()
	if ok {
		return r
	}
	r = s.result(e)
	s.mu.Lock()
	s.results[e.key()] = r
	s.mu.Unlock()
	return r
}

// partial tells whether only some of the scenarios that the target's claims allow were driven to their end.
func (s *Session) partial() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen) < s.plan.drivable
}

// judged is the finding of one entry in one repetition, with the view that it is about.
type judged struct {
	check.Finding
	view *history.View
}

func (s *Session) result(e Entry) reports.Result {
	row := rowOf(e.Requirement)
	row.Scenario = e.Scenario
	row.Repro = fmt.Sprintf("%s --focus %s", s.options.Command, e.Requirement.ID)
	if e.Scenario != Everywhere {
		row.Repro += " --scenario " + e.Scenario
	}
	if e.Missing != "" {
		row.Verdict = verdict.NotSupported
		row.Reason = "the scenario needs the feature " + e.Missing + ", which the target does not claim"
		row.Message = row.Reason
		return row
	}
	rounds := s.rounds(e)
	if len(rounds) == 0 {
		row.Verdict, row.Reason = verdict.Untested, "the run ended before the scenario was over"
		row.Message = row.Reason
		return row
	}
	worst, disagree := 0, 0
	for i, f := range rounds {
		if f.Verdict > rounds[worst].Verdict {
			worst = i
		}
		if f.view != nil && len(f.view.Ops) > 0 {
			ops := f.view.Ops
			row.Seconds = max(row.Seconds, (ops[len(ops)-1].T - ops[0].T).Seconds())
		}
	}
	f := rounds[worst]
	for _, other := range rounds {
		if other.Verdict != f.Verdict {
			disagree++
		}
	}
	if e.Scenario == Everywhere && f.view != nil && f.Verdict > verdict.Untested {
		row.Repro += " --scenario " + f.view.Scenario
		f.Seen = "in " + f.view.Scenario + ": " + f.Seen
	}
	if e.Scenario == Everywhere && f.Verdict == verdict.Inconclusive && s.partial() {
		row.Verdict, row.Reason, row.Repro = verdict.Untested, "none of the scenarios that were driven shows it", ""
		row.Message = row.Reason
		return row
	}
	row.Verdict, row.Expected, row.Seen, row.Message = f.Verdict, f.Expected, f.Seen, f.Seen
	switch {
	case !s.plan.claims[e.Requirement.Feature] && f.Verdict != verdict.Passed && f.Verdict != verdict.HarnessError:
		row.Verdict = verdict.NotSupported
		row.Reason = "the target does not claim the feature " + e.Requirement.Feature
		if f.Seen != "" {
			row.Reason += " (" + f.Seen + ")"
		}
		row.Message = row.Reason
	case f.Verdict == verdict.NotSupported:
		row.Reason = f.Seen
	case disagree > 0 && f.Verdict > verdict.Flaky:
		row.Verdict = verdict.Flaky
		row.Message = fmt.Sprintf("%s in %d of %d runs: %s", f.Verdict, len(rounds)-disagree, len(rounds), f.Seen)
	case f.Verdict == verdict.Failed:
		row.Message = "expected " + f.Expected + "; seen " + f.Seen
	case !s.plan.claims[e.Requirement.Feature]:
		row.Message = "holds, though the target does not claim " + e.Requirement.Feature + ": " + f.Seen
	}
	if k := s.plan.excuse(s.options.Known, e.Requirement.ID); k != nil && !(k.Sometimes && row.Verdict == verdict.Passed) {
		row.KnownFailing, row.Reason = true, k.Reason
	}
	if row.Verdict > verdict.Untested {
		row.Timeline = timeline(f.view, f.Events)
	} else {
		row.Repro = ""
	}
	return row
}

// seen is what one repetition of a scenario showed, and what its judges say of it.
type seen struct {
	view    *history.View
	problem string // why the observer itself is in doubt

	mu       sync.Mutex
	findings map[entryKey]check.Finding
}

// judge asks the judge of an entry once.
func (at *seen) judge(e Entry) judged {
	at.mu.Lock()
	defer at.mu.Unlock()
	f, ok := at.findings[e.key()]
	if !ok {
		f = at.ask(e)
		at.findings[e.key()] = f
	}
	return judged{f, at.view}
}

// rounds judges every repetition of an entry. What is judged on every history gives one finding a repetition: the gravest
// of all scenarios, and passed if any passed and no other was worse than inconclusive.
func (s *Session) rounds(e Entry) []judged {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []judged
	for _, round := range slices.Sorted(maps.Keys(s.played)) {
		if e.Scenario != Everywhere {
			if at := s.seen[e.Scenario][round]; at != nil {
				out = append(out, at.judge(e))
			}
			continue
		}
		var all []judged
		for _, sc := range s.plan.scenarios {
			if at := s.seen[sc.Name][round]; at != nil {
				all = append(all, at.judge(e))
			}
		}
		if len(all) > 0 {
			out = append(out, merge(all))
		}
	}
	return out
}

func merge(all []judged) judged {
	best := all[0]
	passed, worst := 0, all[0]
	for _, f := range all {
		if f.Verdict == verdict.Passed {
			passed++
			best = f
		}
		if f.Verdict > worst.Verdict {
			worst = f
		}
	}
	if worst.Verdict <= verdict.Inconclusive && passed > 0 {
		best.Seen = fmt.Sprintf("holds in the %d of %d scenarios that show it", passed, len(all))
		return best
	}
	return worst
}

// ask asks the judge, unless the observer itself is in doubt.
func (at *seen) ask(e Entry) (f check.Finding) {
	if at.problem != "" {
		return check.Finding{Verdict: verdict.HarnessError, Expected: "a harness that sees everything", Seen: at.problem}
	}
	defer func() {
		if p := recover(); p != nil {
			f = check.Finding{Verdict: verdict.HarnessError, Seen: fmt.Sprintf("the check panicked: %v", p)}
		}
	}()
	f = e.verify.Judge(at.view)
	stop := at.view.Stop()
	switch {
	case stop == nil:
	case stop.Error == "harness":
		f = check.Finding{Verdict: verdict.HarnessError, Expected: "the scenario to run to its end", Seen: stop.Note}
	case f.Verdict == verdict.Inconclusive && e.Scenario != Everywhere:
		f.Verdict, f.Expected, f.Seen = verdict.Failed, "the scenario to run to its end", stop.Note
	}
	return f
}

// observer checks the harness's own part of a history: every receiver recorded every request it counted, and every canary
// was seen.
func observer(v *history.View) string {
	numbers := map[string]map[int]bool{}
	for i := range v.Ops {
		op := &v.Ops[i]
		switch op.Kind {
		case history.Received:
			if op.Who == "" {
				continue
			}
			if numbers[op.Who] == nil {
				numbers[op.Who] = map[int]bool{}
			}
			if numbers[op.Who][op.Number] {
				return fmt.Sprintf("receiver %s recorded its request %d twice", op.Who, op.Number)
			}
			numbers[op.Who][op.Number] = true
		case history.Stopped:
			if op.Error == "harness" && strings.HasPrefix(op.Note, "canary") {
				return op.Note
			}
		}
	}
	for who, seen := range numbers {
		for n := 1; n <= len(seen); n++ {
			if !seen[n] {
				return fmt.Sprintf("receiver %s did not record its request %d", who, n)
			}
		}
	}
	return ""
}

// moments bounds the timeline of a failure: what a reader can take in.
const moments = 40

// timeline tells what happened to the events named, and to what descends from them; without events, what happened to the
// objects.
func timeline(v *history.View, events []string) []reports.Moment {
	if v == nil || len(v.Ops) == 0 {
		return nil
	}
	roots := map[string]bool{}
	for _, id := range events {
		roots[history.Root(id)] = true
	}
	concerned := map[int64]bool{}
	names := map[int64]string{}
	var out []reports.Moment
	began := v.Ops[0].T
	for i := range v.Ops {
		op := &v.Ops[i]
		m := reports.Moment{At: (op.T - began).Seconds(), Who: op.Who, What: string(op.Kind)}
		switch op.Kind {
		case history.Sent, history.Received:
			if op.Role != history.Stimulus || len(roots) > 0 && !roots[history.Root(op.Event.ID())] {
				continue
			}
			concerned[op.X] = true
			names[op.X] = op.Event.ID()
			m.Event = names[op.X]
			if op.Attempt > 0 {
				m.Attempt = fmt.Sprint(op.Attempt)
			}
		case history.Acked, history.Answered:
			if !concerned[op.X] {
				continue
			}
			m.Event, m.Status = names[op.X], outcomeOf(op)
			if op.Event != nil {
				m.Status += " with " + op.Event.ID()
			}
		case history.Applied, history.Deleted:
			if op.Refused {
				m.Status = "refused: " + short(op.Note)
			}
		case history.Status:
			if len(roots) > 0 {
				continue
			}
			m.Status = stateOf(op)
		case history.Mark:
			m.Who, m.What = "harness", "phase "+op.Note
		case history.Settled:
			if op.OK {
				continue
			}
			m.Who, m.What, m.Status = "harness", "waited in vain", op.Note
		case history.Stopped:
			m.Who, m.What, m.Status = "harness", "stopped", short(op.Note)
		case history.Restart:
			m.What, m.Status = "fell over", short(op.Note)
		default:
			continue
		}
		out = append(out, m)
	}
	if cut := len(out) - moments; cut > 0 {
		gap := reports.Moment{At: out[moments/2].At, Who: "harness", What: fmt.Sprintf("… %d more …", cut)}
		out = append(append(out[:moments/2:moments/2], gap), out[len(out)-moments/2:]...)
	}
	return out
}

func outcomeOf(op *history.Op) string {
	switch {
	case op.Error != "":
		return "error: " + short(op.Error)
	case op.Fault != "":
		return op.Fault
	}
	return fmt.Sprint(op.Code)
}

func stateOf(op *history.Op) string {
	o := op.Object()
	if o == nil {
		return "not there"
	}
	c := o.Condition("Ready")
	return short(strings.TrimSpace(fmt.Sprintf("generation %d/%d Ready=%s %s %s", o.Status.ObservedGeneration, o.Metadata.Generation, c.Status, c.Reason, c.Message)))
}

func short(s string) string {
	if len(s) > 160 {
		return s[:160] + "…"
	}
	return s
}
