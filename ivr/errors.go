package ivr

import "errors"

var (
	// ErrNoPrompt is returned when a prompt has neither a sound file nor a
	// text that can be spoken here.
	ErrNoPrompt = errors.New("no such prompt")
	// ErrTooManySteps ends a run that took MaxSteps steps, for example when
	// a caller goes round two menus for ever.
	ErrTooManySteps = errors.New("flow took too many steps")
	// ErrExpression is wrapped by the error of an expression that failed
	// while the flow ran: a number compared with a text, mostly.
	ErrExpression = errors.New("expression failed")
	// ErrNoSpeech is returned when a text should be spoken and no speech
	// command is installed.
	ErrNoSpeech = errors.New("no speech command")
)
