package suites

var channel = []Scenario{}
