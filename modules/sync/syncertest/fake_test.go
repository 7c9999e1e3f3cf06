package syncertest_test

import (
	"testing"

	syncer "anihub/modules/sync"
	"anihub/modules/sync/syncertest"
)

func TestFakePassesTheContract(t *testing.T) {
	t.Parallel()
	syncertest.Contract(t, func(*testing.T) syncer.Service { return syncertest.NewFake() })
}
