package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sequitur-dev/sequitur/reports"
)

// TestServe: the command line reaches the reference, and an interrupt ends it well.
func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		c := run(ctx, []string{"serve", "-f", "../../fixtures/manifests/sequence/legacy", "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0"}, io.Discard, w)
		_ = w.Close() // a pipe's never fails
		code <- c
	}()
	var seen []string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		seen = append(seen, lines.Text())
		if strings.HasPrefix(lines.Text(), "curl -i http://127.0.0.1:") {
			cancel()
		}
	}
	if c := <-code; c != reports.ExitConforms || ctx.Err() == nil {
		t.Errorf("exit code %d:\n%s", c, strings.Join(seen, "\n"))
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
		{[]string{"x"}, `unknown command "x"`},
		{[]string{"--service", "first=apender"}, `--service: service "first": unknown step "apender": use one of `},
		{[]string{"--service", "first=llm,BASE_URL=http://h", "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0"}, "BASE_URL is set and MODEL is not"},
	} {
		var errOut bytes.Buffer
		if code := run(t.Context(), append([]string{"serve"}, c.args...), io.Discard, &errOut); code != reports.ExitUsage || !strings.Contains(errOut.String(), c.want) {
			t.Errorf("serve %v: exit code %d, want %d with %q:\n%s", c.args, code, reports.ExitUsage, c.want, errOut.String())
		}
	}
}
