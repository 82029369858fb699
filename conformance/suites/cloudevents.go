package suites

import (
	"net/http"
	"slices"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// cloudEvents is the chapter on what is taken as an event and how it arrives. What is said of every address is judged at a
// Channel and at a Sequence, and that they take events at all also at a Parallel.
var cloudEvents = slices.Concat(ceAccepted, ceRefused, ceWire)

// pair is a Channel c with the subscriber sub, and a Sequence s of two steps that relay the event as it came, to end, if the
// target claims to have Sequences.
type pair struct {
	s    *drive.Stage
	ways []check.Way
	out  map[string]int // how many events should have come out, by receiver
}

var (
	pairWays    = []check.Way{{To: "Channel/c", At: "sub"}, {To: "Sequence/s", At: "end", Feature: "Sequence"}}
	parallelWay = check.Way{To: "Parallel/p", At: "branch"}
)

// newPair makes both; the second step answers in the given mode.
func newPair(s *drive.Stage, second event.Mode) *pair {
	s.Receiver("a", receiver.Relay())
	s.Receiver("b", receiver.InMode(second, receiver.Relay()))
	s.Apply(channelOf("c", ""))
	s.Apply(subscriptionOf("c", "c", "$sub", ""))
	s.Ready("Channel/c", "Subscription/c")
	p := &pair{s: s, ways: pairWays[:1], out: map[string]int{}}
	if s.Claims("Sequence") {
		s.Apply(sequenceOf("s", "$end", "$a", "$b"))
		s.Ready("Sequence/s")
		p.ways = pairWays
	}
	return p
}

// addParallel makes a Parallel p with the subscriber branch too, if the target claims to have them.
func (p *pair) addParallel() {
	if p.s.Claims("Parallel") {
		p.s.Apply(parallelOf("p", "", "$branch"))
		p.s.Ready("Parallel/p")
		p.ways = append(slices.Clone(p.ways), parallelWay)
	}
}

// post sends each to all of them.
func (p *pair) post(posts ...drive.Post) {
	for _, x := range posts {
		for _, w := range p.ways {
			if p.s.Post(w.To, x)/100 == 2 {
				p.out[w.At]++
			}
		}
	}
}

// events sends each to both in the mode.
func (p *pair) events(mode event.Mode, events ...*event.Event) {
	for _, e := range events {
		p.post(drive.Post{Event: e, Mode: mode})
	}
}

// arrive waits until what was accepted has come out.
func (p *pair) arrive() {
	for _, w := range p.ways {
		p.s.Expect(w.At, p.out[w.At])
	}
}

// quiet sees that nothing more comes out.
func (p *pair) quiet() {
	for _, w := range p.ways {
		p.s.Quiet(w.To, w.At)
	}
}

// control sends an event that nobody can refuse, and waits for it.
func (p *pair) control() {
	p.events(event.Binary, p.s.NewEvent())
	p.arrive()
}

// refuse sends each malformed message to both, in a phase that is named after what is wrong with it, and sees that
// nothing comes of them.
func (p *pair) refuse(cases ...badPost) {
	for _, c := range cases {
		p.s.Mark(c.what)
		p.post(c.post)
	}
	p.quiet()
}

type badPost struct {
	what string
	post drive.Post
}

// binary is a message in binary mode: a valid event of an id without attributes of its own, its header changed by the
// pairs of name and value; the value Absent takes a header away.
func binary(id string, pairs ...string) drive.Post {
	h := http.Header{}
	event.New(id, "/sequitur/odd", "sequitur.test").WriteBinary(h)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == check.Absent {
			h.Del(pairs[i])
			continue
		}
		h[http.CanonicalHeaderKey(pairs[i])] = []string{pairs[i+1]}
	}
	return drive.Post{Header: h}
}

// structured is a message in structured mode with any text as its body.
func structured(body string) drive.Post {
	return drive.Post{Header: http.Header{"Content-Type": {event.ContentType}}, Body: []byte(body)}
}

// attributes are the members of a valid structured event of an id, to be continued.
func attributes(id string) string {
	return `"specversion":"1.0","id":"` + id + `","source":"/sequitur/odd","type":"sequitur.test"`
}

// ceAccepted are the scenarios on what arrives as it was sent.
var ceAccepted = []Scenario{
	{
		Name: "cloudevents/content-modes",
		Drive: func(s *drive.Stage) {
			p := newPair(s, event.Structured)
			p.addParallel()
			s.Mark("binary")
			p.events(event.Binary, s.Events(2)...)
			s.Mark("structured")
			for _, contentType := range []string{
				"application/cloudevents+json", "Application/CloudEvents+JSON; charset=UTF-8", "application/cloudevents+json;charset=utf-8",
			} {
				p.post(drive.Post{Event: s.NewEvent(), Mode: event.Structured, Header: http.Header{"Content-Type": {contentType}}})
			}
			p.arrive()
		},
		Verify: []Verification{
			verify("CE-001", check.Of("binary", check.Besides("Parallel", check.Comes("its data", check.SameData, pairWays...), check.Comes("its data", check.SameData, parallelWay)))),
			verify("CE-002", check.Of("structured", check.Besides("Parallel", check.Comes("its data", check.SameData, pairWays...), check.Comes("its data", check.SameData, parallelWay)))),
		},
	},
	{
		Name: "cloudevents/attributes",
		Drive: func(s *drive.Stage) {
			p := newPair(s, event.Structured)
			for _, mode := range []event.Mode{event.Binary, event.Structured} {
				e := s.NewEvent().With("source", "/sequitur/rich?x=1#y").With("type", "com.example.rich").With("subject", "sub/ject:1").
					With("dataschema", "https://example.com/schema.json?v=1").With("time", "2020-01-01T00:00:00.123456789+02:00").
					With("myext", "value").With("n9", "007").With("abcdefghij0123456789", "https://example.com/?a=b&c=d")
				p.events(mode, e.WithData("text/plain", []byte("rich")))
			}
			p.arrive()
		},
		Verify: []Verification{
			verify("CE-013", check.Comes("its attributes", check.SameAttributes, pairWays...)),
			verify("CE-014", check.Comes("its time", check.SameTime, pairWays...)),
		},
	},
	{
		Name: "cloudevents/data",
		Drive: func(s *drive.Stage) {
			p := newPair(s, event.Binary)
			all := make([]byte, 256)
			for i := range all {
				all[i] = byte(i)
			}
			s.Mark("data")
			p.events(event.Binary,
				s.NewEvent().WithData("application/json", []byte(`{"open":`)),
				s.NewEvent().WithData("application/json", []byte("{ \"b\" :1.0,\"a\": 12345678901234567890 ,\"b\":2}\n")),
				s.NewEvent().WithData("application/octet-stream", all),
				s.NewEvent().WithData("text/plain; charset=utf-8", []byte("gr\u00fc\u00dfe\r\n")))
			// As data is a JSON value in structured mode, not its spelling is sent here, but a text that has one spelling.
			p.events(event.Structured,
				s.NewEvent().WithData("application/octet-stream", all),
				s.NewEvent().WithData("application/json", []byte(`{"a":[1,2],"b":"x"}`)))
			p.post(structured("{" + attributes(s.NewEvent().ID()) + `,"datacontenttype":"text/plain","data":"gr\u00fc\u00dfe\n"}`))
			s.Mark("types")
			for _, mode := range []event.Mode{event.Binary, event.Structured} {
				p.events(mode,
					s.NewEvent().WithData("application/json; charset=utf-8", []byte("{}")),
					s.NewEvent().WithData("application/vnd.example.v1+json", []byte("{}")))
			}
			none := s.NewEvent()
			none.Remove("datacontenttype")
			p.events(event.Binary, none.WithData("", []byte("<x/>")))
			s.Mark("no data")
			for _, mode := range []event.Mode{event.Binary, event.Structured} {
				bare := s.NewEvent()
				bare.Remove("datacontenttype")
				bare.Data = nil
				p.events(mode, bare)
			}
			p.arrive()
		},
		Verify: []Verification{
			verify("CE-015", check.Of("data", check.Comes("its data", check.SameData, pairWays...))),
			verify("CE-016", check.All(
				check.Of("data", check.Comes("its content type", check.SameContentType, pairWays...)),
				check.Of("types", check.Comes("its content type", check.SameContentType, pairWays...)))),
			verify("CE-017", check.Of("no data", check.Comes("no data", check.NoData, pairWays...))),
		},
	},
	{
		Name: "cloudevents/no-data-dead-letter",
		Drive: func(s *drive.Stage) {
			s.Receiver("a", receiver.Status(http.StatusBadRequest))
			s.Apply(channelOf("c", ""))
			s.Apply(subscriptionOf("c", "c", "$a", "delivery: {deadLetterSink: {uri: $dead}}"))
			s.Ready("Channel/c", "Subscription/c")
			for _, mode := range []event.Mode{event.Binary, event.Structured} {
				bare := s.NewEvent()
				bare.Remove("datacontenttype")
				bare.Data = nil
				s.Post("Channel/c", drive.Post{Event: bare, Mode: mode})
			}
			s.Expect("dead", 2)
		},
		Verify: []Verification{
			verify("CE-017", check.Comes("no data", check.NoData, check.Way{To: "Channel/c", At: "dead"})),
		},
	},
	{
		Name: "cloudevents/nulls",
		Drive: func(s *drive.Stage) {
			p := newPair(s, event.Structured)
			p.post(
				structured("{"+attributes(s.NewEvent().ID())+`,"myext":null,"subject":null,"time":null,"dataschema":null,"datacontenttype":null}`),
				structured("{"+attributes(s.NewEvent().ID())+`,"myext":null,"subject":null,"data":null}`))
			p.arrive()
		},
		Verify: []Verification{
			verify("CE-011", check.Comes("no attribute of null", check.Every(check.NoData, check.HasAttributes(map[string]string{
				"myext": check.Absent, "subject": check.Absent, "time": check.Absent, "dataschema": check.Absent,
			})), pairWays...)),
		},
	},
	{
		Name: "cloudevents/mode-by-content-type",
		Drive: func(s *drive.Stage) {
			p := newPair(s, event.Structured)
			p.post(drive.Post{Event: s.NewEvent(), Mode: event.Structured, Header: http.Header{
				"Ce-Specversion": {"1.0"}, "Ce-Id": {"other"}, "Ce-Source": {"/other"}, "Ce-Type": {"other"}, "Ce-Myext": {"other"},
			}})
			p.arrive()
		},
		Verify: []Verification{
			verify("CE-023", check.Comes("what its body says", check.Every(check.SameAttributes, check.SameData,
				check.HasAttributes(map[string]string{"myext": check.Absent})), pairWays...)),
		},
	},
	{
		Name: "cloudevents/version-0-3",
		Drive: func(s *drive.Stage) {
			p := newPair(s, event.Binary)
			for _, mode := range []event.Mode{event.Binary, event.Structured} {
				p.events(mode, s.NewEvent().With("specversion", "0.3").With("schemaurl", "https://example.com/schema").
					WithData("application/json", []byte(`{"old":true}`)))
			}
			p.arrive()
		},
		Verify: []Verification{
			verify("CE-007", check.Comes("its attributes, as 0.3", check.Every(check.SameAttributes, check.SameData), pairWays...)),
		},
	},
	{
		Name: "cloudevents/encoding",
		Drive: func(s *drive.Stage) {
			p := newPair(s, event.Structured)
			s.Mark("encoded")
			p.post(
				binary(s.NewEvent().ID(), "Ce-Subject", "Euro%20%E2%82%AC%20%F0%9F%98%80%20100%25"),
				binary(s.NewEvent().ID(), "Ce-Subject", "Euro%20%e2%82%ac%20%f0%9f%98%80%20100%25"))
			s.Mark("text")
			p.events(event.Structured, s.NewEvent().With("subject", encodedText))
			p.arrive()
		},
		Verify: []Verification{
			verify("CE-018", check.Of("encoded", check.Comes("its subject", check.Encoded("subject", encodedText), pairWays...))),
			verify("CE-019", check.Of("text", check.Comes("its subject", check.Encoded("subject", encodedText), pairWays...))),
		},
	},
	{
		Name: "cloudevents/typed-extensions",
		Drive: func(s *drive.Stage) {
			p := newPair(s, event.Structured)
			p.post(structured("{" + attributes(s.NewEvent().ID()) + typedExtensions + "}"))
			p.arrive()
		},
		Verify: []Verification{
			verify("CE-027", check.Comes("its extensions", check.HasAttributes(typedTexts), pairWays...)),
		},
	},
	{
		Name:  "cloudevents/structured-consumer",
		Needs: []string{"DeliveryFormat"},
		Drive: func(s *drive.Stage) {
			s.Apply(brokerOf("b", "") + "---\n" + triggerWith("t", "b", "$a", "filter: {attributes: {type: sequitur.test}}, delivery: {format: json}"))
			s.Ready("Broker/b", "Trigger/t")
			s.Mark("encoded")
			s.Post("Broker/b", binary(s.NewEvent().ID(), "Ce-Subject", "Euro%20%E2%82%AC%20%F0%9F%98%80%20100%25"))
			s.Mark("typed")
			s.Post("Broker/b", structured("{"+attributes(s.NewEvent().ID())+typedExtensions+"}"))
			s.Post("Broker/b", binary(s.NewEvent().ID(), typedHeaders...))
			s.Expect("a", 3)
		},
		Verify: []Verification{
			verify("CE-018", check.Of("encoded", check.WhereStructured("a", check.Comes("its subject",
				check.HasAttributes(map[string]string{"subject": encodedText}), check.Way{To: "Broker/b", At: "a"})))),
			verify("CE-027", check.Of("typed", check.WhereStructured("a", check.Comes("its extensions",
				check.HasAttributes(typedTexts), check.Way{To: "Broker/b", At: "a"})))),
		},
	},
}

// encodedText has what must be percent-encoded in a header, a percent sign among it.
const encodedText = "Euro \u20ac \U0001F600 100%"

// The types of the CloudEvents type system as a structured event may carry them, and their canonical text.
const typedExtensions = `,"n":5,"small":-2147483648,"b":true,"u":"https://example.com/a%20b?c","at":"2020-01-01T00:00:00Z","bin":"AAEC/w=="`

var typedTexts = map[string]string{
	"n": "5", "small": "-2147483648", "b": "true", "u": "https://example.com/a%20b?c", "at": "2020-01-01T00:00:00Z", "bin": "AAEC/w==",
}

var typedHeaders = []string{
	"Ce-N", "5", "Ce-Small", "-2147483648", "Ce-B", "true", "Ce-U", "https://example.com/a%2520b?c", "Ce-At", "2020-01-01T00:00:00Z", "Ce-Bin", "AAEC/w==",
}
