package kind

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// State is how a cluster is.
type State struct {
	Name              string
	Context           string // its name in the kubeconfig
	Ready             bool   // all of Parts are
	Eventing, Serving string // versions of Knative; empty for none
	Parts             []Part
	Entries           []Entry
}

// Part is a node, or something that runs in the cluster.
type Part struct {
	Name  string // with its kind and namespace
	Lacks string // why it is not ready; empty if it is
	About string // address and version of a node
}

// Entry is a way into the data plane from this machine: a Service's address at the first node.
type Entry struct{ Service, URL string }

// Status tells how the cluster is. It is an error if there is none or it does not answer, not if something is not ready.
func Status(ctx context.Context, o Options) (*State, error) {
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	c := newCluster(&o)
	if err := c.engine(ctx); err != nil {
		return nil, err
	}
	if err := c.exists(ctx); err != nil {
		return nil, err
	}
	return c.state(ctx)
}

const statusPatience = 5 * time.Second

func (c *cluster) state(ctx context.Context) (*State, error) {
	k, err := c.client()
	if err != nil {
		return nil, err
	}
	if err := k.answers(ctx, statusPatience); err != nil {
		return nil, fmt.Errorf("the API server of cluster %s does not answer (%w): `sequitur cluster up%s` starts it if it has been stopped",
			c.name, err, nameFlag(c.name))
	}
	return k.state(ctx, c.name)
}

func (k *client) state(ctx context.Context, cluster string) (*State, error) {
	s := &State{Name: cluster, Context: "kind-" + cluster, Ready: true}
	var nodeAddress string
	for _, resource := range []schema.GroupVersionResource{
		{Version: "v1", Resource: "nodes"},
		{Version: "v1", Resource: "namespaces"},
		{Group: "apps", Version: "v1", Resource: "deployments"},
		{Group: "apps", Version: "v1", Resource: "statefulsets"},
		{Group: "apps", Version: "v1", Resource: "daemonsets"},
		{Version: "v1", Resource: "services"},
	} {
		list, err := k.dynamic.Resource(resource).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		for _, o := range list.Items {
			switch {
			case o.GetKind() == "Namespace":
				s.namespace(&o)
			case o.GetKind() == "Service":
				s.service(&o, nodeAddress)
			case o.GetKind() == "Node":
				address := internalIP(&o)
				if nodeAddress == "" {
					nodeAddress = address
				}
				version, _, _ := unstructured.NestedString(o.Object, "status", "nodeInfo", "kubeletVersion")
				s.part(&o, address+" "+version)
			case ofKnative(o.GetNamespace()):
				s.part(&o, "")
			}
		}
	}
	return s, nil
}

// ofKnative tells the namespaces that an installation of Knative has.
func ofKnative(namespace string) bool {
	return strings.HasPrefix(namespace, "knative-") || strings.HasPrefix(namespace, "kourier-")
}

func (s *State) namespace(o *unstructured.Unstructured) {
	switch version := o.GetLabels()[versionLabel]; o.GetName() {
	case eventingNamespace:
		s.Eventing = version
	case servingNamespace:
		s.Serving = version
	}
}

func (s *State) part(o *unstructured.Unstructured, about string) {
	p := Part{Name: describe(o), Lacks: readiness[groupKind(o)](o), About: about}
	s.Ready = s.Ready && p.Lacks == ""
	s.Parts = append(s.Parts, p)
}

func (s *State) service(o *unstructured.Unstructured, address string) {
	if o.GetLabels()["app.kubernetes.io/managed-by"] != fieldManager {
		return
	}
	ports, _, _ := unstructured.NestedSlice(o.Object, "spec", "ports")
	for _, item := range ports {
		if port, ok := item.(map[string]any); ok {
			if n := number(&unstructured.Unstructured{Object: port}, 0, "nodePort"); n > 0 {
				s.Entries = append(s.Entries, Entry{o.GetName(), "http://" + net.JoinHostPort(address, strconv.FormatInt(n, 10))})
			}
		}
	}
}

func internalIP(o *unstructured.Unstructured) string {
	list, _, _ := unstructured.NestedSlice(o.Object, "status", "addresses")
	for _, item := range list {
		if a, ok := item.(map[string]any); ok && a["type"] == "InternalIP" {
			address, _ := a["address"].(string)
			return address
		}
	}
	return ""
}
