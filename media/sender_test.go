package media

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// recorder is a transport that keeps the packets.
type recorder struct {
	got     []rtpHeader
	payload [][]byte
}

func (r *recorder) writePacket(b []byte) error {
	h, payload, _ := parseRTP(b)
	r.got = append(r.got, h)
	r.payload = append(r.payload, bytes.Clone(payload))
	return nil
}

func newTestSender() (*sender, *recorder) {
	t, out := &sender{}, &recorder{}
	t.init(out, newMetrics(nil))
	t.setFormat(format{codec: PCMU, dtmfPT: 101}, true)
	return t, out
}

// Whatever a peer sends, wherever it restarts its numbers, the far side never
// sees a sequence number twice, and time never goes back between sources.
func TestForwardProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, out := newTestSender()
		sources := [2]source{}
		now := time.Unix(0, 0)
		h := rtpHeader{ssrc: 1}
		fresh := func() {
			h.seq = rapid.Uint16().Draw(t, "seq")
			h.ts = rapid.Uint32().Draw(t, "ts")
		}
		fresh()
		which := 0
		seen := map[uint16]bool{}
		for range rapid.IntRange(1, 200).Draw(t, "packets") {
			now = now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				which = 1 - which
				fresh()
			case 1:
				fresh() // a restart that nobody announced
			case 2:
				h.seq += uint16(rapid.IntRange(0, 20).Draw(t, "lost"))
			}
			h.seq++
			h.ts += frameSamples
			before := len(out.got)
			s.listen(&sources[which])
			s.forward(&sources[which], &h, PCMU, silentULaw[:frameSamples], now)
			for _, g := range out.got[before:] {
				if seen[g.seq] {
					t.Fatalf("sequence number %d twice", g.seq)
				}
				seen[g.seq] = true
				if before > 0 && int32(g.ts-out.got[before-1].ts) > 10*sampleRate {
					t.Fatalf("time jumped by %d", int32(g.ts-out.got[before-1].ts))
				}
			}
		}
	})
}

func TestLatenessDoesNotAddUp(t *testing.T) {
	s, out := newTestSender()
	var a, b source
	now := time.Unix(0, 0)
	for range 10 { // every frame 30 ms late in the end
		s.frame(&a, silentULaw[:frameSamples], now)
		now = now.Add(50 * time.Millisecond)
	}
	s.frame(&b, silentULaw[:frameSamples], now)
	require.EqualValues(t, samples(500*time.Millisecond), out.got[10].ts-out.got[0].ts)
	require.True(t, out.got[10].marker)
}

func TestLateAndDuplicatePacketsOfTheOldSource(t *testing.T) {
	s, out := newTestSender()
	var a, b source
	now := time.Unix(0, 0)
	send := func(src *source, seq uint16) {
		s.listen(src)
		s.forward(src, &rtpHeader{seq: seq, ts: uint32(seq) * frameSamples}, PCMU, silentULaw[:frameSamples], now)
		now = now.Add(framePeriod)
	}
	send(&a, 10)
	send(&a, 12) // 11 is late
	send(&a, 11)
	require.EqualValues(t, 1, out.got[2].seq-out.got[0].seq, "reordering passes through")
	send(&b, 500)
	send(&b, 499) // before the switch: its number is taken
	require.Len(t, out.got, 4)
	send(&b, 501)
	require.EqualValues(t, out.got[3].seq+1, out.got[4].seq)
}
