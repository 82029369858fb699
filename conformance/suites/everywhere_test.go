package suites

import (
	"net/http"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// subscribed is a history in which the subscriber of a Channel is sent an event with some headers.
func subscribed(h http.Header) func() *history.View {
	return func() *history.View {
		manifest := `{"apiVersion":"messaging.knative.dev/v1","kind":"Subscription","metadata":{"name":"x","namespace":"ns"},` +
			`"spec":{"channel":{"apiVersion":"messaging.knative.dev/v1","kind":"Channel","name":"c"},"subscriber":{"uri":"http://127.0.0.1:1/ns/a"}}}`
		e := &history.Event{Mode: "binary", Size: -1, Attrs: map[string]string{"id": "e1", "source": "/sequitur"}}
		return history.NewView("hand-made", map[string]bool{"core": true}, []history.Op{
			{Kind: history.Begin, Note: "ns"},
			{Kind: history.Applied, T: 1, Who: "Subscription/x", Shown: []byte(manifest)},
			{Kind: history.Sent, T: 2, X: -1, Who: "Channel/c", Event: e, Method: http.MethodPost},
			{Kind: history.Acked, T: 3, X: -1, Who: "Channel/c", Code: 202},
			{Kind: history.Received, T: 3 * time.Millisecond, X: 1, Who: "a", Event: e, Method: http.MethodPost, Header: h},
			{Kind: history.Answered, T: 4 * time.Millisecond, X: 1, Who: "a", Code: 202},
		})
	}
}

// ceHeaders are the headers of a valid request in binary mode, as words of a history.
const ceHeaders = " h:Ce-Specversion=1.0 h:Ce-Id=e1 h:Ce-Source=/sequitur h:Ce-Type=t h:Content-Type=text/plain h:Ce-Myext=a%20%E2%82%AC "

var everywhereExamples = []example{
	{
		scenario: "everywhere", requirement: "DLV-013",
		good: []string{`1ms send Channel/c e1 -> 202
			2ms..4ms recv a e1 -> 503
			5ms recv a e1`},
		bad: []string{`1ms send Channel/c e1 -> 202
			2ms..4ms recv a e1 -> 503
			3ms recv a e1`},
	},
	{
		scenario: "everywhere", requirement: "DLV-014",
		good: []string{`1ms send Channel/c e1 myext=x -> 202
			2ms recv a e1 myext=x -> 503
			3ms recv a e1 myext=x`},
		bad: []string{`1ms send Channel/c e1 myext=x -> 202
			2ms recv a e1 myext=x -> 503
			3ms recv a e1`},
	},
	{
		scenario: "everywhere", requirement: "DLV-047",
		goodViews: []func() *history.View{subscribed(http.Header{"Prefer": {"reply"}})},
		badViews:  []func() *history.View{subscribed(http.Header{})},
	},
	{
		scenario: "everywhere", requirement: "DLV-057",
		good: []string{
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 400
			4ms recv dead e1.a knativeerrorcode=400`,
			// what a source makes is nobody's stimulus
			`1ms apply PingSource/p
			2ms send Sequence/s e1 -> 202
			3ms recv a e1
			4ms recv a 5d2c source=/apis/v1/namespaces/ns/pingsources/p`,
			// an acknowledgement that never came does not make an event unknown
			`1ms send Sequence/s e1 -> err=timeout
			2ms recv a e1`,
			`1ms send Sequence/s none data=x -> 400
			2ms send Sequence/s e1 -> 202
			3ms recv a e1`,
		},
		bad: []string{
			`1ms send Sequence/s e1 -> 202
			2ms recv a e2`,
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 source=/other`,
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.b`,
			// what was refused cannot be it
			`1ms send Sequence/s none data=x -> 400
			2ms recv a invented`,
			// no source makes events of the harness's source, and one that was refused makes none
			`1ms apply PingSource/p
			2ms recv a e2`,
			`1ms apply PingSource/p -> refused
			2ms recv a 5d2c source=/apis/v1/namespaces/ns/pingsources/p`,
		},
	},
	{
		scenario: "everywhere", requirement: "CE-003",
		good: []string{`1ms recv a e1`},
		bad: []string{
			`1ms recv a e1 h:Content-Type=application/cloudevents-batch+json`,
			`1ms recv a none h:Content-Type="Application/CloudEvents-Batch+JSON; charset=utf-8"`,
			`1ms recv a e1 mode=batch`,
		},
	},
	{
		scenario: "everywhere", requirement: "CE-031",
		good: []string{
			`1ms send Channel/c e1 myext=x time=2020-01-01T00:00:00+02:00 -> 202
			2ms recv a e1 myext=x time=2019-12-31T22:00:00Z traceparent=00-1-1-00 tracestate=x=1 knativearrivaltime=now -> 200 e1.a myext=y
			3ms recv b e1.a myext=y traceparent=00-1-2-00`,
			// a step answers the event as it came, changed
			`1ms send Channel/c e1 myext=x -> 202
			2ms recv a e1 myext=x -> 200 e1 myext=y
			3ms recv b e1 myext=y`,
			`1ms send Channel/c e1 specversion=0.3 schemaurl=/s -> 202
			2ms recv a e1 dataschema=/s`,
		},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 vendorext=1`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a time=2020-01-01T00:00:00Z`,
			`1ms send Channel/c e1 type=t -> 202
			2ms recv a e1 type=u`,
			`1ms send Channel/c e1 time=2020-01-01T00:00:00.5Z -> 202
			2ms recv a e1 time=2020-01-01T00:00:00Z`,
		},
	},
	{
		scenario: "everywhere", requirement: "CE-032",
		good: []string{
			`1ms recv a e1` + ceHeaders,
			`1ms recv a e1 mode=structured h:Content-Type="application/cloudevents+json; charset=utf-8"`,
			`1ms recv a none m=OPTIONS -> 405
			2ms recv a e1` + ceHeaders,
		},
		bad: []string{
			`1ms recv a e1 m=PUT` + ceHeaders,
			`1ms recv a e1` + ceHeaders + `h:Ce-Datacontenttype=text/plain`,
			`1ms recv a e1` + ceHeaders + `h:Ce-Id=e1`,
			`1ms recv a e1 h:Ce-Specversion=1.0 h:Ce-Id=e1 h:Ce-Source=/sequitur`,
			`1ms recv a e1 h:Ce-Specversion=1.0 h:Ce-Id= h:Ce-Source=/sequitur h:Ce-Type=t`,
			`1ms recv a e1 h:Ce-Specversion=2.0 h:Ce-Id=e1 h:Ce-Source=/sequitur h:Ce-Type=t`,
			`1ms recv a e1` + ceHeaders + `h:Ce-Foo_bar=x`,
			`1ms recv a e1` + ceHeaders + `h:Ce-Subject="Euro €"`,
			`1ms recv a e1` + ceHeaders + `h:Ce-Subject=%FF`,
			`1ms recv a e1` + ceHeaders + `h:Content-Type=text/html`,
			`1ms recv a e1 mode=structured bad=broken h:Content-Type=application/cloudevents+json`,
			`1ms recv a e1 mode=structured -type h:Content-Type=application/cloudevents+json`,
			`1ms recv a none h:Content-Type=application/cloudevents+xml`,
			`1ms recv a none h:Content-Type=application/json data={}`,
			`1ms recv a barrier1 role=barrier h:Ce-Id=barrier1`,
		},
	},
	{
		scenario: "everywhere", requirement: "ORD-001",
		good: []string{`1ms send Sequence/s e1 -> 202
			2ms..4ms recv a e1 -> 200 e1.a
			5ms recv b e1.a
			6ms recv b e1.a`},
		bad: []string{
			`1ms send Sequence/s e1 -> 202
			2ms..4ms recv a e1 -> 200 e1.a
			3ms recv b e1.a`,
			// forwarded on speculation, and then again
			`1ms send Sequence/s e1 -> 202
			2ms..6ms recv a e1 -> 200 e1.a
			3ms recv b e1.a
			7ms recv b e1.a`,
		},
	},
}
