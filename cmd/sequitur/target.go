package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/sequitur-dev/sequitur/conformance/requirement"
	"github.com/sequitur-dev/sequitur/fixtures/api"
	"github.com/sequitur-dev/sequitur/fixtures/reference"
	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/fixtures/target/kube"
	"github.com/sequitur-dev/sequitur/fixtures/target/kube/job"
)

// targetFlags say what is tested. Commands that need a target share them.
type targetFlags struct {
	driver                          string
	with                            []string
	server, kubeconfig, kubecontext string
	channels, brokerClasses         []string
	deliveryOrder                   string
	supported, exempt               []string
	receiversHost                   string
	patience                        map[string]string
	inCluster                       bool
	image, as                       string
}

func (t *targetFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.driver, "target", "", "what is tested: embedded, the reference in this process, or kube, what a Kubernetes API has (default: embedded, or kube if --server, --kubeconfig or --context is given)")
	f.StringSliceVar(&t.with, "with", nil, "`features` of the embedded reference to turn on, with commas between")
	t.apiFlags(cmd)
	t.clusterFlags(cmd)
	f.StringArrayVar(&t.channels, "channel", nil, "`apiVersion/Kind[,FILE]` of the channels to test, written as channelTemplate where there is none; the file holds their spec. Several make several runs")
	f.StringArrayVar(&t.brokerClasses, "broker-class", nil, "`class` of the Brokers to test. Several make several runs")
	f.StringVar(&t.deliveryOrder, "delivery-order", "", "ordered or unordered: asked of Triggers by annotation; ordered claims OrderedDelivery")
	f.StringSliceVar(&t.supported, "supported-features", nil, "`features` claimed beyond what the target says or shows")
	f.StringSliceVar(&t.exempt, "exempt-features", nil, "`features` not claimed although the target says or shows them")
	f.StringVar(&t.receiversHost, "receivers-host", "", "`address` of this machine at which the cluster's pods reach it (default: found out)")
	f.StringToStringVar(&t.patience, "patience", nil, "how long to wait for the target, such as `ready=2m,settle=30s,quiet=2s,lag=5s`: for an object to be Ready, for a delivery, to be sure that nothing more happens, and for what is Ready to be in force")
}

// clusterFlags have the harness run inside the cluster.
func (t *targetFlags) clusterFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&t.inCluster, "in-cluster", false, "run the harness inside the cluster, as a Job that is removed at the end; needs --image")
	f.StringVar(&t.image, "image", "", "`image` of the harness for --in-cluster, such as make image makes")
	f.StringVar(&t.as, "as", "", "`command` by which the run was begun, for what reports tell to run again")
	_ = f.MarkHidden("as") // it is there
}

// apiFlags name a Kubernetes API.
func (t *targetFlags) apiFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.server, "server", "", "`URL` of an API that asks for no credentials, such as that of sequitur serve")
	f.StringVar(&t.kubeconfig, "kubeconfig", "", "`file` that says where the cluster is (default: as kubectl)")
	f.StringVar(&t.kubecontext, "context", "", "`context` in the kubeconfig")
}

// subject is one thing to test.
type subject struct {
	name string   // for a directory of its own; empty if it is the only one
	args []string // by which it is chosen
	open func(context.Context) (target.Target, error)
}

// imageFrom says what --image is, and how to come by it.
const imageFrom = "the harness as an image that the cluster gets: `make image` makes one, `sequitur cluster load-image` brings it into a kind cluster"

// subjects are what the flags name, at least one.
func (t *targetFlags) subjects() ([]subject, error) {
	kubeFlags := t.server != "" || t.kubeconfig != "" || t.kubecontext != "" || t.inCluster
	switch {
	case t.inCluster && t.image == "":
		return nil, usage("--in-cluster needs --image, %s", imageFrom)
	case t.inCluster && t.server != "":
		return nil, usage("--in-cluster needs a cluster, and --server is none: name one with --kubeconfig and --context")
	case t.inCluster && t.receiversHost != "":
		return nil, usage("--in-cluster and --receivers-host exclude each other: inside, pods reach the harness at its pod")
	}
	switch {
	case t.driver == "" && kubeFlags:
		t.driver = "kube"
	case t.driver == "":
		t.driver = "embedded"
	}
	switch t.driver {
	case "embedded":
		if kubeFlags || len(t.channels)+len(t.brokerClasses) > 0 || t.deliveryOrder != "" || t.receiversHost != "" {
			return nil, usage("--server, --kubeconfig, --context, --in-cluster, --channel, --broker-class, --delivery-order and --receivers-host need --target kube")
		}
		if len(t.supported)+len(t.exempt)+len(t.patience) > 0 {
			return nil, usage("--supported-features, --exempt-features and --patience need --target kube: the embedded reference knows what it has")
		}
		return t.embedded()
	case "kube":
		if len(t.with) > 0 {
			return nil, usage("--with is for the embedded reference; start `sequitur serve --with %s` to have it behind --server", strings.Join(t.with, ","))
		}
		return t.kube()
	}
	return nil, usage("--target %q: expected embedded or kube", t.driver)
}

func (t *targetFlags) embedded() ([]subject, error) {
	var options reference.Options
	if err := options.Enable(t.with...); err != nil {
		return nil, usage("--with: %w", err)
	}
	s := subject{open: func(context.Context) (target.Target, error) { return target.NewEmbedded(options) }}
	if len(t.with) > 0 {
		s.args = []string{"--with", strings.Join(t.with, ",")}
	}
	return []subject{s}, nil
}

// kubeOptions are the flags without what is chosen among several.
func (t *targetFlags) kubeOptions() (kube.Options, []string, error) {
	o := kube.Options{Server: t.server, Kubeconfig: t.kubeconfig, Context: t.kubecontext, DeliveryOrder: t.deliveryOrder,
		Supported: t.supported, Exempt: t.exempt, ReceiversHost: t.receiversHost, Run: os.Getenv(job.EnvRun)}
	var args []string
	if t.as == "" {
		args = []string{"--target", "kube"}
	}
	if t.inCluster {
		args = append(args, "--in-cluster")
	}
	for _, f := range []struct{ name, value string }{{"--server", t.server}, {"--kubeconfig", t.kubeconfig}, {"--context", t.kubecontext},
		{"--image", t.image}, {"--delivery-order", t.deliveryOrder}, {"--supported-features", strings.Join(t.supported, ",")},
		{"--exempt-features", strings.Join(t.exempt, ",")}, {"--receivers-host", t.receiversHost}} {
		if f.value != "" {
			args = append(args, f.name, f.value)
		}
	}
	if t.server != "" && (t.kubeconfig != "" || t.kubecontext != "") {
		return o, nil, usage("--server and --kubeconfig or --context exclude each other")
	}
	if t.deliveryOrder != "" && t.deliveryOrder != "ordered" && t.deliveryOrder != "unordered" {
		return o, nil, usage("--delivery-order %q: expected ordered or unordered", t.deliveryOrder)
	}
	if err := claims(t.supported, t.exempt); err != nil {
		return o, nil, err
	}
	waits := map[string]*time.Duration{"ready": &o.Patience.Ready, "settle": &o.Patience.Settle, "quiet": &o.Patience.Quiet,
		"lag": &o.Patience.Lag}
	for _, name := range slices.Sorted(maps.Keys(t.patience)) {
		wait, value := waits[name], t.patience[name]
		if wait == nil {
			return o, nil, usage("--patience %s=%s: expected ready, settle, quiet or lag", name, value)
		}
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return o, nil, usage("--patience %s=%s: expected a duration such as 30s", name, value)
		}
		*wait = d
		args = append(args, "--patience", name+"="+value)
	}
	return o, args, nil
}

// claims refuses features that there are not, and those that are claimed and not claimed at once.
func claims(supported, exempt []string) error {
	known := slices.Sorted(maps.Keys(requirement.Load().Features))
	for _, f := range []struct {
		flag  string
		names []string
	}{{"--supported-features", supported}, {"--exempt-features", exempt}} {
		for _, name := range f.names {
			if slices.Contains(known, name) {
				continue
			}
			if near := api.Nearest(name, known); near != "" {
				return usage("%s: there is no feature %q, did you mean %q?", f.flag, name, near)
			}
			return usage("%s: there is no feature %q: expected some of %s", f.flag, name, strings.Join(known, ", "))
		}
	}
	for _, name := range supported {
		if slices.Contains(exempt, name) {
			return usage("--supported-features and --exempt-features both name %s: expected one of them", name)
		}
	}
	return nil
}

func (t *targetFlags) kube() ([]subject, error) {
	base, common, err := t.kubeOptions()
	if err != nil {
		return nil, err
	}
	channels, classes := t.channels, t.brokerClasses
	if len(channels) == 0 {
		channels = []string{""}
	}
	if len(classes) == 0 {
		classes = []string{""}
	}
	var subjects []subject
	for _, channel := range channels {
		for _, class := range classes {
			o, s := base, subject{args: append([]string(nil), common...)}
			if channel != "" {
				if o.Channel, err = channelTemplate(channel); err != nil {
					return nil, err
				}
				s.name, s.args = o.Channel.Kind, append(s.args, "--channel", channel)
			}
			if class != "" {
				o.BrokerClass = class
				s.name, s.args = strings.TrimPrefix(s.name+"-"+class, "-"), append(s.args, "--broker-class", class)
			}
			// The name is a directory's: none is written over another.
			for n, plain := 2, s.name; slices.ContainsFunc(subjects, func(had subject) bool { return had.name == s.name }); n++ {
				s.name = fmt.Sprintf("%s-%d", plain, n)
			}
			s.open = func(ctx context.Context) (target.Target, error) { return openKube(ctx, o) }
			subjects = append(subjects, s)
		}
	}
	if len(subjects) == 1 {
		subjects[0].name = ""
	}
	return subjects, nil
}

func openKube(ctx context.Context, o kube.Options) (target.Target, error) {
	t, err := kube.New(ctx, o)
	var misuse *target.Misuse
	if errors.As(err, &misuse) {
		return nil, usage("%w", err)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// channelTemplate reads apiVersion/Kind[,FILE], or apiVersion/Kind,{…} with the spec itself.
func channelTemplate(text string) (*api.ChannelTemplate, error) {
	kind, file, _ := strings.Cut(text, ",")
	i := strings.LastIndexByte(kind, '/')
	if i <= 0 || i == len(kind)-1 {
		return nil, usage("--channel %q: expected apiVersion/Kind, such as messaging.knative.dev/v1/InMemoryChannel, and a file after a comma if there is a spec", text)
	}
	c := &api.ChannelTemplate{APIVersion: kind[:i], Kind: kind[i+1:]}
	if file == "" {
		return c, nil
	}
	spec := []byte(file)
	if !strings.HasPrefix(file, "{") {
		var err error
		if spec, err = os.ReadFile(file); err != nil {
			return nil, usage("--channel: %w", err)
		}
	}
	var err error
	if c.Spec, err = yaml.YAMLToJSON(spec); err != nil {
		return nil, usage("--channel: %s: %w", file, err)
	}
	if !strings.HasPrefix(string(c.Spec), "{") {
		return nil, usage("--channel: %s: expected a mapping, the spec of a %s", file, c.Kind)
	}
	return c, nil
}

// closeTarget has a target remove what it made. On an interruption it is only asked to, and goes on by itself.
func closeTarget(ctx context.Context, t target.Target, limit time.Duration) error {
	if ctx.Err() != nil {
		limit = 500 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if err := t.Close(ctx); err != nil {
		return fmt.Errorf("what the run made was not removed: %w; `sequitur clean` does it", err)
	}
	return nil
}
