package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// AnswersDelivered wants every event in a 200 answer of a receiver to be accepted by the reply destination, and one such
// answer to each accepted event (data-plane.md #derived-reply-events).
func AnswersDelivered(at, reply string) Judge {
	return func(v *history.View) Finding {
		answers, none := answersOf(v, at)
		if none != nil {
			return *none
		}
		for _, a := range answers {
			if !slices.ContainsFunc(v.Attempts(reply, a.Answer.Event.ID()), history.Exchange.Accepted) {
				return Fail(fmt.Sprintf("the %s answer %s of %s at %s", a.Answer.Event.Mode, a.Answer.Event.ID(), at, reply),
					"it did not come"+alsoCame(v, reply), a.ID(), a.Answer.Event.ID())
			}
		}
		return Pass("%d answers of %s came to %s", len(answers), at, reply)
	}
}

// AnswersKept wants every answer to come to the reply destination with the attributes, extensions and data it had.
func AnswersKept(at, reply string) Judge {
	return func(v *history.View) Finding {
		answers, none := answersOf(v, at)
		if none != nil {
			return *none
		}
		for _, a := range answers {
			id := a.Answer.Event.ID()
			got := v.Attempts(reply, id)
			if len(got) == 0 {
				return Fail("the answer "+id+" at "+reply, "it did not come"+alsoCame(v, reply), a.ID(), id)
			}
			for _, x := range got {
				if d := difference(a.Answer.Event, x.Ask.Event); d != "" {
					return Fail("the answer "+id+" at "+reply+" as it was given", d, a.ID(), id)
				}
			}
		}
		return Pass("%d answers arrived as they were given", len(answers))
	}
}

// answersOf returns, for each accepted event, the last exchange in which a receiver answered 200 with a valid event.
func answersOf(v *history.View, at string) ([]history.Exchange, *Finding) {
	ids, none := taken(v, at)
	if none != nil {
		return nil, none
	}
	var out []history.Exchange
	for _, id := range ids {
		n := len(out)
		for _, x := range v.Attempts(at, id) {
			if x.Code() == 200 && wellFormed(x.Answer.Event) {
				out = append(out[:n], x)
			}
		}
		if len(out) == n {
			f := Unclear("%s did not answer %s with an event", at, id)
			return nil, &f
		}
	}
	return out, nil
}

func wellFormed(e *history.Event) bool { return e != nil && e.Bad == "" && e.Mode != "batch" }

// CompletedWithoutReply wants each accepted event to be delivered once, and nothing of it at the receivers named. carries
// says whether the answers must have held an event for the history to be evidence.
func CompletedWithoutReply(at string, code int, carries bool, silent ...string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, at)
		if none != nil {
			return *none
		}
		for _, id := range ids {
			tries := v.Attempts(at, id)
			if len(tries) == 0 {
				return Unclear("%s did not come to %s", id, at)
			}
			if a := tries[0]; a.Code() != code || (a.Answer.Event != nil) != carries {
				return Unclear("the answer to %s was not as scripted: %s", id, outcome(a))
			}
			if len(tries) != 1 {
				return Fail(fmt.Sprintf("the answer %d to complete the delivery of %s", code, id), times(len(tries)), id)
			}
		}
		if got := v.Arrivals(silent...); len(got) > 0 {
			x := got[0]
			return Fail(fmt.Sprintf("nothing sent on after an answer %d", code), fmt.Sprintf("%s at %s", name(x.ID()), x.Ask.Who), cmp.Or(x.ID(), ids[0]))
		}
		return Pass("%d delivered once, nothing sent on", len(ids))
	}
}

// DeliveryRepeated wants each failure of the reply destination to repeat the whole delivery: one call of the receiver for
// each one of the destination, in turn, until it accepts (control-plane.md #event-delivery). Repeating the reply alone, as
// Knative's own code does (kncloudevents event_dispatcher.go send), is told apart from giving up.
func DeliveryRepeated(at, reply string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, at)
		if none != nil {
			return *none
		}
		for _, id := range ids {
			calls, replies := v.Attempts(at, id), v.Lineage(reply, history.Root(id))
			if len(replies) == 0 || replies[0].Accepted() {
				return Unclear("%s did not fail for the answer to %s", reply, id)
			}
			failures := 0
			for failures < len(replies) && !replies[failures].Accepted() {
				failures++
			}
			expected := fmt.Sprintf("%s of %s at %s: each failed reply repeats the whole delivery", times(failures+1), id, at)
			switch {
			case len(calls) == 1 && len(replies) == 1:
				return Fail(fmt.Sprintf("the whole delivery of %s again after the reply failed", id), "neither reading: delivery and reply were not repeated", id)
			case len(calls) == 1:
				return Fail(expected, fmt.Sprintf("1 delivery: only the reply was repeated (%s at %s), which is Knative's own reading", times(len(replies)), reply), id)
			case failures == len(replies):
				return Fail(expected, times(len(calls))+", and no reply was accepted", id)
			case len(calls) != failures+1:
				return Fail(expected, fmt.Sprintf("%s, and %s at %s", times(len(calls)), times(len(replies)), reply), id)
			}
			for i := range failures {
				if calls[i+1].Ask.T < replies[i].Ask.T {
					return Fail(expected, "one was repeated before its reply had failed", id)
				}
			}
		}
		return Pass("%d whole deliveries repeated", len(ids))
	}
}

// ReplyTriedAgain wants an answer that the reply destination refused to be sent again and to be accepted exactly once,
// whether the reply alone or the whole delivery is repeated; the finding says which.
func ReplyTriedAgain(at, reply string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, reply)
		if none != nil {
			return *none
		}
		reading := "the reply alone"
		for _, id := range ids {
			replies := v.Lineage(reply, history.Root(id))
			if len(replies) == 0 || replies[0].Accepted() {
				return Unclear("%s did not fail for the answer to %s", reply, id)
			}
			n := 0
			for _, x := range replies {
				if x.Accepted() {
					n++
				}
			}
			switch {
			case len(replies) == 1:
				return Fail(fmt.Sprintf("the answer to %s at %s again", id, reply), "1 delivery, refused", id, replies[0].ID())
			case n != 1:
				return Fail(fmt.Sprintf("the answer to %s accepted once by %s", id, reply), fmt.Sprintf("accepted %d times", n), id, replies[0].ID())
			}
			if len(v.Attempts(at, id)) > 1 {
				reading = "the whole delivery"
			}
		}
		return Pass("%d accepted in the end; %s was repeated", len(ids), reading)
	}
}

// ReplyDeadLettered wants each event whose answer could not be delivered to come to the dead-letter sink of that
// Subscription, as event or as answer, after the last attempt at the reply destination, and not to any other sink.
func ReplyDeadLettered(reply, sink string, other ...string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, reply)
		if none != nil {
			return *none
		}
		for _, id := range ids {
			root := history.Root(id)
			replies, letters := v.Lineage(reply, root), v.Lineage(sink, root)
			if len(replies) == 0 || slices.ContainsFunc(replies, history.Exchange.Accepted) {
				return Unclear("%s did not fail for the answer to %s", reply, id)
			}
			if len(letters) == 0 {
				return Fail(fmt.Sprintf("%s at %s, as its answer could not be delivered", id, sink), "it did not come", id)
			}
			if letters[0].Ask.T < replies[len(replies)-1].Ended() {
				return Fail(fmt.Sprintf("%s at %s after the last attempt at %s", id, sink, reply), "it came before", id)
			}
			for _, o := range other {
				if got := v.Lineage(o, root); len(got) > 0 {
					return Fail(fmt.Sprintf("%s at %s only, the sink of its Subscription", id, sink), "it came to "+o, id)
				}
			}
		}
		return Pass("%d dead-lettered", len(ids))
	}
}

// LetterIsInput wants the dead letter of a failed reply to be the event that the receiver was given, and knativeerrordest
// to name the reply destination (kncloudevents event_dispatcher.go send).
func LetterIsInput(at, sink, subscription string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, at)
		if none != nil {
			return *none
		}
		uri := physical(v, subscription, "reply")
		if uri == "" {
			return Unclear("%s does not show the URI of its reply", subscription)
		}
		for _, id := range ids {
			given, letters := v.Attempts(at, id), v.Lineage(sink, history.Root(id))
			if len(given) == 0 || len(letters) == 0 {
				return Unclear("%s was not seen at %s and at %s", id, at, sink)
			}
			for _, l := range letters {
				if l.ID() != id {
					return Fail("the event "+id+", not its answer, at "+sink, l.ID(), id, l.ID())
				}
				if d := difference(given[0].Ask.Event, l.Ask.Event); d != "" {
					return Fail("the dead letter of "+id+" as "+at+" was given the event", d, id)
				}
				if got, ok := l.Ask.Event.Attrs[errorDest]; !ok || !sameAddress(got, uri) {
					return Fail(errorDest+" "+uri+" on the dead letter of "+id, "it is "+orAbsent(got, ok), id)
				}
			}
		}
		return Pass("%d name %s", len(ids), uri)
	}
}

func orAbsent(value string, ok bool) string {
	if !ok {
		return "absent"
	}
	return value
}

// BrokenAnswerRetried wants an event whose first answer broke off to be delivered again, and nothing but the complete
// answer to come to the reply destination.
func BrokenAnswerRetried(at, reply string) Judge {
	return func(v *history.View) Finding {
		if _, none := taken(v, at); none != nil {
			return *none
		}
		for _, x := range v.Arrivals(at) {
			if x.Ask.Attempt == 1 && x.Code() != 0 {
				return Unclear("the first answer to %s was whole", x.ID())
			}
		}
		return wholeAnswers(v, at, reply, "broke off")
	}
}

// SlowAnswerRetried wants an event whose first answer was not complete within delivery.timeout to be delivered again, and
// nothing but the answer that was in time to come to the reply destination. The script makes the first one slow.
func SlowAnswerRetried(at, reply string) Judge {
	return func(v *history.View) Finding {
		if _, none := taken(v, at); none != nil {
			return *none
		}
		return wholeAnswers(v, at, reply, "was too slow")
	}
}

func wholeAnswers(v *history.View, at, reply, spoilt string) Finding {
	ids, none := taken(v, at)
	if none != nil {
		return *none
	}
	known := map[string]bool{}
	for _, id := range ids {
		calls := v.Attempts(at, id)
		if len(calls) == 0 {
			return Unclear("%s did not come to %s", id, at)
		}
		if len(calls) == 1 {
			return Fail(fmt.Sprintf("%s again at %s, as the first answer %s", id, at, spoilt), "1 delivery"+alsoCame(v, reply), id)
		}
		i := slices.IndexFunc(calls[1:], func(x history.Exchange) bool { return x.Code() == 200 && wellFormed(x.Answer.Event) })
		if i < 0 {
			return Unclear("%s gave no complete answer to %s", at, id)
		}
		whole := calls[1+i].Answer
		known[whole.Event.ID()] = true
		got := v.Attempts(reply, whole.Event.ID())
		if len(got) == 0 {
			return Fail("the complete answer to "+id+" at "+reply, "it did not come", id)
		}
		for _, x := range got {
			if d := difference(whole.Event, x.Ask.Event); d != "" {
				return Fail("only the complete answer to "+id+" at "+reply, d, id, x.ID())
			}
		}
		if got[0].Ask.T < whole.T {
			return Fail("nothing at "+reply+" before the complete answer to "+id, "an event came", id)
		}
	}
	for _, x := range v.Arrivals(reply) {
		if !known[x.ID()] {
			return Fail("nothing but complete answers at "+reply, name(x.ID())+reasonOf(x.Ask.Event), ids[:min(len(ids), 3)]...)
		}
	}
	return Pass("%d complete answers arrived, no other", len(ids))
}

func reasonOf(e *history.Event) string {
	if e != nil && e.Bad != "" {
		return ": " + e.Bad
	}
	return ""
}

// OnlyValidAnswers wants nothing at the reply destination but the valid events of a receiver's answers. At least one
// valid and one malformed answer must have been given. With a sink, the events whose answers were malformed must have
// come there.
func OnlyValidAnswers(at, reply, sink string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, at)
		if none != nil {
			return *none
		}
		good, spoilt := answerSorts(v, at, ids)
		if len(good) == 0 || len(spoilt) == 0 {
			return Unclear("%d valid and %d malformed answers were seen: both are needed", len(good), len(spoilt))
		}
		for _, x := range v.Arrivals(reply) {
			if !wellFormed(x.Ask.Event) || !good[x.ID()] {
				return Fail("only valid answers at "+reply, name(x.ID())+", which no valid answer had"+reasonOf(x.Ask.Event), spoilt[:min(len(spoilt), 3)]...)
			}
		}
		for id := range good {
			if len(v.Attempts(reply, id)) == 0 {
				return Fail("the valid answer "+id+" at "+reply+" beside malformed ones", "it did not come", history.Root(id), id)
			}
		}
		if sink == "" {
			return Pass("%d malformed answers not sent on", len(spoilt))
		}
		for _, id := range spoilt {
			if len(v.Attempts(sink, id)) == 0 {
				return Fail(id+" at "+sink+", as its answer was malformed", "it did not come", id)
			}
		}
		return Pass("%d malformed answers dead-lettered", len(spoilt))
	}
}

// answerSorts gives the ids of the valid events in a receiver's 200 answers, and those of the events that it gave a
// malformed one.
func answerSorts(v *history.View, at string, ids []string) (good map[string]bool, spoilt []string) {
	good = map[string]bool{}
	for _, id := range ids {
		for _, x := range v.Attempts(at, id) {
			switch {
			case x.Code() != 200 || x.Answer.Event == nil:
			case wellFormed(x.Answer.Event):
				good[x.Answer.Event.ID()] = true
			case !slices.Contains(spoilt, id):
				spoilt = append(spoilt, id)
			}
		}
	}
	return good, spoilt
}

// DeliveredIn wants every event that was sent, in binary and in structured mode, to come to a receiver in the content
// mode given and otherwise as it was.
func DeliveredIn(mode, at string) Judge {
	return func(v *history.View) Finding {
		if _, none := taken(v, at); none != nil {
			return *none
		}
		modes := map[string]bool{}
		for _, p := range v.Posts() {
			if !p.Accepted() {
				continue
			}
			id := p.ID()
			got := v.Attempts(at, id)
			if len(got) == 0 {
				return Fail(id+" at "+at, "it did not come", id)
			}
			for _, x := range got {
				if x.Ask.Event.Mode != mode {
					return Fail(fmt.Sprintf("%s, sent %s, at %s in %s mode", id, p.Ask.Event.Mode, at, mode), x.Ask.Event.Mode+" mode", id)
				}
				if d := difference(p.Ask.Event, x.Ask.Event); d != "" {
					return Fail(id+" at "+at+" as it was sent", d, id)
				}
			}
			modes[p.Ask.Event.Mode] = true
		}
		if !modes["binary"] || !modes["structured"] {
			return Unclear("events were not sent in both modes")
		}
		return Pass("binary and structured events came in %s mode", mode)
	}
}
