package catalogsvc

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"anihub/modules/catalog"
)

// bodyFormat is the version of wireTitle. Fields may be added under the same
// number (older readers pass over them); a changed meaning needs the next one.
const bodyFormat = 1

// maxBody bounds what a stored body may unfold to.
const maxBody = 32 << 20

var errBodyFormat = errors.New("the body of the title is of an unknown format")

// wireTitle is a title as cache levels and documents keep it: encoded once when
// it changes, decoded only when somebody holds another version.
type wireTitle struct {
	Format       int           `json:"format"`
	Summary      wireSummary   `json:"summary"`
	Announcement string        `json:"announcement,omitempty"`
	External     string        `json:"external,omitempty"`
	Episodes     []wireEpisode `json:"episodes,omitempty"`
	Members      []wireMember  `json:"members,omitempty"`
	Torrents     []wireTorrent `json:"torrents,omitempty"`
}

// wireSummary is the short form; documents keep it beside the body, so that the
// index loads without unfolding bodies.
type wireSummary struct {
	ID          int       `json:"id" bson:"id"`
	Code        string    `json:"code" bson:"code"`
	RU          string    `json:"ru,omitempty" bson:"ru,omitempty"`
	EN          string    `json:"en,omitempty" bson:"en,omitempty"`
	Alternative string    `json:"alternative,omitempty" bson:"alternative,omitempty"`
	Description string    `json:"description,omitempty" bson:"description,omitempty"`
	Type        string    `json:"type,omitempty" bson:"type,omitempty"`
	Status      string    `json:"status" bson:"status"`
	Genres      []string  `json:"genres,omitempty" bson:"genres,omitempty"`
	Year        int       `json:"year,omitempty" bson:"year,omitempty"`
	Season      string    `json:"season,omitempty" bson:"season,omitempty"`
	Weekday     int       `json:"weekday,omitempty" bson:"weekday,omitempty"`
	AgeRating   string    `json:"age_rating,omitempty" bson:"age_rating,omitempty"`
	Total       int       `json:"total,omitempty" bson:"total,omitempty"`
	Current     int       `json:"current,omitempty" bson:"current,omitempty"`
	Small       string    `json:"small,omitempty" bson:"small,omitempty"`
	Medium      string    `json:"medium,omitempty" bson:"medium,omitempty"`
	Large       string    `json:"large,omitempty" bson:"large,omitempty"`
	Rating      float64   `json:"rating,omitempty" bson:"rating,omitempty"`
	Popularity  int       `json:"popularity,omitempty" bson:"popularity,omitempty"`
	FreshAt     time.Time `json:"fresh_at,omitzero" bson:"fresh_at,omitempty"`
	UpdatedAt   time.Time `json:"updated_at,omitzero" bson:"updated_at,omitempty"`
	Blocked     bool      `json:"blocked,omitempty" bson:"blocked,omitempty"`
	LatestEp    float64   `json:"latest,omitempty" bson:"latest,omitempty"`
	LatestName  string    `json:"latest_name,omitempty" bson:"latest_name,omitempty"`
	LatestAt    time.Time `json:"latest_at,omitzero" bson:"latest_at,omitempty"`
	ExpectedAt  time.Time `json:"expected_at,omitzero" bson:"expected_at,omitempty"`
	Confidence  float64   `json:"expected_confidence,omitempty" bson:"expected_confidence,omitempty"`
}

type wireEpisode struct {
	ID        string       `json:"id"`
	Ordinal   float64      `json:"ordinal"`
	Name      string       `json:"name,omitempty"`
	Preview   string       `json:"preview,omitempty"`
	Duration  int          `json:"duration,omitempty"`
	Opening   *wireSpan    `json:"opening,omitempty"`
	Ending    *wireSpan    `json:"ending,omitempty"`
	Sources   []wireSource `json:"sources,omitempty"`
	UpdatedAt time.Time    `json:"updated_at,omitzero"`
}

type wireSpan struct {
	Start int `json:"start"`
	Stop  int `json:"stop"`
}

type wireSource struct {
	Quality string `json:"quality,omitempty"`
	URL     string `json:"url"`
	Type    string `json:"type"`
}

type wireMember struct {
	Nickname string `json:"nickname"`
	Role     string `json:"role,omitempty"`
}

type wireTorrent struct {
	ID        int       `json:"id"`
	Hash      string    `json:"hash,omitempty"`
	Label     string    `json:"label,omitempty"`
	Quality   string    `json:"quality,omitempty"`
	Type      string    `json:"type,omitempty"`
	Codec     string    `json:"codec,omitempty"`
	Episodes  string    `json:"episodes,omitempty"`
	Size      int64     `json:"size,omitempty"`
	Seeders   int       `json:"seeders,omitempty"`
	Leechers  int       `json:"leechers,omitempty"`
	Magnet    string    `json:"magnet,omitempty"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

func wrapSummary(s catalog.Summary) wireSummary {
	return wireSummary{
		ID: s.ID, Code: s.Code, RU: s.Names.RU, EN: s.Names.EN, Alternative: s.Names.Alternative,
		Description: s.Description, Type: s.Type, Status: s.Status, Genres: s.Genres, Year: s.Year,
		Season: s.Season, Weekday: s.Weekday, AgeRating: s.AgeRating,
		Total: s.Episodes.Total, Current: s.Episodes.Current,
		Small: s.Poster.Small, Medium: s.Poster.Medium, Large: s.Poster.Large,
		Rating: s.Rating, Popularity: s.Popularity, FreshAt: s.FreshAt, UpdatedAt: s.UpdatedAt, Blocked: s.Blocked,
		LatestEp: s.Latest.Ordinal, LatestName: s.Latest.Name, LatestAt: s.Latest.At,
		ExpectedAt: s.Expected.At, Confidence: s.Expected.Confidence,
	}
}

func (w wireSummary) unwrap() catalog.Summary {
	return catalog.Summary{
		ID: w.ID, Code: w.Code, Names: catalog.Names{RU: w.RU, EN: w.EN, Alternative: w.Alternative},
		Description: w.Description, Type: w.Type, Status: w.Status, Genres: w.Genres, Year: w.Year,
		Season: w.Season, Weekday: w.Weekday, AgeRating: w.AgeRating,
		Episodes: catalog.EpisodeCount{Total: w.Total, Current: w.Current},
		Poster:   catalog.Poster{Small: w.Small, Medium: w.Medium, Large: w.Large},
		Rating:   w.Rating, Popularity: w.Popularity, FreshAt: w.FreshAt.UTC(), UpdatedAt: w.UpdatedAt.UTC(), Blocked: w.Blocked,
		Latest:   catalog.Latest{Ordinal: w.LatestEp, Name: w.LatestName, At: w.LatestAt.UTC()},
		Expected: catalog.Expected{At: w.ExpectedAt.UTC(), Confidence: w.Confidence},
	}
}

// wrapTitle leaves the franchise out: it is asked for, cached and invalidated
// under a key of its own.
func wrapTitle(t catalog.Title) wireTitle {
	return wireTitle{
		Format: bodyFormat, Summary: wrapSummary(t.Summary), Announcement: t.Announcement, External: t.Player.External,
		Episodes: each(t.Player.Episodes, wrapEpisode),
		Members:  each(t.Members, func(m catalog.Member) wireMember { return wireMember(m) }),
		Torrents: each(t.Torrents, func(r catalog.Torrent) wireTorrent { return wireTorrent(r) }),
	}
}

func (w wireTitle) unwrap() catalog.Title {
	return catalog.Title{
		Summary: w.Summary.unwrap(), Announcement: w.Announcement,
		Player:   catalog.Player{External: w.External, Episodes: each(w.Episodes, wireEpisode.unwrap)},
		Members:  each(w.Members, func(m wireMember) catalog.Member { return catalog.Member(m) }),
		Torrents: each(w.Torrents, func(r wireTorrent) catalog.Torrent { return catalog.Torrent(r) }),
	}
}

func wrapEpisode(e catalog.Episode) wireEpisode {
	return wireEpisode{
		ID: e.ID, Ordinal: e.Ordinal, Name: e.Name, Preview: e.Preview, Duration: e.Duration,
		Opening: (*wireSpan)(e.Opening), Ending: (*wireSpan)(e.Ending),
		Sources:   each(e.Sources, func(s catalog.Source) wireSource { return wireSource(s) }),
		UpdatedAt: e.UpdatedAt,
	}
}

func (w wireEpisode) unwrap() catalog.Episode {
	return catalog.Episode{
		ID: w.ID, Ordinal: w.Ordinal, Name: w.Name, Preview: w.Preview, Duration: w.Duration,
		Opening: (*catalog.Span)(w.Opening), Ending: (*catalog.Span)(w.Ending),
		Sources:   each(w.Sources, func(s wireSource) catalog.Source { return catalog.Source(s) }),
		UpdatedAt: w.UpdatedAt,
	}
}

func each[A, B any](in []A, f func(A) B) []B {
	if in == nil {
		return nil
	}
	out := make([]B, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

func encodeTitle(t catalog.Title) ([]byte, error) {
	return encodeJSON(wrapTitle(t))
}

// encodeJSON leaves <, > and & as they are: the body is no page.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func decodeTitle(body []byte) (catalog.Title, error) {
	var w wireTitle
	if err := json.Unmarshal(body, &w); err != nil {
		return catalog.Title{}, fmt.Errorf("decode title: %w", err)
	}
	if w.Format != bodyFormat {
		return catalog.Title{}, fmt.Errorf("%w: %d", errBodyFormat, w.Format)
	}
	return w.unwrap(), nil
}

// etagOf is the identity of a body: 96 bits are plenty among a catalogue's bodies.
func etagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:12])
}

// folder packs bodies for documents: they are a fifth of their size then, and the
// index scans them all at start. A packer is 800 KB, so they are used again.
type folder struct{ packers sync.Pool }

func (f *folder) fold(body []byte) ([]byte, error) {
	z, ok := f.packers.Get().(*gzip.Writer)
	if !ok {
		var err error
		if z, err = gzip.NewWriterLevel(nil, gzip.BestSpeed); err != nil {
			return nil, err
		}
	}
	defer f.packers.Put(z)
	var b bytes.Buffer
	z.Reset(&b)
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func unfold(folded []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(folded))
	if err != nil {
		return nil, fmt.Errorf("unfold title: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(z, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("unfold title: %w", err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("unfold title: over %d bytes", maxBody)
	}
	return body, nil
}
