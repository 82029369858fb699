package check

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// ChannelKind returns the kind in an object's spec.channelTemplate, empty if there is none.
func ChannelKind(o *history.Object) string {
	if o == nil {
		return ""
	}
	t, _ := o.Spec["channelTemplate"].(map[string]any)
	kind, _ := t["kind"].(string)
	return kind
}

// children returns the names, sorted, of the objects of a kind that are controlled by an owner, as last seen in the view.
func children(v *history.View, kind string, owner *history.Object) []string {
	last := map[string]bool{}
	for i := range v.Ops {
		op := &v.Ops[i]
		if op.Kind != history.Status || !strings.HasPrefix(op.Who, kind+"/") {
			continue
		}
		o := op.Object()
		last[strings.TrimPrefix(op.Who, kind+"/")] = !op.Gone && o != nil && controls(owner, o)
	}
	var names []string
	for name, is := range last {
		if is {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

func controls(owner, o *history.Object) bool {
	for _, r := range o.Metadata.OwnerReferences {
		if r.Controller && r.Kind == owner.Kind && r.Name == owner.Metadata.Name && r.UID == owner.Metadata.UID {
			return true
		}
	}
	return false
}

// HasChildren wants a Sequence of n steps to control exactly n channels of its template's kind and n Subscriptions
// (pkg/reconciler/sequence/sequence.go).
func HasChildren(sequence string, n int) Judge {
	return func(v *history.View) Finding {
		o := v.LastStatus(sequence)
		if o == nil {
			return Unclear("%s was not seen", sequence)
		}
		channel := ChannelKind(o)
		if channel == "" {
			return Fail("spec.channelTemplate to say of which kind the channels are", "it is not set")
		}
		for _, kind := range []string{channel, "Subscription"} {
			if got := children(v, kind, o); len(got) != n {
				return Fail(fmt.Sprintf("%d of kind %s controlled by %s", n, kind, sequence), fmt.Sprintf("%d: %s", len(got), list(got)))
			}
		}
		return Pass("%d of kind %s and %d Subscriptions", n, channel, n)
	}
}

// NamesChildren wants channel and Subscription i of a Sequence of n steps to be named <sequence>-kn-sequence-<i>. A name
// beyond 63 characters may be shortened, and then keeps its beginning and its end.
func NamesChildren(sequence string, n int) Judge {
	suffixes := make([]string, n)
	for i := range suffixes {
		suffixes[i] = fmt.Sprintf("-kn-sequence-%d", i)
	}
	return func(v *history.View) Finding {
		o := v.LastStatus(sequence)
		if o == nil {
			return Unclear("%s was not seen", sequence)
		}
		for _, kind := range []string{ChannelKind(o), "Subscription"} {
			if f := namedBy(v, kind, o, suffixes); f != nil {
				return *f
			}
		}
		return Pass("names as expected")
	}
}

// namedBy wants an owner to have children of a kind that are named by its name and each of the suffixes; nil if it has.
func namedBy(v *history.View, kind string, owner *history.Object, suffixes []string) *Finding {
	const longest = 63
	parent, got := owner.Metadata.Name, children(v, kind, owner)
	for _, suffix := range suffixes {
		want := parent + suffix
		if slices.Contains(got, want) {
			continue
		}
		if len(want) <= longest {
			f := Fail(kind+" "+want, "names "+orNone(got))
			return &f
		}
		// How much of the name is kept is not laid down; ten characters tell whose child it is.
		short := regexp.MustCompile("^" + regexp.QuoteMeta(parent[:10]) + ".*" + suffix + "$")
		if !slices.ContainsFunc(got, func(s string) bool { return len(s) <= longest && short.MatchString(s) }) {
			f := Fail(fmt.Sprintf("%s %s, or %s… of at most %d characters with the same end", kind, want, parent[:10], longest), "names "+orNone(got))
			return &f
		}
	}
	return nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return list(names)
}

// Dwindled wants at most n objects of a kind to be left at the end of a phase. Drive's AtMost gives the evidence.
func Dwindled(mark string, n int, kind string) Judge {
	return func(v *history.View) Finding {
		p := v.Phase(mark)
		note := fmt.Sprintf("at most %d %s", n, kind)
		from := -1
		for i, op := range p.Ops {
			if op.Kind == history.Settled && op.Note == note {
				from = i
			}
		}
		if from < 0 {
			return Unclear("nobody looked how many of kind %s were left", kind)
		}
		left := map[string]bool{}
		for _, op := range p.Ops[:from] {
			if op.Kind == history.Status && strings.HasPrefix(op.Who, kind+"/") {
				left[op.Who] = !op.Gone
			}
		}
		var names []string
		for name, there := range left {
			if there {
				names = append(names, name)
			}
		}
		sort.Strings(names)
		if len(names) > n {
			return Fail(note+" to be left", fmt.Sprintf("%d: %s", len(names), list(names)))
		}
		if !p.Ops[from].OK {
			return Fail(note+" to be left", "more were there to the last")
		}
		return Pass("%s left", note)
	}
}

// LeftOver wants at most n channels and n Subscriptions of a Sequence to be left at the end of a phase.
func LeftOver(mark string, n int, sequence string) Judge { return LeftOf(sequence, mark, n, n) }

// LeftOf wants at most so many channels and Subscriptions of a Sequence or Parallel to be left at the end of a phase.
func LeftOf(owner, mark string, channels, subscriptions int) Judge {
	return func(v *history.View) Finding {
		kind := ""
		for _, op := range v.Statuses(owner) {
			if k := ChannelKind(op.Object()); k != "" {
				kind = k
			}
		}
		if kind == "" {
			return Unclear("the kind of %s's channels was not seen", owner)
		}
		return All(Dwindled(mark, channels, kind), Dwindled(mark, subscriptions, "Subscription"))(v)
	}
}

// Gone wants an object that was there not to be there any more.
func Gone(object string) Judge {
	return func(v *history.View) Finding {
		ops := v.Statuses(object)
		if len(ops) < 2 || ops[0].Gone {
			return Unclear("%s was not seen before and after", object)
		}
		if !ops[len(ops)-1].Gone {
			return Fail(object+" to be gone", "it is still there")
		}
		return Pass("%s is gone", object)
	}
}

// SameAddress wants an object's address to stay what it was, over at least two generations for which it was Ready.
func SameAddress(object string) Judge {
	return func(v *history.View) Finding {
		first, generations := "", map[int64]bool{}
		for _, op := range v.Statuses(object) {
			o := op.Object()
			if o == nil || !o.Ready() {
				continue
			}
			url := o.URL()
			if url == "" {
				return Fail("an address of "+object, "Ready without one")
			}
			if first == "" {
				first = url
			}
			if url != first {
				return Fail("the address "+first, fmt.Sprintf("%s at generation %d", url, o.Metadata.Generation))
			}
			generations[o.Metadata.Generation] = true
		}
		if len(generations) < 2 {
			return Unclear("%s was not seen Ready before and after a change", object)
		}
		return Pass("%s through %d generations", first, len(generations))
	}
}

// LeftAlone wants an object that was there first to keep its spec and not to be controlled by an intruder.
func LeftAlone(object, intruder string) Judge {
	return func(v *history.View) Finding {
		ops := v.Statuses(object)
		if len(ops) < 2 || ops[0].Object() == nil {
			return Unclear("%s was not seen before and after", object)
		}
		first, last := ops[0].Object(), ops[len(ops)-1].Object()
		if last == nil {
			return Fail(object+" to be left alone", "it is gone")
		}
		if !reflect.DeepEqual(first.Spec, last.Spec) {
			return Fail(object+" to keep its spec", fmt.Sprintf("%v, was %v", last.Spec, first.Spec))
		}
		for _, r := range last.Metadata.OwnerReferences {
			if r.Kind+"/"+r.Name == intruder {
				return Fail(object+" to be left alone", intruder+" owns it now")
			}
		}
		return Pass("%s was left alone", object)
	}
}

// NotReady wants an object to say of its current generation that it is not Ready.
func NotReady(object string) Judge {
	return Shows(object, "Ready not True", func(o *history.Object) bool {
		return o.Status.ObservedGeneration == o.Metadata.Generation && o.Condition("Ready").Status != "" && o.Condition("Ready").Status != "True"
	})
}

// Ended wants an address to have accepted events before a phase and to refuse them at the end of it.
func Ended(mark, address string) Judge {
	return func(v *history.View) Finding {
		before := slices.ContainsFunc(v.Posts(address), func(x history.Exchange) bool { return x.Accepted() })
		posts := v.Phase(mark).Posts(address)
		if len(posts) == 0 || !before {
			return Unclear("nothing was sent to %s before and after", address)
		}
		last := posts[len(posts)-1]
		if last.Answer == nil {
			return Unclear("the last request to %s was not seen to end", address)
		}
		if last.Accepted() {
			return Fail("no 2xx from "+address+" any more", fmt.Sprintf("still %d to the last of %d events", last.Code(), len(posts)), last.ID())
		}
		return Pass("answer %s", outcome(last))
	}
}

// ChangedOrRefused wants the offer of a manifest in a phase to be refused, or else what it says to hold.
func ChangedOrRefused(mark, object string, effect Judge) Judge {
	return func(v *history.View) Finding {
		offers := v.Phase(mark).Offers(object)
		if len(offers) == 0 {
			return Unclear("no change of %s was offered in the phase %q", object, mark)
		}
		if o := offers[len(offers)-1]; o.Refused {
			return Pass("refused: %s", o.Note)
		}
		f := effect(v)
		if f.Expected != "" {
			f.Expected = "the change refused, or " + f.Expected
			f.Seen = "accepted, and " + f.Seen
		}
		return f
	}
}
