package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"filo/channel/email"
	"filo/channel/message"
	"filo/channel/sms"
	"filo/channel/voice"
	"filo/channel/web"
	"filo/desk"
	"filo/ivr"
	"filo/journey"
	"filo/journey/redis"
	"filo/measure"
	"filo/media"
	"filo/router"
	"filo/sip"
)

// maxFile bounds the configuration file.
const maxFile = 4 << 20

// Config is the whole configuration: one section for each package.
type Config struct {
	DataDir string         `yaml:"data_dir"` // everything that Filo keeps; made if absent
	Drain   time.Duration  `yaml:"drain"`    // how long calls may go on after a stop; 0: ended at once
	Log     Log            `yaml:"log"`
	HTTP    HTTP           `yaml:"http"`
	SIP     sip.Config     `yaml:"sip"`
	Media   media.Config   `yaml:"media"`
	IVR     ivr.Config     `yaml:"ivr"`
	Voice   voice.Config   `yaml:"voice"`
	Router  router.Config  `yaml:"router"`
	Journey journey.Config `yaml:"journey"`
	Redis   redis.Config   `yaml:"redis"` // read when journey.hot is redis
	Message message.Config `yaml:"message"`
	Email   email.Config   `yaml:"email"`
	SMS     sms.Config     `yaml:"sms"`
	Web     web.Config     `yaml:"web"`
	Desk    desk.Config    `yaml:"desk"`
	Measure measure.Config `yaml:"measure"`
}

// Default returns the configuration that an empty file means: everything on
// loopback, the built-in flow and its queues, data in ./data.
func Default() Config {
	return Config{
		DataDir: "data",
		Drain:   30 * time.Second,
		Log:     Log{Level: "info", Format: "text"},
		HTTP:    HTTP{Addr: "127.0.0.1:8080", MetricsAllow: []string{"127.0.0.0/8", "::1/128"}},
		SIP:     sip.DefaultConfig(),
		Media:   defaultMedia(),
		IVR:     ivr.DefaultConfig(),
		Voice:   voice.DefaultConfig(),
		Router:  defaultRouter(),
		Journey: journey.DefaultConfig(),
		Redis:   redis.DefaultConfig(),
		Message: message.DefaultConfig(),
		Email:   email.DefaultConfig(),
		SMS:     sms.DefaultConfig(),
		Web:     web.DefaultConfig(),
		Desk:    desk.DefaultConfig(),
		Measure: measure.DefaultConfig(),
	}
}

func defaultMedia() media.Config {
	cfg := media.DefaultConfig()
	cfg.RecordingsDir = filepath.Join("data", "recordings")
	return cfg
}

// defaultRouter adds the queues of the built-in flow and of the journey's
// default rules to the router's own.
func defaultRouter() router.Config {
	cfg := router.DefaultConfig()
	for name, label := range map[string]map[string]string{
		"checkout": {"en": "Orders and payment", "it": "Ordini e pagamenti"},
		"delivery": {"en": "Deliveries", "it": "Consegne"},
		"returns":  {"en": "Returns", "it": "Resi"},
		"service":  {"en": "Service", "it": "Assistenza"},
	} {
		cfg.Queues[name] = router.Queue{Label: label, Target: 20 * time.Second}
	}
	cfg.Journal.Dir = filepath.Join("data", "routing")
	return cfg
}

// section is one part of the configuration and its check.
type section struct {
	key      string
	validate func() error
}

// sections lists the parts that check themselves, in the order of messages.
// The key "" is for checks whose errors name the whole path.
func (c Config) sections() []section {
	return []section{
		{"", c.validateTop},
		{"log", c.Log.Validate},
		{"http", c.HTTP.Validate},
		{"sip", c.SIP.Validate},
		{"media", c.Media.Validate},
		{"ivr", c.IVR.Validate},
		{"voice", c.Voice.Validate},
		{"router", c.Router.Validate},
		{"router.journal", c.validateJournal},
		{"journey", c.Journey.Validate},
		{"redis", c.Redis.Validate},
		{"message", c.Message.Validate},
		{"email", c.Email.Validate},
		{"sms", c.SMS.Validate},
		{"web", c.Web.Validate},
		{"desk", c.Desk.Validate},
		{"measure", c.Measure.Validate},
	}
}

// Validate reports every mistake in the values, each beginning with its key.
func (c Config) Validate() error {
	var errs []error
	for _, s := range c.sections() {
		errs = append(errs, UnderKey(s.key, s.validate()))
	}
	return errors.Join(errs...)
}

// UnderKey puts the key of a section before each of the joined errors of it; ""
// leaves them as they are.
func UnderKey(key string, err error) error {
	var errs []error
	for _, one := range flatten(err) {
		if key != "" {
			one = fmt.Errorf("%s.%w", key, one)
		}
		errs = append(errs, one)
	}
	return errors.Join(errs...)
}

// derive gives keys that the file does not set the value of another.
func (c *Config) derive(has func(path ...string) bool) {
	if !has("journey", "data_dir") && c.DataDir != "" {
		c.Journey.DataDir = c.DataDir
	}
	if !has("router", "journal", "dir") && c.DataDir != "" {
		c.Router.Journal.Dir = filepath.Join(c.DataDir, "routing")
	}
	if !has("media", "recordings_dir") && c.DataDir != "" {
		c.Media.RecordingsDir = filepath.Join(c.DataDir, "recordings")
	}
	if !has("desk", "domain") {
		c.Desk.Domain = c.SIP.Domain
	}
	if !has("web", "call", "token_for") {
		c.Web.Call.TokenFor = c.Journey.CallTokenFor
	}
}

// Load reads the file at path over Default. The error joins every mistake as
// "file:line: key.path: message". Relative paths in the file stay relative to
// the working directory.
func Load(path string) (Config, error) {
	_, cfg, err := load(path)
	if err != nil {
		return Config{}, err
	}
	return cfg, nil
}

func load(path string) (*document, Config, error) {
	file, err := os.Open(path) //nolint:gosec // the operator's own file
	if err != nil {
		return nil, Config{}, fmt.Errorf("open configuration: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	data, err := readAll(file, maxFile)
	if err != nil {
		return nil, Config{}, fmt.Errorf("read configuration: %w", err)
	}
	return parse(filepath.Base(path), data)
}

// Parse is Load of the text of a file; name stands before the line in messages.
func Parse(name string, data []byte) (Config, error) {
	_, cfg, err := parse(name, data)
	if err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// parse returns the document also beside an error, unless it is no YAML: what
// could be read of it can still be checked.
func parse(name string, data []byte) (*document, Config, error) {
	doc, err := parseDocument(name, data)
	if err != nil {
		return nil, Config{}, err
	}
	cfg := Default()
	unread := doc.decode(&cfg)
	cfg.derive(doc.has)
	return doc, cfg, doc.both(unread, doc.locate(cfg.Validate()))
}
