package catalogsvc

import (
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// shortDoc is what the index reads of a title's document.
type shortDoc struct {
	Format     int
	Summary    wireSummary
	Generation int64
	StoredAt   time.Time
	Hidden     bool
}

// readable tells whether it is a title, and of no later version.
func (d shortDoc) readable() bool { return d.Format <= docFormat && d.Summary.ID > 0 }

var errShort = errors.New("the title's document is malformed")

// parseShort reads the short form by hand. At start that is done for the whole
// catalogue, and the general decoder takes four times as long. It is lenient
// about what it does not know and about kinds of numbers, as the decoder is.
func parseShort(raw bson.Raw) (d shortDoc, err error) {
	err = fields(raw, func(key []byte, v bsoncore.Value) error {
		switch string(key) {
		case "format":
			d.Format = number(v)
		case "generation":
			d.Generation, _ = v.AsInt64OK()
		case "stored_at":
			d.StoredAt = moment(v)
		case "hidden":
			d.Hidden = !moment(v).IsZero()
		case "summary":
			doc, ok := v.DocumentOK()
			if !ok {
				return errShort
			}
			return d.Summary.parse(bson.Raw(doc))
		}
		return nil
	})
	if err != nil {
		return shortDoc{}, err
	}
	return d, nil
}

func (w *wireSummary) parse(raw bson.Raw) error {
	return fields(raw, func(key []byte, v bsoncore.Value) error {
		if at := w.texts(key); at != nil {
			*at, _ = v.StringValueOK()
			return nil
		}
		if at := w.numbers(key); at != nil {
			*at = number(v)
			return nil
		}
		switch string(key) {
		case "rating":
			w.Rating, _ = v.AsFloat64OK()
		case "blocked":
			w.Blocked, _ = v.BooleanOK()
		case "expected_confidence":
			w.Confidence, _ = v.AsFloat64OK()
		case "latest":
			w.LatestEp, _ = v.AsFloat64OK()
		case "latest_at":
			w.LatestAt = moment(v)
		case "expected_at":
			w.ExpectedAt = moment(v)
		case "fresh_at":
			w.FreshAt = moment(v)
		case "updated_at":
			w.UpdatedAt = moment(v)
		case "genres":
			list, _ := v.ArrayOK()
			return fields(bson.Raw(list), func(_ []byte, v bsoncore.Value) error {
				g, ok := v.StringValueOK()
				if ok {
					w.Genres = append(w.Genres, g)
				}
				return nil
			})
		}
		return nil
	})
}

func (w *wireSummary) texts(key []byte) *string {
	switch string(key) {
	case "code":
		return &w.Code
	case "ru":
		return &w.RU
	case "en":
		return &w.EN
	case "alternative":
		return &w.Alternative
	case "description":
		return &w.Description
	case "type":
		return &w.Type
	case "status":
		return &w.Status
	case "season":
		return &w.Season
	case "age_rating":
		return &w.AgeRating
	case "small":
		return &w.Small
	case "medium":
		return &w.Medium
	case "large":
		return &w.Large
	case "latest_name":
		return &w.LatestName
	}
	return nil
}

func (w *wireSummary) numbers(key []byte) *int {
	switch string(key) {
	case "id":
		return &w.ID
	case "year":
		return &w.Year
	case "weekday":
		return &w.Weekday
	case "total":
		return &w.Total
	case "current":
		return &w.Current
	case "popularity":
		return &w.Popularity
	}
	return nil
}

// fields yields the fields of a document, or the items of an array, without
// copying.
func fields(raw bson.Raw, f func(key []byte, v bsoncore.Value) error) error {
	if len(raw) == 0 {
		return nil
	}
	length, rest, ok := bsoncore.ReadLength(raw)
	if !ok || int(length) != len(raw) {
		return errShort
	}
	for len(rest) > 1 {
		var e bsoncore.Element
		if e, rest, ok = bsoncore.ReadElement(rest); !ok {
			return errShort
		}
		v, err := e.ValueErr()
		if err != nil {
			return fmt.Errorf("%w: %w", errShort, err)
		}
		key, err := e.KeyBytesErr()
		if err != nil {
			return fmt.Errorf("%w: %w", errShort, err)
		}
		if err := f(key, v); err != nil {
			return err
		}
	}
	return nil
}

func number(v bsoncore.Value) int {
	n, _ := v.AsInt64OK()
	return int(n)
}

func moment(v bsoncore.Value) time.Time {
	ms, ok := v.DateTimeOK()
	if !ok {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
