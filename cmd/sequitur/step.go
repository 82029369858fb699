package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sequitur-dev/sequitur/fixtures/steps"
)

const (
	// stepListen is on the loopback, as a step trusts whoever calls it.
	stepListen = "127.0.0.1:8080"
	// stepGrace is how long requests may take to end once the command is told to; the rest of the second in which it
	// promises to be gone is for closing what is left.
	stepGrace = 700 * time.Millisecond
	// stepHeaderTimeout frees the connections of clients that never finish their headers.
	stepHeaderTimeout = 10 * time.Second
)

func newStepCommand() *cobra.Command {
	var list bool
	cmd := &cobra.Command{
		Use:   "step NAME",
		Short: "Run one sample service, such as appender or event-display",
		Long: `Run one of the sample services that the Knative documents chain, as its container image would, or of those that
pipelines are built of. ` + "`sequitur step NAME --help`" + ` says which environment variables and flags it knows.

Without --listen, PORT (for the stepper first RCV_PORT) chooses the port and the service listens on all interfaces, as a
container must; if there is none either, it listens on ` + stepListen + `.`,
		Example: `  MESSAGE=" - Handled by 0" sequitur step appender
  sequitur step event-display --listen 127.0.0.1:8081
  sequitur step --list`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case list && len(args) > 0:
				return fmt.Errorf("--list takes no name, got %q", args[0])
			case list:
				return nil
			case len(args) > 0:
				return fmt.Errorf("unknown step %q: use one of %s", args[0], strings.Join(steps.Names(), ", "))
			}
			return fmt.Errorf("expected the name of one step (%s), got none", strings.Join(steps.Names(), ", "))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return listSteps(cmd.OutOrStdout()) },
	}
	cmd.Flags().BoolVar(&list, "list", false, "list the steps")
	for _, name := range steps.Names() {
		cmd.AddCommand(newOneStepCommand(name))
	}
	return cmd
}

// newOneStepCommand has a flag for each variable of the service that is no secret.
func newOneStepCommand(name string) *cobra.Command {
	var listen string
	var help strings.Builder
	t := tabwriter.NewWriter(&help, 0, 0, 2, ' ', 0)
	cmd := &cobra.Command{
		Use:   name,
		Short: steps.About(name),
		Args:  takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			env := stepEnv(os.Environ())
			for _, v := range steps.Variables(name) {
				if f := cmd.Flags().Lookup(stepFlag(v)); f != nil && f.Changed {
					env[v.Name] = f.Value.String()
				}
			}
			if !cmd.Flags().Changed("listen") {
				var err error
				if listen, err = stepAddress(name, env); err != nil {
					return err
				}
			}
			if err := hostPort("--listen", listen); err != nil {
				return err
			}
			return runStep(cmd.Context(), name, listen, env, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&listen, "listen", stepListen, "host:port to listen on; port 0 takes a free one")
	for _, v := range steps.Variables(name) {
		about := v.About
		if v.Default != "" {
			about += fmt.Sprintf(" (default %q)", v.Default)
		}
		fmt.Fprintf(t, "  %s\t%s\n", v.Name, about)
		if !v.Secret {
			// Without a default, as the variable of the environment comes before that.
			cmd.Flags().String(stepFlag(v), "", "the same as "+v.Name)
		}
	}
	_ = t.Flush() // into memory
	cmd.Long = "The service " + name + " " + steps.About(name) + ".\n\n"
	if help.Len() > 0 {
		cmd.Long += "Environment variables:\n" + help.String() + "\nA flag wins over the variable. "
	}
	cmd.Long += "PORT chooses the port if --listen does not."
	return cmd
}

// stepFlag is the flag of a variable.
func stepFlag(v steps.Variable) string { return strings.ReplaceAll(strings.ToLower(v.Name), "_", "-") }

func listSteps(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, name := range steps.Names() {
		if _, err := fmt.Fprintf(t, "%s\t%s\n", name, steps.About(name)); err != nil {
			return err
		}
	}
	return t.Flush()
}

// stepEnv turns NAME=value lines into a map.
func stepEnv(lines []string) map[string]string {
	env := make(map[string]string, len(lines))
	for _, l := range lines {
		if name, value, ok := strings.Cut(l, "="); ok {
			env[name] = value
		}
	}
	return env
}

// stepAddress is where a step listens if no flag says so.
func stepAddress(name string, env map[string]string) (string, error) {
	variables := []string{"PORT"}
	if name == "stepper" {
		variables = []string{"RCV_PORT", "PORT"}
	}
	for _, v := range variables {
		port, ok := env[v]
		if !ok {
			continue
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return "", usage("%s=%q: expected a port, a number from 0 to 65535", v, port)
		}
		return ":" + port, nil
	}
	return stepListen, nil
}

// runStep serves until the context ends, which is no error. Events go to out, all else to errOut.
func runStep(ctx context.Context, name, listen string, env map[string]string, out, errOut io.Writer) error {
	log := slog.New(slog.NewTextHandler(errOut, nil))
	step, err := steps.New(name, steps.Options{Env: env, Out: out, Log: log})
	if err != nil {
		return usage("%w", err)
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("step %s: %s is in use: stop what listens there, or choose another address with --listen (port 0 takes a free one)", name, listen)
	}
	if err != nil {
		return fmt.Errorf("step %s: %w", name, err)
	}
	if _, err := fmt.Fprintf(errOut, "step %s listens on http://%s\n", name, listener.Addr()); err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: step, ReadHeaderTimeout: stepHeaderTimeout, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("step %s: %w", name, err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepGrace)
	defer cancel()
	err = server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) { // a client that hangs is no fault of ours
		log.Warn("requests cut off", "after", stepGrace)
		err = server.Close()
	}
	<-served
	return err
}
