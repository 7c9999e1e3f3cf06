package eventlog

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Measured counts what happens on a log: eventlog_appended_total by topic and
// result (ok, duplicate, refused, error) and eventlog_gaps_total, the readers that
// were told to revalidate. With a nil registerer the counters are kept but not
// shown.
func Measured(l Log, r prometheus.Registerer) Log {
	f := promauto.With(r)
	return &measured{
		Log: l,
		appended: f.NewCounterVec(prometheus.CounterOpts{
			Name: "eventlog_appended_total",
			Help: "Entries offered to the event log.",
		}, []string{"topic", "result"}),
		gaps: f.NewCounter(prometheus.CounterOpts{
			Name: "eventlog_gaps_total",
			Help: "Reads from a position that the event log no longer reaches.",
		}),
	}
}

type measured struct {
	Log
	appended *prometheus.CounterVec
	gaps     prometheus.Counter
}

func (m *measured) Append(ctx context.Context, e Entry) (Position, bool, error) {
	at, duplicate, err := m.Log.Append(ctx, e)
	topic, result := e.Topic, "ok"
	switch {
	case errors.Is(err, ErrEntry), errors.Is(err, ErrTooLarge):
		// A refused topic may be anything, and a label must not.
		topic, result = "", "refused"
	case err != nil:
		result = "error"
	case duplicate:
		result = "duplicate"
	}
	m.appended.WithLabelValues(topic, result).Inc()
	return at, duplicate, err
}

func (m *measured) Read(ctx context.Context, after Position, limit int) ([]Record, error) {
	records, err := m.Log.Read(ctx, after, limit)
	m.count(err)
	return records, err
}

func (m *measured) Wait(ctx context.Context, after Position, limit int) ([]Record, error) {
	records, err := m.Log.Wait(ctx, after, limit)
	m.count(err)
	return records, err
}

func (m *measured) count(err error) {
	if errors.Is(err, ErrGap) {
		m.gaps.Inc()
	}
}
