package main

import "slices"

// table is all defects, by package. To add one, take a promise of docs/reliability.md and
// ask which slip would break it.
func table() []mutant {
	return slices.Concat(ofCache(), ofUpstream(), ofCatalog(), ofEventLog(), ofLease(), ofRealtime(), ofUsers(), ofSync(),
		ofAuth(), ofRPC(), ofDocuments())
}

func ofCache() []mutant {
	return []mutant{
		{
			name:    "cache/breaker-one-late",
			promise: "a level that fails costs its timeout a fixed number of times",
			file:    "platform/cache/breaker.go",
			old:     "b.failures >= b.cfg.Failures",
			new:     "b.failures > b.cfg.Failures",
			tests:   "^TestABlackHoleIsPassedOver$",
		},
		{
			name:    "cache/nobody-joins-a-load",
			promise: "a thousand readers of a cold key cost one load",
			file:    "platform/cache/flight.go",
			old:     "fs.running[key], fs.live[f] = f, struct{}{}",
			new:     "fs.live[f] = struct{}{}",
			tests:   "^TestOneLoadPerKey$",
		},
		{
			name:    "cache/overtaken-load-is-kept",
			promise: "a load that an invalidation has overtaken resurrects nothing",
			file:    "platform/cache/flight.go",
			old:     "	if !f.overtaken {\n		store()\n	}",
			new:     "	store()",
			tests:   "^TestALoadNeverResurrects$",
		},
		{
			name:    "cache/load-begun-meanwhile-is-kept",
			promise: "a load that began while an invalidation was under way resurrects nothing",
			file:    "platform/cache/flight.go",
			old:     "f.overtaken = f.overtaken || s.match(key)",
			new:     "_ = s",
			tests:   "^TestWhatBeginsDuringASweepIsNotKept$",
		},
		{
			name:    "cache/older-generation-wins",
			promise: "an older value never replaces a newer one",
			file:    "platform/cache/chain.go",
			old:     "pick(b.Generation > a.Generation, b, a)",
			new:     "pick(b.Generation < a.Generation, b, a)",
			tests:   "^TestTheNewerOfTwoIsBetter$",
		},
		{
			name:    "cache/fence-not-moved-by-unlock",
			promise: "who has looked while a value was being loaded does not load it again",
			file:    "platform/cache/l2_lock.go",
			old:     "redis.call('DEL', KEYS[1])\nredis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])",
			new:     "redis.call('DEL', KEYS[1])",
			tests:   "^(TestRedisContract|TestOneLoadPerKeyInAFleet)$",
		},
		{
			name:    "cache/fresh-before-the-fence-is-read",
			promise: "no step of storing a value can be overtaken unseen",
			file:    "platform/cache/l3_documents.go",
			old:     "stale.FreshUntil = e.StoredAt",
			new:     "_ = stale",
			tests:   "^TestAnInvalidationAtAnyStep$",
		},
		{
			name:    "cache/superseded-in-memory-only",
			promise: "what the deepest level holds newer is taken from there",
			file:    "platform/cache/invalidate.go",
			old:     "c.clear(ctx, inv, owesL2)\n	return err",
			new:     "c.clear(ctx, inv, owesBell)\n	return err",
			tests:   "^TestSupersededValuesAreTakenFromBelow$",
		},
		{
			name:    "cache/copy-under-a-fence",
			promise: "the local copy never costs memory its own",
			file:    "platform/cache/tier.go",
			old:     "!ok || t.copy",
			new:     "!ok",
			tests:   "^TestTheLocalCopyNeverCostsMemoryItsOwn$",
		},
		{
			name:    "cache/change-told-to-nobody",
			promise: "a load that has written the store tells the other processes",
			file:    "platform/cache/origin.go",
			old:     "l.changed = e.Changed",
			new:     "l.changed = false",
			tests:   "^TestALoadThatChangedTheStoreTellsOthers$",
		},
	}
}

func ofUpstream() []mutant {
	return []mutant{
		{
			name:    "anilibria/one-attempt-more",
			promise: "a host in trouble is asked a fixed number of times",
			file:    "platform/anilibria/guard.go",
			old:     "attemptsMax = 3",
			new:     "attemptsMax = 4",
			tests:   "^TestServerErrorsAreRetriedAFewTimes$",
		},
		{
			name:    "anilibria/breaker-one-late",
			promise: "the breaker opens at the fifth failure",
			file:    "platform/anilibria/hosts.go",
			old:     "WithFailureThreshold(uint(c.Breaker.Failures))",
			new:     "WithFailureThreshold(uint(c.Breaker.Failures) + 1)",
			tests:   "^TestBreakerOpensAtTheFifthFailure$",
		},
		{
			name:    "anilibria/late-answer-decides",
			promise: "what was asked before the breaker changed says nothing about the host now",
			file:    "platform/anilibria/hosts.go",
			old:     "if p.generation != h.generation {",
			new:     "if p.generation > h.generation {",
			tests:   "^TestLateAnswersDoNotDecide$",
		},
		{
			name:    "anilibria/no-budget",
			promise: "retries stay within a tenth of the traffic",
			file:    "platform/anilibria/call.go",
			old:     " || !c.guard.budget.withdraw()",
			new:     "",
			tests:   "^TestRetriesStayWithinTheBudget$",
		},
		{
			name:    "anilibria/refusal-is-an-outage",
			promise: "403, 410, 451 and 422 open no breaker",
			file:    "platform/anilibria/exchange.go",
			old:     "result: resultRefused, evidence: goodEvidence, err: ErrRefused.With(said)",
			new:     "result: resultRefused, evidence: badEvidence, err: ErrRefused.With(said)",
			tests:   "^TestRefusalsAreFinalAndNoEvidence$",
		},
		{
			name:    "anilibria/retry-after-forgotten",
			promise: "a host that says later is left alone until then",
			file:    "platform/anilibria/hosts.go",
			old:     "	if v.after > 0 {\n		h.paused",
			new:     "	if v.after > time.Hour {\n		h.paused",
			tests:   "^(TestRetryAfterIsWaitedFor|TestThrottledHostIsPassedOver)$",
		},
		{
			name:    "anilibria/viewer-probes",
			promise: "no viewer waits for a host that is known to be down while another is up",
			file:    "platform/anilibria/call.go",
			old:     "fresh(h) && (c.background || h.up())",
			new:     "fresh(h)",
			tests:   "^TestViewerIsNoGuineaPig$",
		},
	}
}

func ofCatalog() []mutant {
	return []mutant{
		{
			name:    "catalog/older-mirror-is-news",
			promise: "a mirror that lags behind makes no news",
			file:    "modules/catalog/catalogsvc/changes.go",
			old:     "if t.Updated.Before(old.Updated) {",
			new:     "if t.Updated.After(old.Updated) {",
			tests:   "^TestNewsByRelease$",
		},
		{
			name:    "catalog/re-upload-is-new",
			promise: "a re-upload is no new episode",
			file:    "modules/catalog/catalogsvc/changes.go",
			old:     "if t.Ordinal == ordinal && !present[t.ID] {",
			new:     "if t.Ordinal == ordinal && present[t.ID] {",
			tests:   "^TestNewsByRelease$",
		},
		{
			name:    "catalog/another-title-is-taken",
			promise: "a title that nobody asked for changes nothing",
			file:    "modules/catalog/catalogsvc/apply.go",
			old:     "if rel.ID != id {",
			new:     "if rel.ID <= 0 {",
			tests:   "^TestAnotherTitleThanAskedIsRefused$",
		},
		{
			name:    "catalog/news-apart-from-the-title",
			promise: "news and title are stored together, so a crash loses neither",
			file:    "modules/catalog/catalogsvc/apply.go",
			old:     "	d.await(a.events, now)\n",
			new:     "",
			tests:   "^TestNewsSurvivesACrash$",
		},
		{
			name:    "catalog/copy-goes-back",
			promise: "the local copy is never replaced by an older state",
			file:    "modules/catalog/catalogsvc/local.go",
			old:     "err == nil && editionOf(raw).before(editionOf(old))",
			new:     "err == nil && editionOf(raw) == editionOf(old)",
			tests:   "^TestTheCopyIsNeverReplacedByAnOlderOne$",
		},
		{
			name:    "catalog/viewer-takes-the-news",
			promise: "a viewer who opens a title takes its news from nobody",
			file:    "modules/catalog/catalogsvc/changes.go",
			old:     "if viewer && !l.Settled {",
			new:     "if viewer && l.Settled {",
			tests:   "^TestAViewerFindsAnEpisode$",
		},
		{
			name:    "catalog/overtaken-answer-is-stored",
			promise: "what the upstream said before an invalidation is not kept after it",
			file:    "modules/catalog/catalogsvc/apply.go",
			old:     "case known && seen.overtaken(*d, next.doc):",
			new:     "case false && seen.overtaken(*d, next.doc):",
			tests:   "^TestAnAnswerThatWasOvertakenIsNotKept$",
		},
		{
			name:    "catalog/epoch-ignored",
			promise: "a title that was not stored when everything was invalidated is not fresh afterwards",
			file:    "modules/catalog/catalogsvc/apply.go",
			old:     "if epoch != seen.epoch {",
			new:     "if epoch < 0 {",
			tests:   "^TestAnAnswerThatWasOvertakenIsNotKept$",
		},
		{
			name:    "catalog/expired-once-only",
			promise: "an invalidation finds what is stored while it looks",
			file:    "modules/catalog/catalogsvc/level.go",
			old:     "_, err = l.expire(ctx, key) // a load",
			new:     "err = nil // a load",
			tests:   "^TestStoringAtAnyStepOfAnInvalidation$",
		},
		{
			name:    "catalog/schedule-keeps-its-day",
			promise: "the schedule follows the news",
			file:    "modules/catalog/catalogsvc/schedule.go",
			old:     "e.Type != catalog.EpisodeUpdate",
			new:     "e.Type == catalog.EpisodeUpdate",
			tests:   "^TestTheScheduleFollowsTheNews$",
		},
	}
}

func ofEventLog() []mutant {
	return []mutant{
		{
			name:    "eventlog/duplicate-appended",
			promise: "an entry that is published twice is told once",
			file:    "platform/eventlog/memory.go",
			old:     "if n, ok := m.ids[e.ID]; ok {",
			new:     "if n, ok := m.ids[e.ID]; ok && n == 0 {",
			tests:   "^TestMemory$",
		},
		{
			name:    "eventlog/position-too-near",
			promise: "a follower is handed no record twice",
			file:    "platform/eventlog/follow.go",
			old:     "f.pending, f.at = records, records[len(records)-1].Position",
			new:     "f.pending, f.at = records, records[0].Position",
			tests:   "^TestFollowMemory$",
		},
		{
			name:    "eventlog/failed-handle-forgotten",
			promise: "records whose handling failed are handled again",
			file:    "platform/eventlog/follow.go",
			old:     "			return fmt.Errorf(\"handle %s: %w\", f.pending[0].Position, err)",
			new:     "			err = fmt.Errorf(\"handle %s: %w\", f.pending[0].Position, err)\n			f.pending = nil\n			return err",
			tests:   "^TestFollowRetriesHandle$",
		},
		{
			name:    "eventlog/trimmed-is-no-gap",
			promise: "who asks for what was trimmed is told that it is gone",
			file:    "platform/eventlog/memory.go",
			old:     " || after.Offset < m.first()",
			new:     "",
			tests:   "^TestMemory$",
		},
		{
			name:    "eventlog/rewound-goes-on",
			promise: "after a server that lost its end no position means two records",
			file:    "platform/eventlog/redis_scripts.go",
			old:     "and not (epoch == seenEpoch and rewound(floor)) then",
			new:     "then",
			tests:   "^TestRewoundServerBeginsAnEpoch$",
		},
	}
}

func ofLease() []mutant {
	return []mutant{
		{
			name:    "lease/expired-is-renewed",
			promise: "a holder that slept through its expiry has lost the lease",
			file:    "platform/lease/memory.go",
			old:     "if g.token != token || time.Until(g.until) <= 0 {",
			new:     "if g.token != token {",
			tests:   "^TestMemory",
		},
		{
			name:    "lease/not-renewed",
			promise: "work keeps its lease as long as it lasts",
			file:    "platform/lease/run.go",
			old:     "			expire.Reset(expiry(asked))\n			next.Reset(r.ttl / 3)",
			new:     "			expire.Reset(expiry(asked))",
			tests:   "^(TestRunHasOneWorker|TestRunRenewsWhileWorkEnds)$",
		},
		{
			name:    "lease/token-does-not-grow",
			promise: "every holder has a larger fencing token than those before",
			file:    "platform/lease/lease.go",
			old:     "max(last+1, time.Now().UnixMilli())",
			new:     "max(last, time.Now().UnixMilli())",
			tests:   "^TestMemory",
		},
		{
			name:    "lease/others-lease-is-renewed",
			promise: "nobody renews what has passed to somebody else",
			file:    "platform/lease/redis.go",
			old:     "const renewScript = `\nif redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end",
			new:     "const renewScript = `\nif redis.call('EXISTS', KEYS[1]) == 0 then return 0 end",
			tests:   "^TestRedis$",
		},
	}
}

func ofRealtime() []mutant {
	return []mutant{
		{
			name:    "realtime/told-twice",
			promise: "an event that was replayed is not told again",
			file:    "modules/realtime/realtimesvc/conversation.go",
			old:     "e.offset <= c.cursor",
			new:     "e.offset < c.cursor",
			tests:   "^(TestDelivery|TestResumingWhileTold|TestComingAndGoing)$",
		},
		{
			name:    "realtime/limitless-queue",
			promise: "a slow reader is closed with 4008",
			file:    "modules/realtime/realtimesvc/conversation.go",
			old:     "c.bytes+len(m.Frame) > c.s.cfg.QueueBytes",
			new:     "len(m.Frame) > c.s.cfg.QueueBytes",
			tests:   "^TestSlowConsumer$",
		},
		{
			name:    "realtime/ban-is-a-logout",
			promise: "a ban ends the sockets with 4403, so that the client does not come back",
			file:    "modules/realtime/realtimesvc/auth.go",
			old:     "		e.code, e.reason = realtime.CloseBanned, reasonBanned\n	case \"expired\":",
			new:     "		e.reason = reasonBanned\n	case \"expired\":",
			tests:   "^TestSessionEnds$",
		},
		{
			name:    "realtime/ending-overlooked",
			promise: "a session that ends during the sign-in has no socket afterwards",
			file:    "modules/realtime/realtimesvc/auth.go",
			old:     "	if found {\n",
			new:     "	if found && sure {\n		c.warned = true\n	}\n	if found && !sure {\n",
			tests:   "^TestSessionEndsDuringSignIn$",
		},
		{
			name:    "realtime/window-overrates-itself",
			promise: "a viewer who returns gets what the memory no longer holds from the log",
			file:    "modules/realtime/realtimesvc/window.go",
			old:     "		w.from = w.events[0].offset\n",
			new:     "",
			tests:   "^TestWindow$",
		},
		{
			name:    "realtime/no-limit-per-user",
			promise: "a user has a limited number of connections",
			file:    "modules/realtime/realtimesvc/auth.go",
			old:     "v.UserID, c.s.cfg.MaxConnectionsPerUser)",
			new:     "v.UserID, c.s.cfg.MaxConnectionsPerUser+1)",
			tests:   "^TestConnectionsPerUser$",
		},
	}
}

func ofUsers() []mutant {
	return []mutant{
		{
			name:    "users/limit-one-late",
			promise: "an account admits a fixed number of guesses",
			file:    "modules/users/userssvc/limiter.go",
			old:     "	if len(w.events) < l.Events {\n		w.events = append",
			new:     "	if len(w.events) <= l.Events {\n		w.events = append",
			tests:   "^TestLimiterHolds$",
		},
		{
			name:    "users/grace-without-end",
			promise: "only the last refresh token but one is forgiven, and only for a moment",
			file:    "modules/users/userssvc/session.go",
			old:     "generation == ses.Generation-1 && time.Since(ses.RotatedAt) <= grace",
			new:     "generation <= ses.Generation-1 && time.Since(ses.RotatedAt) <= grace",
			tests:   "^TestGraceIsForOneGeneration$",
		},
		{
			name:    "users/stolen-token-is-only-refused",
			promise: "a refresh token that is used twice ends the session",
			file:    "modules/users/userssvc/session.go",
			old:     "return users.Session{}, s.endFor(ctx, ses, users.EndedReuse, users.ErrBadToken)",
			new:     "return users.Session{}, users.ErrBadToken",
			tests:   "^(TestContract|TestTheftIsInTheInbox)$",
		},
		{
			name:    "users/password-changes-alone",
			promise: "a change of password ends all other sessions",
			file:    "modules/users/userssvc/store.go",
			old:     "(ses.Credential == a.Credential || ses.id == a.Kept)",
			new:     "(ses.Credential == a.Credential || a.Kept != \"\")",
			tests:   "^(TestContract|TestPasswordChangeSurvivesACrash|TestSignInRacingAChange)$",
		},
		{
			name:    "users/end-is-remembered-late",
			promise: "a session that was signed out is worth nothing at once where it was",
			file:    "modules/users/userssvc/ending.go",
			old:     "			s.memo.drop(ses.id)\n			s.finishSoon",
			new:     "			s.finishSoon",
			tests:   "^(TestContract|TestLogoutReachesOtherInstances)$",
		},
		{
			name:    "users/edits-depend-on-their-order",
			promise: "progress converges in whatever order the edits of devices arrive",
			file:    "modules/users/userssvc/progress_merge.go",
			old:     "cmp.Or(cmp.Compare(b.PlacedAt, a.PlacedAt), cmp.Compare(b.Seconds, a.Seconds)) > 0",
			new:     "b.PlacedAt >= a.PlacedAt",
			tests:   "^TestEditsConverge$",
		},
		{
			name:    "users/only-the-url-is-checked",
			promise: "no webhook leads to this network, whatever its name resolves to",
			file:    "modules/users/userssvc/guard.go",
			old:     "if !g.private && !public(at.Addr()) {",
			new:     "if !g.private && !at.IsValid() {",
			tests:   "^(TestANameThatLeadsHome|TestAddressesThatAreDialled)$",
		},
	}
}

func ofSync() []mutant {
	return []mutant{
		{
			name:    "sync/stale-runner-takes-over",
			promise: "a runner that slept through its lease changes nothing",
			file:    "modules/sync/syncersvc/store.go",
			old:     "if full.Fence > token || poll.Fence > token {",
			new:     "if full.Fence > token && poll.Fence > full.Fence {",
			tests:   "^TestAStaleTokenTakesNothingOver$",
		},
		{
			name:    "sync/pass-begins-anew",
			promise: "a pass that was killed goes on where it stopped",
			file:    "modules/sync/syncersvc/full.go",
			old:     "if st.JobID != jobID {",
			new:     "if st.JobID != jobID || st.Next > 1 {",
			tests:   "^TestAKilledPassGoesOnWhereItStopped$",
		},
		{
			name:    "sync/one-pass-too-few",
			promise: "a catalogue that shrinks is believed when three passes agree",
			file:    "modules/sync/syncersvc/gone.go",
			old:     "gonePasses = 3",
			new:     "gonePasses = 2",
			tests:   "^(TestOnlyPassesInARowAgree|TestACatalogueThatShrinksIsNotBelievedAtOnce)$",
		},
		{
			name:    "sync/failed-poll-counts-as-done",
			promise: "news that could not be fetched is fetched by the next poll",
			file:    "modules/sync/syncersvc/store.go",
			old:     "		case done[b.ID]:",
			new:     "		case done[b.ID] || had:",
			tests:   "^TestWhatAPollCouldNotFetchIsFetchedByTheNext$",
		},
		{
			name:    "sync/queue-one-longer",
			promise: "the queue of jobs is bounded",
			file:    "modules/sync/syncersvc/queue.go",
			old:     "len(q.waiting) >= q.max",
			new:     "len(q.waiting) > q.max",
			tests:   "^TestTheQueueIsBounded$",
		},
	}
}

func ofAuth() []mutant {
	return []mutant{
		{
			name:    "auth/life-not-capped",
			promise: "a token made to live for ten years is refused",
			file:    "platform/auth/token.go",
			old:     "if exp.Sub(start) > life+skew {",
			new:     "if exp.Before(start) {",
			tests:   "^TestHostileTokens$",
		},
		{
			name:    "auth/two-audiences",
			promise: "no token opens two doors",
			file:    "platform/auth/token.go",
			old:     "return len(list) == 1 && list[0] == audience",
			new:     "return len(list) > 0 && list[0] == audience",
			tests:   "^TestHostileTokens$",
		},
		{
			name:    "auth/queue-without-end",
			promise: "fifty sign-ins at once take a bounded amount of memory",
			file:    "platform/auth/password.go",
			old:     "room: make(chan struct{}, cfg.AtOnce+cfg.Queue)",
			new:     "room: make(chan struct{}, 10*(cfg.AtOnce+cfg.Queue))",
			tests:   "^(TestFiftyAtOnce|TestWaitingEndsWithTheRequest)$",
		},
		{
			name:    "auth/every-service-is-allowed",
			promise: "a service that is not on the list is refused",
			file:    "platform/auth/service.go",
			old:     "	if !slices.Contains(s.allowed, service) {\n		return Principal{}",
			new:     "	if service == \"\" {\n		return Principal{}",
			tests:   "^TestServiceTokens$",
		},
	}
}

func ofRPC() []mutant {
	return []mutant{
		{
			name:    "rpc/unsafe-calls-are-repeated",
			promise: "a call that changes something is not made twice",
			file:    "platform/rpc/peer.go",
			old:     "err == nil || !c.safe || attempt",
			new:     "err == nil || attempt",
			tests:   "^TestPeerInTrouble$",
		},
		{
			name:    "rpc/faults-open-the-breaker",
			promise: "a door that says no is well",
			file:    "platform/rpc/peer.go",
			old:     "case err == nil || errors.As(err, &f) && !errors.Is(f, ErrPeer):",
			new:     "case err == nil || errors.As(err, &f) && errors.Is(f, ErrPeer):",
			tests:   "^(TestBreakerSparesADeadPeer|TestFaultsKeepTheirIdentity|TestPeerInTrouble)$",
		},
		{
			name:    "rpc/any-json-is-an-answer",
			promise: "what listens on a module's port and is no door is not believed",
			file:    "platform/rpc/peer.go",
			old:     "door != p.cfg.Module {",
			new:     "door != p.cfg.Module && len(door) > 20 {",
			tests:   "^TestPeerInTrouble$",
		},
		{
			name:    "rpc/time-does-not-cross",
			promise: "the time a caller has left crosses the wire",
			file:    "platform/rpc/server.go",
			old:     "ctx, cancel := context.WithTimeout(ctx, left)",
			new:     "ctx, cancel := context.WithTimeout(ctx, left+maxTime)",
			tests:   "^TestTheContextCrossesTheWire$",
		},
	}
}

func ofDocuments() []mutant {
	return []mutant{
		{
			name:    "documents/sqlite-without-version",
			promise: "of two writers of one document one loses and is told so (SQLite)",
			file:    "platform/documents/sqlite_collection.go",
			old:     "WHERE id = ? AND version = ?`",
			new:     "WHERE id = ? AND version >= ?`",
			tests:   "^TestSQLiteContract$",
		},
		{
			name:    "documents/mongo-without-version",
			promise: "of two writers of one document one loses and is told so (MongoDB)",
			file:    "platform/documents/mongo_collection.go",
			old:     "expected := bson.D{{Key: idField, Value: id}, {Key: versionField, Value: version}}",
			new:     "expected := bson.D{{Key: idField, Value: id}}",
			tests:   "^TestMongoContract$",
		},
		{
			name:    "documents/full-disk-is-our-mistake",
			promise: "a full disk is 503, not 500",
			file:    "platform/documents/sqlite_fault.go",
			old:     "codes.SQLITE_NOMEM, codes.SQLITE_FULL, ",
			new:     "codes.SQLITE_NOMEM, ",
			tests:   "^TestSQLiteWithoutADisk$",
		},
	}
}
