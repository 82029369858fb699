package check

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// Encrypted wants each object's address to be https with the certificates that senders are to trust, and events posted
// there to be accepted: the harness trusts what the address shows (docs eventing/features/transport-encryption.md).
func Encrypted(objects ...string) Judge {
	return Each(objects, func(object string) Judge {
		return All(
			Shows(object, "an address of https and its CACerts in PEM", func(o *history.Object) bool {
				return strings.HasPrefix(o.URL(), "https://") && strings.Contains(o.Status.Address.CACerts, "-----BEGIN CERTIFICATE-----")
			}),
			Accepted(object),
		)
	})
}

// NotTaken wants no post of the view to be accepted, and nothing of any to arrive anywhere.
func NotTaken() Judge {
	return func(v *history.View) Finding {
		posts := v.Posts()
		if len(posts) == 0 {
			return Unclear("nothing was sent")
		}
		for _, p := range posts {
			if p.Accepted() {
				return Fail("no event to be accepted", "answer "+outcome(p)+" for "+name(p.ID()), p.ID())
			}
			for _, x := range v.Arrivals() {
				if history.Root(x.ID()) == p.ID() {
					return Fail("nothing of a refused event anywhere", name(x.ID())+" at "+x.Ask.Who, p.ID())
				}
			}
		}
		return Pass("%d not taken", len(posts))
	}
}

// Audience wants an object's address to have an audience (docs eventing/features/sender-identity.md).
func Audience(object string) Judge {
	return Shows(object, "an address with an audience", func(o *history.Object) bool {
		return o.URL() != "" && o.Status.Address.Audience != ""
	})
}

// TokenAt wants at least n requests of a receiver, each with a bearer token for an audience. The token's signature is not
// in the history.
func TokenAt(at, audience string, n int) Judge {
	return func(v *history.View) Finding {
		got := v.Arrivals(at)
		if len(got) < n {
			if _, none := accepted(v); none != nil {
				return *none
			}
			return Fail(fmt.Sprintf("%s at %s", times(n), at), times(len(got)))
		}
		for _, x := range got {
			claims, err := claimsOf(x.Ask.Header.Get("Authorization"))
			if err != nil {
				return Fail("a bearer token for "+audience+" at "+at, err.Error(), x.ID())
			}
			if !slices.Contains(claims.audience, audience) {
				return Fail("a bearer token for "+audience+" at "+at, "one for "+strings.Join(claims.audience, ", "), x.ID())
			}
			if claims.Subject == "" {
				return Fail("a token that names who sends", "no subject in it", x.ID())
			}
		}
		return Pass("%d with a token for %s", len(got), audience)
	}
}

// claims is what a token says (RFC 7519 §4.1).
type claims struct {
	Subject  string          `json:"sub"`
	Audience json.RawMessage `json:"aud"` // one or a list
	audience []string
}

func claimsOf(authorization string) (c claims, err error) {
	scheme, token, _ := strings.Cut(authorization, " ")
	parts := strings.Split(token, ".")
	if !strings.EqualFold(scheme, "Bearer") || len(parts) != 3 {
		return c, fmt.Errorf("the header Authorization is %q", authorization)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err == nil && json.Unmarshal(c.Audience, &c.audience) != nil {
		c.audience = make([]string, 1)
		err = json.Unmarshal(c.Audience, &c.audience[0])
	}
	if err != nil {
		return c, fmt.Errorf("a token that is no JWT: %w", err)
	}
	return c, nil
}

// SecretsKept wants none of the values that a sender put into the headers named to be in any header or in the data at the
// receivers, each of which must have got something of every accepted event.
func SecretsKept(headers []string, at ...string) Judge {
	return func(v *history.View) Finding {
		ids, none := accepted(v)
		if none != nil {
			return *none
		}
		for _, p := range v.Posts() {
			if !slices.Contains(ids, p.ID()) {
				continue
			}
			for _, who := range at {
				arrivals := v.Lineage(who, p.ID())
				if len(arrivals) == 0 {
					return Fail(p.ID()+" at "+who, "nothing of it came", p.ID())
				}
				for _, x := range arrivals {
					if f := leak(p, x, headers); f != nil {
						return *f
					}
				}
			}
		}
		return Pass("no %s of the sender at %s", strings.Join(headers, ", "), strings.Join(at, ", "))
	}
}

func leak(p, x history.Exchange, headers []string) *Finding {
	for _, h := range headers {
		secret := p.Ask.Header.Get(h)
		if secret == "" {
			f := Unclear("%s was sent without %s", p.ID(), h)
			return &f
		}
		for header, values := range x.Ask.Header {
			if slices.Contains(values, secret) {
				f := Fail("the sender's "+h+" nowhere", "it is in "+header+" at "+x.Ask.Who, x.ID())
				return &f
			}
		}
		if x.Ask.Event != nil && strings.Contains(string(x.Ask.Event.Data), secret) {
			f := Fail("the sender's "+h+" nowhere", "it is in the data at "+x.Ask.Who, x.ID())
			return &f
		}
	}
	return nil
}

// Came wants something that was accepted to arrive at a receiver.
func Came(at string) Judge {
	return func(v *history.View) Finding {
		if _, none := accepted(v); none != nil {
			return *none
		}
		if len(v.Arrivals(at)) == 0 {
			return Fail("an event at "+at, "nothing came")
		}
		return Pass("an event at %s", at)
	}
}
