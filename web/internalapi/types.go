package internalapi

import (
	"math"

	syncer "anihub/modules/sync"
	"anihub/modules/users"
	"anihub/platform/audit"
	"anihub/web/envelope"
)

type jobJSON struct {
	JobID      string       `json:"job_id"`
	Kind       string       `json:"kind"`
	State      string       `json:"state"`
	Priority   string       `json:"priority"`
	TitleID    int          `json:"title_id,omitempty"`
	Progress   progressJSON `json:"progress"`
	CreatedAt  *string      `json:"created_at"`
	StartedAt  *string      `json:"started_at"`
	FinishedAt *string      `json:"finished_at"`
	Error      *jobError    `json:"error"`

	RetryOf      string `json:"retry_of,omitempty"`
	FailedTitles []int  `json:"failed_titles,omitempty"` // never in lists
}

type progressJSON struct {
	Done   int     `json:"done"`
	Total  int     `json:"total"`
	Failed int     `json:"failed"`
	Rate   float64 `json:"rate"` // titles per second; 0 = unknown
	ETA    *string `json:"eta"`
}

func progressOf(p syncer.Progress) progressJSON {
	return progressJSON{p.Done, p.Total, p.Failed, math.Round(p.Rate*100) / 100, envelope.Moment(p.ETA)}
}

type jobError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func jobOf(j syncer.Job) jobJSON {
	out := jobJSON{
		JobID: j.ID, Kind: j.Kind, State: j.State, Priority: j.Priority, TitleID: j.TitleID,
		Progress:  progressOf(j.Progress),
		CreatedAt: envelope.Moment(j.CreatedAt), StartedAt: envelope.Moment(j.StartedAt), FinishedAt: envelope.Moment(j.FinishedAt),
		RetryOf: j.RetryOf, FailedTitles: j.FailedTitles,
	}
	if j.Error != "" || j.ErrorCode != "" {
		out.Error = &jobError{j.ErrorCode, j.Error}
	}
	return out
}

// userJSON is the public part of a user; an e-mail is not.
type userJSON struct {
	ID        string   `json:"id"`
	Login     string   `json:"login"`
	Name      string   `json:"name"`
	Roles     []string `json:"roles"`
	Banned    bool     `json:"banned"`
	CreatedAt *string  `json:"created_at"`
}

func userOf(u users.User) userJSON {
	return userJSON{u.ID, u.Login, u.Name, append([]string{}, u.Roles...), u.Banned, envelope.Moment(u.CreatedAt)}
}

type validationJSON struct {
	Valid     bool     `json:"valid"`
	Reason    string   `json:"reason,omitempty"`
	UserID    string   `json:"user_id,omitempty"`
	Roles     []string `json:"roles,omitempty"`
	ExpiresAt *string  `json:"expires_at,omitempty"`
}

func validationOf(v users.Validation) validationJSON {
	if !v.Valid {
		return validationJSON{Reason: v.Reason}
	}
	return validationJSON{Valid: true, UserID: v.UserID, Roles: v.Roles, ExpiresAt: envelope.Moment(v.ExpiresAt)}
}

type syncStatusJSON struct {
	Runner      bool    `json:"runner"`
	LastPoll    *string `json:"last_poll"`
	LastFull    *string `json:"last_full"`
	NextPoll    *string `json:"next_poll"`
	NextFull    *string `json:"next_full"`
	Queue       int     `json:"queue"`
	LastError   *string `json:"last_error"`
	Published   int64   `json:"published"`
	Unpublished int     `json:"unpublished"`
}

func syncStatusOf(s syncer.Status) syncStatusJSON {
	out := syncStatusJSON{
		Runner: s.Runner, LastPoll: envelope.Moment(s.LastPoll), LastFull: envelope.Moment(s.LastFull),
		NextPoll: envelope.Moment(s.NextPoll), NextFull: envelope.Moment(s.NextFull), Queue: s.Queue,
		Published: s.Published, Unpublished: s.Unfinished,
	}
	if s.LastError != "" {
		out.LastError = &s.LastError
	}
	return out
}

type auditJSON struct {
	At        *string        `json:"at"`
	Service   string         `json:"service"`
	Action    string         `json:"action"`
	Details   map[string]any `json:"details"`
	RequestID string         `json:"request_id"`
}

func auditOf(r audit.Record) auditJSON {
	return auditJSON{envelope.Moment(r.At), r.Service, r.Action, r.Details, r.RequestID}
}

type hostJSON struct {
	Host        string  `json:"host"`
	Breaker     string  `json:"breaker"`
	Active      bool    `json:"active"`
	LastError   *string `json:"last_error"`
	Since       *string `json:"since"`
	PausedUntil *string `json:"paused_until"`
}

func hostOf(h Host) hostJSON {
	out := hostJSON{Host: h.Host, Breaker: h.Breaker, Active: h.Active, Since: envelope.Moment(h.Since), PausedUntil: envelope.Moment(h.Paused)}
	if h.LastError != "" {
		out.LastError = &h.LastError
	}
	return out
}
