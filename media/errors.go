package media

import "errors"

var (
	// ErrBadSDP says that the description could not be understood (SIP 400).
	ErrBadSDP = errors.New("bad SDP")
	// ErrNotAcceptable says that the description was understood but offers
	// nothing that we may or can use (SIP 488).
	ErrNotAcceptable = errors.New("media not acceptable")
	// ErrClosed is returned by every method of a closed Endpoint or Engine.
	ErrClosed = errors.New("media closed")
	// ErrNoPorts says that every RTP port is in use or in quarantine (SIP 503).
	ErrNoPorts = errors.New("no RTP port left")
	// ErrInterrupted is what Play returns when another Play took its place.
	ErrInterrupted = errors.New("play interrupted by another play")
	// ErrNoDTMF says that the far side did not negotiate telephone-event.
	ErrNoDTMF = errors.New("far side takes no telephone-event")
	// ErrBadDigit says that a key is not one of 0-9, *, #, A-D.
	ErrBadDigit = errors.New("not a DTMF key")
	// ErrBadWAV says that a sound file is not one that we can play.
	ErrBadWAV = errors.New("bad WAV")
	// ErrNoRecordings says that Config.RecordingsDir is not set.
	ErrNoRecordings = errors.New("no directory for recordings")
	// ErrBadName says that a name is not one of a file below Config.RecordingsDir.
	ErrBadName = errors.New("bad name of a recording")
	// ErrState says that the call does not fit the offer/answer state.
	ErrState = errors.New("wrong offer/answer state")
)
