package suites

// legacy is the chapter on old forms of manifests.
var legacy = []Scenario{}
