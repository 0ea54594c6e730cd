package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"filo/journey"
)

var testNow = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// thread is a journey in memory.
type thread struct {
	events []journey.Event
	seen   map[string]bool
	err    error
}

func (f *thread) Ingest(_ context.Context, e journey.Event) (journey.Receipt, error) {
	if f.err != nil {
		return journey.Receipt{}, f.err
	}
	if f.seen[e.SourceID] {
		return journey.Receipt{Duplicate: true}, nil
	}
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	f.seen[e.SourceID] = true
	f.events = append(f.events, e)
	return journey.Receipt{}, nil
}

func (f *thread) VerifyLink(cx string) (journey.Link, error) {
	if cx != "good" {
		return journey.Link{}, journey.ErrBadToken
	}
	return journey.Link{Mail: "giulia@example.com", Message: "e_mail"}, nil
}

func (f *thread) CallToken(_ context.Context, id journey.Identity) (string, error) {
	return "token-" + id.Value, f.err
}

func (f *thread) CheckCallToken(token string) (journey.Identity, error) {
	v, ok := strings.CutPrefix(token, "token-")
	if !ok {
		return journey.Identity{}, journey.ErrBadToken
	}
	return journey.Identity{Type: journey.Anonymous, Value: v}, nil
}

const identitySecret = "s3cret"

func testChannel(t *testing.T, f *thread, change func(*Config)) *Channel {
	t.Helper()
	cfg := DefaultConfig()
	cfg.WriteKeys, cfg.Origins = []string{"shop-key", "app-key"}, []string{"https://shop.example"}
	cfg.IdentitySecretFile = filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(cfg.IdentitySecretFile, []byte(identitySecret+"\n"), 0o600))
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg, Deps{Journey: f, Registry: prometheus.NewPedanticRegistry(), Now: func() time.Time { return testNow }})
	require.NoError(t, err)
	return c
}

func request(path, body string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth("shop-key", "")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func do(c *Channel, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

func TestFormStepIsAStepWithEvidence(t *testing.T) {
	f := &thread{}
	w := do(testChannel(t, f, nil), request("/v1/track", `{
		"messageId":"m1","anonymousId":"anon1","event":"Form Step Viewed","timestamp":"2026-11-21T09:58:00.000Z","sentAt":"2026-11-21T10:00:00Z",
		"context":{"locale":"it-IT","page":{"path":"/checkout","title":"Pagamento"}},
		"properties":{"form":"checkout","step":"payment","step_no":3,"steps":4,"filled":["name","card_number","phone"],"empty":["cvc","expiry"],
			"fields":{"name":"Giulia Rossi","phone":"347 555 4419","email":"giulia@example.com","card_number":"4111 1111 1111 1111","cvc":"123"},
			"value":84.9,"currency":"eur","cart":[{"name":"Coperta|grigia","price":59},{"name":"Sciarpa","price":"20,00"}]}}`))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	require.Len(t, f.events, 1)
	e := f.events[0]
	require.Equal(t, journey.KindStep, e.Kind)
	require.Equal(t, []journey.Identity{{Type: journey.Anonymous, Value: "anon1"}}, e.Identities)
	require.Equal(t, testNow.Add(-2*time.Minute), e.OccurredAt)
	require.Equal(t, "checkout", e.Reason)
	require.Equal(t, "payment", e.Stage)
	require.Equal(t, map[string]string{
		"form": "checkout", "step": "payment", "step_no": "3", "steps": "4", "filled": "name,card_number,phone,email", "empty": "cvc,expiry",
		"field.name": "Giulia Rossi", "field.phone": "347 555 4419", "field.email": "giulia@example.com", "value": "84.9", "currency": "EUR",
		"cart": "Coperta grigia|59;Sciarpa|20.00", "path": "/checkout", "lang": "it",
	}, e.Attrs)
}

func TestKinds(t *testing.T) {
	tests := []struct {
		name, path, body string
		kind             journey.Kind
		attrs            map[string]string
	}{
		{
			"page", "/v1/page", `{"anonymousId":"a","context":{"page":{"path":"/x?card=1#y","title":"X","referrer":"https://g.example/?q=secret"}}}`,
			journey.KindPage,
			map[string]string{"path": "/x", "title": "X", "referrer": "https://g.example/"},
		},
		{"page by url", "/v1/page", `{"anonymousId":"a","properties":{"url":"https://shop.example/y?z=1"}}`, journey.KindPage, map[string]string{"path": "/y"}},
		{
			"order", "/v1/track", `{"anonymousId":"a","event":"Order Completed","properties":{"order_id":"A-17","total":"84.90","currency":"EUR"}}`,
			journey.KindOrder,
			map[string]string{"order": "A-17", "value": "84.90", "currency": "EUR"},
		},
		{
			"error", "/v1/track", `{"anonymousId":"a","event":"Form Error","properties":{"form":"checkout","step":"payment","message":"refused 4111111111111111"}}`,
			journey.KindError,
			map[string]string{"form": "checkout", "step": "payment", "message": "refused [removed]"},
		},
		{
			"other", "/v1/track", `{"anonymousId":"a","event":"Video Played","properties":{"length":12,"nested":{"a":1},"password":"x"}}`,
			kindTrack,
			map[string]string{"event": "Video Played", "property.length": "12"},
		},
		{
			"identify", "/v1/identify", `{"anonymousId":"a","traits":{"firstName":"Giulia","phone":"+393475554419","email":"g@example.com","locale":"it_IT","age":40}}`,
			journey.KindIdentify,
			map[string]string{"first_name": "Giulia", "phone": "+393475554419", "email": "g@example.com", "lang": "it"},
		},
		{"group", "/v1/group", `{"anonymousId":"a","groupId":"acme"}`, kindTrack, map[string]string{"event": "group", "group": "acme"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &thread{}
			w := do(testChannel(t, f, nil), request(tt.path, tt.body))
			require.Equal(t, http.StatusOK, w.Code, w.Body.String())
			require.Equal(t, tt.kind, f.events[0].Kind)
			require.Equal(t, tt.attrs, f.events[0].Attrs)
			require.Equal(t, testNow, f.events[0].OccurredAt)
			require.NotEmpty(t, f.events[0].SourceID)
		})
	}
}

func hash(user string) string {
	m := hmac.New(sha256.New, []byte(identitySecret))
	m.Write([]byte(user))
	return hex.EncodeToString(m.Sum(nil))
}

func TestOnlyUserHashVerifies(t *testing.T) {
	anon := journey.Identity{Type: journey.Anonymous, Value: "a"}
	user := journey.Identity{Type: journey.UserID, Value: "u1"}
	tests := []struct {
		name, extra string
		first       journey.Identity
		verified    int // evidence by FromIdentify
	}{
		{"no hash", ``, anon, 0},
		{"wrong hash", `,"userHash":"00"`, anon, 0},
		{"hash of another", `,"userHash":"` + hash("u2") + `"`, anon, 0},
		{"right hash", `,"userHash":"` + hash("u1") + `"`, user, 3},
		{"in context", `,"context":{"userHash":"` + strings.ToUpper(hash("u1")) + `"}`, user, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &thread{}
			w := do(testChannel(t, f, nil), request("/v1/identify",
				`{"anonymousId":"a","userId":"u1","traits":{"phone":"+393475554419","email":"g@example.com"}`+tt.extra+`}`))
			require.Equal(t, http.StatusOK, w.Code, w.Body.String())
			require.Equal(t, tt.first, f.events[0].Identities[0])
			require.Len(t, f.events[0].Identities, 2)
			require.Len(t, f.events[0].Evidence, tt.verified)
			for _, e := range f.events[0].Evidence {
				require.Equal(t, journey.FromIdentify, e.Source)
			}
		})
	}
}

func TestUserIDAloneIsNoProof(t *testing.T) {
	f := &thread{}
	c := testChannel(t, f, nil)
	require.Equal(t, 200, do(c, request("/v1/page", `{"userId":"u1"}`)).Code)
	require.Equal(t, journey.Identity{Type: journey.Anonymous, Value: "user:u1"}, f.events[0].Identities[0])
	require.Equal(t, 200, do(c, request("/v1/page", `{"userId":"u1","userHash":"`+hash("u1")+`"}`)).Code)
	require.Equal(t, []journey.Identity{{Type: journey.UserID, Value: "u1"}}, f.events[1].Identities)
}

func TestSignedLinkIsOpenedOnce(t *testing.T) {
	f := &thread{}
	c := testChannel(t, f, nil)
	page := `{"anonymousId":"a","messageId":"%s","context":{%s"page":{"path":"/offer","search":"%s"}}}`
	require.Equal(t, 200, do(c, request("/v1/page", fmt.Sprintf(page, "1", `"cx":"good",`, ""))).Code)
	require.Equal(t, 200, do(c, request("/v1/page", fmt.Sprintf(page, "2", "", "?x=1&cx=good"))).Code)
	require.Equal(t, 200, do(c, request("/v1/page", fmt.Sprintf(page, "3", `"cx":"forged",`, ""))).Code)
	require.Len(t, f.events, 4)
	e := f.events[0]
	require.Equal(t, journey.KindLink, e.Kind)
	require.Equal(t, map[string]string{"message": "e_mail", "path": "/offer"}, e.Attrs)
	require.Equal(t, journey.LinkEvidence("a", journey.Link{Mail: "giulia@example.com", Message: "e_mail"}, testNow), e.Evidence[0])
	for _, e := range f.events[1:] {
		require.Equal(t, journey.KindPage, e.Kind)
		require.Empty(t, e.Evidence)
	}
}

func TestBatchIsStoredInOrderAndOnce(t *testing.T) {
	f := &thread{}
	c := testChannel(t, f, nil)
	body := `{"writeKey":"app-key","sentAt":"2026-11-21T12:00:00Z","batch":[
		{"type":"page","messageId":"1","anonymousId":"a","timestamp":"2026-11-21T11:59:30Z"},
		{"type":"track","messageId":"2","anonymousId":"a","event":"X","timestamp":"2026-11-21T13:00:00Z"},
		{"type":"page","messageId":"1","anonymousId":"a"}]}`
	r := request("/v1/batch", body, "Content-Type", "text/plain;charset=UTF-8", "Origin", "https://shop.example")
	r.Header.Del("Authorization") // a beacon
	w := do(c, r)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	require.Equal(t, "https://shop.example", w.Header().Get("Access-Control-Allow-Origin"))
	require.Len(t, f.events, 2)
	require.Equal(t, testNow.Add(-30*time.Second), f.events[0].OccurredAt, "the visitor's clock is two hours ahead")
	require.Equal(t, testNow, f.events[1].OccurredAt, "nothing happens in the future")
}

func TestBadRequestsSayWhatAndWhere(t *testing.T) {
	long := strings.Repeat("x", maxEvent)
	tests := []struct {
		name, path, body string
		code             int
		text             string
	}{
		{"not JSON", "/v1/track", "{\n \"a\":x}", 400, "line 2 column"},
		{"cut off", "/v1/track", `{"a":`, 400, "ends too early"},
		{"empty", "/v1/track", ``, 400, "ends too early"},
		{"array", "/v1/track", `[]`, 400, "body: must be a JSON object"},
		{"two objects", "/v1/track", `{"anonymousId":"a"} {}`, 400, "something follows"},
		{"not UTF-8", "/v1/track", "{\"a\":\"\xff\"}", 400, "UTF-8"},
		{"deep", "/v1/track", strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50), 400, "nested deeper"},
		{"nobody", "/v1/page", `{}`, 400, "anonymousId: "},
		{"wrong type", "/v1/page", `{"anonymousId":["a"]}`, 400, "anonymousId: must be a string"},
		{"track without event", "/v1/track", `{"anonymousId":"a"}`, 400, "event: is missing"},
		{"time", "/v1/page", `{"anonymousId":"a","timestamp":"yesterday"}`, 400, "timestamp: "},
		{"properties", "/v1/page", `{"anonymousId":"a","properties":[]}`, 400, "properties: must be an object"},
		{"fields", "/v1/track", `{"anonymousId":"a","event":"Form Step Viewed","properties":{"fields":[1]}}`, 400, "properties.fields: must be an object"},
		{"in a batch", "/v1/batch", `{"batch":[{"type":"page","anonymousId":"a"},{"type":"track","anonymousId":"a","event":"Form Error","properties":{"filled":"x"}}]}`, 400, "batch[1].properties.filled: must be an array"},
		{"type in a batch", "/v1/batch", `{"batch":[{"type":"pages","anonymousId":"a"}]}`, 400, "batch[0].type: "},
		{"no object in a batch", "/v1/batch", `{"batch":[1]}`, 400, "batch[0]: must be an object"},
		{"big event", "/v1/page", `{"anonymousId":"a","properties":{"x":"` + long + `"}}`, 413, "too big"},
		{"big event in a batch", "/v1/batch", `{"batch":[{"type":"page","anonymousId":"a","properties":{"x":"` + long + `"}}]}`, 413, "batch[0]"},
		{"big batch", "/v1/batch", `{"batch":["` + strings.Repeat("x", maxBatch) + `"]}`, 413, "too big"},
		{"many events", "/v1/batch", `{"batch":[` + strings.Repeat("{},", maxEvents) + `{}]}`, 400, "at most 1000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &thread{}
			w := do(testChannel(t, f, nil), request(tt.path, tt.body))
			require.Equal(t, tt.code, w.Code, w.Body.String())
			var answer struct {
				Error struct{ Code, Message string } `json:"error"`
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
			require.Contains(t, answer.Error.Message, tt.text)
			require.Empty(t, f.events, "all or nothing")
		})
	}
}

func TestStoreDownIsTryAgain(t *testing.T) {
	f := &thread{err: errors.New("disk full")}
	w := do(testChannel(t, f, nil), request("/v1/page", `{"anonymousId":"a"}`))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
	require.NotContains(t, w.Body.String(), "disk")
	f.err = fmt.Errorf("append: %w", journey.ErrBadEvent)
	require.Equal(t, http.StatusBadRequest, do(testChannel(t, f, nil), request("/v1/page", `{"anonymousId":"a"}`)).Code)
}

func TestConfigNamesEveryMistake(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate(), "off")
	err := Config{
		WriteKeys: []string{"a b", "good", "good"}, Origins: []string{"shop.example"}, TrustedProxies: []string{"x"},
		Call: Call{URI: "tel:1", Socket: "sip"},
	}.Validate()
	for _, text := range []string{
		"write_keys[0]: ", "write_keys[2]: ", "origins[0]: ", "rate: ", "burst: ", "trusted_proxies[0]: ", "call.uri: ", "call.socket: ", "call.token_for: ",
	} {
		require.ErrorContains(t, err, text)
	}
}

func TestMetricsAreClean(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	c, err := New(DefaultConfig(), Deps{Journey: &thread{}, Registry: reg})
	require.NoError(t, err)
	do(c, request("/v1/page", `{"anonymousId":"a"}`))
	problems, err := testutil.GatherAndLint(reg)
	require.NoError(t, err)
	require.Empty(t, problems)
}
