package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/config"
	"anihub/platform/redisdb/redistest"
)

// office is a running site and the operator's command line beside it, on the same
// store.
type office struct {
	*site
	env []string
	dir string // of the data
}

// openOffice runs a site; with redis = "" it owns its event log.
func openOffice(t *testing.T, redis string) *office {
	t.Helper()
	upstream := anilibriatest.New(anilibriatest.Catalogue())
	l := listen(t)
	served := make(chan error, 1)
	ctx := t.Context()
	go func() { served <- upstream.Serve(ctx, l) }()
	t.Cleanup(func() { <-served })
	s := testSettings(t, "http://"+l.Addr().String()+anilibriatest.BasePath)
	s.Web.Addr = "127.0.0.1:0"
	env := []string{
		"ANIHUB_PLATFORM_STORAGE_DATA_DIR=" + s.Platform.Storage.DataDir,
		"JWT_SECRET=" + userSecret.Reveal(), "INTERNAL_JWT_SECRET=" + internalSecret.Reveal(),
	}
	if redis != "" {
		env = append(env, "REDIS_URL="+redis)
		s.Platform.Storage.Redis.URL = config.Secret(redis)
	}
	out := &logs{}
	a := start(t, s, out)
	return &office{&site{url: a.web.URL(), upstream: upstream, logs: out}, env, s.Platform.Storage.DataDir}
}

// says runs a command and answers with what it prints, on either side.
func (o *office) says(t *testing.T, stdin string, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code := run(t.Context(), terminal{out: &out, err: &err, environ: o.env, in: strings.NewReader(stdin)}, append([]string{"user"}, args...))
	if code != 0 {
		t.Errorf("user %v: exit %d: %s %s", args, code, out.String(), err.String())
	}
	return out.String(), err.String()
}

// login is the status of a sign-in and its token.
func (o *office) login(t *testing.T, password string) (int, string) {
	t.Helper()
	status, a := o.call(t, "POST", o.url+"/api/auth/login", "", fmt.Sprintf(`{"login":"mira","password":%q}`, password))
	var session struct {
		Token string `json:"access_token"`
	}
	if status == http.StatusOK {
		a.into(t, &session)
	}
	return status, session.Token
}

// signedIn is a token and a socket that speaks for it.
func (o *office) signedIn(t *testing.T, password string) (string, *socket) {
	t.Helper()
	status, token := o.login(t, password)
	if status != http.StatusOK {
		t.Fatalf("login: %d", status)
	}
	sock := o.dial(t)
	sock.send(fmt.Sprintf(`{"type":"auth","data":{"token":%q}}`, token))
	sock.expect("auth_ok")
	return token, sock
}

// ends waits for the token to be worth nothing and for the socket to be closed.
func (o *office) ends(t *testing.T, token string, sock *socket, code websocket.StatusCode) {
	t.Helper()
	eventually(t, "the token is dead", func() bool {
		status, _ := o.call(t, "GET", o.url+"/api/auth/me", token, "")
		return status == http.StatusUnauthorized
	})
	if _, _, err := sock.c.Read(t.Context()); websocket.CloseStatus(err) != code {
		t.Errorf("socket: %v, want close %d", err, code)
	}
}

// leaves deletes the account, and searches the whole file of the store for what tells
// who it was: no module has kept it.
func (o *office) leaves(t *testing.T, token, password string) {
	t.Helper()
	if found := o.search(t, "mira"); len(found) == 0 {
		t.Fatal("the search finds nothing where there is something")
	}
	status, a := o.call(t, "DELETE", o.url+"/api/users/account", token, fmt.Sprintf(`{"password":%q}`, password))
	if status != http.StatusOK {
		t.Fatalf("delete: %d %+v", status, a.Error)
	}
	eventually(t, "nothing is left", func() bool { return len(o.search(t, "mira")) == 0 })
}

// search names the tables in which something holds the text.
func (o *office) search(t *testing.T, text string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(o.dir, "anihub.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var found []string
	for _, table := range texts(t, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`) {
		for _, doc := range texts(t, db, fmt.Sprintf(`SELECT CAST(id AS BLOB) || CAST(doc AS BLOB) FROM %q`, table)) {
			if strings.Contains(strings.ToLower(doc), text) {
				found = append(found, table)
			}
		}
	}
	return found
}

func texts(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestOperatorsCommands beside a server that runs, whose log is its own or shared.
func TestOperatorsCommands(t *testing.T) {
	t.Parallel()
	for name, redis := range map[string]func(*testing.T) string{
		"own log":    func(*testing.T) string { return "" },
		"shared log": func(t *testing.T) string { return redistest.Start(t).URL() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			operators(t, openOffice(t, redis(t)))
		})
	}
}

func operators(t *testing.T, o *office) {
	t.Helper()
	const password = "a long password"
	for _, login := range []string{"first", "mira"} { // the first one is admin
		body := fmt.Sprintf(`{"login":%q,"email":"%s@example.org","password":%q}`, login, login, password)
		if status, a := o.call(t, "POST", o.url+"/api/auth/register", "", body); status != http.StatusCreated {
			t.Fatalf("register: %d %+v", status, a.Error)
		}
	}
	list, _ := o.says(t, "", "list")
	if lines := strings.Split(strings.TrimSpace(list), "\n"); len(lines) != 3 || !strings.Contains(lines[1], "user,admin") || !strings.Contains(lines[2], "mira@example.org") {
		t.Errorf("list:\n%s", list)
	}

	token, sock := o.signedIn(t, password)
	if out, _ := o.says(t, "", "ban", "Mira@example.org"); !strings.Contains(out, "mira <mira@example.org> is banned") {
		t.Errorf("ban: %s", out)
	}
	o.ends(t, token, sock, 4403)
	if status, _ := o.login(t, password); status != http.StatusForbidden {
		t.Errorf("login of a banned user: %d", status)
	}
	if list, _ := o.says(t, "", "list"); strings.Count(list, "banned") != 1 {
		t.Errorf("list:\n%s", list)
	}
	o.says(t, "", "unban", "mira")

	token, sock = o.signedIn(t, password)
	made, words := o.says(t, "", "reset-password", "mira")
	if made = strings.TrimSuffix(made, "\n"); len(made) < 20 || strings.ContainsAny(made, " \n") || strings.Contains(words, made) {
		t.Errorf("printed %q and %q", made, words)
	}
	o.ends(t, token, sock, 4401)
	if status, _ := o.login(t, password); status != http.StatusUnauthorized {
		t.Errorf("the old password: %d", status)
	}
	token, sock = o.signedIn(t, made)
	if out, _ := o.says(t, "from a pipe\r\nmore\n", "reset-password", "-stdin", "mira"); out != "" {
		t.Errorf("a password that was given is printed: %q", out)
	}
	o.ends(t, token, sock, 4401)
	token, _ = o.signedIn(t, "from a pipe")

	o.says(t, "", "admin", "mira")
	roles := func() string {
		_, a := o.call(t, "GET", o.url+"/api/auth/me", token, "")
		return string(a.Data)
	}
	eventually(t, "mira is an admin", func() bool { return strings.Contains(roles(), `"admin"`) })
	o.says(t, "", "admin", "-off", "mira")
	eventually(t, "mira is none", func() bool { return !strings.Contains(roles(), `"admin"`) })
	o.leaves(t, token, "from a pipe")
	if said := o.logs.String(); strings.Contains(said, made) || strings.Contains(said, "from a pipe") {
		t.Error("a password is in the log")
	}
}
