package scenario

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sequitur-dev/sequitur/fixtures/api"
)

// Object is one manifest, ready to be applied.
type Object struct {
	Ref      api.Ref
	Manifest []byte // JSON
}

// located is an error of one field of the scenario.
type located struct {
	path string
	err  error
}

func (l *located) Error() string { return l.path + ": " + l.err.Error() }

// Objects are the manifests of the topology, in order, with their placeholders filled: $ns is the namespace, $NAME the URI
// of a receiver, $i the index in repeated manifests, $i%N its remainder. Those without a namespace are given ns.
func (s *Scenario) Objects(ns string, uri func(receiver string, index int) string) ([]Object, error) {
	return s.some(ns, uri, func(count int) []int {
		all := make([]int, count)
		for i := range all {
			all[i] = i
		}
		return all
	})
}

// some are the objects with some of the indices that repeated manifests have.
func (s *Scenario) some(ns string, uri func(string, int) string, indices func(count int) []int) ([]Object, error) {
	var all []Object
	add := func(path, text string, index int) error {
		objects, err := s.objects(text, ns, index, uri)
		if err != nil {
			return &located{path, err}
		}
		all = append(all, objects...)
		return nil
	}
	if s.Topology.File != "" {
		text, err := os.ReadFile(s.Beside(s.Topology.File))
		if err != nil {
			return nil, &located{"topology.file", err}
		}
		if err := add("topology.file", string(text), -1); err != nil {
			return nil, err
		}
	}
	if err := add("topology.manifests", s.Topology.Manifests, -1); err != nil {
		return nil, err
	}
	for i, r := range s.Topology.Repeated {
		for _, index := range indices(r.Count) {
			if err := add(fmt.Sprintf("topology.repeated[%d].manifests", i), r.Manifests, index); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func (s *Scenario) objects(text, ns string, index int, uri func(string, int) string) ([]Object, error) {
	text, err := s.fill(text, ns, index, uri)
	if err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var all []Object
	for n := 1; ; n++ {
		var m map[string]any
		err := decoder.Decode(&m)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("manifest %d is no YAML mapping: %s", n, strings.TrimPrefix(err.Error(), "yaml: "))
		}
		if m == nil {
			continue
		}
		o, err := object(m, ns)
		if err != nil {
			return nil, fmt.Errorf("manifest %d: %w", n, err)
		}
		all = append(all, o)
	}
}

func object(m map[string]any, ns string) (Object, error) {
	meta, _ := m["metadata"].(map[string]any)
	apiVersion, _ := m["apiVersion"].(string)
	kind, _ := m["kind"].(string)
	name, _ := meta["name"].(string)
	for _, f := range [...]struct{ field, value string }{{"apiVersion", apiVersion}, {"kind", kind}, {"metadata.name", name}} {
		if f.value == "" {
			return Object{}, fmt.Errorf("%s is missing, or no text", f.field)
		}
	}
	if given, ok := meta["namespace"].(string); ok {
		ns = given
	} else {
		meta["namespace"] = ns
	}
	data, err := json.Marshal(m)
	return Object{api.Ref{APIVersion: apiVersion, Kind: kind, Namespace: ns, Name: name}, data}, err
}

// fill replaces placeholders; index is -1 outside of repeated manifests.
func (s *Scenario) fill(text, ns string, index int, uri func(string, int) string) (string, error) {
	var problem error
	text = placeholder.ReplaceAllStringFunc(text, func(m string) string {
		parts := placeholder.FindStringSubmatch(m)
		name := parts[1]
		switch {
		case m == "$$":
			return "$"
		case name == "ns":
			return ns + strings.TrimPrefix(m, "$ns")
		case name == "i" && index >= 0:
			n := uint64(index)
			if parts[2] != "" {
				by, err := strconv.ParseUint(parts[2], 10, 64)
				if err != nil || by == 0 {
					problem = fmt.Errorf("%s: expected a remainder by a positive number", m)
					return ""
				}
				n %= by
			}
			return strconv.FormatUint(n, 10)
		case name == "i":
			problem = fmt.Errorf("%s: only repeated manifests have an index", m)
			return ""
		}
		r := s.receiver(name)
		switch {
		case r == nil:
			problem = fmt.Errorf("%s: there is no receiver of this name%s; $$ is a dollar sign", m, suggest(name, s.receiverNames()))
			return ""
		case r.Count == 1:
			return uri(name, 0) + strings.TrimPrefix(m, "$"+name)
		case index < 0:
			problem = fmt.Errorf("%s: there are %d of this receiver: expected in topology.repeated", m, r.Count)
			return ""
		case index >= r.Count:
			problem = fmt.Errorf("%s: there are %d of this receiver and more of the manifests", m, r.Count)
			return ""
		}
		return uri(name, index) + strings.TrimPrefix(m, "$"+name)
	})
	return text, problem
}
