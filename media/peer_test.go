package media

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// peer is a bare RTP socket with its own SDP, as a SIPp scenario has: it
// records every packet and sends what it is told.
type peer struct {
	t    testing.TB
	conn *net.UDPConn
	addr netip.AddrPort
	to   netip.AddrPort
	wg   sync.WaitGroup

	mu  sync.Mutex
	got []captured

	seq  uint16
	ts   uint32
	ssrc uint32
}

type captured struct {
	h       rtpHeader
	payload []byte
	at      time.Time
}

func newPeer(t testing.TB, ip string) *peer {
	t.Helper()
	conn, err := listenUDP(netip.MustParseAddr(ip), 0)
	require.NoError(t, err)
	p := &peer{t: t, conn: conn, addr: netip.AddrPortFrom(netip.MustParseAddr(ip), portOf(conn)), ssrc: randUint32(), seq: 65500}
	p.wg.Go(p.read)
	t.Cleanup(func() {
		_ = conn.Close()
		p.wg.Wait()
	})
	return p
}

func (p *peer) read() {
	var buf [maxPacket]byte
	for {
		n, _, err := p.conn.ReadFromUDPAddrPort(buf[:])
		if err != nil {
			return
		}
		if h, payload, ok := parseRTP(buf[:n]); ok && !looksLikeRTCP(buf[:n]) {
			p.mu.Lock()
			p.got = append(p.got, captured{h, append([]byte(nil), payload...), time.Now()})
			p.mu.Unlock()
		}
	}
}

func (p *peer) received() []captured {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]captured(nil), p.got...)
}

// sdp is an offer or answer with our address and extra attributes.
func (p *peer) sdp(attrs ...string) []byte {
	s := fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/AVP 0 8 101\r\n"+
		"a=rtpmap:101 telephone-event/8000\r\n", p.addr.Addr(), p.addr.Addr(), p.addr.Port())
	for _, a := range attrs {
		s += "a=" + a + "\r\n"
	}
	return []byte(s)
}

// answered lets en answer this peer's offer and points the peer at it.
func (p *peer) answered(en *Engine, o Options) Endpoint {
	p.t.Helper()
	e, _, err := en.Answer(p.t.Context(), p.sdp(), o)
	require.NoError(p.t, err)
	p.to = e.LocalAddr()
	return e
}

// send sends one frame of silence.
func (p *peer) send(pt uint8, payload []byte) {
	p.t.Helper()
	b := make([]byte, rtpHeaderLen+len(payload))
	h := rtpHeader{pt: pt, seq: p.seq, ts: p.ts, ssrc: p.ssrc}
	h.put(b)
	copy(b[rtpHeaderLen:], payload)
	_, err := p.conn.WriteToUDPAddrPort(b, p.to)
	require.NoError(p.t, err)
	p.seq++
	if pt != 101 {
		p.ts += uint32(len(payload))
	}
}

func (p *peer) sendSilence() { p.send(0, silentULaw[:frameSamples]) }

// stream sends silence every 20 ms until stopped.
func (p *peer) stream() (stop func()) { return p.every(p.sendSilence) }

// every does send every 20 ms until stopped.
func (p *peer) every(send func()) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(framePeriod)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				send()
			}
		}
	})
	stop = sync.OnceFunc(func() {
		close(done)
		wg.Wait()
	})
	p.t.Cleanup(stop)
	return stop
}

const eventually = 5 * time.Second

func (p *peer) waitFor(n int) []captured {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return len(p.received()) >= n }, eventually, time.Millisecond)
	return p.received()
}
