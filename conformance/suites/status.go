package suites

// status is the chapter on status and the control plane.
var status = []Scenario{}
