#!/usr/bin/env bash
# Has a Docker Engine running that can start kind's nodes: the one that there is, or else root gets one started: dockerd,
# which is installed on Debian if it is not there. It stays. The exit code is 70, with a sentence, where there can be none.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
log=${TMPDIR:-/tmp}/sequitur-dockerd.log
runtime=/usr/local/sbin/sequitur-runc

fail() {
  echo "no Docker Engine for kind: $*" >&2
  exit 70
}
default_runtime() { docker info --format '{{.DefaultRuntime}}' 2>/dev/null; }

# Nodes are privileged containers, for which Docker asks for every capability that the kernel has. Where root does not have
# them all (in a container, mostly) runc refuses; runc-bounded asks for those that there are.
bounded() {
  local have all
  have=0x$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)
  all=$(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1))
  [ $((have & all)) != "$all" ]
}

if ! default_runtime >/dev/null; then
  [ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ] || fail "none answers, and only root on Linux can start one"
  if ! command -v dockerd >/dev/null; then
    command -v apt-get >/dev/null || fail "there is no dockerd on the PATH: install Docker Engine"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends docker.io iptables; } >"$log" 2>&1 ||
      fail "docker.io cannot be installed: $(tail -n 1 "$log")"
  fi
  flags=()
  if bounded && [ ! -e /etc/docker/daemon.json ]; then # who wrote that file knows what the machine needs
    install -D -m 755 "$here/runc-bounded" "$runtime"
    flags=(--add-runtime "bounded=$runtime" --default-runtime bounded)
  fi
  echo "starting dockerd; its log: $log" >&2
  nohup setsid dockerd "${flags[@]}" </dev/null >"$log" 2>&1 &
  started=$!
  waited=0
  until default_runtime >/dev/null; do
    kill -0 "$started" 2>/dev/null || fail "dockerd has ended: $(tail -n 1 "$log")"
    [ $((waited += 1)) -le 120 ] || fail "dockerd does not answer after 60 s: $(tail -n 1 "$log")"
    sleep 0.5
  done
fi
if [ "$(uname -s)" = Linux ] && [ "$(default_runtime)" = runc ] && bounded && [ -S /var/run/docker.sock ] && [ -z "${DOCKER_HOST:-}" ] && [ "$(id -u)" = 0 ]; then
  fail "the one that runs cannot start privileged containers, as this machine's root lacks capabilities: start it with kind/runc-bounded as its default runtime"
fi
