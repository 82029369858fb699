package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// Judges of Parallels. An event becomes several there, which are told apart by their ids: each receiver that extends what it
// gets (receiver.Extend) leaves its name in the id.

// fork is one way through a topology: its stations, one after the other.
type fork []station

type station struct {
	way     string // up to here, as it was written
	who     string
	times   int  // deliveries; the last one is answered
	refuses bool // none is: what follows is given what this station was given
}

// forks reads ways. "f>a>sink" is a branch with the filter f, the subscriber a and the reply sink; "a*3" stands for three
// deliveries, the last of which a answers, "a*3!" for three that it does not answer with an event. Where ways begin alike
// they are one way that parts later.
func forks(paths []string) []fork {
	list := make([]fork, len(paths))
	for i, p := range paths {
		for _, text := range strings.Split(p, ">") {
			s := station{way: text, times: 1}
			if k := len(list[i]); k > 0 {
				s.way = list[i][k-1].way + ">" + text
			}
			text, s.refuses = strings.CutSuffix(text, "!")
			who, n, counted := strings.Cut(text, "*")
			if s.who = who; counted {
				var err error
				if s.times, err = strconv.Atoi(n); err != nil {
					panic("check: the way " + p + ": " + err.Error())
				}
			}
			list[i] = append(list[i], s)
		}
	}
	return list
}

// calls gives what the ways make of an event: how often each receiver gets it under which id, written "a e1.f".
func calls(list []fork, id string) map[string]int {
	n, counted := map[string]int{}, map[string]bool{}
	for _, f := range list {
		given := id
		for _, s := range f {
			if !counted[s.way] {
				counted[s.way] = true
				n[s.who+" "+given] += s.times
			}
			if !s.refuses {
				given += "." + s.who
			}
		}
	}
	return n
}

// callsSeen gives what became of each event at the beginning of a lineage, as calls does.
func callsSeen(v *history.View) map[string]map[string]int {
	out := map[string]map[string]int{}
	for _, x := range v.Arrivals() {
		root := history.Root(x.ID())
		if out[root] == nil {
			out[root] = map[string]int{}
		}
		out[root][x.Ask.Who+" "+name(x.ID())]++
	}
	return out
}

// apart says in words in what two maps of calls differ; empty if they do not.
func apart(want, got map[string]int) string {
	var words []string
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if got[k] != want[k] {
			words = append(words, fmt.Sprintf("%s %d times, not %d", k, got[k], want[k]))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if want[k] == 0 {
			words = append(words, fmt.Sprintf("%s %d times, not at all expected", k, got[k]))
		}
	}
	return list(words)
}

// Forks wants each accepted event to go all of these ways, and nowhere else: each receiver is called as often as it says,
// with the event that the one before it answered (pkg/reconciler/parallel). See forks for the notation.
func Forks(paths ...string) Judge {
	ways := forks(paths)
	return func(v *history.View) Finding {
		ids, none := taken(v)
		if none != nil {
			return *none
		}
		sure, _ := accepted(v)
		seen := callsSeen(v)
		n := 0
		for _, id := range ids {
			want, got := calls(ways, id), seen[history.Root(id)]
			d := apart(want, got)
			switch {
			case d == "":
				n++
			case slices.Contains(sure, id) || beyond(want, got):
				return Fail(id+" to go "+strings.Join(paths, " and "), d, id)
			}
		}
		if n == 0 {
			return Unclear("no event that was taken for sure went %s", strings.Join(paths, " and "))
		}
		return Pass("%d went %s", n, strings.Join(paths, " and "))
	}
}

// beyond tells whether there were more calls than wanted.
func beyond(want, got map[string]int) bool {
	for k, n := range got {
		if n > want[k] {
			return true
		}
	}
	return false
}

// OneListOrOther wants each accepted event to go all the ways of one list of branches, and none that is only in another:
// nothing is lost by a change of the list, and no event goes partly by one list and partly by the next. Deliveries may be
// doubled. Each list must be seen: one that was waited for in vain never came into force.
func OneListOrOther(lists ...[]string) Judge {
	return func(v *history.View) Finding {
		ids, none := accepted(v)
		if none != nil {
			return *none
		}
		seen := callsSeen(v)
		went := make([]int, len(lists))
		for _, id := range ids {
			got := seen[history.Root(id)]
			at := slices.IndexFunc(lists, func(l []string) bool { return sameKeys(calls(forks(l), id), got) })
			if at < 0 {
				return Fail(id+" to go by one of the lists of branches "+writeLists(lists), "it went "+orNowhere(slices.Sorted(maps.Keys(got))), id)
			}
			went[at]++
		}
		for i, n := range went {
			if n == 0 && slices.ContainsFunc(v.Waits(), func(o *history.Op) bool { return !o.OK }) {
				return Fail("the list of branches "+writeLists(lists[i:i+1])+" to come into force", "no event went by it, though that was waited for")
			}
			if n == 0 {
				return Unclear("no event went by the list of branches %s", writeLists(lists[i:i+1]))
			}
		}
		return Pass("%d went by one list each: %v by %s", len(ids), went, writeLists(lists))
	}
}

func sameKeys(a, b map[string]int) bool {
	return maps.EqualFunc(a, b, func(int, int) bool { return true })
}

func writeLists(lists [][]string) string {
	words := make([]string, len(lists))
	for i, l := range lists {
		words[i] = "[" + strings.Join(l, ", ") + "]"
	}
	return strings.Join(words, " or ")
}

// Besides wants what the first judge wants and, of a target that claims a feature, what the second one does.
func Besides(feature string, always, claimed Judge) Judge {
	both := All(always, claimed)
	return func(v *history.View) Finding {
		if v.Claims[feature] {
			return both(v)
		}
		return always(v)
	}
}

// ClosedByFailure wants no event at the subscriber of a branch whose filter failed on it, whatever the sender was told.
func ClosedByFailure(filter, subscriber string) Judge {
	return func(v *history.View) Finding {
		posts := v.Posts()
		for _, p := range posts {
			root := history.Root(p.ID())
			called := v.Lineage(filter, root)
			if len(called) == 0 || slices.ContainsFunc(called, history.Exchange.Accepted) {
				return Unclear("%s did not fail on %s", filter, p.ID())
			}
			if got := v.Lineage(subscriber, root); len(got) > 0 {
				return Fail("nothing at "+subscriber+" of what "+filter+" failed on", got[0].ID()+" came, after answer "+outcome(called[0]), p.ID())
			}
		}
		if len(posts) == 0 {
			return Unclear("nothing was sent")
		}
		return Pass("%d events failed at %s, none came to %s", len(posts), filter, subscriber)
	}
}

// FilterOptions asks whether a branch's delivery options, which have retries and a dead-letter sink, are for its filter too.
func FilterOptions(filter, sink string) Question {
	const yes, no = "yes", "no, a filter is tried once and its failure is dropped (Knative's own code)"
	return Question{"Do the delivery options of a branch govern the call of its filter?", []string{yes, no}, func(v *history.View) Observed {
		n := 0
		for _, p := range v.Posts() {
			calls := v.Attempts(filter, p.ID())
			if len(calls) == 0 || calls[0].Accepted() {
				continue
			}
			n++
			if letters := v.Attempts(sink, p.ID()); len(calls) > 1 || len(letters) > 0 {
				return observed(yes, "%s of %s at %s, %s at %s", times(len(calls)), p.ID(), filter, times(len(letters)), sink)
			}
		}
		if n == 0 {
			return unseen("%s did not fail", filter)
		}
		return observed(no, "%d events failed at %s, once each, and did not come to %s", n, filter, sink)
	}}
}

// NothingToSender wants every answer to a sender to be without an event and without any of the words, which receivers
// used in theirs. The code is another judge's matter.
func NothingToSender(words ...string) Judge {
	return func(v *history.View) Finding {
		posts := v.Posts()
		if len(posts) == 0 {
			return Unclear("nothing was sent")
		}
		for _, x := range posts {
			if x.Answer == nil || x.Answer.Error != "" {
				return Unclear("the answer to %s was not seen", name(x.ID()))
			}
			if e := x.Answer.Event; e != nil {
				return Fail("an answer to the sender without an event", "it holds "+name(e.ID()), x.ID())
			}
			for _, w := range words {
				if bytes.Contains(x.Answer.Body, []byte(w)) {
					return Fail("nothing of what receivers answer in the sender's answer", fmt.Sprintf("the body %.60q", x.Answer.Body), x.ID())
				}
			}
		}
		return Pass("%d answers, nothing of the receivers' in them", len(posts))
	}
}

// parallelStatus is what is particular to the status of a Parallel (pkg/apis/flows/v1/parallel_types.go).
type parallelStatus struct {
	Status struct {
		IngressChannelStatus *childStatus   `json:"ingressChannelStatus"`
		BranchStatuses       []branchStatus `json:"branchStatuses"`
	} `json:"status"`
}

type branchStatus struct {
	Filter     *childStatus `json:"filterSubscriptionStatus"`
	Channel    *childStatus `json:"filterChannelStatus"`
	Subscriber *childStatus `json:"subscriberSubscriptionStatus"`
}

// childStatus is the state of a channel or a Subscription in its owner's status.
type childStatus struct {
	Channel      childRef          `json:"channel"`
	Subscription childRef          `json:"subscription"`
	Ready        history.Condition `json:"ready"`
}

type childRef struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

func (r childRef) String() string { return r.Kind + "/" + r.Name }

// statusOfParallel decodes the newest shown state of a Parallel; ok is false if there is none.
func statusOfParallel(v *history.View, object string) (s parallelStatus, ok bool) {
	ops := v.Statuses(object)
	if len(ops) == 0 || ops[len(ops)-1].Gone {
		return s, false
	}
	return s, json.Unmarshal(ops[len(ops)-1].Shown, &s) == nil
}

// IsIngress wants the address of a Parallel to be that of the channel that its status names as the ingress. A target that
// does not claim Knative's topology need not name one.
func IsIngress(parallel string) Judge {
	return func(v *history.View) Finding {
		o := v.LastStatus(parallel)
		s, ok := statusOfParallel(v, parallel)
		if !ok || !o.Ready() {
			return Unclear("%s was not seen Ready", parallel)
		}
		if o.URL() == "" {
			return Fail("an address of "+parallel, "it is Ready without one")
		}
		in := s.Status.IngressChannelStatus
		switch {
		case in == nil && !v.Claims["KnativeTopology"]:
			return Pass("address %s", o.URL())
		case in == nil:
			return Fail("status.ingressChannelStatus of "+parallel, "there is none")
		}
		channel := v.LastStatus(in.Channel.String())
		if channel == nil {
			return Unclear("%s, which is named as the ingress, was not looked at", in.Channel)
		}
		if channel.URL() != o.URL() {
			return Fail(fmt.Sprintf("the address of the ingress %s, %s", in.Channel, channel.URL()), o.URL())
		}
		return Pass("%s is the address of %s", o.URL(), in.Channel)
	}
}

// ShowsBranches wants the status of a Parallel of n branches to have an entry for each branch, in order, that names the
// branch's channel, the Subscription for the filter and the one for the subscriber, each with its Ready condition, and to
// name the ingress channel (pkg/apis/flows/v1/parallel_lifecycle.go). Which branch an entry is about is read off the
// Subscription that it names.
func ShowsBranches(parallel string, n int) Judge {
	return func(v *history.View) Finding {
		o := v.LastStatus(parallel)
		s, ok := statusOfParallel(v, parallel)
		if !ok || !o.Ready() {
			return Unclear("%s was not seen Ready", parallel)
		}
		if in := s.Status.IngressChannelStatus; in == nil || in.Channel.Name == "" || in.Ready.Status == "" {
			return Fail("status.ingressChannelStatus of "+parallel+" with a channel and its Ready", fmt.Sprintf("%+v", in))
		}
		if got := len(s.Status.BranchStatuses); got != n {
			return Fail(fmt.Sprintf("%d entries in status.branchStatuses", n), fmt.Sprint(got))
		}
		branches, _ := o.Spec["branches"].([]any)
		if len(branches) != n {
			return Unclear("%s has %d branches, not %d", parallel, len(branches), n)
		}
		for i, b := range s.Status.BranchStatuses {
			at := fmt.Sprintf("status.branchStatuses[%d]", i)
			for _, part := range []struct {
				name string
				*childStatus
			}{{"filterSubscriptionStatus", b.Filter}, {"filterChannelStatus", b.Channel}, {"subscriberSubscriptionStatus", b.Subscriber}} {
				if part.childStatus == nil || part.Ready.Status == "" || part.Channel.Name+part.Subscription.Name == "" {
					return Fail(at+"."+part.name+" with a name and its Ready", "it is missing or incomplete")
				}
			}
			branch, _ := branches[i].(map[string]any)
			filter, subscriber := v.LastStatus("Subscription/"+b.Filter.Subscription.Name), v.LastStatus("Subscription/"+b.Subscriber.Subscription.Name)
			if filter == nil || subscriber == nil {
				return Unclear("the Subscriptions that %s names were not looked at", at)
			}
			if inside(branch, "subscriber")["uri"] != inside(subscriber.Spec, "subscriber")["uri"] {
				return Fail(at+" to be about branch "+strconv.Itoa(i), fmt.Sprintf("%s has the subscriber %v", b.Subscriber.Subscription, inside(subscriber.Spec, "subscriber")))
			}
			if want, given := inside(branch, "filter")["uri"]; given && want != inside(filter.Spec, "subscriber")["uri"] {
				return Fail(at+" to be about branch "+strconv.Itoa(i), fmt.Sprintf("%s has the filter %v", b.Filter.Subscription, inside(filter.Spec, "subscriber")))
			}
			if inside(subscriber.Spec, "channel")["name"] != b.Channel.Channel.Name {
				return Fail(at+" to name the channel of branch "+strconv.Itoa(i), b.Channel.Channel.String())
			}
		}
		return Pass("%d entries, in order, and the ingress", n)
	}
}

// NamesBranches wants a Parallel of n branches to consist of exactly these objects: the channels <parallel>-kn-parallel and
// …-<i>, and the Subscriptions …-filter-<i> and …-<i> (pkg/reconciler/parallel/resources). Long names are shortened as
// NamesChildren says.
func NamesBranches(parallel string, n int) Judge {
	channels, subscriptions := []string{"-kn-parallel"}, []string{}
	for i := range n {
		channels = append(channels, fmt.Sprintf("-kn-parallel-%d", i))
		subscriptions = append(subscriptions, fmt.Sprintf("-kn-parallel-%d", i), fmt.Sprintf("-kn-parallel-filter-%d", i))
	}
	return func(v *history.View) Finding {
		o := v.LastStatus(parallel)
		if o == nil {
			return Unclear("%s was not seen", parallel)
		}
		for _, part := range []struct {
			kind     string
			suffixes []string
		}{{ChannelKind(o), channels}, {"Subscription", subscriptions}} {
			if f := namedBy(v, part.kind, o, part.suffixes); f != nil {
				return *f
			}
			if got := children(v, part.kind, o); len(got) != len(part.suffixes) {
				return Fail(fmt.Sprintf("%d of kind %s controlled by %s", len(part.suffixes), part.kind, parallel), fmt.Sprintf("%d: %s", len(got), list(got)))
			}
		}
		return Pass("names as expected")
	}
}

// ReadyAsItsParts wants a Parallel that shows Ready to have an address and all of its channels and Subscriptions Ready, as
// its status and they themselves say (pkg/apis/flows/v1/parallel_lifecycle.go).
func ReadyAsItsParts(parallel string) Judge {
	return func(v *history.View) Finding {
		o := v.LastStatus(parallel)
		if !o.Ready() {
			return Unclear("%s was not seen Ready", parallel)
		}
		if o.URL() == "" {
			return Fail("an address of "+parallel, "it is Ready without one")
		}
		n := 0
		for _, kind := range []string{ChannelKind(o), "Subscription"} {
			for _, child := range children(v, kind, o) {
				if part := v.LastStatus(kind + "/" + child); !part.Ready() {
					return Fail(kind+"/"+child+" Ready as "+parallel+" is", describe(part))
				}
				n++
			}
		}
		return Pass("%s is Ready, and %d parts that were seen of it", parallel, n)
	}
}
