package voice

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/contact"
	"filo/sip/trace"
)

// ladder is what was traced of a contact that ended.
func (h *house) ladder(id contact.ID) trace.Ladder {
	h.t.Helper()
	l, err := h.trace.Ladder(string(id), trace.Options{Data: true})
	require.NoError(h.t, err)
	return l
}

// told are the events of a ladder, by who stands where they are.
func told(l trace.Ladder) (texts []string) {
	for _, r := range l.Rows {
		if r.Kind == trace.Event {
			texts = append(texts, l.Parties[r.From].Role+" "+r.Text)
		}
	}
	return texts
}

func roles(l trace.Ladder) (names []string) {
	for _, p := range l.Parties {
		names = append(names, p.Role+" "+p.Name)
	}
	return names
}

// TestTraceOfALine: a call at a browser's line has the line's dialog in its
// ladder, for its own time.
func TestTraceOfALine(t *testing.T) {
	h, b, call, first := talking(t)
	require.NoError(t, h.command(first, "paola", contact.Hold))
	require.NoError(t, h.command(first, "paola", contact.Resume))
	require.NoError(t, h.command(first, "paola", contact.HangUp))
	h.over(call)
	h.ended(1)
	b.quiet()
	call = h.call(giulia)
	second := h.connect(b, call)
	h.hangup(call)
	h.ended(1)
	for _, id := range []contact.ID{first, second} {
		l := h.ladder(id)
		require.Equal(t, []string{"caller loop", "filo ", "browser paola"}, roles(l))
		require.Positive(t, l.Legs[1].Before, "what made the line was before the call")
		require.False(t, l.Overwritten)
		for _, want := range []string{
			"filo menu skipped: abandoned-checkout", "filo queued: checkout", "filo offered: paola", "filo accepted: paola", "filo talking: paola",
			"caller first audio from", "caller first audio to", "browser first audio from", "browser first audio to", "filo ended: handled",
		} {
			require.Contains(t, told(l), want)
		}
		require.Equal(t, id == first, slices.Contains(told(l), "filo hold"))
		require.Equal(t, 1, count(l, "BYE"), "of this call, not of the other")
		for _, r := range l.Rows {
			require.NotContains(t, r.Data+r.Text, giulia[3:])
		}
	}
	b.close()
}

func count(l trace.Ladder, method string) (n int) {
	for _, r := range l.Rows {
		if r.Kind == trace.Request && r.Method == method && r.Again == 0 {
			n++
		}
	}
	return n
}

// TestTraceOfAPhoneThatRefuses: what came to nothing is in the ladder, too.
func TestTraceOfAPhoneThatRefuses(t *testing.T) {
	h := open(t, with(staff{"paola": "secret"}))
	phone := h.phone("paola", func(p *robot.PhoneConfig) { p.Refuse = 486 })
	h.known(skip("checkout"))
	call := h.call(giulia)
	require.Eventually(t, func() bool {
		return phone.Rings() == 1 && slices.Contains(told(h.ladder(contact.ID(h.trace.Recent(1)[0].Contact))), "filo offer over")
	}, patience, tick)
	h.hangup(call)
	l := h.ladder(h.ended(0).Contact)
	require.Equal(t, []string{"caller loop", "filo ", "agent paola"}, roles(l))
	var codes []int
	for _, r := range l.Rows {
		if r.Leg == 1 && r.Code >= 200 {
			codes = append(codes, r.Code)
		}
	}
	require.Equal(t, []int{486}, codes)
	require.Contains(t, told(l), "filo ended: abandoned")
}
