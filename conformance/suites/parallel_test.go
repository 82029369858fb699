package suites

import (
	"fmt"
	"strings"
)

var parallelExamples = []example{
	{
		scenario: "parallel/every-branch", requirement: "PAR-001",
		good: []string{
			parEvery,
			// the branches in any order
			`1ms send Parallel/p e1 -> 202
			2ms recv c e1 -> 200 e1.c
			3ms recv sink e1.c
			4ms recv h e1 -> 200 e1.h
			5ms recv g e1 -> 204
			6ms recv f e1 -> 200 e1.f
			7ms recv b e1.h -> 200 e1.h.b
			8ms recv a e1.f -> 200 e1.f.a
			9ms recv sink e1.f.a
			9ms recv sink e1.h.b`},
		bad: []string{
			// the first match alone
			`1ms send Parallel/p e1 -> 202
			2ms recv f e1 -> 200 e1.f
			3ms recv a e1.f -> 200 e1.f.a
			4ms recv sink e1.f.a`,
			// the filters one after the other, until one closes
			`1ms send Parallel/p e1 -> 202
			2ms recv f e1 -> 200 e1.f
			3ms recv a e1.f -> 200 e1.f.a
			4ms recv sink e1.f.a
			5ms recv g e1 -> 204`,
			// the answer of one filter goes to the next one
			strings.Replace(parEvery, "recv h e1 -> 200 e1.h", "recv h e1.f -> 200 e1.f.h", 1),
			// a closed branch runs
			parEvery + "\n20ms recv never e1",
			// a branch runs twice
			parEvery + "\n20ms recv c e1 -> 200 e1.c",
			// not even accepted
			"1ms send Parallel/p e1 -> 404"},
	},
	{
		scenario: "parallel/no-filter", requirement: "PAR-002",
		good: []string{parBare},
		bad: []string{
			// a branch without a filter is skipped (#6404)
			strings.Replace(parBare, "3ms recv a e1 subject=s data=x\n", "", 1),
			strings.Replace(parBare, "11ms recv d e2\n", "", 1),
			// what the neighbour's filter answered
			strings.Replace(parBare, "recv c e1 subject=s data=x", "recv c e1.f", 1),
			// not as it was posted
			strings.Replace(parBare, "recv a e1 subject=s data=x", "recv a e1 subject=s data=y", 1),
			strings.Replace(parBare, "recv c e1 subject=s data=x", "recv c e1 data=x", 1)},
	},
	{
		scenario: "parallel/filter-changes-the-event", requirement: "PAR-003",
		good: []string{parAnew},
		bad: []string{
			// the subscriber gets what was posted
			strings.Replace(parAnew, "recv a e1.f type=made.anew colour=blue data=other", "recv a e1 colour=red taste=sweet", 1),
			// … in parts
			strings.Replace(parAnew, "recv a e1.f type=made.anew colour=blue data=other", "recv a e1.f type=made.anew colour=blue taste=sweet data=other", 1),
			// the new id with the data posted
			strings.Replace(parAnew, "recv a e1.f type=made.anew colour=blue data=other", "recv a e1.f type=made.anew colour=blue data=e1", 1),
			// a structured answer is lost (eventing-natss#381)
			strings.Replace(parAnew, "recv b e1.g type=made.anew", "mark x", 1),
			// both
			parAnew + "\n20ms recv a e1 colour=red"},
	},
	{
		scenario: "parallel/filter-answers-nothing", requirement: "PAR-004",
		good: []string{parClosed("204", "")},
		bad: []string{
			// taken for consent
			parClosed("200", "4ms recv a e1 -> 200 e1.a\n5ms recv sink e1.a"),
			// dead-lettered
			parClosed("204", "4ms recv dls e1"),
			// repeated
			parClosed("202", "60ms recv f e1 -> 202"),
			// the sender is told of a failure
			parClosed("204", "4ms send Parallel/p e3 -> 500\n5ms recv f e3 -> 204"),
			// the branch never opens
			strings.Replace(parClosed("204", ""), "12ms recv a e2.f -> 200 e2.f.a\n\t13ms recv sink e2.f.a", "", 1)},
	},
	{
		scenario: "parallel/filter-answers-without-an-event", requirement: "PAR-005",
		good: []string{parClosed("200 none data=true", "")},
		bad: []string{
			// a true answer is taken for consent
			parClosed("200 none data=true", "4ms recv a e1 -> 200 e1.a\n5ms recv sink e1.a"),
			// wrapped into an invented event
			parClosed("200 none data=true", "4ms recv a e1.f data=true -> 200 e1.f.a"),
			// repeated (kubearchive#880)
			parClosed("200 none data=true", "60ms recv f e1 -> 200 none data=true"),
			// the dispatcher crashes (eventing-natss#519)
			strings.Replace(parClosed("200 none data=true", ""), "11ms recv f e2", "11ms recv nobody e2", 1)},
	},
	{
		scenario: "parallel/filter-fails", requirement: "PAR-006",
		good: []string{
			`1ms send Parallel/p e1 -> 202
			2ms recv f e1 -> 500
			3ms send Parallel/p e2 -> 202
			4ms recv f e2 -> fault=reset`,
			// repeated, and told to the sender: that is not the matter here
			`1ms..5ms send Parallel/p e1 -> 500
			2ms recv f e1 -> 500
			3ms recv f e1 -> 500`},
		bad: []string{
			// open if it fails
			`1ms send Parallel/p e1 -> 202
			2ms recv f e1 -> 500
			3ms recv a e1 -> 200 e1.a
			4ms recv sink e1.a`,
			// a refusal with a body that looks like consent
			`1ms send Parallel/p e1 -> 202
			2ms recv f e1 -> 400 none data=true
			3ms recv a e1`,
			// half an event is taken for an event
			`1ms send Parallel/p e1 -> 202
			2ms recv f e1 -> fault=truncate
			3ms recv a e1.f`,
			// the subscriber is skipped
			`1ms send Parallel/p e1 -> 202
			2ms recv f e1 -> 500
			3ms recv sink e1`},
	},
	{
		scenario: "parallel/filter-is-retried", requirement: "PAR-007",
		good: []string{parRetried(3, 4, "")},
		bad: []string{
			// one attempt at filters, as Knative's own code does
			parRetried(1, 1, "dls"),
			// retried, and then nothing
			parRetried(3, 4, "dls"),
			// too few
			parRetried(3, 3, ""),
			// open after the last attempt
			parRetried(3, 4, "") + "\n300ms recv a e2 -> 200 e2.a\n301ms recv sink e2.a"},
	},
	{
		scenario: "parallel/slow-and-failing-branches", requirement: "PAR-008",
		good: []string{parSlow("3ms")},
		bad: []string{
			// one branch after the other
			parSlow("60ms"),
			// the failing branch takes the others with it
			strings.Replace(parSlow("3ms"), "53ms recv behind e1.filter\n", "", 1),
			// the failing branch repeats the others
			parSlow("3ms") + "\n70ms recv quick e1"},
	},
	{
		scenario: "parallel/replies", requirement: "PAR-009",
		good: []string{parReplies},
		bad: []string{
			// spec.reply wins
			strings.Replace(parReplies, "recv own e1.a", "recv shared e1.a", 1),
			// both
			parReplies + "\n20ms recv shared e1.a",
			// the branch's reply has no effect
			strings.Replace(parReplies, "3ms recv own e1.a data=answer\n", "", 1),
			// not as it was answered
			strings.Replace(parReplies, "recv own e1.a data=answer", "recv own e1.a data=posted", 1)},
	},
	{
		scenario: "parallel/replies", requirement: "PAR-010",
		good: []string{parReplies},
		bad: []string{
			// the first answer only
			strings.Replace(parReplies, "8ms recv shared e1.f.c\n", "", 1),
			// merged into one
			strings.Replace(strings.Replace(parReplies, "5ms recv shared e1.b\n", "", 1), "recv shared e1.f.c", "recv shared e1.f.c|b", 1),
			// what a branch without an answer was given
			parReplies + "\n20ms recv shared e1",
			// twice
			parReplies + "\n20ms recv shared e1.b",
			// none
			strings.ReplaceAll(parReplies, "recv shared", "recv nobody")},
	},
	{
		scenario: "parallel/no-reply", requirement: "PAR-011",
		good: []string{parSilent},
		bad: []string{
			// back into the Parallel, in a ring
			parSilent + "\n20ms recv a e1.a -> 200 e1.a.a\n20ms recv f e1.a -> 200 e1.a.f\n21ms recv b e1.a.f",
			// to the sender
			strings.Replace(parSilent, "-> 202", "-> 200 e1.a", 1),
			// a failure for want of a reply
			parSilent + "\n20ms recv dls e1",
			parSilent + "\n60ms recv a e1 -> 200 e1.a",
			strings.Replace(parSilent, "-> 202", "-> 500", 1)},
	},
	{
		scenario: "parallel/delivery-of-each-branch", requirement: "PAR-012",
		good: []string{parOptions},
		bad: []string{
			// the first branch's for all
			parOptions + "\n200ms recv b e1 -> 503\n250ms recv b e1 -> 503",
			// none at all (#2302, #5118)
			strings.NewReplacer("60ms recv a e1 -> 503\n", "", "120ms recv a e1 -> 503\n", "", "121ms recv adls e1\n", "").Replace(parOptions),
			// the sink of another branch
			strings.Replace(parOptions, "recv bdls e1", "recv adls e1", 1),
			// retried without an end
			parOptions + "\n200ms recv c e1.f -> 503"},
	},
	{
		scenario: "parallel/dead-letter-of-a-branch", requirement: "PAR-013",
		good: []string{parDead},
		bad: []string{
			// what was posted
			strings.Replace(parDead, "recv dls e1.f type=made.anew data=other knativeerrorcode=503", "recv dls e1 subject=posted taste=sweet knativeerrorcode=503", 1),
			// … in parts
			strings.Replace(parDead, "recv dls e1.f type=made.anew data=other", "recv dls e1.f type=made.anew taste=sweet data=other", 1),
			// nothing (#3145)
			strings.Replace(parDead, "recv dls e1.f", "recv nobody e1.f", 1),
			// to the reply too
			parDead + "\n90ms recv sink e1.f",
			// without a filter: not as it was posted
			strings.Replace(parDead, "recv others e1 subject=posted", "recv others e1", 1)},
	},
	{
		scenario: "parallel/nobody-takes-it", requirement: "PAR-014",
		good: []string{
			`1ms send Parallel/p e1 -> 202
			2ms recv f e1 -> 200
			3ms recv g e1 -> 204`},
		bad: []string{
			// an error to the sender
			`1ms..4ms send Parallel/p e1 -> 502
			2ms recv f e1 -> 200
			3ms recv g e1 -> 204`,
			// the last branch is taken if no other is
			`1ms send Parallel/p e1 -> 202
			2ms recv f e1 -> 200
			3ms recv g e1 -> 204
			4ms recv b e1 -> 200 e1.b
			5ms recv sink e1.b`,
			// what was posted goes to the reply
			`1ms send Parallel/p e1 -> 202
			2ms recv f e1 -> 200
			3ms recv g e1 -> 204
			4ms recv sink e1`,
			// dead-lettered
			`1ms send Parallel/p e1 -> 202
			2ms recv f e1 -> 200
			3ms recv g e1 -> 204
			4ms recv dls e1`},
	},
	{
		scenario: "parallel/kinds-of-destination", requirement: "PAR-023",
		good: []string{parKinds},
		bad: []string{
			// a Sequence is no subscriber here
			strings.Replace(parKinds, "3ms recv x e1 -> 200 e1.x\n4ms recv oneend e1.x\n", "", 1),
			// a Knative Service is no filter here
			strings.Replace(parKinds, "5ms recv kf e1 -> 200 e1.kf\n6ms recv y e1.kf -> 200 e1.kf.y\n7ms recv twoend e1.kf.y\n", "", 1),
			// nothing comes through a Sequence
			strings.ReplaceAll(parKinds, "e2.first", "e9.first"),
			// the relative URI is forgotten
			strings.Replace(parKinds, "path=/some/where", "path=/", 1)},
	},
	{
		scenario: "parallel/one-branch-fails", requirement: "PAR-024",
		good: []string{
			parFailing(1),
			// told to the sender, who sends again, and the healthy branch is spared
			`1ms..9ms send Parallel/p e1 -> 500
			2ms recv ok e1
			3ms recv f e1 -> 500
			3ms recv bad e1 -> 500
			10ms..19ms send Parallel/p e1 -> 500
			13ms recv f e1 -> 500
			13ms recv bad e1 -> 500`},
		bad: []string{
			// the whole fan-out is repeated
			parFailing(2),
			// by the sender
			`1ms..9ms send Parallel/p e1 -> 500
			2ms recv ok e1
			3ms recv f e1 -> 500
			3ms recv bad e1 -> 500
			10ms..19ms send Parallel/p e1 -> 500
			12ms recv ok e1
			13ms recv f e1 -> 500
			13ms recv bad e1 -> 500`,
			// the healthy branch is cut off
			parFailing(0)},
	},
	{
		scenario: "parallel/headers-and-answers", requirement: "PAR-025",
		good: []string{
			parAsked("202"),
			parAsked("202 none data=accepted"),
			parAsked("500 none data=\"a branch failed\"")},
		bad: []string{
			// no Prefer at filters
			strings.Replace(parAsked("202"), "recv f e1 h:Prefer=reply", "recv f e1", 1),
			strings.Replace(parAsked("202"), "recv a e1.f h:Prefer=reply", "recv a e1.f", 1),
			// a branch's answer, or what a branch failed with
			parAsked("200 e1.c"),
			parAsked("502 none data=\"subscriber: a private failure\""),
			parAsked("200 none data=\"a private answer\"")},
	},
}

const parEvery = `
	1ms send Parallel/p e1 -> 202
	2ms recv f e1 -> 200 e1.f
	2ms recv g e1 -> 204
	2ms recv h e1 -> 200 e1.h
	3ms recv a e1.f -> 200 e1.f.a
	4ms recv sink e1.f.a
	5ms recv b e1.h -> 200 e1.h.b
	6ms recv sink e1.h.b
	7ms recv c e1 -> 200 e1.c
	8ms recv sink e1.c`

const parBare = `
	1ms send Parallel/p e1 subject=s data=x -> 202
	2ms recv f e1 subject=s data=x -> 200 e1.f
	3ms recv a e1 subject=s data=x
	4ms recv b e1.f -> 200 e1.f.b
	5ms recv c e1 subject=s data=x
	9ms mark bare
	10ms send Parallel/bare e2 -> 202
	11ms recv d e2
`

const parAnew = `
	1ms send Parallel/p e1 colour=red taste=sweet data=e1 -> 202
	2ms recv f e1 colour=red taste=sweet data=e1 -> 200 e1.f type=made.anew colour=blue data=other
	3ms recv a e1.f type=made.anew colour=blue data=other
	4ms recv g e1 colour=red taste=sweet data=e1 -> 200 e1.g type=made.anew mode=structured
	5ms recv b e1.g type=made.anew`

// parClosed is an event that the filter answers so, with whatever more comes of it, and one that passes.
func parClosed(answer, more string) string {
	return fmt.Sprintf(`
	0ms mark closed
	1ms send Parallel/p e1 -> 202
	2ms recv f e1 -> %s
	%s
	9ms mark open
	10ms send Parallel/p e2 -> 202
	11ms recv f e2 -> 200 e2.f
	12ms recv a e2.f -> 200 e2.f.a
	13ms recv sink e2.f.a`, answer, more)
}

// parRetried has so many attempts at the filter with e1, of which the third passes, and with e2, of which none does. What
// comes to but is left out.
func parRetried(first, second int, but string) string {
	var b strings.Builder
	b.WriteString("0ms mark \"at first\"\n1ms send Parallel/p e1 -> 202\n")
	for i := range first {
		answer := "503"
		if i == 2 {
			answer = "200 e1.f\n" + fmt.Sprintf("%dms recv a e1.f -> 200 e1.f.a\n%dms recv sink e1.f.a", 50*i+3, 50*i+4)
		}
		fmt.Fprintf(&b, "%dms recv f e1 -> %s\n", 50*i+2, answer)
	}
	b.WriteString("200ms mark always\n201ms send Parallel/p e2 -> 202\n")
	for i := range second {
		fmt.Fprintf(&b, "%dms recv f e2 -> 503\n", 50*i+202)
	}
	if but != "dls" {
		b.WriteString("400ms recv dls e2\n")
	}
	return b.String()
}

// parSlow has branches that are held up until 50 ms and a quick one that gets the event at a time.
func parSlow(quick string) string {
	return fmt.Sprintf(`
	1ms send Parallel/p e1 -> 202
	2ms..51ms recv slow e1 -> 202
	2ms..52ms recv filter e1 -> 200 e1.filter
	2ms recv failing e1 -> 503
	%s recv quick e1
	20ms recv failing e1 -> 503
	40ms recv failing e1 -> 503
	41ms recv dls e1
	50ms mark released
	53ms recv behind e1.filter
`, quick)
}

const parReplies = `
	1ms send Parallel/p e1 data=posted -> 202
	2ms recv a e1 data=posted -> 200 e1.a data=answer
	3ms recv own e1.a data=answer
	4ms recv b e1 data=posted -> 200 e1.b
	5ms recv shared e1.b
	6ms recv f e1 data=posted -> 200 e1.f
	7ms recv c e1.f -> 200 e1.f.c
	8ms recv shared e1.f.c
	9ms recv mute e1
	10ms recv silent e1`

const parSilent = `
	1ms send Parallel/p e1 -> 202
	2ms recv a e1 -> 200 e1.a
	3ms recv f e1 -> 200 e1.f
	4ms recv b e1.f -> 200 e1.f.b`

const parOptions = `
	1ms send Parallel/p e1 -> 202
	2ms recv a e1 -> 503
	3ms recv b e1 -> 503
	4ms recv bdls e1
	5ms recv f e1 -> 200 e1.f
	6ms recv c e1.f -> 503
	7ms recv d e1 -> 200 e1.d
	60ms recv a e1 -> 503
	61ms recv c e1.f -> 503
	62ms recv cdls e1.f
	120ms recv a e1 -> 503
	121ms recv adls e1
`

const parDead = `
	1ms send Parallel/p e1 subject=posted taste=sweet -> 202
	2ms recv f e1 subject=posted taste=sweet -> 200 e1.f type=made.anew data=other
	3ms recv a e1.f type=made.anew data=other -> 503
	4ms recv b e1 subject=posted taste=sweet -> 503
	5ms recv others e1 subject=posted taste=sweet knativeerrorcode=503
	53ms recv a e1.f type=made.anew data=other -> 503
	54ms recv dls e1.f type=made.anew data=other knativeerrorcode=503`

const parKinds = `
1ms mark straight
2ms send Parallel/p e1 -> 202
3ms recv x e1 -> 200 e1.x
4ms recv oneend e1.x
5ms recv kf e1 -> 200 e1.kf
6ms recv y e1.kf -> 200 e1.kf.y
7ms recv twoend e1.kf.y
8ms recv z e1
9ms recv svc e1 path=/some/where -> 200 e1.svc
10ms recv w e1.svc -> 200 e1.svc.w
11ms recv threeend e1.svc.w
12ms recv q e1 -> 200 e1.q
13ms recv innerend e1.q
20ms mark "through a Sequence"
21ms send Sequence/outer e2 -> 202
22ms recv first e2 -> 200 e2.first
23ms recv x e2.first -> 200 e2.first.x
24ms recv oneend e2.first.x
25ms recv kf e2.first -> 200 e2.first.kf
26ms recv y e2.first.kf -> 200 e2.first.kf.y
27ms recv twoend e2.first.kf.y
28ms recv z e2.first
29ms recv svc e2.first path=/some/where -> 200 e2.first.svc
30ms recv w e2.first.svc -> 200 e2.first.svc.w
31ms recv threeend e2.first.svc.w
32ms recv q e2.first -> 200 e2.first.q
33ms recv innerend e2.first.q`

// parFailing has so many deliveries to the healthy branch.
func parFailing(healthy int) string {
	return `
	1ms send Parallel/p e1 -> 202
	3ms recv f e1 -> 500
	3ms recv bad e1 -> 500
	` + strings.Repeat("4ms recv ok e1\n", healthy) + `
	53ms recv f e1 -> 500
	53ms recv bad e1 -> 500`
}

// parAsked is answered so.
func parAsked(answer string) string {
	return fmt.Sprintf(`
	1ms..9ms send Parallel/p e1 -> %s
	2ms recv f e1 h:Prefer=reply -> 200 e1.f
	3ms recv a e1.f h:Prefer=reply -> 200 e1.f.a
	4ms recv bad e1 h:Prefer=reply -> 500 none data="a private failure"
	5ms recv c e1 h:Prefer=reply -> 200 e1.c`, answer)
}
