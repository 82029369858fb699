package suites

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// refusedOnce is a history in which e1 is refused with a body and dead-lettered with these error extensions.
func refusedOnce(body, letter string) string {
	return fmt.Sprintf(`
		1ms status Subscription/sub Ready=True sub=http://x/ns/a
		2ms send Channel/c e1 -> 202
		3ms recv a e1 -> 400 none %q
		4ms recv dls e1 %s`, "data="+body, letter)
}

func encoded(body string) string {
	return `"knativeerrordata=` + base64.StdEncoding.EncodeToString([]byte(body)) + `"`
}

// threeCodes is a history in which e1 is refused three times, each time with another code and body.
func threeCodes(letter string) string {
	return `
		1ms status Subscription/sub Ready=True sub=http://x/ns/a
		2ms send Channel/c e1 -> 202
		3ms recv a e1 -> 503 none data=first
		60ms recv a e1 -> 500 none data=second
		120ms recv a e1 -> 502 none data=last
		121ms recv dls e1 ` + letter
}

// secondLetter is a history of a dead letter that fails once more, at b.
func secondLetter(letter string) string {
	return `
		1ms status Subscription/second Ready=True sub=http://x/ns/b
		2ms send Channel/c e1 -> 202
		3ms recv a e1 -> 503 none data=first
		4ms recv b e1 knativeerrordest=http://x/ns/a knativeerrorcode=503 knativeerrordata=Zmlyc3Q= -> 400 none data=last
		5ms recv dls e1 ` + letter
}

// bodies is a history with one refused event and one healthy event after it.
func bodies(rest string) string {
	return `
		1ms send Channel/c e1 -> 202
		2ms recv a e1 -> 400 none data=` + strings.Repeat("x", 769) + rest
}

// places is a history of one event to each address; where tells the line of the n-th one's dead letter.
func places(where func(sink, path string) string, also ...string) string {
	var b strings.Builder
	n := 0
	for _, f := range sinkForms {
		for _, place := range append(slices.Clone(sinkPlaces), also...) {
			n++
			fmt.Fprintf(&b, "%dms send %s e%d -> 202\n%dms recv a e%d -> 400\n", 10*n, sinkAddress(place, f.name), n, 10*n+1, n)
			if at := where("dls"+place+f.name, f.path); at != "" {
				sink, path, _ := strings.Cut(at, " ")
				fmt.Fprintf(&b, "%dms recv %s e%d %s\n", 10*n+2, sink, n, path)
			}
		}
	}
	return b.String()
}

func atPath(sink, path string) string { return sink + " path=" + path }

var deadLetterExamples = []example{
	{
		scenario: "deadletter/after-the-last-attempt", requirement: "DLV-026",
		good: []string{threeCodes("")},
		bad: []string{
			// a dead letter for each attempt
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			3ms recv dls e1
			60ms recv a e1 -> 503
			61ms recv dls e1
			120ms recv a e1 -> 503
			121ms recv dls e1`,
			// none at all
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			60ms recv a e1 -> 503
			120ms recv a e1 -> 503`,
			// too early, though only once
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			3ms recv dls e1
			60ms recv a e1 -> 503
			120ms recv a e1 -> 503`,
			// without the retries
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			3ms recv dls e1`,
			// retried after it was dead-lettered
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			60ms recv a e1 -> 503
			120ms recv a e1 -> 503
			121ms recv dls e1
			180ms recv a e1 -> 503`,
		},
	},
	{
		scenario: "deadletter/after-the-last-attempt", requirement: "DLV-029",
		good: []string{threeCodes("knativeerrordest=http://x/ns/a")},
		bad: []string{
			threeCodes(""),
			threeCodes("knativeerrordest=http://x"), // host only
			threeCodes("knativeerrordest=http://x/ns/dls"),
		},
	},
	{
		scenario: "deadletter/after-the-last-attempt", requirement: "DLV-030",
		good: []string{threeCodes("knativeerrorcode=502")},
		bad:  []string{threeCodes(""), threeCodes("knativeerrorcode=503"), threeCodes(`"knativeerrorcode=502 Bad Gateway"`)},
	},
	{
		scenario: "deadletter/after-the-last-attempt", requirement: "DLV-031",
		good: []string{threeCodes(encoded("last"))},
		bad:  []string{threeCodes(""), threeCodes(encoded("first")), threeCodes("knativeerrordata=last"), threeCodes("knativeerrordata=")},
	},
	{
		scenario: "deadletter/no-sink", requirement: "DLV-027",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			3ms send Channel/c e2 -> 202
			4ms recv a e2
			60ms recv a e1 -> 503
			120ms recv a e1 -> 503`,
			// in order, and synchronous: the sender is told
			`1ms..121ms send Channel/c e1 -> 500
			2ms recv a e1 -> 503
			60ms recv a e1 -> 503
			120ms recv a e1 -> 503
			122ms send Channel/c e2 -> 202
			123ms recv a e2`,
		},
		bad: []string{
			// the poison blocks the queue
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			3ms send Channel/c e2 -> 202
			60ms recv a e1 -> 503
			120ms recv a e1 -> 503`,
			// and for ever
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			3ms send Channel/c e2 -> 202
			60ms recv a e1 -> 503
			120ms recv a e1 -> 503
			180ms recv a e1 -> 503`,
			// the channel takes nothing more
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			60ms recv a e1 -> 503
			120ms recv a e1 -> 503
			130ms send Channel/c e2 -> 503`,
		},
	},
	{
		scenario: "deadletter/keeps-the-event", requirement: "DLV-028",
		good: []string{
			`1ms send Channel/c e1 subject=s time=2020-01-01T02:00:00+02:00 traceid=1 datacontenttype=text/plain data=x -> 202
			2ms recv a e1 -> 400
			3ms recv dls e1 subject=s time=2020-01-01T00:00:00Z traceid=1 datacontenttype=text/plain data=x knativeerrorcode=400`,
		},
		bad: []string{
			// given a new id
			`1ms send Channel/c e1 -> 202
			2ms recv dls 6f2c8d1e`,
			// wrapped: the event is the data of another one
			`1ms send Channel/c e1 subject=s -> 202
			2ms recv dls e1 type=dead.letter source=/channel data={}`,
			`1ms send Channel/c e1 subject=s -> 202
			2ms recv dls e1`,
			`1ms send Channel/c e1 ext=1 -> 202
			2ms recv dls e1 ext=2`,
			`1ms send Channel/c e1 time=2020-01-01T00:00:00.5Z -> 202
			2ms recv dls e1 time=2020-01-01T00:00:00Z`,
			`1ms send Channel/c e1 data=x -> 202
			2ms recv dls e1`,
			`1ms send Channel/c e1 data=x -> 202
			2ms recv dls e1 data=y`,
			`1ms send Channel/c e1 -> 202
			2ms recv dls e1 subject=added`,
			`1ms send Channel/c e1 -> 202
			2ms recv dls e1 bad="header Ce-Id occurs 2 times"`,
			// lost
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 400`,
		},
	},
	{
		scenario: "deadletter/awkward-answers", requirement: "DLV-031",
		good: []string{
			refusedOnce("", ""), refusedOnce("", "knativeerrordata="),
			refusedOnce("größer\r\nCe-Injected: yes", encoded("größer\r\nCe-Injected: yes")),
			refusedOnce(strings.Repeat("x", 768), encoded(strings.Repeat("x", 768))),
			refusedOnce(strings.Repeat("x", 769), encoded(strings.Repeat("x", 768))),
			refusedOnce(strings.Repeat("x", 769), encoded(strings.Repeat("x", 500))),
		},
		bad: []string{
			// the raw body made the header invalid, and the dead letter was lost
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 502 none "data=<html>\n</html>"`,
			// the raw body in the header
			refusedOnce("<html>", `"knativeerrordata=<html>"`),
			// the other alphabet
			refusedOnce("???>>>~~~", "knativeerrordata="+base64.URLEncoding.EncodeToString([]byte("???>>>~~~"))),
			// stripped of what cannot be in a header
			refusedOnce("a\nb", encoded("ab")),
			// cut without need
			refusedOnce(strings.Repeat("x", 768), encoded(strings.Repeat("x", 767))),
			refusedOnce(strings.Repeat("x", 769), `knativeerrordata=`),
			refusedOnce(strings.Repeat("x", 769), encoded(strings.Repeat("y", 768))),
			refusedOnce("x", `knativeerrordata=eA== h:Ce-Knativeerrordata=eA== h:Ce-Knativeerrordata=eQ==`),
		},
	},
	{
		scenario: "deadletter/awkward-answers", requirement: "DLV-032",
		good: []string{
			refusedOnce(strings.Repeat("x", 769), encoded(strings.Repeat("x", 768))),
		},
		bad: []string{
			refusedOnce(strings.Repeat("x", 2000), encoded(strings.Repeat("x", 2000))),
			// 1024 bytes cut before they are encoded
			refusedOnce(strings.Repeat("x", 2000), encoded(strings.Repeat("x", 1024))),
			// a header too long for the server: no dead letter arrives
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 502 none data=` + strings.Repeat("x", 2048),
		},
	},
	{
		scenario: "deadletter/awkward-answers", requirement: "DLV-035",
		good: []string{bodies(`
			3ms recv dls e1
			4ms send Channel/c e2 -> 202
			5ms recv a e2`)},
		bad: []string{
			// index out of range [1024]: the dispatcher crashes and comes back
			bodies(`
			4ms send Channel/c e2 -> 202
			5ms recv a e2`),
			bodies(`
			4ms send Channel/c e2 -> err="connection refused"`),
			bodies(`
			3ms recv dls e1
			4ms send Channel/c e2 -> 202`),
			bodies(`
			3ms recv dls e1
			4ms send Channel/c e2 -> 202
			5ms recv a e2
			6ms recv dls e2`),
			// a line of the body became a header
			bodies(`
			3ms recv dls e1 bad="header Ce-Id occurs 2 times"
			4ms send Channel/c e2 -> 202
			5ms recv a e2`),
		},
	},
	{
		scenario: "deadletter/broken-error-answers", requirement: "DLV-035",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=truncate
			3ms recv dls e1
			4ms send Channel/c e2 -> 202
			5ms recv a e2`,
		},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=truncate
			4ms send Channel/c e2 -> 202
			5ms recv a e2`,
			// the dispatcher does not survive it
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=truncate
			4ms send Channel/c e2 -> err=EOF`,
		},
	},
	{
		scenario: "deadletter/failure-below-http", requirement: "DLV-033",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=reset
			3ms recv dls e1 knativeerrordest=http://x/ns/a knativeerrorcode=500 ` + encoded("dispatch error: connection reset by peer") + `
			3ms recv dlsrefused e1 knativeerrorcode=500 ` + encoded("dispatch error: connection refused"),
			// no code, as the Kafka Broker has it
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=reset
			3ms recv dls e1 knativeerrordest=http://x/ns/a ` + encoded("EOF") + `
			3ms recv dlsrefused e1 knativeerrordest=http://y`,
		},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=reset
			3ms recv dls e1
			3ms recv dlsrefused e1`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=reset
			3ms recv dls e1 knativeerrorcode=500
			3ms recv dlsrefused e1 knativeerrorcode=200`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=reset
			3ms recv dls e1 knativeerrorcode=500`,
		},
	},
	{
		scenario: "deadletter/no-answer-in-time", requirement: "DLV-033",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms..402ms recv a e1 -> err="the client left"
			403ms recv dls e1 knativeerrorcode=500 ` + encoded("dispatch error: context deadline exceeded"),
			`1ms send Channel/c e1 -> 202
			2ms..402ms recv a e1 -> err="the client left"
			403ms recv dls e1 knativeerrordest=http://x/ns/a knativeerrorcode=504`,
		},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms..402ms recv a e1 -> err="the client left"
			403ms recv dls e1`,
			`1ms send Channel/c e1 -> 202
			2ms..402ms recv a e1 -> err="the client left"`,
		},
	},
	{
		scenario: "deadletter/of-a-dead-letter", requirement: "DLV-034",
		good: []string{secondLetter("knativeerrordest=http://x/ns/b knativeerrorcode=400 knativeerrordata=bGFzdA==")},
		bad: []string{
			// all that was there is kept
			secondLetter("knativeerrordest=http://x/ns/a knativeerrorcode=503 knativeerrordata=Zmlyc3Q="),
			// one of them is
			secondLetter("knativeerrordest=http://x/ns/b knativeerrorcode=503 knativeerrordata=bGFzdA=="),
			secondLetter("knativeerrordest=http://x/ns/b knativeerrorcode=400 knativeerrordata=Zmlyc3Q="),
			// both values
			secondLetter("knativeerrordest=http://x/ns/b knativeerrorcode=400 knativeerrordata=bGFzdA== h:Ce-Knativeerrorcode=400 h:Ce-Knativeerrorcode=503"),
		},
	},
	{
		scenario: "deadletter/sink-fails-for-a-moment", requirement: "DLV-036",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 400
			3ms recv dls e1 -> 503
			60ms recv dls e1 -> 503
			120ms recv dls e1`,
		},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 400
			3ms recv dls e1 -> 503`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 400
			3ms recv dls e1 -> 503
			60ms recv dls e1
			120ms recv dls e1`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 400
			3ms recv dls e1 -> 503
			4ms recv dls e1 -> 503
			5ms recv dls e1 -> 503
			6ms recv dls e1 -> 503
			7ms recv dls e1`,
		},
	},
	{
		scenario: "deadletter/sink-fails-for-good", requirement: "DLV-037",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			60ms recv a e1 -> 503
			61ms recv dls e1 -> 503
			120ms recv dls e1 -> 503`,
			// synchronous, and the sink tried once
			`1ms..62ms send Channel/c e1 -> 500
			2ms recv a e1 -> 503
			60ms recv a e1 -> 503
			61ms recv dls e1 -> 503`,
		},
		bad: []string{
			// to and fro
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			3ms recv dls e1 -> 503
			4ms recv a e1 -> 503
			5ms recv dls e1 -> 503`,
			// the sink is tried for ever
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			60ms recv a e1 -> 503
			61ms recv dls e1 -> 503
			120ms recv dls e1 -> 503
			180ms recv dls e1 -> 503`,
			// the sender waited and was told that all is well
			`1ms..122ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			60ms recv a e1 -> 503
			61ms recv dls e1 -> 503
			120ms recv dls e1 -> 503`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			60ms recv a e1 -> 503`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503
			60ms recv a e1 -> 503
			120ms recv a e1 -> 503
			180ms recv dls e1 -> 503`,
		},
	},
	{
		scenario: "deadletter/sink-answers", requirement: "DLV-038",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 400
			3ms recv dls e1 -> 200 e1.dls`,
		},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 400
			3ms recv dls e1 -> 200 e1.dls
			4ms recv r e1.dls`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 400
			3ms recv dls e1 -> 200 e1.dls
			4ms recv a e1.dls -> 400`,
		},
	},
	{
		scenario: "deadletter/final-answer", requirement: "DLV-039",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 400
			3ms recv dls e1`,
		},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 400
			60ms recv a e1 -> 400
			61ms recv dls e1`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 400`,
		},
	},
	{
		scenario: "deadletter/final-answer", requirement: "DLV-030",
		good: []string{refusedOnce("", "knativeerrorcode=400")},
		bad:  []string{refusedOnce("", ""), refusedOnce("", "knativeerrorcode=500")},
	},
	{
		scenario: "deadletter/places-and-forms", requirement: "DLV-061", claims: []string{},
		good: []string{places(atPath)},
		bad: []string{
			// only a ref is understood
			places(func(sink, path string) string {
				if strings.HasSuffix(sink, "ref") {
					return atPath(sink, path)
				}
				return ""
			}),
			// the relative URI is forgotten
			places(func(sink, _ string) string { return atPath(sink, "") }),
			// Channels do not have one
			places(func(sink, path string) string {
				if strings.HasPrefix(sink, "dlschan") {
					return ""
				}
				return atPath(sink, path)
			}),
		},
	},
	{
		scenario: "deadletter/places-and-forms", requirement: "DLV-061", claims: []string{"Sequence"},
		good: []string{places(atPath, "step")},
		bad:  []string{places(func(sink, path string) string { return strings.Replace(atPath(sink, path), "dlsstep", "elsewhere", 1) }, "step")},
	},
	{
		scenario: "deadletter/places-and-forms", requirement: "DLV-061", claims: []string{"Parallel"},
		good: []string{places(atPath, "branch")},
		bad: []string{
			// branches have none (#5118)
			places(func(sink, path string) string {
				if strings.HasPrefix(sink, "dlsbranch") {
					return ""
				}
				return atPath(sink, path)
			}, "branch"),
			// the relative URI is forgotten there
			places(func(sink, path string) string {
				if strings.HasPrefix(sink, "dlsbranch") {
					path = ""
				}
				return atPath(sink, path)
			}, "branch"),
		},
	},
}
