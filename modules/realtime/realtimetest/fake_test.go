package realtimetest_test

import (
	"testing"

	"anihub/modules/realtime/realtimetest"
)

func TestFake(t *testing.T) {
	t.Parallel()
	realtimetest.Contract(t, func(*testing.T) realtimetest.Subject {
		f := realtimetest.NewFake()
		f.Admit("good", "u1", 77)
		return realtimetest.Subject{Service: f, Token: "good", UserID: "u1", Title: 77}
	})
}
