package email

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// Lengths of what we sign, in characters of 5 bits. 80 bits of HMAC cannot be
// guessed over SMTP.
const (
	threadLen = 16
	macLen    = 16
	tokenLen  = threadLen + macLen
)

// Mail systems change the case of addresses: all is lower case.
var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// signer makes and checks the two places by which a reply finds its thread:
// the plus-address that it goes to and the Message-ID that it refers to.
type signer struct {
	secret []byte
	domain string
}

// newThread returns a fresh thread id.
func newThread() string {
	var b [threadLen * 5 / 8]byte
	_, _ = rand.Read(b[:]) // never fails; it aborts the program instead
	return base32Lower.EncodeToString(b[:])
}

func (s signer) mac(purpose string, parts ...string) string {
	h := hmac.New(sha256.New, s.secret)
	h.Write([]byte(purpose))
	for _, p := range parts {
		h.Write([]byte{0})
		h.Write([]byte(p))
	}
	return base32Lower.EncodeToString(h.Sum(nil))[:macLen]
}

// address returns inbox with the thread in its plus part.
func (s signer) address(inbox, thread string) string {
	local, domain, _ := strings.Cut(inbox, "@")
	return local + "+" + thread + s.mac("address", strings.ToLower(inbox), thread) + "@" + domain
}

// splitAddress takes our token off an address: inbox is the address without
// plus part, in lower case; thread is "" unless the signature is right.
func (s signer) splitAddress(address string) (inbox, thread string) {
	address = strings.ToLower(address)
	local, domain, _ := strings.Cut(address, "@")
	local, token, plus := strings.Cut(local, "+")
	inbox = local + "@" + domain
	if !plus || len(token) != tokenLen {
		return inbox, ""
	}
	thread = token[:threadLen]
	if !hmac.Equal([]byte(token[threadLen:]), []byte(s.mac("address", inbox, thread))) {
		return inbox, ""
	}
	return inbox, thread
}

// messageID returns a fresh Message-ID on the thread, without angle brackets.
func (s signer) messageID(thread string) string {
	unique := newThread()
	return thread + "." + unique + "." + s.mac("message", thread, unique) + "@" + s.domain
}

// threadOf returns the thread of a Message-ID that we made, "" for others.
func (s signer) threadOf(id string) string {
	local, _, ok := strings.Cut(strings.ToLower(id), "@")
	p := strings.Split(local, ".")
	if !ok || len(p) != 3 || len(p[0]) != threadLen {
		return ""
	}
	if !hmac.Equal([]byte(p[2]), []byte(s.mac("message", p[0], p[1]))) {
		return ""
	}
	return p[0]
}
