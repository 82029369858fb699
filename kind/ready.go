package kind

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// readiness says of each kind that shows it what an object still lacks; nothing if it is ready.
var readiness = map[schema.GroupKind]func(*unstructured.Unstructured) string{
	{Kind: "Node"}:                      func(o *unstructured.Unstructured) string { return condition(o, "Ready") },
	{Group: "apps", Kind: "Deployment"}: func(o *unstructured.Unstructured) string { return replicas(o, "availableReplicas") },
	{Group: "apps", Kind: "StatefulSet"}: func(o *unstructured.Unstructured) string {
		return replicas(o, "readyReplicas")
	},
	{Group: "apps", Kind: "DaemonSet"}: func(o *unstructured.Unstructured) string {
		return counts(o, number(o, 0, "status", "desiredNumberScheduled"), "updatedNumberScheduled", "numberAvailable")
	},
	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: func(o *unstructured.Unstructured) string {
		return condition(o, "Established")
	},
	{Group: "admissionregistration.k8s.io", Kind: "MutatingWebhookConfiguration"}:   certificates,
	{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"}: certificates,
}

func number(o *unstructured.Unstructured, otherwise int64, path ...string) int64 {
	if n, found, err := unstructured.NestedInt64(o.Object, path...); found && err == nil {
		return n
	}
	return otherwise
}

func replicas(o *unstructured.Unstructured, ready string) string {
	return counts(o, number(o, 1, "spec", "replicas"), "updatedReplicas", ready)
}

// counts compares how many pods there are to be with how many are of the present generation and ready.
func counts(o *unstructured.Unstructured, want int64, updated, ready string) string {
	if number(o, 0, "status", "observedGeneration") < o.GetGeneration() {
		return "not looked at yet"
	}
	if n := min(number(o, 0, "status", updated), number(o, 0, "status", ready)); n < want {
		return fmt.Sprintf("%d of %d ready", n, want)
	}
	return ""
}

// condition is what a condition says if it is not True.
func condition(o *unstructured.Unstructured, kind string) string {
	list, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, item := range list {
		c, ok := item.(map[string]any)
		if !ok || c["type"] != kind {
			continue
		}
		if c["status"] == "True" {
			return ""
		}
		if text, _ := c["message"].(string); text != "" {
			return text
		}
		break
	}
	return "not " + kind
}

// certificates tells whether the API server can trust each webhook. Knative's own processes put their certificate in once
// they are up; before that a request that the webhook is to judge fails.
func certificates(o *unstructured.Unstructured) string {
	list, _, _ := unstructured.NestedSlice(o.Object, "webhooks")
	for _, item := range list {
		w, ok := item.(map[string]any)
		if !ok {
			continue
		}
		_, service, _ := unstructured.NestedMap(w, "clientConfig", "service")
		if bundle, _, _ := unstructured.NestedString(w, "clientConfig", "caBundle"); service && bundle == "" {
			return "has no certificate yet"
		}
	}
	return ""
}

// lack is an object that is not ready, and why.
type lack struct{ object, why string }

// notReadyError tells what is not ready, in a sentence, and shows what is known of its pods.
type notReadyError struct {
	because string // what cannot be waited for; empty if time was up
	after   time.Duration
	wanted  int
	lacks   []lack
	excerpt string
}

func (e *notReadyError) Error() string {
	var b strings.Builder
	b.WriteString(e.because)
	if e.because == "" {
		fmt.Fprintf(&b, "not ready after %s: ", e.after)
		for i, l := range e.lacks {
			if i == 3 {
				fmt.Fprintf(&b, " and %d more", len(e.lacks)-i)
				break
			}
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%s (%s)", l.object, l.why)
		}
		fmt.Fprintf(&b, "; %d of %d are ready. The cluster stays: `sequitur cluster up` with the same options goes on", e.wanted-len(e.lacks), e.wanted)
	}
	if e.excerpt != "" {
		b.WriteString("\n" + e.excerpt)
	}
	return b.String()
}

const (
	pullAttempts = 2                // failed pulls of an image after which there is no more hope; a first may be bad luck
	apiSilence   = 10 * time.Second // of an API server that refuses to answer, after which the cluster is taken for gone
)

// watched is what the watches of wait have seen. Its methods may be called by all of them at once.
type watched struct {
	mu      sync.Mutex
	changed chan struct{}     // holds one token if there is something new
	lacks   map[string]string // by object; empty for ready
	pulls   map[string]*pull  // by pod and container
	silent  time.Time         // since when no watch has got an answer; zero if one has
	failure error             // of the watches
}

// pull is the state of an image that a container waits for.
type pull struct {
	image, pod, message string
	failing             bool
	failures            int
	never               bool
}

func (w *watched) signal() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *watched) object(key, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = time.Time{}
	if before, wanted := w.lacks[key]; wanted && before != why {
		w.lacks[key] = why
		w.signal()
	}
}

// pod follows what the containers of a pod wait for.
func (w *watched) pod(o *unstructured.Unstructured) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = time.Time{}
	for _, field := range []string{"initContainerStatuses", "containerStatuses"} {
		list, _, _ := unstructured.NestedSlice(o.Object, "status", field)
		for _, item := range list {
			status, ok := item.(map[string]any)
			if !ok {
				continue
			}
			name, _ := status["name"].(string)
			reason, _, _ := unstructured.NestedString(status, "state", "waiting", "reason")
			message, _, _ := unstructured.NestedString(status, "state", "waiting", "message")
			w.container(o.GetNamespace()+"/"+o.GetName(), name, reason, message, status["image"])
		}
	}
}

func (w *watched) container(pod, name, reason, message string, image any) {
	p := w.pulls[pod+"/"+name]
	if p == nil {
		p = &pull{pod: pod}
		w.pulls[pod+"/"+name] = p
	}
	failing := reason == "ErrImagePull"
	p.never = reason == "ErrImageNeverPull" || reason == "InvalidImageName"
	if failing || p.never {
		p.image, p.message = fmt.Sprint(image), message
	}
	if failing && !p.failing {
		p.failures++
	}
	p.failing = failing
	if p.never || p.failures >= pullAttempts {
		w.signal()
	}
}

func (w *watched) failed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.silent.IsZero() {
		w.silent = time.Now()
	}
	w.failure = err
	if time.Since(w.silent) >= apiSilence {
		w.signal()
	}
}

// verdict is what lacks, and an error if there is no use in waiting.
func (w *watched) verdict() ([]lack, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lacks []lack
	for key, why := range w.lacks {
		if why != "" {
			lacks = append(lacks, lack{key, why})
		}
	}
	slices.SortFunc(lacks, func(a, b lack) int { return strings.Compare(a.object, b.object) })
	if !w.silent.IsZero() && time.Since(w.silent) >= apiSilence {
		return lacks, fmt.Errorf("the API server has stopped answering: %w", w.failure)
	}
	for _, p := range w.pulls {
		if p.never || p.failures >= pullAttempts {
			return lacks, &notReadyError{lacks: lacks, because: fmt.Sprintf(
				"image %s of pod %s is not in the nodes and cannot be pulled (%s): bring it by --images, or `sequitur cluster load-image`",
				p.image, p.pod, shorten(p.message, 200))}
		}
	}
	return lacks, nil
}

// wait watches objects until all are ready. It fails before ctx ends if an image cannot be had or the cluster is gone.
func (k *client) wait(ctx context.Context, wanted objects, detail func(string)) error {
	if len(wanted) == 0 {
		return nil
	}
	w := &watched{changed: make(chan struct{}, 1), lacks: map[string]string{}, pulls: map[string]*pull{}}
	namespaces := wanted.namespaces()
	resources := map[schema.GroupVersionResource]func(*unstructured.Unstructured) string{}
	for _, o := range wanted {
		kind := o.GroupVersionKind()
		m, err := k.mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if err != nil {
			return fmt.Errorf("%s: %w", describe(o), err)
		}
		w.lacks[describe(o)] = "not there yet"
		resources[m.Resource] = readiness[kind.GroupKind()]
	}
	return k.watch(ctx, w, namespaces, resources, detail)
}

// watch runs a watch for each resource, and one for the pods of the namespaces, until all is ready or nothing can be any more.
func (k *client) watch(ctx context.Context, w *watched, namespaces map[string]bool,
	resources map[schema.GroupVersionResource]func(*unstructured.Unstructured) string, detail func(string)) error {
	watching, cancel := context.WithCancel(ctx)
	factory := dynamicinformer.NewDynamicSharedInformerFactory(k.dynamic, 0)
	defer factory.Shutdown()
	defer cancel()
	for resource, lacks := range resources {
		err := w.inform(factory, resource, func(o *unstructured.Unstructured, gone bool) {
			why := "gone"
			if !gone {
				why = lacks(o)
			}
			w.object(describe(o), why)
		})
		if err != nil {
			return err
		}
	}
	if len(namespaces) > 0 {
		err := w.inform(factory, schema.GroupVersionResource{Version: "v1", Resource: "pods"}, func(o *unstructured.Unstructured, gone bool) {
			if !gone && namespaces[o.GetNamespace()] {
				w.pod(o)
			}
		})
		if err != nil {
			return err
		}
	}
	total := len(w.lacks) // before anybody writes there
	factory.Start(watching.Done())
	for {
		lacks, err := w.verdict()
		switch {
		case err != nil:
			return k.explain(ctx, err, namespaces)
		case len(lacks) == 0:
			return nil
		}
		detail(fmt.Sprintf("%d of %d ready; %s: %s", total-len(lacks), total, lacks[0].object, lacks[0].why))
		select {
		case <-w.changed:
		case <-ctx.Done():
			lacks, _ := w.verdict()
			return k.explain(ctx, &notReadyError{wanted: total, lacks: lacks}, namespaces)
		}
	}
}

// inform calls f for every object of a resource, and whenever one changes.
func (w *watched) inform(factory dynamicinformer.DynamicSharedInformerFactory, resource schema.GroupVersionResource,
	f func(o *unstructured.Unstructured, gone bool)) error {
	informer := factory.ForResource(resource).Informer()
	if err := informer.SetWatchErrorHandler(func(_ *cache.Reflector, err error) { w.failed(err) }); err != nil {
		return err
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { f(o.(*unstructured.Unstructured), false) },
		UpdateFunc: func(_, o any) { f(o.(*unstructured.Unstructured), false) },
		DeleteFunc: func(o any) {
			if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = last.Obj
			}
			f(o.(*unstructured.Unstructured), true)
		},
	})
	return err
}

// explain adds to an error what is known of the pods, unless the user does not wait for it.
func (k *client) explain(ctx context.Context, err error, namespaces map[string]bool) error {
	lacks, ok := err.(*notReadyError) //nolint:errorlint // ours, made above
	if !ok || ctx.Err() != nil && !timedOut(ctx) {
		return err
	}
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), diagnosisTime)
	defer cancel()
	lacks.excerpt = k.diagnose(short, namespaces)
	return lacks
}

// retryPulls replaces pods of an earlier run that wait before they pull an image again, for minutes perhaps: it may be in
// the nodes by now.
func (k *client) retryPulls(ctx context.Context, wanted objects) error {
	for namespace := range wanted.namespaces() {
		pods, err := k.core.Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, pod := range pods.Items {
			waits := slices.ContainsFunc(append(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses...), func(s corev1.ContainerStatus) bool {
				return s.State.Waiting != nil && s.State.Waiting.Reason == "ImagePullBackOff"
			})
			if !waits {
				continue
			}
			if err := k.core.Pods(namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
				return err
			}
		}
	}
	return nil
}

// foundation is what a cluster has by itself and needs before anything can run in it: its nodes, and what Kubernetes runs.
func (k *client) foundation(ctx context.Context) (objects, error) {
	var all objects
	for _, r := range []struct {
		resource  schema.GroupVersionResource
		namespace string
	}{
		{schema.GroupVersionResource{Version: "v1", Resource: "nodes"}, ""},
		{schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}, metav1.NamespaceSystem},
	} {
		list, err := k.dynamic.Resource(r.resource).Namespace(r.namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		for _, item := range list.Items {
			all = append(all, &item)
		}
	}
	return all, nil
}
