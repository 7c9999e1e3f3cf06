package userssvc

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"anihub/modules/realtime"
	"anihub/modules/users"
	"anihub/platform/documents"
)

// webhook is a stored webhook.
type webhook struct {
	Ledger `bson:",inline"`

	URL    string   `bson:"url"`
	Types  []string `bson:"types"`
	Secret []byte   `bson:"secret"`
	Rest   rest     `bson:",inline"`
}

func (w webhook) door() users.Webhook {
	out := users.Webhook{
		ID: w.id, URL: w.URL, Types: append([]string{}, w.Types...), Disabled: w.Disabled,
		Failures: w.Failures, Delivered: w.Delivered, CreatedAt: w.CreatedAt,
	}
	if w.Failures > 0 && !w.Disabled {
		out.NextAt = w.NextAt
	}
	return out
}

// webhook by id. documents.ErrNotFound.
func (s *store) webhook(ctx context.Context, id string) (webhook, error) {
	w := webhook{Ledger: Ledger{id: id}}
	if !validID(id) {
		return w, documents.ErrNotFound
	}
	var err error
	w.version, err = s.webhooks.Get(ctx, id, &w)
	return w, err
}

func (s *store) webhooksOf(ctx context.Context, user string) ([]webhook, error) {
	all := []webhook{}
	if !validID(user) {
		return all, nil
	}
	for d, err := range s.webhooks.Find(ctx, "user", user) {
		w, err := webhookOf(d, err)
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b webhook) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.id, b.id)) })
	return all, nil
}

func webhookOf(d documents.Document, err error) (webhook, error) {
	w := webhook{Ledger: Ledger{id: d.ID, version: d.Version}}
	if err == nil {
		err = d.Decode(&w)
	}
	return w, err
}

// Webhooks implements users.Channel.
func (s *Service) Webhooks(ctx context.Context, userID string) ([]users.Webhook, error) {
	return observed(ctx, s, "webhooks", func() ([]users.Webhook, error) {
		all, err := s.store.webhooksOf(ctx, userID)
		out := []users.Webhook{}
		for _, w := range all {
			out = append(out, w.door())
		}
		return out, err
	})
}

// AddWebhook implements users.Channel.
func (s *Service) AddWebhook(ctx context.Context, userID string, n users.NewWebhook) (users.Webhook, error) {
	return observed(ctx, s, "add_webhook", func() (users.Webhook, error) {
		types, err := checkTypes(n.Types)
		if err == nil {
			err = s.webhooks.guard.checkURL("url", n.URL)
		}
		if err == nil {
			_, err = s.store.account(ctx, userID)
		}
		if err == nil {
			err = s.news.wait(ctx) // it is told of what happens from now on
		}
		if err != nil {
			return users.Webhook{}, err
		}
		return s.addWebhook(ctx, webhook{Ledger: Ledger{User: userID, CreatedAt: now(), id: newID()}, URL: n.URL, Types: types})
	})
}

// addWebhook adds first and counts then, as subscribe does.
func (s *Service) addWebhook(ctx context.Context, w webhook) (users.Webhook, error) {
	w.Secret, w.Cursor = newSecret(), s.news.last()
	if err := s.store.webhooks.Insert(ctx, w.id, w); err != nil {
		return users.Webhook{}, err
	}
	all, err := s.store.webhooksOf(ctx, w.User)
	if err != nil {
		return users.Webhook{}, err
	}
	if len(all) > users.MaxWebhooks {
		full := users.ErrUnacceptable.Detail("field", "url").Detail("most", users.MaxWebhooks).
			Saying("There are %d webhooks already, as many as one may have.", users.MaxWebhooks)
		return users.Webhook{}, errors.Join(full, s.store.webhooks.Delete(ctx, w.id))
	}
	out := w.door()
	out.Secret = secretText(w.Secret)
	return out, nil
}

func checkTypes(given []string) ([]string, error) {
	all := []string{realtime.EpisodeUpdate, realtime.NewEpisode, realtime.NewTitle, realtime.StatusChange}
	for _, t := range given {
		if !slices.Contains(all, t) {
			return nil, unacceptable("types", strings.Join(all, ", "))
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(given))), nil
}

// RemoveWebhook implements users.Channel. Another user's is as good as none.
func (s *Service) RemoveWebhook(ctx context.Context, userID, id string) error {
	_, err := observed(ctx, s, "remove_webhook", func() (struct{}, error) {
		w, err := s.store.webhook(ctx, id)
		if errors.Is(err, documents.ErrNotFound) || err == nil && w.User != userID {
			return struct{}{}, nil
		}
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, s.store.webhooks.Delete(ctx, id)
	})
	return err
}

// ReplayWebhook implements users.Channel.
func (s *Service) ReplayWebhook(ctx context.Context, userID, id, after string) (users.Webhook, error) {
	return observed(ctx, s, "replay_webhook", func() (users.Webhook, error) {
		if err := s.news.wait(ctx); err != nil {
			return users.Webhook{}, err
		}
		all, _, _ := s.news.now()
		c, err := view{s: s, all: all}.locate(ctx, after)
		if err != nil {
			return users.Webhook{}, unacceptable("after", acceptedPosition)
		}
		w, err := s.changeWebhook(ctx, id, func(w *webhook) error {
			if w.User != userID {
				return users.ErrNoWebhook
			}
			w.Cursor, w.Failures, w.Disabled, w.NextAt = c.order, 0, false, time.Time{}
			return nil
		})
		s.worker.ring()
		return w.door(), err
	})
}

// changeWebhook edits one until nobody else changed it meanwhile. ErrNoWebhook.
func (s *Service) changeWebhook(ctx context.Context, id string, edit func(*webhook) error) (webhook, error) {
	for range maxTries {
		w, err := s.store.webhook(ctx, id)
		if errors.Is(err, documents.ErrNotFound) {
			return webhook{}, users.ErrNoWebhook
		}
		if err == nil {
			err = edit(&w)
		}
		if err != nil {
			return webhook{}, err
		}
		if err = s.store.webhooks.Replace(ctx, id, w.version, w); !errors.Is(err, documents.ErrVersion) {
			return w, err
		}
	}
	return webhook{}, documents.ErrVersion
}

// hears implements outlet.
func (w *webhook) hears(typ string, _ users.Subscription) bool {
	return len(w.Types) == 0 || slices.Contains(w.Types, typ)
}

// admitted implements outlet.
func (w *webhook) admitted(context.Context, *Service, account) (bool, error) { return true, nil }

// patience implements outlet: a day, whatever goes wrong.
func (w *webhook) patience(status int) int {
	if status == http.StatusGone {
		return 0
	}
	return len(retries())
}

// abandon implements outlet: a webhook whose receiver says so goes, another one is
// disabled until its owner looks after it. The notice comes first: told twice is told
// once.
func (w *webhook) abandon(ctx context.Context, s *Service, status int) error {
	if status == http.StatusGone {
		if err := s.notify(ctx, w.User, noticeRef(*w, "gone"), users.NoticeChannel, users.NoticeWebhookGone); err != nil {
			return err
		}
		return s.store.webhooks.Delete(ctx, w.id)
	}
	if err := s.notify(ctx, w.User, noticeRef(*w, "disabled"), users.NoticeChannel, users.NoticeWebhookDisabled); err != nil {
		return err
	}
	w.Failures++
	w.Disabled, w.ClaimedUntil = true, time.Time{}
	return s.write(ctx, s.webhooks, w)
}

func noticeRef(w webhook, what string) string {
	return "webhook:" + w.id + ":" + what + ":" + strconv.FormatInt(w.version, 10)
}
