package suites

import (
	"net/http"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/fixtures/event"
)

var badRequest = []int{http.StatusBadRequest}

// ceRefused are the scenarios on messages that are no valid events. Each case is a phase of its own, so that a finding
// says which one it was.
var ceRefused = []Scenario{
	{
		Name: "cloudevents/bad-attributes",
		Drive: func(s *drive.Stage) {
			p := newPair(s, event.Binary)
			p.control()
			var cases []badPost
			members := map[string]string{"specversion": "1.0", "id": "x", "source": "/x", "type": "x"}
			for _, name := range []string{"specversion", "id", "source", "type"} {
				rest := "{"
				for _, n := range []string{"specversion", "id", "source", "type"} {
					if n != name {
						rest += `"` + n + `":"` + members[n] + `",`
					}
				}
				cases = append(cases,
					badPost{"required: binary without " + name, binary("x", "Ce-"+name, check.Absent)},
					badPost{"required: binary with empty " + name, binary("x", "Ce-"+name, "")},
					badPost{"required: structured without " + name, structured(rest + `"myext":"x"}`)},
					badPost{"required: structured with empty " + name, structured(rest + `"` + name + `":""}`)},
				)
			}
			for _, version := range []string{"1.1", "2.0", "x"} {
				cases = append(cases,
					badPost{"version: binary " + version, binary("x", "Ce-Specversion", version)},
					badPost{"version: structured " + version, structured(`{"specversion":"` + version + `","id":"x","source":"/x","type":"x"}`)},
				)
			}
			cases = append(cases,
				badPost{"syntax: binary, time yesterday", binary("x", "Ce-Time", "yesterday")},
				badPost{"syntax: structured, time yesterday", structured("{" + attributes("x") + `,"time":"yesterday"}`)},
				badPost{"syntax: binary, source http://[", binary("x", "Ce-Source", "http://[")},
				badPost{"syntax: structured, source http://[", structured(`{"specversion":"1.0","id":"x","source":"http://[","type":"x"}`)},
				badPost{"name: ce-foo-bar", binary("x", "Ce-Foo-Bar", "x")},
				badPost{"name: ce-foo_bar", binary("x", "Ce-Foo_bar", "x")},
				badPost{"UTF-8: subject %FF", binary("x", "Ce-Subject", "%FF")},
				badPost{"UTF-8: subject a%C3%28", binary("x", "Ce-Subject", "a%C3%28")},
			)
			p.refuse(cases...)
		},
		Verify: []Verification{
			verify("CE-005", check.Rejects("required:", badRequest, pairWays...)),
			verify("CE-006", check.Rejects("version:", badRequest, pairWays...)),
			verify("CE-008", check.Rejects("syntax:", badRequest, pairWays...)),
			verify("CE-009", check.Rejects("name:", badRequest, pairWays...)),
			verify("CE-020", check.Rejects("UTF-8:", nil, pairWays...)),
		},
	},
	{
		Name: "cloudevents/bad-formats",
		Drive: func(s *drive.Stage) {
			p := newPair(s, event.Binary)
			p.control()
			p.refuse(
				badPost{"JSON: cut off", structured("{" + attributes("x"))},
				badPost{"JSON: empty", structured("")},
				badPost{"JSON: no JSON at all", structured("specversion=1.0")},
				badPost{"JSON: an array", structured("[{" + attributes("x") + "}]")},
				badPost{"JSON: a string", structured(`"x"`)},
				badPost{"JSON: attribute is an object", structured("{" + attributes("x") + `,"myext":{"a":1}}`)},
				badPost{"JSON: attribute is an array", structured("{" + attributes("x") + `,"myext":["a"]}`)},
				badPost{"JSON: subject is an object", structured("{" + attributes("x") + `,"subject":{}}`)},
				badPost{"mode: plain JSON", drive.Post{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"a":1}`)}},
				badPost{"mode: an event as plain JSON", drive.Post{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte("{" + attributes("x") + "}")}},
				badPost{"mode: application/cloudevents+xml", drive.Post{Header: http.Header{"Content-Type": {"application/cloudevents+xml"}},
					Body: []byte(`<?xml version="1.0"?><event xmlns="http://cloudevents.io/xmlformat/V1" specversion="1.0"><id>x</id><source>/x</source><type>x</type></event>`)}},
			)
		},
		Verify: []Verification{
			verify("CE-010", check.Rejects("JSON:", badRequest, pairWays...)),
			verify("CE-024", check.Rejects("mode:", nil, pairWays...)),
		},
	},
	{
		Name: "cloudevents/either-way",
		Drive: func(s *drive.Stage) {
			p := newPair(s, event.Binary)
			p.control()
			upper, twice, both := s.NewEvent().ID(), s.NewEvent().ID(), s.NewEvent().ID()
			s.Mark("upper case: attribute fooBar in " + upper)
			p.post(structured("{" + attributes(upper) + `,"fooBar":"x"}`))
			s.Mark("twice: Ce-Myext in " + twice)
			p.post(doubled(twice, "Ce-Myext"))
			s.Mark("twice: Ce-Subject in " + both)
			p.post(doubled(both, "Ce-Subject"))
			p.arrive()
			p.quiet()
		},
		Verify: []Verification{
			verify("CE-012", check.TakenOr("upper case:", "the name in lower case", nil, check.HasAttributes(map[string]string{
				"foobar": "x", "fooBar": check.Absent,
			}), pairWays...)),
			verify("CE-021", check.All(
				check.TakenOr("twice: Ce-Myext", "one of the values", badRequest, check.OneOf("myext", "one", "two"), pairWays...),
				check.TakenOr("twice: Ce-Subject", "one of the values", badRequest, check.OneOf("subject", "one", "two"), pairWays...))),
		},
	},
	{
		Name: "cloudevents/batches",
		Drive: func(s *drive.Stage) {
			p := newPair(s, event.Binary)
			for _, w := range p.ways {
				for _, n := range []int{0, 1, 3} {
					s.Mark(batchName(n, w.To))
					before := s.Count(w.At)
					code := s.Post(w.To, drive.Post{
						Header: http.Header{"Content-Type": {event.BatchContentType}}, Body: event.BatchJSON(s.Events(n)),
					})
					if code/100 == 2 {
						s.ExpectMore(w.At, before, n)
					}
				}
			}
			p.quiet()
		},
		Verify: []Verification{
			verify("CE-004", check.Besides("Sequence",
				check.BatchesWhole(
					check.Batch{Phase: batchName(0, "Channel/c"), At: "sub"},
					check.Batch{Phase: batchName(1, "Channel/c"), At: "sub", IDs: []string{"e1"}},
					check.Batch{Phase: batchName(3, "Channel/c"), At: "sub", IDs: []string{"e2", "e3", "e4"}}),
				check.BatchesWhole(
					check.Batch{Phase: batchName(0, "Sequence/s"), At: "end"},
					check.Batch{Phase: batchName(1, "Sequence/s"), At: "end", IDs: []string{"e5"}},
					check.Batch{Phase: batchName(3, "Sequence/s"), At: "end", IDs: []string{"e6", "e7", "e8"}}),
			)),
		},
	},
}

func batchName(n int, to string) string {
	return "batch of " + string(rune('0'+n)) + " to " + to
}

// doubled is a message in binary mode with a header that occurs twice.
func doubled(id, header string) drive.Post {
	p := binary(id)
	p.Header[header] = []string{"one", "two"}
	return p
}
