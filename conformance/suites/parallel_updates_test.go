package suites

import (
	"fmt"
	"strconv"
	"strings"
)

var parallelUpdatesExamples = []example{
	{
		scenario: "parallel/address", requirement: "PAR-015", claims: []string{"KnativeTopology"},
		good: []string{parAddress},
		bad: []string{
			// that of a branch's channel
			strings.Replace(parAddress, "url=http://x/n/p-kn-parallel ", "url=http://x/n/p-kn-parallel-0 ", 1),
			// none
			strings.Replace(parAddress, "url=http://x/n/p-kn-parallel ", "", 1),
			// no absolute URL
			strings.ReplaceAll(parAddress, "http://x/n", "/n"),
			// Ready, and not there
			strings.Replace(parAddress, "-> 202", "-> 404", 1),
			// Ready, and nobody behind it (#1224)
			strings.Replace(parAddress, "6ms recv f e1 -> 202", "", 1),
			// the status does not say which channel
			strings.Replace(parAddress, "status.ingress", "status.other", 1)},
	},
	{
		// without the topology of Knative the address alone is seen
		scenario: "parallel/address", requirement: "PAR-015",
		good: []string{
			`1ms status Parallel/p Ready=True url=http://x/p
			4ms send Parallel/p e1 -> 202
			5ms recv a e1
			6ms recv f e1 -> 202`},
		bad: []string{
			`1ms status Parallel/p Ready=True
			4ms send Parallel/p e1 -> 202
			5ms recv a e1
			6ms recv f e1 -> 202`},
	},
	{
		scenario: "parallel/what-it-is-made-of", requirement: "PAR-022",
		good: []string{parMade(nil)},
		bad: []string{
			// counted from 1
			strings.ReplaceAll(parMade(nil), "Subscription/p-kn-parallel-0 ", "Subscription/p-kn-parallel-3 "),
			// no filter Subscription where there is no filter
			strings.Replace(parMade(nil), "Subscription/p-kn-parallel-filter-1 ", "Subscription/other ", 1),
			// the ingress under another name
			strings.ReplaceAll(parMade(nil), "InMemoryChannel/p-kn-parallel ", "InMemoryChannel/p-kn-ingress "),
			// one that nobody asked for
			parMade(nil) + "\n30ms status InMemoryChannel/p-kn-parallel-2 owner=Parallel/p",
			// two long names collide
			strings.ReplaceAll(parMade(nil), "bbb-kn", "aaa-kn")},
	},
	{
		scenario: "parallel/what-it-is-made-of", requirement: "STA-012",
		good: []string{parMade(nil)},
		bad: []string{
			// the entries in another order (#6353)
			parMade([]int{1, 0, 2}),
			// one is missing
			parMade([]int{0, 1}),
			// stale entries after a branch was removed
			strings.Replace(parMade(nil), "30ms status Parallel/p", "29ms status Parallel/q", 1) +
				"\n30ms " + parStatus(parNow, []int{0, 1, 1}),
			// no ingress
			strings.ReplaceAll(parMade(nil), "status.ingressChannelStatus", "status.other"),
			// no Ready in them
			strings.ReplaceAll(parMade(nil), `\"type\":\"Ready\",\"status\":\"True\"`, ""),
			// the filter's Subscription under the wrong name
			strings.ReplaceAll(parMade(nil), `\"filterSubscriptionStatus\":{\"subscription\":{\"kind\":\"Subscription\",\"name\":\"p-kn-parallel-filter-0\"`,
				`\"filterSubscriptionStatus\":{\"subscription\":{\"kind\":\"Subscription\",\"name\":\"p-kn-parallel-filter-1\"`),
			// the channel of another branch
			strings.ReplaceAll(parMade(nil), `\"filterChannelStatus\":{\"channel\":{\"kind\":\"InMemoryChannel\",\"name\":\"p-kn-parallel-0\"`,
				`\"filterChannelStatus\":{\"channel\":{\"kind\":\"InMemoryChannel\",\"name\":\"p-kn-parallel-1\"`)},
	},
	{
		scenario: "parallel/missing-destinations", requirement: "STA-013",
		good: []string{parMissing},
		bad: []string{
			// the first branch alone is looked at
			strings.Replace(parMissing, "2ms status Parallel/subscriber Ready=False:SubscriptionsNotReady", "2ms status Parallel/subscriber Ready=True url=http://x/", 1),
			// filters are not looked at
			strings.Replace(parMissing, "2ms status Parallel/filter Ready=Unknown", "2ms status Parallel/filter Ready=True url=http://x/", 1),
			// the reply is not looked at
			strings.Replace(parMissing, "2ms status Parallel/shared Ready=False:SubscriptionsNotReady", "2ms status Parallel/shared Ready=True url=http://x/", 1),
			// Ready without an address
			strings.Replace(parMissing, "11ms status Parallel/whole Ready=True url=http://x/", "11ms status Parallel/whole Ready=True", 1),
			// Ready though a Subscription is not
			strings.Replace(parMissing, "status Subscription/reply-kn-parallel-1 Ready=True", "status Subscription/reply-kn-parallel-1 Ready=False:NotYet", 1)},
	},
	{
		scenario: "parallel/add-branches", requirement: "PAR-018",
		good: []string{parForms(addedBranches, nil)},
		bad: []string{
			// the update has no effect (#2002)
			parForms(addedBranches, map[int]int{1: 0}),
			parForms(addedBranches, map[int]int{2: 1}),
			// a branch in front takes the place of another
			strings.Replace(parForms(addedBranches, nil), "recv a e3 -> 200 e3.a", "recv c e3 -> 200 e3.c", 1),
			// the controller panics on the new branch (#3686)
			strings.ReplaceAll(parForms(addedBranches, nil), "recv f e2", "recv nobody e2"),
			// the new branch gets what another's filter answered
			strings.Replace(parForms(addedBranches, nil), "recv d e3.g", "recv d e3.f", 1)},
	},
	{
		scenario: "parallel/change-a-branch", requirement: "PAR-019",
		good: []string{parForms(changedBranches, nil)},
		bad: []string{
			// each change without an effect (#2002)
			parForms(changedBranches, map[int]int{1: 0}), parForms(changedBranches, map[int]int{2: 1}), parForms(changedBranches, map[int]int{4: 3}),
			parForms(changedBranches, map[int]int{5: 7}), parForms(changedBranches, map[int]int{6: 5}), parForms(changedBranches, map[int]int{7: 6}),
			// refused for want of a resourceVersion
			"1ms apply Parallel/p -> refused \"metadata.resourceVersion: must be specified for an update\"\n" + parForms(changedBranches, nil)},
	},
	{
		scenario: "parallel/change-filters", requirement: "PAR-020",
		good: []string{parForms(changedFilters, nil)},
		bad: []string{
			// the added filter is not asked
			parForms(changedFilters, map[int]int{1: 0}),
			// the removed one still is
			parForms(changedFilters, map[int]int{3: 1}),
			// … or still decides
			parForms(changedFilters, map[int]int{3: 2}),
			// both ways
			parForms(changedFilters, nil) + "\n99ms recv a e2 -> 200 e2.a"},
	},
	{
		scenario: "parallel/remove-branches", requirement: "PAR-021",
		good: []string{parRemoved(4)},
		bad: []string{
			// the removed branch still runs
			parRemoved(4) + "\n99ms recv f e2 -> 200 e2.f\n99ms recv a e2.f",
			// the neighbour takes its place and loses its own
			strings.Replace(parRemoved(4), "recv b e2.g", "recv a e2.g", 1),
			strings.Replace(parRemoved(4), "recv c e2", "recv nobody e2", 1),
			// a Subscription leaks
			parRemoved(5)},
	},
	{
		scenario: "parallel/branches-change-under-traffic", requirement: "PAR-026",
		good: []string{
			parTwoLists,
			// doubled, and one that was refused
			parTwoLists + "\n20ms recv sink e2.c\n21ms send Parallel/p e3 -> 503"},
		bad: []string{
			// lost on one branch
			parTwoLists + `
			20ms send Parallel/p e3 -> 202
			21ms recv g e3 -> 200 e3.g
			22ms recv b e3.g -> 200 e3.g.b
			23ms recv sink e3.g.b
			24ms recv f e3 -> 200 e3.f
			25ms recv c e3 -> 200 e3.c
			26ms recv sink e3.c`,
			// from the filter of one branch to the subscriber of another
			parTwoLists + `
			20ms send Parallel/p e3 -> 202
			21ms recv f e3 -> 200 e3.f
			22ms recv b e3.f -> 200 e3.f.b
			23ms recv sink e3.f.b`,
			// a change that never comes into force
			`1ms send Parallel/p e1 -> 202
			2ms recv f e1 -> 200 e1.f
			3ms recv a e1.f -> 200 e1.f.a
			4ms recv sink e1.f.a
			5ms settle "3 more at c" -> timeout`,
			// accepted while no Subscription is there (#7939)
			parTwoLists + "\n20ms send Parallel/p e3 -> 202"},
	},
	{
		scenario: "parallel/branches-change-in-flight", requirement: "PAR-026",
		good: []string{parInFlight("e1.f", "b e1.g -> 200 e1.g.b", "old e1.g.b")},
		bad: []string{
			// what the old filter let pass goes to the new subscriber
			parInFlight("e1.f", "c e1.g -> 200 e1.g.c", "new e1.g.c"),
			// … or to the new reply
			parInFlight("e1.f", "b e1.g -> 200 e1.g.b", "new e1.g.b"),
			// what waits for a removed branch is dropped
			strings.Replace(parInFlight("e1.f", "b e1.g -> 200 e1.g.b", "old e1.g.b"), "recv a e1.f -> 200 e1.f.a", "mark x", 1)},
	},
	{
		scenario: "parallel/refused-manifests", requirement: "PAR-016",
		good: []string{parRefusals("")},
		bad: []string{
			parRefusals("empty"), parRefusals("missing"), parRefusals("unsubscribed"),
			parRefusals("filter-0"), parRefusals("subscriber-1"), parRefusals("reply-2"), parRefusals("shared-3"),
			strings.Replace(parRefusals(""), "apply Parallel/good", "apply Parallel/good -> refused \"no such kind\"", 1)},
	},
	{
		scenario: "parallel/refused-delivery", requirement: "PAR-017",
		good: []string{parBadOptions(-1)},
		bad: []string{
			// delivery is not looked at
			parBadOptions(0), parBadOptions(2), parBadOptions(5)},
	},
}

var parAddress = `
	1ms status Parallel/p Ready=True url=http://x/n/p-kn-parallel ` + quoted(`status.ingressChannelStatus={"channel":{"kind":"InMemoryChannel","name":"p-kn-parallel"},"ready":{"type":"Ready","status":"True"}}`) + `
	2ms status InMemoryChannel/p-kn-parallel Ready=True url=http://x/n/p-kn-parallel owner=Parallel/p
	3ms status InMemoryChannel/p-kn-parallel-0 Ready=True url=http://x/n/p-kn-parallel-0 owner=Parallel/p
	4ms send Parallel/p e1 -> 202
	5ms recv a e1
	6ms recv f e1 -> 202`

// quoted writes a word of a history that holds blanks or quotes.
func quoted(word string) string { return strconv.Quote(word) }

// Subscribers and filters of the branches before and after the first one is removed; there is a branch without a filter.
var (
	parThen = [][2]string{{"http://a", "http://f"}, {"http://b", ""}, {"http://c", "http://g"}}
	parNow  = parThen[1:]
)

// parStatus shows Parallel p with branches, and with entries in its status that are about these of them, in order.
func parStatus(branches [][2]string, entries []int) string {
	var spec, status []string
	for _, b := range branches {
		filter := ""
		if b[1] != "" {
			filter = fmt.Sprintf(`"filter":{"uri":%q},`, b[1])
		}
		spec = append(spec, fmt.Sprintf(`{%s"subscriber":{"uri":%q}}`, filter, b[0]))
	}
	part := func(field, kind, name string) string {
		return fmt.Sprintf(`{%q:{"kind":%q,"name":%q},"ready":{"type":"Ready","status":"True"}}`, field, kind, name)
	}
	for _, i := range entries {
		own := fmt.Sprintf("p-kn-parallel-%d", i)
		status = append(status, fmt.Sprintf(`{"filterSubscriptionStatus":%s,"filterChannelStatus":%s,"subscriberSubscriptionStatus":%s}`,
			part("subscription", "Subscription", fmt.Sprintf("p-kn-parallel-filter-%d", i)), part("channel", "InMemoryChannel", own), part("subscription", "Subscription", own)))
	}
	return "status Parallel/p Ready=True url=http://x/ " + quoted(`spec.channelTemplate={"kind":"InMemoryChannel"}`) + " " +
		quoted("spec.branches=["+strings.Join(spec, ",")+"]") + " " +
		quoted("status.ingressChannelStatus="+part("channel", "InMemoryChannel", "p-kn-parallel")) + " " +
		quoted("status.branchStatuses=["+strings.Join(status, ",")+"]")
}

// parMade shows three Parallels of three branches and their children, and then the first of them without its first branch.
// entries, if not nil, are those of p's status at first.
func parMade(entries []int) string {
	if entries == nil {
		entries = []int{0, 1, 2}
	}
	var b strings.Builder
	children := func(at int, parent, child string, branches [][2]string) {
		fmt.Fprintf(&b, "%dms status InMemoryChannel/%s-kn-parallel owner=Parallel/%s\n", at, child, parent)
		for i, br := range branches {
			fmt.Fprintf(&b, "%dms status InMemoryChannel/%s-kn-parallel-%d owner=Parallel/%s\n", at, child, i, parent)
			filter := br[1]
			if filter == "" {
				filter = "http://channel"
			}
			fmt.Fprintf(&b, "%dms status Subscription/%s-kn-parallel-%d owner=Parallel/%s %s %s\n", at, child, i, parent,
				quoted(fmt.Sprintf(`spec.subscriber={"uri":%q}`, br[0])), quoted(fmt.Sprintf(`spec.channel={"name":"%s-kn-parallel-%d"}`, child, i)))
			fmt.Fprintf(&b, "%dms status Subscription/%s-kn-parallel-filter-%d owner=Parallel/%s %s\n", at, child, i, parent,
				quoted(fmt.Sprintf(`spec.subscriber={"uri":%q}`, filter)))
		}
	}
	b.WriteString("0ms mark made\n")
	for _, p := range []struct{ name, child string }{{longA, strings.Repeat("n", 35) + "aaa"}, {longB, strings.Repeat("n", 35) + "bbb"}} {
		fmt.Fprintf(&b, "1ms status Parallel/%s Ready=True %s\n", p.name, quoted(`spec.channelTemplate={"kind":"InMemoryChannel"}`))
		children(2, p.name, p.child, parThen)
	}
	fmt.Fprintf(&b, "1ms %s\n", parStatus(parThen, entries))
	children(2, "p", "p", parThen)
	b.WriteString("10ms mark changing\n20ms mark \"first removed\"\n")
	fmt.Fprintf(&b, "30ms %s\n", parStatus(parNow, []int{0, 1}))
	children(21, "p", "p", parNow)
	return b.String()
}

const parMissing = `
	1ms mark missing
	2ms status Parallel/subscriber Ready=False:SubscriptionsNotReady
	2ms status Parallel/filter Ready=Unknown
	2ms status Parallel/reply Ready=False:SubscriptionsNotReady
	2ms status Parallel/shared Ready=False:SubscriptionsNotReady
	10ms mark there
	11ms status Parallel/whole Ready=True url=http://x/
	11ms status Parallel/subscriber Ready=True url=http://x/
	11ms status Parallel/filter Ready=True url=http://x/
	11ms status Parallel/reply Ready=True url=http://x/
	11ms status Parallel/shared Ready=True url=http://x/
	12ms status Subscription/reply-kn-parallel-1 Ready=True owner=Parallel/reply`

// parForms has an event for each form that goes its ways, or for those in instead the ways of another form.
func parForms(forms []form, instead map[int]int) string {
	var b strings.Builder
	for i, f := range forms {
		ways := f.ways
		if other, ok := instead[i]; ok {
			ways = forms[other].ways
		}
		id := fmt.Sprintf("e%d", i+1)
		fmt.Fprintf(&b, "%dms apply Parallel/p\n%dms mark %q\n%dms send Parallel/p %s -> 202\n", 10*i, 10*i, f.name, 10*i+1, id)
		for _, way := range ways {
			given := id
			for k, station := range strings.Split(way, ">") {
				who, refuses := strings.CutSuffix(station, "!")
				who, n, counted := strings.Cut(who, "*")
				times := 1
				if counted {
					times, _ = strconv.Atoi(n)
				}
				for range times {
					fmt.Fprintf(&b, "%dms recv %s %s -> ", 10*i+2+k, who, given)
					if refuses {
						b.WriteString("503\n")
					} else {
						fmt.Fprintf(&b, "200 %s.%s\n", given, who)
					}
				}
				if !refuses {
					given += "." + who
				}
			}
		}
	}
	return b.String()
}

// parRemoved is the removal of branches with so many Subscriptions left over of two branches.
func parRemoved(subscriptions int) string {
	var b strings.Builder
	b.WriteString("0ms " + parStatus(parThen, []int{0, 1, 2}) + "\n" + parForms(removedBranches, nil))
	for i, n := range []int{3, 2} {
		t := 10*i + 13
		for k := range n {
			fmt.Fprintf(&b, "%dms status InMemoryChannel/c%d owner=Parallel/p\n", t, k)
		}
		fmt.Fprintf(&b, "%dms settle \"at most %d InMemoryChannel\"\n", t, n)
	}
	for k := range subscriptions {
		fmt.Fprintf(&b, "14ms status Subscription/s%d owner=Parallel/p\n", k)
	}
	b.WriteString("14ms settle \"at most 4 Subscription\"\n24ms settle \"at most 2 Subscription\"\n")
	return b.String()
}

const parTwoLists = `
	1ms send Parallel/p e1 -> 202
	2ms recv f e1 -> 200 e1.f
	3ms recv a e1.f -> 200 e1.f.a
	4ms recv sink e1.f.a
	10ms send Parallel/p e2 -> 202
	11ms recv g e2 -> 200 e2.g
	12ms recv b e2.g -> 200 e2.g.b
	13ms recv sink e2.g.b
	14ms recv f e2 -> 200 e2.f
	15ms recv a e2.f -> 200 e2.f.a
	16ms recv sink e2.f.a
	17ms recv c e2 -> 200 e2.c
	18ms recv sink e2.c`

// parInFlight is an event in both filters while the list changes: what the first filter answers, where that of the second
// goes, and the reply; and one that comes later.
func parInFlight(first, second, reply string) string {
	return fmt.Sprintf(`
	1ms send Parallel/p e1 -> 202
	2ms..9ms recv f e1 -> 200 %s
	2ms..9ms recv g e1 -> 200 e1.g
	5ms apply Parallel/p
	10ms recv a e1.f -> 200 e1.f.a
	11ms recv old e1.f.a
	12ms recv %s
	13ms recv %s
	20ms send Parallel/p e2 -> 202
	21ms recv g e2 -> 200 e2.g
	22ms recv c e2.g -> 200 e2.g.c
	23ms recv new e2.g.c`, first, second, reply)
}

// parRefusals refuses every bad manifest but one.
func parRefusals(but string) string {
	var b strings.Builder
	b.WriteString("1ms apply Parallel/good\n")
	refuse := func(name, field string) {
		if name == but {
			fmt.Fprintf(&b, "2ms apply Parallel/%s\n", name)
			return
		}
		fmt.Fprintf(&b, "2ms apply Parallel/%s -> refused \"spec.%s: wrong\"\n", name, field)
	}
	refuse("empty", "branches")
	refuse("missing", "branches")
	refuse("unsubscribed", "branches[1].subscriber")
	for i := range badDestinations {
		for _, part := range []string{"filter", "subscriber", "reply"} {
			refuse(fmt.Sprintf("%s-%d", part, i), "branches."+part+"[1]")
		}
		refuse(fmt.Sprintf("shared-%d", i), "reply")
	}
	return b.String()
}

// parBadOptions refuses all bad delivery options but one.
func parBadOptions(but int) string {
	var b strings.Builder
	b.WriteString("1ms apply Parallel/good\n")
	for i, object := range numbered("Parallel/bad", len(badDelivery)) {
		fmt.Fprintf(&b, "2ms apply %s", object)
		if i != but {
			b.WriteString(` -> refused "spec.branches[1].delivery: wrong"`)
		}
		b.WriteString("\n")
	}
	return b.String()
}
