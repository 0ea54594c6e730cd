package main

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
)

const (
	rate = 8000
	bar  = 3 * rate // one chord
	beat = bar / 8
)

// Chords as semitones from middle C; eight bars make a loop of 24 seconds.
var chords = [][4]float64{
	{0, 4, 7, 11},
	{-3, 4, 7, 12},
	{-7, 0, 5, 9},
	{-5, 2, 7, 11},
	{0, 4, 7, 14},
	{-8, 4, 7, 11},
	{-7, 0, 4, 9},
	{-5, 2, 5, 11},
}

// music composes a quiet loop: slow chords under a plucked line. Everything
// wraps round the end, so that the loop has no seam.
func music() []byte {
	loop := make([]float64, len(chords)*bar)
	for i, chord := range chords {
		for _, semitone := range chord {
			pad(loop, i*bar, pitch(semitone))
		}
		for n := range 8 {
			note := chord[[]int{0, 2, 1, 3, 2, 1, 3, 2}[n]]
			if n == 0 || n == 3 || n == 5 || n == 6 {
				pluck(loop, i*bar+n*beat, pitch(note+12))
			}
		}
	}
	peak := 0.0
	for _, v := range loop {
		peak = max(peak, math.Abs(v))
	}
	samples := make([]byte, len(loop))
	for i, v := range loop {
		samples[i] = muLaw(int16(v / peak * 9000)) // about -11 dBFS at its loudest
	}
	return wav(samples)
}

func pitch(semitone float64) float64 { return 261.63 * math.Exp2(semitone/12) }

// pad adds one soft tone that swells and fades over two bars.
func pad(loop []float64, at int, hz float64) {
	for i := range 2 * bar {
		t := float64(i) / rate
		swell := math.Sin(math.Pi * float64(i) / (2 * bar))
		w := 2 * math.Pi * hz * t
		v := math.Sin(w) + 0.3*math.Sin(2*w+0.4) + 0.1*math.Sin(1.003*w)
		loop[(at+i)%len(loop)] += 0.12 * swell * swell * v
	}
}

// pluck adds one short tone that rings out.
func pluck(loop []float64, at int, hz float64) {
	for i := range rate * 2 {
		t := float64(i) / rate
		w := 2 * math.Pi * hz * t
		attack := min(1, t/0.004)
		v := math.Sin(w)*math.Exp(-2.2*t) + 0.35*math.Sin(2*w)*math.Exp(-4*t) + 0.12*math.Sin(3*w)*math.Exp(-7*t)
		loop[(at+i)%len(loop)] += 0.22 * attack * v
	}
}

// muLaw encodes one sample (ITU-T G.711).
func muLaw(sample int16) byte {
	const bias, clip = 0x84, 32635
	magnitude, sign := int(sample), byte(0)
	if magnitude < 0 {
		magnitude, sign = -magnitude, 0x80
	}
	magnitude = min(magnitude, clip) + bias
	exponent := bits.Len(uint(magnitude)) - 8
	mantissa := magnitude >> (exponent + 3) & 0x0f
	return ^(sign | byte(exponent<<4|mantissa)) //nolint:gosec // seven bits
}

// wav puts a header (format 7, mu-law) before samples.
func wav(samples []byte) []byte {
	var b bytes.Buffer
	u32 := func(v uint32) { b.Write(binary.LittleEndian.AppendUint32(nil, v)) }
	u16 := func(v uint16) { b.Write(binary.LittleEndian.AppendUint16(nil, v)) }
	size := uint32(len(samples)) //nolint:gosec // half a minute
	b.WriteString("RIFF")
	u32(4 + 26 + 12 + 8 + size)
	b.WriteString("WAVEfmt ")
	u32(18)
	u16(7)
	u16(1)
	u32(rate)
	u32(rate)
	u16(1)
	u16(8)
	u16(0)
	b.WriteString("fact")
	u32(4)
	u32(size)
	b.WriteString("data")
	u32(size)
	b.Write(samples)
	return b.Bytes()
}
