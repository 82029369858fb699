package requirement

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// version is the format of the catalogue that Parse reads.
const version = 1

var idSyntax = regexp.MustCompile(`^[A-Z]{2,4}-[0-9]{3}$`)

// Parse reads a catalogue strictly: unknown fields, an unknown level, feature or chapter, a malformed or repeated id, and
// an empty statement, source or way of judging are errors. An error names every problem with name and line.
func Parse(name string, data []byte) (*Catalogue, error) {
	var c Catalogue
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: empty: expected a catalogue of requirements", name)
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: expected one YAML document, found more", name)
	}
	// Decoded a second time, for the sake of the line numbers.
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := problems{name: name}
	top := root.Content[0]

	if c.Version != version {
		p.add(lineOf(top, "version"), "version is %d: expected %d", c.Version, version)
	}
	if _, ok := c.Features[Core]; !ok {
		p.add(lineOf(top, "features"), "features lacks %q", Core)
	}
	if len(c.Requirements) == 0 {
		p.add(lineOf(top, "requirements"), "no requirements")
	}
	c.byID = make(map[string]int, len(c.Requirements))
	for i, r := range c.Requirements {
		node := row(top, i)
		p.check(&c, r, node)
		if first, ok := c.byID[r.ID]; ok {
			p.add(lineOf(node, "id"), "%s occurs twice: first in line %d", r.ID, lineOf(row(top, first), "id"))
			continue
		}
		c.byID[r.ID] = i
	}
	if len(p.found) > 0 {
		return nil, errors.Join(p.found...)
	}
	return &c, nil
}

// problems collects what is wrong, so that an author sees everything at once.
type problems struct {
	name  string
	found []error
}

func (p *problems) add(line int, format string, args ...any) {
	p.found = append(p.found, fmt.Errorf("%s:%d: %s", p.name, line, fmt.Sprintf(format, args...)))
}

func (p *problems) check(c *Catalogue, r Requirement, node *yaml.Node) {
	if !idSyntax.MatchString(r.ID) {
		p.add(lineOf(node, "id"), "id %q: expected a chapter, a hyphen and three digits, as in SEQ-001", r.ID)
	} else if _, ok := c.Chapters[r.Chapter()]; !ok {
		p.add(lineOf(node, "id"), "%s: chapter %s is not in chapters", r.ID, r.Chapter())
	}
	if !slices.Contains(Levels(), r.Level) {
		p.add(lineOf(node, "level"), "%s: unknown level %q: expected one of %v", r.ID, r.Level, Levels())
	}
	if _, ok := c.Features[r.Feature]; !ok {
		p.add(lineOf(node, "feature"), "%s: feature %q is not in features", r.ID, r.Feature)
	}
	for _, field := range []struct{ name, value string }{
		{"statement", r.Statement}, {"source", r.Source}, {"how", r.How},
	} {
		if strings.TrimSpace(field.value) == "" {
			p.add(lineOf(node, field.name), "%s: %s is empty", r.ID, field.name)
		}
	}
	for _, issue := range r.Issues {
		if u, err := url.Parse(issue); err != nil || u.Scheme != "https" || u.Host == "" {
			p.add(lineOf(node, "issues"), "%s: issue %q: expected an https address", r.ID, issue)
		}
	}
}

// row returns the node of a requirement, or one without a line if YAML's merge keys brought it in from elsewhere.
func row(top *yaml.Node, i int) *yaml.Node {
	if rows := value(top, "requirements").Content; i < len(rows) {
		return rows[i]
	}
	return &yaml.Node{}
}

// value returns the node at a key of a mapping, or an empty one.
func value(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return &yaml.Node{}
}

// lineOf returns the line of a key's value, or of the mapping where the key is missing.
func lineOf(mapping *yaml.Node, key string) int {
	if line := value(mapping, key).Line; line > 0 {
		return line
	}
	return mapping.Line
}
