#!/usr/bin/env bash
# Runs every stage of the tests, all of them even when one fails, and ends
# with the line "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."

results=test-results
rm -rf "$results"
mkdir -p "$results"
began=$SECONDS
failed_stages=()

stage() {
	local name=$1 start=$SECONDS
	shift
	echo "== $name"
	if "$@"; then
		echo "== $name: ok, $((SECONDS - start)) s"
	else
		echo "== $name: FAILED, $((SECONDS - start)) s"
		failed_stages+=("$name")
	fi
}

web() {
	make --no-print-directory web-test 2>&1 | tee "$results/web.log"
	local status=${PIPESTATUS[0]}
	# Vitest ends with "Tests  3 failed | 120 passed (123)".
	sed 's/\x1b\[[0-9;]*m//g' "$results/web.log" | awk '
		$1 == "Tests" { for (i = 2; i < NF; i++) { if ($(i+1) ~ /^passed/) p += $i; if ($(i+1) ~ /^failed/) f += $i } }
		END { print p + 0, f + 0 }' >"$results/web.txt"
	return "$status"
}

scripts/test-deps.sh || exit 1
stage build make --no-print-directory build
stage lint make --no-print-directory lint
stage unit make --no-print-directory unit
stage race make --no-print-directory race
stage web web
stage e2e make --no-print-directory e2e

passed=0 failed=0
for file in "$results"/*.txt; do
	[[ -e $file ]] || continue
	read -r p f <"$file" || true
	passed=$((passed + p)) failed=$((failed + f))
done
echo "== all: $((SECONDS - began)) s"
if ((${#failed_stages[@]})); then
	echo "failed stages: ${failed_stages[*]}"
	((failed)) || failed=${#failed_stages[@]}
fi
echo "$passed passed, $failed failed"
((failed == 0))
