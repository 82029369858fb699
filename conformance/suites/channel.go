package suites

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// toChannel is the inside of a destination that refers to a Channel.
func toChannel(name string) string {
	return "ref: {apiVersion: messaging.knative.dev/v1, kind: Channel, name: " + name + "}"
}

// inMemory writes an InMemoryChannel, with annotations as the inside of a flow mapping, and a Subscription of it.
func inMemory(name, annotations, subscriber string) string {
	return fmt.Sprintf(`apiVersion: messaging.knative.dev/v1
kind: InMemoryChannel
metadata: {name: %[1]s, annotations: {%[2]s}}
---
apiVersion: messaging.knative.dev/v1
kind: Subscription
metadata: {name: %[1]s}
spec: {channel: {apiVersion: messaging.knative.dev/v1, kind: InMemoryChannel, name: %[1]s}, subscriber: %[3]s}
`, name, annotations, dest(subscriber))
}

// gate returns a channel that holds back receivers, and what opens it.
func gate() (held <-chan struct{}, open func()) {
	c := make(chan struct{})
	return c, sync.OnceFunc(func() { close(c) })
}

// settled says that a target has made up its mind about an object.
func settled(o *history.Object) bool {
	s := o.Condition("Ready").Status
	return o != nil && o.Status.ObservedGeneration == o.Metadata.Generation && (s == "True" || s == "False")
}

// waiting tells whether one of the exchanges has no answer yet.
func waiting(xs []history.Exchange) bool {
	return slices.ContainsFunc(xs, func(x history.Exchange) bool { return x.Answer == nil })
}

// elsewhere is a request to the ingress of a channel that names another channel, which is not there: by path, if channels
// are told apart by it, else by host.
func elsewhere(s *drive.Stage, to string) drive.Post {
	p := drive.Post{Event: s.NewEvent()}
	if u, err := url.Parse(s.URL(to)); err == nil && strings.Trim(u.Path, "/") != "" {
		p.Path = path.Join(path.Dir(strings.TrimRight(u.Path, "/")), "no-such-channel")
	} else {
		p.Host = "no-such-channel-kn-channel." + s.Namespace() + ".svc.cluster.local"
	}
	return p
}

// malformed are requests that claim to be events and are none.
func malformed() []drive.Post {
	binary := func(change func(http.Header)) drive.Post {
		h := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"bad"}, "Ce-Source": {drive.Source}, "Ce-Type": {"sequitur.test"}}
		change(h)
		return drive.Post{Header: h, Body: []byte("bad")}
	}
	structured := func(text string) drive.Post {
		return drive.Post{Header: http.Header{"Content-Type": {"application/cloudevents+json"}}, Body: []byte(text)}
	}
	return []drive.Post{
		binary(func(h http.Header) { h.Del("Ce-Id") }),
		binary(func(h http.Header) { h.Del("Ce-Source") }),
		binary(func(h http.Header) { h.Del("Ce-Type") }),
		binary(func(h http.Header) { h.Set("Ce-Specversion", "9.9") }),
		structured(`{"specversion":"1.0","id":"bad","source":"/sequitur","type":"sequitur.test"`),
		structured(`{"specversion":"1.0","id":"bad","source":"/sequitur"}`),
		structured(`["no", "event"]`),
	}
}

// payloads are events whose data is easily spoilt; the last one is large and may be refused.
func payloads(s *drive.Stage) []*event.Event {
	bytes256 := make([]byte, 256)
	for i := range bytes256 {
		bytes256[i] = byte(i)
	}
	return []*event.Event{
		s.NewEvent().WithData("application/json", []byte("{ \"b\" : 1.0,\r\n\"a\":12345678901234567890, \"b\" : \"\\u00e9</>\" }\n")),
		s.NewEvent().WithData("application/json", []byte("no JSON at all")),
		s.NewEvent().WithData("text/plain; charset=utf-8", []byte("\ufeff Grüße \r\n\x00")),
		s.NewEvent().WithData("application/octet-stream", bytes256),
		s.NewEvent().WithData("application/octet-stream", bytes.Repeat(bytes256, 1200)),
	}
}

// channel is the chapter on what a Channel takes and whom it gives it to.
var channel = []Scenario{
	{
		Name: "channel/takes-events",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Extend("a"))
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("x", "c", "$a", ""))
			s.Ready("Channel/c", "Subscription/x")
			s.Mark("small")
			s.Send("Channel/c", s.NewEvent(), s.NewEvent().With("subject", "Grüße").With("sequiturext", "1"))
			for _, e := range s.Events(2) {
				s.Post("Channel/c", drive.Post{Event: e, Mode: event.Structured})
			}
			bare := s.NewEvent()
			bare.Remove("datacontenttype")
			bare.Data = nil
			s.Send("Channel/c", bare)
			s.Mark("payloads")
			s.Send("Channel/c", payloads(s)...)
			s.Expect("a", s.Accepted())
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("CHN-001", check.All(check.ReadyWithURL("Channel/c"), check.In("small", check.Accepted()))),
			verify("CHN-005", check.DataUnchanged("a")),
			verify("CHN-007", check.In("small", check.AckedWithoutBody())),
		},
	},
	{
		Name: "channel/fan-out",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			for _, name := range []string{"a", "b", "d"} {
				s.Apply(subscriptionOf(name, "c", "$"+name, ""))
			}
			s.Ready("Channel/c", "Subscription/a", "Subscription/b", "Subscription/d")
			s.Burst("Channel/c", 8, s.Events(200)...)
			for _, name := range []string{"a", "b", "d"} {
				s.Expect(name, s.Accepted())
			}
			s.Quiet("Channel/c", "a", "b", "d")
		},
		Verify: []Verification{
			verify("CHN-003", check.Each([]string{"a", "b", "d"}, func(at string) check.Judge { return check.AtLeastOnce(at) })),
		},
	},
	{
		Name: "channel/two-subscriptions-of-one-subscriber",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("x", "c", "$a", "") + "---\n" + subscriptionOf("w", "c", "$a", ""))
			s.Ready("Channel/c", "Subscription/x", "Subscription/w")
			s.Send("Channel/c", s.Events(3)...)
			s.Expect("a", 2*s.Accepted())
			s.Mark("updated") // entries must not pile up when a Subscription is reconciled again
			s.Apply(subscriptionOf("x", "c", "$a", "delivery: {retry: 1}") + "---\n" + subscriptionOf("w", "c", "$a", "delivery: {retry: 2}"))
			s.Ready("Subscription/x", "Subscription/w")
			s.Send("Channel/c", s.Events(3)...)
			s.Expect("a", 2*s.Accepted())
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("CHN-004", check.EachTimes("a", 2)),
		},
	},
	{
		Name: "channel/without-subscriptions",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			s.Ready("Channel/c")
			s.Mark("nobody")
			s.Send("Channel/c", s.Events(3)...)
			s.Apply(subscriptionOf("x", "c", "$a", ""))
			s.Ready("Subscription/x")
			s.Mark("subscribed")
			s.Send("Channel/c", s.NewEvent())
			s.Expect("a", 1)
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("CHN-006", check.All(
				check.In("nobody", check.Accepted()),
				check.Of("nobody", check.Silent("a")),
				check.Of("subscribed", check.AtLeastOnce("a")),
			)),
		},
	},
	{
		Name: "channel/odd-requests",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("x", "c", "$a", ""))
			s.Ready("Channel/c", "Subscription/x")
			s.Mark("methods")
			for _, m := range oddMethods {
				s.Post("Channel/c", drive.Post{Method: m})
			}
			s.Mark("options")
			s.Post("Channel/c", drive.Post{Method: http.MethodOptions})
			if s.Claims("Sequence") {
				s.Apply(sequenceOf("s", "", "$a"))
				s.Ready("Sequence/s")
				s.Post("Sequence/s", drive.Post{Method: http.MethodOptions})
			}
			if s.Claims("Parallel") {
				s.Apply(parallelOf("p", "", "$a"))
				s.Ready("Parallel/p")
				s.Post("Parallel/p", drive.Post{Method: http.MethodOptions})
			}
			s.Mark("elsewhere")
			s.Post("Channel/c", elsewhere(s, "Channel/c"))
			s.Mark("malformed")
			for _, p := range malformed() {
				s.Post("Channel/c", p)
			}
			s.Mark("proper")
			s.Send("Channel/c", s.NewEvent())
			s.Expect("a", 1)
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("CHN-008", check.In("methods", check.MethodsRefused(oddMethods...))),
			verify("CHN-009", check.In("options", check.OptionsAllowPost())),
			verify("CHN-010", check.In("elsewhere", check.Answered(http.StatusNotFound))),
			verify("CHN-011", check.All(check.In("malformed", check.Answered(http.StatusBadRequest)), check.OnlyAccepted("a"))),
		},
	},
	{
		Name: "channel/failing-subscriber",
		Drive: func(s *drive.Stage) {
			s.Receiver("bad", receiver.Status(500))
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("x", "c", "$bad", "delivery: {retry: 1, backoffPolicy: linear, backoffDelay: PT0.1S}"))
			s.Apply(subscriptionOf("w", "c", "$ok", ""))
			s.Ready("Channel/c", "Subscription/x", "Subscription/w")
			e := s.NewEvent()
			for range 4 { // a sender who is told of a failure tries again
				if s.Post("Channel/c", drive.Post{Event: e})/100 != 5 {
					break
				}
			}
			s.Expect("ok", 1)
			s.Expect("bad", 2)
			s.Quiet("Channel/c", "ok", "bad")
		},
		Verify: []Verification{
			verify("CHN-012", check.NotRepeatedAt("ok", "bad")),
		},
	},
	{
		Name: "channel/slow-subscriber",
		Drive: func(s *drive.Stage) {
			const n = 150 // more than usual pools of workers hold
			held, open := gate()
			defer open()
			s.Receiver("slow", receiver.Held(held, receiver.OK()))
			s.Receiver("failing", receiver.Attempts(receiver.Status(500), receiver.Held(held, receiver.OK())))
			s.Apply(channelOf("c", ""))
			// The quick one is in the middle, so that serving them one by one, from either end, is noticed.
			s.Apply(subscriptionOf("a", "c", "$slow", ""))
			s.Apply(subscriptionOf("b", "c", "$quick", ""))
			s.Apply(subscriptionOf("d", "c", "$failing", "delivery: {retry: 3, backoffPolicy: linear, backoffDelay: PT0.01S}"))
			s.Ready("Channel/c", "Subscription/a", "Subscription/b", "Subscription/d")
			s.While("Channel/c", n, s.Events(n), func() {
				s.Expect("quick", n)
				s.Until("events wait for slow and failing", func(v *history.View) bool {
					return waiting(v.Arrivals("slow")) && waiting(v.Arrivals("failing"))
				})
				s.Mark("released")
				open()
			})
			s.Expect("slow", n)
			s.Expect("failing", 2*n)
		},
		Verify: []Verification{
			verify("CHN-013", check.NotHeldUp("quick", "released", "slow", "failing")),
		},
	},
	{
		Name:  "channel/async-handler",
		Needs: []string{"AsyncIngress"},
		Drive: func(s *drive.Stage) {
			held, open := gate()
			defer open()
			s.Receiver("bad", receiver.Held(held, receiver.Status(500)))
			s.Apply(inMemory("c", `messaging.knative.dev/async-handler: "true"`, "$bad"))
			s.Ready("InMemoryChannel/c", "Subscription/c")
			s.While("InMemoryChannel/c", 2, s.Events(2), func() {
				s.Until("2 acknowledged", func(v *history.View) bool { return len(v.Posts()) == 2 && !waiting(v.Posts()) })
				s.Mark("released")
				open()
			})
			s.Expect("bad", 2)
		},
		Verify: []Verification{
			verify("CHN-014", check.AckedBefore("released")),
		},
	},
	{
		Name: "channel/template",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			s.Ready("Channel/c")
			s.Mark("update")
			s.Try(channelOf("c", "channelTemplate: {apiVersion: messaging.knative.dev/v1, kind: InMemoryChannel, spec: {delivery: {retry: 9}}}"))
			s.Look("Channel/c")
		},
		Verify: []Verification{
			verify("CHN-015", check.In("update", check.Refused("Channel/c"))),
			verify("CHN-016", check.Shows("Channel/c", "a channelTemplate, and Ready", func(o *history.Object) bool {
				t, _ := o.Spec["channelTemplate"].(map[string]any)
				return o.Ready() && t["kind"] != nil && t["apiVersion"] != nil
			})),
		},
	},
	{
		Name: "channel/subscribers-in-the-manifest",
		Drive: func(s *drive.Stage) {
			if !s.Try(channelOf("c", "subscribers: [{name: rogue, uid: 5f0c2a4e-0000-4000-8000-000000000001, generation: 1, subscriberUri: $rogue}]")) {
				s.Apply(channelOf("c", ""))
			}
			s.Apply(subscriptionOf("x", "c", "$a", ""))
			s.Ready("Channel/c", "Subscription/x")
			s.Send("Channel/c", s.Events(2)...)
			s.Expect("a", 2)
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("CHN-018", check.RefusedOrWithoutEffect("Channel/c", "rogue", "a")),
		},
	},
	{
		Name:  "channel/backing-channel",
		Needs: []string{"KnativeTopology"},
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			s.Ready("Channel/c")
			if o := s.Look("Channel/c"); o != nil && o.Status.Channel != nil && o.Status.Channel.Kind == "InMemoryChannel" {
				s.Ready("InMemoryChannel/" + o.Status.Channel.Name)
			}
			if s.Try(channelOf("broken", "channelTemplate: {apiVersion: channels.sequitur.dev/v1, kind: NoSuchChannel}")) {
				s.Await("Channel/broken", "to show a Ready condition", func(o *history.Object) bool { return o.Condition("Ready").Status != "" })
				s.Quiet("")
				s.Look("Channel/broken")
			}
		},
		Verify: []Verification{
			verify("CHN-019", check.All(check.ShowsBacking("Channel/c"), check.NeverReady("Channel/broken"))),
		},
	},
	{
		Name: "channel/overload",
		Drive: func(s *drive.Stage) {
			held, open := gate()
			defer open()
			s.Receiver("slow", receiver.Held(held, receiver.OK()))
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("x", "c", "$slow", ""))
			s.Ready("Channel/c", "Subscription/x")
			s.While("Channel/c", 32, s.Events(300), func() {
				s.Quiet("") // as many as the target takes, or all, are waiting now
				open()
			})
			s.Expect("slow", s.Accepted())
			s.Quiet("Channel/c", "slow")
		},
		Verify: []Verification{
			verify("CHN-020", check.KeptOrRefused("slow")),
		},
	},
	{
		Name:  "channel/by-host-or-path",
		Needs: []string{"KnativeTopology"},
		Drive: func(s *drive.Stage) {
			s.Apply(inMemory("c", "", "$a"))
			s.Ready("InMemoryChannel/c", "Subscription/c")
			s.Mark("by Host")
			s.Post("InMemoryChannel/c", drive.Post{Event: s.NewEvent(), Host: "c-kn-channel." + s.Namespace() + ".svc.cluster.local", Path: "/"})
			s.Mark("by path")
			s.Post("InMemoryChannel/c", drive.Post{Event: s.NewEvent(), Path: "/" + s.Namespace() + "/c"})
			s.Expect("a", s.Accepted())
			s.Quiet("InMemoryChannel/c", "a")
		},
		Verify: []Verification{
			verify("CHN-021", check.AnyWay("a", "by Host", "by path")),
		},
	},
	{
		Name: "channel/deleted",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("x", "c", "$a", ""))
			s.Ready("Channel/c", "Subscription/x")
			s.Send("Channel/c", s.NewEvent())
			s.Expect("a", 1)
			s.Delete("Channel/c")
			s.Await("Channel/c", "to be gone", func(o *history.Object) bool { return o == nil })
			s.Mark("gone")
			s.Poll("Channel/c", "an answer that is not 2xx", func(code int) bool { return code/100 != 2 })
		},
		Verify: []Verification{
			verify("CHN-022", check.In("gone", check.StopsAccepting())),
		},
	},
	{
		Name: "channel/reply-and-dead-letters",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Extend("a"))
			s.Receiver("bad", receiver.Status(500))
			for _, c := range []string{"c", "replies", "letters"} {
				s.Apply(channelOf(c, ""))
			}
			s.Apply(subscriptionOf("x", "c", "$a", "reply: {"+toChannel("replies")+"}"))
			s.Apply(subscriptionOf("w", "c", "$bad", "delivery: {deadLetterSink: {"+toChannel("letters")+"}}"))
			s.Apply(subscriptionOf("r", "replies", "$sink", ""))
			s.Apply(subscriptionOf("l", "letters", "$dls", ""))
			s.Ready("Channel/c", "Channel/replies", "Channel/letters", "Subscription/r", "Subscription/l", "Subscription/x", "Subscription/w")
			for range 2 {
				s.Send("Channel/c", s.NewEvent().With("sequiturext", "kept"))
			}
			s.Expect("sink", 2)
			s.Expect("dls", 2)
			s.Quiet("Channel/c", "sink", "bad")
		},
		Verify: []Verification{
			verify("CHN-023", func(v *history.View) check.Finding {
				letters := []string{"sequiturext"}
				if v.Claims["DeadLetterExtensions"] {
					letters = append(letters, "knativeerrordest", "knativeerrorcode")
				}
				return check.All(check.AttributesReach("sink", "sequiturext"), check.AttributesReach("dls", letters...))(v)
			}),
		},
	},
}

var oddMethods = []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete}
