#!/usr/bin/env bash
# Instructions of one inference, case by case, counted by valgrind --tool=callgrind on a release build.
set -eu
cd "$(dirname "$0")/../.."
binary=$(cargo bench --no-run --bench effect_instructions --message-format json 2>/dev/null |
  sed -n 's/.*"executable":"\([^"]*effect_instructions[^"]*\)".*/\1/p' | tail -1)
count() { # mode turns code claim -> instructions
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$binary" "$1" "$2" "$3" "${4:---}" 2>&1 |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}
case_() { # name mode code claim
  few=$(count "$2" 1000 "$3" "${4:---}")
  many=$(count "$2" 11000 "$3" "${4:---}")
  printf '%-32s %6d\n' "$1" $(((many - few) / 10000))
}
case_ 'infer duplicate' infer 'dup'
case_ 'infer square' infer 'dup *'
case_ 'infer swap' infer 'swap'
case_ 'infer add/subtract' infer '+ -'
case_ 'infer literal add' infer '42 13 +'
case_ 'infer square-and-add' infer 'dup * swap +'
case_ 'infer sum of squares' infer 'dup dup * swap dup * +'
case_ 'infer complex stack' infer '2dup + rot rot + +'
case_ 'infer very complex' infer 'over over * swap dup * + swap dup *'
case_ 'infer branch' infer 'dup 0< if negate then'
case_ 'infer loop' infer '0 swap 1+ 1 ?do i + loop'
case_ 'opcodes square-and-add' words 'dup * swap +'
case_ 'verify square' verify 'dup *' '( n -- n² )'
case_ 'verify swap' verify 'swap' '( a b -- b a )'
case_ 'verify 2dup-add' verify '2dup +' '( a b -- a b a+b )'
case_ 'compose square' compose 'dup *'
case_ 'compose cube' compose 'dup dup * swap *'
case_ 'compose sum three' compose '2dup + rot +'
