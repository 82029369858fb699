package drive

import (
	"errors"
	"sync"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// errBrokenOff ends a request that Endlessly has begun.
var errBrokenOff = errors.New("broken off by the harness")

// endless is a body that grows by a blank at a time until it is over, and then fails, so that the request is broken off.
type endless struct {
	every time.Duration
	begun func() // called when the target gets the first of it
	over  <-chan struct{}
}

func (r endless) Read(b []byte) (int, error) {
	r.begun()
	t := time.NewTimer(r.every)
	defer t.Stop()
	select {
	case <-t.C:
		b[0] = ' '
		return 1, nil
	case <-r.over:
		return 0, errBrokenOff
	}
}

// Endlessly posts an event whose body trickles on and on, and calls during while it does; when that returns, the request is
// broken off unless the target has answered it. The events that during sends must have been made before.
func (s *Stage) Endlessly(to string, p Post, during func()) {
	s.warm(to)
	target := s.address(to)
	over, done, begun := make(chan struct{}), make(chan struct{}), make(chan struct{})
	p.Tail = endless{s.Moment(), sync.OnceFunc(func() { close(begun) }), over}
	go func() {
		defer close(done)
		s.transmit(to, target, p, history.Stimulus)
	}()
	func() {
		defer func() { close(over); <-done }()
		select {
		case <-begun:
		case <-done: // the target has refused it already
		}
		during()
	}()
	s.interrupted()
}
