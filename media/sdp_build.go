package media

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// defaultDTMFPT is what we offer; an answer keeps the offerer's number.
const defaultDTMFPT = 101

// localDesc is what we say about our own plain RTP session. The version of the
// o= line moves only when something changed (RFC 3264 section 8).
type localDesc struct {
	id      uint32
	version uint32
	last    string // everything after the o= line
	addr    netip.Addr
	rtpPort uint16
	// rtcpPort is 0 when RTCP shares the RTP port.
	rtcpPort uint16

	// What the last answer refused, which an offer of ours must repeat in its
	// place (RFC 3264 section 8), and the profile that it agreed on.
	before, after string
	proto         string
}

// payload is one format of our m= line.
type payload struct {
	pt    int
	codec Codec
}

func (l *localDesc) section(proto string, pts []payload, dir direction) string {
	var b strings.Builder
	fmt.Fprintf(&b, "m=audio %d %s", l.rtpPort, proto)
	for _, p := range pts {
		b.WriteString(" " + strconv.Itoa(p.pt))
	}
	b.WriteString("\r\n")
	for _, p := range pts {
		fmt.Fprintf(&b, "a=rtpmap:%d %s/8000\r\n", p.pt, p.codec)
		if p.codec == codecDTMF {
			fmt.Fprintf(&b, "a=fmtp:%d 0-15\r\n", p.pt)
		}
	}
	b.WriteString("a=ptime:20\r\n")
	if l.rtcpPort == 0 {
		b.WriteString("a=rtcp-mux\r\n")
	} else if l.rtcpPort != l.rtpPort+1 {
		fmt.Fprintf(&b, "a=rtcp:%d\r\n", l.rtcpPort)
	}
	b.WriteString("a=" + dir.String() + "\r\n")
	return b.String()
}

// render puts the sections behind the session lines.
func (l *localDesc) render(sections string) []byte {
	if sections != l.last {
		l.version++
		l.last = sections
	}
	family := "IP4"
	if l.addr.Is6() {
		family = "IP6"
	}
	return fmt.Appendf(nil, "v=0\r\no=filo %d %d IN %s %s\r\ns=filo\r\nc=IN %s %s\r\nt=0 0\r\n%s",
		l.id, l.version, family, l.addr, family, l.addr, sections)
}

// offer lists codecs in order, then telephone-event.
func (l *localDesc) offer(codecs []Codec, dtmfPT int, dir direction) []byte {
	var pts []payload
	for _, c := range codecs {
		pts = append(pts, payload{int(c.staticPT()), c})
	}
	pts = append(pts, payload{dtmfPT, codecDTMF})
	proto := l.proto
	if proto == "" {
		proto = "RTP/AVP"
	}
	return l.render(l.before + l.section(proto, pts, dir) + l.after)
}

// answer accepts section i of the offer with format f and refuses the others
// with port 0 (RFC 3264 section 6).
func (l *localDesc) answer(offer *sessionDesc, i int, f format, dir direction) []byte {
	l.before, l.after = refused(offer.media[:i]), refused(offer.media[i+1:])
	l.proto = offer.media[i].proto
	pts := []payload{{int(f.pt), f.codec}}
	if f.dtmfPT >= 0 {
		pts = append(pts, payload{f.dtmfPT, codecDTMF})
	}
	return l.render(l.before + l.section(l.proto, pts, dir) + l.after)
}

func refused(sections []mediaDesc) string {
	var b strings.Builder
	for _, m := range sections {
		fmt.Fprintf(&b, "m=%s 0 %s %s\r\n", m.kind, m.proto, strings.Join(m.formats, " "))
	}
	return b.String()
}
