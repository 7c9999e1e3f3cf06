package cataloghttp_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"anihub/modules/catalog"
	"anihub/modules/catalog/cataloghttp"
	"anihub/modules/catalog/catalogtest"
	"anihub/platform/auth"
	"anihub/platform/fault"
	"anihub/platform/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// serve puts a door behind a wire and returns the other end of it.
func serve(t *testing.T, door catalog.Service, around func(http.Handler) http.Handler) *cataloghttp.Client {
	t.Helper()
	mux := http.NewServeMux()
	verify := func(token, audience string) (auth.Principal, error) {
		if token != "token for "+audience {
			return auth.Principal{}, errors.New("bad token")
		}
		return auth.Principal{}, nil
	}
	cataloghttp.Mount(rpc.NewServer(mux, verify, quiet()), door)
	server := httptest.NewServer(around(mux))
	t.Cleanup(server.Close)
	return connect(t, server.URL)
}

func connect(t *testing.T, url string) *cataloghttp.Client {
	t.Helper()
	sign := func(audience string) (string, error) { return "token for " + audience, nil }
	peer, err := rpc.NewPeer(rpc.PeerConfig{Module: "catalog", URL: url}, sign, nil, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(peer.Close)
	return cataloghttp.NewClient(peer)
}

func direct(h http.Handler) http.Handler { return h }

func TestClientPassesTheContract(t *testing.T) {
	t.Parallel()
	catalogtest.Contract(t, func(t *testing.T) (catalog.Service, catalogtest.Upstream) {
		f := catalogtest.NewFake()
		return serve(t, f, direct), f
	})
}

func TestObservedDoorPassesTheContract(t *testing.T) {
	t.Parallel()
	catalogtest.Contract(t, func(t *testing.T) (catalog.Service, catalogtest.Upstream) {
		rec, err := rpc.NewRecorder("test", prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		f := catalogtest.NewFake()
		return cataloghttp.Observe(f, rec), f
	})
}

// Every other call to a safe method meets a broken wire before it reaches the
// door; nobody can tell.
func TestClientPassesTheContractOverABadWire(t *testing.T) {
	t.Parallel()
	catalogtest.Contract(t, func(t *testing.T) (catalog.Service, catalogtest.Upstream) {
		f := catalogtest.NewFake()
		var n atomic.Int64
		return serve(t, f, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/internal/rpc/catalog/refresh" || n.Add(1)%2 == 0 {
					h.ServeHTTP(w, r)
					return
				}
				switch n.Load() % 3 {
				case 0:
					panic(http.ErrAbortHandler)
				case 1:
					w.WriteHeader(http.StatusBadGateway)
				default:
					_, _ = io.WriteString(w, "<html>not what you asked for")
				}
			})
		}), f
	})
}

// With the other process gone, every method says so in the door's words.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	c := connect(t, server.URL)
	ctx := t.Context()
	_, err1 := c.Title(ctx, catalog.Ref{ID: 1}, "")
	_, err2 := c.Titles(ctx, catalog.Query{}, "")
	_, err3 := c.Schedule(ctx, "")
	_, err4 := c.Facets(ctx, "")
	_, err5 := c.Refresh(ctx, catalog.Refresh{IDs: []int{1}})
	_, err6 := c.Pending(ctx, 1)
	err7 := c.Confirm(ctx, []catalog.Event{{ID: "x"}})
	for i, err := range []error{err1, err2, err3, err4, err5, err6, err7} {
		if !errors.Is(err, catalog.ErrUnavailable) {
			t.Errorf("method %d: %v", i+1, err)
		}
	}
}

// asked remembers what a call arrived as.
type asked struct {
	catalog.Service
	ref     catalog.Ref
	query   catalog.Query
	refresh catalog.Refresh
	have    string
}

func (a *asked) Title(_ context.Context, ref catalog.Ref, have string) (catalog.Answer[catalog.Title], error) {
	a.ref, a.have = ref, have
	return catalog.Answer[catalog.Title]{}, catalog.ErrNotFound.Detail("id", ref.ID).After(3)
}

func (a *asked) Titles(_ context.Context, q catalog.Query, _ string) (catalog.Answer[catalog.Page], error) {
	a.query = q
	return catalog.Answer[catalog.Page]{}, catalog.ErrBadQuery.Detail("parameter", "sort")
}

func (a *asked) Refresh(_ context.Context, r catalog.Refresh) (catalog.Refreshed, error) {
	a.refresh = r
	return catalog.Refreshed{}, errors.New("a secret cause")
}

func TestNothingIsLostOnTheWay(t *testing.T) {
	t.Parallel()
	var a asked
	c := serve(t, &a, direct)
	q := catalog.Query{
		Page: 2, Limit: 3, Search: "ёж <&>", Year: 4, YearFrom: 5, YearTo: 6, Season: "winter", Genres: []string{"a", "b"}, Type: "TV",
		Status: "ongoing", AgeRating: "R0_PLUS", Sort: "name", Descending: true, IDs: []int{7}, Random: true, Facets: true, RecommendedFor: 9,
	}
	r := catalog.Refresh{IDs: []int{1}, Background: true, Silent: true, Force: true}
	_, err := c.Title(t.Context(), catalog.Ref{ID: 8, Code: "c"}, "v1")
	if !errors.Is(err, catalog.ErrNotFound) || fault.Of(err).Details["id"] == nil {
		t.Errorf("title: %v %v", err, fault.Of(err).Details)
	}
	_, err = c.Titles(t.Context(), q, "")
	if !errors.Is(err, catalog.ErrBadQuery) || fault.Of(err).Details["parameter"] != "sort" {
		t.Errorf("titles: %v %v", err, fault.Of(err).Details)
	}
	_, err = c.Refresh(t.Context(), r)
	if !errors.Is(err, fault.ErrInternal) || fault.Of(err).Error() != fault.ErrInternal.Message {
		t.Errorf("refresh: %v", err)
	}
	want := asked{ref: catalog.Ref{ID: 8, Code: "c"}, have: "v1", query: q, refresh: r}
	if d := cmp.Diff(want, a, cmp.AllowUnexported(asked{})); d != "" {
		t.Errorf("arrived (-want +got):\n%s", d)
	}
}
