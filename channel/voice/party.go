package voice

import (
	"context"
	"time"

	"filo/contact"
	"filo/media"
	"filo/sip"
)

// party is somebody on a call: the caller, an agent, who is consulted, a
// supervisor. Agents and supervisors are at a browser line, which may vanish and
// come back, or at a leg that we called, as is a number outside. Only the
// call's goroutine touches it.
type party struct {
	agent  contact.AgentID // "" for the caller and for a number outside
	ep     media.Endpoint  // nil while the line is gone
	leg    *sip.Leg        // that we called; nil for a browser line and the caller
	dialog *sip.Leg        // leg, or that of the line, for the trace

	muted bool
	lost  time.Time // since when the line is; zero: it is there

	music *player
	leave func()             // of the room; nil while apart
	quit  context.CancelFunc // of the goroutine that watches
}

// claim puts an agent or supervisor at a browser line on the call; nil when
// there is no line, or it is in use.
func (k *call) claim(id contact.AgentID, role []string) *party {
	l, _ := k.c.lines.claim(id)
	if l == nil {
		return nil
	}
	k.traced(l.leg, role...)
	return &party{agent: id, ep: l.ep, dialog: l.leg, music: &player{}}
}

// answered is who took a call of ours.
func (a *ringAnswer) party() *party {
	return &party{agent: a.agent, ep: a.ep, leg: a.leg, dialog: a.leg, music: &player{}}
}

// release ends the party's stay on the call: a line is free for others, a leg
// is hung up.
func (p *party) release(ctx context.Context, k *call) {
	if p.quit != nil {
		p.quit()
	}
	p.apart()
	p.music.stop()
	if p.leg == nil {
		k.c.lines.release(p.agent)
		return
	}
	hangup(context.WithoutCancel(ctx), k.log, p.leg, "conversation over", k.lastWords())
	closeEndpoint(k.log, p.ep)
}

// is reports whether the party is that agent; nil is nobody.
func (p *party) is(id contact.AgentID) bool { return p != nil && p.agent != "" && p.agent == id }

// here reports whether the party can talk; nil cannot.
func (p *party) here() bool { return p != nil && p.ep != nil && p.lost.IsZero() }

// join lets the party speak to those, and hear who speaks to it.
func (p *party) join(room *media.Room, to []media.Endpoint) {
	p.music.stop()
	p.ep.Mute(p.muted)
	p.leave = room.Join(p.ep, media.Role{SpeaksTo: to})
}

// apart takes the party out of the room.
func (p *party) apart() {
	if p.leave != nil {
		p.leave()
		p.leave = nil
	}
}

func (p *party) mute(on bool) {
	p.muted = on
	if p.ep != nil {
		p.ep.Mute(on)
	}
}

// news is what became of a party.
type news struct {
	p    *party
	what happening
}

type happening int

const (
	hasLeft   happening = iota // a leg ended
	hasNoMore                  // a leg has no audio any more
	hasMoved                   // a browser line came or went
)

// watch tells the conversation what becomes of the party, until its release.
func (v *conversation) watch(ctx context.Context, p *party) {
	ctx, p.quit = context.WithCancel(ctx)
	v.hearReferrals(p)
	v.hearHold(p)
	if leg, ep := p.leg, p.ep; leg != nil {
		v.k.wg.Go(func() { v.watchLeg(ctx, p, leg, ep) })
		return
	}
	l, changed := v.k.c.lines.current(p.agent)
	v.k.wg.Go(func() { v.watchLine(ctx, p, changed) })
	if l == nil || l.ep != p.ep { // it moved since the claim
		v.follow(p)
	}
}

func (v *conversation) watchLeg(ctx context.Context, p *party, leg *sip.Leg, ep media.Endpoint) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-leg.Done():
			v.tellNews(ctx, news{p, hasLeft})
			return
		case e := <-ep.Events():
			if e.Kind == media.Timeout || e.Kind == media.Failed {
				v.tellNews(ctx, news{p, hasNoMore})
				return
			}
		}
	}
}

func (v *conversation) watchLine(ctx context.Context, p *party, changed <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		_, changed = v.k.c.lines.current(p.agent)
		v.tellNews(ctx, news{p, hasMoved})
	}
}

func (v *conversation) tellNews(ctx context.Context, n news) {
	select {
	case v.news <- n:
	case <-ctx.Done():
	}
}

// follow takes the party's newest browser line.
func (v *conversation) follow(p *party) {
	l, _ := v.k.c.lines.current(p.agent)
	p.apart()
	p.music.stop()
	if l == nil {
		p.ep = nil
		v.lose(p)
		return
	}
	p.ep, p.dialog = l.ep, l.leg
	v.k.traced(l.leg, v.role(p)...)
	v.regain(p)
}

// lose begins the grace in which the party's line may come back.
func (v *conversation) lose(p *party) {
	if !p.lost.IsZero() {
		return
	}
	p.lost = time.Now()
	v.k.c.metrics.lineLost.Inc()
	v.k.noteAt(p.dialog, noteLineLost)
}

func (v *conversation) regain(p *party) {
	if p.lost.IsZero() {
		return
	}
	p.lost = time.Time{}
	v.k.noteAt(p.dialog, noteLineBack)
}

// listen notices a browser that went silent (a reload, a dead network) well
// before ICE does, and its return; it reports either. Who talks to nobody may
// be silent.
func (v *conversation) listen(p *party) (news bool) {
	if p == nil || p.leg != nil || p.ep == nil {
		return false
	}
	switch silent := v.k.c.silent(p.ep); {
	case silent && p.lost.IsZero() && v.talks(p):
		v.lose(p)
	case !silent && !p.lost.IsZero():
		v.regain(p)
	default:
		return false
	}
	return true
}

// gone reports whether the party's line has been lost for too long.
func (v *conversation) gone(p *party) bool {
	return p != nil && !p.lost.IsZero() && time.Since(p.lost) > v.k.c.cfg.LineGrace
}
