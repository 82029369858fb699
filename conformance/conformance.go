// Package conformance judges an implementation of Sequence and what it stands on against the requirement catalogue.
//
// A Session selects scenarios, drives them concurrently against a target, each in a namespace of its own, keeps what was
// seen as a history, and judges each history by every requirement that it is evidence for. Run does all of it; Test does
// it under `go test`; package specs shows the same table as Ginkgo specs; Replay judges a saved history again.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/conformance/suites"
	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/reports"
)

// Options select and steer a run. The zero value runs everything once.
type Options struct {
	Focus     []string // patterns of requirement ids, such as DLV-*; empty means all
	Scenarios []string // patterns of scenario names, such as delivery/*; empty means all
	Profile   string   // name of a profile; empty means all
	// Labels, if not nil, says whether an entry with these labels is selected. LabelFilter is its text, for the report.
	Labels      func(labels []string) bool
	LabelFilter string

	Known    []Known       // requirements that are known to fail
	Seed     int64         // for the order of driving; 0 means 1
	Parallel int           // scenarios driven at a time; 0 means DefaultParallel
	Repeat   int           // times each scenario is driven; 0 means 1
	Timeout  time.Duration // bound on the whole run; 0 means none

	History io.Writer // gets the history as JSON lines while it is seen, before it is judged; nil: nowhere
	// Progress, if not nil, is called with the number of scenarios to be driven, repetitions included, when driving
	// begins; what it returns is told what begins and ends.
	Progress func(scenarios int) Progress
	Tool     reports.Tool // for the report
	Command  string       // how to call the harness again against the same target; default "sequitur conform"
}

// DefaultParallel is how many scenarios are driven at a time: most of them wait most of the time.
const DefaultParallel = 32

// Progress is told about scenarios, concurrently.
type Progress interface {
	Begin(scenario string)
	Step(scenario string, v verdict.Verdict)
}

// Known names requirements that are known to fail, and why.
type Known struct {
	Pattern   string // requirement id or pattern
	Reason    string
	Sometimes bool // it depends on time, or on what else is there: a pass is no failure of the run
}

// UsageError says that options make no sense together: an unknown id, an empty selection.
type UsageError struct{ Problem string }

// Error returns the problem.
func (e *UsageError) Error() string { return e.Problem }

func usage(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// Lost says that the target could not be reached any more in the middle of a run.
type Lost struct{ Why error }

// Error returns why.
func (l *Lost) Error() string { return l.Why.Error() }

// Session is one run: a selection, what was seen of it, and the verdicts. Its methods are safe for concurrent use.
type Session struct {
	plan     *plan
	target   target.Target
	options  Options
	about    target.About
	patience target.Patience
	started  time.Time

	once     sync.Once
	driveErr error

	mu      sync.Mutex
	seen    map[string]map[int]*seen // by scenario and repetition
	played  map[int]bool             // repetitions that anything was seen of
	results map[entryKey]reports.Result
	wall    time.Duration
	stopped bool // interrupted
}

// New selects what to run. A *UsageError says that the options select nothing or name what does not exist.
func New(t target.Target, o Options) (*Session, error) {
	if o.Parallel <= 0 {
		o.Parallel = DefaultParallel
	}
	if o.Repeat <= 0 {
		o.Repeat = 1
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Command == "" {
		o.Command = "sequitur conform"
	}
	s := &Session{target: t, options: o, about: t.About(), patience: t.Patience(), started: time.Now(),
		seen: map[string]map[int]*seen{}, played: map[int]bool{}, results: map[entryKey]reports.Result{}}
	if !slices.Contains(s.about.Claims, "core") {
		s.about.Claims = append([]string{"core"}, s.about.Claims...)
	}
	var err error
	s.plan, err = newPlan(o, s.about.Claims)
	return s, err
}

// Run selects, drives, judges and reports. The report is valid, and says so, if ctx ends before all is done; the error is
// a *UsageError, or says that the target or the harness could not work.
func Run(ctx context.Context, t target.Target, o Options) (*reports.Report, error) {
	s, err := New(t, o)
	if err != nil {
		return nil, err
	}
	err = s.Drive(ctx)
	return s.Report(), err
}

// Entries lists what is judged: each requirement in each selected scenario, in the order of the table.
func (s *Session) Entries() []Entry { return s.plan.entries }

// Asked lists what is told of each selected scenario without being judged, one entry for a requirement and scenario.
func (s *Session) Asked() []Entry {
	var list []Entry
	for _, a := range s.plan.asked {
		e := s.plan.entry(suites.Verification{Requirement: a.Requirement}, a.scenario, a.missing)
		if !slices.ContainsFunc(list, func(had Entry) bool { return had.key() == e.key() }) {
			list = append(list, e)
		}
	}
	return list
}

// Drive plays the selected scenarios, once in the life of a session; later calls return what the first did. An ended
// context is no error: the report says that the run was interrupted.
func (s *Session) Drive(ctx context.Context) error {
	s.once.Do(func() { s.driveErr = s.drive(ctx) })
	return s.driveErr
}

func (s *Session) drive(ctx context.Context) (err error) {
	began := time.Now()
	defer func() {
		s.mu.Lock()
		s.wall = time.Since(began)
		s.mu.Unlock()
	}()
	if s.options.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.options.Timeout, fmt.Errorf("the run took longer than %v", s.options.Timeout))
		defer cancel()
	}
	if m, ok := s.target.(target.Mortal); ok {
		var lose context.CancelCauseFunc
		ctx, lose = context.WithCancelCause(ctx)
		var watching sync.WaitGroup
		watching.Go(func() {
			if lost := m.Lost(ctx); lost != nil {
				lose(&Lost{lost})
			}
		})
		defer func() {
			why := context.Cause(ctx)
			lose(nil)
			watching.Wait()
			if lost := (*Lost)(nil); errors.As(why, &lost) {
				err = lost // whatever else went wrong is a consequence
			}
		}()
	}
	keep, err := s.evidence()
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	bench, err := drive.Open(ctx, s.target, runName(), keep.write)
	if err != nil {
		return err
	}
	defer func() {
		// Closing must also work after Ctrl-C, and must not hold up the report.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		err = errors.Join(err, bench.Close(ctx), keep.flush())
	}()
	var progress Progress = silent{}
	if s.options.Progress != nil {
		progress = s.options.Progress(len(s.plan.scenarios) * s.options.Repeat)
	}
	falls, fallible := s.target.(target.Fallible)
	var group errgroup.Group
	group.SetLimit(s.options.Parallel)
	var together, harsh []*play
	for round := range s.options.Repeat {
		for _, sc := range s.plan.shuffled(s.options.Seed + int64(round)) {
			if ctx.Err() != nil {
				break
			}
			p := &play{scenario: sc, round: round}
			if fallible && sc.Harsh {
				harsh = append(harsh, p)
				continue
			}
			together = append(together, p)
			group.Go(func() error { return s.one(ctx, bench, progress, p) })
		}
	}
	err = group.Wait()
	if fallible && err == nil && ctx.Err() == nil {
		err = s.alone(ctx, bench, progress, falls, together, harsh)
	}
	if ctx.Err() != nil {
		s.mu.Lock()
		s.stopped = true
		s.mu.Unlock()
	}
	return err
}

// silent is the progress that nobody is told of.
type silent struct{}

func (silent) Begin(string)                 {}
func (silent) Step(string, verdict.Verdict) {}

// one drives a scenario and judges it at once, so that progress can tell.
func (s *Session) one(ctx context.Context, bench *drive.Bench, progress Progress, p *play) error {
	if ctx.Err() != nil {
		return nil
	}
	name := p.scenario.Name
	if !p.told {
		progress.Begin(name)
	}
	p.began = time.Now()
	ops, err := bench.Drive(ctx, roundName(name, p.round), p.scenario.Drive)
	p.ended = time.Now()
	if at := s.add(name, p.round, ops); at != nil {
		p.worst = verdict.Passed
		for _, e := range s.plan.entries {
			if e.Scenario != name {
				continue
			}
			v := at.judge(e).Verdict
			if v != verdict.Passed && !s.plan.claims[e.Requirement.Feature] {
				v = verdict.NotSupported
			}
			p.worst = max(p.worst, v)
		}
		if !p.told {
			progress.Step(name, p.worst)
			p.told = true
		}
	}
	if m, ok := s.target.(target.Mortal); ok && p.worst == verdict.HarnessError {
		back(ctx, m) // the next one would fare no better meanwhile
	}
	if ctx.Err() != nil {
		return nil // an interruption is told by the report
	}
	return err
}

// back returns when a target can be reached, or ctx ends, as it does if the target is lost.
func back(ctx context.Context, m target.Mortal) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for m.Alive(ctx) != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// add keeps the history of a scenario in a repetition, from 0. It is no evidence, and add returns nil, if the run was
// interrupted in the middle of it.
func (s *Session) add(scenario string, round int, ops []history.Op) *seen {
	v := history.NewView(scenario, s.plan.claims, ops)
	v.Quiet = s.patience.Quiet
	s.mu.Lock()
	defer s.mu.Unlock()
	if !whole(v) {
		s.stopped = true
		return nil
	}
	if s.seen[scenario] == nil {
		s.seen[scenario] = map[int]*seen{}
	}
	at := &seen{view: v, problem: observer(v), findings: map[entryKey]check.Finding{}}
	s.seen[scenario][round] = at
	s.played[round] = true
	return at
}

// whole tells whether a scenario came to its end.
func whole(v *history.View) bool {
	ended := false
	for i := range v.Ops {
		op := &v.Ops[i]
		if op.Kind == history.Stopped && op.Error == "harness" && op.Note == drive.Interrupted {
			return false
		}
		ended = ended || op.Kind == history.End
	}
	return ended
}

// roundName names a repetition in the history: the first one by the scenario's name alone.
func roundName(scenario string, round int) string {
	if round == 0 {
		return scenario
	}
	return fmt.Sprintf("%s@%d", scenario, round+1)
}

// runName is short and differs between runs on one target.
func runName() string { return fmt.Sprintf("%x", time.Now().UnixMilli()&0xffffff) }

// keeper writes the history of concurrent scenarios to one file.
type keeper struct {
	mu sync.Mutex
	w  *history.Writer
}

func (s *Session) evidence() (*keeper, error) {
	if s.options.History == nil {
		return &keeper{}, nil
	}
	w, err := history.NewWriter(s.options.History, history.Header{
		Tool: s.options.Tool.Version, Started: s.started.UTC().Format(time.RFC3339Nano), Seed: s.options.Seed,
		Target: s.about.Name, Release: s.about.Version, Driver: s.about.Driver, Claims: s.about.Claims, Limits: limits(s.patience),
	})
	return &keeper{w: w}, err
}

func (k *keeper) write(op *history.Op) error {
	if k.w == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.w.Write(op); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	if op.Kind == history.End {
		return k.w.Flush() // a crash later loses at most what is under way
	}
	return nil
}

func (k *keeper) flush() error {
	if k.w == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.w.Flush()
}

func limits(p target.Patience) map[string]string {
	return map[string]string{"ready": p.Ready.String(), "settle": p.Settle.String(), "quiet": p.Quiet.String(), "lag": p.Lag.String()}
}

// Report returns the report of everything judged, finished. Before Drive it says that nothing was.
func (s *Session) Report() *reports.Report {
	s.mu.Lock()
	wall, stopped := s.wall, s.stopped
	s.mu.Unlock()
	tool := s.options.Tool
	if tool.Name == "" {
		tool.Name, tool.Version = "sequitur", "devel"
	}
	if tool.Go == "" {
		tool.Go = runtime.Version()
	}
	r := &reports.Report{
		Tool: tool,
		Run: reports.Run{Started: s.started.UTC(), Seconds: wall.Seconds(), Seed: s.options.Seed, Parallel: s.options.Parallel,
			Repeat: s.options.Repeat, Interrupted: stopped,
			Selection: reports.Selection{Focus: s.options.Focus, Scenarios: s.options.Scenarios,
				LabelFilter: s.options.LabelFilter, Profile: s.options.Profile}},
		Target: reports.Target{Name: s.about.Name, Driver: s.about.Driver, Version: s.about.Version,
			Claims: slices.Sorted(slices.Values(s.about.Claims)), Patience: limits(s.patience)},
	}
	for _, e := range s.plan.entries {
		r.Results = append(r.Results, s.Result(e))
	}
	r.Results = append(r.Results, s.plan.unjudged()...)
	r.Readings = s.readings()
	r.Finish()
	return r
}

// splitRound undoes roundName; a name that roundName cannot have given is that of an unknown scenario.
func splitRound(name string) (scenario string, round int) {
	scenario, number, repeated := strings.Cut(name, "@")
	if !repeated {
		return name, 0
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 2 {
		return name, 0
	}
	return scenario, n - 1
}
