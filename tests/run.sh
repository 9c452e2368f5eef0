#!/usr/bin/env bash
# Installs what the tests need, builds, and runs them all. Ends with "N passed, N failed" and with status 1 if
# anything failed; a part that fails does not keep the others from running.
#
#   tests/run.sh            everything: lint, release with end-to-end and conformance, ASan+UBSan, fuzzing, TSan, GCC
#   tests/run.sh --quick    lint and release only
#   tests/run.sh --no-install   installs nothing: packages and tests/node_modules are as they are
#   tests/run.sh --only PART    one part (may be repeated): lint release quickstart e2e conformance asan fuzz tsan gcc
#
# Logs are in build/logs.
set -uo pipefail
exec < /dev/null

root=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
logs=$root/build/logs
export CTEST_OUTPUT_ON_FAILURE=1 GTEST_COLOR=no CCACHE_SLOPPINESS=pch_defines,time_macros

packages=(
  cmake ninja-build ccache clang-16 lld-16 llvm-16 libclang-rt-16-dev g++-12 git jq curl python3
  libboost1.81-dev libboost-filesystem1.81-dev libcli11-dev libfmt-dev libgtest-dev libre2-dev libspdlog-dev
  libhnswlib-dev libsodium-dev libsqlite3-dev libssl-dev libyaml-cpp-dev poppler-utils
  nlohmann-json3-dev libtest-json-schema-acceptance-perl ca-certificates
)
# Tests whose subject is what several threads or processes do at once.
concurrent='^(store|transport|runner|tasks|mcp|json|documents|routing)$'
# Tests that drive the whole program for long; one build of it is enough for them.
heavy='^(crash|e2e)'

passed=0
failed=0
failures=()

say() { printf '\n=== %s (%s)\n' "$*" "$(date +%T)"; }
fail() { failed=$((failed + 1)); failures+=("$1"); printf 'FAILED: %s\n' "$1"; }
pass() { passed=$((passed + 1)); }

parse_options() {
  only=()
  install=yes
  parts=(lint release quickstart e2e conformance asan fuzz tsan gcc)
  while [ $# -gt 0 ]; do
    case $1 in
      --quick) parts=(lint release quickstart e2e conformance) ;;
      --no-install) install=no ;;
      --only) only+=("${2:?--only needs the name of a part}"); shift ;;
      --help | -h) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
      *) echo "unknown option $1; see tests/run.sh --help" >&2; exit 2 ;;
    esac
    shift
  done
  if [ ${#only[@]} -gt 0 ]; then parts=("${only[@]}"); fi
}

# --- installing -------------------------------------------------------------------------------------

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_packages() {
  command -v dpkg-query > /dev/null || { echo "no Debian here: packages are taken as they are"; return 0; }
  local missing=() package
  command -v node > /dev/null || packages+=(nodejs)
  command -v npm > /dev/null || packages+=(npm)
  for package in "${packages[@]}"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2> /dev/null | grep -qx installed || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then echo "no package is missing"; return 0; fi
  echo "installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q \
    && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# npm ci only when the lockfile is newer than what it installed.
install_npm() { # folder
  local stamp=$1/node_modules/.package-lock.json
  if [ -e "$stamp" ] && [ ! "$1/package-lock.json" -nt "$stamp" ]; then return 0; fi
  npm ci --prefix "$1" --no-audit --no-fund
}

# --- building and counting --------------------------------------------------------------------------

# A compiler takes up to 1 GB: fewer at once where there is little memory.
jobs() {
  local free_gb processors
  free_gb=$(awk '/MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)
  processors=$(nproc)
  echo $((free_gb < 1 ? 1 : free_gb < processors ? free_gb : processors))
}

# Runs a command into its log; on failure shows the log's end.
logged() { # log command…
  local log=$logs/$1.log
  shift
  if "$@" > "$log" 2>&1; then return 0; fi
  tail -n 60 "$log"
  echo "(the whole is in $log)"
  return 1
}

build() { # preset target…
  local preset=$1
  shift
  say "build $preset"
  logged "configure-$preset" cmake -S "$root" --preset "$preset" -B "$root/build/$preset" -DTUTTI_TESTS=ON \
    && logged "build-$preset" ninja -C "$root/build/$preset" -j "$(jobs)" "$@" && return 0
  fail "build $preset"
  return 1
}

# The number in an attribute of a gtest report's first element.
attribute() { # file name
  sed -n "s/.*<testsuites [^>]*\b$2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1
}

# Counts one test of ctest by its cases if it wrote a report, else as one.
count_test() { # preset name verdict
  local report=$logs/gtest-$1/$2_test.xml bad
  if [ ! -s "$report" ]; then
    if [ "$3" = Passed ]; then pass; else fail "$1: $2 ($3)"; fi
    return
  fi
  bad=$(($(attribute "$report" failures) + $(attribute "$report" errors)))
  passed=$((passed + $(attribute "$report" tests) - bad - $(attribute "$report" disabled) - $(grep -c 'result="skipped"' "$report")))
  local name
  while IFS= read -r name; do fail "$1: $name"; done < <(
    awk -F'"' '/<testcase /{ name = $2; for (i = 1; i < NF; ++i) if ($i ~ /classname=$/) class = $(i + 1) }
               /<failure / && !seen[class name]++ { print class "." name }' "$report")
  if [ "$bad" -eq 0 ] && [ "$3" != Passed ]; then fail "$1: $2 ($3)"; fi
}

run_ctest() { # preset [wrapper… --] ctest-options…
  local preset=$1 wrapper=() name verdict ran=0
  shift
  while [ "$1" != -- ]; do wrapper+=("$1"); shift; done
  shift
  say "tests $preset"
  rm -rf "$logs/gtest-$preset"
  mkdir -p "$logs/gtest-$preset"
  GTEST_OUTPUT="xml:$logs/gtest-$preset/" "${wrapper[@]}" ctest --test-dir "$root/build/$preset" --timeout 900 "$@" \
    > "$logs/ctest-$preset.log" 2>&1
  while read -r name verdict; do
    ran=$((ran + 1))
    count_test "$preset" "$name" "$verdict"
  done < <(sed -nE 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: ([^ ]+) \.+ *\**(Passed|Failed|Timeout|Not Run|Exception: [A-Za-z]+).*/\1 \2/p' \
    "$logs/ctest-$preset.log")
  grep -E '^ *[0-9]+/[0-9]+ Test' "$logs/ctest-$preset.log"
  if [ "$ran" -eq 0 ]; then fail "ctest $preset ran nothing"; fi
  if grep -qE '\*\*\*|tests failed' "$logs/ctest-$preset.log"; then
    grep -E 'FAILED|Failure|ERROR: |runtime error|WARNING: ThreadSanitizer' -A 8 "$logs/ctest-$preset.log" | head -n 120
  fi
}

# --- parts ------------------------------------------------------------------------------------------

check() { # name command…
  local name=$1
  shift
  if "$@"; then pass; else fail "lint: $name"; fi
}

check_json() {
  local file bad=0
  while IFS= read -r -d '' file; do
    jq -e . "$root/$file" > /dev/null || { echo "$file is no JSON"; bad=1; }
  done < <(git -C "$root" ls-files -z 'schemas/*.json' 'blueprints/*.json' 'examples/*.json' 'tests/*package*.json')
  return $bad
}

check_shell() {
  local file bad=0
  while IFS= read -r -d '' file; do
    bash -n "$root/$file" || bad=1
  done < <(git -C "$root" ls-files -z '*.sh' .ci/run)
  return $bad
}

part_lint() {
  say lint
  mapfile -d '' -t sources < <(git -C "$root" ls-files -z 'server/*.cpp' 'server/*.hpp' 'tools/*.cpp' 'tools/*.hpp')
  check "co_await shapes that GCC 12 miscompiles" \
    python3 "$root/tests/colint.py" "${sources[@]/#/$root/}"
  check "who includes whom" python3 "$root/tests/include_check.py" "$root"
  check "JSON files" check_json
  check "shell scripts" check_shell
}

part_release() {
  build release || return
  run_ctest release --
}

# The first command of the README, on the program just built.
part_quickstart() {
  say quickstart
  if logged quickstart env TUTTI_BIN="$root/build/release/tutti" bash "$root/examples/quickstart.sh" \
    && grep -q 'claude mcp add tutti -- ' "$logs/quickstart.log"; then pass; else fail quickstart; fi
  if logged examples bash "$root/tests/examples_check.sh" "$root/build/release/tutti"; then pass; else fail examples; fi
}

# A number of the TAP summary, 0 when there is none.
summed() { # word report
  sed -n "s/^# $1 \([0-9]*\)$/\1/p" "$2" | tail -n 1 | grep . || echo 0
}

part_e2e() {
  say "end to end"
  local report=$logs/e2e.tap number
  if ! [ -x "$root/build/release/tutti" ]; then fail "e2e: there is no build/release/tutti"; return; fi
  (cd "$root/tests" && TUTTI_BIN=$root/build/release/tutti CLAUDE_FAKE=$root/build/release/tests/fakes/claude_fake \
    timeout 1500 node --test --test-reporter=tap e2e/*.test.mjs) > "$report" 2>&1
  passed=$((passed + $(summed pass "$report")))
  number=$(($(summed fail "$report") + $(summed cancelled "$report")))
  failed=$((failed + number))
  mapfile -t -O ${#failures[@]} failures < <(
    sed -nE 's/^ *not ok [0-9]+ - (.*)$/e2e: \1/p' "$report" | grep -v -e '# SKIP' -e '# TODO')
  if [ "$(summed pass "$report")" -eq 0 ]; then tail -n 40 "$report"; fail "e2e: no test passed"; fi
  grep -E '^# (tests|pass|fail|skipped)' "$report"
  grep -E '^ *not ok ' -A 25 "$report" | head -n 120
}

# The checks of the official suite; a warning counts as a failure.
part_conformance() {
  say conformance
  local report=$logs/conformance.log bad=()
  if ! [ -d "$root/tests/conformance/node_modules" ]; then fail "conformance: it is not installed"; return; fi
  bash "$root/tests/conformance/run.sh" "$root/build/release" > "$report" 2>&1
  cat "$report"
  passed=$((passed + $(sed -nE 's/^[^ ]+: ([0-9]+) passed, .*/\1/p' "$report" | awk '{ sum += $1 } END { print sum + 0 }')))
  mapfile -t bad < <(sed -nE 's/^  (FAILURE|WARNING) (.*)/conformance: \2/p' "$report" | sort -u)
  failed=$((failed + ${#bad[@]}))
  failures+=("${bad[@]}")
  if [ "$(grep -cE '^[^ ]+: [1-9][0-9]* passed, ' "$report")" -ne 5 ]; then fail "conformance: not all five runs were made"; fi
  local who
  for who in client tutti; do
    report=$logs/conformance_$who.log
    bash "$root/tests/conformance/run_$who.sh" "$root/build/release" > "$report" 2>&1 || fail "conformance: a scenario of $who failed"
    cat "$report"
    passed=$((passed + $(sed -nE 's/.*Passed: ([0-9]+)\/.*/\1/p' "$report" | awk '{ sum += $1 } END { print sum + 0 }')))
  done
}

part_asan() {
  build asan tutti_tests || return
  # A sanitizer's report must end the test, whichever process of it makes the report.
  export ASAN_OPTIONS=detect_stack_use_after_return=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
  run_ctest asan -- -E "$heavy"
  unset ASAN_OPTIONS UBSAN_OPTIONS
}

# Two minutes, on the libraries of the ASan build; each target counts as one test.
part_fuzz() {
  local report=$logs/fuzz.log name targets=(message http schema client answer multipart)
  build asan "${targets[@]/%/_fuzz}" || return
  say fuzz
  bash "$root/tests/fuzz/run.sh" "$root/build/asan" 120 > "$report" 2>&1
  cat "$report"
  for name in "${targets[@]}"; do
    if grep -q "^$name: [1-9][0-9]* inputs, no finding" "$report"; then pass; else fail "fuzz: $name"; fi
  done
}

part_tsan() {
  local targets=() wrapper=() folder
  for folder in store transport runner tasks mcp json documents routing; do
    if ls "$root/tests/$folder"/*.cpp > /dev/null 2>&1; then targets+=("${folder}_test"); fi
  done
  for folder in "$root"/tests/fakes/*/; do
    if ls "$folder"/*.cpp > /dev/null 2>&1; then targets+=("$(basename "$folder")_fake"); fi
  done
  build tsan "${targets[@]}" || return
  # TSan of clang-16 does not know the wide address randomisation of newer kernels.
  if setarch "$(uname -m)" -R true 2> /dev/null; then wrapper=(setarch "$(uname -m)" -R); fi
  export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
  run_ctest tsan "${wrapper[@]}" -- -R "$concurrent"
  unset TSAN_OPTIONS
}

part_gcc() {
  build gcc || return
  run_ctest gcc -- -E "$heavy|^integration$"
}

parse_options "$@"
mkdir -p "$logs"
if [ "$install" = yes ]; then
  say install
  logged install install_packages || fail "install packages"
  case " ${parts[*]} " in *" e2e "*) logged npm install_npm "$root/tests" || fail "npm ci" ;; esac
  case " ${parts[*]} " in
    *" conformance "*) logged npm-conformance install_npm "$root/tests/conformance" || fail "npm ci conformance" ;;
  esac
fi
for part in "${parts[@]}"; do
  if ! declare -F "part_$part" > /dev/null; then fail "there is no part '$part'"; continue; fi
  "part_$part"
done

if [ ${#failures[@]} -gt 0 ]; then
  say "what failed"
  printf '  %s\n' "${failures[@]}"
fi
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
