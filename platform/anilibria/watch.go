package anilibria

import (
	"context"
	"time"
)

// Run asks hosts that went down for their status until they answer, so that the
// preferred one serves again. It returns when ctx ends.
func (g *Guard) Run(ctx context.Context) error {
	for {
		timer := time.NewTimer(g.untilProbe())
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-g.changed:
		case <-timer.C:
		}
		timer.Stop()
		for _, h := range g.hosts {
			if h.probeDue() {
				g.probe(ctx, h)
			}
		}
	}
}

// untilProbe is how long no host needs a probe.
func (g *Guard) untilProbe() time.Duration {
	until := time.Hour
	for _, h := range g.hosts {
		if !h.up() {
			until = min(until, max(h.wait(), 10*time.Millisecond))
		}
	}
	return until
}

// probe asks one host for its status. Here silence and refusal are evidence too:
// a host that will not say it is alive stays down.
func (g *Guard) probe(ctx context.Context, h *host) {
	p, ok := h.acquire()
	if !ok {
		return
	}
	v := g.attempt(ctx, h, g.config.statusRequest())
	if v.err != nil && ctx.Err() == nil {
		v.evidence = badEvidence
	}
	g.settle(h, p, v)
}
