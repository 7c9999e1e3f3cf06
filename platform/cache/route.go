package cache

import (
	"slices"
	"strings"
	"time"
)

// route is the levels below L1 for the keys with a prefix.
type route struct {
	prefix  string
	below   []*tier // nearest first, the local copy last
	deepest int     // the one that the others are compared with; -1 = none
	locks   int     // the one that gives load locks; -1 = none
}

func newRoute(prefix string, below []*tier) route {
	r := route{prefix: prefix, below: below, deepest: len(below) - 1}
	if r.deepest >= 0 && below[r.deepest].copy {
		r.deepest--
	}
	r.locks = slices.IndexFunc(below, func(t *tier) bool { return t.locker != nil })
	return r
}

// placed is an entry of tier i, -1 being L1, with the CheckAt that its place gives it:
// the deepest has nothing to be compared with, and its local copy was told nothing of
// changes while it is asked.
func (r *route) placed(i int, e Entry) Entry {
	switch {
	case i == r.deepest:
		e.CheckAt = e.FreshUntil
	case i >= 0 && r.below[i].copy:
		e.CheckAt = time.Time{}
	}
	return e
}

// nearer is the tiers that take a copy of what tier i holds: those before it, and
// the local copy.
func (r *route) nearer(i int) []*tier {
	tiers := append(make([]*tier, 0, len(r.below)), r.below[:i]...)
	if r.deepest < len(r.below)-1 && i <= r.deepest {
		tiers = append(tiers, r.below[len(r.below)-1])
	}
	return tiers
}

// shared is the tiers that forget.
func (r *route) shared() []*tier {
	var tiers []*tier
	for _, t := range r.below {
		if t.name == "l2" {
			tiers = append(tiers, t)
		}
	}
	return tiers
}

// route is the one of a key.
func (c *Cache) route(key string) *route {
	for i := range c.routes {
		if strings.HasPrefix(key, c.routes[i].prefix) {
			return &c.routes[i]
		}
	}
	return &c.routes[len(c.routes)-1]
}

// Mount lets other levels be the L3 of the keys that begin with a prefix
// ("title:"), and its copy in this process; nil = no copy. Before Run and before
// the first Get.
func (c *Cache) Mount(prefix string, l3, local Level) {
	var below []*tier
	for _, t := range c.routes[len(c.routes)-1].below {
		if t.name == "l2" {
			below = append(below, t)
		}
	}
	label := "/" + strings.TrimSuffix(prefix, ":")
	below = append(below, c.tier("l3", "l3"+label, l3))
	if local != nil {
		below = append(below, c.tier("local", "local"+label, local))
	}
	at := 0
	for at < len(c.routes)-1 && len(c.routes[at].prefix) >= len(prefix) {
		at++
	}
	routes := append([]route{}, c.routes[:at]...)
	c.routes = append(append(routes, newRoute(prefix, below)), c.routes[at:]...)
}

// tiers is every tier once, nearest first.
func (c *Cache) tiers() []*tier {
	all := []*tier{c.l1}
	seen := map[*tier]bool{}
	for i := len(c.routes) - 1; i >= 0; i-- { // the route of every key first
		for _, t := range c.routes[i].below {
			if !seen[t] {
				seen[t] = true
				all = append(all, t)
			}
		}
	}
	return all
}
