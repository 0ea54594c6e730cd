package router

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
)

// connected places a contact and lets the agent to whom it is offered accept.
func (c *centre) connected(id contact.ID, target contact.Target, by contact.AgentID) *Ticket {
	c.t.Helper()
	tk := c.place(id, contact.Voice, target)
	c.accept(tk, by)
	return tk
}

func (c *centre) accept(tk *Ticket, by contact.AgentID) {
	c.t.Helper()
	e := c.next(tk, Offered)
	require.Equal(c.t, by, e.Agent)
	require.NoError(c.t, c.Accept(c.ctx, e.Offer, by))
	require.Equal(c.t, by, c.next(tk, Accepted).Agent)
}

// phases are what a desk is told of contacts.
func phases(events <-chan AgentEvent) (list []string) {
	synctest.Wait()
	for {
		select {
		case e := <-events:
			if e.Kind == ContactEvent {
				list = append(list, string(e.Contact.ID)+" "+string(e.Contact.Phase))
			}
		default:
			return list
		}
	}
}

func withBack(cfg *Config) { cfg.Queues["back"] = Queue{WrapUp: 10 * time.Second} }

func TestTransferKeepsTheAgeAndGivesWrapUp(t *testing.T) {
	inCentre(t, withBack, func(c *centre) {
		c.ready("paola", 90)
		tk := c.connected("c_1", checkout, "paola")
		since := tk.Enqueued()
		desk, cancel := c.Watch("paola")
		defer cancel()
		phases(desk)
		time.Sleep(time.Minute)
		rest, err := tk.Transfer(c.ctx, contact.Target{Queue: "back"})
		require.NoError(t, err)
		require.Equal(t, []string{"c_1 wrap_up"}, phases(desk), "never away from the desk")
		require.Equal(t, contact.AgentWrapUp, c.state("paola").State)
		snap, err := c.Snapshot(c.ctx)
		require.NoError(t, err)
		back, front := snap.Queues[0], snap.Queues[1]
		require.Equal(t, contact.ID("c_1"), back.Waiting[0].Contact)
		require.Equal(t, since, back.Waiting[0].Since)
		require.Equal(t, 1, front.WrapUp, "of the queue in which the work was")
		require.Zero(t, back.WrapUp)

		c.ready("marta", 0)
		c.accept(tk, "marta")
		require.ErrorIs(t, c.EndWrapUp(c.ctx, "marta", "c_1"), contact.ErrBadCommand)
		require.NoError(t, c.ExtendWrapUp(c.ctx, "paola", "c_1", time.Minute))
		require.NoError(t, c.EndWrapUp(c.ctx, "paola", "c_1"))
		require.Equal(t, contact.AgentID("paola"), c.next(rest, Closed).Agent)
		require.ErrorIs(t, c.EndWrapUp(c.ctx, "paola", "c_1"), contact.ErrNotYours, "marta's by now")
		require.NoError(t, tk.End(c.ctx, contact.Handled))
		time.Sleep(10 * time.Second)
		require.Equal(t, contact.AgentID("marta"), c.next(tk, Closed).Agent)
		require.ErrorIs(t, c.EndWrapUp(c.ctx, "paola", "c_1"), contact.ErrNoContact)
	})
}

func TestTransferWithoutWrapUp(t *testing.T) {
	inCentre(t, func(cfg *Config) { cfg.Queues["checkout"] = Queue{WrapUp: -1} }, func(c *centre) {
		c.ready("paola", 90)
		tk := c.connected("c_1", checkout, "paola")
		desk, cancel := c.Watch("paola")
		defer cancel()
		phases(desk)
		rest, err := tk.Transfer(c.ctx, checkout)
		require.NoError(t, err)
		require.Nil(t, rest)
		require.Equal(t, []string{"c_1 queued"}, phases(desk))
		require.Equal(t, contact.Ready, c.state("paola").State)
		c.silent(tk) // it was given away
		require.Len(t, c.loop.idle, len(c.loop.tickets)-1, "no handle is lost")

		_, err = tk.Transfer(c.ctx, checkout)
		require.ErrorIs(t, err, contact.ErrBadCommand, "nobody has it")
		_, err = tk.Transfer(c.ctx, contact.Target{Queue: "nowhere"})
		require.ErrorIs(t, err, ErrNoQueue)
		require.Len(t, c.loop.idle, len(c.loop.tickets)-1)
	})
}

// A contact that is for one agent alone waits for that agent, has nobody else,
// and asks for no skill.
func TestOnly(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		_, err := c.Place(c.ctx, Request{
			Card: &contact.Card{Contact: "c_0", Channel: contact.Voice}, Target: contact.Target{Queue: "checkout", Only: "nobody"},
		})
		require.ErrorIs(t, err, contact.ErrNoAgent)
		require.NoError(t, c.SignIn(c.ctx, Agent{ID: "marta"}))
		tk := c.place("c_1", contact.Voice, contact.Target{Queue: "checkout", Only: "marta"})
		c.silent(tk)
		c.ready("marta", 0)
		e := c.next(tk, Offered)
		require.Equal(t, contact.AgentID("marta"), e.Agent)
		require.NoError(t, c.Reject(c.ctx, e.Offer, "marta", ""))
		c.next(tk, Rejected)
		c.silent(tk)
		require.NoError(t, tk.Move(c.ctx, checkout, contact.Voice), "then for everybody")
		require.Equal(t, contact.AgentID("paola"), c.next(tk, Offered).Agent)
	})
}

func TestTakeOver(t *testing.T) {
	inCentre(t, withBack, func(c *centre) {
		c.ready("paola", 90)
		call := c.connected("c_1", checkout, "paola")
		since := call.Enqueued()
		c.ready("marta", 0)
		time.Sleep(time.Minute)
		consult := &contact.Card{Contact: "c_2", Channel: contact.Voice, Consult: &contact.ConsultOf{Contact: "c_1", By: "paola"}}
		tk, err := c.Place(c.ctx, Request{Card: consult, Target: contact.Target{Queue: "back"}, EnqueuedAt: since})
		require.NoError(t, err)
		c.accept(tk, "marta")
		paola, cancel := c.Watch("paola")
		defer cancel()
		marta, cancelMarta := c.Watch("marta")
		defer cancelMarta()
		phases(paola)
		phases(marta)

		rest, err := call.TakeOver(c.ctx, tk)
		require.NoError(t, err)
		require.Equal(t, []string{"c_1 wrap_up"}, phases(paola))
		require.Equal(t, []string{"c_2 queued", "c_1 connected"}, phases(marta))
		c.next(tk, Closed)
		c.silent(call)
		require.Equal(t, since, call.Enqueued())
		snap, err := c.Snapshot(c.ctx)
		require.NoError(t, err)
		require.Equal(t, 1, snap.Queues[0].Connected, "it is of the queue that was asked")
		require.Equal(t, 0, snap.Queues[1].Connected)
		require.Equal(t, 1, snap.Queues[1].WrapUp)
		require.ErrorIs(t, tk.End(c.ctx, contact.Handled), contact.ErrNoContact)

		time.Sleep(30 * time.Second)
		c.next(rest, Closed)
		require.Equal(t, contact.Ready, c.state("paola").State)
		lost := contact.AgentID("marta")
		require.NoError(t, call.Requeue(c.ctx, &lost))
		require.Equal(t, contact.AgentID("paola"), c.next(call, Offered).Agent, "lost again, it is for everybody")
		require.NoError(t, call.Withdraw(c.ctx, contact.Abandoned))
	})
}

func TestTakeOverRefused(t *testing.T) {
	inCentre(t, withBack, func(c *centre) {
		c.ready("paola", 90)
		call := c.connected("c_1", checkout, "paola")
		waits := c.place("c_2", contact.Voice, contact.Target{Queue: "back"})
		_, err := call.TakeOver(c.ctx, waits)
		require.ErrorIs(t, err, contact.ErrBadCommand, "nobody has accepted")
		_, err = waits.TakeOver(c.ctx, call)
		require.ErrorIs(t, err, contact.ErrBadCommand)
		require.NoError(t, waits.Withdraw(c.ctx, contact.Abandoned))
		mail := c.place("c_3", contact.Email, contact.Target{Queue: "back"})
		c.ready("marta", 0)
		c.accept(mail, "marta")
		_, err = call.TakeOver(c.ctx, mail)
		require.ErrorIs(t, err, contact.ErrBadCommand, "another channel")
	})
}

// The caller goes on without an agent, to a number outside for example, and
// comes back while that agent still wraps up.
func TestPlacedAgainDuringItsWrapUp(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		tk := c.connected("c_1", checkout, "paola")
		require.NoError(t, tk.End(c.ctx, contact.Transferred))
		again := c.place("c_1", contact.Voice, checkout)
		_, err := c.Place(c.ctx, Request{Card: &contact.Card{Contact: "c_1", Channel: contact.Voice}, Target: checkout})
		require.ErrorIs(t, err, ErrAlreadyPlaced)
		require.NoError(t, c.EndWrapUp(c.ctx, "paola", "c_1"))
		c.next(tk, Closed)
		c.accept(again, "paola")
	})
}

// A consultation is no wait of a customer's, and nobody's place.
func TestConsultationAndTheJournal(t *testing.T) {
	inJournalled(t, func(j *journalled) {
		j.ready("paola", 90)
		j.connected("c_1", checkout, "paola")
		j.ready("marta", 0)
		card := &contact.Card{Contact: "c_2", Channel: contact.Voice, Peer: "+393475554419", Consult: &contact.ConsultOf{Contact: "c_1", By: "paola"}}
		tk, err := j.Place(j.ctx, Request{Card: card, Target: contact.Target{Queue: "checkout", Only: "marta"}})
		require.NoError(t, err)
		j.centre.accept(tk, "marta")
		j.kill()
		require.Len(t, j.Lost(), 1)
		require.Equal(t, contact.ID("c_1"), j.Lost()[0].Contact)

		j.ready("paola", 90)
		call := j.connected("c_3", checkout, "paola")
		j.ready("marta", 0)
		card = &contact.Card{Contact: "c_4", Channel: contact.Voice, Consult: &contact.ConsultOf{Contact: "c_3", By: "paola"}}
		tk, err = j.Place(j.ctx, Request{Card: card, Target: contact.Target{Queue: "checkout", Only: "marta"}})
		require.NoError(t, err)
		j.centre.accept(tk, "marta")
		_, err = call.TakeOver(j.ctx, tk)
		require.NoError(t, err)
		j.kill()
		require.Len(t, j.Lost(), 1)
		require.Equal(t, contact.ID("c_3"), j.Lost()[0].Contact)
		require.Equal(t, contact.AgentID("marta"), j.Lost()[0].Agent, "who took it over")
	})
}
