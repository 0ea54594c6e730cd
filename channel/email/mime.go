package email

import (
	"bytes"
	"fmt"
	"html"
	"net/mail"
	"strings"
	"time"

	"github.com/jhillyerd/enmime/v2"
	"github.com/microcosm-cc/bluemonday"

	"filo/journey"
)

// Bounds of what is kept of one mail beside its original.
const (
	maxText        = 1 << 20
	maxHTML        = 4 << 20
	maxHTMLToText  = 256 << 10
	maxAttachments = 20
	maxReferences  = 50
	maxSubject     = 998 // RFC 5322 section 2.1.1
	maxReceived    = 50  // Received fields; RFC 5321 section 6.3 wants at least 100 to be a loop; we have no hops behind us
)

// Mail is one mail as we understood it.
type Mail struct {
	MessageID   string // without angle brackets, "" when the mail has none
	InReplyTo   []string
	References  []string // the oldest first
	From        mail.Address
	ReplyTo     string
	Subject     string
	Date        time.Time // zero when missing or unreadable
	Text        string    // plain body; made from HTML when there is no other
	HTML        string    // as received: must be sanitised before it is shown
	Attachments []Attachment
	Auto        string // why nobody has to answer: "auto", "list"; "" for people
	Hops        int
}

// Attachment is one file of a mail.
type Attachment struct {
	Name string
	Type string
	Data []byte
}

// ParseMail reads a raw mail. The errors are ErrTooDeep, ErrTooMany and
// ErrExpands for what looks like an attack, ErrNotMail and ErrNoFrom for what
// is no mail.
func ParseMail(raw []byte) (m Mail, err error) {
	if err := scan(raw); err != nil {
		return Mail{}, err
	}
	defer func() { // a parser of hostile bytes that is not ours
		if p := recover(); p != nil {
			m, err = Mail{}, fmt.Errorf("%w: parser failed: %v", ErrNotMail, p)
		}
	}()
	env, err := parser().ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		return Mail{}, fmt.Errorf("%w: %w", ErrNotMail, err)
	}
	if err := measureParts(env.Root, len(raw)); err != nil {
		return Mail{}, err
	}
	m = Mail{
		MessageID: first(ids(env.GetHeader("Message-Id"))), InReplyTo: ids(env.GetHeader("In-Reply-To")),
		References: ids(env.GetHeader("References")), Subject: clean(env.GetHeader("Subject"), maxSubject),
		Text: journey.Cut(env.Text, maxText), HTML: journey.Cut(env.HTML, maxHTML), Auto: automatic(env),
		Hops: len(env.GetHeaderValues("Received")),
	}
	if m.From, err = from(env); err != nil {
		return Mail{}, err
	}
	if list, err := env.AddressList("Reply-To"); err == nil && len(list) > 0 {
		m.ReplyTo = strings.ToLower(list[0].Address)
	}
	if d, err := env.Date(); err == nil {
		m.Date = d
	}
	if strings.TrimSpace(m.Text) == "" && m.HTML != "" {
		m.Text = textOf(m.HTML)
	}
	m.Attachments = attachments(env)
	return m, nil
}

// parser never guesses character sets: a guess turns names into nonsense.
func parser() *enmime.Parser {
	return enmime.NewParser(
		enmime.DisableCharacterDetection(true), enmime.DisableTextConversion(true),
		enmime.SkipMalformedParts(true), enmime.MultipartWOBoundaryAsSinglePart(true),
		enmime.MaxStoredPartErrors(20), enmime.SetReadPartErrorPolicy(enmime.AllowCorruptTextPartErrorPolicy),
	)
}

// measureParts checks what the parser found against the bounds again: it is
// more tolerant than our scan.
func measureParts(root *enmime.Part, raw int) error {
	parts, total := 0, 0
	for p := root; p != nil; p = following(p) {
		parts++
		total += len(p.Content)
	}
	if parts > maxParts {
		return fmt.Errorf("%w: more than %d", ErrTooMany, maxParts)
	}
	if total > maxExpansion*raw {
		return fmt.Errorf("%w: %d bytes became %d", ErrExpands, raw, total)
	}
	return nil
}

// following walks parts in depth without recursion.
func following(p *enmime.Part) *enmime.Part {
	if p.FirstChild != nil {
		return p.FirstChild
	}
	for p != nil && p.NextSibling == nil {
		p = p.Parent
	}
	if p == nil {
		return nil
	}
	return p.NextSibling
}

// from returns the first author with a usable address.
func from(env *enmime.Envelope) (mail.Address, error) {
	list, err := env.AddressList("From")
	if err != nil || len(list) == 0 {
		return mail.Address{}, fmt.Errorf("%w: %q", ErrNoFrom, journey.Cut(env.GetHeader("From"), 100))
	}
	a := *list[0]
	a.Address = strings.ToLower(a.Address)
	if local, domain, ok := strings.Cut(a.Address, "@"); !ok || local == "" || domain == "" || len(a.Address) > 254 ||
		strings.ContainsFunc(a.Address, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return mail.Address{}, ErrNoFrom
	}
	a.Name = clean(a.Name, 200)
	return a, nil
}

// automatic tells machines from people: RFC 3834 section 5 and the fields
// that older senders use.
func automatic(env *enmime.Envelope) string {
	if v, _, _ := strings.Cut(env.GetHeader("Auto-Submitted"), ";"); v != "" && !strings.EqualFold(strings.TrimSpace(v), "no") {
		return "auto"
	}
	if env.GetHeader("X-Autoreply") != "" || env.GetHeader("X-Autorespond") != "" {
		return "auto"
	}
	switch strings.ToLower(strings.TrimSpace(env.GetHeader("Precedence"))) {
	case "bulk", "junk", "list":
		return "list"
	case "auto_reply":
		return "auto"
	}
	if env.GetHeader("List-Id") != "" || env.GetHeader("List-Unsubscribe") != "" {
		return "list"
	}
	return ""
}

func attachments(env *enmime.Envelope) []Attachment {
	var list []Attachment
	for _, group := range [][]*enmime.Part{env.Attachments, env.Inlines, env.OtherParts} {
		for _, p := range group {
			if len(list) == maxAttachments {
				return list
			}
			kind := p.ContentType
			if kind == "" {
				kind = "application/octet-stream"
			}
			list = append(list, Attachment{Name: clean(p.FileName, 200), Type: journey.Cut(kind, 100), Data: p.Content})
		}
	}
	return list
}

// ids returns the Message-IDs in a field, without angle brackets.
func ids(field string) []string {
	var list []string
	for field != "" {
		_, rest, ok := strings.Cut(field, "<")
		if !ok {
			break
		}
		id, after, ok := strings.Cut(rest, ">")
		if !ok {
			break
		}
		if id = strings.TrimSpace(id); id != "" && len(id) <= 250 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' }) {
			list = append(list, id)
		}
		field = after
	}
	if n := len(list); n > maxReferences {
		list = append(list[:1:1], list[n-maxReferences+1:]...)
	}
	return list
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// textOf strips the markup off HTML, for summaries and for search.
func textOf(markup string) string {
	markup = journey.Cut(markup, maxHTMLToText)
	for _, br := range []string{"<br>", "<br/>", "<br />", "</p>", "</div>", "</tr>", "</li>", "</h1>", "</h2>"} {
		markup = strings.ReplaceAll(markup, br, br+"\n")
	}
	p := bluemonday.StrictPolicy()
	p.AddSpaceWhenStrippingTag(true)
	lines := strings.Split(html.UnescapeString(p.Sanitize(markup)), "\n")
	kept := lines[:0]
	for _, l := range lines {
		if l = strings.Join(strings.Fields(l), " "); l != "" {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "\n")
}

// clean makes one printable line of a header's value.
func clean(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	return journey.Cut(strings.Join(strings.Fields(s), " "), n)
}
