package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// DeadLettered wants each accepted event to be tried so many times at a receiver and then, after the answer to the last
// attempt, to come to the dead-letter sink once (control-plane.md #event-delivery).
func DeadLettered(at, sink string, attempts int) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, at)
		if none != nil {
			return *none
		}
		for _, id := range ids {
			tries, letters := v.Attempts(at, id), v.Attempts(sink, id)
			switch {
			case len(tries) != attempts:
				return Fail(fmt.Sprintf("%s of %s at %s", times(attempts), id, at), times(len(tries)), id)
			case len(letters) != 1:
				return Fail(fmt.Sprintf("one dead letter of %s at %s", id, sink), times(len(letters)), id)
			case letters[0].Ask.T < tries[attempts-1].Ended():
				return Fail(fmt.Sprintf("the dead letter of %s after the last of its attempts at %s", id, at), "it came before", id)
			}
		}
		return Pass("%d dead-lettered once after %s", len(ids), times(attempts))
	}
}

// Dropped wants a poisonous event to be tried so many times and no more, and every event sent after it to be accepted by
// the same receiver (control-plane.md #event-delivery). A synchronous channel may report the failure to its sender.
func Dropped(at, poison string, attempts int) Judge {
	return func(v *history.View) Finding {
		posts := v.Posts()
		first := slices.IndexFunc(posts, func(x history.Exchange) bool { return x.ID() == poison })
		if first < 0 || first == len(posts)-1 {
			return Unclear("%s and an event after it were not sent", poison)
		}
		tries := v.Attempts(at, poison)
		if len(tries) != attempts {
			return Fail(fmt.Sprintf("%s of %s at %s", times(attempts), poison, at), times(len(tries)), poison)
		}
		for _, x := range posts[first+1:] {
			if !x.Accepted() {
				return Fail(x.ID()+" to be accepted after "+poison, "answer "+outcome(x), x.ID(), poison)
			}
			if !slices.ContainsFunc(v.Attempts(at, x.ID()), history.Exchange.Accepted) {
				return Fail(x.ID()+" to reach "+at+" although "+poison+" fails there", "it did not", x.ID(), poison)
			}
		}
		return Pass("%s given up after %s, %d later ones arrived", poison, times(attempts), len(posts)-first-1)
	}
}

// LetterKeepsEvent wants the dead letter of each accepted event to be the event as it was sent, with nothing but
// extensions gained.
func LetterKeepsEvent(sink string) Judge {
	return func(v *history.View) Finding {
		if _, none := accepted(v); none != nil {
			return *none
		}
		n := 0
		for _, x := range v.Posts() {
			if !x.Accepted() {
				continue
			}
			letters := v.Attempts(sink, x.ID())
			if len(letters) == 0 {
				return Fail("a dead letter with the id "+x.ID()+" at "+sink, "none"+alsoCame(v, sink), x.ID())
			}
			for _, l := range letters {
				if d := difference(x.Ask.Event, l.Ask.Event); d != "" {
					return Fail("the dead letter of "+x.ID()+" as the event was sent", d, x.ID())
				}
			}
			n++
		}
		return Pass("%d dead letters are the events that were sent", n)
	}
}

// alsoCame says which other events came to a receiver.
func alsoCame(v *history.View, at string) string {
	var ids []string
	for _, x := range v.Arrivals(at) {
		ids = append(ids, name(x.ID()))
	}
	if len(ids) == 0 {
		return ""
	}
	return "; there came " + list(ids)
}

// coreAttributes are those that the specification itself defines: none may be gained on the way.
var coreAttributes = []string{"specversion", "id", "source", "type", "subject", "time", "dataschema", "schemaurl", "datacontenttype"}

// difference says how an event differs from the one it should be, empty if it does not. Extensions may be gained, the
// error extensions may change; a time counts as an instant.
func difference(want, got *history.Event) string {
	switch {
	case got == nil:
		return "it is no event"
	case got.Bad != "":
		return "it is no valid event: " + got.Bad
	case got.Mode == "batch":
		return "it is a batch"
	}
	for _, n := range attributeNames(want.Attrs) {
		w := want.Attrs[n]
		g, ok := got.Attrs[n]
		switch {
		case n == errorDest || n == errorCode || n == errorData:
		case !ok:
			return n + " is missing"
		case n == "time" && timesEqual(w, g), traces(n):
		case g != w:
			return fmt.Sprintf("%s is %q, not %q", n, g, w)
		}
	}
	for _, n := range coreAttributes {
		if _, had := want.Attrs[n]; !had && got.Attrs[n] != "" {
			return fmt.Sprintf("%s %q was added", n, got.Attrs[n])
		}
	}
	if max(got.Size, 0) != max(want.Size, 0) { // no data and no bytes of data look the same in binary mode
		return fmt.Sprintf("%d bytes of data, not %d", max(got.Size, 0), max(want.Size, 0))
	}
	if want.Size > 0 && got.Sum != want.Sum {
		return "its data is another one"
	}
	return ""
}

func attributeNames(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func timesEqual(a, b string) bool {
	ta, errA := time.Parse(time.RFC3339Nano, a)
	tb, errB := time.Parse(time.RFC3339Nano, b)
	return errA == nil && errB == nil && ta.Equal(tb)
}

// AnswersDoNotMatter wants each event that a receiver refused to be dead-lettered as a valid event, whatever the answer's
// body, and each event that it accepts to arrive and not to be dead-lettered.
func AnswersDoNotMatter(at, sink string) Judge {
	return func(v *history.View) Finding {
		posts := v.Posts()
		failed, fine := 0, 0
		for _, x := range posts {
			id := x.ID()
			if !x.Accepted() {
				return Fail(id+" to be accepted, whatever the answers to others were", "answer "+outcome(x), id)
			}
			tries := v.Attempts(at, id)
			if len(tries) == 0 {
				return Fail(id+" at "+at+", whatever the answers to others were", "it did not come", id)
			}
			letters := v.Attempts(sink, id)
			last := tries[len(tries)-1].Answer
			switch {
			case last == nil:
				return Unclear("%s gave no answer to %s", at, id)
			case last.Code/100 == 2 && len(letters) > 0:
				return Fail("no dead letter of "+id+", which "+at+" accepted", times(len(letters))+" at "+sink, id)
			case last.Code/100 == 2:
				fine++
			case len(letters) == 0:
				return Fail(fmt.Sprintf("a dead letter of %s after %s", id, bodyLength(last.Body)), "none at "+sink, id)
			case letters[0].Ask.Event.Bad != "":
				return Fail(fmt.Sprintf("a valid dead letter of %s after %s", id, bodyLength(last.Body)), letters[0].Ask.Event.Bad, id)
			default:
				failed++
			}
		}
		if failed == 0 || fine == 0 {
			return Unclear("%d refused and %d accepted events were seen: both are needed", failed, fine)
		}
		return Pass("%d dead-lettered, %d others arrived", failed, fine)
	}
}

// SinkRetried wants a dead letter that the sink refused to be sent again, no more than retry times, until it is accepted
// (control-plane.md #event-delivery).
func SinkRetried(sink string, retry int) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, sink)
		if none != nil {
			return *none
		}
		for _, id := range ids {
			tries := v.Attempts(sink, id)
			done := slices.IndexFunc(tries, history.Exchange.Accepted)
			switch {
			case len(tries) > 0 && done == 0:
				return Unclear("%s accepted %s at once", sink, id)
			case done < 0:
				return Fail(fmt.Sprintf("the dead letter of %s again until %s accepts it", id, sink), times(len(tries))+", none accepted", id)
			case done < len(tries)-1:
				return Fail("no delivery of "+id+" after "+sink+" had accepted it", times(len(tries)-1-done)+" more", id)
			case done > retry:
				return Fail(fmt.Sprintf("at most %d retries of %s at %s", retry, id, sink), times(len(tries)), id)
			}
		}
		return Pass("%d accepted in the end", len(ids))
	}
}

// LostForGood wants an event that fails at its receiver and at the dead-letter sink to be tried at most so many times at
// each, first here, then there, and never again. An asynchronous ingress has accepted it by then; one that does not claim
// to be so and answers only when all has failed must not answer 2xx.
func LostForGood(at, sink string, attempts int) Judge {
	return func(v *history.View) Finding {
		posts := v.Posts()
		if len(posts) == 0 {
			return Unclear("nothing was sent")
		}
		answers, waited := "", 0
		for _, x := range posts {
			id := x.ID()
			tries, letters := v.Attempts(at, id), v.Attempts(sink, id)
			switch {
			case len(tries) == 0:
				return Unclear("%s did not come to %s", id, at)
			case len(letters) == 0:
				return Fail("a dead letter of "+id+" at "+sink, "none", id)
			case len(tries) > attempts:
				return Fail(fmt.Sprintf("at most %s of %s at %s", times(attempts), id, at), times(len(tries)), id)
			case len(letters) > attempts:
				return Fail(fmt.Sprintf("at most %s of %s at %s", times(attempts), id, sink), times(len(letters)), id)
			case tries[len(tries)-1].Ask.T > letters[0].Ask.T:
				return Fail("nothing of "+id+" at "+at+" once "+sink+" was tried", "another delivery", id)
			}
			if answers = outcome(x); x.Accepted() && x.Ended() > letters[len(letters)-1].Ended() {
				waited++
			}
		}
		if waited == len(posts) && !v.Claims["AsyncIngress"] {
			return Fail("a failure as the answer to the sender, which waited for the outcome", "answer "+answers, posts[0].ID())
		}
		return Pass("given up at both; the sender's answer was %s", answers)
	}
}

// SinkAnswerIgnored wants nothing to come of an event in the dead-letter sink's answer.
func SinkAnswerIgnored(sink string) Judge {
	return func(v *history.View) Finding {
		if _, none := taken(v, sink); none != nil {
			return *none
		}
		answers := map[string]bool{}
		for _, x := range v.Arrivals(sink) {
			if x.Accepted() && x.Answer.Event != nil {
				answers[x.Answer.Event.ID()] = true
			}
		}
		if len(answers) == 0 {
			return Unclear("%s answered with no event", sink)
		}
		for _, x := range v.Arrivals() {
			if answers[x.ID()] {
				return Fail("nothing to come of the answer of "+sink, x.ID()+" at "+x.Ask.Who, history.Root(x.ID()), x.ID())
			}
		}
		return Pass("%d answers ignored", len(answers))
	}
}

// SinkAt wants the event posted to an address to come to the receiver that the address's delivery options name as
// dead-letter sink, at a path below it; form says how it is named (control-plane.md #destination-resolution).
func SinkAt(address, sink, path, form string) Judge {
	return func(v *history.View) Finding {
		posts := v.Posts(address)
		if len(posts) == 0 {
			return Unclear("nothing was sent to %s", address)
		}
		for _, x := range posts {
			id := x.ID()
			if !x.Accepted() {
				return Fail(id+" to be accepted by "+address, "answer "+outcome(x), id)
			}
			letters := v.Attempts(sink, id)
			if len(letters) == 0 {
				return Fail(fmt.Sprintf("%s of %s at its dead-letter sink %s, named by %s", id, address, sink, form), "it did not come", id)
			}
			if p := letters[0].Ask.Path; strings.TrimSuffix(p, "/") != path {
				return Fail(fmt.Sprintf("%s at the path %q of %s, named by %s", id, path, sink, form), fmt.Sprintf("the path %q", p), id)
			}
		}
		return Pass("%s: dead letter at the sink named by %s", address, form)
	}
}
