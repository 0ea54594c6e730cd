package email

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"filo/channel/message"
	"filo/contact"
	"filo/journey"
)

// envelope is what SMTP says of a mail, which is more to be believed than what
// the mail says of itself.
type envelope struct {
	from    string // "" is the null sender of bounces
	inbox   Inbox  // of the first recipient
	threads []string
	at      time.Time
}

// receive takes one raw mail: parse, find the thread, hand in. When it returns
// nil the mail is stored.
func (c *Channel) receive(ctx context.Context, env envelope, raw []byte) (result string, err error) {
	m, err := ParseMail(raw)
	if err != nil {
		return "malformed", err
	}
	if err := c.loops(m); err != nil {
		return "loop", err
	}
	th, err := c.thread(ctx, env, m)
	if err != nil {
		return "failed", err
	}
	if env.from == "" && th.event == "" && len(env.threads) == 0 && !th.signed {
		return "bounce", errForeignBounce
	}
	in := c.inbound(env, m, th, raw)
	r, err := c.conductor.Received(ctx, in)
	if err == nil && r.Duplicate {
		r, err = c.redelivered(ctx, in, r)
	}
	switch {
	case err != nil:
		return "failed", err
	case r.Duplicate:
		return "duplicate", nil
	case in.Quiet:
		return "quiet", nil
	default:
		return "received", nil
	}
}

var (
	errForeignBounce = errors.New("bounce of a mail that we did not send")
	errLoop          = errors.New("mail goes in circles")
)

// loops refuses what we sent ourselves or what was forwarded too often.
func (c *Channel) loops(m Mail) error {
	if m.Hops > maxReceived {
		return fmt.Errorf("%w: %d hops", errLoop, m.Hops)
	}
	inbox, _ := c.signer.splitAddress(m.From.Address)
	if _, ours := c.inboxes[inbox]; ours {
		return fmt.Errorf("%w: it comes from our own inbox", errLoop)
	}
	return nil
}

// redelivered tells a mail that was delivered twice from another one with the
// same Message-ID: broken senders repeat theirs, and their mail must not be
// lost.
func (c *Channel) redelivered(ctx context.Context, in message.Inbound, r message.Receipt) (message.Receipt, error) {
	old, err := c.journey.Event(ctx, r.Event)
	if err != nil || old.Attrs["digest"] == in.Event.Attrs["digest"] || old.Attrs["digest"] == "" {
		return r, nil //nolint:nilerr // that it is a duplicate is known; the rest is a refinement
	}
	in.Event.SourceID += "#" + in.Event.Attrs["digest"]
	return c.conductor.Received(ctx, in) //nolint:wrapcheck // says what was tried
}

// inbound makes a message of a mail.
func (c *Channel) inbound(env envelope, m Mail, th threading, raw []byte) message.Inbound {
	from := m.From.Address
	words, signature := splitSignature(fresh(m.Text))
	digest := digestOf(m)
	auto := m.Auto
	if auto == "list" && env.inbox.Lists {
		auto = ""
	}
	if env.from == "" {
		auto = "bounce"
	}
	e := journey.Event{
		Source: "email", SourceID: m.MessageID, OccurredAt: occurred(m.Date, env.at), ReceivedAt: env.at,
		Channel: contact.Email, Dir: contact.Inbound, Kind: journey.KindMessage,
		Summary: message.Summary(words), Thread: th.id, InReplyTo: th.event,
		Identities: []journey.Identity{{Type: journey.Mail, Value: from}},
		Attrs: journey.Attrs("subject", m.Subject, "from", from, "from_name", m.From.Name, "to", env.inbox.Address,
			"reply_to", replyTo(m), "digest", digest, "auto", auto, "queue", env.inbox.Queue, "thread", th.id),
		Contents: contents(m, raw),
	}
	if e.SourceID == "" {
		e.SourceID = "digest:" + digest
	}
	if n := len(m.Attachments); n > 0 {
		e.Attrs["attachments"] = strconv.Itoa(n)
	}
	if auto != "" {
		e.Attrs["quiet"] = "1"
	}
	if auto == "bounce" { // written by a machine about our customer, not by one
		e.Identities, e.Customer = nil, th.customer
	}
	if phone, ok := signaturePhone(signature, env.inbox.Region); ok && auto == "" {
		e.Evidence = append(e.Evidence, journey.Evidence{
			A: journey.Identity{Type: journey.Mail, Value: from}, B: journey.Identity{Type: journey.Phone, Value: phone},
			Source: journey.FromSignature, At: env.at,
		})
	}
	if th.signed && th.peer != "" && th.peer != from && auto == "" { // our signed address: may have been forwarded
		e.Evidence = append(e.Evidence, journey.Evidence{
			A: journey.Identity{Type: journey.Mail, Value: from}, B: journey.Identity{Type: journey.Mail, Value: th.peer},
			Source: journey.FromSignedLink, At: env.at,
		})
	}
	return message.Inbound{
		Event: e, Thread: th.id, Inbox: env.inbox.Address, Peer: from, Ref: m.MessageID, Refs: m.References,
		Subject: m.Subject, Quiet: auto != "",
		Target: contact.Target{
			Queue: env.inbox.Queue, Skills: env.inbox.Skills, Priority: env.inbox.Priority, Lang: env.inbox.Lang,
			Preferred: th.agent,
		},
	}
}

// digestOf tells mails with the same Message-ID apart; what changes on the
// way (Received fields, folding) is not in it.
func digestOf(m Mail) string {
	h := sha256.New()
	for _, s := range []string{m.From.Address, m.Subject, m.Text, m.HTML, m.Date.UTC().String()} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	for _, a := range m.Attachments {
		h.Write([]byte(a.Name))
		h.Write(a.Data)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// occurred is the date of the mail if that can be: clocks of senders are
// wrong, and nothing arrives before it was written.
func occurred(date, received time.Time) time.Time {
	if date.IsZero() || date.After(received) || received.Sub(date) > 7*24*time.Hour {
		return received
	}
	return date
}

// replyTo is kept when it differs. We answer to From: who forges From must
// not be sent what we know of its owner.
func replyTo(m Mail) string {
	if m.ReplyTo == m.From.Address {
		return ""
	}
	return m.ReplyTo
}

// contents are what people read first, then the rest, the raw original last.
func contents(m Mail, raw []byte) []journey.Content {
	var list []journey.Content
	if m.HTML != "" {
		list = append(list, journey.Content{Type: "text/html; charset=utf-8", Data: []byte(m.HTML)})
	}
	if m.Text != "" || len(list) == 0 {
		list = append(list, journey.Content{Type: "text/plain; charset=utf-8", Data: []byte(m.Text)})
	}
	for _, a := range m.Attachments {
		name := a.Name
		if name == "" {
			name = "attachment"
		}
		list = append(list, journey.Content{Type: a.Type, Name: name, Data: a.Data})
	}
	return append(list, journey.Content{Type: "message/rfc822", Name: "original.eml", Data: raw})
}

// threading is where a mail belongs.
type threading struct {
	id       string // thread
	event    string // that it answers, "" for none
	customer contact.CustomerID
	peer     string          // whom the thread was with
	agent    contact.AgentID // who wrote the mail that it answers
	signed   bool            // our own signature says so
}

// thread finds the conversation of a mail: our signed plus-address, our signed
// Message-ID, References by the same person; else it is a new one.
func (c *Channel) thread(ctx context.Context, env envelope, m Mail) (threading, error) {
	// In-Reply-To counts here only because threadOf demands our signature.
	named := slices.Concat(m.References, m.InReplyTo)
	slices.Reverse(named)
	for _, id := range env.threads {
		return c.signedThread(ctx, id, named)
	}
	for _, ref := range named {
		if id := c.signer.threadOf(ref); id != "" {
			return c.signedThread(ctx, id, named)
		}
	}
	references := slices.Clone(m.References)
	slices.Reverse(references)
	for _, ref := range references {
		e, ok, err := c.mailByID(ctx, ref)
		if err != nil {
			return threading{}, err
		}
		if ok && e.Attrs["thread"] != "" && strings.EqualFold(e.Attrs[otherSide(e)], m.From.Address) {
			return threading{id: e.Attrs["thread"], event: e.ID, customer: e.Customer, peer: m.From.Address, agent: contact.AgentID(e.Attrs["agent"])}, nil
		}
	}
	return threading{id: newThread()}, nil
}

// signedThread adds what the Record knows of the newest of our mails among
// the named ones.
func (c *Channel) signedThread(ctx context.Context, id string, named []string) (threading, error) {
	th := threading{id: id, signed: true}
	for _, ref := range named {
		if c.signer.threadOf(ref) != id {
			continue
		}
		e, ok, err := c.mailByID(ctx, ref)
		if err != nil {
			return threading{}, err
		}
		if ok {
			th.event, th.customer, th.peer = e.ID, e.Customer, e.Attrs[otherSide(e)]
			th.agent = contact.AgentID(e.Attrs["agent"])
			break
		}
	}
	return th, nil
}

// mailByID finds a mail on record by its Message-ID.
func (c *Channel) mailByID(ctx context.Context, id string) (journey.Event, bool, error) {
	e, err := c.journey.FindMessage(ctx, "email", id)
	if errors.Is(err, journey.ErrUnknown) {
		return journey.Event{}, false, nil
	}
	if err != nil {
		return journey.Event{}, false, fmt.Errorf("look up thread: %w", err)
	}
	return e, true, nil
}

// otherSide is the attribute that names the customer's address.
func otherSide(e journey.Event) string {
	if e.Dir == contact.Outbound {
		return "to"
	}
	return "from"
}
