package journey

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filo/contact"
)

const (
	secretName = "secret.key" // in the data directory
	minSecret  = 16           // bytes
	maxToken   = 1024
)

// Secret reads the configured secret, or the one generated at the first start.
// Nodes that share a hot store share it.
func Secret(cfg Config) ([]byte, error) {
	path := cmp.Or(cfg.SecretFile, filepath.Join(cfg.DataDir, secretName))
	b, err := os.ReadFile(path) //nolint:gosec // the operator's own configuration
	if errors.Is(err, fs.ErrNotExist) && cfg.SecretFile == "" {
		b, err = generateSecret(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if b = []byte(strings.TrimSpace(string(b))); len(b) < minSecret {
		return nil, fmt.Errorf("%s holds fewer than %d bytes", path, minSecret)
	}
	return b, nil
}

func generateSecret(path string) ([]byte, error) {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails since Go 1.24
	text := []byte(hex.EncodeToString(raw[:]))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // in our data directory
	if errors.Is(err, fs.ErrExist) {
		return os.ReadFile(path) //nolint:gosec // somebody else was first
	}
	if err != nil {
		return nil, err
	}
	_, err = f.Write(text)
	return text, errors.Join(err, f.Sync(), f.Close())
}

// A signed text is base64url(payload) "." base64url(HMAC-SHA256(secret,
// purpose || 0 || payload)); the payload is an expiry in seconds and fields
// with their lengths, so that no two lists of fields look alike.
func (j *Journey) sign(purpose string, until time.Time, fields ...string) string {
	p := binary.AppendVarint(nil, until.Unix())
	for _, f := range fields {
		p = binary.AppendUvarint(p, uint64(len(f)))
		p = append(p, f...)
	}
	return base64.RawURLEncoding.EncodeToString(p) + "." + base64.RawURLEncoding.EncodeToString(j.mac(purpose, p))
}

func (j *Journey) mac(purpose string, payload []byte) []byte {
	m := hmac.New(sha256.New, j.secret)
	m.Write([]byte(purpose))
	m.Write([]byte{0})
	m.Write(payload)
	return m.Sum(nil)
}

// open checks signature, purpose and expiry and returns the n fields.
func (j *Journey) open(purpose, token string, n int) (fields []string, until time.Time, err error) {
	if len(token) > maxToken {
		return nil, until, fmt.Errorf("%w: too long", ErrBadToken)
	}
	head, tail, _ := strings.Cut(token, ".")
	payload, err1 := base64.RawURLEncoding.DecodeString(head)
	mac, err2 := base64.RawURLEncoding.DecodeString(tail)
	if err1 != nil || err2 != nil || !hmac.Equal(mac, j.mac(purpose, payload)) {
		return nil, until, fmt.Errorf("%w: signature", ErrBadToken)
	}
	sec, w := binary.Varint(payload)
	if w <= 0 {
		return nil, until, fmt.Errorf("%w: payload", ErrBadToken)
	}
	until = time.Unix(sec, 0)
	for p := payload[w:]; len(p) > 0; {
		size, w := binary.Uvarint(p)
		if w <= 0 || size > uint64(len(p)-w) { //nolint:gosec // w is at most len(p)
			return nil, until, fmt.Errorf("%w: payload", ErrBadToken)
		}
		end := w + int(size) //nolint:gosec // bounded by len(p)
		fields = append(fields, string(p[w:end]))
		p = p[end:]
	}
	if len(fields) != n {
		return nil, until, fmt.Errorf("%w: payload", ErrBadToken)
	}
	if j.now().After(until) {
		return nil, until, fmt.Errorf("%w: expired", ErrBadToken)
	}
	return fields, until, nil
}

// CallToken returns a click-to-call token for a browser session: signed, valid
// for five minutes, and good for one call. A call with it is that session's.
func (j *Journey) CallToken(ctx context.Context, session Identity) (string, error) {
	id, ok := session.normal(j.cfg.Region)
	if !ok || id.Type != Anonymous && id.Type != UserID {
		return "", fmt.Errorf("%w: session is no usable identity", ErrBadToken)
	}
	now := j.now()
	return j.sign("call", now.Add(j.cfg.CallTokenFor), contact.NewToken("t_", now), string(id.Type), id.Value), nil
}

// CheckCallToken tells whose session the token is, without using it up: for
// the handshake that comes before the call.
func (j *Journey) CheckCallToken(token string) (Identity, error) {
	f, _, err := j.open("call", token, 3)
	if err != nil {
		return Identity{}, err
	}
	return Identity{IdentityType(f[1]), f[2]}, nil
}

// useCallToken accepts a token once, across restarts.
func (j *Journey) useCallToken(ctx context.Context, token string) (Identity, error) {
	f, until, err := j.open("call", token, 3)
	if err != nil {
		return Identity{}, err
	}
	first, err := j.rec.Once(ctx, "call:"+f[0], until)
	if err != nil {
		return Identity{}, fmt.Errorf("use call token: %w", err)
	}
	if !first {
		return Identity{}, fmt.Errorf("%w: used before", ErrBadToken)
	}
	return Identity{IdentityType(f[1]), f[2]}, nil
}

// Link is what a signed link in a mail says.
type Link struct {
	Mail    string // address that the mail went to
	Message string // event id of the mail, "" when unknown
}

// SignLink returns the value of the parameter cx= for links in a mail to the
// address. It is valid for 30 days.
func (j *Journey) SignLink(address, message string) string {
	address, _ = NormalMail(address)
	return j.sign("link", j.now().Add(j.cfg.SignedLinkFor), address, message)
}

// VerifyLink reads what SignLink wrote. A visitor with a good link is the
// address's owner with .80, as mails are forwarded: see LinkEvidence.
func (j *Journey) VerifyLink(cx string) (Link, error) {
	f, _, err := j.open("link", cx, 2)
	if err != nil {
		return Link{}, err
	}
	if f[0] == "" {
		return Link{}, fmt.Errorf("%w: no address", ErrBadToken)
	}
	return Link{Mail: f[0], Message: f[1]}, nil
}

// LinkEvidence is the evidence of a visitor who came by the link.
func LinkEvidence(anonymous string, l Link, at time.Time) Evidence {
	return Evidence{A: Identity{Anonymous, anonymous}, B: Identity{Mail, l.Mail}, Source: FromSignedLink, At: at}
}
