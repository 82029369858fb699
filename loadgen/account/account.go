// Package account keeps the books of a load run: what became of every event, and how long it took. It records at rate from
// many goroutines in bounded memory, ships what it recorded in a compact form, adds the shares of several processes
// exactly, and judges the sum.
//
// An event is a source and a sequence number, dense from 0 in each source. All times are nanoseconds since the run's epoch,
// on one monotonic clock.
package account

import (
	"time"
)

// Kind says what part a receiver plays.
type Kind string

// The kinds of receivers.
const (
	Step       Kind = "step"        // answers with a new event that goes on to another receiver
	Sink       Kind = "sink"        // the end of an event's way: a sink, or a subscriber whose answer goes nowhere
	DeadLetter Kind = "dead-letter" // takes what could not be delivered
)

// Ingress, as Receiver.After, is the sender itself.
const Ingress = -1

// Receiver is one endpoint of the topology. Receivers are known by their position in Config.Receivers. An endpoint that
// rightly gets an event by several ways (the reply sink of a Parallel with two matching branches) is several receivers,
// one for each way: the steps have to mark what they answer.
type Receiver struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// After is the step whose answer this receiver is given, Ingress if it is given what was sent. It joins the steps to
	// the ways that the waterfall shows. Of no meaning for a dead-letter sink.
	After int `json:"after"`
	// Covers lists the receivers for whose failure an event comes to this dead-letter sink; empty means all. A dead letter
	// answers for all expected receivers that it covers.
	Covers []int `json:"covers,omitempty"`
}

// Set is an immutable set of receivers.
type Set struct{ words []uint64 }

// NewSet makes a set of positions in Config.Receivers.
func NewSet(receivers ...int) *Set {
	s := &Set{}
	for _, r := range receivers {
		for len(s.words) <= r/64 {
			s.words = append(s.words, 0)
		}
		s.words[r/64] |= 1 << (r % 64)
	}
	return s
}

// Has tells whether receiver r is in the set.
func (s *Set) Has(r int) bool { return r/64 < len(s.words) && s.words[r/64]&(1<<(r%64)) != 0 }

// Config says what is accounted. All processes of a run use the same one.
type Config struct {
	// Sources is the number of sources in the run, over all processes: events carry 0 ≤ source < Sources.
	Sources   int
	Receivers []Receiver
	// Expect is the oracle: the receivers that an event must reach, steps on its way included, dead-letter sinks never. It
	// is a pure function, called at every send and receipt by many goroutines, and returns one of few sets made
	// beforehand. Nil means that every event goes to every receiver except the dead-letter sinks.
	Expect func(source int, seq uint64) *Set
	// Key is the partition key of an event, 0 ≤ key < Keys, within which order is observed; a pure function, as Expect.
	// Nil means that the events of a source are one stream.
	Key  func(source int, seq uint64) int
	Keys int
	// WarmUp: events that are due before it are accounted for, but are in no histogram.
	WarmUp time.Duration
	// Interval is the width of an interval of the time series; 0 means one second.
	Interval time.Duration
}

// Outcome is how a request of the sender ended.
type Outcome uint8

// The outcomes. An unknown one is legal whether the event is delivered or not.
const (
	Acked       Outcome = iota // 2xx: the target owes the delivery
	Refused                    // 4xx except 429, and what is no answer to an event
	Throttled                  // 429
	ServerError                // 5xx
	Unknown                    // timeout, reset: no answer was read
)

// Receipt is one request of the target to a receiver.
type Receipt struct {
	Receiver int
	Source   int
	Seq      uint64
	In       time.Duration // the receiver's handler was entered
	// Due is the intended send time if the event carries it, which it must where sender and receiver are different
	// processes; 0 means that this process sent the event and knows.
	Due time.Duration
	// Accepted tells that the receiver will answer 2xx. A call that is answered otherwise is an attempt, no delivery.
	Accepted bool
}

// Account records. All methods may be called by many goroutines at once; none of them blocks for long.
type Account struct {
	config Config
}

// New makes an empty account. It fails if the configuration makes no sense.
func New(c Config) (*Account, error) { return &Account{config: c}, nil }

// Sent records that the request of an event begins: due is when the schedule wanted it, at is now. Each event is sent
// once, and before anything else is recorded of it in this process. seq is below 1<<32.
func (a *Account) Sent(source int, seq uint64, due, at time.Duration) {}

// Ended records how the request of a sent event ended.
func (a *Account) Ended(source int, seq uint64, o Outcome, at time.Duration) {}

// Arrived records that a receiver was called with an event. Call it when the handler is entered, before it answers.
func (a *Account) Arrived(r Receipt) {}

// Replied records that a step is about to write its answer to the receipt r, for the waterfall. Call it just before the
// answer's first byte, so that what follows from it comes later. It is not needed at sinks.
func (a *Account) Replied(r Receipt, out time.Duration) {}

// Stray records that a receiver was called with something that is no event of this run, or has lost its identity.
func (a *Account) Stray(receiver int, at time.Duration) {}

// Live is the state of an account at a moment. Numbers are events unless said otherwise.
type Live struct {
	Sent         uint64
	Acked        uint64
	Refused      uint64 // Refused, Throttled and ServerError
	Unknown      uint64
	Delivered    uint64 // to all expected receivers
	DeadLettered uint64
	Duplicates   uint64 // receipts
	Unexpected   uint64 // receipts
	// InFlight is how many events were sent and are neither refused, of unknown outcome, delivered nor dead-lettered.
	InFlight uint64
	// Receipts counts every request at any receiver; Last is the time of the latest.
	Receipts uint64
	Last     time.Duration
	// P50 and P99 are delivery latencies of the latest interval that is complete; 0 if there was no delivery.
	P50, P99 time.Duration
}

// Live returns the present state. It is cheap, but not for every event.
func (a *Account) Live() Live { return Live{} }

// Share returns all that was recorded so far. Recording may go on, but what goes on meanwhile may be in the share in part.
func (a *Account) Share() *Share { return &Share{} }
