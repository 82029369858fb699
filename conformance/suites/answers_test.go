package suites

// replyStatus shows the resolved URIs of Subscription sub.
const replyStatus = "1ms status Subscription/sub Ready=True sub=http://x/ns/a reply=http://x/ns/r\n"

var answersExamples = []example{
	{
		scenario: "answers/to-the-reply-destination", requirement: "DLV-040",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			2ms recv b e1 -> 200 e1.b mode=structured
			3ms recv ra e1.a
			3ms recv rb e1.b`,
		},
		bad: []string{
			// only binary answers are read
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			2ms recv b e1 -> 200 e1.b mode=structured
			3ms recv ra e1.a`,
			// wired to the wrong Subscription's reply
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			2ms recv b e1 -> 200 e1.b
			3ms recv rb e1.a
			3ms recv ra e1.b`,
			// the event itself is passed on
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			2ms recv b e1 -> 200 e1.b
			3ms recv ra e1
			3ms recv rb e1`,
		},
	},
	{
		scenario: "answers/to-the-reply-destination", requirement: "DLV-053",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a count=42 data=x
			2ms recv b e1 -> 200 e1.b mode=structured time=2021-03-04T06:06:07+01:00
			3ms recv ra e1.a count=42 data=x
			3ms recv rb e1.b time=2021-03-04T05:06:07Z`,
		},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			2ms recv b e1 -> 200 e1.b mode=structured count=42
			3ms recv ra e1.a
			3ms recv rb e1.b`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			2ms recv b e1 -> 200 e1.b count=42
			3ms recv ra e1.a
			3ms recv rb e1.b count=42.0`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a data={}
			2ms recv b e1 -> 200 e1.b
			3ms recv ra e1.a data=e30=
			3ms recv rb e1.b`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			2ms recv b e1 -> 200 e1.b
			3ms recv ra e1.a
			3ms recv rb e1.b bad="attribute subject: value is not UTF-8"`,
		},
	},
	{
		scenario: "answers/accepted-202-is-not-routed", requirement: "DLV-041",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 202 e1.a`,
		},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 202 e1.a
			3ms recv r e1.a`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 202 e1.a
			60ms recv a e1 -> 202 e1.a`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 202 e1.a
			3ms recv dls e1`,
		},
	},
	{
		scenario: "answers/no-event-in-200", requirement: "DLV-042",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200
			3ms send Channel/c e2 -> 202
			4ms recv a e2 -> 200 none data=ok`,
		},
		bad: []string{
			// the empty answer is sent on
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200
			3ms recv r none`,
			// the event itself is sent on
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200
			3ms recv r e1`,
			// a plain body counts as a failure
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 none data=ok
			60ms recv a e1 -> 200 none data=ok`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 none data=ok
			3ms recv dls e1`,
		},
	},
	{
		scenario: "answers/reply-fails-for-a-moment", requirement: "DLV-043",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv r e1.a -> 503
			60ms recv a e1 -> 200 e1.a
			61ms recv r e1.a -> 503
			120ms recv a e1 -> 200 e1.a
			121ms recv r e1.a`,
		},
		bad: []string{
			// Knative's reading
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv r e1.a -> 503
			60ms recv r e1.a -> 503
			120ms recv r e1.a`,
			// neither
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv r e1.a -> 503`,
			// both at once
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv r e1.a -> 503
			60ms recv a e1 -> 200 e1.a
			61ms recv r e1.a -> 503
			62ms recv r e1.a`,
			// the repeated delivery's answer is forgotten
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv r e1.a -> 503
			60ms recv a e1 -> 200 e1.a`,
		},
	},
	{
		scenario: "answers/reply-fails-for-a-moment", requirement: "DLV-044",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv r e1.a -> 503
			60ms recv a e1 -> 200 e1.a
			61ms recv r e1.a`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv r e1.a -> 503
			60ms recv r e1.a`,
		},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv r e1.a -> 503`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv r e1.a -> 503
			60ms recv r e1.a -> 503`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv r e1.a -> 503
			60ms recv r e1.a
			120ms recv r e1.a`,
		},
	},
	{
		scenario: "answers/reply-fails-for-good", requirement: "DLV-045",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv r e1.a -> 503
			60ms recv a e1 -> 200 e1.a
			61ms recv r e1.a -> 503
			62ms recv dls e1`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv r e1.a -> 503
			60ms recv r e1.a -> 503
			61ms recv dls e1`,
		},
		bad: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv r e1.a -> 503
			60ms recv r e1.a -> 503`,
			// another Subscription's sink
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv r e1.a -> 400
			4ms recv dls e1
			4ms recv dlsother e1`,
			// before the last attempt
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a
			3ms recv r e1.a -> 503
			4ms recv dls e1
			60ms recv r e1.a -> 503`,
		},
	},
	{
		scenario: "answers/reply-fails-for-good", requirement: "DLV-046",
		good: []string{replyStatus +
			`2ms send Channel/c e1 data=x -> 202
			3ms recv a e1 data=x -> 200 e1.a
			4ms recv r e1.a -> 400
			5ms recv dls e1 data=x knativeerrordest=http://x/ns/r`},
		bad: []string{
			// the answer is dead-lettered
			replyStatus + `2ms send Channel/c e1 -> 202
			3ms recv a e1 -> 200 e1.a
			4ms recv r e1.a -> 400
			5ms recv dls e1.a knativeerrordest=http://x/ns/r`,
			// the event with the answer's data
			replyStatus + `2ms send Channel/c e1 data=x -> 202
			3ms recv a e1 data=x -> 200 e1.a data=xa
			4ms recv r e1.a data=xa -> 400
			5ms recv dls e1 data=xa knativeerrordest=http://x/ns/r`,
			// the subscriber is named
			replyStatus + `2ms send Channel/c e1 -> 202
			3ms recv a e1 -> 200 e1.a
			4ms recv r e1.a -> 400
			5ms recv dls e1 knativeerrordest=http://x/ns/a`,
			replyStatus + `2ms send Channel/c e1 -> 202
			3ms recv a e1 -> 200 e1.a
			4ms recv r e1.a -> 400
			5ms recv dls e1`,
		},
	},
	{
		scenario: "answers/broken-off", requirement: "DLV-049",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=truncate
			60ms recv a e1 -> 200 e1.a data=whole
			61ms recv r e1.a data=whole`,
		},
		bad: []string{
			// what was read is sent on
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=truncate
			3ms recv r e1.a data=who`,
			// and the whole later
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=truncate
			3ms recv r e1.a data=who
			60ms recv a e1 -> 200 e1.a data=whole
			61ms recv r e1.a data=whole`,
			// a truncated structured answer is sent on as it is
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=truncate
			3ms recv r none -> 202
			60ms recv a e1 -> 200 e1.a data=whole
			61ms recv r e1.a data=whole`,
			// taken for success
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=reset-body`,
			// the second answer is not used
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> fault=truncate-chunked
			60ms recv a e1 -> 200 e1.a data=whole`,
		},
	},
	{
		scenario: "answers/slower-than-the-timeout", requirement: "DLV-050",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> err="the client left"
			460ms recv a e1 -> 200 e1.a data=whole
			461ms recv r e1.a data=whole`,
		},
		bad: []string{
			// the time-out ends with the header
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 e1.a data=whole
			10s recv r e1.a data=whole`,
			// what was read in time is sent on
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> err="the client left"
			403ms recv r e1.a data=who`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> err="the client left"
			403ms recv r e1.a data=who
			460ms recv a e1 -> 200 e1.a data=whole
			461ms recv r e1.a data=whole`,
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> err="the client left"
			460ms recv a e1 -> 200 e1.a data=whole`,
		},
	},
	{
		scenario: "answers/malformed", requirement: "DLV-051",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 "" -id mode=structured bad="unexpected EOF"
			3ms recv dls e1
			4ms send Channel/c e2 -> 202
			5ms recv a e2 -> 200 x1 mode=batch
			6ms recv dls e2
			7ms send Channel/c e3 -> 202
			8ms recv a e3 -> 200 e3.a
			9ms recv r e3.a`,
		},
		bad: []string{
			// sent on as it is
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 x bad="unexpected EOF"
			3ms recv r x bad="unexpected EOF"
			4ms send Channel/c e2 -> 202
			5ms recv a e2 -> 200 e2.a
			6ms recv r e2.a`,
			// the batch is taken apart
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 x1 mode=batch
			3ms recv r x1
			4ms send Channel/c e2 -> 202
			5ms recv a e2 -> 200 e2.a
			6ms recv r e2.a`,
			// neither sent on nor dead-lettered
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 x bad="unexpected EOF"
			4ms send Channel/c e2 -> 202
			5ms recv a e2 -> 200 e2.a
			6ms recv r e2.a`,
			// nothing is delivered after it
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 x bad="unexpected EOF"
			3ms recv dls e1
			4ms send Channel/c e2 -> 202
			5ms recv a e2 -> 200 e2.a`,
		},
	},
	{
		scenario: "answers/attributes-missing", requirement: "DLV-052",
		good: []string{
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 x -id bad="attribute id is missing"
			4ms send Channel/c e2 -> 202
			5ms recv a e2 -> 200 e2.a
			6ms recv r e2.a`,
		},
		bad: []string{
			// a permissive sink gets it
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 x -id bad="attribute id is missing"
			3ms recv r x -id bad="attribute id is missing"
			4ms send Channel/c e2 -> 202
			5ms recv a e2 -> 200 e2.a
			6ms recv r e2.a`,
			// an id is invented
			`1ms send Channel/c e1 -> 202
			2ms recv a e1 -> 200 x -id bad="attribute id is missing"
			3ms recv r 6f2c8d1e
			4ms send Channel/c e2 -> 202
			5ms recv a e2 -> 200 e2.a
			6ms recv r e2.a`,
		},
	},
	{
		scenario: "answers/delivery-format", requirement: "DLV-054",
		good: []string{formats(`
			3ms recv a e1
			3ms recv b e1 mode=structured
			4ms recv a e2
			4ms recv b e2 mode=structured`, "upper", "title", "other")},
		bad: []string{
			// as it came
			formats(`
			3ms recv a e1
			3ms recv b e1
			4ms recv a e2 mode=structured
			4ms recv b e2 mode=structured`, "upper", "title", "other"),
			// always binary
			formats(`
			3ms recv a e1
			3ms recv b e1
			4ms recv a e2
			4ms recv b e2`, "upper", "title", "other"),
			// JSON is accepted
			formats(`
			3ms recv a e1
			3ms recv b e1 mode=structured
			4ms recv a e2
			4ms recv b e2 mode=structured`, "title", "other"),
			// an attribute is lost on the way to the other mode
			formats(`
			3ms recv a e1
			3ms recv b e1 mode=structured -type
			4ms recv a e2
			4ms recv b e2 mode=structured`, "upper", "title", "other"),
		},
	},
}

// formats is a history of the scenario on delivery.format in which the Subscriptions named are refused.
func formats(rest string, refused ...string) string {
	text := ""
	for _, name := range []string{"upper", "title", "other"} {
		answer := ""
		for _, r := range refused {
			if r == name {
				answer = ` -> refused "spec.delivery.format: expected binary or json"`
			}
		}
		text += "1ms apply Subscription/" + name + answer + "\n"
	}
	return text + "1ms send Channel/c e1 -> 202\n2ms send Channel/c e2 mode=structured -> 202" + rest
}
