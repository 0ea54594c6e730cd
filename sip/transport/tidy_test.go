package transport

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTidy(t *testing.T) {
	const start = "OPTIONS sip:a@b SIP/2.0\r\n"
	cases := map[string]struct{ in, want string }{
		"as it should be":   {"Via: SIP/2.0/UDP a:5060;branch=z\r\nFrom: \"A\" <sip:a@b>;tag=1\r\n", "Via: SIP/2.0/UDP a:5060;branch=z\r\nFrom: \"A\" <sip:a@b>;tag=1\r\n"},
		"around semicolons": {"From: <sip:a@b> ; tag = 1\r\n", "From: <sip:a@b>;tag=1\r\n"},
		"folded":            {"To :\r\n <sip:a@b>\r\n\t; x\r\n", "To: <sip:a@b>;x\r\n"},
		"in quotes":         {"From: \"a ; b = \\\" ; c\" <sip:a@b> ;tag=1\r\n", "From: \"a ; b = \\\" ; c\" <sip:a@b>;tag=1\r\n"},
		"in brackets":       {"f: <sip:a ; b@c> ; tag=1\r\n", "f: <sip:a ; b@c>;tag=1\r\n"},
		"Via":               {"v: SIP  / 2.0 /\r\n TCP   a : 5060 ; branch = z\r\n", "v: SIP/2.0/TCP   a:5060;branch=z\r\n"},
		"other headers":     {"User-Agent: a ; b = c\r\nVia: SIP/2.0/UDP a;b = c\r\n", "User-Agent: a ; b = c\r\nVia: SIP/2.0/UDP a;b=c\r\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, start+c.want+"\r\nbody ; = ", string(tidy([]byte(start+c.in+"\r\nbody ; = "))))
		})
	}
}

func TestFault(t *testing.T) {
	for line, want := range map[string]int{
		"OPTIONS soap.beep://192.0.2.1:3002 SIP/2.0\r\n": 416,
		"OPTIONS http:x SIP/2.0\r\n":                     416,
		"OPTIONS sip:[ SIP/2.0\r\n":                      400,
		"OPTIONS <sip:a@b> SIP/2.0\r\n":                  400,
		"OPTIONS  sip:a@b SIP/2.0\r\n":                   400,
		"OPTIONS\r\n":                                    400,
	} {
		code, _ := fault([]byte(line))
		require.Equal(t, want, code, line)
	}
}

// FuzzTidy: a message that was made tidy is tidy, keeps its body, and is not
// longer but by a space after each name and the end of its last line.
func FuzzTidy(f *testing.F) {
	f.Add([]byte("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP / 2.0 / UDP a ; branch = z\r\nFrom :\r\n \"a ; b\" <sip:a@b> ; tag = 1\r\n\r\nbody ; ="))
	f.Add([]byte("OPTIONS sip:a@b SIP/2.0\r\nt: \"open ; \\"))
	f.Add([]byte(" ;\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		once := tidy(bytes.Clone(b))
		if len(once) > len(b)+strings.Count(string(b), ":")+len(crlf) {
			t.Fatalf("%d bytes of %d", len(once), len(b))
		}
		if again := tidy(bytes.Clone(once)); !bytes.Equal(once, again) {
			t.Fatalf("%q became %q", once, again)
		}
		_, body, found := bytes.Cut(b, []byte(doubleCRLF))
		if found && !bytes.HasSuffix(once, body) {
			t.Fatalf("the body %q was changed in %q", body, once)
		}
	})
}
