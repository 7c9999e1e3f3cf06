package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const browserKey = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"

// subscription is what a browser says, with the fields of its keys.
func subscription(endpoint, keys string) string {
	return fmt.Sprintf(`{"endpoint":%q,"expirationTime":null,"keys":{%s}}`, endpoint, keys)
}

func TestPushRoutes(t *testing.T) {
	t.Parallel()
	s := open(t)
	auth := s.signIn(t)
	var key struct {
		Data map[string]string
	}
	if err := json.Unmarshal(read(t, s.get(t, "/api/users/push/key", "Authorization", auth)), &key); err != nil || len(key.Data["public_key"]) != 87 || len(key.Data) != 1 {
		t.Errorf("key %v, %v", key.Data, err)
	}
	const endpoint, keys = "https://push.example.org/send/abc", `"p256dh":"` + browserKey + `","auth":"BTBZMqHH6r4Tts7J_aSIgg"`
	for _, c := range []struct {
		method, body string
		status       int
	}{
		{"POST", subscription(endpoint, keys), 200},
		{"POST", subscription(endpoint, keys), 200},
		{"POST", strings.Replace(subscription(endpoint, keys), "null", "4102444800000", 1), 200},
		{"POST", `{"endpoint":"` + endpoint + `","keys":{` + keys + `}}`, 200},
		{"POST", strings.Replace(subscription(endpoint, keys), "null", "1", 1), 422},
		{"POST", strings.Replace(subscription(endpoint, keys), "null", "-1", 1), 400},
		{"POST", strings.Replace(subscription(endpoint, keys), "null", "1e300", 1), 400},
		{"POST", strings.Replace(subscription(endpoint, keys), "null", `"soon"`, 1), 400},
		{"POST", subscription("http://push.example.org/", keys), 422},
		{"POST", subscription("https://127.0.0.1/", keys), 422},
		{"POST", subscription(endpoint, `"p256dh":"`+browserKey+`"`), 400},
		{"POST", subscription(endpoint, `"p256dh":"`+browserKey+`","auth":"short"`), 422},
		{"POST", subscription(endpoint, `"p256dh":"BB`+browserKey[2:]+`","auth":"BTBZMqHH6r4Tts7J_aSIgg"`), 422},
		{"POST", subscription(endpoint, keys+`,"private":"x"`), 400},
		{"POST", `{"endpoint":"` + endpoint + `","keys":[]}`, 400},
		{"POST", `{}`, 400},
		{"POST", `null`, 400},
		{"DELETE", `{}`, 400},
		{"DELETE", ``, 415},
	} {
		header := []string{"Authorization", auth}
		r := s.do(t, c.method, "/api/users/push", c.body, header...)
		if r.StatusCode != c.status {
			t.Errorf("%s %.120s: %d, want %d: %s", c.method, c.body, r.StatusCode, c.status, read(t, r))
		}
	}
	file := string(read(t, s.get(t, "/api/users/export", "Authorization", auth)))
	if strings.Count(file, endpoint) != 1 || strings.Contains(file, browserKey) {
		t.Errorf("the export: %s", file)
	}
	for range 2 {
		if r := s.do(t, "DELETE", "/api/users/push", `{"endpoint":"`+endpoint+`"}`, "Authorization", auth); r.StatusCode != 200 {
			t.Errorf("DELETE: %d", r.StatusCode)
		}
	}
	if file := string(read(t, s.get(t, "/api/users/export", "Authorization", auth))); strings.Contains(file, endpoint) {
		t.Errorf("removed, and still exported: %s", file)
	}
	if log := s.log.String(); strings.Contains(log, endpoint) || strings.Contains(log, browserKey) {
		t.Error("the endpoint is in the log")
	}
}
