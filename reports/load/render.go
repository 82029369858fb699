package load

import "io"

// TextOptions says how WriteText looks.
type TextOptions struct {
	Color bool
	Width int // columns, 0 for 100
}

// WriteText writes the summary that a person reads at a terminal.
func WriteText(w io.Writer, r *Result, o TextOptions) error { return nil }

// WriteHGRM writes a latency as HdrHistogram's percentile output, in milliseconds, as its plotters read it. A latency
// without histogram is an error.
func WriteHGRM(w io.Writer, l Latency) error { return nil }

// Picture is one picture of a result: a file name and an SVG document.
type Picture struct {
	Name string
	SVG  []byte
}

// Pictures draws what the result has data for: latency.svg, series.svg, waterfall.svg, queue.svg, and search.svg or
// sweep.svg.
func Pictures(r *Result) ([]Picture, error) { return nil, nil }
