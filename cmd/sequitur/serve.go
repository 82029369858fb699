package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/sequitur-dev/sequitur/fixtures/local"
)

func newServeCommand() *cobra.Command {
	var o local.Options
	cmd := &cobra.Command{
		Use:   "serve -f FILE|DIR",
		Short: "Run the reference implementation by your manifests, and tell each delivery",
		Long: `Run the reference implementation: apply manifests, show what is addressable where, tell each delivery, and follow the
files as you edit them, until interrupted.

Knative Services are played in the process, by the sample service that their image is of (see ` + "`sequitur step --list`" + `).
For others an annotation helps:
  sequitur.dev/step      the name of a sample service
  sequitur.dev/endpoint  the URL where the service listens

What the services print goes to standard output, everything else to standard error.`,
		Example: `  sequitur serve -f fixtures/manifests/sequence-reply/current
  sequitur serve -f sequence.yaml -f services/ --listen 127.0.0.1:9000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(o.Paths) == 0 {
				return usage("expected the manifests to serve, as in -f sequence.yaml (see `%s --help`)", cmd.CommandPath())
			}
			o.Out, o.Err, o.Color = cmd.OutOrStdout(), cmd.ErrOrStderr(), colored(cmd.ErrOrStderr())
			err := local.Run(cmd.Context(), o)
			if errors.Is(err, local.ErrManifests) {
				return usageError{err}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&o.Paths, "filename", "f", nil, "`path` of a file or folder of manifests, YAML or JSON; may be repeated")
	f.StringVar(&o.Listen, "listen", local.DefaultListen, "host:port to listen on; port 0 takes a free one")
	f.BoolVar(&o.Quiet, "quiet", false, "no table, and no word of deliveries that succeed")
	return cmd
}
