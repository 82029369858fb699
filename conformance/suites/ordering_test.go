package suites

import (
	"fmt"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// retryOrder is a history of one key: e1 is retried, e3 is dead-lettered, each with another behind it. The words are the
// times at which e2 and e4 come.
func retryOrder(e2, e4 string) string {
	return strings.NewReplacer("E2", e2, "E4", e4).Replace(`
		1ms send Channel/c e1 partitionkey=k1 -> 202
		2ms send Channel/c e2 partitionkey=k1 -> 202
		3ms send Channel/c e3 partitionkey=k1 -> 202
		4ms send Channel/c e4 partitionkey=k1 -> 202
		5ms..6ms recv a e1 -> 503
		20ms..21ms recv a e1
		E2 recv a e2
		30ms recv a e3 -> 503
		40ms recv a e3 -> 503
		41ms recv dead e3
		E4 recv a e4`)
}

// slowView is a history in which e1 is answered after the last of n others was sent; came of them arrive meanwhile, the
// others then.
func slowView(n, came int, claims ...string) func() *history.View {
	return func() *history.View {
		var ops []history.Op
		x := int64(0)
		exchange := func(ask, answer history.Kind, who, id string, from, to time.Duration) {
			x++
			e := &history.Event{Mode: "binary", Size: -1, Attrs: map[string]string{"id": id, "source": "/sequitur", "partitionkey": "k" + id}}
			ops = append(ops, history.Op{Kind: ask, T: from, X: x, Who: who, Event: e, Method: "POST"},
				history.Op{Kind: answer, T: to, X: x, Who: who, Code: 202})
		}
		const ms = time.Millisecond
		exchange(history.Sent, history.Acked, "Channel/c", "e1", ms, 2*ms)
		exchange(history.Received, history.Answered, "a", "e1", 3*ms, 5000*ms)
		for i := range n {
			at := time.Duration(10+i) * ms
			id := fmt.Sprintf("e%d", i+2)
			exchange(history.Sent, history.Acked, "Channel/c", id, at, at)
			if i >= came {
				at += 5000 * ms
			}
			exchange(history.Received, history.Answered, "a", id, at+ms, at+2*ms)
		}
		set := map[string]bool{"core": true}
		for _, c := range claims {
			set[c] = true
		}
		return history.NewView("hand-made", set, ops)
	}
}

var orderingExamples = []example{
	{
		scenario: "ordering/channel", requirement: "ORD-003", claims: []string{"OrderedDelivery"},
		good: []string{`1ms send Channel/c e1 partitionkey=k1 -> 202
			2ms send Channel/c e2 partitionkey=k2 -> 202
			3ms send Channel/c e3 partitionkey=k1 -> 202
			4ms send Channel/c e4 partitionkey=k2 -> 202
			5ms recv a e2
			6ms recv a e1
			7ms recv a e3
			8ms recv a e1
			9ms recv a e4
			5ms recv b e1
			6ms recv b e2
			7ms recv b e3
			8ms recv b e4`}, // keys overtake each other, and e1 is delivered again
		bad: []string{
			// workers without affinity to a key
			`1ms send Channel/c e1 partitionkey=k1 -> 202
			2ms send Channel/c e2 partitionkey=k1 -> 202
			3ms recv a e2
			4ms recv a e1
			5ms recv b e1
			6ms recv b e2`,
			`1ms send Channel/c e1 partitionkey=k1 -> 202
			2ms send Channel/c e2 partitionkey=k1 -> 202
			3ms recv a e1
			4ms recv a e2
			5ms recv b e2`,
			`1ms send Channel/c e1 partitionkey=k1 -> 503`,
		},
	},
	{
		scenario: "ordering/sequence", requirement: "ORD-001",
		good: []string{`1ms send Sequence/s e1 -> 202
			2ms..4ms recv a e1 -> 200 e1.a
			5ms recv b e1.a`},
		bad: []string{`1ms send Sequence/s e1 -> 202
			2ms..4ms recv a e1 -> 200 e1.a
			3ms recv b e1.a`},
	},
	{
		scenario: "ordering/sequence", requirement: "ORD-006",
		good: []string{`1ms send Sequence/s e1 partitionkey=k1 -> 202
			2ms send Sequence/s e2 partitionkey=k1 -> 202
			3ms recv a e1
			4ms recv a e2
			5ms recv b e1.a
			6ms recv b e2.a
			7ms recv c e1.a.b
			8ms recv c e2.a.b
			9ms recv sink e1.a.b.c
			10ms recv sink e2.a.b.c`},
		bad: []string{`1ms send Sequence/s e1 partitionkey=k1 -> 202
			2ms send Sequence/s e2 partitionkey=k1 -> 202
			3ms recv a e1
			4ms recv a e2
			5ms recv b e1.a
			6ms recv b e2.a
			7ms recv c e1.a.b
			8ms recv c e2.a.b
			9ms recv sink e2.a.b.c
			10ms recv sink e1.a.b.c`}, // one hop is not ordered
	},
	{
		scenario: "ordering/retries", requirement: "ORD-004",
		good: []string{retryOrder("22ms", "42ms")},
		bad: []string{
			retryOrder("7ms", "42ms"),  // a queue of retries beside the main one
			retryOrder("22ms", "35ms"), // or e4 does not wait for the dead letter
			strings.Replace(retryOrder("22ms", "42ms"), "recv dead e3", "recv elsewhere e3", 1),
			strings.Replace(retryOrder("22ms", "42ms"), "recv a e2", "recv elsewhere e2", 1),
		},
	},
	{
		scenario: "ordering/held-up-key", requirement: "ORD-005",
		goodViews: []func() *history.View{slowView(16, 16), slowView(16, 5)},
		badViews:  []func() *history.View{slowView(16, 0)},
		bad:       []string{`1ms send Channel/c e1 -> 202`},
	},
	{
		scenario: "ordering/slow-event", requirement: "ORD-008",
		goodViews: []func() *history.View{slowView(100, 100), slowView(100, 60, "OrderedDelivery")},
		badViews: []func() *history.View{
			slowView(100, 0), // a serial dispatcher
			slowView(100, 0, "OrderedDelivery"),
			slowView(100, 99),
		},
	},
	{
		scenario: "delivery/random-failures", requirement: "DLV-056",
		good: []string{
			// taken and answered; final and dead-lettered; exhausted
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			3ms recv a e1 -> 200 e1.a
			4ms recv reply e1.a
			2ms recv b e1 -> 400
			5ms send Channel/c e2 -> 202
			6ms recv a e2 -> 400
			7ms recv dead e2
			8ms recv b e2 -> 503
			9ms recv b e2 -> fault=reset
			10ms recv b e2 -> 500`,
			// what was refused need not arrive
			`1ms send Channel/c e1 -> 202
			2ms recv a e1
			3ms recv b e1
			4ms send Channel/c e2 -> 429`,
		},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			2ms recv b e1`, // neither tried again nor dead-lettered
			`1ms send Channel/c e1 -> 202
			2ms recv a e1
			2ms recv b e1 -> 503`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			2ms recv b e1`, // the answer is dropped
		},
	},
	{
		scenario: "delivery/load-without-failures", requirement: "DLV-058",
		good: []string{loadHistory("")},
		bad: []string{
			loadHistory("6ms recv two e1"), // a subscriber is listed twice
			loadHistory("20ms recv sink e2.a.b"),
			strings.Replace(loadHistory(""), "recv one", "recv elsewhere", 1),
			strings.Replace(loadHistory(""), "202", "503", 1),
		},
	},
	{
		scenario: "delivery/load-without-failures", requirement: "DLV-057",
		good: []string{loadHistory("")},
		bad:  []string{loadHistory("6ms recv sink e1"), loadHistory("20ms recv one e2.a.b")},
	},
	{
		scenario: "delivery/neighbours", requirement: "DLV-057",
		good: []string{neighbourHistory},
		bad: []string{
			neighbourHistory + "\n9ms recv q e2",
			neighbourHistory + "\n9ms recv pend e1.pstep",
			neighbourHistory + "\n9ms recv qstep e1",
		},
	},
}

func loadHistory(more string) string {
	return `1ms mark channel
		2ms send Channel/c e1 -> 202
		3ms recv one e1
		4ms recv two e1
		10ms mark sequence
		11ms send Sequence/s e2 -> 202
		12ms recv a e2 -> 200 e2.a
		13ms recv b e2.a -> 200 e2.a.b
		14ms recv sink e2.a.b
		` + more
}

var neighbourHistory = func() string {
	h := ""
	for i, n := range []string{"p", "q", "r"} {
		h += strings.NewReplacer("N", n, "E1", fmt.Sprintf("e%d", 2*i+1), "E2", fmt.Sprintf("e%d", 2*i+2)).Replace(`
			1ms send Channel/N E1 -> 202
			2ms recv Nstep E1 -> 200 E1.Nstep
			3ms recv N E1.Nstep
			4ms send Sequence/N E2 -> 202
			5ms recv Nfirst E2 -> 200 E2.Nfirst
			6ms recv Nend E2.Nfirst`)
	}
	return h
}()
