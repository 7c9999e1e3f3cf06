package openapitest_test

import (
	"strings"
	"testing"

	"anihub/web/openapi/openapitest"
)

func messages(t *testing.T) *openapitest.Messages {
	t.Helper()
	m, err := openapitest.NewMessages()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestTheMessagesBite: a frame as documented, and each way not to be one.
func TestTheMessagesBite(t *testing.T) {
	t.Parallel()
	m := messages(t)
	for name, c := range map[string]struct{ channel, frame, says string }{
		"as documented":    {"websocket", `{"type":"pong","id":7,"data":{}}`, ""},
		"news with more":   {"eventstream", `{"type":"status_change","event_id":"e","position":"a:1","data":{"title_id":1,"old_status":null,"new_status":"ongoing","timestamp":"2026-07-01T12:00:00Z","extra":1}}`, ""},
		"field too many":   {"websocket", `{"type":"pong","data":{"x":1}}`, "additional properties"},
		"outside the data": {"websocket", `{"type":"pong","x":1,"data":{}}`, "additional properties"},
		"field too few":    {"websocket", `{"type":"auth_expired","data":{}}`, "missing propert"},
		"value":            {"websocket", `{"type":"error","data":{"code":"NO_SUCH","message":"m"}}`, "BAD_FRAME"},
		"time":             {"websocket", `{"type":"auth_ok","data":{"user_id":"u","expires_at":"soon"}}`, "date-time"},
		"not of this one":  {"eventstream", `{"type":"pong","data":{}}`, "does not carry"},
		"unknown":          {"websocket", `{"type":"nothing"}`, "does not carry"},
		"no JSON":          {"websocket", `pong`, "invalid"},
	} {
		err := m.Check(c.channel, []byte(c.frame))
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	for _, name := range m.Unseen() {
		if name == "pong" {
			t.Error("what was seen is unseen")
		}
	}
}

// TestTheMessagesAreValid: the document keeps the rules of AsyncAPI 3.0 that it relies on.
func TestTheMessagesAreValid(t *testing.T) {
	t.Parallel()
	if err := messages(t).Valid(); err != nil {
		t.Error(err)
	}
}
