#!/usr/bin/env bash
# Runs every fuzz target of the module for the given time, one after another.
set -euo pipefail
time=${1:-1m}
cd "$(dirname "$0")/.."
for dir in $(grep -rl --include='*_test.go' '^func Fuzz' platform modules web | xargs -n1 dirname | sort -u); do
	for target in $(grep -hoP '(?<=^func )Fuzz\w+' "$dir"/*_test.go); do
		echo "== $dir $target ($time)"
		go test "./$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time"
	done
done
