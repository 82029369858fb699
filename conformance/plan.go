package conformance

import (
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/requirement"
	"github.com/sequitur-dev/sequitur/conformance/suites"
	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/reports"
)

// Everywhere is the scenario name of requirements that are judged on the history of every scenario.
const Everywhere = "every scenario"

// Entry is one requirement in one scenario: what is judged, and one row of a report.
type Entry struct {
	Requirement requirement.Requirement
	Scenario    string // Everywhere for what is judged on all
	Labels      []string
	verify      suites.Verification
	Missing     string // a feature that the scenario needs and the target does not claim; empty if there is none
}

type entryKey struct{ requirement, scenario string }

func (e *Entry) key() entryKey { return entryKey{e.Requirement.ID, e.Scenario} }

// Labels are the id, the level, the feature, the chapter and the profiles (as "profile:name") of a requirement.
func labels(r requirement.Requirement) []string {
	out := []string{r.ID, string(r.Level), r.Feature, r.Chapter()}
	for _, p := range r.Profiles() {
		out = append(out, "profile:"+p)
	}
	return out
}

// plan is the selection of a session. It is not changed after it is made.
type plan struct {
	catalogue *requirement.Catalogue
	scenarios []suites.Scenario // to be driven, but for those that need what is not claimed
	entries   []Entry
	asked     []asked // what is told of the scenarios without being judged
	drivable  int     // scenarios in the whole table that need nothing but what is claimed
	claims    map[string]bool
	selected  func(requirement.Requirement) bool
}

func newPlan(o Options, claims []string) (*plan, error) {
	p := &plan{catalogue: requirement.Load(), claims: map[string]bool{}}
	for _, c := range claims {
		if _, ok := p.catalogue.Features[c]; !ok {
			return nil, usage("the target claims the feature %q, which the catalogue does not have", c)
		}
		p.claims[c] = true
	}
	focus, err := p.focus(o.Focus)
	if err != nil {
		return nil, err
	}
	profile, err := findProfile(o.Profile)
	if err != nil {
		return nil, err
	}
	p.selected = func(r requirement.Requirement) bool {
		return (len(o.Focus) == 0 || focus[r.ID]) && (profile == nil || profile.Contains(r)) &&
			(o.Labels == nil || o.Labels(labels(r)))
	}
	if err := p.known(o.Known); err != nil {
		return nil, err
	}
	fits, err := scenarioFilter(o.Scenarios)
	if err != nil {
		return nil, err
	}
	// What is judged on every history needs every scenario.
	var global []Entry
	for _, v := range suites.Everywhere() {
		if e := p.entry(v, Everywhere, ""); p.selected(e.Requirement) {
			global = append(global, e)
		}
	}
	for _, sc := range suites.All() {
		missing := ""
		for _, f := range sc.Needs {
			if !p.claims[f] && missing == "" {
				missing = f
			}
		}
		if missing == "" {
			p.drivable++
		}
		if !fits(sc.Name) {
			continue
		}
		chosen := len(global) > 0
		for _, v := range sc.Verify {
			if e := p.entry(v, sc.Name, missing); p.selected(e.Requirement) {
				p.entries = append(p.entries, e)
				chosen = true
			}
		}
		for _, r := range sc.Read {
			if about, ok := p.catalogue.Lookup(r.Requirement); ok && p.selected(about) {
				p.asked = append(p.asked, asked{r, sc.Name, missing})
				chosen = true
			}
		}
		if chosen && missing == "" {
			p.scenarios = append(p.scenarios, sc)
		}
	}
	p.entries = append(p.entries, global...)
	if len(p.entries)+len(p.asked) == 0 {
		return nil, usage("nothing is selected: no check judges any requirement that fits; see `sequitur conform --list`")
	}
	return p, nil
}

func (p *plan) entry(v suites.Verification, scenario, missing string) Entry {
	r, ok := p.catalogue.Lookup(v.Requirement)
	if !ok {
		panic("conformance: " + scenario + " verifies " + v.Requirement + ", which the catalogue does not have")
	}
	return Entry{Requirement: r, Scenario: scenario, Labels: labels(r), verify: v, Missing: missing}
}

func (p *plan) focus(patterns []string) (map[string]bool, error) {
	ids := map[string]bool{}
	for _, pattern := range patterns {
		matched := p.catalogue.Match(pattern)
		if len(matched) == 0 {
			return nil, usage("no requirement fits %q%s (`sequitur requirements` lists them)", pattern, p.catalogue.DidYouMean(pattern))
		}
		for _, r := range matched {
			ids[r.ID] = true
		}
	}
	return ids, nil
}

func findProfile(name string) (*requirement.Profile, error) {
	if name == "" {
		return nil, nil
	}
	var names []string
	for _, p := range requirement.Profiles() {
		if strings.EqualFold(p.Name, name) {
			return &p, nil
		}
		names = append(names, p.Name)
	}
	return nil, usage("there is no profile %q: expected one of %s", name, strings.Join(names, ", "))
}

func scenarioFilter(patterns []string) (func(string) bool, error) {
	for _, pattern := range patterns {
		hit := false
		for _, sc := range suites.All() {
			ok, err := path.Match(pattern, sc.Name)
			if err != nil {
				return nil, usage("scenario pattern %q: %v", pattern, err)
			}
			hit = hit || ok
		}
		if !hit {
			return nil, usage("no scenario fits %q (`sequitur conform --list` lists them)", pattern)
		}
	}
	return func(name string) bool {
		return len(patterns) == 0 || slices.ContainsFunc(patterns, func(pattern string) bool {
			ok, err := path.Match(pattern, name)
			return ok && err == nil
		})
	}, nil
}

// known refuses patterns of known failures that fit nothing.
func (p *plan) known(list []Known) error {
	for _, k := range list {
		if len(p.catalogue.Match(k.Pattern)) == 0 {
			return usage("known failure %q fits no requirement", k.Pattern)
		}
	}
	return nil
}

// excuse returns what is known of the failure of a requirement; nil if nothing is.
func (p *plan) excuse(list []Known, id string) *Known {
	for i, k := range list {
		for _, r := range p.catalogue.Match(k.Pattern) {
			if r.ID == id {
				return &list[i]
			}
		}
	}
	return nil
}

// shuffled gives the scenarios in an order that depends on the seed alone, so that none comes to rely on another; the slow
// ones come first.
func (p *plan) shuffled(seed int64) []suites.Scenario {
	out := slices.Clone(p.scenarios)
	r := rand.New(rand.NewPCG(uint64(seed), 0))
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	slices.SortStableFunc(out, func(a, b suites.Scenario) int {
		switch {
		case a.Slow && !b.Slow:
			return -1
		case b.Slow && !a.Slow:
			return 1
		}
		return 0
	})
	return out
}

// unjudged gives a row, with the reason, for every requirement that has no entry.
func (p *plan) unjudged() []reports.Result {
	has := map[string]bool{}
	for _, e := range p.entries {
		has[e.Requirement.ID] = true
	}
	checked := map[string]bool{}
	for _, sc := range suites.All() {
		for _, v := range sc.Verify {
			checked[v.Requirement] = true
		}
	}
	for _, v := range suites.Everywhere() {
		checked[v.Requirement] = true
	}
	var out []reports.Result
	for _, r := range p.catalogue.Requirements {
		if has[r.ID] {
			continue
		}
		row := rowOf(r)
		row.Verdict = verdict.Untested
		switch {
		case r.Unobservable != "":
			row.Excused, row.Reason = true, r.Unobservable
		case checked[r.ID]:
			row.Reason = "not selected"
		default:
			row.Reason = "no check judges it yet"
		}
		row.Message = row.Reason
		out = append(out, row)
	}
	return out
}

func rowOf(r requirement.Requirement) reports.Result {
	return reports.Result{Requirement: r.ID, Level: string(r.Level), Feature: r.Feature, Profiles: r.Profiles(),
		Statement: r.Statement, Source: r.Source, Provisional: r.Provisional}
}
