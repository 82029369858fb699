package suites

import (
	"fmt"
	"strings"
)

// traceOfSender is the traceparent of a trace by its number, with a parent id by its own.
func traceOfSender(trace, parent int) string {
	return fmt.Sprintf("h:Traceparent=00-0af7651916cd43dd8448eb211c80%04x-b7ad6b716920%04x-01", trace, parent)
}

// tracedWays is a history of a sender's traces along all ways.
var tracedWays = func() string {
	const state = " h:Tracestate=rojo=1,congo=2"
	return `
	1ms mark sequence
	2ms send Sequence/s e1 ` + traceOfSender(1, 1) + state + ` -> 202
	3ms recv a e1 ` + traceOfSender(1, 2) + state + ` -> 200 e1.a
	4ms recv b e1.a ` + traceOfSender(1, 3) + state + ` -> 200 e1.a.b
	5ms recv sink e1.a.b ` + traceOfSender(1, 4) + ` h:Tracestate=knative=x,rojo=1 h:Tracestate=congo=2
	10ms mark "dead letter"
	11ms send Sequence/s e2 ` + traceOfSender(2, 1) + state + ` -> 202
	12ms recv a e2 ` + traceOfSender(2, 2) + state + ` -> 200 e2.a
	13ms recv b e2.a ` + traceOfSender(2, 3) + state + ` -> 503
	14ms recv b e2.a ` + traceOfSender(2, 3) + state + ` -> 503
	15ms recv dls e2.a ` + traceOfSender(2, 3) + state + `
	20ms mark channel
	21ms send Channel/c e3 ` + traceOfSender(3, 1) + state + ` -> 202
	22ms recv p e3 ` + traceOfSender(3, 2) + state + `
	22ms recv q e3 ` + traceOfSender(3, 2) + state + ` -> 200 e3.q
	23ms recv r e3.q ` + traceOfSender(3, 4) + state + `
	30ms mark broker
	31ms send Broker/b e4 ` + traceOfSender(4, 1) + state + ` -> 202
	32ms recv x e4 ` + traceOfSender(4, 2) + state + ` -> 200 e4.x
	33ms recv z e4.x ` + traceOfSender(4, 3) + state + `
	`
}()

const requestIDs = `
	1ms mark Channel/c
	2ms send Channel/c e1 h:X-Request-Id=request-0 -> 202
	3ms recv p e1 h:X-Request-Id=request-0 -> 503
	4ms recv p e1 h:X-Request-Id=request-0
	4ms recv q e1 h:X-Request-Id=request-0
	5ms mark Broker/b
	6ms send Broker/b e2 h:X-Request-Id=request-1 -> 202
	7ms recv x e2 h:X-Request-Id=request-1
	7ms recv z e2 h:X-Request-Id=request-1
	`

// nothingInner is a history of ways on which nothing of the target's own comes along.
const nothingInner = `
	1ms status Sequence/s Ready=True url=http://h:80/ns/s
	1ms status InMemoryChannel/s-kn-sequence-0 Ready=True owner=Sequence/s url=http://h:80/ns/s
	1ms status InMemoryChannel/s-kn-sequence-1 Ready=True owner=Sequence/s url=http://h:80/ns/s-kn-sequence-1
	2ms send Sequence/s e1 colour=blue h:X-Custom=x -> 202
	3ms recv a e1 colour=blue h:X-Custom=x h:Prefer=reply h:Kn-Namespace=ns h:Ce-Id=e1 h:User-Agent=Go h:X-Request-Id=1 -> 200 e1.a colour=blue taste=sweet
	4ms recv b e1.a colour=blue taste=sweet traceparent=00-1-1-00 -> 200 e1.a.b
	5ms recv sink e1.a.b
	6ms recv dls e1.a knativeerrordest=http://h:80/ns/s-kn-sequence-1 h:Ce-Knativeerrordest=http://h:80/ns/s-kn-sequence-1
	7ms recv p e1
	7ms recv q e1
	7ms recv r e1
	7ms recv x e1 knativearrivaltime=now
	7ms recv z e1
	`

var observabilityExamples = []example{
	{
		scenario: "observability/trace", requirement: "OBS-001",
		good: []string{tracedWays},
		bad: []string{
			// a new trace at each hop
			strings.Replace(tracedWays, traceOfSender(1, 3), traceOfSender(9, 3), 1),
			// lost with the answer
			strings.Replace(tracedWays, "z e4.x "+traceOfSender(4, 3), "z e4.x", 1),
			strings.Replace(tracedWays, "dls e2.a "+traceOfSender(2, 3), "dls e2.a", 1),
			// the event itself is lost
			strings.Replace(tracedWays, "recv r e3.q", "recv elsewhere e3.q", 1)},
	},
	{
		scenario: "observability/trace", requirement: "OBS-002",
		good: []string{tracedWays},
		bad: []string{
			// the sender's own request goes on and on
			strings.Replace(tracedWays, traceOfSender(1, 2), traceOfSender(1, 1), 1),
			// one parent for two hops
			strings.Replace(tracedWays, traceOfSender(1, 3), traceOfSender(1, 2), 1),
			strings.Replace(tracedWays, traceOfSender(1, 3), strings.Replace(traceOfSender(1, 3), "af", "AF", 1), 1),
			strings.Replace(tracedWays, traceOfSender(1, 3), traceOfSender(1, 3)+" "+traceOfSender(1, 4), 1),
			// what the sender put into tracestate
			strings.Replace(tracedWays, "h:Tracestate=knative=x,rojo=1", "h:Tracestate=knative=x", 1),
			strings.Replace(tracedWays, "h:Tracestate=knative=x,rojo=1", "h:Tracestate=rojo=9", 1),
			strings.Replace(tracedWays, "h:Tracestate=knative=x,rojo=1", "h:Tracestate=rojo=1,rojo=1", 1)},
	},
	{
		scenario: "observability/malformed-trace", requirement: "OBS-002",
		good: []string{
			"1ms send Channel/c e1 h:Traceparent=nonsense -> 202\n2ms recv p e1",
			"1ms send Channel/c e1 h:Traceparent=nonsense -> 202\n2ms recv p e1 " + traceOfSender(7, 1),
			"1ms send Channel/c e1 h:Traceparent=nonsense -> 202\n2ms recv p e1 " + strings.Replace(traceOfSender(7, 1), "=00-", "=01-", 1) + "-more"},
		bad: []string{
			"1ms send Channel/c e1 h:Traceparent=nonsense -> 202\n2ms recv p e1 h:Traceparent=nonsense",
			"1ms send Channel/c e1 h:Traceparent=nonsense -> 202\n2ms recv p e1 h:Traceparent=00-00000000000000000000000000000000-b7ad6b7169203331-01",
			"1ms send Channel/c e1 h:Traceparent=nonsense -> 202\n2ms recv p e1 " + strings.Replace(traceOfSender(7, 1), "=00-", "=ff-", 1),
			"1ms send Channel/c e1 h:Traceparent=nonsense -> 202\n2ms recv p e1 " + traceOfSender(7, 1) + "-more",
			"1ms send Channel/c e1 -> 202\n2ms recv p e1 " + traceOfSender(7, 1) + ` h:Tracestate="no member"`,
			// the event is refused for it
			"1ms send Channel/c e1 h:Traceparent=nonsense -> 400",
			// or lost
			"1ms send Channel/c e1 h:Traceparent=nonsense -> 202"},
	},
	{
		scenario: "observability/request-id", requirement: "OBS-003",
		good: []string{requestIDs},
		bad: []string{
			// lost after a hop
			strings.Replace(requestIDs, "recv q e1 h:X-Request-Id=request-0", "recv q e1", 1),
			// with the second attempt
			strings.Replace(requestIDs, "4ms recv p e1 h:X-Request-Id=request-0", "4ms recv p e1", 1),
			// one of its own
			strings.Replace(requestIDs, "recv z e2 h:X-Request-Id=request-1", "recv z e2 h:X-Request-Id=other", 1)},
	},
	{
		scenario: "observability/nothing-of-inner-hops", requirement: "OBS-005",
		good: []string{nothingInner},
		bad: []string{
			strings.Replace(nothingInner, "recv a e1", "recv a e1 h:X-Queue=3", 1),
			strings.Replace(nothingInner, "recv a e1", "recv a e1 h:X-Forwarded-Host=h:80/ns/s-kn-sequence-1", 1),
			// as Knative once did (#5550), and as the steps hand on
			strings.Replace(strings.Replace(nothingInner, "recv a e1 colour=blue", "recv a e1 colour=blue knativehistory=s-kn-sequence-0", 1),
				"e1.a colour=blue", "e1.a colour=blue knativehistory=s-kn-sequence-0", 1),
			strings.Replace(nothingInner, "knativearrivaltime=now", "knativearrivaltime=http://h:80/ns/s-kn-sequence-1", 1)},
	},
}
