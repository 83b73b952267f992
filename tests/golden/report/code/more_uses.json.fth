\ wordmill: verified words of more/uses.json. Written anew by every run.
\ For any standard Forth with 64-bit cells: S" ./more+uses.json.fth" INCLUDED
DECIMAL
1 64 lshift [IF] : lshift ( x u -- x ) dup 64 u< if lshift else 2drop 0 then ; [THEN]

\ Words of other files that these use.
[UNDEFINED] square [IF]
: square dup * ;
[THEN]
[UNDEFINED] fourth-power [IF]
: fourth-power square square ;
[THEN]

\ eighth-power ( n -- n^8 ): uses words of another file
\ line 1, enumeration, 1 of 1 tests
: eighth-power fourth-power square ;

\ shift-far ( x -- y ): a long shift gives 0
\ line 2, enumeration, 1 of 1 tests
: shift-far 64 lshift ;
