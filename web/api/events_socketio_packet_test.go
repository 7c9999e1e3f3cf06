package api_test

import (
	"encoding/json"
	"testing"

	"anihub/web/api"
)

func TestParsePacket(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`0`:                       `0 /  `,
		`0{"token":"x"}`:          `0 /  {"token":"x"}`,
		`0/admin,{"token":"x"}`:   `0 /admin  {"token":"x"}`,
		`0/admin`:                 `0 /admin  `,
		`0/?token=x,`:             `0 /?token=x  `,
		`2["ping"]`:               `2 /  ["ping"]`,
		`20["ping"]`:              `2 / 0 ["ping"]`,
		`2007["ping"]`:            `2 / 7 ["ping"]`,
		`2/a,12["ping",{"a":1}]`:  `2 /a 12 ["ping",{"a":1}]`,
		`29223372036854775807[1]`: `2 / 9223372036854775807 [1]`,
		`29223372036854775808[1]`: ``,
		`3`:                       `3 /  `,
		`1`:                       `1 /  `,
		`2-1["a"]`:                `2 /  -1["a"]`,
		`51-["a"]`:                `5 /  `,
		`6`:                       `6 /  `,
		`7`:                       ``,
		``:                        ``,
		`/`:                       ``,
		"0/a\x7f,":                ``,
		"0/я,":                    ``,
	} {
		if got := api.Packet([]byte(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestPacketAsFrame(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`2["ping"]`:         `{"type":"ping"}`,
		`25["ping",null]`:   `{"type":"ping","id":5,"data":null}`,
		`2["a",{"b": [1]}]`: `{"type":"a","data":{"b": [1]}}`,
		`2["a",1,2,3]`:      `{"type":"a","data":1,"arguments":true}`,
		`2[{"a":1}]`:        `{"type":{"a":1}}`,
		`2[]`:               ``,
		`2{}`:               ``,
		`2"ping"`:           ``,
		`2`:                 ``,
		`2["a"]]`:           ``,
		`2null`:             ``,
	} {
		if got := api.PacketFrame([]byte(in)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// FuzzPacket: whatever a client sends, what reaches a conversation is a JSON object of the
// fields that a frame has and one more.
func FuzzPacket(f *testing.F) {
	for _, seed := range []string{
		`2["ping"]`, `25["subscribe_title",{"title_id":5}]`, `0{"token":"x"}`, `0/admin,`, `51-["a",{"_placeholder":true,"num":0}]`,
		`2["a",1,2]`, `2[[[[]]]]`, `2007["a"]`, "2[\"\xff\"]", `3`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = api.Packet(b)
		frame := api.PacketFrame(b)
		if frame == "" {
			return
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(frame), &fields); err != nil {
			t.Fatalf("%q became %s: %v", b, frame, err)
		}
		for name := range fields {
			if name != "type" && name != "id" && name != "data" && name != "arguments" {
				t.Errorf("%q became %s", b, frame)
			}
		}
	})
}
