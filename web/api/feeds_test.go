package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogtest"
	"anihub/web/api"
)

// newsstand is a surface with sixty invented titles.
func newsstand(t testing.TB, change ...func(*api.Config)) *surface {
	t.Helper()
	s := open(t, change...)
	for n := 1; n <= 60; n++ {
		s.catalog.Put(catalogtest.Title(n))
	}
	return s
}

func feedPaths() []string {
	return []string{v2 + "/feed.rss", v2 + "/feed.atom", v2 + "/feed.json", "/api/anilibria/feed.rss"}
}

func TestFeedsTellOfTheNewestEpisodes(t *testing.T) {
	t.Parallel()
	s := newsstand(t)
	want := catalogtest.Title(25) // of twelve episodes, as 12, 38 and 51
	for _, path := range feedPaths() {
		f := s.feedAt(t, path)
		if len(f.Items) != 50 || f.Lang != "ru" || f.Link != "http://example.com/" || f.Self != "http://example.com"+path || !f.Updated.Equal(want.Latest.At) {
			t.Errorf("%s: %d items, %+v", path, len(f.Items), f)
		}
		at := -1
		for n, i := range f.Items {
			if i.Link == "http://example.com/title/25?ep=12" {
				at = n
			}
		}
		if at < 0 || at > 3 {
			t.Fatalf("%s: the episode stands at %d", path, at)
		}
		got := f.Items[at]
		if d := cmp.Diff(item{
			ID: "urn:uuid:2289968c-c201-5a17-83fb-8bfba60ee18e", Link: got.Link, Title: want.Names.RU + ": серия 12",
			HTML: `<p><img src="https://images.example/25/medium.webp" alt=""></p><p><strong>Серия 12</strong></p>` +
				`<p>Выдуманное описание.</p><p>Вторая строка.</p>`,
			Picture: "https://images.example/25/medium.webp", At: want.Latest.At, Categories: want.Genres,
		}, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
	}
}

// Ids must be what they were in every version, or readers show everything again.
func TestAnItemIsTheSameForEver(t *testing.T) {
	t.Parallel()
	s := open(t)
	title := catalogtest.Title(3)
	s.catalog.Put(title)
	ids := func(site string, headers ...string) (out []string) {
		t.Helper()
		for name := range formats() {
			f := s.feedAt(t, site+v2+"/feed."+name+"?titles=3", headers...)
			if len(f.Items) != 1 {
				t.Fatalf("%d items", len(f.Items))
			}
			out = append(out, f.Items[0].ID)
		}
		return out
	}
	const known = "urn:uuid:c5c9cd0d-a8c7-508a-b989-a0399aece29d"
	same := func(what string, all []string) {
		t.Helper()
		for _, id := range all {
			if id != known {
				t.Errorf("%s: %s, want %s", what, id, known)
			}
		}
	}
	same("at first", ids(""))
	same("in English", ids("", "Accept-Language", "en"))
	same("elsewhere", ids("https://other.example:8443"))
	again := title
	again.Player.Episodes = append([]catalog.Episode(nil), title.Player.Episodes...)
	again.Player.Episodes[2].ID = "another"
	again.Player.Episodes[2].UpdatedAt = again.Player.Episodes[2].UpdatedAt.Add(time.Hour)
	again.Names.RU, again.Code = "Другое имя", "another-code"
	s.catalog.Put(again)
	same("uploaded again under another name", ids(""))
	s.catalog.Put(catalogtest.WithEpisode(title, catalogtest.Episode(3, 3.5)))
	for _, id := range ids("") {
		if id == known {
			t.Error("a new episode is the same item")
		}
	}
}

func TestFeedsAreAnsweredAsTheRestOfTheCatalogue(t *testing.T) {
	t.Parallel()
	s := newsstand(t)
	s.catalog.Air(catalogtest.Line{TitleID: 9, Weekday: 2})
	types := map[string]string{
		"/feed.rss": "application/rss+xml; charset=utf-8", "/feed.atom": "application/atom+xml; charset=utf-8",
		"/feed.json": "application/feed+json; charset=utf-8", "/schedule.ics": "text/calendar; charset=utf-8",
	}
	for path, mime := range types {
		path = v2 + path
		plain, packed := s.get(t, path), s.get(t, path, "Accept-Encoding", "gzip")
		for _, name := range []string{"Etag", "Cache-Status", "Age", "X-Stream-Position", "Content-Length", "Cache-Control"} {
			if plain.Header.Get(name) == "" {
				t.Errorf("%s has no %s", path, name)
			}
		}
		if got := plain.Header.Get("Content-Type"); plain.StatusCode != 200 || got != mime {
			t.Errorf("%s: %d %s", path, plain.StatusCode, got)
		}
		if got := plain.Header.Get("Vary"); got != "Accept-Encoding, Origin, Accept-Language" {
			t.Errorf("%s varies by %s", path, got)
		}
		body := read(t, plain)
		if strings.HasPrefix(path, v2+"/feed") && packed.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s is not compressed", path)
		}
		if got := read(t, packed); string(got) != string(body) {
			t.Errorf("%s: the codings differ", path)
		}
		head := s.do(t, http.MethodHead, path, "")
		if head.StatusCode != 200 || head.Header.Get("Etag") != plain.Header.Get("Etag") || head.Header.Get("Content-Length") != plain.Header.Get("Content-Length") {
			t.Errorf("HEAD %s: %d %v", path, head.StatusCode, head.Header)
		}
		if r := s.get(t, path, "If-None-Match", plain.Header.Get("Etag")); r.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %d", path, r.StatusCode)
		}
		if r := s.get(t, path, "If-None-Match", plain.Header.Get("Etag"), "Accept-Language", "en"); r.StatusCode != 200 {
			t.Errorf("%s in another language: %d", path, r.StatusCode)
		}
		s.catalog.Down(true)
		if r := s.get(t, path); r.StatusCode != 200 {
			t.Errorf("%s with the upstream down: %d", path, r.StatusCode)
		}
		s.catalog.Down(false)
	}
	before := s.get(t, v2+"/feed.rss").Header.Get("Etag")
	s.catalog.Put(catalogtest.WithEpisode(catalogtest.Title(7), catalogtest.Episode(7, 70)))
	if r := s.get(t, v2+"/feed.rss", "If-None-Match", before); r.StatusCode != 200 || !strings.Contains(string(read(t, r)), "?ep=70") {
		t.Errorf("a new episode: %d", r.StatusCode)
	}
}

// aged is a catalogue whose every answer is stale, and which has no schedule.
type aged struct{ catalog.Service }

func (a aged) Titles(ctx context.Context, q catalog.Query, have string) (catalog.Answer[catalog.Page], error) {
	got, err := a.Service.Titles(ctx, q, have)
	got.Freshness.Stale, got.Freshness.Reason, got.Freshness.Level = true, "upstream_down", "index"
	return got, err
}

func (a aged) Schedule(context.Context, string) (catalog.Answer[[]catalog.Day], error) {
	return catalog.Answer[[]catalog.Day]{}, catalog.ErrUnavailable
}

func TestAStaleFeedIsAFeed(t *testing.T) {
	t.Parallel()
	s := build(t, func(echo.Context) error { return echo.ErrNotFound }, func(c catalog.Service) catalog.Service { return aged{c} })
	due := time.Date(2026, 9, 30, 15, 0, 0, 0, time.UTC)
	title := catalogtest.Title(9) // goes on
	title.Expected = catalog.Expected{At: due, Confidence: 0.8}
	s.catalog.Put(title)
	for _, path := range append(feedPaths(), v2+"/schedule.ics") {
		r := s.get(t, path)
		if want := `AniHub; hit; detail="index stale upstream_down"`; r.StatusCode != 200 || r.Header.Get("Cache-Status") != want {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.Header.Get("Cache-Status"))
		}
	}
	if _, events := s.calendarAt(t, v2+"/schedule.ics"); len(events) != 2 || events[1]["DTSTART"] != "20260930T150000Z" {
		t.Errorf("what the index knows: %q", events)
	}
}

func TestLanguagesOfFeeds(t *testing.T) {
	t.Parallel()
	s := newsstand(t)
	for _, tt := range []struct{ query, accept, lang, title string }{
		{"", "", "ru", catalogtest.Title(3).Names.RU + ": серия 3"},
		{"", "en-GB,en;q=0.9,ru;q=0.1", "en", "Train 3: episode 3"},
		{"&lang=ru", "en", "ru", catalogtest.Title(3).Names.RU + ": серия 3"},
		{"&lang=en", "ru", "en", "Train 3: episode 3"},
	} {
		f := s.feedAt(t, v2+"/feed.atom?titles=3"+tt.query, "Accept-Language", tt.accept)
		if f.Lang != tt.lang || len(f.Items) != 1 || f.Items[0].Title != tt.title {
			t.Errorf("%q, %q: %s %+v", tt.query, tt.accept, f.Lang, f.Items)
		}
	}
}

func TestFeedsAreNarrowed(t *testing.T) {
	t.Parallel()
	s := newsstand(t)
	count := func(query string) (int, readFeed) {
		f := s.feedAt(t, v2+"/feed.json"+query)
		return len(f.Items), f
	}
	if n, _ := count("?limit=100"); n != 56 { // of sixty; 13, 26, 39 and 52 have no episode
		t.Errorf("all: %d items", n)
	}
	for _, tt := range []struct {
		query string
		want  int
		self  string
	}{
		{"?limit=3", 3, "?limit=3"},
		{"?titles=5,4,5,13", 2, "?titles=4%2C5%2C13"}, // 13 has no episode
		{"?titles=4&titles=5&limit=1", 1, "?limit=1&titles=4%2C5"},
		{"?type=MOVIE&limit=50", 0, "?type=MOVIE"},
		{"?genres=Драма", 0, "?genres=%D0%94%D1%80%D0%B0%D0%BC%D0%B0"},
	} {
		n, f := count(tt.query)
		if tt.want > 0 && n != tt.want || n == 0 || n > 50 {
			t.Errorf("%s: %d items", tt.query, n)
		}
		if !strings.HasSuffix(f.Self, "/feed.json"+tt.self) {
			t.Errorf("%s calls itself %s", tt.query, f.Self)
		}
	}
	a, b := s.feedAt(t, v2+"/feed.atom"), s.feedAt(t, v2+"/feed.atom?limit=3&lang=en")
	if c := s.feedAt(t, v2+"/feed.atom?titles=3"); a.ID != b.ID || c.ID == a.ID {
		t.Errorf("ids of feeds: %s, %s, %s", a.ID, b.ID, c.ID)
	}
	for query, status := range map[string]int{
		"?limit=0": 422, "?limit=101": 422, "?limit=x": 400, "?titles=x": 400, "?titles=-1": 400, "?lang=de": 422,
		"?type=tv": 422, "?page=2": 400, "?titles=" + strings.Repeat("1,", 51): 422,
	} {
		for _, path := range []string{"/feed.rss", "/feed.atom", "/feed.json"} {
			r := s.get(t, v2+path+query)
			if e := answerOf(t, r); r.StatusCode != status || e.Error.Code != "BAD_PARAMETER" {
				t.Errorf("%s%s: %d %+v", path, query, r.StatusCode, e.Error)
			}
		}
	}
}

func TestAFeedOfNothing(t *testing.T) {
	t.Parallel()
	s := open(t) // its titles have no episode that is dated
	for _, path := range feedPaths() {
		if f := s.feedAt(t, path); len(f.Items) != 0 || path == v2+"/feed.atom" && f.Updated.IsZero() {
			t.Errorf("%s: %+v", path, f)
		}
	}
	if _, events := s.calendarAt(t, v2+"/schedule.ics"); len(events) != 0 {
		t.Errorf("events: %q", events)
	}
}

// Links are absolute, so an answer belongs to one place, and whoever may not say where
// that is does not.
func TestWhereAFeedIs(t *testing.T) {
	t.Parallel()
	trusting := newsstand(t, func(c *api.Config) { c.TrustedProxies = []string{"192.0.2.0/24"} }) // httptest's client
	plain := newsstand(t)
	home := func(s *surface, headers ...string) string { return s.feedAt(t, v2+"/feed.rss", headers...).Link }
	for want, got := range map[string]string{
		"http://127.0.0.1:8080/": plain.feedAt(t, "http://127.0.0.1:8080"+v2+"/feed.rss").Link,
		"http://example.com/":    home(plain, "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example"),
		"https://example.com/":   home(trusting, "X-Forwarded-Proto", "https"),
		"https://site.example/":  home(trusting, "X-Forwarded-Proto", "https", "X-Forwarded-Host", "Site.example"),
		"https://first.example/": home(trusting, "X-Forwarded-Proto", "https, http", "X-Forwarded-Host", "first.example, inner:80"),
		"http://site.example:1/": home(trusting, "X-Forwarded-Proto", "gopher", "X-Forwarded-Host", "site.example:1"),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	a := trusting.get(t, v2+"/feed.rss")
	b := trusting.get(t, v2+"/feed.rss", "X-Forwarded-Proto", "https")
	if a.Header.Get("Etag") == b.Header.Get("Etag") {
		t.Error("two places have one ETag")
	}
	if got := a.Header.Get("Vary"); got != "Accept-Encoding, Origin, Accept-Language, X-Forwarded-Host, X-Forwarded-Proto" {
		t.Errorf("varies by %s", got)
	}
	for _, host := range []string{"a b", "a/b", `a"b`, "a<b", strings.Repeat("a", 300), "user@host"} {
		r := trusting.get(t, v2+"/feed.rss", "X-Forwarded-Host", host)
		if r.StatusCode != 400 {
			t.Errorf("host %q: %d", host, r.StatusCode)
		}
	}
}

func TestAFilmIsNoEpisode(t *testing.T) {
	t.Parallel()
	s := open(t)
	film := catalogtest.Title(1)
	film.Type = "MOVIE"
	s.catalog.Put(film)
	if f := s.feedAt(t, v2+"/feed.rss?titles=1"); f.Items[0].Title != film.Names.RU {
		t.Errorf("title %q", f.Items[0].Title)
	}
}

// Whatever the upstream calls its titles, every document is valid.
func FuzzFeeds(f *testing.F) {
	for _, s := range []string{
		"", "]]>", "<script>alert(1)</script>", "&amp;&lt;", "a\r\nb\n\n c", "\x00\x01\x1b\x7f\u0085", "\xff\xfe\xc3",
		"\u202eexe.gpj", "\u2066\u2067x", strings.Repeat("ё", 10_000), strings.Repeat(`\;,"`, 30), "BEGIN:VEVENT\r\nUID:x",
		"\ufffe\uffff\U0001fffe", "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀", "<!DOCTYPE x [<!ENTITY e 'x'>]>", " \t ", "javascript:alert(1)", "javascript://a.example/%0aalert(1)", `https://a.example/"><b>`,
	} {
		f.Add(s, s, 12.5, int64(1_790_000_000))
	}
	s := open(f)
	f.Add("a", "b", -1e6, int64(-1<<62))
	f.Fuzz(func(t *testing.T, name, text string, number float64, at int64) {
		when := time.Unix(at, 0).UTC()
		if number != number || number > 1e6 || number < -1e6 || when.Year() > 9999 || when.Year() < 1 {
			return // no driver lets them through
		}
		title := catalogtest.Title(3)
		title.Names = catalog.Names{RU: name, EN: text}
		title.Description, title.Genres = text, []string{text, name}
		title.Poster = catalog.Poster{Medium: text}
		title.Latest = catalog.Latest{Ordinal: number, Name: text, At: when}
		title.Expected = catalog.Expected{At: when}
		title.UpdatedAt = when
		other := title
		other.ID, other.Code, other.Expected = 4, "other", catalog.Expected{}
		s.catalog.Put(title, other)
		s.catalog.Air(catalogtest.Line{TitleID: 3, Weekday: 1}, catalogtest.Line{TitleID: 4, Weekday: 7}, catalogtest.Line{TitleID: 4, Weekday: 2})
		for _, lang := range []string{"ru", "en"} {
			for form := range formats() {
				s.feedAt(t, v2+"/feed."+form+"?titles=3,4&lang="+lang)
			}
			s.calendarAt(t, v2+"/schedule.ics?lang="+lang)
		}
	})
}
