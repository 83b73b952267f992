\ wordmill: verified words of more/memory.json. Written anew by every run.
\ For any standard Forth with 64-bit cells: S" ./more+memory.json.fth" INCLUDED
DECIMAL
[UNDEFINED] -rot [IF] : -rot ( a b c -- c a b ) rot rot ; [THEN]
: wm/? -7 2 / -4 <> -9223372036854775808 -1 ['] / catch if 2drop true else drop false then or ;
wm/? [IF] : / ( n1 n2 -- n ) dup -1 = if drop negate else >r s>d r> fm/mod nip then ; [THEN]

\ string-length ( c-addr u -- u ): counted in bytes
\ line 1, enumeration, 1 of 1 tests
: string-length nip ;

\ sum-cells ( addr n -- sum ): over an array
\ line 9, template, 1 of 1 tests
: sum-cells 0 -rot 0 ?do dup @ rot + swap cell+ loop drop ;

\ checked/ ( a b -- q ): throws on zero
\ line 17, pattern, 3 of 3 tests
: checked/ dup 0= if -10 throw then / ;
