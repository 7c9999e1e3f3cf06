package userssvc_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/realtime"
	"anihub/modules/users"
	"anihub/modules/users/userssvc"
)

// receiver is a webhook's other end.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []post
	answer func(w http.ResponseWriter, r *http.Request) // nil = 204
}

type post struct {
	header http.Header
	body   []byte
	id     string // of the event
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	var d struct {
		EventID string `json:"event_id"`
	}
	_ = json.Unmarshal(body, &d)
	r.mu.Lock()
	r.got = append(r.got, post{req.Header, body, d.EventID})
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		answer(w, req)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) answers(f func(http.ResponseWriter, *http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

func (r *receiver) posts() []post {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]post{}, r.got...)
}

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func loopback(c *userssvc.Config, _ *userssvc.Deps) {
	c.Webhooks.AllowPrivate, c.Push.AllowPrivate = true, true
}

// hooked is a user with a subscription to title 5 and a webhook.
type hooked struct {
	*house
	news *newsroom
	user string
	hook users.Webhook
	stop func()
}

func hookUp(t *testing.T, open opener, url string, types ...string) *hooked {
	t.Helper()
	n := newNewsroom()
	h := &hooked{house: open(t, n.reading, loopback), news: n}
	h.stop = run(t, h.house)
	h.user = signUp(t, h, "wanderer").User.ID
	if _, err := h.Subscribe(t.Context(), h.user, 5); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.hook, err = h.AddWebhook(t.Context(), h.user, users.NewWebhook{URL: url, Types: types}); err != nil {
		t.Fatal(err)
	}
	return h
}

// becomes waits for the webhook to be as wanted.
func (h *hooked) becomes(t *testing.T, want func(users.Webhook) bool) users.Webhook {
	t.Helper()
	for {
		all, err := h.Webhooks(t.Context(), h.user)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 1 && want(all[0]) {
			return all[0]
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func delivered(n int64) func(users.Webhook) bool {
	return func(w users.Webhook) bool { return w.Delivered == n }
}

func failures(n int) func(users.Webhook) bool {
	return func(w users.Webhook) bool { return w.Failures == n }
}

// skip makes a webhook's next attempt due.
func (h *hooked) skip(t *testing.T) {
	t.Helper()
	raw := h.store.raw(t, "webhooks")
	var doc map[string]any
	version, err := raw.Get(t.Context(), h.hook.ID, &doc)
	if err != nil {
		t.Fatal(err)
	}
	doc["next_at"] = time.Now().Add(-time.Second)
	if err := raw.Replace(t.Context(), h.hook.ID, version, doc); err != nil {
		t.Fatal(err)
	}
	h.news.publish(t, episode(900, float64(version))) // somebody else's news wake the worker
}

// TestWebhookDelivers in order, signed as Standard Webhooks has it, what its user
// subscribed to and nothing else.
func TestWebhookDelivers(t *testing.T) {
	t.Parallel()
	onBoth(t, webhookDelivers)
}

func webhookDelivers(t *testing.T, open opener) {
	r := receive(t)
	h := hookUp(t, open, r.URL+"/hook?x=1", realtime.NewEpisode)
	h.news.publish(t, episode(5, 1), episode(6, 1),
		realtime.Event{Type: realtime.StatusChange, TitleID: 5, Data: map[string]any{"new_status": "completed"}}, episode(5, 2))
	h.news.publish(t, episode(5, 3))
	h.becomes(t, delivered(3))
	var got []string
	for _, p := range r.posts() {
		got = append(got, p.id)
		verify(t, h.hook.Secret, p)
	}
	if diff := cmp.Diff([]string{"new_episode:5:1", "new_episode:5:2", "new_episode:5:3"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	var body struct {
		Type      string
		Timestamp time.Time
		EventID   string `json:"event_id"`
		Position  string
		Data      struct {
			TitleID int `json:"title_id"`
			Episode float64
			Title   string
		}
	}
	if err := json.Unmarshal(r.posts()[0].body, &body); err != nil {
		t.Fatal(err)
	}
	if body.Type != realtime.NewEpisode || body.Timestamp.IsZero() || body.Position == "" || body.Data.TitleID != 5 || body.Data.Episode != 1 || body.Data.Title != "Фонарщик" {
		t.Errorf("body %s", r.posts()[0].body)
	}
}

// verify is what a receiver does, written from the specification.
func verify(t *testing.T, secret string, p post) {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) < 24 || len(key) > 64 {
		t.Fatalf("secret %q: %v", secret, err)
	}
	id, at := p.header.Get("webhook-id"), p.header.Get("webhook-timestamp")
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "." + string(p.body)))
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); p.header.Get("webhook-signature") != want {
		t.Errorf("signature %q, want %q", p.header.Get("webhook-signature"), want)
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if off := time.Since(time.Unix(seconds, 0)); err != nil || off > time.Hour || off < -time.Hour {
		t.Errorf("timestamp %q", at)
	}
	if id == "" || strings.Contains(id, ".") || p.header.Get("Content-Type") != "application/json" {
		t.Errorf("header %v", p.header)
	}
}

// TestWebhookRetries waits longer after each failure, a day in all; then the webhook is
// disabled and its owner told. Nothing that an answer points to is asked.
func TestWebhookRetries(t *testing.T) {
	t.Parallel()
	onBoth(t, webhookRetries)
}

func webhookRetries(t *testing.T, open opener) {
	elsewhere, r := receive(t), receive(t)
	h := hookUp(t, open, r.URL)
	answers := []func(http.ResponseWriter, *http.Request){
		status(http.StatusInternalServerError), status(http.StatusNotFound), status(http.StatusTooManyRequests),
		func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, elsewhere.URL, http.StatusTemporaryRedirect)
		},
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	steps := userssvc.Retries()
	total := time.Duration(0)
	for _, d := range steps {
		total += d
	}
	if total < 20*time.Hour || total > 24*time.Hour {
		t.Errorf("retried for %s", total)
	}
	r.answers(answers[0])
	h.news.publish(t, episode(5, 1), episode(5, 2))
	for i, d := range steps {
		w := h.becomes(t, failures(i+1))
		if in := time.Until(w.NextAt); in > d+d/10 || in < d-d/10-time.Minute || w.Disabled {
			t.Errorf("after %d failures: again in %s, want %s", i+1, in, d)
		}
		r.answers(answers[(i+1)%len(answers)])
		h.skip(t)
	}
	h.becomes(t, func(w users.Webhook) bool { return w.Disabled })
	p := unread(t, h, h.user, 3)
	if got := p.Items[0]; got.Type != users.NoticeChannel || got.Reason != users.NoticeWebhookDisabled {
		t.Errorf("notice %+v", got)
	}
	tried := len(r.posts())
	if tried != len(steps)+1 || len(elsewhere.posts()) != 0 {
		t.Errorf("%d attempts, %d elsewhere; want %d and none", tried, len(elsewhere.posts()), len(steps)+1)
	}
	for _, p := range r.posts() {
		if p.id != "new_episode:5:1" || p.header.Get("webhook-id") != r.posts()[0].header.Get("webhook-id") {
			t.Errorf("attempt at %s under %s", p.id, p.header.Get("webhook-id"))
		}
	}
	r.answers(nil)
	w, err := h.ReplayWebhook(t.Context(), h.user, h.hook.ID, p.Items[2].Position)
	if err != nil || w.Disabled || w.Failures != 0 {
		t.Errorf("replayed: %+v, %v", w, err)
	}
	h.becomes(t, delivered(1))
	if last := r.posts()[tried:]; len(last) != 1 || last[0].id != "new_episode:5:2" {
		t.Errorf("replay sent %v", last)
	}
}

// TestWebhookRecovers: a failure that passes costs nothing but time.
func TestWebhookRecovers(t *testing.T) {
	t.Parallel()
	onBoth(t, webhookRecovers)
}

func webhookRecovers(t *testing.T, open opener) {
	r := receive(t)
	h := hookUp(t, open, r.URL)
	r.answers(status(http.StatusServiceUnavailable))
	h.news.publish(t, episode(5, 1))
	h.becomes(t, failures(1))
	h.news.publish(t, episode(5, 2)) // does not overtake the first
	r.answers(nil)
	h.skip(t)
	if w := h.becomes(t, delivered(2)); w.Failures != 0 || !w.NextAt.IsZero() {
		t.Errorf("webhook %+v", w)
	}
}

func TestWebhookGone(t *testing.T) {
	t.Parallel()
	onBoth(t, webhookGone)
}

func webhookGone(t *testing.T, open opener) {
	r := receive(t)
	h := hookUp(t, open, r.URL)
	r.answers(status(http.StatusGone))
	h.news.publish(t, episode(5, 1), episode(5, 2))
	p := unread(t, h, h.user, 3)
	if got := p.Items[0]; got.Reason != users.NoticeWebhookGone || len(r.posts()) != 1 {
		t.Errorf("notice %+v after %d posts", got, len(r.posts()))
	}
	for {
		if all, err := h.Webhooks(t.Context(), h.user); err != nil || len(all) == 0 {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// TestWebhookSleeps in its owner's quiet hours and for titles that are told elsewhere;
// behind the quiet hours it tells of everything.
func TestWebhookSleeps(t *testing.T) {
	t.Parallel()
	onBoth(t, webhookSleeps)
}

func webhookSleeps(t *testing.T, open opener) {
	r := receive(t)
	h := hookUp(t, open, r.URL)
	from := time.Now().UTC().Add(-2 * time.Hour)
	quiet := users.QuietHours{From: from.Format("15:04"), To: from.Add(4 * time.Hour).Format("15:04"), TimeZone: "UTC"}
	set := func(q users.QuietHours) {
		t.Helper()
		if _, err := h.UpdateProfile(t.Context(), h.user, users.Profile{Quiet: &q}); err != nil {
			t.Fatal(err)
		}
	}
	set(quiet)
	if _, err := h.Subscribe(t.Context(), h.user, 6); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Prefer(t.Context(), h.user, 6, users.Preference{Channels: []string{users.ChannelFeed}}); err != nil {
		t.Fatal(err)
	}
	// A second user without quiet hours shows when the worker has looked.
	other := signUp(t, h, "stranger").User.ID
	if _, err := h.Subscribe(t.Context(), other, 5); err != nil {
		t.Fatal(err)
	}
	awake := receive(t)
	if _, err := h.AddWebhook(t.Context(), other, users.NewWebhook{URL: awake.URL}); err != nil {
		t.Fatal(err)
	}
	h.news.publish(t, episode(5, 1), episode(6, 1), episode(5, 2))
	for len(awake.posts()) < 2 {
		time.Sleep(2 * time.Millisecond)
	}
	unread(t, h, h.user, 3) // the inbox is complete
	if n := len(r.posts()); n != 0 {
		t.Errorf("%d posts at night", n)
	}
	set(users.QuietHours{})
	h.news.publish(t, episode(5, 3))
	h.becomes(t, delivered(3))
	var got []string
	for _, p := range r.posts() {
		got = append(got, p.id)
	}
	if diff := cmp.Diff([]string{"new_episode:5:1", "new_episode:5:2", "new_episode:5:3"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
