package suites

var cloudEvents = []Scenario{}
