package loadgen

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/loadgen/scenario"
	"github.com/sequitur-dev/sequitur/reports/load"
)

// piped is a target that is nothing but a way to the receivers, within the process: so it can be in a bubble of synctest, where
// time passes only while everybody waits, and a busy machine changes nothing.
type piped struct {
	fake
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPiped(t *testing.T) *piped {
	return &piped{fake: fake{t: t}, conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *piped) About() target.About { return target.About{Name: "pipe", Driver: "embedded"} }
func (p *piped) Listen(context.Context) (net.Listener, string, error) {
	return ends{p}, "http://pipe", nil
}
func (p *piped) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: p.dial}}
}

func (p *piped) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// The listener.

func (p *piped) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *piped) Addr() net.Addr { return &net.TCPAddr{} }

// ends is the listener's Close, which a target has, too.
type ends struct{ *piped }

func (e ends) Close() error {
	e.once.Do(func() { close(e.closed) })
	return nil
}

// findMax searches the highest rate of a receiver that serves requests for 10 ms each, five at a time if nothing else is set: it
// is 500 per second.
func findMax(t *testing.T, watch func(Live, func()), sets ...string) (r *load.Result) {
	exactly = time.Sleep
	defer func() { exactly = doze }()
	synctest.Test(t, func(t *testing.T) {
		s, err := scenario.Load("direct", slices.Concat([]string{"receivers.sink.serviceTime=10ms", "receivers.sink.concurrency=5", "warmUp=0s",
			"duration=1500ms", "slo=[lost == 0]"}, sets)...)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if r, err = Run(ctx, newPiped(t), s, Options{FindMax: true, Watch: func(l Live) { watch(l, cancel) }}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // of the bubble: in which the library's keeper of workers sees the end of its server
	})
	return r
}

func TestFindMaxFindsAKnownCapacity(t *testing.T) {
	for _, c := range []struct {
		rate float64
		hold float64
		sets []string
	}{
		{500, 6, []string{"arrival.rate=90"}},
		{100, 20, []string{"arrival.rate=3000", "receivers.sink.concurrency=1", "duration=5s"}},
	} {
		r := findMax(t, func(Live, func()) {}, c.sets...)
		f := r.Search
		if math.Abs(f.Rate/c.rate-1) > 0.05 {
			t.Errorf("%v: found %v/s, want %v/s within 5 %%", c.sets, f.Rate, c.rate)
		}
		if f.Low > f.Rate || f.High < f.Rate || f.High/f.Low > 1.1 || !strings.HasPrefix(f.Reason, "the backlog grew by") {
			t.Errorf("%v: %v to %v: %s", c.sets, f.Low, f.High, f.Reason)
		}
		if r.Verdict != load.Met || r.Run.Duration != c.hold || "arrival.rate="+r.Scenario.Set["arrival.rate"] != c.sets[0] {
			t.Errorf("%v: what was held for %v s is %s: %s, set %v", c.sets, r.Run.Duration, r.Verdict, r.Reason, r.Scenario.Set)
		}
		for _, trial := range f.Trials {
			if want := trial.Rate < c.rate*1.015; (trial.Verdict == load.Met) != want {
				t.Errorf("%v: %v/s was %s: %s", c.sets, trial.Rate, trial.Verdict, trial.Reason)
			}
		}
	}
}

func TestFindMaxOfWhatIsNeverMet(t *testing.T) {
	r := findMax(t, func(Live, func()) {}, "slo=[ack.p99 < 5ms]", "arrival.rate=10")
	if f := r.Search; f.Rate != 0 || r.Verdict != load.Missed || !strings.HasPrefix(r.Reason, "not even 5/s is sustained: ") || !strings.HasSuffix(r.Reason, "ack.p99 < 5ms (10 ms)") {
		t.Errorf("%v/s, %s: %s", f.Rate, r.Verdict, r.Reason)
	}
}

func TestFindMaxInterrupted(t *testing.T) {
	r := findMax(t, func(l Live, cancel func()) {
		if strings.HasPrefix(l.Trial, "trial 3: ") && l.Phase == Measuring {
			cancel()
		}
	}, "arrival.rate=90")
	if r.Verdict != load.Interrupted || !r.Run.Interrupted || len(r.Search.Trials) != 2 || r.Search.Rate != 0 {
		t.Errorf("%s: %s, %+v", r.Verdict, r.Reason, r.Search)
	}
}
