package voice

import (
	"crypto/md5" //nolint:gosec // digest authentication
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/contact"
)

// handset is an agent's SIP phone that speaks SIP by hand: robots never send
// REFER.
type handset struct {
	h    *house
	conn net.Conn
	user string
	sdp  string
	cseq int
}

// phoneCall is one dialog of a handset.
type phoneCall struct {
	callID, from, to, target string // as in the handset's requests
}

// handset registers a phone and brings its agent to work.
func (h *house) handset(user string) *handset {
	h.t.Helper()
	conn, err := net.Dial("udp", h.ua.Addr("udp"))
	require.NoError(h.t, err)
	h.t.Cleanup(func() { _ = conn.Close() })
	audio, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(h.t, err)
	h.t.Cleanup(func() { _ = audio.Close() })
	p := &handset{h: h, conn: conn, user: user, sdp: fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"+
		"t=0 0\r\nm=audio %d RTP/AVP 0\r\n", audio.LocalAddr().(*net.UDPAddr).Port)}
	p.register("")
	challenge := p.read("SIP/2.0 401")
	p.register(p.answerTo(challenge, "REGISTER", "sip:filo.local"))
	p.read("SIP/2.0 200")
	require.Equal(h.t, lineNews{contact.AgentID(user), true}, take(h, h.desk.lines, "registration"))
	h.ready(user)
	return p
}

func (p *handset) register(authorization string) {
	p.request("REGISTER", "sip:filo.local", fmt.Sprintf("<sip:%s@filo.local>;tag=r", p.user), fmt.Sprintf("<sip:%s@filo.local>", p.user), "reg",
		authorization+fmt.Sprintf("Contact: <sip:%s@%s>\r\nExpires: 600\r\n", p.user, p.conn.LocalAddr()), "")
}

var digestParam = regexp.MustCompile(`(realm|nonce|opaque)="([^"]*)"`)

// answerTo answers the MD5 challenge of a 401 to a request.
func (p *handset) answerTo(head, method, uri string) string {
	md5of := func(s string) string {
		sum := md5.Sum([]byte(s)) //nolint:gosec // digest authentication
		return hex.EncodeToString(sum[:])
	}
	for line := range strings.SplitSeq(head, "\r\n") {
		if !strings.HasPrefix(line, "WWW-Authenticate: Digest") || strings.Contains(line, "SHA-256") {
			continue
		}
		is := map[string]string{}
		for _, m := range digestParam.FindAllStringSubmatch(line, -1) {
			is[m[1]] = m[2]
		}
		a1, a2 := md5of(p.user+":"+is["realm"]+":"+p.h.staff[contact.AgentID(p.user)]), md5of(method+":"+uri)
		answer := md5of(a1 + ":" + is["nonce"] + ":00000001:c0ffee:auth:" + a2)
		return fmt.Sprintf("Authorization: Digest username=%q, realm=%q, nonce=%q, uri=%q, response=%q, algorithm=MD5, "+
			"qop=auth, nc=00000001, cnonce=\"c0ffee\", opaque=%q\r\n", p.user, is["realm"], is["nonce"], uri, answer, is["opaque"])
	}
	require.FailNow(p.h.t, "no challenge", head)
	return ""
}

func (p *handset) request(method, uri, from, to, callID, more, body string) {
	p.h.t.Helper()
	p.cseq++
	_, err := fmt.Fprintf(p.conn, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKh%d;rport\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\n"+
		"Call-ID: %s-%s\r\nCSeq: %d %s\r\n%sContent-Length: %d\r\n\r\n%s",
		method, uri, p.conn.LocalAddr(), p.cseq, from, to, callID, p.user, p.cseq, method, more, len(body), body)
	require.NoError(p.h.t, err)
}

// read waits for a message that begins so and returns it; other requests are
// answered, other responses dropped.
func (p *handset) read(begins string) string {
	p.h.t.Helper()
	buf := make([]byte, 65536)
	for {
		require.NoError(p.h.t, p.conn.SetReadDeadline(time.Now().Add(patience)))
		n, err := p.conn.Read(buf)
		require.NoError(p.h.t, err, "waiting for %s", begins)
		got := string(buf[:n])
		if !strings.HasPrefix(got, "SIP/2.0") && !strings.HasPrefix(got, "ACK") && !strings.HasPrefix(got, "INVITE") {
			p.respond(got, "200 OK", "")
		}
		if strings.HasPrefix(got, begins) {
			return got
		}
	}
}

func (p *handset) respond(request, status, sdp string) {
	p.h.t.Helper()
	head, _, _ := strings.Cut(request, "\r\n\r\n")
	kept := only(head, "Via:", "From:", "To:", "Call-ID:", "CSeq:", "Record-Route:")
	if !strings.Contains(headerOf(kept, "To"), "tag=") {
		kept = strings.Replace(kept, "To: "+headerOf(kept, "To"), "To: "+headerOf(kept, "To")+";tag=phone", 1)
	}
	_, err := fmt.Fprintf(p.conn, "SIP/2.0 %s\r\n%sContact: <sip:%s@%s>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		status, kept, p.user, p.conn.LocalAddr(), len(sdp), sdp)
	require.NoError(p.h.t, err)
}

func headerOf(head, name string) string {
	for line := range strings.SplitSeq(head, "\r\n") {
		if v, ok := strings.CutPrefix(line, name+": "); ok {
			return v
		}
	}
	return ""
}

var uriInBrackets = regexp.MustCompile(`<([^>]+)>`)

// takes answers the call that comes.
func (p *handset) takes() (c phoneCall) {
	p.h.t.Helper()
	invite := p.read("INVITE")
	head, _, _ := strings.Cut(invite, "\r\n\r\n")
	c.callID = headerOf(head, "Call-ID")
	c.from, c.to = headerOf(head, "To")+";tag=phone", headerOf(head, "From")
	c.target = uriInBrackets.FindStringSubmatch(headerOf(head, "Contact"))[1]
	p.respond(invite, "200 OK", p.sdp)
	p.read("ACK")
	return c
}

// dials makes a call; sent is how its INVITE is answered.
func (p *handset) dials(to string) (c phoneCall, status string) {
	p.h.t.Helper()
	uri := "sip:" + to + "@filo.local"
	c = phoneCall{callID: "second-" + p.user, from: fmt.Sprintf("<sip:%s@filo.local>;tag=second", p.user), target: uri}
	contact := fmt.Sprintf("Contact: <sip:%s@%s>\r\nContent-Type: application/sdp\r\n", p.user, p.conn.LocalAddr())
	p.request("INVITE", uri, c.from, "<"+uri+">", "second", contact, p.sdp)
	final := p.final()
	if strings.HasPrefix(final, "SIP/2.0 401") {
		p.ack(final, uri, c)
		p.request("INVITE", uri, c.from, "<"+uri+">", "second", p.answerTo(final, "INVITE", uri)+contact, p.sdp)
		final = p.final()
	}
	head, _, _ := strings.Cut(final, "\r\n\r\n")
	c.to = headerOf(head, "To")
	if m := uriInBrackets.FindStringSubmatch(headerOf(head, "Contact")); m != nil {
		c.target = m[1]
	}
	p.ack(final, c.target, c)
	line, _, _ := strings.Cut(head, "\r\n")
	return c, line
}

// final waits for the final response to an INVITE.
func (p *handset) final() string {
	p.h.t.Helper()
	for {
		if got := p.read("SIP/2.0"); !strings.HasPrefix(got, "SIP/2.0 1") && strings.Contains(headerOf(got, "CSeq"), "INVITE") {
			return got
		}
	}
}

// ack acknowledges a final response; that of a refusal is of its transaction.
func (p *handset) ack(final, uri string, c phoneCall) {
	p.h.t.Helper()
	branch := fmt.Sprintf("z9hG4bKh%d", p.cseq)
	if strings.HasPrefix(final, "SIP/2.0 2") {
		branch += "ack"
	}
	_, err := fmt.Fprintf(p.conn, "ACK %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\n"+
		"Call-ID: %s\r\nCSeq: %d ACK\r\nContent-Length: 0\r\n\r\n", uri, p.conn.LocalAddr(), branch, c.from, headerOf(final, "To"), c.callID, p.cseq)
	require.NoError(p.h.t, err)
}

// refer asks for a transfer and returns what the last NOTIFY says.
func (p *handset) refer(c phoneCall, to string) (sipfrag string) {
	p.h.t.Helper()
	p.cseq++
	_, err := fmt.Fprintf(p.conn, "REFER %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKh%d;rport\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\n"+
		"Call-ID: %s\r\nCSeq: %d REFER\r\nContact: <sip:%s@%s>\r\nRefer-To: <%s>\r\nReferred-By: <sip:%s@filo.local>\r\nContent-Length: 0\r\n\r\n",
		c.target, p.conn.LocalAddr(), p.cseq, c.from, c.to, c.callID, p.cseq, p.user, p.conn.LocalAddr(), to, p.user)
	require.NoError(p.h.t, err)
	if got := p.read("SIP/2.0"); !strings.HasPrefix(got, "SIP/2.0 202") {
		line, _, _ := strings.Cut(got, "\r\n")
		return line // refused by sip
	}
	for {
		notify := p.read("NOTIFY")
		head, body, _ := strings.Cut(notify, "\r\n\r\n")
		if strings.Contains(headerOf(head, "Subscription-State"), "terminated") {
			return strings.TrimSpace(body)
		}
	}
}

// A phone transfers by REFER: to an agent, a queue or a number.
func TestTransferByAPhone(t *testing.T) {
	people := everybody()
	people["paola"] = "secret"
	for name, c := range map[string]struct {
		to    string
		setUp func(h *house)
	}{
		"to an agent": {"sip:fabio@filo.local", func(h *house) {
			h.phone("fabio", func(c *robot.PhoneConfig) { c.Say = robot.Tone(martaHz) })
			require.NoError(h.t, h.router.SetReady(h.within(), "fabio", true, ""))
		}},
		"to a number": {"sip:+390455550190@filo.local;user=phone", func(h *house) { h.number(robot.PhoneConfig{Say: robot.Tone(martaHz)}) }},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, with(people), wraps, func(s *settings) { s.dial = []string{"+39045"} })
			paola := h.handset("paola")
			h.known(skip("checkout"))
			call := h.call(giulia)
			first := paola.takes()
			h.atPhone("paola")
			c.setUp(h)
			require.Equal(t, "SIP/2.0 200 OK", paola.refer(first, c.to))
			paola.read("BYE")
			h.does("paola", contact.AgentWrapUp)
			h.hears(call.Meter, martaHz)
			h.hangup(call)
			e := take(h, h.thread.written, "call")
			require.Equal(t, "PAOLA", e.Attrs["transferred_by"])
			h.quietSoon()
		})
	}
}

func TestTransferByAPhoneRefused(t *testing.T) {
	people := everybody()
	people["paola"] = "secret"
	h := open(t, with(people), func(s *settings) { s.dial = []string{"+39045"} })
	paola := h.handset("paola")
	h.known(skip("checkout"))
	call := h.call(giulia)
	first := paola.takes()
	h.atPhone("paola")
	for to, want := range map[string]string{
		"sip:marta@filo.local":                                           "404", // signed out
		"sip:no-such-queue@filo.local":                                   "404",
		"sip:+19005551234@filo.local":                                    "403",
		"sip:checkout@filo.local?Replaces=x%3Bfrom-tag%3D1%3Bto-tag%3D2": "603",
		"mailto:": "404",
	} {
		require.Regexp(t, "^SIP/2.0 "+want, paola.refer(first, to), to)
	}
	h.does("paola", contact.Busy)
	h.hangup(call)
	paola.read("BYE")
	h.ended(0)
}

// A customer may not: nobody is transferred at our expense.
func TestTransferByACustomerRefused(t *testing.T) {
	h := open(t, with(everybody()))
	b := h.line("paola")
	h.ready("paola")
	h.known(skip("checkout"))
	p := h.peer(giulia)
	p.invite("100")
	require.NoError(t, h.router.Accept(h.within(), h.offer("paola"), "paola"))
	h.does("paola", contact.Busy)
	p.send("REFER", "100", "text/plain", "")
	line, _ := p.final()
	require.Regexp(t, "^SIP/2.0 (603|400)", line)
	p.bye("100")
	h.ended(1)
	b.close()
}

// atPhone waits until the agent's phone is heard by the call that it is on.
func (h *house) atPhone(agent contact.AgentID) {
	h.t.Helper()
	require.Eventually(h.t, func() bool { _, ok := h.c.inboxes.callOf(agent); return ok }, patience, tick, "%s talks", agent)
}

// calls lets Paola, at a phone by hand, talk with Giulia.
func (h *house) calls() (paola *handset, first phoneCall, call *robot.Call, id contact.ID) {
	h.t.Helper()
	paola = h.handset("paola")
	h.known(skip("checkout"))
	call = h.call(giulia)
	first = paola.takes()
	h.atPhone("paola")
	return paola, first, call, h.agent("paola").Contacts[0].ID
}

func phones() staff {
	people := everybody()
	people["paola"] = "secret"
	return people
}

// A phone consults by a second call; REFER with Replaces between the two is the
// attended transfer.
func TestAttendedTransferByAPhone(t *testing.T) {
	for _, over := range []string{"first", "second"} {
		t.Run("REFER over the "+over, func(t *testing.T) {
			h := open(t, with(phones()), wraps)
			paola, first, call, id := h.calls()
			fabio := h.phone("fabio", func(c *robot.PhoneConfig) { c.Say = robot.Tone(martaHz) })
			second, status := paola.dials("fabio")
			require.Equal(t, "SIP/2.0 200 OK", status)
			h.shows("paola", id, contact.CallState{Consult: contact.ConsultState{
				To: contact.Destination{Agent: "fabio"}, Name: "FABIO", Stage: contact.ConsultTalking,
			}})
			h.hears(call.Meter, musicHz)

			c, other := first, second
			if over == "second" {
				c, other = second, first
			}
			tag := func(s string) string { _, t, _ := strings.Cut(s, "tag="); return t }
			require.Equal(t, "SIP/2.0 200 OK", paola.refer(c, fmt.Sprintf("sip:x@filo.local?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s",
				url.QueryEscape(other.callID), tag(other.to), tag(other.from))))
			h.hears(call.Meter, martaHz)
			h.hears(fabio.Meter(), callerHz)
			h.does("paola", contact.AgentWrapUp)
			h.hangup(call)
			e := take(h, h.thread.written, "call")
			require.Equal(t, "PAOLA", e.Attrs["transferred_by"])
			require.Equal(t, "FABIO", e.Attrs["transferred_to"])
			h.quietSoon()
		})
	}
}

func TestSecondCallOfAPhone(t *testing.T) {
	h := open(t, with(phones()))
	paola, _, call, id := h.calls()
	_, status := paola.dials("marta")
	require.Equal(t, "SIP/2.0 404 Not Found", status, "she is signed out")
	h.shows("paola", id, contact.CallState{})

	p := h.phone("fabio", func(c *robot.PhoneConfig) { c.Say = robot.Tone(martaHz) })
	_, status = paola.dials("fabio")
	require.Equal(t, "SIP/2.0 200 OK", status)
	h.hears(call.Meter, musicHz)
	h.does("fabio", contact.Busy)
	p.Hangup() // who was consulted goes, and the second leg with it
	paola.read("BYE")
	h.shows("paola", id, contact.CallState{Hold: true})
	h.hangup(call)
	paola.read("BYE")
	h.ended(0)
}

func TestOnHold(t *testing.T) {
	for sdp, want := range map[string]bool{
		"a=sendrecv\r\n": false, "a=sendonly\r\n": true, "a=inactive\r\n": true, "c=IN IP4 0.0.0.0\r\n": true, "": false,
	} {
		require.Equal(t, want, onHold([]byte(sdp)), sdp)
	}
}
