// Package kind makes clusters to judge Knative in: kind clusters (Kubernetes nodes as Docker containers) with Knative
// Eventing in them. Up makes one and installs, Status tells how it is, LoadImages brings images into its nodes, Down removes
// it. All of it acts on the cluster of that name alone, never on whatever a kubeconfig happens to point at.
//
// It needs a Docker Engine and its client. What it runs is in the cluster's containers; on the machine it writes the
// kubeconfig and a cache of downloaded manifests.
package kind

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"sigs.k8s.io/kind/pkg/apis/config/defaults"
)

// The defaults of Options.
const (
	DefaultName      = "sequitur"
	DefaultNodeImage = defaults.Image // that of the kind release whose library this is, pinned by its digest; Kubernetes 1.34
	DefaultKnative   = "v1.23.0"      // the release made of the Go modules v0.50.0
	DefaultTimeout   = 5 * time.Minute
)

// ErrInput is wrapped by all errors about what the caller gave: a name, a file, a number. Nothing has been made or changed.
var ErrInput = errors.New("bad input")

// Options say which cluster, and what is to be in it. The zero value is a cluster of one node with the default Knative.
type Options struct {
	Name       string // lower-case letters, digits, dots and dashes; default DefaultName
	Kubeconfig string // file for the access to the cluster; default as for kubectl: $KUBECONFIG, or ~/.kube/config
	// Progress gets what is going on and what has been done; nil for no word. On a Terminal its last line is alive.
	Progress io.Writer
	Terminal bool

	// Of Up alone. A cluster that is there keeps its nodes: other Nodes or another NodeImage than it has are an error.
	Nodes     int      // the first is the control plane, which takes pods if it is alone; 0 for one, or what is there
	NodeImage string   // a reference, or the archive of an image; default DefaultNodeImage, or what is there
	Config    string   // file of kind's own configuration (kind.x-k8s.io/v1alpha4) in place of Nodes
	Knative   []string // releases (v1.23.0), files and folders of manifests, applied in this order, or none; default DefaultKnative
	Serving   bool     // Knative Serving and an ingress too: of the release, or to be in the files
	Images    []string // for the nodes, as for LoadImages
	Timeout   time.Duration
}

func (o *Options) setDefaults() error {
	if o.Name == "" {
		o.Name = DefaultName
	}
	// kind allows more characters; host names made of them do not
	if !regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,48}[a-z0-9])?$`).MatchString(o.Name) {
		return input("cluster name %q: expected lower-case letters, digits, dots and dashes, at most 50", o.Name)
	}
	if o.Nodes < 0 {
		return input("%d nodes: expected at least 1", o.Nodes)
	}
	if o.Config != "" && o.Nodes != 0 {
		return input("the configuration %s says which nodes there are: expected it or a number of nodes, not both", o.Config)
	}
	if o.Timeout < 0 {
		return input("timeout %s: expected more than 0", o.Timeout)
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if len(o.Knative) == 0 {
		o.Knative = []string{DefaultKnative}
	}
	return nil
}

// inputError is an error about what the caller gave. It says so to errors.Is, not to people.
type inputError struct{ error }

func (e inputError) Is(target error) bool { return target == ErrInput }
func (e inputError) Unwrap() error        { return e.error }

func input(format string, args ...any) error { return inputError{fmt.Errorf(format, args...)} }

// errTimeout is the cause of a context that Options.Timeout has ended.
var errTimeout = errors.New("timeout")

// Up makes the cluster, loads the images, installs Knative and waits until all of it is ready. What is there already is
// kept and verified, so that a second call is quick and harmless, and one after a failure goes on. All files are looked at
// before anything is made.
//
// It also lets the data plane be reached from the machine: a NodePort Service each for the dispatcher of InMemoryChannel and
// the ingress of the Broker, on the nodes' own addresses (see Status).
//
// When ctx ends, Up returns within a second. A cluster that was being made is removed, one that is whole stays; the error
// says what is left.
func Up(ctx context.Context, o Options) (*State, error) {
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeoutCause(ctx, o.Timeout, errTimeout)
	defer cancel()
	u := &up{Options: o, cluster: newCluster(&o)}
	if err := u.run(bounded); err != nil {
		return nil, u.explain(ctx, bounded, err)
	}
	return u.state(bounded)
}

// up is one run of Up.
type up struct {
	Options
	*cluster
	plan    *plan
	images  []image
	objects objects
	left    left
}

// left is what an end in the middle leaves.
type left int

const (
	untouched left = iota // whatever was there
	nothing               // no trace of the cluster that was being made
	beingMade             // nodes that are good for nothing, on their way out
	whole                 // a cluster that a second run can go on with
)

func (u *up) run(ctx context.Context) (err error) {
	if u.plan, err = newPlan(u.Knative, u.Serving); err != nil {
		return err
	}
	if u.images, err = parseImages(u.Images); err != nil {
		return err
	}
	if err := u.readConfig(); err != nil {
		return err
	}
	if err := u.engine(ctx); err != nil {
		return err
	}
	if err := haveImages(ctx, u.images); err != nil {
		return err
	}
	if missing := u.plan.missing(); missing > 0 {
		err := u.progress.step("fetching the manifests of Knative", func() (string, error) {
			return fmt.Sprintf("fetched %d manifests of Knative", missing), u.plan.fetch(ctx)
		})
		if err != nil {
			return err
		}
	}
	if u.objects, err = u.plan.objects(); err != nil {
		return err
	}
	if err := u.upNodes(ctx); err != nil {
		return err
	}
	if err := u.loadImages(ctx, u.images); err != nil {
		return err
	}
	return u.install(ctx)
}

// install applies the objects and waits for them.
func (u *up) install(ctx context.Context) error {
	c, err := u.client()
	if err != nil {
		return err
	}
	if err := u.rejectStrays(ctx, c); err != nil {
		return err
	}
	if len(u.objects) > 0 {
		err = u.progress.step("applying Knative", func() (string, error) {
			return fmt.Sprintf("applied %d objects", len(u.objects)), c.apply(ctx, u.objects, u.progress.detail)
		})
		if err != nil {
			return err
		}
	}
	wanted, err := c.foundation(ctx)
	if err != nil {
		return err
	}
	wanted = append(wanted, u.objects.observable()...)
	return u.progress.step("waiting until all is ready", func() (string, error) {
		if err := c.retryPulls(ctx, wanted); err != nil {
			return "", err
		}
		return u.readyText(), c.wait(ctx, wanted, u.progress.detail)
	})
}

func (u *up) readyText() string {
	if v := u.objects.version(); v != "" {
		return "Knative Eventing " + v + " is ready"
	}
	if len(u.objects) > 0 {
		return "all is ready"
	}
	return "the nodes are ready"
}

// explain makes an error of the run one for people: what was going on when time was up, and what is left.
func (u *up) explain(ctx, bounded context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted while %s; %s", u.progress.doing, u.leftovers())
	case errors.Is(context.Cause(bounded), errTimeout):
		var lacks *notReadyError
		if errors.As(err, &lacks) {
			lacks.after = u.Timeout
			return lacks
		}
		said := ""
		if err != errTimeout { //nolint:errorlint // one that only wraps it has more to say
			said = fmt.Sprintf(" (%s)", err)
		}
		return fmt.Errorf("gave up after %s, while %s%s; %s", u.Timeout, u.progress.doing, said, u.leftovers())
	}
	return err
}

// leftovers tells what is left of a cluster after an end in the middle.
func (u *up) leftovers() string {
	switch u.left {
	case untouched:
		return "nothing has been changed"
	case nothing:
		return "nothing is left of cluster " + u.Name
	case beingMade:
		return fmt.Sprintf("what there is of cluster %s is being removed, and `sequitur cluster down%s` makes sure", u.Name, nameFlag(u.Name))
	}
	return fmt.Sprintf("cluster %s is left: `sequitur cluster up` with the same options goes on, `sequitur cluster down%s` removes it",
		u.Name, nameFlag(u.Name))
}

func nameFlag(name string) string {
	if name == DefaultName {
		return ""
	}
	return " --name " + name
}

// Down removes the cluster, and its access from the kubeconfig. It says whether there was one.
func Down(ctx context.Context, o Options) (bool, error) {
	if err := o.setDefaults(); err != nil {
		return false, err
	}
	c := newCluster(&o)
	if err := c.engine(ctx); err != nil {
		return false, err
	}
	names, err := c.nodeNames(ctx)
	if err != nil || len(names) == 0 {
		return false, err
	}
	err = c.progress.step("removing cluster "+o.Name, func() (string, error) {
		return "removed cluster " + o.Name, await(ctx, func() error { return c.provider.Delete(o.Name, o.Kubeconfig) })
	})
	switch {
	case ctx.Err() != nil:
		return true, fmt.Errorf("interrupted; Docker goes on removing cluster %s", o.Name)
	case err != nil:
		return true, fmt.Errorf("cluster %s was not removed: %w", o.Name, kindError(err))
	}
	return true, nil
}

// LoadImages brings images into all nodes of the cluster: of archives (.tar, also compressed by gzip or zstd, as `docker
// save` writes them) and, by their names, of the Docker Engine. Images that a node has are not loaded again.
func LoadImages(ctx context.Context, o Options, images ...string) error {
	if err := o.setDefaults(); err != nil {
		return err
	}
	list, err := parseImages(images)
	if err != nil {
		return err
	}
	c := newCluster(&o)
	if err := c.engine(ctx); err != nil {
		return err
	}
	if err := haveImages(ctx, list); err != nil {
		return err
	}
	if err := c.exists(ctx); err != nil {
		return err
	}
	if err := c.loadImages(ctx, list); err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted; images loaded so far stay in the nodes")
		}
		return err
	}
	return nil
}
