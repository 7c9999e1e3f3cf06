package usershttp

import (
	"context"

	"anihub/modules/users"
	"anihub/platform/rpc"
)

type (
	libraryRequest struct {
		UserID string
		Query  users.LibraryQuery
	}
	listRequest struct {
		UserID  string
		Listing users.Listing
	}
	favoriteRequest struct {
		UserID  string
		TitleID int
		On      bool
	}
	importRequest struct {
		UserID string
		Import users.Import
	}
)

// All of them are safe: what was done already is not done again. Only an import that
// is repeated would count what it did as unchanged.
var (
	library     = rpc.Method[libraryRequest, users.LibraryPage]{Module: module, Name: "library", Safe: true}
	list        = rpc.Method[listRequest, users.Entry]{Module: module, Name: "list", Safe: true}
	unlist      = rpc.Method[titleRequest, rpc.None]{Module: module, Name: "unlist", Safe: true}
	setFavorite = rpc.Method[favoriteRequest, users.Entry]{Module: module, Name: "set_favorite", Safe: true}
	importLists = rpc.Method[importRequest, users.Imported]{Module: module, Name: "import"}
)

func mountLibrary(s *rpc.Server, door users.Library) {
	library.Handle(s, func(ctx context.Context, r libraryRequest) (users.LibraryPage, error) {
		return door.Library(ctx, r.UserID, r.Query)
	})
	list.Handle(s, func(ctx context.Context, r listRequest) (users.Entry, error) {
		return door.List(ctx, r.UserID, r.Listing)
	})
	unlist.Handle(s, func(ctx context.Context, r titleRequest) (rpc.None, error) {
		return rpc.None{}, door.Unlist(ctx, r.UserID, r.TitleID)
	})
	setFavorite.Handle(s, func(ctx context.Context, r favoriteRequest) (users.Entry, error) {
		return door.SetFavorite(ctx, r.UserID, r.TitleID, r.On)
	})
	importLists.Handle(s, func(ctx context.Context, r importRequest) (users.Imported, error) {
		return door.Import(ctx, r.UserID, r.Import)
	})
}

// Library implements users.Library.
func (c *Client) Library(ctx context.Context, userID string, q users.LibraryQuery) (users.LibraryPage, error) {
	return call(ctx, c, library, libraryRequest{userID, q})
}

// List implements users.Library.
func (c *Client) List(ctx context.Context, userID string, l users.Listing) (users.Entry, error) {
	return call(ctx, c, list, listRequest{userID, l})
}

// Unlist implements users.Library.
func (c *Client) Unlist(ctx context.Context, userID string, titleID int) error {
	_, err := call(ctx, c, unlist, titleRequest{userID, titleID})
	return err
}

// SetFavorite implements users.Library.
func (c *Client) SetFavorite(ctx context.Context, userID string, titleID int, on bool) (users.Entry, error) {
	return call(ctx, c, setFavorite, favoriteRequest{userID, titleID, on})
}

// Import implements users.Library.
func (c *Client) Import(ctx context.Context, userID string, r users.Import) (users.Imported, error) {
	return call(ctx, c, importLists, importRequest{userID, r})
}

// Library implements users.Library.
func (l local) Library(ctx context.Context, userID string, q users.LibraryQuery) (users.LibraryPage, error) {
	return library.Here(l.rec, func() (users.LibraryPage, error) { return l.door.Library(ctx, userID, q) })
}

// List implements users.Library.
func (l local) List(ctx context.Context, userID string, x users.Listing) (users.Entry, error) {
	return list.Here(l.rec, func() (users.Entry, error) { return l.door.List(ctx, userID, x) })
}

// Unlist implements users.Library.
func (l local) Unlist(ctx context.Context, userID string, titleID int) error {
	_, err := unlist.Here(l.rec, func() (rpc.None, error) { return rpc.None{}, l.door.Unlist(ctx, userID, titleID) })
	return err
}

// SetFavorite implements users.Library.
func (l local) SetFavorite(ctx context.Context, userID string, titleID int, on bool) (users.Entry, error) {
	return setFavorite.Here(l.rec, func() (users.Entry, error) { return l.door.SetFavorite(ctx, userID, titleID, on) })
}

// Import implements users.Library.
func (l local) Import(ctx context.Context, userID string, r users.Import) (users.Imported, error) {
	return importLists.Here(l.rec, func() (users.Imported, error) { return l.door.Import(ctx, userID, r) })
}
