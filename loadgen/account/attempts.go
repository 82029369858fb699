package account

import (
	"math"
	"sync"
	"sync/atomic"
)

// attempts counts how often events were offered to a receiver until it accepted them.
type attempts struct {
	failed atomic.Bool // there was a failure at all
	mu     sync.Mutex
	before map[uint32]*[1 << chunkBits]uint8 // failures of events that are not accepted yet, by chunks of sequence numbers

	accepted [manyAttempts]atomic.Uint64 // events by the number of attempts, less one
}

// manyAttempts is where attempts are no longer told apart.
const manyAttempts = 16

func (a *attempts) refuse(seq uint32) {
	a.failed.Store(true)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.before == nil {
		a.before = map[uint32]*[1 << chunkBits]uint8{}
	}
	c := a.before[seq>>chunkBits]
	if c == nil {
		c = new([1 << chunkBits]uint8)
		a.before[seq>>chunkBits] = c
	}
	if n := &c[seq&(1<<chunkBits-1)]; *n < math.MaxUint8 {
		*n++
	}
}

func (a *attempts) accept(seq uint32) { a.accepted[min(a.forget(seq), manyAttempts-1)].Add(1) }

// forget returns the failures of an event and takes them for settled.
func (a *attempts) forget(seq uint32) (n uint8) {
	if !a.failed.Load() {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.before[seq>>chunkBits]; c != nil {
		n, c[seq&(1<<chunkBits-1)] = c[seq&(1<<chunkBits-1)], 0
	}
	return n
}

// counts returns how many events were accepted at attempt i+1, and how many were not accepted in i+1 attempts.
func (a *attempts) counts() (accepted, never []uint64) {
	accepted, never = make([]uint64, manyAttempts), make([]uint64, manyAttempts)
	for i := range a.accepted {
		accepted[i] = a.accepted[i].Load()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.before {
		for _, n := range c {
			if n > 0 {
				never[min(n, manyAttempts)-1]++
			}
		}
	}
	return accepted, never
}
