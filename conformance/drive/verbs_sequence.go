package drive

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/api"
	"github.com/sequitur-dev/sequitur/fixtures/event"
)

// Gate holds back the answers of receivers until it is opened; see receiver.Held. It is safe for concurrent use.
type Gate struct {
	once sync.Once
	open chan struct{}
}

// NewGate returns a closed gate.
func NewGate() *Gate { return &Gate{open: make(chan struct{})} }

// Opened is closed when the gate is open.
func (g *Gate) Opened() <-chan struct{} { return g.open }

// Open opens the gate; doing it again changes nothing.
func (g *Gate) Open() { g.once.Do(func() { close(g.open) }) }

// SendThenOpen posts events and opens the gate when all are acknowledged, at the latest after limit: a target that waits
// for its consumers before it acknowledges would otherwise wait for ever.
func (s *Stage) SendThenOpen(to string, g *Gate, limit time.Duration, events ...*event.Event) {
	t := time.AfterFunc(limit, g.Open)
	defer g.Open()
	defer t.Stop()
	s.Send(to, events...)
}

// Trials sends a new event and waits for silence, again and again, each time in a phase of its own, until the history so far
// satisfies holds for one of the phases, with which it is called. It tells whether that came within the patience for a status.
// A target may show a change as Ready a moment before it is in force; where it is slow, the event of a trial is at its ends
// some trials later.
func (s *Stage) Trials(to, what string, holds func(v *history.View, phase string) bool) bool {
	end := time.Now().Add(s.bench.patience.Ready)
	var phases []string
	for n := 1; ; n++ {
		phases = append(phases, fmt.Sprintf("trial %d of %s", n, what))
		s.Mark(phases[n-1])
		s.Send(to, s.NewEvent())
		s.Quiet("")
		v := s.log.view()
		ok := slices.ContainsFunc(phases, func(phase string) bool { return holds(v, phase) })
		if ok || time.Now().After(end) {
			s.log.add(time.Time{}, history.Op{Kind: history.Settled, OK: ok, Note: what})
			return ok
		}
	}
}

// Often calls step with 0, 1, … until it says no, has been called most times, or has been called least times and the patience
// for a status is used up: where a step takes long, a few say enough.
func (s *Stage) Often(least, most int, step func(i int) bool) {
	end := time.Now().Add(s.bench.patience.Ready)
	for i := 0; i < most && (i < least || time.Now().Before(end)) && step(i); i++ {
	}
}

// pollEvery is how often a state is asked for that the target does not announce.
const pollEvery = 10 * time.Millisecond

// AtMost waits until a kind has at most n objects in the namespace that are controlled by owner ("Sequence/s"; any object
// if empty), records those that there are at the end of the wait, and tells whether it came.
func (s *Stage) AtMost(n int, kind, owner string) bool {
	var last []api.Object
	ok := s.poll(func() bool {
		objects, err := s.bench.target.List(s.ctx, Ref(kind+"/", s.namespace))
		if err != nil {
			s.stop("harness", "%s could not be listed: %v", kind, err)
		}
		last = last[:0]
		for _, o := range objects {
			if owner == "" || controlled(o, owner) {
				last = append(last, o)
			}
		}
		return len(last) <= n
	})
	for _, o := range last {
		s.show(kind+"/"+o.GetHead().Metadata.Name, o)
	}
	s.log.add(time.Time{}, history.Op{Kind: history.Settled, OK: ok, Note: fmt.Sprintf("at most %d %s", n, kind)})
	return ok
}

func controlled(o api.Object, owner string) bool {
	for _, r := range o.GetHead().Metadata.OwnerReferences {
		if r.Controller && r.Kind+"/"+r.Name == owner {
			return true
		}
	}
	return false
}

// Rejects posts new events until one is not accepted with 2xx, and tells whether that came in time.
func (s *Stage) Rejects(to string) bool {
	return s.Poll(to, to+" accepts no event", func(code int) bool { return code/100 != 2 })
}

// poll asks until the answer is yes, or the patience for a status is over.
func (s *Stage) poll(holds func() bool) bool {
	end := time.NewTimer(s.bench.patience.Ready)
	defer end.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if holds() {
			return true
		}
		select {
		case <-tick.C:
		case <-end.C:
			return false
		case <-s.ctx.Done():
			s.interrupted()
		}
	}
}
