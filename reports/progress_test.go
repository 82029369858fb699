package reports

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"github.com/sequitur-dev/sequitur/conformance/verdict"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestProgressPlain(t *testing.T) {
	var b strings.Builder
	p := NewProgress(&b, false, 20, false)
	p.Note("target is ready")
	for i := range 20 {
		v := verdict.Passed
		if i == 4 {
			v = verdict.Failed
		}
		p.Step(fmt.Sprintf("s/%d\x1b", i), v)
	}
	p.Done()
	p.Step("late", verdict.Failed)
	want := "target is ready\n2/20 (10 %)\n4/20 (20 %)\nfailed: s/4\n6/20 (30 %), 1 failed\n8/20 (40 %), 1 failed\n" +
		"10/20 (50 %), 1 failed\n12/20 (60 %), 1 failed\n14/20 (70 %), 1 failed\n16/20 (80 %), 1 failed\n" +
		"18/20 (90 %), 1 failed\n20/20 (100 %), 1 failed\n"
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nexpected\n%s", got, want)
	}
}

func TestProgressLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		p := NewProgress(&b, true, 1000, false)
		written := func() string { // the ticker writes with the lock held
			p.mu.Lock()
			defer p.mu.Unlock()
			return b.String()
		}
		p.Begin("sequence/hangs")
		for i := range 400 {
			p.Step(fmt.Sprint("channel/", i), verdict.Passed)
		}
		p.Step("broker/x", verdict.HarnessError)
		synctest.Wait()
		if n := strings.Count(written(), clearLine); n != 1 {
			t.Errorf("%d redraws before any time has passed: expected 1", n)
		}
		<-time.After(time.Second + redraw/2)
		synctest.Wait()
		frames := strings.Split(written(), clearLine)[1:]
		if len(frames) != 11 {
			t.Errorf("%d redraws in a second: expected 10 after the first", len(frames)-1)
		}
		if got, want := frames[len(frames)-1], "████████░░░░░░░░░░░░ 401/1000 (40 %), 1 failed  1s  sequence/hangs"; got != want {
			t.Errorf("live line %q: expected %q", got, want)
		}
		p.Begin(strings.Repeat("long ", 50))
		p.Note("a note")
		frames = strings.Split(written(), clearLine)
		if got := frames[len(frames)-2]; got != "a note\n" {
			t.Errorf("note %q", got)
		}
		if n := utf8.RuneCountInString(frames[len(frames)-1]); n != progressWidth {
			t.Errorf("long line has %d columns: expected %d", n, progressWidth)
		}
		p.Done()
		p.Done()
		p.Step("late", verdict.Passed)
		if !strings.HasSuffix(written(), clearLine) {
			t.Error("the live line is left on the screen")
		}
	})
}

func TestProgressQuiet(t *testing.T) {
	var b strings.Builder
	p := NewProgress(&b, true, 3, true)
	p.Begin("x")
	p.Step("x", verdict.Failed)
	p.Note("note")
	p.Done()
	if b.Len() > 0 {
		t.Errorf("wrote %q", b.String())
	}
}

func TestProgressConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		p := NewProgress(&b, true, 800, false)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 100 {
					name := fmt.Sprintf("s/%d-%d", i, j)
					p.Begin(name)
					p.Note("n")
					<-time.After(10 * time.Millisecond)
					p.Step(name, verdict.Passed)
				}
			})
		}
		wg.Wait()
		p.Done()
		if p.done != 800 || len(p.running) != 0 {
			t.Errorf("%d done, %v running", p.done, p.running)
		}
	})
}
