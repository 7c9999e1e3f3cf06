package usershttp

import (
	"context"

	"anihub/modules/users"
	"anihub/platform/rpc"
)

type (
	progressRequest struct {
		UserID   string
		TitleIDs []int
	}
	editsRequest struct {
		UserID string
		Edits  []users.TitleEdits
	}
)

var (
	progressOf   = rpc.Method[string, []users.ProgressHead]{Module: module, Name: "progress_of", Safe: true}
	progress     = rpc.Method[progressRequest, []users.TitleProgress]{Module: module, Name: "progress", Safe: true}
	saveProgress = rpc.Method[editsRequest, []users.TitleProgress]{Module: module, Name: "save_progress", Safe: true}
)

func mountProgress(s *rpc.Server, door users.Progress) {
	progressOf.Handle(s, door.ProgressOf)
	progress.Handle(s, func(ctx context.Context, r progressRequest) ([]users.TitleProgress, error) {
		return door.Progress(ctx, r.UserID, r.TitleIDs)
	})
	saveProgress.Handle(s, func(ctx context.Context, r editsRequest) ([]users.TitleProgress, error) {
		return door.SaveProgress(ctx, r.UserID, r.Edits)
	})
}

// ProgressOf implements users.Progress.
func (c *Client) ProgressOf(ctx context.Context, userID string) ([]users.ProgressHead, error) {
	return call(ctx, c, progressOf, userID)
}

// Progress implements users.Progress.
func (c *Client) Progress(ctx context.Context, userID string, titleIDs []int) ([]users.TitleProgress, error) {
	return call(ctx, c, progress, progressRequest{userID, titleIDs})
}

// SaveProgress implements users.Progress. What JSON cannot say is refused here, as
// the room would.
func (c *Client) SaveProgress(ctx context.Context, userID string, edits []users.TitleEdits) ([]users.TitleProgress, error) {
	for _, t := range edits {
		for _, e := range t.Episodes {
			if !finite(e.Episode) || e.Seconds != nil && !finite(*e.Seconds) {
				return nil, users.ErrUnacceptable.Detail("title_id", t.TitleID).Detail("field", "episodes").Detail("accepted", "numbers")
			}
		}
	}
	return call(ctx, c, saveProgress, editsRequest{userID, edits})
}

func finite(f float64) bool { return f-f == 0 }

// ProgressOf implements users.Progress.
func (l local) ProgressOf(ctx context.Context, userID string) ([]users.ProgressHead, error) {
	return progressOf.Here(l.rec, func() ([]users.ProgressHead, error) { return l.door.ProgressOf(ctx, userID) })
}

// Progress implements users.Progress.
func (l local) Progress(ctx context.Context, userID string, titleIDs []int) ([]users.TitleProgress, error) {
	return progress.Here(l.rec, func() ([]users.TitleProgress, error) { return l.door.Progress(ctx, userID, titleIDs) })
}

// SaveProgress implements users.Progress.
func (l local) SaveProgress(ctx context.Context, userID string, edits []users.TitleEdits) ([]users.TitleProgress, error) {
	return saveProgress.Here(l.rec, func() ([]users.TitleProgress, error) { return l.door.SaveProgress(ctx, userID, edits) })
}
