package suites

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// told writes the history of one event per code: what became of each is a template with $e, $c and $t for its id, its code
// and a time in ms; one of the codes may have another template.
func told(codes []int, usual string, odd int, instead string) string {
	var b strings.Builder
	for i, c := range codes {
		text := usual
		if c == odd {
			text = instead
		}
		at := 10 * (i + 1)
		r := strings.NewReplacer("$e", fmt.Sprintf("e%d", i+1), "$c", fmt.Sprint(c),
			"$0", fmt.Sprintf("%dms", at), "$1", fmt.Sprintf("%dms", at+1), "$2", fmt.Sprintf("%dms", at+2), "$3", fmt.Sprintf("%dms", at+3))
		b.WriteString(r.Replace(text) + "\n")
	}
	return b.String()
}

const (
	toldOnce     = "$0 send Channel/c $e wants=$c -> 202\n$1 recv a $e -> $c"
	toldAgain    = toldOnce + "\n$2 recv a $e -> 202"
	toldLetter   = toldOnce + "\n$2 recv dls $e knativeerrorcode=$c"
	toldRetried  = toldOnce + "\n$2 recv a $e -> $c\n$3 recv dls $e"
	toldRedirect = toldOnce + "\n$2 recv elsewhere $e -> 202"
	toldLost     = "$0 send Channel/c $e wants=$c -> 202"
)

var deliveryExamples = []example{
	{
		scenario: "delivery/success-codes", requirement: "DLV-001",
		good: []string{told(successCodes, toldOnce, 0, "")},
		bad: []string{
			told(successCodes, toldOnce, 204, toldAgain), // only 200 and 202 count
			told(successCodes, toldOnce, 299, toldLetter),
			told(successCodes, toldOnce, 201, toldLost),
		},
	},
	{
		scenario: "delivery/retryable-codes", requirement: "DLV-004",
		good: []string{told(serverErrorCodes, toldAgain, 0, "")},
		bad: []string{
			told(serverErrorCodes, toldAgain, 502, toldOnce), // knative/eventing issue 2357
			told(serverErrorCodes, toldAgain, 501, toldLetter),
			told(serverErrorCodes, toldAgain, 505, toldLetter),
			told(serverErrorCodes, toldOnce, 0, ""), // no retry at all
		},
	},
	{
		scenario: "delivery/retryable-codes", requirement: "DLV-005",
		good: []string{told(retryableCodes, toldAgain, 0, "")},
		bad:  []string{told(retryableCodes, toldAgain, 404, toldOnce), told(retryableCodes, toldAgain, 409, toldLetter), told(retryableCodes, toldAgain, 408, toldOnce)},
	},
	{
		scenario: "delivery/retryable-codes", requirement: "DLV-008",
		good: []string{told(unknownCodes, toldAgain, 0, "")},
		bad:  []string{told(unknownCodes, toldAgain, 600, toldOnce), told(unknownCodes, toldLost, 0, "")},
	},
	{
		scenario: "delivery/final-codes", requirement: "DLV-006",
		good: []string{told(finalCodes, toldLetter, 0, "")},
		bad: []string{
			told(finalCodes, toldLetter, 413, toldRetried), // knative/eventing issue 6691
			told(finalCodes, toldRetried, 0, ""),
			told(finalCodes, toldLetter, 400, toldOnce), // dropped
		},
	},
	{
		scenario: "delivery/redirects", requirement: "DLV-007",
		good: []string{told(redirectCodes, toldLetter, 0, "")},
		bad: []string{
			told(redirectCodes, toldLetter, 304, toldOnce), // taken for a success
			told(redirectCodes, toldLetter, 307, toldRedirect),
			told(redirectCodes, toldLetter, 308, toldLetter+"\n$3 recv elsewhere $e -> 202"),
			told(redirectCodes, toldLetter, 300, toldRetried),
		},
	},
	{
		scenario: "delivery/early-hints", requirement: "DLV-009",
		good: []string{`
			1ms send Channel/c e1 -> 202
			2ms..40ms recv a e1 -> 200 e1.a
			41ms recv r e1.a`},
		bad: []string{
			// the informational answer ends the attempt, which is repeated
			`1ms send Channel/c e1 -> 202
			2ms..40ms recv a e1 -> 200 e1.a
			3ms..41ms recv a e1 -> 200 e1.a
			42ms recv r e1.a`,
			// it counts as the answer
			`1ms send Channel/c e1 -> 202
			2ms..40ms recv a e1 -> 200 e1.a`,
			// it counts as a failure
			`1ms send Channel/c e1 -> 202
			2ms..40ms recv a e1 -> 200 e1.a
			3ms recv dls e1`,
		},
	},
	{
		scenario: "delivery/retry-counts", requirement: "DLV-002",
		good: []string{toldCounts(1, 2, 4, 3), toldCounts(1, 2, 5, 3)},
		bad: []string{
			toldCounts(1, 1, 3, 2), // off by one
			toldCounts(1, 1, 1, 1), // no retry at all: knative/eventing issues 2210, 2212
			toldCounts(1, 2, 4, 1), // the channel's options are ignored: issue 4111
		},
	},
	{
		scenario: "delivery/retry-counts", requirement: "DLV-003",
		good: []string{toldCounts(1, 2, 4, 3)},
		bad: []string{
			toldCounts(1, 2, 5, 3),
			toldCounts(1, 4, 16, 9), // two layers retry the same hop
		},
	},
	{
		scenario: "delivery/no-options", requirement: "DLV-012",
		good: []string{`
			1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			3ms send Channel/c e2 -> 202
			4ms recv a e2 -> 200 none data="no event"`},
		bad: []string{
			// an answer without an event counts as a failure, and is repeated for ever
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			3ms send Channel/c e2 -> 202
			4ms recv a e2 -> 200 none data="no event"
			5ms recv a e2 -> 200 none data="no event"
			6ms recv a e2 -> 200 none data="no event"`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			3ms recv a e1 -> 503
			3ms send Channel/c e2 -> 202
			4ms recv a e2 -> 200 none data="no event"`,
		},
	},
	{
		scenario: "delivery/fails-twice", requirement: "DLV-013",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms..32ms recv a e1 -> 503
			33ms..63ms recv a e1 -> 503
			64ms..94ms recv a e1 -> 202`,
			// an attempt that broke off ended at an unknown time
			`1ms send Channel/c e1 -> 202
			2ms..40ms recv a e1 -> fault=hang
			33ms..43ms recv a e1 -> 503
			44ms recv a e1 -> 202`,
		},
		bad: []string{
			// hedged attempts
			`1ms send Channel/c e1 -> 202
			2ms..32ms recv a e1 -> 503
			12ms..42ms recv a e1 -> 503
			64ms..94ms recv a e1 -> 202`,
			// the third comes before the first has ended
			`1ms send Channel/c e1 -> 202
			2ms..90ms recv a e1 -> 503
			12ms..14ms recv a e1 -> 503
			20ms recv a e1 -> 202`,
		},
	},
	{
		scenario: "delivery/fails-twice", requirement: "DLV-014",
		good: []string{`
			1ms send Channel/c e1 data=body custom=x -> 202
			2ms recv a e1 data=body custom=x traceparent=00-1-1-01 -> 503
			3ms recv a e1 data=body custom=x traceparent=00-1-2-01 mode=structured -> 503
			4ms recv a e1 data=body custom=x -> 202`},
		bad: []string{
			// an empty body on retry
			`1ms send Channel/c e1 data=body -> 202
			2ms recv a e1 data=body -> 503
			3ms recv a e1 -> 202`,
			// a new time, an attribute lost
			`1ms send Channel/c e1 data=body custom=x -> 202
			2ms recv a e1 data=body custom=x -> 503
			3ms recv a e1 data=body -> 202`,
			// other data of the same length
			`1ms send Channel/c e1 data=body -> 202
			2ms recv a e1 data=body -> 503
			3ms recv a e1 data=yodb -> 202`,
			// changed from the first attempt on
			`1ms send Channel/c e1 data=body -> 202
			2ms recv a e1 data=bod -> 503
			3ms recv a e1 data=bod -> 202`,
		},
		badViews: []func() *history.View{func() *history.View { // truncated beyond what a history keeps
			big := strings.Repeat("x", 64<<10)
			return exchanges(asked{"", "e1", big, 202}, asked{"a", "e1", big, 503}, asked{"a", "e1", big[:4096], 202})
		}},
		goodViews: []func() *history.View{func() *history.View {
			big := strings.Repeat("x", 64<<10)
			return exchanges(asked{"", "e1", big, 202}, asked{"a", "e1", big, 503}, asked{"a", "e1", big, 202})
		}},
	},
	{
		scenario: "delivery/fails-twice", requirement: "DLV-015",
		good: []string{`
			1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			3ms recv a e1 -> 503
			4ms recv a e1 -> 202`},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			3ms recv a e1 -> 202
			4ms recv a e1 -> 202`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503`,
		},
	},
	{
		scenario: "delivery/fails-twice", requirement: "DLV-047",
		good: []string{`
			1ms send Channel/c e1 -> 202
			2ms recv a e1 h:Prefer=reply -> 503
			3ms recv a e1 h:Prefer="wait=10, Reply" -> 202`},
		bad: []string{
			// missing on retries
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 h:Prefer=reply -> 503
			3ms recv a e1 -> 202`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 h:Prefer=respond-async -> 503`,
		},
	},
	{
		scenario: "delivery/broken-connections", requirement: "DLV-010",
		good: []string{`
			1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=reset
			3ms recv a e1 -> fault=close
			4ms recv a e1 -> 202`},
		bad: []string{
			// dropped without a retry: knative/eventing issue 4453
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=reset`,
			// only resets are retried
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=reset
			3ms recv a e1 -> fault=close`,
		},
	},
	{
		scenario: "delivery/refused-connections", requirement: "DLV-010",
		good: []string{`
			1ms send Channel/c e1 -> 202
			305ms recv dls e1
			250ms recv late e1`},
		bad: []string{
			// the one whose port opens later is lost
			`1ms send Channel/c e1 -> 202
			305ms recv dls e1`,
			// no retry
			`1ms send Channel/c e1 -> 202
			5ms recv dls e1
			250ms recv late e1`,
		},
	},
	{
		scenario: "delivery/name-not-found", requirement: "DLV-010",
		good: []string{`
			1ms send Channel/c e1 -> 202
			305ms recv dls e1`},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			5ms recv dls e1`,
			`1ms send Channel/c e1 -> 202`,
		},
	},
	{
		scenario: "delivery/hanging-subscriber", requirement: "DLV-011",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms..201ms recv a e1 -> fault=hang
			202ms..401ms recv a e1 -> fault=hang
			402ms..601ms recv a e1 -> fault=hang
			602ms..801ms recv a e1 -> fault=hang
			802ms recv dls e1`,
			// one attempt timed out before it was seen
			`1ms send Channel/c e1 -> 202
			2ms..201ms recv a e1 -> fault=hang
			402ms..601ms recv a e1 -> fault=hang
			602ms..801ms recv a e1 -> fault=hang
			802ms recv dls e1`,
		},
		bad: []string{
			// no timeout
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=hang`,
			// a budget for all attempts together
			`1ms send Channel/c e1 -> 202
			2ms..201ms recv a e1 -> fault=hang
			202ms recv a e1 -> fault=hang
			203ms recv a e1 -> fault=hang
			204ms recv a e1 -> fault=hang
			305ms recv dls e1`,
			// a timeout is final
			`1ms send Channel/c e1 -> 202
			2ms..201ms recv a e1 -> fault=hang
			202ms recv dls e1`,
		},
	},
	{
		scenario: "delivery/replies-and-dead-letters", requirement: "DLV-047",
		goodViews: []func() *history.View{func() *history.View { return preferring("reply", "reply") }},
		badViews: []func() *history.View{
			func() *history.View { return preferring("", "") },
			func() *history.View { return preferring("reply", "") },
		},
	},
	{
		scenario: "delivery/replies-and-dead-letters", requirement: "DLV-048",
		good: []string{`
			1ms send Channel/c e1 -> 202
			2ms recv a e1 h:Prefer=reply -> 200 e1.a
			2ms recv b e1 h:Prefer=reply -> 400
			3ms recv r e1.a
			3ms recv dls e1`},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			3ms recv r e1.a h:Prefer=reply
			3ms recv dls e1`,
			`1ms send Channel/c e1 -> 202
			3ms recv r e1.a
			3ms recv dls e1 h:Prefer=reply`,
		},
	},
	{
		scenario: "delivery/foreign-headers", requirement: "DLV-055",
		good: []string{
			headersSent + `2ms recv a e1 h:X-Request-Id=request-1 h:Knative-Custom=custom-1`,
			headersSent + `2ms recv a e1 h:X-Request-Id=request-1 h:Knative-Custom=custom-1 h:Authorization="Bearer its-own"`,
		},
		bad: []string{
			headersSent + `2ms recv a e1 h:X-Request-Id=request-1 h:Knative-Custom=custom-1 h:Authorization="Bearer secret"`,
			headersSent + `2ms recv a e1 h:X-Request-Id=request-1 h:Knative-Custom=custom-1 h:Cookie=session=secret`,
			headersSent + `2ms recv a e1 h:X-Request-Id=request-1 h:Knative-Custom=custom-1 h:X-Custom=value`,
			headersSent + `2ms recv a e1`,
		},
	},
	{
		scenario: "delivery/same-event-twice", requirement: "DLV-059",
		good: []string{`
			1ms send Channel/c e1 -> 202
			2ms send Channel/c e1 -> 200
			3ms send Channel/c e1 source=/other -> 202`},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms send Channel/c e1 -> 409
			3ms send Channel/c e1 source=/other -> 202`,
			`1ms send Channel/c e1 -> 202
			2ms send Channel/c e1 -> 202
			3ms send Channel/c e1 source=/other -> 409`,
		},
	},
	{
		scenario: "delivery/same-event-twice", requirement: "DLV-060",
		good: []string{
			twiceSent + `
			5ms recv a e1
			6ms recv a e1
			7ms recv a e1 source=/other`,
			// duplicates by source and id may be known as such
			twiceSent + `
			5ms recv a e1
			7ms recv a e1 source=/other`,
		},
		bad: []string{
			// by the id alone
			twiceSent + `
			5ms recv a e1`,
			twiceSent + `
			7ms recv a e1 source=/other`,
			twiceSent + `
			5ms recv a e1
			6ms recv a e1
			6ms recv a e1
			7ms recv a e1 source=/other`,
		},
	},
	{
		scenario: "delivery/failing-neighbour", requirement: "DLV-062",
		goodViews: []func() *history.View{func() *history.View { return neighbourhood(40, 4, 100*time.Millisecond, "", "") }},
		badViews: []func() *history.View{
			func() *history.View { return neighbourhood(40, 3, 100*time.Millisecond, "", "") },      // the queue of retries drops
			func() *history.View { return neighbourhood(40, 4, 5*time.Millisecond, "", "") },        // no back-off under load
			func() *history.View { return neighbourhood(40, 4, 100*time.Millisecond, "n4", "e17") }, // a neighbour suffers
			func() *history.View { return neighbourhood(40, 4, 100*time.Millisecond, "f", "e17") },
		},
	},
}

const headersSent = `1ms send Channel/c e1 h:X-Request-Id=request-1 h:Knative-Custom=custom-1 h:Authorization="Bearer secret" h:Proxy-Authorization=p h:Cookie=session=secret h:X-Api-Key=k h:X-Custom=value -> 202
`

const twiceSent = `1ms send Channel/c e1 -> 202
	2ms send Channel/c e1 -> 202
	3ms send Channel/c e1 source=/other -> 202`

// toldCounts gives so many failed attempts at r0, r1, r3 and d.
func toldCounts(r0, r1, r3, d int) string {
	text := "1ms send Channel/c e1 -> 202\n1ms send Channel/with-options e2 -> 202\n"
	for i, n := range []int{r0, r1, r3, d} {
		at, id := []string{"r0", "r1", "r3", "d"}[i], "e1"
		if at == "d" {
			id = "e2"
		}
		for j := range n {
			text += fmt.Sprintf("%dms recv %s %s -> 503\n", 2+j, at, id)
		}
	}
	return text
}

// asked is an exchange with a receiver, or a post if at is empty.
type asked struct {
	at, id, data string
	code         int
}

// exchanges makes a view of exchanges a millisecond apart.
func exchanges(list ...asked) *history.View {
	var ops []history.Op
	for i, a := range list {
		e := &history.Event{Mode: "binary", Attrs: map[string]string{"specversion": "1.0", "id": a.id, "source": "/sequitur", "type": "t"},
			Size: len(a.data), Sum: history.Sum([]byte(a.data)), Data: []byte(a.data[:min(len(a.data), history.KeepData)])}
		ask, answer := history.Received, history.Answered
		if a.at == "" {
			ask, answer = history.Sent, history.Acked
		}
		at := time.Duration(i+1) * time.Millisecond
		ops = append(ops, history.Op{Kind: ask, T: at, X: int64(i + 1), Who: a.at, Event: e, Method: http.MethodPost, Header: http.Header{}},
			history.Op{Kind: answer, T: at, X: int64(i + 1), Who: a.at, Code: a.code})
	}
	return history.NewView("exchanges", map[string]bool{"core": true}, ops)
}

// preferring makes the history of two Subscriptions; a and b are what Prefer says at their subscribers.
func preferring(a, b string) *history.View {
	const base = "http://127.0.0.1:1/ns/"
	uri := func(name string) map[string]any { return map[string]any{"uri": base + name} }
	manifest := func(spec map[string]any) []byte {
		text, err := json.Marshal(map[string]any{"kind": "Subscription", "spec": spec})
		if err != nil {
			panic(err)
		}
		return text
	}
	v := exchanges(asked{"", "e1", "", 202}, asked{"a", "e1", "", 200}, asked{"b", "e1", "", 400}, asked{"r", "e1.a", "", 202}, asked{"dls", "e1", "", 202})
	ops := slices.Clone(v.Ops)
	for i := range ops {
		if value := map[string]string{"a": a, "b": b}[ops[i].Who]; value != "" && ops[i].Kind == history.Received {
			ops[i].Header = http.Header{"Prefer": {value}}
		}
	}
	ops = append([]history.Op{
		{Kind: history.Begin, Note: "ns"},
		{Kind: history.Applied, Who: "Subscription/to-a", Shown: manifest(map[string]any{"subscriber": uri("a"), "reply": uri("r")})},
		{Kind: history.Applied, Who: "Subscription/to-b", Shown: manifest(map[string]any{"subscriber": uri("b"), "delivery": map[string]any{"deadLetterSink": uri("dls")}})},
	}, ops...)
	return history.NewView("preferring", map[string]bool{"core": true}, ops)
}

// neighbourhood makes the history of many events at nine healthy receivers and at f, which fails every attempt; lost tells
// which event is missing where.
func neighbourhood(events, attempts int, wait time.Duration, lostAt, lost string) *history.View {
	var ops []history.Op
	x := int64(0)
	add := func(who, id string, code int, at time.Duration) {
		x++
		e := &history.Event{Mode: "binary", Size: -1, Attrs: map[string]string{"id": id, "source": "/sequitur"}}
		ask, answer := history.Received, history.Answered
		if who == "Channel/c" {
			ask, answer = history.Sent, history.Acked
		}
		ops = append(ops, history.Op{Kind: ask, T: at, X: x, Who: who, Event: e}, history.Op{Kind: answer, T: at, X: x, Who: who, Code: code})
	}
	for i := range events {
		id, at := fmt.Sprintf("e%d", i+1), time.Duration(i)*time.Millisecond
		add("Channel/c", id, 202, at)
		for _, n := range neighbours {
			if n != lostAt || id != lost {
				add(n, id, 202, at+time.Millisecond)
			}
		}
		for j := range attempts {
			if lostAt != "f" || id != lost || j < 2 {
				add("f", id, 503, at+time.Millisecond+time.Duration(j)*wait)
			}
		}
	}
	return history.NewView("neighbourhood", map[string]bool{"core": true}, ops)
}
