#!/usr/bin/env bash
# Installs what the tests start themselves: redis-server and Chromium, from Debian.
# Where it may not install, it says so; the rings that need them are then skipped,
# or fail with ANIHUB_TEST_REQUIRE=all.
set -euo pipefail

declare -A package=([redis-server]=redis-server [chromium]=chromium)
missing=()
for program in "${!package[@]}"; do
	command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
echo "setup: installing ${missing[*]}"
if ! { "${as_root[@]}" apt-get update -qq && DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/dev/null; then
	echo "setup: COULD NOT INSTALL ${missing[*]}: the tests that need them will be skipped" >&2
	[ "${ANIHUB_TEST_REQUIRE:-}" != all ]
fi
