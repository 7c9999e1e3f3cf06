package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"anihub/modules/users"
	"anihub/web/api"
)

const account = "mira"

// login signs somebody in as a browser would and returns their Authorization header.
func (s *surface) login(t testing.TB, agent string) (auth, id string) {
	t.Helper()
	out, err := s.users.Login(t.Context(), users.Credentials{
		Login: account, Password: "a long password", Client: users.Client{Address: "192.0.2.7", UserAgent: agent},
	})
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + out.AccessToken, out.ID
}

type sessionItem struct {
	ID, Device, Address string
	CreatedAt           string `json:"created_at"`
	UsedAt              string `json:"used_at"`
	ExpiresAt           string `json:"expires_at"`
	Current             bool
}

func sessionsOf(t *testing.T, s *surface, auth string) []sessionItem {
	t.Helper()
	r := s.get(t, "/api/users/sessions", "Authorization", auth)
	var all []sessionItem
	if e := answerOf(t, r); r.StatusCode != 200 || json.Unmarshal(e.Data, &all) != nil {
		t.Fatalf("sessions: %d %s", r.StatusCode, e.Data)
	}
	return all
}

func (s *surface) works(t *testing.T, auth string) bool {
	t.Helper()
	return s.get(t, "/api/auth/me", "Authorization", auth).StatusCode == 200
}

const firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"

func TestSessionsOfAUser(t *testing.T) {
	t.Parallel()
	s := open(t)
	first := s.signIn(t)
	here, id := s.login(t, firefox)
	all := sessionsOf(t, s, here)
	if len(all) != 2 {
		t.Fatalf("%+v", all)
	}
	for _, x := range all {
		if x.Current != (x.ID == id) || x.CreatedAt == "" || x.UsedAt == "" || x.ExpiresAt == "" {
			t.Errorf("%+v", x)
		}
		if x.ID == id && (x.Device != "Firefox on Windows" || x.Address != "192.0.2.7") {
			t.Errorf("this one: %+v", x)
		}
	}
	for _, foreign := range []string{"nobody", "%00", strings.Repeat("x", 500), strings.ToUpper(id), id + "x", "$gt"} {
		r := s.do(t, "DELETE", "/api/users/sessions/"+foreign, "", "Authorization", here)
		if e := answerOf(t, r); r.StatusCode != 404 {
			t.Errorf("%.20s: %d %s", foreign, r.StatusCode, e.Error.Code)
		}
	}
	r := s.do(t, "DELETE", "/api/users/sessions/"+id, "", "Authorization", first)
	if r.StatusCode != 200 || len(r.Cookies()) != 0 || s.works(t, here) {
		t.Errorf("another session of mine: %d, cookies %v", r.StatusCode, r.Cookies())
	}
	r = s.do(t, "DELETE", "/api/users/sessions/"+sessionsOf(t, s, first)[0].ID, "", "Authorization", first)
	if r.StatusCode != 200 || refreshCookie(t, r).MaxAge >= 0 || s.works(t, first) {
		t.Errorf("this session: %d", r.StatusCode)
	}
}

func TestAnothersSessionIsNone(t *testing.T) {
	t.Parallel()
	s := open(t)
	mine := s.signIn(t)
	other, err := s.users.Register(t.Context(), users.Registration{Login: "other", Email: "o@example.org", Password: "a long password"})
	if err != nil {
		t.Fatal(err)
	}
	r := s.do(t, "DELETE", "/api/users/sessions/"+other.ID, "", "Authorization", mine)
	if e := answerOf(t, r); r.StatusCode != 404 || e.Error.Code != "SESSION_NOT_FOUND" || !s.works(t, "Bearer "+other.AccessToken) {
		t.Errorf("%d %s", r.StatusCode, e.Error.Code)
	}
}

func TestSignOutEverywhere(t *testing.T) {
	t.Parallel()
	s := open(t)
	first := s.signIn(t)
	here, _ := s.login(t, firefox)
	if r := s.do(t, "DELETE", "/api/users/sessions?others=maybe", "", "Authorization", here); r.StatusCode != 422 {
		t.Errorf("others=maybe: %d", r.StatusCode)
	}
	r := s.do(t, "DELETE", "/api/users/sessions?others=true", "", "Authorization", here)
	if r.StatusCode != 200 || len(r.Cookies()) != 0 || s.works(t, first) || !s.works(t, here) {
		t.Errorf("all others: %d", r.StatusCode)
	}
	again, _ := s.login(t, firefox)
	r = s.do(t, "DELETE", "/api/users/sessions", "", "Authorization", here)
	if r.StatusCode != 200 || refreshCookie(t, r).MaxAge >= 0 || s.works(t, here) || s.works(t, again) {
		t.Errorf("everywhere: %d", r.StatusCode)
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	s := open(t)
	first := s.signIn(t)
	here, _ := s.login(t, firefox)
	put := func(body string) (int, string) {
		r := s.do(t, "PUT", "/api/users/change-password", body, "Authorization", here)
		return r.StatusCode, answerOf(t, r).Error.Code
	}
	for _, c := range []struct {
		body   string
		status int
		code   string
	}{
		{`{}`, 400, "BAD_BODY"},
		{`{"current_password":"a long password"}`, 400, "BAD_BODY"},
		{`{"current_password":{"$ne":""},"new_password":"battery staple 9"}`, 400, "BAD_BODY"},
		{`{"current_password":"a long password","new_password":"battery staple 9","user_id":"x"}`, 400, "BAD_BODY"},
		{`{"current_password":"a long password","new_password":"short"}`, 422, "UNACCEPTABLE"},
		{`{"current_password":"wrong","new_password":"battery staple 9"}`, 403, "BAD_PASSWORD"},
		{`{"current_password":"a long password","new_password":"battery staple 9"}`, 200, ""},
		{`{"current_password":"a long password","new_password":"battery staple 9"}`, 403, "BAD_PASSWORD"},
	} {
		if status, code := put(c.body); status != c.status || code != c.code {
			t.Errorf("%s: %d %s, want %d %s", c.body, status, code, c.status, c.code)
		}
	}
	if s.works(t, first) || !s.works(t, here) {
		t.Error("other sessions end, this one does not")
	}
}

func TestDeleteAccount(t *testing.T) {
	t.Parallel()
	s := open(t)
	auth := s.signIn(t)
	for body, want := range map[string]int{`{}`: 400, `{"password":"wrong"}`: 403, `{"password":["a long password"]}`: 400} {
		if r := s.do(t, "DELETE", "/api/users/account", body, "Authorization", auth); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", body, r.StatusCode, want)
		}
	}
	r := s.do(t, "DELETE", "/api/users/account", `{"password":"a long password"}`, "Authorization", auth)
	if r.StatusCode != 200 || refreshCookie(t, r).MaxAge >= 0 || s.works(t, auth) {
		t.Errorf("%d", r.StatusCode)
	}
	if r := s.do(t, "POST", "/api/auth/register", registration); r.StatusCode != 201 {
		t.Errorf("the login is free again: %d", r.StatusCode)
	}
}

func TestDevices(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		firefox: "Firefox on Windows",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                                   "Chrome on Linux",
		"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0":                       "Edge on Windows",
		"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 YaBrowser/25.10.0.0 Safari/537.36":                 "Yandex Browser on Windows",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36":        "Samsung Internet on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1":           "Chrome on iPad",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15":                   "Safari on macOS",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 OPR/125.0.0.0":           "Opera on Windows",
		"curl/8.14.1": "curl", "Go-http-client/2.0": "Go", "Windows": "Windows",
		"": "Unknown device", "<script>alert(1)</script>": "Unknown device", strings.Repeat("x", 10_000): "Unknown device",
	} {
		if got := api.Device(agent); got != want {
			t.Errorf("%.80s: %s, want %s", agent, got, want)
		}
	}
}

// TestHostileAccounts: what a field of an account is asked to be besides text.
func TestHostileAccounts(t *testing.T) {
	t.Parallel()
	s := open(t)
	auth := s.signIn(t)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/api/auth/register", `{"login":"eve","email":"e@example.org","password":"a long password","roles":["admin"]}`, 400},
		{"POST", "/api/auth/register", `{"login":"eve","email":"e@example.org","password":"a long password","is_admin":true}`, 400},
		{"POST", "/api/auth/register", `{"login":"eve","email":"e@example.org","password":"a long password","_id":"x"}`, 400},
		{"POST", "/api/auth/register", `{"login":"eve","email":"e@example.org","password":"a long password","constructor":{"prototype":{"admin":true}}}`, 400},
		{"POST", "/api/auth/register", `{"login":{"$regex":".*"},"email":"e@example.org","password":"a long password"}`, 400},
		{"PUT", "/api/users/profile", `{"name":"x","__proto__":{"roles":["admin"]}}`, 400},
		{"PUT", "/api/users/profile", `{"name":"x","banned":false}`, 400},
		{"PUT", "/api/users/profile", `{"name":"x","_id":"someone"}`, 400},
		{"DELETE", "/api/users/account", `{"password":{"$gt":""}}`, 400},
		{"DELETE", "/api/users/account", `{"password":"a long password","user_id":"someone"}`, 400},
		{"POST", "/api/auth/login", `{"login":"mira","password":"` + strings.Repeat("x", 1<<20) + `"}`, 413},
		{"PUT", "/api/users/change-password", `{"current_password":"` + strings.Repeat("x", 1<<20) + `","new_password":"x"}`, 413},
	} {
		r := s.do(t, c.method, c.path, c.body, "Authorization", auth)
		if e := answerOf(t, r); r.StatusCode != c.status || e.Success {
			t.Errorf("%s %s %.80s: %d, want %d", c.method, c.path, c.body, r.StatusCode, c.status)
		}
	}
	u, err := s.users.User(t.Context(), meID(t, s, auth))
	if err != nil || len(u.Roles) != 1 || u.Roles[0] != users.RoleUser {
		t.Errorf("%+v, %v", u, err)
	}
}

func meID(t *testing.T, s *surface, auth string) string {
	t.Helper()
	var me struct{ ID string }
	if r := s.get(t, "/api/auth/me", "Authorization", auth); r.StatusCode != http.StatusOK || json.Unmarshal(answerOf(t, r).Data, &me) != nil {
		t.Fatal(r.Status)
	}
	return me.ID
}
