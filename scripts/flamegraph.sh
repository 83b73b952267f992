#!/usr/bin/env bash
# A flame graph of `wordmill run` with perf, for what the sampler inside wordmill cannot see: the kernel, other
# libraries, single instructions. `wordmill run --flamegraph out.svg` needs no perf and also shows stages and Forth words.
#
#   scripts/flamegraph.sh [OUT.svg] [arguments of `wordmill run`…]
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'flamegraph.sh: %s\n' "$1" >&2; exit 2; }

out=wordmill.svg
case ${1-} in
    -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *.svg) out=$1; shift ;;
esac

command -v perf >/dev/null ||
    fail "perf is not installed (Debian: apt-get install linux-perf); \`wordmill run --flamegraph $out\` works without it"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

export RUSTFLAGS="${RUSTFLAGS-} -C force-frame-pointers=yes"
cargo build --profile profiling --target-dir target/perf --bin wordmill --example perf_to_svg
built=target/perf/profiling

perf record --call-graph fp --freq 997 --output "$scratch/perf.data" -- \
    "$built/wordmill" run --no-cache --out "$scratch/out" "$@" ||
    [ -s "$scratch/perf.data" ] ||
    fail "perf could not record (see kernel.perf_event_paranoid); \`wordmill run --flamegraph $out\` works without it"

perf script --input "$scratch/perf.data" 2>/dev/null | "$built/examples/perf_to_svg" >"$out"
printf 'wrote %s\n' "$out"
