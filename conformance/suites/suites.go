// Package suites is the table of what is judged: one file a chapter, one literal a scenario, each with the requirements
// that its history is evidence for.
package suites

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
)

// Scenario is a stimulus and the requirements that are judged on what it showed.
type Scenario struct {
	Name   string   // chapter/what-happens, lower-case; stable, as saved histories are judged by it
	Slow   bool     // takes seconds of waiting, or minutes where a control plane is slow: driven first, so that the others are driven meanwhile
	Harsh  bool     // has brought implementations down: driven alone, after the others, where a target is of several parts
	Needs  []string // features without which it is not driven; its requirements are then not supported
	Drive  func(s *drive.Stage)
	Verify []Verification
	Read   []Reading // what is told of the history without being judged
}

// Verification ties a judge to a requirement of the catalogue.
type Verification struct {
	Requirement string
	Judge       check.Judge
}

func verify(requirement string, j check.Judge) Verification { return Verification{requirement, j} }

// Reading ties a question that no text decides, or that texts decide differently, to the requirement that is about it. Its
// answer is told and never counted.
type Reading struct {
	Requirement string
	check.Question
}

func read(requirement string, q check.Question) Reading { return Reading{requirement, q} }

// All returns the scenarios of every chapter, in the order of the chapters.
func All() []Scenario {
	var all []Scenario
	for _, chapter := range [][]Scenario{
		sequence, sequenceUpdates, parallel, parallelUpdates, broker, brokerLinks, trigger, filters, channel, subscription,
		delivery, backoff, deadLetter, answers, cloudEvents, ordering, accounts, readings,
		sources, status, observability, security, legacy,
	} {
		all = append(all, chapter...)
	}
	return all
}

// Everywhere are the requirements that are judged on the history of every scenario.
func Everywhere() []Verification { return everywhere }

// dest writes a destination: "$a" or a URL become {uri: …}, anything else is taken as the inside of a flow mapping.
func dest(d string) string {
	if strings.HasPrefix(d, "$") && !strings.Contains(d, ",") || strings.HasPrefix(d, "http") {
		return "{uri: '" + d + "'}"
	}
	return "{" + d + "}"
}

// sequenceOf writes a Sequence. A step is "$a" (a receiver), a URL, or the inside of a flow mapping such as
// "uri: $a, delivery: {retry: 2}". An empty reply leaves it out.
func sequenceOf(name, reply string, steps ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: flows.knative.dev/v1\nkind: Sequence\nmetadata: {name: %s}\nspec:\n  steps:\n", name)
	for _, s := range steps {
		fmt.Fprintf(&b, "  - %s\n", dest(s))
	}
	if reply != "" {
		fmt.Fprintf(&b, "  reply: %s\n", dest(reply))
	}
	return b.String()
}

// channelOf writes a Channel; spec is the inside of a flow mapping such as "delivery: {retry: 2}", empty for none.
func channelOf(name, spec string) string {
	return fmt.Sprintf("apiVersion: messaging.knative.dev/v1\nkind: Channel\nmetadata: {name: %s}\nspec: {%s}\n", name, spec)
}

// subscriptionOf writes a Subscription of a Channel; more is the rest of the spec, such as "reply: {uri: $r}".
func subscriptionOf(name, channel, subscriber, more string) string {
	if more != "" {
		more = ", " + more
	}
	return fmt.Sprintf("apiVersion: messaging.knative.dev/v1\nkind: Subscription\nmetadata: {name: %s}\nspec: {channel: {apiVersion: messaging.knative.dev/v1, kind: Channel, name: %s}, subscriber: %s%s}\n",
		name, channel, dest(subscriber), more)
}

// brokerOf writes a Broker; spec is the inside of a flow mapping such as "delivery: {retry: 2}", empty for none.
func brokerOf(name, spec string) string {
	return fmt.Sprintf("apiVersion: eventing.knative.dev/v1\nkind: Broker\nmetadata: {name: %s}\nspec: {%s}\n", name, spec)
}

// triggerOf writes a Trigger on one event type.
func triggerOf(name, broker, eventType, subscriber string) string {
	return triggerWith(name, broker, subscriber, "filter: {attributes: {type: "+eventType+"}}")
}

// triggerWith writes a Trigger; more is the rest of its spec, such as "filter: {attributes: {kind: x}}, delivery: {retry: 1}".
func triggerWith(name, broker, subscriber, more string) string {
	if more != "" {
		more = ", " + more
	}
	return fmt.Sprintf("apiVersion: eventing.knative.dev/v1\nkind: Trigger\nmetadata: {name: %s}\nspec: {broker: %s, subscriber: %s%s}\n",
		name, broker, dest(subscriber), more)
}

// toBroker is the inside of a destination that refers to a Broker.
func toBroker(name string) string {
	return "ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: " + name + "}"
}

var nameSyntax = regexp.MustCompile(`^[a-z]+/[a-z0-9-]+$`)
