package sip

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// sample reads configs/trunks, as it ships but for what ties it to other
// machines: it listens on the loopback, and calls may come from there.
func sample(t *testing.T, name string) Config {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "configs", "trunks", name+".yaml"))
	require.NoError(t, err)
	var file struct {
		SIP Config `yaml:"sip"`
	}
	file.SIP = DefaultConfig()
	require.NoError(t, yaml.Load(text, &file))
	cfg := file.SIP
	for i := range cfg.Listen {
		cfg.Listen[i].Bind, cfg.Listen[i].Advertise = "127.0.0.1:0", ""
		if cfg.Listen[i].Network == "tls" {
			cfg.Listen[i].CertFile, cfg.Listen[i].KeyFile = testCertificate(t)
		}
	}
	require.Len(t, cfg.Trunks, 1)
	if cfg.Trunks[0].PasswordFile != "" {
		cfg.Trunks[0].PasswordFile = filepath.Join("..", cfg.Trunks[0].PasswordFile)
	}
	return cfg
}

// asks is a carrier's script that wants a password for INVITE.
func asks(req *gosip.Request) []string {
	switch {
	case req.Method != gosip.INVITE:
		return []string{"200"}
	case req.GetHeader("Proxy-Authorization") == nil:
		return []string{"407\nProxy-Authenticate: Digest realm=\"carrier\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\""}
	}
	return []string{"100", "180", "200 sdp"}
}

// incoming is a call over the trunk, with these header lines.
func incoming(t *testing.T, u *UA, legs <-chan *Leg, to string, headers ...string) *Leg {
	t.Helper()
	p := newPeer(t, u)
	p.send(strings.Replace(p.request("INVITE", "inv", 1, testSDP, headers...), "sip:200@filo", to, 1))
	p.to = p.response("INVITE", 200).To().Value()
	p.seq = 1
	p.ack()
	l := <-legs
	_, err := l.RemoteAnswer(timeout(t))
	require.NoError(t, err)
	p.in("BYE", "")
	p.response("BYE", 200)
	ended(t, l, ErrRemoteHangup)
	return l
}

func awaitGauge(t *testing.T, want float64, get func() float64) {
	t.Helper()
	require.Eventually(t, func() bool { return get() == want }, 20*time.Second, 5*time.Millisecond)
}

// TestSampleCarrier: over TLS with our password; the next server by SRV after a
// 503, the other region when nothing of the first serves; calls in with proof.
func TestSampleCarrier(t *testing.T) {
	t.Parallel()
	cfg := sample(t, "carrier")
	cert, _ := testCertificate(t)
	cfg.Trunks[0].TLS.CAFile = cert // the sample believes the system's authorities
	cfg.Trunks[0].Allow = append(cfg.Trunks[0].Allow, "127.0.0.1")
	cfg.Trunks[0].OptionsInterval = time.Second
	failing := func(req *gosip.Request) []string { return []string{"503"} }
	first, second, backup := newCarrier(t, "tls", failing), newCarrier(t, "tls", asks), newCarrier(t, "tls", asks)
	legs := make(chan *Leg, 1)
	u := runWith(t, cfg, Deps{DNS: names{
		"_sips._tcp.shop.carrier.example": {first, second}, "_sips._tcp.shop.backup.carrier.example": {backup},
	}}, answerer(t, legs))
	second.await(gosip.OPTIONS, 1)
	require.Equal(t, 1.0, testutil.ToFloat64(u.met.trunks.up.WithLabelValues("carrier")), "one of its servers serves")

	l, err := dialOut(t, u, "06 8765 4321")
	require.NoError(t, err)
	invite := second.await(gosip.INVITE, 2)
	require.Equal(t, "sip:+390687654321@shop.carrier.example", invite.Recipient.String())
	require.Contains(t, invite.GetHeader("Proxy-Authorization").Value(), `username="shop"`)
	require.Contains(t, invite.GetHeader("P-Asserted-Identity").Value(), "+390612345678")
	require.NoError(t, l.Hangup(timeout(t), Hangup{}))
	second.await(gosip.BYE, 1)
	_, err = dialOut(t, u, "+39 899 123456")
	require.ErrorIs(t, err, ErrNotAllowed)

	second.says(failing)
	l, err = dialOut(t, u, theirs)
	require.NoError(t, err)
	require.Equal(t, "sip:+390687654321@shop.backup.carrier.example", backup.await(gosip.INVITE, 2).Recipient.String())
	require.NoError(t, l.Hangup(timeout(t), Hangup{}))

	info := incoming(t, u, legs, "sip:+390612345678@filo",
		"P-Asserted-Identity: <sip:+393399957000@carrier>", "P-Attestation-Indicator: A").Info()
	require.Equal(t, []string{"carrier", "+393399957000", "+390612345678", "passed-a"}, []string{info.Trunk, info.From, info.Called, info.Verstat})

	backup.says(failing)
	awaitGauge(t, 0, func() float64 { return testutil.ToFloat64(u.met.trunks.up.WithLabelValues("carrier")) })
	second.says(asks)
	awaitGauge(t, 1, func() float64 { return testutil.ToFloat64(u.met.trunks.up.WithLabelValues("carrier")) })
}

// TestSampleProvider: registered after a challenge, at the second registrar when
// the first fails; numbers as people dial them; To says what was called; the
// lines that were bought are the limit.
func TestSampleProvider(t *testing.T) {
	t.Parallel()
	cfg := sample(t, "provider")
	silent := newCarrier(t, "udp", func(*gosip.Request) []string { return []string{"503"} })
	provider := newCarrier(t, "udp", func(req *gosip.Request) []string {
		if req.Method == gosip.INVITE {
			return asks(req)
		}
		return registrarScript(req)
	})
	legs := make(chan *Leg, 1)
	u := runWith(t, cfg, Deps{DNS: names{"_sip._udp.sip.provider.example": {silent, provider}}}, answerer(t, legs))
	register := provider.await(gosip.REGISTER, 2)
	require.Equal(t, "sip:0612345678@provider.example", register.To().Address.String())
	require.Contains(t, register.GetHeader("Authorization").Value(), `username="0612345678"`)
	awaitGauge(t, 1, func() float64 { return testutil.ToFloat64(u.met.trunks.registered.WithLabelValues("provider")) })

	l, err := dialOut(t, u, "+39 06 8765 4321")
	require.NoError(t, err)
	invite := provider.await(gosip.INVITE, 2)
	require.Equal(t, "sip:0687654321@sip.provider.example", invite.Recipient.String())
	require.Equal(t, "sip:0612345678@provider.example", invite.From().Address.String())
	require.Equal(t, "<sip:0612345678@provider.example>", invite.GetHeader("P-Preferred-Identity").Value())
	for range 3 {
		_, err = dialOut(t, u, "112")
		require.NoError(t, err)
	}
	_, err = dialOut(t, u, theirs)
	require.ErrorIs(t, err, ErrTrunkBusy, "four lines")
	require.NoError(t, l.Hangup(timeout(t), Hangup{}))
	_, err = dialOut(t, u, "+442079460000")
	require.ErrorIs(t, err, ErrNotAllowed)

	p := newPeer(t, u)
	p.to = "<sip:0612345678@provider.example>"
	p.dial()
	p.ack()
	info := (<-legs).Info()
	require.Equal(t, []string{"provider", "+390612345678"}, []string{info.Trunk, info.Called})
}

// TestSampleAsterisk: the exchange's outside lines by a 9, its desks as they
// are; the standby when the first machine is down, and back again.
func TestSampleAsterisk(t *testing.T) {
	t.Parallel()
	cfg := sample(t, "asterisk")
	main, standby := newCarrier(t, "tcp", says(gosip.INVITE, "200 sdp")), newCarrier(t, "tcp", says(gosip.INVITE, "200 sdp"))
	cfg.Trunks[0].Server, cfg.Trunks[0].Servers = main.addr(), []string{standby.addr()}
	cfg.Trunks[0].OptionsInterval = time.Second
	legs := make(chan *Leg, 1)
	u := runWith(t, cfg, Deps{}, answerer(t, legs))
	for dialled, want := range map[string]string{"06 8765 4321": "9390687654321", "202": "202"} {
		l, err := dialOut(t, u, dialled)
		require.NoError(t, err)
		require.Equal(t, want, main.await(gosip.INVITE, main.count(gosip.INVITE)).Recipient.User)
		require.NoError(t, l.Hangup(timeout(t), Hangup{}))
	}
	_, err := dialOut(t, u, "204")
	require.ErrorIs(t, err, ErrBadNumber)

	main.says(func(*gosip.Request) []string { return []string{"503"} })
	standby.await(gosip.OPTIONS, 1)
	l, err := dialOut(t, u, theirs)
	require.NoError(t, err)
	require.Equal(t, 1, standby.count(gosip.INVITE))
	require.NoError(t, l.Hangup(timeout(t), Hangup{}))
	standby.says(func(*gosip.Request) []string { return []string{"503"} })
	up := func() float64 { return testutil.ToFloat64(u.met.trunks.up.WithLabelValues("exchange")) }
	awaitGauge(t, 0, up)
	main.says(says(gosip.INVITE, "200 sdp"))
	awaitGauge(t, 1, up)
	_, err = dialOut(t, u, theirs)
	require.NoError(t, err)

	info := incoming(t, u, legs, "sip:390612345678@filo", "X-Account: 7", "Diversion: <sip:390611111111@pbx>;reason=no-answer",
		"P-Asserted-Identity: \"Giulia\" <sip:393399957000@pbx>").Info()
	require.Equal(t, []string{"exchange", "+393399957000", "Giulia", "+390612345678", "+390611111111", "7"},
		[]string{info.Trunk, info.From, info.FromName, info.Called, info.Original, info.Headers["X-Account"]})
}
