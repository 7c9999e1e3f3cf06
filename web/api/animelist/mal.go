package animelist

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// malAnime is <anime> of MyAnimeList's export.
type malAnime struct {
	XMLName  struct{} `xml:"anime"`
	SourceID string   `xml:"series_animedb_id"`
	Title    string   `xml:"series_title"`
	Type     string   `xml:"series_type"`
	Total    string   `xml:"series_episodes"`
	Watched  string   `xml:"my_watched_episodes"`
	Score    string   `xml:"my_score"`
	Status   string   `xml:"my_status"`
	Update   string   `xml:"update_on_import"`
	ID       string   `xml:"anihub_id,omitempty"`
	Code     string   `xml:"anihub_code,omitempty"`
	TitleRU  string   `xml:"anihub_title_ru,omitempty"`
}

const malRoot = "myanimelist"

func readMAL(plain []byte) ([]Item, error) {
	d := xml.NewDecoder(bytes.NewReader(plain))
	items, started := []Item{}, false
	for depth := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && started {
			return items, nil
		}
		if err != nil {
			return nil, wrongXML(d, err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, wrong("a document type and entities are not accepted")
		case xml.StartElement:
			switch {
			case depth == 0 && (started || t.Name.Local != malRoot):
				return nil, wrong("the root is not one <myanimelist>")
			case depth == 1 && t.Name.Local == "anime":
				if items, err = readAnime(d, t, items); err != nil {
					return nil, err
				}
			case depth == 1:
				if err := d.Skip(); err != nil {
					return nil, wrongXML(d, err)
				}
			default:
				depth, started = depth+1, true
			}
		case xml.EndElement:
			depth--
		}
	}
}

func readAnime(d *xml.Decoder, t xml.StartElement, items []Item) ([]Item, error) {
	var a malAnime
	if len(items) == MaxItems {
		return nil, wrong("more entries than accepted").Detail("most", MaxItems)
	}
	if err := d.DecodeElement(&a, &t); err != nil {
		return nil, wrongXML(d, err)
	}
	return append(items, a.item()), nil
}

func wrongXML(d *xml.Decoder, err error) error {
	line, _ := d.InputPos()
	return wrong("not well-formed XML").Detail("line", line).With(err)
}

func (a malAnime) item() Item {
	i := Item{
		ID: number(a.ID), Code: tidy(a.Code), Name: tidy(a.Title), NameRU: tidy(a.TitleRU), Type: tidy(a.Type),
		Total: number(a.Total), Watched: number(a.Watched), SourceID: number(a.SourceID),
	}
	score, err := strconv.Atoi(strings.TrimSpace(a.Score))
	if err != nil && strings.TrimSpace(a.Score) != "" {
		score = -1
	}
	i.judge(a.Status, score)
	return i
}

// number is what a text says, or 0.
func number(text string) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0
	}
	return n
}

type malFile struct {
	XMLName xml.Name `xml:"myanimelist"`
	Info    malInfo  `xml:"myinfo"`
	Anime   []malAnime
}

type malInfo struct {
	User  string `xml:"user_name"`
	Kind  int    `xml:"user_export_type"` // 1 = anime
	Total int    `xml:"user_total_anime"`
}

func writeMAL(user string, items []Item) ([]byte, error) {
	file := malFile{Info: malInfo{User: user, Kind: 1, Total: len(items)}}
	for _, i := range items {
		file.Anime = append(file.Anime, malAnime{
			SourceID: strconv.Itoa(i.SourceID), Title: i.Name, TitleRU: i.NameRU, Type: i.Type, Total: strconv.Itoa(i.Total),
			Watched: strconv.Itoa(i.Watched), Score: strconv.Itoa(i.Score), Status: malStatus(i.Status), Update: "1",
			ID: strconv.Itoa(i.ID), Code: i.Code,
		})
	}
	b, err := xml.MarshalIndent(file, "", "  ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(b, '\n')...), nil
}

func malStatus(s Status) string {
	switch s {
	case Watching:
		return "Watching"
	case Watched:
		return "Completed"
	case Postponed:
		return "On-Hold"
	case Abandoned:
		return "Dropped"
	default:
		return "Plan to Watch"
	}
}
