package loadgen

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/sequitur-dev/sequitur/loadgen/account"
	"github.com/sequitur-dev/sequitur/loadgen/scenario"
	"github.com/sequitur-dev/sequitur/reports/load"
)

// asWorker in the environment makes a worker of this program.
const asWorker = "LOADGEN_TEST_WORKER"

// stdio is the way to whoever started this process.
type stdio struct{}

func (stdio) Read(b []byte) (int, error)  { return os.Stdin.Read(b) }
func (stdio) Write(b []byte) (int, error) { return os.Stdout.Write(b) }
func (stdio) Close() error                { return os.Stdin.Close() }

func workerMain() {
	var stream io.ReadWriteCloser = stdio{}
	if kind := os.Getenv(asWorker); kind != "works" {
		stream = &failing{ReadWriteCloser: stream, kind: kind}
	}
	if err := Work(context.Background(), stream); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// failing is the way of a worker that fails as its kind says.
type failing struct {
	io.ReadWriteCloser
	kind         string
	tasks, sofar int
	orders       *json.Decoder // of a worker with another clock
	told         bytes.Buffer
}

func (f *failing) Read(b []byte) (int, error) {
	if f.kind != otherClock {
		return f.ReadWriteCloser.Read(b)
	}
	if f.orders == nil {
		f.orders = json.NewDecoder(f.ReadWriteCloser)
	}
	if f.told.Len() == 0 {
		var o order
		if err := f.orders.Decode(&o); err != nil {
			return 0, err
		}
		if o.Start != 0 {
			o.Start -= int64(time.Hour)
		}
		if err := json.NewEncoder(&f.told).Encode(o); err != nil {
			return 0, err
		}
	}
	return f.told.Read(b)
}

// The kinds.
const (
	dies         = "dies"              // as soon as it has begun
	diesLater    = "dies later"        // when it has told once what it did so far, and some more
	diesTheThird = "dies in its third" // run
	neverDone    = "is never done"     // or does not say so
	goesAfter    = "goes after it has done"
	otherClock   = "has a clock of its own" // an hour ahead
)

func (f *failing) Write(b []byte) (int, error) {
	is := func(what string) bool { return bytes.HasPrefix(b, []byte(`{"`+what+`"`)) }
	if is("ready") {
		f.tasks++
	}
	if is("soFar") {
		f.sofar++
	}
	switch f.kind {
	case otherClock:
		var r report
		if err := json.Unmarshal(b, &r); err != nil {
			return 0, err
		}
		if r.Clock != nil {
			r.Clock.Now, r.Clock.Machine = r.Clock.Now+int64(time.Hour), "another"
			return len(b), json.NewEncoder(f.ReadWriteCloser).Encode(r)
		}
	case dies:
		if is("live") {
			os.Exit(3)
		}
	case diesLater:
		if f.sofar > 0 && is("live") {
			if f.sofar++; f.sofar > 3 {
				os.Exit(3)
			}
		}
	case diesTheThird:
		if f.tasks == 3 && is("live") {
			os.Exit(3)
		}
	case neverDone:
		if is("done") {
			return len(b), nil
		}
	}
	n, err := f.ReadWriteCloser.Write(b)
	if f.kind == goesAfter && is("done") {
		os.Exit(3)
	}
	return n, err
}

// process is a worker in a process of its own.
type process struct {
	io.WriteCloser
	io.Reader
	cmd *exec.Cmd
}

func (p process) Close() error { return errors.Join(p.WriteCloser.Close(), p.cmd.Wait()) }

// processes start workers; kinds[index] is how each behaves.
func processes(t *testing.T, kinds map[int]string) Starter {
	return func(_ context.Context, index int) (io.ReadWriteCloser, error) {
		cmd := exec.Command(os.Args[0])
		kind := kinds[index]
		if kind == "" {
			kind = "works"
		}
		cmd.Env = append(os.Environ(), asWorker+"="+kind)
		cmd.Stderr = t.Output()
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		return process{in, out, cmd}, cmd.Start()
	}
}

// faulty is a scenario with failures, sizes and keys by the numbers of the events, so that all are the same for one sender and for
// several.
func faulty(t *testing.T) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Load("dead-letter", "arrival.rate=400", "arrival.shape=poisson", "warmUp=500ms", "duration=1500ms", "events.keys={count: 7}",
		"events.size={uniform: [10B, 4KiB]}", "slo=[lost == 0]")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Three processes send the same schedule as one, and account for it exactly as that does.
func TestWorkersAreAsOne(t *testing.T) {
	s := faulty(t)
	measured := func(workers int) (*measurement, *load.Result, []vegeta.Result) {
		var raw bytes.Buffer
		o := Options{Workers: workers, Start: processes(t, nil), results: newResults(&raw)}
		if workers > 0 {
			var err error
			if o.fleet, err = enlist(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := o.fleet.dismiss(); err != nil {
					t.Error(err)
				}
			}()
		}
		st, err := openStage(t.Context(), embedded(t), s, o, "")
		if err != nil {
			t.Fatal(err)
		}
		m, err := st.measure(t.Context(), s, o, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := st.close(t.Context()); err != nil {
			t.Error(err)
		}
		var results []vegeta.Result
		for decode := vegeta.NewDecoder(&raw); ; {
			var r vegeta.Result
			if err := decode(&r); errors.Is(err, io.EOF) {
				return m, m.result(o), results
			} else if err != nil {
				t.Fatal(err)
			}
			results = append(results, r)
		}
	}
	single, one, _ := measured(0)
	m, three, raw := measured(3)
	if one.Events.DeadLettered == 0 || one.Events.Delivered == 0 || one.Events.Lost > 0 {
		t.Fatalf("one process: %+v", one.Events)
	}
	// The order in which receipts come is the machine's affair.
	one.Events.Reordered, three.Events.Reordered = 0, 0
	if one.Events != three.Events {
		t.Errorf("events\none   %+v\nthree %+v", one.Events, three.Events)
	}
	for i, a := range one.Receivers {
		b := three.Receivers[i]
		if a.Receipts != b.Receipts || a.Accepted != b.Accepted || a.Delivered != b.Delivered || !reflect.DeepEqual(a.Attempts, b.Attempts) || !reflect.DeepEqual(a.Failed, b.Failed) {
			t.Errorf("receiver %s\none   %+v\nthree %+v", a.Name, a, b)
		}
		if a.Kind != string(account.DeadLetter) && a.Delivery.Count != b.Delivery.Count {
			t.Errorf("receiver %s: %d and %d latencies", a.Name, a.Delivery.Count, b.Delivery.Count)
		}
	}
	for i := range one.Series {
		if i < len(three.Series) && one.Series[i].Offered != three.Series[i].Offered {
			t.Errorf("interval %d: %d and %d events were due", i, one.Series[i].Offered, three.Series[i].Offered)
		}
	}
	if one.Ack.Count != three.Ack.Count || one.Delivery.Count != three.Delivery.Count || one.Generator.Lateness.Count != three.Generator.Lateness.Count {
		t.Errorf("%d and %d acknowledgements, %d and %d deliveries timed", one.Ack.Count, three.Ack.Count, one.Delivery.Count, three.Delivery.Count)
	}
	if n := m.judged.Typical.Events; n == 0 || n != single.judged.Typical.Events || m.judged.Untimed != 0 {
		t.Errorf("%d events are taken apart and %d receipts are in no latency; of one process %d and 0", n, m.judged.Untimed, single.judged.Typical.Events)
	}
	if three.Run.Workers != 3 || three.Run.ClockBound != 0 || three.Run.Schedule != one.Run.Schedule {
		t.Errorf("run %+v", three.Run)
	}
	if len(raw) != int(three.Events.Sent) {
		t.Errorf("%d results of %d requests", len(raw), three.Events.Sent)
	}
	quantilesAgree(t, m, raw)
}

// quantilesAgree compares the merged histogram with the time of every single request, as the results have it.
func quantilesAgree(t *testing.T, m *measurement, raw []vegeta.Result) {
	t.Helper()
	sums := m.judged.Ack
	var times []time.Duration
	epoch := raw[0].Timestamp
	for _, r := range raw {
		if r.BytesOut < 10 || r.BytesOut > 4<<10 {
			t.Errorf("a request of %d bytes", r.BytesOut)
		}
		if r.Timestamp.Before(epoch) {
			epoch = r.Timestamp
		}
	}
	first := earliest(m)
	for _, r := range raw {
		if r.Timestamp.Sub(epoch)+first >= m.scenario.WarmUp {
			times = append(times, r.Latency)
		}
	}
	slices.Sort(times)
	if int(sums.TotalCount()) != len(times) {
		t.Fatalf("%d acknowledgements are in the histogram, %d results", sums.TotalCount(), len(times))
	}
	for _, q := range []float64{1, 10, 25, 50, 75, 90, 99} {
		rank := max(1, int(q/100*float64(len(times))+0.5)) // as the histogram counts
		exact := float64(times[rank-1].Microseconds())
		got := float64(sums.ValueAtPercentile(q))
		if math.Abs(got-exact) > exact*0.001+1 {
			t.Errorf("p%v: %v µs in the histogram, %v µs exactly", q, got, exact)
		}
	}
}

// earliest is when the first event was due.
func earliest(m *measurement) time.Duration {
	sched, err := newSchedule(m.scenario)
	if err != nil {
		return 0
	}
	due, _ := sched.due(0)
	return due
}

// What is known when a worker dies is told, and nothing that is not.
func TestAWorkerThatDies(t *testing.T) {
	s, err := faulty(t).With("duration=5s")
	if err != nil {
		t.Fatal(err)
	}
	for kind, missing := range map[string]string{dies: "its share is missing altogether", diesLater: "its share is missing from "} {
		t.Run(kind, func(t *testing.T) {
			r, err := Run(t.Context(), embedded(t), s, Options{Workers: 3, Start: processes(t, map[int]string{1: kind})})
			if err == nil || err.Error() != "worker 1 ended in the middle of the run" {
				t.Fatalf("error %v", err)
			}
			if r == nil || r.Verdict != load.Invalid || r.Reason != err.Error() || !r.Run.Interrupted {
				t.Fatalf("the result is %+v", r)
			}
			notes := strings.Join(r.Notes, "\n")
			if !strings.Contains(notes, err.Error()+"; "+missing) || !strings.Contains(notes, "the objectives are not judged") || len(r.Objectives) > 0 {
				t.Errorf("notes %s\nobjectives %v", notes, r.Objectives)
			}
			e := r.Events
			if e.Lost+e.NeverSent+e.WrongFanOut+e.Duplicated+e.Unknown > 0 {
				t.Errorf("the target is blamed: %+v", e)
			}
			if e.Sent != e.Acked+e.Unanswered || e.Acked != e.Delivered+e.DeadLettered || e.Unanswered != e.Recovered+e.Vanished {
				t.Errorf("it does not add up: %+v", e)
			}
			if cpu := r.Generator.CPU; cpu > 1 {
				t.Errorf("%v of the machine's CPU", cpu)
			}
			if kind == diesLater {
				if e.Unanswered == 0 || e.Acked < 300 || r.Run.Duration < 0.4 || r.Run.Duration >= 5 {
					t.Errorf("measured for %v s: %+v", r.Run.Duration, e)
				}
				if asked := r.Generator.Asked; asked < 300 { // without its share it were two thirds of 400
					t.Errorf("%v/s were asked until then", asked)
				}
			}
			for _, i := range r.Series {
				if i.Start+i.Seconds > r.Run.WarmUp+r.Run.Duration+1e-9 {
					t.Errorf("an interval from %v s on, without what worker 1 did", i.Start)
				}
			}
		})
	}
}

// Of what others sent before a worker died, what comes late is awaited, and what never comes is lost.
func TestOthersAreAwaitedWhenAWorkerDies(t *testing.T) {
	const none = 1 << 20
	for name, c := range map[string]struct{ late, never uint64 }{
		"the last is late": {125, none}, // fewer than came of what worker 1 did not tell
		"one never comes":  {none, 42},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRelay(t, func(source int, seq uint64) (f fate) {
				if source == 0 && seq >= c.late {
					f.after = 700 * time.Millisecond
				}
				f.swallowed = source == 0 && seq == c.never
				return f
			})
			m, result, _ := r.run(t, processes(t, map[int]string{1: diesLater}), "arrival.rate=200", "duration=1h", "drain=1500ms")
			e, lost := result.Events, result.Receivers[0].Lost
			if m.fatal == nil || e.Delivered < 150 || e.NeverSent > 0 || e.Unanswered == 0 {
				t.Errorf("%v, events %+v", m.fatal, e)
			}
			if c.never == none && lost != nil {
				t.Errorf("lost %+v", lost)
			}
			if want := (load.Range{Source: 0, First: c.never, Last: c.never}); c.never != none && (lost == nil || len(lost.Ranges) != 1 || lost.Ranges[0] != want) {
				t.Errorf("lost %+v, want %+v", lost, want)
			}
		})
	}
}

// deaf is standard input and output: closing them ends no reading.
type deaf struct{ io.ReadWriteCloser }

func (deaf) Close() error { return nil }

// A worker that is ended from outside has not done its share, even if it is able to say what it did.
func TestAWorkerThatIsToldToEnd(t *testing.T) {
	s, err := faulty(t).With("duration=5s")
	if err != nil {
		t.Fatal(err)
	}
	for name, way := range map[string]func(net.Conn) io.ReadWriteCloser{
		"connection": func(c net.Conn) io.ReadWriteCloser { return c }, "streams": func(c net.Conn) io.ReadWriteCloser { return deaf{c} },
	} {
		t.Run(name, func(t *testing.T) {
			terminated, terminate := context.WithCancel(t.Context())
			defer terminate()
			var workers sync.WaitGroup
			defer workers.Wait()
			start := func(_ context.Context, index int) (io.ReadWriteCloser, error) {
				here, there := net.Pipe()
				ctx := t.Context()
				if index == 1 {
					ctx = terminated
				}
				workers.Go(func() {
					if err := Work(ctx, way(there)); err != nil {
						t.Error(err)
					}
				})
				return here, nil
			}
			r, err := Run(t.Context(), embedded(t), s, Options{Workers: 2, Start: start, Watch: func(l Live) {
				if l.Elapsed > 800*time.Millisecond {
					terminate()
				}
			}})
			if err == nil || err.Error() != "worker 1: it was told to end in the middle of the run" || r == nil || r.Verdict != load.Invalid {
				t.Fatalf("error %v, result %+v", err, r)
			}
			if e := r.Events; e.Sent < 200 || e.Sent != e.Acked+e.Unanswered || e.Lost+e.NeverSent > 0 || len(r.Objectives) > 0 {
				t.Errorf("events %+v, objectives %v", e, r.Objectives)
			}
			if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, "its share is missing from ") {
				t.Errorf("notes %s", notes)
			}
		})
	}
}

// A worker whose clock differs sends when it should, and what it sends is timed as that of others.
func TestAWorkerWithAnotherClock(t *testing.T) {
	s, err := faulty(t).With("slo=[]")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), embedded(t), s, Options{Workers: 2, Start: processes(t, map[int]string{1: otherClock})})
	if err != nil {
		t.Fatal(err)
	}
	e := r.Events
	if e.Sent == 0 || e.Sent != e.Acked || e.Acked != e.Delivered+e.DeadLettered || e.NeverSent+e.Lost > 0 {
		t.Errorf("events %+v", e)
	}
	if b := r.Run.ClockBound; b <= 0 || b > 1 {
		t.Errorf("the clocks are within %v s", b)
	}
	if r.Delivery.Count == 0 || r.Delivery.Max > 60 || r.Ack.Max > 60 || r.Generator.Lateness.Max > 60 {
		t.Errorf("delivery %+v, ack %+v, lateness %+v", r.Delivery, r.Ack, r.Generator.Lateness)
	}
	for _, i := range r.Series {
		if i.Start > 60 {
			t.Fatalf("an interval at %v s", i.Start)
		}
	}
}

// Runs before the one in which a worker dies are told.
func TestAWorkerThatDiesAmongSeveralRuns(t *testing.T) {
	start := processes(t, map[int]string{0: diesTheThird})
	brief := func(sets ...string) *scenario.Scenario {
		s, err := scenario.Load("direct", append([]string{"warmUp=0s", "duration=500ms", "arrival.rate=50", "slo=[lost == 0]"}, sets...)...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, c := range map[string]struct {
		s       *scenario.Scenario
		o       Options
		error   string
		reasons func(*load.Result) []string
	}{
		"repeated": {brief(), Options{Repeat: 4}, "run 3 of 4: worker 0 ended in the middle of the run", func(r *load.Result) (list []string) {
			for _, t := range r.Repeats {
				list = append(list, t.Reason)
			}
			return list
		}},
		"swept": {brief("sweep=arrival.rate=50,51,52,53"), Options{}, "arrival.rate=52: worker 0 ended in the middle of the run", func(r *load.Result) (list []string) {
			for _, p := range r.Sweep.Points {
				list = append(list, p.Reason)
			}
			return list
		}},
		"searched": {brief(), Options{FindMax: true}, "worker 0 ended in the middle of the run", func(r *load.Result) (list []string) {
			for _, t := range r.Search.Trials {
				list = append(list, t.Reason)
			}
			return append(list, r.Reason)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.Workers, c.o.Start = 2, start
			r, err := Run(t.Context(), embedded(t), c.s, c.o)
			if err == nil || err.Error() != c.error || r == nil || r.Verdict != load.Invalid || r.Reason != c.error {
				t.Fatalf("error %v, result %+v", err, r)
			}
			reasons := c.reasons(r) // a busy machine may give the first ones some of their own
			if len(reasons) != 3 || strings.Contains(reasons[0]+reasons[1], "worker") || !strings.Contains(reasons[2], "worker 0 ended") {
				t.Errorf("reasons %q", reasons)
			}
		})
	}
}

// A worker that says nothing any more has gone, whatever became of the way to it.
func TestAWorkerThatFallsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		m := newRecruit(7, here)
		f := &fleet{members: []*recruit{m}, lives: make([]account.Live, 8)}
		told := make(chan error, 1)
		go func() { told <- json.NewEncoder(there).Encode(report{SoFar: &done{At: time.Second}}) }()
		began := time.Now()
		sum, err := f.follow(t.Context(), m)
		if err == nil || err.Error() != "worker 7 said nothing for 20s in the middle of the run" || sum == nil || sum.At != time.Second || time.Since(began) != answerIn {
			t.Errorf("after %v %v, %+v", time.Since(began), err, sum)
		}
		if err := <-told; err != nil {
			t.Error(err)
		}
		if err := f.dismiss(); err != nil {
			t.Error(err)
		}
	})
}

// A worker that goes when it has told all takes nothing away from the result.
func TestAWorkerThatGoesAfterTheRun(t *testing.T) {
	s, err := scenario.Load("direct", "warmUp=0s", "duration=300ms", "arrival.rate=50", "slo=[lost == 0]")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), embedded(t), s, Options{Workers: 2, Start: processes(t, map[int]string{1: goesAfter})})
	if err == nil || r == nil || r.Verdict == load.Invalid && !strings.HasPrefix(r.Reason, "the generator") || len(r.Objectives) != 1 || !r.Objectives[0].Met || r.Events.Delivered != 15 {
		t.Fatalf("error %v, result %+v", err, r)
	}
	if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, "could not be compared again after the run: worker 1 has gone") {
		t.Errorf("notes %s", notes)
	}
}

// interrupted is a run of two workers that is interrupted once that is wanted; the workers named by index misbehave.
func interrupted(t *testing.T, faults map[int]string, wanted func(Live) bool) *load.Result {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := faulty(t).With("duration=1h")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(ctx, embedded(t), s, Options{Workers: 2, Start: processes(t, faults), Watch: func(l Live) {
		if wanted(l) {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A worker that does not end in time keeps nobody who interrupts.
func TestWorkersInterruptedThatDoNotEnd(t *testing.T) {
	r := interrupted(t, map[int]string{1: neverDone}, func(l Live) bool { return l.Elapsed > 1300*time.Millisecond })
	if e := r.Events; r.Verdict != load.Interrupted || e.Sent < 50 || e.Lost+e.NeverSent > 0 || len(r.Objectives) > 0 {
		t.Errorf("%s: %s, %+v, objectives %v", r.Verdict, r.Reason, e, r.Objectives)
	}
	if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, "worker 1 did not end in time; its share is missing") {
		t.Errorf("notes %s", notes)
	}
}

func TestWorkersInterrupted(t *testing.T) {
	r := interrupted(t, nil, func(l Live) bool { return l.Sent > 50 })
	if e := r.Events; r.Verdict != load.Interrupted || e.Sent < 50 || e.Lost != 0 {
		t.Errorf("%s: %s, %+v", r.Verdict, r.Reason, e)
	}
}

func TestWorkersThatDoNotFit(t *testing.T) {
	start := func(context.Context, int) (io.ReadWriteCloser, error) { return nil, errors.New("no more processes") }
	for sets, want := range map[string]string{
		"driver=window=5": "a window is kept by one process",
		"driver=closed=2": "3 workers share the 2 callers of closed=2",
		"":                "worker 0: no more processes",
	} {
		s, err := scenario.Load("direct", strings.Fields(sets)...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Run(t.Context(), embedded(t), s, Options{Workers: 3, Start: start}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", sets, err, want)
		}
	}
}

// A worker tells what is wrong with its task, and takes another one.
func TestWorkerWithABadTask(t *testing.T) {
	here, there := net.Pipe()
	over := make(chan error, 1)
	go func() { over <- Work(t.Context(), there) }()
	m := newRecruit(0, here)
	if err := m.tell(order{Task: &task{File: "x.yaml", YAML: []byte("topology: 3"), Workers: 1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.hear(t.Context()); err == nil || !strings.Contains(err.Error(), "x.yaml:1: topology") {
		t.Errorf("got %v", err)
	}
	if bound, err := m.synchronize(t.Context()); err != nil || bound != 0 || !m.near {
		t.Errorf("clock within %v, near %v: %v", bound, m.near, err)
	}
	if err := (&fleet{members: []*recruit{m}}).dismiss(); err != nil {
		t.Error(err)
	}
	if err := <-over; err != nil {
		t.Error(err)
	}
}

// The clock of a worker on another machine is known as well as the shortest trip tells, and what it drifts meanwhile counts.
func TestClocksOfOtherMachines(t *testing.T) {
	here, there := net.Pipe()
	ahead := time.Hour
	over := make(chan error, 1)
	go func() {
		in, out := json.NewDecoder(there), json.NewEncoder(there)
		for n := 1; ; n++ {
			var o order
			if err := in.Decode(&o); err != nil {
				over <- err
				return
			}
			if n > clockTrips { // the second time
				ahead = time.Hour + time.Minute
			}
			if err := out.Encode(report{Clock: &clock{Now: time.Now().Add(ahead).UnixNano(), Machine: "another"}}); err != nil {
				over <- err
				return
			}
		}
	}()
	m := newRecruit(0, here)
	f := &fleet{members: []*recruit{m}}
	bound, err := m.synchronize(t.Context())
	if wrong := (m.offset - time.Hour).Abs(); err != nil || m.near || bound <= 0 || wrong > bound {
		t.Errorf("near %v, %v ahead within %v: %v", m.near, m.offset, bound, err)
	}
	apart, err := f.drift(t.Context())
	if err != nil || apart < time.Minute-bound || apart > 2*time.Minute {
		t.Errorf("after a minute's drift %v apart: %v", apart, err)
	}
	if f.bound != apart {
		t.Errorf("the bound is %v, want %v", f.bound, apart)
	}
	if err := f.dismiss(); err != nil {
		t.Error(err)
	}
	if err := <-over; !errors.Is(err, io.EOF) {
		t.Errorf("the worker's end of the stream: %v", err)
	}
}

// relay is a target for other processes: it takes events at an address of its own, and hands them on to the first receiver of a stage.
type relay struct {
	*httptest.Server
	base   atomic.Pointer[string]
	fate   func(source int, seq uint64) fate
	client *http.Client
	errand sync.WaitGroup
}

// fate is what becomes of an event: handed on after a time, or never, and answered or not.
type fate struct {
	after      time.Duration
	swallowed  bool
	unanswered bool
}

func newRelay(t *testing.T, of func(source int, seq uint64) fate) *relay {
	r := &relay{fate: of, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(func() {
		r.Close()
		r.errand.Wait()
		r.client.CloseIdleConnections()
	})
	return r
}

func (r *relay) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	if _, err := io.Copy(io.Discard, in.Body); err != nil {
		return // the sender has gone
	}
	id := in.Header.Get(headerID)
	source, seq, _ := parseID([]byte(id), id[:8])
	f := r.fate(source, seq)
	if !f.swallowed {
		r.errand.Go(func() {
			timer := time.NewTimer(f.after)
			defer timer.Stop()
			<-timer.C
			out, err := http.NewRequest(http.MethodPost, *r.base.Load()+"/sink", http.NoBody)
			if err != nil {
				return
			}
			out.Header = in.Header.Clone()
			if answer, err := r.client.Do(out); err == nil {
				answer.Body.Close()
			}
		})
	}
	if f.unanswered {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusAccepted)
}

// run measures a scenario whose events two workers send to the relay.
func (r *relay) run(t *testing.T, start Starter, sets ...string) (*measurement, *load.Result, Live) {
	t.Helper()
	var last Live
	o := Options{Workers: 2, Start: start, Watch: func(l Live) { last = l }}
	var err error
	if o.fleet, err = enlist(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := o.fleet.dismiss(); err != nil {
			t.Error(err)
		}
	}()
	s := scenarioOf(t, append([]string{"topology.to=" + r.URL, "warmUp=0s", "duration=1s"}, sets...)...)
	st, err := openStage(t.Context(), embedded(t), s, o, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	r.base.Store(&st.receivers.base)
	m, err := st.measure(t.Context(), s, o, "")
	if m == nil {
		t.Fatal(err)
	}
	return m, m.result(o), last
}

// An event whose request fails without an answer, and that comes after all, leaves once.
func TestWorkersCountAnEventOnce(t *testing.T) {
	r := newRelay(t, func(_ int, seq uint64) fate {
		return fate{unanswered: seq%5 == 0, after: time.Duration(seq%10) * 4 * time.Millisecond, swallowed: seq%10 == 1}
	})
	m, result, live := r.run(t, processes(t, nil), "arrival.rate=200", "drain=300ms")
	e := result.Events
	if e.Sent != 200 || e.Unknown != 40 || e.Recovered != 40 || e.Lost != 20 {
		t.Fatalf("the run shows too little: %+v", e)
	}
	if flying := m.judged.Series[len(m.judged.Series)-1].InFlight; flying != e.Lost || live.InFlight != e.Lost {
		t.Errorf("%d lost, and %d are in flight at the end, live %d", e.Lost, flying, live.InFlight)
	}
}

// What workers send at the very end is waited for, too.
func TestWorkersLastEventsAreAwaited(t *testing.T) {
	r := newRelay(t, func(_ int, seq uint64) fate {
		if seq < 95 {
			return fate{}
		}
		return fate{after: 500 * time.Millisecond}
	})
	_, result, _ := r.run(t, processes(t, nil), "arrival.rate=200", "drain=5s")
	if e := result.Events; e.Sent != 200 || e.Delivered != 200 || e.Lost != 0 {
		t.Errorf("events %+v", e)
	}
}
