package userssvc

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"anihub/modules/users"
	"anihub/platform/auth"
)

func unacceptable(field, accepted string) error {
	return users.ErrUnacceptable.Detail("field", field).Detail("accepted", accepted)
}

// fold makes one text of all that people take for the same: width, ligatures and
// case (NFKC_Casefold, UAX #31).
func fold(s string) string {
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
}

// identity is the key to look an account up by, for whatever was typed.
func identity(typed string) string {
	typed = strings.TrimSpace(typed)
	if len(typed) > maxEmail || !utf8.ValidString(typed) {
		return ""
	}
	if key := fold(typed); strings.Contains(key, "@") {
		return key
	}
	return skeleton(fold(typed))
}

const acceptedLogin = "3 to 32 letters of one script, digits, and _ - ."

// loginKey checks a login and makes the key by which it is unique.
func loginKey(login string) (string, error) {
	if len(login) > 4*32 || !utf8.ValidString(login) {
		return "", unacceptable("login", acceptedLogin)
	}
	plain := norm.NFKC.String(login)
	n := utf8.RuneCountInString(plain)
	if n < 3 || n > 32 || !loginLetters(plain) || !oneScript(plain) {
		return "", unacceptable("login", acceptedLogin)
	}
	return skeleton(fold(plain)), nil
}

// loginLetters lets letters, digits and _-. in, with at least one of the first
// two, and marks only where a script needs them: at most two on a letter.
func loginLetters(s string) bool {
	solid, marks := false, 3
	for _, r := range s {
		switch {
		case invisible(r):
			return false
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			solid, marks = true, 0
		case unicode.IsMark(r) && marks < 2:
			marks++
		case r == '_' || r == '-' || r == '.':
			marks = 3
		default:
			return false
		}
	}
	return solid
}

// invisible tells of the letters and marks that nobody sees, such as the Hangul
// filler. Zero-width and bidi controls are no letters to begin with.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// oneScript refuses to mix scripts, by which one login is made to look like
// another. Japanese, Korean and Chinese are written in several at once.
func oneScript(s string) bool {
	seen := map[string]bool{}
	for _, r := range s {
		if name := script(r); name != "" {
			seen[name] = true
		}
	}
	if len(seen) < 2 {
		return true
	}
	for _, together := range [][]string{{"Han", "Hiragana", "Katakana"}, {"Han", "Hangul"}, {"Han", "Bopomofo"}} {
		if within(seen, together) {
			return true
		}
	}
	return false
}

func within(seen map[string]bool, allowed []string) bool {
	n := 0
	for _, a := range allowed {
		if seen[a] {
			n++
		}
	}
	return n == len(seen)
}

// script is the name of the script of r; "" for what all scripts share.
func script(r rune) string {
	if r < utf8.RuneSelf {
		if unicode.IsLetter(r) {
			return "Latin"
		}
		return ""
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			if name == "Common" || name == "Inherited" {
				return ""
			}
			return name
		}
	}
	return ""
}

// lookalikes are the Cyrillic and Greek letters that look like a Latin one, small
// or capital (UTS #39, confusables), after case folding.
const (
	lookalikes = "авегѕіјкмнорстухԁԛԝһѵӏ" + "αβεζηικμνορτυχ"
	looksLike  = "abersijkmhopctyxdqwhvl" + "abezhikmvoptux"
)

// skeleton is the Latin text that a login of lookalikes alone would be taken for
// (сосо for coco); any other login is its own. Scripts are not mixed, so nothing
// else can be confused.
func skeleton(key string) string {
	var b strings.Builder
	for _, r := range key {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
			continue
		}
		i := strings.IndexRune(lookalikes, r)
		if i < 0 {
			return key
		}
		b.WriteByte(looksLike[utf8.RuneCountInString(lookalikes[:i])])
	}
	return b.String()
}

// maxEmail is the longest address that a mail server takes (RFC 5321 §4.5.3.1).
const maxEmail = 254

const acceptedEmail = "an address like name@example.org, at most 254 bytes"

// emailKey checks an e-mail address and makes the key by which it is unique.
func emailKey(email string) (string, error) {
	local, domain, _ := strings.Cut(email, "@")
	if len(email) > maxEmail || len(local) > 64 || !utf8.ValidString(email) || !localPart(local) || !domainName(domain) {
		return "", unacceptable("email", acceptedEmail)
	}
	key := fold(email)
	if strings.Count(key, "@") != 1 { // a wide ＠ folds to one
		return "", unacceptable("email", acceptedEmail)
	}
	return key, nil
}

// localPart is a dot-atom (RFC 5322 §3.2.3), letters of any script allowed (RFC 6531).
func localPart(s string) bool {
	for _, atom := range strings.Split(s, ".") {
		if atom == "" {
			return false
		}
		for _, r := range atom {
			if !plainLetter(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r) {
				return false
			}
		}
	}
	return true
}

func domainName(s string) bool {
	labels := strings.Split(s, ".")
	if len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, r := range label {
			if !plainLetter(r) && r != '-' {
				return false
			}
		}
	}
	return true
}

func plainLetter(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)) && !invisible(r)
}

const acceptedPassword = "8 to 128 characters, other than the login or the e-mail"

// checkPassword takes anything that is text; U+FFFD is what invalid text becomes
// on its way through JSON.
func checkPassword(password, login, email string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case n < 8 || n > auth.MaxPasswordRunes || len(password) > auth.MaxPasswordBytes,
		!utf8.ValidString(password) || strings.ContainsRune(password, utf8.RuneError),
		fold(password) == fold(login) || fold(password) == fold(email):
		return unacceptable("password", acceptedPassword)
	}
	return nil
}

const acceptedName = "at most 64 visible characters"

// checkName cleans the shown name. Bidi and zero-width controls are not graphic.
func checkName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if len(name) > 4*64 || !utf8.ValidString(name) || utf8.RuneCountInString(name) > 64 {
		return "", unacceptable("name", acceptedName)
	}
	marks := 0
	for _, r := range name {
		marks++
		if !unicode.IsMark(r) {
			marks = 0
		}
		hidden := unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
		if !unicode.IsGraphic(r) || hidden || r == utf8.RuneError || marks > 4 {
			return "", unacceptable("name", acceptedName)
		}
	}
	return norm.NFC.String(name), nil
}
