package suites

var subscription = []Scenario{}
