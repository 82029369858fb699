package suites

var cloudEventsExamples = []example{}
