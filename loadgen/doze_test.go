package loadgen

import (
	"sync"
	"testing"
	"time"
)

// TestWaitsAreNotShort: many wait at once, for short and for longer, and none comes back before its time.
func TestWaitsAreNotShort(t *testing.T) {
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			for _, d := range []time.Duration{0, time.Nanosecond, time.Duration(i) * 10 * time.Microsecond, wakeful + time.Millisecond} {
				until := time.Now().Add(d)
				if !wait(until, nil, nil) {
					t.Error("a wait that nothing ends was ended")
				}
				if early := time.Until(until); early > 0 {
					t.Errorf("a wait of %v ended %v before its time", d, early)
				}
			}
		})
	}
	all.Wait()
}

func TestWaitsEnd(t *testing.T) {
	ended := make(chan struct{})
	close(ended)
	far := time.Now().Add(time.Hour)
	if wait(far, ended, nil) || wait(far, nil, ended) {
		t.Error("a wait of an hour came to its end")
	}
}
