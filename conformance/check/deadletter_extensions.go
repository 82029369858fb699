package check

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// Names of the error extensions of a dead letter (knative/eventing pkg/channel/attributes/knative_error.go).
const (
	errorDest = "knativeerrordest"
	errorCode = "knativeerrorcode"
	errorData = "knativeerrordata"
)

// errorDataMax is how many characters of knativeerrordata there may be.
const errorDataMax = 1024

// letter is a dead letter and the last answer of the receiver that failed.
type letter struct {
	id   string
	got  *history.Op
	last *history.Op // nil if it never answered
}

// lettersOf pairs each accepted event's newest dead letter with the last answer to it; got is nil if there is no letter.
func lettersOf(v *history.View, at, sink string) ([]letter, *Finding) {
	ids, none := taken(v, at)
	if none != nil {
		return nil, none
	}
	var out []letter
	for _, id := range ids {
		l := letter{id: id}
		for _, x := range v.Attempts(at, id) {
			if x.Answer != nil {
				l.last = x.Answer
			}
		}
		if l.last == nil || l.last.Code/100 == 2 {
			continue // it was delivered, or never tried: no dead letter is due
		}
		if got := v.Attempts(sink, id); len(got) > 0 {
			l.got = got[len(got)-1].Ask
		}
		out = append(out, l)
	}
	if len(out) == 0 {
		f := Unclear("no accepted event was refused by %s", at)
		return nil, &f
	}
	return out, nil
}

// extension reads an error extension; more than one header of it is a fault of its own.
func (l letter) extension(n string) (value string, present bool, twice string) {
	if k := http.CanonicalHeaderKey("ce-" + n); len(l.got.Header[k]) > 1 {
		return "", true, fmt.Sprintf("%d headers %s", len(l.got.Header[k]), k)
	}
	value, present = l.got.Event.Attrs[n]
	return value, present, ""
}

// ErrorDest wants knativeerrordest to be the URI that the status of the Subscription, or Trigger, shows for the leg that
// failed, subscriber or reply (knative/eventing pkg/kncloudevents/event_dispatcher.go).
func ErrorDest(at, sink, subscription, leg string) Judge {
	return func(v *history.View) Finding {
		letters, none := lettersOf(v, at, sink)
		if none != nil {
			return *none
		}
		uri := physical(v, subscription, leg)
		if uri == "" {
			return Unclear("%s does not show the URI of its %s", subscription, leg)
		}
		for _, l := range letters {
			if l.got == nil {
				return Unclear("no dead letter of %s came to %s", l.id, sink)
			}
			expected := errorDest + " " + uri + " on the dead letter of " + l.id
			switch got, ok, twice := l.extension(errorDest); {
			case twice != "":
				return Fail(expected, twice, l.id)
			case !ok:
				return Fail(expected, "it is absent", l.id)
			case !sameAddress(got, uri):
				return Fail(expected, "it is "+got, l.id)
			}
		}
		return Pass("%d name %s", len(letters), uri)
	}
}

func physical(v *history.View, subscription, leg string) string {
	o := v.LastStatus(subscription)
	if o == nil {
		return ""
	}
	if leg == "reply" {
		return o.Status.PhysicalSubscription.ReplyURI
	}
	return cmp.Or(o.Status.PhysicalSubscription.SubscriberURI, o.Status.SubscriberURI)
}

// sameAddress overlooks a final slash.
func sameAddress(a, b string) bool { return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/") }

func shortened(s string) string {
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return fmt.Sprintf("%q", s)
}

// ErrorCode wants knativeerrorcode to be the status of the last answer.
func ErrorCode(at, sink string) Judge {
	return func(v *history.View) Finding {
		letters, none := lettersOf(v, at, sink)
		if none != nil {
			return *none
		}
		for _, l := range letters {
			if l.got == nil {
				return Unclear("no dead letter of %s came to %s", l.id, sink)
			}
			expected := fmt.Sprintf("%s %d, the last answer, on the dead letter of %s", errorCode, l.last.Code, l.id)
			switch got, ok, twice := l.extension(errorCode); {
			case twice != "":
				return Fail(expected, twice, l.id)
			case !ok:
				return Fail(expected, "it is absent", l.id)
			case got != fmt.Sprint(l.last.Code):
				return Fail(expected, "it is "+shortened(got), l.id)
			}
		}
		return Pass("%d carry the code of the last answer", len(letters))
	}
}

// ErrorData wants knativeerrordata to be the standard base64 of the last answer's body. A body whose encoding has more
// than 1024 characters may be cut.
func ErrorData(at, sink string) Judge {
	return func(v *history.View) Finding {
		letters, none := lettersOf(v, at, sink)
		if none != nil {
			return *none
		}
		for _, l := range letters {
			body := l.last.Body
			expected := fmt.Sprintf("%s of %s on the dead letter of %s", errorData, bodyLength(body), l.id)
			if l.got == nil {
				return Fail(expected, "no dead letter of it came to "+sink, l.id)
			}
			got, ok, twice := l.extension(errorData)
			if twice != "" {
				return Fail(expected, twice, l.id)
			}
			if !ok && len(body) > 0 {
				return Fail(expected, "it is absent", l.id)
			}
			if wrong := encodes(got, body); wrong != "" {
				return Fail(expected, wrong, l.id)
			}
		}
		return Pass("%d carry the last answer's body", len(letters))
	}
}

// bodyLength says how long an error body is, of which the history keeps the head.
func bodyLength(body []byte) string {
	if len(body) >= history.KeepData {
		return fmt.Sprintf("an answer of %d or more bytes", history.KeepData)
	}
	return fmt.Sprintf("an answer of %d bytes", len(body))
}

// encodes says what is wrong with text as the encoding of a body, or of its head if the whole would be too long.
func encodes(text string, body []byte) string {
	whole := text
	if base64.StdEncoding.EncodedLen(len(body)) > errorDataMax {
		whole = strings.TrimRight(text, "=")
		whole = whole[:len(whole)/4*4] // a cut within a group of four says nothing of its last bytes
	}
	raw, err := base64.StdEncoding.DecodeString(whole)
	switch {
	case err != nil:
		return shortened(text) + " is no standard base64"
	case base64.StdEncoding.EncodedLen(len(body)) <= errorDataMax:
		if string(raw) != string(body) {
			return fmt.Sprintf("it decodes to %d bytes: %s", len(raw), shortened(string(raw)))
		}
	case len(raw) == 0:
		return "it is empty"
	case string(raw[:min(len(raw), len(body))]) != string(body[:min(len(raw), len(body))]):
		return "it decodes to something else: " + shortened(string(raw))
	}
	return ""
}

// ErrorDataCut wants no knativeerrordata of more than 1024 characters, seen on answers whose body would need more.
func ErrorDataCut(at, sink string) Judge {
	return func(v *history.View) Finding {
		letters, none := lettersOf(v, at, sink)
		if none != nil {
			return *none
		}
		long, longest := 0, 0
		for _, l := range letters {
			expected := fmt.Sprintf("at most %d characters of %s on the dead letter of %s", errorDataMax, errorData, l.id)
			if l.got == nil {
				return Fail(expected, "no dead letter of it came to "+sink, l.id)
			}
			got, _, _ := l.extension(errorData)
			if len(got) > errorDataMax {
				return Fail(expected, fmt.Sprintf("%d characters", len(got)), l.id)
			}
			if base64.StdEncoding.EncodedLen(len(l.last.Body)) > errorDataMax && got != "" {
				long++
			}
			longest = max(longest, len(got))
		}
		if long == 0 {
			return Unclear("no dead letter of a long answer carried %s", errorData)
		}
		return Pass("%d of long answers, %d characters at most", long, longest)
	}
}

// ErrorBelowHTTP wants the dead letter of an event whose delivery failed without an answer to carry error extensions that
// claim no success. Which ones differs between implementations, so that the finding tells what was seen.
func ErrorBelowHTTP(sink string) Judge {
	return func(v *history.View) Finding {
		ids, none := taken(v, sink)
		if none != nil {
			return *none
		}
		seen := ""
		for _, id := range ids {
			got := v.Attempts(sink, id)
			if len(got) == 0 {
				return Fail("a dead letter of "+id+" at "+sink, "none", id)
			}
			e := got[len(got)-1].Ask.Event
			code, hasCode := e.Attrs[errorCode]
			data, hasData := e.Attrs[errorData]
			if _, hasDest := e.Attrs[errorDest]; !hasDest && !hasCode && !hasData {
				return Fail("error extensions on the dead letter of "+id, "none of them", id)
			}
			if strings.HasPrefix(code, "2") {
				return Fail("no success claimed by "+errorCode+" on the dead letter of "+id, "it is "+code, id)
			}
			text, err := base64.StdEncoding.DecodeString(data)
			switch {
			case hasCode && code == "500" && err == nil && strings.HasPrefix(string(text), "dispatch error:"):
				seen = "code 500, data begins with dispatch error:"
			case !hasCode:
				seen = "no code, data " + shortened(string(text))
			default:
				seen = "code " + code + ", data " + shortened(string(text))
			}
		}
		return Pass("%s", seen)
	}
}
