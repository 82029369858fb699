package suites

// filters is the chapter on the filters of Triggers.
var filters = []Scenario{}
