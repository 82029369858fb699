// Package check holds the judges: pure functions from a view of a history to a finding. A judge never talks to a target,
// never waits and keeps no state, so a history can be judged again by a later version.
package check

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/conformance/verdict"
)

// Finding is what a judge says.
type Finding struct {
	Verdict  verdict.Verdict
	Expected string   // what the requirement wants to be seen here
	Seen     string   // what was seen
	Events   []string // ids of the events concerned; the report shows their timeline
}

// Judge judges one requirement on one view.
type Judge func(v *history.View) Finding

// Pass says that the requirement was seen to hold; seen is the evidence in a few words.
func Pass(seen string, args ...any) Finding {
	return Finding{Verdict: verdict.Passed, Seen: fmt.Sprintf(seen, args...)}
}

// Fail says that the requirement was seen to be broken.
func Fail(expected, seen string, events ...string) Finding {
	return Finding{Verdict: verdict.Failed, Expected: expected, Seen: seen, Events: events}
}

// Unclear says that the evidence does not suffice.
func Unclear(why string, args ...any) Finding {
	return Finding{Verdict: verdict.Inconclusive, Seen: fmt.Sprintf(why, args...)}
}

// NotApplicable says that the requirement does not concern a target like this one.
func NotApplicable(why string, args ...any) Finding {
	return Finding{Verdict: verdict.NotSupported, Seen: fmt.Sprintf(why, args...)}
}

// All holds if every judge does; the gravest finding counts, the first of equals.
func All(judges ...Judge) Judge {
	return func(v *history.View) Finding {
		worst := Unclear("no judge was given")
		for i, j := range judges {
			f := j(v)
			if i == 0 || f.Verdict > worst.Verdict {
				worst = f
			}
		}
		return worst
	}
}

// In judges the phase that begins at a mark.
func In(mark string, j Judge) Judge {
	return func(v *history.View) Finding {
		p := v.Phase(mark)
		if len(p.Ops) == 0 {
			return Unclear("the phase %q was not reached", mark)
		}
		return j(p)
	}
}

// Of judges what became of the events that were sent in a phase, whenever it happened.
func Of(mark string, j Judge) Judge {
	return func(v *history.View) Finding {
		if len(v.Phase(mark).Posts()) == 0 {
			return Unclear("no event was sent in the phase %q", mark)
		}
		return j(v.Of(mark))
	}
}

// Each builds one judge for each value and wants all to hold.
func Each[T any](values []T, judge func(T) Judge) Judge {
	judges := make([]Judge, len(values))
	for i, x := range values {
		judges[i] = judge(x)
	}
	return All(judges...)
}

// accepted returns the ids of the events that the target acknowledged with 2xx, or a finding if there is none.
func accepted(v *history.View) ([]string, *Finding) {
	var ids []string
	for _, x := range v.Posts() {
		if x.Accepted() && x.ID() != "" {
			ids = append(ids, x.ID())
		}
	}
	if len(ids) == 0 {
		f := Unclear("no event was sent and acknowledged")
		if posts := v.Posts(); len(posts) > 0 {
			f = Fail("the event to be accepted with 2xx", "answer "+outcome(posts[0]), posts[0].ID())
		}
		return nil, &f
	}
	return ids, nil
}

// taken gives the ids of the events that the target has processed: those that it acknowledged with 2xx and those of which the
// sender was told a failure, or nothing, and that have come to one of the receivers named all the same (to any if none is).
// An ingress that waits for the consumers may speak of their failure (pkg/channel/fanout/fanout_event_handler.go).
func taken(v *history.View, at ...string) ([]string, *Finding) {
	came := map[string]bool{}
	for _, x := range v.Arrivals(at...) {
		came[history.Root(x.ID())] = true
	}
	var ids []string
	for _, x := range v.Posts() {
		if id := x.ID(); id != "" && (x.Accepted() || unsaid(x) && came[history.Root(id)]) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return accepted(v)
	}
	return ids, nil
}

// unsaid tells whether the answer to a post leaves open whether the event was taken.
func unsaid(x history.Exchange) bool { return x.Code() == 0 || x.Code()/100 == 5 }

// outcome says in words how an exchange ended.
func outcome(x history.Exchange) string {
	switch {
	case x.Answer == nil:
		return "none"
	case x.Answer.Error != "":
		return "error: " + x.Answer.Error
	case x.Answer.Fault != "":
		return x.Answer.Fault
	}
	return fmt.Sprint(x.Answer.Code)
}

// Accepted wants every post of the view to be answered with 2xx.
func Accepted(to ...string) Judge {
	return func(v *history.View) Finding {
		posts := v.Posts(to...)
		if len(posts) == 0 {
			return Unclear("nothing was sent")
		}
		for _, x := range posts {
			if !x.Accepted() {
				return Fail("a 2xx answer to every event", "answer "+outcome(x)+" for "+name(x.ID()), x.ID())
			}
		}
		return Pass("%d accepted", len(posts))
	}
}

// Answered wants every post of the view to be answered with one of the codes.
func Answered(codes ...int) Judge {
	return func(v *history.View) Finding {
		posts := v.Posts()
		if len(posts) == 0 {
			return Unclear("nothing was sent")
		}
		for _, x := range posts {
			if !slices.Contains(codes, x.Code()) {
				return Fail("answer "+anyOf(codes), "answer "+outcome(x)+" for "+name(x.ID()), x.ID())
			}
		}
		return Pass("%d answered %s", len(posts), anyOf(codes))
	}
}

func anyOf(codes []int) string {
	s := make([]string, len(codes))
	for i, c := range codes {
		s[i] = fmt.Sprint(c)
	}
	return strings.Join(s, " or ")
}

func name(id string) string {
	if id == "" {
		return "a message without id"
	}
	return id
}

// Attempts wants exactly n deliveries of one event id to a receiver.
func Attempts(at, id string, n int) Judge {
	return func(v *history.View) Finding {
		if _, none := taken(v, at); none != nil {
			return *none
		}
		got := v.Attempts(at, id)
		if len(got) != n {
			return Fail(fmt.Sprintf("%s of %s at %s", times(n), id, at), times(len(got)), id)
		}
		return Pass("%s of %s at %s", times(n), id, at)
	}
}

func times(n int) string {
	if n == 1 {
		return "1 delivery"
	}
	return fmt.Sprintf("%d deliveries", n)
}

// Visits wants each accepted event's lineage to reach exactly these receivers, once each and one after the other: every
// request after the answer that produced it. "a>b>sink" reads as the path.
func Visits(path string) Judge {
	stations := strings.Split(path, ">")
	return func(v *history.View) Finding {
		ids, none := taken(v)
		if none != nil {
			return *none
		}
		sure, _ := accepted(v)
		n := 0
		for _, id := range ids {
			var went []string
			for _, x := range v.Arrivals() {
				if history.Root(x.ID()) == history.Root(id) {
					went = append(went, x.Ask.Who)
				}
			}
			switch {
			case slices.Equal(went, stations):
				n++
			case slices.Contains(sure, id) || len(went) > len(stations) || !slices.Equal(went, stations[:len(went)]):
				return Fail(id+" to go "+path, "it went "+orNowhere(went), id)
			}
		}
		if n == 0 {
			return Unclear("no event that was taken for sure went %s", path)
		}
		return Pass("%d went %s", n, path)
	}
}

func orNowhere(went []string) string {
	if len(went) == 0 {
		return "nowhere"
	}
	return strings.Join(went, ">")
}

// Silent wants no arrival at the receivers named, of any event, in a view in which something was sent and accepted.
func Silent(at ...string) Judge {
	return func(v *history.View) Finding {
		if _, none := taken(v); none != nil {
			return *none
		}
		if got := v.Arrivals(at...); len(got) > 0 {
			return Fail("nothing at "+strings.Join(at, ", "), fmt.Sprintf("%s at %s", name(got[0].ID()), got[0].Ask.Who), got[0].ID())
		}
		return Pass("nothing at %s", strings.Join(at, ", "))
	}
}

// ExactlyOnce wants every accepted event's lineage to arrive exactly once at each of the receivers named.
func ExactlyOnce(at ...string) Judge {
	return func(v *history.View) Finding {
		ids, none := accepted(v)
		if none != nil {
			return *none
		}
		for _, who := range at {
			n := map[string]int{}
			for _, x := range v.Arrivals(who) {
				n[history.Root(x.ID())]++
			}
			for _, id := range ids {
				if got := n[history.Root(id)]; got != 1 {
					return Fail("each of "+fmt.Sprint(len(ids))+" events once at "+who, id+" "+fmt.Sprint(got)+" times", id)
				}
			}
		}
		return Pass("%d once at %s", len(ids), strings.Join(at, ", "))
	}
}

// AtLeastOnce wants every accepted event's lineage to be accepted at least once by one of the receivers named.
func AtLeastOnce(at ...string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, at...)
		if none != nil {
			return *none
		}
		sure, _ := accepted(v)
		got := map[string]bool{}
		for _, x := range v.Arrivals(at...) {
			if x.Accepted() {
				got[history.Root(x.ID())] = true
			}
		}
		var lost []string
		n := 0
		for _, id := range ids {
			switch {
			case got[history.Root(id)]:
				n++
			case slices.Contains(sure, id):
				lost = append(lost, id)
			}
		}
		if len(lost) > 0 {
			return Fail("each accepted event at "+strings.Join(at, " or "), fmt.Sprintf("%d of %d lost: %s", len(lost), len(ids), list(lost)), lost[:min(len(lost), 3)]...)
		}
		if n == 0 {
			return Unclear("no event was accepted at %s", strings.Join(at, " or "))
		}
		return Pass("%d arrived", n)
	}
}

// list shows at most five of many.
func list(ids []string) string {
	if len(ids) > 5 {
		return strings.Join(ids[:5], ", ") + ", …"
	}
	return strings.Join(ids, ", ")
}

// Refused wants the offered manifest of an object to be refused, each time, with a message that has all of the words.
func Refused(object string, words ...string) Judge {
	return func(v *history.View) Finding {
		offers := v.Offers(object)
		if len(offers) == 0 {
			return Unclear("no manifest of %s was offered", object)
		}
		for _, o := range offers {
			if !o.Refused {
				return Fail(object+" to be refused", "it was accepted")
			}
			for _, w := range words {
				if !strings.Contains(o.Note, w) {
					return Fail("a message that names "+w, "the message: "+o.Note)
				}
			}
		}
		return Pass("refused: %s", offers[0].Note)
	}
}

// Taken wants the offered manifest of an object to be accepted, each time.
func Taken(object string) Judge {
	return func(v *history.View) Finding {
		offers := v.Offers(object)
		if len(offers) == 0 {
			return Unclear("no manifest of %s was offered", object)
		}
		for _, o := range offers {
			if o.Refused {
				return Fail(object+" to be accepted", "refused: "+o.Note)
			}
		}
		return Pass("accepted")
	}
}

// Shows wants the newest seen state of an object to satisfy a condition; expected says it in words.
func Shows(object, expected string, holds func(*history.Object) bool) Judge {
	return func(v *history.View) Finding {
		if len(v.Statuses(object)) == 0 {
			return Unclear("%s was not looked at", object)
		}
		o := v.LastStatus(object)
		if o == nil {
			return Fail(object+" with "+expected, "it is not there")
		}
		if !holds(o) {
			return Fail(object+" with "+expected, describe(o))
		}
		return Pass("%s: %s", object, expected)
	}
}

// describe says in words what a status shows.
func describe(o *history.Object) string {
	var conds []string
	for _, c := range o.Status.Conditions {
		s := c.Type + "=" + c.Status
		if c.Reason != "" {
			s += " (" + strings.TrimSpace(c.Reason+" "+c.Message) + ")"
		}
		conds = append(conds, s)
	}
	sort.Strings(conds)
	s := fmt.Sprintf("generation %d, observed %d, %s", o.Metadata.Generation, o.Status.ObservedGeneration, strings.Join(conds, ", "))
	if u := o.URL(); u != "" {
		s += ", address " + u
	}
	return s
}
