package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
)

// losing loses the first message of a kind; "" loses none.
func losing(inward bool, what string) fate {
	return func(m message) []time.Duration {
		if m.inward == inward && m.what == what && m.nth == 1 {
			return nil
		}
		return []time.Duration{0}
	}
}

// Each message of a call is lost once, on the caller's leg and on that of the
// agent's phone: the call is as it would have been, and nothing is left of it.
func TestRowLost_EachMessageOnce(t *testing.T) {
	t.Parallel()
	const caller, phone, in, out = true, false, true, false
	flows := []struct {
		name  string
		phone robot.PhoneConfig
		play  func(c *relayedCall)
		lose  []loss
	}{
		{
			"the caller hangs up",
			robot.PhoneConfig{Delay: 20 * time.Millisecond},
			(*relayedCall).callerHangsUp,
			[]loss{
				{caller, in, "INVITE"},
				{caller, out, "200 INVITE"},
				{caller, in, "ACK"},
				{caller, in, "BYE"},
				{caller, out, "200 BYE"},
				{phone, out, "INVITE"},
				{phone, in, "180 INVITE"},
				{phone, in, "200 INVITE"},
				{phone, out, "ACK"},
				{phone, out, "BYE"},
				{phone, in, "200 BYE"},
			},
		},
		{
			"the agent hangs up",
			robot.PhoneConfig{Talk: 100 * time.Millisecond},
			(*relayedCall).over,
			[]loss{{phone, in, "BYE"}, {phone, out, "200 BYE"}, {caller, out, "BYE"}, {caller, in, "200 BYE"}},
		},
		{
			"the caller leaves while it rings",
			robot.PhoneConfig{Ignore: true},
			(*relayedCall).callerLeaves,
			[]loss{{phone, out, "CANCEL"}, {phone, in, "200 CANCEL"}, {phone, in, "487 INVITE"}, {phone, out, "ACK"}},
		},
	}
	for _, f := range flows {
		for _, l := range f.lose {
			t.Run(f.name+": "+l.String(), func(t *testing.T) {
				t.Parallel()
				n := newWorld(t).phones(20 * time.Second)
				call, answer := fate(untouched), losing(l.inward, l.what)
				if l.caller {
					call, answer = answer, call
				}
				c := n.relayed(call, answer, f.phone)
				lossy := c.agent
				if l.caller {
					lossy = c.caller
				}
				c.recovered = func() {
					eventually(t, "what was lost comes again", func() bool { return !l.repeated() || lossy.count(l.what) > 1 })
				}
				f.play(c)
				require.Positive(t, lossy.count(l.what), "it was lost")
			})
		}
	}
}

// loss is the first message of a kind on one leg.
type loss struct {
	caller, inward bool
	what           string
}

// repeated tells of what is sent again while the call goes on: a provisional
// response is not, and what ends the call is sent again after its end.
func (l loss) repeated() bool { return l.what == "INVITE" || l.what == "200 INVITE" || l.what == "ACK" }

func (l loss) String() string {
	leg, way := "phone", "from the node"
	if l.caller {
		leg = "caller"
	}
	if l.inward {
		way = "to the node"
	}
	return leg + "'s " + l.what + " " + way
}

func (c *relayedCall) callerHangsUp() {
	c.n.t.Helper()
	c.talk()
	c.recovered()
	require.NoError(c.n.t, c.Hangup(within(c.n.t)))
	c.over()
}

func (c *relayedCall) callerLeaves() {
	t := c.n.t
	t.Helper()
	eventually(t, "the phone rings", func() bool { return c.phone.Rings() == 1 })
	require.NoError(t, c.Hangup(within(t)))
	eventually(t, "CANCEL", func() bool { return c.phone.Cancels() == 1 })
	c.recovered()
	c.once()
	require.Equal(t, 1.0, c.n.metric("filo_voice_calls_total", "result", "abandoned"))
}
