package loadgen

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/fixtures/api"
	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/loadgen/scenario"
)

// stage is a topology that has been set up, with its receivers. Runs of the same topology can follow one another on it.
type stage struct {
	target    target.Target
	namespace string
	receivers *receivers
	address   address
	applied   bool
}

// address is where events are sent, and what a sender needs for it.
type address struct {
	URL     string `json:"url"`
	CACerts string `json:"caCerts,omitempty"`
	Bearer  string `json:"bearer,omitempty"`
}

// TargetError says that the target did not take or make what a scenario needs.
type TargetError struct{ Problem string }

// Error returns the problem.
func (e *TargetError) Error() string { return e.Problem }

// openStage starts the receivers, applies the topology and waits until it is ready.
func openStage(ctx context.Context, t target.Target, s *scenario.Scenario, o Options, trial string) (*stage, error) {
	l, base, err := t.Listen(ctx)
	if err != nil {
		return nil, fmt.Errorf("receivers: %w", err)
	}
	st := &stage{target: t, namespace: fmt.Sprintf("sequitur-load-%06x", rand.Uint32()>>8), receivers: newReceivers(l, strings.TrimRight(base, "/"), s)}
	tell := func(live Live) {
		if live.Phase, live.Trial = SettingUp, trial; o.Watch != nil {
			o.Watch(live)
		}
	}
	if err := st.set(ctx, s, tell); err != nil {
		return nil, errors.Join(err, st.close(ctx))
	}
	return st, nil
}

func (st *stage) set(ctx context.Context, s *scenario.Scenario, tell func(Live)) error {
	objects, err := s.Objects(st.namespace, st.receivers.uri)
	if err != nil {
		return err
	}
	for i, o := range objects {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		tell(Live{Applied: i, Objects: len(objects)})
		st.applied = true
		if err := st.target.Apply(ctx, o.Manifest); err != nil {
			var refused *target.Refused
			if errors.As(err, &refused) {
				return &TargetError{fmt.Sprintf("%s/%s of the topology was refused: %s", o.Ref.Kind, o.Ref.Name, refused.Message)}
			}
			return fmt.Errorf("%s/%s could not be applied: %w", o.Ref.Kind, o.Ref.Name, err)
		}
	}
	for i, o := range objects {
		tell(Live{Applied: len(objects), Ready: i, Objects: len(objects)})
		if err := st.ready(ctx, o.Ref); err != nil {
			return err
		}
	}
	st.address, err = st.find(ctx, s, objects)
	return err
}

// groups are the API groups whose objects say when they are ready.
var groups = []string{"flows.knative.dev", "messaging.knative.dev", "eventing.knative.dev", "sources.knative.dev", "serving.knative.dev"}

// ready waits until an object is Ready at its current generation.
func (st *stage) ready(ctx context.Context, ref api.Ref) error {
	group, _, _ := strings.Cut(ref.APIVersion, "/")
	if !slices.Contains(groups, group) {
		return nil
	}
	within := st.target.Patience().Ready
	waiting, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	states, err := st.target.Watch(waiting, ref)
	if err != nil {
		return fmt.Errorf("%s/%s could not be watched: %w", ref.Kind, ref.Name, err)
	}
	last := "it is not there"
	for state := range states {
		o, ok := state.(api.Statused)
		if !ok || o.GetHead() == nil {
			continue
		}
		c := o.StatusOf().Condition("Ready")
		switch {
		case c == nil:
			last = "it says nothing of being ready"
		case c.Status == "True" && o.StatusOf().ObservedGeneration == o.GetHead().Metadata.Generation:
			cancel()
			for range states { // the watcher ends when it sees the context
			}
			return nil
		default:
			last = strings.TrimSpace(fmt.Sprintf("Ready is %s %s %s", c.Status, c.Reason, c.Message))
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &TargetError{fmt.Sprintf("%s/%s was not Ready within %v: %s", ref.Kind, ref.Name, within, last)}
}

func (st *stage) find(ctx context.Context, s *scenario.Scenario, objects []scenario.Object) (address, error) {
	to := s.Topology.To
	if name, ok := strings.CutPrefix(to, "$"); ok {
		return address{URL: st.receivers.uri(name, 0)}, nil
	}
	if strings.Contains(to, "://") {
		return address{URL: to}, nil
	}
	i := slices.IndexFunc(objects, func(o scenario.Object) bool { return o.Ref.Kind+"/"+o.Ref.Name == to })
	if i < 0 {
		return address{}, fmt.Errorf("%s is not among the objects that were applied", to)
	}
	o, err := st.target.Get(ctx, objects[i].Ref)
	if err != nil {
		return address{}, fmt.Errorf("%s could not be read: %w", to, err)
	}
	a, ok := o.(api.Addressable)
	if !ok || a.AddressOf().URL() == "" {
		return address{}, &TargetError{to + " has no address"}
	}
	in := a.AddressOf().InUse()
	found := address{URL: in.URL, CACerts: in.CACerts}
	if in.Audience != "" {
		who, ok := st.target.(target.Identities)
		if !ok {
			return address{}, fmt.Errorf("%s wants a token for %s, and the driver of this target cannot get one", to, in.Audience)
		}
		token, err := who.Token(ctx, objects[i].Ref.Namespace, "default", in.Audience)
		if err != nil {
			return address{}, fmt.Errorf("token for %s: %w", to, err)
		}
		found.Bearer = "Bearer " + token
	}
	return found, nil
}

// transport is a way to an address as a target's client has it, with room for many connections.
func transport(client *http.Client, a address) (http.RoundTripper, error) {
	base := client.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	t, ok := base.(*http.Transport)
	if !ok {
		if a.CACerts != "" {
			return nil, fmt.Errorf("the target's client has a %T, which cannot be made to trust an address's CACerts", base)
		}
		return base, nil
	}
	t = t.Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost, t.MaxConnsPerHost = 0, maxCallers, 0
	t.ResponseHeaderTimeout = requestTimeout
	t.DisableCompression = true
	if a.CACerts != "" {
		roots, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("the system's roots: %w", err)
		}
		if !roots.AppendCertsFromPEM([]byte(a.CACerts)) {
			return nil, errors.New("the address's CACerts hold no certificate in PEM")
		}
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	}
	return t, nil
}

// close removes what was applied, also when the run was interrupted, and ends the receivers.
func (st *stage) close(ctx context.Context) error {
	var err error
	if st.applied {
		limit := st.target.Patience().Ready
		if ctx.Err() != nil {
			limit = 300 * time.Millisecond // Close of the target removes what is left
		}
		clearing, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer cancel()
		if err = st.target.Clear(clearing, st.namespace); err != nil && ctx.Err() != nil {
			err = nil
		}
	}
	return errors.Join(err, st.receivers.close())
}
