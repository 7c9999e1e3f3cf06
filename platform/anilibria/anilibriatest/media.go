package anilibriatest

import (
	"fmt"
	"hash/fnv"
	"html"
	"math"
	"net/http"
	"strconv"
	"strings"
	"unicode"
)

// hueOf gives every title its own colour.
func hueOf(id int) int {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, id)
	return int(h.Sum32() % 360)
}

// picture answers posters, previews and everything else under /storage with an SVG
// that browsers show whatever the name of the file ends in.
func (s *Server) picture(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.PathValue("path"), "/")
	var svg string
	switch {
	case len(parts) >= 4 && parts[0] == "releases" && parts[1] == "posters":
		svg = s.posterSVG(parts[2])
	case len(parts) >= 6 && parts[1] == "episodes" && parts[2] == "previews":
		svg = s.previewSVG(parts[3], parts[4])
	case len(parts) >= 5 && parts[0] == "anime":
		svg = gradient(320, 180, hueOf(len(r.URL.Path)*31+int(r.URL.Path[len(r.URL.Path)/2])), "", "")
	}
	if svg == "" {
		write(w, http.StatusNotFound, appendJSON(nil, message("Not Found")))
		return
	}
	send(w, "image/svg+xml", []byte(svg))
}

func send(w http.ResponseWriter, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the client may be gone
}

func (s *Server) posterSVG(ref string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t := s.find(ref)
	if t == nil {
		return ""
	}
	return gradient(350, 500, hueOf(t.ID), initials(t.Main), t.Main)
}

func (s *Server) previewSVG(ref, ordinal string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t := s.find(ref)
	if t == nil {
		return ""
	}
	return gradient(480, 270, hueOf(t.ID)+25, ordinal, t.Main)
}

// initials are the first letters of up to three words.
func initials(name string) string {
	var out []rune
	for word := range strings.FieldsSeq(name) {
		for _, r := range word {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				out = append(out, unicode.ToUpper(r))
				break
			}
		}
		if len(out) == 3 {
			break
		}
	}
	return string(out)
}

// gradient draws a soft background with hills, large letters and a caption.
func gradient(width, height, hue int, letters, caption string) string {
	if runes := []rune(caption); len(runes) > 34 {
		caption = string(runes[:33]) + "…"
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[2]d" width="%[1]d" height="%[2]d">
<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="hsl(%[3]d,62%%,58%%)"/><stop offset="1" stop-color="hsl(%[4]d,58%%,26%%)"/></linearGradient></defs>
<rect width="%[1]d" height="%[2]d" fill="url(#g)"/>
<circle cx="%[5]d" cy="%[6]d" r="%[7]d" fill="hsl(%[3]d,80%%,82%%)" opacity=".55"/>
<path d="M0 %[8]d C %[9]d %[10]d, %[11]d %[2]d, %[1]d %[10]d L %[1]d %[2]d L 0 %[2]d Z" fill="hsl(%[4]d,45%%,18%%)" opacity=".7"/>
<text x="50%%" y="54%%" text-anchor="middle" font-family="Georgia,serif" font-size="%[12]d" font-weight="700" fill="#fff" opacity=".94">%[13]s</text>
<text x="50%%" y="93%%" text-anchor="middle" font-family="Arial,sans-serif" font-size="%[14]d" fill="#fff" opacity=".85">%[15]s</text>
</svg>`,
		width, height, hue%360, (hue+70)%360,
		width*3/4, height/5, width/9,
		height*3/4, width/3, height*3/5, width*2/3,
		min(width, height)/3, html.EscapeString(letters), width/20, html.EscapeString(caption))
}

const (
	segmentSeconds  = 6
	framesPerSecond = 2
)

// video answers the playlist of an episode, or one of its segments: real H.264 in a
// real transport stream, made on the spot, that shows the time.
func (s *Server) video(w http.ResponseWriter, r *http.Request) {
	id, _ := atoi(r.PathValue("id"))
	file := r.PathValue("file")
	duration, ok := s.lengthOf(id, r.PathValue("ordinal"))
	name, number, isSegment := strings.Cut(strings.TrimSuffix(file, ".ts"), "-")
	index, isNumber := atoi(number)
	switch {
	case ok && strings.HasSuffix(file, ".m3u8"):
		send(w, "application/vnd.apple.mpegurl", playlist(strings.TrimSuffix(file, ".m3u8"), duration))
	case ok && isSegment && isNumber && name != "" && index*segmentSeconds < duration:
		send(w, "video/mp2t", segment(id, index, duration))
	default:
		write(w, http.StatusNotFound, appendJSON(nil, message("Not Found")))
	}
}

// lengthOf is the duration of an episode in seconds.
func (s *Server) lengthOf(id int, ordinal string) (int, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t := s.byID[id]
	if t == nil || t.Hidden {
		return 0, false
	}
	for _, e := range t.episodes() {
		if ordinalText(e.Ordinal) == ordinal && e.Quality > 0 {
			return max(segmentSeconds, e.Duration), true
		}
	}
	return 0, false
}

func playlist(name string, duration int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n", segmentSeconds)
	for i := 0; i*segmentSeconds < duration; i++ {
		fmt.Fprintf(&b, "#EXTINF:%d.0,\n%s-%d.ts\n", min(segmentSeconds, duration-i*segmentSeconds), name, i)
	}
	b.WriteString("#EXT-X-ENDLIST\n")
	return []byte(b.String())
}

func segment(id, index, duration int) []byte {
	m := newMuxer()
	from := index * segmentSeconds
	for n := range min(segmentSeconds, duration-from) * framesPerSecond {
		second := from + n/framesPerSecond
		number := from*framesPerSecond + n
		p := clockFace(hueOf(id), second, duration)
		m.frame(frame(&p, uint32(number)), uint64(number)*clockRate/framesPerSecond+clockRate)
	}
	return m.out
}

// digits in 3×5 squares, row by row.
var digits = [10]string{
	"111101101101111", "010110010010111", "111001111100111", "111001111001111", "101101111001001",
	"111100111001111", "111100111101111", "111001010010010", "111101111101111", "111101111001111",
}

// clockFace shows mm:ss on the title's colour over a bar of how far it is.
func clockFace(hue, second, duration int) picture {
	var p picture
	back, text, bar := ofHue(hue, 90), colour{225, 128, 128}, ofHue(hue+150, 150)
	for i := range p {
		p[i] = back
	}
	minutes := second / 60 % 100
	for i, d := range []int{minutes / 10, minutes % 10, second % 60 / 10, second % 10} {
		left := 2 + i*4
		if i >= 2 {
			left += 2
		}
		for cell, on := range digits[d] {
			if on == '1' {
				p[(3+cell/3)*pictureWidth+left+cell%3] = text
			}
		}
	}
	if second%2 == 0 {
		p[4*pictureWidth+10], p[6*pictureWidth+10] = text, text
	}
	for x := range pictureWidth * second / max(1, duration-1) {
		p[10*pictureWidth+min(x, pictureWidth-1)] = bar
	}
	return p
}

// ofHue is a colour of middling saturation.
func ofHue(hue int, y byte) colour {
	angle := float64(hue) * math.Pi / 180
	return colour{y, byte(128 + 45*math.Cos(angle)), byte(128 + 45*math.Sin(angle))}
}
