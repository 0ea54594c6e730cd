package admission

import "net/netip"

// recent remembers something about addresses, the last half of the limit at
// least, and the limit at most. IPv6 counts by its /64: that is what one peer
// has.
type recent[T any] struct {
	limit    int
	now, old map[netip.Addr]*T
}

func newRecent[T any](limit int) recent[T] {
	return recent[T]{limit: limit, now: make(map[netip.Addr]*T)}
}

// get is what is known of an address; nil: nothing.
func (r *recent[T]) get(a netip.Addr) *T {
	a = peer(a)
	if v := r.now[a]; v != nil {
		return v
	}
	v := r.old[a]
	if v != nil {
		r.put(a, v)
	}
	return v
}

// at is get, for a zero T when nothing is known yet.
func (r *recent[T]) at(a netip.Addr) (v *T, fresh bool) {
	if v = r.get(a); v != nil {
		return v, false
	}
	v = new(T)
	r.put(peer(a), v)
	return v, true
}

func (r *recent[T]) put(a netip.Addr, v *T) {
	if len(r.now) >= r.limit/2 {
		r.old, r.now = r.now, make(map[netip.Addr]*T)
	}
	r.now[a] = v
}

// peer is the part of an address that names its owner.
func peer(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is4() || !a.IsValid() {
		return a
	}
	p, _ := a.Prefix(64) // cannot fail
	return p.Addr()
}
