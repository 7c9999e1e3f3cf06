// Package cataloghttp is the corridor of the catalogue: both ends of the wire over
// which another process calls its door, and the counting of calls that need no
// wire. The protocol is that of package rpc.
package cataloghttp

import (
	"anihub/modules/catalog"
	"anihub/platform/rpc"
)

const module = "catalog"

// What travels. The answers are the door's own types.
type (
	titleRequest struct {
		Ref  catalog.Ref
		Have string `json:",omitempty"`
	}
	titlesRequest struct {
		Query catalog.Query
		Have  string `json:",omitempty"`
	}
	haveRequest struct {
		Have string `json:",omitempty"`
	}
	pendingRequest struct{ Limit int }
	events         struct{ Events []catalog.Event }
)

// methods are declared once for both ends. Reading twice is reading once, and so
// is confirming; refreshing twice is not: the second answer no longer says what
// the first one found.
type methods struct {
	title    rpc.Method[titleRequest, catalog.Answer[catalog.Title]]
	titles   rpc.Method[titlesRequest, catalog.Answer[catalog.Page]]
	schedule rpc.Method[haveRequest, catalog.Answer[[]catalog.Day]]
	facets   rpc.Method[haveRequest, catalog.Answer[catalog.Facets]]
	refresh  rpc.Method[catalog.Refresh, catalog.Refreshed]
	pending  rpc.Method[pendingRequest, events]
	confirm  rpc.Method[events, rpc.None]
}

func wire() methods {
	return methods{
		title:    rpc.Method[titleRequest, catalog.Answer[catalog.Title]]{Module: module, Name: "title", Safe: true},
		titles:   rpc.Method[titlesRequest, catalog.Answer[catalog.Page]]{Module: module, Name: "titles", Safe: true},
		schedule: rpc.Method[haveRequest, catalog.Answer[[]catalog.Day]]{Module: module, Name: "schedule", Safe: true},
		facets:   rpc.Method[haveRequest, catalog.Answer[catalog.Facets]]{Module: module, Name: "facets", Safe: true},
		refresh:  rpc.Method[catalog.Refresh, catalog.Refreshed]{Module: module, Name: "refresh"},
		pending:  rpc.Method[pendingRequest, events]{Module: module, Name: "pending", Safe: true},
		confirm:  rpc.Method[events, rpc.None]{Module: module, Name: "confirm", Safe: true},
	}
}
