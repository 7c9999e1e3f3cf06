package userssvc_test

import (
	"testing"
	"time"

	"anihub/modules/users/userssvc"
	"anihub/platform/lease"
)

// TestOneProcessLooksAfterOutlets: while it holds the lease the other does not ask the
// store, and takes over as soon as it goes.
func TestOneProcessLooksAfterOutlets(t *testing.T) {
	t.Parallel()
	leases := lease.NewMemory()
	leased := func(_ *userssvc.Config, d *userssvc.Deps) { d.Leases = leases }
	d := pushTo(t, open, leased)
	d.news.publish(t, episode(5, 1))
	d.becomes(t, took(1))
	idle := &store{Store: d.store.Store}
	second := openOn(t, idle, d.news.reading, loopback, leased)
	run(t, second)
	d.news.publish(t, episode(5, 2))
	d.becomes(t, took(2))
	if n := idle.scanned.Load(); n != 0 {
		t.Errorf("the other process looked %d times", n)
	}
	d.stop()
	d.news.publish(t, episode(5, 3))
	for len(d.browser.posts()) < 3 {
		time.Sleep(5 * time.Millisecond)
	}
	if idle.scanned.Load() == 0 {
		t.Error("nobody took over")
	}
}
