package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sequitur-dev/sequitur/conformance"
	"github.com/sequitur-dev/sequitur/reports"
)

// exit carries the exit code of a command that has said all there is to say.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError marks errors of the caller: exit code 64.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var code exit
	var bad usageError
	var selection *conformance.UsageError
	switch {
	case err == nil:
		return reports.ExitConforms
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintln(stderr, "sequitur: "+err.Error())
	switch {
	case errors.As(err, &bad), errors.As(err, &selection):
		return reports.ExitUsage
	case ctx.Err() != nil:
		return reports.ExitInterrupted
	}
	return reports.ExitHarness
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "sequitur",
		Short: "Conformance and load tests for Knative Sequence and what it stands on",
		Long: `Sequitur drives an implementation of the Knative Sequence API (and of the channels, subscriptions and delivery under
it), records what happens, and judges the record against a catalogue of requirements.`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newConformCommand(), newJudgeCommand(), newRequirementsCommand(), newExplainCommand(), newStepCommand(), newServeCommand(), newClusterCommand(),
		newRBACCommand(), newCleanCommand(), newPodCommand(), newLoadCommand(), newLoadWorkerCommand())
	helpKnows(root)
	markUsage(root)
	return root
}

// takes is Args of a command that takes n arguments.
func takes(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == n:
			return nil
		case n == 0:
			return fmt.Errorf("unexpected argument %q: expected %s", args[0], cmd.UseLine())
		}
		return fmt.Errorf("expected %s, got %s", cmd.UseLine(), arguments(len(args)))
	}
}

// takesSome is Args of a command that takes at least one argument.
func takesSome(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("expected %s, got %s", cmd.UseLine(), arguments(0))
	}
	return nil
}

func arguments(n int) string {
	switch n {
	case 0:
		return "no argument"
	case 1:
		return "one argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// knownCommand is Args of a command that only has others below it.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	cmd.SuggestionsMinimumDistance = 2 // letters that may be wrong
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf(", did you mean %q?", near[0])
	}
	return fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), hint)
}

// helpKnows has `sequitur help` refuse what is no command.
func helpKnows(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() != "help" {
			continue
		}
		c.Args = func(_ *cobra.Command, args []string) error {
			at, rest, err := root.Find(args)
			if err == nil && len(rest) > 0 {
				err = knownCommand(at, rest)
			}
			return err
		}
	}
}

// markUsage makes wrong flags and arguments of every command usage errors.
func markUsage(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w (see `%s --help`)", err, cmd.CommandPath())
	})
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usage("%w (see `%s --help`)", err, cmd.CommandPath())
			}
			return nil
		}
	}
	for _, c := range cmd.Commands() {
		markUsage(c)
	}
}

// version is the module's version, or the commit of a build from a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	if c := commit(info); c != "" {
		return "devel-" + c[:min(12, len(c))]
	}
	return "devel"
}

func commit(info *debug.BuildInfo) string {
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}

func tool() reports.Tool {
	t := reports.Tool{Name: "sequitur", Version: version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		t.Commit, t.Go = commit(info), info.GoVersion
	}
	return t
}

// terminal tells whether w is one, and its width.
func terminal(w io.Writer) (bool, int) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false, 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		width = 100
	}
	return true, width
}

// colored honours the NO_COLOR convention.
func colored(w io.Writer) bool {
	tty, _ := terminal(w)
	return tty && os.Getenv("NO_COLOR") == "" && !strings.EqualFold(os.Getenv("TERM"), "dumb")
}
