package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
)

// callFrame is what a contact frame says of a call.
type callFrame struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Call  *struct {
		Hold    bool `json:"hold"`
		Consult *struct {
			To    contact.Destination `json:"to"`
			Name  string              `json:"name"`
			State string              `json:"state"`
		} `json:"consult"`
		Monitor *struct{ Mode, Name string } `json:"monitor"`
	} `json:"call"`
	Consult *struct{ Contact, By, Name string } `json:"consult"`
}

func (a *agent) call(id string, fits func(callFrame) bool) callFrame {
	a.t.Helper()
	c, _ := frame(a, "contact", func(c callFrame) bool { return c.ID == id && fits(c) })
	return c
}

// Paola asks Marta, who sees the thread and who asks; then Marta has the call
// and Paola wraps up. Elena listens all along.
func TestRowDesk_AttendedTransfer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	paola, marta, elena := n.ready("paola"), n.ready("marta"), n.signIn("elena")
	c := n.known(giulia)
	o := paola.offer("voice")
	paola.accept(o)
	bothTalk(t, c.Meter, paola)

	var dir struct {
		Agents  []struct{ ID, Name, State string }
		Queues  []struct{ ID string }
		Numbers bool
	}
	require.NoError(t, paola.Get(within(t), "/api/directory", &dir))
	require.NotEmpty(t, dir.Agents)
	require.NotEmpty(t, dir.Queues)
	frame(elena, "line", func(l struct{ Up bool }) bool { return l.Up })
	require.NoError(t, elena.Monitor(within(t), o.Contact, "listen"))
	type monitor struct{ Contact, Mode, Agent string }
	m, _ := frame(elena, "monitor", func(monitor) bool { return true })
	require.Equal(t, monitor{o.Contact, "listen", "Paola Ferri"}, m)
	require.Equal(t, http.StatusForbidden, apiStatus(marta.Monitor(within(t), o.Contact, "listen")))
	eventually(t, "the supervisor hears both", func() bool {
		return elena.Line.Meter.Level(callerHz) > .2 && elena.Line.Meter.Level(agentHz) > .2
	})

	require.NoError(t, paola.Send(within(t), o.Contact, "consult", contact.Destination{Agent: "marta"}))
	asked := marta.offer("voice")
	require.NotEqual(t, o.Contact, asked.Contact)
	require.NotEmpty(t, asked.View.Events, "the caller's thread")
	music(t, c.Meter)
	marta.accept(asked)
	ct := marta.call(asked.Contact, func(c callFrame) bool { return c.State == "connected" })
	require.Equal(t, o.Contact, ct.Consult.Contact)
	require.Equal(t, "Paola Ferri", ct.Consult.Name)
	ct = paola.call(o.Contact, func(c callFrame) bool {
		return c.Call != nil && c.Call.Consult != nil && c.Call.Consult.State == "talking"
	})
	require.Equal(t, "Marta Conti", ct.Call.Consult.Name)

	marta.Line.Meter.Forget(callerHz)
	require.NoError(t, paola.Command(within(t), o.Contact, "complete", ""))
	type gone struct{ Contact string }
	frame(marta, "contact_gone", func(g gone) bool { return g.Contact == asked.Contact })
	marta.call(o.Contact, func(c callFrame) bool { return c.State == "connected" && c.Consult == nil })
	paola.call(o.Contact, func(c callFrame) bool { return c.State == "wrap_up" && c.Call == nil })
	bothTalk(t, c.Meter, marta)
	m, _ = frame(elena, "monitor", func(m monitor) bool { return m.Agent == "Marta Conti" })
	require.Equal(t, "listen", m.Mode)
	require.NoError(t, paola.WrapUp(within(t), o.Contact, "", "Marta knows better."))
	require.Equal(t, http.StatusNotFound, apiStatus(paola.Command(within(t), o.Contact, "hangup", "")))
	require.NoError(t, marta.Command(within(t), o.Contact, "hangup", ""))
	marta.call(o.Contact, func(c callFrame) bool { return c.State == "wrap_up" })
	frame(elena, "monitor", func(m monitor) bool { return m.Mode == "off" })
	require.NoError(t, c.Hangup(within(t)))
	n.quiet()
	require.Equal(t, 1.0, n.metric("filo_voice_transfers_total", "manner", "attended"))

	again := n.known(giulia)
	next := paola.offer("voice")
	b, err := json.Marshal(next.View.Events)
	require.NoError(t, err)
	require.Equal(t, 1, countCalls(next.View), "one call on the thread: %s", b)
	require.NoError(t, again.Hangup(within(t)))
}

// countCalls is how many calls a thread shows.
func countCalls(v journey.View) (n int) {
	for _, e := range v.Events {
		if e.Kind == journey.KindCall {
			n++
		}
	}
	return n
}
