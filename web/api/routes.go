package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"anihub/web/envelope"
)

// route is one line of the table: who may, how, where, what.
type route struct {
	who     role
	method  string
	path    string
	handler echo.HandlerFunc
}

// catalogPrefixes: older clients call the same routes without /v2.
func catalogPrefixes() []string { return []string{"/api/anilibria/v2", "/api/anilibria"} }

func (a *API) routes(e *echo.Echo) {
	for _, prefix := range catalogPrefixes() {
		a.mount(e, prefix, a.catalogRoutes())
	}
	a.mount(e, "", a.otherRoutes())
	a.mount(e, "", a.libraryRoutes())
}

func (a *API) catalogRoutes() []route {
	return []route{
		{anyone, http.MethodGet, "/titles", a.listTitles},
		{anyone, http.MethodGet, "/titles/batch", a.batchTitles},
		{anyone, http.MethodGet, "/titles/:id", a.title},
		{anyone, http.MethodGet, "/titles/:id/recommended", a.recommended},
		{anyone, http.MethodGet, "/titles/code/:code", a.titleByCode},
		{anyone, http.MethodGet, "/franchise/:id", a.franchise},
		{anyone, http.MethodGet, "/search", a.search},
		{anyone, http.MethodGet, "/updates", a.updates},
		{anyone, http.MethodGet, "/popular", a.popular},
		{anyone, http.MethodGet, "/random", a.random},
		{anyone, http.MethodGet, "/schedule", a.schedule},
		{anyone, http.MethodGet, "/feed.rss", a.rss},
		{anyone, http.MethodGet, "/feed.atom", a.atom},
		{anyone, http.MethodGet, "/feed.json", a.jsonFeed},
		{anyone, http.MethodGet, "/schedule.ics", a.calendar},
		{anyone, http.MethodGet, "/genres", a.genres},
		{anyone, http.MethodGet, "/years", a.years},
		{anyone, http.MethodGet, "/seasons", a.seasons},
		{anyone, http.MethodGet, "/status", a.status},
		{anyone, http.MethodGet, "/ws", a.events.Socket},
		{anyone, http.MethodGet, "/events", a.stream},
	}
}

func (a *API) otherRoutes() []route {
	return []route{
		{anyone, http.MethodGet, "/health/live", a.live},
		{anyone, http.MethodGet, "/health/ready", a.ready},

		{anyone, http.MethodGet, socketIOPath, a.events.SocketIO},
		{anyone, http.MethodPost, socketIOPath, a.events.SocketIO},

		{anyone, http.MethodGet, "/api/openapi.json", a.docs.ServeJSON},
		{anyone, http.MethodGet, "/api/asyncapi.json", a.messages.ServeJSON},
		{anyone, http.MethodGet, "/api/docs", a.docs.ServePage},
		{anyone, http.MethodGet, "/api/docs/reference.js", a.docs.ServeScript},
		{anyone, http.MethodGet, "/sdk/anihub.js", envelope.Bare(a.sdk.ServeModule)},
		{anyone, http.MethodGet, "/sdk/anihub.d.ts", envelope.Bare(a.sdk.ServeTypes)},

		{anyone, http.MethodPost, "/api/auth/register", envelope.Bare(a.register)},
		{anyone, http.MethodPost, "/api/auth/login", envelope.Bare(a.login)},
		{anyone, http.MethodPost, "/api/auth/refresh", envelope.Bare(a.refresh)},
		{signedIn, http.MethodPost, "/api/auth/logout", envelope.Bare(a.logout)},
		{signedIn, http.MethodGet, "/api/auth/me", envelope.Bare(a.me)},

		{signedIn, http.MethodGet, "/api/users/profile", envelope.Bare(a.me)},
		{signedIn, http.MethodPut, "/api/users/profile", envelope.Bare(a.updateProfile)},
		{signedIn, http.MethodPut, "/api/users/change-password", envelope.Bare(a.changePassword)},
		{signedIn, http.MethodDelete, "/api/users/account", envelope.Bare(a.deleteAccount)},
		{signedIn, http.MethodGet, "/api/users/sessions", envelope.Bare(a.sessions)},
		{signedIn, http.MethodDelete, "/api/users/sessions", a.endSessions},
		{signedIn, http.MethodDelete, "/api/users/sessions/:id", envelope.Bare(a.endSession)},
		{signedIn, http.MethodGet, "/api/users/subscriptions", envelope.Bare(a.subscriptions)},
		{signedIn, http.MethodPut, "/api/users/subscriptions/:title_id", envelope.Bare(a.subscribe)},
		{signedIn, http.MethodDelete, "/api/users/subscriptions/:title_id", envelope.Bare(a.unsubscribe)},

		{signedIn, http.MethodGet, "/api/users/notifications", a.notifications},
		{signedIn, http.MethodPost, "/api/users/notifications/read", envelope.Bare(a.markRead)},
		{signedIn, http.MethodGet, "/api/users/webhooks", envelope.Bare(a.webhooks)},
		{signedIn, http.MethodPost, "/api/users/webhooks", envelope.Bare(a.addWebhook)},
		{signedIn, http.MethodDelete, "/api/users/webhooks/:id", envelope.Bare(a.removeWebhook)},
		{signedIn, http.MethodPost, "/api/users/webhooks/:id/replay", envelope.Bare(a.replayWebhook)},
		{signedIn, http.MethodGet, "/api/users/push/key", envelope.Bare(a.pushKey)},
		{signedIn, http.MethodPost, "/api/users/push", envelope.Bare(a.addPush)},
		{signedIn, http.MethodDelete, "/api/users/push", envelope.Bare(a.removePush)},
		{signedIn, http.MethodPost, "/api/users/feed-token", envelope.Bare(a.issueFeedToken)},
		{signedIn, http.MethodDelete, "/api/users/feed-token", envelope.Bare(a.revokeFeedToken)},
		{anyone, http.MethodGet, "/api/users/feed/:file", a.personalFeed},
	}
}

// libraryRoutes are what a user thinks of titles, and where they stopped.
func (a *API) libraryRoutes() []route {
	return []route{
		{signedIn, http.MethodGet, "/api/users/favorites", a.favorites},
		{signedIn, http.MethodPut, "/api/users/favorites/:title_id", envelope.Bare(a.addFavorite)},
		{signedIn, http.MethodDelete, "/api/users/favorites/:title_id", envelope.Bare(a.removeFavorite)},
		{signedIn, http.MethodGet, "/api/users/lists", a.lists},
		{signedIn, http.MethodPut, "/api/users/lists/:title_id", envelope.Bare(a.putOnList)},
		{signedIn, http.MethodDelete, "/api/users/lists/:title_id", envelope.Bare(a.takeOffList)},
		{signedIn, http.MethodGet, "/api/users/lists/export", a.exportLists},
		{signedIn, http.MethodPost, "/api/users/lists/import", a.importLists},
		{signedIn, http.MethodGet, "/api/users/progress", a.progress},
		{signedIn, http.MethodPut, "/api/users/progress", envelope.Bare(a.saveProgress)},
		{signedIn, http.MethodGet, "/api/users/progress/:title_id", envelope.Bare(a.titleProgress)},
		{signedIn, http.MethodPut, "/api/users/progress/:title_id", envelope.Bare(a.saveTitleProgress)},
		{signedIn, http.MethodGet, "/api/users/continue", a.continueWatching},
		{signedIn, http.MethodGet, "/api/users/export", envelope.Bare(a.exportUser)},
	}
}

// mount adds the routes; what answers GET answers HEAD, as RFC 9110 §9.3.2 wants.
func (a *API) mount(e *echo.Echo, prefix string, table []route) {
	for _, r := range table {
		h := a.only(r.who, r.handler)
		e.Add(r.method, prefix+r.path, h)
		if r.method == http.MethodGet {
			e.Add(http.MethodHead, prefix+r.path, h)
		}
	}
}
