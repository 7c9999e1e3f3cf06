package internalapi

import (
	"time"

	syncer "anihub/modules/sync"
	"anihub/modules/users"
	"anihub/platform/audit"
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
}

type progressJSON struct {
	Done   int `json:"done"`
	Total  int `json:"total"`
	Failed int `json:"failed"`
}

type jobError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func jobOf(j syncer.Job) jobJSON {
	out := jobJSON{
		JobID: j.ID, Kind: j.Kind, State: j.State, Priority: j.Priority, TitleID: j.TitleID,
		Progress:  progressJSON(j.Progress),
		CreatedAt: moment(j.CreatedAt), StartedAt: moment(j.StartedAt), FinishedAt: moment(j.FinishedAt),
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
	return userJSON{u.ID, u.Login, u.Name, append([]string{}, u.Roles...), u.Banned, moment(u.CreatedAt)}
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
	return validationJSON{Valid: true, UserID: v.UserID, Roles: v.Roles, ExpiresAt: moment(v.ExpiresAt)}
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
		Runner: s.Runner, LastPoll: moment(s.LastPoll), LastFull: moment(s.LastFull),
		NextPoll: moment(s.NextPoll), NextFull: moment(s.NextFull), Queue: s.Queue,
		Published: s.Published, Unpublished: s.Unfinished,
	}
	if s.LastError != "" {
		out.LastError = &s.LastError
	}
	return out
}

// moment is RFC 3339 in UTC; a time that is not known is null.
func moment(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339)
	return &s
}

type auditJSON struct {
	At        *string        `json:"at"`
	Service   string         `json:"service"`
	Action    string         `json:"action"`
	Details   map[string]any `json:"details"`
	RequestID string         `json:"request_id"`
}

func auditOf(r audit.Record) auditJSON {
	return auditJSON{moment(r.At), r.Service, r.Action, r.Details, r.RequestID}
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
	out := hostJSON{Host: h.Host, Breaker: h.Breaker, Active: h.Active, Since: moment(h.Since), PausedUntil: moment(h.Paused)}
	if h.LastError != "" {
		out.LastError = &h.LastError
	}
	return out
}

// each maps a list; an empty one is [], never null.
func each[A, B any](all []A, f func(A) B) []B {
	out := make([]B, len(all))
	for i, a := range all {
		out[i] = f(a)
	}
	return out
}
