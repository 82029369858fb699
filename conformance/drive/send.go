package drive

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// Source is the attribute source of every event that the harness sends of its own.
const Source = "/sequitur"

// NewEvent returns an event with the next id of the scenario (e1, e2, …): type sequitur.test, its id as text/plain data.
func (s *Stage) NewEvent() *event.Event {
	s.events++
	id := fmt.Sprintf("e%d", s.events)
	return event.New(id, Source, "sequitur.test").WithData("text/plain", []byte(id))
}

// Events returns n new events.
func (s *Stage) Events(n int) []*event.Event {
	events := make([]*event.Event, n)
	for i := range events {
		events[i] = s.NewEvent()
	}
	return events
}

func barrier(id string) *event.Event { return event.New(id, "/sequitur/barrier", receiver.BarrierType) }

// Post is one request to the target, with everything that may be odd about it.
type Post struct {
	Event  *event.Event // written in Mode; nil: Header and Body are all there is
	Mode   event.Mode   // None means Binary
	Method string       // empty means POST
	Path   string       // replaces the path of the address if not empty
	Host   string       // replaces the Host header if not empty
	Header http.Header  // added to, or replacing, what the event gives
	Body   []byte       // replaces the event's body if not nil
	Stream bool         // sends the body chunked, of unknown length
	Raw    func(host, path string) []byte
	// Raw, if not nil, gives the bytes to write to a TCP connection instead of all above; Event describes them.
}

// Send posts events one after the other in binary mode; each is acknowledged before the next.
func (s *Stage) Send(to string, events ...*event.Event) {
	for _, e := range events {
		s.Post(to, Post{Event: e})
	}
}

// Post sends one request and records its answer. It returns the status code, 0 if there was no answer.
func (s *Stage) Post(to string, p Post) int { return s.post(to, p, history.Stimulus) }

// Burst posts events from a number of concurrent senders and waits for all acknowledgements.
func (s *Stage) Burst(to string, senders int, events ...*event.Event) {
	target := s.URL(to)
	work := make(chan Post)
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for p := range work {
				s.transmit(to, target, p, history.Stimulus)
			}
		})
	}
	for _, e := range events {
		work <- Post{Event: e}
	}
	close(work)
	wg.Wait()
	s.interrupted()
}

// Meanwhile sends new events one after the other, pausing for a moment between them, until during returns; at least one
// is sent before during is called and one after. It returns how many were sent.
func (s *Stage) Meanwhile(to string, pause time.Duration, during func()) int {
	target := s.URL(to)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	first, over := make(chan struct{}), make(chan struct{})
	sent := 0
	next := func() Post { sent++; return Post{Event: s.NewEvent()} }
	// The sender owns the event counter until it is over; during must not make events of its own.
	go func() {
		defer close(over)
		s.transmit(to, target, next(), history.Stimulus)
		close(first)
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				s.transmit(to, target, next(), history.Stimulus)
			}
		}
	}()
	<-first
	func() {
		defer func() { cancel(); <-over }()
		during()
	}()
	s.interrupted()
	s.Send(to, s.NewEvent())
	return sent + 1
}

func (s *Stage) post(to string, p Post, role history.Role) int {
	code := s.transmit(to, s.URL(to), p, role)
	s.interrupted()
	return code
}

func (s *Stage) nextExchange() int64 {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.exchange--
	return s.exchange // negative: receivers count upwards
}

// sendLimit bounds one request of the harness: an ingress that has not answered by then is recorded as an error.
const sendLimit = 30 * time.Second

func (s *Stage) transmit(to, target string, p Post, role history.Role) int {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), sendLimit)
	defer cancel()
	stop := context.AfterFunc(s.ctx, cancel)
	defer stop()

	x := s.nextExchange()
	mode := p.Mode
	if mode == event.None {
		mode = event.Binary
	}
	u, err := url.Parse(target)
	if err != nil {
		s.log.add(time.Time{}, history.Op{Kind: history.Sent, Who: to, X: x, Path: target, Role: role})
		s.log.add(time.Time{}, history.Op{Kind: history.Acked, Who: to, X: x, Error: err.Error(), Role: role})
		return 0
	}
	if p.Path != "" {
		u.Path = p.Path
	}
	h, body := http.Header{}, p.Body
	if p.Event != nil {
		if b := p.Event.Write(h, mode); body == nil {
			body = b
		}
	}
	for k, v := range p.Header {
		h[http.CanonicalHeaderKey(k)] = v
	}
	method := p.Method
	if method == "" {
		method = http.MethodPost
	}
	op := history.Op{Kind: history.Sent, Who: to, X: x, Method: method, Path: u.String(), Header: h.Clone(), Role: role}
	if p.Event != nil && (p.Body == nil || p.Raw != nil) {
		op.Event = history.Of(p.Event, mode)
	} else if op.Event = history.See(h, body); op.Event == nil {
		op.Body = body[:min(len(body), history.KeepData)]
	}
	s.log.add(time.Now(), op)
	var resp *http.Response
	if p.Raw != nil {
		resp, err = s.raw(ctx, u, method, p.Raw(u.Host, u.Path))
	} else {
		resp, err = s.request(ctx, method, u, h, body, p)
	}
	ack := history.Op{Kind: history.Acked, Who: to, X: x, Role: role}
	if err != nil {
		ack.Error = err.Error()
		s.log.add(time.Time{}, ack)
		return 0
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	resp.Body.Close()
	ack.Code, ack.Header = resp.StatusCode, resp.Header
	ack.Event = history.See(resp.Header, answer)
	ack.Body = answer[:min(len(answer), history.KeepData)]
	if err != nil {
		ack.Error = err.Error()
	}
	s.log.add(time.Time{}, ack)
	return resp.StatusCode
}

func (s *Stage) request(ctx context.Context, method string, u *url.URL, h http.Header, body []byte, p Post) (*http.Response, error) {
	var r io.Reader = bytes.NewReader(body)
	if p.Stream {
		r = struct{ io.Reader }{r} // hides the length
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), r)
	if err != nil {
		return nil, err
	}
	req.Header = h
	if p.Host != "" {
		req.Host = p.Host
	}
	return s.bench.target.Client().Do(req)
}

// raw writes bytes to a connection of the target client's own dialer and reads one answer.
func (s *Stage) raw(ctx context.Context, u *url.URL, method string, text []byte) (*http.Response, error) {
	dial := (&net.Dialer{}).DialContext
	if t, ok := s.bench.target.Client().Transport.(*http.Transport); ok && t.DialContext != nil {
		dial = t.DialContext
	}
	addr := u.Host
	if u.Port() == "" {
		addr = net.JoinHostPort(u.Hostname(), "80")
	}
	conn, err := dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	if _, err := conn.Write(text); err != nil {
		return nil, err
	}
	b := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(b, &http.Request{Method: method})
		if err != nil {
			return nil, err
		}
		if resp.StatusCode/100 == 1 {
			continue
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		resp.Body = io.NopCloser(bytes.NewReader(body))
		return resp, err
	}
}
