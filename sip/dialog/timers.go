package dialog

import "time"

// The timers of RFC 3261 section 17 on which the dialog depends.
const (
	T1 = 500 * time.Millisecond // estimate of the round trip
	T2 = 4 * time.Second        // longest wait between repeats
	// Lifetime is 64*T1: how long a request waits for its response, a 2xx for
	// its ACK, and how long copies of either may come.
	Lifetime = 64 * T1
)

// answerTime is how long the application may take to answer an offer that
// came within the dialog. What waits for it is often a request that gives up
// after Lifetime.
const answerTime = 40 * T1

type timer int

const (
	resendOK          timer = iota // the 2xx that waits for its ACK
	giveUpOK                       // no ACK
	resendProvisional              // the reliable 1xx that waits for its PRACK
	giveUpProvisional              // no PRACK
	giveUpInvite                   // the INVITE that we cancelled has no final response
	giveUpBye                      // the BYE has no response
	forgetAcks                     // no 2xx can come again
	// From here on: timers of a call that has not ended.
	answerBy          // the application does not answer an offer
	repeatProvisional // proxies forget an INVITE of which they hear nothing
	retryOffer        // after a collision
	refresh           // the session wants to be kept alive
	expire            // the session is over unless it was
	tooEarly          // nobody answers the INVITE
	tooLong           // the call has lasted long enough
	subscribed        // their REFER's subscription ends
	transferring      // our REFER's subscription ends
	timerCount
)

// timers are the deadlines that are set; the zero time is none.
type timers [timerCount]time.Time

func (t *timers) stop(which timer)     { t[which] = time.Time{} }
func (t *timers) set(which timer) bool { return !t[which].IsZero() }

// next is the timer that is due first.
func (t *timers) next() (which timer, at time.Time) {
	for i, deadline := range t {
		if !deadline.IsZero() && (at.IsZero() || deadline.Before(at)) {
			which, at = timer(i), deadline
		}
	}
	return which, at
}

// start sets a timer; d <= 0 sets none.
func (m *Machine) start(which timer, d time.Duration) {
	m.timers.stop(which)
	if d > 0 {
		m.timers[which] = m.now.Add(d)
	}
}

// runTimers runs what is due, each timer once per call at most: what repeats
// counts from now.
func (m *Machine) runTimers() {
	for {
		which, at := m.timers.next()
		if at.IsZero() || at.After(m.now) {
			return
		}
		m.timers.stop(which)
		m.fire(which)
	}
}

func (m *Machine) fire(which timer) {
	switch which {
	case resendOK:
		m.resendOK()
	case giveUpOK:
		m.noACK()
	case resendProvisional:
		m.resendProvisional()
	case giveUpProvisional:
		m.noPRACK()
	case repeatProvisional:
		m.repeatProvisional()
	case giveUpInvite:
		m.abandon()
	case giveUpBye:
		m.byed = nil
	case forgetAcks:
		m.acks, m.forks = nil, nil
	default:
		m.fireSession(which)
	}
}

// fireSession runs the timers of a call that lives.
func (m *Machine) fireSession(which timer) {
	switch which {
	case answerBy:
		m.noAnswer()
	case refresh:
		m.session.due = true
	case expire:
		m.terminate(&Hangup{Reason: `SIP;cause=408;text="session expired"`}, Expired, 0)
	case tooEarly:
		m.terminate(&Hangup{Status: 480, Reason: `SIP;cause=408;text="no answer"`}, Unanswered, 0)
	case tooLong:
		m.terminate(&Hangup{Reason: `SIP;cause=503;text="longest duration"`}, TooLong, 0)
	case subscribed:
		m.unsubscribe()
	case transferring:
		m.endTransfer(408)
	}
	// retryOffer only lets proceed try again.
}

// draw is a random number below n (splitmix64).
func (m *Machine) draw(n int) int {
	m.random += 0x9e3779b97f4a7c15
	z := m.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(n)) //nolint:gosec // n is small and positive
}
