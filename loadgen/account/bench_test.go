package account

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// steady plays event seq as a healthy target treats it: sent on time, acknowledged after 1 ms, through two steps to the
// sink. It is all that the accounting sees of one event.
func steady(a *Account, seq uint64) {
	due := time.Duration(seq) * 20 * time.Microsecond
	jitter := time.Duration(seq*2654435761%1021) * time.Microsecond
	a.Sent(0, seq, due, due+jitter/100)
	a.Ended(0, seq, Acked, due+ms+jitter)
	in := due + 2*ms + jitter
	for at := range 2 {
		r := Receipt{Receiver: at, Seq: seq, In: in, Accepted: true}
		a.Arrived(r)
		a.Replied(r, in+ms+jitter)
		in += 2*ms + jitter
	}
	a.Arrived(Receipt{Receiver: 2, Seq: seq, In: in, Accepted: true})
}

// BenchmarkEvent is the cost of one event with two steps and a sink: seven calls.
func BenchmarkEvent(b *testing.B) {
	a := account(b, chain)
	b.ReportAllocs()
	seq, before := uint64(0), cpu(b)
	for b.Loop() {
		steady(a, seq)
		seq++
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
}

// cpu is the processor time that the process took so far, which a busy machine does not lengthen.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEventParallel is BenchmarkEvent on all processors at once.
func BenchmarkEventParallel(b *testing.B) {
	a := account(b, chain)
	var seq atomic.Uint64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			steady(a, seq.Add(1)-1)
		}
	})
}

func BenchmarkFanOut100(b *testing.B) {
	c := Config{Sources: 1}
	for i := range 100 {
		c.Receivers = append(c.Receivers, Receiver{Name: strconv.Itoa(i), Kind: Sink, After: Ingress})
	}
	a := account(b, c)
	seq := uint64(0)
	for b.Loop() {
		due := time.Duration(seq) * time.Millisecond
		a.Sent(0, seq, due, due)
		a.Ended(0, seq, Acked, due+ms)
		for r := range c.Receivers {
			a.Arrived(Receipt{Receiver: r, Seq: seq, In: due + time.Duration(r)*ms, Accepted: true})
		}
		seq++
	}
}

// BenchmarkMemory accounts for 20 million events and reports the resident memory at most and the time of the verdict. One
// iteration is the whole run: use -benchtime 1x. That everything is acknowledged and lost is the worst case: nothing can be
// forgotten, and the garbage collector doubles what is kept unless GOMEMLIMIT says otherwise.
func BenchmarkMemory(b *testing.B) {
	const events = 20_000_000
	for name, lose := range map[string]func(seq uint64) bool{
		"healthy":    func(uint64) bool { return false },
		"lossy":      func(seq uint64) bool { return seq%10_000 == 77 },
		"everything": func(uint64) bool { return true },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				clearPeak(b)
				a := account(b, chain)
				start := time.Now()
				for seq := range uint64(events) {
					if lose(seq) {
						due := time.Duration(seq) * 20 * time.Microsecond
						a.Sent(0, seq, due, due)
						a.Ended(0, seq, Acked, due+ms)
						continue
					}
					steady(a, seq)
				}
				b.ReportMetric(float64(time.Since(start).Nanoseconds())/events, "ns/event")
				s := a.Share()
				start = time.Now()
				r, err := s.Judge(chain)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(time.Since(start).Milliseconds()), "ms/verdict")
				if r.Events.Sent != events || r.Events.Delivered+r.Events.Lost != events {
					b.Fatalf("%+v", r.Events)
				}
				data, err := s.MarshalBinary()
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(data))/1024, "KiB/share")
				peak := peak(b)
				b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
				b.ReportMetric(float64(peak)/events, "B/event")
				b.ReportMetric(0, "ns/op")
				runtime.KeepAlive(a)
			}
		})
	}
}

func account(b *testing.B, c Config) *Account {
	b.Helper()
	a, err := New(c)
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// clearPeak forgets the process's peak of resident memory, and returns what earlier benchmarks left.
func clearPeak(b *testing.B) {
	b.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Skipf("the peak of resident memory cannot be told here: %v", err)
	}
}

// peak is the most resident memory since clearPeak, in bytes.
func peak(b *testing.B) uint64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" {
			kib, err := strconv.ParseUint(fields[1], 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return kib << 10
		}
	}
	b.Fatal("no VmHWM in /proc/self/status")
	return 0
}
