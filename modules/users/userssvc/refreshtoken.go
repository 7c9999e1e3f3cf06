package userssvc

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"anihub/modules/users"
)

// refreshTokens makes refresh tokens: session.generation.secret. The secret is an
// HMAC of what stands before it and the session's seed, so that the successor of
// a token can be told twice without being kept, and a token of a former
// generation is known from one that never was. Neither the store nor the key is
// enough to make one.
type refreshTokens struct{ keys [][]byte } // the first one makes

func (r refreshTokens) make(ses session) string { return makeToken(r.keys[0], ses, ses.Generation) }

func makeToken(key []byte, ses session, generation int64) string {
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%d.", ses.id, generation)
	mac.Write(ses.Seed)
	return fmt.Sprintf("%s.%d.%s", ses.id, generation, base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
}

// parse reads the claims of a token; nothing is believed yet.
func (r refreshTokens) parse(token string) (session string, generation int64, ok bool) {
	parts := strings.Split(token, ".")
	if len(token) > 128 || len(parts) != 3 || !validID(parts[0]) {
		return "", 0, false
	}
	generation, err := strconv.ParseInt(parts[1], 10, 64)
	return parts[0], generation, err == nil && generation > 0
}

// made tells whether the token is one that was made for the session.
func (r refreshTokens) made(token string, ses session, generation int64) bool {
	for _, k := range r.keys {
		if subtle.ConstantTimeCompare([]byte(token), []byte(makeToken(k, ses, generation))) == 1 {
			return true
		}
	}
	return false
}

// current makes the session's current token again. It cannot when the key that made
// it was rotated away since.
func (r refreshTokens) current(ses session) (string, bool) {
	for _, k := range r.keys {
		if t := makeToken(k, ses, ses.Generation); ses.holds(t) {
			return t, true
		}
	}
	return "", false
}

// holds tells whether the token is the session's current one.
func (s session) holds(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], s.Hash) == 1
}

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// fingerprint tells clients apart without keeping more than needed of them.
func fingerprint(c users.Client) []byte {
	sum := sha256.Sum256([]byte(c.Address + "\x00" + c.UserAgent))
	return sum[:16]
}
