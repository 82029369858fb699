package suites

var subscriptionExamples = []example{}
