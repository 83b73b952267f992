#!/usr/bin/env bash
# The Forth 2012 test suite (Gerry Jackson and others) on `wordmill forth`, with the number of tests that really ran.
#
#   scripts/forth2012.sh [WORDMILL]
#
# The suite is fetched from the registry with a crate that carries it; nothing of it is kept in this repository.
# Exit code 0: no error, and as many tests ran in each word set as the suite has. 77: the suite cannot be fetched.
set -euo pipefail
cd "$(dirname "$0")/.."
wordmill=$(realpath "${1:-target/release/wordmill}")
[ -x "$wordmill" ] || { echo "no $wordmill: run 'cargo build --release' first" >&2; exit 2; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mkdir -p "$scratch/manifest/src" "$scratch/suite"
cat > "$scratch/manifest/Cargo.toml" <<'MANIFEST'
[package]
name = "forth2012-suite"
version = "0.0.0"
edition = "2021"
[dependencies]
ferth = "=0.2.0"
[workspace]
MANIFEST
: > "$scratch/manifest/src/lib.rs"
if ! metadata=$(cargo metadata --quiet --format-version 1 --manifest-path "$scratch/manifest/Cargo.toml"); then
    echo "the Forth 2012 test suite cannot be fetched: left out" >&2
    exit 77
fi
crate=$(grep -o '"manifest_path":"[^"]*ferth-0\.2\.0/Cargo\.toml"' <<<"$metadata" | head -n 1 | cut -d'"' -f4)
cp "$(dirname "$crate")"/tests/forth2012-test-suite/src/* "$scratch/suite/" 2>/dev/null || true

# T{ counts from here on; a word set's name and count are printed behind its tests.
cat > "$scratch/suite/counted.fth" <<'FORTH'
variable #tests
: t{ 1 #tests +! t{ ;
: counted ( c-addr u -- ) base @ >r decimal cr ." counted: " type space #tests @ . cr 0 #tests ! r> base ! ;
FORTH

# File, and how many tests it has; 0 is one that others need.
sets="prelimtest.fth 0
tester.fr 0
counted.fth 0
core.fr 638
coreplustest.fth 101
utilities.fth 15
errorreport.fth 0
coreexttest.fth 383
doubletest.fth 247
exceptiontest.fth 9
facilitytest.fth 70
filetest.fth 96
localstest.fth 49
memorytest.fth 198
toolstest.fth 64
searchordertest.fth 41
stringtest.fth 135"

files=()
while read -r file n; do
    files+=("$file")
    if [ "$n" != 0 ]; then
        echo "s\" $file\" counted" > "$scratch/suite/counted-$file"
        files+=("counted-$file")
    fi
done <<<"$sets"

# The suite asks for a line to be typed.
if ! (cd "$scratch/suite" && printf 'a line that was typed\n%.0s' {1..20} |
    "$wordmill" forth --files . "${files[@]}" -e 'report-errors') > "$scratch/output" 2> "$scratch/errors"; then
    tail -n 40 "$scratch/output"
    cat "$scratch/errors"
    echo "the suite did not run to its end" >&2
    exit 1
fi

failed=0
total=0
while read -r file n; do
    [ "$n" = 0 ] && continue
    ran=$(grep -a "^counted: $file " "$scratch/output" | awk '{ print $3 }')
    printf '%-22s %5s of %s tests\n' "$file" "${ran:-0}" "$n"
    total=$((total + ${ran:-0}))
    [ "${ran:-0}" = "$n" ] || failed=1
done <<<"$sets"
errors=$(grep -a '^Total ' "$scratch/output" | awk '{ print $2 }')
echo "$total tests, ${errors:-unknown} errors"
if [ "${errors:-1}" != 0 ] || [ "$failed" != 0 ]; then
    grep -a -i 'error\|incorrect\|wrong' "$scratch/output" | head -n 40
    exit 1
fi
