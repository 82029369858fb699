// Package drive plays scenarios against a target and records what is seen. All waiting of the harness is here: for an
// object to be ready, for expected deliveries, for barriers to pass, and for silence.
package drive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/api"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
	"github.com/sequitur-dev/sequitur/fixtures/target"
)

// Bench is where the scenarios of one run are played: the target, the receivers and the clock. It is safe for concurrent
// use; Close waits for everything it started.
type Bench struct {
	target   target.Target
	patience target.Patience
	run      string
	base     string
	server   *receiver.Server
	direct   *http.Client // reaches the receivers without the target
	began    time.Time
	sink     func(*history.Op) error

	mu       sync.Mutex
	stages   map[string]*Stage       // by namespace
	trusting map[string]*http.Client // by the certificates trusted
	directly *http.Client            // as direct, for receivers over TLS
	secured  string                  // base URL of the receivers over TLS, once there are any
	caCerts  string                  // PEM; what is to be trusted for them
}

// Open starts the receivers. sink, if not nil, is called with every op before it can be judged, one scenario's ops in
// order, several scenarios' ops concurrently. run is a short name, unique among runs on the target, for namespaces.
func Open(ctx context.Context, t target.Target, run string, sink func(*history.Op) error) (*Bench, error) {
	l, base, err := t.Listen(ctx)
	if err != nil {
		return nil, fmt.Errorf("receivers: %w", err)
	}
	b := &Bench{target: t, patience: t.Patience(), run: run, base: base, began: time.Now(), sink: sink, stages: map[string]*Stage{}}
	b.direct = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}
	b.server = receiver.New(l, base, observer{b})
	return b, nil
}

// Close ends the receivers.
func (b *Bench) Close(ctx context.Context) error {
	b.direct.CloseIdleConnections()
	b.mu.Lock()
	if b.directly != nil {
		b.directly.CloseIdleConnections()
	}
	for _, c := range b.trusting {
		c.CloseIdleConnections()
	}
	b.mu.Unlock()
	return b.server.Close(ctx)
}

// Drive plays one scenario in a namespace of its own, removes what it applied, and returns what was seen. The error is
// that of the sink or of the context; everything else is in the history.
func (b *Bench) Drive(ctx context.Context, name string, script func(*Stage)) ([]history.Op, error) {
	s := &Stage{
		bench: b, ctx: ctx, name: name, began: time.Now(), namespace: namespaceOf(b.run, name),
		log:       newLog(name, b.began, b.sink),
		addresses: map[string]api.Address{}, uris: map[string]string{}, used: map[string]bool{}, warmed: map[string]int{},
	}
	b.mu.Lock()
	b.stages[s.namespace] = s
	b.mu.Unlock()
	s.log.add(time.Time{}, history.Op{Kind: history.Begin, Note: s.namespace})
	s.play(script)
	s.canaries()
	s.reported()
	s.restarts()
	s.log.add(time.Time{}, history.Op{Kind: history.End})
	ops, err := s.log.close()
	s.cleanup()
	b.server.RemoveNamespace(s.namespace)
	b.mu.Lock()
	delete(b.stages, s.namespace)
	b.mu.Unlock()
	return ops, errors.Join(err, context.Cause(ctx))
}

// restarts records what fell over during the scenario, as far as it is known yet. It is no verdict: what the fall did is.
func (s *Stage) restarts() {
	f, ok := s.bench.target.(target.Fallible)
	if !ok || s.ctx.Err() != nil {
		return
	}
	list, err := f.Restarts(s.ctx)
	if err != nil {
		return // a cluster that does not answer is told elsewhere
	}
	for _, r := range list {
		if r.At.After(s.began) {
			s.log.add(r.At, history.Op{Kind: history.Restart, Who: r.Who, Note: r.Why})
		}
	}
}

// namespaceOf gives a DNS label of at most 63 characters.
func namespaceOf(run, scenario string) string {
	slug := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(scenario))
	ns := "sequitur-" + run + "-" + slug
	if len(ns) > 56 { // leaves room for the names of a second namespace
		sum := history.Sum([]byte(ns))
		ns = ns[:47] + "-" + sum[:8]
	}
	return strings.TrimRight(ns, "-")
}

// observer turns what receivers see into ops.
type observer struct{ b *Bench }

func (o observer) stage(namespace string) *Stage {
	o.b.mu.Lock()
	defer o.b.mu.Unlock()
	return o.b.stages[namespace]
}

func roleOf(r *receiver.Request) history.Role {
	e := r.Event()
	switch {
	case r.Method == http.MethodOptions:
		return history.Preflight
	case e == nil:
		return history.Stimulus
	}
	switch e.Type() {
	case receiver.BarrierType:
		return history.Barrier
	case receiver.CanaryType:
		return history.Canary
	}
	return history.Stimulus
}

// Received implements receiver.Observer.
func (o observer) Received(r *receiver.Request) {
	s := o.stage(r.Namespace)
	if s == nil {
		return // an earlier scenario's straggler: its history is closed
	}
	op := history.Op{
		Kind: history.Received, Who: r.Name, X: r.Exchange, Number: r.Number, Attempt: r.Attempt, Method: r.Method,
		Header: redacted(r.Header), Role: roleOf(r), Event: history.See(r.Header, r.Body),
	}
	if r.Host != "" {
		op.Header.Set("Host", r.Host)
	}
	op.Path = strings.TrimPrefix(r.Path, "/"+r.Namespace+"/"+r.Name)
	if r.Query != "" {
		op.Path += "?" + r.Query
	}
	if op.Event == nil {
		op.Body = r.Body[:min(len(r.Body), history.KeepData)]
	}
	if r.BodyErr != nil {
		op.Error = r.BodyErr.Error()
	}
	s.log.add(r.At, op)
}

// Answered implements receiver.Observer.
func (o observer) Answered(r *receiver.Request, a receiver.Answer, err error, at time.Time) {
	s := o.stage(r.Namespace)
	if s == nil {
		return
	}
	op := history.Op{Kind: history.Answered, Who: r.Name, X: r.Exchange, Code: a.Status, Header: a.Header, Role: roleOf(r)}
	if a.Event != nil {
		op.Event = history.Of(a.Event, a.Mode)
	} else if len(a.Body) > 0 {
		op.Body = a.Body[:min(len(a.Body), history.KeepData)]
		op.Event = history.See(a.Header, a.Body)
	}
	if a.Fault != receiver.None && a.Fault != receiver.Trickle {
		op.Fault = a.Fault.String()
	}
	if err != nil && op.Fault == "" {
		op.Error = err.Error()
	}
	s.log.add(at, op)
}

// kinds are the objects that scenarios name as Kind/name.
var kinds = map[string]string{
	"Sequence": api.Flows, "Parallel": api.Flows,
	"Channel": api.Messaging, "InMemoryChannel": api.Messaging, "Subscription": api.Messaging,
	"Broker": api.Eventing, "Trigger": api.Eventing, "PingSource": api.Sources, "SinkBinding": api.Sources,
	"EventPolicy": api.Security, "ServiceAccount": api.Core,
	"Service": api.Core, "ConfigMap": api.Core, knativeService: api.Serving, "Deployment": api.Apps,
}

// nameOf is how scenarios name an object that was applied, the inverse of Ref: the namespace is said if it is not home.
func nameOf(r api.Ref, home string) string {
	kind := r.Kind
	if kind == "Service" && strings.HasPrefix(r.APIVersion, "serving.knative.dev/") {
		kind = knativeService
	}
	if r.Namespace != home {
		return kind + "/" + r.Namespace + "/" + r.Name
	}
	return kind + "/" + r.Name
}

// Ref turns Kind/name or Kind/namespace/name into a reference; KService is a Knative Service.
func Ref(object, namespace string) api.Ref {
	kind, name, _ := strings.Cut(object, "/")
	if ns, n, ok := strings.Cut(name, "/"); ok {
		namespace, name = ns, n
	}
	r := api.Ref{APIVersion: kinds[kind], Kind: kind, Namespace: namespace, Name: name}
	if kind == knativeService {
		r.Kind = "Service"
	}
	return r
}
