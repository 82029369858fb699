package drive

import (
	"testing"

	"github.com/sequitur-dev/sequitur/fixtures/api"
)

func TestEqualNamesInTwoNamespacesAreTwoObjects(t *testing.T) {
	v := view(t, bench(t), func(s *Stage) {
		s.Apply("apiVersion: messaging.knative.dev/v1\nkind: Channel\nmetadata: {name: c}\n")
		s.Try("apiVersion: messaging.knative.dev/v1\nkind: Channel\nmetadata: {name: c, namespace: $ns-other}\n" +
			"spec: {delivery: {retry: -1}}\n")
		s.ServiceIn("KService", s.Namespace()+"-other", "k", "k")
	})
	other := v.Ops[0].Note + "-other"
	if home := v.Offers("Channel/c"); len(home) != 1 || home[0].Refused {
		t.Errorf("%d offers of Channel/c at home, want the one that was taken", len(home))
	}
	if away := v.Offers("Channel/" + other + "/c"); len(away) != 1 || !away[0].Refused {
		t.Errorf("%d offers of the other Channel/c, want the one that was refused", len(away))
	}
	if away := v.Offers("KService/" + other + "/k"); len(away) != 1 {
		t.Errorf("%d offers of the other KService/k, want 1", len(away))
	}
}

func TestNamesAndReferences(t *testing.T) {
	for object, want := range map[string]api.Ref{
		"Sequence/s":       {APIVersion: api.Flows, Kind: "Sequence", Namespace: "home", Name: "s"},
		"Sequence/other/s": {APIVersion: api.Flows, Kind: "Sequence", Namespace: "other", Name: "s"},
		"Service/s":        {APIVersion: api.Core, Kind: "Service", Namespace: "home", Name: "s"},
		"KService/other/s": {APIVersion: api.Serving, Kind: "Service", Namespace: "other", Name: "s"},
	} {
		if got := Ref(object, "home"); got != want {
			t.Errorf("%s is %v, want %v", object, got, want)
		}
		if got := nameOf(want, "home"); got != object {
			t.Errorf("%v is called %s, want %s", want, got, object)
		}
	}
}

// What was applied in a form of old is removed, too.
func TestOldFormsAreRemoved(t *testing.T) {
	b := bench(t)
	v := view(t, b, func(s *Stage) {
		s.Apply("apiVersion: messaging.knative.dev/v1alpha1\nkind: Sequence\nmetadata: {name: s}\n" +
			"spec: {steps: [{dnsName: a.example.com}]}\n")
		s.Apply("apiVersion: sources.eventing.knative.dev/v1alpha1\nkind: CronJobSource\nmetadata: {name: j}\n" +
			"spec: {schedule: '@hourly', sink: {apiVersion: v1, kind: Service, name: s}}\n")
	})
	for _, kind := range []string{"Sequence/", "PingSource/"} {
		if left, err := b.target.List(t.Context(), Ref(kind, v.Ops[0].Note)); err != nil || len(left) > 0 {
			t.Errorf("%d of %s are left, %v", len(left), kind, err)
		}
	}
	if len(v.Offers("CronJobSource/j")) != 1 {
		t.Error("the offer is not recorded under the kind that the manifest names")
	}
}
