// Package account keeps the books of a load run: what became of every event, and how long it took. It records at rate from
// many goroutines in bounded memory, ships what it recorded in a compact form, adds the shares of several processes
// exactly, and judges the sum.
//
// An event is a source and a sequence number, dense from 0 in each source. All times are nanoseconds since the run's epoch,
// on one monotonic clock.
package account

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"sync/atomic"
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

// Ingress is the sender itself, as what comes before a receiver.
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

// common is the number of receivers that are in all of the sets.
func (s *Set) common(others ...*Set) (n int) {
	for i, w := range s.words {
		for _, o := range others {
			if i >= len(o.words) {
				return n
			}
			w &= o.words[i]
		}
		n += bits.OnesCount64(w)
	}
	return n
}

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
	// Left, if set, is called for each event that is in flight no longer, by whoever told its end. It must be quick.
	Left func()
	// Elsewhere says that other processes send what this one receives: events that do not carry their times are events, too.
	Elsewhere bool
	// Gone, if set, says that another process receives what this one sends. It gets each event that is refused or of unknown outcome
	// and might be received all the same: whether that has been already only the receivers know, whose account is to be told by
	// Depart. It must be quick.
	Gone func(Departure)
}

// Departure is an event that is in flight no longer because of how its request ended, unless it was received before.
type Departure struct {
	Source  int           `json:"source"`
	Seq     uint64        `json:"seq"`
	Due     time.Duration `json:"due"`
	At      time.Duration `json:"at"`
	Refused bool          `json:"refused,omitempty"` // else the outcome is unknown
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

// Receipt is one request of the target to a receiver. Where receivers of a run are in several processes, its sources'
// events should each keep to one process, as far as possible; see Merge.
type Receipt struct {
	Receiver int
	Source   int
	Seq      uint64
	In       time.Duration // the receiver's handler was entered
	// Due is the intended send time if the event carries it, which it must where sender and receiver are different
	// processes; 0 means that this process sent the event and knows. Sent is when it was sent indeed.
	Due, Sent time.Duration
	// Accepted tells that the receiver will answer 2xx. A call that is answered otherwise is an attempt, no delivery.
	Accepted bool
}

// Account records. All methods may be called by many goroutines at once; none of them waits for anything but short locks.
type Account struct {
	config Config
	sinks  *Set   // the receivers of kind Sink
	covers []*Set // what each dead-letter sink covers; nil for other receivers
	slots  []int  // where a step's times are in a trace; 0 for other receivers

	books     []book
	lanes     []atomic.Pointer[lane] // by source and receiver
	receivers []receiver
	traces    *traces
	series    series
	profile   profile

	lateness, ack, delivery hist

	sent, acked, refused, unknown, delivered, deadLettered, duplicates, unexpected, untimed, receipts atomic.Uint64

	gone atomic.Uint64 // events in flight no longer
	last atomic.Int64
}

// book is what is known of the events of a source.
type book struct {
	flights                       atomic.Pointer[flights]
	sent, acked, refused, unknown marks
	throttled, serverErrors       atomic.Uint64
}

func (b *book) open() *flights {
	f := b.flights.Load()
	if f == nil {
		b.flights.CompareAndSwap(nil, new(flights))
		f = b.flights.Load()
	}
	return f
}

// receiver is what is known of a receiver over all sources.
type receiver struct {
	strays                     atomic.Uint64
	delivery, transit, service hist
}

// lane is what came from a source to a receiver.
type lane struct {
	receipts, accepted, again atomic.Uint64
	seen                      marks // accepted, and expected
	twice                     marks // accepted again
	extra                     marks // not expected
	attempts                  attempts
	order                     *order
}

// maxSeq is the highest sequence number of an event.
const maxSeq = math.MaxUint32

// New makes an empty account. It fails if the configuration makes no sense.
func New(c Config) (*Account, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	a := &Account{
		config: c, books: make([]book, c.Sources), receivers: make([]receiver, len(c.Receivers)),
		lanes:  make([]atomic.Pointer[lane], c.Sources*len(c.Receivers)),
		covers: make([]*Set, len(c.Receivers)), slots: make([]int, len(c.Receivers)),
		series: series{width: c.interval()},
	}
	steps := 0
	for i, r := range c.Receivers {
		if r.Kind == Step {
			a.slots[i] = 1 + 2*steps
			steps++
		}
		if r.Kind == DeadLetter {
			a.covers[i] = c.covered(r)
		}
	}
	a.config.expectAll()
	a.sinks = c.set(Sink)
	a.traces = newTraces(steps)
	return a, nil
}

func (c Config) check() error {
	if c.Sources < 1 {
		return errors.New("an account needs a source")
	}
	if len(c.Receivers) == 0 {
		return errors.New("an account needs a receiver")
	}
	if c.Interval < 0 || c.WarmUp < 0 {
		return fmt.Errorf("interval %v and warm-up %v: neither may be negative", c.Interval, c.WarmUp)
	}
	if c.Key != nil && c.Keys < 1 {
		return fmt.Errorf("%d keys: a function of keys needs to have at least one", c.Keys)
	}
	for i, r := range c.Receivers {
		switch r.Kind {
		case Step, Sink, DeadLetter:
		default:
			return fmt.Errorf("receiver %d (%s): kind %q: expected %q, %q or %q", i, r.Name, r.Kind, Step, Sink, DeadLetter)
		}
		for _, other := range r.Covers {
			if r.Kind != DeadLetter || other < 0 || other >= len(c.Receivers) || c.Receivers[other].Kind == DeadLetter {
				return fmt.Errorf("receiver %d (%s): it covers receiver %d: only a dead-letter sink covers, and only steps and sinks", i, r.Name, other)
			}
		}
	}
	return checkWays(c.Receivers)
}

func (c Config) interval() time.Duration {
	if c.Interval == 0 {
		return time.Second
	}
	return c.Interval
}

// set returns the receivers of the kinds.
func (c Config) set(kinds ...Kind) *Set {
	var list []int
	for i, r := range c.Receivers {
		for _, k := range kinds {
			if r.Kind == k {
				list = append(list, i)
			}
		}
	}
	return NewSet(list...)
}

func (c Config) covered(deadLetter Receiver) *Set {
	if len(deadLetter.Covers) == 0 {
		return c.set(Step, Sink)
	}
	return NewSet(deadLetter.Covers...)
}

func (c Config) keyOf(source int, seq uint64) int {
	if c.Key == nil {
		return 0
	}
	return c.Key(source, seq)
}

// expectAll fills in the oracle that Expect's being nil means.
func (c *Config) expectAll() {
	if c.Expect == nil {
		all := c.set(Step, Sink)
		c.Expect = func(int, uint64) *Set { return all }
	}
}

func (a *Account) lane(source, receiver int) *lane {
	slot := &a.lanes[source*len(a.receivers)+receiver]
	l := slot.Load()
	if l == nil {
		slot.CompareAndSwap(nil, &lane{order: newOrder(a.config.Keys)})
		l = slot.Load()
	}
	return l
}

// Sent records that the request of an event begins: due is when the schedule wanted it, at is now. Each event is sent
// once, and before anything else is recorded of it in this process. It panics if seq is not below 1<<32.
func (a *Account) Sent(source int, seq uint64, due, at time.Duration) {
	if seq > maxSeq {
		panic(fmt.Sprintf("account: sequence number %d: it must be below 1<<32", seq))
	}
	b := &a.books[source]
	f := b.open()
	c, i, fresh := f.begin(seq, due, a.config.Expect(source, seq).common(a.sinks))
	if fresh {
		a.traces.open(c)
	}
	a.traces.note(c, i, 0, at-due)
	b.sent.add(uint32(seq))
	if due >= a.config.WarmUp {
		a.lateness.record(at - due)
	}
	a.sent.Add(1)
	a.series.at(due, func(c *cell) { c.Offered++ })
	a.series.at(at, func(c *cell) { c.Sent++ })
}

// Ended records how the request of a sent event ended. The first word counts.
func (a *Account) Ended(source int, seq uint64, o Outcome, at time.Duration) {
	b := &a.books[source]
	f := b.flights.Load()
	if f == nil || seq > maxSeq {
		return
	}
	c, i := f.find(seq)
	if c == nil {
		return
	}
	due, ok := f.dueOf(c, i, seq)
	if !ok {
		return
	}
	flags := uint32(answered)
	switch o {
	case Acked:
	case Unknown:
		flags |= left
	default:
		flags |= left | refused
	}
	old := c.state[i].Or(flags)
	if old&answered != 0 {
		return
	}
	switch o {
	case Acked:
		b.acked.add(uint32(seq))
		a.acked.Add(1)
		if due >= a.config.WarmUp {
			a.ack.record(at - due)
		}
	case Unknown:
		b.unknown.add(uint32(seq))
		a.unknown.Add(1)
	default:
		b.refused.add(uint32(seq))
		a.refused.Add(1)
		switch o {
		case Throttled:
			b.throttled.Add(1)
		case ServerError:
			b.serverErrors.Add(1)
		}
	}
	none := old&toCome == 0 // nothing is to come, or nothing ever was
	leaves := old&left == 0 && flags&left != 0
	if none && c.state[i].Or(left)&left == 0 {
		leaves = true
	}
	if leaves && !none && a.config.Gone != nil {
		leaves = false
		a.config.Gone(Departure{Source: source, Seq: seq, Due: due, At: at, Refused: flags&refused != 0})
	}
	a.series.at(at, func(c *cell) {
		if o == Acked {
			c.Acked++
		} else {
			c.Errors++
		}
		if leaves {
			c.Left++
		}
	})
	if leaves {
		a.leave()
	}
	if none || flags&refused != 0 {
		f.finish(c, i, seq)
	}
}

// Depart records what another process's Config.Gone was told.
func (a *Account) Depart(d Departure) {
	if !a.known(Receipt{Source: d.Source, Seq: d.Seq}) {
		return
	}
	f, c, i := a.meet(d.Source, d.Seq, d.Due, d.At)
	if c == nil {
		return // it was received
	}
	flags := uint32(left)
	if d.Refused {
		flags |= refused
	}
	old := c.state[i].Or(flags)
	if old&left == 0 {
		a.series.at(d.At, func(c *cell) { c.Left++ })
		a.leave()
	}
	if d.Refused {
		f.finish(c, i, d.Seq)
	}
}

// Arrived records that a receiver was called with an event. Call it when the handler is entered, before it answers.
func (a *Account) Arrived(r Receipt) {
	a.saw(r.In)
	if !a.known(r) {
		a.receivers[r.Receiver].strays.Add(1)
		return
	}
	l, seq := a.lane(r.Source, r.Receiver), uint32(r.Seq)
	l.receipts.Add(1)
	expected, kind := a.config.Expect(r.Source, r.Seq), a.config.Receivers[r.Receiver].Kind
	if kind != DeadLetter && !expected.Has(r.Receiver) {
		l.extra.add(seq)
		a.unexpected.Add(1)
		return
	}
	if !r.Accepted {
		l.attempts.refuse(seq)
		return
	}
	l.accepted.Add(1)
	e := a.entry(r)
	if !l.seen.add(seq) {
		if kind == DeadLetter && expected.common(a.sinks, a.covers[r.Receiver]) > 1 {
			l.again.Add(1) // each of several failed deliveries has its dead letter
			a.receipt(e, r, true)
			return
		}
		l.twice.add(seq)
		a.duplicates.Add(1)
		return
	}
	l.attempts.accept(seq)
	if r.Due > 0 || a.config.Elsewhere {
		a.join(&e, r)
	}
	a.timeReceipt(e, r)
	if kind != DeadLetter {
		l.order.arrived(a.config.keyOf(r.Source, r.Seq), seq)
	}
	if kind != Step {
		a.receipt(e, r, kind == DeadLetter)
	}
}

// entry is what is known of the times of a receipt's event.
type entry struct {
	flights *flights
	c       *chunk // nil if this process did not send the event, or awaits nothing of it any more
	i       int
	due     time.Duration
	timed   bool // due is known
}

func (a *Account) entry(r Receipt) (e entry) {
	if e.flights = a.books[r.Source].flights.Load(); e.flights != nil {
		if e.c, e.i = e.flights.find(r.Seq); e.c != nil {
			if e.due, e.timed = e.flights.dueOf(e.c, e.i, r.Seq); e.timed {
				return e
			}
			e.c = nil
		}
	}
	e.due, e.timed = r.Due, r.Due > 0
	return e
}

// meet makes the entry of an event that another process sent, if there is none, so that from then on it is followed as those of
// this process are. The chunk is nil if nothing is awaited of it any more.
func (a *Account) meet(source int, seq uint64, due, now time.Duration) (f *flights, c *chunk, i int) {
	f = a.books[source].open()
	sinks := func(seq uint64) int { return a.config.Expect(source, seq).common(a.sinks) }
	c, i, fresh := f.meet(seq, due, now, sinks)
	if fresh {
		a.traces.open(c)
	}
	return f, c, i
}

// join finds the entry of a receipt from another process by the times that the event carries, if it does.
func (a *Account) join(e *entry, r Receipt) {
	if e.c == nil {
		f, c, i := a.meet(r.Source, r.Seq, r.Due, r.In)
		if c == nil {
			return
		}
		e.flights, e.c, e.i = f, c, i
		e.due, e.timed = f.dueOf(c, i, r.Seq) // to the microsecond, as all that follows has it
	}
	if r.Due > 0 && r.Sent > 0 {
		a.traces.note(e.c, e.i, 0, r.Sent-r.Due)
	}
}

// timeReceipt records the times of a first accepted receipt.
func (a *Account) timeReceipt(e entry, r Receipt) {
	if !e.timed || e.due < a.config.WarmUp {
		return
	}
	a.receivers[r.Receiver].delivery.record(r.In - e.due)
	if e.c == nil || a.config.Receivers[r.Receiver].Kind == DeadLetter {
		return
	}
	if slot := a.slots[r.Receiver]; slot != 0 {
		a.traces.note(e.c, e.i, slot, r.In-e.due)
	}
	if out, ok := a.traces.get(e.c, e.i, a.slotBefore(r.Receiver)); ok {
		a.receivers[r.Receiver].transit.record(r.In - e.due - out)
	}
}

// slotBefore is where the trace has the time from which a receiver's transit counts.
func (a *Account) slotBefore(receiver int) int {
	if before := a.config.Receivers[receiver].After; before != Ingress {
		return a.slots[before] + 1
	}
	return 0
}

// receipt takes one from the receipts to come, for a delivery at a sink or for a dead letter.
func (a *Account) receipt(e entry, r Receipt, letter bool) {
	if e.c == nil {
		if !letter {
			a.untimed.Add(1) // it was refused, or those that were to come had come
		}
		return
	}
	for {
		s := e.c.state[e.i].Load()
		if s&toCome == 0 {
			return // more came than was expected
		}
		n := s - 1
		if letter {
			n |= dead
		}
		if n&toCome == 0 {
			n |= left
		}
		if !e.c.state[e.i].CompareAndSwap(s, n) {
			continue
		}
		if !letter && !e.timed {
			a.untimed.Add(1)
		}
		if n&toCome == 0 {
			a.complete(e, r, n&dead != 0, s&left == 0)
			if n&answered != 0 {
				e.flights.finish(e.c, e.i, r.Seq)
			}
		}
		return
	}
}

// leave takes an event out of those in flight.
func (a *Account) leave() {
	a.gone.Add(1)
	if a.config.Left != nil {
		a.config.Left()
	}
}

// complete records the last receipt of an event.
func (a *Account) complete(e entry, r Receipt, letter, leaves bool) {
	if leaves {
		a.leave()
	}
	latency := r.In - e.due
	counts := !letter && e.timed && e.due >= a.config.WarmUp
	a.series.at(r.In, func(c *cell) {
		if leaves {
			c.Left++
		}
		if letter {
			c.DeadLettered++
			return
		}
		c.Delivered++
		if counts {
			c.record(latency)
		}
	})
	if letter {
		a.deadLettered.Add(1)
		return
	}
	a.delivered.Add(1)
	if !counts {
		return
	}
	a.delivery.record(latency)
	if e.c != nil {
		a.takeApart(e, r, latency)
	}
}

// takeApart adds a delivery to the profile if its whole way is known.
func (a *Account) takeApart(e entry, r Receipt, latency time.Duration) {
	var room [32]span
	spans := room[:0]
	in := micros(latency)
	for at := r.Receiver; ; {
		before := a.slotBefore(at)
		out, ok := a.traces.get(e.c, e.i, before)
		if !ok {
			return
		}
		spans = append(spans, span{1 + 2*at, in - micros(out)})
		if before == 0 {
			spans = append(spans, span{0, micros(out)})
			break
		}
		at = a.config.Receivers[at].After
		came, ok := a.traces.get(e.c, e.i, a.slots[at])
		if !ok {
			return
		}
		spans = append(spans, span{2 + 2*at, micros(out) - micros(came)})
		in = micros(came)
	}
	a.profile.record(latency, 1+2*len(a.receivers), spans)
}

// Replied records that a step is about to write its answer to the receipt r, for the waterfall. Call it just before the
// answer's first byte, so that what follows from it comes later. It is not needed at sinks.
func (a *Account) Replied(r Receipt, out time.Duration) {
	slot := a.slots[r.Receiver]
	if slot == 0 || !r.Accepted || !a.known(r) {
		return
	}
	e := a.entry(r)
	if e.c == nil || e.due < a.config.WarmUp {
		return
	}
	// Only the answer to the receipt that counted counts.
	if in, ok := a.traces.get(e.c, e.i, slot); ok && micros(in) == micros(r.In-e.due) && a.traces.note(e.c, e.i, slot+1, out-e.due) {
		a.receivers[r.Receiver].service.record(out - r.In)
	}
}

// Stray records that a receiver was called with something that is no event of this run, or has lost its identity.
func (a *Account) Stray(receiver int, at time.Duration) {
	a.saw(at)
	a.receivers[receiver].strays.Add(1)
}

func (a *Account) known(r Receipt) bool {
	return r.Source >= 0 && r.Source < a.config.Sources && r.Seq <= maxSeq
}

// saw notes a request at a receiver.
func (a *Account) saw(at time.Duration) {
	a.receipts.Add(1)
	for {
		last := a.last.Load()
		if int64(at) <= last || a.last.CompareAndSwap(last, int64(at)) {
			return
		}
	}
}

// Live is the state of an account at a moment. Numbers are events unless said otherwise.
type Live struct {
	Sent         uint64
	Acked        uint64
	Refused      uint64 // Refused, Throttled and ServerError
	Unknown      uint64
	Delivered    uint64 // to all expected receivers, however their requests ended
	DeadLettered uint64
	Duplicates   uint64 // receipts
	Unexpected   uint64 // receipts
	// InFlight is how many events were sent and are neither refused, of unknown outcome, delivered nor dead-lettered, nor
	// acknowledged and for nobody.
	InFlight uint64
	// Left counts the events that are in flight no longer. Where one process sends and another receives, each counts those of which
	// it knows, and none is counted by both: the sum is to be taken from what was sent.
	Left uint64
	// Receipts counts every request at any receiver; Last is the time of the latest.
	Receipts uint64
	Last     time.Duration
	// P50 and P99 are delivery latencies of the latest whole interval; 0 if there was no delivery.
	P50, P99 time.Duration
}

// Live returns the state at the present moment. It is cheap, but not for every event.
func (a *Account) Live(now time.Duration) Live {
	l := Live{
		Acked: a.acked.Load(), Refused: a.refused.Load(), Unknown: a.unknown.Load(),
		Delivered: a.delivered.Load(), DeadLettered: a.deadLettered.Load(), Duplicates: a.duplicates.Load(),
		Unexpected: a.unexpected.Load(), Left: a.gone.Load(),
		Receipts: a.receipts.Load(), Last: time.Duration(a.last.Load()),
	}
	l.Sent = a.sent.Load() // last, as nothing is acknowledged before it is sent
	l.InFlight = l.Sent - min(l.Sent, l.Left)
	l.P50, l.P99 = a.series.before(now)
	return l
}
