package userstest_test

import (
	"testing"

	"anihub/modules/users"
	"anihub/modules/users/userstest"
)

func TestFake(t *testing.T) {
	t.Parallel()
	userstest.Contract(t, func(*testing.T) users.Service { return userstest.NewFake() })
}

func TestFakeFails(t *testing.T) {
	t.Parallel()
	f := userstest.NewFake()
	mine, err := f.Register(t.Context(), users.Registration{Login: "wanderer", Email: "w@example.org", Password: "some password"})
	if err != nil {
		t.Fatal(err)
	}
	f.Fail(users.ErrUnavailable)
	userstest.Unavailable(t, f, mine)
	f.Fail(nil)
	if _, err := f.User(t.Context(), mine.User.ID); err != nil {
		t.Error(err)
	}
}

func TestInboxOfTheFake(t *testing.T) {
	t.Parallel()
	userstest.InboxContract(t, func(*testing.T) userstest.InboxSubject { return userstest.FakeInbox(userstest.NewFake()) })
}
