package suites

import (
	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
)

// legacy is the chapter on old forms of manifests: each is held against its twin of today. Objects are looked at in the form
// of today, as an API server shows them that serves both.
var legacy = []Scenario{
	{
		Name:  "legacy/sequence",
		Needs: []string{"LegacyForms", "Sequence"},
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b", "c")
			for _, name := range []string{"a", "b", "sink"} {
				s.Service("Service", name)
			}
			const head = "apiVersion: messaging.knative.dev/v1alpha1\nkind: Sequence\nmetadata: {name: "
			const template = "channelTemplate: {apiVersion: messaging.knative.dev/v1alpha1, kind: InMemoryChannel}"
			s.Apply(head + "old}\nspec: {steps: [{dnsName: a.$ns.svc.cluster.local}, {ref: {apiVersion: v1, kind: Service, name: b}}], " +
				template + ", reply: {apiVersion: v1, kind: Service, name: sink}}\n")
			s.Apply(templated(sequenceOf("today", toService("sink"), "uri: 'http://a.$ns.svc.cluster.local/'", toService("b")),
				"InMemoryChannel", ""))
			s.Apply(head + "chained}\nspec: {steps: [{uri: $c}], " + template +
				", reply: {apiVersion: messaging.knative.dev/v1alpha1, kind: Sequence, name: old}}\n")
			for _, name := range []string{"old", "today", "chained"} {
				s.Ready("Sequence/" + name)
				s.Mark(name)
				s.Send("Sequence/"+name, s.Events(2)...)
			}
			s.Expect("sink", 6)
			s.Quiet("Sequence/chained", "sink")
		},
		Verify: []Verification{
			verify("LEG-001", check.All(
				check.Of("today", check.Grown("a>b>sink")), check.Of("old", check.Grown("a>b>sink")),
				check.Of("chained", check.Grown("c>a>b>sink")),
				check.SameSpec("Sequence/old", "Sequence/today"),
			)),
		},
	},
	{
		Name:  "legacy/cron-job-source",
		Needs: []string{"LegacyForms", "PingSource"},
		Drive: func(s *drive.Stage) {
			for _, c := range cronJobs {
				s.Apply(cronJobSource(c.name, c.data))
			}
			s.Service("Service", "sink")
			for _, c := range cronJobs {
				s.Ready("PingSource/" + c.name)
			}
		},
		Verify: []Verification{
			verify("LEG-002", check.Each(cronJobs, func(c cronJob) check.Judge {
				object := "PingSource/" + c.name
				return check.All(
					check.Pings(object, c.sent, "dev.knative.cronjob.event", "/cronjobsources/"+c.name),
					check.Shows(object, "a reference to the sink", func(o *history.Object) bool {
						return check.RefersTo(o, "sink", "Service", "sink")
					}),
				)
			})),
		},
	},
	{
		Name:  "legacy/source-and-type",
		Needs: []string{"LegacyForms"},
		Drive: func(s *drive.Stage) {
			s.Apply(brokerOf("default", ""))
			s.Ready("Broker/default")
			for _, t := range sourceAndTypes() {
				// That there is no broker in it stands for the one named default.
				s.Apply(written("eventing.knative.dev/v1alpha1", "Trigger", t.name,
					"filter: {sourceAndType: {"+t.filter+"}}, subscriber: {uri: $"+t.name+"}"))
			}
			for _, t := range sourceAndTypes() {
				s.Ready("Trigger/" + t.name)
			}
			count := map[string]int{}
			for _, typ := range []string{"wanted", "other"} {
				for _, source := range []string{"/wanted", "/other"} {
					e := s.NewEvent().With("type", typ).With("source", source)
					s.Send("Broker/default", e)
					for _, t := range sourceAndTypes() {
						if t.wants(typ, source) {
							count[t.name]++
						}
					}
				}
			}
			for at, n := range count {
				s.Expect(at, n)
			}
			s.Quiet("")
		},
		Verify: []Verification{
			verify("LEG-003", check.Each(sourceAndTypes(), func(t sourceAndType) check.Judge {
				return check.Selected(t.name, func(e *history.Event) bool { return t.wants(e.Attrs["type"], e.Attrs["source"]) })
			})),
		},
	},
	{
		Name:  "legacy/provisioner",
		Needs: []string{"LegacyForms"},
		Drive: func(s *drive.Stage) {
			extend(s, "a")
			s.Apply(channelOf("today", "channelTemplate: {apiVersion: messaging.knative.dev/v1, kind: InMemoryChannel}"))
			s.Apply(channelOf("answers", ""))
			s.Apply(subscriptionOf("behind", "answers", "$sink", ""))
			for _, name := range provisioned {
				s.Apply(withProvisioner(name, name))
			}
			for _, name := range append([]string{"today"}, provisioned...) {
				s.Apply(written("eventing.knative.dev/v1alpha1", "Subscription", name,
					"channel: {apiVersion: eventing.knative.dev/v1alpha1, kind: Channel, name: "+name+"}, subscriber: {uri: $a}, "+
						"reply: {channel: {apiVersion: eventing.knative.dev/v1alpha1, kind: Channel, name: answers}}"))
			}
			s.Ready("Channel/answers", "Subscription/behind")
			for _, name := range append([]string{"today"}, provisioned...) {
				s.Ready("Channel/"+name, "Subscription/"+name)
				s.Mark(name)
				s.Send("Channel/"+name, s.NewEvent().WithData("text/plain", []byte("text")))
			}
			s.Expect("sink", 1+len(provisioned))
			s.Quiet("Channel/today", "sink")
		},
		Verify: []Verification{
			verify("LEG-004", check.All(
				check.Of("today", check.Visits("a>sink")),
				check.Each(provisioned, func(name string) check.Judge {
					return check.All(check.Of(name, check.Visits("a>sink")), check.SameSpec("Channel/"+name, "Channel/today"))
				}),
			)),
		},
	},
	{
		Name:  "legacy/what-cannot-be-converted",
		Needs: []string{"LegacyForms"},
		Drive: func(s *drive.Stage) {
			for _, m := range []string{
				// Each is followed by one that differs in what is at fault alone, or does in its stead.
				withProvisioner("unknown", "nonesuch"), withProvisioner("known", "in-memory"),
				oldTrigger("cel", "filter: {cel: {expression: 'ce.type == \"x\"'}}"),
				oldTrigger("attributes", "filter: {attributes: {type: x}}"),
				oldTrigger("expression", "filter: {expression: 'ce.type == \"x\"'}"),
				written("sources.eventing.knative.dev/v1alpha1", "GcpPubSubSource", "g", "googleCloudProject: p, topic: testing, "+
					"gcpCredsSecret: {name: s, key: k}, sink: {apiVersion: v1, kind: Service, name: sink}"),
			} {
				s.Try(m)
			}
			if s.Claims("PingSource") {
				s.Try(cronJobSource("g", ""))
			}
		},
		Verify: []Verification{
			verify("LEG-005", check.All(
				check.Taken("Channel/known"), check.Refused("Channel/unknown", "spec.provisioner", "channelTemplate"),
				check.Taken("Trigger/attributes"), check.Refused("Trigger/cel", "spec.filter.cel", "cesql"),
				func(v *history.View) check.Finding {
					if v.Claims["ExpressionFilter"] {
						return check.Pass("filter.expression is understood here")
					}
					return check.Refused("Trigger/expression", "spec.filter.expression", "cesql")(v)
				},
				check.Refused("GcpPubSubSource/g", "GcpPubSubSource"), // an API without this kind cannot say more
				eachManifest([]manifest{{"CronJobSource/g", "", "PingSource"}, {"Channel/known", "", ""}}, check.Taken),
			)),
		},
	},
}

// cronJobSource writes a CronJobSource; data is that field with a comma behind it, empty for none.
func cronJobSource(name, data string) string {
	return written("sources.eventing.knative.dev/v1alpha1", "CronJobSource", name,
		"schedule: '0 0 1 1 *', "+data+"sink: {apiVersion: v1, kind: Service, name: sink}")
}

// cronJob is a CronJobSource with a form of data, and what it sends for that.
type cronJob struct{ name, data, sent string }

var cronJobs = []cronJob{
	{"object", `data: '{"message": "Hello world!"}', `, `{"message": "Hello world!"}`},
	{"text", `data: 'Hello world!', `, `{"body": "Hello world!"}`},
	{"list", `data: '[1, 2]', `, `{"body": "[1, 2]"}`},
	{"none", ``, `{"body": ""}`},
}

// sourceAndType is a filter of old; an empty type or source stands for any.
type sourceAndType struct{ name, filter, typ, source string }

func (t sourceAndType) wants(typ, source string) bool {
	return (t.typ == "" || t.typ == typ) && (t.source == "" || t.source == source)
}

// sourceAndTypes are the ways of giving, or not giving, a type and a source.
func sourceAndTypes() []sourceAndType {
	ways := func(field, value string) []sourceAndType {
		return []sourceAndType{
			{name: "given", filter: field + ": " + value}, {name: "empty", filter: field + ": ''"},
			{name: "any", filter: field + ": Any"}, {name: "absent"},
		}
	}
	var all []sourceAndType
	for i, t := range ways("type", "wanted") {
		for j, so := range ways("source", "/wanted") {
			both := sourceAndType{name: t.name + so.name, filter: t.filter}
			if t.filter != "" && so.filter != "" {
				both.filter += ", "
			}
			both.filter += so.filter
			if i == 0 {
				both.typ = "wanted"
			}
			if j == 0 {
				both.source = "/wanted"
			}
			all = append(all, both)
		}
	}
	return all
}

// provisioned are Channels of old, named after their provisioners.
var provisioned = []string{"in-memory", "in-memory-channel"}

func withProvisioner(name, provisioner string) string {
	return written("eventing.knative.dev/v1alpha1", "Channel", name,
		"provisioner: {apiVersion: eventing.knative.dev/v1alpha1, kind: ClusterChannelProvisioner, name: "+provisioner+"}")
}

func oldTrigger(name, filter string) string {
	return written("eventing.knative.dev/v1alpha1", "Trigger", name, filter+", subscriber: {uri: $a}")
}
