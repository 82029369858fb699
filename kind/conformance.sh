#!/usr/bin/env bash
# Judges real Knative: makes a fresh kind cluster, runs the suite against it, and removes it, whatever came of that.
#
#   kind/conformance.sh SEQUITUR [flags of sequitur conform]
#
# SEQUITUR is the binary. $CLUSTER names the cluster, default sequitur-conformance. With OFFLINE=1 nothing is downloaded (see
# offline.sh). Reports come to lie in $OUT, default out/kind. The exit code is that of what failed first.
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: kind/conformance.sh SEQUITUR [flags of sequitur conform]" >&2; exit 64; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sequitur=$1
shift
out=${OUT:-out/kind}
mkdir -p "$out"
at=(--name "${CLUSTER:-sequitur-conformance}" --kubeconfig "$out/kubeconfig") # nobody's own kubeconfig is touched

# Ctrl-C ends what is running, and what comes after is the removal.
trap 'interrupted=130' INT TERM
remove() {
  local code=$?
  "$sequitur" cluster down "${at[@]}" || code=$((code ? code : 70))
  rm -f "$out/kubeconfig"
  exit "${interrupted:-$code}"
}
trap remove EXIT

if [ "${OFFLINE:-}" = 1 ]; then
  up=("$here/offline.sh" "$sequitur")
else
  up=("$sequitur" cluster up)
fi
command -v docker >/dev/null && "$sequitur" cluster down "${at[@]}" --quiet 2>/dev/null || true # of a run that was killed
"${up[@]}" "${at[@]}"
"$sequitur" conform --kubeconfig "$out/kubeconfig" --context "kind-${at[1]}" --out "$out" \
  --known-failing "@$here/../conformance/known-deviations.md" "$@"
