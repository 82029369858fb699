package requirement

import (
	"path"
	"slices"
)

// Profile is a named set of requirements, for those who implement or need only a part.
//
// A requirement belongs to a profile if no pattern in Without fits its id, and either a pattern in With does, or its
// chapter is one of Chapters and its feature one of Features. An empty Chapters or Features means all of them.
// Requirements of the feature core are not optional, so each profile with Features names core. A requirement may belong
// to several profiles, and belongs to "full" always.
type Profile struct {
	Name     string   `json:"name"`
	Summary  string   `json:"summary"` // one line for people
	Chapters []string `json:"chapters,omitempty"`
	Features []string `json:"features,omitempty"`
	With     []string `json:"with,omitempty"`    // patterns of ids that belong to it too
	Without  []string `json:"without,omitempty"` // patterns of ids that do not
}

// Profiles lists the profiles in the order of reports, "full" last. Each call returns a fresh list.
func Profiles() []Profile {
	return []Profile{
		{
			Name:     "sequence",
			Summary:  "Sequence, with CloudEvents at its address and its status",
			Chapters: []string{"SEQ", "CE", "STA"},
			Features: []string{Core, "Sequence", "KnativeTopology", "DurableDelivery", "AsyncIngress", "CloudEvents03"},
			With:     []string{"ORD-001", "ORD-006", "LEG-001"},
			Without:  []string{"STA-012"}, // the status of a Parallel
		},
		{
			Name:     "parallel",
			Summary:  "Parallel, with CloudEvents at its address and its status",
			Chapters: []string{"PAR", "CE", "STA"},
			Features: []string{Core, "Parallel", "KnativeTopology", "CloudEvents03"},
			With:     []string{"ORD-001"},
			Without:  []string{"STA-010"}, // the status of a Sequence
		},
		{
			Name:     "broker",
			Summary:  "Broker and Trigger with their filters, CloudEvents and status",
			Chapters: []string{"BRK", "TRG", "FLT", "CE", "STA"},
			With:     []string{"LEG-003"},
			Without:  flowStatus,
		},
		{
			Name:     "channel",
			Summary:  "Channel and Subscription, CloudEvents and status",
			Chapters: []string{"CHN", "SUB", "CE", "STA"},
			With:     []string{"LEG-004"},
			Without:  flowStatus,
		},
		{
			Name:     "delivery",
			Summary:  "attempts, back-off, timeout, dead letters, replies, order, headers and traces",
			Chapters: []string{"DLV", "ORD", "OBS"},
			With:     []string{"SEC-007"},
		},
		{
			Name:     "sources",
			Summary:  "PingSource and SinkBinding",
			Chapters: []string{"SRC"},
			With:     []string{"LEG-002"},
		},
		{
			Name:     "autoscale",
			Summary:  "scaling from and to zero, bursts, overload, restarts",
			Chapters: []string{"AUT"},
		},
		{
			Name:    "full",
			Summary: "everything",
		},
	}
}

// flowStatus are the rows of chapter STA that are about Sequence and Parallel.
var flowStatus = []string{"STA-00[6-9]", "STA-01[0-36]"}

// Contains reports whether a requirement belongs to the profile.
func (p Profile) Contains(r Requirement) bool {
	fits := func(pattern string) bool {
		ok, err := path.Match(pattern, r.ID)
		return err == nil && ok
	}
	switch {
	case slices.ContainsFunc(p.Without, fits):
		return false
	case slices.ContainsFunc(p.With, fits):
		return true
	}
	return (len(p.Chapters) == 0 || slices.Contains(p.Chapters, r.Chapter())) &&
		(len(p.Features) == 0 || slices.Contains(p.Features, r.Feature))
}

// Profiles returns the names of the profiles that a requirement belongs to, in the order of Profiles.
func (r Requirement) Profiles() []string {
	var names []string
	for _, p := range Profiles() {
		if p.Contains(r) {
			names = append(names, p.Name)
		}
	}
	return names
}
