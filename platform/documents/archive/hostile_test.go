package archive_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/documents"
	"anihub/platform/documents/archive"
)

// forged is a stream whose sums are right, whatever is in it.
type forged struct {
	bytes.Buffer
	part        []byte
	count, docs int64
	parts       int64
}

func forge() *forged {
	f := new(forged)
	f.WriteString("AniHub backup\n")
	return f
}

func (f *forged) frame(kind byte, payload []byte) *forged {
	f.WriteByte(kind)
	f.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(payload))))
	f.Write(payload)
	return f
}

func (f *forged) bson(kind byte, doc any) *forged {
	b, err := bson.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return f.frame(kind, b)
}

func (f *forged) header(format int) *forged {
	return f.bson('h', bson.D{{Key: "format", Value: format}, {Key: "anihub", Value: "v9"}})
}

func (f *forged) open(name string) *forged {
	f.part, f.count = nil, 0
	return f.bson('c', bson.D{{Key: "name", Value: name}})
}

func (f *forged) doc(id string, doc []byte) *forged {
	body := append(append(binary.LittleEndian.AppendUint16(nil, uint16(len(id))), id...), doc...)
	f.part, f.count = append(f.part, body...), f.count+1
	return f.frame('d', append(make([]byte, 8), body...))
}

func (f *forged) close(name string) *forged {
	sum := sha256.Sum256(f.part)
	f.docs, f.parts = f.docs+f.count, f.parts+1
	return f.bson('e', bson.D{
		{Key: "name", Value: name}, {Key: "count", Value: f.count}, {Key: "bytes", Value: int64(len(f.part))}, {Key: "sha256", Value: sum[:]},
	})
}

func (f *forged) end() []byte {
	sum := sha256.Sum256(f.Bytes())
	f.bson('t', bson.D{
		{Key: "collections", Value: f.parts}, {Key: "documents", Value: f.docs}, {Key: "bytes", Value: int64(f.Len())}, {Key: "sha256", Value: sum[:]},
	})
	return packed(f.Bytes())
}

func login(s string) []byte {
	b, _ := bson.Marshal(bson.D{{Key: "login", Value: s}})
	return b
}

// TestForgeryIsFaithful: the forgery without a fault is a backup.
func TestForgeryIsFaithful(t *testing.T) {
	t.Parallel()
	b := openSQLite(t)
	file := forge().header(1).open("people").doc("a", login("x")).doc("b", login("y")).close("people").end()
	s, err := restoration(file, b).Run(t.Context())
	if err != nil || s.Documents != 2 || len(contents(t, b)) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestHostileFiles: each is refused with its reason, before anything is written.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	begun := func() *forged { return forge().header(1) }
	people := func() *forged { return begun().open("people") }
	dollar := []byte{0x0c, 0, 0, 0, 0x10, '$', 0, 1, 0, 0, 0, 0}
	whole := begun().open("people").doc("a", login("x")).close("people").end()
	for name, c := range map[string]struct {
		file []byte
		want error
		says string
	}{
		"nothing":             {nil, archive.ErrNotBackup, ""},
		"a text":              {[]byte("users:\n- mira\n"), archive.ErrNotBackup, ""},
		"another gzip":        {packed([]byte("users:\n- mira\n and more than enough")), archive.ErrNotBackup, ""},
		"a gzip of nothing":   {packed(nil), archive.ErrNotBackup, ""},
		"a bomb":              {packed(make([]byte, 64<<20)), archive.ErrNotBackup, ""},
		"no header":           {forge().open("people").end(), archive.ErrDamaged, "header"},
		"only the line":       {packed([]byte("AniHub backup\n")), archive.ErrTruncated, ""},
		"only a header":       {packed(begun().Bytes()), archive.ErrTruncated, ""},
		"a newer format":      {forge().header(2).end(), archive.ErrNewer, "format 2"},
		"format 0":            {forge().header(0).end(), archive.ErrDamaged, "never was"},
		"an unknown part":     {begun().open("future").close("future").end(), archive.ErrNewer, `"future"`},
		"a part twice":        {people().close("people").open("people").close("people").end(), archive.ErrDamaged, ""},
		"a part in a part":    {people().open("things").close("things").end(), archive.ErrDamaged, "people"},
		"an end without part": {begun().close("people").end(), archive.ErrDamaged, ""},
		"a loose document":    {begun().doc("a", login("x")).end(), archive.ErrDamaged, ""},
		"an unknown frame":    {begun().frame('x', nil).end(), archive.ErrDamaged, ""},
		"a second header":     {begun().header(1).end(), archive.ErrDamaged, ""},
		"another name":        {people().doc("a", login("x")).close("things").end(), archive.ErrDamaged, "people"},
		"a document twice":    {people().doc("a", login("x")).doc("a", login("y")).close("people").end(), archive.ErrDamaged, `"a"`},
		"out of order":        {people().doc("b", login("x")).doc("a", login("y")).close("people").end(), archive.ErrDamaged, `"a"`},
		"a login twice":       {people().doc("a", login("x")).doc("b", login("x")).close("people").end(), archive.ErrDamaged, `"b"`},
		"without its login":   {people().doc("a", []byte{5, 0, 0, 0, 0}).close("people").end(), archive.ErrDamaged, "login"},
		"no BSON":             {people().doc("a", []byte("hello")).close("people").end(), archive.ErrDamaged, `"a"`},
		"a key of MongoDB's":  {begun().open("things").doc("a", dollar).close("things").end(), archive.ErrDamaged, "$"},
		"no id":               {people().doc("", login("x")).close("people").end(), archive.ErrDamaged, ""},
		"an id too long":      {people().doc(strings.Repeat("i", 513), login("x")).close("people").end(), archive.ErrDamaged, "513"},
		"an id beyond":        {people().frame('d', []byte{0, 0, 0, 0, 0, 0, 0, 0, 9, 0}).close("people").end(), archive.ErrDamaged, ""},
		"a stump":             {people().frame('d', []byte{1}).close("people").end(), archive.ErrDamaged, ""},
		"a huge frame":        {packed(append(people().Bytes(), 'd', 255, 255, 255, 255)), archive.ErrDamaged, "4294967295"},
		"a large small frame": {packed(append(begun().Bytes(), 'c', 0, 0, 16, 0)), archive.ErrDamaged, ""},
		"a promise":           {packed(append(people().Bytes(), 'd', 0, 0, 240, 0)), archive.ErrTruncated, "people"},
		"no trailer":          {packed(people().close("people").Bytes()), archive.ErrTruncated, ""},
		"a false trailer":     {packed(begun().bson('t', bson.D{{Key: "sha256", Value: make([]byte, 32)}}).Bytes()), archive.ErrDamaged, "checksum"},
		"something behind":    {append(slices.Clone(whole), "more than a header of gzip"...), archive.ErrDamaged, ""},
		"a backup behind":     {append(slices.Clone(whole), whole...), archive.ErrDamaged, "follows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openSQLite(t)
			r := restoration(c.file, b)
			r.Force = true
			_, err := r.Run(t.Context())
			if !errors.Is(err, c.want) || errors.Is(err, archive.ErrUnfinished) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("got %v, want %v with %q", err, c.want, c.says)
			}
			if got := contents(t, b); len(got) > 0 {
				t.Errorf("%d documents were written", len(got))
			}
		})
	}
}

// small is a backup of a few documents.
func small(t testing.TB) []byte {
	t.Helper()
	s := openSQLite(t)
	for _, id := range []string{"a", "b", "c"} {
		must(t, s.Collection(people).Insert(t.Context(), id, bson.D{{Key: "login", Value: "login of " + id}}))
	}
	return write(t, s)
}

// TestEveryCut: no beginning of a backup is one.
func TestEveryCut(t *testing.T) {
	t.Parallel()
	file := small(t)
	for n := range file {
		_, err := archive.Check(t.Context(), bytes.NewReader(file[:n]), specs(), quiet)
		if !errors.Is(err, archive.ErrTruncated) && !errors.Is(err, archive.ErrNotBackup) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(file), err)
		}
	}
}

// TestEveryBit: a bit that flipped is noticed, unless it is one that means nothing to gzip;
// then what is read is what was written.
func TestEveryBit(t *testing.T) {
	t.Parallel()
	file := small(t)
	want, err := archive.Check(t.Context(), bytes.NewReader(file), specs(), quiet)
	must(t, err)
	for n := range 8 * len(file) {
		bad := slices.Clone(file)
		bad[n/8] ^= 1 << (n % 8)
		got, err := archive.Check(t.Context(), bytes.NewReader(bad), specs(), quiet)
		if err == nil && !cmp.Equal(got, want) {
			t.Errorf("bit %d of byte %d flipped: reads as %+v", n%8, n/8, got)
		}
	}
}

// TestEveryUnpackedByte is the same below gzip and its own checksum.
func TestEveryUnpackedByte(t *testing.T) {
	t.Parallel()
	plain := unpacked(t, small(t))
	var file bytes.Buffer
	z, err := gzip.NewWriterLevel(&file, gzip.NoCompression)
	must(t, err)
	for n := range plain {
		for _, flip := range []byte{1, 1 << 5, 0xff} {
			bad := slices.Clone(plain)
			bad[n] ^= flip
			file.Reset()
			z.Reset(&file)
			_, err := z.Write(bad)
			must(t, errors.Join(err, z.Close()))
			if _, err := archive.Check(t.Context(), &file, specs(), quiet); err == nil {
				t.Errorf("byte %d of %d changed by %#x: nobody noticed", n, len(plain), flip)
			}
		}
	}
}

// TestABombIsNotHeld: a stream without an end costs time and no memory.
func TestABombIsNotHeld(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	go func() {
		z := gzip.NewWriter(w)
		f := forge().header(1).open("things")
		_, _ = z.Write(f.Bytes())
		f = new(forged)
		for n := 0; ; n++ {
			f.Reset()
			f.part = nil
			f.doc(fmt.Sprintf("%012d", n), []byte{5, 0, 0, 0, 0})
			if _, err := z.Write(f.Bytes()); err != nil {
				return
			}
		}
	}()
	most := 0
	_, err := archive.Check(t.Context(), r, specs(), func(s archive.Step) {
		if most = int(s.Done); most == 50_000 {
			_ = w.CloseWithError(io.ErrUnexpectedEOF)
		}
	})
	_ = r.Close()
	if !errors.Is(err, archive.ErrTruncated) || most < 50_000 {
		t.Errorf("after %d: %v", most, err)
	}
}

// FuzzCheck: no bytes make the reader panic, and what it accepts can be restored.
func FuzzCheck(f *testing.F) {
	plain := forge().header(1).open("people").doc("a", login("x")).doc("b", login("y")).close("people")
	f.Add(unpackedOf(plain.end()), false)
	f.Add(forge().header(1).end(), true)
	f.Add(forge().header(1).Bytes(), false)
	f.Add([]byte{0x1f, 0x8b, 8}, true)
	f.Fuzz(func(t *testing.T, b []byte, asItIs bool) {
		file := b
		if !asItIs {
			file = packed(b)
		}
		if _, err := archive.Check(t.Context(), bytes.NewReader(file), specs(), quiet); err != nil {
			return
		}
		s, err := documents.OpenSQLite(t.TempDir() + "/x.db")
		must(t, err)
		_, err = restoration(file, s).Run(t.Context())
		must(t, errors.Join(err, s.Close()))
	})
}

func unpackedOf(file []byte) []byte {
	z, _ := gzip.NewReader(bytes.NewReader(file))
	b, _ := io.ReadAll(z)
	return b
}

// TestWriteFile: a file is there whole or not at all.
func TestWriteFile(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/backup"
	says := func(text string, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			_, _ = io.WriteString(w, text)
			return err
		}
	}
	full := errors.New("no space left on device")
	if err := archive.WriteFile(path, false, says("half", full)); !errors.Is(err, full) {
		t.Errorf("a full disk: %v", err)
	}
	wantFiles(t, path, map[string]string{})
	must(t, os.WriteFile(path+".partial", []byte("killed, and readable by all"), 0o644))
	must(t, archive.WriteFile(path, false, says("first", nil)))
	wantFiles(t, path, map[string]string{"backup": "first"})
	if err := archive.WriteFile(path, false, says("second", nil)); !errors.Is(err, archive.ErrThere) {
		t.Errorf("it is there: %v", err)
	}
	if err := archive.WriteFile(path, true, says("half", full)); !errors.Is(err, full) {
		t.Errorf("a full disk, with force: %v", err)
	}
	wantFiles(t, path, map[string]string{"backup": "first"})
	must(t, archive.WriteFile(path, true, says("third", nil)))
	wantFiles(t, path, map[string]string{"backup": "third"})
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestWriteFileLate: what came to be there meanwhile is not overwritten, and what another
// run has begun is not taken for one's own.
func TestWriteFileLate(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/backup"
	err := archive.WriteFile(path, false, func(io.Writer) error { return os.WriteFile(path, []byte("theirs"), 0o600) })
	if !errors.Is(err, archive.ErrThere) {
		t.Errorf("it came to be there: %v", err)
	}
	wantFiles(t, path, map[string]string{"backup": "theirs"})
	err = archive.WriteFile(path, true, func(io.Writer) error {
		must(t, os.Remove(path+".partial"))
		return os.WriteFile(path+".partial", []byte("another run's"), 0o600)
	})
	if err == nil {
		t.Error("another run's file was taken")
	}
	wantFiles(t, path, map[string]string{"backup": "theirs", "backup.partial": "another run's"})
}

func wantFiles(t *testing.T, path string, want map[string]string) {
	t.Helper()
	dir := strings.TrimSuffix(path, "/backup")
	list, err := os.ReadDir(dir)
	must(t, err)
	got := map[string]string{}
	for _, e := range list {
		b, err := os.ReadFile(dir + "/" + e.Name())
		must(t, err)
		got[e.Name()] = string(b)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
}
