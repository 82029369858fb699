package drive

import (
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// AwaitAfter is Await for what an action brings about. The object is watched from before the action, so that no state in
// between is missed that the target shows.
func (s *Stage) AwaitAfter(object, what string, act func(), holds func(*history.Object) bool) bool {
	acted := false
	return s.Await(object, what, func(o *history.Object) bool {
		if !acted {
			acted = true
			act()
			return false
		}
		return holds(o)
	})
}

// Second waits for longer than the second that times in a status can tell apart.
func (s *Stage) Second() {
	select {
	case <-time.After(time.Second + 50*time.Millisecond):
	case <-s.ctx.Done():
		s.interrupted()
	}
}
