package userssvc

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What goes out follows Standard Webhooks 1.0 (standardwebhooks.com): the headers
// webhook-id, webhook-timestamp and webhook-signature, which is v1 and the HMAC-SHA256
// of "id.timestamp.body" in base64; a secret is whsec_ and its bytes in base64.

const (
	secretBytes  = 32
	secretPrefix = "whsec_"
)

func newSecret() []byte {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}

func secretText(b []byte) string { return secretPrefix + base64.StdEncoding.EncodeToString(b) }

// deliveryID names one event for one webhook, in every attempt alike, so that the
// receiver knows what it has taken already. It has no dot: that parts what is signed.
func deliveryID(webhook, event string) string {
	sum := sha256.Sum256([]byte(webhook + "\n" + event))
	return "msg_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

func sign(secret []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body) // a hash takes everything
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// delivery is the body.
type delivery struct {
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"` // of the event
	EventID   string          `json:"event_id"`
	Position  string          `json:"position"`
	Data      json.RawMessage `json:"data"`
}

// request implements outlet.
func (w *webhook) request(ctx context.Context, _ *Service, h *happened) (*http.Request, error) {
	body, err := json.Marshal(delivery{h.typ, h.at, h.id, h.position, json.RawMessage(h.data)})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	id, at := deliveryID(w.id, h.id), strconv.FormatInt(time.Now().Unix(), 10)
	req.Header = http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {"AniHub-Webhooks/1"},
		"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {sign(w.Secret, id, at, body)},
	}
	return req, nil
}
