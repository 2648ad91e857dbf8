#!/usr/bin/env bash
# Shows what Leasehold does, on a data directory that is gone afterwards.
# usage: tests/demo.sh BUILD_DIR
set -euo pipefail

build=$(cd "${1:?usage: tests/demo.sh BUILD_DIR}" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -x "$build/bin/leasehold" ] || {
  echo "demo: $build/bin/leasehold is not there; build it first" >&2
  exit 1
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export LEASEHOLD_DATA=$scratch/data
export PATH=$build/bin:$PATH
# A copy: a build leaves files behind, and the repository is to stay clean.
cp -R examples/hello "$scratch/hello"
cd "$scratch"

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\033[1m' accent=$'\033[36m' plain=$'\033[0m'
else
  bold='' accent='' plain=''
fi

heading() {
  printf '\n%s== %s%s\n' "$bold" "$1" "$plain"
}

# Prints a command line as one would type it, then runs it. What the program
# says on standard error belongs to the show and keeps its place.
show() {
  local word line=
  for word in "$@"; do
    case $word in
      '' | *[!a-zA-Z0-9_./:=,+-]*) word="'${word//\'/\'\\\'\'}'" ;;
    esac
    line+=" $word"
  done
  printf '%s$%s%s\n' "$accent" "$line" "$plain"
  "$@" 2>&1
}

heading "1. Build a real C project in a leased bubblewrap sandbox"
show leasehold run --provider bubblewrap --workspace hello -- make

heading "2. What the command sees in there, as it happens"
echo "This host is called $(uname -n); its home $HOME has $(
  find "$HOME" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l
) entries."
# shellcheck disable=SC2016 # expanded in the sandbox
show leasehold run --provider bubblewrap --env-var "HOST_HOME=$HOME" -- sh -c '
  echo "I am on $(uname -n)."
  echo "Network interfaces: $(grep -o "[^ ]*:" /proc/net/dev | xargs)"
  echo "Entries in $HOST_HOME: $(ls -A "$HOST_HOME" 2>/dev/null | wc -l)"
  for i in 1 2 3 4 5; do echo "tick $i"; sleep 0.2; done'

heading "3. A reusable environment: the second run finds the first one's file"
show leasehold env add box --provider bubblewrap --set reuseLease=true
show leasehold run --env box -- sh -c 'echo "the first run was here" > note; ls'
show leasehold run --env box -- cat note

heading "4. What was recorded"
show leasehold lease list --all
# The latest lease: first row, first column.
latest=$(leasehold lease list --all | awk 'NR == 2 { print $1 }')
show leasehold lease show "$latest"

printf '\n%sNext:%s %s\n' "$bold" "$plain" \
  "README.md shows how to embed the engine; leasehold --help lists every verb."
