package voice

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Config is the voice section of the configuration.
type Config struct {
	// LineUser is the user part that browsers INVITE to open their line.
	LineUser string `yaml:"line_user"`
	// LineGrace is how long a call waits, with music for the caller, for an
	// agent whose line was lost (a reload) before it goes back to the queue.
	LineGrace time.Duration `yaml:"line_grace"`
	// LineSilence is how long no RTP may come from a talking agent's browser
	// before the caller hears music.
	LineSilence time.Duration `yaml:"line_silence"`
	// RingTime is how long a number, or who is consulted, may ring or be waited
	// for.
	RingTime time.Duration `yaml:"ring_time"`
	// TransferHold is how long a call that was transferred to an agent waits for
	// that agent alone, before everybody of its queue may have it.
	TransferHold time.Duration `yaml:"transfer_hold"`
	// AnnounceListen tells agents' desks of a supervisor who only listens, as
	// they are told of one who whispers or barges in.
	AnnounceListen bool `yaml:"announce_listen"`
	// MaxCall bounds a call's duration.
	MaxCall time.Duration `yaml:"max_call"`
	// Music is the prompt that callers hear while they wait.
	Music string `yaml:"music"`
	// Escape is the key that leads from the queue back to the menu after the
	// menu was skipped; "" for none.
	Escape string `yaml:"escape"`
	// DefaultFlow runs for called numbers that Numbers does not list.
	DefaultFlow string `yaml:"default_flow"`
	// Numbers say, by called number, which flow runs and how.
	Numbers map[string]Number `yaml:"numbers"`
}

// Number is one number that customers call.
type Number struct {
	Flow  string `yaml:"flow"`  // "" for the default flow
	Lang  string `yaml:"lang"`  // language of the prompts where the customer's is unknown, "" for the flow's
	Skip  *bool  `yaml:"skip"`  // false: never skip the menu on this number
	Label string `yaml:"label"` // to show
}

// DefaultConfig returns the settings that suit most centres.
func DefaultConfig() Config {
	return Config{
		LineUser:     "line",
		LineGrace:    30 * time.Second,
		LineSilence:  600 * time.Millisecond,
		RingTime:     time.Minute,
		TransferHold: time.Minute,
		MaxCall:      4 * time.Hour,
		Music:        "music",
		Escape:       "0",
		DefaultFlow:  "default",
		Numbers:      map[string]Number{},
	}
}

// Validate returns all mistakes, joined; each begins with the key's path.
func (c Config) Validate() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf(key+": "+format, args...)) //nolint:err113 // the text is the value: key path and mistake
	}
	if c.LineUser == "" {
		bad("line_user", "must not be empty")
	}
	if c.DefaultFlow == "" {
		bad("default_flow", "must name a flow")
	}
	for key, d := range map[string]time.Duration{
		"line_grace": c.LineGrace, "line_silence": c.LineSilence, "ring_time": c.RingTime, "transfer_hold": c.TransferHold, "max_call": c.MaxCall,
	} {
		if d <= 0 {
			bad(key, "%v must be more than 0", d)
		}
	}
	if len(c.Escape) > 1 || !strings.Contains(keypad, c.Escape) {
		bad("escape", "%q must be one key (0-9 * # A-D) or empty", c.Escape)
	}
	return errors.Join(errs...)
}
