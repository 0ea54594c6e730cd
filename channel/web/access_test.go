package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/journey"
)

func TestWhoMayWrite(t *testing.T) {
	good := `{"anonymousId":"a"}`
	tests := []struct {
		name   string
		body   string
		header []string
		code   int
	}{
		{"a server", good, nil, 200},
		{"wrong key", good, []string{"Authorization", "Basic eDo="}, 401},
		{"no key", good, []string{"Authorization", ""}, 401},
		{"wrong key in the body", `{"anonymousId":"a","writeKey":"x"}`, []string{"Authorization", ""}, 401},
		{"listed origin", good, []string{"Origin", "https://shop.example"}, 200},
		{"our own host", good, []string{"Origin", "http://example.com"}, 200},
		{"other origin", good, []string{"Origin", "https://evil.example"}, 403},
		{"no origin", good, []string{"Origin", "null"}, 403},
		{"other type", good, []string{"Content-Type", "application/xml"}, 415},
		{"compressed", good, []string{"Content-Encoding", "gzip"}, 415},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.code, do(testChannel(t, &thread{}, nil), request("/v1/page", tt.body, tt.header...)).Code)
		})
	}
}

func TestPreflight(t *testing.T) {
	c := testChannel(t, &thread{}, nil)
	ask := func(origin string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodOptions, "/v1/track", nil)
		r.Header.Set("Origin", origin)
		return do(c, r)
	}
	w := ask("https://shop.example")
	require.Equal(t, http.StatusNoContent, w.Code)
	require.Equal(t, "https://shop.example", w.Header().Get("Access-Control-Allow-Origin"))
	require.Contains(t, w.Header().Get("Access-Control-Allow-Headers"), "Authorization")
	require.Equal(t, http.StatusForbidden, ask("https://evil.example").Code)
}

func TestRateLimitIsPerAddress(t *testing.T) {
	c := testChannel(t, &thread{}, func(cfg *Config) {
		cfg.Rate, cfg.Burst, cfg.TrustedProxies = 1, 3, []string{"10.0.0.0/8"}
	})
	send := func(remote, forwarded string) int {
		r := request("/v1/page", `{"anonymousId":"a"}`)
		r.RemoteAddr = remote
		if forwarded != "" {
			r.Header.Set("X-Forwarded-For", forwarded)
		}
		return do(c, r).Code
	}
	for range 3 {
		require.Equal(t, 200, send("192.0.2.1:1", ""))
	}
	require.Equal(t, 429, send("192.0.2.1:2", ""))
	require.Equal(t, 429, send("192.0.2.1:3", "198.51.100.1"), "a stranger's header is not believed")
	require.Equal(t, 200, send("192.0.2.2:1", ""))
	for range 3 {
		require.Equal(t, 200, send("10.0.0.1:1", "6.6.6.6, 198.51.100.7, 10.0.0.2"))
	}
	require.Equal(t, 429, send("10.0.0.1:1", "7.7.7.7, 198.51.100.7"))
	for range 3 {
		require.Equal(t, 200, send("[2001:db8::1]:1", ""))
	}
	require.Equal(t, 429, send("[2001:db8::2]:1", ""), "the same /64")
}

func TestCallTokenOpensOneConnection(t *testing.T) {
	c := testChannel(t, &thread{}, nil)
	w := do(c, request("/v1/call-token", `{"anonymousId":"anon1","writeKey":"shop-key"}`, "Authorization", "", "Origin", "https://shop.example"))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	var got struct {
		Token, WS, URI, User string
		Expires              time.Time
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
	require.Equal(t, "/sip?token=token-anon1", got.WS)
	require.Equal(t, "sip:shop@filo.local", got.URI)
	require.Equal(t, testNow.Add(5*time.Minute), got.Expires)

	user, err := c.Authorize(httptest.NewRequest(http.MethodGet, got.WS, nil))
	require.NoError(t, err)
	require.Equal(t, got.User, user)
	require.True(t, strings.HasPrefix(user, "guest-"))
	_, err = c.Authorize(httptest.NewRequest(http.MethodGet, got.WS, nil))
	require.ErrorIs(t, err, ErrUsedToken)
	_, err = c.Authorize(httptest.NewRequest(http.MethodGet, "/sip?token=forged", nil))
	require.ErrorIs(t, err, journey.ErrBadToken)
	_, err = c.Authorize(httptest.NewRequest(http.MethodGet, "/sip", nil))
	require.ErrorIs(t, err, ErrNoToken)

	require.Equal(t, 401, do(c, request("/v1/call-token", `{"anonymousId":"a","writeKey":"x"}`, "Authorization", "")).Code)
	require.Equal(t, 400, do(c, request("/v1/call-token", `{"writeKey":"shop-key"}`)).Code)
	off := testChannel(t, &thread{}, func(cfg *Config) { cfg.Call.URI = "" })
	require.Equal(t, 404, do(off, request("/v1/call-token", `{"anonymousId":"a"}`)).Code)
}

func TestTrackerIsSmallAndCached(t *testing.T) {
	c := testChannel(t, &thread{}, nil)
	w := do(c, httptest.NewRequest(http.MethodGet, "/v1/filo.js", nil))
	require.Equal(t, http.StatusOK, w.Code)
	require.Less(t, w.Body.Len(), 2048)
	require.Contains(t, w.Header().Get("Content-Type"), "javascript")
	for _, word := range []string{"filo_anon", "sendBeacon", "cx", "userHash", "anonymousId"} {
		require.Contains(t, w.Body.String(), word)
	}
	r := httptest.NewRequest(http.MethodGet, "/v1/filo.js", nil)
	r.Header.Set("If-None-Match", w.Header().Get("ETag"))
	require.Equal(t, http.StatusNotModified, do(c, r).Code)
}
