package account

import (
	"sync"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// order observes in which order the events of one source come to one receiver, by key, as RFC 4737 defines reordering: a
// receipt is reordered if a later event of its stream was received before it.
type order struct {
	window int // receipts of a stream that are remembered; extents are cut off there

	mu        sync.Mutex
	streams   map[int]*stream
	arrivals  uint64
	reordered uint64
	three     uint64
	extents   *hdrhistogram.PackedHistogram
}

type stream struct {
	highest uint32
	last    []uint32 // the latest receipts, a ring once it is full
	next    int
}

// The receipts remembered: fewer where there are many streams.
const (
	windowOfOne  = 1 << 10
	windowOfMany = 1 << 6
)

func newOrder(keys int) *order {
	o := &order{window: windowOfOne, streams: map[int]*stream{}, extents: newExtents()}
	if keys > 1 {
		o.window = windowOfMany
	}
	return o
}

func newExtents() *hdrhistogram.PackedHistogram {
	return hdrhistogram.NewPacked(1, windowOfOne, digits)
}

// arrived notes the first accepted receipt of an event.
func (o *order) arrived(key int, seq uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.arrivals++
	s := o.streams[key]
	if s == nil {
		s = &stream{}
		o.streams[key] = s
	}
	if len(s.last) > 0 && seq < s.highest {
		o.overtaken(s, seq)
	}
	s.highest = max(s.highest, seq)
	if len(s.last) < o.window {
		s.last = append(s.last, seq)
		return
	}
	s.last[s.next] = seq
	s.next = (s.next + 1) % o.window
}

// overtaken notes a receipt that came after later ones.
func (o *order) overtaken(s *stream, seq uint32) {
	n := len(s.last)
	run, unbroken := 0, true // later events right before it
	extent := n              // if those that overtook it are forgotten, it is at least this
	for back := 1; back <= n; back++ {
		switch before := s.last[(s.next+n-back)%n]; {
		case before > seq:
			extent = back
			if unbroken {
				run = back
			}
		default:
			unbroken = false
		}
	}
	o.reordered++
	if run >= 3 {
		o.three++
	}
	_ = o.extents.RecordValue(int64(extent)) // within the window
}
