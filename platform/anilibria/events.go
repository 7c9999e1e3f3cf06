package anilibria

import (
	"context"
	"strings"
)

// EventSource tells what changes upstream as it happens. Its events are hints: they
// may come late, twice, in any order or not at all, and what a release has become is
// read by REST. So whoever follows a source asks Client.Release of every release that
// is named, and looks at Client.Latest when it is told to catch up:
//
//	go source.Run(ctx)
//	for {
//		event, err := source.Next(ctx)
//		switch {
//		case err != nil:
//			return // ctx has ended
//		case event.CatchUp:
//			poll(ctx)
//		default:
//			refresh(ctx, event.ReleaseID)
//		}
//	}
//
// A frame that is lost on a connection that stays open is not noticed, for upstream
// numbers nothing. A slow poll beside the source finds what it missed.
type EventSource interface {
	// Run keeps the connection until ctx ends, and returns nil then. Without it Next
	// has nothing to say.
	Run(ctx context.Context) error
	// Next waits for the next event. Events of one release that nobody has taken yet
	// are one. It may be called while Run is not running; there is one caller at a
	// time. The only error is that of ctx.
	Next(ctx context.Context) (Event, error)
}

// Event is a hint that something has changed upstream.
type Event struct {
	// CatchUp: what happened until now may not have been told. It comes first after
	// every connect, the first one included, and when too much was waiting.
	CatchUp   bool
	ReleaseID int    // 0 with CatchUp
	Changes   Change // what is said to have changed
}

// Change is a set of kinds of changes.
type Change uint8

// The kinds of changes.
const (
	EpisodeAdded    Change = 1 << iota // an episode, or a quality that it lacked
	EpisodeReplaced                    // files that were there are new ones: a re-upload
	EpisodeChanged                     // anything else about an episode
	TitleChanged
	TorrentsChanged
)

// Has tells whether the set holds all of the other one.
func (c Change) Has(other Change) bool { return c&other == other }

// String is for logs.
func (c Change) String() string {
	var all []string
	for i, name := range []string{"episode_added", "episode_replaced", "episode_changed", "title_changed", "torrents_changed"} {
		if c.Has(1 << i) {
			all = append(all, name)
		}
	}
	return strings.Join(all, ",")
}
