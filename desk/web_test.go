package desk

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"filo/desk/web"
)

func TestPages(t *testing.T) {
	f := newFixture(t, nil)
	c := f.client()
	for _, tc := range []struct {
		path  string
		code  int
		kind  string
		cache string
	}{
		{"/desk/", 200, "text/html; charset=utf-8", "no-cache"},
		{"/shop/", 200, "text/html; charset=utf-8", "no-cache"},
		{"/desk/assets/desk-1234.js", 200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/desk/assets/", 404, "", ""},
		{"/desk/none.js", 404, "", ""},
		{"/desk/../users.yaml", 404, "", ""},
		{"/desk/%2e%2e/users.yaml", 404, "", ""},
		{"/users.yaml", 404, "", ""},
	} {
		r, err := c.do(http.MethodGet, tc.path, nil, nil)
		require.NoError(t, err)
		if r.StatusCode == http.StatusMovedPermanently || r.StatusCode == http.StatusTemporaryRedirect {
			continue // the mux cleaned the path
		}
		require.Equal(t, tc.code, r.StatusCode, tc.path)
		if tc.code == 200 {
			require.Equal(t, tc.kind, r.Header.Get("Content-Type"), tc.path)
			require.Equal(t, tc.cache, r.Header.Get("Cache-Control"), tc.path)
			require.Equal(t, pageCSP, r.Header.Get("Content-Security-Policy"))
			require.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"))
			again, err := c.do(http.MethodGet, tc.path, nil, http.Header{"If-None-Match": {r.Header.Get("ETag")}})
			require.NoError(t, err)
			require.Equal(t, http.StatusNotModified, again.StatusCode, tc.path)
		}
	}
	r, err := c.do(http.MethodGet, "/", nil, nil)
	require.NoError(t, err)
	require.Equal(t, "/desk/", r.Header.Get("Location"))
}

func TestWidgetsAreForOtherSites(t *testing.T) {
	p, err := newPages(fstest.MapFS{"shop/call-us.js": {Data: []byte("1")}, "shop/index.html": {}, "desk/assets/a.js": {}})
	require.NoError(t, err)
	for path, want := range map[string]string{"/shop/call-us.js": "*", "/shop/": "", "/desk/assets/a.js": ""} {
		w := httptest.NewRecorder()
		p.serve(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, want, w.Header().Get("Access-Control-Allow-Origin"), path)
	}
}

func TestRootOfTheDemo(t *testing.T) {
	f := newFixture(t, func(c *Config, _ *Deps) { c.Demo = true })
	r, err := f.client().do(http.MethodGet, "/", nil, nil)
	require.NoError(t, err)
	require.Equal(t, "/shop/", r.Header.Get("Location"))
}

func TestPagesBeforeTheBuild(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"placeholder": {"placeholder.html": {Data: []byte("run <code>make web</code>")}},
		"nothing":     {},
	} {
		p, err := newPages(files)
		require.NoError(t, err)
		for _, path := range []string{"/desk/", "/shop/"} {
			w := httptest.NewRecorder()
			p.serve(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
			require.Equal(t, http.StatusOK, w.Code, name)
			require.Contains(t, w.Body.String(), "make web", name)
		}
		w := httptest.NewRecorder()
		p.serve(w, httptest.NewRequest(http.MethodGet, "/desk/x", http.NoBody))
		require.Equal(t, http.StatusNotFound, w.Code)
	}
	_, err := newPages(web.Files())
	require.NoError(t, err)
}
