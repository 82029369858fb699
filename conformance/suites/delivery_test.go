package suites

var deliveryExamples = []example{}
