package core

import "time"

// MaxChannels bounds the channels of a State.
const MaxChannels = 8

// Handles are dense: each kind counts from 0. The caller chooses those of
// agents and contacts and may use a contact's again after its Closed effect;
// the State gives those of signatures, classes and work types.
type (
	// Agent is the handle of an agent.
	Agent uint32
	// Contact is the handle of a contact.
	Contact uint32
	// Skill is the handle of a skill.
	Skill uint32
	// Sig is an interned set of requirements.
	Sig uint32
	// Class is an interned profile of agents.
	Class uint32
	// Type is a work type: what the contacts of one queue and channel share.
	Type uint32
	// Channel is the handle of a medium.
	Channel uint8
)

// Nobody and Nothing are the handles of no agent and no contact.
const (
	Nobody  = ^Agent(0)
	Nothing = ^Contact(0)
)

// Config are the constants of a State.
type Config struct {
	Channels     []ChannelRule // by Channel; at most MaxChannels
	RONALimit    int           // expired offers in a row that make an agent not ready; 0: never
	PriorityStep time.Duration // waiting time that a point of priority is worth
	MaxPriority  int16         // priorities are clamped to +- this; 0 is 100
	Exclude      time.Duration // how long a refuser is excluded; 0: for good
	MaxAgents    uint32        // handles are below these; 0 is 1<<20 agents, 1<<22 contacts
	MaxContacts  uint32
}

// ChannelRule is what one contact of a channel takes from an agent.
type ChannelRule struct {
	Weight int // units, > 0
	Limit  int // load up to which the channel may fill an agent; 0: the capacity
}

// Requirement is a skill with at least Min proficiency; Min 0 counts as 1.
type Requirement struct {
	Skill Skill
	Min   uint8
}

// Proficiency is an agent's level in a skill, 1 to 100.
type Proficiency struct {
	Skill Skill
	Level uint8
}

// Profile is what makes agents alike: they differ by idle time and load only.
type Profile struct {
	Skills   []Proficiency
	Capacity int                 // units
	Caps     [MaxChannels]uint16 // contacts at a time, by channel
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

// WorkType is what the contacts of one queue and channel share.
type WorkType struct {
	Channel      Channel
	Select       Select
	Load         Load
	Patience     time.Duration // adds to V: the earliest deadline is served first
	OfferTimeout time.Duration // > 0
	WrapUp       time.Duration // 0: none
}
