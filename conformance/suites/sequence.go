package suites

import (
	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// sequence is the chapter on what a Sequence does with events.
var sequence = []Scenario{
	{
		Name: "sequence/three-steps-and-reply",
		Drive: func(s *drive.Stage) {
			for _, step := range []string{"a", "b", "c"} {
				s.Receiver(step, receiver.Extend(step))
			}
			s.Apply(sequenceOf("s", "$sink", "$a", "$b", "$c"))
			s.Ready("Sequence/s")
			s.Send("Sequence/s", s.Events(3)...)
			s.Expect("sink", 3)
			s.Quiet("Sequence/s", "sink")
		},
		Verify: []Verification{
			verify("SEQ-001", check.Visits("a>b>c>sink")),
		},
	},
}
