package check

import (
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// The judges here hold for the history of any scenario. One that sees no arrival says that the evidence does not suffice.

// opaque tells whether an exchange may have brought events into being whose ids the history does not hold: it was not
// refused, and its message was no valid event, or a batch, of which only the first event is kept.
func opaque(x history.Exchange, e *history.Event) bool {
	if x.Ask.Kind == history.Sent && x.Answer != nil && x.Answer.Error == "" && x.Answer.Code >= 300 {
		return false
	}
	return e == nil && x.Ask.Kind == history.Sent || e != nil && (e.Bad != "" || e.Count > 1)
}

// ofASource tells whether an event may have been made by a source that was applied: it is none of the harness's own.
func ofASource(v *history.View, e *history.Event) bool {
	applied := slices.ContainsFunc(v.Ops, func(o history.Op) bool {
		kind, _, _ := strings.Cut(o.Who, "/")
		return o.Kind == history.Applied && !o.Refused && (kind == "PingSource" || kind == "CronJobSource")
	})
	return applied && !strings.HasPrefix(e.Attrs["source"], "/sequitur") && !strings.HasPrefix(e.Attrs["source"], "/step/")
}

// NothingUnsent wants every event that arrives to have been sent by the harness or answered by a receiver, by source and
// id, or made by a source (control-plane.md #event-delivery). When it was is another judge's matter.
func NothingUnsent(v *history.View) Finding {
	known, unsure := map[string]bool{}, false
	for _, x := range v.Posts() {
		known[x.Ask.Event.Key()] = true
		unsure = unsure || opaque(x, x.Ask.Event)
	}
	arrivals := v.Arrivals()
	for _, x := range arrivals {
		if x.Answer != nil {
			known[x.Answer.Event.Key()] = true
			unsure = unsure || opaque(x, x.Answer.Event)
		}
	}
	n := 0
	for _, x := range arrivals {
		key := x.Ask.Event.Key()
		switch {
		case key == "" || x.Ask.Event.Bad != "":
		case known[key]:
			n++
		case ofASource(v, x.Ask.Event):
		case unsure:
			return Unclear("%s arrived at %s, and may be of a message that could not be read", x.ID(), x.Ask.Who)
		default:
			return Fail("only events that were sent or answered", x.ID()+" of source "+x.Ask.Event.Attrs["source"]+" at "+x.Ask.Who, x.ID())
		}
	}
	if n == 0 {
		return Unclear("no event arrived that was sent")
	}
	return Pass("%d arrivals, all of them known", n)
}

// NoBatch wants no request to a receiver to be a batch (http-protocol-binding.md §3.3: a receiver must have asked for it).
func NoBatch(v *history.View) Finding {
	arrivals := v.Arrivals()
	for _, x := range arrivals {
		if strings.HasPrefix(strings.ToLower(x.Ask.Header.Get("Content-Type")), "application/cloudevents-batch") ||
			x.Ask.Event != nil && x.Ask.Event.Mode == "batch" {
			return Fail("one event a request", "a batch at "+x.Ask.Who, eventIDs(x)...)
		}
	}
	if len(arrivals) == 0 {
		return Unclear("no event arrived")
	}
	return Pass("%d requests, no batch", len(arrivals))
}

func eventIDs(x history.Exchange) []string {
	if id := x.ID(); id != "" {
		return []string{id}
	}
	return nil
}

// mayChange tells whether an attribute may be added or changed between hops: trace context (data-plane.md #observability)
// and Knative's own, such as those of dead letters.
func mayChange(attribute string) bool {
	return traces(attribute) || strings.HasPrefix(attribute, "knative")
}

// NothingAdded wants events to arrive with no attribute added and none changed since they were sent or answered. The
// content type is left to SameContentType, what is missing to SameAttributes, and an event whose specversion was
// converted to the judge of that.
func NothingAdded(v *history.View) Finding {
	made := map[string][]*history.Event{} // what was sent or answered, by source and id; nil for what could not be read
	learn := func(e *history.Event) {
		if key := e.Key(); key != "" {
			if e.Bad != "" {
				e = nil
			}
			made[key] = append(made[key], e)
		}
	}
	for _, x := range v.Posts() {
		learn(x.Ask.Event)
	}
	arrivals := v.Arrivals()
	for _, x := range arrivals {
		if x.Answer != nil {
			learn(x.Answer.Event)
		}
	}
	n := 0
	for _, x := range arrivals {
		e := x.Ask.Event
		forms := made[e.Key()]
		if len(forms) == 0 || e.Bad != "" {
			continue
		}
		n++
		first := ""
		if !slices.ContainsFunc(forms, func(was *history.Event) bool {
			d := foreign(was, e)
			if first == "" {
				first = d
			}
			return d == ""
		}) {
			return Fail("no attribute added or changed but for tracing and knative…", x.ID()+" at "+x.Ask.Who+": "+first, x.ID())
		}
	}
	if n == 0 {
		return Unclear("no event arrived")
	}
	return Pass("%d arrivals, nothing added", n)
}

func foreign(was, is *history.Event) string {
	if was == nil || was.Attrs["specversion"] != is.Attrs["specversion"] {
		return ""
	}
	for _, n := range slices.Sorted(maps.Keys(is.Attrs)) {
		if mayChange(n) || n == "datacontenttype" {
			continue
		}
		old, had := was.Attrs[n]
		switch {
		case !had:
			return fmt.Sprintf("%s added: %q", n, short(is.Attrs[n]))
		case old != is.Attrs[n] && !(n == "time" && equalInstants(old, is.Attrs[n])):
			return fmt.Sprintf("%s is %q, was %q", n, short(is.Attrs[n]), short(old))
		}
	}
	return ""
}

func equalInstants(a, b string) bool {
	ta, errA := time.Parse(time.RFC3339Nano, a)
	tb, errB := time.Parse(time.RFC3339Nano, b)
	return errA == nil && errB == nil && ta.Equal(tb)
}

// ValidRequests wants every request to a receiver, barriers included, to be a CloudEvent over HTTP. It reads the header
// lines by itself, as a codec that is shared with the reference would be blind to the codec's own mistakes. OPTIONS, by
// which a sender may ask beforehand, is no event.
func ValidRequests(v *history.View) Finding {
	n := 0
	for i := range v.Ops {
		op := &v.Ops[i]
		if op.Kind != history.Received || op.Role == history.Canary || op.Method == http.MethodOptions || op.Error != "" {
			continue
		}
		if wrong := invalid(op); wrong != "" {
			return Fail("valid CloudEvents over HTTP", wrong+" at "+op.Who, eventIDs(history.Exchange{Ask: op})...)
		}
		n++
	}
	if n == 0 {
		return Unclear("no event arrived")
	}
	return Pass("%d requests, all of them valid", n)
}

var requiredAttributes = []string{"specversion", "id", "source", "type"}

// invalid says what is wrong with a request, empty if nothing is.
func invalid(op *history.Op) string {
	if op.Method != http.MethodPost {
		return "method " + op.Method
	}
	types := op.Header.Values("Content-Type")
	if len(types) > 1 {
		return fmt.Sprintf("%d headers Content-Type", len(types))
	}
	if len(types) == 1 {
		media, _, err := mime.ParseMediaType(types[0])
		switch {
		case err != nil && strings.HasPrefix(strings.ToLower(types[0]), "application/cloudevents"):
			return "Content-Type " + types[0]
		case media == "application/cloudevents-batch+json":
			return "" // NoBatch says so
		case media == "application/cloudevents+json":
			return invalidStructured(op)
		case strings.HasPrefix(media, "application/cloudevents"):
			return "Content-Type " + media
		}
	}
	for _, a := range requiredAttributes {
		if values := op.Header.Values("Ce-" + a); len(values) != 1 || values[0] == "" {
			return fmt.Sprintf("%s ce-%s", map[bool]string{true: "no", false: "several or empty"}[len(values) == 0], a)
		}
	}
	for h, values := range op.Header {
		attribute, ok := strings.CutPrefix(strings.ToLower(h), "ce-")
		if !ok {
			continue
		}
		switch {
		case attribute == "datacontenttype":
			return "header ce-datacontenttype"
		case !plainName(attribute):
			return "header " + h
		case len(values) != 1:
			return fmt.Sprintf("%d headers %s", len(values), h)
		case strings.ContainsFunc(values[0], func(r rune) bool { return r < ' ' || r > '~' }):
			return fmt.Sprintf("header %s is not ASCII: %q", h, short(values[0]))
		case !utf8.ValidString(percentDecoded(values[0])):
			return fmt.Sprintf("header %s does not decode to UTF-8: %q", h, short(values[0]))
		}
	}
	if v := op.Header.Get("Ce-Specversion"); v != "1.0" && v != "0.3" {
		return "specversion " + v
	}
	return ""
}

func invalidStructured(op *history.Op) string {
	e := op.Event
	if e == nil {
		return "a structured event that is none"
	}
	if e.Bad != "" {
		return e.Bad
	}
	for _, a := range requiredAttributes {
		if e.Attrs[a] == "" {
			return "no " + a
		}
	}
	for a := range e.Attrs {
		if !plainName(a) {
			return "attribute " + a
		}
	}
	return ""
}

func plainName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// percentDecoded undoes percent-encoding; a percent sign that begins none stays.
func percentDecoded(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		var c byte
		if s[i] == '%' && i+2 < len(s) {
			if n, err := fmt.Sscanf(s[i+1:i+3], "%02x", &c); err == nil && n == 1 {
				b.WriteByte(c)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// CauseFirst wants an event that only an answer can have brought into being to arrive after that answer was begun
// (data-plane.md #derived-reply-events). Events that the harness sent under the same source and id say nothing, nor do
// those that a receiver answered as they came: they were there before.
func CauseFirst(v *history.View) Finding {
	sent := map[string]bool{}
	for _, x := range v.Posts() {
		sent[x.Ask.Event.Key()] = true
	}
	arrivals := v.Arrivals()
	for _, x := range arrivals {
		if key := x.Ask.Event.Key(); x.Answer != nil && x.Answer.Event.Key() == key {
			sent[key] = true
		}
	}
	answered := map[string]history.Exchange{} // the first answer that held it
	for _, x := range arrivals {
		if x.Answer == nil || x.Answer.Event.Key() == "" || sent[x.Answer.Event.Key()] {
			continue
		}
		key := x.Answer.Event.Key()
		if first, ok := answered[key]; !ok || x.Answer.T < first.Answer.T {
			answered[key] = x
		}
	}
	n := 0
	for _, x := range arrivals {
		cause, ok := answered[x.Ask.Event.Key()]
		if !ok {
			continue
		}
		if x.Ask.T < cause.Answer.T {
			return Fail(x.ID()+" at "+x.Ask.Who+" after "+cause.Ask.Who+" answered with it",
				fmt.Sprintf("%v before", (cause.Answer.T-x.Ask.T).Round(time.Microsecond)), x.ID(), cause.ID())
		}
		n++
	}
	if n == 0 {
		return Unclear("no event arrived that a receiver had answered")
	}
	return Pass("%d effects, each after its cause", n)
}

// Route is a destination of what is sent to an address, and what is to become of it there.
type Route struct {
	To, At string
	Retry  int    // attempts after the first
	Reply  string // the receiver of answers, empty if there is none
	Dead   string // the receiver of dead letters, empty if there is none
}

// Accounted wants each accepted event, for each of its routes, to be delivered (and the answer, if there was one, to come
// to Reply), dead-lettered, or to have exhausted its attempts (control-plane.md #event-delivery). It counts with the
// answers that were given, whatever they were, so that failures may be random.
func Accounted(routes ...Route) Judge {
	return func(v *history.View) Finding {
		if _, none := accepted(v); none != nil {
			return *none
		}
		came := map[string][]history.Exchange{} // by receiver and id
		for _, x := range v.Arrivals() {
			came[x.Ask.Who+" "+x.ID()] = append(came[x.Ask.Who+" "+x.ID()], x)
		}
		var delivered, dead, exhausted int
		for _, r := range routes {
			for _, p := range v.Posts(r.To) {
				if !p.Accepted() {
					continue
				}
				id := p.ID()
				got := came[r.At+" "+id]
				if len(got) == 0 {
					return Fail(id+" at "+r.At, "it vanished", id)
				}
				last := got[len(got)-1]
				for _, x := range got {
					if x.Accepted() {
						last = x
					}
				}
				switch {
				case last.Accepted():
					if answer := last.Answer.Event.ID(); r.Reply != "" && answer != "" && len(came[r.Reply+" "+answer]) == 0 {
						return Fail(answer+", which "+r.At+" answered, at "+r.Reply, "it vanished", id)
					}
					delivered++
				case r.Dead != "":
					if len(came[r.Dead+" "+id]) == 0 {
						return Fail(id+", which "+r.At+" did not take, at "+r.Dead, fmt.Sprintf("it vanished after %s", times(len(got))), id)
					}
					dead++
				case len(got) < 1+r.Retry && !endsAttempts(last.Code()):
					return Fail(times(1+r.Retry)+" of "+id+" at "+r.At+" before it is given up", times(len(got)), id)
				default:
					exhausted++
				}
			}
		}
		return Pass("%d delivered, %d dead-lettered, %d given up after all attempts", delivered, dead, exhausted)
	}
}

// endsAttempts tells whether a status code ends the attempts (data-plane.md #event-acknowledgement-and-delivery-retry); those on
// which implementations differ count as final, as giving up on them is legal.
func endsAttempts(code int) bool { return code/100 == 3 || code/100 == 4 }

// OnceEach wants each accepted event exactly once at each of the receivers, as nothing failed there, and tells the rate of
// duplicates.
func OnceEach(at ...string) Judge {
	return func(v *history.View) Finding {
		ids, none := accepted(v)
		if none != nil {
			return *none
		}
		for _, who := range at {
			n, twice, lost := map[string]int{}, []string{}, []string{}
			for _, x := range v.Arrivals(who) {
				if !x.Accepted() {
					return Unclear("%s did not accept %s, so it may be sent again", who, x.ID())
				}
				n[history.Root(x.ID())]++
			}
			for _, id := range ids {
				switch got := n[history.Root(id)]; {
				case got == 0:
					lost = append(lost, id)
				case got > 1:
					twice = append(twice, id)
				}
			}
			if bad := slices.Concat(twice, lost); len(bad) > 0 {
				return Fail(fmt.Sprintf("each of %d events once at %s", len(ids), who),
					fmt.Sprintf("%d more than once (%.1f%%), %d never: %s", len(twice), 100*float64(len(twice))/float64(len(ids)), len(lost), list(bad)),
					bad[:min(len(bad), 3)]...)
			}
		}
		return Pass("%d once at %s, no duplicate", len(ids), strings.Join(at, ", "))
	}
}

// Confined wants every arrival at the receivers of a way to descend from an event that was sent to that way's address, and
// something to have come out of each way.
func Confined(ways ...Way) Judge {
	return func(v *history.View) Finding {
		to := map[string]map[string]bool{}
		for _, x := range v.Posts() {
			root := history.Root(x.ID())
			if to[root] == nil {
				to[root] = map[string]bool{}
			}
			to[root][x.Ask.Who] = true
		}
		ways := passable(v, ways)
		for _, w := range ways {
			got := v.Arrivals(w.At)
			if len(got) == 0 {
				return Unclear("nothing came to %s", w.At)
			}
			for _, x := range got {
				if !to[history.Root(x.ID())][w.To] {
					return Fail("only what was sent to "+w.To+" at "+w.At, x.ID()+" came", x.ID())
				}
			}
		}
		return Pass("%d ways, each with its own events", len(ways))
	}
}
