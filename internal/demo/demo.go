package demo

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"filo/bench/robot"
	"filo/internal/app"
)

// Config says how the demo runs.
type Config struct {
	Once      bool // play the story and end
	NoStory   bool
	Verbose   bool
	HTTP, SIP string // loopback addresses; port 0 is any free one
	Dir       string // of the data; "" for one that is removed at the end
	In        io.Reader
	Out, Err  io.Writer
}

// Run plays the demo until ctx ends, or just the story. With Once the last
// line on cfg.Out is a Result as JSON.
func Run(ctx context.Context, cfg Config) (err error) {
	for flag, addr := range map[string]string{"-http": cfg.HTTP, "-sip": cfg.SIP} {
		if err := onLoopback(addr); err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
	}
	if cfg.Dir == "" {
		if cfg.Dir, err = os.MkdirTemp("", "filo-demo-"); err != nil {
			return fmt.Errorf("make data directory: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(cfg.Dir)) }()
	}
	w, err := newWorld(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	kit, err := robot.NewKit(ctx, robot.Config{})
	if err != nil {
		return err //nolint:wrapcheck // says what it is
	}
	defer func() { err = errors.Join(err, kit.Close()) }()
	s := &story{kit: kit, world: w, say: &teller{w: cfg.Out}}
	if !cfg.NoStory {
		if err := s.tell(ctx, cfg); err != nil || cfg.Once {
			return err
		}
	}
	return withNode(ctx, cfg, w, time.Now, func(ctx context.Context, a *app.App) error {
		s.at(a)
		return stay(ctx, cfg, s)
	})
}

var (
	errNotLoopback = errors.New("the demo has well-known passwords, so it listens on the loopback only")
	errNoPort      = errors.New("no port is free for UDP and TCP")
)

func onLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("address %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("address %q: %w", addr, errNotLoopback)
	}
	return nil
}

func newWorld(ctx context.Context, cfg Config) (*world, error) {
	w := &world{}
	var err error
	if w.httpAddr, err = withPort(ctx, cfg.HTTP); err != nil {
		return nil, fmt.Errorf("-http: %w", err)
	}
	if w.sipAddr, err = withPort(ctx, cfg.SIP); err != nil {
		return nil, fmt.Errorf("-sip: %w", err)
	}
	if w.mailbox, err = robot.NewMailbox(ctx); err != nil {
		return nil, err
	}
	if w.texting, err = robot.NewTexting(ctx, accountSID, rand.Text()); err != nil {
		return nil, errors.Join(err, w.mailbox.Close())
	}
	return w, nil
}

// withPort takes a free port for port 0, for UDP and TCP. The story has two
// starts of the node and links that lead from the first to the second, so that
// the port must be known before the node binds it.
func withPort(ctx context.Context, addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port != "0" {
		return addr, err //nolint:wrapcheck // names the address
	}
	var lc net.ListenConfig
	for range 20 {
		l, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			return "", fmt.Errorf("find a free port: %w", err)
		}
		free := net.JoinHostPort(host, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
		p, err := lc.ListenPacket(ctx, "udp", free)
		if err != nil { // free for TCP only
			_ = l.Close()
			continue
		}
		return free, errors.Join(l.Close(), p.Close())
	}
	return "", fmt.Errorf("address %q: %w", addr, errNoPort)
}

func (w *world) close() error { return errors.Join(w.texting.Close(), w.mailbox.Close()) }

// withNode runs a node by the given clock while do runs, and stops it afterwards.
func withNode(ctx context.Context, cfg Config, w *world, now func() time.Time, do func(context.Context, *app.App) error) error {
	nc, err := w.node(cfg.Dir)
	if err != nil {
		return err
	}
	users, err := Users()
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	if cfg.Verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(cfg.Err, &slog.HandlerOptions{Level: level}))
	a, err := app.New(ctx, nc, log, app.Options{Users: users, Demo: true, Now: now, Extra: map[string]http.Handler{
		"GET /shop/config.json": http.HandlerFunc(shopConfig),
	}})
	if err != nil {
		return err //nolint:wrapcheck // names the part
	}
	nctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	defer wg.Wait()
	ended := make(chan error, 1)
	wg.Go(func() { ended <- a.Run(nctx) })
	select {
	case err := <-ended:
		stop()
		return err
	case <-a.Ready():
	}
	dctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	wg.Go(func() { done <- do(dctx, a) })
	select {
	case err = <-done:
		stop()
		return errors.Join(err, <-ended)
	case err = <-ended: // the node failed under the demo
		stop()
		cancel()
		return errors.Join(err, <-done)
	}
}

// shopConfig tells the shop's pages which site they are.
func shopConfig(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{ // a page that went away
		"writeKey": writeKey, "region": "IT", "phone": shopNumber,
	})
}

// daysBefore is how long before the call the first act takes place.
const daysBefore = 3

// tell plays the story in two acts, on two starts of the node over the same
// data: first by a clock three days back, then today. It prints the result.
func (s *story) tell(ctx context.Context, cfg Config) error {
	s.say.line("Filo demo: one story through real SIP, RTP, SMTP, webhooks, HTTP and WebSockets.\n")
	past := func() time.Time { return time.Now().AddDate(0, 0, -daysBefore) }
	err := s.act(ctx, cfg, fmt.Sprintf("%d days ago", daysBefore), past, s.before())
	if err == nil {
		err = s.act(ctx, cfg, "Today, after a restart", time.Now, s.today())
	}
	s.result.OK = err == nil
	if err != nil {
		s.result.Failed = err.Error()
	}
	if cfg.Once {
		b, jerr := json.Marshal(s.result)
		if jerr != nil {
			return errors.Join(err, fmt.Errorf("print result: %w", jerr))
		}
		s.say.line("%s", b)
	}
	return err
}

func (s *story) act(ctx context.Context, cfg Config, title string, now func() time.Time, steps []step) error {
	return withNode(ctx, cfg, s.world, now, func(ctx context.Context, a *app.App) error {
		s.at(a)
		s.say.line("%s:", title)
		return errors.Join(s.play(ctx, steps), s.signOut(ctx))
	})
}

// at points the robots to a running node.
func (s *story) at(a *app.App) { s.base, s.smtp, s.metrics = a.URL(), a.SMTPAddr(), a.Histogram }

func (s *story) signOut(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
	defer cancel()
	var errs []error
	for _, d := range []**robot.Desk{&s.paola, &s.marta} {
		if *d != nil {
			errs = append(errs, (*d).Close(ctx))
			*d = nil
		}
	}
	return errors.Join(errs...)
}

const invitation = `
Filo stays up. Try it:

  Be the agent    open %[1]s/desk/ and sign in as paola, password %[2]s (marta, davide and the
                  supervisor elena too). Become ready, then type "call" here: a robot phones in.
  Be the caller   type "agent" here: a robot agent takes calls. Then open %[1]s/shop/,
                  leave the checkout half-filled and press the call button.
  Both yourself   two browsers on one machine howl: put on a headset first.

  Metrics %[1]s/metrics   SIP %[3]s (UDP, TCP), number 100
  Type "call", "agent" or "quit".
`

// stay serves until the person quits.
func stay(ctx context.Context, cfg Config, s *story) error {
	s.say.line(invitation, s.base, Password, s.world.sipAddr)
	lines := make(chan string)
	// Reading a terminal cannot be interrupted: the goroutine ends with the
	// program or with the input, and nobody waits for it.
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(lines)
		in := bufio.NewScanner(cfg.In)
		for in.Scan() {
			select {
			case lines <- strings.TrimSpace(in.Text()):
			case <-ctx.Done():
				return
			}
		}
	})
	p := &player{s: s}
	for {
		select {
		case <-ctx.Done():
			return nil
		case word, ok := <-lines:
			if !ok { // no terminal: serve until stopped
				lines = nil
				continue
			}
			if word == "quit" || word == "exit" {
				return nil
			}
			if err := p.do(ctx, word); err != nil {
				s.say.line("  %v", err)
			}
		}
	}
}

// patience is how long a robot caller waits for a person at the desk.
const patience = 2 * time.Minute
