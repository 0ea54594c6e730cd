package sip

import (
	"context"
	"strings"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// TestReload: trunks come, change and go while a call of theirs goes on.
func TestReload(t *testing.T) {
	t.Parallel()
	c := newCarrier(t, "udp", nil)
	c.says(func(req *gosip.Request) []string {
		if req.Method == gosip.INVITE {
			return []string{"200 sdp"}
		}
		return registrarScript(req)
	})
	cfg := testConfig()
	cfg.Trunks = []Trunk{trunkTo("one", c.addr(), func(t *Trunk) { t.Limits.Outbound.Calls = 1 }), registering(t, c.addr())}
	u := runWith(t, cfg, Deps{}, nil)
	l, err := dialOut(t, u, theirs)
	require.NoError(t, err)
	_, err = dialOut(t, u, theirs)
	require.ErrorIs(t, err, ErrTrunkBusy)
	c.await(gosip.REGISTER, 3)

	more := cfg
	more.MaxCalls, more.Emergency = 7, []string{"118"}
	more.Trunks = []Trunk{cfg.Trunks[0], cfg.Trunks[1], trunkTo("two", c.addr(), func(t *Trunk) { t.Dial.Allow = []string{"+44"} })}
	more.Trunks[0].Limits.Outbound.Calls = 2
	require.NoError(t, u.Reload(more))
	require.Equal(t, 7, u.live.Load().MaxCalls)
	_, err = dialOut(t, u, theirs)
	require.NoError(t, err, "the new limit counts the old call")
	_, err = dialOut(t, u, theirs)
	require.ErrorIs(t, err, ErrTrunkBusy)
	_, err = dialOut(t, u, "+442079460000")
	require.NoError(t, err, "a new trunk")
	require.Equal(t, 3, c.count(gosip.REGISTER), "who stays as it is does not register anew")

	fewer := more
	fewer.Trunks = more.Trunks[2:]
	require.NoError(t, u.Reload(fewer))
	gone := c.await(gosip.REGISTER, 4)
	expires, _ := gone.Contact().Params.Get("expires")
	require.Equal(t, "0", expires, "taken back")
	_, err = dialOut(t, u, theirs)
	require.ErrorIs(t, err, ErrNotAllowed)
	require.NoError(t, l.Context().Err(), "the call goes on")
	require.NoError(t, l.Hangup(timeout(t), Hangup{}))
	c.await(gosip.BYE, 1)
	require.Eventually(t, func() bool { return u.legs.count() == 2 }, 5*time.Second, time.Millisecond)
	require.Equal(t, 2, testutil.CollectAndCount(u.met.trunks.calls), "only in and out of trunk two are shown")
	require.Equal(t, 1.0, testutil.ToFloat64(u.met.trunks.up.WithLabelValues("two")))
}

// TestReloadRefused: every mistake and everything that needs a restart is
// named, and nothing has changed.
func TestReloadRefused(t *testing.T) {
	t.Parallel()
	c := newCarrier(t, "udp", says(gosip.INVITE, "200 sdp"))
	cfg := testConfig()
	cfg.Trunks = []Trunk{trunkTo("one", c.addr())}
	u := runWith(t, cfg, Deps{}, nil)

	wrong := cfg
	wrong.MaxCalls, wrong.Trunks = -1, []Trunk{{Name: "x"}, trunkTo("y", "a b")}
	err := u.Reload(wrong)
	for _, key := range []string{"max_calls: ", "trunks[0].allow: ", "trunks[1].server: "} {
		require.ErrorContains(t, err, key)
	}

	missing := cfg
	missing.Trunks = []Trunk{trunkTo("one", "a.test", func(t *Trunk) { t.User, t.PasswordFile = "u", "/nowhere" })}
	missing.Domain = "other.test"
	err = u.Reload(missing)
	require.ErrorContains(t, err, "trunks[0].password_file: ")
	require.ErrorContains(t, err, "domain: needs a restart")

	bound := cfg
	bound.Listen = append(bound.Listen[:1:1], Listen{Network: "tcp", Bind: "127.0.0.1:9"})
	bound.MaxMessage, bound.RegisterExpires.Max = 2000, 2*time.Hour
	err = u.CheckReload(bound)
	require.ErrorIs(t, err, ErrRestart)
	for _, key := range []string{"listen: ", "max_message: ", "register_expires: "} {
		require.ErrorContains(t, err, key)
	}
	require.Len(t, strings.Split(err.Error(), "\n"), 3)

	_, err = dialOut(t, u, theirs)
	require.NoError(t, err, "the old trunk serves")
}

// TestReloadCertificate: a new certificate serves the connections that come.
func TestReloadCertificate(t *testing.T) {
	t.Parallel()
	cert, key := testCertificate(t)
	cfg := testConfig()
	cfg.Listen = append(cfg.Listen, Listen{Network: "tls", Bind: "127.0.0.1:0", CertFile: cert, KeyFile: key, ClientCAFile: cert})
	u := runWith(t, cfg, Deps{}, func(ctx context.Context, l *Leg) { _ = l.Reject(ctx, 486, "") })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	first := u.listeners[2].secrets.Load()
	caller := dialler(t, names{"_sips._tcp.carrier.test": {&carrier{at: mustAddrPort(u.Addr("tls"))}}}, trunkTo("filo", "carrier.test", func(o *Trunk) {
		o.Transport, o.TLS.CAFile, o.TLS.CertFile, o.TLS.KeyFile = "tls", cert, cert, key
	}))
	_, err := caller.Invite(ctx, Target{Number: theirs}, InviteOptions{SDP: sdp("us")})
	var se *StatusError
	require.ErrorAs(t, err, &se, "the handler refuses, over TLS with both certificates")
	require.NoError(t, u.Reload(cfg))
	require.NotSame(t, first, u.listeners[2].secrets.Load())
}
