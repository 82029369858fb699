package requirement

import (
	"fmt"
	"regexp"
	"strings"
)

// Explain returns a page of plain text about the requirement: statement, source with addresses where they can be derived,
// how it is judged, what it catches, real defects of that kind, and the questions about it that no verdict answers. Titles
// and commits are those of the embedded catalogue.
func (r Requirement) Explain(open ...Question) string {
	c := Load()
	how, mutant := r.splitHow()
	p := &page{}
	fmt.Fprintf(&p.b, "%s  %s  %s\n\n", r.ID, r.Level, c.Chapters[r.Chapter()])
	p.wrap("  ", "  ", r.Statement)
	p.b.WriteByte('\n')
	p.row("Level", fmt.Sprintf("%s: %s", r.Level, r.Level.meaning()))
	if meaning := c.Features[r.Feature]; meaning != "" {
		p.row("Feature", fmt.Sprintf("%s: %s", r.Feature, meaning))
	} else {
		p.row("Feature", r.Feature)
	}
	for i, place := range strings.Split(r.Source, "; ") {
		p.row(once(i, "Source"), place)
		for _, link := range links(c.Basis, place) {
			p.link(link)
		}
	}
	p.row("Judged by", how)
	p.row("Catches", mutant)
	for i, issue := range r.Issues {
		if i == 0 {
			p.row("Seen in", "public reports of real implementations:")
		}
		p.link(issue)
	}
	if r.Provisional {
		p.row("Status", "provisional: judged and reported, not counted")
	}
	if r.Unobservable != "" {
		p.row("Not judged", r.Unobservable)
	}
	for i, q := range open {
		p.row(once(i, "Readings"), q.Asks+" Known answers: "+strings.Join(q.Known, "; ")+".")
	}
	p.row("Profiles", strings.Join(r.Profiles(), ", "))
	if r.Unobservable == "" || len(open) > 0 {
		p.row("Run it", "sequitur conform --focus "+r.ID)
	}
	return p.b.String()
}

// Question is one that a requirement leaves open, or that implementations answer in several ways: a run tells the answer
// that it sees, and does not judge it.
type Question struct {
	Asks  string
	Known []string // answers
}

func once(i int, label string) string {
	if i == 0 {
		return label
	}
	return ""
}

// page writes labelled paragraphs.
type page struct{ b strings.Builder }

const (
	labelWidth = 12 // of "  Not judged"
	pageWidth  = 96
)

func (p *page) row(label, text string) {
	if text == "" {
		return
	}
	p.wrap(fmt.Sprintf("%-*s", labelWidth, label), strings.Repeat(" ", labelWidth), text)
}

// link is never wrapped, so that it can be clicked and copied.
func (p *page) link(address string) {
	p.b.WriteString(strings.Repeat(" ", labelWidth) + address + "\n")
}

func (p *page) wrap(first, rest, text string) {
	line, empty := first, true
	for word := range strings.FieldsSeq(text) {
		if !empty && len(line)+1+len(word) > pageWidth {
			p.b.WriteString(line + "\n")
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	p.b.WriteString(line + "\n")
}

var (
	// A path, optionally after a repository and a release branch: "knative/eventing release-0.8 pkg/apis/x.go #anchor".
	placeSyntax = regexp.MustCompile(`(?:\b(knative-extensions/[\w.-]+|knative/[\w-]+|cloudevents/spec|knative\.dev/pkg) )?(?:(release-[\d.]+) )?` +
		`\b((docs )?(?:specs|docs|pkg|cmd|config|test|cesql|cloudevents|subscriptions|resolver|apis|gcppubsub|eventing|serving)/[\w./-]*\w)(?: #([\w-]+))?`)
	issueSyntax = regexp.MustCompile(`(PR )?(?:([\w.-]+/[\w.-]+))?#(\d+)\b`)
	rfcSyntax   = regexp.MustCompile(`\bRFC (\d+)(?: §([\d.]+\d))?`)
)

// links derives addresses from one place of a source, at the commits of the basis.
func links(basis map[string]string, place string) []string {
	var found []string
	for _, m := range placeSyntax.FindAllStringSubmatch(place, -1) {
		repository, branch, file, docs, anchor := m[1], m[2], m[3], m[4], m[5]
		commit := branch
		if repository == "" {
			repository = home(file)
		}
		if repository == "knative.dev/pkg" {
			repository, commit = "knative/pkg", "main" // a vanity import path; not part of the basis
		}
		if repository == "" {
			continue
		}
		if docs != "" {
			file = "docs/versioned/" + strings.TrimPrefix(file, docs)
		}
		if commit == "" {
			commit = basis[repository]
		}
		if strings.HasPrefix(file, "subscriptions/") {
			commit = basis["cloudevents/spec-subscriptions"]
		}
		if commit == "" {
			continue
		}
		kind := "tree"
		if base := file[strings.LastIndexByte(file, '/')+1:]; strings.Contains(base, ".") {
			kind = "blob"
		}
		link := fmt.Sprintf("https://github.com/%s/%s/%s/%s", repository, kind, commit, file)
		if anchor != "" {
			link += "#" + anchor
		}
		found = append(found, link)
	}
	for _, m := range issueSyntax.FindAllStringSubmatch(place, -1) {
		kind, repository := "issues", m[2]
		if m[1] != "" {
			kind = "pull"
		}
		if repository == "" {
			repository = "knative/eventing"
		}
		found = append(found, fmt.Sprintf("https://github.com/%s/%s/%s", repository, kind, m[3]))
	}
	for _, m := range rfcSyntax.FindAllStringSubmatch(place, -1) {
		link := "https://www.rfc-editor.org/rfc/rfc" + m[1]
		if m[2] != "" {
			link += "#section-" + m[2]
		}
		found = append(found, link)
	}
	return found
}

// home is the repository of a path that names none, by the rules in the head of requirements.yaml.
func home(file string) string {
	switch top, _, _ := strings.Cut(file, "/"); top {
	case "specs":
		return "knative/specs"
	case "pkg", "cmd", "config", "test":
		return "knative/eventing"
	case "docs eventing", "docs serving":
		return "knative/docs"
	case "cesql", "cloudevents":
		return "cloudevents/spec"
	}
	return ""
}
