package sip

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"filo/sip/trunk"
)

const ours, theirs = "+390612345678", "+390687654321"

// trunkTo is a trunk that dials Italy.
func trunkTo(name, server string, change ...func(*Trunk)) Trunk {
	t := Trunk{Name: name, Server: server, Region: "IT", CallerID: trunk.CallerID{Number: ours}}
	t.Dial.Allow = []string{"+39"}
	for _, f := range change {
		f(&t)
	}
	return t
}

// dialler runs a user agent with these trunks.
func dialler(t *testing.T, dns names, trunks ...Trunk) *UA {
	t.Helper()
	cfg := testConfig()
	cfg.Trunks = trunks
	return runWith(t, cfg, Deps{DNS: dns}, nil)
}

// quick makes the user agent leave a silent server at once.
func quick(u *UA) *UA {
	u.answerWithin.Store(int64(200 * time.Millisecond))
	return u
}

func dialOut(t *testing.T, u *UA, number string) (*Leg, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return u.Invite(ctx, Target{Number: number}, InviteOptions{From: "+390600000", FromName: "Paola", SDP: sdp("us")})
}

// TestTrunkCall: a number is dialled over each transport, as the trunk wants it
// written, with our password; both ends can hang up.
func TestTrunkCall(t *testing.T) {
	t.Parallel()
	cert, key := testCertificate(t)
	for _, network := range []string{"udp", "tcp", "tls"} {
		t.Run(network, func(t *testing.T) {
			c := newCarrier(t, network, func(req *gosip.Request) []string {
				switch {
				case req.Method != gosip.INVITE:
					return []string{"200"}
				case req.GetHeader("Proxy-Authorization") == nil:
					return []string{"407\nProxy-Authenticate: Digest realm=\"carrier\", nonce=\"n1\", qop=\"auth\""}
				}
				return []string{"100", "183 sdp", "200 sdp"}
			})
			u := dialler(t, names{"_sip._udp.carrier.test": {c}, "_sip._tcp.carrier.test": {c}, "_sips._tcp.carrier.test": {c}},
				trunkTo("carrier", "carrier.test", func(o *Trunk) {
					o.Transport, o.User, o.PasswordFile = network, "shop", testFile(t, "password", "secret\n")
					o.Numbers.Format, o.Numbers.Prefix = "national", "9"
					o.CallerID.Header = "P-Asserted-Identity"
					o.CallerID.Name = "Shop"
					if network == "tls" {
						o.TLS.CAFile, o.TLS.CertFile, o.TLS.KeyFile = cert, cert, key
					}
				}))
			l, err := u.Invite(timeout(t), Target{Number: "+39 06 8765-4321"}, InviteOptions{
				From: "+390600000", SDP: sdp("us"), Headers: map[string]string{"P-Asserted-Identity": "<sip:liar@x>", "X-Cart": "7"},
			})
			require.NoError(t, err)
			require.Equal(t, "carrier", l.Info().Trunk)
			require.Equal(t, theirs, l.Info().Called)
			invite := c.await(gosip.INVITE, 2)
			require.Equal(t, "sip:90687654321@carrier.test", invite.Recipient.String())
			require.Equal(t, "0612345678", invite.From().Address.User)
			require.Equal(t, "Shop", invite.From().DisplayName)
			require.Len(t, invite.GetHeaders("P-Asserted-Identity"), 1)
			require.Equal(t, "<sip:0612345678@filo.local>", invite.GetHeader("P-Asserted-Identity").Value())
			require.Equal(t, "7", invite.GetHeader("X-Cart").Value())
			require.Contains(t, invite.GetHeader("Proxy-Authorization").Value(), `username="shop"`)
			require.Equal(t, testSDP, string(l.RemoteSDP()))
			require.Equal(t, strings.ToUpper(network), l.Info().Transport)
			require.Equal(t, 1.0, testutil.ToFloat64(u.met.trunks.calls.WithLabelValues("carrier", "out")))
			require.NoError(t, l.Hangup(timeout(t), Hangup{}))
			c.await(gosip.BYE, 1)
			require.Eventually(t, func() bool {
				return testutil.ToFloat64(u.met.trunks.calls.WithLabelValues("carrier", "out")) == 0
			}, 5*time.Second, time.Millisecond)
		})
	}
}

// TestTrunkTLSName: a server whose certificate is for somebody else gets
// nothing.
func TestTrunkTLSName(t *testing.T) {
	t.Parallel()
	cert, _ := testCertificate(t)
	c := newCarrier(t, "tls", says(gosip.INVITE, "200 sdp"))
	u := dialler(t, names{"_sips._tcp.other.test": {c}}, trunkTo("carrier", "other.test", func(o *Trunk) { o.Transport, o.TLS.CAFile = "tls", cert }))
	_, err := dialOut(t, u, theirs)
	require.Error(t, err)
	require.Zero(t, c.count(gosip.INVITE))
}

// TestNothingForbiddenIsSent: not a byte reaches the carrier.
func TestNothingForbiddenIsSent(t *testing.T) {
	t.Parallel()
	c := newCarrier(t, "udp", says(gosip.INVITE, "200 sdp"))
	u := dialler(t, nil, trunkTo("carrier", c.addr()))
	for number, want := range map[string]error{
		"+39899123456": ErrNotAllowed, "+39 0900 123456": ErrNotAllowed, "892424": ErrNotAllowed, "+442079460000": ErrNotAllowed, "00442079460000": ErrNotAllowed,
		"paola": ErrBadNumber, "+390687654321;isub=899": ErrBadNumber, "+٣٩٠٦٨٧٦٥٤٣٢١": ErrBadNumber, "00": ErrBadNumber, "sip:+390687654321@evil.test": ErrBadNumber,
	} {
		_, err := dialOut(t, u, number)
		require.ErrorIs(t, err, want, number)
	}
	_, err := dialOut(t, u, theirs)
	require.NoError(t, err)
	require.Equal(t, 1, c.count(gosip.INVITE))
}

func TestNoTrunk(t *testing.T) {
	t.Parallel()
	_, err := dialOut(t, dialler(t, nil), theirs)
	require.ErrorIs(t, err, ErrNoTrunk)
}

// TestTrunkFailover: who is tried after whom, and who is not.
func TestTrunkFailover(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		first, second []string // the answers to INVITE
		sameTrunk     bool     // two servers of one trunk by SRV, else two trunks
		answered      bool
		code          int  // of the error
		tried         bool // the second one
	}{
		{name: "silent server, next by SRV", sameTrunk: true, second: []string{"200 sdp"}, answered: true, tried: true},
		{name: "503, next by SRV", first: []string{"503"}, sameTrunk: true, second: []string{"200 sdp"}, answered: true, tried: true},
		{name: "486, no other server", first: []string{"486"}, sameTrunk: true, second: []string{"200 sdp"}, code: 486},
		{name: "500, no other server of the same", first: []string{"500"}, sameTrunk: true, second: []string{"200 sdp"}, code: 500},
		{name: "silent trunk", second: []string{"200 sdp"}, answered: true, tried: true},
		{name: "500, next trunk", first: []string{"500"}, second: []string{"200 sdp"}, answered: true, tried: true},
		{name: "503, next trunk", first: []string{"100", "180", "503"}, second: []string{"200 sdp"}, answered: true, tried: true},
		{name: "404 is an answer", first: []string{"404"}, second: []string{"200 sdp"}, code: 404},
		{name: "603 is an answer", first: []string{"603"}, second: []string{"200 sdp"}, code: 603},
		{name: "after early media no other", first: []string{"183 sdp", "503"}, second: []string{"200 sdp"}, code: 503},
		{name: "both fail", first: []string{"503"}, second: []string{"502"}, code: 502, tried: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			one, two := newCarrier(t, "udp", says(gosip.INVITE, c.first...)), newCarrier(t, "udp", says(gosip.INVITE, c.second...))
			trunks := []Trunk{trunkTo("one", one.addr()), trunkTo("two", two.addr(), func(t *Trunk) { t.Dial.Priority = 1 })}
			if c.sameTrunk {
				trunks = []Trunk{trunkTo("one", "carrier.test")}
			}
			u := quick(dialler(t, names{"_sip._udp.carrier.test": {one, two}}, trunks...))
			l, err := dialOut(t, u, theirs)
			one.await(gosip.INVITE, 1)
			require.Equal(t, c.tried, two.count(gosip.INVITE) > 0)
			if c.answered {
				require.NoError(t, err)
				require.Equal(t, trunks[len(trunks)-1].Name, l.Info().Trunk)
				l2, err := dialOut(t, u, theirs)
				require.NoError(t, err)
				if c.sameTrunk { // who failed rests
					require.Equal(t, 1, one.count(gosip.INVITE))
				}
				require.NoError(t, l2.Hangup(timeout(t), Hangup{}))
				return
			}
			var se *StatusError
			require.True(t, errors.As(err, &se), "%v", err)
			require.Equal(t, c.code, se.Code)
		})
	}
}

// TestSecondServerByName: the servers that the configuration lists are tried
// when the first does not resolve.
func TestSecondServerByName(t *testing.T) {
	t.Parallel()
	c := newCarrier(t, "udp", says(gosip.INVITE, "200 sdp"))
	u := dialler(t, nil, trunkTo("one", "gone.test", func(o *Trunk) { o.Servers = []string{c.addr()} }))
	_, err := dialOut(t, u, theirs)
	require.NoError(t, err)
}

// TestSilentServerThatWakes: a server that was left for its silence and answers
// after all is told that it is over.
func TestSilentServerThatWakes(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	one := newCarrier(t, "udp", nil)
	one.says(func(req *gosip.Request) []string {
		if req.Method == gosip.INVITE {
			<-release
			return []string{"200 sdp"}
		}
		return []string{"200"}
	})
	two := newCarrier(t, "udp", says(gosip.INVITE, "200 sdp"))
	u := quick(dialler(t, names{"_sip._udp.carrier.test": {one, two}}, trunkTo("one", "carrier.test")))
	_, err := dialOut(t, u, theirs)
	close(release)
	require.NoError(t, err)
	one.await(gosip.ACK, 1)
	one.await(gosip.BYE, 1)
	require.Zero(t, two.count(gosip.BYE))
}

// TestOutboundLimits: a trunk that is full or too fast leaves the call to the
// next one, and has room again when a call ends.
func TestOutboundLimits(t *testing.T) {
	t.Parallel()
	one, two := newCarrier(t, "udp", says(gosip.INVITE, "200 sdp")), newCarrier(t, "udp", says(gosip.INVITE, "200 sdp"))
	u := dialler(t, nil,
		trunkTo("one", one.addr(), func(t *Trunk) { t.Limits.Outbound.Calls = 1 }),
		trunkTo("two", two.addr(), func(t *Trunk) { t.Dial.Priority, t.Limits.Outbound.CallsPerSecond = 1, 0.001 }))
	first, err := dialOut(t, u, theirs)
	require.NoError(t, err)
	require.Equal(t, "one", first.Info().Trunk)
	second, err := dialOut(t, u, theirs)
	require.NoError(t, err)
	require.Equal(t, "two", second.Info().Trunk)
	_, err = dialOut(t, u, theirs)
	require.ErrorIs(t, err, ErrTrunkBusy)
	require.Equal(t, 503, StatusOf(err))
	require.NoError(t, first.Hangup(timeout(t), Hangup{}))
	require.Eventually(t, func() bool { return u.trunks.Load().peers["one"].outbound.Calls() == 0 }, 5*time.Second, time.Millisecond)
	_, err = dialOut(t, u, theirs)
	require.NoError(t, err)
	require.Equal(t, 1.0, testutil.ToFloat64(u.met.trunks.rejected.WithLabelValues("two", "out", "rate")))
}

// TestRedirect: a 302 is followed as far as its numbers may be dialled.
func TestRedirect(t *testing.T) {
	t.Parallel()
	const other = "+390655555555"
	for _, c := range []struct {
		name    string
		contact string
		dials   string // the last number that was dialled
		want    error
	}{
		{name: "allowed", contact: "<sip:" + other + "@evil.test>", dials: other},
		{name: "tel", contact: "<tel:" + other + ">", dials: other},
		{name: "premium", contact: "<sip:+39899123456@carrier.test>", want: ErrNotAllowed},
		{name: "abroad", contact: "<sip:+442079460000@carrier.test>", want: ErrNotAllowed},
		{name: "the second may", contact: "<sip:+39899123456@carrier.test>\nContact: <sip:" + other + "@carrier.test>", dials: other},
		{name: "somewhere else", contact: "<sip:box@127.0.0.1:9>"},
		{name: "in circles", contact: "<sip:" + theirs + "@carrier.test>", dials: theirs},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			carrier := newCarrier(t, "udp", func(req *gosip.Request) []string {
				if req.Method == gosip.INVITE && req.Recipient.User == theirs {
					return []string{"302\nContact: " + c.contact}
				}
				return []string{"200 sdp"}
			})
			u := dialler(t, nil, trunkTo("one", carrier.addr()))
			l, err := dialOut(t, u, theirs)
			if c.dials == other {
				require.NoError(t, err)
				require.Equal(t, other, l.Info().Called)
				return
			}
			require.Error(t, err)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			}
			require.LessOrEqual(t, carrier.count(gosip.INVITE), 1+maxRedirects)
			if c.dials == "" {
				require.Equal(t, 1, carrier.count(gosip.INVITE))
			}
		})
	}
}

// TestAnonymousCaller: who is called sees nobody, the carrier knows us.
func TestAnonymousCaller(t *testing.T) {
	t.Parallel()
	c := newCarrier(t, "udp", says(gosip.INVITE, "200 sdp"))
	u := dialler(t, nil, trunkTo("one", c.addr(), func(o *Trunk) { o.CallerID.Policy, o.CallerID.Header = "anonymous", "P-Preferred-Identity" }))
	_, err := dialOut(t, u, theirs)
	require.NoError(t, err)
	invite := c.await(gosip.INVITE, 1)
	require.Equal(t, "sip:anonymous@anonymous.invalid", invite.From().Address.String())
	require.Equal(t, "id", invite.GetHeader("Privacy").Value())
	require.Equal(t, "<sip:"+ours+"@filo.local>", strings.ReplaceAll(invite.GetHeader("P-Preferred-Identity").Value(), "%2B", "+"))
	require.Equal(t, "anonymous", invite.Contact().Address.User)
}

// TestDialIsCancelled: who gives up while it rings leaves no call behind.
func TestDialIsCancelled(t *testing.T) {
	t.Parallel()
	c := newCarrier(t, "udp", says(gosip.INVITE, "100", "180"))
	u := dialler(t, nil, trunkTo("one", c.addr()))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := u.Invite(ctx, Target{Number: theirs}, InviteOptions{SDP: sdp("us"), OnProvisional: func(int, []byte) { cancel() }})
		done <- err
	}()
	require.ErrorIs(t, <-done, context.Canceled)
	c.await(gosip.CANCEL, 1)
	require.Zero(t, u.trunks.Load().peers["one"].outbound.Calls())
}

// TestTrunkIPv6: a trunk is called over IPv6; one that is reachable so only,
// from a node without, is left for the next.
func TestTrunkIPv6(t *testing.T) {
	t.Parallel()
	six := newCarrierAt(t, "udp", "[::1]:0", says(gosip.INVITE, "200 sdp"))
	cfg := testConfig()
	cfg.Listen = []Listen{{Network: "udp", Bind: "[::1]:0"}}
	cfg.Trunks = []Trunk{trunkTo("six", six.addr())}
	l, err := dialOut(t, runWith(t, cfg, Deps{}, nil), theirs)
	require.NoError(t, err)
	invite := six.await(gosip.INVITE, 1)
	require.Equal(t, "[::1]", invite.Recipient.Host)
	require.Equal(t, "[::1]", invite.Contact().Address.Host)
	require.NoError(t, l.Hangup(timeout(t), Hangup{}))
	six.await(gosip.BYE, 1)

	four := newCarrier(t, "udp", says(gosip.INVITE, "200 sdp"))
	l, err = dialOut(t, dialler(t, nil, trunkTo("six", six.addr(), func(t *Trunk) { t.Servers = []string{four.addr()} })), theirs)
	require.NoError(t, err)
	require.Equal(t, 1, six.count(gosip.INVITE))
	require.NoError(t, l.Hangup(timeout(t), Hangup{}))
}
