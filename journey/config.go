package journey

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nyaruka/phonenumbers"

	"filo/contact"
)

// Config of the journey.
type Config struct {
	DataDir       string        `yaml:"data_dir"`       // where the Record and a generated secret live
	Region        string        `yaml:"region"`         // default region of phone numbers, ISO 3166
	Timezone      string        `yaml:"timezone"`       // of times that are read aloud, "Europe/Rome"; "Local" is the machine's
	SecretFile    string        `yaml:"secret_file"`    // signs tokens and links; "" generates one in data_dir
	Hot           string        `yaml:"hot"`            // "memory" or "redis"
	HotCustomers  int           `yaml:"hot_customers"`  // people kept in memory
	Budget        time.Duration `yaml:"budget"`         // for a call's context
	HardBudget    time.Duration `yaml:"hard_budget"`    // when the call goes on without
	HotBudget     time.Duration `yaml:"hot_budget"`     // for the hot store alone, within budget
	AbandonAfter  time.Duration `yaml:"abandon_after"`  // a form step without successor becomes form_abandoned
	CallTokenFor  time.Duration `yaml:"call_token_for"` // validity of click-to-call tokens
	SignedLinkFor time.Duration `yaml:"signed_link_for"`
	Rules         []Rule        `yaml:"rules"` // in order of precedence
}

// Match is what a rule looks for.
type Match string

// Matches.
const (
	MatchForm  Match = "form_step"     // a form left half-filled: the newest step, without an order after it
	MatchSMS   Match = "sms_reply"     // an SMS of the customer that nobody answered, or one that we sent
	MatchEmail Match = "email_waiting" // a mail of the customer that nobody answered
)

// Rule tells from recent activity why somebody probably calls.
type Rule struct {
	Name     string            `yaml:"name"`
	Match    Match             `yaml:"match"`
	Form     string            `yaml:"form"`   // for form_step; "" is any form
	Window   time.Duration     `yaml:"window"` // how long after the activity the rule matches
	Fresh    time.Duration     `yaml:"fresh"`  // full confidence until then, declining to faded at the window's end
	Faded    float64           `yaml:"faded"`
	Reason   string            `yaml:"reason"` // code
	Queue    string            `yaml:"queue"`  // of calls by this rule, unless the activity has its own
	Skills   []contact.Skill   `yaml:"skills"`
	Priority int               `yaml:"priority"`
	Hold     time.Duration     `yaml:"hold"`   // how long to wait for the owner alone; 0: nobody is preferred
	Prompt   map[string]string `yaml:"prompt"` // by language; the choice's words, which disclose nothing
}

// DefaultConfig returns the configuration of a single node.
func DefaultConfig() Config {
	return Config{
		DataDir: "data", Region: "IT", Timezone: "Local", Hot: "memory", HotCustomers: defaultHot,
		Budget: 20 * time.Millisecond, HardBudget: 50 * time.Millisecond, HotBudget: 5 * time.Millisecond,
		AbandonAfter: 10 * time.Minute, CallTokenFor: 5 * time.Minute, SignedLinkFor: 30 * 24 * time.Hour,
		Rules: DefaultRules(),
	}
}

// DefaultRules are the context rules that ship.
func DefaultRules() []Rule {
	return []Rule{
		{
			Name: "abandoned-checkout", Match: MatchForm, Form: "checkout", Reason: "abandoned-checkout",
			Window: 30 * time.Minute, Fresh: 20 * time.Minute, Faded: .80,
			Queue: "checkout", Skills: []contact.Skill{{Name: "checkout", Min: 1}}, Priority: 1,
			Prompt: map[string]string{"en": "About an order begun online", "it": "Per un ordine iniziato online"},
		},
		{
			Name: "reply-sms", Match: MatchSMS, Reason: "reply-sms",
			Window: 2 * time.Hour, Fresh: time.Hour, Faded: .80, Queue: "service", Hold: 20 * time.Second,
			Prompt: map[string]string{"en": "About a text message", "it": "Per un messaggio"},
		},
		{
			Name: "unanswered-email", Match: MatchEmail, Reason: "unanswered-email",
			Window: 48 * time.Hour, Fresh: 24 * time.Hour, Faded: .80, Queue: "service", Hold: 20 * time.Second,
			Prompt: map[string]string{"en": "About an e-mail", "it": "Per una e-mail"},
		},
	}
}

// Validate returns every mistake at once; each error begins with its key.
func (c Config) Validate() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if c.DataDir == "" {
		bad("data_dir", "is empty")
	}
	if phonenumbers.GetCountryCodeForRegion(c.Region) == 0 {
		bad("region", "%q is no ISO 3166 region", c.Region)
	}
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		bad("timezone", "%v", err)
	}
	if c.Hot != "memory" && c.Hot != "redis" {
		bad("hot", "%q is neither memory nor redis", c.Hot)
	}
	if c.HotCustomers < 1 {
		bad("hot_customers", "%d is less than 1", c.HotCustomers)
	}
	if c.Budget <= 0 {
		bad("budget", "must be positive")
	}
	if c.HardBudget < c.Budget {
		bad("hard_budget", "%s is shorter than budget", c.HardBudget)
	}
	if c.HotBudget <= 0 || c.HotBudget > c.Budget {
		bad("hot_budget", "%s is not within budget", c.HotBudget)
	}
	for key, d := range map[string]time.Duration{
		"abandon_after": c.AbandonAfter, "call_token_for": c.CallTokenFor, "signed_link_for": c.SignedLinkFor,
	} {
		if d <= 0 {
			bad(key, "must be positive")
		}
	}
	for i, r := range c.Rules {
		errs = append(errs, r.validate(fmt.Sprintf("rules[%d]", i), c.Rules[:i])...)
	}
	return errors.Join(errs...)
}

func (r Rule) validate(path string, before []Rule) (errs []error) {
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s.%s: %s", path, key, fmt.Sprintf(format, args...)))
	}
	if r.Name == "" {
		bad("name", "is empty")
	}
	if slices.ContainsFunc(before, func(b Rule) bool { return b.Name == r.Name }) {
		bad("name", "%q is there twice", r.Name)
	}
	if r.Match != MatchForm && r.Match != MatchSMS && r.Match != MatchEmail {
		bad("match", "%q is not one of form_step, sms_reply, email_waiting", r.Match)
	}
	if r.Window <= 0 {
		bad("window", "must be positive")
	}
	if r.Fresh < 0 || r.Fresh > r.Window {
		bad("fresh", "%s is not within window", r.Fresh)
	}
	if r.Faded <= 0 || r.Faded > 1 {
		bad("faded", "%v is not above 0 and at most 1", r.Faded)
	}
	if r.Queue == "" {
		bad("queue", "is empty")
	}
	if r.Hold < 0 {
		bad("hold", "is negative")
	}
	if r.Prompt["en"] == "" {
		bad("prompt.en", "is empty")
	}
	return errs
}
