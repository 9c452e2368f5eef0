#!/usr/bin/env bash
# The crash test for an hour (or SECONDS), a new seed each ten minutes; stops at the first problem.
# usage: tests/crash/long.sh [BUILD_DIR] [SECONDS]
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
build="${1:-$root/build/release}"
seconds="${2:-3600}"
[ -f "$build/build.ninja" ] || cmake --preset release -S "$root" -B "$build" >&2
ninja -C "$build" -j2 crash_test >&2
ulimit -u 4000
export TUTTI_BIN="$build/tutti" TUTTI_FAKES="$build/tests/fakes"
until="$((SECONDS + seconds))"
while [ "$SECONDS" -lt "$until" ]; do
  left="$((until - SECONDS))"
  TUTTI_CRASH_SECONDS="$((left < 600 ? left : 600))" "$build/tests/crash/crash_test"
done
