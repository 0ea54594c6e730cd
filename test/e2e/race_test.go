package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Races and glares of a caller with the node, written message by message. Each
// ends as the standard says and leaves nothing behind.
func TestRowRace_Caller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	p := n.newParty()
	rows := []struct {
		name string
		play func(t *testing.T, d *side)
	}{
		{"CANCEL right behind the INVITE", func(t *testing.T, d *side) {
			p.send(d.invite, d.cancel(d.invite))
			p.await("200 CANCEL", d.callID)
			d.cancelledOrAnswered()
		}},
		{"CANCEL twice", func(t *testing.T, d *side) {
			cancel := d.cancel(d.invite)
			p.send(d.invite, cancel, cancel)
			p.await("200 CANCEL", d.callID)
			p.await("200 CANCEL", d.callID)
			d.cancelledOrAnswered()
		}},
		{"CANCEL crosses the 200: the call stays", func(t *testing.T, d *side) {
			p.send(d.invite)
			d.answered()
			p.send(d.cancel(d.invite))
			p.await("200 CANCEL", d.callID)
			p.send(d.request("ACK", ""))
			d.hangUp()
		}},
		{"INVITE again after the 200: the 200 again", func(t *testing.T, d *side) {
			p.send(d.invite)
			first := d.answered()
			p.send(d.invite)
			require.Equal(t, first.toTag(), d.answered().toTag())
			p.send(d.request("ACK", ""))
			d.hangUp()
		}},
		{"ACK twice", func(t *testing.T, d *side) {
			d.up()
			p.send(d.request("ACK", ""))
			d.hangUp()
		}},
		{"BYE before the ACK", func(t *testing.T, d *side) {
			p.send(d.invite)
			d.answered()
			ack := d.request("ACK", "")
			d.hangUp()
			p.send(ack)
		}},
		{"BYE twice", func(t *testing.T, d *side) {
			d.up()
			bye := d.request("BYE", "")
			p.send(bye)
			p.await("200 BYE", d.callID)
			p.send(bye)
			p.await("200 BYE", d.callID)
		}},
		{"a second BYE of its own: 481", func(t *testing.T, d *side) {
			d.up().hangUp()
			p.send(d.request("BYE", ""))
			p.await("481 BYE", d.callID)
		}},
		{"re-INVITE and BYE back to back", func(t *testing.T, d *side) {
			d.up()
			again := d.request("INVITE", string(sdpFor("40002")))
			p.send(again, d.request("BYE", ""))
			p.await("200 BYE", d.callID)
		}},
		{"a request with an old number: 500", func(t *testing.T, d *side) {
			d.up()
			p.send(d.numbered("INFO", 1, "old"+d.callID, ""))
			p.await("500 INFO", d.callID)
			d.hangUp()
		}},
		{"BYE of a stranger: 481, and the call stays", func(t *testing.T, d *side) {
			d.up()
			stranger := *d
			stranger.local = strings.Replace(d.local, ";tag=a", ";tag=b", 1)
			p.send(stranger.request("BYE", ""))
			p.await("481 BYE", d.callID)
			d.seq++
			d.hangUp()
		}},
		{"the same INVITE by another way: 482", func(t *testing.T, d *side) {
			p.send(d.invite, d.numbered("INVITE", d.seq, "other"+d.callID, string(sdpFor("40000"))))
			p.await("482 INVITE", d.callID)
			d.answered()
			p.send(d.request("ACK", ""))
			d.hangUp()
		}},
		{"no offer, and a BYE instead of an answer", func(t *testing.T, d *side) {
			d.seq--
			p.send(d.request("INVITE", ""))
			d.answered()
			d.hangUp()
		}},
	}
	for i, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			p.t = t
			defer func() { p.t = n.t }()
			r.play(t, p.caller(fmt.Sprintf("+39347%07d", i), "100"))
			n.in(t).quiet()
		})
	}
}

// cancelledOrAnswered ends a call whose CANCEL may have crossed the answer.
func (d *side) cancelledOrAnswered() {
	d.p.t.Helper()
	var refusal text
	eventually(d.p.t, "a final response", func() bool {
		if m, ok, _ := d.p.take("487 INVITE", d.callID); ok {
			refusal = m
			return true
		}
		m, ok, _ := d.p.take("200 INVITE", d.callID)
		if ok {
			d.remote, d.target = m.header("To"), uri(m.header("Contact"))
		}
		return ok
	})
	if refusal != "" {
		d.p.send(d.refusedACK(d.invite, refusal))
		return
	}
	d.p.send(d.request("ACK", ""))
	d.hangUp()
}

// The same with an agent's phone as the peer: a call of a known customer rings
// there, and the caller is another peer of that kind.
func TestRowRace_Phone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.phones(20 * time.Second)
	caller, phone := n.newParty(), n.newParty()
	phone.register("luca")
	sdp := string(sdpFor("40004"))
	rows := []struct {
		name string
		play func(t *testing.T, c, a *side)
	}{
		{"fifteen 180, then 200", func(_ *testing.T, c, a *side) {
			for range 15 {
				a.says(180, "phone", "")
			}
			a.picksUp(sdp)
			c.hangUp()
			a.isHungUp()
		}},
		{"fifteen 183 with a description, then 200", func(_ *testing.T, c, a *side) {
			for range 15 {
				a.says(183, "phone", sdp)
			}
			a.picksUp(sdp)
			c.hangUp()
			a.isHungUp()
		}},
		{"180 after the 200", func(_ *testing.T, c, a *side) {
			a.picksUp(sdp)
			a.says(180, "phone", "")
			c.hangUp()
			a.isHungUp()
		}},
		{"a second 200 of another branch: ACK and BYE", func(t *testing.T, c, a *side) {
			a.says(180, "phone", "")
			a.says(180, "fork", "")
			a.picksUp(sdp)
			a.says(200, "fork", sdp)
			require.Equal(t, "fork", phone.await("ACK", a.callID).toTag())
			bye := phone.await("BYE", a.callID)
			require.Equal(t, "fork", bye.toTag())
			phone.send(phone.respond(bye, 200, "", ""))
			c.hangUp()
			a.isHungUp()
		}},
		{"the 200 three times: an ACK each", func(_ *testing.T, c, a *side) {
			a.picksUp(sdp)
			for range 2 {
				a.says(200, "phone", sdp)
				phone.await("ACK", a.callID)
			}
			c.hangUp()
			a.isHungUp()
		}},
		{"caller and agent hang up at once", func(_ *testing.T, c, a *side) {
			a.picksUp(sdp)
			caller.send(c.request("BYE", ""))
			phone.send(a.request("BYE", ""))
			caller.await("200 BYE", c.callID)
			phone.await("200 BYE", a.callID)
		}},
		{"BYE and BYE cross on the way to the phone", func(_ *testing.T, c, a *side) {
			a.picksUp(sdp)
			c.hangUp()
			bye := phone.await("BYE", a.callID)
			phone.send(a.request("BYE", ""))
			eventually(phone.t, "an answer to the BYE", func() bool {
				_, ok, _ := phone.take("200 BYE", a.callID)
				_, gone, _ := phone.take("481 BYE", a.callID)
				return ok || gone
			})
			phone.send(phone.respond(bye, 200, "", ""))
		}},
		{"BYE and BYE cross on the way to the caller", func(_ *testing.T, c, a *side) {
			a.picksUp(sdp)
			phone.send(a.request("BYE", ""))
			phone.await("200 BYE", a.callID)
			bye := caller.await("BYE", c.callID)
			c.hangUp()
			caller.send(caller.respond(bye, 200, "", ""))
		}},
		{"the caller leaves, the phone says 487", func(_ *testing.T, c, a *side) {
			a.says(180, "phone", "")
			c.hangUp()
			phone.send(phone.respond(phone.await("CANCEL", a.callID), 200, "phone", ""))
			a.says(487, "phone", "")
			phone.await("ACK", a.callID)
		}},
		{"the caller leaves, and the 200 crosses the CANCEL", func(_ *testing.T, c, a *side) {
			a.says(180, "phone", "")
			c.hangUp()
			cancel := phone.await("CANCEL", a.callID)
			a.picksUp(sdp)
			phone.send(phone.respond(cancel, 200, "phone", ""))
			a.isHungUp()
		}},
		{"the caller leaves before the phone has said anything", func(_ *testing.T, c, a *side) {
			c.hangUp()
			a.says(180, "phone", "") // only now may it be cancelled (RFC 3261 section 9.1)
			phone.send(phone.respond(phone.await("CANCEL", a.callID), 200, "phone", ""))
			a.says(487, "phone", "")
			phone.await("ACK", a.callID)
		}},
		{"the phone refuses twice: an ACK each", func(_ *testing.T, c, a *side) {
			a.says(486, "phone", "")
			phone.await("ACK", a.callID)
			a.says(486, "phone", "")
			phone.await("ACK", a.callID)
			c.hangUp()
		}},
		{"the phone puts on hold while the caller leaves", func(_ *testing.T, c, a *side) {
			a.picksUp(sdp)
			caller.send(c.request("BYE", ""))
			phone.send(a.request("INVITE", strings.Replace(sdp, "sendrecv", "sendonly", 1)))
			caller.await("200 BYE", c.callID)
			a.isHungUp()
		}},
	}
	for i, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			n := n.in(t)
			caller.t, phone.t = t, t
			defer func() { caller.t, phone.t = w.t, w.t }()
			giulia.checkout(t, n.visitor(fmt.Sprintf("race-%d", i), ""))
			c := caller.caller(giulia.Phone, "100").up()
			r.play(t, c, phone.rung())
			n.quiet()
			require.Zero(t, n.metric("filo_router_rona_total"))
		})
	}
}

// picksUp answers the phone's call and waits for the ACK.
func (d *side) picksUp(sdp string) {
	d.p.t.Helper()
	d.says(200, "phone", sdp)
	d.p.await("ACK", d.callID)
}

// isHungUp waits for the node's BYE and answers it.
func (d *side) isHungUp() {
	d.p.t.Helper()
	d.p.send(d.p.respond(d.p.await("BYE", d.callID), 200, "", ""))
}
