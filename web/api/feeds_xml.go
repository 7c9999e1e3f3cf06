package api

import (
	"encoding/xml"
	"html"
	"strings"

	"anihub/platform/fault"
)

// mediaSpace is the namespace of Media RSS, whose thumbnail readers show beside an item.
const mediaSpace = "http://search.yahoo.com/mrss/"

// thumbnail is a picture of an item. It is no enclosure: that would need the size of a
// file which is not ours.
type thumbnail struct {
	URL string `xml:"url,attr"`
}

func (i feedItem) thumbnail() *thumbnail {
	if i.picture == "" {
		return nil
	}
	return &thumbnail{i.picture}
}

// html is the body of an item. What comes from the upstream is text in it, never
// markup.
func (i feedItem) html() string {
	var b strings.Builder
	if i.picture != "" {
		b.WriteString(`<p><img src="` + html.EscapeString(i.picture) + `" alt=""></p>`)
	}
	if i.episode != "" {
		b.WriteString("<p><strong>" + html.EscapeString(i.episode) + "</strong></p>")
	}
	for line := range strings.SplitSeq(i.description, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString("<p>" + html.EscapeString(line) + "</p>")
		}
	}
	return b.String()
}

// xmlDocument encodes a tree; it cannot fail for trees of texts.
func xmlDocument(mime string, tree any) (document, error) {
	b, err := xml.Marshal(tree)
	if err != nil {
		return document{}, fault.ErrInternal.With(err)
	}
	return document{mime: mime, bytes: append([]byte(xml.Header), b...)}, nil
}
