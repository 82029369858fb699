package account

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The range and resolution of latencies, in microseconds: 1 µs to 1 h, 3 digits.
const (
	lowest  = 1
	highest = int64(time.Hour / time.Microsecond)
	digits  = 3
	// roughly is the resolution of the time series and the waterfall, which must be small more than fine.
	roughly = 2
)

// hist is a histogram of latencies that many goroutines record in. The zero value is empty.
type hist struct {
	mu sync.Mutex
	h  *hdrhistogram.PackedHistogram
}

func (h *hist) record(d time.Duration) {
	v := micros(d)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.h == nil {
		h.h = hdrhistogram.NewPacked(lowest, highest, digits)
	}
	_ = h.h.RecordValue(v) // v is in range
}

// copy returns what was recorded, nil if nothing was.
func (h *hist) copy() *hdrhistogram.PackedHistogram {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.h == nil {
		return nil
	}
	return h.h.Clone()
}

// micros is a latency as it is recorded. Time that seems to run backwards, by rounding, is none.
func micros(d time.Duration) int64 {
	return min(max(int64(d/time.Microsecond), 0), highest)
}

// add adds histograms of which either may be nil; the first may be changed.
func add(a, b *hdrhistogram.PackedHistogram) *hdrhistogram.PackedHistogram {
	switch {
	case b == nil:
		return a
	case a == nil:
		return b.Clone()
	}
	a.Merge(b)
	return a
}
