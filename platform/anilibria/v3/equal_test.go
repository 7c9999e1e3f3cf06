package v3_test

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/anilibriatest"
	v1 "anihub/platform/anilibria/v1"
	v3 "anihub/platform/anilibria/v3"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// carried is a release of v1 as far as v3 can say it: the list in the package
// comment, as code.
func carried(r anilibria.Release) anilibria.Release {
	r.IsInProduction, r.IsOngoing = r.IsInProduction || r.IsOngoing, false
	r.AgeRating, r.Rating, r.CreatedAt, r.ShikimoriID, r.MyAnimeListID = "", anilibria.Rating{}, time.Time{}, 0, 0
	r.Members = slices.DeleteFunc(slices.Clone(r.Members), func(m anilibria.Member) bool { return m.Role == "poster" })
	roles := []string{"voicing", "translating", "editing", "decorating", "timing"}
	slices.SortStableFunc(r.Members, func(a, b anilibria.Member) int {
		return cmp.Compare(slices.Index(roles, a.Role), slices.Index(roles, b.Role))
	})
	r.Episodes = slices.Clone(r.Episodes)
	slices.SortStableFunc(r.Episodes, func(a, b anilibria.Episode) int { return cmp.Compare(a.Ordinal, b.Ordinal) })
	for i := range r.Episodes {
		e := &r.Episodes[i]
		e.SortOrder, e.Duration, e.YouTubeID = i+1, 0, ""
	}
	r.Torrents = slices.Clone(r.Torrents)
	return r
}

// pictures tells which pictures a release has, and takes their addresses and the
// labels out of it: they differ.
func pictures(t *testing.T, r *anilibria.Release) (all []bool) {
	t.Helper()
	note := func(u *string) {
		all = append(all, *u != "")
		*u = ""
	}
	note(&r.Poster.Small)
	note(&r.Poster.Medium)
	note(&r.Poster.Large)
	for i := range r.Episodes {
		note(&r.Episodes[i].Preview)
	}
	for i := range r.Torrents {
		r.Torrents[i].Label = ""
	}
	return all
}

// both serves one catalogue in both dialects, through the real guard.
func both(t *testing.T, titles []anilibriatest.Title) (s *anilibriatest.Server, one, three anilibria.Client) {
	t.Helper()
	s = anilibriatest.New(titles)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	guard := func(driver, path string) *anilibria.Guard {
		c := anilibria.DefaultConfig()
		c.Driver, c.BaseURLs = driver, []string{server.URL + path}
		c.Timeout, c.AttemptTimeout = 5*time.Minute, 2*time.Minute // a busy machine is no broken host
		g, err := anilibria.NewGuard(c, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(g.Close)
		return g
	}
	return s, v1.New(guard(anilibria.DriverV1, anilibriatest.BasePath), server.URL), v3.New(guard(anilibria.DriverV3, anilibriatest.V3Path), server.URL)
}

// Both drivers give equal values for every title, as far as v3 carries them.
func TestBothDialectsSayTheSame(t *testing.T) {
	t.Parallel()
	s, one, three := both(t, append(anilibriatest.Catalogue(), anilibriatest.Generate(60, 3)...))
	sources := 0
	for _, id := range s.IDs() {
		a, err := one.Release(t.Context(), anilibria.Ref{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		b, err := three.Release(t.Context(), anilibria.Ref{Alias: a.Alias})
		if err != nil {
			t.Fatal(err)
		}
		want := carried(a)
		if d := gocmp.Diff(pictures(t, &want), pictures(t, &b)); d != "" {
			t.Errorf("pictures of %d: %s", id, d)
		}
		if d := gocmp.Diff(want, b); d != "" {
			t.Errorf("title %d: %s", id, d)
		}
		for _, e := range b.Episodes {
			if e.Playable() {
				sources++
			}
		}
	}
	if sources < 100 {
		t.Errorf("only %d episodes can be watched", sources)
	}
}

func TestBothDialectsListTheSame(t *testing.T) {
	t.Parallel()
	s, one, three := both(t, anilibriatest.Catalogue())
	if _, err := s.AirEpisode(9930); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for n := 1; n <= 3; n++ {
		a, err1 := one.CatalogPage(ctx, n, anilibria.PageMax)
		b, err3 := three.CatalogPage(ctx, n, anilibria.PageMax)
		if d := gocmp.Diff(a, b); d != "" || err1 != nil || err3 != nil {
			t.Error(n, d, err1, err3)
		}
		wanted := a.IDs
		c, err := three.Releases(ctx, wanted)
		if err != nil || len(c) != len(wanted) {
			t.Errorf("page %d: %d releases of %d, %v", n, len(c), len(wanted), err)
		}
	}
	a, err1 := one.Latest(ctx, 50)
	b, err3 := three.Latest(ctx, 50)
	if d := gocmp.Diff(a, b); d != "" || err1 != nil || err3 != nil || len(b) != 50 || b[0].ID != 9930 {
		t.Error(d, err1, err3)
	}
	week1, err1 := one.Schedule(ctx)
	week3, err3 := three.Schedule(ctx)
	for i := range week1 {
		week1[i].NextEpisode, week1[i].Published = 0, 0
	}
	if d := gocmp.Diff(week1, week3); d != "" || err1 != nil || err3 != nil || len(week3) < 10 {
		t.Error(d, err1, err3)
	}
	for _, id := range []int{9906, 9914, 1} {
		a, err1 := one.Franchise(ctx, id)
		b, err3 := three.Franchise(ctx, id)
		for i := range a {
			a[i].NameEnglish = ""
			for j := range a[i].Releases {
				x := &a[i].Releases[j]
				x.Year, x.Type, x.Poster = 0, "", anilibria.Poster{}
			}
		}
		if (len(a) == 0) != (len(b) == 0) || err1 != nil || err3 != nil || (len(a) > 0 && !gocmp.Equal(a, b)) {
			t.Error(id, gocmp.Diff(a, b), err1, err3)
		}
	}
	if err := three.Status(ctx); err != nil {
		t.Error(err)
	}
}

// What v3 refuses, the driver never sends; what the fake breaks, the guard reads.
func TestFaultsOfTheOtherDialect(t *testing.T) {
	t.Parallel()
	s, _, three := both(t, anilibriatest.Catalogue())
	for name, c := range map[string]struct {
		fault anilibriatest.Fault
		want  error
	}{
		"404":         {anilibriatest.Fault{Status: 404, Times: 1}, anilibria.ErrNotFound},
		"412":         {anilibriatest.Fault{Status: 412, Times: 1}, anilibria.ErrRefused},
		"504 as 500":  {anilibriatest.Fault{Status: 504, Times: 1}, nil}, // asked again
		"HTML":        {anilibriatest.Fault{HTML: true, Times: 1}, anilibria.ErrGarbage},
		"truncated":   {anilibriatest.Fault{Truncate: true, Times: 1}, anilibria.ErrGarbage},
		"wrong types": {anilibriatest.Fault{WrongTypes: true, Times: 1}, anilibria.ErrGarbage},
		"refused 200": {anilibriatest.Fault{Body: `{"error":{"code":412,"message":"Unknown parameters: x"}}`, Times: 1}, anilibria.ErrRefused},
		"away 200":    {anilibriatest.Fault{Body: `{"error":{"code":504,"message":"Gateway Timeout"}}`, Times: 1}, nil},
	} {
		s.Heal(anilibriatest.All)
		s.Break(anilibriatest.RouteRelease, c.fault)
		if _, err := three.Release(t.Context(), anilibria.Ref{ID: 9901}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if q := s.LastQuery(anilibriatest.RouteRelease); q.Encode() != "id=9901" || !strings.Contains(s.LastHeader(anilibriatest.RouteRelease).Get("Accept"), "json") {
		t.Errorf("asked %v", q)
	}
}
