package users

import (
	"context"
	"time"
)

// Bounds of progress.
const (
	MaxProgressTitles   = 500   // of one SaveProgress
	MaxProgressRead     = 50    // titles of one Progress
	MaxProgressEpisodes = 5_000 // of one title
	MaxEpisode          = 100_000
	MaxSeconds          = 24 * 60 * 60
)

// Progress is where a user stopped. The edits of several devices converge whatever
// order they arrive in: of each episode the place and the mark "watched" are two
// registers, each won by the latest edit that says something of it, among equally
// late ones by the larger value (true over false). So a mark stays until a later
// edit unsets it, and an edit that only tells a place leaves it alone.
type Progress interface {
	// ProgressOf are the titles that a user has progress of, latest edit first.
	ProgressOf(ctx context.Context, userID string) ([]ProgressHead, error)
	// Progress of these titles, in their order; those without any are left out.
	// ErrUnacceptable over MaxProgressRead.
	Progress(ctx context.Context, userID string, titleIDs []int) ([]TitleProgress, error)
	// SaveProgress merges edits and returns what they became, one for each title, in
	// order of first mention. The same again changes nothing. ErrUnacceptable names
	// the title and the field, and then nothing was saved unless it is the number of
	// episodes or titles that is too large; ErrNotFound when there is no such user.
	SaveProgress(ctx context.Context, userID string, edits []TitleEdits) ([]TitleProgress, error)
}

// TitleEdits are edits of one title.
type TitleEdits struct {
	TitleID  int
	Episodes []EpisodeEdit
}

// EpisodeEdit is what a device saw of one episode; nil says nothing of a register,
// and one of them must be said.
type EpisodeEdit struct {
	Episode float64  // the ordinal; 25.5 exists
	Seconds *float64 // the place, 0 … MaxSeconds
	Watched *bool
	At      time.Time // zero, or in the future = now; kept to the millisecond
}

// ProgressHead is the progress of a title in short.
type ProgressHead struct {
	TitleID   int
	UpdatedAt time.Time // of the latest edit
	Watched   int       // how many episodes are watched without a gap, from the first
}

// TitleProgress is the progress of a title, its episodes in order.
type TitleProgress struct {
	ProgressHead
	Episodes []EpisodeProgress
}

// EpisodeProgress is the progress of an episode.
type EpisodeProgress struct {
	Episode   float64
	Seconds   float64
	Watched   bool
	UpdatedAt time.Time // of the later of its two registers
}
