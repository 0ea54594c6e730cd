package media

import (
	"time"

	"github.com/pion/interceptor"
)

// readRTCP drains one RTCP stream of pion; it ends when the leg closes.
func (e *webrtcEndpoint) readRTCP(read func([]byte) (int, interceptor.Attributes, error)) {
	var buf [maxPacket]byte
	for {
		n, _, err := read(buf[:])
		if err != nil {
			return
		}
		e.readReports(buf[:n], time.Now())
	}
}

// housekeep sends a report when one is due and checks the time-out.
func (e *webrtcEndpoint) housekeep(now time.Time) {
	e.endpoint.housekeep(now)
	every := e.engine.cfg.RTCPInterval
	if every == 0 || !e.up.Load() || !e.remote.due(now, every) {
		return
	}
	_ = e.pc.WriteRTCP(e.report(now)) // like RTP: lost reports are lost
}
