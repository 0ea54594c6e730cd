package email

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseMail(t *testing.T) {
	mixed := mailText(`--b
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Perch=E9 no
--a
Content-Type: text/html; charset=utf-8

<p>Perché <b>no</b></p><script>alert(1)</script>
--a--
--b
Content-Type: image/png; name="=?utf-8?q?f=C3=B3to.png?="
Content-Disposition: attachment
Content-Transfer-Encoding: base64

`+base64.StdEncoding.EncodeToString([]byte("picture"))+"\n--b--\n",
		"From: =?utf-8?b?SsO8cmdlbg==?= <J@example.de>", "Subject: a\r\n b", "Message-ID: <x@y>",
		"References: <r1@y> <r2@y>", "In-Reply-To: <r2@y>", "Date: Fri, 20 Nov 2026 21:14:00 +0100",
		"MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b")
	m, err := ParseMail([]byte(mixed))
	require.NoError(t, err)
	require.Equal(t, "j@example.de", m.From.Address)
	require.Equal(t, "Jürgen", m.From.Name)
	require.Equal(t, "a b", m.Subject)
	require.Equal(t, "Perché no", strings.TrimSpace(m.Text))
	require.Contains(t, m.HTML, "<script>", "kept as received: it is cleaned when shown")
	require.Equal(t, []string{"r1@y", "r2@y"}, m.References)
	require.Equal(t, []string{"r2@y"}, m.InReplyTo)
	require.Equal(t, "x@y", m.MessageID)
	require.True(t, m.Date.Equal(time.Date(2026, 11, 20, 20, 14, 0, 0, time.UTC)))
	require.Equal(t, []Attachment{{Name: "fóto.png", Type: "image/png", Data: []byte("picture")}}, m.Attachments)
}

func TestTextIsMadeOfHTML(t *testing.T) {
	m, err := ParseMail([]byte(mailText(`<html><head><style>p{}</style><title>t</title></head><body><p>Where is<br>my <b>order</b>?</p><p>Thanks &amp; bye</p><script>x()</script></body></html>`,
		"From: a@b.example", "Content-Type: text/html; charset=utf-8")))
	require.NoError(t, err)
	require.Equal(t, "Where is\nmy order ?\nThanks & bye", m.Text)
}

func TestMachinesAreKnown(t *testing.T) {
	tests := []struct{ header, want string }{
		{"X-Nothing: 1", ""},
		{"Auto-Submitted: no", ""},
		{"Auto-Submitted: no; owner", ""},
		{"Auto-Submitted: auto-replied; x=y", "auto"},
		{"Auto-Submitted: auto-generated", "auto"},
		{"X-Autoreply: yes", "auto"},
		{"Precedence: bulk", "list"},
		{"Precedence: Junk", "list"},
		{"Precedence: auto_reply", "auto"},
		{"List-Id: <news.example>", "list"},
		{"List-Unsubscribe: <https://x>", "list"},
	}
	for _, tt := range tests {
		t.Run(tt.header, func(t *testing.T) {
			m, err := ParseMail([]byte(mailText("hi", "From: a@b.example", tt.header)))
			require.NoError(t, err)
			require.Equal(t, tt.want, m.Auto)
		})
	}
}

// nested is depth multiparts, each in the one before.
func nested(depth int) string {
	var b strings.Builder
	b.WriteString("From: a@b.example\r\nMIME-Version: 1.0\r\n")
	for i := range depth {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=\"b%d\"\r\n\r\n--b%d\r\n", i, i)
	}
	b.WriteString("Content-Type: text/plain\r\n\r\nhi\r\n")
	for i := depth - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "--b%d--\r\n", i)
	}
	return b.String()
}

func TestBombsAreRefused(t *testing.T) {
	many := "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
		strings.Repeat("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n", maxParts+1) + "--b--\r\n"
	hidden := "From: a@b.example\r\nContent-Type: application/x-thing;\r\n boundary=b\r\n\r\n" +
		strings.Repeat("--b\r\n\r\nx\r\n", maxParts+1) + "--b--\r\n"
	tests := []struct {
		name, text string
		want       error
	}{
		{"deep enough", nested(maxDepth), nil},
		{"too deep", nested(maxDepth + 1), ErrTooDeep},
		{"absurdly deep", nested(20_000), ErrTooDeep},
		{"too many parts", many, ErrTooMany},
		{"too many parts of an odd type", hidden, ErrTooMany},
		{"endless header", "From: a@b.example\r\nX: " + strings.Repeat("a", 100) + "\r\n" + strings.Repeat(" a\r\n", maxHeader), ErrNotMail},
		{"header in one line", "From: a@b.example\r\nX: " + strings.Repeat("a", 4*maxHeader) + "\r\n\r\nhi", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			_, err := ParseMail([]byte(tt.text))
			require.ErrorIs(t, err, tt.want)
			require.Less(t, time.Since(start), 5*time.Second)
		})
	}
}

func TestFresh(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"plain", "Hello\nthere", "Hello\nthere"},
		{"quoted below", "Thanks\n\n> old\n> older", "Thanks"},
		{"outlook", "Thanks\n-----Original Message-----\nFrom: x", "Thanks"},
		{"gmail", "Thanks\n\nOn Fri, 20 Nov 2026 at 21:14, Paola <p@x> wrote:\n> old", "Thanks"},
		{"gmail folded", "Grazie\n\nIl giorno ven 20 nov 2026 alle ore 21:14 Paola\n<p@x> ha scritto:\n> vecchio", "Grazie"},
		{"german", "Danke\nAm 20.11.2026 um 21:14 schrieb Paola:\n> alt", "Danke"},
		{"only quotation", "> old", "> old"},
		{"no quotation head", "On the whole I liked it", "On the whole I liked it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { require.Equal(t, tt.want, fresh(tt.text)) })
	}
}

func TestSignaturePhone(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"national", "Mario\nTel: 347 555 4419", "+393475554419"},
		{"international", "Mario\n+39 (051) 2345678", "+390512345678"},
		{"twice the same", "347 555 4419\n+39 347 555 4419", "+393475554419"},
		{"two numbers are a company's", "347 555 4419\n051 2345678", ""},
		{"none", "Mario Rossi\nVia Roma 1", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := signaturePhone(tt.text, "IT")
			require.Equal(t, tt.want, got)
		})
	}
}

func FuzzParseMail(f *testing.F) {
	f.Add([]byte(mailText("hi", giulia...)))
	f.Add([]byte(nested(3)))
	f.Add([]byte("From: a@b.example\r\nContent-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n"))
	f.Add([]byte("From: =?utf-7?q?+AD?= <a@b>\nContent-Type: text/html; charset=utf-16\n\n\xff\xfe<"))
	f.Add([]byte("\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := ParseMail(raw)
		if err != nil {
			return
		}
		if m.From.Address == "" || strings.ContainsAny(m.From.Address+m.Subject+m.From.Name, "\r\n\x00") {
			t.Fatalf("unsafe mail: %q %q", m.From, m.Subject)
		}
		if len(m.Attachments) > maxAttachments || len(m.References) > maxReferences {
			t.Fatal("bounds do not hold")
		}
	})
}
