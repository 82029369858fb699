package kind

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"
)

// mapper knows the kinds of these tests, and CustomResourceDefinitions' own kinds after a reset.
type mapper struct {
	*meta.DefaultRESTMapper
	late   []schema.GroupVersionKind
	resets int
}

func (m *mapper) Reset() {
	m.resets++
	for _, kind := range m.late {
		m.Add(kind, meta.RESTScopeNamespace)
	}
}

// api is a cluster's API that these tests play: what is applied, and what becomes of it.
type api struct {
	*dynamicfake.FakeDynamicClient
	*client
	mapper  *mapper
	mu      sync.Mutex
	applied []string
	refuse  map[string][]error               // by object, one at a time, before it is taken
	becomes func(*unstructured.Unstructured) // of what is applied; may be nil
}

func newAPI(pods ...runtime.Object) *api {
	a := &api{mapper: &mapper{DefaultRESTMapper: meta.NewDefaultRESTMapper(nil)}, refuse: map[string][]error{}}
	lists := map[schema.GroupVersionResource]string{}
	for _, k := range []struct {
		group, version, kind string
		scope                meta.RESTScope
	}{
		{"", "v1", "Namespace", meta.RESTScopeRoot}, {"", "v1", "Node", meta.RESTScopeRoot}, {"", "v1", "Pod", meta.RESTScopeNamespace},
		{"", "v1", "Service", meta.RESTScopeNamespace}, {"", "v1", "ConfigMap", meta.RESTScopeNamespace},
		{"apps", "v1", "Deployment", meta.RESTScopeNamespace},
		{"apps", "v1", "StatefulSet", meta.RESTScopeNamespace}, {"apps", "v1", "DaemonSet", meta.RESTScopeNamespace},
		{"rbac.authorization.k8s.io", "v1", "ClusterRole", meta.RESTScopeRoot},
		{"apiextensions.k8s.io", "v1", "CustomResourceDefinition", meta.RESTScopeRoot},
		{"admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", meta.RESTScopeRoot},
	} {
		kind := schema.GroupVersionKind{Group: k.group, Version: k.version, Kind: k.kind}
		a.mapper.Add(kind, k.scope)
		resource, _ := meta.UnsafeGuessKindToResource(kind)
		lists[resource] = k.kind + "List"
	}
	a.FakeDynamicClient = dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists)
	a.PrependReactor("patch", "*", a.apply)
	a.PrependWatchReactor("*", a.watch)
	a.client = &client{dynamic: a.FakeDynamicClient, core: fake.NewClientset(pods...).CoreV1(), mapper: a.mapper}
	return a
}

// apply is a server's part of server-side apply, as far as these tests go.
func (a *api) apply(action clienttesting.Action) (bool, runtime.Object, error) {
	patch := action.(clienttesting.PatchAction)
	o := &unstructured.Unstructured{}
	if err := json.Unmarshal(patch.GetPatch(), &o.Object); err != nil {
		return true, nil, err
	}
	name := describe(o)
	a.mu.Lock()
	defer a.mu.Unlock()
	if errs := a.refuse[name]; len(errs) > 0 {
		a.refuse[name] = errs[1:]
		return true, nil, errs[0]
	}
	a.applied = append(a.applied, name)
	if a.becomes != nil {
		a.becomes(o)
	}
	err := a.Tracker().Create(patch.GetResource(), o, patch.GetNamespace())
	if apierrors.IsAlreadyExists(err) {
		err = a.Tracker().Update(patch.GetResource(), o, patch.GetNamespace())
	}
	return true, o, err
}

// watch begins with what there is: a server shows what has changed since the list that a watch goes on from, which the tracker does
// not know.
func (a *api) watch(action clienttesting.Action) (bool, watch.Interface, error) {
	w, err := a.Tracker().Watch(action.GetResource(), action.GetNamespace())
	if err != nil {
		return true, nil, err
	}
	kind, err := a.mapper.KindFor(action.GetResource())
	if err != nil {
		return true, nil, err
	}
	there, err := a.Tracker().List(action.GetResource(), kind, action.GetNamespace())
	if err != nil {
		return true, nil, err
	}
	return true, w, meta.EachListItem(there, func(o runtime.Object) error {
		w.(*watch.RaceFreeFakeWatcher).Modify(o)
		return nil
	})
}

// change changes an object that is there, for those who watch.
func (a *api) change(t *testing.T, o *unstructured.Unstructured, fields ...any) {
	t.Helper()
	o = o.DeepCopy()
	for i := 0; i < len(fields); i += 2 {
		if err := unstructured.SetNestedField(o.Object, fields[i+1], strings.Split(fields[i].(string), ".")...); err != nil {
			t.Fatal(err)
		}
	}
	m, err := a.mapper.RESTMapping(groupKind(o), o.GroupVersionKind().Version)
	if err != nil {
		t.Fatal(err)
	}
	err = a.Tracker().Update(m.Resource, o, o.GetNamespace())
	if apierrors.IsNotFound(err) {
		err = a.Tracker().Create(m.Resource, o, o.GetNamespace())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// live reads objects as a cluster has them, with their status.
func live(t *testing.T, text string) objects {
	t.Helper()
	var list objects
	for _, doc := range strings.Split(text, "\n---\n") {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), o); err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
	return list
}

func parse(t *testing.T, text string) objects {
	t.Helper()
	list, err := parseManifest("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// established has definitions taken in as soon as they are applied.
func established(o *unstructured.Unstructured) {
	if o.GetKind() == "CustomResourceDefinition" {
		_ = unstructured.SetNestedSlice(o.Object, []any{map[string]any{"type": "Established", "status": "True"}}, "status", "conditions")
	}
}

func mute(string) {}

func TestApplyKeepsTheOrderAndTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := parse(t, manifest)
		list.sort()
		a := newAPI()
		a.becomes = established
		a.mapper.late = []schema.GroupVersionKind{{Group: "sources.example.com", Version: "v1", Kind: "Source"}}
		webhook := apierrors.NewInternalError(errors.New(`failed calling webhook "judge": connection refused`))
		a.refuse["Source knative-eventing/own"] = []error{webhook, webhook}
		a.refuse["ConfigMap knative-eventing/one"] = []error{apierrors.NewServiceUnavailable("starting"), apierrors.NewTooManyRequests("busy", 1)}
		if err := a.client.apply(t.Context(), list, mute); err != nil {
			t.Fatal(err)
		}
		if want := described(list); !slices.Equal(a.applied, want) {
			t.Errorf("applied\n%q, want\n%q", a.applied, want)
		}
		if a.mapper.resets == 0 {
			t.Error("the kinds were not read again after one was unknown")
		}
	})
}

func TestApplyFailsAtOnceForWhatDoesNotPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI()
		a.refuse["ConfigMap x/a"] = []error{apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "a", errors.New("not yours"))}
		began := time.Now()
		err := a.client.apply(t.Context(), parse(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: x}}"), mute)
		if err == nil || !strings.Contains(err.Error(), "applying ConfigMap x/a: ") || !strings.Contains(err.Error(), "not yours") {
			t.Errorf("got error %v, want which object was refused and why", err)
		}
		if waited := time.Since(began); waited > 0 {
			t.Errorf("waited %s for what cannot pass", waited)
		}
	})
}

func TestApplyEndsWithItsContextAndTellsTheLastRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI()
		for range 100 {
			a.refuse["ConfigMap x/a"] = append(a.refuse["ConfigMap x/a"], apierrors.NewServiceUnavailable("still starting"))
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errTimeout)
		defer cancel()
		err := a.client.apply(ctx, parse(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: x}}"), mute)
		if !errors.Is(err, errTimeout) || !strings.Contains(err.Error(), "still starting") {
			t.Errorf("got error %v, want the timeout and what was in the way", err)
		}
	})
}

func TestTakenPortsAreLeftToTheCluster(t *testing.T) {
	taken := apierrors.NewInvalid(schema.GroupKind{Kind: "Service"}, "s", nil)
	taken.ErrStatus.Message = "spec.ports[0].nodePort: Invalid value: 31080: provided port is already allocated"
	ours := parse(t, string(servicesYAML))[:1]
	a := newAPI()
	a.refuse[describe(ours[0])] = []error{taken}
	if err := a.client.apply(t.Context(), ours, mute); err != nil {
		t.Fatal(err)
	}
	ports, _, _ := unstructured.NestedSlice(ours[0].Object, "spec", "ports")
	if _, fixed := ports[0].(map[string]any)["nodePort"]; fixed || len(ports) != 1 {
		t.Errorf("the ports are %v, want one of the cluster's choice", ports)
	}
	theirs := parse(t, "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: x}, spec: {ports: [{port: 80, nodePort: 31080}]}}")
	a.refuse["Service x/s"] = []error{taken}
	if err := a.client.apply(t.Context(), theirs, mute); !apierrors.IsInvalid(err) {
		t.Errorf("got error %v for a Service of somebody else, want the server's", err)
	}
}

func TestReadiness(t *testing.T) {
	for name, test := range map[string]struct{ object, lacks string }{
		"node":              {`{apiVersion: v1, kind: Node, status: {conditions: [{type: MemoryPressure, status: "False"}, {type: Ready, status: "True"}]}}`, ""},
		"node starting":     {`{apiVersion: v1, kind: Node, status: {conditions: [{type: Ready, status: "False", message: no network}]}}`, "no network"},
		"node new":          {`{apiVersion: v1, kind: Node}`, "not Ready"},
		"deployment":        {`{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 2}, spec: {replicas: 2}, status: {observedGeneration: 2, updatedReplicas: 2, availableReplicas: 2}}`, ""},
		"deployment rolls":  {`{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 2}, status: {updatedReplicas: 1, availableReplicas: 2}}`, "1 of 2 ready"},
		"deployment begins": {`{apiVersion: apps/v1, kind: Deployment}`, "0 of 1 ready"},
		"deployment unseen": {`{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 3}, status: {observedGeneration: 2, updatedReplicas: 1, availableReplicas: 1}}`, "not looked at yet"},
		"deployment of 0":   {`{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 0}}`, ""},
		"set":               {`{apiVersion: apps/v1, kind: StatefulSet, status: {updatedReplicas: 1, readyReplicas: 1}}`, ""},
		"set begins":        {`{apiVersion: apps/v1, kind: StatefulSet, status: {updatedReplicas: 1}}`, "0 of 1 ready"},
		"daemons":           {`{apiVersion: apps/v1, kind: DaemonSet, status: {desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1}}`, "1 of 2 ready"},
		"definition":        {`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, status: {conditions: [{type: Established, status: "True"}]}}`, ""},
		"definition new":    {`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition}`, "not Established"},
		"webhook": {`{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, webhooks: [{clientConfig: {service: {name: a}, caBundle: eA==}}]}`,
			""},
		"webhook new": {`{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, webhooks: [{clientConfig: {service: {name: a}, caBundle: eA==}}, {clientConfig: {service: {name: b}}}]}`,
			"has no certificate yet"},
		"webhook elsewhere": {`{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, webhooks: [{clientConfig: {url: "https://a"}}]}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := live(t, test.object)[0]
			if got := readiness[groupKind(o)](o); got != test.lacks {
				t.Errorf("lacks %q, want %q", got, test.lacks)
			}
		})
	}
}

const deployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: controller, namespace: knative-eventing}}"

func TestWaitFollowsWhatChanges(t *testing.T) {
	list := parse(t, deployment+"\n---\n{apiVersion: v1, kind: Node, metadata: {name: node}}")
	a := newAPI()
	a.change(t, list[0])
	done := make(chan error, 1)
	seen := make(chan string, 100)
	go func() { done <- a.wait(t.Context(), list, func(s string) { seen <- s }) }()
	await := func(text string) {
		t.Helper()
		for said := range seen {
			if strings.Contains(said, text) {
				return
			}
		}
	}
	await("0 of 2 ready")
	await("Deployment knative-eventing/controller: 0 of 1 ready")
	a.change(t, list[0], "status.updatedReplicas", int64(1), "status.availableReplicas", int64(1))
	await("1 of 2 ready; Node node: not there yet")
	a.change(t, list[1], "status.conditions", []any{map[string]any{"type": "Ready", "status": "True"}})
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// waitingPod is a pod of the Deployment whose container waits.
func waitingPod(reason, message string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "controller-1", "namespace": "knative-eventing"},
		"status": map[string]any{"containerStatuses": []any{map[string]any{
			"name": "main", "image": "example.com/controller:v1", "state": map[string]any{"waiting": map[string]any{"reason": reason, "message": message}}}}},
	}}
}

func TestWaitGivesUpOnImagesThatCannotBeHad(t *testing.T) {
	for name, reasons := range map[string][]string{
		"pulled twice":  {"ErrImagePull", "ImagePullBackOff", "ErrImagePull"},
		"never pulled":  {"ErrImageNeverPull"},
		"no such name":  {"InvalidImageName"},
		"seen repeated": {"ErrImagePull", "ErrImagePull", "ImagePullBackOff", "ImagePullBackOff", "ErrImagePull"},
	} {
		t.Run(name, func(t *testing.T) {
			list := parse(t, deployment)
			w := &watched{changed: make(chan struct{}, 1), lacks: map[string]string{}, pulls: map[string]*pull{}}
			for i, reason := range reasons {
				if _, err := w.verdict(); err != nil {
					t.Fatalf("gave up before %s, number %d: %v", reason, i, err)
				}
				w.pod(waitingPod(reason, "no such host"))
			}
			_, err := w.verdict()
			want := "image example.com/controller:v1 of pod knative-eventing/controller-1 is not in the nodes and cannot be pulled (no such host)"
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got error %v, want one that says %q", err, want)
			}
			a := newAPI()
			a.change(t, waitingPod(reasons[len(reasons)-1], "no such host"))
			if len(reasons) == 1 {
				if err := a.wait(t.Context(), list, mute); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("waiting ends with error %v, want one that says %q", err, want)
				}
			}
		})
	}
}

func TestWaitIsOverInTime(t *testing.T) {
	list := parse(t, deployment+"\n---\n{apiVersion: v1, kind: Node, metadata: {name: node}}")
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "controller-1", Namespace: "knative-eventing"}, Status: corev1.PodStatus{Phase: corev1.PodPending}}
	a := newAPI(pod)
	a.change(t, list[0])
	a.change(t, list[1], "status.conditions", []any{map[string]any{"type": "Ready", "status": "True"}})
	ctx, cancel := context.WithCancelCause(t.Context())
	var once sync.Once
	err := a.wait(ctx, list, func(said string) {
		if strings.HasPrefix(said, "1 of 2 ready") && strings.HasSuffix(said, "0 of 1 ready") {
			once.Do(func() { cancel(errTimeout) })
		}
	})
	var lacks *notReadyError
	if !errors.As(err, &lacks) {
		t.Fatalf("got error %v, want what is not ready", err)
	}
	lacks.after = 5 * time.Minute
	for _, want := range []string{"not ready after 5m0s: Deployment knative-eventing/controller (0 of 1 ready); 1 of 2 are ready.", "pod   knative-eventing/controller-1: Pending"} {
		if !strings.Contains(lacks.Error(), want) {
			t.Errorf("%q does not say %q", lacks, want)
		}
	}

	ctx, cancel = context.WithCancelCause(t.Context())
	cancel(context.Canceled) // the user's
	if err := a.wait(ctx, list, mute); err == nil || strings.Contains(err.Error(), "pod ") {
		t.Errorf("got error %v, want one without a diagnosis that an interrupted user would wait for", err)
	}
}

func TestWaitGivesUpOnAClusterThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{changed: make(chan struct{}, 1), lacks: map[string]string{"Node n": "not there yet"}, pulls: map[string]*pull{}}
		gone := errors.New("connection refused")
		w.failed(gone)
		<-time.After(apiSilence - time.Second)
		w.failed(gone)
		if _, err := w.verdict(); err != nil {
			t.Errorf("gave up too early: %v", err)
		}
		w.object("Node n", "not Ready") // it answers again
		<-time.After(2 * time.Second)
		w.failed(gone)
		if _, err := w.verdict(); err != nil {
			t.Errorf("gave up after an answer: %v", err)
		}
		<-time.After(apiSilence)
		w.failed(gone)
		if _, err := w.verdict(); !errors.Is(err, gone) {
			t.Errorf("got error %v, want that the server is silent", err)
		}
	})
}

func TestPodsThatWaitToPullAreReplaced(t *testing.T) {
	pod := func(name, reason string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "knative-eventing"}, Status: corev1.PodStatus{
			ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}}}}}
	}
	a := newAPI(pod("waits", "ImagePullBackOff"), pod("crashes", "CrashLoopBackOff"))
	if err := a.retryPulls(t.Context(), parse(t, deployment)); err != nil {
		t.Fatal(err)
	}
	left, err := a.core.Pods("knative-eventing").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(left.Items) != 1 || left.Items[0].Name != "crashes" {
		t.Errorf("left are %v with error %v, want the pod that crashes alone", left.Items, err)
	}
}

func TestDiagnosis(t *testing.T) {
	at := func(minute int) metav1.Time { return metav1.NewTime(time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC)) }
	event := func(name, kind, about, reason, message string, minute int) *corev1.Event {
		return &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns"}, Type: corev1.EventTypeWarning, LastTimestamp: at(minute),
			InvolvedObject: corev1.ObjectReference{Kind: kind, Name: about}, Reason: reason, Message: message}
	}
	pod := func(name string, ready corev1.ConditionStatus, s ...corev1.ContainerStatus) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns"}, Status: corev1.PodStatus{Phase: corev1.PodRunning,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}, ContainerStatuses: s}}
	}
	crashed := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}}
	a := newAPI(
		pod("well", corev1.ConditionTrue),
		pod("ill", corev1.ConditionFalse,
			corev1.ContainerStatus{Name: "side", Ready: true},
			corev1.ContainerStatus{Name: "main", RestartCount: 3, LastTerminationState: crashed,
				State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 40s"}}}),
		pod("without", corev1.ConditionFalse, corev1.ContainerStatus{Name: "main",
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such host"}}}),
		event("e1", "Pod", "ill", "Unhealthy", "probe failed", 1),
		event("e2", "Pod", "ill", "Unhealthy", "probe failed", 2), // the same again
		event("e3", "Pod", "ill", "BackOff", "restarting", 3),
		event("e4", "Pod", "well", "Unhealthy", "long ago", 1),
		event("e5", "Pod", "without", "Failed", "the same as the state", 1),
		event("e6", "ReplicaSet", "rs", "FailedCreate", "quota", 1),
	)
	want := `  pod   ns/ill: Running
    container main: CrashLoopBackOff: back-off 40s; restarts: 3, the last end with exit code 137 (OOMKilled)
      log   fake logs
    event Unhealthy: probe failed
    event BackOff: restarting
  pod   ns/without: Running
    container main: ImagePullBackOff: no such host`
	if got := a.diagnose(t.Context(), map[string]bool{"ns": true}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	none := newAPI(event("e6", "ReplicaSet", "rs", "FailedCreate", "quota", 1))
	if got, want := none.diagnose(t.Context(), map[string]bool{"ns": true}), "  event ReplicaSet/rs of ns: FailedCreate: quota"; got != want {
		t.Errorf("without pods got %q, want %q", got, want)
	}
}

func TestDiagnosisIsShort(t *testing.T) {
	var many []podTrouble
	for i := range 9 {
		many = append(many, podTrouble{name: fmt.Sprint("ns/", i), phase: strings.Repeat("long ", 100)})
	}
	got := render(many, nil)
	lines := strings.Split(got, "\n")
	if len(lines) != podsShown+1 || !strings.Contains(lines[podsShown], "and 5 more pods") {
		t.Errorf("got\n%s\nwant %d pods and how many more there are", got, podsShown)
	}
	for _, l := range lines {
		if n := len([]rune(strings.TrimSpace(l))); n > textWidth {
			t.Errorf("a line of %d characters, want at most %d", n, textWidth)
		}
	}
}

func TestLogsAreShownPlainly(t *testing.T) {
	for line, want := range map[string]string{
		`{"severity":"ERROR","timestamp":"2026","message":"no webhook","error":"refused"}`: "ERROR: no webhook: refused",
		`{"level":"info","msg":"started","n":1}`:                                           "info: started",
		`{"n":1}`:                                                                          `{"n":1}`,
		"panic: oh!":                                                                       "panic: oh!",
	} {
		if got := plainLog(line); got != want {
			t.Errorf("%s is shown as %q, want %q", line, got, want)
		}
	}
}

func TestState(t *testing.T) {
	a := newAPI()
	for _, o := range live(t, `{apiVersion: v1, kind: Node, metadata: {name: node}, status: {addresses: [{type: Hostname, address: n}, {type: InternalIP, address: 172.18.0.9}], conditions: [{type: Ready, status: "True"}], nodeInfo: {kubeletVersion: v1.34.4}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: knative-eventing, labels: {app.kubernetes.io/version: 1.23.0}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: controller, namespace: knative-eventing}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: somebody, namespace: scenario-1}}
---
{apiVersion: v1, kind: Service, metadata: {name: other, namespace: x}, spec: {ports: [{port: 80, nodePort: 30000}]}}
---
`+string(servicesYAML)) {
		a.change(t, o)
	}
	s, err := a.state(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	if s.Context != "kind-c" || s.Eventing != "1.23.0" || s.Serving != "" || s.Ready {
		t.Errorf("got %+v, want Eventing 1.23.0 that is not ready", s)
	}
	if want := []Part{{"Node node", "", "172.18.0.9 v1.34.4"}, {"Deployment knative-eventing/controller", "0 of 1 ready", ""}}; !slices.Equal(s.Parts, want) {
		t.Errorf("got parts %v, want %v", s.Parts, want)
	}
	want := []Entry{{"sequitur-broker-ingress", "http://172.18.0.9:31081"}, {"sequitur-imc-dispatcher", "http://172.18.0.9:31080"}}
	if !slices.Equal(s.Entries, want) {
		t.Errorf("got ways in %v, want %v", s.Entries, want)
	}
}
