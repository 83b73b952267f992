//! `wordmill check`.

use super::*;

const GOOD: &str = r#"{"word": "square", "stack_effect": {"inputs": [{"name": "n", "type": "int"}], "outputs": [{"name": "r", "type": "int"}]}, "test_cases": [{"input": [5], "output": [25]}]}"#;

#[test]
fn good_specifications_end_with_0() {
    let folder = folder();
    write(folder.path(), "specs/a.json", GOOD);
    let ran = wordmill(folder.path(), &["check", "specs"]).expect(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", "1 specification in 1 file: 1 valid\n"));
    assert_eq!(wordmill(folder.path(), &["check", "specs", "-q"]).expect(0).stderr, "");
}

#[test]
fn findings_go_to_standard_output_and_errors_end_with_1() {
    let folder = folder();
    let misspelt = GOOD.replace("stack_effect", "stack_efect");
    write(folder.path(), "a.jsonl", &format!("{GOOD}\n{misspelt}\n{{\"word\": \"x\n{GOOD}\n"));
    let ran = wordmill(folder.path(), &["check", "a.jsonl"]).expect(1);
    for needle in
        ["--> a.jsonl:2:20\n", "did you mean \"stack_effect\"?", "--> a.jsonl:3:10\n", "error[WM003]"]
    {
        assert!(ran.stdout.contains(needle), "{needle}: {}", ran.stdout);
    }
    assert!(
        ran.stdout.contains("the word `square` is specified more than once, first at a.jsonl:1"),
        "{}",
        ran.stdout
    );
    assert!(ran.stderr.starts_with("4 specifications in 1 file: 2 valid, 2 invalid, "), "{}", ran.stderr);
    let lines =
        wordmill(folder.path(), &["check", "a.jsonl", "--message-format", "json"]).expect(1).json_lines();
    assert!(lines.iter().any(|line| line["line"] == 3 && line["severity"] == "error"), "{lines:?}");
    assert!(lines.iter().all(|line| line["file"] == "a.jsonl"), "{lines:?}");
    let github = wordmill(folder.path(), &["check", "a.jsonl", "--message-format=github"]).expect(1).stdout;
    assert!(
        github
            .lines()
            .all(|line| line.starts_with("::error file=a.jsonl,line=") || line.starts_with("::warning ")),
        "{github}"
    );
    let errors = wordmill(folder.path(), &["check", "a.jsonl", "-q"]).expect(1).stdout;
    assert!(!errors.contains("warning"), "{errors}");
}

#[test]
fn what_cannot_be_read_ends_with_2_and_nothing_with_4() {
    let folder = folder();
    write(folder.path(), "specs/readme.txt", "no specification");
    wordmill(folder.path(), &["check", "specs"]).expect(4);
    let missing = wordmill(folder.path(), &["check", "spec"]).expect(2);
    assert!(missing.stderr.contains("spec does not exist; did you mean specs?"), "{}", missing.stderr);
    wordmill(folder.path(), &["check", "specs/readme.txt"]).expect(2);
    let nothing = wordmill(folder.path(), &["check"]).expect(2);
    assert!(nothing.stderr.contains("run.paths"), "{}", nothing.stderr);
}

#[test]
fn paths_come_from_the_settings_where_none_are_named() {
    let folder = folder();
    write(folder.path(), "mine/a.json", GOOD);
    write(folder.path(), "config.toml", "[wordmill]\n[run]\npaths = [\"mine\"]\n");
    wordmill(folder.path(), &["check"]).expect(0);
    let mut with_variable = command(folder.path(), &["check"]);
    with_variable.env("WORDMILL_PATHS", "theirs");
    run(with_variable).expect(2);
}
