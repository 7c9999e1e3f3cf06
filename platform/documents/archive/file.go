package archive

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrThere says that a file would be overwritten.
var ErrThere = errors.New("the file is there already")

// WriteFile has a file written, whole or not at all: under a name with .partial behind it
// in the same directory, which it gets rid of when write fails, and under its own name
// when all of it is on the disk. Only this user may read it. ErrThere unless force is set.
func WriteFile(path string, force bool, write func(io.Writer) error) error {
	if err := vacant(path, force); err != nil {
		return err
	}
	f, err := newPartial(path + ".partial")
	if err != nil {
		return err
	}
	err = errors.Join(f.fill(write), f.Close())
	if err == nil {
		err = vacant(path, force)
	}
	if err == nil {
		err = f.rename(path)
	}
	if err != nil {
		return errors.Join(err, f.remove())
	}
	return syncDir(filepath.Dir(path))
}

func vacant(path string, force bool) error {
	there, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !force || !there.Mode().IsRegular():
		return fmt.Errorf("%s: %w", path, ErrThere)
	}
	return nil
}

// partial is a file that is not whole yet.
type partial struct {
	*os.File
	info os.FileInfo
}

// newPartial takes the place of what an earlier run left.
func newPartial(path string) (partial, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return partial{}, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return partial{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return partial{}, errors.Join(err, f.Close())
	}
	return partial{f, info}, nil
}

func (p partial) fill(write func(io.Writer) error) error {
	if err := write(p.File); err != nil {
		return err
	}
	return p.Sync()
}

// ours tells whether the file of that name is still this one: another run may have taken
// its place.
func (p partial) ours() bool {
	there, err := os.Lstat(p.Name())
	return err == nil && os.SameFile(there, p.info)
}

func (p partial) rename(path string) error {
	if !p.ours() {
		return fmt.Errorf("%s was taken by another run", p.Name())
	}
	return os.Rename(p.Name(), path)
}

func (p partial) remove() error {
	if !p.ours() {
		return nil
	}
	return os.Remove(p.Name())
}

// syncDir makes the new name last through a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
