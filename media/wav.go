package media

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

const (
	maxWAV = 64 << 20

	wavPCM        = 1
	wavALaw       = 6
	wavMuLaw      = 7
	wavExtensible = 0xFFFE
)

type wavFormat struct {
	tag, channels, bits int
	rate                int // Hz
}

// LoadWAV reads a RIFF WAVE file: PCM of 16 bits, mu-law or A-law, one or two
// channels, 8 to 96 kHz, at most 64 MiB. The result is 8 kHz mono. Errors are
// ErrBadWAV and those of r.
func LoadWAV(r io.Reader) (Prompt, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxWAV+1))
	if err != nil {
		return Prompt{}, fmt.Errorf("read WAV: %w", err)
	}
	if len(b) > maxWAV {
		return Prompt{}, badWAV("more than %d bytes", maxWAV)
	}
	f, data, err := parseWAV(b)
	if err != nil {
		return Prompt{}, err
	}
	return NewPrompt(resample(f.mono(data), f.rate)), nil
}

func badWAV(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBadWAV, fmt.Sprintf(format, args...))
}

// parseWAV finds the chunks "fmt " and "data". A data chunk that says more
// than there is (a recorder that was killed) ends with the file.
func parseWAV(b []byte) (f wavFormat, data []byte, err error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return f, nil, badWAV("no RIFF WAVE header")
	}
	for b = b[12:]; len(b) >= 8; {
		id, size := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:]))
		body := b[8:]
		body = body[:min(size, int64(len(body)))]
		switch id {
		case "fmt ":
			if f, err = parseWAVFormat(body); err != nil {
				return f, nil, err
			}
		case "data":
			if f.tag == 0 {
				return f, nil, badWAV("data before fmt")
			}
			return f, body, nil
		}
		b = b[8+len(body):]
		if size&1 == 1 && len(b) > 0 { // chunks are padded to even length
			b = b[1:]
		}
	}
	return f, nil, badWAV("no data")
}

func parseWAVFormat(b []byte) (f wavFormat, err error) {
	if len(b) < 16 {
		return f, badWAV("short fmt")
	}
	f = wavFormat{
		tag:      int(binary.LittleEndian.Uint16(b)),
		channels: int(binary.LittleEndian.Uint16(b[2:])),
		rate:     int(binary.LittleEndian.Uint32(b[4:])),
		bits:     int(binary.LittleEndian.Uint16(b[14:])),
	}
	if f.tag == wavExtensible && len(b) >= 26 {
		f.tag = int(binary.LittleEndian.Uint16(b[24:])) // first bytes of the sub-format GUID
	}
	switch {
	case f.tag == wavPCM && f.bits == 16, (f.tag == wavALaw || f.tag == wavMuLaw) && f.bits == 8:
	default:
		return f, badWAV("format %d with %d bits", f.tag, f.bits)
	}
	if f.channels < 1 || f.channels > 2 {
		return f, badWAV("%d channels", f.channels)
	}
	if f.rate < sampleRate || f.rate > 96000 {
		return f, badWAV("%d Hz", f.rate)
	}
	return f, nil
}

// mono decodes and mixes the channels down.
func (f wavFormat) mono(data []byte) []int16 {
	var pcm []int16
	switch f.tag {
	case wavMuLaw:
		pcm = PCMU.decode(make([]int16, 0, len(data)), data)
	case wavALaw:
		pcm = PCMA.decode(make([]int16, 0, len(data)), data)
	default:
		pcm = make([]int16, len(data)/2)
		for i := range pcm {
			pcm[i] = int16(binary.LittleEndian.Uint16(data[2*i:])) //nolint:gosec // two's complement
		}
	}
	if f.channels == 1 {
		return pcm
	}
	out := make([]int16, len(pcm)/2)
	for i := range out {
		out[i] = int16((int32(pcm[2*i]) + int32(pcm[2*i+1])) / 2) //nolint:gosec // mean of two
	}
	return out
}

// zeroCrossings of the filter on each side: 60 dB of stop band, plenty for G.711.
const zeroCrossings = 16

// resample brings rate to 8 kHz by a windowed sinc, one table of taps for each
// of the phases that occur.
func resample(in []int16, rate int) []int16 {
	if rate == sampleRate || len(in) == 0 {
		return in
	}
	g := gcd(rate, sampleRate)
	step, phases := rate/g, sampleRate/g // an output sample is step/phases inputs further
	half := zeroCrossings*rate/sampleRate + 1
	taps := make([][]float64, phases)
	out := make([]int16, int64(len(in))*int64(phases)/int64(step))
	for i := range out {
		at := int64(i) * int64(step)
		centre, phase := int(at/int64(phases)), int(at%int64(phases))
		if taps[phase] == nil {
			taps[phase] = sincTaps(half, float64(phase)/float64(phases), float64(sampleRate)/float64(rate))
		}
		var sum float64
		for k, w := range taps[phase] {
			if j := centre + k - half + 1; j >= 0 && j < len(in) {
				sum += w * float64(in[j])
			}
		}
		out[i] = int16(math.Round(max(-32768, min(sum, 32767))))
	}
	return out
}

// sincTaps low-passes a little below half of 8 kHz (Hann window); frac is where
// the output lies between the two middle inputs.
func sincTaps(half int, frac, ratio float64) []float64 {
	cut := ratio * 0.95
	w := make([]float64, 2*half)
	var sum float64
	for k := range w {
		x := float64(k-half+1) - frac
		w[k] = cut * sinc(cut*x) * (0.5 + 0.5*math.Cos(math.Pi*x/float64(half)))
		sum += w[k]
	}
	for k := range w {
		w[k] /= sum
	}
	return w
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
