package api_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/labstack/echo/v4"

	"anihub/modules/catalog"
)

// hanging is a catalogue that has to ask the upstream for the title 77, which never
// answers.
type hanging struct{ catalog.Service }

func (h hanging) Titles(ctx context.Context, q catalog.Query, have string) (catalog.Answer[catalog.Page], error) {
	if slices.Contains(q.IDs, 77) {
		<-ctx.Done()
		return catalog.Answer[catalog.Page]{}, ctx.Err()
	}
	return h.Service.Titles(ctx, q, have)
}

func (h hanging) Title(ctx context.Context, r catalog.Ref, have string) (catalog.Answer[catalog.Title], error) {
	if r.ID == 77 {
		<-ctx.Done()
		return catalog.Answer[catalog.Title]{}, ctx.Err()
	}
	return h.Service.Title(ctx, r, have)
}

// One title that nobody can tell of does not take the names of the others away.
func TestATitleThatHangsTakesNoOthersAlong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := build(t, func(echo.Context) error { return echo.ErrNotFound }, func(c catalog.Service) catalog.Service { return hanging{c} })
		mira := s.viewer(t, "mira")
		mira.ask(t, 200, "PUT", "/api/users/progress", `{"titles":[
			{"title_id":9901,"episodes":[{"episode":1,"seconds":5,"updated_at":"1999-05-01T20:00:00Z"}]},
			{"title_id":77,"episodes":[{"episode":1,"seconds":5,"updated_at":"1999-05-02T20:00:00Z"}]}]}`)
		for _, id := range []string{"9901", "77"} {
			mira.ask(t, 200, "PUT", "/api/users/lists/"+id, `{"status":"watching"}`)
		}
		var next []going
		if e := mira.get(t, "/api/users/continue", &next); len(next) != 1 || next[0].TitleID != 9901 {
			t.Errorf("continue: %s", e.Data)
		}
		var all []listed
		if e := mira.get(t, "/api/users/lists", &all); len(all) != 2 {
			t.Errorf("lists: %s", e.Data)
		}
		for _, l := range all {
			if (l.Title == nil) != (l.TitleID == 77) {
				t.Errorf("%+v", l)
			}
		}
	})
}

// panicking is a catalogue with a defect at one title.
type panicking struct{ catalog.Service }

func (p panicking) Title(ctx context.Context, r catalog.Ref, have string) (catalog.Answer[catalog.Title], error) {
	if r.ID == 77 {
		panic("a defect")
	}
	return p.Service.Title(ctx, r, have)
}

// A panic while titles are asked for at once does not end the process, and is logged.
func TestADefectAtOneTitleLeavesTheOthers(t *testing.T) {
	t.Parallel()
	s := build(t, func(echo.Context) error { return echo.ErrNotFound }, func(c catalog.Service) catalog.Service { return panicking{c} })
	mira := s.viewer(t, "mira")
	mira.ask(t, 200, "PUT", "/api/users/progress", `{"titles":[
		{"title_id":77,"episodes":[{"episode":1,"seconds":5}]},{"title_id":9901,"episodes":[{"episode":1,"seconds":5}]}]}`)
	var next []going
	if e := mira.get(t, "/api/users/continue", &next); len(next) != 1 || next[0].TitleID != 9901 {
		t.Errorf("continue: %s", e.Data)
	}
	if !strings.Contains(s.log.String(), "a defect") {
		t.Error("nobody is told of the defect")
	}
}
