package suites

var sequenceExamples = []example{
	{
		scenario: "sequence/three-steps-and-reply", requirement: "SEQ-001",
		good: []string{`
			1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv b e1.a -> 200 e1.a.b
			4ms recv c e1.a.b -> 200 e1.a.b.c
			5ms recv sink e1.a.b.c`},
		bad: []string{
			// only the first step is called
			`1ms send Sequence/s e1 -> 202
			2ms recv a e1 -> 200 e1.a`,
			// the steps are wired in reverse
			`1ms send Sequence/s e1 -> 202
			2ms recv c e1 -> 200 e1.c
			3ms recv b e1.c -> 200 e1.c.b
			4ms recv a e1.c.b -> 200 e1.c.b.a
			5ms recv sink e1.c.b.a`},
	},
}
