package suites

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/event"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// eachSecond is the schedule of sources whose ticks are waited for.
const eachSecond = "* * * * * *"

// halfAYear is a schedule that is next due in about half a year.
func halfAYear() string { return fmt.Sprintf("0 0 1 %d *", (time.Now().UTC().Month()+5)%12+1) }

// pingOf writes a PingSource; more is the rest of the spec, such as "data: text".
func pingOf(name, schedule, sink, more string) string {
	if more != "" {
		more = ", " + more
	}
	return fmt.Sprintf("apiVersion: sources.knative.dev/v1\nkind: PingSource\nmetadata: {name: %s}\nspec: {schedule: '%s', sink: %s%s}\n", name, schedule, dest(sink), more)
}

// hours are the present hour in a time zone, and those that the clocks show about now where it is UTC. The zone is one
// whose hour does not change for a quarter of an hour.
func hours(now time.Time) (zone, here, elsewhere string) {
	now = now.UTC()
	zone, ahead := "Asia/Tokyo", 9*time.Hour
	if now.Minute() < 15 || now.Minute() >= 45 {
		zone, ahead = "Asia/Kolkata", 5*time.Hour+30*time.Minute
	}
	h := now.Hour()
	return zone, fmt.Sprint(now.Add(ahead).Hour()), fmt.Sprintf("%d,%d,%d", (h+23)%24, h, (h+1)%24)
}

// Each PingSource that is offered to see whether it is refused, with the rest of its spec.
var (
	dataRefused = map[string]string{
		"list": "contentType: application/json, data: '[1]'", "text": "contentType: application/json, data: '\"x\"'",
		"broken": "contentType: application/json, data: '{bad'", "encoded": "contentType: application/json, dataBase64: WzFd",
	}
	dataTaken = map[string]string{
		"object": "contentType: application/json, data: '{\"a\":1}'", "encodedobject": "contentType: application/json, dataBase64: eyJhIjoxfQ==",
		"plain": "contentType: text/plain, data: '[1'",
	}
	scheduleRefused = map[string]string{
		"every": "@every 1m", "words": "now and then", "four": "* * * *", "seven": "0 0 0 1 1 * *", "minute": "60 * * * *", "zoned": "@reboot",
	}
	scheduleTaken = map[string]string{
		"five": "5 4 29 2 *", "six": "30 5 4 29 2 *", "names": "5 4 * feb sun-tue", "steps": "*/7 4-6 29 2 *", "yearly": "@yearly", "hourly": "@hourly",
	}
)

func eachPing(of map[string]string, judge func(object string) check.Judge) check.Judge {
	var judges []check.Judge
	for name := range of {
		judges = append(judges, judge("PingSource/"+name))
	}
	return check.All(judges...)
}

func refused(object string) check.Judge { return check.Refused(object) }

// deploymentOf writes a Deployment of no pods with three containers, one of which starts before the others.
func deploymentOf(name string) string {
	var containers [3]string
	for i := range containers {
		containers[i] = fmt.Sprintf("{name: c%d, image: registry.k8s.io/pause, env: [{name: OWN, value: kept}]}", i)
	}
	return fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %[1]s, labels: {app: %[1]s}}\nspec:\n  replicas: 0\n  selector: {matchLabels: {app: %[1]s}}\n"+
		"  template:\n    metadata: {labels: {app: %[1]s}}\n    spec:\n      initContainers: [%s]\n      containers: [%s]\n", name, containers[0], strings.Join(containers[1:], ", "))
}

// bindingOf writes a SinkBinding of a Deployment; subject is "name: x" or a selector, more the rest of the spec.
func bindingOf(name, subject, sink, more string) string {
	if more != "" {
		more = ", " + more
	}
	return fmt.Sprintf("apiVersion: sources.knative.dev/v1\nkind: SinkBinding\nmetadata: {name: %s}\nspec: {subject: {apiVersion: apps/v1, kind: Deployment, %s}, sink: %s%s}\n",
		name, subject, dest(sink), more)
}

// sources is the chapter on sources. Scenarios wait for ticks of every second, as few as will do.
var sources = []Scenario{
	{
		Name:  "source/every-second",
		Slow:  true,
		Needs: []string{"PingSource"},
		Drive: func(s *drive.Stage) {
			s.Service("Service", "plain")
			s.Apply(pingOf("plain", eachSecond, toService("plain")+", uri: /below", ""))
			s.Apply(pingOf("text", eachSecond, "$text", "contentType: text/plain, data: 'zwölf '"))
			s.Apply(pingOf("json", eachSecond, "$json", `contentType: application/json, data: '{"message": "Hello world!", "n": [1, null]}'`))
			s.Apply(pingOf("binary", eachSecond, "$binary", "contentType: image/png, dataBase64: iVBORw0KGgoA/w=="))
			s.Apply(pingOf("more", eachSecond, "$more", "contentType: text/plain, data: x, ceOverrides: {extensions: {colour: blue, taste: sweet and sour}}"))
			s.Ready("PingSource/plain", "PingSource/text", "PingSource/json", "PingSource/binary", "PingSource/more")
			for _, at := range []string{"plain", "text", "json", "binary", "more"} {
				s.Expect(at, 1)
			}
			s.Expect("plain", 2)
			s.Until("three ticks", passes(check.EverySecond("PingSource/plain", "plain")))
			s.Quiet("") // another of the same second may be a moment late
		},
		Verify: []Verification{
			verify("SRC-001", check.EverySecond("PingSource/plain", "plain")),
			verify("SRC-002", check.All(check.PingIdentity("PingSource/plain", "plain"), check.PingIdentity("PingSource/more", "more"))),
			verify("SRC-003", check.TicksAreTold("PingSource/plain", "plain")),
			verify("SRC-004", check.All(
				check.Sends("PingSource/text", "text", "text/plain", "zwölf "),
				check.Sends("PingSource/json", "json", "application/json", `{"message": "Hello world!", "n": [1, null]}`),
				check.Sends("PingSource/binary", "binary", "image/png", "\x89PNG\r\n\x1a\n\x00\xff"),
			)),
			verify("SRC-005", check.SendsNoData("PingSource/plain", "plain")),
			verify("SRC-011", check.SendsWith("PingSource/more", "more", map[string]string{"colour": "blue", "taste": "sweet and sour"})),
			verify("SRC-013", check.All(check.ShowsItsSink("PingSource/plain", "plain"), check.ShowsItsSink("PingSource/text", "text"))),
		},
	},
	{
		Name:  "source/manifests",
		Needs: []string{"PingSource"},
		Drive: func(s *drive.Stage) {
			try := func(of map[string]string, manifest func(name, value string) string) {
				for name, value := range of {
					s.Try(manifest(name, value))
				}
			}
			withData := func(name, data string) string { return pingOf(name, halfAYear(), "$a", data) }
			at := func(name, schedule string) string { return pingOf(name, schedule, "$a", "") }
			s.Try(withData("both", "data: a, dataBase64: YQ=="))
			try(dataRefused, withData)
			try(dataTaken, withData)
			try(scheduleRefused, at)
			try(scheduleTaken, at)
			s.Apply("apiVersion: sources.knative.dev/v1\nkind: PingSource\nmetadata: {name: unsaid}\nspec: {sink: {uri: $a}}\n")
			s.Look("PingSource/unsaid")
		},
		Verify: []Verification{
			verify("SRC-006", check.Refused("PingSource/both")),
			verify("SRC-007", check.All(eachPing(dataTaken, check.Taken), eachPing(dataRefused, refused))),
			verify("SRC-008", check.Shows("PingSource/unsaid", "the schedule * * * * *", func(o *history.Object) bool { return o.Spec["schedule"] == "* * * * *" })),
			verify("SRC-009", check.All(eachPing(scheduleTaken, check.Taken), eachPing(scheduleRefused, refused))),
		},
	},
	{
		Name:  "source/time-zone",
		Slow:  true,
		Needs: []string{"PingSource"},
		Drive: func(s *drive.Stage) {
			s.Try(pingOf("nowhere", halfAYear(), "$nowhere", "timezone: Nowhere/Town"))
			zone, here, elsewhere := hours(time.Now())
			s.Apply(pingOf("due", "* * "+here+" * * *", "$due", "timezone: "+zone))
			s.Apply(pingOf("other", "* * "+elsewhere+" * * *", "$other", "timezone: "+zone))
			s.Ready("PingSource/due", "PingSource/other")
			s.Expect("due", 2)
		},
		Verify: []Verification{
			verify("SRC-010", check.All(
				check.Refused("PingSource/nowhere"),
				check.Fires("PingSource/due", "due"),
				check.NotDue("PingSource/other", "other", "PingSource/due", "due"),
			)),
		},
	},
	{
		Name:  "source/sink-comes-later",
		Slow:  true,
		Needs: []string{"PingSource"},
		Drive: func(s *drive.Stage) {
			s.Mark("no sink")
			s.Apply(pingOf("p", eachSecond, toService("later"), ""))
			s.Await("PingSource/p", "to show that it has no sink", func(o *history.Object) bool { return o.Condition("SinkProvided").Status == "False" })
			s.Quiet("")
			s.Look("PingSource/p")
			s.Mark("sink")
			s.Service("Service", "later")
			s.Ready("PingSource/p")
			s.Expect("later", 1)
		},
		Verify: []Verification{
			verify("SRC-012", check.All(
				check.In("no sink", check.NotReadyYet("PingSource/p")),
				check.In("no sink", check.Shows("PingSource/p", "SinkProvided False", func(o *history.Object) bool { return o.Condition("SinkProvided").Status == "False" })),
				check.In("sink", check.TurnsReady("PingSource/p")),
				check.In("sink", check.Fires("PingSource/p", "later")),
			)),
		},
	},
	{
		Name:  "source/changes",
		Slow:  true,
		Needs: []string{"PingSource"},
		Drive: func(s *drive.Stage) {
			s.Apply(pingOf("witness", eachSecond, "$witness", ""))
			s.Apply(pingOf("data", eachSecond, "$data", "data: old"))
			s.Apply(pingOf("sink", eachSecond, "$from", ""))
			s.Apply(pingOf("slower", eachSecond, "$slower", ""))
			s.Apply(pingOf("faster", halfAYear(), "$faster", ""))
			s.Apply(pingOf("deleted", eachSecond, "$deleted", ""))
			all := []string{"PingSource/witness", "PingSource/data", "PingSource/sink", "PingSource/slower", "PingSource/faster"}
			s.Ready(append(all, "PingSource/deleted")...)
			for _, at := range []string{"witness", "data", "from", "slower", "deleted"} {
				s.Expect(at, 1)
			}
			s.Apply(pingOf("data", eachSecond, "$data", "data: new"))
			s.Apply(pingOf("sink", eachSecond, "$to", ""))
			s.Apply(pingOf("slower", halfAYear(), "$slower", ""))
			s.Apply(pingOf("faster", eachSecond, "$faster", ""))
			s.Delete("PingSource/deleted")
			s.Mark("changed")
			s.Ready(all...)
			s.Await("PingSource/deleted", "to be gone", func(o *history.Object) bool { return o == nil })
			n := s.Count("witness")
			if !s.Until("what was is over", passes(check.All(changed, deleted))) {
				s.ExpectMore("witness", n, 3) // enough to tell that it goes on
			}
			s.Quiet("") // what the same second brings late is seen, too
		},
		Verify: []Verification{
			verify("SRC-014", check.All(
				check.In("", check.All(check.Fires("PingSource/data", "data"), check.Fires("PingSource/sink", "from"), check.Fires("PingSource/slower", "slower"))),
				changed,
			)),
			verify("SRC-015", check.All(check.In("", check.Fires("PingSource/deleted", "deleted")), deleted)),
		},
	},
	{
		Name:  "source/failing-sink",
		Slow:  true,
		Needs: []string{"PingSource"},
		Drive: func(s *drive.Stage) {
			busy := receiver.Status(503)
			s.Receiver("twice", receiver.Attempts(busy, busy, receiver.OK()))
			s.Receiver("always", refusesTheFirst())
			s.Apply(pingOf("twice", eachSecond, "$twice", ""))
			s.Apply(pingOf("always", eachSecond, "$always", ""))
			s.Ready("PingSource/twice", "PingSource/always")
			if !s.Until("a third attempt that is accepted", passes(check.TriedAgain("PingSource/twice", "twice"))) {
				return // that is evidence enough
			}
			s.Until("the sixth attempt of what is never accepted", func(v *history.View) bool {
				got := v.Arrivals("always")
				return len(got) > 0 && len(v.Attempts("always", got[0].ID())) >= 6
			})
			s.Until("the other ticks", passes(check.GivenUp("PingSource/always", "always", "PingSource/twice", "twice")))
		},
		Verify: []Verification{
			verify("SRC-016", check.All(check.TriedAgain("PingSource/twice", "twice"), check.GivenUp("PingSource/always", "always", "PingSource/twice", "twice"))),
		},
	},
	{
		Name:  "source/sink-binding",
		Needs: []string{"SinkBinding"},
		Drive: func(s *drive.Stage) {
			phase := func(mark, sink string) {
				for _, d := range []string{"Deployment/named", "Deployment/later"} {
					s.Await(d, "to be told "+sink, func(o *history.Object) bool { return check.Told(o, sink) })
				}
				s.Mark(mark)
				for _, object := range []string{"Deployment/named", "Deployment/later", "SinkBinding/byname", "SinkBinding/bylabel"} {
					s.Look(object)
				}
			}
			s.Apply(deploymentOf("named"))
			s.Apply(bindingOf("byname", "name: named", "$a", ""))
			s.Apply(bindingOf("bylabel", "selector: {matchLabels: {app: later}}", "$a", ""))
			s.Ready("SinkBinding/byname", "SinkBinding/bylabel")
			s.Apply(deploymentOf("later"))
			phase("bound", s.URI("a"))
			s.Mark("changing")
			for name, subject := range map[string]string{"byname": "name: named", "bylabel": "selector: {matchLabels: {app: later}}"} {
				s.Apply(bindingOf(name, subject, "$b", "ceOverrides: {extensions: {colour: blue}}"))
			}
			s.Ready("SinkBinding/byname", "SinkBinding/bylabel")
			phase("changed", s.URI("b"))
			s.Mark("deleting")
			s.Delete("SinkBinding/byname")
			s.Delete("SinkBinding/bylabel")
			phase("deleted", "")
		},
		Verify: []Verification{
			verify("SRC-017", check.All(
				check.In("bound", check.All(check.Bound("Deployment/named", "SinkBinding/byname", nil), check.Bound("Deployment/later", "SinkBinding/bylabel", nil))),
				check.In("changed", check.All(
					check.Bound("Deployment/named", "SinkBinding/byname", map[string]string{"colour": "blue"}),
					check.Bound("Deployment/later", "SinkBinding/bylabel", map[string]string{"colour": "blue"}),
				)),
				check.In("deleted", check.All(check.Unbound("Deployment/named"), check.Unbound("Deployment/later"))),
			)),
		},
	},
}

// changed and deleted are how the scenario of changes ends.
var (
	changed = check.All(
		check.In("changed", check.All(check.Fires("PingSource/data", "data"), check.Fires("PingSource/sink", "to"), check.Fires("PingSource/faster", "faster"))),
		check.NoMoreOf("changed", check.Stream{At: "data", Data: "old"}, check.Stream{At: "data", Data: "new"}),
		check.NoMoreOf("changed", check.Stream{At: "from"}, check.Stream{At: "to"}),
		check.NoMoreOf("changed", check.Stream{At: "slower"}, check.Stream{At: "witness"}),
		check.NoMoreOf("changed", check.Stream{At: "slower"}, check.Stream{At: "faster"}),
	)
	deleted = check.NoMoreOf("changed", check.Stream{At: "deleted"}, check.Stream{At: "witness"})
)

// refusesTheFirst refuses all attempts of the first event that comes and accepts the others.
func refusesTheFirst() receiver.Respond {
	var mu sync.Mutex
	first := ""
	return receiver.ByEvent(func(e *event.Event) receiver.Respond {
		mu.Lock()
		defer mu.Unlock()
		if e != nil && first == "" && e.Type() != receiver.CanaryType {
			first = e.ID()
		}
		if e != nil && e.ID() == first {
			return receiver.Status(503)
		}
		return receiver.OK()
	})
}
