package loadgen

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sequitur-dev/sequitur/loadgen/account"
	"github.com/sequitur-dev/sequitur/loadgen/scenario"
	"github.com/sequitur-dev/sequitur/reports/load"
)

// What makes a measurement invalid (the rule of lateness, and what k6's guide asks of a generator's CPU).
const (
	achievedAtLeast = 0.99 // of the events that were due
	latenessAtMost  = 0.10 // p99, as a share of what an objective allows e2e
	latenessAnyway  = 100 * time.Millisecond
	cpuAtMost       = 0.80 // of the machine, if the target is not in the process
	noisyAbove      = 0.15 // of the machine's CPU went elsewhere
)

// result is the report of a measurement.
func (m *measurement) result(o Options) *load.Result {
	s := m.scenario
	cells := m.window()
	measured := time.Duration(len(cells)) * m.config.Interval
	r := &load.Result{
		Tool:     o.Tool,
		Scenario: load.Scenario{Name: s.Name, Description: s.About},
		Target:   load.Target{Name: m.about.Name, Driver: m.about.Driver, Version: m.about.Version},
		Run: load.Run{
			Started: m.started, Driver: strings.ReplaceAll(s.Driver.String(), "=", " "), Schedule: m.schedule, Seed: int64(s.Seed),
			WarmUp: s.WarmUp.Seconds(), Duration: max(0, m.sent-s.WarmUp).Seconds(), Drain: m.drained.Seconds(), Workers: m.workers,
			ClockBound: m.clocks.Seconds(), Interrupted: m.interrupted || m.fatal != nil,
		},
		Machine:  machine(m.elsewhere()),
		Delivery: load.Of(m.judged.Delivery, true),
		Ack:      load.Of(m.judged.Ack, true),
		Notes:    m.notes,
	}
	r.Scenario.Set = sets(s)
	m.events(r)
	m.receivers(r)
	for i, w := range []account.Waterfall{m.judged.Typical, m.judged.Slowest} {
		if w.Events > 0 {
			r.Waterfall = append(r.Waterfall, waterfall([]string{"typical", "slowest 1 %"}[i], w))
		}
	}
	for _, c := range m.judged.Series {
		if len(m.sendings.missing) > 0 && c.Start+m.config.Interval > m.sent {
			break // what is missing would be taken for less load
		}
		r.Series = append(r.Series, load.Interval{
			Start: c.Start.Seconds(), Seconds: m.config.Interval.Seconds(), Offered: c.Offered, Sent: c.Sent, Acked: c.Acked, Errors: c.Errors,
			Delivered: c.Delivered, DeadLettered: c.DeadLettered, InFlight: c.InFlight, P50: c.P50.Seconds(), P99: c.P99.Seconds(),
		})
	}
	r.Rates = rates(cells, measured)
	m.generator(r, cells, measured)
	m.objectives(r)
	m.remark(r)
	m.verdict(r)
	return r
}

// sets are what a scenario was changed by.
func sets(s *scenario.Scenario) map[string]string {
	all := map[string]string{}
	for _, set := range s.Sets() {
		if path, value, err := scenario.SplitSet(set); err == nil && path != "sweep" {
			all[path] = value
		}
	}
	return all
}

// window are the whole intervals of the measurement: after the warm-up, and before sending ended.
func (m *measurement) window() []account.Interval {
	w := m.config.Interval
	first := int((m.scenario.WarmUp + w - 1) / w)
	last := min(int(m.sent/w), len(m.judged.Series))
	if m.sent >= m.scenario.WarmUp+m.scenario.Duration {
		// Intervals at the end in which nothing happened are not listed.
		for int(m.sent/w) > len(m.judged.Series) {
			m.judged.Series = append(m.judged.Series, account.Interval{Start: time.Duration(len(m.judged.Series)) * w})
		}
		last = int(m.sent / w)
	}
	if first >= last {
		return nil
	}
	return m.judged.Series[first:last]
}

func rates(cells []account.Interval, measured time.Duration) load.Rates {
	var r load.Rates
	if len(cells) == 0 {
		return r
	}
	for _, c := range cells {
		r.Offered += float64(c.Offered)
		r.Acked += float64(c.Acked)
		r.Delivered += float64(c.Delivered)
	}
	r.Offered, r.Acked, r.Delivered = r.Offered/measured.Seconds(), r.Acked/measured.Seconds(), r.Delivered/measured.Seconds()
	r.BacklogSlope, _ = slope(cells)
	return r
}

// slope is the growth of the events in flight per second, by linear regression, and its standard error.
func slope(cells []account.Interval) (perSecond, deviation float64) {
	n := float64(len(cells))
	if n < 3 {
		return 0, 0
	}
	width := (cells[1].Start - cells[0].Start).Seconds()
	var x, y float64
	for i, c := range cells {
		x, y = x+float64(i)*width/n, y+float64(c.InFlight)/n
	}
	var xx, xy float64
	for i, c := range cells {
		d := float64(i)*width - x
		xx, xy = xx+d*d, xy+d*(float64(c.InFlight)-y)
	}
	perSecond = xy / xx
	var rest float64
	for i, c := range cells {
		e := float64(c.InFlight) - y - perSecond*(float64(i)*width-x)
		rest += e * e
	}
	return perSecond, math.Sqrt(rest / (n - 2) / xx)
}

// cores is the CPU time that the machine had in the measurement; 0 if that was too short to set against what others took, who tell it
// to a tenth of a second.
func (m *measurement) cores() time.Duration {
	span := m.after.at.Sub(m.before.at)
	if m.sendings.cpu > 0 && span < 10*liveEvery {
		return 0
	}
	return span * time.Duration(numCPU)
}

// elsewhere is the share of the machine's CPU time that went to neither the generator nor the target.
func (m *measurement) elsewhere() float64 {
	all := m.cores()
	if all <= 0 || m.before.machine < 0 || m.before.own < 0 || m.after.machine < 0 {
		return -1
	}
	other := m.after.machine - m.before.machine - (m.after.own - m.before.own) - m.sendings.cpu
	return min(1, max(0, float64(other)/float64(all)))
}

func (m *measurement) generator(r *load.Result, cells []account.Interval, measured time.Duration) {
	g := &r.Generator
	g.Asked = r.Rates.Offered
	g.Lateness = load.Of(m.judged.Lateness, true)
	g.CPU, g.Peak = -1, peakMemory()
	if all := m.cores(); all > 0 && m.before.own >= 0 {
		g.CPU = float64(m.after.own-m.before.own+m.sendings.cpu) / float64(all)
	}
	sent := uint64(0)
	for _, c := range cells {
		sent += c.Sent
	}
	if measured > 0 {
		g.Achieved = float64(sent) / measured.Seconds()
	}
	if m.scenario.Driver.Kind != scenario.Open {
		g.Asked = g.Achieved // whatever comes is the plan
	}
	g.Bottleneck = m.bottleneck(g)
}

// bottleneck says why the generator was what limited the run; empty if it was not.
func (m *measurement) bottleneck(g *load.Generator) string {
	if m.scenario.Driver.Kind != scenario.Open {
		return ""
	}
	const remedy = "; give it more cores, a lower rate, or --workers"
	if m.sendings.callers >= maxCallers {
		return fmt.Sprintf("all of its %d callers waited for an answer, so that what came next had to wait, too: the target is far beyond what it can answer", maxCallers)
	}
	// At low rates an event more or less at the edge is no sign.
	if missing := g.Asked - g.Achieved; g.Achieved < achievedAtLeast*g.Asked && missing*max(0, m.sent-m.scenario.WarmUp).Seconds() > 3 {
		return fmt.Sprintf("it began %.1f of %.1f events per second that were due (%.1f %%)%s", g.Achieved, g.Asked, 100*g.Achieved/g.Asked, remedy)
	}
	bound, why := latenessAnyway, "more than 100 ms"
	for _, o := range m.scenario.SLO {
		if b, ok := o.Bound(); ok {
			if share := time.Duration(latenessAtMost * float64(b)); share < bound {
				bound, why = share, fmt.Sprintf("more than a tenth of what %q allows", o.Text)
			}
		}
	}
	if late := time.Duration(g.Lateness.P99 * 1e9); late > bound {
		return fmt.Sprintf("it began events %s late (p99), %s%s", duration(late), why, remedy)
	}
	if !m.inProcess() && g.CPU > cpuAtMost {
		return fmt.Sprintf("it took %.0f %% of the machine's CPU, more than %.0f %%%s", 100*g.CPU, 100*cpuAtMost, remedy)
	}
	return ""
}

// inProcess tells whether the target shares the generator's process.
func (m *measurement) inProcess() bool { return m.about.Driver == "embedded" }

func (m *measurement) events(r *load.Result) {
	e := m.judged.Events
	r.Events = load.Events{
		Sent: e.Sent, Acked: e.Acked, Refused: e.Refused, Throttled: e.Throttled, ServerErrors: e.ServerErrors, Unknown: e.Unknown,
		Unanswered: e.Unanswered, Delivered: e.Delivered, DeadLettered: e.DeadLettered, Lost: e.Lost, Undirected: e.Undirected,
		Recovered: e.Recovered, Vanished: e.Vanished, RefusedDelivered: e.RefusedDelivered, Duplicated: e.Duplicated,
		WrongFanOut: e.WrongFanOut, NeverSent: e.NeverSent, Reordered: e.Reordered,
	}
	if m.hasty() {
		// What had no time to arrive is not lost, and did not go astray either.
		r.Events.UnderWay, r.Events.Lost = e.Lost, 0
		astray := uint64(0)
		for _, at := range m.judged.Receivers {
			astray += at.Unexpected.Count
		}
		r.Events.WrongFanOut = min(e.WrongFanOut, astray)
	}
}

// hasty tells whether what was sent had no time to arrive, or nobody to bring it.
func (m *measurement) hasty() bool { return m.interrupted || m.lost }

func (m *measurement) receivers(r *load.Result) {
	for _, at := range m.judged.Receivers {
		out := load.Receiver{
			Name: at.Name, Kind: string(at.Kind), Receipts: at.Receipts, Accepted: at.Accepted, Strays: at.Strays, Delivered: at.Delivered,
			Duplicates: at.Duplicates, Lost: listing(at.Lost), Duplicated: listing(at.Duplicated), Unexpected: listing(at.Unexpected),
			NeverSent: listing(at.NeverSent), Attempts: trimmed(at.Attempts), Failed: trimmed(at.Failed), Order: load.Order(at.Order),
			Delivery: load.Of(at.Delivery, false), Transit: load.Of(at.Transit, false), Service: load.Of(at.Service, false),
		}
		if m.hasty() {
			out.Lost = nil
		}
		r.Receivers = append(r.Receivers, out)
	}
}

// trimmed leaves out zeros at the end.
func trimmed(counts []uint64) []uint64 {
	for len(counts) > 0 && counts[len(counts)-1] == 0 {
		counts = counts[:len(counts)-1]
	}
	return counts
}

func listing(l account.Listing) *load.Listing {
	if l.Count == 0 {
		return nil
	}
	out := &load.Listing{Count: l.Count, More: l.More}
	for _, r := range l.Ranges {
		out.Ranges = append(out.Ranges, load.Range(r))
	}
	return out
}

func waterfall(name string, w account.Waterfall) load.Waterfall {
	out := load.Waterfall{Name: name, From: w.From, To: w.To, Events: w.Events, Mean: w.Mean.Seconds()}
	for _, p := range w.Parts {
		out.Parts = append(out.Parts, load.Part{Name: p.Name, Mean: p.Mean.Seconds(), Service: p.Service})
	}
	return out
}

// objectives judges what the scenario wants, unless that is not what was made.
func (m *measurement) objectives(r *load.Result) {
	if m.fatal != nil || len(m.sendings.missing) > 0 {
		if len(m.scenario.SLO) > 0 {
			r.Notes = append(r.Notes, "the objectives are not judged, as the load was not the one that was asked for")
		}
		return
	}
	for _, o := range m.scenario.SLO {
		out := o.Judge(m.metrics(r))
		value := quantity(out.Seen, out.Time)
		if out.Unknown != "" {
			value = "no " + out.Unknown
		}
		r.Objectives = append(r.Objectives, load.Objective{Text: o.Text, Value: value, Met: out.Met})
	}
}

func quantity(v float64, isTime bool) string {
	switch {
	case isTime:
		return duration(time.Duration(v))
	case v == math.Trunc(v) && math.Abs(v) < 1e15:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 5, 64)
}

// duration is a time with three digits and a unit.
func duration(d time.Duration) string {
	for _, u := range [...]struct {
		of   time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		if d >= u.of || d <= -u.of {
			return strconv.FormatFloat(float64(d)/float64(u.of), 'g', 3, 64) + " " + u.name
		}
	}
	return strconv.FormatInt(int64(d), 10) + " ns"
}

// metrics are what objectives speak of (see scenario.Metrics).
func (m *measurement) metrics(r *load.Result) scenario.Metrics {
	e := r.Events
	errors := e.Refused + e.Throttled + e.ServerErrors + e.Unknown
	counts := map[string]float64{
		"sent": float64(e.Sent), "acked": float64(e.Acked), "refused": float64(e.Refused), "throttled": float64(e.Throttled),
		"errors": float64(errors), "unknown": float64(e.Unknown), "delivered": float64(e.Delivered), "dead-lettered": float64(e.DeadLettered),
		"lost": float64(e.Lost), "undirected": float64(e.Undirected), "duplicated": float64(e.Duplicated), "reordered": float64(e.Reordered),
		"unexpected": float64(e.WrongFanOut + e.NeverSent),
		"offered":    r.Generator.Asked, "achieved": r.Generator.Achieved, "throughput": r.Rates.Delivered, "backlog": r.Rates.BacklogSlope,
	}
	return func(name string) (float64, bool) {
		if v, ok := counts[name]; ok {
			return v, r.Events.Sent > 0 // of nothing that was sent, nothing holds
		}
		i := strings.IndexByte(name, '.')
		family, rest := name[:i], name[i+1:]
		var h *hdrhistogram.PackedHistogram
		switch family {
		case "e2e":
			h = m.judged.Delivery
		case "ack":
			h = m.judged.Ack
		case "lateness":
			h = m.judged.Lateness
		default:
			var who string
			who, rest, _ = strings.Cut(rest, ".")
			h = m.at(who, family == "in")
		}
		q, ok := scenario.Quantile(rest)
		if !ok || h == nil || h.TotalCount() == 0 {
			return 0, false
		}
		micros := 0.0
		switch q {
		case scenario.Mean:
			micros = h.Mean()
		case scenario.Min:
			micros = float64(h.Min())
		case scenario.Max:
			micros = float64(h.Max())
		default:
			micros = float64(h.ValueAtPercentile(q))
		}
		return micros * float64(time.Microsecond), true
	}
}

// at is the histogram of a receiver, or of all of those alike.
func (m *measurement) at(name string, service bool) *hdrhistogram.PackedHistogram {
	var sum *hdrhistogram.PackedHistogram
	for i, r := range rolesOf(m.scenario) {
		if r.Name != name {
			continue
		}
		h := m.judged.Receivers[i].Transit
		if service {
			h = m.judged.Receivers[i].Service
		}
		if sum == nil {
			sum = h.Clone()
		} else {
			sum.Merge(h)
		}
	}
	return sum
}

// unreached is the first step of the arrival that would have begun after the end of the sending, if there is one.
func (m *measurement) unreached() (rate float64, begin time.Duration, is bool) {
	a := m.scenario.Arrival
	if a.Shape != scenario.Steps || m.interrupted || m.fatal != nil {
		return 0, 0, false
	}
	for _, step := range a.Steps {
		if begin >= m.sent {
			return a.Rate * step.Times, begin, true
		}
		begin += step.For
	}
	return 0, 0, false
}

func several(n uint64, one, many string) string {
	if n == 1 {
		many = one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// remark tells what a reader must know.
func (m *measurement) remark(r *load.Result) {
	note := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	words := slices.Sorted(maps.Keys(m.sendings.faults))
	for _, w := range words {
		note("%s answered or ended with: %s", several(m.sendings.faults[w], "request was", "requests were"), w)
	}
	if m.inProcess() {
		note("the target shares this process: the CPU and the memory are those of both, and they take each other's time; `sequitur serve` and --server part them")
	}
	if rate, begin, is := m.unreached(); is {
		note("the step of %s was not reached: it begins after %s", perSecond(rate), duration(begin))
	}
	if other := r.Machine.OtherCPU; other > noisyAbove {
		note("the machine was noisy: %.0f %% of its CPU went to others", 100*other)
	}
	if m.sendings.adrift != "" {
		note("%s", m.sendings.adrift)
	}
	if m.sendings.stuck > 0 {
		note("%d places of the window were held by events that never came, and were given up", m.sendings.stuck)
	}
	if n := m.judged.Untimed; n > 0 {
		note("%d receipts are in no latency: their events had been refused, or came without the extensions that say when they were due", n)
	}
	if r.Run.Duration <= 0 && m.scenario.WarmUp > 0 {
		note("it ended in the warm-up: there are no figures")
	}
}

// verdict says what the run comes to.
func (m *measurement) verdict(r *load.Result) {
	var missed []string
	for _, o := range r.Objectives {
		if !o.Met {
			missed = append(missed, fmt.Sprintf("%s (%s)", o.Text, o.Value))
		}
	}
	switch {
	case m.fatal != nil:
		r.Verdict, r.Reason = load.Invalid, m.fatal.Error()
	case m.interrupted:
		r.Verdict, r.Reason = load.Interrupted, fmt.Sprintf("stopped %s after the warm-up", duration(max(0, m.sent-m.scenario.WarmUp)))
		if m.sent < m.scenario.WarmUp {
			r.Reason = "stopped in the warm-up"
		}
	case r.Generator.Bottleneck != "":
		r.Verdict, r.Reason = load.Invalid, "the generator was the bottleneck: "+r.Generator.Bottleneck
	case r.Events.Sent == 0:
		r.Verdict, r.Reason = load.Invalid, "nothing was sent"
	case len(missed) > 0:
		r.Verdict, r.Reason = load.Missed, strings.Join(missed, "; ")
	case len(r.Objectives) == 0:
		r.Verdict = load.Measured
	default:
		r.Verdict = load.Met
	}
}
