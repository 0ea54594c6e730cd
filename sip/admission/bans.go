package admission

import (
	"net/netip"
	"time"
)

// longestBan bounds a ban, also a repeated one.
const longestBan = 24 * time.Hour

// bans counts offences, and remembers who has committed too many.
type bans struct {
	after  int
	within time.Duration
	lasts  time.Duration

	offenders recent[offender]
	latest    time.Time // end of the ban that ends last
}

type offender struct {
	offences int
	since    time.Time // of the first
	until    time.Time // end of the ban
	times    int       // banned
}

// offend counts an offence; true when it was the one too many.
func (b *bans) offend(a netip.Addr, now time.Time) (banned bool) {
	if b.after <= 0 {
		return false
	}
	o, _ := b.offenders.at(a)
	if now.Sub(o.since) > b.within {
		o.offences, o.since = 0, now
	}
	if now.Sub(o.until) > longestBan {
		o.times = 0
	}
	if o.offences++; o.offences < b.after {
		return false
	}
	o.offences, o.since = 0, now
	o.until = now.Add(min(longestBan, b.lasts<<min(o.times, 16)))
	o.times++
	if o.until.After(b.latest) {
		b.latest = o.until
	}
	return true
}

// banned tells whether an address is not to be heard.
func (b *bans) banned(a netip.Addr, now time.Time) bool {
	if !now.Before(b.latest) {
		return false
	}
	o := b.offenders.get(a)
	return o != nil && now.Before(o.until)
}

// pardon forgets what an address has done: it proved to be somebody.
func (b *bans) pardon(a netip.Addr) {
	if o := b.offenders.get(a); o != nil {
		*o = offender{}
	}
}

// count is the number of those banned now.
func (b *bans) count(now time.Time) (n int) {
	for _, o := range b.offenders.now {
		if now.Before(o.until) {
			n++
		}
	}
	for a, o := range b.offenders.old {
		if now.Before(o.until) && b.offenders.now[a] == nil {
			n++
		}
	}
	return n
}
