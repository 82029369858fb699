package drive

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/reference"
	"github.com/sequitur-dev/sequitur/fixtures/target"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSilenceBeginsAnewWithEachOp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog("a/b", time.Now(), nil)
		began := time.Now()
		go func() {
			for range 3 {
				<-time.After(40 * time.Millisecond)
				l.add(time.Time{}, history.Op{Kind: history.Received})
			}
		}()
		if !l.silence(nil, 50*time.Millisecond, time.Second) {
			t.Error("it never was silent")
		}
		if got := time.Since(began); got != 170*time.Millisecond {
			t.Errorf("silent after %v, want 170ms: three ops 40ms apart and then 50ms", got)
		}
	})
}

func TestSilenceGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog("a/b", time.Now(), nil)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Millisecond):
					l.add(time.Time{}, history.Op{Kind: history.Received})
				}
			}
		})
		if l.silence(nil, 50*time.Millisecond, time.Second) {
			t.Error("it was called silent while an op came each 10ms")
		}
		close(stop)
		wg.Wait()
	})
}

func TestAwaitSeesEveryOpAndTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog("a/b", time.Now(), nil)
		go func() {
			<-time.After(time.Second)
			l.add(time.Time{}, history.Op{Kind: history.Answered, Who: "a"})
		}()
		if l.await(nil, 900*time.Millisecond, func() bool { return l.done["a"] == 1 }) {
			t.Error("it came before it was there")
		}
		if !l.await(nil, time.Second, func() bool { return l.done["a"] == 1 }) {
			t.Error("it was missed")
		}
		done := make(chan struct{})
		close(done)
		if l.await(done, time.Hour, func() bool { return false }) {
			t.Error("an interruption is no success")
		}
	})
}

func TestAwaitIsPatientWhileSomethingGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog("a/b", time.Now(), nil)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			tick := time.NewTicker(900 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					l.add(time.Time{}, history.Op{Kind: history.Answered, Who: "a"})
				case <-stop:
					return
				}
			}
		})
		if !l.await(nil, time.Second, func() bool { return l.done["a"] == 3 }) {
			t.Error("one that is slow was not waited for")
		}
		began := time.Now()
		if l.await(nil, time.Second, func() bool { return false }) || time.Since(began) != longest*time.Second {
			t.Errorf("a loop was waited for %v", time.Since(began))
		}
		close(stop)
		wg.Wait()
	})
}

func TestNamespacesAreLabels(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range []string{"sequence/a", "sequence/a_b", strings.Repeat("long/", 30), strings.Repeat("long/", 31)} {
		ns := namespaceOf("f00", name)
		if len(ns)+len("-other") > 63 || strings.Trim(ns, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.HasSuffix(ns, "-") || seen[ns] {
			t.Errorf("%q gives %q, want a label of its own with room for a suffix", name, ns)
		}
		seen[ns] = true
	}
}

func bench(t *testing.T) *Bench {
	t.Helper()
	tgt, err := target.NewEmbedded(reference.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(t.Context(), tgt, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := tgt.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return b
}

func view(t *testing.T, b *Bench, script func(*Stage)) *history.View {
	t.Helper()
	ops, err := b.Drive(t.Context(), "test/script", script)
	if err != nil {
		t.Fatal(err)
	}
	return history.NewView("test/script", nil, ops)
}

func TestRefusedManifestEndsTheScenario(t *testing.T) {
	after := false
	v := view(t, bench(t), func(s *Stage) {
		s.Apply("apiVersion: flows.knative.dev/v1\nkind: Sequence\nmetadata: {name: s}\nspec: {steps: []}\n")
		after = true
	})
	if stop := v.Stop(); after || stop == nil || stop.Error != "target" || !strings.Contains(stop.Note, "spec.steps") {
		t.Errorf("went on: %v; stop: %+v", after, v.Stop())
	}
}

func TestNeverReadyEndsTheScenarioWithTheReason(t *testing.T) {
	b := bench(t)
	b.patience.Ready = 20 * time.Millisecond
	v := view(t, b, func(s *Stage) {
		s.Apply("apiVersion: flows.knative.dev/v1\nkind: Sequence\nmetadata: {name: s}\nspec: {steps: [{ref: {apiVersion: v1, kind: Service, name: absent}}]}\n")
		s.Ready("Sequence/s")
	})
	if stop := v.Stop(); stop == nil || stop.Error != "target" || !strings.Contains(stop.Note, "absent") {
		t.Errorf("stop: %+v, want the Service that is missing", v.Stop())
	}
}

func TestPanickingScriptIsTheHarnesssFault(t *testing.T) {
	v := view(t, bench(t), func(*Stage) { panic("oops") })
	if stop := v.Stop(); stop == nil || stop.Error != "harness" || !strings.Contains(stop.Note, "oops") {
		t.Errorf("stop: %+v", stop)
	}
}

func TestInterruptionEndsEveryWait(t *testing.T) {
	b := bench(t)
	for name, wait := range map[string]func(*Stage){
		"expect": func(s *Stage) { s.Expect("nobody", 1) },
		"ready":  func(s *Stage) { s.Ready("Sequence/absent") },
		"until":  func(s *Stage) { s.Until("never", func(*history.View) bool { return false }) },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		entered := make(chan struct{})
		go func() { <-entered; cancel() }()
		ops, err := b.Drive(ctx, "test/"+name, func(s *Stage) { close(entered); wait(s) })
		stop := history.NewView("", nil, ops).Stop()
		if err == nil || stop == nil || stop.Error != "harness" || stop.Note != "interrupted" {
			t.Errorf("%s: error %v, stop %+v", name, err, stop)
		}
	}
}

func TestEverythingIsRemovedAfterwards(t *testing.T) {
	b := bench(t)
	v := view(t, b, func(s *Stage) {
		s.Apply("apiVersion: messaging.knative.dev/v1\nkind: Channel\nmetadata: {name: c}\n")
		s.Ready("Channel/c")
	})
	left, err := b.target.List(t.Context(), Ref("Channel/", v.Ops[0].Note))
	if err != nil || len(left) > 0 {
		t.Errorf("%d objects are left, %v", len(left), err)
	}
}
