package voice

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
)

// peer is a trunk that speaks SIP by hand, for what robots never send.
type peer struct {
	h    *house
	conn net.Conn
	sdp  string
	cseq int
	tag  string // of the server
	from string
}

func (h *house) peer(from string) *peer {
	h.t.Helper()
	conn, err := net.Dial("udp", h.ua.Addr("udp"))
	require.NoError(h.t, err)
	h.t.Cleanup(func() { _ = conn.Close() })
	audio, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(h.t, err)
	h.t.Cleanup(func() { _ = audio.Close() })
	return &peer{h: h, conn: conn, from: from, sdp: fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"+
		"t=0 0\r\nm=audio %d RTP/AVP 0\r\n", audio.LocalAddr().(*net.UDPAddr).Port)}
}

func (p *peer) send(method, to, contentType, body string) {
	p.h.t.Helper()
	if method != "ACK" {
		p.cseq++
	}
	tag := ""
	if p.tag != "" {
		tag = ";tag=" + p.tag
	}
	_, err := fmt.Fprintf(p.conn, "%s sip:%s@filo.local SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s%d;rport\r\nMax-Forwards: 70\r\n"+
		"From: <sip:%s@telco.example>;tag=t1\r\nTo: <sip:%s@filo.local>%s\r\nCall-ID: by-hand-%s\r\nCSeq: %d %s\r\n"+
		"Contact: <sip:%s>\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		method, to, p.conn.LocalAddr(), method, p.cseq, p.from, to, tag, p.conn.LocalAddr(), p.cseq, method,
		p.conn.LocalAddr(), contentType, len(body), body)
	require.NoError(p.h.t, err)
}

var toTag = regexp.MustCompile(`(?m)^To:.*;tag=([^\s;]+)`)

// final reads messages until a final response, or a request, which is
// answered with 200. It returns its first line and its body.
func (p *peer) final() (line, body string) {
	p.h.t.Helper()
	buf := make([]byte, 65536)
	for {
		require.NoError(p.h.t, p.conn.SetReadDeadline(time.Now().Add(patience)))
		n, err := p.conn.Read(buf)
		require.NoError(p.h.t, err)
		head, body, _ := strings.Cut(string(buf[:n]), "\r\n\r\n")
		line, rest, _ := strings.Cut(head, "\r\n")
		switch {
		case strings.HasPrefix(line, "SIP/2.0 1"):
		case strings.HasPrefix(line, "SIP/2.0 "):
			if m := toTag.FindStringSubmatch(rest); m != nil {
				p.tag = m[1]
			}
			return line, body
		default:
			_, err := p.conn.Write([]byte("SIP/2.0 200 OK\r\n" + only(rest, "Via:", "From:", "To:", "Call-ID:", "CSeq:") + "Content-Length: 0\r\n\r\n"))
			require.NoError(p.h.t, err)
			return line + "\r\n" + rest, body
		}
	}
}

// only keeps some of the headers.
func only(head string, names ...string) (kept string) {
	for line := range strings.SplitSeq(head, "\r\n") {
		for _, n := range names {
			if strings.HasPrefix(line, n) {
				kept += line + "\r\n"
			}
		}
	}
	return kept
}

func (p *peer) invite(to string) {
	p.h.t.Helper()
	p.send("INVITE", to, "application/sdp", p.sdp)
	line, _ := p.final()
	require.Equal(p.h.t, "SIP/2.0 200 OK", line)
	p.send("ACK", to, "text/plain", "")
}

func (p *peer) bye(to string) {
	p.h.t.Helper()
	p.send("BYE", to, "text/plain", "")
	line, _ := p.final()
	require.Equal(p.h.t, "SIP/2.0 200 OK", line)
}

func TestDigitsByINFO(t *testing.T) {
	h := open(t)
	p := h.peer(giulia)
	p.invite("100")
	p.send("INFO", "100", "application/dtmf-relay", "Signal=1\r\nDuration=160\r\n")
	line, _ := p.final()
	require.Equal(t, "SIP/2.0 200 OK", line)
	h.waiting("checkout", 1)
	p.bye("100")
	require.Equal(t, "abandoned", h.ended(0).Attrs["result"])
}

// What we say at the end is a Reason that others can parse (RFC 3326).
func TestReasonOfOurBYE(t *testing.T) {
	h := open(t)
	p := h.peer(giulia)
	p.invite("100")
	p.send("INFO", "100", "application/dtmf-relay", "Signal=2\r\nDuration=160\r\n")
	var head string
	for !strings.HasPrefix(head, "BYE") {
		head, _ = p.final()
	}
	require.Regexp(t, `(?m)^Reason: SIP;cause=200;text="[a-z ]+"\r?$`, head)
	h.ended(0)
}

func TestLateOffer(t *testing.T) {
	h := open(t)
	p := h.peer(giulia)
	p.send("INVITE", "100", "application/sdp", "")
	line, offer := p.final()
	require.Equal(t, "SIP/2.0 200 OK", line)
	require.Contains(t, offer, "m=audio")
	p.send("ACK", "100", "application/sdp", p.sdp)
	p.send("INFO", "100", "application/dtmf-relay", "Signal=1\r\nDuration=160\r\n")
	p.final()
	h.waiting("checkout", 1)
	p.bye("100")
	h.ended(0)
}

func TestMediaThatWeCannotUse(t *testing.T) {
	for _, c := range []struct{ name, sdp, want string }{
		{"codecs unknown here", "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n", "SIP/2.0 488"},
		{"no SDP at all", "hello\r\n", "SIP/2.0 400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t)
			p := h.peer(giulia)
			p.sdp = c.sdp
			p.send("INVITE", "100", "application/sdp", p.sdp)
			line, _ := p.final()
			require.Contains(t, line, c.want)
			p.send("ACK", "100", "text/plain", "")
			require.NoError(t, h.c.AwaitIdle(h.within()))
			h.quiet(0)
			require.Equal(t, 1.0, h.gauge("filo_voice_calls_total", "failed"))
		})
	}
}

// Numbers are one thing in every format: the trunk's national one, too.
func TestNumberFormats(t *testing.T) {
	h := open(t, func(s *settings) { s.voice.Numbers = map[string]Number{"+390455550190": {Lang: "it", Label: "Shop"}} })
	for _, called := range []string{"+390455550190", "00390455550190", "0455550190"} {
		require.Equal(t, "it", h.c.number(called, "IT").Lang, called)
	}
	require.Empty(t, h.c.number("0455550190", "FR"))
	require.Empty(t, h.c.number("100", "IT"))

	p := h.peer("3475554419")
	p.invite("0455550190")
	p.bye("0455550190")
	e := h.ended(0)
	require.Equal(t, []journey.Identity{{Type: journey.Phone, Value: giulia}}, e.Identities)
}

func TestWrapUpNote(t *testing.T) {
	h := open(t, with(staff{"paola": ""}))
	card := &contact.Card{Contact: "c_1", Channel: contact.Voice, Customer: "u_giulia", Peer: giulia}
	note := contact.WrapUpNote{Contact: "c_1", Agent: "paola", Disposition: "purchase", Note: "Paid with the second card."}
	require.NoError(t, h.c.WrapUp(h.within(), card, note))
	e := take(h, h.thread.written, "note")
	require.Equal(t, journey.KindNote, e.Kind)
	require.Equal(t, "purchase", e.Attrs["disposition"])
	require.Equal(t, note.Note, e.Summary)
	require.NoError(t, h.c.WrapUp(h.within(), &contact.Card{Contact: "c_2"}, contact.WrapUpNote{Contact: "c_2", Note: "x"}), "nobody's thread")
	require.Empty(t, h.thread.written)
}

func TestConfig(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate())
	bad := Config{Escape: "x", MaxCall: -1}
	err := bad.Validate()
	for _, key := range []string{"line_user: ", "default_flow: ", "line_grace: ", "line_silence: ", "max_call: ", "escape: "} {
		require.ErrorContains(t, err, key)
	}
	require.Error(t, Config{LineUser: "l", DefaultFlow: "d", LineGrace: 1, LineSilence: 1, MaxCall: 1, Escape: "10"}.Validate())
}
