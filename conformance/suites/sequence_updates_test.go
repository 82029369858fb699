package suites

import (
	"fmt"
	"strings"
)

var sequenceUpdatesExamples = []example{
	{
		scenario: "sequence/what-it-is-made-of", requirement: "SEQ-018",
		good: []string{seqMade},
		bad: []string{
			"1ms status Sequence/s Ready=True url=http://x/",
			`1ms status Sequence/s Ready=True "spec.channelTemplate={}"`},
	},
	{
		scenario: "sequence/what-it-is-made-of", requirement: "SEQ-019",
		good: []string{seqMade},
		bad: []string{
			// one channel too many
			seqMade + "\n9ms status InMemoryChannel/s-kn-sequence-3 owner=Sequence/s",
			// one Subscription has no owner
			strings.Replace(seqMade, "Subscription/s-kn-sequence-1 owner=Sequence/s", "Subscription/s-kn-sequence-1", 1),
			// the channels are of another kind than the template's (#7886)
			strings.ReplaceAll(seqMade, "InMemoryChannel/", "Channel/")},
	},
	{
		scenario: "sequence/what-it-is-made-of", requirement: "SEQ-020",
		good: []string{seqMade, strings.ReplaceAll(seqMade, strings.Repeat("n", 45)+"bbbb-kn-sequence-2", longB+"-kn-sequence-2")},
		bad: []string{
			// counted from 1
			strings.Replace(seqMade, "InMemoryChannel/s-kn-sequence-0", "InMemoryChannel/s-kn-sequence-3", 1),
			strings.Replace(seqMade, "Subscription/s-kn-sequence-0", "Subscription/s-0", 1),
			// two long names collide
			strings.ReplaceAll(seqMade, "bbbb-kn", "aaaa-kn"),
			// too long, and cut off at the end
			strings.ReplaceAll(seqMade, strings.Repeat("n", 45)+"bbbb-kn-sequence-2", longB+"-kn")},
	},
	{
		scenario: "sequence/channel-template-spec", requirement: "SEQ-021",
		good: []string{
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 503
			53ms recv b e1.a -> 503
			103ms recv b e1.a -> 503`,
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 503
			53ms recv b e1.a -> 503
			103ms recv b e1.a -> 503
			104ms recv dls e1.a`},
		bad: []string{
			// the template's spec is dropped (#5954)
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 503`},
	},
	{
		scenario: "sequence/append-a-step", requirement: "SEQ-022",
		good: []string{seqAppended + `
			15ms recv c e2.a.b -> 200 e2.a.b.c
			16ms recv sink e2.a.b.c`},
		bad: []string{
			// the old wiring stays (#8016)
			seqAppended + "\n15ms recv sink e2.a.b",
			// the new step is called, and the old reply as well
			seqAppended + `
			15ms recv c e2.a.b -> 200 e2.a.b.c
			15ms recv sink e2.a.b
			16ms recv sink e2.a.b.c`,

			seqAppended},
	},
	{
		scenario: "sequence/remove-steps", requirement: "SEQ-023",
		good: []string{seqRemoved},
		bad: []string{
			// the removed step is still fed (#2005)
			seqRemoved + "\n60ms recv d e1.a.b.c -> 200 e1.a.b.c.d",
			strings.Replace(seqRemoved, "recv c e2.a -> 200 e2.a.c", "recv b e2.a -> 200 e2.a.b", 1),
			// a channel leaks
			strings.Replace(seqRemoved, `24ms settle "at most 2 InMemoryChannel"`, `
				23ms status InMemoryChannel/s-kn-sequence-2
				24ms settle "at most 2 InMemoryChannel" -> timeout`, 1),
			// a Subscription leaks
			strings.Replace(seqRemoved, `45ms settle "at most 1 Subscription"`, `
				44ms status Subscription/s-kn-sequence-1
				45ms settle "at most 1 Subscription" -> timeout`, 1),
			// the rest of the Sequence is cut off
			strings.Replace(seqRemoved, "recv sink e3.c", "mark x", 1)},
	},
	seqSameAddress("sequence/remove-steps"),
	{
		scenario: "sequence/steps-change-under-traffic", requirement: "SEQ-024",
		good: []string{
			seqChanging,
			seqChanging + `
			30ms send Sequence/s e3 -> 202
			31ms recv n e3 -> 200 e3.n
			32ms recv a e3.n -> 200 e3.n.a
			33ms recv dls e3.n`,
			// refused, so nothing was promised
			seqChanging + "\n30ms send Sequence/s e3 -> 503"},
		bad: []string{
			// executed twice by one step
			seqChanging + `
			30ms send Sequence/s e3 -> 202
			31ms recv a e3 -> 200 e3.a
			32ms recv a e3.a -> 200 e3.a.a
			33ms recv b e3.a.a -> 200 e3.a.a.b
			34ms recv sink e3.a.a.b`,
			// a step is skipped
			seqChanging + `
			30ms send Sequence/s e3 -> 202
			31ms recv n e3 -> 200 e3.n
			32ms recv b e3.n -> 200 e3.n.b
			33ms recv sink e3.n.b`,
			// lost on the way
			seqChanging + `
			30ms send Sequence/s e3 -> 202
			31ms recv a e3 -> 200 e3.a`,
			// lost at once
			seqChanging + "\n30ms send Sequence/s e3 -> 202",
			// at both ends
			seqChanging + `
			30ms send Sequence/s e3 -> 202
			31ms recv a e3 -> 200 e3.a
			32ms recv b e3.a -> 200 e3.a.b
			33ms recv sink e3.a.b
			34ms recv dls e3.a`},
	},
	{
		scenario: "sequence/change-the-reply", requirement: "SEQ-025",
		good: []string{seqReplies},
		bad: []string{
			// the old reply is kept
			strings.Replace(seqReplies, "recv second e1.a", "recv first e1.a", 1),
			strings.Replace(seqReplies, "recv third e3.a", "mark x", 1),
			seqReplies + "\n30ms recv second e2.a"},
	},
	seqSameAddress("sequence/change-the-reply"),
	{
		scenario: "sequence/change-delivery", requirement: "SEQ-026",
		good: []string{seqDeliveries},
		bad: []string{
			// the update is refused for want of a resourceVersion (#8178)
			`1ms apply Sequence/s
			2ms mark none
			3ms send Sequence/s e1 -> 202
			4ms recv a e1 -> 200 e1.a
			5ms recv b e1.a -> 503
			6ms apply Sequence/s -> refused "metadata.resourceVersion: must be specified for an update"
			6ms stop target "Sequence/s was refused"`,
			// the new sink is not used (#8016)
			strings.Replace(seqDeliveries, "recv dls e2.a", "mark x", 1),
			// the new number of retries is not used
			strings.Replace(seqDeliveries, "34ms recv b e3.a -> 503\n", "", 1)},
	},
	seqSameAddress("sequence/change-delivery"),
	{
		scenario: "sequence/change-a-destination", requirement: "SEQ-027",
		good: []string{seqMoved + `
			13ms recv instead e2.a -> 200 e2.a.instead
			14ms recv c e2.a.instead -> 200 e2.a.instead.c
			15ms recv sink e2.a.instead.c`},
		bad: []string{
			// the update is not propagated (#1950)
			seqMoved + `
			13ms recv b e2.a -> 200 e2.a.b
			14ms recv c e2.a.b -> 200 e2.a.b.c
			15ms recv sink e2.a.b.c`,
			// both are called
			seqMoved + `
			13ms recv instead e2.a -> 200 e2.a.instead
			13ms recv b e2.a -> 200 e2.a.b
			14ms recv c e2.a.instead -> 200 e2.a.instead.c
			15ms recv sink e2.a.instead.c`},
	},
	{
		scenario: "sequence/updates-lose-nothing", requirement: "SEQ-028",
		good: []string{
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv sink e1.a.b
			4ms apply Sequence/s
			5ms send Sequence/s e2 -> 202
			6ms recv dls e2.a
			7ms send Sequence/s e3 -> 503
			8ms send Sequence/s e4 -> 202
			9ms recv other e4.a.b`},
		bad: []string{
			// accepted while no Subscription is there (#7939)
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv sink e1.a.b
			4ms apply Sequence/s
			5ms send Sequence/s e2 -> 202
			8ms send Sequence/s e4 -> 202
			9ms recv other e4.a.b`,
			// lost between two steps
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			4ms apply Sequence/s
			8ms send Sequence/s e2 -> 202
			9ms recv other e2.a.b`},
	},
	seqSameAddress("sequence/updates-lose-nothing"),
	{
		scenario: "sequence/deletion", requirement: "SEQ-030",
		good: []string{fmt.Sprintf(seqDeletion, "", "404")},
		bad: []string{
			// orphans still acknowledge and discard
			fmt.Sprintf(seqDeletion, "", "202"),
			// a channel is left over
			strings.Replace(fmt.Sprintf(seqDeletion, "9ms status InMemoryChannel/s-kn-sequence-0", "404"), `"at most 0 InMemoryChannel"`, `"at most 0 InMemoryChannel" -> timeout`, 1),
			// a Subscription is left over
			strings.Replace(fmt.Sprintf(seqDeletion, "9ms status Subscription/s-kn-sequence-0", "404"), `"at most 0 Subscription"`, `"at most 0 Subscription" -> timeout`, 1),
			// it does not go
			strings.Replace(fmt.Sprintf(seqDeletion, "", "404"), "gone Sequence/s", "status Sequence/s Ready=True", 1)},
	},
	{
		scenario: "sequence/refused-without-steps", requirement: "SEQ-031",
		good: []string{`
			1ms apply Sequence/good
			2ms apply Sequence/empty -> refused "missing field(s): spec.steps"
			3ms apply Sequence/missing -> refused "missing field(s): spec.steps"`},
		bad: []string{
			`1ms apply Sequence/good
			2ms apply Sequence/empty
			3ms apply Sequence/missing -> refused "missing field(s): spec.steps"`,
			// the message does not say what is wrong
			`1ms apply Sequence/good
			2ms apply Sequence/empty -> refused "invalid object"
			3ms apply Sequence/missing -> refused "invalid object"`,
			// everything is refused
			`1ms apply Sequence/good -> refused "spec.steps"
			2ms apply Sequence/empty -> refused "spec.steps"
			3ms apply Sequence/missing -> refused "spec.steps"`},
	},
	{
		scenario: "sequence/refused-destinations", requirement: "SEQ-032",
		good: []string{seqRefusals(-1, "")},
		bad: []string{
			seqRefusals(0, "apply Sequence/step-0"),
			seqRefusals(1, "apply Sequence/reply-1"),
			seqRefusals(2, `apply Sequence/step-2 -> refused "relative uri"`),
			seqRefusals(5, "apply Sequence/step-5")},
	},
	{
		scenario: "sequence/refused-delivery", requirement: "SEQ-033",
		good: []string{seqBadOptions("")},
		bad:  []string{seqBadOptions("Sequence/bad-0"), seqBadOptions("Sequence/bad-3"), seqBadOptions("Sequence/bad-5")},
	},
	{
		scenario: "sequence/refused-channel-templates", requirement: "SEQ-034",
		good: []string{`
			1ms apply Sequence/good
			2ms apply Sequence/no-kind -> refused "spec.channelTemplate.kind: missing"
			3ms apply Sequence/no-version -> refused "spec.channelTemplate.apiVersion: missing"`},
		bad: []string{
			`1ms apply Sequence/good
			2ms apply Sequence/no-kind
			3ms apply Sequence/no-version -> refused missing`,
			`1ms apply Sequence/good -> refused "no such field"
			2ms apply Sequence/no-kind -> refused "no such field"
			3ms apply Sequence/no-version -> refused "no such field"`},
	},
	{
		scenario: "sequence/own-namespace", requirement: "SEQ-035",
		good: []string{`
			1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv sink e1.a`},
		bad: []string{
			`1ms send Sequence/s e1 -> 202
			2ms recv foreign e1 -> 200 e1.foreign
			3ms recv sink e1.foreign`,
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv foreign e1.a`},
	},
	{
		scenario: "sequence/names-already-taken", requirement: "SEQ-042",
		good: []string{seqTaken},
		bad: []string{
			// the Subscription is overwritten
			strings.Replace(seqTaken, "Ready=True spec.subscriber=$mine gen=1", "Ready=True spec.subscriber=$a gen=2", 1),
			// the channel gets a new owner
			strings.Replace(seqTaken, "9ms status InMemoryChannel/t-kn-sequence-0", "9ms status InMemoryChannel/t-kn-sequence-0 owner=Sequence/t", 1),
			// replaced
			strings.Replace(seqTaken, "9ms status InMemoryChannel/t-kn-sequence-0 spec.delivery=retry", "9ms gone InMemoryChannel/t-kn-sequence-0", 1),
			// Ready though another's object is in the way
			strings.Replace(seqTaken, "Sequence/s Ready=False", "Sequence/s Ready=True", 1)},
	},
	{
		scenario: "sequence/change-the-channel-template", requirement: "SEQ-043",
		good: []string{
			`1ms apply Sequence/s
			2ms mark "other spec"
			3ms apply Sequence/s -> refused "spec.channelTemplate: cannot be changed"
			4ms mark "other kind"
			5ms apply Sequence/s -> refused "spec.channelTemplate: cannot be changed"`,
			seqRetemplated},
		bad: []string{
			// the new spec is silently ignored
			strings.Replace(seqRetemplated, "8ms recv b e1.a -> 503\n", "", 1),
			// the old channels leak
			strings.Replace(seqRetemplated, `23ms settle "at most 0 InMemoryChannel"`, `
				22ms status InMemoryChannel/s-kn-sequence-0 owner=Sequence/s
				23ms settle "at most 0 InMemoryChannel" -> timeout`, 1),
			// nothing works any more
			strings.Replace(seqRetemplated, "25ms recv a e2 -> 200 e2.a\n", "", 1)},
	},
}

// seqSameAddress gives the examples of a scenario for SEQ-029.
func seqSameAddress(scenario string) example {
	return example{
		scenario: scenario, requirement: "SEQ-029",
		good: []string{
			`1ms status Sequence/s Ready=True gen=1 obs=1 url=http://x/s
			2ms status Sequence/s Ready=True gen=2 obs=1 url=http://x/s
			3ms status Sequence/s Ready=True gen=2 obs=2 url=http://x/s
			4ms status Sequence/s Ready=True gen=3 obs=3 url=http://x/s`},
		bad: []string{
			// the first channel is made anew under another name
			`1ms status Sequence/s Ready=True gen=1 obs=1 url=http://x/s-kn-sequence-0
			3ms status Sequence/s Ready=True gen=2 obs=2 url=http://x/s-2-kn-sequence-0`,
			// the address is lost
			`1ms status Sequence/s Ready=True gen=1 obs=1 url=http://x/s
			3ms status Sequence/s Ready=True gen=2 obs=2`},
	}
}

// seqMade shows three Sequences of three steps and their children; those of the long ones have shortened names.
var seqMade = func() string {
	var b strings.Builder
	for _, s := range []struct{ name, child string }{
		{"s", "s"}, {longA, strings.Repeat("n", 45) + "aaaa"}, {longB, strings.Repeat("n", 45) + "bbbb"},
	} {
		fmt.Fprintf(&b, "1ms status Sequence/%s Ready=True \"spec.channelTemplate={\\\"kind\\\": \\\"InMemoryChannel\\\"}\"\n", s.name)
		for i := range 3 {
			for _, kind := range []string{"InMemoryChannel", "Subscription"} {
				fmt.Fprintf(&b, "2ms status %s/%s-kn-sequence-%d owner=Sequence/%s\n", kind, s.child, i, s.name)
			}
		}
	}
	return b.String()
}()

const seqAppended = `
	0ms mark before
	1ms send Sequence/s e1 -> 202
	2ms recv a e1 -> 200 e1.a
	3ms recv b e1.a -> 200 e1.a.b
	4ms recv sink e1.a.b
	10ms mark after
	11ms send Sequence/s e2 -> 202
	12ms recv a e2 -> 200 e2.a
	13ms recv b e2.a -> 200 e2.a.b`

const seqRemoved = `
	0ms status Sequence/s Ready=True "spec.channelTemplate={\"kind\": \"InMemoryChannel\"}"
	1ms mark "last removed"
	2ms status InMemoryChannel/s-kn-sequence-0
	2ms status InMemoryChannel/s-kn-sequence-1
	2ms status InMemoryChannel/s-kn-sequence-2
	3ms settle "at most 3 InMemoryChannel"
	4ms settle "at most 3 Subscription"
	5ms send Sequence/s e1 -> 202
	6ms recv a e1 -> 200 e1.a
	7ms recv b e1.a -> 200 e1.a.b
	8ms recv c e1.a.b -> 200 e1.a.b.c
	9ms recv sink e1.a.b.c
	20ms mark "middle removed"
	21ms status InMemoryChannel/s-kn-sequence-0
	22ms status InMemoryChannel/s-kn-sequence-1
	24ms settle "at most 2 InMemoryChannel"
	25ms settle "at most 2 Subscription"
	26ms send Sequence/s e2 -> 202
	27ms recv a e2 -> 200 e2.a
	28ms recv c e2.a -> 200 e2.a.c
	29ms recv sink e2.a.c
	40ms mark "first removed"
	41ms settle "at most 1 InMemoryChannel"
	43ms status Subscription/s-kn-sequence-0
	45ms settle "at most 1 Subscription"
	46ms send Sequence/s e3 -> 202
	47ms recv c e3 -> 200 e3.c
	48ms recv sink e3.c`

const seqChanging = `
	1ms send Sequence/s e1 -> 202
	2ms recv a e1 -> 200 e1.a
	3ms recv b e1.a -> 200 e1.a.b
	4ms recv sink e1.a.b
	10ms send Sequence/s e2 -> 202
	11ms recv n e2 -> 200 e2.n
	12ms recv a e2.n -> 200 e2.n.a
	13ms recv b e2.n.a -> 200 e2.n.a.b
	14ms recv sink e2.n.a.b`

const seqReplies = `
	0ms mark changed
	1ms send Sequence/s e1 -> 202
	2ms recv a e1 -> 200 e1.a
	3ms recv second e1.a
	10ms mark removed
	11ms send Sequence/s e2 -> 202
	12ms recv a e2 -> 200 e2.a
	20ms mark added
	21ms send Sequence/s e3 -> 202
	22ms recv a e3 -> 200 e3.a
	23ms recv third e3.a`

const seqDeliveries = `
	0ms apply Sequence/s
	1ms mark none
	2ms send Sequence/s e1 -> 202
	3ms recv a e1 -> 200 e1.a
	4ms recv b e1.a -> 503
	10ms apply Sequence/s
	20ms mark "sink added"
	21ms send Sequence/s e2 -> 202
	22ms recv a e2 -> 200 e2.a
	23ms recv b e2.a -> 503
	24ms recv dls e2.a
	25ms apply Sequence/s
	30ms mark "retry added"
	31ms send Sequence/s e3 -> 202
	32ms recv a e3 -> 200 e3.a
	33ms recv b e3.a -> 503
	34ms recv b e3.a -> 503
	35ms recv b e3.a -> 503
	36ms recv dls e3.a`

const seqMoved = `
	0ms mark before
	1ms send Sequence/s e1 -> 202
	2ms recv a e1 -> 200 e1.a
	3ms recv b e1.a -> 200 e1.a.b
	4ms recv c e1.a.b -> 200 e1.a.b.c
	5ms recv sink e1.a.b.c
	10ms mark after
	11ms send Sequence/s e2 -> 202
	12ms recv a e2 -> 200 e2.a`

// seqDeletion has two gaps: what is seen after it, and the last answer of the address.
const seqDeletion = `
	0ms status Sequence/s Ready=True "spec.channelTemplate={\"kind\": \"InMemoryChannel\"}" url=http://x/s
	1ms status InMemoryChannel/s-kn-sequence-0 owner=Sequence/s
	2ms status Subscription/s-kn-sequence-0 owner=Sequence/s
	3ms send Sequence/s e1 -> 202
	4ms recv a e1 -> 200 e1.a
	5ms mark deleted
	6ms delete Sequence/s
	7ms gone Sequence/s
	%s
	10ms settle "at most 0 InMemoryChannel"
	11ms settle "at most 0 Subscription"
	12ms send Sequence/s e2 -> 202
	13ms send Sequence/s e3 -> %s`

// seqRefusals refuses every bad destination but one, for which line stands.
func seqRefusals(but int, line string) string {
	var b strings.Builder
	b.WriteString("1ms apply Sequence/good\n")
	for i := range badDestinations {
		if i == but {
			fmt.Fprintf(&b, "2ms %s\n", line)
		}
		if !strings.Contains(line, fmt.Sprintf("step-%d", i)) {
			fmt.Fprintf(&b, "2ms apply Sequence/step-%d -> refused \"spec.steps[1].uri: wrong\"\n", i)
		}
		if !strings.Contains(line, fmt.Sprintf("reply-%d", i)) {
			fmt.Fprintf(&b, "2ms apply Sequence/reply-%d -> refused \"spec.reply.uri: wrong\"\n", i)
		}
	}
	return b.String()
}

// seqBadOptions refuses all bad delivery options but those of one Sequence.
func seqBadOptions(but string) string {
	var b strings.Builder
	b.WriteString("1ms apply Sequence/good\n")
	for _, object := range objects("bad", len(badDelivery)) {
		fmt.Fprintf(&b, "2ms apply %s", object)
		if object != but {
			b.WriteString(` -> refused "spec.steps[1].delivery: wrong"`)
		}
		b.WriteString("\n")
	}
	return b.String()
}

const seqTaken = `
	1ms status Subscription/s-kn-sequence-0 Ready=True spec.subscriber=$mine
	2ms status InMemoryChannel/t-kn-sequence-0 spec.delivery=retry
	3ms status Sequence/s Ready=False:ChannelsNotReady
	4ms status Sequence/t Ready=False:ChannelsNotReady
	8ms status Subscription/s-kn-sequence-0 Ready=True spec.subscriber=$mine gen=1
	9ms status InMemoryChannel/t-kn-sequence-0 spec.delivery=retry`

const seqRetemplated = `
	1ms apply Sequence/s
	2ms mark "other spec"
	3ms apply Sequence/s
	3ms status InMemoryChannel/s-kn-sequence-0 owner=Sequence/s
	3ms status InMemoryChannel/s-kn-sequence-1 owner=Sequence/s
	4ms settle "at most 2 InMemoryChannel"
	5ms send Sequence/s e1 -> 202
	6ms recv a e1 -> 200 e1.a
	7ms recv b e1.a -> 503
	8ms recv b e1.a -> 503
	9ms recv b e1.a -> 503
	20ms mark "other kind"
	21ms apply Sequence/s
	23ms settle "at most 0 InMemoryChannel"
	24ms send Sequence/s e2 -> 202
	25ms recv a e2 -> 200 e2.a
	26ms recv b e2.a -> 503`
