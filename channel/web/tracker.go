package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
)

// trackerSource is written to be read; what is served has no comments and no
// indentation, and is shorter than 2 KB.
//
//go:embed filo.js
var trackerSource []byte

type script struct {
	body []byte
	etag string
}

func newScript() script {
	body := strip(trackerSource)
	sum := sha256.Sum256(body)
	return script{body: body, etag: `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// strip drops indentation, empty lines and lines that are comments. Line
// breaks stay: they may end statements.
func strip(source []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(source) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || bytes.HasPrefix(line, []byte("//")) {
			continue
		}
		out.Write(line)
		out.WriteByte('\n')
	}
	return out.Bytes()
}

func (c *Channel) serveTracker(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", c.tracker.etag)
	if r.Header.Get("If-None-Match") == c.tracker.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(c.tracker.body)
}
