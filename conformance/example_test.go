package conformance_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/sequitur-dev/sequitur/conformance"
	"github.com/sequitur-dev/sequitur/fixtures/reference"
	"github.com/sequitur-dev/sequitur/fixtures/target"
)

// Judge an implementation from a program of one's own. A vendor puts its own target.Target in the place of the embedded
// reference.
func Example() {
	ctx := context.Background()
	tgt, err := target.NewEmbedded(reference.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tgt.Close(ctx)
	report, err := conformance.Run(ctx, tgt, conformance.Options{Focus: []string{"SEQ-001"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range report.Results {
		if r.Scenario != "" {
			fmt.Println(r.Requirement, r.Verdict, "in", r.Scenario)
		}
	}
	fmt.Println("exit code", report.Summary.ExitCode)
	// Output:
	// SEQ-001 passed in sequence/three-steps-and-reply
	// exit code 0
}

// Under go test one line does it: each requirement is a subtest.
func ExampleTest() {
	_ = func(t *testing.T) {
		conformance.Test(t, newMyTarget(t), conformance.Options{Profile: "sequence"})
	}
	// Output:
}

func newMyTarget(t *testing.T) target.Target {
	tgt, err := target.NewEmbedded(reference.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tgt
}

// TestAsAVendor is what ExampleTest shows.
func TestAsAVendor(t *testing.T) {
	report := conformance.Test(t, newMyTarget(t), conformance.Options{Scenarios: []string{"answers/*"}})
	if report.Summary.ExitCode != 0 || report.Summary.Coverage.Judged == 0 {
		t.Errorf("exit code %d, %d requirements judged", report.Summary.ExitCode, report.Summary.Coverage.Judged)
	}
}
