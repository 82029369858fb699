package suites

var sequenceUpdates = []Scenario{}
