\ wordmill: tests of more/division.json. Written anew by every run.
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
S" ./more+division.json.fth" INCLUDED

\ divmod ( a b -- r q )
T{ 7 -2 divmod -> -1 -4 }T
T{ -9223372036854775808 -1 divmod -> 0 -9223372036854775808 }T
T{ -7 -1 divmod -> 0 7 }T

\ div-mod ( a b -- r q )
T{ 7 -2 div-mod -> -1 -4 }T
T{ -9223372036854775808 -1 div-mod -> 0 -9223372036854775808 }T
T{ -7 2 div-mod -> 1 -4 }T

\ weigh ( a b c -- n )
T{ 10 3 2 weigh -> 14 }T
T{ 1 2 3 weigh -> -3 }T
wm-report
