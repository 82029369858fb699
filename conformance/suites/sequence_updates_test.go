package suites

var sequenceUpdatesExamples = []example{}
