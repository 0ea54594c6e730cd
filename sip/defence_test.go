package sip

import (
	"fmt"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"

	"filo/sip/admission"
)

// As if every datagram had waited too long: calls in progress and calls for
// help notice nothing, others are told to come back.
func TestOverload(t *testing.T) {
	legs := make(chan *Leg, 4)
	u := run(t, testConfig(), nil, answerer(t, legs))
	up := newPeer(t, u)
	up.dial()
	leg := <-legs
	tight := testConfig()
	tight.Admission = admission.Config{Target: 1, RetryAfter: 5 * time.Second}
	require.NoError(t, u.Reload(tight))

	refused := newPeer(t, u)
	refused.send(refused.request("INVITE", "inv", 1, testSDP))
	res := refused.response("INVITE", 503)
	require.NotNil(t, res.GetHeader("Retry-After"))
	require.NotEmpty(t, tagOf(res.To()))
	refused.to = res.To().Value()
	refused.send(refused.request("ACK", "inv", 1, ""))
	require.Zero(t, u.legs.count()-1, "nothing is kept of it")

	up.ack()
	up.in("INFO", "Signal=5\r\nDuration=160\r\n", "Content-Type: application/dtmf-relay")
	up.response("INFO", 200)
	help := newPeer(t, u)
	help.send(help.to112("INVITE"))
	require.Equal(t, 200, help.response("INVITE", 200).StatusCode)
	<-legs
	up.in("BYE", "")
	up.response("BYE", 200)
	ended(t, leg, ErrRemoteHangup)

	require.NoError(t, u.Reload(testConfig()))
	refused.to = "<sip:200@filo>"
	refused.send(refused.request("INVITE", "again", 2, testSDP))
	refused.response("INVITE", 200)
}

// to112 is a request to the emergency number.
func (p *peer) to112(method string) string {
	return fmt.Sprintf("%s sip:112@filo SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\nFrom: <sip:100@peer>;tag=p1\r\n"+
		"To: <sip:112@filo>\r\nCall-ID: %s\r\nCSeq: 1 %s\r\nContact: <sip:100@%s>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		method, p.addr(), p.call, p.call, method, p.addr(), len(testSDP), testSDP)
}

func TestWhoGuessesPasswordsIsNotHeard(t *testing.T) {
	cfg := testConfig()
	cfg.Trunks[0].Allow = []string{"192.0.2.1"}
	cfg.Strangers = admission.Strangers{BanAfter: 3, BanWithin: time.Minute, BanFor: time.Minute}
	u := run(t, cfg, passwords{"200": "pw"}, nil)
	p := newPeer(t, u)
	try := func(n int, password string) (answered bool) {
		p.send(p.request("REGISTER", fmt.Sprint("a", n), 2*n+1, ""))
		m := p.next(300 * time.Millisecond)
		if m == nil {
			return false
		}
		_, value, err := answerChallenge(m.(*gosip.Response), "REGISTER", "sip:filo", "200", password)
		require.NoError(t, err)
		p.send(p.request("REGISTER", fmt.Sprint("b", n), 2*n+2, "", "Authorization: "+value))
		return p.next(2*time.Second) != nil
	}
	require.True(t, try(1, "x"))
	require.True(t, try(2, "y"))
	require.True(t, try(3, "pw"), "it was somebody with a bad memory")
	require.Equal(t, 1, u.Bindings("200"))
	for n := 4; n < 8; n++ {
		require.True(t, try(n, "z"), "where somebody is registered nobody is banned")
	}
	p.send(p.request("REGISTER", "off", 100, "", "Expires: 0")) // refused without a password
	p.response("REGISTER", 401)
	u.reg.dropIf(func(*binding) bool { return true })
	for n := 10; n < 13; n++ {
		require.True(t, try(n, "z"))
	}
	require.False(t, try(13, "pw"), "not heard any more")
}

func TestDigestOffers(t *testing.T) {
	cfg := testConfig()
	cfg.DigestAlgorithms = []string{"SHA-256", "MD5"}
	u := run(t, cfg, passwords{"200": "pw"}, nil)
	cases := []struct {
		agent string
		want  int
	}{{"Yealink SIP-T46U", 2}, {"", 2}, {"baresip v1.0.0 (x86_64/linux)", 1}, {"JsSIP 3.13.0", 1}}
	for i, c := range cases {
		p := newPeer(t, u)
		var extra []string
		if c.agent != "" {
			extra = []string{"User-Agent: " + c.agent}
		}
		p.send(p.request("REGISTER", fmt.Sprint(i), 1, "", extra...))
		offers := p.response("REGISTER", 401).GetHeaders("WWW-Authenticate")
		require.Len(t, offers, c.want, c.agent)
		require.Contains(t, offers[len(offers)-1].Value(), "algorithm=MD5", "what all know comes last")
	}
}

// One device may have several connections (RFC 5626); it has one bell.
func TestFlowsOfOneDevice(t *testing.T) {
	u := run(t, testConfig(), passwords{"200": "pw"}, nil)
	register := func(p *peer, reg int) *gosip.Response {
		contact := fmt.Sprintf("Contact: <sip:200@%s>;reg-id=%d;+sip.instance=\"<urn:uuid:1>\"", p.addr(), reg)
		send := func(branch string, seq int, extra ...string) *gosip.Response {
			msg := p.request("REGISTER", branch, seq, "", extra...)
			p.send(cut(msg, "Contact")[:len(cut(msg, "Contact"))-2] + contact + "\r\n\r\n")
			m := p.next(2 * time.Second)
			require.NotNil(t, m)
			return m.(*gosip.Response)
		}
		_, value, err := answerChallenge(send("1", 1), "REGISTER", "sip:filo", "200", "pw")
		require.NoError(t, err)
		return send("2", 2, "Authorization: "+value)
	}
	res := register(newPeer(t, u), 1)
	require.Equal(t, 200, res.StatusCode)
	require.Contains(t, res.GetHeader("Contact").Value(), "reg-id=1")
	register(newPeer(t, u), 2)
	require.Equal(t, 2, u.Bindings("200"))
	last := newPeer(t, u)
	register(last, 2)
	require.Equal(t, 2, u.Bindings("200"), "the flow replaces its former self")
	bells := u.reg.bindings("200")
	require.Len(t, bells, 1)
	require.Equal(t, last.addr(), bells[0].hop.flow.Remote().String(), "the newest")
	require.True(t, u.trusted(mustAddrPort(last.addr()).Addr()))
}
