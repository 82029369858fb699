package loadgen

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/loadgen/scenario"
)

// schedule says when each event is due. It is asked by one goroutine, for one event after the other.
type schedule interface {
	// due is when event n is due, from the beginning of the run; false if there is no such event.
	due(n uint64) (time.Duration, bool)
	// String is the schedule in words.
	String() string
}

// newSchedule is the schedule of a scenario, until warm-up and duration are over. Before the shape begins, the warm-up has the
// rate with which it begins.
func newSchedule(s *scenario.Scenario) (schedule, error) {
	a := s.Arrival
	var shape schedule
	first := a.Rate
	switch a.Shape {
	case scenario.Constant:
		return until{constant{a.Rate}, s.WarmUp + s.Duration}, nil
	case scenario.Poisson:
		return until{newPoisson(a.Rate, s.Seed), s.WarmUp + s.Duration}, nil
	case scenario.Ramp:
		shape, first = ramp{a.From, a.Rate, s.Duration}, a.From
	case scenario.Sine:
		shape = sine{a.Rate, float64(a.Amplitude), a.Period}
	case scenario.Steps:
		shape, first = newSteps(a.Rate, a.Steps), a.Rate*a.Steps[0].Times
	case scenario.Replay:
		return newReplay(s)
	default:
		return nil, fmt.Errorf("arrival.shape %q is not known", a.Shape)
	}
	return until{after{constant{first}, s.WarmUp, shape}, s.WarmUp + s.Duration}, nil
}

// until ends a schedule.
type until struct {
	schedule
	end time.Duration
}

func (u until) due(n uint64) (time.Duration, bool) {
	t, ok := u.schedule.due(n)
	return t, ok && t < u.end
}

// after is a constant rate for a time, and then something else.
type after struct {
	before constant
	wait   time.Duration
	then   schedule
}

func (a after) due(n uint64) (time.Duration, bool) {
	early := uint64(math.Ceil(a.before.rate*a.wait.Seconds() - 1e-9))
	if n < early {
		return a.before.due(n)
	}
	t, ok := a.then.due(n - early)
	return a.wait + t, ok
}

func (a after) String() string { return a.then.String() }

// seconds is a duration; what no duration can hold is the longest.
func seconds(s float64) time.Duration {
	if ns := s * 1e9; ns < math.MaxInt64/2 {
		return time.Duration(ns)
	}
	return math.MaxInt64 / 2
}

func perSecond(rate float64) string { return strconv.FormatFloat(rate, 'f', -1, 64) + "/s" }

// constant spaces events evenly, the first at 0.
type constant struct{ rate float64 }

func (c constant) due(n uint64) (time.Duration, bool) {
	return seconds(float64(n) / c.rate), c.rate > 0
}

func (c constant) String() string { return "constant " + perSecond(c.rate) }

// ramp goes from one rate to another in a time.
type ramp struct {
	from, to float64
	over     time.Duration
}

// due solves from·t + (to-from)/(2·over)·t² = n.
func (r ramp) due(n uint64) (time.Duration, bool) {
	a := (r.to - r.from) / (2 * r.over.Seconds())
	d := r.from*r.from + 4*a*float64(n)
	if d < 0 {
		return 0, false // it has come to 0 before
	}
	if math.Abs(a) < 1e-12 {
		return constant{r.from}.due(n)
	}
	if n == 0 {
		return 0, true
	}
	return seconds(2 * float64(n) / (r.from + math.Sqrt(d))), true
}

func (r ramp) String() string { return "ramp " + perSecond(r.from) + " to " + perSecond(r.to) }

// sine goes up and down around the rate, beginning at the rate, upwards.
type sine struct {
	rate, amplitude float64
	period          time.Duration
}

// hits is how many events are due until t seconds.
func (s sine) hits(t float64) float64 {
	p := s.period.Seconds()
	return s.rate * (t + s.amplitude*p/(2*math.Pi)*(1-math.Cos(2*math.Pi*t/p)))
}

func (s sine) due(n uint64) (time.Duration, bool) {
	// hits grows, and is never farther from rate·t than this.
	off := s.amplitude * s.period.Seconds() / math.Pi
	low, high := max(0, float64(n)/s.rate-off-1e-9), float64(n)/s.rate+1e-9
	for range 60 {
		middle := (low + high) / 2
		if s.hits(middle) < float64(n) {
			low = middle
		} else {
			high = middle
		}
	}
	return seconds(high), true
}

func (s sine) String() string {
	return fmt.Sprintf("sine %s ± %.0f %% in %v", perSecond(s.rate), 100*s.amplitude, s.period)
}

// steps hold multiples of a rate in turn.
type steps struct {
	rate   float64
	rates  []float64
	starts []float64 // seconds
	events []float64 // before each step
	period float64
	total  float64 // events in a period
}

func newSteps(rate float64, list []scenario.RateStep) *steps {
	s := &steps{rate: rate}
	for _, step := range list {
		s.rates = append(s.rates, rate*step.Times)
		s.starts, s.events = append(s.starts, s.period), append(s.events, s.total)
		s.period += step.For.Seconds()
		s.total += rate * step.Times * step.For.Seconds()
	}
	return s
}

func (s *steps) due(n uint64) (time.Duration, bool) {
	period := math.Floor(float64(n)/s.total + 1e-12)
	rest := max(0, float64(n)-period*s.total)
	i := len(s.events) - 1
	for i > 0 && (s.events[i] > rest+1e-9 || s.rates[i] == 0) {
		i--
	}
	if s.rates[i] == 0 { // the first step that has events
		i = slices.IndexFunc(s.rates, func(r float64) bool { return r > 0 })
	}
	return seconds(period*s.period + s.starts[i] + (rest-s.events[i])/s.rates[i]), true
}

func (s *steps) String() string {
	text := "steps"
	for _, r := range s.rates {
		text += " " + perSecond(r)
	}
	return text
}

// poisson has independent arrivals. It draws one after the other.
type poisson struct {
	rate float64
	seed uint64
	rng  *rand.Rand
	next uint64 // the event after the one at
	at   float64
}

func newPoisson(rate float64, seed uint64) *poisson {
	return &poisson{rate: rate, seed: seed, rng: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))}
}

func (p *poisson) due(n uint64) (time.Duration, bool) {
	if n+1 < p.next {
		*p = *newPoisson(p.rate, p.seed)
	}
	for ; p.next <= n; p.next++ {
		p.at += p.rng.ExpFloat64() / p.rate
	}
	return seconds(p.at), true
}

func (p *poisson) String() string { return "poisson " + perSecond(p.rate) }

// replay sends when a recorded history sent.
type replay struct {
	times []time.Duration
	speed float64
}

func newReplay(s *scenario.Scenario) (schedule, error) {
	name := s.Beside(s.Arrival.History)
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("arrival.history: %w", err)
	}
	defer f.Close()
	_, ops, err := history.Read(s.Arrival.History, f)
	if err != nil {
		return nil, fmt.Errorf("arrival.history: %w", err)
	}
	r := &replay{speed: s.Arrival.Speed}
	for op, err := range ops {
		if err != nil {
			return nil, fmt.Errorf("arrival.history: %w", err)
		}
		if op.Kind == history.Sent && op.Role == history.Stimulus && op.Event != nil {
			r.times = append(r.times, op.T)
		}
	}
	if len(r.times) == 0 {
		return nil, fmt.Errorf("arrival.history: %s: no event was sent in it", s.Arrival.History)
	}
	slices.Sort(r.times)
	first := r.times[0]
	for i := range r.times {
		r.times[i] = time.Duration(float64(r.times[i]-first) / r.speed)
	}
	return until{r, s.Duration}, nil
}

func (r *replay) due(n uint64) (time.Duration, bool) {
	if n >= uint64(len(r.times)) {
		return 0, false
	}
	return r.times[n], true
}

func (r *replay) String() string {
	text := fmt.Sprintf("replay of %d events", len(r.times))
	if r.speed != 1 {
		text += fmt.Sprintf(", %g times as fast", r.speed)
	}
	return text
}
