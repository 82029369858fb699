package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sequitur-dev/sequitur/kind"
	"github.com/sequitur-dev/sequitur/reports"
)

func newClusterCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Make a kind cluster with Knative Eventing in it, to judge that",
		Long: `Make a kind cluster (Kubernetes in Docker containers) with Knative Eventing in it, see how it is, bring images into it, and
remove it. It needs a Docker Engine and its client docker, nothing else: neither kind nor kubectl.`,
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newClusterUpCommand(), newClusterDownCommand(), newClusterStatusCommand(), newClusterLoadImageCommand())
	return cmd
}

// clusterFlags are those of all commands on a cluster.
func clusterFlags(cmd *cobra.Command, o *kind.Options, quiet *bool) {
	f := cmd.Flags()
	f.StringVar(&o.Name, "name", kind.DefaultName, "name of the cluster")
	f.StringVar(&o.Kubeconfig, "kubeconfig", "", "`file` for the access to the cluster (default: $KUBECONFIG, or ~/.kube/config)")
	f.BoolVar(quiet, "quiet", false, "print nothing but errors")
}

// clusterProgress has the progress shown on standard error.
func clusterProgress(cmd *cobra.Command, o *kind.Options, quiet bool) {
	if quiet {
		return
	}
	o.Progress = cmd.ErrOrStderr()
	o.Terminal, _ = terminal(cmd.ErrOrStderr())
}

// clusterError tells mistakes of the caller from troubles of the environment.
func clusterError(err error) error {
	if errors.Is(err, kind.ErrInput) {
		return usageError{err}
	}
	return err
}

func newClusterUpCommand() *cobra.Command {
	var o kind.Options
	var quiet bool
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Make a cluster, install Knative in it, wait until it is ready",
		Long: `Make a kind cluster, load images into its nodes, install Knative Eventing (with InMemoryChannel and the Broker on
channels), and wait until all of it is ready. What is there already is kept: a second call verifies, and one after a failure
goes on.

Knative comes from its public release, or from your own files. What is downloaded is kept in the user's cache; the checksum
of the first download is kept beside it, and every later use must match that. The controllers of Knative Eventing may make
more requests to the API than by default (KUBE_API_QPS), unless the manifests say how many.

The dispatcher of InMemoryChannel and the ingress of the Broker can then be reached from this machine at the node's address,
ports 31080 and 31081 (see ` + "`sequitur cluster status`" + `).

An interrupted call removes a cluster that was being made, and leaves one that is whole; it says which.`,
		Example: `  sequitur cluster up
  sequitur cluster up --serving --nodes 2
  sequitur cluster up --node-image node.tar.zst --images eventing-images.tar.zst --knative eventing.yaml     # no registry
  sequitur cluster up --knative none --images sequitur:dev`,
		Args: takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("nodes") && o.Nodes < 1 {
				return usage("--nodes %d: expected at least 1", o.Nodes)
			}
			if cmd.Flags().Changed("timeout") && o.Timeout <= 0 {
				return usage("--timeout %s: expected more than 0", o.Timeout)
			}
			clusterProgress(cmd, &o, quiet)
			s, err := kind.Up(cmd.Context(), o)
			if err != nil {
				return clusterError(err)
			}
			if !quiet {
				showWays(cmd.OutOrStdout(), s)
			}
			return nil
		},
	}
	clusterFlags(cmd, &o, &quiet)
	f := cmd.Flags()
	f.IntVar(&o.Nodes, "nodes", 0, "number of nodes (default: 1, or what is there)")
	f.StringVar(&o.NodeImage, "node-image", "", "`image` of the nodes, or its archive (default: "+kind.DefaultNodeImage[:len("kindest/node:v1.34.0")]+", or what is there)")
	f.StringVar(&o.Config, "config", "", "`file` of kind's own configuration, for more than --nodes can say")
	f.StringSliceVar(&o.Knative, "knative", []string{kind.DefaultKnative}, "`release` of Knative, file or folder of manifests, or none; may be repeated")
	f.BoolVar(&o.Serving, "serving", false, "Knative Serving and an ingress, too; with files of your own: it must be in them")
	f.StringSliceVar(&o.Images, "images", nil, "`images` for the nodes: archives (.tar, .tar.gz, .tar.zst), or names in the Docker Engine; may be repeated")
	f.DurationVar(&o.Timeout, "timeout", kind.DefaultTimeout, "bound on all of it")
	return cmd
}

// showWays prints how to get at a cluster.
func showWays(w io.Writer, s *kind.State) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "context\t%s\n", s.Context)
	for _, e := range s.Entries {
		fmt.Fprintf(tw, "%s\t%s\n", e.Service, e.URL)
	}
	_ = tw.Flush() // a terminal or a pipe; what it does not take is lost
}

func newClusterDownCommand() *cobra.Command {
	var o kind.Options
	var quiet bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Remove a cluster",
		Long:  "Remove a cluster, and the access to it from the kubeconfig. That there is none is no error.",
		Args:  takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			clusterProgress(cmd, &o, quiet)
			removed, err := kind.Down(cmd.Context(), o)
			if err == nil && !removed && !quiet {
				fmt.Fprintf(cmd.ErrOrStderr(), "there is no cluster %s\n", o.Name)
			}
			return clusterError(err)
		},
	}
	clusterFlags(cmd, &o, &quiet)
	return cmd
}

func newClusterStatusCommand() *cobra.Command {
	var o kind.Options
	var quiet bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell how a cluster is",
		Long:  "Tell how a cluster is: its nodes, what of Knative runs in it, and how to get at it. Exit code 0 if all is ready, else 70.",
		Args:  takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := kind.Status(cmd.Context(), o)
			if err != nil {
				return clusterError(err)
			}
			if !quiet {
				showState(cmd.OutOrStdout(), s)
			}
			if !s.Ready {
				return exit(reports.ExitHarness)
			}
			return nil
		},
	}
	clusterFlags(cmd, &o, &quiet)
	return cmd
}

func showState(w io.Writer, s *kind.State) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range s.Parts {
		lacks := "ready"
		if p.Lacks != "" {
			lacks = p.Lacks
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", p.Name, lacks, p.About)
	}
	_ = tw.Flush() // a terminal or a pipe; what it does not take is lost
	fmt.Fprintln(w)
	for _, k := range []struct{ name, version string }{{"Knative Eventing", s.Eventing}, {"Knative Serving", s.Serving}} {
		if k.version != "" {
			fmt.Fprintf(w, "%s %s\n", k.name, k.version)
		}
	}
	showWays(w, s)
}

func newClusterLoadImageCommand() *cobra.Command {
	var o kind.Options
	var quiet bool
	cmd := &cobra.Command{
		Use:   "load-image IMAGE|ARCHIVE...",
		Short: "Bring images into the nodes of a cluster",
		Long: `Bring images into all nodes of a cluster: those of archives (.tar, .tar.gz, .tar.zst, as docker save writes them), and, by
their names, those of the Docker Engine. What a node has is not loaded again.`,
		Example: `  sequitur cluster load-image sequitur:dev
  sequitur cluster load-image images.tar.zst --name other`,
		Args: takesSome,
		RunE: func(cmd *cobra.Command, args []string) error {
			clusterProgress(cmd, &o, quiet)
			return clusterError(kind.LoadImages(cmd.Context(), o, args...))
		},
	}
	clusterFlags(cmd, &o, &quiet)
	return cmd
}
