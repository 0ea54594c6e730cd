package sip

import (
	"context"
	"net/netip"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

func mustAddrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func TestDigestVectors(t *testing.T) { // RFC 7616 section 3.9.1
	d := digest{
		username: "Mufasa", realm: "http-auth@example.org", uri: "/dir/index.html",
		nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc: "00000001",
		cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop: "auth",
	}
	d.algorithm = "MD5"
	require.Equal(t, "8ca523f5e9506fed4657c9700eebdbec", d.answer("GET", "Circle of Life"))
	d.algorithm = "SHA-256"
	require.Equal(t, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", d.answer("GET", "Circle of Life"))
}

func TestDigestServer(t *testing.T) {
	now := time.Now()
	s := newDigestServer(inForce(testConfig()), func() time.Time { return now })
	creds := passwords{"alice": "w"}
	home := netip.MustParseAddr("192.0.2.7")
	from := home
	make := func(change func(*digest)) digest {
		d := digest{username: "alice", realm: s.realm, nonce: s.newNonce(home), uri: "sip:filo", algorithm: "MD5", qop: "auth", nc: "00000001", cnonce: "c"}
		if change != nil {
			change(&d)
		}
		d.response = d.answer("REGISTER", "w")
		return d
	}
	check := func(name string, d digest, stale, ok bool) {
		t.Helper()
		gotStale, gotOK := s.verify(context.Background(), d, "REGISTER", from, creds)
		require.Equal(t, []bool{stale, ok}, []bool{gotStale, gotOK}, name)
	}
	d := make(nil)
	check("right", d, false, true)
	check("replayed", d, true, false)
	d.nc = "00000002"
	d.response = d.answer("REGISTER", "w")
	check("next count", d, false, true)
	d.nc = "00000005"
	d.response = d.answer("REGISTER", "w")
	check("count ahead", d, false, true)
	d.nc = "00000003"
	d.response = d.answer("REGISTER", "w")
	check("overtaken count", d, false, true)
	check("overtaken count again", d, true, false)
	check("SHA-256", make(func(d *digest) { d.algorithm = "SHA-256" }), false, true)
	noQop := make(func(d *digest) { d.qop = "" })
	check("without qop", noQop, false, true)
	check("without qop, again", noQop, true, false)
	check("unknown user", make(func(d *digest) { d.username = "bob" }), false, false)
	check("other realm", make(func(d *digest) { d.realm = "x" }), false, false)
	check("auth-int", make(func(d *digest) { d.qop = "auth-int" }), false, false)
	check("SHA-512", make(func(d *digest) { d.algorithm = "MD5" }).with("SHA-512"), false, false)
	from = netip.MustParseAddr("192.0.2.8")
	check("from another address", make(nil), true, false)
	from = home
	check("foreign nonce", make(func(d *digest) { d.nonce = "abc" }), true, false)
	check("bad count", make(func(d *digest) { d.nc = "x" }), false, false)
	wrong := make(nil)
	wrong.response = wrong.answer("REGISTER", "wrong")
	check("wrong password", wrong, false, false)
	old := make(nil)
	now = now.Add(s.live.Load().NonceLifetime + time.Second)
	check("stale nonce", old, true, false)
}

func (d digest) with(algorithm string) digest { d.algorithm = algorithm; return d }

func TestAnswerChallengePrefersSHA256(t *testing.T) {
	res := gosip.NewResponse(401, reasonPhrase(401))
	for _, a := range []string{"MD5", "SHA-256", "SHA-512-256"} {
		res.AppendHeader(gosip.NewHeader("WWW-Authenticate", `Digest realm="r, \"x\"", nonce="n", algorithm=`+a+`, qop="auth,auth-int"`))
	}
	name, value, err := answerChallenge(res, "INVITE", "sip:x", "u", "p")
	require.NoError(t, err)
	require.Equal(t, "Authorization", name)
	d, err := parseDigest(value)
	require.NoError(t, err)
	require.Equal(t, "SHA-256", d.algorithm)
	require.Equal(t, `r, "x"`, d.realm)
	require.Equal(t, d.answer("INVITE", "p"), d.response)
}

func FuzzParseDigest(f *testing.F) {
	f.Add(`Digest username="a", realm="r", nonce="n", uri="sip:x", response="00", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"`)
	f.Add(`Digest realm="\"`)
	f.Add(`digest ,,,nonce=n,realm=r`)
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseDigest(s)
		if err == nil && (d.nonce == "" || d.realm == "") {
			t.Fatal("a digest without nonce or realm")
		}
	})
}
