package account

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/RoaringBitmap/roaring/v2"
)

// Share is what one process recorded, or several together: sets, histograms and counts that can be shipped and added. It
// is immutable.
type Share struct{ body }

// body is what a share encodes to.
type body struct {
	Format    string        `json:"format"`
	Version   int           `json:"version"`
	Sources   int           `json:"sources"`
	Receivers []Receiver    `json:"receivers"`
	WarmUp    time.Duration `json:"warmUp"`
	Interval  time.Duration `json:"interval"`

	Books []bookShare     `json:"books"` // of the sources of which something was sent, in order
	Lanes []laneShare     `json:"lanes"` // by source and receiver, in order
	At    []receiverShare `json:"at"`    // by receiver

	Lateness packed           `json:"lateness"`
	Ack      packed           `json:"ack"`
	Delivery packed           `json:"delivery"`
	Untimed  uint64           `json:"untimed"`
	Profile  map[int]rowShare `json:"profile"` // by bucket
	Series   []cellShare      `json:"series"`  // those that are not empty, in order
}

const (
	format  = "sequitur-load-share"
	version = 1
)

type bookShare struct {
	Source       int    `json:"source"`
	Sent         bitmap `json:"sent"`
	Acked        bitmap `json:"acked"`
	Refused      bitmap `json:"refused"` // throttled and server errors too
	Unknown      bitmap `json:"unknown"`
	Throttled    uint64 `json:"throttled"`
	ServerErrors uint64 `json:"serverErrors"`
}

type laneShare struct {
	Source    int      `json:"source"`
	Receiver  int      `json:"receiver"`
	Receipts  uint64   `json:"receipts"`
	Accepted  uint64   `json:"accepted"`
	Again     uint64   `json:"again"`
	Seen      bitmap   `json:"seen"`
	Twice     bitmap   `json:"twice"`
	Extra     bitmap   `json:"extra"`
	Attempts  []uint64 `json:"attempts"`
	Never     []uint64 `json:"never"`
	Arrivals  uint64   `json:"arrivals"`
	Reordered uint64   `json:"reordered"`
	Three     uint64   `json:"three"`
	Extents   packed   `json:"extents"`
}

type receiverShare struct {
	Strays   uint64 `json:"strays"`
	Delivery packed `json:"delivery"`
	Transit  packed `json:"transit"`
	Service  packed `json:"service"`
}

type rowShare struct {
	N     uint64  `json:"n"`
	Parts []int64 `json:"parts"`
}

type cellShare struct {
	Index int `json:"index"`
	cell
	Latency packed `json:"latency"`
}

// bitmap is a roaring bitmap; nil is empty. As JSON it is its portable format in base64.
type bitmap struct{ *roaring.Bitmap }

func (b bitmap) MarshalJSON() ([]byte, error) {
	var data []byte
	if b.Bitmap != nil && !b.IsEmpty() {
		var err error
		if data, err = b.ToBytes(); err != nil {
			return nil, err
		}
	}
	return json.Marshal(data)
}

func (b *bitmap) UnmarshalJSON(text []byte) error {
	var data []byte
	if err := json.Unmarshal(text, &data); err != nil || len(data) == 0 {
		return err
	}
	r, in := roaring.New(), bytes.NewReader(data)
	if _, err := r.ReadFrom(in); err != nil {
		return fmt.Errorf("bitmap: %w", err)
	}
	if in.Len() > 0 {
		return errors.New("bitmap: there is more after its end")
	}
	if err := r.Validate(); err != nil {
		return fmt.Errorf("bitmap: %w", err)
	}
	b.Bitmap = r
	return nil
}

// or returns the bitmap itself, never nil. It must not be changed.
func (b bitmap) or() *roaring.Bitmap {
	if b.Bitmap == nil {
		return roaring.New()
	}
	return b.Bitmap
}

// packed is a histogram; nil is empty. As JSON it is HdrHistogram's V2 compressed encoding, base64.
type packed struct{ *hdrhistogram.PackedHistogram }

func (p packed) MarshalJSON() ([]byte, error) {
	if p.PackedHistogram == nil || p.TotalCount() == 0 {
		return []byte(`""`), nil
	}
	text, err := p.Encode()
	if err != nil {
		return nil, err
	}
	return json.Marshal(string(text))
}

func (p *packed) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil || text == "" {
		return err
	}
	h, err := hdrhistogram.DecodePacked([]byte(text))
	if err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	p.PackedHistogram = h
	return nil
}

// like refuses a histogram of another range or resolution, which could not be added exactly.
func (p packed) like(want *hdrhistogram.PackedHistogram) error {
	h := p.PackedHistogram
	if h == nil || h.LowestTrackableValue() == want.LowestTrackableValue() && h.HighestTrackableValue() == want.HighestTrackableValue() &&
		h.SignificantFigures() == want.SignificantFigures() {
		return nil
	}
	return fmt.Errorf("histogram of %d to %d with %d digits: expected %d to %d with %d", h.LowestTrackableValue(),
		h.HighestTrackableValue(), h.SignificantFigures(), want.LowestTrackableValue(), want.HighestTrackableValue(), want.SignificantFigures())
}

// Share returns all that was recorded so far. Recording may go on; what goes on meanwhile may be in some histograms and intervals and
// not in others, but what is in the share as ended is in it as sent.
func (a *Account) Share() *Share {
	s := &Share{body{
		Format: format, Version: version, Sources: a.config.Sources, Receivers: a.config.Receivers,
		WarmUp: a.config.WarmUp, Interval: a.config.interval(), At: make([]receiverShare, len(a.receivers)),
		Lateness: packed{a.lateness.copy()}, Ack: packed{a.ack.copy()}, Delivery: packed{a.delivery.copy()},
		Untimed: a.untimed.Load(), Profile: map[int]rowShare{},
	}}
	for i := range a.books {
		b := &a.books[i]
		if b.flights.Load() == nil {
			continue
		}
		// What is recorded last is read first, and so has what goes before it.
		book := bookShare{Source: i, Throttled: b.throttled.Load(), ServerErrors: b.serverErrors.Load()}
		book.Acked, book.Refused, book.Unknown = bitmap{b.acked.bitmap()}, bitmap{b.refused.bitmap()}, bitmap{b.unknown.bitmap()}
		book.Sent = bitmap{b.sent.bitmap()}
		s.Books = append(s.Books, book)
	}
	for i := range a.lanes {
		if l := a.lanes[i].Load(); l != nil {
			s.Lanes = append(s.Lanes, l.share(i/len(a.receivers), i%len(a.receivers)))
		}
	}
	for i := range a.receivers {
		r := &a.receivers[i]
		s.At[i] = receiverShare{Strays: r.strays.Load(), Delivery: packed{r.delivery.copy()}, Transit: packed{r.transit.copy()}, Service: packed{r.service.copy()}}
	}
	for b, r := range a.profile.copy() {
		s.Profile[b] = rowShare{N: r.n, Parts: r.parts}
	}
	s.Series = shareCells(a.series.copy())
	return s
}

func (l *lane) share(source, receiver int) laneShare {
	s := laneShare{
		Source: source, Receiver: receiver, Receipts: l.receipts.Load(), Accepted: l.accepted.Load(), Again: l.again.Load(),
		Seen: bitmap{l.seen.bitmap()}, Twice: bitmap{l.twice.bitmap()}, Extra: bitmap{l.extra.bitmap()},
	}
	s.Attempts, s.Never = l.attempts.counts()
	l.order.mu.Lock()
	defer l.order.mu.Unlock()
	s.Arrivals, s.Reordered, s.Three = l.order.arrivals, l.order.reordered, l.order.three
	s.Extents = packed{l.order.extents.Clone()}
	return s
}

func shareCells(cells []*cell) (list []cellShare) {
	for i, c := range cells {
		if c != nil {
			list = append(list, cellShare{Index: i, cell: *c, Latency: packed{c.latency}})
		}
	}
	return list
}

// MarshalBinary encodes the share: JSON, in which sets are roaring bitmaps and histograms HdrHistogram's own encoding.
func (s *Share) MarshalBinary() ([]byte, error) { return json.Marshal(&s.body) }

// Limits of what UnmarshalBinary takes, far above what is sensible.
const (
	maxSources   = 1 << 20
	maxReceivers = 1 << 16
)

// UnmarshalBinary decodes what MarshalBinary made, and refuses everything else.
func (s *Share) UnmarshalBinary(data []byte) error {
	var b body
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return fmt.Errorf("read a share of a load run: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read a share of a load run: there is more after its end")
	}
	if err := b.check(); err != nil {
		return fmt.Errorf("read a share of a load run: %w", err)
	}
	s.body = b
	return nil
}

func (b *body) check() error {
	if b.Format != format || b.Version != version {
		return fmt.Errorf("format %q version %d: expected %q version %d", b.Format, b.Version, format, version)
	}
	if b.Sources > maxSources || len(b.Receivers) > maxReceivers || len(b.At) != len(b.Receivers) {
		return fmt.Errorf("%d sources, %d receivers, %d of them with results", b.Sources, len(b.Receivers), len(b.At))
	}
	if err := (Config{Sources: b.Sources, Receivers: b.Receivers, WarmUp: b.WarmUp, Interval: b.Interval}).check(); err != nil {
		return err
	}
	if b.Interval == 0 {
		return errors.New("no interval")
	}
	fine, rough, extents := hdrhistogram.NewPacked(lowest, highest, digits), hdrhistogram.NewPacked(lowest, highest, roughly), newExtents()
	problem := errors.Join(b.Lateness.like(fine), b.Ack.like(fine), b.Delivery.like(fine))
	for _, r := range b.At {
		problem = errors.Join(problem, r.Delivery.like(fine), r.Transit.like(fine), r.Service.like(fine))
	}
	last := -1
	for _, book := range b.Books {
		if book.Source <= last || book.Source >= b.Sources {
			return fmt.Errorf("source %d after source %d of %d", book.Source, last, b.Sources)
		}
		last = book.Source
	}
	last = -1
	for _, l := range b.Lanes {
		at := l.Source*len(b.Receivers) + l.Receiver
		if l.Source < 0 || l.Source >= b.Sources || l.Receiver < 0 || l.Receiver >= len(b.Receivers) || at <= last {
			return fmt.Errorf("source %d at receiver %d: not in order, or there are none such", l.Source, l.Receiver)
		}
		last = at
		if len(l.Attempts) != manyAttempts || len(l.Never) != manyAttempts {
			return fmt.Errorf("%d and %d counts of attempts, expected %d", len(l.Attempts), len(l.Never), manyAttempts)
		}
		problem = errors.Join(problem, l.Extents.like(extents))
	}
	for i, r := range b.Profile {
		if i < 0 || i >= bucketLimit || len(r.Parts) != 1+2*len(b.Receivers) {
			return fmt.Errorf("profile: row %d with %d parts", i, len(r.Parts))
		}
	}
	last = -1
	for _, c := range b.Series {
		if c.Index <= last || c.Index >= maxIntervals {
			return fmt.Errorf("interval %d after interval %d", c.Index, last)
		}
		last = c.Index
		problem = errors.Join(problem, c.Latency.like(rough))
	}
	return problem
}

// Merge adds shares of the same configuration. Sets, and the counts that come of them, are exact however the events were
// spread over processes. What joins several observations of one event (the last receipt, the waterfall, order, attempts, how many
// dead letters one sink may have) is exact if each source was sent and received by one process; else it covers what one process saw.
func Merge(shares ...*Share) (*Share, error) {
	if len(shares) == 0 {
		return nil, errors.New("there is no share to merge")
	}
	first := shares[0]
	sum := &Share{body{
		Format: format, Version: version, Sources: first.Sources, Receivers: first.Receivers, WarmUp: first.WarmUp,
		Interval: first.Interval, At: make([]receiverShare, len(first.Receivers)), Profile: map[int]rowShare{},
	}}
	books, lanes := map[int]bookShare{}, map[[2]int]laneShare{}
	rows, cells := map[int]*row{}, map[int]*cell{}
	for _, s := range shares {
		if s.Sources != sum.Sources || s.WarmUp != sum.WarmUp || s.Interval != sum.Interval || !sameReceivers(s.Receivers, sum.Receivers) {
			return nil, errors.New("shares of different runs cannot be added: sources, receivers, warm-up and interval must be the same")
		}
		for _, b := range s.Books {
			books[b.Source] = addBooks(books[b.Source], b)
		}
		for _, l := range s.Lanes {
			at := [2]int{l.Source, l.Receiver}
			if before, ok := lanes[at]; ok {
				l = addLanes(before, l)
			}
			lanes[at] = l
		}
		for i, r := range s.At {
			at := &sum.At[i]
			at.Strays += r.Strays
			at.Delivery, at.Transit, at.Service = addPacked(at.Delivery, r.Delivery), addPacked(at.Transit, r.Transit), addPacked(at.Service, r.Service)
		}
		sum.Lateness, sum.Ack, sum.Delivery = addPacked(sum.Lateness, s.Lateness), addPacked(sum.Ack, s.Ack), addPacked(sum.Delivery, s.Delivery)
		sum.Untimed += s.Untimed
		addRows(rows, s.rows())
		for _, c := range s.Series {
			if cells[c.Index] == nil {
				cells[c.Index] = new(cell)
			}
			cells[c.Index].add(c.whole())
		}
	}
	for _, source := range slices.Sorted(maps.Keys(books)) {
		sum.Books = append(sum.Books, books[source])
	}
	for _, at := range slices.SortedFunc(maps.Keys(lanes), func(a, b [2]int) int { return slices.Compare(a[:], b[:]) }) {
		sum.Lanes = append(sum.Lanes, lanes[at])
	}
	for b, r := range rows {
		sum.Profile[b] = rowShare{N: r.n, Parts: r.parts}
	}
	for _, i := range slices.Sorted(maps.Keys(cells)) {
		sum.Series = append(sum.Series, cellShare{Index: i, cell: *cells[i], Latency: packed{cells[i].latency}})
	}
	return sum, nil
}

// Vouch takes what was received of a source for sent, and not answered. That is for a source that ended before it had told of all that
// it sent: what comes of it is no stranger. It returns how many events it added to those that the source told of.
func (s *Share) Vouch(source int) (share *Share, added uint64) {
	come := roaring.New()
	for _, l := range s.Lanes {
		if l.Source == source {
			come.Or(l.Seen.or())
			come.Or(l.Extra.or())
		}
	}
	sum := *s
	sum.Books = slices.Clone(s.Books)
	i, told := slices.BinarySearchFunc(sum.Books, source, func(b bookShare, source int) int { return b.Source - source })
	if !told {
		sum.Books = slices.Insert(sum.Books, i, bookShare{Source: source})
	}
	b := &sum.Books[i]
	added = come.GetCardinality() - come.AndCardinality(b.Sent.or())
	b.Sent = bitmap{roaring.Or(b.Sent.or(), come)}
	return &sum, added
}

func sameReceivers(a, b []Receiver) bool {
	return slices.EqualFunc(a, b, func(x, y Receiver) bool {
		return x.Name == y.Name && x.Kind == y.Kind && x.After == y.After && slices.Equal(x.Covers, y.Covers)
	})
}

func (c cellShare) whole() *cell {
	whole := c.cell
	whole.latency = c.Latency.PackedHistogram
	return &whole
}

func (s *Share) rows() map[int]*row {
	rows := make(map[int]*row, len(s.Profile))
	for b, r := range s.Profile {
		rows[b] = &row{n: r.N, parts: r.Parts}
	}
	return rows
}

// addPacked gives a histogram of its own, as those of a share must not change.
func addPacked(a, b packed) packed {
	if b.PackedHistogram == nil {
		return a
	}
	return packed{add(a.PackedHistogram, b.PackedHistogram)}
}

func addBooks(a, b bookShare) bookShare {
	return bookShare{
		Source: b.Source, Sent: union(a.Sent, b.Sent), Acked: union(a.Acked, b.Acked), Refused: union(a.Refused, b.Refused),
		Unknown: union(a.Unknown, b.Unknown), Throttled: a.Throttled + b.Throttled, ServerErrors: a.ServerErrors + b.ServerErrors,
	}
}

func addLanes(a, b laneShare) laneShare {
	both := roaring.And(a.Seen.or(), b.Seen.or())
	both.Or(a.Twice.or())
	both.Or(b.Twice.or())
	sum := laneShare{
		Source: a.Source, Receiver: a.Receiver, Receipts: a.Receipts + b.Receipts, Accepted: a.Accepted + b.Accepted, Again: a.Again + b.Again,
		Seen: union(a.Seen, b.Seen), Twice: bitmap{both}, Extra: union(a.Extra, b.Extra),
		Attempts: make([]uint64, manyAttempts), Never: make([]uint64, manyAttempts),
		Arrivals: a.Arrivals + b.Arrivals, Reordered: a.Reordered + b.Reordered, Three: a.Three + b.Three,
	}
	for i := range manyAttempts {
		sum.Attempts[i], sum.Never[i] = a.Attempts[i]+b.Attempts[i], a.Never[i]+b.Never[i]
	}
	sum.Extents = addPacked(addPacked(packed{}, a.Extents), b.Extents)
	return sum
}

func union(a, b bitmap) bitmap { return bitmap{roaring.Or(a.or(), b.or())} }
