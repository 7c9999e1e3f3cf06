// Package animelist reads and writes the files that viewers take their lists with:
// the XML of MyAnimeList and the JSON of Shikimori.
//
// Neither format is specified by its site; what is read here is what the sites export
// (MyAnimeList: panel.php?go=export; Shikimori: /<user>/list_export/animes.json, whose
// ids are MyAnimeList's). Neither knows AniHub's ids, so a file written here says them
// in fields of its own (anihub_id, anihub_code), which other programs pass over, and
// no id of MyAnimeList, which AniHub does not know.
//
// Files come from anywhere: they are bounded, and nothing in them is expanded.
package animelist

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"anihub/platform/fault"
)

// What can be wrong with a file.
var (
	ErrFile     = fault.New(fault.Invalid, "BAD_LIST_FILE", "The file is not a list in this format.")
	ErrTooLarge = fault.New(fault.TooLarge, "LIST_FILE_TOO_LARGE", "The file is too large.")
)

// Format is one of the formats.
type Format string

// The formats.
const (
	MAL       Format = "mal"
	Shikimori Format = "shikimori"
)

// Bounds of a file: its bytes, unpacked, its entries, and the bytes of a name.
const (
	MaxBytes = 4 << 20
	MaxItems = 10_000
	maxName  = 500
)

// Status is a list, by AniHub's name for it.
type Status string

// The lists.
const (
	Planned   Status = "planned"
	Watching  Status = "watching"
	Watched   Status = "watched"
	Postponed Status = "postponed"
	Abandoned Status = "abandoned"
)

// Item is one entry of a file.
type Item struct {
	ID       int    // AniHub's; 0 = the file does not say
	Code     string // likewise
	Name     string // romaji or English
	NameRU   string // Shikimori only
	Type     string // TV, OVA, … as the site says it; MyAnimeList only
	Total    int    // how many episodes the title has; MyAnimeList only; 0 = unknown
	Watched  int    // how many were watched
	Status   Status
	Score    int // 1–10; 0 = none
	Problem  Problem
	SourceID int // the site's; 0 = none
}

// Problem is why an entry cannot be taken; "" = it can.
type Problem string

// The problems that an entry can have by itself.
const (
	NotAnime  Problem = "not_anime"
	BadStatus Problem = "bad_status"
	BadScore  Problem = "bad_score"
)

// Read reads a file, plain or packed with gzip, as MyAnimeList gives it out. ErrFile
// says in its details what is wrong; ErrTooLarge.
func Read(f Format, file []byte) ([]Item, error) {
	plain, err := unpack(file)
	if err != nil {
		return nil, err
	}
	if plain = bytes.TrimPrefix(plain, []byte("\ufeff")); !utf8.Valid(plain) {
		return nil, wrong("the file is not UTF-8")
	}
	if f == MAL {
		return readMAL(plain)
	}
	return readShikimori(plain)
}

// Write writes a file for the user of this name.
func Write(f Format, user string, items []Item) ([]byte, error) {
	if f == MAL {
		return writeMAL(user, items)
	}
	return writeShikimori(items)
}

func wrong(reason string) *fault.Error { return ErrFile.Detail("reason", reason) }

func unpack(file []byte) ([]byte, error) {
	if bytes.HasPrefix(file, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(file))
		if err == nil {
			file, err = io.ReadAll(io.LimitReader(z, MaxBytes+1))
		}
		if err != nil {
			return nil, wrong("the file is packed with gzip, and damaged").With(err)
		}
	}
	if len(file) > MaxBytes {
		return nil, ErrTooLarge.Detail("limit_bytes", MaxBytes)
	}
	return file, nil
}

// tidy makes a name of what a file says.
func tidy(name string) string {
	name = strings.Join(strings.Fields(name), " ")
	for len(name) > maxName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}

// words of the sites for the lists, in small letters. MyAnimeList also writes numbers.
func status(word string) (Status, error) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "planned", "plan to watch", "6":
		return Planned, nil
	case "watching", "rewatching", "1":
		return Watching, nil
	case "completed", "2":
		return Watched, nil
	case "on_hold", "on-hold", "3":
		return Postponed, nil
	case "dropped", "4":
		return Abandoned, nil
	}
	return "", errWord
}

var errWord = errors.New("no such word")

// judge fills in what an entry says in words and numbers, or its problem.
func (i *Item) judge(word string, score int) {
	s, err := status(word)
	switch {
	case i.Problem != "":
	case err != nil:
		i.Problem = BadStatus
	case score < 0 || score > 10:
		i.Problem = BadScore
	default:
		i.Status, i.Score = s, score
	}
	i.ID, i.Total, i.Watched, i.SourceID = bounded(i.ID), bounded(i.Total), bounded(i.Watched), bounded(i.SourceID)
}

// bounded is a number that a file says, or 0 when it cannot be.
func bounded(n int) int {
	if n < 0 || n > 1<<31-1 {
		return 0
	}
	return n
}
