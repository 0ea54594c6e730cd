package desk

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// pages serves the built web app from memory: all of it is a few hundred
// kilobytes that never change while the program runs.
type pages struct{ files map[string]page }

type page struct {
	data      []byte
	kind      string // Content-Type
	tag       string // ETag
	immutable bool   // its name carries a hash
}

// hashed is the directory of files whose names change with their content.
const hashed = "desk/assets/"

// widgets is the directory of scripts for pages of other sites.
const widgets = "shop/"

// errNoPages is why only the placeholder is served.
var errNoPages = errors.New("the web app is not built: run make web")

func newPages(files fs.FS) (*pages, error) {
	p := &pages{files: map[string]page{}}
	err := fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		sum := sha256.Sum256(data)
		p.files[name] = page{
			data: data, kind: contentType(name),
			tag:       `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
			immutable: strings.HasPrefix(name, hashed),
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read pages: %w", err)
	}
	return p, nil
}

// contentType does not ask the system's tables, which differ between machines.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json", ".map", ".webmanifest":
		return "application/json"
	case ".woff2":
		return "font/woff2"
	case ".wav":
		return "audio/wav"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// serve answers GET and HEAD below /desk/ and /shop/.
func (p *pages) serve(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if strings.HasSuffix(name, "/") {
		name += "index.html"
	}
	f, ok := p.files[name]
	if !ok && strings.HasSuffix(name, "/index.html") && p.unbuilt() {
		f, ok = p.placeholder(), true
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("ETag", f.tag)
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, widgets) && path.Ext(name) == ".js" { // other sites load it by its URL
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("Access-Control-Allow-Origin", "*")
	}
	if f.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
}

func (p *pages) unbuilt() bool {
	_, ok := p.files["desk/index.html"]
	return !ok
}

func (p *pages) placeholder() page {
	if f, ok := p.files["placeholder.html"]; ok {
		return f
	}
	return page{data: []byte(errNoPages.Error() + "\n"), kind: "text/plain; charset=utf-8", tag: `"none"`}
}
