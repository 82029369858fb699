package suites

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/api"
)

// status is the chapter on status and the control plane.
var status = []Scenario{
	{
		Name: "status/from-the-beginning",
		Drive: func(s *drive.Stage) {
			s.Service("KService", "k")
			s.Ready("KService/k")
			for _, m := range oneOfEach {
				if m.claimed(s.Claims) {
					s.AwaitAfter(m.object, "to be Ready", func() { s.Apply(m.text) }, (*history.Object).Ready)
				}
			}
			s.List("Subscription")
			s.List(channelKind(s, "Sequence/s"))
		},
		Verify: []Verification{
			verify("STA-001", check.All(eachManifest(oneOfEach, check.TurnsReady), check.OneOfEachType)),
			verify("STA-002", check.All(eachManifest(oneOfEach, check.TurnsReady), check.ReadyIsTheWorst)),
			verify("STA-006", check.HasConditions("Sequence/s", "Ready", "ChannelsReady", "SubscriptionsReady", "Addressable")),
		},
	},
	{
		Name: "status/dangling-references",
		Drive: func(s *drive.Stage) {
			absent := toService("absent")
			s.Apply(channelOf("good", "") + "---\n" + brokerOf("good", ""))
			s.Apply(channelOf("c", "delivery: {deadLetterSink: {"+absent+"}}"))
			s.Apply(subscriptionOf("x", "good", absent, "") + "---\n" + subscriptionOf("w", "good", "$a", "reply: {"+absent+"}"))
			s.Apply(brokerOf("b", "delivery: {deadLetterSink: {"+absent+"}}"))
			s.Apply(triggerOf("t", "good", "sequitur.test", absent) + "---\n" + triggerOf("u", "nowhere", "sequitur.test", "$a"))
			for _, object := range danglingObjects {
				if !s.Await(object, "to be Ready False", func(o *history.Object) bool { return o.Condition("Ready").Status == "False" }) {
					return // that is evidence enough
				}
			}
		},
		Verify: []Verification{
			verify("STA-002", check.ReadyIsTheWorst),
			verify("STA-003", check.ReasonsGiven),
		},
	},
	{
		Name: "status/sequence-waits-for-its-destinations",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "first", "last")
			s.Apply(sequenceOf("first", "$atfirst", toService("first"), "$a", "$a"))
			s.Apply(sequenceOf("last", "$atlast", "$a", "$a", toService("last")))
			s.Apply(sequenceOf("reply", toService("reply"), "$a"))
			s.Mark("missing")
			for _, name := range waitingSequences {
				s.Await("Sequence/"+name, "to show a Ready condition", judged)
			}
			s.Quiet("") // a target that takes them for Ready does so by now
			for _, name := range waitingSequences {
				s.Look("Sequence/" + name)
			}
			s.Mark("there")
			for _, name := range waitingSequences {
				s.Service("Service", name)
			}
			for _, name := range waitingSequences {
				s.Ready("Sequence/" + name)
				s.Send("Sequence/"+name, s.NewEvent())
			}
			for _, at := range []string{"atfirst", "atlast", "reply"} {
				s.Expect(at, 1)
			}
		},
		Verify: []Verification{
			verify("STA-007", eachSequence(func(name string) check.Judge {
				return check.All(check.In("missing", check.NotReadyYet("Sequence/"+name)), check.In("there", readyWithAddress("Sequence/"+name)))
			})),
			verify("STA-008", eachSequence(func(name string) check.Judge {
				return check.In("missing", check.SaysWhatIsMissing("Sequence/"+name, name))
			})),
			verify("STA-009", check.All(
				eachSequence(func(name string) check.Judge {
					return check.All(check.In("missing", check.NotReadyYet("Sequence/"+name)), check.In("there", check.TurnsReady("Sequence/"+name)))
				}),
				check.AtLeastOnce("atfirst", "atlast", "reply"),
			)),
		},
	},
	{
		Name: "status/observed-generation",
		Slow: true,
		Drive: func(s *drive.Stage) {
			forms := func(to string) []string {
				sink := "delivery: {deadLetterSink: " + dest(to) + "}"
				return []string{
					channelOf("c", sink), brokerOf("b", sink), subscriptionOf("x", "good", to, ""), triggerOf("t", "good", "sequitur.test", to),
				}
			}
			s.Apply(channelOf("good", "") + "---\n" + brokerOf("good", ""))
			s.Ready("Channel/good", "Broker/good")
			for i, form := range forms("$a") {
				s.Apply(form)
				s.Ready(specified[i])
			}
			s.Mark("broken")
			for i, form := range forms(toService("absent")) {
				changed := false
				s.AwaitAfter(specified[i], "to be observed", func() { changed = s.Try(form) }, func(o *history.Object) bool {
					return !changed || settled(o) && !o.Ready()
				})
			}
		},
		Verify: []Verification{
			verify("STA-004", check.Each(specified, func(object string) check.Judge {
				return check.UnlessRefused("broken", object, check.ObservedWithConditions("broken", object)) // a spec may be immutable
			})),
		},
	},
	{
		Name: "status/applied-again",
		Drive: func(s *drive.Stage) {
			const again = 10
			extend(s, "a", "b")
			forms := []string{
				channelOf("c", "delivery: {retry: 1}"), subscriptionOf("x", "c", "$a", "reply: {uri: $sink}"), brokerOf("b", ""),
				triggerOf("t", "b", "sequitur.test", "$a"),
			}
			to, reapplied := "Channel/c", reapplied
			if s.Claims("Sequence") {
				forms = append(forms, sequenceOf("s", "$sink", "uri: $a, delivery: {retry: 1}", "$b"))
				to, reapplied = "Sequence/s", append(slices.Clone(reapplied), "Sequence/s")
			}
			s.Apply(strings.Join(forms, "---\n"))
			s.Ready(reapplied...)
			s.List("Subscription")
			sent := s.Meanwhile(to, 5*s.Moment(), func() {
				for range again {
					s.Apply(strings.Join(forms, "---\n"))
					for _, object := range reapplied {
						s.Look(object)
					}
				}
				s.Second()
			})
			// Now the target has something to look at, though nothing that a condition is about.
			for _, form := range forms {
				s.Apply(strings.Replace(form, "metadata: {", "metadata: {annotations: {sequitur.dev/look: again}, ", 1))
			}
			s.Expect("sink", sent)
			s.Quiet(to, "sink")
			for _, object := range reapplied {
				s.Look(object)
			}
			s.List("Subscription")
		},
		Verify: []Verification{
			verify("STA-005", check.Besides("Sequence", check.SteadyTimes(reapplied...), check.SteadyTimes("Sequence/s"))),
			verify("STA-020", check.Besides("Sequence", check.All(check.Reapplied(10, reapplied...), check.AtLeastOnce("sink")),
				check.Reapplied(10, "Sequence/s"))),
		},
	},
	{
		Name:  "status/steps-of-a-sequence",
		Needs: []string{"Sequence"},
		Drive: func(s *drive.Stage) {
			for _, steps := range [][]string{{"$a", "$b", "$c"}, {"$c", "$a"}} {
				s.Mark(fmt.Sprintf("%d steps", len(steps)))
				s.Apply(sequenceOf("s", "", steps...))
				s.Ready("Sequence/s")
				s.List("Subscription")
			}
		},
		Verify: []Verification{
			verify("STA-010", check.All(
				check.In("3 steps", check.StepStatuses("Sequence/s")),
				check.In("2 steps", check.StepStatuses("Sequence/s")),
			)),
		},
	},
	{
		Name: "status/address-of-a-sequence",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b")
			if s.Try(templated(sequenceOf("impossible", "", "$a"), "NoSuchChannel", "{}")) {
				s.Await("Sequence/impossible", "to show a Ready condition", judged)
				s.Quiet("")
				s.Look("Sequence/impossible")
			}
			s.AwaitAfter("Sequence/s", "to be Ready", func() { s.Apply(sequenceOf("s", "$sink", "$a", "$b")) }, (*history.Object).Ready)
			s.Send("Sequence/s", s.NewEvent())
			s.Expect("sink", 1)
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("STA-011", check.All(check.AddressWhenAddressable("Sequence/s", "Sequence/impossible"), check.Visits("a>b>sink"))),
		},
	},
	{
		Name: "status/every-field",
		Drive: func(s *drive.Stage) {
			for _, list := range [][]manifest{everyField(s.Claims), leastFields} {
				for _, m := range list {
					if m.claimed(s.Claims) {
						s.Try(m.text)
					}
				}
			}
		},
		Verify: []Verification{
			verify("STA-014", check.All(eachManifest(everyField(nothing), check.Taken), eachManifest(leastFields, check.Taken))),
		},
	},
	{
		Name: "status/bad-manifests",
		Drive: func(s *drive.Stage) {
			for _, m := range leastFields {
				if m.claimed(s.Claims) {
					s.Try(m.text)
				}
			}
			for _, bad := range badManifests {
				if bad.claimed(s.Claims) {
					s.Try(bad.text)
				}
			}
		},
		Verify: []Verification{
			verify("STA-015", check.All(eachManifest(leastFields, check.Taken), func(v *history.View) check.Finding {
				var judges []check.Judge
				for _, bad := range badManifests {
					if bad.claimed(claims(v)) {
						judges = append(judges, check.RefusedNaming(bad.object, bad.field))
					}
				}
				return check.All(judges...)(v)
			})),
		},
	},
	{
		Name: "status/unknown-fields",
		Drive: func(s *drive.Stage) {
			if s.Try(sequenceOf("s", "", "$a") + "  stepz: [{uri: $rogue}]\n") {
				s.Ready("Sequence/s")
				s.Send("Sequence/s", s.NewEvent())
				s.Expect("a", 1)
			}
			if s.Claims("Parallel") && s.Try(parallelOfOne("p", "$b")+"  branchez: [{subscriber: {uri: $rogue}}]\n") {
				s.Ready("Parallel/p")
				s.Send("Parallel/p", s.NewEvent())
				s.Expect("b", 1)
			}
			s.Quiet("")
		},
		Verify: []Verification{
			verify("STA-016", check.All(check.NotActedOn("Sequence/s", "stepz"), check.RefusedOrWithoutEffect("Sequence/s", "rogue", "a"),
				func(v *history.View) check.Finding {
					if !v.Claims["Parallel"] {
						return check.Pass("there is no Parallel here")
					}
					return check.All(check.NotActedOn("Parallel/p", "branchez"), check.RefusedOrWithoutEffect("Parallel/p", "rogue", "b"))(v)
				})),
		},
	},
	{
		Name: "status/kinds-of-destination",
		Drive: func(s *drive.Stage) {
			s.Service("Service", "svc")
			s.Service("KService", "ksvc")
			s.Apply(channelOf("other", "") + "---\n" + subscriptionOf("behind", "other", "$behind", ""))
			s.Apply(brokerOf("b", "") + "---\n" + triggerOf("t", "b", "sequitur.test", toService("triggered")))
			s.Service("Service", "triggered")
			s.Ready("KService/ksvc", "Channel/other", "Subscription/behind", "Broker/b", "Trigger/t")
			s.Apply(channelOf("c", ""))
			to, ends := map[string]string{
				"service": toService("svc"), "kservice": toKService("ksvc"), "channel": toChannel("other"), "broker": toBroker("b"),
			}, resolvedTo
			if s.Claims("Sequence") {
				s.Apply(sequenceOf("inner", "", "$step"))
				s.Ready("Sequence/inner")
				to["sequence"] = "ref: {apiVersion: flows.knative.dev/v1, kind: Sequence, name: inner}"
				ends = append(slices.Clone(ends), "step")
			}
			for name, to := range to {
				s.Apply(subscriptionOf(name, "c", to, ""))
				s.Ready("Subscription/" + name)
			}
			s.Send("Channel/c", s.NewEvent())
			for _, at := range ends {
				s.Expect(at, 1)
			}
		},
		Verify: []Verification{
			verify("STA-017", check.Besides("Sequence",
				check.All(
					check.Each([]string{"service", "kservice", "channel", "broker"}, func(name string) check.Judge {
						return check.Resolved("Subscription/" + name)
					}),
					check.AtEach(resolvedTo...)),
				check.All(check.Resolved("Subscription/sequence"), check.AtEach("step")),
			)),
		},
	},
	{
		Name: "status/relative-uris",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", "") + "---\n" + channelOf("idle", ""))
			s.Ready("Channel/c", "Channel/idle")
			for _, name := range []string{"below", "absolute"} {
				s.Service("Service", name)
			}
			s.Apply(subscriptionOf("below", "c", toService("below")+", uri: b/c", ""))
			s.Apply(subscriptionOf("absolute", "c", toService("absolute")+", uri: '/b?x=1'", ""))
			s.Apply(subscriptionOf("query", "idle", toService("below")+", uri: '?x=1'", ""))
			s.Apply(subscriptionOf("beside", "idle", toChannel("c")+", uri: 'b?x=1'", ""))
			s.Apply(subscriptionOf("root", "idle", toChannel("c")+", uri: /b", ""))
			for _, name := range relatives {
				s.Ready("Subscription/" + name)
			}
			s.Try(subscriptionOf("alone", "idle", "uri: /b", ""))
			s.Try(triggerOf("alone", "b", "sequitur.test", "uri: b"))
			s.Send("Channel/c", s.NewEvent())
			s.Expect("below", 1)
			s.Expect("absolute", 1)
		},
		Verify: []Verification{
			verify("STA-018", check.All(
				check.Each(relatives, func(name string) check.Judge { return check.Resolved("Subscription/" + name) }),
				check.AtPath("below", "/b/c"), check.AtPath("absolute", "/b?x=1"),
				check.Refused("Subscription/alone"), check.Refused("Trigger/alone"),
			)),
		},
	},
	{
		Name: "status/destination-vanishes",
		Slow: true,
		Drive: func(s *drive.Stage) {
			s.Service("Service", "d")
			s.Apply(channelOf("c", "") + "---\n" + subscriptionOf("x", "c", toService("d"), ""))
			s.Apply(brokerOf("b", "") + "---\n" + triggerOf("t", "b", "sequitur.test", toService("d")))
			s.Ready("Channel/c", "Broker/b")
			s.Ready(bereft...)
			s.Mark("gone")
			s.Delete("Service/d")
			for _, object := range bereft {
				s.Await(object, "to say that it is not Ready", func(o *history.Object) bool { return o != nil && !o.Ready() })
			}
			s.Mark("back")
			s.Service("Service", "d")
			s.Ready(bereft...)
			s.Send("Channel/c", s.NewEvent())
			s.Send("Broker/b", s.NewEvent())
			s.Expect("d", 2)
		},
		Verify: []Verification{
			verify("STA-021", check.All(
				check.Each(bereft, func(object string) check.Judge { return check.Recovers("gone", "back", object) }),
				check.Of("back", check.AtLeastOnce("d")),
			)),
		},
	},
	{
		Name: "status/written-by-users",
		Drive: func(s *drive.Stage) {
			const ready = "observedGeneration: 1, conditions: [{type: Ready, status: 'True'}, {type: Addressable, status: 'True'}]"
			const forged = "status: {" + ready + ", address: {url: $rogue}, addresses: [{url: $rogue}]}\n"
			s.Try(channelOf("c", "") + forged)
			if s.Look("Channel/c") == nil { // refused, which is as good: it is made without
				s.Apply(channelOf("c", ""))
			}
			s.Apply(subscriptionOf("x", "c", "$witness", ""))
			s.Apply(channelOf("d", "") + "---\n" + subscriptionOf("w", "d", toChannel("c"), ""))
			s.Try(subscriptionOf("z", "d", toService("absent"), "") +
				"status: {" + ready + ", physicalSubscription: {subscriberUri: $rogue}}\n")
			s.Ready("Channel/c", "Channel/d", "Subscription/x", "Subscription/w")
			s.Try(channelOf("c", "") + forged)
			s.Await("Subscription/z", "to be looked at, or refused", func(o *history.Object) bool { return o == nil || settled(o) })
			s.Send("Channel/c", s.NewEvent())
			s.Send("Channel/d", s.NewEvent())
			s.Expect("witness", 2)
			s.Quiet("Channel/d", "witness")
			s.Look("Channel/c")
			s.Look("Subscription/z")
		},
		Verify: []Verification{
			verify("STA-022", check.All(
				check.AtLeastOnce("witness"), check.Silent("rogue"), check.NeverShows("Channel/c", "/rogue"),
				check.NeverShows("Subscription/z", "/rogue"), check.NeverReady("Subscription/z"),
			)),
		},
	},
}

var (
	danglingObjects  = []string{"Channel/c", "Subscription/x", "Subscription/w", "Broker/b", "Trigger/t", "Trigger/u"}
	waitingSequences = []string{"first", "last", "reply"}
	specified        = []string{"Channel/c", "Broker/b", "Subscription/x", "Trigger/t"} // the kinds that have a public specification
	reapplied        = []string{"Channel/c", "Subscription/x", "Broker/b", "Trigger/t"}
	resolvedTo       = []string{"svc", "ksvc", "behind", "triggered"}
	relatives        = []string{"below", "absolute", "query", "beside", "root"}
	bereft           = []string{"Subscription/x", "Trigger/t"}
)

// eachSequence judges each of the Sequences that wait for a destination.
func eachSequence(judge func(name string) check.Judge) check.Judge {
	return check.Each(waitingSequences, judge)
}

// readyWithAddress wants an object to be Ready when it was last seen, and to have an address then.
func readyWithAddress(object string) check.Judge {
	return check.Shows(object, "Ready and an address", func(o *history.Object) bool { return o.Ready() && o.URL() != "" })
}

// judged tells whether an object says of itself that it is Ready, or not.
func judged(o *history.Object) bool { return o.Condition("Ready").Status != "" }

// nothing is what a target of core alone claims.
func nothing(string) bool { return false }

// parallelOfOne writes a Parallel of one branch.
func parallelOfOne(name, subscriber string) string {
	return fmt.Sprintf("apiVersion: flows.knative.dev/v1\nkind: Parallel\nmetadata: {name: %s}\nspec:\n  branches: [{subscriber: %s}]\n",
		name, dest(subscriber))
}

// written writes an object; spec is the inside of a flow mapping, and there is none if it is empty.
func written(apiVersion, kind, name, spec string) string {
	text := fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: %s}\n", apiVersion, kind, name)
	if spec != "" {
		text += "spec: {" + spec + "}\n"
	}
	return text
}

// nowhere is a sink of PingSources, so that one that ticks meanwhile disturbs nothing.
const nowhere = "sink: {uri: 'http://sink.invalid/'}"

// manifest is an object that some targets need not know.
type manifest struct {
	object, text string
	needs        string // the feature that it is of, empty for core
}

func (m manifest) claimed(claims func(string) bool) bool { return m.needs == "" || claims(m.needs) }

func claims(v *history.View) func(string) bool { return func(f string) bool { return v.Claims[f] } }

// eachManifest judges the objects that the target claims to know.
func eachManifest(list []manifest, judge func(object string) check.Judge) check.Judge {
	return func(v *history.View) check.Finding {
		var judges []check.Judge
		for _, m := range list {
			if m.claimed(claims(v)) {
				judges = append(judges, judge(m.object))
			}
		}
		return check.All(judges...)(v)
	}
}

// oneOfEach is an object of each kind, all of which become Ready.
var oneOfEach = []manifest{
	{"Channel/c", channelOf("c", ""), ""},
	{"Subscription/x", subscriptionOf("x", "c", toKService("k"), ""), ""},
	{"Broker/b", brokerOf("b", ""), ""},
	{"Trigger/t", triggerOf("t", "b", "sequitur.test", "$a"), ""},
	{"InMemoryChannel/m", written(api.Messaging, "InMemoryChannel", "m", ""), "KnativeTopology"},
	{"Sequence/s", sequenceOf("s", "$sink", "$a", "$b"), "Sequence"},
	{"Parallel/p", parallelOfOne("p", "$a"), "Parallel"},
	{"PingSource/j", written(api.Sources, "PingSource", "j", "schedule: '0 0 1 1 *', "+nowhere), "PingSource"},
}

// leastFields are the manifests of each kind that set no more than they must.
var leastFields = []manifest{
	{"Channel/least", written(api.Messaging, "Channel", "least", ""), ""},
	{"Subscription/least", subscriptionOf("least", "c", "$a", ""), ""},
	{"Broker/least", written(api.Eventing, "Broker", "least", ""), ""},
	{"Trigger/least", triggerWith("least", "b", "$a", ""), ""},
	{"InMemoryChannel/least", written(api.Messaging, "InMemoryChannel", "least", ""), "KnativeTopology"},
	{"Sequence/least", sequenceOf("least", "", "$a"), "Sequence"},
	{"Parallel/least", parallelOfOne("least", "$a"), "Parallel"},
	{"PingSource/least", written(api.Sources, "PingSource", "least", nowhere), "PingSource"},
}

// everyField are manifests of each kind that set every field of the public schema, and those of Knative's own that belong to
// a claimed feature.
func everyField(claims func(string) bool) []manifest {
	full := "ref: {apiVersion: v1, kind: Service, namespace: $ns, name: absent}, uri: '/in?x=1'"
	if claims("OIDC") {
		full += ", audience: absent"
	}
	options := "retry: 3, backoffPolicy: exponential, backoffDelay: PT0.5S, deadLetterSink: {" + full + "}"
	for _, optional := range []struct{ feature, field string }{
		{"DeliveryTimeout", "timeout: PT2S"}, {"RetryAfter", "retryAfterMax: PT10S"}, {"DeliveryFormat", "format: json"},
	} {
		if claims(optional.feature) {
			options += ", " + optional.field
		}
	}
	delivery := "delivery: {" + options + "}"
	const template = "channelTemplate: {apiVersion: messaging.knative.dev/v1, kind: InMemoryChannel, spec: {delivery: {retry: 1}}}"
	filter := "filter: {attributes: {type: x, source: '', subject: z}}"
	if claims("SubscriptionsAPIFilters") {
		filter += ", filters: [{all: [{exact: {type: x}}, {any: [{prefix: {source: /a}}, {suffix: {subject: z}}]}]}, {not: {exact: {type: z}}}]"
	}
	object := func(apiVersion, kind string, spec ...string) string {
		return strings.Replace(written(apiVersion, kind, "all", strings.Join(spec, ", ")), "{name: all}",
			"{name: all, namespace: $ns, labels: {app: x}, annotations: {example.com/note: x}}", 1)
	}
	to := func(field string) string { return field + ": {" + full + "}" }
	return []manifest{
		{"Channel/all", object(api.Messaging, "Channel", template, delivery), ""},
		{"Subscription/all", object(api.Messaging, "Subscription",
			"channel: {apiVersion: messaging.knative.dev/v1, kind: Channel, name: all}", to("subscriber"), to("reply"), delivery), ""},
		{"ConfigMap/all", written(api.Core, "ConfigMap", "all", "") +
			"data: {channel-template-spec: '{apiVersion: messaging.knative.dev/v1, kind: InMemoryChannel}'}\n", ""},
		{"Broker/all", object(api.Eventing, "Broker", "config: {apiVersion: v1, kind: ConfigMap, namespace: $ns, name: all}", delivery), ""},
		{"Trigger/all", object(api.Eventing, "Trigger", "broker: all", filter, to("subscriber"), delivery), ""},
		{"InMemoryChannel/all", object(api.Messaging, "InMemoryChannel", delivery), "KnativeTopology"},
		{"Sequence/all", object(api.Flows, "Sequence", "steps: [{"+full+", "+delivery+"}, {uri: 'http://a.invalid/'}]", template, to("reply")), "Sequence"},
		{"Parallel/all", object(api.Flows, "Parallel",
			"branches: [{"+to("filter")+", "+to("subscriber")+", "+to("reply")+", "+delivery+"}]", template, to("reply")), "Parallel"},
		{"PingSource/all", object(api.Sources, "PingSource", "schedule: '0 0 1 1 *', timezone: UTC", "contentType: application/json, data: '{}'",
			to("sink"), "ceOverrides: {extensions: {colour: blue}}"), "PingSource"},
	}
}

// badManifests break the schema in one field each, whose name the refusal is to hold.
var badManifests = []struct {
	manifest
	field string
}{
	{manifest{"Channel/negative", channelOf("negative", "delivery: {retry: -1}"), ""}, "retry"},
	{manifest{"Channel/text", channelOf("text", "delivery: {retry: three}"), ""}, "retry"},
	{manifest{"Broker/policy", brokerOf("policy", "delivery: {backoffPolicy: quadratic}"), ""}, "backoffPolicy"},
	{manifest{"Broker/delay", brokerOf("delay", "delivery: {backoffDelay: soon}"), ""}, "backoffDelay"},
	{manifest{"Broker/config", brokerOf("config", "config: somewhere"), ""}, "config"},
	{manifest{"Subscription/channel", written(api.Messaging, "Subscription", "channel", "subscriber: {uri: $a}"), ""}, "channel"},
	{manifest{"Subscription/both", subscriptionOf("both", "c", toService("a")+", uri: 'http://a.invalid/'", ""), ""}, "subscriber"},
	{manifest{"Trigger/subscriber", written(api.Eventing, "Trigger", "subscriber", "broker: b"), ""}, "subscriber"},
	{manifest{"Trigger/list", triggerWith("list", "b", "$a", "filter: {attributes: [type]}"), ""}, "attributes"},
	{manifest{"Sequence/mapping", written(api.Flows, "Sequence", "mapping", "steps: {uri: $a}"), "Sequence"}, "steps"},
	{manifest{"Parallel/mapping", written(api.Flows, "Parallel", "mapping", "branches: {subscriber: {uri: $a}}"), "Parallel"}, "branches"},
	{manifest{"PingSource/schedule", written(api.Sources, "PingSource", "schedule", "schedule: never, "+nowhere), "PingSource"}, "schedule"},
}
