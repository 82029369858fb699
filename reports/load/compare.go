package load

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/perf/benchmath"

	"github.com/sequitur-dev/sequitur/reports/terminal"
)

// enough is the number of repeats from which a median has a 95 % confidence interval (benchmath's rule).
const enough = 6

// Comparison is what Compare found.
type Comparison struct {
	a, b      side
	threshold float64
	rows      []difference
	notes     []string
}

// side is one of the two that are compared.
type side struct {
	about   string
	results []*Result
	// trials are the samples: the repeats of each result, or itself if it has none. For a sweep there are some for each
	// point, under the point's name; else the name is empty.
	trials map[string][]Trial
	names  []string // of trials, in order
	found  []float64
}

// difference is one row of the comparison.
type difference struct {
	name    string
	a, b    string // as shown
	ratio   string // of b to a
	p       string
	outcome outcome
	words   string
}

type outcome int

const (
	same outcome = iota
	better
	worse     // surely, but by no more than the threshold
	uncertain // too few samples, or too much noise, to tell whether it is beyond the threshold
	regressed
)

// Compare compares the repeated runs a and b. A metric regressed if b's is worse than a's by more than threshold (0.05 is
// 5 %), and that with 95 % confidence: the interval of the ratio lies beyond the threshold, and a Mann-Whitney U test sees
// a difference. It is inconclusive if that interval reaches beyond the threshold and is not all there. The k-th sample of a is set against the k-th of b, so that runs made in turn (a, b, a, b) cancel what the
// machine did meanwhile. Events lost or duplicated are a regression by their mere number, without statistics, and so are
// errors and reordering where there were none. Samples are the Repeats of a result, or the result itself; invalid and
// interrupted ones are left out. Results of different scenarios, and a side without a sample, are errors.
func Compare(a, b []*Result, threshold float64) (*Comparison, error) {
	if !(threshold >= 0) || math.IsInf(threshold, 1) {
		return nil, fmt.Errorf("compare: the threshold %v is no share: expected 0.05 for 5 %%", threshold)
	}
	c := &Comparison{threshold: threshold}
	var err error
	if c.a, err = c.sideOf("A", a); err != nil {
		return nil, err
	}
	if c.b, err = c.sideOf("B", b); err != nil {
		return nil, err
	}
	if x, y := a[0].Scenario.Name, b[0].Scenario.Name; x != y {
		return nil, fmt.Errorf("compare: A is about the scenario %q, B about %q: only runs of one scenario can be compared", x, y)
	}
	c.unlike(a[0], b[0])
	if len(c.a.found) > 0 && len(c.b.found) > 0 {
		c.metric("sustained rate", c.a.found, c.b.found, rate, true)
	}
	var common bool
	for _, name := range c.a.names {
		if x, y := c.a.trials[name], c.b.trials[name]; len(y) > 0 {
			common = true
			c.trials(name, x, y)
		}
	}
	if !common {
		return nil, errors.New("compare: A and B have no value of their sweeps in common")
	}
	return c, nil
}

func (c *Comparison) sideOf(letter string, results []*Result) (side, error) {
	s := side{results: results, trials: map[string][]Trial{}}
	if len(results) == 0 {
		return s, fmt.Errorf("compare: %s has no result", letter)
	}
	left := map[Verdict]int{}
	add := func(name string, t Trial) {
		if t.Verdict == Invalid || t.Verdict == Interrupted {
			left[t.Verdict]++
			return
		}
		if s.trials[name] == nil {
			s.names = append(s.names, name)
		}
		s.trials[name] = append(s.trials[name], t)
	}
	for _, r := range results {
		if r.Scenario.Name != results[0].Scenario.Name {
			return s, fmt.Errorf("compare: %s has results of the scenarios %q and %q: only runs of one scenario can be compared",
				letter, results[0].Scenario.Name, r.Scenario.Name)
		}
		switch {
		case len(r.Repeats) > 0:
			for _, t := range r.Repeats {
				add("", t)
			}
		case r.Sweep != nil:
			for _, point := range r.Sweep.Points {
				add(r.Sweep.Path+"="+point.Value, point.Trial)
			}
		default:
			add("", r.Trial())
		}
		if r.Search != nil && r.Search.Rate > 0 {
			s.found = append(s.found, r.Search.Rate)
		}
	}
	for _, v := range []Verdict{Invalid, Interrupted} {
		if n := left[v]; n > 0 {
			c.notes = append(c.notes, fmt.Sprintf("%s: %d of its runs are left out, as they are %s", letter, n, v))
		}
	}
	if len(s.names) == 0 {
		return s, fmt.Errorf("compare: %s has no valid run", letter)
	}
	first := results[0]
	s.about = strings.Join(slices.DeleteFunc([]string{
		terminal.OneLine(first.Scenario.Name), terminal.OneLine(first.Target.Name + " " + first.Target.Version), terminal.OneLine(first.Run.Driver),
		terminal.OneLine(first.Run.Schedule), first.Run.Started.UTC().Format("2006-01-02 15:04"),
	}, func(s string) bool { return s == "" }), " · ")
	return s, nil
}

// unlike notes what makes two sides hard to compare.
func (c *Comparison) unlike(a, b *Result) {
	for _, x := range []struct{ what, a, b string }{
		{"drivers", a.Run.Driver, b.Run.Driver},
		{"schedules", a.Run.Schedule, b.Run.Schedule},
		{"settings", settings(a), settings(b)},
		{"CPUs", fmt.Sprintf("%d × %s", a.Machine.Cores, a.Machine.CPU), fmt.Sprintf("%d × %s", b.Machine.Cores, b.Machine.CPU)},
	} {
		if x.a != x.b {
			c.notes = append(c.notes, fmt.Sprintf("the %s differ: %q in A, %q in B", x.what, terminal.OneLine(x.a), terminal.OneLine(x.b)))
		}
	}
	const noisyAbove = 0.15
	for _, s := range []struct {
		letter  string
		results []*Result
	}{{"A", c.a.results}, {"B", c.b.results}} {
		noisy := 0
		for _, r := range s.results {
			if r.Machine.OtherCPU > noisyAbove {
				noisy++
			}
		}
		if noisy > 0 {
			c.notes = append(c.notes, fmt.Sprintf("%s: others took more than 15 %% of the machine's CPU in %d of %d results", s.letter, noisy, len(s.results)))
		}
	}
}

func settings(r *Result) string {
	var all []string
	for path, value := range r.Scenario.Set {
		all = append(all, path+"="+value)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// trials compares the samples of one load.
func (c *Comparison) trials(name string, a, b []Trial) {
	if name != "" {
		name = terminal.OneLine(name) + " "
	}
	of := func(trials []Trial, value func(Trial) float64) []float64 {
		var values []float64
		for _, t := range trials {
			values = append(values, value(t))
		}
		return values
	}
	for _, m := range []struct {
		name   string
		value  func(Trial) float64
		tell   func(float64) string
		higher bool // is better
	}{
		{"throughput", func(t Trial) float64 { return t.Delivered }, rate, true},
		{"p50", func(t Trial) float64 { return t.P50 }, seconds, false},
		{"p99", func(t Trial) float64 { return t.P99 }, seconds, false},
	} {
		x, y := of(a, m.value), of(b, m.value)
		if slices.Min(x) > 0 && slices.Min(y) > 0 { // 0 is unknown
			c.metric(name+m.name, x, y, m.tell, m.higher)
			continue
		}
		// A throughput of nothing is none that a ratio could tell.
		if m.higher && slices.Max(x) > 0 {
			c.add(difference{name: name + m.name, a: m.tell(median(x)), b: m.tell(median(y)), outcome: regressed, words: "nothing was delivered in some run"})
		}
	}
	for _, m := range []struct {
		name   string
		value  func(Trial) float64
		strict bool // any more is a regression
	}{
		{"lost", func(t Trial) float64 { return float64(t.Lost) }, true},
		{"duplicated", func(t Trial) float64 { return float64(t.Duplicated) }, true},
		{"reordered", func(t Trial) float64 { return float64(t.Reordered) }, false},
		{"errors", func(t Trial) float64 { return float64(t.Errors) }, false},
	} {
		c.counts(name+m.name, of(a, m.value), of(b, m.value), m.strict)
	}
}

// metric compares two samples of positive values.
func (c *Comparison) metric(name string, a, b []float64, tell func(float64) string, higher bool) {
	summary := func(values []float64) benchmath.Summary {
		return benchmath.AssumeNothing.Summary(benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds), 0.95)
	}
	show := func(values []float64) string {
		s := summary(values)
		if len(values) < enough {
			return tell(s.Center)
		}
		return fmt.Sprintf("%s ± %s", tell(s.Center), percent(math.Max(s.Hi-s.Center, s.Center-s.Lo)/s.Center))
	}
	var ratios []float64
	for i := range min(len(a), len(b)) {
		ratios = append(ratios, b[i]/a[i])
	}
	r := summary(ratios)
	p := c.p(a, b)
	d := difference{name: name, a: show(a), b: show(b), ratio: fmt.Sprintf("%.3f", r.Center), p: fmt.Sprintf("%.3f", p)}
	certain := len(ratios) >= enough
	if certain {
		d.ratio += fmt.Sprintf(" (%.3f to %.3f)", r.Lo, r.Hi)
	}
	// From here on, more is worse.
	loss, least, most := r.Center-1, r.Lo-1, r.Hi-1
	gain := r.Hi < 1
	if higher {
		loss, least, most = 1-r.Center, 1-r.Hi, 1-r.Lo
		gain = r.Lo > 1
	}
	differs := p < benchmath.DefaultThresholds.CompareAlpha
	beyond := "more than " + percent(c.threshold)
	switch {
	case certain && differs && least > c.threshold:
		d.outcome, d.words = regressed, "worse by "+beyond
	case loss > c.threshold, certain && most > c.threshold:
		d.outcome, d.words = uncertain, "perhaps worse by "+beyond
	case certain && differs && least > 0:
		d.outcome, d.words = worse, "worse, but not by "+beyond
	case certain && differs && gain:
		d.outcome, d.words = better, "better"
	case !certain:
		d.outcome, d.words = uncertain, fmt.Sprintf("too few runs to tell: %d", len(ratios))
	default:
		d.words = "no worse by " + beyond
	}
	c.add(d)
}

// p is the probability that samples of one distribution differ as much as these (Mann-Whitney U).
func (c *Comparison) p(a, b []float64) float64 {
	sample := func(values []float64) *benchmath.Sample {
		return benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
	}
	return benchmath.AssumeNothing.Compare(sample(a), sample(b)).P
}

// counts compares how many events went wrong in a run.
func (c *Comparison) counts(name string, a, b []float64, strict bool) {
	x, y := mean(a), mean(b)
	d := difference{name: name, a: perRun(x), b: perRun(y)}
	switch {
	case y == x:
		d.words = "the same"
	case y < x:
		d.outcome, d.words = better, "fewer"
	case strict, x == 0:
		d.outcome, d.words = regressed, "more"
	case c.p(a, b) < benchmath.DefaultThresholds.CompareAlpha && y > x*(1+c.threshold):
		d.outcome, d.words = regressed, "more, by more than "+percent(c.threshold)
	default:
		d.words = "as many, by chance more or fewer"
	}
	c.add(d)
}

func perRun(mean float64) string {
	if mean == math.Trunc(mean) {
		return number(mean, 0)
	}
	return number(mean, 2) + " a run"
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func (c *Comparison) add(d difference) { c.rows = append(c.rows, d) }

// Regressed tells whether any metric did.
func (c *Comparison) Regressed() bool { return c.any(regressed) }

// Conclusive tells whether enough was measured to say of every metric whether it regressed.
func (c *Comparison) Conclusive() bool { return !c.any(uncertain) }

func (c *Comparison) any(o outcome) bool {
	return slices.ContainsFunc(c.rows, func(d difference) bool { return d.outcome == o })
}

// WriteText writes the comparison as a table.
func (c *Comparison) WriteText(w io.Writer) error {
	p := newPrinter(false, 120)
	for _, s := range []struct {
		letter string
		side
	}{{"A", c.a}, {"B", c.b}} {
		runs := 0
		for _, name := range s.names {
			runs = max(runs, len(s.trials[name]))
		}
		p.line(s.letter, "  ", s.about, " · ", plural(runs, "run"))
	}
	p.line()
	var rows [][]cell
	width := 0
	for _, d := range c.rows {
		width = max(width, utf8.RuneCountInString(d.words))
	}
	for _, d := range c.rows {
		mark := map[outcome]string{same: "=", better: "✓", worse: "~", uncertain: "?", regressed: "✗"}[d.outcome]
		rows = append(rows, []cell{{text: mark + " " + d.name}, {text: d.a}, {text: d.b}, {text: cmp.Or(d.ratio, "–")}, {text: cmp.Or(d.p, "–")}, {text: terminal.Fit(d.words, width)}})
	}
	p.table([]string{"", "A", "B", "B / A (95 % interval)", "p", ""}, rows, 1)
	if c.few() {
		p.line()
		p.line(fmt.Sprintf("A 95 %% confidence interval needs at least %d runs of each; with fewer, only counts are judged.", enough))
	}
	for i, note := range c.notes {
		if i == 0 {
			p.line()
		}
		p.line("note: ", note)
	}
	names := func(o outcome) string {
		var all []string
		for _, d := range c.rows {
			if d.outcome == o {
				all = append(all, d.name)
			}
		}
		return strings.Join(all, ", ")
	}
	p.line()
	switch {
	case c.Regressed():
		p.line("✗ regression: ", names(regressed))
	case !c.Conclusive():
		p.line("? inconclusive: ", names(uncertain))
	default:
		p.line("✓ no regression beyond ", percent(c.threshold))
	}
	return p.flush(w, "write comparison")
}

func (c *Comparison) few() bool {
	for _, name := range c.a.names {
		if y := c.b.trials[name]; len(y) > 0 && min(len(c.a.trials[name]), len(y)) < enough {
			return true
		}
	}
	return false
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
