package sip

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRegisterAndCall(t *testing.T) {
	creds := passwords{"alice": "wonder", "bob": "land"}
	legs, h := collector()
	server := run(t, testConfig(), creds, h)
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			phoneLegs := make(chan *Leg, 1)
			phone := run(t, testConfig(), nil, answerer(t, phoneLegs))
			ctx := timeout(t)
			network := map[string]string{"UDP": "udp", "TCP": "tcp"}[transport]
			reg := Registration{
				Registrar: server.Addr(network), Transport: transport, User: "alice", Password: "wonder",
				Instance: "<urn:uuid:" + transport + ">",
			}
			stop, err := phone.Register(ctx, reg)
			require.NoError(t, err)
			require.Equal(t, 1, server.Bindings("alice"))
			require.Equal(t, RegistrationEvent{User: "alice", Up: true}, <-server.Registered())

			// the server calls the phone
			out, err := server.Invite(ctx, Target{User: "alice"}, InviteOptions{From: "+39055", SDP: sdp("server")})
			require.NoError(t, err)
			in := <-phoneLegs
			require.Equal(t, "alice", in.Info().Called)
			require.NoError(t, out.Hangup(ctx, Hangup{}))
			ended(t, in, ErrRemoteHangup)

			// the phone calls the server and is challenged
			go func() {
				l := <-legs
				assert.NoError(t, l.Answer(ctx, sdp("server")))
				if l.Info().User != "alice" || l.Info().Trunk != "" {
					t.Errorf("info %+v", l.Info())
				}
			}()
			out, err = phone.Invite(ctx, Target{URI: "sip:line@filo", Destination: server.Addr(network), Transport: transport},
				InviteOptions{From: "alice", User: "alice", Password: "wonder", SDP: sdp("phone")})
			require.NoError(t, err)
			require.NoError(t, out.Hangup(ctx, Hangup{}))

			require.NoError(t, stop(ctx))
			require.Zero(t, server.Bindings("alice"))
			require.Equal(t, RegistrationEvent{User: "alice"}, <-server.Registered())
		})
	}
}

func TestManyUsersOnOneSocket(t *testing.T) {
	const n = 300
	creds := passwords{}
	for i := range n {
		creds[fmt.Sprint("agent", i)] = fmt.Sprint("pw", i)
	}
	server := run(t, testConfig(), creds, nil)
	var mu sync.Mutex
	seen := map[string]bool{}
	patient := testConfig()
	patient.Admission.Target = 0 // three hundred calls at once are no overload here
	phones := run(t, patient, nil, func(ctx context.Context, l *Leg) {
		mu.Lock()
		seen[l.Info().Called] = true
		mu.Unlock()
		if err := l.Answer(ctx, sdp("phone")); err != nil {
			t.Errorf("answer: %v", err)
		}
		<-ctx.Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for i := range n {
		_, err := phones.Register(ctx, Registration{Registrar: server.Addr("udp"), User: fmt.Sprint("agent", i), Password: fmt.Sprint("pw", i)})
		require.NoError(t, err)
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			l, err := server.Invite(ctx, Target{User: fmt.Sprint("agent", i)}, InviteOptions{From: "1", SDP: sdp("s")})
			if err != nil {
				t.Errorf("agent%d: %v", i, err)
				return
			}
			if err := l.Hangup(ctx, Hangup{}); err != nil {
				t.Errorf("hangup: %v", err)
			}
		})
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, seen, n)
}

func TestRegisterRefusals(t *testing.T) {
	creds := passwords{"alice": "wonder", "bob": "land"}
	server := run(t, testConfig(), creds, nil)
	phone := run(t, testConfig(), nil, nil)
	try := func(user, password string) error {
		_, err := phone.Register(timeout(t), Registration{Registrar: server.Addr("udp"), User: user, Password: password})
		return err
	}
	wrong, unknown := try("alice", "x"), try("nobody", "x")
	require.Equal(t, 401, StatusOf(wrong))
	require.Equal(t, wrong.Error(), unknown.Error(), "known and unknown users are told the same")
	require.Zero(t, server.Bindings("alice"))
	for range freeFailures + 2 {
		_ = try("bob", "guess")
	}
	require.Equal(t, 403, StatusOf(try("bob", "guess")), "guessing is slowed down")
	require.Equal(t, 403, StatusOf(try("bob", "land")), "even with the right one, for a while")
	require.NoError(t, try("alice", "wonder"), "others at the address are not hit")
}

func TestRegisterByHand(t *testing.T) {
	creds := passwords{"200": "pw"}
	u := run(t, testConfig(), creds, nil)
	p := newPeer(t, u)
	seq := 0
	auth := func(method string, extra ...string) string {
		seq++
		p.send(p.request(method, fmt.Sprint("c", seq), seq, "", extra...))
		res := p.response(method, 401)
		require.Len(t, res.GetHeaders("WWW-Authenticate"), 2)
		_, value, err := answerChallenge(res, method, "sip:filo", "200", "pw")
		require.NoError(t, err)
		return "Authorization: " + value
	}
	send := func(code int, extra ...string) string {
		h := auth("REGISTER", extra...)
		seq++
		p.send(p.request("REGISTER", fmt.Sprint("r", seq), seq, "", append(extra, h)...))
		p.response("REGISTER", code)
		return h
	}
	p.to = "<sip:200@filo>"
	h := send(200)
	require.Equal(t, 1, u.Bindings("200"))
	seq++
	p.send(p.request("REGISTER", fmt.Sprint("replay", seq), seq, "", h))
	res := p.response("REGISTER", 401) // same nonce, same count
	require.Contains(t, res.GetHeader("WWW-Authenticate").Value(), "stale=true")
	send(423, "Expires: 1")
	send(400, "Expires: soon")
	send(200, "Expires: 0")
	require.Zero(t, u.Bindings("200"))
	p.to = "<sip:other@filo>"
	send(403)
}

func TestInstanceReplacesItsOldBinding(t *testing.T) {
	u := run(t, testConfig(), passwords{"alice": "w"}, nil)
	for range 3 {
		phone := run(t, testConfig(), nil, nil)
		_, err := phone.Register(timeout(t), Registration{
			Registrar: u.Addr("udp"), User: "alice", Password: "w", Instance: "<urn:uuid:1>",
		})
		require.NoError(t, err)
		require.Equal(t, 1, u.Bindings("alice"))
		b, _ := u.reg.newest("alice")
		require.Equal(t, phone.Addr("udp"), b.hop.addr)
	}
	for i := range 20 { // other devices add up, to a limit
		phone := run(t, testConfig(), nil, nil)
		_, err := phone.Register(timeout(t), Registration{
			Registrar: u.Addr("udp"), User: "alice", Password: "w", Instance: fmt.Sprintf("<urn:uuid:x%d>", i),
		})
		require.NoError(t, err)
	}
	require.Equal(t, u.cfg.MaxBindings, u.Bindings("alice"))
}

func TestBindingsExpire(t *testing.T) {
	now := time.Now()
	r := newRegistrar(inForce(testConfig()), newMetrics(prometheus.NewRegistry()), func() time.Time { return now })
	r.set("a", []*binding{{user: "a", expires: now.Add(time.Minute)}})
	require.True(t, (<-r.events).Up)
	r.dropIf(func(b *binding) bool { return now.After(b.expires) })
	_, ok := r.newest("a")
	require.True(t, ok)
	now = now.Add(2 * time.Minute)
	r.dropIf(func(b *binding) bool { return now.After(b.expires) })
	_, ok = r.newest("a")
	require.False(t, ok)
	require.False(t, (<-r.events).Up)
}

func TestLocalNetworksValidated(t *testing.T) {
	cfg := testConfig()
	cfg.LocalNetworks = []string{"10.0.0.0/8", "lan", "10.0.0.0/33"}
	err := cfg.Validate()
	require.ErrorContains(t, err, `local_networks[1]: "lan"`)
	require.ErrorContains(t, err, `local_networks[2]: "10.0.0.0/33"`)
}
