package anilibriatest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// The words that generated names are made of.
var (
	adjectives = [][2]string{
		{"Тихий", "Silent"},
		{"Алый", "Scarlet"},
		{"Забытый", "Forgotten"},
		{"Последний", "Last"},
		{"Стальной", "Steel"},
		{"Лунный", "Moonlit"},
		{"Северный", "Northern"},
		{"Сонный", "Drowsy"},
		{"Вечный", "Eternal"},
		{"Стеклянный", "Glass"},
		{"Ржавый", "Rusty"},
		{"Звёздный", "Starlit"},
		{"Безымянный", "Nameless"},
		{"Облачный", "Cloudy"},
		{"Медный", "Copper"},
	}
	nouns = [][2]string{
		{"алхимик", "Alchemist"},
		{"маяк", "Lighthouse"},
		{"архив", "Archive"},
		{"картограф", "Cartographer"},
		{"оркестр", "Orchestra"},
		{"садовник", "Gardener"},
		{"экспресс", "Express"},
		{"часовщик", "Clockmaker"},
		{"кондитер", "Confectioner"},
		{"дирижабль", "Airship"},
		{"проводник", "Guide"},
		{"рыцарь", "Knight"},
		{"квартал", "Quarter"},
		{"фонарщик", "Lamplighter"},
		{"переплётчик", "Bookbinder"},
	}
	places = [][2]string{
		{"из Осенней гавани", "of Autumn Harbor"},
		{"с улицы Камелий", "of Camellia Street"},
		{"на краю карты", "at the Edge of the Map"},
		{"за седьмым холмом", "beyond the Seventh Hill"},
		{"в городе дождя", "in the City of Rain"},
		{"под старой башней", "under the Old Tower"},
		{"у тёплого моря", "by the Warm Sea"},
		{"по ту сторону зеркала", "behind the Mirror"},
		{"в долине снов", "in the Valley of Dreams"},
	}
	syllables = []string{"ka", "mi", "no", "sa", "yu", "ri", "to", "ha", "ne", "shi", "ro", "ku", "tsu", "mo", "re", "na", "ho", "ki"}
	sentences = []string{
		"Всё начинается с письма, которое опоздало на десять лет.",
		"Город живёт по расписанию поездов, и однажды поезд не приходит.",
		"Герои учатся доверять друг другу раньше, чем успевают познакомиться.",
		"У каждого жителя есть тайна, и каждая из них стоит недорого.",
		"Старая школа закрывается, но клуб на крыше продолжает собираться.",
		"Ремесло передают по наследству вместе с долгами.",
		"Зима здесь длится ровно столько, сколько нужно для хорошей истории.",
		"Никто не помнит, кто первым зажёг фонарь на пристани.",
	}
)

// generatedFirst is over every id of the demo catalogue.
const generatedFirst = 20_000

// Generate makes n plausible titles, the same for the same seed. Their episodes are
// made when they are asked for: a title at rest takes well under a kilobyte.
func Generate(n int, seed uint64) []Title {
	random := rand.New(rand.NewPCG(seed, uint64(n)))
	newest := time.Date(2026, 9, 26, 12, 0, 0, 0, time.UTC)
	titles := make([]Title, n)
	for i := range titles {
		titles[i] = generated(random, generatedFirst+i, newest.Add(-time.Duration(i)*97*time.Minute))
	}
	return titles
}

func generated(random *rand.Rand, id int, fresh time.Time) Title {
	one := func(words [][2]string) [2]string { return words[random.IntN(len(words))] }
	adjective, noun, place := one(adjectives), one(nouns), one(places)
	total := []int{1, 10, 12, 12, 13, 24, 24, 25}[random.IntN(8)]
	out := total
	airing := random.IntN(12) == 0
	if airing {
		out = random.IntN(total + 1)
	}
	english := fmt.Sprintf("%s %s %s %d", adjective[1], noun[1], place[1], id)
	return Title{
		ID:             id,
		Alias:          strings.ReplaceAll(strings.ToLower(english), " ", "-"),
		Main:           fmt.Sprintf("%s %s %s %d", adjective[0], noun[0], place[0], id),
		English:        english,
		Alternative:    romaji(random),
		Type:           typeOrder[random.IntN(len(typeOrder))],
		Year:           1996 + random.IntN(31),
		Season:         seasonOrder[random.IntN(4)],
		PublishDay:     1 + random.IntN(7),
		Description:    sentences[random.IntN(len(sentences))] + " " + sentences[random.IntN(len(sentences))],
		AgeRating:      ageRatings[random.IntN(len(ageRatings))].value,
		Genres:         someGenres(random),
		IsOngoing:      airing,
		IsInProduction: airing,
		EpisodesTotal:  total,
		Minutes:        24,
		Favorites:      random.IntN(30_000),
		Shikimori:      float64(500+random.IntN(450)) / 100,
		ShikimoriID:    id * 3,
		FreshAt:        fresh,
		UpdatedAt:      fresh,
		CreatedAt:      fresh.AddDate(0, -4, 0),
		Members:        crew(random.IntN(len(nicknames))),
		generated:      out,
	}
}

func romaji(random *rand.Rand) string {
	var b strings.Builder
	for word := range 2 + random.IntN(2) {
		if word > 0 {
			b.WriteByte(' ')
		}
		first := syllables[random.IntN(len(syllables))]
		b.WriteString(strings.ToUpper(first[:1]) + first[1:])
		for range 1 + random.IntN(3) {
			b.WriteString(syllables[random.IntN(len(syllables))])
		}
	}
	return b.String()
}

func someGenres(random *rand.Rand) []int {
	from := random.IntN(len(genreOrder) - 4)
	return genreOrder[from : from+1+random.IntN(4)]
}

// generatedEpisode is the i-th episode of a title that keeps none.
func generatedEpisode(t *Title, i int) Episode {
	e := Episode{
		Ordinal:   float64(i + 1),
		Quality:   1080,
		Duration:  t.Minutes*60 - 20 + (t.ID+i*7)%40,
		NoPreview: (t.ID+i)%8 < 5,
		UpdatedAt: t.FreshAt.AddDate(0, 0, -7*(t.generated-1-i)),
	}
	if (t.ID+i)%3 == 0 {
		e.Quality = 720
	}
	if (t.ID+i)%6 != 0 {
		start := 60 + (t.ID*13+i*31)%120
		e.Opening = Skip{Start: start, Stop: start + 90}
	}
	if (t.ID+i)%4 == 0 {
		e.Name = fmt.Sprintf("Глава %d", i+1)
	}
	return e
}

// The team: invented nicknames, as the real one signs.
var nicknames = []string{
	"Ветерок", "Kitsu", "Полынь", "Mirrorball", "Сойка", "Northlight", "Чернослив", "Tenko",
	"Ласточка", "Violet", "Гранит", "Echo7", "Мята", "Orbita", "Снегирь", "Juno",
}

var roleOrder = []string{"voicing", "voicing", "translating", "timing", "editing", "decorating", "poster"}

// crew is a team of seven that starts somewhere in the list of names.
func crew(from int) []Member {
	all := make([]Member, len(roleOrder))
	for i, role := range roleOrder {
		all[i] = Member{Nickname: nicknames[(from+i*3)%len(nicknames)], Role: role}
	}
	return all
}
