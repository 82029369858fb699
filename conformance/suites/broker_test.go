package suites

import (
	"fmt"
	"strings"
)

// lines joins lines of a history.
func lines(of ...string) string { return strings.Join(of, "\n") + "\n" }

const richBoth = `
	1ms mark binary
	2ms send Broker/b e1 type=com.example.rich.v1 myext=value data=one -> 202
	3ms recv a e1 type=com.example.rich.v1 myext=value data=one knativearrivaltime=2026-01-01T00:00:00Z
	4ms mark structured
	5ms send Broker/b e2 mode=structured myext=value data=two -> 202
	6ms recv a e2 myext=value data=two
	`

const readyBroker = "9ms status Broker/b Ready=True Addressable=True url=http://ingress/ns/b\n"

// fanned is a history of four events, each at these receivers.
func fanned(t1red, t1blue, t2red, t2blue string) string {
	text, at := "", 1
	for i, e := range []struct{ kind, to string }{
		{"type=t1 colour=red", t1red}, {"type=t1 colour=blue", t1blue}, {"type=t2 colour=red", t2red}, {"type=t2 colour=blue", t2blue},
	} {
		text += fmt.Sprintf("%dms send Broker/b e%d %s -> 202\n", at, i+1, e.kind)
		for _, who := range strings.Fields(e.to) {
			text += fmt.Sprintf("%dms recv %s e%d %s\n", at+1, who, i+1, e.kind)
		}
		at += 5
	}
	return text
}

// again is a history of an answer that comes to these receivers.
func again(to ...string) string {
	text := `1ms send Broker/b e1 -> 202
		2ms recv first e1
		2ms recv step e1 -> 200 e1.step type=sequitur.answer
		`
	for _, who := range to {
		text += "4ms recv " + who + " e1.step type=sequitur.answer\n"
	}
	return text
}

// namesakes is a history of three Brokers; what was sent in the other namespace comes to these receivers.
func namesakes(away ...string) string {
	text := `1ms mark home
		2ms send Broker/b e1 -> 202
		3ms recv home e1
		4ms mark "other name"
		5ms send Broker/c e2 -> 202
		6ms recv next e2
		7ms mark "other namespace"
		8ms send Broker/ns-other/b e3 -> 202
		`
	for _, who := range away {
		text += "9ms recv " + who + " e3\n"
	}
	return text
}

const sinkToCome = `spec.delivery={"deadLetterSink":{"ref":{"apiVersion":"messaging.knative.dev/v1","kind":"Channel","name":"letters"}}}`

// lateSink is a history of a Broker whose sink comes late; early and shown are its status before and after.
func lateSink(early, shown string) string {
	return fmt.Sprintf(`1ms mark "no sink"
		2ms status Broker/b %q %s
		3ms mark complete
		4ms status Channel/letters Ready=True url=http://letters.ns/
		5ms status Broker/b %[1]q url=http://ingress/ns/b %[3]s
		`, sinkToCome, early, shown)
}

// raised is a history of a Broker whose retries were raised: how often events came before and after.
func raised(before, after, own int) string {
	text, at := "", 1
	tell := func(id string, who string, n int) {
		for range n {
			at += 10
			text += fmt.Sprintf("%dms recv %s %s -> 503\n", at, who, id)
		}
	}
	text += "1ms mark before\n2ms send Broker/b e1 -> 202\n"
	tell("e1", "a", before)
	text += fmt.Sprintf("%dms mark after\n%dms send Broker/b e2 -> 202\n", at+1, at+2)
	tell("e2", "a", after)
	tell("e2", "own", own)
	return text
}

// arrived is a history of an event with a claimed time of arrival, and what a subscriber sees.
func arrived(seen string) string {
	return `1ms send Broker/b e1 time=2026-05-04T10:00:00.5Z knativearrivaltime=1999-12-31T23:59:59Z -> 202
		2ms recv a e1 time=2026-05-04T10:00:00.5Z ` + seen
}

// looped is a history of so many deliveries of an event and its answers, each answer bringing about the next, and of a long
// silence.
func looped(n int, last string) string { return cutShort(n, last) + "2s settle quiet\n" }

// cutShort is looped without the silence: the loop may have been going on.
func cutShort(n int, last string) string {
	text, id := "1ms send Broker/b e1 -> 202\n", "e1"
	for i := 1; i <= n; i++ {
		answer := fmt.Sprintf("200 e1.%d", i)
		if i == n {
			answer = last
		}
		text += fmt.Sprintf("%dms recv a %s -> %s\n", i+1, id, answer)
		id = fmt.Sprintf("e1.%d", i)
	}
	return text
}

// counted is a history of events whose sender set the hops: what values were answered, and which of the answers came on.
func counted(answers map[string]int, onward ...string) string {
	text := `1ms send Broker/b e1 -> 202
		2ms recv a e1 -> 200 e1.a
		3ms recv next e1.a
		`
	for i, hops := range []string{"0", "1", "-5"} {
		code := 400
		if c, ok := answers[hops]; ok {
			code = c
		}
		text += fmt.Sprintf("%dms mark %q\n%dms send Broker/b e%d knativebrokerttl=%s -> %d\n", 10*i+10, "no hop: "+hops, 10*i+11, i+2, hops, code)
		if code == 202 {
			text += fmt.Sprintf("%dms recv a e%d -> 200 e%[2]d.a\n", 10*i+12, i+2)
		}
	}
	for i, hops := range []string{"2", "3", "1000", "x"} {
		code := 202
		if c, ok := answers[hops]; ok {
			code = c
		}
		text += fmt.Sprintf("%dms mark %q\n%dms send Broker/b e%d knativebrokerttl=%s -> %d\n", 10*i+50, "hops: "+hops, 10*i+51, i+5, hops, code)
		if code == 202 {
			text += fmt.Sprintf("%dms recv a e%d -> 200 e%[2]d.a\n", 10*i+52, i+5)
		}
		for _, o := range onward {
			if o == hops {
				text += fmt.Sprintf("%dms recv next e%d.a\n", 10*i+53, i+5)
			}
		}
	}
	return text
}

// methodsAnswered is a history of the odd methods with these answers in turn, the last one for the rest.
func methodsAnswered(codes ...int) string {
	text := "1ms mark methods\n"
	for i, m := range oddMethods {
		text += fmt.Sprintf("%dms send Broker/b none m=%s -> %d\n", i+2, m, codes[min(i, len(codes)-1)])
	}
	return text
}

// pathsAnswered is a history of requests to other paths with these answers.
func pathsAnswered(url string, codes ...int) string {
	text := "1ms status Broker/b Ready=True url=" + url + "\n"
	for i, mark := range []string{"unknown name", "unknown namespace", "root", "short path", "long path"} {
		if i < len(codes) {
			text += fmt.Sprintf("%dms mark %q\n%dms send Broker/b e%d -> %d\n", 10*i+10, mark, 10*i+11, i+1, codes[i])
		}
	}
	return text
}

// malformedAnswered is a history of a control event and a malformed one, answered and followed by something.
func malformedAnswered(code int, then string) string {
	return fmt.Sprintf(`1ms send Broker/b e1 -> 202
		2ms recv a e1
		3ms mark "malformed: 1"
		4ms send Broker/b none data=bad -> %d
		%s`, code, then)
}

// spoiltAnswers is a history in which the answer to e1 is malformed and that to e2 is not.
func spoiltAnswers(then ...string) string {
	return lines(append([]string{
		"1ms send Broker/b e1 -> 202",
		`2ms recv a e1 -> 200 e1.a "bad=attribute id is missing"`,
		"2ms recv every e1",
		"3ms send Broker/b e2 -> 202",
		"4ms recv a e2 -> 200 e2.a",
		"4ms recv every e2",
	}, then...)...)
}

// letterOfTrigger is a history of a dead letter with these extensions; body is what the subscriber answered.
func letterOfTrigger(extensions string) string {
	return `1ms status Trigger/t Ready=True sub=http://x/ns/a
		2ms send Broker/b e1 -> 202
		3ms recv a e1 -> 400 none "data=own words"
		4ms recv dls e1 ` + extensions
}

// hugeAnswered is a history of a huge event beside an endless one.
func hugeAnswered(answer string, then ...string) string {
	return lines(append([]string{
		"1ms mark endless", `2ms..40ms send Broker/b e1 -> err="broken off by the harness"`,
		"3ms mark meanwhile", "4ms send Broker/b e3 data=three -> 202", "5ms recv a e3 data=three",
		"10ms mark huge", "11ms send Broker/b e2 data=huge -> " + answer,
		"20ms mark afterwards", "21ms send Broker/b e4 data=four -> 202",
	}, then...)...)
}

// sinksOf is a history of an event at each place and form; at gives the line of the dead letter's path, none if empty.
func sinksOf(at func(sink, path string) string) string {
	text, n := "", 0
	eachBrokerSink(func(place, form, _, path string) {
		n++
		text += fmt.Sprintf("%dms send Broker/%s%s e%d -> 202\n%dms recv a e%d -> 400\n", 10*n, place, form, n, 10*n+1, n)
		if p := at("dls"+place+form, path); p != "none" {
			text += fmt.Sprintf("%dms recv dls%s%s e%d path=%s\n", 10*n+2, place, form, n, p)
		}
	})
	return text
}

var brokerExamples = []example{
	{
		scenario: "broker/takes-events", requirement: "BRK-001",
		good: []string{readyBroker + richBoth},
		bad: []string{
			"1ms status Broker/b Ready=True\n" + richBoth,
			"1ms status Broker/b Ready=True url=/ns/b\n" + richBoth,
			// unknown types are refused
			readyBroker + "1ms send Broker/b e1 -> 202\n2ms send Broker/b e2 type=com.example.rich.v1 -> 400",
		},
	},
	{
		scenario: "broker/takes-events", requirement: "BRK-005",
		good: []string{richBoth},
		bad: []string{
			// an extension is dropped
			strings.Replace(richBoth, "recv a e2 myext=value", "recv a e2", 1),
			// JSON is marshalled anew
			strings.Replace(richBoth, "type=com.example.rich.v1 myext=value data=one knative", "type=com.example.rich.v1 myext=value data=1 knative", 1),
			// lost
			strings.Replace(richBoth, "6ms recv a e2 myext=value data=two", "", 1),
		},
	},
	{
		scenario: "broker/takes-events", requirement: "BRK-014",
		good: []string{`1ms status Broker/b "metadata.annotations={\"eventing.knative.dev/broker.class\":\"MTChannelBasedBroker\"}"`},
		bad: []string{
			"1ms status Broker/b",
			`1ms status Broker/b "metadata.annotations={\"eventing.knative.dev/broker.class\":\"\"}"`,
			`1ms status Broker/b "metadata.annotations={\"eventing.knative.dev/other\":\"x\"}"`,
		},
	},
	{
		scenario: "broker/takes-events", requirement: "BRK-024",
		good: []string{richBoth},
		bad: []string{
			"1ms send Broker/b e1 -> 200",
			// the subscriber's answer leaks to the sender
			"1ms send Broker/b e1 -> 202 e1.a type=sequitur.answer",
			"1ms send Broker/b e1 -> 202 none data=accepted",
		},
	},
	{
		scenario: "broker/takes-events", requirement: "BRK-031",
		good: []string{readyBroker, readyBroker + "10ms status Broker/b Ready=True Addressable=True IngressReady=True"},
		bad:  []string{"1ms status Broker/b Ready=True", "1ms status Broker/b Ready=True IngressReady=True"},
	},
	{
		scenario: "broker/takes-events", requirement: "CE-001",
		good: []string{richBoth},
		bad:  []string{lines("1ms mark binary", "2ms send Broker/b e1 -> 415"), lines("1ms mark binary", "2ms send Broker/b e1 -> 202")},
	},
	{
		scenario: "broker/takes-events", requirement: "CE-002",
		good: []string{richBoth},
		bad: []string{
			lines("1ms mark structured", "2ms send Broker/b e1 mode=structured -> 400"),
			lines("1ms mark structured", "2ms send Broker/b e1 mode=structured data=x -> 202", "3ms recv a e1 data={}"),
		},
	},
	{
		scenario: "broker/takes-events", requirement: "CE-013",
		good: []string{richBoth},
		bad: []string{
			lines("1ms send Broker/b e1 subject=s -> 202", "2ms recv a e1"),
			lines("1ms send Broker/b e1 n9=007 -> 202", "2ms recv a e1 n9=7"),
		},
	},
	{
		scenario: "broker/matching-triggers", requirement: "BRK-003",
		good: []string{fanned("type colour both every", "type every", "colour every", "every")},
		bad: []string{
			// stops at the first match
			fanned("type", "type", "colour", "every"),
			// all filters are one
			fanned("type colour both every", "type colour both every", "type colour both every", "every"),
			// one attribute of two is enough
			fanned("type colour both every", "type both every", "colour every", "every"),
			// a Trigger without filter gets nothing
			fanned("type colour both", "type", "colour", ""),
		},
	},
	{
		scenario: "broker/matching-triggers", requirement: "BRK-008",
		good: []string{fanned("type colour both every", "type every", "colour every", "every")},
		bad: []string{
			fanned("none every", "every", "every", "every"),
			// an empty answer becomes an event
			fanned("every", "every", "every", "every") + "30ms recv every none",
			// the Trigger's subscriber is called all the same, and its answer goes round (#3149)
			fanned("every", "every", "every", "every") + "29ms recv none e4 -> 200 e4.none\n30ms recv every e4.none",
		},
	},
	{
		scenario: "broker/two-triggers-of-one-subscriber", requirement: "BRK-004",
		good: []string{lines("1ms send Broker/b e1 -> 202", "2ms recv a e1", "2ms recv a e1")},
		bad:  []string{lines("1ms send Broker/b e1 -> 202", "2ms recv a e1")},
	},
	{
		scenario: "broker/answers-enter-again", requirement: "BRK-006",
		good: []string{again("step", "other"), again("other", "step", "other")},
		bad: []string{
			// the Trigger that the answer comes from is left out
			again("other"),
			// Triggers' answers are dropped (#899)
			again(),
			// the answer bypasses the other filters (#905)
			again("step"),
			again("step", "first", "other"),
			lines("1ms send Broker/b e1 -> 202", "2ms recv first e1", "2ms..5ms recv step e1 -> 200 e1.step", "3ms recv step e1.step", "3ms recv other e1.step"),
		},
	},
	{
		scenario: "broker/namesakes", requirement: "BRK-009",
		good: []string{namesakes("away")},
		bad: []string{
			// looked up by name alone
			namesakes("home"),
			namesakes("away", "home"),
			// misrouted after an update (eventing-kafka#1379)
			namesakes("away", "next"),
			namesakes(),
		},
	},
	{
		scenario: "broker/without-triggers", requirement: "BRK-010",
		good: []string{
			lines("1ms mark nobody", "2ms send Broker/b e1 -> 202", "3ms mark somebody", "4ms send Broker/b e2 -> 202", "5ms recv a e2"),
			// what came before may come, as the text permits
			lines("1ms mark nobody", "2ms send Broker/b e1 -> 202", "3ms mark somebody", "4ms send Broker/b e2 -> 202", "5ms recv a e1", "5ms recv a e2"),
		},
		bad: []string{
			lines("1ms mark nobody", "2ms send Broker/b e1 -> 500", "3ms mark somebody", "4ms send Broker/b e2 -> 202", "5ms recv a e2"),
			lines("1ms mark nobody", "2ms send Broker/b e1 -> 202", "3ms mark somebody", "4ms send Broker/b e2 -> 202"),
		},
	},
	{
		scenario: "broker/dead-letter-sink-to-come", requirement: "BRK-011",
		good: []string{
			lateSink("Ready=False:Unresolved", "Ready=True dls=http://letters.ns/"),
			lateSink("Ready=Unknown", "Ready=True dls=http://letters.ns"),
		},
		bad: []string{
			// Ready before there is a sink
			lateSink("Ready=True", "Ready=True dls=http://letters.ns/"),
			// Ready with an empty URI
			lateSink("Ready=False:Unresolved", "Ready=True"),
			lateSink("Ready=False:Unresolved", "Ready=True dls=http://other.ns/"),
			lateSink("Ready=False:Unresolved", "Ready=False:Unresolved"),
		},
	},
	{
		scenario: "broker/class-of-nobody", requirement: "BRK-012",
		good: []string{
			lines("1ms apply Broker/foreign", "2ms status Broker/b Ready=True", "3ms status Broker/foreign"),
			lines("1ms apply Broker/foreign", "2ms status Broker/b Ready=True", "3ms status Broker/foreign Ready=False:NobodyServes"),
			`1ms apply Broker/foreign -> refused "unknown class"`,
		},
		bad: []string{
			// served by the default class (#8619)
			lines("1ms apply Broker/foreign", "2ms status Broker/b Ready=True", "3ms status Broker/foreign Ready=True url=http://x/"),
		},
	},
	{
		scenario: "broker/what-cannot-be-changed", requirement: "BRK-013",
		good: []string{lines("1ms mark class", "2ms apply Broker/b -> refused immutable", "3ms mark config", "4ms apply Broker/b -> refused immutable",
			"5ms mark after", "6ms send Broker/b e1 -> 202", "7ms recv a e1")},
		bad: []string{
			lines("1ms mark class", "2ms apply Broker/b", "3ms mark config", "4ms apply Broker/b -> refused immutable", "5ms mark after",
				"6ms send Broker/b e1 -> 202", "7ms recv a e1"),
			lines("1ms mark class", "2ms apply Broker/b -> refused immutable", "3ms mark config", "4ms apply Broker/b", "5ms mark after",
				"6ms send Broker/b e1 -> 202", "7ms recv a e1"),
			// the refused update has its effect
			lines("1ms mark class", "2ms apply Broker/b -> refused immutable", "3ms mark config", "4ms apply Broker/b -> refused immutable",
				"5ms mark after", "6ms send Broker/b e1 -> 404"),
		},
	},
	{
		scenario: "broker/delivery-changes", requirement: "BRK-015",
		good: []string{
			raised(2, 4, 1),
			// the change took its time
			strings.Replace(raised(2, 4, 1), "send Broker/b e2", "send Broker/b e0 -> 202\n24ms recv a e0 -> 503\n25ms recv a e0 -> 503\n26ms mark after\n26ms send Broker/b e2", 1),
		},
		bad: []string{
			// ignored
			raised(2, 2, 1),
			// it holds for Triggers with options of their own as well
			raised(2, 4, 4),
			raised(1, 4, 1),
		},
	},
	{
		scenario: "broker/default-delivery", requirement: "BRK-016",
		claims: []string{"BrokerDefaultDelivery"},
		good: []string{
			toldWaits("a", 201, 402),
			// Knative's own code doubles once more
			toldWaits("a", 401, 803),
		},
		bad: []string{
			// dropped after one attempt
			toldWaits("a"),
			// no back-off
			toldWaits("a", 1, 1),
			// linear
			toldWaits("a", 201, 201),
		},
	},
	{
		scenario: "broker/time-of-arrival", requirement: "BRK-017",
		good: []string{
			arrived("knativearrivaltime=2026-05-04T10:00:00.501234567Z"),
			// another zone, another clock
			arrived("knativearrivaltime=2026-05-04T12:00:07+02:00"),
		},
		bad: []string{
			arrived("knativearrivaltime=1999-12-31T23:59:59Z"), // the sender's
			arrived(""),
			arrived("knativearrivaltime=1777888800"),
			arrived(`"knativearrivaltime=2026-05-04 10:00:00.5 +0000 UTC"`),
		},
	},
	{
		scenario: "broker/time-of-arrival", requirement: "BRK-018",
		good: []string{lines("1ms send Broker/b e1 knativebrokerttl=100 -> 202", "2ms recv a e1 -> 200 e1.a", "3ms recv next e1.a")},
		bad: []string{
			lines("1ms send Broker/b e1 knativebrokerttl=100 -> 202", "2ms recv a e1 knativebrokerttl=99 -> 200 e1.a", "3ms recv next e1.a"),
			lines("1ms send Broker/b e1 -> 202", "2ms recv a e1 -> 200 e1.a", "3ms recv next e1.a knativebrokerttl=254"),
			// beside a structured event
			lines("1ms send Broker/b e1 -> 202", "2ms recv a e1 mode=structured h:Ce-Knativebrokerttl=255 -> 200 e1.a", "3ms recv next e1.a"),
		},
	},
	{
		scenario: "broker/loop", requirement: "BRK-019",
		good: []string{looped(255, "200 e1.255"), looped(20, "200 e1.20")},
		bad:  []string{looped(256, "200 e1.256"), looped(301, "202")},
	},
	{
		scenario: "broker/hops-of-the-sender", requirement: "BRK-020",
		good: []string{counted(nil, "3", "1000", "x")},
		bad: []string{
			// 0 counts as absent
			counted(map[string]int{"0": 202}, "3", "1000", "x"),
			counted(map[string]int{"-5": 500}, "3", "1000", "x"),
			// one hop more than there are
			counted(nil, "2", "3", "1000", "x"),
			// no number, and refused for it (#2246)
			counted(map[string]int{"x": 400}, "3", "1000"),
			// more than the default, and cut off
			counted(nil, "3", "x"),
		},
	},
	{
		scenario: "broker/odd-requests", requirement: "BRK-021",
		good: []string{methodsAnswered(405)},
		bad:  []string{methodsAnswered(200, 405), methodsAnswered(405, 405, 202), methodsAnswered(404)},
	},
	{
		scenario: "broker/odd-requests", requirement: "BRK-022",
		good: []string{pathsAnswered("http://ingress/ns/b", 404, 404, 404, 400, 400)},
		bad: []string{
			// silent loss
			pathsAnswered("http://ingress/ns/b", 202, 404, 404, 400, 400),
			pathsAnswered("http://ingress/ns/b", 404, 202, 404, 400, 400),
			pathsAnswered("http://ingress/ns/b", 404, 404, 404, 400, 202),
			pathsAnswered("http://ingress/ns/b", 404, 500, 404, 400, 400),
		},
	},
	{
		scenario: "broker/odd-requests", requirement: "BRK-023",
		good: []string{malformedAnswered(400, "")},
		bad: []string{
			malformedAnswered(500, ""), // it would be tried again
			malformedAnswered(202, ""),
			malformedAnswered(400, "5ms recv a bad"),
		},
	},
	{
		scenario: "broker/odd-requests", requirement: "CHN-009",
		good: []string{
			lines("1ms mark options", `2ms send Broker/b none m=OPTIONS -> 200 none h:Allow="POST, OPTIONS"`),
			lines("1ms mark options", "2ms send Broker/b none m=OPTIONS -> 405"),
		},
		bad: []string{lines("1ms mark options", "2ms send Broker/b none m=OPTIONS -> 200")},
	},
	{
		scenario: "broker/malformed-answers", requirement: "BRK-026",
		good: []string{spoiltAnswers("5ms recv every e2.a", "60ms recv a e1 -> 502", "61ms recv dls e1")},
		bad: []string{
			// half an event is published
			spoiltAnswers("5ms recv every e2.a", "5ms recv every e1.a", "61ms recv dls e1"),
			spoiltAnswers("5ms recv every e2.a", `5ms recv every none "data=half"`, "61ms recv dls e1"),
			// the answer is dropped, and the delivery counts as done
			spoiltAnswers("5ms recv every e2.a"),
			// the proper one beside it is lost
			spoiltAnswers("61ms recv dls e1"),
		},
	},
	{
		scenario: "broker/dead-letters-name-the-subscriber", requirement: "BRK-027",
		claims: []string{"DeadLetterExtensions"},
		good:   []string{letterOfTrigger("knativeerrordest=http://x/ns/a knativeerrorcode=400 knativeerrordata=b3duIHdvcmRz")},
		bad: []string{
			// an inner hop
			letterOfTrigger("knativeerrordest=http://broker-filter.knative-eventing.svc.cluster.local/triggers/ns/t/uid knativeerrorcode=400 knativeerrordata=b3duIHdvcmRz"),
			letterOfTrigger("knativeerrordest=http://x/ns/a knativeerrorcode=502 knativeerrordata=b3duIHdvcmRz"),
			letterOfTrigger("knativeerrordest=http://x/ns/a knativeerrorcode=400"),
			letterOfTrigger(""),
		},
	},
	{
		scenario: "broker/deleted", requirement: "BRK-028",
		good: []string{lines("1ms mark gone", "2ms send Broker/b e1 -> 202", "3ms send Broker/b e2 -> 404"), lines("1ms mark gone", "2ms send Broker/b e1 -> err=refused")},
		bad:  []string{lines("1ms mark gone", "2ms send Broker/b e1 -> 202", "9s send Broker/b e2 -> 202")},
	},
	{
		scenario: "broker/failing-subscriber", requirement: "BRK-029",
		good: []string{lines("1ms send Broker/b e1 -> 202", "2ms recv ok e1", "2ms recv a e1 -> 500", "52ms recv a e1 -> 500"),
			// the sender, who is told, sends it again
			lines("1ms..9ms send Broker/b e1 -> 500", "2ms recv ok e1", "2ms recv a e1 -> 500", "11ms..19ms send Broker/b e1 -> 500",
				"12ms recv ok e1", "12ms recv a e1 -> 500")},
		bad: []string{
			// the whole fan-out is tried again
			lines("1ms send Broker/b e1 -> 202", "2ms recv ok e1", "2ms recv a e1 -> 500", "52ms recv a e1 -> 500", "52ms recv ok e1"),
			// a failure hides the others (#3438)
			lines("1ms send Broker/b e1 -> 202", "2ms recv a e1 -> 500", "52ms recv a e1 -> 500"),
		},
	},
	{
		scenario: "broker/huge-and-endless-events", requirement: "BRK-030",
		good: []string{
			hugeAnswered("413", "22ms recv a e4 data=four"),
			hugeAnswered("202", "22ms recv a e4 data=four", "15ms recv a e2 data=huge"),
			hugeAnswered(`err="connection reset by peer"`, "22ms recv a e4 data=four"),
		},
		bad: []string{
			// out of memory (#2311): nothing goes on
			strings.Replace(hugeAnswered("413"), "e4 data=four -> 202", "e4 data=four -> err=refused", 1),
			hugeAnswered("500", "22ms recv a e4 data=four"),
			// acknowledged and lost, or cut (#6648)
			hugeAnswered("202", "22ms recv a e4 data=four"),
			hugeAnswered("202", "22ms recv a e4 data=four", "15ms recv a e2 data=hu"),
			hugeAnswered("413", "22ms recv a e4 data=four", "15ms recv a e2 data=huge"),
			// others are held up by the endless one
			hugeAnswered("413"),
		},
	},
	{
		scenario: "broker/into-channels", requirement: "CHN-023",
		claims: []string{"DeadLetterExtensions"},
		good:   []string{intoChannels("sequiturext=kept", "sequiturext=kept knativeerrordest=http://x/ns/bad knativeerrorcode=400")},
		bad: []string{
			intoChannels("", "sequiturext=kept knativeerrordest=http://x/ns/bad knativeerrorcode=400"),
			// error extensions are stripped
			intoChannels("sequiturext=kept", "sequiturext=kept"),
			strings.Replace(intoChannels("sequiturext=kept", "sequiturext=kept knativeerrordest=http://x/ns/bad knativeerrorcode=400"), "8ms recv letters", "8ms recv elsewhere", 1),
		},
	},
	{
		scenario: "broker/places-and-forms-of-sinks", requirement: "DLV-061",
		good: []string{sinksOf(func(_, path string) string { return path })},
		bad: []string{
			// only a ref is understood
			sinksOf(func(sink, path string) string {
				if strings.HasSuffix(sink, "ref") {
					return path
				}
				return "none"
			}),
			// the relative URI is forgotten
			sinksOf(func(_, _ string) string { return "" }),
			// a Broker's sink does not serve its Triggers
			sinksOf(func(sink, path string) string {
				if strings.HasPrefix(sink, "dlsbroker") {
					return "none"
				}
				return path
			}),
		},
	},
	{
		scenario: "broker/as-reply-of-a-subscription", requirement: "SUB-007",
		good: []string{lines("1ms send Channel/c e1 -> 202", "2ms recv a e1 -> 200 e1.a", "3ms recv sink e1.a")},
		bad: []string{
			lines("1ms send Channel/c e1 -> 202", "2ms recv a e1 -> 200 e1.a"),
			lines("1ms send Channel/c e1 -> 202", "2ms..5ms recv a e1 -> 200 e1.a", "3ms recv sink e1.a"),
			lines("1ms send Channel/c e1 -> 202", "2ms recv a e1 -> 200 e1.a", "3ms recv sink e1"),
		},
	},
}

// intoChannels is a history of events that leave a Broker for Channels, with these attributes behind them.
func intoChannels(in, letters string) string {
	return `1ms mark "subscriber and sink of a Trigger"
		2ms send Broker/b e1 sequiturext=kept -> 202
		3ms recv in e1 ` + in + `
		3ms recv bad e1 -> 400
		4ms recv letters e1 ` + letters + `
		5ms mark "sink of a Broker"
		6ms send Broker/c e2 sequiturext=kept -> 202
		7ms recv bad e2 -> 400
		8ms recv letters e2 ` + letters
}
