package v3

import (
	"errors"
	"fmt"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/loose"
)

// The types of frames, a label of metrics.
const (
	frameGreeting   = "greeting"
	frameSubscribed = "subscribed"
	frameRefused    = "error"
	frameTitle      = "title_update"
	framePlaylist   = "playlist_update"
	frameTorrent    = "torrent_update"
	frameStart      = "encode_start"
	frameProgress   = "encode_progress"
	frameEnd        = "encode_end"
	frameFinish     = "encode_finish"
	frameUnknown    = "unknown"
	frameGarbage    = "garbage"
)

// frame is one message of the WebSocket. Changes is 0 where it is no hint.
type frame struct {
	kind    string
	id      int
	changes anilibria.Change
	refused error // of an error frame
}

// payload is the part of a message that is kept. The whole title and player that
// come with it are left: they are read by REST, where they are whole for certain.
type payload struct {
	id       loose.Number
	titleID  loose.Number
	reupload bool
	changes  anilibria.Change
}

// decodeFrame reads {"type": T, "data": {…}}, v2's {"type": T, T: {…}}, the greeting
// and the answers to subscriptions. Only the id must be readable: a hint with
// anything else odd about it is a hint.
func decodeFrame(body []byte) (frame, error) {
	r, err := newReader(body, "", func(string, error) {})
	if err != nil {
		return frame{kind: frameGarbage}, err
	}
	if r.Peek() != '{' {
		return frame{kind: frameGarbage}, errors.New("a frame that is no object")
	}
	var f frame
	var p payload
	r.Object(func(key []byte) {
		switch string(key) {
		case "connection":
			f.kind = frameGreeting
		case "subscribe":
			f.kind = frameSubscribed
		case "error":
			f.kind, f.refused = frameRefused, r.refusal()
		case "type":
			f.kind = typed(r.Text())
		case "data", frameTitle, framePlaylist, frameTorrent, frameStart, frameProgress, frameEnd, frameFinish:
			p = r.payload()
		}
	})
	if r.Err != nil {
		return frame{kind: frameGarbage}, r.Err
	}
	return f.with(p)
}

// typed is one of the types that a message may have; the words for messages without
// a type are none of them.
func typed(text string) string {
	switch text {
	case "", frameTitle, framePlaylist, frameTorrent, frameStart, frameProgress, frameEnd, frameFinish:
		return text
	}
	return frameUnknown
}

// refusal reads an error, which has the shape of REST's or none that is known.
func (r *reader) refusal() error {
	if r.Peek() != '{' {
		return errors.New("an error without a code")
	}
	return r.failure()
}

// with judges the payload by the type.
func (f frame) with(p payload) (frame, error) {
	switch f.kind {
	case frameGreeting, frameSubscribed, frameRefused, frameStart, frameProgress, frameEnd:
		return f, nil
	case frameTitle:
		f.changes, p.id = anilibria.TitleChanged, p.titleID
	case framePlaylist:
		f.changes = p.changes
		if p.reupload {
			f.changes |= anilibria.EpisodeReplaced
		}
		if f.changes == 0 {
			f.changes = anilibria.EpisodeChanged
		}
	case frameTorrent:
		f.changes = anilibria.TorrentsChanged
	case frameFinish:
		f.changes = anilibria.EpisodeChanged
	case frameUnknown:
		return f, nil
	default:
		return frame{kind: frameGarbage}, errors.New("a frame without a type")
	}
	if f.id = p.id.Whole(); f.id == 0 || float64(f.id) != p.id.Value || f.id > idHighest {
		return frame{kind: frameGarbage}, fmt.Errorf("%s of the title %v", f.kind, p.id.Value)
	}
	return f, nil
}

// idHighest keeps ids in every integer type on the way.
const idHighest = 1<<31 - 1

func (r *reader) payload() (p payload) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "id":
			p.id = r.Number()
		case "title":
			p.titleID = r.numbered("id")
		case "diff":
			r.lenient(func() { p.changes = r.changes() })
		case "reupload":
			r.lenient(func() { p.reupload = r.Flag() })
		}
	})
	return p
}

// lenient reads what may be odd without any harm.
func (r *reader) lenient(read func()) {
	before := r.Err
	read()
	r.Err = before
}

// changes reads what a playlist had before: {"list": {"3": {"hls": {"fhd": null}}}},
// in v2 "playlist". null is something that was not there (FACTS §2).
func (r *reader) changes() (c anilibria.Change) {
	r.Object(func(key []byte) {
		if k := string(key); k == "list" || k == "playlist" {
			for _, episode := range loose.ReadValues(&r.Scan, r.previous).Kept {
				c |= episode
			}
		}
	})
	return c
}

// previous is one episode as it was.
func (r *reader) previous(string) (anilibria.Change, error) {
	if r.Peek() == 'n' {
		return anilibria.EpisodeAdded, nil
	}
	c := anilibria.EpisodeChanged
	r.Object(func(key []byte) {
		if string(key) == "hls" {
			c = r.previousHLS()
		}
	})
	return c, nil
}

func (r *reader) previousHLS() anilibria.Change {
	if r.Peek() != '{' {
		return anilibria.EpisodeAdded
	}
	c := anilibria.EpisodeChanged
	r.Object(func([]byte) {
		if r.Peek() == 'n' {
			c |= anilibria.EpisodeAdded
			return
		}
		c |= anilibria.EpisodeReplaced
	})
	if c != anilibria.EpisodeChanged {
		c &^= anilibria.EpisodeChanged
	}
	return c
}
