package auth

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// Key signs tokens. Its ID travels in their header (`kid`) and says which of two
// keys to verify with while one replaces the other.
type Key struct {
	ID     string
	Secret []byte
}

// NewKey makes a key of a secret. The ID follows from the secret, so that rotation
// needs no name beside it; it is keyed, so that it tells nothing about the secret
// that a signature does not tell.
func NewKey(secret []byte) Key {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("anihub kid"))
	return Key{ID: hex.EncodeToString(mac.Sum(nil)[:4]), Secret: secret}
}

// Keys are the key that signs and those that are still believed.
type Keys struct {
	current Key
	all     []Key // current first
}

// NewKeys takes the signing key and those it replaced. A previous key without a
// secret is none, so that an unset configuration key can be passed as it is.
func NewKeys(current Key, previous ...Key) (*Keys, error) {
	if len(current.Secret) == 0 {
		return nil, errors.New("auth: the current key has no secret")
	}
	k := &Keys{current: current, all: []Key{current}}
	for _, p := range previous {
		if len(p.Secret) != 0 && p.ID != current.ID {
			k.all = append(k.all, p)
		}
	}
	return k, nil
}

// byID are the keys that a token with this kid may be signed with: that one, or
// all when the token names none.
func (k *Keys) byID(kid string, named bool) []Key {
	if !named {
		return k.all
	}
	for _, key := range k.all {
		if key.ID == kid {
			return []Key{key}
		}
	}
	return nil
}

// Subkeys derives one 32-byte key per key for another purpose than signing tokens,
// the current one first.
func (k *Keys) Subkeys(purpose string) ([][]byte, error) {
	out := make([][]byte, 0, len(k.all))
	for _, key := range k.all {
		sub, err := hkdf.Key(sha256.New, key.Secret, nil, "anihub "+purpose, sha256.Size)
		if err != nil {
			return nil, err
		}
		out = append(out, sub)
	}
	return out, nil
}
