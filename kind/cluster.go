package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	kindcluster "sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	kindexec "sigs.k8s.io/kind/pkg/exec"
	"sigs.k8s.io/yaml"
)

// grace is how long an interrupted call goes on to tidy up.
const grace = 800 * time.Millisecond

// cluster is a cluster by its name, whether it exists or not.
type cluster struct {
	name, kubeconfig string
	provider         *kindcluster.Provider
	progress         *progress
	config           *v1alpha4.Cluster // of a file; nil for none
	nodes            []nodes.Node      // known once the cluster is there; without load balancers
}

func newCluster(o *Options) *cluster {
	p := newProgress(o.Progress, o.Terminal)
	return &cluster{
		name: o.Name, kubeconfig: o.Kubeconfig, progress: p,
		provider: kindcluster.NewProvider(kindcluster.ProviderWithDocker(), kindcluster.ProviderWithLogger(kindLog{p})),
	}
}

// await calls f, which knows no context, and waits for it no longer than for the context. After that f goes on by itself.
func await(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// nodeNames are the containers of the cluster, running or not.
func (c *cluster) nodeNames(ctx context.Context) ([]string, error) {
	out, err := docker(ctx, nil, "ps", "--all", "--filter", "label=io.x-k8s.kind.cluster="+c.name, "--format", "{{.Names}}")
	return strings.Fields(out), err
}

// exists finds the nodes of a cluster that must be there.
func (c *cluster) exists(ctx context.Context) error {
	names, err := c.nodeNames(ctx)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return c.findNodes(ctx)
	}
	others, err := docker(ctx, nil, "ps", "--all", "--filter", "label=io.x-k8s.kind.cluster", "--format", `{{.Label "io.x-k8s.kind.cluster"}}`)
	if err != nil {
		return err
	}
	there := "there is none at all"
	if list := strings.Fields(others); len(list) > 0 {
		slices.Sort(list)
		there = "there is " + strings.Join(slices.Compact(list), ", ")
	}
	return fmt.Errorf("there is no cluster %s (%s): `sequitur cluster up%s` makes it", c.name, there, nameFlag(c.name))
}

func (c *cluster) findNodes(ctx context.Context) error {
	return await(ctx, func() (err error) {
		c.nodes, err = c.provider.ListInternalNodes(c.name)
		return err
	})
}

// readConfig reads kind's own configuration file.
func (u *up) readConfig() error {
	if u.Config == "" {
		return nil
	}
	text, err := os.ReadFile(u.Config)
	if err != nil {
		return input("configuration of kind: %w", err)
	}
	var is v1alpha4.TypeMeta
	err = yaml.Unmarshal(text, &is)
	if err == nil && (is.Kind != "Cluster" || is.APIVersion != "kind.x-k8s.io/v1alpha4") {
		err = fmt.Errorf("its kind is %q of %q", is.Kind, is.APIVersion)
	}
	u.config = &v1alpha4.Cluster{}
	if err == nil {
		err = yaml.UnmarshalStrict(text, u.config)
	}
	if err != nil {
		return input("%s: expected a configuration of kind, a Cluster of kind.x-k8s.io/v1alpha4: %w", u.Config, err)
	}
	return nil
}

// upNodes makes the nodes, or has those run that are there.
func (u *up) upNodes(ctx context.Context) error {
	names, err := u.nodeNames(ctx)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		err = u.progress.step("making cluster "+u.Name, func() (string, error) { return "made cluster " + u.Name, u.create(ctx) })
	} else {
		err = u.progress.step("looking at cluster "+u.Name, func() (string, error) {
			return "cluster " + u.Name + " is there", u.reuse(ctx, names)
		})
	}
	if err != nil {
		return err
	}
	u.left = whole
	return u.findNodes(ctx)
}

func (u *up) create(ctx context.Context) error {
	image, err := u.nodeImage(ctx)
	if err != nil {
		return err
	}
	config := u.config
	if config == nil {
		config = &v1alpha4.Cluster{Nodes: []v1alpha4.Node{{Role: v1alpha4.ControlPlaneRole}}}
		for range u.Nodes - 1 {
			config.Nodes = append(config.Nodes, v1alpha4.Node{Role: v1alpha4.WorkerRole})
		}
	}
	options := []kindcluster.CreateOption{kindcluster.CreateWithV1Alpha4Config(config), kindcluster.CreateWithKubeconfigPath(u.Kubeconfig)}
	if u.config == nil || u.NodeImage != "" {
		options = append(options, kindcluster.CreateWithNodeImage(image))
	}
	u.left = beingMade
	done := make(chan error, 1)
	go func() { done <- u.provider.Create(u.Name, options...) }()
	select {
	case err := <-done:
		u.left = nothing
		return u.createError(err)
	case <-ctx.Done():
	}
	if u.unmake(ctx, done) {
		u.left = nothing
	}
	return context.Cause(ctx)
}

// unmake ends kind's making of a cluster, and says whether it has ended, without a trace. kind knows no context. It ends when
// the containers are gone that its commands run in. Should that take longer than we have, Docker goes on with it by itself.
func (u *up) unmake(ctx context.Context, done <-chan error) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	removing := map[string]bool{}
	for again := time.NewTicker(grace / 8); ; {
		if names, err := u.nodeNames(ctx); err == nil { // there may be none yet
			for _, name := range names {
				if !removing[name] {
					removing[name] = exec.Command("docker", "rm", "--force", "--volumes", name).Start() == nil //nolint:gosec,noctx // its end is not waited for
				}
			}
		}
		select {
		case <-done: // kind has removed what it had made
			again.Stop()
			return true
		case <-ctx.Done():
			again.Stop()
			return false
		case <-again.C:
		}
	}
}

// createError says in one sentence why kind made no cluster. Nothing of it is left then.
func (u *up) createError(err error) error {
	if err == nil {
		return nil
	}
	err = kindError(err)
	for _, line := range strings.Split(err.Error(), "\n") {
		if strings.Contains(line, "port is already allocated") || strings.Contains(line, "address already in use") {
			where := "the machine"
			if u.Config != "" {
				where = u.Config
			}
			return fmt.Errorf("cluster %s was not made: a port that %s asks for is in use (%s)", u.Name, where, strings.TrimSpace(line))
		}
	}
	return fmt.Errorf("cluster %s was not made: %w", u.Name, err)
}

// reuse has the nodes of a cluster that is there run, and refuses others than were asked for.
func (u *up) reuse(ctx context.Context, names []string) error {
	if u.Nodes != 0 && u.Nodes != len(names) {
		return input("cluster %s is there, and its number of nodes is %d, not %d: keep them, or remove it first by `sequitur cluster down%s`",
			u.Name, len(names), u.Nodes, nameFlag(u.Name))
	}
	out, err := docker(ctx, nil, append([]string{"inspect", "--format", "{{.Name}} {{.State.Running}} {{.Config.Image}}"}, names...)...)
	if err != nil {
		return err
	}
	var stopped []string
	for _, line := range strings.Split(out, "\n") {
		var name, image string
		var running bool
		if _, err := fmt.Sscan(line, &name, &running, &image); err != nil {
			return fmt.Errorf("docker inspect: unexpected answer %q", line)
		}
		if !running {
			stopped = append(stopped, strings.TrimPrefix(name, "/"))
		}
		if u.NodeImage != "" && !isArchive(u.NodeImage) && image != u.NodeImage {
			return input("cluster %s is there with nodes of %s, not %s: keep them, or remove it first by `sequitur cluster down%s`",
				u.Name, image, u.NodeImage, nameFlag(u.Name))
		}
	}
	if len(stopped) > 0 {
		u.progress.detail("starting " + strings.Join(stopped, ", "))
		if _, err := docker(ctx, nil, append([]string{"start"}, stopped...)...); err != nil {
			return err
		}
	}
	if err := await(ctx, func() error { return u.provider.ExportKubeConfig(u.Name, u.Kubeconfig, false) }); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("cluster %s is there but not whole (%w): remove it by `sequitur cluster down%s`", u.Name, kindError(err), nameFlag(u.Name))
	}
	c, err := u.client()
	if err != nil {
		return err
	}
	if err := c.answers(ctx, apiPatience); err != nil {
		return fmt.Errorf("cluster %s is there, but its API server does not answer (%w): `sequitur cluster down%s` removes it", u.Name, err, nameFlag(u.Name))
	}
	return nil
}

// rejectStrays makes every node refuse packets for Service addresses that kube-proxy has not rewritten (yet): they would
// leave the node by the machine's own route, to whatever answers there. Refused, a Service that is not ready fails at once.
// The rules are gone when a node restarts; Up puts them back.
func (c *cluster) rejectStrays(ctx context.Context, k *client) error {
	cidrs, err := k.serviceCIDRs(ctx)
	if err != nil {
		return err
	}
	var script strings.Builder
	for _, cidr := range cidrs {
		iptables := "iptables"
		if strings.Contains(cidr, ":") {
			iptables = "ip6tables"
		}
		fmt.Fprintf(&script, "for c in OUTPUT FORWARD; do %[1]s -C $c -d %[2]s -j REJECT 2>/dev/null || %[1]s -I $c -d %[2]s -j REJECT || exit; done\n",
			iptables, cidr)
	}
	return c.eachNode(ctx, func(ctx context.Context, n nodes.Node) error {
		return n.CommandContext(ctx, "sh", "-c", script.String()).Run()
	})
}

// eachNode does something in all nodes at once.
func (c *cluster) eachNode(ctx context.Context, do func(context.Context, nodes.Node) error) error {
	all, inner := errgroup.WithContext(ctx)
	for _, n := range c.nodes {
		all.Go(func() error {
			err := do(inner, n)
			if err != nil && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			var ours inputError
			if err != nil && !errors.As(err, &ours) {
				return fmt.Errorf("node %s: %w", n, kindError(err))
			}
			return err
		})
	}
	return all.Wait()
}

// boundNode is a node whose commands end with a context; kind's own helpers give them none.
type boundNode struct {
	nodes.Node
	ctx context.Context
}

func (n boundNode) Command(name string, args ...string) kindexec.Cmd {
	return n.CommandContext(n.ctx, name, args...)
}
