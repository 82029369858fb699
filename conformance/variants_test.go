package conformance

import (
	"context"
	"flag"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/fixtures/reference"
	"github.com/sequitur-dev/sequitur/fixtures/target"
	"github.com/sequitur-dev/sequitur/reports"
)

var variants = flag.String("variants", "", "judge the whole suite on each variant that matches this glob, such as '*'")

// sample are the variants that are always judged, by the profile of Sequences: all of them by everything takes long.
var sample = []string{"slow-control-plane", "conditions-one-by-one"}

// modest is a target that claims less than the reference has, and that finds the hosts of channels.
type modest struct {
	*target.Embedded
	without []string
	client  *http.Client
}

func (m modest) About() target.About {
	a := m.Embedded.About()
	a.Claims = slices.DeleteFunc(a.Claims, func(f string) bool { return slices.Contains(m.without, f) })
	return a
}

func (m modest) Client() *http.Client { return m.client }

// variant starts the reference with some liberties taken.
func variant(t *testing.T, taken ...reference.Variant) modest {
	t.Helper()
	rules := reference.DefaultRules()
	o := reference.Options{Rules: &rules}
	var without []string
	for _, v := range taken {
		v.Change(&o, &rules)
		without = append(without, v.Without...)
	}
	tgt, err := target.NewEmbedded(o)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if host, port, _ := net.SplitHostPort(addr); strings.HasSuffix(host, ".svc.cluster.local") {
				addr = net.JoinHostPort("127.0.0.1", port)
			}
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := tgt.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return modest{tgt, without, &http.Client{Transport: transport, CheckRedirect: tgt.Client().CheckRedirect}}
}

// conforms runs a suite that must find nothing but what the variants have against them.
func conforms(t *testing.T, o Options, taken ...reference.Variant) {
	t.Helper()
	var against []string
	for _, v := range taken {
		against = append(against, v.Against...)
	}
	r := mustRun(t, variant(t, taken...), o)
	for _, x := range r.Results {
		if x.Verdict > verdict.Untested && !(x.Verdict == verdict.Failed && slices.Contains(against, x.Requirement)) {
			t.Errorf("\n%s", reports.Describe(x))
		}
	}
}

func TestVariantsConform(t *testing.T) {
	for _, v := range reference.Variants() {
		o := Options{}
		if ok, err := path.Match(*variants, v.Name); err != nil || !ok {
			if !slices.Contains(sample, v.Name) {
				continue
			}
			o.Profile = "sequence"
		}
		t.Run(v.Name, func(t *testing.T) { conforms(t, o, v) })
	}
}
