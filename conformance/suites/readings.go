package suites

import (
	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// readings are the scenarios of which nothing is judged: what a target does there is told, as no text decides it. Other
// scenarios have readings beside what is judged.
var readings = []Scenario{
	{
		Name: "broker/foreign-answers",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", answerByID(map[string]receiver.Respond{
				"e1": receiver.Text(200, "text/plain", "ok"),
				"e2": receiver.Text(200, "application/json", "{}"),
				"e3": receiver.Text(202, "text/html", "<html></html>"),
			}))
			triggerA(s, "", sinkOf("$dls", "retry: 1, backoffPolicy: linear, backoffDelay: PT0.01S"))
			s.Send("Broker/b", s.Events(3)...)
			s.Expect("a", 3)
			s.Quiet("")
		},
		Read: []Reading{read("BRK-025", check.ForeignAnswers("a Trigger", "a", "dls"))},
	},
	{
		// Between the Broker and itself the event passes channels, whose events come to the Broker from outside.
		Name:  "sequence/loop-through-a-broker",
		Needs: []string{"Sequence"},
		Drive: func(s *drive.Stage) {
			s.Receiver("a", laps(maxLaps))
			s.Apply(brokerOf("b", ""))
			s.Ready("Broker/b")
			s.Apply(sequenceOf("s", toBroker("b"), "$a"))
			s.Ready("Sequence/s")
			s.Apply(triggerWith("t", "b", "ref: {apiVersion: flows.knative.dev/v1, kind: Sequence, name: s}", ""))
			s.Ready("Trigger/t")
			loop(s, "Broker/b", "a")
		},
		Read: []Reading{read("SEQ-041", check.Loops("When does a loop through a Broker, a Trigger and a Sequence end?", "a", hops, maxLaps))},
	},
	{
		Name: "ordering/overtaking",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", answerByID(map[string]receiver.Respond{"e1": receiver.Attempts(receiver.Status(503), receiver.OK())}))
			subscribeA(s, "delivery: {retry: 1, backoffPolicy: linear, backoffDelay: PT0.1S}")
			s.Send("Channel/c", s.Events(5)...)
			s.Expect("a", 6)
		},
		Read: []Reading{read("ORD-002", check.Overtaking("a"))},
	},
	{
		Name:  "filters/that-say-nothing",
		Harsh: true,
		Needs: []string{"SubscriptionsAPIFilters"},
		Drive: func(s *drive.Stage) {
			s.Cold()
			s.Apply(brokerOf("b", "") + "---\n" + triggerWith("every", "b", "$every", ""))
			s.Ready("Broker/b", "Trigger/every")
			for name, filter := range map[string]string{"element": "{}", "negation": "{not: {}}"} {
				if s.Try(triggerWith(name, "b", "$"+name, "filters: ["+filter+"]")) {
					s.Await("Trigger/"+name, "to be reconciled", settled)
				}
			}
			if s.Send("Broker/b", s.NewEvent()); s.Accepted() > 0 { // the target may have fallen
				s.Expect("every", 1)
				s.Quiet("")
			}
		},
		Read: []Reading{
			read("FLT-029", check.EmptyFilters("What does an element {} of filters do?", "element", "every")),
			read("FLT-029", check.EmptyFilters("What does the filter not: {} do?", "negation", "every")),
		},
	},
}
