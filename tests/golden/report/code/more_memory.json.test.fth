\ wordmill: tests of more/memory.json. Written anew by every run.
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
S" ./more+memory.json.fth" INCLUDED

\ string-length ( c-addr u -- u )
CREATE wm-0 104 C, 34 C, 105 C, 10 C,
T{ wm-0 4 string-length -> 4 }T

\ sum-cells ( addr n -- sum )
CREATE wm-1 1 , 2 , -4 ,
T{ wm-1 3 sum-cells -> -1 }T

\ checked/ ( a b -- q )
T{ 7 2 checked/ -> 3 }T
T{ -7 2 checked/ -> -4 }T
T{ 1 0 ' checked/ CATCH NIP NIP -> -10 }T
wm-report
