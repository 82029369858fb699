package loadgen

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/loadgen/scenario"
)

// scenarioOf is a minimal scenario with some fields set.
func scenarioOf(t testing.TB, sets ...string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Parse("test.yaml", []byte("topology: {to: $sink}\nreceivers:\n  sink: {}\n"), sets...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func scheduleOf(t testing.TB, sets ...string) schedule {
	t.Helper()
	s, err := newSchedule(scenarioOf(t, sets...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchedules(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct {
		sets  []string
		words string
		due   map[uint64]time.Duration
		end   uint64 // the first event that is not due any more
	}{
		{[]string{"arrival.rate=100", "warmUp=1s", "duration=2s"}, "constant 100/s",
			map[uint64]time.Duration{0: 0, 1: 10 * ms, 100: 1000 * ms, 299: 2990 * ms}, 300},
		{[]string{"arrival.rate=0.5", "warmUp=0s", "duration=10s"}, "constant 0.5/s", map[uint64]time.Duration{0: 0, 4: 8000 * ms}, 5},
		{[]string{"arrival.shape=ramp", "arrival.rate=100", "warmUp=0s", "duration=10s"}, "ramp 0/s to 100/s",
			map[uint64]time.Duration{0: 0, 5: 1000 * ms, 20: 2000 * ms, 125: 5000 * ms}, 500},
		{[]string{"arrival.shape=ramp", "arrival.rate=20", "arrival.from=10", "warmUp=2s", "duration=10s"}, "ramp 10/s to 20/s",
			map[uint64]time.Duration{0: 0, 19: 1900 * ms, 20: 2000 * ms, 170: 12000 * ms}, 170},
		{[]string{"arrival.shape=ramp", "arrival.rate=1", "arrival.from=100", "warmUp=0s", "duration=10s"}, "ramp 100/s to 1/s",
			map[uint64]time.Duration{0: 0}, 505},
		{[]string{"arrival.shape=steps", "arrival.rate=10", "arrival.steps=[{for: 1s}, {for: 1s, times: 10}]", "warmUp=0s", "duration=4s"}, "steps 10/s 100/s",
			map[uint64]time.Duration{0: 0, 5: 500 * ms, 10: 1000 * ms, 60: 1500 * ms, 110: 2000 * ms, 120: 3000 * ms, 219: 3990 * ms}, 220},
		{[]string{"arrival.shape=steps", "arrival.rate=10", "arrival.steps=[{for: 1s, times: 0}, {for: 1s}]", "warmUp=0s", "duration=4s"}, "steps 0/s 10/s",
			map[uint64]time.Duration{0: 1000 * ms, 9: 1900 * ms, 10: 3000 * ms}, 20},
		{[]string{"arrival.shape=sine", "arrival.rate=100", "arrival.period=4s", "warmUp=0s", "duration=8s"}, "sine 100/s ± 50 % in 4s",
			map[uint64]time.Duration{0: 0, 400: 4000 * ms}, 800},
	} {
		s := scheduleOf(t, c.sets...)
		if got := s.String(); got != c.words {
			t.Errorf("%v: in words %q, want %q", c.sets, got, c.words)
		}
		for n, want := range c.due {
			if n == c.end {
				continue
			}
			if got, ok := s.due(n); !ok || (got-want).Abs() > 10*time.Microsecond {
				t.Errorf("%v: event %d is due at %v (%v), want %v", c.sets, n, got, ok, want)
			}
		}
		n, last := uint64(0), time.Duration(0)
		for ; ; n++ {
			due, ok := s.due(n)
			if !ok {
				break
			}
			if due < last {
				t.Fatalf("%v: event %d is due before the one before it", c.sets, n)
			}
			last = due
		}
		if n < c.end-1 || n > c.end+1 {
			t.Errorf("%v: %d events, want %d", c.sets, n, c.end)
		}
	}
}

// The pacers of the library count as many events at each moment as the schedules do.
func TestSchedulesAgreeWithThePacersOfTheLibrary(t *testing.T) {
	for name, c := range map[string]struct {
		schedule schedule
		pacer    vegeta.Pacer
	}{
		"constant": {constant{250}, vegeta.ConstantPacer{Freq: 250, Per: time.Second}},
		"ramp":     {ramp{100, 300, 10 * time.Second}, vegeta.LinearPacer{StartAt: vegeta.Rate{Freq: 100, Per: time.Second}, Slope: 20}},
		"sine": {sine{200, 0.5, 5 * time.Second},
			vegeta.SinePacer{Period: 5 * time.Second, Mean: vegeta.Rate{Freq: 200, Per: time.Second}, Amp: vegeta.Rate{Freq: 100, Per: time.Second}}},
	} {
		for n := uint64(1); n < 1000; n += 7 {
			due, _ := c.schedule.due(n)
			// When it is due, the library's pacer wants it at once or, as its first event comes one interval later, soon.
			wait, stop := c.pacer.Pace(due, n)
			if interval := seconds(1.2 / c.pacer.Rate(due)); stop || wait > interval {
				t.Errorf("%s: event %d is due at %v; the library would wait for %v", name, n, due, wait)
			}
		}
	}
}

func TestPoissonArrivals(t *testing.T) {
	const n = 100_000
	p := newPoisson(1000, 7)
	sum, squares, last := 0.0, 0.0, time.Duration(0)
	var some [10]time.Duration
	for i := range uint64(n) {
		due, _ := p.due(i)
		gap := (due - last).Seconds()
		sum, squares, last = sum+gap, squares+gap*gap, due
		if i < 10 {
			some[i] = due
		}
	}
	mean := sum / n
	if deviation := math.Sqrt(squares/n - mean*mean); math.Abs(mean-0.001) > 2e-5 || math.Abs(deviation-mean) > 2e-5 {
		t.Errorf("gaps have mean %v and deviation %v, want 0.001 for both", mean, deviation)
	}
	// Whoever asks only for every third gets the same times, and so does who asks again.
	q := newPoisson(1000, 7)
	for _, i := range []uint64{0, 3, 6, 9, 9, 2} {
		if due, _ := q.due(i); due != some[i] {
			t.Errorf("event %d is due at %v, and before it was %v", i, due, some[i])
		}
	}
	if due, _ := newPoisson(1000, 8).due(5); due == some[5] {
		t.Error("another seed gives the same times")
	}
}

func TestReplay(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "history.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := history.NewWriter(f, history.Header{})
	if err != nil {
		t.Fatal(err)
	}
	e := &history.Event{Mode: "binary"}
	for i, op := range []history.Op{
		{T: 1 * time.Second, Kind: history.Begin},
		{T: 2 * time.Second, Kind: history.Sent, Event: e},
		{T: 4 * time.Second, Kind: history.Sent, Event: e},
		{T: 3 * time.Second, Kind: history.Sent, Event: e},
		{T: 5 * time.Second, Kind: history.Sent, Event: e, Role: history.Barrier},
		{T: 6 * time.Second, Kind: history.Received, Event: e},
	} {
		op.N, op.Scenario = i+1, "x"
		if err := w.Write(&op); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	load := func(sets ...string) (schedule, error) {
		s, err := scenario.Parse(filepath.Join(dir, "s.yaml"), []byte("topology: {to: $sink}\nreceivers:\n  sink: {}\n"),
			append([]string{"arrival={shape: replay, history: history.jsonl}"}, sets...)...)
		if err != nil {
			t.Fatal(err)
		}
		return newSchedule(s)
	}
	s, err := load("arrival.speed=2")
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []time.Duration{0, time.Second / 2, time.Second} {
		if due, ok := s.due(uint64(n)); !ok || due != want {
			t.Errorf("event %d is due at %v, %v, want %v", n, due, ok, want)
		}
	}
	if _, ok := s.due(3); ok {
		t.Error("there is an event more than was sent")
	}
	if got, want := s.String(), "replay of 3 events, 2 times as fast"; got != want {
		t.Errorf("in words %q, want %q", got, want)
	}
	if err := os.WriteFile(filepath.Join(dir, "history.jsonl"), []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load(); err == nil || !strings.Contains(err.Error(), "history.jsonl:1: this is no history file") {
		t.Errorf("a file that is no history: %v", err)
	}
}
