package conformance

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/conformance/suites"
	"github.com/sequitur-dev/sequitur/fixtures/api"
	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/reports"
)

// Replay judges a saved history by this build's checks; name is the file's, for messages. Options select as for Run. A
// history that was cut off is judged as far as it goes; the scenario under way then counts as broken off. Scenarios that
// this build does not know are left out; unknown names them.
func Replay(name string, r io.Reader, o Options) (report *reports.Report, unknown []string, err error) {
	header, ops, err := history.Read(name, r)
	if err != nil {
		return nil, nil, usage("%v", err)
	}
	recorded := recorded{header}
	s, err := New(recorded, o)
	if err != nil {
		return nil, nil, err
	}
	byName := map[string][]history.Op{}
	var order []string
	cut := false
	var last time.Duration
	for op, err := range ops {
		if errors.Is(err, history.ErrTruncated) {
			cut = true
			break
		}
		if err != nil {
			return nil, nil, usage("%v", err)
		}
		if _, ok := byName[op.Scenario]; !ok {
			order = append(order, op.Scenario)
		}
		if op.Kind == history.Begin {
			byName[op.Scenario] = nil // driven again, alone
		}
		byName[op.Scenario] = append(byName[op.Scenario], *op)
		last = max(last, op.T)
	}
	if len(order) == 0 {
		return nil, nil, usage("%s holds no operations: there is nothing to judge", name)
	}
	known, selected := map[string]bool{}, map[string]bool{}
	for _, sc := range suites.All() {
		known[sc.Name] = true
	}
	for _, sc := range s.plan.scenarios {
		selected[sc.Name] = true
	}
	for _, full := range order {
		scenario, round := splitRound(full)
		switch {
		case selected[scenario]:
			s.add(scenario, round, byName[full])
		case !known[scenario] && !slices.Contains(unknown, scenario):
			unknown = append(unknown, scenario)
		}
	}
	s.once.Do(func() {}) // there is nothing to drive
	s.wall, s.stopped = last, s.stopped || cut
	if started, err := time.Parse(time.RFC3339Nano, header.Started); err == nil {
		s.started = started
	}
	s.options.Seed, s.options.Repeat = header.Seed, max(1, len(s.played))
	return s.Report(), unknown, nil
}

// recorded stands for the target of a saved history: it can be asked what it was, and nothing else.
type recorded struct{ h history.Header }

var errRecorded = errors.New("this target is a saved history")

func (t recorded) About() target.About {
	return target.About{Name: t.h.Target, Version: t.h.Release, Driver: t.h.Driver, Claims: t.h.Claims}
}
func (t recorded) Patience() target.Patience {
	p := target.Patience{}
	for name, d := range map[string]*time.Duration{"ready": &p.Ready, "settle": &p.Settle, "quiet": &p.Quiet, "lag": &p.Lag} {
		*d, _ = time.ParseDuration(strings.TrimSpace(t.h.Limits[name])) // a missing one shows as zero
	}
	return p
}
func (t recorded) Apply(context.Context, []byte) error                       { return errRecorded }
func (t recorded) Get(context.Context, api.Ref) (api.Object, error)          { return nil, errRecorded }
func (t recorded) List(context.Context, api.Ref) ([]api.Object, error)       { return nil, errRecorded }
func (t recorded) Watch(context.Context, api.Ref) (<-chan api.Object, error) { return nil, errRecorded }
func (t recorded) Delete(context.Context, api.Ref) error                     { return errRecorded }
func (t recorded) Client() *http.Client                                      { return http.DefaultClient }
func (t recorded) Listen(context.Context) (net.Listener, string, error)      { return nil, "", errRecorded }
func (t recorded) Clear(context.Context, ...string) error                    { return errRecorded }
func (t recorded) Close(context.Context) error                               { return nil }
