package auth_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"anihub/platform/auth"
	"anihub/platform/config"
)

func TestWeakSecrets(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "secret", "changeme", "internal_service_token", "jwt_token_here", "user_jwt_token_here", "INTERNAL_JWT_SECRET",
		"JWT_SECRET", "your-256-bit-secret", "your-super-secret-jwt-key-change-this-in-production", "change-me-change-me-change-me-change-me",
		"this-is-a-very-long-secret-key-that-is-32-bytes", "anihub-development-secret-anihub-development-secret",
		"a-string-secret-at-least-256-bits-long", "password123456789012345678901234567890",
		strings.Repeat("a", 32), strings.Repeat("x", 64), strings.Repeat("ab", 20), strings.Repeat("k7Q!", 9),
		"abcdefghijklmnopqrstuvwxyz0123456789", "00000000000000000000000000000001", "qwertyuiopasdfghjklzxcvbnm1234567890",
		"0123456789abcdef0123456789abcdef", "kT9#zLq2!vB7xW", "correct-horse-battery-staple-correct",
		"SuperSecretPasswordForAnihubProduction2026",
	} {
		if reason, weak := auth.Weak(s); !weak || reason == "" {
			t.Errorf("%q is taken for strong", s)
		}
	}
}

func TestRandomSecretsAreNotWeak(t *testing.T) {
	t.Parallel()
	for range 300 {
		raw := make([]byte, 32)
		_, _ = rand.Read(raw)
		for _, s := range []string{
			base64.StdEncoding.EncodeToString(raw), hex.EncodeToString(raw), hex.EncodeToString(raw[:16]),
			base64.RawURLEncoding.EncodeToString(raw[:24]), rand.Text() + rand.Text(),
		} {
			if reason, weak := auth.Weak(s); weak {
				t.Errorf("%q %s", s, reason)
			}
		}
	}
}

func TestSecretIsMadeOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	first, err := auth.LoadOrCreate(dir, "jwt_secret")
	if err != nil {
		t.Fatal(err)
	}
	if _, weak := auth.Weak(string(first)); weak {
		t.Error("made a weak secret")
	}
	again, err := auth.LoadOrCreate(dir, "jwt_secret")
	if err != nil || string(again) != string(first) {
		t.Errorf("another secret: %v", err)
	}
	other, err := auth.LoadOrCreate(dir, "internal_jwt_secret")
	if err != nil || string(other) == string(first) {
		t.Errorf("two names, one secret: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "jwt_secret"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".secret-*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSecretRaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	got := make([]string, 32)
	for i := range got {
		wg.Go(func() {
			s, err := auth.LoadOrCreate(dir, "jwt_secret")
			if err != nil {
				t.Error(err)
			}
			got[i] = string(s)
		})
	}
	wg.Wait()
	for _, s := range got {
		if s == "" || s != got[0] {
			t.Fatalf("different secrets: %q and %q", got[0], s)
		}
	}
}

func TestSecretFileRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no file modes here")
	}
	long := strings.Repeat("kJ8#", 12)
	for name, tt := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"world":  {long, 0o644, "chmod 600"},
		"group":  {long, 0o640, "chmod 600"},
		"short":  {"short", 0o600, "fewer than 32"},
		"empty":  {"", 0o600, "fewer than 32"},
		"spaces": {strings.Repeat(" ", 64), 0o600, "fewer than 32"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "s"), []byte(tt.text), tt.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, "s"), tt.mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
		_, err := auth.LoadOrCreate(dir, "s")
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), long) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "s"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.LoadOrCreate(dir, "s"); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("directory: %v", err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	with := func(change func(*auth.Config)) auth.Config {
		c := auth.DefaultConfig()
		change(&c)
		return c
	}
	for want, c := range map[string]auth.Config{
		"":                                 auth.DefaultConfig(),
		"internal_jwt_secret: must differ": with(func(c *auth.Config) { c.JWTSecret, c.InternalJWTSecret = "same", "same" }),
		"previous_jwt_secret: is of no":    with(func(c *auth.Config) { c.PreviousJWTSecret = "old" }),
		"allowed_services: must name":      with(func(c *auth.Config) { c.AllowedServices = nil }),
		"allowed_services: \"a b\"":        with(func(c *auth.Config) { c.AllowedServices = []string{"a b"} }),
		"password.memory_kib: must be 7168 to 1048576, is 1": with(func(c *auth.Config) { c.Password.MemoryKiB = 1 }),
		"password.at_once: must be 1 to 64, is 0":            with(func(c *auth.Config) { c.Password.AtOnce = 0 }),
	} {
		err := c.Validate()
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestProductionRefusesWeakSecrets(t *testing.T) {
	t.Parallel()
	c := auth.DefaultConfig()
	c.JWTSecret = userSecret
	c.PreviousJWTSecret = "changeme"
	err := c.Production()
	if err == nil || !strings.Contains(err.Error(), "internal_jwt_secret: is missing") || !strings.Contains(err.Error(), "\nprevious_jwt_secret") &&
		!strings.HasPrefix(err.Error(), "previous_jwt_secret") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), "changeme") {
		t.Error("the error tells the secret")
	}
	c.InternalJWTSecret, c.PreviousJWTSecret = serviceSecret, ""
	if err := c.Production(); err != nil {
		t.Error(err)
	}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v", c, c)} {
		if strings.Contains(text, userSecret) || strings.Contains(text, serviceSecret) {
			t.Errorf("printed: %s", text)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := auth.DefaultConfig()
	first, err := auth.Open(cfg, dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := auth.Open(cfg, dir)
	if err != nil {
		t.Fatal(err)
	}
	token, err := first.Services.Issue("admin", nil, auth.InternalAudience, auth.ServiceLife)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Services.Verify(token, auth.InternalAudience); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	made, err := os.ReadFile(filepath.Join(dir, "jwt_secret"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.InternalJWTSecret = config.Secret(strings.TrimSpace(string(made)))
	if _, err := auth.Open(cfg, dir); err == nil {
		t.Error("one secret for users and services")
	}
}
