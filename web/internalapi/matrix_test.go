package internalapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/realtime/realtimetest"
	"anihub/modules/sync/syncertest"
	"anihub/modules/users"
	"anihub/modules/users/userstest"
	"anihub/platform/auth"
	"anihub/platform/auth/authtest"
	"anihub/platform/telemetry"
	"anihub/web/internalapi"
)

const (
	serviceSecret  = "Zr7TpLw2XnVb9QsKd4HyJfMc6GaEuRoI"
	previousSecret = "XnVb9QsKd4HyJfMc6GaEuRoIZr7TpLw2"
	userSecret     = "qK3v9ZpXw7Lr2TnB8sYdHfJc5MgAeUoQ"
)

// gate is the internal surface behind the verification that ships.
type gate struct {
	router   *echo.Echo
	services *auth.Services
	users    *userstest.Fake
}

func openGate(t *testing.T) *gate {
	t.Helper()
	keys, err := auth.NewKeys(auth.NewKey([]byte(serviceSecret)), auth.NewKey([]byte(previousSecret)))
	if err != nil {
		t.Fatal(err)
	}
	tel, err := telemetry.New(telemetry.LogConfig{Level: "info", Format: "text"}, telemetry.TracingConfig{}, "test", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{services: auth.NewServices(keys, []string{"admin"}), users: userstest.NewFake()}
	handler := internalapi.New(internalapi.Deps{
		Users: g.users, Sync: syncertest.NewFake(), Realtime: realtimetest.NewFake(), Cache: &fakeCache{}, Audit: &fakeAudit{},
		Upstream: func() []internalapi.Host { return nil },
		Verify:   func(token string) (auth.Principal, error) { return g.services.Verify(token, auth.InternalAudience) },
		Health:   telemetry.NewHealth(), Levels: tel.Levels, Registry: prometheus.NewRegistry(),
		Log: slog.New(slog.NewTextHandler(&bytes.Buffer{}, nil)), Version: "test", Started: time.Now(),
	})
	router, ok := handler.(*echo.Echo)
	if !ok {
		t.Fatalf("the surface is a %T", handler)
	}
	g.router = router
	return g
}

// ask gives a route as long as it takes to say whether one may: streams and profiles
// do not end by themselves.
func (g *gate) ask(t *testing.T, r *echo.Route, authorization string) (int, answer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	path := strings.NewReplacer(":id", "abc", ":profile", "goroutine").Replace(r.Path)
	req := httptest.NewRequestWithContext(ctx, r.Method, path, nil)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	g.router.ServeHTTP(w, req)
	var a answer
	if w.Code >= 400 && strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
	}
	return w.Code, a
}

// openToAll are the only routes that need no token. One that is new is closed, or is
// put here by somebody who means it.
func openToAll(r *echo.Route) bool {
	return r.Method == http.MethodGet && slices.Contains([]string{"/health/live", "/health/ready", "/metrics"}, r.Path)
}

func (g *gate) closed(t *testing.T) []*echo.Route {
	t.Helper()
	out := slices.DeleteFunc(g.router.Routes(), openToAll)
	if len(out) < 20 {
		t.Fatalf("only %d routes need a token", len(out))
	}
	return out
}

func (g *gate) issue(t *testing.T, permissions ...string) string {
	t.Helper()
	token, err := g.services.Issue("admin", permissions, auth.InternalAudience, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func maker(claims map[string]any) authtest.Maker {
	all := map[string]any{"aud": auth.InternalAudience, "service": "admin", "permissions": []string{"read", "write", "notify", "read:pii"}}
	for k, v := range claims {
		all[k] = v
	}
	return authtest.Maker{Secret: []byte(serviceSecret), Life: auth.ServiceLife, Claims: all}
}

// strangers are tokens that are well made, for something else.
func strangers(t *testing.T) []authtest.Forgery {
	t.Helper()
	keys, err := auth.NewKeys(auth.NewKey([]byte(userSecret)))
	if err != nil {
		t.Fatal(err)
	}
	access, _, err := auth.NewUsers(keys).IssueAccess("u", "s", []string{"admin"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	user := authtest.Maker{Secret: []byte(serviceSecret), Life: auth.AccessLife, Claims: map[string]any{
		"aud": auth.UserAudience, "sub": "u", "sid": "s", "roles": []string{"admin"},
	}}
	longest := maker(nil)
	return []authtest.Forgery{
		{Name: "an admin's access token", Token: access, Reason: auth.BadSignature},
		{Name: "an admin's under the services' key", Token: user.Good(), Reason: auth.WrongAudience},
		{Name: "for another module", Token: maker(map[string]any{"aud": "users"}).Good(), Reason: auth.WrongAudience},
		{Name: "of no service", Token: maker(map[string]any{"service": ""}).Good(), Reason: auth.Malformed},
		{Name: "a service that is an operator", Token: maker(map[string]any{"service": map[string]any{"$gt": ""}}).Good(), Reason: auth.Malformed},
		{Name: "permissions in one text", Token: maker(map[string]any{"permissions": "read write"}).Good(), Reason: auth.Malformed},
		{Name: "a life of 25 hours", Token: maker(map[string]any{"exp": time.Now().Add(25 * time.Hour).Unix()}).Good(), Reason: auth.Malformed},
		{Name: "signed by the users' key", Token: authtest.Maker{Secret: []byte(userSecret), Life: time.Hour, Claims: longest.Claims}.Good(), Reason: auth.BadSignature},
	}
}

// TestTokenMatrix: every route that needs a token × everything that is no good one.
func TestTokenMatrix(t *testing.T) {
	t.Parallel()
	g := openGate(t)
	tokens := append(maker(nil).Forgeries(), strangers(t)...)
	asked := 0
	for _, r := range g.closed(t) {
		for _, authorization := range []string{"", "Basic YWRtaW46eA==", "Bearer"} {
			if status, a := g.ask(t, r, authorization); status != 401 || a.Success {
				t.Errorf("%s %s with %q: %d", r.Method, r.Path, authorization, status)
			}
		}
		for _, f := range tokens {
			asked++
			if status, a := g.ask(t, r, "Bearer "+f.Token); status != 401 || a.Error.Code != "BAD_TOKEN" || a.Error.Details["reason"] != f.Reason {
				t.Errorf("%s %s with %s: %d %s %v, want 401 BAD_TOKEN %s", r.Method, r.Path, f.Name, status, a.Error.Code, a.Error.Details["reason"], f.Reason)
			}
		}
		stranger := maker(map[string]any{"service": "stranger"}).Good()
		if status, a := g.ask(t, r, "Bearer "+stranger); status != 403 || a.Error.Code != "SERVICE_NOT_ALLOWED" {
			t.Errorf("%s %s with a service that is not allowed: %d %s", r.Method, r.Path, status, a.Error.Code)
		}
	}
	t.Logf("%d questions with %d tokens", asked, len(tokens))
}

// TestOnePermissionOpensARoute: each route has exactly one key, what only reads is
// opened by read, and no route by the right to e-mails alone.
func TestOnePermissionOpensARoute(t *testing.T) {
	t.Parallel()
	g := openGate(t)
	for _, r := range g.closed(t) {
		var opened []string
		for _, p := range []string{"", auth.Read, auth.Write, auth.Notify, auth.ReadPII} {
			token := maker(map[string]any{"permissions": []string{p}}).Good()
			if status, _ := g.ask(t, r, "Bearer "+token); status != 401 && status != 403 {
				opened = append(opened, p)
			} else if status != 403 {
				t.Errorf("%s %s with %q: %d, want 403", r.Method, r.Path, p, status)
			}
		}
		if len(opened) != 1 || opened[0] == "" || opened[0] == auth.ReadPII || r.Method == http.MethodGet && opened[0] != auth.Read {
			t.Errorf("%s %s is opened by %q", r.Method, r.Path, opened)
		}
	}
}

// TestGoodTokens: two keys at once, clocks that differ, a whole day of life.
func TestGoodTokens(t *testing.T) {
	t.Parallel()
	g := openGate(t)
	good := maker(nil).Skewed()
	good["issued"] = g.issue(t, auth.Read)
	old := maker(nil)
	old.Secret = []byte(previousSecret)
	good["the previous key"] = old.Good()
	good["a life of a day"] = maker(map[string]any{"exp": time.Now().Add(auth.ServiceLife).Unix()}).Good()
	for name, token := range good {
		if status, a := g.ask(t, &echo.Route{Method: "GET", Path: "/internal/modules"}, "Bearer "+token); status != 200 {
			t.Errorf("%s: %d %+v", name, status, a.Error)
		}
	}
}

// TestEmailsAreForWhoMayReadThem.
func TestEmailsAreForWhoMayReadThem(t *testing.T) {
	t.Parallel()
	g := openGate(t)
	mine, err := g.users.Register(t.Context(), users.Registration{Login: "mira", Email: "Mira@example.org", Password: "a long password"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		permissions []string
		status      int
		email       string
	}{
		{[]string{auth.Read}, 200, ""},
		{[]string{auth.Read, auth.Write, auth.Notify}, 200, ""},
		{[]string{auth.Read, auth.ReadPII}, 200, "Mira@example.org"},
		{[]string{auth.ReadPII}, 403, ""},
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/internal/users/"+mine.User.ID, nil)
		req.Header.Set("Authorization", "Bearer "+g.issue(t, c.permissions...))
		w := httptest.NewRecorder()
		g.router.ServeHTTP(w, req)
		var got struct{ Data struct{ Login, Email string } }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		leaks := c.email == "" && strings.Contains(strings.ToLower(w.Body.String()), "example.org")
		if w.Code != c.status || got.Data.Email != c.email || leaks {
			t.Errorf("with %v: %d %s", c.permissions, w.Code, w.Body)
		}
	}
}
