package sms

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the provider's protocol: HMAC-SHA1 is not broken by collisions
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// Sign returns the signature that Twilio puts into X-Twilio-Signature for a
// form posted to address: base64 of HMAC-SHA1 over the address and every
// parameter, sorted by name, as name and value without separators. form is
// nil for JSON bodies, whose digest is part of the address.
func Sign(token []byte, address string, form url.Values) string {
	mac := hmac.New(sha1.New, token)
	mac.Write([]byte(address))
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			mac.Write([]byte(name))
			mac.Write([]byte(v))
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// verifyForm reports whether signature is right for a form.
func verifyForm(token []byte, address, signature string, form url.Values) bool {
	return signature != "" && hmac.Equal([]byte(Sign(token, address, form)), []byte(signature))
}

// verifyJSON reports whether signature is right for the address, and the
// address for the body.
func verifyJSON(token []byte, address, signature string, query url.Values, body []byte) bool {
	if signature == "" || !hmac.Equal([]byte(Sign(token, address, nil)), []byte(signature)) {
		return false
	}
	sum := sha256.Sum256(body)
	return hmac.Equal([]byte(hex.EncodeToString(sum[:])), []byte(strings.ToLower(query.Get("bodySHA256"))))
}
