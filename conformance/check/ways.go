package check

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// appliedManifests gives every manifest that was accepted, decoded; whole is false if one could not be, as histories keep only the
// beginning of long ones.
func appliedManifests(v *history.View) (manifests []map[string]any, whole bool) {
	whole = true
	for i := range v.Ops {
		op := &v.Ops[i]
		if op.Kind != history.Applied || op.Refused {
			continue
		}
		var m map[string]any
		if json.Unmarshal(op.Shown, &m) != nil {
			whole = false
			continue
		}
		manifests = append(manifests, m)
	}
	return manifests, whole
}

// dig walks down nested mappings; nil if there is nothing.
func dig(m map[string]any, path ...string) any {
	var cur any = m
	for _, p := range path {
		next, ok := cur.(map[string]any)
		if !ok {
			return nil
		}
		cur = next[p]
	}
	return cur
}

func digText(m map[string]any, path ...string) string {
	s, _ := dig(m, path...).(string)
	return s
}

// sharedWays says why one event may rightly be on two ways to the same receiver at a time, or may be attempted again
// before the answer; empty if neither can be.
func sharedWays(v *history.View) string {
	manifests, whole := appliedManifests(v)
	if !whole {
		return "not every manifest is known"
	}
	users := map[string]string{} // by channel or Broker: the Subscription or Trigger
	for _, m := range manifests {
		kind, spec, self := digText(m, "kind"), map[string]any{}, digText(m, "metadata", "namespace")+"/"+digText(m, "metadata", "name")
		if s, ok := m["spec"].(map[string]any); ok {
			spec = s
		}
		if hasKey(spec, "timeout") {
			return kind + " " + self + " has a timeout"
		}
		from := ""
		switch kind {
		case "Parallel":
			return "there is a Parallel"
		case "Subscription":
			from = digText(spec, "channel", "kind") + "/" + digText(spec, "channel", "name")
			if strings.Contains(from, "-kn-") {
				return "a Subscription was added to " + from
			}
		case "Trigger":
			if from = digText(spec, "broker"); from == "" {
				from = digText(spec, "brokerRef", "name")
			}
			from = "Broker/" + from
		default:
			continue
		}
		if other, ok := users[from]; ok && other != self {
			return from + " feeds several"
		}
		users[from] = self
	}
	return ""
}

// hasKey tells whether a key occurs anywhere in a decoded manifest.
func hasKey(node any, key string) bool {
	switch n := node.(type) {
	case map[string]any:
		for k, x := range n {
			if k == key || hasKey(x, key) {
				return true
			}
		}
	case []any:
		for _, x := range n {
			if hasKey(x, key) {
				return true
			}
		}
	}
	return false
}

// subscribersOf gives the receivers that the applied manifests name by URI as subscribers, and as nothing else.
func subscribersOf(v *history.View) []string {
	manifests, whole := appliedManifests(v)
	if !whole {
		return nil
	}
	namespace := ""
	for i := range v.Ops {
		if v.Ops[i].Kind == history.Begin {
			namespace = v.Ops[i].Note
			break
		}
	}
	subscribes, other := map[string]bool{}, map[string]bool{}
	var walk func(node any, role map[string]bool)
	walk = func(node any, role map[string]bool) {
		switch n := node.(type) {
		case string:
			if who := receiverOf(n, namespace); who != "" {
				role[who] = true
			}
		case []any:
			for _, x := range n {
				walk(x, role)
			}
		case map[string]any:
			for k, x := range n {
				switch k {
				case "uri":
					walk(x, role)
				case "subscriber", "steps", "branches", "filter":
					walk(x, subscribes)
				default: // reply, delivery, sink, an annotation, …
					walk(x, other)
				}
			}
		}
	}
	for _, m := range manifests {
		walk(m, other)
	}
	maps.DeleteFunc(subscribes, func(who string, _ bool) bool { return other[who] })
	return slices.Sorted(maps.Keys(subscribes))
}

// receiverOf gives the name of the receiver that a URI leads to: …/namespace/name and below.
func receiverOf(uri, namespace string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return ""
	}
	parts := strings.Split(strings.TrimPrefix(u.Path, "/"), "/")
	if len(parts) < 2 || namespace != "" && parts[0] != namespace {
		return ""
	}
	return parts[1]
}

// byService tells whether a request came by the cluster name of a Service, which hides whom the manifest meant.
func byService(op *history.Op) bool { return strings.Contains(op.Header.Get("Host"), ".svc.") }
