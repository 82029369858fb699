package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/requirement"
	"github.com/sequitur-dev/sequitur/conformance/suites"
	"github.com/sequitur-dev/sequitur/reports"
)

// asked is a reading that is selected, and the scenario whose history may answer it.
type asked struct {
	suites.Reading
	scenario string
	missing  string // a feature that the scenario needs and the target does not claim
}

// Questions returns those that scenarios ask about a requirement and that no verdict answers.
func Questions(id string) []requirement.Question {
	var out []requirement.Question
	for _, sc := range suites.All() {
		for _, r := range sc.Read {
			if r.Requirement == id {
				out = append(out, requirement.Question{Asks: r.Asks, Known: r.Known})
			}
		}
	}
	return out
}

// readings answers what was asked by what was driven.
func (s *Session) readings() []reports.Reading {
	var out []reports.Reading
	for _, a := range s.plan.asked {
		row := reports.Reading{Requirement: a.Requirement, Scenario: a.scenario, Question: a.Asks, Known: a.Known}
		row.Answer, row.Seen = s.reading(a)
		out = append(out, row)
	}
	return out
}

// reading returns the answer that the repetitions of a scenario show, empty if none does, and the evidence. Answers that
// differ are all named.
func (s *Session) reading(a asked) (answer, seen string) {
	if a.missing != "" {
		return "", "the scenario needs the feature " + a.missing + ", which the target does not claim"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rounds := s.seen[a.scenario]
	if len(rounds) == 0 {
		return "", "the run ended before the scenario was over"
	}
	times, first := map[string]int{}, check.Observed{}
	for _, round := range slices.Sorted(maps.Keys(rounds)) {
		got := rounds[round].read(a.Question)
		if first.Answer == "" {
			first = got
		}
		if got.Answer != "" {
			times[got.Answer]++
		}
	}
	if len(times) < 2 {
		return first.Answer, first.Seen
	}
	var said []string
	for _, known := range slices.Sorted(maps.Keys(times)) {
		said = append(said, fmt.Sprintf("%s (%d of %d runs)", known, times[known], len(rounds)))
	}
	return strings.Join(said, "; "), "the runs differ"
}

// read asks a question of one repetition, unless the observer itself is in doubt.
func (at *seen) read(q check.Question) (got check.Observed) {
	if at.problem != "" {
		return check.Observed{Seen: at.problem}
	}
	defer func() {
		if p := recover(); p != nil {
			got = check.Observed{Seen: fmt.Sprintf("the reading panicked: %v", p)}
		}
	}()
	got = q.See(at.view)
	if stop := at.view.Stop(); stop != nil && got.Answer == "" {
		got.Seen = stop.Note
	}
	return got
}
