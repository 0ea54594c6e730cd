package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"filo/configs"
	"filo/contact"
	"filo/desk"
	"filo/ivr"
	"filo/journey"
	"filo/sip/trace"
)

// The desk needs the conductors and the conductors need the desk. These
// adapters hold the App, whose fields are set before anything runs.

// voiceCalls is the voice conductor as the desk sees it.
type voiceCalls struct{ a *App }

// Command implements desk.Calls.
func (v voiceCalls) Command(ctx context.Context, id contact.ID, cmd contact.CallCommand) error {
	return v.a.voice.Command(ctx, id, cmd)
}

// Dials implements desk.Calls.
func (v voiceCalls) Dials() bool { return v.a.voice.Dials() }

// Records implements desk.Calls.
func (v voiceCalls) Records() bool { return v.a.cfg.Media.RecordingsDir != "" }

// WrapUp implements desk.Calls.
func (v voiceCalls) WrapUp(ctx context.Context, card *contact.Card, n contact.WrapUpNote) error {
	return v.a.voice.WrapUp(ctx, card, n)
}

// LineUp implements desk.Lines.
func (v voiceCalls) LineUp(agent contact.AgentID) bool { return v.a.voice.LineUp(agent) }

// dropLine ends the line of an agent who signed out. The sign-out's own
// request must not cut it short.
func (a *App) dropLine(ctx context.Context, agent contact.AgentID) {
	a.voice.DropLine(context.WithoutCancel(ctx), agent)
}

// agents are the users as the voice conductor sees them.
type agents struct{ *desk.Users }

// Known implements voice.Agents.
func (a agents) Known(id contact.AgentID) bool {
	_, ok := a.Get(string(id))
	return ok
}

// deskMessages is the message conductor as the desk sees it.
type deskMessages struct{ a *App }

// Reply implements desk.Messages.
func (m deskMessages) Reply(ctx context.Context, r contact.Reply) (event string, err error) {
	return m.a.messages.Reply(ctx, r) //nolint:wrapcheck // an adapter
}

// Release implements desk.Messages.
func (m deskMessages) Release(ctx context.Context, agent contact.AgentID) error {
	return m.a.messages.Release(ctx, agent) //nolint:wrapcheck // an adapter
}

// Answered implements desk.Messages.
func (m deskMessages) Answered(ctx context.Context, events []string) error {
	return m.a.messages.Answered(ctx, events) //nolint:wrapcheck // an adapter
}

// Close implements desk.Messages.
func (m deskMessages) Close(ctx context.Context, n contact.WrapUpNote) error {
	return m.a.messages.Close(ctx, n) //nolint:wrapcheck // an adapter
}

// deskWatcher is the desk as the voice conductor sees it.
type deskWatcher struct{ d *desk.Desk }

// LineChanged implements voice.Watcher.
func (w deskWatcher) LineChanged(agent contact.AgentID, up bool) { w.d.LineChanged(agent, up) }

// CallChanged implements voice.Watcher.
func (w deskWatcher) CallChanged(agent contact.AgentID, id contact.ID, s contact.CallState) {
	w.d.ContactState(agent, id, s)
}

// MonitorChanged implements voice.Watcher.
func (w deskWatcher) MonitorChanged(supervisor contact.AgentID, m contact.Monitoring) {
	w.d.MonitorChanged(supervisor, m)
}

// mailSecret signs our addresses and Message-IDs. It follows from the journey's
// secret, so that nodes which share that one read each other's mail threads.
func (a *App) mailSecret() ([]byte, error) {
	secret, err := journey.Secret(a.cfg.Journey)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte("filo mail")) // never fails
	return mac.Sum(nil), nil
}

// authorize decides who may open a SIP WebSocket: a signed-in agent by the
// session's cookie, or a visitor by a call token.
func (a *App) authorize(r *http.Request) (user string, err error) {
	if r.URL.Query().Has("token") {
		return a.visitors.Authorize(r) //nolint:wrapcheck // an adapter
	}
	return a.desk.Authorize(r) //nolint:wrapcheck // an adapter
}

func (a *App) buildHTTP(ctx context.Context, opts Options) (err error) {
	mux := http.NewServeMux()
	mux.Handle("/", a.desk.Handler())
	mux.Handle("/v1/", a.visitors)
	if a.cfg.SMS.Enabled() {
		mux.Handle("/hooks/sms", a.sms)
	}
	mux.Handle("/sip", a.ua.WebSocket(a.authorize, a.cfg.HTTP.Origins))
	mux.Handle("GET /metrics", metricsHandler(a.reg, a.cfg.HTTP.MetricsNetworks()))
	mux.Handle("GET /healthz", healthHandler(a.up.Load))
	for pattern, h := range opts.Extra {
		mux.Handle(pattern, h)
	}
	if a.web, err = listen(ctx, a.cfg.HTTP, a.log, mux); err != nil {
		return err
	}
	a.onClose(func() error { _ = a.web.listener.Close(); return nil }) // Run has closed it already
	return nil
}

// buildTrace makes the recorder of SIP messages, and what copies them to a
// collector.
func (a *App) buildTrace(context.Context, Options) (err error) {
	a.trace = trace.New(a.cfg.SIP.Trace)
	if a.cfg.SIP.Trace.HEP.Server != "" {
		a.collector, err = trace.NewSender(a.trace, a.log)
	}
	return err
}

// loadFlows reads the flows and prompts: those of the configured directories
// before those in the program.
func (a *App) loadFlows() (map[string]*ivr.Flow, *ivr.Prompts, error) {
	cfg := a.cfg.IVR
	var flows []ivr.Source
	var sounds []fs.FS
	if cfg.FlowsDir != "" {
		root, err := a.openDir(cfg.FlowsDir)
		if err != nil {
			return nil, nil, fmt.Errorf("flows_dir: %w", err)
		}
		flows = append(flows, ivr.Source{Label: cfg.FlowsDir, FS: root.FS()})
	}
	if cfg.PromptsDir != "" {
		root, err := a.openDir(cfg.PromptsDir)
		if err != nil {
			return nil, nil, fmt.Errorf("prompts_dir: %w", err)
		}
		sounds = append(sounds, root.FS())
	}
	cache := filepath.Join(a.cfg.DataDir, "speech")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make speech cache: %w", err)
	}
	root, err := a.openDir(cache)
	if err != nil {
		return nil, nil, fmt.Errorf("speech cache: %w", err)
	}
	parsed, err := ivr.LoadFlows(append(flows, ivr.Source{Label: "built-in", FS: configs.Flows()})...)
	if err != nil {
		return nil, nil, fmt.Errorf("flows: %w", err)
	}
	prompts := ivr.NewPrompts(ivr.NewSpeech(cfg.Speech, root), append(sounds, configs.Prompts())...)
	return parsed, prompts, nil
}

// openDir opens a directory that no name leads out of, until Close.
func (a *App) openDir(path string) (*os.Root, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open directory: %w", err)
	}
	a.onClose(root.Close)
	return root, nil
}
