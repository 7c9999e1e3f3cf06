package v3

import (
	"strconv"
	"strings"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/loose"
)

// torrents reads {episodes, list}; of the range of all torrents nobody asks.
func (r *reader) torrents() (all []anilibria.Torrent) {
	r.Object(func(key []byte) {
		if string(key) != "list" {
			return
		}
		found := loose.ReadList(&r.Scan, r.torrent)
		found.Tell(r.skip, anilibria.KindTorrent)
		all = found.Kept
	})
	return all
}

func (r *reader) torrent() (t anilibria.Torrent, err error) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "torrent_id":
			t.ID = r.Whole()
		case "hash":
			t.Hash = strings.ToLower(loose.Line(r.Text()))
		case "episodes", "series":
			t.Episodes = r.covered()
		case "quality":
			r.quality(&t)
		case "total_size":
			t.Size = int64(r.Whole())
		case "seeders":
			t.Seeders = r.Whole()
		case "leechers":
			t.Leechers = r.Whole()
		case "magnet":
			t.Magnet = loose.Magnet(r.Text())
		case "uploaded_timestamp":
			t.UpdatedAt = r.moment()
		}
	})
	return t, loose.Unless(t.ID > 0, "a torrent without an id")
}

// covered is the text of {first, last, string}: "1-12", or a word for a film.
func (r *reader) covered() (text string) {
	r.Object(func(key []byte) {
		if string(key) == "string" {
			text = loose.Line(r.Text())
		}
	})
	return text
}

// quality reads {string, type, resolution, encoder}. resolution is "1080p" in
// answers and a number in the description.
func (r *reader) quality(t *anilibria.Torrent) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "string":
			t.Label = loose.Line(r.Text())
		case "type":
			t.Type = loose.Line(r.Text())
		case "resolution":
			if r.Peek() == '"' {
				t.Quality = loose.Line(r.Text())
			} else if n := r.Whole(); n > 0 {
				t.Quality = strconv.Itoa(n) + "p"
			}
		case "encoder":
			t.Codec = codec(loose.Line(r.Text()))
		}
	})
}

// codec is the name v1 has for an encoder.
func codec(encoder string) string {
	switch strings.ToLower(encoder) {
	case "h264":
		return "AVC"
	case "h265":
		return "HEVC"
	}
	return strings.ToUpper(encoder)
}
