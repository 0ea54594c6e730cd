package email

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/sync/errgroup"
)

// stopGrace is how long mails that are being stored may take when we stop.
const stopGrace = 5 * time.Second

// Serve listens and receives until ctx ends; it returns after every
// connection has ended. Mails that are not stored by then are not acknowledged.
func (c *Channel) Serve(ctx context.Context) error {
	if !c.cfg.Enabled() {
		<-ctx.Done()
		return nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for mail: %w", err)
	}
	c.addr = l.Addr().String()
	limited := newLimited(l, c.cfg.MaxConnections, c.cfg.MaxPerAddress, c.metrics)
	srv := c.server(ctx)
	close(c.ready)
	var g errgroup.Group
	g.Go(func() error { return srv.Serve(limited) })
	<-ctx.Done()
	limited.stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil && !errors.Is(err, net.ErrClosed) {
		limited.kill()
		c.log.WarnContext(grace, "mail connections cut", "err", err)
	}
	return g.Wait() //nolint:wrapcheck // Serve returns nil after Shutdown
}

func (c *Channel) server(ctx context.Context) *smtp.Server {
	srv := smtp.NewServer(smtp.BackendFunc(func(conn *smtp.Conn) (smtp.Session, error) {
		return &session{c: c, deliver: func(env envelope, raw []byte) (string, error) {
			dctx, cancel := context.WithTimeout(ctx, c.cfg.CommitTimeout)
			defer cancel()
			return c.receive(dctx, env, raw)
		}}, nil
	}))
	srv.Domain = c.cfg.Domain
	srv.MaxMessageBytes = c.cfg.MaxSize
	srv.MaxRecipients = c.cfg.MaxRecipients
	srv.ReadTimeout, srv.WriteTimeout = c.cfg.ReadTimeout, c.cfg.WriteTimeout
	srv.EnableSMTPUTF8 = true
	srv.TLSConfig = c.tls
	srv.ErrorLog = debugLog{c.log}
	return srv
}

// debugLog takes what the library prints: it names addresses, and it is about
// what any scanner can provoke.
type debugLog struct{ log *slog.Logger }

func (d debugLog) Printf(format string, v ...any) {
	d.log.Debug("smtp", "text", fmt.Sprintf(format, v...))
}
func (d debugLog) Println(v ...any) { d.log.Debug("smtp", "text", fmt.Sprintln(v...)) }

// session is one SMTP connection's transactions, one after the other.
type session struct {
	c       *Channel
	deliver func(env envelope, raw []byte) (result string, err error)
	env     envelope
	given   int // recipients of this mail
}

// Mail begins a transaction. We do not authenticate: who may connect is the
// network's matter, and only our inboxes receive.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.env, s.given = envelope{from: from}, 0
	return nil
}

// Rcpt accepts our inboxes, with or without a plus part, and nothing else.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	address, thread := s.c.signer.splitAddress(to)
	in, ok := s.c.inboxes[address]
	if !ok {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such inbox here"}
	}
	if s.given == 0 {
		s.env.inbox = in
	}
	s.given++
	if thread != "" {
		s.env.threads = append(s.env.threads, thread)
	}
	return nil
}

// Data takes the mail; nil makes 250, which promises that it is stored.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err //nolint:wrapcheck // the library's own answers: too large, aborted
	}
	s.c.metrics.bytes.Add(float64(len(raw)))
	s.env.at = s.c.now()
	result, err := s.deliver(s.env, raw)
	s.c.metrics.mails.WithLabelValues(result).Inc()
	if err == nil {
		return nil
	}
	answer := smtpError(err)
	if answer.Code < 500 {
		s.c.log.Error("mail not stored", "err", err)
	} else {
		s.c.log.Info("mail refused", "result", result, "code", answer.Code)
	}
	return answer
}

// Reset ends a transaction.
func (s *session) Reset() { s.env, s.given = envelope{}, 0 }

// Logout ends the connection.
func (s *session) Logout() error { return nil }

// smtpError is the one map from errors to SMTP: what can never be taken is
// 5xx, everything else is ours and 4xx.
func smtpError(err error) *smtp.SMTPError {
	refuse := func(class, detail int, text string) *smtp.SMTPError {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, class, detail}, Message: text}
	}
	switch {
	case errors.Is(err, ErrTooDeep), errors.Is(err, ErrTooMany), errors.Is(err, ErrExpands):
		return refuse(6, 0, "Mail structure refused: "+oneLine(err))
	case errors.Is(err, ErrNoFrom), errors.Is(err, ErrNotMail):
		return refuse(6, 0, "Not a usable mail")
	case errors.Is(err, errLoop):
		return refuse(4, 6, "Mail loop")
	case errors.Is(err, errForeignBounce):
		return refuse(7, 1, "Bounce of a mail that we did not send")
	}
	return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Not stored, try again later"}
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// limited is a listener that bounds connections, in all and per address.
type limited struct {
	net.Listener
	total, each int
	metrics     *metrics

	mu      sync.Mutex
	stopped bool
	conns   map[*conn]struct{}
	by      map[netip.Addr]int
}

func newLimited(l net.Listener, total, each int, m *metrics) *limited {
	return &limited{Listener: l, total: total, each: each, metrics: m, conns: make(map[*conn]struct{}), by: make(map[netip.Addr]int)}
}

// Accept returns the next connection within the bounds; others are told to
// come back (RFC 5321 section 3.8) and closed.
func (l *limited) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // the caller compares
		}
		c, reason := l.admit(nc)
		if reason == "" {
			return c, nil
		}
		l.metrics.refused.WithLabelValues(reason).Inc()
		_ = nc.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = io.WriteString(nc, "421 4.7.0 Too many connections, try again later\r\n")
		_ = nc.Close()
	}
}

func (l *limited) admit(nc net.Conn) (c *conn, refused string) {
	var from netip.Addr
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		from = a.AddrPort().Addr().Unmap()
		if from.Is6() { // one customer has a whole /64
			p, _ := from.Prefix(64)
			from = p.Addr()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.stopped || len(l.conns) >= l.total:
		return nil, "total"
	case l.by[from] >= l.each:
		return nil, "address"
	}
	c = &conn{Conn: nc, from: from, l: l}
	l.conns[c] = struct{}{}
	l.by[from]++
	l.metrics.connections.Inc()
	return c, ""
}

func (l *limited) gone(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.conns[c]; !ok {
		return
	}
	delete(l.conns, c)
	if l.by[c.from]--; l.by[c.from] == 0 {
		delete(l.by, c.from)
	}
	l.metrics.connections.Dec()
}

// stop lets nobody be read from any more: idle connections end at once, one
// that is being answered ends after its answer.
func (l *limited) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	for c := range l.conns {
		_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// kill closes what is still open.
func (l *limited) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.Conn.Close()
	}
}

func (l *limited) isStopped() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopped
}

// conn is one admitted connection.
type conn struct {
	net.Conn
	from netip.Addr
	l    *limited
}

// SetReadDeadline keeps the deadline in the past once we stop.
func (c *conn) SetReadDeadline(t time.Time) error {
	if c.l.isStopped() {
		t = time.Unix(1, 0)
	}
	return c.Conn.SetReadDeadline(t) //nolint:wrapcheck // a decorator adds nothing
}

// Close gives the place back.
func (c *conn) Close() error {
	c.l.gone(c)
	return c.Conn.Close() //nolint:wrapcheck // a decorator adds nothing
}
