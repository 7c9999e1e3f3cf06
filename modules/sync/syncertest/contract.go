// Package syncertest is the inspector of synchronisation: the contract that every
// implementation of its door must pass, and a fake that passes it.
package syncertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	syncer "anihub/modules/sync"
)

// The world that an implementation under contract must live in.
const (
	Titles  = 120 // titles 1…Titles exist
	Unknown = 404 // the upstream does not know this one
	Hanging = 500 // fetching this one takes until it is cancelled
)

// Contract holds an implementation to the promises of the door. Open gives a fresh
// one, running, in the world above.
func Contract(t *testing.T, open func(t *testing.T) syncer.Service) {
	for name, test := range map[string]func(*testing.T, syncer.Service){
		"a title is fetched":             fetches,
		"an unknown title fails":         fails,
		"bad requests":                   refuses,
		"a key makes one job":            repeats,
		"jobs that do not exist":         misses,
		"newest jobs first":              lists,
		"a full pass":                    passes,
		"cancelling":                     cancels,
		"retrying":                       retries,
		"waiting ends with its context":  waits,
		"a cancelled context":            gone,
		"what is returned is the caller": copies,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// patience bounds waiting for something that must happen.
const patience = 20 * time.Second

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ended(t *testing.T, s syncer.Service, id string) syncer.Job {
	t.Helper()
	j := must[syncer.Job](t)(s.Wait(within(t), id))
	if !j.Finished() {
		t.Fatalf("job %s is %s after %s", id, j.State, patience)
	}
	return j
}

func fetches(t *testing.T, s syncer.Service) {
	for _, priority := range []string{"", "low", "normal", "high"} {
		j := must[syncer.Job](t)(s.Start(within(t), syncer.Request{Kind: syncer.KindTitle, TitleID: 7, Force: true, Priority: priority}))
		if j.ID == "" || j.Kind != syncer.KindTitle || j.TitleID != 7 || j.CreatedAt.IsZero() {
			t.Errorf("new job: %+v", j)
		}
		if priority != "" && j.Priority != priority || priority == "" && j.Priority != "normal" {
			t.Errorf("priority %q became %q", priority, j.Priority)
		}
		j = ended(t, s, j.ID)
		if j.State != syncer.Succeeded || j.Progress != (syncer.Progress{Done: 1, Total: 1}) || j.Error != "" {
			t.Errorf("ended: %+v", j)
		}
		if j.StartedAt.IsZero() || j.FinishedAt.Before(j.StartedAt) || j.StartedAt.Before(j.CreatedAt) {
			t.Errorf("times out of order: %+v", j)
		}
	}
}

func fails(t *testing.T, s syncer.Service) {
	j := must[syncer.Job](t)(s.Start(within(t), syncer.Request{Kind: syncer.KindTitle, TitleID: Unknown}))
	j = ended(t, s, j.ID)
	if j.State != syncer.Failed || j.ErrorCode != "TITLE_NOT_FOUND" || j.Error == "" {
		t.Errorf("ended: %+v", j)
	}
}

func refuses(t *testing.T, s syncer.Service) {
	title := syncer.KindTitle
	for _, r := range []syncer.Request{
		{Kind: title, TitleID: 0},
		{Kind: title, TitleID: -1},
		{Kind: title, TitleID: 1 << 31},
		{Kind: title, TitleID: 1, Priority: "urgent"},
		{TitleID: 1},
		{Kind: "everything"},
	} {
		if _, err := s.Start(within(t), r); !errors.Is(err, syncer.ErrBadRequest) {
			t.Errorf("%+v: %v, want ErrBadRequest", r, err)
		}
	}
}

func repeats(t *testing.T, s syncer.Service) {
	r := syncer.Request{Kind: syncer.KindTitle, TitleID: 8, Key: "the-key"}
	first := must[syncer.Job](t)(s.Start(within(t), r))
	ended(t, s, first.ID)
	again := must[syncer.Job](t)(s.Start(within(t), r))
	if again.ID != first.ID || !again.Finished() {
		t.Errorf("the same key gave job %+v, want the first one, %s, as it is", again, first.ID)
	}
	r.TitleID = 9
	if _, err := s.Start(within(t), r); !errors.Is(err, syncer.ErrBadRequest) {
		t.Errorf("a key used for another title: %v, want ErrBadRequest", err)
	}
	r.Key = "another"
	if other := must[syncer.Job](t)(s.Start(within(t), r)); other.ID == first.ID {
		t.Error("another key gave the same job")
	}
}

func misses(t *testing.T, s syncer.Service) {
	for name, ask := range map[string]func(context.Context, string) (syncer.Job, error){
		"Job": s.Job, "Wait": s.Wait, "Cancel": s.Cancel,
		"Start": func(ctx context.Context, id string) (syncer.Job, error) {
			return s.Start(ctx, syncer.Request{Kind: syncer.KindRetry, JobID: id})
		},
	} {
		for _, id := range []string{"nope", "", "../x", "$gt"} {
			if _, err := ask(within(t), id); !errors.Is(err, syncer.ErrJobNotFound) {
				t.Errorf("%s(%q): %v, want ErrJobNotFound", name, id, err)
			}
		}
	}
}

func lists(t *testing.T, s syncer.Service) {
	var ids []string
	for id := 1; id <= 5; id++ {
		j := must[syncer.Job](t)(s.Start(within(t), syncer.Request{Kind: syncer.KindTitle, TitleID: id}))
		ids = append([]string{j.ID}, ids...)
		ended(t, s, j.ID)
		time.Sleep(2 * time.Millisecond) // times are stored in milliseconds
	}
	var got []string
	for _, j := range must[[]syncer.Job](t)(s.Jobs(within(t), 1000)) {
		if j.Kind == syncer.KindTitle { // an implementation may run passes of its own
			got = append(got, j.ID)
		}
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Error(diff)
	}
	if two := must[[]syncer.Job](t)(s.Jobs(within(t), 2)); len(two) != 2 || two[0].ID != ids[0] {
		t.Errorf("the newest two: %+v", two)
	}
}

func passes(t *testing.T, s syncer.Service) {
	first := must[syncer.Job](t)(s.Start(within(t), syncer.Request{Kind: syncer.KindFull, Key: "full-key"}))
	if first.Kind != syncer.KindFull {
		t.Errorf("new job: %+v", first)
	}
	j := ended(t, s, first.ID)
	if j.State != syncer.Succeeded || j.Progress.Done != Titles || j.Progress.Total != Titles || j.Progress.Failed != 0 {
		t.Errorf("ended: %+v", j)
	}
}

func cancels(t *testing.T, s syncer.Service) {
	j := must[syncer.Job](t)(s.Start(within(t), syncer.Request{Kind: syncer.KindTitle, TitleID: Hanging}))
	got := must[syncer.Job](t)(s.Cancel(within(t), j.ID))
	if got.State != syncer.Cancelled || got.FinishedAt.IsZero() {
		t.Errorf("cancelled: %+v", got)
	}
	if again := must[syncer.Job](t)(s.Cancel(within(t), j.ID)); again.State != syncer.Cancelled {
		t.Errorf("cancelled twice: %+v", again)
	}
	done := must[syncer.Job](t)(s.Start(within(t), syncer.Request{Kind: syncer.KindTitle, TitleID: 3}))
	ended(t, s, done.ID)
	if late := must[syncer.Job](t)(s.Cancel(within(t), done.ID)); late.State != syncer.Succeeded {
		t.Errorf("cancelling a finished job made it %s", late.State)
	}
}

func retries(t *testing.T, s syncer.Service) {
	retry := func(id string) (syncer.Job, error) {
		return s.Start(within(t), syncer.Request{Kind: syncer.KindRetry, JobID: id})
	}
	old := must[syncer.Job](t)(s.Start(within(t), syncer.Request{Kind: syncer.KindTitle, TitleID: Unknown, Priority: "high"}))
	ended(t, s, old.ID)
	again := must[syncer.Job](t)(retry(old.ID))
	if again.ID == old.ID || again.RetryOf != old.ID || again.Kind != syncer.KindTitle || again.TitleID != Unknown || again.Priority != "high" {
		t.Errorf("the retry of %+v: %+v", old, again)
	}
	if again = ended(t, s, again.ID); again.State != syncer.Failed || again.RetryOf != old.ID {
		t.Errorf("the retry ended: %+v", again)
	}
	if third := must[syncer.Job](t)(retry(old.ID)); third.ID == again.ID {
		t.Error("a retry that has ended stands in the way of another one")
	}
	good := must[syncer.Job](t)(s.Start(within(t), syncer.Request{Kind: syncer.KindTitle, TitleID: 3}))
	ended(t, s, good.ID)
	hanging := must[syncer.Job](t)(s.Start(within(t), syncer.Request{Kind: syncer.KindTitle, TitleID: Hanging}))
	for what, id := range map[string]string{"that succeeded": good.ID, "that has not ended": hanging.ID} {
		if _, err := retry(id); !errors.Is(err, syncer.ErrNoRetry) {
			t.Errorf("retrying a job %s: %v, want ErrNoRetry", what, err)
		}
	}
	must[syncer.Job](t)(s.Cancel(within(t), hanging.ID))
}

func waits(t *testing.T, s syncer.Service) {
	j := must[syncer.Job](t)(s.Start(within(t), syncer.Request{Kind: syncer.KindTitle, TitleID: Hanging}))
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	got, err := s.Wait(ctx, j.ID)
	if err != nil || got.Finished() || got.ID != j.ID {
		t.Errorf("got %+v, %v; want the job as it is", got, err)
	}
	must[syncer.Job](t)(s.Cancel(within(t), j.ID))
}

func gone(t *testing.T, s syncer.Service) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Start(ctx, syncer.Request{Kind: syncer.KindTitle, TitleID: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("Start: %v", err)
	}
	if _, err := s.Jobs(ctx, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("Jobs: %v", err)
	}
}

func copies(t *testing.T, s syncer.Service) {
	j := must[syncer.Job](t)(s.Start(within(t), syncer.Request{Kind: syncer.KindTitle, TitleID: 1}))
	ended(t, s, j.ID)
	all := must[[]syncer.Job](t)(s.Jobs(within(t), 10))
	all[0].State = "spoilt"
	if again := must[[]syncer.Job](t)(s.Jobs(within(t), 10)); again[0].State == "spoilt" {
		t.Error("the caller's copy is the implementation's own")
	}
	if _, err := s.Status(within(t)); err != nil {
		t.Error(err)
	}
}
