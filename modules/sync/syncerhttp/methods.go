// Package syncerhttp is the corridor of synchronisation: its door over HTTP, both
// ends.
package syncerhttp

import (
	syncer "anihub/modules/sync"
	"anihub/platform/rpc"
)

const module = "sync"

// Creating a job twice makes two jobs, unless it has a key: not safe.
var (
	start  = rpc.Method[syncer.Request, syncer.Job]{Module: module, Name: "start"}
	job    = rpc.Method[idRequest, syncer.Job]{Module: module, Name: "job", Safe: true}
	jobs   = rpc.Method[limitRequest, []syncer.Job]{Module: module, Name: "jobs", Safe: true}
	wait   = rpc.Method[idRequest, syncer.Job]{Module: module, Name: "wait", Safe: true}
	cancel = rpc.Method[idRequest, syncer.Job]{Module: module, Name: "cancel", Safe: true}
	status = rpc.Method[rpc.None, syncer.Status]{Module: module, Name: "status", Safe: true}
)

type (
	idRequest    struct{ ID string }
	limitRequest struct{ Limit int }
)
