\ wordmill: tests of specs/basic.jsonl. Written anew by every run.
DECIMAL
[UNDEFINED] T{ [IF]
VARIABLE wm-depth  VARIABLE wm-n  VARIABLE wm-same
VARIABLE wm-tests  0 wm-tests !
VARIABLE wm-failed  0 wm-failed !
CREATE wm-actual 1024 CELLS ALLOT
: wm-drop ( ... -- ) BEGIN DEPTH wm-depth @ > WHILE DROP REPEAT BEGIN DEPTH wm-depth @ < WHILE 0 REPEAT ;
: wm-fail ( ... c-addr u -- ) 1 wm-failed +! CR TYPE SOURCE TYPE wm-drop ;
: wm-compare ( ... -- ) TRUE wm-same ! wm-n @ 0 ?DO wm-actual I CELLS + @ = wm-same @ AND wm-same ! LOOP ;
: T{ ( -- ) DEPTH wm-depth ! ;
: -> ( ... -- ) DEPTH wm-depth @ - wm-n ! wm-n @ 0 > IF wm-n @ 0 DO wm-actual I CELLS + ! LOOP THEN wm-drop ;
: }T ( ... -- ) 1 wm-tests +!
  DEPTH wm-depth @ - wm-n @ <> IF S" WRONG NUMBER OF RESULTS: " wm-fail EXIT THEN
  wm-compare wm-same @ 0= IF S" INCORRECT RESULT: " wm-fail THEN ;
: wm-report ( -- ) CR wm-tests @ . ." tests, " wm-failed @ . ." failed" CR ;
[THEN]
[UNDEFINED] wm-report [IF] : wm-report ; [THEN]
S" ./specs+basic.jsonl.fth" INCLUDED

\ square ( n -- n² )
T{ 5 square -> 25 }T
T{ -3 square -> 9 }T
T{ 0 square -> 0 }T

\ fourth-power ( n -- n^4 )
T{ 3 fourth-power -> 81 }T

\ clamp>= ( n lo -- n )
T{ 5 7 clamp>= -> 7 }T
T{ 9 7 clamp>= -> 9 }T

\ abs ( n -- |n| )
GET-ORDER wm-shadow SWAP 1+ SET-ORDER
T{ -5 abs -> 5 }T
T{ 5 abs -> 5 }T
PREVIOUS

\ distance ( a b -- d )
T{ 3 8 distance -> 5 }T
T{ 8 3 distance -> 5 }T
wm-report
