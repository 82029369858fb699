package kind

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/kind/pkg/log"
)

const (
	redraw        = 100 * time.Millisecond
	plainEvery    = 10 * time.Second // between words of what takes long, where nothing can be redrawn
	progressWidth = 79               // every terminal has 80 columns, and a line that wraps could not be redrawn
	clearLine     = "\r\x1b[K"
)

var spinner = []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")

// progress shows what is being done, for how long, and what has been done. On a terminal its last line is alive; elsewhere
// each phase begins and ends with a line, and long ones tell of themselves now and then. Without a writer it only remembers
// the phase. Its methods may be called by several goroutines; what cannot be written is lost.
type progress struct {
	w        io.Writer
	terminal bool

	mu            sync.Mutex
	doing, now    string
	started       time.Time
	frame         int
	stop, stopped chan struct{} // of the goroutine that redraws during a phase; nil between phases
}

func newProgress(w io.Writer, terminal bool) *progress {
	return &progress{w: w, terminal: terminal, doing: "looking at what is there"}
}

// step is a phase: what is being done, and what has been done if do gives no error.
func (p *progress) step(doing string, do func() (done string, err error)) error {
	p.begin(doing)
	done, err := do()
	p.end(done, err)
	return err
}

// begin starts a phase, and the goroutine that shows it until end.
func (p *progress) begin(doing string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doing, p.now, p.started = doing, "", time.Now()
	if p.w == nil {
		return
	}
	p.stop, p.stopped = make(chan struct{}), make(chan struct{})
	every := redraw
	if p.terminal {
		p.draw()
	} else {
		every = plainEvery
		fmt.Fprintf(p.w, "• %s\n", doing)
	}
	go p.show(every, p.stop, p.stopped)
}

func (p *progress) show(every time.Duration, stop, stopped chan struct{}) {
	defer close(stopped)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			p.mu.Lock()
			p.draw()
			p.mu.Unlock()
		}
	}
}

// draw shows the phase. The caller holds the lock.
func (p *progress) draw() {
	seconds := int(time.Since(p.started).Seconds())
	if !p.terminal {
		if p.now != "" {
			fmt.Fprintf(p.w, "  %d s: %s\n", seconds, p.now)
		}
		return
	}
	p.frame++
	line := fmt.Sprintf("%c %s  %d s  %s", spinner[p.frame%len(spinner)], p.doing, seconds, p.now)
	fmt.Fprint(p.w, clearLine+shorten(strings.TrimRight(line, " "), progressWidth))
}

// detail tells what of the phase is going on.
func (p *progress) detail(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = strings.Join(strings.Fields(text), " ")
}

// end ends a phase: what has been done, or that it failed.
func (p *progress) end(done string, err error) {
	if !p.halt() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	mark, text := "✓", done
	if err != nil {
		mark, text = "✗", p.doing
	}
	if p.terminal {
		fmt.Fprint(p.w, clearLine)
	}
	fmt.Fprintf(p.w, "%s %s  %.1f s\n", mark, text, time.Since(p.started).Seconds())
}

// halt waits for the goroutine of the phase and says whether there was one.
func (p *progress) halt() bool {
	p.mu.Lock()
	stop, stopped := p.stop, p.stopped
	p.stop = nil
	p.mu.Unlock()
	if stop == nil {
		return false
	}
	close(stop)
	<-stopped
	return true
}

// kindLog shows what kind tells of its phases.
type kindLog struct{ p *progress }

func (l kindLog) Warn(string)                  {}
func (l kindLog) Warnf(string, ...any)         {}
func (l kindLog) Error(string)                 {}
func (l kindLog) Errorf(string, ...any)        {}
func (l kindLog) V(n log.Level) log.InfoLogger { return kindInfo{l.p, n == 0} }

type kindInfo struct {
	p  *progress
	on bool
}

func (i kindInfo) Enabled() bool                 { return i.on }
func (i kindInfo) Infof(format string, a ...any) { i.Info(fmt.Sprintf(format, a...)) }

// Info takes the beginning of a phase, such as " • Preparing nodes 📦  ...", without its pictures.
func (i kindInfo) Info(text string) {
	if phase, ok := strings.CutPrefix(strings.TrimSpace(text), "•"); ok && i.on {
		phase = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(phase), "..."))
		i.p.detail(strings.Map(func(r rune) rune {
			if r > 0x2000 {
				return -1
			}
			return r
		}, phase))
	}
}
