package journey

import (
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
)

var tokenEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// madeAt reads the time out of a token that contact.NewToken made.
func madeAt(token string) (time.Time, bool) {
	_, text, ok := strings.Cut(token, "_")
	if !ok || len(text) != 26 {
		return time.Time{}, false
	}
	b, err := tokenEncoding.DecodeString(text)
	if err != nil || len(b) != 16 {
		return time.Time{}, false
	}
	var ms [8]byte
	copy(ms[2:], b[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:]))), true //nolint:gosec // 48 bits
}
