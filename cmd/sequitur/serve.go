package main

import (
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sequitur-dev/sequitur/fixtures/local"
	"github.com/sequitur-dev/sequitur/fixtures/reference"
)

func newServeCommand() *cobra.Command {
	var o local.Options
	var services []string
	var cert, key string
	cmd := &cobra.Command{
		Use:   "serve [-f FILE|DIR]",
		Short: "Run the reference implementation by your manifests, and tell each delivery",
		Long: `Run the reference implementation: apply manifests, show what is addressable where, tell each delivery, and follow the
files as you edit them, until interrupted.

Knative Services are played in the process, by the sample service that their image is of (see ` + "`sequitur step --list`" + `).
For others an annotation helps:
  sequitur.dev/step      the name of a sample service
  sequitur.dev/endpoint  the URL where the service listens
So does --service, which wins over what a manifest says, and makes a Service that none declares. Variables given with it are
added to those of the manifest. Keys for other services, such as OPENAI_API_KEY, are handed on from the environment to steps
chosen by --service, never to those that only a manifest names.

Objects can be applied, read and deleted with kubectl as well (--api); they live beside those of the files. A file that
changes applies and deletes what it declares itself, whatever the API did to that in between, and nothing else.

With TLS a certificate is made for the run, or that of --tls-cert is shown. Senders are to trust the last certificate of that
file: the authority if the file holds the whole chain, else the certificate itself. --ca-out keeps what to trust in a file of
your choice, as for curl --cacert. With OIDC, kubectl create token gives tokens.

` + optionalFeatures() + `

What the services print goes to standard output, everything else to standard error.`,
		Example: `  sequitur serve -f fixtures/manifests/sequence-reply/current
  sequitur serve -f sequence.yaml -f services/ --listen 127.0.0.1:9000
  sequitur serve -f sequence.yaml --service first=http://127.0.0.1:3000 --with TLS,OIDC
  sequitur serve                                        # then: kubectl --server http://` + local.DefaultAPI + ` apply -f sequence.yaml`,
		Args: takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.API == "off" {
				o.API = ""
			}
			if len(o.Paths) == 0 && o.API == "" {
				return usage("expected the manifests to serve, as in -f sequence.yaml, as there is no API to apply any to (see `%s --help`)",
					cmd.CommandPath())
			}
			err := hostPort("--listen", o.Listen)
			if err == nil && o.API != "" {
				err = hostPort("--api", o.API)
			}
			if err != nil {
				return err
			}
			if o.Listen == o.API && !strings.HasSuffix(o.API, ":0") {
				return usage("--listen and --api are both %s: expected two addresses", o.API)
			}
			if o.Services, err = local.ParseServices(services); err != nil {
				return usage("--service: %w", err)
			}
			if o.TLS, err = ownCertificate(cert, key); err != nil {
				return err
			}
			if o.CAOut != "" && o.TLS == nil && !slices.Contains(o.With, "TLS") {
				return usage("--ca-out: there is a certificate to trust only with TLS, as in --with TLS")
			}
			o.Out, o.Err, o.Color = cmd.OutOrStdout(), cmd.ErrOrStderr(), colored(cmd.ErrOrStderr())
			err = local.Run(cmd.Context(), o)
			for _, callers := range []error{local.ErrManifests, local.ErrServices, local.ErrFeatures, local.ErrCAOut} {
				if errors.Is(err, callers) {
					return usageError{err}
				}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&o.Paths, "filename", "f", nil, "`path` of a file or folder of manifests, YAML or JSON; may be repeated")
	f.StringVar(&o.Listen, "listen", local.DefaultListen, "host:port to listen on; port 0 takes a free one. Brokers listen on the next port if that is free")
	f.StringVar(&o.API, "api", local.DefaultAPI, "host:port of the Kubernetes API for kubectl; off for none, port 0 takes a free one")
	f.StringArrayVar(&services, "service", nil, "who stands for a Service: `[NAMESPACE/]NAME=URL|STEP[,KEY=VALUE...]`; may be repeated")
	f.StringSliceVar(&o.With, "with", nil, "`features` to turn on, some of those above, with commas between")
	f.StringVar(&cert, "tls-cert", "", "`file` of a certificate for https, PEM; turns TLS on")
	f.StringVar(&key, "tls-key", "", "`file` of its key, PEM")
	f.StringVar(&o.CAOut, "ca-out", "", "`file` to write the certificate to that senders are to trust (default: a temporary one)")
	f.BoolVar(&o.Quiet, "quiet", false, "no table, and no word of deliveries that succeed")
	return cmd
}

// hostPort refuses what nothing can listen on, wherever it runs.
func hostPort(flag, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return usage("%s %q: expected host:port, such as %s, with a port from 0 to 65535", flag, address, local.DefaultListen)
	}
	return nil
}

// ownCertificate is the user's own; nil if there is none.
func ownCertificate(cert, key string) (*reference.TLS, error) {
	switch {
	case cert == "" && key == "":
		return nil, nil
	case cert == "" || key == "":
		return nil, usage("--tls-cert and --tls-key are a certificate and its key: expected both or none")
	}
	t, err := reference.LoadTLS(cert, key)
	if err != nil {
		return nil, usage("--tls-cert, --tls-key: %w", err)
	}
	return t, nil
}
