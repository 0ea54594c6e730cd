package desk

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
)

// live matches whatever could run, load or leave the frame.
var live = regexp.MustCompile(`(?i)<\s*(script|iframe|frame|object|embed|applet|form|input|button|textarea|select|base|link|meta|svg|math|style|template|audio|video|source|track|picture|portal|noscript|xmp|plaintext|marquee|details|dialog|animate|set|use|image|body|html|title|isindex|keygen|bgsound|layer)\b` +
	`|<[^>]*\son[a-z]+\s*=|<[^>]*javascript:|<[^>]*vbscript:|<[^>]*url\(|<[^>]*expression\(|<[^>]*@import|<[^>]*srcset|<[^>]*background=|<[^>]*srcdoc|<[^>]*formaction|<[^>]*xlink|<[^>]*src\s*=\s*"?(https?:|//|cid:|data:image/svg|data:text)`)

func TestSanitiseMail(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"text", `<p>Buonasera, <b>arriva</b>?</p>`, `<p>Buonasera, <b>arriva</b>?</p>`},
		{"script", `a<script>alert(1)</script>b`, `ab`},
		{"script, odd case", `a<ScRiPt SRC=//x.example/a.js></sCrIpT >b`, `ab`},
		{"handler", `<p onclick="x()">a</p>`, `<p>a</p>`},
		{"remote image", `<img src="https://track.example/p.gif" alt="logo">`, `<img alt="logo">`},
		{"protocol-relative image", `a<img src="//track.example/p.gif">`, `a`},
		{"image inside", `<img src="data:image/png;base64,iVBORw0KGgo=">`, `<img src="data:image/png;base64,iVBORw0KGgo=">`},
		{"svg inside", `a<img src="data:image/svg+xml;base64,PHN2Zz4=">`, `a`},
		{"html inside", `a<img src="data:text/html;base64,PHN2Zz4=">`, `a`},
		{"cid", `a<img src="cid:part1@x">`, `a`},
		{"svg", `a<svg onload=alert(1)><a xlink:href="javascript:alert(1)">x</a></svg>b`, `ab`},
		{"math", `a<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)></style></math>b`, ``},
		{"form", `a<form action="https://evil.example"><input name=password><button>x</button></form>b`, `axb`},
		{"iframe", `a<iframe src="https://evil.example"></iframe>b`, `ab`},
		{"style element", `<style>@import url(//evil.example/x.css)</style>a`, `a`},
		{"style with url", `<p style="background-color: url(//evil.example)">a</p>`, `<p>a</p>`},
		{"style kept", `<p style="color: #c00; font-weight: bold; position: fixed">a</p>`, `<p style="color: #c00; font-weight: bold">a</p>`},
		{"style expression", `<p style="color: expression(alert(1))">a</p>`, `<p>a</p>`},
		{"javascript link", `<a href="javascript:alert(1)">a</a>`, `a`},
		{"javascript link, spaced", "<a href=\" java\tscript:alert(1)\">a</a>", `a`},
		{"data link", `<a href="data:text/html,<script>x</script>">a</a>`, `a`},
		{"meta", `<meta http-equiv=refresh content="0;url=https://evil.example">a`, `a`},
		{"base", `<base href="https://evil.example/">a`, `a`},
		{"comment", `<!--[if IE]><script>alert(1)</script><![endif]-->a`, `a`},
		{"unclosed", `<b>a<script>`, `<b>a`},
		{"null bytes", "<scr\x00ipt>alert(1)</scr\x00ipt>a", `a`},
		{"class and id", `<p class="modal" id="app">a</p>`, `<p>a</p>`},
		{"background", `<table background="https://evil.example/x"><tr><td background="//x">a</td></tr></table>`, `<table><tr><td>a</td></tr></table>`},
		{"noscript mutation", `<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>`, ``},
		{"template mutation", `<template><img src=x onerror=alert(1)></template>a`, `a`},
		{"entities", `&lt;script&gt;alert(1)&lt;/script&gt;`, `&lt;script&gt;alert(1)&lt;/script&gt;`},
		{"attribute breakout", `<img alt='"><script>alert(1)</script>'>`, ``},
		{"plaintext", `a<plaintext><script>alert(1)</script>`, ``},
		{"xmp", `<xmp><script>alert(1)</script></xmp>`, ``},
		{"textarea breakout", `<textarea></textarea><img src=x onerror=alert(1)>a`, `a`},
		{"object", `<object data="data:text/html,x"><embed src=x></object>a`, `a`},
		{"video", `<video src=x onerror=alert(1)><source src=//x></video>a`, `a`},
		{"not UTF-8", "a\xff\xfeb", "a\uFFFDb"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := SanitiseMail([]byte(tc.in))
			require.Empty(t, live.FindString(got), got)
			if tc.want != "" {
				require.Equal(t, tc.want, got)
			}
			require.Equal(t, got, SanitiseMail([]byte(got)), "stable")
		})
	}
	link := SanitiseMail([]byte(`<a href="https://shop.example/x?a=1&amp;b=2" target="_self" onclick="x()">a</a>`))
	require.Contains(t, link, `target="_blank"`)
	require.Contains(t, link, "noreferrer")
	require.NotContains(t, link, "onclick")
}

func FuzzSanitiseMail(f *testing.F) {
	f.Add([]byte(`<p style="color:red">a</p><img src=x onerror=alert(1)>`))
	f.Add([]byte(`<svg><style><!--</style><img title="--><script>alert(1)</script>">`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got := SanitiseMail(data)
		if s := live.FindString(got); s != "" {
			t.Fatalf("%q leaves %q", data, s)
		}
	})
}

func TestWriteContent(t *testing.T) {
	for _, tc := range []struct {
		name        string
		content     journey.Content
		kind, named string
		has         string
	}{
		{"html body", journey.Content{Type: "text/html; charset=utf-8", Data: []byte("<b>a</b><script>x</script>")}, "text/html; charset=utf-8", "", "<b>a</b></body>"},
		{"text body", journey.Content{Type: "text/plain", Data: []byte("a <b>\x00&")}, "text/html; charset=utf-8", "", "<pre>a &lt;b&gt;&amp;</pre>"},
		{"svg", journey.Content{Type: "image/svg+xml", Data: []byte("<svg onload=x>")}, "application/octet-stream", `attachment; filename=content`, "<svg"},
		{"html attachment", journey.Content{Type: "text/html", Name: "a.html", Data: []byte("<script>")}, "application/octet-stream", `attachment; filename=a.html`, "<script>"},
		{"raw mail", journey.Content{Type: "message/rfc822", Data: []byte("x")}, "application/octet-stream", `attachment; filename=content`, "x"},
		{"no type", journey.Content{Data: []byte("<script>")}, "application/octet-stream", `attachment; filename=content`, "<script>"},
		{"path", journey.Content{Type: "image/png", Name: `../../etc\passwd`}, "application/octet-stream", `attachment; filename=passwd`, ""},
		{"header split", journey.Content{Type: "image/png", Name: "a\r\nSet-Cookie: x=1"}, "application/octet-stream", `attachment; filename="aSet-Cookie: x=1"`, ""},
		{"turned writing", journey.Content{Type: "image/png", Name: "photo\u202egnp.exe"}, "application/octet-stream", `attachment; filename=photognp.exe`, ""},
		{"other script", journey.Content{Type: "image/png", Name: "più.png"}, "application/octet-stream", `attachment; filename*=utf-8''pi%C3%B9.png`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			require.NoError(t, writeContent(w, tc.content))
			require.Equal(t, tc.kind, w.Header().Get("Content-Type"))
			require.Equal(t, tc.named, w.Header().Get("Content-Disposition"))
			require.Equal(t, contentCSP, w.Header().Get("Content-Security-Policy"))
			require.Contains(t, w.Body.String(), tc.has)
		})
	}
}

func TestContentOfAContact(t *testing.T) {
	f := newFixture(t, nil)
	f.thread.contents["b_e_1"] = journey.Content{Type: "text/html", Data: []byte(`<p onload=x>Ciao</p>`)}
	f.thread.contents["b_secret"] = journey.Content{Type: "text/html", Data: []byte("somebody else's")}
	c, _, card, _ := offerTo(t, f, contact.D2)
	at := "/api/contacts/" + string(card.Contact) + "/content/"
	r, err := c.do(http.MethodGet, at+"b_e_1", nil, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, r.StatusCode)
	require.Equal(t, contentCSP, r.Header.Get("Content-Security-Policy"))
	require.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"))
	require.Contains(t, r.text, "<p>Ciao</p>")
	code, _ := c.call(http.MethodGet, at+"b_secret", nil)
	require.Equal(t, http.StatusForbidden, code, "not on this thread")
	code, _ = c.call(http.MethodGet, at+"b_e_0", nil)
	require.Equal(t, http.StatusForbidden, code, "not shown yet")
	_, _ = c.call(http.MethodGet, "/api/contacts/"+string(card.Contact)+"/thread?before=e_1", nil)
	code, _ = c.call(http.MethodGet, at+"b_e_0", nil)
	require.Equal(t, http.StatusNotFound, code, "shown now, but its content is gone")
	code, _ = f.client().call(http.MethodGet, at+"b_e_1", nil)
	require.Equal(t, http.StatusUnauthorized, code)
}

func TestValidTextIsCutAtARune(t *testing.T) {
	s := validText([]byte(strings.Repeat("è", maxShown)))
	require.LessOrEqual(t, len(s), maxShown)
	require.NotContains(t, s, "\uFFFD")
}
