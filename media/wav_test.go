package media

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// wavFile writes a sine of hz.
func wavFile(tag, channels, bits, rate int, hz float64, d time.Duration) []byte {
	var data bytes.Buffer
	for i := range int(d.Seconds() * float64(rate)) {
		s := int16(8000 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
		for range channels {
			switch tag {
			case wavMuLaw:
				data.WriteByte(encodeULaw(s))
			case wavALaw:
				data.WriteByte(encodeALaw(s))
			default:
				_ = binary.Write(&data, binary.LittleEndian, s)
			}
		}
	}
	var b bytes.Buffer
	b.WriteString("RIFF\x00\x00\x00\x00WAVEfmt ")
	for _, v := range []any{
		uint32(16), uint16(tag), uint16(channels), uint32(rate),
		uint32(rate * channels * bits / 8), uint16(channels * bits / 8), uint16(bits),
	} {
		_ = binary.Write(&b, binary.LittleEndian, v)
	}
	b.WriteString("LIST\x03\x00\x00\x00abc\x00") // an odd chunk is padded
	b.WriteString("data")
	_ = binary.Write(&b, binary.LittleEndian, uint32(data.Len()))
	b.Write(data.Bytes())
	return b.Bytes()
}

func TestLoadWAV(t *testing.T) {
	cases := map[string]struct{ tag, channels, bits, rate int }{
		"pcm 8k":           {wavPCM, 1, 16, 8000},
		"pcm 16k":          {wavPCM, 1, 16, 16000},
		"pcm 22.05k":       {wavPCM, 1, 16, 22050},
		"pcm 24k":          {wavPCM, 1, 16, 24000},
		"pcm 44.1k stereo": {wavPCM, 2, 16, 44100},
		"pcm 48k":          {wavPCM, 1, 16, 48000},
		"mu-law":           {wavMuLaw, 1, 8, 8000},
		"a-law":            {wavALaw, 1, 8, 8000},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p, err := LoadWAV(bytes.NewReader(wavFile(c.tag, c.channels, c.bits, c.rate, 1000, 400*time.Millisecond)))
			require.NoError(t, err)
			require.InDelta(t, 400, p.Duration().Milliseconds(), 20)
			pcm := PCMU.decode(nil, p.sound.ulaw)[800:2400]
			tone, all := goertzel(pcm, 1000)
			require.Greater(t, tone/all, 0.98)
			require.InDelta(t, 8000/math.Sqrt2, math.Sqrt(all/float64(len(pcm))), 300)
		})
	}
}

func TestResampleRemovesAliases(t *testing.T) {
	p, err := LoadWAV(bytes.NewReader(wavFile(wavPCM, 1, 16, 48000, 7000, 400*time.Millisecond)))
	require.NoError(t, err)
	pcm := PCMU.decode(nil, p.sound.ulaw)[800:2400]
	_, all := goertzel(pcm, 1000)
	require.Less(t, math.Sqrt(all/float64(len(pcm))), 100.0, "7 kHz must not come back as 1 kHz")
}

func TestLoadWAVRefuses(t *testing.T) {
	good := wavFile(wavPCM, 1, 16, 8000, 1000, 20*time.Millisecond)
	edit := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] = v
		return b
	}
	cases := map[string][]byte{
		"empty":         nil,
		"not RIFF":      edit(0, 'X'),
		"no data":       good[:40],
		"24 bits":       edit(34, 24),
		"three chans":   edit(22, 3),
		"unknown codec": edit(20, 0x55),
		"4 kHz":         edit(25, 0x0F),
	}
	for name, b := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := LoadWAV(bytes.NewReader(b))
			require.ErrorIs(t, err, ErrBadWAV)
		})
	}
}

func FuzzLoadWAV(f *testing.F) {
	f.Add(wavFile(wavPCM, 2, 16, 44100, 440, 5*time.Millisecond))
	f.Add(wavFile(wavMuLaw, 1, 8, 8000, 440, 5*time.Millisecond)[:50])
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := LoadWAV(bytes.NewReader(b))
		if err == nil && p.sound.frames() > len(b)/frameSamples+1 {
			t.Fatalf("%d frames of %d bytes", p.sound.frames(), len(b))
		}
	})
}
