package suites

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/conformance/history/historytest"
	"github.com/sequitur-dev/sequitur/conformance/requirement"
)

// shown are histories written by hand for one reading: for each known answer, in their order, those that show it, and
// those that show none. nth counts the readings of a scenario that have the same requirement, from 0.
type shown struct {
	scenario, requirement string
	nth                   int
	answers               [][]string
	none                  []string
}

// foreign is a history of an event that got a foreign answer, and what followed.
func foreign(object string, then ...string) string {
	return lines(append([]string{"1ms send " + object + " e1 -> 202", "2ms recv a e1 -> 200 none data=ok"}, then...)...)
}

// silentFilter is a history of a Trigger's manifest and what came.
func silentFilter(trigger string, then ...string) string {
	return lines(append([]string{"1ms apply Trigger/" + trigger, "2ms status Trigger/" + trigger + " Ready=True", "3ms send Broker/b e1 -> 202"}, then...)...)
}

func sayNothing(trigger string, nth int) shown {
	return shown{
		scenario: "filters/that-say-nothing", requirement: "FLT-029", nth: nth,
		answers: [][]string{
			{silentFilter(trigger, "4ms recv every e1", "4ms recv "+trigger+" e1")},
			{silentFilter(trigger, "4ms recv every e1")},
			{lines("1ms apply Trigger/"+trigger+` -> refused "spec.filters[0]: empty"`, "3ms send Broker/b e1 -> 202")},
		},
		none: []string{silentFilter(trigger), lines("1ms apply Trigger/"+trigger, "2ms status Trigger/"+trigger+" Ready=False", "3ms recv every e1")},
	}
}

var readingExamples = []shown{
	{
		scenario: "broker/foreign-answers", requirement: "BRK-025",
		answers: [][]string{
			{foreign("Broker/b")},
			{foreign("Broker/b", "12ms recv a e1 -> 200 none data=ok"), foreign("Broker/b", "3ms recv dls e1")},
			{foreign("Broker/b", "3ms send Broker/b e2 -> 202", "4ms recv a e2 -> 202 none data=ok", "14ms recv a e2 -> 202 none data=ok")},
		},
		none: []string{lines("1ms send Broker/b e1 -> 202", "2ms recv a e1 -> 200"), lines("1ms send Broker/b e1 -> 202"), "1ms send Broker/b e1 -> 500"},
	},
	{
		scenario: "answers/no-event-in-200", requirement: "BRK-025",
		answers: [][]string{
			{foreign("Channel/c")},
			{foreign("Channel/c", "52ms recv a e1 -> 200 none data=ok", "53ms recv dls e1")},
			{foreign("Channel/c", "3ms send Channel/c e2 -> 202", "4ms recv a e2 -> 200 none data={}", "5ms recv dls e2")},
		},
		none: []string{lines("1ms send Channel/c e1 -> 202", "2ms recv a e1 -> 503 none data=busy")},
	},
	{
		scenario: "answers/accepted-202-is-not-routed", requirement: "DLV-041",
		answers: [][]string{
			{lines("1ms send Channel/c e1 -> 202", "2ms recv a e1 -> 202 e1.a")},
			{lines("1ms send Channel/c e1 -> 202", "2ms recv a e1 -> 202 e1.a", "3ms recv r e1.a")},
		},
		none: []string{lines("1ms send Channel/c e1 -> 202", "2ms recv a e1 -> 202"), "1ms send Channel/c e1 -> 202"},
	},
	{
		scenario: "answers/reply-fails-for-a-moment", requirement: "DLV-043",
		answers: [][]string{
			{lines("1ms send Channel/c e1 -> 202", "2ms recv a e1 -> 200 e1.a", "3ms recv r e1.a -> 503", "53ms recv a e1 -> 200 e1.a", "54ms recv r e1.a")},
			{lines("1ms send Channel/c e1 -> 202", "2ms recv a e1 -> 200 e1.a", "3ms recv r e1.a -> 503", "53ms recv r e1.a")},
			{lines("1ms send Channel/c e1 -> 202", "2ms recv a e1 -> 200 e1.a", "3ms recv r e1.a -> 503")},
		},
		none: []string{lines("1ms send Channel/c e1 -> 202", "2ms recv a e1 -> 200 e1.a", "3ms recv r e1.a")},
	},
	{
		scenario: "backoff/linear", requirement: "DLV-017",
		answers: [][]string{
			{toldWaits("a", 101, 102, 101, 105, 290, 101), toldWaits("a", 110, 210, 310, 390, 400, 101)},
			{toldWaits("a", 101, 201, 301, 401, 501, 601)},
			{toldWaits("a", 1, 1, 1, 1, 1, 1)},
		},
		none: []string{toldWaits("a"), toldWaits("a", 101, 201)},
	},
	{
		scenario: "backoff/exponential", requirement: "DLV-018",
		answers: [][]string{
			{toldWaits("a", 101, 201, 401), toldWaits("a", 230, 201, 500)},
			{toldWaits("a", 201, 401, 801)},
			{toldWaits("a", 101, 101, 101)},
		},
		none: []string{toldWaits("a", 101)},
	},
	{
		scenario: "subscription/own-delivery-options", requirement: "SUB-011",
		answers: [][]string{
			{lines("1ms send Channel/c e1 -> 202", "2ms recv twice e1 -> 500", "3ms recv twice e1 -> 500")},
			{lines("1ms send Channel/c e1 -> 202", "2ms recv twice e1 -> 500", "3ms recv twice e1 -> 500", "4ms recv dls e1")},
		},
		none: []string{lines("1ms send Channel/c e1 -> 202"), lines("1ms send Channel/c e1 -> 202", "2ms recv twice e1")},
	},
	{
		scenario: "parallel/filter-is-retried", requirement: "PAR-007",
		answers: [][]string{
			{parRetried(3, 4, ""), parRetried(3, 4, "dls"), parRetried(1, 1, "")},
			{parRetried(1, 1, "dls")},
		},
		none: []string{"1ms send Parallel/p e1 -> 202", lines("1ms send Parallel/p e1 -> 202", "2ms recv f e1 -> 200 e1.f")},
	},
	{
		scenario: "trigger/own-delivery-options", requirement: "TRG-008",
		answers: [][]string{
			{lines("1ms send Broker/b e1 -> 202", "2ms recv twice e1 -> 500", "3ms recv twice e1 -> 500")},
			{lines("1ms send Broker/b e1 -> 202", "2ms recv twice e1 -> 500", "3ms recv twice e1 -> 500", "4ms recv dls e1")},
		},
		none: []string{lines("1ms send Broker/b e1 -> 202")},
	},
	{
		scenario: "broker/loop", requirement: "BRK-019",
		answers: [][]string{
			{looped(255, "200 e1.255")},
			{looped(10, "200 e1.10"), looped(256, "200 e1.256")},
			{looped(301, "202")},
		},
		none: []string{"1ms send Broker/b e1 -> 202", looped(1, "200 e1.1"), looped(20, "202"), cutShort(20, "200 e1.20")},
	},
	{
		scenario: "sequence/loop-through-a-broker", requirement: "SEQ-041",
		answers: [][]string{
			{looped(255, "200 e1.255")},
			{looped(3, "200 e1.3")},
			{looped(301, "202")},
		},
		none: []string{looped(1, "200 e1.1"), cutShort(200, "200 e1.200")},
	},
	{
		scenario: "broker/without-triggers", requirement: "TRG-021",
		answers: [][]string{
			{lines("1ms mark nobody", "2ms send Broker/b e1 -> 202", "3ms mark somebody", "4ms send Broker/b e2 -> 202", "5ms recv a e2")},
			{lines("1ms mark nobody", "2ms send Broker/b e1 -> 202", "3ms mark somebody", "4ms send Broker/b e2 -> 202", "5ms recv a e1", "6ms recv a e2")},
		},
		none: []string{lines("1ms mark nobody", "2ms send Broker/b e1 -> 202", "3ms mark somebody", "4ms send Broker/b e2 -> 202")},
	},
	{
		scenario: "ordering/overtaking", requirement: "ORD-002",
		answers: [][]string{
			{lines("1ms send Channel/c e1 -> 202", "1ms send Channel/c e2 -> 202", "2ms recv a e1 -> 503", "3ms recv a e2", "102ms recv a e1")},
			{lines("1ms send Channel/c e1 -> 202", "1ms send Channel/c e2 -> 202", "2ms recv a e1 -> 503", "102ms recv a e1", "103ms recv a e2")},
		},
		none: []string{
			lines("1ms send Channel/c e1 -> 202", "1ms send Channel/c e2 -> 202", "2ms recv a e1", "3ms recv a e2"),
			lines("1ms send Channel/c e1 -> 202", "2ms recv a e1 -> 503", "102ms recv a e1"),
		},
	},
	{
		scenario: "delivery/same-event-twice", requirement: "DLV-060",
		answers: [][]string{
			{lines("1ms send Channel/c e1 -> 202", "2ms send Channel/c e1 -> 202", "3ms recv a e1", "3ms recv a e1")},
			{lines("1ms send Channel/c e1 -> 202", "2ms send Channel/c e1 -> 202", "3ms recv a e1")},
		},
		none: []string{lines("1ms send Channel/c e1 -> 202", "3ms recv a e1"), lines("1ms send Channel/c e1 -> 202", "2ms send Channel/c e1 -> 409", "3ms recv a e1")},
	},
	{
		scenario: "deadletter/failure-below-http", requirement: "DLV-033",
		answers: [][]string{
			{"1ms recv dls e1 knativeerrordest=http://a/ knativeerrorcode=500 knativeerrordata=ZGlzcGF0Y2ggZXJyb3I6IEVPRg=="},
			{"1ms recv dls e1 knativeerrordest=http://a/ knativeerrordata=RU9G"},
			{"1ms recv dls e1 knativeerrordest=http://a/ knativeerrorcode=502"},
			{"1ms recv dls e1"},
		},
		none: []string{"1ms send Channel/c e1 -> 202"},
	},
	sayNothing("element", 0),
	sayNothing("negation", 1),
}

// TestReadingsSeeEveryAnswer shows each reading a history for each known answer, and some that show none.
func TestReadingsSeeEveryAnswer(t *testing.T) {
	catalogue := requirement.Load()
	left := slices.Clone(readingExamples)
	for _, s := range All() {
		count := map[string]int{}
		for _, r := range s.Read {
			nth := count[r.Requirement]
			count[r.Requirement]++
			t.Run(fmt.Sprintf("%s %s %d", s.Name, r.Requirement, nth), func(t *testing.T) {
				if _, ok := catalogue.Lookup(r.Requirement); !ok {
					t.Errorf("no such requirement")
				}
				if !strings.HasSuffix(r.Asks, "?") {
					t.Errorf("%q is no question", r.Asks)
				}
				i := slices.IndexFunc(left, func(e shown) bool {
					return e.scenario == s.Name && e.requirement == r.Requirement && e.nth == nth
				})
				if i < 0 {
					t.Fatal("no example shows what it sees")
				}
				e := left[i]
				left = slices.Delete(left, i, i+1)
				if len(e.answers) != len(r.Known) {
					t.Fatalf("examples of %d answers, known are %d", len(e.answers), len(r.Known))
				}
				for k, texts := range e.answers {
					if len(texts) == 0 {
						t.Errorf("no example of the answer %q", r.Known[k])
					}
					for _, text := range texts {
						if got := r.See(historytest.View(t, text)); got.Answer != r.Known[k] || got.Seen == "" {
							t.Errorf("%+v, want %q, of\n%s", got, r.Known[k], text)
						}
					}
				}
				if len(e.none) == 0 {
					t.Error("no example of a history that shows no answer")
				}
				for _, text := range e.none {
					wantUnseen(t, r.See(historytest.View(t, text)))
				}
				wantUnseen(t, r.See(history.NewView("empty", nil, nil)))
			})
		}
	}
	for _, e := range left {
		t.Errorf("examples for %s %s %d, which is not in the table", e.scenario, e.requirement, e.nth)
	}
}

func wantUnseen(t *testing.T, got check.Observed) {
	t.Helper()
	if got.Answer != "" || got.Seen == "" {
		t.Errorf("%+v, want no answer, and why", got)
	}
}
