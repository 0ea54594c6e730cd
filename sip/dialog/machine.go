package dialog

import "time"

// Config is what a machine must know from the start.
type Config struct {
	// Tag is our tag, unique among all dialogs of the driver.
	Tag string
	// Seq is the CSeq of our first request as the caller, or one less than it as
	// the callee.
	Seq uint32
	// Seed feeds the waits that the standards want random.
	Seed uint64
	// Reliable offers 100rel to those whom we call.
	Reliable bool
	// Require are extensions without which we refuse callers (421).
	Require Extensions
	// Session is the session interval that we ask for; 0: none, but we keep to
	// what the far side asks for. MinSession is the least that we accept; 90 s
	// at least.
	Session, MinSession time.Duration
	// MaxEarly bounds the time without a final response to the INVITE, and
	// MaxDuration that of a confirmed call. 0: no bound.
	MaxEarly, MaxDuration time.Duration
}

type state int

const (
	idle      state = iota
	early           // an INVITE without a final response
	accepted        // a 2xx without its ACK: theirs is awaited, or ours waits for our answer
	confirmed       // the dialog stands
	ended           // for the application; something may still be owed to the peer
)

// Machine is one call. It must not be copied and is not safe for concurrent
// use.
type Machine struct {
	cfg    Config
	now    time.Time
	out    []Effect
	random uint64
	timers timers

	state  state
	caller bool      // we sent the INVITE, and own the Call-ID
	d      *branch   // the dialog; nil for a caller until a 2xx comes
	forks  []*branch // a caller's: the branches heard of

	invited Request       // a caller's first INVITE
	ours    *clientInvite // our INVITE without a final response
	theirs  *serverInvite // their INVITE without its ACK
	acks    []Request     // of 2xx that may come again
	bye     *Hangup       // a BYE to send when the ACK has come
	byed    *Request      // our BYE without a response

	provisions          // what a callee has said so far
	reliable   reliable // and what of it waits for a PRACK
	accepting  bool     // the 2xx is to be sent as soon as it may be

	wanted, sent *reoffer // our offer that waits for its turn, and the one on its way
	session      session
	refer        subscription // of their REFER: we notify
	transfer     subscription // of ours: they notify
}

// New returns a machine. Its first event makes it a caller ([Invite]) or a
// callee (an INVITE).
func New(cfg Config) *Machine {
	cfg.MinSession = max(cfg.MinSession, minSession)
	return &Machine{cfg: cfg, random: cfg.Seed}
}

// Apply lets the time be now, which never goes back, runs the timers that are
// due, then takes the event, and appends what shall be done to dst.
func (m *Machine) Apply(now time.Time, ev Event, dst []Effect) []Effect {
	if now.After(m.now) {
		m.now = now
	}
	m.out = dst
	m.runTimers()
	switch ev := ev.(type) {
	case nil, Tick:
	case Request:
		m.onRequest(&ev)
	case Response:
		m.onResponse(&ev)
	default:
		if !m.command(ev) {
			m.emit(Refused{ev})
		}
	}
	m.proceed()
	dst, m.out = m.out, nil
	return dst
}

// Deadline is when Apply must be called at the latest; zero: there is no need.
func (m *Machine) Deadline() time.Time {
	_, at := m.timers.next()
	return at
}

// Done tells whether the call has ended and nothing is owed to the peer any
// more.
func (m *Machine) Done() bool { return m.state == ended && m.Deadline().IsZero() }

// Echoing tells whether the call has ended and all that can still come are
// copies of a 2xx to our INVITE, and those of branches that answered too late
// (RFC 3261 section 13.2.2.4): who knows both without the machine may let go of
// it.
func (m *Machine) Echoing() bool {
	if m.state != ended || m.ours != nil || !m.timers.set(forgetAcks) {
		return false
	}
	for which := range timerCount {
		if which != forgetAcks && m.timers.set(which) {
			return false
		}
	}
	return true
}

// Ended tells whether the application was told of the end.
func (m *Machine) Ended() bool { return m.state == ended }

// Early tells whether the INVITE that opens the dialog waits for its final
// response.
func (m *Machine) Early() bool { return m.state == early }

// Confirmed tells whether a 2xx and its ACK were exchanged and the call has not
// ended.
func (m *Machine) Confirmed() bool { return m.state == confirmed }

// RemoteTag is the far side's tag; ok is false as long as a caller has not
// been answered.
func (m *Machine) RemoteTag() (tag string, ok bool) {
	if m.d == nil {
		return "", false
	}
	return m.d.tag, true
}

// RemoteSDP is the far side's session description as it stands; nil before the
// 2xx of a call of ours, and after the end.
func (m *Machine) RemoteSDP() []byte {
	if m.d == nil {
		return nil
	}
	return m.d.remote
}

func (m *Machine) emit(e Effect) { m.out = append(m.out, e) }

// command runs a command; false when the state does not allow it.
func (m *Machine) command(ev Event) bool {
	switch ev := ev.(type) {
	case Invite:
		return m.invite(&ev)
	case Ring:
		return m.provision(180, nil)
	case Progress:
		return m.provision(183, ev.SDP)
	case Answer:
		return m.answer(ev.SDP)
	case Hangup:
		return m.hangup(&ev)
	case Offer:
		return m.offer(ev.SDP)
	case Withdraw:
		return m.withdraw()
	case Accept:
		return m.accept(ev.Tag, ev.SDP)
	case Decline:
		return m.decline(ev.Tag, ev.Status)
	case Refer:
		return m.sendRefer(&ev)
	case Notify:
		return m.notify(ev.Status)
	}
	return false
}

// proceed does what had to wait for something that may have happened now.
func (m *Machine) proceed() {
	m.proceedProvisions()
	m.proceedAnswer()
	m.proceedOffer()
	m.proceedRefresh()
	for _, b := range m.branches() {
		m.proceedQueue(b)
	}
}

// end tells the application that the call is over, and lets go of what nobody
// is owed. Whatever must be sent instead was sent before.
func (m *Machine) end(why Cause, status int) {
	if m.state == ended {
		return
	}
	for _, b := range m.branches() {
		m.drop(b)
	}
	m.state = ended
	m.accepting, m.wanted, m.sent = false, nil, nil
	m.provisions, m.session = provisions{}, session{}
	m.refer, m.transfer = subscription{}, subscription{}
	for t := answerBy; t < timerCount; t++ {
		m.timers.stop(t)
	}
	m.emit(Ended{why, status})
}

// drop lets go of what was going on with one far side. A request of theirs that
// waits for the application gets its response (RFC 3261 section 15.1.2).
func (m *Machine) drop(b *branch) {
	if b.talk == asked && (b.in == inUpdate || b.in == inPRACK) {
		m.refuse(&b.asking, Response{Status: 487})
	}
	talk := b.talk
	if talk == asked {
		talk = agreed // as far as anybody will ever be
	}
	b.negotiation = negotiation{talk: talk}
	b.pending, b.queue = nil, nil
}
