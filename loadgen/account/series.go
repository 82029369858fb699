package account

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// series counts by intervals of time. What happens before the epoch is put into the first interval, and what happens after
// maxIntervals into the last.
type series struct {
	width time.Duration

	mu    sync.Mutex
	cells []*cell
}

const maxIntervals = 1 << 20

// cell is one interval. Left counts the events that ceased to be in flight.
type cell struct {
	Offered      uint64 `json:"offered"`
	Sent         uint64 `json:"sent"`
	Acked        uint64 `json:"acked"`
	Errors       uint64 `json:"errors"`
	Delivered    uint64 `json:"delivered"`
	DeadLettered uint64 `json:"deadLettered"`
	Left         uint64 `json:"left"`

	latency *hdrhistogram.PackedHistogram
}

// at calls f with the interval of a time, under the lock.
func (s *series) at(t time.Duration, f func(*cell)) {
	i := int(min(max(t/s.width, 0), maxIntervals-1))
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.cells) <= i {
		s.cells = append(s.cells, nil)
	}
	if s.cells[i] == nil {
		s.cells[i] = new(cell)
	}
	f(s.cells[i])
}

func (c *cell) record(d time.Duration) {
	if c.latency == nil {
		c.latency = hdrhistogram.NewPacked(lowest, highest, roughly)
	}
	_ = c.latency.RecordValue(micros(d)) // in range
}

func (c *cell) add(d *cell) {
	c.Offered += d.Offered
	c.Sent += d.Sent
	c.Acked += d.Acked
	c.Errors += d.Errors
	c.Delivered += d.Delivered
	c.DeadLettered += d.DeadLettered
	c.Left += d.Left
	c.latency = add(c.latency, d.latency)
}

func (c *cell) clone() *cell {
	d := *c
	if c.latency != nil {
		d.latency = c.latency.Clone()
	}
	return &d
}

// copy returns the intervals; nil ones are empty.
func (s *series) copy() []*cell {
	s.mu.Lock()
	defer s.mu.Unlock()
	cells := make([]*cell, len(s.cells))
	for i, c := range s.cells {
		if c != nil {
			cells[i] = c.clone()
		}
	}
	return cells
}

// before returns the latency quantiles of the interval before the one of a time, in which nothing changes any more but
// for stragglers.
func (s *series) before(t time.Duration) (p50, p99 time.Duration) {
	i := int(min(t/s.width, maxIntervals)) - 1
	s.mu.Lock()
	defer s.mu.Unlock()
	if i < 0 || i >= len(s.cells) || s.cells[i] == nil {
		return 0, 0
	}
	return quantile(s.cells[i].latency, 50), quantile(s.cells[i].latency, 99)
}

func quantile(h *hdrhistogram.PackedHistogram, percent float64) time.Duration {
	if h == nil || h.TotalCount() == 0 {
		return 0
	}
	return time.Duration(h.ValueAtPercentile(percent)) * time.Microsecond
}
