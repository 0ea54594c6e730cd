package email_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/mail"
	netsmtp "net/smtp"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"filo/channel/email"
	"filo/channel/message"
	"filo/contact"
	"filo/journey"
	"filo/journey/sqlite"
	"filo/router"
)

// postbox is the relay: it keeps what we send.
type postbox struct {
	mu  sync.Mutex
	raw []byte
}

func (p *postbox) NewSession(*smtp.Conn) (smtp.Session, error) { return p, nil }
func (p *postbox) Mail(string, *smtp.MailOptions) error        { return nil }
func (p *postbox) Rcpt(string, *smtp.RcptOptions) error        { return nil }
func (p *postbox) Reset()                                      {}
func (p *postbox) Logout() error                               { return nil }
func (p *postbox) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.raw = raw
	return err
}

func (p *postbox) mail(t *testing.T) *mail.Message {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	m, err := mail.ReadMessage(bytes.NewReader(p.raw))
	require.NoError(t, err)
	return m
}

func (p *postbox) serve(t *testing.T) (host string, port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := smtp.NewServer(p)
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(l) })
	t.Cleanup(func() { _ = srv.Close(); wg.Wait() })
	host, text, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	port, err = strconv.Atoi(text)
	require.NoError(t, err)
	return host, port
}

// centre is journey, router, conductor and mail channel, all real.
type centre struct {
	journey  *journey.Journey
	router   *router.Router
	messages *message.Conductor
	mail     *email.Channel
	stop     func()
}

func startCentre(t *testing.T, dir string, box *postbox) *centre {
	t.Helper()
	var c centre
	ctx, cancel := context.WithCancel(t.Context())
	store, err := sqlite.Open(ctx, filepath.Join(dir, "filo.db"))
	require.NoError(t, err)
	jc := journey.DefaultConfig()
	jc.DataDir = dir
	c.journey, err = journey.New(jc, store, journey.NewMemory(100), journey.Deps{})
	require.NoError(t, err)
	rc := router.DefaultConfig()
	rc.Queues = map[string]router.Queue{"service": {}}
	c.router, err = router.New(rc, router.Deps{Epoch: 1})
	require.NoError(t, err)
	ec := email.DefaultConfig()
	ec.Listen, ec.Domain = "127.0.0.1:0", "mail.shop.example"
	ec.Inboxes = []email.Inbox{{Address: "help@shop.example", Name: "Aurora", Queue: "service", Region: "IT"}}
	ec.Relay.Host, ec.Relay.Port = box.serve(t)
	ec.Relay.TLS = "none"
	c.mail, err = email.New(ec, email.Deps{Journey: c.journey, Secret: []byte("0123456789abcdef0123456789abcdef")})
	require.NoError(t, err)
	mc := message.DefaultConfig()
	mc.RestartHold = 5 * time.Second
	c.messages, err = message.New(mc, message.Deps{
		Journey: c.journey, Router: message.FromRouter(c.router), Connectors: map[contact.Channel]message.Connector{contact.Email: c.mail},
	})
	require.NoError(t, err)
	c.mail.Attach(c.messages)
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{c.journey.Run, c.router.Run, c.messages.Run, c.mail.Serve} {
		wg.Go(func() { require.NoError(t, run(ctx)) })
	}
	<-c.mail.Ready()
	c.stop = sync.OnceFunc(func() { cancel(); wg.Wait(); require.NoError(t, store.Close()) })
	t.Cleanup(c.stop)
	return &c
}

func (c *centre) send(t *testing.T, to, text string) {
	t.Helper()
	require.NoError(t, netsmtp.SendMail(c.mail.Addr(), nil, "giulia@example.com", []string{to}, []byte(strings.ReplaceAll(text, "\n", "\r\n"))))
}

// take accepts the next offer.
func (c *centre) take(t *testing.T, agent contact.AgentID) *router.Offer {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, c.router.SignIn(ctx, router.Agent{ID: agent, Name: string(agent)}))
	events, cancel := c.router.Watch(agent)
	defer cancel()
	require.NoError(t, c.router.SetReady(ctx, agent, true, ""))
	timeout := time.After(10 * time.Second)
	for {
		select {
		case e := <-events:
			if e.Kind == router.OfferEvent {
				require.NoError(t, c.router.Accept(ctx, e.Offer.ID, agent))
				return e.Offer
			}
		case <-timeout:
			require.FailNow(t, "no offer")
		}
	}
}

func TestConversationByMailOverARestart(t *testing.T) {
	ctx := t.Context()
	dir, box := t.TempDir(), &postbox{}
	c := startCentre(t, dir, box)
	const first = "From: Giulia Rossi <giulia@example.com>\nTo: help@shop.example\nSubject: Consegna?\nMessage-ID: <m1@example.com>\n\nQuando arriva?\n"
	c.send(t, "help@shop.example", first)
	c.send(t, "help@shop.example", first)
	open, err := c.journey.OpenContacts(ctx)
	require.NoError(t, err)
	require.Len(t, open, 1, "delivered twice, one contact")
	c.stop()

	c = startCentre(t, dir, box)
	o := c.take(t, "paola")
	require.Equal(t, open[0].ID, o.Contact)
	require.Equal(t, "Consegna?", o.Card.Subject)
	require.True(t, open[0].EnqueuedAt.Equal(o.Card.Arrived), "with its age")
	require.GreaterOrEqual(t, o.Card.Context.Tier, contact.D2)
	id, err := c.messages.Reply(ctx, contact.Reply{Contact: o.Contact, Agent: "paola", Body: "Venerdì."})
	require.NoError(t, err)
	asked, err := c.journey.FindMessage(ctx, "email", "m1@example.com")
	require.NoError(t, err)
	require.False(t, asked.Answered.IsZero())
	answer, err := c.journey.Event(ctx, id)
	require.NoError(t, err)
	require.Equal(t, asked.ID, answer.InReplyTo)
	require.Equal(t, asked.Customer, answer.Customer)
	view, err := c.journey.View(ctx, journey.ViewRequest{Contact: o.Contact, Customer: o.Card.Customer, Agent: "paola", Context: o.Card.Context})
	require.NoError(t, err)
	require.Len(t, view.Events, 2)

	// The answer to the answer, without any References, comes to the address
	// that we asked for, while the contact is open.
	back, err := box.mail(t).Header.AddressList("Reply-To")
	require.NoError(t, err)
	c.send(t, back[0].Address, "From: giulia@example.com\nSubject: R: Consegna?\nMessage-ID: <m2@example.com>\n\nGrazie\n")
	thanks, err := c.journey.FindMessage(ctx, "email", "m2@example.com")
	require.NoError(t, err)
	require.Equal(t, o.Contact, thanks.Contact)
	require.NoError(t, c.messages.Close(ctx, contact.WrapUpNote{Contact: o.Contact, Agent: "paola", Disposition: "solved", Answered: []string{thanks.ID}}))
	open, err = c.journey.OpenContacts(ctx)
	require.NoError(t, err)
	require.Empty(t, open)

	// Days later, by References: a new contact on the old thread.
	c.send(t, "help@shop.example", "From: giulia@example.com\nSubject: R: Consegna?\nMessage-ID: <m3@example.com>\nReferences: <m1@example.com> "+
		box.mail(t).Header.Get("Message-Id")+"\n\nE adesso?\n")
	later, err := c.journey.FindMessage(ctx, "email", "m3@example.com")
	require.NoError(t, err)
	require.NotEqual(t, o.Contact, later.Contact)
	require.Equal(t, asked.Attrs["thread"], later.Attrs["thread"])
	require.Equal(t, asked.Customer, later.Customer)
}
