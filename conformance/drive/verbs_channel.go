package drive

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/event"
)

// While posts events from a number of concurrent senders and calls during meanwhile; it returns when all are answered and
// during is over. A target may acknowledge only when its subscribers have answered, so a script that holds back a
// receiver's answers lets them go in during. during must make no events of its own.
func (s *Stage) While(to string, senders int, events []*event.Event, during func()) {
	s.warm(to)
	target := s.address(to)
	work := make(chan Post, len(events))
	for _, e := range events {
		work <- Post{Event: e}
	}
	close(work)
	var wg sync.WaitGroup
	for range min(senders, len(events)) {
		wg.Go(func() {
			for p := range work {
				s.transmit(to, target, p, history.Stimulus)
			}
		})
	}
	func() {
		defer wg.Wait()
		during()
	}()
	s.interrupted()
}

// Unwaited posts an event and calls during meanwhile. If the post is not answered when that returns, it is given up. during
// must make no events of its own.
func (s *Stage) Unwaited(to string, e *event.Event, during func()) {
	target := s.address(to)
	over := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { s.transmit(to, target, Post{Event: e, over: over}, history.Stimulus) })
	func() {
		defer func() { close(over); wg.Wait() }()
		during()
	}()
	s.interrupted()
}

// Poll posts new events to an address one after the other, with pauses, until one is answered with a wanted code (0 stands
// for no answer), and tells whether that came in time.
func (s *Stage) Poll(to, what string, wanted func(code int) bool) bool {
	target := s.address(to)
	limit := time.NewTimer(s.bench.patience.Settle)
	defer limit.Stop()
	tick := time.NewTicker(s.bench.patience.Quiet / 4)
	defer tick.Stop()
	for {
		ok := wanted(s.transmit(to, target, Post{Event: s.NewEvent()}, history.Stimulus))
		s.interrupted()
		if !ok {
			select {
			case <-tick.C:
				continue
			case <-limit.C:
			case <-s.ctx.Done():
				s.interrupted()
			}
		}
		s.log.add(time.Time{}, history.Op{Kind: history.Settled, OK: ok, Note: what})
		return ok
	}
}

// Accepted returns how many of the scenario's posts have been acknowledged with 2xx so far.
func (s *Stage) Accepted() int {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	n := 0
	for i := range s.log.ops {
		if op := &s.log.ops[i]; op.Kind == history.Acked && op.Role == history.Stimulus && op.Error == "" && op.Code/100 == 2 {
			n++
		}
	}
	return n
}

// ExpectTogether waits until receivers have answered at least n requests between them, and tells whether that came in time.
func (s *Stage) ExpectTogether(n int, at ...string) bool {
	return s.settle(fmt.Sprintf("%d at %s", n, strings.Join(at, " and ")), func() bool {
		sum := 0
		for _, who := range at {
			sum += s.log.done[who]
		}
		return sum >= n
	})
}

// Moment is a short pause for traffic in the background: a fraction of what counts as silence here.
func (s *Stage) Moment() time.Duration { return s.bench.patience.Quiet / 20 }
