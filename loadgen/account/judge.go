package account

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a share comes to.
type Result struct {
	Events    Events
	Receivers []ReceiverResult // as in Config.Receivers
	// Histograms are in microseconds, 1 µs to 1 h, 3 digits, of events that were due after the warm-up.
	Lateness *hdrhistogram.PackedHistogram // request begun - due
	Ack      *hdrhistogram.PackedHistogram // 2xx read - due
	Delivery *hdrhistogram.PackedHistogram // the last expected receipt - due
	// Untimed counts deliveries that are in no histogram Delivery: their receivers are in several processes, or their due
	// time is not known.
	Untimed uint64
	// Typical and Slowest take apart the delivery latency of the events between its 45th and 55th percentile, and of the
	// slowest 1 %.
	Typical, Slowest Waterfall
	Series           []Interval
}

// Events counts events.
type Events struct {
	Sent             uint64
	Acked            uint64
	Refused          uint64
	Throttled        uint64
	ServerErrors     uint64
	Unknown          uint64
	Unanswered       uint64 // sent, and no outcome recorded: the run ended before
	Delivered        uint64 // acknowledged, and received by all expected receivers
	DeadLettered     uint64 // acknowledged, and dead letters answer for those expected receivers that did not get it
	Lost             uint64 // acknowledged, and an expected receiver without receipt or dead letter
	Undirected       uint64 // acknowledged, and no receiver expects it
	Recovered        uint64 // of unknown outcome or unanswered, and received somewhere
	Vanished         uint64 // of unknown outcome or unanswered, and received nowhere
	RefusedDelivered uint64 // refused in whichever way, and yet received
	Duplicated       uint64 // accepted more than once by a receiver that should get it once
	WrongFanOut      uint64 // sent, and received where it was not expected, or lost at some and received at other receivers
	NeverSent        uint64 // received, and not sent by anybody
	Reordered        uint64 // receipts; see Order
}

// ReceiverResult is what happened at a receiver.
type ReceiverResult struct {
	Receiver
	Receipts   uint64 // all requests that could be told
	Accepted   uint64 // those answered 2xx
	Strays     uint64 // requests with no event of this run
	Delivered  uint64 // events, distinct
	Duplicates uint64 // receipts beyond the first accepted one
	Lost       Listing
	Duplicated Listing
	Unexpected Listing // events that the oracle sends elsewhere
	NeverSent  Listing
	// Attempts[i] counts events that were accepted at attempt i+1; the last element counts all later ones.
	Attempts []uint64
	// Failed[i] counts events that were never accepted, after i+1 attempts; the last element counts all with more.
	Failed   []uint64
	Order    Order
	Delivery *hdrhistogram.PackedHistogram // first accepted receipt - due
	Transit  *hdrhistogram.PackedHistogram // receipt - answer of the step before it (request begun, if first)
	Service  *hdrhistogram.PackedHistogram // answer - receipt; empty at receivers that record no answers
}

// Listing is a set of events, told as ranges.
type Listing struct {
	Count  uint64
	Ranges []Range // in order; the first MaxRanges of them
	More   uint64  // ranges left out
}

// Range is a run of events of one source, both ends included.
type Range struct {
	Source      int
	First, Last uint64
}

// Order tells how receipts overtook one another within a key, as RFC 4737 defines it. Duplicates are left out.
type Order struct {
	Arrivals  uint64 // first accepted receipts
	Reordered uint64 // of which a later event of the key was received earlier
	// Extent is the distance in receipts to the earliest receipt of a later event (RFC 4737, 4.2).
	ExtentMax uint64
	ExtentP50 uint64
	// ThreeReordered counts receipts right after three or more of later events (RFC 4737, 5).
	ThreeReordered uint64
}

// Waterfall takes a latency apart. Parts are means, so that they add up to Mean.
type Waterfall struct {
	From, To float64 // the quantiles of the delivery latency between which events were taken
	Events   uint64
	Mean     time.Duration
	Parts    []Part
}

// Part is one part of a latency, in the order in which they come.
type Part struct {
	Name    string        // lateness, "to NAME" or "in NAME"
	Mean    time.Duration // over all events of the waterfall
	Service bool          // time within a receiver, rather than between two
}

// Interval is one interval of the time series.
type Interval struct {
	Start        time.Duration
	Offered      uint64 // due
	Sent         uint64
	Acked        uint64
	Errors       uint64 // refused, throttled, server errors, unknown
	Delivered    uint64 // events whose last expected receipt came
	DeadLettered uint64
	InFlight     uint64        // at the end of the interval
	P50, P99     time.Duration // of deliveries in the interval; 0 if there was none
}

// Judge says what a share comes to. Only call it when nothing arrives any more: what is not received by now is lost.
func (s *Share) Judge(c Config) (*Result, error) { return &Result{}, nil }
