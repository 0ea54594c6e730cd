package desk

import (
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Config is the desk's section of the configuration.
type Config struct {
	// UsersFile is the YAML file of the people who may sign in; see ParseUsers.
	UsersFile string `yaml:"users_file"`
	// Domain is the SIP domain of the agents' lines: the line is sip:line@Domain.
	Domain string `yaml:"domain"`
	// LineURL is the WebSocket that browsers reach the line by; "" means /sip
	// on the host that the desk was opened from.
	LineURL string `yaml:"line_url"`
	// Origins are web origins ("https://desk.example.com") that may use the API
	// beside the host that was asked, by its own scheme: of a proxy before us.
	Origins []string `yaml:"origins"`

	Session SessionConfig `yaml:"session"`
	Socket  SocketConfig  `yaml:"socket"`

	// ViewTimeout bounds the wait for a customer's thread before an offer is
	// shown without it; the thread follows.
	ViewTimeout time.Duration `yaml:"view_timeout"`
	// QueuesEvery and FloorEvery are the shortest times between two queue and
	// two floor frames.
	QueuesEvery time.Duration `yaml:"queues_every"`
	FloorEvery  time.Duration `yaml:"floor_every"`
	// Dispositions are how a contact can end, in the order of the keys 1-9.
	Dispositions []Disposition `yaml:"dispositions"`
	// Reasons are why an agent can be not ready.
	Reasons []Label `yaml:"reasons"`

	// Demo tells the web app that it runs in the demonstration, and sends "/"
	// to the shop. Set by the program, never by the file.
	Demo bool `yaml:"-"`
}

// SessionConfig bounds a sign-in.
type SessionConfig struct {
	Idle time.Duration `yaml:"idle"` // without a request and without an open socket
	Max  time.Duration `yaml:"max"`  // since the sign-in
	// FailTime is the least time that a refused sign-in takes, so that it
	// tells nothing about which users exist.
	FailTime time.Duration `yaml:"fail_time"`
	// Requests and Burst limit the API calls of one session, per second.
	Requests float64 `yaml:"requests"`
	Burst    int     `yaml:"burst"`
	// PerUser bounds the sessions that one user may have; the oldest goes.
	PerUser int `yaml:"per_user"`
}

// SocketConfig bounds an event socket.
type SocketConfig struct {
	Hello  time.Duration `yaml:"hello"`  // for the first frame
	Ping   time.Duration `yaml:"ping"`   // between two pings
	Pong   time.Duration `yaml:"pong"`   // for the answer of a ping
	Write  time.Duration `yaml:"write"`  // for one frame
	Queue  int           `yaml:"queue"`  // frames that a slow client may lag behind
	Replay int           `yaml:"replay"` // frames held for a client that reconnects
	// LostOffered and Lost are how long an agent may be without a socket, with
	// and without an offer, before he or she is signed out.
	LostOffered time.Duration `yaml:"lost_offered"`
	Lost        time.Duration `yaml:"lost"`
}

// Label is a code and what people read instead, by language ("en", "it").
type Label struct {
	ID    string            `yaml:"id" json:"id"`
	Label map[string]string `yaml:"label" json:"label"`
}

// Disposition is how a contact can end.
type Disposition struct {
	ID    string            `yaml:"id" json:"id"`
	Label map[string]string `yaml:"label" json:"label"`
	// Reaches tells that the customer's goal is reached: nobody who bought is
	// taken for somebody who stopped at the payment.
	Reaches bool `yaml:"reaches" json:"-"`
}

// DefaultConfig returns the settings that a file need not name.
func DefaultConfig() Config {
	return Config{
		Domain: "filo.local",
		Session: SessionConfig{
			Idle: 30 * time.Minute, Max: 12 * time.Hour, FailTime: 250 * time.Millisecond,
			Requests: 30, Burst: 90, PerUser: 4,
		},
		Socket: SocketConfig{
			Hello: 5 * time.Second, Ping: 2 * time.Second, Pong: 3 * time.Second, Write: 10 * time.Second,
			Queue: 256, Replay: 512,
			LostOffered: 5 * time.Second, Lost: 15 * time.Second,
		},
		ViewTimeout: 250 * time.Millisecond,
		QueuesEvery: 500 * time.Millisecond,
		FloorEvery:  time.Second,
		Dispositions: []Disposition{
			{ID: "purchase", Label: map[string]string{"en": "Purchase completed", "it": "Acquisto concluso"}, Reaches: true}, //nolint:misspell // Italian
			ending("answered", "Answered, no purchase", "Risposta data, nessun acquisto"),
			ending("callback", "Call back later", "Da richiamare"),
			ending("retry", "Will retry payment", "Riproverà il pagamento"),
			ending("passed", "Passed to someone else", "Passato ad altri"),
			ending("dropped", "Dropped or silent", "Caduta o muta"),
		},
		Reasons: []Label{
			label("break", "Break", "Pausa"),
			label("lunch", "Lunch", "Pranzo"),
			label("meeting", "Meeting", "Riunione"),
			label("training", "Training", "Formazione"),
		},
	}
}

func ending(id, en, it string) Disposition {
	return Disposition{ID: id, Label: map[string]string{"en": en, "it": it}}
}

func label(id, en, it string) Label {
	return Label{ID: id, Label: map[string]string{"en": en, "it": it}}
}

// Validate returns every mistake of c, joined; each begins with its key.
func (c Config) Validate() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if c.Domain == "" {
		bad("domain", "must not be empty")
	}
	if c.LineURL != "" {
		if u, err := url.Parse(c.LineURL); err != nil || (u.Scheme != "ws" && u.Scheme != "wss") || u.Host == "" {
			bad("line_url", "%q is not a ws:// or wss:// address", c.LineURL)
		}
	}
	for i, o := range c.Origins {
		if u, err := url.Parse(o); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Scheme+"://"+u.Host != o {
			bad(fmt.Sprintf("origins[%d]", i), "%q is not an origin like https://desk.example.com", o)
		}
	}
	c.validateTimes(bad)
	ends := make([]Label, len(c.Dispositions))
	for i, d := range c.Dispositions {
		ends[i] = Label{ID: d.ID, Label: d.Label}
	}
	validateLabels(bad, "dispositions", ends)
	validateLabels(bad, "reasons", c.Reasons)
	return errors.Join(errs...)
}

func (c Config) validateTimes(bad func(key, format string, args ...any)) {
	for _, d := range []struct {
		key      string
		v        time.Duration
		min, max time.Duration
	}{
		{"session.idle", c.Session.Idle, time.Minute, 24 * time.Hour},
		{"session.max", c.Session.Max, time.Minute, 7 * 24 * time.Hour},
		{"session.fail_time", c.Session.FailTime, 0, 5 * time.Second},
		{"socket.hello", c.Socket.Hello, 100 * time.Millisecond, time.Minute},
		{"socket.ping", c.Socket.Ping, 100 * time.Millisecond, 5 * time.Minute},
		{"socket.pong", c.Socket.Pong, 100 * time.Millisecond, time.Minute},
		{"socket.write", c.Socket.Write, 100 * time.Millisecond, time.Minute},
		{"socket.lost_offered", c.Socket.LostOffered, 100 * time.Millisecond, 10 * time.Minute},
		{"socket.lost", c.Socket.Lost, 100 * time.Millisecond, time.Hour},
		{"view_timeout", c.ViewTimeout, 10 * time.Millisecond, 5 * time.Second},
		{"queues_every", c.QueuesEvery, 100 * time.Millisecond, time.Minute},
		{"floor_every", c.FloorEvery, 100 * time.Millisecond, time.Minute},
	} {
		if d.v < d.min || d.v > d.max {
			bad(d.key, "%v is outside %v to %v", d.v, d.min, d.max)
		}
	}
	for _, n := range []struct {
		key         string
		v, min, max int
	}{
		{"session.burst", c.Session.Burst, 1, 10_000},
		{"session.per_user", c.Session.PerUser, 1, 100},
		{"socket.queue", c.Socket.Queue, 8, 10_000},
		{"socket.replay", c.Socket.Replay, 8, 10_000},
	} {
		if n.v < n.min || n.v > n.max {
			bad(n.key, "%d is outside %d to %d", n.v, n.min, n.max)
		}
	}
	if !(c.Session.Requests > 0) {
		bad("session.requests", "must be above 0")
	}
}

func validateLabels(bad func(key, format string, args ...any), key string, labels []Label) {
	seen := map[string]bool{}
	for i, l := range labels {
		at := fmt.Sprintf("%s[%d]", key, i)
		switch {
		case !isCode(l.ID):
			bad(at+".id", "%q must be 1 to 32 of a-z, 0-9, - and _", l.ID)
		case seen[l.ID]:
			bad(at+".id", "%q is there twice", l.ID)
		case l.Label["en"] == "":
			bad(at+".label", "has no text for en")
		}
		seen[l.ID] = true
	}
}

// isCode reports whether s is a short machine word: safe in logs, labels and URLs.
func isCode(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}
