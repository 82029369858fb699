package account

import (
	"errors"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/RoaringBitmap/roaring/v2"
)

// Result is what a share comes to.
type Result struct {
	Events    Events
	Receivers []ReceiverResult // as in Config.Receivers
	// Histograms are in microseconds, 1 µs to 1 h, 3 digits, of events that were due after the warm-up.
	Lateness *hdrhistogram.PackedHistogram // request begun - due
	Ack      *hdrhistogram.PackedHistogram // 2xx read - due
	Delivery *hdrhistogram.PackedHistogram // the last expected receipt - due
	// Untimed counts receipts at sinks that could not be timed: the event had been refused, or another process sent it and it
	// does not say when it was due.
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

// MaxRanges is how many ranges a listing holds.
const MaxRanges = 20

// Judge says what a share comes to; c is the configuration of the accounts that it comes from, whose Expect decides. Only
// call it when nothing arrives any more: what is not received by now is lost.
func (s *Share) Judge(c Config) (*Result, error) {
	if c.Sources != s.Sources || !sameReceivers(c.Receivers, s.Receivers) {
		return nil, errors.New("the share is of another configuration: sources and receivers must be the same")
	}
	r := &Result{
		Receivers: make([]ReceiverResult, len(s.Receivers)), Untimed: s.Untimed,
		Lateness: s.Lateness.histogram(), Ack: s.Ack.histogram(), Delivery: s.Delivery.histogram(),
	}
	extents := make([]packed, len(s.Receivers))
	for i := range r.Receivers {
		at := s.At[i]
		r.Receivers[i] = ReceiverResult{
			Receiver: s.Receivers[i], Receipts: at.Strays, Strays: at.Strays,
			Attempts: make([]uint64, manyAttempts), Failed: make([]uint64, manyAttempts),
			Delivery: at.Delivery.histogram(), Transit: at.Transit.histogram(), Service: at.Service.histogram(),
		}
	}
	j := judgement{all: c.Expect == nil, result: r, sinks: c.set(Sink)}
	c.expectAll()
	j.config = c
	books, lanes := map[int]bookShare{}, map[int][]laneShare{}
	for _, b := range s.Books {
		books[b.Source] = b
	}
	for _, l := range s.Lanes {
		lanes[l.Source] = append(lanes[l.Source], l)
		at := &r.Receivers[l.Receiver]
		at.Receipts += l.Receipts
		at.Accepted += l.Accepted
		at.Duplicates += l.Accepted - l.Again - l.Seen.or().GetCardinality()
		for i := range manyAttempts {
			at.Attempts[i] += l.Attempts[i]
			at.Failed[i] += l.Never[i]
		}
		at.Order.Arrivals += l.Arrivals
		at.Order.Reordered += l.Reordered
		at.Order.ThreeReordered += l.Three
		extents[l.Receiver] = addPacked(extents[l.Receiver], l.Extents)
		if at.Kind == Sink {
			r.Events.Reordered += l.Reordered
		}
	}
	for i, e := range extents {
		if e.PackedHistogram != nil && e.TotalCount() > 0 {
			r.Receivers[i].Order.ExtentMax = uint64(e.Max())
			r.Receivers[i].Order.ExtentP50 = uint64(e.ValueAtPercentile(50))
		}
	}
	for source := range s.Sources {
		j.source(source, books[source], lanes[source])
	}
	rows := s.rows()
	r.Typical, r.Slowest = waterfall(rows, s.Receivers, 0.45, 0.55), waterfall(rows, s.Receivers, 0.99, 1)
	r.Series = s.intervals()
	return r, nil
}

// histogram is a copy that belongs to who asked, never nil.
func (p packed) histogram() *hdrhistogram.PackedHistogram {
	if p.PackedHistogram == nil {
		return hdrhistogram.NewPacked(lowest, highest, digits)
	}
	return p.Clone()
}

func (s *Share) intervals() []Interval {
	if len(s.Series) == 0 {
		return nil
	}
	list := make([]Interval, s.Series[len(s.Series)-1].Index+1)
	for i := range list {
		list[i].Start = time.Duration(i) * s.Interval
	}
	inFlight := make([]int64, len(list))
	for _, c := range s.Series {
		at := &list[c.Index]
		at.Offered, at.Sent, at.Acked, at.Errors = c.Offered, c.Sent, c.Acked, c.Errors
		at.Delivered, at.DeadLettered = c.Delivered, c.DeadLettered
		at.P50, at.P99 = quantile(c.Latency.PackedHistogram, 50), quantile(c.Latency.PackedHistogram, 99)
		inFlight[c.Index] = int64(c.Sent) - int64(c.Left)
	}
	sum := int64(0)
	for i := range list {
		sum += inFlight[i]
		list[i].InFlight = uint64(max(0, sum))
	}
	return list
}

// judgement judges one source after the other.
type judgement struct {
	config Config
	all    bool // every event goes everywhere
	result *Result
	sinks  *Set
}

// fates are the sets of events of one source.
type fates struct {
	lost      *roaring.Bitmap // at some receiver
	missing   *roaring.Bitmap // lost, or a dead letter took the place
	directed  *roaring.Bitmap // somebody expects it
	received  *roaring.Bitmap // somewhere, as expected
	twice     *roaring.Bitmap
	astray    *roaring.Bitmap // received where not expected
	lostSinks *roaring.Bitmap // lost at a sink
	atSinks   *roaring.Bitmap // received at a sink
	strange   *roaring.Bitmap // received, and not sent
}

func (j *judgement) source(source int, b bookShare, lanes []laneShare) {
	sent, acked := b.Sent.or(), b.Acked.or()
	at := make([]laneShare, len(j.config.Receivers))
	for _, l := range lanes {
		at[l.Receiver] = l
	}
	expected := j.expected(source, sent)
	f := fates{
		lost: roaring.New(), missing: roaring.New(), directed: roaring.New(), received: roaring.New(), twice: roaring.New(),
		astray: roaring.New(), lostSinks: roaring.New(), atSinks: roaring.New(), strange: roaring.New(),
	}
	for i, r := range j.config.Receivers {
		seen := at[i].Seen.or()
		out := &j.result.Receivers[i]
		known := roaring.And(seen, sent)
		out.Delivered += known.GetCardinality()
		f.received.Or(known)
		strange := roaring.Or(seen, at[i].Extra.or())
		strange.AndNot(sent)
		out.NeverSent.add(source, strange)
		f.strange.Or(strange)
		twice := roaring.And(at[i].Twice.or(), sent)
		if r.Kind == DeadLetter {
			twice = j.oneLetter(source, i, twice)
		}
		out.Duplicated.add(source, twice)
		f.twice.Or(twice)
		astray := roaring.And(at[i].Extra.or(), sent)
		out.Unexpected.add(source, astray)
		f.astray.Or(astray)
		if r.Kind == DeadLetter {
			continue
		}
		owed := expected(i)
		f.directed.Or(owed)
		owed = roaring.And(owed, acked)
		missing := roaring.AndNot(owed, seen)
		f.missing.Or(missing)
		lost := missing.Clone()
		for d, letter := range j.config.Receivers {
			if letter.Kind == DeadLetter && j.config.covered(letter).Has(i) {
				lost.AndNot(at[d].Seen.or())
			}
		}
		out.Lost.add(source, lost)
		f.lost.Or(lost)
		if r.Kind == Sink {
			f.lostSinks.Or(lost)
			f.atSinks.Or(known)
		}
	}
	j.count(b, &f)
}

// oneLetter keeps of the events that came to a dead-letter sink again those for which it should have one letter.
func (j *judgement) oneLetter(source, deadLetter int, twice *roaring.Bitmap) *roaring.Bitmap {
	covered := j.config.covered(j.config.Receivers[deadLetter])
	one := roaring.New()
	for seq := range twice.Iterate {
		if j.config.Expect(source, uint64(seq)).common(j.sinks, covered) <= 1 {
			one.Add(seq)
		}
	}
	return one
}

func (j *judgement) count(b bookShare, f *fates) {
	sent, acked, e := b.Sent.or(), b.Acked.or(), &j.result.Events
	refused := b.Refused.or()
	e.Sent += sent.GetCardinality()
	e.Acked += acked.GetCardinality()
	e.Throttled += b.Throttled
	e.ServerErrors += b.ServerErrors
	e.Refused += refused.GetCardinality() - b.Throttled - b.ServerErrors
	e.Unknown += b.Unknown.or().GetCardinality()
	unsure := roaring.AndNot(sent, acked)
	unsure.AndNot(refused)
	e.Unanswered += roaring.AndNot(unsure, b.Unknown.or()).GetCardinality()
	e.Recovered += unsure.AndCardinality(f.received)
	e.Vanished += unsure.GetCardinality() - unsure.AndCardinality(f.received)
	e.RefusedDelivered += refused.AndCardinality(f.received)

	directed := roaring.And(acked, f.directed)
	e.Undirected += acked.GetCardinality() - directed.GetCardinality()
	e.Lost += f.lost.GetCardinality()
	e.DeadLettered += f.missing.GetCardinality() - f.lost.GetCardinality()
	e.Delivered += directed.GetCardinality() - f.missing.GetCardinality()
	e.NeverSent += f.strange.GetCardinality()
	e.Duplicated += f.twice.GetCardinality()
	wrong := roaring.And(f.lostSinks, f.atSinks)
	wrong.Or(f.astray)
	e.WrongFanOut += wrong.GetCardinality()
}

// expected returns, for each receiver but the dead-letter sinks, which of the events should come to it.
func (j *judgement) expected(source int, sent *roaring.Bitmap) func(receiver int) *roaring.Bitmap {
	if j.all {
		return func(int) *roaring.Bitmap { return sent }
	}
	bySet := map[*Set]*roaring.Bitmap{}
	var room [4096]uint32
	for it := sent.ManyIterator(); ; {
		n := it.NextMany(room[:])
		if n == 0 {
			break
		}
		for _, seq := range room[:n] {
			set := j.config.Expect(source, uint64(seq))
			if bySet[set] == nil {
				bySet[set] = roaring.New()
			}
			bySet[set].Add(seq)
		}
	}
	return func(receiver int) *roaring.Bitmap {
		all := roaring.New()
		for set, events := range bySet {
			if set.Has(receiver) {
				all.Or(events)
			}
		}
		return all
	}
}

// add adds events of a source, which come in order.
func (l *Listing) add(source int, events *roaring.Bitmap) {
	l.Count += events.GetCardinality()
	for from := events.NextValue(0); from >= 0; {
		end := events.NextAbsentValue(uint32(from)) - 1
		if end < from {
			end = maxSeq // there is no number after the highest
		}
		if len(l.Ranges) < MaxRanges {
			l.Ranges = append(l.Ranges, Range{Source: source, First: uint64(from), Last: uint64(end)})
		} else {
			l.More++
		}
		if end >= maxSeq {
			return
		}
		from = events.NextValue(uint32(end + 1))
	}
}
