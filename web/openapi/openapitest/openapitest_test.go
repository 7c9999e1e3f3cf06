package openapitest_test

import (
	"net/http"
	"strings"
	"testing"

	"anihub/web/openapi"
	"anihub/web/openapi/openapitest"
)

func inspector(t *testing.T) *openapitest.Inspector {
	t.Helper()
	i, err := openapitest.New(openapi.Public())
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func headers(more ...string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"my-request-1"}, "Cache-Control": {"no-store"}}
	for i := 0; i+1 < len(more); i += 2 {
		h[more[i]] = []string{more[i+1]}
	}
	return h
}

// TestTheInspectorBites: an answer as documented, and each way not to be one.
func TestTheInspectorBites(t *testing.T) {
	t.Parallel()
	i := inspector(t)
	failure := func(code string) string {
		return `{"success":false,"error":{"code":"` + code + `","message":"m","details":{}},"timestamp":"2026-09-26T12:50:50Z","request_id":"r"}`
	}
	for name, c := range map[string]struct {
		method, path string
		status       int
		header       http.Header
		body, says   string
	}{
		"as documented":       {"GET", "/health/live", 200, headers(), `{"status":"live"}`, ""},
		"HEAD":                {"HEAD", "/health/live", 200, headers(), "", ""},
		"alias":               {"GET", "/api/anilibria/titles/1", 503, headers("Retry-After", "5"), failure("CATALOG_UNAVAILABLE"), ""},
		"no such route":       {"GET", "/api/nothing", 404, headers(), failure("NOT_FOUND"), ""},
		"undocumented route":  {"GET", "/api/nothing", 200, headers(), `{}`, "not documented"},
		"status":              {"GET", "/health/live", 418, headers(), `{}`, "status 418"},
		"field too many":      {"GET", "/health/live", 200, headers(), `{"status":"live","more":1}`, "additional properties"},
		"field too few":       {"GET", "/health/live", 200, headers(), `{}`, "missing propert"},
		"value":               {"GET", "/health/live", 200, headers(), `{"status":"dead"}`, "live"},
		"deep in a failure":   {"GET", "/api/auth/me", 500, headers(), strings.Replace(failure("INTERNAL"), `"details"`, `"x":1,"details"`, 1), "additional properties"},
		"code":                {"GET", "/api/auth/me", 500, headers(), failure("OTHER"), "INTERNAL"},
		"header too many":     {"GET", "/health/live", 200, headers("X-Secret", "1"), `{"status":"live"}`, "X-Secret"},
		"header too few":      {"GET", "/api/anilibria/v2/titles/1", 503, headers(), failure("CATALOG_UNAVAILABLE"), "Retry-After"},
		"header of no number": {"GET", "/api/anilibria/v2/titles/1", 503, headers("Retry-After", "soon"), failure("CATALOG_UNAVAILABLE"), "Retry-After"},
		"media type":          {"GET", "/health/live", 200, headers("Content-Type", "text/plain"), `{"status":"live"}`, "media type"},
		"no JSON":             {"GET", "/health/live", 200, headers(), `live`, "JSON"},
		"body of a 304":       {"GET", "/api/docs", 304, headers("Etag", `W/"x"`), `x`, "body"},
	} {
		err := i.Check(c.method, c.path, c.status, c.header, []byte(c.body))
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestWhatWasSeenIsNoLongerUnseen(t *testing.T) {
	t.Parallel()
	i := inspector(t)
	before := len(i.Unseen())
	if err := i.Check("GET", "/health/live", 200, headers(), []byte(`{"status":"live"}`)); err != nil {
		t.Fatal(err)
	}
	if after := len(i.Unseen()); after != before-1 {
		t.Errorf("%d unseen, then %d", before, after)
	}
}

// TestFindPrefersWhatIsWrittenOut: /titles/batch is no title.
func TestFindPrefersWhatIsWrittenOut(t *testing.T) {
	t.Parallel()
	i := inspector(t)
	for path, want := range map[string]string{
		"/api/anilibria/v2/titles/batch": "getTitles", "/api/anilibria/v2/titles/7": "getTitle", "/api/anilibria/titles/7": "getTitle",
		"/api/anilibria/v2/titles/code/batch": "getTitleByCode",
	} {
		if r := i.Find("GET", path); r == nil || r.ID != want {
			t.Errorf("%s: %+v, want %s", path, r, want)
		}
	}
	if r := i.Find("GET", "/api/anilibria/v2/titles/"); r != nil {
		t.Errorf("an empty id is %s", r.ID)
	}
}
