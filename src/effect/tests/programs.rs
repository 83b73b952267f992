//! Whole programs, and what stands in definitions: the effect as it is rendered, or what is said.

use crate::effect::{NoWords, Scratch, infer};

fn check(code: &str, expect: &str) {
    let mut scratch = Scratch::new();
    let got = match infer(code, &NoWords, &mut scratch) {
        Ok(effect) => effect.render(),
        Err(error) => error.message(code),
    };
    assert_eq!(got, expect, "{code}");
}

#[test]
fn names_of_results() {
    check("s\" abc\"", "( -- addr 3 )");
    check("s\\\" a\\n\\m\\x41\\\"\"", "( -- addr 6 )");
    check("c\" abc\" count", "( -- addr u )");
    check("[char] x ['] dup", "( -- 120 'dup )");
    check("parse-name", "( -- addr u )");
    check("bl word", "( -- addr )");
    check("source", "( -- addr u )");
    check("allocate", "( a -- addr ior )");
    check("resize free", "( a b -- addr ior )");
    check("r/o open-file", "( a b -- file ior )");
    check("read-line", "( a b c -- u flag ior )");
    check("file-size", "( a -- lo hi ior )");
    check("find", "( a -- addr flag )");
    check("search", "( a b c d -- addr u flag )");
    check("here pad", "( -- here pad )");
    check("variable v  v", "( -- v )");
    check("[: 1+ ;]", "( -- xt )");
    check(":noname 1+ ; dup", "( -- ':noname ':noname )");
}

#[test]
fn quotations() {
    check("[: 1+ ;] execute", "( a -- a+1 )");
    check("[: dup * swap ;] execute +", "( a b -- b*b+a )");
    check("5 [: dup * ;] execute", "( -- 5*5 )");
    check("[: d+ ;] execute", "( a b c d -- d+(a,b,c,d).lo d+(a,b,c,d).hi )");
    check("[: dup 0< if negate then ;] execute 1+", "( a -- (a<0 ? -a : a)+1 )");
    check("[: 1+ ;] dup >r execute r> execute", "( a -- a+1+1 )");
    check("[: [: 1+ ;] execute 2* ;] execute", "( a -- 2*(a+1) )");
    check("[: exit 1 ;] execute", "( -- )");
    check("[: 0 do i . loop ;] execute", "( a -- )");
    check("[: {: a b :} b a - ;] execute", "( a b -- b-a )");
    check(": f {: n :} [: n ;] execute ;", "unknown word `n`");
    check(": f ( n -- m ) [: 2* ;] execute ;", "( n -- 2*n )");
    check("dup if [: 1+ ;] else [: 1- ;] then execute", "( a -- execute(a) )");
    check("0< if ['] 1+ else ['] 1- then execute", "( a b -- execute(a) )");
    check("[: recurse ;] execute", "`recurse` on every way: the effect needs a declaration `( … -- … )`");
    check("[: dup 1 > if dup 1- recurse * then ;] execute", "( a -- (a>1 ? a*recurse(a-1) : a) )");
    check("[: abort ;] execute + + +", "( -- )");
    check("[: drop", "`[:` has no end: `;]` is missing");
    check("[: if ;]", "`if` is not closed: `then` is missing");
    check("[: >r ;]", "1 cell left on the return stack");
    check("1 >r [: r> ;]", "`r>` finds nothing of this definition on the return stack");
    check(": f [: dup ;", "`;` cannot stand here");
    check("[: . ;] execute", "( a -- )");
    check("' + execute", "( a b -- a+b )");
    check("['] if execute", "not static: EXECUTE at 1:8");
    check("['] >r execute", "not static: EXECUTE at 1:8");
    check("['] nope", "unknown word `nope`");
    check("['] square execute", "unknown word `square`");
    check("2 ['] pick execute", "( a b c -- a b c a )");
    check(": sq dup * ; : f ['] sq execute ;", "( a -- sq(a) )");
    check(": a 1 ; ' a : a 1 2 ; execute", "( -- a )");
    check(":noname dup * ; : g 1 ; execute", "( a -- :noname(a) )");
}

#[test]
fn caught() {
    check("['] 1+ catch", "( a -- x y )");
    check("[: . ;] catch", "not static: CATCH at 1:9");
    check("[: . ;] catch if drop then", "( a -- )");
    check(
        "[: . ;] catch ?dup if nip then",
        "branches leave different depths: -1 when the test is true, -2 otherwise",
    );
    check("[: . ;] catch ?dup if nip else 0 then", "( a -- (x ? x : 0) )");
    check("['] / catch ?dup if nip nip then", "( a b -- (x ? x : a/b) )");
    check("['] / catch 0= if 1 else 2drop 0 0 then", "( a b -- (x=0 ? a/b : 0) (x=0 ? 1 : 0) )");
    check("['] / catch dup if nip then nip", "( a b -- (x ? x : 0) )");
    check("['] / catch throw", "( a b -- a/b )");
    check("['] / catch ( n ) if 2drop 0 then", "( a b -- (x ? 0 : a/b) )");
    check("begin ['] / catch 0= until", "( a b -- x/y )");
    check("begin 2dup ['] / catch while 2drop repeat nip nip", "( a b -- a/b )");
    check("begin 2dup ['] / catch 0= until", "each turn of the loop changes the stack by +2");
    check("[: -1 throw ;] catch", "( -- x )");
    check("5 ['] throw catch", "( -- x y )");
    check("catch", "not static: CATCH at 1:1");
    check("['] execute catch", "not static: CATCH at 1:13");
    check(
        ": risky dup 0= if -10 throw then 100 swap / ; : safe ['] risky catch if drop 0 then ;",
        "( a -- (x ? 0 : risky(a)) )",
    );
}

#[test]
fn locals() {
    check(": f {: a b | t :} a b + to t t t * ;", "( a b -- (a+b)*(a+b) )");
    check(": f {: a b -- c :} b a - ;", "( a b -- b-a )");
    check(": f locals| b a | a b - ;", "( a b -- a-b )");
    check(": f locals| x | x 0< if 0 to x then x ;", "( a -- (a<0 ? 0 : a) )");
    check(": f locals| x", "`locals|` has no end: `|` is missing");
    check(": f >r {: a :} a r> ;", "`{:` cannot stand here");
    check(": f dup 0> if {: a :} a a * else drop 0 then ;", "`{:` cannot stand here");
    check(": f {: a :} 0 {: b :} a b + ;", "( a -- a+0 )");
    check(": f {: n :} 0 n 0 ?do i + loop ;", "( a -- x )");
    check(": f {: n acc :} begin n while acc n + to acc n 1- to n repeat acc ;", "( a b -- x )");
    check(": f {: n k :} 10 0 do n 1+ to n loop n k ;", "( a b -- x b )");
    check(": f {: i :} i i * ;", "( a -- a*a )");
    check(": f 3 0 do i {: k :} k . loop ;", "`{:` cannot stand here");
    check("{: a :} a a", "( a -- a a )");
    check(": f {: a :} [ a ] literal ;", "unknown word `a`");
}

#[test]
fn returns() {
    check(">r >r + r> r> -", "( a b c d -- a+b c-d )");
    check("2>r r> r> 2drop", "( a b -- )");
    check("2 n>r nr>", "( a b -- a b 2 )");
    check("2 n>r 1+ nr> drop", "( a b c -- a+1 b c )");
    check("-1 n>r", "`n>r` reaches deeper into the stack than can be followed");
    check("3 constant n  n n>r nr> drop", "( a b c -- a b c )");
    check("2 n>r", "3 cells left on the return stack");
    check(">r 10 0 do r@ loop", "`r@` finds the parameters of the loop on the return stack");
    check("2 constant two  two pick", "( a b c -- a b c a )");
}

#[test]
fn cases() {
    check("case 1 of 10 endof 2 of 20 endof >r 0 r> endcase", "( a -- (a=1 ? 10 : a=2 ? 20 : 0) )");
    check("case dup 0< of drop -1 endof endcase", "( a b -- (b=(b<0) ? -1 : a) )");
    check("case 1 of exit endof 2 of drop 5 exit endof endcase", "( a b -- (b=1 ? a : b=2 ? 5 : a) )");
    check(
        "begin case 1 of 1 endof 2 of -1 endof 0 swap endcase until",
        "each turn of the loop changes the stack by -1",
    );
    check("0 case 1 of endof endcase", "( -- )");
    check("case 1 of abort endof 10 swap endcase", "( a -- 10 )");
}

#[test]
fn words_of_the_text() {
    check("variable v : inc 1 v +! ; : f inc v @ ;", "( -- mem[v] )");
    check("5 constant five : f five + ;", "( a -- a+five )");
    check("-1 constant oops : f dup 0= if drop oops throw then 1+ ;", "( a -- a+1 )");
    check("10 value v : f v + to v ;", "( a -- )");
    check("1. 2value w : f w 2swap to w ;", "( a b -- w.1 w.2 )");
    check("100 buffer: b : f b 100 erase ;", "( -- )");
    check("create t 1 , 2 , 3 , : f cells t + @ ;", "( a -- mem[cells(a)+t] )");
    check(": array create cells allot does> swap cells + ; 10 array a : f a @ ;", "( a -- mem[a(a)] )");
    check(": const create , does> @ ; 5 const five : f five five * ;", "( -- five*five )");
    check(": adder create , does> ( n -- m ) @ + ; 5 adder add5 : f 1 add5 ;", "( -- add5(1) )");
    check(": c create , does> @ recurse ;", "not static: RECURSE at 1:22");
    check(": five 5 constant ; five v : f v v ;", "( -- v v )");
    check(": const constant ; 5 const five : f five ;", "( -- five )");
    check(": mk create 0 , ; mk a : f a @ ;", "( -- mem[a] )");
    check(": mk create 0 , ; : mk2 mk ; mk2 a : f a @ ;", "( -- mem[a] )");
    check(": does does> @ ; create c 5 , does : f c ;", "( -- c )");
    check(": does does> @ ; : f does ;", "( -- )");
    check(": does1 does> @ ; : does2 does> 1+ @ ; create c does1 does2 c", "( -- c )");
    check(": does does> @ ; does", "not static: does at 1:18");
    check(": two create create ; two a b", "not static: two at 1:23");
    check("begin-structure p field: p.x field: p.y end-structure : f p.y @ ;", "( a -- mem[p.y(a)] )");
    check("begin-structure p field: p.x cfield: p.y end-structure p", "( -- p )");
    check("begin-structure p field: p.x cfield: p.y end-structure", "( a -- a+8 )");
    check("begin-structure p 3 +field p.x field: p.y end-structure", "( a -- a+8 )");
    check("defer d ( a b -- c ) : f d 1+ ; ' + is d", "( -- )");
    check("defer d ( a b -- c ) : f d 1+ ;", "( a b -- d(a,b)+1 )");
    check("defer d ( a b -- c ) ' dup is d", "not static: IS at 1:28");
    check("defer d ' + is d ' - is d : f d ;", "( a b -- d(a,b) )");
    check("defer d ' + is d : f is d ; : g d ;", "not static: IS at 1:22");
    check("defer d ' + ' d defer! : f d ;", "( a b -- d(a,b) )");
    check("defer d : f d ; ' + is d", "not static: d at 1:13");
    check("defer d :noname + ; is d : f d ;", "( a b -- d(a,b) )");
    check("defer d [: + ;] is d : f d ;", "( a b -- d(a,b) )");
    check("marker m : f 1 ; m f", "unknown word `f`");
    check("synonym endif then : f if 1 else 2 endif ;", "( a -- (a ? 1 : 2) )");
    check(": sq dup * ; synonym square sq : f square ;", "( a -- square(a) )");
    check("synonym a b", "unknown word `b`");
    check("1 2 : f dup ; +", "( -- 1+2 )");
    check(": a 1 ; : b a a + ; b", "( -- b )");
    check(": f 5 throw ; : g dup if f then 1+ ;", "( a -- a+1 )");
    check(": f bye ; f + + +", "( -- )");
    check("variable v 5 v ! : f v @ ;", "( -- mem[v] )");
    check(": f variable ;", "( -- )");
    check("3 to dup", "`dup` cannot stand here");
    check(": f ( addr -- ) dup @ swap cell+ @ ;", "( addr -- mem[addr] mem[cell+(addr)] )");
}

#[test]
fn text_at_compile_time() {
    check(": endif postpone then ; immediate : f if 1 else 2 endif ;", "( a -- (a ? 1 : 2) )");
    check(
        ": unless postpone 0= postpone if ; immediate : f dup unless drop 5 then ;",
        "( a -- (a=0 ? 5 : a) )",
    );
    check(": then postpone then ; immediate : f if 1 else 2 then ;", "( a -- (a ? 1 : 2) )");
    check(": two 2 ; immediate : f two literal + ;", "( a -- a+two )");
    check(": hi 1 . ; immediate : f hi dup ;", "( a -- a a )");
    check(": lit5 5 postpone literal ; immediate : f lit5 ;", "not static: lit5 at 1:43");
    check(": add postpone + ; : f [ add ] ;", "not static: add at 1:26");
    check(": f [ 2 3 * ] literal + ;", "( a -- a+2*3 )");
    check(": f [ 2 3 ] 2literal ;", "( -- 2 3 )");
    check("[defined] nope [if] drop [else] dup [then]", "( a -- a a )");
    check("[undefined] ?: [if] : ?: 1 ; [then] : f ?: ;", "( -- ?: )");
    check("0 [if] [if] a [then] b [else] c [then]", "unknown word `c`");
    check("1 [if] 5 [else] [if] a [else] b [then] [then]", "( -- 5 )");
    check(": f [ 1 ] [if] dup [else] drop [then] ;", "( a -- a a )");
    check(": f [ 0 ] [if] dup [else] drop [then] ;", "( a -- )");
    check(": f [defined] dup [if] dup [then] ;", "( a -- a a )");
    check(": f [if] dup [then] ;", "`[if]` cannot stand here");
    check("0 constant debug debug [if] .( on) [then] 7", "( -- 7 )");
    check("?dup ( still ) if 1+ else 7 then", "( a -- (a ? a+1 : 7) )");
    check("?dup \\ still\n 0= if 7 else 1+ then", "( a -- (a=0 ? 7 : a+1) )");
    check(": if ; ?dup if", "not static: ?DUP at 1:8");
    // Immediate words that double each other come to an end.
    let mut macros = String::from(": m0 postpone align ; immediate ");
    for k in 1..40 {
        macros += &format!(": m{k} postpone m{} postpone m{} ; immediate ", k - 1, k - 1);
    }
    check(&format!("{macros} : f m39 ;"), "the code makes more values than can be followed, at `m39`");
    check(&format!("{macros} : f m9 ;"), "( -- )");
}

#[test]
fn where_it_gives_up() {
    check(": f dup\n  begin execute\n  again ;", "not static: EXECUTE at 2:9");
    check(": f\n  dup\n  execute ;", "not static: EXECUTE at 3:3");
    check("s\" dup\" evaluate", "not static: EVALUATE at 1:9");
    check("get-order n>r nr> set-order", "not static: GET-ORDER at 1:1");
    check("é @ execute", "unknown word `é`");
    check("variable v v @ execute", "not static: EXECUTE at 1:16");
    check("0 if execute then", "not static: EXECUTE at 1:6");
    check("abort execute evaluate catch", "( -- )");
    check("1 throw n>r nr> get-order pick", "( -- )");
    check("' + catch drop", "not static: CATCH at 1:5");
    check("depth pick", "not static: PICK at 1:7");
}
