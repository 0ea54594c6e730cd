package sip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"filo/sip/resolve"
	"filo/sip/transport"
	"filo/sip/trunk"
)

// registerWithin is how long a registrar may take, with a challenge, before the
// next one is tried.
const registerWithin = 8 * time.Second

// unregisterWithin is how long the end of a trunk's duties may take.
const unregisterWithin = time.Second

// keepRegistered keeps us registered at a provider until ctx ends, and takes it
// back then (RFC 3261 section 10.2).
func (u *UA) keepRegistered(ctx context.Context, t *trunk.Trunk, r trunk.Registration) {
	reg := u.newRegistration(Registration{User: r.User, Password: r.Password, Domain: r.Domain}, hop{})
	failures := 0
	for {
		granted, err := u.registerAt(ctx, t, reg, r)
		if ctx.Err() != nil {
			break
		}
		wait := trunk.RefreshAfter(granted)
		if err != nil {
			failures++
			wait = trunk.Backoff(failures, refusedUs(err), rand.Float64)
		}
		u.toldRegistered(t, failures, err)
		if err == nil {
			failures = 0
		}
		if !keepOpen(ctx, reg.d.hop.flow, wait) {
			break
		}
	}
	if reg.life > 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unregisterWithin)
		defer cancel()
		_, _ = reg.send(ctx, 0) // without it, it runs out
	}
}

// keepAliveEvery is how often the way to us is kept open: NATs forget a UDP flow
// after half a minute of silence.
const keepAliveEvery = 25 * time.Second

// keepOpen waits until it is time to register again: for so long, or until the
// connection by which the provider reaches us breaks (RFC 5626 section 4.2.1).
// Meanwhile it keeps NATs on the way of UDP open; connections do it themselves.
// It returns false when ctx ended.
func keepOpen(ctx context.Context, way transport.Flow, wait time.Duration) bool {
	for ; wait > keepAliveEvery && !way.IsZero(); wait -= keepAliveEvery {
		if !pause(ctx, keepAliveEvery) {
			return false
		}
		if !way.Alive() {
			return true
		}
		if way.Network() == transport.UDP {
			_ = way.Send([]byte("\r\n\r\n")) // the next one may pass
		}
	}
	return pause(ctx, wait)
}

// toldRegistered shows how a registration went; a log says only what changed.
func (u *UA) toldRegistered(t *trunk.Trunk, failures int, err error) {
	u.met.trunks.registered.WithLabelValues(t.Name).Set(flag(err == nil))
	switch {
	case err != nil && failures == 1:
		u.log.Warn("trunk not registered", "trunk", t.Name, "why", plainly(err))
	case err == nil && failures > 0:
		u.log.Info("trunk registered again", "trunk", t.Name)
	}
}

// plainly is an error without the phrase of a peer, who may have put a number
// into it.
func plainly(err error) string {
	var se *StatusError
	if errors.As(err, &se) {
		return fmt.Sprintf("sip %d", se.Code)
	}
	return err.Error()
}

// refusedUs tells whether the registrar knows us and says no.
func refusedUs(err error) bool {
	return classOf(err) == 4 && StatusOf(err) != statusTimeout || classOf(err) == 6
}

// registerAt registers at the first registrar that serves, and returns for how
// long. The one that served last is asked first: it knows us.
func (u *UA) registerAt(ctx context.Context, t *trunk.Trunk, reg *registration, r trunk.Registration) (time.Duration, error) {
	hops, err := u.reach(ctx, t, r.Registrar)
	if err != nil {
		return 0, err
	}
	for _, at := range resolve.Last(hops, func(h resolve.Hop) bool { return reg.life > 0 && h.Addr.String() != reg.d.hop.addr }) {
		if err = u.registerBy(ctx, t, reg, at, r.Expires); err == nil {
			u.resolver.Served(at)
			return reg.life, nil
		}
		if !serverFailed(err) && classOf(err) != 5 {
			break
		}
		u.resolver.Failed(at)
	}
	reg.life = 0
	return 0, err
}

func (u *UA) registerBy(ctx context.Context, t *trunk.Trunk, reg *registration, at resolve.Hop, expires time.Duration) error {
	if reg.d.hop.addr != at.Addr.String() || !reg.d.hop.flow.Alive() {
		h, err := u.trunkHop(t, at)
		if err != nil {
			return err
		}
		reg.d.hop, reg.d.contact = h, u.contactURI(reg.User, h)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, registerWithin, ErrTimeout)
	defer cancel()
	granted, err := reg.send(ctx, expires)
	if err != nil {
		return err
	}
	reg.life = granted
	return nil
}
