// Package authtest forges tokens: each is wrong in one way and good in all others, so
// that a surface which lets it in forgot one check. For tests only.
package authtest

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"hash"
	"maps"
	"strings"
	"time"

	"anihub/platform/auth"
)

// Forgery is a token that is worth nothing, and why a verifier says so.
type Forgery struct{ Name, Token, Reason string }

// Maker forges with the secret that the verifier believes. Claims are those of a good
// token but for iss, iat, nbf and exp; Life is how long a good one may live.
type Maker struct {
	Secret []byte
	Claims map[string]any
	Life   time.Duration
}

// Good is the token that the forgeries are measured against.
func (m Maker) Good() string { return m.with(nil, nil) }

// Skewed are tokens whose dates are off by less than the clocks of two machines may
// be: they are good.
func (m Maker) Skewed() map[string]string {
	now := time.Now()
	return map[string]string{
		"expired a moment ago":  m.with(nil, map[string]any{"exp": now.Add(-40 * time.Second).Unix(), "iat": now.Add(-5 * time.Minute).Unix(), "nbf": now.Add(-5 * time.Minute).Unix()}),
		"valid in a moment":     m.with(nil, map[string]any{"nbf": now.Add(40 * time.Second).Unix()}),
		"made in a moment":      m.with(nil, map[string]any{"iat": now.Add(40 * time.Second).Unix()}),
		"an audience in a list": m.with(nil, map[string]any{"aud": []any{m.Claims["aud"]}}),
		"no kid":                m.with(map[string]any{"kid": nil}, nil),
	}
}

// Forgeries are the tokens.
func (m Maker) Forgeries() []Forgery {
	now := time.Now()
	claim := func(name string, v any) string { return m.with(nil, map[string]any{name: v}) }
	header := func(name string, v any) string { return m.with(map[string]any{name: v}, nil) }
	good := strings.Split(m.Good(), ".")
	stranger := m
	stranger.Secret = []byte("a stranger's secret of 32 bytes!")
	return append(m.algorithms(), []Forgery{
		{"expired", m.with(nil, map[string]any{"exp": now.Add(-90 * time.Second).Unix(), "iat": now.Add(-5 * time.Minute).Unix(), "nbf": now.Add(-5 * time.Minute).Unix()}), auth.Expired},
		{"not yet valid", claim("nbf", now.Add(90*time.Second).Unix()), auth.NotYetValid},
		{"made tomorrow", claim("iat", now.Add(24*time.Hour).Unix()), auth.NotYetValid},
		{"no exp", claim("exp", nil), auth.Malformed},
		{"exp as text", claim("exp", "4102444800"), auth.Malformed},
		{"exp out of range", claim("exp", 1e18), auth.Malformed},
		{"lives too long", claim("exp", now.Add(m.Life+10*time.Minute).Unix()), auth.Malformed},
		{"wrong issuer", claim("iss", "anilibria"), auth.WrongIssuer},
		{"no issuer", claim("iss", nil), auth.WrongIssuer},
		{"wrong audience", claim("aud", "somebody"), auth.WrongAudience},
		{"no audience", claim("aud", nil), auth.WrongAudience},
		{"two audiences", claim("aud", []any{m.Claims["aud"], "somebody"}), auth.WrongAudience},
		{"a stranger's key", stranger.Good(), auth.BadSignature},
		{"a stranger's key under our kid", stranger.with(map[string]any{"kid": auth.NewKey(m.Secret).ID}, nil), auth.BadSignature},
		{"wrong kid", header("kid", "00000000"), auth.BadSignature},
		{"empty kid", header("kid", ""), auth.BadSignature},
		{"kid as a path", header("kid", "../../dev/null"), auth.BadSignature},
		{"kid as a list", header("kid", []any{auth.NewKey(m.Secret).ID}), auth.Malformed},
		{"jwk", header("jwk", map[string]any{"kty": "oct", "k": "AA"}), auth.Malformed},
		{"jku", header("jku", "https://evil.example/keys"), auth.Malformed},
		{"x5u", header("x5u", "https://evil.example/cert"), auth.Malformed},
		{"crit", header("crit", []any{"exp"}), auth.Malformed},
		{"signature cut off", good[0] + "." + good[1] + ".", auth.BadSignature},
		{"no signature", good[0] + "." + good[1], auth.Malformed},
		{"claims of another", good[0] + "." + segment(map[string]any{"sub": "somebody"}) + "." + good[2], auth.BadSignature},
		{"a claim twice", m.seal(segment(m.header()), base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"x","iss":"anihub"}`))), auth.Malformed},
		{"a line break", good[0] + "\n." + good[1] + "." + good[2], auth.Malformed},
		{"padding", good[0] + "=." + good[1] + "." + good[2], auth.Malformed},
		{"nothing", "", auth.Malformed},
		{"dots", "..", auth.Malformed},
		{"huge", strings.Repeat("A", 20_000), auth.Malformed},
	}...)
}

// algorithms are the confusions about how a token is signed (RFC 8725 §2.1).
func (m Maker) algorithms() []Forgery {
	claims := segment(m.claims(nil))
	none := func(alg string) string { return segment(m.headerWith(map[string]any{"alg": alg})) + "." + claims + "." }
	return []Forgery{
		{"alg none", none("none"), auth.BadSignature},
		{"alg None", none("None"), auth.BadSignature},
		{"alg none, signed", m.seal(segment(m.headerWith(map[string]any{"alg": "none"})), claims), auth.BadSignature},
		{"no alg", m.seal(segment(m.headerWith(map[string]any{"alg": nil})), claims), auth.BadSignature},
		{"RS256 over the secret", m.seal(segment(m.headerWith(map[string]any{"alg": "RS256"})), claims), auth.BadSignature},
		{"RS256 of a key of its own", m.rs256(claims), auth.BadSignature},
		{"HS512 over the secret", m.sealWith(sha512.New, segment(m.headerWith(map[string]any{"alg": "HS512"})), claims), auth.BadSignature},
		{"HS256 over a public key", m.publicKey(claims), auth.BadSignature},
		{"typ of another kind", m.with(map[string]any{"typ": "at+jwt"}, nil), auth.Malformed},
	}
}

func (m Maker) rs256(claims string) string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return ""
	}
	signed := segment(m.headerWith(map[string]any{"alg": "RS256"})) + "." + claims
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return ""
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// publicKey signs with a public key as if it were a secret: the classic confusion.
func (m Maker) publicKey(claims string) string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return ""
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return ""
	}
	m.Secret = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return m.seal(segment(m.headerWith(map[string]any{"kid": nil})), claims)
}

func (m Maker) header() map[string]any {
	return map[string]any{"alg": "HS256", "typ": "JWT", "kid": auth.NewKey(m.Secret).ID}
}

func (m Maker) headerWith(change map[string]any) map[string]any { return changed(m.header(), change) }

func (m Maker) claims(change map[string]any) map[string]any {
	now := time.Now()
	c := map[string]any{
		"iss": auth.Issuer, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(min(m.Life, 5*time.Minute)).Unix(),
	}
	maps.Copy(c, m.Claims)
	return changed(c, change)
}

// changed takes keys away whose new value is nil.
func changed(base, change map[string]any) map[string]any {
	for k, v := range change {
		if v == nil {
			delete(base, k)
			continue
		}
		base[k] = v
	}
	return base
}

func (m Maker) with(header, claims map[string]any) string {
	return m.seal(segment(m.headerWith(header)), segment(m.claims(claims)))
}

func (m Maker) seal(header, claims string) string { return m.sealWith(sha256.New, header, claims) }

func (m Maker) sealWith(h func() hash.Hash, header, claims string) string {
	mac := hmac.New(h, m.Secret)
	mac.Write([]byte(header + "." + claims))
	return header + "." + claims + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func segment(v map[string]any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}
