package conformance

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/reports"
)

// farAway is a target whose deliveries take longer than the quiet window: what a scenario expects to be delivered it must
// wait for, and not for a moment of silence.
type farAway struct{ target.Target }

func (t farAway) Listen(ctx context.Context) (net.Listener, string, error) {
	l, base, err := t.Target.Listen(ctx)
	return &farListener{Listener: l, delay: 5 * t.Patience().Quiet}, base, err
}

// farListener delays every third request, so that what is slow is overtaken by barriers and by silence.
type farListener struct {
	net.Listener
	delay    time.Duration
	requests atomic.Int64
}

func (l *farListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	far := &farConn{Conn: c, l: l}
	far.fresh.Store(true)
	return far, nil
}

// farConn holds back requests that come over it.
type farConn struct {
	net.Conn
	l     *farListener
	fresh atomic.Bool // the next bytes begin a request
}

func (c *farConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 1 && c.fresh.Swap(false) { // net/http reads single bytes ahead to notice that the client leaves
		if c.l.requests.Add(1)%3 == 0 {
			<-time.After(c.l.delay)
		}
	}
	return n, err
}

func (c *farConn) Write(b []byte) (int, error) {
	c.fresh.Store(true)
	return c.Conn.Write(b)
}

// TestScenariosWaitForWhatTheyExpect runs the suite on a reference that conforms and is slow.
func TestScenariosWaitForWhatTheyExpect(t *testing.T) {
	r := mustRun(t, farAway{embedded(t, nil)}, Options{})
	for _, x := range r.Results {
		if x.Verdict > verdict.Untested {
			t.Errorf("\n%s", reports.Describe(x))
		}
	}
}
