package scenario

import (
	"strings"
	"testing"
)

func TestObjectives(t *testing.T) {
	values := map[string]float64{
		"e2e.p99": 40e6, "e2e.p99.9": 60e6, "in.first.mean": 2e6, "lost": 0, "reordered": 3, "throughput": 990, "offered": 1000, "sent": 10000,
		"dead-lettered": 12,
	}
	for text, want := range map[string]bool{
		"e2e.p99 < 50ms":                             true,
		"e2e.p99<50ms":                               true,
		"e2e.p99 < 39.9ms":                           false,
		"e2e.p99.9 >= 0.06s":                         true,
		"e2e.p99 < 10 * in.first.mean + 21ms":        true,
		"50ms > e2e.p99":                             true,
		"lost == 0":                                  true,
		"reordered == 0":                             false,
		"reordered != 0":                             true,
		"throughput >= 0.99 * offered":               true,
		"throughput > 0.99 * offered":                false,
		"throughput/offered >= 99%":                  true,
		"dead-lettered <= 0.12% * sent":              true,
		"dead-lettered-1 <= 11":                      true,
		"(lost + reordered) * 2 - 1 <= 5":            true,
		"e2e.p99 / e2e.p99.9 < 0.7":                  true,
		"e2e.p99 - 2 * (e2e.p99 - 1us) <= -40ms+2us": false,
	} {
		o, err := ParseObjective(text)
		if strings.Contains(text, "<= -40ms") { // there are no signs
			if err == nil {
				t.Errorf("%s: a sign was let pass", text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		out := o.Judge(func(name string) (float64, bool) { v, ok := values[name]; return v, ok })
		if out.Met != want || out.Unknown != "" {
			t.Errorf("%s: %+v", text, out)
		}
	}
	o, err := ParseObjective("lost + ack.p50 / 1ms < 4")
	if err != nil {
		t.Fatal(err)
	}
	if out := o.Judge(func(name string) (float64, bool) { v, ok := values[name]; return v, ok }); out.Met || out.Unknown != "ack.p50" {
		t.Errorf("without a value of ack.p50: %+v", out)
	}
}

func TestBadObjectives(t *testing.T) {
	for text, want := range map[string]string{
		"":                       `column 1: expected a metric or a number, found the end`,
		"lost":                   `column 5: expected a comparison: <, <=, >, >=, == or !=`,
		"lost = 0":               `column 6: expected a comparison`,
		"lost == ":               `column 9: expected a metric or a number, found the end`,
		"lostt == 0":             `column 1: unknown metric "lostt", did you mean "lost"?`,
		"e2e.99 < 5ms":           `column 1: "e2e.99": expected a quantile, min, max or mean after "e2e", as in e2e.p99 or e2e.p99.9`,
		"e2e.p99 < 50":           `column 9: a time is compared with a number; a time has a unit, as in 50ms`,
		"lost < 3s":              `a time is compared with a number`,
		"lost + 3s < 1":          `column 6: a time and a number cannot be added`,
		"e2e.p50 * ack.p50 < 1":  `column 9: this is neither a time nor a number`,
		"1 / e2e.p50 < 1":        `column 3: this is neither a time nor a number`,
		"e2e.p99 < 50mx":         `column 11: "50mx": expected a number, a percentage or a duration`,
		"(lost == 0":             `expected a closing bracket`,
		"lost == 0 0":            `column 11: expected the end, found "0"`,
		"lost == 0 && sent > 1":  `column 11: expected the end, found "&& sent > 1"`,
		"in.p99 < 1ms":           `"in.p99": expected a quantile`,
		"e2e.p0 < 1ms":           `expected a quantile`,
		"e2e.p100 < 1ms":         `expected a quantile`,
		strings.Repeat("(", 100): `too many brackets`,
		strings.Repeat("x", 501): `more than 500 characters`,
		"lost == ☃":              `unknown metric "☃"`,
	} {
		if o, err := ParseObjective(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want %s", text, o, err, want)
		}
	}
}

func FuzzParseObjective(f *testing.F) {
	for _, s := range []string{"e2e.p99 < 50ms", "throughput >= 0.99 * offered", "(lost + 1) * 2 == 2", "a", "1/0<1", "in.x.max > 3h2m"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := ParseObjective(text)
		if err != nil {
			if !strings.Contains(err.Error(), "column ") {
				t.Fatalf("%q: the error has no column: %v", text, err)
			}
			return
		}
		again, err := ParseObjective(o.Text)
		if err != nil {
			t.Fatalf("%q: its own text is refused: %v", text, err)
		}
		one := func(string) (float64, bool) { return 1, true }
		if a, b := o.Judge(one), again.Judge(one); a.Met != b.Met {
			t.Fatalf("%q: %+v and %+v", text, a, b)
		}
	})
}
