package realtimesvc

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"

	"anihub/platform/eventlog"
	"anihub/platform/fault"
)

// Commands of a viewer.
const (
	cmdAuth             = "auth"
	cmdSubscribeTitle   = "subscribe_title"
	cmdUnsubscribeTitle = "unsubscribe_title"
	cmdSubscribeUpdates = "subscribe_updates"
	cmdResume           = "resume"
	cmdPing             = "ping"
)

// Limits of a command beside its size.
const (
	maxDepth  = 16 // of its JSON
	maxID     = 64 // bytes of its id
	maxToken  = 8 << 10
	maxNames  = 16   // entries of types
	maxTitles = 5000 // entries of titles; how many fit is the limit of subscriptions
	maxDetail = 40   // bytes of a viewer's text that an error repeats
)

// What a command can be answered with instead of its answer.
var (
	errBadFrame    = fault.New(fault.Invalid, "BAD_FRAME", `A frame is a JSON object {"type","id"?,"data"}.`)
	errUnknownType = fault.New(fault.Invalid, "UNKNOWN_TYPE", "There is no such command.")
	errBadData     = fault.New(fault.Unprocessable, "BAD_DATA", "The data of the command is not acceptable.")
	errLimit       = fault.New(fault.TooMany, "SUBSCRIPTION_LIMIT", "Too many subscriptions on this connection.")
	errRate        = fault.New(fault.TooMany, "RATE_LIMITED", "Too many commands; slow down or the connection is closed.")
	errSignIn      = fault.New(fault.Unauthenticated, "AUTH_REQUIRED", "Sign in first: send auth.")
	errToken       = fault.New(fault.Unauthenticated, "BAD_TOKEN", "The token is not valid.")
	errOtherUser   = fault.New(fault.Conflict, "OTHER_USER", "This connection belongs to another user; open a new one.")
	errAgain       = fault.New(fault.Unavailable, "TRY_AGAIN", "Sessions changed while signing in; send auth again.")
)

// command is one parsed frame.
type command struct {
	typ     string
	id      json.RawMessage
	token   string
	titleID int
	types   []string
	titles  []int
	since   *eventlog.Position // where the viewer was; nil = from now on
}

// parseCommand reads one frame. The id is filled, where there is one, even when
// the rest is not acceptable, so that the error can carry it.
func parseCommand(frame []byte) (command, *fault.Error) {
	var c command
	if deep(frame) {
		return c, errBadFrame.Detail("max_depth", maxDepth)
	}
	fields, ok := object(frame)
	if !ok {
		return c, errBadFrame
	}
	if id := fields["id"]; len(id) > 0 && !isNull(id) {
		if !acceptableID(id) {
			return c, errBadFrame.Detail("field", "id").Detail("accepted", "a string or number of at most 64 bytes")
		}
		c.id = id
	}
	if name := unknown(fields, "type", "id", "data"); name != "" {
		return c, errBadFrame.Detail("field", name)
	}
	if json.Unmarshal(fields["type"], &c.typ) != nil || c.typ == "" {
		return c, errBadFrame.Detail("field", "type")
	}
	return c, c.read(fields["data"])
}

// read takes the data that belongs to the type.
func (c *command) read(data json.RawMessage) *fault.Error {
	switch c.typ {
	case cmdPing:
		return nil
	case cmdAuth:
		return c.fill(data, "token")
	case cmdSubscribeTitle:
		return c.fill(data, "title_id", "since")
	case cmdUnsubscribeTitle:
		return c.fill(data, "title_id")
	case cmdSubscribeUpdates:
		if f := c.fill(data, "types", "titles", "since"); f != nil {
			return f
		}
		if len(c.types)+len(c.titles) == 0 {
			return badTypes()
		}
		return nil
	case cmdResume:
		return c.fill(data, "position")
	}
	return errUnknownType.Detail("type", clip(c.typ))
}

// fill reads the named fields of data. All but since are required, and one of types and
// titles is enough. A field that
// is not named is an error: who writes "sines" would lose events silently.
func (c *command) fill(data json.RawMessage, names ...string) *fault.Error {
	fields, ok := object(data)
	if !ok {
		return errBadData.Detail("field", "data").Detail("accepted", "an object")
	}
	if name := unknown(fields, names...); name != "" {
		return errBadData.Detail("field", name)
	}
	for _, name := range names {
		raw := fields[name]
		if f := c.field(name, raw); f != nil {
			return f
		}
	}
	return nil
}

func (c *command) field(name string, raw json.RawMessage) *fault.Error {
	switch name {
	case "token":
		if json.Unmarshal(raw, &c.token) != nil || c.token == "" || len(c.token) > maxToken {
			return errBadData.Detail("field", name)
		}
	case "title_id":
		if json.Unmarshal(raw, &c.titleID) != nil || c.titleID < 1 || c.titleID > math.MaxInt32 {
			return errBadData.Detail("field", name).Detail("accepted", "a whole number from 1")
		}
	case "types":
		return c.readTypes(raw)
	case "titles":
		return c.readTitles(raw)
	case "since":
		if len(raw) == 0 || isNull(raw) || string(raw) == `""` {
			return nil
		}
		return c.position(raw)
	case "position":
		return c.position(raw)
	}
	return nil
}

func (c *command) position(raw json.RawMessage) *fault.Error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return eventlog.ErrPosition
	}
	p, err := eventlog.ParsePosition(s)
	if err != nil {
		return fault.Of(err)
	}
	c.since = &p
	return nil
}

func badTypes() *fault.Error {
	return errBadData.Detail("field", "types").Detail("accepted", kindNames())
}

// readTitles takes nothing for no titles.
func (c *command) readTitles(raw json.RawMessage) *fault.Error {
	if len(raw) == 0 {
		return nil
	}
	bad := errBadData.Detail("field", "titles").Detail("accepted", "a list of whole numbers from 1")
	if json.Unmarshal(raw, &c.titles) != nil || len(c.titles) == 0 || len(c.titles) > maxTitles {
		return bad
	}
	slices.Sort(c.titles)
	c.titles = slices.Compact(c.titles)
	if c.titles[0] < 1 || c.titles[len(c.titles)-1] > math.MaxInt32 {
		return bad
	}
	return nil
}

// readTypes takes nothing for no types; that there are titles then, is seen to later.
func (c *command) readTypes(raw json.RawMessage) *fault.Error {
	if len(raw) == 0 {
		return nil
	}
	bad := badTypes()
	if json.Unmarshal(raw, &c.types) != nil || len(c.types) == 0 || len(c.types) > maxNames {
		return bad
	}
	slices.Sort(c.types)
	c.types = slices.Compact(c.types)
	for _, t := range c.types {
		if _, ok := kindOf(t); !ok {
			return bad.Detail("type", clip(t))
		}
	}
	return nil
}

// object reads the members of a JSON object, their names taken exactly.
func object(raw []byte) (map[string]json.RawMessage, bool) {
	var fields map[string]json.RawMessage
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &fields) != nil {
		return nil, false
	}
	return fields, true
}

// unknown is a member, in the order of the alphabet, that is not among the names.
func unknown(fields map[string]json.RawMessage, names ...string) string {
	first := ""
	for name := range fields {
		if !slices.Contains(names, name) && (first == "" || name < first) {
			first = name
		}
	}
	return clip(first)
}

func acceptableID(id json.RawMessage) bool {
	if id[0] != '"' {
		return len(id) <= maxID && (id[0] == '-' || id[0] >= '0' && id[0] <= '9')
	}
	var s string
	return json.Unmarshal(id, &s) == nil && len(s) <= maxID
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// deep tells whether brackets are nested deeper than maxDepth, before a parser
// recurses into them. Whether they match is the parser's business.
func deep(frame []byte) bool {
	depth, text, escaped := 0, false, false
	for _, b := range frame {
		switch {
		case escaped:
			escaped = false
		case text:
			escaped = b == '\\'
			text = b != '"'
		case b == '"':
			text = true
		case b == '{' || b == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return false
}

// clip keeps a viewer's text from filling an error.
func clip(s string) string {
	if len(s) <= maxDetail {
		return s
	}
	return string(bytes.ToValidUTF8([]byte(s[:maxDetail]), nil)) + "…"
}
