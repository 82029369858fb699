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

// OneConnection sends posts, all of them Raw, on one TCP connection, each after the answer to the one before. If the
// target ends the connection, the posts that are left are recorded as unanswered.
func (s *Stage) OneConnection(to string, posts ...Post) {
	at := s.address(to)
	u, err := url.Parse(at.URL)
	if err != nil {
		s.stop("target", "the address of %s is no URL: %v", to, err)
	}
	ctx, cancel := context.WithTimeout(s.ctx, sendLimit)
	defer cancel()
	conn, err := s.dial(ctx, u, at.CACerts)
	if err == nil {
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { conn.Close() })()
	}
	var in *bufio.Reader
	for _, p := range posts {
		x := s.nextExchange()
		s.log.add(time.Now(), history.Op{Kind: history.Sent, Who: to, X: x, Method: http.MethodPost, Path: u.String(),
			Event: history.Of(p.Event, event.Binary)})
		ack := history.Op{Kind: history.Acked, Who: to, X: x}
		if err == nil {
			if in == nil {
				in = bufio.NewReader(conn)
			}
			var bearer string
			if bearer, err = s.bearer(ctx, to, at, p); err == nil {
				err = converse(conn, in, authorized(p.Raw(u.Host, u.Path), bearer), &ack)
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
	conn, err := s.dial(ctx, u, caCerts)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	return converse(conn, bufio.NewReader(conn), text, ack)
}

// converse writes a request and reads its final answer.
func converse(conn net.Conn, in *bufio.Reader, text []byte, ack *history.Op) error {
	if _, err := conn.Write(text); err != nil {
		return err
	}
	for {
		resp, err := http.ReadResponse(in, &http.Request{Method: http.MethodPost})
		if err != nil {
			return err
		}
		if resp.StatusCode/100 == 1 {
			continue
		}
		return read(resp, ack)
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
