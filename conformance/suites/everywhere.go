package suites

import (
	"net/http"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// everywhere are the requirements that every history is evidence for, whatever its scenario is about. Where nothing arrived
// the judges say that the evidence does not suffice.
var everywhere = []Verification{
	verify("DLV-013", check.NoOverlap),
	verify("DLV-014", check.SameEventEachAttempt),
	verify("DLV-047", check.PrefersReply()),
	verify("DLV-057", check.NothingUnsent),
	verify("CE-003", check.NoBatch),
	verify("CE-031", check.NothingAdded),
	verify("CE-032", check.ValidRequests),
	verify("ORD-001", check.CauseFirst),
	verify("STA-001", check.OneOfEachType),
	verify("STA-002", check.ReadyIsTheWorst),
	verify("STA-003", check.ReasonsGiven),
	verify("STA-005", check.TransitionTimes),
}

// accounts are the scenarios on what becomes of many events.
var accounts = []Scenario{
	{
		Name: "delivery/random-failures",
		Drive: func(s *drive.Stage) {
			const n, retry = 60, 2
			s.Receiver("a", flaky("a", receiver.Extend("a")))
			s.Receiver("b", flaky("b", receiver.OK()))
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("a", "c", "$a", "reply: {uri: $reply}, delivery: {retry: 2, backoffPolicy: linear, backoffDelay: PT0.01S, deadLetterSink: {uri: $dead}}"))
			s.Apply(subscriptionOf("b", "c", "$b", "delivery: {retry: 2, backoffPolicy: linear, backoffDelay: PT0.01S}"))
			s.Ready("Channel/c", "Subscription/a", "Subscription/b")
			events := s.Events(n)
			s.Burst("Channel/c", 8, events...)
			var a, b, replies, dead int
			for _, e := range events {
				attempts, taken := fate("a", e.ID(), retry)
				a += attempts
				if taken {
					replies++
				} else {
					dead++
				}
				attempts, _ = fate("b", e.ID(), retry)
				b += attempts
			}
			s.Expect("a", a)
			s.Expect("b", b)
			s.Expect("reply", replies)
			s.Expect("dead", dead)
		},
		Verify: []Verification{
			verify("DLV-056", check.Accounted(
				check.Route{To: "Channel/c", At: "a", Retry: 2, Reply: "reply", Dead: "dead"},
				check.Route{To: "Channel/c", At: "b", Retry: 2},
			)),
		},
	},
	{
		Name: "delivery/load-without-failures",
		Drive: func(s *drive.Stage) {
			for _, step := range []string{"a", "b"} {
				s.Receiver(step, receiver.Extend(step))
			}
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("one", "c", "$one", ""))
			s.Apply(subscriptionOf("two", "c", "$two", ""))
			s.Ready("Channel/c", "Subscription/one", "Subscription/two")
			s.Mark("channel")
			s.Burst("Channel/c", 8, s.Events(150)...)
			if s.Claims("Sequence") {
				s.Apply(sequenceOf("s", "$sink", "$a", "$b"))
				s.Ready("Sequence/s")
				s.Mark("sequence")
				s.Burst("Sequence/s", 8, s.Events(100)...)
				s.Expect("sink", 100)
			}
			s.Expect("one", 150)
			s.Expect("two", 150)
			s.Quiet("Channel/c", "one", "two")
			if s.Claims("Sequence") {
				s.Quiet("Sequence/s", "sink")
			}
		},
		Verify: []Verification{
			verify("DLV-058", check.Besides("Sequence",
				check.Of("channel", check.OnceEach("one", "two")),
				check.Of("sequence", check.OnceEach("a", "b", "sink")),
			)),
			verify("DLV-057", check.Confined(check.Way{To: "Channel/c", At: "one"}, check.Way{To: "Channel/c", At: "two"},
				check.Way{To: "Sequence/s", At: "sink", Feature: "Sequence"})),
		},
	},
	{
		Name: "delivery/neighbours",
		Drive: func(s *drive.Stage) {
			var ways []check.Way
			for _, name := range []string{"p", "q", "r"} {
				s.Receiver(name+"step", receiver.Extend(name+"step"))
				s.Apply(channelOf(name, ""))
				s.Apply(subscriptionOf(name, name, "$"+name+"step", "reply: {uri: $"+name+"}"))
				s.Ready("Channel/"+name, "Subscription/"+name)
				ways = append(ways, check.Way{To: "Channel/" + name, At: name})
				if s.Claims("Sequence") {
					s.Receiver(name+"first", receiver.Extend(name+"first"))
					s.Apply(sequenceOf(name, "$"+name+"end", "$"+name+"first"))
					s.Ready("Sequence/" + name)
					ways = append(ways, check.Way{To: "Sequence/" + name, At: name + "end"})
				}
			}
			for _, e := range s.Events(4) {
				for _, w := range ways {
					own := e.Clone()
					own.Set("id", e.ID()+w.At) // neighbours of the same type and source, told apart by their ids
					s.Send(w.To, own)
				}
			}
			for _, w := range ways {
				s.Expect(w.At, 4)
			}
			s.Quiet("")
		},
		Verify: []Verification{
			verify("DLV-057", check.Confined(
				check.Way{To: "Channel/p", At: "p"}, check.Way{To: "Channel/q", At: "q"}, check.Way{To: "Channel/r", At: "r"},
				check.Way{To: "Channel/p", At: "pstep"}, check.Way{To: "Channel/q", At: "qstep"}, check.Way{To: "Channel/r", At: "rstep"},
				check.Way{To: "Sequence/p", At: "pend", Feature: "Sequence"}, check.Way{To: "Sequence/q", At: "qend", Feature: "Sequence"},
				check.Way{To: "Sequence/r", At: "rend", Feature: "Sequence"},
			)),
		},
	},
}

// Outcomes of a flaky receiver, by dice.
const (
	flakySides = 8
	flakyFinal = 3 // the number that stands for a code on which nobody tries again
)

// flaky fails every other attempt, each time in the same way in every run.
func flaky(who string, r receiver.Respond) receiver.Respond {
	failures := []receiver.Respond{
		receiver.Status(http.StatusServiceUnavailable), receiver.Status(http.StatusInternalServerError),
		receiver.Faulty(receiver.Reset, 0, receiver.OK()), flakyFinal: receiver.Status(http.StatusBadRequest),
	}
	return func(req *receiver.Request) receiver.Answer {
		e := req.Event()
		if e == nil {
			return r(req)
		}
		if n := dice(flakySides, who, e.ID(), req.Attempt); n < len(failures) {
			return failures[n](req)
		}
		return r(req)
	}
}

// fate is how many attempts an event has at a flaky receiver, and whether the last one is taken.
func fate(who, id string, retry int) (attempts int, taken bool) {
	for attempts = 1; ; attempts++ {
		switch n := dice(flakySides, who, id, attempts); {
		case n > flakyFinal:
			return attempts, true
		case n == flakyFinal || attempts > retry:
			return attempts, false
		}
	}
}
