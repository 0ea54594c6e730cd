package email

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"filo/channel/message"
	"filo/contact"
	"filo/journey"
)

// desk is conductor and journey in memory.
type desk struct {
	mu     sync.Mutex
	got    []message.Inbound
	events map[string]journey.Event // by source id
	err    error
	hold   chan struct{} // not nil: Received waits for it
}

func (d *desk) Received(ctx context.Context, in message.Inbound) (message.Receipt, error) {
	if d.hold != nil {
		select {
		case <-d.hold:
		case <-ctx.Done():
			return message.Receipt{}, ctx.Err()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return message.Receipt{}, d.err
	}
	if old, ok := d.events[in.Event.SourceID]; ok {
		return message.Receipt{Event: old.ID, Duplicate: true}, nil
	}
	in.Event.ID = fmt.Sprintf("e_%d", len(d.events))
	d.put(in.Event)
	d.got = append(d.got, in)
	return message.Receipt{Event: in.Event.ID}, nil
}

func (d *desk) put(e journey.Event) {
	if d.events == nil {
		d.events = map[string]journey.Event{}
	}
	d.events[e.SourceID] = e
}

func (d *desk) Event(_ context.Context, id string) (journey.Event, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.events {
		if e.ID == id {
			return e, nil
		}
	}
	return journey.Event{}, journey.ErrUnknown
}

func (d *desk) FindMessage(_ context.Context, _, id string) (journey.Event, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e, ok := d.events[id]; ok {
		return e, nil
	}
	return journey.Event{}, fmt.Errorf("find: %w", journey.ErrUnknown)
}

func (d *desk) SignLink(address, event string) string { return "signed." + address + "." + event }

func (d *desk) mails() []message.Inbound {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]message.Inbound(nil), d.got...)
}

var testSecret = []byte("0123456789abcdef0123456789abcdef")

func testConfig() Config {
	c := DefaultConfig()
	c.Listen, c.Domain = "127.0.0.1:0", "mail.shop.example"
	c.ReadTimeout, c.WriteTimeout = 5*time.Second, 5*time.Second
	c.Inboxes = []Inbox{
		{Address: "Help@shop.example", Name: "Lanificio Aurora", Queue: "support", Region: "IT", Lang: "it", Skills: []contact.Skill{{Name: "mail", Min: 1}}},
		{Address: "lists@shop.example", Queue: "sales", Lists: true},
	}
	return c
}

func testChannel(t *testing.T, cfg Config, d *desk) *Channel {
	t.Helper()
	c, err := New(cfg, Deps{Conductor: d, Journey: d, Secret: testSecret, Registry: prometheus.NewPedanticRegistry()})
	require.NoError(t, err)
	return c
}

// serve starts the listener; stop ends it and waits.
func serve(t *testing.T, c *Channel) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { require.NoError(t, c.Serve(ctx)) })
	<-c.Ready()
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

// mailText joins header lines and a body as they travel.
func mailText(body string, header ...string) string {
	return strings.Join(header, "\r\n") + "\r\n\r\n" + strings.ReplaceAll(body, "\n", "\r\n")
}

var giulia = []string{
	"From: Giulia Rossi <Giulia@Example.com>", "To: help@shop.example", "Subject: =?utf-8?q?Consegna=3F_=C3=A8_tardi?=",
	"Message-ID: <m1@example.com>", "Content-Type: text/plain; charset=utf-8",
}
