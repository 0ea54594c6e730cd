package media

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/stretchr/testify/require"
)

func TestReportsCrossTheWire(t *testing.T) {
	for _, kind := range []Kind{RTP, WebRTC} {
		t.Run(kind.String(), func(t *testing.T) {
			robots, server := newEngine(t), newEngine(t)
			r, s := dial(t, robots, server, kind, Options{}, Options{})
			talk(t, r, 440)
			talk(t, s, 880)
			require.Eventually(t, func() bool { return s.Stats().RoundTrip > 0 && r.Stats().RoundTrip > 0 }, eventually, 10*time.Millisecond)
			require.Less(t, s.Stats().RoundTrip, time.Second)
			require.Less(t, s.Stats().Jitter, 50*time.Millisecond)
		})
	}
}

func TestRemoteLossIsRead(t *testing.T) {
	server := newEngine(t)
	p := newPeer(t, "127.0.0.1")
	leg := p.answered(server, Options{}).(*rtpEndpoint)
	b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{
		{SSRC: leg.tx.ssrc + 1, TotalLost: 99},
		{SSRC: leg.tx.ssrc, TotalLost: 7, LastSenderReport: ntpMiddle(time.Now().Add(-100 * time.Millisecond)), Delay: 1 << 15},
	}}})
	require.NoError(t, err)
	leg.readReports(b, time.Now())
	require.EqualValues(t, 7, leg.Stats().RemoteLost)
	require.Zero(t, leg.Stats().RoundTrip, "a delay longer than the trip is nonsense")
}

func TestReceiverCountsAsRFC3550(t *testing.T) {
	r := &receiver{}
	r.in[0] = PCMU
	now := time.Now()
	feed := func(seq uint16, ssrc uint32) {
		now = now.Add(framePeriod)
		r.account(&rtpHeader{seq: seq, ts: uint32(seq) * frameSamples, ssrc: ssrc}, silentULaw[:frameSamples], now)
	}
	for _, seq := range []uint16{65533, 65534, 0, 65535, 1, 4} { // reordered over the wrap; 2 and 3 lost
		feed(seq, 1)
	}
	require.EqualValues(t, 8, r.expected())
	require.EqualValues(t, 2, r.lost())
	feed(4, 1) // a duplicate hides a loss, as the RFC says
	require.EqualValues(t, 1, r.lost())
	feed(100, 2) // a new SSRC keeps what was lost before
	require.EqualValues(t, 1, r.lostBefore+r.lost())
	feed(40000, 2) // the sender started anew
	feed(40001, 2)
	require.EqualValues(t, 1, r.lostBefore+r.lost())
}

func TestReceptionBlock(t *testing.T) {
	en := newEngine(t)
	p := newPeer(t, "127.0.0.1")
	leg := p.answered(en, Options{}).(*rtpEndpoint)
	require.Empty(t, leg.receptionBlocks(time.Now()))
	for i := range 10 {
		if i%2 == 1 {
			p.seq++ // every second one is lost
		}
		p.sendSilence()
	}
	require.Eventually(t, func() bool { return leg.Stats().PacketsIn == 10 }, eventually, time.Millisecond)
	b := leg.receptionBlocks(time.Now())
	require.Len(t, b, 1)
	require.EqualValues(t, 5, b[0].TotalLost)
	require.EqualValues(t, 5*256/15, b[0].FractionLost)
	b = leg.receptionBlocks(time.Now())
	require.Zero(t, b[0].FractionLost, "since the last report")
}

func FuzzReadReports(f *testing.F) {
	b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 7}}}, rtcp.NewCNAMESourceDescription(1, "x")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{0x81, 201, 0, 7, 0, 0, 0, 1})
	f.Fuzz(func(_ *testing.T, b []byte) {
		e := &endpoint{}
		e.tx.ssrc = 7
		e.readReports(b, time.Unix(1e9, 0))
	})
}
