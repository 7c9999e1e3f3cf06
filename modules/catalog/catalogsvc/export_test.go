package catalogsvc

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/modules/catalog"
	"anihub/platform/documents"
)

// TitlesSpec declares the collection of titles.
var TitlesSpec = titlesSpec

// Expect is when the next episode is expected.
var Expect = expect

// Index is the index alone, for tests that hold it against a plain one.
type Index struct{ x *index }

// NewIndex is an empty one.
func NewIndex() Index { return Index{newIndex(func(int, bool) {})} }

// Put makes titles current, as of a generation.
func (i Index) Put(generation int64, titles ...catalog.Summary) {
	rows := make([]*row, len(titles))
	for n, t := range titles {
		rows[n] = newRow(shortDoc{Summary: wrapSummary(t), Generation: generation})
	}
	i.x.put(rows...)
}

// Page answers a query.
func (i Index) Page(q catalog.Query) (catalog.Page, error) {
	q, err := checked(q)
	if err != nil {
		return catalog.Page{}, err
	}
	return i.x.snapshot().page(q), nil
}

// ByCode finds a slug.
func (i Index) ByCode(code string) int {
	if r := i.x.snapshot().byCode(code); r != nil {
		return r.s.ID
	}
	return 0
}

// Facets counts all.
func (i Index) Facets() catalog.Facets { return i.x.snapshot().computed.facets() }

// Stored is the short form of a title as a document has it, BSON-encoded.
func Stored(t catalog.Summary) ([]byte, error) {
	return bson.Marshal(titleDoc{Format: docFormat, Summary: wrapSummary(t), Generation: 7, StoredAt: t.UpdatedAt, Body: []byte("body")})
}

// Copy copies a document of the collection of titles into a store of copies.
func Copy(ctx context.Context, to documents.Store, key string, raw []byte) error {
	return store{to.Collection(titlesSpec)}.overwrite(ctx, key, raw)
}

// Shorten reads it.
func Shorten(raw []byte) (catalog.Summary, int64, error) {
	d, err := parseShort(raw)
	return d.Summary.unwrap(), d.Generation, err
}

// What fuzz targets reach for.
var (
	Normal      = normal
	DecodeTitle = decodeTitle
	EncodeTitle = encodeTitle
	TitleKey    = titleKey
	TitleID     = titleID
	ValidCode   = validCode
	Unfold      = unfold

	UntilExpected = untilExpected
)

// SearchSize is how many bytes the search structure takes; it is made if need be.
func (i Index) SearchSize() int {
	snap, n := i.x.snapshot(), 0
	for _, p := range snap.searcher.searcher(snap.rows()).parts {
		n += p.size()
	}
	return n
}

// Distance is the bounded edit distance of whole words, and to the nearest start.
func Distance(a, b []rune, most int) (whole, begun int) {
	var d distances
	return d.distance(a, b, most)
}

// SoundOf is how a word sounds.
var SoundOf = soundOf
