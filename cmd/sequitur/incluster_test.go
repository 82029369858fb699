package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/sequitur-dev/sequitur/conformance"
	"github.com/sequitur-dev/sequitur/reports"
)

// TestAReportFromTheEvidenceThatCame: of a run inside a cluster that was lost there is a report of what had come, and it says that
// it is not whole. One that had been written is taken as it is.
func TestAReportFromTheEvidenceThatCame(t *testing.T) {
	whole := t.TempDir()
	var errOut bytes.Buffer
	if code := run(t.Context(), []string{"conform", "--focus", "SEQ-*", "--quiet", "--history", whole, "--out", whole}, io.Discard, &errOut); code != reports.ExitConforms {
		t.Fatalf("exit code %d\n%s", code, &errOut)
	}
	all := readReport(t, whole)
	history, err := os.ReadFile(filepath.Join(whole, evidence))
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(filepath.Join(whole, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	land := func(files map[string][]byte) (*reports.Report, string) {
		t.Helper()
		out := t.TempDir()
		l, err := newLanding(out, "")
		if err != nil {
			t.Fatal(err)
		}
		defer l.close()
		for name, text := range files {
			if err := os.WriteFile(l.place(0, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r, err := l.report(subject{}, conformance.Options{Command: "sequitur conform"})
		if err != nil {
			t.Fatal(err)
		}
		return r, out
	}

	cut := history[:len(history)*2/3]
	if cut[len(cut)-1] == '\n' {
		cut = cut[:len(cut)-1] // in the middle of a line
	}
	r, out := land(map[string][]byte{evidence: cut})
	if r == nil {
		t.Fatal("there is no report of the evidence that came")
	}
	got, of := r.Summary.Counts["passed"], all.Summary.Counts["passed"]
	if !r.Run.Interrupted || r.Summary.Verdict.String() == "passed" || got == 0 || got >= of {
		t.Errorf("of two thirds of the evidence: interrupted %v, %v, %d passed of %d", r.Run.Interrupted, r.Summary.Verdict, got, of)
	}
	if n := r.Summary.Counts["failed"] + r.Summary.Counts["flaky"]; n > 0 {
		t.Errorf("%d requirements fail of what did not come", n)
	}
	if on := readReport(t, out); on.Summary.Counts["passed"] != got || !on.Run.Interrupted {
		t.Errorf("the file says %v, interrupted %v", on.Summary.Counts, on.Run.Interrupted)
	}

	if r, _ := land(map[string][]byte{evidence: cut, "report.json": written}); r == nil || r.Run.Interrupted || r.Summary.Counts["passed"] != of {
		t.Errorf("the report that was written is not taken: %+v", r)
	}
	if r, _ := land(map[string][]byte{evidence: cut, "report.json": written[:len(written)/2]}); r == nil || !r.Run.Interrupted {
		t.Errorf("half a report is taken: %+v", r)
	}
	if r, _ := land(map[string][]byte{evidence: history[:10]}); r != nil {
		t.Errorf("there is a report of nothing: %+v", r)
	}
	if r, _ := land(nil); r != nil {
		t.Errorf("there is a report of nothing: %+v", r)
	}
}
