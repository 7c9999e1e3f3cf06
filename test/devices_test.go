package test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/documents/mongowiretest"
	"anihub/platform/redisdb/redistest"
)

// device is a signed-in socket.
type device struct {
	t *testing.T
	*rawSocket
}

func (p *process) device(t *testing.T, token string) *device {
	t.Helper()
	s, err := dialRaw(t.Context(), p.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	_ = s.conn.SetReadDeadline(time.Now().Add(patience))
	d := &device{t, s}
	d.await(`"hello"`)
	d.tell(fmt.Sprintf(`{"type":"auth","id":1,"data":{"token":%q}}`, token))
	return d
}

func (d *device) tell(frame string) {
	d.t.Helper()
	if err := d.say(frame); err != nil {
		d.t.Fatal(err)
	}
}

// await reads until a frame has all that is wanted.
func (d *device) await(wants ...string) string {
	d.t.Helper()
	for {
		frame, err := d.read()
		if err != nil {
			d.t.Fatalf("%v; want %s", err, wants)
		}
		found := 0
		for _, want := range wants {
			if bytes.Contains(frame, []byte(want)) {
				found++
			}
		}
		if found == len(wants) {
			return string(frame)
		}
	}
}

// TestAFleetKnowsItsViewers: who is on two instances is one viewer of one fleet. Their
// connections count together, what one device does the other hears of, those who wait for a
// title are counted wherever they are, and the end of the sessions reaches all.
func TestAFleetKnowsItsViewers(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, anilibriatest.Catalogue())
	env := together(u.env(), shared(redistest.Start(t), mongowiretest.Start(t)),
		[]string{"ANIHUB_MODULES_REALTIME_MAX_CONNECTIONS_PER_USER=3"})
	a := start(t, []string{"serve"}, env...)
	a.ready()
	b := start(t, []string{"serve"}, env...)
	b.ready()
	token := a.account("mira")
	phone, tablet, desk := a.device(t, token), b.device(t, token), b.device(t, token)
	for _, d := range []*device{phone, tablet, desk} {
		d.await(`"auth_ok"`)
	}
	for _, p := range []*process{a, b} {
		p.device(t, token).await(`"error"`, "TOO_MANY_CONNECTIONS", `"limit":3`)
	}

	const subscribe = `{"type":"subscribe_title","data":{"title_id":9901}}`
	phone.tell(subscribe)
	tablet.tell(subscribe)
	for _, p := range []*process{a, b} {
		eventually(t, "two wait for the title", func() bool {
			_, header, _ := p.get(titles + "/9901")
			return header.Get("X-Subscribers") == "2"
		})
		if x := p.admin("GET", "/internal/realtime/presence", ""); !strings.Contains(x.body, `"instances":2`) || !strings.Contains(x.body, `{"title_id":9901,"subscribers":2}`) {
			t.Errorf("presence: %s", x.body)
		}
	}

	status, _, text := ask(t, http.MethodPut, a.url+"/api/users/progress/9901", token, `{"episodes":[{"episode":1,"seconds":61.5,"watched":false,"updated_at":"2026-07-01T12:00:00Z"}]}`)
	if status != http.StatusOK {
		t.Fatalf("progress: %d %s", status, text)
	}
	for _, d := range []*device{phone, tablet, desk} {
		d.await(`"progress"`, `"title_id":9901`, `"seconds":61.5`)
	}

	if status, _, text := ask(t, http.MethodDelete, a.url+"/api/users/sessions", token, ""); status >= 300 {
		t.Fatalf("sign out everywhere: %d %s", status, text)
	}
	for i, d := range []*device{phone, tablet, desk} {
		if err := d.lastWord(false); !closedWith(err, 4401) {
			t.Errorf("device %d ended with %v", i, err)
		}
	}
	eventually(t, "nobody waits any more", func() bool {
		return strings.Contains(b.admin("GET", "/internal/realtime/presence", "").body, `"titles":[]`)
	})
}
