package loadgen

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

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
	if err := st.applyAll(ctx, objects, tell); err != nil {
		return err
	}
	if err := st.await(ctx, objects, tell); err != nil {
		return err
	}
	st.address, err = st.find(ctx, s, objects)
	return err
}

const (
	batch = 100 // objects that are applied in one manifest: a target may look at all that it has after each
	hands = 8   // batches that are applied at once
)

// applyAll applies the objects, in no order.
func (st *stage) applyAll(ctx context.Context, objects []scenario.Object, tell func(Live)) error {
	st.applied = true
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(hands)
	var applied atomic.Int64
	for some := range slices.Chunk(objects, batch) {
		tell(Live{Applied: int(applied.Load()), Objects: len(objects)})
		group.Go(func() error {
			err := st.apply(ctx, some)
			applied.Add(int64(len(some)))
			return err
		})
	}
	return group.Wait()
}

// apply applies some objects at once. If that fails, it applies one by one, so that the error names the object.
func (st *stage) apply(ctx context.Context, objects []scenario.Object) error {
	manifests := make([][]byte, len(objects))
	for i, o := range objects {
		manifests[i] = o.Manifest
	}
	err := st.target.Apply(ctx, bytes.Join(manifests, []byte("\n---\n")))
	if err == nil {
		return nil
	}
	for _, o := range objects {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := st.target.Apply(ctx, o.Manifest)
		var refused *target.Refused
		switch {
		case errors.As(err, &refused):
			return &TargetError{fmt.Sprintf("%s/%s of the topology was refused: %s", o.Ref.Kind, o.Ref.Name, refused.Message)}
		case err != nil:
			return fmt.Errorf("%s/%s could not be applied: %w", o.Ref.Kind, o.Ref.Name, err)
		}
	}
	return nil
}

// groups are the API groups whose objects say when they are ready.
var groups = []string{"flows.knative.dev", "messaging.knative.dev", "eventing.knative.dev", "sources.knative.dev", "serving.knative.dev"}

// await waits until the objects are Ready. Each time it looks at all of them and then waits for the last that is not: most
// others will have become so, too. It gives up when no more of them do.
func (st *stage) await(ctx context.Context, objects []scenario.Object, tell func(Live)) error {
	var waiting []api.Ref
	for _, o := range objects {
		if group, _, _ := strings.Cut(o.Ref.APIVersion, "/"); slices.Contains(groups, group) {
			waiting = append(waiting, o.Ref)
		}
	}
	within := st.target.Patience().Ready
	for late := false; ; {
		before := len(waiting)
		var why string
		var err error
		if waiting, why, err = st.unready(ctx, waiting); err != nil {
			return err
		}
		tell(Live{Applied: len(objects), Ready: len(objects) - len(waiting), Objects: len(objects)})
		switch {
		case len(waiting) == 0:
			return nil
		case late && len(waiting) == before:
			return &TargetError{fmt.Sprintf("%s/%s was not Ready within %v: %s", waiting[0].Kind, waiting[0].Name, within, why)}
		}
		if late, err = st.ready(ctx, waiting[len(waiting)-1], within); err != nil {
			return err
		}
	}
}

// unready are those of some objects that are not Ready, and what the first of them says.
func (st *stage) unready(ctx context.Context, refs []api.Ref) (left []api.Ref, why string, err error) {
	there := map[api.Ref]map[api.Ref]api.Object{} // by kind and namespace
	for _, ref := range refs {
		all := ref
		all.Name = ""
		if there[all] == nil {
			list, err := st.target.List(ctx, all)
			if ctx.Err() != nil {
				return nil, "", context.Cause(ctx)
			}
			if err != nil {
				return nil, "", fmt.Errorf("the %ss of %s could not be listed: %w", ref.Kind, ref.Namespace, err)
			}
			there[all] = map[api.Ref]api.Object{}
			for _, o := range list {
				at := all
				at.Name = o.Ref().Name
				there[all][at] = o
			}
		}
		words, ready := readiness(there[all][ref])
		if ready {
			continue
		}
		if left = append(left, ref); len(left) == 1 {
			why = words
		}
	}
	return left, why, nil
}

// readiness tells whether an object is Ready at its current generation, or else what it says.
func readiness(o api.Object) (why string, ready bool) {
	s, ok := o.(api.Statused)
	if !ok || s.GetHead() == nil {
		return "it is not there", false
	}
	switch c := s.StatusOf().Condition("Ready"); {
	case c == nil:
		return "it says nothing of being ready", false
	case c.Status == "True" && s.StatusOf().ObservedGeneration == s.GetHead().Metadata.Generation:
		return "", true
	default:
		return strings.TrimSpace(fmt.Sprintf("Ready is %s %s %s", c.Status, c.Reason, c.Message)), false
	}
}

// ready waits until an object is Ready, and tells if that took too long.
func (st *stage) ready(ctx context.Context, ref api.Ref, within time.Duration) (late bool, err error) {
	waiting, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	states, err := st.target.Watch(waiting, ref)
	if err != nil {
		return false, fmt.Errorf("%s/%s could not be watched: %w", ref.Kind, ref.Name, err)
	}
	late = true
	for state := range states {
		if _, ready := readiness(state); ready {
			late = false
			cancel() // the watcher ends when it sees the context
		}
	}
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	return late, nil
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
