package account

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// TestMarksTellTheFirst: however many goroutines add the same numbers in whatever order, each number is new exactly once.
func TestMarksTellTheFirst(t *testing.T) {
	const workers, span = 4, 1 << 19
	var m marks
	var first atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(w)))
			for i := range uint32(span) {
				// Near the front, sometimes far behind it, so that pages freeze under additions.
				n := i
				switch r.IntN(20) {
				case 0:
					n = i - min(i, uint32(r.IntN(1<<18)))
				case 1:
					n = i ^ uint32(r.IntN(64))
				}
				if m.add(n) {
					first.Add(1)
				}
				if m.add(i) {
					first.Add(1)
				}
			}
		})
	}
	wg.Wait()
	all := m.bitmap()
	if got := all.GetCardinality(); got != span || first.Load() != span {
		t.Errorf("%d numbers, %d of them new, want %d", got, first.Load(), span)
	}
}

func TestMarksFarOffStayCheap(t *testing.T) {
	var m marks
	for i := range uint32(1000) {
		if !m.add(4_000_000_000-i*100_000) || m.add(4_000_000_000-i*100_000) {
			t.Fatal("a number is new once")
		}
		if !m.add(i) || m.add(i) {
			t.Fatal("a number is new once")
		}
	}
	if p := m.hot[0].Load(); p == nil || p.index != 0 {
		t.Error("numbers far off took the place of those in use")
	}
	if n := m.bitmap().GetCardinality(); n != 2000 {
		t.Errorf("%d numbers, want 2000", n)
	}
}

func TestMarksKeepWhatIsFrozen(t *testing.T) {
	var m marks
	want := map[uint32]bool{}
	r := rand.New(rand.NewPCG(3, 4))
	for page := range uint32(12) {
		for range 500 {
			n := page<<pageBits | uint32(r.IntN(1<<pageBits))
			if m.add(n) == want[n] {
				t.Fatalf("%d: new and not new", n)
			}
			want[n] = true
		}
	}
	got := m.bitmap()
	for n := range want {
		if !got.Contains(n) {
			t.Fatalf("%d is lost", n)
		}
		if m.add(n) {
			t.Fatalf("%d is forgotten", n)
		}
	}
	if got.GetCardinality() != uint64(len(want)) {
		t.Errorf("%d numbers, want %d", got.GetCardinality(), len(want))
	}
}
