package trace

import (
	"net/netip"
	"strconv"
	"strings"
)

// SDP is a session description in short.
type SDP struct {
	Media []Media `json:"media"`
}

// Media is one media line.
type Media struct {
	Kind      string   `json:"kind"` // "audio"
	Port      int      `json:"port"` // 0: refused
	Profile   string   `json:"profile"`
	Codecs    []string `json:"codecs"`
	Address   string   `json:"address,omitempty"`
	Class     string   `json:"class,omitempty"` // of the address: "public", "private", "loopback", "none" (0.0.0.0), "name"
	Direction string   `json:"direction"`       // "sendrecv", "sendonly", "recvonly" or "inactive"
}

// String is the summary in one line: "PCMU,PCMA,dtmf private sendonly"; both
// directions go without saying.
func (s *SDP) String() string {
	var parts []string
	for _, m := range s.Media {
		text := strings.ReplaceAll(strings.Join(m.Codecs, ","), "telephone-event", "dtmf")
		if m.Kind != "audio" {
			text = strings.TrimSpace(m.Kind + " " + text)
		}
		switch {
		case m.Port == 0:
			text += " refused"
		case m.Direction == "sendrecv":
			text += " " + m.Class
		default:
			text += " " + m.Class + " " + m.Direction
		}
		if strings.Contains(m.Profile, "SAVP") {
			text += " encrypted"
		}
		parts = append(parts, strings.TrimSpace(text))
	}
	return strings.Join(parts, " + ")
}

// static are the payload types that need no rtpmap (RFC 3551 section 6).
var static = map[string]string{"0": "PCMU", "3": "GSM", "4": "G723", "8": "PCMA", "9": "G722", "13": "CN", "15": "G728", "18": "G729"}

// summarise reads a description that has been redacted; nil when it is none.
func summarise(body []byte) *SDP {
	var s SDP
	session := Media{Direction: "sendrecv"}
	at := &session
	for line := range strings.Lines(string(body)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok {
			continue
		}
		switch name {
		case "m":
			s.Media = append(s.Media, newMedia(value, session))
			at = &s.Media[len(s.Media)-1]
		case "c":
			at.connection(value)
		case "a":
			at.attribute(value)
		}
	}
	if len(s.Media) == 0 {
		return nil
	}
	for i := range s.Media {
		s.Media[i].name()
	}
	return &s
}

// newMedia reads "audio 4000 RTP/AVP 0 8"; its codecs are payload types still.
func newMedia(value string, session Media) Media {
	f := append(strings.Fields(value), "", "", "")
	m := Media{Kind: f[0], Profile: f[2], Address: session.Address, Class: session.Class, Direction: session.Direction}
	m.Port, _ = strconv.Atoi(f[1])
	for _, pt := range f[3:] {
		if pt != "" {
			m.Codecs = append(m.Codecs, pt)
		}
	}
	return m
}

func (m *Media) connection(value string) {
	f := strings.Fields(value)
	if len(f) == 3 {
		m.Address, _, _ = strings.Cut(f[2], "/")
		m.Class = classOf(m.Address)
	}
}

func classOf(address string) string {
	a, err := netip.ParseAddr(address)
	switch {
	case err != nil:
		return "name"
	case a.IsUnspecified():
		return "none"
	case a.IsLoopback():
		return "loopback"
	case a.IsPrivate() || a.IsLinkLocalUnicast() || shared.Contains(a):
		return "private"
	}
	return "public"
}

// shared is the address space between carriers and homes (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

func (m *Media) attribute(value string) {
	name, rest, _ := strings.Cut(value, ":")
	switch name {
	case "sendrecv", "sendonly", "recvonly", "inactive":
		m.Direction = name
	case "rtpmap":
		pt, codec, _ := strings.Cut(rest, " ")
		codec, _, _ = strings.Cut(codec, "/")
		for i, c := range m.Codecs {
			if c == pt {
				m.Codecs[i] = " " + codec // named: no payload type any more
			}
		}
	}
}

// name gives the payload types that no rtpmap named the names that they always have.
func (m *Media) name() {
	for i, c := range m.Codecs {
		if known, ok := static[c]; ok {
			c = known
		}
		m.Codecs[i] = strings.TrimSpace(c)
	}
}

// sdp redacts a session description line by line (RFC 8866 section 5).
func (r *redactor) sdp(body []byte) []byte {
	var b strings.Builder
	for line := range strings.Lines(string(body)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || len(name) != 1 || name[0] < 'a' || name[0] > 'z' {
			b.WriteString("a=" + gone + "\r\n")
			continue
		}
		rule, ok := sdpLines[name]
		if !ok {
			rule = fixed
		}
		b.WriteString(name + "=" + rule(r, value) + "\r\n")
	}
	return []byte(b.String())
}

var sdpLines = map[string]rule{
	"v": fields(number),
	"o": fields(dash, long, long, netType, addrType, host),
	"s": dash,
	"t": fields(number, number),
	"c": fields(netType, addrType, connectionHost),
	"b": pair(word("AS", "CT", "TIAS", "RS", "RR"), number),
	"m": mediaLine,
	"a": attribute,
}

func dash(*redactor, string) string { return "-" }

var (
	netType  = word("IN")
	addrType = word("IP4", "IP6")
)

// long is a rule for the numbers of an o= line, of up to 64 bits.
func long(r *redactor, s string) string {
	if !isNumber(s, 20) {
		return gone
	}
	return r.secrets.sweep(s)
}

// connectionHost is a rule for an address with the scope of a multicast.
func connectionHost(r *redactor, s string) string {
	addr, _, _ := strings.Cut(s, "/")
	return host(r, addr)
}

// pair is a rule for "a:b".
func pair(a, b rule) rule {
	return func(r *redactor, s string) string {
		x, y, _ := strings.Cut(s, ":")
		return a(r, x) + ":" + b(r, y)
	}
}

var (
	mediaKind  = word("audio", "video", "application", "text", "message", "image")
	mediaProto = word("RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF",
		"udptl", "UDP/DTLS/SCTP", "TCP/DTLS/SCTP", "DTLS/SCTP", "UDP/BFCP", "TCP/BFCP", "TCP/MSRP", "udp")
)

func mediaLine(r *redactor, s string) string {
	f := strings.Fields(s)
	if len(f) < 4 || len(f) > 64 {
		return gone
	}
	port, _, _ := strings.Cut(f[1], "/")
	out := mediaKind(r, f[0]) + " " + number(r, port) + " " + mediaProto(r, f[2])
	for _, format := range f[3:] {
		out += " " + payload(r, format)
	}
	return out
}

// payload is a rule for a payload type, or what other media have in its place.
func payload(r *redactor, s string) string {
	if isNumber(s, 3) {
		return s
	}
	return word("t38", "webrtc-datachannel", "*")(r, s)
}

// attribute is a rule for what follows "a=".
func attribute(r *redactor, s string) string {
	name, value, valued := strings.Cut(s, ":")
	rule, ok := attributes[strings.ToLower(name)]
	switch {
	case !ok && r.clear && !secretHeader(name):
		return s
	case !ok:
		return gone
	case !valued:
		return name
	}
	return name + ":" + rule(r, strings.TrimSpace(value))
}

var attributes = map[string]rule{
	"sendrecv": fixed, "sendonly": fixed, "recvonly": fixed, "inactive": fixed, "rtcp-mux": fixed, "rtcp-rsize": fixed, "ice-lite": fixed,
	"end-of-candidates": fixed, "bundle-only": fixed, "extmap-allow-mixed": fixed, "rtcp-mux-only": fixed,
	"rtpmap": fields(payload, rtpmap), "fmtp": formatParameters, "ptime": decimal, "maxptime": decimal, "framerate": decimal,
	"rtcp": fields(number, netType, addrType, host), "mid": mid, "group": fields(word("BUNDLE", "LS", "FID"), mid, mid, mid, mid, mid, mid),
	"setup": word("active", "passive", "actpass", "holdconn"), "connection": word("new", "existing"),
	"ice-options": fields(iceOption, iceOption, iceOption), "candidate": candidate, "rtcp-fb": fields(payload, feedback, feedback),
	"ice-ufrag": fixed, "ice-pwd": fixed, "crypto": fields(number, suite, fixed, fixed, fixed), "key-mgmt": fixed,
	"fingerprint": fields(word("sha-1", "sha-224", "sha-256", "sha-384", "sha-512"), fixed),
	"ssrc":        fixed, "msid": fixed, "tls-id": fixed, "identity": fixed,
}

// mid is a rule for the name of a media section; what most programs call it.
func mid(r *redactor, s string) string {
	if isNumber(s, 3) {
		return s
	}
	return word("audio", "video", "data", "a", "v")(r, s)
}

var (
	iceOption = word("trickle", "ice2", "renomination", "google-ice")
	feedback  = word("nack", "pli", "fir", "ccm", "goog-remb", "transport-cc", "tmmbr")
	suite     = word("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_32",
		"AES_192_CM_HMAC_SHA1_80", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "F8_128_HMAC_SHA1_80")
	codec = word("PCMU", "PCMA", "G722", "G721", "G723", "G726-16", "G726-24", "G726-32", "G726-40", "G728", "G729", "GSM", "GSM-EFR", "iLBC", "ISAC",
		"speex", "AMR", "AMR-WB", "EVS", "SILK", "opus", "L16", "CN", "telephone-event", "red", "ulpfec", "flexfec-03", "rtx", "VP8", "VP9", "H261",
		"H263", "H263-1998", "H264", "H265", "AV1", "t140", "G7221", "BV16", "CLEARMODE")
)

// rtpmap is a rule for "opus/48000/2".
func rtpmap(r *redactor, s string) string {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 {
		return gone
	}
	parts[0] = codec(r, parts[0])
	for i := range parts[1:] {
		parts[i+1] = number(r, parts[i+1])
	}
	return strings.Join(parts, "/")
}

// formatParameters is a rule for fmtp: the names that are known, with short values.
func formatParameters(r *redactor, s string) string {
	pt, rest, _ := strings.Cut(s, " ")
	var kept []string
	for p := range strings.SplitSeq(rest, ";") {
		name, value, valued := strings.Cut(strings.TrimSpace(p), "=")
		switch {
		case !valued && strings.Trim(name, "0123456789-,") == "" && maskRuns(name) == name: // the events of RFC 4733
			kept = append(kept, name)
		case formatNames[strings.ToLower(name)] && (isNumber(value, 6) || value == "yes" || value == "no"):
			kept = append(kept, name+"="+value)
		default:
			kept = append(kept, gone)
		}
	}
	return payload(r, pt) + " " + strings.Join(kept, ";")
}

var formatNames = setOf("minptime", "ptime", "maxptime", "useinbandfec", "usedtx", "stereo", "sprop-stereo", "maxplaybackrate", "sprop-maxcapturerate",
	"maxaveragebitrate", "cbr", "mode", "octet-align", "annexb", "bitrate", "mode-change-capability", "max-red", "apt", "packetization-mode",
	"level-asymmetry-allowed", "crc", "interleaving", "vbr", "br", "bw", "cmr", "ch-aw-recv", "dtx")

// candidate is a rule for ICE candidates (RFC 8839 section 5.1).
func candidate(r *redactor, s string) string {
	f := strings.Fields(s)
	if len(f) < 8 || f[6] != "typ" {
		return gone
	}
	out := []string{
		number(r, f[0]), number(r, f[1]), word("udp", "tcp")(r, f[2]), number(r, f[3]), host(r, f[4]), number(r, f[5]),
		"typ", word("host", "srflx", "prflx", "relay")(r, f[7]),
	}
	for i := 8; i+1 < len(f); i += 2 {
		if rule, ok := candidateMore[f[i]]; ok {
			out = append(out, f[i], rule(r, f[i+1]))
		}
	}
	return strings.Join(out, " ")
}

var candidateMore = map[string]rule{
	"raddr": host, "rport": number, "tcptype": word("active", "passive", "so"), "generation": number, "network-id": number, "network-cost": number,
}
