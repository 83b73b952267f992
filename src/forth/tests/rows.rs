//! One line for each word of the later sets, and the proof that no row of the table goes without a case.

use super::*;
use crate::forth::words::WORDS;

/// Text, what it leaves on the stack, and what it prints.
const CASES: &[(&str, &[Cell], &str)] = &[
    (": f state @ ; immediate : g f literal ; f g", &[0, -1], ""),
    ("defer d : x 4 ; ' x ' d defer! d ' d defer@ execute", &[4, 4], ""),
    (": a [ ' dup compile, ] ; 3 a", &[3, 3], ""),
    (": x [ 1. ] 2literal ; x", &[1, 0], ""),
    (">in @", &[5], ""),
    ("source-id s\" source-id\" evaluate", &[0, -1], ""),
    ("source nip", &[10], ""),
    ("char ) parse ab cd) nip", &[5], ""),
    ("parse-name hello type", &[], "hello"),
    ("bl word hello count type", &[], "hello"),
    ("s\" refill\" evaluate", &[0], ""),
    ("variable n : go n @ 1 n +! 0= if restore-input else 7 then ; save-input go n @", &[0, 7, 2], ""),
    ("s\" nothing\" environment? s\" floored\" environment?", &[0, -1, -1], ""),
    ("s\\\" a\\nb\" nip", &[3], ""),
    (": x s\\\" \\x41\\q\" type ; x", &[], "A\""),
    (": x [ s\" abc\" ] sliteral nip ; x", &[3], ""),
    (": x c\" abc\" count type ; x", &[], "abc"),
    (": f [compile] if ; immediate : g f 1 else 2 then ; 0 g", &[2], ""),
    ("defer d : x 4 ; ' x is d action-of d ' x =", &[-1], ""),
    ("bl word dup find nip bl word if find nip bl word nosuch find nip", &[-1, 1, 0], ""),
    ("marker m : gone ; m [defined] gone", &[0], ""),
    ("1 2 2value d d 3 4 to d d", &[1, 2, 3, 4], ""),
    ("synonym plus + 1 2 plus", &[3], ""),
    (": x [: 1+ ;] execute ; 4 x", &[5], ""),
    (": loc s\" a\" (local) 0 0 (local) ; immediate : x loc a a + ; 3 x", &[6], ""),
    (": x locals| b a | a b - ; 5 3 x", &[2], ""),
    (": un 0 cs-pick postpone until ; immediate : x begin 1+ dup 3 > un dup 10 > until ; 0 x", &[11], ""),
    (": wh postpone if 1 cs-roll ; immediate : x begin dup 3 < wh 1+ repeat ; 0 x", &[3], ""),
    ("0 [if] 1 [else] 2 [then] 1 [if] 3 [else] 4 [then]", &[2, 3], ""),
    ("[defined] dup [undefined] dup", &[-1, 0], ""),
    (": x 1 2 3 2 n>r nr> ; x", &[1, 2, 3, 2], ""),
    (
        "begin-structure s field: s.a cfield: s.b 4 +field s.c end-structure s 0 s.a 0 s.b 0 s.c",
        &[13, 0, 8, 9],
        "",
    ),
    ("16 allocate drop 5 over ! 32 resize drop dup @ swap free", &[5, 0], ""),
    ("pad 3 blank pad c@ pad 2 + c@", &[32, 32], ""),
    ("s\" x\" s\" name\" replaces s\" a%name%b\" pad 20 substitute nip nip pad 3 type", &[1], "axb"),
    ("s\" 5%\" pad unescape nip pad 3 type", &[3], "5%%"),
    (
        "wordlist constant w get-current w set-current : hid 7 ; set-current [defined] hid \
         s\" hid\" w search-wordlist swap execute",
        &[0, -1, 7],
        "",
    ),
    ("forth-wordlist get-current =", &[-1], ""),
    ("only forth also definitions get-order -rot =", &[2, -1], ""),
    ("also previous get-order nip", &[1], ""),
    ("forth-wordlist 1 set-order order", &[], "searched: forth  new words: forth\n"),
    ("5 pad ! pad ?", &[], "5 "),
    (": sq dup * ; see sq", &[], ": sq dup * ;\n"),
    ("wordlist dup set-current : aa ; : bb ; forth-wordlist swap 2 set-order words", &[], "bb aa\n"),
    (
        ": show name>string type true ; wordlist dup set-current : aa ; forth-wordlist set-current \
         ' show swap traverse-wordlist",
        &[],
        "aa",
    ),
    (
        "variable got : t name>interpret got ! true ; wordlist dup set-current : seven 7 ; \
         forth-wordlist set-current ' t swap traverse-wordlist got @ execute",
        &[7],
        "",
    ),
    (
        "2variable got : t name>compile got 2! true ; wordlist dup set-current : seven 7 ; \
         forth-wordlist set-current ' t swap traverse-wordlist : x [ got 2@ execute ] ; x",
        &[7],
        "",
    ),
    (
        "s\" f\" w/o create-file drop constant h s\" one\" h write-line drop s\" two\" h write-file \
         h flush-file h file-position h file-size h close-file",
        &[0, 0, 7, 0, 0, 7, 0, 0, 0],
        "",
    ),
    (
        "s\" text\" r/o bin open-file swap constant g pad 20 g read-line pad 20 g read-file \
         1. g reposition-file pad 20 g read-file g close-file",
        &[0, 3, -1, 0, 3, 0, 0, 6, 0, 0],
        "",
    ),
    (
        "s\" f\" r/w create-file drop dup 10. rot resize-file swap close-file \
         s\" f\" s\" g\" rename-file s\" g\" file-status nip s\" g\" delete-file s\" g\" file-status nip 0=",
        &[0, 0, 0, 0, 0, 0],
        "",
    ),
    ("s\" once\" included include once require once s\" once\" required", &[42, 42], ""),
    ("s\" once\" r/o open-file drop include-file", &[42], ""),
    ("8364 xemit", &[], "€"),
    ("8364 xc-size s\" €a\" x-size", &[3, 3], ""),
    ("8364 pad xc!+ pad - pad xc@+ nip", &[3, 8364], ""),
    ("8364 pad 2 xc!+? nip nip 8364 pad 3 xc!+? nip nip", &[0, -1], ""),
    ("here 8364 xc, here swap -", &[3], ""),
    ("s\" €a\" drop dup xchar+ swap - s\" €a\" drop 3 + dup xchar- -", &[3, 3], ""),
    ("s\" €a\" +x/string nip s\" a€\" x\\string- nip", &[1, 1], ""),
    ("s\" a€\" 1- -trailing-garbage nip", &[1], ""),
    ("0 0 <# 8364 xhold #> type", &[], "€"),
    ("s\" €a\" x-width 8364 xc-width", &[2, 1], ""),
];

/// What the host supplies as input is read by these.
const TYPED: &[(&str, &[Cell], &str)] =
    &[("pad 20 accept pad swap type", &[], "a line"), ("key key", &[97, 32], ""), ("xkey", &[97], "")];

/// Texts that end before their end.
const ENDING: &[(&str, TrapKind)] = &[("1 quit 2", TrapKind::Quit), ("1 bye 2", TrapKind::Bye)];

fn check_row(engine: &mut Engine, (text, stack, output): (&str, &[Cell], &str)) {
    engine.load(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(engine.stack(), stack, "{text}");
    assert_eq!(String::from_utf8_lossy(engine.output()), output, "{text}");
}

#[test]
fn later_words_do_what_they_say() {
    for case in CASES {
        let mut engine = engine();
        engine.files_mut().insert("once", "41 1+").unwrap();
        engine.files_mut().insert("text", "one\ntwo").unwrap();
        check_row(&mut engine, *case);
    }
}

#[test]
fn input_comes_from_the_host() {
    for case in TYPED {
        let mut engine = engine();
        let mut lines = vec![b"a line\n".to_vec(), b"more\n".to_vec()].into_iter();
        engine.set_input(Some(Box::new(move || lines.next())));
        check_row(&mut engine, *case);
    }
}

#[test]
fn memory_is_shown_in_lines() {
    let mut engine = engine();
    engine.load("pad 4 65 fill pad 4 dump").unwrap();
    let output = String::from_utf8_lossy(engine.output()).into_owned();
    assert!(output.contains("41 41 41 41") && output.contains("AAAA"), "{output}");
}

#[test]
fn quit_and_bye_are_told_to_the_host() {
    for (text, kind) in ENDING {
        let error = engine().load(text).unwrap_err();
        assert_eq!(error.kind, CompileErrorKind::Trapped(*kind), "{text}");
    }
}

/// What stands in the string literals of Rust source.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        match c {
            // A quote or backslash as a character begins nothing.
            '\'' => {
                if chars.clone().next() == Some('\\') {
                    chars.next();
                    chars.next();
                } else if chars.clone().next() == Some('"') {
                    chars.next();
                }
            }
            '"' => {
                let mut literal = String::new();
                while let Some(c) = chars.next().filter(|c| *c != '"') {
                    literal.extend(if c == '\\' { chars.next() } else { Some(c) });
                }
                found.push(literal);
            }
            _ => {}
        }
    }
    found
}

#[test]
fn every_row_has_a_case() {
    let sources = [
        include_str!("words.rs"),
        include_str!("programs.rs"),
        include_str!("hostile.rs"),
        include_str!("rows.rs"),
    ];
    let texts: Vec<String> =
        sources.iter().flat_map(|source| literals(source)).map(|text| text.to_lowercase()).collect();
    let is_named = |name: &&str| {
        texts.iter().flat_map(|text| text.split_whitespace()).any(|token| {
            // The last word of a string goes up to its quote.
            token == *name || token.strip_suffix('"') == Some(*name)
        })
    };
    let missing: Vec<&str> =
        WORDS.iter().map(|row| row.name).filter(|name| !name.starts_with(' ') && !is_named(name)).collect();
    assert!(missing.is_empty(), "no case names {missing:?}");
}
