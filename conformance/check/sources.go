package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// The sources that are judged here tick every second, unless a judge says otherwise.

// jitter is how far an event's time may be from its tick: Knative spreads ticks over half a second
// (pkg/adapter/mtping/runner.go cronTick), and no machine is idle.
const jitter = 750 * time.Millisecond

// tick is one event of a source, by its first arrival at a receiver.
type tick struct {
	history.Exchange
	says time.Time
}

// ticks gives the different events that came to a receiver, in the order of the times they say, or the id of one that says
// no time.
func ticks(v *history.View, at string) (list []tick, timeless string) {
	seen := map[string]bool{}
	for _, x := range v.Arrivals(at) {
		if key := x.Ask.Event.Key(); x.Ask.Event == nil || seen[key] {
			continue
		} else {
			seen[key] = true
		}
		says, err := time.Parse(time.RFC3339Nano, x.Ask.Event.Attrs["time"])
		if err != nil {
			return nil, name(x.ID())
		}
		list = append(list, tick{x, says})
	}
	slices.SortStableFunc(list, func(a, b tick) int { return a.says.Compare(b.says) })
	return list, ""
}

// fired gives a source as it was last seen Ready, and what came to the receiver at: at least n events, or the finding says
// why not.
func fired(v *history.View, source, at string, n int) (o *history.Object, got []history.Exchange, wrong *Finding) {
	for _, op := range v.Statuses(source) {
		if shown := op.Object(); shown.Ready() {
			o = shown
		}
	}
	if o == nil {
		f := Unclear("%s was not seen Ready", source)
		return nil, nil, &f
	}
	got = v.Arrivals(at)
	if len(got) < n {
		f := Fail(fmt.Sprintf("%s of %s at %s", times(n), source, at), times(len(got)))
		return nil, nil, &f
	}
	for _, x := range got {
		if x.Ask.Event == nil || x.Ask.Event.Bad != "" {
			f := Fail("CloudEvents at "+at, "a message that is none", x.ID())
			return nil, nil, &f
		}
	}
	return o, got, nil
}

// EverySecond wants a source to send one event a tick, at least three. Events may be late: the first one, so that the others
// seem too many for the time since, and the last one, so that they seem too few by one.
func EverySecond(source, at string) Judge {
	return func(v *history.View) Finding {
		if _, _, wrong := fired(v, source, at, 3); wrong != nil {
			return *wrong
		}
		list, timeless := ticks(v, at)
		if timeless != "" {
			return Unclear("%s says no time, so its tick is not known", timeless)
		}
		span, want := pace(list)
		if span < 2*time.Second-jitter && len(list) <= 3 {
			return Unclear("%d events within %s do not show the pace", len(list), millis(span))
		}
		expected, seen := fmt.Sprintf("one event of %s each second, %d", source, want), fmt.Sprintf("%d in %s", len(list), millis(span))
		_, wantLater := pace(list[1:])
		switch {
		case len(list) > want && len(list)-1 > wantLater:
			return Fail(expected, seen, closest(list)...)
		case len(list) < want-1:
			return Fail(expected, seen, list[0].ID(), list[len(list)-1].ID())
		}
		return Pass("%s", seen)
	}
}

// pace is how long it was from the first to the last of some ticks, and how many there should have been.
func pace(list []tick) (span time.Duration, want int) {
	span = list[len(list)-1].says.Sub(list[0].says)
	return span, int(span.Round(time.Second)/time.Second) + 1
}

// closest names the two events that follow each other most closely.
func closest(list []tick) []string {
	at := 1
	for i := range list[1:] {
		if list[i+1].says.Sub(list[i].says) < list[at].says.Sub(list[at-1].says) {
			at = i + 1
		}
	}
	return []string{list[at-1].ID(), list[at].ID()}
}

// PingIdentity wants the events of a PingSource to have the type and the source of such (pkg/apis/sources/v1).
func PingIdentity(object, at string) Judge {
	return func(v *history.View) Finding {
		o, got, wrong := fired(v, object, at, 1)
		if wrong != nil {
			return *wrong
		}
		m := o.Metadata
		want := []string{"dev.knative.sources.ping", "/apis/v1/namespaces/" + m.Namespace + "/pingsources/" + m.Name}
		for _, x := range got {
			if is := []string{x.Ask.Event.Attrs["type"], x.Ask.Event.Attrs["source"]}; !slices.Equal(is, want) {
				return Fail("type "+want[0]+" and source "+want[1], "type "+is[0]+" and source "+is[1], x.ID())
			}
		}
		return Pass("type %s, source %s", want[0], want[1])
	}
}

// TicksAreTold wants each tick to have an id of its own and its own time. What comes again with the same time is the same
// event, delivered again.
func TicksAreTold(source, at string) Judge {
	return func(v *history.View) Finding {
		_, got, wrong := fired(v, source, at, 3)
		if wrong != nil {
			return *wrong
		}
		says, ids := map[string]string{}, map[string]string{}
		for _, x := range got {
			id, at := x.ID(), x.Ask.Event.Attrs["time"]
			if _, err := time.Parse(time.RFC3339Nano, at); err != nil {
				return Fail("the time of the tick", fmt.Sprintf("time %q of %s", at, name(id)), id)
			}
			if was, ok := says[id]; ok && was != at {
				return Fail("a new id for each tick", fmt.Sprintf("%s at %s and at %s", name(id), was, at), id)
			}
			if was, ok := ids[at]; ok && was != id {
				return Fail("the time of the tick", fmt.Sprintf("%s says the time of %s", id, was), was, id)
			}
			says[id], ids[at] = at, id
		}
		if len(says) < 2 {
			return Fail("a new id for each tick", fmt.Sprintf("%s of %s alone", times(len(got)), name(got[0].ID())), got[0].ID())
		}
		return Pass("%d ids, each with its time", len(says))
	}
}

// Sends wants the events of a source to have this content type and this data; JSON may be written in another way.
func Sends(source, at, contentType, data string) Judge {
	return func(v *history.View) Finding {
		_, got, wrong := fired(v, source, at, 1)
		if wrong != nil {
			return *wrong
		}
		for _, x := range got {
			e := x.Ask.Event
			if is := e.Attrs["datacontenttype"]; !sameMediaType(is, contentType) {
				return Fail("datacontenttype "+contentType, fmt.Sprintf("%q", is), x.ID())
			}
			if !sameData(e, contentType, data) {
				return Fail(fmt.Sprintf("data %q", data), fmt.Sprintf("%q", e.Data), x.ID())
			}
		}
		return Pass("%s with %q", contentType, data)
	}
}

func sameMediaType(a, b string) bool {
	x, p, errA := mime.ParseMediaType(a)
	y, q, errB := mime.ParseMediaType(b)
	return errA == nil && errB == nil && x == y && maps.Equal(p, q)
}

func sameData(e *history.Event, contentType, data string) bool {
	if contentType != "application/json" {
		return e.HasData() && e.Sum == history.Sum([]byte(data))
	}
	var is, want any
	return json.Unmarshal(e.Data, &is) == nil && json.Unmarshal([]byte(data), &want) == nil && reflect.DeepEqual(is, want)
}

// SendsNoData wants the events of a source to have no data.
func SendsNoData(source, at string) Judge {
	return func(v *history.View) Finding {
		_, got, wrong := fired(v, source, at, 1)
		if wrong != nil {
			return *wrong
		}
		for _, x := range got {
			if x.Ask.Event.HasData() {
				return Fail("no data", fmt.Sprintf("%q", x.Ask.Event.Data), x.ID())
			}
		}
		return Pass("%d without data", len(got))
	}
}

// SendsWith wants every event of a source to have these extensions.
func SendsWith(source, at string, extensions map[string]string) Judge {
	return func(v *history.View) Finding {
		_, got, wrong := fired(v, source, at, 1)
		if wrong != nil {
			return *wrong
		}
		for _, x := range got {
			for _, name := range slices.Sorted(maps.Keys(extensions)) {
				if is := x.Ask.Event.Attrs[name]; is != extensions[name] {
					return Fail(name+" "+extensions[name], fmt.Sprintf("%q", is), x.ID())
				}
			}
		}
		return Pass("%d with %s", len(got), strings.Join(slices.Sorted(maps.Keys(extensions)), " and "))
	}
}

// Fires wants an event of a source to come to a receiver.
func Fires(source, at string) Judge {
	return func(v *history.View) Finding {
		_, got, wrong := fired(v, source, at, 1)
		if wrong != nil {
			return *wrong
		}
		return Pass("%d at %s", len(got), at)
	}
}

// NotDue wants no event of a source that was seen Ready, while a witness, with the same schedule in another zone, sends.
func NotDue(source, at, witness, witnessAt string) Judge {
	return func(v *history.View) Finding {
		if _, _, none := fired(v, witness, witnessAt, 2); none != nil {
			return Unclear("%s did not tick twice, so nothing can be said about %s", witness, source)
		}
		_, got, wrong := fired(v, source, at, 0)
		switch {
		case wrong != nil:
			return *wrong
		case len(got) > 0:
			return Fail("no event of "+source+", as its hour is another", name(got[0].ID())+" came", got[0].ID())
		}
		return Pass("nothing at %s while %s ticks", at, witness)
	}
}

// ShowsItsSink wants a Ready source to show the resolved sink in status.sinkUri, and in status.ceAttributes the type and
// source of what came to the receiver at.
func ShowsItsSink(source, at string) Judge {
	return func(v *history.View) Finding {
		o, got, wrong := fired(v, source, at, 1)
		if wrong != nil {
			return *wrong
		}
		want := resolvedURI(v, o, inside(o.Spec, "sink"))
		if want == nil {
			return Unclear("the address of the sink of %s was not seen", source)
		}
		if is, err := url.Parse(o.Status.SinkURI); err != nil || !equalURIs(want, is) {
			return Fail("status.sinkUri "+want.String(), fmt.Sprintf("%q", o.Status.SinkURI))
		}
		for _, x := range got {
			typ, src := x.Ask.Event.Attrs["type"], x.Ask.Event.Attrs["source"]
			shown := false
			for _, a := range o.Status.CEAttributes {
				shown = shown || a.Type == typ && a.Source == src
			}
			if !shown {
				return Fail(fmt.Sprintf("status.ceAttributes with type %s and source %s, as sent", typ, src), fmt.Sprintf("%+v", o.Status.CEAttributes), x.ID())
			}
		}
		return Pass("%s, %+v", o.Status.SinkURI, o.Status.CEAttributes)
	}
}

// Stream is what comes to a receiver, of events with this data if any is given.
type Stream struct{ At, Data string }

func (s Stream) String() string {
	if s.Data == "" {
		return s.At
	}
	return s.Data + " at " + s.At
}

func (s Stream) has(x history.Exchange) bool {
	return x.Ask.Who == s.At && (s.Data == "" || string(x.Ask.Event.Data) == s.Data)
}

// NoMoreOf wants a stream to have ended in a phase: two different events of a witness, which ticks as often, come after the
// last of it. Who waits for that has given a change the time that it needs.
func NoMoreOf(mark string, old, witness Stream) Judge {
	return func(v *history.View) Finding {
		last, was, is := "", map[string]bool{}, map[string]bool{} // ids of the stream, and of the witness since its last event
		for _, x := range v.Phase(mark).Arrivals(old.At, witness.At) {
			switch {
			case x.Ask.Event == nil:
			case old.has(x):
				last, was[x.ID()] = x.ID(), true
				clear(is)
			case witness.has(x):
				is[x.ID()] = true
			}
		}
		switch {
		case len(is) >= 2:
			return Pass("%d of %s since the last of %s", len(is), witness, old)
		case len(was) >= 2:
			return Fail("no more of "+old.String(), fmt.Sprintf("%d more, the last of them with %d of %s after it", len(was), len(is), witness), last)
		}
		return Unclear("%d of %s came, so nothing can be said about %s", len(is), witness, old)
	}
}

// TriedAgain wants an event that a sink refuses twice to come a third time. The waits grow from 50 ms at least as fast as
// they double.
func TriedAgain(source, at string) Judge {
	return func(v *history.View) Finding {
		_, got, wrong := fired(v, source, at, 1)
		if wrong != nil {
			return *wrong
		}
		most := 0
		for _, x := range got {
			attempts := v.Attempts(at, x.ID())
			if too := hasty(attempts); too != "" {
				return Fail("waits that double from 50 ms", too, x.ID())
			}
			most = max(most, len(attempts))
			if len(attempts) >= 3 && attempts[2].Accepted() {
				return Pass("%s was accepted at the third attempt", x.ID())
			}
		}
		return Fail("an event that is refused twice to come again each time", fmt.Sprintf("at most %s of one", times(most)), got[0].ID())
	}
}

// hasty says which wait between the attempts of one event was too short.
func hasty(attempts []history.Exchange) string {
	for k := 1; k < len(attempts); k++ {
		if attempts[k-1].Answer == nil || attempts[k-1].Accepted() {
			return "" // what follows is no attempt again
		}
		least := 50 * time.Millisecond << (k - 1)
		if wait := attempts[k].Ask.T - attempts[k-1].Answer.T; wait < least-coarse {
			return fmt.Sprintf("wait %d lasts %s", k, millis(wait))
		}
	}
	return ""
}

// GivenUp wants the one event that a sink refuses always to be lost after five more attempts, at the most, and all ticks of
// a witness with the same schedule to have been ticks of this source too.
func GivenUp(source, at, witness, witnessAt string) Judge {
	return func(v *history.View) Finding {
		_, got, wrong := fired(v, source, at, 1)
		if wrong != nil {
			return *wrong
		}
		bad := got[0].ID()
		attempts := v.Attempts(at, bad)
		switch too := hasty(attempts); {
		case too != "":
			return Fail("waits that double from 50 ms", too, bad)
		case len(attempts) < 2 || len(attempts) > 6:
			return Fail("up to 6 deliveries of an event that is refused always, and more than one", times(len(attempts)), bad)
		}
		own, nameless := ticks(v, at)
		others, alsoNameless := ticks(v, witnessAt)
		if nameless != "" || alsoNameless != "" {
			return Unclear("%s says no time, so its tick is not known", nameless+alsoNameless)
		}
		// What the witness ticked later, or shortly before the last attempt, may still be on its way to this receiver.
		until, seen := attempts[len(attempts)-1].Ask.T-500*time.Millisecond, 0
		for _, w := range others {
			if w.says.Before(own[0].says) || w.Ask.T > until {
				continue
			}
			if !slices.ContainsFunc(own, func(o tick) bool { return o.says.Sub(w.says).Abs() <= jitter }) {
				return Fail("the tick at "+w.says.Format(time.TimeOnly)+" of "+source+", as of "+witness, "it was left out while "+bad+" was tried again", bad, w.ID())
			}
			seen++
		}
		if len(own) < 2 {
			return Unclear("%s ticked once, and %s %d times beside it", source, witness, seen)
		}
		return Pass("%s, and the other ticks were not held up", times(len(attempts)))
	}
}

// containersOf are those of an object's pod template, init containers first.
func containersOf(o *history.Object) []map[string]any {
	if o == nil {
		return nil
	}
	var all []map[string]any
	for _, list := range []string{"initContainers", "containers"} {
		some, _ := dig(o.Spec, "template", "spec", list).([]any)
		for _, c := range some {
			if c, ok := c.(map[string]any); ok {
				all = append(all, c)
			}
		}
	}
	return all
}

// environment is that of a container, of variables with a plain value.
func environment(container map[string]any) map[string]string {
	env := map[string]string{}
	list, _ := container["env"].([]any)
	for _, e := range list {
		if e, ok := e.(map[string]any); ok {
			env[digText(e, "name")] = digText(e, "value")
		}
	}
	return env
}

// Variables of a SinkBinding (pkg/apis/sources/v1/sinkbinding_lifecycle.go).
const (
	varSink      = "K_SINK"
	varOverrides = "K_CE_OVERRIDES"
)

// Told tells whether every container of an object has the sink in its environment; an empty one: whether none has any.
func Told(o *history.Object, sink string) bool {
	containers := containersOf(o)
	return len(containers) > 0 && !slices.ContainsFunc(containers, func(c map[string]any) bool {
		is, ok := environment(c)[varSink]
		return is != sink || sink == "" && ok
	})
}

// Bound wants every container of an object to be told the sink of a Ready SinkBinding, and these overrides, beside the
// variable OWN, which its user has set.
func Bound(object, binding string, extensions map[string]string) Judge {
	return func(v *history.View) Finding {
		b, containers := v.LastStatus(binding), containersOf(v.LastStatus(object))
		if !b.Ready() || len(containers) == 0 {
			return Unclear("%s was not seen Ready, or %s not seen", binding, object)
		}
		want := resolvedURI(v, b, inside(b.Spec, "sink"))
		if want == nil {
			return Unclear("the address of the sink of %s was not seen", binding)
		}
		for _, c := range containers {
			env, where := environment(c), "container "+digText(c, "name")+" of "+object
			if is, err := url.Parse(env[varSink]); err != nil || !equalURIs(want, is) {
				return Fail(varSink+"="+want.String()+" in each container", fmt.Sprintf("%q in %s", env[varSink], where))
			}
			var said struct {
				Extensions map[string]string `json:"extensions"`
			}
			if text := env[varOverrides]; text != "" && json.Unmarshal([]byte(text), &said) != nil || !maps.Equal(said.Extensions, extensions) {
				return Fail(fmt.Sprintf("%s with the extensions %v in each container", varOverrides, extensions), fmt.Sprintf("%q in %s", text, where))
			}
			if env["OWN"] == "" {
				return Fail("the container's own variables to stay", fmt.Sprintf("%v in %s", env, where))
			}
		}
		return Pass("%s in %d containers", want, len(containers))
	}
}

// Unbound wants no container of an object to be told a sink or overrides, and its variable OWN to be there.
func Unbound(object string) Judge {
	return func(v *history.View) Finding {
		containers := containersOf(v.LastStatus(object))
		if len(containers) == 0 {
			return Unclear("%s was not seen", object)
		}
		for _, c := range containers {
			env, where := environment(c), "container "+digText(c, "name")+" of "+object
			for _, name := range []string{varSink, varOverrides} {
				if is, ok := env[name]; ok {
					return Fail("no "+name+" without a SinkBinding", fmt.Sprintf("%q in %s", is, where))
				}
			}
			if env["OWN"] == "" {
				return Fail("the container's own variables to stay", fmt.Sprintf("%v in %s", env, where))
			}
		}
		return Pass("nothing in %d containers", len(containers))
	}
}
