package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// event is a VEVENT: properties by name, with parameters in front of the value.
type event map[string]string

// parseCalendar is RFC 5545 as far as a calendar of events needs: lines (§3.1), texts
// (§3.3.11), what must be there and how often (§3.6, §3.6.1).
func parseCalendar(doc []byte) (head map[string]string, events []event, err error) {
	lines, err := contentLines(doc)
	if err != nil {
		return nil, nil, err
	}
	if len(lines) < 2 || lines[0] != "BEGIN:VCALENDAR" || lines[len(lines)-1] != "END:VCALENDAR" {
		return nil, nil, errors.New("no calendar")
	}
	head = map[string]string{}
	at := head
	for _, line := range lines[1 : len(lines)-1] {
		switch line {
		case "BEGIN:VEVENT":
			at = event{}
			events = append(events, at)
			continue
		case "END:VEVENT":
			at = head
			continue
		}
		if err := property(at, line); err != nil {
			return nil, nil, err
		}
	}
	return head, events, lawful(head, events)
}

func contentLines(doc []byte) ([]string, error) {
	if !utf8.Valid(doc) || !bytes.HasSuffix(doc, []byte("\r\n")) {
		return nil, errors.New("not UTF-8 lines that end in CRLF")
	}
	var out []string
	for line := range strings.SplitSeq(strings.TrimSuffix(string(doc), "\r\n"), "\r\n") {
		switch {
		case len(line) > 75 || !utf8.ValidString(line):
			return nil, fmt.Errorf("a line of %d octets: %q", len(line), line)
		case strings.ContainsFunc(line, func(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }):
			return nil, fmt.Errorf("a control character in %q", line)
		case strings.HasPrefix(line, " ") && len(out) > 0:
			out[len(out)-1] += line[1:]
		case line == "" || line[0] == '\t':
			return nil, fmt.Errorf("line %q", line)
		default:
			out = append(out, line)
		}
	}
	return out, nil
}

var contentLine = regexp.MustCompile(`^([A-Z][A-Z0-9-]*)((?:;[A-Z-]+=[^;:",]+)*):(.*)$`)

func property(into map[string]string, line string) error {
	m := contentLine.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("line %q", line)
	}
	if _, twice := into[m[1]]; twice {
		return fmt.Errorf("%s twice", m[1])
	}
	value := m[3]
	if slices.Contains([]string{"SUMMARY", "DESCRIPTION", "NAME", "X-WR-CALNAME", "UID"}, m[1]) {
		var err error
		if value, err = unescaped(value); err != nil {
			return err
		}
	}
	into[m[1]] = strings.TrimPrefix(m[2]+" ", " ") + value
	return nil
}

func unescaped(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == ';' || s[i] == ',':
			return "", fmt.Errorf("a bare %c in %q", s[i], s)
		case s[i] != '\\':
			b.WriteByte(s[i])
		case i+1 == len(s) || !strings.ContainsRune(`\;,nN`, rune(s[i+1])):
			return "", fmt.Errorf("a bare backslash in %q", s)
		default:
			i++
			b.WriteString(strings.NewReplacer("n", "\n", "N", "\n").Replace(s[i : i+1]))
		}
	}
	return b.String(), nil
}

var (
	utcTime = regexp.MustCompile(`^\d{8}T\d{6}Z$`)
	dayOnly = regexp.MustCompile(`^;VALUE=DATE \d{8}$`)
)

func lawful(head map[string]string, events []event) error {
	if head["VERSION"] != "2.0" || head["PRODID"] == "" || head["X-WR-CALNAME"] == "" || head["NAME"] == "" ||
		head["REFRESH-INTERVAL"] != ";VALUE=DURATION PT1H" || head["METHOD"] != "" {
		return fmt.Errorf("head %q", head)
	}
	seen := map[string]bool{}
	for _, e := range events {
		switch {
		case strings.ContainsFunc(e["SUMMARY"]+e["DESCRIPTION"], reachesOut):
			return fmt.Errorf("control characters in %q", e)
		case e["UID"] == "" || seen[e["UID"]]:
			return fmt.Errorf("uid %q", e["UID"])
		case !utcTime.MatchString(e["DTSTAMP"]) || e["SUMMARY"] == "" || strings.Contains(e["SUMMARY"], "\n") || !absolute(e["URL"]):
			return fmt.Errorf("event %q", e)
		case dayOnly.MatchString(e["DTSTART"]) && e["DTEND"] == "":
		case !utcTime.MatchString(e["DTSTART"]) || !utcTime.MatchString(e["DTEND"]) || e["DTEND"] <= e["DTSTART"]:
			return fmt.Errorf("from %q to %q", e["DTSTART"], e["DTEND"])
		}
		seen[e["UID"]] = true
	}
	return nil
}
