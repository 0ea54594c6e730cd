package media

// fadeSamples is how long the seam between two sounds takes: 5 ms, too short to
// hear as a fade and long enough to be no click.
const fadeSamples = 40

// fade bends the beginning of pcm so that it goes on from the sample before it.
func fade(pcm []int16, from int16) {
	for i := range pcm[:min(len(pcm), fadeSamples)] {
		away := int32(pcm[i]) - int32(from)
		pcm[i] = saturate(int32(from) + away*int32(i+1)/(fadeSamples+1)) //nolint:gosec // i is small
	}
}

// fadeCoded is fade for a payload of codec c.
func fadeCoded(c Codec, payload []byte, from int16) {
	var buf [fadeSamples]int16
	pcm := c.decode(buf[:0], payload[:min(len(payload), fadeSamples)])
	fade(pcm, from)
	c.encode(payload[:len(pcm)], pcm)
}
