package media

import (
	"slices"
	"sync"
	"time"
)

// Role says who hears a member.
type Role struct {
	// SpeaksTo are the members that hear this one; nil means all. An empty,
	// non-nil list makes a silent listener. Members may join later than they
	// are named.
	SpeaksTo []Endpoint
}

// Room joins the audio of its members. Whoever hears exactly one voice gets its
// packets passed through; whoever hears more gets a mix, which is 40 ms later.
// Joining, leaving and changing roles never block and take effect between two
// packets: at the far ends there is neither a click nor a gap in the numbers.
// Going over to a mix costs the listener 40 ms of silence, in which the voices
// gather. An endpoint is in one room at a time.
type Room struct {
	engine *Engine

	mu      sync.Mutex
	members []*member
	mixer   *mixer // nil while nobody needs a mix

	recording *Recording // nil: none
}

// member is one endpoint's stay in a room.
type member struct {
	room *Room
	ep   *endpoint
	role Role
	src  source    // as a source of the others' streams
	mix  source    // of our stream, while we hear a mix
	in   *mixInput // non-nil while some member hears us in a mix

	track *track // of the room's recording
}

// NewRoom makes an empty room. It needs no closing: it is gone with its members.
func (en *Engine) NewRoom() *Room { return &Room{engine: en} }

// Join puts ep into the room, out of the room it was in. The leave it returns
// is idempotent and does nothing once ep has gone elsewhere. Joining again
// only changes the role.
func (r *Room) Join(ep Endpoint, role Role) (leave func()) {
	c, ok := ep.(interface{ core() *endpoint })
	if !ok {
		return func() {}
	}
	e := c.core()
	e.roomMu.Lock()
	defer e.roomMu.Unlock()
	m := e.member
	switch {
	case e.isClosed():
		return func() {}
	case m != nil && m.room == r:
		r.mu.Lock()
		m.role = role
		r.rewire()
		r.mu.Unlock()
	default:
		if m != nil {
			m.room.drop(m)
		}
		now := time.Now()
		e.rx.join(now)
		e.tx.join(now)
		m = &member{room: r, ep: e, role: role}
		e.member = m
		r.mu.Lock()
		r.members = append(r.members, m)
		r.rewire()
		r.mu.Unlock()
	}
	return func() { e.leave(m) }
}

// leave ends one stay; a later stay is not touched.
func (e *endpoint) leave(m *member) {
	e.roomMu.Lock()
	defer e.roomMu.Unlock()
	if e.member == m {
		e.member = nil
		m.room.drop(m)
	}
}

func (e *endpoint) leaveRoom() {
	e.roomMu.Lock()
	defer e.roomMu.Unlock()
	if m := e.member; m != nil {
		e.member = nil
		m.room.drop(m)
	}
}

func (r *Room) drop(m *member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.members, m); i >= 0 {
		r.members = slices.Delete(r.members, i, i+1)
	}
	m.ep.route.Store(nil)
	m.ep.tx.listen(nil)
	r.rewire()
}

// speaks says whether m is heard by to.
func (m *member) speaks(to *member) bool {
	if m == to {
		return false
	}
	if m.role.SpeaksTo == nil {
		return true
	}
	for _, ep := range m.role.SpeaksTo {
		if c, ok := ep.(interface{ core() *endpoint }); ok && c.core() == to.ep {
			return true
		}
	}
	return false
}

// voices are the members that to hears.
func (r *Room) voices(to *member) (voices []*member) {
	for _, m := range r.members {
		if m.speaks(to) {
			voices = append(voices, m)
		}
	}
	return voices
}

// rewire works out anew who hears whom; r.mu is held. Each stream is told who
// feeds it, so that no straggler of the one before mixes in.
func (r *Room) rewire() {
	forward := make(map[*member][]*endpoint, len(r.members))
	mixed := make(map[*member]bool, len(r.members))
	var outs []*mixOutput
	for _, to := range r.members {
		switch voices := r.voices(to); len(voices) {
		case 0:
			to.ep.tx.listen(nil)
		case 1:
			forward[voices[0]] = append(forward[voices[0]], to.ep)
			to.ep.tx.listen(&voices[0].src)
		default:
			outs = append(outs, to.mixOf(voices))
			for _, v := range voices {
				mixed[v] = true
			}
			to.ep.tx.listen(&to.mix)
		}
	}
	for _, m := range r.members {
		if !mixed[m] {
			m.in = nil
		}
		m.ep.route.Store(&route{
			src: &m.src, forward: forward[m], mix: m.in, track: r.track(m), alone: len(r.members) < 2,
		})
	}
	r.setMix(outs)
}

// mixOf makes what m hears of voices. A voice that is in a mix already stays
// in its place.
func (m *member) mixOf(voices []*member) *mixOutput {
	out := &mixOutput{to: m.ep, src: &m.mix}
	for _, v := range voices {
		if v.in == nil {
			v.in = &mixInput{}
		}
		out.voices = append(out.voices, v.in)
	}
	return out
}

// setMix hands the outputs to the mixer, which lives as long as there are any.
func (r *Room) setMix(outs []*mixOutput) {
	if len(outs) == 0 {
		if r.mixer != nil {
			r.mixer.set(nil)
			r.mixer = nil
		}
		return
	}
	if r.mixer == nil {
		r.mixer = &mixer{}
		r.mixer.set(outs)
		r.engine.playout.add(r.mixer)
		return
	}
	r.mixer.set(outs)
}
