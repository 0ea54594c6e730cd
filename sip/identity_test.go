package sip

import (
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

func TestIdentity(t *testing.T) {
	cases := []struct {
		name      string
		from      string
		headers   string
		untrusted bool
		want      Info
	}{
		{name: "From", from: `"Ann \"x\"" <sip:+39055@t>`, want: Info{From: "+39055", FromName: `Ann "x"`}},
		{name: "asserted", from: `<sip:1@t>`, headers: "P-Asserted-Identity: \"A, B\" <sip:%2B39066@t;user=phone>\r\n", want: Info{From: "+39066", FromName: "A, B"}},
		{name: "asserted tel", from: `<sip:1@t>`, headers: "P-Asserted-Identity: <tel:+39066;verstat=TN-Validation-Passed-B>\r\n", want: Info{From: "+39066", Attestation: "B", Verstat: "passed-b"}},
		{name: "asserted, second", from: `<sip:1@t>`, headers: "P-Asserted-Identity: junk, <sip:+39077@t>\r\n", want: Info{From: "+39077"}},
		{name: "asserted by a stranger", from: `<sip:1@t>`, headers: "P-Asserted-Identity: <sip:+39066@t>\r\nP-Attestation-Indicator: A\r\n", untrusted: true, want: Info{From: "1"}},
		{name: "indicator", from: `<sip:1@t>`, headers: "P-Attestation-Indicator: A\r\n", want: Info{From: "1", Attestation: "A", Verstat: "passed-a"}},
		{name: "verstat in From", from: `<sip:1;verstat=TN-Validation-Passed-C@t>`, want: Info{From: "1", Attestation: "C", Verstat: "passed-c"}},
		{name: "passport", from: `<sip:1@t>`, headers: "Identity: e30.eyJhdHRlc3QiOiJBIn0.sig;info=<https://x>\r\n", want: Info{From: "1", Attestation: "A", Verstat: "passed-a"}},
		{name: "bad passport", from: `<sip:1@t>`, headers: "Identity: a.!.b\r\n", want: Info{From: "1"}},
		{name: "anonymous", from: `"Anonymous" <sip:anonymous@anonymous.invalid>`, want: Info{Withheld: true}},
		{name: "privacy", from: `<sip:1@t>`, headers: "P-Asserted-Identity: <sip:+39066@t>\r\nPrivacy: id;critical\r\n", want: Info{Withheld: true}},
		{name: "no privacy", from: `<sip:1@t>`, headers: "Privacy: none\r\n", want: Info{From: "1"}},
		{name: "passed without a level", from: `<sip:1;verstat=TN-Validation-Passed@t>`, want: Info{From: "1", Verstat: "passed-c"}},
		{name: "passed, level beside it", from: `<sip:1;verstat=TN-Validation-Passed@t>`, headers: "Attestation-Info: B\r\n", want: Info{From: "1", Attestation: "B", Verstat: "passed-b"}},
		{name: "failed", from: `<sip:1;verstat=TN-Validation-Failed-A@t>`, headers: "P-Attestation-Indicator: A\r\n", want: Info{From: "1", Verstat: "failed"}},
		{name: "not looked at", from: `<sip:1@t>`, headers: "P-Asserted-Identity: <tel:+39066;verstat=No-TN-Validation>\r\n", want: Info{From: "+39066"}},
		{name: "verstat of a stranger", from: `<sip:1;verstat=TN-Validation-Passed-A@t>`, untrusted: true, want: Info{From: "1"}},
		{name: "national caller", from: `<sip:0612345678@t;user=phone>`, want: Info{From: "+390612345678"}},
		{name: "national caller of a stranger", from: `<sip:06%2012345678@t>`, untrusted: true, want: Info{From: "+390612345678"}},
		{name: "diverted", from: `<sip:1@t>`, headers: "Diversion: <sip:0699@t>;reason=unconditional\r\nDiversion: \"B\" <sip:0612345678@t>;reason=user-busy;counter=1\r\n", want: Info{From: "1", Original: "+390612345678"}},
		{name: "diverted, in one header", from: `<sip:1@t>`, headers: "Diversion: <sip:0699@t>, <tel:+390612345678>;reason=no-answer\r\n", want: Info{From: "1", Original: "+390612345678"}},
		{name: "history", from: `<sip:1@t>`, headers: "History-Info: <sip:+390612345678@t?Reason=SIP%3Bcause%3D302>;index=1, <sip:+39800@f>;index=1.1\r\nDiversion: <sip:7@t>\r\n", want: Info{From: "1", Original: "+390612345678"}},
		{name: "history without a diversion", from: `<sip:1@t>`, headers: "History-Info: <sip:+39800@f>;index=1\r\n", want: Info{From: "1"}},
		{name: "history withheld", from: `<sip:1@t>`, headers: "History-Info: <sip:+390612345678@t?Privacy=history>;index=1, <sip:+39800@f>;index=1.1\r\n", want: Info{From: "1"}},
		{name: "diversion withheld", from: `<sip:1@t>`, headers: "Diversion: <sip:anonymous@anonymous.invalid>;reason=unknown\r\n", want: Info{From: "1"}},
		{name: "diversion junk", from: `<sip:1@t>`, headers: "Diversion: ,,<<;;\r\n", want: Info{From: "1"}},
		{name: "diverted by a stranger", from: `<sip:1@t>`, headers: "Diversion: <sip:0612345678@t>\r\n", untrusted: true, want: Info{From: "1"}},
		{
			name: "headers", from: `<sip:1@t>`, headers: "x-cart: 7\r\nX-Evil: 1\r\nUser-To-User: abc;encoding=hex\r\nCall-Info: <http://x>\r\n",
			want: Info{From: "1", Headers: map[string]string{"X-Cart": "7", "User-to-User": "abc;encoding=hex", "Call-Info": "<http://x>"}},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.Trunks[0].Trusted = !c.untrusted
			u, err := New(cfg, Deps{})
			require.NoError(t, err)
			m, err := gosip.ParseMessage([]byte("INVITE sip:+39800%23@f SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: " + c.from + ";tag=1\r\n" +
				"To: <sip:b@b>\r\nCall-ID: q\r\nCSeq: 1 INVITE\r\nContact: <sip:a@h>\r\n" + c.headers + "Content-Length: 0\r\n\r\n"))
			require.NoError(t, err)
			req := m.(*gosip.Request)
			info := u.inboundInfo(req, hop{network: "TCP", addr: "127.0.0.1:5060"}, caller{trunk: u.trunks.Load().table.Trunks()[0]}, time.Time{})
			if c.want.Verstat == "" {
				c.want.Verstat = "none"
			}
			c.want.CallID, c.want.Trunk, c.want.To, c.want.Called = "q", "loop", "b", "+39800#"
			c.want.Transport, c.want.Source, c.want.Inbound = "TCP", "127.0.0.1:5060", true
			require.Equal(t, c.want, info)
		})
	}
}
