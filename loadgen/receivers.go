package loadgen

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/loadgen/account"
	"github.com/sequitur-dev/sequitur/loadgen/scenario"
)

// receivers are the endpoints of a topology. They read no more of an event than who it is, as they must never be what limits a
// measurement. One run at a time is accounted for; what comes of an earlier one is answered and forgotten.
type receivers struct {
	base   string
	server *fasthttp.Server
	conns  *conns
	served chan error
	stop   chan struct{} // closed when nobody shall wait any longer
	once   sync.Once
	seed   uint64
	places map[string]*place // by name; immutable
	run    atomic.Pointer[reception]
}

// place is an endpoint at work.
type place struct {
	role
	at    int // its position
	slots *slots
	fails attempts
}

// reception is the run that is accounted for.
type reception struct {
	run     string
	sources int
	epoch   time.Time
	account *account.Account
	bare    atomic.Uint64 // events that came without the extension that they had been sent with
	stalls  bool
}

// maxEvent bounds what a receiver reads, in bytes.
const maxEvent = 32 << 20

// newReceivers serves the endpoints of a scenario on a listener, until Close.
func newReceivers(l net.Listener, base string, s *scenario.Scenario) *receivers {
	rs := &receivers{base: base, conns: &conns{Listener: l}, served: make(chan error, 1), stop: make(chan struct{}), seed: s.Seed, places: map[string]*place{}}
	for i, r := range rolesOf(s) {
		rs.places[r.name] = &place{role: r, at: i, slots: newSlots(r.Concurrency)}
	}
	rs.server = &fasthttp.Server{
		Handler: rs.serve, NoDefaultServerHeader: true, NoDefaultDate: true, NoDefaultContentType: true, MaxRequestBodySize: maxEvent,
		ReadBufferSize: 16 << 10, WriteBufferSize: 8 << 10, IdleTimeout: 2 * time.Minute, CloseOnShutdown: true,
		MaxIdleWorkerDuration: 200 * time.Millisecond,     // its keeper of workers sleeps as long after the server's end
		Logger:                log.New(io.Discard, "", 0), // of what clients do wrong, which they are answered
	}
	go func() { rs.served <- rs.server.Serve(rs.conns) }()
	return rs
}

// uri is where an endpoint is reached.
func (rs *receivers) uri(name string, index int) string {
	if _, ok := rs.places[name]; ok {
		return rs.base + "/" + name
	}
	return rs.base + "/" + name + "-" + strconv.Itoa(index)
}

// expect begins a run, whose accounts must have the positions of rolesOf.
func (rs *receivers) expect(r *reception) {
	for _, p := range rs.places {
		r.stalls = r.stalls || p.Stall.For > 0
		p.slots.reset()
		p.fails.reset()
	}
	rs.run.Store(r)
}

// close ends the endpoints; whoever waits for an answer loses its connection.
func (rs *receivers) close() error {
	rs.once.Do(func() { close(rs.stop) })
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err := rs.server.ShutdownWithContext(ctx)
	rs.conns.closeAll()
	if errors.Is(err, context.DeadlineExceeded) {
		err = rs.server.Shutdown()
	}
	_ = rs.conns.Close() // a server that did not begin yet knows of no shutdown; for others it is closed by now
	if served := <-rs.served; !errors.Is(served, net.ErrClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func (rs *receivers) serve(ctx *fasthttp.RequestCtx) {
	run := rs.run.Load()
	path := ctx.URI().PathOriginal()
	p := rs.places[string(path[bytes.LastIndexByte(path, '/')+1:])]
	switch {
	case p == nil || run == nil:
		ctx.SetStatusCode(http.StatusNotFound)
		return
	case ctx.IsOptions(): // a sender that asks whether it may send (CloudEvents http-webhook.md §4)
		ctx.Response.Header.Set("Allow", "POST, OPTIONS")
		ctx.Response.Header.Set("Webhook-Allowed-Origin", "*")
		ctx.Response.Header.Set("Webhook-Allowed-Rate", "*")
		return
	case !ctx.IsPost():
		ctx.SetStatusCode(http.StatusMethodNotAllowed)
		return
	}
	in := time.Since(run.epoch)
	e := run.identify(ctx)
	switch {
	case e.other: // a straggler of an earlier run
		p.answer(ctx, rs.seed, 0)
		return
	case !e.known:
		run.account.Stray(p.at, in)
		p.answer(ctx, rs.seed, 0)
		return
	}
	number := e.seq*uint64(run.sources) + uint64(e.source)
	turn := p.slots.queue(in, rs.service(p, number))
	if !rs.waitUntil(run, turn.begin) {
		turn.entered()
		hangUp(ctx)
		return
	}
	accepted := !p.refuses(rs.seed, number)
	turn.await()
	if turn.begin > in {
		in = time.Since(run.epoch)
	}
	receipt := account.Receipt{Receiver: p.at, Source: e.source, Seq: e.seq, In: in, Due: e.due, Sent: e.sent, Accepted: accepted}
	run.account.Arrived(receipt)
	for _, other := range e.more {
		more := receipt
		more.Source, more.Seq, more.Due, more.Sent = other.source, other.seq, other.due, other.sent
		run.account.Arrived(more)
	}
	turn.entered()
	if !rs.waitUntil(run, p.stalled(in, turn.end)) {
		hangUp(ctx)
		return
	}
	if !accepted {
		ctx.SetStatusCode(p.Failures.Status)
		if after := p.Failures.RetryAfter; after > 0 {
			ctx.Response.Header.Set("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second)))
		}
		return
	}
	p.answer(ctx, rs.seed, number)
	if p.Role == scenario.Step {
		run.account.Replied(receipt, time.Since(run.epoch))
	}
}

// arrival is who came in a request: usually one event.
type arrival struct {
	who
	other bool  // of another run
	known bool  // of this one
	more  []who // further events, of a batch
}

type who struct {
	source    int
	seq       uint64
	due, sent time.Duration
}

func (run *reception) identify(ctx *fasthttp.RequestCtx) (a arrival) {
	h := &ctx.Request.Header
	id := h.Peek(headerOwn)
	if len(id) == 0 {
		if id = h.Peek(headerID); len(id) == 0 {
			return run.identifyBody(ctx.PostBody())
		}
		run.bare.Add(1)
	}
	a.source, a.seq, a.known = parseID(id, run.run)
	a.other = !a.known && looksOwn(id)
	if due := h.Peek(headerDue); len(due) > 0 {
		a.due, a.sent = carried(due), carried(h.Peek(headerSent))
	}
	return a
}

// carried is a time that an event carries; 0 if that is none.
func carried(text []byte) time.Duration {
	n, _ := digits(text)
	return time.Duration(n)
}

// looksOwn tells whether an id is of the harness: three parts, the last two numbers.
func looksOwn(id []byte) bool {
	dash := bytes.IndexByte(id, '-')
	if dash < 0 {
		return false
	}
	_, _, ok := parseID(id, string(id[:dash]))
	return ok
}

// identifyBody finds the events in structured or batched mode by their extension. Our data holds nothing that looks alike.
func (run *reception) identifyBody(body []byte) (a arrival) {
	name := scenario.ExtensionID
	if !bytes.Contains(body, []byte(`"`+name+`"`)) {
		name = "id"
		run.bare.Add(1)
	}
	first := true
	for {
		id, rest, ok := member(body, name)
		if !ok {
			return a
		}
		var o who
		var known bool
		if o.source, o.seq, known = parseID(id, run.run); !known {
			a.other = a.other || first && looksOwn(id)
		}
		end := len(rest)
		if next := bytes.Index(rest, []byte(`"`+name+`"`)); next >= 0 {
			end = next
		}
		if due, _, ok := member(rest[:end], scenario.ExtensionDue); ok {
			sent, _, _ := member(rest[:end], scenario.ExtensionSent)
			o.due, o.sent = carried(due), carried(sent)
		}
		switch {
		case first:
			a.who, a.known = o, known
		case known:
			a.more = append(a.more, o)
		}
		first, body = false, rest
	}
}

// member is the text of the first member of a name in JSON, and what follows it.
func member(body []byte, name string) (text, rest []byte, ok bool) {
	at := bytes.Index(body, []byte(`"`+name+`"`))
	if at < 0 {
		return nil, nil, false
	}
	body = bytes.TrimLeft(body[at+len(name)+2:], " \t\r\n:")
	if len(body) == 0 || body[0] != '"' {
		return nil, body, true
	}
	end := bytes.IndexByte(body[1:], '"')
	if end < 0 {
		return nil, nil, false
	}
	return body[1 : 1+end], body[1+end:], true
}

// refuses decides whether a request is answered with a failure.
func (p *place) refuses(seed, number uint64) bool {
	f := p.Failures
	switch {
	case f.Share <= 0:
		return false
	case f.Permanent:
		return draw(seed, drawFailure, p.at, number) < float64(f.Share)
	}
	return p.fails.next(number, func(attempt uint64) bool {
		return draw(seed+attempt<<32, drawFailure, p.at, number) < float64(f.Share)
	})
}

// attempts counts the failed attempts of events that were not accepted yet.
type attempts struct {
	mu     sync.Mutex
	failed map[uint64]uint64
}

func (a *attempts) reset() {
	a.mu.Lock()
	a.failed = nil
	a.mu.Unlock()
}

// next decides an attempt by its number.
func (a *attempts) next(event uint64, fails func(attempt uint64) bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.failed[event]
	if fails(n) {
		if a.failed == nil {
			a.failed = map[uint64]uint64{}
		}
		a.failed[event] = n + 1
		return true
	}
	if n > 0 {
		delete(a.failed, event)
	}
	return false
}

// hangUp answers whoever the end of the receivers leaves waiting.
func hangUp(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.SetConnectionClose()
	ctx.SetStatusCode(http.StatusServiceUnavailable)
}

// service is how long an event is served.
func (rs *receivers) service(p *place, number uint64) time.Duration {
	service, constant := p.ServiceTime.Constant()
	if !constant {
		service = p.ServiceTime.Quantile(draw(rs.seed, drawService, p.at, number))
	}
	return time.Duration(service)
}

// stalled is when a request is answered that came in and would be at until, if there was no stall.
func (p *place) stalled(in, until time.Duration) time.Duration {
	if s := p.Stall; s.For > 0 && until >= s.At && in < s.At+s.For {
		return max(until, s.At+s.For)
	}
	return until
}

// waitUntil returns false if the receivers are closed meanwhile.
func (rs *receivers) waitUntil(run *reception, until time.Duration) bool {
	return time.Since(run.epoch) >= until || wait(run.epoch.Add(until), rs.stop, nil)
}

// slots serve requests in the order in which they come, some at a time. What is kept is when each slot will be free, so that
// timers that fire late take nothing away from the capacity.
type slots struct {
	mu   sync.Mutex
	free []time.Duration // nil: no limit
	last chan struct{}   // closed when the latest request has entered
}

func newSlots(n int) *slots {
	s := &slots{}
	if n > 0 {
		s.free = make([]time.Duration, n)
	}
	return s
}

func (s *slots) reset() {
	s.mu.Lock()
	clear(s.free)
	s.last = nil
	s.mu.Unlock()
}

// turn is when a request is served. Where there is a limit, a request counts as received when its turn begins: whoever waits
// at the door of a busy receiver is still on the way.
type turn struct {
	begin, end   time.Duration
	before, mine chan struct{} // nil: nobody cares for the order
}

func (s *slots) queue(in, service time.Duration) turn {
	if s.free == nil {
		return turn{begin: in, end: in + service}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := 0
	for i, t := range s.free {
		if t < s.free[next] {
			next = i
		}
	}
	begin := max(in, s.free[next])
	s.free[next] = begin + service
	t := turn{begin: begin, end: begin + service, before: s.last, mine: make(chan struct{})}
	s.last = t.mine
	return t
}

// await waits for those before, whose turns begin no later: several that begin at one moment enter in the order in which they
// came.
func (t turn) await() {
	if t.before != nil {
		<-t.before
	}
}

// entered lets the next one in.
func (t turn) entered() {
	if t.mine != nil {
		close(t.mine)
	}
}

// answer accepts a request; a step answers with an event.
func (p *place) answer(ctx *fasthttp.RequestCtx, seed, number uint64) {
	if p.Role != scenario.Step || !p.Reply.Only.Matches(number, p.index) {
		ctx.SetStatusCode(http.StatusAccepted)
		return
	}
	h := &ctx.Response.Header
	contentType := ctx.Request.Header.ContentType()
	if (p.Reply.Type != "" || p.Reply.Size != nil) && bytes.HasPrefix(contentType, []byte(event.ContentType)) {
		p.restructure(ctx, seed, number)
		return
	}
	for key, value := range ctx.Request.Header.All() {
		if len(key) > 3 && key[0] == 'C' && key[1] == 'e' && key[2] == '-' {
			h.SetBytesKV(key, value)
		}
	}
	h.SetContentTypeBytes(contentType)
	if p.Reply.Type != "" {
		h.Set("Ce-Type", p.Reply.Type)
	}
	if p.Reply.Size != nil && len(ctx.Request.Header.Peek(headerID)) > 0 {
		ctx.SetBody(p.data(seed, number, event.IsJSON(string(contentType))))
		return
	}
	ctx.Response.SetBodyRaw(ctx.PostBody()) // the request is kept until the answer is written
}

// data is data of a reply.
func (p *place) data(seed, number uint64, isJSON bool) []byte {
	size := int(p.Reply.Size.Quantile(draw(seed, drawReplySize, p.at, number)))
	m := messages{json: isJSON && size > 1}
	data, _ := io.ReadAll(&body{parts: m.data(size, nil)}) // of memory: it cannot fail
	return data
}

// restructure answers an event in structured mode with one that is changed.
func (p *place) restructure(ctx *fasthttp.RequestCtx, seed, number uint64) {
	_, events, err := event.Decode(http.Header{"Content-Type": {event.ContentType}}, ctx.PostBody())
	if err != nil {
		ctx.SetStatusCode(http.StatusBadRequest)
		return
	}
	e := events[0]
	if p.Reply.Type != "" {
		e.Set("type", p.Reply.Type)
	}
	if p.Reply.Size != nil {
		e.Data = p.data(seed, number, event.IsJSON(e.Attr("datacontenttype")))
	}
	ctx.Response.Header.SetContentType(event.ContentType)
	ctx.SetBody(e.JSON())
}

// conns knows the connections that a listener has accepted, so that they can be closed whoever waits on them.
type conns struct {
	net.Listener
	mu     sync.Mutex
	open   map[*conn]struct{}
	closed bool
}

type conn struct {
	net.Conn
	of *conns
}

// Accept implements net.Listener.
func (c *conns) Accept() (net.Conn, error) {
	accepted, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	n := &conn{accepted, c}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.Join(net.ErrClosed, accepted.Close())
	}
	if c.open == nil {
		c.open = map[*conn]struct{}{}
	}
	c.open[n] = struct{}{}
	return n, nil
}

// Close implements net.Conn.
func (n *conn) Close() error {
	n.of.mu.Lock()
	delete(n.of.open, n)
	n.of.mu.Unlock()
	return n.Conn.Close()
}

func (c *conns) closeAll() {
	c.mu.Lock()
	c.closed = true
	open := c.open
	c.open = nil
	c.mu.Unlock()
	for n := range open {
		_ = n.Conn.Close() // what is not answered by now will not be
	}
}
