package drive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/api"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
	"github.com/sequitur-dev/sequitur/fixtures/target"
)

// Stage is where one scenario is played. Its verbs act and record; none judges. A verb that cannot go on (a manifest that
// must be accepted was refused, an object never became Ready, the run was interrupted) ends the scenario: the history
// says why, and the checks judge what there is. Verbs are for one goroutine.
type Stage struct {
	bench     *Bench
	ctx       context.Context
	name      string
	began     time.Time
	namespace string
	log       *log
	addresses map[string]api.Address // by Kind/name
	uris      map[string]string      // receivers' URIs by name
	used      map[string]bool        // namespaces
	events    int
	barriers  int
	readied   int            // how often something was Ready
	warmed    map[string]int // by address: readied when it was tried
	cold      bool
	exchange  int64
	refused   []*receiver.Refused
	options   receiver.Respond // answers OPTIONS at every receiver; nil: whoever asks may send
}

type stopped struct{}

// Interrupted is the note of a scenario that ended because the run did: its history is no evidence.
const Interrupted = "interrupted"

// stop ends the scenario; whose is "target" or "harness".
func (s *Stage) stop(whose, why string, args ...any) {
	if s.ctx.Err() != nil {
		whose = "harness"
		why, args = Interrupted, nil
	}
	s.log.add(time.Time{}, history.Op{Kind: history.Stopped, Error: whose, Note: fmt.Sprintf(why, args...)})
	panic(stopped{})
}

// play runs the script; a panic of the script itself is a harness error, not a crash of the run.
func (s *Stage) play(script func(*Stage)) {
	defer func() {
		switch p := recover(); p.(type) {
		case nil, stopped:
		default:
			s.log.add(time.Time{}, history.Op{Kind: history.Stopped, Error: "harness", Note: fmt.Sprintf("the scenario's script panicked: %v", p)})
		}
	}()
	script(s)
}

// Namespace is the scenario's own; a second one, for what crosses namespaces, is Namespace()+"-other".
func (s *Stage) Namespace() string { return s.namespace }

// Claims tells whether the target claims a feature.
func (s *Stage) Claims(feature string) bool {
	for _, c := range s.bench.target.About().Claims {
		if c == feature {
			return true
		}
	}
	return false
}

// Receiver sets the script of a receiver, before or while it is in use.
func (s *Stage) Receiver(name string, r receiver.Respond) {
	if _, ok := s.uris[name]; ok {
		s.bench.server.Set(s.namespace, name, s.answering(r))
		return
	}
	s.uris[name] = s.bench.server.Add(s.namespace, name, s.answering(r))
}

// Options sets how the receivers that follow answer OPTIONS, by which a sender may ask beforehand (data-plane.md
// #http-verbs, CloudEvents http-webhook.md §4). Scripts are about events, and are not asked.
func (s *Stage) Options(r receiver.Respond) { s.options = r }

var welcome = receiver.Always(receiver.Answer{Status: http.StatusOK, Header: http.Header{
	"Allow": {"POST, OPTIONS"}, "Webhook-Allowed-Origin": {"*"}, "Webhook-Allowed-Rate": {"*"}}})

func (s *Stage) answering(r receiver.Respond) receiver.Respond {
	options := s.options
	if options == nil {
		options = welcome
	}
	return func(req *receiver.Request) receiver.Answer {
		switch {
		case req.Method == http.MethodOptions:
			return options(req)
		case r == nil:
			return receiver.Answer{}
		}
		return r(req)
	}
}

// URI returns a receiver's URI; one that has no script accepts everything with 202.
func (s *Stage) URI(name string) string {
	if _, ok := s.uris[name]; !ok {
		s.Receiver(name, receiver.OK())
	}
	return s.uris[name]
}

// Service makes a core Service (Kind "Service") or a Knative Service ("KService") of the receiver's name that leads to
// the receiver. A v1 Service stands for a Knative Service where the target does not claim KnativeService, also in references.
func (s *Stage) Service(kind, name string) { s.ServiceIn(kind, s.namespace, name, name) }

// ServiceIn makes a Service in a namespace that leads to a receiver of this scenario.
func (s *Stage) ServiceIn(kind, namespace, name, to string) {
	uri := s.URI(to)
	if kind == knativeService && !s.Claims(featureKnativeService) {
		kind = "Service"
	}
	ref := Ref(kind+"/"+name, namespace)
	endpoint := uri
	if kind == "Service" {
		s.bench.server.Alias(name+"."+namespace+".svc.cluster.local", s.namespace, to)
		endpoint = s.bench.base
	}
	s.Apply(fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: %s, namespace: %s, annotations: {%s: %q}}\n",
		ref.APIVersion, ref.Kind, name, namespace, api.AnnotationEndpoint, endpoint))
}

const (
	knativeService        = "KService"
	featureKnativeService = "KnativeService"
)

// standIn makes references to Knative Services, wherever they are in a manifest, refer to v1 Services.
func standIn(v any) {
	switch v := v.(type) {
	case map[string]any:
		if v["kind"] == "Service" && v["apiVersion"] == api.Serving {
			v["apiVersion"] = api.Core
		}
		for _, in := range v {
			standIn(in)
		}
	case []any:
		for _, in := range v {
			standIn(in)
		}
	}
}

// Refusing returns a base URL at which connections are refused until Come is called with it.
func (s *Stage) Refusing() *receiver.Refused {
	host := strings.TrimPrefix(s.bench.base, "http://")
	if i := strings.LastIndexByte(host, ':'); i > 0 {
		host = host[:i]
	}
	r, err := receiver.Refuse(host)
	if err != nil {
		s.stop("harness", "no port that refuses: %v", err)
	}
	s.refused = append(s.refused, r)
	return r
}

// Come makes a refusing address answer as the harness's receivers do: base+"/"+namespace+"/"+name.
func (s *Stage) Come(r *receiver.Refused) {
	l, err := r.Listen()
	if err != nil {
		s.stop("harness", "listen: %v", err)
	}
	s.bench.server.ServeAlso(l)
}

var placeholder = regexp.MustCompile(`\$([a-z][a-z0-9]*)`)

// fill replaces $ns by the namespace and $name by the URI of the receiver of that name.
func (s *Stage) fill(manifest string) string {
	return placeholder.ReplaceAllStringFunc(manifest, func(m string) string {
		if m == "$ns" {
			return s.namespace
		}
		return s.URI(m[1:])
	})
}

// Apply offers manifests (YAML, documents parted by "---") that must be accepted.
func (s *Stage) Apply(manifests string) {
	for _, doc := range strings.Split(manifests, "\n---") {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		if object, why := s.offer(doc); why != "" {
			s.stop("target", "%s was refused: %s", object, why)
		}
	}
}

// Try offers one manifest and tells whether it was accepted.
func (s *Stage) Try(manifest string) bool {
	_, why := s.offer(manifest)
	return why == ""
}

func (s *Stage) offer(doc string) (object, refusal string) {
	var m map[string]any
	if err := yaml.Unmarshal([]byte(s.fill(doc)), &m); err != nil {
		s.stop("harness", "the scenario's manifest is no YAML: %v", err)
	}
	if !s.Claims(featureKnativeService) {
		standIn(m["spec"])
	}
	meta, _ := m["metadata"].(map[string]any)
	if meta == nil {
		s.stop("harness", "the scenario's manifest has no metadata")
	}
	if _, ok := meta["namespace"]; !ok {
		meta["namespace"] = s.namespace
	}
	ref := api.Ref{APIVersion: fmt.Sprint(m["apiVersion"]), Kind: fmt.Sprint(m["kind"]), Namespace: fmt.Sprint(meta["namespace"]), Name: fmt.Sprint(meta["name"])}
	object = nameOf(ref, s.namespace)
	text, err := json.Marshal(m)
	if err != nil {
		s.stop("harness", "manifest of %s: %v", object, err)
	}
	s.used[ref.Namespace] = true
	err = s.bench.target.Apply(s.ctx, text)
	var refused *target.Refused
	if errors.As(err, &refused) {
		s.log.add(time.Time{}, history.Op{Kind: history.Applied, Who: object, Refused: true, Code: refused.Code, Note: refused.Message, Shown: head(text)})
		return object, refused.Message
	}
	if err != nil {
		s.stop("harness", "%s could not be applied: %v", object, err)
	}
	s.log.add(time.Time{}, history.Op{Kind: history.Applied, Who: object, Shown: head(text)})
	return object, ""
}

// head keeps manifests of the usual size; one that is huge on purpose is left out.
func head(manifest []byte) []byte {
	if len(manifest) > 8<<10 {
		return nil
	}
	return manifest
}

// Delete asks for the deletion of an object.
func (s *Stage) Delete(object string) {
	err := s.bench.target.Delete(s.ctx, Ref(object, s.namespace))
	op := history.Op{Kind: history.Deleted, Who: object}
	var refused *target.Refused
	switch {
	case errors.As(err, &refused):
		op.Refused, op.Note = true, refused.Message
	case err != nil && !errors.Is(err, target.ErrNotFound):
		s.stop("harness", "%s could not be deleted: %v", object, err)
	}
	s.log.add(time.Time{}, op)
}

// Ready waits until each object is Ready at its current generation; if one never is, the scenario ends. A Knative Service that
// a v1 Service stands for is Ready.
func (s *Stage) Ready(objects ...string) {
	for _, object := range objects {
		s.readied++
		if strings.HasPrefix(object, knativeService+"/") && !s.Claims(featureKnativeService) {
			continue // what stands for it has no status
		}
		if !s.Await(object, "to be Ready", func(o *history.Object) bool { return o.Ready() }) {
			last := "it is not there"
			if o := s.log.view().LastStatus(object); o != nil {
				c := o.Condition("Ready")
				last = fmt.Sprintf("Ready is %q %s %s", c.Status, c.Reason, c.Message)
			}
			s.stop("target", "%s never became Ready within %v: %s", object, s.bench.patience.Ready, last)
		}
	}
}

// Await waits until the object's shown state holds, recording each state seen, and tells whether it came in time. A state
// of nil means that the object is not there.
func (s *Stage) Await(object, what string, holds func(*history.Object) bool) bool {
	ctx, cancel := context.WithTimeout(s.ctx, s.bench.patience.Ready)
	defer cancel()
	states, err := s.bench.target.Watch(ctx, Ref(object, s.namespace))
	if err != nil {
		s.stop("harness", "%s could not be watched: %v", object, err)
	}
	for state := range states {
		if o := s.show(object, state); holds(o) {
			s.log.add(time.Time{}, history.Op{Kind: history.Settled, OK: true, Note: object + " " + what})
			cancel()
			for range states { // the watcher ends when it sees the context
			}
			return true
		}
	}
	s.interrupted()
	s.log.add(time.Time{}, history.Op{Kind: history.Settled, Note: object + " " + what})
	return false
}

// Look records an object's state now and returns it, nil if it is not there.
func (s *Stage) Look(object string) *history.Object {
	o, err := s.bench.target.Get(s.ctx, Ref(object, s.namespace))
	if errors.Is(err, target.ErrNotFound) {
		return s.show(object, nil)
	}
	if err != nil {
		s.stop("harness", "%s could not be read: %v", object, err)
	}
	return s.show(object, o)
}

// List records the state of every object of a kind in the namespace and returns their names (Kind/name), sorted.
func (s *Stage) List(kind string) []string {
	objects, err := s.bench.target.List(s.ctx, Ref(kind+"/", s.namespace))
	if err != nil {
		s.stop("harness", "%s could not be listed: %v", kind, err)
	}
	var names []string
	for _, o := range objects {
		name := kind + "/" + o.GetHead().Metadata.Name
		s.show(name, o)
		names = append(names, name)
	}
	return names
}

func (s *Stage) show(object string, o api.Object) *history.Object {
	op := history.Op{Kind: history.Status, Who: object}
	if o == nil {
		op.Gone = true
		s.log.add(time.Time{}, op)
		return nil
	}
	body, err := json.Marshal(o)
	if err != nil {
		s.stop("harness", "%s could not be encoded: %v", object, err)
	}
	op.Shown = body
	s.log.add(time.Time{}, op)
	shown := op.Object()
	if a, ok := o.(api.Addressable); ok && shown.URL() != "" {
		s.addresses[object] = a.AddressOf().InUse()
	}
	return shown
}

// URL returns the address of an object, or the text itself if it is a URL already; the scenario ends if there is none.
func (s *Stage) URL(to string) string {
	if strings.Contains(to, "://") {
		return to
	}
	return s.address(to).URL
}

// address returns where an object takes events, with what a sender needs to know; of a URL it is the URL alone.
func (s *Stage) address(to string) api.Address {
	if strings.Contains(to, "://") {
		return api.Address{URL: to}
	}
	if s.addresses[to].URL == "" {
		s.Look(to)
	}
	if s.addresses[to].URL == "" {
		s.stop("target", "%s has no address", to)
	}
	return s.addresses[to]
}

// Mark begins a phase.
func (s *Stage) Mark(name string) { s.log.add(time.Time{}, history.Op{Kind: history.Mark, Note: name}) }

// Expect waits until a receiver has answered at least n requests in all, and tells whether that came in time.
func (s *Stage) Expect(at string, n int) bool {
	return s.settle(fmt.Sprintf("%d at %s", n, at), func() bool { return s.log.done[at] >= n })
}

// ExpectMore waits until a receiver has answered n more requests than had been answered at the count before, as Count
// gave it.
func (s *Stage) ExpectMore(at string, before, n int) bool { return s.Expect(at, before+n) }

// Count returns how many requests a receiver has answered.
func (s *Stage) Count(at string) int {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.done[at]
}

// Until waits until the history so far satisfies a condition, and tells whether that came in time.
func (s *Stage) Until(what string, holds func(*history.View) bool) bool {
	return s.settle(what, func() bool { return holds(history.NewView(s.name, nil, s.log.ops)) })
}

func (s *Stage) settle(what string, holds func() bool) bool {
	ok := s.log.await(s.ctx.Done(), s.bench.patience.Settle, holds)
	s.interrupted()
	s.log.add(time.Time{}, history.Op{Kind: history.Settled, OK: ok, Note: what})
	return ok
}

func (s *Stage) interrupted() {
	if s.ctx.Err() != nil {
		s.stop("harness", Interrupted)
	}
}

// Quiet sends a barrier event through an address, waits until it has come to each of the receivers named (those to which
// an event that every step relays would come), and then for a window without any operation. With an empty address it
// waits for the window only.
func (s *Stage) Quiet(to string, via ...string) {
	if to != "" {
		s.barriers++
		id := fmt.Sprintf("barrier%d", s.barriers)
		s.post(to, Post{Event: barrier(id)}, history.Barrier)
		for _, at := range via {
			ok := s.log.await(s.ctx.Done(), s.bench.patience.Settle, func() bool {
				_, ok := s.log.passed[at+" "+id]
				return ok
			})
			s.interrupted()
			s.log.add(time.Time{}, history.Op{Kind: history.Settled, OK: ok, Note: id + " at " + at})
		}
	}
	ok := s.log.silence(s.ctx.Done(), s.bench.patience.Quiet, s.bench.patience.Settle)
	s.interrupted()
	s.log.add(time.Time{}, history.Op{Kind: history.Settled, OK: ok, Note: "quiet"})
}

// canaries proves at the end that every receiver still records: an event sent straight to it must be in the history.
func (s *Stage) canaries() {
	if s.ctx.Err() != nil {
		s.log.add(time.Time{}, history.Op{Kind: history.Stopped, Error: "harness", Note: Interrupted})
		return
	}
	for name, uri := range s.uris {
		id := "canary-" + name
		e := barrier(id)
		e.Set("type", receiver.CanaryType)
		h := http.Header{}
		e.WriteBinary(h)
		req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, uri, bytes.NewReader(nil))
		if err == nil {
			req.Header = h
			var resp *http.Response
			if resp, err = s.bench.directTo(uri).Do(req); err == nil {
				resp.Body.Close()
			}
		}
		s.log.mu.Lock()
		_, seen := s.log.passed[name+" "+id]
		s.log.mu.Unlock()
		if err == nil && !seen {
			err = errors.New("it was not recorded")
		}
		if s.ctx.Err() != nil {
			err = nil
			s.log.add(time.Time{}, history.Op{Kind: history.Stopped, Error: "harness", Note: Interrupted})
		}
		if err != nil {
			s.log.add(time.Time{}, history.Op{Kind: history.Stopped, Error: "harness", Note: fmt.Sprintf("canary of receiver %s: %v", name, err)})
		}
	}
}

// reported waits for answers that have been sent and are not in the history yet, though what they caused may be.
func (s *Stage) reported() {
	ctx, cancel := context.WithTimeout(s.ctx, s.bench.patience.Settle)
	defer cancel()
	if !s.bench.server.Reported(ctx, s.namespace) && s.ctx.Err() == nil {
		s.log.add(time.Time{}, history.Op{Kind: history.Stopped, Error: "harness", Note: "an answer of a receiver was not sent to its end"})
	}
}

// afterwards bounds what is done for tidiness when a run was interrupted: the report is not held up by it.
const afterwards = 500 * time.Millisecond

// cleanup removes what was applied, also when the run was interrupted. What is left is the target's to remove when it is closed.
func (s *Stage) cleanup() {
	limit := s.bench.patience.Ready
	if s.ctx.Err() != nil {
		limit = afterwards
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), limit)
	defer cancel()
	_ = s.bench.target.Clear(ctx, slices.Sorted(maps.Keys(s.used))...) // an interrupted run is no reason for another error
	for _, r := range s.refused {
		_ = r.Close() // the port was never listened to, or the server has closed it
	}
}
