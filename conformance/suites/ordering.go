package suites

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// ordered asks for delivery in order of each partition key, of implementations that have it on request.
func ordered(manifest string) string {
	return strings.Replace(manifest, "metadata: {", "metadata: {annotations: {sequitur.dev/delivery-order: ordered}, ", 1)
}

// keyed gives new events the keys in turn.
func keyed(s *drive.Stage, n int, keys ...string) []*event.Event {
	events := s.Events(n)
	for i, e := range events {
		e.Set(check.OrderKey, keys[i%len(keys)])
	}
	return events
}

// keys gives n names of keys.
func keys(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("k%d", i+1)
	}
	return out
}

// dice gives a number below sides that depends on nothing but what it is given, so that a scenario is the same in every run.
func dice(sides int, who, id string, attempt int) int {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s %d", who, id, attempt)
	return rand.New(rand.NewPCG(20260101, h.Sum64())).IntN(sides)
}

// uneven delays each answer by up to 3 ms, so that whoever sends two at a time has them overtake each other.
func uneven(who string, r receiver.Respond) receiver.Respond {
	return func(req *receiver.Request) receiver.Answer {
		a := r(req)
		if e := req.Event(); e != nil {
			a.Delay = time.Duration(dice(4, who, e.ID(), req.Attempt)) * time.Millisecond
		}
		return a
	}
}

// holdUp sends an event whose receiver holds back its answer, and others meanwhile, until all of those are answered there.
// None waits for the acknowledgement of another: a target may keep the sender waiting for as long as the receiver does.
func holdUp(s *drive.Stage, at, to string, e *event.Event, others ...*event.Event) {
	hold := make(chan struct{})
	release := sync.OnceFunc(func() { close(hold) })
	s.Receiver(at, receiver.ByEvent(func(in *event.Event) receiver.Respond {
		if in != nil && in.ID() == e.ID() {
			return receiver.Held(hold, receiver.OK())
		}
		return receiver.OK()
	}))
	s.While(to, 1, []*event.Event{e}, func() {
		defer release()
		s.Until(e.ID()+" at "+at, func(v *history.View) bool { return len(v.Attempts(at, e.ID())) > 0 })
		s.While(to, len(others), others, func() {
			defer release()
			s.Expect(at, len(others))
		})
	})
	s.Expect(at, len(others)+1)
}

// ordering is the chapter on the order of events.
var ordering = []Scenario{
	{
		Name:  "ordering/channel",
		Needs: []string{"OrderedDelivery"},
		Drive: func(s *drive.Stage) {
			s.Receiver("a", uneven("a", receiver.Extend("a")))
			s.Receiver("b", uneven("b", receiver.OK()))
			s.Apply(ordered(channelOf("c", "")))
			s.Apply(subscriptionOf("a", "c", "$a", ""))
			s.Apply(subscriptionOf("b", "c", "$b", ""))
			s.Ready("Channel/c", "Subscription/a", "Subscription/b")
			s.Send("Channel/c", keyed(s, 200, keys(8)...)...)
			s.Expect("a", 200)
			s.Expect("b", 200)
		},
		Verify: []Verification{
			verify("ORD-003", check.InKeyOrder("a", "b")),
		},
	},
	{
		Name:  "ordering/sequence",
		Needs: []string{"OrderedDelivery", "Sequence"},
		Drive: func(s *drive.Stage) {
			for _, step := range []string{"a", "b", "c"} {
				s.Receiver(step, uneven(step, receiver.Extend(step)))
			}
			s.Apply(ordered(sequenceOf("s", "$sink", "$a", "$b", "$c")))
			s.Ready("Sequence/s")
			s.Send("Sequence/s", keyed(s, 80, keys(4)...)...)
			s.Expect("sink", 80)
		},
		Verify: []Verification{
			verify("ORD-001", check.CauseFirst),
			verify("ORD-006", check.InKeyOrder("a", "b", "c", "sink")),
		},
	},
	{
		Name:  "ordering/retries",
		Needs: []string{"OrderedDelivery"},
		Drive: func(s *drive.Stage) {
			unavailable := receiver.Status(http.StatusServiceUnavailable)
			events := keyed(s, 8, "k1")
			s.Receiver("a", receiver.ByEvent(func(e *event.Event) receiver.Respond {
				switch e.ID() {
				case events[0].ID():
					return receiver.Attempts(unavailable, unavailable, unavailable, receiver.OK())
				case events[4].ID():
					return unavailable
				}
				return receiver.OK()
			}))
			s.Apply(ordered(channelOf("c", "")))
			s.Apply(subscriptionOf("c", "c", "$a", "delivery: {retry: 3, backoffPolicy: linear, backoffDelay: PT0.03S, deadLetterSink: {uri: $dead}}"))
			s.Ready("Channel/c", "Subscription/c")
			s.Send("Channel/c", events...)
			s.Expect("dead", 1)
			s.Expect("a", 3+4+4+3)
		},
		Verify: []Verification{
			verify("ORD-004", check.RetriesKeepOrder("a", "dead")),
		},
	},
	{
		Name:  "ordering/held-up-key",
		Needs: []string{"OrderedDelivery"},
		Drive: func(s *drive.Stage) {
			s.Apply(ordered(channelOf("c", "")))
			s.Apply(subscriptionOf("c", "c", "$a", ""))
			s.Ready("Channel/c", "Subscription/c")
			holdUp(s, "a", "Channel/c", keyed(s, 1, "k0")[0], keyed(s, 16, keys(8)...)...)
		},
		Verify: []Verification{
			verify("ORD-005", check.OtherKeysGoOn("a", "e1", 8)),
		},
	},
	{
		Name: "ordering/slow-event",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("c", "c", "$a", ""))
			s.Ready("Channel/c", "Subscription/c")
			holdUp(s, "a", "Channel/c", keyed(s, 1, "k0")[0], keyed(s, 100, keys(100)...)...)
		},
		Verify: []Verification{
			verify("ORD-008", check.GoesAroundSlow("a", "e1", 100)),
		},
	},
}
