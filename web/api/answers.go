package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/ristretto/v2"
	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
	"anihub/platform/fault"
	"anihub/web/envelope"
)

// encoded is an answer as it goes over the wire, in both codings. It is shared
// between requests and never changed.
type encoded struct {
	version  string // of the door's answer it was made from
	storedAt time.Time
	identity body
	gzip     body // empty when not worth it
	etag     string
	header   []field // what is the same for every reader
	title    int     // that it is about; 0 = none

	holds atomic.Pointer[func() (position string, ok bool)] // of the door's newest answer; nil = the door is to be asked
}

// current tells whether this is still the answer, without asking the door.
func (e *encoded) current() (position string, ok bool) {
	if holds := e.holds.Load(); holds != nil {
		return (*holds)()
	}
	return "", false
}

// body is the bytes of an answer in one coding, with the headers that tell of them.
type body struct {
	bytes          []byte
	coding, length []string
}

func newBody(b []byte, coding ...string) body {
	return body{b, coding, []string{strconv.Itoa(len(b))}}
}

// field is a response header under its canonical name. It goes into a header as it
// is: Header.Set would look at the name again and allocate.
type field struct {
	name   string
	values []string
}

// answers keeps encoded answers, so that a hot GET copies bytes and encodes
// nothing. It is only ever right: the door is asked whether the kept version still
// is the answer.
type answers struct {
	kept *ristretto.Cache[string, *encoded]
}

// defaultAnswerBytes holds some 3,000 titles of 13 KB in both codings.
const defaultAnswerBytes = 64 << 20

func newAnswers(size int64) (*answers, error) {
	if size <= 0 {
		size = defaultAnswerBytes
	}
	c, err := ristretto.NewCache(&ristretto.Config[string, *encoded]{
		NumCounters: size / 1024 * 10, MaxCost: size, BufferItems: 64, IgnoreInternalCost: true,
	})
	if err != nil {
		return nil, err
	}
	return &answers{kept: c}, nil
}

func (a *answers) get(key string) *encoded {
	e, _ := a.kept.Get(key)
	return e
}

func (a *answers) put(key string, e *encoded) {
	a.kept.Set(key, e, int64(len(e.identity.bytes)+len(e.gzip.bytes)+len(key)+512))
}

func (a *answers) close() { a.kept.Close() }

// reading is one question to the catalogue and how its answer looks in JSON.
type reading[T any] struct {
	ask   func(have string) (catalog.Answer[T], error)
	shape func(T) answerJSON                           // without Success and Meta
	draw  func(T, catalog.Freshness) (document, error) // in place of shape, for what is no JSON of ours
	about func(T) int                                  // the title that it is about; nil = none
}

// document is a body before it is encoded.
type document struct {
	mime  string
	vary  string // what it depends on besides the address
	bytes []byte
}

// variesAlways is what every answer depends on.
const variesAlways = "Accept-Encoding, Origin"

// render makes the body of an answer.
func (r reading[T]) render(v T, f catalog.Freshness) (document, error) {
	if r.draw != nil {
		return r.draw(v, f)
	}
	plain, err := json.Marshal(shaped(r.shape(v), f))
	if err != nil {
		return document{}, fault.ErrInternal.With(err)
	}
	return document{echo.MIMEApplicationJSON, variesAlways, plain}, nil
}

// answer asks and sends. The key is the identity of the question; with "" the answer
// is not kept. It is no part of the reading, which so stays on the stack.
func answer[T any](a *API, c echo.Context, key string, r reading[T]) error {
	var kept *encoded
	have := ""
	if key != "" {
		kept = a.answers.get(key)
	}
	if kept != nil {
		if position, ok := kept.current(); ok {
			return a.reply(c, kept, position)
		}
		have = kept.version
	}
	got, err := r.ask(have)
	if err != nil {
		return err
	}
	if kept == nil || !got.Unchanged {
		doc, err := r.render(got.Value, got.Freshness)
		if err != nil {
			return err
		}
		if kept, err = encode(doc, got.Version, got.Freshness); err != nil {
			return err
		}
		if r.about != nil {
			kept.title = r.about(got.Value)
		}
		if key != "" && got.Version != "" {
			a.answers.put(key, kept)
		}
	}
	if holds := got.Holds; holds != nil {
		kept.holds.Store(&holds)
	}
	return a.reply(c, kept, got.Position)
}

// reply sends, with what is known of the moment.
func (a *API) reply(c echo.Context, e *encoded, position string) error {
	if e.title != 0 {
		n := a.waiting.header(e.title)
		if n == nil && c.Request().Header.Get("If-None-Match") != "" {
			n = []string{"0"} // a 304 without it would leave the reader the number of before
		}
		if n != nil {
			c.Response().Header()["X-Subscribers"] = n
		}
	}
	return send(c, e, position)
}

// shaped completes the envelope of an answer.
func shaped(body answerJSON, f catalog.Freshness) answerJSON {
	missing := body.Meta
	body.Success, body.Meta = true, meta(f)
	if missing != nil {
		body.Meta.Missing, body.Meta.Unavailable = missing.Missing, missing.Unavailable
	}
	return body
}

func encode(doc document, version string, f catalog.Freshness) (*encoded, error) {
	plain := doc.bytes
	sum := sha256.Sum256(plain)
	e := &encoded{version: version, storedAt: f.StoredAt, identity: newBody(plain), etag: `W/"` + hex.EncodeToString(sum[:12]) + `"`}
	e.header = []field{
		{echo.HeaderContentType, []string{doc.mime}},
		{"Cache-Status", []string{cacheStatus(f)}},
		{"Cache-Control", []string{"public, no-cache"}},
		{"Etag", []string{e.etag}},
		{echo.HeaderVary, []string{doc.vary}},
	}
	if len(plain) < envelope.WorthGzip {
		return e, nil
	}
	packed, err := envelope.Gzip(plain)
	e.gzip = newBody(packed, "gzip")
	return e, err
}

// cacheStatus is RFC 9211: what AniHub did for this answer. A stale hit is named in
// the detail, because a ttl would change from second to second.
func cacheStatus(f catalog.Freshness) string {
	switch {
	case f.Level == "origin":
		return "AniHub; fwd=miss; stored"
	case f.Stale:
		return "AniHub; hit; detail=" + strconv.Quote(f.Level+" stale "+f.Reason)
	default:
		return "AniHub; hit; detail=" + f.Level
	}
}

// send writes an encoded answer, or 304 when the reader has it.
func send(c echo.Context, e *encoded, position string) error {
	w, r := c.Response(), c.Request()
	h := w.Header()
	for _, f := range e.header {
		h[f.name] = f.values
	}
	moving := []string{position, ""} // one allocation for both
	if position != "" {
		h["X-Stream-Position"] = moving[:1:1]
	}
	if !e.storedAt.IsZero() {
		moving[1] = strconv.Itoa(max(0, int(time.Since(e.storedAt).Seconds())))
		h["Age"] = moving[1:]
	}
	if envelope.Matches(r.Header["If-None-Match"], e.etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	out := e.identity
	if e.gzip.bytes != nil && envelope.Accepts(r.Header["Accept-Encoding"], "gzip") {
		out = e.gzip
		h["Content-Encoding"] = out.coding
	}
	h["Content-Length"] = out.length
	w.WriteHeader(http.StatusOK)
	if len(out.bytes) >= corkFrom {
		if release, ok := cork(r.Context()); ok {
			defer release()
			defer w.Flush()
		}
	}
	_, _ = w.Write(out.bytes) // a reader who is gone cannot be told
	return nil
}
