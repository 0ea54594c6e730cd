package sip

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"

	"filo/sip/transaction"
	"filo/sip/trunk"
)

// trunkUse is one call's place on a trunk, in one direction.
type trunkUse struct {
	u         *UA
	trunk     string
	direction string
	gate      *trunk.Gate
}

// enter takes the place, within the limit.
func (t trunkUse) enter(l trunk.Limit) error {
	if err := t.gate.Enter(l, t.u.now()); err != nil {
		reason := "calls"
		if errors.Is(err, trunk.ErrFast) {
			reason = "rate"
		}
		t.u.met.trunks.rejected.WithLabelValues(t.trunk, t.direction, reason).Inc()
		return err //nolint:wrapcheck // says all there is to say
	}
	t.show()
	return nil
}

// leave gives the place back.
func (t trunkUse) leave() {
	t.gate.Leave()
	t.show()
}

func (t trunkUse) show() {
	if t.u.trunks.Load().peers[t.trunk] != nil { // a reload may have taken it away
		t.u.met.trunks.calls.WithLabelValues(t.trunk, t.direction).Set(float64(t.gate.Calls()))
	}
}

// enterTrunk lets an inbound call in within its trunk's limits; false when it
// was refused. An emergency call always comes in. leave is to be called at the
// end of the call; it is nil off trunks.
func (u *UA) enterTrunk(tx *transaction.Server, who caller) (leave func(), ok bool) {
	if who.trunk == nil {
		return nil, true
	}
	peer := u.trunks.Load().peers[who.trunk.Name]
	if peer == nil { // a reload took the trunk away this moment
		return nil, u.forbid(tx)
	}
	use := trunkUse{u: u, trunk: who.trunk.Name, direction: directionIn, gate: &peer.inbound}
	limit := who.trunk.Limits.Inbound
	if u.emergency(tx.Request()) {
		limit = trunk.Limit{}
	}
	if use.enter(limit) != nil {
		u.met.reject(rejectOverload)
		u.refuse(tx, statusOverloaded, "", "Retry-After", strconv.Itoa(1+rand.N(4))) //nolint:gosec // spreads the retries
		return nil, false
	}
	return use.leave, true
}

// placedResult is the label of how a call over a trunk was placed.
func placedResult(err error) string {
	switch class := classOf(err); {
	case err == nil:
		return "answered"
	case errors.Is(err, context.Canceled), errors.Is(err, ErrCancelled):
		return "cancelled"
	case class == 3, class == 4 && StatusOf(err) != statusTimeout, class == 6:
		return "refused"
	}
	return "failed"
}
