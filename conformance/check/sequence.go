package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// Where judges the part of the view that concerns the posts whose event is of some sort; what names the sort.
func Where(what string, keep func(*history.Event) bool, j Judge) Judge {
	return func(v *history.View) Finding {
		roots := map[string]bool{}
		for _, x := range v.Posts() {
			if x.Ask.Event != nil && keep(x.Ask.Event) {
				roots[history.Root(x.ID())] = true
			}
		}
		if len(roots) == 0 {
			return Unclear("no %s was sent", what)
		}
		member := map[int64]bool{}
		var ops []history.Op
		for i := range v.Ops {
			op := v.Ops[i]
			switch op.Kind {
			case history.Sent, history.Received:
				if !roots[history.Root(op.Event.ID())] {
					continue
				}
				member[op.X] = true
			case history.Acked, history.Answered:
				if !member[op.X] {
					continue
				}
			}
			ops = append(ops, op)
		}
		part := history.NewView(v.Scenario, v.Claims, ops)
		part.Quiet = v.Quiet
		return j(part)
	}
}

// lineages sorts the arrivals by the event that they descend from.
func lineages(v *history.View, at ...string) map[string][]history.Exchange {
	out := map[string][]history.Exchange{}
	for _, x := range v.Arrivals(at...) {
		root := history.Root(x.ID())
		out[root] = append(out[root], x)
	}
	return out
}

// Grown wants what Visits wants of steps that extend events, and moreover that each station is given the answer of the one
// before, and the first one what was posted: id and text grow by a mark at each step.
func Grown(path string) Judge {
	stations := strings.Split(path, ">")
	return All(Visits(path), func(v *history.View) Finding {
		came := lineages(v)
		for _, post := range v.Posts() {
			if !post.Accepted() {
				continue
			}
			id, text, isText := post.ID(), "", post.Ask.Event.HasData()
			if isText {
				text = string(post.Ask.Event.Data)
			}
			for i, x := range came[history.Root(id)] {
				if x.ID() != id {
					return Fail(id+" at "+x.Ask.Who, x.ID()+" at "+x.Ask.Who, post.ID())
				}
				if seen := string(x.Ask.Event.Data); isText && seen != text {
					return Fail(fmt.Sprintf("%s with data %q at %s", id, text, x.Ask.Who), fmt.Sprintf("data %q", seen), post.ID())
				}
				id, text = id+"."+stations[i], text+"|"+stations[i]
			}
		}
		return Pass("each station was given the answer of the one before")
	})
}

// Passes wants every event that one receiver answered with to arrive exactly once at another one as it was answered:
// the same attributes, the same data, and nothing that the answer did not have. Extensions that intermediaries are known
// to add are let pass: those of trace context (data-plane.md #observability), and knative… unless the answering receiver
// had been given them.
func Passes(from, to string) Judge {
	return func(v *history.View) Finding {
		ids, none := accepted(v)
		if none != nil {
			return *none
		}
		at, given := lineages(v, to), lineages(v, from)
		n := 0
		for _, id := range ids {
			root := history.Root(id)
			want := fmt.Sprintf("the answer of %s at %s, as given", from, to)
			var answers, came []history.Exchange
			for _, x := range given[root] {
				if x.Accepted() && x.Answer.Event != nil {
					answers = append(answers, x)
				}
			}
			if len(answers) == 0 {
				return Fail(fmt.Sprintf("%s at %s", id, from), "it did not come there", id)
			}
			answer := answers[len(answers)-1]
			for _, x := range at[root] {
				if x.Ask.Event.ID() == answer.Answer.Event.ID() {
					came = append(came, x)
				}
			}
			if len(came) != 1 || len(at[root]) != 1 {
				seen := times(len(came)) + " of it"
				if other := len(at[root]) - len(came); other > 0 {
					seen += fmt.Sprintf(", %d of %s", other, strangers(at[root], answer.Answer.Event.ID()))
				}
				return Fail(want, seen, id)
			}
			if d := altered(answer.Answer.Event, came[0].Ask.Event, answer.Ask.Event); d != "" {
				return Fail(want, d, id)
			}
			n++
		}
		return Pass("%d answers of %s came to %s as given", n, from, to)
	}
}

// strangers names the events among exchanges that have another id.
func strangers(xs []history.Exchange, id string) string {
	var ids []string
	for _, x := range xs {
		if x.ID() != id && !slices.Contains(ids, name(x.ID())) {
			ids = append(ids, name(x.ID()))
		}
	}
	return list(ids)
}

// altered says in words how an event differs from what was sent; empty if it does not. Before is what the sender of the
// event had itself been given.
func altered(sent, got, before *history.Event) string {
	if got.Bad != "" {
		return "no valid event: " + got.Bad
	}
	for _, k := range slices.Sorted(maps.Keys(sent.Attrs)) {
		if g, ok := got.Attrs[k]; !ok {
			return k + " is missing"
		} else if !sameValue(k, sent.Attrs[k], g) && !traces(k) {
			return fmt.Sprintf("%s is %q, was %q", k, g, sent.Attrs[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got.Attrs)) {
		if _, ok := sent.Attrs[k]; ok {
			continue
		}
		if _, copied := before.Attrs[k]; (copied || !strings.HasPrefix(k, "knative")) && !traces(k) {
			return fmt.Sprintf("%s=%q, which was not in the answer", k, got.Attrs[k])
		}
	}
	if sent.Size != got.Size || sent.Sum != got.Sum {
		return fmt.Sprintf("data %q, was %q", clip(got.Data), clip(sent.Data))
	}
	return ""
}

func sameValue(attr, a, b string) bool {
	if a == b {
		return true
	}
	if attr != "time" {
		return false
	}
	s, err1 := time.Parse(time.RFC3339, a)
	t, err2 := time.Parse(time.RFC3339, b)
	return err1 == nil && err2 == nil && s.Equal(t)
}

// traces tells whether an extension is of trace context, which every hop may add or change (data-plane.md #observability).
func traces(name string) bool { return name == "traceparent" || name == "tracestate" }

func clip(data []byte) string {
	if len(data) > 60 {
		return string(data[:60]) + "…"
	}
	return string(data)
}

// SameBytesAt wants the data of every event to be byte for byte what was posted wherever the event comes, and each of the
// receivers named to have got it.
func SameBytesAt(at ...string) Judge {
	return All(ExactlyOnce(at...), func(v *history.View) Finding {
		came := lineages(v)
		for _, post := range v.Posts() {
			for _, x := range came[history.Root(post.ID())] {
				if p, e := post.Ask.Event, x.Ask.Event; p.Size != e.Size || p.Sum != e.Sum {
					return Fail(fmt.Sprintf("%s with data %q at %s", post.ID(), clip(p.Data), x.Ask.Who), fmt.Sprintf("%q", clip(e.Data)), post.ID())
				}
			}
		}
		return Pass("the same bytes at %s", strings.Join(at, ", "))
	})
}

// SameMeaning wants every event to arrive exactly once at a receiver as a valid event with the context attributes of the
// one that was posted (id and source are the steps' own) and the same data, whatever its content mode: JSON data may be
// spelt otherwise (CloudEvents json-format.md "data").
func SameMeaning(at string) Judge {
	return All(ExactlyOnce(at), func(v *history.View) Finding {
		came := lineages(v, at)
		modes := map[string]bool{}
		for _, post := range v.Posts() {
			for _, x := range came[history.Root(post.ID())] {
				p, e := post.Ask.Event, x.Ask.Event
				modes[p.Mode] = true
				if e.Bad != "" {
					return Fail("a valid event at "+at, e.Bad, post.ID())
				}
				for _, k := range slices.Sorted(maps.Keys(p.Attrs)) {
					if k != "id" && k != "source" && !sameValue(k, p.Attrs[k], e.Attrs[k]) {
						return Fail(fmt.Sprintf("%s %q at %s", k, p.Attrs[k], at), fmt.Sprintf("%q", e.Attrs[k]), post.ID())
					}
				}
				if !sameDatum(p, e) {
					return Fail(fmt.Sprintf("data %q at %s", clip(p.Data), at), fmt.Sprintf("%q", clip(e.Data)), post.ID())
				}
			}
		}
		return Pass("%d events alike, posted %s", len(v.Posts()), strings.Join(slices.Sorted(maps.Keys(modes)), " and "))
	})
}

func sameDatum(a, b *history.Event) bool {
	if a.Size == b.Size && a.Sum == b.Sum {
		return true
	}
	var x, y any
	return json.Unmarshal(a.Data, &x) == nil && json.Unmarshal(b.Data, &y) == nil && reflect.DeepEqual(x, y)
}

// AtPath wants a receiver to be called, and each time at this path below its own.
func AtPath(at, path string) Judge {
	return func(v *history.View) Finding {
		got := v.Arrivals(at)
		if len(got) == 0 {
			if _, none := taken(v); none != nil {
				return *none
			}
			return Fail("a request to "+at+" at "+path, "no request")
		}
		for _, x := range got {
			if x.Ask.Path != path {
				return Fail("the path "+path+" at "+at, fmt.Sprintf("the path %q", x.Ask.Path), x.ID())
			}
		}
		return Pass("%s at %s", path, at)
	}
}

// BareAck wants every post to be accepted with 2xx and no event in the answer.
func BareAck() Judge {
	return All(Accepted(), func(v *history.View) Finding {
		for _, x := range v.Posts() {
			if e := x.Answer.Event; e != nil {
				return Fail("an acknowledgement without an event", "it holds "+name(e.ID()), x.ID())
			}
		}
		return Pass("acknowledged without an event")
	})
}

// AckedFirst wants every accepted event to be acknowledged before the first step that was given it has answered
// (data-plane.md #event-acknowledgement-and-delivery-retry).
func AckedFirst() Judge {
	return func(v *history.View) Finding {
		if _, none := accepted(v); none != nil {
			return *none
		}
		came := lineages(v)
		n := 0
		for _, post := range v.Posts() {
			steps := came[history.Root(post.ID())]
			if !post.Accepted() || len(steps) == 0 || steps[0].Answer == nil {
				continue
			}
			first := steps[0]
			if post.Answer.T >= first.Answer.T {
				return Fail(post.ID()+" acknowledged while "+first.Ask.Who+" is still at it",
					"acknowledged after "+first.Ask.Who+" answered", post.ID())
			}
			n++
		}
		if n == 0 {
			return Unclear("no step answered an accepted event")
		}
		return Pass("%d acknowledged before their first step answered", n)
	}
}

// Continued wants every accepted event to be refused at first and then to be accepted exactly once at a receiver; step is
// what answers with it, and may be called again for it or not (control-plane.md #event-delivery leaves it open).
func Continued(step, at string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, step)
		if none != nil {
			return *none
		}
		how := ""
		for _, id := range ids {
			refusals, taken := 0, 0
			for _, x := range v.Lineage(at, id) {
				if x.Accepted() {
					taken++
				} else {
					refusals++
				}
			}
			if taken != 1 {
				return Fail(fmt.Sprintf("%s accepted once at %s", id, at), fmt.Sprintf("%s, %d accepted", times(refusals+taken), taken), id)
			}
			if refusals == 0 {
				return Unclear("%s did not refuse %s", at, id)
			}
			how = fmt.Sprintf("accepted after %d refusals, %s called %d times", refusals, step, len(v.Lineage(step, id)))
		}
		return Pass("%s", how)
	}
}

// EitherPath wants each accepted event to follow one of the paths, each station once and in order, or to leave it for the
// dead-letter sink. Each path must be seen, or the change between them was not seen.
func EitherPath(deadLetter string, paths ...string) Judge {
	return func(v *history.View) Finding {
		ids, none := accepted(v)
		if none != nil {
			return *none
		}
		came := lineages(v)
		seen := map[string]int{}
		for _, id := range ids {
			var went []string
			for _, x := range came[history.Root(id)] {
				went = append(went, x.Ask.Who)
			}
			path := strings.Join(went, ">")
			if slices.Contains(paths, path) {
				seen[path]++
				continue
			}
			before, dead := strings.CutSuffix(path, ">"+deadLetter)
			if !dead || !slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(p, before+">") }) {
				return Fail(id+" to go "+strings.Join(paths, " or "), "it went "+orNowhere(went), id)
			}
		}
		var how []string
		for _, p := range paths {
			if seen[p] == 0 {
				return Unclear("no event went %s", p)
			}
			how = append(how, fmt.Sprintf("%d went %s", seen[p], p))
		}
		return Pass("%s", strings.Join(how, ", "))
	}
}

// Reached wants events of some sort to have come to a receiver: without them a scenario shows nothing about their effect.
func Reached(at, what string, n int) Judge {
	return func(v *history.View) Finding {
		if got := len(v.Arrivals(at)); got < n {
			return Unclear("%d of %d %s reached %s", got, n, what, at)
		}
		return Pass("%d %s reached %s", n, what, at)
	}
}
