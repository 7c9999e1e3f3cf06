package cache

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func frames() []Entry {
	now := time.UnixMicro(1_780_000_000_123_456)
	return []Entry{
		{},
		{NotFound: true, StoredAt: now, FreshUntil: now.Add(time.Minute)},
		{Body: []byte("x"), ETag: "e", Generation: -1, StoredAt: now, FreshUntil: now, CheckAt: now, Tags: []string{"a", ""}},
		{Body: bytes.Repeat([]byte{0, 255}, 10_000), Generation: 1<<63 - 1, Tags: []string{"schedule"}},
	}
}

func TestFrameRoundTrip(t *testing.T) {
	t.Parallel()
	for _, e := range frames() {
		got, err := decodeFrame(encodeFrame(e))
		same := cmp.Options{cmp.Comparer(time.Time.Equal), cmp.Comparer(bytes.Equal)}
		if diff := cmp.Diff(e, got, same); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
}

// Every byte that is lost or changed is noticed, except where Expire may write.
func TestFrameNoticesDamage(t *testing.T) {
	t.Parallel()
	whole := encodeFrame(frames()[2])
	for i := range whole {
		if _, err := decodeFrame(whole[:i]); !errors.Is(err, errFrame) {
			t.Errorf("cut at %d: %v", i, err)
		}
		if i >= offFresh && i < offStored {
			continue
		}
		bad := bytes.Clone(whole)
		bad[i] ^= 0x10
		if _, err := decodeFrame(bad); !errors.Is(err, errFrame) {
			t.Errorf("changed at %d: %v", i, err)
		}
	}
	if _, err := decodeFrame(append(bytes.Clone(whole), 0)); err == nil {
		t.Error("one byte too many is read")
	}
}

func FuzzFrame(f *testing.F) {
	for _, e := range frames() {
		f.Add(encodeFrame(e))
	}
	f.Add([]byte(`{"id":9919}`))
	f.Add([]byte{frameMagic, frameFormat})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeFrame(b)
		if err != nil {
			return
		}
		again, err := decodeFrame(encodeFrame(e))
		if err != nil || again.ETag != e.ETag || !bytes.Equal(again.Body, e.Body) || len(again.Tags) != len(e.Tags) {
			t.Errorf("%+v became %+v, %v", e, again, err)
		}
	})
}
