\ wordmill: verified words of specs/basic.jsonl. Written anew by every run.
\ For any standard Forth with 64-bit cells: S" ./specs+basic.jsonl.fth" INCLUDED
DECIMAL
[UNDEFINED] >= [IF] : >= ( n1 n2 -- flag ) < 0= ; [THEN]

\ square ( n -- n² ): n times itself
\ line 1, template DUP_TRANSFORM_001, 3 of 3 tests, 2 of 2 held out
: square dup * ;

\ fourth-power ( n -- n^4 ): square of the square
\ line 2, given, 1 of 1 tests
: fourth-power square square ;

\ clamp>= ( n lo -- n ): n, at least lo
\ line 3, enumeration, 2 of 2 tests
: clamp>= 2dup >= if drop else nip then ;

\ distance ( a b -- d ): how far apart
\ line 5, enumeration, 2 of 2 tests
: distance - abs ;

\ square ( n -- n ): a second word of this name
\ line 6, enumeration, 1 of 1 tests
\ Not loaded, for the name is taken:
\   : square ;
\ cube ( n -- n³ ): refuted
\ nth-prime ( n -- p ): unsolved
\ busy-beaver ( n -- n ): unsolved

\ Words with names of the standard, in a word list of their own, so that all others keep the standard ones.
\ To use them: GET-ORDER wm-shadow SWAP 1+ SET-ORDER
[UNDEFINED] wm-shadow [IF] WORDLIST CONSTANT wm-shadow [THEN]
GET-CURRENT wm-shadow SET-CURRENT

\ abs ( n -- |n| ): named like a standard word
\ line 4, given, 2 of 2 tests
: abs ( n -- |n| ) dup 0< if negate then ;
SET-CURRENT
