package catalogtest

import (
	"context"
	"strings"
	"sync"

	"anihub/modules/catalog"
	"anihub/platform/anilibria"
)

// Origin is an upstream in memory: an anilibria.Client that is driven as Upstream.
type Origin struct {
	mu       sync.Mutex
	releases map[int]anilibria.Release
	lines    []Line
	families map[int][]anilibria.Franchise
	likes    map[int][]int
	err      error
	calls    map[string]int
	gate     chan struct{}
}

var (
	_ anilibria.Client = (*Origin)(nil)
	_ Upstream         = (*Origin)(nil)
)

// NewOrigin is an upstream that knows nothing yet.
func NewOrigin() *Origin {
	return &Origin{
		releases: map[int]anilibria.Release{}, families: map[int][]anilibria.Franchise{}, likes: map[int][]int{},
		calls: map[string]int{},
	}
}

// Set makes the upstream know titles.
func (o *Origin) Set(titles ...catalog.Title) {
	for _, t := range titles {
		o.SetRelease(t.ID, Release(t))
	}
}

// SetRelease makes the upstream answer to an id with a release, whatever its own id.
func (o *Origin) SetRelease(id int, r anilibria.Release) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.releases[id] = r
}

// SetFranchise sets the franchises of a release.
func (o *Origin) SetFranchise(id int, list ...anilibria.Franchise) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.families[id] = list
}

// Recommend sets what is recommended with a title.
func (o *Origin) Recommend(id int, ids ...int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.likes[id] = ids
}

// Remove makes the upstream forget a title.
func (o *Origin) Remove(id int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.releases, id)
}

// Air sets the schedule.
func (o *Origin) Air(lines ...Line) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = lines
}

// Down makes every call fail, or none.
func (o *Origin) Down(down bool) {
	o.Fail(nil)
	if down {
		o.Fail(anilibria.ErrUnavailable)
	}
}

// Fail makes every call return this error; nil ends it.
func (o *Origin) Fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
}

// Hold makes calls wait until the returned function is called.
func (o *Origin) Hold() (release func()) {
	gate := make(chan struct{})
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gate = gate
	return sync.OnceFunc(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.gate = nil
		close(gate)
	})
}

// Calls counts the calls of a method ("Release", "Releases", "Franchise"…).
func (o *Origin) Calls(method string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.calls[method]
}

// enter counts a call and fails it when the upstream is down or the caller gone.
func (o *Origin) enter(ctx context.Context, method string) error {
	o.mu.Lock()
	gate, err := o.gate, o.err
	o.calls[method]++
	o.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Release is one release.
func (o *Origin) Release(ctx context.Context, ref anilibria.Ref) (anilibria.Release, error) {
	if err := o.enter(ctx, "Release"); err != nil {
		return anilibria.Release{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if r, ok := o.releases[ref.ID]; ok {
		return r, nil
	}
	for _, r := range o.releases {
		if ref.ID == 0 && r.Alias == ref.Alias {
			return r, nil
		}
	}
	return anilibria.Release{}, anilibria.ErrNotFound
}

// Releases are those of the ids that it knows.
func (o *Origin) Releases(ctx context.Context, ids []int) ([]anilibria.Release, error) {
	if err := o.enter(ctx, "Releases"); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []anilibria.Release
	for _, id := range ids {
		if r, ok := o.releases[id]; ok {
			out = append(out, r)
		}
	}
	return out, nil
}

// Schedule is what Air set.
func (o *Origin) Schedule(ctx context.Context) ([]anilibria.ScheduleItem, error) {
	if err := o.enter(ctx, "Schedule"); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]anilibria.ScheduleItem, len(o.lines))
	for i, l := range o.lines {
		out[i] = anilibria.ScheduleItem{ReleaseID: l.TitleID, Weekday: l.Weekday, NextEpisode: l.NextEpisode, Published: l.Published}
	}
	return out, nil
}

// Franchise is what SetFranchise set.
func (o *Origin) Franchise(ctx context.Context, id int) ([]anilibria.Franchise, error) {
	if err := o.enter(ctx, "Franchise"); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.families[id], nil
}

// Recommended is what Recommend set.
func (o *Origin) Recommended(ctx context.Context, id, limit int) ([]int, error) {
	if err := o.enter(ctx, "Recommended"); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	ids := o.likes[id]
	return ids[:min(limit, len(ids))], nil
}

// Latest is asked by nobody here.
func (o *Origin) Latest(ctx context.Context, _ int) ([]anilibria.Bump, error) {
	return nil, o.enter(ctx, "Latest")
}

// CatalogPage is asked by nobody here.
func (o *Origin) CatalogPage(ctx context.Context, page, _ int) (anilibria.CatalogPage, error) {
	return anilibria.CatalogPage{Page: page}, o.enter(ctx, "CatalogPage")
}

// Status tells whether the upstream answers.
func (o *Origin) Status(ctx context.Context) error { return o.enter(ctx, "Status") }

// Release says a title in the upstream's words.
func Release(t catalog.Title) anilibria.Release {
	r := anilibria.Release{
		ID: t.ID, Alias: t.Code,
		Name: anilibria.Name{Main: t.Names.RU, English: t.Names.EN, Alternative: t.Names.Alternative},
		Type: t.Type, Year: t.Year, Season: t.Season, PublishDay: t.Weekday, Description: t.Description,
		Notification: t.Announcement, AgeRating: t.AgeRating, Poster: anilibria.Poster(t.Poster), Genres: t.Genres,
		IsInProduction: t.Status == "ongoing", BlockedByRights: t.Blocked,
		EpisodesTotal: t.Episodes.Total, Favorites: t.Popularity, Rating: anilibria.Rating{Average: t.Rating},
		ExternalPlayer: t.Player.External, FreshAt: t.FreshAt, UpdatedAt: t.UpdatedAt,
	}
	for _, m := range t.Members {
		r.Members = append(r.Members, anilibria.Member(m))
	}
	for _, x := range t.Torrents {
		r.Torrents = append(r.Torrents, anilibria.Torrent(x))
	}
	for i, e := range t.Player.Episodes {
		r.Episodes = append(r.Episodes, episode(i, e))
	}
	return r
}

func episode(order int, e catalog.Episode) anilibria.Episode {
	out := anilibria.Episode{
		ID: e.ID, Ordinal: e.Ordinal, SortOrder: order, Name: e.Name, Preview: e.Preview, Duration: e.Duration,
		Opening: (*anilibria.Span)(e.Opening), Ending: (*anilibria.Span)(e.Ending), UpdatedAt: e.UpdatedAt,
	}
	for _, s := range e.Sources {
		switch {
		case s.Quality == "1080p":
			out.HLS1080 = s.URL
		case s.Quality == "720p":
			out.HLS720 = s.URL
		case s.Quality == "480p":
			out.HLS480 = s.URL
		case s.Type == "rutube":
			out.RutubeID = strings.Trim(s.URL[strings.LastIndex(strings.Trim(s.URL, "/"), "/"):], "/")
		case s.Type == "youtube":
			out.YouTubeID = s.URL[strings.LastIndex(s.URL, "/")+1:]
		}
	}
	return out
}
