#!/usr/bin/env bash
# Installs what the tests need beside Go and Node. Where apt-get cannot, it
# fails with the line that installs what is missing; nothing is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin # where some of it is for everybody but root

# command  package
components="
gcc          gcc
sipp         sip-tester
baresip      baresip-core
chromium     chromium
redis-server redis-server
espeak-ng    espeak-ng
promtool     prometheus
sox          sox
kamailio     kamailio
svmap        sipvicious
iptables     iptables
unshare      util-linux
ip           iproute2
"

missing() {
	while read -r command package; do
		[[ -z $command ]] && continue
		command -v "$command" >/dev/null || echo "$package"
	done <<<"$components"
	# The race detector links against libc.
	if ! echo 'int main(void){return 0;}' | gcc -x c -o /dev/null - 2>/dev/null; then
		echo libc6-dev
	fi
}

for tool in go node npm; do
	if ! command -v "$tool" >/dev/null; then
		echo "$tool is missing: install Go 1.26 (https://go.dev/dl) and Node 20.19 or later (https://nodejs.org)" >&2
		exit 1
	fi
done

mapfile -t packages < <(missing)
if ((${#packages[@]})); then
	sudo=()
	((EUID == 0)) || sudo=(sudo -n)
	line="apt-get update && apt-get install -y --no-install-recommends ${packages[*]}"
	echo "installing: ${packages[*]}"
	# Programs are wanted, not services: none is started by its installation.
	policy=/usr/sbin/policy-rc.d
	if [[ ! -e $policy ]]; then
		trap '"${sudo[@]}" rm -f "$policy"' EXIT
		printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" install -m 755 /dev/stdin "$policy"
	fi
	if ! command -v apt-get >/dev/null ||
		! "${sudo[@]}" apt-get update -q ||
		! DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -q -y --no-install-recommends "${packages[@]}"; then
		echo "cannot install what the tests need. As root: $line" >&2
		exit 1
	fi
	mapfile -t packages < <(missing)
	if ((${#packages[@]})); then
		echo "still missing after the installation: ${packages[*]}. As root: $line" >&2
		exit 1
	fi
fi

make --no-print-directory desk/web/node_modules/.package-lock.json
