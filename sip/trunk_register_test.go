package sip

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"filo/sip/transport"
	"filo/sip/transport/transporttest"
	"filo/sip/trunk"
)

// registrarScript challenges, finds less than a minute too brief, and grants.
func registrarScript(req *gosip.Request) []string {
	if req.Method != gosip.REGISTER {
		return []string{"200"}
	}
	expires, _ := req.Contact().Params.Get("expires")
	switch {
	case req.GetHeader("Authorization") == nil:
		return []string{"401\nWWW-Authenticate: Digest realm=\"provider\", nonce=\"n1\", algorithm=MD5, qop=\"auth\""}
	case expires == "30":
		return []string{"423\nMin-Expires: 60"}
	}
	return []string{"200\nContact: <sip:x@y>;expires=9\nExpires: " + expires}
}

func registering(t *testing.T, registrar string) Trunk {
	t.Helper()
	return Trunk{
		Name: "provider", Region: "IT", Numbers: trunk.Numbers{Called: "to"},
		Register: trunk.Register{Registrar: registrar, Domain: "provider.test", User: "0612345678", PasswordFile: testFile(t, "p", "secret"), Expires: 30 * time.Second},
	}
}

// TestTrunkRegisters: challenge, too brief, granted; calls from the registrar's
// address come over the trunk; at the end the registration is taken back.
func TestTrunkRegisters(t *testing.T) {
	t.Parallel()
	c := newCarrier(t, "udp", registrarScript)
	legs := make(chan *Leg, 1)
	cfg := testConfig()
	cfg.Trunks = []Trunk{registering(t, c.addr())}
	t.Run("serving", func(t *testing.T) {
		u := runWith(t, cfg, Deps{}, answerer(t, legs))
		granted := c.await(gosip.REGISTER, 3)
		require.Equal(t, "sip:provider.test", granted.Recipient.String())
		require.Equal(t, "sip:0612345678@provider.test", granted.From().Address.String())
		require.Contains(t, granted.GetHeader("Authorization").Value(), `username="0612345678"`)
		require.Equal(t, "0612345678", granted.Contact().Address.User)
		expires, _ := granted.Contact().Params.Get("expires")
		require.Equal(t, "60", expires)
		require.Eventually(t, func() bool {
			return testutil.ToFloat64(u.met.trunks.registered.WithLabelValues("provider")) == 1
		}, 5*time.Second, time.Millisecond)

		caller := newPeer(t, u) // from 127.0.0.1, where the registrar is
		caller.to = "<sip:0699999999@provider.test>"
		caller.dial()
		caller.ack()
		l := <-legs
		require.Equal(t, "provider", l.Info().Trunk)
		require.Equal(t, "+390699999999", l.Info().Called, "To, read in the trunk's region")
	})
	gone := c.await(gosip.REGISTER, 4)
	expires, _ := gone.Contact().Params.Get("expires")
	require.Equal(t, "0", expires)
}

// TestRegistrarFailover: a registrar that fails leaves it to the next by SRV.
func TestRegistrarFailover(t *testing.T) {
	t.Parallel()
	one, two := newCarrier(t, "udp", says(gosip.REGISTER, "503")), newCarrier(t, "udp", registrarScript)
	cfg := testConfig()
	cfg.Trunks = []Trunk{registering(t, "registrar.test")}
	u := runWith(t, cfg, Deps{DNS: names{"_sip._udp.registrar.test": {one, two}}}, nil)
	two.await(gosip.REGISTER, 3)
	require.Equal(t, 1, one.count(gosip.REGISTER))
	require.Eventually(t, func() bool {
		return testutil.ToFloat64(u.met.trunks.registered.WithLabelValues("provider")) == 1
	}, 5*time.Second, time.Millisecond)
}

// TestRegistrarRefuses: a wrong password is not tried again and again.
func TestRegistrarRefuses(t *testing.T) {
	t.Parallel()
	c := newCarrier(t, "udp", says(gosip.REGISTER, "401\nWWW-Authenticate: Digest realm=\"provider\", nonce=\"n1\""))
	cfg := testConfig()
	cfg.Trunks = []Trunk{registering(t, c.addr())}
	u := runWith(t, cfg, Deps{}, nil)
	c.await(gosip.REGISTER, 2)
	require.Equal(t, 0.0, testutil.ToFloat64(u.met.trunks.registered.WithLabelValues("provider")))
	require.Equal(t, 2, c.count(gosip.REGISTER), "one without and one with the password")
}

// TestTrunkHealth: OPTIONS tell that a trunk is down; its calls go elsewhere
// until it is back.
func TestTrunkHealth(t *testing.T) {
	t.Parallel()
	one, two := newCarrier(t, "udp", says(gosip.OPTIONS, "503")), newCarrier(t, "tcp", nil)
	one.says(func(req *gosip.Request) []string {
		if req.Method == gosip.OPTIONS {
			return []string{"503"}
		}
		return []string{"200 sdp"}
	})
	two.says(says(gosip.INVITE, "200 sdp"))
	u := dialler(t, nil,
		trunkTo("one", one.addr(), func(t *Trunk) { t.OptionsInterval = time.Second }),
		trunkTo("two", two.addr(), func(t *Trunk) { t.Transport, t.OptionsInterval, t.Dial.Priority = "tcp", time.Second, 1 }))
	up := func(trunk string, want float64) {
		t.Helper()
		require.Eventually(t, func() bool { return testutil.ToFloat64(u.met.trunks.up.WithLabelValues(trunk)) == want }, 20*time.Second, 5*time.Millisecond)
	}
	up("one", 0)
	two.await(gosip.OPTIONS, 1)
	l, err := dialOut(t, u, theirs)
	require.NoError(t, err)
	require.Equal(t, "two", l.Info().Trunk)
	one.says(func(req *gosip.Request) []string {
		if req.Method == gosip.INVITE {
			return []string{"200 sdp"}
		}
		return []string{"405"} // a sign of life
	})
	up("one", 1)
	l, err = dialOut(t, u, theirs)
	require.NoError(t, err)
	require.Equal(t, "one", l.Info().Trunk)
	require.True(t, strings.HasPrefix(one.await(gosip.OPTIONS, 1).Recipient.String(), "sip:127.0.0.1:"))
}

// TestInboundLimits: beyond its limit a trunk's calls get 503 with Retry-After,
// except those for help; a call that ends makes room.
func TestInboundLimits(t *testing.T) {
	t.Parallel()
	legs := make(chan *Leg, 4)
	cfg := testConfig()
	cfg.Trunks[0].Limits.Inbound.Calls = 1
	u := run(t, cfg, nil, answerer(t, legs))
	first := newPeer(t, u)
	first.dial()
	first.ack()
	l := <-legs
	second := newPeer(t, u)
	second.send(second.request("INVITE", "inv", 1, testSDP))
	res := second.response("INVITE", 503)
	require.NotNil(t, res.GetHeader("Retry-After"))
	require.Equal(t, 1.0, testutil.ToFloat64(u.met.trunks.rejected.WithLabelValues("loop", "in", "calls")))

	for _, number := range []string{"sip:112@filo", "urn:service:sos.fire"} {
		help := newPeer(t, u)
		help.send(strings.Replace(help.request("INVITE", "inv", 1, testSDP), "sip:200@filo", number, 1))
		help.response("INVITE", 200)
		<-legs
	}
	require.Equal(t, 3.0, testutil.ToFloat64(u.met.trunks.calls.WithLabelValues("loop", "in")))
	require.NoError(t, l.Hangup(timeout(t), Hangup{}))
	ended(t, l, ErrHangup)
	require.Eventually(t, func() bool { return u.trunks.Load().peers["loop"].inbound.Calls() == 2 }, 5*time.Second, time.Millisecond)
}

// nobody is a transport's handler that wants no messages.
type nobody struct{}

func (nobody) Receive(transport.Flow, gosip.Message, time.Time) {}
func (nobody) Closed(transport.Flow, error)                     {}

// TestKeepOpen: a UDP way is kept open all the time; a connection that breaks
// ends the wait.
func TestKeepOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n transporttest.Network
		layer := transport.New(t.Context(), transport.Options{
			Dial: func(_ context.Context, to string) (net.Conn, error) { return n.Dial("192.0.2.1", to) },
		}, nobody{})
		defer layer.Close()
		socket, err := layer.Packets(n.ListenPacket("192.0.2.1:5060"))
		require.NoError(t, err)
		beats := 0
		_ = n.ListenPacket("192.0.2.2:5060")
		n.Filter(func(_, _ netip.AddrPort, data []byte) bool {
			if string(data) == "\r\n\r\n" {
				beats++
			}
			return true
		})
		began := time.Now()
		require.True(t, keepOpen(t.Context(), socket.Flow(mustAddrPort("192.0.2.2:5060")), 10*time.Minute))
		require.Equal(t, 10*time.Minute, time.Since(began))
		require.Equal(t, 23, beats)

		ln := n.Listen("192.0.2.3:5060")
		way, err := layer.Connect(transport.TCP, "192.0.2.3:5060")
		require.NoError(t, err)
		conn, err := ln.Accept()
		require.NoError(t, err)
		var reading sync.WaitGroup
		defer reading.Wait()
		reading.Go(func() { _, _ = io.Copy(io.Discard, conn) })
		time.AfterFunc(time.Minute, func() { _ = conn.Close() })
		began = time.Now()
		require.True(t, keepOpen(t.Context(), way, 10*time.Minute))
		require.Equal(t, 75*time.Second, time.Since(began))
		_ = ln.Close()

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.False(t, keepOpen(ctx, transport.Flow{}, time.Hour))
	})
}
