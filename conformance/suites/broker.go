package suites

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// answerType is the type of what answering steps answer, so that Triggers can tell it from what was sent.
const answerType = "sequitur.answer"

// answering is a step that answers 200 with an event of another type; its id is that of the input with "." and who.
func answering(who string) receiver.Respond {
	return receiver.With(receiver.Extend(who), func(a *receiver.Answer) {
		if a.Event != nil {
			a.Event.Set("type", answerType)
		}
	})
}

// onSource is the filter of a Trigger on what the harness itself sends, whatever its type.
const onSource = "filter: {attributes: {source: " + drive.Source + "}}"

// triggerA makes Broker b with Trigger t of receiver a on what the harness sends; more is the rest of the Trigger's spec.
func triggerA(s *drive.Stage, spec, more string) {
	if more != "" {
		more = ", " + more
	}
	s.Apply(brokerOf("b", spec))
	s.Apply(triggerWith("t", "b", "$a", onSource+more))
	s.Ready("Broker/b", "Trigger/t")
}

// toA is the way of what the harness sends to the Broker that triggerA makes.
var toA = check.Way{To: "Broker/b", At: "a"}

func classed(manifest, class string) string {
	return strings.Replace(manifest, "metadata: {", "metadata: {annotations: {eventing.knative.dev/broker.class: "+class+"}, ", 1)
}

// broker is the chapter on Brokers: their address, what they hand on, and what becomes of answers.
var broker = []Scenario{
	{
		Name: "broker/takes-events",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", answering("a"))
			triggerA(s, "", "")
			rich := func() *event.Event {
				return s.NewEvent().With("type", "com.example.rich.v1").With("subject", "sub/ject:1").With("dataschema", "https://example.com/schema.json?v=1").
					With("myext", "value").With("n9", "007").With("abcdefghij0123456789", "https://example.com/?a=b&c=d")
			}
			s.Mark("binary")
			s.Send("Broker/b", s.NewEvent(), rich())
			s.Mark("structured")
			for _, contentType := range []string{event.ContentType, "Application/CloudEvents+JSON; charset=UTF-8"} {
				for _, e := range []*event.Event{s.NewEvent(), rich()} {
					s.Post("Broker/b", drive.Post{Event: e, Mode: event.Structured, Header: http.Header{"Content-Type": {contentType}}})
				}
			}
			s.Mark("payloads")
			bare := s.NewEvent()
			bare.Remove("datacontenttype")
			bare.Data = nil
			s.Send("Broker/b", append(payloads(s)[:4], bare)...)
			s.Expect("a", s.Accepted())
			s.Look("Broker/b")
		},
		Verify: []Verification{
			verify("BRK-001", check.All(check.ReadyWithURL("Broker/b"), check.Accepted())),
			verify("BRK-005", check.All(check.Comes("its attributes", check.SameAttributes, toA), check.Comes("its data", check.SameData, toA))),
			verify("BRK-014", check.Shows("Broker/b", "a class", func(o *history.Object) bool {
				return o.Metadata.Annotations["eventing.knative.dev/broker.class"] != ""
			})),
			verify("BRK-024", check.AckedWithoutBody()),
			verify("BRK-031", check.HasConditions("Broker/b", "Ready", "Addressable")),
			verify("CE-001", check.Of("binary", check.Comes("its data", check.SameData, toA))),
			verify("CE-002", check.Of("structured", check.Comes("its data", check.SameData, toA))),
			verify("CE-013", check.Comes("its attributes", check.SameAttributes, toA)),
		},
	},
	{
		Name: "broker/matching-triggers",
		Drive: func(s *drive.Stage) {
			s.Receiver("none", answering("none"))
			s.Apply(brokerOf("b", ""))
			for name, filter := range map[string]string{
				"type": "type: t1", "colour": "colour: red", "both": "type: t1, colour: red", "none": "type: t3", "every": "",
			} {
				s.Apply(triggerWith(name, "b", "$"+name, "filter: {attributes: {"+filter+"}}"))
			}
			s.Ready("Broker/b", "Trigger/type", "Trigger/colour", "Trigger/both", "Trigger/none", "Trigger/every")
			for _, typ := range []string{"t1", "t2"} {
				for _, colour := range []string{"red", "blue"} {
					s.Send("Broker/b", s.NewEvent().With("type", typ).With("colour", colour))
				}
			}
			s.Expect("every", 4)
			s.Expect("type", 2)
			s.Expect("colour", 2)
			s.Expect("both", 1)
			s.Quiet("Broker/b", "every")
		},
		Verify: []Verification{
			verify("BRK-003", check.All(
				check.Selects("type", "of type t1", func(e *history.Event) bool { return e.Attrs["type"] == "t1" }),
				check.Selects("colour", "of colour red", func(e *history.Event) bool { return e.Attrs["colour"] == "red" }),
				check.Selects("both", "of type t1 and colour red", func(e *history.Event) bool { return e.Attrs["type"] == "t1" && e.Attrs["colour"] == "red" }),
				check.AtLeastOnce("every"),
			)),
			verify("BRK-008", check.All(check.Silent("none"), check.OnlyAccepted("every"))),
		},
	},
	{
		Name: "broker/two-triggers-of-one-subscriber",
		Drive: func(s *drive.Stage) {
			triggerA(s, "", "")
			s.Apply(triggerWith("u", "b", "$a", onSource))
			s.Ready("Trigger/u")
			s.Send("Broker/b", s.Events(3)...)
			s.Expect("a", 6)
			s.Quiet("")
		},
		Verify: []Verification{
			verify("BRK-004", check.EachTimes("a", 2)),
		},
	},
	{
		// The answers of step fit the filter of the Trigger that they come from as well; to them it answers nothing.
		Name: "broker/answers-enter-again",
		Drive: func(s *drive.Stage) {
			s.Receiver("step", receiver.ByEvent(func(e *event.Event) receiver.Respond {
				if e != nil && e.Type() == answerType {
					return receiver.OK()
				}
				return answering("step")
			}))
			s.Apply(brokerOf("b", ""))
			s.Apply(triggerWith("origin", "b", "$step", "filter: {attributes: {round: 'yes'}}"))
			s.Apply(triggerOf("answers", "b", answerType, "$other"))
			s.Apply(triggerOf("inputs", "b", "sequitur.test", "$first"))
			s.Ready("Broker/b", "Trigger/origin", "Trigger/answers", "Trigger/inputs")
			for range 3 {
				s.Send("Broker/b", s.NewEvent().With("round", "yes"))
			}
			s.Expect("step", 6)
			s.Expect("other", 3)
			s.Expect("first", 3)
			s.Quiet("")
		},
		Verify: []Verification{
			verify("BRK-006", check.All(check.Reenters("step", "step", "other"), check.OnlyAccepted("first"))),
		},
	},
	{
		Name: "broker/namesakes",
		Drive: func(s *drive.Stage) {
			other := s.Namespace() + "-other"
			there := strings.NewReplacer("{name: b}", "{name: b, namespace: "+other+"}", "{name: t}", "{name: t, namespace: "+other+"}")
			s.Apply(brokerOf("b", "") + "---\n" + brokerOf("c", "") + "---\n" + there.Replace(brokerOf("b", "")))
			s.Apply(triggerWith("t", "b", "$home", "") + "---\n" + triggerWith("u", "c", "$next", "") + "---\n" + there.Replace(triggerWith("t", "b", "$away", "")))
			s.Ready("Broker/b", "Broker/c", "Broker/"+other+"/b", "Trigger/t", "Trigger/u", "Trigger/"+other+"/t")
			s.Mark("home")
			s.Send("Broker/b", s.Events(2)...)
			s.Mark("other name")
			s.Send("Broker/c", s.Events(2)...)
			s.Mark("other namespace")
			s.Send("Broker/"+other+"/b", s.Events(2)...)
			for _, at := range []string{"home", "next", "away"} {
				s.Expect(at, 2)
			}
			s.Quiet("Broker/b", "home")
			s.Quiet("Broker/"+other+"/b", "away")
		},
		Verify: []Verification{
			verify("BRK-009", check.All(
				check.Of("home", check.All(check.AtLeastOnce("home"), check.Silent("next", "away"))),
				check.Of("other name", check.All(check.AtLeastOnce("next"), check.Silent("home", "away"))),
				check.Of("other namespace", check.All(check.AtLeastOnce("away"), check.Silent("home", "next"))),
			)),
		},
	},
	{
		Name: "broker/without-triggers",
		Drive: func(s *drive.Stage) {
			s.Apply(brokerOf("b", ""))
			s.Ready("Broker/b")
			s.Mark("nobody")
			s.Send("Broker/b", s.Events(3)...)
			s.Apply(triggerWith("t", "b", "$a", ""))
			s.Ready("Trigger/t")
			s.Mark("somebody")
			s.Send("Broker/b", s.NewEvent())
			s.Expect("a", 1)
			s.Quiet("Broker/b", "a")
		},
		Verify: []Verification{
			verify("BRK-010", check.All(check.In("nobody", check.Accepted()), check.Of("somebody", check.AtLeastOnce("a")))),
		},
		Read: []Reading{read("TRG-021", check.EarlyEvents("nobody", "somebody", "a"))},
	},
	{
		Name: "broker/dead-letter-sink-to-come",
		Drive: func(s *drive.Stage) {
			s.Mark("no sink")
			s.Apply(brokerOf("b", "delivery: {deadLetterSink: {"+toChannel("letters")+"}}"))
			s.Await("Broker/b", "to be reconciled", settled)
			s.Quiet("")
			s.Look("Broker/b")
			s.Mark("complete")
			s.Apply(channelOf("letters", ""))
			s.Ready("Channel/letters", "Broker/b")
		},
		Verify: []Verification{
			verify("BRK-011", check.All(
				check.In("no sink", check.NotReadyYet("Broker/b")),
				check.In("complete", check.All(check.TurnsReady("Broker/b"), check.ShowsSink("Broker/b"))),
			)),
		},
	},
	{
		Name: "broker/class-of-nobody",
		Drive: func(s *drive.Stage) {
			s.Try(classed(brokerOf("foreign", ""), "nobody.sequitur.dev"))
			s.Apply(brokerOf("b", ""))
			s.Ready("Broker/b")
			s.Quiet("")
			s.Look("Broker/foreign")
		},
		Verify: []Verification{
			verify("BRK-012", check.Unserved("Broker/foreign", "Broker/b")),
		},
	},
	{
		Name: "broker/what-cannot-be-changed",
		Drive: func(s *drive.Stage) {
			triggerA(s, "", "")
			s.Mark("class")
			s.Try(classed(brokerOf("b", ""), "another.sequitur.dev"))
			s.Mark("config")
			s.Try(brokerOf("b", "config: {apiVersion: v1, kind: ConfigMap, name: another}"))
			s.Mark("after")
			s.Send("Broker/b", s.NewEvent())
			s.Expect("a", 1)
		},
		Verify: []Verification{
			verify("BRK-013", check.All(check.In("class", check.Refused("Broker/b")), check.In("config", check.Refused("Broker/b")),
				check.Of("after", check.AtLeastOnce("a")))),
		},
	},
	{
		Name: "broker/delivery-changes",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Status(503))
			s.Receiver("own", receiver.Status(503))
			delivery := func(n int) string {
				return "delivery: {retry: " + fmt.Sprint(n) + ", backoffPolicy: linear, backoffDelay: PT0.01S}"
			}
			triggerA(s, delivery(1), "")
			s.Apply(triggerWith("own", "b", "$own", onSource+", "+delivery(0)))
			s.Ready("Trigger/own")
			s.Mark("before")
			s.Send("Broker/b", s.NewEvent())
			s.Expect("a", 2)
			s.Quiet("")
			s.Apply(brokerOf("b", delivery(3)))
			s.Ready("Broker/b", "Trigger/t", "Trigger/own")
			s.Quiet("")
			for range 2 { // how far the change has come shows in nothing but deliveries: it gets a second chance
				s.Mark("after")
				e := s.NewEvent()
				s.Send("Broker/b", e)
				if s.Until("4 deliveries of "+e.ID()+" at a", func(v *history.View) bool {
					return len(v.Attempts("a", e.ID())) >= 4 && len(v.Attempts("own", e.ID())) > 0
				}) {
					break
				}
			}
			s.Quiet("")
		},
		Verify: []Verification{
			verify("BRK-015", check.All(check.Of("before", check.LastAttempts("a", 2)), check.Of("after", check.LastAttempts("a", 4)),
				check.Of("after", check.LastAttempts("own", 1)))),
		},
	},
	{
		// All ten retries would take 204 s: the first waits show the policy.
		Name:  "broker/default-delivery",
		Needs: []string{"BrokerDefaultDelivery"},
		Drive: func(s *drive.Stage) {
			busy := receiver.Status(503)
			s.Receiver("a", receiver.Attempts(busy, busy, receiver.OK()))
			triggerA(s, "", "")
			s.Send("Broker/b", s.Events(2)...)
			s.Expect("a", 6)
		},
		Verify: []Verification{
			verify("BRK-016", check.Exponential("a", 2, 200*time.Millisecond)),
		},
	},
	{
		Name: "broker/time-of-arrival",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", answering("a"))
			triggerA(s, "", "")
			s.Apply(triggerOf("answers", "b", answerType, "$next"))
			s.Ready("Trigger/answers")
			for _, claimed := range []string{"", "1999-12-31T23:59:59Z", "yesterday"} {
				e := s.NewEvent().With("time", time.Now().UTC().Format(time.RFC3339Nano)).With("knativebrokerttl", "100")
				if claimed != "" {
					e.Set("knativearrivaltime", claimed)
				}
				s.Send("Broker/b", e)
			}
			s.Send("Broker/b", s.NewEvent())
			s.Expect("a", 4)
			s.Expect("next", 4)
		},
		Verify: []Verification{
			verify("BRK-017", check.ArrivalTime("a")),
			verify("BRK-018", check.Without("knativebrokerttl", "a", "next")),
		},
	},
	{
		Name: "broker/loop",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", laps(maxLaps))
			s.Apply(brokerOf("b", ""))
			s.Apply(triggerWith("t", "b", "$a", ""))
			s.Ready("Broker/b", "Trigger/t")
			loop(s, "Broker/b", "a")
		},
		Verify: []Verification{
			verify("BRK-019", check.LoopEnds("a", hops)),
		},
		Read: []Reading{read("BRK-019", check.Loops("When does a loop of answers through one Broker end?", "a", hops, maxLaps))},
	},
	{
		Name: "broker/hops-of-the-sender",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", answering("a"))
			triggerA(s, "", "")
			s.Apply(triggerOf("answers", "b", answerType, "$next"))
			s.Ready("Trigger/answers")
			s.Send("Broker/b", s.NewEvent())
			s.Expect("next", 1)
			for _, hops := range []string{"0", "1", "-5"} {
				s.Mark("no hop: " + hops)
				s.Send("Broker/b", s.NewEvent().With("knativebrokerttl", hops))
			}
			s.Quiet("")
			before := s.Accepted()
			for _, hops := range []string{"2", "3", "1000", "x"} {
				s.Mark("hops: " + hops)
				s.Send("Broker/b", s.NewEvent().With("knativebrokerttl", hops))
			}
			s.Expect("a", before+4)
			s.Expect("next", before+3)
			s.Quiet("")
		},
		Verify: []Verification{
			verify("BRK-020", check.All(
				check.Rejects("no hop: ", badRequest, toA),
				check.Of("hops: 2", check.All(check.AtLeastOnce("a"), check.Silent("next"))),
				check.Each([]string{"3", "1000", "x"}, func(hops string) check.Judge {
					return check.Of("hops: "+hops, check.All(check.AtLeastOnce("a"), check.AtLeastOnce("next")))
				}),
			)),
		},
	},
	{
		Name: "broker/odd-requests",
		Drive: func(s *drive.Stage) {
			s.Apply(brokerOf("b", ""))
			s.Apply(triggerWith("t", "b", "$a", ""))
			s.Ready("Broker/b", "Trigger/t")
			s.Send("Broker/b", s.NewEvent())
			s.Expect("a", 1)
			s.Mark("methods")
			for _, m := range oddMethods {
				s.Post("Broker/b", drive.Post{Method: m})
			}
			s.Mark("options")
			s.Post("Broker/b", drive.Post{Method: http.MethodOptions})
			if check.NamespaceAndName(s.URL("Broker/b")) {
				for _, p := range []struct{ mark, path string }{
					{"unknown name", "/" + s.Namespace() + "/no-such-broker"}, {"unknown namespace", "/no-such-namespace/b"}, {"root", "/"},
					{"short path", "/" + s.Namespace()}, {"long path", "/" + s.Namespace() + "/b/more"},
				} {
					s.Mark(p.mark)
					s.Post("Broker/b", drive.Post{Event: s.NewEvent(), Path: p.path})
				}
			}
			for i, p := range malformed() {
				s.Mark(fmt.Sprintf("malformed: %d", i+1))
				s.Post("Broker/b", p)
			}
			s.Quiet("Broker/b", "a")
		},
		Verify: []Verification{
			verify("BRK-021", check.In("methods", check.Answered(http.StatusMethodNotAllowed))),
			verify("BRK-022", check.WherePath("Broker/b", check.All(
				check.Each([]string{"unknown name", "unknown namespace", "root"}, func(mark string) check.Judge { return check.In(mark, check.Answered(http.StatusNotFound)) }),
				check.Each([]string{"short path", "long path"}, func(mark string) check.Judge { return check.In(mark, check.Answered(http.StatusBadRequest)) }),
			))),
			verify("BRK-023", check.Rejects("malformed: ", badRequest, toA)),
			verify("CHN-009", check.In("options", check.OptionsAllowPost())),
		},
	},
	{
		Name: "broker/malformed-answers",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", answerByID(map[string]receiver.Respond{
				"e1": claim(structuredType, wholeEvent[:30]),
				"e2": claim(batchType, "["+wholeEvent+"]"),
				"e3": withoutAttribute("Ce-Id"),
				"e4": withoutAttribute("Ce-Source", ""),
				"e5": withoutAttribute("Ce-Specversion", "9.9"),
				"e6": receiver.Extend("a"),
			}))
			triggerA(s, "", sinkOf("$dls", retryQuickly(1)))
			s.Apply(triggerWith("every", "b", "$every", ""))
			s.Ready("Trigger/every")
			s.Send("Broker/b", s.Events(6)...)
			s.Expect("dls", 5)
			s.Expect("every", 7)
			s.Quiet("Broker/b", "every")
		},
		Verify: []Verification{
			verify("BRK-026", check.MalformedStayOut("a", "every", "dls")),
		},
	},
	{
		Name: "broker/dead-letters-name-the-subscriber",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Text(400, "text/plain", "the subscriber's own words"))
			s.Apply(brokerOf("b", sinkOf("$dls", "")))
			s.Apply(triggerWith("t", "b", "$a", onSource))
			s.Ready("Broker/b", "Trigger/t")
			s.Send("Broker/b", s.Events(2)...)
			s.Expect("dls", 2)
		},
		Verify: []Verification{
			verify("BRK-027", check.All(check.ErrorDest("a", "dls", "Trigger/t", "subscriber"), check.ErrorCode("a", "dls"), check.ErrorData("a", "dls"))),
		},
	},
	{
		Name: "broker/deleted",
		Drive: func(s *drive.Stage) {
			triggerA(s, "", "")
			s.Send("Broker/b", s.NewEvent())
			s.Expect("a", 1)
			s.Delete("Broker/b")
			s.Await("Broker/b", "to be gone", func(o *history.Object) bool { return o == nil })
			s.Mark("gone")
			s.Rejects("Broker/b")
		},
		Verify: []Verification{
			verify("BRK-028", check.In("gone", check.StopsAccepting())),
		},
	},
	{
		Name: "broker/failing-subscriber",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Status(500))
			triggerA(s, "", "delivery: {"+retryQuickly(1)+"}")
			s.Apply(triggerWith("u", "b", "$ok", onSource))
			s.Ready("Trigger/u")
			e := s.NewEvent()
			for range 4 { // a sender who is told of a failure tries again
				if s.Post("Broker/b", drive.Post{Event: e})/100 != 5 {
					break
				}
			}
			s.Expect("ok", 1)
			s.Expect("a", 2)
			s.Quiet("")
		},
		Verify: []Verification{
			verify("BRK-029", check.OnceASending("ok", "a")),
		},
	},
	{
		Name:  "broker/huge-and-endless-events",
		Harsh: true,
		Drive: func(s *drive.Stage) {
			triggerA(s, "", "")
			endless, huge, meanwhile := s.NewEvent(), s.NewEvent().WithData("application/octet-stream", bytes.Repeat([]byte("huge"), 8<<20)), s.Events(4)
			s.Mark("endless")
			s.Endlessly("Broker/b", drive.Post{Event: endless}, func() {
				s.Mark("meanwhile")
				s.Send("Broker/b", meanwhile[:2]...)
				s.Mark("huge")
				s.Send("Broker/b", huge)
				s.Mark("afterwards")
				s.Send("Broker/b", meanwhile[2:]...)
				s.Expect("a", s.Accepted())
			})
		},
		Verify: []Verification{
			verify("BRK-030", check.All(
				check.TakenOrRefused("huge", toA),
				check.Each([]string{"meanwhile", "afterwards"}, func(mark string) check.Judge { return check.Of(mark, check.Comes("its data", check.SameData, toA)) }),
			)),
		},
	},
}

// hops is how many Brokers an event and its answers may enter; maxLaps is when the harness ends a loop by itself.
const (
	hops    = 255
	maxLaps = 300
)

// loop sends an event into a loop and waits for its laps, for some at a time: what takes long in all is not stuck. The
// acknowledgement is not waited for, as who keeps senders waiting may try again what ended the loop for each lap before it.
func loop(s *drive.Stage, to, at string) {
	const some = 51
	s.Unwaited(to, s.NewEvent(), func() {
		for n := some; n <= hops && s.Expect(at, n); n += some {
		}
		s.Quiet("")
	})
}

// laps is a step that answers every event with the next of its lineage, so often.
func laps(most int) receiver.Respond {
	return receiver.Reply(func(in *event.Event) *event.Event {
		lap := 0
		_, _ = fmt.Sscan(in.Attr("lap"), &lap) // the first event has none
		if lap++; lap > most {
			return nil
		}
		return in.Clone().With("id", history.Root(in.ID())+fmt.Sprintf(".%d", lap)).With("source", "/step/laps").With("lap", fmt.Sprint(lap))
	})
}
