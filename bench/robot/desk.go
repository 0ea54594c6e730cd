package robot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"filo/contact"
	"filo/media"
	"filo/sip"
)

// DeskConfig says where a desk robot signs in.
type DeskConfig struct {
	URL      string // of the server, http://host:port
	User     string
	Password string
	Say      media.Prompt // what the agent says in calls, over and over
}

// Desk is an agent at a browser desk, without the browser: HTTP sign-in, the
// event socket, and a persistent line over SIP on WebSocket with DTLS-SRTP.
type Desk struct {
	Line  *Line
	Name  string
	User  string
	cfg   DeskConfig
	kit   *Kit
	http  *http.Client
	csrf  string
	ws    *websocket.Conn
	frame chan Frame
	stop  context.CancelFunc
	wg    sync.WaitGroup
}

// Frame is one event of the socket; see desk/API.md.
type Frame struct {
	Seq  uint64          `json:"seq"`
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
	At   time.Time       `json:"-"` // when it arrived
}

// Line is the agent's persistent audio leg.
type Line struct {
	Meter *media.Meter
	leg   *sip.Leg
	ep    media.Endpoint
	flow  string
	bye   func(context.Context) error
}

type session struct {
	User string `json:"user"`
	Name string `json:"name"`
	CSRF string `json:"csrf"`
	Line *struct {
		WS       string `json:"ws"`
		Domain   string `json:"domain"`
		User     string `json:"user"`
		Password string `json:"password"`
		URI      string `json:"uri"`
	} `json:"line"`
}

// Desk signs in, opens the event socket and brings the line up.
func (k *Kit) Desk(ctx context.Context, cfg DeskConfig) (*Desk, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("desk: %w", err)
	}
	d := &Desk{
		cfg: cfg, kit: k, User: cfg.User, frame: make(chan Frame, 256),
		http: &http.Client{Jar: jar, Timeout: 10 * time.Second, Transport: &http.Transport{}},
	}
	var s session
	if err := d.post(ctx, "/api/session", map[string]string{"user": cfg.User, "password": cfg.Password}, &s); err != nil {
		return nil, fmt.Errorf("sign in %s: %w", cfg.User, err)
	}
	d.csrf, d.Name = s.CSRF, s.Name
	if err := d.openSocket(ctx); err != nil {
		return nil, err
	}
	if s.Line != nil {
		if d.Line, err = d.openLine(ctx, &s); err != nil {
			return nil, errors.Join(err, d.Close(ctx))
		}
	}
	return d, nil
}

func (d *Desk) header() http.Header {
	h := http.Header{"Origin": {d.cfg.URL}}
	req, err := http.NewRequest(http.MethodGet, d.cfg.URL, http.NoBody) //nolint:noctx // only its URL is used
	if err == nil {
		for _, c := range d.http.Jar.Cookies(req.URL) {
			h.Add("Cookie", c.Name+"="+c.Value)
		}
	}
	return h
}

func (d *Desk) openSocket(ctx context.Context) error {
	url := "ws" + strings.TrimPrefix(d.cfg.URL, "http") + "/api/events"
	ws, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: d.header()})
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return fmt.Errorf("open event socket: %w", err)
	}
	ws.SetReadLimit(4 << 20)
	d.ws = ws
	hello, err := json.Marshal(map[string]any{"type": "hello", "csrf": d.csrf, "after": 0})
	if err != nil {
		return fmt.Errorf("event socket: %w", err)
	}
	if err := ws.Write(ctx, websocket.MessageText, hello); err != nil {
		return fmt.Errorf("greet event socket: %w", err)
	}
	rctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop = stop
	d.wg.Go(func() { d.read(rctx) })
	return nil
}

func (d *Desk) read(ctx context.Context) {
	defer close(d.frame)
	for {
		_, b, err := d.ws.Read(ctx)
		if err != nil {
			return
		}
		f := Frame{At: time.Now()}
		if err := json.Unmarshal(b, &f); err != nil {
			d.kit.log.Warn("event frame", "error", err)
			return
		}
		select {
		case d.frame <- f:
		case <-ctx.Done():
			return
		}
	}
}

var errSocketClosed = errors.New("event socket closed")

// Next waits for the next event of one of the types, or any if none is given,
// and drops what comes before it.
func (d *Desk) Next(ctx context.Context, types ...string) (Frame, error) {
	for {
		select {
		case <-ctx.Done():
			return Frame{}, fmt.Errorf("wait for %v event: %w", types, context.Cause(ctx))
		case f, ok := <-d.frame:
			if !ok {
				return Frame{}, fmt.Errorf("wait for %v event: %w", types, errSocketClosed)
			}
			if len(types) == 0 {
				return f, nil
			}
			for _, t := range types {
				if f.Type == t {
					return f, nil
				}
			}
		}
	}
}

// Skip drops the events that have arrived so far.
func (d *Desk) Skip() {
	for {
		select {
		case _, ok := <-d.frame:
			if !ok {
				return
			}
		default:
			return
		}
	}
}

// AwaitLine waits until the server sees the agent's line.
func (d *Desk) AwaitLine(ctx context.Context) error {
	for {
		f, err := d.Next(ctx, "line")
		if err != nil {
			return err
		}
		var line struct{ Up bool }
		if err := json.Unmarshal(f.Data, &line); err != nil {
			return fmt.Errorf("read line frame: %w", err)
		}
		if line.Up {
			return nil
		}
	}
}

// AwaitContact waits until a contact of the agent is in the state.
func (d *Desk) AwaitContact(ctx context.Context, id, state string) error {
	for {
		f, err := d.Next(ctx, "contact")
		if err != nil {
			return err
		}
		var c struct{ ID, State string }
		if err := json.Unmarshal(f.Data, &c); err != nil {
			return fmt.Errorf("read contact frame: %w", err)
		}
		if c.ID == id && c.State == state {
			return nil
		}
	}
}

// AwaitQueue waits until so many contacts wait in the queue.
func (d *Desk) AwaitQueue(ctx context.Context, queue string, waiting int) error {
	for {
		f, err := d.Next(ctx, "queues")
		if err != nil {
			return err
		}
		var queues []struct {
			ID      string
			Waiting int
		}
		if err := json.Unmarshal(f.Data, &queues); err != nil {
			return fmt.Errorf("read queues frame: %w", err)
		}
		for _, q := range queues {
			if q.ID == queue && q.Waiting == waiting {
				return nil
			}
		}
	}
}

// openLine registers over SIP on WebSocket and calls the line, as the browser does.
func (d *Desk) openLine(ctx context.Context, s *session) (*Line, error) {
	flow, err := d.kit.UA.ConnectWS(ctx, s.Line.WS, d.header())
	if err != nil {
		return nil, fmt.Errorf("open SIP socket: %w", err)
	}
	l := &Line{flow: flow}
	l.bye, err = d.kit.UA.Register(ctx, sip.Registration{
		Registrar: flow, Transport: "WS", Domain: s.Line.Domain,
		User: s.Line.User, Password: s.Line.Password, Expires: 10 * time.Minute,
	})
	if err != nil {
		return nil, fmt.Errorf("register line: %w", err)
	}
	ep, offer, err := d.kit.Media.Offer(ctx, media.Options{Label: "desk", IdleLine: true}, media.WebRTC)
	if err != nil {
		return nil, fmt.Errorf("line's media: %w", err)
	}
	l.ep, l.Meter = ep, d.kit.Media.Meter(ep)
	l.leg, err = d.kit.UA.Invite(ctx, sip.Target{URI: s.Line.URI, Destination: flow, Transport: "WS"},
		sip.InviteOptions{From: s.Line.User, SDP: offer, User: s.Line.User, Password: s.Line.Password})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("call line: %w", err), ep.Close())
	}
	l.leg.OnReoffer(ep.Reoffer)
	if err := ep.Accept(l.leg.RemoteSDP()); err != nil {
		return nil, errors.Join(fmt.Errorf("line's answer: %w", err), ep.Close())
	}
	return l, nil
}

// Stats are the line's media counters.
func (l *Line) Stats() media.Stats { return l.ep.Stats() }

// Talk says what the agent says until ctx ends.
func (d *Desk) Talk(ctx context.Context) { say(ctx, d.Line.ep, d.cfg.Say) }

// Ready makes the agent ready.
func (d *Desk) Ready(ctx context.Context) error {
	return d.post(ctx, "/api/agent/state", map[string]string{"state": "ready"}, nil)
}

// NotReady stops new offers.
func (d *Desk) NotReady(ctx context.Context, reason string) error {
	return d.post(ctx, "/api/agent/state", map[string]string{"state": "not_ready", "reason": reason}, nil)
}

// Accept takes an offer and returns when the server confirmed it.
func (d *Desk) Accept(ctx context.Context, offer string) error {
	return d.post(ctx, "/api/offers/"+offer+"/accept", struct{}{}, nil)
}

// Reject refuses an offer.
func (d *Desk) Reject(ctx context.Context, offer, reason string) error {
	return d.post(ctx, "/api/offers/"+offer+"/reject", map[string]string{"reason": reason}, nil)
}

// Command sends a call command that names no destination: "hold", "swap",
// "complete" and the other verbs of desk/API.md; digits go with "digits".
func (d *Desk) Command(ctx context.Context, contact, verb, digits string) error {
	return d.post(ctx, "/api/contacts/"+contact+"/command", map[string]string{"verb": verb, "digits": digits}, nil)
}

// Send sends a call command that names a destination: "transfer" or "consult".
func (d *Desk) Send(ctx context.Context, id, verb string, to contact.Destination) error {
	return d.post(ctx, "/api/contacts/"+id+"/command", map[string]any{"verb": verb, "to": to}, nil)
}

// Monitor joins a call as a supervisor: "listen", "whisper", "barge" or "off".
func (d *Desk) Monitor(ctx context.Context, id, mode string) error {
	return d.post(ctx, "/api/contacts/"+id+"/monitor", map[string]string{"mode": mode}, nil)
}

// WrapUp gives the outcome and ends wrap-up.
func (d *Desk) WrapUp(ctx context.Context, contact, disposition, note string) error {
	return d.post(ctx, "/api/contacts/"+contact+"/wrapup", map[string]any{"disposition": disposition, "note": note}, nil)
}

// Reply answers a message contact.
func (d *Desk) Reply(ctx context.Context, contact, body string, closeIt bool) error {
	return d.post(ctx, "/api/contacts/"+contact+"/reply", map[string]any{"body": body, "close": closeIt}, nil)
}

// Get reads a JSON resource of the API.
func (d *Desk) Get(ctx context.Context, path string, into any) error {
	return d.do(ctx, http.MethodGet, path, nil, into)
}

func (d *Desk) post(ctx context.Context, path string, body, into any) error {
	return d.do(ctx, http.MethodPost, path, body, into)
}

// APIError is an error answer of the desk's API.
type APIError struct {
	Status int
	Body   string
}

func (e *APIError) Error() string { return fmt.Sprintf("HTTP %d: %s", e.Status, e.Body) }

func (d *Desk) do(ctx context.Context, method, path string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	req, err := http.NewRequestWithContext(ctx, method, d.cfg.URL+path, bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", d.cfg.URL)
	req.Header.Set("X-Filo-CSRF", d.csrf)
	resp, err := d.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %w", method, path, &APIError{Status: resp.StatusCode, Body: string(answer)})
	}
	if into == nil || len(answer) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s %s: read answer: %w", method, path, err)
	}
	return nil
}

// Drop closes the event socket without signing out, as a closed window does.
// The line stays; Close is still needed.
func (d *Desk) Drop() {
	d.stop()
	_ = d.ws.CloseNow()
	d.wg.Wait()
}

// Crash is the end of a browser whose computer was switched off: event socket,
// SIP socket and audio stop, and nobody says goodbye. Close may follow.
func (d *Desk) Crash() {
	d.Drop()
	if l := d.Line; l != nil {
		d.kit.UA.DisconnectWS(l.flow)
		_ = l.ep.Close()
	}
}

// Close signs out: line down, socket closed.
func (d *Desk) Close(ctx context.Context) error {
	var errs []error
	if l := d.Line; l != nil {
		errs = append(errs, l.leg.Hangup(ctx, sip.Hangup{}), l.bye(ctx), l.ep.Close())
	}
	errs = append(errs, d.do(ctx, http.MethodDelete, "/api/session", struct{}{}, nil))
	d.stop()
	_ = d.ws.CloseNow()
	d.wg.Wait()
	d.http.CloseIdleConnections()
	return errors.Join(errs...)
}
