package account

import (
	"encoding/base64"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// act is what happens to one event of a schedule, the same whoever plays it.
type act struct {
	source int
	seq    uint64
}

// recorder is an account, or several.
type recorder interface {
	Sent(source int, seq uint64, due, at time.Duration)
	Ended(source int, seq uint64, o Outcome, at time.Duration)
	Arrived(r Receipt)
	Replied(r Receipt, out time.Duration)
	Stray(receiver int, at time.Duration)
}

// parted is a process that sends and one that receives; what one source sends carries its times.
type parted struct {
	*Account  // of the receivers
	sender    *Account
	due, sent time.Duration
}

func (p *parted) Sent(source int, seq uint64, due, at time.Duration) {
	p.due, p.sent = due, at
	p.sender.Sent(source, seq, due, at)
}

func (p *parted) Ended(source int, seq uint64, o Outcome, at time.Duration) {
	p.sender.Ended(source, seq, o, at)
}

func (p *parted) Arrived(r Receipt) { p.Account.Arrived(p.carried(r)) }

func (p *parted) Replied(r Receipt, out time.Duration) { p.Account.Replied(p.carried(r), out) }

func (p *parted) carried(r Receipt) Receipt {
	r.Due, r.Sent = p.due, p.sent
	return r
}

// faulty plays events as a faulty target would treat them: the fate of each follows from its number. Events of one source
// are played in order, so that it makes no difference who else plays.
func faulty(a recorder, e act, r *rand.Rand) {
	due := time.Duration(e.seq+1) * 200_123 // none at 0, which to receivers means that they know
	now := due
	later := func(mean time.Duration) time.Duration {
		now += time.Duration(float64(mean) * (0.2 + r.ExpFloat64()))
		return now
	}
	a.Sent(e.source, e.seq, due, later(50*time.Microsecond))
	fate := r.IntN(1000)
	switch {
	case fate < 3:
		a.Ended(e.source, e.seq, Throttled, later(ms))
		return
	case fate < 6:
		a.Ended(e.source, e.seq, Unknown, later(ms))
		if fate < 4 {
			return
		}
	default:
		a.Ended(e.source, e.seq, Acked, later(ms))
	}
	for at := range 3 {
		receipt := Receipt{Receiver: at, Source: e.source, Seq: e.seq, In: later(ms)}
		if fate > 900 && fate < 930 && at == 1 {
			a.Arrived(receipt) // to be retried
			receipt.In = later(ms)
		}
		switch {
		case fate == 10+at:
			return // lost here
		case fate == 20+at:
			for range 3 {
				a.Arrived(receipt)
			}
			receipt.Receiver, receipt.Accepted = 3, true
			a.Arrived(receipt) // dead
			return
		}
		receipt.Accepted = true
		a.Arrived(receipt)
		if fate == 30+at {
			a.Arrived(receipt) // twice
		}
		a.Replied(receipt, later(2*ms))
	}
	if fate == 40 {
		a.Stray(2, now)
	}
}

// schedule is the events of some sources of a run, enough of them for more than a page.
const events = 210_000

func three() Config {
	c := chain
	c.Sources, c.WarmUp = 3, 100*ms
	c.Key, c.Keys = func(_ int, seq uint64) int { return int(seq % 7) }, 7
	return c
}

func play3(t *testing.T, sources ...int) *Share {
	a := open(t, three())
	playAll(events/3, func(int) recorder { return a }, sources...)
	return a.Share()
}

// playAll plays so many events of each source.
func playAll(n uint64, of func(source int) recorder, sources ...int) {
	var wg sync.WaitGroup
	for _, source := range sources {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(42, uint64(source)))
			for seq := range n {
				faulty(of(source), act{source, seq}, r)
			}
		})
	}
	wg.Wait()
}

// TestMergedIsSingle: three accounts of a source each, shipped and merged, judge as one account of all three does.
func TestMergedIsSingle(t *testing.T) {
	single := play3(t, 0, 1, 2)
	var shares []*Share
	for source := range 3 {
		data, err := play3(t, source).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		s := new(Share)
		if err := s.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		shares = append(shares, s)
	}
	merged, err := Merge(shares...)
	if err != nil {
		t.Fatal(err)
	}
	c := chain
	c.Sources = 3
	want, got := judge(t, c, single), judge(t, c, merged)
	if e := want.Events; e.Lost == 0 || e.Duplicated == 0 || e.DeadLettered == 0 || e.Recovered == 0 || e.Vanished == 0 || e.Throttled == 0 || e.Sent != events/3*3 {
		t.Fatalf("the schedule shows too little: %+v", e)
	}
	same(t, want, got)

	backwards, err := Merge(shares[2], merged)
	if err != nil {
		t.Fatal(err)
	}
	if again := judge(t, c, backwards).Events; again.Sent != want.Events.Sent || again.Duplicated <= want.Events.Duplicated {
		t.Errorf("a source counted in two processes must show as duplicates: %+v", again)
	}
	if third := judge(t, c, merged).Events; third != want.Events {
		t.Error("merging changed what was merged")
	}
}

// TestPartedIsSingle: what three processes send and a fourth receives is judged as if one had done it all, with several sinks and
// with events that nobody expects.
func TestPartedIsSingle(t *testing.T) {
	for name, expect := range map[string]func(source int, seq uint64) *Set{
		"a sink": nil,
		"two sinks, or none": func(_ int, seq uint64) *Set {
			return [...]*Set{NewSet(0, 1), NewSet(0, 1, 2), nobody, NewSet(1, 2)}[seq%4]
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := three()
			if expect != nil {
				c.Receivers = slices.Clone(c.Receivers)
				c.Receivers[1].Kind, c.Receivers[2].After = Sink, 0
				c.Expect = expect
			}
			one, receivers := open(t, c), open(t, c)
			playAll(20_000, func(int) recorder { return one }, 0, 1, 2)
			var apart []*parted
			for range 3 {
				sends := c
				sends.Gone = receivers.Depart
				apart = append(apart, &parted{Account: receivers, sender: open(t, sends)})
			}
			playAll(20_000, func(source int) recorder { return apart[source] }, 0, 1, 2)
			merged, err := Merge(receivers.Share(), apart[0].sender.Share(), apart[1].sender.Share(), apart[2].sender.Share())
			if err != nil {
				t.Fatal(err)
			}
			want, got := judge(t, c, one.Share()), judge(t, c, merged)
			if want.Delivery.TotalCount() == 0 || want.Slowest.Events == 0 || len(want.Slowest.Parts) < 4 || want.Events.Lost == 0 {
				t.Fatalf("the schedule shows too little: %+v %+v", want.Events, want.Slowest)
			}
			same(t, want, got)
		})
	}
}

// TestEachLeavesOnce: an event leaves once whoever learns of its end, and in whichever order the one who sends and the one who receives
// do.
func TestEachLeavesOnce(t *testing.T) {
	for name, c := range map[string]struct {
		history string
		left    uint64
	}{
		"delivered":                   {"s1 a1 odd:1", 1},
		"acknowledged, on its way":    {"s1 a1", 0},
		"unknown":                     {"s1 u1", 1},
		"unknown, and comes":          {"s1 u1 odd:1", 1},
		"comes, and then is unknown":  {"s1 odd:1 u1", 1},
		"refused":                     {"s1 r1 s2 q2 s3 e3", 3},
		"refused, and comes":          {"s1 r1 odd:1", 1},
		"comes, and then is refused":  {"s1 odd:1 r1", 1},
		"for nobody":                  {"s10 a10 s20 u20 s30 r30", 3},
		"for nobody, and comes":       {"s10 u10 odd:10", 1},
		"unknown, and comes astray":   {"s1 u1 even:1", 1},
		"comes again, and is unknown": {"s1 odd:1 odd:1 u1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			receivers := open(t, filtered)
			sends := filtered
			sends.Gone = receivers.Depart
			p := &parted{Account: receivers, sender: open(t, sends)}
			now := time.Duration(0)
			for word := range strings.FieldsSeq(c.history) {
				now += ms
				if name, seq, ok := strings.Cut(word, ":"); ok {
					n, _ := strconv.ParseUint(seq, 10, 64)
					p.Arrived(Receipt{Receiver: map[string]int{"even": 0, "odd": 1}[name], Seq: n, In: now, Accepted: true})
					continue
				}
				n, _ := strconv.ParseUint(word[1:], 10, 64)
				if word[0] == 's' {
					p.Sent(0, n, now, now)
					continue
				}
				p.Ended(0, n, map[byte]Outcome{'a': Acked, 'r': Refused, 'q': Throttled, 'e': ServerError, 'u': Unknown}[word[0]], now)
			}
			if left := p.sender.Live(now).Left + receivers.Live(now).Left; left != c.left {
				t.Errorf("%d have left, want %d", left, c.left)
			}
			merged, err := Merge(receivers.Share(), p.sender.Share())
			if err != nil {
				t.Fatal(err)
			}
			r := judge(t, filtered, merged)
			if flying := r.Series[len(r.Series)-1].InFlight; flying != r.Events.Sent-c.left {
				t.Errorf("%d of %d are in flight at the end, want %d", flying, r.Events.Sent, r.Events.Sent-c.left)
			}
		})
	}
}

// TestBareEvents: events of another process that lost their times on the way are delivered and leave as others do; they have no
// latency.
func TestBareEvents(t *testing.T) {
	c := fan
	c.Elsewhere = true
	sender, receivers := open(t, fan), open(t, c)
	play(t, sender, "s1 a1 s2 a2 s3 a3 s4 a4 s5 a5")
	play(t, receivers, "+10 x:1 y:1 y:2 x:2 x:2 x:3 y:4 dls:4")
	l := receivers.Live(time.Second)
	if l.Delivered != 2 || l.DeadLettered != 1 || l.Left != 3 {
		t.Errorf("%+v", l)
	}
	merged, err := Merge(sender.Share(), receivers.Share())
	if err != nil {
		t.Fatal(err)
	}
	r := judge(t, c, merged)
	if s := r.Series[0]; s.Delivered != 2 || s.DeadLettered != 1 || s.InFlight != 2 || r.Untimed != 6 || r.Delivery.TotalCount() != 0 {
		t.Errorf("%+v, %d receipts and %d deliveries in no latency", s, r.Untimed, r.Delivery.TotalCount())
	}
	if e := r.Events; e.Delivered != 2 || e.Lost != 2 || e.DeadLettered != 1 {
		t.Errorf("%+v", e)
	}
}

// TestVouch: what came of a source that did not tell of it was sent, and how that ended is not known; of other sources nothing changes.
func TestVouch(t *testing.T) {
	c := fan
	c.Sources = 3
	sender, receivers := open(t, c), open(t, c)
	play(t, sender, "s1 a1 s2 u2 s1/0 a1/0")
	play(t, receivers, "x:1 y:1 x:2 x:3 y:3 y:3 x:4 x:2/2 y:2/2 x:1/9")
	merged, err := Merge(sender.Share(), receivers.Share())
	if err != nil {
		t.Fatal(err)
	}
	before := judge(t, c, merged)
	vouched, added := merged.Vouch(0)
	if want := (Events{Sent: 5, Acked: 2, Unknown: 1, Unanswered: 2, Delivered: 1, Lost: 1, Recovered: 3, Duplicated: 1, NeverSent: 2}); added != 2 || judge(t, c, vouched).Events != want {
		t.Errorf("%d added: %+v\nwant 2: %+v", added, judge(t, c, vouched).Events, want)
	}
	vouched, added = vouched.Vouch(2) // which told nothing
	if e := judge(t, c, vouched).Events; added != 1 || e.Sent != 6 || e.Unanswered != 3 || e.NeverSent != 1 {
		t.Errorf("%d added: %+v", added, e)
	}
	if _, added := vouched.Vouch(2); added != 0 {
		t.Errorf("%d added again", added)
	}
	if after := judge(t, c, merged); after.Events != before.Events {
		t.Error("the share changed")
	}
	if data, err := vouched.MarshalBinary(); err != nil || new(Share).UnmarshalBinary(data) != nil {
		t.Error("the share cannot be shipped any more")
	}
}

// TestShareInTheMiddle: what is shared while events go on adds up.
func TestShareInTheMiddle(t *testing.T) {
	a := open(t, one)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for seq := range uint64(300_000) {
			a.Sent(0, seq, ms, ms)
			a.Ended(0, seq, []Outcome{Acked, Refused, Throttled, ServerError, Unknown}[seq%5], ms)
		}
	}()
	for again := true; again; {
		select {
		case <-over:
			again = false
		default:
		}
		e := judge(t, one, a.Share()).Events
		if e.Refused > e.Sent || e.Sent != e.Acked+e.Refused+e.Throttled+e.ServerErrors+e.Unknown+e.Unanswered {
			t.Fatalf("%+v", e)
		}
	}
}

// TestReceiptsAtOnce: the receipts of an event of another process come at once, at many receivers, and all count.
func TestReceiptsAtOnce(t *testing.T) {
	const n, sinks = 3 << chunkBits, 8
	c := Config{Sources: 1}
	for i := range sinks {
		c.Receivers = append(c.Receivers, Receiver{Name: strconv.Itoa(i), Kind: Sink, After: Ingress})
	}
	a := open(t, c)
	var wg sync.WaitGroup
	for at := range sinks {
		wg.Go(func() {
			for seq := range uint64(n) {
				due := time.Duration(seq+1) * ms
				a.Arrived(Receipt{Receiver: at, Seq: seq, Due: due, Sent: due, In: due + time.Duration(1+at)*ms, Accepted: true})
			}
		})
	}
	wg.Wait()
	r := judge(t, c, a.Share())
	if d := r.Delivery; d.TotalCount() != n || r.Untimed != 0 {
		t.Errorf("%d of %d events are timed, %d receipts are not", d.TotalCount(), n, r.Untimed)
	}
	for seq := uint64(0); seq < n; seq += 1 << chunkBits {
		if c, _ := a.books[0].open().find(seq); c != nil {
			t.Errorf("the chunk of event %d is kept", seq)
		}
	}
}

// same compares results, histograms by their encoding: count for count.
func same(t *testing.T, want, got *Result) {
	t.Helper()
	if want.Events != got.Events {
		t.Errorf("events %+v\nwant %+v", got.Events, want.Events)
	}
	w, g := reflect.ValueOf(*want), reflect.ValueOf(*got)
	for i := range w.NumField() {
		if name := w.Type().Field(i).Name; name != "Receivers" && !reflect.DeepEqual(plain(w.Field(i)), plain(g.Field(i))) {
			t.Errorf("%s: %+v\nwant %+v", name, plain(g.Field(i)), plain(w.Field(i)))
		}
	}
	for r := range want.Receivers {
		w, g := reflect.ValueOf(want.Receivers[r]), reflect.ValueOf(got.Receivers[r])
		for i := range w.NumField() {
			if !reflect.DeepEqual(plain(w.Field(i)), plain(g.Field(i))) {
				t.Errorf("%s %s: %+v\nwant %+v", want.Receivers[r].Name, w.Type().Field(i).Name, plain(g.Field(i)), plain(w.Field(i)))
			}
		}
	}
}

func plain(v reflect.Value) any {
	if h, ok := v.Interface().(interface{ Encode() ([]byte, error) }); ok {
		text, err := h.Encode()
		if err != nil {
			return err
		}
		return string(text)
	}
	return v.Interface()
}

// TestSplitSourcesMergeByCount: what one process sent and others received counts exactly, whoever saw what.
func TestSplitSourcesMergeByCount(t *testing.T) {
	sender, left, right := open(t, fan), open(t, fan), open(t, fan)
	play(t, sender, "s0 a0 s1 a1 s2 a2 s3 u3 s4 a4")
	play(t, left, "x:0 y:1 x:2 x:4 x:9")
	play(t, right, "y:0 x:1 x:3 x:4 y:4")
	merged, err := Merge(left.Share(), sender.Share(), right.Share())
	if err != nil {
		t.Fatal(err)
	}
	r := judge(t, fan, merged)
	want := Events{Sent: 5, Acked: 4, Unknown: 1, Delivered: 3, Lost: 1, Recovered: 1, Duplicated: 1, WrongFanOut: 1, NeverSent: 1}
	if r.Events != want {
		t.Errorf("%+v\nwant %+v", r.Events, want)
	}
	if got := lists(r); got != "x duplicated 4-4, x never 9-9, y lost 2-2" {
		t.Errorf("lists %q", got)
	}
	if n := r.Receivers[0].Duplicates; n != 1 {
		t.Errorf("%d duplicates at x, want 1", n)
	}
}

func TestOnlySharesOfOneRunMerge(t *testing.T) {
	if _, err := Merge(); err == nil {
		t.Error("nothing was merged")
	}
	for name, c := range map[string]Config{
		"receivers": fan, "sources": {Sources: 1, Receivers: one.Receivers}, "warm-up": {Sources: 2, Receivers: one.Receivers, WarmUp: 1},
		"interval": {Sources: 2, Receivers: one.Receivers, Interval: 1},
	} {
		if _, err := Merge(open(t, one).Share(), open(t, c).Share()); err == nil || !strings.Contains(err.Error(), "different runs") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := open(t, one).Share().Judge(fan); err == nil {
		t.Error("a share was judged by another configuration")
	}
}

func encoded(t testing.TB, a *Account) []byte {
	data, err := a.Share().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestBrokenSharesAreRefused(t *testing.T) {
	a := open(t, chain)
	play(t, a, "s0 a0 step:0 next:0 sink:0 s1 a1 step!1 dls:1")
	good := string(encoded(t, a))
	if err := new(Share).UnmarshalBinary([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"empty":              "",
		"cut off":            good[:len(good)-2],
		"more":               good + "{}",
		"another version":    strings.Replace(good, `"version":1`, `"version":2`, 1),
		"another format":     strings.Replace(good, format, "x", 1),
		"unknown field":      strings.Replace(good, `"version":1`, `"version":1,"x":1`, 1),
		"a receiver less":    strings.Replace(good, `,{"name":"dls","kind":"dead-letter","after":0}`, "", 1),
		"a bad bitmap":       strings.Replace(good, `"sent":"`, `"sent":"AAAA`, 1),
		"a bad histogram":    strings.Replace(good, `"ack":"H`, `"ack":"J`, 1),
		"no such source":     strings.Replace(good, `"books":[{"source":0`, `"books":[{"source":1`, 1),
		"no such receiver":   strings.Replace(good, `"receiver":3`, `"receiver":4`, 1),
		"no order":           strings.Replace(good, `"receiver":1`, `"receiver":0`, 1),
		"too few attempts":   strings.Replace(good, `"attempts":[1,`, `"attempts":[`, 1),
		"an odd row":         strings.Replace(good, `"parts":[`, `"parts":[1,`, 1),
		"a far-off interval": strings.Replace(good, `"series":[{"index":0`, `"series":[{"index":2000000`, 1),
		"no interval":        strings.Replace(good, `"interval":1000000000`, `"interval":0`, 1),
	} {
		if data == good {
			t.Errorf("%s: the test broke nothing in %s", name, good)
		}
		if err := new(Share).UnmarshalBinary([]byte(data)); err == nil || !strings.HasPrefix(err.Error(), "read a share of a load run: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzShare: nothing makes the decoder panic, and what it takes can be merged, judged and written again.
func FuzzShare(f *testing.F) {
	for _, history := range []string{"", "s0 a0 step:0 next:0 sink:0", "s0 a0 step!0 step:0 dls:0 s1 u1 sink:1 sink:1 sink:0"} {
		a, err := New(chain)
		if err != nil {
			f.Fatal(err)
		}
		play(f, a, history)
		f.Add(encoded(f, a))
	}
	f.Add([]byte("{}"))
	f.Fuzz(useShare)
}

// FuzzParts puts bitmaps and histograms into a share that is good otherwise, as JSON keeps a fuzzer away from them.
func FuzzParts(f *testing.F) {
	a, err := New(chain)
	if err != nil {
		f.Fatal(err)
	}
	play(f, a, "s0 a0 step:0 next:0 sink:0 s1 a1")
	s := a.Share()
	sent, err := s.Books[0].Sent.ToBytes()
	if err != nil {
		f.Fatal(err)
	}
	runs := roaring.New()
	runs.AddRange(10, 1<<32)
	runs.RunOptimize()
	many, err := runs.ToBytes()
	if err != nil {
		f.Fatal(err)
	}
	text, err := s.Ack.Encode()
	if err != nil {
		f.Fatal(err)
	}
	histogram, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sent, sent, histogram, 1)
	f.Add(many, sent, histogram, maxIntervals-1)
	frame := strings.NewReplacer(
		`"sent":"`+base64.StdEncoding.EncodeToString(sent), `"sent":"SENT`, `"seen":"`+base64.StdEncoding.EncodeToString(sent), `"seen":"SEEN`,
		`"ack":"`+string(text), `"ack":"ACK`, `"index":0`, `"index":INDEX`).Replace(string(encoded(f, a)))
	f.Fuzz(func(t *testing.T, sent, seen, histogram []byte, index int) {
		useShare(t, []byte(strings.NewReplacer("SENT", base64.StdEncoding.EncodeToString(sent), "SEEN", base64.StdEncoding.EncodeToString(seen),
			"ACK", base64.StdEncoding.EncodeToString(histogram), "INDEX", strconv.Itoa(index)).Replace(frame)))
	})
}

func useShare(t *testing.T, data []byte) {
	s := new(Share)
	if s.UnmarshalBinary(data) != nil {
		return
	}
	double, err := Merge(s, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, share := range []*Share{s, double} {
		if _, err := share.Judge(Config{Sources: s.Sources, Receivers: s.Receivers}); err != nil {
			t.Fatal(err)
		}
		out, err := share.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := new(Share).UnmarshalBinary(out); err != nil {
			t.Fatalf("what was written is refused: %v", err)
		}
	}
}
