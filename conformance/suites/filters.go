package suites

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/event"
)

// probe is a Trigger with a filter, the receiver of the same name, and which of the batch of events must come to it. Of
// others it is the rest of the Trigger's spec.
type probe struct{ requirement, name, spec, got string }

// unfiltered is the receiver whose Trigger has no filter.
const unfiltered = "all"

// probing plays a batch of events to all probes and one Trigger without a filter, on one Broker.
func probing(s *drive.Stage, probes []probe, batch []drive.Post) {
	s.Apply(brokerOf("b", "") + "---\n" + triggerWith(unfiltered, "b", "$"+unfiltered, ""))
	triggers := []string{"Broker/b", "Trigger/" + unfiltered}
	for _, p := range probes {
		manifest := triggerWith(p.name, "b", "$"+p.name, strings.ReplaceAll(p.spec, "$dls", "$"+deadLetters(p.requirement)))
		if p.got != "" {
			s.Apply(manifest)
		} else if !s.Try(manifest) {
			continue // a target that sees that nothing can pass a filter may say so
		}
		triggers = append(triggers, "Trigger/"+p.name)
	}
	s.Ready(triggers...)
	for _, post := range batch {
		s.Post("Broker/b", post)
	}
	expected := map[string]int{unfiltered: len(batch)}
	for _, p := range probes {
		expected[p.name] = len(strings.Fields(p.got))
	}
	s.ExpectEach(expected)
	s.Quiet("") // no barrier: many filters would let it pass, and the Broker bring it back from each
}

// deadLetters is the receiver of what could not be delivered to the probes of a requirement.
func deadLetters(requirement string) string {
	return "dls" + strings.ToLower(strings.ReplaceAll(requirement, "-", ""))
}

// undead wants no dead letters of a requirement's probes.
func undead(requirement string) check.Judge { return check.Silent(deadLetters(requirement)) }

// probed verifies the requirements of probes, in their order, each with what must hold of it besides.
func probed(probes []probe, besides ...func(requirement string) check.Judge) []Verification {
	var out []Verification
	for _, p := range probes {
		if slices.ContainsFunc(out, func(v Verification) bool { return v.Requirement == p.requirement }) {
			continue
		}
		got := check.Each(probesOf(probes, p.requirement), func(p probe) check.Judge { return check.Got(p.name, p.got) })
		all := []check.Judge{check.Witnessed(unfiltered, got)}
		for _, b := range besides {
			all = append(all, b(p.requirement))
		}
		out = append(out, verify(p.requirement, check.All(all...)))
	}
	return out
}

func probesOf(probes []probe, requirement string) []probe {
	var out []probe
	for _, p := range probes {
		if p.requirement == requirement {
			out = append(out, p)
		}
	}
	return out
}

// attrs are the attributes of an event beside its id, which tells its place in a batch.
type attrs map[string]string

// binaryPosts makes a batch of events e1, e2, … in binary mode.
func binaryPosts(list []attrs) []drive.Post {
	out := make([]drive.Post, len(list))
	for i, a := range list {
		id := fmt.Sprintf("e%d", i+1)
		e := event.New(id, drive.Source, "sequitur.test").WithData("text/plain", []byte(id))
		for name, value := range a {
			e.Set(name, value)
		}
		out[i] = drive.Post{Event: e}
	}
	return out
}

// typed is an event in structured mode with extensions of the types that only JSON knows.
func typed(id string, extensions ...event.Attr) drive.Post {
	e := event.New(id, drive.Source, "sequitur.test").WithData("application/json", []byte(`{"sent":true}`))
	for _, a := range extensions {
		e.SetTyped(a)
	}
	return drive.Post{Event: e, Mode: event.Structured}
}

// attributesBatch is what filter.attributes are tried on; e6 is sent in structured mode.
var attributesBatch = []attrs{
	{"type": "order.created", "source": "/shop", "subject": "a", "colour": "red"},
	{"type": "order.created", "source": "/bank"},
	{"type": "Order.created", "source": "/shop", "subject": "A"},
	{"type": "order.created.late", "source": "/shop", "colour": "Red"},
	{"type": "order", "source": "/shop", "colour": "blue"},
	{"type": "order.created", "source": "/shop", "colour": "red"},
}

var attributeProbes = []probe{
	{"FLT-001", "one", "filter: {attributes: {type: order.created}}", "e1 e2 e6"},
	{"FLT-001", "two", "filter: {attributes: {type: order.created, source: /shop}}", "e1 e6"},
	{"FLT-001", "three", "filter: {attributes: {type: order.created, source: /shop, subject: a}}", "e1"},
	{"FLT-001", "neither", "filter: {attributes: {type: absent, source: absent}}", ""},
	{"FLT-002", "anysubject", "filter: {attributes: {subject: ''}}", "e1 e3"},
	{"FLT-002", "anycolour", "filter: {attributes: {type: order.created, colour: ''}}", "e1 e6"},
	{"FLT-003", "upper", "filter: {attributes: {type: Order.created}}", "e3"},
	{"FLT-003", "middle", "filter: {attributes: {type: order.cre}}", ""},
	{"FLT-003", "shorter", "filter: {attributes: {type: order}}", "e5"},
	{"FLT-003", "lowersubject", "filter: {attributes: {subject: a}}", "e1"},
	{"FLT-004", "red", "filter: {attributes: {colour: red}}", "e1 e6"},
	{"FLT-004", "blue", "filter: {attributes: {colour: blue, source: /shop}}", "e5"},
}

// valueBatch: the same values as JSON types and as texts of headers.
func valueBatch() []drive.Post {
	return append([]drive.Post{
		typed("e1", event.Attr{Name: "count", Value: "5", Kind: event.Integer}, event.Attr{Name: "flag", Value: "true", Kind: event.Boolean}),
		typed("e2", event.Attr{Name: "count", Value: "-50", Kind: event.Integer}, event.Attr{Name: "flag", Value: "false", Kind: event.Boolean}),
		typed("e3", event.Attr{Name: "count", Value: "5"}, event.Attr{Name: "flag", Value: "true"}),
	}, binaryPosts([]attrs{{}, {}, {}, {"count": "5", "flag": "true"}, {"count": "-50", "flag": "false"}, {"count": "05", "flag": "TRUE"}})[3:]...)
}

var valueProbes = []probe{
	{"FLT-005", "five", "filter: {attributes: {count: '5'}}", "e1 e3 e4"},
	{"FLT-005", "fifty", "filter: {attributes: {count: '-50'}}", "e2 e5"},
	{"FLT-005", "padded", "filter: {attributes: {count: '05'}}", "e6"},
	{"FLT-005", "positive", "filter: {attributes: {flag: 'true'}}", "e1 e3 e4"},
	{"FLT-005", "negative", "filter: {attributes: {flag: 'false', count: '-50'}}", "e2 e5"},
	{"FLT-005", "shouted", "filter: {attributes: {flag: 'TRUE'}}", "e6"},
}

// instants are texts of one instant, by the receiver whose Trigger asks for it. The last is how Go prints it, which no
// subscriber sees.
var instants = map[string]string{
	"2024-05-01T10:00:00Z": "utc", "2024-05-01T12:00:00+02:00": "zone", "2024-05-01 10:00:00 +0000 UTC": "printed",
}

// dialectBatch is what exact, prefix and suffix and their combinations are tried on. e7 and e8 are as e1 and e4: what was
// sent before must not matter.
var dialectBatch = []attrs{
	{"type": "order.created", "source": "/shop/eu", "subject": "a/1", "colour": "red"},
	{"type": "order.deleted", "source": "/shop/us", "subject": "a/2", "colour": "blue"},
	{"type": "Order.created", "source": "/shop/eu"},
	{"type": "invoice.created", "source": "/bank/eu", "colour": "Red"},
	{"type": "order.created.late", "source": "/shop/eu/x", "subject": "x", "colour": "redder"},
	{"type": "created", "source": "/", "colour": "infrared"},
	{"type": "order.created", "source": "/shop/eu", "subject": "a/1", "colour": "red"},
	{"type": "invoice.created", "source": "/bank/eu", "colour": "Red"},
}

var dialectProbes = []probe{
	{"FLT-006", "winner", "filter: {attributes: {type: order.deleted}}, filters: [{exact: {type: invoice.created}}]", "e4 e8"},
	{"FLT-006", "wider", "filter: {attributes: {type: order.created, source: /shop/eu}}, filters: [{exact: {type: order.created}}, {prefix: {source: /}}]", "e1 e7"},
	{"FLT-006", "overruled", "filter: {attributes: {colour: red}}, filters: [{exact: {colour: green}}]", ""},
	{"FLT-007", "emptylist", "filters: []", "e1 e2 e3 e4 e5 e6 e7 e8"},
	{"FLT-007", "fallback", "filter: {attributes: {colour: red}}, filters: []", "e1 e7"},
	{"FLT-007", "nolist", "filter: {attributes: {colour: blue}}", "e2"},
	{"FLT-008", "both", "filters: [{exact: {type: order.created}}, {exact: {colour: red}}]", "e1 e7"},
	{"FLT-008", "onefails", "filters: [{exact: {type: order.created}}, {exact: {colour: blue}}]", ""},
	{"FLT-008", "lastfails", "filters: [{prefix: {source: /}}, {prefix: {type: order}}, {suffix: {type: deleted}}]", "e2"},
	{"FLT-009", "exact", "filters: [{exact: {type: order.created}}]", "e1 e7"},
	{"FLT-009", "exactcase", "filters: [{exact: {colour: Red}}]", "e4 e8"},
	{"FLT-009", "exactabsent", "filters: [{exact: {absent: x}}]", ""},
	{"FLT-009", "exactpart", "filters: [{exact: {colour: re}}]", ""},
	{"FLT-010", "prefix", "filters: [{prefix: {type: order.created}}]", "e1 e5 e7"},
	{"FLT-010", "prefixcase", "filters: [{prefix: {type: Order}}]", "e3"},
	{"FLT-010", "prefixlong", "filters: [{prefix: {type: order.created.later}}]", ""},
	{"FLT-010", "prefixinside", "filters: [{prefix: {colour: red}}]", "e1 e5 e7"},
	{"FLT-010", "prefixabsent", "filters: [{prefix: {absent: x}}]", ""},
	{"FLT-011", "suffix", "filters: [{suffix: {type: created}}]", "e1 e3 e4 e6 e7 e8"},
	{"FLT-011", "suffixcase", "filters: [{suffix: {colour: ed}}]", "e1 e4 e6 e7 e8"},
	{"FLT-011", "suffixupper", "filters: [{suffix: {colour: Red}}]", "e4 e8"},
	{"FLT-011", "suffixlong", "filters: [{suffix: {type: an.order.created}}]", ""},
	{"FLT-011", "suffixabsent", "filters: [{suffix: {absent: x}}]", ""},
	{"FLT-012", "exactkeys", "filters: [{exact: {type: order.created, source: /shop/us}}]", ""},
	{"FLT-012", "prefixkeys", "filters: [{prefix: {type: order, source: /shop/us}}]", "e2"},
	{"FLT-012", "suffixkeys", "filters: [{suffix: {source: eu, type: created, colour: red}}]", "e1 e7"},
	{"FLT-013", "allboth", "filters: [{all: [{prefix: {type: order}}, {exact: {colour: red}}]}]", "e1 e7"},
	{"FLT-013", "allone", "filters: [{all: [{exact: {colour: blue}}]}]", "e2"},
	{"FLT-013", "allnone", "filters: [{all: [{exact: {colour: blue}}, {exact: {colour: red}}]}]", ""},
	{"FLT-014", "any", "filters: [{any: [{exact: {colour: blue}}, {exact: {type: invoice.created}}]}]", "e2 e4 e8"},
	{"FLT-014", "anyboth", "filters: [{any: [{prefix: {type: order}}, {exact: {colour: red}}]}]", "e1 e2 e5 e7"},
	{"FLT-014", "anynone", "filters: [{any: [{exact: {colour: green}}, {exact: {absent: x}}]}]", ""},
	{"FLT-014", "anylast", "filters: [{any: [{exact: {absent: x}}, {exact: {colour: green}}, {exact: {source: /}}]}]", "e6"},
	{"FLT-015", "notabsent", "filters: [{not: {exact: {absent: x}}}]", "e1 e2 e3 e4 e5 e6 e7 e8"},
	{"FLT-015", "notred", "filters: [{not: {exact: {colour: red}}}]", "e2 e3 e4 e5 e6 e8"},
	{"FLT-015", "notprefix", "filters: [{not: {prefix: {subject: a}}}]", "e3 e4 e5 e6 e8"},
	{"FLT-015", "notsuffix", "filters: [{not: {suffix: {type: created}}}]", "e2 e5"},
	{"FLT-015", "notany", "filters: [{not: {any: [{exact: {colour: red}}, {prefix: {source: /bank}}]}}]", "e2 e3 e5 e6"},
	{"FLT-016", "notnot", "filters: [{not: {not: {not: {not: {not: {exact: {colour: red}}}}}}}]", "e2 e3 e4 e5 e6 e8"},
	{"FLT-016", "deep", "filters: [{all: [{any: [{not: {all: [{any: [{exact: {colour: red}}, {exact: {colour: Red}}]}]}}]}, {suffix: {type: created}}]}]", "e3 e6"},
}

// trees adds filters of all dialects in each other, five levels and more, with what a model says of each event.
func trees(probes []probe, batch []attrs, n int) []probe {
	probes = slices.Clone(probes)
	r := rand.New(rand.NewPCG(16, 5)) // the same trees in every run, so that histories can be judged again
	for n > 0 {
		t := grow(r, 6)
		var got []string
		for i, a := range batch {
			if t.passes(a) {
				got = append(got, fmt.Sprintf("e%d", i+1))
			}
		}
		if len(got) == 0 || len(got) == len(batch) {
			continue // it tells little
		}
		n--
		probes = append(probes, probe{"FLT-016", fmt.Sprintf("tree%d", n), "filters: [" + t.text() + "]", strings.Join(got, " ")})
	}
	return probes
}

// tree is a filter expression: a leaf compares, all others have parts.
type tree struct {
	dialect     string
	name, value string
	parts       []tree
}

// grow makes a tree that is as deep as depth says, more or less: a second part is half as deep as the first.
func grow(r *rand.Rand, depth int) tree {
	if depth == 0 {
		leaves := []tree{
			{dialect: "exact", name: "colour", value: "red"}, {dialect: "exact", name: "type", value: "created"}, {dialect: "prefix", name: "source", value: "/shop"},
			{dialect: "prefix", name: "type", value: "order"}, {dialect: "suffix", name: "type", value: "created"}, {dialect: "suffix", name: "subject", value: "1"},
		}
		return leaves[r.IntN(len(leaves))]
	}
	t := tree{dialect: []string{"all", "any", "not"}[r.IntN(3)]}
	for len(t.parts) == 0 || t.dialect != "not" && len(t.parts) < 2 {
		t.parts = append(t.parts, grow(r, depth-1-len(t.parts)*(depth-1)/2))
	}
	return t
}

func (t tree) passes(a attrs) bool {
	got, present := a[t.name]
	switch t.dialect {
	case "exact":
		return present && got == t.value
	case "prefix":
		return present && strings.HasPrefix(got, t.value)
	case "suffix":
		return present && strings.HasSuffix(got, t.value)
	case "all":
		return !slices.ContainsFunc(t.parts, func(p tree) bool { return !p.passes(a) })
	case "any":
		return slices.ContainsFunc(t.parts, func(p tree) bool { return p.passes(a) })
	}
	return !t.parts[0].passes(a)
}

func (t tree) text() string {
	if len(t.parts) == 0 {
		return fmt.Sprintf("{%s: {%s: '%s'}}", t.dialect, t.name, t.value)
	}
	if t.dialect == "not" {
		return "{not: " + t.parts[0].text() + "}"
	}
	parts := make([]string, len(t.parts))
	for i, p := range t.parts {
		parts[i] = p.text()
	}
	return "{" + t.dialect + ": [" + strings.Join(parts, ", ") + "]}"
}

// cesqlBatch is what expressions are tried on. e6 is sent in structured mode, with an integer and a Boolean.
var cesqlBatch = []attrs{
	{"type": "order.created", "source": "/shop/eu", "subject": "alpha", "count": "5", "limit": "10", "flag": "true"},
	{"type": "order.deleted", "source": "/shop/us", "subject": "100%", "count": "-3", "limit": "3", "flag": "false"},
	{"type": "invoice.created", "source": "/bank", "subject": "a_c", "limit": "x"},
	{"type": "Order.created", "source": "/shop/eu", "subject": "abc", "count": "0", "word": "true"},
	{"type": "order", "source": "/", "subject": "été", "count": "10", "word": "Blue"},
	{"type": "order.created", "source": "/bank", "count": "7", "flag": "true"},
}

func cesqlPosts() []drive.Post {
	batch := binaryPosts(cesqlBatch)
	last := batch[5].Event
	last.SetTyped(event.Attr{Name: "count", Value: "7", Kind: event.Integer})
	last.SetTyped(event.Attr{Name: "flag", Value: "true", Kind: event.Boolean})
	last.WithData("application/json", []byte(`{"sent":true}`))
	batch[5].Mode = event.Structured
	for i := range batch { // whether headers are decoded is judged elsewhere
		if strings.ContainsFunc(batch[i].Event.Attr("subject"), func(r rune) bool { return r == '%' || r > unicode.MaxASCII }) {
			batch[i].Mode = event.Structured
		}
	}
	return batch
}

// cesql is the rest of the spec of a Trigger with an expression. Failing a delivery would show: as a letter.
func cesql(expression string) string {
	quoted, err := json.Marshal(expression)
	if err != nil {
		panic(err)
	}
	return "delivery: {retry: 1, deadLetterSink: {uri: $dls}}, filters: [{cesql: " + string(quoted) + "}]"
}

const whole = "e1 e2 e3 e4 e5 e6"

var cesqlProbes = []probe{
	{"FLT-022", "equal", cesql("type = 'order.created'"), "e1 e6"},
	{"FLT-022", "unequal", cesql("type != 'order.created'"), "e2 e3 e4 e5"},
	{"FLT-022", "diamond", cesql(`source <> "/shop/eu"`), "e2 e3 e5 e6"},
	{"FLT-022", "less", cesql("count < 5"), "e2 e4"},
	{"FLT-022", "atmost", cesql("count <= 5"), "e1 e2 e4"},
	{"FLT-022", "greater", cesql("count > 5"), "e5 e6"},
	{"FLT-022", "atleast", cesql("count >= 5"), "e1 e5 e6"},
	{"FLT-022", "and", cesql("type = 'order.created' AND source = '/bank'"), "e6"},
	{"FLT-022", "or", cesql("type = 'order.deleted' OR source = '/bank'"), "e2 e3 e6"},
	{"FLT-022", "xor", cesql("type = 'order.created' XOR source = '/bank'"), "e1 e3"},
	{"FLT-022", "negation", cesql("NOT (type = 'order.created')"), "e2 e3 e4 e5"},
	{"FLT-022", "products", cesql("1 + 2 * 3 = 7 AND 8 / 2 - 1 = 3 AND 7 % 4 = 3"), whole},
	{"FLT-022", "brackets", cesql("(1 + 2) * 3 = 9 AND 2 - (1 - 1) = 2 AND 5 - 2 - 1 = 2"), whole},
	{"FLT-022", "tight", cesql("NOT FALSE = FALSE"), ""},
	{"FLT-022", "loose", cesql("1 + 1 = 2 AND 2 < 3 * 1"), whole},
	{"FLT-022", "constant", cesql("TRUE"), whole},
	{"FLT-022", "never", cesql("FALSE"), ""},
	{"FLT-023", "number", cesql("1"), ""},
	{"FLT-023", "text", cesql("type"), ""},
	{"FLT-023", "quoted", cesql("'true'"), ""},
	{"FLT-023", "sum", cesql("1 + 1"), ""},
	{"FLT-024", "missing", cesql("absent = 'x'"), ""},
	{"FLT-024", "notmissing", cesql("NOT (absent = 'x')"), ""},
	{"FLT-024", "unequalmissing", cesql("absent != 'x'"), ""},
	{"FLT-024", "badcast", cesql("limit > 5"), "e1"},
	{"FLT-024", "badinteger", cesql("INT(type) = 0 OR TRUE"), ""},
	{"FLT-024", "byzero", cesql("10 / count = 2"), "e1"},
	{"FLT-024", "modulozero", cesql("NOT (10 % count = 1)"), "e1 e5 e6"},
	{"FLT-024", "someerrors", cesql("word = 'true'"), "e4"},
	{"FLT-025", "orskips", cesql("TRUE OR absent = 'x'"), whole},
	{"FLT-025", "ortoolate", cesql("absent = 'x' OR TRUE"), ""},
	{"FLT-025", "andskips", cesql("NOT (FALSE AND 1 / 0 = 1)"), whole},
	{"FLT-025", "andtoolate", cesql("NOT (1 / 0 = 1 AND FALSE)"), ""},
	{"FLT-025", "guarded", cesql("NOT EXISTS count OR count > 5"), "e3 e5 e6"},
	{"FLT-027", "exists", cesql("EXISTS word"), "e4 e5"},
	{"FLT-027", "existsalways", cesql("EXISTS id AND EXISTS source AND EXISTS type AND EXISTS specversion"), whole},
	{"FLT-027", "notexists", cesql("NOT EXISTS subject"), "e6"},
	{"FLT-027", "like", cesql("type LIKE 'order.%'"), "e1 e2 e6"},
	{"FLT-027", "likemiddle", cesql("type LIKE '%r%.%ed'"), "e1 e2 e4 e6"},
	{"FLT-027", "likewhole", cesql("type LIKE 'rder'"), ""},
	{"FLT-027", "liketext", cesql("type LIKE 'order..*'"), ""},
	{"FLT-027", "likeone", cesql("EXISTS subject AND subject LIKE 'a_c'"), "e3 e4"},
	{"FLT-027", "likeunderscore", cesql(`EXISTS subject AND subject LIKE 'a\_c'`), "e3"},
	{"FLT-027", "likepercent", cesql(`EXISTS subject AND subject LIKE '%\%'`), "e2"},
	{"FLT-027", "notlike", cesql("type NOT LIKE 'order%'"), "e3 e4"},
	{"FLT-027", "in", cesql("source IN ('/bank', '/', type)"), "e3 e5 e6"},
	{"FLT-027", "notin", cesql("source NOT IN ('/bank', '/')"), "e1 e2 e4"},
	{"FLT-027", "innumbers", cesql("EXISTS count AND count IN (5, '10', -3)"), "e1 e2 e5"},
	{"FLT-027", "truncated", cesql("-7 / 2 = -3 AND -7 % 2 = -1 AND 7 / -2 = -3"), whole},
	{"FLT-027", "minus", cesql("EXISTS count AND -count = 3"), "e2"},
	{"FLT-027", "casttoint", cesql("EXISTS count AND count + 1 = 6"), "e1"},
	{"FLT-027", "casttotext", cesql("EXISTS count AND count = '7'"), "e6"},
	{"FLT-027", "casttobool", cesql("EXISTS flag AND flag = TRUE"), "e1 e6"},
	{"FLT-027", "castorder", cesql("TRUE = 'true' AND NOT (TRUE = 'TRUE')"), whole},
	{"FLT-027", "keywords", cesql("tYpE liKe 'Order%' aNd NoT exIsts WORD or faLse"), ""},
	{"FLT-027", "lowercase", cesql("type like 'order%' and not exists word xor false"), "e1 e2 e6"},
	{"FLT-027", "functions", cesql("length(type) = 13 and upper(LEFT(source, 5)) = '/SHOP'"), "e1 e2 e4"},
	{"FLT-027", "substring", cesql("SUBSTRING(type, -7) = 'created' AND CONCAT(SUBSTRING(source, 1, 1), 'b') = '/b'"), "e1 e3 e4 e6"},
	{"FLT-031", "andor", cesql("FALSE AND TRUE OR TRUE"), whole},
	{"FLT-031", "orand", cesql("TRUE OR TRUE AND FALSE"), ""},
	{"FLT-031", "xoror", cesql("TRUE XOR TRUE OR TRUE"), whole},
	{"FLT-031", "grouped", cesql("TRUE OR (TRUE AND FALSE)"), whole},
	{"FLT-032", "letters", cesql("EXISTS subject AND LENGTH(subject) = 3"), "e3 e4 e5"},
	{"FLT-032", "oneletter", cesql("EXISTS subject AND subject LIKE '_t_'"), "e5"},
	{"FLT-032", "firstletter", cesql("EXISTS subject AND LEFT(subject, 1) = 'é'"), "e5"},
}

// twins are a manifest that must be refused, and one like it that must be taken.
type twins struct{ requirement, name, bad, good string }

// tryTwins tries both manifests of each, on one Broker.
func tryTwins(s *drive.Stage, list []twins) {
	s.Apply(brokerOf("b", ""))
	for _, o := range list {
		s.Try(triggerWith(o.name, "b", "$sub", o.bad))
		s.Try(triggerWith(o.name+"-good", "b", "$sub", o.good))
	}
}

// toldApart verifies those of one requirement.
func toldApart(list []twins, requirement string) check.Judge {
	var judges []check.Judge
	for _, o := range list {
		if o.requirement == requirement {
			judges = append(judges, check.Taken("Trigger/"+o.name+"-good"), check.Refused("Trigger/"+o.name))
		}
	}
	return check.All(judges...)
}

var dialectTwins = []twins{
	{"FLT-017", "exact-empty", "filters: [{exact: {type: ''}}]", "filters: [{exact: {type: a}}]"},
	{"FLT-017", "prefix-empty", "filters: [{prefix: {type: ''}}]", "filters: [{prefix: {type: a}}]"},
	{"FLT-017", "suffix-empty", "filters: [{suffix: {type: ''}}]", "filters: [{suffix: {type: a}}]"},
	{"FLT-017", "one-empty", "filters: [{exact: {type: a, source: ''}}]", "filters: [{exact: {type: a, source: b}}]"},
	{"FLT-017", "inner-empty", "filters: [{not: {exact: {type: ''}}}]", "filters: [{not: {exact: {type: a}}}]"},
	{"FLT-018", "no-exact", "filters: [{exact: {}}]", "filters: [{exact: {source: a}}]"},
	{"FLT-018", "no-prefix", "filters: [{prefix: {}}]", "filters: [{prefix: {source: a}}]"},
	{"FLT-018", "no-suffix", "filters: [{suffix: {}}]", "filters: [{suffix: {source: a}}]"},
	{"FLT-018", "no-all", "filters: [{all: []}]", "filters: [{all: [{exact: {type: a}}]}]"},
	{"FLT-018", "no-any", "filters: [{any: []}]", "filters: [{any: [{exact: {type: a}}]}]"},
	{"FLT-018", "inner-any", "filters: [{all: [{exact: {type: a}}, {any: []}]}]", "filters: [{all: [{exact: {type: a}}, {any: [{exact: {type: a}}]}]}]"},
	{"FLT-019", "two", "filters: [{exact: {type: a}, suffix: {type: a}}]", "filters: [{exact: {type: a}}, {suffix: {type: a}}]"},
	{"FLT-019", "inner-two", "filters: [{any: [{prefix: {type: a}, not: {exact: {type: b}}}]}]", "filters: [{any: [{prefix: {type: a}}, {not: {exact: {type: b}}}]}]"},
	{"FLT-020", "unknown", "filters: [{regex: {type: a}}]", "filters: [{prefix: {subject: a}}]"},
	{"FLT-020", "inner-unknown", "filters: [{all: [{exact: {type: a}}, {regex: {type: a}}]}]", "filters: [{all: [{exact: {type: a}}, {prefix: {subject: a}}]}]"},
}

var nameTwins = []twins{
	{"core", "upper", "filter: {attributes: {Type: a}}", "filter: {attributes: {type: a}}"},
	{"core", "hyphen", "filter: {attributes: {my-ext: a}}", "filter: {attributes: {myext: a}}"},
	{"core", "digit", "filter: {attributes: {1x: a}}", "filter: {attributes: {x1: a}}"},
	{"core", "underscore", "filter: {attributes: {type: a, my_ext: a}}", "filter: {attributes: {type: a, myext: a}}"},
	{"SubscriptionsAPIFilters", "exact-upper", "filters: [{exact: {Type: a}}]", "filters: [{exact: {type: a}}]"},
	{"SubscriptionsAPIFilters", "prefix-hyphen", "filters: [{prefix: {my-ext: a}}]", "filters: [{prefix: {myext: a}}]"},
	{"SubscriptionsAPIFilters", "suffix-digit", "filters: [{suffix: {1x: a}}]", "filters: [{suffix: {x1: a}}]"},
	{"SubscriptionsAPIFilters", "inner-upper", "filters: [{not: {any: [{exact: {Type: a}}]}}]", "filters: [{not: {any: [{exact: {type: a}}]}}]"},
}

// brokenTwins stand before good ones: a refusal must not keep the target from taking what follows.
var brokenTwins = []twins{
	{"FLT-026", "cut-off", cesql("type ="), cesql("type = 'a'")},
	{"FLT-026", "open", cesql("(type = 'a'"), cesql("(type = 'a')")},
	{"FLT-026", "closed", cesql("type = 'a')"), cesql("(type) = 'a'")},
	{"FLT-026", "unquoted", cesql("type = 'a"), cesql("type = \"a\"")},
	{"FLT-026", "two", cesql("type = 'a' source = 'b'"), cesql("type = 'a' AND source = 'b'")},
	{"FLT-026", "operator", cesql("type = = 'a'"), cesql("NOT type = 'a'")},
	{"FLT-026", "pattern", cesql("type LIKE 5"), cesql("type LIKE '5'")},
	{"FLT-026", "empty-set", cesql("type IN ()"), cesql("type IN ('a')")},
	{"FLT-026", "inner", "filters: [{not: {cesql: 'type = '}}]", "filters: [{not: {cesql: type = id}}]"},
}

// filters is the chapter on the filters of Triggers.
var filters = []Scenario{
	{
		Name: "filters/attributes",
		Drive: func(s *drive.Stage) {
			batch := binaryPosts(attributesBatch)
			batch[5].Mode = event.Structured
			probing(s, attributeProbes, batch)
		},
		Verify: probed(attributeProbes),
	},
	{
		Name:   "filters/values",
		Drive:  func(s *drive.Stage) { probing(s, valueProbes, valueBatch()) },
		Verify: probed(valueProbes),
	},
	{
		Name: "filters/time",
		Drive: func(s *drive.Stage) {
			s.Apply(brokerOf("b", "") + "---\n" + triggerWith(unfiltered, "b", "$"+unfiltered, ""))
			for text, name := range instants {
				s.Apply(triggerWith(name, "b", "$"+name, "filter: {attributes: {time: '"+text+"'}}"))
			}
			s.Ready("Broker/b", "Trigger/"+unfiltered, "Trigger/utc", "Trigger/zone", "Trigger/printed")
			for _, mode := range []event.Mode{event.Binary, event.Structured} {
				for _, text := range []string{"2024-05-01T10:00:00Z", "2024-05-01T12:00:00+02:00", "2024-05-01T11:00:00+02:00"} {
					s.Post("Broker/b", drive.Post{Event: s.NewEvent().With("time", text), Mode: mode})
				}
			}
			s.Expect(unfiltered, 6)
			s.ExpectTogether(4, "utc", "zone", "printed")
			s.Quiet("")
		},
		Verify: []Verification{verify("FLT-030", check.ComparesAsSeen("time", unfiltered, instants))},
	},
	{
		Name: "filters/payload",
		Drive: func(s *drive.Stage) {
			var batch []drive.Post
			for _, d := range []struct{ contentType, data string }{
				{"application/json", `{"type":"b","colour":"blue"}`},
				{"application/json", `{"type":`},
				{"application/json", "\xff\x00"},
				{"text/plain", "type: b"},
				{"application/xml", "<type>b</type>"},
				{"", ""},
			} {
				e := s.NewEvent().With("type", "a")
				e.Remove("datacontenttype")
				e.Data = nil
				if d.contentType != "" {
					e.WithData(d.contentType, []byte(d.data))
				}
				batch = append(batch, drive.Post{Event: e})
			}
			probing(s, payloadProbes, batch)
		},
		Verify: probed(payloadProbes),
	},
	{
		Name:   "filters/dialects",
		Slow:   true,
		Needs:  []string{"SubscriptionsAPIFilters"},
		Drive:  func(s *drive.Stage) { probing(s, treeProbes, binaryPosts(dialectBatch)) },
		Verify: probed(treeProbes),
	},
	{
		Name:  "filters/refused",
		Harsh: true,
		Needs: []string{"SubscriptionsAPIFilters"},
		Drive: func(s *drive.Stage) { tryTwins(s, dialectTwins) },
		Verify: []Verification{
			verify("FLT-017", toldApart(dialectTwins, "FLT-017")),
			verify("FLT-018", toldApart(dialectTwins, "FLT-018")),
			verify("FLT-019", toldApart(dialectTwins, "FLT-019")),
			verify("FLT-020", toldApart(dialectTwins, "FLT-020")),
		},
	},
	{
		Name: "filters/names-refused",
		Drive: func(s *drive.Stage) {
			tryTwins(s, slices.DeleteFunc(slices.Clone(nameTwins), func(o twins) bool { return o.requirement != "core" && !s.Claims(o.requirement) }))
		},
		Verify: []Verification{
			verify("FLT-021", func(v *history.View) check.Finding {
				judge := toldApart(nameTwins, "core")
				if v.Claims["SubscriptionsAPIFilters"] {
					judge = check.All(judge, toldApart(nameTwins, "SubscriptionsAPIFilters"))
				}
				return judge(v)
			}),
		},
	},
	{
		Name:  "filters/cesql",
		Slow:  true,
		Needs: []string{"CESQL"},
		Drive: func(s *drive.Stage) { probing(s, cesqlProbes, cesqlPosts()) },
		// An expression that ends in an error is no failure of the delivery.
		Verify: probed(cesqlProbes, func(string) check.Judge { return check.Accepted() }, undead),
	},
	{
		Name:   "filters/cesql-refused",
		Needs:  []string{"CESQL"},
		Drive:  func(s *drive.Stage) { tryTwins(s, brokenTwins) },
		Verify: []Verification{verify("FLT-026", toldApart(brokenTwins, "FLT-026"))},
	},
	{
		Name:   "filters/expression",
		Needs:  []string{"ExpressionFilter"},
		Drive:  func(s *drive.Stage) { probing(s, celProbes, celBatch(s)) },
		Verify: probed(celProbes),
	},
}

// celBatch is what expressions over attributes and data are tried on.
func celBatch(s *drive.Stage) []drive.Post {
	var batch []drive.Post
	for _, d := range []struct{ eventType, contentType, data string }{
		{"order.created", "application/json", `{"user":{"id":"abc"},"total":300,"tags":["new"]}`},
		{"order.created", "application/json", `{"user":{"id":"xyz"},"total":2.5,"tags":[]}`},
		{"order.deleted", "application/json", `{"total":301}`},
		{"order.created", "application/json", `{"user":`},
		{"order.created", "text/plain", `{"user":{"id":"abc"},"total":300,"tags":["new"]}`},
	} {
		batch = append(batch, drive.Post{Event: s.NewEvent().With("type", d.eventType).WithData(d.contentType, []byte(d.data))})
	}
	return batch
}

var celProbes = []probe{
	{"FLT-033", "celtype", `filter: {expression: 'ce.type == "order.created"'}`, "e1 e2 e4 e5"},
	{"FLT-033", "celpart", `filter: {expression: 'ce.type.startsWith("order.") && ce.type.endsWith("deleted")'}`, "e3"},
	{"FLT-033", "celdata", `filter: {expression: 'data.user.id == "abc"'}`, "e1"},
	{"FLT-033", "celnumber", `filter: {expression: 'data.total > 299.0'}`, "e1 e3"},
	{"FLT-033", "celboth", `filter: {expression: 'ce.type == "order.created" && data.total < 299.0'}`, "e2"},
	{"FLT-033", "celabsent", `filter: {expression: 'ce.absent == "x"'}`, ""},
	{"FLT-033", "celhas", `filter: {expression: 'has(data.tags) && "new" in data.tags'}`, "e1"},
}

var payloadProbes = []probe{
	{"FLT-028", "right", "filter: {attributes: {type: a}}", "e1 e2 e3 e4 e5 e6"},
	{"FLT-028", "wrong", "filter: {attributes: {type: b}}", ""},
	{"FLT-028", "inside", "filter: {attributes: {colour: blue}}", ""},
}

var treeProbes = trees(dialectProbes, dialectBatch, 12)
