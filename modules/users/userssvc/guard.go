package userssvc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"anihub/modules/users"
)

// Webhooks and push make AniHub speak to an address that a stranger chose. The form of
// the URL is checked when it is given. Where its name leads is checked when a connection
// is made, on the address that is dialled: a name may lead elsewhere by then (DNS
// rebinding), and any spelling of an address (0x7f.1, ::ffff:127.0.0.1) is an address
// there.

// WebhooksConfig is modules.users.webhooks.
type WebhooksConfig struct {
	AllowPrivate bool `yaml:"allow_private"` // also http, and addresses of private networks: for tests and closed networks
}

const acceptedURL = "an https URL of at most 2048 bytes, without user, password and fragment, that leads to a public address"

// PushConfig is modules.users.push.
type PushConfig struct {
	AllowPrivate bool   `yaml:"allow_private"` // as that of webhooks
	Contact      string `yaml:"contact"`       // mailto: or https: whom a push service may ask about this site; "" = none
}

// guard says where AniHub may be made to call.
type guard struct{ private bool }

// checkURL tells whether a stranger may name this address, as far as its form says.
func (g guard) checkURL(field, raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || len(raw) > users.MaxWebhookURL || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f }),
		u.Scheme != "https" && (u.Scheme != "http" || !g.private),
		u.Hostname() == "" || u.User != nil || u.Opaque != "" || u.Fragment != "",
		u.Port() == "0", strings.ContainsAny(u.Hostname(), "%\\@"):
		return unacceptable(field, acceptedURL)
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !g.private && !public(addr) {
		return unacceptable(field, acceptedURL)
	}
	return nil
}

// special are the blocks that are not for everybody (IANA special-purpose address
// registries), beside those that netip knows by name, and one cloud's own service at
// a public address.
func special() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "168.63.129.16/32",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// public tells whether an address is one that anybody on the internet reaches.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsMulticast() || a.IsLinkLocalUnicast() {
		return false
	}
	if a.Is6() && !netip.MustParsePrefix("2000::/3").Contains(a) { // all that is given out
		return false
	}
	return !slices.ContainsFunc(special(), func(p netip.Prefix) bool { return p.Contains(a) })
}

var errNotPublic = errors.New("the address is not public")

// control refuses a connection before its first packet.
func (g guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errNotPublic, address)
	}
	if !g.private && !public(at.Addr()) {
		return fmt.Errorf("%w: %s", errNotPublic, at.Addr())
	}
	return nil
}

// deliveryTime bounds a delivery, from the name to the end of the answer.
const deliveryTime = 10 * time.Second

// client calls what strangers named: through no proxy, which would dial in its place,
// and to nowhere that an answer points to. Connections are kept where many outlets
// share a host, as those of a push service do.
func (g guard) client(kept bool) *http.Client {
	dialer := &net.Dialer{Timeout: deliveryTime, ControlContext: g.control}
	return &http.Client{
		Timeout: deliveryTime,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: deliveryTime, DisableKeepAlives: !kept,
			MaxIdleConnsPerHost: deliverers, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: 32 << 10, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
