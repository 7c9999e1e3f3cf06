package userssvc_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"anihub/modules/realtime"
	"anihub/modules/users"
	"anihub/modules/users/userssvc"
)

// browser is the other end of a push subscription: a push service on this machine, and
// the keys of whom it is for.
type browser struct {
	*receiver
	private *ecdh.PrivateKey
	auth    []byte
}

func openBrowser(t *testing.T) *browser {
	t.Helper()
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{receive(t), private, make([]byte, 16)}
	_, _ = rand.Read(b.auth)
	b.answers(status(http.StatusCreated))
	return b
}

// subscription is what the browser tells AniHub, in a session.
func (b *browser) subscription(s users.Session) users.NewPush {
	return users.NewPush{
		UserID: s.User.ID, SessionID: s.ID, Endpoint: b.URL + "/send/x",
		P256DH: base64.RawURLEncoding.EncodeToString(b.private.PublicKey().Bytes()),
		Auth:   base64.RawURLEncoding.EncodeToString(b.auth),
	}
}

// told is the message of a push as the browser's owner reads it.
type told struct {
	Type    string   `json:"type"`
	EventID string   `json:"event_id"`
	TitleID int      `json:"title_id"`
	Title   string   `json:"title"`
	Episode *float64 `json:"episode"`
}

// opened reads the messages that came, as RFC 8188 and RFC 8291 have the receiver do.
func (b *browser) opened(t *testing.T) []told {
	t.Helper()
	var out []told
	for _, p := range b.posts() {
		var m told
		if err := json.Unmarshal(unseal(t, p.body, b.private, b.auth), &m); err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

func (b *browser) events(t *testing.T) []string {
	t.Helper()
	out := []string{}
	for _, m := range b.opened(t) {
		out = append(out, m.EventID)
	}
	return out
}

func unseal(t *testing.T, body []byte, private *ecdh.PrivateKey, auth []byte) []byte {
	t.Helper()
	must := func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if len(body) < 86 || len(body) > 4096 || binary.BigEndian.Uint32(body[16:20]) < 18 || body[20] != 65 {
		t.Fatalf("%d bytes, head %x", len(body), body[:min(21, len(body))])
	}
	salt, from, sealed := body[:16], body[21:86], body[86:]
	peer, err := ecdh.P256().NewPublicKey(from)
	if err != nil {
		t.Fatal(err)
	}
	shared := must(private.ECDH(peer))
	info := "WebPush: info\x00" + string(private.PublicKey().Bytes()) + string(from)
	ikm := must(hkdf.Key(sha256.New, shared, auth, info, 32))
	prk := must(hkdf.Extract(sha256.New, ikm, salt))
	block, err := aes.NewCipher(must(hkdf.Expand(sha256.New, prk, "Content-Encoding: aes128gcm\x00", 16)))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	plain := must(gcm.Open(nil, must(hkdf.Expand(sha256.New, prk, "Content-Encoding: nonce\x00", 12)), sealed, nil))
	plain = bytes.TrimRight(plain, "\x00")
	if len(plain) == 0 || plain[len(plain)-1] != 2 {
		t.Fatal("this is not the last record")
	}
	return plain[:len(plain)-1]
}

func decoded(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSealedAsTheStandardHasIt is the example of RFC 8291 §5 and Appendix A.
func TestSealedAsTheStandardHasIt(t *testing.T) {
	t.Parallel()
	const plain = "When I grow up, I want to be a watermelon"
	const want = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
	receiver, err1 := ecdh.P256().NewPrivateKey(decoded(t, "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"))
	sender, err2 := ecdh.P256().NewPrivateKey(decoded(t, "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	auth := decoded(t, "BTBZMqHH6r4Tts7J_aSIgg")
	got, err := userssvc.Seal([]byte(plain), receiver.PublicKey(), auth, sender, decoded(t, "DGv6ra1nlYgDCS1FRnbzlw"))
	if err != nil || base64.RawURLEncoding.EncodeToString(got) != want {
		t.Errorf("%v\n got %s\nwant %s", err, base64.RawURLEncoding.EncodeToString(got), want)
	}
	if again := unseal(t, decoded(t, want), receiver, auth); string(again) != plain {
		t.Errorf("this test's own receiver reads %q", again)
	}
	if _, err := userssvc.Seal(make([]byte, 4000), receiver.PublicKey(), auth, sender, make([]byte, 16)); err == nil {
		t.Error("a message that no push service takes is sealed")
	}
}

// device is a user with a subscription to title 5 and a browser that is told.
type device struct {
	*house
	browser *browser
	news    *newsroom
	session users.Session
	stop    func()
}

func pushTo(t *testing.T, open opener, change ...func(*userssvc.Config, *userssvc.Deps)) *device {
	t.Helper()
	n := newNewsroom()
	d := &device{house: open(t, append([]func(*userssvc.Config, *userssvc.Deps){n.reading, loopback}, change...)...), news: n, browser: openBrowser(t)}
	d.stop = run(t, d.house)
	d.session = signUp(t, d, "wanderer")
	if _, err := d.Subscribe(t.Context(), d.session.User.ID, 5); err != nil {
		t.Fatal(err)
	}
	d.add(t, d.browser.subscription(d.session))
	return d
}

func (d *device) add(t *testing.T, p users.NewPush) {
	t.Helper()
	if _, err := d.AddPush(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

// becomes waits for the only endpoint to be as wanted.
func (d *device) becomes(t *testing.T, want func(users.PushEndpoint) bool) {
	t.Helper()
	for {
		all, err := d.PushEndpoints(t.Context(), d.session.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 1 && want(all[0]) {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// leaves waits for the endpoint to be gone.
func (d *device) leaves(t *testing.T) {
	t.Helper()
	for {
		all, err := d.PushEndpoints(t.Context(), d.session.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func took(n int64) func(users.PushEndpoint) bool {
	return func(p users.PushEndpoint) bool { return p.Delivered == n }
}

// id is that of the endpoint in the store.
func (d *device) id() string {
	sum := sha256.Sum256([]byte(d.browser.URL + "/send/x"))
	return hex.EncodeToString(sum[:])
}

// edit changes the stored endpoint, as time or another process would.
func (d *device) edit(t *testing.T, change func(map[string]any)) {
	t.Helper()
	raw := d.store.raw(t, "pushes")
	for {
		doc := map[string]any{}
		version, err := raw.Get(t.Context(), d.id(), &doc)
		if err != nil {
			t.Fatal(err)
		}
		change(doc)
		if raw.Replace(t.Context(), d.id(), version, doc) == nil {
			return
		}
	}
}

// due makes the next attempt due and wakes the worker.
func (d *device) due(t *testing.T, n int) {
	t.Helper()
	d.edit(t, func(doc map[string]any) { doc["next_at"] = time.Now().Add(-time.Second) })
	d.news.publish(t, episode(900, float64(n)))
}

func TestPushDelivers(t *testing.T) {
	t.Parallel()
	onBoth(t, pushDelivers)
}

// pushDelivers in order, sealed for the browser, in the name of the installation, what
// its user subscribed to and nothing else.
func pushDelivers(t *testing.T, open opener) {
	d := pushTo(t, open, func(c *userssvc.Config, _ *userssvc.Deps) { c.Push.Contact = "mailto:ops@example.org" })
	d.news.publish(t, episode(5, 1), episode(6, 1), realtime.Event{Type: realtime.EpisodeUpdate, TitleID: 5, Episode: 1},
		realtime.Event{Type: realtime.StatusChange, TitleID: 5, Data: map[string]any{"new_status": "completed"}}, episode(5, 2))
	d.becomes(t, took(3))
	messages := d.browser.opened(t)
	if len(messages) != 3 {
		t.Fatalf("%+v", messages)
	}
	if m := messages[0]; m.EventID != "new_episode:5:1" || m.Title != "Фонарщик" || m.TitleID != 5 || m.Episode == nil || *m.Episode != 1 {
		t.Errorf("message %+v", m)
	}
	if messages[1].Type != realtime.StatusChange || messages[2].EventID != "new_episode:5:2" {
		t.Errorf("messages %+v", messages)
	}
	key, err := d.PushKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	urgencies, topics := []string{}, map[string]bool{}
	for _, p := range d.browser.posts() {
		vouched(t, p.header.Get("Authorization"), key, d.browser.URL)
		urgencies = append(urgencies, p.header.Get("Urgency"))
		topics[p.header.Get("Topic")] = true
		if p.header.Get("Content-Encoding") != "aes128gcm" || p.header.Get("TTL") != "259200" || len(p.body) != len(d.browser.posts()[0].body) {
			t.Errorf("header %v, %d bytes", p.header, len(p.body))
		}
	}
	if diff := cmp.Diff([]string{"normal", "low", "normal"}, urgencies); diff != "" || len(topics) != 1 {
		t.Errorf("topics %v, urgencies %s", topics, diff)
	}
	for topic := range topics {
		if raw, err := base64.RawURLEncoding.DecodeString(topic); err != nil || len(topic) > 32 || len(raw) != 24 {
			t.Errorf("topic %q: %v", topic, err)
		}
	}
}

// vouched is what a push service checks (RFC 8292 §4).
func vouched(t *testing.T, header, key, audience string) {
	t.Helper()
	var token, k string
	for _, part := range strings.Split(strings.TrimPrefix(header, "vapid "), ", ") {
		if v, ok := strings.CutPrefix(part, "t="); ok {
			token = v
		} else if v, ok := strings.CutPrefix(part, "k="); ok {
			k = v
		}
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), decoded(t, k))
	if err != nil || k != key {
		t.Fatalf("key %q, want %q: %v", k, key, err)
	}
	claims := jwt.MapClaims{}
	_, err = jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return public, nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithAudience(audience), jwt.WithExpirationRequired())
	if err != nil || claims["sub"] != "mailto:ops@example.org" {
		t.Errorf("token %v: %v", claims, err)
	}
	if exp, err := claims.GetExpirationTime(); err != nil || time.Until(exp.Time) > 24*time.Hour {
		t.Errorf("expires %v: %v", exp, err)
	}
}

// TestPushGone: a push service that does not know the endpoint any more ends it.
func TestPushGone(t *testing.T) {
	t.Parallel()
	for _, code := range []int{http.StatusNotFound, http.StatusGone} {
		d := pushTo(t, open)
		d.browser.answers(status(code))
		d.news.publish(t, episode(5, 1), episode(5, 2))
		d.leaves(t)
		if n := len(d.browser.posts()); n != 1 {
			t.Errorf("%d: %d posts", code, n)
		}
	}
}

// TestPushRefused: what is refused again and again ends, for that is nobody's mistake of
// a moment; what a push service puts off is put off.
func TestPushRefused(t *testing.T) {
	t.Parallel()
	d := pushTo(t, open)
	d.browser.answers(status(http.StatusForbidden))
	d.news.publish(t, episode(5, 1))
	for i := range 5 {
		d.becomes(t, func(p users.PushEndpoint) bool { return p.Failures == i+1 })
		d.due(t, i)
	}
	d.leaves(t)
	if n := len(d.browser.posts()); n != 6 {
		t.Errorf("%d posts", n)
	}
}

func TestPushIsPutOff(t *testing.T) {
	t.Parallel()
	d := pushTo(t, open)
	d.browser.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	d.news.publish(t, episode(5, 1))
	d.becomes(t, func(p users.PushEndpoint) bool { return p.Failures == 1 })
	var doc struct {
		NextAt time.Time `bson:"next_at"`
	}
	if _, err := d.store.raw(t, "pushes").Get(t.Context(), d.id(), &doc); err != nil {
		t.Fatal(err)
	}
	if in := time.Until(doc.NextAt); in < time.Hour || in > 2*time.Hour {
		t.Errorf("again in %s", in)
	}
	d.browser.answers(status(http.StatusCreated))
	d.due(t, 1)
	d.becomes(t, func(p users.PushEndpoint) bool { return p.Delivered == 1 && p.Failures == 0 })
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 9, 26, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "-5": 0, "soon": 0, "1.5": 0, "90": 90 * time.Second, "99999999": 24 * time.Hour, "999999999999999999999": 0,
		"Sat, 26 Sep 2026 13:00:00 GMT": time.Hour, "Sat, 26 Sep 2026 11:00:00 GMT": 0, "Sat, 26 Sep 2099 11:00:00 GMT": 24 * time.Hour,
	} {
		if got := userssvc.RetryAfter(http.Header{"Retry-After": {text}}, at); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestPushAfterACrash(t *testing.T) {
	t.Parallel()
	onBoth(t, pushAfterACrash)
}

// pushAfterACrash: a process that dies between the push service's answer and its own
// note of it leaves an event that is sent again, so that it takes the place of itself,
// and is counted once.
func pushAfterACrash(t *testing.T, open opener) {
	d := pushTo(t, open)
	d.browser.answers(func(w http.ResponseWriter, _ *http.Request) {
		d.store.down.Store(true)
		w.WriteHeader(http.StatusCreated)
	})
	d.news.publish(t, episode(5, 1))
	for len(d.browser.posts()) == 0 {
		time.Sleep(2 * time.Millisecond)
	}
	d.stop()
	d.browser.answers(status(http.StatusCreated))
	d.store.down.Store(false)
	d.edit(t, func(doc map[string]any) { doc["claimed_until"] = time.Now() }) // as after a minute
	run(t, openOn(t, d.store, d.news.reading, loopback))
	d.news.publish(t, episode(5, 2))
	d.becomes(t, took(2))
	if diff := cmp.Diff([]string{"new_episode:5:1", "new_episode:5:1", "new_episode:5:2"}, d.browser.events(t)); diff != "" {
		t.Error(diff)
	}
	if p := d.browser.posts(); p[0].header.Get("Topic") != p[1].header.Get("Topic") {
		t.Error("the second does not take the place of the first")
	}
}

func TestPushOfTwoProcesses(t *testing.T) {
	t.Parallel()
	onBoth(t, pushOfTwoProcesses)
}

// pushOfTwoProcesses that no lease parts, with events that are published twice: each
// goes out once.
func pushOfTwoProcesses(t *testing.T, open opener) {
	d := pushTo(t, open)
	run(t, openOn(t, d.store, d.news.reading, loopback))
	const events = 30
	want := []string{}
	for i := range events {
		d.news.publish(t, episode(5, float64(i)))
		d.news.publish(t, episode(5, float64(i)))
		want = append(want, fmt.Sprintf("new_episode:5:%d", i))
	}
	d.becomes(t, took(events))
	if diff := cmp.Diff(want, d.browser.events(t)); diff != "" {
		t.Error(diff)
	}
}

// TestPushFollowsTheBrowser to whoever is signed in there: nothing of the one goes to
// the other.
func TestPushFollowsTheBrowser(t *testing.T) {
	t.Parallel()
	d := pushTo(t, open)
	d.news.publish(t, episode(5, 1))
	d.becomes(t, took(1))
	other := signUp(t, d, "stranger")
	if _, err := d.Subscribe(t.Context(), other.User.ID, 6); err != nil {
		t.Fatal(err)
	}
	d.add(t, d.browser.subscription(other))
	d.leaves(t)
	d.news.publish(t, episode(5, 2), episode(6, 1))
	for len(d.browser.posts()) < 2 {
		time.Sleep(2 * time.Millisecond)
	}
	if diff := cmp.Diff([]string{"new_episode:5:1", "new_episode:6:1"}, d.browser.events(t)); diff != "" {
		t.Error(diff)
	}
	d.session = other
	d.becomes(t, took(1)) // the first one's is not counted
}

// TestPushOfASessionThatEnded: from the moment it is marked, though what follows from
// its end was not done.
func TestPushOfASessionThatEnded(t *testing.T) {
	t.Parallel()
	d := pushTo(t, open)
	d.log.kill(true) // nothing can be announced, so nothing is finished
	if err := d.Logout(t.Context(), d.session.User.ID, d.session.ID); err != nil {
		t.Fatal(err)
	}
	d.news.publish(t, episode(5, 1))
	d.leaves(t)
	if n := len(d.browser.posts()); n != 0 {
		t.Errorf("%d posts to a device that was signed out", n)
	}
}

// TestPushPreferences: other channels, the least quality, quiet hours.
func TestPushPreferences(t *testing.T) {
	t.Parallel()
	d := pushTo(t, open)
	user := d.session.User.ID
	if _, err := d.Subscribe(t.Context(), user, 6); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Prefer(t.Context(), user, 6, users.Preference{Channels: []string{users.ChannelWebhook}}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Prefer(t.Context(), user, 5, users.Preference{Quality: "720p"}); err != nil {
		t.Fatal(err)
	}
	d.news.publish(t, episode(6, 1), realtime.Event{Type: realtime.EpisodeUpdate, TitleID: 5, Episode: 1}, episode(5, 2))
	d.becomes(t, took(2))
	got := d.browser.opened(t)
	if got[0].Type != realtime.EpisodeUpdate || got[1].EventID != "new_episode:5:2" {
		t.Errorf("%+v", got)
	}
	from := time.Now().UTC().Add(-2 * time.Hour)
	quiet := users.QuietHours{From: from.Format("15:04"), To: from.Add(4 * time.Hour).Format("15:04"), TimeZone: "UTC"}
	if _, err := d.UpdateProfile(t.Context(), user, users.Profile{Quiet: &quiet}); err != nil {
		t.Fatal(err)
	}
	awake, other := openBrowser(t), signUp(t, d, "stranger") // shows that the worker has looked
	if _, err := d.Subscribe(t.Context(), other.User.ID, 5); err != nil {
		t.Fatal(err)
	}
	d.add(t, awake.subscription(other))
	d.news.publish(t, episode(5, 3))
	for len(awake.posts()) == 0 {
		time.Sleep(2 * time.Millisecond)
	}
	if n := len(d.browser.posts()); n != 2 {
		t.Errorf("%d posts at night", n)
	}
}

func TestQuietIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 9, 26, 12, 0, 0, 0, time.UTC)
	if !userssvc.Idle(time.Time{}, at) || !userssvc.Idle(at.Add(time.Minute), at) || userssvc.Idle(at, at) {
		t.Error("what was quiet is not looked at again in time")
	}
}

func TestPushKeyOfAFleet(t *testing.T) {
	t.Parallel()
	onBoth(t, pushKeyOfAFleet)
}

// pushKeyOfAFleet: processes that start at once agree, and so do those that come later.
func pushKeyOfAFleet(t *testing.T, open opener) {
	first := open(t)
	keys := make([]string, 8)
	var all sync.WaitGroup
	for i := range keys {
		h := openOn(t, first.store)
		all.Go(func() {
			var err error
			if keys[i], err = h.PushKey(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	later, err := openOn(t, first.store).PushKey(t.Context())
	if slices.Sort(keys); err != nil || len(slices.Compact(keys)) != 1 || keys[0] != later || later == "" {
		t.Errorf("%q, later %q, %v", slices.Compact(keys), later, err)
	}
}

// TestThePrivateKeyStaysInside: no log, message or answer has it, in any spelling.
func TestThePrivateKeyStaysInside(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := pushTo(t, open, func(_ *userssvc.Config, deps *userssvc.Deps) {
		deps.Log = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	d.browser.answers(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	d.news.publish(t, episode(5, 1))
	d.becomes(t, func(p users.PushEndpoint) bool { return p.Failures == 1 })
	public, err := d.PushKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.stop()
	var kept struct {
		Private []byte `bson:"private"`
	}
	if _, err := d.store.raw(t, "push_keys").Get(t.Context(), "vapid", &kept); err != nil || len(kept.Private) != 32 {
		t.Fatal(err)
	}
	said := out.String() + public
	for _, p := range d.browser.posts() {
		said += fmt.Sprint(p.header) + string(p.body)
	}
	if !strings.Contains(out.String(), "did not take an event") {
		t.Fatalf("the log says nothing of deliveries: %s", out.String())
	}
	for _, spelling := range []string{
		string(kept.Private), hex.EncodeToString(kept.Private), fmt.Sprintf("%d", kept.Private),
		base64.RawStdEncoding.EncodeToString(kept.Private), base64.RawURLEncoding.EncodeToString(kept.Private),
	} {
		if strings.Contains(said, spelling) {
			t.Errorf("found %q", spelling)
		}
	}
	if strings.Contains(out.String(), "/send/x") {
		t.Errorf("the log has the endpoint, which is a secret of its user: %s", out.String())
	}
}

func TestContactOfPush(t *testing.T) {
	t.Parallel()
	for contact, ok := range map[string]bool{
		"": true, "mailto:ops@example.org": true, "https://example.org/about": true,
		"ops@example.org": false, "mailto:ops": false, "http://example.org/": false, "https://": false, "https:example.org": false, "%zz": false,
	} {
		c := userssvc.DefaultConfig()
		c.Push.Contact = contact
		if err := c.Validate(); (err == nil) != ok || err != nil && !strings.HasPrefix(err.Error(), "push.contact: ") {
			t.Errorf("%q: %v", contact, err)
		}
	}
}
