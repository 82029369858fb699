package scenario

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Bounds that keep a slip from taking the machine.
const (
	maxReceivers = 10_000
	maxCount     = 10_000
	maxKeys      = 1_000_000
	maxRate      = 1e6
	maxSweep     = 100
	maxObjects   = 20_000
	maxPeriod    = 100_000
)

// Ingress is the sender, as Receiver.After.
const Ingress = "ingress"

// defaults fills in what the file leaves open. A number that is 0 is not left open.
func (s *Scenario) defaults() {
	def(&s.Driver, Driver{Kind: Open})
	defNumber(s, "duration", &s.Duration, 30*time.Second)
	if s.Arrival.Shape != Replay {
		defNumber(s, "warmUp", &s.WarmUp, 2*time.Second)
	}
	defNumber(s, "seed", &s.Seed, 1)
	def(&s.Events.Type, "sequitur.load")
	def(&s.Events.ContentType, "application/json")
	def(&s.Events.Mode, Binary)
	if at(s.root, "events.size") == nil {
		s.Events.Size = Sizes{Distribution{constant: 1 << 10}}
	}
	if s.Events.Mode == Batch {
		defNumber(s, "events.batch", &s.Events.Batch, 10)
	}
	if s.Events.Keys.Count > 0 {
		def(&s.Events.Keys.Attribute, "partitionkey")
	}
	def(&s.Arrival.Shape, Constant)
	if s.Arrival.Shape == Replay {
		defNumber(s, "arrival.speed", &s.Arrival.Speed, 1)
	} else {
		defNumber(s, "arrival.rate", &s.Arrival.Rate, 100)
	}
	if s.Arrival.Shape == Sine {
		defNumber(s, "arrival.period", &s.Arrival.Period, 10*time.Second)
		defNumber(s, "arrival.amplitude", &s.Arrival.Amplitude, 0.5)
	}
	for i := range s.Arrival.Steps {
		defNumber(s, fmt.Sprintf("arrival.steps[%d].times", i), &s.Arrival.Steps[i].Times, 1)
	}
	previous := Ingress
	for i := range s.Receivers {
		r := &s.Receivers[i]
		def(&r.Role, Sink)
		defNumber(s, "receivers."+r.Name+".count", &r.Count, 1)
		if r.Role != DeadLetter {
			def(&r.After, previous)
		}
		if r.Role == Step {
			previous = r.Name
		}
		if r.Failures.Share > 0 {
			def(&r.Failures.Status, 503)
		}
	}
}

// defNumber is def for a field of which 0 is a value, too.
func defNumber[T any](s *Scenario, path string, field *T, value T) {
	if n := at(s.root, path); n == nil || n.Tag == "!!null" {
		*field = value
	}
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// at finds a node by its path, nil if there is none.
func at(n *yaml.Node, path string) *yaml.Node {
	for _, part := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		var found *yaml.Node
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == part {
					found = n.Content[i+1]
				}
			}
		case yaml.SequenceNode:
			var i int
			if _, err := fmt.Sscan(part, &i); err == nil && i < len(n.Content) {
				found = n.Content[i]
			}
		}
		if n = found; n == nil {
			return nil
		}
	}
	return n
}

// nearest is the node of a path, or of the innermost part of it that is there.
func (s *Scenario) nearest(path string) *yaml.Node {
	for {
		if n := at(s.root, path); n != nil || path == "" {
			return n
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}

// checker tells problems by path.
type checker func(ok bool, path, problem string, args ...any)

func (s *Scenario) check(d *decoder) {
	want := func(ok bool, path, problem string, args ...any) {
		if !ok {
			d.fail(s.nearest(path), path, problem, args...)
		}
	}
	want(s.Duration > 0 && s.Duration <= 1000*time.Hour, "duration", "expected a time above 0 and at most 1000h")
	want(s.WarmUp <= time.Hour, "warmUp", "expected at most 1h")
	want(s.Drain <= time.Hour, "drain", "expected at most 1h")
	want(len(s.Sweep.Values) <= maxSweep, "sweep", "%d values: expected at most %d", len(s.Sweep.Values), maxSweep)
	s.checkReceivers(want)
	s.checkEvents(want)
	s.checkArrival(want)
	for i, o := range s.SLO {
		for _, name := range o.receivers() {
			want(s.receiver(name) != nil, fmt.Sprintf("slo[%d]", i), "%q: there is no receiver %s%s", o.Text, name, suggest(name, s.receiverNames()))
		}
	}
	s.checkTopology(want)
}

func (s *Scenario) receiver(name string) *Receiver {
	i := slices.IndexFunc(s.Receivers, func(r Receiver) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Receivers[i]
}

func (s *Scenario) receiverNames() []string {
	var names []string
	for _, r := range s.Receivers {
		names = append(names, r.Name)
	}
	return names
}

func (s *Scenario) checkReceivers(want checker) {
	total, ends := 0, 0
	for _, r := range s.Receivers {
		path := "receivers." + r.Name
		total += max(r.Count, 0)
		if r.Role != DeadLetter {
			ends++
		}
		want(r.Count >= 1 && r.Count <= maxCount, path+".count", "expected 1 to %d", maxCount)
		switch before := s.receiver(r.After); {
		case r.Role == DeadLetter:
			want(r.After == "", path+".after", "a dead-letter sink comes after whatever it covers")
		case r.After == Ingress:
		case before == nil || before.Role != Step:
			want(false, path+".after", "expected %s or a receiver with the role step, found %q", Ingress, r.After)
		default:
			want(before.Name != r.Name, path+".after", "a receiver does not come after itself")
			want(before.Count == 1 || before.Count == r.Count, path+".after", "%s is %d receivers: expected as many here, or one there", before.Name, before.Count)
		}
		want(r.Role == DeadLetter || len(r.Covers) == 0, path+".covers", "only dead-letter sinks cover others")
		for i, name := range r.Covers {
			c := s.receiver(name)
			want(c != nil && c.Role != DeadLetter, fmt.Sprintf("%s.covers[%d]", path, i), "expected a receiver that is a step or sink, found %q", name)
		}
		want(r.Role != DeadLetter || r.Expects == Pattern{}, path+".expects", "no event is expected at a dead-letter sink")
		checkPattern(want, r.Expects, path+".expects")
		checkPattern(want, r.Reply.Only, path+".reply.only")
		want(r.Role == Step || r.Reply == Reply{}, path+".reply", "only steps reply: expected role: step")
		want(r.Concurrency >= 0, path+".concurrency", "expected 0, for no limit, or more")
		want(r.Failures.Share > 0 || r.Failures == Failures{}, path+".failures.share", "missing: how many of the requests fail")
		want(r.Failures.Status == 0 || r.Failures.Status >= 400 && r.Failures.Status <= 599, path+".failures.status", "expected a status from 400 to 599")
		want((r.Stall.For > 0) == (r.Stall != Stall{}), path+".stall.for", "missing: how long requests are held")
		want(r.Stall.For <= MaxTime, path+".stall.for", "expected at most %v", MaxTime)
	}
	want(s.Period() <= maxPeriod, "receivers", "what they expect is the same again only after %d events or more: expected at most %d, the least common multiple of all every", s.Period(), maxPeriod)
	want(ends > 0, "receivers", "expected at least one step or sink that events come to")
	want(total <= maxReceivers, "receivers", "%d in all: expected at most %d", total, maxReceivers)
	for _, r := range s.Receivers {
		for steps, at := 0, s.receiver(r.After); at != nil; at = s.receiver(at.After) {
			if steps++; steps > len(s.Receivers) {
				want(false, "receivers."+r.Name+".after", "the receivers come after one another in a circle")
				return
			}
		}
	}
}

func checkPattern(want checker, p Pattern, path string) {
	want(p.From == nil || p.Every > 1, path+".every", "expected 2 or more, as there is a from")
	want(p.From == nil || *p.From < max(p.Every, 1), path+".from", "expected less than every")
	want(p.Every <= 1_000_000, path+".every", "expected at most 1000000")
}

func (s *Scenario) checkEvents(want checker) {
	e := s.Events
	want(e.Mode == Batch || e.Batch == 0, "events.batch", "only with mode: batch")
	want(e.Mode != Batch || e.Batch >= 1 && e.Batch <= 1000, "events.batch", "expected 1 to 1000 events in a request")
	want(!strings.ContainsAny(e.ContentType, "\r\n") && !strings.ContainsAny(e.Type, "\r\n"), "events", "a type is one line")
	want(e.Keys.Count >= 0 && e.Keys.Count <= maxKeys, "events.keys.count", "expected at most %d", maxKeys)
	want(e.Keys.Count > 0 || e.Keys.Attribute == "", "events.keys.count", "missing: how many keys there are")
	if size, fixed := e.Size.Constant(); fixed && strings.Contains(e.ContentType, "json") {
		want(size == 0 || size >= 2, "events.size", "expected 2 bytes or more, as JSON has no shorter text, or 0 for no data")
	}
}

// arrivalFields are the fields that a shape has beside the rate.
var arrivalFields = map[Shape][]string{
	Ramp: {"from"}, Sine: {"period", "amplitude"}, Steps: {"steps"}, Replay: {"history", "speed"},
}

func (s *Scenario) checkArrival(want checker) {
	a := s.Arrival
	for _, shape := range [...]Shape{Ramp, Sine, Steps, Replay} {
		for _, f := range arrivalFields[shape] {
			n := at(s.root, "arrival."+f)
			want(shape == a.Shape || n == nil || n.Tag == "!!null", "arrival."+f, "only with shape: %s, this is %s", shape, a.Shape)
		}
	}
	if a.Shape == Replay {
		want(at(s.root, "arrival.rate") == nil, "arrival.rate", "a replay has the rate of its history; arrival.speed makes it faster")
		want(a.Speed > 0 && a.Speed <= 1e6, "arrival.speed", "expected a factor above 0")
		want(a.History != "", "arrival.history", "missing: the history.jsonl to replay")
		if a.History != "" {
			_, err := os.Stat(s.Beside(a.History))
			want(err == nil, "arrival.history", "%v", err)
		}
		want(s.WarmUp == 0, "warmUp", "a replay has no warm-up, as it begins with its first event")
		return
	}
	want(a.Rate > 0 && a.Rate <= maxRate, "arrival.rate", "expected more than 0 and at most %.0f events per second", maxRate)
	want(a.From >= 0 && a.From <= maxRate, "arrival.from", "expected 0 or more events per second")
	want(a.Shape != Sine || a.Period > 0, "arrival.period", "expected a time above 0")
	want(a.Shape != Steps || len(a.Steps) > 0, "arrival.steps", "missing: for how long (for) the rate is how many times (times) that of arrival.rate")
	total := 0.0
	for i, step := range a.Steps {
		path := fmt.Sprintf("arrival.steps[%d]", i)
		want(step.For > 0, path+".for", "expected a time above 0")
		want(step.Times >= 0 && step.Times*a.Rate <= maxRate, path+".times", "expected a factor that is not negative and gives at most %.0f events per second", maxRate)
		total += step.Times
	}
	want(a.Shape != Steps || len(a.Steps) == 0 || total > 0, "arrival.steps", "the rate is never above 0")
}

// Beside is the path of a file that the scenario names: relative to the scenario's own.
func (s *Scenario) Beside(file string) string {
	if filepath.IsAbs(file) || !isFile(s.source.file) {
		return file
	}
	return filepath.Join(filepath.Dir(s.source.file), file)
}

func (s *Scenario) checkTopology(want checker) {
	t := s.Topology
	if t.To == "" {
		want(false, "topology.to", "missing: where events are sent, such as Sequence/s (an object of the manifests), $sink (a receiver) or a URL")
		return
	}
	total := 0
	for i, r := range t.Repeated {
		total += max(0, r.Count)
		want(r.Count >= 1 && r.Count <= maxCount, fmt.Sprintf("topology.repeated[%d].count", i), "expected 1 to %d", maxCount)
	}
	want(total <= maxObjects, "topology.repeated", "%d in all: expected at most %d", total, maxObjects)
	// The first and the last stand for all that are repeated.
	used := map[string]bool{}
	uri := func(name string, _ int) string {
		used[name] = true
		return "http://127.0.0.1/x"
	}
	objects, err := s.some("ns", uri, func(count int) []int { return []int{0, max(0, count-1)} })
	if err != nil {
		path := "topology"
		if at := (*located)(nil); errors.As(err, &at) {
			path, err = at.path, at.err
		}
		want(false, path, "%v", err)
		return
	}
	for _, r := range s.Receivers {
		want(used[r.Name] || t.To == "$"+r.Name || strings.Contains(t.To, "://"), "receivers."+r.Name,
			"no event can come to it: expected $%s in the manifests", r.Name)
	}
	switch {
	case strings.HasPrefix(t.To, "$"):
		r := s.receiver(t.To[1:])
		want(r != nil && r.Count == 1, "topology.to", "%q: expected one receiver%s", t.To, suggest(t.To[1:], s.receiverNames()))
	case strings.Contains(t.To, "://"):
		u, err := url.Parse(t.To)
		want(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", "topology.to", "%q: expected an http URL", t.To)
	default:
		var names []string
		for _, o := range objects {
			names = append(names, o.Ref.Kind+"/"+o.Ref.Name)
		}
		want(slices.Contains(names, t.To), "topology.to", "%q: expected Kind/name of an object of the manifests%s", t.To, suggest(t.To, names[:min(len(names), 12)]))
	}
}
