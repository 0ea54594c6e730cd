package robot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/smtp"
	"sync"
	"time"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/jhillyerd/enmime/v2"
)

// Mailbox is the rest of the world's mail server: it takes every mail that is
// sent to it and hands it to whoever waits for it.
type Mailbox struct {
	Addr     string
	messages chan Mail
	server   *gosmtp.Server
	wg       sync.WaitGroup
}

// Mail is one received mail.
type Mail struct {
	From, To string // of the envelope
	Header   mail.Header
	Body     []byte // undecoded
}

// Text is the first text part, decoded.
func (m Mail) Text() (string, error) {
	var b bytes.Buffer
	for _, k := range []string{"Content-Type", "Content-Transfer-Encoding", "Mime-Version"} {
		if v := m.Header.Get(k); v != "" {
			_, _ = fmt.Fprintf(&b, "%s: %s\r\n", k, v)
		}
	}
	b.WriteString("\r\n")
	b.Write(m.Body)
	env, err := enmime.ReadEnvelope(&b)
	if err != nil {
		return "", fmt.Errorf("decode mail: %w", err)
	}
	return env.Text, nil
}

// maxHeld bounds the mails that nobody has waited for.
const maxHeld = 100

// NewMailbox listens on any free port of the loopback. Close it.
func NewMailbox(ctx context.Context) (*Mailbox, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	m := &Mailbox{Addr: l.Addr().String(), messages: make(chan Mail, maxHeld)}
	m.server = gosmtp.NewServer(gosmtp.BackendFunc(func(*gosmtp.Conn) (gosmtp.Session, error) {
		return &mailSession{box: m}, nil
	}))
	m.server.Domain = "posta.example"
	m.server.ReadTimeout, m.server.WriteTimeout = 10*time.Second, 10*time.Second
	m.wg.Go(func() { _ = m.server.Serve(l) }) // ends with Close
	return m, nil
}

// Wait returns the next mail to the address.
func (m *Mailbox) Wait(ctx context.Context, to string) (Mail, error) {
	for {
		select {
		case got := <-m.messages:
			if got.To == to {
				return got, nil
			}
		case <-ctx.Done():
			return Mail{}, fmt.Errorf("wait for mail to %s: %w", to, context.Cause(ctx))
		}
	}
}

// Close stops the listener.
func (m *Mailbox) Close() error {
	err := m.server.Close()
	m.wg.Wait()
	if err != nil {
		return fmt.Errorf("close mailbox: %w", err)
	}
	return nil
}

type mailSession struct {
	box      *Mailbox
	from, to string
}

// Mail implements smtp.Session.
func (s *mailSession) Mail(from string, _ *gosmtp.MailOptions) error { s.from = from; return nil }

// Rcpt implements smtp.Session.
func (s *mailSession) Rcpt(to string, _ *gosmtp.RcptOptions) error { s.to = to; return nil }

var errMailboxFull = errors.New("mailbox is full")

// Data implements smtp.Session.
func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return fmt.Errorf("read mail: %w", err)
	}
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("parse mail: %w", err)
	}
	body, err := io.ReadAll(msg.Body)
	if err != nil {
		return fmt.Errorf("read mail: %w", err)
	}
	select {
	case s.box.messages <- Mail{From: s.from, To: s.to, Header: msg.Header, Body: body}:
		return nil
	default:
		return errMailboxFull
	}
}

// Reset implements smtp.Session.
func (s *mailSession) Reset() { s.from, s.to = "", "" }

// Logout implements smtp.Session.
func (s *mailSession) Logout() error { return nil }

// Letter is a mail that a customer writes.
type Letter struct {
	From    mail.Address
	To      string
	Subject string
	Body    string
	Date    time.Time
	ID      string // Message-ID without brackets
}

// Post sends a letter by SMTP and returns when the server has taken it over.
func Post(server string, l Letter) error {
	var b bytes.Buffer
	_, _ = fmt.Fprintf(&b, "From: %s\r\nTo: <%s>\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s>\r\n"+
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s\r\n",
		l.From.String(), l.To, l.Subject, l.Date.Format(time.RFC1123Z), l.ID, l.Body)
	if err := smtp.SendMail(server, nil, l.From.Address, []string{l.To}, b.Bytes()); err != nil {
		return fmt.Errorf("post letter: %w", err)
	}
	return nil
}
