package suites

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// Status codes by what they mean for a delivery.
var (
	successCodes     = []int{200, 201, 202, 203, 204, 206, 226, 299}
	redirectCodes    = []int{300, 301, 302, 303, 304, 307, 308}
	finalCodes       = []int{400, 401, 403, 405, 406, 410, 413, 415, 418, 422, 425, 431, 451, 499}
	retryableCodes   = []int{404, 408, 409, 429}
	serverErrorCodes = []int{500, 501, 502, 503, 504, 505, 511, 599}
	unknownCodes     = []int{600, 799}
)

// wanting makes an event for each code; its extension tells byCode what to answer.
func wanting(s *drive.Stage, codes ...int) []*event.Event {
	events := s.Events(len(codes))
	for i, e := range events {
		e.Set("wants", strconv.Itoa(codes[i]))
	}
	return events
}

// byCode plays what answer makes of the code that an event wants.
func byCode(answer func(code int) receiver.Respond) receiver.Respond {
	return receiver.ByEvent(func(e *event.Event) receiver.Respond {
		if e == nil {
			return receiver.Status(http.StatusBadRequest)
		}
		code, err := strconv.Atoi(e.Attr("wants"))
		if err != nil {
			return receiver.OK()
		}
		return answer(code)
	})
}

// failing answers 503 to the first n attempts of each event, then 202.
func failing(n int) receiver.Respond {
	scripts := make([]receiver.Respond, n, n+1)
	for i := range scripts {
		scripts[i] = receiver.Status(http.StatusServiceUnavailable)
	}
	return receiver.Attempts(append(scripts, receiver.OK())...)
}

// acceptedAt tells whether a receiver has accepted n events, however often each came.
func acceptedAt(at string, n int) func(*history.View) bool {
	return func(v *history.View) bool {
		ids := map[string]bool{}
		for _, x := range v.Arrivals(at) {
			if x.Accepted() {
				ids[x.ID()] = true
			}
		}
		return len(ids) >= n
	}
}

// neighbours are the healthy receivers beside one that fails.
var neighbours = []string{"n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9"}

// attemptTimeout is short for the run's sake; nothing is judged by its upper end.
const attemptTimeout = 200 * time.Millisecond

// delivery is the chapter on what an attempt's outcome means and what follows from it.
var delivery = []Scenario{
	{
		Name: "delivery/success-codes",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", byCode(receiver.Status))
			s.Apply(channelOf("c", "") + "\n---\n" + subscriptionOf("to-a", "c", "$a", "delivery: {retry: 2, deadLetterSink: {uri: $dls}}"))
			s.Ready("Channel/c", "Subscription/to-a")
			s.Send("Channel/c", wanting(s, successCodes...)...)
			s.Expect("a", len(successCodes))
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("DLV-001", check.All(check.AttemptedOnce("a", successCodes...), check.Silent("dls"))),
		},
	},
	{
		Name: "delivery/retryable-codes",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", byCode(func(code int) receiver.Respond {
				return receiver.Attempts(receiver.Status(code), receiver.OK())
			}))
			s.Apply(channelOf("c", "") + "\n---\n" + subscriptionOf("to-a", "c", "$a", "delivery: {retry: 2}"))
			s.Ready("Channel/c", "Subscription/to-a")
			s.Send("Channel/c", wanting(s, serverErrorCodes...)...)
			s.Send("Channel/c", wanting(s, retryableCodes...)...)
			s.Send("Channel/c", wanting(s, unknownCodes...)...)
			n := len(serverErrorCodes) + len(retryableCodes) + len(unknownCodes)
			s.Expect("a", 2*n)
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("DLV-004", check.AttemptedAgain("a", serverErrorCodes...)),
			verify("DLV-005", check.AttemptedAgain("a", retryableCodes...)),
			verify("DLV-008", check.AttemptedAgain("a", unknownCodes...)),
		},
	},
	{
		Name: "delivery/final-codes",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", byCode(receiver.Status))
			s.Apply(channelOf("c", "") + "\n---\n" + subscriptionOf("to-a", "c", "$a", "delivery: {retry: 2, deadLetterSink: {uri: $dls}}"))
			s.Ready("Channel/c", "Subscription/to-a")
			s.Send("Channel/c", wanting(s, finalCodes...)...)
			s.Expect("dls", len(finalCodes))
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("DLV-006", check.All(check.AttemptedOnce("a", finalCodes...), check.AtLeastOnce("dls"))),
		},
	},
	{
		Name: "delivery/redirects",
		Drive: func(s *drive.Stage) {
			elsewhere := s.URI("elsewhere")
			s.Receiver("a", byCode(func(code int) receiver.Respond {
				return receiver.WithHeader("Location", elsewhere, receiver.Status(code))
			}))
			s.Apply(channelOf("c", "") + "\n---\n" + subscriptionOf("to-a", "c", "$a", "delivery: {retry: 2, deadLetterSink: {uri: $dls}}"))
			s.Ready("Channel/c", "Subscription/to-a")
			s.Send("Channel/c", wanting(s, redirectCodes...)...)
			s.Expect("dls", len(redirectCodes))
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("DLV-007", check.All(check.AttemptedOnce("a", redirectCodes...), check.AtLeastOnce("dls"), check.Silent("elsewhere"))),
		},
	},
	{
		Name: "delivery/early-hints",
		Drive: func(s *drive.Stage) {
			// The pause lets the informational answers get out alone, or they might be read together with the final one.
			s.Receiver("a", receiver.With(receiver.Extend("a"), func(a *receiver.Answer) {
				a.Early, a.Delay = []int{http.StatusContinue, http.StatusEarlyHints, http.StatusEarlyHints}, 30*time.Millisecond
			}))
			s.Apply(channelOf("c", "") + "\n---\n" + subscriptionOf("to-a", "c", "$a", "reply: {uri: $r}, delivery: {retry: 2, deadLetterSink: {uri: $dls}}"))
			s.Ready("Channel/c", "Subscription/to-a")
			s.Send("Channel/c", s.Events(2)...)
			s.Expect("r", 2)
			s.Quiet("Channel/c", "a", "r")
		},
		Verify: []Verification{
			verify("DLV-009", check.All(check.Visits("a>r"), check.Silent("dls"))),
		},
	},
	{
		Name: "delivery/retry-counts",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			for _, n := range []int{0, 1, 3} {
				at := fmt.Sprintf("r%d", n)
				s.Receiver(at, receiver.Status(http.StatusServiceUnavailable))
				s.Apply(subscriptionOf(at, "c", "$"+at, fmt.Sprintf("delivery: {retry: %d}", n)))
			}
			s.Receiver("d", receiver.Status(http.StatusServiceUnavailable))
			s.Apply(channelOf("with-options", "delivery: {retry: 2}") + "\n---\n" + subscriptionOf("d", "with-options", "$d", ""))
			s.Ready("Channel/c", "Channel/with-options", "Subscription/r0", "Subscription/r1", "Subscription/r3", "Subscription/d")
			s.Send("Channel/c", s.NewEvent())
			s.Send("Channel/with-options", s.NewEvent())
			s.Expect("r0", 1)
			s.Expect("r1", 2)
			s.Expect("r3", 4)
			s.Expect("d", 3)
			s.Quiet("Channel/c", "r0", "r1", "r3")
		},
		Verify: []Verification{
			verify("DLV-002", check.All(check.AtLeastAttempts("r0", "e1", 1), check.AtLeastAttempts("r1", "e1", 2),
				check.AtLeastAttempts("r3", "e1", 4), check.AtLeastAttempts("d", "e2", 3))),
			verify("DLV-003", check.All(check.Attempts("r0", "e1", 1), check.Attempts("r1", "e1", 2),
				check.Attempts("r3", "e1", 4), check.Attempts("d", "e2", 3))),
		},
	},
	{
		Name: "delivery/no-options",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.ByEvent(func(e *event.Event) receiver.Respond {
				if e != nil && e.ID() == "e1" {
					return receiver.Status(http.StatusServiceUnavailable)
				}
				return receiver.Text(http.StatusOK, "text/plain", "no event")
			}))
			s.Apply(channelOf("c", "") + "\n---\n" + subscriptionOf("to-a", "c", "$a", ""))
			s.Ready("Channel/c", "Subscription/to-a")
			s.Send("Channel/c", s.Events(2)...)
			s.Expect("a", 2)
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("DLV-012", check.All(check.Attempts("a", "e1", 1), check.Attempts("a", "e2", 1))),
		},
	},
	{
		Name: "delivery/fails-twice",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Delayed(30*time.Millisecond, failing(2)))
			s.Apply(channelOf("c", "") + "\n---\n" + subscriptionOf("to-a", "c", "$a", "delivery: {retry: 10}"))
			s.Ready("Channel/c", "Subscription/to-a")
			big := s.NewEvent().With("subject", "s").With("custom", "x").WithData("application/octet-stream", bytes.Repeat([]byte("0123456789abcdef"), 4096))
			s.Send("Channel/c", big, s.NewEvent())
			s.Until("2 accepted at a", acceptedAt("a", 2))
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("DLV-013", check.NoOverlap),
			verify("DLV-014", check.All(check.SameEventEachAttempt, check.ArrivesAsSent("a"))),
			verify("DLV-015", check.All(check.Retried("a"), check.EndsWithSuccess("a"))),
			verify("DLV-047", check.PrefersReply("a")),
		},
	},
	{
		Name: "delivery/broken-connections",
		Drive: func(s *drive.Stage) {
			broken := func(f receiver.Fault) receiver.Respond { return receiver.Faulty(f, 0, receiver.OK()) }
			s.Receiver("a", receiver.Attempts(broken(receiver.Reset), broken(receiver.Close), broken(receiver.Garbage), receiver.OK()))
			s.Apply(channelOf("c", "") + "\n---\n" + subscriptionOf("to-a", "c", "$a", "delivery: {retry: 3}"))
			s.Ready("Channel/c", "Subscription/to-a")
			s.Send("Channel/c", s.Events(2)...)
			s.Until("2 accepted at a", acceptedAt("a", 2))
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("DLV-010", check.Retried("a")),
		},
	},
	{
		// A refused attempt is not seen. That there were several is seen by the waits between them: the dead letter of a
		// port that never opens cannot come before all of them.
		Name: "delivery/refused-connections",
		Drive: func(s *drive.Stage) {
			s.Receiver("late", receiver.OK())
			late, never := s.Refusing(), s.Refusing()
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("late", "c", late.Base()+"/"+s.Namespace()+"/late", "delivery: {retry: 200, backoffPolicy: linear, backoffDelay: PT0.1S}"))
			s.Apply(subscriptionOf("never", "c", never.Base()+"/"+s.Namespace()+"/never", "delivery: {retry: 2, backoffPolicy: exponential, backoffDelay: PT0.1S, deadLetterSink: {uri: $dls}}"))
			s.Ready("Channel/c", "Subscription/late", "Subscription/never")
			s.While("Channel/c", 1, s.Events(1), func() { // who is synchronous answers when both are through
				s.Expect("dls", 1)
				s.Come(late)
				s.Expect("late", 1)
			})
		},
		Verify: []Verification{
			verify("DLV-010", check.All(check.AtLeastOnce("late"), check.NotBefore("dls", "e1", 1, 300*time.Millisecond))),
		},
	},
	{
		Name: "delivery/name-not-found",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("nowhere", "c", "http://nowhere.invalid/", "delivery: {retry: 2, backoffPolicy: exponential, backoffDelay: PT0.1S, deadLetterSink: {uri: $dls}}"))
			s.Ready("Channel/c", "Subscription/nowhere")
			s.Send("Channel/c", s.NewEvent())
			s.Expect("dls", 1)
		},
		Verify: []Verification{
			verify("DLV-010", check.NotBefore("dls", "e1", 1, 300*time.Millisecond)),
		},
	},
	{
		// Each attempt takes all of its time; a bound on all attempts together would end them sooner. On a busy machine an
		// attempt may time out before the receiver sees it: the time that passed tells how many there were.
		Name:  "delivery/hanging-subscriber",
		Needs: []string{"DeliveryTimeout"},
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Faulty(receiver.Hang, 0, receiver.OK()))
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("to-a", "c", "$a", "delivery: {retry: 3, timeout: PT0.2S, deadLetterSink: {uri: $dls}}"))
			s.Ready("Channel/c", "Subscription/to-a")
			s.Send("Channel/c", s.NewEvent())
			s.Expect("dls", 1)
			s.Quiet("")
		},
		Verify: []Verification{
			verify("DLV-011", check.All(check.NotBefore("a", "e1", 2, attemptTimeout),
				check.NotBefore("dls", "e1", 1, 4*attemptTimeout))),
		},
	},
	{
		Name: "delivery/replies-and-dead-letters",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Extend("a"))
			s.Receiver("b", receiver.Status(http.StatusBadRequest))
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("to-a", "c", "$a", "reply: {uri: $r}"))
			s.Apply(subscriptionOf("to-b", "c", "$b", "delivery: {deadLetterSink: {uri: $dls}}"))
			s.Ready("Channel/c", "Subscription/to-a", "Subscription/to-b")
			s.Send("Channel/c", s.NewEvent())
			s.Expect("r", 1)
			s.Expect("dls", 1)
		},
		Verify: []Verification{
			verify("DLV-047", check.PrefersReply()),
			verify("DLV-048", check.PrefersNoReply("r", "dls")),
		},
	},
	{
		Name: "delivery/foreign-headers",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", "") + "\n---\n" + subscriptionOf("to-a", "c", "$a", ""))
			s.Ready("Channel/c", "Subscription/to-a")
			s.Post("Channel/c", drive.Post{Event: s.NewEvent(), Header: http.Header{
				"X-Request-Id": {"request-1"}, "Knative-Custom": {"custom-1"},
				"X-B3-Traceid": {"80f198ee56343ba864fe8b2a57d3eff7"}, "X-B3-Spanid": {"e457b5a2e4d86bd1"}, "X-B3-Sampled": {"1"},
				"Traceparent":   {"00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01"},
				"Authorization": {"Bearer secret"}, "Proxy-Authorization": {"Basic c2VjcmV0"}, "Cookie": {"session=secret"}, "X-Api-Key": {"secret"}, "X-Custom": {"value"},
			}})
			s.Expect("a", 1)
		},
		Verify: []Verification{
			// Trace headers may be passed on or continued under new values: nothing is demanded of them here.
			verify("DLV-055", check.HeadersPassed("a", []string{"X-Request-Id", "Knative-Custom"},
				[]string{"Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "X-Custom"})),
		},
	},
	{
		Name: "delivery/same-event-twice",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", "") + "\n---\n" + subscriptionOf("to-a", "c", "$a", ""))
			s.Ready("Channel/c", "Subscription/to-a")
			e := s.NewEvent()
			other := e.Clone().With("source", "/sequitur/other")
			s.Send("Channel/c", e, e, other)
			s.Expect("a", 3)
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("DLV-059", acceptedPosts(3)),
			verify("DLV-060", check.NotSuppressed("a")),
		},
		Read: []Reading{read("DLV-060", check.Repeated("a"))},
	},
	{
		Name: "delivery/failing-neighbour",
		Drive: func(s *drive.Stage) {
			const events, retries = 40, 3
			s.Receiver("f", receiver.Status(http.StatusServiceUnavailable))
			s.Apply(channelOf("c", ""))
			options := "delivery: {retry: 3, backoffPolicy: exponential, backoffDelay: PT0.1S}"
			for _, n := range append([]string{"f"}, neighbours...) {
				s.Apply(subscriptionOf(n, "c", "$"+n, options))
			}
			for _, n := range append([]string{"f"}, neighbours...) {
				s.Ready("Subscription/" + n)
			}
			s.Ready("Channel/c")
			s.Burst("Channel/c", 8, s.Events(events)...)
			for _, n := range neighbours {
				s.Expect(n, events)
			}
			s.Expect("f", events*(1+retries))
			s.Quiet("Channel/c", neighbours...)
		},
		Verify: []Verification{
			verify("DLV-062", check.All(check.Each(neighbours, func(n string) check.Judge { return check.AtLeastOnce(n) }),
				check.AtLeastAttemptsEach("f", 4), check.Waits("f", 3, check.Constant(100*time.Millisecond), nil))),
		},
	},
}

// acceptedPosts wants that many posts, all accepted.
func acceptedPosts(n int) check.Judge {
	return func(v *history.View) check.Finding {
		if f := check.Accepted()(v); f.Expected != "" || len(v.Posts()) >= n {
			return f
		}
		return check.Unclear("%d of %d events were sent", len(v.Posts()), n)
	}
}
