package suites

import (
	"fmt"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// form is a manifest of Parallel p and the ways of an event under it.
type form struct {
	name, manifest string
	ways           []string
}

// judge wants every event that was sent while the form was in force to go its ways.
func (f form) judge() check.Judge { return check.Of(f.name, check.Forks(f.ways...)) }

// change applies one form after the other. What is sent while the Parallel is Ready for a form is in a phase of the form's
// name, and has gone its ways before the next one is applied. look, if not nil, is called at the beginning of each phase.
// Barriers must come to via under the last form.
func change(s *drive.Stage, forms []form, look func(form), via ...string) {
	for _, f := range forms {
		s.Apply(f.manifest)
		s.Ready("Parallel/p")
		effect := inForce(s, "Parallel/p", f.name, check.Forks(f.ways...))
		s.Mark(f.name)
		if look != nil && effect {
			look(f)
		}
		s.Send("Parallel/p", s.Events(3)...)
		if !s.Until("every event of "+f.name+" at its ends", passes(f.judge())) {
			break // a change that has no effect is evidence enough
		}
	}
	s.Quiet("Parallel/p", via...)
}

// passes tells whether a judge is content with the history so far.
func passes(j check.Judge) func(*history.View) bool {
	return func(v *history.View) bool { return j(v).Verdict == verdict.Passed }
}

// judges wants every form to be in force while it is.
func judges(forms []form) check.Judge { return check.Each(forms, form.judge) }

var addedBranches = []form{
	{"one branch", parallelOf("p", "$sink", "$a"), []string{"a>sink"}},
	{"one appended", parallelOf("p", "$sink", "$a", branch("$f", "$b", "reply: {uri: $own}")), []string{"a>sink", "f>b>own"}},
	{"two in front", parallelOf("p", "$sink", "$c", branch("$g", "$d", "reply: {uri: $new}"), "$a", branch("$f", "$b", "reply: {uri: $own}")),
		[]string{"c>sink", "g>d>new", "a>sink", "f>b>own"}},
}

var changedBranches = []form{
	{"as it was", parallelOf("p", "$sink", branch("$f", "$a", ""), "$keep"), []string{"f>a>sink", "keep>sink"}},
	{"another subscriber", parallelOf("p", "$sink", branch("$f", "$b", ""), "$keep"), []string{"f>b>sink", "keep>sink"}},
	{"another filter", parallelOf("p", "$sink", branch("$g", "$b", ""), "$keep"), []string{"g>b>sink", "keep>sink"}},
	{"a dead-letter sink", parallelOf("p", "$sink", branch("$g", "$bad", sinkOf("$dls", "")), "$keep"), []string{"g>bad!>dls", "keep>sink"}},
	{"a retry", parallelOf("p", "$sink", branch("$g", "$bad", sinkOf("$dls", retryQuickly(1))), "$keep"), []string{"g>bad*2!>dls", "keep>sink"}},
	{"a reply", parallelOf("p", "$sink", branch("$g", "$b", "reply: {uri: $own}"), "$keep"), []string{"g>b>own", "keep>sink"}},
	{"another reply", parallelOf("p", "$sink", branch("$g", "$b", "reply: {uri: $new}"), "$keep"), []string{"g>b>new", "keep>sink"}},
	{"no reply", parallelOf("p", "$sink", branch("$g", "$b", ""), "$keep"), []string{"g>b>sink", "keep>sink"}},
}

var changedFilters = []form{
	{"no filter", parallelOf("p", "$sink", "$a", "$keep"), []string{"a>sink", "keep>sink"}},
	{"a filter", parallelOf("p", "$sink", branch("$f", "$a", ""), "$keep"), []string{"f>a>sink", "keep>sink"}},
	{"a closing filter", parallelOf("p", "$sink", branch("$closed", "$a", ""), "$keep"), []string{"closed", "keep>sink"}},
	{"no filter again", parallelOf("p", "$sink", "$a", "$keep"), []string{"a>sink", "keep>sink"}},
}

var removedBranches = []form{
	{"three branches", parallelOf("p", "", branch("$f", "$a", ""), branch("$g", "$b", ""), "$c"), []string{"f>a", "g>b", "c"}},
	{"first removed", parallelOf("p", "", branch("$g", "$b", ""), "$c"), []string{"g>b", "c"}},
	{"last removed", parallelOf("p", "", branch("$g", "$b", "")), []string{"g>b"}},
}

// parallelUpdates is the chapter on Parallels as objects: what they are made of and show, their updates under traffic, and
// what admission refuses.
var parallelUpdates = []Scenario{
	{
		Name: "parallel/address",
		Drive: func(s *drive.Stage) {
			s.Apply(parallelOf("p", "", "$a", branch("$f", "$b", "")))
			s.Ready("Parallel/p")
			s.Send("Parallel/p", s.NewEvent()) // at once
			s.List(channelKind(s, "Parallel/p"))
			s.Expect("a", 1)
			s.Expect("f", 1)
			s.Quiet("Parallel/p", "a", "b")
		},
		Verify: []Verification{
			verify("PAR-015", check.All(check.ReadyWithURL("Parallel/p"), check.IsIngress("Parallel/p"), check.Forks("a", "f"))),
		},
	},
	{
		Name:  "parallel/what-it-is-made-of",
		Slow:  true,
		Needs: []string{"KnativeTopology", "Parallel"},
		Drive: func(s *drive.Stage) {
			look := func(names ...string) {
				for _, name := range names {
					s.Ready("Parallel/" + name)
				}
				s.List(channelKind(s, "Parallel/p"))
				s.List("Subscription")
			}
			branches := []string{branch("$f", "$a", ""), "$b", branch("$g", "$c", "")}
			for _, name := range []string{"p", longA, longB} {
				s.Apply(parallelOf(name, "", branches...))
			}
			s.Mark("made")
			look("p", longA, longB)
			s.Mark("changing")
			s.Apply(parallelOf("p", "", branches[1:]...))
			s.Ready("Parallel/p")
			s.AtMost(3, channelKind(s, "Parallel/p"), "Parallel/p")
			s.AtMost(4, "Subscription", "Parallel/p")
			s.Mark("first removed")
			look("p")
		},
		Verify: []Verification{
			verify("PAR-022", check.All(
				check.In("made", check.All(check.NamesBranches("Parallel/p", 3), check.NamesBranches("Parallel/"+longA, 3), check.NamesBranches("Parallel/"+longB, 3))),
				check.In("first removed", check.NamesBranches("Parallel/p", 2)),
			)),
			verify("STA-012", check.All(check.In("made", check.ShowsBranches("Parallel/p", 3)), check.In("first removed", check.ShowsBranches("Parallel/p", 2)))),
		},
	},
	{
		Name: "parallel/missing-destinations",
		Drive: func(s *drive.Stage) {
			const absent = "ref: {apiVersion: v1, kind: Service, name: absent}"
			s.Apply(parallelOf("whole", "", "$a", "$b"))
			s.Ready("Parallel/whole")
			s.Mark("missing")
			s.Apply(parallelOf("subscriber", "", "$a", "$b", branch("$f", absent, "")))
			s.Apply(parallelOf("filter", "", "$a", branch(absent, "$b", "")))
			s.Apply(parallelOf("reply", "", "$a", branch("$f", "$b", "reply: {"+absent+"}")))
			s.Apply(parallelOf("shared", absent, branch("$f", "$b", "reply: {uri: $own}"), "$a"))
			for _, object := range danglingParallels {
				s.Await(object, "to say whether it is Ready", func(o *history.Object) bool {
					return o != nil && o.Status.ObservedGeneration == o.Metadata.Generation && o.Condition("Ready").Status != ""
				})
			}
			s.Quiet("")
			for _, object := range danglingParallels {
				s.Look(object)
			}
			s.Mark("there")
			s.Service("Service", "absent")
			s.Ready(danglingParallels...)
			s.Look("Parallel/whole")
			s.List(channelKind(s, "Parallel/whole"))
			s.List("Subscription")
		},
		Verify: []Verification{
			verify("STA-013", check.All(
				check.In("missing", check.Each(danglingParallels, check.NotReadyYet)),
				check.In("there", check.Each(append([]string{"Parallel/whole"}, danglingParallels...), check.ReadyAsItsParts)),
			)),
		},
	},
	{
		Name: "parallel/add-branches",
		Slow: true,
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b", "c", "d", "f", "g")
			change(s, addedBranches, nil, "sink", "new", "own")
		},
		Verify: []Verification{
			verify("PAR-018", judges(addedBranches)),
		},
	},
	{
		Name: "parallel/change-a-branch",
		Slow: true,
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b", "f", "g", "keep")
			s.Receiver("bad", receiver.Status(503))
			change(s, changedBranches, nil, "sink")
		},
		Verify: []Verification{
			verify("PAR-019", check.All(check.Taken("Parallel/p"), judges(changedBranches))),
		},
	},
	{
		Name: "parallel/change-filters",
		Slow: true,
		Drive: func(s *drive.Stage) {
			extend(s, "a", "f", "keep")
			s.Receiver("closed", receiver.Status(204))
			change(s, changedFilters, nil, "sink")
		},
		Verify: []Verification{
			verify("PAR-020", judges(changedFilters)),
		},
	},
	{
		Name: "parallel/remove-branches",
		Slow: true,
		Drive: func(s *drive.Stage) {
			extend(s, "f", "g")
			change(s, removedBranches, func(f form) {
				s.AtMost(1+len(f.ways), channelKind(s, "Parallel/p"), "Parallel/p")
				s.AtMost(2*len(f.ways), "Subscription", "Parallel/p")
			}, "b")
		},
		Verify: []Verification{
			verify("PAR-021", check.All(judges(removedBranches), check.LeftOf("Parallel/p", "first removed", 3, 4), check.LeftOf("Parallel/p", "last removed", 2, 2))),
		},
	},
	{
		Name: "parallel/branches-change-under-traffic",
		Slow: true,
		Drive: func(s *drive.Stage) {
			for _, name := range []string{"f", "g", "a", "b"} {
				s.Receiver(name, receiver.Delayed(5*time.Millisecond, receiver.Extend(name)))
			}
			extend(s, "c")
			few, many := parallelOf("p", "$sink", branch("$f", "$a", "")), parallelOf("p", "$sink", branch("$g", "$b", ""), branch("$f", "$a", ""), "$c")
			s.Apply(few)
			s.Ready("Parallel/p")
			s.Meanwhile("Parallel/p", 2*time.Millisecond, func() {
				s.Often(2, 6, func(i int) bool {
					s.Apply([]string{many, few}[i%2])
					s.Ready("Parallel/p")
					came := []string{"c", "a"}[i%2] // the last event before it was in force may still be under way by the other list
					return s.ExpectMore(came, s.Count(came), 3) && s.ExpectMore("sink", s.Count("sink"), 8)
				})
			})
			s.Until("every event at its ends", passes(oneOfTwoLists))
			s.Quiet("Parallel/p", "sink")
		},
		Verify: []Verification{
			verify("PAR-026", oneOfTwoLists),
		},
	},
	{
		Name: "parallel/branches-change-in-flight",
		Slow: true,
		Drive: func(s *drive.Stage) {
			const n = 6
			held, open := gate()
			defer open()
			s.Receiver("f", receiver.Held(held, receiver.Extend("f")))
			s.Receiver("g", receiver.Held(held, receiver.Extend("g")))
			extend(s, "a", "b", "c")
			s.Apply(parallelOf("p", "$old", branch("$f", "$a", ""), branch("$g", "$b", "")))
			s.Ready("Parallel/p")
			s.While("Parallel/p", n, s.Events(n), func() {
				// A target need not make several requests at a time to one filter.
				s.Until("the filters have some", func(v *history.View) bool {
					return len(v.Arrivals("f")) > 0 && len(v.Arrivals("g")) > 0
				})
				s.Quiet("")
				s.Apply(parallelOf("p", "$new", branch("$g", "$c", "")))
				s.Ready("Parallel/p")
				open()
			})
			inForce(s, "Parallel/p", "the new list", check.Forks("g>c>new"))
			s.Send("Parallel/p", s.Events(2)...)
			s.Until("every event at its ends", passes(beforeOrAfter))
			s.Quiet("Parallel/p", "new")
		},
		Verify: []Verification{
			verify("PAR-026", beforeOrAfter),
		},
	},
	{
		Name: "parallel/refused-manifests",
		Drive: func(s *drive.Stage) {
			s.Try(parallelOf("good", "$sink", "$a", branch("ref: {apiVersion: v1, kind: Service, name: f}, uri: /path", "ref: {apiVersion: v1, kind: Service, name: a}", "reply: {uri: $r}")))
			s.Try("apiVersion: flows.knative.dev/v1\nkind: Parallel\nmetadata: {name: empty}\nspec: {branches: []}\n")
			s.Try("apiVersion: flows.knative.dev/v1\nkind: Parallel\nmetadata: {name: missing}\nspec: {reply: {uri: $sink}}\n")
			s.Try(parallelOf("unsubscribed", "", "$a", "filter: {uri: $f}"))
			for i, bad := range badDestinations {
				s.Try(parallelOf(fmt.Sprintf("filter-%d", i), "", "$a", "filter: {"+bad+"}, subscriber: {uri: $b}"))
				s.Try(parallelOf(fmt.Sprintf("subscriber-%d", i), "", "$a", "subscriber: {"+bad+"}"))
				s.Try(parallelOf(fmt.Sprintf("reply-%d", i), "", "$a", "subscriber: {uri: $b}, reply: {"+bad+"}"))
				s.Try(replying(parallelOf(fmt.Sprintf("shared-%d", i), "", "$a"), bad))
			}
		},
		Verify: []Verification{
			verify("PAR-016", check.All(check.Taken("Parallel/good"), check.Refused("Parallel/empty", "branches"), check.Refused("Parallel/missing", "branches"),
				check.Refused("Parallel/unsubscribed", "subscriber"),
				refusedParallels("filter", "filter"), refusedParallels("subscriber", "subscriber"), refusedParallels("reply", "reply"), refusedParallels("shared", "reply"))),
		},
	},
	{
		Name: "parallel/refused-delivery",
		Drive: func(s *drive.Stage) {
			s.Try(parallelOf("good", "", "$a", branch("$f", "$b", "delivery: {retry: 0, backoffPolicy: exponential, backoffDelay: PT1S}")))
			for i, bad := range badDelivery {
				s.Try(parallelOf(fmt.Sprintf("bad-%d", i), "", "$a", branch("$f", "$b", "delivery: {"+bad+"}")))
			}
		},
		Verify: []Verification{
			verify("PAR-017", check.All(check.Taken("Parallel/good"), check.Each(numbered("Parallel/bad", len(badDelivery)),
				func(object string) check.Judge { return check.Refused(object) }))),
		},
	},
}

// danglingParallels have a destination that does not exist at first, each in another place.
var danglingParallels = []string{"Parallel/subscriber", "Parallel/filter", "Parallel/reply", "Parallel/shared"}

// The lists of branches between which scenarios change.
var (
	oneOfTwoLists = check.OneListOrOther([]string{"f>a>sink"}, []string{"g>b>sink", "f>a>sink", "c>sink"})
	beforeOrAfter = check.OneListOrOther([]string{"f>a>old", "g>b>old"}, []string{"g>c>new"})
)

func refusedParallels(name, word string) check.Judge {
	return check.Each(numbered("Parallel/"+name, len(badDestinations)), func(object string) check.Judge { return check.Refused(object, word) })
}
