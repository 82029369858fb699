package suites

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// retryQuickly are delivery options with so many retries, close enough to each other that silence shows their end.
func retryQuickly(n int) string {
	return fmt.Sprintf("retry: %d, backoffPolicy: linear, backoffDelay: PT0.1S", n)
}

// sinkOf writes delivery options with a dead-letter sink; more is the rest of them.
func sinkOf(sink, more string) string {
	if more != "" {
		more = ", " + more
	}
	return "delivery: {deadLetterSink: " + dest(sink) + more + "}"
}

// subscribeA makes Channel c with Subscription sub of receiver a; more is the rest of the Subscription's spec.
func subscribeA(s *drive.Stage, more string) {
	s.Apply(channelOf("c", ""))
	s.Apply(subscriptionOf("sub", "c", "$a", more))
	s.Ready("Channel/c", "Subscription/sub")
}

// answerByID gives the event of each id its own script, and 202 to every other event.
func answerByID(scripts map[string]receiver.Respond) receiver.Respond {
	return receiver.ByEvent(func(e *event.Event) receiver.Respond {
		if e != nil && scripts[e.ID()] != nil {
			return scripts[e.ID()]
		}
		return receiver.OK()
	})
}

// awkwardBodies are answers of failing services: lengths around the 768 bytes that fill 1024 characters of base64, far
// beyond them, and content that must not get into a header as it is.
var awkwardBodies = []struct{ contentType, body string }{
	{"text/plain", ""},
	{"text/plain", strings.Repeat("a", 767)},
	{"text/plain", strings.Repeat("b", 768)},
	{"text/plain", strings.Repeat("c", 769)},
	{"text/plain", strings.Repeat("d", 1024)},
	{"text/plain", strings.Repeat("e", 4096)},
	{"text/plain", strings.Repeat("f", 1<<20)},
	{"application/octet-stream", string(allBytes())},
	{"text/html; charset=utf-8", "<!DOCTYPE html>\n<html>\n<head><title>502 Bad Gateway</title></head>\n<body class=\"e\"><h1>Bad Gateway</h1></body>\n</html>\n"},
	{"text/plain", "line one\r\nCe-Injected: yes\r\n\r\nbody"},
	{"application/json; charset=utf-8", `{"error": "no \"route\"", "hint": "größer als 5 €", "at": "C:\\tmp"}` + "\n"},
	{"text/plain", "\x00\t\x7f\xff\xfe not UTF-8"},
	{"text/plain", "???>>>~~~"}, // standard and URL-safe base64 differ here
}

func allBytes() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}

// richEvents are events whose every part could get lost in a dead letter.
func richEvents(s *drive.Stage) []*event.Event {
	rich := s.NewEvent().With("subject", "grüße/1 2").With("time", "2020-02-29T23:59:59.123456789Z").
		With("dataschema", "https://example.com/schema#v1").With("traceid", "0af7651916cd43dd8448eb211c80319c").
		With("flag", "true").WithData("application/json; charset=utf-8", []byte(`{"n": 1.50, "s": "é"}`))
	binary := s.NewEvent().WithData("application/octet-stream", allBytes())
	none := s.NewEvent()
	none.Remove("datacontenttype")
	none.Data = nil
	return []*event.Event{rich, binary, none}
}

// Places and forms of a dead-letter sink; the names of the objects are <place><form>.
var (
	sinkPlaces = []string{"sub", "chan"} // and step and branch, of those who claim to have such
	sinkForms  = []struct{ name, words, path string }{
		{"ref", "ref", ""},
		{"uri", "uri", ""},
		{"rel", "ref and relative uri", "/letters/in"},
	}
)

func sinkForm(form, receiver string) string {
	switch form {
	case "ref":
		return "ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: " + receiver + "}"
	case "rel":
		return "ref: {apiVersion: v1, kind: Service, name: " + receiver + "}, uri: /letters/in"
	}
	return "$" + receiver
}

// sinkAddress is where events go in whose options the sink of a place and form is.
func sinkAddress(place, form string) string {
	switch place {
	case "step":
		return "Sequence/" + place + form
	case "branch":
		return "Parallel/" + place + form
	}
	return "Channel/" + place + form
}

func driveSinkForms(s *drive.Stage) {
	s.Receiver("a", receiver.Status(400))
	places := slices.Clone(sinkPlaces)
	if s.Claims("Sequence") {
		places = append(places, "step")
	}
	if s.Claims("Parallel") {
		places = append(places, "branch")
	}
	for _, f := range sinkForms {
		for _, place := range places {
			name := place + f.name
			sink := "dls" + name
			switch f.name {
			case "ref":
				s.Service("KService", sink)
			case "rel":
				s.Service("Service", sink)
			}
			options := sinkOf(sinkForm(f.name, sink), "")
			switch place {
			case "step":
				s.Apply(sequenceOf(name, "", "uri: $a, "+options))
				s.Ready("Sequence/" + name)
			case "branch":
				s.Apply(parallelOf(name, "", branch("", "$a", options)))
				s.Ready("Parallel/" + name)
			case "sub":
				s.Apply(channelOf(name, ""))
				s.Apply(subscriptionOf(name, name, "$a", options))
				s.Ready("Channel/"+name, "Subscription/"+name)
			case "chan":
				s.Apply(channelOf(name, options))
				s.Apply(subscriptionOf(name, name, "$a", ""))
				s.Ready("Channel/"+name, "Subscription/"+name)
			}
		}
	}
	for _, f := range sinkForms {
		for _, place := range places {
			s.Send(sinkAddress(place, f.name), s.NewEvent())
			s.Expect("dls"+place+f.name, 1)
		}
	}
}

func sinkFormJudge(places ...string) check.Judge {
	var judges []check.Judge
	for _, f := range sinkForms {
		for _, place := range places {
			judges = append(judges, check.SinkAt(sinkAddress(place, f.name), "dls"+place+f.name, f.path, f.words))
		}
	}
	return check.All(judges...)
}

// deadLetter is the chapter on events that cannot be delivered, and on what their dead letters carry.
var deadLetter = []Scenario{
	{
		Name: "deadletter/after-the-last-attempt",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Attempts(
				receiver.Text(503, "text/plain", "first"), receiver.Text(500, "text/plain", "second"), receiver.Text(502, "text/plain", "third and last")))
			subscribeA(s, sinkOf("$dls", retryQuickly(2)))
			s.Send("Channel/c", s.Events(2)...)
			s.Expect("dls", 2)
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("DLV-026", check.DeadLettered("a", "dls", 3)),
			verify("DLV-029", check.ErrorDest("a", "dls", "Subscription/sub", "subscriber")),
			verify("DLV-030", check.ErrorCode("a", "dls")),
			verify("DLV-031", check.ErrorData("a", "dls")),
		},
	},
	{
		Name: "deadletter/no-sink",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", answerByID(map[string]receiver.Respond{"e1": receiver.Status(503)}))
			subscribeA(s, "delivery: {"+retryQuickly(2)+"}")
			s.Send("Channel/c", s.Events(5)...)
			s.Expect("a", 3+4)
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("DLV-027", check.Dropped("a", "e1", 3)),
		},
	},
	{
		Name: "deadletter/keeps-the-event",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Status(400))
			subscribeA(s, sinkOf("$dls", ""))
			s.Send("Channel/c", richEvents(s)...)
			for _, e := range richEvents(s) {
				s.Post("Channel/c", drive.Post{Event: e, Mode: event.Structured})
			}
			s.Expect("dls", 6)
		},
		Verify: []Verification{
			verify("DLV-028", check.LetterKeepsEvent("dls")),
		},
	},
	{
		Name:  "deadletter/awkward-answers",
		Harsh: true,
		Drive: func(s *drive.Stage) {
			scripts := map[string]receiver.Respond{}
			for i, b := range awkwardBodies { // every other event is refused; those between are accepted
				scripts[fmt.Sprintf("e%d", 2*i+1)] = receiver.Text(400, b.contentType, b.body)
			}
			s.Receiver("a", answerByID(scripts))
			subscribeA(s, sinkOf("$dls", ""))
			s.Send("Channel/c", s.Events(2*len(awkwardBodies))...)
			s.Expect("dls", len(awkwardBodies))
			s.Expect("a", 2*len(awkwardBodies))
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("DLV-031", check.ErrorData("a", "dls")),
			verify("DLV-032", check.ErrorDataCut("a", "dls")),
			verify("DLV-035", check.AnswersDoNotMatter("a", "dls")),
		},
	},
	{
		// Error answers of which a part is missing: there is nothing to be read, and nothing to stumble over.
		Name: "deadletter/broken-error-answers",
		Drive: func(s *drive.Stage) {
			failure := receiver.Text(503, "text/plain", string(longText))
			s.Receiver("a", answerByID(map[string]receiver.Respond{
				"e1": receiver.Faulty(receiver.Truncate, 5, failure),
				"e3": receiver.Faulty(receiver.TruncateChunked, 5, failure),
				"e5": receiver.Faulty(receiver.ResetBody, 5, failure),
			}))
			subscribeA(s, sinkOf("$dls", ""))
			s.Send("Channel/c", s.Events(6)...)
			s.Expect("dls", 3)
			s.Expect("a", 6)
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("DLV-035", check.AnswersDoNotMatter("a", "dls")),
		},
	},
	{
		Name: "deadletter/failure-below-http",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Faulty(receiver.Reset, 0, receiver.OK()))
			refused := s.Refusing().Base() + "/refused"
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("sub", "c", "$a", sinkOf("$dls", "")))
			s.Apply(subscriptionOf("refused", "c", refused, sinkOf("$dlsrefused", "")))
			s.Ready("Channel/c", "Subscription/sub", "Subscription/refused")
			s.Send("Channel/c", s.NewEvent())
			s.Expect("dls", 1)
			s.Expect("dlsrefused", 1)
		},
		Verify: []Verification{
			verify("DLV-033", check.All(check.ErrorBelowHTTP("dls"), check.ErrorBelowHTTP("dlsrefused"))),
		},
		Read: []Reading{read("DLV-033", check.LettersBelowHTTP("dls"))},
	},
	{
		Name:  "deadletter/no-answer-in-time",
		Needs: []string{"DeliveryTimeout"},
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Faulty(receiver.Hang, 0, receiver.OK()))
			subscribeA(s, sinkOf("$dls", "timeout: PT0.4S"))
			s.Send("Channel/c", s.NewEvent())
			s.Expect("dls", 1)
		},
		Verify: []Verification{
			verify("DLV-033", check.ErrorBelowHTTP("dls")),
		},
	},
	{
		// A dead-letter sink that is a channel, whose own subscriber fails: the second dead letter tells of that. The
		// last event brings error extensions of its sender.
		Name: "deadletter/of-a-dead-letter",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Text(503, "text/plain", "first failure"))
			s.Receiver("b", receiver.Text(400, "text/plain", "second failure, a longer text"))
			s.Apply(channelOf("letters", ""))
			s.Apply(subscriptionOf("second", "letters", "$b", sinkOf("$dls", "")))
			s.Ready("Channel/letters", "Subscription/second")
			subscribeA(s, sinkOf("ref: {apiVersion: messaging.knative.dev/v1, kind: Channel, name: letters}", ""))
			s.Send("Channel/c", s.Events(2)...)
			s.Send("Channel/letters", s.NewEvent().With("knativeerrordest", "http://example.com/stale").
				With("knativeerrorcode", "418").With("knativeerrordata", "c3RhbGU="))
			s.Expect("dls", 3)
		},
		Verify: []Verification{
			verify("DLV-034", check.All(
				check.ErrorDest("b", "dls", "Subscription/second", "subscriber"), check.ErrorCode("b", "dls"), check.ErrorData("b", "dls"))),
		},
	},
	{
		Name: "deadletter/sink-fails-for-a-moment",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Status(400))
			s.Receiver("dls", receiver.Attempts(receiver.Status(503), receiver.Status(503), receiver.OK()))
			subscribeA(s, sinkOf("$dls", retryQuickly(3)))
			s.Send("Channel/c", s.Events(2)...)
			s.Expect("dls", 6)
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("DLV-036", check.SinkRetried("dls", 3)),
		},
	},
	{
		Name: "deadletter/sink-fails-for-good",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Status(503))
			s.Receiver("dls", receiver.Status(503))
			subscribeA(s, sinkOf("$dls", retryQuickly(1)))
			s.Send("Channel/c", s.Events(2)...)
			s.Until("both dead letters", func(v *history.View) bool { // the sink may be tried again for one before the other comes
				return len(v.Attempts("dls", "e1")) > 0 && len(v.Attempts("dls", "e2")) > 0
			})
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("DLV-037", check.LostForGood("a", "dls", 2)),
		},
	},
	{
		Name: "deadletter/sink-answers",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Status(400))
			s.Receiver("dls", receiver.Extend("dls"))
			subscribeA(s, "reply: {uri: $r}, "+sinkOf("$dls", ""))
			s.Send("Channel/c", s.Events(2)...)
			s.Expect("dls", 2)
			s.Quiet("Channel/c", "a", "r")
		},
		Verify: []Verification{
			verify("DLV-038", check.SinkAnswerIgnored("dls")),
		},
	},
	{
		Name: "deadletter/final-answer",
		Drive: func(s *drive.Stage) {
			scripts := map[string]receiver.Respond{}
			for i, code := range []int{400, 401, 403, 410, 422} {
				scripts[fmt.Sprintf("e%d", i+1)] = receiver.Status(code)
			}
			s.Receiver("a", answerByID(scripts))
			subscribeA(s, sinkOf("$dls", retryQuickly(5)))
			s.Send("Channel/c", s.Events(len(scripts))...)
			s.Expect("dls", len(scripts))
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("DLV-039", check.DeadLettered("a", "dls", 1)),
			verify("DLV-030", check.ErrorCode("a", "dls")),
		},
	},
	{
		Name:  "deadletter/places-and-forms",
		Slow:  true,
		Drive: driveSinkForms,
		Verify: []Verification{
			verify("DLV-061", check.Besides("Sequence", check.Besides("Parallel", sinkFormJudge(sinkPlaces...), sinkFormJudge("branch")), sinkFormJudge("step"))),
		},
	},
}

// longText is data that does not fit into the bytes that come through before an answer breaks off.
var longText = bytes.Repeat([]byte("sequitur "), 20)
