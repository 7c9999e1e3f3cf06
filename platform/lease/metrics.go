package lease

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Measured shows what this process holds: lease_held by name, 1 or 0. With a nil
// registerer the gauge is kept but not shown.
func Measured(k Keeper, r prometheus.Registerer) Keeper {
	return &measured{Keeper: k, held: promauto.With(r).NewGaugeVec(prometheus.GaugeOpts{
		Name: "lease_held",
		Help: "Whether this process holds the lease.",
	}, []string{"name"})}
}

type measured struct {
	Keeper
	held *prometheus.GaugeVec
}

func (m *measured) Acquire(ctx context.Context, name string, ttl time.Duration) (Lease, error) {
	l, err := m.Keeper.Acquire(ctx, name, ttl)
	if errors.Is(err, ErrInvalid) {
		return nil, err // a name that may be anything must not become a label
	}
	gauge := m.held.WithLabelValues(name)
	if err != nil {
		gauge.Add(0) // shows the name with 0 from the first try on
		return nil, err
	}
	gauge.Inc()
	return &measuredLease{Lease: l, drop: sync.OnceFunc(gauge.Dec)}, nil
}

type measuredLease struct {
	Lease
	drop func() // once
}

func (l *measuredLease) Renew(ctx context.Context, ttl time.Duration) error {
	err := l.Lease.Renew(ctx, ttl)
	if errors.Is(err, ErrLost) {
		l.drop()
	}
	return err
}

// Release counts as given up whatever Redis says: nobody acts on the lease any more.
func (l *measuredLease) Release(ctx context.Context) error {
	l.drop()
	return l.Lease.Release(ctx)
}
