package suites

var backoff = []Scenario{}
