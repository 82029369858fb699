package suites

var answers = []Scenario{}
