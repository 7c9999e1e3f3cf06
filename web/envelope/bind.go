package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

// maxBody bounds the body of every route that has no limit of its own.
const maxBody = 64 << 10

// Validator is a request type that knows its own form.
type Validator interface{ Validate() error }

// Bind reads the JSON body into `into`: the right media type, one value, known
// fields, right types, then its own Validate. Path and query are never mixed in.
func Bind(c echo.Context, into Validator) error { return BindUpTo(c, into, maxBody) }

// BindUpTo is Bind for a route whose body may have so many bytes.
func BindUpTo(c echo.Context, into Validator, limit int64) error {
	r := c.Request()
	if media, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType)); err != nil || media != echo.MIMEApplicationJSON {
		return ErrMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, limit))
	if err != nil {
		return bodyError(err)
	}
	if !utf8.Valid(body) {
		return ErrBody.Detail("reason", "not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return bodyError(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return ErrBody.Detail("reason", "more than one JSON value")
	}
	return into.Validate()
}

// bodyError says what is wrong with a body in words of JSON, not of Go.
func bodyError(err error) error {
	var big *http.MaxBytesError
	var typed *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &big):
		return ErrTooLarge.Detail("limit_bytes", big.Limit)
	case errors.As(err, &typed):
		return ErrBody.Detail("field", typed.Field).Detail("reason", "a JSON "+typed.Value+" does not fit here")
	case errors.As(err, &syntax):
		return ErrBody.Detail("reason", "not JSON").Detail("offset", syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrBody.Detail("reason", "empty or cut off")
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return ErrBody.Detail("field", Clip(strings.Trim(field, `"`), 64)).Detail("reason", "unknown field")
	}
	return ErrBody.Detail("reason", "cannot be read").With(err)
}

// Query reads the query string strictly: known names, given once (lists may
// repeat), in range. The first thing wrong is kept.
type Query struct {
	values url.Values
	most   int   // bytes of a value
	Err    error // the first thing that is wrong
}

// maxValue bounds one parameter, in bytes.
const maxValue = 400

// NoQuery refuses a query string on a route that has no parameters.
func NoQuery(c echo.Context) error {
	if c.Request().URL.RawQuery == "" {
		return nil
	}
	return ReadQuery(c).Err
}

// Bare is a handler of a route that has no parameters.
func Bare(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := NoQuery(c); err != nil {
			return err
		}
		return next(c)
	}
}

// ReadQuery reads the query string of a route that knows these names.
func ReadQuery(c echo.Context, known ...string) *Query {
	return ReadQueryUpTo(c, maxValue, known...)
}

// ReadQueryUpTo is ReadQuery for a route whose parameters may have so many bytes each.
func ReadQueryUpTo(c echo.Context, limit int, known ...string) *Query {
	raw := c.Request().URL.RawQuery
	if raw == "" {
		return &Query{}
	}
	values, err := url.ParseQuery(raw)
	q := &Query{values: values, most: limit}
	if err != nil {
		q.Err = ErrParameter.Detail("reason", "the query string cannot be read")
		return q
	}
	for name, given := range values {
		q.check(name, given, known)
	}
	return q
}

func (q *Query) check(name string, given, known []string) {
	if !slices.Contains(known, name) {
		q.Fail(ErrParameter.Detail("parameter", Clip(name, 64)).Detail("reason", "unknown").Detail("accepted", slices.Clone(known)))
		return
	}
	for _, v := range given {
		if len(v) > q.most || !utf8.ValidString(v) || strings.ContainsFunc(v, isControl) {
			q.Fail(ErrParameter.Detail("parameter", name).Detail("reason", fmt.Sprintf("must be text of at most %d bytes without control characters", q.most)))
		}
	}
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// Fail keeps the first thing that is wrong.
func (q *Query) Fail(err error) {
	if q.Err == nil {
		q.Err = err
	}
}

// Text is a parameter as it is; "" when absent.
func (q *Query) Text(name string) string {
	given := q.values[name]
	if len(given) > 1 {
		q.Fail(ErrParameter.Detail("parameter", name).Detail("reason", "given more than once"))
	}
	if len(given) == 0 {
		return ""
	}
	return given[0]
}

// Number is a whole number in [low, high]; absent is the default.
func (q *Query) Number(name string, absent, low, high int) int {
	text := q.Text(name)
	if text == "" && !q.values.Has(name) {
		return absent
	}
	n, err := strconv.Atoi(text)
	if err == nil && n >= low && n <= high {
		return n
	}
	wrong := ErrRange
	if err != nil {
		wrong = ErrParameter
	}
	q.Fail(wrong.Detail("parameter", name).Detail("accepted", fmt.Sprintf("a whole number from %d to %d", low, high)))
	return absent
}

// OneOf is one of the accepted words; absent is "".
func (q *Query) OneOf(name string, accepted ...string) string {
	text := q.Text(name)
	if q.values.Has(name) && !slices.Contains(accepted, text) {
		q.Fail(ErrRange.Detail("parameter", name).Detail("accepted", slices.Clone(accepted)))
	}
	return text
}

// Yes is a flag: true or false; absent is false.
func (q *Query) Yes(name string) bool {
	return q.OneOf(name, "true", "false", "1", "0") == "true" || q.Text(name) == "1"
}

// List takes repeated and comma-separated values alike, also spelt name[].
func (q *Query) List(name string, most int) []string {
	var out []string
	for _, given := range slices.Concat(q.values[name], q.values[name+"[]"]) {
		for part := range strings.SplitSeq(given, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	if len(out) > most {
		q.Fail(ErrRange.Detail("parameter", name).Detail("accepted", fmt.Sprintf("at most %d values", most)))
	}
	return out
}

// MaxID is the largest id: FACTS' ids are four to five digits; the bound keeps them
// in every integer type on the way.
const MaxID = 1<<31 - 1

// PathID reads a title's id from the path.
func PathID(c echo.Context, name string) (int, error) {
	if strings.Contains(c.Param(name), "/") { // the router lets a last parameter take the rest
		return 0, ErrNoRoute
	}
	return ReadID(name, c.Param(name))
}

// ReadID reads a title's id given as the named parameter.
func ReadID(name, text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > MaxID || text[0] == '+' || text[0] == '0' {
		return 0, ErrParameter.Detail("parameter", name).Detail("accepted", fmt.Sprintf("a whole number from 1 to %d", MaxID))
	}
	return n, nil
}

// Field is a field of a body that must not be empty.
type Field struct{ Name, Value string }

// Required names the first field that is empty.
func Required(fields ...Field) error {
	for _, f := range fields {
		if f.Value == "" {
			return ErrBody.Detail("field", f.Name).Detail("reason", "is required")
		}
	}
	return nil
}
