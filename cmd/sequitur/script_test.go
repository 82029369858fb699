package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sequitur": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
	}})
}

// TestScripts runs what a person could type, one file for each behaviour, with the exit codes.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code":   exitsWith,
			"cutoff": cutOff,
			"lose":   loseLine,
		},
	})
}

// exitsWith is `code N sequitur …`: the command must exit with the code N.
func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command [args]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v: %v", args[1:], err)
		}
		got = exit.ExitCode()
	}
	if want := args[0]; want != strconv.Itoa(got) {
		ts.Fatalf("%v: exit code %d, want %s", args[1:], got, want)
	}
}

// loseLine is `lose FROM KIND TO`: a copy without the first operation of a kind.
func loseLine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: lose from kind to")
	}
	lines := strings.SplitAfter(ts.ReadFile(args[0]), "\n")
	i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, `"k":"`+args[1]+`"`) })
	if i < 0 {
		ts.Fatalf("%s has no operation %s", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(strings.Join(slices.Delete(lines, i, i+1), "")), 0o600))
}

// cutOff is `cutoff FROM TO`: a copy without the last third, as a hard end of the run leaves it.
func cutOff(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cutoff from to")
	}
	text := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text[:len(text)*2/3]), 0o600))
}
