package suites

// parallelUpdates is the chapter on changes of a live Parallel.
var parallelUpdates = []Scenario{}
