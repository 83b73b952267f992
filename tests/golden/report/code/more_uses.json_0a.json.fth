\ wordmill: verified words of more/uses.json .json. Written anew by every run.
\ For any standard Forth with 64-bit cells: S" ./more+uses.json=0a.json.fth" INCLUDED
DECIMAL
\ (unreadable record): invalid
