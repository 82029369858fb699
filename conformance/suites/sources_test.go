package suites

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// pinged writes the arrival of a tick: id and receiver, at a number of milliseconds, with the time that it says.
func pinged(ms int, at, id string, more ...string) string {
	says := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond).Format(time.RFC3339Nano)
	return fmt.Sprintf("%dms recv %s %s type=dev.knative.sources.ping source=/apis/v1/namespaces/ns/pingsources/%s time=%s %s\n",
		ms, at, id, at, says, strings.Join(more, " "))
}

// readyPing writes that a PingSource is seen Ready.
func readyPing(name string, more ...string) string {
	return fmt.Sprintf("1ms status PingSource/%s Ready=True metadata.namespace=ns %s\n", name, strings.Join(more, " "))
}

// everySecond is a history of a source that ticks at these milliseconds.
func everySecond(name string, ms ...int) string {
	text := readyPing(name)
	for i, at := range ms {
		text += pinged(at, name, fmt.Sprintf("id%d", i))
	}
	return text
}

// sunk writes that a PingSource is seen Ready with a sink, what it shows of it, and one tick.
func sunk(name, sink, uri, attributes string) string {
	return readyPing(name, "spec.sink="+strconv.Quote(sink), "status.sinkUri="+strconv.Quote(strconv.Quote(uri)), "status.ceAttributes="+strconv.Quote(attributes)) +
		pinged(1000, name, "id"+name)
}

func attributesOf(name string) string {
	return `[{"type":"dev.knative.sources.ping","source":"/apis/v1/namespaces/ns/pingsources/` + name + `"}]`
}

const (
	toPlain  = `{"ref":{"apiVersion":"v1","kind":"Service","name":"plain","namespace":"ns"},"uri":"/below"}`
	plainURI = "http://plain.ns.svc.cluster.local/below"
)

// pingOffers writes the outcomes of the manifests of source/manifests: all as they should be but for some.
func pingOffers(of map[string]string, refuse bool, but ...string) string {
	text := ""
	for name := range of {
		text += "1ms apply PingSource/" + name
		wrong := false
		for _, b := range but {
			wrong = wrong || b == name
		}
		if refuse != wrong {
			text += ` -> refused 422 "spec"`
		}
		text += "\n"
	}
	return text
}

// changedPings is a history of source/changes with what ticks after the change; each source that ticked before is in it.
func changedPings(after ...string) string {
	text := ""
	for _, name := range []string{"witness", "data", "sink", "slower", "deleted"} {
		text += readyPing(name)
	}
	text += pinged(1000, "witness", "w1") + pinged(1001, "data", "d1", "data=old") + pinged(1002, "from", "f1") +
		pinged(1003, "slower", "s1") + pinged(1004, "deleted", "x1") + "1100ms mark changed\n"
	for _, name := range []string{"witness", "data", "sink", "slower", "faster"} {
		text += fmt.Sprintf("1101ms status PingSource/%s Ready=True\n", name)
	}
	return text + strings.Join(after, "")
}

// The good end of it, by receiver, and what goes on that should not.
var (
	witnessed = pinged(2000, "witness", "w2") + pinged(3000, "witness", "w3")
	renewed   = pinged(2001, "data", "d2", "data=new") + pinged(3001, "data", "d3", "data=new")
	moved     = pinged(2002, "to", "t2") + pinged(3002, "to", "t3")
	hastened  = pinged(2003, "faster", "q2") + pinged(3003, "faster", "q3")
)

func goesOn(at string, more ...string) string {
	return pinged(2004, at, "o2", more...) + pinged(3004, at, "o3", more...)
}

// attemptsOf writes the attempts of one event of a tick: when each comes, in milliseconds; the last is answered with code.
func attemptsOf(at, id string, code int, ms ...int) string {
	text := ""
	for i, t := range ms {
		answer := 503
		if i == len(ms)-1 {
			answer = code
		}
		text += fmt.Sprintf("%dms recv %s %s time=2026-01-01T00:00:%02dZ -> %d\n", t, at, id, ms[0]/1000, answer)
	}
	return text
}

// failingSink is a history of source/failing-sink: what came of the events that are refused twice, and of the others.
func failingSink(twice, always string) string {
	return readyPing("twice") + readyPing("always") + twice + always
}

var (
	goodTwice  = attemptsOf("twice", "a1", 202, 1000, 1050, 1151) + attemptsOf("twice", "a2", 202, 2000, 2050, 2151)
	goodAlways = attemptsOf("always", "b1", 503, 1001, 1052, 1153, 1354, 1755, 2556) + attemptsOf("always", "b2", 202, 2003)
)

// environmentOf writes the state of the two Deployments: what each container is told beside its own.
func environmentOf(ms int, env ...string) string {
	text := ""
	for _, name := range []string{"named", "later"} {
		containers := [3]string{}
		for i := range containers {
			list := append([]string{`{"name":"OWN","value":"kept"}`}, env...)
			containers[i] = fmt.Sprintf(`{"name":"c%d","env":[%s]}`, i, strings.Join(list, ","))
		}
		template := fmt.Sprintf(`{"spec":{"initContainers":[%s],"containers":[%s,%s]}}`, containers[0], containers[1], containers[2])
		text += fmt.Sprintf("%dms status Deployment/%s spec.template=%s\n", ms, name, strconv.Quote(template))
	}
	return text
}

func seenBindings(ms int, uri string) string {
	return fmt.Sprintf("%[1]dms status SinkBinding/byname Ready=True spec.sink=%[2]s\n%[1]dms status SinkBinding/bylabel Ready=True spec.sink=%[2]s\n",
		ms, strconv.Quote(`{"uri":"`+uri+`"}`))
}

func envVar(name, value string) string { return fmt.Sprintf(`{"name":%q,"value":%q}`, name, value) }

const blue = `{"extensions":{"colour":"blue"}}`

// boundSinks is a history of source/sink-binding with the environments of its three phases.
func boundSinks(first, second, third []string) string {
	return "1ms mark bound\n" + seenBindings(2, "http://a/") + environmentOf(2, first...) + "3ms mark changed\n" + seenBindings(4, "http://b/") + environmentOf(4, second...) +
		"5ms mark deleted\n" + environmentOf(6, third...)
}

var (
	saysA = []string{envVar("K_SINK", "http://a/"), envVar("K_CE_OVERRIDES", "")}
	saysB = []string{envVar("K_SINK", "http://b/"), envVar("K_CE_OVERRIDES", blue)}
)

var sourcesExamples = []example{
	{
		scenario: "source/every-second", requirement: "SRC-001",
		good: []string{
			everySecond("plain", 1000, 2000, 3000),
			everySecond("plain", 1480, 2010, 3200, 4490), // spread over half a second
			everySecond("plain", 1000, 2950, 3000, 4000), // one that was held up
			everySecond("plain", 1950, 2000, 3000, 4000), // the first was
			everySecond("plain", 1000, 2000, 3900),       // the last was
			// delivered twice, as it may be
			everySecond("plain", 1000, 2000, 3000) + pinged(2000, "plain", "id1"),
		},
		bad: []string{
			// two replicas
			everySecond("plain", 1000, 1003, 2000, 2004, 3000, 3001),
			everySecond("plain", 1005, 2000, 2005, 3000),
			// twice a second
			everySecond("plain", 1000, 1500, 2000, 2500, 3000),
			// every other second only
			everySecond("plain", 1000, 3000, 5000),
			// Ready, and silent
			readyPing("plain"),
		},
	},
	{
		scenario: "source/every-second", requirement: "SRC-002",
		good: []string{everySecond("plain", 1000) + everySecond("more", 1000)},
		bad: []string{
			everySecond("plain", 1000) + readyPing("more") + pinged(1000, "more", "id", "type=dev.knative.cronjob.event"),
			everySecond("plain", 1000) + readyPing("more") + pinged(1000, "more", "id", "source=/apis/v1/namespaces/ns/cronjobsources/more"),
			everySecond("more", 1000) + readyPing("plain") + pinged(1000, "plain", "id", "source=/apis/v1/namespaces/other/pingsources/plain"),
		},
	},
	{
		scenario: "source/every-second", requirement: "SRC-003",
		good: []string{
			everySecond("plain", 1000, 2000, 3000),
			everySecond("plain", 1000, 2000, 3000) + pinged(2000, "plain", "id1"),
		},
		bad: []string{
			readyPing("plain") + pinged(1000, "plain", "same") + pinged(2000, "plain", "same") + pinged(3000, "plain", "same"),
			readyPing("plain") + pinged(1000, "plain", "a", "-time") + pinged(2000, "plain", "b", "-time") + pinged(3000, "plain", "c", "-time"),
			// the time of the source's creation
			readyPing("plain") + pinged(1000, "plain", "a") + pinged(2000, "plain", "b", "time=2026-01-01T00:00:01Z") + pinged(3000, "plain", "c"),
			readyPing("plain") + pinged(1000, "plain", "a") + pinged(2000, "plain", "b", "time=yesterday") + pinged(3000, "plain", "c"),
			// neither an id nor a time of its own
			readyPing("plain") + strings.Repeat(pinged(1000, "plain", "same"), 3),
		},
	},
	{
		scenario: "source/every-second", requirement: "SRC-004",
		good: []string{
			dataOf(`zwölf `, `{"n":[1,null],"message":"Hello world!"}`, "\x89PNG\r\n\x1a\n\x00\xff"),
			dataOf(`zwölf `, `{"message": "Hello world!", "n": [1, null]}`, "\x89PNG\r\n\x1a\n\x00\xff"),
		},
		bad: []string{
			dataOf(`zwölf`, `{"message": "Hello world!", "n": [1, null]}`, "\x89PNG\r\n\x1a\n\x00\xff"),
			// wrapped as CronJobSource did
			dataOf(`{"body":"zwölf "}`, `{"message": "Hello world!", "n": [1, null]}`, "\x89PNG\r\n\x1a\n\x00\xff"),
			dataOf(`zwölf `, `"{\"message\": \"Hello world!\"}"`, "\x89PNG\r\n\x1a\n\x00\xff"),
			// as it was written
			dataOf(`zwölf `, `{"message": "Hello world!", "n": [1, null]}`, "iVBORw0KGgoA/w=="),
			// without saying what it is
			strings.ReplaceAll(dataOf(`zwölf `, `{"message": "Hello world!", "n": [1, null]}`, "\x89PNG\r\n\x1a\n\x00\xff"), "datacontenttype=image/png", "datacontenttype=application/octet-stream"),
		},
	},
	{
		scenario: "source/every-second", requirement: "SRC-005",
		good: []string{everySecond("plain", 1000, 2000)},
		bad:  []string{everySecond("plain", 1000) + pinged(2000, "plain", "id", "data={}")},
	},
	{
		scenario: "source/every-second", requirement: "SRC-011",
		good: []string{readyPing("more") + pinged(1000, "more", "a", "colour=blue", `taste="sweet and sour"`)},
		bad: []string{
			readyPing("more") + pinged(1000, "more", "a"),
			readyPing("more") + pinged(1000, "more", "a", "colour=blue", `taste="sweet and sour"`) + pinged(2000, "more", "b", "colour=blue"),
			readyPing("more") + pinged(1000, "more", "a", "colour=blue", `taste=sweet`),
		},
	},
	{
		scenario: "source/every-second", requirement: "SRC-013",
		good: []string{sunk("plain", toPlain, plainURI, attributesOf("plain")) + sunk("text", `{"uri":"http://text/"}`, "http://text/", attributesOf("text"))},
		bad: []string{
			sunk("plain", toPlain, "", attributesOf("plain")) + sunk("text", `{"uri":"http://text/"}`, "http://text/", attributesOf("text")),
			sunk("plain", toPlain, "http://plain.ns.svc.cluster.local", attributesOf("plain")) + sunk("text", `{"uri":"http://text/"}`, "http://text/", attributesOf("text")),
			sunk("plain", toPlain, plainURI, "[]") + sunk("text", `{"uri":"http://text/"}`, "http://text/", attributesOf("text")),
			sunk("plain", toPlain, plainURI, attributesOf("plain")) + sunk("text", `{"uri":"http://text/"}`, "http://text/", attributesOf("other")),
		},
	},
	{
		scenario: "source/manifests", requirement: "SRC-006",
		good: []string{`1ms apply PingSource/both -> refused "expected exactly one, got both: spec.data, spec.dataBase64"`},
		bad:  []string{`1ms apply PingSource/both`},
	},
	{
		scenario: "source/manifests", requirement: "SRC-007",
		good: []string{pingOffers(dataTaken, false) + pingOffers(dataRefused, true)},
		bad: []string{
			pingOffers(dataTaken, false, "object") + pingOffers(dataRefused, true),
			pingOffers(dataTaken, false, "plain") + pingOffers(dataRefused, true),
			pingOffers(dataTaken, false) + pingOffers(dataRefused, true, "broken"),
			pingOffers(dataTaken, false) + pingOffers(dataRefused, true, "list"),
			pingOffers(dataTaken, false) + pingOffers(dataRefused, true, "encoded"),
		},
	},
	{
		scenario: "source/manifests", requirement: "SRC-008",
		good: []string{`1ms status PingSource/unsaid spec.schedule="* * * * *"`},
		bad:  []string{`1ms status PingSource/unsaid`, `1ms status PingSource/unsaid spec.schedule="@hourly"`, `1ms gone PingSource/unsaid`},
	},
	{
		scenario: "source/manifests", requirement: "SRC-009",
		good: []string{pingOffers(scheduleTaken, false) + pingOffers(scheduleRefused, true)},
		bad: []string{
			pingOffers(scheduleTaken, false, "six") + pingOffers(scheduleRefused, true),
			pingOffers(scheduleTaken, false, "hourly") + pingOffers(scheduleRefused, true),
			pingOffers(scheduleTaken, false) + pingOffers(scheduleRefused, true, "every"),
			pingOffers(scheduleTaken, false) + pingOffers(scheduleRefused, true, "words"),
		},
	},
	{
		scenario: "source/time-zone", requirement: "SRC-010",
		good: []string{`1ms apply PingSource/nowhere -> refused "unknown time zone"
			` + everySecond("due", 1000, 2000) + readyPing("other")},
		bad: []string{
			// taken for UTC
			`1ms apply PingSource/nowhere -> refused "unknown time zone"
			` + readyPing("due") + everySecond("other", 1000, 2000),
			// all hours are alike
			`1ms apply PingSource/nowhere -> refused "unknown time zone"
			` + everySecond("due", 1000, 2000) + everySecond("other", 1000, 2000),
			// any text is a zone
			`1ms apply PingSource/nowhere
			` + everySecond("due", 1000, 2000) + readyPing("other"),
		},
	},
	{
		scenario: "source/sink-comes-later", requirement: "SRC-012",
		good: []string{`
			1ms mark "no sink"
			2ms status PingSource/p Ready=False:NotFound SinkProvided=False:NotFound
			3ms mark sink
			4ms status PingSource/p Ready=True SinkProvided=True
			5ms recv later id`},
		bad: []string{
			// stuck
			`1ms mark "no sink"
			2ms status PingSource/p Ready=False:NotFound SinkProvided=False:NotFound
			3ms mark sink
			4ms status PingSource/p Ready=False SinkProvided=False`,
			// Ready without a sink
			`1ms mark "no sink"
			2ms status PingSource/p Ready=True SinkProvided=False
			3ms mark sink
			4ms status PingSource/p Ready=True SinkProvided=True
			5ms recv later id`,
			// Ready, and silent
			`1ms mark "no sink"
			2ms status PingSource/p Ready=False:NotFound SinkProvided=False:NotFound
			3ms mark sink
			4ms status PingSource/p Ready=True SinkProvided=True`,
			// not Ready, and nothing says why
			`1ms mark "no sink"
			2ms status PingSource/p Ready=Unknown
			3ms mark sink
			4ms status PingSource/p Ready=True SinkProvided=True
			5ms recv later id`,
		},
	},
	{
		scenario: "source/changes", requirement: "SRC-014",
		good: []string{
			changedPings(witnessed, renewed, moved, hastened),
			// the last tick of what was may still be on its way
			changedPings(pinged(1200, "data", "d1b", "data=old"), pinged(1300, "slower", "s1b"), witnessed, renewed, moved, hastened),
			// a change may take a tick to take effect
			changedPings(pinged(2000, "data", "d2", "data=old"), pinged(3000, "data", "d3", "data=new"), pinged(4000, "data", "d4", "data=new"), witnessed, moved, hastened),
		},
		bad: []string{
			// both versions fire
			changedPings(witnessed, renewed, moved, hastened, goesOn("data", "data=old")),
			// the change has no effect
			changedPings(witnessed, moved, hastened, goesOn("data", "data=old")),
			// it ends the source
			changedPings(witnessed, moved, hastened),
			// two sinks
			changedPings(witnessed, renewed, moved, hastened, goesOn("from")),
			// the sink of old
			changedPings(witnessed, renewed, hastened, goesOn("from")),
			// two schedules
			changedPings(witnessed, renewed, moved, hastened, goesOn("slower")),
			// the new one is not begun
			changedPings(witnessed, renewed, moved),
		},
	},
	{
		scenario: "source/changes", requirement: "SRC-015",
		good: []string{changedPings(witnessed), changedPings(pinged(1200, "deleted", "x2"), witnessed)},
		bad:  []string{changedPings(witnessed, goesOn("deleted"))},
	},
	{
		scenario: "source/failing-sink", requirement: "SRC-016",
		good: []string{
			failingSink(goodTwice, goodAlways),
			// the waits are twice as long in Knative
			failingSink(attemptsOf("twice", "a1", 202, 1000, 1100, 1301)+attemptsOf("twice", "a2", 202, 2000, 2101, 2302)+attemptsOf("twice", "a3", 202, 3000, 3101, 3302),
				attemptsOf("always", "b1", 503, 1001, 1102, 1303, 1704, 2505, 4106)+attemptsOf("always", "b2", 202, 2003)+attemptsOf("always", "b3", 202, 3003)),
		},
		bad: []string{
			// no retry
			failingSink(attemptsOf("twice", "a1", 503, 1000)+attemptsOf("twice", "a2", 503, 2000), attemptsOf("always", "b1", 503, 1001)+attemptsOf("always", "b2", 202, 2001)),
			// a new event each time
			failingSink(attemptsOf("twice", "a1", 503, 1000)+attemptsOf("twice", "a2", 503, 1050)+attemptsOf("twice", "a3", 202, 1150), goodAlways),
			// without end
			failingSink(goodTwice, goodAlways+attemptsOf("always", "b1", 503, 5000)),
			// at once
			failingSink(attemptsOf("twice", "a1", 202, 1000, 1001, 1002), goodAlways),
			// the next tick waits for its turn, or is left out
			failingSink(goodTwice+attemptsOf("twice", "a3", 202, 3000, 3050, 3150), attemptsOf("always", "b1", 503, 1001, 1052, 1153, 1354, 1755, 3556)+attemptsOf("always", "b3", 202, 4003)),
		},
	},
	{
		scenario: "source/sink-binding", requirement: "SRC-017",
		good: []string{boundSinks(saysA, saysB, nil), boundSinks(saysA[:1], saysB, nil)},
		bad: []string{
			// not told
			boundSinks(nil, saysB, nil),
			// not removed
			boundSinks(saysA, saysB, saysB),
			boundSinks(saysA, saysB, saysB[1:]),
			// the sink of before
			boundSinks(saysA, saysA, nil),
			// both, one after the other
			boundSinks(saysA, append(append([]string{}, saysB...), saysA...), nil),
			// without the overrides
			boundSinks(saysA, []string{envVar("K_SINK", "http://b/"), envVar("K_CE_OVERRIDES", "")}, nil),
			boundSinks(saysA, []string{envVar("K_SINK", "http://b/"), envVar("K_CE_OVERRIDES", "colour=blue")}, nil),
			// not the init containers
			strings.Replace(boundSinks(saysA, saysB, nil), strings.Trim(strconv.Quote(","+saysB[0]+","+saysB[1]), `"`), "", 1),
			// in place of what was there
			strings.Replace(boundSinks(saysA, saysB, nil), `{\"name\":\"OWN\",\"value\":\"kept\"},`, "", 1),
		},
	},
}

// dataOf is a history of one tick each with data of three kinds.
func dataOf(text, json, binary string) string {
	out := ""
	for _, x := range []struct{ name, contentType, data string }{{"text", "text/plain", text}, {"json", "application/json", json}, {"binary", "image/png", binary}} {
		out += readyPing(x.name) + pinged(1000, x.name, "id", "datacontenttype="+x.contentType, "data="+strconv.Quote(x.data))
	}
	return out
}

// TestHoursStayTheSame: whenever the scenario on time zones is driven, its hours hold for a quarter of an hour.
func TestHoursStayTheSame(t *testing.T) {
	for minute := range 24 * 60 {
		now := time.Date(2026, 3, 29, 0, minute, 30, 0, time.UTC)
		zone, here, elsewhere := hours(now)
		in, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, later := range []time.Duration{-10 * time.Minute, 0, 10 * time.Minute} {
			at := now.Add(later)
			if got := fmt.Sprint(at.In(in).Hour()); got != here {
				t.Errorf("at %v it is %s o'clock in %s, not %s", at, got, zone, here)
			}
			if !strings.Contains(","+elsewhere+",", ","+fmt.Sprint(at.Hour())+",") || strings.Contains(","+elsewhere+",", ","+here+",") {
				t.Errorf("at %v: %s are not the hours of UTC, or %s is among them", at, elsewhere, here)
			}
		}
	}
}

func TestHalfAYearIsFar(t *testing.T) {
	month, err := strconv.Atoi(strings.Fields(halfAYear())[3])
	if now := time.Now().UTC(); err != nil || month < 1 || month > 12 || month == int(now.Month()) || month == int(now.Month())%12+1 {
		t.Errorf("%q in %v", halfAYear(), now.Month())
	}
}
