package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"filo/channel/email"
	"filo/channel/message"
	"filo/channel/sms"
	"filo/channel/voice"
	chweb "filo/channel/web"
	"filo/contact"
	"filo/desk"
	"filo/internal/config"
	"filo/journey"
	"filo/journey/redis"
	"filo/journey/sqlite"
	"filo/measure"
	"filo/media"
	"filo/router"
	"filo/sip"
	"filo/sip/trace"
)

// App is one node: every part, built and wired.
type App struct {
	cfg config.Config
	log *slog.Logger
	now func() time.Time
	reg *prometheus.Registry

	metrics *metrics

	redis     *redis.Store // nil unless journey.hot is redis
	journey   *journey.Journey
	measure   *measure.Engine
	router    *router.Router
	users     *desk.Users
	desk      *desk.Desk
	media     *media.Engine
	ua        *sip.UA
	voice     *voice.Conductor
	messages  *message.Conductor
	email     *email.Channel
	sms       *sms.Channel
	visitors  *chweb.Channel
	trace     *trace.Recorder
	collector *trace.Sender // nil without a HEP collector
	web       *web
	control   *web // nil where its socket could not be made

	closers []func() error // of what New opened, last first
	up      atomic.Bool
	ready   chan struct{}
}

// Options change what the configuration says, for the demo and for tests.
type Options struct {
	Users *desk.Users // instead of desk.users_file
	Demo  bool
	Extra map[string]http.Handler // more patterns on the HTTP server
	Now   func() time.Time        // the clock; time.Now when nil
}

// New builds a node. Nothing answers yet but the HTTP address is bound; Run
// or Close must follow.
func New(ctx context.Context, cfg config.Config, log *slog.Logger, opts Options) (*App, error) {
	a := &App{cfg: cfg, log: log, now: opts.Now, reg: prometheus.NewRegistry(), ready: make(chan struct{})}
	if a.now == nil {
		a.now = time.Now
	}
	a.metrics = newMetrics(a.reg)
	a.metrics.reloadOK.Set(1)
	a.metrics.reloadTime.Set(float64(a.now().Unix()))
	a.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, build := range []struct {
		what string
		do   func(context.Context, Options) error
	}{
		{"data directory", a.buildData},
		{"control", a.buildControl},
		{"trace", a.buildTrace},
		{"journey", a.buildJourney},
		{"router", a.buildRouter},
		{"desk", a.buildDesk},
		{"messages", a.buildMessages},
		{"media", a.buildMedia},
		{"sip", a.buildSIP},
		{"voice", a.buildVoice},
		{"web", a.buildVisitors},
		{"http", a.buildHTTP},
	} {
		if err := build.do(ctx, opts); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", build.what, err), a.Close())
		}
	}
	return a, nil
}

// Close frees what New opened; Run does it itself.
func (a *App) Close() error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		errs = append(errs, a.closers[i]())
	}
	a.closers = nil
	return errors.Join(errs...)
}

func (a *App) onClose(f func() error) { a.closers = append(a.closers, f) }

func (a *App) buildData(context.Context, Options) error {
	if err := os.MkdirAll(a.cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	return nil
}

func (a *App) buildJourney(ctx context.Context, _ Options) error {
	store, err := sqlite.Open(ctx, filepath.Join(a.cfg.DataDir, "filo.db"))
	if err != nil {
		return err
	}
	a.onClose(store.Close)
	deps := journey.Deps{Log: a.log, Registry: a.reg, Now: a.now}
	var hot journey.Hot = journey.NewMemory(a.cfg.Journey.HotCustomers)
	if a.cfg.Journey.Hot == "redis" {
		if err := a.buildRedis(); err != nil {
			return fmt.Errorf("redis: %w", err)
		}
		hot, deps.Feed = a.redis, a.redis
	}
	a.journey, err = journey.New(a.cfg.Journey, store, hot, deps)
	return err
}

// buildRedis makes the hot store that several nodes share.
func (a *App) buildRedis() error {
	secret, err := journey.Secret(a.cfg.Journey)
	if err != nil {
		return fmt.Errorf("secret: %w", err)
	}
	if a.redis, err = redis.New(a.cfg.Redis, redis.Deps{Log: a.log, Secret: secret}); err != nil {
		return err
	}
	a.onClose(a.redis.Close)
	return nil
}

func (a *App) buildVisitors(context.Context, Options) (err error) {
	a.visitors, err = chweb.New(a.cfg.Web, chweb.Deps{Journey: a.journey, Log: a.log, Registry: a.reg, Now: a.now})
	return err
}

func (a *App) buildRouter(context.Context, Options) (err error) {
	targets := map[string]time.Duration{}
	for name, q := range a.cfg.Router.Queues {
		if q.Target > 0 {
			targets[name] = q.Target
		}
	}
	if a.measure, err = measure.New(a.cfg.Measure, measure.Deps{Log: a.log, Registry: a.reg, Targets: targets, Now: a.now}); err != nil {
		return err
	}
	// A restart within one second would reuse an epoch, so the clock is taken
	// in milliseconds; it wraps after 49 days, which no offer survives.
	epoch := uint32(time.Now().UnixMilli()) //nolint:gosec // wraps on purpose
	a.router, err = router.New(a.cfg.Router, router.Deps{Log: a.log, Registry: a.reg, Epoch: epoch, Now: a.now, OnAgentState: a.measure.AgentState, RestartHold: a.cfg.Message.RestartHold})
	if err != nil {
		return err
	}
	a.onClose(a.router.Close)
	return nil
}

func (a *App) buildDesk(_ context.Context, opts Options) (err error) {
	a.users = opts.Users
	if a.users == nil {
		if a.users, err = desk.LoadUsers(a.cfg.Desk.UsersFile); err != nil {
			return fmt.Errorf("users_file: %w", err)
		}
	}
	dc := a.cfg.Desk
	dc.Demo = opts.Demo
	dc.Domain = a.cfg.SIP.Domain
	dc.Origins = append(dc.Origins, a.cfg.HTTP.Origins...)
	a.desk, err = desk.New(dc, desk.Deps{
		Log: a.log, Registry: a.reg, Now: a.now, Users: a.users, Router: a.router, Thread: a.journey,
		Calls: voiceCalls{a}, Messages: deskMessages{a}, Lines: voiceCalls{a}, Measure: a.measure, Trace: a.trace,
		Routing: a.cfg.Router, DropLine: a.dropLine,
	})
	return err
}

func (a *App) buildMedia(context.Context, Options) (err error) {
	if a.media, err = media.New(a.cfg.Media, media.Deps{Log: a.log, Registry: a.reg}); err != nil {
		return err
	}
	a.onClose(a.media.Close)
	return nil
}

func (a *App) buildSIP(context.Context, Options) (err error) {
	a.ua, err = sip.New(a.cfg.SIP, sip.Deps{Log: a.log, Registry: a.reg, Credentials: a.desk, Tap: a.trace, Now: a.now})
	return err
}

func (a *App) buildVoice(ctx context.Context, _ Options) error {
	flows, prompts, err := a.loadFlows()
	if err != nil {
		return err
	}
	a.voice, err = voice.New(ctx, a.cfg.Voice, voice.Deps{
		Log: a.log, Registry: a.reg, Now: a.now, UA: a.ua, Media: a.media, Router: a.router,
		Journey: a.journey, Measure: a.measure, Agents: agents{a.users}, Watcher: deskWatcher{a.desk}, Trace: a.trace,
		Flows: flows, Prompts: prompts,
	})
	return err
}

func (a *App) buildMessages(_ context.Context, _ Options) (err error) {
	secret, err := a.mailSecret()
	if err != nil {
		return err
	}
	if a.email, err = email.New(a.cfg.Email, email.Deps{Journey: a.journey, Secret: secret, Log: a.log, Registry: a.reg, Now: a.now}); err != nil {
		return fmt.Errorf("email: %w", err)
	}
	if a.sms, err = sms.New(a.cfg.SMS, sms.Deps{Log: a.log, Registry: a.reg, Now: a.now}); err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	a.messages, err = message.New(a.cfg.Message, message.Deps{
		Journey: a.journey, Router: message.FromRouter(a.router), Measure: a.measure,
		Connectors: map[contact.Channel]message.Connector{contact.Email: a.email, contact.SMS: a.sms},
		Log:        a.log, Registry: a.reg, Now: a.now,
	})
	if err != nil {
		return err
	}
	a.email.Attach(a.messages)
	a.sms.Attach(a.messages)
	return nil
}

// Run serves until ctx ends, then stops: new calls are refused, those in
// progress may finish for the drain time, the rest is hung up, and what was
// opened is closed. It may be called once.
func (a *App) Run(ctx context.Context) error {
	l := &lifecycle{log: a.log, stopLimit: 10 * time.Second, drain: a.drain, up: a.started}
	if a.redis != nil {
		l.add("redis", a.redis.Run)
	}
	if a.control != nil {
		l.add("control", a.control.run)
	}
	if a.collector != nil {
		l.add("hep", a.collector.Run)
	}
	l.add("journey", a.journey.Run)
	l.add("router", a.router.Run)
	l.add("desk", a.desk.Run)
	l.addReady("messages", a.messages.Ready(), a.messages.Run)
	if a.cfg.Email.Enabled() {
		l.addReady("smtp", a.email.Ready(), a.email.Serve)
	}
	l.add("calls after their end", a.voiceAfter)
	// Before sip, so that it stops after it: the goodbyes of browser legs leave
	// by the HTTP server's sockets.
	l.add("http", a.web.run)
	l.addReady("sip", a.ua.Ready(), func(ctx context.Context) error { return a.ua.Serve(ctx, a.voice.Serve) })
	l.add("phones", a.voice.FollowPhones)
	return errors.Join(l.run(ctx), a.Close())
}

// voiceAfter stops, at its turn, what calls left behind.
func (a *App) voiceAfter(ctx context.Context) error {
	<-ctx.Done()
	a.voice.Close()
	return nil
}

func (a *App) started() {
	a.up.Store(true)
	a.log.Info("filo is up", "http", a.web.URL(), "sip_udp", a.ua.Addr("udp"), "sip_tcp", a.ua.Addr("tcp"), "smtp", a.email.Addr(), "version", Version())
	close(a.ready)
}

// drain refuses new calls and lets those in progress finish, for a while. It
// does not wait for agents' lines, which are dialogs too and stay for a shift.
func (a *App) drain(ctx context.Context) {
	a.up.Store(false)
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Drain)
	defer cancel()
	if a.cfg.Drain > 0 {
		a.log.Info("draining", "calls", a.voice.Calls(), "limit", a.cfg.Drain.String())
	}
	refuse, done := context.WithCancel(ctx)
	done()
	_ = a.ua.Drain(refuse) // from now on 503; it reports the dialogs that are left
	if err := a.voice.AwaitIdle(ctx); err != nil {
		a.log.Info("calls are cut off", "calls", a.voice.Calls())
	}
}

// Ready is closed when every part has started.
func (a *App) Ready() <-chan struct{} { return a.ready }

// URL is where the HTTP server answers.
func (a *App) URL() string { return a.web.URL() }

// SIPAddr is the bound address of a SIP listener, "udp" or "tcp".
func (a *App) SIPAddr(network string) string { return a.ua.Addr(network) }

// SMTPAddr is the bound address of the SMTP listener, "" when mail is off.
func (a *App) SMTPAddr() string { return a.email.Addr() }
