package check

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/conformance/verdict"
)

// Judges of Brokers: which Triggers get what, what becomes of answers, and what a Broker's address says.

// Selects wants every accepted event for which fits holds to come to a receiver, and no other one; what says in words which
// those are. Both sorts must have been sent (control-plane.md #content-based-routing). An event that comes twice is another
// judge's matter, as deliveries may be repeated.
func Selects(at, what string, fits func(*history.Event) bool) Judge {
	return func(v *history.View) Finding {
		ids, none := accepted(v)
		if none != nil {
			return *none
		}
		yes, no := 0, 0
		for _, p := range v.Posts() {
			id := p.ID()
			if !slices.Contains(ids, id) {
				continue
			}
			came := len(v.Attempts(at, id))
			switch {
			case fits(p.Ask.Event) && came == 0:
				return Fail(fmt.Sprintf("%s, %s, at %s", id, what, at), "it did not come", id)
			case fits(p.Ask.Event):
				yes++
			case came > 0:
				return Fail("only events "+what+" at "+at, id+" came", id)
			default:
				no++
			}
		}
		if yes == 0 || no == 0 {
			return Unclear("%d events %s were accepted and %d others: both are needed", yes, what, no)
		}
		return Pass("%d %s came to %s, %d others did not", yes, what, at, no)
	}
}

// Reenters wants every event that a Trigger's subscriber answers to an event of the harness to come to each of the
// receivers named, after that answer (control-plane.md #content-based-routing).
func Reenters(by string, at ...string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, by)
		if none != nil {
			return *none
		}
		for _, id := range ids {
			x := find(v.Attempts(by, id), func(x history.Exchange) bool { return x.Code() == 200 && wellFormed(x.Answer.Event) })
			if x == nil {
				return Unclear("%s did not answer %s with an event", by, id)
			}
			answer := x.Answer.Event.ID()
			for _, who := range at {
				got := v.Attempts(who, answer)
				if len(got) == 0 {
					return Fail("the answer "+answer+" of "+by+" at "+who, "it did not come", id, answer)
				}
				if got[0].Ask.T < x.Answer.T {
					return Fail("the answer "+answer+" at "+who+" after "+by+" gave it", "it came before", id, answer)
				}
			}
		}
		return Pass("%d answers of %s came to %s", len(ids), by, strings.Join(at, ", "))
	}
}

// MalformedStayOut wants every answer of a receiver that claims to be an event and is malformed to fail the delivery, so
// that its event comes to the dead-letter sink, and nothing of it to enter the Broker again: at all, whose Trigger takes
// every event, nothing may come but accepted events and valid answers. Both sorts of answers must have been given.
func MalformedStayOut(at, all, sink string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, at)
		if none != nil {
			return *none
		}
		good, spoilt := answerSorts(v, at, ids)
		if len(good) == 0 || len(spoilt) == 0 {
			return Unclear("%d valid and %d malformed answers were seen: both are needed", len(good), len(spoilt))
		}
		for _, x := range v.Arrivals(all) {
			if !wellFormed(x.Ask.Event) || !good[x.ID()] && !slices.Contains(ids, x.ID()) {
				return Fail("only events that were sent and valid answers at "+all, name(x.ID())+reasonOf(x.Ask.Event), spoilt[:min(len(spoilt), 3)]...)
			}
		}
		for id := range good {
			if len(v.Attempts(all, id)) == 0 {
				return Fail("the valid answer "+id+" at "+all+" beside malformed ones", "it did not come", history.Root(id), id)
			}
		}
		for _, id := range spoilt {
			if len(v.Attempts(sink, id)) == 0 {
				return Fail(id+" at "+sink+", as its answer was malformed", "it did not come", id)
			}
		}
		return Pass("%d malformed answers failed the delivery", len(spoilt))
	}
}

// Unserved wants an object that nobody serves not to be Ready, or its manifest to be refused. The witness, which is
// served, must have been seen Ready, so that there was time for it.
func Unserved(object, witness string) Judge {
	return func(v *history.View) Finding {
		offers := v.Offers(object)
		switch {
		case len(offers) == 0:
			return Unclear("no manifest of %s was offered", object)
		case offers[0].Refused:
			return Pass("refused: %s", offers[0].Note)
		case !v.LastStatus(witness).Ready():
			return Unclear("%s was not seen Ready", witness)
		case len(v.Statuses(object)) == 0:
			return Unclear("%s was not looked at", object)
		}
		for _, op := range v.Statuses(object) {
			if o := op.Object(); o != nil && o.Condition("Ready").Status == "True" {
				return Fail(object+" not Ready, as nobody serves it", describe(o))
			}
		}
		return Pass("not Ready")
	}
}

// ShowsSink wants status.deadLetterSinkUri, whenever an object is Ready, to be what its spec.delivery.deadLetterSink
// resolves to (control-plane.md #broker-lifecycle, #trigger-lifecycle).
func ShowsSink(object string) Judge {
	return func(v *history.View) Finding {
		shown := ""
		for _, op := range v.Statuses(object) {
			o := op.Object()
			if !o.Ready() {
				continue
			}
			d := inside(o.Spec, "delivery", "deadLetterSink")
			if d == nil {
				continue
			}
			want := resolvedURI(v, o, d)
			if want == nil {
				return Unclear("the address that the dead-letter sink of %s refers to was not seen", object)
			}
			is, err := url.Parse(o.Status.DeadLetterSinkURI)
			if err != nil || !equalURIs(want, is) {
				return Fail("status.deadLetterSinkUri "+want.String()+" while "+object+" is Ready", fmt.Sprintf("%q", o.Status.DeadLetterSinkURI))
			}
			shown = o.Status.DeadLetterSinkURI
		}
		if shown == "" {
			return Unclear("%s was never seen Ready with a dead-letter sink", object)
		}
		return Pass("%s shows %s", object, shown)
	}
}

// LastAttempts wants the newest accepted event of the view to have come to a receiver exactly n times. Events before it may
// have come less or more often, as a change takes its time to spread.
func LastAttempts(at string, n int) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, at)
		if none != nil {
			return *none
		}
		id := ids[len(ids)-1]
		if got := len(v.Attempts(at, id)); got != n {
			return Fail(fmt.Sprintf("%s of %s at %s", times(n), id, at), times(got), id)
		}
		return Pass("%s of %s at %s", times(n), id, at)
	}
}

// arrivalTime is the attribute that a Broker sets to the time of reception (pkg/broker/ingress/ingress_handler.go).
const arrivalTime = "knativearrivaltime"

// clocks is how far the clocks of harness and target may be apart.
const clocks = time.Hour

// ArrivalTime wants every delivery of an accepted event to say in knativearrivaltime when the Broker received it, in the form of
// RFC 3339: about when the event says by its own time that it was sent, and not what the sender put there.
func ArrivalTime(at string) Judge {
	return func(v *history.View) Finding {
		if _, none := taken(v, at); none != nil {
			return *none
		}
		n, claims := 0, 0
		for _, p := range v.Posts() {
			id, claimed := p.ID(), p.Ask.Event.Attrs[arrivalTime]
			sent, err := time.Parse(time.RFC3339Nano, p.Ask.Event.Attrs["time"])
			if err != nil || !p.Accepted() {
				continue
			}
			if claimed != "" {
				claims++
			}
			for _, x := range v.Attempts(at, id) {
				text, ok := x.Ask.Event.Attrs[arrivalTime]
				is, err := time.Parse(time.RFC3339Nano, text)
				switch {
				case !ok:
					return Fail(arrivalTime+" on "+id+" at "+at, "it is absent", id)
				case err != nil:
					return Fail(arrivalTime+" of "+id+" in the form of RFC 3339", fmt.Sprintf("%q", text), id)
				case is.Sub(sent).Abs() > clocks:
					return Fail(arrivalTime+" of "+id+" about "+sent.Format(time.RFC3339)+", when it was sent", fmt.Sprintf("%q", text), id)
				}
				n++
			}
		}
		if n == 0 || claims == 0 {
			return Unclear("%d events came to %s, %d had a time of arrival of their sender: both are needed", n, at, claims)
		}
		return Pass("%d deliveries with the time of reception", n)
	}
}

// Without wants nothing that comes to the receivers to have an attribute. Something must have come to each.
func Without(attribute string, at ...string) Judge {
	return func(v *history.View) Finding {
		if _, none := taken(v, at...); none != nil {
			return *none
		}
		for _, who := range at {
			got := v.Arrivals(who)
			if len(got) == 0 {
				return Unclear("nothing came to %s", who)
			}
			for _, x := range got {
				value, ok := "", false
				if x.Ask.Event != nil {
					value, ok = x.Ask.Event.Attrs[attribute]
				}
				if ok || x.Ask.Header.Get("Ce-"+attribute) != "" {
					return Fail("no "+attribute+" at "+who, fmt.Sprintf("%q on %s", value, name(x.ID())), x.ID())
				}
			}
		}
		return Pass("no %s at %s", attribute, strings.Join(at, ", "))
	}
}

// passes counts, for the one accepted event of the view, how many events of its lineage came to a receiver that answers
// each with the next; ended tells whether the last answer never came. A loop that is only slow may look so: if it did not
// end where it is expected to, after so many, the silence must have been much longer than any of its rounds.
func passes(v *history.View, at string, expected int) (id string, n int, ended bool, none *Finding) {
	ids, none := taken(v, at)
	if none != nil {
		return "", 0, false, none
	}
	seen := map[string]bool{}
	var last history.Exchange
	var longest time.Duration
	for _, x := range v.Lineage(at, history.Root(ids[0])) {
		if last.Ask != nil {
			longest = max(longest, x.Ask.T-last.Ask.T)
		}
		seen[x.ID()] = true
		last = x
	}
	if len(seen) < 2 {
		f := Unclear("%d of the answers to %s came back to %s", max(len(seen)-1, 0), ids[0], at)
		return "", 0, false, &f
	}
	if last.Answer == nil || !wellFormed(last.Answer.Event) || seen[last.Answer.Event.ID()] {
		return ids[0], len(seen), false, nil
	}
	silence := v.Ops[len(v.Ops)-1].T - last.Answer.T
	return ids[0], len(seen), len(seen) == expected || silence > 5*longest, nil
}

// LoopEnds wants an event and its answers to pass a Broker at most so many times, though the last answer would go on
// (pkg/broker/ttl.go).
func LoopEnds(at string, most int) Judge {
	return func(v *history.View) Finding {
		id, n, ended, none := passes(v, at, most)
		switch {
		case none != nil:
			return *none
		case n > most:
			return Fail(fmt.Sprintf("the loop of %s to end after %d deliveries", id, most), fmt.Sprintf("%d and more", n), id)
		case !ended:
			return Unclear("the loop of %s was not seen to end: %s", id, times(n))
		}
		return Pass("the loop ended after %d deliveries", n)
	}
}

// WherePath judges if the address of an object has a path of the form /namespace/name; where it has not, requests are not
// told apart by their path.
func WherePath(object string, j Judge) Judge {
	return func(v *history.View) Finding {
		o := v.LastStatus(object)
		if o.URL() == "" {
			return Unclear("%s was not seen with an address", object)
		}
		if !NamespaceAndName(o.URL()) {
			return NotApplicable("the address %s does not have the form /namespace/name", o.URL())
		}
		return j(v)
	}
}

// NamespaceAndName tells whether the path of a URL has the form /namespace/name.
func NamespaceAndName(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.Count(strings.Trim(u.Path, "/"), "/") == 1
}

// TakenOrRefused wants each post of a phase to be taken, and then to come out whole at the way's receiver, or to be
// refused with 4xx. A target that ends the connection rather than read on may be heard or not: a lost answer counts as a
// refusal if nothing came out.
func TakenOrRefused(mark string, w Way) Judge {
	return func(v *history.View) Finding {
		posts := v.Phase(mark).Posts(w.To)
		if len(posts) == 0 {
			return Unclear("nothing was sent in the phase %q", mark)
		}
		said := ""
		for _, p := range posts {
			id := p.ID()
			got := v.Attempts(w.At, id)
			switch code := p.Code(); {
			case p.Accepted():
				if f := Comes("all of its data", SameData, w)(v.Of(mark)); f.Verdict != verdict.Passed {
					return f
				}
			case len(got) > 0:
				return Fail("nothing delivered of what was not accepted", id+" at "+w.At, id)
			case code != 0 && code/100 != 4:
				return Fail("answer 2xx or 4xx to "+id, "answer "+outcome(p), id)
			}
			said = outcome(p)
		}
		return Pass("%d answered, the last with %s", len(posts), said)
	}
}
