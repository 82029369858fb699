package suites

// parallel is the chapter on what a Parallel does with events.
var parallel = []Scenario{}
