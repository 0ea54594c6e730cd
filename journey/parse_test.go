package journey

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
)

func TestNormal(t *testing.T) {
	for _, c := range []struct {
		typ   IdentityType
		value string
		want  string // "" is no key
	}{
		{Phone, "347 123 4419", "+393471234419"},
		{Phone, "0039 347 1234419", "+393471234419"},
		{Phone, "+39-347-1234419", "+393471234419"},
		{Phone, "+44 20 7946 0958", "+442079460958"},
		{Phone, "02 1234567", "+39021234567"},
		{Phone, "anonymous", ""},
		{Phone, "Restricted", ""},
		{Phone, "", ""},
		{Phone, "118", ""},
		{Phone, "+39", ""},
		{Phone, "1-800-FLOWERS", ""},
		{Phone, strings.Repeat("1", 100), ""},
		{Mail, " Giulia <Giulia@Example.IT> ", "giulia@example.it"},
		{Mail, "info@example.it", ""},
		{Mail, "no-reply+x@example.it", ""},
		{Mail, "not an address", ""},
		{Mail, "a@b\r\nBcc: c@d", ""},
		{Anonymous, " x ", "x"},
		{Anonymous, "", ""},
		{UserID, "a\x00b", ""},
		{UserID, strings.Repeat("x", 257), ""},
		{"fax", "1", ""},
	} {
		got, ok := Identity{c.typ, c.value}.normal("IT")
		require.Equal(t, c.want != "", ok, "%q", c.value)
		if ok {
			require.Equal(t, c.want, got.Value)
		}
	}
}

func TestMasks(t *testing.T) {
	for in, want := range map[string]string{"+393471234419": "+39 347 ••• 4419", "3471234419": "347 ••• 4419", "+14155550132": "+1 415 ••• 0132", "+390612345678": "+39 061 ••• 5678", "+3936012": "+39 •••12", "4242": "•••42", "118": "•••", "": ""} {
		require.Equal(t, want, MaskPhone(in))
	}
	for in, want := range map[string]string{"giulia@posta.example": "g••••••@posta.example", "è@x": "è••••••@x", "@x": "••••••@x", "nobody": "•••", "": ""} {
		require.Equal(t, want, MaskMail(in))
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	cfg := DefaultConfig()
	cfg.DataDir = filepath.Join(dir, "data")
	first, err := Secret(cfg)
	require.NoError(t, err)
	again, err := Secret(cfg)
	require.NoError(t, err)
	require.Equal(t, first, again)
	info, err := os.Stat(filepath.Join(cfg.DataDir, secretName))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	cfg.SecretFile = filepath.Join(dir, "missing")
	_, err = Secret(cfg)
	require.Error(t, err, "a configured file is not made up")
	require.NoError(t, os.WriteFile(cfg.SecretFile, []byte("short\n"), 0o600))
	_, err = Secret(cfg)
	require.ErrorContains(t, err, "fewer than")
}

func TestSentences(t *testing.T) {
	at := func(ago time.Duration) *time.Time { v := noon.Add(-ago); return &v }
	for _, c := range []struct {
		h      Headline
		en, it string
	}{
		{Headline{Who: "Ada"}, "Ada", "Ada"},
		{Headline{}, "Known customer", "Cliente noto"},
		{Headline{Who: "Ada", Stage: "cart", StoppedAt: at(30 * time.Second)}, "Ada, stopped at cart, just now", "Ada, ferma al carrello, adesso"},
		{
			Headline{Who: "Ada", Stage: "tax_code", StoppedAt: at(time.Hour), StepNo: 1, Steps: 2, Value: "10", Currency: "USD"},
			"Ada, stopped at tax code, step 1 of 2, one hour ago, 10 USD", "Ada, ferma a tax code, passo 1 di 2, un'ora fa, 10 USD",
		},
		{
			Headline{Who: "Ada", Unanswered: &Unanswered{Channel: "sms", Since: noon.Add(-30 * time.Hour)}},
			"Ada, SMS unanswered since 19 November", "Ada, SMS senza risposta dal 19 novembre",
		},
		{Headline{Who: "Ada", Stage: "review", StoppedAt: at(11 * time.Minute)}, "Ada, stopped at review, 11 minutes ago", "Ada, ferma al riepilogo, 11 minuti fa"},
	} {
		got := sentences(c.h, 2, noon)
		require.Equal(t, c.en, got["en"])
		require.Equal(t, c.it, got["it"])
	}
}

func FuzzToken(f *testing.F) {
	dir := f.TempDir()
	cfg := DefaultConfig()
	cfg.DataDir = dir
	j, err := New(cfg, nil, NewMemory(1), Deps{})
	require.NoError(f, err)
	good := j.SignLink("a@example.it", "e_1")
	f.Add(good)
	f.Add("")
	f.Add(".")
	f.Add(strings.Repeat("A", 2000))
	f.Fuzz(func(t *testing.T, token string) {
		l, err := j.VerifyLink(token)
		if err == nil && l != (Link{Mail: "a@example.it", Message: "e_1"}) {
			t.Fatalf("%q opened as %+v", token, l)
		}
		if _, err := j.CheckCallToken(token); err == nil {
			t.Fatalf("%q is a call token", token)
		}
	})
}

func FuzzPhone(f *testing.F) {
	for _, s := range []string{"+393471234419", "00", "tel:+39", "\u0660\u0661", "+", "()", "anonymous"} {
		f.Add(s, "IT")
	}
	f.Fuzz(func(t *testing.T, number, region string) {
		got, ok := NormalPhone(number, region)
		if !ok {
			return
		}
		if !strings.HasPrefix(got, "+") || len(got) > 17 {
			t.Fatalf("%q became %q", number, got)
		}
		if again, ok := NormalPhone(got, ""); !ok || again != got {
			t.Fatalf("%q became %q became %q", number, got, again)
		}
	})
}

func FuzzMail(f *testing.F) {
	f.Add("Giulia <g@example.it>")
	f.Add("g@example.it, h@example.it")
	f.Fuzz(func(t *testing.T, address string) {
		if got, ok := NormalMail(address); ok && (strings.ContainsAny(got, "\r\n ") || !strings.Contains(got, "@")) {
			t.Fatalf("%q became %q", address, got)
		}
	})
}

func FuzzDossier(f *testing.F) {
	d := Dossier{
		Customer: "u_1", Version: 7, Leaves: []Leaf{{ID: "u_1", Root: "u_1", Identity: Identity{Phone, "+39"}, Channels: []contact.Channel{"sms"}}},
		Edges: []Edge{edge("u_1", "u_2", FromFormPhone)}, Recent: []Event{{ID: "e_1", Kind: KindStep, OccurredAt: noon, Attrs: map[string]string{"form": "checkout"}}},
	}
	f.Add(EncodeDossier(&d))
	f.Add([]byte{codecVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := DecodeDossier(b)
		if err != nil {
			return
		}
		again, err := DecodeDossier(EncodeDossier(&d))
		require.NoError(t, err)
		require.Equal(t, len(d.Leaves)+len(d.Edges)+len(d.Recent), len(again.Leaves)+len(again.Edges)+len(again.Recent))
	})
}
