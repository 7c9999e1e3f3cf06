package userssvc_test

import (
	"testing"

	"anihub/modules/users/userssvc"
	"anihub/platform/auth"
)

// What a sign-in costs with the password parameters that AniHub ships.
func BenchmarkLogin(b *testing.B) {
	h := open(b, unlimited, func(_ *userssvc.Config, d *userssvc.Deps) {
		d.Passwords = auth.NewPasswords(auth.DefaultConfig().Password)
	})
	signUp(b, h, "wanderer")
	b.ReportAllocs()
	for b.Loop() {
		if err := signIn(h, "wanderer", password, "192.0.2.1"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "logins/s")
}

// How many tokens an instance validates: one session again and again.
func BenchmarkValidate(b *testing.B) {
	h := open(b)
	mine := signUp(b, h, "wanderer")
	b.ReportAllocs()
	for b.Loop() {
		if v, err := h.Validate(b.Context(), mine.AccessToken); err != nil || !v.Valid {
			b.Fatal(v, err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "validations/s")
}

// The same when every answer has to come from the store.
func BenchmarkValidateCold(b *testing.B) {
	h := open(b, unlimited)
	mine := signUp(b, h, "wanderer")
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		h = openOn(b, h.store)
		b.StartTimer()
		if v, err := h.Validate(b.Context(), mine.AccessToken); err != nil || !v.Valid {
			b.Fatal(v, err)
		}
	}
}

// How many sign in when more of them come at once than are let in to hash.
func BenchmarkLoginAtOnce(b *testing.B) {
	cost := auth.DefaultConfig().Password
	cost.Queue = 1000 // nobody is turned away: the figure is of the hashing
	h := open(b, unlimited, func(_ *userssvc.Config, d *userssvc.Deps) { d.Passwords = auth.NewPasswords(cost) })
	signUp(b, h, "wanderer")
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := signIn(h, "wanderer", password, "192.0.2.1"); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "logins/s")
}
