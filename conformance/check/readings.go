package check

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// Question is one that the public text leaves open, or that the public text and Knative's own code answer differently. See
// tells which of the known answers a history shows; it is as pure as a judge, and its answer is no verdict.
type Question struct {
	Asks  string   // one sentence, without regard to the answer
	Known []string // the known answers; those of the public text and of Knative's own code say so
	See   func(v *history.View) Observed
}

// Observed is the answer that a history shows.
type Observed struct {
	Answer string // one of the known ones; empty: not seen
	Seen   string // the evidence, or why there is none
}

func observed(answer, evidence string, args ...any) Observed {
	return Observed{answer, fmt.Sprintf(evidence, args...)}
}

func unseen(why string, args ...any) Observed { return Observed{"", fmt.Sprintf(why, args...)} }

// ForeignAnswers asks what a 2xx answer does whose body is no event; whose says of which object's subscriber. Each accepted
// event must have got such an answer at first.
func ForeignAnswers(whose, at, sink string) Question {
	const delivered, failed, both = "yes, the body is ignored", "no, the delivery has failed (Knative's own Broker)", "that depends on the body"
	return Question{"Does a 2xx answer with a body that is no event complete a delivery of " + whose + "?", []string{delivered, failed, both},
		func(v *history.View) Observed {
			ids, none := accepted(v)
			if none != nil {
				return unseen("%s", none.Seen)
			}
			done, retried, dead := 0, 0, 0
			for _, id := range ids {
				tries := v.Attempts(at, id)
				if len(tries) == 0 || !tries[0].Accepted() || tries[0].Answer.Event != nil || len(tries[0].Answer.Body) == 0 {
					continue
				}
				switch {
				case len(v.Attempts(sink, id)) > 0:
					dead++
				case len(tries) > 1:
					retried++
				default:
					done++
				}
			}
			evidence := fmt.Sprintf("of %d such answers %d completed the delivery, %d were followed by another attempt, %d by a dead letter",
				done+retried+dead, done, retried, dead)
			switch {
			case done+retried+dead == 0:
				return unseen("%s gave no such answer", at)
			case retried+dead == 0:
				return observed(delivered, "%s", evidence)
			case done == 0:
				return observed(failed, "%s", evidence)
			}
			return observed(both, "%s", evidence)
		}}
}

// AcceptedAnswers asks whether an event in a 202 answer is routed.
func AcceptedAnswers(at, reply string) Question {
	const no, yes = "no (public text)", "yes"
	return Question{"Is an event in a 202 answer sent to the reply destination?", []string{no, yes}, func(v *history.View) Observed {
		n := 0
		for _, x := range v.Arrivals(at) {
			if x.Code() != 202 || !wellFormed(x.Answer.Event) {
				continue
			}
			n++
			if answer := x.Answer.Event.ID(); len(v.Attempts(reply, answer)) > 0 {
				return observed(yes, "%s came to %s", answer, reply)
			}
		}
		if n == 0 {
			return unseen("%s gave no 202 answer with an event", at)
		}
		return observed(no, "%d such answers, nothing of them at %s", n, reply)
	}}
}

// FailedReply asks what is repeated when the reply destination fails.
func FailedReply(at, reply string) Question {
	const whole, alone, nothing = "the whole delivery, beginning with the subscriber (public text)", "the reply alone (Knative's own code)", "nothing"
	return Question{"What is tried again when the reply destination fails in a way that may pass?", []string{whole, alone, nothing},
		func(v *history.View) Observed {
			ids, none := accepted(v)
			if none != nil {
				return unseen("%s", none.Seen)
			}
			for _, id := range ids {
				calls, replies := len(v.Attempts(at, id)), v.Lineage(reply, history.Root(id))
				if calls == 0 || len(replies) == 0 || replies[0].Accepted() {
					continue
				}
				evidence := fmt.Sprintf("%s of %s at %s, %s of the answer at %s", times(calls), id, at, times(len(replies)), reply)
				switch {
				case calls > 1:
					return observed(whole, "%s", evidence)
				case len(replies) > 1:
					return observed(alone, "%s", evidence)
				}
				return observed(nothing, "%s", evidence)
			}
			return unseen("%s did not fail", reply)
		}}
}

// LinearWaits asks how linear waits go on.
func LinearWaits(at string, n int, delay time.Duration) Question {
	const same, growing = "the delay each time (public text)", "n times the delay before the n-th retry (Knative's own code)"
	return waitsFrom("How long is the wait before a retry under backoffPolicy linear?", same, growing, at, n,
		Constant(delay), func(k int) time.Duration { return time.Duration(k) * delay })
}

// ExponentialWaits asks with what exponential waits begin.
func ExponentialWaits(at string, n int, delay time.Duration) Question {
	const once, twice = "the delay (public text)", "twice the delay (Knative's own code)"
	return waitsFrom("How long is the first wait under backoffPolicy exponential?", once, twice, at, n,
		func(k int) time.Duration { return delay << (k - 1) }, func(k int) time.Duration { return delay << k })
}

// waitsFrom tells two policies apart by a wait that is shorter than the longer policy allows: a busy machine makes waits
// longer and never shorter.
func waitsFrom(asks, short, long, at string, n int, least, longer func(k int) time.Duration) Question {
	const less = "less than that"
	return Question{asks, []string{short, long, less}, func(v *history.View) Observed {
		ids, all, wrong := waits(v, at, n)
		if wrong != nil {
			return unseen("%s", wrong.Seen)
		}
		answer, evidence := long, fmt.Sprintf("wait %d of %s lasted %s", n, ids[0], millis(all[0][n-1]))
		for i, list := range all {
			for k, w := range list {
				switch {
				case w < least(k+1)-coarse:
					return observed(less, "wait %d of %s lasted %s", k+1, ids[i], millis(w))
				case w < longer(k+1)-coarse:
					answer, evidence = short, fmt.Sprintf("wait %d of %s lasted %s", k+1, ids[i], millis(w))
				}
			}
		}
		return observed(answer, "%s", evidence)
	}}
}

// InheritedSink asks whether the sink of the object above is used by one that has options of its own and no sink among
// them; own and above say which objects these are.
func InheritedSink(own, above, at, sink string) Question {
	const no, yes = "no, any option of its own sets all of those aside (public text)", "yes (Knative's own code)"
	return Question{"Does a " + own + " with delivery options of its own but no dead-letter sink use that of its " + above + "?", []string{no, yes},
		func(v *history.View) Observed {
			ids, none := accepted(v)
			if none != nil {
				return unseen("%s", none.Seen)
			}
			failed := ""
			for _, id := range ids {
				if tries := v.Attempts(at, id); len(tries) > 0 && !tries[len(tries)-1].Accepted() {
					failed = id
					if len(v.Attempts(sink, id)) > 0 {
						return observed(yes, "%s failed at %s and came to %s", id, at, sink)
					}
				}
			}
			if failed == "" {
				return unseen("no event failed at %s", at)
			}
			return observed(no, "%s failed at %s and did not come to %s", failed, at, sink)
		}}
}

// Loops asks when a loop ends in which a receiver answers every event with the next one; the harness ends it after most.
func Loops(asks, at string, hops, most int) Question {
	limited, otherwise, never := fmt.Sprintf("after %d rounds (Knative's own default)", hops), "after another number of rounds", "not by itself"
	return Question{asks, []string{limited, otherwise, never}, func(v *history.View) Observed {
		id, n, ended, none := passes(v, at, hops)
		switch {
		case none != nil:
			return unseen("%s", none.Seen)
		case n > most:
			return observed(never, "%s, then the harness ended it", times(n))
		case !ended:
			return unseen("the loop of %s was not seen to end: %s", id, times(n))
		case n == hops:
			return observed(limited, "%s", times(n))
		}
		return observed(otherwise, "%s", times(n))
	}}
}

// EarlyEvents asks whether events that were sent in a phase before a Trigger was made come to its receiver. One sent in a
// later phase must have come.
func EarlyEvents(before, after, at string) Question {
	const no, yes = "no", "yes"
	return Question{"Does a Trigger get events that its Broker had accepted before the Trigger was made?", []string{no, yes},
		func(v *history.View) Observed {
			ids, none := accepted(v.Of(before))
			if none != nil {
				return unseen("%s", none.Seen)
			}
			if len(v.Of(after).Arrivals(at)) == 0 {
				return unseen("no later event came to %s", at)
			}
			for _, id := range ids {
				if len(v.Attempts(at, id)) > 0 {
					return observed(yes, "%s came to %s", id, at)
				}
			}
			return observed(no, "none of %d came to %s", len(ids), at)
		}}
}

// Overtaking asks whether events that were accepted later are delivered while an earlier one waits for its next attempt.
// The first one must have failed at first.
func Overtaking(at string) Question {
	const yes, no = "yes", "no, they wait for it"
	return Question{"Do later events overtake one that has to be tried again, where no order is asked for?", []string{yes, no},
		func(v *history.View) Observed {
			ids, none := accepted(v)
			if none != nil {
				return unseen("%s", none.Seen)
			}
			tries := v.Attempts(at, ids[0])
			if len(tries) < 2 || tries[0].Accepted() || len(ids) < 2 {
				return unseen("%s was not tried again at %s before others", ids[0], at)
			}
			before := 0
			for _, id := range ids[1:] {
				if got := v.Attempts(at, id); len(got) > 0 && got[0].Ask.T < tries[len(tries)-1].Ask.T {
					before++
				}
			}
			if before == 0 {
				return observed(no, "none of %d came before the last attempt of %s", len(ids)-1, ids[0])
			}
			return observed(yes, "%d of %d came before the last attempt of %s", before, len(ids)-1, ids[0])
		}}
}

// Repeated asks what becomes of an event that is sent twice.
func Repeated(at string) Question {
	const both, one = "both are delivered (Knative's own code)", "one is left out"
	return Question{"What becomes of two posts that are equal in source and id?", []string{both, one}, func(v *history.View) Observed {
		sent, came := map[string]int{}, map[string]int{}
		for _, x := range v.Posts() {
			if x.Accepted() {
				sent[x.Ask.Event.Key()]++
			}
		}
		for _, x := range v.Arrivals(at) {
			came[x.Ask.Event.Key()]++
		}
		twice := 0
		for key, n := range sent {
			if n < 2 || came[key] == 0 {
				continue
			}
			twice++
			if came[key] < n {
				return observed(one, "%d posts, %s", n, times(came[key]))
			}
		}
		if twice == 0 {
			return unseen("no event was accepted twice and came to %s", at)
		}
		return observed(both, "%d events sent more than once, each post delivered", twice)
	}}
}

// LettersBelowHTTP asks what a dead letter says if there was no answer that it could tell of.
func LettersBelowHTTP(sink string) Question {
	const core, kafka, other, nothing = "code 500, and data that begins with dispatch error: (Knative's own code)", "no code (Knative's Kafka Broker)", "something else", "nothing"
	return Question{"What do the error extensions of a dead letter say after a failure below HTTP?", []string{core, kafka, other, nothing},
		func(v *history.View) Observed {
			got := v.Arrivals(sink)
			if len(got) == 0 || got[0].Ask.Event == nil {
				return unseen("no dead letter came to %s", sink)
			}
			attrs := got[0].Ask.Event.Attrs
			code, hasCode := attrs[errorCode]
			text, _ := base64.StdEncoding.DecodeString(attrs[errorData]) // what is no base64 is something else
			_, hasDest := attrs[errorDest]
			switch {
			case code == "500" && strings.HasPrefix(string(text), "dispatch error:"):
				return observed(core, "%s", shortened(string(text)))
			case hasCode:
				return observed(other, "code %s, data %s", code, shortened(attrs[errorData]))
			case hasDest || attrs[errorData] != "":
				return observed(kafka, "data %s", shortened(attrs[errorData]))
			}
			return observed(nothing, "no error extensions on %s", name(got[0].ID()))
		}}
}

// EmptyFilters asks what a filter that says nothing does; each Trigger named has one, and a receiver of its name. The
// witness is the receiver of a Trigger without filters.
func EmptyFilters(asks, trigger, witness string) Question {
	const all, none, refused = "every event passes (Knative's own code)", "no event passes", "it is refused"
	return Question{asks, []string{all, none, refused}, func(v *history.View) Observed {
		offers := v.Offers("Trigger/" + trigger)
		if len(offers) == 0 {
			return unseen("no manifest of Trigger/%s was offered", trigger)
		}
		if offers[0].Refused {
			return observed(refused, "%s", offers[0].Note)
		}
		if len(v.Arrivals(witness)) == 0 {
			return unseen("nothing came to %s", witness)
		}
		if !v.LastStatus("Trigger/" + trigger).Ready() {
			return unseen("Trigger/%s was not seen Ready", trigger)
		}
		if n := len(v.Arrivals(trigger)); n > 0 {
			return observed(all, "%s at %s", times(n), trigger)
		}
		return observed(none, "nothing at %s", trigger)
	}}
}
