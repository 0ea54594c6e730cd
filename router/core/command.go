package core

import "fmt"

// Op says what a Command asks.
type Op uint8

// Operations. The fields that each one reads stand behind it.
const (
	OpTick       Op = iota // run the timers that are due
	OpSignIn               // Agent, Class, Channels (bit set of those that reach the agent); again: a new class
	OpSignOut              // Agent
	OpReady                // Agent
	OpNotReady             // Agent, Reason
	OpReach                // Agent, Channels (bit set; replaces the old one)
	OpVanish               // Agent: the desk is gone; offers are revoked, not ready with ReasonVanished
	OpArrive               // Contact, Type, Plan, Tier, Priority, Time (enqueued), Agent (preferred or Nobody), Dur (hold)
	OpAccept               // Contact, Offer, Agent
	OpReject               // Contact, Offer, Agent
	OpWithdraw             // Contact: waiting or offered
	OpEnd                  // Contact: connected or parked; Dur (wrap-up asked for: WrapOptional)
	OpRequeue              // Contact: connected or parked; Agent (to exclude, or Nobody): goes on in tier 0
	OpTransfer             // Contact: connected or parked; Type, Plan, Tier, Priority, Agent (preferred or Nobody), Dur (hold)
	OpMove                 // Contact: waiting, fields as OpTransfer; else the same channel, and the offer or conversation goes on
	OpPark                 // Contact: connected
	OpResume               // Contact: parked
	OpWrapEnd              // Contact: in wrap-up
	OpWrapExtend           // Contact: in wrap-up; Dur
	OpRoom                 // Room (not 0), Size (contacts that may wait in it; 0: boundless)
	OpHandOver             // Contact: connected, fields as OpTransfer; Other (a free handle) is the agent's wrap-up, Time how long it was asked for (WrapOptional)
	opEnd
)

var opNames = [...]string{
	"tick", "sign_in", "sign_out", "ready", "not_ready", "reach", "vanish", "arrive",
	"accept", "reject", "withdraw", "end", "requeue", "transfer", "move", "park", "resume",
	"wrap_end", "wrap_extend", "room", "hand_over",
}

// NumOp is how many operations there are.
const NumOp = int(opEnd)

// String returns the operation's name, for scripts and metric labels.
func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return fmt.Sprintf("op%d", uint8(o))
}

// Command is one request to the State, of fixed size and without pointers.
type Command struct {
	Offer    uint64
	Time     int64 // nanoseconds since 1970
	Dur      int64 // nanoseconds
	Agent    Agent
	Contact  Contact
	Other    Contact
	Type     Type
	Plan     Plan
	Class    Class
	Size     uint32
	Priority int16
	Op       Op
	Tier     uint8
	Room     Room
	Reason   Reason
	Channels uint8
}

// Reason is why an agent is not ready.
type Reason uint8

// Reasons. The caller may use its own from ReasonUser on.
const (
	ReasonNone     Reason = iota
	ReasonSignedIn        // has not been ready since
	ReasonRONA            // let offers expire
	ReasonVanished        // the desk is gone
	ReasonLeaving         // signing out, finishing
	ReasonUser
)
