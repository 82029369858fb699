package suites

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// Histories that several examples of the Sequence chapter begin with.

const seqKinds = `
	0ms mark steps
	1ms send Sequence/steps e1 -> 202
	2ms recv a e1 -> 200 e1.a
	3ms recv b e1.a -> 200 e1.a.b
	4ms recv c e1.a.b path=/below -> 200 e1.a.b.c
	5ms recv d e1.a.b.c path=/deep/path -> 200 e1.a.b.c.d
	6ms recv atchannel e1.a.b.c.d
	10ms mark p
	11ms send Sequence/p e2 -> 202
	12ms recv p e2 -> 200 e2.p
	13ms recv atservice e2.p
	20ms mark q
	21ms send Sequence/q e3 -> 202
	22ms recv q e3 -> 200 e3.q
	23ms recv atknative e3.q
	30ms mark r
	31ms send Sequence/r e4 -> 202
	32ms recv r e4 -> 200 e4.r
	33ms recv in e4.r -> 200 e4.r.in
	34ms recv atsequence e4.r.in
	40ms mark t
	41ms send Sequence/t e5 -> 202
	42ms recv t e5 -> 200 e5.t
	43ms recv atpath e5.t path=/some/where
	50ms mark u
	51ms send Sequence/u e6 -> 202
	52ms recv u e6 -> 200 e6.u
	53ms recv atbroker e6.u`

const seqParallelKinds = `
	60ms mark v
	61ms send Sequence/v e7 -> 202
	62ms recv v e7 -> 200 e7.v
	63ms recv branch e7.v -> 200 e7.v.branch
	64ms recv atparallel e7.v.branch
	70ms mark w
	71ms send Sequence/w e8 -> 202
	72ms recv w e8 -> 200 e8.w
	73ms recv branch e8.w -> 200 e8.w.branch
	74ms recv atparallel e8.w.branch`

const seqNested = `
	0ms mark sequence
	1ms send Sequence/outer e1 -> 202
	2ms recv a e1 -> 200 e1.a
	3ms recv x e1.a -> 200 e1.a.x
	4ms recv y e1.a.x -> 200 e1.a.x.y
	5ms recv innersink e1.a.x.y
	6ms mark channel
	6ms send Sequence/into e2 -> 202
	7ms recv b e2 -> 200 e2.b
	8ms recv z e2.b -> 200 e2.b.z`

const seqDeliveryOptions = `
	0ms mark "no options"
	1ms send Sequence/s e1 -> 202
	2ms recv a e1 -> 503
	9ms mark options
	10ms send Sequence/s e2 -> 202
	11ms recv a e2 -> 200 e2.a
	12ms recv b e2.a -> 503
	13ms recv b e2.a -> 503
	14ms recv b e2.a -> 503
	15ms recv b e2.a -> 503
	20ms send Sequence/s e3 -> 202
	21ms recv a e3 -> 200 e3.a
	22ms recv b e3.a -> 200 e3.a.b
	23ms recv c e3.a.b -> 503
	24ms recv c e3.a.b -> 503`

// seqReplyRefuses has so many deliveries of e1 and e2 at the sink; the third one of e1 is accepted. With how "again" the last
// step is repeated for each.
func seqReplyRefuses(how string, first, second int) string {
	var b strings.Builder
	for i, n := range []int{first, second} {
		id := fmt.Sprintf("e%d", i+1)
		fmt.Fprintf(&b, "%dms mark %q\n%dms send Sequence/s %s -> 202\n", 100*i, []string{"at first", "always"}[i], 100*i+1, id)
		for k := range n {
			if k == 0 || how == "again" {
				fmt.Fprintf(&b, "%dms recv b %s.a -> 200 %s.a.b\n", 100*i+2+10*k, id, id)
			}
			code := 503
			if i == 0 && k == 2 {
				code = 202
			}
			fmt.Fprintf(&b, "%dms recv sink %s.a.b -> %d\n", 100*i+3+10*k, id, code)
		}
	}
	b.WriteString("150ms recv dls e2.a\n")
	return b.String()
}

const seqNeighbours = `
	0ms mark home
	1ms send Sequence/s e1 -> 202
	2ms recv a e1 -> 200 e1.a
	3ms recv sink e1.a
	4ms mark "other namespace"
	5ms send Sequence/ns-other/s e2 -> 202
	6ms recv a e2 -> 200 e2.a
	7ms recv other e2.a
	8ms mark "other name"
	9ms send Sequence/t e3 -> 202
	10ms recv a e3 -> 200 e3.a
	11ms recv third e3.a`

const seqPoisoned = `
	1ms send Sequence/s e1 poison=reset -> 202
	2ms recv a e1 poison=reset -> 200 e1.a poison=reset
	3ms recv b e1.a poison=reset -> fault=reset
	4ms send Sequence/s e2 -> 202
	5ms recv a e2 -> 200 e2.a`

// seqChain is one event through the first n of twenty steps and on to the sink.
func seqChain(n int) string {
	var b strings.Builder
	b.WriteString("1ms send Sequence/s e1 data=e1 -> 202\n")
	id, text := "e1", "e1"
	for i := range n {
		fmt.Fprintf(&b, "%dms recv s%d %s data=%q -> 200 %s.s%d\n", i+2, i, id, text, id, i)
		id, text = fmt.Sprintf("%s.s%d", id, i), fmt.Sprintf("%s|s%d", text, i)
	}
	fmt.Fprintf(&b, "%dms recv sink %s data=%q\n", n+2, id, text)
	return b.String()
}

// seqConcurrent is 200 events at the same time through a and b to the sink. twist, if not nil, says what comes to a receiver
// instead of an id and its data.
func seqConcurrent(twist func(at, id, data string) (string, string)) *history.View {
	var ops []history.Op
	add := func(op history.Op) {
		op.N, op.Scenario = len(ops)+1, "test/made"
		ops = append(ops, op)
	}
	see := func(id, data string) *history.Event {
		return &history.Event{Mode: "binary", Attrs: map[string]string{"id": id, "source": "/sequitur", "type": "t"},
			Data: []byte(data), Size: len(data), Sum: history.Sum([]byte(data))}
	}
	const n = 200
	for i := range n {
		id := fmt.Sprintf("e%d", i+1)
		add(history.Op{Kind: history.Sent, T: time.Duration(i), X: -int64(i + 1), Who: "Sequence/s", Event: see(id, id)})
		add(history.Op{Kind: history.Acked, T: time.Duration(i), X: -int64(i + 1), Who: "Sequence/s", Code: http.StatusAccepted})
	}
	x := int64(0)
	for k, at := range []string{"a", "b", "sink"} {
		for i := range n {
			id := fmt.Sprintf("e%d", i+1)
			data := id
			for _, step := range []string{"a", "b"}[:k] {
				id, data = id+"."+step, data+"|"+step
			}
			if twist != nil {
				id, data = twist(at, id, data)
			}
			x++
			t := time.Duration((k+1)*n + i)
			add(history.Op{Kind: history.Received, T: t, X: x, Who: at, Event: see(id, data)})
			add(history.Op{Kind: history.Answered, T: t, X: x, Who: at, Code: http.StatusAccepted})
		}
	}
	return history.NewView("test/made", map[string]bool{"core": true}, ops)
}

const (
	throughTheBroker = `
		1ms send Broker/b e1 -> 202
		2ms recv a e1 -> 200 e1.a
		3ms recv b e1.a -> 200 e1.a.b type=sequitur.done
		4ms recv sink e1.a.b type=sequitur.done knativearrivaltime=2026-01-01T00:00:00Z`
	// the result is dropped for want of the hop attribute
	droppedByTheBroker = `
		1ms send Broker/b e1 -> 202
		2ms recv a e1 -> 200 e1.a
		3ms recv b e1.a -> 200 e1.a.b type=sequitur.done`
	// the result reaches its Trigger twice
	twiceFromTheBroker = `
		1ms send Broker/b e1 -> 202
		2ms recv a e1 -> 200 e1.a
		3ms recv b e1.a -> 200 e1.a.b type=sequitur.done
		4ms recv sink e1.a.b type=sequitur.done
		5ms recv sink e1.a.b type=sequitur.done`
)
