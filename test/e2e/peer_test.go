package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/media"
)

// peer is the audio of somebody whose signalling is not ours: it says a tone
// and measures what it hears. Its address goes into the other's SDP.
type peer struct {
	*media.Meter
	t  *testing.T
	ep media.Endpoint
	hz float64

	payload, codec string // as in SDP
}

// newPeer opens a port; nothing is sent before talkTo.
func (w *world) newPeer(hz float64, codecs ...media.Codec) *peer {
	w.t.Helper()
	ep, _, err := w.kit.Media.Offer(w.t.Context(), media.Options{Label: "peer", Codecs: codecs}, media.RTP)
	require.NoError(w.t, err)
	p := &peer{t: w.t, ep: ep, hz: hz, payload: "0", codec: "PCMU", Meter: w.kit.Media.Meter(ep)}
	w.t.Cleanup(func() { require.NoError(w.t, ep.Close()) })
	return p
}

// port is where the peer hears.
func (p *peer) port() string { return fmt.Sprint(p.ep.LocalAddr().Port()) }

// sdpFor is a description of plain G.711 with telephone events.
func sdpFor(port string) []byte { return sdpOf(port, "0", "PCMU") }

func sdpOf(port, payload, codec string) []byte {
	return []byte("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
		"m=audio " + port + " RTP/AVP " + payload + " 101\r\na=rtpmap:" + payload + " " + codec + "/8000\r\na=rtpmap:101 telephone-event/8000\r\n" +
		"a=fmtp:101 0-15\r\na=sendrecv\r\n")
}

// talkTo begins to say the tone to a port.
func (p *peer) talkTo(port string) {
	p.t.Helper()
	require.NoError(p.t, p.ep.Accept(sdpOf(port, p.payload, p.codec)))
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.t.Context()))
	var wg sync.WaitGroup
	var err error
	wg.Go(func() { err = p.ep.Play(ctx, robot.Tone(p.hz).Looped()) })
	p.t.Cleanup(func() {
		cancel()
		wg.Wait()
		if !errors.Is(err, context.Canceled) && !errors.Is(err, media.ErrInterrupted) {
			require.NoError(p.t, err)
		}
	})
}

// music waits until something audible comes that is not the agent's tone.
func music(t *testing.T, m *media.Meter) {
	t.Helper()
	eventually(t, "music, and the agent's tone gone", func() bool { return m.RMS() > 200 && m.Level(agentHz) < 0.2 })
}
