package loadgen

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/loadgen/account"
	"github.com/sequitur-dev/sequitur/loadgen/scenario"
)

// Live is how a run stands.
type Live struct {
	account.Live
	Trial    string // what is measured, if a command measures several: "500/s", "events.size=1KiB"
	Phase    Phase
	Offered  uint64 // events that were due by now
	Applied  int    // while setting up: how many of the objects were applied, and are Ready
	Ready    int
	Objects  int
	Elapsed  time.Duration
	Total    time.Duration // of sending; the drain comes after it
	Schedule string
}

// Phase is what a run is at.
type Phase string

// The phases.
const (
	SettingUp Phase = "setting up"
	WarmUp    Phase = "warm-up"
	Measuring Phase = "measuring"
	Draining  Phase = "draining"
)

const (
	tick     = 50 * time.Millisecond
	maxDrain = 10 * time.Minute // longer is a loop that nobody wants to wait for
)

// interval is the width of the intervals in which a run of a length is told: about fifty.
func interval(total time.Duration) time.Duration {
	for _, w := range [...]time.Duration{100, 200, 500, 1000, 2000, 5000, 10_000, 30_000} {
		if w *= time.Millisecond; total <= 60*w {
			return w
		}
	}
	return time.Minute
}

// force is who sends: this process, or several others.
type force interface {
	// send sends until the schedule, halt or ctx ends and everything is answered.
	send(ctx context.Context, halt <-chan struct{}) (sendings, error)
	// live is what others have sent so far; nothing if the senders use the receivers' account.
	live() account.Live
}

// sendings is what became of sending.
type sendings struct {
	shares  []*account.Share  // of senders with accounts of their own
	faults  map[string]uint64 // what went wrong: in words → requests
	callers int64             // requests under way, at most
	cpu     time.Duration     // of other processes
	apart   time.Duration     // how far their clocks may have been from this one at the end
	adrift  string            // why that is not known
	stuck   uint64            // places of the window that lost events took
	missing []absence         // of others, who did not tell all they sent
}

// measurement is a run that was driven and is to be judged.
type measurement struct {
	scenario    *scenario.Scenario
	config      account.Config
	about       target.About
	schedule    string
	started     time.Time
	workers     int
	clocks      time.Duration // how far those of the senders may be from this one
	sent        time.Duration // when sending ended
	drained     time.Duration // how long was waited then
	interrupted bool
	halted      string // why it was stopped before its time
	notes       []string
	before      usage // at the beginning and the end of the measurement
	after       usage
	sendings    sendings
	judged      *account.Result
	fatal       error // what ended it, such as that a worker died or the target was lost
	lost        bool  // the target was
}

// measure drives one run on a stage. A run that something put an end to is returned along with the error.
func (st *stage) measure(ctx context.Context, s *scenario.Scenario, o Options, trial string) (*measurement, error) {
	m := &measurement{scenario: s, about: st.target.About(), workers: max(1, o.Workers)}
	roles := rolesOf(s)
	run := fmt.Sprintf("%08x", rand.Uint32())
	var tokens chan struct{}
	if s.Driver.Kind == scenario.Window {
		if tokens = make(chan struct{}, s.Driver.N); s.Driver.N < s.Events.Batch {
			return nil, fmt.Errorf("a window of %d holds no request with %d events: expected at least as many", s.Driver.N, s.Events.Batch)
		}
	}
	local := &sender{scenario: s, tokens: tokens, patience: st.patience(s)}
	left := local.left
	if tokens == nil {
		left = nil
	}
	m.config = books(s, roles, m.workers, left)
	m.config.Elsewhere = o.fleet != nil
	a, err := account.New(m.config)
	if err != nil {
		return nil, err
	}
	var senders force
	var epoch time.Time
	switch {
	case o.fleet != nil:
		if m.schedule, err = o.fleet.muster(ctx, st, s, a, run); err != nil {
			return nil, err
		}
		senders, epoch, m.clocks = o.fleet, o.fleet.epoch, o.fleet.bound
	default:
		if err := local.prepare(st, s, a, run); err != nil {
			return nil, err
		}
		defer local.client().CloseIdleConnections()
		local.record = o.results.write()
		epoch = time.Now()
		local.epoch = epoch
		senders, m.schedule = alone{local}, local.words()
	}
	receiving := &reception{run: run, sources: m.workers, epoch: epoch, account: a}
	st.receivers.expect(receiving)
	m.started = time.Now()
	m.drive(ctx, st, a, senders, epoch, o, trial)
	m.clocks = max(m.clocks, m.sendings.apart)
	share, err := account.Merge(append(m.sendings.shares, a.Share())...)
	if err != nil {
		return nil, err
	}
	for _, w := range m.sendings.missing {
		var come uint64
		share, come = share.Vouch(w.worker)
		m.notes = append(m.notes, w.words(come))
	}
	if m.judged, err = share.Judge(m.config); err != nil {
		return nil, err
	}
	if n := receiving.bare.Load(); n > 0 {
		m.notes = append(m.notes, fmt.Sprintf("%d requests came to a receiver without the extension %s, with which their events had been sent: somebody drops extensions", n, scenario.ExtensionID))
	}
	return m, m.fatal
}

// words says what is known of the share of a worker; so many of its events came of which it had not told.
func (w absence) words(come uint64) string {
	words := w.why.Error() + "; its share is missing altogether"
	if w.from > 0 {
		words = fmt.Sprintf("%v; its share is missing from %s on, where the series ends", w.why, duration(w.from))
	}
	if come > 0 {
		words += fmt.Sprintf(": %d events that it had not told of came and are told as unanswered", come)
	}
	return words + "; what else it sent is not known and in no figure"
}

func (st *stage) patience(s *scenario.Scenario) time.Duration {
	if s.Drain > 0 {
		return s.Drain
	}
	return st.target.Patience().Settle
}

// prepare readies the sender of this process.
func (s *sender) prepare(st *stage, sc *scenario.Scenario, a *account.Account, run string) error {
	var err error
	if s.schedule, err = newSchedule(sc); err != nil {
		return err
	}
	if s.transport, err = transport(st.target.Client(), st.address); err != nil {
		return err
	}
	s.url, s.bearer = st.address.URL, st.address.Bearer
	s.messages = newMessages(sc, run, 0, 1, false)
	s.account = a
	return nil
}

// words is the schedule in words.
func (s *sender) words() string {
	if s.scenario.Driver.Kind != scenario.Open {
		return "as fast as the driver lets it"
	}
	return s.schedule.String()
}

// alone is the force of this process.
type alone struct{ *sender }

func (a alone) send(ctx context.Context, halt <-chan struct{}) (sendings, error) {
	a.sender.send(ctx, halt)
	return sendings{faults: a.faults, callers: a.most.Load(), stuck: a.stuck.Load()}, nil
}

func (a alone) live() account.Live { return account.Live{} }

// drive sends, watches, and waits until what was sent has arrived.
func (m *measurement) drive(ctx context.Context, st *stage, a *account.Account, senders force, epoch time.Time, o Options, trial string) {
	total := m.scenario.WarmUp + m.scenario.Duration
	halt := make(chan struct{})
	type outcome struct {
		sendings
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		s, err := senders.send(ctx, halt)
		done <- outcome{s, err}
	}()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	lost := make(chan error, 1)
	watching, stopWatching := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stopWatching()
	if mortal, ok := st.target.(target.Mortal); ok {
		wg.Go(func() { lost <- mortal.Lost(watching) })
	}
	limits := stopper{stop: m.scenario.Stop}
	stop := func(why string) {
		if m.halted == "" && why != "" {
			m.halted = why
			m.notes = append(m.notes, "stopped before its time: "+why)
			close(halt)
		}
	}
	plan := newPlan(m.scenario)
	look := func(phase Phase) account.Live {
		now := time.Since(epoch)
		live := together(a.Live(now), senders.live())
		if o.Watch != nil {
			o.Watch(Live{Live: live, Trial: trial, Phase: phase, Offered: max(live.Sent, plan.until(now)), Elapsed: now, Total: total, Schedule: m.schedule})
		}
		return live
	}
	ended := false
	for !ended {
		now := time.Since(epoch)
		if m.before.at.IsZero() && now >= m.scenario.WarmUp {
			m.before = measureUsage()
		}
		if m.after.at.IsZero() && now >= total {
			m.after = measureUsage()
		}
		select {
		case <-ticker.C:
			phase := Measuring
			if now < m.scenario.WarmUp {
				phase = WarmUp
			}
			stop(limits.check(look(phase), now))
		case err := <-lost:
			if err != nil {
				m.fatal, m.lost = fmt.Errorf("the target was lost: %w", err), true
				stop("the target was lost")
			}
			lost = nil
		case out := <-done:
			ended = true
			m.sendings = out.sendings
			if m.fatal == nil {
				m.fatal = out.err
			}
		}
	}
	m.sent = total // the last event is due a moment before
	if cut := m.halted != "" || m.fatal != nil || m.scenario.Stop.Events > 0 || ctx.Err() != nil || m.scenario.Arrival.Shape == scenario.Replay; cut {
		m.sent = min(time.Since(epoch), total)
	}
	for _, w := range m.sendings.missing {
		m.sent = min(m.sent, w.from)
	}
	if m.before.at.IsZero() {
		m.before = measureUsage()
	}
	if m.after.at.IsZero() {
		m.after = measureUsage()
	}
	m.interrupted = ctx.Err() != nil
	m.drain(ctx, st, a, epoch, look)
}

// owed counts the acknowledged events that have not come, of those that are known to be sent.
func (m *measurement) owed(a *account.Account) (uint64, error) {
	share, err := account.Merge(append(m.sendings.shares, a.Share())...)
	if err != nil {
		return 0, err
	}
	judged, err := share.Judge(m.config)
	if err != nil {
		return 0, err
	}
	return judged.Events.Lost, nil
}

// drain waits until everything that is owed has come and nothing more does, or until nothing has come for so long that the
// rest must be lost.
func (m *measurement) drain(ctx context.Context, st *stage, a *account.Account, epoch time.Time, look func(Phase) account.Live) {
	begin := time.Since(epoch)
	patience, quiet := st.patience(m.scenario), st.target.Patience().Quiet
	ticker := time.NewTicker(tick / 5)
	defer ticker.Stop()
	var looked uint64 // how many had come when it was looked what is owed
	var known, owed bool
	var end <-chan time.Time
	interrupt := ctx.Done()
	if ctx.Err() != nil {
		interrupt = nil
		end = time.After(grace)
		if len(m.sendings.missing) > 0 {
			end = time.After(tick) // as long was waited for them
		}
	}
	for {
		live := look(Draining)
		now := time.Since(epoch)
		silent := now - max(live.Last, begin)
		m.drained = now - begin
		waits := live.InFlight > 0
		if len(m.sendings.missing) > 0 && silent >= quiet {
			// How many are in flight is not known where it is not known how many were sent.
			if live.Receipts != looked || !known {
				n, err := m.owed(a)
				looked, known, owed = live.Receipts, true, n > 0 || err != nil
			}
			waits = owed
		}
		switch {
		case !waits && silent >= quiet, silent >= patience:
			return
		case now-begin > maxDrain:
			m.notes = append(m.notes, fmt.Sprintf("after %v of draining events still came; what had not come by then is told as lost", maxDrain))
			return
		}
		select {
		case <-ticker.C:
		case <-interrupt:
			m.interrupted = true
			interrupt = nil
			end = time.After(grace)
		case <-end:
			return
		}
	}
}

// plan counts the events that are due, for those who watch.
type plan struct {
	schedule schedule // nil if whatever comes is the plan
	next     uint64
}

func newPlan(s *scenario.Scenario) *plan {
	if s.Driver.Kind != scenario.Open {
		return &plan{}
	}
	sched, err := newSchedule(s)
	if err != nil {
		return &plan{} // the sender says why
	}
	return &plan{schedule: sched}
}

func (p *plan) until(now time.Duration) uint64 {
	for p.schedule != nil {
		if due, ok := p.schedule.due(p.next); !ok || due > now {
			break
		}
		p.next++
	}
	return p.next
}

// together adds what other senders have sent to what came here.
func together(here, there account.Live) account.Live {
	if there.Sent == 0 {
		return here
	}
	here.Sent, here.Acked, here.Refused, here.Unknown = there.Sent, there.Acked, there.Refused, there.Unknown
	here.InFlight = there.Sent - min(there.Sent, here.Left+there.Left)
	return here
}

// stopper looks whether a run must end before its time.
type stopper struct {
	stop        scenario.Stop
	at          time.Duration // when it was looked last, and what there was then
	failed, all uint64
}

func (s *stopper) check(live account.Live, now time.Duration) string {
	if limit := s.stop.InFlight; limit > 0 && live.InFlight > limit {
		return fmt.Sprintf("%d events were in flight, more than the %d of stop.inFlight", live.InFlight, limit)
	}
	if s.stop.Errors == 0 || now-s.at < time.Second {
		return ""
	}
	bad := live.Refused + live.Unknown
	all := live.Acked + bad
	failed, requests := bad-s.failed, all-s.all
	s.at, s.failed, s.all = now, bad, all
	if requests > 0 && float64(failed) > float64(s.stop.Errors)*float64(requests) {
		return fmt.Sprintf("%d of %d requests of a second failed, more than the %.4g %% of stop.errors", failed, requests, 100*float64(s.stop.Errors))
	}
	return ""
}

// results writes the file of results that the library's tools read.
type results struct {
	encode  vegeta.Encoder
	written uint64
	more    uint64
	err     error
}

// maxResults bounds the file: a few hundred megabytes.
const maxResults = 2_000_000

func newResults(w io.Writer) *results {
	if w == nil {
		return &results{}
	}
	return &results{encode: vegeta.NewEncoder(w)}
}

func (r *results) write() func(*vegeta.Result) {
	if r == nil || r.encode == nil {
		return nil
	}
	return func(res *vegeta.Result) {
		switch {
		case r.err != nil:
		case r.written >= maxResults:
			r.more++
		default:
			r.written++
			r.err = r.encode(res)
		}
	}
}

func (r *results) notes() []string {
	switch {
	case r.err != nil:
		return []string{"the results could not be written: " + r.err.Error()}
	case r.more > 0:
		return []string{fmt.Sprintf("the file of results holds the first %d requests, and not the %d after them", r.written, r.more)}
	}
	return nil
}
