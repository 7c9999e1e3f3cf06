package envelope_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"
	"unicode"

	"github.com/labstack/echo/v4"

	"anihub/platform/fault"
	"anihub/web/envelope"
	"anihub/web/openapi"
	"anihub/web/openapi/openapitest"
)

// TestEveryDocumentedCodeSpeaksRussian: most viewers do, and messages are theirs.
func TestEveryDocumentedCodeSpeaksRussian(t *testing.T) {
	t.Parallel()
	render := envelope.Render(slog.New(slog.NewTextHandler(io.Discard, nil)))
	for _, doc := range []*openapi.Reference{openapi.Public(), openapi.Internal()} {
		i, err := openapitest.New(doc)
		if err != nil {
			t.Fatal(err)
		}
		codes := i.Codes()
		if len(codes) < 15 {
			t.Errorf("only %d codes: %q", len(codes), codes)
		}
		for _, code := range codes {
			w := httptest.NewRecorder()
			render(fault.New(fault.Invalid, code, "An English sentence."), echo.New().NewContext(httptest.NewRequestWithContext(t.Context(), "GET", "/", nil), w))
			var said struct{ Error struct{ Message string } }
			if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
				t.Fatal(err)
			}
			if first := []rune(said.Error.Message + " ")[0]; !unicode.Is(unicode.Cyrillic, first) {
				t.Errorf("%s: %q", code, said.Error.Message)
			}
		}
	}
}
