package sms

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"filo/channel/message"
	"filo/contact"
	"filo/journey"
)

// Bounds of a webhook request.
const (
	maxBody   = 64 << 10
	maxParams = 200
	maxMedia  = 10
)

// twiml is the answer that sends nothing back.
const twiml = `<?xml version="1.0" encoding="UTF-8"?><Response></Response>`

// ServeHTTP takes webhooks. 200 with empty TwiML: on the thread; 204: a status
// callback, ignored; 400, 404, 405, 413, 415: not usable, and said why; 401:
// forged; 503: not now, deliver again.
func (c *Channel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "webhooks are posted", http.StatusMethodNotAllowed)
		return
	}
	p, err := c.read(w, r)
	if err != nil {
		status, result := statusOf(err)
		c.metrics.webhooks.WithLabelValues(result).Inc()
		http.Error(w, err.Error(), status)
		return
	}
	if p.Get("MessageStatus") != "" && !p.Has("Body") {
		c.metrics.webhooks.WithLabelValues("status").Inc()
		w.WriteHeader(http.StatusNoContent)
		return
	}
	in, err := c.inbound(p)
	if err != nil {
		status, result := statusOf(err)
		c.metrics.webhooks.WithLabelValues(result).Inc()
		http.Error(w, err.Error(), status)
		return
	}
	receipt, err := c.conductor.Received(r.Context(), in)
	if err != nil {
		c.metrics.webhooks.WithLabelValues("failed").Inc()
		c.log.ErrorContext(r.Context(), "text message not taken", "err", err)
		w.Header().Set("Retry-After", "5")
		http.Error(w, "not stored, try again", http.StatusServiceUnavailable)
		return
	}
	result := "received"
	if receipt.Duplicate {
		result = "duplicate"
	}
	c.metrics.webhooks.WithLabelValues(result).Inc()
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = io.WriteString(w, twiml)
}

var (
	errTooBig    = errors.New("body is too big")
	errMediaType = errors.New("body is neither a form nor JSON")
)

// statusOf maps what is wrong with a webhook to HTTP and to a label.
func statusOf(err error) (status int, result string) {
	switch {
	case errors.Is(err, ErrBadSignature):
		return http.StatusUnauthorized, "forged"
	case errors.Is(err, ErrNoNumber):
		return http.StatusNotFound, "unknown_number"
	case errors.Is(err, errTooBig):
		return http.StatusRequestEntityTooLarge, "bad"
	case errors.Is(err, errMediaType):
		return http.StatusUnsupportedMediaType, "bad"
	default:
		return http.StatusBadRequest, "bad"
	}
}

// read returns the parameters of a request whose signature is right. Nothing
// of the body is believed before.
func (c *Channel) read(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, fmt.Errorf("%w: more than %d bytes", errTooBig, maxBody)
		}
		return nil, fmt.Errorf("%w: %w", ErrBadBody, err)
	}
	address := c.cfg.PublicURL
	if r.URL.RawQuery != "" {
		address += "?" + r.URL.RawQuery
	}
	return parse(c.token, address, r.Header.Get("Content-Type"), r.Header.Get("X-Twilio-Signature"), r.URL.Query(), body)
}

// parse verifies and decodes one body.
func parse(token []byte, address, contentType, signature string, query url.Values, body []byte) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, fmt.Errorf("%w: %q", errMediaType, contentType)
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil || len(form) > maxParams {
			return nil, fmt.Errorf("%w: not a form of at most %d parameters", ErrBadBody, maxParams)
		}
		if !verifyForm(token, address, signature, form) {
			return nil, ErrBadSignature
		}
		return form, nil
	case "application/json":
		if !verifyJSON(token, address, signature, query, body) {
			return nil, ErrBadSignature
		}
		var fields map[string]any
		if err := json.Unmarshal(body, &fields); err != nil || len(fields) > maxParams {
			return nil, fmt.Errorf("%w: not a JSON object of at most %d members", ErrBadBody, maxParams)
		}
		form := make(url.Values, len(fields))
		for k, v := range fields {
			switch v := v.(type) {
			case string:
				form.Set(k, v)
			case float64:
				form.Set(k, strconv.FormatFloat(v, 'f', -1, 64))
			}
		}
		return form, nil
	default:
		return nil, fmt.Errorf("%w: %q", errMediaType, kind)
	}
}

// inbound makes a message of the parameters.
func (c *Channel) inbound(p url.Values) (message.Inbound, error) {
	sid := p.Get("MessageSid")
	if sid == "" {
		sid = p.Get("SmsSid")
	}
	if sid == "" || len(sid) > 64 {
		return message.Inbound{}, fmt.Errorf("%w: MessageSid: missing or longer than 64", ErrBadBody)
	}
	if got := p.Get("AccountSid"); got != c.cfg.AccountSID {
		return message.Inbound{}, fmt.Errorf("%w: AccountSid: not ours", ErrBadBody)
	}
	number, ok := c.numbers[p.Get("To")]
	if !ok {
		return message.Inbound{}, fmt.Errorf("%w: To", ErrNoNumber)
	}
	from := p.Get("From")
	if from == "" || len(from) > 64 {
		return message.Inbound{}, fmt.Errorf("%w: From: missing or longer than 64", ErrBadBody)
	}
	now := c.now()
	e164, isPhone := journey.NormalPhone(from, number.Region)
	in := message.Inbound{
		Event: journey.Event{
			Source: "sms", SourceID: sid, OccurredAt: now, ReceivedAt: now, Channel: contact.SMS,
			Dir: contact.Inbound, Kind: journey.KindMessage, Summary: message.Summary(p.Get("Body")),
			Attrs:    map[string]string{"from": from, "to": number.Number, "queue": number.Queue},
			Contents: []journey.Content{{Type: "text/plain; charset=utf-8", Data: []byte(strings.ToValidUTF8(p.Get("Body"), "\uFFFD"))}},
		},
		Target: contact.Target{
			Queue: number.Queue, Skills: number.Skills, Priority: number.Priority, Lang: number.Lang,
		},
		Thread: number.Number, Inbox: number.Number, Peer: from, Ref: sid, Subject: message.Summary(p.Get("Body")),
		// Opting out is obeyed by the provider; there is nothing to answer.
		// Names and short codes cannot be answered.
		Quiet: !isPhone || p.Get("OptOutType") != "",
	}
	if isPhone {
		in.Peer = e164
		in.Event.Attrs["from"] = e164
		in.Event.Identities = []journey.Identity{{Type: journey.Phone, Value: e164}}
	}
	if kind := p.Get("OptOutType"); kind != "" {
		in.Event.Attrs["opt_out"] = kind
	}
	if in.Quiet {
		in.Event.Attrs["quiet"] = "1"
	}
	addMedia(in.Event.Attrs, p)
	return in, nil
}

// addMedia keeps where pictures and voice notes lie.
func addMedia(attrs map[string]string, p url.Values) {
	n, err := strconv.Atoi(p.Get("NumMedia"))
	if err != nil {
		return
	}
	for i := range min(n, maxMedia) {
		k := strconv.Itoa(i)
		if u := p.Get("MediaUrl" + k); u != "" && len(u) <= 2048 {
			attrs["media."+k], attrs["media_type."+k] = u, p.Get("MediaContentType"+k)
		}
	}
}
