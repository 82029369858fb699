package suites

import (
	"fmt"
	"strings"
)

// toldWaits writes the history of one event that fails at a receiver, with these waits in ms before its retries.
func toldWaits(at string, waits ...int) string {
	var b strings.Builder
	t := 2
	fmt.Fprintf(&b, "1ms send Channel/c e1 -> 202\n%dms recv %s e1 -> 503\n", t, at)
	for _, w := range waits {
		t += w
		fmt.Fprintf(&b, "%dms recv %s e1 -> 503\n", t, at)
	}
	return b.String()
}

// toldOne writes the history of one event that comes again to each receiver after so many ms; none at all if negative.
func toldOne(waits map[string]int) string {
	text := "1ms send Channel/c e1 -> 202\n"
	for at, w := range waits {
		text += fmt.Sprintf("2ms recv %s e1 -> 503\n", at)
		if w >= 0 {
			text += fmt.Sprintf("%dms recv %s e1 -> 202\n", 2+w, at)
		}
	}
	return text
}

// toldOffers writes what became of the options offered; those named had the other outcome.
func toldOffers(refused, taken []option, wrong ...string) string {
	text := ""
	tell := func(o option, no bool) {
		for _, w := range wrong {
			no = no != (w == o.name)
		}
		text += "1ms apply Subscription/" + o.name
		if no {
			text += " -> refused \"spec.delivery is not valid\""
		}
		text += "\n"
	}
	for _, o := range refused {
		tell(o, true)
	}
	for _, o := range taken {
		tell(o, false)
	}
	return text
}

var (
	heeded  = map[string]int{"capped": 201, "date": 301, "whole": 1002, "longer": 303}
	ignored = map[string]int{"none": 1, "zero": 1, "other": 1, "absent": 1}
)

// but gives the waits with one of them changed.
func but(waits map[string]int, at string, ms int) map[string]int {
	out := map[string]int{at: ms}
	for k, v := range waits {
		if k != at {
			out[k] = v
		}
	}
	return out
}

var backoffExamples = []example{
	{
		scenario: "backoff/linear", requirement: "DLV-016",
		good: []string{
			toldWaits("a", 100, 105, 100, 110, 100, 100),
			toldWaits("a", 100, 200, 300, 400, 500, 600),
		},
		bad: []string{
			toldWaits("a", 0, 0, 0, 0, 0, 0),
			toldWaits("a", 100, 100, 100, 100, 100, 5), // the last is at once
			toldWaits("a", 100, 100, 100),              // too few retries
		},
	},
	{
		scenario: "backoff/linear", requirement: "DLV-017",
		good: []string{
			toldWaits("a", 100, 105, 100, 110, 100, 100),
			toldWaits("a", 100, 200, 300, 400, 500, 600), // n times the delay
			toldWaits("a", 100, 900, 100, 100, 100, 100), // a machine with other work
		},
		bad: []string{
			toldWaits("a", 100, 200, 400, 800, 1600, 3200), // it doubles: knative-extensions/eventing-kafka issue 475
			toldWaits("a", 3000, 3000, 3000, 3000, 3000, 3000),
			toldWaits("a", 2115, 25, 25, 25, 25, 25), // it shrinks
		},
	},
	{
		scenario: "backoff/exponential", requirement: "DLV-018",
		good: []string{
			toldWaits("a", 100, 200, 403),
			toldWaits("a", 200, 400, 800), // Knative's own code
		},
		bad: []string{
			toldWaits("a", 100, 100, 100),  // constant
			toldWaits("a", 100, 200, 300),  // linear
			toldWaits("a", 100, 200, 3000), // beyond any doubling
			toldWaits("a", 100, 3000, 400), // it shrinks again
			toldWaits("a", 100, 200),
		},
	},
	{
		scenario: "backoff/hundredths", requirement: "DLV-063",
		good: []string{toldWaits("a", 50, 51), toldWaits("a", 50, 100)},
		bad:  []string{toldWaits("a", 1, 1), toldWaits("a", 50, 0), toldWaits("a", 50)},
	},
	{
		scenario: "backoff/policy-only", requirement: "DLV-019",
		good: []string{toldWaits("a", 1, 2, 1), toldWaits("a", 300, 150, 200, 700, 2)},
		bad:  []string{toldWaits("a", 200, 400, 800), toldWaits("a", 1000, 1000, 1000), toldWaits("a", 1)},
	},
	{
		scenario: "backoff/delay-only", requirement: "DLV-019",
		good: []string{toldWaits("a", 1, 2, 1)},
		bad:  []string{toldWaits("a", 1000, 1000, 1000), toldWaits("a", 1000, 2000, 4000)},
	},
	{
		scenario: "backoff/admission", requirement: "DLV-021",
		good: []string{toldOffers(badDelays, goodDelays)},
		bad: []string{
			toldOffers(badDelays, goodDelays, "delay-1s"), // taken for zero
			toldOffers(badDelays, goodDelays, "delay-pt"),
			toldOffers(badDelays, goodDelays, "delay-fraction"),
		},
	},
	{
		scenario: "backoff/admission", requirement: "DLV-022",
		good: []string{toldOffers(badOptions, nil)},
		bad: []string{
			toldOffers(badOptions, nil, "retry-negative"),
			toldOffers(badOptions, nil, "policy-constant"),
			toldOffers(badOptions, nil, "timeout-zero"),
		},
	},
	{
		scenario: "backoff/timeout-admission", requirement: "DLV-021",
		good: []string{toldOffers(badTimeouts, goodTimeouts)},
		bad:  []string{toldOffers(badTimeouts, goodTimeouts, "timeout-500ms"), toldOffers(badTimeouts, goodTimeouts, "timeout-fraction")},
	},
	{
		scenario: "backoff/retry-after", requirement: "DLV-023",
		good: []string{toldOne(heeded)},
		bad: []string{
			toldOne(but(heeded, "capped", 1)),   // ignored: knative/eventing issue 5935
			toldOne(but(heeded, "capped", -1)),  // uncapped
			toldOne(but(heeded, "date", 1)),     // only seconds are understood
			toldOne(but(heeded, "whole", 30e3)), // always the maximum
			toldOne(but(heeded, "longer", 50)),  // instead of the back-off
		},
	},
	{
		scenario: "backoff/retry-after-ignored", requirement: "DLV-024",
		good: []string{toldOne(ignored)},
		bad: []string{
			toldOne(but(ignored, "none", -1)),
			toldOne(but(ignored, "zero", -1)),
			toldOne(but(ignored, "other", 5000)),  // honoured on 500
			toldOne(but(ignored, "absent", 5000)), // the maximum, whatever the answer says
		},
	},
	{
		scenario: "backoff/retry-after-off", requirement: "DLV-025",
		good: []string{`1ms apply Subscription/patient -> refused "spec.delivery.retryAfterMax: must not set the field(s)"`},
		bad:  []string{`1ms apply Subscription/patient`}, // silently ignored
	},
}
