package suites

import (
	"fmt"
	"strconv"
	"strings"
)

// shownURIs writes the status line of a Subscription with the destinations of its spec as JSON.
func shownURIs(name, subscriber, reply, sink, uris string) string {
	line := "5ms status Subscription/" + name + " Ready=True " + uris
	for field, d := range map[string]string{"subscriber": subscriber, "reply": reply, "delivery": `{"deadLetterSink":` + sink + `}`} {
		if d != "" && d != `{"deadLetterSink":}` {
			line += " spec." + field + "=" + strconv.Quote(d)
		}
	}
	return line + "\n"
}

// someURIs is a history of three Subscriptions in which x shows these URIs, the others the right ones.
func someURIs(x string) string {
	const toK = `{"ref":{"apiVersion":"serving.knative.dev/v1","kind":"Service","name":"k","namespace":"ns"}}`
	const toR = `{"ref":{"apiVersion":"messaging.knative.dev/v1","kind":"Channel","name":"r","namespace":"ns"}}`
	const toSvc = `{"ref":{"apiVersion":"v1","kind":"Service","name":"svc","namespace":"ns"},"uri":"/sub/path"}`
	return `1ms status KService/k Ready=True url=http://k.ns.example.com
		2ms status Channel/r Ready=True url=http://r-kn-channel.ns.svc.cluster.local
		` + shownURIs("x", toK, toR, `{"uri":"http://dls/"}`, x) +
		shownURIs("w", `{"uri":"http://a/"}`, toSvc, "", "sub=http://a/ reply=http://svc.ns.svc.cluster.local/sub/path") +
		shownURIs("z", toSvc, `{"uri":"http://a/reply?x=1"}`, "", "sub=http://svc.ns.svc.cluster.local/sub/path reply=http://a/reply?x=1")
}

// firstEvents is a history of fresh Subscriptions of which some lose their first event.
func firstEvents(loses func(name string) bool) string {
	var b strings.Builder
	n := 0
	for c, names := range fresh() {
		for i, name := range names {
			n++
			fmt.Fprintf(&b, "%dms mark %s\n%dms send Channel/c%d e%d -> 202\n", 10*n, name, 10*n+1, c, n)
			for _, ready := range names[:i+1] {
				if ready != name || !loses(name) {
					fmt.Fprintf(&b, "%dms recv %s e%d\n", 10*n+2, ready, n)
				}
			}
		}
	}
	return b.String()
}

const subscriptionUpdated = `
	1ms send Channel/c e1 -> 202
	2ms recv subold e1
	2ms recv step e1 -> 200 e1.step
	2ms recv bad e1 -> 500
	3ms recv repold e1.step
	3ms recv dlsold e1
	4ms mark after
	5ms send Channel/c e2 -> 202
	6ms recv step e2 -> 200 e2.step
	6ms recv bad e2 -> 500
	`

var subscriptionExamples = []example{
	{
		scenario: "subscription/incomplete-manifests", requirement: "SUB-001",
		good: []string{`
			1ms apply Subscription/foreign -> refused "spec.channel.namespace: not allowed"
			2ms apply Subscription/own -> refused "spec.channel.namespace: not allowed"`},
		bad: []string{
			`1ms apply Subscription/foreign
			2ms apply Subscription/own -> refused "spec.channel.namespace: not allowed"`,
			`1ms apply Subscription/foreign -> refused "spec.channel.namespace: not allowed"
			2ms apply Subscription/own`},
	},
	{
		scenario: "subscription/incomplete-manifests", requirement: "SUB-005",
		good: []string{`
			1ms apply Subscription/none -> refused "spec.subscriber: missing"
			2ms apply Subscription/reply -> refused "spec.subscriber: missing"`},
		bad: []string{
			`1ms apply Subscription/none
			2ms apply Subscription/reply`,
			// a reply is taken for enough
			`1ms apply Subscription/none -> refused "spec.subscriber: missing"
			2ms apply Subscription/reply`},
	},
	{
		scenario: "subscription/before-its-channel", requirement: "CHN-017",
		good: []string{`
			1ms mark "no sink"
			2ms status Channel/c Ready=False:DeadLetterSinkNotResolved
			3ms mark complete
			4ms status Channel/c Ready=True`},
		bad: []string{
			// Ready early
			`1ms mark "no sink"
			2ms status Channel/c Ready=True
			3ms mark complete
			4ms status Channel/c Ready=True`,
			// never
			`1ms mark "no sink"
			2ms status Channel/c Ready=False
			3ms mark complete
			4ms status Channel/c Ready=False`},
	},
	{
		scenario: "subscription/before-its-channel", requirement: "SUB-002",
		good: []string{`
			1ms mark "no channel"
			2ms status Subscription/x Ready=Unknown:ChannelNotFound
			3ms mark "no sink"
			4ms status Subscription/x Ready=False:ChannelNotReady
			5ms mark complete
			6ms status Subscription/x Ready=True
			7ms send Channel/c e1 -> 202
			8ms recv a e1`},
		bad: []string{
			// Ready without a channel
			`1ms mark "no channel"
			2ms status Subscription/x Ready=True
			3ms mark "no sink"
			4ms status Subscription/x Ready=True
			5ms mark complete
			6ms status Subscription/x Ready=True
			7ms send Channel/c e1 -> 202
			8ms recv a e1`,
			// Ready before its channel is
			`1ms mark "no channel"
			2ms status Subscription/x Ready=False
			3ms mark "no sink"
			4ms status Subscription/x Ready=True
			5ms mark complete
			6ms status Subscription/x Ready=True
			7ms send Channel/c e1 -> 202
			8ms recv a e1`,
			// stuck
			`1ms mark "no channel"
			2ms status Subscription/x Ready=False
			3ms mark "no sink"
			4ms status Subscription/x Ready=False
			5ms mark complete
			6ms status Subscription/x Ready=False`,
			// Ready and not served
			`1ms mark "no channel"
			2ms status Subscription/x Ready=False
			3ms mark "no sink"
			4ms status Subscription/x Ready=False
			5ms mark complete
			6ms status Subscription/x Ready=True
			7ms send Channel/c e1 -> 202`},
	},
	{
		scenario: "subscription/shows-uris", requirement: "SUB-003",
		good: []string{someURIs("sub=http://k.ns.example.com/ reply=http://r-kn-channel.ns.svc.cluster.local dls=http://dls/")},
		bad: []string{
			someURIs("sub=http://k.ns.example.com dls=http://dls/"),
			someURIs("sub=http://k.ns.example.com reply=http://other/ dls=http://dls/"),
			someURIs("sub=http://k.ns.example.com reply=http://r-kn-channel.ns.svc.cluster.local"),
			someURIs("sub=http://k.ns.example.com/elsewhere reply=http://r-kn-channel.ns.svc.cluster.local dls=http://dls/")},
	},
	{
		scenario: "subscription/shows-uris", requirement: "SUB-015",
		good: []string{`1ms status Subscription/x Ready=True ReferencesResolved=True AddedToChannel=True ChannelReady=True`},
		bad:  []string{`1ms status Subscription/x Ready=True ReferencesResolved=True ChannelReady=True`},
	},
	{
		scenario: "subscription/dangling-references", requirement: "SUB-004",
		good: []string{`
			1ms status Subscription/x Ready=True sub=http://gone/
			2ms status Subscription/w Ready=True sub=http://a/ reply=http://gone/
			3ms delete Service/gone
			4ms status Subscription/x Ready=False:SubscriberResolveFailed
			5ms status Subscription/w Ready=False:ReplyResolveFailed sub=http://a/`},
		bad: []string{
			// a stale URI is kept
			`1ms status Subscription/x Ready=True sub=http://gone/
			2ms status Subscription/w Ready=True sub=http://a/ reply=http://gone/
			3ms delete Service/gone
			4ms status Subscription/x Ready=False:SubscriberResolveFailed sub=http://gone/
			5ms status Subscription/w Ready=False:ReplyResolveFailed sub=http://a/`,
			`1ms status Subscription/x Ready=True sub=http://gone/
			2ms status Subscription/w Ready=True sub=http://a/ reply=http://gone/
			3ms delete Service/gone
			4ms status Subscription/x Ready=False:SubscriberResolveFailed
			5ms status Subscription/w Ready=False:ReplyResolveFailed sub=http://a/ reply=http://gone/`,
			// nobody notices
			`1ms status Subscription/x Ready=True sub=http://gone/
			2ms status Subscription/w Ready=True sub=http://a/ reply=http://gone/
			3ms delete Service/gone`,
			// no reason is given
			`1ms status Subscription/x Ready=True sub=http://gone/
			2ms status Subscription/w Ready=True sub=http://a/ reply=http://gone/
			3ms delete Service/gone
			4ms status Subscription/x Ready=False
			5ms status Subscription/w Ready=False:ReplyResolveFailed sub=http://a/`},
	},
	{
		scenario: "subscription/without-reply", requirement: "SUB-006",
		good: []string{`
			1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a`},
		bad: []string{
			// the answer goes back to the channel
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv a e1.a -> 200 e1.a.a`},
	},
	{
		scenario: "subscription/reply", requirement: "SUB-007",
		good: []string{`
			1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503 e1.a
			2ms recv b e1 -> 200 e1.b
			2ms recv d e1 -> 200 e1.d
			3ms recv behind e1.b
			3ms recv k e1.d
			4ms recv a e1 -> 200 e1.a
			5ms recv sink e1.a`},
		bad: []string{
			// lost
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			2ms recv b e1 -> 200 e1.b
			2ms recv d e1 -> 200 e1.d
			3ms recv behind e1.b
			3ms recv k e1.d`,
			// lost in the channel that it goes to
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			2ms recv b e1 -> 200 e1.b
			2ms recv d e1 -> 200 e1.d
			3ms recv sink e1.a
			3ms recv k e1.d`,
			// what the failure carried was sent on, before the success
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 503 e1.a
			2ms recv b e1 -> 200 e1.b
			2ms recv d e1 -> 200 e1.d
			3ms recv sink e1.a
			3ms recv behind e1.b
			3ms recv k e1.d
			4ms recv a e1 -> 200 e1.a
			5ms recv sink e1.a`,
			// the input instead of the answer
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			2ms recv b e1 -> 200 e1.b
			2ms recv d e1 -> 200 e1.d
			3ms recv sink e1
			3ms recv behind e1.b
			3ms recv k e1.d`},
	},
	{
		scenario: "subscription/to-another-channel", requirement: "SUB-008",
		good: []string{`
			1ms apply Subscription/x
			2ms mark update
			3ms apply Subscription/x -> refused "spec.channel: cannot be changed"
			4ms mark after
			5ms send Channel/c e1 -> 202
			6ms recv a e1`},
		bad: []string{
			`1ms apply Subscription/x
			2ms mark update
			3ms apply Subscription/x
			4ms mark after
			5ms send Channel/c e1 -> 202`,
			// refused, and half moved
			`1ms apply Subscription/x
			2ms mark update
			3ms apply Subscription/x -> refused "spec.channel: cannot be changed"
			4ms mark after
			5ms send Channel/c e1 -> 202`},
	},
	{
		scenario: "subscription/updates", requirement: "SUB-009",
		good: []string{subscriptionUpdated + `7ms recv subnew e2
			7ms recv repnew e2.step
			7ms recv dlsnew e2`},
		bad: []string{
			// the old subscriber is kept
			subscriptionUpdated + `7ms recv subold e2
			7ms recv repnew e2.step
			7ms recv dlsnew e2`,
			// the old reply is kept
			subscriptionUpdated + `7ms recv subnew e2
			7ms recv repold e2.step
			7ms recv dlsnew e2`,
			// the old dead-letter sink is kept
			subscriptionUpdated + `7ms recv subnew e2
			7ms recv repnew e2.step
			7ms recv dlsold e2`,
			// one that was accepted during the change is lost
			subscriptionUpdated + `3ms send Channel/c e3 -> 202
			7ms recv subnew e2
			7ms recv repnew e2.step
			7ms recv repnew e3.step
			7ms recv dlsnew e2
			7ms recv dlsnew e3`},
	},
	{
		scenario: "subscription/first-event-after-ready", requirement: "SUB-010",
		good: []string{firstEvents(func(string) bool { return false })},
		bad: []string{
			firstEvents(func(string) bool { return true }),
			// Ready before the dispatcher knows, now and then
			firstEvents(func(name string) bool { return name == "c3s4" })},
	},
	{
		scenario: "subscription/own-delivery-options", requirement: "SUB-011",
		good: []string{`
			1ms send Channel/c e1 -> 202
			2ms recv twice e1 -> 500
			3ms recv twice e1 -> 500
			4ms recv once e1 -> 500`},
		bad: []string{
			// the channel's sink is added
			`1ms send Channel/c e1 -> 202
			2ms recv twice e1 -> 500
			3ms recv twice e1 -> 500
			4ms recv once e1 -> 500
			5ms recv dls e1`,
			// the channel's retries are added
			`1ms send Channel/c e1 -> 202
			2ms recv twice e1 -> 500
			3ms recv twice e1 -> 500
			4ms recv once e1 -> 500
			5ms recv once e1 -> 500`,
			// its own do not count
			`1ms send Channel/c e1 -> 202
			2ms recv twice e1 -> 500
			4ms recv once e1 -> 500`},
	},
	{
		scenario: "subscription/delivery-options-of-the-channel", requirement: "SUB-012",
		good: []string{`
			1ms send Channel/c e1 -> 202
			2ms recv bad e1 -> 500
			3ms recv bad e1 -> 500
			4ms recv bad e1 -> 500
			5ms recv dls e1`},
		bad: []string{
			// none is used
			`1ms send Channel/c e1 -> 202
			2ms recv bad e1 -> 500`,
			`1ms send Channel/c e1 -> 202
			2ms recv bad e1 -> 500
			3ms recv dls e1`,
			`1ms send Channel/c e1 -> 202
			2ms recv bad e1 -> 500
			3ms recv bad e1 -> 500
			4ms recv bad e1 -> 500`},
	},
	{
		scenario: "subscription/own-dead-letter-sink", requirement: "SUB-013",
		good: []string{`
			1ms send Channel/c e1 -> 202
			2ms recv bad e1 -> 500
			3ms recv own e1`},
		bad: []string{
			// both get it
			`1ms send Channel/c e1 -> 202
			2ms recv bad e1 -> 500
			3ms recv own e1
			3ms recv shared e1`,
			// the channel's wins
			`1ms send Channel/c e1 -> 202
			2ms recv bad e1 -> 500
			3ms recv shared e1`},
	},
	{
		scenario: "subscription/deleted", requirement: "SUB-014",
		good: []string{`
			1ms send Channel/c e1 -> 202
			2ms recv a e1
			2ms recv b e1
			2ms recv d e1
			3ms mark after
			4ms send Channel/c e2 -> 202
			5ms recv a e2
			5ms recv d e2`},
		bad: []string{
			// goes on
			`1ms send Channel/c e1 -> 202
			2ms recv a e1
			2ms recv d e1
			3ms mark after
			4ms send Channel/c e2 -> 202
			5ms recv a e2
			5ms recv b e2
			5ms recv d e2`,
			// a gap for the others
			`1ms send Channel/c e1 -> 202
			2ms recv a e1
			3ms mark after
			4ms send Channel/c e2 -> 202
			5ms recv a e2
			5ms recv d e2`,
			// twice for the others
			`1ms send Channel/c e1 -> 202
			2ms recv a e1
			2ms recv a e1
			2ms recv d e1
			3ms mark after
			4ms send Channel/c e2 -> 202
			5ms recv a e2
			5ms recv d e2`},
	},
	{
		scenario: "subscription/subscriber-moves", requirement: "SUB-016",
		good: []string{`
			1ms mark before
			2ms send Channel/c e1 -> 202
			3ms recv a e1
			4ms mark after
			5ms send Channel/c e2 -> 202
			6ms recv b e2`},
		bad: []string{
			// resolved once and for all
			`1ms mark before
			2ms send Channel/c e1 -> 202
			3ms recv a e1
			4ms mark after
			5ms send Channel/c e2 -> 202
			6ms recv a e2`,
			// both addresses
			`1ms mark before
			2ms send Channel/c e1 -> 202
			3ms recv a e1
			4ms mark after
			5ms send Channel/c e2 -> 202
			6ms recv a e2
			6ms recv b e2`},
	},
}
