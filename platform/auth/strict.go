package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// maxToken bounds a token; ours are under 600 bytes.
const maxToken = 4 << 10

// maxDepth bounds how deep a claim nobody reads may nest.
const maxDepth = 4

// maxDate is the largest time in a token, in seconds: the year 6325. Beyond it
// arithmetic on times would overflow.
const maxDate = 1 << 37

var (
	errShape = errors.New("not three segments of base64url")
	errAlg   = errors.New("alg is not HS256")
)

// form checks what the JWT library lets pass: exotic headers, keys that come twice,
// text that is not UTF-8, dates that are no numbers, line breaks within base64.
// Nothing in the token is believed yet.
func form(token string) (kid string, named bool, err error) {
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 {
		return "", false, errShape
	}
	raw := [3][]byte{}
	for i, p := range parts {
		if raw[i], err = segment(p); err != nil {
			return "", false, err
		}
	}
	header, err := object(raw[0])
	if err != nil {
		return "", false, fmt.Errorf("header: %w", err)
	}
	claims, err := object(raw[1])
	if err != nil {
		return "", false, fmt.Errorf("claims: %w", err)
	}
	if err := checkDates(claims); err != nil {
		return "", false, err
	}
	return checkHeader(header)
}

// segment decodes strictly. The alphabet is checked apart because encoding/base64
// skips line breaks even when strict.
func segment(s string) ([]byte, error) {
	for _, c := range []byte(s) {
		letter := (c|0x20) >= 'a' && (c|0x20) <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
			return nil, errShape
		}
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}

// checkHeader lets only alg, typ and kid in: every other header field asks the
// verifier to do something (RFC 7515 §4.1).
func checkHeader(h map[string]any) (kid string, named bool, err error) {
	for key, v := range h {
		text, ok := v.(string)
		switch {
		case !ok:
			return "", false, fmt.Errorf("header %.20q is no text", key)
		case key == "typ" && text != "JWT":
			return "", false, errors.New("typ is not JWT")
		case key == "kid":
			kid, named = text, true
		case key != "alg" && key != "typ":
			return "", false, fmt.Errorf("unknown header %.20q", key)
		}
	}
	if h["alg"] != "HS256" {
		return "", false, errAlg
	}
	return kid, named, nil
}

func checkDates(claims map[string]any) error {
	for _, key := range []string{"exp", "iat", "nbf"} {
		v, ok := claims[key]
		if !ok {
			continue
		}
		n, ok := v.(json.Number)
		if !ok {
			return fmt.Errorf("%s is no number", key)
		}
		f, err := n.Float64()
		if err != nil || math.IsNaN(f) || f < 0 || f > maxDate {
			return fmt.Errorf("%s is out of range", key)
		}
	}
	return nil
}

// object decodes exactly one JSON object in which no key comes twice at any level.
func object(raw []byte) (map[string]any, error) {
	if !utf8.Valid(raw) {
		return nil, errors.New("not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v, err := value(dec, 0)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("no object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return m, nil
}

func value(dec *json.Decoder, depth int) (any, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, errors.New("nested too deep")
	}
	switch tok {
	case json.Delim('{'):
		return members(dec, depth)
	case json.Delim('['):
		return elements(dec, depth)
	}
	return tok, nil
}

func members(dec *json.Decoder, depth int) (any, error) {
	m := map[string]any{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := tok.(string) // the decoder lets only strings be keys
		if _, twice := m[key]; twice {
			return nil, fmt.Errorf("%.20q comes twice", key)
		}
		if m[key], err = value(dec, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token()
	return m, err
}

func elements(dec *json.Decoder, depth int) (any, error) {
	list := []any{}
	for dec.More() {
		v, err := value(dec, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := dec.Token()
	return list, err
}
