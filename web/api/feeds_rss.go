package api

import (
	"encoding/xml"
	"time"
)

// RSS 2.0 (rssboard.org/rss-specification) with what its best practices profile asks
// for: a link to itself and dates of four digits.

type rssXML struct {
	XMLName xml.Name   `xml:"rss"`
	Version string     `xml:"version,attr"`
	Atom    string     `xml:"xmlns:atom,attr"`
	Media   string     `xml:"xmlns:media,attr"`
	Channel rssChannel `xml:"channel"`
}

type rssChannel struct {
	Title       string    `xml:"title"`
	Link        string    `xml:"link"`
	Description string    `xml:"description"`
	Language    string    `xml:"language"`
	Updated     string    `xml:"lastBuildDate"`
	Generator   string    `xml:"generator"`
	TTL         int       `xml:"ttl"` // minutes
	Self        atomLink  `xml:"atom:link"`
	Items       []rssItem `xml:"item"`
}

type rssItem struct {
	Title       string     `xml:"title"`
	Link        string     `xml:"link"`
	Description string     `xml:"description,omitempty"` // HTML
	Categories  []string   `xml:"category"`
	GUID        rssGUID    `xml:"guid"`
	Published   string     `xml:"pubDate"`
	Thumbnail   *thumbnail `xml:"media:thumbnail"`
}

type rssGUID struct {
	Permanent bool   `xml:"isPermaLink,attr"`
	ID        string `xml:",chardata"`
}

const (
	rssMIME = "application/rss+xml; charset=utf-8"
	rssTTL  = 10
)

// rfc822 is RFC 822 with a year of four digits; GMT is a zone that it knows by name.
const rfc822 = "Mon, 02 Jan 2006 15:04:05 GMT"

func rss(f feed) (document, error) {
	out := rssXML{Version: "2.0", Atom: atomSpace, Media: mediaSpace, Channel: rssChannel{
		Title: f.name, Link: f.home, Description: f.subtitle, Language: f.lang, Updated: rssDate(f.updated),
		Generator: "AniHub", TTL: rssTTL, Self: atomLink{Rel: "self", Type: "application/rss+xml", Href: f.self},
	}}
	for _, i := range f.items {
		out.Channel.Items = append(out.Channel.Items, rssItem{
			Title: i.title, Link: i.link, Description: i.html(), Categories: i.genres,
			GUID: rssGUID{ID: i.id}, Published: rssDate(i.at), Thumbnail: i.thumbnail(),
		})
	}
	return xmlDocument(rssMIME, out)
}

func rssDate(at time.Time) string { return at.UTC().Format(rfc822) }
