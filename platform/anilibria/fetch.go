package anilibria

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
)

// Fetcher brings the body of one GET to a driver. The Guard is the one that
// speaks HTTP; a driver knows paths and shapes and nothing of hosts.
type Fetcher interface {
	// Fetch asks the hosts until one answers what Decode accepts. ErrNotFound,
	// ErrUnavailable, ErrRefused, ErrGarbage or a context error.
	Fetch(ctx context.Context, r Request) error
}

// Request is one question of a driver.
type Request struct {
	Route string     // one of the few below: the label of metrics and logs
	Path  string     // escaped, relative to the base URL, without a leading slash
	Query url.Values // may be nil

	// Decode reads the answer, which is known to be valid JSON. It may run more
	// than once, on answers of different hosts. An error that is no fault means
	// ErrGarbage. Items it leaves out are told to skip.
	Decode func(body []byte, skip Skip) error
}

// Skip takes note of one item of a list that could not be read: kind is one of the
// few below.
type Skip func(kind string, cause error)

// The routes, whatever a dialect calls them; RouteStatus is the health question.
const (
	RouteRelease     = "release"
	RouteReleases    = "releases"
	RouteLatest      = "latest"
	RouteCatalog     = "catalog"
	RouteSchedule    = "schedule"
	RouteFranchise   = "franchise"
	RouteRecommended = "recommended"
	RouteStatus      = "status"
)

// The kinds of items that may be left out of an answer, a label of metrics.
const (
	KindRelease   = "release"
	KindEpisode   = "episode"
	KindMember    = "member"
	KindTorrent   = "torrent"
	KindGenre     = "genre"
	KindBump      = "bump"
	KindScheduled = "scheduled"
	KindFranchise = "franchise"
)

// Ask fetches an answer and returns what read makes of it; read is the request's
// Decode with a value. The errors are Fetch's.
func Ask[T any](ctx context.Context, f Fetcher, r Request, read func(body []byte, skip Skip) (T, error)) (T, error) {
	var answer T
	r.Decode = func(body []byte, skip Skip) (err error) {
		answer, err = read(body, skip)
		return err
	}
	err := f.Fetch(ctx, r)
	return answer, err
}

// PageSize is what a page is asked for. It is always sent: the default is not
// documented in v1 (FACTS §3.9) and five in v3, and one over the limit is refused.
func PageSize(limit int) string {
	return strconv.Itoa(min(max(1, limit), PageMax))
}

// Wanted sorts the releases of an answer: the function it returns is an error for an
// id that was not asked for, and for one that comes twice.
func Wanted(ids []int) func(id int) error {
	seen := make(map[int]bool, len(ids))
	return func(id int) error {
		switch {
		case !slices.Contains(ids, id):
			return fmt.Errorf("release %d was not asked for", id)
		case seen[id]:
			return fmt.Errorf("release %d comes twice", id)
		}
		seen[id] = true
		return nil
	}
}

// StatusRequest is app/status, the small answer that tells a living host from one
// whose edge merely answers (FACTS §3.2).
func StatusRequest() Request {
	return Request{Route: RouteStatus, Path: "app/status", Decode: decodeStatus}
}

// YearsRequest is the smallest answer of v3, which has nothing like app/status.
func YearsRequest() Request {
	return Request{Route: RouteStatus, Path: "years", Decode: decodeYears}
}

// statusRequest is the health question of the driver's dialect.
func (c Config) statusRequest() Request {
	if c.Driver == DriverV3 {
		return YearsRequest()
	}
	return StatusRequest()
}

func decodeYears(body []byte, _ Skip) error {
	var years []json.Number
	if err := json.Unmarshal(body, &years); err != nil {
		return err
	}
	if len(years) == 0 {
		return ErrUnavailable.Because("a catalogue without a single year")
	}
	return nil
}

func decodeStatus(body []byte, _ Skip) error {
	var status struct {
		IsAlive *bool `json:"is_alive"`
	}
	if err := json.Unmarshal(body, &status); err != nil {
		return err
	}
	if status.IsAlive == nil {
		return errors.New("app/status has no is_alive")
	}
	if !*status.IsAlive {
		return ErrUnavailable.Because("app/status says is_alive false")
	}
	return nil
}
