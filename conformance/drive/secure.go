package drive

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sequitur-dev/sequitur/fixtures/api"
	"github.com/sequitur-dev/sequitur/fixtures/certificate"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
	"github.com/sequitur-dev/sequitur/fixtures/target"
)

// trust is a client's configuration that trusts certificates (PEM) and the system's roots.
func trust(caCerts string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caCerts == "" {
		return config, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("the system's roots: %w", err)
	}
	if !roots.AppendCertsFromPEM([]byte(caCerts)) {
		return nil, errors.New("the address's CACerts hold no certificate in PEM")
	}
	config.RootCAs = roots
	return config, nil
}

// clientFor returns the target's client, trusting the certificates that an address shows.
func (b *Bench) clientFor(caCerts string) (*http.Client, error) {
	client := b.target.Client()
	if caCerts == "" {
		return client, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.trusting[caCerts]; c != nil {
		return c, nil
	}
	config, err := trust(caCerts)
	if err != nil {
		return nil, err
	}
	transport, ok := client.Transport.(*http.Transport)
	if !ok {
		return nil, fmt.Errorf("the target's client has a %T, which cannot be made to trust an address's CACerts", client.Transport)
	}
	transport = transport.Clone()
	transport.TLSClientConfig = config
	c := &http.Client{Transport: transport, CheckRedirect: client.CheckRedirect}
	if b.trusting == nil {
		b.trusting = map[string]*http.Client{}
	}
	b.trusting[caCerts] = c
	return c, nil
}

// bearer returns the Authorization header of a post, empty for none of the harness's own. The harness speaks as somebody of
// the namespace that it sends to: those who may, unless a policy says otherwise.
func (s *Stage) bearer(ctx context.Context, object string, to api.Address, p Post) (string, error) {
	if to.Audience == "" {
		return "", nil
	}
	who, ok := s.bench.target.(target.Identities)
	if !ok {
		return "", fmt.Errorf("the address wants a token for %s, and the driver of this target cannot get one", to.Audience)
	}
	account := p.As
	if account == "" {
		account = "default"
	}
	audience := to.Audience
	if p.For != "" {
		audience = s.address(p.For).Audience
	}
	token, err := who.Token(ctx, Ref(object, s.namespace).Namespace, account, audience)
	if err != nil {
		return "", fmt.Errorf("token of the service account %s: %w", account, err)
	}
	bearer := "Bearer " + token
	if p.Bearer != nil {
		bearer = p.Bearer(bearer)
	}
	return bearer, nil
}

// authorized adds a header to a request as it is on the wire.
func authorized(text []byte, bearer string) []byte {
	line, rest, ok := bytes.Cut(text, []byte("\r\n"))
	if bearer == "" || !ok {
		return text
	}
	return bytes.Join([][]byte{line, []byte("Authorization: " + bearer), rest}, []byte("\r\n"))
}

// redacted is a copy of a header in which a token has lost its signature: histories are shown to others.
func redacted(h http.Header) http.Header {
	out := h.Clone()
	if out == nil {
		out = http.Header{}
	}
	for i, v := range out["Authorization"] {
		if parts := strings.Split(v, "."); len(parts) == 3 && strings.HasPrefix(v, "Bearer ") {
			out["Authorization"][i] = parts[0] + "." + parts[1] + ".redacted"
		}
	}
	return out
}

// TLSReceiver makes a receiver that is reached by https alone, and returns the certificates (PEM) to trust for it.
func (s *Stage) TLSReceiver(name string, r receiver.Respond) (caCerts string) {
	base, caCerts, err := s.bench.secure(s.ctx)
	if err != nil {
		s.stop("harness", "receivers over TLS: %v", err)
	}
	s.bench.server.Add(s.namespace, name, s.answering(r))
	s.uris[name] = base + "/" + s.namespace + "/" + name
	return caCerts
}

// secure starts the receivers' listener over TLS, if there is none.
func (b *Bench) secure(ctx context.Context) (base, caCerts string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.secured != "" {
		return b.secured, b.caCerts, nil
	}
	l, base, err := b.target.Listen(ctx)
	if err != nil {
		return "", "", err
	}
	u, err := url.Parse(base)
	if err != nil {
		return "", "", errors.Join(err, l.Close())
	}
	own, caCerts, err := certificate.SelfSigned(u.Hostname())
	if err != nil {
		return "", "", errors.Join(err, l.Close())
	}
	config, err := trust(caCerts)
	if err != nil {
		return "", "", errors.Join(err, l.Close())
	}
	b.server.ServeAlso(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}))
	b.directly = &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableCompression: true}}
	b.secured, b.caCerts = "https://"+u.Host, caCerts
	return b.secured, b.caCerts, nil
}

// directTo returns the client that reaches a receiver without the target.
func (b *Bench) directTo(uri string) *http.Client {
	if !strings.HasPrefix(uri, "https:") {
		return b.direct
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.directly
}
