package robot

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the provider's signature is HMAC-SHA1
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Texting is an SMS provider as Twilio is one: it takes messages by REST and
// delivers customers' messages by a signed webhook.
type Texting struct {
	URL     string // base URL of its REST API
	Account string // account SID
	Token   string // auth token; signs webhooks, is the REST password

	sent   chan Text
	server *http.Server
	wg     sync.WaitGroup
}

// Text is one SMS.
type Text struct{ From, To, Body string }

// NewTexting listens on any free port of the loopback. Close it.
func NewTexting(ctx context.Context, account, token string) (*Texting, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("sms provider: %w", err)
	}
	t := &Texting{URL: "http://" + l.Addr().String(), Account: account, Token: token, sent: make(chan Text, maxHeld)}
	t.server = &http.Server{Handler: http.HandlerFunc(t.take), ReadHeaderTimeout: 5 * time.Second}
	t.wg.Go(func() { _ = t.server.Serve(l) }) // ends with Close
	return t, nil
}

func (t *Texting) take(w http.ResponseWriter, r *http.Request) {
	_, password, ok := r.BasicAuth()
	if !ok || password != t.Token {
		http.Error(w, `{"message":"authenticate"}`, http.StatusUnauthorized)
		return
	}
	if err := r.ParseForm(); err != nil || !strings.HasSuffix(r.URL.Path, "/Messages.json") {
		http.Error(w, `{"message":"bad request"}`, http.StatusBadRequest)
		return
	}
	select {
	case t.sent <- Text{From: r.PostForm.Get("From"), To: r.PostForm.Get("To"), Body: r.PostForm.Get("Body")}:
	default:
		http.Error(w, `{"message":"busy"}`, http.StatusTooManyRequests)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = fmt.Fprintf(w, `{"sid":%q,"status":"queued"}`, messageSID())
}

// Wait returns the next SMS to the number.
func (t *Texting) Wait(ctx context.Context, to string) (Text, error) {
	for {
		select {
		case got := <-t.sent:
			if got.To == to {
				return got, nil
			}
		case <-ctx.Done():
			return Text{}, fmt.Errorf("wait for SMS: %w", context.Cause(ctx))
		}
	}
}

var errWebhook = errors.New("webhook was refused")

// Deliver posts a customer's SMS to the webhook, signed for the URL as the
// provider was told it.
func (t *Texting) Deliver(ctx context.Context, webhook, publicURL string, text Text) error {
	form := url.Values{
		"MessageSid": {messageSID()}, "AccountSid": {t.Account}, "NumMedia": {"0"},
		"From": {text.From}, "To": {text.To}, "Body": {text.Body},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, webhook, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("deliver SMS: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", sign(t.Token, publicURL, form))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("deliver SMS: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("deliver SMS: %w: %s", errWebhook, resp.Status)
	}
	return nil
}

// sign is the X-Twilio-Signature of a form post.
func sign(token, publicURL string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(token))
	_, _ = io.WriteString(mac, publicURL)
	for _, k := range slices.Sorted(maps.Keys(form)) {
		_, _ = io.WriteString(mac, k+form.Get(k))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func messageSID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return "SM" + hex.EncodeToString(b[:])
}

// Close stops the server.
func (t *Texting) Close() error {
	err := t.server.Close()
	t.wg.Wait()
	if err != nil {
		return fmt.Errorf("close sms provider: %w", err)
	}
	return nil
}
