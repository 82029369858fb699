package suites

import (
	"fmt"
	"strings"
)

// allReady is a history of the kinds of core, each of which becomes Ready.
const allReady = `
	1ms status Channel/c obs=0
	2ms status Channel/c Ready=True Addressable=True
	3ms status Subscription/x Ready=Unknown:NotReconciled AddedToChannel=Unknown
	4ms status Subscription/x Ready=True AddedToChannel=True Note=False:Later Note.severity=Info
	5ms status Broker/b Ready=True
	6ms status Trigger/t Ready=True
	7ms status ConfigMap/config obs=0
	`

// references is a history of objects that refer to what is not there.
const references = `
	1ms status Channel/c Ready=False:NoSink:"absent is missing" DeadLetterSinkResolved=False:NoSink
	2ms status Subscription/x Ready=False:NoSubscriber ReferencesResolved=False:NoSubscriber AddedToChannel=Unknown
	`

// waitedFor is a history of the Sequences of which each waits for one destination.
var waitedFor = func() string {
	var b strings.Builder
	b.WriteString("1ms mark missing\n")
	for _, name := range waitingSequences {
		fmt.Fprintf(&b, "2ms status Sequence/%[1]s Ready=Unknown:Waiting:\"Service ns/%[1]s does not exist\"\n", name)
	}
	b.WriteString("3ms mark there\n")
	for i, name := range waitingSequences {
		fmt.Fprintf(&b, "4ms status Sequence/%s Ready=True url=http://x/%d\n", name, i)
		fmt.Fprintf(&b, "5ms send Sequence/%s e%d -> 202\n6ms recv %s e%d\n", name, i, []string{"atfirst", "atlast", "reply"}[i], i)
	}
	return b.String()
}()

// observed is a history of objects whose new spec is broken, which Channel/c says as the text has it.
func observed(c string) string {
	var b strings.Builder
	for _, object := range specified {
		fmt.Fprintf(&b, "1ms status %s Ready=True gen=1 obs=1\n", object)
	}
	b.WriteString("2ms mark broken\n")
	for _, object := range specified[1:] {
		fmt.Fprintf(&b, "3ms status %[1]s Ready=True gen=1 obs=1\n3ms status %[1]s Ready=True gen=2 obs=1\n3ms status %[1]s Ready=False:NoSink gen=2 obs=2\n", object)
	}
	return b.String() + c
}

// appliedAgain is a history of what was applied eleven times and is looked at before and after, Channel/c after as the text has it.
func appliedAgain(c string) string {
	const since = " Ready=True Ready.since=2026-01-01T00:00:00Z gen=3 obs=3\n"
	var b strings.Builder
	for _, object := range append([]string{"Sequence/s"}, reapplied...) {
		b.WriteString(strings.Repeat("1ms apply "+object+"\n", 11))
		b.WriteString("2ms status " + object + since)
		if object != "Channel/c" {
			b.WriteString("1100ms status " + object + since)
		}
	}
	return b.String() + "1ms status Subscription/s-kn-sequence-0" + since + "3ms send Sequence/s e1 -> 202\n4ms recv sink e1.a.b\n1100ms status Channel/c " + c + "\n"
}

// steps is a history of a Sequence that is shown with three steps, and then with two.
const steps = `
	1ms mark "3 steps"
	2ms status Sequence/s Ready=True "spec.steps=[{\"uri\":\"http://a\"},{\"uri\":\"http://b\"},{\"uri\":\"http://c\"}]" "status.channelStatuses=[{\"channel\":{\"name\":\"s-0\"},\"ready\":{\"type\":\"Ready\",\"status\":\"True\"}},{\"channel\":{\"name\":\"s-1\"},\"ready\":{\"type\":\"Ready\",\"status\":\"True\"}},{\"channel\":{\"name\":\"s-2\"},\"ready\":{\"type\":\"Ready\",\"status\":\"True\"}}]" "status.subscriptionStatuses=[{\"subscription\":{\"name\":\"t-0\"},\"ready\":{\"type\":\"Ready\",\"status\":\"True\"}},{\"subscription\":{\"name\":\"t-1\"},\"ready\":{\"type\":\"Ready\",\"status\":\"True\"}},{\"subscription\":{\"name\":\"t-2\"},\"ready\":{\"type\":\"Ready\",\"status\":\"True\"}}]"
	3ms status Subscription/t-0 Ready=True "spec.channel={\"name\":\"s-0\"}" "spec.subscriber={\"uri\":\"http://a\"}"
	3ms status Subscription/t-1 Ready=True "spec.channel={\"name\":\"s-1\"}" "spec.subscriber={\"uri\":\"http://b\"}"
	3ms status Subscription/t-2 Ready=True "spec.channel={\"name\":\"s-2\"}" "spec.subscriber={\"uri\":\"http://c\"}"
	4ms mark "2 steps"
	5ms status Sequence/s Ready=True "spec.steps=[{\"uri\":\"http://c\"},{\"uri\":\"http://a\"}]" "status.channelStatuses=[{\"channel\":{\"name\":\"s-0\"},\"ready\":{\"type\":\"Ready\",\"status\":\"True\"}},{\"channel\":{\"name\":\"s-1\"},\"ready\":{\"type\":\"Ready\",\"status\":\"True\"}}]" "status.subscriptionStatuses=[{\"subscription\":{\"name\":\"t-0\"},\"ready\":{\"type\":\"Ready\",\"status\":\"True\"}},{\"subscription\":{\"name\":\"t-1\"},\"ready\":{\"type\":\"Ready\",\"status\":\"True\"}}]"
	6ms status Subscription/t-0 Ready=True "spec.channel={\"name\":\"s-0\"}" "spec.subscriber={\"uri\":\"http://c\"}"
	6ms status Subscription/t-1 Ready=True "spec.channel={\"name\":\"s-1\"}" "spec.subscriber={\"uri\":\"http://a\"}"
	`

// addressed is a history of a Sequence that is addressable and of one that is not.
const addressed = `
	1ms apply Sequence/impossible
	2ms status Sequence/impossible Ready=False:NoChannel Addressable=False:NoChannel
	3ms status Sequence/s obs=0
	4ms status Sequence/s Ready=True Addressable=True url=http://x/
	5ms send Sequence/s e1 -> 202
	6ms recv a e1 -> 200 e1.a
	7ms recv b e1.a -> 200 e1.a.b
	8ms recv sink e1.a.b
	`

// offers is a history of manifests that are all taken.
func offers(lists ...[]manifest) string {
	var b strings.Builder
	for _, list := range lists {
		for _, m := range list {
			fmt.Fprintf(&b, "1ms apply %s\n", m.object)
		}
	}
	return b.String()
}

// badOffers is a history of bad manifests that are all refused by name.
var badOffers = func() string {
	var b strings.Builder
	for _, bad := range badManifests {
		fmt.Fprintf(&b, "1ms apply %s -> refused 422 \"spec.%s: wrong\"\n", bad.object, bad.field)
	}
	return b.String() + offers(leastFields)
}()

// unknownField is a history of a Sequence with a field that nobody knows.
const unknownField = `
	1ms apply Sequence/s
	2ms status Sequence/s Ready=True spec.steps=[]
	3ms send Sequence/s e1 -> 202
	4ms recv a e1
	`

// resolvedKinds is a history of one destination of each kind.
const resolvedKinds = `
	1ms status KService/ksvc Ready=True url=http://ksvc.example.com
	1ms status Channel/other Ready=True url=http://other.example.com
	1ms status Sequence/inner Ready=True url=http://inner.example.com/x
	1ms status Broker/b Ready=True url=http://broker.example.com/ns/b
	2ms status Subscription/service Ready=True sub=http://svc.ns.svc.cluster.local "spec.subscriber={\"ref\":{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"name\":\"svc\",\"namespace\":\"ns\"}}"
	2ms status Subscription/kservice Ready=True sub=http://ksvc.example.com "spec.subscriber={\"ref\":{\"apiVersion\":\"serving.knative.dev/v1\",\"kind\":\"Service\",\"name\":\"ksvc\"}}"
	2ms status Subscription/channel Ready=True sub=http://other.example.com "spec.subscriber={\"ref\":{\"apiVersion\":\"messaging.knative.dev/v1\",\"kind\":\"Channel\",\"name\":\"other\"}}"
	2ms status Subscription/sequence Ready=True sub=http://inner.example.com/x "spec.subscriber={\"ref\":{\"apiVersion\":\"flows.knative.dev/v1\",\"kind\":\"Sequence\",\"name\":\"inner\"}}"
	2ms status Subscription/broker Ready=True sub=http://broker.example.com/ns/b "spec.subscriber={\"ref\":{\"apiVersion\":\"eventing.knative.dev/v1\",\"kind\":\"Broker\",\"name\":\"b\"}}"
	3ms send Channel/c e1 -> 202
	4ms recv svc e1
	4ms recv ksvc e1
	4ms recv behind e1
	4ms recv step e1
	4ms recv triggered e1
	`

// relativeURIs is a history of URIs that are relative to a reference.
const relativeURIs = `
	1ms status Channel/c Ready=True url=http://h/ns/c
	2ms status Subscription/below Ready=True sub=http://below.ns.svc/b/c "spec.subscriber={\"uri\":\"b/c\",\"ref\":{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"name\":\"below\",\"namespace\":\"ns\"}}"
	2ms status Subscription/absolute Ready=True sub=http://absolute.ns.svc/b?x=1 "spec.subscriber={\"uri\":\"/b?x=1\",\"ref\":{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"name\":\"absolute\",\"namespace\":\"ns\"}}"
	2ms status Subscription/query Ready=True sub=http://below.ns.svc/?x=1 "spec.subscriber={\"uri\":\"?x=1\",\"ref\":{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"name\":\"below\",\"namespace\":\"ns\"}}"
	2ms status Subscription/beside Ready=True sub=http://h/ns/b?x=1 "spec.subscriber={\"uri\":\"b?x=1\",\"ref\":{\"apiVersion\":\"messaging.knative.dev/v1\",\"kind\":\"Channel\",\"name\":\"c\"}}"
	2ms status Subscription/root Ready=True sub=http://h/b "spec.subscriber={\"uri\":\"/b\",\"ref\":{\"apiVersion\":\"messaging.knative.dev/v1\",\"kind\":\"Channel\",\"name\":\"c\"}}"
	3ms apply Subscription/alone -> refused "spec.subscriber.uri: not absolute"
	3ms apply Trigger/alone -> refused "spec.subscriber.uri: not absolute"
	4ms send Channel/c e1 -> 202
	5ms recv below e1 path=/b/c
	5ms recv absolute e1 path=/b?x=1
	`

// vanished is a history of a destination that goes and comes back.
const vanished = `
	1ms status Subscription/x Ready=True
	1ms status Trigger/t Ready=True
	2ms mark gone
	3ms status Subscription/x Ready=False:NoSubscriber
	3ms status Trigger/t Ready=Unknown
	4ms mark back
	5ms status Subscription/x Ready=True
	5ms status Trigger/t Ready=True
	6ms send Channel/c e1 -> 202
	6ms send Broker/b e2 -> 202
	7ms recv d e1
	7ms recv d e2
	`

// forgedStatus is a history of manifests with a status in them.
const forgedStatus = `
	1ms apply Channel/c
	1ms apply Subscription/z
	2ms status Channel/c Ready=True url=http://h/ns/c
	2ms status Subscription/z Ready=False:NoSubscriber
	3ms send Channel/c e1 -> 202
	3ms send Channel/d e2 -> 202
	4ms recv witness e1
	4ms recv witness e2
	`

var statusExamples = []example{
	{
		scenario: "status/from-the-beginning", requirement: "STA-001", claims: []string{},
		good: []string{allReady},
		bad: []string{
			strings.Replace(allReady, "Broker/b Ready=True", "Broker/b Ready=True Ready=True", 1),
			strings.Replace(allReady, "Broker/b Ready=True", "Broker/b Ready=True Addressable=True Addressable=False", 1),
			// nothing sums up
			strings.Replace(allReady, "Subscription/x Ready=Unknown:NotReconciled", "Subscription/x", 1),
			// observed, without a word
			strings.Replace(allReady, "Channel/c obs=0", "Channel/c obs=1", 1),
			strings.Replace(allReady, "Subscription/x Ready=Unknown", "Subscription/x Ready=Maybe", 1),
			strings.Replace(allReady, "Broker/b Ready=True", "Broker/b Ready=True Ready.severity=Info", 1),
			// never Ready
			strings.Replace(allReady, "Broker/b Ready=True", "Broker/b Ready=Unknown", 1)},
	},
	{
		scenario: "status/from-the-beginning", requirement: "STA-002", claims: []string{},
		good: []string{allReady},
		bad: []string{
			strings.Replace(allReady, "Note.severity=Info", "", 1),
			strings.Replace(allReady, "Subscription/x Ready=Unknown:NotReconciled", "Subscription/x Ready=True", 1),
			// what shows no status is Unknown
			strings.Replace(allReady, "Channel/c Ready=True Addressable=True", `Channel/c Ready=True Addressable=""`, 1)},
	},
	{
		scenario: "status/from-the-beginning", requirement: "STA-006",
		good: []string{"1ms status Sequence/s Ready=True ChannelsReady=True SubscriptionsReady=True Addressable=True EventPoliciesReady=True"},
		bad:  []string{"1ms status Sequence/s Ready=True"},
	},
	{
		scenario: "status/dangling-references", requirement: "STA-002",
		good: []string{references},
		bad: []string{
			strings.Replace(references, "Subscription/x Ready=False", "Subscription/x Ready=True", 1),
			// something is broken, and the whole does not know
			strings.Replace(references, "Channel/c Ready=False", "Channel/c Ready=Unknown", 1)},
	},
	{
		scenario: "status/dangling-references", requirement: "STA-003",
		good: []string{references},
		bad: []string{
			strings.Replace(references, "DeadLetterSinkResolved=False:NoSink", "DeadLetterSinkResolved=False", 1),
			// a message alone (#5069)
			strings.Replace(references, "Ready=False:NoSink:", "Ready=False::", 1)},
	},
	{
		scenario: "status/sequence-waits-for-its-destinations", requirement: "STA-007",
		good: []string{waitedFor, strings.ReplaceAll(waitedFor, "Ready=Unknown", "Ready=False")},
		bad: []string{
			// only the first step is looked at
			strings.Replace(waitedFor, "Sequence/last Ready=Unknown", "Sequence/last Ready=True", 1),
			strings.Replace(waitedFor, "Sequence/reply Ready=Unknown", "Sequence/reply Ready=True", 1),
			// Ready without an address
			strings.Replace(waitedFor, " url=http://x/1", "", 1)},
	},
	{
		scenario: "status/sequence-waits-for-its-destinations", requirement: "STA-008",
		good: []string{waitedFor,
			// the Subscription of the step says it
			strings.Replace(waitedFor, `Ready=Unknown:Waiting:"Service ns/last does not exist"`,
				`Ready=False:NotReady:"wait" "status.subscriptionStatuses=[{\"ready\":{\"message\":\"services last not found\"}}]"`, 1)},
		bad: []string{
			// it says nothing useful (#5069)
			strings.Replace(waitedFor, "Service ns/last does not exist", "Subscriptions are not ready", 1),
			strings.Replace(waitedFor, ":Waiting:\"Service ns/last does not exist\"", "", 1),
			strings.Replace(waitedFor, "Sequence/first Ready=Unknown", "Sequence/first Ready=True", 1)},
	},
	{
		scenario: "status/sequence-waits-for-its-destinations", requirement: "STA-009",
		good: []string{waitedFor},
		bad: []string{
			// until somebody touches it
			strings.Replace(waitedFor, "Sequence/last Ready=True", "Sequence/last Ready=Unknown", 1),
			// Ready, and not served
			strings.Replace(waitedFor, "recv atlast", "recv elsewhere", 1)},
	},
	{
		scenario: "status/observed-generation", requirement: "STA-004",
		good: []string{observed("4ms status Channel/c Ready=False:NoSink gen=2 obs=2"),
			observed("4ms status Channel/c Ready=True gen=2 obs=1\n5ms status Channel/c Ready=Unknown gen=2 obs=2")},
		bad: []string{
			// the generation first, the conditions later
			observed("4ms status Channel/c Ready=True gen=2 obs=2\n5ms status Channel/c Ready=False:NoSink gen=2 obs=2"),
			// never observed
			observed("4ms status Channel/c Ready=True gen=2 obs=1"),
			observed("4ms status Channel/c Ready=False:NoSink gen=2 obs=1"),
			// observed before it was there
			observed("4ms status Channel/c Ready=True gen=2 obs=3\n5ms status Channel/c Ready=False:NoSink gen=2 obs=2")},
	},
	{
		scenario: "status/applied-again", requirement: "STA-005",
		good: []string{appliedAgain("Ready=True Ready.since=2026-01-01T00:00:00Z gen=3 obs=3"),
			// it was not Ready in between
			appliedAgain("Ready=True Ready.since=2026-01-01T00:00:01Z\n500ms status Channel/c Ready=False Ready.since=2026-01-01T00:00:01Z" +
				"\n2200ms status Channel/c Ready=True Ready.since=2026-01-01T00:00:01Z")},
		bad: []string{
			appliedAgain("Ready=True Ready.since=2026-01-01T00:00:01Z gen=3 obs=3"),
			// the time is missing (#6400)
			appliedAgain("Ready=True gen=3 obs=3"),
			appliedAgain("Ready=True Ready.since=0001-01-01T00:00:00Z gen=3 obs=3")},
	},
	{
		scenario: "status/applied-again", requirement: "STA-020",
		good: []string{appliedAgain("Ready=True gen=3 obs=3\n1100ms status Subscription/s-kn-sequence-0 gen=4")},
		bad: []string{
			appliedAgain("Ready=True gen=4 obs=4"),
			// made anew
			appliedAgain("Ready=True gen=3 obs=3\n1100ms status Subscription/s-kn-sequence-0 uid=other"),
			appliedAgain("Ready=True gen=3 obs=3\n1100ms gone Subscription/s-kn-sequence-0"),
			// an event is lost meanwhile (#7939)
			strings.Replace(appliedAgain("Ready=True gen=3 obs=3"), "recv sink", "recv elsewhere", 1)},
	},
	{
		scenario: "status/applied-again", requirement: "STA-020", claims: []string{}, // there is none
		good: []string{strings.ReplaceAll(appliedAgain("Ready=True gen=3 obs=3"), "Sequence/s", "Elsewhere/s")},
		bad:  []string{strings.ReplaceAll(appliedAgain("Ready=True gen=4 obs=4"), "Sequence/s", "Elsewhere/s")},
	},
	{
		scenario: "status/steps-of-a-sequence", requirement: "STA-010",
		good: []string{steps},
		bad: []string{
			// in any order
			strings.Replace(steps, `3ms status Subscription/t-1 Ready=True "spec.channel={\"name\":\"s-1\"}" "spec.subscriber={\"uri\":\"http://b\"}"`,
				`3ms status Subscription/t-1 Ready=True "spec.channel={\"name\":\"s-1\"}" "spec.subscriber={\"uri\":\"http://c\"}"`, 1),
			strings.Replace(steps, `[{\"channel\":{\"name\":\"s-0\"},\"ready\":{\"type\":\"Ready\",\"status\":\"True\"}},{\"channel\":{\"name\":\"s-1\"}`,
				`[{\"channel\":{\"name\":\"s-1\"},\"ready\":{\"type\":\"Ready\",\"status\":\"True\"}},{\"channel\":{\"name\":\"s-0\"}`, 1),
			// the entries of a step that is gone stay
			strings.Replace(steps, `"spec.steps=[{\"uri\":\"http://c\"},{\"uri\":\"http://a\"}]"`, `"spec.steps=[{\"uri\":\"http://c\"}]"`, 1),
			// one channel for two steps
			strings.ReplaceAll(steps, `s-1`, `s-0`),
			// no Ready condition
			strings.Replace(steps, `\"ready\":{\"type\":\"Ready\",\"status\":\"True\"}`, `\"ready\":{}`, 1),
			strings.Replace(steps, `{\"subscription\":{\"name\":\"t-0\"}`, `{\"subscription\":{}`, 1),
			strings.Replace(steps, `Subscription/t-0`, `Subscription/other`, 1)},
	},
	{
		scenario: "status/address-of-a-sequence", requirement: "STA-011",
		good: []string{addressed, `1ms apply Sequence/impossible -> refused "spec.channelTemplate"` + addressed[strings.Index(addressed, "\n\t4ms"):]},
		bad: []string{
			// an address that leads nowhere
			strings.Replace(addressed, "Ready=False:NoChannel Addressable=False:NoChannel", "Ready=False:NoChannel Addressable=False:NoChannel url=http://x/", 1),
			strings.Replace(addressed, "Addressable=True url=http://x/", "Addressable=True", 1),
			// the address of the last channel
			strings.Replace(addressed, "6ms recv a e1 -> 200 e1.a\n\t7ms recv b e1.a -> 200 e1.a.b\n\t8ms recv sink e1.a.b", "7ms recv b e1 -> 200 e1.b\n\t8ms recv sink e1.b", 1)},
	},
	{
		scenario: "status/every-field", requirement: "STA-014",
		claims: []string{"Parallel", "Sequence", "PingSource", "KnativeTopology"},
		good:   []string{offers(everyField(nothing), leastFields)},
		bad: []string{
			offers(everyField(nothing), leastFields) + `2ms apply Trigger/all -> refused "spec.delivery: unknown field"`,
			// a field that the public schema does not demand
			offers(everyField(nothing), leastFields) + `2ms apply Channel/least -> refused "spec.size: missing"`,
			offers(everyField(nothing), leastFields) + `2ms apply PingSource/least -> refused "spec.schedule: missing"`},
	},
	{
		scenario: "status/bad-manifests", requirement: "STA-015",
		claims: []string{"Parallel", "Sequence", "PingSource", "KnativeTopology"},
		good:   []string{badOffers},
		bad: []string{
			// accepted, and failing later
			badOffers + "2ms apply Channel/text",
			strings.Replace(badOffers, `Subscription/both -> refused 422 "spec.subscriber: wrong"`, `Subscription/both -> refused 422 "no"`, 1),
			// an accident and no refusal
			strings.Replace(badOffers, "Broker/delay -> refused 422", "Broker/delay -> refused 500", 1),
			// all are refused
			badOffers + `2ms apply Trigger/least -> refused 422 "no"`},
	},
	{
		scenario: "status/unknown-fields", requirement: "STA-016",
		good: []string{unknownField, `1ms apply Sequence/s -> refused "spec.stepz: unknown field"`},
		bad: []string{
			strings.Replace(unknownField, "spec.steps=[]", "spec.steps=[] spec.stepz=[]", 1),
			unknownField + "5ms recv rogue e1"},
	},
	{
		scenario: "status/unknown-fields", requirement: "STA-016", claims: []string{"Parallel"},
		good: []string{unknownField + `5ms apply Parallel/p -> refused "spec.branchez: unknown field"`},
		bad:  []string{unknownField + "5ms apply Parallel/p\n6ms status Parallel/p Ready=True spec.branchez=[]"},
	},
	{
		scenario: "status/kinds-of-destination", requirement: "STA-017",
		good: []string{resolvedKinds},
		bad: []string{
			// only one kind is resolved
			strings.Replace(resolvedKinds, "sub=http://svc.ns.svc.cluster.local", "", 1),
			strings.Replace(resolvedKinds, "sub=http://svc.ns.svc.cluster.local", "sub=https://svc.ns.svc.cluster.local", 1),
			strings.Replace(resolvedKinds, "sub=http://broker.example.com/ns/b", "sub=http://b.ns.svc.cluster.local", 1),
			strings.Replace(resolvedKinds, "recv step", "recv elsewhere", 1)},
	},
	{
		scenario: "status/kinds-of-destination", requirement: "STA-017", claims: []string{},
		good: []string{strings.Replace(resolvedKinds, "recv step", "recv elsewhere", 1)},
	},
	{
		scenario: "status/relative-uris", requirement: "STA-018",
		good: []string{relativeURIs},
		bad: []string{
			// strings put together
			strings.Replace(relativeURIs, "http://h/ns/b?x=1", "http://h/ns/cb?x=1", 1),
			strings.Replace(relativeURIs, "sub=http://h/b ", "sub=http://h/ns/c/b ", 1),
			strings.Replace(relativeURIs, "http://below.ns.svc/?x=1", "http://below.ns.svc/%3Fx=1", 1),
			strings.Replace(relativeURIs, "path=/b/c", "path=/", 1),
			strings.Replace(relativeURIs, `Trigger/alone -> refused "spec.subscriber.uri: not absolute"`, "Trigger/alone", 1)},
	},
	{
		scenario: "status/destination-vanishes", requirement: "STA-021",
		good: []string{vanished},
		bad: []string{
			// Ready for ever
			strings.Replace(vanished, "3ms status Subscription/x Ready=False:NoSubscriber", "3ms status Subscription/x Ready=True", 1),
			strings.Replace(vanished, "Ready=False:NoSubscriber", "Ready=False", 1),
			// never again
			strings.Replace(vanished, "5ms status Trigger/t Ready=True", "5ms status Trigger/t Ready=Unknown", 1),
			strings.Replace(vanished, "7ms recv d e2", "", 1)},
	},
	{
		scenario: "status/written-by-users", requirement: "STA-022",
		good: []string{forgedStatus,
			strings.Replace(forgedStatus, "1ms apply Channel/c", `1ms apply Channel/c -> refused "status: not yours"`, 1)},
		bad: []string{
			strings.Replace(forgedStatus, "4ms recv witness e2", "4ms recv rogue e2", 1),
			forgedStatus + "5ms recv rogue e2",
			strings.Replace(forgedStatus, "url=http://h/ns/c", `url=http://h/ns/c "status.addresses=[{\"url\":\"http://h/ns/rogue\"}]"`, 1),
			strings.Replace(forgedStatus, "Subscription/z Ready=False:NoSubscriber", "Subscription/z Ready=True", 1),
			strings.Replace(forgedStatus, "Subscription/z Ready=False:NoSubscriber", "Subscription/z Ready=False:NoSubscriber sub=http://h/ns/rogue", 1)},
	},
	{
		scenario: "everywhere", requirement: "STA-001",
		good: []string{allReady, references},
		bad:  []string{allReady + "8ms status Channel/c Ready=True Ready=False"},
	},
	{
		scenario: "everywhere", requirement: "STA-002",
		good: []string{allReady, references},
		bad:  []string{allReady + "8ms status Channel/c Ready=True Addressable=False:NoAddress"},
	},
	{
		scenario: "everywhere", requirement: "STA-003",
		good: []string{references},
		bad:  []string{references + "8ms status Channel/c Ready=False"},
	},
	{
		scenario: "everywhere", requirement: "STA-005",
		good: []string{"1ms status Channel/c obs=0\n2ms status Channel/c Ready=True Ready.since=2026-01-01T00:00:00Z"},
		bad: []string{"2ms status Channel/c Ready=True", `2ms status Channel/c Ready=True Ready.since=0001-01-01T00:00:00Z`,
			`2ms status Channel/c Ready=True Ready.since=yesterday`},
	},
}
