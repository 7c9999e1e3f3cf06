package envelope_test

import (
	"testing"

	"anihub/web/envelope"
)

func TestAccepts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		given  []string
		coding string
		want   bool
	}{
		{nil, "gzip", false},
		{[]string{""}, "gzip", false},
		{[]string{"gzip"}, "gzip", true},
		{[]string{"GZip"}, "gzip", true},
		{[]string{"gzip, deflate, br"}, "br", true},
		{[]string{"deflate", "br , gzip"}, "gzip", true}, // two header lines are one list
		{[]string{"gzipped"}, "gzip", false},
		{[]string{"gzip;q=0"}, "gzip", false},
		{[]string{"gzip;q=0.0"}, "gzip", false},
		{[]string{"gzip ; Q=0.000"}, "gzip", false},
		{[]string{"gzip;q=0.001"}, "gzip", true},
		{[]string{"*"}, "gzip", true},
		{[]string{"*;q=0"}, "gzip", false},
		{[]string{"*, gzip;q=0"}, "gzip", false}, // what is named counts, wherever * stands
		{[]string{"*;q=0, gzip"}, "gzip", true},
		{[]string{"identity"}, "gzip", false},
		{[]string{"gzip;q=x"}, "gzip", false}, // a weight that is none
		{[]string{"gzip;q=NaN"}, "gzip", false},
		{[]string{"gzip;q=-1"}, "gzip", false},
	} {
		if got := envelope.Accepts(c.given, c.coding); got != c.want {
			t.Errorf("%q of %q: %v", c.coding, c.given, got)
		}
	}
}
