package loadgen

import (
	"math"
	"net"
	"testing"
	"time"

	"github.com/sequitur-dev/sequitur/loadgen/scenario"
)

// TestReceiversEndAtOnce ends servers at whatever point of their beginning they are.
func TestReceiversEndAtOnce(t *testing.T) {
	s, err := scenario.Load("sequence-3")
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := newReceivers(l, "http://"+l.Addr().String(), s).close(); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzIdentify: whatever comes to a receiver in structured mode or as a batch, only events that can be accounted for are found in
// it, and those that were sent are found again.
func FuzzIdentify(f *testing.F) {
	f.Add([]byte(`{"id":"r1-0-7","loadid":"r1-0-7","loaddue":"12","loadsent":"13","data":"x"}`), uint32(7), int64(12))
	f.Add([]byte(`[{"loadid":"r1-0-1"},{"loadid":"r1-0-2","loaddue":9},{"loadid":"r1-1-99999999999"}]`), uint32(0), int64(1))
	f.Add([]byte(`[{"loadid" : "r0-0-1"},"loadid",{"id":"r1-`), uint32(1<<31), int64(1)<<50)
	batch := newMessages(scenarioOf(f, "events={mode: batch, batch: 3, size: 10B}"), "r1", 1, 2, true)
	f.Fuzz(func(t *testing.T, text []byte, seq uint32, due int64) {
		run := &reception{run: "r1", sources: 2}
		a := run.identifyBody(text)
		found := a.more
		if a.known {
			found = append(found, a.who)
		}
		for _, w := range found {
			if w.source < 0 || w.seq > math.MaxUint32 || w.due < 0 || w.sent < 0 {
				t.Errorf("%q: %+v", text, w)
			}
		}
		if due < 1 || due >= 1e18 || seq > math.MaxUint32-3 {
			return
		}
		want := who{source: 1, seq: uint64(seq) / 3 * 3, due: time.Duration(due), sent: time.Duration(due)}
		_, parts := batch.request(uint64(seq)/3, want.due, want.sent)
		a = run.identifyBody(flatten(parts, length(parts)))
		if !a.known || a.who != want || len(a.more) != 2 || a.more[1].seq != want.seq+2 || a.more[1].due != want.due {
			t.Errorf("event %d of a batch, due at %d: %+v", seq, due, a)
		}
	})
}
