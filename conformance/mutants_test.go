package conformance

import (
	"strings"
	"testing"

	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/fixtures/reference"
	"github.com/sequitur-dev/sequitur/fixtures/target"
)

// impatient is a target that is not waited for: a mutant fails by not doing what is waited for.
type impatient struct{ target.Target }

func (i impatient) Patience() target.Patience {
	p := i.Target.Patience()
	p.Settle /= 5
	p.Ready /= 5
	return p
}

// noticer names, for each mutant, a requirement whose check must notice it.
var noticer = map[string]string{
	"certificates-unverified": "SEC-002", "anonymous-senders": "SEC-003", "token-for-another": "SEC-004",
	"inner-channels-unguarded": "SEC-005",
	"only-200-delivers": "DLV-001", "502-is-final": "DLV-004", "501-is-final": "DLV-004", "404-is-final": "DLV-005",
	"409-is-final": "DLV-005", "429-is-final": "DLV-005", "408-is-final": "DLV-005", "400-is-retried": "DLV-006",
	"4xx-is-retried": "DLV-006", "3xx-is-success": "DLV-007", "3xx-is-retried": "DLV-007", "unknown-codes-succeed": "DLV-008",
	"202-is-routed": "DLV-041", "nothing-is-routed": "DLV-040", "binary-answers-only": "SEQ-045",
	"malformed-answers-pass": "DLV-051", "foreign-answers-fail": "SEQ-006", "no-back-off": "DLV-016",
	"linear-is-exponential": "DLV-017", "exponential-is-linear": "DLV-018", "delay-without-policy": "DLV-019",
	"retry-after-ignored": "DLV-023", "retry-after-uncapped": "DLV-023", "retry-after-always": "DLV-024",
	"options-merge": "SUB-011", "channel-options-ignored": "SUB-012", "subject-dropped": "CE-013",
	"extensions-dropped": "CE-013", "data-cut": "CE-025", "no-error-extensions": "DLV-030",
	"stale-error-extensions": "DLV-034", "raw-error-data": "DLV-031", "dead-letter-renamed": "DLV-028",
	"dead-letter-once": "DLV-036", "reply-alone-repeated": "DLV-043", "credentials-leak": "DLV-055", "request-id-lost": "DLV-055",
	"origin-left-out": "BRK-006", "first-match-alone": "BRK-003", "answers-stay-out": "BRK-006", "broker-by-name": "BRK-009",
	"arrival-time-kept": "BRK-017", "arrival-time-unix": "BRK-017", "hops-shown": "BRK-018", "hops-not-counted": "BRK-019",
	"no-hop-is-default": "BRK-020", "inner-hop-named": "BRK-027", "accepted-200": "BRK-024", "unknown-accepted": "BRK-022",
	"allow-empty": "CHN-009",
}

// TestTheSuiteNoticesMutants measures the suite itself: an implementation with one rule broken must not conform. Only the
// scenarios of the requirement that must notice are driven: on a machine that the whole suite keeps busy, a mutant that
// does not wait may look as if it did.
func TestTheSuiteNoticesMutants(t *testing.T) {
	names := map[string]bool{}
	for _, m := range reference.Mutants() {
		if names[m.Name] {
			t.Errorf("two mutants are named %s", m.Name)
		}
		names[m.Name] = true
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			id := noticer[m.Name]
			if id == "" {
				t.Fatal("no requirement is named that must notice it")
			}
			var with []string
			if strings.HasPrefix(id, "SEC-") { // its features are off by default
				for _, f := range reference.OptionalFeatures() {
					with = append(with, f.Name)
				}
			}
			r := mustRun(t, impatient{embedded(t, m.Break, with...)}, Options{Focus: []string{id}})
			if got := find(t, r, id); got.Verdict != verdict.Failed {
				t.Errorf("%s does not notice an implementation that %s: %v, %s", id, m.What, got.Verdict, got.Message)
			}
		})
	}
	for name := range noticer {
		if !names[name] {
			t.Errorf("there is no mutant %s", name)
		}
	}
}
