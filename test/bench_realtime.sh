#!/usr/bin/env bash
# Measures sockets on the real binary: memory for each, the processor's time and the
# latency of each delivery, in turns with Centrifugo v5 in the same run; then what fifty
# readers who do not read cost five thousand others. The server has core 0 alone, the
# clients core 1.
#
# Centrifugo is built in a module of its own under .cache, or CENTRIFUGO names its
# binary; without either only ours is measured. SOCKETS are the numbers of sockets,
# 10000 or as 1000,5000,10000: the system must let a process open as many files and a
# few more (ulimit -n). Traffic stays on loopback.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -z ${CENTRIFUGO:-} ]]; then
	apart=.cache/centrifugo
	mkdir -p $apart
	if [[ ! -x $apart/centrifugo ]]; then
		printf 'module apart\n\ngo 1.26\n\nrequire github.com/centrifugal/centrifugo/v5 v5.4.9\n' >$apart/go.mod
		echo 'bench-realtime: building Centrifugo, once' >&2
		(cd $apart && go build -mod=mod -o centrifugo github.com/centrifugal/centrifugo/v5) ||
			echo 'bench-realtime: Centrifugo cannot be built; measuring without it' >&2
	fi
	[[ -x $apart/centrifugo ]] && export CENTRIFUGO=$PWD/$apart/centrifugo
fi

go test -c -o .cache/sockets.test ./test # not on the clients' core, nor while they wait
cd test
exec taskset -c 1 ../.cache/sockets.test -test.run xxx -test.bench 'Sockets|StalledReaders' -test.benchtime 1x -test.timeout 30m
