// Package requirement holds the catalogue: every statement that Sequitur judges, with its level, its source and the way
// it is judged. The catalogue is data (requirements.yaml, embedded); this package reads it strictly and finds rows in it.
package requirement

import (
	"cmp"
	_ "embed"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed requirements.yaml
var embedded []byte

// Level says how binding a requirement is.
type Level string

// The levels. The first three have their meaning from RFC 2119 and come from a public specification.
const (
	Must    Level = "MUST"
	Should  Level = "SHOULD"
	May     Level = "MAY"
	DeFacto Level = "DE-FACTO" // no specification says so; Knative's own implementation does, and users build on it
)

// Levels lists the levels, the most binding first.
func Levels() []Level { return []Level{Must, Should, May, DeFacto} }

// meaning is one sentence about a level, for people.
func (l Level) meaning() string {
	switch l {
	case Must:
		return "the public specification demands it"
	case Should:
		return "the public specification recommends it"
	case May:
		return "the public specification permits it"
	case DeFacto:
		return "no specification text; Knative's own implementation behaves so and users build on it"
	}
	return "unknown level"
}

// Core is the feature that is not optional.
const Core = "core"

// Requirement is one testable statement.
type Requirement struct {
	ID        string `yaml:"id" json:"id"`               // such as SEQ-013; never renumbered, never used again
	Level     Level  `yaml:"level" json:"level"`         // how binding it is
	Feature   string `yaml:"feature" json:"feature"`     // Core, or what a target may claim
	Statement string `yaml:"statement" json:"statement"` // one sentence
	Source    string `yaml:"source" json:"source"`       // where it comes from; places separated by "; "
	How       string `yaml:"how" json:"how"`             // how a black box judges it, and a mutant that it must notice

	// Issues are the addresses of public reports of real defects that this requirement catches.
	Issues []string `yaml:"issues" json:"issues,omitempty"`
	// Provisional requirements are judged and reported, but not counted.
	Provisional bool `yaml:"provisional" json:"provisional,omitempty"`
	// Unobservable is the reason why a black box cannot judge the requirement; empty if it can.
	Unobservable string `yaml:"unobservable" json:"unobservable,omitempty"`
}

// Chapter is the part of the id before the hyphen, such as SEQ.
func (r Requirement) Chapter() string {
	chapter, _, _ := strings.Cut(r.ID, "-")
	return chapter
}

// Mutant says what a broken implementation would do, and is empty if the catalogue names no such thing.
func (r Requirement) Mutant() string {
	_, mutant := r.splitHow()
	return mutant
}

// splitHow parts the way of judging from the mutant.
func (r Requirement) splitHow() (how, mutant string) {
	how, mutant, _ = strings.Cut(r.How, "Mutant: ")
	how, mutant = strings.TrimSpace(how), strings.TrimSpace(mutant)
	if mutant == "none." {
		mutant = ""
	}
	return how, mutant
}

// Catalogue is the list of requirements and what is needed to read it. A Catalogue is not changed after it was read, and
// may be used by several goroutines.
type Catalogue struct {
	Version      int               `yaml:"version" json:"version"`
	Basis        map[string]string `yaml:"basis" json:"basis"`       // repository -> the commit that sources refer to
	Features     map[string]string `yaml:"features" json:"features"` // name -> what claiming it means
	Chapters     map[string]string `yaml:"chapters" json:"chapters"` // id -> title
	Requirements []Requirement     `yaml:"requirements" json:"requirements"`

	byID map[string]int
}

var load = sync.OnceValue(func() *Catalogue {
	c, err := Parse("requirements.yaml", embedded)
	if err != nil {
		panic("requirement: the embedded catalogue is broken: " + err.Error())
	}
	return c
})

// Load returns the embedded catalogue. It is read once and shared: do not change it. Load panics only if the embedded
// file is broken, which a test of this package excludes.
func Load() *Catalogue { return load() }

// Lookup finds a requirement by its id, upper or lower case.
func (c *Catalogue) Lookup(id string) (Requirement, bool) {
	i, ok := c.byID[strings.ToUpper(id)]
	if !ok {
		return Requirement{}, false
	}
	return c.Requirements[i], true
}

// Match returns the requirements whose id fits a pattern, in the order of the catalogue. A pattern is an id or a glob as
// in path.Match ("DLV-*", "SEQ-00[1-9]"), upper or lower case. One that fits nothing, or is malformed, gives nil: the
// caller must treat that as an error of the user, see DidYouMean.
func (c *Catalogue) Match(pattern string) []Requirement {
	pattern = strings.ToUpper(strings.TrimSpace(pattern))
	var found []Requirement
	for _, r := range c.Requirements {
		if ok, err := path.Match(pattern, r.ID); err != nil {
			return nil
		} else if ok {
			found = append(found, r)
		}
	}
	return found
}

var looseID = regexp.MustCompile(`^([A-Z]+)[-_ ]*([0-9]{1,4})$`)

// DidYouMean is the end of a message about a pattern that fits nothing: "; did you mean SEQ-001?", or empty if nothing is near.
func (c *Catalogue) DidYouMean(pattern string) string {
	near := c.suggest(pattern)
	if len(near) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(near, ", ") + "?"
}

// suggest returns at most three ids that look like the given one, the nearest first, or the pattern of the chapter that it
// names.
func (c *Catalogue) suggest(id string) []string {
	id = strings.ToUpper(strings.TrimSpace(id))
	if m := looseID.FindStringSubmatch(id); m != nil {
		number, _ := strconv.Atoi(m[2])
		id = m[1] + "-" + pad(number) // SEQ1, seq_01 and SEQ-1 all mean SEQ-001
		if _, ok := c.byID[id]; ok {
			return []string{id}
		}
	}
	if chapter := id + "-*"; len(c.Match(chapter)) > 0 {
		return []string{chapter}
	}
	type candidate struct {
		id       string
		distance int
	}
	var near []candidate
	for _, r := range c.Requirements {
		if d := distance(id, r.ID); d <= 2 {
			near = append(near, candidate{r.ID, d})
		}
	}
	// Stable, so that ids of the same distance stay in the order of the catalogue.
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	var ids []string
	for _, n := range near[:min(3, len(near))] {
		ids = append(ids, n.id)
	}
	return ids
}

func pad(n int) string {
	s := strconv.Itoa(n)
	return strings.Repeat("0", max(0, 3-len(s))) + s
}

// distance is the number of single-byte edits that turn a into b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
