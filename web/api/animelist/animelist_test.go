package animelist_test

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"anihub/platform/fault"
	"anihub/web/api/animelist"
)

// malExport is how MyAnimeList exports, cut to what matters and invented.
const malExport = `<?xml version="1.0" encoding="UTF-8" ?>
	<!-- Created by XML Export feature at MyAnimeList.net -->
	<myanimelist>
		<myinfo>
			<user_id>1</user_id>
			<user_name>wanderer</user_name>
			<user_export_type>1</user_export_type>
			<user_total_anime>3</user_total_anime>
		</myinfo>
		<anime>
			<series_animedb_id>52991</series_animedb_id>
			<series_title><![CDATA[The Lamplighter & <Friends>]]></series_title>
			<series_type>TV</series_type>
			<series_episodes>28</series_episodes>
			<my_id>0</my_id>
			<my_watched_episodes>7</my_watched_episodes>
			<my_start_date>0000-00-00</my_start_date>
			<my_score>9</my_score>
			<my_status>Watching</my_status>
			<my_comments><![CDATA[]]></my_comments>
			<update_on_import>0</update_on_import>
		</anime>
		<anime><series_title>Second</series_title><my_score>0</my_score><my_status>On-Hold</my_status></anime>
		<anime><series_title>Third</series_title><my_score>11</my_score><my_status>Completed</my_status></anime>
		<anime><series_title>Fourth</series_title><my_score>x</my_score><my_status>6</my_status></anime>
		<anime><series_title>Fifth</series_title><my_status>Loved</my_status></anime>
		<anime><series_title>Sixth</series_title><my_status>Dropped</my_status></anime>
	</myanimelist>
`

const shikimoriExport = `[
  {"target_title":"Tsubaki-doori","target_title_ru":"Фонарщик","target_id":52991,"target_type":"Anime","score":9,"status":"watching","rewatches":0,"episodes":7,"text":null},
  {"target_title":"Second","target_title_ru":null,"target_id":"2","score":"8","status":"rewatching","episodes":"–"},
  {"target_title":"Third","target_type":"Manga","status":"completed","score":0},
  {"target_title":"Fourth","status":"on_hold","score":7.5},
  {"target_title":"Fifth","status":"loved","score":{}},
  {"target_title":"Sixth","status":"dropped","score":null,"unknown":[{}]},
  {}
]`

func TestRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		format animelist.Format
		file   string
		want   []animelist.Item
	}{
		{"mal", animelist.MAL, malExport, []animelist.Item{
			{Name: "The Lamplighter & <Friends>", Type: "TV", Total: 28, Watched: 7, SourceID: 52991, Status: animelist.Watching, Score: 9},
			{Name: "Second", Status: animelist.Postponed},
			{Name: "Third", Problem: animelist.BadScore},
			{Name: "Fourth", Problem: animelist.BadScore},
			{Name: "Fifth", Problem: animelist.BadStatus},
			{Name: "Sixth", Status: animelist.Abandoned},
		}},
		{"shikimori", animelist.Shikimori, shikimoriExport, []animelist.Item{
			{Name: "Tsubaki-doori", NameRU: "Фонарщик", SourceID: 52991, Watched: 7, Status: animelist.Watching, Score: 9},
			{Name: "Second", SourceID: 2, Status: animelist.Watching, Score: 8},
			{Name: "Third", Problem: animelist.NotAnime},
			{Name: "Fourth", Problem: animelist.BadScore},
			{Name: "Fifth", Problem: animelist.BadStatus},
			{Name: "Sixth", Status: animelist.Abandoned},
			{Problem: animelist.BadStatus},
		}},
		{"empty mal", animelist.MAL, "\ufeff<myanimelist/>", []animelist.Item{}},
		{"empty shikimori", animelist.Shikimori, " [ ] ", []animelist.Item{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, file := range [][]byte{[]byte(c.file), pack(t, []byte(c.file))} {
				got, err := animelist.Read(c.format, file)
				if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
					t.Errorf("%v %s", err, diff)
				}
			}
		})
	}
}

func pack(t testing.TB, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// laughs is the attack by entities that stand for entities.
const laughs = `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>` +
	`<myanimelist><anime><series_title>&lol1;</series_title></anime></myanimelist>`

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		format animelist.Format
		file   string
		want   error
	}{
		"entities":         {animelist.MAL, laughs, animelist.ErrFile},
		"external":         {animelist.MAL, `<!DOCTYPE x SYSTEM "file:///etc/passwd"><myanimelist/>`, animelist.ErrFile},
		"entity undefined": {animelist.MAL, `<myanimelist><anime><series_title>&lol;</series_title></anime></myanimelist>`, animelist.ErrFile},
		"DTD behind":       {animelist.MAL, `<myanimelist/><!DOCTYPE x>`, animelist.ErrFile},
		"empty":            {animelist.MAL, ``, animelist.ErrFile},
		"another root":     {animelist.MAL, `<html><myanimelist/></html>`, animelist.ErrFile},
		"two roots":        {animelist.MAL, `<myanimelist/><myanimelist/>`, animelist.ErrFile},
		"cut":              {animelist.MAL, malExport[:900], animelist.ErrFile},
		"cut in a comment": {animelist.MAL, `<myanimelist><!-- `, animelist.ErrFile},
		"JSON":             {animelist.MAL, shikimoriExport, animelist.ErrFile},
		"another charset":  {animelist.MAL, `<?xml version="1.0" encoding="windows-1251"?><myanimelist/>`, animelist.ErrFile},
		"not UTF-8":        {animelist.MAL, "<myanimelist>\xff</myanimelist>", animelist.ErrFile},
		"deep":             {animelist.MAL, "<myanimelist><anime>" + strings.Repeat("<a>", 20_000), animelist.ErrFile},
		"damaged gzip":     {animelist.MAL, string(pack(t, []byte(malExport))[:100]), animelist.ErrFile},
		"large":            {animelist.MAL, strings.Repeat(" ", animelist.MaxBytes+1), animelist.ErrTooLarge},
		"bomb":             {animelist.Shikimori, string(pack(t, bytes.Repeat([]byte(" "), 8<<20))), animelist.ErrTooLarge},
		"many XML":         {animelist.MAL, "<myanimelist>" + strings.Repeat("<anime/>", animelist.MaxItems+1) + "</myanimelist>", animelist.ErrFile},
		"many JSON":        {animelist.Shikimori, "[{}" + strings.Repeat(",{}", animelist.MaxItems) + "]", animelist.ErrFile},
		"XML":              {animelist.Shikimori, malExport, animelist.ErrFile},
		"an object":        {animelist.Shikimori, `{"a":[]}`, animelist.ErrFile},
		"numbers":          {animelist.Shikimori, `[1,2]`, animelist.ErrFile},
		"null":             {animelist.Shikimori, `[null]`, animelist.ErrFile},
		"more":             {animelist.Shikimori, `[][]`, animelist.ErrFile},
		"half":             {animelist.Shikimori, `[{}`, animelist.ErrFile},
		"deep JSON":        {animelist.Shikimori, "[" + strings.Repeat(`{"a":`, 20_000), animelist.ErrFile},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := animelist.Read(c.format, []byte(c.file))
			if !errors.Is(err, c.want) || got != nil {
				t.Errorf("%d entries, %v", len(got), err)
			}
			if d := fault.Of(err).Details; len(d) == 0 {
				t.Error("nobody is told what is wrong")
			}
		})
	}
}

// items draws lists as AniHub has them.
func items() *rapid.Generator[[]animelist.Item] {
	name := rapid.StringMatching(`([a-zа-яёА-Я0-9<>&'"\]\[\\!☆’]{1,6} ?){0,4}[a-zж]`)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) animelist.Item {
		return animelist.Item{
			ID: rapid.IntRange(1, 1<<31-1).Draw(t, "id"), Code: rapid.StringMatching(`[a-z0-9-]{0,20}`).Draw(t, "code"),
			Name: name.Draw(t, "name"), NameRU: name.Draw(t, "name_ru"), Watched: rapid.IntRange(0, 5000).Draw(t, "watched"),
			Status: rapid.SampledFrom([]animelist.Status{
				animelist.Planned, animelist.Watching, animelist.Watched, animelist.Postponed, animelist.Abandoned,
			}).Draw(t, "status"),
			Score: rapid.IntRange(0, 10).Draw(t, "score"),
		}
	}), 0, 20)
}

func TestWhatIsWrittenIsReadTheSame(t *testing.T) {
	t.Parallel()
	for _, f := range []animelist.Format{animelist.MAL, animelist.Shikimori} {
		rapid.Check(t, func(t *rapid.T) {
			want := items().Draw(t, "items")
			file, err := animelist.Write(f, "wanderer", want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := animelist.Read(f, file)
			if err != nil {
				t.Fatalf("%v in %s", err, file)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s: %s", f, diff)
			}
		})
	}
}

// Names come from elsewhere: whatever they are, the file stays well-formed.
func TestHostileNamesAreWritten(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"]]>", "\x00\x01\x1f", "</anime>", "\xff\xfe", strings.Repeat("ы", 10_000), "\u202e", "&lol;"} {
		in := []animelist.Item{{ID: 1, Name: name, NameRU: name, Code: name, Status: animelist.Planned}}
		for _, f := range []animelist.Format{animelist.MAL, animelist.Shikimori} {
			file, err := animelist.Write(f, name, in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := animelist.Read(f, file)
			if err != nil || len(got) != 1 || got[0].ID != 1 || got[0].Status != animelist.Planned {
				t.Errorf("%s %.20q: %+v, %v", f, name, got, err)
			}
		}
	}
}

// The file is what MyAnimeList's own importer looks for.
func TestMALFileHasItsElements(t *testing.T) {
	t.Parallel()
	file, err := animelist.Write(animelist.MAL, "wanderer", []animelist.Item{{ID: 5, Name: "A", Status: animelist.Watched, Score: 7, Watched: 12}})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		XMLName xml.Name `xml:"myanimelist"`
		Type    int      `xml:"myinfo>user_export_type"`
		Total   int      `xml:"myinfo>user_total_anime"`
		Anime   []struct {
			ID      int    `xml:"series_animedb_id"`
			Title   string `xml:"series_title"`
			Watched int    `xml:"my_watched_episodes"`
			Score   int    `xml:"my_score"`
			Status  string `xml:"my_status"`
			Ours    int    `xml:"anihub_id"`
		} `xml:"anime"`
	}
	if err := xml.Unmarshal(file, &got); err != nil {
		t.Fatal(err)
	}
	if want := "{0 A 12 7 Completed 5}"; got.Type != 1 || got.Total != 1 || len(got.Anime) != 1 || fmt.Sprint(got.Anime[0]) != want {
		t.Errorf("%+v", got)
	}
	if !bytes.HasPrefix(file, []byte(xml.Header)) {
		t.Errorf("%.60s", file)
	}
}

func FuzzMAL(f *testing.F) {
	f.Add([]byte(malExport))
	f.Add([]byte(laughs))
	f.Add(pack(f, []byte(malExport)))
	f.Fuzz(func(t *testing.T, file []byte) { sound(t, animelist.MAL, file) })
}

func FuzzShikimori(f *testing.F) {
	f.Add([]byte(shikimoriExport))
	f.Add([]byte(`[{"score":1e400}]`))
	f.Fuzz(func(t *testing.T, file []byte) { sound(t, animelist.Shikimori, file) })
}

// sound holds what any file may give: a fault that says why, or entries within their
// bounds, which can be written and read again.
func sound(t *testing.T, f animelist.Format, file []byte) {
	got, err := animelist.Read(f, file)
	if err != nil {
		if !errors.Is(err, animelist.ErrFile) && !errors.Is(err, animelist.ErrTooLarge) {
			t.Fatal(err)
		}
		return
	}
	var good []animelist.Item
	for _, i := range got {
		if i.Score < 0 || i.Score > 10 || i.ID < 0 || i.Watched < 0 || (i.Status == "") != (i.Problem != "") || len(i.Name) > 500 || !utf8.ValidString(i.Name) {
			t.Fatalf("%+v", i)
		}
		if i.Problem == "" {
			good = append(good, i)
		}
	}
	out, err := animelist.Write(f, "wanderer", good)
	if err != nil {
		t.Fatal(err)
	}
	again, err := animelist.Read(f, out)
	if errors.Is(err, animelist.ErrTooLarge) {
		return // written with more fields than were read
	}
	if err != nil || len(again) != len(good) {
		t.Fatalf("%d became %d: %v", len(good), len(again), err)
	}
}
