package suites

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/check"
	"github.com/sequitur-dev/sequitur/conformance/drive"
	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/fixtures/receiver"
)

// unauthorized are the posts that carry no good token.
var unauthorized = []string{"no token", "another audience", "forged"}

// forge changes the signature of a token.
func forge(bearer string) string {
	i := strings.LastIndexByte(bearer, '.') + 1
	signature := []byte(bearer[i:])
	for j, c := range signature {
		signature[j] = 'A'
		if c == 'A' {
			signature[j] = 'B'
		}
	}
	return bearer[:i] + string(signature)
}

// security is the chapter on transport encryption, identity and authorization.
var security = []Scenario{
	{
		Name:  "security/addresses-are-encrypted",
		Needs: []string{"TLS"},
		Drive: func(s *drive.Stage) {
			extend(s, "a")
			s.Apply(channelOf("c", "") + "---\n" + subscriptionOf("to-a", "c", "$a", ""))
			s.Apply(sequenceOf("s", "", "$b") + "---\n" + brokerOf("b", "") + "---\n" + triggerOf("t", "b", "sequitur.test", "$t"))
			objects := []string{"Channel/c", "Sequence/s", "Broker/b"}
			s.Ready(append(objects, "Subscription/to-a", "Trigger/t")...)
			s.Mark("encrypted")
			for _, object := range objects {
				s.Send(object, s.NewEvent())
			}
			s.Expect("a", 1)
			s.Expect("b", 1)
			s.Expect("t", 1)
			s.Mark("plain")
			for _, object := range objects {
				s.Send(strings.Replace(s.URL(object), "https:", "http:", 1), s.NewEvent())
			}
			s.Quiet("Channel/c", "a")
		},
		Verify: []Verification{
			verify("SEC-001", check.All(check.Encrypted("Channel/c", "Sequence/s", "Broker/b"), check.Of("plain", check.NotTaken()))),
		},
	},
	{
		Name:  "security/certificates-are-verified",
		Needs: []string{"TLS"},
		Drive: func(s *drive.Stage) {
			own := s.TLSReceiver("a", receiver.OK())
			for _, name := range []string{"foreign", "unnamed"} {
				s.TLSReceiver(name, receiver.OK())
			}
			// Certificates of somebody else: those of the target's own addresses.
			s.Apply(channelOf("c", ""))
			s.Ready("Channel/c")
			other := ""
			if o := s.Look("Channel/c"); o != nil && o.Status.Address != nil {
				other = o.Status.Address.CACerts
			}
			to := func(name, trusted string) string {
				return subscriptionOf("to-"+name, "c", fmt.Sprintf("uri: $%s, CACerts: %q", name, trusted), "delivery: {deadLetterSink: {uri: $dls"+name+"}}")
			}
			s.Apply(to("a", own) + "---\n" + to("foreign", other) + "---\n" +
				subscriptionOf("to-unnamed", "c", "$unnamed", "delivery: {deadLetterSink: {uri: $dlsunnamed}}"))
			s.Ready("Subscription/to-a", "Subscription/to-foreign", "Subscription/to-unnamed")
			s.Send("Channel/c", s.NewEvent())
			s.Expect("a", 1)
			s.Expect("dlsforeign", 1)
			s.Expect("dlsunnamed", 1)
			s.Quiet("")
		},
		Verify: []Verification{
			verify("SEC-002", check.All(
				check.AtLeastOnce("a"), check.AtLeastOnce("dlsforeign"), check.AtLeastOnce("dlsunnamed"),
				check.Silent("foreign", "unnamed", "dlsa"))),
		},
	},
	{
		Name:  "security/senders-need-a-token",
		Needs: []string{"OIDC"},
		Drive: func(s *drive.Stage) {
			s.Apply(channelOf("c", "") + "---\n" + subscriptionOf("to-a", "c", "$a", ""))
			s.Apply(brokerOf("b", "") + "---\n" + triggerOf("t", "b", "sequitur.test", "$b"))
			s.Ready("Channel/c", "Subscription/to-a", "Broker/b", "Trigger/t")
			s.Mark("good")
			objects := []string{"Channel/c", "Broker/b"}
			for i, object := range objects {
				other := objects[1-i]
				s.Send(object, s.NewEvent())
				s.Mark("no token")
				s.Post(object, drive.Post{Event: s.NewEvent(), Bearer: func(string) string { return "" }})
				s.Mark("another audience")
				s.Post(object, drive.Post{Event: s.NewEvent(), For: other})
				s.Mark("forged")
				s.Post(object, drive.Post{Event: s.NewEvent(), Bearer: forge})
				s.Mark("good")
			}
			s.Expect("a", 1)
			s.Expect("b", 1)
			s.Quiet("")
		},
		Verify: []Verification{
			verify("SEC-003", check.All(
				check.Audience("Channel/c"), check.Audience("Broker/b"),
				check.Of("good", check.AtLeastOnce("a", "b")),
				check.Each(unauthorized, func(mark string) check.Judge {
					return check.All(check.In(mark, check.Answered(http.StatusUnauthorized)), check.Of(mark, check.NotTaken()))
				}),
			)),
		},
	},
	{
		Name:  "security/deliveries-carry-tokens",
		Needs: []string{"OIDC"},
		Drive: func(s *drive.Stage) {
			s.Receiver("a", byRoot(map[string]receiver.Respond{
				"e1": receiver.Attempts(receiver.Status(503), receiver.Extend("a")), "e2": receiver.Status(503),
			}))
			s.Apply(channelOf("c", "") + "---\n" + subscriptionOf("to-a", "c", "uri: $a, audience: for-a",
				"reply: {uri: $r, audience: for-r}, delivery: {retry: 1, backoffPolicy: linear, backoffDelay: PT0.1S, deadLetterSink: {uri: $dls, audience: for-dls}}"))
			s.Ready("Channel/c", "Subscription/to-a")
			s.Send("Channel/c", s.Events(2)...)
			s.Expect("a", 4)
			s.Expect("r", 1)
			s.Expect("dls", 1)
		},
		Verify: []Verification{
			verify("SEC-004", check.All(check.TokenAt("a", "for-a", 4), check.TokenAt("r", "for-r", 1), check.TokenAt("dls", "for-dls", 1))),
		},
	},
	{
		Name:  "security/policies-decide-who-sends",
		Needs: []string{"EventPolicy", "Sequence", "KnativeTopology"},
		Drive: func(s *drive.Stage) {
			extend(s, "a", "b")
			s.Apply("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: other}\n")
			s.Apply("apiVersion: eventing.knative.dev/v1alpha1\nkind: EventPolicy\nmetadata: {name: p}\nspec:\n" +
				"  to: [{ref: {apiVersion: flows.knative.dev/v1, kind: Sequence, name: s}}]\n" +
				"  from: [{sub: 'system:serviceaccount:$ns:default'}]\n")
			s.Apply(sequenceOf("s", "$sink", "$a", "$b"))
			s.Ready("EventPolicy/p", "Sequence/s")
			inner := innerChannels(s.Look("Sequence/s"))
			for _, channel := range inner {
				s.Look(channel)
			}
			s.Mark("allowed")
			s.Send("Sequence/s", s.NewEvent())
			s.Expect("sink", 1)
			s.Mark("other")
			s.Post("Sequence/s", drive.Post{Event: s.NewEvent(), As: "other"})
			for _, channel := range inner {
				s.Mark("inner")
				s.Post(channel, drive.Post{Event: s.NewEvent()})
				s.Post(channel, drive.Post{Event: s.NewEvent(), As: "other"})
			}
			s.Quiet("")
		},
		Verify: []Verification{
			verify("SEC-005", check.All(
				check.Of("allowed", check.Visits("a>b>sink")),
				check.Each([]string{"other", "inner"}, func(mark string) check.Judge {
					return check.All(check.In(mark, check.Answered(http.StatusForbidden)), check.Of(mark, check.NotTaken()))
				}),
			)),
		},
	},
	{
		Name:  "security/across-namespaces",
		Needs: []string{"CrossNamespace"},
		Drive: func(s *drive.Stage) {
			there := s.Namespace() + "-other"
			in := func(manifest, name string) string {
				return strings.Replace(manifest, "{name: "+name+"}", "{name: "+name+", namespace: $ns-other}", 1)
			}
			s.Apply(in(channelOf("c", ""), "c") + "---\n" + in(brokerOf("b", ""), "b") + "---\n" + channelOf("c", "") + "---\n" + brokerOf("b", ""))
			s.Apply(strings.Replace(subscriptionOf("to-a", "c", "$a", ""), "name: c}", "name: c, namespace: $ns-other}", 1))
			s.Apply(strings.Replace(triggerOf("t", "b", "sequitur.test", "$t"), "broker: b",
				"brokerRef: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: b, namespace: $ns-other}", 1))
			s.Ready("Channel/"+there+"/c", "Broker/"+there+"/b", "Channel/c", "Broker/b", "Subscription/to-a", "Trigger/t")
			s.Mark("there")
			s.Send("Channel/"+there+"/c", s.NewEvent())
			s.Send("Broker/"+there+"/b", s.NewEvent())
			s.Expect("a", 1)
			s.Expect("t", 1)
			s.Mark("here")
			s.Send("Channel/c", s.NewEvent())
			s.Send("Broker/b", s.NewEvent())
			s.Quiet("Channel/"+there+"/c", "a")
		},
		Verify: []Verification{
			verify("SEC-006", check.All(
				check.Of("there", check.All(check.AtLeastOnce("a", "t"), check.Came("a"), check.Came("t"))),
				check.Of("here", check.Silent("a", "t")),
			)),
		},
	},
	{
		Name: "security/credentials-stay",
		Drive: func(s *drive.Stage) {
			s.Apply(brokerOf("b", "") + "---\n" + triggerOf("t", "b", "sequitur.test", "$t"))
			s.Ready("Broker/b", "Trigger/t")
			secret := http.Header{"Authorization": {"Bearer secret-token"}, "Cookie": {"session=secret-cookie"}}
			if s.Claims("Sequence") {
				extend(s, "a")
				s.Receiver("b", receiver.Status(400))
				s.Apply(sequenceOf("s", "", "$a", "uri: $b, delivery: {deadLetterSink: {uri: $dls}}"))
				s.Ready("Sequence/s")
				s.Mark("sequence")
				s.Post("Sequence/s", drive.Post{Event: s.NewEvent(), Header: secret})
				s.Expect("dls", 1)
			}
			s.Mark("broker")
			s.Post("Broker/b", drive.Post{Event: s.NewEvent(), Header: secret})
			s.Expect("t", 1)
		},
		Verify: []Verification{
			verify("SEC-007", check.Besides("Sequence",
				check.Of("broker", check.SecretsKept([]string{"Authorization", "Cookie"}, "t")),
				check.Of("sequence", check.SecretsKept([]string{"Authorization", "Cookie"}, "a", "b", "dls")),
			)),
		},
	},
}

// innerChannels are the channels of a Sequence behind the first one, as Kind/name.
func innerChannels(sequence *history.Object) []string {
	var inner []string
	if sequence == nil {
		return nil
	}
	for i, raw := range sequence.Status.ChannelStatuses {
		var entry struct {
			Channel struct{ Kind, Name string } `json:"channel"`
		}
		if err := json.Unmarshal(raw, &entry); err == nil && i > 0 {
			inner = append(inner, entry.Channel.Kind+"/"+entry.Channel.Name)
		}
	}
	return inner
}
