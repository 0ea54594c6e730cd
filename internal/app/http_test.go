package app

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func TestMetricsOnlyWhereAllowed(t *testing.T) {
	h := metricsHandler(prometheus.NewRegistry(), []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")})
	for from, want := range map[string]int{
		"127.0.0.1:1000":          http.StatusOK,
		"[::ffff:127.0.0.1]:1000": http.StatusOK, // the same, by a socket of both families
		"[2001:db8::7]:1000":      http.StatusOK,
		"203.0.113.9:1000":        http.StatusForbidden,
		"[::1]:1000":              http.StatusForbidden,
		"nonsense":                http.StatusForbidden,
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, want, w.Code, from)
	}
}
