package voice

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"filo/contact"
	"filo/media"
	"filo/sip"
)

// transferRing is how long the far side of a transfer may ring.
const transferRing = time.Minute

var errNoTrunk = errors.New("neither a registered user nor a sip: address, and there is no outbound trunk for numbers")

// transfer puts the caller through to where a flow sends the call, with music
// until the answer. It returns when the conversation is over; a transfer that
// fails leaves the caller to the fallback queue.
func (k *call) transfer(ctx context.Context, to string) (t contact.Target, ok bool) {
	k.result = contact.Abandoned
	target, err := k.c.destination(to)
	if err == nil {
		err = k.through(ctx, target)
	}
	if err != nil && ctx.Err() == nil {
		k.log.Error("transfer of a flow", "error", err)
		return k.fallback(ctx)
	}
	return t, false
}

// destination is a user who is registered here, or a sip: address. What a
// caller typed can be neither, so that nobody dials at our expense.
func (c *Conductor) destination(to string) (sip.Target, error) {
	switch {
	case strings.HasPrefix(to, "sip:"):
		return sip.Target{URI: to}, nil
	case c.deps.UA.Bindings(to) > 0:
		return sip.Target{User: to}, nil
	}
	return sip.Target{}, errNoTrunk
}

// Dials reports whether agents may transfer to numbers outside.
func (c *Conductor) Dials() bool { return false }

// through rings the far side and connects it with the caller until one of
// them ends it. The error is of the ringing.
func (k *call) through(ctx context.Context, to sip.Target) error {
	k.music.start(ctx, k.log, k.ep, k.c.music)
	defer k.music.stop()
	rctx, cancel := context.WithTimeout(ctx, transferRing)
	defer cancel()
	a := k.invite(rctx, to, "transfer")
	if a.err != nil {
		return fmt.Errorf("ring: %w", a.err)
	}
	defer a.close(ctx, k.log, "conversation over")
	k.music.stop()
	k.result = contact.Transferred
	defer k.room.Join(k.ep, media.Role{})()
	defer k.room.Join(a.ep, media.Role{})()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.leg.Done():
			return nil
		case <-k.digits: // the far side hears them as tones
		case e := <-a.ep.Events():
			if e.Kind == media.Timeout || e.Kind == media.Failed {
				return nil
			}
		}
	}
}
