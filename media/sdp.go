package media

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Bounds on what a peer may make us parse.
const (
	maxSDP        = 32 << 10
	maxSDPLines   = 1000
	maxSDPMedia   = 16
	maxSDPFormats = 64
)

// direction of media (RFC 8866 section 6.7), as a set of two bits.
type direction uint8

const (
	dirSend direction = 1 << iota
	dirRecv
	dirInactive direction = 0
	dirBoth               = dirSend | dirRecv
)

func (d direction) String() string {
	return [...]string{"inactive", "sendonly", "recvonly", "sendrecv"}[d&3]
}

// reverse is the same direction seen from the other side.
func (d direction) reverse() direction { return d>>1&1 | d<<1&2 }

func parseDirection(s string) (direction, bool) {
	for d := dirInactive; d <= dirBoth; d++ {
		if d.String() == s {
			return d, true
		}
	}
	return 0, false
}

// sessionDesc is the part of a description (RFC 8866) that we use.
type sessionDesc struct {
	media []mediaDesc
}

type mediaDesc struct {
	kind     string // "audio"
	port     int
	proto    string
	formats  []string
	conn     netip.Addr
	hasConn  bool // a c= line, its own or the session's
	dir      direction
	rtpmaps  map[string]string // payload type to "PCMU/8000"
	rtcp     netip.AddrPort    // a=rtcp; port 0 when absent
	rtcpMux  bool
	mid      string
	iceUfrag string
	icePwd   string
	prints   []string // a=fingerprint values
}

func badSDP(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBadSDP, fmt.Sprintf(format, args...))
}

// sdpParser carries what the session level says to each m= section.
type sdpParser struct {
	desc    sessionDesc
	session mediaDesc // defaults
}

// parseSDP reads a description of any quality: unknown lines are skipped, the
// order of lines is not checked, but what we use must be well formed.
func parseSDP(b []byte) (*sessionDesc, error) {
	if len(b) > maxSDP {
		return nil, badSDP("%d bytes", len(b))
	}
	p := sdpParser{session: mediaDesc{dir: dirBoth}}
	for n := 1; len(b) > 0; n++ {
		if n > maxSDPLines {
			return nil, badSDP("more than %d lines", maxSDPLines)
		}
		var line []byte
		line, b, _ = bytes.Cut(b, []byte("\n"))
		line = bytes.TrimRight(line, "\r \t")
		if len(line) == 0 {
			continue
		}
		if len(line) < 2 || line[1] != '=' || bytes.IndexByte(line, 0) >= 0 {
			return nil, badSDP("line %d is not type=value", n)
		}
		if n == 1 && string(line) != "v=0" {
			return nil, badSDP("no v=0")
		}
		if err := p.line(line[0], string(line[2:])); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if len(p.desc.media) == 0 {
		return nil, badSDP("no m= line")
	}
	return &p.desc, nil
}

// at is where attributes of the current section go.
func (p *sdpParser) at() *mediaDesc {
	if n := len(p.desc.media); n > 0 {
		return &p.desc.media[n-1]
	}
	return &p.session
}

func (p *sdpParser) line(kind byte, v string) error {
	switch kind {
	case 'c':
		a, err := parseConnection(v)
		if err != nil {
			return err
		}
		p.at().conn, p.at().hasConn = a, true
	case 'm':
		return p.mediaLine(v)
	case 'a':
		return p.at().attribute(v)
	}
	return nil
}

// parseConnection returns an invalid address for a host name: we do not
// resolve names that a peer chose.
func parseConnection(v string) (netip.Addr, error) {
	f := strings.Fields(v)
	if len(f) != 3 || f[0] != "IN" || (f[1] != "IP4" && f[1] != "IP6") {
		return netip.Addr{}, badSDP("connection")
	}
	host, _, _ := strings.Cut(f[2], "/")
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}, nil //nolint:nilerr // a name: not an error of syntax
	}
	if a.Zone() != "" || a.Is4() != (f[1] == "IP4") {
		return netip.Addr{}, badSDP("connection address")
	}
	return a.Unmap(), nil
}

func (p *sdpParser) mediaLine(v string) error {
	f := strings.Fields(v)
	if len(f) < 4 {
		return badSDP("media line")
	}
	if len(p.desc.media) == maxSDPMedia || len(f)-3 > maxSDPFormats {
		return badSDP("too many media or formats")
	}
	port, _, _ := strings.Cut(f[1], "/")
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return badSDP("media port")
	}
	for _, s := range f[:3] {
		if !isToken(s) {
			return badSDP("media line")
		}
	}
	for _, s := range f[3:] {
		if !isToken(s) {
			return badSDP("media format")
		}
	}
	m := p.session // session attributes are the defaults
	m.kind, m.port, m.proto, m.formats = f[0], int(n), f[2], f[3:]
	m.prints = append([]string(nil), p.session.prints...)
	m.rtpmaps = map[string]string{}
	p.desc.media = append(p.desc.media, m)
	return nil
}

// isToken bounds what we echo in an answer to visible ASCII.
func isToken(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func (m *mediaDesc) attribute(v string) error {
	name, val, _ := strings.Cut(v, ":")
	if d, ok := parseDirection(name); ok {
		m.dir = d
		return nil
	}
	switch name {
	case "rtpmap":
		pt, enc, ok := strings.Cut(val, " ")
		if !ok {
			return badSDP("rtpmap")
		}
		if m.rtpmaps != nil && len(m.rtpmaps) < maxSDPFormats {
			m.rtpmaps[pt] = strings.ToUpper(strings.TrimSpace(enc))
		}
	case "rtcp":
		return m.rtcpAttribute(val)
	case "rtcp-mux":
		m.rtcpMux = true
	case "mid":
		m.mid = val
	case "ice-ufrag":
		m.iceUfrag = val
	case "ice-pwd":
		m.icePwd = val
	case "fingerprint":
		if len(m.prints) < 8 {
			m.prints = append(m.prints, val)
		}
	}
	return nil
}

// rtcpAttribute reads a=rtcp:PORT [IN IP4 ADDR] (RFC 3605).
func (m *mediaDesc) rtcpAttribute(v string) error {
	port, rest, _ := strings.Cut(strings.TrimSpace(v), " ")
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return badSDP("rtcp port")
	}
	var a netip.Addr
	if rest != "" {
		if a, err = parseConnection(rest); err != nil {
			return err
		}
	}
	m.rtcp = netip.AddrPortFrom(a, uint16(n))
	return nil
}

// isWebRTC: DTLS-SRTP with feedback is what browsers, and only they, offer.
func (m *mediaDesc) isWebRTC() bool {
	return m.kind == "audio" && m.proto == "UDP/TLS/RTP/SAVPF"
}

func (m *mediaDesc) isPlainAudio() bool {
	return m.kind == "audio" && (m.proto == "RTP/AVP" || m.proto == "RTP/AVPF")
}

// codecOf names the encoding of one payload type; static types need no rtpmap.
func (m *mediaDesc) codecOf(pt string) Codec {
	switch enc, ok := m.rtpmaps[pt]; {
	case !ok && pt == "0", enc == "PCMU/8000", enc == "PCMU/8000/1":
		return PCMU
	case !ok && pt == "8", enc == "PCMA/8000", enc == "PCMA/8000/1":
		return PCMA
	case enc == "TELEPHONE-EVENT/8000", enc == "TELEPHONE-EVENT/8000/1":
		return codecDTMF
	}
	return codecNone
}

// negotiate picks the first of the formats that is in allowed, and
// telephone-event. Payload types stay the offerer's (RFC 3264 section 6.1).
func (m *mediaDesc) negotiate(allowed []Codec) (format, bool) {
	f := format{dtmfPT: -1}
	for _, s := range m.formats {
		pt, err := strconv.ParseUint(s, 10, 7)
		if err != nil {
			continue
		}
		switch c := m.codecOf(s); {
		case c == codecDTMF && f.dtmfPT < 0:
			f.dtmfPT = int(pt)
			f.in[pt] = c
		case c == PCMU || c == PCMA:
			if !slices.Contains(allowed, c) {
				continue
			}
			f.in[pt] = c
			if f.codec == codecNone {
				f.codec, f.pt = c, uint8(pt)
			}
		}
	}
	return f, f.codec != codecNone
}
