package catalogsvc_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	_ "modernc.org/sqlite" // the "sqlite" driver of database/sql

	"anihub/modules/catalog"
)

// ftsTable is a full-text index of SQLite over the names (https://sqlite.org/fts5.html),
// for search to be held against.
type ftsTable struct {
	db       *sql.DB
	query    *sql.Stmt
	trigrams bool
}

func newFTS(b *testing.B, all []catalog.Summary, tokenizer string) *ftsTable {
	b.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1) // another one would be another database
	b.Cleanup(func() { _ = db.Close() })
	do := func(text string, args ...any) {
		if _, err := db.ExecContext(b.Context(), text, args...); err != nil {
			b.Fatal(err)
		}
	}
	do(fmt.Sprintf(`CREATE VIRTUAL TABLE t USING fts5(ru, en, alternative, code, popularity UNINDEXED, tokenize=%q)`, tokenizer))
	do("BEGIN")
	for _, s := range all {
		do("INSERT INTO t(rowid, ru, en, alternative, code, popularity) VALUES (?,?,?,?,?,?)",
			s.ID, s.Names.RU, s.Names.EN, s.Names.Alternative, s.Code, s.Popularity)
	}
	do("COMMIT")
	q, err := db.PrepareContext(b.Context(), "SELECT rowid FROM t WHERE t MATCH ? ORDER BY rank, popularity DESC LIMIT ?")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = q.Close() })
	return &ftsTable{db: db, query: q, trigrams: tokenizer == "trigram"}
}

// match is what is typed as FTS5 takes it: every word as a beginning, or any of the
// trigrams of the whole.
func (f *ftsTable) match(typed string) string {
	words := strings.FieldsFunc(strings.ToLower(typed), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if !f.trigrams {
		for i, w := range words {
			words[i] = `"` + w + `"*`
		}
		return strings.Join(words, " ")
	}
	var grams []string
	for _, w := range words {
		for r := []rune(w); len(r) >= 3; r = r[1:] {
			grams = append(grams, `"`+string(r[:3])+`"`)
		}
	}
	return strings.Join(grams, " OR ")
}

func (f *ftsTable) search(ctx context.Context, typed string, limit int) ([]int, error) {
	match := f.match(typed)
	if match == "" {
		return nil, nil
	}
	rows, err := f.query.QueryContext(ctx, match, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var ids []int
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// BenchmarkSearchAgainstFTS5 answers the corpus' queries from our structure and from
// SQLite's, with the share of titles found among the first five over 2,000 titles.
func BenchmarkSearchAgainstFTS5(b *testing.B) {
	queries := lines(b, "search_queries.tsv")
	for _, n := range []int{2_000, 10_000} {
		index, all := corpusIndex(b, n)
		index.SearchSize()
		words, trigrams := newFTS(b, all, "unicode61 remove_diacritics 2"), newFTS(b, all, "trigram")
		for _, engine := range []struct {
			name string
			ask  func(typed string, limit int) ([]int, error)
		}{
			{"ours", func(typed string, limit int) ([]int, error) {
				p, err := index.Page(catalog.Query{Search: typed, Limit: limit})
				var ids []int
				for _, t := range p.Titles {
					ids = append(ids, t.ID)
				}
				return ids, err
			}},
			{"fts5-words", func(typed string, limit int) ([]int, error) { return words.search(b.Context(), typed, limit) }},
			{"fts5-trigrams", func(typed string, limit int) ([]int, error) { return trigrams.search(b.Context(), typed, limit) }},
		} {
			b.Run(fmt.Sprintf("%s/%d", engine.name, n), func(b *testing.B) {
				var took []time.Duration
				for i := 0; b.Loop(); i++ {
					from := time.Now()
					if _, err := engine.ask(queries[i%len(queries)][1], 20); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(from))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
				b.ReportMetric(recall(b, all, queries, engine.ask), "recall@5")
			})
		}
	}
}

func recall(b *testing.B, all []catalog.Summary, queries [][]string, ask func(string, int) ([]int, error)) float64 {
	b.Helper()
	codes := map[string]int{}
	for _, s := range all {
		if codes[s.Code] == 0 {
			codes[s.Code] = s.ID
		}
	}
	found := 0
	for _, l := range queries {
		ids, err := ask(l[1], 5)
		if err != nil {
			b.Fatal(err)
		}
		if slices.Contains(ids, codes[l[2]]) {
			found++
		}
	}
	return float64(found) / float64(len(queries))
}
