//! `wordmill library`, and `run --library`.

use super::*;

/// A sequence as a specification, from n = 1 on.
fn sequence(word: &str, value: impl Fn(i64) -> i64) -> String {
    let tests: Vec<String> =
        (1..=20).map(|n| format!(r#"{{"input":[{n}],"output":[{}]}}"#, value(n))).collect();
    let effect = r#"{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"y","type":"int"}]}"#;
    format!(r#"{{"word":"{word}","stack_effect":{effect},"test_cases":[{}]}}"#, tests.join(","))
}

/// No rule that the search knows, but for who has the word.
fn odd(n: i64) -> i64 {
    (n * 77 % 101) ^ (n * n % 13 * 5)
}

#[test]
fn verified_words_are_frozen_and_composed_over() {
    let folder = folder();
    let given = sequence("odd", odd).replace(
        "\"test_cases\"",
        "\"implementation\":{\"code\":\"dup 77 * 101 mod swap dup * 13 mod 5 * xor\"},\"test_cases\"",
    );
    write(folder.path(), "words.jsonl", &given);
    wordmill(folder.path(), &["run", "words.jsonl", "--out", "first"]).expect(0);
    let built = wordmill(folder.path(), &["library", "build", "first", "--to", "words.lib"]).expect(0);
    assert!(built.stderr.contains("1 of 1 verified word in words.lib"), "{}", built.stderr);
    write(folder.path(), "more.jsonl", &sequence("sums", |n| (1..=n).map(odd).sum::<i64>()));
    let budget = ["run", "more.jsonl", "--budget", "100000", "--fail-on", "never", "--out"];
    wordmill(folder.path(), &[&budget[..], &["without"]].concat()).expect(0);
    // The cache does not answer for another library.
    wordmill(folder.path(), &[&budget[..], &["with", "--library", "words.lib"]].concat()).expect(0);
    let outcome = |name: &str| -> serde_json::Value {
        let text = std::fs::read_to_string(folder.path().join(name).join("outcomes.jsonl")).unwrap();
        serde_json::from_str(text.trim()).unwrap()
    };
    assert_eq!(outcome("without")["status"], "unsolved");
    let with = outcome("with");
    assert_eq!((&with["status"], &with["strategy"]), (&"verified".into(), &"composition".into()));
    let code = with["code"].as_str().unwrap();
    assert!(
        code.starts_with(": (odd) ") && code.contains(": sums ( n -- y ) 0 swap 1+ 1 ?do i (odd) + loop ;"),
        "{code}"
    );
    let written = std::fs::read_dir(folder.path().join("with/code")).unwrap();
    let loads = written
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with("more.jsonl.fth"));
    let file = loads.expect("the code is written").to_string_lossy().into_owned();
    let ran = wordmill(folder.path(), &["forth", &file, "-e", "3 sums ."]).expect(0);
    assert_eq!(ran.stdout.trim(), (1..=3).map(odd).sum::<i64>().to_string());
}

#[test]
fn what_is_no_library_is_refused() {
    let folder = folder();
    write(folder.path(), "more.jsonl", &sequence("same", |n| n));
    write(folder.path(), "words.lib", "{}\n");
    let wrong = wordmill(folder.path(), &["run", "more.jsonl", "--library", "words.lib"]).expect(2);
    assert!(wrong.stderr.contains("cannot use the library words.lib"), "{}", wrong.stderr);
    let missing = wordmill(folder.path(), &["run", "more.jsonl", "--library", "none.lib"]).expect(2);
    assert!(missing.stderr.contains("cannot read the library none.lib"), "{}", missing.stderr);
    let wrong = wordmill(folder.path(), &["library", "build", "more.jsonl", "--to", "x"]).expect(2);
    assert!(wrong.stderr.contains("it has no `status`"), "{}", wrong.stderr);
}
