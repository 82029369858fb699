package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sequitur-dev/sequitur/reports/load"
)

// writeLoad writes a load.json with so many repeats of some median and 99th percentile.
func writeLoad(t *testing.T, file string, repeats int, p99 float64) {
	t.Helper()
	r := &load.Result{Verdict: load.Met, Scenario: load.Scenario{Name: "sequence-3"}, Run: load.Run{Driver: "open"}}
	for i := range repeats {
		spread := 1 + 0.001*float64(i)
		r.Repeats = append(r.Repeats, load.Trial{Delivered: 1000 * spread, P50: p99 / 2 * spread, P99: p99 * spread, Verdict: load.Met})
	}
	var b bytes.Buffer
	if err := load.WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLoadCompare(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	writeLoad(t, at("fast/load.json"), 6, 0.010)
	writeLoad(t, at("slow/load.json"), 6, 0.012)
	writeLoad(t, at("few/load.json"), 2, 0.010)
	for i := range 3 { // six samples in three files
		writeLoad(t, at("many/"+string(rune('a'+i))+"/load.json"), 2, 0.012)
	}
	if err := os.Mkdir(at("empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("bad.json"), []byte(`{"schema": "x"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		says string // on stdout, or in the error
	}{
		{"the same", []string{"fast", "fast"}, 0, "no regression beyond 5 %"},
		{"slower", []string{"fast", "slow/load.json"}, 1, "regression: p50, p99"},
		{"slower in many files", []string{"fast", "many"}, 1, "regression: p50, p99"},
		{"slower by less than the threshold", []string{"fast", "slow", "--threshold", "0.3"}, 0, "no regression beyond 30 %"},
		{"too few", []string{"fast", "few"}, 2, "at least 6 runs"},
		{"a directory without results", []string{"fast", "empty"}, 64, "empty: there is no load.json"},
		{"nothing there", []string{"fast", "none"}, 64, "none: no such file"},
		{"a bad file", []string{"fast", "bad.json"}, 64, `bad.json: read load result: schema "x"`},
		{"a bad threshold", []string{"fast", "fast", "--threshold", "-1"}, 64, "threshold"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			cmd := newLoadCompareCommand()
			cmd.SilenceErrors, cmd.SilenceUsage = true, true
			cmd.SetOut(&out)
			cmd.SetErr(io.Discard)
			cmd.SetArgs(append([]string{at(c.args[0]), at(c.args[1])}, c.args[2:]...))
			err := cmd.Execute()
			code := 0
			var bad usageError
			var e exit
			switch {
			case errors.As(err, &e):
				code = int(e)
			case errors.As(err, &bad):
				code = 64
				out.WriteString(err.Error())
			case err != nil:
				t.Fatal(err)
			}
			if code != c.code || !strings.Contains(out.String(), c.says) {
				t.Errorf("exit code %d: expected %d, and %q in\n%s", code, c.code, c.says, out.String())
			}
		})
	}
}
