//! What is said about which text: one line a case.

use crate::model::{CellType, Severity, Spec, Value};
use crate::spec::{Entry, parse_spec_line};

const SQUARE: &str = r#"{"word":"square","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"n²","type":"int","value":"n²"}]},"test_cases":[{"input":[5],"output":[25]}]}"#;

fn parse(text: &str) -> Entry {
    let entry = parse_spec_line(text.as_bytes(), "x.jsonl", 7);
    let has_error = entry.diagnostics.iter().any(|d| d.severity == Severity::Error);
    assert_eq!(entry.spec.is_none(), has_error, "{text}\n{entry:#?}");
    for diagnostic in &entry.diagnostics {
        if diagnostic.code == crate::spec::codes::MORE_FINDINGS {
            continue;
        }
        let (source, mark) = diagnostic.source.as_ref().expect("a source line");
        assert!(*mark as usize <= source.chars().count() + 1, "{diagnostic:?}");
        assert!(source.chars().count() < 150);
        assert!(diagnostic.message.chars().count() < 200, "{}", diagnostic.message);
        assert!(!diagnostic.message.ends_with('.'), "{}", diagnostic.message);
        assert_eq!(diagnostic.place.line, 7);
    }
    entry
}

fn good(text: &str) -> Spec {
    let entry = parse(text);
    assert!(entry.diagnostics.is_empty(), "{text}\n{:#?}", entry.diagnostics);
    entry.spec.expect("a specification")
}

/// `text` is a specification; `codes` are code, mark and severity of each finding: `WM011:"tests":E`.
fn check(text: &str, expect: &str) {
    let found: Vec<String> = parse(text)
        .diagnostics
        .iter()
        .map(|d| {
            let (source, mark) = d.source.as_ref().expect("a source line");
            let marked: String =
                source.chars().skip(*mark as usize - 1).take(d.place.width as usize).collect();
            format!("{} {marked} {}", d.code, &format!("{:?}", d.severity)[..1])
        })
        .collect();
    assert_eq!(found.join(" | "), expect, "{text}");
}

/// Checks a specification of `( a b -- c )` with one part put in. Its value never gives an answer.
fn check_with(part: &str, expect: &str) {
    check(&with(part), expect);
}

fn with(part: &str) -> String {
    format!(
        r#"{{"word":"w","stack_effect":{{"inputs":[{{"name":"a","type":"int"}},{{"name":"b","type":"int"}}],"outputs":[{{"name":"c","type":"int","value":"a/0"}}]}},{part}}}"#
    )
}

/// Checks one test of a specification with the given types.
fn check_test(inputs: &str, outputs: &str, test: &str, expect: &str) {
    check(&with_types(inputs, outputs, test), expect);
}

fn with_types(inputs: &str, outputs: &str, test: &str) -> String {
    let list = |types: &str, prefix: &str| {
        let items: Vec<String> = types
            .split_whitespace()
            .enumerate()
            .map(|(i, ty)| format!(r#"{{"name":"{prefix}{i}","type":"{ty}"}}"#))
            .collect();
        items.join(",")
    };
    format!(
        r#"{{"word":"w","stack_effect":{{"inputs":[{}],"outputs":[{}]}},"test_cases":[{test}]}}"#,
        list(inputs, "i"),
        list(outputs, "o")
    )
}

#[test]
fn a_whole_specification_is_read() {
    let spec = good(
        r#"{"word": "gcd", "description": "größter \"gemeinsamer\" Teiler",
        "stack_effect": {"inputs": [{"name": "a", "type": "uint", "constraint": "a > 0"}, {"name": "b", "type": "uint"}],
                         "outputs": [{"name": "g", "type": "uint", "value": "gcd(a,b)"}]},
        "properties": ["gcd(a, a) = a"],
        "test_cases": [{"description": "d", "input": [18446744073709551615, 3], "output": [3], "tags": ["edge_case"]},
                       {"throws": -10, "input": [0, 0]}],
        "heldout_cases": [{"output": [6], "input": [12, 18]}],
        "complexity": {"time": "O(log n)", "space": null, "note": 3},
        "implementation": {"pattern": "TAIL_RECURSIVE_008", "hints": ["h1", "h2"], "code": "begin ?dup while tuck mod repeat"},
        "uses": ["mod2"],
        "metadata": {"author": "A", "version": 1.5, "created": "2025", "tags": ["t"], "x": [1, {"y": 2.5}]}}"#
            .replace('\n', " ")
            .as_str(),
    );
    assert_eq!(spec.word, "gcd");
    assert_eq!(spec.description.as_deref(), Some("größter \"gemeinsamer\" Teiler"));
    assert_eq!(spec.inputs[0].constraint.as_deref(), Some("a > 0"));
    assert_eq!((spec.inputs[1].name.as_str(), spec.inputs[1].ty), ("b", CellType::Uint));
    assert_eq!(
        good(&with_types("int", "", r#"{"input":[1],"output":[]}"#).replace(r#""name":"i0","#, "")).inputs[0]
            .name,
        "in1"
    );
    assert_eq!(spec.outputs[0].value.as_deref(), Some("gcd(a,b)"));
    assert_eq!(spec.properties, ["gcd(a, a) = a"]);
    assert_eq!(spec.tests[0].input[..], [Value::Cell(-1), Value::Cell(3)]);
    assert_eq!(spec.tests[0].tags, ["edge_case"]);
    assert_eq!((spec.tests[1].throws, spec.tests[1].output.len()), (Some(-10), 0));
    assert_eq!(spec.heldout[0].output[..], [Value::Cell(6)]);
    assert_eq!(spec.complexity.time.as_deref(), Some("O(log n)"));
    assert_eq!(spec.pattern.as_deref(), Some("TAIL_RECURSIVE_008"));
    assert_eq!(spec.hints, ["h1", "h2"]);
    assert_eq!(spec.code.as_deref(), Some("begin ?dup while tuck mod repeat"));
    assert_eq!(spec.uses, ["mod2"]);
    assert_eq!(spec.metadata.version.as_deref(), Some("1.5"));
    assert_eq!(spec.metadata.tags, ["t"]);
}

#[test]
fn good_specifications_need_no_word() {
    good(SQUARE);
    good(&format!("  {SQUARE}\r"));
    good(&with(r#""description":null,"metadata":null,"test_cases":null,"uses":null,"$schema":"s""#));
    good(&with_types("addr uint", "uint", r#"{"input":["abc"],"output":[3]}"#));
    good(&with_types("addr int int", "bool", r#"{"input":[[1,2,true],2],"output":[true]}"#));
    good(&with_types("any", "any", r#"{"input":[18446744073709551615],"output":[-9223372036854775808]}"#));
    good(&with_types(
        "int",
        "bool",
        r#"{"input":[1],"output":[-1]},{"input":[2],"output":[0]},{"input":[3],"output":[false]}"#,
    ));
    good(&with_types("char", "int", r#"{"input":[1114111],"output":[true]}"#));
    good(&with_types("", "", r#"{"input":[],"output":[]}"#));
    good(&with_types(
        "int",
        "int",
        r#"{"input":[1],"output":[],"throws":-10},{"input":[2],"output":null,"throws":3}"#,
    ));
}

#[test]
fn booleans_become_flags() {
    let spec = good(&with_types("bool int", "bool", r#"{"input":[true,false],"output":[false]}"#));
    assert_eq!(spec.tests[0].input[..], [Value::Cell(-1), Value::Cell(0)]);
    assert_eq!(spec.tests[0].output[..], [Value::Cell(0)]);
}

#[test]
fn fields_are_known_by_name() {
    check_with(r#""properties":[],"propertys":[]"#, r#"WM011 "propertys" W"#);
    check_with(r#""propertys":[]"#, r#"WM011 "propertys" E"#);
    check_with(r#""test_case":[]"#, r#"WM011 "test_case" E"#);
    check_with(r#""tests":[]"#, r#"WM011 "tests" E"#);
    check_with(r#""descripton":"d""#, r#"WM011 "descripton" W"#);
    check_with(r#""zebra":{"a":[1,2.5,null]}"#, r#"WM011 "zebra" W"#);
    check_with(r#""tags":[]"#, r#"WM011 "tags" W"#);
    check_with(r#""uses":[],"uses":[]"#, r#"WM005 "uses" E"#);
    check_with(r#""zebra":1,"zebra":2"#, r#"WM011 "zebra" W | WM005 "zebra" E"#);
    check_with(r#""metadata":{"a":1,"a":2}"#, r#"WM005 "a" E"#);
    check_with(r#""implementation":{"cod":"dup"}"#, r#"WM011 "cod" E"#);
    check_with(
        r#""test_cases":[{"inputs":[1,2],"expected":[3]}]"#,
        r#"WM011 "inputs" E | WM011 "expected" E"#,
    );
    check_with(r#""test_cases":[{"input":[1,2],"throw":-10}]"#, r#"WM011 "throw" E"#);
    check(r#"{"wrod":"w","stack_effect":{"inputs":[],"output":[]}}"#, r#"WM011 "wrod" E | WM011 "output" E"#);
    check("{}", "WM012 { E | WM012 { E");
    check(r#"{"word":"w","stack_effect":{}}"#, "WM012 { E | WM012 { E");
    check(
        r#"{"word":"w","stack_effect":{"inputs":[{}],"outputs":[]},"properties":["w(1) = 1"]}"#,
        "WM012 { E | WM024 1 W",
    );
    let hint = |text: &str| parse(text).diagnostics[0].suggestion.clone().unwrap_or_default();
    assert_eq!(hint(&with(r#""test_case":[]"#)), "did you mean \"test_cases\"?");
    assert_eq!(hint(&with(r#""tests":[]"#)), "did you mean \"test_cases\"?");
    assert_eq!(hint(&with(r#""Test-Cases":[]"#)), "did you mean \"test_cases\"?");
    assert_eq!(hint(&with(r#""tags":[]"#)), "it belongs into \"metadata\"");
    assert_eq!(hint(&with(r#""code":"dup""#)), "it belongs into \"implementation\"");
    assert_eq!(
        hint(&with(r#""metadata":{},"implementation":{"uses":[]}"#)),
        "\"uses\" stands in the specification itself"
    );
}

#[test]
fn values_have_kinds() {
    check_with(r#""description":5"#, "WM013 5 E");
    check_with(r#""description":["a"]"#, r#"WM013 ["a"] E"#);
    check_with(r#""properties":"a = b""#, r#"WM013 "a = b" E"#);
    check_with(r#""properties":[1,{}]"#, "WM013 1 E | WM013 {} E");
    check_with(r#""test_cases":{"input":[1,2],"output":[3]}"#, r#"WM013 {"input":[1,2],"output":[3]} E"#);
    check_with(r#""test_cases":[[1,2]]"#, "WM013 [1,2] E");
    check_with(r#""test_cases":[{"input":5,"output":[3]}]"#, "WM013 5 E");
    check_with(r#""test_cases":[{"input":[1,{}],"output":[3]}]"#, "WM013 {} E");
    check_with(r#""test_cases":[{"input":[1,null],"output":[3]}]"#, "WM013 null E");
    check_with(r#""test_cases":[{"input":null,"output":[3]}]"#, "WM013 null E");
    check_with(r#""test_cases":[{"input":[[1,"a"]],"output":[3]}]"#, r#"WM013 "a" E"#);
    check_with(r#""test_cases":[{"input":[[[1]]],"output":[3]}]"#, "WM013 [1] E");
    check_with(r#""metadata":[]"#, "WM013 [] E");
    check_with(r#""metadata":{"tags":"x"}"#, r#"WM013 "x" E"#);
    check(r#"{"word":5,"stack_effect":{"inputs":[],"outputs":[]}}"#, "WM013 5 E");
    check(r#"{"word":null,"stack_effect":{"inputs":[],"outputs":[]}}"#, "WM013 null E");
    check(r#"{"word":"w","stack_effect":"( -- )"}"#, r#"WM013 "( -- )" E"#);
    check(r#"{"word":"w","stack_effect":{"inputs":["int"],"outputs":[]},"uses":[]}"#, r#"WM013 "int" E"#);
    check(r#"{"word":"w","stack_effect":{"inputs":{},"outputs":[]}}"#, "WM013 {} E");
    check("[]", "WM010 [] E");
    check("5", "WM010 5 E");
    check("\"square\"", "WM010 \"square\" E");
    let hint = |part: &str| parse(&with(part)).diagnostics[0].suggestion.clone().unwrap_or_default();
    assert_eq!(hint(r#""test_cases":[{"input":5,"output":[3]}]"#), "write [5]");
    assert_eq!(hint(r#""description":5"#), "write \"5\"");
}

#[test]
fn types_are_six() {
    check_test("integer", "int", r#"{"input":[1],"output":[1]}"#, r#"WM014 "integer" E"#);
    check_test("Int", "boolean", r#"{"input":[1],"output":[1]}"#, r#"WM014 "Int" E | WM014 "boolean" E"#);
    let hint = |ty: &str| {
        let entry = parse(&with_types(ty, "", r#"{"input":[1],"output":[]}"#));
        entry.diagnostics[0].suggestion.clone().unwrap_or_default()
    };
    assert_eq!(hint("integer"), "did you mean \"int\"?");
    assert_eq!(hint("Uint"), "did you mean \"uint\"?");
    assert_eq!(hint("flag"), "did you mean \"bool\"?");
    assert_eq!(hint("adr"), "did you mean \"addr\"?");
    assert_eq!(hint("frobnicate"), "the types are int, uint, bool, char, addr and any");
}

#[test]
fn tests_fit_the_stack_effect() {
    check_with(r#""test_cases":[{"input":[1],"output":[3]}]"#, "WM018 [1] E");
    check_with(r#""test_cases":[{"input":[1,2,3],"output":[3]}]"#, "WM018 [1,2,3] E");
    check_with(r#""test_cases":[{"input":[1,2],"output":[]}]"#, "WM018 [] E");
    check_with(
        r#""test_cases":[{"input":[1,2],"output":[3,4]},{"input":[1],"output":[]}]"#,
        "WM018 [3,4] E | WM018 [1] E | WM018 [] E",
    );
    check_with(r#""heldout_cases":[{"input":[1],"output":[3]}]"#, "WM018 [1] E");
    check_with(r#""test_cases":[{"input":["ab"],"output":[3]}]"#, r#"WM030 "ab" W"#);
    check_with(r#""test_cases":[{"input":["ab",1],"output":[3]}]"#, r#"WM018 ["ab",1] E"#);
    check_with(r#""test_cases":[{"input":[[1,2]],"output":[3]}]"#, "WM030 [1,2] W");
    check_with(r#""test_cases":[{"input":[1,2]}]"#, "WM012 { E");
    check_with(r#""test_cases":[{"output":[1]}]"#, "WM012 { E");
    check_with(r#""test_cases":[{"input":[1,2],"output":[3],"throws":-1}]"#, "WM022 [3] E");
    check_with(r#""test_cases":[{"input":[1,2],"throws":0}]"#, "WM022 0 E");
    check_with(r#""test_cases":[{"input":[1,2],"prints":"x"}]"#, r#"WM012 { E"#);
    check_with(r#""test_cases":[{"input":[1,2],"output":[3],"prints":7}]"#, "WM013 7 E");
    check_with(r#""test_cases":[{"input":[1,2],"output":[3],"stdout":"x"}]"#, r#"WM011 "stdout" E"#);
    check_test("int", "", r#"{"input":[1],"prints":"1 "},{"input":[2],"output":[],"prints":""}"#, "");
    check_test("int", "", r#"{"input":[1],"throws":-9,"prints":"1 "}"#, "");
    check_test(
        "int",
        "",
        r#"{"input":[1],"prints":"1 "},{"input":[1],"prints":"2 "},{"input":[1],"output":[]}"#,
        r#"WM027 {"input":[1],"prints":"2 "} W"#,
    );
    check_with(r#""test_cases":[{"input":[1,2],"throws":"x"}]"#, r#"WM013 "x" E"#);
    check_with(r#""test_cases":[{"input":[1,2],"throws":1.5}]"#, "WM020 1.5 E");
    check_with(
        r#""test_cases":[{"input":[1,2],"throws":18446744073709551615}]"#,
        "WM019 18446744073709551615 E",
    );
    check_test("char", "int", r#"{"input":["A"],"output":[65]}"#, r#"WM018 ["A"] E"#);
    let entry = parse(&with_types("char", "int", r#"{"input":["A"],"output":[65]}"#));
    assert!(entry.diagnostics[0].suggestion.as_ref().is_some_and(|hint| hint.ends_with("write 65")));
    // Without a stack effect there is nothing to compare with.
    check(r#"{"word":"w","test_cases":[{"input":[1],"output":[3]}]}"#, "WM012 { E");
    // The order of the fields does not matter.
    check(
        r#"{"test_cases":[{"output":[3],"input":[1]}],"stack_effect":{"outputs":[],"inputs":[{"type":"int"}]},"word":"w"}"#,
        "WM018 [3] E",
    );
}

#[test]
fn numbers_fit_their_types() {
    let check = |types: (&str, &str), test: &str, expect: &str| check_test(types.0, types.1, test, expect);
    check(("int", "int"), r#"{"input":[9223372036854775808],"output":[1]}"#, "WM019 9223372036854775808 E");
    check(("int", "int"), r#"{"input":[1],"output":[-9223372036854775809]}"#, "WM019 -9223372036854775809 E");
    check(("uint", "int"), r#"{"input":[-1],"output":[1]}"#, "WM019 -1 E");
    check(
        ("uint", "int"),
        r#"{"input":[18446744073709551616],"output":[1]}"#,
        "WM019 18446744073709551616 E",
    );
    check(("char", "int"), r#"{"input":[1114112],"output":[1]}"#, "WM019 1114112 E");
    check(("char", "int"), r#"{"input":[true],"output":[1]}"#, "WM019 true E");
    check(("bool", "bool"), r#"{"input":[1],"output":[2]}"#, "WM021 1 E | WM021 2 E");
    check(
        ("bool", "bool"),
        r#"{"input":[18446744073709551615],"output":[-1]}"#,
        "WM021 18446744073709551615 E",
    );
    check(("int", "int"), r#"{"input":[3.0],"output":[1e3]}"#, "WM020 3.0 E | WM020 1e3 E");
    check(("addr uint", "int"), r#"{"input":[[1.5,3]],"output":[1]}"#, "WM020 1.5 E");
    check(("int", "int"), r#"{"input":[007],"output":[0x10]}"#, "WM002 007 E | WM002 0x10 E");
    check(("int", "int"), r#"{"input":[NaN],"output":[None]}"#, "WM002 NaN E | WM002 None E");
    let entry = parse(&with_types("int", "int", r#"{"input":[1e3],"output":[1]}"#));
    assert_eq!(entry.diagnostics[0].suggestion.as_deref(), Some("write 1000"));
    let entry = parse(&with_types("uint", "int", r#"{"input":[-2],"output":[1]}"#));
    assert!(
        entry.diagnostics[0].suggestion.as_ref().is_some_and(|hint| hint.contains("18446744073709551614"))
    );
}

#[test]
fn meaning_is_looked_at() {
    check(r#"{"word":"w","stack_effect":{"inputs":[],"outputs":[]}}"#, r#"WM026 "w" W"#);
    check(&SQUARE.replace("square", "two words"), r#"WM015 "two words" E"#);
    check(&SQUARE.replace("square", ""), r#"WM015 "" E"#);
    check(&SQUARE.replace("square", "a\\u0007"), r#"WM015 "a\u0007" E"#);
    check(&SQUARE.replace("square", "42"), r#"WM016 "42" W"#);
    check(
        r#"{"word":"w","stack_effect":{"inputs":[{"name":"n","type":"int"},{"name":"n","type":"int"}],"outputs":[{"type":"int","value":"2"}]}}"#,
        r#"WM029 "n" W"#,
    );
    check_with(
        r#""test_cases":[{"input":[2,1],"output":[3]},{"input":[2,1],"output":[4]}]"#,
        r#"WM027 {"input":[2,1],"output":[4]} W"#,
    );
    check_with(r#""test_cases":[{"input":[2,1],"output":[3]},{"input":[2,1],"output":[3]}]"#, "");
    let many = vec![r#"{"type":"int"}"#; 17].join(",");
    check(
        &format!(
            r#"{{"word":"w","stack_effect":{{"inputs":[{many}],"outputs":[]}},"properties":["1 = 1"]}}"#
        ),
        r#"WM017 {"type":"int"} E"#,
    );
}

/// Checks a specification `( n -- m )` with a constraint, a value and tests.
fn check_expressions(constraint: &str, value: &str, properties: &str, tests: &str, expect: &str) {
    let text = format!(
        r#"{{"word":"w","stack_effect":{{"inputs":[{{"name":"n","type":"int","constraint":"{constraint}"}}],"outputs":[{{"name":"m","type":"int","value":"{value}"}}]}},"properties":[{properties}],"test_cases":[{tests}]}}"#
    );
    check(&text, expect);
}

#[test]
fn expressions_are_held_against_the_tests() {
    let square = r#"{"input":[3],"output":[9]}"#;
    check_expressions("n >= 0", "n*n", r#""w(n) >= 0", "w(0) = 0""#, square, "");
    check_expressions("n > 3", "n*n", "", square, "WM023 3 W");
    check_expressions("n >= 0", "n+n", "", square, "WM028 9 W");
    check_expressions("0 <= n <= 2", "n!", "", r#"{"input":[4],"output":[4]}"#, "WM023 4 W | WM028 4 W");
    check_expressions("n >= 0", "n*n", "", r#"{"input":[-3],"throws":-10},{"input":[2],"output":[4]}"#, "");
    // Overflow and division by zero say nothing.
    check_expressions(
        "10 / n > 0",
        "n*n",
        "",
        r#"{"input":[0],"output":[0]},{"input":[4294967296],"output":[0]}"#,
        "WM023 4294967296 W",
    );
    // Only what fits the stack effect is looked at.
    check_expressions("n > 3", "n*n", "", r#"{"input":[1,2],"output":[3]}"#, "WM018 [1,2] E");
    check_expressions("the number is fine", "n*n", "", square, "WM024 the W");
    check_expressions("n > 0", "n +* 2", "", square, "WM024 * W");
    check_expressions("n > 0", "n +*\\n 2", "", square, r#"WM024 "n +*\n 2" W"#);
    check_expressions("n > 0", "n*n", r#""w(n) is always positive""#, square, "WM024 positive W");
    let text = with(r#""properties":["1 = 1"],"heldout_cases":[{"input":[3,4],"output":[4]}]"#);
    check(&text.replace("a/0", "a"), "WM024 1 = 1 W | WM028 4 W");
}

#[test]
fn places_are_in_characters() {
    let entry = parse(&with(r#""description":"größe €","test_case":[]"#));
    assert_eq!(
        entry.diagnostics[0].place.column as usize,
        with("").chars().count() + r#""description":"größe €","#.chars().count()
    );
    assert_eq!(entry.place.column, 1);
    assert_eq!(parse("   [1]").place.column, 4);
    let entry = parse_spec_line("{\"word\":\"ö\u{FFFD}".as_bytes(), "x", 3);
    assert_eq!((entry.diagnostics[0].place.line, entry.diagnostics[0].place.column), (3, 9));
}

#[test]
fn invalid_utf8_has_its_place() {
    let mut line = with("").into_bytes();
    line[10] = 0xF6;
    let entry = parse_spec_line(&line, "x.jsonl", 7);
    assert_eq!(entry.diagnostics.len(), 1);
    let diagnostic = &entry.diagnostics[0];
    assert_eq!((diagnostic.code.0, diagnostic.place.column, diagnostic.place.width), (6, 11, 1));
    assert!(diagnostic.suggestion.as_ref().is_some_and(|hint| hint.contains('ö')));
}

#[test]
fn words_are_kept_where_the_text_is_json() {
    let word = |text: &str| parse(text).word;
    assert_eq!(word(SQUARE).as_deref(), Some("square"));
    assert_eq!(word(&with(r#""test_cases":5"#)).as_deref(), Some("w"));
    assert_eq!(word(&with(r#""test_cases":["#)), None);
    assert_eq!(word(&with(r#""uses":[],"#)), None);
    assert_eq!(word("{}"), None);
}

#[test]
fn findings_of_one_record_are_bounded() {
    let tests = vec![r#"{"input":[1],"output":[3]}"#; 500].join(",");
    let entry = parse(&with(&format!(r#""test_cases":[{tests}]"#)));
    assert_eq!(entry.diagnostics.len(), 21);
    assert_eq!(entry.diagnostics[20].code.0, 34);
    assert!(entry.diagnostics[20].message.starts_with("480 more"));
}

/// Bytes of a good specification are changed, dropped, doubled and mixed: never a panic, and always a specification or a
/// reason.
#[test]
fn mutated_bytes_give_a_specification_or_a_reason() {
    let seeds = [
        SQUARE.to_owned(),
        with(
            r#""uses":["é"],"test_cases":[{"input":[[1,2]],"output":[-3],"tags":["a\n"]},{"input":[1,2],"throws":-10}],"metadata":{"tags":[],"x":{"y":[1.5e3]}}"#,
        ),
    ];
    let interesting = b"{}[]\",:\\'-+.0189eEuntf/*#\x00\x01\n\r\t \x7f\x80\xc3\xff\xf0";
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = move |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % n
    };
    let (mut n_good, mut n_bad) = (0, 0);
    for round in 0..20_000 {
        let mut bytes = seeds[round % seeds.len()].clone().into_bytes();
        for _ in 0..=next(4) {
            let at = next(bytes.len());
            match next(5) {
                0 => bytes[at] = interesting[next(interesting.len())],
                1 => bytes[at] = next(256) as u8,
                2 => drop(bytes.remove(at)),
                3 => bytes.insert(at, interesting[next(interesting.len())]),
                _ => {
                    let end = (at + 1 + next(30)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    let to = next(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
        let entry = parse_spec_line(&bytes, "fuzz", 1);
        let has_error = entry.diagnostics.iter().any(|d| d.severity == Severity::Error);
        assert_eq!(entry.spec.is_none(), has_error, "{:?}", String::from_utf8_lossy(&bytes));
        assert!(entry.diagnostics.len() <= 21);
        if entry.spec.is_some() {
            n_good += 1;
            serde_json::from_slice::<serde_json::Value>(&bytes)
                .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&bytes)));
        } else {
            n_bad += 1;
        }
    }
    assert!(n_good > 300 && n_bad > 5_000, "{n_good} {n_bad}");
}
