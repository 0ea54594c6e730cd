package sip

import (
	"errors"
	"strings"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
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
		{name: "asserted tel", from: `<sip:1@t>`, headers: "P-Asserted-Identity: <tel:+39066;verstat=TN-Validation-Passed-B>\r\n", want: Info{From: "+39066", Attestation: "B"}},
		{name: "asserted, second", from: `<sip:1@t>`, headers: "P-Asserted-Identity: junk, <sip:+39077@t>\r\n", want: Info{From: "+39077"}},
		{name: "asserted by a stranger", from: `<sip:1@t>`, headers: "P-Asserted-Identity: <sip:+39066@t>\r\nP-Attestation-Indicator: A\r\n", untrusted: true, want: Info{From: "1"}},
		{name: "indicator", from: `<sip:1@t>`, headers: "P-Attestation-Indicator: A\r\n", want: Info{From: "1", Attestation: "A"}},
		{name: "verstat in From", from: `<sip:1;verstat=TN-Validation-Passed-C@t>`, want: Info{From: "1", Attestation: "C"}},
		{name: "passport", from: `<sip:1@t>`, headers: "Identity: e30.eyJhdHRlc3QiOiJBIn0.sig;info=<https://x>\r\n", want: Info{From: "1", Attestation: "A"}},
		{name: "bad passport", from: `<sip:1@t>`, headers: "Identity: a.!.b\r\n", want: Info{From: "1"}},
		{name: "anonymous", from: `"Anonymous" <sip:anonymous@anonymous.invalid>`, want: Info{Withheld: true}},
		{name: "privacy", from: `<sip:1@t>`, headers: "P-Asserted-Identity: <sip:+39066@t>\r\nPrivacy: id;critical\r\n", want: Info{Withheld: true}},
		{name: "no privacy", from: `<sip:1@t>`, headers: "Privacy: none\r\n", want: Info{From: "1"}},
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
			req.SetSource("127.0.0.1:5060")
			req.SetTransport("TCP")
			info := u.inboundInfo(req, caller{trunk: &u.trunks[0]}, time.Time{})
			c.want.CallID, c.want.Trunk, c.want.To, c.want.Called = "q", "loop", "b", "+39800#"
			c.want.Transport, c.want.Source, c.want.Inbound = "TCP", "127.0.0.1:5060", true
			require.Equal(t, c.want, info)
		})
	}
}

func TestNextHop(t *testing.T) {
	uri := func(s string) gosip.Uri {
		var u gosip.Uri
		require.NoError(t, gosip.ParseUri(s, &u))
		return u
	}
	cases := []struct{ target, route, source, want string }{
		{"sip:a@192.0.2.1:5070", "", "192.0.2.1:5060", "192.0.2.1:5070"},
		{"sip:a@192.0.2.1", "", "192.0.2.1:40000", "192.0.2.1:5060"},
		{"sip:a@10.0.0.7:5070", "", "192.0.2.1:40000", "192.0.2.1:40000"}, // behind a NAT
		{"sip:a@10.0.0.7:5070", "", "10.0.0.9:5060", "10.0.0.7:5070"},
		{"sip:a@x7.invalid", "", "192.0.2.1:40000", "192.0.2.1:40000"},
		{"sip:a@sbc.example.com", "", "192.0.2.1:5060", "sbc.example.com:5060"},
		{"sip:a@10.0.0.7", "sip:192.0.2.9:5080;lr", "192.0.2.9:5060", "192.0.2.9:5080"},
		{"sip:a@[2001:db8::1]:5070", "", "[2001:db8::1]:5060", "[2001:db8::1]:5070"},
	}
	for _, c := range cases {
		var routes []gosip.Uri
		if c.route != "" {
			routes = append(routes, uri(c.route))
		}
		require.Equal(t, c.want, nextHop(uri(c.target), routes, c.source), c.target)
	}
}

func TestInfoDigit(t *testing.T) {
	cases := []struct{ kind, body, want string }{
		{"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5"},
		{"application/dtmf-relay", "Duration=160\nSignal = *\n", "*"},
		{"application/dtmf-relay", "Signal=11\r\n", "#"},
		{"application/dtmf", "d", "D"},
		{"application/dtmf", "12", ""},
		{"application/dtmf-relay", "5", ""},
		{"text/plain", "5", ""},
	}
	for _, c := range cases {
		got, ok := infoDigit(c.kind, []byte(c.body))
		require.Equal(t, c.want, got)
		require.Equal(t, c.want != "", ok)
	}
}

func TestConfigReportsEverything(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate())
	cfg := DefaultConfig()
	cfg.Listen = []Listen{{Network: "sctp", Bind: "here", Advertise: "there:0"}}
	cfg.Domain = ""
	cfg.Trunks = []Trunk{{Name: "a", Allow: []string{"10.0.0.0/8", "10/8"}}, {Name: "a", Headers: []string{"From"}, Region: "it"}}
	cfg.MaxMessage, cfg.MaxCalls, cfg.MaxBindings = 1, -1, 0
	cfg.RegisterExpires = Expires{Min: time.Minute, Max: time.Second}
	cfg.DigestAlgorithms = []string{"ROT13"}
	cfg.NonceLifetime, cfg.WebSocketPing = 0, 0
	err := cfg.Validate()
	for _, key := range []string{
		"listen[0].network: ", "listen[0].bind: ", "listen[0].advertise: ", "domain: ", "trunks[0].allow[1]: ",
		"trunks[1].name: ", "trunks[1].allow: ", "trunks[1].headers[0]: ", "trunks[1].region: ", "max_message: ", "max_calls: ",
		"max_bindings: ", "register_expires: ", "digest_algorithms[0]: ", "nonce_lifetime: ", "websocket_ping: ",
	} {
		found := false
		for line := range strings.Lines(err.Error()) {
			found = found || strings.HasPrefix(line, key)
		}
		require.True(t, found, key)
	}
	_, err = New(cfg, Deps{})
	require.Error(t, err)
}

func TestMetricsAreClean(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := newMetrics(reg)
	m.response(200, "out")
	m.response(999, "in")
	m.reject(rejectJunk)
	m.requests.WithLabelValues(methodLabel("INVITE")).Inc()
	require.Equal(t, "other", methodLabel("DANCE"))
	m.resent.WithLabelValues("200").Inc()
	problems, err := testutil.GatherAndLint(reg)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestStatusOf(t *testing.T) {
	for err, code := range map[error]int{
		ErrCancelled: 487, ErrTimeout: 408, ErrNotRegistered: 480, ErrStopped: 503, ErrForbidden: 403, ErrRejected: 603,
		ErrDialogGone: 481, &StatusError{Code: 486}: 486, errors.New("x"): 500,
	} {
		require.Equal(t, code, StatusOf(err))
		require.NotEmpty(t, reasonPhrase(code))
	}
	require.Equal(t, 200, StatusOf(nil))
}
