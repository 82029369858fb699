package suites

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sequitur-dev/sequitur/conformance/history/historytest"
	"github.com/sequitur-dev/sequitur/conformance/verdict"
)

// probeHistory is a history of n events in which each probe got what it must, but for those that other names.
func probeHistory(probes []probe, n int, other map[string]string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%dms send Broker/b e%d -> 202\n%dms recv %s e%d\n", i+1, i+1, 50+i, unfiltered, i+1)
	}
	for _, p := range probes {
		got, broken := other[p.name]
		if !broken {
			got = p.got
		}
		for _, id := range strings.Fields(got) {
			fmt.Fprintf(&b, "100ms recv %s %s\n", p.name, id)
		}
	}
	return b.String()
}

// probeExample is an example of a requirement of probes; each of bad names what came otherwise.
func probeExample(scenario, requirement string, probes []probe, n int, bad ...map[string]string) example {
	all := probeHistory(probes, n, nil)
	twice := strings.Replace(all, "100ms recv", "90ms recv "+unfiltered+" e1\n100ms recv", 1)
	e := example{scenario: scenario, requirement: requirement, good: []string{all, twice}}
	for _, other := range bad {
		e.bad = append(e.bad, probeHistory(probes, n, other))
	}
	return e
}

// came is one receiver that got something else.
func came(at, events string) map[string]string { return map[string]string{at: events} }

// twinHistory offers all twins; those named are taken though they are bad, or refused though they are good.
func twinHistory(list []twins, otherwise ...string) string {
	var b strings.Builder
	wrong := func(name string) bool {
		for _, o := range otherwise {
			if o == name {
				return true
			}
		}
		return false
	}
	for _, o := range list {
		for name, bad := range map[string]bool{o.name: true, o.name + "-good": false} {
			outcome := ""
			if bad != wrong(name) {
				outcome = ` -> refused "spec.filters"`
			}
			fmt.Fprintf(&b, "1ms apply Trigger/%s%s\n", name, outcome)
		}
	}
	return b.String()
}

func twinExample(scenario, requirement string, list []twins, otherwise ...string) example {
	e := example{scenario: scenario, requirement: requirement, good: []string{twinHistory(list)}}
	for _, name := range otherwise {
		e.bad = append(e.bad, twinHistory(list, name))
	}
	var everything []string
	for _, o := range list {
		everything = append(everything, o.name+"-good")
	}
	e.bad = append(e.bad, twinHistory(list, everything...)) // a target that refuses everything
	return e
}

// seenTimes is a history of an event sent at a time of which each receiver sees something.
func seenTimes(lines ...string) string {
	return "1ms send Broker/b e1 time=2024-05-01T10:00:00Z -> 202\n2ms send Broker/b e2 time=2024-05-01T12:00:00+02:00 -> 202\n" +
		"3ms send Broker/b e3 time=2024-05-01T11:00:00+02:00 -> 202\n" + strings.Join(lines, "\n")
}

var filtersExamples = []example{
	// OR instead of AND; a Trigger that nothing fits gets everything.
	probeExample("filters/attributes", "FLT-001", attributeProbes, 6, came("two", "e1 e2 e3 e4 e5 e6"), came("neither", "e1 e2 e3 e4 e5 e6"), came("one", "e1 e2")),
	// An empty value matches absence; an empty value is compared.
	probeExample("filters/attributes", "FLT-002", attributeProbes, 6, came("anysubject", "e1 e2 e3 e4 e5 e6"), came("anysubject", "")),
	// Case-blind; by prefix.
	probeExample("filters/attributes", "FLT-003", attributeProbes, 6, came("upper", "e1 e2 e3 e6"), came("middle", "e1 e2 e4 e6"), came("shorter", "e1 e2 e4 e5 e6")),
	// Extensions are not looked at; not in structured mode.
	probeExample("filters/attributes", "FLT-004", attributeProbes, 6, came("red", ""), came("red", "e1"), came("blue", "e1 e3 e4 e5 e6")),
	// An integer of JSON is no text, as in Knative's attribute filter; a Boolean is none.
	probeExample("filters/values", "FLT-005", valueProbes, 6, came("five", "e3 e4"), came("positive", "e3 e4"), came("padded", "e1 e3 e4 e6")),
	{
		scenario: "filters/time", requirement: "FLT-030",
		good: []string{
			// seen in UTC
			seenTimes("4ms recv all e1 time=2024-05-01T10:00:00Z", "4ms recv all e2 time=2024-05-01T10:00:00Z", "4ms recv all e3 time=2024-05-01T09:00:00Z",
				"5ms recv utc e1", "5ms recv utc e2"),
			// seen as sent
			seenTimes("4ms recv all e1 time=2024-05-01T10:00:00Z", "4ms recv all e2 time=2024-05-01T12:00:00+02:00", "4ms recv all e3 time=2024-05-01T11:00:00+02:00",
				"5ms recv utc e1", "5ms recv zone e2"),
		},
		bad: []string{
			// what was sent is compared, and another text seen
			seenTimes("4ms recv all e1 time=2024-05-01T10:00:00Z", "4ms recv all e2 time=2024-05-01T10:00:00Z", "4ms recv all e3 time=2024-05-01T09:00:00Z",
				"5ms recv utc e1", "5ms recv zone e2"),
			// a text of no standard is compared
			seenTimes("4ms recv all e1 time=2024-05-01T10:00:00Z", "4ms recv all e2 time=2024-05-01T10:00:00Z", "4ms recv all e3 time=2024-05-01T09:00:00Z",
				"5ms recv printed e1", "5ms recv printed e2"),
			// time is not looked at
			seenTimes("4ms recv all e1 time=2024-05-01T10:00:00Z", "4ms recv all e2 time=2024-05-01T10:00:00Z", "4ms recv all e3 time=2024-05-01T09:00:00Z",
				"5ms recv utc e1", "5ms recv utc e2", "5ms recv utc e3"),
		},
	},
	// What is in the data decides; data that is no JSON keeps an event from all.
	probeExample("filters/payload", "FLT-028", payloadProbes, 6, came("wrong", "e1"), came("inside", "e1"), came("right", "e1 e4 e5 e6")),

	// Both count; filter wins.
	probeExample("filters/dialects", "FLT-006", treeProbes, 8, came("winner", ""), came("overruled", "e1 e7")),
	// An empty list lets nothing pass; an empty list decides.
	probeExample("filters/dialects", "FLT-007", treeProbes, 8, came("emptylist", ""), came("fallback", "e1 e2 e3 e4 e5 e6 e7 e8")),
	// One element suffices; the last is overlooked.
	probeExample("filters/dialects", "FLT-008", treeProbes, 8, came("both", "e1 e5 e7"), came("onefails", "e1 e7"), came("lastfails", "e1 e2 e5 e7")),
	// Case-blind; absent is as good as equal; a part is enough.
	probeExample("filters/dialects", "FLT-009", treeProbes, 8, came("exactcase", "e1 e4 e7 e8"), came("exactabsent", "e1 e2 e3 e4 e5 e6 e7 e8"), came("exactpart", "e1 e7")),
	probeExample("filters/dialects", "FLT-010", treeProbes, 8, came("prefixinside", "e1 e5 e6 e7"), came("prefixcase", "e1 e2 e3 e5 e7"), came("prefix", "e1 e7")),
	probeExample("filters/dialects", "FLT-011", treeProbes, 8, came("suffix", "e6"), came("suffixupper", "e1 e4 e6 e7 e8"), came("suffixabsent", "e1")),
	// The first key alone counts.
	probeExample("filters/dialects", "FLT-012", treeProbes, 8, came("exactkeys", "e1 e7"), came("prefixkeys", "e1 e2 e5 e7")),
	probeExample("filters/dialects", "FLT-013", treeProbes, 8, came("allboth", "e1 e2 e5 e7"), came("allnone", "e1 e2 e7")),
	// As if it were all; what came before matters (any reorders its filters as it goes).
	probeExample("filters/dialects", "FLT-014", treeProbes, 8, came("any", ""), came("any", "e2 e4"), came("anylast", "")),
	// An absent attribute always fails; not is not looked at.
	probeExample("filters/dialects", "FLT-015", treeProbes, 8, came("notabsent", ""), came("notred", "e1 e7"), came("notprefix", "e4 e5 e6 e8")),
	// An inner level is overlooked.
	probeExample("filters/dialects", "FLT-016", treeProbes, 8, came("notnot", "e1 e7"), came("deep", "e1 e3 e4 e6 e7 e8"), came("tree0", "")),
	twinExample("filters/refused", "FLT-017", dialectTwins, "exact-empty", "one-empty", "inner-empty", "prefix-empty-good"),
	twinExample("filters/refused", "FLT-018", dialectTwins, "no-exact", "no-any", "inner-any", "no-all-good"),
	twinExample("filters/refused", "FLT-019", dialectTwins, "two", "inner-two"),
	twinExample("filters/refused", "FLT-020", dialectTwins, "unknown", "inner-unknown"),
	twinExample("filters/names-refused", "FLT-021", nameTwins, "upper", "hyphen", "digit", "underscore-good"),
	func() example {
		e := twinExample("filters/names-refused", "FLT-021", nameTwins, "exact-upper", "inner-upper")
		e.claims = []string{"SubscriptionsAPIFilters"}
		return e
	}(),

	// Precedence is wrong; a cesql filter is not evaluated (eventing#8018, eventing-kafka-broker#2942).
	probeExample("filters/cesql", "FLT-022", cesqlProbes, 6, came("products", ""), came("equal", whole), came("tight", whole), came("less", "e2 e4 e5")),
	// What is not empty counts as true.
	probeExample("filters/cesql", "FLT-023", cesqlProbes, 6, came("number", whole), came("quoted", whole), came("text", "e1")),
	func() example {
		// An error passes; an error is false and its negation passes; the delivery fails.
		e := probeExample("filters/cesql", "FLT-024", cesqlProbes, 6, came("missing", whole), came("notmissing", whole), came("byzero", "e1 e4"), came("someerrors", ""))
		e.bad = append(e.bad, probeHistory(cesqlProbes, 6, nil)+"101ms recv dlsflt024 e1", probeHistory(cesqlProbes, 6, nil)+"101ms send Broker/b e7 -> 500\n102ms recv all e7")
		return e
	}(),
	// Both sides are always evaluated; an error on the left is overlooked.
	probeExample("filters/cesql", "FLT-025", cesqlProbes, 6, came("orskips", ""), came("ortoolate", whole), came("andskips", ""), came("andtoolate", whole)),
	// LIKE is a regular expression; escapes do not count; an escape is a character; keywords in lower case are attributes.
	probeExample("filters/cesql", "FLT-027", cesqlProbes, 6, came("liketext", "e1 e2 e6"), came("likeunderscore", "e3 e4"), came("likepercent", ""), came("lowercase", ""),
		came("casttoint", ""), came("notin", whole), came("castorder", "")),
	probeExample("filters/cesql", "FLT-031", cesqlProbes, 6, came("andor", ""), came("orand", whole), came("xoror", "")),
	probeExample("filters/cesql", "FLT-032", cesqlProbes, 6, came("letters", "e3 e4"), came("oneletter", ""), came("firstletter", "")),
	// Data are not read; the expression is not looked at; an error passes.
	probeExample("filters/expression", "FLT-033", celProbes, 5, came("celdata", ""), came("celtype", "e1 e2 e3 e4 e5"), came("celabsent", "e1 e2 e3 e4 e5")),
	twinExample("filters/cesql-refused", "FLT-026", brokenTwins, "cut-off", "two", "inner", "pattern-good"),
}

// TestNothingIsFilteredWhereNothingComes: silence at a filter's receiver is no evidence if its neighbour without a filter
// is as silent.
func TestNothingIsFilteredWhereNothingComes(t *testing.T) {
	sent := historytest.View(t, "1ms send Broker/b e1 -> 202", "SubscriptionsAPIFilters", "CESQL")
	for _, s := range filters {
		for _, v := range s.Verify {
			if f := v.Judge(sent); f.Verdict != verdict.Inconclusive {
				t.Errorf("%s %s: %v, %s", s.Name, v.Requirement, f.Verdict, f.Seen)
			}
		}
	}
}

// TestTreesAreDeepAndDiffer: the generated filters are what the requirement speaks of.
func TestTreesAreDeepAndDiffer(t *testing.T) {
	deepest, seen := 0, map[string]bool{}
	for _, p := range treeProbes[len(dialectProbes):] {
		depth, most := 0, 0
		for _, c := range p.spec {
			switch c {
			case '{':
				depth++
			case '}':
				depth--
			}
			most = max(most, depth)
		}
		deepest = max(deepest, most-2) // the map of a comparison is no level, nor is the comparison
		if seen[p.got+p.spec] {
			t.Errorf("%s occurs twice", p.spec)
		}
		seen[p.got+p.spec] = true
	}
	if deepest < 5 {
		t.Errorf("the deepest has %d levels", deepest)
	}
}
