#!/bin/sh
# sdk_conformance.sh LEASEHOLD PLACE: installs the SDK from npm into PLACE, and
# has the conformance kit check a provider that is written with it.
set -eu
leasehold=$1
place=$2
source=$(cd "$(dirname "$0")/sdk_provider" && pwd)

for tool in node npm; do
  command -v "$tool" >/dev/null || {
    echo "SKIPPED: there is no $tool; install Node.js to run this test"
    exit 77
  }
done

mkdir -p "$place"
cp "$source/package.json" "$source/package-lock.json" "$source/index.mjs" \
  "$place"
cd "$place"
# The lock file says what belongs there and is older than what is installed.
if ! cmp -s package-lock.json installed-lock.json; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json installed-lock.json
fi
rm -rf "$place/leases"
"$leasehold" plugin test --env-var "SDK_PROVIDER_ROOT=$place/leases" \
  --bad-config '{"no": "such field"}' -- "$(command -v node)" index.mjs
