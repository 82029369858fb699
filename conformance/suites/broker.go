package suites

// broker is the chapter on Brokers.
var broker = []Scenario{}
