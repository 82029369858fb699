package check

import (
	"fmt"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// coarse is what a wait may seem too short by: clocks and timers are no finer everywhere.
const coarse = 10 * time.Millisecond

// slack is what a wait may be too long by, on a machine that has other work. The shapes of back-off are told apart by more.
const slack = 2 * time.Second

func millis(d time.Duration) string { return d.Round(time.Millisecond).String() }

// waits gives the first n waits of every accepted event at a receiver: from the beginning of an answer to the next
// arrival. A target that waits cannot make them shorter, and what makes them longer is not all its doing.
func waits(v *history.View, at string, n int) (ids []string, all [][]time.Duration, wrong *Finding) {
	ids, wrong = taken(v, at)
	if wrong != nil {
		return nil, nil, wrong
	}
	for _, id := range ids {
		got := v.Attempts(at, id)
		if len(got) < n+1 {
			f := Fail(fmt.Sprintf("%s of %s at %s", times(n+1), id, at), times(len(got)), id)
			return nil, nil, &f
		}
		list := make([]time.Duration, n)
		for i := range list {
			if got[i].Answer == nil {
				f := Unclear("attempt %d of %s has no recorded end", i+1, id)
				return nil, nil, &f
			}
			list[i] = got[i+1].Ask.T - got[i].Answer.T
		}
		all = append(all, list)
	}
	return ids, all, nil
}

// Waits wants the k-th of n waits of every accepted event at a receiver to last at least least(k), and the shortest of the
// events' k-th waits at most most(k) and some slack, k from 1. No most means no bound.
func Waits(at string, n int, least, most func(k int) time.Duration) Judge {
	return func(v *history.View) Finding {
		ids, all, wrong := waits(v, at, n)
		if wrong != nil {
			return *wrong
		}
		said := ""
		for k := 1; k <= n; k++ {
			best, who := all[0][k-1], ids[0]
			for i, list := range all {
				if list[k-1] < least(k)-coarse {
					return Fail(fmt.Sprintf("wait %d of %s at %s to last %v or more", k, ids[i], at, least(k)), millis(list[k-1]), ids[i])
				}
				if list[k-1] < best {
					best, who = list[k-1], ids[i]
				}
			}
			if most != nil && best > most(k)+slack {
				return Fail(fmt.Sprintf("wait %d of %s at %s to last %v at most", k, who, at, most(k)), millis(best), who)
			}
			said += " " + millis(best)
		}
		return Pass("waits at %s:%s", at, said)
	}
}

// Linear wants waits that grow or stay equal, within the slack, the k-th at most k times the delay: what the public text (always the delay),
// Knative's own code (k times the delay) and others fit.
func Linear(at string, n int, delay time.Duration) Judge {
	shape := Waits(at, n, func(int) time.Duration { return 0 }, func(k int) time.Duration { return time.Duration(k) * delay })
	return func(v *history.View) Finding {
		f := shape(v)
		ids, all, wrong := waits(v, at, n)
		if wrong != nil || len(f.Expected) > 0 {
			return f
		}
		for k := 1; k < n; k++ {
			before, after := all[0][k-1], all[0][k]
			for _, list := range all {
				before, after = min(before, list[k-1]), min(after, list[k])
			}
			if after < before-slack {
				return Fail("waits at "+at+" that do not shrink", millis(before)+", then "+millis(after), ids[0])
			}
		}
		return f
	}
}

// Exponential wants the k-th wait to last between 2^(k-1) and 2^k times the delay: Knative's own code doubles once more
// than the public text.
func Exponential(at string, n int, delay time.Duration) Judge {
	return Waits(at, n, func(k int) time.Duration { return delay << (k - 1) }, func(k int) time.Duration { return delay << k })
}

// AtOnce wants the retries of every accepted event at a receiver to follow at once. A target that waits does so each time,
// so the shortest of many waits tells, whatever else delays the others; how many retries there are is not judged, but
// three must have been seen. What a first delivery takes is no wait: twice that is allowed beyond the slack.
func AtOnce(at string) Judge {
	return func(v *history.View) Finding {
		ids, all, wrong := waits(v, at, 3)
		if wrong != nil {
			return *wrong
		}
		best, who := all[0][0], ids[0]
		for _, id := range ids {
			got := v.Attempts(at, id)
			for i, x := range got[1:] {
				if got[i].Answer == nil {
					continue
				}
				if w := x.Ask.T - got[i].Answer.T; w < best {
					best, who = w, id
				}
			}
		}
		transit := 100 * time.Millisecond
		for _, p := range v.Posts() {
			if first := v.Attempts(at, p.ID()); len(first) > 0 {
				transit = max(transit, 2*(first[0].Ask.T-p.Ask.T))
			}
		}
		if best > transit {
			return Fail("retries at "+at+" at once", "the shortest wait is "+millis(best), who)
		}
		return Pass("the shortest wait at %s is %s", at, millis(best))
	}
}

// Constant gives the same bound for every wait.
func Constant(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }
