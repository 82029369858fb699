package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sequitur-dev/sequitur/conformance"
	"github.com/sequitur-dev/sequitur/conformance/requirement"
	"github.com/sequitur-dev/sequitur/conformance/specs"
	"github.com/sequitur-dev/sequitur/fixtures/reference"
	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/reports"
)

// selection are the flags that conform and judge share.
type selection struct {
	focus, scenarios, known []string
	labels, profile, out    string
	quiet                   bool
}

func (s *selection) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&s.focus, "focus", nil, "requirement ids or patterns, such as 'DLV-*'")
	f.StringSliceVar(&s.scenarios, "scenario", nil, "scenario names or patterns, such as 'delivery/*'")
	f.StringVar(&s.labels, "label-filter", "", "expression over labels (id, level, feature, chapter, profile:NAME), such as 'MUST && !OrderedDelivery'")
	f.StringVar(&s.profile, "profile", "", "only the requirements of a profile: sequence, channel, delivery, …, full")
	f.StringArrayVar(&s.known, "known-failing", nil, "requirements known to fail, 'PATTERN reason' or @FILE with one a line, or with tables if it is a .md; one that passes fails the run, unless a ? follows the pattern")
	f.StringVar(&s.out, "out", "sequitur-report", "directory for report.json and junit.xml; empty writes nothing")
	f.BoolVar(&s.quiet, "quiet", false, "print nothing but errors")
}

func (s *selection) options() (conformance.Options, error) {
	o := conformance.Options{Focus: s.focus, Scenarios: s.scenarios, Profile: s.profile, LabelFilter: s.labels, Tool: tool()}
	var err error
	if o.Labels, err = specs.Filter(s.labels); err != nil {
		return o, usage("--label-filter %q: %s", s.labels, parserSays(err.Error(), s.labels))
	}
	o.Known, err = readKnown(s.known)
	return o, err
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// parserSays keeps what Ginkgo's parser says of an expression, and drops its headings, its colours and its picture of it.
func parserSays(text, expression string) string {
	var kept []string
	for _, l := range strings.Split(colours.ReplaceAllString(text, ""), "\n") {
		l = strings.TrimSpace(l)
		heading := strings.HasPrefix(l, "Syntax Error") || strings.HasPrefix(l, "Learn more at")
		if !heading && l != strings.TrimSpace(expression) && strings.Trim(l, "^ ") != "" {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, " ")
}

// readKnown reads --known-failing values.
func readKnown(values []string) ([]conformance.Known, error) {
	var list []conformance.Known
	catalogue := requirement.Load()
	add := func(where, text string) error {
		pattern, reason, _ := strings.Cut(strings.TrimSpace(text), " ")
		if reason = strings.TrimSpace(reason); reason == "" {
			return usage("%s: %q: expected a requirement pattern and the reason why it fails, as in 'DLV-043 see issue 12'", where, text)
		}
		id, sometimes := strings.CutSuffix(pattern, "?")
		if len(catalogue.Match(id)) == 0 {
			return usage("%s: %q fits no requirement%s", where, id, catalogue.DidYouMean(id))
		}
		list = append(list, conformance.Known{Pattern: id, Reason: reason, Sometimes: sometimes})
		return nil
	}
	for _, v := range values {
		name, isFile := strings.CutPrefix(v, "@")
		if !isFile {
			if err := add("--known-failing", v); err != nil {
				return nil, err
			}
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, usage("--known-failing: %w", err)
		}
		page, had := strings.HasSuffix(name, ".md"), len(list)
		for i, line := range strings.Split(string(text), "\n") {
			if line = strings.TrimSpace(line); page {
				if err := addRow(line, fmt.Sprintf("%s:%d", name, i+1), add); err != nil {
					return nil, err
				}
				continue
			}
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if err := add(fmt.Sprintf("%s:%d", name, i+1), line); err != nil {
				return nil, err
			}
		}
		if page && len(list) == had {
			return nil, usage("--known-failing: %s has no table whose first column names requirements, such as DLV-043", name)
		}
	}
	return list, nil
}

var (
	requirementID = regexp.MustCompile(`^[A-Z]+-[0-9*]+\??$`)
	chapterNumber = regexp.MustCompile(`^([A-Za-z]+)[-_ ]?[0-9]`)
)

// addRow takes a row of a Markdown table: requirements, with commas between, in its first column, and the reason in its second.
// Whatever else is on the page is for people.
func addRow(line, where string, add func(where, text string) error) error {
	cells := strings.Split(line, "|")
	if len(cells) < 4 || strings.TrimSpace(cells[0]) != "" {
		return nil
	}
	for id := range strings.SplitSeq(cells[1], ",") {
		id = strings.TrimSpace(id)
		almost := chapterNumber.FindStringSubmatch(id) // a slip is told of
		if !requirementID.MatchString(id) && (almost == nil || len(requirement.Load().Match(almost[1]+"-*")) == 0) {
			continue
		}
		if err := add(where, id+" "+strings.TrimSpace(cells[2])); err != nil {
			return err
		}
	}
	return nil
}

// finish writes the reports of a run and turns its verdict into the exit code.
func (s *selection) finish(cmd *cobra.Command, r *reports.Report) error {
	if err := s.write(r); err != nil {
		return err
	}
	return s.tell(cmd, r)
}

// tell prints what a run found and turns its verdict into the exit code.
func (s *selection) tell(cmd *cobra.Command, r *reports.Report) error {
	if !s.quiet {
		_, width := terminal(cmd.OutOrStdout())
		if err := reports.WriteText(cmd.OutOrStdout(), r, reports.TextOptions{Color: colored(cmd.OutOrStdout()), Width: width}); err != nil {
			return err
		}
		if s.out != "" {
			fmt.Fprintf(cmd.OutOrStdout(), "evidence and reports: %s\n", s.out)
		}
	}
	if r.Summary.ExitCode != reports.ExitConforms {
		return exit(r.Summary.ExitCode)
	}
	return nil
}

func (s *selection) write(r *reports.Report) error {
	if s.out == "" {
		return nil
	}
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return usage("--out: %w", err)
	}
	for name, write := range map[string]func(io.Writer, *reports.Report) error{"report.json": reports.WriteJSON, "junit.xml": reports.WriteJUnit} {
		if err := writeFile(filepath.Join(s.out, name), func(w io.Writer) error { return write(w, r) }); err != nil {
			return err
		}
	}
	return nil
}

// writeFile replaces a file as a whole: a reader never sees half a report.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	b := bufio.NewWriter(f)
	err = errors.Join(write(b), b.Flush(), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

func newConformCommand() *cobra.Command {
	var s selection
	var o conformance.Options
	var at targetFlags
	var historyDir string
	var list bool
	cmd := &cobra.Command{
		Use:   "conform",
		Short: "Judge an implementation against the requirement catalogue",
		Long: `Drive every scenario against the target, keep what was seen, and judge it against the requirement catalogue. The target
is the embedded reference implementation, or what a Kubernetes API has: a cluster (--context, --kubeconfig, or that of the
pod), or anything that offers the same paths (--server). With --in-cluster the harness runs inside the cluster, as a Job;
reports and exit code are as from outside.

` + optionalFeatures() + `

Exit codes: 0 conforms, 1 does not conform, 2 inconclusive or flaky, 64 usage, 70 harness or environment error,
130 interrupted (the reports are valid).`,
		Example: `  sequitur conform
  sequitur conform --profile sequence --label-filter 'MUST || SHOULD'
  sequitur conform --focus 'DLV-*' --repeat 10
  sequitur conform --with TLS,EventPolicy --focus 'SEC-*'
  sequitur conform --context kind-sequitur --channel messaging.knative.dev/v1/InMemoryChannel
  sequitur conform --context kind-sequitur --in-cluster --image sequitur:dev
  sequitur conform --server http://127.0.0.1:8001
  sequitur conform --list`,
		Args: takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			selected, err := s.options()
			if err != nil {
				return err
			}
			selected.Seed, selected.Parallel, selected.Repeat, selected.Timeout = o.Seed, o.Parallel, o.Repeat, o.Timeout
			selected.Command = cmp.Or(at.as, "sequitur conform")
			if o.Parallel < 0 || o.Repeat < 1 || o.Timeout < 0 || o.Seed == 0 {
				return usage("--repeat must be at least 1, --parallel and --timeout not negative, --seed not 0")
			}
			if at.image != "" && !at.inCluster {
				return usage("--image is for --in-cluster")
			}
			subjects, err := at.subjects()
			if err != nil {
				return err
			}
			if at.inCluster && !list {
				return conformInside(cmd, &at, subjects, selected, &s, historyDir)
			}
			var codes []int
			for _, one := range subjects {
				err := conformOne(cmd, one, selected, s, historyDir, list)
				var code exit
				switch {
				case err == nil:
				case errors.As(err, &code) && cmd.Context().Err() == nil:
					codes = append(codes, int(code))
				default:
					return err
				}
			}
			if len(codes) > 0 {
				return exit(reports.WorstExit(codes...))
			}
			return nil
		},
	}
	s.flags(cmd)
	at.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&list, "list", false, "list what would be judged and told, and stop")
	f.Int64Var(&o.Seed, "seed", 1, "seed for the order of the scenarios")
	f.IntVar(&o.Parallel, "parallel", 0, fmt.Sprintf("scenarios driven at a time; 0 means %d, on a cluster %d", conformance.DefaultParallel, clusterParallel))
	f.IntVar(&o.Repeat, "repeat", 1, "times each scenario is driven; verdicts that differ are flaky")
	f.DurationVar(&o.Timeout, "timeout", 30*time.Minute, "bound on the whole run; 0 means none")
	f.StringVar(&historyDir, "history", "", "directory for history.jsonl, the evidence (default: that of --out)")
	return cmd
}

// clusterParallel is how many scenarios are driven at a time on a cluster, whose controllers work for all of them.
const clusterParallel = 16

// removal is how long the removal of what a run made is waited for.
const removal = 2 * time.Minute

// conformOne tests one subject. Of several, each has directories of its own.
func conformOne(cmd *cobra.Command, one subject, o conformance.Options, s selection, historyDir string, list bool) (err error) {
	if one.name != "" {
		for _, dir := range []*string{&s.out, &historyDir} {
			if *dir != "" {
				*dir = filepath.Join(*dir, one.name)
			}
		}
		if !s.quiet {
			fmt.Fprintf(cmd.ErrOrStderr(), "== %s\n", one.name)
		}
	}
	t, err := one.open(cmd.Context())
	if err != nil {
		return err
	}
	defer func() {
		if failed := closeTarget(cmd.Context(), t, removal); failed != nil && err == nil {
			err = failed
		}
	}()
	if list {
		return listEntries(cmd.OutOrStdout(), t, o)
	}
	if o.Parallel == 0 && t.About().Driver == "kube" {
		o.Parallel = clusterParallel
	}
	return conform(cmd, t, o, &s, historyDir, one.args)
}

// optionalFeatures lists what --with takes.
func optionalFeatures() string {
	list := reference.OptionalFeatures()
	width := 0
	for _, f := range list {
		width = max(width, len(f.Name))
	}
	lines := []string{"Features that the reference has and that are off by default, for --with:"}
	for _, f := range list {
		lines = append(lines, fmt.Sprintf("  %-*s  %s", width, f.Name, f.About))
	}
	return strings.Join(lines, "\n")
}

func conform(cmd *cobra.Command, t target.Target, o conformance.Options, s *selection, historyDir string, args []string) (err error) {
	flag := "--history"
	if historyDir == "" {
		flag, historyDir = "--out", s.out
	}
	if historyDir != "" {
		if err := os.MkdirAll(historyDir, 0o755); err != nil {
			return usage("%s: %w", flag, err)
		}
		f := &lateFile{name: filepath.Join(historyDir, "history.jsonl")}
		defer func() {
			if failed := f.Close(); failed != nil {
				err = failed // evidence that may be incomplete outweighs any verdict
			}
		}()
		o.History = f
	}
	o.Command = commandLine(o.Command, args)
	if o.Seed != 1 {
		o.Command = fmt.Sprintf("%s --seed %d", o.Command, o.Seed)
	}
	var progress *reports.Progress
	o.Progress = func(scenarios int) conformance.Progress {
		tty, _ := terminal(cmd.ErrOrStderr())
		progress = reports.NewProgress(cmd.ErrOrStderr(), tty, scenarios, s.quiet)
		return progress
	}
	session, err := conformance.New(t, o)
	if err != nil {
		return err
	}
	err = session.Drive(cmd.Context())
	progress.Done()
	if err != nil {
		return errors.Join(err, s.write(session.Report()))
	}
	specs.Judge(session, io.Discard) // its verdicts are the session's, which the report has
	report := session.Report()
	if report.Run.Interrupted && o.Timeout > 0 && cmd.Context().Err() == nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "sequitur: --timeout ended the run after %v: give it more, or 0 for no bound\n", o.Timeout)
	}
	return s.finish(cmd, report)
}

// commandLine joins what a shell would take apart.
func commandLine(command string, args []string) string {
	for _, a := range args {
		if strings.ContainsAny(a, " \t\n\"'$&|;<>()*?[]{}\\`!#~") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		command += " " + a
	}
	return command
}

// lateFile is created when something is written, so that a mistaken call does not wipe out the evidence of an earlier run.
type lateFile struct {
	name string
	f    *os.File
}

func (l *lateFile) Write(b []byte) (int, error) {
	if l.f == nil {
		f, err := os.Create(l.name)
		if err != nil {
			return 0, err
		}
		l.f = f
	}
	return l.f.Write(b)
}

func (l *lateFile) Close() error {
	if l.f == nil {
		return nil
	}
	return l.f.Close()
}

func listEntries(w io.Writer, t target.Target, o conformance.Options) error {
	session, err := conformance.New(t, o)
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(e conformance.Entry, note string) {
		if e.Missing != "" {
			note = "needs " + e.Missing + ", which the target does not claim"
		}
		if note != "" {
			note = "\t" + note
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s%s\n", e.Requirement.ID, e.Requirement.Level, e.Requirement.Feature, e.Scenario, note)
	}
	for _, e := range session.Entries() {
		row(e, "")
	}
	for _, e := range session.Asked() {
		row(e, "told, not judged")
	}
	return tw.Flush()
}
