#!/usr/bin/env bash
# Installs what the tests start themselves, from Debian: redis-server, Chromium and nginx,
# and of Prometheus and its Alertmanager the two programs that check their files.
# Where it may not install, it says so; the rings that need them are then skipped,
# or fail with ANIHUB_TEST_REQUIRE=all.
set -euo pipefail
PATH=$PATH:/usr/sbin # nginx

declare -A package=([redis-server]=redis-server [chromium]=chromium [nginx]=nginx-light)
declare -A taken_from=([promtool]=prometheus [amtool]=prometheus-alertmanager)
missing=() checkers=()
for program in "${!package[@]}"; do
	command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
for program in "${!taken_from[@]}"; do
	command -v "$program" >/dev/null || checkers+=("$program")
done
[ ${#missing[@]} -eq 0 ] && [ ${#checkers[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi

# take puts one program of a package into /usr/local/bin: the package itself would bring
# servers that start, and 300 MB.
take() {
	local program=$1 dir
	dir=$(mktemp -d)
	(cd "$dir" && apt-get -o APT::Sandbox::User=root download -qq "${taken_from[$program]}" && dpkg -x ./*.deb . &&
		"${as_root[@]}" install "usr/bin/$program" "/usr/local/bin/$program")
	local result=$?
	rm -rf "$dir"
	return $result
}

install_all() {
	"${as_root[@]}" apt-get update -qq || return 1
	if [ ${#missing[@]} -gt 0 ]; then
		DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" || return 1
	fi
	local program
	for program in "${checkers[@]}"; do take "$program" || return 1; done
}

echo "setup: installing ${missing[*]} ${checkers[*]}"
if ! install_all >/dev/null; then
	echo "setup: COULD NOT INSTALL ${missing[*]} ${checkers[*]}: the tests that need them will be skipped" >&2
	[ "${ANIHUB_TEST_REQUIRE:-}" != all ]
fi
