package openapi_test

import (
	"strings"
	"testing"

	"anihub/web/openapi"
)

func TestMappingsKeepTheirOrderAndCarryOutMerges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, want string }{
		"order":            {"b: 1\na: [x, null, 1.5, true]\n", `{"b":1,"a":["x",null,1.5,true]}`},
		"alias":            {"x: &x {k: v}\ny: *x\n", `{"x":{"k":"v"},"y":{"k":"v"}}`},
		"own goes first":   {"x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\n", `{"x":{"a":1,"b":2},"y":{"b":3,"a":1}}`},
		"earlier goes":     {"x: &x {a: 1}\nz: &z {a: 2, b: 2}\ny: {<<: [*x, *z]}\n", `{"x":{"a":1},"z":{"a":2,"b":2},"y":{"a":1,"b":2}}`},
		"statuses sort":    {"x: &x {\"500\": e, \"400\": b}\ny: {\"404\": n, <<: *x}\n", `{"x":{"500":"e","400":"b"},"y":{"400":"b","404":"n","500":"e"}}`},
		"quoted merge key": {"\"<<\": 1\n", `{"<<":1}`},
		"no HTML escapes":  {"a: \"<b>\"\n", `{"a":"<b>"}`},
	} {
		got, err := openapi.Parsed(c.source)
		// Marshal escapes what MarshalJSON did not; readers cannot tell.
		got = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(got)
		if err != nil || got != c.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, c.want)
		}
	}
}

func TestSourcesThatMeanSomethingElseAreRefused(t *testing.T) {
	t.Parallel()
	for source, says := range map[string]string{
		"a: 2026-09-26T12:50:50Z\n": "must be quoted",
		"a: 1\na: 2\n":              "",
		"- a\n":                     "no mapping",
		"a: [\n":                    "",
	} {
		if got, err := openapi.Parsed(source); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %s, %v", source, got, err)
		}
	}
}

func TestProseIsTextWithLittleMarkup(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"one\ntwo\n\nthree":  "<p>one\ntwo</p><p>three</p>",
		"a `code` **b**":     "<p>a <code>code</code> <strong>b</strong></p>",
		"`**` stays":         "<p><code>**</code> stays</p>",
		"one ` alone":        "<p>one  alone</p>",
		"<script>x</script>": "<p>&lt;script&gt;x&lt;/script&gt;</p>",
		"`<b onclick=x>`":    "<p><code>&lt;b onclick=x&gt;</code></p>",
	} {
		if got := openapi.Prose(source); got != want {
			t.Errorf("%q: %s, want %s", source, got, want)
		}
	}
}
