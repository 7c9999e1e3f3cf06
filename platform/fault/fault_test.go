package fault_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"anihub/platform/fault"
)

var (
	errA = fault.New(fault.NotFound, "A", "There is no A.")
	errB = fault.New(fault.Conflict, "B", "B is taken.")
)

func TestMatchesByCode(t *testing.T) {
	t.Parallel()
	travelled := fault.New(fault.NotFound, "A", "another sentence")
	wrapped := fmt.Errorf("ask: %w", errA.With(errors.New("secret cause")))
	for _, err := range []error{travelled, wrapped, errA.Detail("k", 1), errA.After(time.Second), errA.Saying("x")} {
		if !errors.Is(err, errA) {
			t.Errorf("%v is not A", err)
		}
		if errors.Is(err, errB) {
			t.Errorf("%v is B", err)
		}
	}
}

func TestCopiesLeaveTheOriginalAlone(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	got := errA.With(cause).Detail("a", 1).Detail("b", 2).After(time.Second).Saying("said %d", 3)
	if errA.Details != nil || errA.RetryAfter != 0 || errA.Unwrap() != nil || errA.Message != "There is no A." {
		t.Errorf("the declared fault changed: %+v", errA)
	}
	if len(got.Details) != 2 || got.RetryAfter != time.Second || !errors.Is(got, cause) || got.Message != "said 3" {
		t.Errorf("got %+v", got)
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		code   string
		status int
	}{
		{errA, "A", 404},
		{fmt.Errorf("x: %w", errB), "B", 409},
		{context.DeadlineExceeded, "TIMEOUT", 504},
		{context.Canceled, "CANCELED", 499},
		{errors.New("boom"), "INTERNAL", 500},
	} {
		if f := fault.Of(c.err); f.Code != c.code || fault.Status(c.err) != c.status {
			t.Errorf("%v: code %s, status %d; want %s, %d", c.err, f.Code, fault.Status(c.err), c.code, c.status)
		}
	}
	if fault.Of(nil) != nil || fault.Status(nil) != http.StatusOK {
		t.Error("nil must be no fault and 200")
	}
}

func TestEveryKindHasItsStatus(t *testing.T) {
	t.Parallel()
	seen := map[int]fault.Kind{}
	for k := fault.Internal; k <= fault.Canceled; k++ {
		s := fault.Status(fault.New(k, "X", "x"))
		if s < 400 {
			t.Errorf("kind %d has status %d", k, s)
		}
		if other, twice := seen[s]; twice {
			t.Errorf("kinds %d and %d share status %d", k, other, s)
		}
		seen[s] = k
		if fault.KindOf(s) != k {
			t.Errorf("KindOf(%d) = %d, want %d", s, fault.KindOf(s), k)
		}
	}
	if fault.KindOf(418) != fault.Internal {
		t.Error("an unknown status must be Internal")
	}
}
