package userssvc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"anihub/platform/documents"
)

// vapid is by what push services know this installation (RFC 8292). Browsers subscribe
// with its public key, so it must be one for the fleet and for ever: it is made once
// and kept in the store, and the private half goes nowhere else.
type vapid struct {
	kept    documents.Collection
	contact string

	mu     sync.Mutex
	have   *vapidKey
	tokens map[string]vapidToken // by origin of the push service
}

type vapidKey struct {
	private *ecdsa.PrivateKey
	public  string // base64url of the uncompressed point
}

type vapidToken struct {
	header string
	until  time.Time
}

// storedKey is under vapidID.
type storedKey struct {
	Private   []byte    `bson:"private"`
	CreatedAt time.Time `bson:"created_at"`
	Rest      rest      `bson:",inline"`
}

const vapidID = "vapid"

func newVAPID(kept documents.Collection, contact string) *vapid {
	return &vapid{kept: kept, contact: contact, tokens: map[string]vapidToken{}}
}

// key is the pair of the fleet: of processes that make one at once, the first to store
// it has made it for all.
func (v *vapid) key(ctx context.Context) (*vapidKey, error) {
	v.mu.Lock()
	have := v.have
	v.mu.Unlock()
	if have != nil {
		return have, nil
	}
	k, err := v.stored(ctx)
	if errors.Is(err, documents.ErrNotFound) {
		if err = v.make(ctx); err == nil || errors.Is(err, documents.ErrExists) {
			k, err = v.stored(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.have = k
	return k, nil
}

func (v *vapid) make(ctx context.Context) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	raw, err := private.Bytes()
	if err != nil {
		return err
	}
	return v.kept.Insert(ctx, vapidID, storedKey{Private: raw, CreatedAt: now()})
}

// stored is documents.ErrNotFound when there is none yet.
func (v *vapid) stored(ctx context.Context) (*vapidKey, error) {
	var s storedKey
	if _, err := v.kept.Get(ctx, vapidID, &s); err != nil {
		return nil, err
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), s.Private)
	if err != nil {
		return nil, errors.New("the stored push key is none") // the cause might show it
	}
	public, err := private.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	return &vapidKey{private, base64.RawURLEncoding.EncodeToString(public)}, nil
}

// A token is good for all messages to one push service, for at most a day (RFC 8292
// §2): it is made anew long before it runs out, for clocks differ.
const (
	tokenLife = 12 * time.Hour
	tokenUse  = 6 * time.Hour
	maxTokens = 1000 // of push services; users name them
)

// authorization is the header that signs a message to an endpoint.
func (v *vapid) authorization(ctx context.Context, endpoint string) (string, error) {
	k, err := v.key(ctx)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", errors.New("the endpoint is no URL")
	}
	origin, t := originOf(u), time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	if known := v.tokens[origin]; t.Before(known.until) {
		return known.header, nil
	}
	claims := jwt.MapClaims{"aud": origin, "exp": t.Add(tokenLife).Unix()}
	if v.contact != "" {
		claims["sub"] = v.contact
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodES256, claims).SignedString(k.private)
	if err != nil {
		return "", err
	}
	if len(v.tokens) >= maxTokens {
		v.tokens = map[string]vapidToken{}
	}
	header := fmt.Sprintf("vapid t=%s, k=%s", token, k.public)
	v.tokens[origin] = vapidToken{header, t.Add(tokenUse)}
	return header, nil
}

// originOf is whom a token is for (RFC 6454 §6.2).
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	}
	return u.Scheme + "://" + host
}
