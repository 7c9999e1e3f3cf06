package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"anihub/modules"
	"anihub/modules/users"
	"anihub/platform"
	"anihub/platform/audit"
	"anihub/platform/eventlog"
)

// userCommand is one word after anihub user.
type userCommand struct {
	name, usage, does string
	who               bool // takes one EMAIL-OR-LOGIN
	run               func(d *desk, ctx context.Context, who string) error
}

func userCommands() []userCommand {
	return []userCommand{
		{"list", "", "List all accounts, oldest first.", false, (*desk).list},
		{
			"admin", "[-off]", "Make a user an admin; with -off, an admin a user. It holds within a second.", true,
			(*desk).setAdmin,
		},
		{
			"ban", "", "Ban a user: every session ends, sockets close within a second or two, signing in is refused.", true,
			(*desk).ban,
		},
		{
			"unban", "", "Let a banned user in again; they sign in anew.", true,
			(*desk).unban,
		},
		{
			"reset-password", "[-stdin]", "Set another password and end every session. It prints a generated one, once,\n" +
				"or takes the first line of standard input with -stdin.", true,
			(*desk).resetPassword,
		},
	}
}

// desk is where the operator works on accounts: on the store itself, whether or not
// a server runs on it.
type desk struct {
	t         terminal
	users     users.Service
	audit     *audit.Trail
	off       bool
	fromStdin bool
}

// user is the command user.
func user(ctx context.Context, t terminal, args []string) error {
	if len(args) == 0 {
		userUsage(t.err)
		return exit(2)
	}
	for _, c := range userCommands() {
		if c.name == args[0] {
			return c.start(ctx, t, args[1:])
		}
	}
	if args[0] == "-h" || args[0] == "-help" || args[0] == "--help" || args[0] == "help" {
		userUsage(t.out)
		return nil
	}
	_, _ = fmt.Fprintf(t.err, "there is no anihub user %s\n\n", args[0])
	userUsage(t.err)
	return exit(2)
}

func userUsage(w io.Writer) {
	_, _ = fmt.Fprint(w, "anihub user manages accounts. It works on the store of the configuration, whether or not\na server is running on it; a server that is running follows within a second.\n")
	for _, c := range userCommands() {
		_, _ = fmt.Fprintf(w, "\n  %s\n      %s\n", c.line(), strings.ReplaceAll(c.does, "\n", "\n      "))
	}
}

// line is how the command is called.
func (c userCommand) line() string {
	words := []string{"anihub user", c.name, "[-config FILE]", c.usage}
	if c.who {
		words = append(words, "EMAIL-OR-LOGIN")
	}
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
}

// start reads the words, opens the store and runs the command.
func (c userCommand) start(ctx context.Context, t terminal, args []string) error {
	fs, file := flags(t, "user "+c.name)
	d := &desk{t: t}
	switch c.name {
	case "admin":
		fs.BoolVar(&d.off, "off", false, "take the role away")
	case "reset-password":
		fs.BoolVar(&d.fromStdin, "stdin", false, "read the password from the first line of standard input")
	}
	fs.Usage = func() {
		_, _ = fmt.Fprintf(t.err, "%s\n\n%s\n\n", c.line(), c.does)
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return exit(2)
	}
	if c.who != (fs.NArg() == 1) || fs.NArg() > 1 {
		fs.Usage()
		return exit(2)
	}
	return d.open(ctx, *file, func() error { return c.run(d, ctx, fs.Arg(0)) })
}

// open opens the store for as long as the work takes.
func (d *desk) open(ctx context.Context, file string, work func() error) error {
	s, err := loadValid(d.t, file)
	if err != nil {
		return err
	}
	s.Platform.Log.Level = "error"
	p, err := platform.Open(s.Platform, version, d.t.err)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close(ctx) }()
	s.Modules.Target = []string{modules.Users}
	under := ground(p)
	if p.Redis == nil {
		under.Log = elsewhere{p.Log}
	}
	m, err := modules.New(s.Modules, under)
	if err != nil {
		return err
	}
	d.users, d.audit = m.Users, p.Audit
	return work()
}

// elsewhere is the log of a process that is not this one: nothing may be appended to
// it from here. What ends is marked in the store, and told by the server (userssvc.Run).
type elsewhere struct{ eventlog.Log }

// Append implements eventlog.Log.
func (elsewhere) Append(context.Context, eventlog.Entry) (eventlog.Position, bool, error) {
	return eventlog.Position{}, false, eventlog.ErrUnavailable
}

func (d *desk) list(ctx context.Context, _ string) error {
	var all []users.User
	for page := (users.UserPage{Limit: users.MaxUserPage}); ; {
		some, err := d.users.Users(ctx, page)
		if err != nil {
			return err
		}
		all = append(all, some...)
		if len(some) < page.Limit {
			break
		}
		page.After = some[len(some)-1].ID
	}
	slices.SortFunc(all, func(a, b users.User) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID)) })
	w := tabwriter.NewWriter(d.t.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "ID\tLOGIN\tE-MAIL\tROLES\tSTATE\tSINCE")
	for _, u := range all {
		state := "active"
		if u.Banned {
			state = "banned"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", u.ID, u.Login, u.Email, strings.Join(u.Roles, ","), state, u.CreatedAt.Format(time.DateOnly))
	}
	return w.Flush()
}

func (d *desk) setAdmin(ctx context.Context, who string) error {
	u, err := d.users.SetRole(ctx, who, users.RoleAdmin, !d.off)
	if err != nil {
		return err
	}
	is := "is an admin"
	if d.off {
		is = "is no admin"
	}
	return d.say(ctx, "user.admin", u, is)
}

func (d *desk) ban(ctx context.Context, who string) error {
	u, err := d.users.SetBanned(ctx, who, true)
	if err != nil {
		return err
	}
	return d.say(ctx, "user.ban", u, "is banned")
}

func (d *desk) unban(ctx context.Context, who string) error {
	u, err := d.users.SetBanned(ctx, who, false)
	if err != nil {
		return err
	}
	return d.say(ctx, "user.unban", u, "is not banned")
}

// resetPassword prints a generated password alone on standard output, so that it can
// be piped to where it is needed; words go to the other side.
func (d *desk) resetPassword(ctx context.Context, who string) error {
	password := strings.ToLower(rand.Text())
	if d.fromStdin {
		var err error
		if password, err = firstLine(d.t.in); err != nil {
			return err
		}
	}
	u, err := d.users.ResetPassword(ctx, who, password)
	if err != nil {
		return err
	}
	if !d.fromStdin {
		if _, err := fmt.Fprintln(d.t.out, password); err != nil {
			return err
		}
	}
	d.t.out = d.t.err
	return d.say(ctx, "user.reset_password", u, "has a new password and is signed out everywhere")
}

var errNoLine = errors.New("standard input has no line to take the password from")

func firstLine(r io.Reader) (string, error) {
	if r == nil {
		return "", errNoLine
	}
	line, err := bufio.NewReader(io.LimitReader(r, 4<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errNoLine
	}
	return line, nil
}

// say tells what was done, and writes it down by the id, which names nobody.
func (d *desk) say(ctx context.Context, action string, u users.User, is string) error {
	_, err := fmt.Fprintf(d.t.out, "%s <%s> %s\n", u.Login, u.Email, is)
	return errors.Join(err, d.audit.Write(ctx, audit.Record{
		At: time.Now().UTC(), Service: "command line", Action: action, Details: map[string]any{"user_id": u.ID, "off": d.off},
	}))
}
