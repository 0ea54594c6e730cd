package e2e

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// wavRate is the rate of recordings, in samples a second.
const wavRate = 8000

// window is how finely a recording is looked at.
const window = 50 * time.Millisecond

// audible is the amplitude of a tone that somebody says. A browser's noise
// suppression makes a steady tone much quieter than it was said.
const audible = 0.008

func sampleAt(d time.Duration) int { return int(d * wavRate / time.Second) }

// stereo reads a mu-law WAV of two channels as ITU-T G.711 says, to samples of
// -1..1.
func stereo(t *testing.T, path string) (left, right []float64) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	format, data := chunk(b, "fmt "), chunk(b, "data")
	require.GreaterOrEqual(t, len(format), 16)
	require.EqualValues(t, 7, binary.LittleEndian.Uint16(format), "mu-law")
	require.EqualValues(t, 2, binary.LittleEndian.Uint16(format[2:]), "channels")
	require.EqualValues(t, wavRate, binary.LittleEndian.Uint32(format[4:]))
	for i := 0; i+1 < len(data); i += 2 {
		left, right = append(left, muLaw(data[i])), append(right, muLaw(data[i+1]))
	}
	return left, right
}

// chunk returns the body of a RIFF chunk, nil when there is none.
func chunk(b []byte, id string) []byte {
	for i := 12; i+8 <= len(b); {
		size := int(binary.LittleEndian.Uint32(b[i+4:]))
		body := b[i+8 : min(i+8+size, len(b))]
		if bytes.Equal(b[i:i+4], []byte(id)) {
			return body
		}
		i += 8 + size + size%2
	}
	return nil
}

func muLaw(code byte) float64 {
	code = ^code
	magnitude := (int(code&0x0f)<<3+0x84)<<(code>>4&7) - 0x84
	if code&0x80 != 0 {
		magnitude = -magnitude
	}
	return float64(magnitude) / 32768
}

// run is a stretch in which somebody is heard.
type run struct{ from, to time.Duration }

func (r run) length() time.Duration { return r.to - r.from }

// spoken finds the stretches in which a tone is heard. Short gaps are bridged:
// a loaded machine's browser may stumble.
func spoken(sound []float64, hz float64) (runs []run) {
	for i := 0; i+sampleAt(window) <= len(sound); i += sampleAt(window) {
		if amplitude(sound[i:i+sampleAt(window)], hz) < audible {
			continue
		}
		from := time.Duration(i) * time.Second / wavRate
		if n := len(runs); n > 0 && from-runs[n-1].to < 500*time.Millisecond {
			runs[n-1].to = from + window
			continue
		}
		runs = append(runs, run{from, from + window})
	}
	return runs
}

// amplitude is that of one frequency in a stretch of sound.
func amplitude(sound []float64, hz float64) float64 {
	var re, im float64
	for i, v := range sound {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / wavRate)
		re, im = re+v*cos, im+v*sin
	}
	return 2 * math.Hypot(re, im) / float64(len(sound))
}

func loudest(sound []float64) (peak float64) {
	for _, v := range sound {
		peak = max(peak, math.Abs(v))
	}
	return peak
}
