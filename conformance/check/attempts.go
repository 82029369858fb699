package check

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// AtLeastAttempts wants n or more deliveries of one event id to a receiver.
func AtLeastAttempts(at, id string, n int) Judge {
	return func(v *history.View) Finding {
		if _, none := taken(v, at); none != nil {
			return *none
		}
		if got := v.Attempts(at, id); len(got) < n {
			return Fail(fmt.Sprintf("at least %s of %s at %s", times(n), id, at), times(len(got)), id)
		}
		return Pass("at least %s of %s at %s", times(n), id, at)
	}
}

// AttemptedOnce wants every accepted event to come exactly once to a receiver, and each of the codes to have been answered
// there (specs/eventing/data-plane.md #event-acknowledgement-and-delivery-retry).
func AttemptedOnce(at string, codes ...int) Judge {
	return perCode(at, codes, func(id string, code int, got []history.Exchange) *Finding {
		if len(got) == 1 {
			return nil
		}
		f := Fail(fmt.Sprintf("1 delivery of %s to %s, which answered %d", id, at, code), times(len(got)), id)
		return &f
	}, "1 delivery each after")
}

// AttemptedAgain wants every accepted event whose first answer at a receiver was one of the codes to come there again, and
// each of the codes to have been answered.
func AttemptedAgain(at string, codes ...int) Judge {
	return perCode(at, codes, func(id string, code int, got []history.Exchange) *Finding {
		if len(got) > 1 || !slices.Contains(codes, code) {
			return nil
		}
		f := Fail(fmt.Sprintf("another delivery of %s to %s, which answered %d", id, at, code), times(len(got)), id)
		return &f
	}, "attempted again after")
}

// perCode judges the attempts of each accepted event by the first answer that it got.
func perCode(at string, codes []int, wrong func(id string, code int, got []history.Exchange) *Finding, right string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, at)
		if none != nil {
			return *none
		}
		missing := map[int]bool{}
		for _, c := range codes {
			missing[c] = true
		}
		for _, id := range ids {
			got := v.Attempts(at, id)
			if len(got) == 0 {
				return Fail("each accepted event at "+at, id+" did not come", id)
			}
			if f := wrong(id, got[0].Code(), got); f != nil {
				return *f
			}
			delete(missing, got[0].Code())
		}
		if len(missing) > 0 {
			return Unclear("%s never answered %s", at, anyOf(slices.Sorted(maps.Keys(missing))))
		}
		return Pass("%s %s", right, strings.ReplaceAll(anyOf(codes), " or ", ", "))
	}
}

// Retried wants every accepted event that failed at a receiver to come there again, until an attempt is accepted. At least
// one must have failed.
func Retried(at string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, at)
		if none != nil {
			return *none
		}
		failures := 0
		for _, id := range ids {
			got := v.Attempts(at, id)
			if len(got) == 0 {
				return Fail("each accepted event at "+at, id+" did not come", id)
			}
			last := got[len(got)-1]
			if !last.Accepted() {
				return Fail("another delivery of "+id+" to "+at, "none after the answer "+outcome(last), id)
			}
			failures += len(got) - 1
		}
		if failures == 0 {
			return Unclear("no attempt at %s failed", at)
		}
		return Pass("%d failed attempts were followed by another", failures)
	}
}

// EndsWithSuccess wants no delivery of an event to a receiver after one that was accepted, in a view in which each
// accepted event was accepted there at last.
func EndsWithSuccess(at string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, at)
		if none != nil {
			return *none
		}
		for _, id := range ids {
			got := v.Attempts(at, id)
			first := slices.IndexFunc(got, history.Exchange.Accepted)
			switch {
			case first < 0:
				return Unclear("%s was never accepted at %s", id, at)
			case first < len(got)-1:
				return Fail("no delivery of "+id+" after it was accepted", fmt.Sprintf("%d more", len(got)-1-first), id)
			}
		}
		return Pass("nothing after the success")
	}
}

// AtLeastAttemptsEach wants every accepted event to come at least n times to a receiver.
func AtLeastAttemptsEach(at string, n int) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, at)
		if none != nil {
			return *none
		}
		for _, id := range ids {
			if got := v.Attempts(at, id); len(got) < n {
				return Fail(fmt.Sprintf("at least %s of each of %d events at %s", times(n), len(ids), at), fmt.Sprintf("%s of %s", times(len(got)), id), id)
			}
		}
		return Pass("at least %s of each of %d events", times(n), len(ids))
	}
}

// NotBefore wants the n-th delivery of an event to a receiver, and that no sooner than so long after the event was posted.
// A target that makes the attempts or the waits that fill this time cannot be faster, however fast it is.
func NotBefore(at, id string, n int, least time.Duration) Judge {
	return func(v *history.View) Finding {
		if _, none := taken(v, at); none != nil {
			return *none
		}
		i := slices.IndexFunc(v.Posts(), func(x history.Exchange) bool { return x.ID() == id })
		if i < 0 {
			return Unclear("%s was not sent", id)
		}
		got := v.Attempts(at, id)
		if len(got) < n {
			return Fail(fmt.Sprintf("%s of %s at %s", times(n), id, at), times(len(got)), id)
		}
		after := got[n-1].Ask.T - v.Posts()[i].Ask.T
		if after < least-coarse {
			return Fail(fmt.Sprintf("%s at %s not sooner than %v after it was sent", id, at, least), millis(after), id)
		}
		return Pass("%s at %s %s after it was sent", id, at, millis(after))
	}
}

// NoOverlap wants the attempts of each delivery to be made one after the other (specs/eventing/control-plane.md
// #event-delivery). It may be asked of any history: what it cannot tell apart it leaves out, which is events that were
// emitted more than once, histories in which one event may come to a receiver on two ways, and those in which an attempt
// may have timed out. An attempt has ended when its answer began; one that broke off has no known end.
func NoOverlap(v *history.View) Finding {
	if why := sharedWays(v); why != "" {
		return Unclear("attempts cannot be told apart: %s", why)
	}
	emitted := emissions(v)
	ends := map[string]time.Duration{}
	compared := 0
	for _, x := range v.Arrivals() {
		key := x.Ask.Event.Key()
		if x.ID() == "" || len(emitted[key]) > 1 {
			continue
		}
		at := x.Ask.Who + x.Ask.Path + " " + key
		if end, ok := ends[at]; ok {
			if compared++; x.Ask.T < end {
				return Fail("no delivery of "+x.ID()+" to "+x.Ask.Who+" before the last one was answered", "one came "+millis(end-x.Ask.T)+" earlier", x.ID())
			}
		}
		if x.Answer != nil && x.Answer.Fault == "" && x.Answer.Error == "" {
			ends[at] = max(ends[at], x.Answer.T)
		}
	}
	if compared == 0 {
		return Unclear("no event was attempted again after an answer")
	}
	return Pass("%d attempts, each after the end of the last", compared)
}

// emissions gives what the harness's senders and receivers put out, by event: each time it did so.
func emissions(v *history.View) map[string][]*history.Event {
	out := map[string][]*history.Event{}
	for i := range v.Ops {
		op := &v.Ops[i]
		if op.Role == history.Stimulus && op.Event != nil && (op.Kind == history.Sent || op.Kind == history.Answered) {
			out[op.Event.Key()] = append(out[op.Event.Key()], op.Event)
		}
	}
	return out
}

// SameEventEachAttempt wants an event that comes to a receiver again after a failed attempt to be the same: source, type,
// all other attributes and data; tracing attributes may vary (specs/eventing/data-plane.md
// #event-acknowledgement-and-delivery-retry, #observability). It may be asked of any history: events of which a sender or
// receiver put out several versions are left out, and what only dead letters gain is not compared.
func SameEventEachAttempt(v *history.View) Finding {
	several := map[string]bool{}
	for key, events := range emissions(v) {
		several[key] = versions(events) > 1
	}
	last := map[string]history.Exchange{}
	compared := 0
	for _, x := range v.Arrivals() {
		key := x.Ask.Event.Key()
		if x.ID() == "" || x.Ask.Error != "" || several[key] {
			continue
		}
		at := x.Ask.Who + " " + key
		if prev, ok := last[at]; ok && !prev.Accepted() {
			compared++
			if d := changed(prev.Ask.Event, x.Ask.Event); d != "" {
				return Fail("the same "+x.ID()+" in every attempt at "+x.Ask.Who, d, x.ID())
			}
		}
		last[at] = x
	}
	if compared == 0 {
		return Unclear("no event was attempted again after a failure")
	}
	return Pass("%d attempts with the event of the one before", compared)
}

func versions(events []*history.Event) int {
	for _, e := range events {
		if changed(events[0], e) != "" {
			return 2
		}
	}
	return min(len(events), 1)
}

// ArrivesAsSent wants every delivery of an accepted event to a receiver to be the event that was posted, as
// SameEventEachAttempt compares.
func ArrivesAsSent(at string) Judge {
	return func(v *history.View) Finding {
		if _, none := taken(v, at); none != nil {
			return *none
		}
		n := 0
		for _, p := range v.Posts() {
			for _, x := range v.Attempts(at, p.ID()) {
				if d := changed(p.Ask.Event, x.Ask.Event); d != "" {
					return Fail(p.ID()+" at "+at+" as it was sent", d, p.ID())
				}
				n++
			}
		}
		if n == 0 {
			return Fail("the events at "+at, "none came")
		}
		return Pass("%s as sent", times(n))
	}
}

// changed says in what two events differ, empty if in nothing that matters.
func changed(a, b *history.Event) string {
	names := map[string]bool{}
	for n := range a.Attrs {
		names[n] = true
	}
	for n := range b.Attrs {
		names[n] = true
	}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		x, y := a.Attrs[n], b.Attrs[n]
		if x != y && !ofTheWay(n) {
			return fmt.Sprintf("%s was %s, then %s", n, excerpt(x), excerpt(y))
		}
	}
	if a.Bad != b.Bad {
		return "the event became invalid: " + a.Bad + b.Bad
	}
	if max(a.Size, 0) != max(b.Size, 0) {
		return fmt.Sprintf("%d bytes of data, then %d", max(a.Size, 0), max(b.Size, 0))
	}
	if a.Sum != b.Sum && a.Size > 0 {
		return "other data of the same length"
	}
	return ""
}

// ofTheWay tells whether an attribute says where the event went instead of what it is: tracing, hop count, error
// extensions.
func ofTheWay(name string) bool {
	return traces(name) || name == "knativebrokerttl" || name == "knativearrivaltime" || strings.HasPrefix(name, "knativeerror")
}

func excerpt(s string) string {
	if s == "" {
		return "absent"
	}
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return fmt.Sprintf("%q", s)
}

// PrefersReply wants every request to the subscribers named to carry Prefer: reply (specs/eventing/data-plane.md
// #derived-reply-events; Brokers and Channels always send it). Without names it judges the receivers whose URI the applied
// manifests name as subscribers and nothing else.
func PrefersReply(subscribers ...string) Judge {
	return func(v *history.View) Finding {
		at := subscribers
		if len(at) == 0 {
			at = subscribersOf(v)
		}
		n := 0
		for _, x := range v.Arrivals() {
			if !slices.Contains(at, x.Ask.Who) || x.Ask.Method != http.MethodPost || len(subscribers) == 0 && byService(x.Ask) {
				continue
			}
			if n++; !prefersReply(x.Ask.Header) {
				return Fail("Prefer: reply in every request to "+x.Ask.Who,
					fmt.Sprintf("attempt %d of %s has %s", x.Ask.Attempt, name(x.ID()), headerLine("Prefer", x.Ask.Header)), x.ID())
			}
		}
		if n == 0 {
			return Unclear("no request came to a receiver that is known to be a subscriber")
		}
		return Pass("Prefer: reply in %d requests", n)
	}
}

// PrefersNoReply wants no request to the receivers named to carry Prefer: reply.
func PrefersNoReply(at ...string) Judge {
	return func(v *history.View) Finding {
		for _, who := range at {
			got := v.Arrivals(who)
			if len(got) == 0 {
				return Unclear("nothing came to %s", who)
			}
			for _, x := range got {
				if prefersReply(x.Ask.Header) {
					return Fail("no Prefer: reply in requests to "+who, headerLine("Prefer", x.Ask.Header), x.ID())
				}
			}
		}
		return Pass("no Prefer: reply at %s", strings.Join(at, ", "))
	}
}

// prefersReply reads a list of preferences (RFC 7240 §2).
func prefersReply(h http.Header) bool {
	for _, line := range h.Values("Prefer") {
		for p := range strings.SplitSeq(line, ",") {
			p, _, _ = strings.Cut(p, ";")
			if strings.EqualFold(strings.TrimSpace(p), "reply") {
				return true
			}
		}
	}
	return false
}

func headerLine(name string, h http.Header) string {
	if v := h.Values(name); len(v) > 0 {
		return name + ": " + strings.Join(v, ", ")
	}
	return "no " + name
}

// HeadersPassed wants every delivery to a receiver to carry the headers of the first list as the event was posted with
// them, and none of the second list's values (pkg/utils/headers.go).
func HeadersPassed(at string, passed, kept []string) Judge {
	return func(v *history.View) Finding {
		if _, none := taken(v, at); none != nil {
			return *none
		}
		n := 0
		for _, p := range v.Posts() {
			for _, x := range v.Attempts(at, p.ID()) {
				n++
				for _, h := range kept {
					sent := p.Ask.Header.Get(h)
					if sent == "" {
						return Unclear("%s was sent without %s", p.ID(), h)
					}
					if slices.Contains(x.Ask.Header.Values(h), sent) {
						return Fail("no "+h+" of the sender at "+at, h+" was passed on", p.ID())
					}
				}
				for _, h := range passed {
					if want := p.Ask.Header.Get(h); want == "" || x.Ask.Header.Get(h) != want {
						return Fail(fmt.Sprintf("%s: %s at %s", h, want, at), headerLine(h, x.Ask.Header), p.ID())
					}
				}
			}
		}
		if n == 0 {
			return Fail("the event at "+at, "nothing came")
		}
		return Pass("passed on: %s; not: %s", strings.Join(passed, ", "), strings.Join(kept, ", "))
	}
}

// NotSuppressed wants every accepted post to be one delivery at a receiver. Of two posts that are equal in source and id one
// may be left out, as a target may know duplicates by both; never by the id alone.
func NotSuppressed(at string) Judge {
	return func(v *history.View) Finding {
		if _, none := taken(v, at); none != nil {
			return *none
		}
		posts, came := map[string]int{}, map[string]int{}
		ids := map[string]int{}
		var order []*history.Event
		for _, x := range v.Posts() {
			key := x.Ask.Event.Key()
			if !x.Accepted() {
				continue
			}
			if posts[key]++; posts[key] == 1 {
				ids[x.ID()]++
				order = append(order, x.Ask.Event)
			}
		}
		for _, x := range v.Arrivals(at) {
			came[x.Ask.Event.Key()]++
		}
		suppressed, repeated, shared := 0, 0, 0
		for _, e := range order {
			n, m := posts[e.Key()], came[e.Key()]
			if m < 1 || m > n {
				return Fail(fmt.Sprintf("%s of %s from %s at %s", times(n), e.ID(), e.Attrs["source"], at), times(m), e.ID())
			}
			suppressed += n - m
			repeated += n - 1
			shared += ids[e.ID()] - 1
		}
		switch {
		case repeated == 0 || shared == 0:
			return Unclear("no event was sent twice, or none shares its id with one of another source")
		case suppressed > 0:
			return Pass("duplicates by source and id are suppressed, which is allowed")
		}
		return Pass("every post is a delivery")
	}
}
