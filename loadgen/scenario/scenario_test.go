package scenario

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("scenario", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("scenario")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func asJSON(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestBuiltInScenarios(t *testing.T) {
	want := []string{"broker-filter", "broker-trigger-sequence", "cascade", "dead-letter", "direct", "fan-out-100", "live-stream-burst",
		"ml-pipeline", "parallel-4", "payload-sweep", "retry-storm", "sequence-10", "sequence-3", "slow-consumer", "soak"}
	if got := Names(); !slices.Equal(got, want) {
		t.Errorf("Names() = %v, want %v", got, want)
	}
	schema := compiled(t)
	for _, name := range Names() {
		s, err := Load(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s.Name != name || s.About == "" || len(s.SLO) == 0 {
			t.Errorf("%s: calls itself %q, is about %q, has %d objectives", name, s.Name, s.About, len(s.SLO))
		}
		if err := schema.Validate(asJSON(t, s.YAML())); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBrokerFilterHasAThousandTriggersOfEveryDialect(t *testing.T) {
	s, err := Load("broker-filter")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := s.Objects("ns", func(name string, i int) string { return "http://x/" + name + "/" + itoa(i) })
	if err != nil {
		t.Fatal(err)
	}
	triggers := 0
	dialects := map[string]bool{}
	for _, o := range objects {
		if o.Ref.Kind != "Trigger" {
			continue
		}
		triggers++
		var m struct {
			Spec struct {
				Filter     map[string]any
				Filters    []map[string]any
				Subscriber struct{ URI string }
			}
		}
		if err := json.Unmarshal(o.Manifest, &m); err != nil {
			t.Fatal(err)
		}
		for d := range m.Spec.Filter {
			dialects[d] = true
		}
		for _, f := range m.Spec.Filters {
			for d := range f {
				dialects[d] = true
			}
		}
		if name := strings.Replace(o.Ref.Name, "-", "/", 1); m.Spec.Subscriber.URI != "http://x/"+name {
			t.Errorf("%s has the subscriber %s", o.Ref.Name, m.Spec.Subscriber.URI)
		}
	}
	if triggers != 1000 || len(dialects) != 8 {
		t.Errorf("%d Triggers, dialects %v", triggers, dialects)
	}
	for seq := range uint64(100) {
		n := 0
		for _, r := range s.Receivers {
			for i := range r.Count {
				if r.Expects.Matches(seq, i) {
					n++
				}
			}
		}
		if want := map[bool]int{true: 16, false: 8}[seq < 25]; n != want {
			t.Errorf("event %d is expected %d times, want %d", seq, n, want)
		}
	}
}

const minimal = `
topology: {to: $sink}
receivers:
  sink: {}
`

func TestDefaults(t *testing.T) {
	s, err := Parse("dir/mine.yaml", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	size, _ := s.Events.Size.Constant()
	got := []any{s.Name, s.Driver.String(), s.WarmUp, s.Duration, s.Arrival.Shape, s.Arrival.Rate, s.Events.Mode, size,
		s.Receivers[0].Role, s.Receivers[0].Count, s.Receivers[0].After, s.Seed}
	want := []any{"mine", "open", 2 * time.Second, 30 * time.Second, Constant, 100.0, Binary, 1024.0, Sink, 1, Ingress, uint64(1)}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What is wrong, and how it is told. Where schema is set, the JSON Schema must refuse it, too.
var bad = []struct {
	name, text, want string
	schema           bool
}{
	{"unknown field", minimal + "durations: 3s\n", `s.yaml:5: durations: unknown field, did you mean "duration"?`, true},
	{"unknown nested field", minimal + "arrival:\n  rat: 3\n", `s.yaml:6: arrival.rat: unknown field, did you mean "rate"?`, true},
	{"far unknown field", minimal + "stop: {x: 1}\n", `s.yaml:5: stop.x: unknown field: expected one of errors, events, inFlight`, true},
	{"text for number", minimal + "arrival: {rate: fast}\n", `s.yaml:5: arrival.rate: expected a number, found the text "fast"`, true},
	{"number for duration", minimal + "duration: 30\n", `s.yaml:5: duration: expected a duration such as 500ms, 30s or 2m, found the number 30`, true},
	{"negative duration", minimal + "duration: -3s\n", `s.yaml:5: duration: expected a duration`, true},
	{"mapping for text", minimal + "about: {a: b}\n", `s.yaml:5: about: expected a text, found a mapping`, true},
	{"number for text", minimal + "about: 5\n", `s.yaml:5: about: expected a text, found the number 5; put it in quotes`, true},
	{"list for mapping", minimal + "events: [1]\n", `s.yaml:5: events: expected a mapping with attributes, batch,`, true},
	{"mapping for list", minimal + "slo: {a: b}\n", `s.yaml:5: slo: expected a list, found a mapping`, true},
	{"bad size", minimal + "events: {size: big}\n", `s.yaml:5: events.size: expected a size such as 100B, 1KiB or 1MiB, found the text "big"`, true},
	{"huge size", minimal + "events: {size: 1000MiB}\n", `s.yaml:5: events.size: 1000MiB is more than the 16MiB that is allowed here`, false},
	{"bad distribution", minimal + "events: {size: {normale: 3}}\n", `s.yaml:5: events.size.normale: unknown distribution, did you mean "normal"?`, true},
	{"bad pair", minimal + "events: {size: {uniform: [1]}}\n", `s.yaml:5: events.size.uniform: expected a list of two: the smallest and the greatest value; found a list`, true},
	{"reversed", minimal + "events: {size: {uniform: [2KiB, 1KiB]}}\n", `events.size.uniform: the first value is greater than the second`, false},
	{"bad lognormal", minimal + "events: {size: {lognormal: [2KiB, 1KiB]}}\n", `events.size.lognormal: expected a median above 0`, false},
	{"empty mix", minimal + "events: {size: {mix: {1KiB: 0}}}\n", `events.size.mix: the weights come to nothing`, false},
	{"bad mode", minimal + "events: {mode: binray}\n", `s.yaml:5: events.mode: unknown "binray", did you mean "binary"?`, true},
	{"bad role", strings.Replace(minimal, "{}", "{role: source}", 1), `s.yaml:4: receivers.sink.role: unknown "source": expected one of step, sink, dead-letter`, true},
	{"bad share", strings.Replace(minimal, "{}", "{failures: {share: 130%}}", 1), `receivers.sink.failures.share: expected a share such as 30% or 0.3`, false},
	{"share missing", strings.Replace(minimal, "{}", "{failures: {status: 500}}", 1), `receivers.sink.failures.share: missing`, true},
	{"bad status", strings.Replace(minimal, "{}", "{failures: {share: 1%, status: 200}}", 1), `receivers.sink.failures.status: expected a status from 400 to 599`, true},
	{"bad receiver name", "topology: {to: $sink}\nreceivers:\n  Sink: {}\n", `s.yaml:3: receivers.Sink: a receiver's name has lower-case letters`, true},
	{"reply of a sink", strings.Replace(minimal, "{}", "{reply: {type: x}}", 1), `receivers.sink.reply: only steps reply`, false},
	{"after nobody", strings.Replace(minimal, "{}", "{after: me}", 1), `receivers.sink.after: expected ingress or a receiver with the role step, found "me"`, false},
	{"circle", "topology: {to: $a}\nreceivers:\n  a: {role: step, after: b}\n  b: {role: step, after: a}\n", `receivers.a.after: the receivers come after one another in a circle`, false},
	{"covers nobody", minimal + "  dead: {role: dead-letter, covers: [other]}\n", `receivers.dead.covers[0]: expected a receiver that is a step or sink, found "other"`, false},
	{"only dead letters", "topology: {to: $dead}\nreceivers:\n  dead: {role: dead-letter}\n", `receivers: expected at least one step or sink`, false},
	{"no topology", "receivers:\n  sink: {}\n", `topology.to: missing: where events are sent`, true},
	{"to nothing", strings.Replace(minimal, "$sink", "Sequence/s", 1), `s.yaml:2: topology.to: "Sequence/s": expected Kind/name of an object of the manifests`, false},
	{"to no receiver", strings.Replace(minimal, "$sink", "$sin", 1), `topology.to: "$sin": expected one receiver, did you mean "sink"?`, false},
	{"to no url", strings.Replace(minimal, "$sink", "ftp://x", 1), `topology.to: "ftp://x": expected an http URL`, false},
	{"placeholder", "topology:\n  to: $sink\n  manifests: |\n    a: $snk\nreceivers:\n  sink: {}\n", `s.yaml:3: topology.manifests: $snk: there is no receiver of this name, did you mean "sink"?`, false},
	{"index", "topology:\n  to: $sink\n  manifests: |\n    a: $i\nreceivers:\n  sink: {}\n", `topology.manifests: $i: only repeated manifests have an index`, false},
	{"no kind", "topology:\n  to: $sink\n  manifests: |\n    apiVersion: v1\nreceivers:\n  sink: {}\n", `topology.manifests: manifest 1: kind is missing, or no text`, false},
	{"many of one", "topology:\n  to: X/x\n  manifests: |\n    a: $sink\nreceivers:\n  sink: {count: 2}\n", `$sink: there are 2 of this receiver: expected in topology.repeated`, false},
	{"no file", "topology:\n  to: $sink\n  file: none.yaml\nreceivers:\n  sink: {}\n", `topology.file: open none.yaml: no such file`, false},
	{"bad objective", minimal + "slo:\n  - e2e.p99 < 50\n", `s.yaml:6: slo[0]: "e2e.p99 < 50": column 9: a time is compared with a number`, false},
	{"objective of nobody", minimal + "slo: [in.first.p50 < 1ms]\n", `slo[0]: "in.first.p50 < 1ms": there is no receiver first: expected one of sink`, false},
	{"bad driver", minimal + "driver: window\n", `s.yaml:5: driver: "window": expected open, window=N`, true},
	{"shape's own", minimal + "arrival: {period: 3s}\n", `arrival.period: only with shape: sine, this is constant`, false},
	{"no steps", minimal + "arrival: {shape: steps}\n", `arrival.steps: missing`, false},
	{"steps of nothing", minimal + "arrival: {shape: steps, steps: [{for: 1s, times: 0}]}\n", `arrival.steps: the rate is never above 0`, false},
	{"no history", minimal + "arrival: {shape: replay}\n", `arrival.history: missing`, false},
	{"rate of nothing", minimal + "arrival: {rate: 0}\n", `s.yaml:5: arrival.rate: expected more than 0`, true},
	{"no time", minimal + "duration: 0s\n", `s.yaml:5: duration: expected a time above 0`, false},
	{"none of a receiver", strings.Replace(minimal, "{}", "{count: 0}", 1), `receivers.sink.count: expected 1 to`, true},
	{"beside the topology", minimal + "  other: {}\n", `s.yaml:5: receivers.other: no event can come to it: expected $other in the manifests`, false},
	{"no rate", minimal + "arrival: {rate: 0.0}\narrival2: 1", `unknown field, did you mean "arrival"?`, true},
	{"batch without mode", minimal + "events: {batch: 3}\n", `events.batch: only with mode: batch`, false},
	{"own attribute", minimal + "events: {attributes: {id: x}}\n", `events.attributes.id: this attribute is the harness's own`, true},
	{"attribute name", minimal + "events: {attributes: {a-b: x}}\n", `events.attributes.a-b: the name of an attribute`, true},
	{"attribute placeholder", minimal + "events: {attributes: {a: $no}}\n", `events.attributes.a: unknown placeholder $no: expected $seq, $key`, false},
	{"keys without count", minimal + "events: {keys: {attribute: x}}\n", `events.keys.count: missing`, false},
	{"pattern", strings.Replace(minimal, "{}", "{expects: {every: 2, from: 2}}", 1), `receivers.sink.expects.from: expected less than every`, false},
	{"sweep", minimal + "sweep: rate\n", `sweep: "rate": expected PATH=VALUE,VALUE`, false},
	{"sweep value", minimal + "sweep: events.size=1KiB,big\n", `sweep over events.size: --set events.size=big: events.size: expected a size`, false},
	{"twice", minimal + "duration: 3s\nduration: 4s\n", `s.yaml:6: duration: given twice, first in line 5`, false},
	{"empty", "", `s.yaml: the file is empty`, false},
	{"text", "hello", `s.yaml:1: expected a scenario, a mapping with topology, receivers and so on, found the text "hello"`, false},
	{"no yaml", "a: [", `s.yaml:2: no YAML: did not find expected node content`, false},
	{"two", minimal + "---\na: b\n", `s.yaml:5: a second document: expected one scenario in a file`, false},
}

func TestBadScenarios(t *testing.T) {
	schema := compiled(t)
	for _, b := range bad {
		_, err := Parse("s.yaml", []byte(b.text))
		if err == nil || !strings.Contains(err.Error(), b.want) {
			t.Errorf("%s:\n got %v\nwant %s", b.name, err, b.want)
		}
		if b.schema && schema.Validate(asJSON(t, []byte(b.text))) == nil {
			t.Errorf("%s: the schema lets it pass", b.name)
		}
	}
}

func TestAllProblemsAreTold(t *testing.T) {
	_, err := Parse("s.yaml", []byte(minimal+"duration: x\nabout: [1]\nwarmup: 3s\n"))
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("expected three lines, got %v", err)
	}
}

func TestSet(t *testing.T) {
	base, err := Load("sequence-3")
	if err != nil {
		t.Fatal(err)
	}
	s, err := base.With("events.size={uniform: [100B, 10KiB]}", "receivers.second.serviceTime=15ms", "slo=[lost == 0]", "slo[0]=lost <= 5",
		"events.attributes.subject=n-$seq%10", "arrival.rate=", "seed=7")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Events.Size.Quantile(0.5); math.Abs(got-5170) > 1 {
		t.Errorf("the median size is %v", got)
	}
	if got, _ := s.receiver("second").ServiceTime.Constant(); got != float64(15*time.Millisecond) {
		t.Errorf("the service time is %v", got)
	}
	if len(s.SLO) != 1 || s.SLO[0].Text != "lost <= 5" || s.Arrival.Rate != 100 || s.Seed != 7 {
		t.Errorf("slo %v, rate %v, seed %v", s.SLO, s.Arrival.Rate, s.Seed)
	}
	if got := string(s.Events.Attributes[0].Value.Append(nil, 123, 0)); got != "n-3" {
		t.Errorf("the subject of event 123 is %q", got)
	}
	if base.Seed != 1 || len(base.Events.Attributes) != 0 {
		t.Error("the scenario that With was called on has changed")
	}
	for set, want := range map[string]string{
		"rate":                            `"rate": expected PATH=VALUE`,
		"a b=1":                           `"a b" is no path`,
		"events.siz=1KiB":                 `--set events.siz=1KiB: events.siz: unknown field, did you mean "size"?`,
		"events.size.x=1":                 `--set events.size.x=1: events.size.x: there is no mapping at this place`,
		"slo[9]=lost == 0":                `--set slo[9]=lost == 0: slo: there is no element 9`,
		"arrival.rate=fast":               `--set arrival.rate=fast: arrival.rate: expected a number, found the text "fast"`,
		"receivers.secnd.serviceTime=1ms": `--set receivers.secnd.serviceTime=1ms: receivers.secnd: no event can come to it`,
		"arrival.rate=[":                  `--set arrival.rate=[: arrival.rate: the value is no YAML`,
		"topology.to=Channel/x":           `--set topology.to=Channel/x: topology.to: "Channel/x": expected Kind/name of an object of the manifests`,
	} {
		if _, err := base.With(set); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--set %s: got %v, want %s", set, err, want)
		}
	}
}

func TestLoadFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("topology.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {a: $sink}\n")
	s, err := Load(write("mine.yaml", "topology: {to: Service/x, file: topology.yaml}\nreceivers:\n  sink:\n"))
	if err != nil {
		t.Fatal(err)
	}
	objects, err := s.Objects("n", func(string, int) string { return "U" })
	if err != nil || len(objects) != 1 {
		t.Fatal(objects, err)
	}
	if got, want := string(objects[0].Manifest), `{"apiVersion":"v1","kind":"Service","metadata":{"name":"x","namespace":"n"},"spec":{"a":"U"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := Text("./mine.yaml"); err == nil || !strings.Contains(err.Error(), "./mine.yaml is a file: expected the name of a built-in scenario") {
		t.Errorf("the text of a file: %v", err)
	}
	for name, want := range map[string]string{
		"sequence-4": `no scenario "sequence-4", did you mean "sequence-3"?`,
		"what":       `no scenario "what": expected a file that ends in .yaml, or one of broker-filter,`,
		"./none":     `./none: no such file or directory`,
	} {
		if _, err := Load(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%q): got %v, want %s", name, err, want)
		}
	}
}

func TestSweep(t *testing.T) {
	for text, want := range map[string]Sweep{
		"rate=100..10000":     {"arrival.rate", []string{"100", "200", "500", "1000", "2000", "5000", "10000"}},
		"rate=30..250":        {"arrival.rate", []string{"30", "50", "100", "200", "250"}},
		"events.size=1KiB, 2": {"events.size", []string{"1KiB", "2"}},
		"rate=0.5..2":         {"arrival.rate", []string{"0.5", "1", "2"}},
	} {
		if got, err := ParseSweep(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"rate", "rate=", "rate=5..2", "rate=a..b", "rate=1,,2", "=1"} {
		if got, err := ParseSweep(text); err == nil {
			t.Errorf("%q gives %v", text, got)
		}
	}
}

func TestDistributions(t *testing.T) {
	for text, want := range map[string][4]float64{ // at 0, 0.5, 0.99 and almost 1
		"5KiB":                         {5120, 5120, 5120, 5120},
		"{uniform: [0, 100]}":          {0, 50, 99, 100},
		"{exponential: 100}":           {0, 69.3, 460.5, 2073},
		"{normal: [100, 10]}":          {0, 100, 123.3, 159.8},
		"{lognormal: [1KiB, 10KiB]}":   {0, 1024, 10240, MaxSize},
		"{mix: {1kB: 9, 1MB: 1}}":      {1e3, 1e3, 1e6, 1e6},
		"{mix: {10: 0, 20: 1, 30: 1}}": {20, 30, 30, 30},
	} {
		s, err := Parse("s.yaml", []byte(minimal), "events.size="+text)
		if err != nil {
			t.Error(err)
			continue
		}
		for i, u := range []float64{0, 0.5, 0.99, 1 - 1e-9} {
			got := s.Events.Size.Quantile(u)
			if text == "{lognormal: [1KiB, 10KiB]}" && i == 3 {
				if got < 1e5 || got > MaxSize {
					t.Errorf("%s at %v: %v", text, u, got)
				}
			} else if math.Abs(got-want[i]) > 0.005*want[i]+0.1 {
				t.Errorf("%s at %v: got %v, want %v", text, u, got, want[i])
			}
		}
	}
}

// Every field is described, and nothing else; texts with a form of their own are told apart by their types.
func TestSchemaDescribesEveryField(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	defs := root["$defs"].(map[string]any)
	resolve := func(n map[string]any) map[string]any {
		if ref, ok := n["$ref"].(string); ok {
			return defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		}
		return n
	}
	seen := 0
	var walk func(typ reflect.Type, n map[string]any, path string)
	walk = func(typ reflect.Type, n map[string]any, path string) {
		n = resolve(n)
		for typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		switch {
		case typ == reflect.TypeFor[Receivers]():
			walk(reflect.TypeFor[Receiver](), defs["receiver"].(map[string]any), path+".*")
			return
		case typ.Kind() == reflect.Slice && typ != reflect.TypeFor[Attributes]():
			if n["type"] != "array" {
				t.Errorf("%s is a list", path)
				return
			}
			walk(typ.Elem(), n["items"].(map[string]any), path+"[]")
			return
		case typ.Kind() != reflect.Struct || reflect.PointerTo(typ).Implements(reflect.TypeFor[parser]()):
			return
		}
		properties, _ := n["properties"].(map[string]any)
		if n["additionalProperties"] != false {
			t.Errorf("%s is not closed", path)
		}
		for name, f := range fields(typ) {
			seen++
			p, ok := properties[name].(map[string]any)
			if !ok {
				t.Errorf("%s.%s is not in the schema", path, name)
				continue
			}
			if text, _ := p["description"].(string); len(text) < 4 {
				t.Errorf("%s.%s is not described", path, name)
			}
			walk(f.Type, p, path+"."+name)
			if kind, ok := resolve(p)["type"].(string); ok {
				typ := f.Type
				if typ.Kind() == reflect.Pointer {
					typ = typ.Elem()
				}
				want := map[reflect.Kind]string{reflect.String: "string", reflect.Float64: "number", reflect.Int: "integer", reflect.Uint64: "integer",
					reflect.Bool: "boolean", reflect.Struct: "object", reflect.Slice: "array"}[typ.Kind()]
				if isText := reflect.PointerTo(typ).Implements(reflect.TypeFor[parser]()); !isText && kind != want {
					t.Errorf("%s.%s is of type %s, the schema says %s", path, name, want, kind)
				}
			}
		}
		for name := range properties {
			if _, ok := fields(typ)[name]; !ok {
				t.Errorf("the schema has %s.%s, which is no field", path, name)
			}
		}
	}
	walk(reflect.TypeFor[Scenario](), root, "")
	if seen < 60 {
		t.Errorf("only %d fields were looked at", seen)
	}
	// The enumerations and names are the decoder's.
	if text := string(Schema()); !strings.Contains(text, ExtensionID) {
		t.Error("the schema does not know the harness's own extension")
	}
	for _, name := range slices.Concat(counts, latencies) {
		if text := root["properties"].(map[string]any)["slo"].(map[string]any)["description"].(string); !regexp.MustCompile(`\b` + name + `\b`).MatchString(text) {
			t.Errorf("the metric %s is not described", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range Names() {
		text, err := Text(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, b := range bad {
		f.Add([]byte(b.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("s.yaml", data)
		if (s == nil) == (err == nil) {
			t.Fatalf("scenario %v, error %v", s, err)
		}
		if err != nil && err.Error() == "" {
			t.Fatal("an error without words")
		}
		if s != nil {
			if again, err := s.With("seed=9"); err != nil || again.Seed != 9 {
				t.Fatalf("with another seed: %v", err)
			}
		}
	})
}
