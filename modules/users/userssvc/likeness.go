package userssvc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"anihub/modules/users"
	"anihub/platform/documents"
)

// Letters that look like another one, in pairs of strings of equal length: a part of
// the confusables of UTS #39 (Unicode 16), those between scripts that logins are
// written in. A letter may look like one thing when it is a capital and like another
// when it is small, so that capitals are compared as they were typed.
const (
	capitals     = "IІӀΙ" + "ΑΒΕΖΗΚΜΝΟΡΤΥΧ" + "АВЕЅЈКМНОРСТУХԚԜҺЗЬԌҮ" + "ՍՕԼ"
	capitalsLike = "llll" + "abezhkmnoptyx" + "abesjkmhopctyxqwh3bgy" + "uol"

	digits     = "01"
	digitsLike = "ol"

	lunate     = "Ϲϲ" // sigmas that normalisation makes to ones that look like nothing else
	lunateLike = "cc"

	small     = "ıɩɪɑɡʏᴀʙᴄᴅᴇꜰɢʜᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡᴢ" + "αβγεηικνορτυχωϳ" + "авгеѕіјкмнорстухԁԛԝһѵӏзбьүѡ" + "օոսհզցգյքռա" + "ᎠᎡᎢᎥᎪᎫᎬᎳᎷᎻᏀᏃᏏᏚᏞᏟᏢᏦᏴ"
	smallLike = "iiiagyabcdefghjklmnoprstuvwz" + "abyenikvoptuxwj" + "abresijkmhopctyxdqwhvl36byw" + "onuhqgqjfnw" + "drtiajewmhgzbslcpkb"
)

// swap writes what a letter looks like in its place.
func swap(s, from, to string) string {
	pairs := make([]string, 0, 2*len(to))
	i := 0
	for _, r := range from {
		pairs = append(pairs, string(r), to[i:i+1])
		i++
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// likeness is alike for logins that people take for one another (the skeleton of
// UTS #39 §4). It is no text to show, and says nothing of how to sign in.
func likeness(login string) string {
	s := norm.NFKD.String(swap(login, lunate, lunateLike))
	s = swap(swap(s, capitals, capitalsLike), digits, digitsLike)
	s = norm.NFKD.String(cases.Fold().String(s))
	return strings.ReplaceAll(swap(s, small, smallLike), "m", "rn")
}

// reservation keeps a likeness for a user. Its id is the hash of it.
type reservation struct {
	User string    `bson:"user"`
	At   time.Time `bson:"at"`
	Rest rest      `bson:",inline"`
}

func reservationID(login string) string {
	sum := sha256.Sum256([]byte(likeness(login)))
	return hex.EncodeToString(sum[:])
}

// settling is how long a reservation without an account is believed: a registration
// that died between the two must not keep a name for ever.
const settling = time.Minute

// reserve takes the likeness of a login for a new account. ErrAccountExists when
// another account looks the same.
func (s *Service) reserve(ctx context.Context, login, user string) error {
	id, mine := reservationID(login), reservation{User: user, At: now()}
	err := s.store.likenesses.Insert(ctx, id, mine)
	if !errors.Is(err, documents.ErrExists) {
		return err
	}
	var held reservation
	version, err := s.store.likenesses.Get(ctx, id, &held)
	if errors.Is(err, documents.ErrNotFound) {
		return documents.ErrVersion // it went meanwhile: try again
	}
	if err != nil {
		return err
	}
	_, err = s.store.account(ctx, held.User)
	switch {
	case err == nil || now().Sub(held.At) < settling && !s.buried(ctx, held.User):
		return users.ErrAccountExists
	case !errors.Is(err, users.ErrNotFound):
		return err
	}
	return s.store.likenesses.Replace(ctx, id, version, mine)
}

// buried tells of an account that is known to be gone, rather than not there yet.
func (s *Service) buried(ctx context.Context, user string) bool {
	var a account
	_, err := s.store.users.Get(ctx, user, &a)
	return err == nil && a.DeletedAt != nil
}

// release gives the likeness back when the registration failed after all. What
// cannot be given back is free after a minute.
func (s *Service) release(ctx context.Context, login string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	if err := s.store.likenesses.Delete(ctx, reservationID(login)); err != nil {
		s.log.WarnContext(ctx, "the name of a failed registration stays reserved for a minute", "err", err)
	}
}
