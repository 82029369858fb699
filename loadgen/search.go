package loadgen

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/sequitur-dev/sequitur/loadgen/scenario"
	"github.com/sequitur-dev/sequitur/reports/load"
)

// The search for the highest rate: double until a rate is not sustained, halve the gap until it is narrow, then walk around the
// place some times in small steps, and at last hold the rate for long.
const (
	narrow     = 1.05  // ratio of the rates between which the search ends
	stride     = 1.025 // of a walk
	walks      = 5
	maxSteps   = 8               // of one walk
	student    = 2.776           // 97.5 % quantile of Student's t with walks-1 degrees of freedom
	highest    = 1e6             // events per second
	fewest     = 5               // events of a trial
	rampTime   = 5 * time.Second // a trial of the ramp, at most
	holdTimes  = 4               // how many times as long as a trial the rate found is held
	growth     = 0.01            // of the rate: what the backlog may grow by
	noGrowth   = 10              // events by which a backlog may be greater at the end by chance
	tooLong    = 2 * time.Second // worth of events in flight: there is no need to see more of it
	confidence = 1.96            // standard errors
)

// search is one search on a stage.
type search struct {
	*stage
	scenario *scenario.Scenario
	options  Options
	trial    string
	found    load.Search
	last     *load.Result
}

func (st *stage) search(ctx context.Context, s *scenario.Scenario, o Options, trial string) (*load.Result, error) {
	f := &search{stage: st, scenario: s, options: o, trial: trial}
	f.options.results = nil // only the rate found is worth them
	err := f.run(ctx)
	switch {
	case ctx.Err() != nil && f.last != nil:
		r := f.last
		r.Verdict, r.Reason = load.Interrupted, fmt.Sprintf("stopped after %d trials of the search", len(f.found.Trials))
		r.Run.Interrupted = true
		f.complete(r)
		return r, nil
	case err != nil && f.last != nil:
		f.complete(f.last)
		return f.last, spoil(f.last, err)
	case err != nil:
		return nil, err
	}
	f.complete(f.last)
	return f.last, nil
}

func (f *search) complete(r *load.Result) {
	r.Search = &f.found
	r.Scenario.Set = sets(f.scenario)
}

func (f *search) run(ctx context.Context) error {
	low, high, err := f.bracket(ctx)
	if err != nil || low == 0 {
		return err
	}
	for high/low > narrow {
		middle := round(math.Sqrt(low * high))
		ok, err := f.sustains(ctx, middle, f.scenario.Duration)
		if err != nil {
			return err
		}
		if ok {
			low = middle
		} else {
			high = middle
		}
	}
	var passed, estimates []float64
	for range walks {
		a, b, err := f.walk(ctx, low)
		if err != nil {
			return err
		}
		passed, estimates = append(passed, a), append(estimates, math.Sqrt(a*b))
	}
	slices.Sort(passed)
	f.found.Rate = passed[len(passed)/2]
	f.found.Low, f.found.High = interval95(estimates)
	return f.hold(ctx)
}

// bracket finds a rate that is sustained and one that is not, within a factor of two. The first is 0 if none is.
func (f *search) bracket(ctx context.Context) (low, high float64, err error) {
	long := f.scenario.Duration
	short := min(long, max(long/3, time.Second), rampTime)
	rate := f.scenario.Arrival.Rate
	for {
		ok, err := f.sustains(ctx, rate, short)
		if err == nil && !ok { // one bad moment of the machine must not end the ramp
			ok, err = f.sustains(ctx, rate, long)
		}
		switch {
		case err != nil:
			return 0, 0, err
		case ok && rate >= highest:
			return rate, rate * narrow, nil
		case ok:
			low = rate
			if high > 0 {
				return low, high, nil
			}
			rate = min(highest, round(rate*2))
		case low > 0:
			return low, rate, nil
		case rate/2*long.Seconds() < fewest:
			f.fail(fmt.Sprintf("not even %s is sustained", perSecond(rate)))
			return 0, 0, nil
		default:
			high, rate = rate, round(rate/2)
		}
	}
}

// walk goes in strides from a rate to where it is sustained no longer, or again.
func (f *search) walk(ctx context.Context, from float64) (passed, failed float64, err error) {
	at := from
	for range maxSteps {
		ok, err := f.sustains(ctx, at, f.scenario.Duration)
		if err != nil {
			return 0, 0, err
		}
		if ok {
			passed = at
			if failed > 0 {
				break
			}
			at = round(at * stride)
		} else {
			failed = at
			if passed > 0 {
				break
			}
			at = round(at / stride)
		}
	}
	switch { // so far away that the walk did not get there
	case failed == 0:
		failed = at
	case passed == 0:
		passed = at
	}
	return passed, failed, nil
}

// hold shows for longer that the rate found is sustained. If it is not, it tries the next lower ones.
func (f *search) hold(ctx context.Context) error {
	long := holdTimes * f.scenario.Duration
	for range maxSteps {
		rate := f.found.Rate
		m, r, err := f.try(ctx, rate, long, f.options, fmt.Sprintf("holding %s", perSecond(rate)))
		if err != nil {
			return err
		}
		ok, own, why := sustained(m, r)
		f.note(r, rate, ok, own, why)
		if ok {
			f.found.Low, f.found.High = min(f.found.Low, rate), max(f.found.High, rate)
			why, own := f.limit()
			f.found.Reason = why
			if own { // the target may carry more
				r.Verdict, r.Reason = load.Invalid, fmt.Sprintf("the target sustains %s, and more could not be tried: %s", perSecond(rate), why)
			}
			return nil
		}
		f.found.Rate = round(rate / stride)
	}
	f.fail(fmt.Sprintf("no rate around those that shorter trials had found is sustained for %v", long))
	return nil
}

// fail ends a search that found nothing.
func (f *search) fail(words string) {
	why, own := f.limit()
	f.found.Rate, f.found.Low, f.found.High = 0, 0, 0
	f.found.Reason = words + ": " + why
	f.last.Verdict, f.last.Reason = load.Missed, f.found.Reason
	if own {
		f.last.Verdict = load.Invalid
	}
}

// limit says why rates not far above the one found are not sustained, in the words of the lowest, and whether it mostly was the
// generator that did not get farther.
func (f *search) limit() (why string, own bool) {
	near := math.Inf(1)
	if f.found.Rate > 0 {
		near = f.found.Rate * narrow * narrow
	}
	lowest := map[load.Verdict]load.Trial{}
	count := map[load.Verdict]int{}
	for _, t := range f.found.Trials {
		if t.Verdict == load.Met || t.Rate > near {
			continue
		}
		count[t.Verdict]++
		if l, ok := lowest[t.Verdict]; !ok || t.Rate <= l.Rate {
			lowest[t.Verdict] = t
		}
	}
	own = count[load.Invalid] > count[load.Missed]
	if own {
		return lowest[load.Invalid].Reason, true
	}
	return lowest[load.Missed].Reason, false
}

// sustains measures whether a rate is sustained.
func (f *search) sustains(ctx context.Context, rate float64, span time.Duration) (bool, error) {
	m, r, err := f.try(ctx, rate, span, f.options, fmt.Sprintf("trial %d: %s", len(f.found.Trials)+1, perSecond(rate)))
	if err != nil {
		return false, err
	}
	ok, own, why := sustained(m, r)
	f.note(r, rate, ok, own, why)
	return ok, nil
}

// try measures at a rate.
func (f *search) try(ctx context.Context, rate float64, span time.Duration, o Options, name string) (*measurement, *load.Result, error) {
	if f.trial != "" {
		name = f.trial + ", " + name
	}
	// What is said of a rate must not depend on how long it takes to see that it is far too high.
	stop := f.scenario.Stop.InFlight
	worth := tooLong
	for _, slo := range f.scenario.SLO {
		if b, ok := slo.Bound(); ok {
			worth = max(worth, 2*b)
		}
	}
	if most := uint64(rate*worth.Seconds()) + 100; stop == 0 || most < stop {
		stop = most
	}
	at, err := f.scenario.With(fmt.Sprintf("arrival.rate=%s", strconv.FormatFloat(rate, 'f', -1, 64)), fmt.Sprintf("duration=%v", span), fmt.Sprintf("stop.inFlight=%d", stop))
	if err != nil {
		return nil, nil, err
	}
	m, err := f.measure(ctx, at, o, name)
	if err != nil {
		if m != nil {
			f.last = m.result(o)
		}
		return nil, nil, err
	}
	r := m.result(o)
	if m.interrupted {
		f.last = r
		return nil, nil, context.Cause(ctx)
	}
	return m, r, nil
}

// note keeps a trial.
func (f *search) note(r *load.Result, rate float64, ok, own bool, why string) {
	t := r.Trial()
	t.Rate, t.Verdict, t.Reason = rate, load.Met, ""
	if !ok {
		if t.Verdict, t.Reason = load.Missed, why; own {
			t.Verdict = load.Invalid
		}
	}
	f.found.Trials = append(f.found.Trials, t)
	f.last = r
}

// sustained tells whether a rate was, why not, and whether that is the generator's own fault.
func sustained(m *measurement, r *load.Result) (ok, own bool, why string) {
	e := r.Events
	rate := r.Generator.Asked
	switch {
	case m.sendings.callers >= maxCallers:
		return false, false, fmt.Sprintf("%d requests waited for an answer", maxCallers)
	case m.halted != "":
		return false, false, m.halted
	case r.Generator.Bottleneck != "":
		return false, true, r.Generator.Bottleneck
	}
	if bad := e.Refused + e.Throttled + e.ServerErrors + e.Unknown + e.Unanswered; bad > 0 {
		return false, false, fmt.Sprintf("%d requests were refused or failed", bad)
	}
	if e.Lost > 0 || e.Duplicated > 0 {
		return false, false, fmt.Sprintf("%d events lost, %d duplicated", e.Lost, e.Duplicated)
	}
	for _, o := range r.Objectives {
		if !o.Met {
			return false, false, fmt.Sprintf("%s (%s)", o.Text, o.Value)
		}
	}
	perSecond, deviation := slope(m.window())
	if surely := perSecond - confidence*deviation; surely > growth*rate && surely*r.Run.Duration > noGrowth {
		return false, false, fmt.Sprintf("the backlog grew by %.3g events per second", perSecond)
	}
	return true, false, ""
}

// interval95 is the 95 % confidence interval of the mean of the walks' ends. Their grid of steps hides smaller differences, and
// so its own error is in it.
func interval95(estimates []float64) (low, high float64) {
	n := float64(len(estimates))
	mean, squares := 0.0, 0.0
	for _, e := range estimates {
		mean += e / n
	}
	for _, e := range estimates {
		squares += (e - mean) * (e - mean)
	}
	grid := mean * (stride - 1) / math.Sqrt(12)
	half := student * math.Sqrt((squares/(n-1)+grid*grid)/n)
	return mean - half, mean + half
}

// round gives a rate four digits.
func round(rate float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(rate, 'g', 4, 64), 64)
	if err != nil {
		return rate
	}
	return rounded
}
