package admission

import (
	"net/netip"
	"time"
)

// maxPeers bounds the addresses that are remembered, for rates and for bans.
const maxPeers = 20_000

// rates gives each address a bucket of tokens.
type rates struct {
	perSecond float64
	burst     float64
	buckets   recent[bucket]
}

type bucket struct {
	tokens float64
	at     time.Time
}

// take takes a token of an address; false when there is none.
func (r *rates) take(a netip.Addr, now time.Time) bool {
	if r.perSecond <= 0 {
		return true
	}
	b, fresh := r.buckets.at(a)
	if fresh {
		b.tokens = r.burst
	} else {
		b.tokens = min(r.burst, b.tokens+now.Sub(b.at).Seconds()*r.perSecond)
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
