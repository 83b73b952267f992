use super::*;
use crate::model::TRUE;

const MAX: Cell = Cell::MAX;
const MIN: Cell = Cell::MIN;

#[test]
fn stack_words() {
    check("", &[], &[]);
    check("", &[1, 2], &[1, 2]);
    check("dup", &[7], &[7, 7]);
    check("drop", &[1, 2], &[1]);
    check("swap", &[1, 2], &[2, 1]);
    check("over", &[1, 2], &[1, 2, 1]);
    check("rot", &[1, 2, 3], &[2, 3, 1]);
    check("-rot", &[1, 2, 3], &[3, 1, 2]);
    check("nip", &[1, 2], &[2]);
    check("tuck", &[1, 2], &[2, 1, 2]);
    check("2dup", &[1, 2], &[1, 2, 1, 2]);
    check("2drop", &[1, 2, 3], &[1]);
    check("2swap", &[1, 2, 3, 4], &[3, 4, 1, 2]);
    check("2over", &[1, 2, 3, 4], &[1, 2, 3, 4, 1, 2]);
    check("2rot", &[1, 2, 3, 4, 5, 6], &[3, 4, 5, 6, 1, 2]);
    check("?dup", &[0], &[0]);
    check("?dup", &[5], &[5, 5]);
    check("0 pick 1 pick", &[1, 2], &[1, 2, 2, 2]);
    check("pick", &[9, 8, 7, 2], &[9, 8, 7, 9]);
    check("2 pick", &[9, 8, 7], &[9, 8, 7, 9]);
    check("roll", &[1, 2, 3, 2], &[2, 3, 1]);
    check("0 roll", &[1, 2], &[1, 2]);
    check("depth", &[], &[0]);
    check("depth depth", &[5, 5], &[5, 5, 2, 3]);
    check("DUP Swap DROP", &[4], &[4]);
}

#[test]
fn arithmetic() {
    check("+", &[2, 3], &[5]);
    check("+", &[MAX, 1], &[MIN]);
    check("-", &[2, 3], &[-1]);
    check("*", &[-4, 3], &[-12]);
    check("/", &[-7, 2], &[-4]);
    check("mod", &[-7, 2], &[1]);
    check("/mod", &[7, -2], &[-1, -4]);
    check("/", &[MIN, -1], &[MIN]);
    check("mod", &[MIN, -1], &[0]);
    check("1+ 1- 2* 2/", &[-3], &[-3]);
    check("negate", &[MIN], &[MIN]);
    check("abs", &[-5], &[5]);
    check("min", &[-5, 3], &[-5]);
    check("max", &[-5, 3], &[3]);
    check("lshift", &[1, 64], &[0]);
    check("rshift", &[-1, 60], &[15]);
    check("and", &[12, 10], &[8]);
    check("or", &[12, 10], &[14]);
    check("xor", &[12, 10], &[6]);
    check("invert", &[0], &[-1]);
}

#[test]
fn comparison() {
    check("=", &[3, 3], &[TRUE]);
    check("<>", &[3, 3], &[0]);
    check("<", &[-1, 0], &[TRUE]);
    check(">", &[-1, 0], &[0]);
    check("<=", &[3, 3], &[TRUE]);
    check(">=", &[2, 3], &[0]);
    check("u<", &[-1, 0], &[0]);
    check("u>", &[-1, 0], &[TRUE]);
    check("0=", &[0], &[TRUE]);
    check("0<>", &[0], &[0]);
    check("0<", &[MIN], &[TRUE]);
    check("0>", &[0], &[0]);
    check("within", &[5, 0, 10], &[TRUE]);
    check("within", &[-1, 5, -5], &[0]);
    check("true false", &[], &[TRUE, 0]);
}

#[test]
fn double_words() {
    check("s>d", &[-5], &[-5, -1]);
    check("d>s", &[-5, -1], &[-5]);
    check("d+", &[-1, 0, 1, 0], &[0, 1]);
    check("d-", &[0, 1, 1, 0], &[-1, 0]);
    check("dnegate", &[1, 0], &[-1, -1]);
    check("dabs", &[-1, -1], &[1, 0]);
    check("d2*", &[MIN, 0], &[0, 1]);
    check("d2/", &[0, 1], &[MIN, 0]);
    check("d<", &[0, -1, 0, 0], &[TRUE]);
    check("du<", &[0, -1, 0, 0], &[0]);
    check("d=", &[1, 2, 1, 2], &[TRUE]);
    check("d0=", &[0, 0], &[TRUE]);
    check("d0<", &[0, -1], &[TRUE]);
    check("dmin", &[1, 0, 0, -1], &[0, -1]);
    check("dmax", &[1, 0, 0, -1], &[1, 0]);
    check("m+", &[-1, 0, 1], &[0, 1]);
    check("m*", &[-1, 5], &[-5, -1]);
    check("um*", &[-1, 2], &[-2, 1]);
    check("um/mod", &[7, 0, 2], &[1, 3]);
    check("sm/rem", &[-7, -1, 2], &[-1, -3]);
    check("fm/mod", &[-7, -1, 2], &[1, -4]);
    check("m*/", &[7, 0, -3, 2], &[-11, -1]);
    check("*/mod", &[7, 5, 3], &[2, 11]);
    check("*/", &[MAX, MAX, MAX], &[MAX]);
    check("5. -5.", &[], &[5, 0, -5, -1]);
}

#[test]
fn memory_words() {
    check("here 5 , @", &[], &[5]);
    check("here 5 c, c@", &[], &[5]);
    check("here 16 allot tuck ! @", &[9], &[9]);
    check("pad 2! pad 2@", &[1, 2], &[1, 2]);
    check("pad 2! pad @ pad cell+ @", &[1, 2], &[2, 1]);
    check("pad ! 3 pad +! pad @", &[4], &[7]);
    check("258 pad c! pad c@", &[], &[2]);
    check("3 cells 3 chars 5 char+", &[], &[24, 3, 6]);
    check("aligned", &[0x2001], &[0x2008]);
    check("here 1 allot align here swap -", &[], &[8]);
    check("pad 4 65 fill pad @", &[], &[0x4141_4141]);
    check("-1 pad ! pad 4 erase pad @", &[], &[-1 << 32]);
    check("s\" abc\" pad swap move pad c@ pad 2 + c@", &[], &[97, 99]);
    check("s\" abc\" pad swap move pad pad 1+ 6 cmove pad 5 + c@", &[], &[97]);
    check("s\" abc\" pad swap move pad pad 1+ 3 move pad 3 + c@", &[], &[99]);
    check("s\" abc\" pad swap move pad 1+ pad 2 cmove> pad c@ pad 1+ c@", &[], &[99, 99]);
    check("s\" \" pad swap move 3 pad c! pad count nip", &[], &[3]);
    check("s\" abc\" s\" abd\" compare s\" b\" s\" abc\" compare s\" a\" s\" a\" compare", &[], &[-1, 1, 0]);
    check("s\" hello\" 2 /string nip", &[], &[3]);
    check("s\" hi  \" -trailing nip", &[], &[2]);
    check("s\" hello\" s\" ll\" search -rot nip", &[], &[TRUE, 3]);
    check("s\" hello\" s\" x\" search -rot nip", &[], &[0, 5]);
    check("unused here + 0<>", &[], &[TRUE]);
    check("0 0 s\" 12a\" >number nip rot rot", &[], &[1, 12, 0]);
}

#[test]
fn output_words() {
    check_output("1 . -2 . 3 u. -1 u.", "1 -2 3 18446744073709551615 ");
    check_output("5 3 .r -5 4 u.r 123 1 .r", "  518446744073709551611123");
    check_output("-5. d. 5. 4 d.r", "-5    5");
    check_output("hex ff . decimal 255 .", "FF 255 ");
    check_output("2 base ! 101 . #10 base ! 5 .", "101 5 ");
    check_output("65 emit space cr 2 spaces 233 emit", "A \n  é");
    check_output("s\" abc\" type .\" def\" .( ghi)", "abcdefghi");
    check_output(": x .\" in \" .\" side\" ; x", "in side");
    check_output("123 0 <# #s #> type", "123");
    check_output(": d.2 <# # # [char] . hold #s #> type ; 12345. d.2", "123.45");
    check_output("-7 dup abs 0 <# #s rot sign #> type", "-7");
    check_output("0 0 <# s\" xyz\" holds #> type", "xyz");
    check_output("1 2 .s", "<2> 1 2 ");
    check_output("bl emit", " ");
    check_output("0 .", "0 ");
    check_output("-9223372036854775808 .", "-9223372036854775808 ");
}

#[test]
fn return_stack_words() {
    check(">r 1 r>", &[5], &[1, 5]);
    check(">r r@ r> +", &[5], &[10]);
    check("2>r 9 2r>", &[1, 2], &[9, 1, 2]);
    check("2>r 2r@ 2r> + + +", &[1, 2], &[6]);
    check("2>r r> r>", &[1, 2], &[2, 1]);
    check("3 0 do i loop", &[], &[0, 1, 2]);
    check("2 0 do 2 0 do j i loop loop", &[], &[0, 0, 0, 1, 1, 0, 1, 1]);
    check("10 0 do i 3 = if i unloop exit then loop 99", &[], &[3]);
    check("dup if >r 1 r> else drop 2 then", &[0], &[2]);
}

#[test]
fn control_flow() {
    check("if 1 then", &[0], &[]);
    check("if 1 then", &[5], &[1]);
    check("if 1 else 2 then", &[0], &[2]);
    check("begin dup while 1- repeat", &[5], &[0]);
    check("begin 1- dup 0= until", &[5], &[0]);
    check("begin dup 3 = if exit then 1+ again", &[0], &[3]);
    check("0 ?do i loop", &[0], &[]);
    check("0 ?do i loop", &[2], &[0, 1]);
    check("10 0 do i 3 +loop", &[], &[0, 3, 6, 9]);
    check("0 10 do i -5 +loop", &[], &[10, 5, 0]);
    check("0 0 do i -1 +loop", &[], &[0]);
    check("10 0 do i dup 2 = if leave then loop", &[], &[0, 1, 2]);
    check("10 0 do i dup 2 = if drop leave then dup 5 > if leave then loop", &[], &[0, 1]);
    check("case 1 of 10 endof 2 of 20 endof 30 swap endcase", &[1], &[10]);
    check("case 1 of 10 endof 2 of 20 endof 30 swap endcase", &[2], &[20]);
    check("case 1 of 10 endof 2 of 20 endof 30 swap endcase", &[3], &[30]);
    check("case endcase", &[3], &[]);
    check("dup 1 > if dup 1- recurse * else drop 1 then", &[10], &[3_628_800]);
    check("dup 2 < if exit then dup 1- recurse swap 2 - recurse +", &[20], &[6765]);
    check("begin dup while tuck mod repeat drop", &[48, 36], &[12]);
    check("?dup if 1 else 2 then", &[0], &[2]);
    check("?dup if 1 else 2 then", &[7], &[7, 1]);
    check("?dup 0= if 1 else 2 then", &[0], &[1]);
    check("?dup 0= if 1 else 2 then", &[7], &[7, 2]);
    check("ahead 1 then 2", &[], &[2]);
    check("dup if ?dup then", &[4], &[4, 4]);
    check("if 1 else 1 2 then depth", &[0], &[1, 2, 2]);
    check("0 3 0 do 3 0 do 1+ j 1 = if leave then loop loop", &[], &[7]);
}

#[test]
fn numbers_and_comments() {
    check("$ff %101 #12 'A' -5", &[], &[255, 5, 12, 65, -5]);
    check("1 ( a comment ) 2 \\ the rest\n3", &[], &[1, 2, 3]);
    check("18446744073709551615", &[], &[-1]);
    check("9223372036854775807 -9223372036854775808", &[], &[MAX, MIN]);
    check("2147483648 -2147483648 2147483647", &[], &[2_147_483_648, -2_147_483_648, 2_147_483_647]);
    check("\\", &[], &[]);
    check("1 \\\n2", &[], &[1, 2]);
}

#[test]
fn locals() {
    check("{: a b :} b a -", &[1, 5], &[4]);
    check("{: a b | c -- d :} a b + to c c c", &[1, 5], &[6, 6]);
    check("{: n :} 0 n 0 ?do i n * + loop", &[4], &[24]);
    check("{: a :} a if a 1- recurse 1+ else 0 then", &[7], &[7]);
    check("{: a :} a 0= if 5 exit then a", &[0], &[5]);
    check("{: A :} a >r A r> +", &[4], &[8]);
    check("{: :} 1", &[], &[1]);
}

#[test]
fn exceptions_can_be_caught() {
    check_program(": t 5 throw ; : main 1 2 ['] t catch ;", &[], &[1, 2, 5]);
    check_program(": t drop drop 7 throw ; : main ['] t catch nip nip ;", &[1, 2], &[7]);
    check_program(": t 1 0 / ; : main ['] t catch ;", &[], &[-10]);
    check_program(": t 3 ; : main ['] t catch ;", &[], &[3, 0]);
    check_program(": t 0 throw 3 ; : main ['] t catch ;", &[], &[3, 0]);
    check_program(": a 1 throw ; : b ['] a catch 10 + throw ; : main ['] b catch ;", &[], &[11]);
    check_program(": t >r 5 throw r> ; : main 3 >r 1 ['] t catch nip r> ;", &[], &[5, 3]);
    check_program(": t drop drop ; : main ['] t catch ;", &[], &[-4]);
    check_program(": t recurse 1 ; : main ['] t catch ;", &[], &[-5]);
    check_program(": t abort ; : main ['] t catch ;", &[], &[-1]);
    check_program(": t dup abort\" message\" ; : main 0 ['] t catch 1 ['] t catch nip ;", &[], &[0, 0, -2]);
    check_program(": main s\" 1 foo\" ['] evaluate catch nip nip ;", &[], &[-13]);
}

#[test]
fn two_ways_out_of_one_loop() {
    let body = "0 begin dup 10 < while dup 5 <> while 1+ repeat 100 else 200 then";
    check(body, &[], &[5, 100]);
}
