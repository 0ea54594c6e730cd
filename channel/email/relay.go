package email

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strconv"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"filo/channel/message"
)

// Send hands one reply to the relay. A refusal for good wraps
// [message.ErrUndeliverable].
func (c *Channel) Send(ctx context.Context, m message.Outgoing) (message.Sent, error) {
	in, ok := c.inboxes[strings.ToLower(m.Inbox)]
	if !ok {
		return message.Sent{}, fmt.Errorf("%w: %w", message.ErrUndeliverable, ErrNoInbox)
	}
	if c.cfg.Relay.Host == "" {
		return message.Sent{}, fmt.Errorf("%w: no relay is configured", message.ErrUndeliverable)
	}
	thread := m.Thread
	if len(thread) != threadLen {
		thread = newThread()
	}
	o := outgoing{
		from: mail.Address{Name: in.Name, Address: in.Address}, to: m.Peer,
		replyTo: c.signer.address(in.Address, thread), subject: replySubject(m.Subject),
		messageID: c.signer.messageID(thread), ref: m.Ref, refs: m.Refs, date: c.now(),
	}
	if m.Ref == "" {
		o.subject = clean(m.Subject, maxSubject)
	}
	o.body = c.signLinks(m.Body, m.Peer, m.Event)
	raw, err := o.bytes()
	if err != nil {
		return message.Sent{}, err
	}
	start := c.now()
	err = c.submit(ctx, in.Address, m.Peer, raw)
	c.metrics.seconds.Observe(c.now().Sub(start).Seconds())
	if err != nil {
		return message.Sent{}, c.sendError(err)
	}
	c.metrics.sent.WithLabelValues("sent").Inc()
	return message.Sent{SourceID: o.messageID, Subject: o.subject, From: in.Address, Thread: thread}, nil
}

// sendError tells refusals from failures.
func (c *Channel) sendError(err error) error {
	if e, ok := errors.AsType[*smtp.SMTPError](err); ok && e.Code >= 500 {
		c.metrics.sent.WithLabelValues("refused").Inc()
		return fmt.Errorf("%w: %w: %w", message.ErrUndeliverable, ErrRelay, err)
	}
	c.metrics.sent.WithLabelValues("failed").Inc()
	return fmt.Errorf("%w: %w", ErrRelay, err)
}

// submit speaks SMTP with the relay. ctx ends it at any point.
func (c *Channel) submit(ctx context.Context, from, to string, raw []byte) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Relay.Timeout)
	defer cancel()
	address := net.JoinHostPort(c.cfg.Relay.Host, strconv.Itoa(c.cfg.Relay.Port))
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	client, err := c.greet(ctx, conn)
	if err != nil {
		_ = conn.Close()
		return err
	}
	defer client.Close() //nolint:errcheck // it was said goodbye, or it failed
	client.CommandTimeout, client.SubmissionTimeout = c.cfg.Relay.Timeout, c.cfg.Relay.Timeout
	if c.cfg.Relay.User != "" {
		if err := client.Auth(sasl.NewPlainClient("", c.cfg.Relay.User, c.password)); err != nil {
			return fmt.Errorf("authenticate: %w", err)
		}
	}
	if err := client.SendMail(from, []string{to}, bytes.NewReader(raw)); err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	_ = client.Quit() // the mail is taken; a lost goodbye changes nothing
	return nil
}

// greet sets the connection up to the point where mail can be sent. Without
// STARTTLS where it is configured the relay is not used: no way back to clear
// text.
func (c *Channel) greet(ctx context.Context, conn net.Conn) (*smtp.Client, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.relayTLS != nil {
		conf = c.relayTLS.Clone()
	}
	if conf.ServerName == "" {
		conf.ServerName = c.cfg.Relay.Host
	}
	switch c.cfg.Relay.TLS {
	case "tls":
		t := tls.Client(conn, conf)
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		return c.hello(smtp.NewClient(t))
	case "starttls":
		client, err := smtp.NewClientStartTLS(conn, conf)
		if err != nil {
			return nil, fmt.Errorf("starttls: %w", err)
		}
		return client, nil
	default:
		return c.hello(smtp.NewClient(conn))
	}
}

func (c *Channel) hello(client *smtp.Client) (*smtp.Client, error) {
	if err := client.Hello(c.cfg.Domain); err != nil {
		return nil, fmt.Errorf("hello: %w", err)
	}
	return client, nil
}
