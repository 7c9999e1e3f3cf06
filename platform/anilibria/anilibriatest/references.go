package anilibriatest

// The dictionaries of the real API (FACTS §3.3): these are facts, not inventions.

type reference struct{ value, label, description string }

var (
	typeOrder = []string{"TV", "ONA", "WEB", "OVA", "OAD", "MOVIE", "DORAMA", "SPECIAL"}
	typeNames = map[string]string{
		"TV": "ТВ", "ONA": "ОNA", "WEB": "WEB", "OVA": "OVA", "OAD": "OAD",
		"MOVIE": "Фильм", "DORAMA": "Дорама", "SPECIAL": "Спешл",
	}

	seasonOrder = []string{"winter", "spring", "summer", "autumn"}
	seasonNames = map[string]string{"winter": "Зима", "spring": "Весна", "summer": "Лето", "autumn": "Осень"}

	dayNames = [8]string{"", "Понедельник", "Вторник", "Среда", "Четверг", "Пятница", "Суббота", "Воскресенье"}

	roleNames = map[string]string{
		"poster": "Постер", "timing": "Работа со звуком", "voicing": "Озвучка",
		"editing": "Работа с субтитрами", "decorating": "Оформление", "translating": "Перевод и адаптация",
	}

	ageRatings = []reference{
		{"R0_PLUS", "0+", "Для детей, не достигших возраста шести лет (0+)"},
		{"R6_PLUS", "6+", "Для детей, достигших возраста шести лет (6+)"},
		{"R12_PLUS", "12+", "Для детей, достигших возраста двенадцати лет (12+)"},
		{"R16_PLUS", "16+", "Для людей, достигших возраста шестнадцати лет (16+)"},
		{"R18_PLUS", "18+", "Запрещено для распространения среди детей (18+)"},
	}

	sortings = []reference{
		{"FRESH_AT_DESC", "Обновлены недавно", "Сначала отобразятся недавно обновлённые релизы"},
		{"FRESH_AT_ASC", "Обновлены давно", "Сначала отобразятся давно обновлённые релизы"},
		{"RATING_DESC", "Самый высокий рейтинг", "Сначала отобразятся самые популярные релизы"},
		{"RATING_ASC", "Самый низкий рейтинг", "Сначала отобразятся самые непопулярные релизы"},
		{"YEAR_DESC", "Самые новые", "Сначала отобразятся самые новые релизы"},
		{"YEAR_ASC", "Самые старые", "Сначала отобразятся самые старые релизы"},
	}

	publishStatuses    = []reference{{value: "IS_ONGOING", description: "Онгоинг"}, {value: "IS_NOT_ONGOING", description: "Не онгоинг"}}
	productionStatuses = []reference{{value: "IS_IN_PRODUCTION", description: "Сейчас в озвучке"}, {value: "IS_NOT_IN_PRODUCTION", description: "Озвучка завершена"}}

	genreOrder = []int{
		15, 24, 32, 16, 25, 33, 8, 17, 34, 26, 30, 1, 18, 2, 9, 19, 36, 10,
		27, 3, 11, 28, 20, 31, 5, 4, 12, 21, 6, 13, 22, 29, 7, 14, 23,
	}
	genreNames = map[int]string{
		15: "Боевые искусства", 24: "Вампиры", 32: "Гарем", 16: "Демоны", 25: "Детектив", 33: "Дзёсей",
		8: "Драма", 17: "Игры", 34: "Исекай", 26: "Исторический", 30: "Киберпанк", 1: "Комедия",
		18: "Магия", 2: "Меха", 9: "Мистика", 19: "Музыка", 36: "Пародия", 10: "Повседневность",
		27: "Приключения", 3: "Психологическое", 11: "Романтика", 28: "Сверхъестественное", 20: "Сёдзе",
		31: "Сёдзе-ай", 5: "Сейнен", 4: "Сёнен", 12: "Спорт", 21: "Супер сила", 6: "Триллер", 13: "Ужасы",
		22: "Фантастика", 29: "Фэнтези", 7: "Школа", 14: "Экшен", 23: "Этти",
	}
)

func ageIndex(value string) int {
	for i, a := range ageRatings {
		if a.value == value {
			return i
		}
	}
	return -1
}

func referenceList(list []reference) []any {
	all := make([]any, len(list))
	for i, r := range list {
		o := object{{"value", r.value}}
		if r.label != "" {
			o = append(o, field{"label", r.label})
		}
		all[i] = append(o, field{"description", r.description})
	}
	return all
}

func describedList(order []string, names map[string]string) []any {
	all := make([]any, len(order))
	for i, value := range order {
		all[i] = object{{"value", value}, {"description", names[value]}}
	}
	return all
}
