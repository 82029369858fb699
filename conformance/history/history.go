// Package history is the log of what a black-box observer saw: operations in the order they were observed, each with a
// monotonic time. Drivers append to it, checks read it, and a file of it can be judged again.
package history

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/fixtures/event"
)

// Kind says what was observed.
type Kind string

// The kinds of operations.
const (
	Begin    Kind = "begin"    // a scenario starts; Note is its namespace
	Applied  Kind = "applied"  // a manifest was offered; Refused tells the outcome, Note the target's words
	Deleted  Kind = "deleted"  // an object's deletion was asked for; Refused if the target said no
	Status   Kind = "status"   // an object as the target showed it (Shown); Gone if it is not there
	Sent     Kind = "sent"     // the harness began a request to the target; time taken just before the first byte
	Acked    Kind = "acked"    // its answer, or Error if there was none; time taken when the answer was read
	Received Kind = "received" // a receiver was called; time taken when its handler was entered
	Answered Kind = "answered" // the receiver's answer; time taken just before its first byte, so that effects come later
	Mark     Kind = "mark"     // a phase of the scenario begins; Note names it
	Settled  Kind = "settled"  // a wait ended; OK tells whether what was awaited came
	Stopped  Kind = "stopped"  // the scenario ended early; Error is "target" or "harness", Note says why
	Restart  Kind = "restart"  // a part of the target (Who) fell over, at T, and was started again; Note is what is known of its end
	End      Kind = "end"      // the scenario is over
)

var kinds = []Kind{Begin, Applied, Deleted, Status, Sent, Acked, Received, Answered, Mark, Settled, Stopped, Restart, End}

// Op is one observed operation. Which fields are set depends on Kind.
type Op struct {
	N        int           `json:"n"` // position in the scenario, from 1, without gaps
	T        time.Duration `json:"t"` // nanoseconds since the run began, monotonic
	Scenario string        `json:"s"`
	Kind     Kind          `json:"k"`
	Who      string        `json:"who,omitempty"` // receiver, or address or object ("Sequence/s"; "Sequence/ns/s" if in another namespace)
	X        int64         `json:"x,omitempty"`   // joins sent with acked, received with answered
	Number   int           `json:"no,omitempty"`  // the receiver's own count of requests, from 1
	Attempt  int           `json:"a,omitempty"`   // how often this event came to this receiver, from 1
	Method   string        `json:"m,omitempty"`
	Path     string        `json:"path,omitempty"` // received: the path below the receiver's own; sent: the URL
	Code     int           `json:"code,omitempty"` // HTTP status
	Header   http.Header   `json:"h,omitempty"`
	Event    *Event        `json:"e,omitempty"` // the event in the message, if it claims to be one
	Body     []byte        `json:"b,omitempty"` // the head of a body that is no event
	// Shown is the object of a status, as JSON, and the manifest that was applied unless it is huge.
	Shown   json.RawMessage `json:"o,omitempty"`
	Fault   string          `json:"fault,omitempty"`
	Error   string          `json:"err,omitempty"`
	Note    string          `json:"note,omitempty"`
	Refused bool            `json:"refused,omitempty"`
	Gone    bool            `json:"gone,omitempty"`
	OK      bool            `json:"ok,omitempty"`
	Role    Role            `json:"role,omitempty"`
}

// Role tells the harness's own traffic from the stimulus.
type Role string

// Barrier and canary traffic is no evidence about the events of a scenario, nor is what a target asks before it sends.
const (
	Stimulus  Role = ""
	Barrier   Role = "barrier"   // sent through the target to prove that it is alive and has caught up
	Canary    Role = "canary"    // sent straight to a receiver to prove that it records
	Preflight Role = "preflight" // an OPTIONS request of the target to a receiver
)

// Event is a CloudEvent as it was seen. Data holds its first KeepData bytes; Size and Sum describe all of it.
type Event struct {
	Mode  string            `json:"mode"` // binary, structured or batch
	Attrs map[string]string `json:"at,omitempty"`
	Data  []byte            `json:"d,omitempty"`
	Size  int               `json:"sz,omitempty"`  // bytes of data; -1 if the event has no data
	Sum   string            `json:"sum,omitempty"` // first 16 hex digits of the SHA-256 of the data
	Bad   string            `json:"bad,omitempty"` // why the message is no valid event
	Count int               `json:"count,omitempty"`
}

// KeepData is how many bytes of data or of a foreign body an op keeps.
const KeepData = 2048

// ID returns the attribute id, empty if there is none.
func (e *Event) ID() string {
	if e == nil {
		return ""
	}
	return e.Attrs["id"]
}

// Key identifies an event: source and id together (CloudEvents spec.md "id").
func (e *Event) Key() string {
	if e == nil {
		return ""
	}
	return e.Attrs["source"] + " " + e.Attrs["id"]
}

// HasData tells whether the event carried data.
func (e *Event) HasData() bool { return e != nil && e.Size >= 0 }

// Sum is the digest that Event.Sum holds.
func Sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:8])
}

// See describes the event in an HTTP message, nil if the message claims to be none.
func See(h http.Header, body []byte) *Event {
	mode, events, err := event.Decode(h, body)
	return describe(mode, events, err, h)
}

func describe(mode event.Mode, events []*event.Event, err error, h http.Header) *Event {
	if mode == event.None && (err == nil || errors.Is(err, event.ErrNotAnEvent)) {
		return nil
	}
	out := &Event{Mode: mode.String(), Size: -1}
	if mode == event.Batch {
		out.Count = len(events)
	}
	if err != nil {
		out.Bad = err.Error()
		if id := h.Get("Ce-Id"); id != "" {
			out.Attrs = map[string]string{"id": id, "source": h.Get("Ce-Source")}
		}
		return out
	}
	if len(events) == 0 {
		return out
	}
	return fill(out, events[0])
}

// Of describes an event that the harness made itself.
func Of(e *event.Event, mode event.Mode) *Event {
	if e == nil {
		return nil
	}
	return fill(&Event{Mode: mode.String(), Size: -1}, e)
}

func fill(out *Event, e *event.Event) *Event {
	out.Attrs = make(map[string]string, len(e.Attrs))
	for _, a := range e.Attrs {
		out.Attrs[a.Name] = a.Value
	}
	if e.Data != nil {
		out.Size, out.Sum = len(e.Data), Sum(e.Data)
		out.Data = e.Data[:min(len(e.Data), KeepData)]
	}
	return out
}

// Object is what checks read of a shown object; unknown members are ignored.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name            string            `json:"name"`
		Namespace       string            `json:"namespace"`
		UID             string            `json:"uid"`
		Generation      int64             `json:"generation"`
		Labels          map[string]string `json:"labels"`
		Annotations     map[string]string `json:"annotations"`
		OwnerReferences []struct {
			Kind       string `json:"kind"`
			Name       string `json:"name"`
			UID        string `json:"uid"`
			Controller bool   `json:"controller"`
		} `json:"ownerReferences"`
	} `json:"metadata"`
	Spec   map[string]any `json:"spec"`
	Status struct {
		ObservedGeneration int64       `json:"observedGeneration"`
		Conditions         []Condition `json:"conditions"`
		Address            *struct {
			URL      string `json:"url"`
			CACerts  string `json:"CACerts"`
			Audience string `json:"audience"`
		} `json:"address"`
		DeadLetterSinkURI    string `json:"deadLetterSinkUri"`
		SinkURI              string `json:"sinkUri"`
		SubscriberURI        string `json:"subscriberUri"`
		PhysicalSubscription struct {
			SubscriberURI     string `json:"subscriberUri"`
			ReplyURI          string `json:"replyUri"`
			DeadLetterSinkURI string `json:"deadLetterSinkUri"`
		} `json:"physicalSubscription"`
		Channel *struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"channel"`
		ChannelStatuses      []json.RawMessage `json:"channelStatuses"`
		SubscriptionStatuses []json.RawMessage `json:"subscriptionStatuses"`
		CEAttributes         []struct {
			Type   string `json:"type"`
			Source string `json:"source"`
		} `json:"ceAttributes"`
	} `json:"status"`
}

// Condition is one entry of status.conditions.
type Condition struct {
	Type               string `json:"type"`
	Status             string `json:"status"`
	Reason             string `json:"reason"`
	Message            string `json:"message"`
	Severity           string `json:"severity"` // empty for a condition that counts as an error
	LastTransitionTime string `json:"lastTransitionTime"`
}

// Object decodes the object of a Status op, nil if there is none.
func (o *Op) Object() *Object {
	if o.Kind != Status || len(o.Shown) == 0 {
		return nil
	}
	var obj Object
	if json.Unmarshal(o.Shown, &obj) != nil {
		return nil
	}
	return &obj
}

// Condition returns the entry of a type; its Status is empty if there is none.
func (o *Object) Condition(typ string) Condition {
	if o != nil {
		for _, c := range o.Status.Conditions {
			if c.Type == typ {
				return c
			}
		}
	}
	return Condition{Type: typ}
}

// Ready tells whether the object is Ready for its current generation.
func (o *Object) Ready() bool {
	return o != nil && o.Condition("Ready").Status == "True" && o.Status.ObservedGeneration == o.Metadata.Generation
}

// URL returns the address, empty if there is none.
func (o *Object) URL() string {
	if o == nil || o.Status.Address == nil {
		return ""
	}
	return o.Status.Address.URL
}

// Root returns the id of the event at the beginning of a lineage: the harness's steps derive ids by appending ".who".
func Root(id string) string {
	root, _, _ := strings.Cut(id, ".")
	return root
}
