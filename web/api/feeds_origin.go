package api

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"anihub/web/envelope"
)

// origin is the scheme and host under which the reader knows this site: what he has
// asked for, or what a trusted proxy says that he has.
func (a *API) origin(r *http.Request) (string, error) {
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if a.trusts(r.RemoteAddr) {
		if said := forwarded(r, "X-Forwarded-Proto"); said == "http" || said == "https" {
			scheme = said
		}
		if said := forwarded(r, "X-Forwarded-Host"); said != "" {
			host = said
		}
	}
	if !plausibleHost(host) {
		return "", envelope.ErrParameter.Detail("parameter", "Host").Detail("accepted", "a host name, or an address, with a port or without")
	}
	return scheme + "://" + strings.ToLower(host), nil
}

// forwarded is the first of a list to which every proxy on the way may have added: what
// the reader has asked for.
func forwarded(r *http.Request, name string) string {
	first, _, _ := strings.Cut(r.Header.Get(name), ",")
	return strings.TrimSpace(first)
}

// trusts tells whether a peer is one of the named proxies.
func (a *API) trusts(peer string) bool {
	host, _, err := net.SplitHostPort(peer)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && slices.ContainsFunc(a.proxies, func(n *net.IPNet) bool { return n.Contains(ip) })
}

// plausibleHost refuses what could make more of a link than a host. A name has at
// most 253 bytes (RFC 1035 §2.3.4), a port six with its colon.
func plausibleHost(host string) bool {
	return host != "" && len(host) <= 259 && !strings.ContainsFunc(host, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._:[]", c)
	})
}
