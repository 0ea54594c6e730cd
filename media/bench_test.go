package media

import (
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bridgedPair is two bare sockets joined through the engine.
func bridgedPair(t testing.TB, en *Engine, o Options) (a, b *peer, legA, legB *rtpEndpoint) {
	a, b = newPeer(t, "127.0.0.1"), newPeer(t, "127.0.0.1")
	la, lb := a.answered(en, Options{}), b.answered(en, o)
	room := en.NewRoom()
	room.Join(la, Role{})
	room.Join(lb, Role{})
	return a, b, la.(*rtpEndpoint), lb.(*rtpEndpoint)
}

// BenchmarkRelay is the work on one packet once it is read: account, rewrite, send.
func BenchmarkRelay(b *testing.B) {
	for name, o := range map[string]Options{"passthrough": {}, "transcode": {Codecs: []Codec{PCMA}}} {
		b.Run(name, func(b *testing.B) {
			en := newEngine(b)
			_, _, leg, _ := bridgedPair(b, en, o)
			h := rtpHeader{ssrc: 1}
			now := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				h.seq++
				h.ts += frameSamples
				leg.deliver(&h, silentULaw[:frameSamples], now)
			}
		})
	}
}

// BenchmarkRelayWire is one packet from socket to socket, two wake-ups included.
func BenchmarkRelayWire(b *testing.B) {
	en := newEngine(b)
	from, err := listenUDP(netip.MustParseAddr("127.0.0.1"), 0)
	require.NoError(b, err)
	to, err := listenUDP(netip.MustParseAddr("127.0.0.1"), 0)
	require.NoError(b, err)
	defer func() { require.NoError(b, from.Close()); require.NoError(b, to.Close()) }()
	room := en.NewRoom()
	var in netip.AddrPort
	for _, c := range []uint16{portOf(to), portOf(from)} {
		p := &peer{addr: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), c)}
		e, _, err := en.Answer(b.Context(), p.sdp(), Options{})
		require.NoError(b, err)
		room.Join(e, Role{})
		in = e.LocalAddr()
	}
	packet := make([]byte, rtpHeaderLen+frameSamples)
	h := rtpHeader{ssrc: 1}
	buf := make([]byte, maxPacket)
	b.ReportAllocs()
	for b.Loop() {
		h.seq++
		h.ts += frameSamples
		h.put(packet)
		if _, err := from.WriteToUDPAddrPort(packet, in); err != nil {
			b.Fatal(err)
		}
		if _, _, err := to.ReadFromUDPAddrPort(buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPlayout is one 20 ms frame of one prompt, sent to a socket.
func BenchmarkPlayout(b *testing.B) {
	en := newEngine(b)
	p := newPeer(b, "127.0.0.1")
	leg := p.answered(en, Options{}).(*rtpEndpoint)
	pl := &player{t: &leg.tx, sound: Tone(440, time.Second).sound, loop: true}
	leg.tx.mu.Lock()
	leg.tx.playing = pl
	leg.tx.mu.Unlock()
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		pl.tick(now)
	}
}

// BenchmarkMix is 20 ms of a conference of five.
func BenchmarkMix(b *testing.B) {
	en := newEngine(b)
	room := en.NewRoom()
	var legs []*rtpEndpoint
	for range 5 {
		e := newPeer(b, "127.0.0.1").answered(en, Options{})
		room.Join(e, Role{})
		legs = append(legs, e.(*rtpEndpoint))
	}
	room.mu.Lock()
	x := room.mixer
	room.mu.Unlock()
	h := rtpHeader{ssrc: 1}
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		h.seq++
		for _, l := range legs {
			l.deliver(&h, silentULaw[:frameSamples], now)
		}
		x.tick(now)
	}
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	en := newEngine(t)
	_, _, leg, far := bridgedPair(t, en, Options{Codecs: []Codec{PCMA}})
	en.Meter(leg)
	h := rtpHeader{ssrc: 1}
	now := time.Now()
	deliver := func() {
		h.seq++
		h.ts += frameSamples
		leg.deliver(&h, silentULaw[:frameSamples], now)
	}
	deliver()
	require.Zero(t, testing.AllocsPerRun(100, deliver), "relay")
	_, err := leg.member.room.Record(RecordOptions{Left: leg, Open: (&memory{}).open})
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(100, deliver), "relay and recording")

	pl := &player{t: &far.tx, sound: Tone(440, time.Second).sound, loop: true}
	far.tx.mu.Lock()
	far.tx.playing = pl
	far.tx.mu.Unlock()
	require.Zero(t, testing.AllocsPerRun(100, func() { pl.tick(now) }), "playout")
}

// BenchmarkBridgedCalls holds 250 calls between robots for a second a round,
// robots and server in this process: 100 packets a second and call through the
// relay, 200 made and read by the robots.
func BenchmarkBridgedCalls(b *testing.B) {
	const calls = 250
	robots, server := newEngine(b), newEngine(b)
	var far, legs []Endpoint
	for range calls {
		r1, s1 := dial(b, robots, server, RTP, Options{}, Options{})
		r2, s2 := dial(b, robots, server, RTP, Options{}, Options{})
		room := server.NewRoom()
		room.Join(s1, Role{})
		room.Join(s2, Role{})
		talk(b, r1, 440)
		talk(b, r2, 1000)
		far, legs = append(far, r1, r2), append(legs, s1, s2)
	}
	sum := func(es []Endpoint) (in, lost uint64, jitter time.Duration) {
		for _, e := range es {
			s := e.Stats()
			in, lost, jitter = in+s.PacketsIn, lost+s.Lost, max(jitter, s.Jitter)
		}
		return in, lost, jitter
	}
	before, _, _ := sum(far)
	cpu := processCPU(b)
	start := time.Now()
	for b.Loop() {
		<-time.After(time.Second)
	}
	took := time.Since(start)
	cpu = processCPU(b) - cpu
	in, lost, jitter := sum(far)
	_, lostIn, _ := sum(legs)
	b.ReportMetric(float64(in-before)/took.Seconds(), "packets/s")
	b.ReportMetric(float64(lost+lostIn), "lost")
	b.ReportMetric(float64(jitter.Microseconds()), "jitter_max_us")
	b.ReportMetric(100*cpu.Seconds()/took.Seconds(), "cpu_%")
	b.ReportMetric(0, "ns/op")
}

func processCPU(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
