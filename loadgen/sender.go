package loadgen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/sequitur-dev/sequitur/loadgen/account"
	"github.com/sequitur-dev/sequitur/loadgen/scenario"
)

const (
	// maxCallers bounds how many requests of an open run are under way. More connections than this are no load any more but
	// a flood of the sender's own machine; a run that comes to it is invalid.
	maxCallers = 10_000
	// requestTimeout is how long an answer is waited for.
	requestTimeout = 30 * time.Second
	// grace is how long requests under way may go on after an interruption.
	grace = 300 * time.Millisecond
)

// sender sends the events of one source. What the library's attack does not know, it adds: when each request was due, who the
// event is, and that both are accounted for.
type sender struct {
	scenario  *scenario.Scenario
	schedule  schedule
	messages  *messages
	account   *account.Account
	transport http.RoundTripper
	url       string
	bearer    string // the header Authorization; empty for none
	epoch     time.Time
	tokens    chan struct{}        // of the window; nil for other drivers
	patience  time.Duration        // how long a full window waits for an arrival
	record    func(*vegeta.Result) // gets each result, as from the due time; nil for none

	aborted context.Context // ends requests under way
	// dues are when the latest requests are due, plus one. The pacer is ahead of the requests by a few, and never by so many.
	dues    [1 << 16]atomic.Int64
	failed  sync.Map // requests without an answer: number → span; only if they are recorded
	callers atomic.Int64
	most    atomic.Int64
	stuck   atomic.Uint64 // tokens of the window that had to be given up

	mu     sync.Mutex
	faults map[string]uint64 // what went wrong: in words → requests
}

// send sends until the schedule, halt or ctx ends, and returns when every request is answered. When ctx ends, requests have
// only a moment more.
func (s *sender) send(ctx context.Context, halt <-chan struct{}) {
	aborted, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	s.aborted = aborted
	ended := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-aborted.Done():
		}
		abort()
	})
	defer ended()
	callers, most := uint64(16), uint64(maxCallers)
	if s.scenario.Driver.Kind == scenario.Closed {
		callers, most = uint64(s.scenario.Driver.N), uint64(s.scenario.Driver.N)
	}
	attacker := vegeta.NewAttacker(vegeta.Client(s.client()), vegeta.Workers(callers), vegeta.MaxWorkers(most), vegeta.MaxBody(0))
	same := vegeta.Target{Method: http.MethodPost, URL: s.url}
	targeter := func(t *vegeta.Target) error { *t = same; return nil }
	for r := range attacker.Attack(targeter, &pacer{sender: s, ctx: ctx, halt: halt}, 0, "") {
		if s.record != nil {
			s.record(s.fromDue(r))
		}
	}
}

// client sends by way of RoundTrip.
func (s *sender) client() *http.Client {
	return &http.Client{Transport: s, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (s *sender) CloseIdleConnections() {
	(&http.Client{Transport: s.transport}).CloseIdleConnections()
}

// pacer is the library's view of the schedule.
type pacer struct {
	*sender
	ctx  context.Context
	halt <-chan struct{}
}

// Rate implements vegeta.Pacer; nothing asks for it.
func (p *pacer) Rate(time.Duration) float64 { return p.scenario.Arrival.Rate }

// Pace implements vegeta.Pacer. It is called once for each request, by one goroutine, and itself does the waits: the
// library's are less exact, and know of no interruption.
func (p *pacer) Pace(_ time.Duration, hits uint64) (time.Duration, bool) {
	select {
	case <-p.ctx.Done():
		return 0, true
	case <-p.halt:
		return 0, true
	default:
	}
	m := p.messages
	batch := uint64(m.batch)
	if limit := p.scenario.Stop.Events; limit > 0 && (hits*uint64(m.sources)+uint64(m.source))*batch >= limit || (hits+1)*batch > math.MaxUint32 {
		return 0, true
	}
	if p.scenario.Driver.Kind != scenario.Open {
		if time.Since(p.epoch) >= p.scenario.WarmUp+p.scenario.Duration {
			return 0, true
		}
		return 0, !p.admit(batch)
	}
	due, ok := p.schedule.due((hits*uint64(m.sources) + uint64(m.source)) * batch)
	if !ok {
		return 0, true
	}
	p.dues[hits%uint64(len(p.dues))].Store(int64(due) + 1)
	return 0, !wait(p.epoch.Add(due), p.ctx.Done(), p.halt)
}

// exactly waits for a short time. Tests in bubbles, whose time is not the kernel's, put time.Sleep in its place.
var exactly = doze

// wakeful is how long before its end a wait can be ended no more.
const wakeful = 2 * time.Millisecond

// wait waits until a moment, as exactly as can be; it returns false if one of the channels is closed before.
func wait(until time.Time, ends, orElse <-chan struct{}) bool {
	if d := time.Until(until) - wakeful; d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ends:
			return false
		case <-orElse:
			return false
		}
	}
	if d := time.Until(until); d > 0 {
		exactly(d)
	}
	return true
}

// admit waits until the window has room for a request; false if the run ends before.
func (p *pacer) admit(events uint64) bool {
	if p.tokens == nil {
		return true
	}
	for range events {
		select {
		case p.tokens <- struct{}{}:
			continue
		default:
		}
		end := time.NewTimer(p.scenario.WarmUp + p.scenario.Duration - time.Since(p.epoch))
		given := time.NewTicker(p.patience)
		for waiting := true; waiting; {
			select {
			case p.tokens <- struct{}{}:
				waiting = false
			case <-given.C:
				// Nothing frees the place of an event that is lost.
				if time.Since(p.epoch)-p.account.Live(time.Since(p.epoch)).Last >= p.patience {
					p.stuck.Add(1)
					waiting = false
				}
			case <-end.C:
				return false
			case <-p.ctx.Done():
				return false
			case <-p.halt:
				return false
			}
		}
		end.Stop()
		given.Stop()
	}
	return true
}

// left frees a place in the window.
func (s *sender) left() {
	select {
	case <-s.tokens:
	default: // its place was given up before
	}
}

// RoundTrip implements http.RoundTripper: it makes the library's request that of an event.
func (s *sender) RoundTrip(plan *http.Request) (*http.Response, error) {
	number, err := strconv.ParseUint(plan.Header.Get("X-Vegeta-Seq"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("a request of the library without its number: %w", err)
	}
	most := s.callers.Add(1)
	defer s.callers.Add(-1)
	for seen := s.most.Load(); most > seen && !s.most.CompareAndSwap(seen, most); seen = s.most.Load() {
	}
	at := time.Since(s.epoch)
	due := at
	if s.scenario.Driver.Kind == scenario.Open {
		due = time.Duration(s.dues[number%uint64(len(s.dues))].Load() - 1)
	}
	due = max(due, 1)
	header, parts := s.messages.request(number, due, at)
	if s.bearer != "" {
		header["Authorization"] = []string{s.bearer}
	}
	request := plan.WithContext(s.aborted)
	request.Header = header
	request.ContentLength = length(parts)
	request.Body = s.messages.reader(parts, request.ContentLength)
	request.GetBody = func() (io.ReadCloser, error) { return s.messages.reader(parts, request.ContentLength), nil }
	source, first := s.messages.source, number*uint64(s.messages.batch)
	for i := range uint64(s.messages.batch) {
		s.account.Sent(source, first+i, due, at)
	}
	response, err := s.transport.RoundTrip(request)
	if err != nil && s.aborted.Err() != nil {
		return nil, err // the run was interrupted: how it would have ended is not known
	}
	end := time.Since(s.epoch)
	outcome := s.outcome(response, err)
	for i := range uint64(s.messages.batch) {
		s.account.Ended(source, first+i, outcome, end)
	}
	if s.record != nil {
		if err != nil {
			s.failed.Store(number, span{due, end, request.ContentLength})
		} else {
			response.Header[headerDue] = []string{decimal(due), decimal(end), strconv.FormatInt(request.ContentLength, 10)}
		}
	}
	return response, err
}

func (s *sender) outcome(response *http.Response, err error) account.Outcome {
	if err != nil {
		s.fault(err.Error())
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" {
			return account.Refused // it did not even begin
		}
		return account.Unknown
	}
	switch code := response.StatusCode; {
	case code/100 == 2:
		return account.Acked
	case code == http.StatusTooManyRequests:
		s.fault(response.Status)
		return account.Throttled
	case code/100 == 5:
		s.fault(response.Status)
		return account.ServerError
	}
	s.fault(response.Status)
	return account.Refused
}

// maxFaults bounds the different words that are kept.
const maxFaults = 20

func (s *sender) fault(words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults == nil {
		s.faults = map[string]uint64{}
	}
	if _, known := s.faults[words]; !known && len(s.faults) >= maxFaults {
		words = "other errors"
	}
	s.faults[words]++
}

// span is from when a request was due until it was answered, and how many bytes its body had.
type span struct {
	due, end time.Duration
	bytes    int64
}

// fromDue turns a result of the library into one that counts from when the request was due, to the same moment as the account.
func (s *sender) fromDue(r *vegeta.Result) *vegeta.Result {
	var took span
	known := false
	if v := r.Headers[headerDue]; len(v) == 3 {
		due, err1 := strconv.ParseInt(v[0], 10, 64)
		end, err2 := strconv.ParseInt(v[1], 10, 64)
		bytes, err3 := strconv.ParseInt(v[2], 10, 64)
		took, known = span{time.Duration(due), time.Duration(end), bytes}, err1 == nil && err2 == nil && err3 == nil
	} else if v, found := s.failed.LoadAndDelete(r.Seq); found {
		took, known = v.(span)
	}
	if known {
		r.Timestamp, r.Latency, r.BytesOut = s.epoch.Add(took.due), took.end-took.due, uint64(max(0, took.bytes))
	}
	r.Headers, r.Body = nil, nil
	return r
}
