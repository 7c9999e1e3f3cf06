package openapi

import (
	"html/template"
	"strings"
)

// prose is a description as paragraphs. Of Markdown it knows what the documents use:
// blank lines, `code` and **strong**.
func prose(s string) template.HTML {
	var b strings.Builder
	for p := range strings.SplitSeq(s, "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			b.WriteString("<p>" + string(line(p)) + "</p>")
		}
	}
	return template.HTML(b.String()) //nolint:gosec // line escapes
}

// line is a description within a line.
func line(s string) template.HTML {
	parts := strings.Split(template.HTMLEscapeString(s), "`")
	for i, p := range parts {
		if i%2 == 1 && i < len(parts)-1 {
			parts[i] = "<code>" + p + "</code>"
			continue
		}
		parts[i] = strong(p)
	}
	return template.HTML(strings.Join(parts, "")) //nolint:gosec // escaped above
}

func strong(s string) string {
	parts := strings.Split(s, "**")
	for i := 1; i < len(parts)-1; i += 2 {
		parts[i] = "<strong>" + parts[i] + "</strong>"
	}
	return strings.Join(parts, "")
}
