package web

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxLimited bounds the addresses that are remembered; the one that was
// silent longest is forgotten first.
const maxLimited = 50_000

// limits gives every address its own bucket of events.
type limits struct {
	rate  rate.Limit
	burst int

	mu    sync.Mutex
	order *list.List // of *bucket, the most recent first
	by    map[netip.Addr]*list.Element
}

type bucket struct {
	addr netip.Addr
	l    *rate.Limiter
}

func newLimits(perSecond float64, burst int) *limits {
	return &limits{rate: rate.Limit(perSecond), burst: burst, order: list.New(), by: make(map[netip.Addr]*list.Element)}
}

// allow takes n events out of the address's bucket. A batch larger than the
// bucket passes when the bucket is full: it would never else.
func (l *limits) allow(addr netip.Addr, now time.Time, n int) bool {
	if addr.Is6() { // one customer has a whole /64
		p, _ := addr.Prefix(64)
		addr = p.Addr()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.by[addr]
	if !ok {
		e = l.order.PushFront(&bucket{addr: addr, l: rate.NewLimiter(l.rate, l.burst)})
		l.by[addr] = e
		if l.order.Len() > maxLimited {
			last := l.order.Back()
			l.order.Remove(last)
			delete(l.by, last.Value.(*bucket).addr) //nolint:forcetypeassert // only buckets are put in
		}
	} else {
		l.order.MoveToFront(e)
	}
	return e.Value.(*bucket).l.AllowN(now, min(n, l.burst)) //nolint:forcetypeassert // only buckets are put in
}
