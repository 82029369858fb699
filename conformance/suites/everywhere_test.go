package suites

var everywhereExamples = []example{}
