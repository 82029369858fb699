package suites

var everywhere = []Verification{}
