package suites

import (
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

var sequenceExamples = []example{
	{
		scenario: "sequence/three-steps-and-reply", requirement: "SEQ-001",
		good: []string{`
			1ms send Sequence/s e1 data=e1 -> 202
			2ms recv a e1 data=e1 -> 200 e1.a data="e1|a"
			3ms recv b e1.a data="e1|a" -> 200 e1.a.b data="e1|a|b"
			4ms recv c e1.a.b data="e1|a|b" -> 200 e1.a.b.c data="e1|a|b|c"
			5ms recv sink e1.a.b.c data="e1|a|b|c"`},
		bad: []string{
			// only the first step is called (#3306)
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a`,
			// the steps are wired in reverse
			`1ms send Sequence/s e1 -> 202
			2ms recv c e1 -> 200 e1.c
			3ms recv b e1.c -> 200 e1.c.b
			4ms recv a e1.c.b -> 200 e1.c.b.a
			5ms recv sink e1.c.b.a`,
			// every step gets what was posted
			`1ms send Sequence/s e1 data=e1 -> 202
			2ms recv a e1 data=e1 -> 200 e1.a data="e1|a"
			3ms recv b e1 data=e1 -> 200 e1.b data="e1|b"
			4ms recv c e1 data=e1 -> 200 e1.c data="e1|c"
			5ms recv sink e1.c data="e1|c"`,
			// the payload of another step
			`1ms send Sequence/s e1 data=e1 -> 202
			2ms recv a e1 data=e1 -> 200 e1.a data="e1|a"
			3ms recv b e1.a data=e1 -> 200 e1.a.b data="e1|b"
			4ms recv c e1.a.b data="e1|b" -> 200 e1.a.b.c data="e1|b|c"
			5ms recv sink e1.a.b.c data="e1|b|c"`,
			// not even accepted
			`1ms send Sequence/s e1 -> 503`},
	},
	{
		scenario: "sequence/three-steps-and-reply", requirement: "SEQ-002",
		good: []string{`
			1ms send Sequence/s e1 -> 202
			4ms recv c e1.a.b -> 200 e1.a.b.c data=x
			5ms recv sink e1.a.b.c data=x`},
		bad: []string{
			// the posted event
			`1ms send Sequence/s e1 -> 202
			4ms recv c e1.a.b -> 200 e1.a.b.c
			5ms recv sink e1`,
			// an intermediate one
			`1ms send Sequence/s e1 -> 202
			4ms recv c e1.a.b -> 200 e1.a.b.c
			5ms recv sink e1.a.b`,
			// nothing
			`1ms send Sequence/s e1 -> 202
			4ms recv c e1.a.b -> 200 e1.a.b.c`,
			// both
			`1ms send Sequence/s e1 -> 202
			4ms recv c e1.a.b -> 200 e1.a.b.c
			5ms recv sink e1.a.b
			6ms recv sink e1.a.b.c`,
			// the last step was never called
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a`},
	},
	{
		scenario: "sequence/no-reply", requirement: "SEQ-003",
		good: []string{`
			1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 e1.a.b`},
		bad: []string{
			// back to the first step
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 e1.a.b
			4ms recv a e1.a.b -> 200 e1.a.b.a`,
			// to the sender
			`1ms..4ms send Sequence/s e1 -> 200 e1.a.b
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 e1.a.b`,
			// to the dead-letter sink
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 e1.a.b
			4ms recv dls e1.a`,
			// repeated
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 e1.a.b
			4ms recv b e1.a -> 200 e1.a.b`,
			// the sender is told of a failure
			`1ms..4ms send Sequence/s e1 -> 500
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 e1.a.b`},
	},
	{
		scenario: "sequence/one-step", requirement: "SEQ-004",
		good: []string{`
			0ms mark "with reply"
			1ms send Sequence/replying e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv sink e1.a
			4ms mark "without reply"
			5ms send Sequence/silent e2 -> 202
			6ms recv b e2 -> 200 e2.b`},
		bad: []string{
			// off by one: the step is skipped
			`0ms mark "with reply"
			1ms send Sequence/replying e1 -> 202
			3ms recv sink e1
			4ms mark "without reply"
			5ms send Sequence/silent e2 -> 202
			6ms recv b e2 -> 200 e2.b`,
			// no address that accepts
			`0ms mark "with reply"
			1ms send Sequence/replying e1 -> 404
			4ms mark "without reply"
			5ms send Sequence/silent e2 -> 404`,
			// accepted and discarded
			`0ms mark "with reply"
			1ms send Sequence/replying e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv sink e1.a
			4ms mark "without reply"
			5ms send Sequence/silent e2 -> 202`},
	},
	{
		scenario: "sequence/empty-answer", requirement: "SEQ-005",
		good: []string{`
			1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 204`},
		bad: []string{
			// the input is passed on
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200
			4ms recv c e1.a -> 200 e1.a.c`,
			// dead-lettered
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200
			4ms recv dls e1.a`,
			// repeated
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200
			4ms recv b e1.a -> 200`,
			// the sender is told of a failure
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 204
			4ms..7ms send Sequence/s e2 -> 500
			5ms recv a e2 -> 200 e2.a
			6ms recv b e2.a -> 204`},
	},
	{
		scenario: "sequence/answer-without-event", requirement: "SEQ-006",
		good: []string{`
			1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 none h:Content-Type=text/html data=<html>`},
		bad: []string{
			// wrapped into an invented event
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 none data=<html>
			4ms recv c 5f3a data=<html>
			5ms recv c e1.a data=<html>`,
			// repeated (kubearchive#880)
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 none data=<html>
			4ms recv b e1.a -> 200 none data=<html>`,
			// the dispatcher crashes (eventing-natss#519)
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 none data=<html>
			4ms send Sequence/s e2 -> 202`},
	},
	{
		scenario: "sequence/answer-as-given", requirement: "SEQ-007",
		good: []string{
			`1ms send Sequence/s e1 subject=old colour=red taste=sweet -> 202
			2ms recv a e1 subject=old colour=red taste=sweet -> 200 e1.new source=urn:x type=u subject=new colour=blue time=2024-02-29T12:00:00Z data=x
			3ms recv b e1.new source=urn:x type=u subject=new colour=blue time=2024-02-29T12:00:00Z data=x -> 200 e1.new.b`,
			// the same instant, and an extension of tracing
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.new time=2024-02-29T12:00:00Z data=x
			3ms recv b e1.new time=2024-02-29T13:00:00+01:00 traceparent=00-1-1-0 data=x -> 200 e1.new.b`,
			// the target traces every hop
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 traceparent=00-1-1-0 -> 200 e1.new traceparent=00-9-9-0 data=x
			3ms recv b e1.new traceparent=00-1-2-0 tracestate=v=1 data=x -> 200 e1.new.b`},
		bad: []string{
			// the input's extension is merged in
			`1ms send Sequence/s e1 taste=sweet -> 202
			2ms recv a e1 taste=sweet -> 200 e1.new data=x
			3ms recv b e1.new taste=sweet data=x -> 200 e1.new.b`,
			// … even if its name is one that intermediaries use
			`1ms send Sequence/s e1 knativehistory=x -> 202
			2ms recv a e1 knativehistory=x -> 200 e1.new data=x
			3ms recv b e1.new knativehistory=x data=x -> 200 e1.new.b`,
			// the input's id and source are kept
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.new source=urn:x
			3ms recv b e1 -> 200 e1.b`,
			// the answer's subject is lost
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.new subject=new
			3ms recv b e1.new -> 200 e1.new.b`,
			// the type is changed
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.new type=u
			3ms recv b e1.new type=dev.knative.response -> 200 e1.new.b`,
			// other data
			`1ms send Sequence/s e1 data=old -> 202
			2ms recv a e1 data=old -> 200 e1.new data=new
			3ms recv b e1.new data=old -> 200 e1.new.b`,
			// the answer is lost (eventing-natss#381)
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.new mode=structured`},
	},
	{
		scenario: "sequence/payload-bytes", requirement: "SEQ-008",
		good: []string{`
			1ms send Sequence/s e1 data="{ \"b\": 1.50}" -> 202
			2ms recv a e1 data="{ \"b\": 1.50}" -> 200 e1.a
			3ms recv b e1.a data="{ \"b\": 1.50}" -> 200 e1.a.b
			4ms recv sink e1.a.b data="{ \"b\": 1.50}"`},
		bad: []string{
			// JSON is written anew
			`1ms send Sequence/s e1 data="{ \"b\": 1.50}" -> 202
			2ms recv a e1 data="{ \"b\": 1.50}" -> 200 e1.a
			3ms recv b e1.a data="{\"b\":1.5}" -> 200 e1.a.b
			4ms recv sink e1.a.b data="{\"b\":1.5}"`,
			// cut at a zero byte
			`1ms send Sequence/s e1 data="\x00\xff" -> 202
			2ms recv a e1 data="\x00\xff" -> 200 e1.a
			3ms recv b e1.a data="\x00\xff" -> 200 e1.a.b
			4ms recv sink e1.a.b`,
			// lost
			`1ms send Sequence/s e1 data=x -> 202
			2ms recv a e1 data=x -> 200 e1.a`},
	},
	{
		scenario: "sequence/between-a-trigger-and-its-broker", requirement: "SEQ-040",
		good: []string{throughTheBroker}, bad: []string{droppedByTheBroker, twiceFromTheBroker},
	},
	{
		scenario: "sequence/between-a-trigger-and-its-broker", requirement: "SEQ-009",
		good: []string{throughTheBroker}, bad: []string{droppedByTheBroker},
	},
	{
		scenario: "sequence/kinds-of-destination", requirement: "SEQ-009",
		good: []string{seqKinds},
		bad: []string{
			// the relative URI is ignored
			strings.Replace(seqKinds, "path=/some/where", "path=/", 1),
			strings.Replace(seqKinds, "path=/deep/path", "path=/", 1),
			// the path of an absolute URI is ignored
			strings.Replace(seqKinds, "path=/below", "", 1),
			// a Broker as a step is not fed
			strings.Replace(seqKinds, "recv atbroker e6.u", "mark z", 1),
			// a Sequence as reply is not fed
			strings.Replace(strings.Replace(seqKinds, "recv in e4.r -> 200 e4.r.in", "mark x", 1), "recv atsequence e4.r.in", "mark y", 1)},
	},
	{
		scenario: "sequence/kinds-of-destination", requirement: "SEQ-009", claims: []string{"Parallel"},
		good: []string{seqKinds + seqParallelKinds},
		bad: []string{
			strings.Replace(seqKinds+seqParallelKinds, "recv branch e7.v -> 200 e7.v.branch", "mark x", 1),
			strings.Replace(seqKinds+seqParallelKinds, "recv atparallel e8.w.branch", "recv elsewhere e8.w.branch", 1),
			strings.Replace(seqKinds, "path=/some/where", "path=/", 1) + seqParallelKinds,
		},
	},
	{
		scenario: "sequence/nested", requirement: "SEQ-010",
		good: []string{seqNested},
		bad: []string{
			// the inner result leaks
			seqNested + "\n9ms recv c e1.a.x.y -> 200 e1.a.x.y.c\n10ms recv sink e1.a.x.y.c",
			// the input goes on beside the inner run
			seqNested + "\n9ms recv c e2.b -> 200 e2.b.c\n10ms recv sink e2.b.c",
			// the inner run stops
			strings.Replace(seqNested, "recv innersink e1.a.x.y", "mark x", 1)},
	},
	{
		scenario: "sequence/nested", requirement: "SEQ-009",
		good: []string{seqNested},
		bad: []string{strings.Replace(seqNested, "recv x e1.a -> 200 e1.a.x", "mark x", 1),
			strings.Replace(seqNested, "recv z e2.b -> 200 e2.b.z", "mark x", 1)},
	},
	{
		scenario: "sequence/delivery-of-each-step", requirement: "SEQ-011",
		good: []string{seqDeliveryOptions, seqDeliveryOptions + "\n91ms recv dls e2.a\n92ms recv dls e3.a.b"},
		bad: []string{
			// the options of a later step used for all
			seqDeliveryOptions + "\n90ms recv a e1 -> 503",
			// no retries at all (#2302)
			strings.Replace(seqDeliveryOptions, "13ms recv b e2.a -> 503\n", "", 1),
			// one step's for the next
			seqDeliveryOptions + "\n90ms recv c e3.a.b -> 503",
			// passed on though it failed
			seqDeliveryOptions + "\n90ms recv sink e3.a.b"},
	},
	{
		scenario: "sequence/delivery-of-each-step", requirement: "SEQ-012",
		good: []string{seqDeliveryOptions},
		bad: []string{
			// built-in retries
			seqDeliveryOptions + "\n90ms recv a e1 -> 503",
			// passed on to the next step
			seqDeliveryOptions + "\n90ms recv b e1 -> 200 e1.b"},
	},
	{
		scenario: "sequence/dead-letter-of-a-step", requirement: "SEQ-013",
		good: []string{
			`1ms send Sequence/s e1 subject=posted -> 202
			2ms recv a e1 subject=posted -> 200 e1.a type=changed data=changed
			3ms recv b e1.a type=changed data=changed -> 503
			4ms recv b e1.a type=changed data=changed -> 503
			5ms recv dls e1.a type=changed data=changed knativeerrorcode=503 knativeerrordest=http://b -> 200 e1.a.dls`},
		bad: []string{
			// what was posted
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a type=changed
			3ms recv b e1.a type=changed -> 503
			5ms recv dls e1 -> 200 e1.dls`,
			// the answer with parts of what was posted
			`1ms send Sequence/s e1 subject=posted -> 202
			2ms recv a e1 subject=posted -> 200 e1.a
			5ms recv dls e1.a subject=posted -> 200 e1.a.dls`,
			// nothing (#5118)
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a type=changed
			3ms recv b e1.a type=changed -> 503`},
	},
	{
		scenario: "sequence/dead-letter-of-a-step", requirement: "SEQ-014",
		good: []string{
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 503
			5ms recv dls e1.a -> 200 e1.a.dls`},
		bad: []string{
			// the answer of the dead-letter sink continues the Sequence
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 503
			5ms recv dls e1.a -> 200 e1.a.dls
			6ms recv c e1.a.dls -> 200 e1.a.dls.c
			7ms recv sink e1.a.dls.c`,
			// the dead letter and the next step
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 503
			5ms recv dls e1.a -> 200 e1.a.dls
			6ms recv c e1.a -> 200 e1.a.c`},
	},
	{
		scenario: "sequence/reply-refuses", requirement: "SEQ-015",
		good: []string{
			seqReplyRefuses("", 3, 3),
			seqReplyRefuses("again", 3, 3), // the whole delivery is repeated
		},
		bad: []string{
			// the answer is lost at the first refusal
			seqReplyRefuses("", 1, 3),
			// no dead letter of it
			strings.Replace(seqReplyRefuses("", 3, 3), "recv dls", "recv elsewhere", 1),
			// delivered though it had been accepted
			seqReplyRefuses("", 3, 3) + "\n4ms recv sink e1.a.b -> 202",
			// and dead-lettered as well
			seqReplyRefuses("", 3, 3) + "\n4ms recv dls e1.a"},
	},
	{
		scenario: "sequence/later-step-fails", requirement: "SEQ-016",
		good: []string{
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 e1.a.b
			4ms recv c e1.a.b -> 500
			54ms recv c e1.a.b -> 500
			104ms recv c e1.a.b -> 500`},
		bad: []string{
			// the step before is repeated with it
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 e1.a.b
			4ms recv c e1.a.b -> 500
			53ms recv b e1.a -> 200 e1.a.b
			54ms recv c e1.a.b -> 500
			104ms recv c e1.a.b -> 500`,
			// all are
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 e1.a.b
			4ms recv c e1.a.b -> 500
			52ms recv a e1 -> 200 e1.a
			53ms recv b e1.a -> 200 e1.a.b
			54ms recv c e1.a.b -> 500`},
	},
	{
		scenario: "sequence/acknowledges-before-the-steps", requirement: "SEQ-017",
		good: []string{
			`1ms..4ms send Sequence/s e1 -> 202
			2ms..5ms recv a e1 -> 200 e1.a`},
		bad: []string{
			`1ms..3005ms send Sequence/s e1 -> 202
			2ms..3002ms recv a e1 -> 200 e1.a`,
			`1ms..3ms send Sequence/s e1 -> 202
			2ms..30ms recv a e1 -> 200 e1.a
			4ms..32ms send Sequence/s e2 -> 202
			5ms..31ms recv a e2 -> 200 e2.a`},
	},
	{
		scenario: "sequence/concurrent-events", requirement: "SEQ-036",
		goodViews: []func() *history.View{func() *history.View { return seqConcurrent(nil) }},
		badViews: []func() *history.View{
			// two answers change places
			func() *history.View {
				return seqConcurrent(func(at, id, data string) (string, string) {
					switch at + " " + id {
					case "sink e7.a.b":
						return "e8.a.b", "e8|a|b"
					case "sink e8.a.b":
						return "e7.a.b", data
					}
					return id, data
				})
			},
			// a shared buffer: the id of one with the data of another
			func() *history.View {
				return seqConcurrent(func(at, id, data string) (string, string) {
					if at == "b" && id == "e9.a" {
						return id, "e10|a"
					}
					return id, data
				})
			},
			// one is lost, another comes twice
			func() *history.View {
				return seqConcurrent(func(at, id, data string) (string, string) {
					if at == "sink" && id == "e11.a.b" {
						return "e12.a.b", "e12|a|b"
					}
					return id, data
				})
			},
		},
	},
	{
		scenario: "sequence/neighbours", requirement: "SEQ-037",
		good: []string{seqNeighbours},
		bad: []string{
			// routing by name alone
			strings.Replace(seqNeighbours, "recv other e2.a", "recv sink e2.a", 1),
			seqNeighbours + "\n20ms recv other e1.a",
			// the shared step's answer goes to everybody who shares it
			seqNeighbours + "\n20ms recv sink e3.a",
			// the second one replaces the first
			strings.Replace(seqNeighbours, "recv sink e1.a", "recv third e1.a", 1)},
	},
	{
		scenario: "sequence/twenty-steps", requirement: "SEQ-038",
		good: []string{seqChain(20)},
		bad:  []string{seqChain(16), seqChain(10), "1ms send Sequence/s e1 -> 404"},
	},
	{
		scenario: "sequence/reply-to-sequence", requirement: "SEQ-039",
		good: []string{`
			1ms send Sequence/first e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 e1.a.b
			4ms recv c e1.a.b -> 200 e1.a.b.c
			5ms recv d e1.a.b.c -> 200 e1.a.b.c.d
			6ms recv sink e1.a.b.c.d`},
		bad: []string{
			// the reply leads nowhere
			`1ms send Sequence/first e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 e1.a.b`,
			// … or back to itself
			`1ms send Sequence/first e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 e1.a.b
			4ms recv a e1.a.b -> 200 e1.a.b.a
			5ms recv b e1.a.b.a -> 200 e1.a.b.a.b`,
			// … or behind the first step
			`1ms send Sequence/first e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 e1.a.b
			4ms recv d e1.a.b -> 200 e1.a.b.d
			5ms recv sink e1.a.b.d`},
	},
	{
		scenario: "sequence/poison", requirement: "SEQ-044",
		good: []string{seqPoisoned + `
			9ms recv b e2.a -> 200 e2.a.b
			10ms recv c e2.a.b -> 200 e2.a.b.c
			11ms recv sink e2.a.b.c`},
		bad: []string{

			seqPoisoned,
			// the bad answer's remains are taken for the next event's
			seqPoisoned + `
			9ms recv b e2.a -> 200 e2.a.b
			10ms recv c e2.a.b -> 200 e2.a.b.c
			11ms recv sink e2.a.b.c
			12ms recv c e2.a -> 200 e2.a.c`},
	},
	{
		scenario: "sequence/content-modes", requirement: "SEQ-045",
		good: []string{
			`1ms send Sequence/s e1 subject=kept data="{\"n\": 1}" -> 202
			2ms recv a e1 subject=kept data="{\"n\": 1}" -> 200 e1.a mode=structured
			4ms recv sink e1.a.b subject=kept data="{\"n\":1}"
			5ms send Sequence/s e2 mode=structured data=text -> 202
			6ms recv sink e2.a.b mode=structured data=text`},
		bad: []string{
			// structured answers are dropped (eventing-natss#381)
			`1ms send Sequence/s e1 data=x -> 202
			2ms recv a e1 data=x -> 200 e1.a mode=structured data=x`,
			// the envelope becomes the data
			`1ms send Sequence/s e1 datacontenttype=text/plain data=x -> 202
			2ms recv a e1 datacontenttype=text/plain data=x -> 200 e1.a mode=structured
			4ms recv sink e1.a.b datacontenttype=application/cloudevents+json data="{\"id\": \"e1.a.b\"}"`,
			// text becomes a JSON string
			`1ms send Sequence/s e1 mode=structured data=text -> 202
			4ms recv sink e1.a.b data="\"text\""`,
			// an attribute is lost
			`1ms send Sequence/s e1 subject=kept -> 202
			4ms recv sink e1.a.b`},
	},
}
