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

// noticer names, for each mutant, a requirement whose check must notice it; of one that is judged everywhere also the
// scenarios to drive.
var noticer = map[string]string{
	"first-branch-only": "PAR-001", "branch-without-filter-skipped": "PAR-002", "filter-answer-ignored": "PAR-003",
	"empty-filter-answer-opens": "PAR-004", "failing-filter-opens": "PAR-006", "filter-tried-once": "PAR-007",
	"shared-reply-wins": "PAR-009", "shared-reply-ignored": "PAR-010", "delivery-of-the-first-branch": "PAR-012",
	"channel-repeats-for-all": "PAR-024", "mixed-lists": "PAR-026", "removed-parts-stay": "PAR-021",
	"parallel-without-branches": "PAR-016", "branch-delivery-unchecked": "PAR-017",
	"certificates-unverified": "SEC-002", "anonymous-senders": "SEC-003", "token-for-another": "SEC-004",
	"inner-channels-unguarded": "SEC-005",
	"only-200-delivers":        "DLV-001", "502-is-final": "DLV-004", "501-is-final": "DLV-004", "404-is-final": "DLV-005",
	"409-is-final": "DLV-005", "429-is-final": "DLV-005", "408-is-final": "DLV-005", "400-is-retried": "DLV-006",
	"4xx-is-retried": "DLV-006", "3xx-is-success": "DLV-007", "3xx-is-retried": "DLV-007", "unknown-codes-succeed": "DLV-008",
	"202-is-routed": "DLV-041", "nothing-is-routed": "DLV-040", "binary-answers-only": "SEQ-045",
	"malformed-answers-pass": "DLV-051", "foreign-answers-fail": "SEQ-006", "no-back-off": "DLV-016", "tenths": "DLV-063",
	"linear-is-exponential": "DLV-017", "exponential-is-linear": "DLV-018", "delay-without-policy": "DLV-019",
	"retry-after-ignored": "DLV-023", "retry-after-uncapped": "DLV-023", "retry-after-always": "DLV-024",
	"options-merge": "SUB-011", "channel-options-ignored": "SUB-012", "subject-dropped": "CE-013",
	"extensions-dropped": "CE-013", "data-cut": "CE-025", "no-error-extensions": "DLV-030",
	"stale-error-extensions": "DLV-034", "raw-error-data": "DLV-031", "dead-letter-renamed": "DLV-028",
	"dead-letter-once": "DLV-036", "reply-alone-repeated": "DLV-043", "credentials-leak": "DLV-055", "request-id-lost": "DLV-055",
	"trigger-options-merge": "TRG-008", "broker-sink-kept": "TRG-008", "broker-sink-wins": "TRG-010", "broker-options-ignored": "TRG-009",
	"ready-without-broker": "TRG-002", "ready-without-subscriber": "TRG-003", "ready-without-sink": "TRG-017",
	"dependency-ignored": "TRG-013", "no-filter-stops-all": "TRG-011", "old-subscriber-kept": "TRG-005", "old-filter-kept": "TRG-005",
	"old-delivery-kept": "TRG-005", "change-starts-anew": "TRG-019", "first-event-lost": "TRG-006", "deleted-goes-on": "TRG-007",
	"new-broker-not-served": "TRG-022", "trigger-format-ignored": "TRG-020", "trigger-label-missing": "TRG-015",
	"channel-not-defaulted": "SEQ-018", "broker-of-trigger-changes": "TRG-004", "trigger-without-broker": "TRG-012",
	"dependency-elsewhere": "TRG-014", "any-broker-injected": "TRG-016", "no-broker-injected": "TRG-023",
	"origin-left-out": "BRK-006", "first-match-alone": "BRK-003", "answers-stay-out": "BRK-006", "broker-by-name": "BRK-009",
	"arrival-time-kept": "BRK-017", "arrival-time-unix": "BRK-017", "hops-shown": "BRK-018", "hops-not-counted": "BRK-019",
	"no-hop-is-default": "BRK-020", "inner-hop-named": "BRK-027", "accepted-200": "BRK-024", "unknown-accepted": "BRK-022",
	"allow-empty": "CHN-009",
	"two-readies": "STA-001 status/from-*", "ready-in-spite-of-all": "STA-002 status/dangling-*", "no-reason": "STA-003 status/dangling-*",
	"generation-before-conditions": "STA-004", "no-transition-times": "STA-005 status/from-*",
	"transition-times-renewed": "STA-005 status/applied-*", "ready-for-ever": "STA-021", "never-ready-unaided": "STA-009",
	"user-status-believed": "STA-022", "generation-of-each-apply": "STA-020", "uri-appended": "STA-018",
	"delivery-mandatory": "STA-014", "anything-admitted": "STA-015",
	"trace-per-hop": "OBS-001", "trace-dropped": "OBS-001", "parent-kept": "OBS-002", "malformed-trace-kept": "OBS-002",
	"tracestate-dropped": "OBS-002", "inner-name-added": "OBS-005",
	"any-attribute-suffices": "FLT-001", "empty-matches-absent": "FLT-002", "attributes-case-blind": "FLT-003",
	"attributes-by-prefix": "FLT-003", "no-filter-on-extensions": "FLT-004", "typed-is-no-text": "FLT-005",
	"filter-and-filters": "FLT-006", "filter-wins": "FLT-006", "empty-list-stops-all": "FLT-007", "any-element-suffices": "FLT-008",
	"exact-case-blind": "FLT-009", "prefix-contains": "FLT-010", "suffix-is-prefix": "FLT-011", "first-key-only": "FLT-012",
	"all-is-any": "FLT-013", "any-is-all": "FLT-014", "not-ignored": "FLT-015", "not-always-passes": "FLT-016",
	"empty-value-admitted": "FLT-017", "empty-map-admitted": "FLT-018", "two-dialects-admitted": "FLT-019",
	"attribute-names-unchecked": "FLT-021", "broken-cesql-admitted": "FLT-026", "cesql-errors-pass": "FLT-024",
	"cesql-truthy": "FLT-023", "cesql-both-sides": "FLT-025", "cesql-from-the-right": "FLT-031", "like-is-a-regexp": "FLT-027",
	"ping-of-two-replicas": "SRC-001", "ping-of-old-type": "SRC-002", "ping-id-of-the-source": "SRC-003", "ping-base64-as-text": "SRC-004",
	"ping-with-empty-object": "SRC-005", "ping-data-twice": "SRC-006", "ping-broken-json": "SRC-007", "ping-not-defaulted": "SRC-008",
	"ping-every-admitted": "SRC-009", "ping-zone-ignored": "SRC-010", "ping-overrides-dropped": "SRC-011", "ping-stuck-without-sink": "SRC-012",
	"ping-old-schedule-goes-on": "SRC-014", "ping-deleted-goes-on": "SRC-015", "ping-tried-once": "SRC-016", "ping-tried-at-once": "SRC-016",
	"binding-not-undone": "SRC-017", "binding-without-overrides": "SRC-017",
	"like-counts-bytes": "FLT-032", "payload-searched": "FLT-028", "time-as-go-prints-it": "FLT-030",
	"expression-without-data": "FLT-033",
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
			id, scenario, some := strings.Cut(noticer[m.Name], " ")
			if id == "" {
				t.Fatal("no requirement is named that must notice it")
			}
			var with []string
			if strings.HasPrefix(id, "SEC-") || id == "FLT-033" { // its features are off by default
				for _, f := range reference.OptionalFeatures() {
					with = append(with, f.Name)
				}
			}
			o := Options{Focus: []string{id}}
			if some {
				o.Scenarios = []string{scenario}
			}
			r := mustRun(t, impatient{embedded(t, m.Break, with...)}, o)
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
