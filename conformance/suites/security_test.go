package suites

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// token is a bearer token as histories hold it; aud is a JSON string or list.
func token(sub, aud string) string {
	payload := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"sub":%q,"aud":%s}`, sub, aud))
	return `h:Authorization="Bearer e30.` + payload + `.redacted"`
}

const pemHead = `-----BEGIN CERTIFICATE-----\nMII`

// encrypted is a history of addresses of which one shows what is given.
func encrypted(sequence, plain string) string {
	shown := func(object, address string) string {
		return `1ms status ` + object + ` Ready=True status.address=` + strconv.Quote(address) + "\n"
	}
	good := func(path string) string { return `{"url":"https://x/` + path + `","CACerts":"` + pemHead + `"}` }
	return shown("Channel/c", good("c")) + shown("Sequence/s", sequence) + shown("Broker/b", good("b")) + `
		2ms send Channel/c e1 -> 202
		3ms send Sequence/s e2 -> 202
		4ms send Broker/b e3 -> 202
		5ms mark plain
		` + plain
}

// verified is a history in which the receivers named got the event.
func verified(at ...string) string {
	text := "1ms send Channel/c e1 -> 202\n"
	for i, who := range at {
		text += fmt.Sprintf("%dms recv %s e1\n", i+2, who)
	}
	return text
}

// tokens is a history of three posts without a good token, answered as given, and what else came.
func tokens(address string, codes [3]int, more string) string {
	return "1ms status Channel/c Ready=True status.address=" + strconv.Quote(address) + "\n" +
		"1ms status Broker/b Ready=True status.address=" + strconv.Quote(`{"url":"http://x/b","audience":"b"}`) + "\n" +
		fmt.Sprintf(`2ms mark good
		3ms send Channel/c e1 -> 202
		4ms recv a e1
		5ms mark "no token"
		6ms send Channel/c e2 -> %d
		7ms mark "another audience"
		8ms send Channel/c e3 -> %d
		9ms mark forged
		10ms send Channel/c e4 -> %d
		`, codes[0], codes[1], codes[2]) + more
}

const withAudience = `{"url":"http://x/c","audience":"c"}`

// carried is a history of a delivery that is repeated, answered and dead-lettered, with headers of the second attempt, of
// the reply and of the dead letter.
func carried(second, reply, letter string) string {
	return `1ms send Channel/c e1 -> 202
		2ms recv a e1 ` + token("me", `["for-a"]`) + ` -> 503
		3ms recv a e1 ` + second + ` -> 200 e1.a
		4ms recv r e1.a ` + reply + `
		5ms send Channel/c e2 -> 202
		6ms recv a e2 ` + token("me", `"for-a"`) + ` -> 503
		7ms recv a e2 ` + token("me", `["x","for-a"]`) + ` -> 503
		8ms recv dls e2 ` + letter
}

// policed is a history of posts of which the second and third are not allowed.
func policed(other, inner int, more string) string {
	return fmt.Sprintf(`1ms mark allowed
		2ms send Sequence/s e1 -> 202
		3ms recv a e1 -> 200 e1.a
		4ms recv b e1.a -> 200 e1.a.b
		5ms recv sink e1.a.b
		6ms mark other
		7ms send Sequence/s e2 -> %d
		8ms mark inner
		9ms send InMemoryChannel/s-kn-sequence-1 e3 -> %d
		`, other, inner) + more
}

// crossed is a history of posts in another namespace and in the subscriber's own, and of what came.
func crossed(there, here string) string {
	return `1ms mark there
		2ms send Channel/other/c e1 -> 202
		3ms send Broker/other/b e2 -> 202
		` + there + `
		6ms mark here
		7ms send Channel/c e3 -> 202
		8ms send Broker/b e4 -> 202
		` + here
}

const secrets = `h:Authorization="Bearer secret" h:Cookie="session=secret"`

// kept is a history of posts with credentials; a, dls and t get the headers given.
func kept(a, dls, t string) string {
	return `1ms mark sequence
		2ms send Sequence/s e1 ` + secrets + ` -> 202
		3ms recv a e1 ` + a + ` -> 200 e1.a
		4ms recv b e1.a -> 400
		5ms recv dls e1.a ` + dls + `
		6ms mark broker
		7ms send Broker/b e2 ` + secrets + ` -> 202
		8ms recv t e2 ` + t
}

var securityExamples = []example{
	{
		scenario: "security/addresses-are-encrypted", requirement: "SEC-001",
		good: []string{
			encrypted(`{"url":"https://x/s","CACerts":"`+pemHead+`"}`, "6ms send http://x/s e4 -> 400"),
			encrypted(`{"url":"https://x/s","CACerts":"`+pemHead+`"}`, `6ms send http://x/s e4 -> err="connection refused"`),
		},
		bad: []string{
			// plain http is still offered
			encrypted(`{"url":"https://x/s","CACerts":"`+pemHead+`"}`, "6ms send http://x/s e4 -> 202\n7ms recv b e4"),
			// the event is refused and taken all the same
			encrypted(`{"url":"https://x/s","CACerts":"`+pemHead+`"}`, "6ms send http://x/s e4 -> 400\n7ms recv b e4"),
			// no certificates are shown
			encrypted(`{"url":"https://x/s"}`, "6ms send http://x/s e4 -> 400"),
			// one address is not encrypted
			encrypted(`{"url":"http://x/s","CACerts":"`+pemHead+`"}`, "6ms send http://x/s e4 -> 400"),
			// what the address shows does not let anybody in
			strings.Replace(encrypted(`{"url":"https://x/s","CACerts":"`+pemHead+`"}`, "6ms send http://x/s e4 -> 400"),
				"Sequence/s e2 -> 202", `Sequence/s e2 -> err="unknown authority"`, 1),
		},
	},
	{
		scenario: "security/certificates-are-verified", requirement: "SEC-002",
		good: []string{verified("a", "dlsforeign", "dlsunnamed")},
		bad: []string{
			verified("a", "foreign", "dlsunnamed"),               // any certificate will do
			verified("a", "dlsforeign", "unnamed", "dlsunnamed"), // no verification without CACerts
			verified("dlsa", "dlsforeign", "dlsunnamed"),         // CACerts are not looked at
			verified("a", "dlsunnamed"),                          // lost
		},
	},
	{
		scenario: "security/senders-need-a-token", requirement: "SEC-003",
		good: []string{
			tokens(withAudience, [3]int{401, 401, 401}, "11ms recv b e1"),
		},
		bad: []string{
			tokens(withAudience, [3]int{202, 401, 401}, "11ms recv a e2"),
			tokens(withAudience, [3]int{401, 202, 401}, "11ms recv a e3"),
			tokens(withAudience, [3]int{401, 401, 202}, "11ms recv a e4"),
			tokens(withAudience, [3]int{401, 401, 401}, "11ms recv a e2"),
			tokens(withAudience, [3]int{403, 401, 401}, ""),
			tokens(`{"url":"http://x/c"}`, [3]int{401, 401, 401}, ""),
		},
	},
	{
		scenario: "security/deliveries-carry-tokens", requirement: "SEC-004",
		good: []string{carried(token("me", `["for-a"]`), token("me", `["for-r"]`), token("me", `["for-dls"]`))},
		bad: []string{
			carried(token("me", `["for-a"]`), token("me", `["for-a"]`), token("me", `["for-dls"]`)), // a token for another
			carried("", token("me", `["for-r"]`), token("me", `["for-dls"]`)),                       // not on a retry
			carried(token("me", `["for-a"]`), token("me", `["for-r"]`), ""),                         // not on a dead letter
			carried(token("", `["for-a"]`), token("me", `["for-r"]`), token("me", `["for-dls"]`)),
			carried(`h:Authorization="Bearer a.b.c"`, token("me", `["for-r"]`), token("me", `["for-dls"]`)),
			"1ms send Channel/c e1 -> 202",
		},
	},
	{
		scenario: "security/policies-decide-who-sends", requirement: "SEC-005",
		good: []string{policed(403, 403, "")},
		bad: []string{
			policed(202, 403, "10ms recv a e2"),
			policed(403, 202, "10ms recv b e3"), // only the first channel is protected
			policed(403, 403, "10ms recv b e3"),
			policed(401, 403, ""),
			strings.Replace(policed(403, 403, ""), "e1 -> 202", "e1 -> 403", 1),
		},
	},
	{
		scenario: "security/across-namespaces", requirement: "SEC-006",
		good: []string{crossed("5ms recv a e1\n5ms recv t e2", "")},
		bad: []string{
			crossed("5ms recv a e1", ""),
			crossed("5ms recv t e2", ""),
			crossed("5ms recv a e1\n5ms recv t e2", "9ms recv t e4"), // the Broker of that name in the Trigger's own namespace
		},
	},
	{
		scenario: "security/credentials-stay", requirement: "SEC-007",
		good: []string{kept("", "", ""), kept(`h:Authorization="Bearer its-own"`, "", `h:Cookie=other=1`)},
		bad: []string{
			kept(`h:Authorization="Bearer secret"`, "", ""),
			kept("", `h:Cookie="session=secret"`, ""),
			kept("", "", `h:X-Forwarded-Authorization="Bearer secret"`),
			kept("", `data="error of Bearer secret"`, ""),
			strings.Replace(kept("", "", ""), "8ms recv t e2", "", 1),
		},
	},
}
