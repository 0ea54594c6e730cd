package core

import (
	"slices"

	"github.com/stretchr/testify/require"
)

// observer believes what the effects tell, and what the commands that were not
// refused asked for, and nothing else; it checks that their story is legal.
type observer struct {
	w      *world
	lives  map[Contact]*life
	told   map[Agent]Effect
	signed map[Agent]Class // of the reference
	made   []Effect        // offers; may be over
	opened uint64          // last number of an offer
}

// life is what the observer knows of a contact that is not free.
type life struct {
	phase Phase // phaseBetween and phaseLeaving inside a command only
	typ   Type
	agent Agent
	offer Effect
}

// Places that a contact has inside a command only.
const (
	phaseBetween Phase = 100 + iota // it lost its agent and is to wait or be offered
	phaseLeaving                    // it is withdrawn
)

func newObserver(w *world) *observer {
	return &observer{w: w, lives: map[Contact]*life{}, told: map[Agent]Effect{}, signed: map[Agent]Class{}}
}

func (o *observer) phaseOf(c Contact) Phase {
	if l := o.lives[c]; l != nil {
		return l.phase
	}
	return PhaseFree
}

func (o *observer) agentOf(c Contact) Agent {
	if l := o.lives[c]; l != nil {
		return l.agent
	}
	return Nobody
}

func (o *observer) check(ok bool, e Effect) {
	if !ok {
		require.Failf(o.w.t, "the effects tell no legal story", "seed %d command %d: %+v of %+v, life %+v",
			o.w.seed, o.w.at, e, o.w.buf, o.lives[e.Contact])
	}
}

// observe takes in the effects of one command. Timers that were due have had a
// tick of their own before a sign-in or a move.
func (o *observer) observe(cmd Command, effects []Effect) {
	refused := len(effects) > 0 && effects[len(effects)-1].Kind == Refused
	switch {
	case refused:
	case cmd.Op == OpSignIn:
		_, o.signed[cmd.Agent] = o.w.classAt(cmd.Class)
	case cmd.Op == OpMove:
		o.lives[cmd.Contact].typ = cmd.Type
	}
	for i, e := range effects {
		switch e.Kind {
		case Refused:
			o.check(i == len(effects)-1 && e.Op == cmd.Op && e.Code != 0, e)
		case AgentState:
			o.check(o.told[e.Agent] != e, e)
			o.told[e.Agent] = e
		default:
			if o.lives[e.Contact] == nil {
				o.lives[e.Contact] = o.begin(cmd, e, refused)
			}
			o.contact(cmd, e, o.lives[e.Contact])
		}
	}
	o.end()
}

// begin makes the life of a contact that is first heard of: it arrives, or is
// the work that is left for who hands another on.
func (o *observer) begin(cmd Command, e Effect, refused bool) *life {
	if cmd.Op == OpHandOver && e.Kind == WrapUp {
		l := *o.lives[cmd.Contact]
		o.check(e.Contact == cmd.Other && l.phase == PhaseConnected && !refused, e)
		return &l
	}
	o.check(cmd.Op == OpArrive && e.Contact == cmd.Contact && !refused, e)
	return &life{phase: phaseBetween, typ: cmd.Type, agent: Nobody}
}

func (o *observer) contact(cmd Command, e Effect, l *life) {
	enter := func(to Phase, from ...Phase) {
		o.check(slices.Contains(from, l.phase), e)
		l.phase = to
	}
	switch e.Kind {
	case Waiting:
		o.w.decisions++
		enter(PhaseWaiting, phaseBetween)
	case Offer:
		o.w.decisions++
		enter(PhaseOffered, phaseBetween, PhaseWaiting)
		o.offered(e, l)
	case OfferEnded:
		o.check(e.Agent == l.agent && e.Offer == l.offer.Offer, e)
		o.check((e.How == Expired) == (o.w.now >= l.offer.Time) || e.How == Revoked, e)
		enter(map[How]Phase{Accepted: PhaseConnected, Withdrawn: phaseLeaving, Rejected: phaseBetween, Expired: phaseBetween, Revoked: phaseBetween}[e.How], PhaseOffered)
	case Released:
		o.check(e.Agent == l.agent, e)
		enter(phaseBetween, PhaseConnected, PhaseParked)
		if cmd.Op == OpTransfer || cmd.Op == OpHandOver {
			l.typ = cmd.Type
		}
	case WrapUp:
		o.check(e.Agent == l.agent, e)
		enter(PhaseWrapUp, PhaseConnected, PhaseWrapUp)
	case Closed:
		o.closed(e, l)
	case Moved:
		o.check(l.phase == phaseBetween || l.phase == PhaseWaiting, e)
		l.typ = e.Type
	case Parked:
		o.check(e.Agent == l.agent, e)
		enter(PhaseParked, PhaseConnected)
	case Resumed:
		o.check(e.Agent == l.agent, e)
		enter(PhaseConnected, PhaseParked)
	}
	if l.phase == phaseBetween || l.phase == phaseLeaving {
		l.agent = Nobody
	}
}

// offered checks that the agent has room by what he or she was given before.
func (o *observer) offered(e Effect, l *life) {
	o.check(e.Offer == o.opened+1, e)
	o.opened = e.Offer
	t := o.w.ref.types[l.typ]
	rule := o.w.cfg.Channels[t.Channel]
	p := o.w.ref.classes[o.signed[e.Agent]]
	units, interrupted, count := 0, 0, 0
	for _, other := range o.lives {
		if other.agent != e.Agent || other.phase == PhaseParked || other == l {
			continue
		}
		ch := o.w.ref.types[other.typ].Channel
		units += o.w.cfg.Channels[ch].Weight
		if rule.Interrupts>>ch&1 == 1 {
			interrupted += o.w.cfg.Channels[ch].Weight
		}
		if ch == t.Channel {
			count++
		}
	}
	limit := p.Capacity
	if rule.Limit > 0 {
		limit = min(limit, rule.Limit)
	}
	o.check(int(e.Load) == units && units-interrupted+rule.Weight <= limit && count < int(p.Caps[t.Channel]), e)
	o.check(e.Time == o.w.now+int64(t.OfferTimeout) && o.told[e.Agent].State != LoggedOut, e)
	l.agent, l.offer = e.Agent, e
	o.made = append(o.made, e)
}

func (o *observer) closed(e Effect, l *life) {
	switch {
	case e.Code == Full:
		o.check(l.phase == phaseBetween && e.Agent == Nobody, e)
	case e.Agent == Nobody:
		o.check(l.phase == PhaseWaiting || l.phase == phaseLeaving, e)
	default:
		o.check(e.Agent == l.agent && slices.Contains([]Phase{PhaseConnected, PhaseWrapUp, PhaseParked}, l.phase), e)
	}
	delete(o.lives, e.Contact)
}

// end checks what must be so when a command is over.
func (o *observer) end() {
	has := map[Agent][16]int{}
	for _, l := range o.lives {
		o.check(l.phase != phaseBetween && l.phase != phaseLeaving, l.offer)
		o.check(l.phase != PhaseOffered || l.offer.Time > o.w.now, l.offer)
		if l.agent != Nobody {
			n := has[l.agent]
			n[l.phase]++
			has[l.agent] = n
		}
	}
	for a, e := range o.told {
		n := has[a]
		want := NotReady
		switch {
		case n[PhaseConnected] > 0:
			want = Busy
		case n[PhaseOffered] > 0:
			want = Reserved
		case n[PhaseWrapUp] > 0:
			want = WrappingUp
		case e.Ready:
			want = Ready
		case e.State == LoggedOut:
			want = LoggedOut
		}
		o.check(e.State == want, e)
	}
}
