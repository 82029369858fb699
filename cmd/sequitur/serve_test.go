package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sequitur-dev/sequitur/fixtures/certificate"
	"github.com/sequitur-dev/sequitur/reports"
)

// TestServe: the command line reaches the reference, and an interrupt ends it well.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	cert, key, ca := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca.pem")
	own, caCerts, err := certificate.SelfSigned("localhost")
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	leaf := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]})
	if err := errors.Join(os.WriteFile(cert, append(leaf, caCerts...), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--listen", "127.0.0.1:0"}, "curl -i http://127.0.0.1:"},
		{[]string{"--listen", "127.0.0.1:0", "--with", "TLS"}, "curl -i https://127.0.0.1:"},
		{[]string{"--listen", "localhost:0", "--tls-cert", cert, "--tls-key", key, "--ca-out", ca}, "curl -i https://localhost:"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		r, w := io.Pipe()
		code := make(chan int, 1)
		go func() {
			c := run(ctx, append([]string{"serve", "-f", "../../fixtures/manifests/sequence/legacy", "--api", "127.0.0.1:0"}, c.args...), io.Discard, w)
			_ = w.Close() // a pipe's never fails
			code <- c
		}()
		var seen []string
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			seen = append(seen, lines.Text())
			if strings.HasPrefix(lines.Text(), c.want) {
				cancel()
			}
		}
		if got := <-code; got != reports.ExitConforms || ctx.Err() == nil {
			t.Errorf("serve %v: exit code %d:\n%s", c.args, got, strings.Join(seen, "\n"))
		}
		cancel()
	}
	if text, err := os.ReadFile(ca); err != nil || string(text) != caCerts {
		t.Errorf("--ca-out: %v\n%s", err, text)
	}
}

// TestServeUsage: what the caller can mend is a usage error.
func TestServeUsage(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("apiVersion: flows.knative.dev/v1\nkind: Sequenze\nmetadata: {name: a}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--api", "off"}, "expected the manifests to serve, as in -f sequence.yaml"},
		{[]string{"-f", bad}, bad + ":2: "},
		{[]string{"x"}, `unexpected argument "x"`},
		{[]string{"--listen", "8080"}, `--listen "8080": expected host:port`},
		{[]string{"--listen", "127.0.0.1:99999"}, `--listen "127.0.0.1:99999": expected host:port`},
		{[]string{"--api", "nowhere"}, `--api "nowhere": expected host:port`},
		{[]string{"--api", "127.0.0.1:9", "--listen", "127.0.0.1:9"}, "--listen and --api are both 127.0.0.1:9"},
		{[]string{"--service", "first=apender"}, `--service: service "first": unknown step "apender": use one of `},
		{[]string{"--service", "first=llm,BASE_URL=http://h", "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0"}, "BASE_URL is set and MODEL is not"},
	} {
		var errOut bytes.Buffer
		if code := run(t.Context(), append([]string{"serve"}, c.args...), io.Discard, &errOut); code != reports.ExitUsage || !strings.Contains(errOut.String(), c.want) {
			t.Errorf("serve %v: exit code %d, want %d with %q:\n%s", c.args, code, reports.ExitUsage, c.want, errOut.String())
		}
	}
}
