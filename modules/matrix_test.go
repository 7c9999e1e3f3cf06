package modules_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"anihub/modules/catalog/cataloghttp"
	"anihub/modules/catalog/catalogtest"
	"anihub/modules/realtime/realtimehttp"
	"anihub/modules/realtime/realtimetest"
	"anihub/modules/sync/syncerhttp"
	"anihub/modules/sync/syncertest"
	"anihub/modules/users/usershttp"
	"anihub/modules/users/userstest"
	"anihub/platform/auth"
	"anihub/platform/auth/authtest"
	"anihub/platform/rpc"
)

const (
	serviceSecret = "Zr7TpLw2XnVb9QsKd4HyJfMc6GaEuRoI"
	userSecret    = "qK3v9ZpXw7Lr2TnB8sYdHfJc5MgAeUoQ"
)

// corridors are the doors of all modules as other processes reach them, behind the
// verification that ships.
func corridors(t *testing.T) (http.Handler, []rpc.Route) {
	t.Helper()
	keys, err := auth.NewKeys(auth.NewKey([]byte(serviceSecret)))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s := rpc.NewServer(mux, auth.NewServices(keys, []string{"anihub"}).Verify, slog.New(slog.NewTextHandler(io.Discard, nil)))
	mount(s)
	return mux, s.Routes()
}

func mount(s *rpc.Server) {
	usershttp.Mount(s, userstest.NewFake())
	cataloghttp.Mount(s, catalogtest.NewFake())
	realtimehttp.Mount(s, realtimetest.NewFake())
	syncerhttp.Mount(s, syncertest.NewFake())
}

func caller(audience string, claims map[string]any) authtest.Maker {
	all := map[string]any{"aud": audience, "service": "anihub", "permissions": []string{"read", "write", "notify"}}
	for k, v := range claims {
		all[k] = v
	}
	return authtest.Maker{Secret: []byte(serviceSecret), Life: auth.ServiceLife, Claims: all}
}

// worthless are the forgeries of a token for an audience, and good tokens for
// something else.
func worthless(t *testing.T, audience string) map[string]string {
	t.Helper()
	keys, err := auth.NewKeys(auth.NewKey([]byte(userSecret)))
	if err != nil {
		t.Fatal(err)
	}
	access, _, err := auth.NewUsers(keys).IssueAccess("u", "s", []string{"admin"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{
		"nothing": "", "an admin's access token": access,
		"an operator's": caller(auth.InternalAudience, nil).Good(),
		"a stranger's":  caller(audience, map[string]any{"service": "stranger"}).Good(),
		"a user's under the services' key": authtest.Maker{Secret: []byte(serviceSecret), Life: auth.AccessLife, Claims: map[string]any{
			"aud": auth.UserAudience, "sub": "u", "sid": "s", "roles": []string{"admin"},
		}}.Good(),
	}
	for _, f := range caller(audience, nil).Forgeries() {
		out[f.Name] = f.Token
	}
	for _, other := range []string{"users", "catalog", "realtime", "sync"} {
		if other != audience {
			out["for "+other] = caller(other, nil).Good()
		}
	}
	return out
}

// call asks a method with a body that no method takes: who may, is told so.
func call(t *testing.T, h http.Handler, path, authorization string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader("nonsense"))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var a struct{ Code string }
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Code, a.Code
}

// TestTokenMatrixOfTheCorridors: every method under /internal/rpc × everything that is
// no good token for its module.
func TestTokenMatrixOfTheCorridors(t *testing.T) {
	t.Parallel()
	h, routes := corridors(t)
	if len(routes) < 50 {
		t.Fatalf("only %d methods", len(routes))
	}
	tokens := map[string]map[string]string{}
	for _, r := range routes {
		if !strings.HasPrefix(r.Path, "/internal/rpc/"+r.Audience+"/") {
			t.Errorf("%s is for %s", r.Path, r.Audience)
		}
		if tokens[r.Audience] == nil {
			tokens[r.Audience] = worthless(t, r.Audience)
		}
		for name, token := range tokens[r.Audience] {
			for _, scheme := range []string{"Bearer ", "Basic ", ""} {
				if status, code := call(t, h, r.Path, scheme+token); status != http.StatusUnauthorized || code != "BAD_SERVICE_TOKEN" {
					t.Errorf("%s with %q and %s: %d %s", r.Path, scheme, name, status, code)
				}
			}
		}
		if status, code := call(t, h, r.Path, "Bearer "+caller(r.Audience, nil).Good()); status != http.StatusBadRequest || code != "BAD_RPC_BODY" {
			t.Errorf("%s with a good token: %d %s", r.Path, status, code)
		}
	}
	t.Logf("%d methods", len(routes))
}
