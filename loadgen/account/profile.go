package account

import (
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"sync"
	"time"
)

// profile takes delivery latencies apart, exactly enough to say afterwards what made any range of them: events are sorted
// into rows by their latency, as a histogram does, and a row sums the parts of its events. Rows add.
type profile struct {
	mu   sync.Mutex
	rows map[int]*row
}

// row sums the events of one bucket of latency. Parts are in microseconds: the lateness, then transit and service of each
// receiver.
type row struct {
	n     uint64
	parts []int64
}

// bucket is the row of a latency: 64 rows an octave, so that a row is 1.6 % wide at most.
func bucket(us int64) int {
	shift := max(0, bits.Len64(uint64(us))-7)
	return shift<<6 + int(us>>shift)
}

// bucketLimit is above every bucket of a latency that can be recorded.
var bucketLimit = bucket(highest) + 1

type span struct {
	part int
	us   int64
}

func (p *profile) record(latency time.Duration, parts int, spans []span) {
	b := bucket(micros(latency))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rows == nil {
		p.rows = map[int]*row{}
	}
	r := p.rows[b]
	if r == nil {
		r = &row{parts: make([]int64, parts)}
		p.rows[b] = r
	}
	r.n++
	for _, s := range spans {
		r.parts[s.part] += s.us
	}
}

func (p *profile) copy() map[int]*row {
	p.mu.Lock()
	defer p.mu.Unlock()
	rows := make(map[int]*row, len(p.rows))
	addRows(rows, p.rows)
	return rows
}

func addRows(to, from map[int]*row) {
	for b, r := range from {
		if to[b] == nil {
			to[b] = &row{parts: make([]int64, len(r.parts))}
		}
		to[b].n += r.n
		for i, us := range r.parts {
			to[b].parts[i] += us
		}
	}
}

// waterfall is the mean of the events between two quantiles of latency. A row that lies across a limit counts in
// proportion.
func waterfall(rows map[int]*row, receivers []Receiver, from, to float64) Waterfall {
	w := Waterfall{From: from, To: to}
	total := uint64(0)
	for _, r := range rows {
		total += r.n
	}
	low, high := from*float64(total), to*float64(total)
	sums := make([]float64, 1+2*len(receivers))
	seen, events := 0.0, 0.0
	for _, b := range slices.Sorted(maps.Keys(rows)) {
		r := rows[b]
		n := float64(r.n)
		if share := (min(high, seen+n) - max(low, seen)) / n; share > 0 {
			events += share * n
			for i, us := range r.parts {
				sums[i] += share * float64(us)
			}
		}
		seen += n
	}
	if events == 0 {
		return w
	}
	w.Events = max(1, uint64(events+0.5))
	put := func(name string, i int, service bool) {
		if sums[i] > 0 || i == 0 {
			mean := time.Duration(math.Round(sums[i] / events * float64(time.Microsecond)))
			w.Parts = append(w.Parts, Part{Name: name, Mean: mean, Service: service})
			w.Mean += mean
		}
	}
	put("lateness", 0, false)
	for _, r := range byDepth(receivers) {
		put("to "+receivers[r].Name, 1+2*r, false)
		put("in "+receivers[r].Name, 2+2*r, true)
	}
	return w
}

// byDepth lists steps and sinks in the order in which an event comes to them.
func byDepth(receivers []Receiver) (order []int) {
	for i, r := range receivers {
		if r.Kind != DeadLetter {
			order = append(order, i)
		}
	}
	depth := func(r int) (d int) {
		for receivers[r].After != Ingress {
			r = receivers[r].After
			d++
		}
		return d
	}
	slices.SortStableFunc(order, func(a, b int) int { return depth(a) - depth(b) })
	return order
}

// checkWays refuses ways that do not lead to the sender.
func checkWays(receivers []Receiver) error {
	for i, r := range receivers {
		if r.Kind == DeadLetter {
			continue
		}
		at, hops := i, 0
		for receivers[at].After != Ingress {
			next := receivers[at].After
			if next < 0 || next >= len(receivers) || receivers[next].Kind != Step {
				return fmt.Errorf("receiver %d (%s): it comes after receiver %d, which is no step", at, receivers[at].Name, next)
			}
			if at, hops = next, hops+1; hops > len(receivers) {
				return fmt.Errorf("receiver %d (%s): the steps before it go in a circle", i, r.Name)
			}
		}
	}
	return nil
}
