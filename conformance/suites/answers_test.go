package suites

var answersExamples = []example{}
