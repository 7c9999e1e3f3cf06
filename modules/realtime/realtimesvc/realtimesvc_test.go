package realtimesvc_test

import (
	"testing"

	"anihub/modules/realtime/realtimetest"
	"anihub/platform/documents"
)

func TestContract(t *testing.T) {
	t.Parallel()
	realtimetest.Contract(t, func(t *testing.T) realtimetest.Subject { return subjectOn(t, newShelf(t)) })
}

func subjectOn(t *testing.T, s documents.Store) realtimetest.Subject {
	h := open(t, on(s))
	h.users.admit("good", "u1", "s1")
	h.users.titles = []int{77}
	return realtimetest.Subject{Service: h, Token: "good", UserID: "u1", Title: 77}
}
