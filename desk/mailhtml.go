package desk

import (
	"bytes"
	"fmt"
	"html"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"

	"filo/journey"
)

// contentCSP is the policy of content that customers wrote: no script, no
// request to anywhere, an origin of its own.
const contentCSP = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"

// maxShown bounds the text that is sanitised and shown; what is longer is cut.
const maxShown = 2 << 20

// dataImage matches the pictures that may stand in a mail: inside it, and of a
// type that runs no code. SVG does.
var dataImage = regexp.MustCompile(`^data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$`)

// mailPolicy is what remains of a mail: text, tables, lists, colours, pictures
// that it carries. No scripts, forms, frames, remote pictures, classes or ids.
func mailPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "div", "span", "b", "strong", "i", "em", "u", "s", "strike", "small", "sub", "sup",
		"blockquote", "pre", "code", "tt", "ul", "ol", "li", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "center",
		"table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "address")
	p.AllowAttrs("colspan", "rowspan").Matching(regexp.MustCompile(`^[0-9]{1,2}$`)).OnElements("td", "th")
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|right|center|justify)$`)).OnElements("p", "div", "td", "th", "tr", "table")
	p.AllowAttrs("dir").Matching(regexp.MustCompile(`^(ltr|rtl|auto)$`)).Globally()
	p.AllowAttrs("lang").Matching(regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$`)).Globally()
	p.AllowAttrs("alt").Matching(bluemonday.Paragraph).OnElements("img")
	p.AllowAttrs("width", "height").Matching(regexp.MustCompile(`^[0-9]{1,4}$`)).OnElements("img")
	p.AllowAttrs("src").Matching(dataImage).OnElements("img")
	p.AllowURLSchemes("http", "https", "data")
	p.AllowAttrs("href").Matching(regexp.MustCompile(`(?i)^https?://`)).OnElements("a")
	p.RequireParseableURLs(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.RequireNoFollowOnLinks(true)
	for property, value := range mailStyles() {
		p.AllowStyles(property).Matching(regexp.MustCompile(value)).Globally()
	}
	p.SkipElementsContent("title", "svg", "math", "template", "noscript", "object", "applet", "select", "textarea")
	return p
}

// mailStyles are the properties that may stay, with the values that they may
// have: nothing that fetches, moves or covers.
func mailStyles() map[string]string {
	const color = `(?i)^(#[0-9a-f]{3,8}|[a-z]{3,20}|rgba?\([0-9., %]{5,30}\))$`
	return map[string]string{
		"color": color, "background-color": color,
		"font-weight":     `(?i)^(normal|bold|bolder|lighter|[1-9]00)$`,
		"font-style":      `(?i)^(normal|italic|oblique)$`,
		"text-align":      `(?i)^(left|right|center|justify|start|end)$`,
		"text-decoration": `(?i)^(none|underline|line-through|overline)$`,
	}
}

const contentPage = `<!doctype html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">` +
	`<style>body{margin:0;font:15px/22px system-ui,sans-serif;color:#1b1b1b;background:#fff;overflow-wrap:anywhere}` +
	`h1,h2,h3,h4,h5,h6{font:600 16px/22px system-ui,sans-serif;margin:0 0 8px}` + // a mail does not shout
	`p:first-child,pre:first-child{margin-top:0}pre{white-space:pre-wrap;font:inherit}img{max-width:100%%;height:auto}table{max-width:100%%}` +
	`blockquote{margin:0 0 0 8px;padding:0 0 0 8px;border-left:2px solid #bbb;color:#555}</style></head><body>%s</body></html>`

// writeContent answers a mail body as a page for the sandboxed frame, and
// everything else as a download.
func writeContent(w http.ResponseWriter, c journey.Content) error {
	h := w.Header()
	h.Set("Content-Security-Policy", contentCSP)
	h.Set("Cache-Control", "private, no-store")
	kind, _, err := mime.ParseMediaType(c.Type)
	if err != nil {
		kind = "application/octet-stream"
	}
	var body []byte
	switch {
	case c.Name == "" && kind == "text/html":
		h.Set("Content-Type", "text/html; charset=utf-8")
		body = fmt.Appendf(nil, contentPage, SanitiseMail(c.Data))
	case c.Name == "" && strings.HasPrefix(kind, "text/") && kind != "text/xml":
		h.Set("Content-Type", "text/html; charset=utf-8")
		body = fmt.Appendf(nil, contentPage, "<pre>"+html.EscapeString(validText(c.Data))+"</pre>")
	default:
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", disposition(c.Name))
		body = c.Data
	}
	_, err = w.Write(body)
	if err != nil {
		return fmt.Errorf("write content: %w", err)
	}
	return nil
}

// SanitiseMail returns what may be shown of a mail's HTML: text, structure and
// colours, and the pictures that it carries inside. Nothing in it runs or is
// fetched. What is beyond 2 MiB is cut.
func SanitiseMail(data []byte) string {
	return mailPolicy().Sanitize(validText(data)) //nolint:misspell // its name
}

func validText(data []byte) string {
	if len(data) > maxShown {
		end := maxShown
		for end > maxShown-utf8.UTFMax && !utf8.RuneStart(data[end]) {
			end--
		}
		data = data[:end]
	}
	data = bytes.ReplaceAll(data, []byte{0}, nil)
	return strings.ToValidUTF8(string(data), "\uFFFD")
}

// disposition names a download. Paths and control characters of the sender's
// name are dropped; other scripts are encoded as RFC 2231 says.
func disposition(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x200e && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) { // and marks that turn the writing
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	name = strings.TrimLeft(name, ". ")
	if r := []rune(name); len(r) > 120 {
		name = string(r[len(r)-120:])
	}
	if name == "" {
		name = "content"
	}
	if s := mime.FormatMediaType("attachment", map[string]string{"filename": name}); s != "" {
		return s
	}
	return "attachment"
}
