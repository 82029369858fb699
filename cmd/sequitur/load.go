package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sequitur-dev/sequitur/fixtures/target/kube/job"
	"github.com/sequitur-dev/sequitur/loadgen"
	"github.com/sequitur-dev/sequitur/loadgen/scenario"
	"github.com/sequitur-dev/sequitur/reports"
	"github.com/sequitur-dev/sequitur/reports/load"
)

// loadFlags say how a load scenario is run.
type loadFlags struct {
	at               targetFlags
	sets             []string
	rate             float64
	duration, warmUp time.Duration
	driver, sweep    string
	seed             uint64
	out              string
	quiet            bool
	list             bool
	options          loadgen.Options
}

func newLoadCommand() *cobra.Command {
	var l loadFlags
	cmd := &cobra.Command{
		Use:   "load NAME|FILE",
		Short: "Measure what an implementation carries",
		Long: `Set up the topology of a load scenario, send events as its schedule wants whatever the target does, account for every one,
and tell latencies from the moment at which an event was due. A scenario is built in (--list), or a YAML file of your own
(` + "`sequitur load show NAME`" + ` prints one to begin with, ` + "`sequitur load show --schema`" + ` the JSON Schema of all fields).

The target is the embedded reference implementation, or what a Kubernetes API has, as with conform.

--find-max searches the highest rate that meets the scenario's objectives: it doubles the rate until one is missed, halves
the gap, walks around the place five times for an interval, and holds the rate found four times as long as a trial. A trial
has the scenario's duration.

--out gets load.json, results.gob (for ` + "`vegeta report`" + `: requests from their due time to the answer), delivery.hgrm (for the
plotters of HdrHistogram) and pictures (SVG).

Exit codes: 0 objectives met, or none; 1 objective missed; 2 invalid: the generator was the bottleneck; 64 usage;
70 environment, such as a topology that the target refuses, or a worker that dies (the result is told as far as it is known,
as invalid); 130 interrupted (the result is valid as far as it goes).`,
		Example: `  sequitur load --list
  sequitur load sequence-3
  sequitur load sequence-3 --rate 500 --duration 30s --set receivers.second.serviceTime=5ms
  sequitur load broker-trigger-sequence --driver window=64
  sequitur load sequence-3 --find-max
  sequitur load sequence-3 --sweep rate=100..10000
  sequitur load my.yaml --context kind-sequitur --repeat 10
  sequitur load sequence-3 --context kind-sequitur --workers 3 --image sequitur:dev     # sent by pods of a Job`,
		Args: func(cmd *cobra.Command, args []string) error {
			if l.list {
				return takes(0)(cmd, args)
			}
			return takes(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if l.list {
				return listScenarios(cmd.OutOrStdout())
			}
			return l.run(cmd, args[0])
		},
	}
	l.at.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&l.list, "list", false, "list the built-in scenarios, and stop")
	f.Float64Var(&l.rate, "rate", 0, "events per second, short for --set arrival.rate=")
	f.DurationVar(&l.duration, "duration", 0, "how long is measured, short for --set duration=")
	f.DurationVar(&l.warmUp, "warm-up", 0, "what goes before it, short for --set warmUp=")
	f.StringVar(&l.driver, "driver", "", "what decides when the next event is sent: open, the schedule alone; window=N, at most N events under way; closed=C, C callers that wait for the answer")
	f.StringArrayVar(&l.sets, "set", nil, "`PATH=VALUE` puts a value, in YAML, into the scenario; may be repeated")
	f.StringVar(&l.sweep, "sweep", "", "run for each of several values: `PATH=A,B,…` or PATH=FROM..TO, as in rate=100..10000")
	f.Uint64Var(&l.seed, "seed", 0, "of all that is drawn, short for --set seed=")
	f.StringVar(&l.out, "out", "sequitur-load", "directory for the results; empty writes nothing")
	f.BoolVar(&l.quiet, "quiet", false, "print nothing but errors")
	f.BoolVar(&l.options.FindMax, "find-max", false, "search the highest rate that meets the objectives")
	f.IntVar(&l.options.Repeat, "repeat", 1, "times it is run, each on a topology of its own, for load compare")
	f.IntVar(&l.options.Workers, "workers", 0, "processes that send, each its share of the schedule: of this machine, or on a cluster pods of --image; 0 means this one")
	f.Lookup("image").Usage = "`image` of the harness for the pods that --workers are on a cluster, such as make image makes"
	_ = f.MarkHidden("in-cluster") // it is there
	cmd.AddCommand(newLoadShowCommand(), newLoadCompareCommand())
	return cmd
}

func listScenarios(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range scenario.Names() {
		s, err := scenario.Load(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(tw, "%s\t%s\n", name, s.About)
	}
	return tw.Flush()
}

func newLoadShowCommand() *cobra.Command {
	var schema bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Print a built-in load scenario, to begin one's own with",
		Args: func(cmd *cobra.Command, args []string) error {
			if schema {
				return takes(0)(cmd, args)
			}
			return takes(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			text := scenario.Schema()
			if !schema {
				var err error
				if text, err = scenario.Text(args[0]); err != nil {
					return usageError{err}
				}
			}
			_, err := cmd.OutOrStdout().Write(text)
			return err
		},
	}
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of scenarios instead")
	return cmd
}

// changes are the flags as sets of the scenario. Nothing is said twice.
func (l *loadFlags) changes(cmd *cobra.Command) ([]string, error) {
	sets := append([]string(nil), l.sets...)
	said := map[string]string{} // by path
	for _, set := range sets {
		path, _, _ := strings.Cut(set, "=")
		if said[path] != "" {
			return nil, usage("%s is set twice, by %s and by --set %s: expected one of them", path, said[path], set)
		}
		said[path] = "--set " + set
	}
	for _, f := range []struct{ flag, path, value string }{
		{"rate", "arrival.rate", strconv.FormatFloat(l.rate, 'f', -1, 64)}, {"duration", "duration", l.duration.String()},
		{"warm-up", "warmUp", l.warmUp.String()}, {"driver", "driver", l.driver}, {"seed", "seed", strconv.FormatUint(l.seed, 10)},
		{"sweep", "sweep", l.sweep},
	} {
		if !cmd.Flags().Changed(f.flag) {
			continue
		}
		if said[f.path] != "" {
			return nil, usage("%s is set twice, by %s and by --%s: expected one of them", f.path, said[f.path], f.flag)
		}
		said[f.path] = "--" + f.flag
		sets = append(sets, f.path+"="+f.value)
	}
	return sets, nil
}

// idle refuses a rate that would do nothing.
func (l *loadFlags) idle(cmd *cobra.Command, s *scenario.Scenario) error {
	switch {
	case !cmd.Flags().Changed("rate"):
	case s.Driver.Kind != scenario.Open:
		return usage("--rate has no effect with the driver %s, which sends as fast as the target lets it", s.Driver)
	case s.Sweep.Path == "arrival.rate":
		return usage("--rate has no effect, as the sweep says the rates")
	}
	return nil
}

func (l *loadFlags) run(cmd *cobra.Command, name string) (err error) {
	if l.options.Repeat < 1 || l.options.Workers < 0 {
		return usage("--repeat must be at least 1, --workers not negative")
	}
	sets, err := l.changes(cmd)
	if err != nil {
		return err
	}
	s, err := scenario.Load(name, sets...)
	if err != nil {
		return usageError{err}
	}
	if l.options.FindMax && !cmd.Flags().Changed("sweep") && s.Sweep.Path == "arrival.rate" {
		if s, err = s.With("sweep="); err != nil { // what the file sweeps is what is searched
			return usageError{err}
		}
	}
	if err := l.idle(cmd, s); err != nil {
		return err
	}
	subjects, err := l.subjects()
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	t, err := subjects[0].open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if failed := closeTarget(ctx, t, removal); failed != nil && err == nil {
			err = failed
		}
	}()
	out, err := newLoadFiles(l.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.close()) }()
	l.options.Tool = load.Tool(tool())
	l.options.Results = out.results()
	l.options.Start = startWorker
	if l.at.image != "" {
		pods, err := l.pods(cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, pods.close(ctx)) }()
		l.options.Start = pods.start
	}
	var view *loadView
	if !l.quiet {
		tty, width := terminal(cmd.ErrOrStderr())
		view = newLoadView(cmd.ErrOrStderr(), tty, width, s.Name)
		l.options.Watch = view.show
	}
	r, failed := loadgen.Run(ctx, t, s, l.options)
	view.done()
	if r == nil {
		return loadError(failed)
	}
	if err := out.write(r); err != nil {
		return err
	}
	if !l.quiet {
		tty, width := colored(cmd.OutOrStdout()), 0
		_, width = terminal(cmd.OutOrStdout())
		if err := load.WriteText(cmd.OutOrStdout(), r, load.TextOptions{Color: tty, Width: width}); err != nil {
			return err
		}
		if l.out != "" {
			fmt.Fprintf(cmd.OutOrStdout(), "results: %s\n", l.out)
		}
	}
	if failed != nil {
		return failed
	}
	if code := loadExit(r.Verdict); code != reports.ExitConforms {
		return exit(code)
	}
	return nil
}

// subjects is what is loaded: one.
func (l *loadFlags) subjects() ([]subject, error) {
	if l.at.inCluster {
		return nil, usage("load does not run --in-cluster: it sends from here, or with --workers and --image from pods")
	}
	subjects, err := l.at.subjects()
	if err != nil {
		return nil, err
	}
	switch cluster := l.at.driver == "kube" && l.at.server == ""; {
	case l.options.Workers > 0 && cluster && l.at.image == "":
		return nil, usage("--workers on a cluster are pods and need --image, %s", imageFrom)
	case l.at.image != "" && (l.options.Workers == 0 || !cluster):
		return nil, usage("--image is for the pods that --workers are on a cluster")
	}
	if len(subjects) > 1 {
		return nil, usage("one --channel and one --broker-class at a time: a load run is about one of each")
	}
	return subjects, nil
}

// pods are the workers on a cluster.
func (l *loadFlags) pods(stderr io.Writer) (*workerPods, error) {
	base, _, err := l.at.kubeOptions()
	if err != nil {
		return nil, err
	}
	p := &workerPods{config: base.Config, options: job.Options{Image: l.at.image, Args: []string{workerName, "--" + inPod}, Completions: l.options.Workers}}
	if !l.quiet {
		p.options.Tell = func(text string) { fmt.Fprintln(stderr, text) }
	}
	return p, nil
}

// loadError sorts out whose fault an error is.
func loadError(err error) error {
	var misuse *loadgen.UsageError
	if errors.As(err, &misuse) {
		return usageError{err}
	}
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted before there was anything to measure")
	}
	return err
}

// loadExit is the exit code of a verdict.
func loadExit(v load.Verdict) int {
	switch v {
	case load.Met, load.Measured:
		return reports.ExitConforms
	case load.Missed:
		return reports.ExitFailed
	case load.Interrupted:
		return reports.ExitInterrupted
	}
	return reports.ExitInconclusive
}

// loadFiles are the files of a run in its directory; none without one.
type loadFiles struct {
	dir     string
	file    *os.File // the results, under a name of their own until the run is over
	written *bufio.Writer
}

const resultsFile = "results.gob"

func newLoadFiles(dir string) (*loadFiles, error) {
	f := &loadFiles{dir: dir}
	if dir == "" {
		return f, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, usage("--out: %w", err)
	}
	var err error
	if f.file, err = os.CreateTemp(dir, "."+resultsFile+"-*"); err != nil {
		return nil, usage("--out: %w", err)
	}
	f.written = bufio.NewWriterSize(f.file, 1<<16)
	return f, nil
}

func (f *loadFiles) results() io.Writer {
	if f.written == nil {
		return nil
	}
	return f.written
}

// write replaces what is in the directory by what a run found.
func (f *loadFiles) write(r *load.Result) error {
	if f.dir == "" {
		return nil
	}
	if err := errors.Join(f.written.Flush(), f.file.Chmod(0o644)); err != nil {
		return err
	}
	if err := os.Rename(f.file.Name(), filepath.Join(f.dir, resultsFile)); err != nil {
		return err
	}
	pictures, err := load.Pictures(r)
	if err != nil {
		return err
	}
	files := map[string]func(io.Writer) error{"load.json": func(w io.Writer) error { return load.WriteJSON(w, r) }}
	if r.Delivery.HDR != "" {
		files["delivery.hgrm"] = func(w io.Writer) error { return load.WriteHGRM(w, r.Delivery) }
	}
	for _, p := range pictures {
		files[p.Name] = func(w io.Writer) error { _, err := w.Write(p.SVG); return err }
	}
	for name, write := range files {
		if err := writeFile(filepath.Join(f.dir, name), write); err != nil {
			return err
		}
	}
	// What another run had and this one has not must not pass for its own.
	for _, name := range []string{"delivery.hgrm", "latency.svg", "series.svg", "waterfall.svg", "queue.svg", "search.svg", "sweep.svg"} {
		if files[name] == nil {
			if err := os.Remove(filepath.Join(f.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// close removes what came to nothing.
func (f *loadFiles) close() error {
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	if _, gone := os.Stat(f.file.Name()); gone == nil {
		err = errors.Join(err, os.Remove(f.file.Name()))
	}
	return err
}
