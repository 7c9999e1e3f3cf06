package realtimesvc_test

import (
	"fmt"
	"runtime"
	"testing"

	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimesvc"
	rt "anihub/modules/realtime/realtimetest"
)

func bigQueue(c *realtimesvc.Config, _ *realtimesvc.Deps) { c.QueueBytes = 64 << 20 }

func crowd(b *testing.B, h *house, n int, frame string) []realtime.Conversation {
	b.Helper()
	all := make([]realtime.Conversation, n)
	for i := range all {
		conv, err := h.Open(b.Context(), realtime.Client{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(conv.Close)
		all[i] = conv
		if frame != "" {
			if err := conv.Receive(b.Context(), []byte(frame)); err != nil {
				b.Fatal(err)
			}
		}
		take(b, conv)
		if frame != "" {
			take(b, conv)
		}
	}
	return all
}

func take(b *testing.B, conv realtime.Conversation) {
	b.Helper()
	if _, err := conv.Next(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkFanout tells one event to 10,000 conversations, each of which takes
// it: the whole way from Publish to Next, without sockets.
func BenchmarkFanout(b *testing.B) {
	const n = 10_000
	for name, frame := range map[string]string{
		"title": `{"type":"subscribe_title","data":{"title_id":5}}`,
		"types": `{"type":"subscribe_updates","data":{"types":["new_episode"]}}`,
	} {
		b.Run(name, func(b *testing.B) {
			h := open(b, bigQueue)
			all := crowd(b, h, n, frame)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				rt.Publish(b, h, rt.Episode(5, float64(i)))
				for _, conv := range all {
					take(b, conv)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/delivery")
		})
	}
}

// BenchmarkIdle reports the memory of a conversation without its socket.
func BenchmarkIdle(b *testing.B) {
	for _, c := range []struct{ name, frame string }{
		{"subscribed to nothing", ""},
		{"subscribed to a title", `{"type":"subscribe_title","data":{"title_id":5}}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			const n = 10_000
			h := open(b)
			for b.Loop() {
				before := heap()
				all := crowd(b, h, n, c.frame)
				b.ReportMetric(float64(heap()-before)/n, "B/conversation")
				for _, conv := range all {
					conv.Close()
				}
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkReturn is 1,000 viewers who missed 100 events each.
func BenchmarkReturn(b *testing.B) {
	h := open(b)
	start, err := h.Tail(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var events []realtime.Event
	for i := range 100 {
		events = append(events, rt.Episode(5, float64(i)))
	}
	rt.WaitTail(b, h, rt.Publish(b, h, events...)[99].Position)
	frame := []byte(fmt.Sprintf(`{"type":"subscribe_title","data":{"title_id":5,"since":%q}}`, start))
	b.ReportAllocs()
	for b.Loop() {
		for range 1000 {
			conv, err := h.Open(b.Context(), realtime.Client{})
			if err != nil {
				b.Fatal(err)
			}
			if err := conv.Receive(b.Context(), frame); err != nil {
				b.Fatal(err)
			}
			for got := 0; got < 102; {
				batch, err := conv.Next(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				got += len(batch)
			}
			conv.Close()
		}
	}
}
