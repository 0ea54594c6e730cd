package router

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"filo/contact"
)

func TestBestSkilledAgentIsOfferedAndExplained(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("marta", 70)
		time.Sleep(time.Minute)
		c.ready("paola", 90)
		c.ready("luca", 20) // not enough
		time.Sleep(4 * time.Minute)
		tk := c.place("c_1", contact.Voice, checkout)
		e := c.next(tk, Offered)
		require.Equal(t, contact.AgentID("paola"), e.Agent)
		require.Equal(t, 20*time.Second, e.Expires.Sub(e.At))
		require.Equal(t, "proficiency", e.Why.Key)
		require.Equal(t, 2, e.Why.Considered)
		require.Len(t, e.Why.Agents, 3)
		require.Equal(t, contact.WhyAgent{
			Agent: "paola", Name: "Name of paola", Skills: []contact.SkillLevel{{Name: "checkout", Level: 90}},
			Idle: 4 * time.Minute, Verdict: "chosen",
		}, e.Why.Agents[0])
		require.Equal(t, "eligible", e.Why.Agents[1].Verdict)
		require.Equal(t, 5*time.Minute, e.Why.Agents[1].Idle)
		require.Equal(t, "skill", e.Why.Agents[2].Verdict)

		require.NoError(t, c.Accept(c.ctx, e.Offer, "paola"))
		require.Equal(t, e.Offer, c.next(tk, Accepted).Offer)
		require.Equal(t, contact.Busy, c.state("paola").State)
		require.NoError(t, tk.End(c.ctx, contact.Handled))
		require.Equal(t, contact.AgentWrapUp, c.state("paola").State)
		time.Sleep(30 * time.Second)
		require.Equal(t, contact.AgentID("paola"), c.next(tk, Closed).Agent)
		_, open := <-tk.Events()
		require.False(t, open)
		require.Equal(t, contact.Ready, c.state("paola").State)

		why, err := c.Why(c.ctx, e.Offer)
		require.NoError(t, err)
		require.Equal(t, e.Why, why)
		list, err := c.Decisions(c.ctx, 10)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, "checkout", list[0].Queue)
	})
}

func TestOfferExpiresAndAgentBecomesNotReady(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Voice, checkout)
		first := c.next(tk, Offered)
		time.Sleep(19*time.Second + 999*time.Millisecond)
		c.silent(tk)
		time.Sleep(time.Millisecond)
		require.Equal(t, first.Offer, c.next(tk, Expired).Offer)
		c.silent(tk)
		a := c.state("paola")
		require.Equal(t, contact.NotReady, a.State)
		require.Equal(t, "rona", a.Reason)
		require.ErrorIs(t, c.Accept(c.ctx, first.Offer, "paola"), contact.ErrOfferGone)

		require.NoError(t, c.SetReady(c.ctx, "paola", true, ""))
		c.silent(tk) // still excluded
		time.Sleep(c.cfg.RefusalPause)
		second := c.next(tk, Offered)
		require.NotEqual(t, first.Offer, second.Offer)
		require.NoError(t, tk.Withdraw(c.ctx, contact.Abandoned))
		c.next(tk, Closed)
	})
}

func TestCallerGoneBeforeAccept(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Voice, checkout)
		e := c.next(tk, Offered)
		require.NoError(t, tk.Withdraw(c.ctx, contact.Abandoned))
		require.ErrorIs(t, c.Accept(c.ctx, e.Offer, "paola"), contact.ErrOfferGone)
		c.next(tk, Closed)
		require.Equal(t, contact.Ready, c.state("paola").State)
		require.NoError(t, tk.Withdraw(c.ctx, contact.Abandoned), "twice is harmless")
	})
}

func TestCallerGoneAfterAcceptFreesTheAgentAtOnce(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Voice, checkout)
		e := c.next(tk, Offered)
		require.NoError(t, c.Accept(c.ctx, e.Offer, "paola"))
		require.NoError(t, tk.Withdraw(c.ctx, contact.Abandoned))
		c.next(tk, Accepted)
		c.next(tk, Closed)
		require.Equal(t, contact.Ready, c.state("paola").State)
	})
}

func TestOffersOfAnotherStartAreGone(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Voice, checkout)
		e := c.next(tk, Offered)
		old := contact.OfferID{Epoch: e.Offer.Epoch - 1, N: e.Offer.N}
		require.ErrorIs(t, c.Accept(c.ctx, old, "paola"), contact.ErrOfferGone)
		require.ErrorIs(t, c.Reject(c.ctx, old, "paola", ""), contact.ErrOfferGone)
		_, err := c.Why(c.ctx, old)
		require.ErrorIs(t, err, ErrNoDecision)
		require.ErrorIs(t, c.Accept(c.ctx, e.Offer, "marta"), contact.ErrNoAgent)
	})
}

func TestStuckOwnerLosesTheContactAndNobodyWaits(t *testing.T) {
	inCentre(t, func(cfg *Config) { cfg.RefusalPause = time.Millisecond }, func(c *centre) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Voice, checkout)
		for range eventsBuffered {
			list, err := c.Decisions(c.ctx, 1)
			require.NoError(t, err)
			_ = c.Reject(c.ctx, list[0].Offer, "paola", "busy")
			time.Sleep(2 * time.Millisecond)
		}
		require.InDelta(t, 1, testutil.ToFloat64(c.loop.m.stuck), 0)
		require.Equal(t, contact.Ready, c.state("paola").State)
		n := 0
		for range tk.Events() {
			n++
		}
		require.Equal(t, eventsBuffered, n)
	})
}

func TestErrorsNameTheThing(t *testing.T) {
	inCentre(t, func(cfg *Config) { cfg.MaxContacts = 1 }, func(c *centre) {
		_, err := c.Place(c.ctx, Request{Card: &contact.Card{Contact: "c_1", Channel: contact.Voice}, Target: contact.Target{Queue: "nope"}})
		require.ErrorIs(t, err, ErrNoQueue)
		require.ErrorContains(t, err, `queue "nope"`)
		_, err = c.Place(c.ctx, Request{Card: &contact.Card{Contact: "c_1", Channel: "fax"}, Target: checkout})
		require.ErrorIs(t, err, ErrNoChannel)
		_, err = c.Place(c.ctx, Request{})
		require.ErrorIs(t, err, contact.ErrBadCommand)
		c.place("c_1", contact.Voice, checkout)
		_, err = c.Place(c.ctx, Request{Card: &contact.Card{Contact: "c_1", Channel: contact.Voice}, Target: checkout})
		require.ErrorIs(t, err, ErrAlreadyPlaced)
		_, err = c.Place(c.ctx, Request{Card: &contact.Card{Contact: "c_2", Channel: contact.Voice}, Target: checkout})
		require.ErrorIs(t, err, ErrFull)
		err = c.SetReady(c.ctx, "ghost", true, "")
		require.ErrorIs(t, err, contact.ErrNoAgent)
		require.ErrorContains(t, err, `agent "ghost"`)
	})
}
