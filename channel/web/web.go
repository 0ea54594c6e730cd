package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/journey"
)

// Journey is what the channel needs of the journey.
type Journey interface {
	Ingest(ctx context.Context, e journey.Event) (journey.Receipt, error)
	VerifyLink(cx string) (journey.Link, error)
	CallToken(ctx context.Context, session journey.Identity) (string, error)
	CheckCallToken(token string) (journey.Identity, error)
}

// Deps are what a Channel needs from outside.
type Deps struct {
	Journey  Journey
	Log      *slog.Logger
	Registry prometheus.Registerer
	Now      func() time.Time // time.Now when nil
}

// Channel is the HTTP side of a site.
type Channel struct {
	cfg     Config
	journey Journey
	secret  []byte // of userHash; nil: none
	proxies []netip.Prefix
	limits  *limits
	guests  *once
	tracker script
	mux     *http.ServeMux
	log     *slog.Logger
	metrics *metrics
	now     func() time.Time
}

var errEmptySecret = errors.New("is empty")

// New checks cfg, reads the files that it names and returns the channel.
func New(cfg Config, deps Deps) (*Channel, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Channel{
		cfg: cfg, journey: deps.Journey, log: deps.Log, now: deps.Now,
		guests: newOnce(), tracker: newScript(), metrics: newMetrics(deps.Registry),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.limits = newLimits(cfg.Rate, cfg.Burst)
	if cfg.IdentitySecretFile != "" {
		b, err := os.ReadFile(cfg.IdentitySecretFile)
		if err != nil {
			return nil, fmt.Errorf("identity_secret_file: %w", err)
		}
		if c.secret = []byte(strings.TrimSpace(string(b))); len(c.secret) == 0 {
			return nil, fmt.Errorf("identity_secret_file: %s: %w", cfg.IdentitySecretFile, errEmptySecret)
		}
	}
	for _, p := range cfg.TrustedProxies {
		n, err := netip.ParsePrefix(p)
		if err != nil {
			return nil, fmt.Errorf("trusted_proxies: %w", err)
		}
		c.proxies = append(c.proxies, n)
	}
	c.mux = c.routes()
	return c, nil
}

// ServeHTTP serves everything below /v1/.
func (c *Channel) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

func (c *Channel) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, kind := range []string{"identify", "track", "page", "screen", "alias", "group", "batch"} {
		mux.HandleFunc("POST /v1/"+kind, c.endpoint(c.segment(kind)))
	}
	// The short paths that some Segment libraries use.
	mux.HandleFunc("POST /v1/b", c.endpoint(c.segment("batch")))
	mux.HandleFunc("POST /v1/call-token", c.endpoint(c.callToken))
	mux.HandleFunc("OPTIONS /v1/", c.preflight)
	mux.HandleFunc("GET /v1/filo.js", c.serveTracker)
	return mux
}

// endpoint is what all writing calls share: origin, then the call, then one
// map from errors to HTTP.
func (c *Channel) endpoint(call func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := c.allowOrigin(w, r)
		if err == nil {
			err = call(w, r)
		}
		status := http.StatusOK
		if err != nil {
			status = statusOf(err)
			c.fail(w, r, status, err)
		}
		c.metrics.requests.WithLabelValues(fmt.Sprintf("%dxx", status/100)).Inc()
	}
}

// statusOf is the one map from errors to HTTP.
func statusOf(err error) int {
	_, field := errors.AsType[*fieldError](err)
	switch {
	case field, errors.Is(err, journey.ErrBadEvent):
		return http.StatusBadRequest
	case errors.Is(err, ErrWriteKey):
		return http.StatusUnauthorized
	case errors.Is(err, ErrOrigin):
		return http.StatusForbidden
	case errors.Is(err, ErrRate):
		return http.StatusTooManyRequests
	case errors.Is(err, ErrTooBig):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrMediaType):
		return http.StatusUnsupportedMediaType
	case errors.Is(err, errNoCalls):
		return http.StatusNotFound
	default:
		return http.StatusServiceUnavailable
	}
}

func (c *Channel) fail(w http.ResponseWriter, r *http.Request, status int, err error) {
	text := err.Error()
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="write key"`)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
	case http.StatusServiceUnavailable:
		c.log.ErrorContext(r.Context(), "web events not stored", "err", err)
		w.Header().Set("Retry-After", "5")
		text = "not stored, try again"
	}
	writeJSON(w, status, map[string]any{"error": map[string]string{"code": codeOf(status), "message": text}})
}

func codeOf(status int) string {
	return strings.ReplaceAll(strings.ToLower(http.StatusText(status)), " ", "_")
}
