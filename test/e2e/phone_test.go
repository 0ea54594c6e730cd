package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/contact"
	"filo/internal/config"
	"filo/router"
)

var bruno = customer{giulia.Address, "+393385550077"}

// phones is a node whose checkout has no wrap-up, and whose calls ring so long.
func (w *world) phones(ring time.Duration) *node {
	return w.start(with(func(c *config.Config) {
		q := c.Router.Queues["checkout"]
		q.WrapUp, q.OfferTimeout = -1, ring
		c.Router.Queues["checkout"] = q
	}))
}

func (n *node) phone(cfg robot.PhoneConfig) *robot.Phone {
	n.t.Helper()
	cfg.Server, cfg.Password, cfg.Say = n.SIP, sipPassword, robot.Tone(agentHz)
	p, err := n.w.kit.Phone(within(n.t), cfg)
	require.NoError(n.t, err)
	n.t.Cleanup(func() { _ = p.Unregister(within(n.t)) })
	return p
}

// known lets a customer with a half-filled checkout call: straight to the queue.
func (n *node) known(c customer) *robot.Call {
	n.t.Helper()
	c.checkout(n.t, n.visitor("anon-"+c.Phone, ""))
	return n.call(c.Phone)
}

func isPeer(o offer, c customer) bool { return strings.HasSuffix(o.Peer, c.Phone[len(c.Phone)-4:]) }

// An agent answers at a SIP phone; the caller hangs up, then the agent.
func TestRowSIPPhone_Answers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.phones(5 * time.Second)
	elena := n.signIn("elena")
	ended := make(chan robot.PhoneCall, 2)
	phone := n.phone(robot.PhoneConfig{User: "luca", Delay: 50 * time.Millisecond, Ended: func(c robot.PhoneCall) { ended <- c }})

	c := n.known(giulia)
	hears(t, "caller", c.Meter, agentHz)
	eventually(t, "the phone is in the call", func() bool { return phone.Meter() != nil })
	hears(t, "phone", phone.Meter(), callerHz)
	require.NoError(t, c.Hangup(within(t)))
	got := <-ended
	require.Equal(t, giulia.Phone, got.From)
	require.NotEmpty(t, got.Headers["X-Filo-Contact"])
	require.Equal(t, "checkout", got.Headers["X-Filo-Queue"])
	elena.awaitFloor("luca is free again", func(f floor) bool { s, _ := f.agent("luca"); return s == string(contact.Ready) })
	require.NoError(t, phone.Unregister(within(t)))

	n.phone(robot.PhoneConfig{User: "luca", Talk: 300 * time.Millisecond, Ended: func(c robot.PhoneCall) { ended <- c }})
	c = n.known(giulia)
	hears(t, "caller", c.Meter, agentHz)
	select {
	case <-c.Done():
	case <-time.After(patience):
		t.Fatal("the agent's hang-up does not end the call")
	}
	<-ended
	require.NoError(t, c.Hangup(within(t)))
	require.Equal(t, 2.0, n.metric("filo_voice_phone_rings_total", "result", "answered"))
	n.quiet()
}

// placeKept: giulia called first and was refused or let ring; bruno called
// after her. The next agent is offered giulia.
func placeKept(t *testing.T, n *node, elena *agent, a *robot.Call) {
	t.Helper()
	since := elena.awaitWaiting("checkout")
	b := n.known(bruno)
	elena.awaitFloor("two wait", func(f floor) bool { return len(f.waiting("checkout")) == 2 })
	require.Equal(t, since, elena.floor().waiting("checkout")[0])
	marta := n.ready("marta")
	o := marta.offer("voice")
	require.True(t, isPeer(o, giulia), "who waits longer is offered first, not %s", o.Peer)
	marta.accept(o)
	bothTalk(t, a.Meter, marta)
	require.NoError(t, b.Hangup(within(t)))
	require.NoError(t, a.Hangup(within(t)))
}

// A phone that answers 486 passes the call on, with its place.
func TestRowSIPPhone_Refuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.phones(5 * time.Second)
	elena := n.signIn("elena")
	luca := n.phone(robot.PhoneConfig{User: "luca", Refuse: 486})
	piero := n.phone(robot.PhoneConfig{User: "piero", Refuse: 486})
	a := n.known(giulia)
	eventually(t, "both phones rang", func() bool { return luca.Rings() == 1 && piero.Rings() == 1 })
	state, _ := elena.floor().agent("luca")
	require.Equal(t, string(contact.Ready), state, "who refuses stays ready")
	placeKept(t, n, elena, a)
	require.Zero(t, n.metric("filo_router_rona_total"))
	n.quiet()
}

// A phone that nobody answers is cancelled, its agent is not ready any more,
// and the call goes on with its place.
func TestRowSIPPhone_NoAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.phones(time.Second)
	elena := n.signIn("elena")
	luca := n.phone(robot.PhoneConfig{User: "luca", Ignore: true})
	a := n.known(giulia)
	eventually(t, "CANCEL", func() bool { return luca.Cancels() == 1 })
	elena.awaitFloor("luca is not ready", func(f floor) bool {
		state, reason := f.agent("luca")
		return state == string(contact.NotReady) && reason == "rona"
	})
	placeKept(t, n, elena, a)
	require.Equal(t, 1, luca.Rings())
	require.Equal(t, 1.0, n.metric("filo_router_rona_total"))
	n.quiet()
}

// A caller who hangs up while the phone rings: CANCEL, and no blame.
func TestRowSIPPhone_CallerLeavesWhileItRings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.phones(10 * time.Second)
	elena := n.signIn("elena")
	luca := n.phone(robot.PhoneConfig{User: "luca", Ignore: true})
	for ring := 1; ring <= 2; ring++ {
		c := n.known(giulia)
		eventually(t, "the phone rings", func() bool { return luca.Rings() == ring })
		require.NoError(t, c.Hangup(within(t)))
		eventually(t, "CANCEL", func() bool { return luca.Cancels() == ring })
		elena.awaitFloor("luca stays ready", func(f floor) bool { s, _ := f.agent("luca"); return s == string(contact.Ready) })
	}
	require.Zero(t, n.metric("filo_router_rona_total"))
	require.Equal(t, 2.0, n.metric("filo_voice_calls_total", "result", "abandoned"))
	n.quiet()
}

// A phone whose 200 crosses our CANCEL is acknowledged and hung up; the caller
// is with somebody else and notices nothing.
func TestRowSIPPhone_LateAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.phones(time.Second)
	paola := n.signIn("paola")
	port := freePort(t)
	phone := startSIPp(t, "phone-late", "", nil, "-p", port)
	startSIPp(t, "phone-register", n.SIP, map[string]string{"user": "luca", "contact_port": port}, "-au", "luca", "-ap", sipPassword).wait()
	require.NoError(t, paola.Ready(within(t)))

	c := n.known(giulia)
	o := paola.offer("voice")
	require.NotEmpty(t, phone.logged("cancelled"))
	paola.accept(o)
	bothTalk(t, c.Meter, paola)
	phone.wait() // ACK and BYE came
	require.NoError(t, c.Hangup(within(t)))
	n.quiet()
}

// An offer whose desk has gone goes to the next agent and keeps its place.
func TestRowDesk_SocketClosedDuringAnOffer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start(with(func(c *config.Config) {
		c.Desk.Socket.LostOffered = 200 * time.Millisecond
		c.Router.Channels[contact.Voice] = func(ch router.Channel) router.Channel {
			ch.OfferTimeout = time.Minute // it is not the time-out that frees the call
			return ch
		}(c.Router.Channels[contact.Voice])
	}))
	elena := n.signIn("elena")
	paola := n.ready("paola")
	a := n.known(giulia)
	paola.offer("voice")
	paola.Drop()
	placeKept(t, n, elena, a)
	require.Equal(t, 1.0, n.metric("filo_router_offers_total", "result", "revoked")+n.metric("filo_router_offers_total", "result", "withdrawn"))
	n.quiet()
}
