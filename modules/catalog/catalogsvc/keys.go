package catalogsvc

import (
	"strconv"
	"strings"
)

// Keys of the cache chain, which are also the ids of title documents. The chain
// adds the prefix of the L2.
const (
	titlePrefix     = "title:"
	codePrefix      = "code:"
	franchisePrefix = "franchise:release:"
	recommendPrefix = "recommended:"
	scheduleKey     = "schedule"
)

// TitlePrefix is the prefix of the keys that Titles, the L3 level of this room,
// answers for.
const TitlePrefix = titlePrefix

func titleKey(id int) string { return titlePrefix + strconv.Itoa(id) }

// titleID reads what titleKey wrote. Other spellings of the same number are no
// keys.
func titleID(key string) (int, bool) {
	digits, ok := strings.CutPrefix(key, titlePrefix)
	if !ok {
		return 0, false
	}
	id, err := strconv.Atoi(digits)
	if err != nil || id <= 0 || strconv.Itoa(id) != digits {
		return 0, false
	}
	return id, true
}

// maxCode is the longest slug that is looked up.
const maxCode = 200

// validCode tells whether a text can be a slug at all.
func validCode(s string) bool {
	return s != "" && len(s) <= maxCode && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	}) && strings.Trim(s, ".") != ""
}
