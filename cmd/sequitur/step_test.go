package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sequitur-dev/sequitur/fixtures/steps"
)

// stepPatience bounds waits that end at once unless something is broken.
const stepPatience = 10 * time.Second

// The grace must leave time for closing within the promised second.
var _ = [1]struct{}{}[stepGrace/time.Second]

// startStep runs the command and returns its base URL, what ends it, and its result.
func startStep(t *testing.T, out io.Writer, args ...string) (base string, stop context.CancelFunc, result <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r, w := io.Pipe()
	cmd := newStepCommand()
	cmd.SetArgs(args)
	cmd.SetOut(out)
	cmd.SetErr(w)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	done := make(chan error, 1)
	go func() {
		err := cmd.ExecuteContext(ctx)
		done <- errors.Join(err, w.CloseWithError(io.EOF))
	}()
	lines := bufio.NewReader(r)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("the command ended: %v", <-done)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	_, base, ok := strings.Cut(strings.TrimSpace(line), " listens on ")
	if !ok {
		t.Fatalf("first line is %q", line)
	}
	return base, cancel, done
}

func ended(t *testing.T, result <-chan error) error {
	t.Helper()
	select {
	case err := <-result:
		return err
	case <-time.After(stepPatience):
		t.Fatal("the command does not end")
		return nil
	}
}

func postStep(t *testing.T, url, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{"Ce-Specversion": "1.0", "Ce-Id": "1", "Ce-Source": "/s", "Ce-Type": "t", "Content-Type": "application/json"} {
		r.Header.Set(k, v)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func TestStepAppender(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Setenv("MESSAGE", " - Handled by 0")
	t.Setenv("TYPE", "done")
	t.Setenv("PORT", "not used, as the flag wins")
	base, stop, result := startStep(t, io.Discard, "appender", "--listen", "127.0.0.1:0")
	resp, body := postStep(t, base+"/any", `{"message":"Hello world!"}`)
	if want := `{"id":0,"message":"Hello world! - Handled by 0"}`; resp.StatusCode != http.StatusOK || body != want {
		t.Errorf("%s %s, want %s", resp.Status, body, want)
	}
	if typ := resp.Header.Get("Ce-Type"); typ != "done" {
		t.Errorf("type %q", typ)
	}
	stop()
	if err := ended(t, result); err != nil {
		t.Error(err)
	}
}

func TestStepPrintsToStdout(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	var out bytes.Buffer
	base, stop, result := startStep(t, &out, "event-display", "--listen", "127.0.0.1:0")
	postStep(t, base, `{}`)
	stop()
	if err := ended(t, result); err != nil {
		t.Error(err)
	}
	if !strings.HasSuffix(out.String(), "Data,\n  {}\n") {
		t.Errorf("printed %q", &out)
	}
}

func TestStepPortOfStepper(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Setenv("PORT", "1")
	t.Setenv("RCV_PORT", "0")
	t.Setenv("RCV_PATH", "/in")
	t.Setenv("STEP", "4")
	base, stop, result := startStep(t, io.Discard, "stepper")
	_, port, err := net.SplitHostPort(strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if resp, body := postStep(t, "http://127.0.0.1:"+port+"/in", `{"message":"m"}`); body != `{"id":0,"message":"m - Handled by 4"}` {
		t.Errorf("%s %s", resp.Status, body)
	}
	stop()
	if err := ended(t, result); err != nil {
		t.Error(err)
	}
}

// TestStepEndsWithHangingClient: a request that never ends does not hold up the end.
func TestStepEndsWithHangingClient(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	base, stop, result := startStep(t, io.Discard, "appender", "--listen", "127.0.0.1:0")
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// The answer 100 shows that the handler has begun to read the body that never comes.
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("%q %v", line, err)
	}
	stop()
	if err := ended(t, result); err != nil {
		t.Error(err)
	}
}

func TestStepErrors(t *testing.T) {
	busy, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for name, c := range map[string]struct {
		env  [2]string
		args []string
		want []string
	}{
		"no name":       {args: []string{}, want: []string{strings.Join(steps.Names(), ", "), "got none"}},
		"two names":     {args: []string{"appender", "stepper"}, want: []string{`"stepper"`, "appender"}},
		"list and name": {args: []string{"--list", "apender"}, want: []string{"--list", `"apender"`}},
		"unknown":       {args: []string{"apender"}, want: []string{`"apender"`, "event-display"}},
		"bad value":     {env: [2]string{"REQUEST_LOGGING_ENABLED", "perhaps"}, args: []string{"event-display"}, want: []string{"REQUEST_LOGGING_ENABLED", "perhaps"}},
		"bad port":      {env: [2]string{"PORT", "http"}, args: []string{"appender"}, want: []string{"PORT", "http"}},
		"bad address":   {args: []string{"appender", "--listen", "nowhere"}, want: []string{"--listen", "nowhere", "host:port"}},
		"port taken":    {args: []string{"appender", "--listen", busy.Addr().String()}, want: []string{busy.Addr().String() + " is in use", "another address"}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.env[0] != "" {
				t.Setenv(c.env[0], c.env[1])
			}
			cmd := newStepCommand()
			cmd.SetArgs(c.args)
			cmd.SetOut(io.Discard)
			cmd.SetErr(io.Discard)
			err := cmd.ExecuteContext(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not name %q", err, w)
				}
			}
		})
	}
}

func TestStepList(t *testing.T) {
	var out bytes.Buffer
	cmd := newStepCommand()
	cmd.SetArgs([]string{"--list"})
	cmd.SetOut(&out)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(steps.Names()) || !strings.HasPrefix(lines[0], "appender ") || !strings.HasPrefix(lines[len(lines)-1], "stepper ") {
		t.Errorf("listed:\n%s", &out)
	}
}

// TestStepHelp: each step tells its variables, and takes them as flags, which win over the environment.
func TestStepHelp(t *testing.T) {
	for _, name := range steps.Names() {
		var out bytes.Buffer
		cmd := newStepCommand()
		cmd.SetArgs([]string{name, "--help"})
		cmd.SetOut(&out)
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, v := range steps.Variables(name) {
			if !strings.Contains(out.String(), v.Name+" ") || !strings.Contains(out.String(), v.About) {
				t.Errorf("%s: the help does not tell %s:\n%s", name, v.Name, &out)
			}
			if flag := "--" + strings.ReplaceAll(strings.ToLower(v.Name), "_", "-") + " "; strings.Contains(out.String(), flag) == v.Secret {
				t.Errorf("%s: secret is %v, as a flag:\n%s", v.Name, v.Secret, &out)
			}
		}
	}
}

func TestStepFlags(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Setenv("MESSAGE", "environment")
	t.Setenv("TYPE", "environment")
	base, stop, result := startStep(t, io.Discard, "appender", "--listen", "127.0.0.1:0", "--message", " flag", "--type=")
	if resp, body := postStep(t, base, `{"message":"m"}`); body != `{"id":0,"message":"m flag"}` || resp.Header.Get("Ce-Type") != "t" {
		t.Errorf("%s %v", body, resp.Header)
	}
	stop()
	if err := ended(t, result); err != nil {
		t.Error(err)
	}
}
