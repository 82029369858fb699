package suites

import (
	"fmt"
	"strings"
)

// bothSequences is a history of a Sequence in its form of old and in that of today, and of one that replies to the former.
const bothSequences = `
	1ms status Sequence/old Ready=True "spec.steps=[{\"uri\":\"http://a/\"}]" "spec.reply={\"ref\":{\"kind\":\"Service\",\"name\":\"sink\"}}"
	1ms status Sequence/today Ready=True "spec.steps=[{\"uri\":\"http://a/\"}]" "spec.reply={\"ref\":{\"kind\":\"Service\",\"name\":\"sink\"}}"
	2ms mark old
	3ms send Sequence/old e1 data=x -> 202
	4ms recv a e1 data=x -> 200 e1.a data=x|a
	5ms recv b e1.a data=x|a -> 200 e1.a.b data=x|a|b
	6ms recv sink e1.a.b data=x|a|b
	7ms mark today
	8ms send Sequence/today e2 data=x -> 202
	9ms recv a e2 data=x -> 200 e2.a data=x|a
	10ms recv b e2.a data=x|a -> 200 e2.a.b data=x|a|b
	11ms recv sink e2.a.b data=x|a|b
	12ms mark chained
	13ms send Sequence/chained e3 data=x -> 202
	14ms recv c e3 data=x -> 200 e3.c data=x|c
	15ms recv a e3.c data=x|c -> 200 e3.c.a data=x|c|a
	16ms recv b e3.c.a data=x|c|a -> 200 e3.c.a.b data=x|c|a|b
	17ms recv sink e3.c.a.b data=x|c|a|b
	`

// converted is a history of CronJobSources, shown as PingSources.
var converted = func() string {
	var b strings.Builder
	for _, c := range cronJobs {
		fmt.Fprintf(&b, "1ms status PingSource/%s Ready=True %q spec.contentType=application/json %q %q\n", c.name,
			fmt.Sprintf("spec.data=%q", c.sent), `spec.sink={"ref":{"apiVersion":"v1","kind":"Service","name":"sink"}}`,
			`status.ceAttributes=[{"type":"dev.knative.cronjob.event","source":"/apis/v1/namespaces/ns/cronjobsources/`+c.name+`"}]`)
	}
	return b.String()
}()

// selected is a history of Triggers with a type and a source of old, which select as a function says.
func selected(selects func(t sourceAndType, typ, source string) bool) string {
	var b strings.Builder
	n := 0
	for _, typ := range []string{"wanted", "other"} {
		for _, source := range []string{"/wanted", "/other"} {
			n++
			fmt.Fprintf(&b, "%dms send Broker/default e%d type=%s source=%s -> 202\n", n, n, typ, source)
			for _, t := range sourceAndTypes() {
				if selects(t, typ, source) {
					fmt.Fprintf(&b, "%dms recv %s e%d type=%s source=%s\n", n, t.name, n, typ, source)
				}
			}
		}
	}
	return b.String()
}

// provisionedChannels is a history of Channels with a provisioner, and of their twin of today.
var provisionedChannels = func() string {
	var b strings.Builder
	for i, name := range append([]string{"today"}, provisioned...) {
		fmt.Fprintf(&b, "1ms status Channel/%s Ready=True %q\n", name, `spec.channelTemplate={"apiVersion":"messaging.knative.dev/v1","kind":"InMemoryChannel"}`)
		fmt.Fprintf(&b, "%[1]dms mark %[2]s\n%[1]dms send Channel/%[2]s e%[1]d -> 202\n%[1]dms recv a e%[1]d -> 200 e%[1]d.a\n%[1]dms recv sink e%[1]d.a\n", 10*(i+1), name)
	}
	return b.String()
}()

const inconvertible = `
	1ms apply Channel/unknown -> refused 422 "spec.provisioner: unknown, use spec.channelTemplate"
	1ms apply Channel/known
	1ms apply Trigger/expression -> refused 422 "spec.filter.expression: use filters[].cesql instead"
	1ms apply Trigger/cel -> refused 422 "spec.filter.cel: use spec.filters[].cesql"
	1ms apply Trigger/attributes
	1ms apply GcpPubSubSource/g -> refused 400 "GcpPubSubSource cannot run here: post to the sink instead"
	1ms apply CronJobSource/g
	`

var legacyExamples = []example{
	{
		scenario: "legacy/sequence", requirement: "LEG-001",
		good: []string{bothSequences},
		bad: []string{
			// a reply without ref is ignored
			strings.Replace(bothSequences, "6ms recv sink e1.a.b data=x|a|b", "", 1),
			strings.Replace(bothSequences, `"spec.reply={\"ref\":{\"kind\":\"Service\",\"name\":\"sink\"}}"`, "", 1),
			// dnsName is
			strings.Replace(bothSequences, `[{\"uri\":\"http://a/\"}]`, `[{}]`, 1),
			// what was not said then
			strings.Replace(bothSequences, `spec.steps=`, `spec.delivery=x" "spec.steps=`, 1),
			strings.Replace(bothSequences, "16ms recv b e3.c.a data=x|c|a -> 200 e3.c.a.b data=x|c|a|b\n\t17ms recv sink e3.c.a.b data=x|c|a|b", "", 1)},
	},
	{
		scenario: "legacy/cron-job-source", requirement: "LEG-002",
		good: []string{converted},
		bad: []string{
			// not wrapped
			strings.Replace(converted, `{\\\"body\\\": \\\"Hello world!\\\"}`, `Hello world!`, 1),
			// an object is wrapped as well
			strings.Replace(converted, `{\\\"message\\\": \\\"Hello world!\\\"}`, `{\\\"body\\\": \\\"{}\\\"}`, 1),
			strings.Replace(converted, "spec.contentType=application/json", "", 1),
			// a new type, a new source
			strings.Replace(converted, "dev.knative.cronjob.event", "dev.knative.sources.ping", 1),
			strings.Replace(converted, "cronjobsources/list", "pingsources/list", 1),
			// a bare reference
			strings.Replace(converted, `{\"ref\":{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"name\":\"sink\"}}`, `{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"name\":\"sink\"}`, 1)},
	},
	{
		scenario: "legacy/source-and-type", requirement: "LEG-003",
		good: []string{selected(sourceAndType.wants)},
		bad: []string{
			// an empty source matches nothing
			selected(func(t sourceAndType, typ, source string) bool {
				return !strings.HasSuffix(t.name, "empty") && t.wants(typ, source)
			}),
			// Any is taken for a value
			selected(func(t sourceAndType, typ, source string) bool {
				return !strings.HasPrefix(t.name, "any") && t.wants(typ, source)
			}),
			// the field is ignored
			selected(func(sourceAndType, string, string) bool { return true }),
			// the type alone
			selected(func(t sourceAndType, typ, _ string) bool { return t.wants(typ, t.source) })},
	},
	{
		scenario: "legacy/provisioner", requirement: "LEG-004",
		good: []string{provisionedChannels},
		bad: []string{
			strings.Replace(provisionedChannels, "30ms recv sink", "30ms recv elsewhere", 1),
			strings.Replace(provisionedChannels, `Channel/in-memory Ready=True "spec.channelTemplate={\"apiVersion\":\"messaging.knative.dev/v1\",\"kind\":\"InMemoryChannel\"}"`,
				`Channel/in-memory Ready=True "spec.provisioner=x"`, 1),
			strings.Replace(provisionedChannels, "1ms status Channel/in-memory Ready", "1ms status Channel/other Ready", 1)},
	},
	{
		scenario: "legacy/what-cannot-be-converted", requirement: "LEG-005", claims: []string{"PingSource"},
		good: []string{inconvertible},
		bad: []string{
			// taken, as a Channel of the default kind
			strings.Replace(inconvertible, `Channel/unknown -> refused 422 "spec.provisioner: unknown, use spec.channelTemplate"`, "Channel/unknown", 1),
			// the filter is ignored
			strings.Replace(inconvertible, `Trigger/expression -> refused 422 "spec.filter.expression: use filters[].cesql instead"`, "Trigger/expression", 1),
			strings.Replace(inconvertible, `Trigger/cel -> refused 422 "spec.filter.cel: use spec.filters[].cesql"`, "Trigger/cel", 1),
			// not a word on what to use
			strings.Replace(inconvertible, "use filters[].cesql instead", "unknown", 1),
			// nor on which field it is
			strings.Replace(inconvertible, "spec.provisioner: unknown, use", "use", 1),
			// everything old is refused
			strings.Replace(inconvertible, "Channel/known", `Channel/known -> refused 400 "no"`, 1),
			strings.Replace(inconvertible, "CronJobSource/g", `CronJobSource/g -> refused 400 "no"`, 1)},
	},
	{
		scenario: "legacy/what-cannot-be-converted", requirement: "LEG-005", claims: []string{"ExpressionFilter"},
		good: []string{strings.Replace(inconvertible, `Trigger/expression -> refused 422 "spec.filter.expression: use filters[].cesql instead"`, "Trigger/expression", 1)},
	},
}
