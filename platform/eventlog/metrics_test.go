package eventlog_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"anihub/platform/eventlog"
	"anihub/platform/eventlog/eventlogtest"
)

func TestMeasuredIsTheSameLog(t *testing.T) {
	t.Parallel()
	eventlogtest.Contract(t, eventlogtest.Target{
		Open:   func(testing.TB) eventlog.Log { return eventlog.Measured(eventlog.NewMemory(100), nil) },
		Retain: 100,
	})
}

func TestMeasured(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	l := eventlog.Measured(eventlog.NewMemory(10), reg)
	at := add(t, l, "a", "b")
	_, _, _ = l.Append(t.Context(), eventlog.Entry{ID: "a", Topic: "event"})
	_, _, _ = l.Append(t.Context(), eventlog.Entry{ID: "a", Topic: "Anything else"})
	_, _ = l.Read(t.Context(), eventlog.Position{}, 1)
	_, _ = l.Wait(t.Context(), eventlog.Position{Epoch: at.Epoch, Offset: 77}, 1)
	_, _ = l.Read(t.Context(), at, 1)
	_ = l.Close()
	_, _, _ = l.Append(t.Context(), eventlog.Entry{ID: "c", Topic: "cache"})
	want := map[string]float64{
		"eventlog_appended_total topic=event result=ok":        2,
		"eventlog_appended_total topic=event result=duplicate": 1,
		"eventlog_appended_total topic=cache result=error":     1,
		"eventlog_appended_total topic= result=refused":        1,
		"eventlog_gaps_total":                                  2,
	}
	if diff := cmp.Diff(want, counters(t, reg)); diff != "" {
		t.Fatal(diff)
	}
}

func counters(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range slices.Backward(m.GetLabel()) { // sorted by name
				name += " " + l.GetName() + "=" + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue()
		}
	}
	return got
}
