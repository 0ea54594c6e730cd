package router

import (
	"time"

	"filo/contact"
	"filo/router/journal"
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
	// Rooms are waiting rooms that queues share: how many contacts may wait in
	// each, by name.
	Rooms map[string]int `yaml:"rooms"`
	// Profiles are the routing profiles that agents may have, by name.
	Profiles map[string]Profile `yaml:"profiles"`
	// Channels are the settings of each medium.
	Channels map[contact.Channel]Channel `yaml:"channels"`
	// Queues are the kinds of work, by name.
	Queues map[string]Queue `yaml:"queues"`
	// Journal lets a restart go on where the router stopped or was killed. It
	// is off without a directory.
	Journal journal.Config `yaml:"journal"`
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
	// Interrupts are channels whose contacts leave room for one of this
	// channel: a call may come to an agent who is busy with mails.
	Interrupts []contact.Channel `yaml:"interrupts"`
	// Patience is how soon after its enqueueing a contact ought to be served:
	// the earliest deadline is served first, whatever the channel.
	Patience time.Duration `yaml:"patience"`
	// OfferTimeout is how long an agent may think about an offer.
	OfferTimeout time.Duration `yaml:"offer_timeout"`
	// WrapUp is the after-contact work that an agent gets.
	WrapUp time.Duration `yaml:"wrap_up"`
}

// Queue is one kind of work. Zero durations take the channel's; a negative
// WrapUp means none. The order in which its settings count is published by
// package filo/router/core.
type Queue struct {
	Label    map[string]string `yaml:"label"`    // name to show, by language
	Skills   []contact.Skill   `yaml:"skills"`   // all of them are required
	Steps    []Step            `yaml:"steps"`    // what is required instead, as a contact waits
	Priority int               `yaml:"priority"` // -100..100, added to the target's own
	Tier     int               `yaml:"tier"`     // 1..15, strict: 1 goes first; 0 is 1
	Promote  time.Duration     `yaml:"promote"`  // waiting that takes a contact one tier up; 0: never
	Patience time.Duration     `yaml:"patience"` // see Channel.Patience
	Rate     float64           `yaml:"rate"`     // how fast urgency grows with waiting: 1/16..15, rounded to sixteenths; 0 is 1
	Saturate time.Duration     `yaml:"saturate"` // waiting beyond which it does not grow; 0: never

	Select       Select        `yaml:"select"`        // who is preferred among the eligible; default proficient
	Load         Load          `yaml:"load"`          // then, by load; default least
	Hold         time.Duration `yaml:"hold"`          // for the preferred agent, when the target sets none
	OfferTimeout time.Duration `yaml:"offer_timeout"` // see Channel.OfferTimeout
	Wrap         Wrap          `yaml:"wrap"`          // how wrap-up goes; default timed
	WrapUp       time.Duration `yaml:"wrap_up"`       // see Channel.WrapUp
	WrapUpMax    time.Duration `yaml:"wrap_up_max"`   // bounds extensions; 0: nothing does

	Reserve  int           `yaml:"reserve"`  // agents that a contact must leave free for other queues
	Overload int           `yaml:"overload"` // contacts waiting at which reserve skills count; 0: never
	Room     string        `yaml:"room"`     // waiting room, of Rooms; "": boundless
	Overflow Overflow      `yaml:"overflow"` // where contacts go that the queue does not keep
	Target   time.Duration `yaml:"target"`   // service-level threshold; measure and screens read it
}

// Step replaces what a queue requires from a waiting time on. What a contact
// itself requires stays required.
type Step struct {
	After  time.Duration     `yaml:"after"`
	Skills []contact.Skill   `yaml:"skills"`
	Agents []contact.AgentID `yaml:"agents"` // if there are any, only these
}

// Overflow is where contacts go that a queue does not keep: when its waiting
// room is full, after a waiting time, or when a hold ends without its agent.
// They take their age along.
type Overflow struct {
	Queue     string        `yaml:"queue"`      // "": none; a full room turns contacts away
	After     time.Duration `yaml:"after"`      // 0: not by time
	AfterHold bool          `yaml:"after_hold"` // the stated fallback of a preferred agent
}

// Profile is what its agents serve; an agent without one serves every queue.
type Profile struct {
	Queues map[string]ProfileQueue `yaml:"queues"`
}

// ProfileQueue is what a profile says of a queue.
type ProfileQueue struct {
	Rank  int           `yaml:"rank"`  // 0..255: the least goes first
	Delay time.Duration `yaml:"delay"` // waiting before the profile's agents get a contact
}

// Wrap is how wrap-up goes.
type Wrap string

// Kinds of wrap-up.
const (
	TimedWrap    Wrap = "timed"    // for WrapUp, or less if the agent ends it
	ForcedWrap   Wrap = "forced"   // for WrapUp
	OpenWrap     Wrap = "open"     // until the agent ends it
	OptionalWrap Wrap = "optional" // none, if the agent did not ask for it
)

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
		Journal: journal.DefaultConfig(),
	}
}
