package desk

import (
	"maps"
	"time"

	"filo/contact"
	"filo/journey"
)

// The JSON values of API.md. Field names and order are the API's.

// stamp is a time as the API writes it: RFC 3339, UTC, milliseconds.
type stamp time.Time

const stampLayout = "2006-01-02T15:04:05.000Z"

// MarshalJSON implements json.Marshaler.
func (s stamp) MarshalJSON() ([]byte, error) {
	return []byte(`"` + time.Time(s).UTC().Format(stampLayout) + `"`), nil
}

// UnmarshalJSON implements json.Unmarshaler, for the package's clients in tests.
func (s *stamp) UnmarshalJSON(b []byte) error {
	return (*time.Time)(s).UnmarshalJSON(b) //nolint:wrapcheck // the plain rule of time
}

// stampOrNil returns nil, JSON's null, for the zero time.
func stampOrNil(t time.Time) *stamp {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}

func ms(d time.Duration) int64 { return d.Milliseconds() }

type sessionJSON struct {
	User  string    `json:"user"`
	Name  string    `json:"name"`
	Role  Role      `json:"role"`
	Lang  string    `json:"lang"`
	CSRF  string    `json:"csrf"`
	Line  *lineJSON `json:"line"`
	Phone bool      `json:"phone,omitempty"`
	Now   stamp     `json:"now"`
}

type lineJSON struct {
	WS       string `json:"ws"`
	Domain   string `json:"domain"`
	User     string `json:"user"`
	Password string `json:"password"`
	URI      string `json:"uri"`
}

type agentJSON struct {
	ID       contact.AgentID            `json:"id"`
	Name     string                     `json:"name"`
	State    contact.AgentState         `json:"state"`
	Ready    bool                       `json:"ready"` // what was asked for; a busy agent may be not ready next
	Reason   string                     `json:"reason"`
	Since    stamp                      `json:"since"`
	Capacity map[contact.Channel][2]int `json:"capacity"`
}

type offerJSON struct {
	ID         contact.OfferID     `json:"id"`
	Contact    contact.ID          `json:"contact"`
	Channel    contact.Channel     `json:"channel"`
	Queue      string              `json:"queue"`
	QueueLabel map[string]string   `json:"queue_label"`
	Expires    stamp               `json:"expires"`
	TimeoutMS  int64               `json:"timeout_ms"`
	Subject    string              `json:"subject"`
	Peer       string              `json:"peer"`
	View       journey.View        `json:"view"`
	Why        contact.Why         `json:"why"`
	WhyText    map[string][]string `json:"why_text"`
	Skipped    *skippedJSON        `json:"skipped"`
	Next       string              `json:"next"`
	Phone      bool                `json:"phone"`
	Consult    *consultOfJSON      `json:"consult"`
}

// consultOfJSON says who asks this agent for help, and with which contact.
type consultOfJSON struct {
	Contact contact.ID      `json:"contact"`
	By      contact.AgentID `json:"by"`
	Name    string          `json:"name"`
}

type skippedJSON struct {
	Rule       string   `json:"rule"`
	Confidence float64  `json:"confidence"`
	AgeMS      int64    `json:"age_ms"`
	Digits     []string `json:"digits"`
}

type contactJSON struct {
	ID         contact.ID          `json:"id"`
	Channel    contact.Channel     `json:"channel"`
	State      contact.State       `json:"state"`
	Queue      string              `json:"queue"`
	QueueLabel map[string]string   `json:"queue_label"`
	Since      stamp               `json:"since"`
	Subject    string              `json:"subject"`
	Peer       string              `json:"peer"`
	View       journey.View        `json:"view"`
	WhyText    map[string][]string `json:"why_text"`
	Skipped    *skippedJSON        `json:"skipped"`
	Hold       bool                `json:"hold"`
	Muted      bool                `json:"muted"`
	WrapUpEnds *stamp              `json:"wrap_up_ends"`
	Deadline   *stamp              `json:"deadline"`
	Reply      *replyJSON          `json:"reply"`
	LineLost   bool                `json:"line_lost"`
	Call       *callJSON           `json:"call"` // of a connected call
	Consult    *consultOfJSON      `json:"consult"`
}

// callJSON is how a connected call stands.
type callJSON struct {
	Hold      bool         `json:"hold"`
	Muted     bool         `json:"muted"`
	LineLost  bool         `json:"line_lost"`
	Recording string       `json:"recording"`
	Consult   *consultJSON `json:"consult"`
	Monitor   *watchedJSON `json:"monitor"`
}

// consultJSON is the consultation that the agent has begun.
type consultJSON struct {
	To    contact.Destination  `json:"to"`
	Name  string               `json:"name"`
	State contact.ConsultStage `json:"state"`
}

// watchedJSON is the supervisor on a call.
type watchedJSON struct {
	Mode contact.MonitorMode `json:"mode"`
	Name string              `json:"name"`
}

// monitorJSON tells a supervisor what is followed.
type monitorJSON struct {
	Contact contact.ID          `json:"contact"`
	Mode    contact.MonitorMode `json:"mode"`
	Agent   string              `json:"agent"` // name
}

type replyJSON struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
	Max     int    `json:"max"`
}

type queueJSON struct {
	ID        string            `json:"id"`
	Label     map[string]string `json:"label"`
	Waiting   int               `json:"waiting"`
	LongestMS int64             `json:"longest_ms"`
}

type snapshotJSON struct {
	Agent    agentJSON     `json:"agent"`
	Offers   []offerJSON   `json:"offers"`
	Contacts []contactJSON `json:"contacts"`
	Queues   []queueJSON   `json:"queues"`
	Monitor  *monitorJSON  `json:"monitor"` // what a supervisor follows
	Now      stamp         `json:"now"`
}

type offerGoneJSON struct {
	Offer   contact.OfferID `json:"offer"`
	Contact contact.ID      `json:"contact"`
	Reason  string          `json:"reason"`
}

type contactGoneJSON struct {
	Contact contact.ID `json:"contact"`
}

type threadJSON struct {
	Contact contact.ID          `json:"contact"`
	Event   journey.ThreadEvent `json:"event"`
}

type viewJSON struct {
	Contact contact.ID   `json:"contact"`
	View    journey.View `json:"view"`
}

type upJSON struct {
	Up bool `json:"up"`
}

// Frame types of the event socket.
const (
	frameSnapshot    = "snapshot"
	frameAgent       = "agent"
	frameOffer       = "offer"
	frameOfferGone   = "offer_gone"
	frameContact     = "contact"
	frameContactGone = "contact_gone"
	frameThread      = "thread"
	frameView        = "view"
	frameQueues      = "queues"
	frameFloor       = "floor"
	frameLine        = "line"
	frameMonitor     = "monitor"
	framePong        = "pong"
)

// complete makes the lists of a view lists in JSON too, where nil would be
// null, and gives agents their names.
func (us *Users) complete(v journey.View) journey.View {
	if v.Proof == nil {
		v.Proof = []journey.ProofLine{}
	}
	if v.Cases == nil {
		v.Cases = []journey.Case{}
	}
	if v.Health == nil {
		v.Health = []journey.HealthLine{}
	}
	events := make([]journey.ThreadEvent, 0, len(v.Events)) // a copy: the journey's own stay as they are
	for _, e := range v.Events {
		events = append(events, us.named(e))
	}
	v.Events = events
	if v.Sentence == nil {
		v.Sentence = map[string]string{}
	}
	if w := v.LastWeb; w != nil {
		c := *w
		if c.Filled == nil {
			c.Filled = []journey.Field{}
		}
		if c.Empty == nil {
			c.Empty = []string{}
		}
		if c.Cart == nil {
			c.Cart = []journey.CartItem{}
		}
		v.LastWeb = &c
	}
	return v
}

// named puts an agent's name where the thread keeps the id.
func (us *Users) named(e journey.ThreadEvent) journey.ThreadEvent {
	id := e.Attrs["agent"]
	if name := us.Name(contact.AgentID(id)); id != "" && name != id {
		e.Attrs = maps.Clone(e.Attrs)
		e.Attrs["agent"] = name
	}
	return e
}
