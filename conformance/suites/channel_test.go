package suites

var channelExamples = []example{}
