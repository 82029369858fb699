package scenario

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sequitur-dev/sequitur/fixtures/api"
)

// Distribution is how a quantity is spread. It is immutable; its zero value is the constant 0.
type Distribution struct {
	quantile func(u float64) float64
	max      float64 // what is drawn beyond is cut to it
	constant float64
}

// Quantile returns the value below which a share u of all lies, 0 ≤ u < 1. With a uniform u it draws.
func (d Distribution) Quantile(u float64) float64 {
	if d.quantile == nil {
		return d.constant
	}
	return max(0, min(d.quantile(u), d.max))
}

// Constant returns the value if there is only one.
func (d Distribution) Constant() (float64, bool) { return d.constant, d.quantile == nil }

// Times is a distribution of durations, in nanoseconds.
type Times struct{ Distribution }

// Sizes is a distribution of sizes, in bytes.
type Sizes struct{ Distribution }

// Bounds of what a scenario may ask for.
const (
	MaxTime = 10 * time.Minute // a service time
	MaxSize = 16 << 20         // bytes of data of an event
)

func (t *Times) parse(d *decoder, n *yaml.Node, path string) {
	t.Distribution = d.distribution(n, path, quantity{wantDuration, float64(MaxTime), "10m", func(text string) (float64, bool) {
		v, err := time.ParseDuration(text)
		return float64(v), err == nil && v >= 0
	}})
}

func (s *Sizes) parse(d *decoder, n *yaml.Node, path string) {
	s.Distribution = d.distribution(n, path, quantity{"a size such as 100B, 1KiB or 1MiB", MaxSize, "16MiB", parseSize})
}

// parseSize reads bytes with a unit, or without.
func parseSize(text string) (float64, bool) {
	factor := 1.0
	for _, u := range [...]struct {
		suffix string
		factor float64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"kB", 1e3}, {"MB", 1e6}, {"B", 1}} {
		if cut, ok := strings.CutSuffix(text, u.suffix); ok {
			text, factor = strings.TrimSpace(cut), u.factor
			break
		}
	}
	v, err := strconv.ParseFloat(text, 64)
	return math.Round(v * factor), err == nil && v >= 0 && !math.IsInf(v, 0)
}

// quantity is what is distributed: how one value is written, and the greatest.
type quantity struct {
	want  string
	max   float64
	shown string // max, as it is written
	read  func(text string) (float64, bool)
}

var shapes = []string{"exponential", "lognormal", "mix", "normal", "uniform"}

func (d *decoder) distribution(n *yaml.Node, path string, q quantity) Distribution {
	if n.Kind == yaml.ScalarNode {
		return Distribution{constant: d.amount(n, path, q)}
	}
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		d.fail(n, path, "expected %s, or a mapping with one of %s, found %s", q.want, strings.Join(shapes, ", "), api.Shape(n))
		return Distribution{}
	}
	name, arg := n.Content[0].Value, n.Content[1]
	path = join(path, name)
	out := Distribution{max: q.max}
	switch name {
	case "uniform":
		from, to := d.pair(arg, path, "the smallest and the greatest value", q)
		out.quantile = func(u float64) float64 { return from + u*(to-from) }
		if from > to {
			d.fail(arg, path, "the first value is greater than the second")
		}
	case "exponential":
		mean := d.amount(arg, path, q)
		out.quantile = func(u float64) float64 { return -mean * math.Log1p(-u) }
	case "normal":
		mean, deviation := d.pair(arg, path, "mean and standard deviation", q)
		out.quantile = func(u float64) float64 { return mean + deviation*normal(u) }
	case "lognormal":
		median, p99 := d.pair(arg, path, "median and 99th percentile", q)
		if median <= 0 || p99 < median {
			d.fail(arg, path, "expected a median above 0 and a 99th percentile that is not below it")
			return Distribution{}
		}
		sigma := math.Log(p99/median) / normal(0.99)
		out.quantile = func(u float64) float64 { return median * math.Exp(sigma*normal(u)) }
	case "mix":
		out.quantile = d.mix(arg, path, q)
	default:
		d.fail(n.Content[0], path, "unknown distribution%s", suggest(name, shapes))
	}
	return out
}

// normal is the quantile function of the standard normal distribution.
func normal(u float64) float64 { return math.Sqrt2 * math.Erfinv(2*u-1) }

func (d *decoder) amount(n *yaml.Node, path string, q quantity) float64 {
	text, ok := d.scalar(n, path, q.want)
	if !ok {
		return 0
	}
	v, ok := q.read(text)
	switch {
	case !ok:
		d.fail(n, path, "expected %s, found %s", q.want, api.Shape(n))
	case v > q.max:
		d.fail(n, path, "%s is more than the %s that is allowed here", text, q.shown)
	}
	return v
}

func (d *decoder) pair(n *yaml.Node, path, what string, q quantity) (a, b float64) {
	if n.Kind != yaml.SequenceNode || len(n.Content) != 2 {
		d.fail(n, path, "expected a list of two: %s; found %s", what, api.Shape(n))
		return 0, 0
	}
	return d.amount(n.Content[0], path+"[0]", q), d.amount(n.Content[1], path+"[1]", q)
}

// mix is a list of values by their weights.
func (d *decoder) mix(n *yaml.Node, path string, q quantity) func(float64) float64 {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		d.fail(n, path, "expected a mapping from values to their weights, such as {100B: 9, 1MiB: 1}; found %s", api.Shape(n))
		return nil
	}
	var values, sums []float64
	total := 0.0
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		weight := d.number(n.Content[i+1], join(path, key.Value))
		if weight < 0 {
			d.fail(n.Content[i+1], join(path, key.Value), "a weight must not be negative")
		}
		total += weight
		values, sums = append(values, d.amount(key, join(path, key.Value), q)), append(sums, total)
	}
	if total <= 0 {
		d.fail(n, path, "the weights come to nothing")
		return nil
	}
	return func(u float64) float64 {
		i, _ := slices.BinarySearch(sums, math.Nextafter(u*total, math.Inf(1)))
		return values[min(i, len(values)-1)]
	}
}

// Share is a part of a whole, 0 to 1. It is written as 30% or 0.3.
type Share float64

func (s *Share) parse(d *decoder, n *yaml.Node, path string) {
	const want = "a share such as 30% or 0.3"
	text, ok := d.scalar(n, path, want)
	if !ok {
		return
	}
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		d.fail(n, path, "expected %s, found %s", want, api.Shape(n))
		return
	}
	*s = Share(v)
}
