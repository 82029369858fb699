package suites

var deadLetter = []Scenario{}
