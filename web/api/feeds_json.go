package api

import (
	"encoding/json"

	"anihub/platform/fault"
)

// JSON Feed 1.1 (jsonfeed.org/version/1.1).

const jsonFeedMIME = "application/feed+json; charset=utf-8"

type feedJSON struct {
	Version     string           `json:"version"`
	Title       string           `json:"title"`
	HomePageURL string           `json:"home_page_url"`
	FeedURL     string           `json:"feed_url"`
	Description string           `json:"description"`
	Favicon     string           `json:"favicon"`
	Authors     []feedAuthorJSON `json:"authors"`
	Language    string           `json:"language"`
	Items       []feedItemJSON   `json:"items"` // [] when there are none
}

type feedAuthorJSON struct {
	Name string `json:"name"`
}

type feedItemJSON struct {
	ID          string   `json:"id"`
	URL         string   `json:"url"`
	Title       string   `json:"title"`
	ContentHTML string   `json:"content_html"`
	Summary     string   `json:"summary,omitempty"`
	Image       string   `json:"image,omitempty"`
	Published   string   `json:"date_published"`
	Tags        []string `json:"tags,omitempty"`
}

func jsonFeed(f feed) (document, error) {
	out := feedJSON{
		Version: "https://jsonfeed.org/version/1.1", Title: f.name, HomePageURL: f.home, FeedURL: f.self,
		Description: f.subtitle, Favicon: f.icon, Authors: []feedAuthorJSON{{"AniHub"}}, Language: f.lang,
		Items: make([]feedItemJSON, 0, len(f.items)),
	}
	for _, i := range f.items {
		out.Items = append(out.Items, feedItemJSON{
			ID: i.id, URL: i.link, Title: i.title, ContentHTML: i.html(), Summary: i.episode, Image: i.picture,
			Published: atomDate(i.at), Tags: i.genres,
		})
	}
	b, err := json.Marshal(out)
	if err != nil {
		return document{}, fault.ErrInternal.With(err)
	}
	return document{mime: jsonFeedMIME, bytes: b}, nil
}
