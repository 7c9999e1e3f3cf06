// Command bare is what make bench compares with: net/http writing the same bytes,
// and nothing else.
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
	flag.Parse()
	plain, coded := read(*identity), read(*gzip)
	handler := func(w http.ResponseWriter, r *http.Request) {
		body := plain
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			body = coded
			w.Header().Set("Content-Encoding", "gzip")
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}
	log.Fatal(http.ListenAndServe(*addr, http.HandlerFunc(handler)))
}

func read(file string) []byte {
	b, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	return b
}
