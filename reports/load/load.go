// Package load tells what a load run found: the model of load.json, and its renderers as text, HDR percentile files and
// pictures. Compare compares repeated runs. It knows nothing of how a run is driven.
package load

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// The identity of the format. Fields may be added within a version; a change of meaning takes a new one.
const (
	SchemaID      = "https://sequitur.dev/schema/load/v1"
	SchemaVersion = 1
)

// Verdict is what a run comes to.
type Verdict string

// The verdicts.
const (
	Met         Verdict = "met"         // every objective was met
	Missed      Verdict = "missed"      // an objective was missed
	Invalid     Verdict = "invalid"     // no measurement of the target: the generator was the bottleneck, or failed; Reason says how
	Interrupted Verdict = "interrupted" // stopped before its end; what is told is valid for the time it ran
	Measured    Verdict = "measured"    // there are no objectives
)

// Result is what one load run found. Times are seconds, rates are events per second, shares are 0 to 1.
type Result struct {
	Schema        string `json:"schema"`        // SchemaID; set by WriteJSON
	SchemaVersion int    `json:"schemaVersion"` // SchemaVersion; set by WriteJSON
	Tool          Tool   `json:"tool"`
	// Verdict and Reason are the run's in a word and a sentence.
	Verdict  Verdict  `json:"verdict"`
	Reason   string   `json:"reason,omitempty"`
	Scenario Scenario `json:"scenario"`
	Target   Target   `json:"target"`
	Run      Run      `json:"run"`
	Machine  Machine  `json:"machine"`
	// Generator is the health of the one who measures.
	Generator  Generator   `json:"generator"`
	Rates      Rates       `json:"rates"`
	Objectives []Objective `json:"objectives,omitempty"`
	Events     Events      `json:"events"`
	// Delivery is from the intended send time to the last expected receipt, Ack from there to the 2xx.
	Delivery  Latency    `json:"delivery"`
	Ack       Latency    `json:"ack"`
	Receivers []Receiver `json:"receivers,omitempty"`
	// Waterfall takes delivery latencies apart: those around the median, and the slowest 1 %.
	Waterfall []Waterfall `json:"waterfall,omitempty"`
	Series    []Interval  `json:"series,omitempty"`
	// Search, Sweep and Repeats list the other trials of the command. The rest of the result is then about one of them: the
	// rate found, the last point, the last repeat.
	Search  *Search `json:"search,omitempty"`
	Sweep   *Sweep  `json:"sweep,omitempty"`
	Repeats []Trial `json:"repeats,omitempty"`
	// Notes are sentences that a reader must know, such as that the machine was noisy.
	Notes []string `json:"notes,omitempty"`
}

// Tool says what made the result.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go,omitempty"`
}

// Scenario says what load it was.
type Scenario struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Set         map[string]string `json:"set,omitempty"` // what the user changed: path → value
}

// Target says what was loaded.
type Target struct {
	Name    string `json:"name"`
	Driver  string `json:"driver,omitempty"`
	Version string `json:"version,omitempty"`
}

// Run says how it was loaded.
type Run struct {
	Started  time.Time `json:"started"`
	Driver   string    `json:"driver"`   // "open", "window N" or "closed C"
	Schedule string    `json:"schedule"` // in words: "constant 1000/s", "poisson 500/s"
	Seed     int64     `json:"seed"`
	WarmUp   float64   `json:"warmUp"`   // not in latencies and rates
	Duration float64   `json:"duration"` // after the warm-up, as it really was
	Drain    float64   `json:"drain"`    // how long was waited for what was under way
	Workers  int       `json:"workers"`  // processes that sent
	// ClockBound is how far the clocks of senders and receivers may be apart; 0 if they are one clock.
	ClockBound float64 `json:"clockBound"`
	// Interrupted tells that the run was stopped before its end.
	Interrupted bool `json:"interrupted,omitempty"`
}

// Machine says where the generator ran.
type Machine struct {
	OS          string  `json:"os"`
	Arch        string  `json:"arch"`
	CPU         string  `json:"cpu,omitempty"`
	Cores       int     `json:"cores"`
	GOMAXPROCS  int     `json:"gomaxprocs"`
	LoadAverage float64 `json:"loadAverage"` // 1 minute, at the end
	// OtherCPU is the share of the machine's CPU time that went to neither the generator nor what it started; -1 if unknown.
	OtherCPU float64           `json:"otherCPU"`
	Versions map[string]string `json:"versions,omitempty"` // kernel, Kubernetes, …
}

// Generator is the generator's own health.
type Generator struct {
	Asked    float64 `json:"asked"`    // rate of the schedule
	Achieved float64 `json:"achieved"` // rate at which requests began
	Lateness Latency `json:"lateness"` // begun - intended
	CPU      float64 `json:"cpu"`      // share of the machine's CPU time that this process took; -1 if unknown
	Peak     int64   `json:"peakRSS"`  // resident memory at most, bytes; 0 if unknown
	// Bottleneck says in words why the generator was what limited the run; empty if it was not.
	Bottleneck string `json:"bottleneck,omitempty"`
}

// Rates are means over the run after the warm-up.
type Rates struct {
	Offered   float64 `json:"offered"`
	Acked     float64 `json:"acked"`
	Delivered float64 `json:"delivered"`
	// BacklogSlope is the growth of the events in flight, per second, by linear regression.
	BacklogSlope float64 `json:"backlogSlope"`
}

// Objective is one service level objective.
type Objective struct {
	Text  string `json:"text"`  // as the scenario has it: "e2e.p99 < 50ms"
	Value string `json:"value"` // what was measured, with its unit
	Met   bool   `json:"met"`
}

// Events counts events by their fate. Every sent event is one of acked, refused, throttled, serverErrors, unknown and
// unanswered; every acknowledged one is one of delivered, deadLettered, lost, undirected and underWay.
type Events struct {
	Sent             uint64 `json:"sent"`
	Acked            uint64 `json:"acked"`
	Refused          uint64 `json:"refused"`          // 4xx except 429
	Throttled        uint64 `json:"throttled"`        // 429
	ServerErrors     uint64 `json:"serverErrors"`     // 5xx
	Unknown          uint64 `json:"unknown"`          // timeout or reset: either fate is legal
	Unanswered       uint64 `json:"unanswered"`       // still under way when the run ended
	Delivered        uint64 `json:"delivered"`        // to all that should get it
	DeadLettered     uint64 `json:"deadLettered"`     // at a dead-letter sink for all that did not get it
	Lost             uint64 `json:"lost"`             // acknowledged, and neither
	Undirected       uint64 `json:"undirected"`       // nobody should get it
	UnderWay         uint64 `json:"underWay"`         // acknowledged, and still on its way when the run was interrupted
	Recovered        uint64 `json:"recovered"`        // unknown or unanswered, and received
	Vanished         uint64 `json:"vanished"`         // unknown or unanswered, and not received
	RefusedDelivered uint64 `json:"refusedDelivered"` // refused, and received all the same
	Duplicated       uint64 `json:"duplicated"`
	WrongFanOut      uint64 `json:"wrongFanOut"` // received by some that should not, or by only some that should
	NeverSent        uint64 `json:"neverSent"`   // received, and sent by nobody
	Reordered        uint64 `json:"reordered"`   // receipts that a later event of the same key overtook
}

// Receiver is what happened at one receiver.
type Receiver struct {
	Name       string   `json:"name"`
	Kind       string   `json:"kind"` // step, sink or dead-letter
	Receipts   uint64   `json:"receipts"`
	Accepted   uint64   `json:"accepted"`
	Strays     uint64   `json:"strays,omitempty"` // requests that carry no event of this run
	Delivered  uint64   `json:"delivered"`
	Duplicates uint64   `json:"duplicates"`
	Lost       *Listing `json:"lost,omitempty"`
	Duplicated *Listing `json:"duplicated,omitempty"`
	Unexpected *Listing `json:"unexpected,omitempty"`
	NeverSent  *Listing `json:"neverSent,omitempty"`
	Attempts   []uint64 `json:"attempts,omitempty"` // events accepted at attempt 1, 2, …
	Failed     []uint64 `json:"failed,omitempty"`   // events never accepted, after 1, 2, … attempts
	Order      Order    `json:"order"`
	Delivery   Latency  `json:"delivery"` // from the intended send time to the first accepted receipt
	Transit    Latency  `json:"transit"`  // from the answer of the step before to the receipt
	Service    Latency  `json:"service"`  // from receipt to answer
}

// Listing is a set of events as ranges of sequence numbers.
type Listing struct {
	Count  uint64  `json:"count"`
	Ranges []Range `json:"ranges"`         // in order; the first ones
	More   uint64  `json:"more,omitempty"` // ranges left out
}

// Range is a run of sequence numbers of one source, both ends included.
type Range struct {
	Source int    `json:"source"`
	First  uint64 `json:"first"`
	Last   uint64 `json:"last"`
}

// Order tells how receipts of a key overtook one another (RFC 4737).
type Order struct {
	Arrivals       uint64 `json:"arrivals"`
	Reordered      uint64 `json:"reordered"`
	ExtentMax      uint64 `json:"extentMax"` // receipts since the earliest of a later event
	ExtentP50      uint64 `json:"extentP50"`
	ThreeReordered uint64 `json:"threeReordered"` // right after three or more of later events
}

// Latency tells a distribution. Quantiles are within 0.1 %.
type Latency struct {
	Count uint64  `json:"count"`
	Min   float64 `json:"min"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	P9999 float64 `json:"p9999"`
	Max   float64 `json:"max"`
	// HDR is the whole histogram in microseconds: HdrHistogram's V2 compressed encoding, base64. Only the run's own
	// latencies carry it.
	HDR string `json:"hdr,omitempty"`
}

// Waterfall takes a mean latency apart.
type Waterfall struct {
	Name   string  `json:"name"` // "typical" or "slowest 1 %"
	From   float64 `json:"from"` // quantiles of the delivery latency between which events were taken
	To     float64 `json:"to"`
	Events uint64  `json:"events"`
	Mean   float64 `json:"mean"`
	Parts  []Part  `json:"parts"` // in the order in which they come; they add up to Mean
}

// Part is one part of a latency.
type Part struct {
	Name    string  `json:"name"`
	Mean    float64 `json:"mean"`
	Service bool    `json:"service,omitempty"` // within a receiver; else between two, which is the target's, or Lateness
}

// Lateness is the name of the part that is the generator's: from the intended send time to the real one.
const Lateness = "lateness"

// Interval is one interval of the time series.
type Interval struct {
	Start        float64 `json:"start"` // since the run began
	Seconds      float64 `json:"seconds"`
	Offered      uint64  `json:"offered"` // due in it
	Sent         uint64  `json:"sent"`
	Acked        uint64  `json:"acked"`
	Errors       uint64  `json:"errors"`
	Delivered    uint64  `json:"delivered"`
	DeadLettered uint64  `json:"deadLettered"`
	InFlight     uint64  `json:"inFlight"` // at its end
	P50          float64 `json:"p50"`      // of deliveries in it; 0 without any
	P99          float64 `json:"p99"`
}

// Trial is the measurement of one rate in short.
type Trial struct {
	Rate         float64 `json:"rate"` // asked
	Seconds      float64 `json:"seconds"`
	Offered      float64 `json:"offered"`
	Acked        float64 `json:"acked"`
	Delivered    float64 `json:"delivered"`
	BacklogSlope float64 `json:"backlogSlope"`
	P50          float64 `json:"p50"` // of the delivery latency
	P99          float64 `json:"p99"`
	P999         float64 `json:"p999"`
	Max          float64 `json:"max"`
	Errors       uint64  `json:"errors"`
	Lost         uint64  `json:"lost"`
	Duplicated   uint64  `json:"duplicated"`
	Reordered    uint64  `json:"reordered"`
	Verdict      Verdict `json:"verdict"`
	Reason       string  `json:"reason,omitempty"` // why it was missed or is invalid
}

// Search is how the highest sustainable rate was found.
type Search struct {
	// Rate is the highest rate that was sustained, Low and High its 95 % confidence interval by the repeats; 0 if none was.
	Rate   float64 `json:"rate"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Reason string  `json:"reason,omitempty"` // what limits it
	Trials []Trial `json:"trials"`           // in the order in which they ran
}

// Sweep is a run for each of several values.
type Sweep struct {
	Path   string  `json:"path"` // what was swept: "rate", "events.size"
	Points []Point `json:"points"`
}

// Point is one value of a sweep.
type Point struct {
	Value string `json:"value"`
	Trial
}

// Trial tells a result in short.
func (r *Result) Trial() Trial {
	e := r.Events
	return Trial{
		Rate: r.Generator.Asked, Seconds: r.Run.Duration, Offered: r.Rates.Offered, Acked: r.Rates.Acked, Delivered: r.Rates.Delivered,
		BacklogSlope: r.Rates.BacklogSlope, P50: r.Delivery.P50, P99: r.Delivery.P99, P999: r.Delivery.P999, Max: r.Delivery.Max,
		Errors: e.Refused + e.Throttled + e.ServerErrors + e.Unknown + e.Unanswered, Lost: e.Lost, Duplicated: e.Duplicated, Reordered: e.Reordered,
		Verdict: r.Verdict, Reason: r.Reason,
	}
}

// WriteJSON writes the canonical form: indented, keys in a fixed order, byte for byte the same for the same result.
func WriteJSON(w io.Writer, r *Result) error {
	c := *r
	c.Schema, c.SchemaVersion = SchemaID, SchemaVersion
	// Lists that are always there are written empty rather than as null.
	if c.Search != nil && c.Search.Trials == nil {
		search := *c.Search
		search.Trials = []Trial{}
		c.Search = &search
	}
	if c.Sweep != nil && c.Sweep.Points == nil {
		sweep := *c.Sweep
		sweep.Points = []Point{}
		c.Sweep = &sweep
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(&c); err != nil {
		return fmt.Errorf("write load result: %w", err)
	}
	return nil
}

// ReadJSON reads what WriteJSON wrote. Another schema or version, a missing verdict and anything after the result are
// errors. Unknown fields are ignored, as a version may gain some.
func ReadJSON(r io.Reader) (*Result, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read load result: %w", err)
	}
	// The identity comes first: the fields of another version might not even decode.
	var id struct {
		Schema        string  `json:"schema"`
		SchemaVersion int     `json:"schemaVersion"`
		Verdict       Verdict `json:"verdict"`
	}
	if err := json.Unmarshal(data, &id); err != nil {
		return nil, fmt.Errorf("read load result: expected a load.json, as `sequitur load --out` writes it: %w", readable(err))
	}
	if id.Schema != SchemaID || id.SchemaVersion != SchemaVersion {
		return nil, fmt.Errorf("read load result: schema %q version %d: expected %q version %d",
			id.Schema, id.SchemaVersion, SchemaID, SchemaVersion)
	}
	if id.Verdict == "" {
		return nil, errors.New("read load result: verdict is missing")
	}
	var result Result
	if err := json.Unmarshal(data, &result); err != nil {
		return nil, fmt.Errorf("read load result: %w", readable(err))
	}
	return &result, nil
}

// readable takes Go's types out of an error of decoding.
func readable(err error) error {
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("%s: found %s at byte %d, which does not fit there", cmp.Or(wrong.Field, "the whole"), wrong.Value, wrong.Offset)
	}
	return err
}
