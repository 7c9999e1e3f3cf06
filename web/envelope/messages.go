package envelope

// russian are the sentences of the faults by code; the English ones stand where
// the faults are declared.
var russian = map[string]string{
	"ACCOUNT_EXISTS":         "Аккаунт с таким логином или адресом почты уже есть.",
	"BAD_BODY":               "Тело запроса не подходит для этого маршрута.",
	"BAD_CREDENTIALS":        "Неверный логин или пароль.",
	"BAD_EVENT":              "Поле события не подходит.",
	"BAD_PARAMETER":          "Параметр не подходит.",
	"BAD_QUERY":              "Параметр запроса не подходит.",
	"BAD_TOKEN":              "Токен недействителен.",
	"BANNED":                 "Этот аккаунт заблокирован.",
	"BODY_TOO_LARGE":         "Тело запроса слишком большое.",
	"BUSY":                   "Слишком много входов одновременно, попробуйте чуть позже.",
	"CANCELED":               "Запрос отменён.",
	"CATALOG_UNAVAILABLE":    "Каталог сейчас не может ответить, попробуйте позже.",
	"CROSS_SITE":             "Запросы с других сайтов здесь не принимаются.",
	"FORBIDDEN":              "Это вам не разрешено.",
	"INTERNAL":               "У нас что-то сломалось.",
	"METHOD_NOT_ALLOWED":     "Этот маршрут не знает такого метода.",
	"NOT_FOUND":              "Такого маршрута нет.",
	"RATE_LIMITED":           "Слишком много запросов, попробуйте позже.",
	"REALTIME_UNAVAILABLE":   "Уведомления сейчас недоступны, попробуйте позже.",
	"TIMEOUT":                "Ответ занял слишком много времени.",
	"TITLE_NOT_FOUND":        "Такого тайтла нет.",
	"TOO_MANY_ATTEMPTS":      "Слишком много попыток, попробуйте позже.",
	"UNACCEPTABLE":           "Поле не подходит.",
	"UNAUTHENTICATED":        "Сначала войдите.",
	"UNAVAILABLE":            "Сервис сейчас недоступен, попробуйте позже.",
	"UNSUPPORTED_MEDIA_TYPE": "Тело запроса должно быть application/json.",
	"USERS_UNAVAILABLE":      "Аккаунты сейчас недоступны, попробуйте позже.",
	"USER_NOT_FOUND":         "Такого пользователя нет.",
}
