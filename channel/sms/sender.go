package sms

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"filo/channel/message"
)

// maxText is the longest text that Twilio takes, in characters.
const maxText = 1600

// Sender hands messages to the provider's REST interface.
type Sender struct {
	cfg     Config
	token   string
	client  *http.Client
	metrics *metrics
	now     func() time.Time
}

// Send posts one message. A refusal for good wraps [message.ErrUndeliverable]
// and names the provider's reason. It is tried once: after an unclear failure a
// second try could reach the customer twice.
func (s *Sender) Send(ctx context.Context, m message.Outgoing) (message.Sent, error) {
	if n := utf8.RuneCountInString(m.Body); n > maxText {
		return message.Sent{}, fmt.Errorf("%w: %w: %d characters, at most %d", message.ErrUndeliverable, ErrTooLong, n, maxText)
	}
	start := s.now()
	sid, err := s.post(ctx, url.Values{"To": {m.Peer}, "From": {m.Inbox}, "Body": {m.Body}})
	s.metrics.seconds.Observe(s.now().Sub(start).Seconds())
	if err != nil {
		return message.Sent{}, fmt.Errorf("send text: %w", err)
	}
	s.metrics.sent.WithLabelValues("sent").Inc()
	return message.Sent{SourceID: sid, From: m.Inbox}, nil
}

func (s *Sender) post(ctx context.Context, form url.Values) (sid string, err error) {
	address := strings.TrimRight(s.cfg.BaseURL, "/") + "/2010-04-01/Accounts/" + url.PathEscape(s.cfg.AccountSID) + "/Messages.json"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err //nolint:wrapcheck // Send says what was tried
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(s.cfg.AccountSID, s.token)
	resp, err := s.client.Do(req)
	if err != nil {
		s.metrics.sent.WithLabelValues("failed").Inc()
		return "", err //nolint:wrapcheck // Send says what was tried
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	return s.answer(resp)
}

// answer reads the provider's verdict.
func (s *Sender) answer(resp *http.Response) (sid string, err error) {
	var a struct {
		SID     string `json:"sid"`
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&a)
	switch {
	case resp.StatusCode/100 == 2 && err == nil && a.SID != "":
		return a.SID, nil
	case resp.StatusCode/100 == 4 && resp.StatusCode != http.StatusTooManyRequests:
		s.metrics.sent.WithLabelValues("refused").Inc()
		return "", fmt.Errorf("%w: %w: HTTP %d, code %d: %s", message.ErrUndeliverable, ErrProvider, resp.StatusCode, a.Code, a.Message)
	default:
		s.metrics.sent.WithLabelValues("failed").Inc()
		return "", fmt.Errorf("%w: HTTP %d", ErrProvider, resp.StatusCode)
	}
}
