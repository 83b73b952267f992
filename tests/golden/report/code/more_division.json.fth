\ wordmill: verified words of more/division.json. Written anew by every run.
\ For any standard Forth with 64-bit cells: S" ./more+division.json.fth" INCLUDED
DECIMAL
[UNDEFINED] -rot [IF] : -rot ( a b c -- c a b ) rot rot ; [THEN]
[UNDEFINED] {: [IF] VARIABLE wm-blank
: wm-locals ( "names" -- ) parse-name
  2dup s" :}" compare 0= if 2drop exit then
  2dup s" --" compare 0= if 2drop begin parse-name s" :}" compare 0= until exit then
  2dup s" |" compare 0= if 2drop true wm-blank ! recurse exit then
  wm-blank @ >r 2>r recurse 2r> r> if 0 postpone literal then (local) ;
: {: false wm-blank ! wm-locals 0 0 (local) ; immediate [THEN]
: wm/? -7 2 / -4 <> -9223372036854775808 -1 ['] / catch if 2drop true else drop false then or ;
wm/? [IF] : / ( n1 n2 -- n ) dup -1 = if drop negate else >r s>d r> fm/mod nip then ; [THEN]
: wm/? -7 2 mod 1 <> -9223372036854775808 -1 ['] mod catch if 2drop true else drop false then or ;
wm/? [IF] : mod ( n1 n2 -- n ) dup -1 = if 2drop 0 else >r s>d r> fm/mod drop then ; [THEN]
: wm/? -7 2 /mod nip -4 <> -9223372036854775808 -1 ['] /mod catch if 2drop true else 2drop false then or ;
wm/? [IF] : /mod ( n1 n2 -- r q ) dup -1 = if drop negate 0 swap else >r s>d r> fm/mod then ; [THEN]

\ divmod ( a b -- r q ): floored, and wraps
\ line 1, enumeration, 3 of 3 tests
: divmod 2dup mod -rot / ;

\ div-mod ( a b -- r q ): the same
\ line 2, enumeration, 3 of 3 tests
: div-mod /mod ;

\ weigh ( a b c -- n ): with locals
\ line 3, given, 2 of 2 tests
: weigh {: a b c | d -- n :} a b - c * {: n :} n d + ;
