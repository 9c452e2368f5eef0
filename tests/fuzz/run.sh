#!/usr/bin/env bash
# Runs the fuzz targets of a build, all at once, each on its corpus and what it finds beside it.
#
#   tests/fuzz/run.sh BUILD SECONDS [TARGET…]     a folder built with TUTTI_FUZZ; 120 seconds in CI
#
# A finding is written to BUILD/fuzz/<target>/ and ends with status 1. To keep what was learnt:
# tests/fuzz/run.sh --merge BUILD adds to the corpus what reaches code that the corpus does not.
set -uo pipefail

# The names in a finding's stack come from llvm-symbolizer, of the same version as the compiler.
ASAN_SYMBOLIZER_PATH=$(command -v llvm-symbolizer-16 || true)
export ASAN_SYMBOLIZER_PATH
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
merge=no
if [ "${1:-}" = --merge ]; then merge=yes; shift; fi
build=$(readlink -f "${1:?usage: tests/fuzz/run.sh BUILD SECONDS [TARGET…]}")
seconds=${2:-120}
targets=("${@:3}")
if [ ${#targets[@]} -eq 0 ]; then targets=(message http schema client answer multipart); fi
# Without leak checks at each input: they stop the world. What is lost shows at the end.
limits=(-timeout=10 -rss_limit_mb=2048 -max_len=16384)

if [ $merge = yes ]; then
  for target in "${targets[@]}"; do
    "$build/tests/fuzz/${target}_fuzz" -merge=1 "${limits[@]}" "$here/corpus/$target" "$build/fuzz/$target/found"
  done
  exit
fi

pids=()
for target in "${targets[@]}"; do
  folder=$build/fuzz/$target
  mkdir -p "$folder/found"
  "$build/tests/fuzz/${target}_fuzz" "${limits[@]}" -max_total_time="$seconds" -print_final_stats=1 \
    -artifact_prefix="$folder/" "$folder/found" "$here/corpus/$target" > "$folder/log" 2>&1 &
  pids+=($!)
done
bad=0
for i in "${!targets[@]}"; do
  log=$build/fuzz/${targets[$i]}/log
  if wait "${pids[$i]}"; then
    printf '%s: %s inputs, no finding\n' "${targets[$i]}" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
  else
    bad=1
    printf '%s: a finding\n' "${targets[$i]}"
    tail -n 60 "$log"
  fi
done
exit $bad
