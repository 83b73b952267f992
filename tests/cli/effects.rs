//! `wordmill infer`, `verify`, `compose`.

use super::*;

#[test]
fn effects_are_inferred() {
    fn check(code: &str, expect: &str) {
        let ran = wordmill(folder().path(), &["infer", code]).expect(0);
        assert_eq!(ran.stdout, format!("{expect}\n"), "{code}");
    }
    check("dup * swap +", "( a b -- b*b+a )");
    check("-", "( a b -- a-b )");
    check("-rot", "( a b c -- c a b )");
    check(
        ": square ( n -- n² ) dup * ; : cube dup square * ;",
        "square ( n -- n*n )\ncube ( a -- a*square(a) )",
    );
    check(
        "5 constant five  : const create , does> @ ;  7 const seven  : f {: n :} [: five ;] drop seven n * ;",
        "five ( -- 5 )\nconst ( a -- )\nseven ( -- x )\nf ( a -- seven*a )",
    );
    check("['] / catch if 2drop 0 then", "( a b -- (x ? 0 : a/b) )");
    check(
        "begin-structure p field: p.x field: p.y end-structure",
        "p ( -- x )\np.x ( a -- a+0 )\np.y ( a -- a+8 )",
    );
}

#[test]
fn words_are_looked_up() {
    let look = |arguments: &[&str]| wordmill(folder().path(), &[&["words"], arguments].concat());
    let told = look(&["rot", "mod", "if"]).expect(0).stdout;
    for (line, needle) in
        told.lines().zip(["( a b c -- b c a )", "( a b -- (a mod b) )", "while a definition"])
    {
        assert!(line.contains(needle), "{line}");
    }
    assert!(look(&["--", "-rot"]).expect(0).stdout.contains("( a b c -- c a b )"));
    assert!(look(&["swpa"]).expect(1).stdout.contains("unknown; did you mean swap"));
    let json = look(&["DUP", "--message-format", "json"]).expect(0).json_lines();
    assert_eq!((&json[0]["word"], &json[0]["effect"]), (&"dup".into(), &"( a -- a a )".into()));
    assert!(look(&[]).expect(0).stdout.lines().count() > 250);
}

#[test]
fn what_has_no_effect_ends_with_1_and_says_where() {
    fn check(code: &str, needles: &[&str]) {
        let ran = wordmill(folder().path(), &["infer", code]).expect(1);
        for needle in needles {
            assert!(ran.stdout.contains(needle), "{code}: {needle}: {}", ran.stdout);
        }
    }
    check("dup squre", &["WM040", "unknown word `squre`", "1 | dup squre", "^^^^^"]);
    check("dup if 1+", &["WM048", "then"]);
    check("dup if drop then", &["WM043"]);
    check(
        ": run ( xt -- )\n  dup\n  if dup     execute then ;",
        &["WM049", "not static: EXECUTE at 3:14", "3 |   if dup     execute then ;"],
    );
    check("s\" 1 2 +\" evaluate", &["not static: EVALUATE at 1:11"]);
    let json =
        wordmill(folder().path(), &["infer", "dup squre", "--message-format", "json"]).expect(1).json_lines();
    assert_eq!((&json[0]["code"], &json[0]["column"]), (&"WM040".into(), &5.into()));
}

#[test]
fn claims_are_checked() {
    fn check(code: &str, claim: &str, exit: i32, needle: &str) {
        let ran = wordmill(folder().path(), &["verify", code, claim]).expect(exit);
        assert!(
            (ran.stdout.clone() + &ran.stderr).contains(needle),
            "{code} {claim}: {}{}",
            ran.stdout,
            ran.stderr
        );
    }
    check("dup *", "( n -- n² )", 0, "holds: ( a -- a*a )");
    check("swap", "a b -- b a", 0, "holds");
    check("swap", "( a b -- a b )", 1, "does not hold [WM058]");
    check("dup", "( n -- n n n )", 1, "does not hold [WM057]");
    check("dup foo", "( n -- n )", 1, "WM040");
    check("dup execute", "( xt -- )", 1, "not static: EXECUTE at 1:5");
    check("[: dup * ;] execute", "( n -- n*n )", 0, "holds");
    check("dup", "( n n )", 2, "WM056");
    let json = wordmill(folder().path(), &["verify", "swap", "( a b -- a b )", "--message-format", "json"]);
    let json = json.expect(1).json_lines();
    assert_eq!(
        (&json[0]["verdict"], &json[0]["effect"]),
        (&"outputs differ".into(), &"( a b -- b a )".into())
    );
}

#[test]
fn words_of_the_corpus_are_known() {
    let folder = folder();
    let spec = r#"{"word": "twice", "stack_effect": {"inputs": [{"name": "n", "type": "int"}], "outputs": [{"name": "r", "type": "int"}]}, "test_cases": [{"input": [5], "output": [10]}]}"#;
    write(folder.path(), "specs/a.json", spec);
    let compose = |arguments: &[&str]| wordmill(folder.path(), &[&["compose"], arguments].concat());
    assert_eq!(compose(&["-1", "+", "--", "-rot", "-"]).expect(0).stdout, "( a b c -- c-1 a-b )\n");
    assert_eq!(compose(&["dup", "*", "swap", "+"]).expect(0).stdout, "( a b -- b*b+a )\n");
    assert_eq!(compose(&["['] dup execute +"]).expect(0).stdout, "( a -- a+a )\n");
    assert!(compose(&["dup", "execute"]).expect(1).stdout.contains("not static: EXECUTE at 1:5"));
    assert_eq!(
        compose(&["twice", "twice", "--corpus", "specs"]).expect(0).stdout,
        "( a -- twice(twice(a)) )\n"
    );
    let wrong = compose(&["twce", "--corpus", "specs"]).expect(1).stdout;
    assert!(wrong.contains("did you mean `twice`?"), "{wrong}");
    compose(&["twice"]).expect(1);
    write(folder.path(), "config.toml", "[wordmill]\n[run]\npaths = [\"specs\"]\n");
    assert_eq!(compose(&["twice", "1+"]).expect(0).stdout, "( a -- twice(a)+1 )\n");
    assert_eq!(wordmill(folder.path(), &["infer", "twice"]).expect(0).stdout, "( a -- twice(a) )\n");
    let claim = ["verify", "twice 1+", "( n -- twice(n)+1 )"];
    wordmill(folder.path(), &claim).expect(0);
}
