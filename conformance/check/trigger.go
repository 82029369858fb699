package check

import (
	"fmt"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// Judges of Triggers: what they show and what they wait for.

// triggerLegs are the destinations of a Trigger.
var triggerLegs = []leg{
	{"subscriber", []string{"subscriber"}, func(o *history.Object) string { return o.Status.SubscriberURI }},
	{"deadLetterSink", []string{"delivery", "deadLetterSink"}, func(o *history.Object) string { return o.Status.DeadLetterSinkURI }},
}

// WaitsForBroker wants a Trigger that was last seen without a Ready Broker to be Ready False. That its conditions say so of
// the Broker is recommended only (control-plane.md #trigger-lifecycle).
func WaitsForBroker(trigger, broker string) Judge {
	return func(v *history.View) Finding {
		if v.LastStatus(broker).Ready() {
			return Unclear("%s is Ready", broker)
		}
		if len(v.Statuses(trigger)) == 0 {
			return Unclear("%s was not looked at", trigger)
		}
		o := v.LastStatus(trigger)
		if o.Condition("Ready").Status != "False" {
			return Fail(trigger+" with Ready False without a Ready "+broker, orGone(o))
		}
		for _, c := range o.Status.Conditions {
			if says := c.Type + " " + c.Reason + " " + c.Message; c.Status != "True" && strings.Contains(strings.ToLower(says), "broker") {
				return Pass("Ready is False, and %s", strings.TrimSpace(says))
			}
		}
		return Pass("Ready is False, without a word on the Broker, which is recommended")
	}
}

func orGone(o *history.Object) string {
	if o == nil {
		return "it is not there"
	}
	return describe(o)
}

// Unresolvable wants a Trigger, as it was last seen, to be Ready False, to say why in a condition, and to show no URI of its
// subscriber (control-plane.md #trigger-lifecycle).
func Unresolvable(trigger string) Judge {
	return func(v *history.View) Finding {
		o := v.LastStatus(trigger)
		if o == nil {
			return Unclear("%s was not seen", trigger)
		}
		if uri := o.Status.SubscriberURI; uri != "" {
			return Fail("no status.subscriberUri of "+trigger, uri)
		}
		if o.Condition("Ready").Status != "False" {
			return Fail(trigger+" with Ready False", describe(o))
		}
		for _, c := range o.Status.Conditions {
			if c.Status != "True" && c.Reason+c.Message != "" {
				return Pass("Ready is False: %s", strings.TrimSpace(c.Type+" "+c.Reason+" "+c.Message))
			}
		}
		return Fail("a condition of "+trigger+" that says why it is not Ready", describe(o))
	}
}

// Labelled wants an object to carry a label.
func Labelled(object, label, value string) Judge {
	return func(v *history.View) Finding {
		o := v.LastStatus(object)
		if o == nil {
			return Unclear("%s was not seen", object)
		}
		is, there := o.Metadata.Labels[label]
		switch {
		case !there:
			return Fail(fmt.Sprintf("the label %s: %s on %s", label, value, object), "it has none of that name")
		case is != value:
			return Fail(fmt.Sprintf("the label %s: %s on %s", label, value, object), fmt.Sprintf("%q", is))
		}
		return Pass("%s: %s", label, is)
	}
}
