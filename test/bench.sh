#!/usr/bin/env bash
# Measures the hot paths of the real binary, server on one core and wrk on the other,
# in one run and interleaved with what it is compared with:
#   - GET /titles/{id}, gzip and identity, against a bare net/http handler that writes
#     the same bytes, body and headers ("bare"); the same without our headers ("few
#     headers"); and nginx answering the same from its proxy_cache, where it is installed;
#   - a list page of 20 out of 10,000 titles, gzip;
# by requests per second, and by the processor's time per request, which a neighbour on
# the same cores disturbs less;
# then start time, size of the binary, and memory after a full sync of 2,000 titles.
#
# Needs wrk and curl. Traffic stays on loopback: five ports from PORT (18480) on.
# DURATION seconds per run (8), best of ROUNDS (3).
set -euo pipefail
cd "$(dirname "$0")/.."
duration=${DURATION:-8} rounds=${ROUNDS:-3}
work=$(mktemp -d)
chmod 711 "$work" # nginx, started by root, works as somebody else
pids=()
stop() {
	if ((${#pids[@]})); then kill "${pids[@]}" 2>/dev/null || true; fi
	wait 2>/dev/null || true
	pids=()
}
trap 'stop; rm -rf "$work"' EXIT

command -v wrk >/dev/null || { echo "bench: wrk is not installed (apt-get install wrk)" >&2; exit 1; }
nginx=$(PATH=$PATH:/usr/sbin command -v nginx || true)

port=${PORT:-18480}
site=127.0.0.1:$port internal=127.0.0.1:$((port + 1)) bare=127.0.0.1:$((port + 2)) few=127.0.0.1:$((port + 3)) proxy=127.0.0.1:$((port + 4))
title=/api/anilibria/v2/titles/9901
list='/api/anilibria/v2/titles?limit=20'
export ANIHUB_MODULES_ADDR=$internal ANIHUB_WEB_RATE_LIMIT=0

demo() { # arguments of anihub demo; on core 0 alone
	GOMAXPROCS=1 taskset -c 0 bin/anihub demo -addr $site -every 1h "$@" >"$work/out" 2>"$work/log" &
	pids+=($!)
}
answers() { # url; waits until it does
	for _ in $(seq 600); do curl -fso /dev/null "$1" && return; sleep 0.05; done
	echo "bench: nothing answers at $1" >&2
	tail -qn 2 "$work"/nginx/stderr "$work"/nginx/error.log >&2 2>/dev/null || true
	exit 1
}
synced() { # waits for the first full sync
	for _ in $(seq 1200); do grep -q 'full sync ended' "$work/log" && return; sleep 0.1; done
	echo "bench: the full sync did not end" >&2
	exit 1
}
load() { # url, coding: requests, requests per second
	taskset -c 1 wrk -t1 -c32 -d"${duration}s" -H "Accept-Encoding: $2" "$1" |
		awk '/requests in/{n=$1} /Requests\/sec/{print n, $2}'
}
ticks() { # pid: what it and its children (nginx has a worker) have had of the processor, in 10 ms
	local all=0 pid
	for pid in "$1" $(cat "/proc/$1/task/$1/children"); do
		all=$((all + $(awk '{print $14+$15}' "/proc/$pid/stat")))
	done
	echo $all
}
# compare: coding, then name|url|pid, ours first. In rounds, so that a noisy neighbour
# hits all; the best rate of all rounds and the least of the processor's time per request.
compare() {
	local coding=$1 name url pid before n per
	shift
	for _ in $(seq "$rounds"); do
		for pair in "$@"; do
			IFS='|' read -r name url pid <<<"$pair"
			before=$(ticks "$pid")
			read -r n per <<<"$(load "$url" "$coding")"
			echo "$name|$n|$per|$(($(ticks "$pid") - before))"
		done
	done | awk -F'|' -v coding="$coding" '
		!($1 in best) { order[++count] = $1; best[$1] = 0; cpu[$1] = 1e9 }
		$2 > 0 && $4 * 10000 / $2 < cpu[$1] { cpu[$1] = $4 * 10000 / $2 }
		$3 > best[$1] { best[$1] = $3 }
		END {
			ours = order[1]
			for (i = 1; i <= count; i++) {
				k = order[i]
				printf "  %-8s %-12s %8.0f/s %7.2f us of CPU", coding, k, best[k], cpu[k]
				if (k != ours) printf "   anihub/it: %.2f by rate, %.2f by CPU", best[ours] / best[k], cpu[k] / cpu[ours]
				print ""
			}
		}'
}

# one worker that answers from its own cache: what it compresses, it compresses anew
# for every request (/), unless it may keep what the origin compressed (/kept).
start_nginx() {
	mkdir -p "$work/nginx"
	cat >"$work/nginx/nginx.conf" <<CONF
daemon off; worker_processes 1; pid nginx.pid; error_log error.log;
events { worker_connections 256; }
http {
	access_log off; default_type application/json; keepalive_requests 100000000;
	client_body_temp_path body; proxy_temp_path temp; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
	proxy_cache_path cache keys_zone=bench:10m;
	gzip on; gzip_types application/json; gzip_proxied any;
	server {
		listen $proxy;
		proxy_cache bench; proxy_cache_valid 200 1h; proxy_ignore_headers Cache-Control Vary;
		location / { proxy_set_header Accept-Encoding ""; proxy_pass http://$bare; }
		location /kept/ { proxy_cache_key "\$uri \$http_accept_encoding"; proxy_set_header Accept-Encoding \$http_accept_encoding; proxy_pass http://$bare; }
	}
}
CONF
	taskset -c 0 "$nginx" -p "$work/nginx/" -c nginx.conf 2>"$work/nginx/stderr" &
	pids+=($!) worker=$!
	answers "http://$proxy/"
}

go build -o "$work/bare" ./test/bare
demo
ours=${pids[-1]}
answers "http://$site$title"
sleep 2
curl -fso "$work/identity" -D "$work/headers" "http://$site$title"
curl -fso "$work/gzip" -H 'Accept-Encoding: gzip' "http://$site$title"
GOMAXPROCS=1 taskset -c 0 "$work/bare" -addr $bare -identity "$work/identity" -gzip "$work/gzip" -headers "$work/headers" &
pids+=($!) same=$!
GOMAXPROCS=1 taskset -c 0 "$work/bare" -addr $few -identity "$work/identity" -gzip "$work/gzip" &
pids+=($!) less=$!
answers "http://$bare/" && answers "http://$few/"

echo "hot GET $title: $(stat -c %s "$work/identity") bytes, gzip $(stat -c %s "$work/gzip"), $(wc -l <"$work/headers") lines of head; one core each, wrk -c32, ${duration}s, best of $rounds"
rivals=()
if [[ -n $nginx ]]; then
	start_nginx
	rivals=("nginx|http://$proxy/|$worker" "nginx, kept|http://$proxy/kept/|$worker")
else
	echo "  nginx is not installed: not compared (apt-get install nginx-light)"
fi
for coding in identity gzip; do
	compare $coding "anihub|http://$site$title|$ours" "bare|http://$bare/|$same" "few headers|http://$few/|$less" "${rivals[@]}"
done
stop

demo -titles 9932
answers "http://$site$title"
synced
sleep 2
total=$(curl -fs "http://$site$list" | sed 's/.*"pagination":{[^}]*"total":\([0-9]*\).*/\1/')
echo "list page of 20 of $total titles:"
compare gzip "anihub|http://$site$list|${pids[-1]}"
stop

echo "binary: $(stat -c %s bin/anihub) bytes"

begin=$(date +%s%N)
bin/anihub demo -addr $site -every 1h >"$work/out" 2>"$work/log" &
pids+=($!)
for _ in $(seq 1000); do curl -fso /dev/null "http://$site/api/anilibria/v2/titles?limit=1" && break; sleep 0.01; done
echo "demo: start to the first 200 of /titles: $((($(date +%s%N) - begin) / 1000000)) ms"
stop

bin/anihub demo -addr $site -every 1h -titles 1932 >"$work/out" 2>"$work/log" &
pids+=($!)
synced
sleep 1
echo "full sync of 2,000 titles: $(grep -o 'full sync ended.*' "$work/log" | grep -o 'took=[^ ]*'); resident afterwards $(awk '/VmRSS/{print int($2/1024)}' "/proc/${pids[-1]}/status") MB, the demo's own upstream included"
