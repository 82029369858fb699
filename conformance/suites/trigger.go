package suites

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// annotated adds an annotation to a manifest.
func annotated(manifest, key, value string) string {
	return strings.Replace(manifest, "metadata: {", fmt.Sprintf("metadata: {annotations: {%s: '%s'}, ", key, value), 1)
}

// dependent is an object that is Ready once a Channel is there: a PingSource, as those are what Triggers are meant to depend
// on, or where there is none a Channel, whose dead letters go there.
func dependent(s *drive.Stage, on string) (object, reference, manifest string) {
	if s.Claims("PingSource") {
		return "PingSource/dep", `{"kind":"PingSource","name":"dep","apiVersion":"sources.knative.dev/v1"}`,
			"apiVersion: sources.knative.dev/v1\nkind: PingSource\nmetadata: {name: dep}\nspec: {schedule: '0 0 1 1 *', sink: {" + toChannel(on) + "}}\n"
	}
	return "Channel/dep", `{"kind":"Channel","name":"dep","apiVersion":"messaging.knative.dev/v1"}`,
		channelOf("dep", "delivery: {deadLetterSink: {"+toChannel(on)+"}}")
}

// badDependencies are annotations that name no object of the Trigger's namespace.
var badDependencies = []string{
	"dep",
	"[]",
	"{}",
	`{"kind":"Channel","name":"dep"}`,
	`{"kind":"Channel","apiVersion":"messaging.knative.dev/v1"}`,
	`{"name":"dep","apiVersion":"messaging.knative.dev/v1"}`,
	`{"kind":"Channel","name":"dep","apiVersion":"messaging.knative.dev/v1","namespace":"$ns-other"}`,
}

// injections are annotations that ask for a Broker: the value, the Broker, and whether they are good.
var injections = []struct {
	name, value, broker string
	good                bool
}{
	{"enabled", "enabled", "default", true},
	{"disabled", "disabled", "default", true},
	{"word-true", "true", "default", false},
	{"upper", "Enabled", "default", false},
	{"empty", "", "default", false},
	{"other-enabled", "enabled", "b", false},
	{"other-disabled", "disabled", "b", false},
}

// everyForm are the forms of a Trigger that has no filter: what is in its spec, by the name of its subscriber.
var everyForm = map[string]string{"none": "", "empty": "filter: {}", "bare": "filter: {attributes: {}}", "list": "filters: []"}

func coloured(colour string) func(*history.Event) bool {
	return func(e *history.Event) bool { return e.Attrs["colour"] == colour }
}

// picksBlue wants a receiver to get the blue event and not the red one.
func picksBlue(at string) check.Judge {
	return check.All(check.Where("blue event", coloured("blue"), check.AtLeastOnce(at)), check.Where("red event", coloured("red"), check.Silent(at)))
}

// triggers names Triggers by their subscribers.
func triggers(names ...string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "Trigger/" + n
	}
	return out
}

// trigger is the chapter on Triggers: what they refer to and show, whose delivery options they have, and their updates.
// Deliveries before Ready and for a while after a change are permitted (TRG-021), so the judges look at what is sent later.
var trigger = []Scenario{
	{
		Name: "trigger/shows-uris",
		Drive: func(s *drive.Stage) {
			s.Service("KService", "k")
			s.Service("Service", "svc")
			s.Apply(brokerOf("b", ""))
			s.Ready("Broker/b", "KService/k")
			s.Apply(triggerWith("x", "b", toKService("k"), ""))
			s.Apply(triggerWith("w", "b", "$a/path?x=1", ""))
			s.Apply(triggerWith("z", "b", toService("svc")+", uri: /sub/path", ""))
			s.Ready(triggers("x", "w", "z")...)
			s.Send("Broker/b", s.NewEvent())
			for _, at := range []string{"k", "a", "svc"} {
				s.Expect(at, 1)
			}
		},
		Verify: []Verification{
			verify("TRG-001", check.All(check.Each(triggers("x", "w", "z"), check.Resolved),
				check.AtLeastOnce("k"), check.AtLeastOnce("a"), check.AtLeastOnce("svc"))),
			verify("TRG-015", check.Each(triggers("x", "w", "z"), func(object string) check.Judge {
				return check.Labelled(object, "eventing.knative.dev/broker", "b")
			})),
			verify("TRG-018", check.HasConditions("Trigger/x", "Ready", "BrokerReady", "SubscriptionReady", "DependencyReady",
				"SubscriberResolved", "DeadLetterSinkResolved")),
		},
	},
	{
		Name: "trigger/before-its-broker",
		Slow: true,
		Drive: func(s *drive.Stage) {
			s.Mark("no broker")
			s.Apply(triggerWith("x", "b", "$a", ""))
			s.Await("Trigger/x", "to be Ready False", func(o *history.Object) bool { return o.Condition("Ready").Status == "False" })
			s.Quiet("")
			s.Look("Trigger/x")
			s.Mark("broker not ready")
			s.Apply(brokerOf("b", "delivery: {deadLetterSink: {"+toChannel("letters")+"}}"))
			s.Await("Broker/b", "to be reconciled", settled)
			s.Await("Trigger/x", "to be Ready False", func(o *history.Object) bool { return o.Condition("Ready").Status == "False" })
			s.Quiet("")
			s.Look("Broker/b")
			s.Look("Trigger/x")
			s.Mark("complete")
			s.Apply(channelOf("letters", ""))
			s.Ready("Broker/b", "Trigger/x")
			s.Send("Broker/b", s.NewEvent())
			s.Expect("a", 1)
		},
		Verify: []Verification{
			verify("TRG-002", check.All(
				check.In("no broker", check.WaitsForBroker("Trigger/x", "Broker/b")),
				check.In("broker not ready", check.WaitsForBroker("Trigger/x", "Broker/b")),
				check.In("complete", check.TurnsReady("Trigger/x")),
				check.AtLeastOnce("a"),
			)),
		},
	},
	{
		Name: "trigger/dangling-subscribers",
		Slow: true,
		Drive: func(s *drive.Stage) {
			s.Apply(brokerOf("b", ""))
			s.Apply(channelOf("gone", ""))
			s.Apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\ndata: {a: b}\n")
			s.Apply(triggerWith("lost", "b", toChannel("gone"), ""))
			s.Apply(triggerWith("absent", "b", toChannel("absent"), ""))
			s.Apply(triggerWith("silent", "b", "ref: {apiVersion: v1, kind: ConfigMap, name: plain}", ""))
			s.Ready("Broker/b", "Trigger/lost")
			// What still has to do with the Trigger would look at its subscriber by chance.
			s.Quiet("")
			s.Delete("Channel/gone")
			for _, object := range triggers("lost", "absent", "silent") {
				s.Await(object, "to be Ready False", func(o *history.Object) bool { return o.Condition("Ready").Status == "False" })
			}
			s.Quiet("")
			for _, object := range triggers("lost", "absent", "silent") {
				s.Look(object)
			}
		},
		Verify: []Verification{
			verify("TRG-003", check.Each(triggers("lost", "absent", "silent"), check.Unresolvable)),
		},
	},
	{
		Name: "trigger/to-another-broker",
		Drive: func(s *drive.Stage) {
			s.Apply(brokerOf("b", "") + "---\n" + brokerOf("other", ""))
			s.Apply(triggerWith("x", "b", "$a", ""))
			s.Ready("Broker/b", "Broker/other", "Trigger/x")
			s.Mark("update")
			s.Try(triggerWith("x", "other", "$a", ""))
			s.Mark("after")
			s.Send("Broker/b", s.NewEvent())
			s.Expect("a", 1)
		},
		Verify: []Verification{
			verify("TRG-004", check.All(check.In("update", check.Refused("Trigger/x")), check.Of("after", check.AtLeastOnce("a")))),
		},
	},
	{
		Name: "trigger/updates",
		Drive: func(s *drive.Stage) {
			s.Receiver("bad", receiver.Status(500))
			s.Apply(brokerOf("b", ""))
			changed := triggers("x", "f", "d")
			if s.Claims("SubscriptionsAPIFilters") {
				changed = append(changed, "Trigger/g")
			}
			apply := func(n, colour string, retry int) {
				s.Apply(triggerWith("x", "b", "$sub"+n, ""))
				s.Apply(triggerWith("f", "b", "$filtered", "filter: {attributes: {colour: "+colour+"}}"))
				s.Apply(triggerWith("d", "b", "$bad", fmt.Sprintf(
					"delivery: {retry: %d, backoffPolicy: linear, backoffDelay: PT0.01S, deadLetterSink: {uri: $dls%s}}", retry, n)))
				if len(changed) > 3 {
					s.Apply(triggerWith("g", "b", "$listed", "filters: [{exact: {colour: "+colour+"}}]"))
				}
				s.Ready(changed...)
			}
			s.Ready("Broker/b")
			apply("old", "red", 0)
			s.Meanwhile("Broker/b", s.Moment(), func() { apply("new", "blue", 2) })
			inForce(s, "Broker/b", "the change", check.All(check.AtLeastOnce("subnew"), check.AtLeastOnce("dlsnew"), check.Silent("subold", "dlsold")))
			s.Mark("after")
			s.Send("Broker/b", s.NewEvent().With("colour", "red"), s.NewEvent().With("colour", "blue"))
			for _, leg := range []string{"sub", "dls"} {
				s.ExpectTogether(s.Accepted(), leg+"old", leg+"new")
			}
			s.Expect("filtered", 1)
			if len(changed) > 3 {
				s.Expect("listed", 1)
			}
			s.Quiet("Broker/b", "subnew", "bad")
		},
		Verify: []Verification{
			verify("TRG-005", func(v *history.View) check.Finding {
				judges := []check.Judge{picksBlue("filtered")}
				if v.Claims["SubscriptionsAPIFilters"] {
					judges = append(judges, picksBlue("listed"))
				}
				for _, leg := range []string{"sub", "dls"} {
					judges = append(judges, check.AtLeastOnce(leg+"new"), check.Silent(leg+"old"))
				}
				return check.Of("after", check.All(append(judges, check.AtLeastAttemptsEach("bad", 3))...))(v)
			}),
		},
	},
	{
		Name: "trigger/first-event-after-ready",
		Slow: true,
		Drive: func(s *drive.Stage) {
			s.Cold()
			groups := fresh()
			for c, names := range groups {
				b := fmt.Sprintf("c%d", c)
				s.Apply(brokerOf(b, ""))
				s.Ready("Broker/" + b)
				for _, name := range names {
					s.Apply(triggerWith(name, b, "$"+name, ""))
					s.Ready("Trigger/" + name)
					s.Mark(name)
					s.Send("Broker/"+b, s.NewEvent())
				}
			}
			s.ExpectTogether(5*(1+2+3+4+5+6), slices.Concat(groups...)...)
			s.Quiet("")
		},
		Verify: []Verification{
			verify("TRG-006", check.Each(slices.Concat(fresh()...), func(name string) check.Judge {
				return check.AllSince(name, "Broker/"+name[:2], name)
			})),
		},
	},
	{
		Name: "trigger/deleted",
		Drive: func(s *drive.Stage) {
			s.Apply(brokerOf("b", ""))
			for _, name := range []string{"a", "d", "e"} {
				s.Apply(triggerWith(name, "b", "$"+name, ""))
			}
			s.Ready(append(triggers("a", "d", "e"), "Broker/b")...)
			s.Meanwhile("Broker/b", s.Moment(), func() {
				s.Delete("Trigger/d")
				s.Await("Trigger/d", "to be gone", func(o *history.Object) bool { return o == nil })
			})
			inForce(s, "Broker/b", "the deletion", check.All(check.AtLeastOnce("a"), check.AtLeastOnce("e"), check.Silent("d")))
			s.Mark("after")
			s.Send("Broker/b", s.Events(2)...)
			s.Expect("a", s.Accepted())
			s.Expect("e", s.Accepted())
			s.Quiet("Broker/b", "a", "e")
		},
		Verify: []Verification{
			verify("TRG-007", check.All(check.AtLeastOnce("a"), check.AtLeastOnce("e"), check.Of("after", check.Silent("d")))),
		},
	},
	{
		Name: "trigger/own-delivery-options",
		Drive: func(s *drive.Stage) {
			s.Receiver("once", receiver.Status(500))
			s.Receiver("twice", receiver.Status(500))
			s.Apply(brokerOf("b", "delivery: {retry: 5, backoffPolicy: linear, backoffDelay: PT0.01S, deadLetterSink: {uri: $dls}}"))
			s.Apply(triggerWith("x", "b", "$twice", "delivery: {retry: 1}"))
			s.Apply(triggerWith("w", "b", "$once", "delivery: {backoffPolicy: linear, backoffDelay: PT0.01S}"))
			s.Ready(append(triggers("x", "w"), "Broker/b")...)
			s.Send("Broker/b", s.NewEvent())
			s.Expect("twice", 2)
			s.Expect("once", 1)
			s.Quiet("Broker/b", "twice", "once")
		},
		Verify: []Verification{
			verify("TRG-008", check.All(check.Attempts("twice", "e1", 2), check.Attempts("once", "e1", 1), check.Silent("dls"))),
		},
		Read: []Reading{read("TRG-008", check.InheritedSink("Trigger", "Broker", "twice", "dls"))},
	},
	{
		Name: "trigger/delivery-options-of-the-broker",
		Drive: func(s *drive.Stage) {
			s.Receiver("bad", receiver.Status(500))
			s.Apply(brokerOf("b", "delivery: {retry: 2, backoffPolicy: linear, backoffDelay: PT0.1S, deadLetterSink: {uri: $dls}}"))
			s.Apply(triggerWith("x", "b", "$bad", ""))
			s.Ready("Broker/b", "Trigger/x")
			s.Send("Broker/b", s.NewEvent())
			s.Expect("dls", 1)
			s.Quiet("Broker/b", "bad")
		},
		Verify: []Verification{
			verify("TRG-009", check.All(check.Attempts("bad", "e1", 3), check.Attempts("dls", "e1", 1))),
		},
	},
	{
		Name: "trigger/own-dead-letter-sink",
		Drive: func(s *drive.Stage) {
			s.Receiver("bad", receiver.Status(500))
			s.Apply(brokerOf("b", "delivery: {deadLetterSink: {uri: $shared}}"))
			s.Apply(triggerWith("x", "b", "$bad", "delivery: {deadLetterSink: {uri: $own}}"))
			s.Ready("Broker/b", "Trigger/x")
			s.Send("Broker/b", s.Events(2)...)
			s.Expect("own", 2)
			s.Quiet("Broker/b", "bad")
		},
		Verify: []Verification{
			verify("TRG-010", check.All(check.AtLeastOnce("own"), check.Silent("shared"))),
		},
	},
	{
		Name: "trigger/without-filter",
		Drive: func(s *drive.Stage) {
			s.Apply(brokerOf("b", ""))
			for name, filter := range everyForm {
				s.Apply(triggerWith(name, "b", "$"+name, filter))
				s.Ready("Trigger/" + name)
			}
			s.Send("Broker/b", s.NewEvent(), s.NewEvent().With("type", "another").With("colour", "red"),
				s.NewEvent().With("source", "/elsewhere").With("subject", "s"))
			for name := range everyForm {
				s.Expect(name, 3)
			}
		},
		Verify: []Verification{
			verify("TRG-011", check.All(check.AtLeastOnce("none"), check.AtLeastOnce("empty"), check.AtLeastOnce("bare"), check.AtLeastOnce("list"))),
		},
	},
	{
		Name: "trigger/incomplete-manifests",
		Drive: func(s *drive.Stage) {
			good := triggerWith("good", "b", "$a", "")
			s.Try(good)
			s.Try(strings.NewReplacer("name: good", "name: nobroker", "broker: b, ", "").Replace(good))
			s.Try(strings.NewReplacer("name: good", "name: nowhere", ", subscriber: {uri: '$a'}", "").Replace(good))
			s.Try(strings.NewReplacer("name: good", "name: nothing", "{uri: '$a'}", "{}").Replace(good))
		},
		Verify: []Verification{
			verify("TRG-012", check.All(check.Taken("Trigger/good"), check.Each(triggers("nobroker", "nowhere", "nothing"), func(object string) check.Judge {
				return check.Refused(object)
			}))),
		},
	},
	{
		Name:  "trigger/dependency",
		Needs: []string{"TriggerDependency"},
		Drive: func(s *drive.Stage) {
			dep, reference, manifest := dependent(s, "later")
			_, _, broken := dependent(s, "never")
			s.Apply(brokerOf("b", ""))
			s.Ready("Broker/b")
			s.Mark("missing")
			s.Apply(annotated(triggerWith("x", "b", "$a", ""), "knative.dev/dependency", reference))
			s.Await("Trigger/x", "to show a Ready condition", func(o *history.Object) bool { return o.Condition("Ready").Status != "" })
			s.Quiet("")
			s.Look("Trigger/x")
			s.Mark("not ready")
			s.Apply(manifest)
			s.Await(dep, "to be reconciled", settled)
			s.Quiet("")
			s.Look("Trigger/x")
			s.Mark("ready")
			s.Apply(channelOf("later", ""))
			s.Ready(dep, "Trigger/x")
			s.Send("Broker/b", s.NewEvent())
			s.Expect("a", 1)
			s.Mark("not ready any more")
			s.Apply(broken)
			s.Await(dep, "not to be Ready", func(o *history.Object) bool { return settled(o) && !o.Ready() })
			s.Await("Trigger/x", "not to be Ready", func(o *history.Object) bool { return !o.Ready() })
		},
		Verify: []Verification{
			verify("TRG-013", check.All(
				check.In("missing", check.NotReadyYet("Trigger/x")),
				check.In("not ready", check.NotReadyYet("Trigger/x")),
				check.In("ready", check.TurnsReady("Trigger/x")),
				check.AtLeastOnce("a"),
				check.In("not ready any more", check.NotReady("Trigger/x")),
			)),
		},
	},
	{
		Name: "trigger/bad-dependencies",
		Drive: func(s *drive.Stage) {
			try := func(name, reference string) {
				s.Try(annotated(triggerWith(name, "b", "$a", ""), "knative.dev/dependency", reference))
			}
			try("good", `{"kind":"Channel","name":"dep","apiVersion":"messaging.knative.dev/v1"}`)
			try("own", `{"kind":"Channel","name":"dep","apiVersion":"messaging.knative.dev/v1","namespace":"$ns"}`)
			for i, bad := range badDependencies {
				try(fmt.Sprintf("bad-%d", i), bad)
			}
		},
		Verify: []Verification{
			verify("TRG-014", func(v *history.View) check.Finding {
				judges := []check.Judge{check.Taken("Trigger/good"), check.Taken("Trigger/own")}
				for i := range badDependencies {
					judges = append(judges, check.Refused(fmt.Sprintf("Trigger/bad-%d", i)))
				}
				return check.All(judges...)(v)
			}),
		},
	},
	{
		Name: "trigger/injection-annotations",
		Drive: func(s *drive.Stage) {
			for _, x := range injections {
				s.Try(annotated(triggerWith(x.name, x.broker, "$a", ""), "eventing.knative.dev/injection", x.value))
			}
		},
		Verify: []Verification{
			verify("TRG-016", func(v *history.View) check.Finding {
				var judges []check.Judge
				for _, x := range injections {
					judge := check.Taken("Trigger/" + x.name)
					if !x.good {
						judge = check.Refused("Trigger/" + x.name)
					}
					judges = append(judges, judge)
				}
				return check.All(judges...)(v)
			}),
		},
	},
	{
		Name: "trigger/dead-letter-sink-to-come",
		Drive: func(s *drive.Stage) {
			s.Receiver("bad", receiver.Status(500))
			s.Apply(brokerOf("b", ""))
			s.Ready("Broker/b")
			s.Mark("no sink")
			s.Apply(triggerWith("x", "b", "$bad", "delivery: {deadLetterSink: {"+toChannel("letters")+"}}"))
			s.Await("Trigger/x", "to be reconciled", settled)
			s.Quiet("")
			s.Look("Trigger/x")
			s.Mark("complete")
			s.Apply(channelOf("letters", ""))
			s.Apply(subscriptionOf("letters", "letters", "$dls", ""))
			s.Ready("Channel/letters", "Subscription/letters", "Trigger/x")
			s.Send("Broker/b", s.NewEvent())
			s.Expect("dls", 1)
		},
		Verify: []Verification{
			verify("TRG-017", check.All(
				check.In("no sink", check.NotReadyYet("Trigger/x")),
				check.In("complete", check.Resolved("Trigger/x")),
				check.AtLeastOnce("dls"),
			)),
		},
	},
	{
		Name: "trigger/updates-lose-nothing",
		Slow: true,
		Drive: func(s *drive.Stage) {
			// Each event waits for a second attempt, so that something is under way at every change.
			s.Receiver("a", receiver.Attempts(receiver.Status(503), receiver.OK()))
			form := func(retry int) string {
				return triggerWith("x", "b", "$a", fmt.Sprintf("delivery: {retry: %d, backoffPolicy: linear, backoffDelay: PT0.02S}", retry))
			}
			s.Apply(brokerOf("b", "") + "---\n" + form(5))
			s.Ready("Broker/b", "Trigger/x")
			s.Meanwhile("Broker/b", 5*s.Moment(), func() {
				s.Often(4, 20, func(i int) bool {
					s.Apply(form(6 - i%2))
					s.Ready("Trigger/x")
					return s.ExpectMore("a", s.Count("a"), 6) // if nothing comes any more, that is evidence enough
				})
			})
			s.Until("every event at an end", ended("a"))
		},
		Verify: []Verification{
			verify("TRG-019", check.AtLeastOnce("a")),
		},
	},
	{
		Name:  "trigger/delivery-format",
		Needs: []string{"DeliveryFormat"},
		Drive: func(s *drive.Stage) {
			s.Apply(brokerOf("b", ""))
			s.Apply(triggerWith("binary", "b", "$a", "delivery: {format: binary}"))
			s.Apply(triggerWith("json", "b", "$d", "delivery: {format: json}"))
			s.Try(triggerWith("upper", "b", "$wrong", "delivery: {format: JSON}"))
			s.Ready("Broker/b", "Trigger/binary", "Trigger/json")
			s.Send("Broker/b", s.Events(2)...)
			for _, e := range s.Events(2) {
				s.Post("Broker/b", drive.Post{Event: e, Mode: event.Structured})
			}
			s.Expect("a", 4)
			s.Expect("d", 4)
		},
		Verify: []Verification{
			verify("TRG-020", check.All(check.DeliveredIn("binary", "a"), check.DeliveredIn("structured", "d"), check.Refused("Trigger/upper"))),
		},
	},
	{
		Name: "trigger/broker-deleted-and-created-again",
		Drive: func(s *drive.Stage) {
			s.Apply(brokerOf("b", "") + "---\n" + triggerWith("x", "b", "$a", ""))
			s.Ready("Broker/b", "Trigger/x")
			s.Send("Broker/b", s.NewEvent())
			s.Expect("a", 1)
			s.Mark("deleted")
			s.Delete("Broker/b")
			s.Await("Broker/b", "to be gone", func(o *history.Object) bool { return o == nil })
			s.Await("Trigger/x", "to be Ready False", func(o *history.Object) bool { return o.Condition("Ready").Status == "False" })
			s.Mark("again")
			s.Apply(brokerOf("b", ""))
			s.Ready("Broker/b", "Trigger/x")
			inForce(s, "Broker/b", "the new Broker", check.AtLeastOnce("a"))
			s.Mark("in force")
			s.Send("Broker/b", s.Events(2)...)
			come(s, "in force", check.AtLeastOnce("a"))
		},
		Verify: []Verification{
			verify("TRG-022", check.All(
				check.In("deleted", check.WaitsForBroker("Trigger/x", "Broker/b")),
				check.In("again", check.TurnsReady("Trigger/x")),
				check.Of("in force", check.AtLeastOnce("a")),
			)),
		},
	},
	{
		Name:  "trigger/injected-broker",
		Needs: []string{"BrokerInjection"},
		Drive: func(s *drive.Stage) {
			asking := annotated(triggerWith("x", "default", "$a", ""), "eventing.knative.dev/injection", "enabled")
			s.Apply(strings.Replace(asking, "metadata: {", "metadata: {labels: {eventing.knative.dev/injection: enabled}, ", 1))
			s.Ready("Broker/default", "Trigger/x")
			s.Send("Broker/default", s.NewEvent())
			s.Expect("a", 1)
			s.Delete("Trigger/x")
			s.Await("Trigger/x", "to be gone", func(o *history.Object) bool { return o == nil })
			s.Delete("Broker/default") // it was not applied, so nobody else removes it
		},
		Verify: []Verification{
			verify("TRG-023", check.AtLeastOnce("a")),
		},
	},
}
