package catalogtest_test

import (
	"testing"

	"anihub/modules/catalog"
	"anihub/modules/catalog/catalogtest"
)

func TestFakePassesTheContract(t *testing.T) {
	t.Parallel()
	catalogtest.Contract(t, func(*testing.T) (catalog.Service, catalogtest.Upstream) {
		f := catalogtest.NewFake()
		return f, f
	})
}
