package redis

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
)

// keys derives the key of identity hashes and the cipher of contents.
func keys(secret []byte) (hash []byte, sealer cipher.AEAD, err error) {
	if len(secret) < 16 {
		return nil, nil, errors.New("secret is shorter than 16 bytes")
	}
	if hash, err = hkdf.Key(sha256.New, secret, nil, "filo redis identity", 32); err != nil {
		return nil, nil, err
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "filo redis content", 32)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	sealer, err = cipher.NewGCM(block)
	return hash, sealer, err
}

// seal encrypts b for one place, so that entries cannot be swapped.
func (s *Store) seal(b []byte, place string) []byte {
	nonce := make([]byte, s.sealer.NonceSize(), s.sealer.NonceSize()+len(b)+s.sealer.Overhead())
	_, _ = rand.Read(nonce) // never fails since Go 1.24
	return s.sealer.Seal(nonce, nonce, b, []byte(place))
}

var errSealed = errors.New("not sealed by us")

func (s *Store) open(b []byte, place string) ([]byte, error) {
	n := s.sealer.NonceSize()
	if len(b) < n {
		return nil, errSealed
	}
	return s.sealer.Open(nil, b[:n], b[n:], []byte(place))
}
