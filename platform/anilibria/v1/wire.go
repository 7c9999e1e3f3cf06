package v1

// The shapes of FACTS §3.6 to §3.8, as far as AniHub reads them.

type wireRelease struct {
	ID             number               `json:"id"`
	Alias          text                 `json:"alias"`
	Name           object[wireName]     `json:"name"`
	Type           object[wireValue]    `json:"type"`
	Year           number               `json:"year"`
	Season         object[wireValue]    `json:"season"`
	PublishDay     object[wireDay]      `json:"publish_day"`
	Description    text                 `json:"description"`
	Notification   text                 `json:"notification"`
	AgeRating      object[wireValue]    `json:"age_rating"`
	Poster         object[wireImage]    `json:"poster"`
	Genres         list[wireGenre]      `json:"genres"`
	IsOngoing      flag                 `json:"is_ongoing"`
	IsInProduction flag                 `json:"is_in_production"`
	ByGeo          flag                 `json:"is_blocked_by_geo"`
	ByRights       flag                 `json:"is_blocked_by_copyrights"`
	EpisodesTotal  number               `json:"episodes_total"`
	Minutes        number               `json:"average_duration_of_episode"`
	Favorites      number               `json:"added_in_users_favorites"`
	Rating         object[wireRating]   `json:"rating"`
	Shikimori      object[wireExternal] `json:"shikimori"`
	MyAnimeList    object[wireExternal] `json:"mal"`
	ExternalPlayer text                 `json:"external_player"`
	FreshAt        moment               `json:"fresh_at"`
	UpdatedAt      moment               `json:"updated_at"`
	CreatedAt      moment               `json:"created_at"`
	Members        list[wireMember]     `json:"members"`
	Episodes       list[wireEpisode]    `json:"episodes"`
	Torrents       list[wireTorrent]    `json:"torrents"`
}

type wireName struct {
	Main        text `json:"main"`
	English     text `json:"english"`
	Alternative text `json:"alternative"`
}

type wireValue struct {
	Value text `json:"value"`
	Label text `json:"label"`
}

type wireDay struct {
	Value number `json:"value"`
}

type wireImage struct {
	wireSizes
	Optimized object[wireSizes] `json:"optimized"`
}

type wireSizes struct {
	Src       text `json:"src"`
	Preview   text `json:"preview"`
	Thumbnail text `json:"thumbnail"`
}

type wireGenre struct {
	Name text `json:"name"`
}

type wireRating struct {
	Average number `json:"average"`
}

type wireExternal struct {
	ID     number `json:"id"`
	Rating number `json:"rating"`
}

type wireMember struct {
	Nickname text              `json:"nickname"`
	Role     object[wireValue] `json:"role"`
}

type wireEpisode struct {
	ID        text              `json:"id"`
	Ordinal   number            `json:"ordinal"`
	SortOrder number            `json:"sort_order"`
	Name      text              `json:"name"`
	Preview   object[wireImage] `json:"preview"`
	Duration  number            `json:"duration"`
	Opening   object[wireSpan]  `json:"opening"`
	Ending    object[wireSpan]  `json:"ending"`
	HLS480    text              `json:"hls_480"`
	HLS720    text              `json:"hls_720"`
	HLS1080   text              `json:"hls_1080"`
	RutubeID  text              `json:"rutube_id"`
	YouTubeID text              `json:"youtube_id"`
	UpdatedAt moment            `json:"updated_at"`
}

type wireSpan struct {
	Start number `json:"start"`
	Stop  number `json:"stop"`
}

type wireTorrent struct {
	ID          number            `json:"id"`
	Hash        text              `json:"hash"`
	Label       text              `json:"label"`
	Quality     object[wireValue] `json:"quality"`
	Type        object[wireValue] `json:"type"`
	Codec       object[wireValue] `json:"codec"`
	Description text              `json:"description"`
	Size        number            `json:"size"`
	Seeders     number            `json:"seeders"`
	Leechers    number            `json:"leechers"`
	Magnet      text              `json:"magnet"`
	UpdatedAt   moment            `json:"updated_at"`
}

type wireBump struct {
	ID        number              `json:"id"`
	FreshAt   moment              `json:"fresh_at"`
	UpdatedAt moment              `json:"updated_at"`
	Episode   object[wireEpisode] `json:"latest_episode"`
}

type wireCatalog struct {
	Data *list[wireID]    `json:"data"`
	Meta object[wireMeta] `json:"meta"`
}

type wireID struct {
	ID number `json:"id"`
}

// wireMeta leaves links out: they name the host that answered, and come as {}, []
// or null on a single page.
type wireMeta struct {
	Pagination object[wirePages] `json:"pagination"`
}

type wirePages struct {
	Total   number `json:"total"`
	Current number `json:"current_page"`
	Pages   number `json:"total_pages"`
}

type wireScheduled struct {
	Release   object[wireScheduledRelease] `json:"release"`
	Next      number                       `json:"next_release_episode_number"`
	Published object[wireEpisode]          `json:"published_release_episode"`
	// The names of early 2025.
	OldNext      number              `json:"new_release_episode_ordinal"`
	OldPublished object[wireEpisode] `json:"new_release_episode"`
}

type wireScheduledRelease struct {
	ID         number          `json:"id"`
	PublishDay object[wireDay] `json:"publish_day"`
}

type wireFranchise struct {
	ID          text                       `json:"id"`
	Name        text                       `json:"name"`
	NameEnglish text                       `json:"name_english"`
	Releases    list[wireFranchiseRelease] `json:"franchise_releases"`
}

type wireFranchiseRelease struct {
	SortOrder number              `json:"sort_order"`
	ReleaseID number              `json:"release_id"`
	Release   object[wireRelease] `json:"release"`
}
