package realtimesvc_test

import (
	"testing"

	"anihub/modules/realtime/realtimetest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	realtimetest.Contract(t, func(t *testing.T) realtimetest.Subject {
		h := open(t)
		h.users.admit("good", "u1", "s1")
		h.users.titles = []int{77}
		return realtimetest.Subject{Service: h, Token: "good", UserID: "u1", Title: 77}
	})
}
