package email

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/channel/message"
	"filo/journey"
)

// Conductor takes received mails: a *message.Conductor.
type Conductor interface {
	Received(ctx context.Context, in message.Inbound) (message.Receipt, error)
}

// Journey is what the channel needs of the journey.
type Journey interface {
	// Event finds an event by its id, FindMessage by the Message-ID that it was
	// delivered under; the error wraps journey.ErrUnknown when there is none.
	Event(ctx context.Context, id string) (journey.Event, error)
	FindMessage(ctx context.Context, source, sourceID string) (journey.Event, error)
	// SignLink returns the value of cx for a link in a mail to the address;
	// message is the id of the mail's event.
	SignLink(address, message string) string
}

// Deps are what a Channel needs from outside.
type Deps struct {
	Conductor Conductor // may be nil until Attach
	Journey   Journey
	// Secret signs plus-addresses and Message-IDs; at least 32 bytes, the same
	// after a restart, or replies to older mails find their thread no more.
	Secret   []byte
	RelayTLS *tls.Config // of the relay's connection; nil: verify by the system's roots
	Log      *slog.Logger
	Registry prometheus.Registerer
	Now      func() time.Time // time.Now when nil
}

// Channel is the SMTP listener and the sender of replies, a [message.Connector].
type Channel struct {
	cfg       Config
	journey   Journey
	conductor Conductor
	signer    signer
	inboxes   map[string]Inbox // by address in lower case
	tls       *tls.Config
	relayTLS  *tls.Config
	password  string
	log       *slog.Logger
	metrics   *metrics
	now       func() time.Time
	ready     chan struct{} // closed when the listener is bound
	addr      string
}

// New checks cfg, reads the files that it names and returns the channel.
func New(cfg Config, deps Deps) (*Channel, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Channel{
		cfg: cfg, journey: deps.Journey, conductor: deps.Conductor, log: deps.Log, now: deps.Now,
		signer:  signer{secret: deps.Secret, domain: cfg.Domain},
		inboxes: make(map[string]Inbox, len(cfg.Inboxes)), relayTLS: deps.RelayTLS,
		metrics: newMetrics(deps.Registry), ready: make(chan struct{}),
	}
	if cfg.Enabled() && len(deps.Secret) < 32 {
		return nil, ErrShortSecret
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	for _, in := range cfg.Inboxes {
		c.inboxes[strings.ToLower(in.Address)] = in
	}
	if cfg.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("tls_cert: %w", err)
		}
		c.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if file := cfg.Relay.PasswordFile; file != "" {
		b, err := os.ReadFile(file) //nolint:gosec // the operator's own configuration names it
		if err != nil {
			return nil, fmt.Errorf("relay.password_file: %w", err)
		}
		c.password = strings.TrimSpace(string(b))
	}
	return c, nil
}

// Attach sets who takes received mails. It is called once, before Serve: the
// conductor needs the sender first.
func (c *Channel) Attach(conductor Conductor) { c.conductor = conductor }

// Ready is closed when the listener is bound.
func (c *Channel) Ready() <-chan struct{} { return c.ready }

// Addr is the bound address, once Ready is closed.
func (c *Channel) Addr() string { return c.addr }
