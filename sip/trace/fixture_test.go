package trace

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// What must never be seen of the story that the tests tell.
const (
	callerNumber = "+393475554419"
	callerName   = "Giulia Bianchi"
	secretKey    = "Zx9qCanaryKey77"
)

var began = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

// scene feeds a Recorder with messages and events at given times.
type scene struct {
	r   *Recorder
	now time.Time
}

func newScene(cfg Config) *scene {
	s := &scene{r: New(cfg), now: began}
	s.r.now = func() time.Time { return s.now }
	return s
}

func (s *scene) at(ms int) *scene {
	s.now = began.Add(time.Duration(ms) * time.Millisecond)
	return s
}

// far is the other end of a leg.
type far struct {
	callID, addr, network string
	from, to              string
}

var (
	trunkLeg = far{"4f1b-" + callerNumber[1:] + "@telco.example", "203.0.113.9:5070", "udp", `"` + callerName + `" <sip:` + callerNumber + `@telco.example>`, "<sip:0612345678@filo.example>"}
	phoneLeg = far{"o2b7c9", "192.168.1.20:5066", "tcp", `"` + callerName + `" <sip:` + callerNumber + `@filo.example>`, "<sip:paola@filo.example>"}
)

// message builds a message of a leg. What stands in extra goes between headers
// and body.
func (f far) message(start, cseq, toTag, extra, body string) string {
	to := f.to
	if toTag != "" {
		to += ";tag=" + toTag
	}
	s := start + "\r\nVia: SIP/2.0/UDP 203.0.113.9:5070;branch=z9hG4bK" + cseq[:1] + f.callID[:2] +
		"\r\nMax-Forwards: 70\r\nFrom: " + f.from + ";tag=f1\r\nTo: " + to +
		"\r\nCall-ID: " + f.callID + "\r\nCSeq: " + cseq + "\r\n" + extra
	if body != "" {
		s += "Content-Type: application/sdp\r\n"
	}
	return s + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

func (s *scene) hear(in bool, f far, text string) {
	s.r.Message(Message{
		At: s.now, In: in, Network: f.network, Local: netip.MustParseAddrPort("192.0.2.1:5060"),
		Remote: netip.MustParseAddrPort(f.addr), Data: []byte(text),
	})
}

func sdpText(addr, dir string) string {
	return strings.ReplaceAll("v=0\no=giulia 20518 1 IN IP4 "+addr+"\ns="+callerName+"\nc=IN IP4 "+addr+
		"\nt=0 0\nm=audio 4000 RTP/AVP 8 0 101\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-16\na=ptime:20\na="+dir+"\n", "\n", "\r\n")
}

// play tells a whole call: the trunk's INVITE with a retransmission, the menu,
// an agent's phone, a hold, the end.
func (s *scene) play() *scene {
	t, p := trunkLeg, phoneLeg
	invite := t.message("INVITE sip:0612345678@filo.example SIP/2.0", "1 INVITE", "",
		"Contact: <sip:"+callerNumber+"@203.0.113.9:5070>\r\nUser-to-User: "+secretKey+"\r\nUser-Agent: Carrier SBC/7.2\r\n", sdpText("203.0.113.40", "sendrecv"))
	s.at(0).hear(true, t, invite)
	s.at(2).r.Leg("c_1", t.callID, "caller telco")
	s.r.Alias("leg-1", t.callID)
	s.at(3).hear(false, t, t.message("SIP/2.0 100 Trying", "1 INVITE", "", "", ""))
	s.at(500).hear(true, t, invite)
	s.at(510).hear(false, t, t.message("SIP/2.0 200 OK", "1 INVITE", "u1", "Contact: <sip:filo@192.0.2.1:5060>\r\n", sdpText("192.0.2.1", "sendrecv")))
	s.at(530).hear(true, t, t.message("ACK sip:filo@192.0.2.1:5060 SIP/2.0", "1 ACK", "u1", "", ""))
	s.at(560).r.Note("c_1", t.callID, "media connected")
	s.at(600).r.Note("c_1", "", "menu: default")
	s.at(2100).r.Note("c_1", t.callID, "key")
	s.at(2200).r.Note("c_1", "", "queued: checkout")
	s.at(2201).r.Note("c_1", "", "offered: paola")
	s.at(2205).r.Leg("c_1", p.callID, "agent paola")
	s.hear(false, p, p.message("INVITE sip:paola@192.168.1.20:5066 SIP/2.0", "1 INVITE", "", "X-Filo-Contact: c_1\r\n", sdpText("192.168.1.2", "sendrecv")))
	s.at(2250).hear(true, p, p.message("SIP/2.0 180 Ringing", "1 INVITE", "p1", "", ""))
	s.at(5000).hear(true, p, p.message("SIP/2.0 200 OK", "1 INVITE", "p1", "", sdpText("192.168.1.20", "sendrecv")))
	s.at(5001).hear(false, p, p.message("ACK sip:paola@192.168.1.20:5066 SIP/2.0", "1 ACK", "p1", "", ""))
	s.at(5002).r.Note("c_1", "", "talking: paola")
	s.at(5040).r.Note("c_1", p.callID, "first audio from")
	s.at(9000).hear(true, p, p.message("INVITE sip:filo@192.168.1.2 SIP/2.0", "2 INVITE", "p1", "", sdpText("0.0.0.0", "sendonly")))
	s.at(9001).hear(false, p, p.message("SIP/2.0 200 OK", "2 INVITE", "p1", "", sdpText("192.168.1.2", "recvonly")))
	s.at(12000).hear(true, p, p.message("BYE sip:filo@192.168.1.2 SIP/2.0", "3 BYE", "p1", "Reason: Q.850;cause=16;text=\"Normal call clearing\"\r\n", ""))
	s.at(12001).hear(false, p, p.message("SIP/2.0 200 OK", "3 BYE", "p1", "", ""))
	s.at(12002).hear(false, t, t.message("BYE sip:"+callerNumber+"@203.0.113.9:5070 SIP/2.0", "2 BYE", "f1", "", ""))
	s.at(12030).hear(true, t, t.message("SIP/2.0 200 OK", "2 BYE", "f1", "", ""))
	s.at(12031).r.Note("c_1", "", "ended: handled")
	return s
}
