//go:build unix

package main

import (
	"io"
	"os/exec"
	"testing"
)

// A worker that was killed says so to who listens to it, and again to who closes it.
func TestHowAWorkerEnded(t *testing.T) {
	for script, want := range map[string]string{"echo said; kill -9 $$": "signal: killed", "echo said; exit 3": "exit status 3", "echo said": ""} {
		cmd := exec.Command("sh", "-c", script)
		p := &workerProcess{cmd: cmd}
		var err error
		if p.in, err = cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if p.out, err = cmd.StdoutPipe(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(p)
		if words(err) != want || string(said) != "said\n" {
			t.Errorf("%s: %q and %v, want %q", script, said, err, want)
		}
		if want != "" {
			want = "a worker: " + want
		}
		if err := p.Close(); words(err) != want {
			t.Errorf("%s: closed with %v, want %q", script, err, want)
		}
	}
}

func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
