package drive

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// log is the growing history of one scenario. Appending also hands the op to the run's sink, in the same order.
type log struct {
	scenario string
	began    time.Time
	sink     func(*history.Op) error

	mu      sync.Mutex
	ops     []history.Op
	changed chan struct{} // closed and replaced at each append while somebody waits
	waiting int
	done    map[string]int      // answered stimulus exchanges by receiver
	passed  map[string]struct{} // "receiver id" of barriers and canaries seen
	closed  bool
	err     error // first error of the sink
}

func newLog(scenario string, began time.Time, sink func(*history.Op) error) *log {
	return &log{scenario: scenario, began: began, sink: sink, changed: make(chan struct{}),
		done: map[string]int{}, passed: map[string]struct{}{}}
}

// add appends an op. at is when it was observed; the zero time means now. Ops after close are dropped: the scenario is
// over and judged.
func (l *log) add(at time.Time, op history.Op) {
	if at.IsZero() {
		at = time.Now()
	}
	op.T = at.Sub(l.began)
	op.Scenario = l.scenario
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	op.N = len(l.ops) + 1
	l.ops = append(l.ops, op)
	if l.sink != nil && l.err == nil {
		l.err = l.sink(&l.ops[len(l.ops)-1])
	}
	if op.Kind == history.Answered && op.Role == history.Stimulus {
		l.done[op.Who]++
	}
	if op.Kind == history.Received && op.Role != history.Stimulus {
		l.passed[op.Who+" "+op.Event.ID()] = struct{}{}
	}
	if l.waiting > 0 {
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

// came returns the receivers that a barrier has come to, sorted.
func (l *log) came(id string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var at []string
	for key := range l.passed {
		if who, what, _ := strings.Cut(key, " "); what == id {
			at = append(at, who)
		}
	}
	slices.Sort(at)
	return at
}

// close ends the log and returns what it holds, in the order of time.
func (l *log) close() ([]history.Op, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return l.ops, l.err
}

// view indexes what there is so far.
func (l *log) view() *history.View {
	l.mu.Lock()
	defer l.mu.Unlock()
	return history.NewView(l.scenario, nil, slices.Clone(l.ops))
}

// longest is how many times its patience a wait may take while something goes on: who is slow is waited for, who is in a loop
// is not.
const longest = 5

// await returns true once holds does, which is asked under the lock after each append, or false when done is closed, when
// nothing was appended for as long as patience lasts, or when that has been so many times over.
func (l *log) await(done <-chan struct{}, patience time.Duration, holds func() bool) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	end := time.Now().Add(longest * patience)
	l.mu.Lock()
	l.waiting++
	defer func() {
		l.waiting--
		l.mu.Unlock()
	}()
	for {
		if holds() {
			return true
		}
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
			timer.Reset(min(patience, time.Until(end)))
			l.mu.Lock()
		case <-timer.C:
			l.mu.Lock()
			return holds()
		case <-done:
			l.mu.Lock()
			return holds()
		}
	}
}

// silence returns when nothing was appended for the window, or false when done is closed or limit has passed.
func (l *log) silence(done <-chan struct{}, window, limit time.Duration) bool {
	end := time.NewTimer(limit)
	defer end.Stop()
	quiet := time.NewTimer(window)
	defer quiet.Stop()
	l.mu.Lock()
	l.waiting++
	defer func() {
		l.waiting--
		l.mu.Unlock()
	}()
	for {
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
			quiet.Reset(window)
			l.mu.Lock()
		case <-quiet.C:
			l.mu.Lock()
			return true
		case <-end.C:
			l.mu.Lock()
			return false
		case <-done:
			l.mu.Lock()
			return false
		}
	}
}
