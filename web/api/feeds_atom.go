package api

import (
	"encoding/xml"
	"time"
)

// Atom (RFC 4287).

const (
	atomMIME  = "application/atom+xml; charset=utf-8"
	atomSpace = "http://www.w3.org/2005/Atom"
)

type atomXML struct {
	XMLName  xml.Name    `xml:"feed"`
	Space    string      `xml:"xmlns,attr"`
	Media    string      `xml:"xmlns:media,attr"`
	Lang     string      `xml:"xml:lang,attr"`
	ID       string      `xml:"id"`
	Title    string      `xml:"title"`
	Subtitle string      `xml:"subtitle"`
	Updated  string      `xml:"updated"`
	Author   atomAuthor  `xml:"author"`
	Icon     string      `xml:"icon"`
	Links    []atomLink  `xml:"link"`
	Entries  []atomEntry `xml:"entry"`
}

type atomAuthor struct {
	Name string `xml:"name"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID         string         `xml:"id"`
	Title      string         `xml:"title"`
	Published  string         `xml:"published"`
	Updated    string         `xml:"updated"`
	Link       atomLink       `xml:"link"`
	Categories []atomCategory `xml:"category"`
	Content    atomText       `xml:"content"`
	Thumbnail  *thumbnail     `xml:"media:thumbnail"`
}

type atomCategory struct {
	Term string `xml:"term,attr"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

func atom(f feed) (document, error) {
	out := atomXML{
		Space: atomSpace, Media: mediaSpace, Lang: f.lang, ID: f.id, Title: f.name, Subtitle: f.subtitle,
		Updated: atomDate(f.updated), Author: atomAuthor{"AniHub"}, Icon: f.icon,
		Links: []atomLink{
			{Rel: "self", Type: "application/atom+xml", Href: f.self},
			{Rel: "alternate", Type: "text/html", Href: f.home},
		},
	}
	for _, i := range f.items {
		e := atomEntry{
			ID: i.id, Title: i.title, Published: atomDate(i.at), Updated: atomDate(i.at),
			Link: atomLink{Rel: "alternate", Type: "text/html", Href: i.link}, Content: atomText{"html", i.html()}, Thumbnail: i.thumbnail(),
		}
		for _, g := range i.genres {
			e.Categories = append(e.Categories, atomCategory{g})
		}
		out.Entries = append(out.Entries, e)
	}
	return xmlDocument(atomMIME, out)
}

func atomDate(at time.Time) string { return at.UTC().Format(time.RFC3339) }
