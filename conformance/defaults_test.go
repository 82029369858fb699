package conformance

import (
	"testing"

	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/fixtures/target"
)

// brokersRetry is a target whose Brokers retry by default, as current Knative ships them, and which says so.
type brokersRetry struct{ target.Target }

func (t brokersRetry) About() target.About {
	a := t.Target.About()
	a.Claims = append(a.Claims, "BrokerDefaultDelivery")
	return a
}

// TestDefaultDeliveryOfBrokers drives what the reference does not claim unless a ConfigMap says so.
func TestDefaultDeliveryOfBrokers(t *testing.T) {
	tgt := embedded(t, nil)
	o := Options{Focus: []string{"BRK-016"}}
	if got := find(t, mustRun(t, tgt, o), "BRK-016"); got.Verdict != verdict.NotSupported {
		t.Errorf("without a claim: %v, want not-supported", got.Verdict)
	}
	if got := find(t, mustRun(t, impatient{brokersRetry{tgt}}, o), "BRK-016"); got.Verdict != verdict.Failed {
		t.Errorf("claimed, and not so: %v, want failed", got.Verdict)
	}
	if err := tgt.Apply(t.Context(), []byte(`
apiVersion: v1
kind: ConfigMap
metadata: {name: config-br-defaults, namespace: knative-eventing}
data:
  default-br-config: |
    clusterDefault:
      brokerClass: MTChannelBasedBroker
      delivery: {retry: 10, backoffPolicy: exponential, backoffDelay: PT0.2S}
`)); err != nil {
		t.Fatal(err)
	}
	if got := find(t, mustRun(t, brokersRetry{tgt}, o), "BRK-016"); got.Verdict != verdict.Passed {
		t.Errorf("as Knative ships it: %v, %s", got.Verdict, got.Message)
	}
}
