package drive

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/api"
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
	Tail   io.Reader    // follows the body, which is then sent chunked, until it ends or fails; see Endlessly
	Raw    func(host, path string) []byte
	over   <-chan struct{} // if closed, the request is given up
	// Raw, if not nil, gives the bytes to write to a TCP connection instead of all above; Event describes them.

	// Where an address has an audience, a request carries a token of the service account As, "default" if empty. Bearer, if
	// not nil, makes another Authorization header of the right one; "" sends none.
	As     string
	For    string // carries a token for this object's audience instead
	Bearer func(right string) string
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
	s.While(to, senders, events, func() {})
}

// Meanwhile sends new events one after the other, pausing for a moment between them, until during returns; at least one
// is sent before during is called and one after. It returns how many were sent.
func (s *Stage) Meanwhile(to string, pause time.Duration, during func()) int {
	s.warm(to)
	target := s.address(to)
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
	if role == history.Stimulus {
		s.warm(to)
	}
	code := s.transmit(to, s.address(to), p, role)
	s.interrupted()
	return code
}

// Cold has the scenario send without trying before whether the data plane knows of what is Ready.
func (s *Stage) Cold() { s.cold = true }

// warm tries barrier events on an address, once after each Ready, until two in a row have come to the same receivers and to
// one at least, or as long as the data plane may lag behind.
func (s *Stage) warm(to string) {
	lag := s.bench.patience.Lag
	if lag == 0 || s.cold || s.warmed[to] == s.readied || strings.Contains(to, "://") || len(s.refused) > 0 {
		return
	}
	s.warmed[to] = s.readied
	end := time.Now().Add(lag)
	var before []string
	for time.Now().Before(end) {
		s.barriers++
		id := fmt.Sprintf("barrier%d", s.barriers)
		code := s.transmit(to, s.address(to), Post{Event: barrier(id)}, history.Barrier)
		s.interrupted()
		s.log.silence(s.ctx.Done(), s.bench.patience.Quiet/2, lag)
		s.interrupted()
		came := s.log.came(id)
		if code/100 == 2 && len(came) > 0 && slices.Equal(came, before) {
			return
		}
		before = came
	}
}

func (s *Stage) nextExchange() int64 {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.exchange--
	return s.exchange // negative: receivers count upwards
}

// sendLimit bounds one request of the harness: an ingress that has not answered by then is recorded as an error.
const sendLimit = 30 * time.Second

func (s *Stage) transmit(to string, target api.Address, p Post, role history.Role) int {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), sendLimit)
	defer cancel()
	stop := context.AfterFunc(s.ctx, cancel)
	defer stop()
	if p.over != nil {
		var wg sync.WaitGroup
		answered := make(chan struct{})
		wg.Go(func() {
			select {
			case <-p.over:
				cancel()
			case <-answered:
			}
		})
		defer func() { close(answered); wg.Wait() }()
	}

	x := s.nextExchange()
	mode := p.Mode
	if mode == event.None {
		mode = event.Binary
	}
	u, err := url.Parse(target.URL)
	if err != nil {
		s.log.add(time.Time{}, history.Op{Kind: history.Sent, Who: to, X: x, Path: target.URL, Role: role})
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
	bearer, noToken := s.bearer(ctx, to, target, p)
	if bearer != "" {
		h.Set("Authorization", bearer)
	}
	method := p.Method
	if method == "" {
		method = http.MethodPost
	}
	op := history.Op{Kind: history.Sent, Who: to, X: x, Method: method, Path: u.String(), Header: redacted(h), Role: role}
	if p.Event != nil && (p.Body == nil || p.Raw != nil) {
		op.Event = history.Of(p.Event, mode)
	} else if op.Event = history.See(h, body); op.Event == nil {
		op.Body = body[:min(len(body), history.KeepData)]
	}
	s.log.add(time.Now(), op)
	ack := history.Op{Kind: history.Acked, Who: to, X: x, Role: role}
	switch err = noToken; {
	case err != nil:
	case p.Raw != nil:
		err = s.raw(ctx, u, target.CACerts, authorized(p.Raw(u.Host, pathOf(u)), bearer), &ack)
	default:
		err = s.request(ctx, method, u, target.CACerts, h, body, p, &ack)
	}
	if err != nil {
		ack.Error = err.Error()
	}
	s.log.add(time.Time{}, ack)
	return ack.Code
}

// read takes an answer into an op.
func read(resp *http.Response, ack *history.Op) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	resp.Body.Close()
	ack.Code, ack.Header = resp.StatusCode, resp.Header
	ack.Event = history.See(resp.Header, body)
	ack.Body = bytes.Clone(body[:min(len(body), history.KeepData)])
	return err
}

func (s *Stage) request(ctx context.Context, method string, u *url.URL, caCerts string, h http.Header, body []byte, p Post, ack *history.Op) error {
	var r io.Reader = bytes.NewReader(body)
	if p.Stream {
		r = struct{ io.Reader }{r} // hides the length
	}
	if p.Tail != nil {
		r = io.MultiReader(r, p.Tail)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), r)
	if err != nil {
		return err
	}
	req.Header = h
	if p.Host != "" {
		req.Host = p.Host
	}
	client, err := s.bench.clientFor(caCerts)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	return read(resp, ack)
}
