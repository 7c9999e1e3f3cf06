package test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"anihub/platform/anilibria/anilibriatest"
)

// site is the real binary with a catalogue of n titles in its store, for benchmarks.
type site struct {
	*process
	u   *upstream
	env []string
	n   int
}

func newSite(b *testing.B, n int) *site {
	b.Helper()
	s := &site{u: newUpstream(b, anilibriatest.Generate(n, 7)), n: n}
	s.env = append(s.u.quiet(), "ANIHUB_PLATFORM_STORAGE_DATA_DIR="+b.TempDir())
	began := time.Now()
	s.process = start(b, []string{"serve"}, s.env...)
	for !strings.Contains(s.out.String(), "full sync ended") {
		if time.Since(began) > 20*time.Minute {
			b.Fatalf("the first full sync of %d titles does not end: %s", n, tail(s.out.String(), 2000))
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.Logf("%d titles: first full sync %v, %.0f titles/s", n, time.Since(began).Round(time.Millisecond), float64(n)/time.Since(began).Seconds())
	return s
}

// restart ends the process and starts it again on the same store. It returns the time
// until the first 200 of a list, and until the list has all titles.
func (s *site) restart(b *testing.B) (first, whole time.Duration) {
	b.Helper()
	s.kill()
	began := time.Now()
	s.process = start(b, []string{"serve"}, s.env...)
	for whole == 0 {
		a := s.read(titles + "?limit=1")
		if a.status == http.StatusOK && first == 0 {
			first = time.Since(began)
		}
		if a.status == http.StatusOK && a.Pagination.Total == s.n {
			whole = time.Since(began)
		}
		if time.Since(began) > time.Minute {
			b.Fatalf("after a minute: %d, %d titles", a.status, a.Pagination.Total)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return first, whole
}

// resident is the memory of the process in MB.
func (s *site) resident(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	return float64(kb) / 1024
}

// fetch asks once and throws the answer away.
func (s *site) fetch(b *testing.B, path string) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	resp, err := browser().Do(r)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b.Fatalf("%s: %d", path, resp.StatusCode)
	}
}

// BenchmarkGrowth is a hot title, a list page and a start at today's size and at fifty
// times that (SPEC §10).
func BenchmarkGrowth(b *testing.B) {
	for _, n := range []int{2_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := newSite(b, n)
			first, whole := s.restart(b)
			id := s.u.IDs()[n/2]
			for name, path := range map[string]string{"title": titlePath(id), "list": titles + "?limit=20&sort=popularity"} {
				b.Run(name, func(b *testing.B) {
					s.fetch(b, path)
					for b.Loop() {
						s.fetch(b, path)
					}
				})
			}
			b.ReportMetric(float64(first.Milliseconds()), "ms-to-first-200")
			b.ReportMetric(float64(whole.Milliseconds()), "ms-to-whole-list")
			b.ReportMetric(s.resident(b), "MB-resident")
			b.Logf("%d titles: first 200 after %v, whole list after %v, %.0f MB resident", n, first, whole, s.resident(b))
		})
	}
}

// BenchmarkSearchOverHTTP asks 500 times a second, as different viewers do: who comes
// does not wait for those before (SPEC §10).
func BenchmarkSearchOverHTTP(b *testing.B) {
	const rate = 500
	s := newSite(b, 10_000)
	s.restart(b)
	queries := corpusQueries(b)
	s.fetch(b, searchPath(queries[0])) // makes the structure, if nobody did
	b.ResetTimer()
	took := make([]time.Duration, b.N)
	begin := time.Now()
	done := make(chan struct{}, b.N)
	for i := range b.N {
		due := begin.Add(time.Duration(i) * time.Second / rate)
		time.Sleep(time.Until(due))
		go func() {
			s.fetch(b, searchPath(queries[i%len(queries)]))
			took[i] = time.Since(due)
			done <- struct{}{}
		}()
	}
	for range b.N {
		<-done
	}
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/time.Since(begin).Seconds(), "queries/s")
	b.ReportMetric(float64(took[b.N/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[b.N*99/100].Microseconds()), "p99-µs")
}

// corpusQueries is what people type, from the corpus of the catalogue's own tests.
func corpusQueries(b *testing.B) (typed []string) {
	b.Helper()
	text, err := os.ReadFile("../modules/catalog/catalogsvc/testdata/search_queries.tsv")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(line, "\t"); !strings.HasPrefix(line, "#") && len(f) > 1 && len([]rune(f[1])) > 1 {
			typed = append(typed, f[1])
		}
	}
	return typed
}

func searchPath(q string) string { return "/api/anilibria/v2/search?q=" + url.QueryEscape(q) }
