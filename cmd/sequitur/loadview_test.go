package main

import (
	"strings"
	"testing"
	"time"

	"github.com/sequitur-dev/sequitur/loadgen"
	"github.com/sequitur-dev/sequitur/loadgen/account"
)

func TestLoadView(t *testing.T) {
	at := func(seconds float64, offered, acked, delivered uint64) loadgen.Live {
		return loadgen.Live{
			Live:  account.Live{Acked: acked, Delivered: delivered, InFlight: offered - delivered, Refused: 3, P50: 1500 * time.Microsecond, P99: 42 * time.Millisecond},
			Phase: loadgen.Measuring, Schedule: "constant 200/s", Offered: offered, Elapsed: time.Duration(seconds * 1e9), Total: 4 * time.Second,
		}
	}
	var out strings.Builder
	v := newLoadView(&out, false, 0, "sequence-3")
	v.show(loadgen.Live{Phase: loadgen.SettingUp, Applied: 1, Objects: 3})
	for i := range 21 {
		n := uint64(i) * 20
		v.show(at(float64(i)/10, n, n*9/10, n/2))
	}
	last := at(2, 400, 360, 200)
	if got, want := v.line(last), "sequence-3 · constant 200/s · measuring: 2.0 s, offered 200/s, acknowledged 180/s, delivered 100/s, in flight 200, p50 1.50 ms, p99 42 ms, errors 3"; got != want {
		t.Errorf("line\n got %s\nwant %s", got, want)
	}
	early := at(1, 200, 180, 100)
	early.P50, early.P99 = 0, 0
	if got := v.line(early); !strings.Contains(got, "p50 –, p99 –,") {
		t.Errorf("before anything is measured: %s", got)
	}
	if got := out.String(); !strings.HasPrefix(got, "sequence-3 · setting up: 1 of 3 objects applied\n") {
		t.Errorf("written was %q", got)
	}
	panel := strings.Join(v.panel(last), "\n")
	want := `sequence-3 · constant 200/s · measuring
  ███████████████░░░░░░░░░░░░░░░ 2.0 of 4.0 s
  offered      200/s   acknowledged      180/s   delivered      100/s
  in flight      200   p50  1.50 ms   p99    42 ms   errors 3
  delivered ▁████████████████████`
	if panel != want {
		t.Errorf("panel\n%s\nwant\n%s", panel, want)
	}

	out.Reset()
	v = newLoadView(&out, true, 50, "x")
	v.draw([]string{"one", strings.Repeat("2", 60), "three"})
	v.draw([]string{"four"})
	v.done()
	screen := "\rone\x1b[K\n\r" + strings.Repeat("2", 49) + "\x1b[K\n\rthree\x1b[K\n" +
		"\x1b[3A\rfour\x1b[K\n\r\x1b[K\n\r\x1b[K\n\x1b[2A" + "\x1b[1A\r\x1b[K\n\x1b[1A"
	if out.String() != screen {
		t.Errorf("drawn was %q, want %q", out.String(), screen)
	}
	(*loadView)(nil).done()
}
