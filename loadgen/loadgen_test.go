package loadgen

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"go.uber.org/goleak"

	"github.com/sequitur-dev/sequitur/fixtures/api"
	"github.com/sequitur-dev/sequitur/fixtures/reference"
	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/loadgen/scenario"
	"github.com/sequitur-dev/sequitur/reports/load"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(asWorker) != "":
		workerMain()
	case os.Getenv(asEndpoint) != "":
		endpointMain()
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1")) // the clock of the library, one for good
}

func embedded(t testing.TB) target.Target {
	t.Helper()
	e, err := target.NewEmbedded(reference.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// drive measures a scenario and returns what was measured beside its report.
func drive(ctx context.Context, t testing.TB, at target.Target, s *scenario.Scenario) (*measurement, *load.Result) {
	t.Helper()
	st, err := openStage(ctx, at, s, Options{}, "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := st.measure(ctx, s, Options{}, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := st.close(ctx); err != nil {
		t.Error(err)
	}
	return m, m.result(Options{})
}

// above is the share of a histogram above a time.
func above(h *hdrhistogram.PackedHistogram, limit time.Duration) float64 {
	low, high := 0.0, 100.0
	for range 30 {
		if q := (low + high) / 2; h.ValueAtPercentile(q) < limit.Microseconds() {
			low = q
		} else {
			high = q
		}
	}
	return 1 - high/100
}

// smaller makes of scenarios what a moment suffices for.
var smaller = map[string][]string{
	"payload-sweep": {"sweep=events.size=100B,1MiB"},
	"dead-letter":   {"receivers.second.failures.share=50%"},
	"fan-out-100":   {"topology.repeated[0].count=10", "receivers.sink.count=10"},
	"broker-filter": fewerTriggers(),
}

// fewerTriggers leaves one of ten: setting up a thousand takes far longer than the test.
func fewerTriggers() (sets []string) {
	for i, dialect := range []string{"legacy", "exact", "prefix", "suffix", "all", "any", "not", "sql"} {
		sets = append(sets, fmt.Sprintf("topology.repeated[%d].count=12", i), "receivers."+dialect+".count=12")
	}
	return sets
}

// Every built-in scenario is run for a moment, at a rate that a busy machine carries, and loses nothing.
func TestBuiltInScenarios(t *testing.T) {
	at := embedded(t)
	for _, name := range scenario.Names() {
		t.Run(name, func(t *testing.T) {
			s, err := scenario.Load(name, "warmUp=100ms", "duration=400ms", "arrival.rate=20", "slo=[lost == 0, unexpected == 0, duplicated == 0]")
			if err != nil {
				t.Fatal(err)
			}
			if more := smaller[name]; more != nil {
				if s, err = s.With(more...); err != nil {
					t.Fatal(err)
				}
			}
			r, err := Run(t.Context(), at, s, Options{})
			if err != nil {
				t.Fatal(err)
			}
			e := r.Events
			if e.Sent == 0 || e.Acked != e.Sent || e.Delivered+e.DeadLettered != e.Sent || e.Lost+e.NeverSent+e.WrongFanOut > 0 {
				t.Errorf("events %+v", e)
			}
			for _, o := range r.Objectives {
				if !o.Met {
					t.Errorf("%s: %s", o.Text, o.Value)
				}
			}
			if name == "dead-letter" && (e.DeadLettered == 0 || e.Delivered == 0) {
				t.Errorf("%d dead letters, %d delivered", e.DeadLettered, e.Delivered)
			}
			if name == "payload-sweep" && len(r.Sweep.Points) != 2 {
				t.Errorf("sweep %+v", r.Sweep)
			}
		})
	}
}

// While the target answers nobody for 2 s, a thousand events per second are due all the same. Those due in the first second of
// it waited for longer than a second: a quarter of the 4,000.
func TestNoCoordinatedOmission(t *testing.T) {
	f := newFake(t)
	f.answer = func(since time.Duration, _ uint64) int {
		if since > time.Second && since < 3*time.Second {
			timer := time.NewTimer(3*time.Second - since)
			defer timer.Stop()
			<-timer.C
		}
		return http.StatusAccepted
	}
	m, r := drive(t.Context(), t, f, scenarioOf(t, "topology.to=http://fake", "arrival.rate=1000", "warmUp=0s", "duration=4s"))
	if r.Events.Sent != 4000 || r.Events.Delivered != 4000 {
		t.Fatalf("events %+v", r.Events)
	}
	for name, h := range map[string]*hdrhistogram.PackedHistogram{"e2e": m.judged.Delivery, "ack": m.judged.Ack} {
		if longest := time.Duration(h.Max()) * time.Microsecond; longest < 1990*time.Millisecond {
			t.Errorf("%s: the longest took %v, want 2s or more", name, longest)
		}
		if share := above(h, time.Second); share < 0.24 {
			t.Errorf("%s: %.1f %% took longer than 1 s, want 25 %%", name, 100*share)
		}
	}
}

// The same with a receiver that stalls, at a target that waits for it.
func TestStallOfAReceiver(t *testing.T) {
	m, r := drive(t.Context(), t, embedded(t), scenarioOf(t, "receivers.sink.stall={at: 500ms, for: 2s}", "arrival.rate=1000", "warmUp=0s", "duration=3s"))
	if r.Events.Acked != 3000 || r.Events.Delivered != 3000 {
		t.Fatalf("events %+v", r.Events)
	}
	if longest := time.Duration(m.judged.Ack.Max()) * time.Microsecond; longest < 1990*time.Millisecond {
		t.Errorf("the longest took %v, want 2s or more", longest)
	}
	if share := above(m.judged.Ack, time.Second); share < 0.32 {
		t.Errorf("%.1f %% took longer than 1 s, want a third", 100*share)
	}
}

// A step of a known delay is in the latency as a whole, and in its own; every event of the plan is sent.
func TestKnownDelay(t *testing.T) {
	s, err := scenario.Load("sequence-3", "receivers.second.serviceTime=40ms", "arrival.rate=500", "warmUp=200ms", "duration=1s")
	if err != nil {
		t.Fatal(err)
	}
	m, r := drive(t.Context(), t, embedded(t), s)
	if r.Events.Sent != 600 || r.Events.Delivered != 600 {
		t.Fatalf("events %+v", r.Events)
	}
	if n := m.judged.Delivery.TotalCount(); n != 500 {
		t.Errorf("%d latencies, want those of the 500 events after the warm-up", n)
	}
	for name, shortest := range map[string]int64{"e2e": m.judged.Delivery.Min(), "service": m.at("second", true).Min()} {
		if shortest < 39_900 {
			t.Errorf("%s: the shortest took %d µs, want 40 ms or more", name, shortest)
		}
	}
}

func TestPlantedFaultsAreCountedExactly(t *testing.T) {
	f := newFake(t)
	f.plan = func(seq uint64) []uint64 {
		switch seq % 10_000 {
		case 2000:
			return nil // lost
		case 4000:
			return []uint64{seq, seq} // duplicated
		case 6000:
			return []uint64{seq + 1, seq} // swapped
		case 6001:
			return nil // went before
		}
		return []uint64{seq}
	}
	s := scenarioOf(t, "topology.to=http://fake", "driver=closed=16", "stop.events=30000", "warmUp=0s", "duration=5m", "drain=1s")
	_, r := drive(t.Context(), t, f, s)
	want := load.Events{Sent: 30000, Acked: 30000, Delivered: 29997, Lost: 3, Duplicated: 3, Reordered: 3}
	if r.Events != want {
		t.Errorf("got  %+v\nwant %+v", r.Events, want)
	}
	if got := fmt.Sprint(*r.Receivers[0].Lost, *r.Receivers[0].Duplicated); got != "{3 [{0 2000 2000} {0 12000 12000} {0 22000 22000}] 0} {3 [{0 4000 4000} {0 14000 14000} {0 24000 24000}] 0}" {
		t.Errorf("listed are %s", got)
	}
}

func TestRefusedEvents(t *testing.T) {
	f := newFake(t)
	f.answer = func(_ time.Duration, seq uint64) int {
		return []int{202, 429, 503, 400, 301}[min(4, seq%10)]
	}
	s := scenarioOf(t, "topology.to=http://fake", "driver=closed=4", "stop.events=1000", "warmUp=0s", "slo=[errors == 0]")
	_, r := drive(t.Context(), t, f, s)
	want := load.Events{Sent: 1000, Acked: 100, Throttled: 100, ServerErrors: 100, Refused: 700, Delivered: 100}
	if r.Events != want {
		t.Errorf("got  %+v\nwant %+v", r.Events, want)
	}
	if r.Verdict != load.Missed || r.Reason != "errors == 0 (900)" {
		t.Errorf("%s: %s", r.Verdict, r.Reason)
	}
	if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, "100 requests were answered or ended with: Too Many Requests") {
		t.Errorf("notes:\n%s", notes)
	}
}

// TestStepsThatAreNotReached: a load that was less than what the scenario is about says so.
func TestStepsThatAreNotReached(t *testing.T) {
	for _, c := range []struct{ last, want string }{
		{"400ms", ""},
		{"1s", "the step of 500/s was not reached: it begins after 1.1 s"},
	} {
		s := scenarioOf(t, "topology.to=http://fake", "arrival.rate=50", "arrival.shape=steps", "arrival.steps=[{for: 100ms, times: 2}, {for: "+c.last+", times: 1}, {for: 1s, times: 10}]",
			"duration=600ms", "warmUp=0s")
		_, r := drive(t.Context(), t, newFake(t), s)
		if notes := strings.Join(r.Notes, "\n"); (c.want == "") == strings.Contains(notes, "not reached") || !strings.Contains(notes, c.want) {
			t.Errorf("notes %q, want %q", notes, c.want)
		}
	}
}

// A window lets no more events be under way than it holds, at full speed.
func TestWindow(t *testing.T) {
	f := newFake(t)
	s := scenarioOf(t, "topology.to=http://fake", "driver=window=5", "stop.events=2000", "warmUp=0s")
	st, err := openStage(t.Context(), f, s, Options{}, "")
	if err != nil {
		t.Fatal(err)
	}
	most := uint64(0)
	m, err := st.measure(t.Context(), s, Options{Watch: func(l Live) { most = max(most, l.InFlight) }}, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := st.close(t.Context()); err != nil {
		t.Error(err)
	}
	r := m.result(Options{})
	if most == 0 || most > 5 {
		t.Errorf("%d events were in flight", most)
	}
	if r.Events.Delivered != 2000 || r.Run.Driver != "window 5" {
		t.Errorf("driver %s, events %+v", r.Run.Driver, r.Events)
	}
}

// What is lost keeps its place in the window only for a while.
func TestWindowOfLostEvents(t *testing.T) {
	f := newFake(t)
	f.plan = func(seq uint64) []uint64 {
		if seq < 3 {
			return nil
		}
		return []uint64{seq}
	}
	s := scenarioOf(t, "topology.to=http://fake", "driver=window=3", "stop.events=500", "warmUp=0s", "drain=200ms")
	_, r := drive(t.Context(), t, f, s)
	if e := r.Events; e.Sent != 500 || e.Lost != 3 || e.Delivered != 497 {
		t.Errorf("events %+v", e)
	}
}

// A run that is interrupted says what it saw until then, and calls nothing lost.
func TestInterruption(t *testing.T) {
	f := newFake(t)
	f.hang = func(seq uint64) bool { return seq > 50 }
	f.plan = func(seq uint64) []uint64 {
		if seq == 50 {
			return nil
		}
		return []uint64{seq}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := scenarioOf(t, "topology.to=http://fake", "arrival.rate=100", "warmUp=0s", "duration=1h", "slo=[lost == 0]")
	began := time.Time{}
	o := Options{Watch: func(l Live) {
		if l.Sent > 60 && began.IsZero() {
			began = time.Now()
			cancel()
		}
	}}
	r, err := Run(ctx, f, s, o)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v to end", took)
	}
	e := r.Events
	if r.Verdict != load.Interrupted || !r.Run.Interrupted || e.Delivered != 50 || e.UnderWay != 1 || e.Lost != 0 || e.Unanswered == 0 {
		t.Errorf("%s, events %+v", r.Verdict, e)
	}
}

// mortal is a target that can be lost.
type mortal struct {
	*fake
	dead chan struct{}
}

func (m *mortal) Alive(context.Context) error { return nil }

func (m *mortal) Lost(ctx context.Context) error {
	select {
	case <-m.dead:
		return errors.New("the lights are out")
	case <-ctx.Done():
		return nil
	}
}

// What was measured until the target was lost is told; what it did not bring any more is not lost by it.
func TestTargetThatIsLost(t *testing.T) {
	f := newFake(t)
	f.plan = func(seq uint64) []uint64 {
		if seq >= 50 {
			return nil
		}
		return []uint64{seq}
	}
	m := &mortal{fake: f, dead: make(chan struct{})}
	dead := sync.OnceFunc(func() { close(m.dead) })
	s := scenarioOf(t, "topology.to=http://fake", "arrival.rate=100", "warmUp=0s", "duration=1h", "drain=300ms", "slo=[lost == 0]")
	r, err := Run(t.Context(), m, s, Options{Watch: func(l Live) {
		if l.Acked > 60 {
			dead()
		}
	}})
	if err == nil || err.Error() != "the target was lost: the lights are out" || r == nil {
		t.Fatalf("error %v, result %v", err, r)
	}
	if e := r.Events; r.Verdict != load.Invalid || r.Reason != err.Error() || e.Delivered != 50 || e.UnderWay < 11 || e.Lost != 0 || len(r.Objectives) > 0 {
		t.Errorf("%s: %s, events %+v, objectives %v", r.Verdict, r.Reason, e, r.Objectives)
	}
}

func TestStopConditions(t *testing.T) {
	f := newFake(t)
	f.plan = func(uint64) []uint64 { return nil }
	s := scenarioOf(t, "topology.to=http://fake", "arrival.rate=500", "warmUp=0s", "duration=1h", "drain=100ms", "stop.inFlight=100")
	_, r := drive(t.Context(), t, f, s)
	if r.Events.Lost < 100 || !strings.Contains(strings.Join(r.Notes, "\n"), "more than the 100 of stop.inFlight") {
		t.Errorf("events %+v, notes %v", r.Events, r.Notes)
	}
	f = newFake(t)
	f.answer = func(time.Duration, uint64) int { return 500 }
	s = scenarioOf(t, "topology.to=http://fake", "arrival.rate=100", "warmUp=0s", "duration=1h", "stop.errors=10%")
	_, r = drive(t.Context(), t, f, s)
	if r.Events.ServerErrors == 0 || !strings.Contains(strings.Join(r.Notes, "\n"), "requests of a second failed, more than the 10 % of stop.errors") {
		t.Errorf("events %+v, notes %v", r.Events, r.Notes)
	}
}

// A schedule that the generator cannot keep is no measurement.
func TestBottleneck(t *testing.T) {
	m := &measurement{scenario: scenarioOf(t, "slo=[e2e.p99 < 50ms]"), about: target.About{Driver: "kube"}, sent: 32 * time.Second}
	for name, c := range map[string]struct {
		g       load.Generator
		callers int64
		want    string
	}{
		"healthy":        {load.Generator{Asked: 1000, Achieved: 999, CPU: 0.3, Lateness: load.Latency{P99: 0.004}}, 10, ""},
		"too few":        {load.Generator{Asked: 1000, Achieved: 980, CPU: 0.3}, 10, "it began 980.0 of 1000.0 events per second that were due (98.0 %)"},
		"late":           {load.Generator{Asked: 1000, Achieved: 1000, CPU: 0.3, Lateness: load.Latency{P99: 0.006}}, 10, `it began events 6 ms late (p99), more than a tenth of what "e2e.p99 < 50ms" allows`},
		"out of CPU":     {load.Generator{Asked: 1000, Achieved: 1000, CPU: 0.9}, 10, "it took 90 % of the machine's CPU"},
		"out of callers": {load.Generator{Asked: 1000, Achieved: 1000, CPU: 0.3}, maxCallers, "all of its 10000 callers waited"},
	} {
		m.sendings.callers = c.callers
		if got := m.bottleneck(&c.g); (c.want == "") != (got == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	m.scenario = scenarioOf(t, "driver=closed=5")
	if got := m.bottleneck(&load.Generator{Asked: 1000, Achieved: 10}); got != "" {
		t.Errorf("a closed loop has no plan to keep, and yet: %s", got)
	}
}

func TestTopologyThatTheTargetRefuses(t *testing.T) {
	s, err := scenario.Load("sequence-3", `topology.manifests="{apiVersion: flows.knative.dev/v1, kind: Sequence, metadata: {name: s}, spec: {steps: [], reply: {uri: $sink}, of: [$first, $second, $third]}}"`)
	if err != nil {
		t.Fatal(err)
	}
	var refused *TargetError
	if _, err := Run(t.Context(), embedded(t), s, Options{}); !errors.As(err, &refused) || !strings.HasPrefix(err.Error(), "Sequence/s of the topology was refused: ") {
		t.Errorf("got %v", err)
	}
	if s, err = scenario.Load("sequence-3", `topology.manifests="{apiVersion: flows.knative.dev/v1, kind: Sequence, metadata: {name: s}, spec: {steps: [{ref: {apiVersion: v1, kind: Service, name: none}}, {uri: $first}, {uri: $second}, {uri: $third}], reply: {uri: $sink}}}"`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	st := impatient{embedded(t)}
	if _, err := Run(ctx, st, s, Options{}); !errors.As(err, &refused) || !strings.Contains(err.Error(), "Sequence/s was not Ready within") {
		t.Errorf("got %v", err)
	}
}

// Objects that are many cost few questions: they are applied together, and looked at together.
func TestTopologiesOfManyObjectsCostFewQuestions(t *testing.T) {
	s, err := scenario.Load("broker-filter")
	if err != nil {
		t.Fatal(err)
	}
	asked := &counting{Target: embedded(t)}
	st, err := openStage(t.Context(), asked, s, Options{}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if asked.applied.Load() > 20 || asked.listed > 10 || asked.watched > 10 {
		t.Errorf("1,001 objects took %d manifests, %d lists and %d watches", asked.applied.Load(), asked.listed, asked.watched)
	}
}

// counting counts what is asked of a target.
type counting struct {
	target.Target
	applied         atomic.Int64 // by several at once
	listed, watched int
}

func (c *counting) Apply(ctx context.Context, manifest []byte) error {
	c.applied.Add(1)
	return c.Target.Apply(ctx, manifest)
}

func (c *counting) List(ctx context.Context, ref api.Ref) ([]api.Object, error) {
	c.listed++
	return c.Target.List(ctx, ref)
}

func (c *counting) Watch(ctx context.Context, ref api.Ref) (<-chan api.Object, error) {
	c.watched++
	return c.Target.Watch(ctx, ref)
}

// impatient waits for nothing.
type impatient struct{ target.Target }

func (i impatient) Patience() target.Patience {
	p := i.Target.Patience()
	p.Ready = 200 * time.Millisecond
	return p
}
