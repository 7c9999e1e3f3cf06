package api_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// The formats as their documents have them, checked by readers that know nothing of
// the writers: XML token by token with its namespaces, JSON strictly, calendars line by
// line.

// item is what a reader takes from an entry of any format.
type item struct {
	ID, Link, Title, HTML, Picture string
	At                             time.Time
	Categories                     []string
}

// read is a feed as a reader sees it.
type readFeed struct {
	ID, Title, Link, Self, Lang string
	Updated                     time.Time
	Items                       []item
}

// node is an element.
type node struct {
	name     xml.Name
	attr     map[string]string // by "space local"
	text     string
	children []*node
}

// tree reads a whole document: one root, prefixes that are declared, no directives.
func tree(doc []byte) (*node, error) {
	if !utf8.Valid(doc) {
		return nil, errors.New("not UTF-8")
	}
	if !bytes.HasPrefix(doc, []byte(xml.Header)) {
		return nil, errors.New("no XML declaration")
	}
	dec := xml.NewDecoder(bytes.NewReader(doc))
	var root *node
	var open []*node
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) && root != nil && len(open) == 0 {
			return root, nil
		}
		if err != nil {
			return nil, err
		}
		switch x := token.(type) {
		case xml.StartElement:
			n, err := element(x)
			if err != nil {
				return nil, err
			}
			if len(open) > 0 {
				open[len(open)-1].children = append(open[len(open)-1].children, n)
			} else if root != nil {
				return nil, errors.New("two roots")
			} else {
				root = n
			}
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(x)
			}
		case xml.Directive, xml.Comment:
			return nil, fmt.Errorf("%T in a feed", token)
		}
	}
}

func element(x xml.StartElement) (*node, error) {
	n := &node{name: x.Name, attr: map[string]string{}}
	for _, a := range x.Attr {
		key := strings.TrimSpace(a.Name.Space + " " + a.Name.Local)
		if _, twice := n.attr[key]; twice {
			return nil, fmt.Errorf("<%s> has %s twice", x.Name.Local, key)
		}
		n.attr[key] = a.Value
	}
	if s := x.Name.Space; s != "" && s != atomNS && s != mediaNS {
		return nil, fmt.Errorf("<%s> is of %q", x.Name.Local, s)
	}
	return n, nil
}

const (
	atomNS  = "http://www.w3.org/2005/Atom"
	mediaNS = "http://search.yahoo.com/mrss/"
	xmlNS   = "http://www.w3.org/XML/1998/namespace"
)

func (n *node) all(space, local string) (out []*node) {
	for _, c := range n.children {
		if c.name == (xml.Name{Space: space, Local: local}) {
			out = append(out, c)
		}
	}
	return out
}

// one is a child that must be there once.
func (n *node) one(space, local string) (*node, error) {
	all := n.all(space, local)
	if len(all) != 1 {
		return nil, fmt.Errorf("<%s> has %d <%s>", n.name.Local, len(all), local)
	}
	return all[0], nil
}

// texts are the texts of children that must be there once and not be empty.
func (n *node) texts(space string, names ...string) ([]string, error) {
	out := make([]string, len(names))
	for i, name := range names {
		c, err := n.one(space, name)
		if err != nil {
			return nil, err
		}
		if out[i] = c.text; strings.TrimSpace(c.text) == "" {
			return nil, fmt.Errorf("<%s> of <%s> is empty", name, n.name.Local)
		}
	}
	return out, nil
}

// RSS 2.0: the required elements of the channel, an identity and a date of each item.
func parseRSS(doc []byte) (readFeed, error) {
	root, err := tree(doc)
	if err != nil {
		return readFeed{}, err
	}
	if root.name != (xml.Name{Local: "rss"}) || root.attr["version"] != "2.0" {
		return readFeed{}, fmt.Errorf("root %v %v", root.name, root.attr)
	}
	channel, err := root.one("", "channel")
	if err != nil {
		return readFeed{}, err
	}
	head, err := channel.texts("", "title", "link", "description", "language", "lastBuildDate")
	if err != nil {
		return readFeed{}, err
	}
	self, err := channel.one(atomNS, "link")
	if err != nil {
		return readFeed{}, err
	}
	out := readFeed{Title: head[0], Link: head[1], Lang: head[3], Self: self.attr["href"]}
	if self.attr["rel"] != "self" || self.attr["type"] != "application/rss+xml" {
		return readFeed{}, fmt.Errorf("self link %v", self.attr)
	}
	if out.Updated, err = time.Parse(time.RFC1123, head[4]); err != nil {
		return readFeed{}, err
	}
	for _, n := range channel.all("", "item") {
		i, err := rssItem(n)
		if err != nil {
			return readFeed{}, err
		}
		out.Items = append(out.Items, i)
	}
	return out, sound(out)
}

func rssItem(n *node) (item, error) {
	texts, err := n.texts("", "title", "link", "pubDate", "guid")
	if err != nil {
		return item{}, err
	}
	i := item{Title: texts[0], Link: texts[1], ID: texts[3], Picture: thumbnailOf(n)}
	if n.all("", "guid")[0].attr["isPermaLink"] != "false" {
		return item{}, errors.New("a guid that claims to be a link")
	}
	if d := n.all("", "description"); len(d) == 1 {
		i.HTML = d[0].text
	}
	for _, c := range n.all("", "category") {
		i.Categories = append(i.Categories, c.text)
	}
	if !strings.HasSuffix(texts[2], " GMT") {
		return item{}, fmt.Errorf("date %q", texts[2])
	}
	i.At, err = time.Parse(time.RFC1123, texts[2])
	return i, err
}

func thumbnailOf(n *node) string {
	if t := n.all(mediaNS, "thumbnail"); len(t) == 1 {
		return t[0].attr["url"]
	}
	return ""
}

// RFC 4287 §4.1.1 and §4.1.2.
func parseAtom(doc []byte) (readFeed, error) {
	root, err := tree(doc)
	if err != nil {
		return readFeed{}, err
	}
	if root.name != (xml.Name{Space: atomNS, Local: "feed"}) {
		return readFeed{}, fmt.Errorf("root %v", root.name)
	}
	head, err := root.texts(atomNS, "id", "title", "updated")
	if err != nil {
		return readFeed{}, err
	}
	author, err := root.one(atomNS, "author")
	if err != nil {
		return readFeed{}, err
	}
	if _, err := author.texts(atomNS, "name"); err != nil {
		return readFeed{}, err
	}
	out := readFeed{ID: head[0], Title: head[1], Lang: root.attr[xmlNS+" lang"]}
	if out.Updated, err = time.Parse(time.RFC3339, head[2]); err != nil {
		return readFeed{}, err
	}
	if out.Self, err = link(root, "self"); err != nil {
		return readFeed{}, err
	}
	if out.Link, err = link(root, "alternate"); err != nil {
		return readFeed{}, err
	}
	for _, n := range root.all(atomNS, "entry") {
		i, err := atomItem(n)
		if err != nil {
			return readFeed{}, err
		}
		out.Items = append(out.Items, i)
	}
	return out, sound(out)
}

func link(n *node, rel string) (string, error) {
	var found []string
	for _, l := range n.all(atomNS, "link") {
		if l.attr["rel"] == rel {
			found = append(found, l.attr["href"])
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("<%s> has %d links %q", n.name.Local, len(found), rel)
	}
	return found[0], nil
}

func atomItem(n *node) (i item, err error) {
	texts, err := n.texts(atomNS, "id", "title", "updated", "published")
	if err != nil {
		return item{}, err
	}
	i = item{ID: texts[0], Title: texts[1], Picture: thumbnailOf(n)}
	if i.At, err = time.Parse(time.RFC3339, texts[2]); err != nil {
		return item{}, err
	}
	if i.Link, err = link(n, "alternate"); err != nil {
		return item{}, err
	}
	content, err := n.one(atomNS, "content")
	if err != nil {
		return item{}, err
	}
	if content.attr["type"] != "html" || len(content.children) > 0 {
		return item{}, fmt.Errorf("content %v with %d children", content.attr, len(content.children))
	}
	i.HTML = content.text
	for _, c := range n.all(atomNS, "category") {
		if c.attr["term"] == "" {
			return item{}, errors.New("a category without a term")
		}
		i.Categories = append(i.Categories, c.attr["term"])
	}
	return i, nil
}

// JSON Feed 1.1: no field that it does not know, none that it requires missing.
func parseJSONFeed(doc []byte) (readFeed, error) {
	var f struct {
		Version     string                  `json:"version"`
		Title       string                  `json:"title"`
		HomePageURL string                  `json:"home_page_url"`
		FeedURL     string                  `json:"feed_url"`
		Description string                  `json:"description"`
		Favicon     string                  `json:"favicon"`
		Authors     []struct{ Name string } `json:"authors"`
		Language    string                  `json:"language"`
		Items       *[]struct {
			ID            string   `json:"id"`
			URL           string   `json:"url"`
			Title         string   `json:"title"`
			ContentHTML   *string  `json:"content_html"`
			Summary       string   `json:"summary"`
			Image         string   `json:"image"`
			DatePublished string   `json:"date_published"`
			Tags          []string `json:"tags"`
		} `json:"items"`
	}
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return readFeed{}, err
	}
	if f.Version != "https://jsonfeed.org/version/1.1" || f.Items == nil || len(f.Authors) != 1 || f.Authors[0].Name == "" || !absolute(f.Favicon) {
		return readFeed{}, fmt.Errorf("head %+v", f)
	}
	out := readFeed{Title: f.Title, Link: f.HomePageURL, Self: f.FeedURL, Lang: f.Language}
	for _, x := range *f.Items {
		at, err := time.Parse(time.RFC3339, x.DatePublished)
		if err != nil {
			return readFeed{}, err
		}
		if x.ContentHTML == nil {
			return readFeed{}, errors.New("an item without content")
		}
		out.Items = append(out.Items, item{x.ID, x.URL, x.Title, *x.ContentHTML, x.Image, at, x.Tags})
	}
	if len(out.Items) > 0 {
		out.Updated = out.Items[0].At
	}
	return out, sound(out)
}

// sound is what every format wants.
func sound(f readFeed) error {
	if f.Title == "" || f.Lang != "ru" && f.Lang != "en" || !absolute(f.Link) || !absolute(f.Self) {
		return fmt.Errorf("head %+v", f)
	}
	seen := map[string]bool{}
	for n, i := range f.Items {
		switch {
		case !uuidURN.MatchString(i.ID) || seen[i.ID]:
			return fmt.Errorf("id %q of item %d", i.ID, n)
		case !absolute(i.Link) || i.Picture != "" && !absolute(i.Picture):
			return fmt.Errorf("link %q, picture %q", i.Link, i.Picture)
		case strings.ContainsFunc(i.Title+i.HTML+strings.Join(i.Categories, ""), reachesOut):
			return fmt.Errorf("control characters in %q", i)
		case utf8.RuneCountInString(i.Title) > 330 || len(i.HTML) > 60_000:
			return fmt.Errorf("a title of %d characters, a text of %d bytes", utf8.RuneCountInString(i.Title), len(i.HTML))
		case strings.TrimSpace(i.Title) == "" || strings.ContainsAny(i.Title, "\r\n") || i.At.IsZero() || i.At.After(f.Updated):
			return fmt.Errorf("item %d of a feed of %v: %+v", n, f.Updated, i)
		case n > 0 && i.At.After(f.Items[n-1].At):
			return fmt.Errorf("item %d is newer than the one before", n)
		}
		seen[i.ID] = true
		if tag := foreignTag.FindString(ours.ReplaceAllString(i.HTML, "")); tag != "" {
			return fmt.Errorf("markup %q in %q", tag, i.HTML)
		}
	}
	return nil
}

// reachesOut is what acts on more than the text it stands in.
func reachesOut(r rune) bool {
	return r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r == '\ufffd' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

var (
	uuidURN    = regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	ours       = regexp.MustCompile(`</?(p|strong)>|<img src="https?://[^"<>]*" alt="">`)
	foreignTag = regexp.MustCompile(`<[^>]*>?`)
)

func absolute(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

// formats are the feeds by their last name.
func formats() map[string]func([]byte) (readFeed, error) {
	return map[string]func([]byte) (readFeed, error){"rss": parseRSS, "atom": parseAtom, "json": parseJSONFeed}
}

// feedAt reads a feed that must be there and be valid.
func (s *surface) feedAt(t testing.TB, path string, headers ...string) readFeed {
	t.Helper()
	r := s.get(t, path, headers...)
	body := read(t, r)
	if r.StatusCode != 200 {
		t.Fatalf("%s: %d %s", path, r.StatusCode, body)
	}
	name, _, _ := strings.Cut(path, "?")
	f, err := formats()[name[strings.LastIndexByte(name, '.')+1:]](body)
	if err != nil {
		t.Fatalf("%s: %v in\n%s", path, err, body)
	}
	return f
}
