package suites

// trigger is the chapter on Triggers.
var trigger = []Scenario{}
