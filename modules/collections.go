package modules

import (
	"slices"

	"anihub/modules/catalog/catalogsvc"
	"anihub/modules/realtime/realtimesvc"
	"anihub/modules/sync/syncersvc"
	"anihub/modules/users/userssvc"
	"anihub/platform/documents"
)

// Collections are what the modules keep, in the order in which they can be read while a
// server writes; the event log has its place between the two lists. What is on its way
// goes downstream: how far the sync is, then the titles, which hold the news that was not
// told yet, then (behind the log) the copies of what was told. Accounts are behind what
// belongs to them, so that who left meanwhile is seen to have left.
func Collections() (beforeLog, behindLog []documents.Spec) {
	ofUsers := userssvc.Collections()
	last := slices.IndexFunc(ofUsers, func(s documents.Spec) bool { return s.Name == "users" })
	accounts := ofUsers[last]
	ofUsers = append(slices.Delete(ofUsers, last, last+1), accounts)
	return slices.Concat(syncersvc.Collections(), catalogsvc.Collections()), slices.Concat(realtimesvc.Collections(), ofUsers)
}
