package userssvc

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"anihub/modules/realtime"
)

// pushed is what the page's service worker is told (web/app/public/sw.js). Only the
// browser can read it.
type pushed struct {
	Type      string    `json:"type"`
	EventID   string    `json:"event_id"`
	Position  string    `json:"position"`
	TitleID   int       `json:"title_id"`
	Title     string    `json:"title,omitempty"`
	Episode   *float64  `json:"episode,omitempty"`
	NewStatus string    `json:"new_status,omitempty"`
	Poster    string    `json:"poster,omitempty"`
	At        time.Time `json:"at"`
}

const (
	// pushTTL is how long a push service keeps a message for a device that is off. Who
	// is away for longer finds the news in the inbox.
	pushTTL = 3 * 24 * time.Hour
	// pushTitle and pushPoster bound what upstream wrote, in bytes: a message must fit
	// into 4096 (RFC 8291 §4), sealed.
	pushTitle  = 400
	pushPoster = 1024
)

// message says of an event what a notification shows.
func message(h *happened) pushed {
	m := pushed{
		Type: h.typ, EventID: h.id, Position: h.position, TitleID: h.title, Title: clip(h.shown.Title, pushTitle),
		Episode: h.shown.Episode, NewStatus: clip(h.shown.NewStatus, 64), At: h.at,
	}
	if len(h.shown.Poster) <= pushPoster {
		m.Poster = h.shown.Poster
	}
	return m
}

// request implements outlet.
func (p *push) request(ctx context.Context, s *Service, h *happened) (*http.Request, error) {
	plain, err := json.Marshal(message(h))
	if err != nil {
		return nil, err
	}
	body, err := p.sealed(plain)
	if err != nil {
		return nil, err
	}
	authorization, err := s.vapid.authorization(ctx, p.Endpoint)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = http.Header{
		"Authorization": {authorization}, "User-Agent": {"AniHub-Push/1"}, "Content-Encoding": {"aes128gcm"}, "Content-Type": {"application/octet-stream"},
		"Ttl": {strconv.Itoa(int(pushTTL.Seconds()))}, "Urgency": {urgency(h.typ)}, "Topic": {p.topic(h.title)},
	}
	return req, nil
}

// urgency lets a device that saves its battery sleep on (RFC 8030 §5.3).
func urgency(typ string) string {
	if typ == realtime.NewEpisode {
		return "normal"
	}
	return "low"
}

// topic lets a message replace one about the same title that waits for the device to
// wake (RFC 8030 §5.4). It says to nobody which title that is.
func (p *push) topic(title int) string {
	mac := hmac.New(sha256.New, p.Auth)
	_, _ = mac.Write([]byte("title " + strconv.Itoa(title))) // a hash takes everything
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:24])
}

// sealed encrypts a message for the browser.
func (p *push) sealed(plain []byte) ([]byte, error) {
	to, err := ecdh.P256().NewPublicKey(p.Key)
	if err != nil {
		return nil, err
	}
	once, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	return seal(padded(plain), to, p.Auth, once, salt)
}

// padStep hides how long a title is: all messages but a few are of one length.
const padStep = 1024

// padded makes JSON longer without changing it.
func padded(plain []byte) []byte {
	return append(plain, strings.Repeat(" ", (padStep-len(plain)%padStep)%padStep)...)
}
