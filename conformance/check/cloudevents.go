package check

import (
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/conformance/verdict"
)

// Way is an address and the receiver at which comes out, unchanged, what is sent there. A target that does not claim the
// feature, if one is named, does not have it.
type Way struct{ To, At, Feature string }

// passable gives those of the ways that a target has.
func passable(v *history.View, ways []Way) []Way {
	return slices.DeleteFunc(slices.Clone(ways), func(w Way) bool { return w.Feature != "" && !v.Claims[w.Feature] })
}

// Difference compares an event as it arrived (got) with the event as it was sent, and says in a few words what is wrong;
// empty if nothing is.
type Difference func(sent, got *history.Op) string

// Comes wants every post to each way to be accepted, its event (by source and id) to come out at least once, and no
// arrival of it to differ. expected says in words what must not differ.
func Comes(expected string, differs Difference, ways ...Way) Judge {
	return func(v *history.View) Finding {
		n := 0
		for _, w := range passable(v, ways) {
			posts := v.Posts(w.To)
			if len(posts) == 0 {
				return Unclear("nothing was sent to %s", w.To)
			}
			came := arrivalsByKey(v, w.At)
			for _, p := range posts {
				id := p.ID()
				if !p.Accepted() {
					return Fail(name(id)+" to be accepted at "+w.To, "answer "+outcome(p), id)
				}
				got := came[p.Ask.Event.Key()]
				if len(got) == 0 {
					return Fail(name(id)+" at "+w.At, "it never came", id)
				}
				for _, x := range got {
					if bad := x.Ask.Event.Bad; bad != "" {
						return Fail("a valid event at "+w.At, id+": "+bad, id)
					}
					if d := differs(p.Ask, x.Ask); d != "" {
						return Fail(expected+" at "+w.At, id+": "+d, id)
					}
				}
				n++
			}
		}
		if n == 0 {
			return Unclear("there is no address to send to")
		}
		return Pass("%d came out with %s", n, expected)
	}
}

// arrivalsByKey gives the arrivals at a receiver by source and id.
func arrivalsByKey(v *history.View, at string) map[string][]history.Exchange {
	by := map[string][]history.Exchange{}
	for _, x := range v.Arrivals(at) {
		if key := x.Ask.Event.Key(); key != "" {
			by[key] = append(by[key], x)
		}
	}
	return by
}

// Whatever finds no difference: that the event comes is enough.
func Whatever(_, _ *history.Op) string { return "" }

// SameAttributes compares every attribute but time, which has a difference of its own.
func SameAttributes(sent, got *history.Op) string {
	for _, n := range slices.Sorted(maps.Keys(sent.Event.Attrs)) {
		if n == "time" {
			continue
		}
		if d := differs(n, sent.Event.Attrs[n], got); d != "" {
			return d
		}
	}
	return ""
}

func differs(attribute, want string, got *history.Op) string {
	switch is, ok := got.Event.Attrs[attribute]; {
	case !ok:
		return "no " + attribute
	case is != want:
		return fmt.Sprintf("%s is %q, not %q", attribute, short(is), short(want))
	}
	return ""
}

func short(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

// SameTime compares the attribute time as an instant: another zone or a trailing zero is the same time.
func SameTime(sent, got *history.Op) string {
	want, err := time.Parse(time.RFC3339Nano, sent.Event.Attrs["time"])
	if err != nil {
		return "the event was sent without a time"
	}
	is, err := time.Parse(time.RFC3339Nano, got.Event.Attrs["time"])
	if err != nil || !is.Equal(want) {
		return fmt.Sprintf("time is %q, sent was %q", got.Event.Attrs["time"], sent.Event.Attrs["time"])
	}
	return ""
}

// SameData compares the data by length and digest. No data and empty data are the same: binary mode cannot tell them apart.
func SameData(sent, got *history.Op) string {
	want, is := sent.Event, got.Event
	switch {
	case max(want.Size, 0) != max(is.Size, 0):
		return fmt.Sprintf("%d bytes of data, sent were %d", max(is.Size, 0), max(want.Size, 0))
	case want.Size > 0 && want.Sum != is.Sum:
		return fmt.Sprintf("data %q, sent was %q", short(string(is.Data)), short(string(want.Data)))
	}
	return ""
}

// NoData wants the event to have no data.
func NoData(_, got *history.Op) string {
	if got.Event.Size > 0 {
		return fmt.Sprintf("data %q", short(string(got.Event.Data)))
	}
	return ""
}

// SameContentType compares datacontenttype character by character, but for blanks around parameters. One that was absent
// must stay absent, be JSON if the event came structured (json-format.md §3.1), or be the type of bytes of no known type
// (RFC 9110 §8.3).
func SameContentType(sent, got *history.Op) string {
	const attr = "datacontenttype"
	is, has := got.Event.Attrs[attr]
	if want, ok := sent.Event.Attrs[attr]; ok {
		if plain(is) != plain(want) {
			return fmt.Sprintf("%s is %q, not %q", attr, is, want)
		}
		return ""
	}
	if !has || is == "application/octet-stream" || is == "application/json" && sent.Event.Mode != "binary" {
		return ""
	}
	return fmt.Sprintf("%s is %q, none was sent", attr, is)
}

func plain(mediaType string) string {
	parts := strings.Split(mediaType, ";")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return strings.Join(parts, ";")
}

// HasAttributes wants attributes to have these texts, and those with the text Absent not to be there.
func HasAttributes(want map[string]string) Difference {
	return func(_, got *history.Op) string {
		for _, n := range slices.Sorted(maps.Keys(want)) {
			if want[n] == Absent {
				if is, ok := got.Event.Attrs[n]; ok {
					return fmt.Sprintf("%s is there: %q", n, is)
				}
				continue
			}
			if d := differs(n, want[n], got); d != "" {
				return d
			}
		}
		return ""
	}
}

// Absent stands for an attribute that is not there.
const Absent = "\x00absent"

// Encoded wants an attribute to have a text and, where the event arrived in binary mode, its header to be ASCII
// (http-protocol-binding.md §3.1.3.2).
func Encoded(attribute, text string) Difference {
	return func(_, got *history.Op) string {
		if got.Event.Mode == "binary" {
			raw := got.Header.Get("Ce-" + attribute)
			if raw == "" {
				return "no header ce-" + attribute
			}
			if i := strings.IndexFunc(raw, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
				return fmt.Sprintf("header ce-%s is not ASCII: %q", attribute, short(raw))
			}
		}
		return differs(attribute, text, got)
	}
}

// WhereStructured judges if something came to a receiver in structured mode.
func WhereStructured(at string, j Judge) Judge {
	return func(v *history.View) Finding {
		for _, x := range v.Arrivals(at) {
			if x.Ask.Event != nil && x.Ask.Event.Mode == "structured" {
				return j(v)
			}
		}
		return Unclear("nothing came to %s in structured mode", at)
	}
}

// Every finds the first difference of several.
func Every(ds ...Difference) Difference {
	return func(sent, got *history.Op) string {
		for _, d := range ds {
			if s := d(sent, got); s != "" {
				return s
			}
		}
		return ""
	}
}

// OneOf wants an attribute to have one of the texts.
func OneOf(attribute string, texts ...string) Difference {
	return func(_, got *history.Op) string {
		if is, ok := got.Event.Attrs[attribute]; !ok || !slices.Contains(texts, is) {
			return fmt.Sprintf("%s is %q, not one of %q", attribute, is, texts)
		}
		return ""
	}
}

// Rejects judges malformed messages, each posted in a phase of its own whose name begins with prefix and says what is wrong
// with it. Each must be answered with one of the codes (any 4xx if none is given). What was posted before the first mark
// is the control: it must be accepted and come out, or the address may refuse everything. Nothing but the control may
// come out in those phases.
func Rejects(prefix string, codes []int, ways ...Way) Judge {
	return func(v *history.View) Finding {
		if f := Comes("the control event", Whatever, ways...)(v.Of("")); f.Verdict != verdict.Passed {
			return f
		}
		control := map[string]bool{}
		for _, x := range v.Phase("").Posts() {
			control[history.Root(x.ID())] = true
		}
		n := 0
		for mark, op := range marked(v, prefix) {
			switch {
			case op.Ask.Kind == history.Sent:
				n++
				if !among(op.Code(), codes) {
					return Fail("answer "+fourHundred(codes)+" to "+mark, "answer "+outcome(op)+" at "+op.Ask.Who, eventIDs(op)...)
				}
			case op.Ask.Method == http.MethodPost && !control[history.Root(op.ID())]:
				return Fail("nothing delivered of "+mark, name(op.ID())+" at "+op.Ask.Who, eventIDs(op)...)
			}
		}
		if n == 0 {
			return Unclear("nothing malformed was sent")
		}
		return Pass("%d answered %s", n, fourHundred(codes))
	}
}

// TakenOr judges posts that a target may take or refuse, each in a phase of its own whose name begins with prefix and ends
// with the id of the event. What is answered with one of the codes (any 4xx if none is given) must not come out; what is
// answered with 2xx must come out, without a difference; any other answer is a failure. The control is that of Rejects.
func TakenOr(prefix, expected string, codes []int, differs Difference, ways ...Way) Judge {
	return func(v *history.View) Finding {
		if f := Comes("the control event", Whatever, ways...)(v.Of("")); f.Verdict != verdict.Passed {
			return f
		}
		taken, refused := 0, 0
		for mark, x := range marked(v, prefix) {
			if x.Ask.Kind != history.Sent {
				continue
			}
			id := mark[strings.LastIndexByte(mark, ' ')+1:]
			var came []history.Exchange
			for _, w := range ways {
				if w.To == x.Ask.Who {
					came = v.Attempts(w.At, id)
				}
			}
			switch {
			case x.Accepted() && len(came) == 0:
				return Fail(mark+" to come with "+expected+", or answer "+fourHundred(codes), "answer "+outcome(x)+", and it never came", id)
			case x.Accepted():
				for _, a := range came {
					d := a.Ask.Event.Bad
					if d == "" {
						d = differs(x.Ask, a.Ask)
					}
					if d != "" {
						return Fail(mark+" to come with "+expected+", or answer "+fourHundred(codes), "at "+a.Ask.Who+": "+d, id)
					}
				}
				taken++
			case x.Code() == 0 && len(came) == 0:
				return Unclear("%s: the answer was lost (%s)", mark, outcome(x)) // a refusal may close the connection early
			case !among(x.Code(), codes):
				return Fail("answer 2xx or "+fourHundred(codes)+" to "+mark, "answer "+outcome(x), id)
			case len(came) > 0:
				return Fail("nothing delivered of what was refused", id+" at "+came[0].Ask.Who, id)
			default:
				refused++
			}
		}
		if taken+refused == 0 {
			return Unclear("nothing of %q was sent", prefix)
		}
		return Pass("%d taken, %d refused", taken, refused)
	}
}

// marked gives the stimulus exchanges that began in phases whose name begins with prefix, in order.
func marked(v *history.View, prefix string) iter.Seq2[string, history.Exchange] {
	return func(yield func(string, history.Exchange) bool) {
		byX := map[int64]history.Exchange{}
		for _, x := range append(v.Posts(), v.Arrivals()...) {
			byX[x.Ask.X] = x
		}
		mark := ""
		for i := range v.Ops {
			op := &v.Ops[i]
			if op.Kind == history.Mark {
				mark = op.Note
			}
			if (op.Kind == history.Sent || op.Kind == history.Received) && op.Role == history.Stimulus && mark != "" && strings.HasPrefix(mark, prefix) {
				if !yield(mark, byX[op.X]) {
					return
				}
			}
		}
	}
}

func among(code int, codes []int) bool {
	return slices.Contains(codes, code) || len(codes) == 0 && code/100 == 4
}

func fourHundred(codes []int) string {
	if len(codes) == 0 {
		return "4xx"
	}
	return anyOf(codes)
}

// Batch is a batch that was posted in a phase, with the ids of its events and the receiver at which they come out.
type Batch struct {
	Phase, At string
	IDs       []string
}

// BatchesWhole wants each batch to be answered with 2xx and all its events to come out, or with 4xx and none to.
func BatchesWhole(batches ...Batch) Judge {
	return func(v *history.View) Finding {
		var said []string
		for _, b := range batches {
			posts := v.Phase(b.Phase).Posts()
			if len(posts) == 0 {
				return Unclear("%s was not sent", b.Phase)
			}
			var came []string
			for _, id := range b.IDs {
				if len(v.Attempts(b.At, id)) > 0 {
					came = append(came, id)
				}
			}
			switch x := posts[0]; {
			case x.Code()/100 != 2 && x.Code()/100 != 4:
				return Fail("answer 2xx or 4xx to "+b.Phase, "answer "+outcome(x), b.IDs...)
			case x.Accepted() && len(came) < len(b.IDs):
				return Fail("all events of the "+b.Phase+", which was acknowledged, at "+b.At, fmt.Sprintf("%d of %d", len(came), len(b.IDs)), b.IDs...)
			case !x.Accepted() && len(came) > 0:
				return Fail("no event of the "+b.Phase+", which was refused", fmt.Sprintf("%d of %d at %s", len(came), len(b.IDs), b.At), b.IDs...)
			default:
				said = append(said, fmt.Sprintf("%s: %d", b.Phase, x.Code()))
			}
		}
		if len(said) == 0 {
			return Unclear("no batch was sent")
		}
		return Pass("%s", strings.Join(said, ", "))
	}
}
