package suites

var ordering = []Scenario{}
