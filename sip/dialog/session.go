package dialog

import "time"

// minSession is the least interval that RFC 4028 section 4 allows a far side to
// ask of us, whatever our configuration says.
const minSession = 90 * time.Second

// longestSession is the longest interval that we let a far side raise ours to.
const longestSession = 24 * time.Hour

// session is the session timer (RFC 4028).
type session struct {
	interval time.Duration // 0: the session does not expire
	ours     bool          // we refresh
	least    time.Duration // that the far side told us
	due      bool          // a refresh is to be sent
}

// least is the shortest interval that we agree to.
func (m *Machine) least() time.Duration { return max(m.cfg.MinSession, m.session.least) }

// tooBrief: the interval asked for is less than we accept, from who can do
// better (RFC 4028 section 9).
func (m *Machine) tooBrief(r *Request) bool {
	return (r.Method == INVITE || r.Method == UPDATE) &&
		r.Supported&Timer != 0 && r.Timer.Expires > 0 && r.Timer.Expires < m.cfg.MinSession
}

// askTimer is what our INVITE or UPDATE says (RFC 4028 section 7.1 and 7.4).
func (m *Machine) askTimer() SessionTimer {
	t := SessionTimer{Expires: m.session.interval, Min: m.session.least}
	if t.Expires == 0 {
		t.Expires = m.cfg.Session
	} else if m.session.ours {
		t.Refresher = ByClient
	} else {
		t.Refresher = ByServer
	}
	if t.Expires > 0 {
		t.Expires = max(t.Expires, m.least())
	}
	return t
}

// raiseInterval takes the least interval of a 422; false when it is not worth
// another try.
func (m *Machine) raiseInterval(least time.Duration) bool {
	asked := m.askTimer().Expires
	if asked == 0 || least <= asked || least > longestSession {
		return false
	}
	m.session.least = least
	return true
}

// takeTimer takes what a 2xx to our request agrees to (RFC 4028 section 7.2).
func (m *Machine) takeTimer(t *SessionTimer) {
	if t.Expires == 0 {
		m.keepAlive(0, false)
		return
	}
	m.keepAlive(max(t.Expires, m.least()), t.Refresher != ByServer)
}

// grant writes into a 2xx what we agree to (RFC 4028 section 9).
func (m *Machine) grant(r *Request, res *Response) {
	res.Supported, res.Updates = m.supported(), true
	able := r.Supported&Timer != 0
	t := SessionTimer{Expires: m.cfg.Session, Refresher: ByServer}
	if asked := r.Timer.Expires; asked > 0 {
		t.Expires = asked
		if m.cfg.Session > 0 {
			t.Expires = min(asked, max(m.cfg.Session, r.Timer.Min, m.least()))
		}
	} else {
		t.Expires = m.session.interval
		if t.Expires == 0 {
			t.Expires = m.cfg.Session
		}
	}
	if t.Expires == 0 {
		m.keepAlive(0, false)
		return
	}
	t.Expires = max(t.Expires, r.Timer.Min)
	if able && r.Timer.Refresher == ByClient {
		t.Refresher = ByClient
		res.Require |= Timer
	}
	res.Timer = t
	m.keepAlive(t.Expires, t.Refresher == ByServer)
}

// keepAlive starts the session anew: who refreshes does so at half of the
// interval, and the session is over shortly before its end (RFC 4028 section
// 10).
func (m *Machine) keepAlive(interval time.Duration, ours bool) {
	if m.state == early {
		return // there is no session yet
	}
	m.session.interval, m.session.ours, m.session.due = interval, ours, false
	m.timers.stop(refresh)
	if ours {
		m.start(refresh, interval/2)
	}
	m.start(expire, interval-min(Lifetime, interval/3))
}

// proceedRefresh refreshes the session: by UPDATE where the far side takes it
// (RFC 4028 section 7.4), else by a re-INVITE that repeats our description.
func (m *Machine) proceedRefresh() {
	if !m.session.due || m.state != confirmed {
		return
	}
	switch {
	case m.wanted != nil || m.sent != nil: // if it succeeds, it has refreshed the session
		return
	case m.d.updates:
		m.enqueueUpdate(m.d, Request{Method: UPDATE})
	case m.d.local != nil:
		m.wanted = &reoffer{sdp: m.d.local, refresh: true}
		m.proceedOffer()
	}
	m.session.due = false
}

func (m *Machine) enqueueUpdate(b *branch, r Request) {
	r.Supported, r.Updates, r.Timer = m.supported(), true, m.askTimer()
	b.enqueue(r)
}

// refreshLater tries again after a failure that is not the dialog's end: as
// long as the session lasts.
func (m *Machine) refreshLater() {
	if at := m.timers[expire]; !at.IsZero() {
		m.start(refresh, max(at.Sub(m.now)/2, time.Second))
	}
}
