//! Runs every example of src/forth/STANDARD.md: what it says is what the engine does.

use wordmill::forth::{Engine, Image, Limits};

const TEXT: &str = include_str!("../src/forth/STANDARD.md");

/// What becomes of a program, as the document says it.
fn outcome(code: &str) -> (String, Option<i64>) {
    let mut engine = Engine::new(Image::shared(), Limits::default());
    let code_of = engine.load(code).err().and_then(|error| error.kind.code());
    (String::from_utf8_lossy(engine.output()).trim_end().to_owned(), code_of)
}

#[test]
fn every_example_is_true() {
    let (mut n_examples, mut wrong) = (0, Vec::new());
    for (line, text) in (1..).zip(TEXT.lines()) {
        let parts: Vec<&str> = text.split('`').collect();
        for at in (1..parts.len()).step_by(2) {
            let Some((verb, expect)) = parts.get(at + 1).copied().zip(parts.get(at + 2).copied()) else {
                continue;
            };
            let (printed, thrown) = match verb {
                " prints " => (Some(expect), None),
                " throws " => (None, Some(expect.parse::<i64>().expect("an exception code"))),
                _ => continue,
            };
            n_examples += 1;
            let got = outcome(parts[at]);
            let is_right = match printed {
                Some(printed) => got == (printed.to_owned(), None),
                None => got.1 == thrown,
            };
            if !is_right {
                wrong.push(format!("line {line}: `{}` {verb}`{expect}`, not {got:?}", parts[at]));
            }
        }
    }
    assert!(n_examples > 100, "only {n_examples} examples were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a program may lean on is said: every environment query of the standard has an answer, and the word sets that are
/// named as provided or not are those that the engine says it has.
#[test]
fn word_sets_are_as_the_document_says() {
    let has = |set: &str| outcome(&format!(": q s\" {set}\" environment? if . else 99 . then ; q")).0;
    for set in [
        "CORE",
        "CORE-EXT",
        "DOUBLE",
        "DOUBLE-EXT",
        "EXCEPTION",
        "EXCEPTION-EXT",
        "FILE",
        "FILE-EXT",
        "LOCALS",
        "MEMORY-ALLOC",
        "SEARCH-ORDER",
        "SEARCH-ORDER-EXT",
        "STRING",
        "STRING-EXT",
        "TOOLS",
        "XCHAR",
    ] {
        assert_eq!(has(set), "-1", "{set}");
    }
    for set in ["FLOATING", "BLOCK", "FACILITY"] {
        assert_eq!(has(set), "0", "{set}");
    }
}

/// The bounds that no example can show in a line.
#[test]
fn bounds_are_as_the_document_says() {
    let name = |n: usize| "n".repeat(n);
    let check = |code: &str, expect: Option<i64>| {
        assert_eq!(outcome(code).1, expect, "{}", &code[..code.len().min(60)])
    };
    check(&format!(": {} ;", name(255)), None);
    check(&format!(": {} ;", name(256)), Some(-19));
    check(&format!("s\" {}\" drop drop", name(1024)), None);
    check(&format!("s\" {}\" drop drop", name(1025)), Some(-18));
    check(&format!(": f {} {} ;", "if ".repeat(256), "then ".repeat(256)), None);
    check(&format!(": f {} {} ;", "if ".repeat(257), "then ".repeat(257)), Some(-52));
    check("wordlist dup 2dup 2dup 2dup 2dup 2dup 2dup 2dup 16 set-order", None);
    check("wordlist dup dup 2dup 2dup 2dup 2dup 2dup 2dup 2dup 17 set-order", Some(-49));
    check(": f 4000 0 do wordlist drop loop ; f", None);
    check(": f 5000 0 do wordlist drop loop ; f", Some(-8));
    let locals = |n: usize| (0..n).map(|i| format!("l{i} ")).collect::<String>();
    check(&format!(": f {{: | {}:}} ;", locals(255)), None);
    check(&format!(": f {{: | {}:}} ;", locals(256)), Some(-8));
}
