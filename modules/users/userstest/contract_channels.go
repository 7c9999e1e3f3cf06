package userstest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/users"
)

const hook = "https://hooks.example.org/anihub?x=1"

func webhooks(t *testing.T, s InboxSubject) {
	mine, other := signUp(t, s, "wanderer"), signUp(t, s, "stranger")
	id := mine.User.ID
	made, err := s.AddWebhook(t.Context(), id, users.NewWebhook{URL: hook, Types: []string{"status_change", "new_episode", "new_episode"}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(made.Secret, "whsec_") || made.ID == "" || made.URL != hook || made.CreatedAt.IsZero() || made.Disabled {
		t.Errorf("made %+v", made)
	}
	if diff := cmp.Diff([]string{"new_episode", "status_change"}, made.Types); diff != "" {
		t.Error(diff)
	}
	all, err := s.Webhooks(t.Context(), id)
	want := made
	want.Secret = ""
	if diff := cmp.Diff([]users.Webhook{want}, all); err != nil || diff != "" {
		t.Errorf("list: %v -want +got\n%s", err, diff)
	}
	all[0].Types[0] = "changed"
	if again, _ := s.Webhooks(t.Context(), id); !slices.Equal(again[0].Types, made.Types) {
		t.Error("the list is shared")
	}
	if none, err := s.Webhooks(t.Context(), other.User.ID); err != nil || len(none) != 0 || none == nil {
		t.Errorf("a stranger's list: %v, %v", none, err)
	}
	_, err = s.ReplayWebhook(t.Context(), other.User.ID, made.ID, "notice:1") // a position everybody knows
	if err == nil {
		t.Error("a stranger replays it")
	}
	if err := s.RemoveWebhook(t.Context(), other.User.ID, made.ID); err != nil {
		t.Error(err)
	}
	if all, _ = s.Webhooks(t.Context(), id); len(all) != 1 {
		t.Error("a stranger removed it")
	}
	for range 2 {
		if err := s.RemoveWebhook(t.Context(), id, made.ID); err != nil {
			t.Error(err)
		}
	}
	if all, _ = s.Webhooks(t.Context(), id); len(all) != 0 {
		t.Errorf("still there: %+v", all)
	}
}

func webhooksRefused(t *testing.T, s InboxSubject) {
	mine := signUp(t, s, "wanderer")
	for what, w := range map[string]users.NewWebhook{
		"types":               {URL: hook, Types: []string{"gossip"}},
		"url":                 {},
		"url, not encrypted":  {URL: "http://hooks.example.org/"},
		"url with a user":     {URL: "https://me@hooks.example.org/"},
		"url with a fragment": {URL: hook + "#x"},
		"url, another scheme": {URL: "ftp://hooks.example.org/"},
		"url that is long":    {URL: hook + strings.Repeat("x", users.MaxWebhookURL)},
		"url of this machine": {URL: "https://127.0.0.1/"},
		"url of it in IPv6":   {URL: "https://[::1]/"},
	} {
		_, err := s.AddWebhook(t.Context(), mine.User.ID, w)
		is(t, what, err, users.ErrUnacceptable)
		if got := field(err); got != what[:min(len(what), len(fmt.Sprint(got)))] {
			t.Errorf("%s: blames %v", what, got)
		}
	}
	_, err := s.AddWebhook(t.Context(), "nosuchuserxxxxxxxxxx", users.NewWebhook{URL: hook})
	is(t, "nobody", err, users.ErrNotFound)
	for range users.MaxWebhooks {
		if _, err := s.AddWebhook(t.Context(), mine.User.ID, users.NewWebhook{URL: hook}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.AddWebhook(t.Context(), mine.User.ID, users.NewWebhook{URL: hook})
	is(t, "one too many", err, users.ErrUnacceptable)
	all, err := s.Webhooks(t.Context(), mine.User.ID)
	if err != nil || len(all) != users.MaxWebhooks {
		t.Fatalf("%d, %v", len(all), err)
	}
	_, err = s.ReplayWebhook(t.Context(), mine.User.ID, all[0].ID, "nonsense")
	is(t, "replay from nowhere", err, users.ErrUnacceptable)
}

func feedToken(t *testing.T, s InboxSubject) {
	mine, other := signUp(t, s, "wanderer"), signUp(t, s, "stranger")
	subscribed(t, s, mine.User.ID, 9, 5, 7)
	if _, err := s.Prefer(t.Context(), mine.User.ID, 7, users.Preference{Channels: []string{users.ChannelWebhook}}); err != nil {
		t.Fatal(err)
	}
	titles := func(token string) []int {
		t.Helper()
		got, err := s.FeedTitles(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first, err := s.IssueFeedToken(t.Context(), mine.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := s.IssueFeedToken(t.Context(), other.User.ID)
	if err != nil || theirs == first || len(first) != 32 {
		t.Fatalf("%q, %q, %v", first, theirs, err)
	}
	if diff := cmp.Diff([]int{5, 9}, titles(first)); diff != "" {
		t.Error(diff)
	}
	if got := titles(theirs); len(got) != 0 || got == nil {
		t.Errorf("of no subscriptions: %v", got)
	}
	second, err := s.IssueFeedToken(t.Context(), mine.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	titles(second)
	if err := s.RevokeFeedToken(t.Context(), mine.User.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeFeedToken(t.Context(), mine.User.ID); err != nil {
		t.Error(err)
	}
	for _, token := range []string{first, second, "", "x", strings.Repeat("0", 32), strings.Repeat("a", 1<<16), "\x00", mine.AccessToken} {
		_, err := s.FeedTitles(t.Context(), token)
		is(t, fmt.Sprintf("%.40q", token), err, users.ErrNoFeed)
	}
	titles(theirs)
	if _, err := s.SetBanned(t.Context(), "stranger", true); err != nil {
		t.Fatal(err)
	}
	_, err = s.FeedTitles(t.Context(), theirs)
	is(t, "banned", err, users.ErrNoFeed)
	_, err = s.IssueFeedToken(t.Context(), "nosuchuserxxxxxxxxxx")
	is(t, "nobody", err, users.ErrNotFound)
}
