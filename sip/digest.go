package sip

import (
	"context"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // RFC 3261 digest; SHA-256 is offered beside it
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transaction"
	"filo/sip/transport"
)

var errBadDigest = errors.New("bad digest header")

// newHash is the hash of a digest algorithm; nil for one that we do not know.
func newHash(algorithm string) func() hash.Hash {
	switch strings.ToUpper(algorithm) {
	case "", "MD5":
		return md5.New
	case "SHA-256":
		return sha256.New
	}
	return nil
}

// digest is an Authorization or WWW-Authenticate header (RFC 7616).
type digest struct {
	username, realm, nonce, uri, response, algorithm, qop, cnonce, opaque string
	nc                                                                    string
}

// parseDigest reads `Digest name="value", name=value, ...`.
func parseDigest(header string) (digest, error) {
	var d digest
	scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	if !strings.EqualFold(scheme, "Digest") {
		return d, errBadDigest
	}
	for rest = strings.TrimLeft(rest, " \t,"); rest != ""; rest = strings.TrimLeft(rest, " \t,") {
		name, after, ok := strings.Cut(rest, "=")
		if !ok {
			return d, errBadDigest
		}
		value, tail, err := digestValue(strings.TrimLeft(after, " \t"))
		if err != nil {
			return d, err
		}
		if f := d.field(strings.ToLower(strings.TrimSpace(name))); f != nil {
			*f = value
		}
		rest = tail
	}
	if d.nonce == "" || d.realm == "" {
		return d, errBadDigest
	}
	return d, nil
}

func digestValue(s string) (value, tail string, err error) {
	if !strings.HasPrefix(s, `"`) {
		value, tail, _ = strings.Cut(s, ",")
		return strings.TrimSpace(value), tail, nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
			if i < len(s) {
				b.WriteByte(s[i])
			}
		case '"':
			return b.String(), s[i+1:], nil
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", errBadDigest
}

func (d *digest) field(name string) *string {
	switch name {
	case "username":
		return &d.username
	case "realm":
		return &d.realm
	case "nonce":
		return &d.nonce
	case "uri":
		return &d.uri
	case "response":
		return &d.response
	case "algorithm":
		return &d.algorithm
	case "qop":
		return &d.qop
	case "cnonce":
		return &d.cnonce
	case "nc":
		return &d.nc
	case "opaque":
		return &d.opaque
	}
	return nil
}

// answer computes the response of RFC 7616 section 3.4.1 for qop auth or none.
func (d *digest) answer(method, password string) string {
	newH := newHash(d.algorithm)
	sum := func(parts ...string) string {
		h := newH()
		_, _ = h.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(h.Sum(nil))
	}
	ha1, ha2 := sum(d.username, d.realm, password), sum(method, d.uri)
	if d.qop == "" {
		return sum(ha1, d.nonce, ha2)
	}
	return sum(ha1, d.nonce, d.nc, d.cnonce, d.qop, ha2)
}

// answerChallenge builds the header that answers a 401 or 407, by the
// strongest algorithm offered that we know.
func answerChallenge(res *gosip.Response, method, uri, user, password string) (name, value string, err error) {
	ask, name := "WWW-Authenticate", "Authorization"
	if res.StatusCode == 407 {
		ask, name = "Proxy-Authenticate", "Proxy-Authorization"
	}
	var best digest
	for h := range headers(res, ask) {
		d, err := parseDigest(h.Value())
		if err != nil || newHash(d.algorithm) == nil {
			continue
		}
		if best.nonce == "" || strings.EqualFold(d.algorithm, "SHA-256") {
			best = d
		}
	}
	if best.nonce == "" {
		return "", "", fmt.Errorf("no challenge that we can answer: %w", errBadDigest)
	}
	best.username, best.uri = user, uri
	if best.qop != "" {
		best.qop, best.nc, best.cnonce = "auth", "00000001", newToken()
	}
	best.response = best.answer(method, password)
	return name, best.String(), nil
}

func (d *digest) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, `Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s"`,
		escapeName(d.username), escapeName(d.realm), d.nonce, d.uri, d.response)
	if d.algorithm != "" {
		b.WriteString(", algorithm=" + d.algorithm)
	}
	if d.qop != "" {
		fmt.Fprintf(&b, `, qop=%s, nc=%s, cnonce="%s"`, d.qop, d.nc, d.cnonce)
	}
	if d.opaque != "" {
		fmt.Fprintf(&b, `, opaque="%s"`, d.opaque)
	}
	return b.String()
}

// digestServer checks passwords. A nonce proves by its MAC that we made it and
// when; only nonces that were used with a right password take memory.
type digestServer struct {
	live  *atomic.Pointer[Config] // for the algorithms and the life of a nonce in force
	realm string
	now   func() time.Time
	key   []byte
	fails *backoff

	mu   sync.Mutex
	used map[string]*nonceUse
	fifo []string
}

// nonceUse remembers which counts of a nonce were used: the highest and the 64
// below it, because requests may overtake each other.
type nonceUse struct {
	high   uint32
	window uint64
}

func newDigestServer(live *atomic.Pointer[Config], now func() time.Time) *digestServer {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return &digestServer{
		live: live, realm: live.Load().Domain, now: now, key: key,
		fails: newBackoff(now), used: make(map[string]*nonceUse),
	}
}

// newNonce makes a nonce for who asks from an address. It is good there alone,
// so that its use proves that the address is not made up.
func (s *digestServer) newNonce(from netip.Addr) string {
	var b [32]byte
	binary.BigEndian.PutUint64(b[:8], uint64(s.now().UnixMilli())) //nolint:gosec // after 1970
	_, _ = rand.Read(b[8:16])
	copy(b[16:], s.mac(b[:16], from))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (s *digestServer) mac(b []byte, from netip.Addr) []byte {
	m := hmac.New(sha256.New, s.key)
	_, _ = m.Write(b)
	a := from.As16()
	_, _ = m.Write(a[:])
	return m.Sum(nil)[:16]
}

// fresh tells whether we made the nonce for this address, and whether it has not
// expired.
func (s *digestServer) fresh(nonce string, from netip.Addr) (ours, fresh bool) {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != 32 || subtle.ConstantTimeCompare(b[16:], s.mac(b[:16], from)) != 1 {
		return false, false
	}
	return true, s.young(b)
}

// young tells whether a nonce, decoded, has not expired.
func (s *digestServer) young(b []byte) bool {
	made := time.UnixMilli(int64(binary.BigEndian.Uint64(b[:8]))) //nolint:gosec // our own number
	age := s.now().Sub(made)
	life := s.live.Load().NonceLifetime
	return age < life && age > -life
}

// use counts one use of a nonce; false for a replay. Without qop (count 0) a
// nonce is good once.
func (s *digestServer) use(nonce string, count uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.used[nonce]
	if n == nil {
		for len(s.fifo) > 0 {
			b, _ := base64.RawURLEncoding.DecodeString(s.fifo[0]) // it was ours
			if s.young(b) && len(s.fifo) < 100_000 {
				break
			}
			delete(s.used, s.fifo[0])
			s.fifo = s.fifo[1:]
		}
		nonce = strings.Clone(nonce) // it is a part of the request
		s.used[nonce] = &nonceUse{high: count, window: 1}
		s.fifo = append(s.fifo, nonce)
		return true
	}
	switch {
	case count == 0:
		return false
	case count > n.high:
		n.window = n.window<<(count-n.high) | 1
		n.high = count
		return true
	case n.high-count >= 64 || n.window&(1<<(n.high-count)) != 0:
		return false
	}
	n.window |= 1 << (n.high - count)
	return true
}

// challenges are the headers of a 401, one per algorithm in our order (RFC 8760
// section 2.4). Who is known to fail at the sight of SHA-256 is offered MD5
// alone, if it is offered at all.
func (s *digestServer) challenges(stale, simple bool, from netip.Addr) []string {
	offers := s.live.Load().DigestAlgorithms
	if simple {
		offers = offers[:1]
		if s.offered("MD5") {
			offers = []string{"MD5"}
		}
	}
	var out []string
	for _, a := range offers {
		h := fmt.Sprintf(`Digest realm="%s", nonce="%s", algorithm=%s, qop="auth"`, s.realm, s.newNonce(from), strings.ToUpper(a))
		if stale {
			h += ", stale=true"
		}
		out = append(out, "WWW-Authenticate", h)
	}
	return out
}

// simpleMinded tells whether the client is one that reads one challenge and
// knows MD5 only: JsSIP in a browser, and those that the configuration names.
func (s *digestServer) simpleMinded(req *gosip.Request, f transport.Flow) bool {
	if f.Web() {
		return true
	}
	h := header(req, "User-Agent")
	if h == nil {
		return false
	}
	agent := strings.ToLower(h.Value())
	return slices.ContainsFunc(s.live.Load().DigestMD5Only, func(name string) bool {
		return strings.HasPrefix(agent, strings.ToLower(name))
	})
}

// digestCredentials are those of the one scheme that we know; other schemes
// are as good as none (RFC 7235 section 4.2).
func digestCredentials(req *gosip.Request) gosip.Header {
	for h := range headers(req, "Authorization") {
		if scheme, _, _ := strings.Cut(strings.TrimSpace(h.Value()), " "); strings.EqualFold(scheme, "Digest") {
			return h
		}
	}
	return nil
}

// authenticate returns the user who proved to know the password, or the
// response to send. Known and unknown users are told the same in the same time.
func (u *UA) authenticate(ctx context.Context, tx *transaction.Server) (string, *gosip.Response) {
	req, from := tx.Request(), tx.Flow().Remote().Addr()
	simple := u.auth.simpleMinded(req, tx.Flow())
	h := digestCredentials(req)
	if h == nil {
		return "", u.response(tx, statusUnauthorized, "", u.auth.challenges(false, simple, from)...)
	}
	d, err := parseDigest(h.Value())
	if err != nil {
		return "", u.response(tx, statusBadRequest, "Bad Authorization")
	}
	source := from.String()
	if u.auth.fails.blocked(source, d.username) {
		u.met.reject(rejectBackoff)
		return "", u.response(tx, statusForbidden, "")
	}
	stale, ok := u.auth.verify(ctx, d, string(req.Method), from, u.creds)
	if ok {
		u.auth.fails.clear(source, d.username)
		u.gate.Pardon(from)
		return d.username, nil
	}
	if !stale { // a nonce of ours was used: the address is the sender's own
		u.met.reject(rejectAuth)
		u.auth.fails.add(source, d.username)
		u.gate.Offence(from)
	}
	return "", u.response(tx, statusUnauthorized, "", u.auth.challenges(stale, simple, from)...)
}

// verify checks a digest. stale: right, but by a nonce that is no longer good.
func (s *digestServer) verify(ctx context.Context, d digest, method string, from netip.Addr, creds Credentials) (stale, ok bool) {
	ours, fresh := s.fresh(d.nonce, from)
	if !ours {
		return true, false // after our restart, or from another address: ask again, no failure
	}
	if newHash(d.algorithm) == nil || !s.offered(d.algorithm) || d.realm != s.realm || (d.qop != "" && d.qop != "auth") {
		return false, false
	}
	password, known := creds.Password(ctx, d.username)
	if !known {
		password = "\x00" // computed all the same: the time must not tell
	}
	match := subtle.ConstantTimeCompare([]byte(strings.ToLower(d.response)), []byte(d.answer(method, password))) == 1
	if !match || !known {
		return false, false
	}
	if !fresh {
		return true, false
	}
	var count uint64
	if d.qop != "" {
		n, err := strconv.ParseUint(d.nc, 16, 32)
		if err != nil || n == 0 {
			return false, false
		}
		count = n
	}
	if !s.use(d.nonce, uint32(count)) {
		return true, false // a replay gets a new nonce, which is of no use to who replays
	}
	return false, true
}

func (s *digestServer) offered(algorithm string) bool {
	if algorithm == "" {
		algorithm = "MD5"
	}
	for _, a := range s.live.Load().DigestAlgorithms {
		if strings.EqualFold(a, algorithm) {
			return true
		}
	}
	return false
}
