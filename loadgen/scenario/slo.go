package scenario

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sequitur-dev/sequitur/fixtures/api"
)

// Objective is what is wanted of a result, such as
//
//	e2e.p99 < 50ms
//	throughput >= 0.99 * offered
//	lost == 0
//
// A comparison (< <= > >= == !=) of two sums of products of metrics, numbers, percentages (5% is 0.05) and durations. Times
// are compared with times only. See Metrics for the names.
type Objective struct {
	Text        string
	op          string
	left, right expression
}

// Metrics gives the value of a metric, as ParseObjective knows them: times in nanoseconds. It returns false if there is
// nothing to go by, such as a percentile of nothing.
type Metrics func(name string) (float64, bool)

// Outcome is how an objective was met.
type Outcome struct {
	Met     bool
	Unknown string // the first metric that there is no value of; empty if there is a verdict
	// Seen and Wanted are the values of both sides, times in nanoseconds (Time).
	Seen, Wanted float64
	Time         bool
}

// Judge compares.
func (o Objective) Judge(m Metrics) Outcome {
	out := Outcome{Time: o.left.time}
	var ok bool
	if out.Seen, out.Unknown, ok = o.left.value(m); !ok {
		return out
	}
	if out.Wanted, out.Unknown, ok = o.right.value(m); !ok {
		return out
	}
	a, b := out.Seen, out.Wanted
	equal := math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b)) // 0.12% of 10000 is 12
	switch o.op {
	case "<":
		out.Met = a < b && !equal
	case "<=":
		out.Met = a < b || equal
	case ">":
		out.Met = a > b && !equal
	case ">=":
		out.Met = a > b || equal
	case "==":
		out.Met = equal
	case "!=":
		out.Met = !equal
	}
	return out
}

// counts are the metrics that are numbers.
var counts = []string{
	"acked", "achieved", "backlog", "dead-lettered", "delivered", "duplicated", "errors", "lost", "offered", "refused", "reordered",
	"sent", "throttled", "throughput", "undirected", "unexpected", "unknown",
}

// latencies are the metrics of times that every run has; those of a receiver are in.NAME and to.NAME.
var latencies = []string{"ack", "e2e", "lateness"}

// metric says whether a name is one, and whether it is a time.
func metric(name string) (isTime bool, problem string) {
	if slices.Contains(counts, name) {
		return false, ""
	}
	family, rest, _ := strings.Cut(name, ".")
	if family == "in" || family == "to" {
		var receiver string
		if receiver, rest, _ = strings.Cut(rest, "."); receiver == "" {
			return false, fmt.Sprintf("expected a receiver and a quantile, as in %s.first.p99", family)
		}
	} else if !slices.Contains(latencies, family) {
		known := slices.Concat(counts, []string{"ack.p99", "e2e.p99", "lateness.p99", "in.RECEIVER.p99", "to.RECEIVER.p99"})
		if near := api.Nearest(name, known); near != "" {
			return false, fmt.Sprintf("unknown metric %q, did you mean %q?", name, near)
		}
		return false, fmt.Sprintf("unknown metric %q: expected one of %s", name, strings.Join(known, ", "))
	}
	if _, ok := Quantile(rest); !ok {
		return false, fmt.Sprintf("%q: expected a quantile, min, max or mean after %q, as in %s.p99 or %[2]s.p99.9",
			name, family, strings.TrimSuffix(strings.TrimSuffix(name, rest), "."))
	}
	return true, ""
}

// Special quantiles.
const (
	Mean = -1.0
	Min  = 0.0
	Max  = 100.0
)

// Quantile reads p99, p99.9, min, max or mean: the percentage, or Mean.
func Quantile(text string) (float64, bool) {
	switch text {
	case "mean":
		return Mean, true
	case "min":
		return Min, true
	case "max":
		return Max, true
	}
	digits, ok := strings.CutPrefix(text, "p")
	if !ok || strings.Trim(digits, "0123456789.") != "" {
		return 0, false
	}
	q, err := strconv.ParseFloat(digits, 64)
	return q, err == nil && q > 0 && q < 100
}

// expression is a term of the grammar, with what it measures.
type expression struct {
	op    byte // 'n' number, 'm' metric, or + - * /
	time  bool
	num   float64
	name  string
	terms []expression
}

func (e *expression) value(m Metrics) (v float64, unknown string, ok bool) {
	switch e.op {
	case 'n':
		return e.num, "", true
	case 'm':
		if v, ok = m(e.name); !ok {
			return 0, e.name, false
		}
		return v, "", true
	}
	a, unknown, ok := e.terms[0].value(m)
	if !ok {
		return 0, unknown, false
	}
	b, unknown, ok := e.terms[1].value(m)
	if !ok {
		return 0, unknown, false
	}
	switch e.op {
	case '+':
		return a + b, "", true
	case '-':
		return a - b, "", true
	case '*':
		return a * b, "", true
	}
	if b == 0 {
		return math.Inf(1), "", true
	}
	return a / b, "", true
}

func (o *Objective) parse(d *decoder, n *yaml.Node, path string) {
	text, ok := d.text(n, path)
	if !ok {
		return
	}
	parsed, err := ParseObjective(text)
	if err != nil {
		d.fail(n, path, "%s", err)
		return
	}
	*o = parsed
}

// ParseObjective reads an objective. The error names the column.
func ParseObjective(text string) (o Objective, err error) {
	p := &parsing{text: text}
	defer func() {
		if r := recover(); r != nil {
			problem, ok := r.(objection)
			if !ok {
				panic(r)
			}
			err = fmt.Errorf("%q: column %d: %s", shorten(text), problem.at+1, problem.text)
		}
	}()
	if len(text) > 500 {
		p.fail("more than 500 characters")
	}
	o.Text = strings.TrimSpace(text)
	o.left = p.sum(0)
	p.space()
	at := p.at
	for _, op := range [...]string{"<=", ">=", "==", "!=", "<", ">"} {
		if strings.HasPrefix(p.text[p.at:], op) {
			o.op, p.at = op, p.at+len(op)
			break
		}
	}
	if o.op == "" {
		p.fail("expected a comparison: <, <=, >, >=, == or !=; an objective looks like \"e2e.p99 < 50ms\" or \"lost == 0\"")
	}
	o.right = p.sum(0)
	p.space()
	if p.at < len(p.text) {
		p.fail("expected the end, found " + strconv.Quote(shorten(p.text[p.at:])))
	}
	if o.left.time != o.right.time {
		p.at = at
		p.fail("a time is compared with a number; a time has a unit, as in 50ms")
	}
	return o, nil
}

type parsing struct {
	text string
	at   int
}

type objection struct {
	at   int
	text string
}

func (p *parsing) fail(text string) { panic(objection{p.at, text}) }

func (p *parsing) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

// next takes one of some characters.
func (p *parsing) next(of string) byte {
	p.space()
	if p.at < len(p.text) && strings.IndexByte(of, p.text[p.at]) >= 0 {
		p.at++
		return p.text[p.at-1]
	}
	return 0
}

func (p *parsing) sum(depth int) expression {
	left := p.product(depth)
	for {
		op := p.next("+-")
		if op == 0 {
			return left
		}
		at := p.at - 1
		right := p.product(depth)
		if left.time != right.time {
			p.at = at
			p.fail("a time and a number cannot be added; a time has a unit, as in 50ms")
		}
		left = expression{op: op, time: left.time, terms: []expression{left, right}}
	}
}

func (p *parsing) product(depth int) expression {
	left := p.atom(depth)
	for {
		op := p.next("*/")
		if op == 0 {
			return left
		}
		at := p.at - 1
		right := p.atom(depth)
		e := expression{op: op, time: left.time != right.time, terms: []expression{left, right}}
		if op == '*' && left.time && right.time || op == '/' && !left.time && right.time {
			p.at = at
			p.fail("this is neither a time nor a number")
		}
		left = e
	}
}

func (p *parsing) atom(depth int) expression {
	if depth > 20 {
		p.fail("too many brackets")
	}
	if p.next("(") != 0 {
		e := p.sum(depth + 1)
		if p.next(")") == 0 {
			p.fail("expected a closing bracket")
		}
		return e
	}
	start := p.at
	for p.at < len(p.text) && isWord(p.text[p.at]) || p.at < len(p.text) && p.text[p.at] == '-' && p.hyphen(start) {
		p.at++
	}
	word := p.text[start:p.at]
	switch {
	case word == "" && p.at == len(p.text):
		p.fail("expected a metric or a number, found the end")
	case word == "":
		p.fail("expected a metric or a number, found " + strconv.Quote(shorten(p.text[p.at:])))
	case word[0] >= '0' && word[0] <= '9' || word[0] == '.':
		e, problem := constant(word)
		if problem != "" {
			p.at = start
			p.fail(problem)
		}
		return e
	}
	isTime, problem := metric(word)
	if problem != "" {
		p.at = start
		p.fail(problem)
	}
	return expression{op: 'm', name: word, time: isTime}
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '%' || c >= 0x80
}

// hyphen tells whether a hyphen belongs to the name that began at start: between letters without space, as in dead-lettered.
func (p *parsing) hyphen(start int) bool {
	letter := func(i int) bool { return i < len(p.text) && p.text[i] >= 'a' && p.text[i] <= 'z' }
	return p.at > start && letter(start) && letter(p.at+1)
}

// constant reads a number, a percentage or a duration.
func constant(word string) (expression, string) {
	if v, err := strconv.ParseFloat(word, 64); err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
		return expression{op: 'n', num: v}, ""
	}
	if digits, ok := strings.CutSuffix(word, "%"); ok {
		if v, err := strconv.ParseFloat(digits, 64); err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
			return expression{op: 'n', num: v / 100}, ""
		}
	}
	if t, err := time.ParseDuration(word); err == nil {
		return expression{op: 'n', num: float64(t), time: true}, ""
	}
	return expression{}, fmt.Sprintf("%q: expected a number, a percentage or a duration such as 50ms", shorten(word))
}

// Bound returns the greatest time that an objective allows a metric of the form e2e.QUANTILE, and whether it is one of the
// form "e2e.p99 < 50ms".
func (o Objective) Bound() (time.Duration, bool) {
	if (o.op == "<" || o.op == "<=") && o.left.op == 'm' && strings.HasPrefix(o.left.name, "e2e.") && o.right.op == 'n' {
		return time.Duration(o.right.num), true
	}
	return 0, false
}

// receivers are the names of receivers that the objective is about.
func (o Objective) receivers() []string {
	var all []string
	var walk func(e expression)
	walk = func(e expression) {
		for _, prefix := range [...]string{"in.", "to."} {
			if rest, ok := strings.CutPrefix(e.name, prefix); ok && e.op == 'm' {
				name, _, _ := strings.Cut(rest, ".")
				all = append(all, name)
			}
		}
		for _, t := range e.terms {
			walk(t)
		}
	}
	walk(o.left)
	walk(o.right)
	return all
}
