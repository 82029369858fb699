package account

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"
)

// marks is a set of sequence numbers that many goroutines add to at once. The numbers that a run is busy with are in a few
// dense pages, where an addition is one atomic instruction; all others are in a roaring bitmap under a lock. Pages move
// there when numbers far above them come, so that memory is bounded by how irregular the set is, not by how large.
type marks struct {
	hot [hotPages]atomic.Pointer[page]

	mu   sync.Mutex
	cold *roaring.Bitmap // of the numbers that are in no hot page
	top  uint32          // highest page so far
}

const (
	pageBits = 16 // a page is what a roaring container holds
	hotPages = 4  // numbers that are more than three pages below the highest take the slow way
	// leap is how many pages beyond the highest a number may open a page. What lies further is hardly of this run, and must not drive
	// the pages in use from their places.
	leap = 1 << 8
)

type page struct {
	index  uint32
	frozen atomic.Bool
	words  [1 << pageBits / 64]atomic.Uint64
}

// add adds a number and tells whether it was not there before.
func (m *marks) add(n uint32) bool {
	index := n >> pageBits
	slot := &m.hot[index%hotPages]
	for {
		p := slot.Load()
		switch {
		case p != nil && p.index == index:
			word, bit := &p.words[n&(1<<pageBits-1)/64], uint64(1)<<(n%64)
			if word.Or(bit)&bit == 0 {
				return true
			}
			// Subtleness ahead: whoever freezes a page sets all bits of a word as it reads it. So a bit that was clear is
			// certain to be read and new, and one that was set in a frozen page says nothing.
			if !p.frozen.Load() {
				return false
			}
			return m.addCold(n)
		case p != nil && p.index > index:
			return m.addCold(n)
		case !m.open(index):
			return m.addCold(n)
		}
	}
}

func (m *marks) addCold(n uint32) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ensure().CheckedAdd(n)
}

// open makes a page hot, unless that is not worth it.
func (m *marks) open(index uint32) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	slot := &m.hot[index%hotPages]
	old := slot.Load()
	if old != nil && old.index >= index {
		return true // somebody was faster
	}
	first := uint64(index) << pageBits
	if index > m.top+leap || m.ensure().IntersectsWithInterval(first, first+1<<pageBits) {
		return false
	}
	if old != nil {
		m.cold.Or(old.freeze())
	}
	m.top = max(m.top, index)
	slot.Store(&page{index: index})
	return true
}

// ensure returns the cold numbers. The caller holds the lock.
func (m *marks) ensure() *roaring.Bitmap {
	if m.cold == nil {
		m.cold = roaring.New()
	}
	return m.cold
}

// freeze takes what is in the page and makes later additions go another way. The lock is held.
func (p *page) freeze() *roaring.Bitmap {
	p.frozen.Store(true)
	return p.bitmap(func(w *atomic.Uint64) uint64 { return w.Swap(^uint64(0)) })
}

func (p *page) bitmap(read func(*atomic.Uint64) uint64) *roaring.Bitmap {
	words := make([]uint64, len(p.words))
	count := 0
	for i := range p.words {
		words[i] = read(&p.words[i])
		count += bits.OnesCount64(words[i])
	}
	if first := uint64(p.index) << pageBits; count == 1<<pageBits {
		whole := roaring.New()
		whole.AddRange(first, first+1<<pageBits)
		return whole
	}
	b := roaring.AddOffset64(roaring.FromDense(words, false), int64(p.index)<<pageBits)
	b.RunOptimize()
	return b
}

// bitmap returns a copy of the set.
func (m *marks) bitmap() *roaring.Bitmap {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.ensure().Clone()
	for i := range m.hot {
		if p := m.hot[i].Load(); p != nil {
			all.Or(p.bitmap((*atomic.Uint64).Load))
		}
	}
	return all
}
