package suites

import (
	"fmt"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// sequenceUpdates is the chapter on Sequences as objects: what they are made of, their updates under traffic, their
// deletion, and what admission refuses.
var sequenceUpdates = []Scenario{
	{
		Name:  "sequence/what-it-is-made-of",
		Slow:  true,
		Needs: []string{"Sequence"},
		Drive: func(s *drive.Stage) {
			for _, name := range []string{"s", longA, longB} {
				s.Apply(sequenceOf(name, "", "$a", "$b", "$c"))
				s.Ready("Sequence/" + name)
			}
			s.List(channelKind(s, "Sequence/s"))
			s.List("Subscription")
		},
		Verify: []Verification{
			verify("SEQ-018", check.Shows("Sequence/s", "spec.channelTemplate filled in", func(o *history.Object) bool { return check.ChannelKind(o) != "" })),
			verify("SEQ-019", check.HasChildren("Sequence/s", 3)),
			verify("SEQ-020", check.All(check.NamesChildren("Sequence/s", 3), check.NamesChildren("Sequence/"+longA, 3), check.NamesChildren("Sequence/"+longB, 3))),
		},
	},
	{
		Name: "sequence/channel-template-spec",
		Drive: func(s *drive.Stage) {
			extend(s, "a")
			s.Receiver("b", receiver.Status(503))
			s.Apply(templated(sequenceOf("s", "", "$a", "$b"), "InMemoryChannel", "{delivery: {retry: 2, backoffPolicy: linear, backoffDelay: PT0.1S, deadLetterSink: {uri: $dls}}}"))
			s.Ready("Sequence/s")
			s.Send("Sequence/s", s.NewEvent())
			s.Expect("b", 3)
			s.Expect("dls", 1)
			s.Quiet("Sequence/s", "b")
		},
		Verify: []Verification{
			verify("SEQ-021", check.All(check.Attempts("a", "e1", 1), check.Attempts("b", "e1.a", 3))),
		},
	},
	{
		Name: "sequence/append-a-step",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b", "c")
			s.Apply(sequenceOf("s", "$sink", "$a", "$b"))
			s.Ready("Sequence/s")
			s.Mark("before")
			s.Send("Sequence/s", s.NewEvent())
			s.Expect("sink", 1)
			s.Apply(sequenceOf("s", "$sink", "$a", "$b", "$c"))
			s.Ready("Sequence/s")
			inForce(s, "Sequence/s", "the step appended", check.Visits("a>b>c>sink"))
			s.Mark("after")
			s.Send("Sequence/s", s.Events(2)...)
			come(s, "after", check.Visits("a>b>c>sink"))
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-022", check.All(check.Of("before", check.Visits("a>b>sink")), check.Of("after", check.Visits("a>b>c>sink")))),
		},
	},
	{
		Name: "sequence/remove-steps",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b", "c", "d")
			s.Apply(sequenceOf("s", "$sink", "$a", "$b", "$c", "$d"))
			s.Ready("Sequence/s")
			channels := channelKind(s, "Sequence/s")
			for _, r := range removals {
				s.Apply(sequenceOf("s", "$sink", r.steps...))
				s.Ready("Sequence/s")
				inForce(s, "Sequence/s", r.name, check.Visits(r.way))
				s.Mark(r.name)
				s.AtMost(len(r.steps), channels, "Sequence/s")
				s.AtMost(len(r.steps), "Subscription", "Sequence/s")
				s.Send("Sequence/s", s.NewEvent())
				come(s, r.name, check.Visits(r.way))
			}
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-023", check.Each(removals, func(r removal) check.Judge {
				return check.All(check.Of(r.name, check.Visits(r.way)), check.LeftOver(r.name, len(r.steps), "Sequence/s"))
			})),
			verify("SEQ-029", check.SameAddress("Sequence/s")),
		},
	},
	{
		Name: "sequence/steps-change-under-traffic",
		Drive: func(s *drive.Stage) {
			steps := func(names ...string) string {
				var list []string
				for _, n := range names {
					s.Receiver(n, receiver.Delayed(5*time.Millisecond, receiver.Extend(n)))
					list = append(list, "uri: $"+n+", delivery: {retry: 3, backoffPolicy: linear, backoffDelay: PT0.1S, deadLetterSink: {uri: $dls}}")
				}
				return sequenceOf("s", "$sink", list...)
			}
			s.Apply(steps("a", "b"))
			s.Ready("Sequence/s")
			s.Meanwhile("Sequence/s", 2*time.Millisecond, func() {
				s.Often(2, 6, func(i int) bool {
					s.Apply(steps([][]string{{"n", "a", "b"}, {"a", "b"}}[i%2]...))
					s.Ready("Sequence/s")
					return s.ExpectMore("sink", s.Count("sink"), 8) // some of them were sent after Ready
				})
			})
			s.Until("every event at an end", ended("sink", "dls"))
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-024", check.EitherPath("dls", "a>b>sink", "n>a>b>sink")),
		},
	},
	{
		Name: "sequence/change-the-reply",
		Drive: func(s *drive.Stage) {
			extend(s, "a")
			s.Apply(sequenceOf("s", "$first", "$a"))
			s.Ready("Sequence/s")
			for _, r := range replies {
				s.Apply(sequenceOf("s", r.reply, "$a"))
				s.Ready("Sequence/s")
				inForce(s, "Sequence/s", "the reply "+r.name, check.Visits(r.way))
				s.Mark(r.name)
				s.Send("Sequence/s", s.NewEvent())
				come(s, r.name, check.Visits(r.way))
				s.Quiet("Sequence/s", "a")
			}
		},
		Verify: []Verification{
			verify("SEQ-025", check.Each(replies, func(r reply) check.Judge { return check.Of(r.name, check.Visits(r.way)) })),
			verify("SEQ-029", check.SameAddress("Sequence/s")),
		},
	},
	{
		Name: "sequence/change-delivery",
		Drive: func(s *drive.Stage) {
			extend(s, "a")
			s.Receiver("b", receiver.Status(503))
			for _, d := range deliveries {
				s.Apply(sequenceOf("s", "$sink", "$a", "uri: $b"+d.delivery))
				s.Ready("Sequence/s")
				inForce(s, "Sequence/s", d.name, check.Visits(d.way))
				s.Mark(d.name)
				s.Send("Sequence/s", s.NewEvent())
				come(s, d.name, check.Visits(d.way))
			}
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-026", check.All(check.Taken("Sequence/s"),
				check.Each(deliveries, func(d delivering) check.Judge { return check.Of(d.name, check.Visits(d.way)) }))),
			verify("SEQ-029", check.SameAddress("Sequence/s")),
		},
	},
	{
		Name: "sequence/change-a-destination",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b", "instead", "c")
			s.Apply(sequenceOf("s", "$sink", "$a", "$b", "$c"))
			s.Ready("Sequence/s")
			s.Mark("before")
			s.Send("Sequence/s", s.NewEvent())
			s.Expect("sink", 1)
			s.Apply(sequenceOf("s", "$sink", "$a", "$instead", "$c"))
			s.Ready("Sequence/s")
			inForce(s, "Sequence/s", "the step changed", check.Visits("a>instead>c>sink"))
			s.Mark("after")
			s.Send("Sequence/s", s.Events(2)...)
			come(s, "after", check.Visits("a>instead>c>sink"))
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-027", check.All(check.Of("before", check.Visits("a>b>c>sink")), check.Of("after", check.Visits("a>instead>c>sink")))),
		},
	},
	{
		Name: "sequence/updates-lose-nothing",
		Slow: true,
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b", "c")
			delivery := ", delivery: {retry: 3, backoffPolicy: linear, backoffDelay: PT0.1S, deadLetterSink: {uri: $dls}}"
			forms := []string{
				sequenceOf("s", "$sink", "$a", "$b"),
				sequenceOf("s", "$other", "$a", "$b"),
				sequenceOf("s", "$other", "$a", "uri: $b"+delivery),
				sequenceOf("s", "$other", "$a", "uri: $c"+delivery),
				sequenceOf("s", "$sink", "$a", "uri: $b"+delivery, "$c"),
			}
			s.Apply(forms[0])
			s.Ready("Sequence/s")
			s.Meanwhile("Sequence/s", time.Millisecond, func() {
				s.Often(len(forms), 20, func(i int) bool {
					s.Apply(forms[(i+1)%len(forms)])
					s.Ready("Sequence/s")
					return s.ExpectMore("a", s.Count("a"), 3) // if nothing comes any more, that is evidence enough
				})
			})
			s.Until("every event at an end", ended("sink", "other", "dls"))
		},
		Verify: []Verification{
			verify("SEQ-028", check.AtLeastOnce("sink", "other", "dls")),
			verify("SEQ-029", check.SameAddress("Sequence/s")),
		},
	},
	{
		Name: "sequence/deletion",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b")
			s.Apply(sequenceOf("s", "$sink", "$a", "$b"))
			s.Ready("Sequence/s")
			channels := channelKind(s, "Sequence/s")
			s.List(channels)
			s.List("Subscription")
			s.Send("Sequence/s", s.NewEvent())
			s.Expect("sink", 1)
			s.Mark("deleted")
			s.Delete("Sequence/s")
			s.Await("Sequence/s", "to be gone", func(o *history.Object) bool { return o == nil })
			s.AtMost(0, channels, "")
			s.AtMost(0, "Subscription", "")
			s.Rejects("Sequence/s")
		},
		Verify: []Verification{
			verify("SEQ-030", check.All(check.Gone("Sequence/s"), check.LeftOver("deleted", 0, "Sequence/s"), check.Ended("deleted", "Sequence/s"))),
		},
	},
	{
		Name: "sequence/refused-without-steps",
		Drive: func(s *drive.Stage) {
			s.Try(sequenceOf("good", "", "$a"))
			s.Try("apiVersion: flows.knative.dev/v1\nkind: Sequence\nmetadata: {name: empty}\nspec: {steps: []}\n")
			s.Try("apiVersion: flows.knative.dev/v1\nkind: Sequence\nmetadata: {name: missing}\nspec: {reply: {uri: $sink}}\n")
		},
		Verify: []Verification{
			verify("SEQ-031", check.All(check.Taken("Sequence/good"), check.Refused("Sequence/empty", "spec.steps"), check.Refused("Sequence/missing", "spec.steps"))),
		},
	},
	{
		Name: "sequence/refused-destinations",
		Drive: func(s *drive.Stage) {
			s.Try(sequenceOf("good", "ref: {apiVersion: v1, kind: Service, name: a}, uri: /path", "$a", "ref: {apiVersion: v1, kind: Service, name: a}"))
			for i, bad := range badDestinations {
				s.Try(sequenceOf(fmt.Sprintf("step-%d", i), "", "$a", bad))
				s.Try(replying(sequenceOf(fmt.Sprintf("reply-%d", i), "", "$a"), bad))
			}
		},
		Verify: []Verification{
			verify("SEQ-032", check.All(check.Taken("Sequence/good"),
				check.Each(objects("step", len(badDestinations)), func(object string) check.Judge { return check.Refused(object, "steps[1]") }),
				check.Each(objects("reply", len(badDestinations)), func(object string) check.Judge { return check.Refused(object, "spec.reply") }))),
		},
	},
	{
		Name: "sequence/refused-delivery",
		Drive: func(s *drive.Stage) {
			s.Try(sequenceOf("good", "", "$a", "uri: $b, delivery: {retry: 0, backoffPolicy: exponential, backoffDelay: PT1S}"))
			for i, bad := range badDelivery {
				s.Try(sequenceOf(fmt.Sprintf("bad-%d", i), "", "$a", "uri: $b, delivery: {"+bad+"}"))
			}
		},
		Verify: []Verification{
			verify("SEQ-033", check.All(check.Taken("Sequence/good"), check.Each(objects("bad", len(badDelivery)),
				func(object string) check.Judge { return check.Refused(object) }))),
		},
	},
	{
		Name: "sequence/refused-channel-templates",
		Drive: func(s *drive.Stage) {
			s.Try(templated(sequenceOf("good", "", "$a"), "InMemoryChannel", "{}"))
			s.Try(sequenceOf("no-kind", "", "$a") + "  channelTemplate: {apiVersion: messaging.knative.dev/v1}\n")
			s.Try(sequenceOf("no-version", "", "$a") + "  channelTemplate: {kind: InMemoryChannel}\n")
		},
		Verify: []Verification{
			verify("SEQ-034", check.All(check.Taken("Sequence/good"), check.Refused("Sequence/no-kind"), check.Refused("Sequence/no-version"))),
		},
	},
	{
		Name: "sequence/own-namespace",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "foreign")
			other := s.Namespace() + "-other"
			for _, name := range []string{"a", "sink"} {
				s.ServiceIn("Service", other, name, "foreign")
				s.Service("Service", name)
			}
			s.Apply(sequenceOf("s", "ref: {apiVersion: v1, kind: Service, name: sink}", "ref: {apiVersion: v1, kind: Service, name: a}"))
			s.Ready("Sequence/s")
			s.Send("Sequence/s", s.NewEvent())
			s.Expect("sink", 1)
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-035", check.Visits("a>sink")),
		},
	},
	{
		Name:  "sequence/names-already-taken",
		Needs: []string{"KnativeTopology", "Sequence"},
		Drive: func(s *drive.Stage) {
			extend(s, "a")
			s.Apply(channelOf("ch", "") + "---\n" + subscriptionOf("s-kn-sequence-0", "ch", "$mine", ""))
			s.Apply("apiVersion: messaging.knative.dev/v1\nkind: InMemoryChannel\nmetadata: {name: t-kn-sequence-0}\nspec: {delivery: {retry: 1}}\n")
			s.Ready("Subscription/s-kn-sequence-0", "InMemoryChannel/t-kn-sequence-0")
			for _, name := range []string{"s", "t"} {
				s.Apply(templated(sequenceOf(name, "$sink", "$a"), "InMemoryChannel", "{}"))
				s.Await("Sequence/"+name, "to say whether it is Ready", func(o *history.Object) bool {
					r := o.Condition("Ready").Status
					return o != nil && o.Status.ObservedGeneration == o.Metadata.Generation && (r == "True" || r == "False")
				})
			}
			s.Quiet("") // a controller that takes over does so by now
			for _, object := range []string{"Subscription/s-kn-sequence-0", "InMemoryChannel/t-kn-sequence-0", "Sequence/s", "Sequence/t"} {
				s.Look(object)
			}
		},
		Verify: []Verification{
			verify("SEQ-042", check.All(check.LeftAlone("Subscription/s-kn-sequence-0", "Sequence/s"), check.LeftAlone("InMemoryChannel/t-kn-sequence-0", "Sequence/t"),
				check.NotReady("Sequence/s"), check.NotReady("Sequence/t"))),
		},
	},
	{
		Name:  "sequence/change-the-channel-template",
		Slow:  true,
		Needs: []string{"KnativeTopology", "Sequence"},
		Drive: func(s *drive.Stage) {
			extend(s, "a")
			s.Receiver("b", receiver.Status(503))
			steps := sequenceOf("s", "", "$a", "$b")
			change := func(mark, kind, spec string, attempts, channels int) {
				s.Mark(mark)
				if !s.Try(templated(steps, kind, spec)) {
					return
				}
				s.Ready("Sequence/s")
				s.AtMost(channels, "InMemoryChannel", "Sequence/s")
				before := s.Count("b")
				s.Send("Sequence/s", s.NewEvent())
				s.ExpectMore("b", before, attempts)
				s.Quiet("Sequence/s", "b")
			}
			s.Apply(templated(steps, "InMemoryChannel", "{}"))
			s.Ready("Sequence/s")
			change("other spec", "InMemoryChannel", "{delivery: {retry: 2, backoffPolicy: linear, backoffDelay: PT0.1S}}", 3, 2)
			change("other kind", "Channel", "{}", 1, 0)
		},
		Verify: []Verification{
			verify("SEQ-043", check.All(
				check.ChangedOrRefused("other spec", "Sequence/s", check.All(check.Of("other spec", check.Visits("a>b>b>b")), check.Dwindled("other spec", 2, "InMemoryChannel"))),
				check.ChangedOrRefused("other kind", "Sequence/s", check.All(check.Of("other kind", check.Visits("a>b")), check.Dwindled("other kind", 0, "InMemoryChannel"))),
			)),
		},
	},
}

// Two names that are too long for their children's and differ at the end only.
var longA, longB = strings.Repeat("n", 59) + "a", strings.Repeat("n", 59) + "b"

// badDestinations are the insides of destinations that admission refuses.
var badDestinations = []string{
	"",
	"ref: {apiVersion: v1, kind: Service, name: a}, uri: 'http://example.com/'",
	"uri: /relative",
	"ref: {apiVersion: v1, name: a}",
	"ref: {apiVersion: v1, kind: Service}",
	"ref: {kind: Service, name: a}",
}

// badDelivery are the insides of delivery options that admission refuses.
var badDelivery = []string{
	"retry: -1",
	"backoffPolicy: quadratic",
	"backoffPolicy: linear, backoffDelay: 1s",
	"backoffPolicy: linear, backoffDelay: soon",
	"timeout: 5 seconds",
	"timeout: ''",
}

// templated adds a channel template to a Sequence or Parallel.
func templated(sequence, kind, spec string) string {
	return sequence + fmt.Sprintf("  channelTemplate: {apiVersion: messaging.knative.dev/v1, kind: %s, spec: %s}\n", kind, spec)
}

// replying adds a reply to a Sequence or Parallel, the inside of a flow mapping, which may be empty.
func replying(sequence, reply string) string { return sequence + "  reply: {" + reply + "}\n" }

// channelKind is the kind of channel that a Sequence or Parallel is made of.
func channelKind(s *drive.Stage, object string) string {
	if kind := check.ChannelKind(s.Look(object)); kind != "" {
		return kind
	}
	return "InMemoryChannel"
}

// inForce waits until events go by a change that is shown as Ready: how long that takes is not judged, and a change that never
// is in force shows in what follows.
func inForce(s *drive.Stage, to, what string, j check.Judge) bool {
	return s.Trials(to, what, func(v *history.View, phase string) bool { return check.Of(phase, j)(v).Verdict == verdict.Passed })
}

// come waits until a judge is content with what became of the events of a phase: counts would not tell them from those of
// earlier trials, which may be late.
func come(s *drive.Stage, mark string, j check.Judge) {
	s.Until("every event of "+mark+" at its ends", passes(check.Of(mark, j)))
}

// removal takes steps away.
type removal struct {
	name  string
	steps []string
	way   string
}

var removals = []removal{
	{"last removed", []string{"$a", "$b", "$c"}, "a>b>c>sink"},
	{"middle removed", []string{"$a", "$c"}, "a>c>sink"},
	{"first removed", []string{"$c"}, "c>sink"},
}

// reply is a change of the reply, empty for none.
type reply struct{ name, reply, way string }

var replies = []reply{{"changed", "$second", "a>second"}, {"removed", "", "a"}, {"added", "$third", "a>third"}}

// delivering is a change of the delivery options of step b.
type delivering struct{ name, delivery, way string }

var deliveries = []delivering{
	{"none", "", "a>b"},
	{"sink added", ", delivery: {deadLetterSink: {uri: $dls}}", "a>b>dls"},
	// All attempts come before a trial ends in silence; a target that knows no hundredths makes them one after the other.
	{"retry added", ", delivery: {retry: 2, backoffPolicy: linear, backoffDelay: PT0.01S, deadLetterSink: {uri: $dls}}", "a>b>b>b>dls"},
}

// ended tells whether every accepted event has come to one of the receivers.
func ended(at ...string) func(*history.View) bool {
	j := check.AtLeastOnce(at...)
	return func(v *history.View) bool { return j(v).Verdict == verdict.Passed }
}

// objects are Sequences of a name followed by each of the numbers below n.
func objects(name string, n int) []string { return numbered("Sequence/"+name, n) }

// numbered are objects of a name followed by each of the numbers below n.
func numbered(object string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s-%d", object, i)
	}
	return out
}
