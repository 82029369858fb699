package scenario

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sequitur-dev/sequitur/fixtures/api"
	"github.com/sequitur-dev/sequitur/fixtures/event"
)

//go:embed builtin
var builtin embed.FS

//go:embed scenario.schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of a scenario. It is closed, as the decoder is.
func Schema() []byte { return slices.Clone(schema) }

// Names are those of the built-in scenarios, sorted.
func Names() []string {
	entries, _ := builtin.ReadDir("builtin") // embedded: it is there
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// Text is the YAML of a built-in scenario.
func Text(name string) ([]byte, error) {
	data, err := builtin.ReadFile("builtin/" + name + ".yaml")
	if err != nil && isFile(name) {
		return nil, fmt.Errorf("%s is a file: expected the name of a built-in scenario, one of %s", name, strings.Join(Names(), ", "))
	}
	if err != nil {
		return nil, unknownName(name)
	}
	return data, nil
}

func unknownName(name string) error {
	if near := api.Nearest(name, Names()); near != "" {
		return fmt.Errorf("no scenario %q, did you mean %q? A file of one's own ends in .yaml", name, near)
	}
	return fmt.Errorf("no scenario %q: expected a file that ends in .yaml, or one of %s", name, strings.Join(Names(), ", "))
}

// source is where a scenario comes from, so that With can read it again.
type source struct {
	file string // for messages, and where relative files are looked for
	data []byte
	sets []string
}

// Load reads a built-in scenario by its name, or a file: what ends in .yaml, .yml or .json or has a slash. Each set is
// PATH=VALUE and puts a value, in YAML, into the place of what the file has there. The error is api.Errors if the scenario
// is at fault: all its problems, each with its line and field.
func Load(nameOrFile string, sets ...string) (*Scenario, error) {
	src := source{file: nameOrFile}
	var err error
	if isFile(nameOrFile) {
		src.data, err = os.ReadFile(nameOrFile)
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = fmt.Errorf("%s: %w", nameOrFile, pe.Err)
		}
	} else {
		src.data, err = Text(nameOrFile)
	}
	if err != nil {
		return nil, err
	}
	return src.scenario(sets)
}

// Parse reads a scenario; the file is its name for messages, and relative files are looked for beside it.
func Parse(file string, data []byte, sets ...string) (*Scenario, error) {
	return source{file: file, data: data}.scenario(sets)
}

func isFile(name string) bool {
	return strings.ContainsRune(name, '/') || slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name))
}

// With returns the scenario with further sets.
func (s *Scenario) With(sets ...string) (*Scenario, error) { return s.source.scenario(sets) }

// YAML is the scenario as it was read, without the sets.
func (s *Scenario) YAML() []byte { return slices.Clone(s.source.data) }

// Sets are those that the scenario was changed by.
func (s *Scenario) Sets() []string { return slices.Clone(s.source.sets) }

func (src source) scenario(sets []string) (*Scenario, error) {
	src.sets = slices.Concat(src.sets, sets)
	s, err := src.decode()
	if err != nil {
		return nil, err
	}
	for _, v := range s.Sweep.Values {
		swept := src
		swept.sets = append(slices.Clone(src.sets), "sweep=", s.Sweep.Path+"="+v)
		if _, err := swept.decode(); err != nil {
			return nil, fmt.Errorf("sweep over %s: %w", s.Sweep.Path, err)
		}
	}
	return s, nil
}

func (src source) decode() (*Scenario, error) {
	d := &decoder{file: src.file, sets: src.sets}
	root := d.document(src.data)
	if err := d.err(); err != nil {
		return nil, err
	}
	for i, set := range src.sets {
		d.set(root, i, set)
	}
	s := &Scenario{source: src, root: root, Name: strings.TrimSuffix(filepath.Base(src.file), filepath.Ext(src.file))}
	d.structure(root, reflect.ValueOf(s).Elem(), "")
	if len(d.errs) == 0 {
		s.defaults()
		s.check(d)
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	return s, nil
}

var pathPart = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9]*)((?:\[[0-9]+\])*)$`)

// SplitSet parts PATH=VALUE.
func SplitSet(set string) (path, value string, err error) {
	path, value, ok := strings.Cut(set, "=")
	if !ok || path == "" {
		return "", "", fmt.Errorf("%q: expected PATH=VALUE, as in events.size=10KiB", set)
	}
	for _, part := range strings.Split(path, ".") {
		if !pathPart.MatchString(part) {
			return "", "", fmt.Errorf("%q: %q is no path: expected names with dots between, as in events.size or arrival.steps[0].times", set, path)
		}
	}
	return path, value, nil
}

// set puts a value into the tree. Its line is -1 - i, from which messages tell that it comes from set number i.
func (d *decoder) set(root *yaml.Node, i int, set string) {
	line := -1 - i
	at := &yaml.Node{Line: line}
	path, text, err := SplitSet(set)
	if err != nil {
		d.fail(at, "", "%s", err)
		return
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		d.fail(at, path, "the value is no YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return
	}
	value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	if len(doc.Content) > 0 {
		if value = d.plain(doc.Content[0], path, 0); value == nil {
			return
		}
	}
	relocate(value, line)
	n := root
	var before string
	for _, part := range strings.Split(path, ".") {
		m := pathPart.FindStringSubmatch(part)
		n = child(n, m[1], line)
		before = join(before, m[1])
		if n == nil {
			d.fail(at, before, "there is no mapping at this place")
			return
		}
		for _, index := range strings.FieldsFunc(m[2], func(r rune) bool { return r == '[' || r == ']' }) {
			j, _ := strconv.Atoi(index)
			if n.Kind != yaml.SequenceNode || j >= len(n.Content) {
				d.fail(at, before, "there is no element %s", index)
				return
			}
			n, before = n.Content[j], before+"["+index+"]"
		}
	}
	*n = *value
}

func relocate(n *yaml.Node, line int) {
	n.Line = line
	for _, c := range n.Content {
		relocate(c, line)
	}
}

// child returns the value of a key, which it makes if there is none; nil if n is no mapping and something.
func child(n *yaml.Node, key string, line int) *yaml.Node {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		*n = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: line}
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: line}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key, Line: line}, value)
	return value
}

// The forms that texts have in YAML.

func enum[T ~string](d *decoder, n *yaml.Node, path string, to *T, known ...T) {
	text, ok := d.text(n, path)
	if !ok {
		return
	}
	if !slices.Contains(known, T(text)) {
		names := make([]string, len(known))
		for i, k := range known {
			names[i] = string(k)
		}
		d.fail(n, path, "unknown %q%s", shorten(text), suggest(text, names))
	}
	*to = T(text)
}

func (r *Role) parse(d *decoder, n *yaml.Node, path string) {
	enum(d, n, path, r, Step, Sink, DeadLetter)
}

func (m *Mode) parse(d *decoder, n *yaml.Node, path string) {
	enum(d, n, path, m, Binary, Structured, Batch)
}

func (s *Shape) parse(d *decoder, n *yaml.Node, path string) {
	enum(d, n, path, s, Constant, Poisson, Ramp, Sine, Steps, Replay)
}

func (v *Driver) parse(d *decoder, n *yaml.Node, path string) {
	text, ok := d.text(n, path)
	if !ok {
		return
	}
	parsed, err := ParseDriver(text)
	if err != nil {
		d.fail(n, path, "%s", err)
	}
	*v = parsed
}

// ParseDriver reads open, window=N or closed=C.
func ParseDriver(text string) (Driver, error) {
	kind, number, has := strings.Cut(text, "=")
	v := Driver{Kind: DriverKind(kind)}
	switch v.Kind {
	case Open:
		if !has {
			return v, nil
		}
	case Window, Closed:
		n, err := strconv.Atoi(number)
		if has && err == nil && n >= 1 && n <= 100_000 {
			v.N = n
			return v, nil
		}
	}
	return v, fmt.Errorf("%q: expected open, window=N (at most N events between sending and the last receipt) or closed=C (C callers "+
		"that wait for the answer), with a number from 1 to 100000", shorten(text))
}

var receiverName = regexp.MustCompile(`^[a-z][a-z0-9]{0,30}$`)

func (rs *Receivers) parse(d *decoder, n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "expected a mapping from names to receivers, found %s", api.Shape(n))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		where := join(path, key.Value)
		if !receiverName.MatchString(key.Value) || slices.Contains([]string{"ns", "i", "ingress"}, key.Value) {
			d.fail(key, where, "a receiver's name has lower-case letters and digits, and is none of ns, i, ingress")
			continue
		}
		r := Receiver{Name: key.Value}
		d.value(n.Content[i+1], reflect.ValueOf(&r).Elem(), where)
		*rs = append(*rs, r)
	}
}

// The extensions of the harness's own: the identity of an event beside the attribute id, and where several processes send, when
// the event was due and when it was sent, in nanoseconds since the run's epoch.
const (
	ExtensionID   = "loadid"
	ExtensionDue  = "loaddue"
	ExtensionSent = "loadsent"
)

func (as *Attributes) parse(d *decoder, n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "expected a mapping from names to values, found %s", api.Shape(n))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		where := join(path, key.Value)
		switch {
		case !event.ValidName(key.Value) || key.Value == "data":
			d.fail(key, where, "the name of an attribute has lower-case letters and digits only")
			continue
		case slices.Contains([]string{"id", "specversion", ExtensionID, ExtensionDue, ExtensionSent}, key.Value):
			d.fail(key, where, "this attribute is the harness's own, by which it knows its events")
			continue
		case key.Value == "type":
			d.fail(key, where, "expected in events.type")
			continue
		case key.Value == "datacontenttype":
			d.fail(key, where, "expected in events.contentType")
			continue
		}
		a := Attribute{Name: key.Value}
		a.Value.parse(d, n.Content[i+1], where)
		*as = append(*as, a)
	}
}

// Sweep is a field and the values that it takes in turn. Its zero value is none.
type Sweep struct {
	Path   string
	Values []string
}

func (s *Sweep) parse(d *decoder, n *yaml.Node, path string) {
	text, ok := d.text(n, path)
	if !ok || text == "" {
		return
	}
	parsed, err := ParseSweep(text)
	if err != nil {
		d.fail(n, path, "%s", err)
	}
	*s = parsed
}

// ParseSweep reads PATH=VALUE,VALUE,… or PATH=FROM..TO, which goes by 1, 2, 5, 10, … from one to the other. The path rate is
// short for arrival.rate.
func ParseSweep(text string) (Sweep, error) {
	path, values, err := SplitSet(text)
	if err != nil {
		return Sweep{}, fmt.Errorf("%q: expected PATH=VALUE,VALUE,… or PATH=FROM..TO, as in rate=100..10000", shorten(text))
	}
	if path == "rate" {
		path = "arrival.rate"
	}
	s := Sweep{Path: path}
	if from, to, ok := strings.Cut(values, ".."); ok {
		a, err1 := strconv.ParseFloat(from, 64)
		b, err2 := strconv.ParseFloat(to, 64)
		if err1 != nil || err2 != nil || !(a > 0 && b > a && b/a < 1e9) {
			return Sweep{}, fmt.Errorf("%q: expected two positive numbers, the smaller first, as in rate=100..10000", shorten(text))
		}
		s.Values = []string{number(a)}
		for decade := 1e-9; decade < b; decade *= 10 {
			for _, m := range [...]float64{1, 2, 5} {
				if v := m * decade; v > a*1.0001 && v < b*0.9999 {
					s.Values = append(s.Values, number(v))
				}
			}
		}
		s.Values = append(s.Values, number(b))
		return s, nil
	}
	for _, v := range strings.Split(values, ",") {
		if v = strings.TrimSpace(v); v == "" {
			return Sweep{}, fmt.Errorf("%q: an empty value in the list", shorten(text))
		}
		s.Values = append(s.Values, v)
	}
	return s, nil
}

// number writes six significant digits, without an exponent.
func number(v float64) string {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	return strconv.FormatFloat(v, 'f', -1, 64)
}
