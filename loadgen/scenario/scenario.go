// Package scenario reads load scenarios: what is set up, which events are sent when, how the receivers behave, and what is
// wanted of the result. A scenario is one YAML file; scenario.schema.json describes every field.
package scenario

import (
	"time"

	"go.yaml.in/yaml/v3"
)

// Scenario is a checked load scenario. It is immutable; With makes changed copies.
type Scenario struct {
	Name      string        `yaml:"name"`
	About     string        `yaml:"about"`
	Topology  Topology      `yaml:"topology"`
	Receivers Receivers     `yaml:"receivers"`
	Events    Events        `yaml:"events"`
	Driver    Driver        `yaml:"driver"`
	Arrival   Arrival       `yaml:"arrival"`
	WarmUp    time.Duration `yaml:"warmUp"`
	Duration  time.Duration `yaml:"duration"` // of what is measured; the warm-up comes before it
	Drain     time.Duration `yaml:"drain"`
	Stop      Stop          `yaml:"stop"`
	SLO       []Objective   `yaml:"slo"`
	Sweep     Sweep         `yaml:"sweep"`
	Seed      uint64        `yaml:"seed"`

	source source
	root   *yaml.Node
}

// Topology is what is applied, and where events are sent.
type Topology struct {
	To        string     `yaml:"to"` // Kind/name of an applied object that has an address
	Manifests string     `yaml:"manifests"`
	File      string     `yaml:"file"`
	Repeated  []Repeated `yaml:"repeated"`
}

// Repeated are manifests that are applied Count times, with $i from 0.
type Repeated struct {
	Count     int    `yaml:"count"`
	Manifests string `yaml:"manifests"`
}

// Role is the part that a receiver plays.
type Role string

// The roles.
const (
	Step       Role = "step"
	Sink       Role = "sink"
	DeadLetter Role = "dead-letter"
)

// Receivers are in the order of the file.
type Receivers []Receiver

// Receiver is an endpoint of the harness, or Count like ones.
type Receiver struct {
	Name        string   // its key in the file
	Role        Role     `yaml:"role"`
	Count       int      `yaml:"count"`
	After       string   `yaml:"after"` // the step whose answer it is given, or "ingress"
	Covers      []string `yaml:"covers"`
	Expects     Pattern  `yaml:"expects"`
	ServiceTime Times    `yaml:"serviceTime"`
	Concurrency int      `yaml:"concurrency"` // requests served at a time, the others wait; 0: no limit
	Failures    Failures `yaml:"failures"`
	Stall       Stall    `yaml:"stall"`
	Reply       Reply    `yaml:"reply"`
}

// Pattern is a regular part of all events: those whose number modulo Every is From. The zero Pattern is every event.
type Pattern struct {
	Every uint64  `yaml:"every"`
	From  *uint64 `yaml:"from"` // nil: the index of the receiver
}

// Matches tells whether event number seq is meant, at the receiver with this index.
func (p Pattern) Matches(seq uint64, index int) bool {
	if p.Every <= 1 {
		return true
	}
	from := uint64(index)
	if p.From != nil {
		from = *p.From
	}
	return seq%p.Every == from%p.Every
}

// Period is the number of events after which it is the same receivers' turn again.
func (s *Scenario) Period() uint64 {
	period := uint64(1)
	for _, r := range s.Receivers {
		if every := r.Expects.Every; every > 1 && period <= maxPeriod {
			period = period / gcd(period, every) * every
		}
	}
	return period
}

func gcd(a, b uint64) uint64 {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}

// Failures are answers with an error status.
type Failures struct {
	Share      Share         `yaml:"share"`
	Status     int           `yaml:"status"`
	Permanent  bool          `yaml:"permanent"`  // decided by event, not anew for each attempt
	RetryAfter time.Duration `yaml:"retryAfter"` // told in the answer, in whole seconds; 0: not told
}

// Stall is a span in which requests that come are held until its end. Times count from the beginning of the run.
type Stall struct {
	At  time.Duration `yaml:"at"`
	For time.Duration `yaml:"for"`
}

// Reply is what a step makes of an event. What is not set stays as it came.
type Reply struct {
	Type string  `yaml:"type"`
	Size *Sizes  `yaml:"size"`
	Only Pattern `yaml:"only"` // other events are answered without a reply
}

// Mode is a content mode.
type Mode string

// The content modes.
const (
	Binary     Mode = "binary"
	Structured Mode = "structured"
	Batch      Mode = "batch"
)

// Events is what is sent.
type Events struct {
	Type        string     `yaml:"type"`
	Attributes  Attributes `yaml:"attributes"`
	ContentType string     `yaml:"contentType"`
	Size        Sizes      `yaml:"size"` // of the data
	Mode        Mode       `yaml:"mode"`
	Batch       int        `yaml:"batch"` // events in a request of mode batch
	Keys        Keys       `yaml:"keys"`
}

// Attributes are in the order of the file.
type Attributes []Attribute

// Attribute is a context attribute; its value may have placeholders.
type Attribute struct {
	Name  string
	Value Template
}

// Keys spreads events over partition keys. No Count: there are none, and the events of a source are one stream.
type Keys struct {
	Count     int    `yaml:"count"`
	Attribute string `yaml:"attribute"`
}

// Of is the key of event number seq: keys take turns.
func (k Keys) Of(seq uint64) int { return int(seq % uint64(max(1, k.Count))) }

// Shape is how the rate goes over time.
type Shape string

// The shapes.
const (
	Constant Shape = "constant"
	Poisson  Shape = "poisson"
	Ramp     Shape = "ramp"
	Sine     Shape = "sine"
	Steps    Shape = "steps"
	Replay   Shape = "replay"
)

// Arrival is when events are sent. Rates are in events per second.
type Arrival struct {
	Shape     Shape         `yaml:"shape"`
	Rate      float64       `yaml:"rate"`      // mean of sine and Poisson, end of a ramp, one-fold of steps
	From      float64       `yaml:"from"`      // ramp: the rate at the beginning
	Period    time.Duration `yaml:"period"`    // sine
	Amplitude Share         `yaml:"amplitude"` // sine, as a share of the rate
	Steps     []RateStep    `yaml:"steps"`     // steps, again and again
	History   string        `yaml:"history"`   // replay: a history.jsonl
	Speed     float64       `yaml:"speed"`     // replay
}

// RateStep holds a multiple of the rate for a time.
type RateStep struct {
	For   time.Duration `yaml:"for"`
	Times float64       `yaml:"times"`
}

// Stop ends a run before its time. Zero values do not.
type Stop struct {
	Events   uint64 `yaml:"events"`   // sent
	Errors   Share  `yaml:"errors"`   // of the requests of one second
	InFlight uint64 `yaml:"inFlight"` // events
}

// DriverKind says what decides when the next event is sent.
type DriverKind string

// The drivers.
const (
	Open   DriverKind = "open"   // the schedule alone, whatever the target does
	Window DriverKind = "window" // at most N events between sending and the last receipt
	Closed DriverKind = "closed" // N callers that wait for the answer
)

// Driver is a kind with its number.
type Driver struct {
	Kind DriverKind
	N    int
}

// String is as the driver is written.
func (d Driver) String() string {
	if d.Kind == Open {
		return string(d.Kind)
	}
	return string(d.Kind) + "=" + itoa(d.N)
}
