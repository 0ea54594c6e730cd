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

func TestNextHop(t *testing.T) {
	uri := func(s string) gosip.Uri {
		var u gosip.Uri
		require.NoError(t, gosip.ParseUri(s, &u))
		return u
	}
	cases := []struct{ target, route, source, network, addr string }{
		{"sip:a@192.0.2.1:5070", "", "192.0.2.1:5060", "", "192.0.2.1:5070"},
		{"sip:a@192.0.2.1", "", "192.0.2.1:40000", "", "192.0.2.1:5060"},
		{"sip:a@10.0.0.7:5070", "", "192.0.2.1:40000", "", "192.0.2.1:40000"}, // behind a NAT
		{"sip:a@10.0.0.7:5070", "", "10.0.0.9:5060", "", "10.0.0.7:5070"},
		{"sip:a@x7.invalid", "", "192.0.2.1:40000", "", "192.0.2.1:40000"},
		{"sip:a@sbc.example.com", "", "192.0.2.1:5060", "", "sbc.example.com:5060"},
		{"sip:a@10.0.0.7", "sip:192.0.2.9:5080;lr", "192.0.2.9:5060", "", "192.0.2.9:5080"},
		{"sip:a@[2001:db8::1]:5070", "", "[2001:db8::1]:5060", "", "[2001:db8::1]:5070"},
		{"sip:a@192.0.2.1;transport=tcp", "", "192.0.2.1:40000", "TCP", "192.0.2.1:5060"},
		{"sip:a@192.0.2.1;Transport=TLS", "", "192.0.2.1:40000", "TLS", "192.0.2.1:5061"},
		{"sips:a@sbc.example.com", "", "192.0.2.1:40000", "TLS", "sbc.example.com:5061"},
		{"sips:a@sbc.example.com;transport=tcp", "", "192.0.2.1:40000", "TLS", "sbc.example.com:5061"},
		{"sip:a@192.0.2.1;transport=sctp", "", "192.0.2.1:40000", "", "192.0.2.1:5060"},
		{"sip:a@192.0.2.1;transport=tcp", "sip:192.0.2.9;lr;transport=udp", "192.0.2.9:5060", "UDP", "192.0.2.9:5060"},
	}
	for _, c := range cases {
		var routes []gosip.Uri
		if c.route != "" {
			routes = append(routes, uri(c.route))
		}
		require.Equal(t, place{c.network, c.addr}, nextHop(uri(c.target), routes, mustAddrPort(c.source)), c.target)
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
	m.request("INVITE")
	m.request("DANCE")
	require.Equal(t, 1.0, testutil.ToFloat64(m.otherRequests))
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
