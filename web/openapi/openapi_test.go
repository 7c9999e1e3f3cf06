package openapi_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"anihub/web/openapi"
)

func both() map[string]*openapi.Reference {
	return map[string]*openapi.Reference{"public": openapi.Public(), "internal": openapi.Internal()}
}

func load(t *testing.T, r *openapi.Reference) *openapi3.T {
	t.Helper()
	plain, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(plain)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestDocumentsAreValid asks a validator that is not ours, examples included.
func TestDocumentsAreValid(t *testing.T) {
	t.Parallel()
	for name, r := range both() {
		doc := load(t, r)
		if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
			t.Errorf("%s: version %q", name, doc.OpenAPI)
		}
		err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaDefaultsValidation(), openapi3.EnableMultiError())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOperationsAreComplete is what a validator does not ask for.
func TestOperationsAreComplete(t *testing.T) {
	t.Parallel()
	for name, r := range both() {
		ids := map[string]bool{}
		doc := load(t, r)
		for path, item := range doc.Paths.Map() {
			for method, op := range item.Operations() {
				at := name + ": " + method + " " + path
				if op.OperationID == "" || ids[op.OperationID] {
					t.Errorf("%s: operationId %q", at, op.OperationID)
				}
				ids[op.OperationID] = true
				if op.Summary == "" || len(op.Tags) != 1 || doc.Tags.Get(op.Tags[0]) == nil {
					t.Errorf("%s: summary %q, tags %q", at, op.Summary, op.Tags)
				}
				if op.Responses.Value("500") == nil {
					t.Errorf("%s: does not say that it can break", at)
				}
				for _, p := range op.Parameters {
					if p.Value.In != "header" && p.Value.Example == nil && len(p.Value.Examples) == 0 {
						t.Errorf("%s: parameter %s has no example", at, p.Value.Name)
					}
				}
			}
		}
	}
}

// TestDocumentsHoldOnlyTheirOwn: what is internal is not told in public.
func TestDocumentsHoldOnlyTheirOwn(t *testing.T) {
	t.Parallel()
	for name, prefixes := range map[string][]string{
		"public":   {"/api/", "/health/", "/sdk/", "/socket.io/"},
		"internal": {"/internal/", "/health/", "/metrics", "/debug/pprof/"},
	} {
		doc := load(t, both()[name])
		for path := range doc.Paths.Map() {
			if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(path, p) }) {
				t.Errorf("%s: %s", name, path)
			}
		}
		plain, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if name == "public" && (strings.Contains(string(plain), "/internal/") || strings.Contains(string(plain), "serviceToken")) {
			t.Error("the public document tells of the internal listener")
		}
	}
}
