package suites

import (
	"regexp"
	"strings"
)

// ceThen follows a history by others, each later and of other events.
func ceThen(first string, more ...string) string {
	for i, h := range more {
		for range i + 1 {
			h = ceTimes.ReplaceAllString(ceIDs.ReplaceAllString(h, " e1$1"), "1${1}ms")
		}
		first += "\n" + h
	}
	return first
}

var ceTimes, ceIDs = regexp.MustCompile(`(\d+)ms`), regexp.MustCompile(` e(\d+)`)

// ceThrough is a history in which one event is sent to the Channel and to the Sequence and comes out of both; sent and got
// are its words.
func ceThrough(mark, sent, got string) string {
	return strings.NewReplacer("MARK", mark, "SENT", sent, "GOT", got).Replace(`
		1ms mark "MARK"
		2ms send Channel/c e1 SENT -> 202
		3ms recv sub e1 GOT
		4ms send Sequence/s e1 SENT -> 202
		5ms recv end e1 GOT`)
}

// ceAtParallel are examples of a target that claims to have Parallels.
func ceAtParallel(requirement, mark, mode string) example {
	through := ceThrough(mark, mode+" data=x", "data=x")
	return example{
		scenario: "cloudevents/content-modes", requirement: requirement, claims: []string{"Sequence", "Parallel"},
		good: []string{through + "\n6ms send Parallel/p e1 " + mode + " data=x -> 202\n7ms recv branch e1 data=x"},
		bad: []string{
			through + "\n6ms send Parallel/p e1 " + mode + " data=x -> 415",
			through + "\n6ms send Parallel/p e1 " + mode + " data=x -> 202",
			through + "\n6ms send Parallel/p e1 " + mode + " data=x -> 202\n7ms recv branch e1 data=y",
		},
	}
}

// ceAnswered is a history in which a control comes out of both, and then the message in a phase is answered.
func ceAnswered(mark, answer string) string {
	return strings.NewReplacer("MARK", mark, "ANSWER", answer).Replace(`
		1ms send Channel/c e1 -> 202
		2ms recv sub e1
		3ms send Sequence/s e1 -> 202
		4ms recv end e1
		5ms mark "MARK"
		6ms send Channel/c none -> ANSWER
		8ms send Sequence/s none -> ANSWER
		10ms recv sub b1 role=barrier`)
}

// ceRefusals are examples of Rejects.
func ceRefusals(scenario, requirement, mark, otherCode string) example {
	e := example{
		scenario: scenario, requirement: requirement,
		good: []string{ceAnswered(mark, "400")},
		bad: []string{
			ceAnswered(mark, "202"),
			ceAnswered(mark, "202") + "\n7ms recv sub 1234-invented", // an id is made up, or what is invalid is passed on
			ceAnswered(mark, "400") + "\n7ms recv sub none h:Ce-Type=x",
			ceAnswered(mark, "500"),
			ceAnswered(mark, "err=EOF"),
			// the address refuses everything
			strings.ReplaceAll(ceAnswered(mark, "400"), "202", "400"),
			// the control was lost
			strings.ReplaceAll(ceAnswered(mark, "400"), "recv end", "recv elsewhere"),
		},
	}
	if otherCode != "" {
		e.good = append(e.good, ceAnswered(mark, otherCode))
	}
	return e
}

// ceEitherWay are examples of TakenOr; right and wrong are the words of the event as it arrives.
func ceEitherWay(scenario, requirement, mark, code, right, wrong string) example {
	taken := ceAnswered(mark, "202")
	return example{
		scenario: scenario, requirement: requirement,
		good: []string{
			ceAnswered(mark, code),
			taken + "\n7ms recv sub e2 " + right + "\n9ms recv end e2 " + right,
		},
		bad: []string{
			taken,
			ceAnswered(mark, "500"),
			ceAnswered(mark, code) + "\n7ms recv sub e2 " + right,
			taken + "\n7ms recv sub e2 " + right + "\n9ms recv end e2 " + wrong,
			taken + "\n7ms recv sub e2 bad=broken\n9ms recv end e2 " + right,
		},
	}
}

const ceRich = "source=/sequitur/rich?x=1#y subject=sub/ject:1 dataschema=https://example.com/s datacontenttype=text/plain myext=value n9=007 time=2020-01-01T00:00:00.123456789+02:00"

var cloudEventsExamples = []example{
	{
		scenario: "cloudevents/content-modes", requirement: "CE-001",
		good: []string{ceThrough("binary", "data=x", "data=x")},
		bad: []string{
			strings.ReplaceAll(ceThrough("binary", "data=x", "data=x"), "202", "415"), // structured only
			strings.ReplaceAll(ceThrough("binary", "data=x", "data=x"), "recv sub", "recv elsewhere"),
			ceThrough("binary", "data=x", "data=y"),
		},
	},
	ceAtParallel("CE-001", "binary", ""),
	ceAtParallel("CE-002", "structured", "mode=structured"),
	{
		scenario: "cloudevents/content-modes", requirement: "CE-002",
		good: []string{ceThrough("structured", "mode=structured data=x", "data=x")},
		bad: []string{
			// the media type is compared as a string
			strings.ReplaceAll(ceThrough("structured", "mode=structured data=x", "data=x"), "202", "400"),
			strings.ReplaceAll(ceThrough("structured", "mode=structured data=x", "data=x"), "recv end e1", "recv end none"),
		},
	},
	{
		scenario: "cloudevents/attributes", requirement: "CE-013",
		good: []string{ceThrough("", ceRich, ceRich), ceThrough("", ceRich, ceRich+" knativeerrorcode=500 traceparent=00-1-1-00")},
		bad: []string{
			ceThrough("", ceRich, strings.Replace(ceRich, "subject=sub/ject:1", "", 1)),
			ceThrough("", ceRich, strings.Replace(ceRich, "n9=007", "n9=7", 1)),
			ceThrough("", ceRich, ceRich+" bad=broken"),
		},
	},
	{
		scenario: "cloudevents/attributes", requirement: "CE-014",
		good: []string{ceThrough("", ceRich, ceRich), ceThrough("", ceRich, strings.Replace(ceRich, "2020-01-01T00:00:00.123456789+02:00", "2019-12-31T22:00:00.123456789Z", 1))},
		bad: []string{
			ceThrough("", ceRich, strings.Replace(ceRich, ".123456789", "", 1)),
			ceThrough("", ceRich, strings.Replace(ceRich, "+02:00", "Z", 1)),
			ceThrough("", ceRich, "subject=x"),
		},
	},
	{
		scenario: "cloudevents/data", requirement: "CE-015",
		good: []string{ceThrough("data", `data="{\"open\":"`, `data="{\"open\":"`)},
		bad: []string{
			strings.ReplaceAll(ceThrough("data", `data="{\"open\":"`, `data="{}"`), "202", "400"), // the JSON is parsed
			ceThrough("data", "data=\"\\x00\\xff\"", "data=AP8="),                                 // base64 not decoded
			ceThrough("data", `data="{\"a\" : 1}"`, `data="{\"a\":1}"`),
			ceThrough("data", "data=x", ""),
		},
	},
	{
		scenario: "cloudevents/data", requirement: "CE-016",
		good: []string{
			ceThen(ceThrough("data", "datacontenttype=text/plain", "datacontenttype=text/plain"),
				ceThrough("types", "datacontenttype=\"application/json; charset=utf-8\"", "datacontenttype=application/json;charset=utf-8")),
			ceThen(ceThrough("data", "data=x", "data=x datacontenttype=application/octet-stream"), ceThrough("types", "data=x", "data=x")),
			ceThen(ceThrough("data", "mode=structured data=x", "data=x datacontenttype=application/json"), ceThrough("types", "data=x", "data=x")),
		},
		bad: []string{
			ceThen(ceThrough("data", "data=x", "data=x"), // parameters cut
				ceThrough("types", "datacontenttype=\"application/json; charset=utf-8\"", "datacontenttype=application/json")),
			ceThen(ceThrough("data", "data=x", "data=x"), ceThrough("types", "data=x", "data=x datacontenttype=application/json")),
			ceThen(ceThrough("data", "datacontenttype=text/plain", ""), ceThrough("types", "data=x", "data=x")),
		},
	},
	{
		scenario: "cloudevents/data", requirement: "CE-017",
		good: []string{ceThrough("no data", "", ""), ceThrough("no data", "", `data=""`)},
		bad: []string{
			ceThrough("no data", "", "data=null"),
			strings.ReplaceAll(ceThrough("no data", "", ""), "202", "400"),
		},
	},
	{
		scenario: "cloudevents/no-data-dead-letter", requirement: "CE-017",
		good: []string{`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 400
			3ms recv dead e1 knativeerrorcode=400`},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 400
			3ms recv dead e1 data=null`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 400`,
		},
	},
	{
		scenario: "cloudevents/nulls", requirement: "CE-011",
		good: []string{ceThrough("", "mode=structured", "")},
		bad: []string{
			ceThrough("", "mode=structured", "subject=null"),
			ceThrough("", "mode=structured", `myext=""`),
			ceThrough("", "mode=structured", "data=null"),
			strings.ReplaceAll(ceThrough("", "mode=structured", ""), "202", "400"),
		},
	},
	{
		scenario: "cloudevents/mode-by-content-type", requirement: "CE-023",
		good: []string{ceThrough("", "mode=structured data=x", "data=x")},
		bad: []string{
			ceThrough("", "mode=structured data=x", "data=x type=other"),
			ceThrough("", "mode=structured data=x", "data=x myext=other"),
			strings.ReplaceAll(ceThrough("", "mode=structured data=x", "data=x"), "recv sub e1", "recv sub other"),
		},
	},
	{
		scenario: "cloudevents/version-0-3", requirement: "CE-007",
		good: []string{ceThrough("", "specversion=0.3 schemaurl=/s data=x", "specversion=0.3 schemaurl=/s data=x")},
		bad: []string{
			ceThrough("", "specversion=0.3 schemaurl=/s data=x", "schemaurl=/s data=x"), // relabelled
			strings.ReplaceAll(ceThrough("", "specversion=0.3", "specversion=0.3"), "202", "400"),
		},
	},
	{
		scenario: "cloudevents/encoding", requirement: "CE-018",
		good: []string{
			ceThrough("encoded", "", `subject="Euro € 😀 100%" h:Ce-Subject=Euro%20%E2%82%AC%20%F0%9F%98%80%20100%25`),
			ceThrough("encoded", "", `mode=structured subject="Euro € 😀 100%"`),
		},
		bad: []string{
			// passed on undecoded to a structured consumer, or encoded twice
			ceThrough("encoded", "", "mode=structured subject=Euro%20%E2%82%AC%20%F0%9F%98%80%20100%25"),
			ceThrough("encoded", "", "subject=Euro%20%E2%82%AC%20%F0%9F%98%80%20100%25 h:Ce-Subject=Euro%2520%25E2"),
			ceThrough("encoded", "", `subject="Euro € 😀 100%" h:Ce-Subject="Euro € 😀 100%"`),
			ceThrough("encoded", "", ""),
		},
	},
	{
		scenario: "cloudevents/encoding", requirement: "CE-019",
		good: []string{ceThrough("text", "mode=structured", `subject="Euro € 😀 100%" h:Ce-Subject=Euro%20%E2%82%AC%20%F0%9F%98%80%20100%25`)},
		bad: []string{
			ceThrough("text", "mode=structured", `subject="Euro € 😀 100%" h:Ce-Subject="Euro € 😀 100%"`), // raw UTF-8
			ceThrough("text", "mode=structured", `subject="Euro ? ? 100%" h:Ce-Subject="Euro ? ? 100%25"`),
		},
	},
	{
		scenario: "cloudevents/typed-extensions", requirement: "CE-027",
		good: []string{ceThrough("", "mode=structured", ceTyped)},
		bad: []string{
			ceThrough("", "mode=structured", strings.Replace(ceTyped, "n=5", "n=5.0", 1)),
			ceThrough("", "mode=structured", strings.Replace(ceTyped, "b=true", "b=True", 1)),
			ceThrough("", "mode=structured", strings.Replace(ceTyped, "small=-2147483648", "", 1)),
		},
	},
	{
		scenario: "cloudevents/structured-consumer", requirement: "CE-018",
		good: []string{`1ms mark encoded
			2ms send Broker/b e1 -> 202
			3ms recv a e1 mode=structured subject="Euro € 😀 100%"`},
		bad: []string{`1ms mark encoded
			2ms send Broker/b e1 -> 202
			3ms recv a e1 mode=structured subject=Euro%20%E2%82%AC%20%F0%9F%98%80%20100%25`},
	},
	{
		scenario: "cloudevents/structured-consumer", requirement: "CE-027",
		good: []string{`1ms mark typed
			2ms send Broker/b e1 -> 202
			3ms recv a e1 mode=structured ` + ceTyped},
		bad: []string{`1ms mark typed
			2ms send Broker/b e1 -> 202
			3ms recv a e1 mode=structured ` + strings.Replace(ceTyped, "n=5", "n=5.0", 1)},
	},
	ceRefusals("cloudevents/bad-attributes", "CE-005", "required: binary without id", ""),
	ceRefusals("cloudevents/bad-attributes", "CE-006", "version: binary 2.0", ""),
	ceRefusals("cloudevents/bad-attributes", "CE-008", "syntax: time yesterday", ""),
	ceRefusals("cloudevents/bad-attributes", "CE-009", "name: ce-foo-bar", ""),
	ceRefusals("cloudevents/bad-attributes", "CE-020", "UTF-8: subject %FF", "422"),
	ceRefusals("cloudevents/bad-formats", "CE-010", "JSON: cut off", ""),
	ceRefusals("cloudevents/bad-formats", "CE-024", "mode: plain JSON", "415"),
	ceEitherWay("cloudevents/either-way", "CE-012", "upper case: attribute fooBar in e2", "400", "foobar=x", "fooBar=x"),
	ceEitherWay("cloudevents/either-way", "CE-012", "upper case: attribute fooBar in e2", "422", "foobar=x", "foobar=x fooBar=x"),
	func() example {
		e := ceEitherWay("cloudevents/either-way", "CE-021", "twice: Ce-Myext in e2", "400", "myext=two", "myext=one,two")
		// both headers are tried
		for i := range e.good {
			e.good[i] += "\n" + strings.NewReplacer("Ce-Myext", "Ce-Subject", "5ms mark", "15ms mark", "6ms send", "16ms send", "8ms send", "18ms send",
				"myext=", "subject=", "e2", "e3", "7ms recv", "17ms recv", "9ms recv", "19ms recv").Replace(e.good[i][strings.Index(e.good[i], "5ms"):])
		}
		return e
	}(),
	{
		scenario: "cloudevents/batches", requirement: "CE-004",
		good: []string{ceBatches("202", "e1", "e2", "e3", "e4"), ceBatches("400")},
		bad: []string{
			ceBatches("202", "e1", "e2"), // only the first is routed
			ceBatches("202"),
			ceBatches("500"),
			ceBatches("400", "e1"),
		},
	},
	{
		scenario: "cloudevents/framing", requirement: "CE-022",
		good: []string{ceThrough("case", "myext=x", "myext=x")},
		bad: []string{
			strings.ReplaceAll(ceThrough("case", "myext=x", "myext=x"), "202", "400"),
			ceThrough("case", "myext=x", ""),
		},
	},
	{
		scenario: "cloudevents/framing", requirement: "CE-028",
		good: []string{ceThen(ceThrough("chunked", "data=x", "data=x"), ceThrough("continue", "data=x", "data=x"), ceThrough("one connection", "data=x", "data=x"))},
		bad: []string{
			// the length must be told
			ceThen(strings.ReplaceAll(ceThrough("chunked", "data=x", "data=x"), "202", "411"),
				ceThrough("continue", "data=x", "data=x"), ceThrough("one connection", "data=x", "data=x")),
			ceThen(ceThrough("chunked", "data=x", ""), ceThrough("continue", "data=x", "data=x"), ceThrough("one connection", "data=x", "data=x")),
			ceThen(ceThrough("chunked", "data=x", "data=x"), ceThrough("continue", "data=x", "data=x"),
				strings.ReplaceAll(ceThrough("one connection", "data=x", "data=x"), "202", "err=EOF")),
		},
	},
	{
		scenario: "cloudevents/framing", requirement: "CE-029",
		good: []string{ceThrough("upgrade", "data=x", "data=x")},
		bad:  []string{strings.ReplaceAll(ceThrough("upgrade", "data=x", "data=x"), "202", "400")},
	},
	{
		scenario: "cloudevents/64-kib", requirement: "CE-025",
		good: []string{ceThrough("", "data=long long0=x", "data=long long0=x")},
		bad: []string{
			ceThrough("", "data=long long0=x", "data=lo long0=x"),
			ceThrough("", "data=long long0=x", "data=long"),
			strings.ReplaceAll(ceThrough("", "data=long", "data=long"), "202", "413"),
			strings.ReplaceAll(ceThrough("", "data=long", "data=long"), "202", "431"),
		},
	},
	{
		scenario: "cloudevents/large", requirement: "CE-026",
		good: []string{ceLarge("202", "data=long"), ceLarge("413", "")},
		bad: []string{
			ceLarge("202", "data=lo"), // cut at the size of a buffer
			ceLarge("202", ""),
			ceLarge("400", ""),
			ceLarge("500", ""),
			ceLarge("413", "data=long"),
		},
	},
	{
		scenario: "cloudevents/options-refused", requirement: "CE-033",
		good: []string{
			ceThrough("", "data=x", "data=x"),
			ceThrough("", "data=x", "data=x") + "\n0ms recv sub none m=OPTIONS -> 405",
		},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv sub none m=OPTIONS -> 405
			3ms send Sequence/s e1 -> 202
			4ms recv end e1`, // the sender gives up
		},
	},
}

const ceTyped = "n=5 small=-2147483648 b=true u=https://example.com/a%20b?c at=2020-01-01T00:00:00Z bin=AAEC/w=="

// ceBatches is a history of the batches; the events named come out of the Channel, and those of the same place in their
// batch out of the Sequence.
func ceBatches(answer string, came ...string) string {
	h := strings.ReplaceAll(`
		1ms mark "batch of 0 to Channel/c"
		2ms send Channel/c none -> CODE
		3ms mark "batch of 1 to Channel/c"
		4ms send Channel/c e1 mode=batch -> CODE
		5ms mark "batch of 3 to Channel/c"
		6ms send Channel/c e2 mode=batch -> CODE
		7ms mark "batch of 0 to Sequence/s"
		8ms send Sequence/s none -> CODE
		9ms mark "batch of 1 to Sequence/s"
		10ms send Sequence/s e5 mode=batch -> CODE
		11ms mark "batch of 3 to Sequence/s"
		12ms send Sequence/s e6 mode=batch -> CODE`, "CODE", answer)
	for _, id := range came {
		h += "\n13ms recv sub " + id
		h += "\n13ms recv end " + map[string]string{"e1": "e5", "e2": "e6", "e3": "e7", "e4": "e8"}[id]
	}
	return h
}

// ceLarge is a history of a large event, which comes out with the words given, of nothing if they are empty.
func ceLarge(answer, got string) string {
	h := strings.ReplaceAll(`
		1ms send Channel/c e1 -> 202
		2ms recv sub e1
		3ms send Sequence/s e1 -> 202
		4ms recv end e1
		5ms mark "large: 1 MiB in e2"
		6ms send Channel/c e2 data=long -> CODE
		8ms send Sequence/s e2 data=long -> CODE`, "CODE", answer)
	if got != "" {
		h += "\n7ms recv sub e2 " + got + "\n9ms recv end e2 " + got
	}
	return h
}
