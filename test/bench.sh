#!/usr/bin/env bash
# Measures a hot GET /titles/{id} of the real binary against a bare net/http handler
# that writes the same bytes, in the same run: server on one core, wrk on the other.
# Prints requests per second and the ratio, for gzip and identity; then start time,
# size of the binary, and memory after a full sync of 2,000 titles.
#
# Needs wrk and curl. Traffic stays on loopback. DURATION seconds per run (8).
set -euo pipefail
cd "$(dirname "$0")/.."
duration=${DURATION:-8}
work=$(mktemp -d)
pids=()
cleanup() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	wait 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT

command -v wrk >/dev/null || { echo "bench: wrk is not installed (apt-get install wrk)" >&2; exit 1; }

site=127.0.0.1:18480 internal=127.0.0.1:18481 bare=127.0.0.1:18482
title=9901

go build -o "$work/bare" ./test/bare
GOMAXPROCS=1 ANIHUB_MODULES_ADDR=$internal ANIHUB_WEB_RATE_LIMIT=0 ANIHUB_PLATFORM_LOG_LEVEL=${LOG_LEVEL:-info} \
	taskset -c 0 bin/anihub demo -addr $site -every 1h >"$work/out" 2>"$work/log" &
pids+=($!)
for _ in $(seq 300); do curl -fso "$work/identity" "http://$site/api/anilibria/v2/titles/$title" && break; sleep 0.1; done
sleep 2
curl -fso "$work/identity" "http://$site/api/anilibria/v2/titles/$title"
curl -fso "$work/gzip" -H 'Accept-Encoding: gzip' "http://$site/api/anilibria/v2/titles/$title"
GOMAXPROCS=1 taskset -c 0 "$work/bare" -addr $bare -identity "$work/identity" -gzip "$work/gzip" &
pids+=($!)
for _ in $(seq 100); do curl -fso /dev/null "http://$bare/" && break; sleep 0.1; done

rate() { # url, header
	taskset -c 1 wrk -t1 -c32 -d"${duration}s" -H "$2" "$1" | awk '/Requests\/sec/{print $2}'
}
echo "hot GET /titles/$title: $(stat -c %s "$work/identity") bytes, gzip $(stat -c %s "$work/gzip"); one core each, wrk -c32, ${duration}s, best of 3"
for coding in identity gzip; do
	best_bare=0 best_hub=0
	for _ in 1 2 3; do # interleaved, so that a noisy neighbour hits both
		b=$(rate "http://$bare/" "Accept-Encoding: $coding")
		h=$(rate "http://$site/api/anilibria/v2/titles/$title" "Accept-Encoding: $coding")
		best_bare=$(echo "$b $best_bare" | awk '{print ($1>$2)?$1:$2}')
		best_hub=$(echo "$h $best_hub" | awk '{print ($1>$2)?$1:$2}')
	done
	echo "$best_hub $best_bare" | awk -v c=$coding '{printf "  %-8s anihub %8.0f/s   bare %8.0f/s   ratio %.2f\n", c, $1, $2, $1/$2}'
done
l=$(rate "http://$site/api/anilibria/v2/titles?limit=20" "Accept-Encoding: gzip")
echo "list page of 20, gzip (68 titles): $l/s"
kill "${pids[@]}"; wait "${pids[@]}" 2>/dev/null || true; pids=()

echo "binary: $(stat -c %s bin/anihub) bytes"

begin=$(date +%s%N)
ANIHUB_MODULES_ADDR=$internal bin/anihub demo -addr $site -every 1h >"$work/out" 2>"$work/log" &
pids+=($!)
for _ in $(seq 1000); do curl -fso /dev/null "http://$site/api/anilibria/v2/titles?limit=1" && break; sleep 0.01; done
echo "demo: start to the first 200 of /titles: $((($(date +%s%N) - begin) / 1000000)) ms"
kill "${pids[@]}"; wait "${pids[@]}" 2>/dev/null || true; pids=()

ANIHUB_MODULES_ADDR=$internal bin/anihub demo -addr $site -every 1h -titles 1932 >"$work/out" 2>"$work/log" &
pids+=($!)
for _ in $(seq 300); do grep -q 'full sync ended' "$work/log" && break; sleep 0.1; done
sleep 1
echo "full sync of 2,000 titles: $(grep -o 'full sync ended.*' "$work/log" | grep -o 'took=[^ ]*'); resident afterwards $(awk '/VmRSS/{print int($2/1024)}' "/proc/${pids[-1]}/status") MB, the demo's own upstream included"
