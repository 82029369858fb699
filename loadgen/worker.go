package loadgen

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/sequitur-dev/sequitur/loadgen/account"
	"github.com/sequitur-dev/sequitur/loadgen/scenario"
)

// Starter starts worker number index, whose program must call Work, and returns the way to it. Closing that ends the worker and
// waits for its end.
type Starter func(ctx context.Context, index int) (io.ReadWriteCloser, error)

// A worker sends every N-th event of the schedule, as a source of its own, and keeps the accounts of what it sent; the one who
// started it has the receivers. Both talk in JSON values, one after the other.

// order is what a worker is told; one of its fields is set.
type order struct {
	Clock bool     `json:"clock,omitempty"` // what time is it?
	Task  *task    `json:"task,omitempty"`  // get ready
	Start int64    `json:"start,omitempty"` // the epoch, in nanoseconds of the worker's clock
	End   stopping `json:"end,omitempty"`
}

type stopping string

const (
	halting  stopping = "halt"  // send no more
	aborting stopping = "abort" // and do not wait for long, either
)

// task is what a worker sends.
type task struct {
	File    string   `json:"file"`
	YAML    []byte   `json:"yaml"`
	Sets    []string `json:"sets"`
	Run     string   `json:"run"`
	Index   int      `json:"index"`
	Workers int      `json:"workers"`
	Address address  `json:"address"`
	Results bool     `json:"results"` // they are wanted
}

// report is what a worker says; one of its fields is set.
type report struct {
	Clock *clock        `json:"clock,omitempty"`
	Ready string        `json:"ready,omitempty"` // the schedule in words
	Live  *account.Live `json:"live,omitempty"`
	// Gone are events that are refused or of unknown outcome, for the receivers' account.
	Gone    []account.Departure `json:"gone,omitempty"`
	Results []byte              `json:"results,omitempty"` // in the library's encoding
	SoFar   *done               `json:"soFar,omitempty"`   // what is left of a worker that dies
	Done    *done               `json:"done,omitempty"`
	Error   string              `json:"error,omitempty"`
}

type clock struct {
	Now     int64  `json:"now"`
	Machine string `json:"machine"` // those of one machine have the same clock; empty if it is not known
}

// done is what a worker did until a moment.
type done struct {
	At      time.Duration     `json:"at"`
	Share   []byte            `json:"share"`
	Faults  map[string]uint64 `json:"faults"`
	Callers int64             `json:"callers"`
	CPU     time.Duration     `json:"cpu"` // from the end of the warm-up on
}

// machineID is the same in all processes, and containers, that have one kernel since it was started.
func machineID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// Work does what the one at the other end of the stream says, until that is closed or ctx ends. A run that this cuts short is told as
// such.
func Work(ctx context.Context, stream io.ReadWriteCloser) error {
	ctx, cancel := context.WithCancel(ctx)
	w := &worker{out: json.NewEncoder(stream)}
	var closing sync.WaitGroup
	closing.Go(func() {
		<-ctx.Done()
		force := time.AfterFunc(2*grace, func() { _ = stream.Close() }) // who does not listen does not hear it
		defer force.Stop()
		w.running.Wait()
		_ = stream.Close() // ends the reading
	})
	defer closing.Wait()
	defer cancel()
	for in := json.NewDecoder(stream); ; {
		var o order
		err := in.Decode(&o)
		switch {
		case errors.Is(err, io.EOF) || err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("what a worker was told cannot be read: %w", err)
		}
		if err := w.obey(ctx, o); err != nil {
			w.say(report{Error: err.Error()})
		}
	}
}

// worker is one at work. Its fields are for the goroutine of Work, but for what is said of them.
type worker struct {
	mu  sync.Mutex // of out
	out *json.Encoder

	sender  *sender
	halt    chan struct{}
	halted  bool
	abort   context.CancelFunc
	running sync.WaitGroup
	results bool
	pending []vegeta.Result // of the sending goroutine
	handed  time.Time       // when they were handed over last

	parting sync.Mutex // of gone
	gone    []account.Departure
}

func (w *worker) say(r report) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.out.Encode(r) // whoever does not hear it has gone
}

func (w *worker) obey(ctx context.Context, o order) error {
	switch {
	case o.Clock:
		w.say(report{Clock: &clock{Now: time.Now().UnixNano(), Machine: machineID()}})
	case o.Task != nil:
		w.running.Wait() // for the task before it
		words, err := w.prepare(o.Task)
		if err != nil {
			return err
		}
		w.say(report{Ready: words})
	case o.Start != 0 && w.sender != nil:
		now := time.Now()
		w.sender.epoch = now.Add(time.Duration(o.Start - now.UnixNano()))
		var sending context.Context
		sending, w.abort = context.WithCancel(ctx)
		w.running.Go(func() { w.send(ctx, sending) })
	case o.End != "" && w.abort != nil:
		if !w.halted {
			w.halted = true
			close(w.halt)
		}
		if o.End == aborting {
			w.abort()
		}
	}
	return nil
}

func (w *worker) prepare(t *task) (string, error) {
	s, err := scenario.Parse(t.File, t.YAML, t.Sets...)
	if err != nil {
		return "", err
	}
	if s.Driver.Kind == scenario.Closed { // the callers are those of all
		s.Driver.N = (s.Driver.N + t.Workers - 1 - t.Index) / t.Workers
	}
	config := books(s, rolesOf(s), t.Workers, nil)
	config.Gone = w.depart
	a, err := account.New(config)
	if err != nil {
		return "", err
	}
	sender := &sender{scenario: s, account: a, url: t.Address.URL, bearer: t.Address.Bearer, messages: newMessages(s, t.Run, t.Index, t.Workers, true)}
	if sender.schedule, err = newSchedule(s); err != nil {
		return "", err
	}
	plain := &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext}}
	if sender.transport, err = transport(plain, t.Address); err != nil {
		return "", err
	}
	if w.results = t.Results; w.results {
		w.handed = time.Now()
		sender.record = func(r *vegeta.Result) {
			if w.pending = append(w.pending, *r); len(w.pending) >= 1000 || time.Since(w.handed) > soFarEvery {
				w.hand()
			}
		}
	}
	w.sender, w.halt, w.halted = sender, make(chan struct{}), false
	return sender.words(), nil
}

// hand hands over results.
func (w *worker) hand() {
	var b bytes.Buffer
	encode := vegeta.NewEncoder(&b)
	for i := range w.pending {
		if err := encode(&w.pending[i]); err != nil {
			w.say(report{Error: "results: " + err.Error()})
		}
	}
	w.pending, w.handed = w.pending[:0], time.Now()
	w.say(report{Results: b.Bytes()})
}

// depart keeps a departure until it is told.
func (w *worker) depart(d account.Departure) {
	w.parting.Lock()
	w.gone = append(w.gone, d)
	w.parting.Unlock()
}

const (
	liveEvery = 100 * time.Millisecond
	// soFarEvery is how often a worker tells all it did so far, at most, and soFarShare how much of its time it may take for that.
	soFarEvery = time.Second
	soFarShare = 0.01
)

// stand tells how the worker stands.
func (w *worker) stand() {
	w.parting.Lock()
	gone := w.gone
	w.gone = nil
	w.parting.Unlock()
	if len(gone) > 0 {
		w.say(report{Gone: gone})
	}
	live := w.sender.account.Live(time.Since(w.sender.epoch))
	w.say(report{Live: &live})
}

// sum is what the worker did so far.
func (w *worker) sum(cpu time.Duration) (*done, error) {
	s := w.sender
	d := &done{At: time.Since(s.epoch), Callers: s.most.Load(), CPU: cpu}
	var err error
	d.Share, err = s.account.Share().MarshalBinary()
	s.mu.Lock()
	d.Faults = maps.Clone(s.faults)
	s.mu.Unlock()
	return d, err
}

// send does the task. When sending ends that is as it was told; when ctx ends it is not.
func (w *worker) send(ctx, sending context.Context) {
	s := w.sender
	defer s.client().CloseIdleConnections()
	over, told := make(chan struct{}), make(chan time.Duration)
	go func() {
		ticker := time.NewTicker(liveEvery)
		defer ticker.Stop()
		before, next := ownCPU(), s.epoch.Add(soFarEvery)
		for {
			select {
			case <-ticker.C:
				if time.Since(s.epoch) <= s.scenario.WarmUp {
					before = ownCPU()
				}
				w.stand()
				if began := time.Now(); began.After(next) {
					if d, err := w.sum(ownCPU() - before); err == nil { // or else the end tells
						w.say(report{SoFar: d})
					}
					next = began.Add(max(soFarEvery, time.Duration(float64(time.Since(began))/soFarShare)))
				}
			case <-over:
				told <- ownCPU() - before
				return
			}
		}
	}()
	s.send(sending, w.halt)
	cut := ctx.Err() != nil
	close(over)
	cpu := <-told
	w.stand() // what is in flight at the end is waited for
	if len(w.pending) > 0 {
		w.hand()
	}
	d, err := w.sum(cpu)
	switch {
	case err != nil:
		w.say(report{Error: err.Error()})
	case cut:
		w.say(report{SoFar: d})
		w.say(report{Error: "it was told to end in the middle of the run"})
	default:
		w.say(report{Done: d})
	}
}

// fleet are workers. One run at a time is theirs.
type fleet struct {
	members []*recruit
	bound   time.Duration // how far clocks may be apart
	record  func(*vegeta.Result)

	mu      sync.Mutex
	lives   []account.Live
	epoch   time.Time
	account *account.Account // of the receivers
}

// recruit is a worker as the fleet sees it.
type recruit struct {
	index   int
	stream  io.ReadWriteCloser
	out     *json.Encoder
	reports chan report   // closed at the end of the stream
	why     error         // of that end, if it is known; set before
	gone    chan struct{} // closed when nobody listens
	offset  time.Duration // of its clock
	near    bool          // it is on this machine
	lost    bool          // it did not do what it was told, and that was said
}

const (
	clockTrips = 50
	answerIn   = 20 * time.Second       // for a worker to be ready
	headStart  = 200 * time.Millisecond // between the order to begin and the beginning
)

// enlist starts the workers.
func enlist(ctx context.Context, o Options) (f *fleet, err error) {
	f = &fleet{record: o.results.write(), lives: make([]account.Live, o.Workers)}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.dismiss())
		}
	}()
	for i := range o.Workers {
		stream, err := o.Start(ctx, i)
		if err != nil {
			return f, fmt.Errorf("worker %d: %w", i, err)
		}
		f.members = append(f.members, newRecruit(i, stream))
	}
	for _, m := range f.members {
		bound, err := m.synchronize(ctx)
		if err != nil {
			return f, err
		}
		f.bound = max(f.bound, bound)
	}
	return f, nil
}

func newRecruit(index int, stream io.ReadWriteCloser) *recruit {
	m := &recruit{index: index, stream: stream, out: json.NewEncoder(stream), reports: make(chan report), gone: make(chan struct{})}
	go m.listen()
	return m
}

// listen is ended by closing gone and the stream.
func (m *recruit) listen() {
	defer close(m.reports)
	for in := json.NewDecoder(m.stream); ; {
		var r report
		if err := in.Decode(&r); err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
				m.why = err
			}
			return
		}
		select {
		case m.reports <- r:
		case <-m.gone:
			return
		}
	}
}

// end says how a worker ended whose reports are closed.
func (m *recruit) end(how string) error {
	if m.why == nil {
		return fmt.Errorf("worker %d %s", m.index, how)
	}
	return fmt.Errorf("worker %d %s: %w", m.index, how, m.why)
}

func (m *recruit) tell(o order) error {
	if err := m.out.Encode(o); err != nil {
		return fmt.Errorf("worker %d has gone: %w", m.index, err)
	}
	return nil
}

// hear waits for a report that is no news of the run before.
func (m *recruit) hear(ctx context.Context) (report, error) {
	timer := time.NewTimer(answerIn)
	defer timer.Stop()
	for {
		select {
		case r, ok := <-m.reports:
			switch {
			case !ok:
				return r, m.end("has gone")
			case r.Error != "":
				return r, fmt.Errorf("worker %d: %s", m.index, r.Error)
			case r.Clock != nil || r.Ready != "":
				return r, nil
			}
		case <-timer.C:
			return report{}, fmt.Errorf("worker %d did not answer within %v", m.index, answerIn)
		case <-ctx.Done():
			return report{}, context.Cause(ctx)
		}
	}
}

// synchronize finds out how far the worker's clock is ahead of this one, by Cristian's method: of many round trips the shortest
// says most, and is wrong by half its length at most. Processes of one machine share a clock.
func (m *recruit) synchronize(ctx context.Context) (bound time.Duration, err error) {
	for i := range clockTrips {
		began := time.Now()
		if err := m.tell(order{Clock: true}); err != nil {
			return 0, err
		}
		r, err := m.hear(ctx)
		if err != nil {
			return 0, err
		}
		if r.Clock == nil {
			return 0, fmt.Errorf("worker %d did not say what time it is", m.index)
		}
		if m.near = r.Clock.Machine != "" && r.Clock.Machine == machineID(); m.near {
			return 0, nil
		}
		trip := time.Since(began)
		if half := trip / 2; i == 0 || half < bound {
			bound, m.offset = half, time.Duration(r.Clock.Now-began.Add(half).UnixNano())
		}
	}
	return bound, nil
}

// muster readies the workers for a run and sets its epoch.
func (f *fleet) muster(ctx context.Context, st *stage, s *scenario.Scenario, a *account.Account, run string) (schedule string, err error) {
	for _, m := range f.members {
		err := m.tell(order{Task: &task{
			File: s.Name + ".yaml", YAML: s.YAML(), Sets: s.Sets(), Run: run, Index: m.index, Workers: len(f.members), Address: st.address,
			Results: f.record != nil,
		}})
		if err != nil {
			return "", err
		}
	}
	for _, m := range f.members {
		r, err := m.hear(ctx)
		if err != nil {
			return "", err
		}
		schedule = r.Ready
	}
	clear(f.lives)
	f.account = a
	f.epoch = time.Now().Add(headStart)
	return schedule, nil
}

// absence is a worker of whose share the end is missing.
type absence struct {
	worker int
	from   time.Duration // 0 if all is
	why    error
}

// send implements force. Whoever ends before its time is among those who are missing; that is an error unless ctx had ended.
func (f *fleet) send(ctx context.Context, halt <-chan struct{}) (sendings, error) {
	all := sendings{faults: map[string]uint64{}}
	working, give := context.WithCancel(context.WithoutCancel(ctx))
	defer give()
	type ended struct {
		m   *recruit
		end *done
		err error
	}
	ends := make(chan ended)
	for _, m := range f.members {
		go func() {
			end, err := f.follow(working, m)
			ends <- ended{m, end, err}
		}()
	}
	f.tellAll(order{Start: f.epoch.UnixNano()})
	var problem error
	interrupted := ctx.Done()
	var late <-chan time.Time
	for range f.members {
		for waiting := true; waiting; {
			select {
			case e := <-ends:
				waiting = false
				var until time.Duration
				if e.end != nil {
					if err := all.add(e.end, e.m.near); err == nil {
						until = e.end.At
					} else {
						e.err = cmp.Or(e.err, fmt.Errorf("worker %d: %w", e.m.index, err))
					}
				}
				if e.err == nil {
					continue
				}
				e.m.lost = true
				all.missing = append(all.missing, absence{e.m.index, until, e.err})
				if problem != nil {
					problem = fmt.Errorf("%w; %w", problem, e.err)
					continue
				}
				problem = e.err
				f.tellAll(order{End: aborting}) // it is not the load that was asked for any more
			case <-halt:
				halt = nil
				f.tellAll(order{End: halting})
			case <-interrupted:
				interrupted, late = nil, time.After(2*grace)
				f.tellAll(order{End: aborting})
			case <-late:
				give()
			}
		}
	}
	if len(all.missing) == 0 && ctx.Err() == nil {
		// Who goes now has told all.
		var err error
		if all.apart, err = f.drift(ctx); err != nil {
			all.adrift = "the clocks of the workers could not be compared again after the run: " + err.Error()
		}
	}
	if ctx.Err() != nil {
		problem = nil // whoever ended the run may have ended workers before
	}
	return all, problem
}

// drift looks at the clocks again after a run, and returns how far they may be apart by then, as the run took them to be.
func (f *fleet) drift(ctx context.Context) (apart time.Duration, err error) {
	for _, m := range f.members {
		before := m.offset
		bound, err := m.synchronize(ctx)
		if err != nil {
			return 0, err
		}
		apart = max(apart, bound+(m.offset-before).Abs())
	}
	f.bound = max(f.bound, apart)
	return apart, nil
}

// tellAll tells all the same. Those who have gone need not hear it: whoever follows them knows.
func (f *fleet) tellAll(o order) {
	for _, m := range f.members {
		mine := o
		if o.Start != 0 {
			mine.Start += int64(m.offset)
		}
		_ = m.tell(mine)
	}
}

// follow listens to a worker until it is done. With an error it returns what the worker told last of what it did; nil if nothing.
func (f *fleet) follow(ctx context.Context, m *recruit) (sum *done, err error) {
	silence := time.NewTimer(answerIn)
	defer silence.Stop()
	for {
		select {
		case r, ok := <-m.reports:
			silence.Reset(answerIn)
			switch {
			case !ok:
				return sum, m.end("ended in the middle of the run")
			case r.Error != "":
				return sum, fmt.Errorf("worker %d: %s", m.index, r.Error)
			case r.Live != nil:
				f.mu.Lock()
				f.lives[m.index] = *r.Live
				f.mu.Unlock()
			case r.Gone != nil:
				for _, d := range r.Gone {
					d.Source = m.index
					f.account.Depart(d)
				}
			case r.Results != nil:
				if err := f.keep(r.Results, m.offset); err != nil {
					return sum, fmt.Errorf("worker %d: results: %w", m.index, err)
				}
			case r.SoFar != nil:
				sum = r.SoFar
			case r.Done != nil:
				return r.Done, nil
			}
		case <-silence.C:
			return sum, fmt.Errorf("worker %d said nothing for %v in the middle of the run", m.index, answerIn)
		case <-ctx.Done():
			return sum, fmt.Errorf("worker %d did not end in time", m.index)
		}
	}
}

// keep hands on results, with times of this clock.
func (f *fleet) keep(encoded []byte, offset time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for decode := vegeta.NewDecoder(bytes.NewReader(encoded)); f.record != nil; {
		var r vegeta.Result
		if err := decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		r.Timestamp = r.Timestamp.Add(-offset)
		f.record(&r)
	}
	return nil
}

// add adds what a worker did.
func (s *sendings) add(d *done, near bool) error {
	share := new(account.Share)
	if err := share.UnmarshalBinary(d.Share); err != nil {
		return err
	}
	s.shares = append(s.shares, share)
	for words, n := range d.Faults {
		s.faults[words] += n
	}
	s.callers = max(s.callers, d.Callers)
	if near {
		s.cpu += d.CPU
	}
	return nil
}

// live implements force.
func (f *fleet) live() (sum account.Live) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.lives {
		sum.Sent, sum.Acked, sum.Refused, sum.Unknown, sum.Left = sum.Sent+l.Sent, sum.Acked+l.Acked, sum.Refused+l.Refused, sum.Unknown+l.Unknown, sum.Left+l.Left
	}
	return sum
}

// dismiss ends the workers, all at once: one that hangs takes its time.
func (f *fleet) dismiss() error {
	ends := make([]error, len(f.members))
	var wg sync.WaitGroup
	for i, m := range f.members {
		wg.Go(func() {
			close(m.gone)
			if err := m.stream.Close(); !m.lost {
				ends[i] = err
			}
			for range m.reports { // until its listener has ended
			}
		})
	}
	wg.Wait()
	return errors.Join(ends...)
}
