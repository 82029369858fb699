package reports

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/reports/terminal"
)

// Progress shows how far a run is. On a terminal it keeps one live line; elsewhere it writes a line for each failure at
// once and one for about each tenth of the run. All methods may be called by several goroutines; a nil Progress, and one
// made quiet, show nothing. What cannot be written is lost: progress is a comfort, not a result.
type Progress struct {
	w     io.Writer
	total int
	tty   bool

	mu       sync.Mutex
	start    time.Time
	done     int
	failures int
	running  []string // begun and not yet stepped, oldest first
	last     string   // the latest step, shown if nothing is known to be running
	tenth    int      // tenths already told
	closed   bool

	stop    chan struct{} // closed by Done; nil if there is no ticker
	stopped chan struct{} // closed when the ticker's goroutine has ended
}

const (
	redraw        = 100 * time.Millisecond // the eye needs no more, and slow terminals suffer from it
	barWidth      = 20
	progressWidth = 79 // a line that wraps could not be redrawn in place; every terminal has 80 columns
	clearLine     = "\r\x1b[K"
)

// NewProgress starts showing the progress of a run of total steps. On a terminal a goroutine redraws the line until Done.
func NewProgress(w io.Writer, tty bool, total int, quiet bool) *Progress {
	if quiet {
		return nil
	}
	p := &Progress{w: w, total: total, tty: tty, start: time.Now()}
	if tty {
		p.stop, p.stopped = make(chan struct{}), make(chan struct{})
		p.draw()
		go p.tick()
	}
	return p
}

func (p *Progress) tick() {
	defer close(p.stopped)
	ticker := time.NewTicker(redraw)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
			p.mu.Lock()
			p.draw()
			p.mu.Unlock()
		}
	}
}

// Begin tells that a step is under way, so that a hanging one can be seen. It is optional.
func (p *Progress) Begin(name string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = append(p.running, terminal.OneLine(name))
}

// Step tells that a step has ended. Failed and harness-error count as failures.
func (p *Progress) Step(name string, v verdict.Verdict) {
	if p == nil {
		return
	}
	name = terminal.OneLine(name)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.done++
	p.last = name
	for i, running := range p.running {
		if running == name {
			p.running = append(p.running[:i], p.running[i+1:]...)
			break
		}
	}
	failure := v >= verdict.Failed
	if failure {
		p.failures++
	}
	if p.tty {
		return // the ticker draws, which bounds the redraws
	}
	if failure {
		p.writef("%s: %s\n", v, name)
	}
	if p.total <= 0 {
		return
	}
	if tenth := 10 * p.done / p.total; tenth > p.tenth {
		p.tenth = tenth
		p.writef("%s\n", p.count())
	}
}

// Note writes a line of text that stays.
func (p *Progress) Note(text string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.tty || p.closed {
		p.writef("%s\n", terminal.OneLine(text))
		return
	}
	p.writef("%s%s\n", clearLine, terminal.OneLine(text))
	p.draw()
}

// Done ends the display, removes the live line and waits for the goroutine. Further calls do nothing.
func (p *Progress) Done() {
	if p == nil {
		return
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	p.mu.Unlock()
	if !p.tty {
		return
	}
	close(p.stop)
	<-p.stopped // without the lock, which the goroutine may be waiting for
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writef("%s", clearLine)
}

// count is "132/396 (33 %), 2 failed". The caller holds the lock.
func (p *Progress) count() string {
	text := fmt.Sprintf("%d/%d", p.done, p.total)
	if p.total > 0 {
		text += fmt.Sprintf(" (%d %%)", 100*p.done/p.total)
	}
	if p.failures > 0 {
		text += fmt.Sprintf(", %d failed", p.failures)
	}
	return text
}

// draw writes the live line. The caller holds the lock.
func (p *Progress) draw() {
	if p.closed {
		return
	}
	filled := 0
	if p.total > 0 {
		filled = min(barWidth, barWidth*p.done/p.total)
	}
	names := p.last
	if len(p.running) > 0 {
		names = strings.Join(p.running, ", ")
	}
	line := fmt.Sprintf("%s%s %s  %ds  %s", strings.Repeat("█", filled), strings.Repeat("░", barWidth-filled),
		p.count(), int(time.Since(p.start).Seconds()), names)
	p.writef("%s%s", clearLine, ellipsis(strings.TrimRight(line, " "), progressWidth))
}

func (p *Progress) writef(format string, args ...any) { fmt.Fprintf(p.w, format, args...) }

// ellipsis shortens a line to a width.
func ellipsis(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}
