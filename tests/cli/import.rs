//! `wordmill import`.

use super::*;

const SQUARES: &str = "\\ squares and cubes
S\" ttester.fs\" INCLUDED
: square ( n -- n*n ) dup * ;
T{ 5 square -> 25 }T
: cube ( n -- n*n*n ) dup square * ;
T{ 3 cube -> 27 }T
T{ -3 square -> 9 }T
T{ 7 2 - -> 5 }T
T{ 7 2 / -> 3 }T
T{ 1 0 ' / CATCH NIP NIP -> -10 }T
";

#[test]
fn test_files_become_specifications_that_run() {
    let folder = folder();
    write(folder.path(), "tests.fs", SQUARES);
    let ran = wordmill(folder.path(), &["import", "tests.fs"]).expect(0);
    assert_eq!(ran.stderr, "4 specifications from 6 of 6 tests\n");
    let lines = ran.json_lines();
    let words: Vec<_> = lines.iter().map(|line| line["word"].as_str().expect("a word")).collect();
    assert_eq!(words, ["square", "cube", "-", "/"]);
    assert_eq!(lines[0]["test_cases"].as_array().expect("tests").len(), 2);
    write(folder.path(), "specs.jsonl", &ran.stdout);
    wordmill(folder.path(), &["check", "specs.jsonl"]).expect(0);
    let ran = wordmill(folder.path(), &["run", "specs.jsonl", "--budget", "5000"]).expect(0);
    assert!(ran.stdout.contains("4 of 4 verified"), "{}", ran.stdout);
    assert!(ran.stdout.contains("given 2"), "{}", ran.stdout);
}

#[test]
fn what_is_passed_over_is_told_with_its_place() {
    let folder = folder();
    write(folder.path(), "tests.fs", "T{ 2 double -> 4 }T\nT{ 2 double drop -> }T\n  T{ 3 double -> 6 }T");
    let ran = wordmill(folder.path(), &["import", "tests.fs"]).expect(1);
    assert_eq!(ran.json_lines().len(), 1);
    for needle in ["error[WM036]", "--> tests.fs:2:6\n", "1 specification from 2 of 3 tests, 1 passed over"] {
        assert!(ran.stderr.contains(needle), "{needle}: {}", ran.stderr);
    }
    let json = wordmill(folder.path(), &["import", "tests.fs", "--message-format", "json"]).expect(1).stderr;
    let found: serde_json::Value = serde_json::from_str(json.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&found["line"], &found["column"], &found["code"]), (&2.into(), &6.into(), &"WM036".into()));
}

#[test]
fn nothing_to_import_ends_with_4_and_unreadable_files_with_2() {
    let folder = folder();
    write(folder.path(), "empty.fs", ": square dup * ;");
    assert!(wordmill(folder.path(), &["import", "empty.fs"]).expect(4).stderr.contains("no test found"));
    assert!(wordmill(folder.path(), &["import", "none.fs"]).expect(2).stderr.contains("cannot read none.fs"));
    wordmill(folder.path(), &["import", "."]).expect(2);
    wordmill(folder.path(), &["import"]).expect(2);
}

#[test]
fn standard_input_is_a_file_too() {
    use std::io::Write;
    let folder = folder();
    let mut command = command(folder.path(), &["import", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(b"T{ 2 double -> 4 }T").expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).starts_with(r#"{"word":"double""#));
}
