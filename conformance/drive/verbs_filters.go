package drive

import "fmt"

// ExpectEach waits until each receiver has answered at least the number of requests beside its name, once for all of them
// and not one after the other, and tells whether that came in time.
func (s *Stage) ExpectEach(counts map[string]int) bool {
	return s.settle(fmt.Sprintf("what is expected at each of %d receivers", len(counts)), func() bool {
		for at, n := range counts {
			if s.log.done[at] < n {
				return false
			}
		}
		return true
	})
}
