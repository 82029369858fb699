package load

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.AssertContent()
	if err := c.AddResource(SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchema(t *testing.T) {
	s := compile(t)
	valid := func(r *Result) error {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(render(t, r, WriteJSON)))
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(doc)
	}
	least := &Result{Verdict: Interrupted, Run: Run{Driver: "closed 4"}, Search: &Search{}, Sweep: &Sweep{}}
	for _, r := range []*Result{sample(), searched(), swept(), least} {
		if err := valid(r); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(*Result)
	}{
		{"verdict", func(r *Result) { r.Verdict = "perfect" }},
		{"verdict of a trial", func(r *Result) { r.Search.Trials[0].Verdict = "" }},
		{"driver", func(r *Result) { r.Run.Driver = "window" }},
		{"kind of a receiver", func(r *Result) { r.Receivers[0].Kind = "drain" }},
		{"negative time", func(r *Result) { r.Run.Duration = -1 }},
		{"share above 1", func(r *Result) { r.Machine.OtherCPU = 17 }},
		{"histogram", func(r *Result) { r.Delivery.HDR = "§" }},
	} {
		bad := searched()
		c.spoil(bad)
		if valid(bad) == nil {
			t.Errorf("%s: valid, expected an error", c.name)
		}
	}
}

// The schema and the Go types must not drift apart: every field is described, those always written are required, and there
// is nothing else.
func TestSchemaDescribesEveryField(t *testing.T) {
	type object struct {
		Properties map[string]struct {
			Description string
			Ref         string `json:"$ref"`
		}
		Required []string
	}
	var root struct {
		object
		Defs map[string]object `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	for _, value := range []any{
		Result{}, Tool{}, Scenario{}, Target{}, Run{}, Machine{}, Generator{}, Rates{}, Objective{}, Events{}, Receiver{}, Listing{}, Range{}, Order{},
		Latency{}, Waterfall{}, Part{}, Interval{}, Trial{}, Search{}, Sweep{}, Point{},
	} {
		typ := reflect.TypeOf(value)
		described := root.object
		if typ.Name() != "Result" {
			described = root.Defs[strings.ToLower(typ.Name()[:1])+typ.Name()[1:]]
		}
		required := map[string]bool{}
		for _, name := range described.Required {
			required[name] = true
		}
		for _, field := range reflect.VisibleFields(typ) {
			if field.Anonymous {
				continue
			}
			name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			property, ok := described.Properties[name]
			switch {
			case !ok:
				t.Errorf("%v.%s (%q) is not in the schema", typ, field.Name, name)
			case property.Description == "":
				t.Errorf("%v: %q has no description", typ, name)
			case required[name] == (options == "omitempty"):
				t.Errorf("%v: %q is required: %v", typ, name, required[name])
			}
			delete(described.Properties, name)
		}
		for name := range described.Properties {
			t.Errorf("%v has no field for %q of the schema", typ, name)
		}
	}
}
