package loadgen

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/sequitur-dev/sequitur/fixtures/api"
	"github.com/sequitur-dev/sequitur/fixtures/target"
)

// fake is a target without objects: events that are sent anywhere are taken by its RoundTrip, in this process, and forwarded
// to the first receiver one by one in the order of their numbers, except for the faults that are planted. It serves one stage.
type fake struct {
	t     testing.TB
	base  string
	begun time.Time
	once  sync.Once
	// answer says how a request is answered, and when; nil: 202 at once. Only what is answered 2xx is forwarded.
	answer func(since time.Duration, seq uint64) int
	// plan says which events are forwarded in the turn of an event, in which order; nil: that event.
	plan func(seq uint64) []uint64
	// hang says which requests are not answered as long as the caller waits; nil: none.
	hang func(seq uint64) bool

	mu      sync.Mutex
	waiting map[uint64]http.Header
	next    uint64
	wake    chan struct{}
	done    chan struct{}
}

func newFake(t testing.TB) *fake {
	return &fake{t: t, waiting: map[uint64]http.Header{}, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

func (f *fake) About() target.About                              { return target.About{Name: "fake", Driver: "test"} }
func (f *fake) Apply(context.Context, []byte) error              { return errors.ErrUnsupported }
func (f *fake) Get(context.Context, api.Ref) (api.Object, error) { return nil, errors.ErrUnsupported }
func (f *fake) List(context.Context, api.Ref) ([]api.Object, error) {
	return nil, errors.ErrUnsupported
}
func (f *fake) Watch(context.Context, api.Ref) (<-chan api.Object, error) {
	return nil, errors.ErrUnsupported
}
func (f *fake) Delete(context.Context, api.Ref) error  { return errors.ErrUnsupported }
func (f *fake) Clear(context.Context, ...string) error { return nil }
func (f *fake) Close(context.Context) error            { return nil }
func (f *fake) Client() *http.Client                   { return &http.Client{Transport: f} }
func (f *fake) Patience() target.Patience {
	return target.Patience{Ready: time.Second, Settle: 2 * time.Second, Quiet: 50 * time.Millisecond}
}

func (f *fake) Listen(ctx context.Context) (net.Listener, string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	f.base = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	go f.forward(ctx)
	f.t.Cleanup(func() { cancel(); <-f.done })
	return l, f.base, nil
}

// RoundTrip implements http.RoundTripper.
func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	f.once.Do(func() { f.begun = time.Now() })
	seq := f.seqOf(r.Header)
	if f.hang != nil && f.hang(seq) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	code := http.StatusAccepted
	if f.answer != nil {
		code = f.answer(time.Since(f.begun), seq)
	}
	f.mu.Lock()
	if code/100 == 2 {
		f.waiting[seq] = r.Header
	} else {
		f.waiting[seq] = nil
	}
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func (f *fake) seqOf(h http.Header) uint64 {
	id := h.Get(headerID)
	_, seq, ok := parseID([]byte(id), id[:8])
	if !ok {
		f.t.Errorf("an event has the id %q", id)
	}
	return seq
}

// forward posts to the first receiver.
func (f *fake) forward(ctx context.Context) {
	defer close(f.done)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	past := map[uint64]http.Header{}
	for {
		f.mu.Lock()
		h, ok := f.waiting[f.next]
		ahead, okAhead := f.waiting[f.next+1]
		f.mu.Unlock()
		plan := []uint64{f.next}
		if f.plan != nil {
			plan = f.plan(f.next)
		}
		for _, seq := range plan {
			ok = ok && (seq <= f.next || okAhead)
		}
		if !ok {
			select {
			case <-f.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		past[f.next], past[f.next+1] = h, ahead
		for _, seq := range plan {
			if past[seq] != nil {
				f.post(client, past[seq])
			}
		}
		f.mu.Lock()
		delete(f.waiting, f.next)
		f.mu.Unlock()
		if f.next > 10 {
			delete(past, f.next-10)
		}
		f.next++
	}
}

func (f *fake) post(client *http.Client, h http.Header) {
	r, err := http.NewRequest(http.MethodPost, f.base+"/sink", http.NoBody)
	if err != nil {
		f.t.Error(err)
		return
	}
	r.Header = h
	resp, err := client.Do(r)
	if err != nil {
		return // a receiver that is closed meanwhile is what some tests want
	}
	resp.Body.Close()
}
