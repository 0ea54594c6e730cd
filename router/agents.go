package router

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"filo/contact"
	"filo/router/core"
)

// SignIn makes an agent known and signed in, not ready. Signing in again
// changes name, skills and capacity and nothing else.
func (r *Router) SignIn(ctx context.Context, a Agent) error {
	err := r.do(ctx, func(l *loop) error {
		e, err := l.agent(a.ID)
		if err != nil {
			return err
		}
		if _, ok := l.r.cfg.Profiles[a.Profile]; a.Profile != "" && !ok {
			return fmt.Errorf("profile %q: %w", a.Profile, ErrNoProfile)
		}
		if a.Name == "" {
			a.Name = string(a.ID)
		}
		if !reflect.DeepEqual(e.spec, a) {
			e.spec = a
			l.noteAgent(e)
		}
		if e.state == core.LoggedOut {
			e.note = ""
		}
		if err := l.enrol(e); err != nil || !e.absent {
			return err
		}
		e.absent, e.note = false, "" // back after the restart: as one who has just come
		return l.apply(core.Command{Op: core.OpNotReady, Agent: e.handle, Reason: core.ReasonSignedIn})
	})
	if err != nil {
		return fmt.Errorf("sign in agent %q: %w", a.ID, err)
	}
	return nil
}

// enrol tells the core what the agent can do.
func (l *loop) enrol(a *agent) error {
	p := l.profile(a.spec)
	a.class, a.caps = l.class(p), p.Caps
	return l.apply(core.Command{Op: core.OpSignIn, Agent: a.handle, Class: a.class, Channels: a.reach})
}

// SignOut ends the agent's work. Pending offers are revoked at once and their
// contacts go on; connected contacts and wrap-ups run to their end with the
// reason "leaving", then the agent is logged out. An agent who is not signed
// in is no error.
func (r *Router) SignOut(ctx context.Context, id contact.AgentID) error {
	return r.agentCommand(ctx, "sign out", id, func(l *loop, a *agent) error {
		l.gate.leaves(a)
		if a.state == core.LoggedOut {
			return nil
		}
		return l.apply(core.Command{Op: core.OpSignOut, Agent: a.handle})
	})
}

// SetReady makes a signed-in agent ready, or not ready for a reason. Not being
// ready leaves a pending offer to be accepted or refused.
func (r *Router) SetReady(ctx context.Context, id contact.AgentID, ready bool, reason string) error {
	return r.agentCommand(ctx, "set state", id, func(l *loop, a *agent) error {
		cmd := core.Command{Op: core.OpReady, Agent: a.handle}
		if !ready {
			l.gate.leaves(a)
			cmd.Op, cmd.Reason = core.OpNotReady, core.ReasonUser
		} else if l.gate.shut && a.state != core.LoggedOut {
			l.gate.awaits(a, reason)
			return nil
		}
		note, news := a.note, a.news
		a.note = reason
		err := l.apply(cmd)
		switch {
		case err != nil:
			a.note = note
		case !ready && note != reason && news == a.news:
			l.tell(a, AgentEvent{Kind: StateEvent}) // other words for the same state are no news to the core
		}
		return err
	})
}

// AgentState is what an agent does now; contact.ErrNoAgent for one who was
// never heard of.
func (r *Router) AgentState(ctx context.Context, id contact.AgentID) (state contact.AgentState, err error) {
	err = r.agentCommand(ctx, "state", id, func(_ *loop, a *agent) error {
		state = a.word()
		return nil
	})
	return state, err
}

// SetReachable says whether a channel reaches the agent: voice does only while
// a line is up; the others do from the start. It may be called before SignIn,
// and is remembered. An offer of a channel that is lost is revoked.
func (r *Router) SetReachable(ctx context.Context, id contact.AgentID, ch contact.Channel, on bool) error {
	err := r.do(ctx, func(l *loop) error {
		i, err := l.channel(ch)
		if err != nil {
			return err
		}
		a, err := l.agent(id)
		if err != nil {
			return err
		}
		was := a.reach
		a.reach &^= 1 << i
		if on {
			a.reach |= 1 << i
		}
		if a.reach == was {
			return nil
		}
		if a.state != core.LoggedOut {
			err = l.apply(core.Command{Op: core.OpReach, Agent: a.handle, Channels: a.reach})
		}
		l.tell(a, AgentEvent{Kind: StateEvent})
		return err
	})
	if err != nil {
		return fmt.Errorf("set reachable agent %q: %w", id, err)
	}
	return nil
}

// Vanished says that the agent's desk is gone: pending offers are revoked, so
// that their contacts go on with their place, and the agent becomes not ready
// with reason "vanished". Connected contacts stay: their owners know better.
func (r *Router) Vanished(ctx context.Context, id contact.AgentID) error {
	return r.agentCommand(ctx, "vanished", id, func(l *loop, a *agent) error {
		l.gate.leaves(a)
		if a.state == core.LoggedOut {
			return nil
		}
		return l.apply(core.Command{Op: core.OpVanish, Agent: a.handle})
	})
}

// EndWrapUp ends the agent's wrap-up of a contact early.
func (r *Router) EndWrapUp(ctx context.Context, id contact.AgentID, c contact.ID) error {
	return r.wrapUp(ctx, id, c, core.Command{Op: core.OpWrapEnd})
}

// ExtendWrapUp prolongs the agent's wrap-up of a contact by d, which must be
// positive.
func (r *Router) ExtendWrapUp(ctx context.Context, id contact.AgentID, c contact.ID, d time.Duration) error {
	return r.wrapUp(ctx, id, c, core.Command{Op: core.OpWrapExtend, Dur: int64(d)})
}

// AskWrapUp asks for d of wrap-up after a contact that the agent still talks
// to. It matters where the queue's wrap-up is optional.
func (r *Router) AskWrapUp(ctx context.Context, id contact.AgentID, c contact.ID, d time.Duration) error {
	return r.agentCommand(ctx, "ask for wrap-up of contact "+string(c), id, func(l *loop, a *agent) error {
		t, err := l.had(a, c, contact.Connected)
		switch {
		case err != nil:
			return err
		case t.state != contact.Connected || d < 0:
			return contact.ErrBadCommand
		}
		t.wrapAsk = d
		return nil
	})
}

func (r *Router) wrapUp(ctx context.Context, id contact.AgentID, c contact.ID, cmd core.Command) error {
	return r.agentCommand(ctx, "wrap-up of contact "+string(c), id, func(l *loop, a *agent) error {
		t, err := l.had(a, c, contact.WrapUp)
		if err != nil {
			return err
		}
		cmd.Contact = t.handle
		return l.apply(cmd)
	})
}

// Accept takes an offer for the agent it was made to. It returns
// contact.ErrOfferGone if the offer is over: the customer went, the time ran
// out, it was refused, or it is from before a restart.
func (r *Router) Accept(ctx context.Context, id contact.OfferID, by contact.AgentID) error {
	return r.answer(ctx, "accept", core.OpAccept, id, by)
}

// Reject refuses an offer: the contact goes on in its place to somebody else.
// reason is for the log. Errors are those of Accept.
func (r *Router) Reject(ctx context.Context, id contact.OfferID, by contact.AgentID, reason string) error {
	err := r.answer(ctx, "reject", core.OpReject, id, by)
	if err == nil {
		r.log.Info("offer rejected", "offer_id", id, "agent_id", by, "reason", reason)
	}
	return err
}

func (r *Router) answer(ctx context.Context, what string, op core.Op, id contact.OfferID, by contact.AgentID) error {
	return r.agentCommand(ctx, what+" offer "+id.String(), by, func(l *loop, a *agent) error {
		t := l.pending[id.N]
		if id.Epoch != r.epoch || t == nil {
			return contact.ErrOfferGone
		}
		return l.apply(core.Command{Op: op, Contact: t.handle, Offer: id.N, Agent: a.handle})
	})
}

// agentCommand runs f for a known agent and says in errors what it was about.
func (r *Router) agentCommand(ctx context.Context, what string, id contact.AgentID, f func(*loop, *agent) error) error {
	err := r.do(ctx, func(l *loop) error {
		a, err := l.known(id)
		if err != nil {
			return err
		}
		return f(l, a)
	})
	if err != nil {
		return fmt.Errorf("%s, agent %q: %w", what, id, err)
	}
	return nil
}

// agentState keeps what the core says of an agent.
func (l *loop) agentState(e *core.Effect, now time.Time) {
	a := l.byHandle[e.Agent]
	if e.State != a.state {
		l.m.agents[a.state].Dec()
		l.m.agents[e.State].Inc()
		a.since = now
	}
	if a.code != e.Reason && e.Reason == core.ReasonRONA {
		l.r.log.Info("agent not ready: offers expired", "agent_id", a.spec.ID)
	}
	a.news++
	a.state, a.ready, a.code = e.State, e.Ready, e.Reason
	l.tell(a, AgentEvent{Kind: StateEvent})
	if l.r.onState != nil {
		l.r.onState(a.spec.ID, a.word(), now)
	}
}

// word is the agent's state as the outside calls it.
func (a *agent) word() contact.AgentState { return contact.AgentState(a.state.String()) }

// reason is why the agent is not ready, in a word.
func (a *agent) reason() string {
	switch a.code {
	case core.ReasonNone:
		return ""
	case core.ReasonSignedIn:
		return "signed_in"
	case core.ReasonRONA:
		return "rona"
	case core.ReasonVanished:
		return "vanished"
	case core.ReasonLeaving:
		return "leaving"
	default:
		return a.note
	}
}
