package check

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// traceForm is a traceparent: version, trace id, parent id and flags (W3C Trace Context §3.2.2). Later versions may go on.
var traceForm = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$`)

// traceOf reads the traceparent of a request. Both ids are empty if there is none; wrong says why one is malformed.
func traceOf(h http.Header) (trace, parent, wrong string) {
	lines := h.Values("Traceparent")
	if len(lines) == 0 {
		return "", "", ""
	}
	m := traceForm.FindStringSubmatch(lines[0])
	switch {
	case len(lines) > 1:
		return "", "", fmt.Sprintf("%d headers traceparent", len(lines))
	case m == nil, m[1] == "ff", m[1] == "00" && m[4] != "", strings.Trim(m[2], "0") == "", strings.Trim(m[3], "0") == "":
		return "", "", "traceparent: " + short(lines[0])
	}
	return m[2], m[3], ""
}

// SameTrace wants every accepted event that was sent with a trace, and what descends from it, to carry that trace's id
// wherever it comes, and to come to each of the receivers named (specs/eventing/data-plane.md #observability).
func SameTrace(at ...string) Judge {
	return All(AtEach(at...), func(v *history.View) Finding {
		n := 0
		for _, p := range v.Posts() {
			sent, _, wrong := traceOf(p.Ask.Header)
			if sent == "" || wrong != "" || !p.Accepted() {
				continue
			}
			for _, who := range at {
				for _, x := range v.Lineage(who, p.ID()) {
					if got, _, _ := traceOf(x.Ask.Header); got != sent {
						return Fail("the sender's trace "+sent+" at "+who, headerLine("Traceparent", x.Ask.Header), x.ID())
					}
					n++
				}
			}
		}
		if n == 0 {
			return Unclear("no event was sent with a trace")
		}
		return Pass("%s in the sender's trace", times(n))
	})
}

// AtEach wants something of every accepted event to come to each of the receivers.
func AtEach(at ...string) Judge {
	return Each(at, func(who string) Judge {
		return func(v *history.View) Finding {
			ids, none := accepted(v)
			if none != nil {
				return *none
			}
			for _, id := range ids {
				if len(v.Lineage(who, history.Root(id))) == 0 {
					return Fail(id+" or what became of it at "+who, times(0), id)
				}
			}
			return Pass("%d at %s", len(ids), who)
		}
	})
}

// WellFormedTraces wants the trace headers of every arrival to be well formed, whatever the sender's were: one traceparent
// at most, and a tracestate that is a list of members (W3C Trace Context §3.2, §3.3).
func WellFormedTraces(v *history.View) Finding {
	n := 0
	for _, x := range v.Arrivals() {
		if _, _, wrong := traceOf(x.Ask.Header); wrong != "" {
			return Fail("a well-formed traceparent or none at "+x.Ask.Who, wrong, x.ID())
		}
		if _, wrong := stateOf(x.Ask.Header); wrong != "" {
			return Fail("a well-formed tracestate or none at "+x.Ask.Who, "the member "+short(wrong), x.ID())
		}
		n++
	}
	if n == 0 {
		return Unclear("no event arrived")
	}
	return Pass("%s with well-formed trace headers or none", times(n))
}

var stateKey = regexp.MustCompile(`^[a-z0-9][a-z0-9_*/@-]{0,255}$`)

// stateOf reads the members of tracestate; wrong is the first that is none.
func stateOf(h http.Header) (members map[string]string, wrong string) {
	members = map[string]string{}
	for _, line := range h.Values("Tracestate") {
		for member := range strings.SplitSeq(line, ",") {
			if member = strings.Trim(member, " \t"); member == "" {
				continue
			}
			key, value, ok := strings.Cut(member, "=")
			_, twice := members[key]
			if !ok || twice || len(members) == 32 || !stateKey.MatchString(key) || value == "" || strings.ContainsAny(value, "=\x7f") {
				return nil, member
			}
			members[key] = value
		}
	}
	return members, ""
}

// NewParents wants each request in a sender's trace to have another parent id than the sender's own request, and than those
// by which a receiver was given what it answered with this event (W3C Trace Context §3.4).
func NewParents(v *history.View) Finding {
	n := 0
	for _, p := range v.Posts() {
		trace, sent, _ := traceOf(p.Ask.Header)
		if trace == "" {
			continue
		}
		var lineage []history.Exchange
		for _, x := range v.Arrivals() {
			if history.Root(x.ID()) == p.ID() {
				lineage = append(lineage, x)
			}
		}
		for _, x := range lineage {
			_, parent, _ := traceOf(x.Ask.Header)
			if parent == "" {
				continue
			}
			if parent == sent {
				return Fail("another parent id at "+x.Ask.Who+" than the sender's "+sent, headerLine("Traceparent", x.Ask.Header), x.ID())
			}
			for _, cause := range lineage {
				if _, earlier, _ := traceOf(cause.Ask.Header); earlier == parent && strings.HasPrefix(x.ID(), cause.ID()+".") {
					return Fail(fmt.Sprintf("another parent id at %s than %s, by which %s was given %s",
						x.Ask.Who, parent, cause.Ask.Who, name(cause.ID())), headerLine("Traceparent", x.Ask.Header), x.ID(), cause.ID())
				}
			}
			n++
		}
	}
	if n == 0 {
		return Unclear("no event that was sent with a trace arrived with one")
	}
	return Pass("%s, each with a new parent id", times(n))
}

// KeepsState wants what the sender put into tracestate to be there wherever its trace is (W3C Trace Context §3.5: a system
// adds its own member, and leaves those of others).
func KeepsState(v *history.View) Finding {
	n := 0
	for _, p := range v.Posts() {
		trace, _, _ := traceOf(p.Ask.Header)
		sent, _ := stateOf(p.Ask.Header)
		if trace == "" || len(sent) == 0 {
			continue
		}
		for _, x := range v.Arrivals() {
			if is, _, _ := traceOf(x.Ask.Header); is != trace || history.Root(x.ID()) != p.ID() {
				continue
			}
			got, _ := stateOf(x.Ask.Header)
			for _, key := range slices.Sorted(maps.Keys(sent)) {
				if got[key] != sent[key] {
					return Fail("tracestate with "+key+"="+sent[key]+" at "+x.Ask.Who, headerLine("Tracestate", x.Ask.Header), x.ID())
				}
			}
			n++
		}
	}
	if n == 0 {
		return Unclear("no event that was sent with a tracestate arrived in its trace")
	}
	return Pass("tracestate is kept in %s", times(n))
}

// ownHeaders are the request headers that HTTP, CloudEvents, trace context and Knative give a meaning to, and those of the
// meshes and gateways that a request may pass; a hyphen at the end stands for all that begin so.
var ownHeaders = []string{
	"Accept", "Accept-", "Authorization", "Connection", "Content-", "Date", "Expect", "Forwarded", "Host", "Keep-Alive", "Prefer", "Te",
	"Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Via",
	"Ce-", "Traceparent", "Tracestate", "Baggage", "B3", "X-B3-", "X-Request-Id", "Knative-", "Kn-", "K-",
	"X-Forwarded-", "X-Envoy-",
}

func ownHeader(h string) bool {
	return slices.ContainsFunc(ownHeaders, func(known string) bool {
		return h == known || strings.HasSuffix(known, "-") && strings.HasPrefix(h, known)
	})
}

// ownAttributes are those that an intermediary is known to add.
var ownAttributes = []string{
	"traceparent", "tracestate", "knativearrivaltime", "knativebrokerttl", "knativeerrordest", "knativeerrorcode", "knativeerrordata",
}

// NothingInner wants no header and no attribute at any receiver that tells of inner hops: no header without a known
// meaning, no attribute that was neither sent nor answered nor is known to be added, and nowhere the address of an object
// that another one is made of. What the sender itself sent is another judge's matter, and knativeerrordest tells by its
// nature where a delivery failed. Something must have come to each of the receivers named.
func NothingInner(at ...string) Judge {
	return func(v *history.View) Finding {
		made, sent := map[string]bool{}, map[string]bool{}
		for _, x := range v.Posts() {
			for h, values := range x.Ask.Header {
				sent[http.CanonicalHeaderKey(h)+strings.Join(values, ",")] = true
			}
			learnAttributes(made, x.Ask.Event, nil)
		}
		arrivals := v.Arrivals()
		for _, x := range arrivals {
			if x.Answer != nil {
				learnAttributes(made, x.Answer.Event, x.Ask.Event)
			}
		}
		inner := innerAddresses(v)
		for _, x := range arrivals {
			for _, h := range slices.Sorted(maps.Keys(x.Ask.Header)) {
				value := strings.Join(x.Ask.Header[h], ",")
				if !ownHeader(h) && !sent[h+value] {
					return Fail("no header at "+x.Ask.Who+" but those with a known meaning", h+": "+short(value), x.ID())
				}
				if object := within(value, inner); object != "" && h != "Ce-Knativeerrordest" {
					return Fail("no inner address at "+x.Ask.Who, fmt.Sprintf("%s: %s, the address of %s", h, short(value), object), x.ID())
				}
			}
			if x.Ask.Event == nil {
				continue
			}
			for _, a := range slices.Sorted(maps.Keys(x.Ask.Event.Attrs)) {
				if !made[a] && !slices.Contains(ownAttributes, a) {
					return Fail("no attribute at "+x.Ask.Who+" that nobody sent", a+": "+short(x.Ask.Event.Attrs[a]), x.ID())
				}
				if object := within(x.Ask.Event.Attrs[a], inner); object != "" && a != "knativeerrordest" {
					return Fail("no inner address at "+x.Ask.Who,
						fmt.Sprintf("%s: %s, the address of %s", a, short(x.Ask.Event.Attrs[a]), object), x.ID())
				}
			}
		}
		for _, who := range at {
			if len(v.Arrivals(who)) == 0 {
				return Unclear("nothing came to %s", who)
			}
		}
		return Pass("%s, nothing of inner hops; %d inner addresses are known", times(len(arrivals)), len(inner))
	}
}

// learnAttributes notes the attributes of an event but for those that its maker was given.
func learnAttributes(made map[string]bool, e, given *history.Event) {
	if e == nil {
		return
	}
	for a := range e.Attrs {
		if given == nil || given.Attrs[a] == "" {
			made[a] = true
		}
	}
}

// innerAddresses are the addresses, without scheme, of the objects that others are made of and whose address is not that of
// the whole, with the object that has each.
func innerAddresses(v *history.View) map[string]string {
	inner, outer := map[string]string{}, map[string]bool{}
	for _, s := range shownStates(v) {
		_, address, _ := strings.Cut(s.object.URL(), "://")
		switch {
		case address == "":
		case len(s.object.Metadata.OwnerReferences) > 0:
			inner[address] = s.who
		default:
			outer[address] = true
		}
	}
	maps.DeleteFunc(inner, func(address, _ string) bool { return outer[address] })
	return inner
}

// within returns the object whose address a text holds, empty if none.
func within(text string, addresses map[string]string) string {
	for address, object := range addresses {
		if strings.Contains(text, address) {
			return object
		}
	}
	return ""
}
