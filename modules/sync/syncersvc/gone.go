package syncersvc

import (
	"context"
	"slices"

	"anihub/modules/catalog"
	"anihub/platform/anilibria"
)

// A title is gone when a complete pass did not list it and the upstream, asked for it
// by its id, says that there is none (FACTS §3.9). When many are missing at a time that
// is more likely an upstream that errs than a catalogue that has shrunk, and nothing is
// hidden before several passes in a row agree.
const (
	gonePart   = 20 // one of so many titles
	goneFew    = 20 // or so few, may vanish within one pass
	gonePasses = 3  // that agree when it is more
)

// hideGone has the titles hidden that the pass has not seen.
func (s *Service) hideGone(ctx context.Context, st *fullState, seen idSet) error {
	known, err := s.knownTitles(ctx)
	if err != nil {
		return err
	}
	gone := slices.DeleteFunc(slices.Clone(known), seen.has)
	s.metrics.absent.Set(float64(len(gone)))
	if len(gone) <= max(goneFew, len(known)/gonePart) {
		st.Shrunk = 0
	} else if st.Shrunk++; st.Shrunk < gonePasses {
		s.log.ErrorContext(ctx, "the upstream's catalogue has shrunk; nothing is hidden until more passes agree",
			"missing", len(gone), "of", len(known), "passes", st.Shrunk, "need", gonePasses)
		return nil
	}
	for ids := range slices.Chunk(gone, anilibria.PageMax) {
		err := s.persist(ctx, "titles that are gone", func() error {
			got, err := s.deps.Catalog.Refresh(ctx, catalog.Refresh{IDs: ids, Background: true, Hide: true})
			if err == nil && len(got.Hidden) > 0 {
				s.metrics.hidden.Add(float64(len(got.Hidden)))
				s.log.WarnContext(ctx, "titles that the upstream no longer knows are hidden", "titles", got.Hidden)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// knownTitles are the ids of the whole catalogue, ascending.
func (s *Service) knownTitles(ctx context.Context) (ids []int, err error) {
	const page = 100
	for n := 1; ; n++ {
		var got catalog.Page
		err := s.persist(ctx, "known titles", func() error {
			a, err := s.deps.Catalog.Titles(ctx, catalog.Query{Sort: "id", Page: n, Limit: page}, "")
			got = a.Value
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, t := range got.Titles {
			ids = append(ids, t.ID)
		}
		if len(got.Titles) < page {
			return ids, nil
		}
	}
}
