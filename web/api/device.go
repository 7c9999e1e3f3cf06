package api

import "strings"

// A mark in a user agent, and what has it.
type mark struct{ token, name string }

// Browsers name those they descend from (RFC 9110 §10.1.5 leaves it to them), so the
// youngest is asked for first.
func browsers() []mark {
	return []mark{
		{"YaBrowser/", "Yandex Browser"},
		{"Edg/", "Edge"},
		{"EdgA/", "Edge"},
		{"EdgiOS/", "Edge"},
		{"OPR/", "Opera"},
		{"Opera", "Opera"},
		{"Vivaldi/", "Vivaldi"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chromium/", "Chromium"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"Dart/", "Dart"},
		{"okhttp/", "okhttp"},
		{"curl/", "curl"},
		{"python-requests/", "python-requests"},
		{"Go-http-client/", "Go"},
	}
}

func systems() []mark {
	return []mark{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"CrOS", "ChromeOS"},
		{"Windows", "Windows"},
		{"Mac OS X", "macOS"},
		{"Macintosh", "macOS"},
		{"Linux", "Linux"},
	}
}

// unknownDevice is said of a client that says nothing of itself that we know.
const unknownDevice = "Unknown device"

// device says in plain words what a user agent tells of itself: "Firefox on Windows".
// Only words of ours are answered, never what the client sent.
func device(agent string) string {
	browser, system := first(browsers(), agent), first(systems(), agent)
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser != "" || system != "":
		return browser + system
	}
	return unknownDevice
}

func first(marks []mark, agent string) string {
	for _, m := range marks {
		if strings.Contains(agent, m.token) {
			return m.name
		}
	}
	return ""
}
