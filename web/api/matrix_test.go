package api_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"

	"anihub/modules/catalog/catalogtest"
	"anihub/modules/realtime/realtimetest"
	"anihub/modules/users"
	"anihub/modules/users/userssvc"
	"anihub/platform/auth"
	"anihub/platform/auth/authtest"
	"anihub/platform/documents"
	"anihub/platform/eventlog"
	"anihub/platform/telemetry"
	"anihub/web/api"
)

const (
	userSecret     = "qK3v9ZpXw7Lr2TnB8sYdHfJc5MgAeUoQ"
	previousSecret = "Lr2TnB8sYdHfJc5MgAeUoQqK3v9ZpXw7"
	serviceSecret  = "Zr7TpLw2XnVb9QsKd4HyJfMc6GaEuRoI"
)

// gate is the public surface over the real users module: who gets in is decided by
// the code that ships.
type gate struct {
	router *echo.Echo
	room   *userssvc.Service
	n      int
}

func openGate(t *testing.T) *gate {
	t.Helper()
	store, err := documents.OpenSQLite(filepath.Join(t.TempDir(), "users.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	keys, err := auth.NewKeys(auth.NewKey([]byte(userSecret)), auth.NewKey([]byte(previousSecret)))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&bytes.Buffer{}, nil))
	g := &gate{}
	g.room, err = userssvc.New(userssvc.Config{LoginWindow: time.Minute}, userssvc.Deps{
		Documents: store, Tokens: auth.NewUsers(keys), Events: eventlog.NewMemory(1000), Log: log, Registerer: prometheus.NewRegistry(),
		Passwords: auth.NewPasswords(auth.PasswordConfig{MemoryKiB: 64, Iterations: 1, Parallelism: 1, AtOnce: 4, Queue: 100}),
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := api.New(api.Config{}, api.Deps{
		Catalog: catalogtest.NewFake(lamplighter()), Users: g.room, Realtime: realtimetest.NewFake(), Health: telemetry.NewHealth(),
		Log: log, Registry: prometheus.NewRegistry(), Tracer: noop.NewTracerProvider().Tracer(""), Version: "test", Started: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	if g.router, err = a.Handler(func(echo.Context) error { return echo.ErrNotFound }); err != nil {
		t.Fatal(err)
	}
	return g
}

// viewer is somebody new.
func (g *gate) viewer(t *testing.T) users.Session {
	t.Helper()
	g.n++
	login := fmt.Sprintf("viewer%d", g.n)
	s, err := g.room.Register(t.Context(), users.Registration{Login: login, Email: login + "@example.org", Password: "a long password"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (g *gate) ask(t *testing.T, r *echo.Route, authorization string) (int, envelope) {
	t.Helper()
	path := strings.NewReplacer(":title_id", "9901", ":id", "abc").Replace(r.Path)
	req := httptest.NewRequestWithContext(t.Context(), r.Method, path, nil)
	if authorization != "" {
		req.Header["Authorization"] = []string{authorization}
	}
	w := httptest.NewRecorder()
	g.router.ServeHTTP(w, req)
	if r.Method == http.MethodHead {
		return w.Code, envelope{}
	}
	return w.Code, answerOf(t, w.Result())
}

// openToAll are the only routes outside the catalogue that need nobody. A route that
// is new is closed, or is put here by somebody who means it.
func openToAll(r *echo.Route) bool {
	switch r.Method + " " + r.Path {
	case "POST /api/auth/register", "POST /api/auth/login", "POST /api/auth/refresh", "POST /socket.io/":
		return true
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	// The token of a personal feed is in its address.
	for _, prefix := range []string{"/api/anilibria/", "/health/", "/socket.io/", "/api/openapi.json", "/api/asyncapi.json", "/api/docs", "/sdk/", "/api/users/feed/"} {
		if strings.HasPrefix(r.Path, prefix) {
			return true
		}
	}
	return false
}

// closed are the routes of the router that need somebody.
func (g *gate) closed(t *testing.T) []*echo.Route {
	t.Helper()
	var out []*echo.Route
	for _, r := range g.router.Routes() {
		if !openToAll(r) {
			out = append(out, r)
		}
	}
	if len(out) < 10 {
		t.Fatalf("only %d routes need somebody", len(out))
	}
	return out
}

// maker forges tokens of a session.
func maker(s users.Session) authtest.Maker {
	return authtest.Maker{Secret: []byte(userSecret), Life: auth.AccessLife, Claims: map[string]any{
		"aud": auth.UserAudience, "sub": s.User.ID, "sid": s.ID, "roles": []string{"user", "admin"},
	}}
}

// TestTokenMatrix: every route that needs somebody × everything that is no good token.
func TestTokenMatrix(t *testing.T) {
	t.Parallel()
	g := openGate(t)
	tokens := append(maker(g.viewer(t)).Forgeries(), g.strangers(t)...)
	asked := 0
	for _, r := range g.closed(t) {
		for _, authorization := range []string{"", "Basic bWlyYTp4", "bearer x", "Bearer", "Token x"} {
			if status, e := g.ask(t, r, authorization); status != 401 || r.Method != http.MethodHead && e.Error.Code != "UNAUTHENTICATED" {
				t.Errorf("%s %s with %q: %d %s", r.Method, r.Path, authorization, status, e.Error.Code)
			}
		}
		for _, f := range tokens {
			asked++
			status, e := g.ask(t, r, "Bearer "+f.Token)
			if status != 401 || r.Method != http.MethodHead && (e.Error.Code != "BAD_TOKEN" || e.Error.Details["reason"] != f.Reason) {
				t.Errorf("%s %s with %s: %d %s %v, want 401 BAD_TOKEN %s", r.Method, r.Path, f.Name, status, e.Error.Code, e.Error.Details["reason"], f.Reason)
			}
		}
		mine := g.viewer(t) // of its own: the route may end the session
		if status, _ := g.ask(t, r, "Bearer "+maker(mine).Good()); status == 401 || status == 403 {
			t.Errorf("%s %s with a good token: %d", r.Method, r.Path, status)
		}
	}
	t.Logf("%d questions with %d tokens", asked, len(tokens))
}

// strangers are tokens that are well made, for somebody else or for something else.
func (g *gate) strangers(t *testing.T) []authtest.Forgery {
	t.Helper()
	mine, other, banned, left, deleted, changed := g.viewer(t), g.viewer(t), g.viewer(t), g.viewer(t), g.viewer(t), g.viewer(t)
	_, err1 := g.room.SetBanned(t.Context(), banned.User.Login, true)
	err2 := g.room.Logout(t.Context(), left.User.ID, left.ID)
	err3 := g.room.DeleteAccount(t.Context(), users.Deletion{UserID: deleted.User.ID, Password: "a long password"})
	_, err4 := g.room.ResetPassword(t.Context(), changed.User.Login, "battery staple 9")
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	mixed := maker(mine)
	mixed.Claims["sid"] = other.ID
	nobody := maker(mine)
	nobody.Claims["sub"] = "aaaaaaaaaaaaaaaaaaaa"
	operator := maker(mine)
	operator.Claims["sub"] = map[string]any{"$gt": ""}
	service := authtest.Maker{Secret: []byte(userSecret), Life: auth.ServiceLife, Claims: map[string]any{
		"aud": auth.InternalAudience, "service": "admin", "permissions": []string{"read", "write", "notify"},
	}}
	return []authtest.Forgery{
		{Name: "another's session", Token: mixed.Good(), Reason: "session_ended"},
		{Name: "nobody's", Token: nobody.Good(), Reason: "session_ended"},
		{Name: "an operator as user", Token: operator.Good(), Reason: auth.Malformed},
		{Name: "a banned user's", Token: banned.AccessToken, Reason: "banned"},
		{Name: "of a session that ended", Token: left.AccessToken, Reason: "session_ended"},
		{Name: "of an account that is gone", Token: deleted.AccessToken, Reason: "session_ended"},
		{Name: "of before the password was reset", Token: changed.AccessToken, Reason: "session_ended"},
		{Name: "a refresh token", Token: mine.RefreshToken, Reason: auth.Malformed},
		{Name: "a service's", Token: serviceToken(t), Reason: auth.BadSignature},
		{Name: "a service's under the users' key", Token: service.Good(), Reason: auth.WrongAudience},
	}
}

func serviceToken(t *testing.T) string {
	t.Helper()
	keys, err := auth.NewKeys(auth.NewKey([]byte(serviceSecret)))
	if err != nil {
		t.Fatal(err)
	}
	token, err := auth.NewServices(keys, []string{"admin"}).Issue("admin", []string{auth.Read, auth.Write}, auth.InternalAudience, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestGoodTokens: two keys at once, clocks that differ, and what else is meant to work.
func TestGoodTokens(t *testing.T) {
	t.Parallel()
	g := openGate(t)
	mine := g.viewer(t)
	good := maker(mine).Skewed()
	good["plain"] = mine.AccessToken
	old := maker(mine)
	old.Secret = []byte(previousSecret)
	good["the previous key"] = old.Good()
	for name, token := range good {
		status, e := g.ask(t, &echo.Route{Method: "GET", Path: "/api/auth/me"}, "Bearer "+token)
		if status != 200 || !strings.Contains(string(e.Data), `"roles":["user"]`) {
			t.Errorf("%s: %d %s %s", name, status, e.Error.Code, e.Data) // the roles are the account's, not the token's
		}
	}
}
