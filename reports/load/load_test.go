package load

import (
	"bytes"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

var update = flag.Bool("update", false, "write the golden files anew")

// latencies are n values that rise from 1 ms with a long tail.
func latencies(n int, scale float64) Latency {
	h := hdrhistogram.NewPacked(1, 60_000_000, 3)
	const step = 10
	for i := range n / step {
		q := (float64(i) + 0.5) * step / float64(n)
		if err := h.RecordValues(int64(scale*1000*(1-math.Log(1-q))), step); err != nil {
			panic(err)
		}
	}
	return Of(h, true)
}

// sample is a run of a 3-step Sequence in which a little went wrong.
func sample() *Result {
	without := func(l Latency) Latency { l.HDR = ""; return l }
	r := &Result{
		Tool:    Tool{Name: "sequitur", Version: "v0.4.0", Commit: "0123abcd", Go: "go1.26"},
		Verdict: Missed, Reason: "1 of 3 objectives was missed: lost == 0",
		Scenario: Scenario{Name: "sequence-3", Description: "Three steps.", Set: map[string]string{"receivers.sink.errors": "0.01", "events.size": "1KiB"}},
		Target:   Target{Name: "acme-eventing", Driver: "kube", Version: "1.2.3"},
		Run: Run{
			Started: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC), Driver: "open", Schedule: "constant 1000/s", Seed: 42, WarmUp: 5, Duration: 30,
			Drain: 0.213, Workers: 3, ClockBound: 0.00021,
		},
		Machine: Machine{
			OS: "linux", Arch: "amd64", CPU: "Acme 3000", Cores: 4, GOMAXPROCS: 2, LoadAverage: 1.25, OtherCPU: 0.171,
			Versions: map[string]string{"kernel": "6.1", "kubernetes": "v1.34.1"},
		},
		Generator: Generator{Asked: 1000, Achieved: 999.96, Lateness: latencies(30_000, 0.02), CPU: 0.21, Peak: 93 << 20},
		Rates:     Rates{Offered: 1000, Acked: 999.96, Delivered: 998.2, BacklogSlope: 0.31},
		Objectives: []Objective{
			{Text: "e2e.p99 < 50ms", Value: "11.2 ms", Met: true}, {Text: "lost == 0", Value: "3"}, {Text: "throughput >= 0.99 * offered", Value: "998.2/s", Met: true},
		},
		Events: Events{
			Sent: 35_000, Acked: 34_990, Throttled: 8, Unknown: 2, Delivered: 34_900, DeadLettered: 87, Lost: 3, Recovered: 1, Vanished: 1, Duplicated: 4,
			Reordered: 120,
		},
		Delivery: latencies(29_900, 2), Ack: latencies(30_000, 0.4),
		Waterfall: []Waterfall{
			{Name: "typical", From: 0.4, To: 0.6, Events: 5980, Mean: 0.0034, Parts: []Part{
				{Name: "to step-1", Mean: 0.0009}, {Name: "in step-1", Mean: 0.0003, Service: true}, {Name: "to step-2", Mean: 0.0006},
				{Name: "in step-2", Mean: 0.0003, Service: true}, {Name: "to step-3", Mean: 0.0006}, {Name: "in step-3", Mean: 0.00001, Service: true}, {Name: "to sink", Mean: 0.00069},
			}},
			{Name: "slowest 1 %", From: 0.99, To: 1, Events: 299, Mean: 0.0213, Parts: []Part{
				{Name: "to step-1", Mean: 0.0009}, {Name: "in step-1", Mean: 0.0003, Service: true}, {Name: "to step-2", Mean: 0.0156},
				{Name: "in step-2", Mean: 0.0003, Service: true}, {Name: "to step-3", Mean: 0.0022}, {Name: "in step-3", Mean: 0.0012, Service: true}, {Name: "to sink", Mean: 0.0008},
			}},
		},
		Notes: []string{"others took 17 % of the machine's CPU: the machine was noisy"},
	}
	for i, name := range []string{"step-1", "step-2", "step-3", "sink", "dead-letters"} {
		x := Receiver{
			Name: name, Kind: "step", Receipts: 35_000, Accepted: 34_990, Delivered: 34_990, Order: Order{Arrivals: 34_990, Reordered: 30, ExtentMax: 7, ExtentP50: 2},
			Attempts: []uint64{34_990}, Delivery: without(latencies(29_900, 0.5*float64(i+1))), Transit: without(latencies(29_900, 0.4)),
			Service: without(latencies(29_900, 0.2)),
		}
		switch name {
		case "sink":
			x.Kind, x.Attempts, x.Failed, x.Duplicates = "sink", []uint64{34_000, 900, 3}, []uint64{0, 0, 87}, 4
			x.Lost = &Listing{Count: 3, Ranges: []Range{{0, 17, 17}, {2, 40, 41}}}
			x.Duplicated = &Listing{Count: 4, Ranges: []Range{{0, 1, 1}, {0, 3, 3}, {0, 5, 5}, {0, 7, 7}}, More: 1}
		case "dead-letters":
			x = Receiver{Name: name, Kind: "dead-letter", Receipts: 87, Accepted: 87, Delivered: 87, Attempts: []uint64{87}}
		}
		r.Receivers = append(r.Receivers, x)
	}
	for i := range 35 {
		inFlight := uint64(3 + i%3)
		p99 := 0.009 + 0.001*float64(i%4)
		if i > 20 && i < 25 {
			inFlight, p99 = 190-uint64(10*i%40), 0.213
		}
		r.Series = append(r.Series, Interval{
			Start: float64(i), Seconds: 1, Offered: 1000, Sent: 1000, Acked: 1000, Delivered: uint64(990 + i%7), DeadLettered: 2, InFlight: inFlight, P50: 0.0034, P99: p99,
		})
	}
	return r
}

func trial(asked, p99 float64, v Verdict, reason string) Trial {
	return Trial{
		Rate: asked, Seconds: 15, Offered: asked, Acked: asked, Delivered: min(asked, 2310), BacklogSlope: max(0, asked-2310), P50: p99 / 4, P99: p99, P999: 2 * p99,
		Max: 3 * p99, Verdict: v, Reason: reason,
	}
}

// searched is the result of --find-max, swept one of --sweep, repeated one of --repeat.
func searched() *Result {
	r := sample()
	r.Verdict, r.Reason, r.Objectives, r.Waterfall, r.Notes = Met, "", nil, r.Waterfall[:1], nil
	late := "the backlog grows by 690/s"
	r.Search = &Search{Rate: 2250, Low: 2180, High: 2310, Reason: "at 2,360/s the backlog grows", Trials: []Trial{
		trial(1000, 0.011, Met, ""), trial(2000, 0.019, Met, ""), trial(4000, 1.9, Missed, late), trial(3000, 1.2, Missed, late),
		trial(2500, 0.41, Missed, late), trial(2250, 0.028, Met, ""),
	}}
	return r
}

func swept() *Result {
	r := sample()
	r.Verdict, r.Reason = Measured, ""
	r.Objectives, r.Series, r.Receivers = nil, nil, nil
	r.Sweep = &Sweep{Path: "rate"}
	for i, asked := range []float64{100, 500, 1000, 2000, 4000} {
		v, p99 := Met, 0.008*(1+asked/1000)
		if asked > 2310 {
			v, p99 = Missed, 1.9
		}
		r.Sweep.Points = append(r.Sweep.Points, Point{Value: []string{"100", "500", "1000", "2000", "4000"}[i], Trial: trial(asked, p99, v, "")})
	}
	return r
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (run with -update if that is right). Got:\n%s", file, got)
	}
}

func render[T any](t *testing.T, x T, write func(io.Writer, T) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, x); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func texts(o TextOptions) func(io.Writer, *Result) error {
	return func(w io.Writer, r *Result) error { return WriteText(w, r, o) }
}

func TestGolden(t *testing.T) {
	invalid := sample()
	invalid.Verdict, invalid.Reason = Invalid, "it began 700.0 of 1000.0 events per second that were due (70.0 %); give it more cores, a lower rate, or --workers"
	invalid.Generator.Bottleneck, invalid.Objectives = invalid.Reason, nil
	for _, c := range []struct {
		name   string
		result *Result
	}{{"missed", sample()}, {"search", searched()}, {"sweep", swept()}, {"invalid", invalid}, {"nothing", &Result{Verdict: Interrupted, Reason: "stopped before its end"}}} {
		t.Run(c.name, func(t *testing.T) {
			golden(t, c.name+".txt", render(t, c.result, texts(TextOptions{})))
			golden(t, c.name+"-narrow.ansi", render(t, c.result, texts(TextOptions{Color: true, Width: 70})))
		})
	}
	golden(t, "missed.json", render(t, sample(), WriteJSON))
	golden(t, "delivery.hgrm", render(t, sample().Delivery, WriteHGRM))
}

func TestTextKeepsToItsWidth(t *testing.T) {
	for _, width := range []int{60, 80, 120} {
		for line := range strings.SplitSeq(string(render(t, sample(), texts(TextOptions{Width: width}))), "\n") {
			if n := len([]rune(line)); n > width {
				t.Errorf("%d columns instead of %d: %s", n, width, line)
			}
		}
	}
}

// hostile is text as a broken or malicious target may send it.
const hostile = "\x1b[31mred\x00\x07 <b>&\"' ]]>\r\n\xff\xfe\u202eevil\ufffe\x7f\u009b"

func TestHostileText(t *testing.T) {
	r := searched()
	r.Sweep = &Sweep{Path: hostile, Points: []Point{{Value: hostile, Trial: Trial{Reason: hostile, Verdict: hostile}}}}
	r.Repeats = []Trial{{Reason: hostile}}
	r.Verdict, r.Reason, r.Target.Name, r.Target.Version, r.Target.Driver = hostile, hostile, hostile, hostile, hostile
	r.Scenario.Name, r.Run.Driver, r.Run.Schedule, r.Machine.CPU, r.Machine.OS, r.Search.Reason = hostile, hostile, hostile, hostile, hostile, hostile
	r.Scenario.Set = map[string]string{hostile: hostile}
	r.Objectives, r.Notes = []Objective{{Text: hostile, Value: hostile}}, []string{hostile}
	for i := range r.Receivers {
		r.Receivers[i].Name, r.Receivers[i].Kind = hostile, hostile
	}
	for i := range r.Waterfall {
		r.Waterfall[i].Name = hostile
		for j := range r.Waterfall[i].Parts {
			r.Waterfall[i].Parts[j].Name = hostile
		}
	}
	for _, c := range string(render(t, r, texts(TextOptions{}))) {
		if c != '\n' && c < ' ' || c == 0x7f || c == 0x9b || c == 0x202e {
			t.Errorf("%q reached the terminal", c)
		}
	}
}

func TestOf(t *testing.T) {
	if got := Of(nil, true); got != (Latency{}) {
		t.Errorf("nil gives %+v", got)
	}
	if got := Of(hdrhistogram.NewPacked(1, 1000, 3), true); got != (Latency{}) {
		t.Errorf("an empty histogram gives %+v", got)
	}
	h := hdrhistogram.NewPacked(1, 60_000_000, 3)
	for us := range int64(1000) {
		if err := h.RecordValue(us + 1); err != nil {
			t.Fatal(err)
		}
	}
	got := Of(h, true)
	back, err := got.histogram()
	if err != nil {
		t.Fatal(err)
	}
	if back.TotalCount() != 1000 || back.ValueAtPercentile(50) != 500 {
		t.Errorf("the histogram came back with %d values and p50 %d", back.TotalCount(), back.ValueAtPercentile(50))
	}
	got.HDR = ""
	want := Latency{Count: 1000, Min: 1e-6, Mean: 500.5e-6, P50: 500e-6, P90: 900e-6, P95: 950e-6, P99: 990e-6, P999: 999e-6, P9999: 1e-3, Max: 1e-3}
	if got.Mean = math.Round(got.Mean*1e9) / 1e9; got != want {
		t.Errorf("%+v: expected %+v", got, want)
	}
}

func TestHGRMRefuses(t *testing.T) {
	for name, hdr := range map[string]string{"none": "", "no base64": "§", "cut": latencies(100, 1).HDR[:40]} {
		if err := WriteHGRM(io.Discard, Latency{Count: 100, HDR: hdr}); err == nil {
			t.Errorf("%s: expected an error", name)
		}
	}
}

func TestJSONRoundTrip(t *testing.T) {
	for _, r := range []*Result{sample(), searched(), swept()} {
		data := render(t, r, WriteJSON)
		back, err := ReadJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		r.Schema, r.SchemaVersion = SchemaID, SchemaVersion
		if !reflect.DeepEqual(r, back) {
			t.Error("the result changed on its way")
		}
		if again := render(t, back, WriteJSON); !bytes.Equal(data, again) {
			t.Error("written again it differs")
		}
	}
}

func TestReadJSONRefuses(t *testing.T) {
	good := string(render(t, sample(), WriteJSON))
	for _, c := range []struct{ name, old, new, want string }{
		{"another version", `"schemaVersion": 1`, `"schemaVersion": 2`, "version 2: expected"},
		{"another schema", SchemaID, "https://example.com/x", `schema "https://example.com/x"`},
		{"no verdict", `"verdict": "missed",`, ``, "verdict is missing"},
		{"a word for a count", `"sent": 35000`, `"sent": "many"`, "events.sent"},
		{"more after it", "\n}\n", "\n}\n{}", "after top-level value"},
		{"cut", "\n}\n", "", "unexpected end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := strings.ReplaceAll(good, c.old, c.new)
			if bad == good {
				t.Fatal("nothing was replaced")
			}
			if _, err := ReadJSON(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v: expected one with %q", err, c.want)
			}
		})
	}
}

// A result is an object: what is not is told without the types that it was to go into.
func TestReadJSONRefusesOtherShapes(t *testing.T) {
	for text, want := range map[string]string{"[]": "expected a load.json, as `sequitur load --out` writes it: the whole: found array", "": "unexpected end"} {
		if _, err := ReadJSON(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "struct") {
			t.Errorf("%q: error %v: expected one with %q", text, err, want)
		}
	}
}

// Each share stands apart from the time before it, and one event is no events.
func TestWaterfallColumns(t *testing.T) {
	r := sample()
	r.Waterfall = []Waterfall{{Name: "slowest 1 %", Mean: 0.998, Events: 1, Parts: []Part{{Name: Lateness, Mean: 0.0000804}, {Name: "to sink", Mean: 0.9979196}}}}
	text := string(render(t, r, func(w io.Writer, r *Result) error { return WriteText(w, r, TextOptions{Width: 100}) }))
	for _, want := range []string{"998 ms of 1 event\n", "998 ms 99.99 %"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestPercentNeverRoundsToAllOrNothing(t *testing.T) {
	for share, want := range map[float64]string{0: "0 %", 1: "100 %", 0.99996: "99.996 %", 0.5: "50 %", 0.123: "12.3 %", 0.00001: "0.001 %"} {
		if got := percent(share); got != want {
			t.Errorf("%v is %q: expected %q", share, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{seconds(0), "0 s"}, {seconds(0.00000042), "0.42 µs"}, {seconds(0.0009999), "1.00 ms"}, {seconds(0.0123), "12.3 ms"}, {seconds(0.9999), "1.00 s"},
		{seconds(1234), "1,234 s"}, {rate(99.96), "100.0/s"}, {rate(12345.6), "12,346/s"}, {count(1234567), "1,234,567"}, {number(-1234, 0), "-1,234"},
		{signed(0.04), "steady"}, {signed(12), "+12.0/s"}, {signed(-3), "-3.0/s"}, {size(300 << 20), "300 MiB"}, {size(3 << 30), "3.00 GiB"},
	} {
		if c.got != c.want {
			t.Errorf("%q: expected %q", c.got, c.want)
		}
	}
}

// What is read may be anything; what reads must do so without a panic, and so must all that renders it.
func FuzzReadJSON(f *testing.F) {
	for _, r := range []*Result{sample(), searched(), swept(), {Verdict: Met}} {
		var b bytes.Buffer
		if err := WriteJSON(&b, r); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ReadJSON(bytes.NewReader(data))
		if err != nil {
			return
		}
		var once, again bytes.Buffer
		if err := WriteJSON(&once, r); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		back, err := ReadJSON(bytes.NewReader(once.Bytes()))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if err := WriteJSON(&again, back); err != nil || !bytes.Equal(once.Bytes(), again.Bytes()) {
			t.Errorf("written again it differs (%v)", err)
		}
		if err := WriteText(io.Discard, r, TextOptions{}); err != nil {
			t.Error(err)
		}
		_ = WriteHGRM(io.Discard, r.Delivery) // may be refused, must not panic
	})
}
