package users

import (
	"context"
	"time"
)

// The statuses of a title on a user's lists.
const (
	Planned   = "planned"
	Watching  = "watching"
	Watched   = "watched"
	Postponed = "postponed"
	Abandoned = "abandoned"
)

// MaxLibrary bounds the titles that a user ever put on a list or marked, and those
// they have progress of. The catalogue has a tenth of it.
const MaxLibrary = 20_000

// MaxImport is the most listings of one Import.
const MaxImport = 10_000

// MaxScore is the best score; the worst is 1.
const MaxScore = 10

// Library is what a user thinks of titles: lists, scores, favourites. Nobody sees
// another user's.
type Library interface {
	// Library is a page of a user's entries, newest first. A user who does not exist
	// has none. ErrUnacceptable for a page that cannot be.
	Library(ctx context.Context, userID string, q LibraryQuery) (LibraryPage, error)
	// List puts a title on a list, in place of the list and score it had; the same
	// again changes nothing. ErrUnacceptable names the field, also over MaxLibrary;
	// ErrNotFound when there is no such user.
	List(ctx context.Context, userID string, l Listing) (Entry, error)
	// Unlist takes a title off its list, with its score; it stays a favourite.
	// Removing nothing is no error.
	Unlist(ctx context.Context, userID string, titleID int) error
	// SetFavorite marks a title or takes the mark away; it stays on its list. Again
	// is no error. ErrUnacceptable, ErrNotFound as List when it is marked.
	SetFavorite(ctx context.Context, userID string, titleID int, on bool) (Entry, error)
	// Import fills a library with listings from elsewhere, the first of a title
	// counts. It does not say when they were made, so what the user said here stays
	// unless they ask to Overwrite it: only a list or a score that is missing is
	// filled. ErrUnacceptable, ErrNotFound as List; then some may be in already, and
	// importing all again is safe.
	Import(ctx context.Context, userID string, r Import) (Imported, error)
}

// Listing is a title on a list.
type Listing struct {
	TitleID int
	Status  string // one of the statuses
	Score   int    // 1 … MaxScore; 0 = none
}

// Entry is what a user thinks of one title.
type Entry struct {
	TitleID    int
	Status     string    // "" = on no list
	Score      int       // 0 = none
	ListedAt   time.Time // when status or score was changed last; zero with Status ""
	Favorite   bool
	FavoriteAt time.Time // zero when it is none
}

// LibraryQuery selects entries. The zero query is all that is on lists.
type LibraryQuery struct {
	Favorites   bool   // the favourites, newest first, instead of what is on lists
	Status      string // only this list; "" = all
	TitleIDs    []int  // only these titles; nil = all
	Page, Limit int    // 1…; Limit 0 = all on one page
}

// LibraryPage is a page of entries.
type LibraryPage struct {
	Entries []Entry
	Total   int // of the selection
}

// Import is what to fill a library with.
type Import struct {
	Listings  []Listing // at most MaxImport
	Overwrite bool      // take the place of what the user said here
	DryRun    bool      // only tell what would happen
}

// Imported counts what an import did, or would do.
type Imported struct {
	Imported  int // entries that are changed or new
	Unchanged int // listings that are here already, give way, or come a second time
}
