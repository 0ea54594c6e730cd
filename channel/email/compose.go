package email

import (
	"bytes"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// outgoing is one mail of ours, before it has bytes.
type outgoing struct {
	from      mail.Address
	to        string
	replyTo   string
	subject   string
	messageID string
	ref       string // Message-ID that it answers
	refs      []string
	date      time.Time
	body      string
}

// bytes writes the mail as RFC 5322 wants it. Every value that comes from
// outside is encoded; none can add a line.
func (o outgoing) bytes() ([]byte, error) {
	var b bytes.Buffer
	field := func(name, value string) {
		if value != "" {
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	field("Date", o.date.Format(time.RFC1123Z))
	field("From", o.from.String())
	field("To", (&mail.Address{Address: o.to}).String())
	field("Reply-To", (&mail.Address{Name: o.from.Name, Address: o.replyTo}).String())
	field("Subject", fold(mime.QEncoding.Encode("utf-8", clean(o.subject, maxSubject))))
	field("Message-ID", "<"+o.messageID+">")
	if o.ref != "" {
		field("In-Reply-To", "<"+o.ref+">")
		refs := o.refs
		if !slices.Contains(refs, o.ref) {
			refs = append(slices.Clone(refs), o.ref)
		}
		field("References", "<"+strings.Join(refs, ">\r\n <")+">")
	}
	field("Auto-Submitted", "no") // RFC 3834: a person wrote it
	field("MIME-Version", "1.0")
	field("Content-Type", "text/plain; charset=utf-8; format=flowed")
	field("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(flowed(o.body))); err != nil {
		return nil, fmt.Errorf("encode body: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode body: %w", err)
	}
	b.WriteString("\r\n")
	return b.Bytes(), nil
}

// fold breaks a long encoded subject between its words.
func fold(s string) string { return strings.ReplaceAll(s, "?= =?", "?=\r\n =?") }

// flowed prepares text for format=flowed (RFC 3676 section 4.2): no line ends
// in a space, which would join it with the next, and lines that begin with a
// space, ">" or "From " are stuffed.
func flowed(body string) string {
	body = strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(strings.TrimRight(body, "\n"), "\n")
	for i, l := range lines {
		if l != "-- " { // the signature's separator keeps its space
			l = strings.TrimRight(l, " ")
		}
		if strings.HasPrefix(l, " ") || strings.HasPrefix(l, ">") || strings.HasPrefix(l, "From ") {
			l = " " + l
		}
		lines[i] = l
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}

var replyPrefix = regexp.MustCompile(`(?i)^\s*((re|aw|r|rif|fwd?|i)\s*(\[\d+\])?:\s*)+`)

// replySubject puts exactly one "Re:" before a subject.
func replySubject(s string) string {
	return "Re: " + strings.TrimSpace(replyPrefix.ReplaceAllString(clean(s, maxSubject), ""))
}

// Link returns rawURL with the signed parameter cx: who opens it owns, with
// confidence .80, the address that the mail went to. event is the id of the
// mail's event, "" when it has none.
func (c *Channel) Link(rawURL, address, event string) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("%w: link %q", ErrBadAddress, rawURL)
	}
	q := u.Query()
	q.Set("cx", c.journey.SignLink(address, event))
	u.RawQuery = q.Encode()
	return u.String(), nil
}

var urlInText = regexp.MustCompile(`https?://[^\s<>"]+`)

// signLinks signs the links to our own sites in a text. Others are left as
// they are: strangers must not learn who our customers are.
func (c *Channel) signLinks(body, address, event string) string {
	if len(c.cfg.LinkOrigins) == 0 {
		return body
	}
	return urlInText.ReplaceAllStringFunc(body, func(found string) string {
		link := strings.TrimRight(found, ".,;:!?)'")
		u, err := url.Parse(link)
		if err != nil || !slices.ContainsFunc(c.cfg.LinkOrigins, func(o string) bool {
			return strings.EqualFold(strings.TrimRight(o, "/"), u.Scheme+"://"+u.Host)
		}) {
			return found
		}
		signed, err := c.Link(link, address, event)
		if err != nil {
			return found
		}
		return signed + found[len(link):]
	})
}
