package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sequitur-dev/sequitur/conformance"
	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/fixtures/target/kube"
	"github.com/sequitur-dev/sequitur/fixtures/target/kube/job"
	"github.com/sequitur-dev/sequitur/reports"
)

func newPodCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "pod -- COMMAND...",
		Short:  "Run another command in a pod of --in-cluster and hand over its reports",
		Hidden: true,
		Args:   cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			inner := func(ctx context.Context) int { return run(ctx, args, io.Discard, cmd.ErrOrStderr()) }
			code, err := job.Serve(cmd.Context(), job.Reports, inner)
			if err != nil {
				return err
			}
			if code != reports.ExitConforms {
				return exit(code)
			}
			return nil
		},
	}
}

// outside are the flags that mean nothing inside the cluster, or are handed over in another form.
var outside = []string{"in-cluster", "image", "kubeconfig", "context", "target", "out", "history", "known-failing", "channel"}

// inside are the arguments by which the pod does what this call was asked to.
func (t *targetFlags) inside(cmd *cobra.Command, o conformance.Options) ([]string, error) {
	as := []string{"--in-cluster", "--image", t.image}
	for _, f := range []struct{ name, value string }{{"--kubeconfig", t.kubeconfig}, {"--context", t.kubecontext}} {
		if f.value != "" {
			as = append(as, f.name, f.value)
		}
	}
	args := []string{"pod", "--", "conform", "--target=kube", "--out=" + job.Reports, "--as=" + commandLine("sequitur conform", as)}
	for _, k := range o.Known { // what the file says: the pod does not have it
		pattern := k.Pattern
		if k.Sometimes {
			pattern += "?"
		}
		args = append(args, "--known-failing="+pattern+" "+k.Reason)
	}
	for _, c := range t.channels {
		template, err := channelTemplate(c)
		if err != nil {
			return nil, err
		}
		value := template.APIVersion + "/" + template.Kind
		if len(template.Spec) > 0 {
			value += "," + string(template.Spec)
		}
		args = append(args, "--channel="+value)
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if slices.Contains(outside, f.Name) {
			return
		}
		switch list, isList := f.Value.(pflag.SliceValue); {
		case f.Value.Type() == "stringArray" && isList:
			for _, v := range list.GetSlice() {
				args = append(args, "--"+f.Name+"="+v)
			}
		case strings.HasPrefix(f.Value.Type(), "string") && f.Value.Type() != "string": // [a,b] as one writes a line of CSV
			args = append(args, "--"+f.Name+"="+strings.TrimSuffix(strings.TrimPrefix(f.Value.String(), "["), "]"))
		default:
			args = append(args, "--"+f.Name+"="+f.Value.String())
		}
	})
	return args, nil
}

// conformInside tests the subjects from inside the cluster and leaves what a run from here would leave.
func conformInside(cmd *cobra.Command, at *targetFlags, subjects []subject, o conformance.Options, s *selection, historyDir string) error {
	base, _, err := at.kubeOptions()
	if err != nil {
		return err
	}
	config, err := base.Config()
	var misuse *target.Misuse
	if errors.As(err, &misuse) {
		return usage("%w", err)
	}
	if err != nil {
		return err
	}
	args, err := at.inside(cmd, o)
	if err != nil {
		return err
	}
	to, err := newLanding(s.out, historyDir)
	if err != nil {
		return err
	}
	defer to.close()
	say := func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) }
	jobs := job.Options{Image: at.image, Args: args, Rules: kube.Rules(), Place: to.place, Log: func(_ int, line string) { say(line) }}
	if !s.quiet {
		jobs.Tell = say
	}
	codes, err := job.Run(cmd.Context(), config, jobs)
	whole := 0
	for _, one := range subjects {
		r, failed := to.report(one, o)
		if failed != nil {
			return errors.Join(err, failed)
		}
		if r == nil {
			continue
		}
		whole++
		if err != nil && cmd.Context().Err() == nil {
			continue // the error says it all
		}
		if one.name != "" && !s.quiet {
			fmt.Fprintf(cmd.ErrOrStderr(), "== %s\n", one.name)
		}
		shown := *s
		if s.out != "" {
			shown.out = filepath.Join(s.out, one.name)
		}
		if failed := shown.tell(cmd, r); failed != nil && !errors.As(failed, new(exit)) {
			return failed
		}
	}
	switch {
	case cmd.Context().Err() != nil && whole == 0:
		return errors.New("interrupted before anything came from the cluster")
	case cmd.Context().Err() != nil:
		return exit(reports.ExitInterrupted)
	case err != nil:
		return err
	case codes[0] != reports.ExitConforms:
		return exit(codes[0])
	}
	return nil
}

// landing is where the files of a run inside the cluster come to lie.
type landing struct {
	out, history string
	temporary    string // holds what is only printed

	mu   sync.Mutex
	came map[string]string // paths by names
}

func newLanding(out, history string) (*landing, error) {
	l := &landing{out: out, history: history, came: map[string]string{}}
	if l.history == "" {
		l.history = out
	}
	var err error
	l.temporary, err = os.MkdirTemp("", "sequitur-")
	return l, err
}

func (l *landing) close() { _ = os.RemoveAll(l.temporary) } // the system's temporary directory is its own

const evidence = "history.jsonl"

func (l *landing) place(_ int, name string) string {
	dir := l.out
	if path.Base(name) == evidence {
		dir = l.history
	}
	if dir == "" {
		dir = l.temporary
	}
	to := filepath.Join(dir, filepath.FromSlash(name))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.came[name] = to
	return to
}

// report reads the report of a subject. Of a run that did not come to its end it is made here, from the evidence that did; nil
// if there is none.
func (l *landing) report(one subject, o conformance.Options) (*reports.Report, error) {
	l.mu.Lock()
	written, seen := l.came[path.Join(one.name, "report.json")], l.came[path.Join(one.name, evidence)]
	l.mu.Unlock()
	if f, err := os.Open(written); err == nil {
		r, err := reports.ReadJSON(f)
		f.Close()
		if err == nil {
			return r, nil
		}
	}
	f, err := os.Open(seen)
	if err != nil {
		return nil, nil
	}
	defer f.Close()
	o.Command = commandLine(o.Command, one.args)
	r, _, err := conformance.Replay(seen, f, o)
	if err != nil {
		return nil, nil //nolint:nilerr // so little has come that nothing can be judged
	}
	r.Run.Interrupted = true
	r.Finish()
	s := selection{}
	if l.out != "" {
		s.out = filepath.Join(l.out, one.name)
	}
	return r, s.write(r)
}
