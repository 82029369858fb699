package suites

// observability is the chapter on traces and what must not be seen.
var observability = []Scenario{}
