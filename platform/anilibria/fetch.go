package anilibria

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
)

// Fetcher brings the body of one GET to a driver. The Guard is the one that
// speaks HTTP; a driver knows paths and shapes and nothing of hosts.
type Fetcher interface {
	// Fetch asks the hosts until one answers what Decode accepts. ErrNotFound,
	// ErrUnavailable, ErrRefused, ErrGarbage or a context error.
	Fetch(ctx context.Context, r Request) error
}

// Request is one question of a driver.
type Request struct {
	Route string     // one of the driver's few names: the label of metrics and logs
	Path  string     // escaped, relative to the base URL, without a leading slash
	Query url.Values // may be nil

	// Decode reads the answer, which is known to be valid JSON. It may run more
	// than once, on answers of different hosts. An error that is no fault means
	// ErrGarbage. Items it leaves out are told to skip.
	Decode func(body []byte, skip Skip) error
}

// Skip takes note of one item of a list that could not be read: kind is one of
// the driver's few names.
type Skip func(kind string, cause error)

// StatusRoute is the label of the health question.
const StatusRoute = "status"

// StatusRequest is app/status, the small answer that tells a living host from one
// whose edge merely answers (FACTS §3.2).
func StatusRequest() Request {
	return Request{Route: StatusRoute, Path: "app/status", Decode: decodeStatus}
}

// YearsRequest is the smallest answer of v3, which has nothing like app/status.
func YearsRequest() Request {
	return Request{Route: StatusRoute, Path: "years", Decode: decodeYears}
}

// statusRequest is the health question of the driver's dialect.
func (c Config) statusRequest() Request {
	if c.Driver == DriverV3 {
		return YearsRequest()
	}
	return StatusRequest()
}

func decodeYears(body []byte, _ Skip) error {
	var years []json.Number
	if err := json.Unmarshal(body, &years); err != nil {
		return err
	}
	if len(years) == 0 {
		return ErrUnavailable.Because("a catalogue without a single year")
	}
	return nil
}

func decodeStatus(body []byte, _ Skip) error {
	var status struct {
		IsAlive *bool `json:"is_alive"`
	}
	if err := json.Unmarshal(body, &status); err != nil {
		return err
	}
	if status.IsAlive == nil {
		return errors.New("app/status has no is_alive")
	}
	if !*status.IsAlive {
		return ErrUnavailable.Because("app/status says is_alive false")
	}
	return nil
}
