package media

import (
	"fmt"
	"time"
)

// exchange is where an endpoint stands between offers and answers (RFC 3264).
// The endpoint's mu guards it.
type exchange struct {
	remoteDir direction // as the far side says it
	heldByUs  bool
	offered   bool // the newest offer is ours; early media and the final answer may both come
	agreed    bool // one exchange is complete
}

// direction is ours: what the far side takes and gives, less our own hold.
func (x *exchange) direction() direction {
	d := x.remoteDir.reverse()
	if x.heldByUs {
		d &^= dirRecv
	}
	return d
}

// hold begins an offer of ours that puts the far side on hold or takes it off,
// and returns the direction to offer.
func (x *exchange) hold(on bool) (direction, error) {
	if !x.agreed {
		return dirInactive, fmt.Errorf("%w: nothing agreed yet", ErrState)
	}
	x.heldByUs, x.offered = on, true
	if on {
		return dirSend, nil
	}
	return dirBoth, nil
}

// adopt makes what was negotiated the endpoint's own.
func (e *endpoint) adopt(x *exchange, f format) {
	x.agreed = true
	e.rx.setFormat(f)
	e.tx.setFormat(f, x.direction()&dirSend != 0)
	e.watch.arm(time.Now(), x.direction() != dirBoth)
}
