package sms

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"filo/channel/message"
	"filo/contact"
	"filo/journey"
)

const (
	testToken = "12345"
	testURL   = "https://filo.example/sms/twilio"
)

// desk takes what the webhook hands in.
type desk struct {
	got  []message.Inbound
	seen map[string]bool
	err  error
}

func (d *desk) Received(_ context.Context, in message.Inbound) (message.Receipt, error) {
	if d.err != nil {
		return message.Receipt{}, d.err
	}
	if d.seen[in.Event.SourceID] {
		return message.Receipt{Duplicate: true}, nil
	}
	if d.seen == nil {
		d.seen = map[string]bool{}
	}
	d.seen[in.Event.SourceID] = true
	d.got = append(d.got, in)
	return message.Receipt{Contact: "c_1"}, nil
}

func testConfig(t *testing.T) Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(testToken+"\n"), 0o600))
	c := DefaultConfig()
	c.AccountSID, c.AuthTokenFile, c.PublicURL = "AC1", file, testURL
	c.Numbers = []Number{{Number: "+390512345678", Queue: "service", Region: "IT", Lang: "it", Skills: []contact.Skill{{Name: "it", Min: 1}}}}
	return c
}

func testChannel(t *testing.T, d *desk) *Channel {
	t.Helper()
	c, err := New(testConfig(t), Deps{Conductor: d, Registry: prometheus.NewPedanticRegistry()})
	require.NoError(t, err)
	return c
}

func sms(sid, body string) url.Values {
	return url.Values{
		"MessageSid": {sid}, "AccountSid": {"AC1"}, "From": {"+393475554419"}, "To": {"+390512345678"},
		"Body": {body}, "NumMedia": {"0"},
	}
}

func post(c *Channel, form url.Values, signature string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/sms/twilio", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if signature != "" {
		r.Header.Set("X-Twilio-Signature", signature)
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

// The example of Twilio's own documentation.
func TestSignAsTwilioDocumentsIt(t *testing.T) {
	form := url.Values{
		"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"},
		"From": {"+14158675309"}, "To": {"+18005551212"},
	}
	require.Equal(t, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", Sign([]byte("12345"), "https://mycompany.com/myapp.php?foo=1&bar=2", form))
}

func TestSignedWebhookBecomesAMessage(t *testing.T) {
	d := &desk{}
	c := testChannel(t, d)
	form := sms("SM1", "Dov'è il pacco?\nGrazie")
	w := post(c, form, Sign([]byte(testToken), testURL, form))
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, twiml, w.Body.String())
	require.Contains(t, w.Header().Get("Content-Type"), "text/xml")
	require.Len(t, d.got, 1)
	in := d.got[0]
	require.Equal(t, "SM1", in.Event.SourceID)
	require.Equal(t, []journey.Identity{{Type: journey.Phone, Value: "+393475554419"}}, in.Event.Identities)
	require.Equal(t, "Dov'è il pacco? Grazie", in.Event.Summary)
	require.Equal(t, "service", in.Target.Queue)
	require.Equal(t, "it", in.Target.Lang)
	require.Equal(t, "+393475554419", in.Peer)
	require.Equal(t, "+390512345678", in.Thread)
	require.Equal(t, "Dov'è il pacco?\nGrazie", string(in.Event.Contents[0].Data))
	require.False(t, in.Quiet)

	again := post(c, form, Sign([]byte(testToken), testURL, form))
	require.Equal(t, http.StatusOK, again.Code)
	require.Len(t, d.got, 1)
}

func TestForgedWebhooksLeaveNoTrace(t *testing.T) {
	form := sms("SM1", "hi")
	good := Sign([]byte(testToken), testURL, form)
	other := sms("SM1", "hello")
	tests := []struct {
		name      string
		form      url.Values
		signature string
	}{
		{"none", form, ""},
		{"garbage", form, "garbage"},
		{"of another body", other, good},
		{"of another address", form, Sign([]byte(testToken), "https://evil.example/", form)},
		{"of another token", form, Sign([]byte("54321"), testURL, form)},
		{"one bit off", form, strings.ToLower(good)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &desk{}
			w := post(testChannel(t, d), tt.form, tt.signature)
			require.Equal(t, http.StatusUnauthorized, w.Code)
			require.Empty(t, d.got)
		})
	}
}

func TestJSONBodyIsSignedByItsDigest(t *testing.T) {
	body := `{"MessageSid":"SM7","AccountSid":"AC1","From":"+393475554419","To":"+390512345678","Body":"ciao"}`
	sum := sha256.Sum256([]byte(body))
	query := "?bodySHA256=" + hex.EncodeToString(sum[:])
	send := func(body, query, signature string) (*desk, int) {
		d := &desk{}
		r := httptest.NewRequest(http.MethodPost, "/sms/twilio"+query, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Twilio-Signature", signature)
		w := httptest.NewRecorder()
		testChannel(t, d).ServeHTTP(w, r)
		return d, w.Code
	}
	signature := Sign([]byte(testToken), testURL+query, nil)
	d, code := send(body, query, signature)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "ciao", d.got[0].Event.Summary)
	_, code = send(strings.Replace(body, "ciao", "miao", 1), query, signature)
	require.Equal(t, http.StatusUnauthorized, code)
	_, code = send(body, "", Sign([]byte(testToken), testURL, nil))
	require.Equal(t, http.StatusUnauthorized, code)
}

func TestOtherWebhooks(t *testing.T) {
	with := func(kv ...string) url.Values {
		f := sms("SM1", "hi")
		for i := 0; i < len(kv); i += 2 {
			if kv[i+1] == "" {
				f.Del(kv[i])
			} else {
				f.Set(kv[i], kv[i+1])
			}
		}
		return f
	}
	tests := []struct {
		name  string
		form  url.Values
		err   error
		code  int
		quiet bool
		got   int
	}{
		{"status callback", with("Body", "", "MessageStatus", "delivered"), nil, 204, false, 0},
		{"unknown number", with("To", "+390000000000"), nil, 404, false, 0},
		{"another account", with("AccountSid", "AC2"), nil, 400, false, 0},
		{"no sid", with("MessageSid", ""), nil, 400, false, 0},
		{"no sender", with("From", ""), nil, 400, false, 0},
		{"store is down", with(), errors.New("disk full"), 503, false, 0},
		{"opt-out", with("OptOutType", "STOP"), nil, 200, true, 1},
		{"name as sender", with("From", "CORRIERE"), nil, 200, true, 1},
		{"short code", with("From", "48005"), nil, 200, true, 1},
		{"national number", with("From", "347 555 4419"), nil, 200, false, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &desk{err: tt.err}
			w := post(testChannel(t, d), tt.form, Sign([]byte(testToken), testURL, tt.form))
			require.Equal(t, tt.code, w.Code, w.Body.String())
			require.Len(t, d.got, tt.got)
			if tt.got > 0 {
				require.Equal(t, tt.quiet, d.got[0].Quiet)
			}
		})
	}
}

func TestRequestsThatAreNoWebhooks(t *testing.T) {
	tests := []struct {
		name, method, kind, body string
		code                     int
	}{
		{"read", http.MethodGet, "", "", 405},
		{"no type", http.MethodPost, "", "a=b", 415},
		{"other type", http.MethodPost, "text/plain", "a=b", 415},
		{"too big", http.MethodPost, "application/x-www-form-urlencoded", strings.Repeat("x", maxBody+1), 413},
		{"bad escape", http.MethodPost, "application/x-www-form-urlencoded", "a=%zz", 400},
		{"too many", http.MethodPost, "application/x-www-form-urlencoded", manyParams(), 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &desk{}
			r := httptest.NewRequest(tt.method, "/", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.kind)
			w := httptest.NewRecorder()
			testChannel(t, d).ServeHTTP(w, r)
			require.Equal(t, tt.code, w.Code)
			require.Empty(t, d.got)
		})
	}
}

func manyParams() string {
	f := url.Values{}
	for i := range maxParams + 1 {
		f.Set("p"+strings.Repeat("x", i), "1")
	}
	return f.Encode()
}

func TestMediaIsKept(t *testing.T) {
	d := &desk{}
	form := sms("SM1", "look")
	form.Set("NumMedia", "1")
	form.Set("MediaUrl0", "https://api.twilio.com/m/1")
	form.Set("MediaContentType0", "image/jpeg")
	post(testChannel(t, d), form, Sign([]byte(testToken), testURL, form))
	require.Equal(t, "https://api.twilio.com/m/1", d.got[0].Event.Attrs["media.0"])
	require.Equal(t, "image/jpeg", d.got[0].Event.Attrs["media_type.0"])
}

func TestSend(t *testing.T) {
	tests := []struct {
		name    string
		status  int
		body    string
		sid     string
		wantErr error
	}{
		{"taken", 201, `{"sid":"SM9","status":"queued"}`, "SM9", nil},
		{"refused for good", 400, `{"code":21610,"message":"unsubscribed recipient"}`, "", message.ErrUndeliverable},
		{"too fast", 429, `{"code":20429}`, "", ErrProvider},
		{"down", 503, `oops`, "", ErrProvider},
		{"nonsense", 200, `<html>`, "", ErrProvider},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var form url.Values
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				user, password, _ := r.BasicAuth()
				if r.URL.Path != "/2010-04-01/Accounts/AC1/Messages.json" || user != "AC1" || password != testToken {
					w.WriteHeader(http.StatusTeapot)
					return
				}
				_ = r.ParseForm()
				form = r.PostForm
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer srv.Close()
			cfg := testConfig(t)
			cfg.BaseURL = srv.URL + "/"
			client := srv.Client()
			defer client.CloseIdleConnections()
			c, err := New(cfg, Deps{Client: client, Registry: prometheus.NewPedanticRegistry()})
			require.NoError(t, err)
			sent, err := c.Send(t.Context(), message.Outgoing{Peer: "+393475554419", Inbox: "+390512345678", Body: "Arriva venerdì"})
			require.Equal(t, url.Values{"To": {"+393475554419"}, "From": {"+390512345678"}, "Body": {"Arriva venerdì"}}, form)
			if tt.wantErr != nil {
				require.ErrorIs(t, err, tt.wantErr)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.sid, sent.SourceID)
		})
	}
}

func TestTooLongIsNotSent(t *testing.T) {
	c := testChannel(t, &desk{})
	_, err := c.Send(t.Context(), message.Outgoing{Body: strings.Repeat("è", maxText+1)})
	require.ErrorIs(t, err, ErrTooLong)
	require.ErrorIs(t, err, message.ErrUndeliverable)
}

func TestConfigNamesEveryMistake(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate(), "off")
	bad := Config{Numbers: []Number{{Number: "051"}, {Number: "+390512345678", Queue: "q", Priority: 101}, {Number: "+390512345678", Queue: "q"}}}
	err := bad.Validate()
	for _, text := range []string{
		"account_sid: ", "auth_token_file: ", "base_url: ", "public_url: ", "timeout: ", "numbers[0].number: ",
		"numbers[0].queue: ", "numbers[1].priority: ", "numbers[2].number: ",
	} {
		require.ErrorContains(t, err, text)
	}
	_, err = New(func() Config { c := testConfig(t); c.AuthTokenFile = "/nowhere"; return c }(), Deps{})
	require.ErrorContains(t, err, "auth_token_file: ")
}

func TestMetricsAreClean(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	c, err := New(testConfig(t), Deps{Conductor: &desk{}, Registry: reg})
	require.NoError(t, err)
	form := sms("SM1", "hi")
	post(c, form, "forged")
	problems, err := testutil.GatherAndLint(reg)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func FuzzWebhook(f *testing.F) {
	form := sms("SM1", "hi").Encode()
	f.Add("application/x-www-form-urlencoded", form, "x")
	f.Add("application/json", `{"Body":"a","MessageSid":1}`, "x")
	f.Add("application/x-www-form-urlencoded; charset=utf-8", "a=%zz&b", "")
	f.Add("text/plain", "", "")
	f.Fuzz(func(t *testing.T, kind, body, signature string) {
		if _, err := parse([]byte(testToken), testURL, kind, signature, nil, []byte(body)); err == nil {
			t.Fatal("accepted without a signature")
		}
		form, err := url.ParseQuery(body)
		if err != nil || len(form) > maxParams {
			return
		}
		c := &Channel{cfg: Config{AccountSID: "AC1"}, numbers: map[string]Number{"+390512345678": {Number: "+390512345678"}}, now: time.Now}
		got, err := parse([]byte(testToken), testURL, "application/x-www-form-urlencoded", Sign([]byte(testToken), testURL, form), nil, []byte(body))
		if err != nil {
			t.Fatalf("own signature refused: %v", err)
		}
		in, err := c.inbound(got)
		if err == nil && in.Event.SourceID == "" {
			t.Fatal("message without id")
		}
	})
}
