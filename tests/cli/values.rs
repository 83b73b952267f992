//! Tests with strings, arrays, exceptions and printed text, and supplied code of whole programs, from end to end.

use super::*;
use std::fs;

/// A record: word, inputs, outputs, tests, supplied code.
fn record(word: &str, inputs: &str, outputs: &str, tests: &str, code: &str) -> String {
    let side = |types: &str| {
        let item = |(at, ty): (usize, &str)| format!(r#"{{"name": "x{at}", "type": "{ty}"}}"#);
        types.split_whitespace().enumerate().map(item).collect::<Vec<_>>().join(", ")
    };
    format!(
        "{{\"word\": \"{word}\", \"stack_effect\": {{\"inputs\": [{}], \"outputs\": [{}]}}, {tests}, \"implementation\": {{\"code\": \"{code}\"}}}}\n",
        side(inputs),
        side(outputs)
    )
}

fn tests(cases: &str) -> String {
    format!("\"test_cases\": [{cases}]")
}

/// Records with what their supplied code is found to be, and why.
fn rich() -> Vec<(String, &'static str)> {
    let memory = "addr uint";
    vec![
        (
            record(
                "greet",
                "int",
                "",
                &tests(r#"{"input": [2], "prints": "2 "}, {"input": [-1], "output": [], "prints": "-1 "}"#),
                ".",
            ),
            "",
        ),
        (
            record("greet-line", "int", "", &tests(r#"{"input": [2], "prints": "2\n"}"#), "."),
            r#"2 -> nothing and prints "2 ", expected nothing and prints "2\n""#,
        ),
        (
            record("silent", "int", "int", &tests(r#"{"input": [2], "output": [2], "prints": ""}"#), "dup ."),
            r#"2 -> 2 and prints "2 ", expected 2 and prints """#,
        ),
        (
            record(
                "complain",
                "int",
                "",
                &tests(r#"{"input": [2], "throws": -24, "prints": "2 "}"#),
                ". -24 throw",
            ),
            "",
        ),
        (
            record("complain-other", "int", "", &tests(r#"{"input": [2], "throws": -24}"#), "-9 throw"),
            "2 -> invalid memory address (exception -9) at `throw` in `complain-other`, expected exception -24",
        ),
        (
            record(
                "capital",
                memory,
                memory,
                &tests(r#"{"input": ["abc"], "output": ["Abc"]}, {"input": [""], "output": [""]}"#),
                "dup if over dup c@ 32 - swap c! then",
            ),
            "",
        ),
        (
            record(
                "capital-wrong",
                memory,
                memory,
                &tests(r#"{"input": ["abc"], "output": ["Abd"]}"#),
                "over 65 swap c!",
            ),
            r#""abc" -> "Abc", expected "Abd""#,
        ),
        (
            record(
                "first-two",
                memory,
                memory,
                &tests(r#"{"input": [[1, 2, 3]], "output": [[1, 2]]}"#),
                "1-",
            ),
            "",
        ),
        (
            record(
                "all-but-one",
                memory,
                memory,
                &tests(r#"{"input": [[1, 2, 3]], "output": [[1, 2, 3]]}"#),
                "1-",
            ),
            "[1, 2, 3] -> [1, 2], expected [1, 2, 3]",
        ),
        (
            record(
                "nth-prime",
                "int",
                "int",
                &tests(r#"{"input": [0], "output": [2]}, {"input": [3], "output": [7]}"#),
                ": table create does> swap cells + @ ; table nth-prime 2 , 3 , 5 , 7 ,",
            ),
            "",
        ),
        (
            record(
                "count-calls",
                "",
                "int",
                &tests(r#"{"input": [], "output": [5]}, {"input": [], "output": [5]}"#),
                "variable n 4 n ! : count-calls 1 n +! n @ ;",
            ),
            "",
        ),
        (
            record(
                "sum-twice",
                memory,
                "int",
                &(tests(r#"{"input": [[1, 2, 3]], "output": [12]}"#)
                    + r#", "heldout_cases": [{"input": [[]], "output": [0]}, {"input": [[5]], "output": [11]}]"#),
                ": twice 2* ; : sum-twice 0 swap 0 ?do over i cells + @ twice + loop nip ;",
            ),
            "",
        ),
        (
            record(
                "length",
                memory,
                "uint",
                &tests(r#"{"input": ["abc"], "output": [3]}"#),
                "nip depth 1- +",
            ),
            r#""abc": with other cells below its inputs it does something else"#,
        ),
        (record("five", "", "int", &tests(r#"{"input": [], "output": [5]}"#), "5 constant five"), ""),
        (
            record("abs", "int", "int", &tests(r#"{"input": [-3], "output": [3]}"#), ": other ;"),
            "does not define abs",
        ),
    ]
}

fn outcomes(out: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(out.join("outcomes.jsonl")).expect("outcomes.jsonl");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn every_kind_of_value_is_judged_from_the_text_and_from_the_archive() {
    let folder = folder();
    let text: String = rich().into_iter().map(|(line, _)| line).collect();
    write(folder.path(), "rich.jsonl", &text);
    wordmill(folder.path(), &["check", "rich.jsonl"]).expect(0);
    wordmill(folder.path(), &["run", "rich.jsonl", "--out", "a", "--budget", "300"]).expect(1);
    let found = outcomes(&folder.path().join("a"));
    assert_eq!(found.len(), rich().len());
    for ((line, why), outcome) in rich().iter().zip(&found) {
        let given = &outcome["given"];
        match *why {
            "" => assert_eq!(given["status"], "verified", "{line}{outcome}"),
            why => assert_eq!(given["failing_test"], why, "{line}{outcome}"),
        }
    }
    let scored = found.iter().find(|outcome| outcome["word"] == "sum-twice").expect("there");
    assert_eq!((&scored["heldout_passed"], &scored["heldout_total"]), (&1.into(), &2.into()));

    wordmill(folder.path(), &["corpus", "build", "rich.jsonl", "--to", "archive"]).expect(0);
    wordmill(folder.path(), &["corpus", "verify", "archive"]).expect(0);
    let shown = wordmill(folder.path(), &["corpus", "show", "greet", "archive"]).expect(0).stdout;
    assert!(shown.contains("prints"), "{shown}");
    wordmill(folder.path(), &["run", "archive", "--out", "b", "--budget", "300", "--no-cache"]).expect(1);
    let read = |out: &str| fs::read(folder.path().join(out).join("outcomes.jsonl")).expect("outcomes.jsonl");
    assert!(read("a") == read("b"), "the archive gives other outcomes than the text");
}

#[test]
fn the_tests_that_are_written_out_say_what_is_printed_and_start_afresh() {
    let folder = folder();
    let good = rich().into_iter().filter(|(_, why)| why.is_empty()).map(|(line, _)| line);
    write(folder.path(), "rich.jsonl", &good.collect::<String>());
    wordmill(folder.path(), &["run", "rich.jsonl", "--out", "o"]).expect(0);
    let tests = fs::read_to_string(folder.path().join("o/code/rich.jsonl.test.fth")).expect("tests");
    for needle in [
        "\\ prints, to be compared by eye: \"2 \"\nT{ 2 greet -> }T\n",
        "T{ 2 ' complain CATCH NIP -> -24 }T\n",
        "T{ count-calls -> 5 }T\nvariable n 4 n ! : count-calls 1 n +! n @ ;\nT{ count-calls -> 5 }T\n",
    ] {
        assert!(tests.contains(needle), "{needle}\n{tests}");
    }
    // What is written out can be read back as specifications of the same words.
    let imported = wordmill(folder.path(), &["import", "-q", "o/code/rich.jsonl.test.fth"]);
    assert!(imported.stdout.contains(r#""word":"nth-prime""#), "{}", imported.stdout);
    if std::process::Command::new("gforth").arg("--version").output().is_err() {
        eprintln!("no gforth: the tests that were written out are not run by it");
        return;
    }
    let mut gforth = std::process::Command::new("timeout");
    gforth.args(["-s", "KILL", "60", "gforth", "./rich.jsonl.test.fth", "-e", "bye"]);
    let ran = run({
        gforth.current_dir(folder.path().join("o/code"));
        gforth
    });
    let n_tests = tests.matches("\nT{ ").count();
    assert!(ran.stdout.contains(&format!("{n_tests} tests, 0 failed")), "{}{}", ran.stdout, ran.stderr);
}
