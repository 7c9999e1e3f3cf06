package auth

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// LoadOrCreate reads the secret kept in dir under name, or makes one and keeps it
// there, readable by its owner only. Two processes that make it at the same time
// end up with the same one. It refuses a file that others can read, a short one,
// and what is no file, and says what to do.
func LoadOrCreate(dir, name string) ([]byte, error) {
	path := filepath.Join(dir, name)
	secret, err := loadSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("secret %s: %w", path, err)
	}
	if err := createSecret(dir, path); err != nil {
		return nil, fmt.Errorf("secret %s: %w", path, err)
	}
	return loadSecret(path)
}

func loadSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", path, err)
	}
	defer func() { _ = f.Close() }() // was only read
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("secret %s: is not a file", path)
	}
	// Windows has no such modes: it answers 0666 for everything.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("secret %s: can be read by others (mode %#o); run chmod 600 on it, or delete it to have a new one made", path, mode)
	}
	raw, err := io.ReadAll(io.LimitReader(f, 4<<10))
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", path, err)
	}
	secret := strings.TrimSpace(string(raw))
	if len(secret) < MinSecretBytes {
		return nil, fmt.Errorf("secret %s: holds fewer than %d bytes; delete it to have a new one made", path, MinSecretBytes)
	}
	return []byte(secret), nil
}

// createSecret writes a new secret beside its place and links it there. A link
// never replaces what exists, so of two processes one wins and both read its file;
// and nobody ever sees half a secret.
func createSecret(dir, path string) error {
	f, err := os.CreateTemp(dir, ".secret-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // the link, if any, stays
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	_, err = f.WriteString(base64.RawURLEncoding.EncodeToString(raw) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the new name survive a power failure.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
