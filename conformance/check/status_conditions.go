package check

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// shown is one state of an object as the target showed it.
type shown struct {
	at     time.Duration
	who    string
	object *history.Object
}

// shownStates returns the states of Knative's objects that a view holds, in order. Core kinds have conditions of their own
// kind, or none.
func shownStates(v *history.View) []shown {
	var out []shown
	for i := range v.Ops {
		op := &v.Ops[i]
		o := op.Object()
		if o != nil && (o.APIVersion == "" || strings.Contains(o.APIVersion, "knative.dev/")) {
			out = append(out, shown{op.T, op.Who, o})
		}
	}
	return out
}

// ready returns the condition that sums up the others; its Type is empty if there is none.
func ready(o *history.Object) history.Condition {
	for _, typ := range []string{"Ready", "Succeeded"} {
		if i := slices.IndexFunc(o.Status.Conditions, func(c history.Condition) bool { return c.Type == typ }); i >= 0 {
			return o.Status.Conditions[i]
		}
	}
	return history.Condition{}
}

// statusOf is Unknown for a condition that shows none (specs/common/error-signalling.md #condition-schema).
func statusOf(c history.Condition) string {
	if c.Status == "" {
		return "Unknown"
	}
	return c.Status
}

// OneOfEachType wants every state that shows conditions, or a generation that was looked at, to have a Ready (or
// Succeeded) of status True, False or Unknown that counts as an error, and no two conditions of one type
// (specs/common/error-signalling.md).
func OneOfEachType(v *history.View) Finding {
	n := 0
	for _, s := range shownStates(v) {
		list := s.object.Status.Conditions
		if len(list) == 0 && s.object.Status.ObservedGeneration == 0 {
			continue // nobody has looked at it yet
		}
		seen := map[string]bool{}
		for _, c := range list {
			if c.Type == "" || seen[c.Type] {
				return Fail("at most one condition of each type in "+s.who, fmt.Sprintf("two of type %q: %s", c.Type, describe(s.object)))
			}
			seen[c.Type] = true
		}
		switch c := ready(s.object); {
		case c.Type == "":
			return Fail("a condition Ready in "+s.who, "there is none: "+describe(s.object))
		case !slices.Contains([]string{"True", "False", "Unknown"}, statusOf(c)):
			return Fail(c.Type+" of "+s.who+" to be True, False or Unknown", fmt.Sprintf("it is %q", c.Status))
		case c.Severity != "":
			return Fail(c.Type+" of "+s.who+" without a severity", "its severity is "+c.Severity)
		}
		n++
	}
	if n == 0 {
		return Unclear("no state with conditions was seen")
	}
	return Pass("%d states, each with one condition of each type and a Ready", n)
}

// ReadyIsTheWorst wants Ready, in every state, to be False while a condition that counts as an error is False, and not to
// be True while one is Unknown. A condition with a severity does not count (specs/common/error-signalling.md).
func ReadyIsTheWorst(v *history.View) Finding {
	n := 0
	for _, s := range shownStates(v) {
		sum := ready(s.object)
		if sum.Type == "" {
			continue
		}
		for _, c := range s.object.Status.Conditions {
			if c.Type == sum.Type || c.Severity != "" {
				continue
			}
			n++
			switch is := statusOf(c); {
			case is == "False" && statusOf(sum) != "False":
				return Fail(sum.Type+" of "+s.who+" False while "+c.Type+" is", describe(s.object))
			case is != "True" && statusOf(sum) == "True":
				return Fail(sum.Type+" of "+s.who+" not True while "+c.Type+" is "+is, describe(s.object))
			}
		}
	}
	if n == 0 {
		return Unclear("no Ready beside other conditions was seen")
	}
	return Pass("Ready agrees with %d conditions", n)
}

// ReasonsGiven wants every condition that is False to have a reason (specs/common/error-signalling.md).
func ReasonsGiven(v *history.View) Finding {
	n := 0
	for _, s := range shownStates(v) {
		for _, c := range s.object.Status.Conditions {
			if c.Status != "False" {
				continue
			}
			if c.Reason == "" {
				return Fail("a reason why "+c.Type+" of "+s.who+" is False", "none: "+describe(s.object))
			}
			n++
		}
	}
	if n == 0 {
		return Unclear("no condition was seen False")
	}
	return Pass("%d False conditions, each with a reason", n)
}

// TransitionTimes wants every condition to say since when it is what it is. That the time moves with the status alone is
// for SteadyTimes: between two states that were seen a third may have been.
func TransitionTimes(v *history.View) Finding {
	n := 0
	for _, s := range shownStates(v) {
		for _, c := range s.object.Status.Conditions {
			if t, err := time.Parse(time.RFC3339, c.LastTransitionTime); err != nil || t.Year() < 2 {
				return Fail("a lastTransitionTime of "+c.Type+" of "+s.who, fmt.Sprintf("%q", c.LastTransitionTime))
			}
			n++
		}
	}
	if n == 0 {
		return Unclear("no condition was seen")
	}
	return Pass("%d conditions, each with a time", n)
}

// SteadyTimes wants lastTransitionTime of objects to stay while the condition's status is seen to stay, over more than
// the second that such times can tell apart.
func SteadyTimes(objects ...string) Judge {
	return All(TransitionTimes, Each(objects, func(object string) Judge {
		return func(v *history.View) Finding {
			type since struct {
				at           time.Duration
				status, time string
			}
			last, long := map[string]since{}, time.Duration(0)
			for _, op := range v.Statuses(object) {
				o := op.Object()
				if o == nil {
					last = map[string]since{}
					continue
				}
				for _, c := range o.Status.Conditions {
					was, known := last[c.Type]
					if !known || was.status != c.Status {
						last[c.Type] = since{op.T, c.Status, c.LastTransitionTime}
						continue
					}
					if was.time != c.LastTransitionTime {
						return Fail(fmt.Sprintf("%s of %s %s since %s, as nothing changed", c.Type, object, c.Status, was.time),
							"since "+c.LastTransitionTime)
					}
					long = max(long, op.T-was.at)
				}
			}
			if long <= time.Second {
				return Unclear("no condition of %s was seen to stay for more than a second", object)
			}
			return Pass("times of %s stay for %v", object, long.Round(time.Millisecond))
		}
	}))
}

// UnlessRefused asks a judge about an object whose change in a phase was not refused.
func UnlessRefused(mark, object string, j Judge) Judge {
	return func(v *history.View) Finding {
		offers := v.Phase(mark).Offers(object)
		if len(offers) > 0 && !slices.ContainsFunc(offers, func(o *history.Op) bool { return !o.Refused }) {
			return Pass("the change of %s was refused", object)
		}
		return j(v)
	}
}

// ObservedWithConditions wants a change of spec in a phase, by which the object cannot be Ready any more, to be observed:
// observedGeneration comes to equal the new generation, and no state in which it does has the Ready of before
// (control-plane.md #detailed-resources "observedGeneration").
func ObservedWithConditions(mark, object string) Judge {
	return func(v *history.View) Finding {
		before := int64(0)
		for _, op := range v.Phase("").Statuses(object) {
			if o := op.Object(); o != nil {
				before = max(before, o.Metadata.Generation)
			}
		}
		var last *history.Object
		for _, op := range v.Phase(mark).Statuses(object) {
			o := op.Object()
			if o == nil || o.Metadata.Generation <= before {
				continue
			}
			if o.Status.ObservedGeneration > o.Metadata.Generation {
				return Fail("no generation of "+object+" observed before it is there", describe(o))
			}
			if o.Ready() {
				return Fail(fmt.Sprintf("Ready of %s not True any more once generation %d is observed", object, o.Metadata.Generation), describe(o))
			}
			last = o
		}
		switch {
		case before == 0 || last == nil:
			return Unclear("%s was not seen at one generation and at the next", object)
		case last.Status.ObservedGeneration != last.Metadata.Generation:
			return Fail(fmt.Sprintf("generation %d of %s to be observed", last.Metadata.Generation, object), describe(last))
		}
		return Pass("generation %d of %s is observed, and Ready is %s", last.Metadata.Generation, object, last.Condition("Ready").Status)
	}
}

// SaysWhatIsMissing wants an object that is not Ready to name what is at fault in a message: of a condition, or of the Ready
// of what it is made of.
func SaysWhatIsMissing(object, fault string) Judge {
	return func(v *history.View) Finding {
		o := v.LastStatus(object)
		switch {
		case o == nil || ready(o).Type == "":
			return Unclear("%s showed no Ready condition", object)
		case o.Ready():
			return Fail(object+" not Ready", describe(o))
		}
		var raw struct{ Status any }
		ops := v.Statuses(object)
		if json.Unmarshal(ops[len(ops)-1].Shown, &raw) != nil {
			return Unclear("the status of %s cannot be read", object)
		}
		said := messages(raw.Status)
		for _, m := range said {
			if strings.Contains(m, fault) {
				return Pass("%s says: %s", object, m)
			}
		}
		return Fail("a message of "+object+" that names "+fault, orNone(said))
	}
}

// messages returns the texts of all members named message, however deep.
func messages(x any) []string {
	var out []string
	switch x := x.(type) {
	case []any:
		for _, e := range x {
			out = append(out, messages(e)...)
		}
	case map[string]any:
		for k, e := range x {
			if text, ok := e.(string); ok && k == "message" && text != "" {
				out = append(out, text)
			}
			out = append(out, messages(e)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// StepStatuses wants a Sequence to show one channel and one Subscription a step, in the order of the steps, each with a
// reference and its Ready condition. Which step a Subscription is for is told by its subscriber.
func StepStatuses(sequence string) Judge {
	return func(v *history.View) Finding {
		o := v.LastStatus(sequence)
		if o == nil || !o.Ready() {
			return Unclear("%s was not seen Ready", sequence)
		}
		steps, _ := o.Spec["steps"].([]any)
		if got := len(o.Status.ChannelStatuses); got != len(steps) {
			return Fail(fmt.Sprintf("%d channelStatuses, one a step", len(steps)), fmt.Sprint(got))
		}
		if got := len(o.Status.SubscriptionStatuses); got != len(steps) {
			return Fail(fmt.Sprintf("%d subscriptionStatuses, one a step", len(steps)), fmt.Sprint(got))
		}
		channels := map[string]int{}
		for i, step := range steps {
			at := fmt.Sprintf("status.channelStatuses[%d]", i)
			channel, f := part(o.Status.ChannelStatuses[i], "channel", at)
			if f != nil {
				return *f
			}
			channels[channel] = i
			at = fmt.Sprintf("status.subscriptionStatuses[%d]", i)
			name, f := part(o.Status.SubscriptionStatuses[i], "subscription", at)
			if f != nil {
				return *f
			}
			sub := v.LastStatus("Subscription/" + name)
			if sub == nil {
				return Fail("the Subscription "+name+" that "+at+" names", "it is not there")
			}
			if from := digText(sub.Spec, "channel", "name"); from != channel {
				return Fail(fmt.Sprintf("%s to be of the channel %s of step %d", at, channel, i), "it is of "+from)
			}
			want, _ := step.(map[string]any)
			if is, wanted := digText(sub.Spec, "subscriber", "uri"), digText(want, "uri"); is != wanted {
				return Fail(fmt.Sprintf("%s to be for step %d, %s", at, i, wanted), "it is for "+is)
			}
		}
		if len(steps) == 0 || len(channels) != len(steps) {
			return Fail("a channel of its own for each step", fmt.Sprintf("%d channels for %d steps", len(channels), len(steps)))
		}
		return Pass("%d steps, each with its channel and Subscription", len(steps))
	}
}

// part reads an entry of channelStatuses or subscriptionStatuses.
func part(raw json.RawMessage, field, at string) (name string, wrong *Finding) {
	var entry map[string]any
	if json.Unmarshal(raw, &entry) != nil {
		f := Fail(at+" as a mapping", string(raw))
		return "", &f
	}
	if name = digText(entry, field, "name"); name == "" {
		f := Fail(at+"."+field+" to name an object", string(raw))
		return "", &f
	}
	if digText(entry, "ready", "type") != "Ready" || digText(entry, "ready", "status") == "" {
		f := Fail(at+".ready with the Ready condition", string(raw))
		return "", &f
	}
	return name, nil
}

// AddressWhenAddressable wants every seen state of the objects to have an address if Addressable is True, and none else.
// Both must have been seen; an object that was refused stands for one without.
func AddressWhenAddressable(objects ...string) Judge {
	return func(v *history.View) Finding {
		with, without := 0, 0
		for _, object := range objects {
			if offers := v.Offers(object); len(offers) > 0 && offers[0].Refused {
				without++
			}
			for _, op := range v.Statuses(object) {
				o := op.Object()
				if o == nil {
					continue
				}
				switch addressable := o.Condition("Addressable").Status == "True"; {
				case addressable && o.URL() == "":
					return Fail("an address of "+object+", as it is Addressable", "none: "+describe(o))
				case !addressable && o.URL() != "":
					return Fail("no address of "+object+" before it is Addressable", describe(o))
				case addressable:
					with++
				default:
					without++
				}
			}
		}
		if with == 0 || without == 0 {
			return Unclear("%d states were seen Addressable and %d not, both are needed", with, without)
		}
		return Pass("an address in %d states that are Addressable, none in %d others", with, without)
	}
}

// RefusedNaming wants a manifest to be refused with a 4xx and a message that names the field.
func RefusedNaming(object, field string) Judge {
	return func(v *history.View) Finding {
		for _, o := range v.Offers(object) {
			if o.Refused && o.Code != 0 && o.Code/100 != 4 {
				return Fail(object+" to be refused with a 4xx", fmt.Sprintf("%d: %s", o.Code, o.Note))
			}
		}
		return Refused(object, field)(v)
	}
}

// NotActedOn wants a manifest with an unknown field in its spec to be refused, or shown without it.
func NotActedOn(object, field string) Judge {
	return func(v *history.View) Finding {
		offers := v.Offers(object)
		if len(offers) == 0 {
			return Unclear("no manifest of %s was offered", object)
		}
		if offers[0].Refused {
			return Pass("refused: %s", offers[0].Note)
		}
		o := v.LastStatus(object)
		if o == nil {
			return Unclear("%s was accepted, and not seen", object)
		}
		if x, there := o.Spec[field]; there {
			return Fail(object+" refused, or shown without spec."+field, fmt.Sprintf("spec.%s is %v", field, x))
		}
		return Pass("accepted, without spec.%s", field)
	}
}

// Reapplied wants objects to keep their generation while the same manifests were applied again, at least n times, and every
// object that was seen more than once to be the same one throughout.
func Reapplied(n int, objects ...string) Judge {
	return func(v *history.View) Finding {
		for _, object := range objects {
			if got := len(v.Offers(object)); got < n+1 {
				return Unclear("%s was applied %d times, not %d", object, got, n+1)
			}
		}
		first, twice := map[string]*history.Object{}, 0
		for i := range v.Ops {
			op := &v.Ops[i]
			if op.Kind != history.Status {
				continue
			}
			was, is := first[op.Who], op.Object()
			switch {
			case was == nil && is != nil:
				first[op.Who] = is
			case was == nil:
			case is == nil:
				return Fail(op.Who+" to stay", "it was gone")
			case is.Metadata.UID != was.Metadata.UID:
				return Fail(op.Who+" to stay", "it was made anew: uid "+is.Metadata.UID+", was "+was.Metadata.UID)
			case slices.Contains(objects, op.Who) && is.Metadata.Generation != was.Metadata.Generation:
				return Fail(fmt.Sprintf("generation %d of %s", was.Metadata.Generation, op.Who), fmt.Sprint(is.Metadata.Generation))
			default:
				twice++
			}
		}
		for _, object := range objects {
			if len(v.Statuses(object)) < 2 {
				return Unclear("%s was not seen before and after", object)
			}
		}
		return Pass("%d looks at %d objects, none changed", twice, len(first))
	}
}

// Recovers wants an object that was Ready to say in one phase that it is not, with a reason, and to be Ready again at the
// end of another.
func Recovers(gone, back, object string) Judge {
	return func(v *history.View) Finding {
		if !slices.ContainsFunc(v.Phase("").Statuses(object), func(op *history.Op) bool { return op.Object().Ready() }) {
			return Unclear("%s was not seen Ready before", object)
		}
		o := v.Phase(gone).LastStatus(object)
		if o == nil {
			return Unclear("%s was not seen in the phase %q", object, gone)
		}
		if c := o.Condition("Ready"); c.Status == "True" || c.Status == "False" && c.Reason == "" {
			return Fail(object+" not Ready any more, with a reason", describe(o))
		}
		return TurnsReady(object)(v.Phase(back))
	}
}

// NeverShows wants no state of an object to hold a text in its status.
func NeverShows(object, text string) Judge {
	return func(v *history.View) Finding {
		if offers := v.Offers(object); len(offers) > 0 && offers[0].Refused {
			return Pass("refused: %s", offers[0].Note)
		}
		n := 0
		for _, op := range v.Statuses(object) {
			var raw struct{ Status json.RawMessage }
			if op.Gone || json.Unmarshal(op.Shown, &raw) != nil {
				continue
			}
			if strings.Contains(string(raw.Status), text) {
				return Fail("a status of "+object+" that the system wrote", "it has "+text+": "+clip(raw.Status))
			}
			n++
		}
		if n == 0 {
			return Unclear("%s was not seen", object)
		}
		return Pass("%d states of %s without it", n, object)
	}
}
