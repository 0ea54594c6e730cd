package media

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// webrtcEndpoint is a browser's leg (or a robot's) on full pion. pion is always
// told sendrecv; hold is ours alone, because pion stops a transceiver that
// becomes inactive for good.
type webrtcEndpoint struct {
	endpoint
	pc *webrtc.PeerConnection
	up atomic.Bool // DTLS is done

	// Guarded by tx.mu.
	stream webrtc.TrackLocalWriter
	header rtp.Header

	mu       sync.Mutex // serialises offer/answer
	exchange exchange
	version  uint64     // of our descriptions (RFC 3264 section 8)
	told     netip.Addr // what the far side is told to be our address
}

var _ Endpoint = (*webrtcEndpoint)(nil)

// newWebRTCEndpoint is registered with the engine but not yet negotiated.
func newWebRTCEndpoint(en *Engine, api *webrtc.API, o Options) (*webrtcEndpoint, error) {
	pc, err := api.NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{en.web.certificate}})
	if err != nil {
		return nil, fmt.Errorf("webrtc leg: %w", err)
	}
	e := &webrtcEndpoint{pc: pc, told: en.reach.told(o)}
	e.init(en, WebRTC, o, e)
	pc.OnConnectionStateChange(e.stateChanged)
	pc.OnTrack(e.trackStarted)
	sender, err := pc.AddTrack(&webTrack{e})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("webrtc leg: %w", err), pc.GracefulClose())
	}
	if err := en.add(e, &e.endpoint); err != nil {
		return nil, errors.Join(err, pc.GracefulClose())
	}
	e.spawn(func() { e.readRTCP(sender.Read) })
	return e, nil
}

func (en *Engine) answerWebRTC(ctx context.Context, offer []byte, d *sessionDesc, i int, o Options) (Endpoint, []byte, error) {
	if err := checkWebRTC(d, i); err != nil {
		return nil, nil, err
	}
	e, err := newWebRTCEndpoint(en, en.web.answering, o)
	if err != nil {
		return nil, nil, err
	}
	answer, err := e.answer(ctx.Done(), offer, d, i)
	if err != nil {
		return nil, nil, errors.Join(err, ctx.Err(), e.Close())
	}
	return e, answer, nil
}

func (en *Engine) offerWebRTC(ctx context.Context, o Options) (Endpoint, []byte, error) {
	e, err := newWebRTCEndpoint(en, en.web.offering, o)
	if err != nil {
		return nil, nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	offer, err := e.offer(ctx.Done(), dirBoth)
	if err != nil {
		return nil, nil, errors.Join(err, ctx.Err(), e.Close())
	}
	return e, offer, nil
}

// checkWebRTC refuses what would be insecure or what pion would half accept.
func checkWebRTC(d *sessionDesc, i int) error {
	m := &d.media[i]
	strong := slices.ContainsFunc(m.prints, func(p string) bool {
		hash, _, ok := strings.Cut(strings.ToLower(p), " ")
		return ok && (hash == "sha-256" || hash == "sha-384" || hash == "sha-512")
	})
	switch {
	case !strong:
		return fmt.Errorf("%w: no strong fingerprint", ErrNotAcceptable)
	case m.iceUfrag == "" || m.icePwd == "":
		return fmt.Errorf("%w: no ICE credentials", ErrNotAcceptable)
	case !m.rtcpMux || m.mid == "":
		return fmt.Errorf("%w: rtcp-mux and mid are needed", ErrNotAcceptable)
	}
	for k := range d.media {
		if d.media[k].kind == "application" {
			return fmt.Errorf("%w: data channels", ErrNotAcceptable)
		}
	}
	if _, ok := m.negotiate([]Codec{PCMU, PCMA}); !ok {
		return fmt.Errorf("%w: no common codec", ErrNotAcceptable)
	}
	return nil
}

// withDirection replaces every direction of a description.
func withDirection(sdp string, dir direction) string {
	lines := strings.Split(sdp, "\n")
	for i, l := range lines {
		name, ok := strings.CutPrefix(strings.TrimRight(l, "\r"), "a=")
		if !ok {
			continue
		}
		if _, ok := parseDirection(name); ok {
			lines[i] = "a=" + dir.String() + "\r"
		}
	}
	return strings.Join(lines, "\n")
}

// describe makes what we send of pion's description: our direction, our version
// and the address by which the far side reaches us.
func (e *webrtcEndpoint) describe(local string, dir direction) []byte {
	e.version++
	head, rest, _ := strings.Cut(withAddress(withDirection(local, dir), e.engine.reach.bind, e.told), "\no=")
	origin, rest, _ := strings.Cut(rest, "\n")
	if f := strings.Fields(origin); len(f) == 6 {
		f[2] = strconv.FormatUint(e.version, 10)
		origin = strings.Join(f, " ") + "\r"
	}
	return []byte(head + "\no=" + origin + "\n" + rest)
}

// webrtcAudio finds the section that we use, -1 if there is none.
func webrtcAudio(d *sessionDesc) int {
	return slices.IndexFunc(d.media, func(m mediaDesc) bool { return m.isWebRTC() && m.port != 0 })
}

// answer gives pion an offer and makes ours; e.mu is not needed before the
// endpoint is known to the caller, but Reoffer holds it.
func (e *webrtcEndpoint) answer(stop <-chan struct{}, offer []byte, d *sessionDesc, i int) ([]byte, error) {
	err := e.pc.SetRemoteDescription(webrtc.SessionDescription{
		Type: webrtc.SDPTypeOffer, SDP: withDirection(string(offer), dirBoth),
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAcceptable, err)
	}
	answer, err := e.pc.CreateAnswer(nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAcceptable, err)
	}
	local, err := e.setLocal(stop, answer)
	if err != nil {
		return nil, err
	}
	e.exchange.remoteDir = d.media[i].dir
	if err := e.agree([]byte(local)); err != nil {
		return nil, err
	}
	e.exchange.offered = false
	return e.describe(local, e.exchange.direction()), nil
}

// offer makes our first offer; e.mu is held.
func (e *webrtcEndpoint) offer(stop <-chan struct{}, dir direction) ([]byte, error) {
	offer, err := e.pc.CreateOffer(nil)
	if err != nil {
		return nil, fmt.Errorf("webrtc offer: %w", err)
	}
	local, err := e.setLocal(stop, offer)
	if err != nil {
		return nil, err
	}
	e.exchange.offered = true
	return e.describe(local, dir), nil
}

// gatherTimeout bounds the gathering of candidates; ours are host candidates only.
const gatherTimeout = 2 * time.Second

var errGathering = errors.New("gathering of ICE candidates stopped")

// setLocal returns the description with all candidates in it.
func (e *webrtcEndpoint) setLocal(stop <-chan struct{}, d webrtc.SessionDescription) (string, error) {
	gathered := webrtc.GatheringCompletePromise(e.pc)
	if err := e.pc.SetLocalDescription(d); err != nil {
		return "", fmt.Errorf("webrtc local description: %w", err)
	}
	late := time.NewTimer(gatherTimeout)
	defer late.Stop()
	select {
	case <-gathered:
	case <-stop:
		return "", errGathering
	case <-late.C:
		return "", errGathering
	}
	return e.pc.LocalDescription().SDP, nil
}

// agree takes the formats from the answer, whoever made it.
func (e *webrtcEndpoint) agree(answer []byte) error {
	d, err := parseSDP(answer)
	if err != nil {
		return err
	}
	i := webrtcAudio(d)
	if i < 0 {
		return fmt.Errorf("%w: audio refused", ErrNotAcceptable)
	}
	f, ok := d.media[i].negotiate([]Codec{PCMU, PCMA})
	if !ok {
		return fmt.Errorf("%w: no common codec", ErrNotAcceptable)
	}
	for _, c := range e.opts.Codecs { // our preference, if the far side has it
		if pt := slices.Index(f.in[:], c); pt >= 0 {
			f.codec, f.pt = c, uint8(pt) //nolint:gosec // below 128
			break
		}
	}
	e.adopt(&e.exchange, f)
	return nil
}

// Accept is Endpoint.Accept.
func (e *webrtcEndpoint) Accept(answer []byte) error {
	d, err := parseSDP(answer)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.isClosed():
		return ErrClosed
	case !e.exchange.offered:
		return fmt.Errorf("%w: answer without offer", ErrState)
	}
	i := webrtcAudio(d)
	if i < 0 {
		return fmt.Errorf("%w: audio refused", ErrNotAcceptable)
	}
	if err = checkWebRTC(d, i); err != nil {
		return err
	}
	if !e.exchange.agreed { // later answers only say a direction
		err = e.pc.SetRemoteDescription(webrtc.SessionDescription{
			Type: webrtc.SDPTypeAnswer, SDP: withDirection(string(answer), dirBoth),
		})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNotAcceptable, err)
		}
	}
	e.exchange.remoteDir = d.media[i].dir
	return e.agree(answer)
}

// Reoffer is Endpoint.Reoffer.
func (e *webrtcEndpoint) Reoffer(offer []byte) ([]byte, error) {
	d, err := parseSDP(offer)
	if err != nil {
		return nil, err
	}
	i := webrtcAudio(d)
	if i < 0 {
		return nil, fmt.Errorf("%w: no WebRTC audio", ErrNotAcceptable)
	}
	if err := checkWebRTC(d, i); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isClosed() {
		return nil, ErrClosed
	}
	return e.answer(e.closing, offer, d, i)
}

// Hold is Endpoint.Hold. pion has no part in it: the offer is what is agreed
// already with another direction, so that nothing needs undoing when the far
// side refuses it or sends an offer of its own.
func (e *webrtcEndpoint) Hold(on bool) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isClosed() {
		return nil, ErrClosed
	}
	dir, err := e.exchange.hold(on)
	if err != nil {
		return nil, err
	}
	offer := string(e.describe(e.pc.LocalDescription().SDP, dir))
	for _, role := range []string{"active", "passive"} { // an offer leaves the role open (RFC 8842 section 5.5)
		offer = strings.Replace(offer, "a=setup:"+role, "a=setup:actpass", 1)
	}
	return []byte(offer), nil
}

// LocalAddr is Endpoint.LocalAddr.
func (e *webrtcEndpoint) LocalAddr() netip.AddrPort {
	e.mu.Lock()
	defer e.mu.Unlock()
	return netip.AddrPortFrom(e.told, e.engine.web.addr.Port())
}

// Facing is Endpoint.Facing.
func (e *webrtcEndpoint) Facing(source, advertise netip.Addr) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = e.engine.reach.told(Options{Source: source, Advertise: advertise})
	local := e.pc.LocalDescription()
	if local == nil {
		return nil // closed
	}
	return e.describe(local.SDP, dirBoth)
}

// Play is Endpoint.Play.
func (e *webrtcEndpoint) Play(ctx context.Context, p Prompt) error { return e.play(ctx, p) }

// SendDigits is Endpoint.SendDigits.
func (e *webrtcEndpoint) SendDigits(ctx context.Context, keys string) error {
	return e.sendDigits(ctx, keys)
}

// Close is Endpoint.Close.
func (e *webrtcEndpoint) Close() error { return e.shut(e.pc.GracefulClose) }

// stateChanged runs on pion's goroutine.
func (e *webrtcEndpoint) stateChanged(s webrtc.PeerConnectionState) {
	e.log.Debug("webrtc state", "state", s.String())
	switch s {
	case webrtc.PeerConnectionStateConnected:
		e.up.Store(true)
		e.emit(Connected, time.Now())
	case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
		e.up.Store(false)
		if !e.isClosed() {
			e.emit(Failed, time.Now())
		}
	default: // a disconnected agent may come back
	}
}

// trackStarted runs on pion's goroutine, for each SSRC of the far side.
func (e *webrtcEndpoint) trackStarted(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
	e.spawn(func() { e.readTrack(t) })
	e.spawn(func() { e.readRTCP(r.Read) })
}

func (e *webrtcEndpoint) readTrack(t *webrtc.TrackRemote) {
	var buf [maxPacket]byte
	for {
		n, _, err := t.Read(buf[:])
		if errors.Is(err, webrtc.ErrCodecNotFound) {
			continue // a payload type that nobody agreed on
		}
		if err != nil {
			return
		}
		if h, payload, ok := parseRTP(buf[:n]); ok {
			e.deliver(&h, payload, time.Now())
		}
	}
}
