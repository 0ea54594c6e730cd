package voice

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"filo/contact"
	"filo/media"
)

// recording is what is kept of a call's sound: the caller on the left, whom
// the caller hears on the right. nil is none. It belongs to the call, and goes
// on over holds and transfers until somebody stops it or the call ends.
type recording struct {
	rec    *media.Recording
	paused bool
}

func (r *recording) state() contact.RecordingState {
	switch {
	case r == nil:
		return contact.RecordingOff
	case r.paused:
		return contact.RecordingPaused
	}
	return contact.RecordingOn
}

func (r *recording) events() <-chan media.RecordingEvent {
	if r == nil {
		return nil
	}
	return r.rec.Events()
}

// records starts, pauses, resumes and stops the recording.
func (v *conversation) records(ctx context.Context, cmd contact.CallCommand) error {
	k := v.k
	switch r := k.recording; {
	case (cmd.Verb == contact.Record) != (r == nil):
		return contact.ErrBadCommand
	case cmd.Verb == contact.Record:
		if err := k.record(); err != nil {
			return err
		}
	case cmd.Verb == contact.RecordPause:
		r.paused = true
		r.rec.Pause()
	case cmd.Verb == contact.RecordResume:
		r.paused = false
		r.rec.Resume()
	case cmd.Verb == contact.RecordStop:
		k.stopRecording(ctx)
	}
	k.note(noteRecording, strings.TrimPrefix(string(cmd.Verb), "record_"))
	return nil
}

func (k *call) record() error {
	name := fmt.Sprintf("%s/%s", k.leg.Info().Received.Format(time.DateOnly), k.id)
	if n := len(k.recorded); n > 0 {
		name += fmt.Sprintf("-%d", n+1)
	}
	name += ".wav"
	rec, err := k.room.Record(media.RecordOptions{Left: k.ep, Name: name})
	switch {
	case errors.Is(err, media.ErrNoRecordings):
		return contact.ErrNotPossible
	case err != nil:
		k.log.Error("record call", "error", err)
		return contact.ErrBadCommand
	}
	k.recording, k.recorded = &recording{rec: rec}, append(k.recorded, name)
	return nil
}

// stopTime bounds the wait for the disk that a recording goes to.
const stopTime = 10 * time.Second

// stopRecording ends the recording, if there is one. The file is finished in
// the background.
func (k *call) stopRecording(ctx context.Context) {
	r := k.recording
	if r == nil {
		return
	}
	k.recording = nil
	k.wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		info, err := r.rec.Stop(ctx)
		if err != nil {
			k.log.Error("finish recording", "file", info.Name, "error", err)
			return
		}
		k.log.Info("call recorded", "file", info.Name, "duration", info.Duration.Round(time.Millisecond).String(),
			"paused", info.Paused.Round(time.Millisecond).String(), "dropped", info.Dropped.Round(time.Millisecond).String())
	})
}

// recordingFares tells the log how the disk keeps up; the recording goes on.
func (k *call) recordingFares(e media.RecordingEvent) {
	if e.Kind == media.RecordingRecovered {
		k.log.Info("recording goes on")
		return
	}
	k.log.Error("recording is not complete", "error", e.Err)
}
