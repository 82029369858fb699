// Package example is a vendor's Ginkgo suite, with the embedded reference in the place of the vendor's target. Run it by
// `go test` or by the ginkgo CLI, with its label filters:
//
//	ginkgo --label-filter 'MUST && DLV' ./conformance/specs/example
package example

import (
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/sequitur-dev/sequitur/conformance"
	"github.com/sequitur-dev/sequitur/conformance/specs"
	"github.com/sequitur-dev/sequitur/fixtures/reference"
	"github.com/sequitur-dev/sequitur/fixtures/target"
)

var _ = specs.Declare(func() (target.Target, conformance.Options) {
	t, err := target.NewEmbedded(reference.Options{})
	if err != nil {
		panic(err) // the tree is being built: there is no spec yet that could fail
	}
	return t, conformance.Options{}
})

func TestExample(t *testing.T) {
	gomega.RegisterFailHandler(ginkgo.Fail)
	ginkgo.RunSpecs(t, "example")
}
