package suites

// security is the chapter on transport encryption, identity and authorization.
var security = []Scenario{}
