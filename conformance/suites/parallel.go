package suites

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// parallelOf writes a Parallel. A branch is "$a" (a subscriber without a filter) or the inside of a flow mapping, as
// branch writes it. An empty reply leaves it out.
func parallelOf(name, reply string, branches ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: flows.knative.dev/v1\nkind: Parallel\nmetadata: {name: %s}\nspec:\n  branches:\n", name)
	for _, br := range branches {
		if strings.HasPrefix(br, "$") {
			br = "subscriber: " + dest(br)
		}
		fmt.Fprintf(&b, "  - {%s}\n", br)
	}
	if reply != "" {
		fmt.Fprintf(&b, "  reply: %s\n", dest(reply))
	}
	return b.String()
}

// branch writes a branch with a filter, which may be empty for none; more is the rest of it, such as "reply: {uri: $r}".
func branch(filter, subscriber, more string) string {
	text := "subscriber: " + dest(subscriber)
	if filter != "" {
		text = "filter: " + dest(filter) + ", " + text
	}
	if more != "" {
		text += ", " + more
	}
	return text
}

// anew answers with an event that has nothing in common with the one that came but the beginning of its id.
func anew(who string) receiver.Respond {
	return receiver.Reply(func(in *event.Event) *event.Event {
		return event.New(in.ID()+"."+who, "urn:filter:"+who, "made.anew").With("subject", "another subject").
			With("time", "2024-02-29T12:00:00Z").With("colour", "blue").WithData("text/plain", []byte("another text"))
	})
}

// parallel is the chapter on what a Parallel does with events.
var parallel = []Scenario{
	{
		Name: "parallel/every-branch",
		Drive: func(s *drive.Stage) {
			extend(s, "f", "a", "h", "b", "c")
			s.Receiver("g", receiver.Status(204))
			s.Apply(parallelOf("p", "$sink", branch("$f", "$a", ""), branch("$g", "$never", ""), branch("$h", "$b", ""), "$c"))
			s.Ready("Parallel/p")
			s.Send("Parallel/p", s.Events(3)...)
			s.ExpectTogether(3+9, "g", "sink")
			s.Quiet("Parallel/p", "sink")
		},
		Verify: []Verification{
			verify("PAR-001", check.Forks("f>a>sink", "g", "h>b>sink", "c>sink")),
		},
	},
	{
		Name: "parallel/no-filter",
		Drive: func(s *drive.Stage) {
			extend(s, "f", "b")
			s.Apply(parallelOf("p", "", "$a", branch("$f", "$b", ""), "$c") + "---\n" + parallelOf("bare", "", "$d"))
			s.Ready("Parallel/p", "Parallel/bare")
			rich := richEvents(s)
			s.Send("Parallel/p", rich...)
			s.Mark("bare")
			s.Send("Parallel/bare", s.NewEvent())
			s.ExpectTogether(3*len(rich)+1, "a", "b", "c", "d")
			s.Quiet("Parallel/p", "c")
		},
		Verify: []Verification{
			verify("PAR-002", check.All(
				check.Of("", check.All(check.Forks("a", "f>b", "c"), check.Comes("all of it", asPosted,
					check.Way{To: "Parallel/p", At: "a"}, check.Way{To: "Parallel/p", At: "c"}))),
				check.Of("bare", check.Forks("d")),
			)),
		},
	},
	{
		Name: "parallel/filter-changes-the-event",
		Drive: func(s *drive.Stage) {
			s.Receiver("f", anew("f"))
			s.Receiver("g", receiver.InMode(event.Structured, anew("g")))
			s.Apply(parallelOf("p", "", branch("$f", "$a", ""), branch("$g", "$b", "")))
			s.Ready("Parallel/p")
			s.Send("Parallel/p", s.NewEvent().With("subject", "posted").With("colour", "red").With("taste", "sweet"))
			s.ExpectTogether(2, "a", "b")
			s.Quiet("Parallel/p", "a", "b")
		},
		Verify: []Verification{
			verify("PAR-003", check.All(check.Passes("f", "a"), check.Passes("g", "b"))),
		},
	},
	{
		Name: "parallel/filter-answers-nothing",
		Drive: func(s *drive.Stage) {
			s.Receiver("f", fallBack(receiver.Extend("f"), map[string]receiver.Respond{
				"e1": receiver.Status(200), "e2": receiver.Status(202), "e3": receiver.Status(204),
			}))
			extend(s, "a")
			s.Apply(parallelOf("p", "$sink", branch("$f", "$a", "delivery: {retry: 2, deadLetterSink: {uri: $dls}}")))
			s.Ready("Parallel/p")
			s.Mark("closed")
			s.Send("Parallel/p", s.Events(3)...)
			s.Mark("open")
			s.Send("Parallel/p", s.NewEvent())
			s.ExpectTogether(4+1, "f", "sink")
			s.Quiet("Parallel/p", "sink")
		},
		Verify: []Verification{
			verify("PAR-004", check.All(check.Of("closed", check.All(check.BareAck(), check.Forks("f"))), check.Of("open", check.Forks("f>a>sink")))),
		},
	},
	{
		Name: "parallel/filter-answers-without-an-event",
		Drive: func(s *drive.Stage) {
			s.Receiver("f", fallBack(receiver.Extend("f"), map[string]receiver.Respond{
				"e1": receiver.Text(200, "text/plain", "true"),
				"e2": receiver.Text(200, "application/json", `{"pass": true}`),
				"e3": receiver.Text(201, "text/html", "<html><body>ok</body></html>"),
			}))
			extend(s, "a")
			s.Apply(parallelOf("p", "$sink", branch("$f", "$a", "delivery: {retry: 2, deadLetterSink: {uri: $dls}}")))
			s.Ready("Parallel/p")
			s.Mark("closed")
			s.Send("Parallel/p", s.Events(3)...)
			s.Mark("open")
			s.Send("Parallel/p", s.NewEvent())
			s.ExpectTogether(4+1, "f", "sink")
			s.Quiet("Parallel/p", "sink")
		},
		Verify: []Verification{
			verify("PAR-005", check.All(check.Of("closed", check.Forks("f")), check.Of("open", check.Forks("f>a>sink")))),
		},
	},
	{
		Name: "parallel/filter-fails",
		Drive: func(s *drive.Stage) {
			s.Receiver("f", byRoot(map[string]receiver.Respond{
				"e1": receiver.Status(500), "e2": receiver.Text(400, "text/plain", "true"), "e3": receiver.Faulty(receiver.Reset, 0, nil),
				"e4": receiver.Faulty(receiver.Truncate, 3, receiver.Extend("f")),
			}))
			extend(s, "a")
			s.Apply(parallelOf("p", "$sink", branch("$f", "$a", "")))
			s.Ready("Parallel/p")
			s.Send("Parallel/p", s.Events(4)...)
			s.Expect("f", 4)
			s.Quiet("Parallel/p", "sink")
		},
		Verify: []Verification{
			verify("PAR-006", check.All(check.ClosedByFailure("f", "a"), check.ClosedByFailure("f", "sink"))),
		},
	},
	{
		Name: "parallel/filter-is-retried",
		Drive: func(s *drive.Stage) {
			busy := receiver.Status(503)
			s.Receiver("f", fallBack(busy, map[string]receiver.Respond{"e1": receiver.Attempts(busy, busy, receiver.Extend("f"))}))
			extend(s, "a")
			s.Apply(parallelOf("p", "$sink", branch("$f", "$a", sinkOf("$dls", retryQuickly(3)))))
			s.Ready("Parallel/p")
			s.Mark("at first")
			s.Send("Parallel/p", s.NewEvent())
			s.Mark("always")
			s.Send("Parallel/p", s.NewEvent())
			s.ExpectTogether(7+1+1, "f", "sink", "dls")
			s.Quiet("Parallel/p", "sink")
		},
		Verify: []Verification{
			verify("PAR-007", check.All(check.Attempts("f", "e1", 3), check.Of("at first", check.Forks("f*3>a>sink")), check.Of("always", check.Forks("f*4!>dls")))),
		},
		Read: []Reading{read("PAR-007", check.FilterOptions("f", "dls"))},
	},
	{
		Name: "parallel/slow-and-failing-branches",
		Drive: func(s *drive.Stage) {
			const n = 40
			held, open := gate()
			defer open()
			s.Receiver("slow", receiver.Held(held, receiver.OK()))
			s.Receiver("filter", receiver.Held(held, receiver.Extend("filter")))
			s.Receiver("failing", receiver.Status(503))
			// The quick one is in the middle, so that serving them one by one, from either end, is noticed.
			s.Apply(parallelOf("p", "", branch("$filter", "$behind", ""), branch("", "$failing", sinkOf("$dls", retryQuickly(2))), "$quick", "$slow"))
			s.Ready("Parallel/p")
			s.While("Parallel/p", n, s.Events(n), func() {
				s.Expect("quick", n)
				s.Until("events wait for slow and filter", func(v *history.View) bool {
					return waiting(v.Arrivals("slow")) && waiting(v.Arrivals("filter"))
				})
				s.Mark("released")
				open()
			})
			s.ExpectTogether(3*n, "behind", "slow", "dls")
			s.Quiet("Parallel/p", "behind", "quick", "slow")
		},
		Verify: []Verification{
			verify("PAR-008", check.All(check.NotHeldUp("quick", "released", "filter", "slow"), check.Forks("filter>behind", "failing*3!>dls", "quick", "slow"))),
		},
	},
	{
		Name: "parallel/replies",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b", "f", "c")
			s.Apply(parallelOf("p", "$shared", branch("", "$a", "reply: {uri: $own}"), "$b", branch("$f", "$c", ""), "$mute", branch("", "$silent", "reply: {uri: $other}")))
			s.Ready("Parallel/p")
			s.Send("Parallel/p", s.Events(2)...)
			s.ExpectTogether(2+4+2+2, "own", "shared", "mute", "silent")
			s.Quiet("Parallel/p", "own", "shared")
		},
		Verify: []Verification{
			verify("PAR-009", check.All(check.Passes("a", "own"), check.Forks("a>own", "b>shared", "f>c>shared", "mute", "silent"))),
			verify("PAR-010", check.Forks("a>own", "b>shared", "f>c>shared", "mute", "silent")),
		},
	},
	{
		Name: "parallel/no-reply",
		Drive: func(s *drive.Stage) {
			extend(s, "a", "f", "b")
			s.Apply(parallelOf("p", "", branch("", "$a", sinkOf("$dls", retryQuickly(2))), branch("$f", "$b", sinkOf("$dls", retryQuickly(2)))))
			s.Ready("Parallel/p")
			s.Send("Parallel/p", s.Events(2)...)
			s.ExpectTogether(4, "a", "b")
			s.Quiet("Parallel/p", "a", "b")
		},
		Verify: []Verification{
			verify("PAR-011", check.All(check.BareAck(), check.Forks("a", "f>b"))),
		},
	},
	{
		Name: "parallel/delivery-of-each-branch",
		Drive: func(s *drive.Stage) {
			for _, name := range []string{"a", "b", "c"} {
				s.Receiver(name, receiver.Status(503))
			}
			extend(s, "f", "d")
			s.Apply(parallelOf("p", "", branch("", "$a", sinkOf("$adls", retryQuickly(2))), branch("", "$b", sinkOf("$bdls", "")),
				branch("$f", "$c", sinkOf("$cdls", retryQuickly(1))), "$d"))
			s.Ready("Parallel/p")
			s.Send("Parallel/p", s.Events(2)...)
			s.ExpectTogether(4*2, "adls", "bdls", "cdls", "d")
			s.Quiet("Parallel/p", "a", "b", "c")
		},
		Verify: []Verification{
			verify("PAR-012", check.Forks("a*3!>adls", "b!>bdls", "f>c*2!>cdls", "d")),
		},
	},
	{
		Name: "parallel/dead-letter-of-a-branch",
		Drive: func(s *drive.Stage) {
			s.Receiver("f", anew("f"))
			s.Receiver("a", receiver.Status(503))
			s.Receiver("b", receiver.Status(503))
			s.Apply(parallelOf("p", "$sink", branch("$f", "$a", sinkOf("$dls", retryQuickly(1))), branch("", "$b", sinkOf("$others", ""))))
			s.Ready("Parallel/p")
			s.Send("Parallel/p", s.NewEvent().With("subject", "posted").With("taste", "sweet"))
			s.ExpectTogether(2, "dls", "others")
			s.Quiet("Parallel/p", "sink")
		},
		Verify: []Verification{
			verify("PAR-013", check.All(check.Passes("f", "dls"), check.Forks("f>a*2!>dls", "b!>others"),
				check.Comes("all of it", asPosted, check.Way{To: "Parallel/p", At: "others"}))),
		},
	},
	{
		Name: "parallel/nobody-takes-it",
		Drive: func(s *drive.Stage) {
			s.Receiver("f", receiver.Status(200))
			s.Receiver("g", receiver.Status(204))
			extend(s, "a", "b")
			s.Apply(parallelOf("p", "$sink", branch("$f", "$a", sinkOf("$dls", "")), branch("$g", "$b", "")))
			s.Ready("Parallel/p")
			s.Send("Parallel/p", s.Events(2)...)
			s.ExpectTogether(4, "f", "g")
			s.Quiet("Parallel/p", "sink")
		},
		Verify: []Verification{
			verify("PAR-014", check.All(check.BareAck(), check.Forks("f", "g"))),
		},
	},
	{
		Name:  "parallel/kinds-of-destination",
		Needs: []string{"Sequence"},
		Drive: func(s *drive.Stage) {
			extend(s, "first", "x", "kf", "y", "svc", "w", "q")
			s.Service("KService", "kf")
			s.Service("Service", "svc")
			flow := func(kind, name string) string {
				return "ref: {apiVersion: flows.knative.dev/v1, kind: " + kind + ", name: " + name + "}"
			}
			s.Apply(channelOf("ch", "") + "---\n" + subscriptionOf("sub", "ch", "$z", ""))
			s.Apply(sequenceOf("one", "$oneend", "$x") + "---\n" + sequenceOf("two", "$twoend", "$y") + "---\n" + sequenceOf("three", "$threeend", "$w"))
			s.Apply(parallelOf("inner", "$innerend", "$q"))
			s.Apply(parallelOf("p", flow("Sequence", "three"),
				branch("", flow("Sequence", "one"), ""),
				branch("ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: kf}", flow("Sequence", "two"), ""),
				branch("", "ref: {apiVersion: messaging.knative.dev/v1, kind: Channel, name: ch}", ""),
				branch("", "ref: {apiVersion: v1, kind: Service, name: svc}, uri: /some/where", ""),
				branch("", flow("Parallel", "inner"), "")))
			s.Apply(sequenceOf("outer", flow("Parallel", "p"), "$first"))
			s.Ready("Subscription/sub", "Sequence/one", "Sequence/two", "Sequence/three", "Parallel/inner", "Parallel/p", "Sequence/outer")
			s.Mark("straight")
			s.Send("Parallel/p", s.NewEvent())
			s.Mark("through a Sequence")
			s.Send("Sequence/outer", s.NewEvent())
			ends := []string{"oneend", "twoend", "z", "threeend", "innerend"}
			s.ExpectTogether(2*len(ends), ends...)
			s.Quiet("Sequence/outer", ends...)
		},
		Verify: []Verification{
			verify("PAR-023", check.All(
				check.Of("straight", check.Forks("x>oneend", "kf>y>twoend", "z", "svc>w>threeend", "q>innerend")),
				check.Of("through a Sequence", check.Forks("first>x>oneend", "first>kf>y>twoend", "first>z", "first>svc>w>threeend", "first>q>innerend")),
				check.AtPath("svc", "/some/where"),
			)),
		},
	},
	{
		Name: "parallel/one-branch-fails",
		Drive: func(s *drive.Stage) {
			s.Receiver("f", receiver.Status(500))
			s.Receiver("bad", receiver.Status(500))
			s.Apply(parallelOf("p", "", branch("$f", "$behind", "delivery: {"+retryQuickly(1)+"}"), branch("", "$bad", "delivery: {"+retryQuickly(1)+"}"), "$ok"))
			s.Ready("Parallel/p")
			e := s.NewEvent()
			for range 4 { // a sender who is told of a failure tries again
				if s.Post("Parallel/p", drive.Post{Event: e})/100 != 5 {
					break
				}
			}
			s.Expect("ok", 1)
			s.Expect("f", 1) // that it is retried is another requirement
			s.Expect("bad", 2)
			s.Quiet("Parallel/p", "ok")
		},
		Verify: []Verification{
			verify("PAR-024", check.All(check.NotRepeatedAt("ok", "bad"), check.NotRepeatedAt("ok", "f"))),
		},
	},
	{
		Name: "parallel/headers-and-answers",
		Drive: func(s *drive.Stage) {
			extend(s, "f", "a", "c")
			s.Receiver("bad", receiver.Text(500, "text/plain", "a private failure"))
			s.Receiver("g", receiver.Text(400, "text/plain", "a private refusal"))
			s.Receiver("told", receiver.Text(200, "text/plain", "a private answer"))
			s.Apply(parallelOf("p", "", branch("$f", "$a", ""), branch("", "$bad", ""), branch("$g", "$behind", ""), branch("$f", "$told", ""), "$c"))
			s.Ready("Parallel/p")
			s.Post("Parallel/p", drive.Post{Event: s.NewEvent(), Header: http.Header{"Prefer": {"reply"}}}) // as a filter or a step is asked
			s.ExpectTogether(5, "a", "bad", "g", "told", "c")
		},
		Verify: []Verification{
			verify("PAR-025", check.All(check.PrefersReply("f", "a", "bad", "g", "told", "c"), check.NothingToSender("a private"))),
		},
	},
}

// asPosted wants an event to arrive with everything that was posted; what is added is a requirement of every scenario.
var asPosted = check.Every(check.SameAttributes, check.SameContentType, check.SameData)
