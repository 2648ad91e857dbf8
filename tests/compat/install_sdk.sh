#!/bin/sh
# install_sdk.sh [get]: prints where what the lock file names is in the cache.
# Says SKIPPED and exits with 77 where it is not. With `get` it is fetched first,
# unless it is there; tests only look, as npm takes minutes to give a registry
# up. Nothing that a package brings along is run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${LEASEHOLD_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/leasehold}

skip() {
  echo "SKIPPED: $*"
  exit 77
}

for tool in node npm; do
  command -v "$tool" >/dev/null \
    || skip "there is no $tool; ./dev test installs it"
done

# Another lock file is another place: nothing that is there ever changes.
place=$cache/plugin-sdk-$(sha256sum <"$here/package-lock.json" | cut -c 1-12)
[ -d "$place" ] || [ "${1:-}" = get ] \
  || skip "@paperclipai/plugin-sdk is not there; ./dev test gets it"
if [ ! -d "$place" ]; then
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/plugin-sdk.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  cp "$here/package.json" "$here/package-lock.json" "$work"
  (cd "$work" \
    && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) \
    || skip "npm could not get @paperclipai/plugin-sdk; it needs its registry \
once, and then no more"
  # Whoever is faster wins.
  mv -T "$work" "$place" 2>/dev/null || [ -d "$place" ]
fi
echo "$place"
