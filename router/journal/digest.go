package journal

import (
	"encoding/binary"
	"math/bits"

	"filo/router/core"
)

// Odd numbers without a pattern: digits of the golden ratio, pi and e.
const (
	k0 = 0x9e3779b97f4a7c15
	k1 = 0x243f6a8885a308d3
	k2 = 0x13198a2e03707345
	k3 = 0xa4093822299f31d1
	k4 = 0x082efa98ec4e6c89
	k5 = 0xb7e151628aed2a6b
	k6 = 0xbf7158809cf4f3c7
	k7 = 0x62e7160f38b4da57
)

// fold mixes two words by a full product. It is made to notice accidents, not
// to resist attackers: who can write the files can also write good ones.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// digest is a hash of what was decided: of every field of the effects but
// Considered, which depends on how the core searched and not on what it found.
// The products of one effect do not wait for each other.
func digest(effects []core.Effect) uint64 {
	h := k0 ^ uint64(len(effects))
	for i := range effects {
		e := &effects[i]
		a := fold(e.Offer^k1, uint64(e.Time)^k2)                                   //nolint:gosec // bits
		b := fold(uint64(e.Since)^k3, pair(uint32(e.Contact), uint32(e.Agent))^k4) //nolint:gosec // bits
		c := fold(pair(uint32(e.NextContact), uint32(e.NextAgent))^k5, k0)
		d := fold(pair(uint32(e.Type), uint32(e.Load))^k7, words(e)^k6)
		h = fold(h^a^bits.RotateLeft64(b, 21), k0^c^bits.RotateLeft64(d, 42))
	}
	return h
}

func pair(lo, hi uint32) uint64 { return uint64(lo) | uint64(hi)<<32 }

// words packs the small fields of an effect.
func words(e *core.Effect) uint64 {
	w := uint64(e.Kind) | uint64(e.Op)<<4 | uint64(e.Code)<<12 | uint64(e.How)<<20 | uint64(e.Key)<<24 |
		uint64(e.Chose)<<29 | uint64(e.State)<<30 | uint64(e.Reason)<<34
	if e.Ready {
		w |= 1 << 63
	}
	return w
}

// roll is the hash of a record: over the one before it, its kind, its payload
// and the digest of what it did.
func roll(h uint64, k kind, payload []byte, done uint64) uint64 {
	h = fold(h^k1, done^k2^uint64(k))
	h ^= uint64(len(payload))
	for len(payload) >= 16 {
		h = fold(h^binary.LittleEndian.Uint64(payload), k3^binary.LittleEndian.Uint64(payload[8:]))
		payload = payload[16:]
	}
	var rest [16]byte
	copy(rest[:], payload)
	return fold(h^binary.LittleEndian.Uint64(rest[:]), k4^binary.LittleEndian.Uint64(rest[8:]))
}
