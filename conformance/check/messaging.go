package check

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// Judges of Channels and Subscriptions: what an address answers, who gets what, and what a Subscription shows.

// ReadyWithURL wants an object to show an absolute http or https URL in status.address.url whenever it shows Ready
// (control-plane.md #channel-lifecycle).
func ReadyWithURL(object string) Judge {
	return func(v *history.View) Finding {
		last := ""
		for _, op := range v.Statuses(object) {
			o := op.Object()
			if !o.Ready() {
				continue
			}
			u, err := url.Parse(o.URL())
			if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				return Fail("an absolute URL while "+object+" is Ready", fmt.Sprintf("the address %q", o.URL()))
			}
			last = o.URL()
		}
		if last == "" {
			return Unclear("%s was never seen Ready", object)
		}
		return Pass("address %s", last)
	}
}

// AckedWithoutBody wants every answer to an event to be a bare 202: what a subscriber answers is none of the sender's
// business (pkg/channel/event_receiver.go).
func AckedWithoutBody() Judge {
	return func(v *history.View) Finding {
		posts := v.Posts()
		if len(posts) == 0 {
			return Unclear("nothing was sent")
		}
		for _, x := range posts {
			switch {
			case x.Code() != http.StatusAccepted:
				return Fail("answer 202", "answer "+outcome(x), x.ID())
			case x.Answer.Event != nil:
				return Fail("an answer without a body", "the event "+name(x.Answer.Event.ID()), x.ID())
			case len(x.Answer.Body) > 0:
				return Fail("an answer without a body", fmt.Sprintf("the body %.40q", x.Answer.Body), x.ID())
			}
		}
		return Pass("%d answered 202 without a body", len(posts))
	}
}

// allows tells whether the Allow headers of an answer name a method.
func allows(x history.Exchange, method string) bool {
	for _, line := range x.Answer.Header.Values("Allow") {
		for m := range strings.SplitSeq(line, ",") {
			if strings.TrimSpace(m) == method {
				return true
			}
		}
	}
	return false
}

// MethodsRefused wants requests of these methods to be answered 405 with an Allow header of POST and OPTIONS
// (pkg/channel/event_receiver.go).
func MethodsRefused(methods ...string) Judge {
	return func(v *history.View) Finding {
		for _, m := range methods {
			x := find(v.Posts(), func(x history.Exchange) bool { return x.Ask.Method == m })
			switch {
			case x == nil:
				return Unclear("no %s was sent", m)
			case x.Code() != http.StatusMethodNotAllowed:
				return Fail(m+" to be answered 405", "answer "+outcome(*x))
			case !allows(*x, http.MethodPost) || !allows(*x, http.MethodOptions):
				return Fail("405 to "+m+" with Allow: POST, OPTIONS", fmt.Sprintf("Allow: %s", strings.Join(x.Answer.Header.Values("Allow"), ", ")))
			}
		}
		return Pass("405 to %s", strings.Join(methods, ", "))
	}
}

func find(xs []history.Exchange, holds func(history.Exchange) bool) *history.Exchange {
	if i := slices.IndexFunc(xs, holds); i >= 0 {
		return &xs[i]
	}
	return nil
}

// OptionsAllowPost wants POST in the Allow header of each OPTIONS request that is answered with 2xx; another answer says
// that OPTIONS is not supported here, which it need not be (data-plane.md #http-verbs).
func OptionsAllowPost() Judge {
	return func(v *history.View) Finding {
		seen := map[string]string{}
		for _, x := range v.Posts() {
			if x.Ask.Method != http.MethodOptions {
				continue
			}
			if x.Code() == 0 {
				return Unclear("OPTIONS on %s: answer %s", x.Ask.Who, outcome(x))
			}
			if x.Accepted() && !allows(x, http.MethodPost) {
				return Fail("POST in Allow of "+x.Ask.Who, fmt.Sprintf("Allow: %q", strings.Join(x.Answer.Header.Values("Allow"), ", ")))
			}
			seen[x.Ask.Who] = outcome(x)
		}
		if len(seen) == 0 {
			return Unclear("no OPTIONS was sent")
		}
		return Pass("OPTIONS answered: %v", seen)
	}
}

// OnlyAccepted wants nothing but events that the target accepted to come to a receiver, and at least one to come.
func OnlyAccepted(at string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, at)
		if none != nil {
			return *none
		}
		got := v.Arrivals(at)
		for _, x := range got {
			if !slices.Contains(ids, x.ID()) {
				return Fail("only accepted events at "+at, name(x.ID())+" at "+at, x.ID())
			}
		}
		if len(got) == 0 {
			return Unclear("nothing came to %s", at)
		}
		return Pass("%d at %s, all of them accepted", len(got), at)
	}
}

// EachTimes wants every accepted event exactly n times at a receiver.
func EachTimes(at string, n int) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, at)
		if none != nil {
			return *none
		}
		for _, id := range ids {
			if got := len(v.Attempts(at, id)); got != n {
				return Fail(fmt.Sprintf("%s of %s at %s", times(n), id, at), times(got), id)
			}
		}
		return Pass("%d at %s, %d times each", len(ids), at, n)
	}
}

// NotRepeatedAt wants an event that failed at one subscriber to come once to a healthy one, though the sender sends it again
// as long as it is told of a failure (control-plane.md #topology-based-routing).
func NotRepeatedAt(healthy, failing string) Judge {
	return atHealthy(healthy, failing, func(int) int { return 1 })
}

// OnceASending is NotRepeatedAt but for what the sender itself repeats: the failing subscriber alone must not make the event
// come to the healthy one more often.
func OnceASending(healthy, failing string) Judge {
	return atHealthy(healthy, failing, func(sent int) int { return sent })
}

func atHealthy(healthy, failing string, most func(sent int) int) Judge {
	return func(v *history.View) Finding {
		posts := v.Posts()
		if len(posts) == 0 {
			return Unclear("nothing was sent")
		}
		for _, x := range posts {
			id := x.ID()
			if !slices.ContainsFunc(v.Attempts(failing, id), func(x history.Exchange) bool { return !x.Accepted() }) {
				return Unclear("%s did not fail at %s", id, failing)
			}
			sent := len(slices.DeleteFunc(slices.Clone(posts), func(y history.Exchange) bool { return y.ID() != id }))
			if got := len(v.Attempts(healthy, id)); got < 1 || got > most(sent) {
				return Fail("1 delivery of "+id+" at "+healthy, fmt.Sprintf("%s, sent %d times, answer %s", times(got), sent, outcome(x)), id)
			}
		}
		return Pass("once at %s while %s failed", healthy, failing)
	}
}

// markAt returns when a mark was set.
func markAt(v *history.View, mark string) (time.Duration, bool) {
	for i := range v.Ops {
		if v.Ops[i].Kind == history.Mark && v.Ops[i].Note == mark {
			return v.Ops[i].T, true
		}
	}
	return 0, false
}

// NotHeldUp wants every event that the target had taken before a mark at the quick receiver before it, while events were
// waiting for the answers of the slow ones, which were held back until then; and all accepted ones at the slow ones in the
// end (control-plane.md #topology-based-routing). Taken is what was acknowledged, or had come to a slow one: a target may
// keep the sender waiting instead.
func NotHeldUp(quick, released string, slow ...string) Judge {
	return func(v *history.View) Finding {
		ids, none := accepted(v)
		if none != nil {
			return *none
		}
		end, ok := markAt(v, released)
		if !ok {
			return Unclear("the mark %q was not reached", released)
		}
		taken, early, waits := map[string]bool{}, map[string]bool{}, false
		for _, x := range v.Arrivals(slow...) {
			if x.Ask.T < end {
				taken[x.ID()] = true
				waits = waits || x.Answer == nil || x.Answer.T >= end
			}
		}
		if !waits {
			return Unclear("no event was waiting for %s", strings.Join(slow, " or "))
		}
		for _, x := range v.Posts() {
			if x.Accepted() && x.Answer.T < end {
				taken[x.ID()] = true
			}
		}
		for _, x := range v.Arrivals(quick) {
			if x.Ask.T < end {
				early[x.ID()] = true
			}
		}
		var late []string
		for _, id := range ids {
			if taken[id] && !early[id] {
				late = append(late, id)
			}
		}
		if len(late) > 0 {
			return Fail(fmt.Sprintf("%d events at %s while %s did not answer", len(taken), quick, strings.Join(slow, ", ")),
				fmt.Sprintf("%d of them, not %s", len(taken)-len(late), list(late)), late[:min(len(late), 3)]...)
		}
		return Each(slow, func(who string) Judge { return AtLeastOnce(who) })(v)
	}
}

// AckedBefore wants every event to be answered with 2xx before a mark.
func AckedBefore(mark string) Judge {
	return func(v *history.View) Finding {
		posts := v.Posts()
		end, ok := markAt(v, mark)
		if len(posts) == 0 || !ok {
			return Unclear("nothing was sent, or the mark %q was not reached", mark)
		}
		for _, x := range posts {
			switch {
			case !x.Accepted():
				return Fail("answer 2xx to "+name(x.ID()), "answer "+outcome(x), x.ID())
			case x.Answer.T > end:
				return Fail(name(x.ID())+" answered before its subscribers answer", "answered after them", x.ID())
			}
		}
		return Pass("%d answered before their subscribers answered", len(posts))
	}
}

// KeptOrRefused wants every event offered either to be refused with 429 or 503, or to be accepted and come to one of the
// receivers named (data-plane.md #event-acknowledgement-and-delivery-retry).
func KeptOrRefused(at ...string) Judge {
	return func(v *history.View) Finding {
		refused := 0
		for _, x := range v.Posts() {
			switch c := x.Code(); {
			case x.Accepted():
			case c == http.StatusTooManyRequests || c == http.StatusServiceUnavailable:
				refused++
			default:
				return Fail("2xx, 429 or 503 under load", "answer "+outcome(x), x.ID())
			}
		}
		f := AtLeastOnce(at...)(v)
		f.Seen = fmt.Sprintf("%s, %d refused", f.Seen, refused)
		return f
	}
}

// AllSince wants every accepted event that was sent to an address after a mark at a receiver.
func AllSince(mark, to, at string) Judge {
	return func(v *history.View) Finding {
		begin, ok := markAt(v, mark)
		if !ok {
			return Unclear("the mark %q was not reached", mark)
		}
		n := 0
		for _, x := range v.Posts(to) {
			if x.Ask.T < begin || !x.Accepted() {
				continue
			}
			if len(v.Attempts(at, x.ID())) == 0 {
				return Fail("each event of "+to+" since "+mark+" at "+at, "no "+x.ID(), x.ID())
			}
			n++
		}
		if n == 0 {
			return Unclear("no event was accepted by %s since %s", to, mark)
		}
		return Pass("%d at %s", n, at)
	}
}

// StopsAccepting wants the last event of the view not to be accepted; earlier ones may be, while a change spreads.
func StopsAccepting() Judge {
	return func(v *history.View) Finding {
		posts := v.Posts()
		if len(posts) == 0 {
			return Unclear("nothing was sent")
		}
		last := posts[len(posts)-1]
		if last.Accepted() {
			return Fail("no 2xx any more", fmt.Sprintf("answer %s to event %d since then", outcome(last), len(posts)), last.ID())
		}
		return Pass("answer %s", outcome(last))
	}
}

// AnyWay wants the events of at least one of the phases to be accepted and to arrive; it tells which.
func AnyWay(at string, marks ...string) Judge {
	return func(v *history.View) Finding {
		var good, bad []string
		for _, m := range marks {
			posts := v.Phase(m).Posts()
			if len(posts) == 0 {
				return Unclear("nothing was sent in the phase %q", m)
			}
			works := true
			for _, x := range posts {
				works = works && x.Accepted() && len(v.Attempts(at, x.ID())) > 0
			}
			if works {
				good = append(good, m)
			} else {
				bad = append(bad, fmt.Sprintf("%s: answer %s, %s", m, outcome(posts[0]), times(len(v.Attempts(at, posts[0].ID())))))
			}
		}
		if len(good) == 0 {
			return Fail("the channel to be found "+strings.Join(marks, " or "), strings.Join(bad, "; "))
		}
		return Pass("found %s", strings.Join(good, " and "))
	}
}

// DataUnchanged wants every accepted event's data to arrive as it was sent, byte for byte; in a structured message JSON
// data may be spaced differently.
func DataUnchanged(at string) Judge {
	return func(v *history.View) Finding {
		n := 0
		for _, x := range v.Posts() {
			if !x.Accepted() {
				continue
			}
			was := x.Ask.Event
			got := v.Attempts(at, x.ID())
			if len(got) == 0 {
				return Fail(x.ID()+" at "+at, times(0), x.ID())
			}
			for _, g := range got {
				is := g.Ask.Event
				if is.Size != was.Size || is.Sum != was.Sum {
					if is.Mode == "structured" && sameJSON(is.Data, was.Data) {
						continue
					}
					return Fail(fmt.Sprintf("%d bytes of data as sent", was.Size), fmt.Sprintf("%d bytes, %.30q", is.Size, is.Data), x.ID())
				}
			}
			n++
		}
		if n == 0 {
			return Unclear("no event was accepted")
		}
		return Pass("%d arrived with the same data", n)
	}
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// AttributesReach wants the named attributes, if not empty, on whatever comes to a receiver of each accepted event. A value
// that was sent must be the same.
func AttributesReach(at string, names ...string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, at)
		if none != nil {
			return *none
		}
		for _, x := range v.Posts() {
			if !slices.Contains(ids, x.ID()) {
				continue
			}
			got := v.Lineage(at, history.Root(x.ID()))
			if len(got) == 0 {
				return Fail(x.ID()+" at "+at, times(0), x.ID())
			}
			for _, g := range got {
				for _, n := range names {
					want, sent := x.Ask.Event.Attrs[n]
					is := g.Ask.Event.Attrs[n]
					if is == "" {
						return Fail(n+" at "+at, g.ID()+" came without it", x.ID())
					}
					if sent && is != want {
						return Fail(fmt.Sprintf("%s=%q at %s", n, want, at), fmt.Sprintf("%q", is), x.ID())
					}
				}
			}
		}
		return Pass("%s at %s", strings.Join(names, ", "), at)
	}
}
