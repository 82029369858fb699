package suites

import (
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// sequence is the chapter on what a Sequence does with events.
var sequence = []Scenario{
	{
		Name: "sequence/three-steps-and-reply",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b", "c")
			s.Apply(sequenceOf("s", "$sink", "$a", "$b", "$c"))
			s.Ready("Sequence/s")
			s.Send("Sequence/s", s.Events(3)...)
			s.Expect("sink", 3)
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-001", check.Grown("a>b>c>sink")),
			verify("SEQ-002", check.Passes("c", "sink")),
		},
	},
	{
		Name: "sequence/no-reply",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b")
			s.Apply(sequenceOf("s", "", "$a", "uri: $b, delivery: {retry: 2, deadLetterSink: {uri: $dls}}"))
			s.Ready("Sequence/s")
			s.Send("Sequence/s", s.NewEvent())
			s.Expect("b", 1)
			s.Quiet("Sequence/s", "b")
		},
		Verify: []Verification{
			verify("SEQ-003", check.All(check.BareAck(), check.Visits("a>b"))),
		},
	},
	{
		Name: "sequence/one-step",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b")
			s.Apply(sequenceOf("replying", "$sink", "$a") + "---\n" + sequenceOf("silent", "", "$b"))
			s.Ready("Sequence/replying", "Sequence/silent")
			s.Mark("with reply")
			s.Send("Sequence/replying", s.NewEvent())
			s.Mark("without reply")
			s.Send("Sequence/silent", s.NewEvent())
			s.Expect("sink", 1)
			s.Expect("b", 1)
			s.Quiet("Sequence/silent", "b")
		},
		Verify: []Verification{
			verify("SEQ-004", check.All(check.Of("with reply", check.Visits("a>sink")), check.Of("without reply", check.Visits("b")))),
		},
	},
	{
		Name: "sequence/empty-answer",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "c")
			s.Receiver("b", byRoot(map[string]receiver.Respond{
				"e1": receiver.Status(200), "e2": receiver.Status(202), "e3": receiver.Status(204),
			}))
			s.Apply(sequenceOf("s", "$sink", "$a", "uri: $b, delivery: {retry: 2, deadLetterSink: {uri: $dls}}", "$c"))
			s.Ready("Sequence/s")
			s.Send("Sequence/s", s.Events(3)...)
			s.Expect("b", 3)
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-005", check.All(check.Accepted(), check.Visits("a>b"))),
		},
	},
	{
		Name: "sequence/answer-without-event",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "c")
			s.Receiver("b", byRoot(map[string]receiver.Respond{
				"e1": receiver.Text(200, "text/html", "<html><body>ok</body></html>"),
				"e2": receiver.Text(200, "application/json", `{"status": "ok"}`),
				"e3": receiver.Text(201, "text/plain", "id: e3"),
			}))
			s.Apply(sequenceOf("s", "$sink", "$a", "uri: $b, delivery: {retry: 2, deadLetterSink: {uri: $dls}}", "$c"))
			s.Ready("Sequence/s")
			s.Send("Sequence/s", s.Events(3)...)
			s.Expect("b", 3)
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-006", check.Visits("a>b")),
		},
	},
	{
		Name: "sequence/answer-as-given",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Reply(func(in *event.Event) *event.Event {
				return event.New(in.ID()+".new", "urn:another:source", "another.type").
					With("subject", "another subject").With("time", "2024-02-29T12:00:00Z").With("colour", "blue").
					WithData("text/plain", []byte("another text"))
			}))
			extend(s, "b")
			s.Apply(sequenceOf("s", "$sink", "$a", "$b"))
			s.Ready("Sequence/s")
			s.Send("Sequence/s", s.NewEvent().With("subject", "a subject").With("time", "2020-01-01T00:00:00Z").
				With("dataschema", "urn:schema").With("colour", "red").With("taste", "sweet"))
			s.Expect("sink", 1)
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-007", check.Passes("a", "b")),
		},
	},
	{
		Name: "sequence/payload-bytes",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", relabel("a"))
			s.Receiver("b", relabel("b"))
			s.Apply(sequenceOf("s", "$sink", "$a", "$b"))
			s.Ready("Sequence/s")
			for _, d := range []struct{ contentType, data string }{
				{"application/json", "{ \"b\":1.50,\t\"a\": [1e2, -0.0],\r\n \"nul\":\"\\u0000\\u00e9/\", \"a\": 12345678901234567890 }\n"},
				{"application/json", `"<just> & a string\/"`},
				{"text/plain; charset=utf-8", "zwölf\r\n\tBoxkämpfer\x00 \ufeff"},
				{"application/octet-stream", "\x00\xff\xfe\r\n\x80\x1a\x00"},
				{"application/xml", "<?xml version='1.0'?>\r\n<a  b = 'c'/>"},
			} {
				s.Send("Sequence/s", s.NewEvent().WithData(d.contentType, []byte(d.data)))
			}
			s.Expect("sink", 5)
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-008", check.SameBytesAt("a", "b", "sink")),
		},
	},
	{
		Name: "sequence/kinds-of-destination",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b", "c", "d", "in", "p", "q", "r", "t", "u", "v", "w", "branch")
			for _, name := range []string{"a", "d", "atservice", "atpath"} {
				s.Service("Service", name)
			}
			for _, name := range []string{"b", "atknative"} {
				s.Service("KService", name)
			}
			s.Apply(channelOf("ch", "") + "---\n" + subscriptionOf("sub", "ch", "$atchannel", "") + "---\n" + sequenceOf("inner", "$atsequence", "$in"))
			s.Apply(sequenceOf("steps", "ref: {apiVersion: messaging.knative.dev/v1, kind: Channel, name: ch}",
				"ref: {apiVersion: v1, kind: Service, name: a}",
				"ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: b}",
				"uri: $c/below",
				"ref: {apiVersion: v1, kind: Service, name: d}, uri: /deep/path"))
			s.Apply(sequenceOf("p", "ref: {apiVersion: v1, kind: Service, name: atservice}", "$p"))
			s.Apply(sequenceOf("q", "ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: atknative}", "$q"))
			s.Apply(sequenceOf("r", "ref: {apiVersion: flows.knative.dev/v1, kind: Sequence, name: inner}", "$r"))
			s.Apply(sequenceOf("t", "ref: {apiVersion: v1, kind: Service, name: atpath}, uri: /some/where", "$t"))
			s.Apply(brokerOf("br", "") + "---\n" + triggerOf("of", "br", "sequitur.test", "$atbroker"))
			s.Apply(sequenceOf("u", "", "$u", toBroker("br")))
			s.Ready("Subscription/sub", "Sequence/inner", "Broker/br", "Trigger/of")
			names := []string{"steps", "p", "q", "r", "t", "u"}
			if s.Claims("Parallel") {
				const ref = "ref: {apiVersion: flows.knative.dev/v1, kind: Parallel, name: par}"
				s.Apply(parallelOf("par", "$atparallel", "$branch"))
				s.Apply(sequenceOf("v", "", "$v", ref) + "---\n" + sequenceOf("w", ref, "$w"))
				s.Ready("Parallel/par")
				names = append(names, "v", "w")
			}
			for _, name := range names {
				s.Ready("Sequence/" + name)
				s.Mark(name)
				s.Send("Sequence/"+name, s.NewEvent())
			}
			for _, end := range []string{"atchannel", "atservice", "atknative", "atsequence", "atpath", "atbroker"} {
				s.Expect(end, 1)
			}
			if s.Claims("Parallel") {
				s.Expect("atparallel", 2)
			}
			s.Quiet("Sequence/steps", "atchannel")
		},
		Verify: []Verification{
			verify("SEQ-009", check.Besides("Parallel", check.All(
				check.Of("steps", check.All(check.Visits("a>b>c>d>atchannel"), check.AtPath("c", "/below"), check.AtPath("d", "/deep/path"))),
				check.Of("p", check.Visits("p>atservice")),
				check.Of("q", check.Visits("q>atknative")),
				check.Of("r", check.Visits("r>in>atsequence")),
				check.Of("t", check.All(check.Visits("t>atpath"), check.AtPath("atpath", "/some/where"))),
				check.Of("u", check.Visits("u>atbroker")),
			), check.All(check.Of("v", check.Visits("v>branch>atparallel")), check.Of("w", check.Visits("w>branch>atparallel"))))),
		},
	},
	{
		Name: "sequence/nested",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b", "c", "x", "y", "z")
			s.Apply(sequenceOf("inner", "$innersink", "$x", "$y") + "---\n" + channelOf("ch", "") + "---\n" + subscriptionOf("sub", "ch", "$z", ""))
			s.Apply(sequenceOf("outer", "$sink", "$a", "ref: {apiVersion: flows.knative.dev/v1, kind: Sequence, name: inner}", "$c"))
			s.Apply(sequenceOf("into", "$sink", "$b", "ref: {apiVersion: messaging.knative.dev/v1, kind: Channel, name: ch}", "$c"))
			s.Ready("Sequence/inner", "Subscription/sub", "Sequence/outer", "Sequence/into")
			s.Mark("sequence")
			s.Send("Sequence/outer", s.NewEvent())
			s.Mark("channel")
			s.Send("Sequence/into", s.NewEvent())
			s.Expect("innersink", 1)
			s.Expect("z", 1)
			s.Quiet("Sequence/outer", "innersink")
		},
		Verify: []Verification{
			verify("SEQ-010", check.All(check.Of("sequence", check.Visits("a>x>y>innersink")), check.Of("channel", check.Visits("b>z")))),
			verify("SEQ-009", check.All(check.Of("sequence", check.Silent("z")), check.Of("sequence", check.ExactlyOnce("x")), check.Of("channel", check.ExactlyOnce("z")))),
		},
	},
	{
		Name: "sequence/delivery-of-each-step",
		Drive: func(s *drive.Stage) {
			failing := func(who, root string) {
				s.Receiver(who, fallBack(receiver.Extend(who), map[string]receiver.Respond{root: receiver.Status(503)}))
			}
			failing("a", "e1")
			failing("b", "e2")
			failing("c", "e3")
			// A step that is told of the failure of the next one may try that again: dead letters are no failures.
			s.Apply(sequenceOf("s", "$sink", "$a",
				"uri: $b, delivery: {retry: 3, backoffPolicy: linear, backoffDelay: PT0.1S, deadLetterSink: {uri: $dls}}",
				"uri: $c, delivery: {retry: 1, backoffPolicy: linear, backoffDelay: PT0.1S, deadLetterSink: {uri: $dls}}"))
			s.Ready("Sequence/s")
			s.Mark("no options")
			s.Send("Sequence/s", s.NewEvent())
			s.Mark("options")
			s.Send("Sequence/s", s.Events(2)...)
			s.Expect("a", 3)
			s.Expect("b", 5)
			s.Expect("c", 2)
			s.Expect("dls", 2)
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-011", check.All(check.Attempts("a", "e1", 1), check.Attempts("b", "e2.a", 4), check.Attempts("c", "e3.a.b", 2), check.Silent("sink"))),
			verify("SEQ-012", check.Of("no options", check.Visits("a"))),
		},
	},
	{
		Name: "sequence/dead-letter-of-a-step",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Reply(func(in *event.Event) *event.Event {
				return event.New(in.ID()+".a", "/step/a", "changed").WithData("text/plain", []byte("changed"))
			}))
			s.Receiver("b", receiver.Status(503))
			extend(s, "c", "dls")
			s.Apply(sequenceOf("s", "$sink", "$a", "uri: $b, delivery: {retry: 1, deadLetterSink: {uri: $dls}}", "$c"))
			s.Ready("Sequence/s")
			s.Send("Sequence/s", s.NewEvent().With("subject", "posted"))
			s.Expect("dls", 1)
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-013", check.Passes("a", "dls")),
			verify("SEQ-014", check.All(check.ExactlyOnce("dls"), check.Silent("c", "sink"))),
		},
	},
	{
		Name: "sequence/reply-refuses",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b")
			busy := receiver.Status(503)
			s.Receiver("sink", fallBack(busy, map[string]receiver.Respond{"e1": receiver.Attempts(busy, busy, receiver.OK())}))
			s.Apply(sequenceOf("s", "$sink", "$a",
				"uri: $b, delivery: {retry: 2, backoffPolicy: linear, backoffDelay: PT0.1S, deadLetterSink: {uri: $dls}}"))
			s.Ready("Sequence/s")
			s.Mark("at first")
			s.Send("Sequence/s", s.NewEvent())
			s.Mark("always")
			s.Send("Sequence/s", s.NewEvent())
			s.Expect("dls", 1)
			s.Until("e1 accepted", func(v *history.View) bool { return accepted(v, "sink", "e1") })
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-015", check.All(check.Of("at first", check.All(check.Continued("b", "sink"), check.Silent("dls"))), check.Of("always", check.ExactlyOnce("dls")))),
		},
	},
	{
		Name: "sequence/later-step-fails",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b")
			s.Receiver("c", receiver.Status(500))
			delivery := ", delivery: {retry: 2, backoffPolicy: linear, backoffDelay: PT0.1S}"
			s.Apply(sequenceOf("s", "", "uri: $a"+delivery, "uri: $b"+delivery, "uri: $c"+delivery))
			s.Ready("Sequence/s")
			s.Send("Sequence/s", s.NewEvent())
			s.Expect("c", 3)
			s.Quiet("Sequence/s", "c")
		},
		Verify: []Verification{
			verify("SEQ-016", check.All(check.Attempts("a", "e1", 1), check.Attempts("b", "e1.a", 1), check.Attempts("c", "e1.a.b", 3))),
		},
	},
	{
		Name:  "sequence/acknowledges-before-the-steps",
		Needs: []string{"Sequence"},
		Drive: func(s *drive.Stage) {
			gate := drive.NewGate()
			s.Receiver("a", receiver.Held(gate.Opened(), receiver.Extend("a")))
			extend(s, "b")
			s.Apply(sequenceOf("s", "$sink", "$a", "$b"))
			s.Ready("Sequence/s")
			// No clock decides: only a target that waits for its steps waits for the limit.
			s.SendThenOpen("Sequence/s", gate, 5*time.Second, s.Events(3)...)
			s.Expect("sink", 3)
		},
		Verify: []Verification{
			verify("SEQ-017", check.AckedFirst()),
		},
	},
	{
		Name: "sequence/concurrent-events",
		Drive: func(s *drive.Stage) {
			for _, who := range []string{"a", "b"} {
				s.Receiver(who, receiver.ByEvent(func(e *event.Event) receiver.Respond {
					return receiver.Delayed(jitter(who, e.ID(), 8*time.Millisecond), receiver.Extend(who))
				}))
			}
			s.Apply(sequenceOf("s", "$sink", "$a", "$b"))
			s.Ready("Sequence/s")
			s.Burst("Sequence/s", 32, s.Events(200)...)
			s.Expect("sink", 200)
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-036", check.Grown("a>b>sink")),
		},
	},
	{
		Name: "sequence/neighbours",
		Drive: func(s *drive.Stage) {
			extend(s, "a")
			other := s.Namespace() + "-other"
			s.Apply(sequenceOf("s", "$sink", "$a") + "---\n" + sequenceOf("t", "$third", "$a"))
			s.Apply(strings.Replace(sequenceOf("s", "$other", "$a"), "{name: s}", "{name: s, namespace: "+other+"}", 1))
			s.Ready("Sequence/s", "Sequence/t", "Sequence/"+other+"/s")
			s.Mark("home")
			s.Send("Sequence/s", s.Events(2)...)
			s.Mark("other namespace")
			s.Send("Sequence/"+other+"/s", s.Events(2)...)
			s.Mark("other name")
			s.Send("Sequence/t", s.Events(2)...)
			for _, sink := range []string{"sink", "other", "third"} {
				s.Expect(sink, 2)
			}
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-037", check.All(check.Of("home", check.Visits("a>sink")), check.Of("other namespace", check.Visits("a>other")),
				check.Of("other name", check.Visits("a>third")))),
		},
	},
	{
		Name: "sequence/twenty-steps",
		Drive: func(s *drive.Stage) {
			var steps []string
			for _, who := range twenty {
				extend(s, who)
				steps = append(steps, "$"+who)
			}
			s.Apply(sequenceOf("s", "$sink", steps...))
			s.Ready("Sequence/s")
			s.Send("Sequence/s", s.Events(2)...)
			s.Expect("sink", 2)
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-038", check.Grown(strings.Join(twenty, ">")+">sink")),
		},
	},
	{
		Name: "sequence/reply-to-sequence",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b", "c", "d")
			s.Apply(sequenceOf("first", "ref: {apiVersion: flows.knative.dev/v1, kind: Sequence, name: second}", "$a", "$b"))
			s.Apply(sequenceOf("second", "$sink", "$c", "$d"))
			s.Ready("Sequence/first", "Sequence/second")
			s.Send("Sequence/first", s.Events(2)...)
			s.Expect("sink", 2)
			s.Quiet("Sequence/first", "sink")
		},
		Verify: []Verification{
			verify("SEQ-039", check.Grown("a>b>c>d>sink")),
		},
	},
	{
		Name: "sequence/between-a-trigger-and-its-broker",
		Drive: func(s *drive.Stage) {
			extend(s, "a")
			s.Receiver("b", receiver.Reply(func(in *event.Event) *event.Event {
				return in.Clone().With("id", in.ID()+".b").With("source", "/step/b").With("type", "sequitur.done")
			}))
			s.Apply("apiVersion: eventing.knative.dev/v1\nkind: Broker\nmetadata: {name: b}\n")
			s.Ready("Broker/b")
			s.Apply(sequenceOf("s", "ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: b}", "$a", "$b"))
			s.Apply(triggerOf("in", "b", "sequitur.test", "ref: {apiVersion: flows.knative.dev/v1, kind: Sequence, name: s}"))
			s.Apply(triggerOf("out", "b", "sequitur.done", "$sink"))
			s.Ready("Sequence/s", "Trigger/in", "Trigger/out")
			s.Send("Broker/b", s.Events(3)...)
			s.Expect("sink", 3)
			s.Quiet("")
		},
		Verify: []Verification{
			verify("SEQ-040", check.Visits("a>b>sink")),
			verify("SEQ-009", check.Visits("a>b>sink")),
		},
	},
	{
		Name: "sequence/poison",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "c")
			poisons := poisonous(s.URI("elsewhere"))
			s.Receiver("b", receiver.ByEvent(func(e *event.Event) receiver.Respond {
				if e != nil && e.Attr("poison") != "" {
					return poisons[e.Attr("poison")]
				}
				return receiver.Extend("b")
			}))
			s.Apply(sequenceOf("s", "$sink", "$a", "$b", "$c"))
			s.Ready("Sequence/s")
			var events []*event.Event
			for name := range poisons {
				events = append(events, s.NewEvent().With("poison", name), s.NewEvent())
			}
			s.Burst("Sequence/s", 4, events...)
			s.Expect("sink", len(poisons))
			s.Send("Sequence/s", s.NewEvent())
			s.Expect("sink", len(poisons)+1)
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-044", check.All(
				check.Where("healthy event", func(e *history.Event) bool { return e.Attrs["poison"] == "" }, check.Visits("a>b>c>sink")),
				check.Where("poisonous event", func(e *history.Event) bool { return e.Attrs["poison"] != "" }, check.Reached("b", "poisonous events", 1)),
			)),
		},
	},
	{
		Name: "sequence/content-modes",
		Drive: func(s *drive.Stage) {
			binary, structured := receiver.InMode(event.Binary, relabel("a")), receiver.InMode(event.Structured, relabel("a"))
			s.Receiver("a", fallBack(binary, map[string]receiver.Respond{"e1": structured, "e2": structured, "e5": structured, "e6": structured}))
			s.Receiver("b", fallBack(receiver.InMode(event.Structured, relabel("b")), map[string]receiver.Respond{
				"e1": receiver.InMode(event.Binary, relabel("b")), "e2": receiver.InMode(event.Binary, relabel("b"))}))
			s.Apply(sequenceOf("s", "$sink", "$a", "$b"))
			s.Ready("Sequence/s")
			for _, d := range []struct{ contentType, data string }{
				{"application/json", `{"n": 1, "text": "é"}`},
				{"application/json", `{"n": 2}`},
				{"text/plain", "text"},
				{"application/octet-stream", "\x00\xff"},
			} {
				for _, mode := range []event.Mode{event.Binary, event.Structured} {
					e := s.NewEvent().With("subject", "kept").With("colour", "blue").WithData(d.contentType, []byte(d.data))
					s.Post("Sequence/s", drive.Post{Event: e, Mode: mode})
				}
			}
			s.Expect("sink", 8)
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-045", check.SameMeaning("sink")),
		},
	},
}
