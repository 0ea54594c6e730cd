package contact

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ID names one contact. It is unguessable, sorts by its time of creation and
// is safe in URLs and log lines.
type ID string

// AgentID names one agent: the user name that he or she signs in with.
type AgentID string

// CustomerID names one customer, a component of the identity graph.
type CustomerID string

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewToken returns prefix followed by 26 lower-case characters: 48 bits of
// milliseconds since 1970 and 80 random bits, so that tokens sort by time.
func NewToken(prefix string, now time.Time) string {
	var b [16]byte
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli())) //nolint:gosec // milliseconds since 1970 are positive
	copy(b[:6], ms[2:])
	_, _ = rand.Read(b[6:]) // never fails since Go 1.24; it aborts the program instead
	return prefix + idEncoding.EncodeToString(b[:])
}

// NewID returns a fresh contact ID for a contact that arrived at now.
func NewID(now time.Time) ID { return ID(NewToken("c_", now)) }

// OfferID names one offer. Epoch is the start of the router that made it, so
// that an offer from before a restart can never be taken after it.
type OfferID struct {
	Epoch uint32
	N     uint64
}

// ErrBadOfferID is returned by ParseOfferID for anything that String did not print.
var ErrBadOfferID = errors.New("bad offer id")

// String prints the offer as "epoch-n", for URLs and logs.
func (o OfferID) String() string {
	return strconv.FormatUint(uint64(o.Epoch), 10) + "-" + strconv.FormatUint(o.N, 10)
}

// IsZero reports whether o names no offer.
func (o OfferID) IsZero() bool { return o == OfferID{} }

// MarshalText makes offers print as text in JSON.
func (o OfferID) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (o *OfferID) UnmarshalText(b []byte) (err error) {
	*o, err = ParseOfferID(string(b))
	return err
}

// ParseOfferID reads "epoch-n". The error wraps ErrBadOfferID.
func ParseOfferID(s string) (OfferID, error) {
	epoch, n, ok := strings.Cut(s, "-")
	if !ok {
		return OfferID{}, fmt.Errorf("%w: %q has no dash", ErrBadOfferID, s)
	}
	e, err := strconv.ParseUint(epoch, 10, 32)
	if err != nil {
		return OfferID{}, fmt.Errorf("%w: epoch of %q: %w", ErrBadOfferID, s, err)
	}
	i, err := strconv.ParseUint(n, 10, 64)
	if err != nil {
		return OfferID{}, fmt.Errorf("%w: number of %q: %w", ErrBadOfferID, s, err)
	}
	return OfferID{Epoch: uint32(e), N: i}, nil
}
