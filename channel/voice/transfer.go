package voice

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"filo/contact"
	"filo/media"
	"filo/router"
	"filo/sip"
)

// manner is how a call is transferred.
type manner string

const (
	blind    manner = "blind"    // the agent leaves at once
	attended manner = "attended" // after a consultation
)

// handing is one transfer of a call, for the record.
type handing struct {
	by contact.AgentID
	to contact.Destination
}

// transfers is the blind transfer. The call goes to the router with its age;
// to a number it is called, while the caller hears music.
func (v *conversation) transfers(ctx context.Context, cmd contact.CallCommand) error {
	if v.consult != nil {
		return contact.ErrBadCommand
	}
	if cmd.To.Number != "" {
		x, err := v.ask(ctx, cmd.To)
		if err != nil {
			return err
		}
		return v.leaveTo(ctx, x, blind)
	}
	k, by := v.k, v.agent.agent
	target, err := k.target(ctx, cmd.To)
	if err != nil {
		return err
	}
	rest, err := v.ticket.Transfer(ctx, target)
	if err != nil {
		return refusedTarget(err)
	}
	v.hold = false
	v.clockHold()
	k.transferred(blind, by, cmd.To)
	k.handedOver(rest)
	k.openSegment(target.Queue, k.c.now())
	if target.Only != "" {
		v.only = time.After(k.c.cfg.TransferHold)
	}
	v.end = handedOn
	return nil
}

// leaveTo lets the agent go and the caller stay with a number, which may still
// ring. For the router the contact is over; the call is not.
func (v *conversation) leaveTo(ctx context.Context, x *consult, how manner) error {
	if err := v.ticket.End(context.WithoutCancel(ctx), contact.Transferred); err != nil {
		v.k.log.Warn("leave call to a number", "error", err)
		x.bell.stop(ctx, v.k)
		return contact.ErrBadCommand
	}
	by := v.agent
	v.agentIsDone()
	v.endMonitor(ctx)
	v.agent, v.consult, v.hold = nil, x, false
	v.clockHold()
	v.k.transferred(how, by.agent, x.to)
	v.k.handedOver(v.ticket)
	v.endSecond(ctx)
	v.offPhone()
	by.release(ctx, v.k)
	v.connect(ctx)
	return nil
}

// transferred notes a transfer.
func (k *call) transferred(how manner, by contact.AgentID, to contact.Destination) {
	k.transfers = append(k.transfers, handing{by, to})
	k.c.metrics.transfers.WithLabelValues(string(how), kindOf(to)).Inc()
	k.note(noteTransfer, string(how), kindOf(to))
}

// handedOver ends an agent's stretch of the call and stamps the end of the
// wrap-up, if there is any.
func (k *call) handedOver(rest *router.Ticket) {
	k.closeSegment(contact.Transferred)
	if rest != nil {
		k.c.stampWrapUp(k.id, rest.Events())
	}
}

// Dials reports whether agents may transfer to numbers outside.
func (c *Conductor) Dials() bool { return c.deps.UA.Dials() }

// dial is where a number outside is reached: by the trunks, which say what may
// be dialled, or at a sip: address of the configuration.
func (c *Conductor) dial(number string) (sip.Target, error) {
	if strings.HasPrefix(number, "sip:") {
		return sip.Target{URI: number}, nil
	}
	switch err := c.deps.UA.Dialable(number); {
	case err == nil:
		return sip.Target{Number: number}, nil
	case errors.Is(err, sip.ErrNotAllowed):
		return sip.Target{}, contact.ErrBarred
	default:
		return sip.Target{}, fmt.Errorf("%w: %w", contact.ErrNoTarget, err)
	}
}

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

// destination is a user who is registered here, or a number outside. What a
// caller typed can be neither, so that nobody dials at our expense.
func (c *Conductor) destination(to string) (sip.Target, error) {
	if c.deps.UA.Bindings(to) > 0 {
		return sip.Target{User: to}, nil
	}
	return c.dial(to)
}

// through rings the far side and connects it with the caller until one of
// them ends it. The error is of the ringing.
func (k *call) through(ctx context.Context, to sip.Target) error {
	k.music.start(ctx, k.log, k.ep, k.c.music)
	defer k.music.stop()
	rctx, cancel := context.WithTimeout(ctx, k.c.cfg.RingTime)
	defer cancel()
	a := k.invite(rctx, to, "transfer")
	if a.err != nil {
		return fmt.Errorf("ring: %w", a.err)
	}
	defer a.close(ctx, k.log, "conversation over")
	if err := k.pickUp(ctx); err != nil {
		return fmt.Errorf("answer caller: %w", err)
	}
	k.music.stop()
	k.result = contact.Transferred
	defer k.room.Join(k.ep, media.Role{})()
	defer k.room.Join(a.ep, media.Role{})()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.leg.Done():
			k.parting = passed(a.leg.Headers())
			return nil
		case <-k.digits: // the far side hears them as tones
		case e := <-a.ep.Events():
			if e.Kind == media.Timeout || e.Kind == media.Failed {
				return nil
			}
		}
	}
}
