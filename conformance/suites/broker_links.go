package suites

import (
	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// brokerSinkPlaces are the objects around a Broker that have delivery options.
var brokerSinkPlaces = []string{"broker", "trigger"}

// eachBrokerSink calls f for each place and form of a dead-letter sink; the Broker, its Trigger and the sink are named
// after them.
func eachBrokerSink(f func(place, form, words, path string)) {
	for _, form := range sinkForms {
		for _, place := range brokerSinkPlaces {
			f(place, form.name, form.words, form.path)
		}
	}
}

func brokerSinkJudges() []check.Judge {
	var judges []check.Judge
	eachBrokerSink(func(place, form, words, path string) {
		judges = append(judges, check.SinkAt("Broker/"+place+form, "dls"+place+form, path, words))
	})
	return judges
}

// brokerLinks are the scenarios on Brokers and Triggers that are linked with other objects.
var brokerLinks = []Scenario{
	{
		Name: "broker/into-channels",
		Drive: func(s *drive.Stage) {
			s.Receiver("bad", receiver.Status(400))
			for _, c := range []string{"in", "letters"} {
				s.Apply(channelOf(c, ""))
				s.Apply(subscriptionOf(c, c, "$"+c, ""))
			}
			s.Ready("Channel/in", "Channel/letters", "Subscription/in", "Subscription/letters")
			s.Apply(brokerOf("b", "") + "---\n" + brokerOf("c", "delivery: {deadLetterSink: {"+toChannel("letters")+"}}"))
			s.Apply(triggerWith("in", "b", toChannel("in"), ""))
			s.Apply(triggerWith("own", "b", "$bad", "delivery: {deadLetterSink: {"+toChannel("letters")+"}}"))
			s.Apply(triggerWith("inherited", "c", "$bad", ""))
			s.Ready("Broker/b", "Broker/c", "Trigger/in", "Trigger/own", "Trigger/inherited")
			s.Mark("subscriber and sink of a Trigger")
			s.Send("Broker/b", s.NewEvent().With("sequiturext", "kept"))
			s.Mark("sink of a Broker")
			s.Send("Broker/c", s.NewEvent().With("sequiturext", "kept"))
			s.Expect("in", 1)
			s.Expect("letters", 2)
		},
		Verify: []Verification{
			verify("CHN-023", func(v *history.View) check.Finding {
				letters := []string{"sequiturext"}
				if v.Claims["DeadLetterExtensions"] {
					letters = append(letters, "knativeerrordest", "knativeerrorcode")
				}
				return check.All(
					check.Of("subscriber and sink of a Trigger", check.All(check.AttributesReach("in", "sequiturext"), check.AttributesReach("letters", letters...))),
					check.Of("sink of a Broker", check.AttributesReach("letters", letters...)),
				)(v)
			}),
		},
	},
	{
		Name: "broker/places-and-forms-of-sinks",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Status(400))
			var all []string
			eachBrokerSink(func(place, form, _, _ string) {
				name, sink := place+form, "dls"+place+form
				switch form {
				case "ref":
					s.Service("KService", sink)
				case "rel":
					s.Service("Service", sink)
				}
				ofBroker, ofTrigger := sinkOf(sinkForm(form, sink), ""), ""
				if place == "trigger" {
					ofBroker, ofTrigger = "", ofBroker
				}
				s.Apply(brokerOf(name, ofBroker))
				s.Apply(triggerWith(name, name, "$a", ofTrigger))
				all = append(all, name)
			})
			for _, name := range all {
				s.Ready("Broker/"+name, "Trigger/"+name)
				s.Send("Broker/"+name, s.NewEvent())
				s.Expect("dls"+name, 1)
			}
		},
		Verify: []Verification{
			verify("DLV-061", check.All(brokerSinkJudges()...)),
		},
	},
	{
		Name: "broker/as-reply-of-a-subscription",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", answering("a"))
			s.Apply(brokerOf("b", "") + "---\n" + channelOf("c", ""))
			s.Ready("Broker/b", "Channel/c")
			s.Apply(triggerOf("t", "b", answerType, "$sink"))
			s.Apply(subscriptionOf("x", "c", "$a", "reply: {"+toBroker("b")+"}"))
			s.Ready("Trigger/t", "Subscription/x")
			s.Send("Channel/c", s.Events(3)...)
			s.Expect("sink", 3)
		},
		Verify: []Verification{
			verify("SUB-007", check.RepliesReach("a", "sink")),
		},
	},
}
