package documents

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Instrument counts and times what a store does:
//
//	documents_operations_total{store,collection,op,result}
//	documents_operation_duration_seconds{store,collection,op}
//
// op is get, insert, replace, delete, find, scan or ping (whose collection is
// empty); result is ok, or what went wrong: not_found, exists, changed, unfit,
// unavailable, cancelled, error. A sequence is one operation, timed without what its
// reader does between the documents. Several stores may share a registry.
func Instrument(s Store, reg prometheus.Registerer) Store {
	m := &metrics{kind: "other", total: counters(reg), duration: histograms(reg)}
	if k, ok := s.(interface{ kind() string }); ok {
		m.kind = k.kind()
	}
	return &measuredStore{next: s, metrics: m}
}

type metrics struct {
	kind     string
	total    *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func counters(reg prometheus.Registerer) *prometheus.CounterVec {
	return register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "documents_operations_total",
		Help: "Operations on the document store, by result.",
	}, []string{"store", "collection", "op", "result"}))
}

func histograms(reg prometheus.Registerer) *prometheus.HistogramVec {
	return register(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:                        "documents_operation_duration_seconds",
		Help:                        "Time an operation on the document store took.",
		Buckets:                     []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		NativeHistogramBucketFactor: 1.1,
	}, []string{"store", "collection", "op"}))
}

// register gives the collector that is in the registry under this name. Another
// collector there is a mistake in the program, which MustRegister does not survive.
func register[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	err := reg.Register(c)
	var there prometheus.AlreadyRegisteredError
	if errors.As(err, &there) {
		if old, ok := there.ExistingCollector.(C); ok {
			return old
		}
	}
	if err != nil {
		reg.MustRegister(c)
	}
	return c
}

// observe notes one operation's end.
func (m *metrics) observe(collection, op string, took time.Duration, err error) {
	m.total.WithLabelValues(m.kind, collection, op, resultOf(err)).Inc()
	m.duration.WithLabelValues(m.kind, collection, op).Observe(took.Seconds())
}

func resultOf(err error) string {
	for _, r := range []struct {
		err    error
		result string
	}{
		{nil, "ok"},
		{ErrNotFound, "not_found"},
		{ErrExists, "exists"},
		{ErrVersion, "changed"},
		{ErrUnfit, "unfit"},
		{ErrUnavailable, "unavailable"},
		{context.Canceled, "cancelled"},
		{context.DeadlineExceeded, "cancelled"},
	} {
		if errors.Is(err, r.err) {
			return r.result
		}
	}
	return "error"
}

type measuredStore struct {
	next    Store
	metrics *metrics
}

func (s *measuredStore) Collection(spec Spec) Collection {
	return &measured{next: s.next.Collection(spec), metrics: s.metrics, name: spec.Name}
}

func (s *measuredStore) Ping(ctx context.Context) error {
	start := time.Now()
	err := s.next.Ping(ctx)
	s.metrics.observe("", "ping", time.Since(start), err)
	return err
}

func (s *measuredStore) Close() error { return s.next.Close() }

type measured struct {
	next    Collection
	metrics *metrics
	name    string
}

var _ Collection = (*measured)(nil)

func (c *measured) Get(ctx context.Context, id string, into any) (int64, error) {
	start := time.Now()
	version, err := c.next.Get(ctx, id, into)
	c.metrics.observe(c.name, "get", time.Since(start), err)
	return version, err
}

func (c *measured) Insert(ctx context.Context, id string, doc any) error {
	start := time.Now()
	err := c.next.Insert(ctx, id, doc)
	c.metrics.observe(c.name, "insert", time.Since(start), err)
	return err
}

func (c *measured) Replace(ctx context.Context, id string, version int64, doc any) error {
	start := time.Now()
	err := c.next.Replace(ctx, id, version, doc)
	c.metrics.observe(c.name, "replace", time.Since(start), err)
	return err
}

func (c *measured) Delete(ctx context.Context, id string) error {
	start := time.Now()
	err := c.next.Delete(ctx, id)
	c.metrics.observe(c.name, "delete", time.Since(start), err)
	return err
}

func (c *measured) Find(ctx context.Context, field string, value any) iter.Seq2[Document, error] {
	return c.sequence("find", c.next.Find(ctx, field, value))
}

func (c *measured) Scan(ctx context.Context, s Scan) iter.Seq2[Document, error] {
	return c.sequence("scan", c.next.Scan(ctx, s))
}

// sequence measures when the sequence is read, each time it is.
func (c *measured) sequence(op string, next iter.Seq2[Document, error]) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		var failed error
		var away time.Duration
		start := time.Now()
		defer func() { c.metrics.observe(c.name, op, time.Since(start)-away, failed) }()
		next(func(d Document, err error) bool {
			failed = err
			left := time.Now()
			defer func() { away += time.Since(left) }()
			return yield(d, err)
		})
	}
}
