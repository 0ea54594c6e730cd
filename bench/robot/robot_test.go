package robot

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"filo/media"
	"filo/sip"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		http.DefaultClient.CloseIdleConnections()
		os.Exit(code)
	}))
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestMailbox(t *testing.T) {
	box, err := NewMailbox(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, box.Close()) }()
	letter := Letter{
		From: mail.Address{Name: "Giulia Rossi", Address: "giulia@posta.example"}, To: "marta@aurora.example",
		Subject: "Consegna?", Body: "Perché no?\r\n.\r\nGiulia", Date: time.Now(), ID: "1@posta.example",
	}
	other := letter
	other.To = "nobody@aurora.example"
	require.NoError(t, Post(box.Addr, other))
	require.NoError(t, Post(box.Addr, letter))
	got, err := box.Wait(within(t), letter.To)
	require.NoError(t, err)
	require.Equal(t, "giulia@posta.example", got.From)
	require.Equal(t, "<1@posta.example>", got.Header.Get("Message-Id"))
	text, err := got.Text()
	require.NoError(t, err)
	require.Equal(t, "Perché no?\n.\nGiulia\n", strings.ReplaceAll(text, "\r\n", "\n"))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = box.Wait(ctx, letter.To)
	require.ErrorIs(t, err, context.Canceled)
	require.Error(t, Post("127.0.0.1:1", letter))
}

func TestTextingTakesMessages(t *testing.T) {
	sms, err := NewTexting(t.Context(), "ACtest", "token")
	require.NoError(t, err)
	defer func() { require.NoError(t, sms.Close()) }()
	post := func(password, path string) int {
		form := url.Values{"From": {"+39045"}, "To": {"+39347"}, "Body": {"Ciao"}}
		req, err := http.NewRequestWithContext(within(t), http.MethodPost, sms.URL+path, strings.NewReader(form.Encode()))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth("ACtest", password)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.True(t, json.Valid(body), "%s", body)
		return resp.StatusCode
	}
	const path = "/2010-04-01/Accounts/ACtest/Messages.json"
	require.Equal(t, http.StatusUnauthorized, post("wrong", path))
	require.Equal(t, http.StatusBadRequest, post("token", "/elsewhere"))
	require.Equal(t, http.StatusCreated, post("token", path))
	got, err := sms.Wait(within(t), "+39347")
	require.NoError(t, err)
	require.Equal(t, Text{From: "+39045", To: "+39347", Body: "Ciao"}, got)
}

// The signature is Twilio's own example (their documentation of webhooks).
func TestTextingSigns(t *testing.T) {
	form := url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+12349013030"}, "Digits": {"1234"}, "From": {"+12349013030"}, "To": {"+18005551212"}}
	require.Equal(t, "0/KCTR6DLpKmkAf8muzZqo1nDgQ=", sign("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form))
}

func TestTextingDelivers(t *testing.T) {
	sms, err := NewTexting(t.Context(), "ACtest", "token")
	require.NoError(t, err)
	defer func() { require.NoError(t, sms.Close()) }()
	status := http.StatusOK
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ParseForm() != nil || r.Header.Get("X-Twilio-Signature") != sign("token", "https://public.example/hook", r.PostForm) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(status)
	}))
	defer hook.Close()
	text := Text{From: "+39347", To: "+39045", Body: "Ciao"}
	require.NoError(t, sms.Deliver(within(t), hook.URL, "https://public.example/hook", text))
	require.ErrorContains(t, sms.Deliver(within(t), hook.URL, "https://wrong.example/hook", text), "401")
	status = http.StatusInternalServerError
	require.ErrorIs(t, sms.Deliver(within(t), hook.URL, "https://public.example/hook", text), errWebhook)
}

func TestVisitor(t *testing.T) {
	type post struct {
		path, key string
		body      map[string]any
	}
	got := make(chan post, 4)
	status := http.StatusOK
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := post{path: r.URL.Path}
		p.key, _, _ = r.BasicAuth()
		_ = json.NewDecoder(r.Body).Decode(&p.body)
		got <- p
		http.Error(w, "said the server", status)
	}))
	defer shop.Close()
	v := &Visitor{URL: shop.URL, WriteKey: "key", Anonymous: "cookie", Link: "signed"}
	require.NoError(t, v.Page(within(t), "/shop/", "Shop"))
	p := <-got
	require.Equal(t, "/v1/page", p.path)
	require.Equal(t, "key", p.key)
	require.Equal(t, "cookie", p.body["anonymousId"])
	require.Equal(t, "signed", p.body["context"].(map[string]any)["cx"])
	first := p.body["messageId"]
	require.NoError(t, v.Track(within(t), "Form Step Viewed", Props{"step": "payment"}))
	p = <-got
	require.Equal(t, "/v1/track", p.path)
	require.Equal(t, "Form Step Viewed", p.body["event"])
	require.NotEqual(t, first, p.body["messageId"])
	status = http.StatusForbidden
	require.ErrorContains(t, v.Page(within(t), "/", ""), "said the server")
	require.ErrorIs(t, v.Page(within(t), "/", ""), errTrack)
}

// Robots call robots: a phone of one kit answers a caller of another.
func TestCallerAndPhone(t *testing.T) {
	callers, err := NewKit(t.Context(), Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, callers.Close()) }()
	phones, err := NewKit(t.Context(), Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, phones.Close()) }()
	ended := make(chan PhoneCall, 1)
	add := func(cfg PhoneConfig) *Phone {
		p := &Phone{cfg: cfg, kit: phones} // as if it had registered
		phones.mu.Lock()
		defer phones.mu.Unlock()
		phones.phones[cfg.User] = p
		return p
	}
	paola := add(PhoneConfig{User: "paola", Say: Tone(1000), Delay: 10 * time.Millisecond, Ended: func(c PhoneCall) { ended <- c }})
	add(PhoneConfig{User: "marta", Refuse: 486})
	ignores := add(PhoneConfig{User: "davide", Ignore: true})
	dial := func(to string) Dial {
		return Dial{Server: phones.UA.Addr("udp"), From: "+39347", To: to, Say: media.Tone(440, time.Second)}
	}

	c, err := callers.Call(within(t), dial("paola"))
	require.NoError(t, err)
	require.NoError(t, c.Hear(within(t)))
	_, err = c.Meter.Wait(within(t), 1000)
	require.NoError(t, err)
	_, err = paola.Meter().Wait(within(t), 440)
	require.NoError(t, err)
	require.NoError(t, c.Hangup(within(t)))
	call := <-ended
	require.Equal(t, "+39347", call.From)
	require.Positive(t, call.Stats.PacketsIn)
	require.Nil(t, paola.Meter())

	var refused *sip.StatusError
	_, err = callers.Call(within(t), dial("marta"))
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 486, refused.Code)
	_, err = callers.Call(within(t), dial("nobody"))
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 404, refused.Code)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = callers.Call(ctx, dial("davide"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Eventually(t, func() bool { return ignores.Rings() == 1 && ignores.Cancels() == 1 }, 5*time.Second, 5*time.Millisecond)
}
