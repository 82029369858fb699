package suites

var deadLetterExamples = []example{}
