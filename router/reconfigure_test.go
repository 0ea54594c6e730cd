package router

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
)

// TestReconfigureKeepsPlaces: a new tier counts for who waits already, and who
// lost an agent still goes first.
func TestReconfigureKeepsPlaces(t *testing.T) {
	first := contact.Target{Queue: "first"}
	inCentre(t, func(cfg *Config) {
		cfg.Queues = map[string]Queue{"first": {WrapUp: -1}, "second": {WrapUp: -1}}
	}, func(c *centre) {
		c.ready("paola", 90)
		lost := c.place("c_1", contact.Voice, contact.Target{Queue: "second"})
		require.NoError(t, c.Accept(c.ctx, c.next(lost, Offered).Offer, "paola"))
		c.next(lost, Accepted)
		older := c.place("c_2", contact.Voice, first)
		time.Sleep(time.Second)
		newer := c.place("c_3", contact.Voice, contact.Target{Queue: "second"})
		require.NoError(t, c.SetReady(c.ctx, "paola", false, "break"))
		require.NoError(t, lost.Requeue(c.ctx, nil))

		cfg := c.cfg
		cfg.Queues = map[string]Queue{"first": {WrapUp: -1, Tier: 2}, "second": {WrapUp: -1, Priority: -1}}
		require.NoError(t, c.Reconfigure(c.ctx, cfg))
		require.NoError(t, c.SetReady(c.ctx, "paola", true, ""))
		for _, tk := range []*Ticket{lost, newer, older} {
			require.NoError(t, c.Accept(c.ctx, c.next(tk, Offered).Offer, "paola"))
			c.next(tk, Accepted)
			require.NoError(t, tk.End(c.ctx, contact.Handled))
			c.next(tk, Closed)
		}
	})
}
