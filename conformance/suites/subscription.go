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

// fresh are the receivers of the Subscriptions that are used at once when they are Ready: six for each of five Channels.
func fresh() [][]string {
	groups := make([][]string, 5)
	for c := range groups {
		for i := range 6 {
			groups[c] = append(groups[c], fmt.Sprintf("c%ds%d", c, i))
		}
	}
	return groups
}

// toService is the inside of a destination that refers to a core Service.
func toService(name string) string { return "ref: {apiVersion: v1, kind: Service, name: " + name + "}" }

// toKService is the inside of a destination that refers to a Knative Service.
func toKService(name string) string {
	return "ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: " + name + "}"
}

// subscription is the chapter on Subscriptions: what they refer to, what they show, and what a change of them does.
var subscription = []Scenario{
	{
		Name: "subscription/incomplete-manifests",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			try := func(name, old, new string) {
				s.Try(strings.Replace(subscriptionOf(name, "c", "$a", "reply: {uri: $r}"), old, new, 1))
			}
			try("foreign", "name: c}", "name: c, namespace: $ns-other}")
			try("own", "name: c}", "name: c, namespace: $ns}")
			try("none", ", subscriber: {uri: '$a'}, reply: {uri: $r}", "")
			try("reply", ", subscriber: {uri: '$a'}", "")
		},
		Verify: []Verification{
			verify("SUB-001", func(v *history.View) check.Finding {
				if v.Claims["CrossNamespace"] {
					return check.NotApplicable("Subscriptions may cross namespaces here")
				}
				return check.All(check.Refused("Subscription/foreign"), check.Refused("Subscription/own"))(v)
			}),
			verify("SUB-005", check.All(check.Refused("Subscription/none"), check.Refused("Subscription/reply"))),
		},
	},
	{
		Name: "subscription/before-its-channel",
		Drive: func(s *drive.Stage) {
			settle := func(object string) {
				s.Await(object, "to be reconciled", settled)
			}
			s.Mark("no channel")
			s.Apply(subscriptionOf("x", "c", "$a", ""))
			s.Await("Subscription/x", "to show a Ready condition", func(o *history.Object) bool { return o.Condition("Ready").Status != "" })
			s.Quiet("")
			s.Look("Subscription/x")
			s.Mark("no sink")
			s.Apply(channelOf("c", "delivery: {deadLetterSink: {"+toChannel("letters")+"}}"))
			settle("Channel/c")
			s.Quiet("")
			s.Look("Channel/c")
			s.Look("Subscription/x")
			s.Mark("complete")
			s.Apply(channelOf("letters", ""))
			s.Ready("Channel/letters", "Channel/c", "Subscription/x")
			s.Send("Channel/c", s.NewEvent())
			s.Expect("a", 1)
		},
		Verify: []Verification{
			verify("CHN-017", check.All(
				check.In("no sink", check.NotReadyYet("Channel/c")),
				check.In("complete", check.TurnsReady("Channel/c")),
			)),
			verify("SUB-002", check.All(
				check.In("no channel", check.NotReadyYet("Subscription/x")),
				check.In("no sink", check.NotReadyYet("Subscription/x")),
				check.In("complete", check.TurnsReady("Subscription/x")),
				check.AtLeastOnce("a"),
			)),
		},
	},
	{
		Name: "subscription/shows-uris",
		Drive: func(s *drive.Stage) {
			s.Service("KService", "k")
			s.Service("Service", "svc")
			s.Apply(channelOf("c", "") + "---\n" + channelOf("r", ""))
			s.Ready("Channel/c", "Channel/r", "KService/k")
			s.Apply(subscriptionOf("x", "c", toKService("k"), "reply: {"+toChannel("r")+"}, delivery: {deadLetterSink: {uri: $dls}}"))
			s.Apply(subscriptionOf("w", "c", "$a", "reply: {"+toService("svc")+"}, delivery: {deadLetterSink: {"+toChannel("r")+"}}"))
			s.Apply(subscriptionOf("z", "c", toService("svc")+", uri: /sub/path", "reply: {uri: '$a/reply?x=1'}"))
			s.Ready("Subscription/x", "Subscription/w", "Subscription/z")
		},
		Verify: []Verification{
			verify("SUB-003", check.Each([]string{"x", "w", "z"}, func(name string) check.Judge { return check.Resolved("Subscription/" + name) })),
			verify("SUB-015", check.HasConditions("Subscription/x", "Ready", "ReferencesResolved", "AddedToChannel", "ChannelReady")),
		},
	},
	{
		Name: "subscription/dangling-references",
		Drive: func(s *drive.Stage) {
			s.Service("Service", "gone")
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("x", "c", toService("gone"), ""))
			s.Apply(subscriptionOf("w", "c", "$a", "reply: {"+toService("gone")+"}"))
			s.Ready("Channel/c", "Subscription/x", "Subscription/w")
			s.Delete("Service/gone")
			for _, object := range []string{"Subscription/x", "Subscription/w"} {
				s.Await(object, "to be Ready False", func(o *history.Object) bool { return o.Condition("Ready").Status == "False" })
			}
		},
		Verify: []Verification{
			verify("SUB-004", check.All(check.Dangling("Subscription/x", "subscriber"), check.Dangling("Subscription/w", "reply"))),
		},
	},
	{
		Name: "subscription/without-reply",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Extend("a"))
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("x", "c", "$a", ""))
			s.Ready("Channel/c", "Subscription/x")
			s.Send("Channel/c", s.Events(3)...)
			s.Expect("a", 3)
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("SUB-006", check.All(check.AtLeastOnce("a"), check.OnlyAccepted("a"))),
		},
	},
	{
		Name: "subscription/reply",
		Drive: func(s *drive.Stage) {
			early := receiver.With(receiver.Extend("a"), func(a *receiver.Answer) { a.Status = 503 })
			s.Receiver("a", receiver.Attempts(early, receiver.Extend("a"))) // what a failure carries is no reply
			s.Receiver("b", receiver.Extend("b"))
			s.Receiver("d", receiver.InMode(event.Structured, receiver.Extend("d")))
			s.Service("KService", "k")
			s.Apply(channelOf("c", "") + "---\n" + channelOf("r", ""))
			s.Apply(subscriptionOf("r", "r", "$behind", ""))
			s.Apply(subscriptionOf("x", "c", "$a", "reply: {uri: $sink}, delivery: {retry: 1, backoffPolicy: linear, backoffDelay: PT0.1S}"))
			s.Apply(subscriptionOf("w", "c", "$b", "reply: {"+toChannel("r")+"}"))
			s.Apply(subscriptionOf("z", "c", "$d", "reply: {"+toKService("k")+"}"))
			s.Ready("Channel/c", "Channel/r", "Subscription/r", "Subscription/x", "Subscription/w", "Subscription/z")
			s.Send("Channel/c", s.Events(3)...)
			for _, at := range []string{"sink", "behind", "k"} {
				s.Expect(at, 3)
			}
			s.Quiet("Channel/c", "sink", "behind", "k")
		},
		Verify: []Verification{
			verify("SUB-007", check.All(check.RepliesReach("a", "sink"), check.RepliesReach("b", "behind"), check.RepliesReach("d", "k"))),
		},
	},
	{
		Name: "subscription/to-another-channel",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", "") + "---\n" + channelOf("other", ""))
			s.Apply(subscriptionOf("x", "c", "$a", ""))
			s.Ready("Channel/c", "Channel/other", "Subscription/x")
			s.Mark("update")
			s.Try(subscriptionOf("x", "other", "$a", ""))
			s.Mark("after")
			s.Send("Channel/c", s.NewEvent())
			s.Expect("a", 1)
		},
		Verify: []Verification{
			verify("SUB-008", check.All(check.In("update", check.Refused("Subscription/x")), check.Of("after", check.AtLeastOnce("a")))),
		},
	},
	{
		Name: "subscription/updates",
		Drive: func(s *drive.Stage) {
			s.Receiver("step", receiver.Extend("step"))
			s.Receiver("bad", receiver.Status(500))
			s.Apply(channelOf("c", ""))
			apply := func(n string) {
				s.Apply(subscriptionOf("x", "c", "$sub"+n, ""))
				s.Apply(subscriptionOf("w", "c", "$step", "reply: {uri: $rep"+n+"}"))
				s.Apply(subscriptionOf("z", "c", "$bad", "delivery: {deadLetterSink: {uri: $dls"+n+"}}"))
				s.Ready("Channel/c", "Subscription/x", "Subscription/w", "Subscription/z")
			}
			apply("old")
			s.Meanwhile("Channel/c", s.Moment(), func() { apply("new") })
			s.Quiet("")
			inForce(s, "Channel/c", "the legs changed", check.All(check.AtLeastOnce("subnew"), check.AtLeastOnce("repnew"), check.AtLeastOnce("dlsnew")))
			s.Mark("after")
			s.Send("Channel/c", s.Events(2)...)
			for _, leg := range []string{"sub", "rep", "dls"} {
				s.ExpectTogether(s.Accepted(), leg+"old", leg+"new")
			}
			s.Quiet("Channel/c", "subnew", "repnew", "bad")
		},
		Verify: []Verification{
			verify("SUB-009", check.Each([]string{"sub", "rep", "dls"}, func(leg string) check.Judge {
				return check.All(check.AtLeastOnce(leg+"old", leg+"new"), check.Of("after", check.All(check.AtLeastOnce(leg+"new"), check.Silent(leg+"old"))))
			})),
		},
	},
	{
		Name: "subscription/first-event-after-ready",
		Slow: true,
		Drive: func(s *drive.Stage) {
			s.Cold()
			groups := fresh()
			for c, names := range groups {
				ch := fmt.Sprintf("c%d", c)
				s.Apply(channelOf(ch, ""))
				s.Ready("Channel/" + ch)
				for _, name := range names {
					s.Apply(subscriptionOf(name, ch, "$"+name, ""))
					s.Ready("Subscription/" + name)
					s.Mark(name)
					s.Send("Channel/"+ch, s.NewEvent())
				}
			}
			s.ExpectTogether(5*(1+2+3+4+5+6), slices.Concat(groups...)...)
			s.Quiet("")
		},
		Verify: []Verification{
			verify("SUB-010", check.Each(slices.Concat(fresh()...), func(name string) check.Judge {
				return check.AllSince(name, "Channel/"+name[:2], name)
			})),
		},
	},
	{
		Name: "subscription/own-delivery-options",
		Drive: func(s *drive.Stage) {
			s.Receiver("once", receiver.Status(500))
			s.Receiver("twice", receiver.Status(500))
			s.Apply(channelOf("c", "delivery: {retry: 4, backoffPolicy: linear, backoffDelay: PT0.01S, deadLetterSink: {uri: $dls}}"))
			s.Apply(subscriptionOf("x", "c", "$twice", "delivery: {retry: 1}"))
			s.Apply(subscriptionOf("w", "c", "$once", "delivery: {backoffPolicy: linear, backoffDelay: PT0.01S}"))
			s.Ready("Channel/c", "Subscription/x", "Subscription/w")
			s.Send("Channel/c", s.NewEvent())
			s.Expect("twice", 2)
			s.Expect("once", 1)
			s.Quiet("Channel/c", "twice", "once")
		},
		Verify: []Verification{
			verify("SUB-011", check.All(check.Attempts("twice", "e1", 2), check.Attempts("once", "e1", 1), check.Silent("dls"))),
		},
		Read: []Reading{read("SUB-011", check.InheritedSink("Subscription", "Channel", "twice", "dls"))},
	},
	{
		Name: "subscription/delivery-options-of-the-channel",
		Drive: func(s *drive.Stage) {
			s.Receiver("bad", receiver.Status(500))
			s.Apply(channelOf("c", "delivery: {retry: 2, backoffPolicy: linear, backoffDelay: PT0.1S, deadLetterSink: {uri: $dls}}"))
			s.Apply(subscriptionOf("x", "c", "$bad", ""))
			s.Ready("Channel/c", "Subscription/x")
			s.Send("Channel/c", s.NewEvent())
			s.Expect("dls", 1)
			s.Quiet("Channel/c", "bad")
		},
		Verify: []Verification{
			verify("SUB-012", check.All(check.Attempts("bad", "e1", 3), check.Attempts("dls", "e1", 1))),
		},
	},
	{
		Name: "subscription/own-dead-letter-sink",
		Drive: func(s *drive.Stage) {
			s.Receiver("bad", receiver.Status(500))
			s.Apply(channelOf("c", "delivery: {deadLetterSink: {uri: $shared}}"))
			s.Apply(subscriptionOf("x", "c", "$bad", "delivery: {deadLetterSink: {uri: $own}}"))
			s.Ready("Channel/c", "Subscription/x")
			s.Send("Channel/c", s.Events(2)...)
			s.Expect("own", 2)
			s.Quiet("Channel/c", "bad")
		},
		Verify: []Verification{
			verify("SUB-013", check.All(check.ExactlyOnce("own"), check.Silent("shared"))),
		},
	},
	{
		Name: "subscription/deleted",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			for _, name := range []string{"a", "b", "d"} {
				s.Apply(subscriptionOf(name, "c", "$"+name, ""))
			}
			s.Ready("Channel/c", "Subscription/a", "Subscription/b", "Subscription/d")
			s.Meanwhile("Channel/c", s.Moment(), func() {
				s.Delete("Subscription/b")
				s.Await("Subscription/b", "to be gone", func(o *history.Object) bool { return o == nil })
			})
			inForce(s, "Channel/c", "the deletion", check.All(check.AtLeastOnce("a"), check.AtLeastOnce("d"), check.Silent("b")))
			s.Mark("after")
			s.Send("Channel/c", s.Events(2)...)
			s.Expect("a", s.Accepted())
			s.Expect("d", s.Accepted())
			s.Quiet("Channel/c", "a", "d")
		},
		Verify: []Verification{
			verify("SUB-014", check.All(check.ExactlyOnce("a", "d"), check.Of("after", check.Silent("b")))),
		},
	},
	{
		Name:  "subscription/subscriber-moves",
		Needs: []string{"KnativeService"}, // a v1 Service keeps its address
		Drive: func(s *drive.Stage) {
			s.ServiceIn("KService", s.Namespace(), "k", "a")
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("x", "c", toKService("k"), ""))
			s.Ready("Channel/c", "KService/k", "Subscription/x")
			s.Mark("before")
			s.Send("Channel/c", s.NewEvent())
			s.Expect("a", 1)
			s.Mark("moving")
			before := s.Look("Subscription/x")
			s.ServiceIn("KService", s.Namespace(), "k", "b")
			s.Await("Subscription/x", "to show the new address", func(o *history.Object) bool {
				return o.Ready() && o.Status.PhysicalSubscription != before.Status.PhysicalSubscription
			})
			inForce(s, "Channel/c", "the move", check.All(check.AtLeastOnce("b"), check.Silent("a")))
			s.Mark("after")
			s.Send("Channel/c", s.Events(2)...)
			come(s, "after", check.AtLeastOnce("b"))
			s.Quiet("Channel/c", "b")
		},
		Verify: []Verification{
			verify("SUB-016", check.All(check.Of("before", check.AtLeastOnce("a")), check.Of("after", check.All(check.AtLeastOnce("b"), check.Silent("a"))))),
		},
	},
}
