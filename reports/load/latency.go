package load

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Of tells the distribution in a histogram of microseconds, with the whole of it if keep is set. A nil or empty histogram
// gives the zero value.
func Of(h *hdrhistogram.PackedHistogram, keep bool) Latency {
	if h == nil || h.TotalCount() == 0 {
		return Latency{}
	}
	at := func(percentile float64) float64 { return micros(float64(h.ValueAtPercentile(percentile))) }
	l := Latency{
		Count: uint64(h.TotalCount()), Min: micros(float64(h.Min())), Mean: micros(h.Mean()),
		P50: at(50), P90: at(90), P95: at(95), P99: at(99), P999: at(99.9), P9999: at(99.99), Max: micros(float64(h.Max())),
	}
	if keep {
		// Encoding writes to memory alone, and cannot fail.
		if encoded, err := h.EncodeV2(); err == nil {
			l.HDR = string(encoded)
		}
	}
	return l
}

// micros makes seconds of microseconds.
func micros(us float64) float64 { return us / 1e6 }

// histogram decodes the histogram of a latency, in microseconds; nil if it has none.
func (l Latency) histogram() (h *hdrhistogram.Histogram, err error) {
	if l.HDR == "" {
		return nil, nil
	}
	defer func() { // the decoder trusts lengths that a damaged file may have wrong
		if r := recover(); r != nil {
			h, err = nil, fmt.Errorf("decode histogram: %v", r)
		}
	}()
	if h, err = hdrhistogram.Decode([]byte(l.HDR)); err != nil {
		return nil, fmt.Errorf("decode histogram: %w", err)
	}
	return h, nil
}

// WriteHGRM writes a latency as HdrHistogram's percentile output, in milliseconds, as its plotters read it. A latency
// without histogram is an error.
func WriteHGRM(w io.Writer, l Latency) error {
	h, err := l.histogram()
	switch {
	case err != nil:
		return fmt.Errorf("write percentiles: %w", err)
	case h == nil:
		return errors.New("write percentiles: the latency has no histogram")
	}
	const ticksPerHalf, micro = 5, 1000
	b := bufio.NewWriter(w)
	if _, err := h.PercentilesPrint(b, ticksPerHalf, micro); err != nil {
		return fmt.Errorf("write percentiles: %w", err)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write percentiles: %w", err)
	}
	return nil
}
