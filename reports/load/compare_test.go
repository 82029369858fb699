package load

import (
	"bytes"
	"io"
	"math"
	"strings"
	"testing"
)

// repeated is a result whose repeats deliver at 1000/s with some p99, spread by ± 1 %.
func repeated(n int, p99 float64, change func(i int, t *Trial)) *Result {
	r := sample()
	r.Verdict, r.Search = Met, nil
	for i := range n {
		spread := 1 + 0.01*math.Sin(float64(i)) // somewhere between -1 % and +1 %
		t := trial(1000*spread, p99*spread, Met, "")
		if change != nil {
			change(i, &t)
		}
		r.Repeats = append(r.Repeats, t)
	}
	return r
}

func compared(t *testing.T, threshold float64, a, b []*Result) *Comparison {
	t.Helper()
	c, err := Compare(a, b, threshold)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCompare(t *testing.T) {
	seven := func(p99 float64, change func(int, *Trial)) []*Result { return []*Result{repeated(7, p99, change)} }
	counts := func(f func(*Trial)) func(int, *Trial) { return func(_ int, t *Trial) { f(t) } }
	one := func(lost uint64) func(int, *Trial) {
		return func(i int, t *Trial) {
			if i == 3 {
				t.Lost = lost
			}
		}
	}
	for _, c := range []struct {
		name                  string
		a, b                  []*Result
		regressed, conclusive bool
		says                  string
	}{
		{"the same", seven(0.01, nil), seven(0.01, nil), false, true, "✓ no regression beyond 5 %"},
		{"slower by 20 %", seven(0.01, nil), seven(0.012, nil), true, true, "✗ regression: p50, p99"},
		{"faster by 20 %", seven(0.012, nil), seven(0.01, nil), false, true, "better"},
		{"slower by 3 %", seven(0.01, nil), seven(0.0103, nil), false, true, "worse, but not by more than 5 %"},
		{"throughput halved", seven(0.01, nil), seven(0.01, counts(func(t *Trial) { t.Delivered /= 2 })), true, true, "✗ regression: throughput"},
		{"throughput doubled", seven(0.01, nil), seven(0.01, counts(func(t *Trial) { t.Delivered *= 2 })), false, true, "✓ throughput"},
		{"nothing delivered", seven(0.01, nil), seven(0.01, counts(func(t *Trial) { t.Delivered = 0 })), true, true, "nothing was delivered"},
		{"one event lost in one run", seven(0.01, nil), seven(0.01, one(1)), true, true, "✗ regression: lost"},
		{"one more lost", seven(0.01, one(1)), seven(0.01, one(2)), true, true, "✗ regression: lost"},
		{"fewer lost", seven(0.01, one(2)), seven(0.01, one(1)), false, true, "fewer"},
		{"errors where none were", seven(0.01, nil), seven(0.01, counts(func(t *Trial) { t.Errors = 1 })), true, true, "✗ regression: errors"},
		{"reordered as by chance", seven(0.01, func(i int, t *Trial) { t.Reordered = uint64(100 + i) }), seven(0.01, func(i int, t *Trial) { t.Reordered = uint64(101 + i) }), false, true, "by chance"},
		{"too few", []*Result{repeated(5, 0.01, nil)}, []*Result{repeated(5, 0.02, nil)}, false, false, "needs at least 6 runs of each"},
		{"too few, and lost", []*Result{repeated(1, 0.01, nil)}, []*Result{repeated(1, 0.01, counts(func(t *Trial) { t.Lost = 1 }))}, true, false, "✗ regression: lost"},
		{"noise beyond the threshold", seven(0.01, nil), seven(0.01, func(i int, t *Trial) { t.P99 *= []float64{0.5, 1.2, 2, 1.3, 0.6, 1.3, 1.4}[i] }), false, false, "? inconclusive: p99"},
		{"noise that hides what is beyond the threshold", seven(0.01, nil), seven(0.01, func(i int, t *Trial) { t.P99 *= []float64{0.4, 1.0, 2, 1.01, 0.6, 0.9, 1.4}[i] }), false, false, "? inconclusive: p99"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := compared(t, 0.05, c.a, c.b)
			text := string(render(t, got, func(w io.Writer, c *Comparison) error { return c.WriteText(w) }))
			if got.Regressed() != c.regressed || got.Conclusive() != c.conclusive || !strings.Contains(text, c.says) {
				t.Errorf("regressed %v, conclusive %v: expected %v, %v, and %q in\n%s", got.Regressed(), got.Conclusive(), c.regressed, c.conclusive, c.says, text)
			}
		})
	}
}

// Separate results are samples as repeats are, and results that are worth nothing are none.
func TestCompareSamples(t *testing.T) {
	var a, b []*Result
	for range 6 {
		x, y := sample(), sample()
		y.Delivery = latencies(1000, 3)
		a, b = append(a, x), append(b, y)
	}
	if c := compared(t, 0.05, a, b); !c.Regressed() {
		t.Error("six results each that differ by half are no regression")
	}
	b[0].Verdict = Invalid
	c := compared(t, 0.05, a, b)
	var text bytes.Buffer
	if err := c.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if want := "B: 1 of its runs are left out, as they are invalid"; c.Conclusive() || !strings.Contains(text.String(), want) {
		t.Errorf("conclusive %v with five valid runs: expected %q in\n%s", c.Conclusive(), want, text.String())
	}
}

func TestCompareSweepsAndSearches(t *testing.T) {
	text := func(a, b *Result) string {
		return string(render(t, compared(t, 0.05, []*Result{a}, []*Result{b}), func(w io.Writer, c *Comparison) error { return c.WriteText(w) }))
	}
	if got := text(swept(), swept()); !strings.Contains(got, "rate=100 p99") || !strings.Contains(got, "rate=4000 lost") {
		t.Errorf("not by value:\n%s", got)
	}
	if got := text(searched(), searched()); !strings.Contains(got, "sustained rate") {
		t.Errorf("no sustained rate:\n%s", got)
	}
	noted := swept()
	noted.Scenario.Set, noted.Machine.CPU = nil, "Acme 4000"
	if got := text(swept(), noted); !strings.Contains(got, "the settings differ") || !strings.Contains(got, "Acme 4000") {
		t.Errorf("what is unlike is not said:\n%s", got)
	}
}

func TestCompareRefuses(t *testing.T) {
	other, invalid, elsewhere := sample(), sample(), swept()
	other.Scenario.Name, invalid.Verdict = "cascade", Invalid
	elsewhere.Sweep.Path = "events.size"
	one := []*Result{sample()}
	for _, c := range []struct {
		name      string
		a, b      []*Result
		threshold float64
		want      string
	}{
		{"nothing", one, nil, 0.05, "B has no result"},
		{"other scenarios", one, []*Result{other}, 0.05, `"cascade"`},
		{"other scenarios within", []*Result{sample(), other}, one, 0.05, "A has results of the scenarios"},
		{"invalid alone", one, []*Result{invalid}, 0.05, "B has no valid run"},
		{"another sweep", []*Result{swept()}, []*Result{elsewhere}, 0.05, "in common"},
		{"negative threshold", one, one, -1, "threshold -1"},
		{"no number", one, one, math.NaN(), "threshold NaN"},
	} {
		if _, err := Compare(c.a, c.b, c.threshold); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v: expected one with %q", c.name, err, c.want)
		}
	}
}

func TestCompareGolden(t *testing.T) {
	b := repeated(7, 0.0125, func(i int, t *Trial) { t.Lost = uint64(i / 6) })
	golden(t, "compare.txt", render(t, compared(t, 0.05, []*Result{repeated(7, 0.01, nil)}, []*Result{b}), func(w io.Writer, c *Comparison) error { return c.WriteText(w) }))
}
