package realtimesvc

import (
	"context"
	"time"

	"anihub/modules/realtime"
	"anihub/modules/users"
	"anihub/platform/fault"
)

// refreshTime is how long an expired token is put up with after auth_expired;
// firstAuthTime how long a viewer may stay unknown where nobody may.
const (
	refreshTime   = 30 * time.Second
	firstAuthTime = 10 * time.Second
)

// lookTime bounds what the users module may take to look at a token.
const lookTime = 5 * time.Second

// reasonBanned is what users say about a banned account's token, and the reason
// of an ending that comes from a ban.
const reasonBanned = "banned"

func (c *conversation) auth(ctx context.Context, cmd command) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	ends := c.s.hub.endings()
	v, titles, f := c.s.look(ctx, cmd.token)
	if f == nil {
		f = c.signIn(ctx, v, ends)
	}
	switch {
	case f != nil && f.Code == users.ErrBanned.Code:
		c.fail(cmd.id, f)
		c.finish(&realtime.Closed{Code: realtime.CloseBanned, Reason: reasonBanned}, true)
	case f != nil:
		c.fail(cmd.id, f)
	default:
		// The answer comes with the subscriptions: after it nothing may be missed.
		c.assign(task{typ: cmdAuth, id: cmd.id, wish: wish{titles: titles}, signed: authData{v.UserID, v.ExpiresAt.UTC()}})
	}
	return nil
}

// look asks whose token it is and which titles are theirs. Both answers are
// needed: signed in without the titles would look like a user who has none.
func (s *Service) look(ctx context.Context, token string) (users.Validation, []int, *fault.Error) {
	if s.users == nil {
		return users.Validation{}, nil, users.ErrUnavailable
	}
	v, err := s.users.Validate(ctx, token)
	if err != nil {
		return v, nil, fault.Of(err)
	}
	if v.Reason == reasonBanned && !v.Valid {
		return v, nil, users.ErrBanned
	}
	if !v.Valid {
		return v, nil, errToken.Detail("reason", v.Reason)
	}
	subs, err := s.users.Subscriptions(ctx, v.UserID)
	if err != nil {
		return v, nil, fault.Of(err)
	}
	titles := make([]int, len(subs))
	for i, t := range subs {
		titles[i] = t.TitleID
	}
	return v, titles, nil
}

// signIn makes the conversation the user's, unless the session ended between the
// look at the token and now.
func (c *conversation) signIn(ctx context.Context, v users.Validation, ends uint64) *fault.Error {
	known := c.whose()
	if known != "" && known != v.UserID {
		return errOtherUser
	}
	if known == "" {
		release, err := c.s.fleet.Acquire(ctx, v.UserID, c.s.cfg.MaxConnectionsPerUser)
		if err != nil {
			return fault.Of(err)
		}
		if !c.become(v, release) {
			release()
			return nil // it is over: nobody reads the answer
		}
	}
	return c.confirm(v, ends)
}

func (c *conversation) whose() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.user
}

// become enters the user into the index first and the conversation second, so
// that no ending passes between the two unseen.
func (c *conversation) become(v users.Validation, release func()) bool {
	c.shard.signIn(c, v.UserID)
	c.mu.Lock()
	gone := c.closed != nil || c.left
	if !gone {
		c.user, c.login, c.release = v.UserID, v.SessionID, release
	}
	c.mu.Unlock()
	if gone {
		c.shard.signOut(c, v.UserID)
	}
	return !gone
}

// confirm checks for an ending that was told before the conversation was in the
// index, and starts the clock of the token.
func (c *conversation) confirm(v users.Validation, ends uint64) *fault.Error {
	e, found, sure := c.s.hub.endedSince(ends, v.UserID, v.SessionID)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.login = v.SessionID
	if found {
		c.finishLocked(&realtime.Closed{Code: e.code, Reason: e.reason}, true)
	}
	if !sure {
		c.warned = true // as after auth_expired: the next auth decides
		c.setTimerLocked(refreshTime)
		return errAgain
	}
	c.warned = false
	c.setTimerLocked(time.Until(v.ExpiresAt))
	return nil
}

// setTimerLocked calls expire after d, and not before.
func (c *conversation) setTimerLocked(d time.Duration) {
	if c.closed != nil {
		return
	}
	c.deadline = time.Now().Add(d)
	if c.timer == nil {
		c.timer = time.AfterFunc(d, c.expire)
		return
	}
	c.timer.Reset(d)
}

// expire warns a user whose token expired, and later closes the conversation.
func (c *conversation) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := time.Until(c.deadline)
	switch {
	case c.closed != nil:
	case left > 0: // a new token came while the timer fired
		c.timer.Reset(left)
	case c.user == "":
		c.finishLocked(&realtime.Closed{Code: realtime.CloseAuth, Reason: "sign in first"}, true)
	case !c.warned:
		c.warnLocked()
	default:
		c.finishLocked(&realtime.Closed{Code: realtime.CloseAuth, Reason: "token expired"}, true)
	}
}

// warnLocked asks for a new token.
func (c *conversation) warnLocked() {
	c.warned = true
	c.enqueue(answer(typeAuthExpired, nil, struct {
		Seconds int `json:"seconds"`
	}{int(refreshTime.Seconds())}))
	c.setTimerLocked(refreshTime)
}

// endSession closes the conversation when the ending is its own.
func (c *conversation) endSession(e ending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.hits(c.user, c.login) {
		c.finishLocked(&realtime.Closed{Code: e.code, Reason: e.reason}, true)
	}
}

// endingOf says how a session's end is told. The reasons come from our own log,
// but from another process, so only known ones are repeated to viewers.
func endingOf(d sessionData) ending {
	e := ending{user: d.UserID, session: d.SessionID, code: realtime.CloseAuth, reason: "signed out"}
	switch d.Reason {
	case reasonBanned:
		e.code, e.reason = realtime.CloseBanned, reasonBanned
	case "expired":
		e.reason = "session expired"
	}
	return e
}
