package voice

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
)

// recordedTo lets calls be recorded.
func recordedTo(dir string) func(*settings) {
	return func(s *settings) { s.media.RecordingsDir = dir }
}

func TestRecording(t *testing.T) {
	dir := t.TempDir()
	h, _, call, id := talking(t, with(everybody()), recordedTo(dir))
	h.says(id, contact.Record)
	h.shows("paola", id, contact.CallState{Recording: contact.RecordingOn})
	require.ErrorIs(t, h.command(id, "paola", contact.Record), contact.ErrBadCommand, "twice")
	h.says(id, contact.RecordPause)
	h.shows("paola", id, contact.CallState{Recording: contact.RecordingPaused})
	h.says(id, contact.RecordPause, contact.RecordResume)
	h.shows("paola", id, contact.CallState{Recording: contact.RecordingOn})
	require.Eventually(t, func() bool { return h.c.now().Sub(call.Answered) > time.Second }, patience, tick, "something to hear")
	h.says(id, contact.RecordStop)
	h.shows("paola", id, contact.CallState{})
	require.ErrorIs(t, h.command(id, "paola", contact.RecordPause), contact.ErrBadCommand)
	require.Eventually(t, func() bool { return h.command(id, "paola", contact.Record) == nil }, patience, tick, "a second one, once the first is finished")
	h.shows("paola", id, contact.CallState{Recording: contact.RecordingOn})
	h.hangup(call)
	e := h.ended(1)
	day := call.Sent.Format(time.DateOnly)
	require.Equal(t, day+"/"+string(id)+".wav "+day+"/"+string(id)+"-2.wav", e.Attrs["recordings"])
	for _, name := range []string{".wav", "-2.wav"} {
		b, err := os.ReadFile(filepath.Join(dir, day, string(id)+name))
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(b, []byte("RIFF")))
	}
}

// A recording is of the call: it goes on when the call is in other hands.
func TestRecordingGoesOnAfterATransfer(t *testing.T) {
	dir := t.TempDir()
	s := consulting(t, helpers()[0], recordedTo(dir))
	s.says(s.id, contact.Record)
	shown := s.shown(contact.ConsultTalking)
	shown.Recording = contact.RecordingOn
	s.shows("paola", s.id, shown)
	s.says(s.id, contact.Complete)
	s.goOn()
	s.shows("marta", s.id, contact.CallState{Recording: contact.RecordingOn})
	require.NoError(t, s.command(s.id, "marta", contact.RecordStop))
	s.shows("marta", s.id, contact.CallState{})
	s.finished()
}
