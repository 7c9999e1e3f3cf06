package userssvc

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"anihub/modules/users"
	"anihub/platform/documents"
	"anihub/platform/fault"
)

// ofTitles is a collection with one document for each user and title, so that all
// of a user's are one equality find.
func ofTitles(name string) documents.Spec {
	return documents.Spec{Name: name, Indexes: []documents.Index{{Field: "user"}}}
}

// shelved is what the documents of such a collection have in common. They are stored
// as <user>:<title>.
type shelved struct {
	User  string `bson:"user"`
	Title int64  `bson:"title"`
}

func (s shelved) id() string { return s.User + ":" + strconv.FormatInt(s.Title, 10) }

// entry is a stored users.Entry. One that says nothing any more is kept: the store
// has no deletion with a version check, so deleting it could take away what another
// device says at the same moment. MaxLibrary bounds them.
type entry struct {
	Of         shelved   `bson:",inline"`
	Status     string    `bson:"status"`
	Score      int64     `bson:"score"`
	ListedAt   time.Time `bson:"listed_at"`
	Favorite   bool      `bson:"favorite"`
	FavoriteAt time.Time `bson:"favorite_at"`
	Rest       rest      `bson:",inline"`
}

func (e entry) entry() users.Entry {
	out := users.Entry{TitleID: int(e.Of.Title), Status: e.Status, Score: int(e.Score), Favorite: e.Favorite}
	if e.Status != "" {
		out.ListedAt = e.ListedAt
	}
	if e.Favorite {
		out.FavoriteAt = e.FavoriteAt
	}
	return out
}

// list changes status and score, and tells whether they were others.
func (e *entry) list(l users.Listing) bool {
	if e.Status == l.Status && e.Score == int64(l.Score) {
		return false
	}
	e.Status, e.Score, e.ListedAt = l.Status, int64(l.Score), now()
	return true
}

func (e *entry) mark(on bool) bool {
	if e.Favorite == on {
		return false
	}
	e.Favorite, e.FavoriteAt = on, now()
	return true
}

// edit changes a user's document of a title in a collection until nobody else
// changed it meanwhile; doc is where it is read into and what is stored, blank is
// what it is when there is none. change tells whether there is something to store.
// made tells that there was none.
func edit[D any](ctx context.Context, c documents.Collection, blank D, id string, change func(*D) (bool, error)) (doc D, made bool, err error) {
	for range maxTries {
		doc = blank
		version, err := c.Get(ctx, id, &doc)
		if errors.Is(err, documents.ErrNotFound) {
			doc, err = blank, nil
		}
		if err != nil {
			return doc, false, err
		}
		changed, err := change(&doc)
		if err != nil || !changed {
			return doc, false, err
		}
		if version == 0 {
			err = c.Insert(ctx, id, doc)
		} else {
			err = c.Replace(ctx, id, version, doc)
		}
		if !errors.Is(err, documents.ErrVersion) && !errors.Is(err, documents.ErrExists) {
			return doc, version == 0, err
		}
	}
	return doc, false, documents.ErrVersion
}

// admit looks after documents that were new: they go again when the user is no
// more, or has too many. Looking afterwards is what keeps an account that is being
// deleted from leaving something behind: whoever comes too late cleans up.
func (s *Service) admit(ctx context.Context, c documents.Collection, userID string, made []string) error {
	if len(made) == 0 {
		return nil
	}
	err := s.mayKeep(ctx, c, userID)
	if !errors.Is(err, users.ErrNotFound) && !errors.Is(err, users.ErrUnacceptable) {
		return err
	}
	for _, id := range made {
		err = errors.Join(err, c.Delete(ctx, id))
	}
	return err
}

func (s *Service) mayKeep(ctx context.Context, c documents.Collection, userID string) error {
	if _, err := s.store.account(ctx, userID); err != nil {
		return err
	}
	n := 0
	for _, err := range c.Find(ctx, "user", userID) {
		if err != nil {
			return err
		}
		n++
	}
	if n > users.MaxLibrary {
		return tooMany("title_id", users.MaxLibrary)
	}
	return nil
}

func tooMany(field string, most int) *fault.Error {
	return users.ErrUnacceptable.Detail("field", field).Detail("most", most).
		Saying("There may be at most %d of them.", most)
}

// titleOf makes the id of a document. users.ErrNotFound for a user who cannot be,
// users.ErrUnacceptable for a title that cannot be.
func titleOf(userID string, titleID int) (shelved, error) {
	if titleID < 1 || titleID > math.MaxInt32 {
		return shelved{}, unacceptable("title_id", "1 to 2147483647")
	}
	if !validID(userID) {
		return shelved{}, users.ErrNotFound
	}
	return shelved{userID, int64(titleID)}, nil
}
