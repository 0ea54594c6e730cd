package media

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/dtls/v3"
	dtlselliptic "github.com/pion/dtls/v3/pkg/crypto/elliptic"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"
)

const (
	// A browser's consent check comes every few seconds (RFC 7675).
	iceDisconnected = 7 * time.Second
	iceFailed       = 8 * time.Second // more
	iceKeepAlive    = 2 * time.Second

	dtlsRetransmit  = 100 * time.Millisecond
	webSocketBuffer = 4 << 20
	mtu             = 1500
	chromiumDTMFPT  = 126
)

// webEngine is what all WebRTC legs share: the certificate, the UDP port of
// answering legs, and two configurations of pion. Legs that answer are
// ICE-lite on the one port; legs that offer are full agents with ports of
// their own, because two of them may talk to one peer address, which one
// shared port could not tell apart.
type webEngine struct {
	answering, offering *webrtc.API
	certificate         webrtc.Certificate
	mux                 ice.UDPMux
	addr                netip.AddrPort
}

func newWebEngine(en *Engine) (*webEngine, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("webrtc key: %w", err)
	}
	cert, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, fmt.Errorf("webrtc certificate: %w", err)
	}
	w := &webEngine{certificate: *cert}
	if w.offering, err = newWebAPI(en, nil); err != nil {
		return nil, err
	}
	conn, err := listenUDP(en.reach.bind, uint16(en.cfg.WebRTCPort)) //nolint:gosec // validated
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(webSocketBuffer) // the kernel may allow less
	w.addr = netip.AddrPortFrom(en.reach.bind, portOf(conn))
	w.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn, Logger: pionLogger{en.log}})
	if w.answering, err = newWebAPI(en, w.mux); err != nil {
		_ = w.mux.Close()
		return nil, err
	}
	return w, nil
}

func (w *webEngine) close() error { return w.mux.Close() }

// newWebAPI configures pion: ICE-lite on mux, or a full agent when mux is nil.
func newWebAPI(en *Engine, mux ice.UDPMux) (*webrtc.API, error) {
	se := webrtc.SettingEngine{LoggerFactory: pionLogger{en.log}}
	se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	se.SetIncludeLoopbackCandidate(en.reach.bind.IsLoopback())
	se.SetIPFilter(func(ip net.IP) bool {
		a, _ := netip.AddrFromSlice(ip)
		return a.Unmap() == en.reach.bind
	})
	se.SetRemoteIPFilter(func(ip net.IP) bool {
		a, _ := netip.AddrFromSlice(ip)
		return en.policy.allows(a.Unmap())
	})
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	if en.reach.bind.Is6() {
		se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP6})
	}
	se.SetICETimeouts(iceDisconnected, iceFailed, iceKeepAlive)
	se.SetDTLSRetransmissionInterval(dtlsRetransmit)
	se.SetDTLSEllipticCurves(dtlselliptic.X25519, dtlselliptic.P256)
	se.SetDTLSInsecureSkipHelloVerify(true) // ICE has already proven the address
	se.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	se.SetReceiveMTU(mtu)
	se.SetFireOnTrackBeforeFirstRTP(true)
	if err := setWebPorts(&se, en, mux); err != nil {
		return nil, fmt.Errorf("webrtc settings: %w", err)
	}
	me, err := webCodecs()
	if err != nil {
		return nil, err
	}
	return webrtc.NewAPI(webrtc.WithSettingEngine(se), webrtc.WithMediaEngine(me),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{})), nil
}

func setWebPorts(se *webrtc.SettingEngine, en *Engine, mux ice.UDPMux) error {
	if mux != nil {
		se.SetLite(true)
		se.SetICEUDPMux(mux)
		return se.SetAnsweringDTLSRole(webrtc.DTLSRoleServer)
	}
	if en.cfg.PortMin == 0 {
		return nil
	}
	return se.SetEphemeralUDPPortRange(uint16(en.cfg.PortMin), uint16(en.cfg.PortMax)) //nolint:gosec // validated
}

// webCodecs is G.711 and telephone-event: what every browser must have (RFC 7874).
func webCodecs() (*webrtc.MediaEngine, error) {
	me := &webrtc.MediaEngine{}
	for _, c := range []struct {
		mime, fmtp string
		pt         webrtc.PayloadType
	}{
		{webrtc.MimeTypePCMU, "", 0},
		{webrtc.MimeTypePCMA, "", 8},
		{"audio/telephone-event", "0-16", chromiumDTMFPT},
	} {
		err := me.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: c.mime, ClockRate: sampleRate, Channels: 1, SDPFmtpLine: c.fmtp,
			},
			PayloadType: c.pt,
		}, webrtc.RTPCodecTypeAudio)
		if err != nil {
			return nil, fmt.Errorf("webrtc codec: %w", err)
		}
	}
	return me, nil
}
