package check

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// Judges of the filters of Triggers: which of the events that were sent came to whom.

// Got wants exactly the named ones ("e1 e3", or nothing) of the accepted events to come to a receiver, each at least once:
// delivery may repeat an event, and a filter is not to blame for it.
func Got(at, events string) Judge {
	wanted := strings.Fields(events)
	return func(v *history.View) Finding {
		ids, none := accepted(v)
		if none != nil {
			return *none
		}
		for _, id := range wanted {
			if !slices.Contains(ids, id) {
				return Unclear("%s was not sent and accepted", id)
			}
		}
		came := map[string]bool{}
		for _, x := range v.Arrivals(at) {
			came[x.ID()] = true
		}
		for _, id := range ids {
			switch want := slices.Contains(wanted, id); {
			case want && !came[id]:
				return Fail(orNothing(wanted)+" at "+at, id+" did not come: "+attributesOf(v, id), id)
			case !want && came[id]:
				return Fail(orNothing(wanted)+" at "+at, id+" came as well: "+attributesOf(v, id), id)
			}
		}
		return Pass("%s at %s, of %d", orNothing(wanted), at, len(ids))
	}
}

func orNothing(ids []string) string {
	if len(ids) == 0 {
		return "nothing"
	}
	return strings.Join(ids, ", ")
}

// attributesOf shows an event as it was sent.
func attributesOf(v *history.View, id string) string {
	x := find(v.Posts(), func(x history.Exchange) bool { return x.ID() == id })
	var parts []string
	for name, value := range x.Ask.Event.Attrs {
		if name != "id" && name != "specversion" && name != "datacontenttype" {
			parts = append(parts, fmt.Sprintf("%s=%.40q", name, value))
		}
	}
	sort.Strings(parts)
	return strings.Join(parts, " ")
}

// Witnessed judges only if every accepted event came to a witness, whose Trigger has no filter: what came to nobody was not
// filtered.
func Witnessed(witness string, j Judge) Judge {
	return func(v *history.View) Finding {
		ids, none := accepted(v)
		if none != nil {
			return *none
		}
		for _, id := range ids {
			if len(v.Attempts(witness, id)) == 0 {
				return Unclear("%s did not come to %s either, whose Trigger has no filter", id, witness)
			}
		}
		return j(v)
	}
}

// ComparesAsSeen wants an attribute to be compared by the text in which a witness got it, whatever text it was sent with:
// each receiver, by the text that its Trigger's filter asks for, gets the events whose attribute the witness saw so, and no
// others.
func ComparesAsSeen(attribute, witness string, receivers map[string]string) Judge {
	return func(v *history.View) Finding {
		ids, none := accepted(v)
		if none != nil {
			return *none
		}
		compared := 0
		for _, id := range ids {
			seen := v.Attempts(witness, id)
			if len(seen) == 0 {
				return Unclear("%s did not come to %s, whose Trigger has no filter", id, witness)
			}
			text := seen[0].Ask.Event.Attrs[attribute]
			for asked, at := range receivers {
				came := len(v.Attempts(at, id)) > 0
				switch {
				case asked == text && !came:
					return Fail(fmt.Sprintf("%s, whose %s is seen as %s, at %s, whose filter asks for that", id, attribute, text, at), "it did not come", id)
				case asked != text && came:
					return Fail(fmt.Sprintf("%s, whose %s is seen as %s, not at %s, whose filter asks for %s", id, attribute, text, at, asked), "it came", id)
				case came:
					compared++
				}
			}
		}
		if compared == 0 {
			return Unclear("no filter asks for a text that was seen")
		}
		return Pass("%d events were compared by the text that is seen", compared)
	}
}
