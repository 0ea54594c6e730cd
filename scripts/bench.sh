#!/usr/bin/env bash
# Starts a node of its own on the loopback and loads it with filo-bench call.
# Arguments go to filo-bench call; without any, the load of the README.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
dir=$(mktemp -d)
(umask 077 && head -c 18 /dev/urandom | base64 >"$dir/bench-sip-password")
sip=127.0.0.1:${SIP_PORT:-25060} http=127.0.0.1:${HTTP_PORT:-28080}
sed "s/127.0.0.1:25060/$sip/; s/127.0.0.1:28080/$http/" configs/bench/filo.yaml >"$dir/filo.yaml"
bin/filo-bench users -n "${AGENTS:-300}" >"$dir/users.yaml"

(cd "$dir" && exec "$root/bin/filo" serve -config filo.yaml) 2>"$dir/filo.log" &
server=$!
stop() {
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	[[ -s $dir/filo.log ]] && { echo "what the node logged:"; tail -n 20 "$dir/filo.log"; } >&2
	rm -rf "$dir"
}
trap stop EXIT
for _ in $(seq 100); do
	curl -fsS -o /dev/null "http://$http/healthz" 2>/dev/null && break
	kill -0 "$server" 2>/dev/null || { echo "bench: the node did not start" >&2; exit 1; }
	sleep 0.1
done
(($#)) || set -- -rate 50 -duration 20s -hold 5s -max-failed 0 -max-offer-p99 10ms -max-context-p99 2ms -max-loss 0.001
bin/filo-bench call -server "$sip" -web "http://$http" -write-key bench \
	-agents "${AGENTS:-300}" -password-file "$dir/bench-sip-password" "$@"
