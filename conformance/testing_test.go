package conformance_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sequitur-dev/sequitur/conformance"
)

// TestNothingJudgedIsNoSuccess: a test of which everything is skipped fails. It runs as a vendor's in a process of its own.
func TestNothingJudgedIsNoSuccess(t *testing.T) {
	const inside = "SEQUITUR_TEST_NOTHING_JUDGED"
	if os.Getenv(inside) != "" {
		conformance.Test(t, newMyTarget(t), conformance.Options{Focus: []string{"SEC-001"}})
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "nothing was judged") || !strings.Contains(string(out), "needs the feature TLS") {
		t.Errorf("%v:\n%s", err, out)
	}
}
