package sip

import (
	"fmt"
	"hash/maphash"
	"time"

	"filo/sip/dialog"
)

// turn runs f as the leg's next turn, and then what came of it for the
// application. It must not be called within a turn.
func (l *Leg) turn(f func()) {
	l.mu.Lock()
	l.guard(f)
	l.settle()
	calls := l.calls
	l.calls = nil
	l.mu.Unlock()
	for _, call := range calls {
		call()
	}
}

// later calls f when the turn is over. It must not block.
func (l *Leg) later(f func()) { l.calls = append(l.calls, f) }

// guard keeps one leg's bug from taking the process down.
func (l *Leg) guard(f func()) {
	defer func() {
		if r := recover(); r != nil {
			l.u.caught(r, l.id)
			l.abort(fmt.Errorf("panic: %v", r)) //nolint:err113 // no sentinel for a bug
		}
	}()
	f()
}

// abort ends the leg after a bug, as properly as the bug allows.
func (l *Leg) abort(why error) {
	defer func() {
		if r := recover(); r != nil {
			l.u.caught(r, l.id)
			l.cancel(why)
		}
	}()
	l.events = nil
	l.ending(why)()
	l.apply(dialog.Hangup{Status: statusServerError})
}

// apply gives the machine an event, and does what it says. It may be called
// while that goes on.
func (l *Leg) apply(ev dialog.Event) {
	l.events = append(l.events, ev)
	if len(l.events) > 1 {
		return // the loop below is at work
	}
	for len(l.events) > 0 {
		l.refused = false
		l.effects = l.m.Apply(l.u.now(), l.events[0], l.effects[:0])
		for i, e := range l.effects {
			l.effects[i] = nil
			l.do(e)
		}
		l.events = l.events[1:]
	}
	l.events = nil
}

// do does one thing that the machine wants done.
func (l *Leg) do(e dialog.Effect) {
	switch e := e.(type) {
	case dialog.Request:
		l.send(&e)
	case dialog.Response:
		l.respond(&e)
	case dialog.Abandon:
		l.abandon()
	case dialog.Passed:
		l.onPassed(&e)
	case dialog.Refused:
		l.refused = true
	default:
		l.tell(e)
	}
}

// tell lets the application know.
func (l *Leg) tell(e dialog.Effect) {
	switch e := e.(type) {
	case dialog.Provisional:
		l.onProvisional(e)
	case dialog.Confirmed:
		l.onConfirmed()
	case dialog.Offered:
		l.onOffered(e)
	case dialog.Answered:
		l.onAnswered(e)
	case dialog.Failed:
		l.onOfferFailed(e)
	case dialog.Transferred:
		l.onTransferred(&e)
	case dialog.Ended:
		l.onEnded(e)
	}
}

// settle brings what the leg is for others up to date at the end of a turn.
func (l *Leg) settle() {
	if sdp := l.m.RemoteSDP(); sdp != nil {
		l.remoteSDP = sdp
	}
	if at := l.m.Deadline(); !at.Equal(l.wake) {
		l.setTimer(at)
	}
	if l.m.Ended() && !l.over {
		l.over = true
		l.lighten()
		l.u.legs.ended(l)
	}
	if (l.m.Done() || l.m.Echoing()) && !l.gone {
		l.leave()
	}
}

// leave takes the leg out of the table: nothing is owed to the peer any more
// that the layer below, or nobody in particular, could not pay.
func (l *Leg) leave() {
	l.gone = true
	l.u.legs.remove(l, l.said)
	if tag, ok := l.m.RemoteTag(); ok && l.invite != nil {
		l.invite.Settle(tag)
	}
	if l.timer != nil {
		l.timer.Stop()
	}
}

// lighten lets go of what an ended leg needs no more: it may linger for a while.
func (l *Leg) lighten() {
	l.ok, l.okTo, l.challenge = nil, nil, nil
	l.ack = nil // a late repeat of a 2xx gets a new one
	l.reoffer, l.onAnswer, l.transfer = nil, nil, nil
}

// setTimer lets the machine know when it wants to know the time.
func (l *Leg) setTimer(at time.Time) {
	l.wake = at
	switch {
	case at.IsZero():
		l.timer.Stop()
	case l.timer == nil:
		l.timer = time.AfterFunc(at.Sub(l.u.now()), l.tick)
	default:
		l.timer.Reset(at.Sub(l.u.now()))
	}
}

func (l *Leg) tick() {
	if !l.u.enter() {
		return
	}
	defer l.u.leave()
	l.turn(func() {
		l.wake = time.Time{} // it has fired
		l.apply(dialog.Tick{})
	})
}

// onConfirmed: the dialog stands.
func (l *Leg) onConfirmed() {
	if l.placed != nil {
		l.placed.result <- nil
		l.placed = nil
		return
	}
	close(l.answered)
}

// onEnded ends the leg for the application.
func (l *Leg) onEnded(e dialog.Ended) {
	why := l.causeOf(e)
	l.cancel(why)
	if l.placed != nil {
		l.placed.result <- why
		l.placed = nil
	}
	if l.waiting != nil {
		l.finishOffer(reofferResult{err: l.stateError()})
	}
}

// endings are the errors for what ended a call.
var endings = map[dialog.Cause]error{
	dialog.Bye:          ErrRemoteHangup,
	dialog.Cancelled:    ErrCancelled,
	dialog.Unacceptable: ErrRejected,
	dialog.Unanswered:   ErrTimeout,
	dialog.NoACK:        ErrNoACK,
	dialog.NoPRACK:      ErrNoPRACK,
	dialog.Gone:         ErrDialogGone,
	dialog.Expired:      ErrExpired,
	dialog.TooLong:      ErrTooLong,
	dialog.NoSession:    ErrNoSession,
}

func (l *Leg) causeOf(e dialog.Ended) error {
	switch {
	case e.Cause == dialog.HungUp && l.why != nil:
		return l.why
	case (e.Cause == dialog.Rejected || e.Cause == dialog.Unreachable) && l.failure != nil:
		return l.failure
	case endings[e.Cause] != nil:
		return endings[e.Cause]
	}
	return ErrHangup
}

var legSeed = maphash.MakeSeed()

// seedOf is what a machine's random waits depend on.
func seedOf(id string) uint64 { return maphash.String(legSeed, id) }
