package catalogsvc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"anihub/modules/catalog"
	"anihub/platform/anilibria"
	"anihub/platform/cache"
)

// Franchises are an extra of a title: they are cached under a key of their own
// and a title is answered without them rather than late.

// wireFranchise is one franchise of a release as cache levels keep it. Fields
// may be added; a changed meaning needs another key.
type wireFranchise struct {
	ID          string               `json:"id"`
	Name        string               `json:"name,omitempty"`
	NameEnglish string               `json:"name_english,omitempty"`
	Titles      []wireFranchiseTitle `json:"titles,omitempty"`
}

type wireFranchiseTitle struct {
	ID          int    `json:"id"`
	Code        string `json:"code,omitempty"`
	RU          string `json:"ru,omitempty"`
	EN          string `json:"en,omitempty"`
	Alternative string `json:"alternative,omitempty"`
	Year        int    `json:"year,omitempty"`
	Type        string `json:"type,omitempty"`
	Small       string `json:"small,omitempty"`
	Medium      string `json:"medium,omitempty"`
	Large       string `json:"large,omitempty"`
}

// pause keeps an origin that has just failed from being asked again by every
// viewer of a title whose franchise nobody knows.
type pause struct{ until atomic.Int64 }

const franchisePause = 5 * time.Second

var errPaused = errors.New("the upstream failed a moment ago")

func (p *pause) begin(d time.Duration) { p.until.Store(time.Now().Add(d).UnixNano()) }

func (p *pause) on() bool { return time.Now().UnixNano() < p.until.Load() }

// patience is a context with a timeout whose timer starts when somebody first
// waits for its end. A hit in memory waits for nothing, and is hot enough for a
// timer and its three allocations to count.
type patience struct {
	context.Context
	wait   time.Duration
	once   sync.Once
	timed  atomic.Pointer[context.Context]
	cancel context.CancelFunc
}

// Done starts the timer.
func (p *patience) Done() <-chan struct{} {
	p.once.Do(func() {
		ctx, cancel := context.WithTimeout(p.Context, p.wait)
		p.cancel = cancel
		p.timed.Store(&ctx)
	})
	if ctx := p.timed.Load(); ctx != nil {
		return (*ctx).Done()
	}
	return p.Context.Done()
}

// Err is the parent's until the timer has started.
func (p *patience) Err() error {
	if ctx := p.timed.Load(); ctx != nil {
		return (*ctx).Err()
	}
	return p.Context.Err()
}

func (p *patience) end() {
	p.once.Do(func() {}) // too late to start
	if p.cancel != nil {
		p.cancel()
	}
}

// franchise is what is known about a title's franchises under their key, the zero
// Hit when nothing is within the time that a title may wait for it.
func (s *Service) franchise(ctx context.Context, key string, id int) cache.Hit {
	patient := &patience{Context: ctx, wait: s.cfg.FranchiseWait}
	defer patient.end()
	hit, err := s.cache.Get(patient, key, s.loadFranchise(id))
	if err != nil {
		return cache.Hit{}
	}
	return hit
}

func (s *Service) loadFranchise(id int) cache.Load {
	return func(ctx context.Context) (cache.Entry, error) {
		if s.pause.on() {
			return cache.Entry{}, errPaused
		}
		list, err := s.upstream.Franchise(ctx, id)
		if errors.Is(err, anilibria.ErrNotFound) {
			list, err = nil, nil
		}
		if err != nil {
			s.pause.begin(franchisePause)
			return cache.Entry{}, err
		}
		body, err := encodeJSON(each(list, wrapFranchise))
		if err != nil {
			return cache.Entry{}, err
		}
		return cache.Entry{Body: body, ETag: etagOf(body), Tags: franchiseTags(id, list)}, nil
	}
}

func franchiseTags(id int, list []anilibria.Franchise) []string {
	tags := []string{titleKey(id)}
	for _, f := range list {
		tags = append(tags, "franchise:"+f.ID)
	}
	return tags
}

func wrapFranchise(f anilibria.Franchise) wireFranchise {
	return wireFranchise{
		ID: f.ID, Name: f.Name, NameEnglish: f.NameEnglish,
		Titles: each(f.Releases, func(r anilibria.FranchiseRelease) wireFranchiseTitle {
			return wireFranchiseTitle{
				ID: r.ReleaseID, Code: r.Alias, RU: r.Name.Main, EN: r.Name.English, Alternative: r.Name.Alternative,
				Year: r.Year, Type: r.Type,
				Small: webURL(r.Poster.Small), Medium: webURL(r.Poster.Medium), Large: webURL(r.Poster.Large),
			}
		}),
	}
}

func (w wireFranchise) unwrap() catalog.Franchise {
	return catalog.Franchise{
		ID: w.ID, Name: w.Name, NameEnglish: w.NameEnglish,
		Titles: each(w.Titles, func(t wireFranchiseTitle) catalog.FranchiseTitle {
			return catalog.FranchiseTitle{
				ID: t.ID, Code: t.Code, Names: catalog.Names{RU: t.RU, EN: t.EN, Alternative: t.Alternative},
				Year: t.Year, Type: t.Type, Poster: catalog.Poster{Small: t.Small, Medium: t.Medium, Large: t.Large},
			}
		}),
	}
}

func (s *Service) franchisesIn(ctx context.Context, hit cache.Hit) []catalog.Franchise {
	if len(hit.Body) == 0 {
		return nil
	}
	list, err := decodeFranchises(hit.Body)
	if err != nil {
		s.log.WarnContext(ctx, "cached franchise cannot be read", "level", hit.Level, "err", err)
		return nil
	}
	return list
}

func decodeFranchises(body []byte) ([]catalog.Franchise, error) {
	var list []wireFranchise
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("decode franchises: %w", err)
	}
	return each(list, wireFranchise.unwrap), nil
}
