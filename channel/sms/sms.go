package sms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/channel/message"
)

// Conductor takes received messages: a *message.Conductor.
type Conductor interface {
	Received(ctx context.Context, in message.Inbound) (message.Receipt, error)
}

// Deps are what a Channel needs from outside.
type Deps struct {
	Conductor Conductor
	Client    *http.Client // for sending; nil: one with Config.Timeout
	Log       *slog.Logger
	Registry  prometheus.Registerer
	Now       func() time.Time // time.Now when nil
}

// Channel is the webhook and the sender of one account. The sender is a
// [message.Connector]; the webhook is an [http.Handler].
type Channel struct {
	*Sender
	cfg       Config
	token     []byte
	numbers   map[string]Number
	conductor Conductor
	log       *slog.Logger
	metrics   *metrics
	now       func() time.Time
}

// New checks cfg, reads the token and returns the channel. Deps.Conductor may
// be nil until [Channel.Attach] is called: the conductor needs the sender first.
func New(cfg Config, deps Deps) (*Channel, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Channel{
		cfg: cfg, numbers: make(map[string]Number, len(cfg.Numbers)), conductor: deps.Conductor,
		log: deps.Log, now: deps.Now, metrics: newMetrics(deps.Registry),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	for _, n := range cfg.Numbers {
		c.numbers[n.Number] = n
	}
	if cfg.Enabled() {
		token, err := readSecret(cfg.AuthTokenFile)
		if err != nil {
			return nil, fmt.Errorf("auth_token_file: %w", err)
		}
		c.token = []byte(token)
	}
	client := deps.Client
	if client == nil {
		client = &http.Client{Timeout: cfg.Timeout}
	}
	c.Sender = &Sender{cfg: cfg, token: string(c.token), client: client, metrics: c.metrics, now: c.now}
	return c, nil
}

// Attach sets who takes received messages. It is called once, before the
// webhook is served.
func (c *Channel) Attach(conductor Conductor) { c.conductor = conductor }

var errEmptySecret = errors.New("is empty")

func readSecret(path string) (string, error) {
	b, err := os.ReadFile(path) //nolint:gosec // the operator's own configuration names it
	if err != nil {
		return "", err //nolint:wrapcheck // the caller names the key
	}
	s := strings.TrimSpace(string(b))
	if s == "" {
		return "", fmt.Errorf("%s: %w", path, errEmptySecret)
	}
	return s, nil
}
