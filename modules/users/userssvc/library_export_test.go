package userssvc

import (
	"time"

	"anihub/modules/users"
)

// Episode is what is stored of an episode.
type Episode = episode

// EpisodeOf is an edit as stored progress.
func EpisodeOf(e users.EpisodeEdit, now time.Time) Episode { return episodeOf(e, now) }

// Merge joins two lists of episodes.
func Merge(a, b []Episode) []Episode { return mergeAll(a, b) }
