package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/channel/web"
	"filo/contact"
	"filo/journey"
	"filo/journey/sqlite"
)

// shop is the web channel over the real journey.
func shop(t *testing.T) (*web.Channel, *journey.Journey) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	store, err := sqlite.Open(ctx, filepath.Join(dir, "filo.db"))
	require.NoError(t, err)
	jc := journey.DefaultConfig()
	jc.DataDir = dir
	j, err := journey.New(jc, store, journey.NewMemory(100), journey.Deps{})
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() { require.NoError(t, j.Run(ctx)) })
	t.Cleanup(func() { cancel(); wg.Wait(); require.NoError(t, store.Close()) })
	cfg := web.DefaultConfig()
	cfg.WriteKeys = []string{"shop-key"}
	c, err := web.New(cfg, web.Deps{Journey: j})
	require.NoError(t, err)
	return c, j
}

func post(t *testing.T, c *web.Channel, path, body string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.SetBasicAuth("shop-key", "")
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
}

const halfFilled = `{"anonymousId":"anon1","messageId":"m1","event":"Form Step Viewed","properties":{"form":"checkout","step":"payment",
	"step_no":3,"steps":4,"fields":{"name":"Giulia Rossi","phone":"347 555 4419","card_number":"4111 1111 1111 1111"},"value":84.9,"currency":"EUR"}}`

func TestPhoneTypedInAFormSkipsTheMenuAndDisclosesNothing(t *testing.T) {
	c, j := shop(t)
	post(t, c, "/v1/track", halfFilled)
	got := j.Arrived(t.Context(), journey.Arrival{Contact: "c_1", Caller: "+393475554419", Trusted: true, Region: "IT", At: time.Now()})
	require.Equal(t, contact.Skip, got.Decision.Action)
	require.Equal(t, "abandoned-checkout", got.Decision.Rule)
	require.Equal(t, contact.D1, got.Tier)
	require.Empty(t, got.Name)
}

func TestSignedLinkTiesTheVisitorToTheMail(t *testing.T) {
	c, j := shop(t)
	_, err := j.Ingest(t.Context(), journey.Event{
		ID: "e_offer", Source: "email", SourceID: "offer@shop.example", Identities: []journey.Identity{{Type: journey.Mail, Value: "giulia@example.com"}},
		Channel: contact.Email, Dir: contact.Outbound, Kind: journey.KindMessage,
	})
	require.NoError(t, err)
	post(t, c, "/v1/page", `{"anonymousId":"anon1","context":{"cx":"`+j.SignLink("giulia@example.com", "e_offer")+`","page":{"path":"/offer"}}}`)
	post(t, c, "/v1/track", halfFilled)
	got := j.Arrived(t.Context(), journey.Arrival{Contact: "c_1", Caller: "+393475554419", Trusted: true, Region: "IT", At: time.Now()})
	require.Equal(t, contact.Skip, got.Decision.Action)
}

func TestCallTokenIsTheBestProof(t *testing.T) {
	c, j := shop(t)
	post(t, c, "/v1/track", halfFilled)
	token, err := j.CallToken(t.Context(), journey.Identity{Type: journey.Anonymous, Value: "anon1"})
	require.NoError(t, err)
	user, err := c.Authorize(httptest.NewRequest(http.MethodGet, "/sip?token="+token, nil))
	require.NoError(t, err)
	require.NotEmpty(t, user)
	got := j.Arrived(t.Context(), journey.Arrival{Contact: "c_1", Token: token, Withheld: true, At: time.Now()})
	require.Equal(t, contact.Skip, got.Decision.Action)
	require.InDelta(t, .99, got.Confidence, .001)
}
