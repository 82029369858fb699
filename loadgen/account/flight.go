package account

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// flights holds, for each event of a source, what is needed until nothing more is awaited of it: when it was due, how many
// receipts are to come, and when it was at which step. It is kept in chunks, and a chunk is forgotten when nothing is awaited of
// any event in it, so that memory grows with what is under way or lost, and not with what was sent.
type flights struct {
	blocks [1 << 12]atomic.Pointer[block]
	far    sync.Map // seq → due, of those that the chunk's base cannot reach
}

const (
	chunkBits = 10
	blockBits = 10
	slack     = time.Minute // events of one chunk may be told of in any order; none is due this much before the first one told
)

type block [1 << blockBits]atomic.Pointer[chunk]

type chunk struct {
	base  time.Duration
	done  atomic.Int32 // events of which nothing more is awaited
	trace *trace
	*entries
}

// entries are apart from their chunk, so that the garbage collector need not look into them.
type entries struct {
	due   [1 << chunkBits]atomic.Uint32
	state [1 << chunkBits]atomic.Uint32
}

// trace holds when the events of a chunk were where, in microseconds after they were due, plus one; 0 is unknown. For each
// event: when it was sent, then for each step when it came in and when it went out. Nil if it was dropped.
type trace struct {
	at atomic.Pointer[[]atomic.Uint32]
}

// What chunk.due holds besides microseconds after the base.
const (
	noDue  = 0
	farDue = math.MaxUint32
)

// The state of an event: how many receipts at sinks are to come, and what is over.
const (
	toCome   = 1<<16 - 1
	answered = 1 << 16 // the outcome of its request is known
	refused  = 1 << 17
	left     = 1 << 18 // it counts as in flight no longer
	dead     = 1 << 19 // a dead letter took the place of a receipt
	finished = 1 << 20 // nothing is awaited
)

// through takes the place of a chunk that is forgotten.
var through = new(chunk)

// find returns the chunk of an event and the event's place in it, nil if there is none.
func (f *flights) find(seq uint64) (*chunk, int) {
	b := f.blocks[seq>>(chunkBits+blockBits)].Load()
	if b == nil {
		return nil, 0
	}
	c := b[seq>>chunkBits&(1<<blockBits-1)].Load()
	if c == through {
		return nil, 0
	}
	return c, int(seq & (1<<chunkBits - 1))
}

// slot is the place of an event's chunk.
func (f *flights) slot(seq uint64) *atomic.Pointer[chunk] {
	top := &f.blocks[seq>>(chunkBits+blockBits)]
	b := top.Load()
	if b == nil {
		top.CompareAndSwap(nil, new(block))
		b = top.Load()
	}
	return &b[seq>>chunkBits&(1<<blockBits-1)]
}

func newChunk(due time.Duration) *chunk {
	return &chunk{base: max(0, due-slack).Truncate(time.Microsecond), trace: new(trace), entries: new(entries)}
}

// intend notes when an event is due.
func (f *flights) intend(c *chunk, i int, seq uint64, due time.Duration) {
	if after := int64((due-c.base)/time.Microsecond) + 1; after > noDue && after < farDue {
		c.due[i].Store(uint32(after))
		return
	}
	f.far.Store(seq, due)
	c.due[i].Store(farDue)
}

// begin makes the entry of an event. The chunk is new if this call made it.
func (f *flights) begin(seq uint64, due time.Duration, sinks int) (c *chunk, i int, fresh bool) {
	slot := f.slot(seq)
	if c = slot.Load(); c == nil {
		fresh = slot.CompareAndSwap(nil, newChunk(due))
		c = slot.Load()
	}
	i = int(seq & (1<<chunkBits - 1))
	f.intend(c, i, seq, due)
	c.state[i].Store(uint32(min(sinks, toCome)))
	return c, i, fresh
}

// meet is begin for an event of another process, of which several receipts may come at once. Nobody will say how its request
// ended, nor that there is an event that no sink expects. When it was due is 0 if nobody knows; it is a moment now. The chunk is nil if
// nothing is awaited of it any more.
func (f *flights) meet(seq uint64, due, now time.Duration, sinks func(seq uint64) int) (c *chunk, i int, fresh bool) {
	slot := f.slot(seq)
	if c = slot.Load(); c == nil {
		base := due
		if due == 0 {
			base = now
		}
		n := newChunk(base)
		for i := range n.state {
			if sinks(seq&^(1<<chunkBits-1)+uint64(i)) == 0 {
				n.state[i].Store(answered | finished)
				n.done.Add(1)
			}
		}
		fresh = slot.CompareAndSwap(nil, n)
		c = slot.Load()
	}
	if c == through {
		return nil, 0, false
	}
	i = int(seq & (1<<chunkBits - 1))
	// Whoever finds a due time takes the state for complete. All receipts say the same.
	c.state[i].CompareAndSwap(0, answered|uint32(min(sinks(seq), toCome)))
	if due > 0 {
		f.intend(c, i, seq, due)
	}
	return c, i, fresh
}

// dueOf returns when an event was due, to the microsecond, and whether that is known.
func (f *flights) dueOf(c *chunk, i int, seq uint64) (time.Duration, bool) {
	switch d := c.due[i].Load(); d {
	case noDue:
		return 0, false
	case farDue:
		due, ok := f.far.Load(seq)
		if !ok {
			return 0, false
		}
		return due.(time.Duration), true
	default:
		return c.base + time.Duration(d-1)*time.Microsecond, true
	}
}

// finish notes that nothing is awaited of an event, once, and forgets a chunk that is through.
func (f *flights) finish(c *chunk, i int, seq uint64) {
	if c.state[i].Or(finished)&finished != 0 {
		return
	}
	if c.due[i].Load() == farDue {
		f.far.Delete(seq)
	}
	if c.done.Add(1) == 1<<chunkBits {
		c.trace.at.Store(nil)
		f.slot(seq).Store(through)
	}
}

// traces bounds the memory of all traces: only the latest chunks have one.
type traces struct {
	slots int // numbers that an event has
	mu    sync.Mutex
	kept  []*trace // a ring, the oldest at next
	next  int
}

const traceMemory = 16 << 20

func newTraces(steps int) *traces {
	slots := 1 + 2*steps
	return &traces{slots: slots, kept: make([]*trace, max(8, traceMemory/(4<<chunkBits)/slots))}
}

// open gives a new chunk its trace.
func (t *traces) open(c *chunk) {
	at := make([]atomic.Uint32, t.slots<<chunkBits)
	c.trace.at.Store(&at)
	t.mu.Lock()
	old := t.kept[t.next]
	t.kept[t.next] = c.trace
	t.next = (t.next + 1) % len(t.kept)
	t.mu.Unlock()
	if old != nil {
		old.at.Store(nil)
	}
}

// note stores a time since an event was due, unless there is one already, and tells whether it did.
func (t *traces) note(c *chunk, i, slot int, since time.Duration) bool {
	at := c.trace.at.Load()
	return at != nil && (*at)[i*t.slots+slot].CompareAndSwap(0, tick(since))
}

// get returns a time since an event was due.
func (t *traces) get(c *chunk, i, slot int) (time.Duration, bool) {
	at := c.trace.at.Load()
	if at == nil {
		return 0, false
	}
	v := (*at)[i*t.slots+slot].Load()
	return time.Duration(int64(v)-1) * time.Microsecond, v != 0
}

func tick(since time.Duration) uint32 {
	return uint32(min(max(int64(since/time.Microsecond), 0)+1, math.MaxUint32))
}
