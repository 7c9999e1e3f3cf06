// Command bare is what make bench compares with: net/http writing the same bytes,
// and nothing else. With -headers it also sets the response headers that curl -D
// wrote to a file, as a handler does that knows them: one Set per header and request.
package main

import (
	"flag"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on")
	identity := flag.String("identity", "", "file with the body")
	gzip := flag.String("gzip", "", "file with the compressed body")
	headers := flag.String("headers", "", "file with the headers of an answer, as curl -D writes it")
	flag.Parse()
	plain, coded := read(*identity), read(*gzip)
	fixed := []header{{"Content-Type", "application/json"}}
	if *headers != "" {
		fixed = parse(string(read(*headers)))
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, f := range fixed {
			h.Set(f.name, f.value)
		}
		body := plain
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			body = coded
			h.Set("Content-Encoding", "gzip")
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}
	log.Fatal(http.ListenAndServe(*addr, http.HandlerFunc(handler)))
}

type header struct{ name, value string }

// parse leaves out what net/http or the handler writes by itself.
func parse(dump string) []header {
	var out []header
	for line := range strings.Lines(dump) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		switch name = http.CanonicalHeaderKey(name); name {
		case "Date", "Content-Length", "Content-Encoding":
			continue
		}
		if ok {
			out = append(out, header{name, value})
		}
	}
	return out
}

func read(file string) []byte {
	b, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	return b
}
