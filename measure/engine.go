package measure

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/contact"
)

// Config is the measures section of the configuration.
type Config struct {
	// Keep is how many segments stay in memory for the screens.
	Keep int `yaml:"keep"`
	// ShortAbandon is the wait below which a caller who hangs up is no abandon.
	ShortAbandon time.Duration `yaml:"short_abandon"`
	// Target is the service-level threshold of queues that set none.
	Target time.Duration `yaml:"target"`
}

// DefaultConfig returns the settings of journey: 50,000 segments, 5 s, 20 s.
func DefaultConfig() Config {
	return Config{Keep: 50_000, ShortAbandon: 5 * time.Second, Target: 20 * time.Second}
}

// Validate returns all mistakes, joined; each begins with the key's path.
func (c Config) Validate() error {
	var errs []error
	if c.Keep < 1 || c.Keep > 10_000_000 {
		errs = append(errs, fmt.Errorf("keep: %d is not within 1..10000000 segments", c.Keep))
	}
	if c.ShortAbandon < 0 {
		errs = append(errs, fmt.Errorf("short_abandon: %v is negative", c.ShortAbandon))
	}
	if c.Target <= 0 {
		errs = append(errs, fmt.Errorf("target: %v is not positive", c.Target))
	}
	return errors.Join(errs...)
}

// Deps are what an Engine needs from outside.
type Deps struct {
	Log      *slog.Logger
	Registry prometheus.Registerer
	Now      func() time.Time         // time.Now when nil
	Targets  map[string]time.Duration // service-level threshold by queue
}

// Engine keeps the records.
type Engine struct{}

// New returns an Engine.
func New(cfg Config, deps Deps) (*Engine, error) { return &Engine{}, cfg.Validate() }

// Record stores a segment, or a new version of it: the key is Contact and N.
func (e *Engine) Record(s Segment) {}

// Update changes the newest segment of a contact; it reports whether there is one.
func (e *Engine) Update(id contact.ID, change func(*Segment)) bool { return false }

// Segments returns the segments of a contact, by N.
func (e *Engine) Segments(id contact.ID) []Segment { return nil }

// AgentState says that the agent is in state from at on.
func (e *Engine) AgentState(id contact.AgentID, state contact.AgentState, at time.Time) {}

// Queues returns the figures of each queue over the segments that were
// enqueued at or after since, by queue and channel.
func (e *Engine) Queues(now, since time.Time) []QueueStats { return nil }

// QueueStats are the figures of one queue and channel.
type QueueStats struct {
	Queue   string
	Channel contact.Channel
	Target  time.Duration
	Figures
}

// Figures are the formulas over a set of segments; see formula.go. Ratios are
// 0..1 and NaN-free: a ratio without cases is 0 and its count says so.
type Figures struct {
	Offered, Answered, AnsweredIn, Abandoned, AbandonedIn, ShortAbandons, Waiting, WaitingBeyond int

	ServiceLevel, StrictServiceLevel, IgnoringAbandons, Neutral, Optimistic float64

	ASA, WaitP50, WaitP90, WaitMax, AbandonWait time.Duration

	AbandonRate float64
	AHT         time.Duration
	Offers      int // to agents
	RONA        int
	RONARate    float64
}
