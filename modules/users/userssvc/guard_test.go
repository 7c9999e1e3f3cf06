package userssvc_test

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"anihub/modules/users"
	"anihub/modules/users/userssvc"
)

func TestURLsOfWebhooks(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]struct{ public, private bool }{
		"https://hooks.example.org/a?b=c":                   {true, true},
		"https://hooks.example.org:8443":                    {true, true},
		"https://93.184.215.14/":                            {true, true},
		"https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/": {true, true},
		"https://пример.рф/":                                {true, true},
		"HTTPS://hooks.example.org/":                        {true, true},
		"http://hooks.example.org/":                         {false, true},
		"https://127.0.0.1/":                                {false, true},
		"https://10.1.2.3/":                                 {false, true},
		"https://172.16.0.1/":                               {false, true},
		"https://192.168.1.1/":                              {false, true},
		"https://169.254.169.254/latest/meta-data/":         {false, true},
		"https://100.64.0.1/":                               {false, true},
		"https://0.0.0.0/":                                  {false, true},
		"https://224.0.0.1/":                                {false, true},
		"https://255.255.255.255/":                          {false, true},
		"https://168.63.129.16/":                            {false, true},
		"https://[::1]/":                                    {false, true},
		"https://[::]/":                                     {false, true},
		"https://[::ffff:127.0.0.1]/":                       {false, true},
		"https://[::ffff:7f00:1]/":                          {false, true},
		"https://[fe80::1]/":                                {false, true},
		"https://[fd00:ec2::254]/":                          {false, true},
		"https://[ff02::1]/":                                {false, true},
		"https://[64:ff9b::7f00:1]/":                        {false, true},
		"https://[2002:7f00:1::]/":                          {false, true},
		"https://[fe80::1%25eth0]/":                         {false, false},
		"https://me@hooks.example.org/":                     {false, false},
		"https://me:secret@hooks.example.org/":              {false, false},
		"https://hooks.example.org@127.0.0.1/":              {false, false},
		"https://hooks.example.org/#x":                      {false, false},
		"https://":                                          {false, false},
		"https:hooks.example.org":                           {false, false},
		"//hooks.example.org/":                              {false, false},
		"hooks.example.org":                                 {false, false},
		"ftp://hooks.example.org/":                          {false, false},
		"file:///etc/passwd":                                {false, false},
		"gopher://127.0.0.1:25/":                            {false, false},
		"https://hooks.example.org:0/":                      {false, false},
		"https://hooks.example.org:99999999/":               {true, true}, // no such port: nobody answers
		"https://hooks .example.org/":                       {false, false},
		"https://hooks.example.org/\r\nHost: x":             {false, false},
		" https://hooks.example.org/":                       {false, false},
		"https://hooks.example.org\\@127.0.0.1/":            {false, false},
		"":                                                  {false, false},
	} {
		for private, ok := range map[bool]bool{false: want.public, true: want.private} {
			err := userssvc.CheckURL(raw, private)
			if (err == nil) != ok || err != nil && !errors.Is(err, users.ErrUnacceptable) {
				t.Errorf("%q, private %v: %v", raw, private, err)
			}
		}
	}
}

// TestAddressesThatAreDialled: whatever a name led to, and however it was spelt.
func TestAddressesThatAreDialled(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"93.184.215.14:443": true, "[2606:2800::1]:443": true, "[::ffff:93.184.215.14]:443": true,
		"127.0.0.1:443": false, "127.8.8.8:443": false, "[::1]:443": false, "[::ffff:10.0.0.1]:443": false, "[fe80::1%eth0]:443": false,
		"10.0.0.1:443": false, "169.254.169.254:80": false, "[fd00:ec2::254]:80": false, "[64:ff9b::a00:1]:443": false,
		"[2001:0:53aa:64c::1]:443": false, "nonsense": false, "localhost:443": false, "": false,
	} {
		if err := userssvc.Control(address, false); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := userssvc.Control("127.0.0.1:443", true); err != nil {
		t.Errorf("allowed by configuration: %v", err)
	}
}

// TestANameThatLeadsHome is accepted, as any name is, and refused when it is dialled:
// the listener never sees a connection.
func TestANameThatLeadsHome(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	visits := make(chan struct{}, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(visits)
				return
			}
			visits <- struct{}{}
			_ = c.Close()
		}
	}()
	n := newNewsroom()
	h := open(t, n.reading)
	run(t, h)
	mine := signUp(t, h, "wanderer")
	if _, err := h.Subscribe(t.Context(), mine.User.ID, 5); err != nil {
		t.Fatal(err)
	}
	u := "https://localhost:" + strings.TrimPrefix(l.Addr().String(), "127.0.0.1:") + "/"
	if _, err := h.AddWebhook(t.Context(), mine.User.ID, users.NewWebhook{URL: u}); err != nil {
		t.Fatal(err)
	}
	n.publish(t, episode(5, 1))
	for {
		all, err := h.Webhooks(t.Context(), mine.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		if all[0].Failures > 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	_ = l.Close()
	if _, came := <-visits; came {
		t.Error("somebody connected")
	}
}

// TestAPushServiceThatLeadsHome: the same holds of endpoints, whatever was allowed when
// they were added.
func TestAPushServiceThatLeadsHome(t *testing.T) {
	t.Parallel()
	d := pushTo(t, open)
	d.stop()
	d.house = openOn(t, d.store, d.news.reading) // nothing is allowed any more
	run(t, d.house)
	d.news.publish(t, episode(5, 1))
	d.becomes(t, func(p users.PushEndpoint) bool { return p.Failures == 1 })
	if n := len(d.browser.posts()); n != 0 {
		t.Errorf("%d posts", n)
	}
}

// FuzzWebhookURL: what is accepted is https, names no user, and if it names an address,
// a public one, in whatever spelling Go would dial it.
func FuzzWebhookURL(f *testing.F) {
	for _, seed := range []string{
		"https://hooks.example.org/", "https://127.0.0.1", "https://[::ffff:127.0.0.1]:1/", "https://2130706433/", "https://0x7f.1/",
		"https://a@b/", "https://[fe80::1%25lo]/", "https://127.0.0.1.:443", "https://①②⑦.⓪.⓪.①/", "https://%31%32%37.0.0.1/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if userssvc.CheckURL(raw, false) != nil {
			return
		}
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Host == "" || len(raw) > users.MaxWebhookURL {
			t.Fatalf("accepted %q", raw)
		}
		if ip := net.ParseIP(u.Hostname()); ip != nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified()) {
			t.Fatalf("accepted %q, which is %s", raw, ip)
		}
	})
}

// FuzzPublicAddress compares with the standard library's words for what is not public.
func FuzzPublicAddress(f *testing.F) {
	for _, seed := range []string{"127.0.0.1", "::1", "8.8.8.8", "fe80::1", "::ffff:10.0.0.1", "64:ff9b::1"} {
		f.Add([]byte(net.ParseIP(seed).To16()))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, ok := netip.AddrFromSlice(raw)
		if !ok || !userssvc.Public(a) {
			return
		}
		ip := net.IP(raw)
		if ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || ip.IsInterfaceLocalMulticast() {
			t.Fatalf("%s is public", ip)
		}
		if four := ip.To4(); four != nil && (four[0] == 0 || four[0] >= 224 || four[0] == 100 && four[1]&0xc0 == 64) {
			t.Fatalf("%s is public", ip)
		}
		if userssvc.Control(netip.AddrPortFrom(a, 443).String(), false) != nil {
			t.Fatalf("%s is public and may not be dialled", a)
		}
	})
}

func TestQuietHours(t *testing.T) {
	t.Parallel()
	night := users.QuietHours{From: "23:00", To: "07:30", TimeZone: "Europe/Moscow"}
	berlin := users.QuietHours{From: "01:00", To: "04:00", TimeZone: "Europe/Berlin"}
	for _, c := range []struct {
		hours    users.QuietHours
		at, till string
	}{
		{night, "2026-09-26T19:59:59Z", ""},
		{night, "2026-09-26T20:00:00Z", "2026-09-27T04:30:00Z"},
		{night, "2026-09-27T01:00:00Z", "2026-09-27T04:30:00Z"},
		{night, "2026-09-27T04:29:59Z", "2026-09-27T04:30:00Z"},
		{night, "2026-09-27T04:30:00Z", ""},
		{users.QuietHours{From: "09:00", To: "17:00", TimeZone: "UTC"}, "2026-09-26T12:00:00Z", "2026-09-26T17:00:00Z"},
		{users.QuietHours{From: "09:00", To: "17:00", TimeZone: "UTC"}, "2026-09-26T08:00:00Z", ""},
		// The night on which the clocks go forward, and the one on which they go back.
		{berlin, "2026-03-29T00:30:00Z", "2026-03-29T02:00:00Z"},
		{berlin, "2026-10-25T00:30:00Z", "2026-10-25T03:00:00Z"},
		{berlin, "2026-10-25T03:00:00Z", ""},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		till, err := userssvc.QuietUntil(c.hours, at)
		got := ""
		if !till.Equal(at) {
			got = till.UTC().Format(time.RFC3339)
		}
		if err != nil || got != c.till {
			t.Errorf("%v at %s: till %q, want %q (%v)", c.hours, c.at, got, c.till, err)
		}
	}
}
