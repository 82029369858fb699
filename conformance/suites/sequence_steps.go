package suites

import (
	"hash/fnv"
	"net/http"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// twenty are the steps of a long Sequence.
var twenty = strings.Fields("s0 s1 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 s12 s13 s14 s15 s16 s17 s18 s19")

// extend makes receivers that extend what they get by their own name.
func extend(s *drive.Stage, names ...string) {
	for _, name := range names {
		s.Receiver(name, receiver.Extend(name))
	}
}

// relabel is receiver.Extend that leaves the data alone.
func relabel(who string) receiver.Respond {
	return receiver.Reply(func(in *event.Event) *event.Event {
		out := in.Clone()
		out.Set("id", in.ID()+"."+who)
		out.Set("source", "/step/"+who)
		return out
	})
}

// byRoot picks the script by the id of the event at the beginning of the lineage.
func byRoot(scripts map[string]receiver.Respond) receiver.Respond { return fallBack(nil, scripts) }

// fallBack is byRoot with a script for all others.
func fallBack(other receiver.Respond, scripts map[string]receiver.Respond) receiver.Respond {
	return receiver.ByEvent(func(e *event.Event) receiver.Respond {
		if e != nil {
			if r, ok := scripts[history.Root(e.ID())]; ok {
				return r
			}
		}
		return other
	})
}

// jitter is a pause below limit that looks random and is the same in each run.
func jitter(who, id string, limit time.Duration) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(who + id)) // a hash does not fail
	return time.Duration(h.Sum32()) % limit
}

// accepted tells whether a receiver has accepted an event of a lineage.
func accepted(v *history.View, at, root string) bool {
	for _, x := range v.Lineage(at, root) {
		if x.Accepted() {
			return true
		}
	}
	return false
}

// poisonous are answers that no dispatcher likes; where is what the redirects lead to.
func poisonous(where string) map[string]receiver.Respond {
	raw := func(h http.Header, body string) receiver.Respond {
		return receiver.Always(receiver.Answer{Status: 200, Header: h, Body: []byte(body)})
	}
	return map[string]receiver.Respond{
		"redirect":  receiver.WithHeader("Location", where, receiver.Status(302)),
		"nowhere":   receiver.Status(307),
		"error":     receiver.Text(500, "text/html", strings.Repeat("<p>\r\nerror \x00\xff</p>", 1000)),
		"bare":      receiver.Text(200, "text/plain", "ok"),
		"noid":      raw(http.Header{"Ce-Specversion": {"1.0"}, "Ce-Type": {"t"}}, "x"),
		"future":    raw(http.Header{"Ce-Specversion": {"9.9"}, "Ce-Id": {"1"}, "Ce-Source": {"/"}, "Ce-Type": {"t"}}, "x"),
		"badjson":   receiver.Text(200, "application/cloudevents+json", `{"specversion": "1.0", "id": `),
		"nulljson":  receiver.Text(200, "application/cloudevents+json", "null"),
		"batch":     receiver.Text(200, "application/cloudevents-batch+json", "[]"),
		"mediatype": receiver.Text(200, ";;;", "x"),
		"garbage":   receiver.Faulty(receiver.Garbage, 0, nil),
		"reset":     receiver.Faulty(receiver.Reset, 0, nil),
		"close":     receiver.Faulty(receiver.Close, 0, nil),
		"truncated": receiver.Faulty(receiver.Truncate, 3, receiver.Extend("b")),
		"chunked":   receiver.Faulty(receiver.TruncateChunked, 3, receiver.Extend("b")),
		"early":     receiver.With(receiver.Status(404), func(a *receiver.Answer) { a.Early = []int{103, 103} }),
		"oddcode":   receiver.Status(799),
	}
}
