package e2e

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
)

// relayed is a call of which every message goes through a relay: the caller's
// and those of the agent's phone. It rings when it returns.
func (n *node) relayed(call, answer fate, phone robot.PhoneConfig) (c *relayedCall) {
	n.t.Helper()
	c = &relayedCall{n: n, caller: n.newRelay(call), agent: n.newRelay(answer), ended: make(chan robot.PhoneCall, 1)}
	phone.User, phone.Server, phone.Password, phone.Say = "luca", c.agent.addr(), sipPassword, robot.Tone(agentHz)
	phone.Ended = func(p robot.PhoneCall) { c.ended <- p }
	var err error
	c.phone, err = n.w.kit.Phone(within(n.t), phone)
	require.NoError(n.t, err)
	giulia.checkout(n.t, n.visitor("relayed", ""))
	// The caller is of another user agent: both relays know one peer each.
	c.Call, err = n.w.newKit().Call(within(n.t), robot.Dial{Server: c.caller.addr(), From: giulia.Phone, To: "100", Say: robot.Tone(callerHz)})
	require.NoError(n.t, err)
	n.t.Cleanup(func() { _ = c.Hangup(within(n.t)) })
	return c
}

type relayedCall struct {
	*robot.Call
	n             *node
	caller, agent *relay
	phone         *robot.Phone
	ended         chan robot.PhoneCall
	recovered     func() // waits until what was lost came again; nil in a storm
}

// talk waits until both hear each other.
func (c *relayedCall) talk() {
	t := c.n.t
	t.Helper()
	hears(t, "caller", c.Meter, agentHz)
	eventually(t, "the phone is in the call", func() bool { return c.phone.Meter() != nil })
	hears(t, "phone", c.phone.Meter(), callerHz)
}

// over waits until the call has ended on both sides, and asserts that it was
// one, and that nothing is left of it.
func (c *relayedCall) over() {
	t := c.n.t
	t.Helper()
	for what, done := range map[string]func() bool{
		"the caller's side has ended": func() bool { return isClosed(c.Done()) },
		"the phone's side has ended":  func() bool { return len(c.ended) == 1 },
	} {
		eventually(t, what, done)
	}
	c.once()
}

func (c *relayedCall) once() {
	t := c.n.t
	t.Helper()
	c.n.quiet()
	require.Equal(t, 1.0, c.n.metric("filo_voice_calls_total"), "calls")
	require.Equal(t, 1, c.phone.Rings(), "calls at the phone")
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// tenfold delivers ten copies of every message, the first at once and the
// others within a few milliseconds, among those that follow.
func tenfold(seed uint64) fate {
	dice := rand.New(rand.NewPCG(seed, 10))
	return func(message) []time.Duration {
		copies := make([]time.Duration, 10)
		for i := range copies[1:] {
			copies[1+i] = time.Duration(1 + dice.IntN(30e6))
		}
		return copies
	}
}

// Every message of both legs comes ten times: it is one call.
func TestRowStorm_TenOfEachMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.phones(20 * time.Second)
	c := n.relayed(tenfold(1), tenfold(2), robot.PhoneConfig{Delay: 50 * time.Millisecond})
	c.talk()
	require.NoError(t, c.Hangup(within(t)))
	c.over()
	require.Equal(t, 1, c.phone.Rings())
	require.Equal(t, 1.0, n.metric("filo_voice_phone_rings_total", "result", "answered"))
}
