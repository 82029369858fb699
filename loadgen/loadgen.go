// Package loadgen says how much an implementation carries. It sends the events of a load scenario as the schedule wants,
// whatever the target does, receives them at the ends of the topology, accounts for every one, and tells latencies from the
// moment at which an event was due, so that neither the target's nor the harness's own delays are left out.
package loadgen

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/loadgen/scenario"
	"github.com/sequitur-dev/sequitur/reports/load"
)

var numCPU = runtime.NumCPU()

// Options say how a scenario is run.
type Options struct {
	Tool load.Tool // told in the result
	// Watch is told how the run stands, some times a second, by one goroutine. Optional.
	Watch func(Live)
	// Results gets a result for each request, in the encoding of the library (gob), which `vegeta report` reads: timestamps are
	// when requests were due, latencies count from there to the answer. Of several runs it gets those of all, of a search
	// those of the rate found. Optional.
	Results io.Writer
	// FindMax searches the highest rate that the scenario's objectives allow.
	FindMax bool
	// Repeat runs it so many times, each on a topology of its own; 0 means 1.
	Repeat int
	// Workers is how many processes send; 0 means this one. Start starts each of them.
	Workers int
	Start   Starter

	results *results
	fleet   *fleet // nil without workers
}

// Run runs a scenario on a target: once, for each value of its sweep, or as often as the search for the highest rate wants. If
// ctx ends, what was measured so far is returned, told as interrupted, within a second. The error is a *TargetError if the
// topology could not be set up, a *UsageError if scenario and options do not fit; else harness or environment failed. If that was
// in the middle, as when a worker dies, what was measured so far is returned with the error, told as invalid.
func Run(ctx context.Context, t target.Target, s *scenario.Scenario, o Options) (r *load.Result, err error) {
	if err := fits(s, o); err != nil {
		return nil, err
	}
	o.results = newResults(o.Results)
	if o.Workers > 0 {
		if o.fleet, err = enlist(ctx, o); err != nil {
			return nil, err
		}
		defer func() {
			if failed := o.fleet.dismiss(); failed != nil && err == nil {
				err = failed
			}
		}()
	}
	switch {
	case s.Sweep.Path != "":
		r, err = swept(ctx, t, s, o)
	case o.Repeat > 1:
		r, err = repeated(ctx, t, s, o)
	default:
		r, err = one(ctx, t, s, o, "")
	}
	if r != nil {
		r.Notes = append(r.Notes, o.results.notes()...)
	}
	return r, err
}

// swept runs a scenario for each value of its sweep. The result is about the last of them.
func swept(ctx context.Context, t target.Target, s *scenario.Scenario, o Options) (*load.Result, error) {
	sweep := &load.Sweep{Path: s.Sweep.Path}
	var last *load.Result
	var failed error
	for _, value := range s.Sweep.Values {
		at, err := s.With("sweep=", s.Sweep.Path+"="+value)
		if err != nil {
			return nil, err
		}
		r, err := one(ctx, t, at, o, s.Sweep.Path+"="+value)
		if err != nil && (ctx.Err() == nil || last == nil && r == nil) {
			failed = fmt.Errorf("%s=%s: %w", s.Sweep.Path, value, err)
		}
		if r == nil {
			break
		}
		point := load.Point{Value: value, Trial: r.Trial()}
		if r.Search != nil {
			point.Rate = r.Search.Rate
		}
		sweep.Points = append(sweep.Points, point)
		last = r
		if err != nil || ctx.Err() != nil {
			break
		}
	}
	if last == nil {
		return nil, failed
	}
	last.Sweep = sweep
	for _, p := range sweep.Points {
		worsen(last, p.Trial, fmt.Sprintf("at %s=%s", sweep.Path, p.Value))
	}
	cutShort(ctx, last, len(sweep.Points), len(s.Sweep.Values))
	return last, spoil(last, failed)
}

// repeated runs a scenario several times. The result is about the last of them.
func repeated(ctx context.Context, t target.Target, s *scenario.Scenario, o Options) (*load.Result, error) {
	var last *load.Result
	var trials []load.Trial
	var failed error
	for i := range o.Repeat {
		r, err := one(ctx, t, s, o, fmt.Sprintf("run %d of %d", i+1, o.Repeat))
		if err != nil && (ctx.Err() == nil || last == nil && r == nil) {
			failed = fmt.Errorf("run %d of %d: %w", i+1, o.Repeat, err)
		}
		if r == nil {
			break
		}
		last = r
		trials = append(trials, r.Trial())
		if err != nil || ctx.Err() != nil {
			break
		}
	}
	if last == nil {
		return nil, failed
	}
	last.Repeats = trials
	for i, trial := range trials {
		worsen(last, trial, fmt.Sprintf("run %d", i+1))
	}
	cutShort(ctx, last, len(trials), o.Repeat)
	return last, spoil(last, failed)
}

// spoil marks a result as invalid if what it is about was not brought to its end by an error, which it returns.
func spoil(r *load.Result, err error) error {
	if err != nil {
		r.Verdict, r.Reason, r.Run.Interrupted = load.Invalid, err.Error(), true
	}
	return err
}

// cutShort marks a result as interrupted if some of its runs are missing.
func cutShort(ctx context.Context, r *load.Result, have, want int) {
	if ctx.Err() != nil && have < want && r.Verdict != load.Interrupted {
		r.Verdict, r.Reason = load.Interrupted, fmt.Sprintf("stopped after %d of %d runs", have, want)
		r.Run.Interrupted = true
	}
}

// worsen lets a run among several count for the whole if it is graver.
func worsen(r *load.Result, t load.Trial, where string) {
	if graver(t.Verdict, r.Verdict) {
		r.Verdict, r.Reason = t.Verdict, where+": "+t.Reason
	}
}

// graver tells which of two verdicts counts for a whole.
func graver(a, b load.Verdict) bool {
	rank := map[load.Verdict]int{load.Measured: 0, load.Met: 1, load.Missed: 2, load.Invalid: 3, load.Interrupted: 4}
	return rank[a] > rank[b]
}

// UsageError says that a scenario and options do not fit together.
type UsageError struct{ Problem string }

// Error returns the problem.
func (e *UsageError) Error() string { return e.Problem }

func fits(s *scenario.Scenario, o Options) error {
	switch {
	case o.FindMax && s.Driver.Kind != scenario.Open:
		return &UsageError{fmt.Sprintf("the highest rate is searched with the driver open: with %s the target sets the rate", s.Driver)}
	case o.FindMax && s.Arrival.Shape == scenario.Replay:
		return &UsageError{"a replay has no rate that could be searched"}
	case o.Repeat > 1 && (o.FindMax || s.Sweep.Path != ""):
		return &UsageError{"runs are repeated, swept or searched, one of these: a search repeats by itself what it must"}
	case o.FindMax && s.Sweep.Path == "arrival.rate":
		return &UsageError{"the rate is either swept or searched, not both"}
	case o.Workers > 0 && s.Driver.Kind == scenario.Window:
		return &UsageError{"a window is kept by one process: with workers use the driver open or closed"}
	case o.Workers > 0 && s.Driver.Kind == scenario.Closed && s.Driver.N < o.Workers:
		return &UsageError{fmt.Sprintf("%d workers share the %d callers of %s: expected at least as many", o.Workers, s.Driver.N, s.Driver)}
	case o.Workers > 0 && s.Arrival.Shape == scenario.Replay:
		return &UsageError{"a replay is sent by one process"}
	case o.Workers > 0 && o.Start == nil:
		return &UsageError{"there is nobody to start workers"}
	case strings.HasPrefix(s.Sweep.Path, "sweep"):
		return &UsageError{"a sweep cannot be swept"}
	}
	return nil
}

// one runs a scenario for one set of values.
func one(ctx context.Context, t target.Target, s *scenario.Scenario, o Options, trial string) (r *load.Result, err error) {
	st, err := openStage(ctx, t, s, o, trial)
	if err != nil {
		return nil, err
	}
	defer func() {
		if failed := st.close(ctx); failed != nil && err == nil {
			err = failed
		}
	}()
	if o.FindMax {
		return st.search(ctx, s, o, trial)
	}
	m, err := st.measure(ctx, s, o, trial)
	if m == nil {
		return nil, err
	}
	return m.result(o), err
}
