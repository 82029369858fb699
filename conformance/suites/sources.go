package suites

// sources is the chapter on sources.
var sources = []Scenario{}
