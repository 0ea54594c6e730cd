package media

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// webTrack is pion's view of our stream out; sequence, timestamp and payload
// type are the sender's, only the SSRC is pion's.
type webTrack struct{ e *webrtcEndpoint }

var _ webrtc.TrackLocal = (*webTrack)(nil)

// Bind is webrtc.TrackLocal.
func (t *webTrack) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	codecs := c.CodecParameters()
	i := slices.IndexFunc(codecs, func(p webrtc.RTPCodecParameters) bool {
		return strings.EqualFold(p.MimeType, webrtc.MimeTypePCMU) || strings.EqualFold(p.MimeType, webrtc.MimeTypePCMA)
	})
	if i < 0 {
		return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
	}
	t.e.tx.mu.Lock()
	defer t.e.tx.mu.Unlock()
	t.e.tx.ssrc, t.e.stream = uint32(c.SSRC()), c.WriteStream()
	return codecs[i], nil
}

// Unbind is webrtc.TrackLocal.
func (t *webTrack) Unbind(webrtc.TrackLocalContext) error {
	t.e.tx.mu.Lock()
	defer t.e.tx.mu.Unlock()
	t.e.stream = nil
	return nil
}

// ID is webrtc.TrackLocal.
func (t *webTrack) ID() string { return "audio" }

// RID is webrtc.TrackLocal.
func (t *webTrack) RID() string { return "" }

// StreamID is webrtc.TrackLocal.
func (t *webTrack) StreamID() string { return "filo" }

// Kind is webrtc.TrackLocal.
func (t *webTrack) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeAudio }

// writePacket runs under tx.mu.
func (e *webrtcEndpoint) writePacket(b []byte) error {
	if e.stream == nil || !e.up.Load() {
		return errNoDestination
	}
	e.header = rtp.Header{
		Version:        2,
		Marker:         b[1]&0x80 != 0,
		PayloadType:    b[1] & 0x7F,
		SequenceNumber: binary.BigEndian.Uint16(b[2:]),
		Timestamp:      binary.BigEndian.Uint32(b[4:]),
		SSRC:           binary.BigEndian.Uint32(b[8:]),
	}
	_, err := e.stream.WriteRTP(&e.header, b[rtpHeaderLen:])
	return err
}
