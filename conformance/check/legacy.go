package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// SameSpec wants an object that was applied in a form of old to show the spec that its twin of today shows.
func SameSpec(old, today string) Judge {
	return func(v *history.View) Finding {
		a, b := v.LastStatus(old), v.LastStatus(today)
		if b == nil {
			return Unclear("%s was not seen", today)
		}
		if a == nil {
			return Fail(old+" in its form of today", "it is not there")
		}
		for _, field := range slices.Sorted(maps.Keys(b.Spec)) {
			if !reflect.DeepEqual(a.Spec[field], b.Spec[field]) {
				return Fail(fmt.Sprintf("spec.%s of %s as of %s: %s", field, old, today, asJSON(b.Spec[field])), asJSON(a.Spec[field]))
			}
		}
		for _, field := range slices.Sorted(maps.Keys(a.Spec)) {
			if _, known := b.Spec[field]; !known {
				return Fail(fmt.Sprintf("no spec.%s of %s, as of %s", field, old, today), asJSON(a.Spec[field]))
			}
		}
		return Pass("%s shows the spec of %s", old, today)
	}
}

func asJSON(x any) string {
	text, err := json.Marshal(x)
	if err != nil {
		return fmt.Sprint(x)
	}
	return clip(text)
}

// Selected wants exactly the accepted events that are wanted to come to a receiver.
func Selected(at string, wanted func(*history.Event) bool) Judge {
	return func(v *history.View) Finding {
		if _, none := accepted(v); none != nil {
			return *none
		}
		in, out := 0, 0
		for _, p := range v.Posts() {
			if !p.Accepted() {
				continue
			}
			e, came := p.Ask.Event, len(v.Attempts(at, p.ID())) > 0
			what := fmt.Sprintf("%s of type %s and source %s", p.ID(), e.Attrs["type"], e.Attrs["source"])
			switch want := wanted(e); {
			case want && !came:
				return Fail(what+" at "+at, "it did not come", p.ID())
			case !want && came:
				return Fail("nothing of "+what+" at "+at, "it came", p.ID())
			case want:
				in++
			default:
				out++
			}
		}
		return Pass("%d came to %s, %d did not", in, at, out)
	}
}

// Pings wants a PingSource to show, as what it sends, the data of a JSON object and events of this type and of a source
// that ends so (pkg/adapter/cronjobevents of release-0.8).
func Pings(object, data, eventType, source string) Judge {
	return func(v *history.View) Finding {
		o := v.LastStatus(object)
		if o == nil {
			return Unclear("%s was not seen", object)
		}
		text, _ := o.Spec["data"].(string)
		var is, want any
		if json.Unmarshal([]byte(data), &want) != nil || json.Unmarshal([]byte(text), &is) != nil || !reflect.DeepEqual(is, want) {
			return Fail("spec.data of "+object+" as "+data, fmt.Sprintf("%q", text))
		}
		if ct := digText(o.Spec, "contentType"); ct != "application/json" {
			return Fail("spec.contentType of "+object+" as application/json", fmt.Sprintf("%q", ct))
		}
		for _, a := range o.Status.CEAttributes {
			if a.Type == eventType && strings.HasSuffix(a.Source, source) {
				return Pass("%s from %s, with %s", a.Type, a.Source, data)
			}
		}
		return Fail(fmt.Sprintf("status.ceAttributes of %s with type %s and source …%s", object, eventType, source),
			fmt.Sprintf("%+v", o.Status.CEAttributes))
	}
}

// RefersTo tells whether a destination in an object's spec is a reference to an object, with no bare reference beside it.
func RefersTo(o *history.Object, field, kind, name string) bool {
	d := inside(o.Spec, field)
	_, bare := d["kind"]
	return !bare && digText(d, "ref", "kind") == kind && digText(d, "ref", "name") == name
}
