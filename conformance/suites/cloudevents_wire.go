package suites

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// ceWire are the scenarios on how messages are framed and how large they are.
var ceWire = []Scenario{
	{
		Name: "cloudevents/framing",
		Drive: func(s *drive.Stage) {
			p := newPair(s, event.Binary)
			asIs := func(h string) string { return h }
			s.Mark("case")
			for _, spell := range []func(string) string{strings.ToLower, strings.ToUpper, alternating} {
				p.post(onWire(s.NewEvent(), spell, false))
			}
			s.Mark("chunked")
			p.post(onWire(s.NewEvent(), asIs, true), drive.Post{Event: s.NewEvent(), Mode: event.Structured, Stream: true})
			s.Mark("continue")
			p.post(onWire(s.NewEvent(), asIs, false, "Expect: 100-continue"))
			s.Mark("upgrade")
			p.post(
				onWire(s.NewEvent(), asIs, false, "Upgrade: h2c"),
				onWire(s.NewEvent(), asIs, false, "Connection: Upgrade", "Upgrade: sequitur/1"))
			p.arrive()
			s.Mark("one connection")
			for _, w := range p.ways {
				before := s.Count(w.At)
				var posts []drive.Post
				for _, e := range s.Events(3) {
					posts = append(posts, onWire(e, asIs, false))
				}
				s.OneConnection(w.To, posts...)
				s.ExpectMore(w.At, before, len(posts))
			}
		},
		Verify: []Verification{
			verify("CE-022", check.Of("case", check.Comes("its attributes", check.SameAttributes, pairWays...))),
			verify("CE-028", check.Each([]string{"chunked", "continue", "one connection"}, func(phase string) check.Judge {
				return check.Of(phase, check.Comes("its data", check.SameData, pairWays...))
			})),
			verify("CE-029", check.Of("upgrade", check.Comes("its data", check.SameData, pairWays...))),
		},
	},
	{
		Name: "cloudevents/64-kib",
		Drive: func(s *drive.Stage) {
			p := newPair(s, event.Binary)
			for _, mode := range []event.Mode{event.Binary, event.Structured} {
				p.events(mode, padded(s.NewEvent(), mode, 64<<10))
				e := s.NewEvent()
				for i := range 8 {
					e.Set(fmt.Sprintf("long%d", i), strings.Repeat("x", 1<<10))
				}
				p.events(mode, padded(e, mode, 64<<10))
			}
			p.arrive()
		},
		Verify: []Verification{
			verify("CE-025", check.Comes("all of its 64 KiB", check.Every(check.SameData, check.SameAttributes), pairWays...)),
		},
	},
	{
		Name: "cloudevents/large",
		Drive: func(s *drive.Stage) {
			p := newPair(s, event.Binary)
			p.control()
			e := s.NewEvent()
			s.Mark("large: 1 MiB in " + e.ID())
			p.events(event.Binary, padded(e, event.Binary, 1<<20))
			e = s.NewEvent()
			s.Mark("large: 8 MiB in " + e.ID())
			if s.Post("Channel/c", drive.Post{Event: padded(e, event.Binary, 8<<20)})/100 == 2 {
				p.out["sub"]++
			}
			p.arrive()
		},
		Verify: []Verification{
			verify("CE-026", check.TakenOr("large:", "all of its data", []int{http.StatusRequestEntityTooLarge}, check.SameData, pairWays...)),
		},
	},
	{
		Name: "cloudevents/options-refused",
		Drive: func(s *drive.Stage) {
			s.Options(receiver.Status(http.StatusMethodNotAllowed))
			p := newPair(s, event.Binary)
			p.events(event.Binary, s.Events(2)...)
			p.arrive()
		},
		Verify: []Verification{
			verify("CE-033", check.Comes("its data", check.SameData, pairWays...)),
		},
	},
}

// onWire is an event in binary mode as bytes on a connection, with its header names spelt in a way. The values must be
// such that nothing is to be encoded.
func onWire(e *event.Event, spell func(string) string, chunked bool, more ...string) drive.Post {
	return drive.Post{Event: e, Raw: func(host, path string) []byte {
		var b bytes.Buffer
		fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\n", path, host)
		for _, a := range e.Attrs {
			name := "ce-" + a.Name
			if a.Name == "datacontenttype" {
				name = "content-type"
			}
			fmt.Fprintf(&b, "%s: %s\r\n", spell(name), a.Value)
		}
		for _, line := range more {
			b.WriteString(line + "\r\n")
		}
		if chunked {
			fmt.Fprintf(&b, "%s: chunked\r\n\r\n1\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", spell("transfer-encoding"), e.Data[:1], len(e.Data)-1, e.Data[1:])
		} else {
			fmt.Fprintf(&b, "%s: %d\r\n\r\n%s", spell("content-length"), len(e.Data), e.Data)
		}
		return b.Bytes()
	}}
}

// alternating spells a header name in small and capital letters by turns.
func alternating(name string) string {
	b := []byte(name)
	for i := 0; i < len(b); i += 2 {
		b[i] = strings.ToUpper(string(b[i]))[0]
	}
	return string(b)
}

// padded gives an event so much data, a JSON string, that its size on the wire is exactly size: that of the JSON text in
// structured mode, that of the header lines and the body in binary mode.
func padded(e *event.Event, mode event.Mode, size int) *event.Event {
	e.WithData("application/json", []byte(`""`))
	have := len(e.JSON())
	if mode == event.Binary {
		h := http.Header{}
		e.WriteBinary(h)
		have = len(e.Data)
		for name, values := range h {
			have += len(name) + len(": \r\n") + len(values[0])
		}
	}
	return e.WithData("application/json", []byte(`"`+strings.Repeat("x", size-have)+`"`))
}
