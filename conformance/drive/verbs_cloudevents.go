package drive

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/event"
)

// OneConnection sends posts, all of them Raw, on one TCP connection, each after the answer to the one before. After an
// answer that says that it is the last one there, which every server may say (RFC 9112 §9.6), the next post begins another.
// If the target ends a connection without a word, the posts that are left are recorded as unanswered.
func (s *Stage) OneConnection(to string, posts ...Post) {
	at := s.address(to)
	u, err := url.Parse(at.URL)
	if err != nil {
		s.stop("target", "the address of %s is no URL: %v", to, err)
	}
	ctx, cancel := context.WithTimeout(s.ctx, sendLimit)
	defer cancel()
	var c *connection
	for _, p := range posts {
		x := s.nextExchange()
		s.log.add(time.Now(), history.Op{Kind: history.Sent, Who: to, X: x, Method: http.MethodPost, Path: u.String(),
			Event: history.Of(p.Event, event.Binary)})
		ack := history.Op{Kind: history.Acked, Who: to, X: x}
		if err == nil && c == nil {
			if c, err = s.connect(ctx, u, at.CACerts); err == nil {
				defer c.end()
			}
		}
		if err == nil {
			var bearer string
			if bearer, err = s.bearer(ctx, to, at, p); err == nil {
				var last bool
				if last, err = c.converse(authorized(p.Raw(u.Host, pathOf(u)), bearer), &ack); last {
					c = nil
				}
			}
		}
		if err != nil {
			ack.Error = err.Error()
		}
		s.log.add(time.Time{}, ack)
	}
	s.interrupted()
}

// raw sends one post on a connection of its own.
func (s *Stage) raw(ctx context.Context, u *url.URL, caCerts string, text []byte, ack *history.Op) error {
	c, err := s.connect(ctx, u, caCerts)
	if err != nil {
		return err
	}
	defer c.end()
	_, err = c.converse(text, ack)
	return err
}

// pathOf is what a request names of a URL, which is / where that has no path (RFC 9112 §3.2.1).
func pathOf(u *url.URL) string {
	if u.Path == "" {
		return "/"
	}
	return u.Path
}

// connection is one on which requests are written as bytes; it ends with its context.
type connection struct {
	net.Conn
	in   *bufio.Reader
	stop func() bool
}

func (s *Stage) connect(ctx context.Context, u *url.URL, caCerts string) (*connection, error) {
	conn, err := s.dial(ctx, u, caCerts)
	if err != nil {
		return nil, err
	}
	return &connection{conn, bufio.NewReader(conn), context.AfterFunc(ctx, func() { conn.Close() })}, nil
}

func (c *connection) end() {
	c.stop()
	c.Close()
}

// converse writes a request and reads its final answer. last says that nothing else may follow on the connection.
func (c *connection) converse(text []byte, ack *history.Op) (last bool, err error) {
	if _, err := c.Write(text); err != nil {
		return true, err
	}
	for {
		resp, err := http.ReadResponse(c.in, &http.Request{Method: http.MethodPost})
		if err != nil {
			return true, err
		}
		if resp.StatusCode/100 == 1 {
			continue
		}
		return resp.Close, read(resp, ack)
	}
}

// dial connects to where the target's own client would.
func (s *Stage) dial(ctx context.Context, u *url.URL, caCerts string) (net.Conn, error) {
	dial := (&net.Dialer{}).DialContext
	if t, ok := s.bench.target.Client().Transport.(*http.Transport); ok && t.DialContext != nil {
		dial = t.DialContext
	}
	addr := u.Host
	if u.Port() == "" {
		port := "80"
		if u.Scheme == "https" {
			port = "443"
		}
		addr = net.JoinHostPort(u.Hostname(), port)
	}
	conn, err := dial(ctx, "tcp", addr)
	if err != nil || u.Scheme != "https" {
		return conn, err
	}
	config, err := trust(caCerts)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	config.ServerName = u.Hostname()
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secured, nil
}
