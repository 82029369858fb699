package suites

var delivery = []Scenario{}
