\ wordmill: verified words of </script><img src=x onerror=alert(1)>. Written anew by every run.
\ For any standard Forth with 64-bit cells: S" ./=3c+script=3e=3cimg=20src=3dx=20onerror=3dalert=281=29=3e.fth" INCLUDED
DECIMAL
\ </script><img src=x onerror=alert(1)> ( n -- n ): invalid
\ new line | `tick` ( a)b -- c ): crashed
