#!/usr/bin/env bash
# The long-running programs of benches/forth on `wordmill forth` and on gforth-fast, one after the other, CPU time.
#
#   scripts/engine_beside_gforth.sh [RUNS]        # default: 11 of each
#
# Needs gforth (Debian: apt-get install gforth) and target/release/wordmill. Each figure is the median of user plus system
# time in milliseconds, less the median of an empty program: start-up is not what is compared here.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-11}
wordmill=target/release/wordmill
command -v gforth-fast > /dev/null || { echo "no gforth-fast: apt-get install gforth" >&2; exit 77; }
[ -x $wordmill ] || { echo "no $wordmill: run 'cargo build --release' first" >&2; exit 2; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
: > "$scratch/empty.fs"

# Microseconds of CPU time of one run; several runs of the program in it make the figure finer than the clock.
cpu() {
    local before after
    before=$(awk '{ print $16 + $17 }' /proc/$$/stat)
    "$@" > /dev/null < /dev/null
    after=$(awk '{ print $16 + $17 }' /proc/$$/stat)
    echo $(((after - before) * 1000000 / $(getconf CLK_TCK)))
}

repeat=10
program() {
    sed '$d' "$1"
    echo ": ten $repeat 0 do main loop ; ten"
}

median() {
    sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

printf '%-10s %12s %12s %8s\n' program wordmill gforth-fast ratio
ratios=()
for source in "$scratch/empty.fs" benches/forth/*.fs; do
    name=$(basename "$source" .fs)
    input=$scratch/$name-ten.fs
    if [ "$name" = empty ]; then cp "$source" "$input"; else program "$source" > "$input"; fi
    : > "$scratch/ours"
    : > "$scratch/theirs"
    for ((run = 0; run < runs; run++)); do
        cpu $wordmill forth --fuel unlimited "$input" >> "$scratch/ours"
        cpu gforth-fast -e 'warnings off' "$input" -e bye >> "$scratch/theirs"
    done
    ours=$(median < "$scratch/ours")
    theirs=$(median < "$scratch/theirs")
    if [ "$name" = empty ]; then
        ours_empty=$ours theirs_empty=$theirs
        continue
    fi
    line=$(awk -v a=$((ours - ours_empty)) -v b=$((theirs - theirs_empty)) -v n=$repeat -v name="$name" \
        'BEGIN { printf "%-10s %9.1f ms %9.1f ms %8.2f\n", name, a / n / 1000, b / n / 1000, a / b }')
    echo "$line"
    ratios+=("$(awk '{ print $NF }' <<<"$line")")
done
printf '%s\n' "${ratios[@]}" | sort -n | awk '{ value[NR] = $1 } END {
    middle = NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2
    printf "median of the ratios %.2f, largest %.2f\n", middle, value[NR] }'
