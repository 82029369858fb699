package suites

import (
	"fmt"
	"strconv"
	"strings"
)

// shownTrigger writes the status line of a Trigger with its spec's subscriber and dead-letter sink as JSON.
func shownTrigger(name, subscriber, sink, rest string) string {
	line := "5ms status Trigger/" + name + " Ready=True spec.subscriber=" + strconv.Quote(subscriber)
	if sink != "" {
		line += " spec.delivery=" + strconv.Quote(`{"deadLetterSink":`+sink+`}`)
	}
	return line + " " + rest + "\n"
}

// triggerURIs is a history of three Triggers of which x and z show these URIs; what came to whom follows.
func triggerURIs(x, z, rest string) string {
	return `1ms status KService/k Ready=True url=http://k.ns.example.com
		` + shownTrigger("x", `{"ref":{"apiVersion":"serving.knative.dev/v1","kind":"Service","name":"k","namespace":"ns"}}`, "", x) +
		shownTrigger("w", `{"uri":"http://a/path?x=1"}`, "", "status.subscriberUri=http://a/path?x=1") +
		shownTrigger("z", `{"ref":{"apiVersion":"v1","kind":"Service","name":"svc","namespace":"ns"},"uri":"/sub/path"}`, "", z) + rest
}

const atAllThree = `
	6ms send Broker/b e1 -> 202
	7ms recv k e1
	7ms recv a e1
	7ms recv svc e1`

// labelled is a history of three Triggers, x with this label.
func labelled(x string) string {
	line := func(name, label string) string {
		return "1ms status Trigger/" + name + " Ready=True " + label + "\n"
	}
	return line("x", x) + line("w", "label.eventing.knative.dev/broker=b") + line("z", "label.eventing.knative.dev/broker=b")
}

// dangling is a history of three Triggers in which the others are as they should be.
func dangling(lost string) string {
	return `1ms status Trigger/lost Ready=True status.subscriberUri=http://gone/
		2ms status Trigger/absent Ready=False:SubscriberResolveFailed:gone
		3ms status Trigger/silent Ready=False SubscriberResolved=False:NotAddressable
		4ms delete Channel/gone
		` + lost
}

// firstTriggers is a history of fresh Triggers of which some lose their first event.
func firstTriggers(loses func(name string) bool) string {
	return strings.ReplaceAll(firstEvents(loses), "send Channel/", "send Broker/")
}

// offered writes the offers of Triggers; those named are taken, the others refused.
func offered(all []string, taken ...string) string {
	var b strings.Builder
	for i, name := range all {
		fmt.Fprintf(&b, "%dms apply Trigger/%s", i+1, name)
		good := false
		for _, t := range taken {
			good = good || t == name
		}
		if !good {
			b.WriteString(` -> refused "metadata.annotations: not this way"`)
		}
		b.WriteString("\n")
	}
	return b.String()
}

var (
	dependencyOffers = []string{"good", "own", "bad-0", "bad-1", "bad-2", "bad-3", "bad-4", "bad-5", "bad-6"}
	injectionOffers  = []string{"enabled", "disabled", "word-true", "upper", "empty", "other-enabled", "other-disabled"}
)

// triggersUpdated is a history of Triggers that were changed; what became of the events after that follows.
const triggersUpdated = `
	1ms send Broker/b e1 -> 202
	2ms recv subold e1
	2ms recv bad e1 -> 500
	3ms recv dlsold e1
	4ms mark after
	5ms send Broker/b e2 colour=red -> 202
	5ms send Broker/b e3 colour=blue -> 202
	`

// takenUp is what becomes of them where every change has taken effect.
const takenUp = `
	6ms recv subnew e2 colour=red
	6ms recv subnew e3 colour=blue
	6ms recv filtered e3 colour=blue
	7ms recv bad e2 colour=red -> 500
	8ms recv bad e2 colour=red -> 500
	9ms recv bad e2 colour=red -> 500
	7ms recv bad e3 colour=blue -> 500
	8ms recv bad e3 colour=blue -> 500
	9ms recv bad e3 colour=blue -> 500
	10ms recv dlsnew e2 colour=red
	10ms recv dlsnew e3 colour=blue
	`

var triggerExamples = []example{
	{
		scenario: "trigger/shows-uris", requirement: "TRG-001",
		good: []string{triggerURIs("status.subscriberUri=http://k.ns.example.com/", "status.subscriberUri=http://svc.ns.svc.cluster.local/sub/path", atAllThree)},
		bad: []string{
			// the relative part is dropped
			triggerURIs("status.subscriberUri=http://k.ns.example.com", "status.subscriberUri=http://svc.ns.svc.cluster.local", atAllThree),
			triggerURIs("", "status.subscriberUri=http://svc.ns.svc.cluster.local/sub/path", atAllThree),
			triggerURIs("status.subscriberUri=http://other/", "status.subscriberUri=http://svc.ns.svc.cluster.local/sub/path", atAllThree),
			// shown, and not what is called
			triggerURIs("status.subscriberUri=http://k.ns.example.com", "status.subscriberUri=http://svc.ns.svc.cluster.local/sub/path", `
				6ms send Broker/b e1 -> 202
				7ms recv k e1
				7ms recv a e1`)},
	},
	{
		scenario: "trigger/shows-uris", requirement: "TRG-015",
		good: []string{labelled("label.eventing.knative.dev/broker=b")},
		bad:  []string{labelled(""), labelled("label.eventing.knative.dev/broker=default")},
	},
	{
		scenario: "trigger/shows-uris", requirement: "TRG-018",
		good: []string{`1ms status Trigger/x Ready=True BrokerReady=True SubscriptionReady=True DependencyReady=True SubscriberResolved=True
			2ms status Trigger/x Ready=True BrokerReady=True SubscriptionReady=True DependencyReady=True SubscriberResolved=True DeadLetterSinkResolved=True`},
		bad: []string{`1ms status Trigger/x Ready=True BrokerReady=True SubscriptionReady=True DependencyReady=True SubscriberResolved=True`},
	},
	{
		scenario: "trigger/before-its-broker", requirement: "TRG-002",
		good: []string{
			`1ms mark "no broker"
			2ms status Trigger/x Ready=False:BrokerDoesNotExist
			3ms mark "broker not ready"
			4ms status Broker/b Ready=False:DeadLetterSinkNotResolved
			5ms status Trigger/x Ready=False:BrokerNotReady
			6ms mark complete
			7ms status Broker/b Ready=True
			8ms status Trigger/x Ready=True
			9ms send Broker/b e1 -> 202
			10ms recv a e1`,
			// without a reason, which is recommended only; and unknown at first
			`1ms mark "no broker"
			2ms status Trigger/x Ready=Unknown
			2ms status Trigger/x Ready=False
			3ms mark "broker not ready"
			4ms status Trigger/x Ready=False
			6ms mark complete
			8ms status Trigger/x Ready=True
			9ms send Broker/b e1 -> 202
			10ms recv a e1`},
		bad: []string{
			// Ready without a Broker
			`1ms mark "no broker"
			2ms status Trigger/x Ready=True
			3ms mark "broker not ready"
			4ms status Trigger/x Ready=False
			6ms mark complete
			8ms status Trigger/x Ready=True
			9ms send Broker/b e1 -> 202
			10ms recv a e1`,
			// nobody looks at it before there is a Broker
			`1ms mark "no broker"
			2ms status Trigger/x
			3ms mark "broker not ready"
			4ms status Trigger/x Ready=False
			6ms mark complete
			8ms status Trigger/x Ready=True
			9ms send Broker/b e1 -> 202
			10ms recv a e1`,
			// Ready before its Broker is
			`1ms mark "no broker"
			2ms status Trigger/x Ready=False
			3ms mark "broker not ready"
			4ms status Broker/b Ready=False
			4ms status Trigger/x Ready=True
			6ms mark complete
			8ms status Trigger/x Ready=True
			9ms send Broker/b e1 -> 202
			10ms recv a e1`,
			// stuck
			`1ms mark "no broker"
			2ms status Trigger/x Ready=False
			3ms mark "broker not ready"
			4ms status Trigger/x Ready=False
			6ms mark complete
			8ms status Trigger/x Ready=False`,
			// Ready and not served
			`1ms mark "no broker"
			2ms status Trigger/x Ready=False
			3ms mark "broker not ready"
			4ms status Trigger/x Ready=False
			6ms mark complete
			8ms status Trigger/x Ready=True
			9ms send Broker/b e1 -> 202`},
	},
	{
		scenario: "trigger/dangling-subscribers", requirement: "TRG-003",
		good: []string{dangling("5ms status Trigger/lost Ready=False:SubscriberResolveFailed")},
		bad: []string{
			// the URI is kept
			dangling("5ms status Trigger/lost Ready=False:SubscriberResolveFailed status.subscriberUri=http://gone/"),
			// nobody notices
			dangling(""),
			dangling("5ms status Trigger/lost Ready=True"),
			dangling("5ms status Trigger/lost Ready=Unknown:SubscriberResolveFailed"),
			// no reason is given
			dangling("5ms status Trigger/lost Ready=False SubscriberResolved=False")},
	},
	{
		scenario: "trigger/to-another-broker", requirement: "TRG-004",
		good: []string{`
			1ms mark update
			2ms apply Trigger/x -> refused "spec.broker: cannot be changed"
			3ms mark after
			4ms send Broker/b e1 -> 202
			5ms recv a e1`},
		bad: []string{
			`1ms mark update
			2ms apply Trigger/x
			3ms mark after
			4ms send Broker/b e1 -> 202
			5ms recv a e1`,
			// refused and broken
			`1ms mark update
			2ms apply Trigger/x -> refused "spec.broker: cannot be changed"
			3ms mark after
			4ms send Broker/b e1 -> 202`},
	},
	{
		scenario: "trigger/updates", requirement: "TRG-005",
		good: []string{triggersUpdated + takenUp},
		bad: []string{
			// the old subscriber
			triggersUpdated + strings.ReplaceAll(takenUp, "subnew", "subold"),
			// both
			triggersUpdated + takenUp + "11ms recv subold e2",
			// the old filter
			triggersUpdated + strings.Replace(takenUp, "filtered e3 colour=blue", "filtered e2 colour=red", 1),
			// the old number of retries, the old sink
			triggersUpdated + strings.NewReplacer("8ms recv bad e2 colour=red -> 500", "", "9ms recv bad e2 colour=red -> 500", "").Replace(takenUp),
			triggersUpdated + strings.ReplaceAll(takenUp, "dlsnew", "dlsold")},
	},
	{
		scenario: "trigger/updates", requirement: "TRG-005", claims: []string{"SubscriptionsAPIFilters"},
		good: []string{triggersUpdated + takenUp + "11ms recv listed e3 colour=blue"},
		bad:  []string{triggersUpdated + takenUp + "11ms recv listed e2 colour=red", triggersUpdated + takenUp},
	},
	{
		scenario: "trigger/first-event-after-ready", requirement: "TRG-006",
		good: []string{firstTriggers(func(string) bool { return false })},
		bad: []string{
			firstTriggers(func(string) bool { return true }),
			firstTriggers(func(name string) bool { return name == "c3s4" })},
	},
	{
		scenario: "trigger/deleted", requirement: "TRG-007",
		good: []string{
			// late deliveries of what was sent before are permitted
			`1ms send Broker/b e1 -> 202
			2ms recv a e1
			2ms recv d e1
			2ms recv e e1
			3ms delete Trigger/d
			4ms gone Trigger/d
			5ms send Broker/b e2 -> 202
			6ms recv a e2
			6ms recv e e2
			7ms recv d e2
			8ms mark after
			9ms send Broker/b e3 -> 202
			10ms recv a e3
			10ms recv e e3`},
		bad: []string{
			// it goes on
			`1ms send Broker/b e1 -> 202
			2ms recv a e1
			2ms recv d e1
			2ms recv e e1
			8ms mark after
			9ms send Broker/b e3 -> 202
			10ms recv a e3
			10ms recv d e3
			10ms recv e e3`,
			// a neighbour loses one
			`1ms send Broker/b e1 -> 202
			2ms recv a e1
			2ms recv d e1
			8ms mark after
			9ms send Broker/b e3 -> 202
			10ms recv a e3
			10ms recv e e3`},
	},
	{
		scenario: "trigger/own-delivery-options", requirement: "TRG-008",
		good: []string{`
			1ms send Broker/b e1 -> 202
			2ms recv twice e1 -> 500
			2ms recv once e1 -> 500
			3ms recv twice e1 -> 500`},
		bad: []string{
			// the Broker's sink is used
			`1ms send Broker/b e1 -> 202
			2ms recv twice e1 -> 500
			2ms recv once e1 -> 500
			3ms recv twice e1 -> 500
			4ms recv dls e1`,
			// the Broker's retry is used where the Trigger says none
			`1ms send Broker/b e1 -> 202
			2ms recv twice e1 -> 500
			2ms recv once e1 -> 500
			3ms recv twice e1 -> 500
			3ms recv once e1 -> 500`,
			// the Trigger's are not used
			`1ms send Broker/b e1 -> 202
			2ms recv twice e1 -> 500
			2ms recv once e1 -> 500`},
	},
	{
		scenario: "trigger/delivery-options-of-the-broker", requirement: "TRG-009",
		good: []string{`
			1ms send Broker/b e1 -> 202
			2ms recv bad e1 -> 500
			3ms recv bad e1 -> 500
			4ms recv bad e1 -> 500
			5ms recv dls e1`},
		bad: []string{
			// no retries
			`1ms send Broker/b e1 -> 202
			2ms recv bad e1 -> 500
			5ms recv dls e1`,
			// no dead letter
			`1ms send Broker/b e1 -> 202
			2ms recv bad e1 -> 500
			3ms recv bad e1 -> 500
			4ms recv bad e1 -> 500`},
	},
	{
		scenario: "trigger/own-dead-letter-sink", requirement: "TRG-010",
		good: []string{`
			1ms send Broker/b e1 -> 202
			2ms recv bad e1 -> 500
			3ms recv own e1`},
		bad: []string{
			`1ms send Broker/b e1 -> 202
			2ms recv bad e1 -> 500
			3ms recv own e1
			3ms recv shared e1`,
			`1ms send Broker/b e1 -> 202
			2ms recv bad e1 -> 500
			3ms recv shared e1`,
			`1ms send Broker/b e1 -> 202
			2ms recv bad e1 -> 500`},
	},
	{
		scenario: "trigger/without-filter", requirement: "TRG-011",
		good: []string{`
			1ms send Broker/b e1 type=another -> 202
			2ms recv none e1
			2ms recv empty e1
			2ms recv bare e1
			2ms recv list e1`},
		bad: []string{
			// an empty filter matches nothing
			`1ms send Broker/b e1 type=another -> 202
			2ms recv none e1`,
			`1ms send Broker/b e1 -> 202
			2ms recv none e1
			2ms recv empty e1
			2ms recv bare e1`,
			`1ms send Broker/b e1 -> 202`},
	},
	{
		scenario: "trigger/incomplete-manifests", requirement: "TRG-012",
		good: []string{`
			1ms apply Trigger/good
			2ms apply Trigger/nobroker -> refused "spec.broker: missing"
			3ms apply Trigger/nowhere -> refused "spec.subscriber: missing"
			4ms apply Trigger/nothing -> refused "spec.subscriber: missing"`},
		bad: []string{
			// the Broker default is assumed
			`1ms apply Trigger/good
			2ms apply Trigger/nobroker
			3ms apply Trigger/nowhere -> refused "spec.subscriber: missing"
			4ms apply Trigger/nothing -> refused "spec.subscriber: missing"`,
			`1ms apply Trigger/good
			2ms apply Trigger/nobroker -> refused "spec.broker: missing"
			3ms apply Trigger/nowhere
			4ms apply Trigger/nothing`,
			// nothing is taken
			`1ms apply Trigger/good -> refused "no"
			2ms apply Trigger/nobroker -> refused "no"
			3ms apply Trigger/nowhere -> refused "no"
			4ms apply Trigger/nothing -> refused "no"`},
	},
	{
		scenario: "trigger/dependency", requirement: "TRG-013",
		good: []string{`
			1ms mark missing
			2ms status Trigger/x Ready=False:DependencyDoesNotExist
			3ms mark "not ready"
			4ms status Trigger/x Ready=Unknown:DependencyUnknown
			5ms mark ready
			6ms status Trigger/x Ready=True
			7ms send Broker/b e1 -> 202
			8ms recv a e1
			9ms mark "not ready any more"
			10ms status Trigger/x Ready=False`},
		bad: []string{
			// the annotation is ignored
			`1ms mark missing
			2ms status Trigger/x Ready=True
			3ms mark "not ready"
			4ms status Trigger/x Ready=True
			5ms mark ready
			6ms status Trigger/x Ready=True
			7ms send Broker/b e1 -> 202
			8ms recv a e1
			9ms mark "not ready any more"
			10ms status Trigger/x Ready=True`,
			// its being there is enough
			`1ms mark missing
			2ms status Trigger/x Ready=False
			3ms mark "not ready"
			4ms status Trigger/x Ready=True
			5ms mark ready
			6ms status Trigger/x Ready=True
			7ms send Broker/b e1 -> 202
			8ms recv a e1
			9ms mark "not ready any more"
			10ms status Trigger/x Ready=False`,
			// looked at once
			`1ms mark missing
			2ms status Trigger/x Ready=False
			3ms mark "not ready"
			4ms status Trigger/x Ready=False
			5ms mark ready
			6ms status Trigger/x Ready=True
			7ms send Broker/b e1 -> 202
			8ms recv a e1
			9ms mark "not ready any more"
			10ms status Trigger/x Ready=True`},
	},
	{
		scenario: "trigger/bad-dependencies", requirement: "TRG-014",
		good: []string{offered(dependencyOffers, "good", "own")},
		bad:  []string{offered(dependencyOffers, dependencyOffers...), offered(dependencyOffers, "good", "own", "bad-6"), offered(dependencyOffers, "good")},
	},
	{
		scenario: "trigger/injection-annotations", requirement: "TRG-016",
		good: []string{offered(injectionOffers, "enabled", "disabled")},
		bad: []string{
			// for any Broker
			offered(injectionOffers, "enabled", "disabled", "other-enabled", "other-disabled"),
			offered(injectionOffers, "enabled", "disabled", "word-true"),
			offered(injectionOffers)},
	},
	{
		scenario: "trigger/dead-letter-sink-to-come", requirement: "TRG-017",
		good: []string{`
			1ms mark "no sink"
			2ms status Trigger/x Ready=False:DeadLetterSinkNotResolved
			3ms mark complete
			4ms status Channel/letters Ready=True url=http://letters.ns.svc/
			` + shownTrigger("x", `{"uri":"http://bad/"}`, `{"ref":{"apiVersion":"messaging.knative.dev/v1","kind":"Channel","name":"letters"}}`,
			"status.subscriberUri=http://bad/ dls=http://letters.ns.svc") + `
			6ms send Broker/b e1 -> 202
			7ms recv bad e1 -> 500
			8ms recv dls e1`},
		bad: []string{
			// Ready early
			`1ms mark "no sink"
			2ms status Trigger/x Ready=True
			3ms mark complete
			4ms status Channel/letters Ready=True url=http://letters.ns.svc/
			` + shownTrigger("x", `{"uri":"http://bad/"}`, `{"ref":{"apiVersion":"messaging.knative.dev/v1","kind":"Channel","name":"letters"}}`,
				"status.subscriberUri=http://bad/ dls=http://letters.ns.svc") + `
			6ms send Broker/b e1 -> 202
			7ms recv bad e1 -> 500
			8ms recv dls e1`,
			// not shown
			`1ms mark "no sink"
			2ms status Trigger/x Ready=False
			3ms mark complete
			4ms status Channel/letters Ready=True url=http://letters.ns.svc/
			` + shownTrigger("x", `{"uri":"http://bad/"}`, `{"ref":{"apiVersion":"messaging.knative.dev/v1","kind":"Channel","name":"letters"}}`,
				"status.subscriberUri=http://bad/") + `
			6ms send Broker/b e1 -> 202
			7ms recv bad e1 -> 500
			8ms recv dls e1`,
			// shown, and not used
			`1ms mark "no sink"
			2ms status Trigger/x Ready=False
			3ms mark complete
			4ms status Channel/letters Ready=True url=http://letters.ns.svc/
			` + shownTrigger("x", `{"uri":"http://bad/"}`, `{"ref":{"apiVersion":"messaging.knative.dev/v1","kind":"Channel","name":"letters"}}`,
				"status.subscriberUri=http://bad/ dls=http://letters.ns.svc") + `
			6ms send Broker/b e1 -> 202
			7ms recv bad e1 -> 500`},
	},
	{
		scenario: "trigger/updates-lose-nothing", requirement: "TRG-019",
		good: []string{
			// what is delivered again is not lost
			`1ms send Broker/b e1 -> 202
			2ms recv a e1 -> 503
			3ms send Broker/b e2 -> 202
			4ms recv a e1
			5ms recv a e2 -> 503
			6ms recv a e2
			7ms recv a e2`},
		bad: []string{
			// sent while there was no subscription
			`1ms send Broker/b e1 -> 202
			2ms recv a e1
			3ms send Broker/b e2 -> 202`,
			// waiting for its next attempt while it was made anew
			`1ms send Broker/b e1 -> 202
			2ms recv a e1 -> 503
			3ms send Broker/b e2 -> 202
			5ms recv a e2`},
	},
	{
		scenario: "trigger/delivery-format", requirement: "TRG-020",
		good: []string{`
			1ms apply Trigger/upper -> refused "spec.delivery.format"
			2ms send Broker/b e1 -> 202
			3ms send Broker/b e2 mode=structured -> 202
			4ms recv a e1
			4ms recv a e2
			5ms recv d e1 mode=structured
			5ms recv d e2 mode=structured`},
		bad: []string{
			// ignored
			`1ms apply Trigger/upper -> refused "spec.delivery.format"
			2ms send Broker/b e1 -> 202
			3ms send Broker/b e2 mode=structured -> 202
			4ms recv a e1
			4ms recv a e2
			5ms recv d e1
			5ms recv d e2`,
			// as it came
			`1ms apply Trigger/upper -> refused "spec.delivery.format"
			2ms send Broker/b e1 -> 202
			3ms send Broker/b e2 mode=structured -> 202
			4ms recv a e1
			4ms recv a e2 mode=structured
			5ms recv d e1
			5ms recv d e2 mode=structured`,
			// any spelling
			`1ms apply Trigger/upper
			2ms send Broker/b e1 -> 202
			4ms recv a e1
			5ms recv d e1 mode=structured`},
	},
	{
		scenario: "trigger/broker-deleted-and-created-again", requirement: "TRG-022",
		good: []string{`
			1ms send Broker/b e1 -> 202
			2ms recv a e1
			3ms mark deleted
			4ms gone Broker/b
			5ms status Trigger/x Ready=False:BrokerDoesNotExist
			6ms mark again
			7ms status Broker/b Ready=True
			8ms status Trigger/x Ready=True
			8ms mark "in force"
			9ms send Broker/b e2 -> 202
			10ms recv a e2`},
		bad: []string{
			// nobody notices
			`3ms mark deleted
			4ms gone Broker/b
			5ms status Trigger/x Ready=True
			6ms mark again
			7ms status Broker/b Ready=True
			8ms status Trigger/x Ready=True
			8ms mark "in force"
			9ms send Broker/b e2 -> 202
			10ms recv a e2`,
			// stuck with the old one
			`3ms mark deleted
			4ms gone Broker/b
			5ms status Trigger/x Ready=False
			6ms mark again
			7ms status Broker/b Ready=True
			8ms status Trigger/x Ready=False`,
			// Ready without deliveries
			`3ms mark deleted
			4ms gone Broker/b
			5ms status Trigger/x Ready=False
			6ms mark again
			7ms status Broker/b Ready=True
			8ms status Trigger/x Ready=True
			8ms mark "in force"
			9ms send Broker/b e2 -> 202`},
	},
	{
		scenario: "trigger/injected-broker", requirement: "TRG-023",
		good: []string{`
			1ms send Broker/default e1 -> 202
			2ms recv a e1`},
		bad: []string{
			`1ms send Broker/default e1 -> 404`,
			`1ms send Broker/default e1 -> 202`},
	},
}
