package suites

import (
	"net/http"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// answerRichly is a step whose answer has everything an answer could lose.
func answerRichly(who string) receiver.Respond {
	return receiver.Reply(func(in *event.Event) *event.Event {
		out := event.New(in.ID()+"."+who, "https://example.com/step?a=b#"+who, "com.example.answer.v1").
			With("subject", "größe/5 €").With("time", "2021-03-04T05:06:07.000000001Z").With("dataschema", "urn:schema:1").
			With("traceid", "00f067aa0ba902b7").WithData("application/json; charset=utf-8", []byte(`{"text": "a \"b\" ü", "n": 1.50}`))
		out.SetTyped(event.Attr{Name: "count", Value: "42", Kind: event.Integer})
		out.SetTyped(event.Attr{Name: "final", Value: "true", Kind: event.Boolean})
		return out
	})
}

// answerLongly is a step whose answer's data is much longer than what comes through before a fault.
func answerLongly(who string) receiver.Respond {
	return receiver.Reply(func(in *event.Event) *event.Event {
		return event.New(in.ID()+"."+who, "/step/"+who, "answer").WithData("text/plain", longText)
	})
}

// replyTo is the rest of a Subscription with a reply and delivery options.
func replyTo(reply, more string) string { return "reply: " + dest(reply) + ", " + more }

// claim answers 200 with a body that claims to be a CloudEvent in the mode of a content type.
func claim(contentType, body string) receiver.Respond { return receiver.Text(200, contentType, body) }

const (
	structuredType = "application/cloudevents+json"
	batchType      = "application/cloudevents-batch+json"
	wholeEvent     = `{"specversion":"1.0","id":"x1","source":"/step/a","type":"t","data":{}}`
)

// withoutAttribute is a binary answer that lacks or changes one header, with the id of the event it answers.
func withoutAttribute(header string, value ...string) receiver.Respond {
	return receiver.With(receiver.Extend("a"), func(a *receiver.Answer) {
		h := http.Header{}
		body := a.Event.Write(h, event.Binary)
		h[header] = value
		if len(value) == 0 {
			delete(h, header)
		}
		a.Status, a.Event, a.Header, a.Body = 200, nil, h, body
	})
}

// answers is the chapter on the events in subscribers' answers.
var answers = []Scenario{
	{
		Name: "answers/to-the-reply-destination",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", answerRichly("a"))
			s.Receiver("b", receiver.InMode(event.Structured, answerRichly("b")))
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("binary", "c", "$a", "reply: {uri: $ra}"))
			s.Apply(subscriptionOf("structured", "c", "$b", "reply: {uri: $rb}"))
			s.Ready("Channel/c", "Subscription/binary", "Subscription/structured")
			s.Send("Channel/c", s.Events(3)...)
			s.Expect("ra", 3)
			s.Expect("rb", 3)
		},
		Verify: []Verification{
			verify("DLV-040", check.All(check.AnswersDelivered("a", "ra"), check.AnswersDelivered("b", "rb"))),
			verify("DLV-053", check.All(check.AnswersKept("a", "ra"), check.AnswersKept("b", "rb"))),
		},
	},
	{
		Name: "answers/accepted-202-is-not-routed",
		Drive: func(s *drive.Stage) {
			accepted := receiver.With(receiver.Extend("a"), func(a *receiver.Answer) { a.Status = 202 })
			s.Receiver("a", answerByID(map[string]receiver.Respond{
				"e1": accepted, "e2": receiver.InMode(event.Structured, accepted),
			}))
			subscribeA(s, replyTo("$r", sinkOf("$dls", retryQuickly(2))))
			s.Send("Channel/c", s.Events(2)...)
			s.Expect("a", 2)
			s.Quiet("Channel/c", "a", "r")
		},
		Verify: []Verification{
			verify("DLV-041", check.CompletedWithoutReply("a", 202, true, "r", "dls")),
		},
		Read: []Reading{read("DLV-041", check.AcceptedAnswers("a", "r"))},
	},
	{
		Name: "answers/no-event-in-200",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", answerByID(map[string]receiver.Respond{
				"e1": receiver.Status(200),
				"e2": receiver.Text(200, "text/plain", "ok"),
				"e3": receiver.Text(200, "application/json", "{}"),
			}))
			subscribeA(s, replyTo("$r", sinkOf("$dls", retryQuickly(2))))
			s.Send("Channel/c", s.Events(3)...)
			s.Expect("a", 3)
			s.Quiet("Channel/c", "a", "r")
		},
		Verify: []Verification{
			verify("DLV-042", check.CompletedWithoutReply("a", 200, false, "r", "dls")),
		},
		Read: []Reading{read("BRK-025", check.ForeignAnswers("a Subscription", "a", "dls"))},
	},
	{
		Name: "answers/reply-fails-for-a-moment",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Extend("a"))
			s.Receiver("r", receiver.Attempts(receiver.Status(503), receiver.Status(503), receiver.OK()))
			subscribeA(s, replyTo("$r", "delivery: {"+retryQuickly(3)+"}"))
			s.Send("Channel/c", s.Events(2)...)
			s.Expect("r", 6)
			s.Quiet("Channel/c", "a", "r")
		},
		Verify: []Verification{
			verify("DLV-043", check.DeliveryRepeated("a", "r")),
			verify("DLV-044", check.ReplyTriedAgain("a", "r")),
		},
		Read: []Reading{read("DLV-043", check.FailedReply("a", "r"))},
	},
	{
		// e1's answer is refused in a way that may pass, e2's for good. A second Subscription has a sink of its own.
		Name: "answers/reply-fails-for-good",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Extend("a"))
			s.Receiver("r", receiver.ByEvent(func(e *event.Event) receiver.Respond {
				if e != nil && e.ID() == "e2.a" {
					return receiver.Status(400)
				}
				return receiver.Status(503)
			}))
			subscribeA(s, replyTo("$r", sinkOf("$dls", retryQuickly(1))))
			s.Apply(subscriptionOf("other", "c", "$b", sinkOf("$dlsother", "")))
			s.Ready("Subscription/other")
			s.Send("Channel/c", s.Events(2)...)
			s.Expect("dls", 2)
			s.Quiet("Channel/c", "a", "r", "b")
		},
		Verify: []Verification{
			verify("DLV-045", check.ReplyDeadLettered("r", "dls", "dlsother")),
			verify("DLV-046", check.LetterIsInput("a", "dls", "Subscription/sub")),
		},
	},
	{
		Name: "answers/broken-off",
		Drive: func(s *drive.Stage) {
			whole := answerLongly("a")
			structured := receiver.InMode(event.Structured, whole)
			first := func(f receiver.Fault, at int, r receiver.Respond) receiver.Respond {
				return receiver.Attempts(receiver.Faulty(f, at, r), r)
			}
			s.Receiver("a", answerByID(map[string]receiver.Respond{
				"e1": first(receiver.Truncate, 5, whole),
				"e2": first(receiver.TruncateChunked, 5, whole),
				"e3": first(receiver.ResetBody, 5, whole),
				"e4": first(receiver.Truncate, 5, structured),
				"e5": first(receiver.TruncateChunked, len(longText), structured),
				"e6": first(receiver.TruncateChunked, len(longText), whole), // nothing but the last chunk is missing
			}))
			subscribeA(s, replyTo("$r", "delivery: {"+retryQuickly(3)+"}"))
			s.Send("Channel/c", s.Events(6)...)
			s.Expect("r", 6)
			s.Quiet("Channel/c", "a", "r")
		},
		Verify: []Verification{
			verify("DLV-049", check.BrokenAnswerRetried("a", "r")),
		},
	},
	{
		// The first answer would take nine seconds: header and five bytes at once, the rest byte by byte.
		Name:  "answers/slower-than-the-timeout",
		Needs: []string{"DeliveryTimeout"},
		Drive: func(s *drive.Stage) {
			whole := answerLongly("a")
			slow := receiver.With(receiver.Faulty(receiver.Trickle, 5, whole), func(a *receiver.Answer) { a.Every = 50 * time.Millisecond })
			s.Receiver("a", receiver.Attempts(slow, whole))
			subscribeA(s, replyTo("$r", "delivery: {timeout: PT0.4S, "+retryQuickly(5)+"}"))
			s.Send("Channel/c", s.NewEvent())
			s.Expect("r", 1)
			s.Quiet("Channel/c", "a", "r")
		},
		Verify: []Verification{
			verify("DLV-050", check.SlowAnswerRetried("a", "r")),
		},
	},
	{
		Name: "answers/malformed",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", answerByID(map[string]receiver.Respond{
				"e1": claim(structuredType, wholeEvent[:30]),
				"e2": claim(structuredType, "no JSON at all"),
				"e3": claim(structuredType+"; charset=utf-8", `["not", "an", "object"]`),
				"e4": claim(batchType, "["+wholeEvent+"]"),
				"e5": claim(batchType, "["+wholeEvent+","+wholeEvent+"]"),
				"e6": receiver.Extend("a"),
			}))
			subscribeA(s, replyTo("$r", sinkOf("$dls", retryQuickly(1))))
			s.Send("Channel/c", s.Events(6)...)
			s.Expect("dls", 5)
			s.Expect("r", 1)
			s.Quiet("Channel/c", "a", "r")
		},
		Verify: []Verification{
			verify("DLV-051", check.OnlyValidAnswers("a", "r", "dls")),
		},
	},
	{
		Name: "answers/attributes-missing",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", answerByID(map[string]receiver.Respond{
				"e1": withoutAttribute("Ce-Id"),
				"e2": withoutAttribute("Ce-Source"),
				"e3": withoutAttribute("Ce-Type"),
				"e4": withoutAttribute("Ce-Id", ""),
				"e5": withoutAttribute("Ce-Type", ""),
				"e6": receiver.Extend("a"),
			}))
			subscribeA(s, "reply: {uri: $r}")
			s.Send("Channel/c", s.Events(6)...)
			s.Expect("a", 6)
			s.Expect("r", 1)
			s.Quiet("Channel/c", "a", "r")
		},
		Verify: []Verification{
			verify("DLV-052", check.OnlyValidAnswers("a", "r", "")),
		},
	},
	{
		Name:  "answers/delivery-format",
		Needs: []string{"DeliveryFormat"},
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("binary", "c", "$a", "delivery: {format: binary}"))
			s.Apply(subscriptionOf("json", "c", "$b", "delivery: {format: json}"))
			for name, format := range map[string]string{"upper": "JSON", "title": "Binary", "other": "structured"} {
				s.Try(subscriptionOf(name, "c", "$wrong", "delivery: {format: "+format+"}"))
			}
			s.Ready("Channel/c", "Subscription/binary", "Subscription/json")
			s.Send("Channel/c", s.Events(2)...)
			for _, e := range s.Events(2) {
				s.Post("Channel/c", drive.Post{Event: e, Mode: event.Structured})
			}
			s.Expect("a", 4)
			s.Expect("b", 4)
		},
		Verify: []Verification{
			verify("DLV-054", check.All(check.DeliveredIn("binary", "a"), check.DeliveredIn("structured", "b"),
				check.Each([]string{"upper", "title", "other"}, func(name string) check.Judge { return check.Refused("Subscription/" + name) }))),
		},
	},
}
