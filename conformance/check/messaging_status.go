package check

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// NotReadyYet wants an object, once it shows a Ready condition, to show it other than True throughout the view.
func NotReadyYet(object string) Judge {
	return func(v *history.View) Finding {
		why := ""
		for _, op := range v.Statuses(object) {
			o := op.Object()
			if o.Ready() {
				return Fail(object+" not Ready yet", "Ready is True")
			}
			if c := o.Condition("Ready"); c.Status != "" {
				why = strings.TrimSpace(c.Status + " " + c.Reason)
			}
		}
		if why == "" {
			return Unclear("%s showed no Ready condition", object)
		}
		return Pass("Ready is %s", why)
	}
}

// TurnsReady wants an object to be Ready when it was last seen.
func TurnsReady(object string) Judge {
	return Shows(object, "Ready", (*history.Object).Ready)
}

// HasConditions wants a Ready object to list conditions of these types.
func HasConditions(object string, types ...string) Judge {
	return func(v *history.View) Finding {
		o := v.LastStatus(object)
		if !o.Ready() {
			return Unclear("%s was not seen Ready", object)
		}
		for _, t := range types {
			if o.Condition(t).Status == "" {
				return Fail("a condition "+t, describe(o))
			}
		}
		return Pass("%s", describe(o))
	}
}

// RefusedOrWithoutEffect wants a manifest that names a subscriber of its own to be refused, or the events to go to the
// witness, a proper Subscription's, and not to the rogue (control-plane.md #channel).
func RefusedOrWithoutEffect(object, rogue, witness string) Judge {
	return func(v *history.View) Finding {
		offers := v.Offers(object)
		if len(offers) == 0 {
			return Unclear("no manifest of %s was offered", object)
		}
		if got := v.Arrivals(rogue); len(got) > 0 {
			return Fail("nothing at "+rogue, name(got[0].ID())+" came", got[0].ID())
		}
		if offers[0].Refused {
			return Pass("refused: %s", offers[0].Note)
		}
		if len(v.Arrivals(witness)) == 0 {
			return Unclear("nothing came to %s, so nothing can be said about %s", witness, rogue)
		}
		return Pass("accepted, without effect")
	}
}

// ShowsBacking wants a Ready Channel to name its backing channel in status.channel, and that one, if it was looked at, to
// be Ready (pkg/apis/messaging/v1/channel_lifecycle.go).
func ShowsBacking(object string) Judge {
	return func(v *history.View) Finding {
		o := v.LastStatus(object)
		if !o.Ready() {
			return Unclear("%s was not seen Ready", object)
		}
		b := o.Status.Channel
		if b == nil || b.Kind == "" || b.Name == "" {
			return Fail("status.channel of "+object, "there is none")
		}
		backing := b.Kind + "/" + b.Name
		if len(v.Statuses(backing)) > 0 && !v.LastStatus(backing).Ready() {
			return Fail(backing+" Ready as "+object+" is", "it is not")
		}
		return Pass("backed by %s", backing)
	}
}

// NeverReady wants an object whose manifest cannot be made good to be refused, or never to show Ready.
func NeverReady(object string) Judge {
	return func(v *history.View) Finding {
		offers := v.Offers(object)
		if len(offers) > 0 && offers[0].Refused {
			return Pass("refused: %s", offers[0].Note)
		}
		return NotReadyYet(object)(v)
	}
}

// leg is a destination of an object: where its spec has it and what its status shows.
type leg struct {
	name string
	path []string
	of   func(*history.Object) string
}

// legs are those of a Subscription.
var legs = []leg{
	{"subscriber", []string{"subscriber"}, func(o *history.Object) string { return o.Status.PhysicalSubscription.SubscriberURI }},
	{"reply", []string{"reply"}, func(o *history.Object) string { return o.Status.PhysicalSubscription.ReplyURI }},
	{"deadLetterSink", []string{"delivery", "deadLetterSink"}, func(o *history.Object) string { return o.Status.PhysicalSubscription.DeadLetterSinkURI }},
}

// inside returns a mapping inside a spec, nil if there is none.
func inside(m map[string]any, path ...string) map[string]any {
	for _, p := range path {
		m, _ = m[p].(map[string]any)
	}
	return m
}

// Resolved wants the status of a Subscription or Trigger to show each destination of the spec as a URI: a URI as it is, a
// reference as the address that the object shows, with a relative URI resolved against it (control-plane.md
// #destination-resolution, #physicalsubscriptionstatus, #trigger-lifecycle).
func Resolved(object string) Judge {
	return func(v *history.View) Finding {
		o := v.LastStatus(object)
		if !o.Ready() {
			return Unclear("%s was not seen Ready", object)
		}
		all := legs
		if o.Kind == "Trigger" {
			all = triggerLegs
		}
		var seen []string
		for _, leg := range all {
			d := inside(o.Spec, leg.path...)
			if d == nil {
				continue
			}
			want := resolvedURI(v, o, d)
			if want == nil {
				return Unclear("the address that %s refers to was not seen", leg.name)
			}
			is, err := url.Parse(leg.of(o))
			if err != nil || !equalURIs(want, is) {
				return Fail(leg.name+" as "+want.String(), fmt.Sprintf("%q", leg.of(o)))
			}
			seen = append(seen, leg.name)
		}
		if len(seen) == 0 {
			return Unclear("%s shows no destination in its spec", object)
		}
		return Pass("%s resolved", strings.Join(seen, ", "))
	}
}

// resolvedURI resolves a destination by what the history shows, nil if it does not show enough.
func resolvedURI(v *history.View, o *history.Object, d map[string]any) *url.URL {
	text, _ := d["uri"].(string)
	relative, err := url.Parse(text)
	ref := inside(d, "ref")
	if err != nil || ref == nil {
		return relative
	}
	kind, name := fmt.Sprint(ref["kind"]), fmt.Sprint(ref["name"])
	base := ""
	switch {
	case kind == "Service" && ref["apiVersion"] == "v1":
		ns, _ := ref["namespace"].(string)
		if ns == "" {
			ns = o.Metadata.Namespace
		}
		base = "http://" + name + "." + ns + ".svc"
	case kind == "Service":
		kind = "KService"
		fallthrough
	default:
		base = v.LastStatus(kind + "/" + name).URL()
	}
	u, err := url.Parse(base)
	if err != nil || base == "" {
		return nil
	}
	return u.ResolveReference(relative)
}

// equalURIs compares but for a slash at the end; the domain of a cluster may follow a Service's name.
func equalURIs(want, is *url.URL) bool {
	host := is.Host == want.Host || strings.HasSuffix(want.Host, ".svc") && strings.HasPrefix(is.Host, want.Host+".")
	return host && is.Scheme == want.Scheme && strings.TrimRight(is.Path, "/") == strings.TrimRight(want.Path, "/") && is.RawQuery == want.RawQuery
}

// Dangling wants a Subscription that was Ready to end with Ready False, a reason, and no URI for the leg concerned
// ("subscriber" or "reply"), once that cannot be resolved any more (control-plane.md #subscription-lifecycle).
func Dangling(object, leg string) Judge {
	return func(v *history.View) Finding {
		good := false
		for _, op := range v.Statuses(object) {
			good = good || op.Object().Ready()
		}
		o := v.LastStatus(object)
		if !good || o == nil {
			return Unclear("%s was not seen Ready before, or not after", object)
		}
		for _, l := range legs {
			if l.name == leg && l.of(o) != "" {
				return Fail("no URI for "+leg+" of "+object, l.of(o))
			}
		}
		c := o.Condition("Ready")
		if c.Status != "False" || c.Reason == "" {
			return Fail(object+" with Ready False and a reason", describe(o))
		}
		return Pass("Ready is False: %s", strings.TrimSpace(c.Reason+" "+c.Message))
	}
}

// RepliesReach wants what a subscriber answers, with 2xx and an event, to come to another receiver, after that answer and
// not before (control-plane.md #event-delivery).
func RepliesReach(by, at string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, by)
		if none != nil {
			return *none
		}
		for _, id := range ids {
			x := find(v.Attempts(by, id), func(x history.Exchange) bool { return x.Accepted() && x.Answer.Event != nil })
			if x == nil {
				return Unclear("%s did not answer %s with an event", by, id)
			}
			reply, there := x.Answer.Event.ID(), false
			for _, g := range v.Lineage(at, history.Root(id)) {
				switch {
				case g.Ask.T < x.Answer.T:
					return Fail("nothing of "+id+" at "+at+" before "+by+" succeeded", name(g.ID())+" came", id)
				case g.ID() != reply:
					return Fail("the answer "+reply+" at "+at, name(g.ID())+" came", id)
				}
				there = true
			}
			if !there {
				return Fail(reply+" at "+at, times(0), id)
			}
		}
		return Pass("%d answers of %s at %s", len(ids), by, at)
	}
}
