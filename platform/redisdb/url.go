package redisdb

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	defaultPort         = "6379"
	defaultSentinelPort = "26379"
	maxHosts            = 64
)

// address is a parsed URL.
type address struct {
	hosts                          []string
	user, password                 string
	db                             int
	tls, cluster                   bool
	master                         string // set: Sentinel
	sentinelUser, sentinelPassword string
}

// parse reads the URL by hand, because several hosts with ports are no valid
// authority for net/url. No error repeats any part that could be a password.
func parse(raw string) (address, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	a := address{tls: strings.HasPrefix(scheme, "rediss")}
	sentinel := strings.HasSuffix(scheme, "+sentinel")
	if !ok || !slices.Contains([]string{"redis", "rediss", "redis+sentinel", "rediss+sentinel"}, scheme) {
		return a, fmt.Errorf("url: must begin with redis://, rediss://, redis+sentinel:// or rediss+sentinel://")
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, tail := rest[:end], rest[end:]
	if err := a.readAuthority(authority, sentinel); err != nil {
		return a, err
	}
	if err := a.readTail(tail, sentinel); err != nil {
		return a, err
	}
	return a, a.check(sentinel)
}

func (a *address) readAuthority(s string, sentinel bool) error {
	hosts := s
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		hosts = s[at+1:]
		user, password, _ := strings.Cut(s[:at], ":")
		var err1, err2 error
		a.user, err1 = url.PathUnescape(user)
		a.password, err2 = url.PathUnescape(password)
		if err1 != nil || err2 != nil {
			return fmt.Errorf("url: the user name or password has a %% that is not followed by two hexadecimal digits (write %%25 for it)")
		}
	}
	port := defaultPort
	if sentinel {
		port = defaultSentinelPort
	}
	for host := range strings.SplitSeq(hosts, ",") {
		h, err := hostPort(host, port)
		if err != nil {
			return err
		}
		a.hosts = append(a.hosts, h)
	}
	if len(a.hosts) > maxHosts {
		return fmt.Errorf("url: at most %d addresses, has %d", maxHosts, len(a.hosts))
	}
	return nil
}

// hostPort completes host, host:port or [ipv6]:port.
func hostPort(s, port string) (string, error) {
	u := url.URL{Host: s}
	host := u.Hostname()
	if p := u.Port(); p != "" {
		port = p
	}
	n, err := strconv.ParseUint(port, 10, 16)
	plain := host != "" && !strings.ContainsAny(host, " \t\r\n@%\\") &&
		(!strings.Contains(host, ":") || net.ParseIP(host) != nil)
	// What Hostname and Port took apart must be all there was.
	whole := s == host || s == host+":"+port || s == "["+host+"]" || s == "["+host+"]:"+port
	if err != nil || n == 0 || !plain || !whole {
		return "", fmt.Errorf("url: every address must be host or host:port with a port of 1 to 65535 " +
			"(percent-encode @, :, / and ? in a password)")
	}
	return net.JoinHostPort(host, port), nil
}

// readTail reads what follows the hosts: /db or /master, and the query.
func (a *address) readTail(s string, sentinel bool) error {
	if strings.Contains(s, "#") {
		return fmt.Errorf("url: must not contain # (percent-encode it in a password: %%23)")
	}
	path, query, _ := strings.Cut(s, "?")
	path = strings.Trim(path, "/")
	q, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("url: the part after ? is not a list of key=value")
	}
	switch {
	case sentinel:
		a.master = path
	case path != "":
		q.Set("db", path)
	}
	for key, values := range q {
		if err := a.set(key, values[len(values)-1], sentinel); err != nil {
			return err
		}
	}
	return nil
}

func (a *address) set(key, value string, sentinel bool) (err error) {
	switch {
	case key == "db":
		a.db, err = strconv.Atoi(value)
		if err != nil || a.db < 0 || a.db > 1<<15 {
			return fmt.Errorf("url: the database must be a number from 0, is not")
		}
	case key == "cluster" && !sentinel:
		a.cluster, err = strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("url: cluster must be true or false")
		}
	case key == "sentinel_username" && sentinel:
		a.sentinelUser = value
	case key == "sentinel_password" && sentinel:
		a.sentinelPassword = value
	case sentinel:
		return fmt.Errorf("url: a Sentinel URL takes db, sentinel_username and sentinel_password after ?, nothing else")
	default:
		return fmt.Errorf("url: takes db and cluster after ?, nothing else")
	}
	return nil
}

func (a *address) check(sentinel bool) error {
	if sentinel {
		if a.master == "" || strings.Contains(a.master, "/") {
			return fmt.Errorf("url: a Sentinel URL names the master after the hosts: redis+sentinel://host1,host2/mymaster")
		}
		return nil
	}
	a.cluster = a.cluster || len(a.hosts) > 1
	if a.cluster && a.db != 0 {
		return fmt.Errorf("url: a Cluster has only database 0, is %d", a.db)
	}
	return nil
}
