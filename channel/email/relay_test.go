package email

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"filo/channel/message"
)

// relay is an SMTP server that keeps what it is given.
type relay struct {
	mu       sync.Mutex
	from, to string
	user     string
	raw      []byte
	refuse   error
}

func (r *relay) NewSession(*smtp.Conn) (smtp.Session, error) { return &relaySession{r}, nil }

type relaySession struct{ r *relay }

func (s *relaySession) AuthMechanisms() []string { return []string{sasl.Plain} }
func (s *relaySession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "secret" {
			return smtp.ErrAuthFailed
		}
		s.r.user = user
		return nil
	}), nil
}
func (s *relaySession) Mail(from string, _ *smtp.MailOptions) error { s.r.from = from; return nil }
func (s *relaySession) Rcpt(to string, _ *smtp.RcptOptions) error   { s.r.to = to; return s.r.refuse }

func (s *relaySession) Data(r io.Reader) (err error) { s.r.raw, err = io.ReadAll(r); return err }
func (s *relaySession) Reset()                       {}
func (s *relaySession) Logout() error                { return nil }

func startRelay(t *testing.T, r *relay) (host string, port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := smtp.NewServer(r)
	srv.AllowInsecureAuth = true
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(l) })
	t.Cleanup(func() {
		_ = srv.Close()
		_ = l.Close() // the server does not know it yet when Serve has only just begun
		wg.Wait()
	})
	h, p, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	port, err = strconv.Atoi(p)
	require.NoError(t, err)
	return h, port
}

func sender(t *testing.T, r *relay) *Channel {
	t.Helper()
	cfg := testConfig()
	cfg.Relay.Host, cfg.Relay.Port = startRelay(t, r)
	cfg.Relay.TLS, cfg.Relay.Timeout = "none", 5*time.Second
	cfg.Relay.User, cfg.Relay.PasswordFile = "filo", filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(cfg.Relay.PasswordFile, []byte("secret\n"), 0o600))
	cfg.LinkOrigins = []string{"https://shop.example"}
	return testChannel(t, cfg, &desk{})
}

var reply = message.Outgoing{
	Customer: "p_1", Event: "e_9", Thread: "aaaaaaaaaaaaaaaa", Inbox: "help@shop.example", Peer: "giulia@example.com",
	Subject: "Re: R: Consegna? È tardi", Ref: "m2@example.com", Refs: []string{"m1@example.com"},
	Body: "Buongiorno Giulia,\n\n> si stuffa\nFrom here: https://shop.example/checkout?a=1. Not https://other.example/x\nFine  ",
}

func TestReplyLeavesByTheRelay(t *testing.T) {
	r := &relay{}
	c := sender(t, r)
	sent, err := c.Send(t.Context(), reply)
	require.NoError(t, err)
	require.Equal(t, "Help@shop.example", r.from)
	require.Equal(t, "giulia@example.com", r.to)
	require.Equal(t, "filo", r.user)
	m, err := mail.ReadMessage(bytes.NewReader(r.raw))
	require.NoError(t, err)
	h := m.Header
	subject, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
	require.NoError(t, err)
	require.Equal(t, "Re: Consegna? È tardi", subject)
	require.Equal(t, "<"+sent.SourceID+">", h.Get("Message-Id"))
	require.Equal(t, reply.Thread, c.signer.threadOf(sent.SourceID))
	require.Equal(t, "<m2@example.com>", h.Get("In-Reply-To"))
	require.Equal(t, "<m1@example.com> <m2@example.com>", h.Get("References"))
	require.Equal(t, "no", h.Get("Auto-Submitted"))
	back, err := h.AddressList("Reply-To")
	require.NoError(t, err)
	inbox, thread := c.signer.splitAddress(back[0].Address)
	require.Equal(t, "help@shop.example", inbox)
	require.Equal(t, reply.Thread, thread)
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	require.NoError(t, err)
	text := strings.ReplaceAll(string(body), "\r\n", "\n")
	require.Contains(t, text, "\n > si stuffa\n From here: ")
	require.Contains(t, text, "https://shop.example/checkout?a=1&cx=signed.giulia%40example.com.e_9. Not https://other.example/x\n")
	require.Contains(t, text, "\nFine\n")
}

func TestSendFails(t *testing.T) {
	tests := []struct {
		name   string
		refuse error
		change func(c *Channel, m *message.Outgoing)
		want   error
		final  bool
	}{
		{"refused for good", &smtp.SMTPError{Code: 550, Message: "no such user"}, nil, ErrRelay, true},
		{"refused for now", &smtp.SMTPError{Code: 450, Message: "busy"}, nil, ErrRelay, false},
		{"wrong password", nil, func(c *Channel, _ *message.Outgoing) { c.password = "x" }, ErrRelay, true},
		{"nobody there", nil, func(c *Channel, _ *message.Outgoing) { c.cfg.Relay.Port = 1 }, ErrRelay, false},
		{"no STARTTLS", nil, func(c *Channel, _ *message.Outgoing) { c.cfg.Relay.TLS = "starttls" }, ErrRelay, false},
		{"no relay", nil, func(c *Channel, _ *message.Outgoing) { c.cfg.Relay.Host = "" }, nil, true},
		{"unknown inbox", nil, func(_ *Channel, m *message.Outgoing) { m.Inbox = "x@y" }, ErrNoInbox, true},
		{"address with a line break", nil, func(_ *Channel, m *message.Outgoing) { m.Peer = "a@b\r\nRCPT TO:<c@d>" }, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, m := sender(t, &relay{refuse: tt.refuse}), reply
			if tt.change != nil {
				tt.change(c, &m)
			}
			_, err := c.Send(t.Context(), m)
			require.Error(t, err)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
			}
			require.Equal(t, tt.final, errors.Is(err, message.ErrUndeliverable), "%v", err)
		})
	}
}

func TestHeadersCannotBeInjected(t *testing.T) {
	o := outgoing{from: mail.Address{Name: "A\r\nBcc: x@y", Address: "help@shop.example"}, to: "g@example.com", replyTo: "r@shop.example", subject: "x\r\nBcc: z@y", messageID: "i@d", date: time.Now(), body: "hi"}
	raw, err := o.bytes()
	require.NoError(t, err)
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	require.NoError(t, err)
	require.Empty(t, m.Header.Get("Bcc"))
}

func TestReplySubject(t *testing.T) {
	for in, want := range map[string]string{
		"Consegna?": "Re: Consegna?", "Re: Re: x": "Re: x", "R: I: x": "Re: x", "AW: [2]: x": "Re: [2]: x", "": "Re:", "Reply": "Re: Reply",
	} {
		require.Equal(t, want, strings.TrimSpace(replySubject(in)), in)
	}
}

func TestConfigNamesEveryMistake(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate(), "off")
	require.NoError(t, testConfig().Validate())
	c := testConfig()
	c.Listen, c.Domain, c.TLSCert, c.MaxSize, c.MaxPerAddress, c.ReadTimeout = "x", "a b", "cert", 1, 0, 0
	c.Inboxes = append(c.Inboxes, Inbox{Address: "help@shop.example"}, Inbox{Address: "a+b@shop.example", Queue: "q", Priority: -101})
	c.Relay = Relay{Host: "mail.example", Port: 0, TLS: "none", User: "u"}
	c.LinkOrigins = []string{"shop.example"}
	err := c.Validate()
	for _, text := range []string{
		"listen: ", "domain: ", "tls_cert: ", "max_size: ", "max_per_address: ", "read_timeout: ", "inboxes[2].address: ",
		"inboxes[2].queue: ", "inboxes[3].address: ", "inboxes[3].priority: ", "relay.port: ", "relay.tls: ", "relay.user: ",
		"relay.timeout: ", "link_origins[0]: ",
	} {
		require.ErrorContains(t, err, text)
	}
	_, err = New(testConfig(), Deps{Secret: []byte("short")})
	require.ErrorIs(t, err, ErrShortSecret)
}
