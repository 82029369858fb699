package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/fixtures/target/kube"
	"github.com/sequitur-dev/sequitur/reports"
)

func newCleanCommand() *cobra.Command {
	var at targetFlags
	var quiet bool
	cmd := &cobra.Command{
		Use:   "clean",
		Short: "Remove what runs have left in a cluster",
		Long: `Remove what runs of the harness have left in a cluster: namespaces, Jobs, ClusterRoles and ClusterRoleBindings with the label
` + kube.LabelRun + `. A run removes them itself; they are left when it was killed, or when the cluster was gone. What a run that
is still going on uses is removed, too.`,
		Example: `  sequitur clean --context kind-sequitur
  sequitur clean --server http://127.0.0.1:8001`,
		Args: takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, _, err := at.kubeOptions()
			if err != nil {
				return err
			}
			config, err := o.Config()
			var misuse *target.Misuse
			if errors.As(err, &misuse) {
				return usage("%w", err)
			}
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), removal)
			defer cancel()
			var progress *reports.Progress
			before := 0
			removed, err := kube.Clean(ctx, config, func(left, of int) {
				if progress == nil {
					tty, _ := terminal(cmd.ErrOrStderr())
					progress, before = reports.NewProgress(cmd.ErrOrStderr(), tty, of, quiet), of
				}
				for ; before > left; before-- {
					progress.Step("waiting for namespaces to be gone", verdict.Passed)
				}
			})
			progress.Done()
			if !quiet {
				for _, what := range removed {
					fmt.Fprintln(cmd.OutOrStdout(), "removed", what)
				}
				if len(removed) == 0 && err == nil {
					fmt.Fprintln(cmd.OutOrStdout(), "there is nothing to remove")
				}
			}
			return err
		},
	}
	at.apiFlags(cmd)
	cmd.Flags().BoolVar(&quiet, "quiet", false, "print nothing but errors")
	return cmd
}
