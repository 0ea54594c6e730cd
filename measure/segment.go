package measure

import (
	"time"

	"filo/contact"
)

// Segment is the record of one stretch of a contact: from its arrival at a
// queue to the end of the work on it. A zero time has not happened.
type Segment struct {
	Contact     contact.ID
	N           int // 0 for the first segment of the contact, 1 after a requeue or transfer, ...
	Channel     contact.Channel
	Queue       string
	Agent       contact.AgentID // who answered, "" for nobody
	ArrivedAt   time.Time       // it reached us (for a call: INVITE received)
	EnqueuedAt  time.Time       // it began to wait for an agent; the wait clock's start
	OfferedAt   time.Time       // first offer to an agent
	AlertedAt   time.Time       // first agent alerted (bell, card)
	AnsweredAt  time.Time       // media up, or first human reply
	EndedAt     time.Time       // conversation over, or abandoned
	WrapUpEndAt time.Time       // after-contact work over
	HoldTime    time.Duration   // within the conversation
	FocusTime   time.Duration   // worked on, for asynchronous contacts; 0: AnsweredAt to EndedAt counts
	Offers      int             // made
	RONA        int             // of these, expired with the customer still there
	Result      contact.Result  // "" while it is open
	SkippedIVR  bool
	Rule        string // of the skip or question, "" for the menu
}
