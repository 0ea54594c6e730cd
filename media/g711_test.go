package media

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestG711RoundTrip(t *testing.T) {
	for _, c := range []Codec{PCMU, PCMA} {
		t.Run(c.String(), func(t *testing.T) {
			for i := range 256 {
				pcm := c.decode(nil, []byte{byte(i)})
				var back [1]byte
				c.encode(back[:], pcm)
				if c == PCMU && i == 0x7F {
					require.EqualValues(t, 0xFF, back[0], "both zeros become +0")
					continue
				}
				require.EqualValues(t, i, back[0])
			}
		})
	}
}

// Values of ITU-T G.711 tables 1 and 2 (scaled to 16 bits).
func TestG711KnownValues(t *testing.T) {
	require.EqualValues(t, -32124, ulawToPCM[0x00])
	require.EqualValues(t, 32124, ulawToPCM[0x80])
	require.EqualValues(t, 0, ulawToPCM[0xFF])
	require.EqualValues(t, -5504, alawToPCM[0x00])
	require.EqualValues(t, 5504, alawToPCM[0x80])
	require.EqualValues(t, 8, alawToPCM[0xD5])
	require.EqualValues(t, -32256, alawToPCM[0x2A])
}

func TestG711QuantisationError(t *testing.T) {
	for _, c := range []Codec{PCMU, PCMA} {
		for s := -32768; s < 32768; s += 7 {
			var b [1]byte
			c.encode(b[:], []int16{int16(s)})
			got := int(c.decode(nil, b[:])[0])
			limit := max(abs(s)/16, 16)
			if abs(s) > 32000 {
				limit = 1100 // clipping
			}
			require.LessOrEqual(t, abs(got-s), limit, "%s of %d gave %d", c, s, got)
		}
	}
}

func TestTranscodeKeepsLoudness(t *testing.T) {
	for i := range 256 {
		u, a := [1]byte{byte(i)}, [1]byte{}
		PCMU.transcode(PCMA, a[:], u[:])
		require.InDelta(t, ulawToPCM[i], alawToPCM[a[0]], float64(max(abs(int(ulawToPCM[i]))/16, 16)))
	}
}

func abs(x int) int {
	if x < 0 {
		return -x
	}
	return x
}

func BenchmarkTranscode(b *testing.B) {
	var src, dst [frameSamples]byte
	b.ReportAllocs()
	for b.Loop() {
		PCMU.transcode(PCMA, dst[:], src[:])
	}
}
