package core

import "time"

// Bounds of a State.
const (
	MaxChannels = 8
	MaxTier     = 15  // tiers are clamped to 0..MaxTier
	MaxCap      = 255 // contacts of a channel at a time

	maxPriority = 500
	maxUnits    = 1 << 12 // so that the channels together stay below 1<<16
)

// Forever is a duration of a hold that time does not end. Ages and other
// durations are clamped to a year.
const Forever = time.Duration(1<<63 - 1)

const year = 365 * 24 * 3600 * int64(time.Second)

// Handles are dense: each kind counts from 0. The caller chooses those of
// agents, contacts, skills, queues and waiting rooms, and may use a contact's
// again after its Closed effect; the State gives those of plans, classes and
// work types.
type (
	// Agent is the handle of an agent.
	Agent uint32
	// Contact is the handle of a contact.
	Contact uint32
	// Skill is the handle of a skill.
	Skill uint32
	// Plan is an interned list of steps: whom a contact needs, as it ages.
	Plan uint32
	// Class is an interned profile of agents.
	Class uint32
	// Type is a work type: what the contacts of one queue and channel share.
	Type uint32
	// Queue is what profiles call a group of work types.
	Queue uint16
	// Room is a waiting room that work types share; 0 is boundless.
	Room uint8
	// Channel is the handle of a medium.
	Channel uint8
)

// Nobody, Nothing and NoType are the handles of no agent, contact, work type.
const (
	Nobody  = ^Agent(0)
	Nothing = ^Contact(0)
	NoType  = ^Type(0)
)

// Config are the constants of a State.
type Config struct {
	Channels     []ChannelRule // by Channel; at most MaxChannels; none is one of weight 1
	RONALimit    int           // expired offers in a row that make an agent not ready; 0: never
	PriorityStep time.Duration // waiting time that a point of priority is worth
	MaxPriority  int16         // priorities are clamped to +- this; 0 is 100, at most 500
	Exclude      time.Duration // how long a refuser is excluded; 0: for good
	MaxAgents    uint32        // handles are below these; 0 is 1<<20 agents, 1<<22 contacts; at most 1<<22, 1<<26
	MaxContacts  uint32
}

// ChannelRule is what one contact of a channel takes from an agent.
type ChannelRule struct {
	Weight     int   // units, 1..4096
	Limit      int   // load up to which the channel may fill an agent; 0: the capacity
	Interrupts uint8 // bit set of channels whose contacts leave room for this one
}

// Requirement is a skill with at least Min proficiency; Min 0 counts as 1.
type Requirement struct {
	Skill Skill
	Min   uint8
}

// Clause is met by any one of its requirements; an empty one by nobody.
type Clause []Requirement

// All returns the clauses that ask for every one of the requirements.
func All(needs ...Requirement) []Clause {
	list := make([]Clause, len(needs))
	for i, n := range needs {
		list[i] = Clause{n}
	}
	return list
}

// Step is whom a contact needs from an age on.
type Step struct {
	After  time.Duration // age at which it begins; the first step begins at 0
	Needs  []Clause      // every clause must be met
	Agents []Agent       // if not empty, only these
}

// Proficiency is an agent's level in a skill, 1 to 100.
type Proficiency struct {
	Skill   Skill
	Level   uint8
	Reserve bool // counts only while a work type is overloaded
}

// Profile is what makes agents alike: they differ by idle time and load only.
type Profile struct {
	Skills   []Proficiency
	Capacity int                 // units, 0..4096
	Caps     [MaxChannels]uint16 // contacts at a time, by channel; at most MaxCap
	Queues   []QueueRule         // what the profile serves; empty: every queue, with rank 0
}

// QueueRule is what a profile says of a queue.
type QueueRule struct {
	Queue Queue
	Rank  uint8         // key R, the least first
	Delay time.Duration // age of contacts before the profile's agents get them
}

// Select is the key G.
type Select uint8

// Selections.
const (
	LongestIdle Select = iota
	MostProficient
	LeastFlexible
)

// Load is the key L.
type Load uint8

// Loads.
const (
	AnyLoad Load = iota
	LeastLoaded
	MostLoaded
)

// Wrap is how after-contact work goes.
type Wrap uint8

// Kinds of wrap-up.
const (
	WrapTimed Wrap = iota
	WrapForced
	WrapOpen
	WrapOptional
)

// RateOne is the Rate at which a second of waiting counts as a second.
const RateOne = 16

// WorkType is what the contacts of one queue and channel share.
type WorkType struct {
	Queue        Queue // for Profile.Queues
	Channel      Channel
	Select       Select
	Load         Load
	Patience     time.Duration // adds to V: the earliest deadline is served first
	Rate         uint8         // sixteenths; 0 is RateOne
	Saturate     time.Duration // age beyond which urgency does not grow; 0: never
	Promote      time.Duration // waiting that takes a contact one tier up; 0: never
	OfferTimeout time.Duration // > 0
	Wrap         Wrap
	WrapUp       time.Duration // 0: none, but for WrapOpen and WrapOptional
	WrapMax      time.Duration // bounds extensions; 0: a year
	Reserve      uint32        // agents that a contact must leave free
	Overload     uint32        // contacts waiting at which reserve skills count; 0: never
	Room         Room
	Overflow     Overflow
}

// Overflow is where contacts go that a work type does not keep.
type Overflow struct {
	On        bool
	Type      Type // defined before
	Plan      Plan
	After     time.Duration // age; 0: not by age
	AfterHold bool
}
