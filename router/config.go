package router

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"filo/contact"
)

// Config is the routing section of the configuration.
type Config struct {
	// RONALimit is how many offers in a row an agent may let expire before
	// becoming not ready with reason "rona". 0: never.
	RONALimit int `yaml:"rona_limit"`
	// RefusalPause is how long a contact is not offered again to an agent who
	// refused it or let it expire. 0: never again.
	RefusalPause time.Duration `yaml:"refusal_pause"`
	// PriorityStep is the waiting time that one point of priority is worth: a
	// contact of priority 2 goes before one of priority 0 that arrived up to
	// two steps earlier.
	PriorityStep time.Duration `yaml:"priority_step"`
	// Capacity is the units of an agent whose own capacity is not set.
	Capacity int `yaml:"capacity"`
	// MaxContacts bounds the contacts that are in the router at one time.
	MaxContacts int `yaml:"max_contacts"`
	// Channels are the settings of each medium.
	Channels map[contact.Channel]Channel `yaml:"channels"`
	// Queues are the kinds of work, by name.
	Queues map[string]Queue `yaml:"queues"`
}

// Channel says what one contact of a medium takes from an agent, and the
// times that apply where the queue sets none.
type Channel struct {
	// Weight is the units of capacity that one contact takes, from its offer
	// to the end of its wrap-up.
	Weight int `yaml:"weight"`
	// Cap is how many contacts of the channel an agent has at most at a time.
	Cap int `yaml:"cap"`
	// Limit is the load, this contact included, up to which the channel may
	// fill an agent; 0 is the agent's capacity. A limit below the capacity
	// keeps room for other channels, and keeps this one away from an agent who
	// is busy with a heavier one.
	Limit int `yaml:"limit"`
	// Patience is how soon after its enqueueing a contact ought to be served:
	// the earliest deadline is served first, whatever the channel.
	Patience time.Duration `yaml:"patience"`
	// OfferTimeout is how long an agent may think about an offer.
	OfferTimeout time.Duration `yaml:"offer_timeout"`
	// WrapUp is the after-contact work that an agent gets.
	WrapUp time.Duration `yaml:"wrap_up"`
}

// Queue is one kind of work. Zero durations take the channel's; a negative
// WrapUp means none.
type Queue struct {
	Label        map[string]string `yaml:"label"`         // name to show, by language
	Skills       []contact.Skill   `yaml:"skills"`        // all of them are required
	Priority     int               `yaml:"priority"`      // -100..100, added to the target's own
	Select       Select            `yaml:"select"`        // who is preferred among the eligible; default proficient
	Load         Load              `yaml:"load"`          // then, by load; default least
	Patience     time.Duration     `yaml:"patience"`      // see Channel.Patience
	OfferTimeout time.Duration     `yaml:"offer_timeout"` // see Channel.OfferTimeout
	WrapUp       time.Duration     `yaml:"wrap_up"`       // see Channel.WrapUp
	Hold         time.Duration     `yaml:"hold"`          // for the preferred agent, when the target sets none
	Target       time.Duration     `yaml:"target"`        // service-level threshold; measure and screens read it
}

// Select is the first key, after the preferred agent, by which an agent is
// chosen for a contact.
type Select string

// Selections.
const (
	Proficient    Select = "proficient"     // the highest sum of proficiency in the required skills
	LeastFlexible Select = "least_flexible" // the fewest skills, so that all-rounders stay free
	LongestIdle   Select = "longest_idle"   // nothing before the load and the idle time
)

// Load is the second key: how the present load of agents counts.
type Load string

// Loads.
const (
	LeastLoaded Load = "least"
	MostLoaded  Load = "most"
	AnyLoad     Load = "any"
)

// DefaultConfig returns the settings of a small blended centre: an agent has
// room for one call beside two messages, messages come two at a time and
// never during a call.
func DefaultConfig() Config {
	message := Channel{
		Weight: 20, Cap: 2, Limit: 40,
		Patience: 4 * time.Hour, OfferTimeout: time.Minute,
	}
	sms := message
	sms.Patience = 10 * time.Minute
	web := message
	web.Patience, web.OfferTimeout = time.Minute, 20*time.Second
	return Config{
		RONALimit:    1,
		RefusalPause: 30 * time.Second,
		PriorityStep: time.Minute,
		Capacity:     100,
		MaxContacts:  1 << 20,
		Channels: map[contact.Channel]Channel{
			contact.Voice: {
				Weight: 60, Cap: 1, Patience: 20 * time.Second,
				OfferTimeout: 20 * time.Second, WrapUp: 30 * time.Second,
			},
			contact.Email: message,
			contact.SMS:   sms,
			contact.Web:   web,
		},
		Queues: map[string]Queue{
			"general": {
				Label:  map[string]string{"en": "General", "it": "Generale"},
				Target: 20 * time.Second,
			},
		},
	}
}

// Bounds of the configuration.
const (
	maxPriority = 100
	maxUnits    = 1000
	maxChannels = 8
)

// Validate returns all mistakes, joined; each begins with the key's path.
func (c Config) Validate() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf(key+": "+format, args...)) //nolint:err113 // the text is the value: key path and mistake
	}
	if c.RONALimit < 0 || c.RONALimit > 100 {
		bad("rona_limit", "%d is not within 0..100", c.RONALimit)
	}
	if c.RefusalPause < 0 {
		bad("refusal_pause", "%v is negative", c.RefusalPause)
	}
	if c.PriorityStep < 0 || c.PriorityStep > 24*time.Hour {
		bad("priority_step", "%v is not within 0..24h", c.PriorityStep)
	}
	if c.Capacity < 1 || c.Capacity > maxUnits {
		bad("capacity", "%d is not within 1..%d units", c.Capacity, maxUnits)
	}
	if c.MaxContacts < 1 || c.MaxContacts > 1<<24 {
		bad("max_contacts", "%d is not within 1..%d", c.MaxContacts, 1<<24)
	}
	if n := len(c.Channels); n == 0 || n > maxChannels {
		bad("channels", "%d channels; between 1 and %d are possible", n, maxChannels)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Channels)) {
		c.Channels[name].validate("channels."+string(name), bad)
	}
	if len(c.Queues) == 0 {
		bad("queues", "at least one queue is needed")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Queues)) {
		c.Queues[name].validate("queues."+name, bad)
	}
	return errors.Join(errs...)
}

func (c Channel) validate(key string, bad func(key, format string, args ...any)) {
	if c.Weight < 1 || c.Weight > maxUnits {
		bad(key+".weight", "%d is not within 1..%d units", c.Weight, maxUnits)
	}
	if c.Cap < 1 || c.Cap > 1000 {
		bad(key+".cap", "%d is not within 1..1000 contacts", c.Cap)
	}
	if c.Limit < 0 || c.Limit > maxUnits {
		bad(key+".limit", "%d is not within 0..%d units", c.Limit, maxUnits)
	}
	if c.Limit > 0 && c.Limit < c.Weight {
		bad(key+".limit", "%d is less than the weight %d: no contact would ever fit", c.Limit, c.Weight)
	}
	if c.Patience < 0 {
		bad(key+".patience", "%v is negative", c.Patience)
	}
	if c.OfferTimeout < time.Second {
		bad(key+".offer_timeout", "%v is shorter than 1s", c.OfferTimeout)
	}
	if c.WrapUp < 0 {
		bad(key+".wrap_up", "%v is negative", c.WrapUp)
	}
}

func (q Queue) validate(key string, bad func(key, format string, args ...any)) {
	for i, s := range q.Skills {
		if s.Name == "" {
			bad(fmt.Sprintf("%s.skills[%d].name", key, i), "is empty")
		}
		if s.Min > 100 {
			bad(fmt.Sprintf("%s.skills[%d].min", key, i), "%d is not within 0..100", s.Min)
		}
	}
	if q.Priority < -maxPriority || q.Priority > maxPriority {
		bad(key+".priority", "%d is not within -%d..%d", q.Priority, maxPriority, maxPriority)
	}
	if !slices.Contains([]Select{"", Proficient, LeastFlexible, LongestIdle}, q.Select) {
		bad(key+".select", "%q is none of proficient, least_flexible, longest_idle", q.Select)
	}
	if !slices.Contains([]Load{"", LeastLoaded, MostLoaded, AnyLoad}, q.Load) {
		bad(key+".load", "%q is none of least, most, any", q.Load)
	}
	if q.Patience < 0 {
		bad(key+".patience", "%v is negative", q.Patience)
	}
	if q.OfferTimeout != 0 && q.OfferTimeout < time.Second {
		bad(key+".offer_timeout", "%v is shorter than 1s", q.OfferTimeout)
	}
	if q.Hold < 0 {
		bad(key+".hold", "%v is negative", q.Hold)
	}
	if q.Target < 0 {
		bad(key+".target", "%v is negative", q.Target)
	}
}
