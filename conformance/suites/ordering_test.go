package suites

var orderingExamples = []example{}
