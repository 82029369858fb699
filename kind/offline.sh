#!/usr/bin/env bash
# Makes a cluster without a registry and without a network: `sequitur cluster up` from a folder of archives and manifests.
#
#   kind/offline.sh SEQUITUR [flags of sequitur cluster up]
#
# SEQUITUR is the binary. The folder is $SEQUITUR_OFFLINE, default ../shared/kind beside the checkout, with
#   kind-node-*.tar.zst     the image of the nodes
#   knative/eventing.yaml   Knative Eventing, and its images in knative/eventing-*-images.tar.zst
#   knative/serving.yaml    the same of Knative Serving, for --serving
# Where no Docker Engine runs, one is started (engine.sh).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -ge 1 ] || { echo "usage: kind/offline.sh SEQUITUR [flags of sequitur cluster up]" >&2; exit 64; }
sequitur=$1
shift
folder=${SEQUITUR_OFFLINE:-$here/../../shared/kind}
[ -d "$folder" ] || { echo "kind/offline.sh: there is no folder $folder: name it by SEQUITUR_OFFLINE" >&2; exit 64; }

# give FLAG PATTERN: the one file of the folder that fits; of several, nobody has said which.
flags=()
give() {
  local found=("$folder"/$2)
  if [ ${#found[@]} != 1 ] || [ ! -f "${found[0]}" ]; then
    echo "kind/offline.sh: $folder: expected one file $2, found ${found[*]#"$folder/"}" >&2
    exit 64
  fi
  flags+=("$1" "${found[0]}")
}
give --node-image 'kind-node-*.tar.zst'
give --knative knative/eventing.yaml
give --images 'knative/eventing-*-images.tar.zst'
for flag in "$@"; do
  case $flag in
  --serving | --serving=true)
    give --knative knative/serving.yaml
    give --images 'knative/serving-*-images.tar.zst'
    ;;
  esac
done
"$here/engine.sh"
exec "$sequitur" cluster up "${flags[@]}" "$@"
