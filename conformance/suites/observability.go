package suites

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// observability is the chapter on traces and what must not be seen.
var observability = []Scenario{
	{
		Name: "observability/trace",
		Drive: func(s *drive.Stage) {
			ways(s)
			n := 0
			send := func(mark, to string) {
				n++
				s.Mark(mark)
				s.Post(to, drive.Post{Event: s.NewEvent(), Header: http.Header{
					"Traceparent": {fmt.Sprintf("00-0af7651916cd43dd8448eb211c8031%02x-b7ad6b71692033%02x-01", n, n)},
					"Tracestate":  {fmt.Sprintf("rojo=00f067aa0ba902%02x,congo@tenant=t61rcWkgMzE", n)},
				}})
			}
			if s.Claims("Sequence") {
				send("sequence", "Sequence/s")
				send("dead letter", "Sequence/s")
			}
			send("channel", "Channel/c")
			send("broker", "Broker/b")
			arrivalsOfWays(s)
		},
		Verify: []Verification{
			verify("OBS-001", check.Besides("Sequence",
				check.All(check.Of("channel", check.SameTrace("p", "q", "r")), check.Of("broker", check.SameTrace("x", "z"))),
				check.All(check.Of("sequence", check.SameTrace("a", "b", "sink")), check.Of("dead letter", check.SameTrace("a", "b", "dls"))),
			)),
			verify("OBS-002", check.All(check.WellFormedTraces, check.NewParents, check.KeepsState)),
		},
	},
	{
		Name: "observability/malformed-trace",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", "") + "---\n" + subscriptionOf("x", "c", "$p", ""))
			s.Ready("Channel/c", "Subscription/x")
			for _, h := range malformedTraces {
				s.Post("Channel/c", drive.Post{Event: s.NewEvent(), Header: h})
			}
			s.Expect("p", len(malformedTraces))
		},
		Verify: []Verification{
			verify("OBS-002", check.All(check.AtEach("p"), check.WellFormedTraces)),
		},
	},
	{
		Name: "observability/request-id",
		Drive: func(s *drive.Stage) {
			s.Receiver("p", receiver.Attempts(receiver.Status(http.StatusServiceUnavailable), receiver.OK()))
			s.Apply(channelOf("c", "") + "---\n" + channelOf("next", ""))
			s.Apply(subscriptionOf("p", "c", "$p", "delivery: {retry: 2, backoffPolicy: linear, backoffDelay: PT0.01S}"))
			s.Apply(subscriptionOf("through", "c", toChannel("next"), "") + "---\n" + subscriptionOf("q", "next", "$q", ""))
			s.Apply(brokerOf("b", ""))
			s.Apply(triggerOf("x", "b", "sequitur.test", "$x") + "---\n" + triggerOf("z", "b", "sequitur.test", "$z"))
			s.Ready("Channel/c", "Channel/next", "Subscription/p", "Subscription/through", "Subscription/q")
			s.Ready("Broker/b", "Trigger/x", "Trigger/z")
			for i, to := range []string{"Channel/c", "Broker/b"} {
				s.Mark(to)
				s.Post(to, drive.Post{Event: s.NewEvent(), Header: http.Header{"X-Request-Id": {fmt.Sprintf("request-%d", i)}}})
			}
			for at, n := range map[string]int{"p": 2, "q": 1, "x": 1, "z": 1} {
				s.Expect(at, n)
			}
		},
		Verify: []Verification{
			verify("OBS-003", check.All(
				check.Of("Channel/c", check.Each([]string{"p", "q"}, requestIDPassed)),
				check.Of("Broker/b", check.Each([]string{"x", "z"}, requestIDPassed)),
			)),
		},
	},
	{
		Name: "observability/nothing-of-inner-hops",
		Drive: func(s *drive.Stage) {
			ways(s)
			to := []string{"Channel/c", "Broker/b"}
			if s.Claims("Sequence") {
				to = append([]string{"Sequence/s", "Sequence/s"}, to...)
				s.Look("Sequence/s")
				s.List(channelKind(s, "Sequence/s"))
			}
			for _, to := range to {
				s.Send(to, s.NewEvent().With("colour", "blue"))
			}
			arrivalsOfWays(s)
		},
		Verify: []Verification{
			verify("OBS-005", check.Besides("Sequence", check.NothingInner("p", "q", "r", "x", "z"), check.NothingInner("a", "b", "sink", "dls"))),
		},
	},
}

// requestIDPassed wants the sender's x-request-id at a receiver.
func requestIDPassed(at string) check.Judge {
	return check.HeadersPassed(at, []string{"X-Request-Id"}, nil)
}

// ways makes the ways that an event may go: through two Channels, as an answer through a Broker and, of those who claim to
// have Sequences, through the steps of one to its reply (the first event) or to a dead-letter sink (the second).
func ways(s *drive.Stage) {
	if s.Claims("Sequence") {
		extend(s, "a")
		s.Receiver("b", fallBack(receiver.Extend("b"), map[string]receiver.Respond{"e2": receiver.Status(http.StatusServiceUnavailable)}))
		s.Apply(sequenceOf("s", "$sink", "$a",
			"uri: $b, delivery: {retry: 1, backoffPolicy: linear, backoffDelay: PT0.01S, deadLetterSink: {uri: $dls}}"))
		s.Ready("Sequence/s")
	}
	s.Apply(channelOf("c", "") + "---\n" + channelOf("next", "") + "---\n" + subscriptionOf("p", "c", "$p", ""))
	extend(s, "q")
	s.Apply(subscriptionOf("through", "c", toChannel("next"), "") + "---\n" + subscriptionOf("q", "next", "$q", "reply: {uri: $r}"))
	s.Receiver("x", receiver.Reply(func(in *event.Event) *event.Event {
		return in.Clone().With("id", in.ID()+".x").With("type", "sequitur.done")
	}))
	s.Apply(brokerOf("b", ""))
	s.Apply(triggerOf("x", "b", "sequitur.test", "$x") + "---\n" + triggerOf("z", "b", "sequitur.done", "$z"))
	s.Ready("Channel/c", "Channel/next", "Subscription/p", "Subscription/through", "Subscription/q")
	s.Ready("Broker/b", "Trigger/x", "Trigger/z")
}

// arrivalsOfWays waits for one event to each of the ways, and two to the Sequence.
func arrivalsOfWays(s *drive.Stage) {
	at := []string{"p", "r", "z"}
	if s.Claims("Sequence") {
		at = append(at, "sink", "dls")
	}
	for _, at := range at {
		s.Expect(at, 1)
	}
}

// malformedTraces are trace headers that no one may pass on as they are.
var malformedTraces = []http.Header{
	{"Traceparent": {"nonsense"}},
	{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"}, "Tracestate": {"rojo=1"}},
	{"Traceparent": {"00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01"}},
	{"Traceparent": {"00-00000000000000000000000000000000-b7ad6b7169203331-01"}},
	{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"}},
	{"Traceparent": {"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}},
	{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"}},
	{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, "Tracestate": {"no member"}},
	{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, "Tracestate": {strings.Repeat("a=b,", 40)}},
}
