package suites

var backoffExamples = []example{}
