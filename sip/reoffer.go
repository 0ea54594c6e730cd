package sip

import (
	"context"
	"errors"
	"fmt"

	"filo/sip/dialog"
)

// OnReoffer sets what answers a new offer of the far side (in a re-INVITE, an
// UPDATE, or wherever the standards allow one), in any state. It runs in a
// goroutine of its own and may take some seconds. Without it, or when it fails,
// the far side gets 488 and the session goes on as it was.
func (l *Leg) OnReoffer(f func(offer []byte) (answer []byte, err error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reoffer = f
}

// OnAnswer sets what is told of an answer of the far side to an offer that the
// stack repeated by itself: because the far side asked for an offer, or to keep
// the session alive. It must not block. [Leg.RemoteSDP] is that answer.
func (l *Leg) OnAnswer(f func(answer []byte)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onAnswer = f
}

// onOffered asks the application in a goroutine of its own: media may take a
// moment, and a BYE must not wait for it.
func (l *Leg) onOffered(e dialog.Offered) {
	f := l.reoffer
	if f == nil {
		l.apply(dialog.Decline{Tag: e.Tag})
		return
	}
	l.u.wg.Go(func() {
		answer, err := l.callReoffer(f, e.SDP)
		var ev dialog.Event = dialog.Accept{Tag: e.Tag, SDP: answer}
		if err != nil || len(answer) == 0 {
			ev = dialog.Decline{Tag: e.Tag}
		}
		l.turn(func() { l.apply(ev) })
	})
}

func (l *Leg) callReoffer(f func([]byte) ([]byte, error), offer []byte) (answer []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			l.u.caught(r, l.id)
			err = fmt.Errorf("panic: %v", r) //nolint:err113 // no sentinel for a bug
		}
	}()
	return f(offer)
}

// reofferResult is the outcome of an offer of ours.
type reofferResult struct {
	answer []byte
	err    error
}

// Reinvite offers a changed session to the far side and returns its answer. A
// refusal leaves the session as it was. It waits for its turn when the far side
// changes the session just now, and when both offer at once (491), it tries
// again as RFC 3261 section 14.1 says. One offer is made at a time; the next
// waits.
func (l *Leg) Reinvite(ctx context.Context, sdp []byte) (answer []byte, err error) {
	if !l.u.enter() {
		return nil, ErrNotServing
	}
	defer l.u.leave()
	select {
	case l.oneOffer <- struct{}{}:
		defer func() { <-l.oneOffer }()
	case <-l.ctx.Done():
		return nil, fmt.Errorf("reinvite: %w", l.stateError())
	case <-ctx.Done():
		return nil, fmt.Errorf("reinvite: %w", context.Cause(ctx))
	}
	result := make(chan reofferResult, 1)
	if err := l.command(ctx, "reinvite", func() { l.waiting = result }, dialog.Offer{SDP: sdp}); err != nil {
		return nil, err
	}
	select {
	case r := <-result:
		if r.err != nil {
			return nil, fmt.Errorf("reinvite: %w", r.err)
		}
		return r.answer, nil
	case <-ctx.Done():
		l.turn(func() {
			l.waiting = nil
			l.apply(dialog.Withdraw{})
		})
		return nil, fmt.Errorf("reinvite: %w", context.Cause(ctx))
	}
}

// onAnswered takes the answer to an offer of ours.
func (l *Leg) onAnswered(e dialog.Answered) {
	switch {
	case e.Offer:
		l.finishOffer(reofferResult{answer: e.SDP})
	case e.Refresh && l.onAnswer != nil && e.SDP != nil:
		f := l.onAnswer
		l.later(func() { f(e.SDP) })
	}
}

func (l *Leg) onOfferFailed(e dialog.Failed) {
	var refused *StatusError
	if !errors.As(l.failure, &refused) || refused.Code != e.Status {
		refused = &StatusError{Code: e.Status, Reason: reasonPhrase(e.Status)}
	}
	l.finishOffer(reofferResult{err: refused})
}

// finishOffer tells whoever waits for it how our offer ended.
func (l *Leg) finishOffer(r reofferResult) {
	if l.waiting != nil {
		l.waiting <- r
		l.waiting = nil
	}
}
