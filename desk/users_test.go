package desk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"filo/contact"
)

func TestHashPassword(t *testing.T) {
	s, err := HashPassword(password)
	require.NoError(t, err)
	h, err := parseHash(s + "\n")
	require.NoError(t, err)
	require.True(t, h.matches(password))
	require.False(t, h.matches(password+"x"))
	require.False(t, h.matches(""))
	require.False(t, h.matches(strings.Repeat("x", maxPassword+1)))
	require.False(t, hash{}.matches(""))

	b, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	require.NoError(t, err)
	h, err = parseHash(string(b))
	require.NoError(t, err)
	require.True(t, h.matches(password))
	require.False(t, h.matches("x"))

	for _, p := range []string{"", "short", strings.Repeat("x", maxPassword+1)} {
		_, err := HashPassword(p)
		require.Error(t, err)
	}
	for _, bad := range []string{
		"", "secret", "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5", "$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5",
		"$argon2id$v=19$m=19456,t=2,p=1$!$a2V5", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$a2V5", "$2a$04$abc", "$2a$31$abcdefghijklmnopqrstuvabcdefghijklmnopqrstuvabcdefghijklmnopq",
	} {
		_, err := parseHash(bad)
		require.Error(t, err, bad)
	}
}

func TestLoadUsers(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	write("paola.hash", passwordHash()+"\n")
	write("desk1.sip", "sip-secret\n")
	us, err := LoadUsers(write("users.yaml", `
users:
  - user: paola
    name: Paola Ferri
    lang: it
    password_hash_file: paola.hash
    skills: {checkout: 90, delivery: 70}
    languages: [it, en]
    caps: {voice: 1, email: 2}
  - user: desk1
    phone: true
    sip_password_file: desk1.sip
    ready_at_start: true
`))
	require.NoError(t, err)
	require.Equal(t, 2, us.Len())
	u, ok := us.Get("paola")
	require.True(t, ok)
	require.True(t, u.hash.matches(password))
	require.Equal(t, map[string]uint8{"checkout": 90, "delivery": 70, "lang:it": 100, "lang:en": 100}, u.agent().Skills)
	require.Equal(t, 2, u.agent().Caps[contact.Email])
	require.Equal(t, "Paola Ferri", us.Name("paola"))
	require.Equal(t, "who", us.Name("who"))
	require.True(t, us.Phone("desk1"))
	require.False(t, us.Phone("paola"))
	d, _ := us.Get("desk1")
	require.Equal(t, "sip-secret", d.SIPPassword)

	_, err = LoadUsers(filepath.Join(dir, "none.yaml"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestUsersFileSaysEverythingThatIsWrong(t *testing.T) {
	_, err := ParseUsers([]byte(`users:
  - user: Paola
    role: king
    lang: fr
    password_hash: secret
  - user: marta
    skills: {checkout: 101}
    languages: [italian]
    caps: {voice: -1}
    capacity: 5000
  - user: marta
    password_hash_file: none.hash
  - user: p1
    phone: true
  - user: p2
    ready_at_start: true
`), func(string) ([]byte, error) { return nil, errors.New("no such file") })
	require.Error(t, err)
	for _, want := range []string{
		`line 2: users[0].user: "Paola"`, `line 2: users[0].role: "king"`, `line 2: users[0].lang: "fr"`, `line 2: users[0].password_hash: hash is neither`,
		`line 6: users[1].skills.checkout: 101`, `line 6: users[1].languages: "italian"`, `line 6: users[1].caps.voice: -1`, `line 6: users[1].capacity: 5000`,
		`line 11: users[2].user: "marta" is there twice`, `line 11: users[2].password_hash_file: no such file`,
		`line 13: users[3].sip_password_file: a SIP phone needs one`, `line 15: users[4].ready_at_start: only for`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "secret")
	_, err = ParseUsers([]byte("users:\n  - user: a\n    passwort: x\n"), nil)
	require.ErrorContains(t, err, "passwort")
	_, err = ParseUsers([]byte("users: 3"), nil)
	require.Error(t, err)
}

func FuzzParseUsers(f *testing.F) {
	f.Add([]byte("users:\n  - user: a\n    skills: {x: 1}\n"))
	f.Add([]byte("users: [{user: a, user: b}]"))
	f.Add([]byte("users:\n  - *a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		us, err := ParseUsers(data, func(string) ([]byte, error) { return nil, os.ErrNotExist })
		if err != nil {
			return
		}
		for _, n := range us.names {
			if u, ok := us.Get(n); !ok || !isUserName(u.User) || u.Role == "" {
				t.Fatalf("%q gave user %+v", data, u)
			}
		}
	})
}

func FuzzParseHello(f *testing.F) {
	f.Add([]byte(`{"type":"hello","csrf":"x","after":12}`))
	f.Add([]byte(`{"type":"hello","csrf":"x","after":-1}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := parseHello(data)
		if err == nil && (h.Type != "hello" || h.CSRF == "") {
			t.Fatalf("%q gave %+v", data, h)
		}
	})
}

func TestDefaultConfigIsValid(t *testing.T) { require.NoError(t, DefaultConfig().Validate()) }

func TestConfigSaysEverythingThatIsWrong(t *testing.T) {
	c := Config{
		LineURL: "http://x", Origins: []string{"https://ok.example", "desk.example.com", "https://x.example/path"},
		Dispositions: []Disposition{{ID: "a"}, {ID: "B!", Label: map[string]string{"en": "b"}}},
		Reasons:      []Label{{ID: "a", Label: map[string]string{"en": "a"}}, {ID: "a", Label: map[string]string{"en": "a"}}},
	}
	err := c.Validate()
	for _, want := range []string{
		"domain: ", "line_url: ", "origins[1]: ", "origins[2]: ", "session.idle: ", "session.max: ", "socket.hello: ", "socket.queue: ", "session.requests: ",
		"dispositions[0].label: ", "dispositions[1].id: ", "reasons[1].id: ", "view_timeout: ",
	} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "origins[0]")
}
