package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"anihub/platform/fault"
)

// ErrToken says that a token is worth nothing. Its detail "reason" is one of the
// reasons below.
var ErrToken = fault.New(fault.Unauthenticated, "BAD_TOKEN", "The token is not valid.")

// Why a token is worth nothing.
const (
	Malformed     = "malformed"
	Expired       = "expired"
	NotYetValid   = "not_yet_valid"
	WrongAudience = "wrong_audience"
	WrongIssuer   = "wrong_issuer"
	BadSignature  = "bad_signature"
)

// Reason is why the error says a token is worth nothing; "" when it does not.
func Reason(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return ""
	}
	reason, _ := f.Details["reason"].(string)
	return reason
}

// Issuer is the `iss` of all our tokens.
const Issuer = "anihub"

// skew is how far the clocks of two machines may be apart.
const skew = time.Minute

func refused(reason string, cause error) error {
	return ErrToken.Detail("reason", reason).With(cause)
}

// sign makes a token of claims, with iss and the life added.
func (k *Keys) sign(claims jwt.MapClaims, now time.Time, life time.Duration) (string, error) {
	claims["iss"] = Issuer
	claims["iat"] = now.Unix()
	claims["nbf"] = now.Unix()
	claims["exp"] = now.Add(life).Unix()
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	t.Header["kid"] = k.current.ID
	return t.SignedString(k.current.Secret)
}

// verify is the one way in for tokens: form, signature, issuer, audience, dates,
// length of life, in this order, so that nothing unsigned is ever answered about.
func (k *Keys) verify(token, audience string, life time.Duration) (jwt.MapClaims, error) {
	kid, named, err := form(token)
	if errors.Is(err, errAlg) {
		return nil, refused(BadSignature, err)
	}
	if err != nil {
		return nil, refused(Malformed, err)
	}
	claims := jwt.MapClaims{}
	_, err = parser(audience).ParseWithClaims(token, claims, func(*jwt.Token) (any, error) {
		return k.verification(kid, named)
	})
	if err != nil {
		return nil, refused(reasonOf(err, claims), err)
	}
	if s, _ := claims["aud"].(string); s != audience && !single(claims["aud"], audience) {
		return nil, refused(WrongAudience, errors.New("more than one audience"))
	}
	return claims, checkLife(claims, life)
}

func parser(audience string) *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(Issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(skew),
		jwt.WithStrictDecoding(), jwt.WithJSONNumber(),
	)
}

func (k *Keys) verification(kid string, named bool) (any, error) {
	keys := k.byID(kid, named)
	if len(keys) == 0 {
		return nil, errors.New("unknown kid")
	}
	set := jwt.VerificationKeySet{}
	for _, key := range keys {
		set.Keys = append(set.Keys, key.Secret)
	}
	return set, nil
}

// single tells whether aud is a list of this audience alone. A token for two doors
// would be a user's and a service's at once.
func single(aud any, audience string) bool {
	list, _ := aud.([]any)
	return len(list) == 1 && list[0] == audience
}

// reasonOf picks one reason when several apply. A signature comes first: claims
// are looked at only when it holds.
func reasonOf(err error, claims jwt.MapClaims) string {
	if errors.Is(err, jwt.ErrTokenSignatureInvalid) || errors.Is(err, jwt.ErrTokenUnverifiable) {
		return BadSignature
	}
	_, iss := claims["iss"]
	aud, _ := claims.GetAudience()
	switch {
	case errors.Is(err, jwt.ErrTokenInvalidIssuer) || !iss:
		return WrongIssuer
	case errors.Is(err, jwt.ErrTokenInvalidAudience) || len(aud) == 0:
		return WrongAudience
	case errors.Is(err, jwt.ErrTokenExpired):
		return Expired
	case errors.Is(err, jwt.ErrTokenNotValidYet) || errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return NotYetValid
	}
	return Malformed
}

// checkLife refuses tokens that were made to live longer than ours. Without iat
// the life is counted from now.
func checkLife(claims jwt.MapClaims, life time.Duration) error {
	start := time.Now()
	if iat, ok := date(claims, "iat"); ok {
		start = iat
	}
	exp, _ := date(claims, "exp")
	if exp.Sub(start) > life+skew {
		return refused(Malformed, fmt.Errorf("lives longer than %s", life))
	}
	return nil
}

// date reads a date claim, to the second.
func date(claims jwt.MapClaims, key string) (time.Time, bool) {
	n, ok := claims[key].(json.Number)
	if !ok {
		return time.Time{}, false
	}
	f, err := n.Float64()
	return time.Unix(int64(math.Floor(f)), 0).UTC(), err == nil
}

// text reads a claim that must be 1 to 128 bytes of text.
func text(claims jwt.MapClaims, key string) (string, error) {
	s, _ := claims[key].(string)
	if s == "" || len(s) > 128 {
		return "", refused(Malformed, fmt.Errorf("%s is missing or no text", key))
	}
	return s, nil
}

// texts reads a claim that must be a list of at most 32 short texts, or absent.
func texts(claims jwt.MapClaims, key string) ([]string, error) {
	list, ok := claims[key].([]any)
	if _, present := claims[key]; present && !ok || len(list) > 32 {
		return nil, refused(Malformed, fmt.Errorf("%s is no short list", key))
	}
	out := make([]string, 0, len(list))
	for _, v := range list {
		s, ok := v.(string)
		if !ok || len(s) > 128 {
			return nil, refused(Malformed, fmt.Errorf("%s holds what is no text", key))
		}
		out = append(out, s)
	}
	return out, nil
}

// list is what texts reads again: never null.
func list(all []string) []string { return append([]string{}, all...) }
