package kind

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	fieldManager = "sequitur"
	retryEvery   = 250 * time.Millisecond
	// apiPatience bounds the first answer of the API server of a cluster that is there: nodes may just have been started.
	apiPatience = time.Minute
)

// client talks to the API server of one cluster.
type client struct {
	dynamic dynamic.Interface
	core    corev1.CoreV1Interface
	mapper  meta.ResettableRESTMapper
	healthz func(context.Context) error
}

// client is one for this very cluster: its access comes from its own nodes, not from a file that may tell of another.
func (c *cluster) client() (*client, error) {
	access, err := c.provider.KubeConfig(c.name, false)
	if err != nil {
		return nil, fmt.Errorf("cluster %s gives no access (%w): `sequitur cluster down%s` removes it", c.name, kindError(err), nameFlag(c.name))
	}
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(access))
	if err != nil {
		return nil, fmt.Errorf("access to cluster %s: %w", c.name, err)
	}
	config.QPS = -1 // the API server bounds us well enough
	config.WarningHandler = rest.NoWarnings{}
	k := &client{}
	if k.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, err
	}
	if k.core, err = corev1.NewForConfig(config); err != nil {
		return nil, err
	}
	d, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	k.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(d))
	k.healthz = func(ctx context.Context) error {
		_, err := d.RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	}
	return k, nil
}

// answers waits until the API server does.
func (k *client) answers(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	err := wait.PollUntilContextCancel(ctx, retryEvery, true, func(ctx context.Context) (bool, error) {
		if err := k.healthz(ctx); err != nil {
			if ctx.Err() == nil || last == nil {
				last = err
			}
			return false, nil
		}
		return true, nil
	})
	if err != nil && last != nil {
		return last
	}
	return err
}

// serviceCIDRs are the addresses that Services of the cluster have.
func (k *client) serviceCIDRs(ctx context.Context) ([]string, error) {
	list, err := k.dynamic.Resource(schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "servicecidrs"}).
		List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("addresses of Services: %w", err)
	}
	var cidrs []string
	for _, item := range list.Items {
		of, _, err := unstructured.NestedStringSlice(item.Object, "spec", "cidrs")
		if err != nil {
			return nil, fmt.Errorf("addresses of Services: %w", err)
		}
		cidrs = append(cidrs, of...)
	}
	return cidrs, nil
}

// apply applies objects in their order and waits for definitions of kinds before it uses them.
func (k *client) apply(ctx context.Context, list objects, detail func(string)) error {
	for i, o := range list {
		detail(fmt.Sprintf("%d of %d", i, len(list)))
		if err := k.applyOne(ctx, o); err != nil {
			return fmt.Errorf("applying %s: %w", describe(o), err)
		}
		if last := i+1 == len(list) || rank(list[i+1]) > rank(o); last && rank(o) == rank(definition) {
			if err := k.wait(ctx, list[:i+1].observable(), func(string) {}); err != nil {
				return err
			}
		}
	}
	return nil
}

var definition = &unstructured.Unstructured{Object: map[string]any{"kind": "CustomResourceDefinition"}}

// describe is "Deployment knative-eventing/eventing-controller".
func describe(o *unstructured.Unstructured) string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}

// resource is where an object lives.
func (k *client) resource(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kind := o.GroupVersionKind()
	m, err := k.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	if m.Scope.Name() != meta.RESTScopeNameNamespace {
		return k.dynamic.Resource(m.Resource), nil
	}
	namespace := o.GetNamespace()
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return k.dynamic.Resource(m.Resource).Namespace(namespace), nil
}

// applyOne applies an object on the server's side and tries again for reasons that pass, until ctx ends.
func (k *client) applyOne(ctx context.Context, o *unstructured.Unstructured) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, retryEvery, true, func(ctx context.Context) (bool, error) {
		r, err := k.resource(o)
		if err == nil {
			_, err = r.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
		}
		switch {
		case err == nil:
			return true, nil
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case portTaken(err) && freePorts(o):
			return false, nil
		case !passing(err):
			return false, err
		}
		if meta.IsNoMatchError(err) {
			k.mapper.Reset()
		}
		last = err
		return false, nil
	})
	if ctx.Err() != nil && last != nil {
		return fmt.Errorf("%w (%w)", last, context.Cause(ctx))
	}
	return err
}

// passing tells errors that pass by themselves: a kind whose definition the server is still taking in, a webhook that is
// not up yet, a server that is busy or starting.
func passing(err error) bool {
	return meta.IsNoMatchError(err) || discovery.IsGroupDiscoveryFailedError(err) || errors.As(err, new(*meta.NoResourceMatchError)) ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) ||
		apierrors.IsInternalError(err) && strings.Contains(err.Error(), "failed calling webhook") ||
		apierrors.IsNotFound(err) && strings.Contains(err.Error(), "the server could not find the requested resource") ||
		utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err)
}

// portTaken tells that another Service has the NodePort.
func portTaken(err error) bool {
	return apierrors.IsInvalid(err) && strings.Contains(err.Error(), "provided port is already allocated")
}

// freePorts leaves the NodePorts of our own Services to the cluster; it says whether that changed anything. Somebody else's
// manifest means its ports.
func freePorts(o *unstructured.Unstructured) bool {
	if o.GetKind() != "Service" || o.GetLabels()["app.kubernetes.io/managed-by"] != fieldManager {
		return false
	}
	before := o.DeepCopy()
	ports, _, _ := unstructured.NestedSlice(o.Object, "spec", "ports")
	for _, p := range ports {
		if m, ok := p.(map[string]any); ok {
			delete(m, "nodePort")
		}
	}
	_ = unstructured.SetNestedSlice(o.Object, ports, "spec", "ports")
	return !equality.Semantic.DeepEqual(before, o)
}
