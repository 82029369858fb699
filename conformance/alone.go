package conformance

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/suites"
	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/fixtures/target"
)

// play is one scenario driven in one repetition.
type play struct {
	scenario     suites.Scenario
	round        int
	began, ended time.Time
	worst        verdict.Verdict
	told         bool // progress knows how it ended
}

// recovery bounds the wait until a target is up again.
const recovery = 2 * time.Minute

// blur is how exactly a restart's time is known: Kubernetes tells whole seconds.
const blur = time.Second

// disturbed tells whether a part of the target fell over while the scenario was driven.
func (p *play) disturbed(falls []target.Restart) bool {
	for _, f := range falls {
		if f.At.After(p.began.Add(-blur)) && f.At.Before(p.ended.Add(blur)) {
			return true
		}
	}
	return false
}

// alone drives, one at a time, the scenarios that may bring the target down, and again those that something disturbed: what
// still goes wrong when nothing else goes on is the scenario's own doing. What comes again to the history replaces what there
// was of it.
func (s *Session) alone(ctx context.Context, bench *drive.Bench, progress Progress, t target.Fallible, together, harsh []*play) error {
	falls, err := t.Restarts(ctx)
	if err != nil {
		return err
	}
	var again []*play
	for _, p := range together {
		if p.worst != verdict.Passed && p.disturbed(falls) {
			again = append(again, p)
		}
	}
	slices.SortFunc(harsh, func(a, b *play) int { return cmp.Compare(a.scenario.Name, b.scenario.Name) })
	up := func() error {
		ctx, cancel := context.WithTimeout(ctx, recovery)
		defer cancel()
		err := t.Recovered(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = nil // what stays down was so before us, or the scenarios will tell
		}
		return err
	}
	for _, p := range append(again, harsh...) {
		if ctx.Err() != nil {
			return nil
		}
		if err := up(); err != nil {
			return err
		}
		if err := s.one(ctx, bench, progress, p); err != nil {
			return err
		}
	}
	if len(harsh) > 0 && ctx.Err() == nil {
		return up() // who comes after us finds the target as we did
	}
	return nil
}
