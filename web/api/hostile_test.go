package api_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

// post asks the gate as a browser would.
func (g *gate) post(t *testing.T, method, path, token string, body any) (int, envelope) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(string(raw)))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	g.router.ServeHTTP(w, r)
	return w.Code, answerOf(t, w.Result())
}

type fields map[string]any

// TestPasswordsAreTakenWhole: whatever text a password is, each character of it
// counts, through registration, sign-in, change and deletion.
func TestPasswordsAreTakenWhole(t *testing.T) {
	t.Parallel()
	g := openGate(t)
	for name, p := range map[string][2]string{
		"73 bytes":         {strings.Repeat("a", 72) + "b", strings.Repeat("a", 72) + "c"},
		"128 characters":   {strings.Repeat("я", 127) + "b", strings.Repeat("я", 127) + "c"},
		"null bytes":       {"before\x00after one", "before\x00after two"},
		"bidi":             {"\u202epassword one", "\u202epassword two"},
		"a bidi less":      {"\u202epassword one", "password one"},
		"zero width":       {"pass\u200bword one", "password one"},
		"trailing space":   {"a long password ", "a long password"},
		"capitals":         {"A long password", "a long password"},
		"an operator":      {`{"$gt": ""}`, `{"$gt": "" }`},
		"emoji":            {"🦊🦊🦊🦊🦊🦊🦊🦊", "🦊🦊🦊🦊🦊🦊🦊🦝"},
		"only line breaks": {"\n\n\n\n\n\n\n\n", "\n\n\n\n\n\n\n\n\n"},
	} {
		g.n++
		login := "pass" + strings.ToLower(strings.Map(func(r rune) rune {
			if r == ' ' {
				return '-'
			}
			return r
		}, name))
		right, wrong := p[0], p[1]
		status, e := g.post(t, "POST", "/api/auth/register", "", fields{"login": login, "email": login + "@example.org", "password": right})
		if status != 201 {
			t.Errorf("%s: register %d %+v", name, status, e.Error)
			continue
		}
		if status, _ := g.post(t, "POST", "/api/auth/login", "", fields{"login": login, "password": wrong}); status != 401 {
			t.Errorf("%s: login by another: %d", name, status)
		}
		status, e = g.post(t, "POST", "/api/auth/login", "", fields{"login": login, "password": right})
		var session sessionData
		if status != 200 || json.Unmarshal(e.Data, &session) != nil {
			t.Errorf("%s: login %d", name, status)
		}
		if status, _ := g.post(t, "DELETE", "/api/users/account", session.AccessToken, fields{"password": wrong}); status != 403 {
			t.Errorf("%s: deletion by another: %d", name, status)
		}
		if status, _ := g.post(t, "PUT", "/api/users/change-password", session.AccessToken, fields{"current_password": right, "new_password": wrong}); status != 200 {
			t.Errorf("%s: change: %d", name, status)
		}
		if status, _ := g.post(t, "DELETE", "/api/users/account", session.AccessToken, fields{"password": wrong}); status != 200 {
			t.Errorf("%s: deletion: %d", name, status)
		}
	}
}

// TestHostileRegistrations over the module that ships: exact statuses, and nothing
// of ours breaks.
func TestHostileRegistrations(t *testing.T) {
	t.Parallel()
	g := openGate(t)
	good := func(change fields) fields {
		out := fields{"login": "wanderer", "email": "w@example.org", "password": "a long password"}
		for k, v := range change {
			out[k] = v
		}
		return out
	}
	for name, c := range map[string]struct {
		body   fields
		status int
	}{
		"an operator for a login":    {good(fields{"login": fields{"$gt": ""}}), 400},
		"a list for a password":      {good(fields{"password": []string{"a long password"}}), 400},
		"an operator spelt out":      {good(fields{"login": "$where"}), 422},
		"roles":                      {good(fields{"roles": []string{"admin"}}), 400},
		"is_admin":                   {good(fields{"is_admin": true}), 400},
		"_id":                        {good(fields{"_id": "x"}), 400},
		"__proto__":                  {good(fields{"__proto__": fields{"roles": []string{"admin"}}}), 400},
		"constructor":                {good(fields{"constructor": fields{"prototype": fields{}}}), 400},
		"1 MB of password":           {good(fields{"password": strings.Repeat("x", 1<<20)}), 413},
		"129 characters":             {good(fields{"password": strings.Repeat("x", 129)}), 422},
		"7 characters":               {good(fields{"password": "1234567"}), 422},
		"a null byte in the login":   {good(fields{"login": "wand\x00erer"}), 422},
		"bidi in the login":          {good(fields{"login": "\u202ewanderer"}), 422},
		"an isolate in the login":    {good(fields{"login": "\u2066wanderer\u2069"}), 422},
		"zero width in the login":    {good(fields{"login": "wan\u200bderer"}), 422},
		"two scripts in the login":   {good(fields{"login": "wаnderer"}), 422},
		"a line break in the e-mail": {good(fields{"email": "w@example.org\r\nBcc: x@example.org"}), 422},
		"a null byte in the e-mail":  {good(fields{"email": "w@example.org\x00"}), 422},
		"no text in the password":    {good(fields{"password": "a long \ufffd password"}), 422},
		"markup in the login":        {good(fields{"login": "<img src=x>"}), 422},
	} {
		if status, e := g.post(t, "POST", "/api/auth/register", "", c.body); status != c.status || e.Success {
			t.Errorf("%s: %d %+v, want %d", name, status, e.Error, c.status)
		}
	}
	if status, e := g.post(t, "POST", "/api/auth/register", "", good(nil)); status != 201 || strings.Contains(string(e.Data), "admin") {
		t.Errorf("the plain one: %d %s", status, e.Data)
	}
}

// TestForeignSessions: what belongs to somebody else is as good as nothing.
func TestForeignSessions(t *testing.T) {
	t.Parallel()
	g := openGate(t)
	mine, other := g.viewer(t), g.viewer(t)
	status, e := g.post(t, "DELETE", "/api/users/sessions/"+other.ID, mine.AccessToken, nil)
	if status != 404 || e.Error.Code != "SESSION_NOT_FOUND" {
		t.Errorf("%d %+v", status, e.Error)
	}
	if v, err := g.room.Validate(t.Context(), other.AccessToken); err != nil || !v.Valid {
		t.Errorf("it ended: %+v, %v", v, err)
	}
	status, e = g.post(t, "GET", "/api/users/sessions", mine.AccessToken, nil)
	if status != 200 || strings.Contains(string(e.Data), other.ID) || !strings.Contains(string(e.Data), mine.ID) {
		t.Errorf("%d %s", status, e.Data)
	}
}
