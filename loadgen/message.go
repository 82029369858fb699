package loadgen

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/loadgen/scenario"
)

// The identity of an event is RUN-SOURCE-NUMBER: it is the attribute id, and the extension loadid for steps of others that make
// new ids.
const (
	headerID   = "Ce-Id"
	headerOwn  = "Ce-Loadid"
	headerDue  = "Ce-Loaddue"
	headerSent = "Ce-Loadsent"
)

// identity is what an event's id says.
type identity struct {
	run    string
	source int
	seq    uint64
}

func (i identity) append(b []byte) []byte {
	b = append(b, i.run...)
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(i.source), 10)
	b = append(b, '-')
	return strconv.AppendUint(b, i.seq, 10)
}

// parseID reads an id of run; ok is false for all others. It does not allocate.
func parseID(id []byte, run string) (source int, seq uint64, ok bool) {
	if len(id) <= len(run) || string(id[:len(run)]) != run || id[len(run)] != '-' {
		return 0, 0, false
	}
	id = id[len(run)+1:]
	dash := bytes.IndexByte(id, '-')
	if dash < 1 {
		return 0, 0, false
	}
	s, ok := digits(id[:dash])
	if !ok || s > 1<<20 {
		return 0, 0, false
	}
	seq, ok = digits(id[dash+1:])
	return int(s), seq, ok && seq < 1<<32
}

// maxDigits bounds a number that an event carries: it is below 1<<63, which in nanoseconds is centuries.
const maxDigits = 18

func digits(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > maxDigits {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + uint64(c-'0')
	}
	return n, true
}

// The purposes for which numbers are drawn.
const (
	drawSize = iota + 1
	drawReplySize
	drawService
	drawFailure
)

// draw is a uniform number in [0, 1) that depends on its arguments alone, so that all processes, and all repeats, draw the
// same (SplitMix64, Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
func draw(seed uint64, purpose, who int, number uint64) float64 {
	x := seed*0x9e3779b97f4a7c15 ^ uint64(purpose)<<56 ^ uint64(who)<<40
	x = mix(x) + number
	return float64(mix(x)>>11) / (1 << 53)
}

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// filler is what data consists of: 'x', or "xxx" in base64.
var (
	filler   = bytes.Repeat([]byte("x"), 32<<10)
	filler64 = bytes.Repeat([]byte("eHh4"), 8<<10)
)

// part is a text, or so many bytes of a filler.
type part struct {
	text []byte
	fill int
	of   []byte
}

// body is a request body made of parts, which are shared and never change. It costs no memory however long it is.
type body struct {
	parts []part
	at    int // in the first part
}

func (b *body) Read(p []byte) (n int, err error) {
	for n < len(p) && len(b.parts) > 0 {
		first := &b.parts[0]
		var c, size int
		if first.text != nil {
			size = len(first.text)
			c = copy(p[n:], first.text[b.at:])
		} else {
			size = first.fill
			from := b.at % len(first.of)
			c = copy(p[n:], first.of[from:min(len(first.of), from+size-b.at)])
		}
		n += c
		if b.at += c; b.at == size {
			b.parts, b.at = b.parts[1:], 0
		}
	}
	if n == 0 && len(b.parts) == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (b *body) Close() error { return nil }

func length(parts []part) (n int64) {
	for _, p := range parts {
		n += int64(len(p.text) + p.fill)
	}
	return n
}

// maxFlat bounds bodies that are sent in one piece, in bytes. The transport writes those together with the header, in one system
// call; a body of which it knows nothing costs it three.
const maxFlat = 64 << 10

func flatten(parts []part, n int64) []byte {
	data := make([]byte, n)
	_, _ = io.ReadFull(&body{parts: parts}, data) // of memory: it cannot fail
	return data
}

// reader is the body of a request that consists of parts, n bytes in all.
func (m *messages) reader(parts []part, n int64) io.ReadCloser {
	switch {
	case n == 0:
		return http.NoBody
	case n > maxFlat:
		return &body{parts: parts}
	case m.flat != nil:
		return io.NopCloser(bytes.NewReader(m.flat))
	}
	return io.NopCloser(bytes.NewReader(flatten(parts, n)))
}

// messages makes the requests of a source.
type messages struct {
	run     string
	source  int
	sources int
	batch   int // events in a request
	seed    uint64
	events  scenario.Events
	carries bool // events carry when they are due, and sent
	json    bool

	fixed   http.Header  // what all requests have
	changes []changing   // attributes that differ
	name    string       // source attribute, unless the scenario has one
	same    []part       // the body of all, if it is the same and the mode is binary
	flat    []byte       // the same in one piece, if it is not big
	static  []staticAttr // attributes that all events have, for structured mode
}

type staticAttr struct{ name, value string }

type changing struct {
	name, header string
	template     scenario.Template
	key          bool // key-N
}

func newMessages(s *scenario.Scenario, run string, source, sources int, carries bool) *messages {
	m := &messages{
		run: run, source: source, sources: sources, batch: max(1, s.Events.Batch), seed: s.Seed, events: s.Events, carries: carries,
		json: event.IsJSON(s.Events.ContentType), name: "/sequitur/load/" + strconv.Itoa(source),
	}
	m.static = []staticAttr{{"specversion", "1.0"}, {"type", s.Events.Type}}
	named := false
	for _, a := range s.Events.Attributes {
		named = named || a.Name == "source"
		if text := string(a.Value.Append(nil, 0, 0)); !a.Value.Varies() {
			m.static = append(m.static, staticAttr{a.Name, text})
			continue
		}
		m.changes = append(m.changes, changing{name: a.Name, header: http.CanonicalHeaderKey("ce-" + a.Name), template: a.Value})
	}
	if !named {
		m.static = append(m.static, staticAttr{"source", m.name})
	}
	if k := s.Events.Keys; k.Count > 0 {
		m.changes = append(m.changes, changing{name: k.Attribute, header: http.CanonicalHeaderKey("ce-" + k.Attribute), key: true})
	}
	m.fixed = http.Header{}
	switch s.Events.Mode {
	case scenario.Structured:
		m.fixed["Content-Type"] = []string{event.ContentType}
	case scenario.Batch:
		m.fixed["Content-Type"] = []string{event.BatchContentType}
	default:
		e := &event.Event{}
		for _, a := range m.static {
			e.Set(a.name, a.value)
		}
		e.WriteBinary(m.fixed)
		if size, constant := s.Events.Size.Constant(); constant {
			if size > 0 {
				m.fixed["Content-Type"] = []string{s.Events.ContentType}
			}
			m.same = m.data(int(size), nil)
			if n := length(m.same); n <= maxFlat {
				m.flat = flatten(m.same, n)
			}
		}
	}
	return m
}

// number is the number of an event among those of all sources, by which all that varies is drawn.
func (m *messages) number(seq uint64) uint64 { return seq*uint64(m.sources) + uint64(m.source) }

// size is how many bytes of data an event has.
func (m *messages) size(number uint64) int {
	if size, constant := m.events.Size.Constant(); constant {
		return int(size)
	}
	size := int(m.events.Size.Quantile(draw(m.seed, drawSize, 0, number)))
	if m.json && size == 1 {
		size = 2 // no JSON is shorter but a digit
	}
	return size
}

// data is data of a size: a JSON string if it is to be JSON.
func (m *messages) data(size int, parts []part) []part {
	switch {
	case size <= 0:
		return parts
	case m.json:
		return append(parts, part{text: quote}, part{fill: size - 2, of: filler}, part{text: quote})
	}
	return append(parts, part{fill: size, of: filler})
}

var quote = []byte(`"`)

// request is the header and the body of request r, whose events are due, and sent at a time.
func (m *messages) request(r uint64, due, at time.Duration) (http.Header, []part) {
	h := make(http.Header, len(m.fixed)+len(m.changes)+5)
	for k, v := range m.fixed {
		h[k] = v
	}
	if m.events.Mode == scenario.Binary {
		number := m.number(r)
		values := make([]string, 3+len(m.changes))
		set := func(i int, key, value string) {
			values[i] = value
			h[key] = values[i : i+1 : i+1]
		}
		id := string(identity{m.run, m.source, r}.append(make([]byte, 0, 40)))
		set(0, headerID, id)
		h[headerOwn] = h[headerID]
		if m.carries {
			set(1, headerDue, decimal(due))
			set(2, headerSent, decimal(at))
		}
		for i := range m.changes {
			set(3+i, m.changes[i].header, encoded(m.changes[i].value(number, m.events.Keys)))
		}
		if m.same != nil {
			return h, m.same
		}
		size := m.size(number)
		if size > 0 {
			h["Content-Type"] = []string{m.events.ContentType}
		}
		return h, m.data(size, make([]part, 0, 3))
	}
	if m.events.Mode == scenario.Structured {
		return h, m.structured(nil, r, due, at)
	}
	parts := []part{{text: []byte("[")}}
	for i := range uint64(m.batch) {
		if i > 0 {
			parts = append(parts, part{text: []byte(",")})
		}
		parts = m.structured(parts, r*uint64(m.batch)+i, due, at)
	}
	return h, append(parts, part{text: []byte("]")})
}

// decimal is a time as events carry it.
func decimal(t time.Duration) string { return strconv.FormatInt(int64(t), 10) }

// encoded is a value as a header has it.
func encoded(value string) string {
	for i := range len(value) {
		if c := value[i]; c < 0x21 || c > 0x7e || c == '"' || c == '%' {
			h := http.Header{}
			(&event.Event{Attrs: []event.Attr{{Name: "x", Value: value}}}).WriteBinary(h)
			return h.Get("Ce-X")
		}
	}
	return value
}

func (c *changing) value(number uint64, keys scenario.Keys) string {
	key := keys.Of(number)
	if c.key {
		return "key-" + strconv.Itoa(key)
	}
	return string(c.template.Append(make([]byte, 0, 32), number, key))
}

// structured appends an event in the JSON format.
func (m *messages) structured(parts []part, seq uint64, due, at time.Duration) []part {
	number := m.number(seq)
	var b bytes.Buffer
	member := func(name, value string) {
		b.WriteByte(map[bool]byte{true: '{', false: ','}[b.Len() == 0])
		text, _ := json.Marshal(value) // of a text: it cannot fail
		b.WriteString(`"` + name + `":`)
		b.Write(text)
	}
	id := string(identity{m.run, m.source, seq}.append(nil))
	member("id", id)
	member(scenario.ExtensionID, id)
	if m.carries {
		member(scenario.ExtensionDue, decimal(due))
		member(scenario.ExtensionSent, decimal(at))
	}
	for _, a := range m.static {
		member(a.name, a.value)
	}
	for i := range m.changes {
		member(m.changes[i].name, m.changes[i].value(number, m.events.Keys))
	}
	size := m.size(number)
	if size <= 0 {
		b.WriteByte('}')
		return append(parts, part{text: b.Bytes()})
	}
	member("datacontenttype", m.events.ContentType)
	if m.json {
		b.WriteString(`,"data":`)
		parts = m.data(size, append(parts, part{text: b.Bytes()}))
		return append(parts, part{text: []byte("}")})
	}
	b.WriteString(`,"data_base64":"`)
	rest := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", size%3)))
	return append(parts, part{text: b.Bytes()}, part{fill: size / 3 * 4, of: filler64}, part{text: []byte(rest + `"}`)})
}
