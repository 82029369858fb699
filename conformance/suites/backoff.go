package suites

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// Delays are small for the run's sake, and no part of a tenth of a second, which some implementations cut off. So many linear
// retries tell linear from doubling by seconds: 6 times the delay against 32 times.
const (
	linearDelay        = 100 * time.Millisecond
	linearRetries      = 6
	exponentialDelay   = 100 * time.Millisecond
	exponentialRetries = 3
)

// retrying drives one Subscription whose subscriber always fails, with three events.
func retrying(options string, attempts int) func(*drive.Stage) {
	return func(s *drive.Stage) {
		s.Receiver("a", receiver.Status(http.StatusServiceUnavailable))
		s.Apply(channelOf("c", "") + "\n---\n" + subscriptionOf("to-a", "c", "$a", "delivery: {"+options+"}"))
		s.Ready("Channel/c", "Subscription/to-a")
		s.Send("Channel/c", s.Events(3)...)
		s.Expect("a", 3*attempts)
	}
}

// option is a delivery option that admission must refuse or take; its name is that of the Subscription that has it.
type option struct{ name, text string }

var (
	badDelays = []option{
		{"delay-1s", "backoffDelay: 1s"}, {"delay-500ms", "backoffDelay: 500ms"},
		{"delay-pt", "backoffDelay: PT"}, {"delay-p", "backoffDelay: P"}, {"delay-number", "backoffDelay: '1'"},
	}
	goodDelays = []option{
		{"delay-fraction", "backoffDelay: PT0.2S"}, {"delay-minutes", "backoffDelay: PT1M30S"}, {"delay-second", "backoffDelay: PT1S"},
	}
	badTimeouts = []option{
		{"timeout-1s", "timeout: 1s"}, {"timeout-500ms", "timeout: 500ms"}, {"timeout-pt", "timeout: PT"}, {"timeout-p", "timeout: P"},
	}
	goodTimeouts = []option{{"timeout-fraction", "timeout: PT0.2S"}, {"timeout-minutes", "timeout: PT1M30S"}}
	badOptions   = []option{
		{"retry-negative", "retry: -1"}, {"policy-constant", "backoffPolicy: constant"}, {"policy-capital", "backoffPolicy: Linear"},
		{"timeout-zero", "timeout: PT0S"},
	}
)

// offer tries a Subscription with each option.
func offer(s *drive.Stage, options ...option) {
	for _, o := range options {
		s.Try(subscriptionOf(o.name, "c", "$a", "delivery: {"+o.text+"}"))
	}
}

func refusedEach(options []option) check.Judge {
	return check.Each(options, func(o option) check.Judge { return check.Refused("Subscription/" + o.name) })
}

func takenEach(options []option) check.Judge {
	return check.Each(options, func(o option) check.Judge { return check.Taken("Subscription/" + o.name) })
}

// retryAfter answers a code with Retry-After to the first attempt of each event, then 202.
func retryAfter(code int, value func() string) receiver.Respond {
	return receiver.Attempts(func(r *receiver.Request) receiver.Answer {
		return receiver.WithHeader("Retry-After", value(), receiver.Status(code))(r)
	}, receiver.OK())
}

func seconds(text string) func() string { return func() string { return text } }

// inAnHour is the date form; clocks of harness and target may differ by less than that.
func inAnHour() string { return time.Now().Add(time.Hour).UTC().Format(http.TimeFormat) }

// patient drives one channel with a Subscription per receiver, each answering Retry-After once under its own options.
func patient(scripts map[string]receiver.Respond, options map[string]string) func(*drive.Stage) {
	return func(s *drive.Stage) {
		s.Apply(channelOf("c", ""))
		names := slices.Sorted(maps.Keys(scripts))
		for _, at := range names {
			s.Receiver(at, scripts[at])
			s.Apply(subscriptionOf(at, "c", "$"+at, "delivery: {retry: 1"+strings.TrimSuffix(", "+options[at], ", ")+"}"))
		}
		s.Ready("Channel/c")
		for _, at := range names {
			s.Ready("Subscription/" + at)
		}
		s.Send("Channel/c", s.NewEvent())
		for _, at := range names {
			s.Expect(at, 2)
		}
	}
}

// wait wants the only wait at a receiver to last from least to most.
func wait(at string, least, most time.Duration) check.Judge {
	return check.Waits(at, 1, check.Constant(least), check.Constant(most))
}

// backoff is the chapter on how long a target waits before it tries again, and on which options it takes.
var backoff = []Scenario{
	{
		Name:  "backoff/linear",
		Slow:  true,
		Drive: retrying("retry: 6, backoffPolicy: linear, backoffDelay: PT0.1S", linearRetries+1),
		Verify: []Verification{
			verify("DLV-016", check.Waits("a", linearRetries, check.Constant(linearDelay), nil)),
			verify("DLV-017", check.Linear("a", linearRetries, linearDelay)),
		},
		Read: []Reading{read("DLV-017", check.LinearWaits("a", linearRetries, linearDelay))},
	},
	{
		Name:  "backoff/exponential",
		Slow:  true,
		Drive: retrying("retry: 3, backoffPolicy: exponential, backoffDelay: PT0.1S", exponentialRetries+1),
		Verify: []Verification{
			verify("DLV-018", check.Exponential("a", exponentialRetries, exponentialDelay)),
		},
		Read: []Reading{read("DLV-018", check.ExponentialWaits("a", exponentialRetries, exponentialDelay))},
	},
	{
		Name:  "backoff/hundredths",
		Drive: retrying("retry: 2, backoffPolicy: linear, backoffDelay: PT0.05S", 3),
		Verify: []Verification{
			verify("DLV-063", check.Waits("a", 2, check.Constant(50*time.Millisecond), nil)),
		},
	},
	{
		Name:  "backoff/policy-only",
		Drive: retrying("retry: 20, backoffPolicy: exponential", 21),
		Verify: []Verification{
			verify("DLV-019", check.AtOnce("a")),
		},
	},
	{
		Name:  "backoff/delay-only",
		Drive: retrying("retry: 20, backoffDelay: PT1S", 21),
		Verify: []Verification{
			verify("DLV-019", check.AtOnce("a")),
		},
	},
	{
		Name: "backoff/admission",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			offer(s, badDelays...)
			offer(s, goodDelays...)
			offer(s, badOptions...)
		},
		Verify: []Verification{
			verify("DLV-021", check.All(refusedEach(badDelays), takenEach(goodDelays))),
			verify("DLV-022", refusedEach(badOptions)),
		},
	},
	{
		Name:  "backoff/timeout-admission",
		Needs: []string{"DeliveryTimeout"},
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			offer(s, badTimeouts...)
			offer(s, goodTimeouts...)
		},
		Verify: []Verification{
			verify("DLV-021", check.All(refusedEach(badTimeouts), takenEach(goodTimeouts))),
		},
	},
	{
		Name:  "backoff/retry-after",
		Needs: []string{"RetryAfter"},
		Drive: patient(map[string]receiver.Respond{
			"capped": retryAfter(http.StatusTooManyRequests, seconds("60")),
			"date":   retryAfter(http.StatusServiceUnavailable, inAnHour),
			"whole":  retryAfter(http.StatusServiceUnavailable, seconds("1")),
			"longer": retryAfter(http.StatusTooManyRequests, seconds("60")),
		}, map[string]string{
			"capped": "retryAfterMax: PT0.2S",
			"date":   "retryAfterMax: PT0.3S",
			"whole":  "retryAfterMax: PT30S",
			"longer": "retryAfterMax: PT0.05S, backoffPolicy: linear, backoffDelay: PT0.3S",
		}),
		Verify: []Verification{
			verify("DLV-023", check.All(
				wait("capped", 200*time.Millisecond, 5*time.Second), wait("date", 300*time.Millisecond, 5*time.Second),
				wait("whole", time.Second, 5*time.Second), wait("longer", 300*time.Millisecond, 5*time.Second))),
		},
	},
	{
		Name:  "backoff/retry-after-ignored",
		Needs: []string{"RetryAfter"},
		Drive: patient(map[string]receiver.Respond{
			"none":   retryAfter(http.StatusServiceUnavailable, seconds("60")),
			"zero":   retryAfter(http.StatusTooManyRequests, seconds("60")),
			"other":  retryAfter(http.StatusInternalServerError, seconds("60")),
			"absent": receiver.Attempts(receiver.Status(http.StatusServiceUnavailable), receiver.OK()),
		}, map[string]string{
			"none": "", "zero": "retryAfterMax: PT0S", "other": "retryAfterMax: PT5S", "absent": "retryAfterMax: PT5S",
		}),
		Verify: []Verification{
			verify("DLV-024", check.All(wait("none", 0, time.Second), wait("zero", 0, time.Second),
				wait("other", 0, time.Second), wait("absent", 0, time.Second))),
		},
	},
	{
		Name: "backoff/retry-after-off",
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", ""))
			offer(s, option{"patient", "retry: 1, retryAfterMax: PT1S"})
		},
		Verify: []Verification{
			verify("DLV-025", func(v *history.View) check.Finding {
				if v.Claims["RetryAfter"] {
					return check.NotApplicable("the target honours Retry-After")
				}
				return check.Refused("Subscription/patient")(v)
			}),
		},
	},
}
