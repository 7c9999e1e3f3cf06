package auth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/platform/auth"
	"anihub/platform/fault"
)

const (
	userSecret     = "qK3v9ZpXw7Lr2TnB8sYdHfJc5MgAeUoQ"
	oldSecret      = "mV6xRt4KbNq8WzJh2LpYcDf9SgTaEuXo"
	serviceSecret  = "Zr7TpLw2XnVb9QsKd4HyJfMc6GaEuRoI"
	strangerSecret = "pL8kWn3VxQz6RtYb1HsJdGf5McAeTuOi"
)

func keys(t testing.TB, current string, previous ...string) *auth.Keys {
	t.Helper()
	var old []auth.Key
	for _, p := range previous {
		old = append(old, auth.NewKey([]byte(p)))
	}
	k, err := auth.NewKeys(auth.NewKey([]byte(current)), old...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func issuers(t testing.TB) (*auth.Users, *auth.Services) {
	t.Helper()
	return auth.NewUsers(keys(t, userSecret)), auth.NewServices(keys(t, serviceSecret), []string{"admin", "users"})
}

// forge makes a token of any header and claims, signed as asked.
func forge(header, claims string, mac func() hash.Hash, secret string) string {
	b64 := base64.RawURLEncoding
	signed := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(claims))
	h := hmac.New(mac, []byte(secret))
	h.Write([]byte(signed))
	return signed + "." + b64.EncodeToString(h.Sum(nil))
}

func forged(header, claims string) string { return forge(header, claims, sha256.New, userSecret) }

const plainHeader = `{"alg":"HS256","typ":"JWT"}`

// claims of a good access token at second `now`, with members replaced ("" removes)
// or added.
func userClaims(now int64, change map[string]string) string {
	members := []struct{ key, value string }{
		{"iss", `"anihub"`},
		{"aud", `"anihub"`},
		{"sub", `"u1"`},
		{"sid", `"s1"`},
		{"roles", `["user"]`},
		{"iat", fmt.Sprint(now)},
		{"exp", fmt.Sprint(now + 900)},
	}
	var out []string
	for _, m := range members {
		if v, ok := change[m.key]; ok {
			m.value = v
		}
		if m.value != "" {
			out = append(out, fmt.Sprintf("%q:%s", m.key, m.value))
		}
		delete(change, m.key)
	}
	for k, v := range change {
		out = append(out, fmt.Sprintf("%q:%s", k, v))
	}
	return "{" + strings.Join(out, ",") + "}"
}

func TestAccessTokenSaysWhoItIs(t *testing.T) {
	t.Parallel()
	users, _ := issuers(t)
	now := time.Now()
	token, expires, err := users.IssueAccess("u1", "s1", []string{"user", "admin"}, now)
	if err != nil {
		t.Fatal(err)
	}
	got, err := users.VerifyAccess(token)
	if err != nil {
		t.Fatal(err)
	}
	want := auth.Claims{UserID: "u1", SessionID: "s1", Roles: []string{"user", "admin"}, ExpiresAt: expires}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if p := got.Principal(); p.UserID != "u1" || !p.HasRole("admin") || p.Service != "" {
		t.Errorf("principal %+v", p)
	}
	if left := expires.Sub(now); left > auth.AccessLife || left < auth.AccessLife-time.Second {
		t.Errorf("lives %s", left)
	}
}

// A baseline of the table below: what is forged in the form of a good token is
// good, so that each hostile one fails for its one difference.
func TestForgedBaselineIsGood(t *testing.T) {
	t.Parallel()
	users, services := issuers(t)
	now := time.Now().Unix()
	for name, token := range map[string]string{
		"plain":           forged(plainHeader, userClaims(now, nil)),
		"without typ":     forged(`{"alg":"HS256"}`, userClaims(now, nil)),
		"aud list of one": forged(plainHeader, userClaims(now, map[string]string{"aud": `["anihub"]`})),
		"fractional exp":  forged(plainHeader, userClaims(now, map[string]string{"exp": fmt.Sprint(now+100) + ".5"})),
		"unknown claim":   forged(plainHeader, userClaims(now, map[string]string{"x": `{"a":[1,{"b":null}]}`})),
		"skewed clock":    forged(plainHeader, userClaims(now+50, nil)),
		"without iat":     forged(plainHeader, userClaims(now, map[string]string{"iat": ""})),
	} {
		if _, err := users.VerifyAccess(token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	seedLike := fmt.Sprintf(`{"service":"admin","permissions":["read"],"exp":%d,"iss":"anihub","aud":"anihub-internal"}`, now+86400)
	p, err := services.Verify(forge(`{"typ":"JWT","alg":"HS256"}`, seedLike, sha256.New, serviceSecret), auth.InternalAudience)
	if err != nil || p.Service != "admin" || !p.May("read") || p.May("write") {
		t.Errorf("token as PyJWT makes it: %+v, %v", p, err)
	}
}

func TestHostileTokens(t *testing.T) {
	t.Parallel()
	users, services := issuers(t)
	now := time.Now().Unix()
	is := func(key, value string) string { return userClaims(now, map[string]string{key: value}) }
	good := forged(plainHeader, userClaims(now, nil))
	part := strings.Split(good, ".")
	internal, err := services.Issue("admin", []string{auth.Read}, auth.InternalAudience, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	with := func(member string) string {
		return forged(`{"alg":"HS256","typ":"JWT",`+member+`}`, userClaims(now, nil))
	}
	const invalidUTF8 = "\xff\xfe"

	tests := []struct{ name, token, reason string }{
		{"empty", "", auth.Malformed},
		{"one segment", "abc", auth.Malformed},
		{"two segments", part[0] + "." + part[1], auth.Malformed},
		{"four segments", good + ".x", auth.Malformed},
		{"five segments (JWE)", "a.b.c.d.e", auth.Malformed},
		{"bearer left on", "Bearer " + good, auth.Malformed},
		{"line break within", part[0] + "." + part[1] + "\n." + part[2], auth.Malformed},
		{"line break at the end", good + "\n", auth.Malformed},
		{"padding", part[0] + "." + part[1] + "." + part[2] + "=", auth.Malformed},
		{"standard base64", strings.ReplaceAll(good, "-", "+") + "+", auth.Malformed},
		{"loose last bits", malleable(good), auth.Malformed},
		{"huge", forged(plainHeader, is("x", `"`+strings.Repeat("a", 5000)+`"`)), auth.Malformed},
		{"header no JSON", forged("nope", userClaims(now, nil)), auth.Malformed},
		{"header null", forged("null", userClaims(now, nil)), auth.Malformed},
		{"header list", forged("[]", userClaims(now, nil)), auth.Malformed},
		{"header empty", forged("{}", userClaims(now, nil)), auth.BadSignature},
		{"two headers", forged(plainHeader+plainHeader, userClaims(now, nil)), auth.Malformed},
		{"claims no JSON", forged(plainHeader, "nope"), auth.Malformed},
		{"claims a string", forged(plainHeader, `"anihub"`), auth.Malformed},
		{"claims twice", forged(plainHeader, userClaims(now, nil)+"{}"), auth.Malformed},
		{"claims cut", forged(plainHeader, `{"iss":"anihub"`), auth.Malformed},
		{"nested for ever", forged(plainHeader, is("x", strings.Repeat("[", 500)+strings.Repeat("]", 500))), auth.Malformed},
		{"alg none", forged(`{"alg":"none"}`, userClaims(now, nil)), auth.BadSignature},
		{"alg none, no signature", part[0] + "." + part[1] + ".", auth.BadSignature},
		{"alg NONE", forged(`{"alg":"NONE"}`, userClaims(now, nil)), auth.BadSignature},
		{"alg hs256 small", forged(`{"alg":"hs256"}`, userClaims(now, nil)), auth.BadSignature},
		{"alg HS512", forge(`{"alg":"HS512"}`, userClaims(now, nil), sha512.New, userSecret), auth.BadSignature},
		{"alg RS256", forged(`{"alg":"RS256"}`, userClaims(now, nil)), auth.BadSignature},
		{"alg a number", forged(`{"alg":256}`, userClaims(now, nil)), auth.Malformed},
		{"alg twice", forged(`{"alg":"none","alg":"HS256"}`, userClaims(now, nil)), auth.Malformed},
		{"typ foreign", forged(`{"alg":"HS256","typ":"at+jwt"}`, userClaims(now, nil)), auth.Malformed},
		{"crit", with(`"crit":["exp"]`), auth.Malformed},
		{"b64 false", with(`"b64":false`), auth.Malformed},
		{"zip", with(`"zip":"DEF"`), auth.Malformed},
		{"cty", with(`"cty":"JWT"`), auth.Malformed},
		{"jku", with(`"jku":"http://127.0.0.1/keys"`), auth.Malformed},
		{"x5u", with(`"x5u":"http://127.0.0.1/cert"`), auth.Malformed},
		{"x5c", with(`"x5c":["AAAA"]`), auth.Malformed},
		{"jwk", with(`"jwk":{"kty":"oct","k":"AAAA"}`), auth.Malformed},
		{"kid unknown", with(`"kid":"00000000"`), auth.BadSignature},
		{"kid a path", with(`"kid":"../../dev/null"`), auth.BadSignature},
		{"kid empty", with(`"kid":""`), auth.BadSignature},
		{"kid a number", with(`"kid":1`), auth.Malformed},
		{"stranger's key", forge(plainHeader, userClaims(now, nil), sha256.New, strangerSecret), auth.BadSignature},
		{"empty key", forge(plainHeader, userClaims(now, nil), sha256.New, ""), auth.BadSignature},
		{"services' key", forge(plainHeader, userClaims(now, nil), sha256.New, serviceSecret), auth.BadSignature},
		{"service token", internal, auth.BadSignature},
		{"signature cut", good[:len(good)-3], auth.BadSignature},
		{"claims swapped", part[0] + "." + strings.Split(forged(plainHeader, is("sub", `"root"`)), ".")[1] + "." + part[2], auth.BadSignature},
		{"expired", forged(plainHeader, userClaims(now-1000, nil)), auth.Expired},
		{"exp zero", forged(plainHeader, is("exp", "0")), auth.Expired},
		{"no exp", forged(plainHeader, is("exp", "")), auth.Malformed},
		{"exp null", forged(plainHeader, is("exp", "null")), auth.Malformed},
		{"exp text", forged(plainHeader, is("exp", fmt.Sprintf(`"%d"`, now+900))), auth.Malformed},
		{"exp true", forged(plainHeader, is("exp", "true")), auth.Malformed},
		{"exp negative", forged(plainHeader, is("exp", "-1")), auth.Malformed},
		{"exp overflows", forged(plainHeader, is("exp", "1e30")), auth.Malformed},
		{"exp infinite", forged(plainHeader, is("exp", "1e999")), auth.Malformed},
		{"exp twice", forged(plainHeader, strings.TrimSuffix(userClaims(now, nil), "}")+`,"exp":1}`), auth.Malformed},
		{"sub twice", forged(plainHeader, strings.TrimSuffix(userClaims(now, nil), "}")+`,"sub":"root"}`), auth.Malformed},
		{"escaped key twice", forged(plainHeader, strings.TrimSuffix(userClaims(now, nil), "}")+`,"s\u0075b":"root"}`), auth.Malformed},
		{"ten years", forged(plainHeader, is("exp", fmt.Sprint(now+10*365*86400))), auth.Malformed},
		{"ten years without iat", forged(plainHeader, userClaims(now, map[string]string{"iat": "", "exp": fmt.Sprint(now + 10*365*86400)})), auth.Malformed},
		{"a day, as a service", forged(plainHeader, is("exp", fmt.Sprint(now+86400))), auth.Malformed},
		{"not yet", forged(plainHeader, is("nbf", fmt.Sprint(now+300))), auth.NotYetValid},
		{"nbf text", forged(plainHeader, is("nbf", `"soon"`)), auth.Malformed},
		{"from the future", forged(plainHeader, userClaims(now+300, nil)), auth.NotYetValid},
		{"no iss", forged(plainHeader, is("iss", "")), auth.WrongIssuer},
		{"wrong iss", forged(plainHeader, is("iss", `"evil"`)), auth.WrongIssuer},
		{"iss list", forged(plainHeader, is("iss", `["anihub"]`)), auth.Malformed},
		{"no aud", forged(plainHeader, is("aud", "")), auth.WrongAudience},
		{"wrong aud", forged(plainHeader, is("aud", `"anihub-internal"`)), auth.WrongAudience},
		{"aud of both", forged(plainHeader, is("aud", `["anihub","anihub-internal"]`)), auth.WrongAudience},
		{"aud empty list", forged(plainHeader, is("aud", `[]`)), auth.WrongAudience},
		{"aud prefix", forged(plainHeader, is("aud", `"anihub "`)), auth.WrongAudience},
		{"no sub", forged(plainHeader, is("sub", "")), auth.Malformed},
		{"sub a number", forged(plainHeader, is("sub", "7")), auth.Malformed},
		{"sub an operator", forged(plainHeader, is("sub", `{"$gt":""}`)), auth.Malformed},
		{"sub long", forged(plainHeader, is("sub", `"`+strings.Repeat("u", 200)+`"`)), auth.Malformed},
		{"no sid", forged(plainHeader, is("sid", "")), auth.Malformed},
		{"roles text", forged(plainHeader, is("roles", `"admin"`)), auth.Malformed},
		{"roles of numbers", forged(plainHeader, is("roles", `[1]`)), auth.Malformed},
		{"not UTF-8", forged(plainHeader, is("sub", `"`+invalidUTF8+`"`)), auth.Malformed},
		{"other letter case", forged(plainHeader, userClaims(now, map[string]string{"exp": "", "EXP": fmt.Sprint(now + 900)})), auth.Malformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			claims, err := users.VerifyAccess(tt.token)
			if !errors.Is(err, auth.ErrToken) || auth.Reason(err) != tt.reason {
				t.Errorf("got %+v, %v (reason %q), want reason %q", claims, err, auth.Reason(err), tt.reason)
			}
			if fault.Status(err) != 401 {
				t.Errorf("status %d", fault.Status(err))
			}
		})
	}
}

// malleable changes the unused low bits of the last character.
func malleable(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + string(alphabet[last^1])
}

func TestServiceTokens(t *testing.T) {
	t.Parallel()
	users, services := issuers(t)
	now := time.Now().Unix()
	issue := func(aud string) string {
		token, err := services.Issue("admin", []string{auth.Read, auth.Notify}, aud, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	sign := func(claims string) string { return forge(plainHeader, claims, sha256.New, serviceSecret) }
	access, _, err := users.IssueAccess("u1", "s1", nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	base := func(service string, life int64) string {
		return fmt.Sprintf(`{"service":%s,"permissions":["read"],"iss":"anihub","aud":"anihub-internal","exp":%d}`, service, now+life)
	}
	tests := []struct {
		name, token, audience string
		want                  error
		reason                string
	}{
		{"good", issue(auth.InternalAudience), auth.InternalAudience, nil, ""},
		{"a module's", issue("catalog"), "catalog", nil, ""},
		{"another module's", issue("catalog"), "users", auth.ErrToken, auth.WrongAudience},
		{"a module's on internal", issue("catalog"), auth.InternalAudience, auth.ErrToken, auth.WrongAudience},
		{"a user's", access, auth.InternalAudience, auth.ErrToken, auth.BadSignature},
		{"a user's claims", sign(userClaims(now, nil)), auth.InternalAudience, auth.ErrToken, auth.WrongAudience},
		{"24 hours", sign(base(`"admin"`, 86400)), auth.InternalAudience, nil, ""},
		{"25 hours", sign(base(`"admin"`, 90000)), auth.InternalAudience, auth.ErrToken, auth.Malformed},
		{"unknown service", sign(base(`"python-anilibria"`, 60)), auth.InternalAudience, auth.ErrService, ""},
		{"other case", sign(base(`"Admin"`, 60)), auth.InternalAudience, auth.ErrService, ""},
		{"no service", sign(base(`""`, 60)), auth.InternalAudience, auth.ErrToken, auth.Malformed},
		{"service a list", sign(base(`["admin"]`, 60)), auth.InternalAudience, auth.ErrToken, auth.Malformed},
		{"unknown service, expired", sign(base(`"evil"`, -600)), auth.InternalAudience, auth.ErrToken, auth.Expired},
	}
	for _, tt := range tests {
		_, err := services.Verify(tt.token, tt.audience)
		if !errors.Is(err, tt.want) || (tt.want == nil) != (err == nil) || auth.Reason(err) != tt.reason {
			t.Errorf("%s: got %v (%s), want %v (%s)", tt.name, err, auth.Reason(err), tt.want, tt.reason)
		}
	}
}

func TestServicePermissions(t *testing.T) {
	t.Parallel()
	_, services := issuers(t)
	token, err := services.Issue("admin", []string{auth.Read}, auth.InternalAudience, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	p, err := services.Verify(token, auth.InternalAudience)
	if err != nil {
		t.Fatal(err)
	}
	if err := auth.Require(p, auth.Read); err != nil {
		t.Error(err)
	}
	if err := auth.Require(p, auth.Write); !errors.Is(err, auth.ErrPermission) || fault.Status(err) != 403 {
		t.Errorf("write: %v", err)
	}
	signed, err := services.Signer("users")("catalog")
	if err != nil {
		t.Fatal(err)
	}
	if p, err := services.Verify(signed, "catalog"); err != nil || p.Service != "users" {
		t.Errorf("signer: %+v, %v", p, err)
	}
}

func TestIssueRefuses(t *testing.T) {
	t.Parallel()
	_, services := issuers(t)
	for name, call := range map[string]func() (string, error){
		"service":    func() (string, error) { return services.Issue("evil", nil, "x", time.Hour) },
		"permission": func() (string, error) { return services.Issue("admin", []string{"root"}, "x", time.Hour) },
		"long life":  func() (string, error) { return services.Issue("admin", nil, "x", 25*time.Hour) },
		"no life":    func() (string, error) { return services.Issue("admin", nil, "x", 0) },
	} {
		if token, err := call(); err == nil {
			t.Errorf("%s: issued %s", name, token)
		}
	}
}

func TestTwoKeysAtOnce(t *testing.T) {
	t.Parallel()
	before := auth.NewUsers(keys(t, oldSecret))
	during := auth.NewUsers(keys(t, userSecret, oldSecret, ""))
	after := auth.NewUsers(keys(t, userSecret))
	old, _, _ := before.IssueAccess("u1", "s1", nil, time.Now())
	now := time.Now().Unix()
	unnamed := forge(plainHeader, userClaims(now, nil), sha256.New, oldSecret)
	for name, token := range map[string]string{"with kid": old, "without kid": unnamed} {
		if _, err := during.VerifyAccess(token); err != nil {
			t.Errorf("%s during rotation: %v", name, err)
		}
		if _, err := after.VerifyAccess(token); auth.Reason(err) != auth.BadSignature {
			t.Errorf("%s after rotation: %v", name, err)
		}
	}
	fresh, _, _ := during.IssueAccess("u1", "s1", nil, time.Now())
	if _, err := after.VerifyAccess(fresh); err != nil {
		t.Errorf("a token made during rotation is signed by the old key: %v", err)
	}
	sub, err := keys(t, userSecret, oldSecret).Subkeys("x")
	if err != nil || len(sub) != 2 || string(sub[0]) == string(sub[1]) || string(sub[0]) == userSecret {
		t.Errorf("subkeys %x, %v", sub, err)
	}
	if _, err := auth.NewKeys(auth.NewKey(nil)); err == nil {
		t.Error("a key without a secret signs")
	}
}

func TestAccessTokenDies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		users, _ := issuers(t)
		token, _, err := users.IssueAccess("u1", "s1", nil, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(auth.AccessLife + 59*time.Second)
		if _, err := users.VerifyAccess(token); err != nil {
			t.Errorf("within the skew of clocks: %v", err)
		}
		time.Sleep(2 * time.Second)
		if _, err := users.VerifyAccess(token); auth.Reason(err) != auth.Expired {
			t.Errorf("after its life: %v", err)
		}
	})
}

func FuzzVerify(f *testing.F) {
	users, services := issuers(f)
	now := time.Now()
	access, _, err := users.IssueAccess("u1", "s1", []string{"user"}, now)
	if err != nil {
		f.Fatal(err)
	}
	service, err := services.Issue("admin", []string{auth.Read}, auth.InternalAudience, time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		access, service, "", "..", access + "\n", malleable(access), forged(plainHeader, userClaims(now.Unix(), nil)),
		forged(`{"alg":"none"}`, "{}"), forged(`{"alg":"HS256","alg":"HS256"}`, `{"exp":1e999}`), forged(plainHeader, `{"a":[[[[[[[]]]]]]]}`),
	} {
		f.Add(seed)
	}
	made := map[string]bool{access: true, service: true, forged(plainHeader, userClaims(now.Unix(), nil)): true}
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := users.VerifyAccess(token); err == nil && !made[token] {
			t.Errorf("a token nobody made is good: %q", token)
		} else if err != nil && auth.Reason(err) == "" {
			t.Errorf("no reason: %v", err)
		}
		if _, err := services.Verify(token, auth.InternalAudience); err == nil && !made[token] {
			t.Errorf("a service token nobody made is good: %q", token)
		}
	})
}

func BenchmarkVerifyAccess(b *testing.B) {
	users, _ := issuers(b)
	token, _, err := users.IssueAccess("abcdefghijklmnopqrst", "abcdefghijklmnopqrst", []string{"user"}, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := users.VerifyAccess(token); err != nil {
			b.Fatal(err)
		}
	}
}
