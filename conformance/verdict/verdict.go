// Package verdict holds the outcome of a judgement: an ordered type, merged by maximum, never a boolean.
package verdict

import "fmt"

// Verdict is an outcome. A larger one outweighs a smaller one.
type Verdict int

// The verdicts, from the mildest to the gravest.
const (
	Passed       Verdict = iota
	NotSupported         // the target does not claim the feature
	Untested             // nothing judged it; not the same as passed
	Flaky                // differed between repetitions
	Inconclusive         // the evidence does not suffice
	Failed               // the target deviates
	HarnessError         // we could not observe reliably
)

var names = [...]string{"passed", "not-supported", "untested", "flaky", "inconclusive", "failed", "harness-error"}

// All lists the verdicts in order.
func All() []Verdict {
	return []Verdict{Passed, NotSupported, Untested, Flaky, Inconclusive, Failed, HarnessError}
}

// String returns the name that reports use.
func (v Verdict) String() string {
	if v < 0 || int(v) >= len(names) {
		return fmt.Sprintf("verdict(%d)", int(v))
	}
	return names[v]
}

// MarshalText writes the name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a name; an unknown one is an error.
func (v *Verdict) UnmarshalText(text []byte) error {
	for i, n := range names {
		if n == string(text) {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("unknown verdict %q: expected one of %v", text, names)
}

// Max merges verdicts. The verdict of nothing is Inconclusive: nothing observed is not success.
func Max(vs ...Verdict) Verdict {
	if len(vs) == 0 {
		return Inconclusive
	}
	m := vs[0]
	for _, v := range vs[1:] {
		m = max(m, v)
	}
	return m
}
