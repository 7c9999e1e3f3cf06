package archive

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/documents"
)

// Write writes a backup of the places, one after the other. The store may be in use
// meanwhile: every document is whole, and of the moment at which it was met. It returns
// the errors of the store and of w, and ErrMoved when two documents were met with a value
// that only one can have, which a second try will not meet again.
func Write(ctx context.Context, w io.Writer, anihub string, from []Place, tell Progress) (Summary, error) {
	buffered := bufio.NewWriterSize(w, 1<<16)
	out := &writer{zip: gzip.NewWriter(buffered), whole: sha256.New()}
	s := Summary{Header: Header{Format: Format, AniHub: anihub, Created: time.Now().UTC().Truncate(time.Millisecond)}}
	if err := out.begin(s.Header); err != nil {
		return s, err
	}
	for _, p := range from {
		part, err := out.collection(ctx, p, tell)
		if err != nil {
			return s, fmt.Errorf("collection %s: %w", p.Spec.Name, err)
		}
		s.Parts = append(s.Parts, part)
		s.Documents += part.Count
	}
	s.Bytes, s.SHA256 = out.bytes, out.whole.Sum(nil)
	if err := out.structure(kindTrailer, trailer{int64(len(s.Parts)), s.Documents, s.Bytes, s.SHA256}); err != nil {
		return s, err
	}
	if err := out.zip.Close(); err != nil {
		return s, err
	}
	return s, buffered.Flush()
}

// writer makes frames.
type writer struct {
	zip   *gzip.Writer
	whole hash.Hash
	bytes int64
}

func (w *writer) begin(h Header) error {
	if err := w.put([]byte(magic)); err != nil {
		return err
	}
	return w.structure(kindHeader, h)
}

func (w *writer) put(b []byte) error {
	_, _ = w.whole.Write(b) // never fails
	w.bytes += int64(len(b))
	_, err := w.zip.Write(b)
	return err
}

func (w *writer) frame(kind byte, parts ...[]byte) error {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	head := binary.LittleEndian.AppendUint32([]byte{kind}, uint32(size)) //nolint:gosec // at most maxDocument
	for _, p := range append([][]byte{head}, parts...) {
		if err := w.put(p); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) structure(kind byte, v any) error {
	raw, err := bson.Marshal(v)
	if err != nil {
		return err
	}
	return w.frame(kind, raw)
}

func (w *writer) collection(ctx context.Context, p Place, tell Progress) (Part, error) {
	name := p.Spec.Name
	if err := w.structure(kindCollection, bson.D{{Key: "name", Value: name}}); err != nil {
		return Part{}, err
	}
	total, fits := newSum(name), newFitness(p.Spec)
	for d, err := range p.open().Scan(ctx, documents.Scan{}) {
		if err != nil {
			return Part{}, err
		}
		if err := w.document(d, total, fits); err != nil {
			return Part{}, err
		}
		tell(Step{Doing: "backed up", Collection: name, Done: total.count})
	}
	part := total.part()
	return part, w.structure(kindEnd, part)
}

func (w *writer) document(d documents.Document, total *sum, fits *fitness) error {
	it, err := of(d)
	if err != nil {
		return err
	}
	twice, err := fits.check(it)
	if err != nil {
		return err
	}
	if twice {
		return fmt.Errorf("document %q: %w", it.id, ErrMoved)
	}
	total.add(it.body)
	version := binary.LittleEndian.AppendUint64(nil, uint64(d.Version)) //nolint:gosec // back by the same way
	return w.frame(kindDocument, version, it.body)
}
