//! What comes out of which text: one line a case.

use super::{Import, import};
use crate::spec::parse_spec_line;

fn of(text: &str) -> Import {
    let import = import(text.as_bytes(), "t.fs");
    for spec in &import.specs {
        let entry = parse_spec_line(spec.line.as_bytes(), "line", 1);
        let read = entry.spec.unwrap_or_else(|| panic!("{}\n{:?}", spec.line, entry.diagnostics));
        assert_eq!((&read.word, read.tests.len()), (&spec.word, spec.n_tests), "{}", spec.line);
        assert_eq!(read.code.is_some(), spec.has_code);
    }
    import
}

/// `expect` has one line a specification, `word ( types -- types ) input -> output, …`, then one a finding, `line:column
/// code message`.
#[track_caller]
fn check(text: &str, expect: &str) {
    let import = of(text);
    let mut lines = Vec::new();
    for spec in &import.specs {
        let json: serde_json::Value = serde_json::from_str(&spec.line).expect("JSON");
        let side = |side: &str| {
            let items = json["stack_effect"][side].as_array().expect("a list").clone();
            let shown = |item: &serde_json::Value| {
                format!(
                    "{}:{} ",
                    item["name"].as_str().expect("a name"),
                    item["type"].as_str().expect("a type")
                )
            };
            items.iter().map(shown).collect::<String>()
        };
        let cases = json["test_cases"].as_array().expect("tests");
        let case = |case: &serde_json::Value| match case.get("throws") {
            Some(code) => format!("{} throws {code}", case["input"]),
            None => format!("{} -> {}", case["input"], case["output"]),
        };
        let cases: Vec<_> = cases.iter().map(case).collect();
        lines.push(format!("{} ( {}-- {}) {}", spec.word, side("inputs"), side("outputs"), cases.join(", ")));
    }
    for found in &import.diagnostics {
        lines.push(format!("{}:{} {} {}", found.place.line, found.place.column, found.code, found.message));
    }
    assert_eq!(lines.join("\n"), expect, "{text}");
}

/// The code of the first word.
#[track_caller]
fn check_code(text: &str, expect: &str) {
    let import = of(text);
    assert_eq!(import.diagnostics, [], "{text}");
    let json: serde_json::Value = serde_json::from_str(&import.specs[0].line).expect("JSON");
    assert_eq!(json["implementation"]["code"], expect, "{text}");
}

/// Old files have letters of old encodings in their comments.
#[test]
fn bytes_that_are_no_text_may_stand_in_comments() {
    let lines = |text: &[u8]| {
        let import = import(text, "t.fs");
        let found = import.diagnostics.iter().map(|found| {
            format!("{}:{} {} {}", found.place.line, found.place.column, found.code, found.message)
        });
        (import.specs.len(), import.n_imported(), found.collect::<Vec<_>>().join("\n"))
    };
    let note = |place: &str, byte: &str| {
        format!("{place} WM006 the byte {byte} is not UTF-8 here; such bytes may only stand in comments")
    };
    assert_eq!(
        lines(b"\\ caf\xE9\n: sq ( \xE9 ) dup * ; \\ na\xEFf\nT{ 3 sq -> 9 }T"),
        (1, 1, note("1:6", "E9"))
    );
    assert_eq!(
        lines(b": a [char] \xE9 ;\n: b a s\" x\" 2drop ;\n: c 2* ;\nT{ b -> 233 }T\nT{ 2 c -> 4 }T"),
        (
            1,
            1,
            format!("{}\n1:12 WM036 the code of `b` has a byte here that is not UTF-8", note("1:12", "E9"))
        )
    );
    assert_eq!(
        lines(b": c 2* ;\nT{ 2 c -> 4 }T\nT{ char \xE9 c -> 466 }T"),
        (1, 1, format!("3:1 WM036 the test has a byte that is not UTF-8\n{}", note("3:9", "E9")))
    );
    let (n_specs, _, found) = lines(b"\xFF\xFE:\0 \0x\0");
    assert_eq!((n_specs, found.contains("nothing of the file is read")), (0, true));
}

#[test]
fn words_that_nothing_defines_are_warned_of() {
    let unknown = |place: &str, word: &str| {
        format!(
            "{place} WM035 `{word}` is not defined before this and no word of the standard: the code will not compile"
        )
    };
    let text = ": half 2/ ;\n: a ( n -- n ) half helper late ;\n: late ;\n: b {: x y -- z :} [char] zz x $FF + 'q' y helper a ;\nT{ 1 a -> 1 }T\nT{ 1 2 b -> 3 }T\nT{ 1 half -> 0 }T";
    let import = import(text.as_bytes(), "t.fs");
    let found: Vec<_> = import
        .diagnostics
        .iter()
        .map(|found| format!("{}:{} {} {}", found.place.line, found.place.column, found.code, found.message))
        .collect();
    assert_eq!(found, [unknown("2:21", "helper"), unknown("2:28", "late"), unknown("4:44", "helper")]);
    assert_eq!(import.specs.len(), 3);
}

#[test]
fn tests_of_a_word_become_one_specification() {
    check("T{ 5 square -> 25 }T t{ -3 SQUARE -> 9 }t", "square ( a:int -- r:int ) [5] -> [25], [-3] -> [9]");
    check(
        "{ 5 square -> 25 }\n{ 7 2 quot -> 1 3 }",
        "square ( a:int -- r:int ) [5] -> [25]\nquot ( a:int b:int -- r:int s:int ) [7,2] -> [1,3]",
    );
    check("T{ nothing -> }T", "nothing ( -- ) [] -> []");
    check(
        "T{ $ff w -> %101 }T T{ 'a' w -> #-9 }T T{ char b w -> [char] c }T",
        "w ( a:int -- r:int ) [255] -> [5], [97] -> [-9], [98] -> [99]",
    );
    check("T{ 5. w -> -5. }T", "w ( a:int b:int -- r:int s:int ) [5,0] -> [-5,-1]");
    check("T{ 1 w -> TRUE }T T{ 0 w -> false }T", "w ( a:int -- r:bool ) [1] -> [true], [0] -> [false]");
    check("T{ 1 w -> TRUE }T T{ 0 w -> 5 }T", "w ( a:int -- r:int ) [1] -> [-1], [0] -> [5]");
    check(
        "T{ S\" ab c\" w -> 3 }T T{ S\\\" a\\n\\x41\" w -> 2 }T",
        "w ( a:addr b:uint -- r:int ) [\"ab c\"] -> [3], [\"a\\nA\"] -> [2]",
    );
    check("T{ w -> S\" ab\" }T", "w ( -- r:addr s:uint ) [] -> [\"ab\"]");
    check("T{ \\ a comment }T\n 5 ( -> }T ) w -> 1 }T", "w ( a:int -- r:int ) [5] -> [1]");
    check("HEX T{ ff w -> 10 }T DECIMAL T{ 10 w -> 1 }T", "w ( a:int -- r:int ) [255] -> [16], [10] -> [1]");
    check("2 BASE !\nT{ 101 w -> 11 }T", "w ( a:int -- r:int ) [5] -> [3]");
    check("T{ 1 2 + -> 3 }T", "+ ( a:int b:int -- r:int ) [1,2] -> [3]");
    check("", "");
}

#[test]
fn constants_and_arithmetic_are_values() {
    check(
        "0 INVERT CONSTANT max-u\nmax-u 1 RSHIFT CONSTANT max-n\nT{ max-n w -> max-n NEGATE 1- 7 2 / + }T",
        "w ( a:int -- r:int ) [9223372036854775807] -> [-9223372036854775805]",
    );
    check("T{ 3 constant three -> }T T{ three w -> three CELLS }T", "w ( a:int -- r:int ) [3] -> [24]");
    check("5 0 2constant five. T{ five. w -> 1 }T", "w ( a:int b:int -- r:int ) [5,0] -> [1]");
    check("T{ 3 constant three -> }T T{ three -> 3 }T", "three ( -- r:int ) [] -> [3]");
    check("variable v\nT{ v w -> 1 }T", "2:4 WM036 `v` is neither a value nor arithmetic on values");
    check("T{ 1 0 / w -> 1 }T", "1:8 WM036 1 0 / divides by zero");
}

#[test]
fn exceptions_are_tests() {
    check(
        "T{ 7 2 div -> 3 }T\nT{ 1 0 ' div CATCH NIP NIP -> -10 }T",
        "div ( a:int b:int -- r:int ) [7,2] -> [3], [1,0] throws -10",
    );
    check("T{ ['] w catch -> 1 1+ }T", "w ( -- ) [] throws 2");
    check(
        "T{ ' w CATCH -> 0 }T",
        "1:1 WM036 a test by CATCH becomes one of an exception only where its code is all that is left",
    );
}

#[test]
fn comments_give_the_effect() {
    check(": w ( n1 u -- flag ) u< ;\nT{ 1 2 w -> -1 }T", "w ( n1:int u:uint -- flag:bool ) [1,2] -> [true]");
    check(": w \\ ( c -- n )\n 1+ ;\nT{ 65 w -> 66 }T", "w ( c:char -- n:int ) [65] -> [66]");
    check("\\ ( n -- n*n )\n: w dup * ;\nT{ 2 w -> 4 }T", "w ( n:int -- n*n:int ) [2] -> [4]");
    check(
        "\\ w ( u -- u )\nT{ 18446744073709551615 w -> 0 }T",
        "w ( u:uint -- u:uint ) [18446744073709551615] -> [0]",
    );
    check("( x -- y )\nT{ 2 w -> 4 }T", "w ( x:int -- y:int ) [2] -> [4]");
    check(": w {: n | t -- m :} n ;\nT{ 2 w -> 2 }T", "w ( n:int -- m:int ) [2] -> [2]");
    check(
        ": w ( d -- d ) dnegate ;\nT{ 2. w -> -2. }T",
        "w ( d-lo:int d-hi:int -- d-lo:int d-hi:int ) [2,0] -> [-2,-1]",
    );
    check(
        ": w ( n -- n ) ;\nT{ 1 2 w -> 1 2 }T T{ 1 w -> 1 }T",
        "w ( n:int -- n:int ) [1] -> [1]\n2:8 WM036 the test of `w` has 2 cells before and 2 after, the stack comment says 1 and 1",
    );
    check(
        "T{ 1 w -> 1 }T T{ 2 w -> 2 }T T{ w -> }T",
        "w ( a:int -- r:int ) [1] -> [1], [2] -> [2]\n1:34 WM036 the test of `w` has 0 cells before and 0 after, the other tests say 1 and 1",
    );
}

#[test]
fn definitions_come_with_what_they_need() {
    check_code(": square dup * ;\nT{ 5 square -> 25 }T", ": square dup * ;");
    check_code(
        ": unused 1 ;\n: twice ( n -- n ) 2* ; immediate\nvariable count  \\ of calls\n5 count !\n: w twice count @ + ;\n\
         9 unused .\nT{ 5 w -> 15 }T\n7 count !\n",
        ": twice ( n -- n ) 2* ; immediate\nvariable count\n5 count !\n: w twice count @ + ;",
    );
    check_code(
        "create primes 2 , 3 ,\n  5 , 7 ,\n: w cells primes + @ ;\nT{ 1 w -> 3 }T",
        "create primes 2 , 3 ,\n  5 , 7 ,\n: w cells primes + @ ;",
    );
    check_code(
        ": table create 0 ?do i , loop does> swap cells + @ ;\n10 table w\nT{ 3 w -> 3 }T",
        ": table create 0 ?do i , loop does> swap cells + @ ;\n10 table w",
    );
    check_code("hex : w ff + ; decimal\nT{ 1 w -> 256 }T", "hex\n: w ff + ;\ndecimal");
    check_code(
        "T{ : helper 2 ; -> }T T{ : w helper + ; -> }T T{ 1 w -> 3 }T",
        ": helper 2 ;\n: w helper + ;",
    );
    check_code(
        ": w s\" ; : no\" nip [char] ; + ( ; ) ;\nT{ 1 w -> 66 }T",
        ": w s\" ; : no\" nip [char] ; + ( ; ) ;",
    );
    check_code(
        "begin-structure point\n  field: p.x\n  field: p.y\nend-structure\n: w p.y ;\nT{ 0 w -> 8 }T",
        "begin-structure point\n  field: p.x\n  field: p.y\nend-structure\n: w p.y ;",
    );
    check_code(
        "defer h : w h 1+ ;\n: h1 2* ; ' h1 is h\nT{ 3 w -> 7 }T",
        "defer h\n: w h 1+ ;\n: h1 2* ;\n' h1 is h",
    );
    check_code(
        ":noname 5 ; constant xt\n: w xt execute ;\nT{ w -> 5 }T",
        ":noname 5 ; constant xt\n: w xt execute ;",
    );
}

#[test]
fn a_word_defined_anew_is_another() {
    let import = of(": w 1 ;\nT{ w -> 1 }T\n: w 2 ;\nT{ w -> 2 }T");
    assert_eq!(import.specs.len(), 2);
    assert!(import.specs[1].line.contains(": w 2 ;"), "{}", import.specs[1].line);
}

#[test]
fn what_cannot_be_imported_costs_itself() {
    let good = "w ( a:int -- r:int ) [1] -> [2]";
    let with =
        |bad: &str, finding: &str| check(&format!("{bad}\nT{{ 1 w -> 2 }}T"), &format!("{good}\n{finding}"));
    with("T{ 5 square DUP -> 25 25 }T", "1:6 WM036 `square` is neither a value nor arithmetic on values");
    with("T{ 5 -> 5 }T", "1:4 WM036 a word must stand before ->, not a value");
    with("T{ -> 5 }T", "1:1 WM036 there is no word before ->");
    with("T{ 5 square }T", "1:1 WM036 the test has no ->");
    with("T{ 5 square -> 25", "1:1 WM036 the test is not closed by }T");
    with("T{ 99999999999999999999 x -> 1 }T", "1:4 WM036 99999999999999999999 does not fit a cell");
    with(": broken dup *", "1:1 WM035 the definition is not closed by ;");
    with(
        "[UNDEFINED] foo [IF] : foo 1 ; T{ 1 x -> 1 }T [THEN]",
        "1:17 WM035 what stands between [IF] and [THEN] is not read",
    );
    with(
        "include other.fs",
        "1:1 WM035 the other file is not read: words that it defines are not known here",
    );
    check("s\" ttester.fs\" included\nT{ 1 w -> 2 }T", good);
    check(
        "T{ 1 w -> 2 }T ( open",
        &format!("{good}\n1:16 WM035 the comment is not closed; nothing behind it is read"),
    );
    check(
        "T{ 1 w -> 2 }T s\" open",
        &format!("{good}\n1:16 WM035 the string is not closed; nothing behind it is read"),
    );
    check(
        "T{ 1 w -> 2 }T T{ 1 w -> 3 }T",
        "w ( a:int -- r:int ) [1] -> [2], [1] -> [3]\n1:6 WM027 test 2 has the input of test 1 and another answer",
    );
    assert_eq!(import(b"T{ 1 w -> 2 }T\n\xff", "x").diagnostics[0].place.line, 2);
}

/// Whatever the text is, reading it ends, and its places are in it.
#[test]
fn mutated_files_are_read_to_the_end() {
    let seed = ": sq ( n -- n ) dup * ;\nT{ 5 sq -> 25 }T\n5 constant five\ncreate t 1 , 2 ,\n{ five \"x -> S\" a\" }\n\\ c\n[if] x [then] hex ff base ! :noname ; is y";
    let pieces = [
        "T{", "}T", "->", ":", ";", "(", ")", "\"", "s\" ", "\\", "[if]", "{", "}", "\n", "base !", "{:", "é",
    ];
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let mut next = move |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % n
    };
    for _ in 0..3_000 {
        let mut text: Vec<char> = seed.chars().collect();
        for _ in 0..=next(6) {
            let at = next(text.len());
            match next(3) {
                0 => drop(text.remove(at)),
                1 => drop(text.splice(at..at, pieces[next(pieces.len())].chars())),
                _ => drop(text.splice(at..at, format!(" {} ", pieces[next(pieces.len())]).chars())),
            }
        }
        let text: String = text.into_iter().collect();
        let n_lines = text.lines().count() as u32;
        for found in of(&text).diagnostics {
            assert!((1..=n_lines.max(1)).contains(&found.place.line), "{text}");
        }
    }
}

#[test]
fn long_files_take_linear_time() {
    let check = |text: &str, expect: (usize, usize, usize)| {
        let start = std::time::Instant::now();
        let import = of(text);
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
        assert_eq!((import.n_imported(), import.n_tests, import.diagnostics.len()), expect);
    };
    let mut text = String::from(": sq dup * ;\n");
    (0..20_000).for_each(|i| text += &format!("T{{ {i} sq -> {} }}T\nT{{ x y -> }}T\n", i * i));
    check(&text, (20_000, 40_000, 20_000));
    let mut text = String::new();
    (0..20_000).for_each(|i| text += &format!(": sq{i} dup * ;\n5 x{i} !\nT{{ {i} sq{i} -> {} }}T\n", i * i));
    check(&text, (20_000, 20_000, 0));
}
