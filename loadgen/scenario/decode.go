package scenario

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/sequitur-dev/sequitur/fixtures/api"
)

const (
	maxFile  = 1 << 20 // bytes of a scenario
	maxNodes = 20_000  // values in it once aliases are replaced
	maxDepth = 30
)

// decoder puts YAML into the types of this package. A problem does not stop it, so that all are told at once.
type decoder struct {
	file  string
	sets  []string // see set
	errs  api.Errors
	nodes int
}

// parser is a value that a text or a special form stands for.
type parser interface {
	parse(d *decoder, n *yaml.Node, path string)
}

func (d *decoder) fail(n *yaml.Node, path, problem string, args ...any) {
	e := &api.Error{File: d.file, Field: path, Problem: fmt.Sprintf(problem, args...)}
	switch {
	case n == nil:
	case n.Line < 0:
		e.File = "--set " + d.sets[-1-n.Line]
	default:
		e.Line = n.Line
	}
	d.errs = append(d.errs, e)
}

func (d *decoder) err() error {
	if len(d.errs) == 0 {
		return nil
	}
	return d.errs
}

// document reads the one document of a file. Lines are those of the file.
func (d *decoder) document(data []byte) *yaml.Node {
	switch {
	case len(data) > maxFile:
		d.fail(nil, "", "%d bytes are more than the %d that a scenario may have", len(data), maxFile)
		return nil
	case !utf8.Valid(data):
		d.fail(nil, "", "not UTF-8: expected a scenario in YAML")
		return nil
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc, more yaml.Node
	err := decoder.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		d.fail(nil, "", "the file is empty: expected a scenario in YAML (`sequitur load show sequence-3` prints one)")
		return nil
	}
	if err == nil {
		if err = decoder.Decode(&more); err == nil {
			d.fail(&more, "", "a second document: expected one scenario in a file")
			return nil
		}
	}
	if !errors.Is(err, io.EOF) {
		d.syntax(err)
		return nil
	}
	root := d.plain(doc.Content[0], "", 0)
	if root != nil && root.Kind != yaml.MappingNode {
		d.fail(root, "", "expected a scenario, a mapping with topology, receivers and so on, found %s", api.Shape(root))
		return nil
	}
	return root
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

func (d *decoder) syntax(err error) {
	m := yamlLine.FindStringSubmatch(err.Error())
	line, _ := strconv.Atoi(m[1])
	text := strings.TrimPrefix(err.Error(), m[0])
	if strings.HasPrefix(text, "did not find expected") && line > 0 {
		line++ // the library's parser, unlike its scanner, counts lines from zero
	}
	d.fail(&yaml.Node{Line: line}, "", "no YAML: %s", text)
}

// plain replaces aliases by copies of what they stand for, so that --set changes one place, and refuses keys given twice.
func (d *decoder) plain(n *yaml.Node, path string, depth int) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	if d.nodes++; d.nodes > maxNodes || depth > maxDepth {
		if len(d.errs) == 0 {
			d.fail(n, path, "too much: expected at most %d values, nested at most %d deep", maxNodes, maxDepth)
		}
		return nil
	}
	c := &yaml.Node{Kind: n.Kind, Tag: n.ShortTag(), Value: n.Value, Line: n.Line, Style: n.Style}
	seen := map[string]int{}
	for i, child := range n.Content {
		where := path
		switch {
		case n.Kind == yaml.SequenceNode:
			where = fmt.Sprintf("%s[%d]", path, i)
		case i%2 == 1:
			where = join(path, n.Content[i-1].Value)
		case child.Kind != yaml.ScalarNode || child.ShortTag() == "!!merge":
			d.fail(child, path, "a key must be a text")
			return nil
		case seen[child.Value] > 0:
			d.fail(child, join(path, child.Value), "given twice, first in line %d", seen[child.Value])
			return nil
		default:
			seen[child.Value] = child.Line
		}
		copied := d.plain(child, where, depth+1)
		if copied == nil {
			return nil
		}
		c.Content = append(c.Content, copied)
	}
	return c
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// value puts a node into a field. Null is absent.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	if n.Tag == "!!null" {
		return
	}
	if p, ok := v.Addr().Interface().(parser); ok {
		p.parse(d, n, path)
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *time.Duration:
		*x = d.duration(n, path)
		return
	case *string:
		*x, _ = d.text(n, path)
		return
	case *float64:
		*x = d.number(n, path)
		return
	}
	switch v.Kind() {
	case reflect.Int, reflect.Int64, reflect.Uint64:
		d.integer(n, v, path)
	case reflect.Bool:
		b := false
		if n.Tag != "!!bool" || n.Decode(&b) != nil {
			d.fail(n, path, "expected true or false, found %s", api.Shape(n))
		}
		v.SetBool(b)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.fail(n, path, "expected a list, found %s", api.Shape(n))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, item := range n.Content {
			d.value(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		panic("scenario: no decoding of " + v.Type().String())
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "expected a mapping with %s, found %s", strings.Join(names(v.Type()), ", "), api.Shape(n))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if f, ok := fields(v.Type())[key.Value]; ok {
			d.value(n.Content[i+1], v.FieldByIndex(f.Index), join(path, key.Value))
			continue
		}
		d.fail(key, join(path, key.Value), "unknown field%s", suggest(key.Value, names(v.Type())))
	}
}

// fields are those of a struct by their names in YAML.
func fields(t reflect.Type) map[string]reflect.StructField {
	all := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("yaml"); name != "" {
			all[name] = f
		}
	}
	return all
}

func names(t reflect.Type) []string { return slices.Sorted(maps.Keys(fields(t))) }

// suggest says which of the names may have been meant, or which there are.
func suggest(got string, known []string) string {
	if best := api.Nearest(got, known); best != "" {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	return ": expected one of " + strings.Join(known, ", ")
}

func (d *decoder) text(n *yaml.Node, path string) (string, bool) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str":
		return n.Value, true
	case n.Kind == yaml.ScalarNode:
		d.fail(n, path, "expected a text, found %s; put it in quotes", api.Shape(n))
	default:
		d.fail(n, path, "expected a text, found %s", api.Shape(n))
	}
	return "", false
}

// scalar is the text of a scalar of any kind, for values with a unit.
func (d *decoder) scalar(n *yaml.Node, path, expected string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		d.fail(n, path, "expected %s, found %s", expected, api.Shape(n))
		return "", false
	}
	return n.Value, true
}

func (d *decoder) integer(n *yaml.Node, v reflect.Value, path string) {
	var i int64
	if (n.Tag != "!!int" && n.Tag != "!!float") || n.Decode(&i) != nil {
		d.fail(n, path, "expected an integer, found %s", api.Shape(n))
		return
	}
	if v.Kind() == reflect.Uint64 {
		if i < 0 {
			d.fail(n, path, "expected an integer that is not negative, found %s", api.Shape(n))
			return
		}
		v.SetUint(uint64(i))
		return
	}
	v.SetInt(i)
}

func (d *decoder) number(n *yaml.Node, path string) float64 {
	var f float64
	if (n.Tag != "!!int" && n.Tag != "!!float") || n.Decode(&f) != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		d.fail(n, path, "expected a number, found %s", api.Shape(n))
		return 0
	}
	return f
}

const wantDuration = "a duration such as 500ms, 30s or 2m"

func (d *decoder) duration(n *yaml.Node, path string) time.Duration {
	text, ok := d.scalar(n, path, wantDuration)
	if !ok {
		return 0
	}
	t, err := time.ParseDuration(text)
	if err != nil || t < 0 {
		d.fail(n, path, "expected %s, found %s", wantDuration, api.Shape(n))
	}
	return t
}

func shorten(s string) string {
	if runes := []rune(s); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return s
}
