package voice

import (
	"context"
	"slices"
	"time"

	"filo/contact"
	"filo/media"
)

// Who hears whom. A conversation says who is in its circle: those talk with
// each other. Everybody else hears music, but for an agent who waits, who
// hears nothing. A supervisor hears the circle and is heard as the mode says.
// All share one room, so that a recording is of the call from its first
// word to its last; roles keep them apart.

// circle are those who talk with each other, or would if they were here.
func (v *conversation) circle() []*party {
	switch stage := v.stage(); {
	case v.agent == nil && stage == contact.ConsultRinging:
		return nil
	case v.agent == nil:
		return []*party{v.caller, v.consult.p}
	case stage == contact.ConsultTalking:
		return []*party{v.speaker(), v.consult.p}
	case stage == contact.ConsultConference:
		return []*party{v.agent, v.caller, v.consult.p}
	case stage == contact.ConsultRinging, v.hold:
		return []*party{v.agent}
	}
	return []*party{v.agent, v.caller}
}

// present is the circle without who is not here now.
func (v *conversation) present() []*party {
	return slices.DeleteFunc(v.circle(), func(p *party) bool { return !p.here() })
}

// talks reports whether the party should be heard by another one.
func (v *conversation) talks(p *party) bool {
	in := v.present()
	return len(in) > 1 && slices.Contains(in, p)
}

// connect makes true what circle and supervisor say. Who leaves goes before
// others speak.
func (v *conversation) connect(ctx context.Context) {
	v.observe() // who joins anew is counted anew
	in, listener := v.present(), v.listener()
	together := len(in) > 1 || listener != nil && (slices.Contains(in, v.agent) || slices.Contains(in, v.speaker()))
	for _, p := range v.everybody() {
		if !together || !slices.Contains(in, p) {
			v.leaves(ctx, p)
		}
	}
	if together {
		for _, p := range in {
			p.join(v.k.room, voices(p, append(in, listener)))
		}
	}
	if listener != nil {
		v.monitor.join(v.k.room, in, []*party{v.agent, v.second})
	}
	v.clockHold()
}

// everybody is on the call but for a supervisor: the caller, and who is not
// nil of agent, at one leg or two, and consulted.
func (v *conversation) everybody() (list []*party) {
	for _, p := range []*party{v.caller, v.agent, v.second, v.consulted()} {
		if p != nil {
			list = append(list, p)
		}
	}
	return list
}

// leaves takes a party out of the room; who is not the agent hears music.
func (v *conversation) leaves(ctx context.Context, p *party) {
	p.apart()
	if p == v.agent || p == v.second || !p.here() || p.music.playing() {
		return
	}
	if p == v.caller {
		v.k.note(noteMusic)
	}
	p.music.start(ctx, v.k.log, p.ep, v.k.c.music)
}

// voices are those to whom p speaks.
func voices(p *party, all []*party) []media.Endpoint {
	list := make([]media.Endpoint, 0, len(all)) // not nil, which would be everybody
	for _, other := range all {
		if other != nil && other != p {
			list = append(list, other.ep)
		}
	}
	return list
}

// clockHold keeps the time in which the caller was left alone by the agent.
func (v *conversation) clockHold() {
	alone := v.agent != nil && (v.hold || v.stage() == contact.ConsultRinging || v.stage() == contact.ConsultTalking)
	if alone == !v.held.IsZero() {
		return
	}
	now := v.k.c.now()
	if alone {
		v.held = now
		return
	}
	v.k.segment.HoldTime += now.Sub(v.held)
	v.held = time.Time{}
}
