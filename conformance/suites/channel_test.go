package suites

var channelExamples = []example{
	{
		scenario: "channel/takes-events", requirement: "CHN-001",
		good: []string{`
			1ms status Channel/c Ready=Unknown
			2ms status Channel/c Ready=True url=http://c.ns.svc/
			3ms mark small
			4ms send Channel/c e1 -> 202
			5ms send Channel/c e2 mode=structured -> 200`},
		bad: []string{
			// Ready without an address
			`2ms status Channel/c Ready=True
			3ms mark small
			4ms send Channel/c e1 -> 202`,
			// a relative address
			`2ms status Channel/c Ready=True url=/ns/c
			3ms mark small
			4ms send Channel/c e1 -> 202`,
			// structured mode is not taken
			`2ms status Channel/c Ready=True url=http://c.ns.svc/
			3ms mark small
			4ms send Channel/c e1 -> 202
			5ms send Channel/c e2 mode=structured -> 415`},
	},
	{
		scenario: "channel/takes-events", requirement: "CHN-005",
		good: []string{`
			1ms send Channel/c e1 data="{ \"a\" : 1 }" -> 202
			2ms recv a e1 data="{ \"a\" : 1 }" -> 200 e1.a
			3ms send Channel/c e2 data=large -> 413`,
			// spaces are not data in a structured message
			`1ms send Channel/c e1 data="{ \"a\" : 1 }" -> 202
			2ms recv a e1 mode=structured data="{\"a\":1}"`},
		bad: []string{
			// marshalled again
			`1ms send Channel/c e1 data="{ \"a\" : 1 }" -> 202
			2ms recv a e1 data="{\"a\":1}"`,
			// another value
			`1ms send Channel/c e1 data="{ \"a\" : 1 }" -> 202
			2ms recv a e1 mode=structured data="{\"a\":2}"`,
			// cut
			`1ms send Channel/c e1 data=longer -> 202
			2ms recv a e1 data=long`,
			// without data
			`1ms send Channel/c e1 data=longer -> 202
			2ms recv a e1`,
			// too large to be delivered, and accepted nevertheless
			`1ms send Channel/c e1 data=longer -> 202`},
	},
	{
		scenario: "channel/takes-events", requirement: "CHN-007",
		good: []string{`
			1ms mark small
			2ms send Channel/c e1 -> 202
			3ms mark payloads
			4ms send Channel/c e2 -> 413`},
		bad: []string{
			// the subscriber's answer leaks
			`1ms mark small
			2ms send Channel/c e1 -> 202 e1.a`,
			`1ms mark small
			2ms send Channel/c e1 -> 202 none data=accepted`,
			`1ms mark small
			2ms send Channel/c e1 -> 200`},
	},
	{
		scenario: "channel/fan-out", requirement: "CHN-003",
		good: []string{`
			1ms send Channel/c e1 -> 202
			2ms send Channel/c e2 -> 202
			3ms recv a e1
			3ms recv b e1
			3ms recv d e1
			4ms recv a e2
			4ms recv b e2
			5ms recv d e2
			6ms recv d e2`},
		bad: []string{
			// round-robin
			`1ms send Channel/c e1 -> 202
			2ms send Channel/c e2 -> 202
			3ms send Channel/c e3 -> 202
			4ms recv a e1
			4ms recv b e2
			5ms recv d e3`,
			// one subscriber is missed
			`1ms send Channel/c e1 -> 202
			2ms recv a e1
			3ms recv b e1`},
	},
	{
		scenario: "channel/two-subscriptions-of-one-subscriber", requirement: "CHN-004",
		good: []string{`
			1ms send Channel/c e1 -> 202
			2ms recv a e1
			2ms recv a e1
			3ms mark updated
			4ms send Channel/c e2 -> 202
			5ms recv a e2
			5ms recv a e2`},
		bad: []string{
			// one for both
			`1ms send Channel/c e1 -> 202
			2ms recv a e1`,
			// entries pile up
			`1ms send Channel/c e1 -> 202
			2ms recv a e1
			2ms recv a e1
			3ms mark updated
			4ms send Channel/c e2 -> 202
			5ms recv a e2
			5ms recv a e2
			5ms recv a e2
			5ms recv a e2`},
	},
	{
		scenario: "channel/without-subscriptions", requirement: "CHN-006",
		good: []string{`
			1ms mark nobody
			2ms send Channel/c e1 -> 202
			3ms mark subscribed
			4ms send Channel/c e2 -> 202
			5ms recv a e2`},
		bad: []string{
			// nobody to deliver to is taken for a failure
			`1ms mark nobody
			2ms send Channel/c e1 -> 500
			3ms mark subscribed
			4ms send Channel/c e2 -> 202
			5ms recv a e2`,
			// kept for whoever comes
			`1ms mark nobody
			2ms send Channel/c e1 -> 202
			3ms mark subscribed
			4ms recv a e1
			4ms send Channel/c e2 -> 202
			5ms recv a e2`},
	},
	{
		scenario: "channel/odd-requests", requirement: "CHN-008",
		good: []string{`
			1ms mark methods
			2ms send Channel/c none m=GET -> 405 none h:Allow="POST, OPTIONS"
			3ms send Channel/c none m=HEAD -> 405 none h:Allow="POST, OPTIONS"
			4ms send Channel/c none m=PUT -> 405 none h:Allow=OPTIONS,POST
			5ms send Channel/c none m=PATCH -> 405 none h:Allow=POST h:Allow=OPTIONS
			6ms send Channel/c none m=DELETE -> 405 none h:Allow="POST, OPTIONS"`},
		bad: []string{
			`1ms mark methods
			2ms send Channel/c none m=GET -> 200`,
			`1ms mark methods
			2ms send Channel/c none m=GET -> 500`,
			// 405 that does not say what is allowed
			`1ms mark methods
			2ms send Channel/c none m=GET -> 405`,
			`1ms mark methods
			2ms send Channel/c none m=GET -> 405 none h:Allow=POST`},
	},
	{
		scenario: "channel/odd-requests", requirement: "CHN-009",
		good: []string{`
			1ms mark options
			2ms send Channel/c none m=OPTIONS -> 200 none h:Allow="POST, OPTIONS"
			3ms send Sequence/s none m=OPTIONS -> 405`},
		bad: []string{
			`1ms mark options
			2ms send Channel/c none m=OPTIONS -> 200`,
			`1ms mark options
			2ms send Channel/c none m=OPTIONS -> 204 none h:Allow=GET
			3ms send Sequence/s none m=OPTIONS -> 405`,
			`1ms mark options
			2ms send Channel/c none m=OPTIONS -> 200 none h:Allow="POST, OPTIONS"
			3ms send Parallel/p none m=OPTIONS -> 200 none h:Allow=OPTIONS`},
	},
	{
		scenario: "channel/odd-requests", requirement: "CHN-010",
		good: []string{`
			1ms mark elsewhere
			2ms send Channel/c e1 -> 404`},
		bad: []string{
			// swallowed
			`1ms mark elsewhere
			2ms send Channel/c e1 -> 202`,
			`1ms mark elsewhere
			2ms send Channel/c e1 -> 500`},
	},
	{
		scenario: "channel/odd-requests", requirement: "CHN-011",
		good: []string{`
			1ms mark malformed
			2ms send Channel/c none -> 400
			3ms send Channel/c bad bad="no type" -> 400
			4ms mark proper
			5ms send Channel/c e1 -> 202
			6ms recv a e1`},
		bad: []string{
			`1ms mark malformed
			2ms send Channel/c none -> 500
			4ms mark proper
			5ms send Channel/c e1 -> 202
			6ms recv a e1`,
			// accepted and passed on
			`1ms mark malformed
			2ms send Channel/c bad -type -> 202
			3ms recv a bad -type
			4ms mark proper
			5ms send Channel/c e1 -> 202
			6ms recv a e1`,
			// refused and passed on
			`1ms mark malformed
			2ms send Channel/c bad -type -> 400
			3ms recv a bad -type
			4ms mark proper
			5ms send Channel/c e1 -> 202
			6ms recv a e1`},
	},
	{
		scenario: "channel/failing-subscriber", requirement: "CHN-012",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv bad e1 -> 500
			3ms recv ok e1
			4ms recv bad e1 -> 500`,
			// the sender is told, and the channel knows who has had it already
			`1ms send Channel/c e1 -> 500
			2ms recv bad e1 -> 500
			3ms recv ok e1
			4ms send Channel/c e1 -> 500
			5ms recv bad e1 -> 500`},
		bad: []string{
			// the whole fan-out fails and is repeated
			`1ms..4ms send Channel/c e1 -> 500
			2ms recv bad e1 -> 500
			3ms recv ok e1
			5ms..8ms send Channel/c e1 -> 500
			6ms recv bad e1 -> 500
			7ms recv ok e1`,
			// the healthy one is forgotten
			`1ms send Channel/c e1 -> 202
			2ms recv bad e1 -> 500`},
	},
	{
		scenario: "channel/slow-subscriber", requirement: "CHN-013",
		good: []string{`
			1ms..12ms send Channel/c e1 -> 202
			1ms send Channel/c e2 -> 202
			2ms..11ms recv slow e1
			2ms..11ms recv slow e2
			2ms recv failing e1 -> 500
			2ms recv failing e2 -> 500
			3ms recv quick e1
			4ms recv quick e2
			5ms..11ms recv failing e1
			5ms..11ms recv failing e2
			10ms mark released`},
		bad: []string{
			// served one after the other
			`1ms send Channel/c e1 -> 202
			2ms..11ms recv slow e1
			2ms recv failing e1 -> 500
			5ms..11ms recv failing e1
			10ms mark released
			12ms recv quick e1`,
			// one pool of workers, all of which wait
			`1ms send Channel/c e1 -> 202
			1ms send Channel/c e2 -> 202
			2ms..11ms recv slow e1
			2ms recv failing e1 -> 500
			3ms recv quick e1
			5ms..11ms recv failing e1
			10ms mark released
			12ms recv quick e2
			13ms recv slow e2
			13ms recv failing e2`,
			// the slow one is given up
			`1ms send Channel/c e1 -> 202
			1ms send Channel/c e2 -> 202
			2ms..11ms recv slow e1
			2ms..11ms recv failing e1
			2ms..11ms recv failing e2
			3ms recv quick e1
			4ms recv quick e2
			10ms mark released`},
	},
	{
		scenario: "channel/async-handler", requirement: "CHN-014",
		good: []string{`
			1ms send InMemoryChannel/c e1 -> 202
			2ms..11ms recv bad e1 -> 500
			10ms mark released`},
		bad: []string{
			// the annotation is ignored
			`1ms..12ms send InMemoryChannel/c e1 -> 202
			2ms..11ms recv bad e1 -> 500
			10ms mark released`,
			`1ms..12ms send InMemoryChannel/c e1 -> 500
			2ms..11ms recv bad e1 -> 500
			10ms mark released`,
			`1ms send InMemoryChannel/c e1 -> err=timeout
			10ms mark released`},
	},
	{
		scenario: "channel/template", requirement: "CHN-015",
		good: []string{`
			1ms apply Channel/c
			2ms mark update
			3ms apply Channel/c -> refused "spec.channelTemplate: cannot be changed"`},
		bad: []string{`
			1ms apply Channel/c
			2ms mark update
			3ms apply Channel/c`},
	},
	{
		scenario: "channel/template", requirement: "CHN-016",
		good: []string{`
			1ms status Channel/c Ready=True spec.channelTemplate="{\"apiVersion\":\"messaging.knative.dev/v1\",\"kind\":\"InMemoryChannel\"}"`},
		bad: []string{
			// never Ready
			`1ms status Channel/c Ready=False:NoTemplate`,
			// Ready, and nobody knows as what
			`1ms status Channel/c Ready=True`},
	},
	{
		scenario: "channel/subscribers-in-the-manifest", requirement: "CHN-018",
		good: []string{
			`1ms apply Channel/c -> refused "spec.subscribers: managed by the system"
			2ms apply Channel/c
			3ms send Channel/c e1 -> 202
			4ms recv a e1`,
			`1ms apply Channel/c
			3ms send Channel/c e1 -> 202
			4ms recv a e1`},
		bad: []string{`
			1ms apply Channel/c
			3ms send Channel/c e1 -> 202
			4ms recv a e1
			4ms recv rogue e1`},
	},
	{
		scenario: "channel/backing-channel", requirement: "CHN-019",
		good: []string{
			`1ms status Channel/c Ready=True backing=InMemoryChannel/c
			2ms status InMemoryChannel/c Ready=True
			3ms apply Channel/broken
			4ms status Channel/broken Ready=False:ChannelNotServed`,
			`1ms status Channel/c Ready=True backing=KafkaChannel/c
			3ms apply Channel/broken -> refused "no such kind"`},
		bad: []string{
			// Ready whatever stands behind it
			`1ms status Channel/c Ready=True backing=InMemoryChannel/c
			3ms apply Channel/broken
			4ms status Channel/broken Ready=Unknown
			5ms status Channel/broken Ready=True`,
			`1ms status Channel/c Ready=True backing=InMemoryChannel/c
			2ms status InMemoryChannel/c Ready=False
			3ms apply Channel/broken
			4ms status Channel/broken Ready=False`,
			// nothing is said about the backing channel
			`1ms status Channel/c Ready=True
			3ms apply Channel/broken
			4ms status Channel/broken Ready=False`},
	},
	{
		scenario: "channel/overload", requirement: "CHN-020",
		good: []string{
			`1ms send Channel/c e1 -> 202
			1ms send Channel/c e2 -> 202
			2ms..10ms recv slow e1
			11ms recv slow e2`,
			`1ms send Channel/c e1 -> 202
			1ms send Channel/c e2 -> 429
			1ms send Channel/c e3 -> 503
			2ms..10ms recv slow e1`},
		bad: []string{
			// dropped in silence
			`1ms send Channel/c e1 -> 202
			1ms send Channel/c e2 -> 202
			2ms..10ms recv slow e1`,
			// breaks down
			`1ms send Channel/c e1 -> 202
			1ms send Channel/c e2 -> 500
			2ms..10ms recv slow e1`,
			`1ms send Channel/c e1 -> 202
			1ms send Channel/c e2 -> err="connection reset"
			2ms..10ms recv slow e1`},
	},
	{
		scenario: "channel/by-host-or-path", requirement: "CHN-021",
		good: []string{
			`1ms mark "by Host"
			2ms send InMemoryChannel/c e1 -> 202
			3ms recv a e1
			4ms mark "by path"
			5ms send InMemoryChannel/c e2 -> 202
			6ms recv a e2`,
			`1ms mark "by Host"
			2ms send InMemoryChannel/c e1 -> 404
			4ms mark "by path"
			5ms send InMemoryChannel/c e2 -> 202
			6ms recv a e2`},
		bad: []string{
			`1ms mark "by Host"
			2ms send InMemoryChannel/c e1 -> 404
			4ms mark "by path"
			5ms send InMemoryChannel/c e2 -> 404`,
			`1ms mark "by Host"
			2ms send InMemoryChannel/c e1 -> 202
			4ms mark "by path"
			5ms send InMemoryChannel/c e2 -> 404`},
	},
	{
		scenario: "channel/deleted", requirement: "CHN-022",
		good: []string{
			`1ms mark gone
			2ms send Channel/c e2 -> 202
			3ms send Channel/c e3 -> 404`,
			`1ms mark gone
			3ms send Channel/c e2 -> err="no such host"`},
		bad: []string{`
			1ms mark gone
			2ms send Channel/c e2 -> 202
			3ms send Channel/c e3 -> 202`},
	},
	{
		scenario: "channel/reply-and-dead-letters", requirement: "CHN-023",
		claims: []string{"DeadLetterExtensions"},
		good: []string{`
			1ms send Channel/c e1 sequiturext=kept -> 202
			2ms recv a e1 sequiturext=kept -> 200 e1.a sequiturext=kept
			2ms recv bad e1 sequiturext=kept -> 500
			3ms recv sink e1.a sequiturext=kept
			3ms recv dls e1 sequiturext=kept knativeerrorcode=500 knativeerrordest=http://bad/`},
		bad: []string{
			// the channel behind strips what it does not know
			`1ms send Channel/c e1 sequiturext=kept -> 202
			3ms recv sink e1.a
			3ms recv dls e1 sequiturext=kept knativeerrorcode=500 knativeerrordest=http://bad/`,
			`1ms send Channel/c e1 sequiturext=kept -> 202
			3ms recv sink e1.a sequiturext=kept
			3ms recv dls e1 sequiturext=kept`,
			`1ms send Channel/c e1 sequiturext=kept -> 202
			3ms recv sink e1.a sequiturext=changed
			3ms recv dls e1 sequiturext=kept knativeerrorcode=500 knativeerrordest=http://bad/`,
			// a Channel is not taken as a sink
			`1ms send Channel/c e1 sequiturext=kept -> 202
			3ms recv sink e1.a sequiturext=kept`},
	},
	{
		scenario: "channel/reply-and-dead-letters", requirement: "CHN-023",
		good: []string{`
			1ms send Channel/c e1 sequiturext=kept -> 202
			3ms recv sink e1.a sequiturext=kept
			3ms recv dls e1 sequiturext=kept`},
	},
}
