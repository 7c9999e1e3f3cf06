package syncersvc_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/catalog"
	"anihub/modules/sync/syncersvc"
	"anihub/platform/documents"
	"anihub/platform/lease"
)

// gated lets some batches through and then holds the pass until it dies.
type gated struct {
	*world
	after int
	hold  chan struct{}
}

// Refresh implements syncersvc.Catalog.
func (g *gated) Refresh(ctx context.Context, r catalog.Refresh) (catalog.Refreshed, error) {
	if g.after--; g.after < 0 {
		select {
		case <-ctx.Done():
		case <-g.hold:
		}
		return catalog.Refreshed{}, context.Canceled
	}
	return g.world.Refresh(ctx, r)
}

func depsOf(g *gated, store documents.Store, leases lease.Keeper) syncersvc.Deps {
	return syncersvc.Deps{
		Catalog: g, Realtime: g, Upstream: g, Store: store, Leases: leases,
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	}
}

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(context.Background())
}
