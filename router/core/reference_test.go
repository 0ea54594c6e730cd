package core

import "slices"

// reference is the engine written from the specification in doc.go as plain
// loops over everything: no lists, no lanes, no heads, nothing remembered that
// can be looked up. It is slow and obvious; the property test holds the State
// to it, effect by effect.
type reference struct {
	cfg      Config
	now      int64
	plans    [][]Step
	classes  []Profile
	types    []WorkType
	sizes    [256]uint32 // of the waiting rooms
	agents   []refAgent
	contacts []refContact
	timers   []refTimer

	stamps, arrivals, offers, started uint64
	out                               []Effect
	broken                            []string       // offers against the load rule; must stay empty
	seen                              map[string]int // how often each feature decided something
}

type refAgent struct {
	signedIn, ready, leaving bool
	class                    Class
	reach                    uint8
	reason                   Reason
	rona                     int
	stamp                    uint64
	since                    int64
	told                     *Effect
	has                      []Contact // newest first
}

type refContact struct {
	phase      Phase
	typ        Type
	plan       Plan
	tier       uint8 // as it arrived
	lost       bool  // its agent
	priority   int16
	enqueued   int64 // key E
	band       int64 // the last boundary that was reached
	seq, offer uint64
	pref       Agent
	agent      Agent // of the offer, conversation, wrap-up; or who parked it
	held       bool
	holdUntil  int64 // refNever: by no time
	deadline   int64 // of the offer or wrap-up; 0: none
	wrapStart  int64
	excluded   []Agent
}

const refNever = int64(Forever)

type refTimerKind uint8

const (
	refHold refTimerKind = iota
	refOffer
	refWrap
	refExclusion
)

type refTimer struct {
	at      int64
	order   uint64 // in which it was started
	kind    refTimerKind
	contact Contact
	agent   Agent // of an exclusion
}

func newReference(cfg Config) *reference {
	if cfg.MaxAgents == 0 {
		cfg.MaxAgents = 1 << 20
	}
	if cfg.MaxContacts == 0 {
		cfg.MaxContacts = 1 << 22
	}
	if cfg.MaxPriority <= 0 {
		cfg.MaxPriority = 100
	}
	cfg.MaxPriority = min(cfg.MaxPriority, 500)
	return &reference{cfg: cfg, seen: map[string]int{}}
}

// Apply is State.Apply.
func (m *reference) Apply(now int64, cmd Command, dst []Effect) []Effect {
	m.now = max(m.now, now)
	m.out = dst
	for m.fireNext() {
	}
	code := m.do(cmd)
	m.saw(cmd.Op.String() + ": " + code.String())
	if code != 0 {
		m.emit(Effect{Kind: Refused, Op: cmd.Op, Code: code, Contact: cmd.Contact, Agent: cmd.Agent, Offer: cmd.Offer})
	}
	return m.out
}

func (m *reference) emit(e Effect) { m.out = append(m.out, e) }

func (m *reference) saw(feature string) { m.seen[feature]++ }

// --- timers

func (m *reference) start(at int64, kind refTimerKind, c Contact, a Agent) {
	m.started++
	m.timers = append(m.timers, refTimer{at, m.started, kind, c, a})
}

// stop ends the contact's hold, offer or wrap-up timer.
func (m *reference) stop(c Contact) {
	m.timers = slices.DeleteFunc(m.timers, func(t refTimer) bool {
		return t.contact == c && t.kind != refExclusion
	})
}

// fireNext fires the first timer that is due: by time, then those that were
// started in their order, then the bands of waiting contacts in theirs.
func (m *reference) fireNext() bool {
	timer := m.firstTimer()
	waiter, band := m.firstBand()
	switch {
	case timer >= 0 && m.timers[timer].at <= min(m.now, band):
		t := m.timers[timer]
		m.timers = slices.Delete(m.timers, timer, timer+1)
		m.fire(t)
	case band <= m.now:
		m.saw("band timer")
		m.reroute(waiter, m.contacts[waiter].typ)
	default:
		return false
	}
	return true
}

func (m *reference) firstTimer() int {
	best := -1
	for i, t := range m.timers {
		if best < 0 || t.at < m.timers[best].at || t.at == m.timers[best].at && t.order < m.timers[best].order {
			best = i
		}
	}
	return best
}

// firstBand returns the waiting contact whose band changes first, and when.
func (m *reference) firstBand() (best Contact, at int64) {
	best, at = Nothing, refNever
	for i := range m.contacts {
		if m.contacts[i].phase != PhaseWaiting {
			continue
		}
		due := m.bandDue(Contact(i))
		if due < at || due == at && at != refNever && m.contacts[i].seq < m.contacts[best].seq {
			best, at = Contact(i), due
		}
	}
	return best, at
}

// NextDeadline is State.NextDeadline.
func (m *reference) NextDeadline() (int64, bool) {
	_, at := m.firstBand()
	if i := m.firstTimer(); i >= 0 {
		at = min(at, m.timers[i].at)
	}
	return at, at != refNever
}

func (m *reference) fire(t refTimer) {
	c := &m.contacts[t.contact]
	switch t.kind {
	case refHold:
		m.reroute(t.contact, c.typ)
	case refOffer:
		a := &m.agents[c.agent]
		a.rona++
		if m.cfg.RONALimit > 0 && a.rona >= m.cfg.RONALimit && !a.leaving {
			a.ready, a.reason = false, ReasonRONA
			m.saw("rona")
		}
		m.refuse(t.contact, Expired)
	case refWrap:
		m.saw("wrap-up: by time")
		m.finish(t.contact)
	case refExclusion:
		c.excluded = slices.DeleteFunc(c.excluded, func(a Agent) bool { return a == t.agent })
		if c.phase == PhaseWaiting {
			m.reroute(t.contact, c.typ)
			if c.phase == PhaseOffered && c.agent == t.agent {
				m.saw("exclusion: over, offered again")
			}
		}
	}
}
