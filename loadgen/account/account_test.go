package account

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = time.Millisecond

// play records a history: words, each 1 ms after the one before it. "s5" sends event 5, due at that moment; "a5", "r5",
// "q5", "e5" and "u5" end its request as acknowledged, refused, throttled, server error and unknown. "sink:5" is an accepted
// receipt at the receiver sink, "sink!5" one that is answered by an error. "2/5" is event 5 of source 2. "+90" lets 90 ms pass.
func play(t testing.TB, a *Account, history string) {
	t.Helper()
	now := time.Duration(0)
	for word := range strings.FieldsSeq(history) {
		now += ms
		if wait, ok := strings.CutPrefix(word, "+"); ok {
			n, err := strconv.Atoi(wait)
			if err != nil {
				t.Fatal(err)
			}
			now += time.Duration(n-1) * ms
			continue
		}
		if i := strings.IndexAny(word, ":!"); i > 0 {
			source, seq := event(t, word[i+1:])
			at := slices.IndexFunc(a.config.Receivers, func(r Receiver) bool { return r.Name == word[:i] })
			r := Receipt{Receiver: at, Source: source, Seq: seq, In: now, Accepted: word[i] == ':'}
			a.Arrived(r)
			if a.config.Receivers[at].Kind == Step {
				now += ms
				a.Replied(r, now)
			}
			continue
		}
		source, seq := event(t, word[1:])
		if word[0] == 's' {
			a.Sent(source, seq, now, now)
			continue
		}
		a.Ended(source, seq, map[byte]Outcome{'a': Acked, 'r': Refused, 'q': Throttled, 'e': ServerError, 'u': Unknown}[word[0]], now)
	}
}

func event(t testing.TB, text string) (source int, seq uint64) {
	t.Helper()
	s, n, ok := strings.Cut(text, "/")
	if !ok {
		s, n = "0", text
	}
	source, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	if seq, err = strconv.ParseUint(n, 10, 64); err != nil {
		t.Fatal(err)
	}
	return source, seq
}

func open(t *testing.T, c Config) *Account {
	t.Helper()
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func judge(t *testing.T, c Config, s *Share) *Result {
	t.Helper()
	r, err := s.Judge(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The topologies of the tests.
var (
	one   = Config{Sources: 2, Receivers: []Receiver{{Name: "sink", Kind: Sink, After: Ingress}}}
	chain = Config{Sources: 1, Receivers: []Receiver{
		{Name: "step", Kind: Step, After: Ingress}, {Name: "next", Kind: Step, After: 0}, {Name: "sink", Kind: Sink, After: 1},
		{Name: "dls", Kind: DeadLetter},
	}}
	fan = Config{Sources: 1, Receivers: []Receiver{
		{Name: "x", Kind: Sink, After: Ingress}, {Name: "y", Kind: Sink, After: Ingress}, {Name: "dls", Kind: DeadLetter},
	}}
	// filtered sends even events to even, odd ones to odd, and those that 10 divides to nobody.
	filtered = Config{Sources: 1, Receivers: []Receiver{
		{Name: "even", Kind: Sink, After: Ingress}, {Name: "odd", Kind: Sink, After: Ingress},
	}, Expect: func(_ int, seq uint64) *Set {
		if seq%10 == 0 {
			return nobody
		}
		return halves[seq%2]
	}}
	nobody = NewSet()
	halves = []*Set{NewSet(0), NewSet(1)}
)

func TestFates(t *testing.T) {
	for name, c := range map[string]struct {
		config  Config
		history string
		want    Events
		lists   string // what the receivers list
	}{
		"delivered": {one, "s0 a0 sink:0 s1 sink:1 a1", Events{Sent: 2, Acked: 2, Delivered: 2}, ""},
		"one lost": {one, "s0 a0 sink:0 s1 a1 s2 a2 sink:2",
			Events{Sent: 3, Acked: 3, Delivered: 2, Lost: 1}, "sink lost 1-1"},
		"one duplicated": {one, "s0 a0 sink:0 s1 a1 sink:1 sink:1 s2 a2 sink:2 sink:1",
			Events{Sent: 3, Acked: 3, Delivered: 3, Duplicated: 1}, "sink duplicated 1-1"},
		"a swapped pair": {one, "s0 a0 s1 a1 sink:1 sink:0", Events{Sent: 2, Acked: 2, Delivered: 2, Reordered: 1}, ""},
		"two sources are two streams": {one, "s0/0 s1/0 s0/1 sink:0/1 sink:1/0 sink:0/0 a0/0 a0/1 a1/0",
			Events{Sent: 3, Acked: 3, Delivered: 3, Reordered: 1}, ""},
		"the wrong subscriber": {filtered, "s1 a1 even:1 odd:1 s2 a2 odd:2 s3 a3 odd:3",
			Events{Sent: 3, Acked: 3, Delivered: 2, Lost: 1, WrongFanOut: 2}, "even lost 2-2, even unexpected 1-1, odd unexpected 2-2"},
		"for nobody":           {filtered, "s10 a10 s20 a20 odd:20", Events{Sent: 2, Acked: 2, Undirected: 2, WrongFanOut: 1}, "odd unexpected 20-20"},
		"unknown, delivered":   {one, "s0 u0 sink:0 s1 sink:1 u1", Events{Sent: 2, Unknown: 2, Recovered: 2}, ""},
		"unknown, vanished":    {one, "s0 u0 s1 u1 s2", Events{Sent: 3, Unknown: 2, Unanswered: 1, Vanished: 3}, ""},
		"unknown, twice":       {one, "s0 u0 sink:0 sink:0", Events{Sent: 1, Unknown: 1, Recovered: 1, Duplicated: 1}, "sink duplicated 0-0"},
		"refused in every way": {one, "s0 r0 s1 q1 s2 e2 s3 e3", Events{Sent: 4, Refused: 1, Throttled: 1, ServerErrors: 2}, ""},
		"refused, delivered":   {one, "s0 q0 sink:0 s1 sink:1 e1", Events{Sent: 2, Throttled: 1, ServerErrors: 1, RefusedDelivered: 2}, ""},
		"never sent":           {one, "s0 a0 sink:0 sink:7 sink:4294967295", Events{Sent: 1, Acked: 1, Delivered: 1, NeverSent: 2}, "sink never 7-7, sink never 4294967295-4294967295"},
		"half a fan-out": {fan, "s0 a0 x:0 s1 a1 x:1 y:1 s2 a2",
			Events{Sent: 3, Acked: 3, Delivered: 1, Lost: 2, WrongFanOut: 1}, "x lost 2-2, y lost 0-0, y lost 2-2"},
		"a dead letter for the rest": {fan, "s0 a0 x:0 y!0 dls:0 s1 a1 x!1 dls:1 y!1 dls:1",
			Events{Sent: 2, Acked: 2, DeadLettered: 2}, ""},
		"a chain that breaks": {chain, "s0 a0 step:0 next!0 next!0 dls:0 s1 a1 step:1 next:1 sink:1 s2 a2 step:2 next:2",
			Events{Sent: 3, Acked: 3, Delivered: 1, DeadLettered: 1, Lost: 1}, "sink lost 2-2"},
		"a dead letter twice": {chain, "s0 a0 step!0 dls:0 dls:0", Events{Sent: 1, Acked: 1, DeadLettered: 1, Duplicated: 1}, "dls duplicated 0-0"},
		"retried":             {chain, "s0 a0 step!0 step!0 step:0 next:0 sink!0 sink:0", Events{Sent: 1, Acked: 1, Delivered: 1}, ""},
		"outcome told twice":  {one, "s0 u0 a0", Events{Sent: 1, Unknown: 1, Vanished: 1}, ""},
		"outcome of nothing":  {one, "a0 s1 a1 a5 sink:1", Events{Sent: 1, Acked: 1, Delivered: 1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := open(t, c.config)
			play(t, a, c.history)
			r := judge(t, c.config, a.Share())
			if r.Events != c.want {
				t.Errorf("events %+v\nwant %+v", r.Events, c.want)
			}
			if got := lists(r); got != c.lists {
				t.Errorf("lists %q, want %q", got, c.lists)
			}
			e := r.Events
			if e.Sent != e.Acked+e.Refused+e.Throttled+e.ServerErrors+e.Unknown+e.Unanswered ||
				e.Acked != e.Delivered+e.DeadLettered+e.Lost+e.Undirected || e.Unknown+e.Unanswered != e.Recovered+e.Vanished {
				t.Errorf("the fates do not add up: %+v", e)
			}
		})
	}
}

// lists prints all listings.
func lists(r *Result) string {
	var out []string
	for _, at := range r.Receivers {
		for _, l := range []struct {
			what string
			Listing
		}{{"lost", at.Lost}, {"duplicated", at.Duplicated}, {"unexpected", at.Unexpected}, {"never", at.NeverSent}} {
			n := uint64(0)
			for _, x := range l.Ranges {
				out = append(out, fmt.Sprintf("%s %s %d-%d", at.Name, l.what, x.First, x.Last))
				n += x.Last - x.First + 1
			}
			if l.More == 0 && n != l.Count {
				out = append(out, fmt.Sprintf("%s: %d in ranges, %d counted", at.Name, n, l.Count))
			}
		}
	}
	return strings.Join(out, ", ")
}

func TestListingsAreBounded(t *testing.T) {
	a := open(t, one)
	for seq := range uint64(1000) {
		a.Sent(1, seq, ms, ms)
		a.Ended(1, seq, Acked, ms)
		if seq%5 > 1 {
			a.Arrived(Receipt{Source: 1, Seq: seq, In: ms, Accepted: true})
		}
	}
	got := judge(t, one, a.Share()).Receivers[0].Lost
	if got.Count != 400 || len(got.Ranges) != MaxRanges || got.More != 200-MaxRanges {
		t.Errorf("%d lost, %d ranges and %d more, want 400, %d and %d", got.Count, len(got.Ranges), got.More, MaxRanges, 200-MaxRanges)
	}
	if got.Ranges[1] != (Range{Source: 1, First: 5, Last: 6}) {
		t.Errorf("second range %+v", got.Ranges[1])
	}
}

func TestAttempts(t *testing.T) {
	a := open(t, chain)
	play(t, a, "s0 step:0 s1 step!1 step:1 s2 step!2 step!2 dls:2 s3 step:3 step:3"+strings.Repeat(" step!4", 300)+" step:4"+strings.Repeat(" step!5", 20))
	r := judge(t, chain, a.Share()).Receivers[0]
	accepted, failed := make([]uint64, manyAttempts), make([]uint64, manyAttempts)
	accepted[0], accepted[1], accepted[manyAttempts-1] = 2, 1, 1
	failed[1], failed[manyAttempts-1] = 1, 1
	if !slices.Equal(r.Attempts, accepted) || !slices.Equal(r.Failed, failed) {
		t.Errorf("accepted %v failed %v, want %v and %v", r.Attempts, r.Failed, accepted, failed)
	}
	if r.Receipts != 328 || r.Accepted != 5 || r.Duplicates != 1 {
		t.Errorf("%d receipts, %d accepted, %d duplicates, want 328, 5 and 1", r.Receipts, r.Accepted, r.Duplicates)
	}
}

// TestOrder follows the examples of RFC 4737 by hand: receipts 1 2 3 7 8 9 10 4 5 6 11 are reordered at 4, 5 and 6, with
// extents 4, 5 and 6, and 4 comes right after four later ones.
func TestOrder(t *testing.T) {
	a := open(t, one)
	play(t, a, "sink:1 sink:2 sink:3 sink:7 sink:8 sink:9 sink:10 sink:4 sink:5 sink:6 sink:11 sink:5")
	got := judge(t, one, a.Share()).Receivers[0].Order
	if want := (Order{Arrivals: 11, Reordered: 3, ExtentMax: 6, ExtentP50: 5, ThreeReordered: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestOrderIsByKey(t *testing.T) {
	keyed := one
	keyed.Keys, keyed.Key = 2, func(_ int, seq uint64) int { return int(seq % 2) }
	a := open(t, keyed)
	play(t, a, "sink:1 sink:0 sink:3 sink:2 sink:7 sink:5 sink:4")
	if got := judge(t, keyed, a.Share()).Receivers[0].Order; got.Reordered != 1 || got.ExtentMax != 1 {
		t.Errorf("%+v, want one, overtaken by the one before it", got)
	}
}

func TestExtentsBeyondTheWindowAreCutOff(t *testing.T) {
	a := open(t, one)
	for seq := range uint64(3000) {
		a.Arrived(Receipt{Seq: 1 + seq, In: ms, Accepted: true})
	}
	a.Arrived(Receipt{Seq: 0, In: ms, Accepted: true})
	if got := judge(t, one, a.Share()).Receivers[0].Order; got.Reordered != 1 || got.ExtentMax < windowOfOne {
		t.Errorf("%+v, want one of an extent of at least %d", got, windowOfOne)
	}
}

// TestTimes plays a chain whose every part has a length of its own.
func TestTimes(t *testing.T) {
	a := open(t, chain)
	// due 10, sent 12, in step 15, out 20, in next 27, out 38, sink 51 ms; acknowledged at 99 ms.
	for seq := range uint64(100) {
		base := time.Duration(seq) * time.Second
		a.Sent(0, seq, base+10*ms, base+12*ms)
		step := Receipt{Receiver: 0, Seq: seq, In: base + 15*ms, Accepted: true}
		a.Arrived(step)
		a.Replied(step, base+20*ms)
		next := Receipt{Receiver: 1, Seq: seq, In: base + 27*ms, Accepted: true}
		a.Arrived(next)
		a.Replied(next, base+38*ms)
		late := time.Duration(0)
		if seq == 99 { // the slowest 1 %
			late = 400 * ms
		}
		a.Arrived(Receipt{Receiver: 2, Seq: seq, In: base + 51*ms + late, Accepted: true})
		a.Ended(0, seq, Acked, base+99*ms)
	}
	r := judge(t, chain, a.Share())
	for name, c := range map[string]struct {
		got, want time.Duration
	}{
		"lateness":        {quantile(r.Lateness, 50), 2 * ms},
		"acknowledgement": {quantile(r.Ack, 50), 89 * ms},
		"delivery":        {quantile(r.Delivery, 50), 41 * ms},
		"slowest":         {quantile(r.Delivery, 100), 441 * ms},
		"at step":         {quantile(r.Receivers[0].Delivery, 50), 5 * ms},
		"to step":         {quantile(r.Receivers[0].Transit, 50), 3 * ms},
		"in step":         {quantile(r.Receivers[0].Service, 50), 5 * ms},
		"to next":         {quantile(r.Receivers[1].Transit, 50), 7 * ms},
		"in next":         {quantile(r.Receivers[1].Service, 50), 11 * ms},
		"to sink":         {quantile(r.Receivers[2].Transit, 50), 13 * ms},
	} {
		if diff := (c.got - c.want).Abs(); diff > c.want/1000+time.Microsecond {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	parts := func(toSink time.Duration) []Part {
		return []Part{
			{"lateness", 2 * ms, false}, {"to step", 3 * ms, false}, {"in step", 5 * ms, true}, {"to next", 7 * ms, false},
			{"in next", 11 * ms, true}, {"to sink", toSink, false},
		}
	}
	if w := r.Typical; !reflect.DeepEqual(w.Parts, parts(13*ms)) || w.Mean != 41*ms || w.Events != 10 {
		t.Errorf("typical: %+v", w)
	}
	if w := r.Slowest; !reflect.DeepEqual(w.Parts, parts(413*ms)) || w.Mean != 441*ms || w.Events != 1 {
		t.Errorf("slowest: %+v", w)
	}
}

// TestDeliveryIsToTheLastReceipt: with several sinks, the latency is the slowest one's.
func TestDeliveryIsToTheLastReceipt(t *testing.T) {
	a := open(t, fan)
	play(t, a, "s0 a0 x:0 +10 y:0 s1 y:1 +4 x:1 s2 x:2")
	r := judge(t, fan, a.Share())
	if r.Delivery.TotalCount() != 2 || r.Delivery.Min() != 6000 || r.Delivery.ValueAtPercentile(100)/10 != 1300 {
		t.Errorf("%d deliveries from %d to %d µs, want 2 of 6 ms and 13 ms", r.Delivery.TotalCount(), r.Delivery.Min(), r.Delivery.Max())
	}
	if n := r.Receivers[0].Delivery.TotalCount(); n != 3 {
		t.Errorf("%d deliveries at x, want 3", n)
	}
	if len(r.Typical.Parts) == 0 || r.Untimed != 0 {
		t.Errorf("%+v, %d untimed", r.Typical, r.Untimed)
	}
}

func TestWarmUpIsAccountedForAndNotMeasured(t *testing.T) {
	c := one
	c.WarmUp = 5 * ms
	a := open(t, c)
	play(t, a, "s0 a0 +10 sink:0 s1 a1 sink:1 s2 a2") // 0 is due in the warm-up, and delivered after it
	r := judge(t, c, a.Share())
	if r.Events.Delivered != 2 || r.Events.Lost != 1 {
		t.Errorf("%+v, want 2 delivered and 1 lost", r.Events)
	}
	for name, n := range map[string]int64{
		"lateness": r.Lateness.TotalCount() - 1, "ack": r.Ack.TotalCount() - 1, "delivery": r.Delivery.TotalCount(),
		"receiver": r.Receivers[0].Delivery.TotalCount(),
	} {
		if n != 1 {
			t.Errorf("%s: %d recorded", name, n)
		}
	}
}

// TestDrain: an account tells when nothing is under way any more, and what it has to wait for.
func TestDrain(t *testing.T) {
	for name, c := range map[string]struct {
		config  Config
		history string
		want    uint64
	}{
		"nothing":                     {one, "", 0},
		"sent":                        {one, "s0", 1},
		"acknowledged":                {one, "s0 a0", 1},
		"delivered":                   {one, "s0 a0 sink:0", 0},
		"delivered first":             {one, "s0 sink:0", 0},
		"delivered, then told":        {one, "s0 sink:0 a0", 0},
		"refused":                     {one, "s0 q0", 0},
		"refused and delivered":       {one, "s0 q0 sink:0", 0},
		"delivered and refused":       {one, "s0 sink:0 q0", 0},
		"unknown":                     {one, "s0 u0", 0},
		"unknown and delivered":       {one, "s0 u0 sink:0", 0},
		"a failed attempt":            {one, "s0 a0 sink!0", 1},
		"a duplicate is no other":     {one, "s0 a0 s1 a1 sink:0 sink:0", 1},
		"half a fan-out":              {fan, "s0 a0 x:0", 1},
		"dead letter for half":        {fan, "s0 a0 x:0 dls:0", 0},
		"one dead letter of two":      {fan, "s0 a0 dls:0", 1},
		"both dead letters":           {fan, "s0 a0 dls:0 dls:0", 0},
		"at the first step":           {chain, "s0 a0 step:0", 1},
		"dead after the first step":   {chain, "s0 a0 step:0 next!0 dls:0", 0},
		"for nobody, unacknowledged":  {filtered, "s0", 1},
		"for nobody":                  {filtered, "s0 a0", 0},
		"for nobody, and came astray": {filtered, "s0 a0 odd:0", 0},
		"never sent":                  {one, "sink:3", 0},
	} {
		t.Run(name, func(t *testing.T) {
			a := open(t, c.config)
			play(t, a, c.history)
			if got := a.Live(0).InFlight; got != c.want {
				t.Errorf("%d in flight, want %d", got, c.want)
			}
			series := judge(t, c.config, a.Share()).Series
			if n := len(series); n > 0 && series[n-1].InFlight != c.want {
				t.Errorf("series ends with %d in flight, want %d", series[n-1].InFlight, c.want)
			}
		})
	}
}

func TestLive(t *testing.T) {
	a := open(t, fan)
	play(t, a, "s0 a0 x:0 y:0 s1 q1 s2 u2 s3 a3 x:3 x:3 dls:3 s4 a4")
	got := a.Live(1500 * ms)
	want := Live{
		Sent: 5, Acked: 3, Refused: 1, Unknown: 1, Delivered: 1, DeadLettered: 1, Duplicates: 1, InFlight: 1, Left: 4,
		Receipts: 5, Last: 13 * ms, P50: got.P50, P99: got.P99,
	}
	if got != want {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if got.P50.Round(100*time.Microsecond) != 3*ms || got.P99 < got.P50 {
		t.Errorf("p50 %v p99 %v, want 3 ms", got.P50, got.P99)
	}
	if l := a.Live(500 * ms); l.P50 != 0 {
		t.Errorf("p50 %v before the first interval is over", l.P50)
	}
}

func TestSeries(t *testing.T) {
	c := one
	c.Interval = 10 * ms
	a := open(t, c)
	play(t, a, "s0 a0 sink:0 s1 +20 a1 s2 q2 +10 sink:1")
	want := []Interval{
		{Start: 0, Offered: 2, Sent: 2, Acked: 1, Delivered: 1, InFlight: 1, P50: 2 * ms, P99: 2 * ms},
		{Start: 10 * ms, InFlight: 1},
		{Start: 20 * ms, Offered: 1, Sent: 1, Acked: 1, Errors: 1, InFlight: 1},
		{Start: 30 * ms, Delivered: 1, P50: 34 * ms, P99: 34 * ms},
	}
	got := judge(t, c, a.Share()).Series
	for i := range got { // of the series, latencies have two digits
		got[i].P50, got[i].P99 = got[i].P50.Round(ms), got[i].P99.Round(ms)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// TestForeignEvents: a process that only receives times by what the events carry.
func TestForeignEvents(t *testing.T) {
	a := open(t, one)
	a.Arrived(Receipt{Source: 1, Seq: 3, In: 30 * ms, Due: 10 * ms, Accepted: true})
	a.Arrived(Receipt{Source: 1, Seq: 4, In: 30 * ms, Accepted: true})
	r := judge(t, one, a.Share())
	if r.Delivery.TotalCount() != 1 || r.Delivery.Min()/100 != 200-1 && r.Delivery.Min() != 20000 || r.Untimed != 1 {
		t.Errorf("%d timed (%d µs), %d not", r.Delivery.TotalCount(), r.Delivery.Min(), r.Untimed)
	}
}

func TestStrangers(t *testing.T) {
	a := open(t, one)
	a.Stray(0, ms)
	a.Arrived(Receipt{Source: 2, In: ms, Accepted: true})
	a.Arrived(Receipt{Source: -1, In: ms, Accepted: true})
	a.Arrived(Receipt{Seq: 1 << 32, In: 2 * ms, Accepted: true})
	r := judge(t, one, a.Share())
	if at := r.Receivers[0]; at.Strays != 4 || at.Receipts != 4 || at.Delivered != 0 {
		t.Errorf("%+v, want 4 strays", at)
	}
	if l := a.Live(0); l.Receipts != 4 || l.Last != 2*ms {
		t.Errorf("%+v", l)
	}
}

// TestLongPauses: events whose due times are hours apart, and out of order, keep them.
func TestLongPauses(t *testing.T) {
	a := open(t, one)
	for seq, due := range []time.Duration{5 * time.Hour, 5*time.Hour - 10*time.Minute, 9 * time.Hour, 0} {
		a.Sent(0, uint64(seq), due, due)
		a.Arrived(Receipt{Seq: uint64(seq), In: due + 7*ms, Accepted: true})
		a.Ended(0, uint64(seq), Acked, due+3*ms)
	}
	r := judge(t, one, a.Share())
	if r.Delivery.Min() < 6990 || r.Delivery.ValueAtPercentile(100) > 7010 || r.Delivery.TotalCount() != 4 {
		t.Errorf("%d deliveries from %d to %d µs, want 4 of 7 ms", r.Delivery.TotalCount(), r.Delivery.Min(), r.Delivery.Max())
	}
	if r.Ack.Min() < 2990 || r.Ack.TotalCount() != 4 {
		t.Errorf("%d acknowledgements from %d µs, want 4 of 3 ms", r.Ack.TotalCount(), r.Ack.Min())
	}
}

// TestChunksAreForgotten: memory is held for what is under way, and what is lost.
func TestChunksAreForgotten(t *testing.T) {
	a := open(t, chain)
	const n = 50 << chunkBits
	for seq := range uint64(n) {
		a.Sent(0, seq, ms, ms)
		for r := range 3 {
			if seq == 5<<chunkBits && r == 2 {
				continue // one is lost
			}
			receipt := Receipt{Receiver: r, Seq: seq, In: ms, Accepted: true}
			a.Arrived(receipt)
			a.Replied(receipt, ms)
		}
		a.Ended(0, seq, Acked, ms)
	}
	kept := 0
	f := a.books[0].flights.Load()
	for seq := uint64(0); seq < n; seq += 1 << chunkBits {
		if c, _ := f.find(seq); c != nil {
			kept++
			if seq != 5<<chunkBits {
				t.Errorf("the chunk of event %d is kept", seq)
			}
		}
	}
	if kept != 1 {
		t.Errorf("%d chunks are kept, want that of the lost event", kept)
	}
	if e := judge(t, chain, a.Share()).Events; e.Delivered != n-1 || e.Lost != 1 {
		t.Errorf("%+v", e)
	}
}

func TestBadConfigurations(t *testing.T) {
	sink := Receiver{Name: "sink", Kind: Sink, After: Ingress}
	for want, c := range map[string]Config{
		"needs a source":      {Receivers: []Receiver{sink}},
		"needs a receiver":    {Sources: 1},
		"may be negative":     {Sources: 1, Receivers: []Receiver{sink}, WarmUp: -1},
		"at least one":        {Sources: 1, Receivers: []Receiver{sink}, Key: func(int, uint64) int { return 0 }},
		`kind "tap"`:          {Sources: 1, Receivers: []Receiver{{Kind: "tap"}}},
		"only a dead-letter":  {Sources: 1, Receivers: []Receiver{sink, {Kind: Sink, After: Ingress, Covers: []int{0}}}},
		"covers receiver 9":   {Sources: 1, Receivers: []Receiver{sink, {Kind: DeadLetter, Covers: []int{9}}}},
		"which is no step":    {Sources: 1, Receivers: []Receiver{sink, {Kind: Sink, After: 0}}},
		"in a circle":         {Sources: 1, Receivers: []Receiver{{Kind: Step, After: 1}, {Kind: Step, After: 0}}},
		"after receiver 7":    {Sources: 1, Receivers: []Receiver{{Kind: Sink, After: 7}}},
		"after receiver -2":   {Sources: 1, Receivers: []Receiver{{Kind: Sink, After: -2}}},
		"0 (own): the steps ": {Sources: 1, Receivers: []Receiver{{Name: "own", Kind: Step, After: 0}}},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
