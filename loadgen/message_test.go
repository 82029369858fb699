package loadgen

import (
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sequitur-dev/sequitur/fixtures/event"
)

// decoded are the events of a request, as the project's own decoder reads them.
func decoded(t *testing.T, m *messages, r uint64, due time.Duration) (event.Mode, []*event.Event) {
	t.Helper()
	h, parts := m.request(r, due, due+time.Microsecond)
	data, err := io.ReadAll(&body{parts: parts})
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(data)) != length(parts) {
		t.Errorf("%d bytes, and the length is %d", len(data), length(parts))
	}
	mode, events, err := event.Decode(h, data)
	if err != nil {
		t.Fatalf("%v %s: %v", h, data[:min(200, len(data))], err)
	}
	return mode, events
}

func TestRequests(t *testing.T) {
	for _, mode := range []string{"binary", "structured", "batch"} {
		for _, contentType := range []string{"application/json", "text/plain"} {
			for _, size := range []string{"0", "2", "3", "1KiB", "100KiB", "{mix: {70000: 1}}"} {
				s := scenarioOf(t, "events={type: my.type, mode: "+mode+", contentType: "+contentType+", size: "+size+
					", attributes: {subject: a b%$seq%10, fixed: yes, lane: $seq}, keys: {count: 3}}")
				m := newMessages(s, "r1", 1, 2, true)
				got, events := decoded(t, m, 6, 1234*time.Microsecond)
				if got.String() != mode {
					t.Errorf("mode %v, want %s", got, mode)
				}
				seqs := []uint64{6}
				if mode == "batch" {
					seqs = []uint64{60, 61, 62, 63, 64, 65, 66, 67, 68, 69}
				}
				if len(events) != len(seqs) {
					t.Fatalf("%s: %d events, want %d", mode, len(events), len(seqs))
				}
				for i, e := range events {
					number := seqs[i]*2 + 1
					id := string(identity{"r1", 1, seqs[i]}.append(nil))
					want := map[string]string{"id": id, "loadid": id, "loaddue": "1234000", "loadsent": "1235000", "type": "my.type", "source": "/sequitur/load/1",
						"subject": "a b%" + text(number%10), "fixed": "yes", "lane": text(number), "partitionkey": "key-" + text(number%3)}
					bytes := map[string]int{"1KiB": 1024, "100KiB": 102400, "2": 2, "3": 3, "0": 0}[size]
					if strings.HasPrefix(size, "{") {
						bytes = 70000
					}
					if bytes > 0 {
						want["datacontenttype"] = contentType
					}
					for name, value := range want {
						if e.Attr(name) != value {
							t.Errorf("%s %s: %s is %q, want %q", mode, size, name, e.Attr(name), value)
						}
					}
					if len(e.Data) != bytes {
						t.Errorf("%s %s %s: %d bytes of data", mode, contentType, size, len(e.Data))
					}
				}
			}
		}
	}
}

func text(n uint64) string { return string(identity{seq: n}.append(nil)[3:]) }

func TestSizesAreDrawnBySeedAndNumberAlone(t *testing.T) {
	s := scenarioOf(t, "events.size={uniform: [1000, 2000]}")
	one, two := newMessages(s, "a", 0, 1, false), newMessages(s, "b", 1, 2, false)
	sum := 0.0
	for n := range uint64(2000) {
		sum += float64(one.size(n))
	}
	if mean := sum / 2000; math.Abs(mean-1500) > 20 {
		t.Errorf("the mean of uniform sizes from 1000 to 2000 is %v", mean)
	}
	if a, b := one.size(one.number(7)), two.size(two.number(3)); a != b {
		t.Errorf("event 7 has %d bytes if there is one source, and %d of two", a, b)
	}
	other := newMessages(scenarioOf(t, "events.size={uniform: [1000, 2000]}", "seed=2"), "a", 0, 1, false)
	if one.size(1) == other.size(1) && one.size(2) == other.size(2) {
		t.Error("another seed draws the same sizes")
	}
}

func TestIdentities(t *testing.T) {
	for id, want := range map[string]identity{
		"ab12-0-0":                      {"ab12", 0, 0},
		"ab12-3-4294967295":             {"ab12", 3, 4294967295},
		"ab12-3-4294967296":             {},
		"ab1-3-4":                       {},
		"ab123-3-4":                     {},
		"ab12-3":                        {},
		"ab12-3-":                       {},
		"ab12--4":                       {},
		"ab12-3-4.step":                 {},
		"ab12-3-9999999999999999999999": {},
		"":                              {},
	} {
		source, seq, ok := parseID([]byte(id), "ab12")
		if ok != (want.run != "") || ok && (source != want.source || seq != want.seq) {
			t.Errorf("%q: %d, %d, %v", id, source, seq, ok)
		}
		if want.run != "" && string(want.append(nil)) != id {
			t.Errorf("%v is written %s", want, want.append(nil))
		}
	}
}

func TestTimesThatAreCarried(t *testing.T) {
	for _, at := range []time.Duration{1, time.Millisecond, 999 * time.Second, 30 * 24 * time.Hour} {
		if got := carried([]byte(decimal(at))); got != at {
			t.Errorf("%v is read as %v", at, got)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	m := newMessages(scenarioOf(b), "r1", 0, 1, false)
	var h http.Header
	for i := range b.N {
		h, _ = m.request(uint64(i), 0, 0)
	}
	_ = h
	b.ReportAllocs()
}
