package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/loadgen"
	text "github.com/sequitur-dev/sequitur/reports/terminal"
)

// loadView shows how a load run stands: some lines that are drawn anew on a terminal, a line now and then elsewhere. It is for
// one goroutine; a nil one shows nothing.
type loadView struct {
	w     io.Writer
	tty   bool
	width int
	name  string

	trial   string // what is shown
	phase   loadgen.Phase
	drawn   time.Time // when it was shown last
	lines   int       // drawn on the terminal
	past    []loadgen.Live
	history []float64 // events delivered per second, for the curve
}

const (
	redraw     = 100 * time.Millisecond
	rateWindow = time.Second     // over which rates are told
	lineEvery  = 2 * time.Second // at least, elsewhere than on a terminal
	curve      = 60              // values of the sparkline
)

func newLoadView(w io.Writer, tty bool, width int, name string) *loadView {
	return &loadView{w: w, tty: tty, width: max(width, 40), name: text.OneLine(name)}
}

// show is loadgen.Options.Watch.
func (v *loadView) show(l loadgen.Live) {
	now := time.Now()
	if l.Trial != v.trial || l.Elapsed < v.elapsed() {
		v.past, v.history = nil, nil
	}
	changed := l.Phase != v.phase || l.Trial != v.trial
	v.trial, v.phase = l.Trial, l.Phase
	if l.Phase != loadgen.SettingUp {
		v.keep(l)
	}
	every := redraw
	if !v.tty {
		every = max(lineEvery, l.Total/10)
		if l.Phase == loadgen.SettingUp {
			every = 5 * lineEvery
		}
	}
	if now.Sub(v.drawn) < every && (v.tty || !changed || l.Elapsed < redraw) {
		return
	}
	v.drawn = now
	if v.tty {
		v.draw(v.panel(l))
		return
	}
	fmt.Fprintln(v.w, v.line(l))
}

func (v *loadView) elapsed() time.Duration {
	if len(v.past) == 0 {
		return 0
	}
	return v.past[len(v.past)-1].Elapsed
}

// keep remembers a state as long as rates need it, and a value of the curve for each tenth of a second.
func (v *loadView) keep(l loadgen.Live) {
	if step := int(l.Elapsed / redraw); len(v.past) == 0 || step > int(v.elapsed()/redraw) {
		v.history = append(v.history, v.rates(l).delivered)
		v.history = v.history[max(0, len(v.history)-curve):]
	}
	v.past = append(v.past, l)
	for len(v.past) > 2 && l.Elapsed-v.past[1].Elapsed >= rateWindow {
		v.past = v.past[1:]
	}
}

// loadRates are events per second.
type loadRates struct{ offered, acked, delivered float64 }

func (v *loadView) rates(l loadgen.Live) loadRates {
	var before loadgen.Live
	if len(v.past) > 0 {
		before = v.past[0]
	}
	span := (l.Elapsed - before.Elapsed).Seconds()
	if span <= 0 {
		return loadRates{}
	}
	per := func(now, then uint64) float64 { return float64(now-min(now, then)) / span }
	return loadRates{per(l.Offered, before.Offered), per(l.Acked, before.Acked), per(l.Delivered+l.DeadLettered, before.Delivered+before.DeadLettered)}
}

func (v *loadView) title(l loadgen.Live) string {
	parts := []string{v.name}
	if l.Trial != "" {
		parts = append(parts, text.OneLine(l.Trial))
	} else if l.Schedule != "" {
		parts = append(parts, text.OneLine(l.Schedule))
	}
	return strings.Join(append(parts, string(l.Phase)), " · ")
}

func setUp(l loadgen.Live) string {
	if l.Ready > 0 || l.Applied == l.Objects {
		return fmt.Sprintf("%d of %d objects ready", l.Ready, l.Objects)
	}
	return fmt.Sprintf("%d of %d objects applied", l.Applied, l.Objects)
}

func failures(l loadgen.Live) uint64 { return l.Refused + l.Unknown }

func brief(d time.Duration) string {
	switch {
	case d == 0: // of nothing yet: the warm-up is in no figure
		return "–"
	case d >= 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.2f ms", float64(d)/1e6)
}

// line is a state in one line.
func (v *loadView) line(l loadgen.Live) string {
	if l.Phase == loadgen.SettingUp {
		return fmt.Sprintf("%s: %s", v.title(l), setUp(l))
	}
	r := v.rates(l)
	return fmt.Sprintf("%s: %.1f s, offered %.0f/s, acknowledged %.0f/s, delivered %.0f/s, in flight %d, p50 %s, p99 %s, errors %d",
		v.title(l), l.Elapsed.Seconds(), r.offered, r.acked, r.delivered, l.InFlight, brief(l.P50), brief(l.P99), failures(l))
}

// panel is a state as a terminal has it.
func (v *loadView) panel(l loadgen.Live) []string {
	if l.Phase == loadgen.SettingUp {
		return []string{v.title(l), "  " + setUp(l)}
	}
	r := v.rates(l)
	progress := fmt.Sprintf("%.1f of %.1f s", min(l.Elapsed, l.Total).Seconds(), l.Total.Seconds())
	lines := []string{
		v.title(l),
		fmt.Sprintf("  %s %s", bar(l.Elapsed, l.Total, 30), progress),
		fmt.Sprintf("  offered %8.0f/s   acknowledged %8.0f/s   delivered %8.0f/s", r.offered, r.acked, r.delivered),
		fmt.Sprintf("  in flight %8d   p50 %8s   p99 %8s   errors %d", l.InFlight, brief(l.P50), brief(l.P99), failures(l)),
	}
	if l.Duplicates+l.Unexpected > 0 {
		lines = append(lines, fmt.Sprintf("  received twice %d, by those that should not %d", l.Duplicates, l.Unexpected))
	}
	return append(lines, "  delivered "+spark(v.history))
}

func bar(done, of time.Duration, width int) string {
	filled := width
	if of > 0 {
		filled = int(min(of, done) * time.Duration(width) / of)
	}
	return strings.Repeat("█", filled) + strings.Repeat("░", width-filled)
}

// spark is a curve of values from 0 to the greatest.
func spark(values []float64) string {
	marks := []rune("▁▂▃▄▅▆▇█")
	most := 0.0
	for _, v := range values {
		most = max(most, v)
	}
	var b strings.Builder
	for _, v := range values {
		i := 0
		if most > 0 {
			i = min(len(marks)-1, int(v/most*float64(len(marks))))
		}
		b.WriteRune(marks[i])
	}
	return b.String()
}

// draw replaces what was drawn before, line by line: a terminal that keeps what is cleared would keep every state. A line that is
// longer than the terminal is wide is cut, or it would take two.
func (v *loadView) draw(lines []string) {
	var b strings.Builder
	if v.lines > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", v.lines)
	}
	for _, l := range lines {
		if r := []rune(l); len(r) >= v.width {
			l = string(r[:v.width-1])
		}
		b.WriteString("\r" + l + "\x1b[K\n")
	}
	if surplus := v.lines - len(lines); surplus > 0 {
		fmt.Fprintf(&b, "%s\x1b[%dA", strings.Repeat("\r\x1b[K\n", surplus), surplus)
	}
	v.lines = len(lines)
	fmt.Fprint(v.w, b.String())
}

// done removes what was drawn: the result says it better.
func (v *loadView) done() {
	if v != nil && v.tty && v.lines > 0 {
		v.draw(nil)
	}
}
