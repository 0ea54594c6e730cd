package media

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sdpLines joins with CRLF.
func sdpLines(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

const (
	fingerprint = "sha-256 0F:74:31:25:CB:A2:13:EC:28:6F:6D:2C:61:FF:5D:C2:BC:B9:DB:3D:98:14:8D:1A:BB:EA:33:0C:A4:60:A8:8E"

	// What Chromium offers, shortened.
	chromiumOffer = "v=0\r\no=- 8403615332048243445 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n" +
		"m=audio 45423 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 127.0.0.1\r\na=rtcp:9 IN IP4 0.0.0.0\r\n" +
		"a=candidate:1467250027 1 udp 2122260223 127.0.0.1 45423 typ host generation 0\r\n" +
		"a=ice-ufrag:yH+c\r\na=ice-pwd:M9rVvHYYnFqCDZpYcCDvYDNh\r\na=fingerprint:" + fingerprint + "\r\na=setup:actpass\r\n" +
		"a=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:9 G722/8000\r\n" +
		"a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\na=rtpmap:110 telephone-event/48000\r\n" +
		"a=rtpmap:126 telephone-event/8000\r\na=ssrc:2754258133 cname:dGVzdA\r\na=msid:- 5a1c\r\n"
)

func TestParseSDP(t *testing.T) {
	cases := map[string]struct {
		sdp  string
		want error
	}{
		"smallest":           {"v=0\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0", nil},
		"chromium":           {chromiumOffer, nil},
		"unknown lines":      {sdpLines("v=0", "x=1", "b=AS:64", "c=IN IP4 1.2.3.4", "m=audio 9 RTP/AVP 0", "z=0"), nil},
		"empty":              {"", ErrBadSDP},
		"only version":       {"v=0\r\n", ErrBadSDP},
		"not SDP":            {"INVITE sip:x SIP/2.0\r\n", ErrBadSDP},
		"no version":         {sdpLines("o=- 1 1 IN IP4 1.1.1.1", "m=audio 9 RTP/AVP 0"), ErrBadSDP},
		"version 1":          {sdpLines("v=1", "m=audio 9 RTP/AVP 0"), ErrBadSDP},
		"NUL":                {"v=0\r\nm=audio 9 RTP/AVP 0\x00\r\n", ErrBadSDP},
		"port too big":       {sdpLines("v=0", "m=audio 65536 RTP/AVP 0"), ErrBadSDP},
		"port negative":      {sdpLines("v=0", "m=audio -1 RTP/AVP 0"), ErrBadSDP},
		"no formats":         {sdpLines("v=0", "m=audio 9 RTP/AVP"), ErrBadSDP},
		"bad connection":     {sdpLines("v=0", "c=IN IP4", "m=audio 9 RTP/AVP 0"), ErrBadSDP},
		"mixed families":     {sdpLines("v=0", "c=IN IP6 1.2.3.4", "m=audio 9 RTP/AVP 0"), ErrBadSDP},
		"zone":               {sdpLines("v=0", "c=IN IP6 fe80::1%eth0", "m=audio 9 RTP/AVP 0"), ErrBadSDP},
		"bad rtcp":           {sdpLines("v=0", "m=audio 9 RTP/AVP 0", "a=rtcp:x"), ErrBadSDP},
		"bad rtpmap":         {sdpLines("v=0", "m=audio 9 RTP/AVP 0", "a=rtpmap:0"), ErrBadSDP},
		"too long":           {"v=0\r\n" + strings.Repeat("a=x\r\n", maxSDP/5), ErrBadSDP},
		"too many lines":     {"v=0\n" + strings.Repeat("a=\n", maxSDPLines), ErrBadSDP},
		"too many media":     {"v=0\n" + strings.Repeat("m=audio 9 RTP/AVP 0\n", maxSDPMedia+1), ErrBadSDP},
		"too many formats":   {"v=0\nm=audio 9 RTP/AVP" + strings.Repeat(" 0", maxSDPFormats+1), ErrBadSDP},
		"control characters": {"v=0\nm=audio 9 RTP/AVP 0\x01", ErrBadSDP},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := parseSDP([]byte(c.sdp))
			require.ErrorIs(t, err, c.want)
		})
	}
}

func TestSDPDefaultsAndOverrides(t *testing.T) {
	d, err := parseSDP([]byte(sdpLines("v=0", "c=IN IP4 10.0.0.1", "a=inactive",
		"m=audio 4000 RTP/AVP 0", "c=IN IP4 10.0.0.2/127", "a=sendonly", "a=rtcp:4005 IN IP4 10.0.0.3",
		"m=video 5000 RTP/AVP 31")))
	require.NoError(t, err)
	require.Equal(t, netip.MustParseAddr("10.0.0.2"), d.media[0].conn)
	require.Equal(t, dirSend, d.media[0].dir)
	require.Equal(t, netip.MustParseAddrPort("10.0.0.3:4005"), d.media[0].rtcp)
	require.Equal(t, netip.MustParseAddr("10.0.0.1"), d.media[1].conn)
	require.Equal(t, dirInactive, d.media[1].dir)
}

func TestNegotiate(t *testing.T) {
	both := []Codec{PCMU, PCMA}
	cases := map[string]struct {
		media   []string
		allowed []Codec
		ok      bool
		codec   Codec
		pt      uint8
		dtmf    int
	}{
		"offerer's order":        {[]string{"m=audio 9 RTP/AVP 8 0"}, both, true, PCMA, 8, -1},
		"telephone-event 101":    {[]string{"m=audio 9 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"}, both, true, PCMU, 0, 101},
		"telephone-event 126":    {[]string{"m=audio 9 RTP/AVP 0 110 126", "a=rtpmap:110 telephone-event/48000", "a=rtpmap:126 telephone-event/8000"}, both, true, PCMU, 0, 126},
		"dynamic PCMU":           {[]string{"m=audio 9 RTP/AVP 97", "a=rtpmap:97 pcmu/8000"}, both, true, PCMU, 97, -1},
		"static number remapped": {[]string{"m=audio 9 RTP/AVP 0", "a=rtpmap:0 opus/48000/2"}, both, false, codecNone, 0, -1},
		"only opus":              {[]string{"m=audio 9 RTP/AVP 111", "a=rtpmap:111 opus/48000/2"}, both, false, codecNone, 0, -1},
		"only telephone-event":   {[]string{"m=audio 9 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"}, both, false, codecNone, 0, 101},
		"restricted":             {[]string{"m=audio 9 RTP/AVP 0 8"}, []Codec{PCMA}, true, PCMA, 8, -1},
		"payload type 128":       {[]string{"m=audio 9 RTP/AVP 128", "a=rtpmap:128 PCMU/8000"}, both, false, codecNone, 0, -1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d, err := parseSDP([]byte(sdpLines(append([]string{"v=0"}, c.media...)...)))
			require.NoError(t, err)
			f, ok := d.media[0].negotiate(c.allowed)
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.codec, f.codec)
			require.Equal(t, c.pt, f.pt)
			require.Equal(t, c.dtmf, f.dtmfPT)
		})
	}
}

func TestAnswer(t *testing.T) {
	server := newEngine(t)
	cases := map[string]struct {
		offer string
		want  error
		has   []string
	}{
		"second section is plain audio": {
			sdpLines("v=0", "c=IN IP4 127.0.0.1", "m=video 5000 RTP/AVP 31 96", "m=audio 9 RTP/AVP 0", "m=audio 11 RTP/AVP 0"), nil,
			[]string{"m=video 0 RTP/AVP 31 96\r\nm=audio ", "m=audio 0 RTP/AVP 0\r\n"},
		},
		"secure or plain": {
			sdpLines("v=0", "c=IN IP4 127.0.0.1", "m=audio 7 RTP/SAVP 0", "a=crypto:1 X", "m=audio 9 RTP/AVP 0"), nil,
			[]string{"m=audio 0 RTP/SAVP 0\r\n"},
		},
		"rtcp-mux":         {sdpLines("v=0", "c=IN IP4 127.0.0.1", "m=audio 9 RTP/AVP 0", "a=rtcp-mux"), nil, []string{"a=rtcp-mux\r\n", "a=ptime:20\r\n"}},
		"AVPF":             {sdpLines("v=0", "c=IN IP4 127.0.0.1", "m=audio 9 RTP/AVPF 0"), nil, []string{" RTP/AVPF 0\r\n"}},
		"telephone-event":  {sdpLines("v=0", "c=IN IP4 127.0.0.1", "m=audio 9 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000"), nil, []string{"RTP/AVP 0 96", "a=fmtp:96 0-15"}},
		"SRTP":             {sdpLines("v=0", "c=IN IP4 127.0.0.1", "m=audio 9 RTP/SAVP 0"), ErrNotAcceptable, nil},
		"SDES SAVPF":       {sdpLines("v=0", "c=IN IP4 127.0.0.1", "m=audio 9 RTP/SAVPF 0"), ErrNotAcceptable, nil},
		"refused section":  {sdpLines("v=0", "c=IN IP4 127.0.0.1", "m=audio 0 RTP/AVP 0"), ErrNotAcceptable, nil},
		"only video":       {sdpLines("v=0", "c=IN IP4 127.0.0.1", "m=video 9 RTP/AVP 31"), ErrNotAcceptable, nil},
		"no codec":         {sdpLines("v=0", "c=IN IP4 127.0.0.1", "m=audio 9 RTP/AVP 9"), ErrNotAcceptable, nil},
		"no connection":    {sdpLines("v=0", "m=audio 9 RTP/AVP 0"), ErrBadSDP, nil},
		"host name":        {sdpLines("v=0", "c=IN IP4 evil.example", "m=audio 9 RTP/AVP 0"), ErrNotAcceptable, nil},
		"other family":     {sdpLines("v=0", "c=IN IP6 ::1", "m=audio 9 RTP/AVP 0"), ErrNotAcceptable, nil},
		"metadata service": {sdpLines("v=0", "c=IN IP4 169.254.169.254", "m=audio 80 RTP/AVP 0"), ErrNotAcceptable, nil},
		"multicast":        {sdpLines("v=0", "c=IN IP4 224.1.1.1/127", "m=audio 9 RTP/AVP 0"), ErrNotAcceptable, nil},
		"broadcast":        {sdpLines("v=0", "c=IN IP4 255.255.255.255", "m=audio 9 RTP/AVP 0"), ErrNotAcceptable, nil},
		"garbage":          {"hello", ErrBadSDP, nil},
		"chromium":         {chromiumOffer, nil, []string{"UDP/TLS/RTP/SAVPF 0 8 126\r\n", "a=ice-lite", "a=setup:passive", "a=fingerprint:sha-256", "a=rtcp-mux", "typ host"}},
		"mDNS candidate":   {strings.Replace(chromiumOffer, "2122260223 127.0.0.1", "2122260223 1f4712db-ea17-4bcf-a596-105139dfd8bf.local", 1), nil, nil},
		"video beside":     {chromiumOffer + sdpLines("m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:1", "a=sendrecv", "a=rtcp-mux", "a=rtpmap:96 VP8/90000"), nil, []string{"m=video 0 UDP/TLS/RTP/SAVPF"}},
		"no fingerprint":   {strings.Replace(chromiumOffer, "a=fingerprint:", "a=x:", 1), ErrNotAcceptable, nil},
		"weak fingerprint": {strings.Replace(chromiumOffer, "sha-256", "sha-1", 1), ErrNotAcceptable, nil},
		"no ICE":           {strings.Replace(chromiumOffer, "a=ice-pwd:", "a=x:", 1), ErrNotAcceptable, nil},
		"no mux":           {strings.Replace(chromiumOffer, "a=rtcp-mux", "a=x", 1), ErrNotAcceptable, nil},
		"only opus":        {strings.NewReplacer("PCMU", "X", "PCMA", "X").Replace(chromiumOffer), ErrNotAcceptable, nil},
		"data channel": {
			chromiumOffer + sdpLines("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:1", "a=sctp-port:5000"),
			ErrNotAcceptable, nil,
		},
		"broken fingerprint": {strings.Replace(chromiumOffer, "0F:74", "ZZ", 1), nil, nil}, // fails in DTLS
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e, answer, err := server.Answer(t.Context(), []byte(c.offer), Options{})
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
				require.Nil(t, e)
				return
			}
			require.NoError(t, err)
			for _, s := range c.has {
				require.Contains(t, string(answer), s)
			}
			_, err = parseSDP(answer)
			require.NoError(t, err)
			require.NoError(t, e.Close())
		})
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	require.Empty(t, server.endpoints, "a refused offer leaves nothing")
}

func TestSessionVersion(t *testing.T) {
	server := newEngine(t)
	p := newPeer(t, "127.0.0.1")
	leg, first, err := server.Answer(t.Context(), p.sdp(), Options{})
	require.NoError(t, err)
	same, err := leg.Reoffer(p.sdp())
	require.NoError(t, err)
	require.Equal(t, string(first), string(same), "nothing changed: the same version")
	held, err := leg.Reoffer(p.sdp("sendonly"))
	require.NoError(t, err)
	origin := func(b []byte) string { return strings.Split(string(b), "\r\n")[1] }
	require.NotEqual(t, origin(first), origin(held))
}

func FuzzParseSDP(f *testing.F) {
	f.Add([]byte(chromiumOffer))
	f.Add([]byte(sdpLines("v=0", "c=IN IP4 127.0.0.1", "m=audio 9/2 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000", "a=rtcp:10", "a=sendonly")))
	f.Add([]byte(sdpLines("v=0", "m=audio 0 RTP/AVP 0", "c=IN IP6 ::1", "a=inactive")))
	f.Add([]byte("v=0\nm=\nc=\na=\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseSDP(b)
		if err != nil {
			return
		}
		l := localDesc{addr: netip.MustParseAddr("127.0.0.1"), rtpPort: 4000, rtcpPort: 4001}
		for i := range d.media {
			fm, ok := d.media[i].negotiate([]Codec{PCMU, PCMA})
			if !ok {
				continue
			}
			back, err := parseSDP(l.answer(d, i, fm, dirBoth))
			if err != nil {
				t.Fatalf("our answer does not parse: %v", err)
			}
			if len(back.media) != len(d.media) {
				t.Fatalf("%d sections for %d", len(back.media), len(d.media))
			}
		}
	})
}
