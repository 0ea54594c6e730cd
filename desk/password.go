package desk

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// Parameters of new hashes: OWASP's second choice for argon2id (19 MiB, two
// passes, one lane), about 30 ms on the machines that this was made on.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonKey     = 32
	argonSalt    = 16
	// What a hash from a file may cost at most, so that a wrong file cannot
	// make each sign-in eat the machine.
	argonMaxMemory = 256 * 1024
	argonMaxTime   = 16
	minPassword    = 8
	maxPassword    = 256
)

var errHashFormat = errors.New("hash is neither argon2id ($argon2id$v=19$...) nor bcrypt ($2a$, $2b$, $2y$)")

// HashPassword returns the argon2id hash of a password in its usual text form,
// for the users file. Passwords have 8 to 256 bytes.
func HashPassword(password string) (string, error) {
	if len(password) < minPassword || len(password) > maxPassword {
		return "", fmt.Errorf("password must have %d to %d bytes", minPassword, maxPassword)
	}
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonKey)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// hash is a parsed password hash; exactly one form is set.
type hash struct {
	salt, key    []byte // argon2id
	memory, time uint32
	threads      uint8
	bcrypt       []byte
}

func parseHash(s string) (hash, error) {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "$2") {
		cost, err := bcrypt.Cost([]byte(s))
		if err != nil {
			return hash{}, fmt.Errorf("bcrypt hash: %w", err)
		}
		if cost < bcrypt.DefaultCost || cost > 15 {
			return hash{}, fmt.Errorf("bcrypt cost %d is outside 10 to 15", cost)
		}
		return hash{bcrypt: []byte(s)}, nil
	}
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" {
		return hash{}, errHashFormat
	}
	var h hash
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); n != 3 || err != nil {
		return hash{}, errHashFormat
	}
	if h.memory < 8*1024 || h.memory > argonMaxMemory || h.time < 1 || h.time > argonMaxTime || h.threads < 1 || h.threads > 8 {
		return hash{}, errors.New("argon2id parameters are outside m=8192..262144, t=1..16, p=1..8")
	}
	var err1, err2 error
	h.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	h.key, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(h.salt) < 8 || len(h.salt) > 64 || len(h.key) < 16 || len(h.key) > 64 {
		return hash{}, errHashFormat
	}
	return h, nil
}

// matches reports whether h was made of password; its time does not depend on
// how much of it is right.
func (h hash) matches(password string) bool {
	if len(password) > maxPassword {
		return false
	}
	if h.bcrypt != nil {
		return bcrypt.CompareHashAndPassword(h.bcrypt, []byte(password)) == nil
	}
	if h.key == nil {
		return false
	}
	got := argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, uint32(len(h.key))) //nolint:gosec // 16 to 64 by parseHash
	return subtle.ConstantTimeCompare(got, h.key) == 1
}
