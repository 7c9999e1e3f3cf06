package animelist

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
)

// shikimoriRate is one entry of Shikimori's export.
type shikimoriRate struct {
	Title    loose `json:"target_title"`
	TitleRU  loose `json:"target_title_ru"`
	SourceID loose `json:"target_id"`
	Type     loose `json:"target_type"`
	Score    loose `json:"score"`
	Status   loose `json:"status"`
	Watched  loose `json:"episodes"`
	ID       loose `json:"anihub_id"`
	Code     loose `json:"anihub_code"`
}

// loose is a text or a number of whoever wrote the file; anything else, and an
// absent one, is "".
type loose string

// UnmarshalJSON never fails: an entry with an odd field is an odd entry, not the end
// of the file.
func (l *loose) UnmarshalJSON(b []byte) error {
	var s string
	var f float64
	*l = ""
	switch {
	case string(b) == "null":
	case json.Unmarshal(b, &s) == nil:
		*l = loose(s)
	case json.Unmarshal(b, &f) == nil:
		*l = loose(strconv.FormatFloat(f, 'f', -1, 64))
	default:
		*l = "?"
	}
	return nil
}

// number is a whole number, or 0.
func (l loose) number() int {
	f, err := strconv.ParseFloat(strings.TrimSpace(string(l)), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<31 {
		return 0
	}
	return int(f)
}

func readShikimori(plain []byte) ([]Item, error) {
	d := json.NewDecoder(bytes.NewReader(plain))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, wrong("not a JSON array").With(err)
	}
	items := []Item{}
	for d.More() {
		var r *shikimoriRate
		if len(items) == MaxItems {
			return nil, wrong("more entries than accepted").Detail("most", MaxItems)
		}
		if err := d.Decode(&r); err != nil || r == nil {
			return nil, wrong("an entry is not a JSON object").Detail("entry", len(items)+1).With(err)
		}
		items = append(items, r.item())
	}
	if _, err := d.Token(); err != nil {
		return nil, wrong("the JSON array does not end").With(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, wrong("something follows the JSON array")
	}
	return items, nil
}

func (r shikimoriRate) item() Item {
	i := Item{
		ID: r.ID.number(), Code: tidy(string(r.Code)), Name: tidy(string(r.Title)), NameRU: tidy(string(r.TitleRU)),
		Watched: r.Watched.number(), SourceID: r.SourceID.number(),
	}
	if r.Type != "" && !strings.EqualFold(string(r.Type), "anime") {
		i.Problem = NotAnime
	}
	score := r.Score.number()
	if score == 0 && strings.Trim(string(r.Score), "0. ") != "" {
		score = -1 // it says something, and that is no whole number
	}
	i.judge(string(r.Status), score)
	return i
}

// shikimoriOut is an entry as it is written: with all that Shikimori's own have.
type shikimoriOut struct {
	Title     string  `json:"target_title"`
	TitleRU   *string `json:"target_title_ru"`
	SourceID  *int    `json:"target_id"`
	Type      string  `json:"target_type"`
	Score     int     `json:"score"`
	Status    string  `json:"status"`
	Rewatches int     `json:"rewatches"`
	Watched   int     `json:"episodes"`
	Text      *string `json:"text"`
	ID        int     `json:"anihub_id"`
	Code      string  `json:"anihub_code"`
}

func writeShikimori(items []Item) ([]byte, error) {
	out := make([]shikimoriOut, len(items))
	for n, i := range items {
		out[n] = shikimoriOut{
			Title: i.Name, Type: "Anime", Score: i.Score, Status: shikimoriStatus(i.Status), Watched: i.Watched, ID: i.ID, Code: i.Code,
		}
		if i.NameRU != "" {
			out[n].TitleRU = &i.NameRU
		}
		if i.SourceID != 0 {
			out[n].SourceID = &i.SourceID
		}
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

func shikimoriStatus(s Status) string {
	switch s {
	case Watched:
		return "completed"
	case Postponed:
		return "on_hold"
	case Abandoned:
		return "dropped"
	default:
		return string(s)
	}
}
